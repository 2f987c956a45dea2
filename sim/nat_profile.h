/* nat_profile.h: a profile of the catalogue as people are told of it: its texts,
 * each knob with its value and where that was said, and the requirements that
 * its boxes break. */
#ifndef SIM_NAT_PROFILE_H
#define SIM_NAT_PROFILE_H

#include <stddef.h>

#include "sim/catalogue.h"
#include "sim/nat_rules.h"

struct nat_profile_knob {
    const char *key;
    const char *value;  /* as it is written; a list or { min, median, max }: drawn per box */
    const char *origin; /* the profile that says it, or "default" */
};

struct nat_profile {
    const char *name, *doc, *source;
    const char *assumed, *looks, *like; /* NULL: it says nothing of it */
    bool carrier;                       /* RFC 6888 speaks of it */
    uint32_t knob_count;
    const struct nat_profile_knob *knobs; /* all, in the translator's order, no aliases */
    const struct catalogue_box *box;
};

/* Reads one by its name.  Lives in arena; NULL after an error. */
const struct nat_profile *nat_profile_read(struct catalogue *catalogue, struct arena *arena,
                                           const char *name, struct errors *errors);

/* The value of a knob, "eim". */
const char *nat_profile_value(const struct nat_profile *p, const char *key);

/* How many boxes must be looked at to know them all: the combinations of what is drawn;
 * of a timer both ends, since no requirement asks for one in between. */
uint32_t nat_profile_boxes(const struct nat_profile *p);

/* The knobs of the i-th of them, as a script's key `nat` takes them:
 * "{ like: cgn_fixed, block: 512 }".  CHECKs that size is enough. */
void nat_profile_write_box(const struct nat_profile *p, uint32_t i, char *text, size_t size);

/* The verdict on all of its boxes: SOME where draws decide. */
enum nat_conformance nat_profile_judge(const struct nat_profile *p, const struct nat_rule *rule);

#endif
