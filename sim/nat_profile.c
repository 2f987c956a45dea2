/* nat_profile.c: see nat_profile.h. */
#include "sim/nat_profile.h"

#include <stdio.h>
#include <string.h>

#include "sim/catalogue_box.h"
#include "stack/check.h"

#define KNOBS      100     /* of the translator, at most */
#define LIKE_DEPTH 8       /* profiles like profiles */
#define ERROR_SIZE 400     /* bytes of a message about knobs */
#define BOXES_MOST 1000000 /* combinations of draws that are looked at */

#define CARRIER "cgn_" /* how the names of carriers' boxes begin */

/* The profile and those it is like, the most general last. */
struct lineage {
    uint32_t count;
    const struct yaml_node *documents[LIKE_DEPTH];
};

static const struct error_source COMMAND_LINE = {"the command line", NULL};

static bool read_lineage(struct catalogue *catalogue, struct arena *arena, const char *name,
                         struct lineage *l, struct errors *errors)
{
    struct error_place place = {&COMMAND_LINE, 0, 0, 1};
    const struct yaml_node *next = yaml_new(arena, YAML_TEXT, name, &place);
    for (l->count = 0; next && l->count < LIKE_DEPTH; l->count++) {
        const struct yaml_node *document =
            catalogue_document(catalogue, CATALOGUE_PROFILES, next, errors);
        if (!document)
            return false;
        l->documents[l->count] = document;
        next = yaml_get(document, "like");
    }
    return true;
}

/* ---- values ---- */

static const char *write_value(struct arena *arena, const struct yaml_node *node)
{
    if (node->kind == YAML_TEXT)
        return node->text;
    const char *text = node->kind == YAML_LIST ? "[" : "{ ";
    for (uint32_t i = 0; i < node->count; i++) {
        const struct yaml_item *item = &node->items[i];
        text =
            arena_format(arena, "%s%s%s%s%s", text, i ? ", " : "", item->key ? item->key->text : "",
                         item->key ? ": " : "", write_value(arena, item->value));
    }
    return arena_format(arena, "%s%s", text, node->kind == YAML_LIST ? "]" : " }");
}

/* Does the text set the knob to what it is by default? */
static bool is_default(const char *key, const char *text)
{
    struct nat_policy standard = nat_policy_default(), policy = standard;
    char error[ERROR_SIZE];
    return nat_policy_set(&policy, key, text, error, sizeof error) == 0 &&
           memcmp(&policy, &standard, sizeof policy) == 0;
}

/* The default as it would be written: one of the knob's words, or one of the
 * quantities that defaults are; "none" for what cannot be written. */
static const char *write_default(struct arena *arena, const char *key, const char *words)
{
    static const char *const quantities[] = {"none", "0 s", "120 s", "60 s",    "4 min",
                                             "24 h", "1",   "512",   "124 min", "[1024, 65535]"};
    while (*words) {
        size_t length = strcspn(words, "|");
        const char *word = arena_text(arena, words, length);
        if (is_default(key, word))
            return word;
        words += length + (words[length] == '|');
    }
    for (size_t i = 0; i < sizeof quantities / sizeof *quantities; i++)
        if (is_default(key, quantities[i]))
            return quantities[i];
    return "none";
}

/* ---- origins ---- */

/* A knob that sets other knobs, or the same as another. */
static const struct {
    const char *alias, *key;
} ALIASES[] = {
    {"idle", "udp_unreplied"},
    {"idle", "udp_established"},
    {"new_mappings", "new_mappings_per_s"},
};

static bool is_alias(const char *key)
{
    for (size_t i = 0; i < sizeof ALIASES / sizeof *ALIASES; i++)
        if (strcmp(ALIASES[i].alias, key) == 0)
            return true;
    return false;
}

/* What one profile itself says of the knob; the knob's own name goes first. */
static const struct yaml_node *said_by(const struct yaml_node *knobs, const char *key)
{
    const struct yaml_node *value = yaml_get(knobs, key);
    for (size_t i = 0; !value && i < sizeof ALIASES / sizeof *ALIASES; i++)
        if (strcmp(ALIASES[i].key, key) == 0)
            value = yaml_get(knobs, ALIASES[i].alias);
    return value;
}

static struct nat_profile_knob find_knob(struct arena *arena, const struct lineage *l,
                                         const char *key, const char *words)
{
    for (uint32_t i = 0; i < l->count; i++) {
        const struct yaml_node *value = said_by(yaml_get(l->documents[i], "knobs"), key);
        if (value)
            return (struct nat_profile_knob){key, write_value(arena, value),
                                             yaml_get(l->documents[i], "profile")->text};
    }
    return (struct nat_profile_knob){key, write_default(arena, key, words), "default"};
}

static void read_knobs(struct arena *arena, const struct lineage *l, struct nat_profile *p)
{
    struct nat_profile_knob *knobs = arena_take(arena, KNOBS * sizeof *knobs);
    const char *key, *words;
    for (uint32_t i = 0; (key = nat_policy_key(i, &words)); i++) {
        CHECK(p->knob_count < KNOBS);
        if (!is_alias(key))
            knobs[p->knob_count++] = find_knob(arena, l, key, words);
    }
    p->knobs = knobs;
}

