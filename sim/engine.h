/* engine.h: moves time and datagrams between attachments; knows neither nodes
 * nor NATs nor the protocol.
 *
 * Down: send, alarm, run, close.  Up: arrive, due, cross.  An attachment is a
 * host or a box of the plan (plan.h), by its number there.  One alarm per
 * host: setting it again replaces it.
 *
 * What this file calls a host is a place at which one can stand: the plan has
 * plan_places of them, all there from the beginning, and a host that roams is a
 * world that sends from another place.  So topology never changes.  A box owns
 * the addresses that it may get later (plan_box.later) from the beginning too;
 * which of them work is the translator's affair.  A host that is off has no
 * alarm, and the world ignores what arrives there.  Only what happens between
 * outermost attachments, in the core, is asked of the world: core_loss.
 *
 * The sender's address of a datagram need not be one of its host's (spoofing).
 *
 * Ties: events of equal time are ordered by (time, source, sequence), where
 * source is the host that caused the event and sequence counts its datagrams; a
 * host's alarm stands behind its datagrams.  The order depends on nothing else.
 *
 * The network that every engine models:
 *
 *   host - boxes with one host behind - line - boxes with several - core
 *
 * A line is the access of one host (plan_access): a delay each way and a FIFO
 * queue each way.  Boxes that serve one host stand at its end of the line, boxes
 * that serve several (CGN) at the provider's.  The core joins the outermost
 * attachments: half of their round trip, jitter and loss each way, ENGINE_HOPS
 * routers.  Outward a datagram crosses its boxes at the time of sending, inward
 * at the time it gets there.
 *
 *   - An address of the sender's own innermost box's inside is on its LAN: half
 *     of ENGINE_LAN_RTT, no box, no line, no loss.
 *   - A datagram that a box turns round (CROSS_HAIRPIN) does not see the core
 *     either: half of ENGINE_LAN_RTT, and both lines if the box serves several.
 *   - What a box sends itself (emit) goes its way as what crosses it does.
 *   - A line that would hold a datagram longer than ENGINE_BUFFER drops it.
 *     On the line a datagram is its payload and its IP and UDP headers.
 *   - What is larger than a line's MTU is cut where the line begins (RFC 791), or
 *     lost there (LOSS_TOO_BIG) if that is forbidden or its family is IPv6.  The
 *     pieces travel and are lost one by one; boxes see pieces, hosts put them
 *     together.
 *   - A broken path (plan_network: nodes, pairs) carries nothing through the
 *     core between two hosts of which none has a role: servers stay in reach. */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/addr.h"
#include "stack/units.h"

struct plan;
struct engine;

#define ENGINE_LAN_RTT MS(1)
#define ENGINE_BUFFER  MS(250) /* of the line's rate: what home routers hold at the least */
#define ENGINE_HOPS    8       /* routers of the core: a TTL up to this dies there */

struct fragment {
    uint16_t id, offset; /* offset: bytes from the start of the IP payload, a multiple of 8 */
    bool more;           /* others follow; offset 0 and no more: a whole datagram */
    bool forbidden;      /* must not be cut (the DF bit) */
};

/* A UDP datagram, a piece of one, or an ICMP error.  A first piece carries the ports
 * and the payload behind the UDP header, as a whole datagram does; a later one has
 * ports 0 and the IP payload from its offset on. */
struct datagram {
    struct addr from, to;
    struct fragment fragment;
    uint8_t ttl; /* routers and boxes that it may still pass, plus one */
    bool icmp;   /* an ICMP error: ports 0, bytes from its type on; hosts' systems take it */
    uint16_t length;
    uint8_t *bytes; /* after cross they may be the box's own, until the next call of cross */
};

static inline bool datagram_is_piece(const struct datagram *d)
{
    return d->fragment.offset != 0 || d->fragment.more;
}

/* Bytes of IP payload: the datagram and its UDP header (RFC 768), if it has one. */
static inline uint32_t datagram_payload(const struct datagram *d)
{
    return d->length + (d->fragment.offset == 0 && !d->icmp ? 8u : 0u);
}

/* Bytes of the packet (RFC 791, 8200). */
static inline uint32_t datagram_packet(const struct datagram *d)
{
    return datagram_payload(d) + (d->to.family == ADDR_V6 ? 40u : 20u);
}

enum direction { OUTWARD, INWARD };
enum crossing { CROSS_DROP, CROSS_PASS, CROSS_HAIRPIN };

/* LINK: the core's loss.  QUEUE: a line's queue was full.  NO_ROUTE: nobody owns
 * the address.  BROKEN: see above.  TTL: ran out in the core.  TOO_BIG: for a line
 * that may not cut it. */
