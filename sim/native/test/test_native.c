/* test_native.c: the network of engine.h, by hand: where a datagram goes, when
 * it gets there, and what is lost. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/draw.h"
#include "sim/native/test/toy.h"

static struct toy toy;

static void run_until(mist_time until)
{
    engine_native.run(toy.engine, until);
}

static uint64_t trace_of_run(void)
{
    struct engine_figures figures;
    engine_native.figures(toy.engine, &figures);
    return figures.trace;
}

/* ---- the core ---- */

static void a_datagram_takes_half_of_the_round_trip(void **state)
{
    (void)state;
    toy_init(&toy);
    uint32_t a = toy_public_host(&toy), b = toy_public_host(&toy);
    toy_open(&toy, 1);
    toy_send(&toy, a, toy_at(0x08000001), 77, 100);
    run_until(MS(20));
    assert_int_equal(toy.arrivals, 0);
    assert_int_equal(engine_native.now(toy.engine), MS(20));
    run_until(MS(20) + 1);
    assert_int_equal(toy.arrivals, 1);
    const struct toy_arrival *got = &toy.arrival[0];
    struct addr from = toy_at(0x08000000), to = toy_at(0x08000001);
    assert_int_equal(got->at, MS(20));
    assert_int_equal(got->host, b);
    assert_true(addr_equal(&got->from, &from));
    assert_true(addr_equal(&got->to, &to));
    assert_int_equal(got->length, 100);
    assert_int_equal(got->number, 77);
    assert_int_equal(got->ttl, 64 - ENGINE_HOPS);
    assert_int_equal(engine_native.ideal_rtt(toy.engine, a, b), MS(40));
    toy_close(&toy);
}

static void every_size_arrives_whole(void **state)
{
    (void)state;
    const uint16_t lengths[] = {4, 80, 81, 208, 209, 1252, 2000, 2001, 65507};
    const uint32_t count = sizeof lengths / sizeof *lengths;
    toy_init(&toy);
    uint32_t a = toy_public_host(&toy);
    toy_public_host(&toy);
    toy_open(&toy, 1);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < count; i++)
            toy_send(&toy, a, toy_at(0x08000001), i, lengths[i]);
        run_until(SEC(round + 1));
    }
    assert_int_equal(toy.arrivals, 3 * count);
    for (uint32_t i = 0; i < toy.arrivals; i++) {
        assert_int_equal(toy.arrival[i].number, i % count);
        assert_int_equal(toy.arrival[i].length, lengths[i % count]);
    }
    toy_close(&toy);
}

static void a_matrix_gives_each_pair_of_regions_its_round_trip(void **state)
{
    (void)state;
    mist_time rtt[] = {MS(10), MS(101), MS(102), MS(20)};
    toy_init(&toy);
    toy.plan.network.latency = LATENCY_MATRIX;
    toy.plan.network.regions = 2;
    toy.plan.network.rtt = rtt;
    uint32_t a = toy_public_host(&toy), b = toy_public_host(&toy), c = toy_public_host(&toy);
    toy.hosts[b].region = toy.hosts[c].region = 1;
    toy_open(&toy, 1);
    toy_send(&toy, b, toy_at(0x08000002), 0, 4); /* 20 / 2 */
    toy_send(&toy, a, toy_at(0x08000001), 1, 4); /* 101 / 2 */
    toy_send(&toy, b, toy_at(0x08000000), 2, 4); /* 102 / 2 */
    run_until(SEC(1));
    assert_int_equal(toy.arrivals, 3);
    assert_int_equal(toy.arrival[0].at, MS(10));
    assert_int_equal(toy.arrival[1].at, US(50500));
    assert_int_equal(toy.arrival[2].at, MS(51));
    toy_close(&toy);
}

static void a_uniform_round_trip_is_one_draw_per_unordered_pair(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.plan.network.latency = LATENCY_UNIFORM;
    toy.plan.network.low = MS(10);
    toy.plan.network.high = MS(200);
    uint32_t hosts[20];
    for (int i = 0; i < 20; i++)
        hosts[i] = toy_public_host(&toy);
    toy_open(&toy, 5);
    mist_time sum = 0;
    for (int i = 0; i < 20; i++) {
        for (int j = 0; j < i; j++) {
            mist_time rtt = engine_native.ideal_rtt(toy.engine, hosts[i], hosts[j]);
            assert_int_equal(rtt, engine_native.ideal_rtt(toy.engine, hosts[j], hosts[i]));
            assert_true(rtt >= MS(10) - 1 && rtt <= MS(200));
            sum += rtt;
        }
    }
    /* 190 draws, standard deviation 190 ms / sqrt(12) = 54.8 ms each */
    assert_true(llabs(sum / 190 - MS(105)) < 4 * US(54800) / 13);
    toy_send(&toy, hosts[3], toy_at(0x08000007), 0, 4);
    run_until(SEC(1));
    assert_int_equal(toy.arrival[0].at,
                     engine_native.ideal_rtt(toy.engine, hosts[3], hosts[7]) / 2);
    toy_close(&toy);
}

