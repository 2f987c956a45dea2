/* schema.c: checks a tree against the table of keys; see schema.h. */
#include "sim/schema.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim/value.h"
#include "stack/check.h"

#define NAME_LONGEST  64   /* characters */
#define WORDS_LONGEST 1000 /* characters of a list of words in a message */
#define CANDIDATES    64   /* keys or words among which a suggestion is sought */

struct checker {
    struct arena *arena;
    struct errors *errors;
};

typedef void check_function(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                            const char *path);

static void check_map(struct checker *c, const struct schema_map *map, struct yaml_node *node,
                      const char *path);

static const struct error_source STANDARD = {"default", NULL};

const char *schema_form(enum schema_kind kind)
{
#define SCHEMA_FORM(name, form) form,
    static const char *const forms[] = {SCHEMA_KINDS(SCHEMA_FORM)};
    return forms[kind];
}

static const char *join_path(struct checker *c, const char *path, const char *name)
{
    return *path ? arena_format(c->arena, "%s.%s", path, name) : name;
}

/* "a, b or c" */
static void join_words(char out[WORDS_LONGEST], const char *const *words, uint32_t count)
{
    size_t used = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < count && used < WORDS_LONGEST; i++) {
        const char *glue = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        int printed = snprintf(out + used, WORDS_LONGEST - used, "%s%s", glue, words[i]);
        CHECK(printed >= 0);
        used += (size_t)printed;
    }
}

static void complain(struct checker *c, const struct yaml_node *node, const char *path,
                     const char *expected)
{
    if (node->kind == YAML_TEXT)
        errors_add(c->errors, &node->place, path, "expected %s, got `%s`", expected, node->text);
    else
        errors_add(c->errors, &node->place, path, "expected %s, got %s", expected,
                   yaml_kind_name(node->kind));
}

