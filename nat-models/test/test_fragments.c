/* Datagrams in pieces, datagrams too big, and addresses in payloads: RFC 4787
 * sections 10, 11 and 12. */
#include "nat-models/test/lab.h"

#define A    "192.168.0.2:1234"
#define Y1   "5.6.7.8:1000"
#define SEEN "1.2.3.4:1234"

#define HEADER 8    /* of UDP */
#define FULL   1472 /* payload of UDP in a packet of 1,500 bytes: less 20 and 8 */

static uint8_t payload[4000]; /* counts up */

static void fill(uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
}

/* The piece of a datagram of `all` payload bytes, whose IP payload is [start, end); its
 * bytes are the payload's first ones. */
static struct nat_datagram any_piece(const char *from, const char *to, uint32_t start, uint32_t end,
                                     uint32_t all)
{
    struct nat_datagram d = lab_datagram(lab_addr(from), lab_addr(to));
    fill(payload, sizeof payload);
    d.fragment =
        (struct nat_fragment){.id = 7, .offset = (uint16_t)start, .more = end < HEADER + all};
    d.length = end - (start == 0 ? HEADER : start);
    d.bytes = payload;
    if (start != 0)
        d.from.port = d.to.port = 0;
    return d;
}

/* The same, with the bytes that belong there. */
static struct nat_datagram piece(const char *from, const char *to, uint32_t start, uint32_t end,
                                 uint32_t all)
{
    struct nat_datagram d = any_piece(from, to, start, end, all);
    if (start != 0)
        d.bytes = payload + start - HEADER;
    return d;
}

static struct nat_datagram whole(const char *from, const char *to, uint32_t length)
{
    struct nat_datagram d = lab_datagram(lab_addr(from), lab_addr(to));
    fill(payload, sizeof payload);
    d.bytes = payload;
    d.length = length;
    return d;
}

static enum nat_verdict send_piece(struct lab *lab, mist_time t, bool out, uint32_t start,
                                   uint32_t end, uint32_t all)
{
    struct nat_datagram d = out ? piece(A, Y1, start, end, all) : piece(Y1, SEEN, start, end, all);
    return out ? nat_outbound(lab->nat, t, &d) : nat_inbound(lab->nat, t, &d);
}

/* The box sends one datagram and nothing more: from, to and this payload. */
static void expect_output(struct lab *lab, enum nat_side side, const char *from, const char *to,
                          uint32_t length)
{
    struct nat_datagram d;
    enum nat_side towards;
    char text[ADDR_TEXT];
    assert_true(nat_output(lab->nat, &d, &towards));
    assert_int_equal(towards, side);
    assert_string_equal(addr_format(&d.from, text), from);
    assert_string_equal(addr_format(&d.to, text), to);
    assert_int_equal(d.length, length);
    fill(payload, sizeof payload);
    assert_memory_equal(d.bytes, payload, length);
    assert_false(d.fragment.more || d.fragment.offset != 0);
    assert_false(nat_output(lab->nat, &d, &towards));
}

static bool is_silent(struct lab *lab)
{
    struct nat_datagram d;
    enum nat_side side;
    return !nat_output(lab->nat, &d, &side);
}

/* ---- fragments: reassemble ---- */

static const uint32_t cuts[] = {0, 1480, 2960, 3008}; /* of 3,000 bytes of payload */

/* REQ-14: in and out of order. */
static void pieces_in_any_order_leave_as_one_datagram(void **state)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    (void)state;
    for (int order = 0; order < 6; order++) {
        struct lab lab = lab_open("");
        for (int out = 1; out >= 0; out--) {
            for (int i = 0; i < 3; i++) {
                int k = orders[order][i];
                assert_true(is_silent(&lab));
                assert_int_equal(send_piece(&lab, SEC(1), out, cuts[k], cuts[k + 1], 3000),
                                 NAT_DROP_KEPT);
            }
            if (out)
                expect_output(&lab, NAT_OUTSIDE, SEEN, Y1, 3000);
            else
                expect_output(&lab, NAT_INSIDE, Y1, A, 3000);
        }
        assert_int_equal(lab_count(&lab, SEC(1), "mappings_made"), 1);
        lab_close(&lab);
    }
}

static void a_whole_that_is_refused_counts_as_refused(void **state)
{
    (void)state;
    struct lab lab = lab_open("");
    assert_int_equal(send_piece(&lab, 0, false, 1480, 2008, 2000), NAT_DROP_KEPT);
    assert_int_equal(send_piece(&lab, 0, false, 0, 1480, 2000), NAT_DROP_NO_MAPPING);
    assert_true(is_silent(&lab));
    assert_int_equal(lab_count(&lab, 0, "dropped_no_mapping"), 1);
    assert_int_equal(lab_count(&lab, 0, "dropped_kept"), 1);
    lab_close(&lab);
}

