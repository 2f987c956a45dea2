/* guard.h: what may be sent to an address that has not asked for it.
 *
 * Probes go to where others say that a peer is, and others may lie.  So an address has a
 * budget at this node, over all who name it: however many introducers, dialers and
 * identities name one victim, it hears from this node no more than that.  Small as long
 * as it is doubtful; larger when an introducer saw the peer there and the peer itself
 * says so, too, or when somebody there has proved to be one of us.  Not counted are
 * answers, which are no longer than their questions, and sprays, whose target echoed a
 * token. */
#ifndef MIST_GUARD_H
#define MIST_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/addr.h"
#include "stack/units.h"

#define GUARD_TARGETS 64 /* remembered; of more than that the one counted longest is forgotten */
#define GUARD_SPAN    MINUTES(10) /* budgets are for that long: protocol notes, attack A3 */

struct guard_target {
    uint8_t ip[16];
    uint8_t family; /* 0: free */
    bool proved;
    uint16_t sent;
    mist_time since;
};

struct guard_limits {
    uint32_t doubtful, vouched; /* packets to one address in GUARD_SPAN */
    uint32_t node;              /* doubtful ones, to all together */
};

struct guard {
    struct guard_limits limits;
    uint32_t used, doubtful;
    mist_time since; /* of `doubtful` */
    struct guard_target targets[GUARD_TARGETS];
};

/* May so many packets more go there?  If so they are counted. */
bool guard_may(struct guard *g, mist_time now, const struct addr *to, bool vouched,
               uint32_t packets);
/* A node of the overlay has proved that it is there. */
void guard_proved(struct guard *g, mist_time now, const struct addr *at);

#endif
