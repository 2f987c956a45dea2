/* test_difference.c: paired differences against R 4.2 (t.test, and the ratio form and all
 * exchanges enumerated there) and cases worked by hand.  Coverage: test_stat_coverage.c. */
#include "analysis/difference.h"

#include "analysis/test/near.h"

static const double base[] = {50, 61, 47, 55, 58, 52}, candidate[] = {52, 60, 52, 58, 63, 57};

static void means_differ_as_in_R(void **state)
{
    struct difference d = difference_means(base, candidate, 6, 0.05);
    (void)state;
    assert_near(d.delta.value, 19.0 / 6, 1e-12);
    assert_limits(d.delta, 0.6465640029, 5.68676933, 1e-8);
    assert_limits(d.inner, 1.191188313, 5.142145021, 1e-8);
    assert_near(d.p, 0.02320332853, 1e-9);
    assert_near(d.p_flip, 0.0625, 1e-12);
    assert_near(d.correlation, 0.8877427243, 1e-9);
    assert_near(d.variance_paired, 5.766666667, 1e-8);
    assert_near(d.variance_unpaired, 46.16666667, 1e-8);
    assert_int_equal(d.pairs, 6);
}

static void shares_of_equal_trials_differ_like_means(void **state)
{
    const double trials[] = {100, 100, 100, 100, 100, 100};
    struct difference d = difference_shares(base, trials, candidate, trials, 6, 0.05);
    (void)state;
    assert_limits(d.delta, 0.006465640029, 0.0568676933, 1e-10);
    assert_near(d.p, 0.02320332853, 1e-9);
    assert_near(d.variance_unpaired, 46.16666667e-4, 1e-11);
    assert_near(d.base.value, 323.0 / 600, 1e-12);
    assert_near(d.candidate.value, 342.0 / 600, 1e-12);
}

static void shares_of_unequal_trials_take_the_ratio_form(void **state)
{
    const double trials_base[] = {100, 80, 120, 90, 110, 60, 130};
    const double hits_base[] = {81, 60, 99, 70, 95, 40, 101};
    const double trials[] = {98, 82, 118, 95, 108, 61, 133};
    const double hits[] = {80, 66, 99, 80, 96, 45, 110};
    struct difference d = difference_shares(hits_base, trials_base, hits, trials, 7, 0.05);
    (void)state;
    assert_near(d.delta.value, 0.03747263059, 1e-10);
    assert_near(d.error, 0.009182613369, 1e-11);
    assert_limits(d.delta, 0.01500358511, 0.05994167607, 1e-9);
    assert_near(d.p, 0.006496050067, 1e-10);
    assert_near(d.p_flip, 0.015625, 1e-12);
}

static void the_difference_turns_round_with_the_arms(void **state)
{
    struct difference there = difference_means(base, candidate, 6, 0.05);
    struct difference back = difference_means(candidate, base, 6, 0.05);
    (void)state;
    assert_limits(back.delta, -there.delta.hi, -there.delta.lo, 1e-12);
    assert_near(back.p, there.p, 1e-12);
    assert_near(back.p_flip, there.p_flip, 1e-12);
}

/* 3 seeds of 100, none changes: Wilson's limit of 0 in 300 with t(2, 0.975) = 4.302653. */
static void seeing_no_change_does_not_show_that_there_is_none(void **state)
{
    const double hits[] = {80, 70, 90}, trials[] = {100, 100, 100};
    const double t2 = 4.302653 * 4.302653, limit = t2 / (300 + t2);
    struct difference d = difference_shares(hits, trials, hits, trials, 3, 0.05);
    (void)state;
    assert_limits(d.delta, -limit, limit, 1e-6);
    assert_near(d.p, 1, 0);
    assert_near(d.p_flip, 1, 0);
}

/* One more hit in every seed: the spread is 0, but 3 of 300 could be chance.  p solves
 * t^2/(300 + t^2) = 0.01, t^2 = 300/99; Student's distribution with 2 degrees of freedom is
 * elementary: P(T > t) = 1/2 - t/(2 sqrt(2 + t^2)). */
