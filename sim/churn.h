/* churn.h: when each host is there and when it is away, by itself.
 *
 * A function of (seed, host, ordinal of the session) alone: nothing that happens
 * in a run moves it, so that two versions of the protocol meet the same churn.
 * It runs from time 0 on, in equilibrium: a host is there with probability
 * mean session / (mean session + mean downtime), and what is left of the session
 * or downtime in which time 0 finds it is drawn by lifetime_rest. */
#ifndef SIM_CHURN_H
#define SIM_CHURN_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/units.h"

struct plan;

struct churn_turn {
    bool there;
    uint32_t ordinal; /* of this session, or of the next one where it is away */
    mist_time until;  /* MIST_NEVER: for good */
};

/* The turn at time 0.  A host that does not come and go is there for good. */
void churn_begin(const struct plan *plan, uint32_t host, struct churn_turn *turn);

/* The turn that begins at turn->until, which is not MIST_NEVER. */
void churn_next(const struct plan *plan, uint32_t host, struct churn_turn *turn);

/* Does that session end with a goodbye? */
bool churn_says_goodbye(const struct plan *plan, uint32_t host, uint32_t ordinal);

#endif