static const char *text_of(const struct lineage *l, const char *key)
{
    const struct yaml_node *node = yaml_get(l->documents[0], key);
    return node ? node->text : NULL;
}

const struct nat_profile *nat_profile_read(struct catalogue *catalogue, struct arena *arena,
                                           const char *name, struct errors *errors)
{
    struct lineage l;
    struct error_place place = {&COMMAND_LINE, 0, 0, 1};
    if (!read_lineage(catalogue, arena, name, &l, errors))
        return NULL;
    const struct catalogue_nat *nat = catalogue_nat(
        catalogue, arena, yaml_new(arena, YAML_TEXT, name, &place), "profile", errors);
    if (!nat)
        return NULL;
    struct nat_profile *p = arena_take(arena, sizeof *p);
    *p = (struct nat_profile){
        .name = text_of(&l, "profile"),
        .doc = text_of(&l, "doc"),
        .source = text_of(&l, "source"),
        .assumed = text_of(&l, "assumed"),
        .looks = text_of(&l, "looks"),
        .like = text_of(&l, "like"),
        .carrier = strncmp(name, CARRIER, sizeof CARRIER - 1) == 0,
        .box = nat->chains[0].boxes[0],
    };
    read_knobs(arena, &l, p);
    return p;
}

const char *nat_profile_value(const struct nat_profile *p, const char *key)
{
    uint32_t i = 0;
    while (i < p->knob_count && strcmp(p->knobs[i].key, key) != 0)
        i++;
    CHECK(i < p->knob_count);
    return p->knobs[i].value;
}

/* ---- requirements ---- */

/* How many values of a drawn knob have to be looked at: all of a list, both ends
 * of a timer, since no requirement asks for one in between. */
static uint32_t extremes(const struct catalogue_knob *knob)
{
    return knob->count ? knob->count : 2;
}

#define DRAWN 40 /* bytes of a value */

/* What the i-th combination has for the knob that is drawn with the number `*rest`, which
 * becomes that of the next knob. */
static const char *value_of(const struct catalogue_knob *knob, uint32_t *rest, char text[DRAWN])
{
    uint32_t which = *rest % extremes(knob);
    *rest /= extremes(knob);
    if (knob->count)
        return knob->values[which];
    (void)snprintf(text, DRAWN, "%lld ms", (long long)(which ? knob->high : knob->low));
    return text;
}

static void set_draws(const struct catalogue_box *box, uint32_t number, struct nat_policy *policy)
{
    *policy = box->fixed;
    for (uint32_t i = 0; i < box->count; i++) {
        char text[DRAWN], error[ERROR_SIZE];
        const char *value = value_of(&box->knobs[i], &number, text);
        CHECK(nat_policy_set(policy, box->knobs[i].key, value, error, sizeof error) == 0);
    }
}

uint32_t nat_profile_boxes(const struct nat_profile *p)
{
    uint32_t boxes = 1;
    for (uint32_t i = 0; i < p->box->count; i++) {
        boxes *= extremes(&p->box->knobs[i]);
        CHECK(boxes <= BOXES_MOST);
    }
    return boxes;
}

/* A profile's own knob stands behind that of the one it is like. */
static bool is_overridden(const struct catalogue_box *box, uint32_t knob)
{
    for (uint32_t i = knob + 1; i < box->count; i++)
        if (strcmp(box->knobs[i].key, box->knobs[knob].key) == 0)
            return true;
    return false;
}

void nat_profile_write_box(const struct nat_profile *p, uint32_t i, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "{ like: %s", p->name);
    for (uint32_t k = 0; k < p->box->count; k++) {
        char drawn[DRAWN];
        const char *value = value_of(&p->box->knobs[k], &i, drawn);
        CHECK(used < size);
        if (is_overridden(p->box, k))
            continue;
        used += (size_t)snprintf(text + used, size - used, ", %s: %s", p->box->knobs[k].key, value);
    }
    CHECK(used + sizeof " }" <= size);
    (void)snprintf(text + used, size - used, " }");
}

enum nat_conformance nat_profile_judge(const struct nat_profile *p, const struct nat_rule *rule)
{
    uint32_t boxes = nat_profile_boxes(p), seen[NAT_CONFORMANCE_COUNT] = {0};
    for (uint32_t i = 0; i < boxes; i++) {
        struct nat_policy policy;
        set_draws(p->box, i, &policy);
        seen[nat_rule_judge(rule, &policy, p->carrier)]++;
    }
    if (seen[NAT_RULE_OUTSIDE] == boxes)
        return NAT_RULE_OUTSIDE;
    if (seen[NAT_RULE_BREAKS] == 0)
        return NAT_RULE_MEETS;
    return seen[NAT_RULE_MEETS] ? NAT_RULE_SOME : NAT_RULE_BREAKS;
}
