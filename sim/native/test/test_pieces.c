/* test_pieces.c: datagrams cut and put together; the sizes by RFC 791, 3.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/native/pieces.h"

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

static uint8_t content[UINT16_MAX];

static struct datagram datagram_of(uint16_t id, uint16_t length)
{
    for (uint32_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)(i * 31 + i / 251);
    return (struct datagram){.from = addr_v4(0x01020304, 1000),
                             .to = addr_v4(0x05060708, 2000),
                             .fragment.id = id,
                             .ttl = 60,
                             .length = length,
                             .bytes = content};
}

/* MTU 576: 552 bytes behind the header, the largest multiple of 8 up to 556. */
static void pieces_fill_the_line_but_for_units_of_eight(void **state)
{
    struct datagram d = datagram_of(7, 1000), piece;
    (void)state;
    assert_true(pieces_needed(&d, 576));
    assert_int_equal(pieces_cut(&d, 576, 0, &piece), 552);
    assert_int_equal(piece.length, 552 - 8);
    assert_int_equal(piece.fragment.offset, 0);
    assert_true(piece.fragment.more);
    assert_int_equal(piece.from.port, 1000);
    assert_int_equal(datagram_packet(&piece), 572);
    assert_int_equal(pieces_cut(&d, 576, 552, &piece), 1008);
    assert_int_equal(piece.length, 1008 - 552);
    assert_int_equal(piece.fragment.offset, 552);
    assert_false(piece.fragment.more);
    assert_int_equal(piece.from.port, 0);
    assert_ptr_equal(piece.bytes, content + 552 - 8);
    assert_int_equal(datagram_packet(&piece), 476);
}

static void what_fits_to_the_byte_is_not_cut(void **state)
{
    struct datagram d = datagram_of(7, 576 - 28);
    (void)state;
    assert_false(pieces_needed(&d, 576));
    assert_false(pieces_needed(&d, 0));
    d.length++;
    assert_true(pieces_needed(&d, 576));
}

static void nobody_cuts_ipv6_or_what_forbids_it(void **state)
{
    static const uint8_t ip[16] = {0x20, 1};
    struct datagram d = datagram_of(7, 1000);
    (void)state;
    assert_true(pieces_allowed(&d));
    d.fragment.forbidden = true;
    assert_false(pieces_allowed(&d));
    d.fragment.forbidden = false;
    d.to = addr_v6(ip, 1);
    assert_false(pieces_allowed(&d));
}

/* Cuts d for one line, and its pieces for a narrower one; returns how many. */
static uint32_t cut_twice(const struct datagram *d, uint32_t wide, uint32_t narrow,
                          struct datagram out[200])
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < datagram_payload(d);) {
        struct datagram piece;
        at = pieces_cut(d, wide, at, &piece);
        for (uint32_t inside = 0; inside < datagram_payload(&piece);)
            inside = pieces_cut(&piece, narrow, inside, &out[count++]);
    }
    return count;
}

static void shuffle(struct datagram *pieces, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)rand() % i;
        struct datagram moved = pieces[i - 1];
        pieces[i - 1] = pieces[other];
        pieces[other] = moved;
    }
}

static void pieces_come_together_in_any_order(void **state)
{
    static struct datagram pieces[200];
    (void)state;
    struct pieces *p = pieces_open();
    srand(1);
    for (uint16_t round = 0; round < 500; round++) {
        uint16_t length = (uint16_t)(600 + rand() % 8000);
        uint32_t wide = 300 + (uint32_t)rand() % 1200, narrow = 68 + (uint32_t)rand() % 200;
        struct datagram d = datagram_of(round, length), whole;
        uint32_t count = cut_twice(&d, wide, narrow, pieces);
        shuffle(pieces, count);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(datagram_packet(&pieces[i]) <= narrow);
            assert_int_equal(pieces_join(p, round, &pieces[i], &whole), i == count - 1);
        }
        assert_int_equal(whole.length, length);
        assert_memory_equal(whole.bytes, content, length);
        assert_true(addr_equal(&whole.from, &d.from) && addr_equal(&whole.to, &d.to));
        assert_int_equal(whole.ttl, 60);
        assert_false(datagram_is_piece(&whole));
    }
    pieces_close(p);
}

/* Linux, ipfrag_time: 30 s after the first piece it waits no longer. */
static void a_piece_that_comes_too_late_completes_nothing(void **state)
{
    struct datagram d = datagram_of(7, 1000), first, last, whole;
    (void)state;
    uint32_t at = pieces_cut(&d, 576, 0, &first);
    pieces_cut(&d, 576, at, &last);
    struct pieces *p = pieces_open();
    assert_false(pieces_join(p, 0, &first, &whole));
    assert_false(pieces_join(p, SEC(30), &last, &whole));
    assert_true(pieces_join(p, SEC(60) - 1, &first, &whole));
    pieces_close(p);
}

static void other_senders_and_numbers_stay_apart(void **state)
{
    struct datagram d = datagram_of(7, 1000), first, last, whole;
    (void)state;
    uint32_t at = pieces_cut(&d, 576, 0, &first);
    pieces_cut(&d, 576, at, &last);
    struct pieces *p = pieces_open();
    assert_false(pieces_join(p, 0, &first, &whole));
    last.fragment.id = 8;
    assert_false(pieces_join(p, 0, &last, &whole));
    last.fragment.id = 7;
    last.from.ip[3]++;
    assert_false(pieces_join(p, 0, &last, &whole));
    last.from.ip[3]--;
    assert_true(pieces_join(p, 0, &last, &whole));
    pieces_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_fill_the_line_but_for_units_of_eight),
        cmocka_unit_test(what_fits_to_the_byte_is_not_cut),
        cmocka_unit_test(nobody_cuts_ipv6_or_what_forbids_it),
        cmocka_unit_test(pieces_come_together_in_any_order),
        cmocka_unit_test(a_piece_that_comes_too_late_completes_nothing),
        cmocka_unit_test(other_senders_and_numbers_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
