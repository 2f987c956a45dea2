/* test_proportion.c: intervals and tests of shares against published tables, R 4.2
 * (binom.test, prop.test without correction) and coverage by exact enumeration. */
#include "analysis/proportion.h"

#include <gsl/gsl_randist.h>

#include "analysis/test/near.h"

static void limits_of_one_share_are_those_of_R(void **state)
{
    static const struct {
        double hits, trials, alpha, wilson[2], exact[2];
    } rows[] = {
        {81, 263, 0.05, {0.2552885199, 0.366209577}, {0.2527367456, 0.3676219226}},
        {0, 100, 0.05, {0, 0.03699349821}, {0, 0.03621669265}},
        {1, 29, 0.05, {0.006113214293, 0.1717552188}, {0.0008726468836, 0.1776442955}},
        {15, 148, 0.05, {0.06238639953, 0.1604872417}, {0.05784401008, 0.1616504903}},
        {1000, 1000, 0.05, {0.9961732415, 1}, {0.9963179161, 1}},
        {3, 50, 0.01, {0.01529484001, 0.2077990007}, {0.006872485333, 0.2027062695}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct interval score = proportion_wilson(rows[i].hits, rows[i].trials, rows[i].alpha);
        struct interval exact =
            proportion_clopper_pearson(rows[i].hits, rows[i].trials, rows[i].alpha);
        assert_near(score.value, rows[i].hits / rows[i].trials, 1e-15);
        assert_limits(score, rows[i].wilson[0], rows[i].wilson[1], 1e-9);
        assert_limits(exact, rows[i].exact[0], rows[i].exact[1], 1e-9);
    }
}

/* No failure in n: the upper limit of the failures is 1 - (alpha/2)^(1/n). */
static void nothing_seen_has_a_limit_in_closed_form(void **state)
{
    (void)state;
    for (double n = 1; n <= 1e6; n *= 10)
        assert_near(proportion_clopper_pearson(0, n, 0.1).hi, 1 - pow(0.05, 1 / n), 1e-12);
}

typedef struct interval (*method)(double hits, double trials, double alpha);

static struct interval wald(double hits, double trials, double alpha)
{
    double p = hits / trials, half = 1.959964 * sqrt(p * (1 - p) / trials);
    (void)alpha;
    return (struct interval){p, p - half, p + half};
}

static double coverage(method limits, unsigned n, double p)
{
    double covered = 0;
    for (unsigned hits = 0; hits <= n; hits++) {
        struct interval x = limits(hits, n, 0.05);
        if (x.lo <= p && p <= x.hi)
            covered += gsl_ran_binomial_pdf(hits, p, n);
    }
    return 100 * covered;
}

/* Brown, Cai, DasGupta 2001 discuss these: Wald fails, Wilson is near, exact is above.  The
 * numbers were enumerated apart, in another language. */
static void coverage_is_as_enumerated_elsewhere(void **state)
{
    static const struct {
        unsigned n;
        double p, wald, wilson, exact;
    } rows[] = {{30, 0.95, 78.2, 93.9, 98.4},
                {100, 0.95, 87.7, 96.6, 98.3},
                {100, 0.99, 63.3, 92.1, 98.2},
                {1000, 0.99, 92.7, 96.4, 97.6}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_near(coverage(wald, rows[i].n, rows[i].p), rows[i].wald, 0.05);
        assert_near(coverage(proportion_wilson, rows[i].n, rows[i].p), rows[i].wilson, 0.05);
        assert_near(coverage(proportion_clopper_pearson, rows[i].n, rows[i].p), rows[i].exact,
                    0.05);
    }
}

static void the_exact_interval_never_covers_too_little(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 60; n += 7)
        for (double p = 0.01; p < 1; p += 0.01)
            assert_true(coverage(proportion_clopper_pearson, n, p) >= 95 - 1e-9);
}

