/* ns3_parts.h: shared by the files of the ns-3 engine: ns3.c (hosts, the core, time) and
 * boxes.c (what crosses boxes, and what they say themselves). */
#ifndef NS3_NS3_PARTS_H
#define NS3_NS3_PARTS_H

#include <string.h>

#include "sim/engine.h"
#include "sim/native/directory.h"
#include "sim/native/links.h"
#include "sim/native/pieces.h"
#include "sim/ns3/ns3c.h"
#include "sim/ns3/topology.h"
#include "sim/plan.h"
#include "stack/check.h"

#define ALARM_DEPTH 4 /* events that one host's alarm may have in the queue */

struct bound { /* a socket of a place */
    uint16_t port;
    uint32_t socket;
};

/* queued: times at which the alarm has an event in ns-3's queue, latest first;
 * an alarm set to a later time waits for the event that is there. */
struct station {
    struct bound *bound;
    uint32_t bound_count, bound_room;
    uint32_t edge; /* outermost attachment */
    mist_time alarm_at;
    mist_time queued[ALARM_DEPTH];
    uint32_t queued_count;
};

struct engine {
    const struct plan *plan;
    const struct engine_calls *calls;
    uint64_t seed;
    mist_time now; /* outside of run: its until */
    bool running;
    struct ns3c *w;
    struct topology topology;
    struct directory *directory;
    struct links links;
    struct station *stations; /* [places] */
    uint32_t *place_of_socket;
    uint32_t socket_room;
    uint32_t *region;     /* [attachments] of outermost ones */
    uint64_t *line_draws; /* [ports] datagrams that a losing line was asked about */
    uint32_t carried_for; /* the host whose datagram crossed a box last */
    struct engine_figures figures;
};

static inline mist_time time_of(const struct engine *e)
{
    return e->running ? ns3c_now(e->w) : e->now;
}

static inline struct addr addr_of(const struct ns3c_addr *a)
{
    struct addr out = {.port = a->port, .family = a->family};
    memcpy(out.ip, a->ip, sizeof out.ip);
    return out;
}

/* The mark of a datagram names its sender. */
static inline uint64_t mark_of(uint32_t sender)
{
    return (uint64_t)sender + 1;
}

static inline uint32_t sender_of(const struct ns3c_datagram *d)
{
    CHECK(d->mark != 0);
    return (uint32_t)(d->mark - 1);
}

static inline struct datagram datagram_of(const struct ns3c_datagram *d)
{
    const struct ns3c_fragment *f = &d->fragment;
    return (struct datagram){.from = addr_of(&d->from),
                             .to = addr_of(&d->to),
                             .fragment = {f->id, f->offset, f->more, f->forbidden},
                             .ttl = d->ttl,
                             .icmp = d->protocol != 0,
                             .length = d->length,
                             .bytes = (uint8_t *)(uintptr_t)d->bytes}; /* not written to */
}

static inline void lose(struct engine *e, const struct ns3c_datagram *d, enum engine_loss why)
{
    struct datagram lost = datagram_of(d);
    if (e->calls->lost != NULL)
        e->calls->lost(e->calls->world, time_of(e), sender_of(d), &lost, (int)why);
}

/* Mist's, and not what ns-3 says by itself: that has no place in the model. */
static inline bool is_ours(const struct ns3c_datagram *d)
{
    return d->mark != 0;
}

static inline struct ns3c_datagram packed(uint32_t sender, const struct datagram *d)
{
    const struct fragment *f = &d->fragment;
    unsigned icmp = d->to.family == ADDR_V6 ? 58 : 1; /* IANA's numbers of protocols */
    return (struct ns3c_datagram){.from = topology_addr(&d->from),
                                  .to = topology_addr(&d->to),
                                  .fragment = {f->id, f->offset, f->more, f->forbidden},
                                  .protocol = (uint8_t)(d->icmp ? icmp : 0),
                                  .mark = mark_of(sender),
                                  .bytes = d->bytes,
                                  .length = d->length,
                                  .ttl = d->ttl};
}

/* Onto the link between the attachment and what is outside of it, cut if need be;
 * false: it is too large and may not be cut, and so is lost. */
static inline bool fits_link(const struct engine *e, uint32_t attachment, const struct datagram *d)
{
    return !pieces_needed(d, e->topology.mtu[attachment]) || pieces_allowed(d);
}

/* boxes.c: hooks of the topology, and what struct engine_type says of emit. */
uint32_t ns3_box(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d);
void ns3_emit(struct engine *e, uint32_t box, enum direction direction, const struct datagram *d);

#endif
