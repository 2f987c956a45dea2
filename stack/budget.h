/* budget.h: who may have how much of something per second, in memory that no crowd fills.
 *
 * A sketch (Cormode, Muthukrishnan 2005: count-min): everybody has one counter in each
 * of two rows and is over the limit when both counters are, so that who shares a counter
 * with a flood is not punished for it unless it shares both (one in BUDGET_ROW squared).
 * Rows are salted: nobody can choose whom to share with. */
#ifndef MIST_BUDGET_H
#define MIST_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/units.h"

#define BUDGET_ROW 32

struct budget_count {
    uint32_t second, spent;
};

struct budget {
    uint64_t salt; /* drawn by the owner */
    struct budget_count counts[2][BUDGET_ROW];
};

/* Takes one of `limit` per second for `who`, a number that names it.  False: it had all. */
bool budget_take(struct budget *b, mist_time now, uint64_t who, uint32_t limit);

#endif
