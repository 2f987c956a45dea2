/* schema.h: every key that a file of Mist may hold: one table.
 *
 * It drives validation, defaults, units, --set, `mistsim explain-key`,
 * scenarios/schema.json and the key reference in scenarios/README.md. */
#ifndef SIM_SCHEMA_H
#define SIM_SCHEMA_H

#include <stdint.h>
#include <stdio.h>

#include "sim/yaml.h"

/* X(KIND, form): the form stands in the reference of keys. */
#define SCHEMA_KINDS(X)                                                                            \
    X(TEXT, "text")                                                                                \
    X(NAME, "name")                                                                                \
    X(WORD, "word")                                                                                \
    X(WORDS, "word or list of words")                                                              \
    X(NAMES, "name or list of names")                                                              \
    X(SWITCH, "on or off")                                                                         \
    X(COUNT, "whole number")                                                                       \
    X(TIME, "time, `30 s`")                                                                        \
    X(TIME_RANGE, "times, `10 ms..200 ms`")                                                        \
    X(SHARE, "share, `5%`")                                                                        \
    X(DECIMAL, "number, `0.61`")                                                                   \
    X(RATE, "rate, `1/min`")                                                                       \
    X(SIZE, "size, `200 B`")                                                                       \
    X(BANDWIDTH, "bandwidth, `20 Mbit/s`")                                                         \
    X(FILE, "file, relative to this one")                                                          \
    X(MAP, "map")                                                                                  \
    X(LIST, "list of maps")                                                                        \
    X(FREE, "map, names of the core")                                                              \
    X(ADDRESSES, "address or list of addresses")                                                   \
    X(NAT, "nat")                                                                                  \
    X(EXPECT, "map of metric to bound")                                                            \
    X(COMPARE, "map of metric to margin")                                                          \
    X(SWEEP, "map of path to list of values")                                                      \
    X(TABLE, "list of lists of times")

#define SCHEMA_ENUM(kind, form) SCHEMA_##kind,
enum schema_kind { SCHEMA_KINDS(SCHEMA_ENUM) SCHEMA_KIND_COUNT };

enum schema_need { NEED_OPTIONAL, NEED_REQUIRED, NEED_LATER /* not yet supported */ };

struct schema_map;

struct schema_key {
    const char *name;
    enum schema_kind kind;
    enum schema_need need;
    const char *standard; /* the default as it would be written, or NULL: none */
    int64_t low, high; /* of the integer that the text stands for; both 0: any.  LIST: of items */
    const char *const *words, *const *later_words; /* WORD, WORDS; NULL-terminated, or NULL */
    const struct schema_map *inside;               /* MAP; LIST: of each item */
    const char *doc, *example;
};

struct schema_map {
    const char *doc;
    const struct schema_key *keys;
    uint32_t count;
    uint32_t alternatives; /* exactly one of the first so many keys must stand; 0: no such rule */
};

extern const struct schema_map SCHEMA_SCENARIO; /* scenarios/X.yaml */
extern const struct schema_map SCHEMA_CHURN;    /* inside: `churn` */
extern const struct schema_map SCHEMA_FAULT;    /* inside: `faults` */
extern const struct schema_map SCHEMA_REGIONS;  /* scenarios/latency/X.yaml */
extern const struct schema_map SCHEMA_PROFILE;  /* nat-models/profiles/X.yaml */
extern const struct schema_map SCHEMA_BOXES;    /* nat-models/populations/X.yaml */

/* Checks a document against a map, fills in defaults (marked standard) and
 * reads every text into its node's number (and high): ns, parts per million,
 * events per 10^6 s, bytes, bits/s, 0 or 1, the position of a word.  Errors are
 * added; a document without new errors can be read without further questions. */
void schema_check(const struct schema_map *map, struct yaml_node *document, struct arena *arena,
                  struct errors *errors);

/* The key that a path such as "network.loss" or "population.0.count" names, or
 * NULL. */
const struct schema_key *schema_find(const struct schema_map *map, const char *path);

const char *schema_form(enum schema_kind kind);

/* Calls use for each key, those inside after their own: "population",
 * "population.*.name". */
void schema_walk(const struct schema_map *map,
                 void (*use)(void *data, const char *path, const struct schema_key *key),
                 void *data);

/* Writes the JSON Schema (draft 2020-12) of scenarios. */
void schema_print_json(FILE *out);

/* Writes what a key means, in a few lines. */
void schema_explain(const struct schema_key *key, const char *path, FILE *out);

/* Writes the reference of keys as a Markdown table. */
void schema_print_markdown(FILE *out);

#endif
