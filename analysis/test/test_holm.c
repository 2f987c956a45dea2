/* test_holm.c: adjusted p against R 4.2 (p.adjust). */
#include "analysis/holm.h"

#include "analysis/test/near.h"

static const double p[] = {0.01, 0.04, 0.03, 0.005, 0.2, 0.01};

static void holm_is_as_R_adjusts(void **state)
{
    static const double expected[] = {0.05, 0.09, 0.09, 0.03, 0.2, 0.05};
    double adjusted[6];
    (void)state;
    holm_adjust(p, adjusted, 6);
    for (int i = 0; i < 6; i++)
        assert_near(adjusted[i], expected[i], 1e-12);
}

static void discovery_is_as_R_adjusts(void **state)
{
    static const double expected[] = {0.02, 0.048, 0.045, 0.02, 0.2, 0.02};
    double adjusted[6];
    (void)state;
    holm_discovery(p, adjusted, 6);
    for (int i = 0; i < 6; i++)
        assert_near(adjusted[i], expected[i], 1e-12);
}

static void one_metric_alone_needs_no_adjustment(void **state)
{
    double adjusted = 0;
    (void)state;
    holm_adjust(p, &adjusted, 1);
    assert_near(adjusted, 0.01, 0);
    holm_discovery(p, &adjusted, 1);
    assert_near(adjusted, 0.01, 0);
}

/* As R does with 1 in its place; Holm: 3 x 0.01, 2 x 0.02. */
static void a_missing_p_still_belongs_to_the_family(void **state)
{
    const double holes[] = {0.02, NAN, 0.01};
    double adjusted[3];
    (void)state;
    holm_adjust(holes, adjusted, 3);
    assert_near(adjusted[0], 0.04, 1e-15);
    assert_near(adjusted[2], 0.03, 1e-15);
    assert_true(isnan(adjusted[1]));
    holm_discovery(holes, adjusted, 3);
    assert_near(adjusted[0], 0.03, 1e-15);
    assert_near(adjusted[2], 0.03, 1e-15);
    assert_true(isnan(adjusted[1]));
}

static void no_adjusted_p_exceeds_one(void **state)
{
    const double large[] = {0.9, 0.8, 0.7};
    double adjusted[3];
    (void)state;
    holm_adjust(large, adjusted, 3);
    for (int i = 0; i < 3; i++)
        assert_near(adjusted[i], 1, 0);
    holm_discovery(large, adjusted, 3);
    for (int i = 0; i < 3; i++)
        assert_near(adjusted[i], 0.9, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holm_is_as_R_adjusts),
        cmocka_unit_test(discovery_is_as_R_adjusts),
        cmocka_unit_test(one_metric_alone_needs_no_adjustment),
        cmocka_unit_test(a_missing_p_still_belongs_to_the_family),
        cmocka_unit_test(no_adjusted_p_exceeds_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
