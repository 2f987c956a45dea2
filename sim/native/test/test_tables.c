/* test_tables.c: the engine's tables: the links' counts beside a naive list, and
 * the packets' blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/draw.h"
#include "sim/native/links.h"
#include "sim/native/packets.h"
#include "stack/check.h"

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

/* 3000 links, up to 5000 datagrams in a slot (so that the table grows), 40 slots. */
static void a_link_counts_its_datagrams_in_each_slot(void **state)
{
    (void)state;
    static uint64_t count[3000];
    struct links links = {0};
    links_open(&links);
    for (uint64_t slot = 0; slot < 40; slot++) {
        memset(count, 0, sizeof count);
        for (uint64_t i = 0; i < 125 * slot; i++) {
            uint64_t link = draw_below(1, slot, (enum draw_purpose)0, i, 3000);
            mist_time now = (mist_time)slot * MS(10) + (mist_time)(i * 2000);
            uint64_t index = links_next(&links, now, draw_link((uint32_t)link, 77));
            assert_true(index == (slot << 16 | count[link]++));
        }
    }
    links_close(&links);
}

static void a_block_given_back_is_taken_again(void **state)
{
    (void)state;
    struct packets packets = {0};
    packets_open(&packets);
    for (uint32_t length = 0; length <= 65535; length = 2 * length + 1) {
        uint32_t first = packets_take(&packets, (uint16_t)length);
        uint32_t second = packets_take(&packets, (uint16_t)length);
        assert_int_not_equal(first, second);
        packets_give(&packets, first);
        assert_int_equal(packets_take(&packets, (uint16_t)length), first);
        packets_give(&packets, second);
        packets_give(&packets, first);
    }
    assert_int_equal(packets.taken, 0);
    packets_close(&packets);
}

/* Every byte of 3000 blocks of each size is its own, and stays where it was. */
static void no_two_blocks_overlap(void **state)
{
    (void)state;
    const uint16_t lengths[] = {80, 208, 464, 2000};
    static uint32_t handles[3000];
    static struct packet *places[3000];
    struct packets packets = {0};
    packets_open(&packets);
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        for (uint32_t i = 0; i < 3000; i++) {
            handles[i] = packets_take(&packets, lengths[k]);
            places[i] = packets_at(&packets, handles[i]);
            places[i]->sender = i;
            memset(places[i]->bytes, (int)i, lengths[k]);
        }
        for (uint32_t i = 0; i < 3000; i++) {
            assert_ptr_equal(packets_at(&packets, handles[i]), places[i]);
            assert_int_equal(places[i]->sender, i);
            assert_int_equal(places[i]->bytes[0], i & 0xff);
            assert_int_equal(places[i]->bytes[lengths[k] - 1], i & 0xff);
        }
        for (uint32_t i = 0; i < 3000; i += 2)
            packets_give(&packets, handles[i]);
    }
    assert_int_equal(packets.taken, 4 * 1500);
    packets_close(&packets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_counts_its_datagrams_in_each_slot),
        cmocka_unit_test(a_block_given_back_is_taken_again),
        cmocka_unit_test(no_two_blocks_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
