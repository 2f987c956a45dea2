/* topic.c: a node's own subscriptions and publications, spread over the nodes
 * closest to their keys. */
#include "stack/topic.h"

#include <string.h>

#include "stack/check.h"

#define COPIES         20       /* M16: who lies about an address must be all of them */
#define ASK_AGAIN      MS(1500) /* above the p99 round trip of personal devices' usual paths */
#define ASK_TRIES      3
#define REFRESH_FIRST  SEC(20)  /* the overlay may still be forming ... */
#define REFRESH_LAST   SEC(240) /* ... later well within PUBSUB_TTL_S */
#define REFRESH_SOON   SEC(2)
#define BRANCHES       4 /* subscribed with, where holders have no room: one may die, one lie */
#define APPROACH_LIMIT SEC(8) /* the tries of a handshake end after 6 s */
#define APPROACHES     16     /* after one lookup: each may have no room itself and name others */

static struct topic *topic_new(struct pubsub *p, uint8_t kind, uint32_t id, const uint8_t *key,
                               struct out *out)
{
    uint32_t i = 0;
    while (i < p->config.topics && (p->topics[i].kind != TOPIC_FREE || p->topics[i].looking))
        i++;
    if (i == p->config.topics) {
        out_fact(out, FACT_TABLE_FULL, NULL, NULL, kind == TOPIC_WANTED ? 3 : 4, i);
        return NULL;
    }
    if (i >= p->topics_used)
        p->topics_used = i + 1;
    struct topic *t = &p->topics[i];
    memset(t, 0, offsetof(struct topic, holders));
    t->kind = kind;
    t->id = id;
    t->every = REFRESH_FIRST;
    memcpy(t->key, key, WIRE_ID);
    return t;
}

static uint32_t index_of(const struct pubsub *p, const struct topic *t)
{
    return (uint32_t)(t - p->topics);
}

static void set_timer(struct pubsub *p, const struct topic *t, mist_time at)
{
    timers_set(p->timers, p->first_timer + index_of(p, t), at);
}

static void look(struct pubsub *p, struct topic *t, struct out *out)
{
    struct effect e = {.kind = EFFECT_LOOKUP, .value = index_of(p, t)};
    memcpy(e.key, t->key, WIRE_ID);
    t->looking = true;
    t->approached = 0;
    for (uint32_t i = 0; i < t->count; i++)
        t->holders[i].fresh = false;
    out_effect(out, &e);
}

/* ---- holders ---- */

static void drop_holder(struct topic *t, uint32_t i, struct out *out)
{
    struct holder *h = &t->holders[i];
    if (h->pinned)
        out_pin(out, h->link, -1);
    *h = t->holders[--t->count];
}

static void ask(struct pubsub *p, mist_time now, struct topic *t, struct holder *h, struct out *out)
{
    struct msg m = {
        .type = MSG_SUBSCRIBE, .request = ++p->next_request, .key = t->key, .ttl_s = PUBSUB_TTL_S};
    if (t->kind == TOPIC_TOLD) {
        m.type = MSG_PUBLISH;
        m.flags = t->flags;
        m.number = t->number;
        m.bytes = t->bytes;
        m.length = (uint16_t)t->length;
    }
    h->request = m.request;
    h->tries++;
    h->asked_at = now;
    out_send(out, h->link, &m);
}

/* <0: a is nearer to key than b. */
static int nearer(const uint8_t *key, const uint8_t *a, const uint8_t *b)
{
    for (int i = 0; i < WIRE_ID; i++) {
        if ((a[i] ^ key[i]) != (b[i] ^ key[i]))
            return (a[i] ^ key[i]) < (b[i] ^ key[i]) ? -1 : 1;
    }
    return 0;
}

static uint32_t farthest(const struct topic *t)
{
    uint32_t worst = 0;
    for (uint32_t i = 1; i < t->count; i++) {
        if (nearer(t->key, t->holders[worst].id, t->holders[i].id) < 0)
            worst = i;
    }
    return worst;
}

