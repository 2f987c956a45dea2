/* NAT64 (RFC 6146) and ICMPv6 (RFC 4443, 6092, 7915). */
#include "nat-models/nat64.h"
#include "nat-models/test/lab.h"

/* RFC 6052: 5.6.7.8 is 64:ff9b::506:708. */
#define A    "[2001:db8::2]:1234"
#define B    "[2001:db8::3]:1234"
#define Y    "[64:ff9b::506:708]:1000"
#define Y4   "5.6.7.8:1000"
#define SEEN "1.2.3.4:1234"
#define RFC  "kind: nat64; filtering: eif; idle: 5 min" /* RFC 6146's defaults */

#define expect_out(lab, t, from, to, seen) assert_string_equal(lab_out(lab, t, from, to), seen)
#define expect_in(lab, t, from, to, who)   assert_string_equal(lab_in(lab, t, from, to), who)

static void expect_addr(const struct addr *a, const char *is)
{
    char text[ADDR_TEXT];
    assert_string_equal(addr_format(a, text), is);
}

static void names_stand_for_ipv4_addresses(void **state)
{
    struct addr v4 = lab_addr("192.0.2.33:7"), name = nat64_name(&v4), back;
    (void)state;
    expect_addr(&name, "[64:ff9b::c000:221]:7"); /* RFC 6052 section 2.4 */
    assert_true(nat64_resolve(&name, &back) && addr_equal(&back, &v4));
    name = lab_addr("[64:ff9b:1::c000:221]:7");
    assert_false(nat64_resolve(&name, &back));
}

static void an_ipv6_host_reaches_ipv4_and_is_answered(void **state)
{
    (void)state;
    struct lab lab = lab_open(RFC);
    expect_out(&lab, 0, A, Y, SEEN);
    expect_addr(&lab.last.to, Y4);
    assert_int_equal(lab.last.ttl, 63);
    expect_out(&lab, 0, B, Y, "1.2.3.4:1235"); /* the port is taken: the next */
    expect_in(&lab, MINUTES(5) - 1, Y4, SEEN, A);
    expect_addr(&lab.last.from, Y);
    expect_in(&lab, MINUTES(5) - 1, "9.9.9.9:9", SEEN, A); /* endpoint-independent filtering */
    expect_addr(&lab.last.from, "[64:ff9b::909:909]:9");
    expect_in(&lab, MINUTES(5), Y4, SEEN, "no_mapping");
    lab_close(&lab);
}

/* The knobs of both axes are a NAT's. */
static void a_nat64_maps_and_filters_as_told(void **state)
{
    (void)state;
    struct lab lab = lab_open("kind: nat64; mapping: apdm; filtering: apdf; ports: sequential");
    char first[ADDR_TEXT], label[NAT_LABEL];
    strcpy(first, lab_out(&lab, 0, A, Y));
    assert_string_not_equal(lab_out(&lab, 0, A, "[64:ff9b::506:708]:1001"), first);
    expect_in(&lab, 0, Y4, first, A);
    expect_in(&lab, 0, "5.6.7.8:1001", first, "filter");
    assert_string_equal(nat_policy_label(nat_policy_of(lab.nat), label),
                        "nat64/apdm/apdf/sequential");
    lab_close(&lab);
}

static void other_families_do_not_pass_a_nat64(void **state)
{
    (void)state;
    struct lab lab = lab_open(RFC);
    expect_out(&lab, 0, A, "[2001:db8:1::1]:5", "family"); /* IPv6 has its own way */
    expect_out(&lab, 0, "192.168.0.2:1", Y4, "family");
    expect_in(&lab, 0, "[2001:db8:1::1]:5", A, "family");
    assert_int_equal(lab_count(&lab, 0, "dropped_family"), 3);
    lab_close(&lab);
}

static void a_refused_datagram_keeps_its_addresses(void **state)
{
    (void)state;
    struct lab lab = lab_open(RFC "; table_capacity: 1");
    expect_out(&lab, 0, A, Y, SEEN);
    expect_out(&lab, 0, B, Y, "capacity");
    expect_addr(&lab.last.from, B);
    expect_addr(&lab.last.to, Y);
    lab_close(&lab);
}

