/* test_draw.c: keyed randomness against the published vectors of Philox4x32-10,
 * against formulas, and against what the C library's logarithm says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/draw.h"
#include "stack/check.h"

#define SAMPLES 200000

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

/* Random123's kat_vectors, "philox4x32 10": counter words, key words -> output words. */
static void the_block_is_philox4x32_10(void **state)
{
    (void)state;
    struct draw_block zero = draw_block(0, 0, (enum draw_purpose)0, 0);
    assert_true(zero.word[0] == UINT64_C(0xe169c58d6627e8d5));
    assert_true(zero.word[1] == UINT64_C(0x9b00dbd8bc57ac4c));
    struct draw_block ones =
        draw_block(UINT64_MAX, UINT64_MAX, (enum draw_purpose)0xffff, UINT64_C(0xffffffffffff));
    assert_true(ones.word[0] == UINT64_C(0x41c83b0e408f276d));
    assert_true(ones.word[1] == UINT64_C(0x6d5451fda20bc7c6));
    struct draw_block pi = draw_block(UINT64_C(0x299f31d0a4093822), UINT64_C(0x85a308d3243f6a88),
                                      (enum draw_purpose)0x0370, UINT64_C(0x734413198a2e));
    assert_true(pi.word[0] == UINT64_C(0x94fdccebd16cfe09));
    assert_true(pi.word[1] == UINT64_C(0x24126ea15001e420));
}

static void every_part_of_the_key_matters(void **state)
{
    (void)state;
    uint64_t base = draw_u64(1, 2, DRAW_PATH_RTT, 3);
    assert_true(draw_u64(1, 2, DRAW_PATH_RTT, 3) == base);
    assert_true(draw_u64(2, 2, DRAW_PATH_RTT, 3) != base);
    assert_true(draw_u64(1 + (UINT64_C(1) << 40), 2, DRAW_PATH_RTT, 3) != base);
    assert_true(draw_u64(1, 3, DRAW_PATH_RTT, 3) != base);
    assert_true(draw_u64(1, 2 + (UINT64_C(1) << 40), DRAW_PATH_RTT, 3) != base);
    assert_true(draw_u64(1, 2, DRAW_LINK, 3) != base);
    assert_true(draw_u64(1, 2, DRAW_PATH_RTT, 4) != base);
    assert_true(draw_u64(1, 2, DRAW_PATH_RTT, 3 + (UINT64_C(1) << 40)) != base);
}

/* n = 7 cells: chi-square with 6 degrees of freedom exceeds 31.3 with probability 2e-5. */
static void below_is_uniform_and_in_range(void **state)
{
    (void)state;
    double count[7] = {0}, chi = 0;
    for (uint64_t i = 0; i < SAMPLES; i++) {
        uint64_t v = draw_below(42, 1, DRAW_PATH_RTT, i, 7);
        assert_true(v < 7);
        count[v]++;
    }
    for (int i = 0; i < 7; i++)
        chi += (count[i] - SAMPLES / 7.0) * (count[i] - SAMPLES / 7.0) / (SAMPLES / 7.0);
    assert_true(chi < 31.3);
    for (uint64_t i = 0; i < 100; i++)
        assert_true(draw_below(42, 1, DRAW_PATH_RTT, i, 1) == 0);
}

/* floor(x * n / 2^128), x the block read as one number: by hand for the vector above. */
static void below_scales_the_whole_block(void **state)
{
    (void)state;
    enum draw_purpose none = (enum draw_purpose)0;
    assert_true(draw_below(0, 0, none, 0, UINT64_C(1) << 32) == 0xe169c58d);
    assert_true(draw_below(0, 0, none, 0, 256) == 0xe1);
    assert_true(draw_below(0, 0, none, 0, 10) == 8); /* 0xe169.. / 2^16 = 0.8805 */
    assert_true(draw_scale(UINT64_C(1) << 63, 11) == 5);
}

static void between_reaches_both_ends_and_nothing_else(void **state)
{
    (void)state;
    bool seen[5] = {false};
    for (uint64_t i = 0; i < 1000; i++) {
        mist_time v = draw_between(7, 7, DRAW_PATH_RTT, i, -2, 2);
        assert_true(v >= -2 && v <= 2);
        seen[v + 2] = true;
    }
    for (int i = 0; i < 5; i++)
        assert_true(seen[i]);
    assert_true(draw_between(7, 7, DRAW_PATH_RTT, 0, SEC(3), SEC(3)) == SEC(3));
}

