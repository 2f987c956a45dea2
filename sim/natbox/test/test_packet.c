/* test_packet.c: packets are read and written back as routers must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sim/draw.h"
#include "sim/natbox/packet.h"
#include "sim/natbox/segment.h"

/* The checksum the slow way: every word into a 64-bit sum, folded once (RFC 1071). */
static uint32_t naive_sum(const uint8_t *bytes, uint32_t length)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum += i % 2 ? bytes[i] : (uint64_t)bytes[i] << 8;
    return (uint32_t)(sum % 0xffff ? sum % 0xffff : sum ? 0xffff : 0);
}

static uint32_t get16(const uint8_t *at)
{
    return at[0] * 256u + at[1];
}

/* Does the transport checksum of this IPv4 packet hold? */
static bool v4_transport_holds(const uint8_t *p)
{
    uint32_t header = (p[0] & 15u) * 4, length = get16(p + 2) - header;
    uint64_t sum = naive_sum(p + header, length);
    if (p[9] != NAT_ICMP)
        sum += (uint64_t)naive_sum(p + 12, 8) + p[9] + length;
    return sum % 0xffff == 0;
}

static bool v4_header_holds(const uint8_t *p)
{
    return naive_sum(p, (p[0] & 15u) * 4) % 0xffff == 0;
}