static struct holder *holder_of(struct topic *t, const uint8_t *id)
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (memcmp(t->holders[i].id, id, WIRE_ID) == 0)
            return &t->holders[i];
    }
    return NULL;
}

/* A place for a new holder; of a full list the farthest goes, if it is farther. */
static struct holder *make_room(struct topic *t, const uint8_t *id, struct out *out)
{
    if (t->count == PUBSUB_HOLDERS) {
        uint32_t worst = farthest(t);
        if (nearer(t->key, id, t->holders[worst].id) > 0)
            return NULL;
        drop_holder(t, worst, out);
    }
    struct holder *h = &t->holders[t->count++];
    memset(h, 0, sizeof *h);
    memcpy(h->id, id, WIRE_ID);
    return h;
}

void pubsub_found(struct pubsub *p, mist_time now, uint32_t index, const uint8_t *key,
                  const uint8_t *id, mist_link link, struct out *out)
{
    struct topic *t = &p->topics[index];
    if (index >= p->topics_used || t->kind == TOPIC_FREE || memcmp(t->key, key, WIRE_ID) != 0)
        return;
    struct holder *h = holder_of(t, id);
    if (h != NULL && t->kind == TOPIC_TOLD)
        return;
    if (h == NULL)
        h = make_room(t, id, out);
    if (h == NULL)
        return;
    if (h->pinned && h->link != link) {
        out_pin(out, h->link, -1);
        h->pinned = false;
    }
    h->link = link;
    h->fresh = true;
    h->tries = 0;
    h->state = HOLDER_ASKED;
    ask(p, now, t, h, out);
    set_timer(p, t, now + ASK_AGAIN);
}

/* ---- ends ---- */

static void finish_told(struct pubsub *p, struct topic *t, struct out *out)
{
    out_effect(out, &(struct effect){.kind = EFFECT_PUBLISHED,
                                     .value = t->id,
                                     .number = (uint64_t)t->told << 32 | t->acked});
    set_timer(p, t, MIST_NEVER);
    t->kind = TOPIC_FREE;
}

static void leave(struct topic *t, uint32_t i, struct out *out)
{
    struct msg m = {.type = MSG_UNSUBSCRIBE, .key = t->key};
    if (t->holders[i].link != 0)
        out_send(out, t->holders[i].link, &m);
    drop_holder(t, i, out);
}

/* After a lookup only the COPIES nearest that it found hold the subscription. */
static void trim(struct topic *t, struct out *out)
{
    bool found = t->kind == TOPIC_FREE;
    for (uint32_t i = 0; i < t->count; i++)
        found |= t->holders[i].fresh;
    for (uint32_t i = 0; i < t->count;) {
        bool keep = t->holders[i].fresh || !found || /* a lookup in vain takes nothing away */
                    (t->holders[i].branch && t->kind != TOPIC_FREE);
        if (keep && t->holders[i].state != HOLDER_FAILED) {
            i++;
            continue;
        }
        leave(t, i, out);
    }
    while (t->count > COPIES) {
        leave(t, farthest(t), out);
    }
}

static uint32_t holding(const struct topic *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->count; i++)
        n += t->holders[i].state == HOLDER_HOLDS;
    return n;
}

static uint32_t waiting(const struct topic *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->count; i++)
        n += t->holders[i].state <= HOLDER_ASKED;
    return n;
}

/* Nothing is asked any more: tell, and sleep until the next refresh. */
static void settle(struct pubsub *p, mist_time now, struct topic *t, struct out *out)
{
    if (t->looking || waiting(t) > 0)
        return;
    if (t->kind == TOPIC_TOLD) {
        finish_told(p, t, out);
        return;
    }
    trim(t, out);
    out_effect(out,
               &(struct effect){.kind = EFFECT_SUBSCRIBED, .value = t->id, .number = holding(t)});
    mist_time every = holding(t) == 0 ? REFRESH_SOON : rng_around(p->rng, t->every, 20);
    set_timer(p, t, now + every);
    if (t->every < REFRESH_LAST)
        t->every *= 2;
}

