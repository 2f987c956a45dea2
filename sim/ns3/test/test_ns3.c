/* test_ns3.c: the ns-3 engine beside the native one: the same arrivals at times
 * that differ by what packets take. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/engine_plugin.h"
#include "sim/ns3/prefixes.h"

static const struct engine_type *engine;
#define TOY_ENGINE engine
#include "sim/native/test/toy.h"

#define MBIT     UINT64_C(1000000)
#define HEADERS  28 /* of IPv4 and UDP */
#define PPP      2
#define FAST_BPS UINT64_C(10000000000) /* a link without a limit, TOPOLOGY_FAST_BPS */
#define GIVEN    0x08000000u           /* where toy_public_host puts its hosts */

/* What leaks is ns-3's own: what its libraries allocate once and keep. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libns3-\n";
}

static struct toy native, packets;

/* ns that a payload takes on a link, cut off as ns-3 does. */
static mist_time takes(uint32_t payload, uint64_t rate_bps)
{
    return (mist_time)((payload + HEADERS + PPP) * 8 * UINT64_C(1000000000) / rate_bps);
}

static int by_number(const void *left, const void *right)
{
    const struct toy_arrival *a = left, *b = right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return a->host < b->host ? -1 : a->host > b->host;
}

/* Both have seen the same arrivals, each later on packets, by at most `later`. */
static void assert_same_arrivals(mist_time later)
{
    assert_int_equal(packets.arrivals, native.arrivals);
    qsort(native.arrival, native.arrivals, sizeof *native.arrival, by_number);
    qsort(packets.arrival, packets.arrivals, sizeof *packets.arrival, by_number);
    for (uint32_t i = 0; i < native.arrivals; i++) {
        const struct toy_arrival *a = &native.arrival[i], *b = &packets.arrival[i];
        assert_int_equal(a->number, b->number);
        assert_int_equal(a->host, b->host);
        assert_true(addr_equal(&a->from, &b->from));
        assert_true(addr_equal(&a->to, &b->to));
        assert_int_equal(a->ttl, b->ttl);
        assert_int_equal(a->length, b->length);
        assert_true(b->at >= a->at && b->at - a->at <= later);
    }
}

/* Plays it on both engines. */
static void play(void (*lay)(struct toy *t), void (*send)(struct toy *t))
{
    struct toy *toys[] = {&native, &packets};
    const struct engine_type *types[] = {&engine_native, engine_plugin()->type};
    for (int i = 0; i < 2; i++) {
        engine = types[i];
        toy_init(toys[i]);
        lay(toys[i]);
        toy_open(toys[i], 1);
        send(toys[i]);
        engine->run(toys[i]->engine, SEC(100));
        toy_close(toys[i]);
    }
}

static void limit_lines(struct toy *t)
{
    t->populations[0].access =
        (struct plan_access){.up_bps = MBIT, .down_bps = 2 * MBIT, .delay = MS(5)};
}

/* ---- times ---- */

static void lay_home_and_open(struct toy *t)
{
    uint32_t box = toy_box(t, PLAN_NONE, 0x05000001);
    limit_lines(t);
    toy_private_host(t, box, 0xc0a80002);
    toy_public_host(t);
}

static void send_both_ways(struct toy *t)
{
    toy_send(t, 0, toy_at(GIVEN + 1), 0, 100);
    toy_send(t, 1, toy_at(0x05000001), 1, 200);
}

/* LAN, line, core, line; the core's half of 40 ms, two lines of 5 ms. */
static void a_datagram_takes_what_its_links_take(void **state)
{
    (void)state;
    play(lay_home_and_open, send_both_ways);
    mist_time way = MS(20) + 2 * MS(5);
    assert_int_equal(packets.arrivals, 2);
    assert_int_equal(packets.arrival[0].at,
                     way + takes(100, FAST_BPS) + takes(100, MBIT) + takes(100, 2 * MBIT));
    assert_int_equal(packets.arrival[1].at,
                     way + takes(200, MBIT) + takes(200, 2 * MBIT) + takes(200, FAST_BPS));
    assert_same_arrivals(US(50));
}

