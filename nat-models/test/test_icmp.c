/* ICMP through a box and from a box: RFC 792, RFC 5508, RFC 4787 REQ-12. */
#include "nat-models/test/lab.h"

#define A  "192.168.0.2:1234"
#define Y1 "5.6.7.8:1000"

enum { MESSAGE = 36 }; /* 8 of ICMP, 20 of IPv4, 8 of UDP */

/* RFC 1071: a block with its checksum in place sums up to all ones. */
static bool sums_up(const uint8_t *bytes, uint32_t length)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < length; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

static void put_sum(uint8_t *bytes, uint32_t length, uint32_t at)
{
    uint32_t sum = 0;
    bytes[at] = bytes[at + 1] = 0;
    for (uint32_t i = 0; i < length; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    bytes[at] = (uint8_t)(~sum >> 8);
    bytes[at + 1] = (uint8_t)~sum;
}

/* Destination unreachable, port (3/3), about a UDP datagram from `from` to `to`. */
static void write_error(uint8_t bytes[MESSAGE], const char *from, const char *to)
{
    struct addr f = lab_addr(from), t = lab_addr(to);
    memset(bytes, 0, MESSAGE);
    bytes[0] = 3;
    bytes[1] = 3;
    bytes[8] = 0x45;
    bytes[17] = NAT_UDP;
    memcpy(bytes + 20, f.ip, 4);
    memcpy(bytes + 24, t.ip, 4);
    bytes[28] = (uint8_t)(f.port >> 8);
    bytes[29] = (uint8_t)f.port;
    bytes[30] = (uint8_t)(t.port >> 8);
    bytes[31] = (uint8_t)t.port;
    put_sum(bytes + 8, 20, 10);
    put_sum(bytes, MESSAGE, 2);
}

static struct nat_datagram error_datagram(uint8_t *bytes, uint32_t length, const char *from,
                                          const char *to)
{
    struct nat_datagram d = lab_datagram(lab_addr(from), lab_addr(to));
    d.protocol = NAT_ICMP;
    d.bytes = bytes;
    d.length = length;
    return d;
}

static const struct {
    const char *knobs, *outside; /* where A's mapping towards Y1 stands */
} boxes[] = {
    {"idle: 30 s; filtering: eif", "1.2.3.4:1234"},
    {"idle: 30 s; filtering: adf", "1.2.3.4:1234"},
    {"idle: 30 s; mapping: apdm", "1.2.3.4:1234"},
    {"idle: 30 s; mapping: apdm; ports: overload", "1.2.3.4:1234"},
};

/* REQ-12a: from any router on the way; it reaches the inside host with the
 * embedded datagram as that host sent it, and changes no timer. */
static void an_error_reaches_the_host_and_the_mapping_survives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
        struct lab lab = lab_open(boxes[i].knobs);
        uint8_t bytes[MESSAGE], wanted[MESSAGE];
        assert_string_equal(lab_out(&lab, 0, A, Y1), boxes[i].outside);
        write_error(bytes, boxes[i].outside, Y1);
        write_error(wanted, A, Y1);
        struct nat_datagram d = error_datagram(bytes, MESSAGE, "77.7.7.7", "1.2.3.4");
        assert_int_equal(nat_inbound(lab.nat, SEC(20), &d), NAT_PASS);
        assert_int_equal(addr_ip4(&d.to), 0xc0a80002);
        assert_int_equal(addr_ip4(&d.from), 0x4d070707);
        assert_memory_equal(bytes, wanted, MESSAGE);
        assert_int_equal(lab_count(&lab, SEC(30) - 1, "mappings"), 1);
        assert_int_equal(lab_count(&lab, SEC(30), "mappings"), 0);
        lab_close(&lab);
    }
}

