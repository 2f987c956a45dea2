/* catalogue_box.c: reads the knobs of a box and draws them; see catalogue.h. */
#include "sim/catalogue_box.h"

#include <stdio.h>
#include <string.h>

#include "sim/catalogue.h"
#include "sim/draw.h"
#include "sim/value.h"
#include "stack/check.h"

#define ERROR_SIZE    400 /* bytes of a message about a knob */
#define KEYS          100 /* knobs of the translator, at most */
#define ITEMS         64  /* of a list or map that is one value */
#define LEVEL_SHIFT   40  /* of a draw's index: level, then the key's hash */
#define CHAIN_INDEX   0   /* the draw of the chain itself */
#define LONGEST_TIMER (24 * 3600 * INT64_C(1000)) /* ms: keeps products of two in 64 bits */

struct catalogue_box *catalogue_box_new(struct arena *arena, const struct catalogue_box *like)
{
    struct catalogue_box *box = arena_take(arena, sizeof *box);
    if (!like) {
        box->fixed = nat_policy_default();
        return box;
    }
    *box = *like;
    box->profile = NULL;
    box->looks = NULL;
    box->room = like->count; /* full: the next knob moves the list, and like keeps its own */
    return box;
}

const char *catalogue_profile(const struct catalogue_box *box)
{
    return box->profile;
}

const char *catalogue_looks(const struct catalogue_box *box)
{
    return box->looks;
}

const struct nat_policy *catalogue_fixed(const struct catalogue_box *box)
{
    return &box->fixed;
}

static struct catalogue_knob *add_knob(struct arena *arena, struct catalogue_box *box)
{
    if (box->count == box->room) {
        box->room = box->room ? box->room * 2 : 4;
        struct catalogue_knob *knobs = arena_take(arena, box->room * sizeof *knobs);
        if (box->count)
            memcpy(knobs, box->knobs, box->count * sizeof *knobs);
        box->knobs = knobs;
    }
    return &box->knobs[box->count++];
}

/* "[9000, 10900]", "{reply_and_age: 2 s}": lists and maps as one value.  What is
 * too long for any knob is cut, which no knob takes. */
static const char *write_value(struct arena *arena, const struct yaml_node *node)
{
    if (node->kind == YAML_TEXT)
        return node->text;
    const char *text = node->kind == YAML_LIST ? "[" : "{";
    for (uint32_t i = 0; i < node->count; i++) {
        const struct yaml_item *item = &node->items[i];
        text =
            arena_format(arena, "%s%s%s%s%s", text, i ? ", " : "", item->key ? item->key->text : "",
                         item->key ? ": " : "", write_value(arena, item->value));
    }
    return arena_format(arena, "%s%s", text, node->kind == YAML_LIST ? "]" : "}");
}

static bool known_key(const char *key)
{
    const char *values, *name;
    for (uint32_t i = 0; (name = nat_policy_key(i, &values)); i++)
        if (strcmp(name, key) == 0)
            return true;
    return false;
}

static void complain_key(const struct yaml_node *key, const char *path, struct errors *errors)
{
    const char *names[KEYS], *values;
    uint32_t count = 0;
    while (count < KEYS && (names[count] = nat_policy_key(count, &values)))
        count++;
    const char *near = errors_suggest(key->text, names, count);
    errors_add(errors, &key->place, path, "expected the name of a NAT's knob, got `%s`%s%s%s",
               key->text, near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
}

/* What a knob takes, for people: "eim, adm or apdm", "a time such as `30 s`".  words: the
 * single ones, if the knob takes nothing else. */
static const char *describe_values(struct arena *arena, const char *values, const char *words[KEYS],
                                   uint32_t *count)
{
    static const char *const plain[][2] = {
        {"time", "a time such as `30 s`"},
        {"count", "a whole number from 1"},
        {"count|none", "a whole number from 1, or none"},
        {"off|on|no|yes|false|true", "on or off"},
    };
    *count = 0;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(plain[i][0], values) == 0)
            return plain[i][1];
    if (strpbrk(values, "{[ "))
        return values;
    const char *text = "";
    for (const char *word = values; *word && *count < KEYS;) {
        size_t length = strcspn(word, "|");
        const char *glue = *count == 0 ? "" : word[length] ? ", " : " or ";
        words[(*count)++] = arena_text(arena, word, length);
        text = arena_format(arena, "%s%s%s", text, glue, words[*count - 1]);
        word += length + (word[length] == '|');
    }
    return text;
}

