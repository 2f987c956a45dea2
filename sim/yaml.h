/* yaml.h: YAML text -> a tree that knows where each of its nodes stands.
 *
 * libyaml reads; this adds what a hostile or careless file needs: bounds on
 * size, depth and number of nodes (aliases are copied, so an alias bomb meets
 * the bound), no duplicate keys, no tags, no anchor without use, one document. */
#ifndef SIM_YAML_H
#define SIM_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/arena.h"
#include "sim/errors.h"

#define YAML_SIZE (8u << 20) /* bytes of a file: a latency matrix of 1,000 regions fits */
#define YAML_NODES                                                                                 \
    300000u            /* nodes after copying aliases, about 130 bytes each: 500 regions fit       \
                        */
#define YAML_DEPTH 32u /* lists and maps inside one another */

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node;

struct yaml_item {
    struct yaml_node *key; /* NULL in a list */
    struct yaml_node *value;
};

struct yaml_node {
    enum yaml_kind kind;
    bool standard; /* nobody wrote it: filled in from the schema */
    struct error_place place;
    const char *text; /* YAML_TEXT, "" otherwise */
    uint32_t count, room;
    struct yaml_item *items;
    int64_t number, high; /* what the schema read in text; high: the end of a range */
};

/* Why a path cannot be read as a file, or NULL: a device or a pipe may never
 * end. */
const char *yaml_obstacle(const char *path);

/* Nodes of a tree. */
uint32_t yaml_size(const struct yaml_node *node);

/* Reads a whole file.  Returns its text (NUL-terminated, in the arena) or NULL
 * and an error about source. */
char *yaml_load(struct arena *arena, const char *path, const struct error_source *source,
                size_t *length, struct errors *errors);

/* Parses source->text + skip (length bytes, on one line if skip > 0: columns
 * count from the start of the text).  Returns the tree, in the arena, or NULL
 * and at least one error.  An empty document is an error. */
struct yaml_node *yaml_parse(struct arena *arena, const struct error_source *source, size_t skip,
                             size_t length, struct errors *errors);

/* Of a map: the value under key, or NULL. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* Appends; in a map under key (kept), in a list with key NULL. */
void yaml_add(struct arena *arena, struct yaml_node *parent, struct yaml_node *key,
              struct yaml_node *value);

struct yaml_node *yaml_new(struct arena *arena, enum yaml_kind kind, const char *text,
                           const struct error_place *place);

/* A deep copy that shares texts. */
struct yaml_node *yaml_copy(struct arena *arena, const struct yaml_node *node);

/* "text", "a list", "a map": for messages. */
const char *yaml_kind_name(enum yaml_kind kind);

/* JSON, scalars as strings, on one line. */
char *yaml_to_json(struct arena *arena, const struct yaml_node *node);

#endif
