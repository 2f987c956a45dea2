/* test_line.c: the line delays, loses and queues as it was told, and neighbours are found. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/natbox/line.h"
#include "sim/natbox/neighbour.h"

static uint32_t take(struct line *l, mist_time now)
{
    uint32_t length = 0;
    free(line_take(l, now, &length));
    return length;
}

/* 1,500 bytes at 12 Mbit/s are 1 ms. */
static void packets_leave_at_the_lines_rate(void **state)
{
    struct line_quality q = {.delay = MS(5), .rate_bps = 12000000, .queue_bytes = 100000};
    uint8_t bytes[1500] = {0};
    (void)state;
    struct line *l = line_open(&q, 1, 0);
    for (int i = 0; i < 10; i++)
        line_put(l, 0, bytes, sizeof bytes);
    for (int i = 1; i <= 10; i++) {
        assert_int_equal(line_deadline(l), MS(5 + i));
        assert_int_equal(take(l, MS(5 + i) - 1), 0);
        assert_int_equal(take(l, MS(5 + i)), 1500);
    }
    assert_int_equal(line_deadline(l), MIST_NEVER);
    line_close(l);
}

/* One is on the line and 20 wait in 30,000 bytes; the next finds no room. */
static void a_full_queue_loses_the_last_to_come(void **state)
{
    struct line_quality q = {.rate_bps = 12000000, .queue_bytes = 30000};
    uint8_t bytes[1500] = {0};
    (void)state;
    struct line *l = line_open(&q, 1, 0);
    for (int i = 0; i < 50; i++)
        line_put(l, 0, bytes, sizeof bytes);
    assert_int_equal(line_counts(l).overflowed, 50 - 21);
    line_close(l);
}

static void losses_and_jitter_are_as_told(void **state)
{
    enum { N = 20000 };
    struct line_quality q = {.delay = MS(10), .jitter = MS(4), .loss_ppm = 50000};
    uint8_t byte = 0;
    double sum = 0;
    (void)state;
    struct line *l = line_open(&q, 7, 1);
    for (int i = 0; i < N; i++)
        line_put(l, 0, &byte, 1);
    double lost = (double)line_counts(l).lost;
    assert_true(fabs(lost - N * 0.05) < 4 * sqrt(N * 0.05 * 0.95));
    for (uint32_t length; line_deadline(l) != MIST_NEVER;) {
        mist_time at = line_deadline(l);
        assert_true(at >= MS(10) && at <= MS(14));
        sum += (double)(at - MS(10));
        free(line_take(l, at, &length));
    }
    /* Uniform: mean 2 ms, standard deviation 4 ms / sqrt(12). */
    double n = N - lost;
    assert_true(fabs(sum / n - 2e6) < 4 * 4e6 / sqrt(12 * n));
    line_close(l);
}

/* ---- neighbours ---- */

struct sent {
    uint32_t count, length[16];
    uint8_t frame[16][200];
};

static void keep_frame(void *data, const uint8_t *bytes, uint32_t length)
{
    struct sent *s = data;
    assert_true(s->count < 16 && length <= sizeof s->frame[0]);
    memcpy(s->frame[s->count], bytes, length);
    s->length[s->count++] = length;
}

static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 1}, his_mac[6] = {2, 0, 0, 0, 0, 2};

/* RFC 826: hardware 1, protocol 0800, lengths 6 and 4, operation, sender, target. */
static const uint8_t his_question[42] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0,  2, 8, 6,
                                         0,   1,   8,   0,   6,   4,   0, 1, 2, 0, 0,  0, 0, 2,
                                         10,  0,   0,   2,   0,   0,   0, 0, 0, 0, 10, 0, 0, 1};

static struct neighbours *open_port(struct sent *sent)
{
    struct neighbour_calls calls = {sent, keep_frame};
    struct addr own = addr_v4(0x0a000001, 0);
    struct neighbours *n = neighbours_open(own_mac, &calls);
    assert_int_equal(neighbours_own(n, &own), 0);
    return n;
}

static void a_question_for_an_own_address_is_answered(void **state)
{
    struct sent sent = {0};
    (void)state;
    struct neighbours *n = open_port(&sent);
    assert_true(neighbours_take(n, 0, his_question, sizeof his_question));
    assert_int_equal(sent.count, 1);
    static const uint8_t answer[42] = {2,  0, 0, 0, 0, 2, 2, 0, 0, 0, 0,  1, 8, 6,
                                       0,  1, 8, 0, 6, 4, 0, 2, 2, 0, 0,  0, 0, 1,
                                       10, 0, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2};
    assert_memory_equal(sent.frame[0], answer, sizeof answer);
    uint8_t other[42];
    memcpy(other, his_question, sizeof other);
    other[41] = 9;
    assert_true(neighbours_take(n, 0, other, sizeof other));
    assert_int_equal(sent.count, 1);
    neighbours_close(n);
}

static void packets_wait_for_the_answer_three_at_most(void **state)
{
    struct sent sent = {0};
    struct addr his = addr_v4(0x0a000002, 0);
    (void)state;
    struct neighbours *n = open_port(&sent);
    for (uint8_t i = 0; i < 5; i++) {
        uint8_t frame[60] = {[14] = i};
        neighbours_send(n, SEC(5), &his, frame, sizeof frame);
    }
    assert_int_equal(sent.count, 1); /* one question, not five */
    assert_int_equal(sent.frame[0][21], 1);
    assert_true(neighbours_take(n, SEC(5), his_question, sizeof his_question));
    assert_int_equal(sent.count, 5); /* three packets, then his own question's answer */
    for (uint8_t i = 0; i < 3; i++) {
        assert_memory_equal(sent.frame[1 + i], his_mac, 6);
        assert_int_equal(sent.frame[1 + i][14], i);
    }
    neighbours_close(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_leave_at_the_lines_rate),
        cmocka_unit_test(a_full_queue_loses_the_last_to_come),
        cmocka_unit_test(losses_and_jitter_are_as_told),
        cmocka_unit_test(a_question_for_an_own_address_is_answered),
        cmocka_unit_test(packets_wait_for_the_answer_three_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