/* Two homes' hosts under one box. */
static void pieces_for_an_own_address_turn_round(void **state)
{
    (void)state;
    struct lab lab = lab_open("filtering: eif; hairpin: external");
    assert_string_equal(lab_out(&lab, 0, "192.168.0.3:2005", Y1), "1.2.3.4:2005");
    struct nat_datagram d = piece(A, "1.2.3.4:2005", 1480, 2008, 2000);
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_DROP_KEPT);
    d = piece(A, "1.2.3.4:2005", 0, 1480, 2000);
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_DROP_KEPT);
    expect_output(&lab, NAT_INSIDE, SEEN, "192.168.0.3:2005", 2000);
    lab_close(&lab);
}

static void pieces_wait_for_the_others_2_s(void **state)
{
    (void)state;
    for (mist_time late = 0; late < 2; late++) {
        struct lab lab = lab_open("");
        assert_int_equal(send_piece(&lab, 0, true, 1480, 2008, 2000), NAT_DROP_KEPT);
        assert_int_equal(send_piece(&lab, SEC(2) - 1 + late, true, 0, 1480, 2000), NAT_DROP_KEPT);
        if (late)
            assert_true(is_silent(&lab));
        else
            expect_output(&lab, NAT_OUTSIDE, SEEN, Y1, 2000);
        lab_close(&lab);
    }
}

/* REQ-14a */
static void a_flood_of_pieces_is_bounded_and_harms_no_whole_datagram(void **state)
{
    (void)state;
    struct lab lab = lab_open("");
    uint32_t kept = 0;
    for (uint32_t id = 0; id < 60000; id++) {
        struct nat_datagram d = piece(A, Y1, 1480, 2008, 2000);
        d.fragment.id = (uint16_t)id;
        kept += nat_outbound(lab.nat, 0, &d) == NAT_DROP_KEPT;
    }
    assert_true(kept >= 1 && kept <= 64);
    assert_int_equal(lab_count(&lab, 0, "dropped_fragment"), 60000 - kept);
    assert_string_equal(lab_out(&lab, 0, A, Y1), SEEN);
    assert_int_equal(send_piece(&lab, SEC(2), true, 1480, 2008, 2000), NAT_DROP_KEPT);
    assert_int_equal(send_piece(&lab, SEC(2), true, 0, 1480, 2000), NAT_DROP_KEPT);
    expect_output(&lab, NAT_OUTSIDE, SEEN, Y1, 2000);
    lab_close(&lab);
}

struct stretch {
    uint32_t start, end, all;
};

static void pieces_that_contradict_one_another_are_refused(void **state)
{
    static const struct stretch cases[][2] = {
        {{0, 64, 500}, {56, 128, 500}},   /* they overlap */
        {{0, 64, 500}, {8, 24, 16}},      /* its end lies before the end of another */
        {{64, 128, 120}, {128, 136, 500}} /* behind the end */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lab lab = lab_open("");
        const struct stretch *a = &cases[i][0], *b = &cases[i][1];
        assert_int_equal(send_piece(&lab, 0, true, a->start, a->end, a->all), NAT_DROP_KEPT);
        assert_int_equal(send_piece(&lab, 0, true, b->start, b->end, b->all), NAT_DROP_FRAGMENT);
        assert_int_equal(lab_count(&lab, 0, "mappings_made"), 0);
        lab_close(&lab);
    }
}

static void a_piece_that_comes_twice_is_taken_once(void **state)
{
    (void)state;
    struct lab lab = lab_open("");
    for (int i = 0; i < 2; i++)
        assert_int_equal(send_piece(&lab, 0, true, 0, 1480, 2000), NAT_DROP_KEPT);
    assert_true(is_silent(&lab));
    assert_int_equal(send_piece(&lab, 0, true, 1480, 2008, 2000), NAT_DROP_KEPT);
    expect_output(&lab, NAT_OUTSIDE, SEEN, Y1, 2000);
    lab_close(&lab);
}

static void pieces_that_no_packet_has_are_refused(void **state)
{
    static const struct stretch cases[] = {
        {4, 64, 500},          /* no multiple of 8 */
        {0, 61, 500},          /* others follow, but it ends within 8 bytes */
        {64, 64, 56},          /* nothing in it */
        {65512, 65520, 65512}, /* beyond the largest packet */
    };
    (void)state;
    struct lab lab = lab_open("");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nat_datagram d = any_piece(A, Y1, cases[i].start, cases[i].end, cases[i].all);
        assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_DROP_FRAGMENT);
    }
    lab_close(&lab);
}