static void complain_value(const char *key, const char *text, const struct yaml_node *at,
                           const char *path, struct errors *errors)
{
    const char *words[KEYS], *values = "", *name;
    struct arena scratch = {0};
    uint32_t count;
    for (uint32_t i = 0; (name = nat_policy_key(i, &values)) && strcmp(name, key) != 0;)
        i++;
    const char *expected = describe_values(&scratch, values, words, &count);
    const char *near = errors_suggest(text, words, count);
    errors_add(errors, &at->place, path, "expected %s, got `%s`%s%s%s", expected, text,
               near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
    arena_free(&scratch);
}

/* Would the translator take this value?  The message goes to the value's place. */
static bool try_value(const struct catalogue_box *box, const char *key, const char *text,
                      const struct yaml_node *at, const char *path, struct errors *errors)
{
    struct nat_policy trial = box->fixed;
    char error[ERROR_SIZE];
    if (nat_policy_set(&trial, key, text, error, sizeof error) == 0)
        return true;
    complain_value(key, text, at, path, errors);
    return false;
}

static bool add_fixed(struct arena *arena, struct catalogue_box *box, const char *key,
                      const char *text)
{
    char error[ERROR_SIZE];
    if (box->count == 0)
        return nat_policy_set(&box->fixed, key, text, error, sizeof error) == 0;
    struct catalogue_knob *knob = add_knob(arena, box);
    const char **values = arena_take(arena, sizeof *values);
    values[0] = text;
    *knob = (struct catalogue_knob){.key = key, .count = 1, .values = values};
    return true;
}

static bool read_choice(struct arena *arena, struct catalogue_box *box, const char *key,
                        const struct yaml_node *list, const char *path, struct errors *errors)
{
    const char **values = arena_take(arena, (list->count + 1) * sizeof *values);
    if (list->count == 0) {
        errors_add(errors, &list->place, path, "expected values to draw from, got an empty list");
        return false;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const struct yaml_node *value = list->items[i].value;
        values[i] = write_value(arena, value);
        if (!try_value(box, key, values[i], value, path, errors))
            return false;
    }
    struct catalogue_knob *knob = add_knob(arena, box);
    *knob = (struct catalogue_knob){.key = key, .count = list->count, .values = values};
    return true;
}

static bool read_timer(const struct yaml_node *triple, const char *name, int64_t *ms,
                       const char *path, struct errors *errors)
{
    const struct yaml_node *node = yaml_get(triple, name);
    int64_t ns;
    if (node && node->kind == YAML_TEXT && !value_time(node->text, &ns) && ns >= 1000000 &&
        ns / 1000000 <= LONGEST_TIMER) {
        *ms = ns / 1000000;
        return true;
    }
    errors_add(errors, node ? &node->place : &triple->place, path,
               "expected %s: a time from 1 ms to 1 d, got %s", name,
               !node                     ? "none"
               : node->kind == YAML_TEXT ? node->text
                                         : yaml_kind_name(node->kind));
    return false;
}

static bool read_triple(struct arena *arena, struct catalogue_box *box, const char *key,
                        const struct yaml_node *triple, const char *path, struct errors *errors)
{
    struct catalogue_knob knob = {.key = key};
    if (!read_timer(triple, "min", &knob.low, path, errors) ||
        !read_timer(triple, "median", &knob.median, path, errors) ||
        !read_timer(triple, "max", &knob.high, path, errors))
        return false;
    if (triple->count != 3 || knob.low > knob.median || knob.median > knob.high) {
        errors_add(errors, &triple->place, path,
                   "expected { min: A, median: B, max: C } with A <= B <= C");
        return false;
    }
    if (!try_value(box, key, yaml_get(triple, "min")->text, triple, path, errors))
        return false;
    *add_knob(arena, box) = knob;
    return true;
}

/* A list is one value if the translator takes it so (`range`), else a choice. */
static bool is_one_value(const struct catalogue_box *box, const char *key, const char *text)
{
    struct nat_policy trial = box->fixed;
    char error[ERROR_SIZE];
    return nat_policy_set(&trial, key, text, error, sizeof error) == 0;
}

static bool read_knob(struct arena *arena, struct catalogue_box *box, const struct yaml_item *item,
                      const char *path, struct errors *errors)
{
    const char *key = item->key->text;
    const struct yaml_node *value = item->value;
    if (!known_key(key)) {
        complain_key(item->key, path, errors);
        return false;
    }
    const char *inside = arena_format(arena, "%s.%s", path, key);
    if (yaml_get(value, "min") || yaml_get(value, "median") || yaml_get(value, "max"))
        return read_triple(arena, box, key, value, inside, errors);
    const char *text = write_value(arena, value);
    if (value->kind == YAML_LIST && !is_one_value(box, key, text))
        return read_choice(arena, box, key, value, inside, errors);
    return try_value(box, key, text, value, inside, errors) && add_fixed(arena, box, key, text);
}

static bool is_among(const char *const *words, const char *word)
{
    for (; words && *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

bool catalogue_box_set(struct arena *arena, struct catalogue_box *box,
                       const struct yaml_node *knobs, const char *const *but, const char *path,
                       struct errors *errors)
{
    bool fine = true;
    for (int pass = 0; pass < 2; pass++) /* `idle` sets every timer, so it comes first */
        for (uint32_t i = 0; i < knobs->count; i++) {
            const char *key = knobs->items[i].key->text;
            bool first = strcmp(key, "idle") == 0;
            if (first == (pass == 0) && !is_among(but, key) && strncmp(key, "x-", 2) != 0)
                fine = read_knob(arena, box, &knobs->items[i], path, errors) && fine;
        }
    char error[ERROR_SIZE];
    if (fine && box->count == 0 && nat_policy_check(&box->fixed, error, sizeof error) != 0) {
        errors_add(errors, &knobs->place, path, "%s", error);
        return false;
    }
    return fine;
}

/* FNV-1a: a knob's draw hangs on its name, not on its place in the file. */
static uint64_t key_index(const char *key, uint32_t level)
{
    uint32_t hash = 2166136261u;
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return ((uint64_t)(level + 1) << LEVEL_SHIFT) | hash;
}

/* floor(sqrt(n)), by bits from the top. */
static uint64_t square_root(uint64_t n)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= n)
            root += bit;
    return root;
}

int64_t catalogue_between(int64_t low, int64_t high, uint32_t bits)
{
    for (int i = 31; i >= 0 && high - low > 1; i--) {
        int64_t middle = (int64_t)square_root((uint64_t)low * (uint64_t)high);
        if (bits >> i & 1)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int draw_time(const struct catalogue_knob *knob, uint64_t random, struct nat_policy *policy,
                     char *error, size_t size)
{
    char text[32];
    bool above = random >> 63;
    int64_t ms = catalogue_between(above ? knob->median : knob->low,
                                   above ? knob->high : knob->median, (uint32_t)random);
    (void)snprintf(text, sizeof text, "%lld ms", (long long)ms);
    return nat_policy_set(policy, knob->key, text, error, size);
}

int catalogue_policy(const struct catalogue_box *box, uint64_t seed, uint32_t entity,
                     uint32_t level, struct nat_policy *policy, char *error, size_t size)
{
    *policy = box->fixed;
    for (uint32_t i = 0; i < box->count; i++) {
        const struct catalogue_knob *knob = &box->knobs[i];
        uint64_t random = draw_u64(seed, entity, DRAW_BOX_KIND, key_index(knob->key, level));
        int result;
        if (knob->count)
            result = nat_policy_set(policy, knob->key,
                                    knob->values[draw_scale(random, knob->count)], error, size);
        else
            result = draw_time(knob, random, policy, error, size);
        if (result)
            return result;
    }
    return nat_policy_check(policy, error, size);
}

const struct catalogue_chain *catalogue_draw(const struct catalogue_nat *nat, uint64_t seed,
                                             uint32_t entity)
{
    uint64_t point = draw_below(seed, entity, DRAW_BOX_KIND, CHAIN_INDEX, nat->weight);
    uint32_t i = 0;
    while (point >= nat->chains[i].weight)
        point -= nat->chains[i++].weight;
    CHECK(i < nat->count);
    return &nat->chains[i];
}