static void an_error_about_a_foreign_datagram_is_not_passed(void **state)
{
    static const struct {
        const char *from, *to;
    } foreign[] = {
        {"1.2.3.4:1235", Y1},             /* no mapping there */
        {"9.9.9.9:1234", Y1},             /* not an address of the box */
        {"1.2.3.4:1234", "6.6.6.6:1000"}, /* never sent there */
    };
    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        struct lab lab = lab_open("mapping: apdm");
        uint8_t bytes[MESSAGE], before[MESSAGE];
        lab_out(&lab, 0, A, Y1);
        write_error(bytes, foreign[i].from, foreign[i].to);
        memcpy(before, bytes, MESSAGE);
        struct nat_datagram d = error_datagram(bytes, MESSAGE, "77.7.7.7", "1.2.3.4");
        assert_int_equal(nat_inbound(lab.nat, 1, &d), NAT_DROP_ICMP_UNMATCHED);
        assert_memory_equal(bytes, before, MESSAGE);
        lab_close(&lab);
    }
}

static void a_broken_error_is_dropped(void **state)
{
    (void)state;
    struct lab lab = lab_open("");
    uint8_t bytes[MESSAGE];
    lab_out(&lab, 0, A, Y1);
    for (uint32_t length = 1; length < MESSAGE; length++) {
        write_error(bytes, "1.2.3.4:1234", Y1);
        memset(bytes + length, 0, MESSAGE - length);
        if (length > 3)
            put_sum(bytes, MESSAGE, 2);
        struct nat_datagram d = error_datagram(bytes, length, "77.7.7.7", "1.2.3.4");
        assert_int_equal(nat_inbound(lab.nat, 1, &d), NAT_DROP_ICMP_UNMATCHED);
    }
    static const uint8_t first[] = {0x65, 0x44, 0x46,
                                    0x4f}; /* version 6; header 16, 24, 60 bytes */
    for (size_t i = 0; i < sizeof first; i++) {
        write_error(bytes, "1.2.3.4:1234", Y1);
        bytes[8] = first[i];
        put_sum(bytes, MESSAGE, 2);
        struct nat_datagram d = error_datagram(bytes, MESSAGE, "77.7.7.7", "1.2.3.4");
        assert_int_equal(nat_inbound(lab.nat, 1, &d), NAT_DROP_ICMP_UNMATCHED);
    }
    lab_close(&lab);
}

/* RFC 5508 REQ-3: any of its bits may have changed on the way; a wrong checksum of the
 * embedded UDP header alone, where the message's own is right, does not matter. */
static void a_damaged_error_is_dropped(void **state)
{
    (void)state;
    struct lab lab = lab_open("");
    uint8_t bytes[MESSAGE];
    lab_out(&lab, 0, A, Y1);
    for (uint32_t bit = 8; bit < 8 * MESSAGE; bit++) {
        write_error(bytes, "1.2.3.4:1234", Y1);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct nat_datagram d = error_datagram(bytes, MESSAGE, "77.7.7.7", "1.2.3.4");
        assert_int_equal(nat_inbound(lab.nat, 1, &d), NAT_DROP_ICMP_UNMATCHED);
    }
    write_error(bytes, "1.2.3.4:1234", Y1);
    bytes[34] = 0x55;
    put_sum(bytes, MESSAGE, 2);
    struct nat_datagram d = error_datagram(bytes, MESSAGE, "77.7.7.7", "1.2.3.4");
    assert_int_equal(nat_inbound(lab.nat, 1, &d), NAT_PASS);
    lab_close(&lab);
}

/* RFC 5508 REQ-3: options of the embedded header are stepped over. */
static void ip_options_are_stepped_over(void **state)
{
    (void)state;
    struct lab lab = lab_open("");
    uint8_t bytes[MESSAGE + 4], plain[MESSAGE];
    lab_out(&lab, 0, A, Y1);
    write_error(plain, "1.2.3.4:1234", Y1);
    memcpy(bytes, plain, 28);
    memset(bytes + 28, 1, 4); /* no operation */
    memcpy(bytes + 32, plain + 28, 8);
    bytes[8] = 0x46;
    put_sum(bytes, MESSAGE + 4, 2);
    struct nat_datagram d = error_datagram(bytes, MESSAGE + 4, "77.7.7.7", "1.2.3.4");
    assert_int_equal(nat_inbound(lab.nat, 1, &d), NAT_PASS);
    static const uint8_t host[] = {192, 168, 0, 2};
    assert_memory_equal(bytes + 20, host, 4);
    assert_int_equal(bytes[32] << 8 | bytes[33], 1234);
    assert_true(sums_up(bytes + 8, 24) && sums_up(bytes, MESSAGE + 4));
    lab_close(&lab);
}