static void two_ipv6_hosts_meet_by_the_hairpin(void **state)
{
    static const struct {
        const char *hairpin, *result;
    } cases[] = {{"off", "hairpin_off"},
                 {"external", "[64:ff9b::102:304]:1235 > " A},
                 {"internal", B " > " A}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char knobs[100];
        snprintf(knobs, sizeof knobs, RFC "; hairpin: %s", cases[i].hairpin);
        struct lab lab = lab_open(knobs);
        expect_out(&lab, 0, A, Y, SEEN);
        expect_out(&lab, 0, B, "[64:ff9b::102:304]:1234", cases[i].result);
        lab_close(&lab);
    }
}

static void a_static_mapping_serves_an_ipv6_host(void **state)
{
    struct addr inside = lab_addr(A), external = lab_addr("1.2.3.4:80"),
                v4 = lab_addr("10.0.0.1:1");
    (void)state;
    struct lab lab = lab_open(RFC);
    assert_int_equal(nat_map(lab.nat, 0, NAT_UDP, &inside, &external, SEC(100)), 0);
    expect_in(&lab, 0, Y4, "1.2.3.4:80", A);
    assert_int_equal(nat_map(lab.nat, 0, NAT_UDP, &v4, &external, SEC(100)), -1);
    lab_close(&lab);
}

/* Hosts of one network, whose addresses begin alike, get different blocks. */
static void deterministic_blocks_differ_by_the_end_of_the_address(void **state)
{
    (void)state;
    struct lab lab = lab_open("kind: nat64; ports: deterministic; block: 100; range: [2000, 2999]");
    expect_out(&lab, 0, "[2001:db8::2]:5", Y, "1.2.3.4:2200");  /* 2 of 10 blocks */
    expect_out(&lab, 0, "[2001:db8::13]:5", Y, "1.2.3.4:2900"); /* 0x13 = 19: 9 */
    lab_close(&lab);
}

/* ---- ICMP ---- */

