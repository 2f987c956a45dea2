/* test_trace.c: the trace hash against published vectors of XXH64, and what
 * it must notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/trace.h"

/* xxHash's own sanity check (tests/sanity_test.c): its byte generator, its values. */
static void the_hash_is_xxh64(void **state)
{
    (void)state;
    const uint64_t prime32 = 2654435761U, prime64 = UINT64_C(11400714785074694797);
    uint8_t bytes[222];
    uint64_t generator = prime32;
    for (size_t i = 0; i < sizeof bytes; i++, generator *= prime64)
        bytes[i] = (uint8_t)(generator >> 56);
    static const struct {
        size_t length;
        uint64_t plain, seeded; /* seed 0 and seed 2654435761 */
    } cases[] = {
        {0, UINT64_C(0xef46db3751d8e999), UINT64_C(0xac75fda2929b17ef)},
        {1, UINT64_C(0xe934a84adb052768), UINT64_C(0x5014607643a9b4c3)},
        {4, UINT64_C(0x9136a0dca57457ee), UINT64_C(0xcaab286bd8e9fdb5)},
        {14, UINT64_C(0x8282dcc4994e35c8), UINT64_C(0xc3bd6bf63deb6df0)},
        {222, UINT64_C(0xb641ae8cb691c174), UINT64_C(0x20cb8ab7ae10c14a)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(trace_hash(0, bytes, cases[i].length) == cases[i].plain);
        assert_true(trace_hash(prime32, bytes, cases[i].length) == cases[i].seeded);
    }
}

static uint64_t trace_of(const struct trace_delivery *array, size_t count)
{
    uint64_t trace = 0;
    for (size_t i = 0; i < count; i++)
        trace = trace_chain(trace, trace_digest(&array[i]));
    return trace;
}

static uint8_t hello[] = "hello, world: a payload of more than one 32 byte stripe", bye[] = "bye";

/* Two deliveries of equal time. */
static void two_deliveries(struct trace_delivery array[2])
{
    struct trace_delivery a = {.at = SEC(1), .sender = 1, .receiver = 2};
    a.from = addr_v4(0x05060708, 5678);
    a.to = addr_v4(0xc0a80002, 1234);
    a.length = sizeof hello;
    a.bytes = hello;
    array[0] = array[1] = a;
    array[1].sender = 3;
    array[1].from = addr_v4(0x05060709, 5678);
    array[1].length = sizeof bye;
    array[1].bytes = bye;
}

static void equal_deliveries_give_equal_traces(void **state)
{
    (void)state;
    struct trace_delivery a[2], b[2];
    two_deliveries(a);
    two_deliveries(b);
    uint8_t copy[sizeof hello];
    memcpy(copy, hello, sizeof hello);
    b[0].bytes = copy;
    assert_true(trace_of(a, 2) == trace_of(b, 2));
}

static void every_flipped_bit_of_a_payload_changes_the_trace(void **state)
{
    (void)state;
    struct trace_delivery a[2];
    two_deliveries(a);
    uint64_t before = trace_of(a, 2);
    uint8_t copy[sizeof hello];
    memcpy(copy, hello, sizeof hello);
    a[0].bytes = copy;
    for (size_t bit = 0; bit < 8 * sizeof copy; bit++) {
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_true(trace_of(a, 2) != before);
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static void one_nanosecond_changes_the_trace(void **state)
{
    (void)state;
    struct trace_delivery a[2];
    two_deliveries(a);
    uint64_t before = trace_of(a, 2);
    a[1].at++;
    assert_true(trace_of(a, 2) != before);
}

static void two_swapped_deliveries_of_equal_time_change_the_trace(void **state)
{
    (void)state;
    struct trace_delivery a[2], swapped[2];
    two_deliveries(a);
    swapped[0] = a[1];
    swapped[1] = a[0];
    assert_true(trace_of(a, 2) != trace_of(swapped, 2));
}

static void every_field_changes_the_trace(void **state)
{
    (void)state;
    struct trace_delivery a[1], changed[7];
    struct trace_delivery pair[2];
    two_deliveries(pair);
    a[0] = pair[0];
    for (int i = 0; i < 7; i++)
        changed[i] = a[0];
    changed[0].sender++;
    changed[1].receiver++;
    changed[2].from.port++;
    changed[3].from.ip[15]++;
    changed[4].to.ip[0]++;
    changed[5].to.family = ADDR_V6;
    changed[6].length--;
    for (int i = 0; i < 7; i++)
        assert_true(trace_of(a, 1) != trace_of(&changed[i], 1));
}

/* Not sent, sent, sent twice: three traces. */
static void the_number_of_deliveries_changes_the_trace(void **state)
{
    (void)state;
    struct trace_delivery a[2];
    two_deliveries(a);
    a[1] = a[0];
    assert_true(trace_of(a, 0) == 0);
    assert_true(trace_of(a, 1) != 0);
    assert_true(trace_of(a, 2) != trace_of(a, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_xxh64),
        cmocka_unit_test(equal_deliveries_give_equal_traces),
        cmocka_unit_test(every_flipped_bit_of_a_payload_changes_the_trace),
        cmocka_unit_test(one_nanosecond_changes_the_trace),
        cmocka_unit_test(two_swapped_deliveries_of_equal_time_change_the_trace),
        cmocka_unit_test(every_field_changes_the_trace),
        cmocka_unit_test(the_number_of_deliveries_changes_the_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
