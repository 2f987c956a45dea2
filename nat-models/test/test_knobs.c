/* Every knob acts: two boxes that differ in it alone tell different stories of
 * the same packets (the fault of a knob that is accepted and does nothing). */
#include "nat-models/icmp.h"
#include "nat-models/test/lab.h"
#include "nat-models/upnp.h"

#define LONGEST (1 << 20)

/* What was seen from outside and inside, line by line. */
struct story {
    struct lab lab;
    size_t length;
    char text[LONGEST];
};

static void tell(struct story *s, const char *line)
{
    size_t length = strlen(line);
    assert_true(s->length + length + 2 < LONGEST);
    memcpy(s->text + s->length, line, length);
    s->length += length;
    s->text[s->length++] = '\n';
    s->text[s->length] = '\0';
}

static void drain(struct story *s)
{
    struct nat_datagram d;
    enum nat_side side;
    char line[96];
    while (nat_output(s->lab.nat, &d, &side)) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < d.length; i++)
            sum = sum * 31 + d.bytes[i];
        snprintf(line, sizeof line, "sends %d/%d (%u bytes, %08x, at %u) to side %d", d.bytes[0],
                 d.bytes[1], d.length, sum, d.fragment.offset, (int)side);
        tell(s, line);
    }
}

/* Returns the source as it is seen behind the box. */
static struct addr go(struct story *s, mist_time t, uint8_t protocol, struct addr from,
                      struct addr to)
{
    char line[3 * ADDR_TEXT], a[ADDR_TEXT], b[ADDR_TEXT];
    struct nat_datagram d = lab_datagram(from, to);
    d.protocol = protocol;
    bool out = addr_ip4(&from) >> 16 == 0xc0a8;
    enum nat_verdict verdict =
        out ? nat_outbound(s->lab.nat, t, &d) : nat_inbound(s->lab.nat, t, &d);
    snprintf(line, sizeof line, "%s %s %s", nat_verdict_word(verdict), addr_format(&d.from, a),
             addr_format(&d.to, b));
    tell(s, line);
    drain(s);
    return d.from;
}

static struct addr host(uint32_t i, uint16_t port)
{
    return addr_v4(0xc0a80001u + i, port);
}

static struct addr remote(uint32_t i, uint16_t port)
{
    return addr_v4(0x05060708u + i, port);
}

static struct addr outside(uint16_t port)
{
    return addr_v4(0x01020304, port);
}

/* Three hosts, their neighbouring, privileged and clashing ports; answers from
 * the remote, its other port and others; strangers first. */
static void talk(struct story *s, mist_time t)
{
    go(s, t, NAT_UDP, remote(2, 53), outside(5000));
    for (uint32_t h = 0; h < 3; h++) {
        static const uint16_t ports[] = {5000, 5001, 600, 5002, 5003, 6001};
        for (size_t p = 0; p < 6; p++)
            go(s, t, NAT_UDP, host(h, ports[p]), remote(0, 53));
        go(s, t, NAT_UDP, host(h, 5000), remote(0, 54));
        go(s, t, NAT_UDP, host(h, 5000), remote(1, 53));
        go(s, t, NAT_TCP, host(h, 5000), remote(0, 80));
        go(s, t, NAT_TCP, host(h, 5000), remote(0, 8080));
        go(s, t, NAT_ICMP, host(h, 77), remote(0, 0));
        go(s, t, NAT_UDP, host(h, 8000), remote(h, 53)); /* one port towards different remotes */
    }
    struct addr seen = go(s, t, NAT_UDP, host(0, 5000), remote(0, 53));
    go(s, t, NAT_UDP, remote(2, 53), seen);
    go(s, t, NAT_UDP, host(0, 5000), remote(2, 53));
    for (uint32_t r = 0; r < 3; r++) {
        go(s, t + MS(900), NAT_UDP, remote(r, 53), outside(5000));
        go(s, t + MS(900), NAT_UDP, remote(r, 54), outside(5000));
        go(s, t + MS(900), NAT_UDP, host(0, 5000), remote(r, 54));
    }
    go(s, t + SEC(1), NAT_UDP, host(1, 7000), outside(5000));
}

