/* scenario_path.c: finds the place in a scenario that a dotted path names; used
 * by --set and by sweeps. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario_parts.h"
#include "stack/check.h"

#define ITEMS 64 /* names of list items among which a suggestion is sought */

struct walk {
    struct arena *arena;
    struct errors *errors;
    const struct error_place *place;
    const char *path; /* the whole, for messages */
};

/* Keys may hold dots themselves (metrics under `expect` and `compare`): the longest key of
 * the map that the rest of the path begins with, or NULL. */
static struct yaml_item *find_longest(const struct yaml_node *map, const char *rest)
{
    struct yaml_item *best = NULL;
    size_t longest = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        const char *key = map->items[i].key->text;
        size_t length = strlen(key);
        if (length > longest && strncmp(rest, key, length) == 0 &&
            (rest[length] == '.' || rest[length] == 0)) {
            best = &map->items[i];
            longest = length;
        }
    }
    return best;
}

/* The keys of these maps are paths and metrics: dots do not part them. */
static bool keys_hold_dots(const struct yaml_node *root, const struct yaml_node *map)
{
    return map == yaml_get(root, "sweep") || map == yaml_get(root, "expect") ||
           map == yaml_get(root, "compare");
}

static struct yaml_item *add_key(struct walk *w, struct yaml_node *map, const char *key,
                                 size_t length)
{
    struct yaml_node *name =
        yaml_new(w->arena, YAML_TEXT, arena_text(w->arena, key, length), w->place);
    yaml_add(w->arena, map, name, yaml_new(w->arena, YAML_MAP, "", w->place));
    return &map->items[map->count - 1];
}

static struct yaml_item *find_item(struct walk *w, struct yaml_node *list, const char *name,
                                   size_t length)
{
    const char *names[ITEMS];
    uint32_t count = 0;
    char *word = arena_text(w->arena, name, length);
    char *end;
    unsigned long position = strtoul(word, &end, 10);
    if (isdigit((unsigned char)*word) && *end == 0 && position < list->count)
        return &list->items[position];
    for (uint32_t i = 0; i < list->count; i++) {
        const struct yaml_node *own = yaml_get(list->items[i].value, "name");
        if (own && strcmp(own->text, word) == 0)
            return &list->items[i];
        if (own && count < ITEMS)
            names[count++] = own->text;
    }
    const char *near = errors_suggest(word, names, count);
    errors_add(w->errors, w->place, w->path,
               "expected the name of an item or a position from 0 to %d, got `%s`%s%s%s",
               (int)list->count - 1, word, near ? " (did you mean `" : "", near ? near : "",
               near ? "`?)" : "");
    return NULL;
}

bool scenario_path_set(struct yaml_node *root, const char *path, struct yaml_node *value,
                       struct arena *arena, const struct error_place *place, struct errors *errors)
{
    struct walk w = {arena, errors, place, path};
    struct yaml_node *node = root;
    struct yaml_item *item = NULL;
    const char *rest = path;
    while (*rest) {
        size_t length = node && keys_hold_dots(root, node) ? strlen(rest) : strcspn(rest, ".");
        if (node->kind == YAML_LIST) {
            item = find_item(&w, node, rest, length);
        } else if (node->kind == YAML_MAP) {
            item = find_longest(node, rest);
            if (item)
                length = strlen(item->key->text);
            else if (length)
                item = add_key(&w, node, rest, length);
        } else {
            item = NULL;
        }
        if (!item || (rest[length] == '.' && rest[length + 1] == 0)) {
            if (node->kind == YAML_TEXT || item || !length)
                errors_add(errors, place, path, "expected the path of a key, got `%s`", path);
            return false;
        }
        rest += length + (rest[length] == '.');
        node = item->value;
    }
    if (!item) {
        errors_add(errors, place, path, "expected the path of a key, got nothing");
        return false;
    }
    item->value = value;
    return true;
}
