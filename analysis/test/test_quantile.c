/* test_quantile.c: quantiles against R 4.2 (qbinom, pbeta) and cases worked by hand. */
#include "analysis/quantile.h"

#include "analysis/test/near.h"

#define MOST 5000

static void counting(double *values, long count)
{
    for (long i = 0; i < count; i++)
        values[i] = (double)(i + 1);
}

static void a_quantile_has_the_rank_of_the_summary(void **state)
{
    double values[MOST];
    (void)state;
    counting(values, 20);
    assert_near(quantile_value(values, 20, 0.5), 10, 0);
    assert_near(quantile_value(values, 19, 0.5), 10, 0);
    assert_near(quantile_value(values, 20, 0.95), 19, 0);
    assert_near(quantile_value(values, 20, 0.951), 20, 0);
    assert_near(quantile_value(values, 1, 0.99), 1, 0);
}

/* qbinom(0.025, n, q) and n + 1 - qbinom(0.025, n, 1 - q); 0: no such rank. */
static void limits_are_the_ranks_of_the_binomial(void **state)
{
    static const struct {
        long n;
        double q, lo, hi;
    } rows[] = {
        {20, 0.5, 6, 15},        {20, 0.95, 17, 0},        {20, 0.99, 19, 0},
        {100, 0.5, 40, 61},      {100, 0.95, 90, 100},     {100, 0.99, 97, 0},
        {1000, 0.5, 469, 532},   {1000, 0.95, 936, 964},   {1000, 0.99, 983, 997},
        {5000, 0.5, 2431, 2570}, {5000, 0.95, 4719, 4781}, {5000, 0.99, 4936, 4964},
    };
    double values[MOST];
    (void)state;
    counting(values, MOST);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct interval x = quantile_interval(values, rows[i].n, rows[i].q, 0.05);
        assert_near(x.lo, rows[i].lo, 0);
        if (rows[i].hi > 0)
            assert_near(x.hi, rows[i].hi, 0);
        else
            assert_true(isnan(x.hi));
    }
}

static void the_99th_percentile_needs_368_values(void **state)
{
    double values[MOST];
    (void)state;
    counting(values, MOST);
    assert_true(isnan(quantile_interval(values, 367, 0.99, 0.05).hi));
    assert_near(quantile_interval(values, 368, 0.99, 0.05).hi, 368, 0);
    assert_true(isnan(quantile_interval(values, 3687, 0.999, 0.05).hi));
    assert_near(quantile_interval(values, 3688, 0.999, 0.05).hi, 3688, 0);
}

/* Weights by R's pbeta. */
static void harrell_davis_is_as_R_sums_it(void **state)
{
    static const double values[] = {0.31, 0.35, 0.42, 0.5, 0.55, 0.61,
                                    0.78, 0.95, 1.4,  2.2, 3.7,  6.1};
    const double z = 1.959963985;
    (void)state;
    struct interval x = quantile_harrell_davis(values, 12, 0.5, 0.05);
    assert_near(x.value, 0.7959968038, 1e-9);
    assert_near((x.hi - x.lo) / 2 / z, 0.3783002661, 1e-9);
    x = quantile_harrell_davis(values, 12, 0.9, 0.05);
    assert_near(x.value, 4.62031933, 1e-8);
    assert_near((x.hi - x.value) / z, 1.660260521, 1e-8);
}

/* The weights are symmetric about the middle, and sum to 1. */
static void harrell_davis_of_an_even_spread_is_its_middle(void **state)
{
    double values[MOST];
    (void)state;
    counting(values, MOST);
    for (long n = 1; n <= MOST; n += 357)
        assert_near(quantile_harrell_davis(values, n, 0.5, 0.05).value, (double)(n + 1) / 2, 1e-8);
}

/* 3 of 5 came after 1, 2 and 40 s; the limit is 30 s: (1 + 2 + 30 + 30 + 30)/5. */
static void what_never_came_counts_as_the_limit(void **state)
{
    static const double values[] = {1, 2, 40};
    (void)state;
    assert_near(quantile_restricted_mean(values, 3, 5, 30), 18.6, 1e-12);
    assert_near(quantile_restricted(values, 3, 5, 0.4, 30), 2, 0);
    assert_near(quantile_restricted(values, 3, 5, 0.5, 30), 30, 0);
    assert_near(quantile_restricted(values, 3, 5, 0.9, 30), 30, 0);
}

/* 90 fast ones and 10 slow ones; the other version gives the slow ones up. */
static void dropping_the_hard_cases_does_not_look_faster(void **state)
{
    double all[100];
    (void)state;
    for (int i = 0; i < 100; i++)
        all[i] = i < 90 ? 1 : 10;
    assert_true(quantile_value(all, 90, 0.95) < quantile_value(all, 100, 0.95));
    assert_true(quantile_restricted(all, 90, 100, 0.95, 60) >
                quantile_restricted(all, 100, 100, 0.95, 60));
    assert_true(quantile_restricted_mean(all, 90, 100, 60) >
                quantile_restricted_mean(all, 100, 100, 60));
}

static void senseless_samples_have_nothing(void **state)
{
    const double one[] = {1};
    (void)state;
    assert_true(isnan(quantile_value(one, 0, 0.5)));
    assert_true(isnan(quantile_value(one, 1, 0)));
    assert_true(isnan(quantile_value(one, 1, NAN)));
    assert_true(isnan(quantile_interval(one, -1, 0.5, 0.05).value));
    assert_true(isnan(quantile_harrell_davis(one, 0, 0.5, 0.05).value));
    assert_true(isnan(quantile_restricted(one, 1, 0, 0.5, 30)));
    assert_true(isnan(quantile_restricted_mean(one, 1, 0, 30)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quantile_has_the_rank_of_the_summary),
        cmocka_unit_test(limits_are_the_ranks_of_the_binomial),
        cmocka_unit_test(the_99th_percentile_needs_368_values),
        cmocka_unit_test(harrell_davis_is_as_R_sums_it),
        cmocka_unit_test(harrell_davis_of_an_even_spread_is_its_middle),
        cmocka_unit_test(what_never_came_counts_as_the_limit),
        cmocka_unit_test(dropping_the_hard_cases_does_not_look_faster),
        cmocka_unit_test(senseless_samples_have_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