static void an_address_without_owner_is_no_route(void **state)
{
    (void)state;
    toy_init(&toy);
    uint32_t a = toy_public_host(&toy);
    toy_open(&toy, 1);
    toy_send(&toy, a, toy_at(0x09090909), 5, 4);
    assert_int_equal(toy.losses, 1);
    assert_int_equal(toy.lost_why[0], LOSS_NO_ROUTE);
    toy_close(&toy);
}

static void a_low_ttl_dies_in_the_core(void **state)
{
    (void)state;
    toy_init(&toy);
    uint32_t a = toy_public_host(&toy);
    toy_public_host(&toy);
    toy_open(&toy, 1);
    uint8_t bytes[4] = {0};
    struct datagram d = {.from = toy_at(0x08000000), .to = toy_at(0x08000001), .length = 4};
    d.bytes = bytes;
    d.ttl = ENGINE_HOPS;
    engine_native.send(toy.engine, a, &d);
    d.ttl = ENGINE_HOPS + 1;
    engine_native.send(toy.engine, a, &d);
    run_until(SEC(1));
    assert_int_equal(toy.losses, 1);
    assert_int_equal(toy.lost_why[0], LOSS_TTL);
    assert_int_equal(toy.arrivals, 1);
    assert_int_equal(toy.arrival[0].ttl, 1);
    toy_close(&toy);
}

/* ---- loss, jitter, broken paths ---- */

#define MANY 18000

/* One datagram each millisecond from a to b. */
static void send_many(uint32_t host, struct addr to)
{
    for (uint32_t i = 0; i < MANY; i++) {
        run_until(MS(i));
        toy_send(&toy, host, to, i, 4);
    }
    run_until(MS(MANY) + SEC(1));
}

static void loss_keeps_its_rate_within_four_standard_errors(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.plan.network.loss_ppm = 20000;
    uint32_t a = toy_public_host(&toy);
    toy_public_host(&toy);
    toy_open(&toy, 1);
    send_many(a, toy_at(0x08000001));
    assert_int_equal(toy.arrivals + toy.losses, MANY);
    assert_true(fabs(toy.losses - MANY * 0.02) < 4 * sqrt(MANY * 0.02 * 0.98));
    assert_int_equal(toy.lost_why[0], LOSS_LINK);
    toy_close(&toy);
}

static void the_two_directions_lose_different_datagrams(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.plan.network.loss_ppm = 500000;
    uint32_t a = toy_public_host(&toy), b = toy_public_host(&toy);
    toy_open(&toy, 1);
    for (uint32_t i = 0; i < 100; i++) {
        toy_send(&toy, a, toy_at(0x08000001), i, 4);
        toy_send(&toy, b, toy_at(0x08000000), i, 4);
    }
    run_until(SEC(1));
    uint32_t arrived[100] = {0}, both = 0;
    for (uint32_t i = 0; i < toy.arrivals; i++)
        arrived[toy.arrival[i].number]++;
    for (uint32_t i = 0; i < 100; i++)
        both += arrived[i] == 2;
    assert_true(both > 5 && both < 45); /* 25 of 100 expected when independent */
    toy_close(&toy);
}

/* Jitter of 25 % of 20 ms: uniform in [0, 5 ms], mean 2.5 ms, deviation 5 / sqrt(12) ms. */
static void jitter_is_uniform_within_its_bounds(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.plan.network.jitter_ppm = 250000;
    uint32_t a = toy_public_host(&toy);
    toy_public_host(&toy);
    toy_open(&toy, 1);
    send_many(a, toy_at(0x08000001));
    assert_int_equal(toy.arrivals, MANY);
    double sum = 0;
    mist_time least = MS(5), most = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        mist_time jitter = toy.arrival[i].at - MS(toy.arrival[i].number) - MS(20);
        assert_true(jitter >= 0 && jitter <= MS(5));
        least = jitter < least ? jitter : least;
        most = jitter > most ? jitter : most;
        sum += (double)jitter;
    }
    assert_true(fabs(sum / MANY - 2.5e6) < 4 * 5e6 / sqrt(12.0 * MANY));
    assert_true(least < US(10) && most > US(4990));
    toy_close(&toy);
}

