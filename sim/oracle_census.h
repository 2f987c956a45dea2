/* oracle_census.h: what the dials of a run could have reached, by pair of NAT
 * labels: the mean over the dials that were made, so that what was achieved can
 * stand beside it.  Hosts fall into few classes; the oracle is asked once for
 * each pair of them.  The budget is ORACLE_BUDGET. */
#ifndef SIM_ORACLE_CENSUS_H
#define SIM_ORACLE_CENSUS_H

#include "sim/oracle.h"

#define ORACLE_CENSUS_LABELS 64 /* dials of further labels are not counted */

/* Dials from one label to another. */
struct oracle_pair {
    const char *src_nat, *dst_nat; /* the plan's */
    uint64_t dials;
    double plain, best;              /* means */
    enum oracle_technique technique; /* that is best for most of the dials */
};

struct oracle_census;

/* Keeps the plan. */
struct oracle_census *oracle_census_open(const struct plan *plan);
void oracle_census_close(struct oracle_census *c);

/* Counts a dial between two hosts of the plan. */
void oracle_census_dial(struct oracle_census *c, uint32_t src, uint32_t dst);

/* Fills *pair for the i-th pair of labels that was dialled; false: there are
 * no more. */
bool oracle_census_pair(const struct oracle_census *c, uint32_t i, struct oracle_pair *pair);

#endif
