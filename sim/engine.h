/* engine.h: moves time and datagrams between attachments; knows neither nodes
 * nor NATs nor the protocol.
 *
 * Down: send, alarm, run, close.  Up: arrive, due, cross.  An attachment is a
 * host or a box of the plan (plan.h), by its number there.  One alarm per
 * host: setting it again replaces it.
 *
 * Ties: events of equal time are ordered by (time, source, sequence), where
 * source is the host that caused the event and sequence counts per source, so
 * the order depends on nothing else. */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/addr.h"
#include "stack/units.h"

struct plan;
struct engine;

struct datagram {
    struct addr from, to;
    uint8_t ttl;
    uint16_t length;
    uint8_t *bytes; /* boxes may rewrite the addresses, never the bytes (no ALG yet) */
};

enum direction { OUTWARD, INWARD };
enum crossing { CROSS_DROP, CROSS_PASS, CROSS_HAIRPIN };

/* What the engine calls.  `world` is handed back as given. */
struct engine_calls {
    void *world;
    void (*arrive)(void *world, mist_time now, uint32_t host, const struct datagram *d);
    void (*due)(void *world, mist_time now, uint32_t host);
    /* Translates in place.  INWARD pass: *inside is the host or box that owns the
     * new destination.  HAIRPIN: the datagram turned round, now going INWARD. */
    enum crossing (*cross)(void *world, mist_time now, uint32_t box, enum direction direction,
                           struct datagram *d);
    /* The datagram was lost on the way: for facts.  why: enum engine_loss. */
    void (*lost)(void *world, mist_time now, uint32_t host, const struct datagram *d, int why);
};

enum engine_loss { LOSS_LINK, LOSS_QUEUE, LOSS_NO_ROUTE, LOSS_BROKEN, LOSS_TTL };

struct engine_figures {
    uint64_t events;   /* taken from the queue */
    uint64_t sent;     /* datagrams handed to send */
    uint64_t arrived;  /* datagrams handed to arrive */
    uint64_t trace;    /* the trace hash so far */
};

/* What an engine is: one table, so that ns-3 can be a plug-in. */
struct engine_type {
    const char *name;
    struct engine *(*open)(const struct plan *plan, const struct engine_calls *calls, uint64_t seed);
    void (*send)(struct engine *e, uint32_t host, const struct datagram *d); /* copies */
    void (*alarm)(struct engine *e, uint32_t host, mist_time at);            /* MIST_NEVER: off */
    void (*run)(struct engine *e, mist_time until); /* all events with time < until */
    mist_time (*now)(const struct engine *e);
    /* Round trip of the empty network between two hosts, for rtt_ideal_ns. */
    mist_time (*ideal_rtt)(const struct engine *e, uint32_t a, uint32_t b);
    void (*figures)(const struct engine *e, struct engine_figures *figures);
    void (*close)(struct engine *e);
};

extern const struct engine_type engine_native;

#endif
