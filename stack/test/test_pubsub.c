/* test_pubsub.c: what one node holds for others: whose subscriptions, and who gives way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/check.h"
#include "stack/topic.h"

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

struct bench {
    struct out *out;
    struct pubsub *pubsub;
    struct timers timers;
    struct rng rng;
    void *memory, *timer_memory;
    uint32_t told, instead, named; /* by the last call */
};

static const uint8_t key[WIRE_ID] = {7};

static void bench_open(struct bench *b)
{
    const uint8_t seed[32] = {1};
    const struct pubsub_config config = {.topics = 4, .held = 256, .links = 1024};
    memset(b, 0, sizeof *b);
    rng_init(&b->rng, seed);
    b->out = calloc(1, out_size());
    b->memory = calloc(1, pubsub_size(&config));
    b->timer_memory = calloc(1, timers_size(pubsub_timers(&config)));
    timers_init(&b->timers, b->timer_memory, pubsub_timers(&config));
    b->pubsub = pubsub_init(b->memory, &config, &b->rng, &b->timers, 0);
}

static void bench_close(struct bench *b)
{
    free(b->out);
    free(b->memory);
    free(b->timer_memory);
}

/* What went out: copies of a publication, or the answer to a subscription. */
static void drain(struct bench *b)
{
    struct effect e;
    struct msg m;
    b->told = b->instead = b->named = 0;
    while (out_take(b->out, &e)) {
        if (e.kind == EFFECT_SEND) {
            struct reader r = {e.bytes, e.bytes + e.length, false};
            if (wire_take(&r, &m) == 1)
                b->told += m.type == MSG_RECEIVE || (m.type == MSG_SUBSCRIBED && m.ttl_s > 0);
        }
        b->instead += e.kind == EFFECT_INSTEAD;
        b->named = e.kind == EFFECT_INSTEAD ? e.length / 4 : b->named;
    }
    out_reset(b->out, b->pubsub);
}

static bool subscribe(struct bench *b, mist_link link, uint32_t ip)
{
    const uint8_t peer[WIRE_ID] = {(uint8_t)link, (uint8_t)(link >> 8)};
    const struct addr from = addr_v4(ip, 4000);
    struct msg m = {.type = MSG_SUBSCRIBE, .request = link, .key = key, .ttl_s = 100};
    pubsub_subscribe(b->pubsub, 0, link, peer, &from, &m, b->out);
    drain(b);
    return b->told == 1;
}

static uint32_t publish(struct bench *b, uint64_t number)
{
    const uint8_t peer[WIRE_ID] = {99};
    const struct addr seen = addr_v4(0x08080808, 1);
    struct msg m = {.type = MSG_PUBLISH, .key = key, .number = number};
    pubsub_publish(b->pubsub, 0, 1000, peer, &seen, 0, &m, b->out);
    drain(b);
    return b->told;
}

static void a_key_has_sixty_four_subscribers_and_the_next_is_named_them(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    for (uint32_t i = 1; i <= 64; i++)
        assert_true(subscribe(&b, i, i << 16));
    assert_false(subscribe(&b, 65, 65 << 16));
    assert_int_equal(b.instead, 1);
    assert_int_equal(b.named, 64);
    assert_true(subscribe(&b, 64, 64 << 16)); /* a refresh */
    assert_int_equal(publish(&b, 1), 64);
    bench_close(&b);
}

/* Twenty networks and one with sixty: every other gets in until that one has no more than
 * they. */
static void no_network_takes_a_key_for_itself(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    for (uint32_t i = 1; i <= 64; i++)
        assert_true(subscribe(&b, i, 0x52000000 + i)); /* one /16 */
    assert_false(subscribe(&b, 65, 0x52000041));
    for (uint32_t i = 0; i < 63; i++)
        assert_true(subscribe(&b, 100 + i, 0x53000000 + (i << 16)));
    assert_false(subscribe(&b, 200, 0x52000041)); /* nobody has two to spare */
    assert_false(subscribe(&b, 201, 0x60000000));
    assert_int_equal(publish(&b, 1), 64);
    bench_close(&b);
}

/* Twenty a second of one site, forty for one key, whoever publishes. */
static void a_flood_of_publications_is_not_forwarded(void **state)
{
    static struct bench b;
    uint32_t one = 0, many = 0;
    (void)state;
    bench_open(&b);
    assert_true(subscribe(&b, 7, 7 << 16));
    for (uint32_t i = 0; i < 100; i++)
        one += publish(&b, i);
    assert_int_equal(one, 20);
    for (uint32_t i = 0; i < 100; i++) {
        const uint8_t peer[WIRE_ID] = {(uint8_t)(100 + i)};
        const struct addr seen = addr_v4(0x09000000 + (i << 16), 1);
        struct msg m = {.type = MSG_PUBLISH, .key = key, .number = i};
        pubsub_publish(b.pubsub, 0, 1000, peer, &seen, 0, &m, b.out);
        drain(&b);
        many += b.told;
    }
    assert_int_equal(many, 20);
    bench_close(&b);
}

/* Only what its own holder sends goes on, once. */
static void a_subscriber_passes_on_what_its_holders_send(void **state)
{
    static struct bench b;
    const uint8_t holder[WIRE_ID] = {50}, peer[WIRE_ID] = {99};
    struct msg m = {.type = MSG_RECEIVE, .key = key, .number = 5, .peer = peer};
    (void)state;
    bench_open(&b);
    assert_int_equal(pubsub_want(b.pubsub, 1, key, b.out), MIST_OK);
    drain(&b);
    assert_true(subscribe(&b, 7, 7 << 16));
    pubsub_pass_on(b.pubsub, 0, 300, &m, b.out);
    drain(&b);
    assert_int_equal(b.told, 0); /* 300 is no holder */
    pubsub_found(b.pubsub, 0, 0, key, holder, 300, b.out);
    struct effect e;
    struct msg asked = {0};
    while (out_take(b.out, &e)) {
        struct reader r = {e.bytes, e.bytes + e.length, false};
        if (e.kind == EFFECT_SEND)
            assert_int_equal(wire_take(&r, &asked), 1);
    }
    assert_int_equal(asked.type, MSG_SUBSCRIBE);
    struct msg yes = {.type = MSG_SUBSCRIBED, .request = asked.request, .ttl_s = 100};
    pubsub_subscribed(b.pubsub, 0, 300, &yes, b.out);
    drain(&b);
    pubsub_pass_on(b.pubsub, 0, 300, &m, b.out);
    drain(&b);
    assert_int_equal(b.told, 1);
    pubsub_pass_on(b.pubsub, 0, 300, &m, b.out);
    drain(&b);
    assert_int_equal(b.told, 0);
    m.number = 6;
    m.flags = FLAG_OFFER; /* offers go through holders only: they may become relays */
    pubsub_pass_on(b.pubsub, 0, 300, &m, b.out);
    drain(&b);
    assert_int_equal(b.told, 0);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_sixty_four_subscribers_and_the_next_is_named_them),
        cmocka_unit_test(no_network_takes_a_key_for_itself),
        cmocka_unit_test(a_flood_of_publications_is_not_forwarded),
        cmocka_unit_test(a_subscriber_passes_on_what_its_holders_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
