/* Asking a gateway for a port: the bytes of RFC 6887 and 6886, and what follows from answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/check.h"
#include "stack/portmap.h"

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fail_msg("%s:%d: %s", file, line, condition);
    abort();
}

struct bench {
    struct portmap p;
    struct rng rng;
    struct timers timers;
    struct timer heap[1];
    uint16_t places[1];
    struct spare spares[4];
    struct sockets sockets;
    struct out *out;
    mist_time now;
    uint8_t sent[4][GATEWAY_MOST]; /* since the last look */
    size_t lengths[4];
    uint32_t sent_count, told_count;
    struct addr told;
};

static const struct addr nowhere;

static void drain(struct bench *b)
{
    struct effect e;
    while (out_take(b->out, &e)) {
        if (e.kind == EFFECT_MAPPED) {
            b->told = e.addr;
            b->told_count++;
            continue;
        }
        assert_int_equal(e.kind, EFFECT_BARE);
        assert_true(addr_equal(&e.addr, &b->p.gateway));
        assert_true(b->sent_count < COUNT(b->sent) && e.length <= GATEWAY_MOST);
        memcpy(b->sent[b->sent_count], e.bytes, e.length);
        b->lengths[b->sent_count++] = e.length;
    }
    out_reset(b->out, b);
}

/* 192.168.1.2:4000 behind 192.168.1.1, which was asked once. */
static struct bench *bench_open(void)
{
    static const uint8_t seed[32];
    const struct addr inside = addr_v4(0xc0a80102, 4000), gateway = addr_v4(0xc0a80101, 0);
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->out = calloc(1, out_size());
    assert_non_null(b->out);
    b->now = SEC(1000);
    b->timers = (struct timers){.limit = 1, .heap = b->heap, .place = b->places};
    rng_init(&b->rng, seed);
    sockets_init(&b->sockets, b->spares, 4);
    portmap_init(&b->p, &b->rng, &b->timers, &b->sockets, 0);
    out_reset(b->out, b);
    portmap_gateway(&b->p, b->now, &gateway, b->out);
    portmap_inside(&b->p, b->now, &inside, b->out);
    drain(b);
    assert_int_equal(b->sent_count, 1);
    return b;
}

static void bench_close(struct bench *b)
{
    free(b->out);
    free(b);
}

/* Runs to the next request; returns how long that took. */
static mist_time next_request(struct bench *b)
{
    mist_time from = b->now;
    uint32_t id;
    b->sent_count = 0;
    b->now = timers_next(&b->timers);
    assert_true(b->now != MIST_NEVER);
    assert_int_equal(timers_take(&b->timers, b->now, &id), 1);
    portmap_timer(&b->p, b->now, b->out);
    drain(b);
    return b->now - from;
}

static void hear(struct bench *b, const uint8_t *bytes, size_t length)
{
    portmap_input(&b->p, b->now, bytes, length, b->out);
    drain(b);
}

/* The answer to the PCP request that was sent: 20.0.0.1:7000 for so long. */
static void grant(struct bench *b, uint32_t lifetime_s, uint32_t epoch_s)
{
    uint8_t answer[60];
    memcpy(answer, b->sent[0], sizeof answer);
    answer[1] = 129;
    answer[3] = 0;
    for (int i = 0; i < 4; i++) {
        answer[4 + i] = (uint8_t)(lifetime_s >> (24 - 8 * i));
        answer[8 + i] = (uint8_t)(epoch_s >> (24 - 8 * i));
    }
    memset(answer + 12, 0, 12);
    answer[42] = 7000 >> 8;
    answer[43] = 7000 & 255;
    memcpy(answer + 56, (const uint8_t[]){20, 0, 0, 1}, 4);
    hear(b, answer, sizeof answer);
}

static bool is_mapped(const struct bench *b)
{
    const struct addr outside = addr_v4(0x14000001, 7000);
    return addr_equal(&b->told, &outside);
}

/* ---- bytes ---- */

static void a_request_is_that_of_rfc_6887(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    uint8_t expected[60] = {2, 1, 0, 0, 0, 0, 0x1c, 0x20, /* MAP for 7200 s */
                            0, 0, 0, 0, 0, 0, 0,    0,    0, 0, 0xff, 0xff, 192, 168, 1, 2};
    memcpy(expected + 24, b->p.nonce, 12);
    expected[36] = 17;
    expected[40] = 4000 >> 8;
    expected[41] = 4000 & 255;
    expected[54] = expected[55] = 0xff; /* ::ffff:0.0.0.0: any address */
    assert_int_equal(b->lengths[0], sizeof expected);
    assert_memory_equal(b->sent[0], expected, sizeof expected);
    bench_close(b);
}