/* RFC 1071's sum over words; `start`: of a pseudo header. */
static uint32_t sum_of(const uint8_t *bytes, uint32_t length, uint32_t start)
{
    uint32_t sum = start;
    for (uint32_t i = 0; i < length; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static uint32_t pseudo(const struct nat_datagram *d)
{
    return sum_of(d->to.ip, 16, sum_of(d->from.ip, 16, d->length + 58));
}

static void an_echo_becomes_one_of_the_other_family(void **state)
{
    uint8_t request[] = {128, 0, 0, 0, 0, 77, 0, 1}, reply[] = {0, 0, 0, 0, 0, 77, 0, 1};
    (void)state;
    struct lab lab = lab_open(RFC "; ports: random");
    struct nat_datagram d =
        lab_datagram(lab_addr("[2001:db8::2]:77"), lab_addr("[64:ff9b::506:708]"));
    d.protocol = NAT_ICMP6;
    d.bytes = request;
    d.length = sizeof request;
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
    assert_int_equal(d.protocol, NAT_ICMP);
    assert_int_equal(d.bytes[0], 8);
    assert_int_equal(sum_of(d.bytes, d.length, 0), 0xffff);
    assert_int_equal(request[0], 128); /* the caller's bytes stay */
    struct addr seen = d.from;
    d = lab_datagram(lab_addr("5.6.7.8"), seen);
    d.protocol = NAT_ICMP;
    d.bytes = reply;
    d.length = sizeof reply;
    assert_int_equal(nat_inbound(lab.nat, 0, &d), NAT_PASS);
    assert_int_equal(d.protocol, NAT_ICMP6);
    assert_int_equal(d.bytes[0], 129);
    assert_int_equal(sum_of(d.bytes, d.length, pseudo(&d)), 0xffff);
    expect_addr(&d.to, "[2001:db8::2]:77");
    lab_close(&lab);
}

/* An ICMP error of IPv4 about a UDP datagram of 20 bytes from SEEN to Y4. */
static uint32_t write_error4(uint8_t *bytes, uint8_t type, uint8_t code, uint16_t mtu)
{
    static const uint8_t about[] = {0x45, 0, 0, 48, 0, 0, 0, 0,   60, 17,  0, 0,  1, 2,
                                    3,    4, 5, 6,  7, 8, 4, 210, 3,  232, 0, 28, 0, 0};
    memset(bytes, 0, 8);
    bytes[0] = type;
    bytes[1] = code;
    bytes[6] = (uint8_t)(mtu >> 8);
    bytes[7] = (uint8_t)mtu;
    memcpy(bytes + 8, about, sizeof about);
    uint32_t sum = ~sum_of(bytes, 8 + sizeof about, 0);
    bytes[2] = (uint8_t)(sum >> 8);
    bytes[3] = (uint8_t)sum;
    return 8 + sizeof about;
}

/* RFC 7915 section 4.2 */
static void an_error_from_ipv4_reaches_the_ipv6_host(void **state)
{
    static const struct {
        uint8_t type, code, type6, code6;
        uint16_t mtu, mtu6;
    } cases[] = {
        {3, 3, 1, 4, 0, 0},  {3, 1, 1, 0, 0, 0},  {3, 13, 1, 1, 0, 0}, {3, 4, 2, 0, 1400, 1420},
        {11, 0, 3, 0, 0, 0}, {3, 14, 0, 0, 0, 0}, {3, 16, 0, 0, 0, 0}, /* dropped */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[64];
        struct lab lab = lab_open(RFC);
        expect_out(&lab, 0, A, Y, SEEN);
        struct nat_datagram d = lab_datagram(lab_addr("9.9.9.9"), lab_addr("1.2.3.4"));
        d.protocol = NAT_ICMP;
        d.bytes = bytes;
        d.length = write_error4(bytes, cases[i].type, cases[i].code, cases[i].mtu);
        enum nat_verdict verdict = nat_inbound(lab.nat, 0, &d);
        if (cases[i].type6 == 0) {
            assert_int_equal(verdict, NAT_DROP_ICMP_UNMATCHED);
        } else {
            struct addr from = addr_v6(d.bytes + 16, (uint16_t)(d.bytes[48] * 256 + d.bytes[49]));
            struct addr to = addr_v6(d.bytes + 32, (uint16_t)(d.bytes[50] * 256 + d.bytes[51]));
            assert_int_equal(verdict, NAT_PASS);
            assert_int_equal(d.protocol, NAT_ICMP6);
            assert_int_equal(d.length, 56);
            assert_int_equal(d.bytes[0], cases[i].type6);
            assert_int_equal(d.bytes[1], cases[i].code6);
            assert_int_equal(d.bytes[6] * 256 + d.bytes[7], cases[i].mtu6);
            assert_int_equal(d.bytes[12] * 256 + d.bytes[13], 28); /* 8 + 20 of payload */
            assert_int_equal(sum_of(d.bytes, d.length, pseudo(&d)), 0xffff);
            expect_addr(&d.to, "[2001:db8::2]:0");
            expect_addr(&d.from, "[64:ff9b::909:909]:0");
            expect_addr(&from, A);
            expect_addr(&to, Y);
        }
        assert_int_equal(lab_count(&lab, 0, "mappings"), 1);
        lab_close(&lab);
    }
}

/* An ICMPv6 error about a UDP datagram. */
static uint32_t write_error6(uint8_t bytes[56], uint8_t type, uint8_t code, const char *from,
                             const char *to)
{
    struct addr source = lab_addr(from), target = lab_addr(to);
    memset(bytes, 0, 56);
    bytes[0] = type;
    bytes[1] = code;
    bytes[8] = 0x60;
    bytes[13] = 28;
    bytes[14] = NAT_UDP;
    bytes[15] = 60;
    memcpy(bytes + 16, source.ip, 16);
    memcpy(bytes + 32, target.ip, 16);
    bytes[48] = (uint8_t)(source.port >> 8);
    bytes[49] = (uint8_t)source.port;
    bytes[50] = (uint8_t)(target.port >> 8);
    bytes[51] = (uint8_t)target.port;
    return 56;
}

/* RFC 7915 section 5.2 */
static void an_error_from_the_ipv6_host_reaches_ipv4(void **state)
{
    uint8_t bytes[56];
    (void)state;
    struct lab lab = lab_open(RFC);
    expect_out(&lab, 0, A, Y, SEEN);
    struct nat_datagram d = lab_datagram(lab_addr("[2001:db8::2]"), lab_addr("[64:ff9b::506:708]"));
    d.protocol = NAT_ICMP6;
    d.bytes = bytes;
    d.length = write_error6(bytes, 1, 4, Y, A);
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
    assert_int_equal(d.protocol, NAT_ICMP);
    assert_int_equal(d.length, 36);
    assert_int_equal(d.bytes[0] * 256 + d.bytes[1], 3 * 256 + 3);
    assert_int_equal(sum_of(d.bytes, d.length, 0), 0xffff);
    assert_memory_equal(d.bytes + 8 + 12, lab_addr(Y4).ip, 4);
    assert_memory_equal(d.bytes + 8 + 16, lab_addr(SEEN).ip, 4);
    assert_int_equal(d.bytes[10] * 256 + d.bytes[11], 48); /* 20 + 8 + 20 of payload */
    assert_int_equal(d.bytes[28] * 256 + d.bytes[29], 1000);
    assert_int_equal(d.bytes[30] * 256 + d.bytes[31], 1234);
    expect_addr(&d.from, "1.2.3.4:0");
    expect_addr(&d.to, "5.6.7.8:0");
    d = lab_datagram(lab_addr("[2001:db8::2]"), lab_addr("[64:ff9b::506:708]"));
    d.protocol = NAT_ICMP6;
    d.bytes = bytes;
    d.length = write_error6(bytes, 2, 0, Y, A);
    bytes[6] = 1420 >> 8;
    bytes[7] = 1420 & 255;
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
    assert_int_equal(d.bytes[0] * 256 + d.bytes[1], 3 * 256 + 4);
    assert_int_equal(d.bytes[6] * 256 + d.bytes[7], 1400); /* an IPv4 header is 20 bytes shorter */
    for (uint32_t length = 0; length < 56; length++) {     /* too short to tell what it is about */
        d = lab_datagram(lab_addr("[2001:db8::2]"), lab_addr("[64:ff9b::506:708]"));
        d.protocol = NAT_ICMP6;
        d.bytes = bytes;
        write_error6(bytes, 1, 4, Y, A);
        d.length = length;
        assert_int_equal(nat_outbound(lab.nat, 0, &d),
                         length == 0 ? NAT_PASS : NAT_DROP_ICMP_UNMATCHED);
    }
    d = lab_datagram(lab_addr("[2001:db8::2]"), lab_addr("[64:ff9b::506:708]"));
    d.protocol = NAT_ICMP6;
    d.bytes = bytes;
    d.length = write_error6(bytes, 4, 1, Y, A);
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
    assert_int_equal(d.bytes[0] * 256 + d.bytes[1], 3 * 256 + 2);
    d = lab_datagram(lab_addr("[2001:db8::2]"), lab_addr("[64:ff9b::506:708]"));
    d.protocol = NAT_ICMP6;
    d.bytes = bytes;
    d.length = write_error6(bytes, 1, 5, Y, A);
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_DROP_ICMP_UNMATCHED);
    d.length = write_error6(bytes, 4, 2, Y, A); /* of which IPv4 has no like */
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_DROP_ICMP_UNMATCHED);
    d.length = write_error6(bytes, 1, 4, Y, B); /* B has no mapping */
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_DROP_ICMP_UNMATCHED);
    lab_close(&lab);
}