enum engine_loss { LOSS_LINK, LOSS_QUEUE, LOSS_NO_ROUTE, LOSS_BROKEN, LOSS_TTL, LOSS_TOO_BIG };

/* What the engine calls.  `world` is handed back as given.  From within arrive
 * and due the world may call send and alarm, from within cross and between two
 * calls of run emit; from within the others nothing. */
struct engine_calls {
    void *world;
    /* A whole UDP datagram. */
    void (*arrive)(void *world, mist_time now, uint32_t host, const struct datagram *d);
    void (*due)(void *world, mist_time now, uint32_t host);
    /* Translates in place, TTL included.  OUTWARD: PASS goes on to the next box
     * outside or the core; HAIRPIN: the datagram turned round and `to` is an
     * address of the box's inside.  INWARD: PASS or DROP; `to` is then an
     * address of the box's inside, and the engine finds who owns it. */
    enum crossing (*cross)(void *world, mist_time now, uint32_t box, enum direction direction,
                           struct datagram *d);
    /* The share, in parts per million, of the datagrams from one outermost
     * attachment (plan_places + box, or a host) to another that the core loses
     * now beyond plan_network's own loss; 10^6: all of them (a partition).  Asked
     * when a datagram enters the core; the draw is the engine's, the same as for
     * its own loss, on engine_both_losses.  NULL: nothing beyond. */
    uint32_t (*core_loss)(void *world, mist_time now, uint32_t from, uint32_t to);
    /* The datagram was lost on the way, for facts; NULL: not wanted.  host: who
     * sent it; why: enum engine_loss.  What a box drops is not reported here. */
    void (*lost)(void *world, mist_time now, uint32_t host, const struct datagram *d, int why);
    /* An event of this host comes soon: start loading its state; NULL: not wanted. */
    void (*prefetch)(void *world, uint32_t host);
};

/* Lost here or there: a + b - ab, in parts per million, rounded to the nearest. */
static inline uint32_t engine_both_losses(uint32_t a_ppm, uint32_t b_ppm)
{
    uint64_t kept = (UINT64_C(1000000) - a_ppm) * (UINT64_C(1000000) - b_ppm);
    return 1000000 - (uint32_t)((kept + 500000) / 1000000);
}

struct engine_figures {
    uint64_t events;  /* taken from the queue */
    uint64_t pending; /* in the queue now */
    uint64_t sent;    /* datagrams handed to send */
    uint64_t arrived; /* datagrams handed to arrive */
    uint64_t trace;   /* the trace hash so far (trace.h) */
    mist_time late;   /* in real time: how far behind the clock at worst; else 0 */
};

/* What an engine is: one table, so that ns-3 can be a plug-in. */
struct engine_type {
    const char *name;
    /* Its time is the clock's: nodes and boxes are processes, it moves no datagrams itself (send
     * and emit are NULL), and no run is like another (figures.trace says nothing). */
    bool real;
    /* EXIT_FINE; EXIT_INPUT where the plan asks for what this engine has not, EXIT_LACKING
     * for what this machine has not (exit.h), and what to do about it in error. */
    int (*fits)(const struct plan *plan, char *error, int error_size);
    /* Keeps plan and calls, which outlive the engine. */
    struct engine *(*open)(const struct plan *plan, const struct engine_calls *calls,
                           uint64_t seed);
    void (*send)(struct engine *e, uint32_t host, const struct datagram *d); /* copies */
    /* The box itself sends: replies, ICMP errors, what it has put together or cut.
     * INWARD: to who owns the address at its inside, or, to a multicast address, to all
     * hosts directly inside; it takes half of ENGINE_LAN_RTT, and the line as well if
     * the box serves several.  OUTWARD: as what it lets pass.  Copies. */
    void (*emit)(struct engine *e, uint32_t box, enum direction direction,
                 const struct datagram *d);
    /* Calls due once at that time, now if it has passed; MIST_NEVER: not at all. */
    void (*alarm)(struct engine *e, uint32_t host, mist_time at);
    void (*run)(struct engine *e, mist_time until); /* all events with time < until */
    mist_time (*now)(const struct engine *e);       /* after run: its until */
    /* Round trip of the empty network between two hosts, for rtt_ideal_ns:
     * without jitter, and of a datagram of no size. */
    mist_time (*ideal_rtt)(const struct engine *e, uint32_t a, uint32_t b);
    void (*figures)(const struct engine *e, struct engine_figures *figures);
    void (*close)(struct engine *e);
};

extern const struct engine_type engine_native;

#endif