static void a_handful_of_dials_is_not_certain_for_lack_of_spread(void **state)
{
    const double hits[] = {80, 70, 90}, more[] = {81, 71, 91}, trials[] = {100, 100, 100};
    const double t = sqrt(300.0 / 99);
    struct difference d = difference_shares(hits, trials, more, trials, 3, 0.05);
    (void)state;
    assert_true(d.delta.lo < 0);
    assert_near(d.p, 1 - t / sqrt(2 + t * t), 1e-9);
}

static void p_is_below_alpha_where_the_interval_leaves_out_zero(void **state)
{
    (void)state;
    double one[30], other[30], trials[30];
    for (int k = 0; k < 40; k++) {
        for (int s = 0; s < 30; s++) {
            one[s] = 50 + (s * 7 + k) % 11;
            other[s] = 50 + (s * 5 + 3 * k) % 11 + k / 8.0;
            trials[s] = 100;
        }
        struct difference rows[] = {difference_means(one, other, 30, 0.05),
                                    difference_quantiles(one, other, 30, 0.05),
                                    difference_shares(one, trials, other, trials, 30, 0.05)};
        for (int i = 0; i < 3; i++)
            assert_int_equal(rows[i].p<0.05, rows[i].delta.lo> 0 || rows[i].delta.hi < 0);
    }
}

