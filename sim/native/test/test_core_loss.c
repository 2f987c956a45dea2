/* test_core_loss.c: what the world adds to the core's loss, and places that
 * nobody stands at yet. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/native/test/toy.h"

#define MANY 10000

static struct toy toy;
static uint32_t extra_ppm, asked_from, asked_to;

static uint32_t lose_between_first_two(void *world, mist_time now, uint32_t from, uint32_t to)
{
    (void)world, (void)now;
    asked_from = from;
    asked_to = to;
    return from <= 1 && to <= 1 ? extra_ppm : 0;
}

/* MANY datagrams from host 0 to host 1, one each ms.  Returns those that arrived. */
static uint32_t arrivals(uint32_t loss_ppm, uint32_t more_ppm)
{
    toy_init(&toy);
    toy.plan.network.loss_ppm = loss_ppm;
    toy.calls.core_loss = lose_between_first_two;
    extra_ppm = more_ppm;
    toy_public_host(&toy);
    toy_public_host(&toy);
    toy_open(&toy, 1);
    for (uint32_t i = 0; i < MANY; i++) {
        toy_send(&toy, 0, toy.hosts[1].addr, i, 4);
        engine_native.run(toy.engine, (mist_time)(i + 1) * MS(1));
    }
    engine_native.run(toy.engine, SEC(20));
    toy_close(&toy);
    return toy.arrivals;
}

static void a_partition_lets_nothing_across_and_everything_else_through(void **state)
{
    (void)state;
    assert_int_equal(arrivals(0, 1000000), 0);
    assert_int_equal(toy.losses, MANY);
    assert_int_equal(toy.lost_why[0], LOSS_LINK);
    assert_int_equal(arrivals(0, 0), MANY);
}

/* 1 - (1 - 0.02)(1 - 0.3) = 0.314 */
static void a_burst_is_lost_on_top_of_the_networks_own_loss(void **state)
{
    (void)state;
    double lost = MANY - (double)arrivals(20000, 300000);
    assert_true(fabs(lost - MANY * 0.314) < 4 * sqrt(MANY * 0.314 * 0.686));
    assert_int_equal(engine_both_losses(20000, 300000), 314000);
    assert_int_equal(engine_both_losses(1000000, 0), 1000000);
    assert_int_equal(engine_both_losses(0, 0), 0);
}

/* The draw is the same, so a burst takes more and gives nothing back. */
static void a_burst_loses_all_that_would_have_been_lost_anyway(void **state)
{
    (void)state;
    static uint8_t lost[MANY];
    (void)arrivals(50000, 0);
    memset(lost, 0, sizeof lost);
    for (uint32_t i = 0; i < toy.losses; i++)
        lost[toy.lost_number[i]] = 1;
    uint32_t before = toy.losses, again = 0;
    (void)arrivals(50000, 200000);
    for (uint32_t i = 0; i < toy.losses; i++)
        again += lost[toy.lost_number[i]];
    assert_true(before > 0);
    assert_int_equal(again, before);
}

/* Hosts 0 and 1, a spare place 2 behind box 0: boxes are numbered behind the places. */
static void the_world_is_asked_about_outermost_attachments(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.calls.core_loss = lose_between_first_two;
    toy_public_host(&toy);
    toy_public_host(&toy);
    uint32_t box = toy_box(&toy, PLAN_NONE, 0x05000001);
    uint32_t spare = toy_private_host(&toy, box, 0xc0a80002);
    toy.plan.host_count = 2;
    toy.plan.spare_count = 1;
    toy_open(&toy, 1);
    toy_send(&toy, spare, toy_at(0x08000001), 0, 4);
    assert_int_equal(asked_from, 3 + box);
    assert_int_equal(asked_to, 1);
    toy_send(&toy, 0, toy_at(0x05000001), 1, 4);
    assert_int_equal(asked_from, 0);
    assert_int_equal(asked_to, 3 + box);
    engine_native.run(toy.engine, SEC(1));
    assert_int_equal(toy.arrivals, 2);
    assert_int_equal(toy.arrival[1].host + toy.arrival[0].host, 1 + spare);
    toy_close(&toy);
}

static void a_box_owns_the_addresses_that_it_will_get(void **state)
{
    (void)state;
    static struct addr later[1];
    toy_init(&toy);
    toy_public_host(&toy);
    uint32_t box = toy_box(&toy, PLAN_NONE, 0x05000001);
    uint32_t inside = toy_private_host(&toy, box, 0xc0a80002);
    later[0] = addr_v4(0x06000001, 0);
    toy.boxes[box].later = later;
    toy.boxes[box].later_count = 1;
    toy_open(&toy, 1);
    toy_send(&toy, 0, toy_at(0x06000001), 0, 4);
    engine_native.run(toy.engine, SEC(1));
    assert_int_equal(toy.arrivals, 1);
    assert_int_equal(toy.arrival[0].host, inside);
    toy_close(&toy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_lets_nothing_across_and_everything_else_through),
        cmocka_unit_test(a_burst_is_lost_on_top_of_the_networks_own_loss),
        cmocka_unit_test(a_burst_loses_all_that_would_have_been_lost_anyway),
        cmocka_unit_test(the_world_is_asked_about_outermost_attachments),
        cmocka_unit_test(a_box_owns_the_addresses_that_it_will_get),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
