/* yaml_json.c: writes a tree as one line of JSON; used for the cell of a sweep. */
#include "sim/yaml.h"

#include <stdio.h>
#include <string.h>

#include "stack/check.h"

struct writer {
    char *out; /* NULL: only measures */
    size_t used;
};

static void put(struct writer *w, const char *text, size_t length)
{
    if (w->out)
        memcpy(w->out + w->used, text, length);
    w->used += length;
}

static void put_string(struct writer *w, const char *text)
{
    put(w, "\"", 1);
    for (; *text; text++) {
        char escape[8];
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            put(w, escape, (size_t)snprintf(escape, sizeof escape, "\\%c", byte));
        else if (byte < 0x20)
            put(w, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", byte));
        else
            put(w, text, 1);
    }
    put(w, "\"", 1);
}

static void put_node(struct writer *w, const struct yaml_node *node)
{
    if (node->kind == YAML_TEXT) {
        put_string(w, node->text);
        return;
    }
    put(w, node->kind == YAML_MAP ? "{" : "[", 1);
    for (uint32_t i = 0; i < node->count; i++) {
        if (i)
            put(w, ",", 1);
        if (node->items[i].key) {
            put_string(w, node->items[i].key->text);
            put(w, ":", 1);
        }
        put_node(w, node->items[i].value);
    }
    put(w, node->kind == YAML_MAP ? "}" : "]", 1);
}

char *yaml_to_json(struct arena *arena, const struct yaml_node *node)
{
    struct writer measure = {0};
    put_node(&measure, node);
    struct writer w = {arena_take(arena, measure.used + 1), 0};
    put_node(&w, node);
    CHECK(w.used == measure.used);
    return w.out;
}
