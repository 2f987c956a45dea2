/* test_boxes.c: which boxes a datagram crosses, when, and whom it then reaches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/native/test/toy.h"

static struct toy toy;

static void run_until(mist_time until)
{
    engine_native.run(toy.engine, until);
}

/* home under CGN on one side, home on the other, lines of 5 ms. */
static void a_chain_is_crossed_outward_at_sending_and_inward_at_arrival(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.populations[0].access.delay = MS(5);
    uint32_t cgn = toy_box(&toy, PLAN_NONE, 0x05000001);
    uint32_t home_a = toy_box(&toy, cgn, 0x64400001), home_b = toy_box(&toy, PLAN_NONE, 0x06000001);
    uint32_t neighbour = toy_private_host(&toy, cgn, 0x64400009);
    uint32_t a = toy_private_host(&toy, home_a, 0xc0a80002);
    uint32_t b = toy_private_host(&toy, home_b, 0xc0a80002);
    toy.inside[cgn] = addr_v4(0x64400001, 0);
    toy_open(&toy, 1);
    toy_send(&toy, a, toy_at(0x06000001), 0, 4);
    assert_int_equal(toy.crossings, 2);
    assert_int_equal(toy.crossing[0].box, home_a);
    assert_int_equal(toy.crossing[1].box, cgn);
    run_until(SEC(1));
    assert_int_equal(toy.crossings, 3);
    assert_int_equal(toy.crossing[2].box, home_b);
    assert_int_equal(toy.crossing[2].direction, INWARD);
    assert_int_equal(toy.crossing[2].at, MS(30));
    struct addr from = toy_at(0x05000001), to = toy_at(0xc0a80002);
    assert_int_equal(toy.arrival[0].host, b);
    assert_int_equal(toy.arrival[0].at, MS(30));
    assert_true(addr_equal(&toy.arrival[0].from, &from));
    assert_true(addr_equal(&toy.arrival[0].to, &to));
    assert_int_equal(toy.arrival[0].ttl, 64 - 2 - ENGINE_HOPS - 1);

    /* back: the CGN serves two, so it stands before the line; the home box behind it */
    toy_send(&toy, b, toy_at(0x05000001), 1, 4);
    run_until(SEC(2));
    assert_int_equal(toy.crossings, 6);
    assert_int_equal(toy.crossing[4].box, cgn);
    assert_int_equal(toy.crossing[4].at, SEC(1) + MS(25));
    assert_int_equal(toy.crossing[5].box, home_a);
    assert_int_equal(toy.crossing[5].at, SEC(1) + MS(30));
    assert_int_equal(toy.arrival[1].host, a);
    assert_int_equal(engine_native.ideal_rtt(toy.engine, a, b), MS(60));
    assert_int_equal(engine_native.ideal_rtt(toy.engine, a, neighbour), MS(20) + ENGINE_LAN_RTT);
    toy_close(&toy);
}

static void the_translation_at_the_provider_survives_the_line(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.populations[0].access = (struct plan_access){.down_bps = 1000000, .delay = MS(5)};
    uint32_t cgn = toy_box(&toy, PLAN_NONE, 0x05000001);
    toy_private_host(&toy, cgn, 0x64400008);
    uint32_t a = toy_private_host(&toy, cgn, 0x64400009), b = toy_public_host(&toy);
    toy_open(&toy, 1);
    toy_send(&toy, b, toy_at(0x05000001), 0, 4);
    run_until(SEC(1));
    struct addr to = toy_at(0x64400009);
    assert_int_equal(toy.crossing[0].at, MS(25));
    assert_int_equal(toy.arrival[0].at, MS(30) + US(32 * 8));
    assert_int_equal(toy.arrival[0].host, a);
    assert_true(addr_equal(&toy.arrival[0].to, &to));
    assert_int_equal(toy.arrival[0].ttl, 64 - ENGINE_HOPS - 1);
    toy_close(&toy);
}

