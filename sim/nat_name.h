/* nat_name.h: a NAT as people name it on a command line:
 *
 *     home_apdf                           a profile
 *     apdm/apdf/random                    its label; firewall/apdf, one_to_one,
 * nat64/eim/eif/random home_apdf>cgn_fixed                 a chain, inside first {like: home_apdf,
 * delta: 2}         as a scenario writes it
 */
#ifndef SIM_NAT_NAME_H
#define SIM_NAT_NAME_H

#include "sim/catalogue.h"

struct nat_named {
    const char *name;  /* as it was given */
    const char *looks; /* what an observer takes it for (catalogue_looks); NULL: for what it is */
    uint32_t count;    /* boxes, inside first */
    struct nat_policy policies[CATALOGUE_CHAIN];
};

/* Reads a name; what its profile leaves open is drawn, keyed by the seed.  *named keeps
 * the name and lives in the arena's time.  Returns false after an error. */
bool nat_name_read(struct catalogue *catalogue, struct arena *arena, const char *name,
                   uint64_t seed, struct nat_named *named, struct errors *errors);

#endif
