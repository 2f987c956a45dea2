/* meet.h: connections: from a name to a link with whoever answers to it.
 *
 *     dialer                  holders of the name             acceptor
 *       | PUBLISH(offer) ----------> | RECEIVE(offer, seen) ----> |
 *       | <---------- OPEN(answer, meet) through the first relay - |
 *       | ACCEPT(proof) -----------------------------------------> |
 *       | <=================== probes, both ways ================> |
 *
 * The holder whose copy of the offer came first has the shortest way between
 * the two, so the acceptor answers through it.  Offer, answer and proof are the
 * messages by which the two persons recognise each other (person.h); an answer
 * that proves nothing is told as IMPOSTOR, and the dialer goes on waiting.
 *
 * One timer per connection: the next offer, the answer again, giving up, or
 * another HANGUP. */
#ifndef MIST_MEET_H
#define MIST_MEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/out.h"
#include "stack/person.h"
#include "stack/rng.h"
#include "stack/timers.h"

#define MEET_RELAYS   4 /* alternatives kept */
#define MEET_PER_PEER 4 /* connections that one peer may have opened to this node */
#define MEET_THEIRS   UINT32_C(0x80000000) /* ids of connections that peers opened */

#define MEET_IMPOSTORS 4 /* links whose answers proved nothing, and are not looked at again */

#define MEET_CHANNELS   8  /* of a connection, both ends' together */
#define MEET_PROTOCOLS  16 /* that this node serves */
#define CHANNEL_CONTROL 31 /* on which both agree on the others: the highest of five bits */

/* By its name. */
struct protocol {
    uint8_t length;
    uint8_t name[MIST_PROTOCOL];
};

enum channel_state { CHANNEL_FREE, CHANNEL_OPENING, CHANNEL_OPEN };

struct channel {
    uint8_t state; /* enum channel_state */
    uint8_t number, tries;
    struct protocol protocol;
    uint32_t id;
    mist_time again; /* OPENING: when OPEN goes once more */
};

enum conn_state {
    CONN_FREE,
    CONN_OFFERING, /* dialer: offers are out */
    CONN_MEETING,  /* acceptor: a link to the dialer is being opened */
    CONN_PROVING,  /* acceptor: answered, the dialer's proof is awaited */
    CONN_UP,
    CONN_CLOSING
};

struct conn {
    uint8_t state; /* enum conn_state */
    bool dialer;
    bool lost;     /* UP, and nobody knows a path that works */
    bool gone;     /* lost, and somebody of that name knows nothing of it */
    bool unknown;  /* MEETING, only to say so of a call back */
    uint8_t calls; /* back, while it is lost */
    uint8_t offers, answers, hangups, impostor_count;
    uint8_t relay_count, relay_next, candidate_count;
    uint8_t seen_total, seen_there; /* forwarders, and those who see it where it says */
    uint8_t claimed;                /* so many of the candidates are what the dialer says */
    struct addr vouched; /* one of them, at whose IP a forwarder saw it; family 0: none */
    uint32_t id, conversation;
    uint64_t publication;
    uint32_t acked, told; /* best of the offers */
    uint32_t path;        /* enum mist_path */
    mist_link link, relay_pin;
    uint32_t ping; /* token of the caller's question; 0: none is under way */
    mist_time pinged;
    mist_link relays[MEET_RELAYS], impostors[MEET_IMPOSTORS];
    mist_time look;              /* lost: when to call back again, or to give up */
    mist_time started, answered; /* started: of the call, or of being lost */
    uint8_t key[WIRE_ID], peer[WIRE_ID];
    uint8_t ticket[WIRE_COOKIE];                  /* the dialer's */
    struct nature nature;                         /* the other's */
    struct candidate candidates[WIRE_CANDIDATES]; /* the other's */
    struct meeting meeting;
    uint8_t channel_last; /* latest number of this end's */
    struct channel channels[MEET_CHANNELS];
    uint16_t value_length, reply_length;
    uint8_t value[WIRE_OFFER];  /* dialer: the offer, the same each time */
    uint8_t reply[WIRE_ANSWER]; /* acceptor: the answer; dialer: the proof */
};

struct meet {
    struct conn *conns;
    uint32_t limit, used, next_id;
    uint32_t protocol_count;
    struct protocol protocols[MEET_PROTOCOLS];
    const struct seal_suite *seal;
    const struct person *self; /* known before the first call or offer */
    const uint8_t *transport;  /* this node's id in the overlay */
    struct rng *rng;
    struct timers *timers;
    uint32_t first_timer;
};