/* ---- topologies ---- */

/* Homes under a CGN, a phone under it, a firewall in a firewall, a pool, a LAN. */
static void lay_all(struct toy *t)
{
    uint32_t cgn = toy_box(t, PLAN_NONE, 0x05000001);
    uint32_t home_a = toy_box(t, cgn, 0x64400001), home_b = toy_box(t, cgn, 0x64400002);
    uint32_t outer = toy_box(t, PLAN_NONE, 0), inner = toy_box(t, outer, 0);
    uint32_t pool = toy_box(t, PLAN_NONE, 0x060000fe), lan = toy_box(t, PLAN_NONE, 0x07000001);
    limit_lines(t);
    toy_private_host(t, home_a, 0xc0a80002); /* 0 */
    toy_private_host(t, home_b, 0xc0a80002); /* 1 */
    toy_private_host(t, inner, 0x09000001);  /* 2 */
    toy_private_host(t, pool, 0xc0a80002);   /* 3 */
    toy_private_host(t, lan, 0xc0a80002);    /* 4 */
    toy_private_host(t, lan, 0xc0a80003);    /* 5 */
    toy_public_host(t);                      /* 6 */
    toy_private_host(t, cgn, 0x64400009);    /* 7 */
    t->inside[cgn] = addr_v4(0x64400001, 0);
    t->boxes[pool].policy.pool = 3;
    for (uint32_t box = outer; box <= inner; box++) {
        t->boxes[box].policy.kind = NAT_KIND_FIREWALL;
        t->boxes[box].outside = (struct addr){.family = ADDR_NONE};
    }
}

static void send_all(struct toy *t)
{
    const uint32_t targets[] = {GIVEN + 6,  0x05000001, 0x09000001, 0x060000fe,
                                0x060000ff, 0x06000100, 0x06000101, 0x07000001,
                                0xc0a80002, 0xc0a80003, 0x01020304};
    uint32_t number = 0;
    for (uint32_t host = 0; host < t->plan.host_count; host++)
        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
            if (targets[i] != addr_ip4(&t->hosts[host].addr)) {
                toy_send(t, host, toy_at(targets[i]), number++, 60);
                engine->run(t->engine, number * MS(100));
            }
}

static void every_topology_delivers_to_the_same_hosts(void **state)
{
    (void)state;
    play(lay_all, send_all);
    assert_true(native.arrivals > 50);
    assert_same_arrivals(ENGINE_LAN_RTT + US(100)); /* neighbours ask by ARP first */
    assert_int_equal(packets.losses, native.losses);
}

static void send_to_neighbours_box(struct toy *t)
{
    toy_send(t, 7, toy_at(0x64400002), 0, 100);
}

/* A phone and a home under one CGN: its inside is the provider's network, so the
 * way is both lines, but not across the box.  Natively that is a LAN. */
static void the_inside_of_a_box_leads_to_its_boxes(void **state)
{
    (void)state;
    play(lay_all, send_to_neighbours_box);
    assert_int_equal(packets.crossings, 1); /* the home's, inward */
    assert_same_arrivals(2 * MS(5) + MS(2));
    assert_int_equal(packets.arrival[0].at,
                     2 * MS(5) + takes(100, FAST_BPS) + takes(100, MBIT) + takes(100, 2 * MBIT));
}

static void lay_hairpin(struct toy *t)
{
    uint32_t cgn = toy_box(t, PLAN_NONE, 0x05000001);
    uint32_t home_a = toy_box(t, cgn, 0x64400001), home_b = toy_box(t, cgn, 0x64400002);
    limit_lines(t);
    toy_private_host(t, home_a, 0xc0a80002);
    toy_private_host(t, home_b, 0xc0a80002);
    t->outward[cgn] = CROSS_HAIRPIN;
}

static void send_hairpin(struct toy *t)
{
    toy_send(t, 0, toy_at(0x05000001), 0, 100);
}