/* Half of the datagrams are lost: the jitter of the others is still uniform. */
static void loss_says_nothing_about_jitter(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.plan.network.jitter_ppm = 250000;
    toy.plan.network.loss_ppm = 500000;
    uint32_t a = toy_public_host(&toy);
    toy_public_host(&toy);
    toy_open(&toy, 1);
    send_many(a, toy_at(0x08000001));
    double sum = 0;
    for (uint32_t i = 0; i < toy.arrivals; i++)
        sum += (double)(toy.arrival[i].at - MS(toy.arrival[i].number) - MS(20));
    assert_true(fabs(sum / toy.arrivals - 2.5e6) < 4 * 5e6 / sqrt(12.0 * toy.arrivals));
    toy_close(&toy);
}

/* Arrival times of a's datagrams to b, one every 5 ms, with `extra` datagrams
 * on another link, and one more on this link at 1 s. */
static void arrivals_beside_others(bool extra, mist_time times[400])
{
    toy_init(&toy);
    toy.plan.network.jitter_ppm = 500000;
    uint32_t a = toy_public_host(&toy);
    toy_public_host(&toy);
    toy_public_host(&toy);
    toy_open(&toy, 9);
    for (uint32_t i = 0; i < 400; i++) {
        run_until(MS(5 * i));
        if (extra)
            toy_send(&toy, a, toy_at(0x08000002), 1000, 4);
        if (extra && i == 200)
            toy_send(&toy, a, toy_at(0x08000001), 2000, 4);
        toy_send(&toy, a, toy_at(0x08000001), i, 4);
    }
    run_until(SEC(3));
    for (uint32_t i = 0; i < toy.arrivals; i++)
        if (toy.arrival[i].number < 400)
            times[toy.arrival[i].number] = toy.arrival[i].at;
    toy_close(&toy);
}

static void an_extra_datagram_shifts_only_its_own_links_slot(void **state)
{
    (void)state;
    mist_time alone[400], beside[400];
    arrivals_beside_others(false, alone);
    arrivals_beside_others(true, beside);
    for (int i = 0; i < 400; i++) {
        if (i == 200 || i == 201)
            assert_int_not_equal(alone[i], beside[i]);
        else
            assert_int_equal(alone[i], beside[i]);
    }
}

/* Datagrams between every two of 40 hosts; returns how many arrive. */
static uint32_t all_pairs(uint32_t nodes_ppm, uint32_t pairs_ppm, bool server)
{
    toy_init(&toy);
    toy.plan.network.broken_nodes_ppm = nodes_ppm;
    toy.plan.network.broken_pairs_ppm = pairs_ppm;
    toy.populations[0].relay = server;
    for (int i = 0; i < 40; i++)
        toy_public_host(&toy);
    toy_open(&toy, 4);
    for (uint32_t i = 0; i < 40; i++)
        for (uint32_t j = 0; j < 40; j++)
            if (i != j)
                toy_send(&toy, i, toy_at(0x08000000 + j), i * 40 + j, 4);
    run_until(SEC(1));
    toy_close(&toy);
    return toy.arrivals;
}

static void a_broken_pair_is_broken_both_ways(void **state)
{
    (void)state;
    uint32_t arrived = all_pairs(0, 250000, false);
    bool works[40][40] = {{false}};
    for (uint32_t i = 0; i < arrived; i++)
        works[toy.arrival[i].number / 40][toy.arrival[i].number % 40] = true;
    for (int i = 0; i < 40; i++)
        for (int j = 0; j < 40; j++)
            assert_int_equal(works[i][j], works[j][i]);
    assert_true(fabs(arrived / 2.0 - 780 * 0.75) < 4 * sqrt(780 * 0.75 * 0.25));
    assert_int_equal(toy.lost_why[0], LOSS_BROKEN);
}

static void a_broken_node_reaches_nobody(void **state)
{
    (void)state;
    uint32_t arrived = all_pairs(250000, 0, false), reached[40] = {0}, broken = 0;
    for (uint32_t i = 0; i < arrived; i++)
        reached[toy.arrival[i].host]++;
    for (int i = 0; i < 40; i++)
        broken += reached[i] == 0;
    assert_true(broken > 1 && broken < 22); /* 10 +- 4 * 2.74 */
    for (int i = 0; i < 40; i++)
        assert_true(reached[i] == 0 || reached[i] == 39 - broken);
}