/* Packets in both directions over time: ends, refreshes, holds, returns. */
static void age(struct story *s, mist_time t)
{
    static const mist_time waits[] = {SEC(3),  SEC(9),  SEC(10), SEC(20),
                                      SEC(35), SEC(40), SEC(70), SEC(90)};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        t += waits[i];
        go(s, t, NAT_UDP, remote(0, 53), outside(5000));
        go(s, t, NAT_UDP, remote(1, 53), outside(5000));
        go(s, t, NAT_TCP, remote(0, 80), outside(5000));
        if (i % 3 == 0)
            go(s, t, NAT_UDP, host(0, 5000), remote(0, 53));
        go(s, t, NAT_UDP, host(2, 5003), remote(0, 53));
        char line[40];
        snprintf(line, sizeof line, "alive %llu",
                 (unsigned long long)lab_count(&s->lab, t, "mappings"));
        tell(s, line);
    }
}

static void report_error(struct story *s, mist_time t)
{
    uint8_t bytes[36] = {3, 3, [8] = 0x45, [17] = NAT_UDP};
    struct addr to = remote(0, 53);
    go(s, t, NAT_UDP, host(0, 5000), to);
    struct nat_datagram d = lab_datagram(host(0, 5000), to);
    nat_outbound(s->lab.nat, t, &d);
    memcpy(bytes + 20, d.from.ip, 4);
    memcpy(bytes + 24, to.ip, 4);
    bytes[28] = (uint8_t)(d.from.port >> 8);
    bytes[29] = (uint8_t)d.from.port;
    bytes[31] = 53;
    nat_icmp_put_checksum(bytes, sizeof bytes);
    struct nat_datagram error = lab_datagram(to, d.from);
    error.protocol = NAT_ICMP;
    error.length = sizeof bytes;
    error.bytes = bytes;
    tell(s, nat_verdict_word(nat_inbound(s->lab.nat, t, &error)));
}

/* A large datagram, once with DF, and one in two pieces, once the wrong way round;
 * all name the host that sends them. */
static void send_large(struct story *s, mist_time t)
{
    static const struct nat_fragment pieces[] = {{.forbidden = true},     {0},
                                                 {1, 0, true, false},     {1, 1608, false, false},
                                                 {2, 1608, false, false}, {2, 0, true, false}};
    static uint8_t bytes[1600];
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        char line[80];
        struct nat_datagram d = lab_datagram(host(0, 5000), remote(0, 53));
        memcpy(bytes, d.from.ip, 4);
        d.fragment = pieces[i];
        if (d.fragment.offset != 0)
            d.from.port = d.to.port = 0;
        d.length = sizeof bytes;
        d.bytes = bytes;
        snprintf(line, sizeof line, "%s %u bytes, %u.%u",
                 nat_verdict_word(nat_outbound(s->lab.nat, t, &d)), d.length, d.bytes[0],
                 d.bytes[1]);
        tell(s, line);
        drain(s);
    }
}

/* A host asks for ports for three hours, by NAT-PMP, by PCP and by UPnP. */
static void ask_for_ports(struct story *s, mist_time t)
{
    uint8_t pmp[12] = {0, 1, [4] = 40, [6] = 41, [10] = 42, [11] = 48};
    uint8_t pcp[60] = {2,   1, [6] = 42, [7] = 48,       [18] = 0xff, [19] = 0xff, 192,
                       168, 0, 1,        [36] = NAT_UDP, [40] = 50,   [54] = 0xff, [55] = 0xff};
    struct nat_datagram d = lab_datagram(host(0, 5000), lab_addr("192.0.0.9:5351"));
    d.bytes = pmp;
    d.length = sizeof pmp;
    tell(s, nat_verdict_word(nat_outbound(s->lab.nat, t, &d)));
    drain(s);
    d = lab_datagram(host(0, 5000), lab_addr("192.0.0.9:5351"));
    d.bytes = pcp;
    d.length = sizeof pcp;
    tell(s, nat_verdict_word(nat_outbound(s->lab.nat, t, &d)));
    drain(s);
    for (uint32_t lease_s = 0; lease_s <= 900000; lease_s += 300000) {
        char line[32];
        struct addr served = host(1, 5000);
        snprintf(line, sizeof line, "upnp %d",
                 (int)nat_upnp_add(s->lab.nat, t, NAT_UDP, &served, 7777, lease_s));
        tell(s, line);
    }
}

