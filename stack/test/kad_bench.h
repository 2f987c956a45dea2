/* kad_bench.h: one node's kad, driven by hand: the test is the node that carries
 * out effects. */
#ifndef MIST_KAD_BENCH_H
#define MIST_KAD_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/check.h"
#include "stack/kad.h"

#define LOOKUPS 4 /* limit of the node's lookups */

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

struct bench {
    struct out *out;
    struct kad *kad;
    struct timers timers;
    struct rng rng, dice; /* the node's randomness, the test's */
    uint8_t self[WIRE_ID];
    void *memory, *timer_memory;
    mist_time now;
    /* what came out, in order */
    struct effect effect[1024];
    uint8_t bytes[1024][WIRE_MTU];
    uint32_t effects;
    uint32_t facts[128];
    uint32_t far_questions; /* seen by live_on: for keys of bucket 0 */
};

static inline void bench_open_with(struct bench *b, uint32_t contacts)
{
    const uint8_t seed[32] = {1}, dice[32] = {2};
    struct kad_config config = {contacts, LOOKUPS};
    memset(b, 0, sizeof *b);
    b->now = SEC(1000);
    rng_init(&b->rng, seed);
    rng_init(&b->dice, dice);
    rng_bytes(&b->dice, b->self, WIRE_ID);
    b->out = calloc(1, out_size());
    b->memory = calloc(1, kad_size(&config));
    b->timer_memory = calloc(1, timers_size(kad_timers(&config)));
    timers_init(&b->timers, b->timer_memory, kad_timers(&config));
    b->kad = kad_init(b->memory, &config, b->self, &b->rng, &b->timers, 0);
}

static inline void bench_open(struct bench *b)
{
    bench_open_with(b, 512);
}

static inline void bench_close(struct bench *b)
{
    free(b->out);
    free(b->memory);
    free(b->timer_memory);
}

/* Takes over what the last call put out. */
static inline void drain(struct bench *b)
{
    struct effect e;
    struct mist_fact f;
    while (out_take(b->out, &e)) {
        assert_true(b->effects < 1024);
        if (e.length > 0)
            memcpy(b->bytes[b->effects], e.bytes, e.length);
        e.bytes = b->bytes[b->effects];
        b->effect[b->effects++] = e;
    }
    while (out_next_fact(b->out, &f))
        b->facts[f.number]++;
}

static inline void forget(struct bench *b)
{
    drain(b);
    b->effects = 0;
    out_reset(b->out, b->kad);
}

static inline uint32_t count_effects(struct bench *b, enum effect_kind kind)
{
    uint32_t n = 0;
    drain(b);
    for (uint32_t i = 0; i < b->effects; i++)
        n += b->effect[i].kind == kind;
    return n;
}

static inline const struct effect *nth_effect(struct bench *b, enum effect_kind kind, uint32_t nth)
{
    drain(b);
    for (uint32_t i = 0; i < b->effects; i++) {
        if (b->effect[i].kind == kind && nth-- == 0)
            return &b->effect[i];
    }
    return NULL;
}

/* Fires every timer that is due until then. */
static inline void pass(struct bench *b, mist_time span)
{
    mist_time until = b->now + span;
    uint32_t id;
    while (timers_next(&b->timers) <= until) {
        if (timers_next(&b->timers) > b->now)
            b->now = timers_next(&b->timers);
        assert_int_equal(timers_take(&b->timers, b->now, &id), 1);
        kad_timer(b->kad, b->now, id, b->out);
        drain(b);
    }
    b->now = until;
}

static inline struct contact random_contact(struct bench *b)
{
    struct contact c;
    rng_bytes(&b->dice, c.id, WIRE_ID);
    c.addr = addr_v4(0x08000000 + rng_below(&b->dice, 1 << 24), 4000);
    return c;
}

/* A contact that shares exactly `bits` bits with this node. */
static inline struct contact contact_in(struct bench *b, uint32_t bits)
{
    struct contact c = random_contact(b);
    for (uint32_t i = 0; i <= bits; i++) {
        uint8_t mask = (uint8_t)(0x80 >> i % 8), own = b->self[i / 8] & mask;
        uint8_t want = i < bits ? own : (uint8_t)(own ^ mask);
        c.id[i / 8] = (uint8_t)((c.id[i / 8] & ~mask) | want);
    }
    return c;
}

static inline void see(struct bench *b, const struct contact *c)
{
    kad_seen(b->kad, b->now, c, 0, b->out);
    forget(b);
}

static inline struct msg find_in(const struct effect *e)
{
    struct reader r = {e->bytes, e->bytes + e->length, false};
    struct msg m;
    assert_int_equal(wire_take(&r, &m), 1);
    assert_int_equal(m.type, MSG_FIND);
    return m;
}

static inline uint32_t request_of(const struct effect *e)
{
    return find_in(e).request;
}

/* A NODES message, through the wire. */
static inline void answer(struct bench *b, const struct contact *from, mist_link link,
                          uint32_t request, const struct contact *contacts, uint32_t count)
{
    uint8_t bytes[WIRE_MTU];
    struct msg m = {
        .type = MSG_NODES, .request = request, .count = (uint8_t)count, .contacts = contacts};
    size_t length = wire_put(bytes, sizeof bytes, &m);
    struct reader r = {bytes, bytes + length, false};
    assert_int_equal(wire_take(&r, &m), 1);
    kad_nodes(b->kad, b->now, link, from->id, &m, b->out);
    drain(b);
}

/* Answers every REACH and FIND at once, with nothing; counts the questions. */
static inline uint32_t live_on(struct bench *b, mist_time span, bool alive)
{
    uint32_t asked = 0;
    mist_time until = b->now + span;
    while (timers_next(&b->timers) <= until) {
        pass(b, timers_next(&b->timers) - b->now);
        for (uint32_t i = 0; i < b->effects; i++) {
            struct effect e = b->effect[i];
            if (e.kind == EFFECT_REACH && alive) {
                kad_link_up(b->kad, b->now, e.contact.id, 1, b->out);
                drain(b);
                asked++;
                for (uint32_t j = i + 1; j < b->effects; j++) {
                    if (b->effect[j].kind != EFFECT_SEND)
                        continue;
                    b->effect[j].kind = EFFECT_KINDS;
                    b->far_questions += ((find_in(&b->effect[j]).key[0] ^ b->self[0]) & 0x80) != 0;
                    kad_seen(b->kad, b->now, &e.contact, 0, b->out);
                    answer(b, &e.contact, 1, request_of(&b->effect[j]), NULL, 0);
                }
            } else if (e.kind == EFFECT_REACH) {
                kad_link_failed(b->kad, b->now + 1, e.contact.id, b->out);
                drain(b);
                asked++;
            }
        }
        forget(b);
    }
    b->now = until;
    return asked;
}

#endif
