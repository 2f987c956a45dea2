/* External ports, addresses and the limits on them: nat-behaviour 3.2, 3.3, 3.7, 3.8. */
#include "nat-models/philox.h"
#include "nat-models/test/lab.h"

#define Y1 "5.6.7.8:1000"

/* The external port that an inside endpoint gets towards Y1, 0 if refused. */
static uint16_t port_of(struct lab *lab, mist_time t, uint32_t host, uint16_t port)
{
    lab_out_addr(lab, t, addr_v4(0xc0a80000u + host, port), lab_addr(Y1));
    return lab->verdict == NAT_PASS ? lab->last.from.port : 0;
}

/* ---- order ---- */

static void sequential_steps_by_delta_and_wraps_in_the_range(void **state)
{
    static const struct {
        const char *knobs;
        int delta, n;
    } cases[] = {
        {"ports: sequential; range: [2000, 2009]", 1, 10},
        {"ports: sequential; range: [2000, 2010]; delta: 2", 2, 11},
        {"ports: sequential; range: [2000, 2009]; delta: -1", -1, 10},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lab lab = lab_open(cases[i].knobs);
        int n = cases[i].n, last = port_of(&lab, 0, 1, 5000) - 2000;
        for (int k = 1; k < n; k++) {
            int port = port_of(&lab, k, 1, (uint16_t)(5000 + k)) - 2000;
            assert_int_equal(port, ((last + cases[i].delta) % n + n) % n);
            last = port;
        }
        assert_int_equal(port_of(&lab, n, 1, 6000), 0); /* all ports are out */
        assert_int_equal(lab_count(&lab, n, "dropped_port_exhausted"), 1);
        assert_int_not_equal(port_of(&lab, SEC(120), 1, 6000), 0); /* and back after expiry */
        lab_close(&lab);
    }
}

/* Even where the step comes round before it has met every port. */
static void every_rule_gives_every_port_of_the_range_once(void **state)
{
    static const char *const rules[] = {
        "ports: random",
        "ports: sequential; delta: 4",
        "ports: preserve",
        "ports: preserve; on_clash: random",
        "ports: block; block: 64",
        "ports: block; block: 64; block_ports: random",
        "ports: deterministic; block: 64",
        "ports: sequential; counter: subscriber",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        char knobs[100];
        snprintf(knobs, sizeof knobs, "%s; range: [3000, 3063]", rules[i]);
        struct lab lab = lab_open(knobs);
        bool seen[64] = {false};
        for (uint16_t k = 0; k < 64; k++) {
            uint16_t port = port_of(&lab, k, 7, (uint16_t)(3000 + k * 3));
            assert_in_range(port, 3000, 3063);
            assert_false(seen[port - 3000]);
            seen[port - 3000] = true;
        }
        assert_int_equal(port_of(&lab, 64, 7, 9999), 0);
        assert_int_equal(lab_count(&lab, SEC(120) + 64, "mappings"), 0);
        lab_close(&lab);
    }
}

static void counters_count_by_box_address_or_subscriber(void **state)
{
    static const struct {
        const char *counter;
        bool gap; /* does another host's mapping stand between two of one host's? */
    } cases[] = {{"box", true}, {"address", true}, {"subscriber", false}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char knobs[100];
        snprintf(knobs, sizeof knobs, "ports: sequential; counter: %s", cases[i].counter);
        struct lab lab = lab_open(knobs);
        uint16_t first = port_of(&lab, 0, 1, 5000);
        port_of(&lab, 1, 2, 5000);
        assert_int_equal(port_of(&lab, 2, 1, 5001) - first, cases[i].gap ? 2 : 1);
        lab_close(&lab);
    }
}

static void preserve_keeps_the_port_and_falls_back_as_told(void **state)
{
    (void)state;
    struct lab next = lab_open("ports: preserve; on_clash: next");
    assert_int_equal(port_of(&next, 0, 1, 5000), 5000);
    assert_int_equal(port_of(&next, 1, 2, 5000), 5001);
    assert_int_equal(port_of(&next, 2, 3, 65535), 65535);
    assert_int_equal(port_of(&next, 3, 4, 65535), 1024); /* wraps */
    assert_int_equal(port_of(&next, 4, 5, 80), 1025);    /* below the range */
    lab_close(&next);
    struct lab random = lab_open("ports: preserve; on_clash: random");
    assert_int_equal(port_of(&random, 0, 1, 5000), 5000);
    uint16_t other = port_of(&random, 1, 2, 5000);
    assert_true(other >= 1024 && other != 5000 && other != 5001);
    lab_close(&random);
}

