/* punch.h: finds a direct path for a link that stands already.
 *
 * Both ends send probes to where the other may be, at the same time, as a strategy
 * says that fits the pair of NATs (punch_strategy.h); each probe opens the
 * sender's own NAT towards that address.  Probes are sealed by the link, so an
 * answer is a proof.  A probe from an address nobody named (a peer-reflexive
 * address: RFC 8445 section 7.3.1.3) joins the candidates and is probed at once,
 * from the socket that it came to.  Shots go on until this end's own probe came
 * back, whatever was received before.
 *
 * An end that holds ports open for the other to find tells it by AIM which they
 * may be.  Nobody sprays an address that has not echoed a token, told by the relay
 * that sees it there; one spray at a time leaves a node.
 *
 * One timer per attempt: its next shot, its end, or the next attempt. */
#ifndef MIST_PUNCH_H
#define MIST_PUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/guard.h"
#include "stack/nature.h"
#include "stack/out.h"
#include "stack/punch_strategy.h"
#include "stack/rng.h"
#include "stack/sockets.h"
#include "stack/timers.h"

#define PUNCH_ROUNDS  6  /* at 0, 0.1, 0.3, 0.7, 1.5 and 3.1 s; by configuration at least 1 */
#define PUNCH_STARTS  16 /* attempts that a peer's words may set off on one link */
#define PUNCH_PER_IP  2  /* candidates of one host that a peer may name */
#define PUNCH_VOLLEYS 3  /* of one end in an attempt */
#define PUNCH_SLOTS   14 /* times of probes kept, to measure round trips */
#define PUNCH_SPRAYED 14 /* the round number of probes to ports that were guessed ... */
#define PUNCH_ANSWERS 15 /* ... and of probes out of turn */

/* A volley that is being sent. */
struct firing {
    const struct volley *volley; /* NULL: none */
    uint16_t shot;
    bool begun, over;
    mist_time next; /* until it has begun: MIST_NEVER, it waits for a socket, an aim, an echo */
};

/* Ports to try, in the order of dice. */
struct punch_order {
    struct addr at;                            /* family 0: none */
    uint32_t low, count, offset, stride, done; /* count is not 0 */
    int step;                                  /* of a window; 0: a spray */
};

struct attempt {
    mist_link link; /* 0: free */
    bool running;   /* else it rests: done, or never begun */
    bool sends;     /* an attempt is under way; else the next one is awaited */
    bool guessed;   /* the path that is sought is no candidate's */
    uint8_t role, count, number;
    uint16_t relation;
    uint8_t own_aim; /* the number of the attempt whose own port is known ... */
    bool aimed;      /* the order is the peer's aim */
    uint32_t probes, attempts, sockets, guesses;
    uint32_t mappings;  /* that the own NAT has made for this search, at most */
    uint32_t scattered; /* of them in this attempt by shots at the peer's aim */
    struct nature theirs;
    mist_time sent[PUNCH_ANSWERS + 1];
    mist_time since;       /* the first attempt of this search began */
    mist_time began, ends; /* of this attempt; NEVER: while it sends */
    struct candidate candidates[WIRE_CANDIDATES];
    uint32_t tokens[WIRE_CANDIDATES]; /* without the round: only who is there learns them */
    uint32_t spray_token;
    uint32_t echo_token, measure; /* asked of the peer, of a relay; 0: nothing */
    struct addr here;             /* ... where a relay saw that port */
    struct addr vouched; /* the IP where an introducer saw it and it says it is; family 0: none */
    struct addr echoed;  /* the peer is there: a relay saw its echo; family 0: no */
    struct firing firings[PUNCH_VOLLEYS];
    struct punch_order order;
};

struct punch_limits {
    uint32_t attempts, rounds;
    uint32_t mappings, probes, time_s; /* of one search; 0: the strategy's own */
    struct guard_limits guard;
};

struct punch {
    struct attempt *attempts;
    uint32_t used;
    struct punch_limits limits;
    const struct strategy *strategy;
    const struct nature *mine;
    mist_link spraying; /* whose attempt holds sockets or tries ports; 0: none */
    struct guard guard;
    struct rng *rng;
    struct timers *timers;
    struct sockets *sockets;
    uint32_t first_timer;
};

size_t punch_size(uint32_t attempts);
/* New mappings for one peer: so many as wanted, or the strategy's own number where that is 0. */
uint32_t punch_mappings(enum strategy_number strategy, uint32_t wanted);
/* Keeps the rest of what it is given.  mine: the nature of the own NAT, as far as known. */
void punch_init(struct punch *p, void *memory, const struct punch_limits *limits,
                enum strategy_number strategy, const struct nature *mine, struct rng *rng,
                struct timers *timers, struct sockets *sockets, uint32_t first_timer);

/* What the peer said of itself.  token: it wants that echoed; not punch's affair. */
struct punch_peer {
    const struct candidate *candidates;
    uint32_t count;
    struct nature nature;
    struct addr vouched;  /* where an introducer saw it, if it says so itself; family 0: none */
    enum punch_role role; /* this end's */
};

/* Starts after `delay`; a running attempt takes the candidates in.  Returns 0
 * or MIST_ERR_FULL.  EFFECT_PATH_UP tells each path that works. */
int punch_start(struct punch *p, mist_time now, mist_link link, const struct punch_peer *peer,
                mist_time delay, struct out *out);
/* The peer spoke from there: one probe, now. */
void punch_challenge(struct punch *p, mist_time now, mist_link link, const struct addr *addr,
                     uint32_t socket, struct out *out);
/* socket: where it arrived. */
void punch_probe(struct punch *p, mist_time now, mist_link link, const struct addr *from,
                 uint32_t socket, const struct msg *m, struct out *out);
/* A probe out of turn: answered, no more. */
void punch_check(mist_link link, const struct addr *from, uint32_t socket, const struct msg *m,
                 struct out *out);
/* Was it the answer to one of ours? */
bool punch_proved(struct punch *p, mist_time now, mist_link link, const struct addr *from,
                  uint32_t socket, const struct msg *m, struct out *out);
/* A spare socket of this link is open. */
void punch_socket(struct punch *p, mist_time now, mist_link link, struct out *out);
/* A relay says where it sees a socket of ours: the answer to EFFECT_MEASURE. */
void punch_here(struct punch *p, mist_time now, const struct msg *here, struct out *out);
void punch_aimed(struct punch *p, mist_time now, mist_link link, const struct msg *aim,
                 struct out *out);
/* The token to be echoed by the peer; 0: none is wanted. */
uint32_t punch_echo_token(const struct punch *p, mist_link link);
/* A relay saw the echo of that token come from there. */
/* The relay of the link sees the peer at that address, as it asked the relay to tell. */
void punch_vouched(struct punch *p, mist_link link, const struct addr *seen);
void punch_echoed(struct punch *p, mist_time now, mist_link link, const struct msg *echoed,
                  struct out *out);

/* The direct path is gone: try the candidates again. */
void punch_again(struct punch *p, mist_time now, mist_link link, struct out *out);
void punch_forget(struct punch *p, mist_link link);
void punch_tally(const struct punch *p, mist_link link, uint32_t *attempts, uint32_t *probes,
                 uint32_t *sockets);
void punch_timer(struct punch *p, mist_time now, uint32_t index, struct out *out);
uint32_t punch_memory(const struct punch *p, struct mist_memory *array, uint32_t n);

#endif