/* RFC 1071, section 3: the words 0001 f203 f4f5 f6f7 sum to ddf2, so the checksum is 220d. */
static void the_checksum_is_that_of_rfc_1071(void **state)
{
    static const uint8_t words[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    (void)state;
    assert_int_equal(packet_checksum(0, words, sizeof words), 0x220d);
}

/* An IPv4 packet of UDP with `options` words of options: right in every field. */
static uint32_t make_udp(uint8_t *p, uint32_t options, uint32_t payload, uint64_t seed)
{
    uint32_t header = 20 + 4 * options, total = header + 8 + payload;
    memset(p, 0, total);
    p[0] = (uint8_t)(0x40 | header / 4);
    p[1] = 0xb8; /* DSCP EF */
    p[2] = (uint8_t)(total >> 8);
    p[3] = (uint8_t)total;
    p[6] = 0x40;
    p[8] = 64;
    p[9] = NAT_UDP;
    memcpy(p + 12, (uint8_t[]){192, 168, 1, 2, 198, 18, 0, 2}, 8);
    memset(p + 20, 1, 4 * options); /* NOP */
    memcpy(p + header,
           (uint8_t[]){0x30, 0x39, 0, 53, (uint8_t)((8 + payload) >> 8), (uint8_t)(8 + payload)},
           6);
    draw_fill(seed, payload, DRAW_WORK_BYTES, p + header + 8, payload);
    uint32_t sum = naive_sum(p, header);
    p[10] = (uint8_t)(~sum >> 8);
    p[11] = (uint8_t)~sum;
    packet_sum(p, total);
    return total;
}

static void translate(struct packet *p)
{
    p->datagram.from = addr_v4(0xc6120001, 40000);
    p->datagram.ttl--;
}

static void a_rewritten_packet_is_right_in_every_checksum(void **state)
{
    uint8_t in[2000], out[PACKET_ROOM];
    (void)state;
    for (uint32_t i = 0; i < 400; i++) {
        struct packet p;
        uint32_t length = make_udp(in, i % 3, i * 3 % 1400, i);
        assert_true(v4_header_holds(in) && v4_transport_holds(in));
        assert_null(packet_read(&p, NAT_INSIDE, in, length));
        assert_int_equal(p.datagram.from.port, 12345);
        assert_int_equal(p.datagram.length, i * 3 % 1400);
        translate(&p);
        assert_int_equal(packet_write(&p, NAT_INSIDE, out), length);
        assert_true(v4_header_holds(out) && v4_transport_holds(out));
        assert_int_equal(out[1], 0xb8);
        assert_int_equal(out[8], 63);
        assert_memory_equal(out + 12, ((uint8_t[]){198, 18, 0, 1, 198, 18, 0, 2}), 8);
        assert_int_equal(get16(out + p.transport), 40000);
        assert_memory_equal(out + p.transport + 8, in + p.transport + 8, p.datagram.length);
    }
}

/* RFC 3022, 4.1 and RFC 768: a router repairs no checksum, and none stays none. */
static void a_wrong_checksum_stays_wrong_and_none_stays_none(void **state)
{
    uint8_t in[200], out[PACKET_ROOM];
    struct packet p;
    (void)state;
    uint32_t length = make_udp(in, 0, 100, 1);
    in[60] ^= 1;
    assert_null(packet_read(&p, NAT_INSIDE, in, length));
    translate(&p);
    (void)packet_write(&p, NAT_INSIDE, out);
    assert_true(v4_header_holds(out));
    assert_false(v4_transport_holds(out));

    in[26] = in[27] = 0;
    assert_null(packet_read(&p, NAT_INSIDE, in, length));
    translate(&p);
    (void)packet_write(&p, NAT_INSIDE, out);
    assert_int_equal(get16(out + 26), 0);
}

static void an_echo_request_carries_the_identifier_that_it_was_given(void **state)
{
    uint8_t in[28] = {0x45, 0, 0, 28, 0, 7, 0, 0, 64, NAT_ICMP}, out[PACKET_ROOM];
    struct packet p;
    (void)state;
    memcpy(in + 12, (uint8_t[]){192, 168, 1, 2, 198, 18, 0, 2, 8, 0, 0, 0, 0x12, 0x34, 0, 1}, 16);
    uint32_t sum = naive_sum(in, 20);
    in[10] = (uint8_t)(~sum >> 8);
    in[11] = (uint8_t)~sum;
    assert_null(packet_read(&p, NAT_INSIDE, in, sizeof in));
    assert_int_equal(p.datagram.from.port, 0x1234);
    p.datagram.from = addr_v4(0xc6120001, 0x4321);
    assert_int_equal(packet_write(&p, NAT_INSIDE, out), 28);
    assert_int_equal(get16(out + 24), 0x4321);
    assert_true(v4_header_holds(out) && v4_transport_holds(out));
}

static void what_is_no_packet_is_refused(void **state)
{
    uint8_t in[200];
    struct packet p;
    (void)state;
    uint32_t length = make_udp(in, 0, 100, 1);
    for (uint32_t cut = 0; cut < length; cut++)
        assert_non_null(packet_read(&p, NAT_INSIDE, in, cut));
    in[8]--; /* the header's checksum no longer holds */
    assert_string_equal(packet_read(&p, NAT_INSIDE, in, length), "checksum");
    in[0] = 0x55;
    assert_string_equal(packet_read(&p, NAT_INSIDE, in, length), "version");
}

/* NAT64: the same payload, the other family, and a checksum that holds there. */
static void a_packet_may_change_its_family(void **state)
{
    uint8_t in[400], out[PACKET_ROOM];
    uint8_t six[16] = {0x20, 1, 0xd, 0xb8, [15] = 9}, host[16] = {0x20, 1, 0xd, 0xb8, 1, [15] = 2};
    struct packet p;
    (void)state;
    uint32_t length = make_udp(in, 2, 300, 5);
    assert_null(packet_read(&p, NAT_OUTSIDE, in, length));
    p.datagram.from = addr_v6(six, 53);
    p.datagram.to = addr_v6(host, 4444);
    assert_int_equal(packet_write(&p, NAT_OUTSIDE, out), 40 + 8 + 300);
    assert_int_equal(out[0] >> 4, 6);
    assert_int_equal(out[6], NAT_UDP);
    assert_int_equal(get16(out + 4), 308);
    /* RFC 8200, 8.1 */
    uint64_t sum = (uint64_t)naive_sum(out + 8, 32) + 308 + NAT_UDP + naive_sum(out + 40, 308);
    assert_int_equal(sum % 0xffff, 0);
}

/* ---- segments ---- */

#define PAYLOAD 3000u
#define SEGMENT 1448u

struct cuts {
    uint32_t count, bytes, sequence;
    uint8_t flags[8], payload[PAYLOAD];
};

static void add_cut(void *data, uint8_t *p, uint32_t length)
{
    struct cuts *c = data;
    packet_sum(p, length);
    assert_int_equal(get16(p + 2), length);
    assert_true(v4_header_holds(p) && v4_transport_holds(p));
    assert_int_equal(get16(p + 20 + 4) * 65536u + get16(p + 20 + 6), c->sequence + c->bytes);
    memcpy(c->payload + c->bytes, p + 52, length - 52);
    c->bytes += length - 52;
    c->flags[c->count++] = p[20 + 13];
}

/* What a card does with a large segment: sequence numbers go on, FIN and PSH come last. */
static void a_large_segment_is_cut_as_a_card_would(void **state)
{
    static uint8_t in[52 + PAYLOAD] = {0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, NAT_TCP};
    struct cuts c = {.sequence = 0xfffffff0u};
    (void)state;
    memcpy(in + 12, (uint8_t[]){192, 168, 1, 2, 198, 18, 0, 2}, 8);
    memcpy(in + 24, (uint8_t[]){0xff, 0xff, 0xff, 0xf0}, 4);
    in[32] = 8 << 4; /* twelve bytes of options */
    in[33] = 0x19;   /* ACK PSH FIN */
    memset(in + 40, 1, 12);
    draw_fill(1, 0, DRAW_WORK_BYTES, in + 52, PAYLOAD);
    assert_int_equal(segment_cut(in, sizeof in, SEGMENT, add_cut, &c), 0);
    assert_int_equal(c.count, 3);
    assert_int_equal(c.bytes, PAYLOAD);
    assert_memory_equal(c.payload, in + 52, PAYLOAD);
    assert_int_equal(c.flags[0], 0x10);
    assert_int_equal(c.flags[1], 0x10);
    assert_int_equal(c.flags[2], 0x19);
    assert_int_equal(segment_cut(in, 30, SEGMENT, add_cut, &c), -1);
    assert_int_equal(segment_cut(in, sizeof in, 0, add_cut, &c), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_that_of_rfc_1071),
        cmocka_unit_test(a_rewritten_packet_is_right_in_every_checksum),
        cmocka_unit_test(a_wrong_checksum_stays_wrong_and_none_stays_none),
        cmocka_unit_test(an_echo_request_carries_the_identifier_that_it_was_given),
        cmocka_unit_test(what_is_no_packet_is_refused),
        cmocka_unit_test(a_packet_may_change_its_family),
        cmocka_unit_test(a_large_segment_is_cut_as_a_card_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