/* ---- fragments: in_order_only and drop ---- */

static void later_pieces_follow_the_first(void **state)
{
    char text[ADDR_TEXT];
    (void)state;
    struct lab lab = lab_open("fragments: in_order_only");
    assert_int_equal(send_piece(&lab, 0, true, 1480, 2008, 2000), NAT_DROP_FRAGMENT);
    struct nat_datagram d = piece(A, Y1, 0, 1480, 2000);
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
    assert_string_equal(addr_format(&d.from, text), SEEN);
    assert_true(d.fragment.more);
    d = piece(A, Y1, 1480, 2008, 2000);
    assert_int_equal(nat_outbound(lab.nat, SEC(2) - 1, &d), NAT_PASS);
    assert_string_equal(addr_format(&d.from, text), "1.2.3.4:0");
    assert_string_equal(addr_format(&d.to, text), "5.6.7.8:0");
    assert_int_equal(d.fragment.offset, 1480);
    assert_int_equal(d.ttl, 63);
    assert_int_equal(send_piece(&lab, SEC(2), true, 1480, 2008, 2000), NAT_DROP_FRAGMENT);
    d = piece(Y1, SEEN, 0, 1480, 2000);
    assert_int_equal(nat_inbound(lab.nat, SEC(3), &d), NAT_PASS);
    d = piece(Y1, SEEN, 1480, 2008, 2000);
    assert_int_equal(nat_inbound(lab.nat, SEC(3), &d), NAT_PASS);
    assert_string_equal(addr_format(&d.to, text), "192.168.0.2:0");
    lab_close(&lab);
}

static void a_later_piece_is_one_hop_older_too(void **state)
{
    (void)state;
    struct lab lab = lab_open("fragments: in_order_only");
    assert_int_equal(send_piece(&lab, 0, true, 0, 1480, 2000), NAT_PASS);
    for (uint8_t ttl = 1; ttl <= 2; ttl++) {
        struct nat_datagram d = piece(A, Y1, 1480, 2008, 2000);
        d.ttl = ttl;
        assert_int_equal(nat_outbound(lab.nat, 0, &d), ttl == 1 ? NAT_DROP_TTL : NAT_PASS);
    }
    lab_close(&lab);
}

/* RFC 791: the pieces of a piece keep its number, and others still follow. */
static void a_piece_that_is_too_big_is_cut_further(void **state)
{
    (void)state;
    struct lab lab = lab_open("fragments: in_order_only; mtu: 1000");
    struct nat_datagram d = piece(A, Y1, 0, 1480, 2000), rest;
    enum nat_side side;
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
    assert_int_equal(d.fragment.id, 7);
    assert_int_equal(d.length, 976 - HEADER);
    assert_true(nat_output(lab.nat, &rest, &side));
    assert_int_equal(rest.fragment.id, 7);
    assert_int_equal(rest.fragment.offset, 976);
    assert_int_equal(rest.length, 1480 - 976);
    assert_true(rest.fragment.more);
    assert_true(is_silent(&lab));
    d = piece(A, Y1, 1480, 2496, 2488);
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
    assert_int_equal(d.fragment.offset, 1480);
    assert_int_equal(d.length, 976); /* no transport header in it */
    assert_true(nat_output(lab.nat, &rest, &side));
    assert_int_equal(rest.length, 2496 - 1480 - 976);
    assert_false(rest.fragment.more);
    lab_close(&lab);
}

/* Its header has 20 bytes, all of which are in the first piece. */
static void tcp_in_pieces_is_made_whole_behind_its_header(void **state)
{
    static const struct stretch pieces[] = {{0, 1480, 0}, {1480, 1500, 0}};
    (void)state;
    struct lab lab = lab_open("");
    for (int i = 0; i < 2; i++) {
        struct nat_datagram d = lab_datagram(lab_addr(A), lab_addr(Y1));
        fill(payload, sizeof payload);
        d.protocol = NAT_TCP;
        d.fragment =
            (struct nat_fragment){.id = 3, .offset = (uint16_t)pieces[i].start, .more = i == 0};
        d.bytes = payload + (i ? 1480 - 20 : 0);
        d.length = pieces[i].end - (i ? 1480 : 20);
        if (i)
            d.from.port = d.to.port = 0;
        assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_DROP_KEPT);
    }
    expect_output(&lab, NAT_OUTSIDE, SEEN, Y1, 1480);
    lab_close(&lab);
}