static void what_a_box_drops_goes_nowhere(void **state)
{
    (void)state;
    toy_init(&toy);
    uint32_t box = toy_box(&toy, PLAN_NONE, 0x05000001);
    uint32_t a = toy_private_host(&toy, box, 0xc0a80002), b = toy_public_host(&toy);
    toy_open(&toy, 1);
    toy.outward[box] = CROSS_DROP;
    toy_send(&toy, a, toy_at(0x08000001), 0, 4);
    toy.inward[box] = CROSS_DROP;
    toy_send(&toy, b, toy_at(0x05000001), 0, 4);
    run_until(SEC(1));
    assert_int_equal(toy.crossings, 2);
    assert_int_equal(toy.arrivals, 0);
    assert_int_equal(toy.losses, 0);
    toy_close(&toy);
}

static void a_box_that_translates_to_nobody_loses_the_datagram(void **state)
{
    (void)state;
    toy_init(&toy);
    uint32_t box = toy_box(&toy, PLAN_NONE, 0x05000001);
    toy_private_host(&toy, box, 0xc0a80002);
    uint32_t b = toy_public_host(&toy);
    toy.inside[box] = addr_v4(0xc0a80099, 0);
    toy_open(&toy, 1);
    toy_send(&toy, b, toy_at(0x05000001), 0, 4);
    run_until(SEC(1));
    assert_int_equal(toy.arrivals, 0);
    assert_int_equal(toy.lost_why[0], LOSS_NO_ROUTE);
    toy_close(&toy);
}

static void every_address_of_a_pool_leads_to_its_box(void **state)
{
    (void)state;
    toy_init(&toy);
    uint32_t box = toy_box(&toy, PLAN_NONE, 0x050000fe);
    toy.boxes[box].policy.pool = 3;
    uint32_t a = toy_private_host(&toy, box, 0xc0a80002), b = toy_public_host(&toy);
    toy_open(&toy, 1);
    const uint32_t pool[] = {0x050000fe, 0x050000ff, 0x05000100, 0x05000101};
    for (uint32_t i = 0; i < 4; i++)
        toy_send(&toy, b, toy_at(pool[i]), i, 4);
    run_until(SEC(1));
    assert_int_equal(toy.arrivals, 3);
    assert_int_equal(toy.arrival[2].host, a);
    assert_int_equal(toy.losses, 1);
    assert_int_equal(toy.lost_number[0], 3);
    toy_close(&toy);
}

static void a_private_address_is_nobody_outside_of_its_box(void **state)
{
    (void)state;
    toy_init(&toy);
    uint32_t box = toy_box(&toy, PLAN_NONE, 0x05000001);
    toy_private_host(&toy, box, 0xc0a80002);
    uint32_t b = toy_public_host(&toy);
    toy_open(&toy, 1);
    toy_send(&toy, b, toy_at(0xc0a80002), 0, 4);
    assert_int_equal(toy.lost_why[0], LOSS_NO_ROUTE);
    toy_close(&toy);
}

static void a_host_behind_a_firewall_is_reached_by_its_own_address(void **state)
{
    (void)state;
    toy_init(&toy);
    uint32_t outer = toy_box(&toy, PLAN_NONE, 0), inner = toy_box(&toy, outer, 0);
    for (uint32_t i = 0; i < 2; i++) {
        toy.boxes[i].policy.kind = NAT_KIND_FIREWALL;
        toy.boxes[i].outside = (struct addr){.family = ADDR_NONE};
    }
    uint32_t a = toy_private_host(&toy, inner, 0x07000001), b = toy_public_host(&toy);
    toy_open(&toy, 1);
    toy_send(&toy, b, toy_at(0x07000001), 0, 4);
    run_until(SEC(1));
    assert_int_equal(toy.crossings, 2);
    assert_int_equal(toy.crossing[0].box, outer);
    assert_int_equal(toy.crossing[1].box, inner);
    assert_int_equal(toy.arrivals, 1);
    assert_int_equal(toy.arrival[0].host, a);
    toy_close(&toy);
}

