/* out.h: what a module wants done: the one way out of every module.
 *
 * A module never sends, never calls another module: it appends effects, and
 * node.c carries them out in order.  Messages are encoded when they are
 * appended, so nothing a module owns is borrowed.  The queue lives in the
 * scratch that the nodes of a thread share and is empty between verbs. */
#ifndef MIST_OUT_H
#define MIST_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/mist.h"
#include "stack/wire.h"

enum fact_number {
#define X(number, name, doc) FACT_##name = number,
#include "stack/facts.def"
#undef X
};

/* A link: slot number and generation, 0 is none.  A handle that outlived its
 * link is noticed, never confused with the slot's next link. */
typedef uint32_t mist_link;

enum effect_kind {
    EFFECT_SEND,        /* message `bytes` to `link` on its path */
    EFFECT_PROBE,       /* the same to `addr` from `socket`, whatever the link's path */
    EFFECT_REACH,       /* open a link to `contact`; ends in x_link_up or x_link_failed */
    EFFECT_FORSAKE,     /* `link` does not answer: drop it */
    EFFECT_PING,        /* ask `link` whether it lives */
    EFFECT_PIN,         /* keep `link` alive by heartbeats: value +1, -1 */
    EFFECT_KEEP,        /* do not evict `link`, its peer relies on it: value +1, -1 */
    EFFECT_LINK_READY,  /* mux: `link` may send its OPEN now: give it first messages */
    EFFECT_LINK_UP,     /* mux: `link` to contact.id stands; value 1: this node began it */
    EFFECT_LINK_DOWN,   /* mux: `link` to contact.id is gone; value: reason of the fact */
    EFFECT_LINK_FAILED, /* mux: no link to `contact` could be made */
    EFFECT_STRANGE,     /* mux: `link` now speaks from `addr`, which is not its path */
    EFFECT_SILENT,      /* mux: `link` does not answer on its path */
    EFFECT_FOUND,       /* kad: lookup `value`: contact answered on link, is among the closest */
    EFFECT_LOOKUP_DONE, /* kad: lookup `value` has its result; number: hops << 32 | answers */
    EFFECT_LOOKUP_OVER, /* kad: lookup `value` finds nobody any more */
    EFFECT_RECEIVED,    /* pubsub: message `bytes` (MSG_RECEIVE) for subscription `value` */
    EFFECT_SUBSCRIBED,  /* pubsub: subscription `value` stands on `number` nodes */
    EFFECT_PUBLISHED,   /* pubsub: publication `value` acknowledged by number nodes */
    EFFECT_INTRODUCED,  /* pubsub: an offer by `link` went to the link `value`: relay may forward */
    EFFECT_INSTEAD,     /* pubsub: no room for `link`'s request `value`: name some of the links
                         * in `bytes` */
    EFFECT_APPROACH,    /* pubsub: open a link to `contact`, of whom `link` told */
    EFFECT_LOOKUP,      /* pubsub: find the nodes closest to `key`, report as lookup for `value` */
    EFFECT_PUBLISH,     /* meet: publish `bytes` on `key`, owner `value` */
    EFFECT_MEET,        /* meet: open a link to `contact` through `link` with the ticket `bytes` */
    EFFECT_ANSWERED,    /* meet: the offer with owner `value` need not spread further */
    EFFECT_PUNCH,       /* meet: find a direct path for `link`; addr: vouched for, or none */
    EFFECT_PATH_UP,     /* punch: `addr` works for `link`, round trip `number`; value: kind */
    EFFECT_ATTEMPT,     /* punch: another attempt on `link` begins: tell the peer where we are */
    EFFECT_VERDICT,     /* reach: strangers can (value 1) or cannot (0) reach this node */
    EFFECT_TURN,        /* survey: a bare knock number `number` on channel `value` to `addr` */
    EFFECT_RESUME, /* meet: tell the peer of connection `value` by its name that its link is lost */
    EFFECT_RESUMED, /* meet: so the peer of `link` says, through the relay `number` */
    EFFECT_MEASURE, /* punch: ask the relay of `link` for the port of `socket`; request `number` */
    EFFECT_BARE,    /* portmap: `bytes` to `addr` from the main socket, as they are */
    EFFECT_MAPPED,  /* portmap: main socket `value` is mapped to `addr`; family 0: no longer */
    EFFECT_KINDS
};

struct effect {
    uint8_t kind; /* enum effect_kind */
    mist_link link;
    uint32_t value;
    uint32_t length;      /* of bytes */
    const uint8_t *bytes; /* in the scratch, or in the datagram being read */
    uint64_t number;
    struct addr addr;
    uint32_t socket; /* PROBE, PATH_UP: 0 is the main one */
    uint8_t ttl;     /* PROBE: 0 is the host's default */
    uint8_t key[WIRE_ID];
    struct contact contact;
    struct nature nature; /* PUNCH: the peer's */
};

struct out;

/* The scratch. */
size_t out_size(void);
void out_reset(struct out *o, const void *owner); /* a verb begins for this node */
const void *out_owner(const struct out *o);

void out_effect(struct out *o, const struct effect *e);
void out_effect_copy(struct out *o, const struct effect *e); /* its bytes too */
void out_send(struct out *o, mist_link link, const struct msg *m);
void out_probe(struct out *o, mist_link link, const struct addr *addr, const struct msg *m);
/* From a certain socket, through so many routers at most (0: the host's default). */
void out_probe_from(struct out *o, mist_link link, const struct addr *addr, uint32_t socket,
                    uint8_t ttl, const struct msg *m);
void out_reach(struct out *o, const struct contact *contact);
void out_pin(struct out *o, mist_link link, int by);       /* +1 or -1 */
void out_event(struct out *o, const struct mist_event *e); /* size and bytes are kept by copy */
void out_fact(struct out *o, enum fact_number number, const uint8_t *peer, const struct addr *addr,
              int64_t a, int64_t b); /* peer and addr may be NULL */

/* Takes the next effect: 1 or 0. */
int out_take(struct out *o, struct effect *e);

/* Room for one datagram; NULL when the scratch is full.  Commit shortens it. */
uint8_t *out_datagram(struct out *o);
void out_commit(struct out *o, const struct mist_datagram *d); /* d->bytes from out_datagram */

/* So much waits to be sent that the rest of a tick had better wait: the deadline
 * brings it back. */
bool out_busy(const struct out *o);

/* What the host drains. */
uint32_t out_datagrams(struct out *o, struct mist_datagram *array, uint32_t n);
int out_next_event(struct out *o, struct mist_event *e);
int out_next_fact(struct out *o, struct mist_fact *f);

#endif