/* ---- modifiers ---- */

static void parity_is_kept_by_every_rule(void **state)
{
    static const char *const rules[] = {"preserve", "preserve; on_clash: random", "sequential",
                                        "random", "block; block: 512"};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        char knobs[100];
        snprintf(knobs, sizeof knobs, "parity: on; ports: %s", rules[i]);
        struct lab lab = lab_open(knobs);
        for (uint16_t k = 0; k < 100; k++)
            assert_int_equal(port_of(&lab, k, 1 + k % 5, (uint16_t)(5000 + k / 10)) % 2,
                             (5000 + k / 10) % 2);
        lab_close(&lab);
    }
}

static void contiguity_gives_neighbours_to_neighbours(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct lab lab = lab_open(on ? "ports: random; contiguity: on" : "ports: random");
        int neighbours = 0;
        for (uint16_t k = 0; k < 20; k++) {
            uint16_t rtp = port_of(&lab, k, 1, (uint16_t)(5000 + 10 * k));
            neighbours += port_of(&lab, k, 1, (uint16_t)(5001 + 10 * k)) == rtp + 1;
        }
        assert_true(on ? neighbours == 20 : neighbours < 3);
        lab_close(&lab);
    }
}

static void privileged_ports_stay_privileged_when_asked(void **state)
{
    static const char *const rules[] = {"preserve", "sequential", "random"};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        bool on = i % 2;
        char knobs[100];
        snprintf(knobs, sizeof knobs, "keep_privileged: %s; ports: %s", on ? "on" : "off",
                 rules[i / 2]);
        struct lab lab = lab_open(knobs);
        for (uint32_t host = 1; host < 20; host++) {
            assert_true((port_of(&lab, host, host, 600) < 1024) == on);
            assert_true(port_of(&lab, host, host, 6000) >= 1024);
        }
        lab_close(&lab);
    }
}

static void an_inside_socket_gets_its_former_port_back_when_asked(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct lab lab = lab_open(on ? "ports: random; idle: 30 s; same_port_after_expiry: on"
                                     : "ports: random; idle: 30 s");
        int same = 0;
        for (uint16_t k = 0; k < 20; k++) {
            uint16_t first = port_of(&lab, SEC(100) * k, 1, (uint16_t)(5000 + k));
            same += port_of(&lab, SEC(100) * k + SEC(30), 1, (uint16_t)(5000 + k)) == first;
        }
        assert_true(on ? same == 20 : same < 2);
        lab_close(&lab);
    }
}

/* A hold starts when the mapping expires, not when that is noticed. */
static void a_held_port_is_for_its_former_owner_alone(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: preserve; idle: 30 s; hold: 120 s");
    assert_int_equal(port_of(&lab, 0, 1, 5000), 5000);
    assert_int_equal(port_of(&lab, SEC(30), 2, 5000), 5001);  /* held */
    assert_int_equal(port_of(&lab, SEC(149), 1, 5000), 5000); /* its own */
    assert_int_equal(lab_count(&lab, SEC(179), "mappings"), 0);
    assert_int_equal(port_of(&lab, SEC(299) - 1, 3, 5000) == 5000, false);
    assert_int_equal(port_of(&lab, SEC(299), 4, 5000), 5000); /* 149 + 30 + 120 */
    lab_close(&lab);
    lab = lab_open("ports: preserve; idle: 30 s; hold: 120 s");
    assert_int_equal(port_of(&lab, 0, 1, 5000), 5000);
    assert_int_equal(port_of(&lab, SEC(150), 2, 5000), 5000); /* nobody looked in between */
    lab_close(&lab);
}

/* ---- draws ---- */

/* 64,000 draws of 64 ports: each port's count is binomial with mean 1,000 and
 * standard deviation 31.4; six of them allow for 64 looks. */
static void random_ports_are_uniform(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: random; idle: 1 s; range: [4000, 4063]");
    int count[64] = {0};
    for (uint32_t k = 0; k < 64000; k++)
        count[port_of(&lab, SEC(k), 1 + k % 200, (uint16_t)(1024 + k / 2)) - 4000]++;
    for (int i = 0; i < 64; i++)
        assert_in_range(count[i], 1000 - 190, 1000 + 190);
    lab_close(&lab);
}

