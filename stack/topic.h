/* topic.h: the tables of pubsub, shared by pubsub.c (held) and topic.c (own). */
#ifndef MIST_TOPIC_H
#define MIST_TOPIC_H

#include "stack/budget.h"
#include "stack/pubsub.h"

#define SEEN_RING 64

struct held {
    uint8_t key[WIRE_ID];
    uint64_t provider; /* addr_provider of where the subscriber is */
    mist_link link;    /* 0: free */
    uint32_t next;     /* same bucket, or next free; index + 1 */
    mist_time expires;
};

enum holder_state { HOLDER_APPROACHED, HOLDER_ASKED, HOLDER_HOLDS, HOLDER_FAILED };

struct holder {
    uint8_t id[WIRE_ID];
    mist_link link; /* 0: none yet */
    uint32_t request;
    uint8_t state; /* enum holder_state */
    uint8_t tries;
    bool pinned;
    bool branch; /* a subscriber itself, which forwards what it gets */
    bool fresh;  /* found by the running or latest lookup */
    mist_time asked_at;
};

enum topic_kind { TOPIC_FREE, TOPIC_WANTED, TOPIC_TOLD };

struct topic {
    uint8_t kind; /* enum topic_kind */
    uint8_t flags;
    bool looking; /* a lookup is under way */
    bool announced;
    uint32_t id;          /* subscription's id, or the publication's owner */
    uint32_t approached;  /* branches since the latest lookup */
    uint32_t count;       /* holders in use, from the front */
    uint32_t acked, told; /* publications: acknowledged, forwarded */
    uint32_t length;
    uint64_t number;
    mist_time every; /* until the next refresh */
    uint8_t key[WIRE_ID];
    struct holder holders[PUBSUB_HOLDERS];
    uint8_t bytes[WIRE_VALUE];
};

/* Publications seen lately: 64-bit tags of (publisher, number). */
struct seen_ring {
    uint64_t tags[SEEN_RING];
    uint32_t next;
};

struct pubsub {
    struct pubsub_config config;
    struct topic *topics;
    struct held *held;
    uint32_t *buckets; /* [bucket_mask + 1] index + 1 into held */
    uint8_t *per_link; /* [links] held entries of the link's slot */
    uint32_t bucket_mask, held_used, held_free, held_count, topics_used;
    uint32_t next_request;
    uint32_t first_timer;
    uint64_t salt;
    struct rng *rng;
    struct timers *timers;
    struct seen_ring forwarded, received;
    struct budget publishers, keys;
};

/* 1 when it was seen before; remembers it. */
bool pubsub_seen(struct seen_ring *ring, const uint8_t *publisher, uint64_t number);
void topic_timer(struct pubsub *p, mist_time now, uint32_t index, struct out *out);
/* Is `link` one of those that this node subscribes to `key` with? */
bool topic_held_by(const struct pubsub *p, const uint8_t *key, mist_link link);
void topic_link_down(struct pubsub *p, mist_time now, mist_link link, struct out *out);

#endif