static struct topic *looking(struct pubsub *p, uint32_t index, const uint8_t *key)
{
    struct topic *t = &p->topics[index];
    bool ours = index < p->topics_used && t->looking && memcmp(t->key, key, WIRE_ID) == 0;
    return ours ? t : NULL;
}

/* A publication goes to the late, too. */
void pubsub_looked(struct pubsub *p, mist_time now, uint32_t index, const uint8_t *key,
                   struct out *out)
{
    struct topic *t = looking(p, index, key);
    if (t == NULL || t->kind == TOPIC_TOLD)
        return;
    t->looking = false;
    if (t->kind == TOPIC_WANTED)
        settle(p, now, t, out);
}

void pubsub_looked_all(struct pubsub *p, mist_time now, uint32_t index, const uint8_t *key,
                       struct out *out)
{
    struct topic *t = looking(p, index, key);
    if (t == NULL || t->kind == TOPIC_WANTED)
        return;
    t->looking = false;
    if (t->kind == TOPIC_TOLD)
        settle(p, now, t, out);
}

/* ---- answers ---- */

static struct holder *asked(struct pubsub *p, mist_link link, uint32_t request, struct topic **of)
{
    for (uint32_t i = 0; i < p->topics_used; i++) {
        struct topic *t = &p->topics[i];
        for (uint32_t j = 0; t->kind != TOPIC_FREE && j < t->count; j++) {
            struct holder *h = &t->holders[j];
            if (h->link == link && h->request == request && h->state == HOLDER_ASKED) {
                *of = t;
                return h;
            }
        }
    }
    return NULL;
}

void pubsub_subscribed(struct pubsub *p, mist_time now, mist_link link, const struct msg *m,
                       struct out *out)
{
    struct topic *t;
    struct holder *h = asked(p, link, m->request, &t);
    if (h == NULL || t->kind != TOPIC_WANTED)
        return;
    h->state = m->ttl_s == 0 ? HOLDER_FAILED : HOLDER_HOLDS;
    if (h->state == HOLDER_HOLDS && !h->pinned) {
        h->pinned = true;
        out_pin(out, link, 1);
    }
    settle(p, now, t, out);
}

void pubsub_published(struct pubsub *p, mist_time now, mist_link link, const struct msg *m,
                      struct out *out)
{
    struct topic *t;
    struct holder *h = asked(p, link, m->request, &t);
    if (h == NULL || t->kind != TOPIC_TOLD)
        return;
    h->state = HOLDER_HOLDS;
    t->acked++;
    t->told += m->ttl_s;
    settle(p, now, t, out);
}

uint32_t pubsub_received(struct pubsub *p, const struct msg *m, bool *again)
{
    for (uint32_t i = 0; i < p->topics_used; i++) {
        const struct topic *t = &p->topics[i];
        if (t->kind == TOPIC_WANTED && memcmp(t->key, m->key, WIRE_ID) == 0) {
            *again = pubsub_seen(&p->received, m->peer, m->number);
            return t->id;
        }
    }
    return 0;
}

bool topic_held_by(const struct pubsub *p, const uint8_t *key, mist_link link)
{
    for (uint32_t i = 0; i < p->topics_used; i++) {
        const struct topic *t = &p->topics[i];
        bool wanted = t->kind == TOPIC_WANTED && memcmp(t->key, key, WIRE_ID) == 0;
        for (uint32_t j = 0; wanted && j < t->count; j++) {
            if (t->holders[j].link == link && t->holders[j].state == HOLDER_HOLDS)
                return true;
        }
    }
    return false;
}

/* ---- branches ---- */