static void ppm_hits_its_rate_within_four_standard_errors(void **state)
{
    (void)state;
    const uint32_t rates[] = {5000, 250000, 999000};
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        double hits = 0, p = rates[k] / 1e6;
        for (uint64_t i = 0; i < SAMPLES; i++)
            hits += draw_ppm(9, k, DRAW_BROKEN_NODE, i, rates[k]);
        assert_true(fabs(hits - SAMPLES * p) < 4 * sqrt(SAMPLES * p * (1 - p)));
    }
    for (uint64_t i = 0; i < 1000; i++) {
        assert_false(draw_ppm(9, 9, DRAW_BROKEN_NODE, i, 0));
        assert_true(draw_ppm(9, 9, DRAW_BROKEN_NODE, i, 1000000));
    }
}

/* -mean * ln(U), U = (word | 1) / 2^64.  At a mean of 10^6 s an error of 2^-38
 * of the mean is 3.6 us; the C library's own rounding adds a few ns. */
static void the_exponential_is_minus_the_logarithm(void **state)
{
    (void)state;
    mist_time mean = SEC(1000000);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t word = draw_u64(3, 4, DRAW_WORK_TIME, i) | 1;
        double expected = -(double)mean * log((double)word / 18446744073709551616.0);
        double drawn = (double)draw_exponential(3, 4, DRAW_WORK_TIME, i, mean);
        assert_true(fabs(drawn - expected) < 4000 + expected * 1e-12);
    }
}

static void the_exponential_has_its_mean_and_median(void **state)
{
    (void)state;
    double sum = 0, above = 0;
    mist_time mean = SEC(10), median = 6931471806; /* 10 s * ln 2 */
    for (uint64_t i = 0; i < SAMPLES; i++) {
        mist_time v = draw_exponential(5, 6, DRAW_WORK_TIME, i, mean);
        assert_true(v >= 0 && v <= 45 * mean);
        sum += (double)v;
        above += v > median;
    }
    assert_true(fabs(sum / SAMPLES - (double)mean) < 4 * (double)mean / sqrt(SAMPLES));
    assert_true(fabs(above - SAMPLES / 2.0) < 4 * sqrt(SAMPLES / 4.0));
    assert_true(draw_exponential(5, 6, DRAW_WORK_TIME, 0, 0) == 0);
}

/* A mean of INT64_MAX overflows whenever ln(1/U) > 1: with probability 1/e. */
static void the_exponential_saturates(void **state)
{
    (void)state;
    double saturated = 0;
    for (uint64_t i = 0; i < 10000; i++) {
        mist_time v = draw_exponential(5, 6, DRAW_WORK_TIME, i, INT64_MAX);
        assert_true(v >= 0);
        saturated += v == INT64_MAX;
    }
    assert_true(fabs(saturated - 3679) < 4 * sqrt(10000 * 0.3679 * 0.6321));
}

static void fill_writes_the_blocks_low_byte_first(void **state)
{
    (void)state;
    uint8_t bytes[33];
    memset(bytes, 0xaa, sizeof bytes);
    draw_fill(0, 0, (enum draw_purpose)0, bytes, 17);
    const uint8_t first[16] = {0xd5, 0xe8, 0x27, 0x66, 0x8d, 0xc5, 0x69, 0xe1,
                               0x4c, 0xac, 0x57, 0xbc, 0xd8, 0xdb, 0x00, 0x9b};
    assert_memory_equal(bytes, first, 16);
    assert_int_equal(bytes[16], (uint8_t)draw_u64(0, 0, (enum draw_purpose)0, 1));
    assert_int_equal(bytes[17], 0xaa);
}

static void a_pair_is_unordered_and_a_link_is_not(void **state)
{
    (void)state;
    assert_true(draw_pair(3, 9) == draw_pair(9, 3));
    assert_true(draw_pair(3, 9) != draw_pair(3, 8));
    assert_true(draw_link(3, 9) != draw_link(9, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_block_is_philox4x32_10),
        cmocka_unit_test(every_part_of_the_key_matters),
        cmocka_unit_test(below_is_uniform_and_in_range),
        cmocka_unit_test(below_scales_the_whole_block),
        cmocka_unit_test(between_reaches_both_ends_and_nothing_else),
        cmocka_unit_test(ppm_hits_its_rate_within_four_standard_errors),
        cmocka_unit_test(the_exponential_is_minus_the_logarithm),
        cmocka_unit_test(the_exponential_has_its_mean_and_median),
        cmocka_unit_test(the_exponential_saturates),
        cmocka_unit_test(fill_writes_the_blocks_low_byte_first),
        cmocka_unit_test(a_pair_is_unordered_and_a_link_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