/* RFC 6092: errors that belong to a record pass, and end none. */
static void a_firewall_passes_icmpv6_errors_of_its_records(void **state)
{
    uint8_t bytes[56];
    (void)state;
    struct lab lab = lab_open("kind: firewall");
    expect_out(&lab, 0, A, "[2001:db8:1::1]:5", A);
    struct nat_datagram tcp = lab_datagram(lab_addr(A), lab_addr("[2001:db8:1::1]:6"));
    tcp.protocol = NAT_TCP;
    assert_int_equal(nat_outbound(lab.nat, 0, &tcp), NAT_PASS);
    for (int known = 2; known >= 0; known--) { /* by TCP, by UDP, not at all */
        struct nat_datagram d =
            lab_datagram(lab_addr("[2001:db8:7::7]"), lab_addr("[2001:db8::2]"));
        d.protocol = NAT_ICMP6;
        d.bytes = bytes;
        d.length =
            write_error6(bytes, 1, 4, A, known == 1 ? "[2001:db8:1::1]:5" : "[2001:db8:1::1]:6");
        bytes[14] = known == 2 ? NAT_TCP : NAT_UDP;
        assert_int_equal(nat_inbound(lab.nat, 0, &d), known ? NAT_PASS : NAT_DROP_ICMP_UNMATCHED);
    }
    expect_in(&lab, 0, "[2001:db8:1::1]:5", A, A);
    lab_close(&lab);
}

