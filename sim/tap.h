/* tap.h: hosts of the behaviour `tap`: a TAP device of this machine stands where a
 * host of the plan would, and a real one, with its own kernel and programs, is on it.
 *
 * The device is called like the population and the number therein: "daemon0".  The
 * real machine has the host's address alone, and TAP_GATEWAY for its router. */
#ifndef SIM_TAP_H
#define SIM_TAP_H

#include <stdio.h>

#include "sim/plan.h"

#define TAP_NAME       16                   /* bytes of a device's name, NUL included (IFNAMSIZ) */
#define TAP_GATEWAY_IP UINT32_C(0xa9fe0001) /* 169.254.0.1: valid on one link alone, RFC 3927 */

static inline bool tap_is(const struct plan *plan, uint32_t place)
{
    return place < plan->host_count &&
           plan->populations[plan->hosts[place].population].behaviour == BEHAVIOUR_TAP;
}

/* Returns the length of the whole name, which fits if it is below TAP_NAME. */
static inline int tap_name(const struct plan_population *p, uint32_t number, char name[TAP_NAME])
{
    return snprintf(name, TAP_NAME, "%s%u", p->name, (unsigned)number);
}

/* Writes how to join the plan's taps: addresses, routes and where to bootstrap.
 * Nothing where it has none. */
void tap_tell(const struct plan *plan, FILE *file);
/* Says so if the simulation fell so far behind the clock that it is seen in figures. */
void tap_tell_late(mist_time late, FILE *file);

#endif