static bool wants_branch(const struct topic *t)
{
    uint32_t branches = 0;
    for (uint32_t i = 0; i < t->count; i++)
        branches += t->holders[i].branch && t->holders[i].state <= HOLDER_ASKED;
    return t->kind == TOPIC_WANTED && t->count < PUBSUB_HOLDERS && t->approached < APPROACHES &&
           holding(t) + branches < BRANCHES;
}

static void approach(struct pubsub *p, mist_time now, struct topic *t, mist_link teller,
                     const struct contact *c, struct out *out)
{
    struct holder *h = &t->holders[t->count++];
    *h =
        (struct holder){.branch = true, .fresh = true, .state = HOLDER_APPROACHED, .asked_at = now};
    set_timer(p, t, now + ASK_AGAIN);
    memcpy(h->id, c->id, WIRE_ID);
    t->approached++;
    out_effect(
        out, &(struct effect){
                 .kind = EFFECT_APPROACH, .link = teller, .value = index_of(p, t), .contact = *c});
}

void pubsub_instead(struct pubsub *p, mist_time now, mist_link link, const struct msg *m,
                    struct out *out)
{
    struct topic *t;
    struct holder *h = asked(p, link, m->request, &t);
    if (h == NULL || t->kind != TOPIC_WANTED)
        return;
    h->state = HOLDER_FAILED;
    for (uint32_t i = 0; i < m->count && wants_branch(t); i++) {
        struct contact c;
        wire_contact(m, i, &c);
        if (holder_of(t, c.id) == NULL) {
            approach(p, now, t, link, &c, out);
            break;
        }
    }
    settle(p, now, t, out);
}

void pubsub_reached(struct pubsub *p, mist_time now, const uint8_t *id, mist_link link,
                    struct out *out)
{
    for (uint32_t i = 0; i < p->topics_used; i++) {
        struct topic *t = &p->topics[i];
        struct holder *h = t->kind == TOPIC_WANTED ? holder_of(t, id) : NULL;
        if (h == NULL || h->state != HOLDER_APPROACHED)
            continue;
        h->link = link;
        h->state = HOLDER_ASKED;
        ask(p, now, t, h, out);
        set_timer(p, t, now + ASK_AGAIN);
    }
}

void pubsub_unreached(struct pubsub *p, mist_time now, const uint8_t *id, struct out *out)
{
    for (uint32_t i = 0; i < p->topics_used; i++) {
        struct topic *t = &p->topics[i];
        struct holder *h = t->kind == TOPIC_WANTED ? holder_of(t, id) : NULL;
        if (h == NULL || h->state != HOLDER_APPROACHED)
            continue;
        h->state = HOLDER_FAILED;
        settle(p, now, t, out);
    }
}

/* Its holders had no room, and ten thousand who ask them again at each refresh would
 * leave them no time for anything else. */
static bool stands_on_branches(const struct topic *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->count; i++)
        n += t->holders[i].branch && t->holders[i].state == HOLDER_HOLDS;
    return n >= BRANCHES;
}

/* They are in nobody's lookup. */
static void refresh_branches(struct pubsub *p, mist_time now, struct topic *t, struct out *out)
{
    for (uint32_t i = 0; i < t->count; i++) {
        struct holder *h = &t->holders[i];
        if (!h->branch || h->state != HOLDER_HOLDS)
            continue;
        h->state = HOLDER_ASKED;
        h->tries = 0;
        ask(p, now, t, h, out);
        set_timer(p, t, now + ASK_AGAIN);
    }
}

/* ---- time ---- */

