/* test_verdict.c: the words, case by case, and planned numbers of seeds against R 4.2
 * (power.t.test).  How often the words are right: test_stat_decision.c. */
#include "analysis/verdict.h"

#include "analysis/test/near.h"

static struct difference of(double lo, double hi)
{
    struct interval x = {(lo + hi) / 2, lo, hi};
    return (struct difference){.delta = x, .inner = x, .alpha = 0.05};
}

static enum verdict judged(double lo, double hi, double margin, int better, double p)
{
    struct difference d = of(lo, hi);
    return verdict_of(&d, (struct margin){margin, better}, p);
}

static void every_place_of_the_interval_has_its_word(void **state)
{
    static const struct {
        double lo, hi, p;
        enum verdict word;
    } rows[] = {
        {2, 4, 0.001, VERDICT_BETTER},         {0.2, 0.4, 0.001, VERDICT_BETTER}, /* small, real */
        {-4, -2, 0.001, VERDICT_WORSE},        {-1.4, -0.2, 0.01, VERDICT_WORSE}, /* or so much */
        {-0.6, -0.2, 0.01, VERDICT_NOT_WORSE}, /* a loss, but a harmless one */
        {-0.5, 0.5, 0.9, VERDICT_SAME},        {-0.5, 1.5, 0.4, VERDICT_NOT_WORSE},
        {-1.5, 0.5, 0.4, VERDICT_UNDECIDED},   {-1.5, 1.5, 0.9, VERDICT_UNDECIDED},
        {2, 4, 0.2, VERDICT_NOT_WORSE}, /* alone significant, not in its family */
        {-4, -2, 0.2, VERDICT_UNDECIDED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(judged(rows[i].lo, rows[i].hi, 1, 1, rows[i].p), rows[i].word);
        assert_int_equal(judged(-rows[i].hi, -rows[i].lo, 1, -1, rows[i].p), rows[i].word);
    }
}

static void not_significant_is_never_the_same(void **state)
{
    (void)state;
    for (double half = 1; half < 100; half *= 1.1)
        assert_int_equal(judged(-half, half, 1, 1, 1), VERDICT_UNDECIDED);
}

static void without_a_margin_only_no_difference_at_all_is_the_same(void **state)
{
    (void)state;
    assert_int_equal(judged(0, 0, 0, 1, 1), VERDICT_SAME);
    assert_int_equal(judged(-1e-9, 1e-9, 0, 1, 1), VERDICT_UNDECIDED);
    assert_int_equal(judged(-2e-9, -1e-9, 0, 1, 0.01), VERDICT_WORSE);
}

static void without_an_interval_nothing_is_decided(void **state)
{
    (void)state;
    assert_int_equal(judged(NAN, NAN, 1, 1, 0.001), VERDICT_UNDECIDED);
    assert_int_equal(judged(-INFINITY, INFINITY, 1, 1, 0.001), VERDICT_UNDECIDED);
    assert_int_equal(judged(2, 3, 1, 1, NAN), VERDICT_NOT_WORSE);
    assert_int_equal(verdict_sequential((struct interval){1, NAN, NAN}, (struct margin){1, 1}),
                     VERDICT_UNDECIDED);
}

static void an_interval_that_always_holds_is_read_like_the_others(void **state)
{
    static const struct {
        double lo, hi;
        enum verdict word;
    } rows[] = {{0.1, 3, VERDICT_BETTER},        {-3, -0.1, VERDICT_WORSE},
                {-0.9, -0.1, VERDICT_NOT_WORSE}, {-0.9, 0.9, VERDICT_SAME},
                {-0.9, 1.1, VERDICT_NOT_WORSE},  {-1.1, 0.9, VERDICT_UNDECIDED}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct interval x = {(rows[i].lo + rows[i].hi) / 2, rows[i].lo, rows[i].hi};
        struct interval turned = {-x.value, -x.hi, -x.lo};
        assert_int_equal(verdict_sequential(x, (struct margin){1, 1}), rows[i].word);
        assert_int_equal(verdict_sequential(turned, (struct margin){1, -1}), rows[i].word);
    }
}

static void the_words_are_those_of_reports(void **state)
{
    (void)state;
    assert_string_equal(verdict_name(VERDICT_BETTER), "BETTER");
    assert_string_equal(verdict_name(VERDICT_WORSE), "WORSE");
    assert_string_equal(verdict_name(VERDICT_SAME), "same");
    assert_string_equal(verdict_name(VERDICT_NOT_WORSE), "not worse");
    assert_string_equal(verdict_name(VERDICT_UNDECIDED), "UNDECIDED");
}

/* Two seeds whose deviation has the upper 80 % limit 0.03: qchisq(0.2, 1) = 0.06418475. */
static int planned(double value, double margin, int better, int family)
{
    struct difference d = {.delta = {value, NAN, NAN},
                           .alpha = 0.05,
                           .error = 0.01,
                           .pairs = 2,
                           .least = INFINITY,
                           .variance_paired = 0.0009 * 0.06418475};
    return verdict_seeds_needed(&d, (struct margin){margin, better}, family);
}

/* power.t.test(delta = 0.01, sd = 0.03, power = 0.95, type = "paired"): 118.9 seeds two-sided,
 * 98.8 one-sided, 163.7 two-sided at level 0.01.  Its noncentral t is a sum of two quantiles
 * here.  A gain need not be shown a gain: that it is not a loss is enough, one-sided. */
static void planned_seeds_are_those_of_R(void **state)
{
    (void)state;
    assert_in_range(planned(-0.01, 0, 1, 1), 118, 120);
    assert_in_range(planned(0.01, 0, 1, 1), 98, 100);
    assert_in_range(planned(0, 0.01, 1, 1), 98, 100);
    assert_in_range(planned(0.01, 0, -1, 5), 163, 165);
    assert_in_range(planned(-0.005, 0.015, 1, 1), 98, 100);
    assert_in_range(planned(0.005, 0.015, -1, 1), 98, 100);
}

static void what_cannot_be_decided_has_no_plan(void **state)
{
    struct difference d = {.delta = {0, NAN, NAN}, .alpha = 0.05, .error = NAN, .pairs = 1};
    (void)state;
    assert_int_equal(planned(0, 0, 1, 1), VERDICT_SEEDS_MOST + 1);
    assert_int_equal(planned(1e-9, 0, 1, 1), VERDICT_SEEDS_MOST + 1);
    assert_int_equal(verdict_seeds_needed(&d, (struct margin){1, 1}, 1), 0);
}

/* Seeds of 100 dials that never differ: t^2/(100 n + t^2) <= 0.01, t(n - 1, 0.95) about 2 at
 * n = 4 and 5: 4.54 <= 0.01 x 504 (t(4) = 2.132); with 4: 5.54 > 0.01 x 405 (t(3) = 2.353). */
static void alike_seeds_need_enough_dials(void **state)
{
    struct difference d = {.delta = {0, NAN, NAN},
                           .alpha = 0.05,
                           .error = 0,
                           .pairs = 2,
                           .least = 200,
                           .variance_paired = 0};
    (void)state;
    assert_int_equal(verdict_seeds_needed(&d, (struct margin){0.01, 1}, 1), 5);
}

static void a_great_many_seeds_are_no_trouble(void **state)
{
    struct difference d = {.delta = {0, NAN, NAN},
                           .alpha = 0.05,
                           .error = 1e-6,
                           .pairs = 500000,
                           .least = INFINITY,
                           .variance_paired = 1};
    (void)state;
    assert_int_equal(verdict_seeds_needed(&d, (struct margin){1, 1}, 1), 500001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_of_the_interval_has_its_word),
        cmocka_unit_test(not_significant_is_never_the_same),
        cmocka_unit_test(without_a_margin_only_no_difference_at_all_is_the_same),
        cmocka_unit_test(without_an_interval_nothing_is_decided),
        cmocka_unit_test(an_interval_that_always_holds_is_read_like_the_others),
        cmocka_unit_test(the_words_are_those_of_reports),
        cmocka_unit_test(planned_seeds_are_those_of_R),
        cmocka_unit_test(what_cannot_be_decided_has_no_plan),
        cmocka_unit_test(alike_seeds_need_enough_dials),
        cmocka_unit_test(a_great_many_seeds_are_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