static void an_endpoint_that_comes_back_draws_a_new_port(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: random; idle: 30 s");
    int same = 0;
    for (int k = 0; k < 50; k++) {
        uint16_t port = port_of(&lab, SEC(100) * k, 1, 5000);
        same += port == port_of(&lab, SEC(100) * k + SEC(50), 1, 5000);
    }
    assert_true(same < 2);
    lab_close(&lab);
}

static void ports_follow_from_the_seed_and_nobody_elses_packets(void **state)
{
    (void)state;
    struct lab a = lab_open_seeded("ports: random; mapping: apdm", 7);
    struct lab b = lab_open_seeded("ports: random; mapping: apdm", 7);
    struct lab c = lab_open_seeded("ports: random; mapping: apdm", 8);
    int other = 0;
    for (uint16_t k = 0; k < 50; k++) {
        uint16_t port = port_of(&a, k, 1, (uint16_t)(5000 + k));
        port_of(&b, k, 2, (uint16_t)(5000 + k)); /* one extra packet of another host */
        assert_int_equal(port_of(&b, k, 1, (uint16_t)(5000 + k)), port);
        other += port_of(&c, k, 1, (uint16_t)(5000 + k)) != port;
    }
    assert_true(other > 45);
    lab_close(&a);
    lab_close(&b);
    lab_close(&c);
}