/* Newcombe's table II of examples, method 10: first minus second there. */
static void two_shares_differ_as_newcombe_tabulated(void **state)
{
    static const struct {
        double a, m, b, n, lo, hi;
    } rows[] = {{56, 70, 48, 80, 0.0524, 0.3339}, {9, 10, 3, 10, 0.1705, 0.8090},
                {6, 7, 2, 7, 0.0582, 0.8062},     {5, 56, 0, 29, -0.0381, 0.1926},
                {0, 10, 0, 20, -0.1611, 0.2775},  {0, 10, 0, 10, -0.2775, 0.2775},
                {10, 10, 0, 20, 0.6791, 1.0000},  {10, 10, 0, 10, 0.6075, 1.0000}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct interval x = proportion_newcombe(rows[i].b, rows[i].n, rows[i].a, rows[i].m, 0.05);
        assert_limits(x, rows[i].lo, rows[i].hi, 0.00006);
        assert_near(x.value, rows[i].a / rows[i].m - rows[i].b / rows[i].n, 1e-12);
    }
}

/* Newcombe's paired example: 36, 12, 2, 0 of 50, method 10: 0.0569 to 0.3404. */
static void paired_shares_differ_as_newcombe_published(void **state)
{
    struct interval x = proportion_newcombe_paired((struct proportion_pairs){36, 12, 2, 0}, 0.05);
    (void)state;
    assert_near(x.value, -0.2, 1e-12);
    assert_limits(x, -0.3404, -0.0569, 0.00006);
}

/* Pairs that never agree nor disagree beyond chance: phi = 0, the unpaired formula. */
static void pairs_without_correlation_are_as_wide_as_independent_samples(void **state)
{
    struct interval paired =
        proportion_newcombe_paired((struct proportion_pairs){25, 25, 25, 25}, 0.05);
    struct interval apart = proportion_newcombe(50, 100, 50, 100, 0.05);
    (void)state;
    assert_limits(paired, apart.lo, apart.hi, 1e-12);
    struct interval close =
        proportion_newcombe_paired((struct proportion_pairs){48, 2, 2, 48}, 0.05);
    assert_true(close.hi - close.lo < 0.5 * (apart.hi - apart.lo));
}

/* Width at n = 1,000, p = 0.8, 4 % discordant: 2.54 points, against 7.07 unpaired. */
static void pairing_is_worth_what_it_should(void **state)
{
    struct interval paired =
        proportion_newcombe_paired((struct proportion_pairs){780, 20, 20, 180}, 0.05);
    struct interval apart = proportion_newcombe(800, 1000, 800, 1000, 0.05);
    (void)state;
    assert_near(100 * (paired.hi - paired.lo), 2.54, 0.06);
    assert_near(100 * (apart.hi - apart.lo), 7.0, 0.1);
}

/* Exact: R's binom.test; mid-p: pbinom less half dbinom.  86 against 150 is the example of
 * R's mcnemar.test (Agresti 1990). */
