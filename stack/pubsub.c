#include "stack/pubsub.h"

#include <string.h>

#include "stack/check.h"
#include "stack/topic.h"

#define EXPIRE_EVERY SEC(60)
/* Publications that one node forwards per second: of one site, as many as a game tells of
 * its state; for one key, of two such.  64 copies of 40 full ones are 21 Mbit/s. */
#define PER_PUBLISHER 20
#define PER_KEY       40
#define EXPIRE_BATCH  64 /* each is an effect, and a verb has room for some hundreds */

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

static uint32_t subscribers_of(const struct pubsub *p, const uint8_t *key, uint64_t provider)
{
    uint32_t n = 0;
    for (uint32_t i = *bucket_of(p, key); i != 0; i = p->held[i - 1].next) {
        const struct held *h = &p->held[i - 1];
        n += h->provider == provider && memcmp(h->key, key, WIRE_ID) == 0;
    }
    return n;
}

/* Of the network that has most subscribers of a key the one that came last; NULL unless a
 * newcomer of `provider` would still have fewer. */
static struct held *crowded_out(struct pubsub *p, const uint8_t *key, uint64_t provider)
{
    struct held *worst = NULL;
    uint32_t most = subscribers_of(p, key, provider) + 1;
    for (uint32_t i = *bucket_of(p, key); i != 0; i = p->held[i - 1].next) {
        struct held *h = &p->held[i - 1];
        uint32_t n = memcmp(h->key, key, WIRE_ID) == 0 ? subscribers_of(p, key, h->provider) : 0;
        if (n > most || (worst != NULL && n == most && h->provider == worst->provider))
            worst = h;
        most = n > most ? n : most;
    }
    return worst;
}

static bool make_room(struct pubsub *p, const uint8_t *key, uint64_t provider, struct out *out)
{
    if (subscribers(p, key) < PUBSUB_PER_KEY)
        return true;
    struct held *h = crowded_out(p, key, provider);
    if (h == NULL)
        return false;
    release(p, find(p, h->key, h->link), out);
    return true;
}

static struct held *free_place(struct pubsub *p)
{
    uint32_t index = p->held_free;
    if (index != 0)
        p->held_free = p->held[index - 1].next;
    else if (p->held_used < p->config.held)
        index = ++p->held_used;
    return index == 0 ? NULL : &p->held[index - 1];
}

enum hold { HELD, KEY_FULL, NO_ROOM };

static enum hold hold(struct pubsub *p, const uint8_t *key, mist_link link, uint64_t provider,
                      mist_time expires, struct out *out)
{
    uint32_t *at = find(p, key, link);
    if (*at != 0) {
        p->held[*at - 1].expires = expires;
        return HELD;
    }
    uint32_t slot = link & 0xffff;
    if (p->per_link[slot] >= PUBSUB_PER_LINK)
        return NO_ROOM;
    if (!make_room(p, key, provider, out))
        return KEY_FULL;
    struct held *h = free_place(p);
    if (h == NULL)
        return NO_ROOM;
    memcpy(h->key, key, WIRE_ID);
    h->link = link;
    h->provider = provider;
    h->expires = expires;
    h->next = 0;
    *find(p, key, link) = (uint32_t)(h - p->held) + 1;
    p->per_link[slot]++;
    keep(out, link, 1);
    p->held_count++;
    return HELD;
}

/* The links of all who subscribe, from a random one on. */
static void name_others(struct pubsub *p, mist_link link, const struct msg *m, struct out *out)
{
    mist_link all[PUBSUB_PER_KEY], turned[PUBSUB_PER_KEY];
    uint32_t n = 0;
    for (uint32_t i = *bucket_of(p, m->key); i != 0 && n < PUBSUB_PER_KEY;
         i = p->held[i - 1].next) {
        if (memcmp(p->held[i - 1].key, m->key, WIRE_ID) == 0)
            all[n++] = p->held[i - 1].link;
    }
    uint32_t first = rng_below(p->rng, n);
    for (uint32_t i = 0; i < n; i++)
        turned[i] = all[(first + i) % n];
    out_effect_copy(out, &(struct effect){.kind = EFFECT_INSTEAD,
                                          .link = link,
                                          .value = m->request,
                                          .bytes = (const uint8_t *)turned,
                                          .length = n * (uint32_t)sizeof turned[0]});
}

void pubsub_subscribe(struct pubsub *p, mist_time now, mist_link link, const uint8_t *peer,
                      const struct addr *from, const struct msg *m, struct out *out)
{
    uint16_t ttl = m->ttl_s > PUBSUB_TTL_S ? PUBSUB_TTL_S : m->ttl_s;
    struct msg answer = {.type = MSG_SUBSCRIBED, .request = m->request, .ttl_s = ttl};
    bool first = p->held_count == 0;
    enum hold held =
        ttl == 0 ? NO_ROOM : hold(p, m->key, link, addr_provider(from), now + SEC(ttl), out);
    if (held == HELD)
        out_fact(out, FACT_SUBSCRIBER_HELD, peer, NULL, p->held_count, 0);
    else
        out_fact(out, FACT_TABLE_FULL, peer, NULL, 8, p->config.held);
    if (first && p->held_count > 0)
        timers_set(p->timers, p->first_timer + p->config.topics, now + EXPIRE_EVERY);
    if (held == KEY_FULL) {
        name_others(p, link, m, out);
        return;
    }
    answer.ttl_s = held == HELD ? ttl : 0;
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

/* The publisher is known by its site, if this node sees where it is. */
static bool may_publish(struct pubsub *p, mist_time now, const uint8_t *peer,
                        const struct addr *seen, const uint8_t *key)
{
    uint64_t site = seen->family == ADDR_NONE ? load64(peer) : addr_site(seen);
    return budget_take(&p->publishers, now, site, PER_PUBLISHER) &&
           budget_take(&p->keys, now, load64(key), PER_KEY);
}

void pubsub_publish(struct pubsub *p, mist_time now, mist_link link, const uint8_t *peer,
                    const struct addr *seen, uint8_t flags, const struct msg *m, struct out *out)
{
    struct msg answer = {.type = MSG_PUBLISHED, .request = m->request};
    if (m->length > WIRE_VALUE)
        return;
    if (!may_publish(p, now, peer, seen, m->key)) {
        out_fact(out, FACT_OVER_BUDGET, peer, seen, 0, 0);
    } else if (pubsub_seen(&p->forwarded, peer, m->number)) {
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

void pubsub_pass_on(struct pubsub *p, mist_time now, mist_link link, const struct msg *m,
                    struct out *out)
{
    if ((m->flags & FLAG_OFFER) != 0 || *bucket_of(p, m->key) == 0 ||
        !topic_held_by(p, m->key, link) || pubsub_seen(&p->forwarded, m->peer, m->number))
        return;
    uint32_t count = forward(p, now, link, m, out);
    out_fact(out, FACT_FORWARDED, m->peer, &m->addr, count, 1);
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
    p->publishers.salt = p->salt ^ 1;
    p->keys.salt = p->salt ^ 2;
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
