/* kad.h: the Kademlia overlay: who is near a key (Maymounkov, Mazieres 2002).
 *
 * Ids are 256 bits, distance is XOR, a bucket holds the servers that share a
 * prefix length with this node.  Only servers enter (nodes that strangers can
 * reach) and only after they answered this node over an authenticated link;
 * hearsay is asked but never stored.  A full bucket keeps its old live
 * contacts; a newcomer waits as replacement.
 *
 * Files: kad.c (this interface, upkeep), kad_table.c (the buckets),
 * kad_lookup.c (iterative lookups), kad_shortlist.c (whom they may ask). */
#ifndef MIST_KAD_H
#define MIST_KAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/out.h"
#include "stack/rng.h"
#include "stack/timers.h"

#define KAD_K     20 /* contacts of a bucket, and of an answer: the publish set (README) */
#define KAD_ALPHA 4  /* questions of a lookup in flight until the first answer */

/* The owner of kad's own lookups (refresh, liveness); the caller's are not 0. */
#define KAD_OWNER_UPKEEP 0

struct kad_config {
    uint32_t contacts; /* limit of the table, replacements included; below 65535 */
    uint32_t lookups;  /* limit of lookups at once, upkeep's (one) included; at least 1 */
};

struct kad;

size_t kad_size(const struct kad_config *config);
/* Zero-filled memory, 8-byte aligned.  Keeps rng and timers.  Timers
 * first_timer .. first_timer + kad_timers() - 1 are kad's. */
struct kad *kad_init(void *memory, const struct kad_config *config, const uint8_t self[WIRE_ID],
                     struct rng *rng, struct timers *timers, uint32_t first_timer);
uint32_t kad_timers(const struct kad_config *config); /* lookups + 1 for upkeep */

/* An authenticated server answered from there: it is alive.  The address is
 * IPv4 or IPv6, never a relay's; the newest one of an id wins.  rtt: one round
 * trip to it, 0 when unknown. */
void kad_seen(struct kad *k, mist_time now, const struct contact *c, mist_time rtt,
              struct out *out);
/* It fell silent on a link, as others noticed.  What kad notices itself, and
 * what kad_link_failed tells, is counted already.  Twice in a row: dropped. */
void kad_failed(struct kad *k, mist_time now, const uint8_t id[WIRE_ID], struct out *out);

/* It says itself that strangers cannot reach it (any more): dropped at once. */
void kad_retired(struct kad *k, const uint8_t id[WIRE_ID], struct out *out);

/* Up to n contacts closest to target, nearest first. */
uint32_t kad_closest(const struct kad *k, const uint8_t target[WIRE_ID], struct contact *array,
                     uint32_t n);
/* The same of those that answered when they were last asked: what others are told. */
uint32_t kad_vouched(const struct kad *k, const uint8_t target[WIRE_ID], struct contact *array,
                     uint32_t n);
uint32_t kad_count(const struct kad *k); /* live contacts */

/* Looks target up, for `owner`.  extra: contacts to start from besides the
 * table (bootstrap), may be NULL; their ids are known (not zero).  Answers, all
 * with the target as key: one EFFECT_FOUND per node as soon as it answered and
 * is among the KAD_K closest that may be alive; once the closest that are not
 * overdue have answered, one EFFECT_LOOKUP_DONE and an event LOOKUP, at once if
 * there is nobody to ask.  Who was overdue and answers after all is found later, and then
 * EFFECT_LOOKUP_OVER ends it.  Hops are the questions
 * in the chain that led to the closest node that answered (1: it was known).
 * Returns 0 or MIST_ERR_FULL. */
int kad_lookup(struct kad *k, mist_time now, const uint8_t target[WIRE_ID], uint32_t owner,
               const struct contact *extra, uint32_t extra_count, struct out *out);
void kad_cancel(struct kad *k, uint32_t owner);

/* What node.c tells: a link asked for by EFFECT_REACH stands or cannot be had.
 * Exactly one of them per EFFECT_REACH; more do no harm. */
void kad_link_up(struct kad *k, mist_time now, const uint8_t id[WIRE_ID], mist_link link,
                 struct out *out);
void kad_link_failed(struct kad *k, mist_time now, const uint8_t id[WIRE_ID], struct out *out);
/* The first messages for a handshake to that node: writes FIND for every lookup
 * that waits for it, returns their length.  A repeated OPEN may ask again. */
size_t kad_first(struct kad *k, mist_time now, const uint8_t id[WIRE_ID], uint8_t *buffer,
                 size_t size);

/* Messages: FIND is answered, NODES moves the lookups. */
void kad_find(struct kad *k, mist_time now, mist_link link, const struct msg *m, struct out *out);
void kad_nodes(struct kad *k, mist_time now, mist_link link, const uint8_t peer[WIRE_ID],
               const struct msg *m, struct out *out);
/* Timer number first_timer + `timer` was due. */
void kad_timer(struct kad *k, mist_time now, uint32_t timer, struct out *out);

/* For mist_api()->memory.  Sums to kad_size. */
uint32_t kad_memory(const struct kad *k, struct mist_memory *array, uint32_t n);

#endif