static void a_mapping_is_told_and_renewed_at_half_of_its_life(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    grant(b, 600, 77);
    assert_true(is_mapped(b));
    mist_time waited = next_request(b);
    assert_in_range(waited, SEC(300), SEC(375)); /* RFC 6887 section 11.2.1: 1/2 to 5/8 */
    assert_int_equal(b->sent[0][42] << 8 | b->sent[0][43], 7000); /* the same again */
    grant(b, 600, 77 + (uint32_t)(waited / SEC(1)));
    assert_int_equal(b->told_count, 1);
    bench_close(b);
}

static void a_mapping_that_nobody_renews_ends(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    grant(b, 600, 77);
    mist_time granted = b->now;
    while (is_mapped(b)) {
        next_request(b);
        assert_true(b->now - granted < SEC(1200));
    }
    assert_true(b->now - granted >= SEC(600));
    assert_true(addr_equal(&b->told, &nowhere));
    bench_close(b);
}

static void a_silent_gateway_is_asked_ever_more_rarely(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    for (int i = 0; i < 12; i++) { /* RFC 6887 section 8.1.1: 3 s doubling up to 1024 s, +- 10 % */
        mist_time base = SEC(3) << (i < 9 ? i : 9);
        base = base < SEC(1024) ? base : SEC(1024);
        assert_in_range(next_request(b), base * 9 / 10, base * 11 / 10);
    }
    bench_close(b);
}

/* ---- what is not believed ---- */

static void only_the_gateway_itself_is_heard(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    const struct addr port = addr_v4(0xc0a80101, 5350), other = addr_v4(0xc0a80103, 5351);
    assert_true(portmap_hears(&b->p, 1, &b->p.gateway));
    assert_false(portmap_hears(&b->p, 1, &port));
    assert_false(portmap_hears(&b->p, 1, &other));
    assert_false(portmap_hears(&b->p, 9, &b->p.gateway));
    bench_close(b);
}

static void an_answer_to_another_question_is_none(void **state)
{
    (void)state;
    static const size_t places[] = {0, 1, 24, 35, 36, 40, 44}; /* a bit flipped in the answer */
    for (size_t i = 0; i < COUNT(places); i++) {
        struct bench *b = bench_open();
        b->sent[0][places[i]] ^= 0x40;
        grant(b, 600, 77);
        assert_int_equal(b->told_count, places[i] == 1); /* the opcode is the answer's own */
        bench_close(b);
    }
    struct bench *b = bench_open();
    grant(b, 0, 77); /* no life */
    assert_int_equal(b->told_count, 0);
    bench_close(b);
}

static void a_lease_without_end_is_not_believed_for_more_than_a_day(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    grant(b, UINT32_MAX, 77);
    assert_in_range(next_request(b), SEC(43200), SEC(54000));
    bench_close(b);
}

/* ---- reboots ---- */

static void announce(struct bench *b, uint32_t epoch_s)
{
    uint8_t bytes[24] = {2, 128};
    for (int i = 0; i < 4; i++)
        bytes[8 + i] = (uint8_t)(epoch_s >> (24 - 8 * i));
    hear(b, bytes, sizeof bytes);
}

static void an_epoch_that_began_anew_calls_for_the_mapping_again(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    grant(b, 7200, 5000);
    b->now += SEC(100);
    announce(b, 5100); /* as it should be */
    assert_true(timers_next(&b->timers) > b->now + SEC(1000));
    b->now += SEC(100);
    announce(b, 3);
    assert_true(next_request(b) <= SEC(5)); /* RFC 6887 section 14.1.3 */
    assert_int_equal(b->sent_count, 1);
    assert_true(is_mapped(b)); /* until something else is known */
    bench_close(b);
}

static void a_storm_of_announcements_sets_off_no_storm_of_requests(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    uint32_t asked = 0, id;
    grant(b, 7200, 5000);
    mist_time end = b->now + SEC(20);
    for (uint32_t epoch = 0; b->now < end; b->now += MS(10)) {
        b->sent_count = 0;
        announce(b, epoch = epoch == 0 ? 9000 : 0);
        if (timers_take(&b->timers, b->now, &id)) {
            portmap_timer(&b->p, b->now, b->out);
            drain(b);
        }
        asked += b->sent_count;
    }
    assert_in_range(asked, 1, 20);
    bench_close(b);
}

