/* test_interval.c: intervals against published values and formulas worked by hand. */
#include "analysis/interval.h"
#include "analysis/test/near.h"

/* R. G. Newcombe, Two-sided confidence intervals for the single proportion (1998), table I,
 * method 3 (Wilson without continuity correction). */
static void wilson_is_as_newcombe_tabulated_it(void **state)
{
    static const struct {
        double hits, trials, lo, hi;
    } rows[] = {{81, 263, 0.2553, 0.3662},
                {15, 148, 0.0624, 0.1605},
                {0, 20, 0.0000, 0.1611},
                {1, 29, 0.0061, 0.1718}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct interval x = interval_share(&rows[i].hits, &rows[i].trials, 1);
        assert_near(x.value, rows[i].hits / rows[i].trials, 1e-12);
        assert_near(x.lo, rows[i].lo, 0.00005);
        assert_near(x.hi, rows[i].hi, 0.00005);
    }
}

/* Means of t tables: t(2, 0.975) = 4.30265, t(4, 0.975) = 2.77645. */
static void a_mean_has_the_t_interval(void **state)
{
    const double three[] = {1, 2, 3}, five[] = {10, 12, 14, 16, 18};
    (void)state;
    struct interval x = interval_mean(three, 3); /* sd 1 */
    assert_near(x.value, 2, 1e-12);
    assert_near(x.hi - 2, 4.30265 / sqrt(3), 1e-4);
    assert_near(2 - x.lo, 4.30265 / sqrt(3), 1e-4);
    x = interval_mean(five, 5); /* sd sqrt(10) */
    assert_near(x.hi - 14, 2.77645 * sqrt(10) / sqrt(5), 1e-4);
}

/* Two seeds of 100: 60 and 80 hits.  p = 0.7, V = 2/1 * (10^2 + 10^2)/200^2 = 0.01, so the
 * effective number of trials is 0.21/0.01 = 21; t(1, 0.975) = 12.7062. */
static void seeds_that_differ_widen_the_interval(void **state)
{
    const double hits[] = {60, 80}, trials[] = {100, 100};
    const double t = 12.7062, n = 21, p = 0.7;
    double middle = (p + t * t / (2 * n)) / (1 + t * t / n);
    double half = t / (1 + t * t / n) * sqrt(p * (1 - p) / n + t * t / (4 * n * n));
    (void)state;
    struct interval x = interval_share(hits, trials, 2);
    assert_near(x.value, p, 1e-12);
    assert_near(x.lo, middle - half, 1e-5);
    assert_near(x.hi, middle + half, 1e-5);
}

/* V = 0: never more trials than there were. */
static void seeds_that_agree_count_every_trial(void **state)
{
    const double hits[] = {50, 50, 50}, trials[] = {100, 100, 100};
    const double t = 4.30265, n = 300, p = 0.5;
    double half = t / (1 + t * t / n) * sqrt(p * (1 - p) / n + t * t / (4 * n * n));
    (void)state;
    struct interval x = interval_share(hits, trials, 3);
    assert_near(x.hi - 0.5, half, 1e-5);
}

static void senseless_counts_have_no_interval(void **state)
{
    const double none[] = {0}, negative[] = {-5}, ten[] = {10}, more[] = {20}, nan[] = {NAN};
    (void)state;
    assert_true(isnan(interval_share(none, none, 1).value));
    assert_true(isnan(interval_share(negative, ten, 1).value));
    assert_true(isnan(interval_share(more, ten, 1).value));
    assert_true(isnan(interval_share(nan, ten, 1).value));
    assert_true(isnan(interval_share(none, none, 0).value));
    assert_true(isnan(interval_mean(nan, 1).value));
    assert_true(isnan(interval_mean(none, 0).value));
    assert_true(isnan(interval_mean(ten, 1).lo));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilson_is_as_newcombe_tabulated_it),
        cmocka_unit_test(a_mean_has_the_t_interval),
        cmocka_unit_test(seeds_that_differ_widen_the_interval),
        cmocka_unit_test(seeds_that_agree_count_every_trial),
        cmocka_unit_test(senseless_counts_have_no_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
