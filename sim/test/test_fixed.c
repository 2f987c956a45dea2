/* test_fixed.c: integer functions beside libm's, which is exact enough for that. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/draw.h"
#include "sim/fixed.h"

#define MANY 20000

static double real(int64_t fixed)
{
    return (double)fixed / (double)FIXED_ONE;
}

/* Words of every magnitude. */
static uint64_t some_word(uint32_t i)
{
    return draw_u64(1, i, DRAW_ORACLE, 0) >> i % 64;
}

static void logarithms_are_those_of_libm(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t x = some_word(i) | 1;
        double error = (double)(log2l((long double)x) - (long double)real(fixed_log2(x)));
        assert_true(error > -ldexp(1, -45) && error < ldexp(1, -38));
    }
    assert_true(fixed_log2(1) == 0);
    assert_true(fixed_log2(UINT64_C(1) << 63) == 63 * FIXED_ONE);
}

static void powers_are_those_of_libm(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        int64_t value = (int64_t)(some_word(i) >> 1);
        int64_t log2 =
            (int64_t)draw_below(1, i, DRAW_ORACLE, 1, 40 * (uint64_t)FIXED_ONE) - 20 * FIXED_ONE;
        long double exact = (long double)value * exp2l((long double)log2 / (long double)FIXED_ONE);
        long double got = fixed_exp2(value, log2);
        if (exact >= 9223372036854775807.0L)
            assert_true(got == 9223372036854775807.0L);
        else
            assert_true(got <= exact && exact - got <= 1 + exact * 0x1p-39L);
    }
    assert_true(fixed_exp2(5, -100 * FIXED_ONE) == 0);
    assert_true(fixed_exp2(0, 100 * FIXED_ONE) == 0);
    assert_true(fixed_exp2(1, 100 * FIXED_ONE) == INT64_MAX);
    assert_true(fixed_exp2(7, -1) == 6); /* rounded down */
}

static void minus_ln_is_that_of_libm(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t word = some_word(i);
        long double exact = -logl((long double)(word | 1) / 0x1p64L);
        assert_true(fabsl(exact - (long double)real(fixed_minus_ln(word))) < 0x1p-38L);
    }
}

/* Phi(z) = erfc(-z / sqrt 2) / 2; near 1 the mirror image, for the digits. */
static void normal_quantiles_give_back_their_probability(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t word = i % 2 ? some_word(i) : ~some_word(i);
        double z = real(fixed_normal(word)), low = word >> 63 ? -z : z;
        double p = ldexp((double)(word >> 63 ? ~word : word) + 0.5, -64);
        double density = exp(-z * z / 2) / sqrt(2 * acos(-1));
        assert_true(fabs(erfc(-low / sqrt(2)) / 2 - p) < 1e-7 * density + 1e-18);
    }
    assert_true(fabs(real(fixed_normal(UINT64_C(1) << 63))) < 1e-9);
    assert_true(fabs(real(fixed_normal((uint64_t)(0.975 * 0x1p64))) - 1.959963984540054) < 1e-7);
}

static void products_and_quotients_are_those_of_rationals(void **state)
{
    (void)state;
    assert_true(fixed_multiply(3 * FIXED_ONE / 2, -5 * FIXED_ONE) == -15 * FIXED_ONE / 2);
    assert_true(fixed_divide(-15 * FIXED_ONE, 2 * FIXED_ONE) == -15 * FIXED_ONE / 2);
    assert_true(fabs(real(fixed_nats(FIXED_ONE)) - 1.4426950408889634) < 1e-11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logarithms_are_those_of_libm),
        cmocka_unit_test(powers_are_those_of_libm),
        cmocka_unit_test(minus_ln_is_that_of_libm),
        cmocka_unit_test(normal_quantiles_give_back_their_probability),
        cmocka_unit_test(products_and_quotients_are_those_of_rationals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
