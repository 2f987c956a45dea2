/* link.h: the links themselves, shared by the files of the mux: link.c (their table),
 * mux.c (input, output, timers) and handshake.c (INIT, COOKIE, OPEN, ACCEPT). */
#ifndef MIST_LINK_H
#define MIST_LINK_H

#include "stack/mux.h"
#include "stack/noise.h"
#include "stack/session.h"
#include "stack/share.h"

#define HANDSHAKE_RETRY MS(400)   /* above the p95 round trip of wired hosts, 329 ms (PlanetLab) */
#define HANDSHAKE_TRIES MUX_TRIES /* 0.4 + 0.8 + 1.6 + 3.2 s, then give up */
#define LINK_IDLE       SEC(180)  /* unused: forgotten; what it saves: README, Decisions */
#define LINK_EVICTABLE  SEC(5)    /* a link that nobody needs, silent this long, may make room */
#define LINK_PINGS      4         /* unanswered in a row: the path is dead ... */
#define LINK_PINGS_OWED 3      /* ... while data waits for a sign of life; it costs 1 + 3 * 0.5 s */
#define LINK_OWED       SEC(1) /* so long data may go one way before a sign is asked for */
#define LINK_PAUSE      SEC(3) /* data that came and stays away so long: is the path alive? */
#define LINK_LOST_EVERY SEC(2) /* a lost path is asked so often */

enum link_state {
    LINK_FREE,
    LINK_INIT,  /* INIT sent */
    LINK_READY, /* cookie known, or ticket at hand: OPEN may go */
    LINK_UP
};

/* LINK_INIT and LINK_READY: this node's handshake under way. */
struct link_opening {
    struct noise_kept kept; /* of which e is drawn at the start */
    bool written;           /* the first message, with what else follows from it: */
    uint8_t first[WIRE_NOISE], early[SEAL_KEY];
    uint8_t cookie[WIRE_COOKIE];
};

/* LINK_UP after the peer's handshake: what its repeats are known by and answered with.
 * Zero after this node's own. */
struct link_opened {
    uint8_t nonce[WIRE_NONCE], early[SEAL_KEY], answer[WIRE_NOISE];
};

struct link {
    _Alignas(64)
        /* What an ordinary datagram touches: four cache lines and one of the window. */
        uint8_t state; /* enum link_state */
    uint8_t flags;     /* enum msg_flags of the peer */
    uint8_t silent;    /* pings unanswered */
    uint8_t began;     /* this node opened it */
    uint16_t generation;
    uint16_t pins;  /* keep it alive */
    uint16_t keeps; /* do not evict it */
    uint16_t share; /* cell + 1 of the site that opened it; 0: none */
    uint32_t rx_channel, tx_channel;
    uint32_t socket; /* of the path; 0: the main one of its family */
    mist_time last_in, last_out;
    struct addr path;
    union {
        struct link_opening opening;
        struct {
            struct session session;
            struct link_opened opened;
        };
    };
    uint8_t id[WIRE_ID];
    /* The rest. */
    mist_time last_path_in, up_since;
    mist_time owed;         /* since when data went out and nothing came in on the path; 0: none */
    uint32_t seen_tag;      /* of where the peer last saw this node; 0: not told */
    bool lost;              /* mux_lost */
    bool listening;         /* data came in, and LINK_PAUSE has not passed since */
    mist_time srtt, rttvar; /* 0: not measured; RFC 6298 */
    mist_time asked_at;     /* ping or OPEN in flight */
    uint32_t ping_token;
    uint16_t tries;
    uint16_t next_free; /* slot + 1 */
    uint64_t stamp;     /* highest of the peer's handshakes */
    struct addr fallback;
};

#define OPENED_PER_LINK 4 /* remembered handshakes; more in two epochs void the cookies */

/* A handshake that a peer opened, known again while its cookie is valid. */
struct opened {
    uint64_t tag; /* of its ephemeral key */
    mist_time at;
};

struct mux {
    struct link *links; /* [limit] */
    uint16_t *index;    /* [index_mask + 1] slot + 1 by id */
    uint32_t limit, index_mask;
    uint32_t kept;             /* links with keeps */
    uint32_t used, up, free;   /* slots ever used; standing; head of the free list, slot + 1 */
    struct share_cell *shares; /* [SHARE_CELLS] */
    uint32_t hand;             /* where eviction looks next */
    uint32_t channel_mask;
    uint64_t id_salt;
    struct mux_turn *turn;
    struct rng *rng;
    struct timers *timers;
    uint32_t first_timer;
    struct mist_counter *counters;
    uint8_t flags;
    mist_time stale;
    const struct sockets *sockets;
    const struct seal_suite *seal;
    struct seal_pair key; /* of this run; key.open is the id */
    uint8_t cookie_key[SEAL_KEY];
    uint32_t cookie_turn;  /* cookies of earlier turns are void */
    uint64_t stamp;        /* of this node's latest OPEN */
    struct opened *opened; /* [opened_limit], a ring */
    uint32_t opened_limit, opened_next;
};

/* link.c */
struct link *link_get(const struct mux *m, mist_link link); /* NULL when it is gone */
mist_link link_handle(const struct mux *m, const struct link *l);
struct link *link_by_channel(const struct mux *m, uint32_t channel);
/* By an id, or the first `length` bytes (8 at least) of one; NULL: there is none. */
struct link *link_find(const struct mux *m, const uint8_t *id, size_t length);
struct link *link_new(struct mux *m, mist_time now, const uint8_t id[WIRE_ID], struct out *out);
/* Makes room among the links of a site's cell; false: none of them may go. */
bool link_evict_of(struct mux *m, mist_time now, uint32_t cell, struct out *out);
void link_index(struct mux *m, struct link *l);
void link_drop(struct mux *m, struct link *l, int why, struct out *out);
void link_timer(struct mux *m, struct link *l, mist_time at);
void link_rtt(struct link *l, mist_time sample);
mist_time link_patience(const struct link *l);
bool link_known_id(const uint8_t id[WIRE_ID]); /* not all zero */

/* mux.c */
/* Sends a finished datagram, through a relay if `to` says so. */
void link_emit(struct mux *m, mist_time now, const struct addr *to, const uint8_t *bytes,
               size_t length, uint8_t kind, struct out *out);

/* handshake.c */
void handshake_begin(struct mux *m, mist_time now, struct link *l, struct out *out);
void handshake_retry(struct mux *m, mist_time now, struct link *l, struct out *out);
void handshake_init(struct mux *m, mist_time now, const struct addr *from,
                    const struct wire_head *h, struct out *out);
void handshake_cookie(struct mux *m, mist_time now, const struct addr *from,
                      const struct wire_head *h, struct out *out);
/* 1: turn->body is filled. */
int handshake_open(struct mux *m, mist_time now, const uint8_t *bytes, const struct wire_head *h,
                   struct mux_turn *turn, struct out *out);
int handshake_accepted(struct mux *m, mist_time now, const uint8_t *bytes,
                       const struct wire_head *h, struct mux_turn *turn, struct out *out);
void handshake_accept(struct mux *m, mist_time now, struct mux_turn *turn, struct out *out);

#endif