static void a_server_is_never_broken(void **state)
{
    (void)state;
    assert_int_equal(all_pairs(1000000, 1000000, true), 40 * 39);
    assert_int_equal(all_pairs(1000000, 1000000, false), 0);
}

/* ---- lines ---- */

/* 100 bytes and 28 of headers: 1024 bits.  At 1 Mbit/s: 1.024 ms. */
static void a_line_delays_serialises_and_queues(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.populations[0].access =
        (struct plan_access){.up_bps = 1000000, .down_bps = 500000, .delay = MS(3)};
    uint32_t a = toy_public_host(&toy), b = toy_public_host(&toy);
    toy_open(&toy, 1);
    toy_send(&toy, a, toy_at(0x08000001), 0, 100);
    toy_send(&toy, a, toy_at(0x08000001), 1, 100);
    run_until(SEC(1));
    /* up 1.024, delay 3, core 20: at b's line 24.024 and 25.048 ms; down 2.048 each */
    assert_int_equal(toy.arrivals, 2);
    assert_int_equal(toy.arrival[0].at, US(24024 + 2048 + 3000));
    assert_int_equal(toy.arrival[1].at, US(24024 + 2 * 2048 + 3000));
    assert_int_equal(engine_native.ideal_rtt(toy.engine, a, b), MS(40 + 4 * 3));
    toy_close(&toy);
}

/* A queue drains: after 1.024 ms the line is free again. */
static void an_idle_line_does_not_queue(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.populations[0].access = (struct plan_access){.up_bps = 1000000};
    uint32_t a = toy_public_host(&toy);
    toy_public_host(&toy);
    toy_open(&toy, 1);
    toy_send(&toy, a, toy_at(0x08000001), 0, 100);
    run_until(US(1024));
    toy_send(&toy, a, toy_at(0x08000001), 1, 100);
    run_until(SEC(1));
    assert_int_equal(toy.arrival[0].at, US(21024));
    assert_int_equal(toy.arrival[1].at, US(22048));
    toy_close(&toy);
}

/* 1 ms each: the line takes what waits at most 250 ms, that is datagrams 0 .. 250. */
static void a_line_drops_what_would_wait_longer_than_its_buffer(void **state)
{
    (void)state;
    for (int down = 0; down < 2; down++) {
        toy_init(&toy);
        toy.populations[0].access = down ? (struct plan_access){.down_bps = 1024000}
                                         : (struct plan_access){.up_bps = 1024000};
        uint32_t a = toy_public_host(&toy);
        toy_public_host(&toy);
        toy_open(&toy, 1);
        for (uint32_t i = 0; i < 300; i++)
            toy_send(&toy, a, toy_at(0x08000001), i, 100);
        run_until(SEC(2));
        assert_int_equal(toy.arrivals, 251);
        assert_int_equal(toy.losses, 49);
        assert_int_equal(toy.lost_number[0], 251);
        assert_int_equal(toy.lost_why[0], LOSS_QUEUE);
        assert_int_equal(toy.arrival[250].at, MS(20 + 251));
        toy_close(&toy);
    }
}

/* 1024 bits at 3 Mbit/s: 341,333.3 ns */
static void part_of_a_nanosecond_counts_as_one(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.populations[0].access = (struct plan_access){.up_bps = 3000000};
    uint32_t a = toy_public_host(&toy);
    toy_public_host(&toy);
    toy_open(&toy, 1);
    toy_send(&toy, a, toy_at(0x08000001), 0, 100);
    run_until(SEC(1));
    assert_int_equal(toy.arrival[0].at, MS(20) + 341334);
    toy_close(&toy);
}

static void ipv6_headers_are_twenty_bytes_longer(void **state)
{
    (void)state;
    toy_init(&toy);
    toy.populations[0].access = (struct plan_access){.up_bps = 1000000};
    const uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb9};
    uint32_t a = toy_public_host(&toy), b = toy_public_host(&toy);
    toy.hosts[b].addr = addr_v6(ip, 0);
    toy_open(&toy, 1);
    toy_send(&toy, a, addr_v6(ip, 1), 0, 100);
    run_until(SEC(1));
    assert_int_equal(toy.arrival[0].at, MS(20) + US(148 * 8));
    toy_close(&toy);
}

