#include "stack/pubsub.h"

#include <string.h>

#include "stack/check.h"
#include "stack/topic.h"

#define EXPIRE_EVERY SEC(60)
#define EXPIRE_BATCH 64 /* each is an effect, and a verb has room for some hundreds */

static uint64_t load64(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = word << 8 | bytes[i];
    return word;
}

bool pubsub_seen(struct seen_ring *ring, const uint8_t *publisher, uint64_t number)
{
    uint64_t tag = (load64(publisher) ^ number) * UINT64_C(0x9e3779b97f4a7c15) ^ number;
    for (int i = 0; i < SEEN_RING; i++) {
        if (ring->tags[i] == tag)
            return true;
    }
    ring->tags[ring->next] = tag;
    ring->next = (ring->next + 1) % SEEN_RING;
    return false;
}

/* ---- held ---- */

static uint32_t *bucket_of(const struct pubsub *p, const uint8_t *key)
{
    uint64_t word = p->salt; /* keys are the peers' choice: every byte counts */
    for (int i = 0; i < WIRE_ID; i += 8) {
        word = (word ^ load64(key + i)) * UINT64_C(0x9e3779b97f4a7c15);
        word ^= word >> 32;
    }
    word *= UINT64_C(0x9e3779b97f4a7c15);
    return &p->buckets[(uint32_t)(word >> 32) & p->bucket_mask];
}

static uint32_t *find(const struct pubsub *p, const uint8_t *key, mist_link link)
{
    uint32_t *at = bucket_of(p, key);
    for (; *at != 0; at = &p->held[*at - 1].next) {
        const struct held *h = &p->held[*at - 1];
        if (h->link == link && memcmp(h->key, key, WIRE_ID) == 0)
            break;
    }
    return at;
}

static void keep(struct out *out, mist_link link, int by)
{
    out_effect(out, &(struct effect){.kind = EFFECT_KEEP, .link = link, .value = (uint32_t)by});
}

static void release(struct pubsub *p, uint32_t *at, struct out *out)
{
    uint32_t index = *at - 1;
    struct held *h = &p->held[index];
    *at = h->next;
    p->per_link[h->link & 0xffff]--;
    keep(out, h->link, -1);
    memset(h, 0, sizeof *h);
    h->next = p->held_free;
    p->held_free = index + 1;
    p->held_count--;
}

static uint32_t subscribers(const struct pubsub *p, const uint8_t *key)
{
    uint32_t n = 0;
    for (uint32_t i = *bucket_of(p, key); i != 0; i = p->held[i - 1].next)
        n += memcmp(p->held[i - 1].key, key, WIRE_ID) == 0;
    return n;
}

static bool hold(struct pubsub *p, const uint8_t *key, mist_link link, mist_time expires,
                 struct out *out)
{
    uint32_t *at = find(p, key, link);
    if (*at != 0) {
        p->held[*at - 1].expires = expires;
        return true;
    }
    uint32_t slot = link & 0xffff;
    if (subscribers(p, key) >= PUBSUB_PER_KEY || p->per_link[slot] >= PUBSUB_PER_LINK)
        return false;
    uint32_t index = p->held_free;
    if (index != 0)
        p->held_free = p->held[index - 1].next;
    else if (p->held_used < p->config.held)
        index = ++p->held_used;
    else
        return false;
    struct held *h = &p->held[index - 1];
    memcpy(h->key, key, WIRE_ID);
    h->link = link;
    h->expires = expires;
    h->next = 0;
    *at = index;
    p->per_link[slot]++;
    keep(out, link, 1);
    p->held_count++;
    return true;
}

void pubsub_subscribe(struct pubsub *p, mist_time now, mist_link link, const uint8_t *peer,
                      const struct msg *m, struct out *out)
{
    uint16_t ttl = m->ttl_s > PUBSUB_TTL_S ? PUBSUB_TTL_S : m->ttl_s;
    struct msg answer = {.type = MSG_SUBSCRIBED, .request = m->request, .ttl_s = ttl};
    bool first = p->held_count == 0;
    if (ttl == 0 || !hold(p, m->key, link, now + SEC(ttl), out)) {
        answer.ttl_s = 0;
        out_fact(out, FACT_TABLE_FULL, peer, NULL, 8, p->config.held);
    } else {
        out_fact(out, FACT_SUBSCRIBER_HELD, peer, NULL, p->held_count, 0);
    }
    if (first && p->held_count > 0)
        timers_set(p->timers, p->first_timer + p->config.topics, now + EXPIRE_EVERY);
    out_send(out, link, &answer);
}

void pubsub_unsubscribe(struct pubsub *p, mist_link link, const struct msg *m, struct out *out)
{
    uint32_t *at = find(p, m->key, link);
    if (*at != 0)
        release(p, at, out);
}

/* Sends the publication on to everyone who wants it but the publisher. */
static uint32_t forward(struct pubsub *p, mist_time now, mist_link link, const struct msg *receive,
                        struct out *out)
{
    uint32_t count = 0;
    for (uint32_t i = *bucket_of(p, receive->key); i != 0; i = p->held[i - 1].next) {
        const struct held *h = &p->held[i - 1];
        if (h->link == link || h->expires <= now || memcmp(h->key, receive->key, WIRE_ID) != 0)
            continue;
        if ((receive->flags & FLAG_OFFER) != 0 && link != 0)
            out_effect(out,
                       &(struct effect){.kind = EFFECT_INTRODUCED, .link = link, .value = h->link});
        out_send(out, h->link, receive);
        count++;
    }
    return count;
}