static void two_hosts_of_one_lan_need_no_box(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.populations[0].access = (struct plan_access){.up_bps = 1000, .delay = MS(9)};
    toy.plan.network.loss_ppm = toy.plan.network.broken_nodes_ppm = 1000000;
    uint32_t box = toy_box(&toy, PLAN_NONE, 0x05000001);
    uint32_t other = toy_box(&toy, PLAN_NONE, 0x05000002);
    uint32_t a = toy_private_host(&toy, box, 0xc0a80002);
    uint32_t b = toy_private_host(&toy, box, 0xc0a80003);
    toy_private_host(&toy, other, 0xc0a80003);
    toy_open(&toy, 1);
    toy_send(&toy, a, toy_at(0xc0a80003), 0, 4);
    run_until(SEC(1));
    assert_int_equal(toy.crossings, 0);
    assert_int_equal(toy.arrivals, 1);
    assert_int_equal(toy.arrival[0].host, b);
    assert_int_equal(toy.arrival[0].at, ENGINE_LAN_RTT / 2);
    assert_int_equal(toy.arrival[0].ttl, 64);
    assert_int_equal(engine_native.ideal_rtt(toy.engine, a, b), ENGINE_LAN_RTT);
    toy_close(&toy);
}

/* Two homes under one CGN; it turns at the provider's: both lines, no core. */
static void a_hairpin_at_the_cgn_passes_both_lines(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.populations[0].access.delay = MS(5);
    uint32_t cgn = toy_box(&toy, PLAN_NONE, 0x05000001);
    uint32_t home_a = toy_box(&toy, cgn, 0x64400001), home_b = toy_box(&toy, cgn, 0x64400002);
    uint32_t a = toy_private_host(&toy, home_a, 0xc0a80002);
    uint32_t b = toy_private_host(&toy, home_b, 0xc0a80002);
    toy.outward[cgn] = CROSS_HAIRPIN;
    toy_open(&toy, 1);
    toy_send(&toy, a, toy_at(0x05000001), 0, 4);
    run_until(SEC(1));
    assert_int_equal(toy.crossings, 3);
    assert_int_equal(toy.crossing[2].box, home_b);
    assert_int_equal(toy.arrivals, 1);
    assert_int_equal(toy.arrival[0].host, b);
    assert_int_equal(toy.arrival[0].at, MS(10) + ENGINE_LAN_RTT / 2);
    assert_int_equal(engine_native.ideal_rtt(toy.engine, a, b), MS(20) + ENGINE_LAN_RTT);
    toy_close(&toy);
}

/* A line without delay and rate, behind a box at the provider's. */
static void a_line_that_takes_no_time_delivers_once(void **state)
{
    (void)state;
    toy_init(&toy);
    uint32_t cgn = toy_box(&toy, PLAN_NONE, 0x05000001);
    uint32_t a = toy_public_host(&toy);
    uint32_t b = toy_private_host(&toy, cgn, 0x64400002);
    toy_private_host(&toy, cgn, 0x64400003);
    toy.inside[cgn] = toy.hosts[b].addr;
    toy_open(&toy, 1);
    toy_send(&toy, a, toy_at(0x05000001), 0, 4);
    run_until(SEC(1));
    assert_int_equal(toy.arrivals, 1);
    assert_int_equal(toy.arrival[0].host, b);
    assert_int_equal(toy.arrival[0].at, MS(20));
    toy_close(&toy);
}

static void emit(uint32_t box, struct addr to, uint8_t number)
{
    uint8_t bytes[] = {0, 0, 0, number};
    struct datagram d = {
        .from = toy_at(0xc0000009), .to = to, .ttl = 64, .length = sizeof bytes, .bytes = bytes};
    engine_native.emit(toy.engine, box, INWARD, &d);
}