/* ---- the trace ---- */

/* A swarm that answers itself, with loss and jitter, for two virtual seconds. */
static uint64_t swarm(uint64_t seed)
{
    toy_init(&toy);
    toy.echo = true;
    toy.plan.network.jitter_ppm = 100000;
    toy.plan.network.loss_ppm = 1000;
    for (int i = 0; i < 30; i++)
        toy_public_host(&toy);
    toy_open(&toy, seed);
    for (uint32_t i = 0; i < 30; i++)
        toy_send(&toy, i, toy_at(0x08000000 + (i + 7) % 30), i, (uint16_t)(20 + i));
    run_until(SEC(2));
    uint64_t trace = trace_of_run();
    toy_close(&toy);
    assert_true(toy.arrivals > 2000);
    return trace;
}

static void one_seed_is_one_trace(void **state)
{
    (void)state;
    uint64_t first = swarm(1);
    assert_true(swarm(1) == first);
    assert_true(swarm(2) != first);
    assert_true(swarm(1) == first);
}

static void equal_times_are_ordered_by_source_then_sequence(void **state)
{
    (void)state;
    toy_init(&toy);
    uint32_t a = toy_public_host(&toy), b = toy_public_host(&toy), c = toy_public_host(&toy);
    toy_open(&toy, 1);
    toy_send(&toy, c, toy_at(0x08000000), 5, 4);
    toy_send(&toy, b, toy_at(0x08000000), 3, 4);
    toy_send(&toy, c, toy_at(0x08000001), 6, 4);
    toy_send(&toy, b, toy_at(0x08000002), 4, 4);
    toy_send(&toy, a, toy_at(0x08000001), 1, 4);
    toy_send(&toy, a, toy_at(0x08000002), 2, 4);
    run_until(SEC(1));
    assert_int_equal(toy.arrivals, 6);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(toy.arrival[i].number, i + 1);
    toy_close(&toy);
}

/* Runs of 1 ns, of 1 ms, and one run of 3 s are one run. */
static void how_a_run_is_cut_does_not_matter(void **state)
{
    (void)state;
    uint64_t traces[2];
    for (int cut = 0; cut < 2; cut++) {
        toy_init(&toy);
        toy.echo = true;
        toy.plan.network.jitter_ppm = 100000;
        for (int i = 0; i < 10; i++)
            toy_public_host(&toy);
        toy_open(&toy, 3);
        for (uint32_t i = 0; i < 10; i++)
            toy_send(&toy, i, toy_at(0x08000000 + (i + 3) % 10), i, 40);
        for (mist_time t = 0; cut && t < SEC(2); t += US(700))
            run_until(t);
        run_until(SEC(2));
        traces[cut] = trace_of_run();
        toy_close(&toy);
    }
    assert_true(traces[0] == traces[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_takes_half_of_the_round_trip),
        cmocka_unit_test(every_size_arrives_whole),
        cmocka_unit_test(a_matrix_gives_each_pair_of_regions_its_round_trip),
        cmocka_unit_test(a_uniform_round_trip_is_one_draw_per_unordered_pair),
        cmocka_unit_test(an_address_without_owner_is_no_route),
        cmocka_unit_test(a_low_ttl_dies_in_the_core),
        cmocka_unit_test(loss_keeps_its_rate_within_four_standard_errors),
        cmocka_unit_test(the_two_directions_lose_different_datagrams),
        cmocka_unit_test(jitter_is_uniform_within_its_bounds),
        cmocka_unit_test(loss_says_nothing_about_jitter),
        cmocka_unit_test(an_extra_datagram_shifts_only_its_own_links_slot),
        cmocka_unit_test(a_broken_pair_is_broken_both_ways),
        cmocka_unit_test(a_broken_node_reaches_nobody),
        cmocka_unit_test(a_server_is_never_broken),
        cmocka_unit_test(a_line_delays_serialises_and_queues),
        cmocka_unit_test(an_idle_line_does_not_queue),
        cmocka_unit_test(a_line_drops_what_would_wait_longer_than_its_buffer),
        cmocka_unit_test(part_of_a_nanosecond_counts_as_one),
        cmocka_unit_test(ipv6_headers_are_twenty_bytes_longer),
        cmocka_unit_test(one_seed_is_one_trace),
        cmocka_unit_test(equal_times_are_ordered_by_source_then_sequence),
        cmocka_unit_test(how_a_run_is_cut_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