void pubsub_publish(struct pubsub *p, mist_time now, mist_link link, const uint8_t *peer,
                    const struct addr *seen, uint8_t flags, const struct msg *m, struct out *out)
{
    struct msg answer = {.type = MSG_PUBLISHED, .request = m->request};
    if (m->length > WIRE_VALUE)
        return;
    if (pubsub_seen(&p->forwarded, peer, m->number)) {
        out_fact(out, FACT_DUPLICATE, peer, NULL, 0, 0);
        answer.ttl_s = (uint16_t)subscribers(p, m->key);
    } else {
        struct msg receive = {.type = MSG_RECEIVE,
                              .flags = (uint8_t)((m->flags & FLAG_OFFER) | flags),
                              .key = m->key,
                              .number = m->number,
                              .peer = peer,
                              .addr = *seen,
                              .bytes = m->bytes,
                              .length = m->length};
        answer.ttl_s = (uint16_t)forward(p, now, link, &receive, out);
        out_fact(out, FACT_FORWARDED, peer, seen, answer.ttl_s, 0);
    }
    out_send(out, link, &answer);
}

void pubsub_here(struct pubsub *p, mist_time now, const uint8_t key[WIRE_ID], const uint8_t *self,
                 uint8_t flags, const uint8_t *bytes, uint32_t length, uint64_t number,
                 struct out *out)
{
    struct msg receive = {.type = MSG_RECEIVE,
                          .flags = flags,
                          .key = key,
                          .number = number,
                          .peer = self,
                          .bytes = bytes,
                          .length = (uint16_t)length};
    (void)forward(p, now, 0, &receive, out);
}

static void expire(struct pubsub *p, mist_time now, struct out *out)
{
    uint32_t released = 0;
    for (uint32_t i = 0; i < p->held_used && released < EXPIRE_BATCH; i++) {
        struct held *h = &p->held[i];
        if (h->link == 0 || h->expires > now)
            continue;
        released++;
        release(p, find(p, h->key, h->link), out);
    }
    mist_time next = now + (released == EXPIRE_BATCH ? MS(1) : EXPIRE_EVERY);
    if (p->held_count > 0)
        timers_set(p->timers, p->first_timer + p->config.topics, next);
}

void pubsub_link_down(struct pubsub *p, mist_time now, mist_link link, struct out *out)
{
    for (uint32_t i = 0; p->per_link[link & 0xffff] > 0 && i < p->held_used; i++) {
        if (p->held[i].link == link)
            release(p, find(p, p->held[i].key, link), out);
    }
    topic_link_down(p, now, link, out);
}

void pubsub_timer(struct pubsub *p, mist_time now, uint32_t timer, struct out *out)
{
    if (timer == p->config.topics)
        expire(p, now, out);
    else
        topic_timer(p, now, timer, out);
}

/* ---- memory ---- */

static uint32_t bucket_count(uint32_t held)
{
    uint32_t n = 16;
    while (n < held)
        n *= 2;
    return n;
}

static size_t round_up(size_t n)
{
    return (n + 63) / 64 * 64;
}

size_t pubsub_size(const struct pubsub_config *c)
{
    return round_up(sizeof(struct pubsub)) + round_up(c->topics * sizeof(struct topic)) +
           round_up(c->held * sizeof(struct held)) +
           round_up(bucket_count(c->held) * sizeof(uint32_t)) + round_up(c->links);
}

uint32_t pubsub_timers(const struct pubsub_config *config)
{
    return config->topics + 1;
}

struct pubsub *pubsub_init(void *memory, const struct pubsub_config *config, struct rng *rng,
                           struct timers *timers, uint32_t first_timer)
{
    struct pubsub *p = memory;
    uint8_t *at = (uint8_t *)memory + round_up(sizeof *p);
    p->config = *config;
    p->topics = (struct topic *)(void *)at;
    at += round_up(config->topics * sizeof(struct topic));
    p->held = (struct held *)(void *)at;
    at += round_up(config->held * sizeof(struct held));
    p->buckets = (uint32_t *)(void *)at;
    p->bucket_mask = bucket_count(config->held) - 1;
    p->per_link = at + round_up((p->bucket_mask + 1) * sizeof(uint32_t));
    p->rng = rng;
    p->timers = timers;
    p->first_timer = first_timer;
    p->salt = rng_u64(rng);
    p->next_request = rng_u32(rng);
    return p;
}

uint32_t pubsub_memory(const struct pubsub *p, struct mist_memory *array, uint32_t n)
{
    if (n < 3)
        return 0;
    array[0] =
        (struct mist_memory){"topics", sizeof(struct topic), p->config.topics, p->topics_used};
    array[1] = (struct mist_memory){"held subscriptions", sizeof(struct held), p->config.held,
                                    p->held_used};
    array[2] =
        (struct mist_memory){"held index", sizeof(uint32_t), p->bucket_mask + 1, p->held_count};
    return 3;
}