/* An embedded UDP checksum stays right (RFC 1624): computed here over pseudo
 * header and header before, checked over both after. */
static void an_embedded_udp_checksum_is_adjusted(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: random");
    char outside[ADDR_TEXT];
    uint8_t bytes[MESSAGE], block[20]; /* source, destination, protocol, length, UDP header */
    strcpy(outside, lab_out(&lab, 0, A, Y1));
    write_error(bytes, outside, Y1);
    bytes[33] = 8; /* UDP length, no payload */
    memcpy(block, bytes + 20, 8);
    block[8] = 0;
    block[9] = NAT_UDP;
    block[10] = 0;
    block[11] = 8;
    memcpy(block + 12, bytes + 28, 8);
    put_sum(block, 20, 18);
    memcpy(bytes + 34, block + 18, 2);
    put_sum(bytes, MESSAGE, 2);
    struct nat_datagram d = error_datagram(bytes, MESSAGE, "77.7.7.7", "1.2.3.4");
    assert_int_equal(nat_inbound(lab.nat, 1, &d), NAT_PASS);
    memcpy(block, bytes + 20, 8);
    memcpy(block + 12, bytes + 28, 8);
    assert_true(sums_up(block, 20));
    lab_close(&lab);
}

/* RFC 5508 REQ-5: outer source and embedded destination become external. */
static void an_error_from_inside_leaves_with_external_addresses(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: random");
    char outside[ADDR_TEXT];
    uint8_t bytes[MESSAGE], wanted[MESSAGE];
    strcpy(outside, lab_out(&lab, 0, A, Y1));
    write_error(bytes, Y1, A);
    write_error(wanted, Y1, outside);
    struct nat_datagram d = error_datagram(bytes, MESSAGE, "192.168.0.2", "5.6.7.8");
    assert_int_equal(nat_outbound(lab.nat, 1, &d), NAT_PASS);
    assert_int_equal(addr_ip4(&d.from), 0x01020304);
    assert_memory_equal(bytes, wanted, MESSAGE);
    write_error(bytes, "6.6.6.6:1", "192.168.0.9:99"); /* nobody's */
    d = error_datagram(bytes, MESSAGE, "192.168.0.9", "6.6.6.6");
    assert_int_equal(nat_outbound(lab.nat, 2, &d), NAT_DROP_ICMP_UNMATCHED);
    assert_int_equal(lab_count(&lab, 3, "mappings_made"), 1);
    lab_close(&lab);
}

/* RFC 5508 REQ-7. */
static void an_error_between_two_inside_hosts_turns_round(void **state)
{
    (void)state;
    struct lab lab = lab_open("filtering: eif; hairpin: external");
    uint8_t bytes[MESSAGE], wanted[MESSAGE];
    lab_out(&lab, 0, A, Y1);
    assert_string_equal(lab_out(&lab, 1, "192.168.0.3:4321", "1.2.3.4:1234"), "1.2.3.4:4321 > " A);
    write_error(bytes, "1.2.3.4:4321", A); /* A refuses what it got */
    write_error(wanted, "192.168.0.3:4321", "1.2.3.4:1234");
    struct nat_datagram d = error_datagram(bytes, MESSAGE, "192.168.0.2", "1.2.3.4");
    assert_int_equal(nat_outbound(lab.nat, 2, &d), NAT_HAIRPIN);
    assert_int_equal(addr_ip4(&d.to), 0xc0a80003);
    assert_memory_equal(bytes, wanted, MESSAGE);
    lab_close(&lab);
}

