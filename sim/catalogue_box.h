/* catalogue_box.h: one box as its knobs are written; inside the catalogue. */
#ifndef SIM_CATALOGUE_BOX_H
#define SIM_CATALOGUE_BOX_H

#include "nat-models/nat.h"
#include "sim/yaml.h"

struct catalogue_knob { /* in the order in which they are set */
    const char *key;
    uint32_t count; /* values to draw from; 0: a time between low, median and high */
    const char **values;
    int64_t low, median, high; /* ms */
};

struct catalogue_box {
    const char *profile;     /* NULL: called by its knobs */
    const char *looks;       /* NULL: the profile does not say */
    struct nat_policy fixed; /* all up to the first knob that is drawn */
    uint32_t count, room;
    struct catalogue_knob *knobs; /* that one and what follows */
};

/* A box with the default knobs, or a copy of another. */
struct catalogue_box *catalogue_box_new(struct arena *arena, const struct catalogue_box *like);

/* Adds the knobs of a map.  Keys in `but` (NULL-terminated, may be NULL) are
 * somebody else's.  Returns false after an error. */
bool catalogue_box_set(struct arena *arena, struct catalogue_box *box,
                       const struct yaml_node *knobs, const char *const *but, const char *path,
                       struct errors *errors);

#endif
