/* mux.h: many links over one socket.
 *
 * A link is an authenticated channel to one peer, named by its transport key.
 * Each side chose the channel number that the other puts first into every
 * datagram.  The handshake (stack/README.md draws it):
 *
 *     INIT  ->            no state at the responder
 *           <- COOKIE     smaller than INIT, sent only to the asking address
 *     OPEN  ->            with the cookie: the address is proved; first messages
 *           <- ACCEPT     first answers; the link stands
 *
 * Through a relay a ticket stands for the cookie: the responder gave it to whom it
 * asked to open, and the relay vouches for the way back.
 * The mux sends the heartbeats that keep pinned links and their NAT mappings
 * alive, and drops links that nobody pinned and nobody used.
 *
 * A way through a relay is an address too: family ADDR_RELAY, holding the
 * relay's link and the peer's id prefix.
 *
 * Timers, one per link:
 *   INIT, OPEN   HANDSHAKE_RETRY doubling     answer overdue: again, or give up
 *   UP, pinned   HEARTBEAT                    ping; again after PATIENCE
 *   UP           IDLE                         unused: forget
 */
#ifndef MIST_MUX_H
#define MIST_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/out.h"
#include "stack/rng.h"
#include "stack/seal.h"
#include "stack/sockets.h"
#include "stack/timers.h"

#define MUX_HEARTBEAT SEC(13) /* two fit into 30 s, Linux's unreplied timer (nf_conntrack) */

#define MUX_TRIES 4 /* datagrams that open a link, at most, to who does not answer */

struct mux;

/* One input being worked on: answers to its link go back to its source. */
struct mux_turn {
    mist_link link;
    struct addr from;
    uint32_t socket;
    uint32_t budget;    /* bytes that may go to an unproved source: what it sent */
    bool strange;       /* the link's path is another address */
    bool accepting;     /* ACCEPT is due, answers ride in it */
    uint8_t first_kind; /* enum mist_kind of the first message */
    uint32_t first_length;
    uint32_t length; /* of body */
    uint8_t body[WIRE_MTU];
    uint8_t first[WIRE_MTU];
    struct mux_turn *outer;
};

/* How a probe travels: where to, from which socket (0: the family's main one),
 * through how many routers at most (0: the host's default). */
struct mux_way {
    struct addr to;
    uint32_t socket;
    uint8_t ttl;
};

/* What others may know of a link. */
struct link_view {
    mist_link link;
    bool up, began; /* began: this node opened it */
    bool lost;      /* nobody answers, and no other path is known */
    uint8_t flags;  /* enum msg_flags of the peer */
    uint32_t pins;
    uint32_t tries; /* of the running handshake */
    const uint8_t *id;
    struct addr path, fallback;
    uint32_t socket; /* of the path; 0: the main one */
    mist_time srtt, last_in, last_path_in, up_since;
};

size_t mux_size(uint32_t links);
/* Zero-filled memory.  secret: the transport key.  Timers first .. first + links - 1. */
struct mux *mux_init(void *memory, uint32_t links, const struct seal_suite *seal,
                     const uint8_t secret[32], struct rng *rng, struct timers *timers,
                     uint32_t first_timer, struct mist_counter counters[MIST_KIND_COUNT]);
void mux_sockets(struct mux *m, const struct sockets *sockets); /* keeps them; before all else */
const uint8_t *mux_self(const struct mux *m);

/* Where the main socket of a family is bound; what HELLO says; how long an unpinned
 * link may be silent before it is renewed (a NAT may have forgotten it). */
bool mux_local(const struct mux *m, uint8_t family, struct addr *local);
void mux_flags(struct mux *m, uint8_t flags);
void mux_stale(struct mux *m, mist_time limit);

/* A datagram.  1: turn->body holds messages of turn->link; afterwards mux_end. */
int mux_input(struct mux *m, mist_time now, uint32_t socket, const struct addr *from,
              const uint8_t *bytes, size_t length, struct mux_turn *turn, struct out *out);
void mux_end(struct mux *m, mist_time now, struct mux_turn *turn, struct out *out);
void mux_timer(struct mux *m, mist_time now, uint32_t slot, struct out *out);

/* Opens a link, or returns the one that stands or is being opened; 0 when full.
 * An all-zero id is learnt from the COOKIE.  Ends in EFFECT_LINK_UP or _FAILED. */
mist_link mux_open(struct mux *m, mist_time now, const struct contact *contact, struct out *out);
/* There is a link to that peer already, up or being opened: mux_open sends nothing. */
bool mux_stands(const struct mux *m, mist_time now, const uint8_t id[WIRE_ID]);
/* A ticket, good for a minute: whoever shows it may open a link to this node through a
 * relay.  _present: shows the peer's own ticket in the OPEN to come. */
void mux_ticket(const struct mux *m, mist_time now, uint8_t ticket[WIRE_COOKIE]);
void mux_present(struct mux *m, mist_link link, const uint8_t ticket[WIRE_COOKIE]);
/* On EFFECT_LINK_READY: sends OPEN with these messages. */
void mux_first(struct mux *m, mist_time now, mist_link link, const uint8_t *messages, size_t length,
               struct out *out);

/* Sends messages; `probe` names another way than the path.  Returns 0 or
 * MIST_ERR_UNKNOWN, MIST_ERR_STATE. */
int mux_send(struct mux *m, mist_time now, mist_link link, const struct mux_way *probe,
             const uint8_t *messages, size_t length, struct out *out);
/* The stranger's knock: a bare DIALBACK. */
void mux_knock(struct mux *m, const struct mux_way *way, uint32_t channel, uint64_t number,
               struct out *out);

/* Bytes that are none of the protocol's own: for the gateway. */
void mux_bare(struct mux *m, const struct addr *to, const uint8_t *bytes, size_t length,
              struct out *out);

mist_link mux_find(const struct mux *m, const uint8_t *id, size_t length); /* id or its prefix */
bool mux_view(const struct mux *m, mist_link link, struct link_view *view);
mist_link mux_next(const struct mux *m,
                   mist_link after); /* walks the links that are up; 0 starts */
void mux_pin(struct mux *m, mist_time now, mist_link link, int by);
void mux_keep(struct mux *m, mist_link link, int by); /* not evicted while kept */
/* socket: 0 the main one; rtt: measured on the new path, 0: not yet. */
void mux_path(struct mux *m, mist_time now, mist_link link, const struct addr *path,
              uint32_t socket, mist_time rtt);
/* Nobody answers on its path: asked there until it does, or another path is given. */
void mux_lost(struct mux *m, mist_time now, mist_link link);
/* The peer sees this node at that address: elsewhere than before? */
bool mux_seen(struct mux *m, mist_link link, const struct addr *seen);
void mux_peer_flags(struct mux *m, mist_link link, uint8_t flags);
void mux_ping(struct mux *m, mist_time now, mist_link link, struct out *out);
/* The round trip, or 0 when the answer is late or to none of our questions. */
mist_time mux_pong(struct mux *m, mist_time now, mist_link link, uint32_t token);
/* Forgets a link; why: a of FACT_LINK_DOWN.  Tells by EFFECT_LINK_DOWN. */
void mux_drop(struct mux *m, mist_time now, mist_link link, int why, struct out *out);

struct addr mux_relay_addr(mist_link relay, const uint8_t *id);
mist_link mux_relay_of(const struct addr *a); /* 0 unless family ADDR_RELAY */

uint32_t mux_memory(const struct mux *m, struct mist_memory *array, uint32_t n);

#endif
