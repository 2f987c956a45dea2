/* box.c: see box.h. */
#include "sim/natbox/box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/draw.h"
#include "stack/check.h"

#define SHARED_SPACE 0x64400000u /* 100.64.0.0/10, RFC 6598 */
#define DEEPEST      4           /* boxes' answers to boxes' answers */
#define ANSWERS      128         /* pieces of the largest packet over the smallest link, and some */

struct box {
    struct box_calls calls;
    struct nat_slab *slab;
    uint32_t count;
    struct nat *nats[CATALOGUE_CHAIN];
    uint16_t next_id; /* IPv4 identification of what the boxes send themselves */
};

/* ---- opening ---- */

static uint32_t addresses_wanted(const struct nat_policy *policy)
{
    return policy->kind == NAT_KIND_FIREWALL ? 0 : policy->pool;
}

static const char *misfit(const struct nat_named *nat, const struct box_outside *outside)
{
    const struct nat_policy *last = &nat->policies[nat->count - 1];
    if (addresses_wanted(last) == 0)
        return outside->count == 0 ? NULL : "a firewall keeps addresses and takes no external ones";
    if (outside->count == 0)
        return "it needs an external address";
    return outside->count < last->pool ? "it needs as many external addresses as its pool" : NULL;
}

static struct nat *make(struct box *b, const struct nat_policy *policy, uint32_t level,
                        const struct box_outside *outside, uint64_t seed)
{
    struct addr inner[BOX_EXTERNALS];
    uint32_t count = addresses_wanted(policy);
    const struct addr *external = outside->addresses;
    for (uint32_t i = 0; level + 1 < b->count && i < count && i < BOX_EXTERNALS; i++) {
        inner[i] = addr_v4(SHARED_SPACE + ((b->count - 2 - level) << 12) + 1 + i, 0);
        external = inner;
    }
    void *memory = malloc(nat_size(count));
    CHECK(memory && count <= BOX_EXTERNALS);
    return nat_init(memory, b->slab, policy, draw_u64(seed, level, DRAW_BOX_SEED, 0), external,
                    count);
}

struct box *box_open(const struct nat_named *nat, const struct box_outside *outside,
                     const struct addr *gateway, uint64_t seed, const struct box_calls *calls,
                     char *error, size_t size)
{
    const char *why = nat->count ? misfit(nat, outside) : "none is no box";
    for (uint32_t i = 0; i < nat->count && !why; i++)
        if (addresses_wanted(&nat->policies[i]) > BOX_EXTERNALS)
            why = "its pool is larger than 64 addresses";
    if (why) {
        (void)snprintf(error, size, "%s: %s", nat->name, why);
        return NULL;
    }
    struct box *b = calloc(1, sizeof *b);
    CHECK(b);
    b->calls = *calls;
    b->slab = nat_slab_open();
    CHECK(b->slab);
    b->count = nat->count;
    for (uint32_t i = 0; i < nat->count; i++)
        b->nats[i] = make(b, &nat->policies[i], i, outside, seed);
    if (gateway->family != ADDR_NONE)
        nat_set_gateway(b->nats[0], gateway);
    return b;
}

void box_close(struct box *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        nat_close(b->nats[i]);
        free(b->nats[i]);
    }
    nat_slab_close(b->slab);
    free(b);
}

/* ---- packets ---- */

/* A packet on its way through the chain. */
struct way {
    mist_time now;
    enum nat_side from; /* of the box that is next */
    uint32_t level;     /* that box; box->count or UINT32_MAX: none, it leaves */
    uint32_t depth;     /* of boxes' answers to boxes' answers */
};

static void travel(struct box *b, struct way way, uint8_t *bytes, uint32_t length);

static void tell(struct box *b, const struct way *way, const struct packet *p, const char *verdict,
                 bool passed)
{
    if (!b->calls.decided)
        return;
    struct box_decision d = {.at = way->now,
                             .from = way->from,
                             .level = way->level,
                             .source = p->before.from,
                             .to = p->before.to,
                             .protocol = p->before.protocol,
                             .length = p->length,
                             .verdict = verdict,
                             .bytes = p->bytes};
    if (passed) {
        d.source_after = p->datagram.from;
        d.to_after = p->datagram.to;
    }
    b->calls.decided(b->calls.data, &d);
}