static void pieces_of_a_refused_first_are_refused(void **state)
{
    (void)state;
    struct lab lab = lab_open("fragments: in_order_only");
    assert_int_equal(send_piece(&lab, 0, false, 0, 1480, 2000), NAT_DROP_NO_MAPPING);
    assert_int_equal(send_piece(&lab, 0, false, 1480, 2008, 2000), NAT_DROP_FRAGMENT);
    lab_close(&lab);
}

static void a_box_may_drop_all_pieces(void **state)
{
    (void)state;
    struct lab lab = lab_open("fragments: drop");
    assert_int_equal(send_piece(&lab, 0, true, 0, 1480, 2000), NAT_DROP_FRAGMENT);
    assert_int_equal(send_piece(&lab, 0, true, 1480, 2008, 2000), NAT_DROP_FRAGMENT);
    assert_int_equal(lab_count(&lab, 0, "dropped_fragment"), 2);
    lab_close(&lab);
}

/* Ports are nothing to it. */
static void a_one_to_one_box_passes_pieces_by_their_addresses(void **state)
{
    char text[ADDR_TEXT];
    (void)state;
    struct lab lab = lab_open("kind: one_to_one");
    struct nat_datagram d = piece(A, Y1, 1480, 2008, 2000);
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
    assert_string_equal(addr_format(&d.from, text), "1.2.3.4:0");
    lab_close(&lab);
}

/* ---- mtu and df_too_big ---- */

/* REQ-13: what must not be cut is reported, with the next link's size (RFC 1191). */
static void a_datagram_that_must_not_be_cut_is_reported(void **state)
{
    static const char *const boxes[] = {"mtu: 1500", "mtu: 1500; df_too_big: drop"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct lab lab = lab_open(boxes[i]);
        struct nat_datagram d = whole(A, Y1, FULL), answer;
        enum nat_side side;
        d.fragment.forbidden = true;
        assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
        d = whole("192.168.0.2:99", Y1, FULL + 1);
        d.fragment.forbidden = true;
        assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_DROP_TOO_BIG);
        assert_int_equal(lab_count(&lab, 0, "mappings_made"), 1);
        d = whole("192.168.0.2:99", Y1, FULL + 1);
        d.fragment.forbidden = true;
        nat_outbound(lab.nat, 0, &d);
        assert_int_equal(nat_output(lab.nat, &answer, &side), i == 0);
        if (i == 0) {
            assert_int_equal(side, NAT_INSIDE);
            assert_int_equal(answer.bytes[0], 3);
            assert_int_equal(answer.bytes[1], 4);
            assert_int_equal(answer.bytes[6] * 256 + answer.bytes[7], 1500);
        }
        lab_close(&lab);
    }
}

/* REQ-13a: what may be cut is cut, and another box makes it whole again. */
static void a_datagram_that_may_be_cut_is_cut(void **state)
{
    char text[ADDR_TEXT];
    (void)state;
    for (int forbidden = 0; forbidden < 2; forbidden++) {
        struct lab lab = lab_open(forbidden ? "mtu: 1500; df_too_big: fragment" : "mtu: 1500");
        struct lab next = lab_open("kind: firewall");
        struct nat_datagram d = whole(A, Y1, 2000), rest;
        enum nat_side side;
        d.fragment.forbidden = forbidden;
        assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
        assert_int_equal(d.length, FULL);
        assert_true(d.fragment.more);
        assert_string_equal(addr_format(&d.from, text), SEEN);
        assert_true(nat_output(lab.nat, &rest, &side));
        assert_int_equal(side, NAT_OUTSIDE);
        assert_int_equal(rest.fragment.offset, HEADER + FULL);
        assert_int_equal(rest.fragment.id, d.fragment.id);
        assert_int_equal(rest.length, 2000 - FULL);
        assert_false(rest.fragment.more);
        assert_int_equal(nat_outbound(next.nat, 0, &rest), NAT_DROP_KEPT);
        assert_int_equal(nat_outbound(next.nat, 0, &d), NAT_DROP_KEPT);
        expect_output(&next, NAT_OUTSIDE, SEEN, Y1, 2000);
        lab_close(&lab);
        lab_close(&next);
    }
}

