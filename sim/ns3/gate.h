/* gate.h: how a real machine stands in the place of a host (sim/tap.h):
 *
 *   machine -- TAP -- router -- gate -- up, as any host's
 *
 * The router has ns-3's IP and ARP; the gate marks what comes as the place's. */
#ifndef NS3_GATE_H
#define NS3_GATE_H

#include "sim/ns3/ns3c.h"
#include "sim/plan.h"

struct gate {
    void *data; /* of the hook */
    uint32_t place;
    uint32_t up, in; /* ports of the gate: outward, and to the router */
};

/* EXIT_FINE; EXIT_INPUT where a tap has neighbours in its LAN, EXIT_LACKING where its
 * device cannot be made: why, in error. */
int gates_fit(const struct plan *plan, char *error, int error_size);

/* Makes router and device for g->place, whose node is the gate and has its port g->up. */
void gate_build(struct gate *g, struct ns3c *w, const struct plan *plan, uint32_t node);

#endif