/* RFC 4443: time exceeded is type 3, administratively prohibited 1/1. */
static void an_ipv6_host_hears_errors_of_the_box_in_icmpv6(void **state)
{
    static const char *const boxes[] = {
        "kind: firewall; table_capacity: 1; on_exhaustion: icmp_3_13",
        RFC "; table_capacity: 1; on_exhaustion: icmp_3_13"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct lab lab = lab_open(boxes[i]);
        struct nat_datagram d = lab_datagram(lab_addr(A), lab_addr(Y)), error;
        enum nat_side side;
        d.ttl = 1;
        assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_DROP_TTL);
        assert_true(nat_output(lab.nat, &error, &side));
        assert_int_equal(side, NAT_INSIDE);
        assert_int_equal(error.protocol, NAT_ICMP6);
        assert_int_equal(error.bytes[0] * 256 + error.bytes[1], 3 * 256);
        assert_int_equal(sum_of(error.bytes, error.length, pseudo(&error)), 0xffff);
        expect_addr(&error.to, "[2001:db8::2]:0");
        assert_memory_equal(error.bytes + 8 + 8, lab_addr(A).ip, 16);
        assert_memory_equal(error.bytes + 8 + 24, lab_addr(Y).ip, 16);
        lab_out(&lab, 0, A, Y);
        assert_string_equal(lab_out(&lab, 0, B, Y), "capacity");
        assert_true(nat_output(lab.nat, &error, &side));
        assert_int_equal(error.bytes[0] * 256 + error.bytes[1], 1 * 256 + 1);
        lab_close(&lab);
    }
}

/* RFC 6146 section 3.4 */
static void a_nat64_reassembles_in_both_directions(void **state)
{
    uint8_t payload[64] = {0};
    (void)state;
    struct lab lab = lab_open(RFC);
    for (int out = 1; out >= 0; out--) {
        struct nat_datagram d, whole;
        enum nat_side side;
        for (int i = 1; i >= 0; i--) {
            d = out ? lab_datagram(lab_addr(A), lab_addr(Y))
                    : lab_datagram(lab_addr(Y4), lab_addr(SEEN));
            d.fragment = (struct nat_fragment){.id = 1, .offset = i ? 24 : 0, .more = !i};
            if (i)
                d.from.port = d.to.port = 0;
            d.bytes = payload;
            d.length = 16;
            assert_int_equal(out ? nat_outbound(lab.nat, 0, &d) : nat_inbound(lab.nat, 0, &d),
                             NAT_DROP_KEPT);
        }
        assert_true(nat_output(lab.nat, &whole, &side));
        assert_int_equal(whole.length, 32);
        expect_addr(&whole.from, out ? SEEN : Y);
        expect_addr(&whole.to, out ? Y4 : A);
    }
    lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_stand_for_ipv4_addresses),
        cmocka_unit_test(an_ipv6_host_reaches_ipv4_and_is_answered),
        cmocka_unit_test(a_nat64_maps_and_filters_as_told),
        cmocka_unit_test(other_families_do_not_pass_a_nat64),
        cmocka_unit_test(a_refused_datagram_keeps_its_addresses),
        cmocka_unit_test(two_ipv6_hosts_meet_by_the_hairpin),
        cmocka_unit_test(a_static_mapping_serves_an_ipv6_host),
        cmocka_unit_test(deterministic_blocks_differ_by_the_end_of_the_address),
        cmocka_unit_test(an_echo_becomes_one_of_the_other_family),
        cmocka_unit_test(an_error_from_ipv4_reaches_the_ipv6_host),
        cmocka_unit_test(an_error_from_the_ipv6_host_reaches_ipv4),
        cmocka_unit_test(a_firewall_passes_icmpv6_errors_of_its_records),
        cmocka_unit_test(an_ipv6_host_hears_errors_of_the_box_in_icmpv6),
        cmocka_unit_test(a_nat64_reassembles_in_both_directions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
