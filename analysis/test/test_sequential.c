/* test_sequential.c: intervals that hold at all times, against the mixture's likelihood ratio
 * integrated numerically in R 4.2.  How often they fail: test_stat_decision.c. */
#include "analysis/sequential.h"

#include "analysis/test/near.h"

#define MOST 200

/* Mean 2 and deviation sqrt(n/(n-1)), n even. */
static void about_two(double *values, int n)
{
    for (int i = 0; i < n; i++)
        values[i] = i % 2 ? 3 : 1;
}

/* t at which integral dt(t, n-1, ncp = sqrt(n) d) dnorm(d, 0, sqrt(0.02)) / dt(t, n-1) is
 * 1/alpha, by integrate and uniroot. */
static void limits_lie_where_the_mixture_reaches_one_over_alpha(void **state)
{
    static const struct {
        int n;
        double alpha, t;
    } rows[] = {{30, 0.05, 5.568264395}, {30, 0.01, 8.97882928},   {60, 0.05, 3.79115987},
                {60, 0.01, 4.806898242}, {200, 0.05, 3.119260027}, {200, 0.01, 3.744681057}};
    double values[MOST];
    (void)state;
    about_two(values, MOST);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct interval x = sequential_means(values, rows[i].n, rows[i].alpha);
        double half = rows[i].t / sqrt(rows[i].n - 1);
        assert_near(x.value, 2, 1e-12);
        assert_limits(x, 2 - half, 2 + half, 1e-7);
    }
}

static void few_seeds_decide_nothing_however_alike(void **state)
{
    double ones[MOST];
    (void)state;
    for (int i = 0; i < MOST; i++)
        ones[i] = 1;
    struct interval x = sequential_means(ones, 19, 0.05);
    assert_true(isinf(x.lo) && isinf(x.hi) && x.value == 1);
    x = sequential_means(ones, 20, 0.05);
    assert_limits(x, 1, 1, 0);
    assert_true(isnan(sequential_means(ones, 0, 0.05).value));
    assert_true(isinf(sequential_means(ones, 1, 0.05).lo));
}

static void seeds_without_a_difference_do_not_count(void **state)
{
    double values[MOST + 2] = {NAN, INFINITY};
    (void)state;
    about_two(values + 2, MOST);
    struct interval with = sequential_means(values, 62, 0.05);
    struct interval without = sequential_means(values + 2, 60, 0.05);
    assert_limits(with, without.lo, without.hi, 0);
}

/* 25 seeds of 40 dials, none changed: a part of (1 - x)^1000 = 0.05 may change all the same. */
static void no_change_in_so_many_dials_leaves_some_open(void **state)
{
    double hits[25], trials[25];
    (void)state;
    for (int i = 0; i < 25; i++) {
        hits[i] = 30 + i % 5;
        trials[i] = 40;
    }
    struct interval x = sequential_shares(hits, trials, hits, trials, 25, 0.05);
    assert_limits(x, -0.00299124, 0.00299124, 1e-8);
}

static void shares_are_differences_of_shares(void **state)
{
    double base[MOST], hits[MOST], trials[MOST], differences[MOST];
    (void)state;
    for (int i = 0; i < 60; i++) {
        trials[i] = 100;
        base[i] = 50;
        hits[i] = i % 2 ? 60 : 48;
        differences[i] = i % 2 ? 0.1 : -0.02;
    }
    struct interval x = sequential_shares(base, trials, hits, trials, 60, 0.05);
    struct interval y = sequential_means(differences, 60, 0.05);
    assert_near(x.value, 0.04, 1e-12);
    assert_limits(x, y.lo, y.hi, 1e-12);
    trials[7] = 0;
    hits[8] = 101;
    assert_near(sequential_shares(base, trials, hits, trials, 60, 0.05).value,
                (29 * 0.1 - 29 * 0.02) / 58, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_lie_where_the_mixture_reaches_one_over_alpha),
        cmocka_unit_test(few_seeds_decide_nothing_however_alike),
        cmocka_unit_test(seeds_without_a_difference_do_not_count),
        cmocka_unit_test(no_change_in_so_many_dials_leaves_some_open),
        cmocka_unit_test(shares_are_differences_of_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
