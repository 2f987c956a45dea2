#include "stack/out.h"

#include <string.h>

#include "stack/check.h"

/* Limits of one verb.  A tick of a busy server sends some dozens of datagrams;
 * what does not fit is dropped with a fact, as a full socket buffer would. */
#define DATAGRAMS 320 /* one from each of 256 sockets, and what else is due */
#define EFFECTS   512
#define SIGNALS   128 /* of EFFECTS: kept free of what may be lost like a datagram */
#define EVENTS    320 /* a spray's 256 sockets are closed at once */
#define FACTS     256
#define ARENA     (192 * 1024)

struct out {
    const void *owner;
    uint32_t datagram_head, datagram_count;
    uint32_t effect_head, effect_count;
    uint32_t event_head, event_count;
    uint32_t fact_head, fact_count;
    uint32_t arena_used;
    struct mist_datagram datagrams[DATAGRAMS];
    struct effect effects[EFFECTS];
    struct mist_event events[EVENTS];
    struct mist_fact facts[FACTS];
    uint8_t arena[ARENA];
};

size_t out_size(void)
{
    return sizeof(struct out);
}

void out_reset(struct out *o, const void *owner)
{
    o->owner = owner;
    o->datagram_head = o->datagram_count = 0;
    o->effect_head = o->effect_count = 0;
    o->event_head = o->event_count = 0;
    o->fact_head = o->fact_count = 0;
    o->arena_used = 0;
}

const void *out_owner(const struct out *o)
{
    return o->owner;
}

/* NULL when the arena has not that much left. */
static uint8_t *arena(struct out *o, size_t n)
{
    return ARENA - o->arena_used < n ? NULL : o->arena + o->arena_used;
}

void out_fact(struct out *o, enum fact_number number, const uint8_t *peer, const struct addr *addr,
              int64_t a, int64_t b)
{
    if (o->fact_count == FACTS)
        return;
    struct mist_fact *f = &o->facts[o->fact_count++];
    memset(f, 0, sizeof *f);
    f->size = sizeof *f;
    f->number = number;
    if (peer != NULL)
        memcpy(f->peer, peer, sizeof f->peer);
    if (addr != NULL)
        f->addr = *addr;
    f->a = a;
    f->b = b;
}

void out_effect(struct out *o, const struct effect *e)
{
    bool losable = e->kind == EFFECT_SEND || e->kind == EFFECT_PROBE;
    if (o->effect_count == (losable ? EFFECTS - SIGNALS : EFFECTS)) {
        out_fact(o, FACT_TABLE_FULL, NULL, NULL, 9, e->kind);
        return;
    }
    o->effects[(o->effect_head + o->effect_count++) % EFFECTS] = *e;
}

void out_effect_copy(struct out *o, const struct effect *e)
{
    struct effect copy = *e;
    uint8_t *bytes = arena(o, e->length);
    if (bytes == NULL) {
        out_fact(o, FACT_TABLE_FULL, NULL, NULL, 9, e->kind);
        return;
    }
    memcpy(bytes, e->bytes, e->length);
    o->arena_used += e->length;
    copy.bytes = bytes;
    out_effect(o, &copy);
}

static void append(struct out *o, struct effect e, const struct msg *m)
{
    uint8_t *bytes = arena(o, WIRE_MTU);
    size_t length = bytes == NULL ? 0 : wire_put(bytes, WIRE_MTU, m);
    if (length == 0) {
        out_fact(o, FACT_TABLE_FULL, NULL, NULL, 9, e.kind);
        return;
    }
    o->arena_used += (uint32_t)length;
    e.length = (uint32_t)length;
    e.bytes = bytes;
    out_effect(o, &e);
}

void out_send(struct out *o, mist_link link, const struct msg *m)
{
    append(o, (struct effect){.kind = EFFECT_SEND, .link = link}, m);
}

void out_probe(struct out *o, mist_link link, const struct addr *addr, const struct msg *m)
{
    out_probe_from(o, link, addr, 0, 0, m);
}

void out_probe_from(struct out *o, mist_link link, const struct addr *addr, uint32_t socket,
                    uint8_t ttl, const struct msg *m)
{
    append(o,
           (struct effect){
               .kind = EFFECT_PROBE, .link = link, .addr = *addr, .socket = socket, .ttl = ttl},
           m);
}

void out_reach(struct out *o, const struct contact *contact)
{
    out_effect(o, &(struct effect){.kind = EFFECT_REACH, .contact = *contact});
}

void out_pin(struct out *o, mist_link link, int by)
{
    out_effect(o, &(struct effect){.kind = EFFECT_PIN, .link = link, .value = (uint32_t)by});
}

void out_event(struct out *o, const struct mist_event *e)
{
    uint8_t *bytes = e->length == 0 ? NULL : arena(o, e->length);
    if (o->event_count == EVENTS || (e->length > 0 && bytes == NULL)) {
        out_fact(o, FACT_TABLE_FULL, NULL, NULL, 9, EFFECT_KINDS);
        return;
    }
    struct mist_event *to = &o->events[o->event_count++];
    *to = *e;
    to->size = sizeof *to;
    if (bytes != NULL) {
        memcpy(bytes, e->bytes, e->length);
        o->arena_used += e->length;
        to->bytes = bytes;
    }
}

int out_take(struct out *o, struct effect *e)
{
    if (o->effect_count == 0)
        return 0;
    *e = o->effects[o->effect_head];
    o->effect_head = (o->effect_head + 1) % EFFECTS;
    o->effect_count--;
    return 1;
}

uint8_t *out_datagram(struct out *o)
{
    uint8_t *bytes = arena(o, WIRE_MTU);
    if (o->datagram_count < DATAGRAMS && bytes != NULL)
        return bytes;
    out_fact(o, FACT_TABLE_FULL, NULL, NULL, 10, 0);
    return NULL;
}

void out_commit(struct out *o, const struct mist_datagram *d)
{
    CHECK(d->bytes == o->arena + o->arena_used && d->length <= WIRE_MTU);
    o->arena_used += d->length;
    o->datagrams[o->datagram_count++] = *d;
}

bool out_busy(const struct out *o)
{
    return o->datagram_count > DATAGRAMS / 2 || o->arena_used > ARENA / 2;
}

uint32_t out_datagrams(struct out *o, struct mist_datagram *array, uint32_t n)
{
    uint32_t left = o->datagram_count - o->datagram_head;
    if (n > left)
        n = left;
    memcpy(array, o->datagrams + o->datagram_head, n * sizeof *array);
    o->datagram_head += n;
    return n;
}

int out_next_event(struct out *o, struct mist_event *e)
{
    if (o->event_head == o->event_count)
        return 0;
    *e = o->events[o->event_head++];
    return 1;
}

int out_next_fact(struct out *o, struct mist_fact *f)
{
    if (o->fact_head == o->fact_count)
        return 0;
    *f = o->facts[o->fact_head++];
    return 1;
}