/* A home with one host, its own box at the host's end of the line; and a CGN with that
 * home and a phone, at the provider's. */
static void what_a_box_says_itself_reaches_its_inside_alone(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.populations[0].access.delay = MS(5);
    toy.plan.network.loss_ppm = toy.plan.network.broken_nodes_ppm = 1000000;
    uint32_t cgn = toy_box(&toy, PLAN_NONE, 0x05000001);
    uint32_t home = toy_box(&toy, cgn, 0x64400001);
    uint32_t host = toy_private_host(&toy, home, 0xc0a80002);
    uint32_t phone = toy_private_host(&toy, cgn, 0x64400009);
    toy_open(&toy, 1);
    emit(home, toy_at(0xc0a80002), 1);
    emit(cgn, toy_at(0x64400009), 2);
    emit(cgn, toy_at(0x64400001), 3); /* to the home box, which lets it in */
    emit(home, toy_at(0x64400009), 4);
    run_until(SEC(1));
    assert_int_equal(toy.arrivals, 3);
    const struct {
        uint32_t number, host;
        mist_time at;
    } expected[] = {{1, host, ENGINE_LAN_RTT / 2},
                    {3, host, ENGINE_LAN_RTT / 2 + MS(5)},
                    {2, phone, ENGINE_LAN_RTT / 2 + MS(5)}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(toy.arrival[i].number, expected[i].number);
        assert_int_equal(toy.arrival[i].host, expected[i].host);
        assert_int_equal(toy.arrival[i].at, expected[i].at);
    }
    assert_int_equal(toy.losses, 1);
    assert_int_equal(toy.lost_number[0], 4);
    assert_int_equal(toy.lost_why[0], LOSS_NO_ROUTE);
    toy_close(&toy);
}

static void a_box_announces_to_all_hosts_directly_inside(void **state)
{
    (void)state;
    toy_init(&toy);
    uint32_t cgn = toy_box(&toy, PLAN_NONE, 0x05000001);
    uint32_t home = toy_box(&toy, cgn, 0x64400001);
    uint32_t one = toy_private_host(&toy, home, 0xc0a80002);
    uint32_t first = toy_private_host(&toy, cgn, 0x64400009);
    uint32_t second = toy_private_host(&toy, cgn, 0x6440000a);
    toy_public_host(&toy);
    toy_open(&toy, 1);
    emit(cgn, toy_at(0xe0000001), 1);
    emit(home, toy_at(0xe0000001), 2);
    run_until(SEC(1));
    assert_int_equal(toy.arrivals, 3);
    assert_int_equal(toy.crossings, 0);
    const uint32_t hosts[] = {one, first, second}, numbers[] = {2, 1, 1};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(toy.arrival[i].host, hosts[i]);
        assert_int_equal(toy.arrival[i].number, numbers[i]);
        assert_int_equal(toy.arrival[i].to.ip[0], 0xe0);
    }
    toy_close(&toy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_crossed_outward_at_sending_and_inward_at_arrival),
        cmocka_unit_test(the_translation_at_the_provider_survives_the_line),
        cmocka_unit_test(what_a_box_drops_goes_nowhere),
        cmocka_unit_test(a_box_that_translates_to_nobody_loses_the_datagram),
        cmocka_unit_test(every_address_of_a_pool_leads_to_its_box),
        cmocka_unit_test(a_private_address_is_nobody_outside_of_its_box),
        cmocka_unit_test(a_host_behind_a_firewall_is_reached_by_its_own_address),
        cmocka_unit_test(two_hosts_of_one_lan_need_no_box),
        cmocka_unit_test(a_hairpin_at_the_cgn_passes_both_lines),
        cmocka_unit_test(a_line_that_takes_no_time_delivers_once),
        cmocka_unit_test(what_a_box_says_itself_reaches_its_inside_alone),
        cmocka_unit_test(a_box_announces_to_all_hosts_directly_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
