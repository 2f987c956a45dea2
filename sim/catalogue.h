/* catalogue.h: which boxes a scenario's `nat` stands for: profiles, populations
 * and chains of nat-models/, or knobs written in place.
 *
 * Formats: nat-models/README.md.  A knob may be a list (one value is drawn per
 * box) or { min, median, max } (a time is drawn: half of the boxes below the
 * median, half above, each half uniform in the logarithm). */
#ifndef SIM_CATALOGUE_H
#define SIM_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat-models/nat.h"
#include "sim/yaml.h"

#define CATALOGUE_CHAIN 8 /* most boxes in a row: six homes inside homes is already a joke */

struct catalogue;
struct catalogue_box; /* how to draw one box */

struct catalogue_chain { /* inside first; count 0: no box at all */
    uint64_t weight;
    uint32_t count;
    const struct catalogue_box *boxes[CATALOGUE_CHAIN];
};

struct catalogue_nat {
    uint32_t count;
    uint64_t weight; /* of all chains */
    struct catalogue_chain *chains;
};

/* Looks for nat-models/ in folder and the folders above it, in the working
 * directory and beside the program.  Files are read when they are first named
 * and live in the arena. */
struct catalogue *catalogue_open(struct arena *arena, const char *folder);

/* Resolves the value of a key `nat`.  The result lives in arena.  NULL after
 * an error. */
const struct catalogue_nat *catalogue_nat(struct catalogue *c, struct arena *arena,
                                          const struct yaml_node *nat, const char *path,
                                          struct errors *errors);

/* The names of all profiles, sorted; returns how many. */
uint32_t catalogue_profiles(struct catalogue *c, const char *const **names);

enum catalogue_shelf { CATALOGUE_PROFILES, CATALOGUE_POPULATIONS };

/* The names of all profiles or populations, sorted; they live in arena. */
uint32_t catalogue_names(const struct catalogue *c, struct arena *arena, enum catalogue_shelf shelf,
                         const char ***names);

/* The file of one, as it is written, checked by its schema; lives as long as
 * the catalogue.  NULL after an error. */
struct yaml_node *catalogue_document(struct catalogue *c, enum catalogue_shelf shelf,
                                     const struct yaml_node *name, struct errors *errors);

/* Is there a profile of that name? */
bool catalogue_has_profile(struct catalogue *c, const char *name);

/* Draws one of the chains, keyed by (seed, entity). */
const struct catalogue_chain *catalogue_draw(const struct catalogue_nat *nat, uint64_t seed,
                                             uint32_t entity);

/* Draws the knobs of a box, keyed by (seed, entity, level in its chain).
 * Returns 0, or -1 with a message when the drawn knobs do not fit together. */
int catalogue_policy(const struct catalogue_box *box, uint64_t seed, uint32_t entity,
                     uint32_t level, struct nat_policy *policy, char *error, size_t size);

/* The profile's name, or NULL when the box is called by its knobs. */
const char *catalogue_profile(const struct catalogue_box *box);

/* What an observer takes it for, as its profile says, or NULL: for what it is. */
const char *catalogue_looks(const struct catalogue_box *box);

/* The knobs that are not drawn: for checks of what a file can hold at all. */
const struct nat_policy *catalogue_fixed(const struct catalogue_box *box);

/* Uniform in the logarithm between low and high; bits: 32 random ones. */
int64_t catalogue_between(int64_t low, int64_t high, uint32_t bits);

#endif
