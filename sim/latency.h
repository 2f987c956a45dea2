/* latency.h: the empty network's delays, from the plan alone: for every engine. */
#ifndef SIM_LATENCY_H
#define SIM_LATENCY_H

#include <stdint.h>

#include "stack/units.h"

struct plan;
struct plan_network;

/* An attachment that the core sees, and where it is. */
struct latency_end {
    uint32_t attachment; /* outermost box (plan_places + box), or a host outside of all */
    uint32_t region;
};

/* The end of a host: its outermost box, or itself. */
struct latency_end latency_end(const struct plan *plan, uint32_t host);

/* One way through the core between two ends: half of the plan's round trip
 * (constant, drawn per unordered pair, or between their regions). */
mist_time latency_core(const struct plan_network *network, uint64_t seed, struct latency_end a,
                       struct latency_end b);

/* Round trip between two hosts without jitter, queues and size: 0 to itself,
 * ENGINE_LAN_RTT behind one innermost box, else both lines' delays and the core
 * (or, behind one outermost box, the turn in it). */
mist_time latency_ideal_rtt(const struct plan *plan, uint64_t seed, uint32_t a, uint32_t b);

#endif
