/* reach.h: where others see this node, and whether strangers can reach it.
 *
 * Never from a server, always from peers.  A peer X that this node talks to is
 * asked to have a third node Y knock; X picks a Y whose address this node never
 * contacted (the filter in the question says which it did), so that an answer
 * proves an open path and not a hole this node made itself (RFC 5780 section
 * 4.4 with peers for servers). */
#ifndef MIST_REACH_H
#define MIST_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/out.h"
#include "stack/rng.h"
#include "stack/timers.h"

#define REACH_OBSERVERS 8

enum reach_assume { REACH_AUTO, REACH_PUBLIC, REACH_PRIVATE };

struct reach_report {
    struct addr observer, seen;
    mist_time at;
};

struct reach {
    enum reach_assume assume;
    bool decided, reachable;
    uint8_t tries, misses;
    uint32_t channel; /* of the knock we wait for; 0: none */
    uint64_t nonce;
    bool promised;          /* KNOCKED arrived: silence now means no */
    bool let_in, kept_out;  /* what became of the last stranger that knocked */
    mist_time knock_budget; /* when the next knock for others may leave */
    struct rng *rng;
    struct timers *timers;
    uint32_t timer;
    struct reach_report reports[REACH_OBSERVERS];
    uint32_t report_count, report_next;
    uint8_t contacted[WIRE_FILTER]; /* ever: a filter entry may live as long as its mapping */
};

/* One timer. */
void reach_init(struct reach *r, enum reach_assume assume, struct rng *rng, struct timers *timers,
                uint32_t timer);
/* This node is about to send there. */
void reach_contact(struct reach *r, const struct addr *a);
bool reach_contacted(const uint8_t filter[WIRE_FILTER], const struct addr *a);
/* A peer said where it sees this node.  Peers that see it at different addresses
 * at one time take a positive verdict back: each of those addresses is a hole
 * towards that peer, and dies with it. */
void reach_seen(struct reach *r, mist_time now, const struct addr *observer,
                const struct addr *seen, struct out *out);
/* The address that most observers of that family agree on; family 0: none yet. */
struct addr reach_address(const struct reach *r, uint8_t family);

/* Asks link's peer for a knock (the caller has named the addresses of all its
 * links by reach_contact); ends in EFFECT_VERDICT, at once when assumed. */
void reach_ask(struct reach *r, mist_time now, mist_link link, struct out *out);
/* Something changed that may have opened or shut the way to this node. */
void reach_again(struct reach *r, mist_time now);
void reach_promised(struct reach *r, uint32_t channel);
void reach_knocked(struct reach *r, mist_time now, const struct addr *from, uint32_t channel,
                   uint64_t nonce, struct out *out);
/* No more than a few knocks a second leave this node for others. */
bool reach_may_knock(const struct reach *r, mist_time now);
void reach_charge(struct reach *r, mist_time now); /* one left */
/* 1: a check is due and needs a link to ask: call reach_ask. */
int reach_timer(struct reach *r, mist_time now, struct out *out);

#endif