/* Random123's kat_vectors, philox4x32 with 10 rounds. */
static void philox_gives_its_published_vectors(void **state)
{
    static const struct {
        struct nat_philox counter;
        uint64_t key;
        struct nat_philox result;
    } cases[] = {
        {{{0, 0, 0, 0}}, 0, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
        {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
         UINT64_MAX,
         {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
        {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
         0x299f31d0a4093822,
         {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct nat_philox result = nat_philox(cases[i].key, cases[i].counter);
        assert_memory_equal(&result, &cases[i].result, sizeof result);
    }
}

/* ---- the pool ---- */

static void pooling_decides_how_many_addresses_a_host_shows(void **state)
{
    static const struct {
        const char *knobs;
        int low, high; /* distinct addresses over 40 sockets of one host */
    } cases[] = {
        {"pool: 4; pooling: paired; ports: random", 1, 1},
        {"pool: 4; pooling: soft_paired; ports: random", 1, 1},
        {"pool: 4; pooling: arbitrary; ports: random", 4, 4}, /* all but 4 * .75^40 = 4e-5 */
        {"pool: 4; pooling: soft_paired; ports: random; range: [2000, 2009]", 4, 4}, /* spills */
    };
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct lab lab = lab_open(cases[i].knobs);
        bool seen[4] = {false};
        for (uint16_t k = 0; k < 40; k++) {
            assert_int_not_equal(port_of(&lab, k, 1, (uint16_t)(5000 + k)), 0);
            seen[addr_ip4(&lab.last.from) - 0x01020304] = true;
        }
        assert_in_range(seen[0] + seen[1] + seen[2] + seen[3], cases[i].low, cases[i].high);
        lab_close(&lab);
    }
}

static void every_address_of_a_pool_serves_some_hosts(void **state)
{
    (void)state;
    struct lab lab = lab_open("pool: 4; ports: random");
    int count[4] = {0};
    for (uint32_t host = 1; host <= 4000; host++) {
        port_of(&lab, host, host, 5000);
        count[addr_ip4(&lab.last.from) - 0x01020304]++;
    }
    for (int i = 0; i < 4; i++) /* binomial: mean 1,000, sd 27 */
        assert_in_range(count[i], 1000 - 140, 1000 + 140);
    lab_close(&lab);
}

static void paired_pooling_refuses_when_the_hosts_address_is_full(void **state)
{
    (void)state;
    struct lab lab = lab_open("pool: 4; pooling: paired; ports: random; range: [2000, 2009]");
    for (uint16_t k = 0; k < 12; k++)
        assert_true((port_of(&lab, k, 1, (uint16_t)(5000 + k)) != 0) == (k < 10));
    lab_close(&lab);
}

/* ---- blocks ---- */

static void a_subscribers_ports_lie_in_its_blocks(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: block; block: 512; max_blocks: 2; idle: 30 s");
    uint16_t lowest = UINT16_MAX;
    for (uint16_t k = 0; k < 512; k++) {
        uint16_t port = port_of(&lab, k, 1, (uint16_t)(5000 + k));
        lowest = port < lowest ? port : lowest;
        assert_true((port - 1024) / 512 == (lowest - 1024) / 512);
    }
    assert_int_equal((lowest - 1024) % 512, 0);
    for (uint16_t k = 512; k < 1024; k++) { /* the second block */
        uint16_t port = port_of(&lab, k, 1, (uint16_t)(5000 + k));
        assert_true(port != 0 && (port - 1024) / 512 != (lowest - 1024) / 512);
    }
    assert_int_equal(port_of(&lab, 1024, 1, 60000), 0);
    assert_int_not_equal(port_of(&lab, 1025, 2, 60000), 0); /* another subscriber's own block */
    assert_int_not_equal(port_of(&lab, SEC(31), 1, 60000), 0);
    lab_close(&lab);
}

/* 126 blocks of 512 in 1024-65535. */
static void a_box_without_a_free_block_refuses_new_subscribers(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: block; block: 512; idle: 30 s; hold: 120 s");
    for (uint32_t host = 1; host <= 127; host++)
        assert_true((port_of(&lab, host, host, 5000) != 0) == (host <= 126));
    assert_int_equal(port_of(&lab, SEC(149), 200, 5000), 0);           /* blocks of held ports */
    assert_int_not_equal(port_of(&lab, SEC(150) + 200, 200, 5000), 0); /* the hold is over */
    lab_close(&lab);
}

static void deterministic_blocks_survive_a_reboot(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: deterministic; block: 512; pool: 2");
    uint16_t before[50];
    for (uint32_t host = 0; host < 50; host++)
        before[host] = port_of(&lab, host, host, 5000);
    nat_reboot(lab.nat, 100);
    for (uint32_t host = 50; host-- > 0;) /* in another order */
        assert_int_equal(port_of(&lab, 200, host, 5000), before[host]);
    lab_close(&lab);
}

/* ---- limits ---- */

/* RFC 6888 REQ-4: A opens Q + 10 flows, exactly the last 10 are refused. */
static void a_subscriber_at_its_quota_does_not_affect_others(void **state)
{
    (void)state;
    struct lab lab = lab_open("quota_ports: 100; idle: 30 s");
    for (uint16_t k = 0; k < 110; k++)
        assert_true((port_of(&lab, k, 1, (uint16_t)(5000 + k)) != 0) == (k < 100));
    assert_int_equal(lab_count(&lab, 110, "dropped_quota"), 10);
    assert_int_equal(port_of(&lab, 110, 2, 7000), 7000);
    assert_int_equal(port_of(&lab, 111, 1, 5000), 5000); /* refreshes; no new flow */
    lab.last = lab_datagram(addr_v4(0xc0a80001u, 9000), lab_addr(Y1));
    lab.last.protocol = NAT_TCP; /* a quota is per protocol */
    assert_int_equal(nat_outbound(lab.nat, 112, &lab.last), NAT_PASS);
    for (uint16_t k = 0; k < 99; k++) /* after expiry A may open again */
        assert_int_not_equal(port_of(&lab, SEC(30) + 99, 1, (uint16_t)(8000 + k)), 0);
    assert_int_equal(port_of(&lab, SEC(30) + 99, 1, 9000), 0); /* 5000 was refreshed */
    lab_close(&lab);
}

static void new_mappings_come_at_the_rate_after_a_burst_of_a_second(void **state)
{
    (void)state;
    struct lab lab = lab_open("new_mappings_per_s: 10");
    for (uint16_t k = 0; k < 12; k++)
        assert_true((port_of(&lab, 0, 1, (uint16_t)(5000 + k)) != 0) == (k < 10));
    assert_int_equal(port_of(&lab, MS(100) - 1, 1, 6000), 0);
    assert_int_equal(port_of(&lab, MS(100), 1, 6000), 6000);
    assert_int_equal(port_of(&lab, MS(100), 1, 6001), 0);
    assert_int_equal(port_of(&lab, MS(100), 2, 6002), 6002); /* per subscriber */
    assert_int_equal(lab_count(&lab, MS(100), "dropped_rate"), 4);
    lab_close(&lab);
}

static void a_full_table_refuses_new_flows_and_keeps_old_ones(void **state)
{
    (void)state;
    struct lab lab = lab_open("table_capacity: 50; idle: 30 s");
    for (uint16_t k = 0; k < 60; k++)
        assert_true((port_of(&lab, 0, 1 + k, 5000) != 0) == (k < 50));
    for (uint32_t k = 0; k < 50; k++) { /* all from port 5000: next, next ... */
        lab_in_addr(&lab, 1, lab_addr(Y1), addr_v4(0x01020304, (uint16_t)(5000 + k)));
        assert_int_equal(lab.verdict, NAT_PASS);
        assert_int_equal(addr_ip4(&lab.last.to), 0xc0a80001u + k);
    }
    assert_int_equal(lab_count(&lab, 1, "dropped_capacity"), 10);
    assert_int_equal(lab_count(&lab, SEC(30) - 1, "mappings"), 50);
    assert_int_not_equal(port_of(&lab, SEC(30), 99, 5000), 0);
    lab_close(&lab);
}

/* RFC 5508 REQ-8 and RFC 6888 REQ-11. */
static void exhaustion_says_so_by_icmp_and_harms_nobody(void **state)
{
    static const struct {
        const char *answer;
        int type, code;
    } cases[] = {{"drop", 0, 0}, {"icmp_3_13", 3, 13}, {"icmp_3_1", 3, 1}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char knobs[100];
        struct nat_datagram icmp;
        enum nat_side side;
        snprintf(knobs, sizeof knobs, "quota_ports: 1; on_exhaustion: %s", cases[i].answer);
        struct lab lab = lab_open(knobs);
        assert_int_equal(port_of(&lab, 0, 1, 5000), 5000);
        assert_false(nat_output(lab.nat, &icmp, &side));
        assert_int_equal(port_of(&lab, 1, 1, 5001), 0);
        bool told = nat_output(lab.nat, &icmp, &side);
        assert_int_equal(told, cases[i].type != 0);
        if (told) {
            static const uint8_t embedded[] = {
                192, 168, 0, 1, 5, 6, 7, 8, 5001 / 256, 5001 % 256, 1000 / 256, 1000 % 256};
            assert_int_equal(side, NAT_INSIDE);
            assert_int_equal(icmp.protocol, NAT_ICMP);
            assert_int_equal(addr_ip4(&icmp.to), 0xc0a80001);
            assert_int_equal(icmp.bytes[0], cases[i].type);
            assert_int_equal(icmp.bytes[1], cases[i].code);
            assert_memory_equal(icmp.bytes + 8 + 12, embedded, sizeof embedded);
            uint32_t sum = 0; /* RFC 1071: over the whole message the sum is all ones */
            for (uint32_t k = 0; k < icmp.length; k += 2)
                sum += (uint32_t)icmp.bytes[k] << 8 | icmp.bytes[k + 1];
            assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
            assert_false(nat_output(lab.nat, &icmp, &side));
        }
        assert_string_equal(lab_in(&lab, 2, Y1, "1.2.3.4:5000"), "192.168.0.1:5000");
        lab_close(&lab);
    }
}

static void faulty_boxes_end_another_mapping(void **state)
{
    (void)state;
    struct lab lab = lab_open("quota_ports: 2; on_exhaustion: evict_oldest");
    port_of(&lab, 0, 1, 5000);
    port_of(&lab, 1, 1, 5001);
    port_of(&lab, 2, 1, 5000); /* refreshed: 5001 is the staler one */
    assert_int_equal(port_of(&lab, 3, 1, 5002), 5002);
    assert_string_equal(lab_in(&lab, 4, Y1, "1.2.3.4:5000"), "192.168.0.1:5000");
    assert_string_equal(lab_in(&lab, 4, Y1, "1.2.3.4:5001"), "no_mapping");
    lab_close(&lab);
    lab = lab_open("table_capacity: 2; on_exhaustion: evict_unreplied");
    port_of(&lab, 0, 1, 5000);
    lab_in(&lab, 1, Y1, "1.2.3.4:5000");
    port_of(&lab, 2, 1, 5001);
    assert_int_equal(port_of(&lab, 3, 2, 5002), 5002); /* 5001 never saw a reply */
    lab_in(&lab, 4, Y1, "1.2.3.4:5002");
    assert_int_equal(port_of(&lab, 5, 3, 5003), 0); /* all are replied now */
    lab_close(&lab);
    lab = lab_open("ports: random; range: [2000, 2001]; on_exhaustion: reuse");
    for (uint32_t host = 1; host <= 3; host++)
        assert_int_not_equal(port_of(&lab, host, host, 5000), 0);
    assert_int_equal(lab_count(&lab, 4, "mappings"), 2);
    lab_close(&lab);
}

static void a_short_timer_holds_for_its_destination_port_alone(void **state)
{
    (void)state;
    struct lab lab = lab_open("idle: 300 s; dport_override: {53: 10 s}");
    lab_out(&lab, 0, "192.168.0.1:5000", "5.6.7.8:53");
    lab_out(&lab, 0, "192.168.0.1:5001", "5.6.7.8:54");
    lab_out(&lab, 0, "192.168.0.1:5002", "5.6.7.8:53");
    lab_out(&lab, 1, "192.168.0.1:5002", "5.6.7.8:54"); /* no longer for 53 alone */
    assert_int_equal(lab_count(&lab, SEC(10) - 1, "mappings"), 3);
    assert_int_equal(lab_count(&lab, SEC(10), "mappings"), 2);
    lab_close(&lab);
}

static void a_reboot_takes_its_time_and_sets_the_counter(void **state)
{
    static const char *const after[] = {"reset", "keep", "random"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char knobs[100];
        snprintf(knobs, sizeof knobs, "ports: sequential; down: 10 s; counter_after_reboot: %s",
                 after[i]);
        struct lab lab = lab_open(knobs);
        uint16_t first = port_of(&lab, 0, 1, 5000);
        nat_reboot(lab.nat, SEC(1));
        assert_int_equal(port_of(&lab, SEC(11) - 1, 1, 5001), 0);
        assert_int_equal(lab_count(&lab, SEC(11) - 1, "dropped_down"), 1);
        uint16_t second = port_of(&lab, SEC(11), 1, 5001);
        if (i == 0)
            assert_int_equal(second, first);
        else if (i == 1)
            assert_int_equal(second, first + 1);
        else
            assert_true(second != first && second != first + 1);
        lab_close(&lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequential_steps_by_delta_and_wraps_in_the_range),
        cmocka_unit_test(every_rule_gives_every_port_of_the_range_once),
        cmocka_unit_test(counters_count_by_box_address_or_subscriber),
        cmocka_unit_test(preserve_keeps_the_port_and_falls_back_as_told),
        cmocka_unit_test(parity_is_kept_by_every_rule),
        cmocka_unit_test(contiguity_gives_neighbours_to_neighbours),
        cmocka_unit_test(privileged_ports_stay_privileged_when_asked),
        cmocka_unit_test(an_inside_socket_gets_its_former_port_back_when_asked),
        cmocka_unit_test(a_held_port_is_for_its_former_owner_alone),
        cmocka_unit_test(random_ports_are_uniform),
        cmocka_unit_test(an_endpoint_that_comes_back_draws_a_new_port),
        cmocka_unit_test(ports_follow_from_the_seed_and_nobody_elses_packets),
        cmocka_unit_test(philox_gives_its_published_vectors),
        cmocka_unit_test(pooling_decides_how_many_addresses_a_host_shows),
        cmocka_unit_test(every_address_of_a_pool_serves_some_hosts),
        cmocka_unit_test(paired_pooling_refuses_when_the_hosts_address_is_full),
        cmocka_unit_test(a_subscribers_ports_lie_in_its_blocks),
        cmocka_unit_test(a_box_without_a_free_block_refuses_new_subscribers),
        cmocka_unit_test(deterministic_blocks_survive_a_reboot),
        cmocka_unit_test(a_subscriber_at_its_quota_does_not_affect_others),
        cmocka_unit_test(new_mappings_come_at_the_rate_after_a_burst_of_a_second),
        cmocka_unit_test(a_full_table_refuses_new_flows_and_keeps_old_ones),
        cmocka_unit_test(exhaustion_says_so_by_icmp_and_harms_nobody),
        cmocka_unit_test(faulty_boxes_end_another_mapping),
        cmocka_unit_test(a_short_timer_holds_for_its_destination_port_alone),
        cmocka_unit_test(a_reboot_takes_its_time_and_sets_the_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
