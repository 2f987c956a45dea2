/* pubsub.h: publish and subscribe on the nodes closest to a key.
 *
 * Two halves that share nothing but the messages:
 *   held    what this node keeps for others: who wants what is published on a
 *           key; a publication goes to them with the publisher's address as
 *           this node sees it
 *   topics  what this node wants: its subscriptions, and publications under way.
 *           A topic spreads over the KAD_K nodes that a lookup finds, starting
 *           with the first that answers.
 *
 * A key may have more subscribers than its holders take: PUBSUB_PER_KEY each, of which
 * no network has more than its share while others want in.  Whoever finds no room is
 * named subscribers of the key that can be reached, and subscribes with some of those:
 * a tree below each holder, in which every node has at most PUBSUB_PER_KEY branches.
 *
 * Timers: one per topic (retry, or the next refresh), one for expiry of held. */
#ifndef MIST_PUBSUB_H
#define MIST_PUBSUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/out.h"
#include "stack/rng.h"
#include "stack/timers.h"

#define PUBSUB_TTL_S    600 /* of a subscription */
#define PUBSUB_HOLDERS  24  /* 20 and some that a better one pushes out */
#define PUBSUB_PER_KEY  64  /* subscribers of one key on one node */
#define PUBSUB_INSTEAD  4   /* contacts named to whom there is no room for */
#define PUBSUB_PER_LINK 16  /* keys of one subscriber on one node */

struct pubsub_config {
    uint32_t topics, held, links;
};

struct pubsub;

size_t pubsub_size(const struct pubsub_config *config);
uint32_t pubsub_timers(const struct pubsub_config *config);
struct pubsub *pubsub_init(void *memory, const struct pubsub_config *config, struct rng *rng,
                           struct timers *timers, uint32_t first_timer);

/* ---- held: for others ---- */

void pubsub_subscribe(struct pubsub *p, mist_time now, mist_link link, const uint8_t *peer,
                      const struct addr *from, const struct msg *m, struct out *out);
void pubsub_unsubscribe(struct pubsub *p, mist_link link, const struct msg *m, struct out *out);
/* seen: where this node sees the publisher.  flags: of this node, passed on. */
void pubsub_publish(struct pubsub *p, mist_time now, mist_link link, const uint8_t *peer,
                    const struct addr *seen, uint8_t flags, const struct msg *m, struct out *out);

/* What this node got as a subscriber goes on to whom it holds for the same key, if it
 * came from one of its own holders. */
void pubsub_pass_on(struct pubsub *p, mist_time now, mist_link link, const struct msg *m,
                    struct out *out);

/* This node's own publication, to the subscriptions that it holds itself. */
void pubsub_here(struct pubsub *p, mist_time now, const uint8_t key[WIRE_ID], const uint8_t *self,
                 uint8_t flags, const uint8_t *bytes, uint32_t length, uint64_t number,
                 struct out *out);

/* ---- topics: for ourselves ---- */

/* Subscribes under the caller's id.  Returns 0, MIST_ERR_FULL. */
int pubsub_want(struct pubsub *p, uint32_t id, const uint8_t key[WIRE_ID], struct out *out);
int pubsub_unwant(struct pubsub *p, uint32_t id, struct out *out); /* 0, MIST_ERR_UNKNOWN */
/* Publishes; ends in EFFECT_PUBLISHED with `owner`.  Returns 0, MIST_ERR_FULL. */
int pubsub_tell(struct pubsub *p, uint32_t owner, const uint8_t key[WIRE_ID], uint8_t flags,
                const uint8_t *bytes, uint32_t length, uint64_t number, struct out *out);
/* Ends a publication of `owner` where it stands.  1: *index is its topic, whose
 * lookup the caller cancels; 0: there is none. */
int pubsub_enough(struct pubsub *p, uint32_t owner, uint32_t *index);
/* Which subscription a MSG_RECEIVE is for: its id, 0 when none.  *again: a copy. */
uint32_t pubsub_received(struct pubsub *p, const struct msg *m, bool *again);
void pubsub_subscribed(struct pubsub *p, mist_time now, mist_link link, const struct msg *m,
                       struct out *out);
void pubsub_published(struct pubsub *p, mist_time now, mist_link link, const struct msg *m,
                      struct out *out);
/* A holder names others instead of itself: one of them is approached (EFFECT_APPROACH),
 * which ends in _reached or _unreached. */
void pubsub_instead(struct pubsub *p, mist_time now, mist_link link, const struct msg *m,
                    struct out *out);
void pubsub_reached(struct pubsub *p, mist_time now, const uint8_t *id, mist_link link,
                    struct out *out);
void pubsub_unreached(struct pubsub *p, mist_time now, const uint8_t *id, struct out *out);
/* A lookup of `key` for topic `index` found a node, if the topic is still that key's;
 * has its result, after which a late one may still be found. */
void pubsub_found(struct pubsub *p, mist_time now, uint32_t index, const uint8_t *key,
                  const uint8_t *id, mist_link link, struct out *out);
void pubsub_looked(struct pubsub *p, mist_time now, uint32_t index, const uint8_t *key,
                   struct out *out);
/* It finds nobody any more. */
void pubsub_looked_all(struct pubsub *p, mist_time now, uint32_t index, const uint8_t *key,
                       struct out *out);

void pubsub_link_down(struct pubsub *p, mist_time now, mist_link link, struct out *out);
void pubsub_timer(struct pubsub *p, mist_time now, uint32_t timer, struct out *out);
uint32_t pubsub_memory(const struct pubsub *p, struct mist_memory *array, uint32_t n);

#endif