/* What a box itself sends in answer to one packet. */
struct answers {
    uint32_t count;
    struct {
        enum nat_side side;
        uint32_t length;
        uint8_t *bytes;
    } list[ANSWERS];
};

/* Takes them from the box, before the next call on any. */
static void collect(struct box *b, uint32_t level, struct answers *answers)
{
    struct nat_datagram d;
    enum nat_side side;
    answers->count = 0;
    while (nat_output(b->nats[level], &d, &side)) {
        if (answers->count == ANSWERS)
            continue;
        uint8_t *bytes = malloc(PACKET_ROOM);
        CHECK(bytes);
        answers->list[answers->count].side = side;
        answers->list[answers->count].bytes = bytes;
        answers->list[answers->count++].length = packet_make(&d, ++b->next_id, bytes);
    }
}

/* They go on from the box that sent them. */
static void send_on(struct box *b, struct way way, struct answers *answers)
{
    uint32_t level = way.level;
    way.depth++;
    for (uint32_t i = 0; i < answers->count; i++) {
        bool outward = answers->list[i].side == NAT_OUTSIDE;
        way.level = level + (outward ? 1u : UINT32_MAX);
        way.from = outward ? NAT_INSIDE : NAT_OUTSIDE;
        if (answers->list[i].length && way.depth < DEEPEST)
            travel(b, way, answers->list[i].bytes, answers->list[i].length);
        free(answers->list[i].bytes);
    }
}

static enum nat_verdict cross(struct box *b, const struct way *way, struct packet *p)
{
    struct nat *nat = b->nats[way->level];
    enum nat_verdict verdict = way->from == NAT_INSIDE ? nat_outbound(nat, way->now, &p->datagram)
                                                       : nat_inbound(nat, way->now, &p->datagram);
    tell(b, way, p, nat_verdict_word(verdict), !nat_is_drop(verdict));
    return verdict;
}

static void go_on(struct box *b, struct way way, enum nat_verdict verdict, uint8_t *bytes,
                  uint32_t length)
{
    bool outward = way.from == NAT_INSIDE && verdict == NAT_PASS;
    way.level += outward ? 1u : UINT32_MAX;
    way.from = outward ? NAT_INSIDE : NAT_OUTSIDE;
    travel(b, way, bytes, length);
}

static void travel(struct box *b, struct way way, uint8_t *bytes, uint32_t length)
{
    struct packet p;
    if (way.level >= b->count) {
        b->calls.send(b->calls.data, way.from == NAT_INSIDE ? NAT_OUTSIDE : NAT_INSIDE, bytes,
                      length);
        return;
    }
    const char *why = packet_read(&p, way.from, bytes, length);
    if (why) {
        tell(b, &way, &p, why, false);
        return;
    }
    struct answers answers;
    uint8_t *out = malloc(PACKET_ROOM);
    CHECK(out);
    enum nat_verdict verdict = cross(b, &way, &p);
    /* All that the translator lends is gone with the next call on any box. */
    length = nat_is_drop(verdict) ? 0 : packet_write(&p, way.from, out);
    collect(b, way.level, &answers);
    if (!nat_is_drop(verdict))
        go_on(b, way, verdict, out, length);
    send_on(b, way, &answers);
    free(out);
}

void box_packet(struct box *b, mist_time now, enum nat_side from, uint8_t *bytes, uint32_t length)
{
    struct way way = {.now = now, .from = from, .level = from == NAT_INSIDE ? 0 : b->count - 1};
    travel(b, way, bytes, length);
}

mist_time box_deadline(const struct box *b)
{
    mist_time first = MIST_NEVER;
    for (uint32_t i = 0; i < b->count; i++)
        if (nat_deadline(b->nats[i]) < first)
            first = nat_deadline(b->nats[i]);
    return first;
}

void box_tick(struct box *b, mist_time now)
{
    struct answers answers;
    for (uint32_t i = 0; i < b->count; i++) {
        struct way way = {.now = now, .level = i};
        if (nat_deadline(b->nats[i]) > now)
            continue;
        nat_tick(b->nats[i], now);
        collect(b, i, &answers);
        send_on(b, way, &answers);
    }
}

bool box_owns(const struct box *b, const struct addr *address)
{
    return nat_owns(b->nats[b->count - 1], address);
}

uint32_t box_count(const struct box *b)
{
    return b->count;
}

struct nat *box_nat(struct box *b, uint32_t level)
{
    CHECK(level < b->count);
    return b->nats[level];
}