static struct story *run(const char *base, const char *knob, const char *value)
{
    char knobs[300];
    snprintf(knobs, sizeof knobs, "%s; %s: %s", base, knob, value);
    struct story *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->lab = lab_open(knobs);
    struct addr served = host(2, 9000), external = outside(9000);
    if (nat_map(s->lab.nat, 0, NAT_UDP, &served, &external, SEC(500)) == 0)
        go(s, 0, NAT_UDP, served, remote(0, 53));
    talk(s, 0);
    age(s, 0);
    talk(s, SEC(700));
    report_error(s, SEC(702));
    send_large(s, SEC(702));
    ask_for_ports(s, SEC(702));
    nat_reboot(s->lab.nat, SEC(703));
    talk(s, SEC(704));
    talk(s, SEC(720));
    lab_close(&s->lab);
    return s;
}

#define RANDOM "ports: random; idle: 30 s"

static const struct {
    const char *knob, *base, *a, *b;
} pairs[] = {
    {"kind", "filtering: eif", "nat", "one_to_one"},
    {"kind", "filtering: eif", "nat", "firewall"},
    {"kind", "filtering: eif", "nat", "nat64"},
    {"mapping", RANDOM, "eim", "adm"},
    {"mapping", RANDOM, "adm", "apdm"},
    {"filtering", "idle: 30 s", "eif", "adf"},
    {"filtering", "idle: 30 s", "adf", "apdf"},
    {"filter_lifetime", "idle: 60 s", "mapping", "session"},
    {"ports", "idle: 30 s", "preserve", "overload"},
    {"ports", "idle: 30 s", "preserve", "sequential"},
    {"ports", "idle: 30 s", "sequential", "random"},
    {"ports", "idle: 30 s", "random", "block"},
    {"ports", "idle: 30 s", "block", "deterministic"},
    {"on_clash", "idle: 30 s", "next", "random"},
    {"on_clash", "mapping: apdm; ports: overload", "random", "sticky_random"},
    {"overload_demux", "ports: overload", "remote", "last_wins"},
    {"delta", "ports: sequential", "1", "2"},
    {"counter", "ports: sequential", "box", "subscriber"},
    {"counter", "ports: sequential; pool: 2", "box", "address"},
    {"block", "ports: block", "64", "128"},
    {"max_blocks", "ports: block; block: 4", "1", "2"},
    {"block_ports", "ports: block", "sequential", "random"},
    {"parity", RANDOM, "off", "on"},
    {"contiguity", RANDOM, "off", "on"},
    {"keep_privileged", "idle: 30 s", "off", "on"},
    {"same_port_after_expiry", RANDOM, "off", "on"},
    {"range", "ports: random", "[2000, 2999]", "[3000, 3999]"},
    {"idle", "refresh: none", "20 s", "30 s"},
    {"udp_unreplied", "udp_established: 120 s", "10 s", "20 s"},
    {"udp_established", "udp_unreplied: 10 s", "25 s", "50 s"},
    {"established_when", "udp_unreplied: 10 s; refresh: none", "first_reply", "reply_and_age: 5 s"},
    {"refresh", "idle: 30 s", "out", "in"},
    {"refresh", "idle: 30 s", "both", "out"},
    {"refresh", "idle: 30 s", "none", "in"},
    {"max_lifetime", "refresh: both", "0 s", "50 s"},
    {"dport_override", "idle: 300 s", "53: 10 s", "99: 10 s"},
    {"hold", "idle: 30 s; ports: sequential; range: [2000, 2019]", "0 s", "120 s"},
    {"down", "idle: 30 s", "0 s", "10 s"},
    {"counter_after_reboot", "ports: sequential", "reset", "keep"},
    {"counter_after_reboot", "ports: sequential", "reset", "random"},
    {"icmp_query", "idle: 30 s", "60 s", "90 s"},
    {"tcp_transitory", "tcp_established: 9 h", "30 s", "50 s"},
    {"tcp_established", "tcp_transitory: 9 s; refresh: none", "30 s", "60 s"},
    {"session_reply", "mapping: apdm; filtering: eif; ports: sequential", "off", "on"},
    {"inbound_clash", "idle: 30 s", "off", "on"},
    {"icmp_errors", "idle: 30 s", "on", "off"},
    {"exempt", "idle: 30 s", "none", "5.0.0.0/8"},
    {"background", "ports: sequential", "{rate: 5/s, life: 60 s}", "{rate: 6/s, life: 60 s}"},
    {"egress_block", "idle: 30 s", "none", "udp"},
    {"egress_block", "idle: 30 s", "none", "tcp_high_ports"},
    {"hairpin", "filtering: eif", "off", "external"},
    {"hairpin", "filtering: eif", "external", "internal"},
    {"static_outbound", "ports: random", "on", "off"},
    {"pool", "ports: random", "1", "3"},
    {"pooling", "ports: random; pool: 3", "paired", "arbitrary"},
    {"pooling", "ports: random; pool: 3; range: [2000, 2004]", "paired", "soft_paired"},
    {"quota_ports", "idle: 30 s", "none", "3"},
    {"new_mappings_per_s", "idle: 30 s", "none", "3"},
    {"new_mappings", "idle: 30 s", "3/s", "4/s"},
    {"table_capacity", "idle: 30 s", "none", "7"},
    {"on_exhaustion", "table_capacity: 7", "drop", "icmp_3_13"},
    {"on_exhaustion", "table_capacity: 7", "icmp_3_13", "icmp_3_1"},
    {"on_exhaustion", "table_capacity: 7", "drop", "evict_oldest"},
    {"on_exhaustion", "table_capacity: 7; refresh: both", "evict_oldest", "evict_unreplied"},
    {"on_exhaustion", "ports: random; range: [2000, 2004]", "drop", "reuse"},
    {"unsolicited_reply", "idle: 30 s", "silent", "icmp_3_3"},
    {"nat_pmp", "idle: 30 s", "off", "on"},
    {"pcp", "idle: 30 s", "off", "on"},
    {"pcp", "nat_pmp: on", "off", "on"},
    {"upnp", "idle: 30 s", "off", "igd1"},
    {"upnp", "idle: 30 s", "igd1", "igd1_permanent"},
    {"upnp", "idle: 30 s", "igd1", "igd2"},
    {"map_lifetime", "nat_pmp: on", "1 h", "2 h"},
    {"fragments", "idle: 30 s", "reassemble", "in_order_only"},
    {"fragments", "idle: 30 s", "in_order_only", "drop"},
    {"mtu", "idle: 30 s", "none", "1500"},
    {"mtu", "idle: 30 s", "1500", "1400"},
    {"df_too_big", "mtu: 1500", "icmp_3_4", "drop"},
    {"df_too_big", "mtu: 1500", "drop", "fragment"},
    {"alg", "idle: 30 s", "off", "rewrite"},
};

