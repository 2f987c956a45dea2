/* The budgets of addresses that have not asked for anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stack/guard.h"

static struct guard fresh(void)
{
    return (struct guard){.limits = {.doubtful = 12, .vouched = 600, .node = 100}};
}

static uint32_t pass(struct guard *g, mist_time now, uint32_t ip, bool vouched, uint32_t tries)
{
    uint32_t passed = 0;
    for (uint32_t i = 0; i < tries; i++) {
        struct addr to = addr_v4(ip, (uint16_t)(1024 + i));
        passed += guard_may(g, now, &to, vouched, 1);
    }
    return passed;
}

static void an_address_gets_its_share_whatever_the_port(void **state)
{
    (void)state;
    struct guard g = fresh();
    assert_int_equal(pass(&g, 1, 0x01020304, false, 1000), 12);
    assert_int_equal(pass(&g, 1, 0x01020305, true, 1000), 600);
}

/* First named by liars, then by who is believed: both shares count together. */
static void shares_of_one_address_are_not_added(void **state)
{
    (void)state;
    struct guard g = fresh();
    assert_int_equal(pass(&g, 1, 0x01020304, false, 1000), 12);
    assert_int_equal(pass(&g, 1, 0x01020304, true, 1000), 588);
    assert_int_equal(pass(&g, 1, 0x01020304, false, 1000), 0);
}

static void a_share_comes_back_with_the_next_span(void **state)
{
    (void)state;
    struct guard g = fresh();
    assert_int_equal(pass(&g, 1, 0x01020304, false, 100), 12);
    assert_int_equal(pass(&g, GUARD_SPAN, 0x01020304, false, 100), 0);
    assert_int_equal(pass(&g, GUARD_SPAN + 1, 0x01020304, false, 100), 12);
}

/* More victims than are remembered: what all of them get is bounded all the same. */
static void many_doubtful_addresses_share_the_nodes_budget(void **state)
{
    (void)state;
    struct guard g = fresh();
    uint32_t passed = 0;
    for (uint32_t ip = 0; ip < 10 * GUARD_TARGETS; ip++)
        passed += pass(&g, 1, 0x01000000 + ip, false, 3);
    assert_int_equal(passed, 100);
    assert_int_equal(pass(&g, 1, 0x02000000, true, 50), 50); /* honest peers are none of them */
}

static void who_proved_to_be_there_is_doubtful_no_more_and_costs_the_node_nothing(void **state)
{
    (void)state;
    struct guard g = fresh();
    for (uint32_t ip = 0; ip < 50; ip++) {
        struct addr at = addr_v4(0x01000000 + ip, 4000);
        assert_true(guard_may(&g, 1, &at, false, 4));
        guard_proved(&g, 1, &at);
        assert_int_equal(pass(&g, 1, 0x01000000 + ip, false, 20), 20);
    }
}

static void a_share_too_small_for_all_packets_lets_none_pass(void **state)
{
    (void)state;
    struct guard g = fresh();
    struct addr at = addr_v4(0x01020304, 4000);
    assert_true(guard_may(&g, 1, &at, false, 10));
    assert_false(guard_may(&g, 1, &at, false, 4));
    assert_true(guard_may(&g, 1, &at, false, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_gets_its_share_whatever_the_port),
        cmocka_unit_test(shares_of_one_address_are_not_added),
        cmocka_unit_test(a_share_comes_back_with_the_next_span),
        cmocka_unit_test(many_doubtful_addresses_share_the_nodes_budget),
        cmocka_unit_test(who_proved_to_be_there_is_doubtful_no_more_and_costs_the_node_nothing),
        cmocka_unit_test(a_share_too_small_for_all_packets_lets_none_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