/* Two or five equal differences happen by chance of sign alone: 2^-1, 2^-4; ten do not. */
static void equal_differences_are_judged_by_their_signs(void **state)
{
    const double none[10] = {0}, one[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    struct difference two = difference_means(none, one, 2, 0.05);
    struct difference five = difference_means(none, one, 5, 0.05);
    struct difference ten = difference_means(none, one, 10, 0.05);
    (void)state;
    assert_near(two.p, 0.5, 0);
    assert_limits(two.delta, 0, 2, 0);
    assert_near(five.p, 0.0625, 0);
    assert_near(ten.p, 1.0 / 512, 0);
    assert_limits(ten.delta, 1, 1, 0);
    assert_near(ten.p_flip, 1.0 / 512, 0);
    assert_near(difference_means(one, one, 10, 0.05).p, 1, 0);
}

/* Beyond 20 seeds flips are drawn: near the whole enumeration, which is the binomial
 * distribution where all differences have one size: 25 seeds, 18 up and 7 down,
 * P = 2 P(Bin(25, 1/2) <= 7) = 0.0432850122. */
static void drawn_flips_come_near_all_of_them(void **state)
{
    double none[25] = {0}, steps[25];
    (void)state;
    for (int s = 0; s < 25; s++)
        steps[s] = s < 18 ? 1 : -1;
    double p = difference_means(none, steps, 25, 0.05).p_flip;
    assert_near(p, 0.0432850122, 4 * sqrt(0.0433 * 0.9567 / DIFFERENCE_FLIPS));
}

static void quantiles_of_few_seeds_use_t(void **state)
{
    struct difference means = difference_means(base, candidate, 6, 0.05);
    struct difference few = difference_quantiles(base, candidate, 6, 0.05);
    (void)state;
    assert_limits(few.delta, means.delta.lo, means.delta.hi, 0);
}

/* Near t's where nothing is skew, and shifted towards the tail where something is. */
static void the_bootstrap_follows_the_shape_of_the_differences(void **state)
{
    double none[40] = {0}, even[40], skew[40];
    (void)state;
    for (int s = 0; s < 40; s++) {
        even[s] = s - 19.5;
        skew[s] = s < 36 ? 0.01 * s : 10 * (s - 35);
    }
    struct difference t = difference_means(none, even, 40, 0.05);
    struct difference b = difference_quantiles(none, even, 40, 0.05);
    assert_limits(b.delta, t.delta.lo, t.delta.hi, 0.06 * t.delta.hi);
    assert_limits(b.inner, t.inner.lo, t.inner.hi, 0.06 * t.inner.hi);
    t = difference_means(none, skew, 40, 0.05);
    b = difference_quantiles(none, skew, 40, 0.05);
    assert_true(b.delta.lo > t.delta.lo && b.delta.hi > t.delta.hi);
    struct difference again = difference_quantiles(none, skew, 40, 0.05);
    assert_limits(again.delta, b.delta.lo, b.delta.hi, 0);
}

/* No resample of gains has a mean below 0: R's 2 pt(-qnorm(5000/5001) sqrt(14/15), 14). */
static void the_bootstrap_claims_no_more_than_its_resamples_can_show(void **state)
{
    double none[15] = {0}, gains[15];
    (void)state;
    for (int s = 0; s < 15; s++)
        gains[s] = 1000 + s;
    assert_near(difference_quantiles(none, gains, 15, 0.05).p, 0.004143888348, 1e-9);
}

static void seeds_without_a_pair_do_not_count(void **state)
{
    const double holes_base[] = {50, NAN, 61, 47, 1, 55, 58, 52, 7};
    const double holes[] = {52, 1, 60, 52, INFINITY, 58, 63, 57, NAN};
    struct difference d = difference_means(holes_base, holes, 9, 0.05);
    (void)state;
    assert_int_equal(d.pairs, 6);
    assert_limits(d.delta, 0.6465640029, 5.68676933, 1e-8);
    const double hits[] = {1, 0, 2}, trials[] = {2, 0, 4}, others[] = {4, 4, 0};
    assert_int_equal(difference_shares(hits, trials, hits, others, 3, 0.05).pairs, 1);
}

static void too_few_seeds_have_a_value_and_no_interval(void **state)
{
    struct difference d = difference_means(base, candidate, 1, 0.05);
    (void)state;
    assert_near(d.delta.value, 2, 0);
    assert_true(isnan(d.delta.lo) && isnan(d.inner.hi) && isnan(d.p) && isnan(d.error));
    d = difference_quantiles(base, candidate, 0, 0.05);
    assert_true(isnan(d.delta.value) && d.pairs == 0);
}

static void senseless_counts_have_nothing(void **state)
{
    const double two[] = {2, 2}, one[] = {1, 1}, minus[] = {-1, 1}, huge[] = {1e308, 1e308};
    (void)state;
    assert_true(isnan(difference_shares(two, one, one, two, 2, 0.05).delta.value));
    assert_true(isnan(difference_shares(minus, two, one, two, 2, 0.05).p));
    assert_true(isnan(difference_means(huge, minus, 2, 0.05).p));
    assert_true(isnan(difference_means(huge, minus, 2, 0.05).delta.lo));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_differ_as_in_R),
        cmocka_unit_test(shares_of_equal_trials_differ_like_means),
        cmocka_unit_test(shares_of_unequal_trials_take_the_ratio_form),
        cmocka_unit_test(the_difference_turns_round_with_the_arms),
        cmocka_unit_test(seeing_no_change_does_not_show_that_there_is_none),
        cmocka_unit_test(a_handful_of_dials_is_not_certain_for_lack_of_spread),
        cmocka_unit_test(p_is_below_alpha_where_the_interval_leaves_out_zero),
        cmocka_unit_test(equal_differences_are_judged_by_their_signs),
        cmocka_unit_test(drawn_flips_come_near_all_of_them),
        cmocka_unit_test(quantiles_of_few_seeds_use_t),
        cmocka_unit_test(the_bootstrap_follows_the_shape_of_the_differences),
        cmocka_unit_test(the_bootstrap_claims_no_more_than_its_resamples_can_show),
        cmocka_unit_test(seeds_without_a_pair_do_not_count),
        cmocka_unit_test(too_few_seeds_have_a_value_and_no_interval),
        cmocka_unit_test(senseless_counts_have_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