/* Complains about one of a closed set, with a suggestion. */
static void complain_choice(struct checker *c, const struct yaml_node *node, const char *path,
                            const char *what, const char *const *words, uint32_t count)
{
    char list[WORDS_LONGEST];
    join_words(list, words, count);
    const char *near = errors_suggest(node->text, words, count);
    errors_add(c->errors, &node->place, path, "expected %s%s, got `%s`%s%s%s", what, list,
               node->text, near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
}

/* text is wanted; complains and returns 0 otherwise */
static int need_text(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                     const char *path)
{
    if (node->kind == YAML_TEXT)
        return 1;
    complain(c, node, path, schema_form(key->kind));
    return 0;
}

static void check_text(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                       const char *path)
{
    (void)need_text(c, key, node, path);
}

static int is_name(const char *text)
{
    size_t length = strlen(text);
    int digits = 1;
    for (const char *t = text; *t; t++) {
        if (!isalnum((unsigned char)*t) && *t != '_' && *t != '-')
            return 0;
        digits = digits && isdigit((unsigned char)*t);
    }
    return length > 0 && length <= NAME_LONGEST && !digits && text[0] != '-';
}

static void check_name(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                       const char *path)
{
    if (need_text(c, key, node, path) && !is_name(node->text))
        complain(c, node, path,
                 "a name of at most 64 letters, digits, `_` and `-`, not only digits");
}

static uint32_t count_words(const char *const *words)
{
    uint32_t count = 0;
    while (words && words[count])
        count++;
    return count;
}

static int find_word(const char *const *words, const char *text)
{
    for (int i = 0; words && words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return -1;
}

static void check_word(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                       const char *path)
{
    if (!need_text(c, key, node, path))
        return;
    int position = find_word(key->words, node->text);
    node->number = position;
    if (position >= 0)
        return;
    if (find_word(key->later_words, node->text) >= 0)
        errors_add(c->errors, &node->place, path, "`%s` is not yet supported", node->text);
    else
        complain_choice(c, node, path, "", key->words, count_words(key->words));
}

/* One text, or a list of texts. */
static void check_several(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                          const char *path, check_function *check)
{
    if (node->kind == YAML_TEXT) {
        check(c, key, node, path);
        return;
    }
    if (node->kind != YAML_LIST) {
        complain(c, node, path, schema_form(key->kind));
        return;
    }
    for (uint32_t i = 0; i < node->count; i++)
        check(c, key, node->items[i].value, path);
}

static void check_words(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                        const char *path)
{
    check_several(c, key, node, path, check_word);
}

static void check_names(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                        const char *path)
{
    check_several(c, key, node, path, check_name);
}

static const char *read_value(enum schema_kind kind, const char *text, int64_t *number,
                              int64_t *high)
{
    switch (kind) {
    case SCHEMA_SWITCH: return value_switch(text, number);
    case SCHEMA_COUNT: return value_count(text, number);
    case SCHEMA_TIME: return value_time(text, number);
    case SCHEMA_TIME_RANGE: return value_time_range(text, number, high);
    case SCHEMA_SHARE: return value_share(text, number);
    case SCHEMA_DECIMAL: return value_decimal(text, number);
    case SCHEMA_RATE: return value_rate(text, number);
    case SCHEMA_SIZE: return value_size(text, number);
    case SCHEMA_BANDWIDTH: return value_bandwidth(text, number);
    default: CHECK(kind == SCHEMA_COUNT); return NULL; /* the others have no value */
    }
}

/* A limit as a person would write it. */
static const char *write_value(struct checker *c, enum schema_kind kind, int64_t number)
{
    if (kind == SCHEMA_TIME || kind == SCHEMA_TIME_RANGE) {
        if (number % 86400000000000 == 0 && number)
            return arena_format(c->arena, "%lld d", (long long)(number / 86400000000000));
        if (number % 1000000000 == 0)
            return arena_format(c->arena, "%lld s", (long long)(number / 1000000000));
        if (number % 1000000 == 0)
            return arena_format(c->arena, "%lld ms", (long long)(number / 1000000));
        return arena_format(c->arena, "%lld ns", (long long)number);
    }
    if (kind == SCHEMA_DECIMAL)
        return arena_format(c->arena, "%g", (double)number / 1e6);
    return arena_format(c->arena, "%lld%s", (long long)number, kind == SCHEMA_SIZE ? " B" : "");
}

static void check_quantity(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                           const char *path)
{
    if (!need_text(c, key, node, path))
        return;
    const char *expected = read_value(key->kind, node->text, &node->number, &node->high);
    if (expected) {
        complain(c, node, path, expected);
        return;
    }
    int64_t largest = key->kind == SCHEMA_TIME_RANGE ? node->high : node->number;
    if (key->high && key->low == key->high && node->number != key->low)
        complain(c, node, path, write_value(c, key->kind, key->low));
    else if (key->high && (node->number < key->low || largest > key->high))
        errors_add(c->errors, &node->place, path, "expected %s to %s, got `%s`",
                   write_value(c, key->kind, key->low), write_value(c, key->kind, key->high),
                   node->text);
    else if (node->number < key->low)
        errors_add(c->errors, &node->place, path, "expected at least %s, got `%s`",
                   write_value(c, key->kind, key->low), node->text);
}

static void check_inside(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                         const char *path)
{
    check_map(c, key->inside, node, path);
}

/* Items are called by their name where they have one, as --set does. */
static const char *item_path(struct checker *c, const char *path, const struct yaml_node *item,
                             uint32_t position)
{
    const struct yaml_node *name = yaml_get(item, "name");
    if (name && name->kind == YAML_TEXT && is_name(name->text))
        return join_path(c, path, name->text);
    return arena_format(c->arena, "%s.%u", path, position);
}

static void check_list(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                       const char *path)
{
    if (node->kind != YAML_LIST) {
        complain(c, node, path, schema_form(key->kind));
        return;
    }
    if (node->count > key->high)
        errors_add(c->errors, &node->place, path, "expected at most %lld items, got %u",
                   (long long)key->high, node->count);
    for (uint32_t i = 0; i < node->count && i < key->high; i++) {
        struct yaml_node *item = node->items[i].value;
        check_map(c, key->inside, item, item_path(c, path, item, i));
    }
}

/* The content is somebody else's to check. */
static void check_is_map(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                         const char *path)
{
    if (node->kind != YAML_MAP)
        complain(c, node, path, schema_form(key->kind));
}

static void check_nothing(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                          const char *path)
{
    (void)c;
    (void)key;
    (void)node;
    (void)path;
}

static void check_table_row(struct checker *c, struct yaml_node *row, const char *path)
{
    if (row->kind != YAML_LIST) {
        complain(c, row, path, "a list of times");
        return;
    }
    for (uint32_t i = 0; i < row->count; i++) {
        struct yaml_node *cell = row->items[i].value;
        const char *expected = "a time such as `30 ms`";
        if (cell->kind == YAML_TEXT)
            expected = value_time(cell->text, &cell->number);
        if (expected)
            complain(c, cell, path, expected);
    }
}

static void check_table(struct checker *c, const struct schema_key *key, struct yaml_node *node,
                        const char *path)
{
    if (node->kind != YAML_LIST) {
        complain(c, node, path, schema_form(key->kind));
        return;
    }
    for (uint32_t i = 0; i < node->count; i++)
        check_table_row(c, node->items[i].value, arena_format(c->arena, "%s.%u", path, i));
}

static check_function *const CHECKS[SCHEMA_KIND_COUNT] = {
    [SCHEMA_TEXT] = check_text,           [SCHEMA_NAME] = check_name,
    [SCHEMA_WORD] = check_word,           [SCHEMA_WORDS] = check_words,
    [SCHEMA_NAMES] = check_names,         [SCHEMA_SWITCH] = check_quantity,
    [SCHEMA_COUNT] = check_quantity,      [SCHEMA_TIME] = check_quantity,
    [SCHEMA_TIME_RANGE] = check_quantity, [SCHEMA_SHARE] = check_quantity,
    [SCHEMA_DECIMAL] = check_quantity,    [SCHEMA_RATE] = check_quantity,
    [SCHEMA_SIZE] = check_quantity,       [SCHEMA_BANDWIDTH] = check_quantity,
    [SCHEMA_FILE] = check_text,           [SCHEMA_MAP] = check_inside,
    [SCHEMA_LIST] = check_list,           [SCHEMA_FREE] = check_is_map,
    [SCHEMA_NAT] = check_nothing,         [SCHEMA_EXPECT] = check_is_map,
    [SCHEMA_SWEEP] = check_is_map,        [SCHEMA_TABLE] = check_table,
    [SCHEMA_ADDRESSES] = check_nothing,   [SCHEMA_COMPARE] = check_is_map,
};

static const struct schema_key *find_key(const struct schema_map *map, const char *name)
{
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i].name, name) == 0)
            return &map->keys[i];
    return NULL;
}

