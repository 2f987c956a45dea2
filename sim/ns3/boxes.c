/* boxes.c: what crosses the boxes of the ns-3 engine, and what they say themselves. */
#include <stdlib.h>

#include "sim/ns3/ns3_parts.h"

/* ---- crossing ---- */

/* Who owns the address at the box's inside, or PLAN_NONE. */
static uint32_t find_inside(const struct engine *e, uint32_t box, const struct addr *addr)
{
    return directory_find(e->directory, box, addr);
}

static uint32_t send_inside(struct engine *e, uint32_t box, const struct ns3c_datagram *d,
                            const struct datagram *translated)
{
    uint32_t target = find_inside(e, box, &translated->to);
    if (target != PLAN_NONE && fits_link(e, target, translated))
        return e->topology.down[target];
    lose(e, d, target == PLAN_NONE ? LOSS_NO_ROUTE : LOSS_TOO_BIG);
    return NS3C_DROP;
}

static uint32_t send_outside(struct engine *e, uint32_t box, const struct ns3c_datagram *d,
                             const struct datagram *translated)
{
    uint32_t attachment = plan_places(e->plan) + box;
    if (fits_link(e, attachment, translated))
        return e->topology.up[attachment];
    lose(e, d, LOSS_TOO_BIG);
    return NS3C_DROP;
}

/* From a host of the inside to a box of it: the inside's network, no crossing. */
static uint32_t find_neighbour(const struct engine *e, uint32_t box, uint32_t in,
                               const struct addr *to)
{
    return in < plan_places(e->plan) ? find_inside(e, box, to) : PLAN_NONE;
}

uint32_t ns3_box(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d)
{
    const struct topology_box *which = data;
    struct engine *e = which->data;
    uint32_t box = which->box, in = e->topology.inside[port];
    enum direction direction =
        port == e->topology.up[plan_places(e->plan) + box] ? INWARD : OUTWARD;
    struct datagram moving = datagram_of(d);
    if (!is_ours(d))
        return NS3C_DROP;
    e->carried_for = sender_of(d);
    if (direction == OUTWARD) {
        uint32_t neighbour = find_neighbour(e, box, in, &moving.to);
        if (neighbour != PLAN_NONE)
            return e->topology.down[neighbour];
    }
    enum crossing crossing = e->calls->cross(e->calls->world, now, box, direction, &moving);
    if (crossing == CROSS_DROP)
        return NS3C_DROP;
    *d = packed(sender_of(d), &moving);
    if (crossing == CROSS_PASS && direction == OUTWARD)
        return send_outside(e, box, d, &moving);
    CHECK(crossing == CROSS_PASS || direction == OUTWARD);
    return send_inside(e, box, d, &moving);
}

/* ---- what boxes say themselves ---- */

/* On its way to a port: ns-3's clock may be behind, and inward it takes a while. */
struct said {
    struct engine *e;
    uint32_t sender;
    struct datagram d;
    uint8_t bytes[];
};

static void put_on_link(void *data, uint64_t port)
{
    struct said *said = data;
    said->d.bytes = said->bytes;
    struct ns3c_datagram out = packed(said->sender, &said->d);
    if (fits_link(said->e, said->e->topology.links[port], &said->d))
        topology_must(ns3c_emit(said->e->w, (uint32_t)port, &out));
    else
        lose(said->e, &out, LOSS_TOO_BIG);
    free(said);
}

static void say(struct engine *e, uint32_t port, uint32_t sender, const struct datagram *d,
                mist_time delay)
{
    struct said *said = malloc(sizeof *said + d->length);
    CHECK(said != NULL);
    said->e = e;
    said->sender = sender;
    said->d = *d;
    if (d->length > 0)
        memcpy(said->bytes, d->bytes, d->length);
    ns3c_schedule(e->w, time_of(e) + delay, put_on_link, said, port);
}

/* To what stands directly inside of the box. */
static void say_inside(struct engine *e, uint32_t target, const struct datagram *d)
{
    uint32_t sender = target < plan_places(e->plan) ? target : e->carried_for;
    say(e, e->topology.down[target], sender, d, ENGINE_LAN_RTT / 2);
}

static bool is_multicast(const struct addr *a)
{
    return a->family == ADDR_V6 ? a->ip[0] == 0xff : a->ip[0] >> 4 == 0xe;
}

void ns3_emit(struct engine *e, uint32_t box, enum direction direction, const struct datagram *d)
{
    CHECK(box < e->plan->box_count);
    bool all = is_multicast(&d->to);
    if (direction == OUTWARD) {
        say(e, e->topology.up[plan_places(e->plan) + box], e->carried_for, d, 0);
        return;
    }
    uint32_t target = all ? PLAN_NONE : find_inside(e, box, &d->to);
    if (target != PLAN_NONE)
        say_inside(e, target, d);
    for (uint32_t i = 0; all && i < plan_places(e->plan); i++)
        if (e->plan->hosts[i].box == box)
            say_inside(e, i, d);
}
