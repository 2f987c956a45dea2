/* topology.h: a plan as a network of ns-3.
 *
 *   host -- boxes with one host behind -- line -- boxes with several -- router
 *                                                                          |
 *   another host -- ... -- router ------------------------------------- cloud
 *
 * Attachments are places of hosts (by number) and boxes (plan_places + number),
 * as everywhere.  Each has one link outward: its access line where engine.h puts
 * that, else a fast one without delay.  Hosts directly inside one box also share an
 * Ethernet.  The outermost links end at regional routers,
 * each for at most TOPOLOGY_EDGES of one region, which meet in a cloud: that is the core, whose
 * delays and losses are the engine's.  Where a host is a tap, its node has no stack
 * but a gate (gate.h). */
#ifndef NS3_TOPOLOGY_H
#define NS3_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/ns3/gate.h"
#include "sim/ns3/ns3c.h"
#include "sim/plan.h"

#define TOPOLOGY_EDGES    16                    /* links of one router into its region */
#define TOPOLOGY_ROUTES   96                    /* of one router, unless one link has more */
#define TOPOLOGY_FAST_BPS UINT64_C(10000000000) /* where the plan sets no limit */
#define TOPOLOGY_LAN_BPS  UINT64_C(1000000000)
#define TOPOLOGY_MTU      65535 /* where the plan sets no limit */

struct topology_hooks {
    ns3c_hook *box;      /* data: the box's entry of box_data */
    ns3c_hook *gate;     /* data: the place's struct gate */
    ns3c_carry *core;    /* data: data */
    ns3c_receive *catch; /* what comes to a host's port without a socket; data: data */
    bool (*corrupt)(void *data, uint32_t port); /* of a line that loses; data: data */
    void *data;
};

struct topology {
    const struct plan *plan;
    struct ns3c *w;
    uint32_t attachments; /* how many */
    uint32_t *node;       /* [attachments] of ns-3 */
    uint32_t *up, *down;  /* [attachments] the link outward: its port there, its port outside */
    bool *several;        /* [attachments] a box with several hosts behind it */
    uint32_t *population; /* [attachments] of the (first) host behind it */
    uint32_t *mtu;        /* [attachments] of the link outward */
    uint32_t *router;     /* [attachments] outermost ones: which */
    uint32_t routers;
    uint32_t *cloud; /* [routers] its port into the cloud */
    uint32_t ports;
    uint32_t *inside;        /* [ports] at a box: what the port leads to; else PLAN_NONE */
    uint32_t *links;         /* [ports] either end of a link outward: whose */
    uint32_t *place_of_node; /* [nodes of ns-3] or PLAN_NONE */
    struct topology_box {
        void *data;
        uint32_t box;
    } * boxes;          /* what the box hook gets */
    struct gate *gates; /* [gate_count] of the places that are taps */
    uint32_t gate_count;
};

/* Builds it in the open world w; keeps plan.  Zero-filled t before. */
void topology_build(struct topology *t, struct ns3c *w, const struct plan *plan,
                    const struct topology_hooks *hooks);
void topology_free(struct topology *t);

struct ns3c_addr topology_addr(const struct addr *a);

/* The result of a call of ns3c.h that cannot fail here (CHECK). */
uint32_t topology_must(int64_t result);

#endif
