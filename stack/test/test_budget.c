#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "stack/budget.h"

static uint32_t taken(struct budget *b, mist_time now, uint64_t who, uint32_t wanted)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < wanted; i++)
        n += budget_take(b, now, who, 20);
    return n;
}

static void each_second_has_its_own_budget(void **state)
{
    struct budget b = {.salt = 1};
    (void)state;
    assert_int_equal(taken(&b, SEC(5), 7, 100), 20);
    assert_int_equal(taken(&b, SEC(6) - 1, 7, 100), 0);
    assert_int_equal(taken(&b, SEC(6), 7, 100), 20);
}

/* Of 1,000 others beside one flood about one shares both counters (1 / 32^2); with 1,000
 * kinds of salt as good as none shares them always. */
static void who_shares_a_counter_with_a_flood_is_not_punished(void **state)
{
    uint32_t punished = 0;
    (void)state;
    for (uint64_t other = 1; other <= 1000; other++) {
        struct budget b = {.salt = other * 977};
        (void)taken(&b, SEC(1), 1u << 20, 1000);
        punished += taken(&b, SEC(1), other, 20) < 20;
    }
    assert_in_range(punished, 0, 6); /* expected 0.98; Poisson: more than 6 once in 10,000 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_second_has_its_own_budget),
        cmocka_unit_test(who_shares_a_counter_with_a_flood_is_not_punished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
