/* oracle_mix.h: the hosts that a `nat` stands for, as few classes: a profile
 * whose knobs are drawn and a population are a mix of boxes, but most of them
 * meet the other side alike. */
#ifndef SIM_ORACLE_MIX_H
#define SIM_ORACLE_MIX_H

#include "sim/catalogue.h"
#include "sim/oracle.h"

#define ORACLE_LABEL (RULE_CHAIN * (NAT_LABEL + 1)) /* bytes */

/* Of its kind the chain whose holes need most datagrams stands for the class. */
struct oracle_class {
    double weight; /* share of the hosts */
    struct oracle_side side;
    struct rule_kind kinds[RULE_CHAIN];
    struct rule_chain chain;
    struct nat_policy policies[RULE_CHAIN];
    char label[ORACLE_LABEL]; /* "none", "eim/apdf/preserve>apdm/apdf/random" */
};

struct oracle_mix {
    uint32_t count, room;
    struct oracle_class **classes; /* in the arena */
};

/* Draws boxes for each chain that the nat may stand for.  Returns 0, or -1 with
 * a message when drawn knobs do not fit together. */
int oracle_mix_draw(struct oracle_mix *mix, struct arena *arena, const struct catalogue_nat *nat,
                    const struct oracle_budget *budget, char *error, size_t size);

#endif
