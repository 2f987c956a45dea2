/* survey.h: learns from peers what the NAT in front of this node does.
 *
 * Never from a server: the peers are servers of the overlay that this node has
 * authenticated links with, and whatever several of them say is decided by
 * most of them, so that one that lies is outvoted.
 *
 *   LOOK    each of up to 11 peers: where do you see my main socket?   mapping
 *   KNOCK   somebody I never contacted, knock; and you from your other
 *           port.  A knock that arrives proves an open filter, whoever  filtering
 *           lies; one that was promised and does not is a vote.
 *   PORTS   bursts of five fresh sockets, each burst to one peer, until  ports,
 *           one answer leads by three bursts (or of nine the most)       pooling
 *   TURN    two of those sockets write to each other's outside; the main
 *           one writes to the peers' other ports                       hairpin, adm
 *
 * A survey takes some seconds, some forty datagrams and five sockets.  It is
 * repeated every SURVEY_AGAIN, and soon when a peer sees another address.
 *
 * One timer: the step's end, or the next survey. */
#ifndef MIST_SURVEY_H
#define MIST_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/nature.h"
#include "stack/out.h"
#include "stack/rng.h"
#include "stack/sockets.h"
#include "stack/timers.h"

#define SURVEY_PEERS   11 /* a fifth of all lying: six of eleven are 1.2 %, two of a tenth 0.03 % */
#define SURVEY_ENOUGH  3  /* peers, so that one can be outvoted */
#define SURVEY_SHOTS   5  /* fresh sockets in a burst: five ports in 4,096 of 64,512: p < 10^-4 */
#define SURVEY_LEAD    3  /* bursts: a fifth of all lying wins by that in 1.5 %, a tenth in 0.1 % */
#define SURVEY_BURSTS  9  /* at most */
#define SURVEY_SECONDS 12 /* other ports remembered */

enum survey_step { SURVEY_IDLE, SURVEY_LOOK, SURVEY_KNOCK, SURVEY_PORTS, SURVEY_TURN };

struct survey_peer {
    mist_link link;
    struct addr at;   /* its main socket */
    struct addr seen; /* where it sees ours; family 0: it has not said */
    uint16_t second;  /* its other port; 0: none */
    uint8_t reserved[2];
    uint32_t request;   /* LOOK, TURN */
    uint32_t far, near; /* channels of the knocks */
    bool far_promised, near_promised;
    struct addr second_seen;
};

struct survey_shot {
    uint32_t socket, request;
    struct addr seen;
};

struct survey_burst {
    struct nature found; /* ports, pooling */
    mist_time at;
    uint16_t first, last; /* of its ports, in the order they were made */
};

struct survey {
    struct nature nature;
    uint8_t confidence[NATURE_KNOBS]; /* percent of the votes */
    uint8_t step, tries, peer_count, burst_count, burst_failures, burst_peer;
    uint8_t shot_count, retries;
    bool known;      /* a survey has ended */
    bool off;        /* by configuration */
    bool told_apart; /* adm from apdm, by an earlier survey */
    bool far_came, near_came, turned_came;
    bool stranger_came, stranger_stayed; /* when this node joined: reach.h */
    uint8_t family;
    uint16_t packets;
    uint64_t nonce;
    uint32_t turn_channel;
    mist_time began, until; /* the verdicts' end */
    struct addr outside;    /* where most peers see the main socket */
    struct survey_peer peers[SURVEY_PEERS];
    struct survey_shot shots[SURVEY_SHOTS];
    struct survey_burst bursts[SURVEY_BURSTS];
    struct addr seconds[SURVEY_SECONDS]; /* other ports this node wrote to: holes, no proof */
    uint32_t second_next;
    struct rng *rng;
    struct timers *timers;
    struct sockets *sockets;
    uint32_t timer;
};

void survey_init(struct survey *s, struct rng *rng, struct timers *timers, struct sockets *sockets,
                 uint32_t timer);
/* The first survey soon; a repeated call changes nothing. */
void survey_wake(struct survey *s, mist_time now);
/* A peer sees the main socket there: a new address calls for a new survey. */
void survey_seen(struct survey *s, mist_time now, const struct addr *seen);

/* The timer is due.  1: a survey begins: add peers, then call survey_begin. */
int survey_timer(struct survey *s, mist_time now, const uint8_t filter[WIRE_FILTER],
                 struct out *out);
/* What became of a stranger's knock before: came, or was kept out, or neither is known. */
void survey_before(struct survey *s, bool came, bool kept_out);
void survey_peer(struct survey *s, mist_link link, const struct addr *at);
/* local: where the main socket is bound. */
void survey_begin(struct survey *s, mist_time now, const struct addr *local, struct out *out);

void survey_socket(struct survey *s, mist_time now, uint32_t socket, struct out *out); /* opened */
void survey_here(struct survey *s, mist_time now, mist_link link, const struct msg *here);
void survey_promised(struct survey *s, uint32_t channel);
/* A bare knock arrived from there.  contacted: this node has written to that
 * address, whatever the port. */
void survey_knocked(struct survey *s, const struct addr *from, uint32_t channel, uint64_t nonce,
                    bool contacted);

#endif