/* What the node says of itself in an offer and in MEET. */
struct meet_self {
    uint8_t flags, count;
    uint8_t ticket[WIRE_COOKIE]; /* in an offer: to open a link to this node through a relay */
    struct nature nature;
    struct candidate candidates[WIRE_CANDIDATES];
};

size_t meet_size(uint32_t conns);
void meet_init(struct meet *m, void *memory, uint32_t conns, struct rng *rng, struct timers *timers,
               uint32_t first_timer);
/* Keeps all three. */
void meet_as(struct meet *m, const struct seal_suite *seal, const struct person *self,
             const uint8_t *transport);

/* The caller's side: 0 or an error; `id` is the caller's and below MEET_THEIRS.
 * pin: the only person to be connected to; NULL: whoever answers. */
int meet_connect(struct meet *m, mist_time now, uint32_t id, const uint8_t key[WIRE_ID],
                 const uint8_t *pin, const struct meet_self *self, struct out *out);
int meet_send(struct meet *m, mist_time now, uint32_t id, const uint8_t *bytes, uint32_t length,
              struct out *out);
int meet_close(struct meet *m, mist_time now, uint32_t id, struct out *out);
/* Asks for a sign of life: 0, MIST_ERR_UNKNOWN, or MIST_ERR_STATE while it does not stand.
 * Only the answer to this question counts, on whatever path it comes. */
int meet_ping(struct meet *m, mist_time now, uint32_t id, struct out *out);
void meet_pong(struct meet *m, mist_time now, mist_link link, uint32_t token, struct out *out);
/* Serves a protocol from now on; opens a channel to a person (mist.h, mist_open). */
int meet_serve(struct meet *m, const uint8_t *name, size_t length);
int meet_open(struct meet *m, mist_time now, uint32_t id, const uint8_t person[WIRE_ID],
              const uint8_t *name, size_t length, struct out *out);
const struct conn *meet_find(const struct meet *m, uint32_t id);

/* The dialer's offer was published. */
void meet_published(struct meet *m, uint32_t index, uint32_t acked, uint32_t told);
void meet_timer(struct meet *m, mist_time now, uint32_t index, struct out *out);

/* An offer arrived through `forwarder` (relays: it forwards datagrams).  again: a copy
 * of one that was seen; standing: the link to that peer if one is up, else 0; heard:
 * when it last said anything. */
void meet_offer(struct meet *m, mist_time now, mist_link forwarder, bool relays, bool again,
                mist_link standing, mist_time heard, const struct msg *receive,
                const struct call_value *value, struct out *out);
/* First messages of a handshake with that peer; 0 when it is none of ours. */
size_t meet_first(const struct meet *m, const uint8_t peer[WIRE_ID], uint32_t lag_us,
                  const struct meet_self *self, uint8_t *buffer, size_t size);
/* The next relay to try towards that peer; 0: no other. */
mist_link meet_alternate(struct meet *m, const uint8_t peer[WIRE_ID]);

void meet_link_up(struct meet *m, mist_time now, const uint8_t peer[WIRE_ID], mist_link link,
                  uint32_t path, mist_link relay, struct out *out);
void meet_link_failed(struct meet *m, const uint8_t peer[WIRE_ID], struct out *out);
void meet_link_down(struct meet *m, mist_link link, uint32_t reason, struct out *out);
/* up_since: since when the link stands; relay: the relay of its path, or 0. */
void meet_answer(struct meet *m, mist_time now, mist_link link, const uint8_t peer[WIRE_ID],
                 const struct msg *answer, uint32_t path, mist_link relay, mist_time up_since,
                 struct out *out);
/* The first round trip on the path that stands. */
void meet_rtt(struct meet *m, mist_link link, mist_time rtt, struct out *out);
/* The dialer's proof. */
void meet_proof(struct meet *m, mist_time now, mist_link link, const struct msg *proof,
                struct out *out);
/* relay: that of the new path, or 0.  What was lost is found again. */
void meet_path(struct meet *m, mist_link link, uint32_t path, mist_link relay, mist_time rtt,
               struct out *out);
/* No path of that link works.  True: connections stand on it and are not given up yet;
 * the dialer's call back by EFFECT_RESUME, and meet_resume publishes it. */
bool meet_lost(struct meet *m, mist_time now, mist_link link, struct out *out);
void meet_resume(struct meet *m, mist_time now, uint32_t index, const struct meet_self *self,
                 struct out *out);
void meet_payload(struct meet *m, mist_time now, mist_link link, const struct msg *payload,
                  struct out *out);
void meet_hangup(struct meet *m, mist_time now, mist_link link, const struct msg *hangup,
                 struct out *out);
bool meet_uses(const struct meet *m, mist_link link);
uint32_t meet_memory(const struct meet *m, struct mist_memory *array, uint32_t n);

#endif