/* Both lines, no core; and without the half millisecond that native adds. */
static void a_hairpin_turns_at_its_box(void **state)
{
    (void)state;
    play(lay_hairpin, send_hairpin);
    assert_int_equal(packets.arrivals, 1);
    assert_int_equal(packets.arrival[0].host, 1);
    assert_int_equal(packets.arrival[0].at, 2 * MS(5) + 2 * takes(100, FAST_BPS) +
                                                takes(100, MBIT) + takes(100, 2 * MBIT));
    assert_int_equal(packets.arrival[0].ttl, native.arrival[0].ttl);
    assert_int_equal(packets.crossings, native.crossings);
}

static void lay_open_pair(struct toy *t)
{
    toy_public_host(t);
    toy_public_host(t);
}

static void send_every_ttl(struct toy *t)
{
    uint8_t bytes[4] = {0};
    for (uint8_t ttl = 1; ttl <= 12; ttl++) {
        struct datagram d = {.from = toy_at(GIVEN),
                             .to = toy_at(GIVEN + 1),
                             .ttl = ttl,
                             .length = 4,
                             .bytes = bytes};
        bytes[3] = ttl;
        engine->send(t->engine, 0, &d);
    }
}

/* ENGINE_HOPS routers: 9 is the first that gets through, with 1 left. */
static void a_ttl_dies_after_as_many_hops(void **state)
{
    (void)state;
    play(lay_open_pair, send_every_ttl);
    assert_int_equal(packets.arrivals, 4);
    assert_same_arrivals(US(10));
    assert_int_equal(packets.arrival[0].number, ENGINE_HOPS + 1);
    assert_int_equal(packets.arrival[0].ttl, 1);
}

static void lay_broken(struct toy *t)
{
    t->plan.network.broken_pairs_ppm = 300000;
    for (int i = 0; i < 20; i++)
        toy_public_host(t);
}

static void send_to_all(struct toy *t)
{
    for (uint32_t a = 0; a < 20; a++)
        for (uint32_t b = 0; b < 20; b++)
            if (a != b)
                toy_send(t, a, toy_at(GIVEN + b), a * 20 + b, 4);
}

static void the_same_paths_are_broken(void **state)
{
    (void)state;
    play(lay_broken, send_to_all);
    assert_true(native.arrivals < 20 * 19);
    assert_same_arrivals(US(10));
    assert_int_equal(packets.losses, native.losses);
}

static void send_spoofed(struct toy *t)
{
    uint8_t bytes[4] = {0};
    struct datagram d = {.from = addr_v4(0x01020304, 5),
                         .to = toy_at(GIVEN + 1),
                         .ttl = 64,
                         .length = 4,
                         .bytes = bytes};
    engine->send(t->engine, 0, &d);
}

static void a_sender_may_lie_about_its_address(void **state)
{
    (void)state;
    play(lay_open_pair, send_spoofed);
    assert_int_equal(packets.arrivals, 1);
    assert_same_arrivals(US(10));
}

static void lay_one(struct toy *t)
{
    toy_public_host(t);
}

static void send_to_oneself(struct toy *t)
{
    t->echo = true;
    toy_send(t, 0, toy_at(GIVEN), 0, 4);
    engine->run(t->engine, MS(100));
    t->echo = false;
}

/* It takes time, so that an echo ends.  Natively it goes through the core. */
static void a_host_may_send_to_itself(void **state)
{
    (void)state;
    play(lay_one, send_to_oneself);
    assert_int_equal(packets.arrivals, MS(100) / (ENGINE_LAN_RTT / 2));
    assert_int_equal(packets.arrival[0].at, ENGINE_LAN_RTT / 2);
}

static void lay_lossy(struct toy *t)
{
    t->plan.network.loss_ppm = 100000;
    lay_open_pair(t);
}

static void send_many(struct toy *t)
{
    for (uint32_t i = 0; i < 5000; i++) {
        toy_send(t, 0, toy_at(GIVEN + 1), i, 4);
        engine->run(t->engine, (mist_time)(i + 1) * MS(1));
    }
}

/* 0.1 of 5000, within four standard deviations of a binomial. */
static void the_core_loses_its_share(void **state)
{
    (void)state;
    play(lay_lossy, send_many);
    assert_true(fabs(packets.losses - 500.0) < 4 * sqrt(5000 * 0.1 * 0.9));
    assert_int_equal(packets.lost_why[0], LOSS_LINK);
    assert_int_equal(packets.arrivals + packets.losses, 5000);
}