static void errors_can_be_switched_off(void **state)
{
    (void)state;
    struct lab lab = lab_open("icmp_errors: off");
    uint8_t bytes[MESSAGE];
    lab_out(&lab, 0, A, Y1);
    write_error(bytes, "1.2.3.4:1234", Y1);
    struct nat_datagram d = error_datagram(bytes, MESSAGE, "77.7.7.7", "1.2.3.4");
    assert_int_equal(nat_inbound(lab.nat, 1, &d), NAT_DROP_ICMP_UNMATCHED);
    lab_close(&lab);
}

/* RFC 5508 REQ-1, REQ-2: an echo's identifier is mapped like a port, 60 s. */
static void a_query_is_answered_by_its_identifier(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: preserve");
    uint8_t request[8] = {8}, reply[8] = {0};
    struct nat_datagram d = error_datagram(request, 8, "192.168.0.2:777", "5.6.7.8:0");
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
    d = error_datagram(reply, 8, "5.6.7.8:0", "1.2.3.4:777");
    assert_int_equal(nat_inbound(lab.nat, 1, &d), NAT_PASS);
    assert_int_equal(addr_ip4(&d.to), 0xc0a80002);
    assert_int_equal(lab_count(&lab, SEC(60) - 1, "mappings"), 1);
    assert_int_equal(lab_count(&lab, SEC(60), "mappings"), 0);
    lab_close(&lab);
}

/* ---- what the box says itself ---- */

static void a_dead_packet_is_reported_to_its_sender(void **state)
{
    (void)state;
    struct lab lab = lab_open("unsolicited_reply: icmp_3_3");
    struct nat_datagram d = lab_datagram(lab_addr(A), lab_addr(Y1)), icmp;
    enum nat_side side;
    d.ttl = 1;
    nat_outbound(lab.nat, 0, &d);
    assert_true(nat_output(lab.nat, &icmp, &side));
    assert_int_equal(side, NAT_INSIDE);
    assert_int_equal(icmp.bytes[0] << 8 | icmp.bytes[1], 11 << 8 | 0);
    assert_int_equal(addr_ip4(&icmp.to), 0xc0a80002);
    assert_true(sums_up(icmp.bytes, icmp.length) && sums_up(icmp.bytes + 8, 20));
    lab_in(&lab, 1, Y1, "1.2.3.4:1234");
    assert_true(nat_output(lab.nat, &icmp, &side));
    assert_int_equal(side, NAT_OUTSIDE);
    assert_int_equal(icmp.bytes[0] << 8 | icmp.bytes[1], 3 << 8 | 3);
    assert_int_equal(addr_ip4(&icmp.to), 0x05060708);
    assert_int_equal(addr_ip4(&icmp.from), 0x01020304);
    struct addr gateway = lab_addr("192.168.0.1");
    nat_set_gateway(lab.nat, &gateway);
    d.ttl = 1;
    nat_outbound(lab.nat, 1, &d);
    assert_true(nat_output(lab.nat, &icmp, &side));
    assert_true(addr_equal(&icmp.from, &gateway));
    lab_in(&lab, 2, Y1, "1.2.3.4:1234"); /* undrained output is lost with the next call */
    lab_count(&lab, 3, "mappings");
    assert_false(nat_output(lab.nat, &icmp, &side));
    lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_reaches_the_host_and_the_mapping_survives),
        cmocka_unit_test(an_error_about_a_foreign_datagram_is_not_passed),
        cmocka_unit_test(a_broken_error_is_dropped),
        cmocka_unit_test(a_damaged_error_is_dropped),
        cmocka_unit_test(ip_options_are_stepped_over),
        cmocka_unit_test(an_embedded_udp_checksum_is_adjusted),
        cmocka_unit_test(an_error_from_inside_leaves_with_external_addresses),
        cmocka_unit_test(an_error_between_two_inside_hosts_turns_round),
        cmocka_unit_test(errors_can_be_switched_off),
        cmocka_unit_test(a_query_is_answered_by_its_identifier),
        cmocka_unit_test(a_dead_packet_is_reported_to_its_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