static void complain_unknown(struct checker *c, const struct schema_map *map,
                             const struct yaml_node *name, const char *path)
{
    const char *names[CANDIDATES];
    uint32_t count = 0;
    for (uint32_t i = 0; i < map->count && count < CANDIDATES; i++)
        if (map->keys[i].need != NEED_LATER)
            names[count++] = map->keys[i].name;
    complain_choice(c, name, path, "one of the keys ", names, count);
}

static void check_keys(struct checker *c, const struct schema_map *map, struct yaml_node *node,
                       const char *path)
{
    for (uint32_t i = 0; i < node->count; i++) {
        const struct yaml_node *name = node->items[i].key;
        const struct schema_key *key = find_key(map, name->text);
        if (strncmp(name->text, "x-", 2) == 0)
            continue; /* free for notes and anchors */
        if (!key)
            complain_unknown(c, map, name, path);
        else if (key->need == NEED_LATER)
            errors_add(c->errors, &name->place, path, "`%s` is not yet supported", name->text);
        else
            CHECKS[key->kind](c, key, node->items[i].value, join_path(c, path, key->name));
    }
}

static void check_alternatives(struct checker *c, const struct schema_map *map,
                               const struct yaml_node *node, const char *path)
{
    const char *names[CANDIDATES];
    uint32_t present = 0;
    for (uint32_t i = 0; i < map->alternatives; i++) {
        names[i] = map->keys[i].name;
        present += yaml_get(node, names[i]) != NULL;
    }
    if (map->alternatives == 0 || present == 1)
        return;
    char list[WORDS_LONGEST];
    join_words(list, names, map->alternatives);
    errors_add(c->errors, &node->place, path, "expected exactly one of %s, got %u of them", list,
               present);
}

static struct yaml_node *make_standard(struct checker *c, const struct schema_key *key)
{
    struct error_place place = {&STANDARD, 0, 0, 0};
    struct yaml_node *node;
    if (key->standard[0] == '{' || key->standard[0] == '[') {
        struct error_source *source = arena_take(c->arena, sizeof *source);
        *source = (struct error_source){STANDARD.name, key->standard};
        node = yaml_parse(c->arena, source, 0, strlen(key->standard), c->errors);
        CHECK(node);
    } else {
        node = yaml_new(c->arena, YAML_TEXT, key->standard, &place);
    }
    node->standard = true;
    return node;
}

static void add_missing(struct checker *c, const struct schema_map *map, struct yaml_node *node,
                        const char *path)
{
    struct error_place place = {&STANDARD, 0, 0, 0};
    for (uint32_t i = 0; i < map->count; i++) {
        const struct schema_key *key = &map->keys[i];
        if (yaml_get(node, key->name))
            continue;
        if (key->need == NEED_REQUIRED)
            errors_add(c->errors, &node->place, path, "expected the key `%s`, got none", key->name);
        if (key->standard)
            yaml_add(c->arena, node, yaml_new(c->arena, YAML_TEXT, key->name, &place),
                     make_standard(c, key));
    }
}

static void check_map(struct checker *c, const struct schema_map *map, struct yaml_node *node,
                      const char *path)
{
    if (node->kind != YAML_MAP) {
        complain(c, node, path, "a map of keys");
        return;
    }
    check_alternatives(c, map, node, path);
    add_missing(c, map, node, path);
    check_keys(c, map, node, path);
}

void schema_check(const struct schema_map *map, struct yaml_node *document, struct arena *arena,
                  struct errors *errors)
{
    struct checker c = {arena, errors};
    check_map(&c, map, document, "");
}

const struct schema_key *schema_find(const struct schema_map *map, const char *path)
{
    const struct schema_key *key = NULL;
    bool in_list = false; /* the next word names an item, by position or name */
    while (*path) {
        char name[NAME_LONGEST + 1];
        size_t length = strcspn(path, ".");
        if (length > NAME_LONGEST)
            return NULL;
        memcpy(name, path, length);
        name[length] = 0;
        path += length + (path[length] == '.');
        if (in_list) {
            in_list = false;
            continue;
        }
        key = map ? find_key(map, name) : NULL;
        if (!key)
            return NULL;
        map = key->inside;
        in_list = key->kind == SCHEMA_LIST;
    }
    return key;
}