/* ---- what only packets have ---- */

static void begin_packets(void (*lay)(struct toy *t))
{
    engine = engine_plugin()->type;
    toy_init(&packets);
    lay(&packets);
}

static void a_losing_line_loses_in_each_direction(void **state)
{
    (void)state;
    begin_packets(lay_open_pair);
    packets.populations[0].access.loss_ppm = 100000;
    toy_open(&packets, 1);
    send_many(&packets);
    engine->run(packets.engine, SEC(100));
    toy_close(&packets);
    /* two lines: 1 - 0.9 * 0.9 */
    double lost = 5000.0 - packets.arrivals;
    assert_true(fabs(lost - 5000 * 0.19) < 4 * sqrt(5000 * 0.19 * 0.81));
}

/* 250 ms of 1 Mbit/s are 31,250 bytes: 240 packets of 130, and one on the wire. */
static void a_full_line_drops_and_says_so(void **state)
{
    (void)state;
    begin_packets(lay_home_and_open);
    toy_open(&packets, 1);
    for (uint32_t i = 0; i < 300; i++)
        toy_send(&packets, 0, toy_at(GIVEN + 1), i, 100);
    engine->run(packets.engine, SEC(100));
    toy_close(&packets);
    assert_int_equal(packets.arrivals, 31250 / (100 + HEADERS + PPP) + 1);
    assert_int_equal(packets.losses, 300 - packets.arrivals);
    assert_int_equal(packets.lost_why[0], LOSS_QUEUE);
    assert_int_equal(packets.lost_number[0], packets.arrivals);
}

/* Global addresses: ns-3 routes none of those for documentation (RFC 3849). */
static void lay_v6_lan(struct toy *t)
{
    const uint8_t a[16] = {0x2a, 0, 0, 0xb8, [15] = 1}, b[16] = {0x2a, 0, 0, 0xb8, [15] = 2};
    const uint8_t c[16] = {0x2a, 0, 0, 0xb9, [15] = 1};
    uint32_t box = toy_box(t, PLAN_NONE, 0);
    t->boxes[box].policy.kind = NAT_KIND_FIREWALL;
    t->boxes[box].outside = (struct addr){.family = ADDR_NONE};
    toy_private_host(t, box, 1);
    toy_private_host(t, box, 2);
    toy_private_host(t, PLAN_NONE, 3);
    t->hosts[0].addr = addr_v6(a, 0);
    t->hosts[1].addr = addr_v6(b, 0);
    t->hosts[2].addr = addr_v6(c, 0);
}

static void send_v6(struct toy *t)
{
    for (uint32_t from = 0; from < 3; from++) {
        for (uint32_t to = 0; to < 3; to++) {
            struct addr addr = t->hosts[to].addr;
            addr.port = TOY_PORT;
            if (from != to)
                toy_send(t, from, addr, from * 3 + to, 100);
        }
    }
}

/* Both neighbours ask for each other at once: two questions, two answers, two datagrams
 * share the Ethernet, each for half of ENGINE_LAN_RTT, and wait where they meet. */
static void ipv6_crosses_firewalls_and_finds_neighbours(void **state)
{
    (void)state;
    play(lay_v6_lan, send_v6);
    assert_int_equal(packets.arrivals, 6);
    assert_same_arrivals(6 * ENGINE_LAN_RTT / 2 + ENGINE_LAN_RTT);
    assert_int_equal(packets.crossings, native.crossings);
}

/* ---- time and the trace ---- */

static void lay_alarms(struct toy *t)
{
    toy_public_host(t);
    toy_public_host(t);
}