static void two_values_of_a_knob_tell_different_stories(void **state)
{
    int idle_pairs = 0;
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct story *a = run(pairs[i].base, pairs[i].knob, pairs[i].a);
        struct story *b = run(pairs[i].base, pairs[i].knob, pairs[i].b);
        if (strcmp(a->text, b->text) == 0) {
            print_error("%s: %s and %s do the same\n", pairs[i].knob, pairs[i].a, pairs[i].b);
            idle_pairs++;
        }
        free(a);
        free(b);
    }
    assert_int_equal(idle_pairs, 0);
}

static void the_same_box_tells_the_same_story_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct story *a = run(pairs[i].base, pairs[i].knob, pairs[i].b);
        struct story *b = run(pairs[i].base, pairs[i].knob, pairs[i].b);
        assert_string_equal(a->text, b->text);
        free(a);
        free(b);
    }
}

static void no_knob_is_without_a_pair(void **state)
{
    const char *key, *values;
    (void)state;
    for (uint32_t k = 0; (key = nat_policy_key(k, &values)) != NULL; k++) {
        bool found = false;
        for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
            found = found || strcmp(pairs[i].knob, key) == 0;
        if (!found)
            fail_msg("%s has no pair", key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_values_of_a_knob_tell_different_stories),
        cmocka_unit_test(the_same_box_tells_the_same_story_twice),
        cmocka_unit_test(no_knob_is_without_a_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
