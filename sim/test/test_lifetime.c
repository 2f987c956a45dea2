/* test_lifetime.c: draws beside the closed forms of their laws. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/draw.h"
#include "sim/lifetime.h"

#define HOUR SEC(3600)
#define MANY 40000
/* Kolmogorov's bound at 0.1 %: 1.949 / sqrt(n). */
#define KOLMOGOROV (1.949 / sqrt(MANY))

static struct arena arena;

static int empty(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct lifetime weibull(double scale_h, uint32_t shape_ppm)
{
    struct lifetime l;
    lifetime_weibull(&l, &arena, (mist_time)(scale_h * (double)HOUR), shape_ppm);
    return l;
}

/* The word at which 1 - F(t) = p. */
static uint64_t survival(double p)
{
    return (uint64_t)(p * 0x1p64);
}

static double hours(mist_time t)
{
    return (double)t / (double)HOUR;
}

static void a_weibull_draw_is_the_inverse_of_its_law(void **state)
{
    (void)state;
    static const uint32_t shapes[] = {200000, 380000, 610000, 1000000, 2500000, 20000000};
    for (uint32_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        struct lifetime l = weibull(3.66, shapes[s]);
        for (int i = 1; i < 2000; i++) {
            double p = i / 2000.0;
            double exact = 3.66 * pow(-log(p), 1e6 / shapes[s]);
            double got = hours(lifetime_draw(&l, survival(p)));
            assert_true(exact < 1e-6 || exact > 1e5 || fabs(got / exact - 1) < 1e-6);
        }
        assert_true(fabs(hours(l.mean) / (3.66 * tgamma(1 + 1e6 / shapes[s])) - 1) < 2.5e-4);
    }
}

/* Weibull 0.61 and 3.66 h: fitted through the median and the 80 % of IPFS's sessions,
 * 2 h and 8 h (rfm2 of probe-lab/network-measurements, April 2022); the fit then says
 * that 87 % have ended after 12 h and 4.3 % last longer than 24 h. */
static void sessions_of_ipfs_last_as_measured(void **state)
{
    (void)state;
    struct lifetime l = weibull(3.66, 610000);
    assert_true(fabs(hours(lifetime_draw(&l, survival(0.5))) - 2) < 0.02);
    assert_true(fabs(hours(lifetime_draw(&l, survival(0.2))) - 8) < 0.05);
    uint32_t ended12 = 0, above24 = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        mist_time t = lifetime_draw(&l, draw_u64(1, i, DRAW_ORACLE, 0));
        ended12 += t <= 12 * HOUR;
        above24 += t > 24 * HOUR;
    }
    assert_true(fabs(ended12 / (double)MANY - 0.87) < 0.005 + 4 * sqrt(0.87 * 0.13 / MANY));
    assert_true(fabs(above24 / (double)MANY - 0.043) < 0.0005 + 4 * sqrt(0.043 * 0.957 / MANY));
}

static void a_lognormal_draw_is_the_inverse_of_its_law(void **state)
{
    (void)state;
    struct lifetime l;
    lifetime_lognormal(&l, HOUR, 1500000);
    assert_true(fabs(hours(l.mean) / exp(1.5 * 1.5 / 2) - 1) < 1e-9);
    assert_true(fabs(hours(lifetime_draw(&l, survival(0.5))) - 1) < 1e-9);
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t word = draw_u64(1, i, DRAW_ORACLE, 0);
        double z = log(hours(lifetime_draw(&l, word))) / 1.5;
        assert_true(fabs(erfc(-z / sqrt(2)) / 2 - ldexp((double)word, -64)) < 1e-7);
    }
}

static void a_trace_gives_its_own_durations_in_its_own_shares(void **state)
{
    (void)state;
    mist_time durations[] = {3 * HOUR, HOUR, 8 * HOUR, HOUR};
    struct lifetime l;
    lifetime_trace(&l, &arena, durations, 4);
    assert_int_equal(l.mean, 13 * HOUR / 4);
    assert_int_equal(lifetime_draw(&l, 0), HOUR);
    assert_int_equal(lifetime_draw(&l, (UINT64_C(1) << 63) - 1), HOUR);
    assert_int_equal(lifetime_draw(&l, UINT64_C(1) << 63), 3 * HOUR);
    assert_int_equal(lifetime_draw(&l, UINT64_MAX), 8 * HOUR);
}