static void a_reassembled_datagram_is_cut_again_for_the_link(void **state)
{
    (void)state;
    struct lab lab = lab_open("mtu: 1000");
    struct nat_datagram d;
    enum nat_side side;
    uint32_t bytes = 0, pieces = 0;
    send_piece(&lab, 0, true, 1480, 2008, 2000);
    send_piece(&lab, 0, true, 0, 1480, 2000);
    for (; nat_output(lab.nat, &d, &side); pieces++) {
        assert_int_equal(d.fragment.offset, pieces * 976); /* the multiple of 8 below 980 */
        assert_int_equal(d.fragment.more, pieces < 2);
        fill(payload, sizeof payload);
        assert_memory_equal(d.bytes, payload + bytes, d.length);
        bytes += d.length;
    }
    assert_int_equal(pieces, 3);
    assert_int_equal(bytes, 2000);
    lab_close(&lab);
}

/* ---- alg ---- */

static void an_alg_rewrites_the_inside_address_wherever_it_stands(void **state)
{
    static const uint8_t said[] = {1,   192, 168, 0, 2,   192, 168, 0, 2,
                                   192, 168, 0,   3, 192, 168, 0,   2};
    static const uint8_t heard[] = {1, 1, 2, 3, 4, 1, 2, 3, 4, 192, 168, 0, 3, 1, 2, 3, 4};
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct lab lab = lab_open(on ? "alg: rewrite" : "");
        uint8_t bytes[sizeof said];
        memcpy(bytes, said, sizeof said);
        struct nat_datagram d = lab_datagram(lab_addr(A), lab_addr(Y1));
        d.bytes = bytes;
        d.length = sizeof bytes;
        assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
        assert_memory_equal(d.bytes, on ? heard : said, sizeof said);
        assert_memory_equal(bytes, said, sizeof said); /* the caller's own stay */
        lab_close(&lab);
    }
}

/* The second box of a chain gets the first one's bytes. */
static void two_algs_rewrite_one_after_the_other(void **state)
{
    struct addr inner = lab_addr("192.168.0.1"), outer = lab_addr("1.2.3.4");
    struct nat_policy policy = lab_policy("alg: rewrite");
    struct nat_slab *slab = nat_slab_open();
    struct nat *home = nat_init(malloc(nat_size(1)), slab, &policy, 1, &inner, 1);
    struct nat *cgn = nat_init(malloc(nat_size(1)), slab, &policy, 1, &outer, 1);
    uint8_t bytes[] = {192, 168, 0, 2, 77};
    (void)state;
    struct nat_datagram d = lab_datagram(lab_addr(A), lab_addr(Y1));
    d.bytes = bytes;
    d.length = sizeof bytes;
    assert_int_equal(nat_outbound(home, 0, &d), NAT_PASS);
    assert_memory_equal(d.bytes, ((uint8_t[]){192, 168, 0, 1, 77}), 5);
    assert_int_equal(nat_outbound(cgn, 0, &d), NAT_PASS);
    assert_memory_equal(d.bytes, ((uint8_t[]){1, 2, 3, 4, 77}), 5);
    nat_close(home);
    nat_close(cgn);
    free(home);
    free(cgn);
    nat_slab_close(slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_in_any_order_leave_as_one_datagram),
        cmocka_unit_test(a_whole_that_is_refused_counts_as_refused),
        cmocka_unit_test(pieces_for_an_own_address_turn_round),
        cmocka_unit_test(pieces_wait_for_the_others_2_s),
        cmocka_unit_test(a_flood_of_pieces_is_bounded_and_harms_no_whole_datagram),
        cmocka_unit_test(pieces_that_contradict_one_another_are_refused),
        cmocka_unit_test(a_piece_that_comes_twice_is_taken_once),
        cmocka_unit_test(pieces_that_no_packet_has_are_refused),
        cmocka_unit_test(later_pieces_follow_the_first),
        cmocka_unit_test(a_later_piece_is_one_hop_older_too),
        cmocka_unit_test(a_piece_that_is_too_big_is_cut_further),
        cmocka_unit_test(tcp_in_pieces_is_made_whole_behind_its_header),
        cmocka_unit_test(pieces_of_a_refused_first_are_refused),
        cmocka_unit_test(a_box_may_drop_all_pieces),
        cmocka_unit_test(a_one_to_one_box_passes_pieces_by_their_addresses),
        cmocka_unit_test(a_datagram_that_must_not_be_cut_is_reported),
        cmocka_unit_test(a_datagram_that_may_be_cut_is_cut),
        cmocka_unit_test(a_reassembled_datagram_is_cut_again_for_the_link),
        cmocka_unit_test(an_alg_rewrites_the_inside_address_wherever_it_stands),
        cmocka_unit_test(two_algs_rewrite_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