static void ask_again(struct pubsub *p, mist_time now, struct topic *t, struct out *out)
{
    mist_time next = MIST_NEVER;
    for (uint32_t i = 0; i < t->count; i++) {
        struct holder *h = &t->holders[i];
        if (h->state == HOLDER_APPROACHED && now - h->asked_at >= APPROACH_LIMIT)
            h->state = HOLDER_FAILED;
        if (h->state > HOLDER_ASKED)
            continue;
        if (h->state == HOLDER_APPROACHED) {
            next = now + ASK_AGAIN < next ? now + ASK_AGAIN : next;
            continue;
        }
        if (now - h->asked_at >= ASK_AGAIN && h->tries >= ASK_TRIES) {
            h->state = HOLDER_FAILED;
            out_effect(out, &(struct effect){.kind = EFFECT_FORSAKE, .link = h->link});
            continue;
        }
        if (now - h->asked_at >= ASK_AGAIN)
            ask(p, now, t, h, out);
        if (h->asked_at + ASK_AGAIN < next)
            next = h->asked_at + ASK_AGAIN;
    }
    set_timer(p, t, next);
    if (next == MIST_NEVER)
        settle(p, now, t, out);
}

void topic_timer(struct pubsub *p, mist_time now, uint32_t index, struct out *out)
{
    struct topic *t = &p->topics[index];
    CHECK(index < p->topics_used && t->kind != TOPIC_FREE);
    if (t->looking || waiting(t) > 0)
        ask_again(p, now, t, out);
    else {
        if (!stands_on_branches(t))
            look(p, t, out);
        refresh_branches(p, now, t, out);
    }
}

void topic_link_down(struct pubsub *p, mist_time now, mist_link link, struct out *out)
{
    for (uint32_t i = 0; i < p->topics_used; i++) {
        struct topic *t = &p->topics[i];
        for (uint32_t j = 0; t->kind != TOPIC_FREE && j < t->count;) {
            if (t->holders[j].link != link) {
                j++;
                continue;
            }
            t->holders[j].pinned = false; /* the link took its pins along */
            drop_holder(t, j, out);
            if (t->kind == TOPIC_WANTED && !t->looking && waiting(t) == 0)
                set_timer(p, t, now + REFRESH_SOON);
        }
    }
}

int pubsub_enough(struct pubsub *p, uint32_t owner, uint32_t *index)
{
    for (uint32_t i = 0; i < p->topics_used; i++) {
        struct topic *t = &p->topics[i];
        if (t->kind != TOPIC_TOLD || t->id != owner)
            continue;
        set_timer(p, t, MIST_NEVER);
        t->kind = TOPIC_FREE;
        t->looking = false;
        *index = i;
        return 1;
    }
    return 0;
}

/* ---- the caller's side ---- */

int pubsub_want(struct pubsub *p, uint32_t id, const uint8_t key[WIRE_ID], struct out *out)
{
    struct topic *t = topic_new(p, TOPIC_WANTED, id, key, out);
    if (t == NULL)
        return MIST_ERR_FULL;
    look(p, t, out);
    return MIST_OK;
}

int pubsub_unwant(struct pubsub *p, uint32_t id, struct out *out)
{
    for (uint32_t i = 0; i < p->topics_used; i++) {
        struct topic *t = &p->topics[i];
        if (t->kind != TOPIC_WANTED || t->id != id)
            continue;
        for (uint32_t j = 0; j < t->count; j++)
            t->holders[j].fresh = false;
        t->kind = TOPIC_FREE;
        trim(t, out);
        set_timer(p, t, MIST_NEVER);
        return MIST_OK;
    }
    return MIST_ERR_UNKNOWN;
}

int pubsub_tell(struct pubsub *p, uint32_t owner, const uint8_t key[WIRE_ID], uint8_t flags,
                const uint8_t *bytes, uint32_t length, uint64_t number, struct out *out)
{
    CHECK(length <= WIRE_VALUE);
    struct topic *t = topic_new(p, TOPIC_TOLD, owner, key, out);
    if (t == NULL)
        return MIST_ERR_FULL;
    t->flags = flags;
    t->length = length;
    t->number = number;
    if (length > 0)
        memcpy(t->bytes, bytes, length);
    look(p, t, out);
    return MIST_OK;
}