/* ---- what is left of the session that is met ---- */

/* The regularised incomplete gamma function P(a, x), by its series (Abramowitz and
 * Stegun 6.5.29). */
static double gamma_p(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int n = 1; n < 2000; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return x <= 0 ? 0 : x > 60 ? 1 : exp(-x + a * log(x) - lgamma(a)) * sum;
}

/* (1/mean) * integral of exp(-(t/3.66)^0.61) from 0 to x: P(1/shape, (x/scale)^shape). */
static double rest_of_weibull(double x)
{
    return gamma_p(1 / 0.61, pow(x / 3.66, 0.61));
}

static double rest_of_exponential(double x)
{
    return 1 - exp(-x / 2);
}

static double phi(double z)
{
    return erfc(-z / sqrt(2)) / 2;
}

/* Median 1 h, sigma 1.5: x (1 - F(x)) / mean and the share of time in shorter ones. */
static double rest_of_lognormal(double x)
{
    double z = log(x) / 1.5;
    return x * (1 - phi(z)) / exp(1.5 * 1.5 / 2) + phi(z - 1.5);
}

/* Of durations 1, 1, 3 and 8 h: the sum of min(x, duration) over the sum of all. */
static double rest_of_trace(double x)
{
    return (2 * fmin(x, 1) + fmin(x, 3) + fmin(x, 8)) / 13;
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The greatest distance between what is drawn and a distribution function. */
static double distance(const struct lifetime *l, double (*law)(double x))
{
    static double seen[MANY];
    double most = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        struct draw_block b = draw_block(1, i, DRAW_ORACLE, 0);
        seen[i] = hours(lifetime_rest(l, b.word));
    }
    qsort(seen, MANY, sizeof *seen, by_size);
    for (uint32_t i = 0; i < MANY; i++)
        most = fmax(most, fmax(fabs(law(seen[i]) - (double)i / MANY),
                               fabs(law(seen[i]) - (i + 1.0) / MANY)));
    return most;
}

static void what_is_left_follows_renewal_theory(void **state)
{
    (void)state;
    mist_time durations[] = {3 * HOUR, HOUR, 8 * HOUR, HOUR};
    struct lifetime ipfs = weibull(3.66, 610000), plain = weibull(2, 1000000), normal, trace;
    lifetime_lognormal(&normal, HOUR, 1500000);
    lifetime_trace(&trace, &arena, durations, 4);
    assert_true(distance(&ipfs, rest_of_weibull) < KOLMOGOROV);
    assert_true(distance(&plain, rest_of_exponential) < KOLMOGOROV);
    assert_true(distance(&normal, rest_of_lognormal) < KOLMOGOROV);
    assert_true(distance(&trace, rest_of_trace) < KOLMOGOROV);
    assert_true(distance(&plain, rest_of_weibull) > 2 * KOLMOGOROV); /* the distance tells laws */
}

static void no_duration_is_too_short_or_beyond_the_clock(void **state)
{
    (void)state;
    struct lifetime l = weibull(24 * 36500, LIFETIME_SHAPE_L);
    assert_int_equal(lifetime_draw(&l, UINT64_MAX), LIFETIME_LEAST);
    assert_true(lifetime_draw(&l, 0) == INT64_MAX);
    static const uint64_t last[2] = {UINT64_MAX, UINT64_MAX}, first[2] = {0, 0};
    assert_true(lifetime_rest(&l, last) > 0);
    assert_int_equal(lifetime_rest(&l, first), LIFETIME_LEAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_weibull_draw_is_the_inverse_of_its_law, empty),
        cmocka_unit_test_teardown(sessions_of_ipfs_last_as_measured, empty),
        cmocka_unit_test_teardown(a_lognormal_draw_is_the_inverse_of_its_law, empty),
        cmocka_unit_test_teardown(a_trace_gives_its_own_durations_in_its_own_shares, empty),
        cmocka_unit_test_teardown(what_is_left_follows_renewal_theory, empty),
        cmocka_unit_test_teardown(no_duration_is_too_short_or_beyond_the_clock, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