static void mcnemar_is_as_R_has_it(void **state)
{
    static const struct {
        double first, second, exact, midp;
    } rows[] = {{86, 150, 3.71593614e-05, 2.893389518e-05},
                {5, 15, 0.04138946533, 0.02660369873},
                {0, 5, 0.0625, 0.03125},
                {7, 7, 1, 1},
                {9, 1, 0.021484375, 0.01171875},
                {0, 0, 1, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double exact = proportion_mcnemar_exact(rows[i].first, rows[i].second);
        double midp = proportion_mcnemar_midp(rows[i].first, rows[i].second);
        assert_near(exact, rows[i].exact, 1e-9 * rows[i].exact);
        assert_near(midp, rows[i].midp, 1e-9 * rows[i].midp);
    }
}

static double mcnemar_size(double (*test)(double, double), unsigned discordant)
{
    double size = 0;
    for (unsigned k = 0; k <= discordant; k++)
        if (test(k, discordant - k) <= 0.05)
            size += gsl_ran_binomial_pdf(k, 0.5, discordant);
    return size;
}

static double mcnemar_size_of_pairs(double (*test)(double, double), unsigned pairs, double share)
{
    double size = 0;
    for (unsigned n = 0; n <= 400; n++)
        size += gsl_ran_binomial_pdf(n, share, pairs) * mcnemar_size(test, n);
    return 100 * size;
}

/* Enumerated in R: the exact test stays below its level, mid-p comes near it. */
static void mcnemar_keeps_its_level(void **state)
{
    static const struct {
        unsigned pairs;
        double discordant, exact, midp;
    } rows[] = {{1000, 0.05, 3.658051, 4.929197},
                {2000, 0.1, 4.237848, 4.956099},
                {5000, 0.02, 3.945524, 4.903109},
                {500, 0.2, 3.948466, 4.905279}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned n = rows[i].pairs;
        double share = rows[i].discordant;
        assert_near(mcnemar_size_of_pairs(proportion_mcnemar_exact, n, share), rows[i].exact, 1e-5);
        assert_near(mcnemar_size_of_pairs(proportion_mcnemar_midp, n, share), rows[i].midp, 1e-5);
    }
}

static void a_million_discordant_pairs_are_no_trouble(void **state)
{
    double p = proportion_mcnemar_exact(1e9, 1e9 + 1e5), z = 1e5 / sqrt(2e9 + 1e5);
    (void)state;
    assert_near(p, erfc(z / sqrt(2)), 1e-3 * p);
    p = proportion_mcnemar_midp(4999000, 5001000);
    assert_near(p, erfc(2000 / sqrt(1e7) / sqrt(2)), 1e-3 * p);
}

/* R: qbeta(0.025, 10000, 1e9 - 9999), qbeta(0.975, 10001, 1e9 - 10000). */
static void a_thousand_million_trials_are_no_trouble(void **state)
{
    struct interval x = proportion_clopper_pearson(1e4, 1e9, 0.05);
    (void)state;
    assert_limits(x, 9.80495341858e-06, 1.01979506153e-05, 1e-11);
    x = proportion_clopper_pearson(5e8, 1e9, 0.05);
    assert_limits(x, 0.5 - 1.959964 * 0.5 / sqrt(1e9), 0.5 + 1.959964 * 0.5 / sqrt(1e9), 1e-9);
}

static void senseless_counts_have_nothing(void **state)
{
    (void)state;
    assert_true(isnan(proportion_wilson(1, 0, 0.05).value));
    assert_true(isnan(proportion_wilson(2, 1, 0.05).lo));
    assert_true(isnan(proportion_wilson(-1, 1, 0.05).hi));
    assert_true(isnan(proportion_clopper_pearson(NAN, 1, 0.05).value));
    assert_true(isnan(proportion_newcombe(1, 2, 3, 2, 0.05).value));
    assert_true(isnan(proportion_newcombe(1, 2, 1, INFINITY, 0.05).value));
    assert_true(
        isnan(proportion_newcombe_paired((struct proportion_pairs){1, -1, 2, 2}, 0.05).value));
    assert_true(isnan(proportion_newcombe_paired((struct proportion_pairs){0}, 0.05).value));
    assert_true(isnan(proportion_mcnemar_exact(-1, 3)));
    assert_true(isnan(proportion_mcnemar_midp(NAN, 3)));
    assert_true(isnan(proportion_mcnemar_midp(INFINITY, 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_one_share_are_those_of_R),
        cmocka_unit_test(nothing_seen_has_a_limit_in_closed_form),
        cmocka_unit_test(coverage_is_as_enumerated_elsewhere),
        cmocka_unit_test(the_exact_interval_never_covers_too_little),
        cmocka_unit_test(two_shares_differ_as_newcombe_tabulated),
        cmocka_unit_test(paired_shares_differ_as_newcombe_published),
        cmocka_unit_test(pairs_without_correlation_are_as_wide_as_independent_samples),
        cmocka_unit_test(pairing_is_worth_what_it_should),
        cmocka_unit_test(mcnemar_is_as_R_has_it),
        cmocka_unit_test(mcnemar_keeps_its_level),
        cmocka_unit_test(a_million_discordant_pairs_are_no_trouble),
        cmocka_unit_test(a_thousand_million_trials_are_no_trouble),
        cmocka_unit_test(senseless_counts_have_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