/* Set late, early, later again, never; six at once to fill the stack. */
static void set_alarms(struct toy *t)
{
    const mist_time times[] = {SEC(9), SEC(3), SEC(8), SEC(2), SEC(7), SEC(1), SEC(6), SEC(4)};
    engine->alarm(t->engine, 1, SEC(5));
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        engine->alarm(t->engine, 0, times[i]);
    engine->run(t->engine, SEC(4));
    assert_int_equal(t->dues, 0); /* all before, and nothing of, its end */
    engine->run(t->engine, SEC(4) + 1);
    assert_int_equal(t->dues, 1);
    engine->alarm(t->engine, 0, SEC(1)); /* past: now */
    engine->run(t->engine, SEC(4) + 2);
    engine->alarm(t->engine, 1, MIST_NEVER);
}

static void an_alarm_is_one_and_rings_when_it_was_last_set(void **state)
{
    (void)state;
    play(lay_alarms, set_alarms);
    assert_int_equal(native.dues, 2);
    assert_int_equal(packets.dues, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(packets.due_at[i], native.due_at[i]);
        assert_int_equal(packets.due_host[i], native.due_host[i]);
    }
}

static uint64_t trace_of(uint32_t number)
{
    struct engine_figures figures;
    begin_packets(lay_all);
    packets.plan.network.jitter_ppm = 50000;
    toy_open(&packets, 1);
    send_all(&packets);
    toy_send(&packets, 0, toy_at(GIVEN + 6), number, 60);
    engine->run(packets.engine, SEC(10));
    engine->figures(packets.engine, &figures);
    toy_close(&packets);
    assert_int_equal(figures.arrived, packets.arrivals);
    assert_true(figures.events > figures.arrived);
    return figures.trace;
}

static void the_same_run_has_the_same_trace(void **state)
{
    (void)state;
    uint64_t trace = trace_of(7000);
    assert_true(trace != 0);
    assert_true(trace_of(7000) == trace);
    assert_true(trace_of(7001) != trace); /* one byte of one payload */
}

/* ---- prefixes ---- */

static void addresses_of_a_site_become_one_prefix(void **state)
{
    (void)state;
    struct addr addrs[] = {addr_v4(0x0a000003, 0), addr_v4(0x0b000001, 0), addr_v4(0x0a000002, 0),
                           addr_v4(0x0a000006, 0)};
    struct prefixes p = prefixes_of(addrs, 4, false);
    assert_int_equal(p.count, 2);
    assert_int_equal(p.items[0].bits, 29); /* .2 to .6 */
    assert_int_equal(p.items[1].bits, 32);
    assert_ptr_equal(prefixes_find(&p, &addrs[2]), &p.items[0]);
    assert_ptr_equal(prefixes_find(&p, &addrs[3]), &p.items[1]);
    prefixes_free(&p);
}

/* 192.168.0.2 and .3 share 31 bits, of which .3 would be the broadcast address; with
 * 30 it still would, with 29 it is not. */
static void no_host_of_a_link_has_its_broadcast_address(void **state)
{
    (void)state;
    struct addr addrs[] = {addr_v4(0xc0a80002, 0), addr_v4(0xc0a80003, 0)};
    struct prefixes p = prefixes_of(addrs, 2, true);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.items[0].bits, 29);
    prefixes_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_takes_what_its_links_take),
        cmocka_unit_test(every_topology_delivers_to_the_same_hosts),
        cmocka_unit_test(the_inside_of_a_box_leads_to_its_boxes),
        cmocka_unit_test(a_hairpin_turns_at_its_box),
        cmocka_unit_test(a_ttl_dies_after_as_many_hops),
        cmocka_unit_test(the_same_paths_are_broken),
        cmocka_unit_test(a_sender_may_lie_about_its_address),
        cmocka_unit_test(a_host_may_send_to_itself),
        cmocka_unit_test(the_core_loses_its_share),
        cmocka_unit_test(a_losing_line_loses_in_each_direction),
        cmocka_unit_test(a_full_line_drops_and_says_so),
        cmocka_unit_test(ipv6_crosses_firewalls_and_finds_neighbours),
        cmocka_unit_test(an_alarm_is_one_and_rings_when_it_was_last_set),
        cmocka_unit_test(the_same_run_has_the_same_trace),
        cmocka_unit_test(addresses_of_a_site_become_one_prefix),
        cmocka_unit_test(no_host_of_a_link_has_its_broadcast_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