/* ---- NAT-PMP ---- */

static void refuse_version(struct bench *b, uint8_t version)
{
    uint8_t pmp[8] = {0, 128, 0, 1}, pcp[24] = {2, 129, 0, 1};
    if (version == 0)
        hear(b, pmp, sizeof pmp);
    else
        hear(b, pcp, sizeof pcp);
}

static void a_gateway_without_pcp_is_asked_by_nat_pmp(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    static const uint8_t address[12] = {0, 128, 0, 0, 0, 0, 0, 9, 20, 0, 0, 1};
    static const uint8_t mapping[16] = {0,         129,        0,         0,          0, 0, 0, 9,
                                        4000 >> 8, 4000 & 255, 7000 >> 8, 7000 & 255, 0, 0, 2, 88};
    refuse_version(b, 0);
    next_request(b);
    assert_int_equal(b->sent_count, 2);
    assert_memory_equal(b->sent[0], ((uint8_t[]){0, 0}), 2);
    assert_memory_equal(
        b->sent[1], ((uint8_t[]){0, 1, 0, 0, 4000 >> 8, 4000 & 255, 0, 0, 0, 0, 0x1c, 0x20}), 12);
    hear(b, mapping, sizeof mapping);
    assert_int_equal(b->told_count, 0); /* where is not known yet */
    hear(b, address, sizeof address);
    hear(b, mapping, sizeof mapping);
    assert_true(is_mapped(b));
    assert_in_range(next_request(b), SEC(300), SEC(375));
    bench_close(b);
}

static void a_gateway_without_either_is_left_in_peace(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    refuse_version(b, 2);
    next_request(b);
    refuse_version(b, 0);
    for (int i = 0; i < 10; i++)
        refuse_version(b, (uint8_t)(i % 2 * 2));
    assert_int_equal(b->told_count, 0);
    assert_true(next_request(b) >= MINUTES(10));
    bench_close(b);
}

static void a_refusal_is_believed_for_its_time_and_half_an_hour_at_most(void **state)
{
    (void)state;
    static const struct {
        uint32_t says_s;
        mist_time waits;
    } cases[] = {{60, SEC(60)}, {0, SEC(3)}, {UINT32_MAX, MINUTES(30)}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench *b = bench_open();
        b->sent[0][3] = 8; /* NO_RESOURCES */
        uint8_t answer[60];
        memcpy(answer, b->sent[0], sizeof answer);
        answer[1] = 129;
        for (int k = 0; k < 4; k++)
            answer[4 + k] = (uint8_t)(cases[i].says_s >> (24 - 8 * k));
        hear(b, answer, sizeof answer);
        assert_true(next_request(b) == cases[i].waits);
        bench_close(b);
    }
}

static void a_node_that_leaves_gives_its_port_back(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    portmap_release(&b->p, b->out);
    drain(b);
    assert_int_equal(b->sent_count, 1); /* the first request: there was nothing to give back */
    grant(b, 600, 77);
    b->sent_count = 0;
    portmap_release(&b->p, b->out);
    drain(b);
    assert_int_equal(b->sent_count, 1);
    assert_memory_equal(b->sent[0] + 4, ((uint8_t[]){0, 0, 0, 0}), 4); /* lifetime */
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_that_of_rfc_6887),
        cmocka_unit_test(a_mapping_is_told_and_renewed_at_half_of_its_life),
        cmocka_unit_test(a_mapping_that_nobody_renews_ends),
        cmocka_unit_test(a_silent_gateway_is_asked_ever_more_rarely),
        cmocka_unit_test(only_the_gateway_itself_is_heard),
        cmocka_unit_test(an_answer_to_another_question_is_none),
        cmocka_unit_test(a_lease_without_end_is_not_believed_for_more_than_a_day),
        cmocka_unit_test(an_epoch_that_began_anew_calls_for_the_mapping_again),
        cmocka_unit_test(a_storm_of_announcements_sets_off_no_storm_of_requests),
        cmocka_unit_test(a_gateway_without_pcp_is_asked_by_nat_pmp),
        cmocka_unit_test(a_gateway_without_either_is_left_in_peace),
        cmocka_unit_test(a_refusal_is_believed_for_its_time_and_half_an_hour_at_most),
        cmocka_unit_test(a_node_that_leaves_gives_its_port_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
