/* test_churn.c: when hosts are there and when they are away. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/churn.h"
#include "sim/plan.h"

#define HOSTS 8000
#define HOUR  SEC(3600)

static struct plan plan;
static struct plan_host hosts[HOSTS];
static bool groups[2];

/* Population 0 comes and goes: sessions of Weibull 0.61 and 3.66 h (mean 5.39 h),
 * downtimes exponential with mean 10 h; 30 % of the sessions end with a goodbye.
 * The last host is of population 1, which stays. */
static int make(void **state)
{
    (void)state;
    memset(hosts, 0, sizeof hosts);
    hosts[HOSTS - 1].population = 1;
    groups[0] = true;
    plan = (struct plan){.seed = 1, .host_count = HOSTS, .population_count = 2, .hosts = hosts};
    plan.churn.groups = groups;
    plan.churn.graceful_ppm = 300000;
    lifetime_weibull(&plan.churn.session, &plan.memory, HOUR * 366 / 100, 610000);
    lifetime_weibull(&plan.churn.downtime, &plan.memory, 10 * HOUR, 1000000);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    arena_free(&plan.memory);
    return 0;
}

/* The turn in which `at` lies. */
static struct churn_turn turn_at(uint32_t host, mist_time at)
{
    struct churn_turn turn;
    churn_begin(&plan, host, &turn);
    while (turn.until <= at)
        churn_next(&plan, host, &turn);
    return turn;
}

/* Renewal theory: at any time mean session / (mean session + mean downtime) of them. */
static void as_many_are_there_at_the_beginning_as_at_any_later_time(void **state)
{
    (void)state;
    double mean = 3.66 * tgamma(1 + 1 / 0.61), p = mean / (mean + 10);
    static const mist_time times[] = {0, HOUR / 2, 3 * HOUR, 24 * HOUR, 240 * HOUR};
    for (size_t t = 0; t < sizeof times / sizeof *times; t++) {
        uint32_t there = 0;
        for (uint32_t i = 0; i + 1 < HOSTS; i++)
            there += turn_at(i, times[t]).there;
        assert_true(fabs(there / (HOSTS - 1.0) - p) < 4 * sqrt(p * (1 - p) / (HOSTS - 1)));
    }
}

/* Of those there at any time, as many will have left an hour later: 14 %, the
 * equilibrium's P(1/0.61, (1/3.66)^0.61); with all sessions new at time 0 it would be
 * 36 %, 1 - exp(-(1/3.66)^0.61). */
static void sessions_do_not_begin_with_the_run(void **state)
{
    (void)state;
    uint32_t there[2] = {0, 0}, left[2] = {0, 0};
    for (uint32_t i = 0; i + 1 < HOSTS; i++)
        for (int late = 0; late < 2; late++) {
            mist_time at = late ? 100 * HOUR : 0;
            struct churn_turn turn = turn_at(i, at);
            there[late] += turn.there;
            left[late] += turn.there && turn.until <= at + HOUR;
        }
    double early = (double)left[0] / there[0], later = (double)left[1] / there[1];
    double p = (early + later) / 2;
    assert_true(fabs(early - later) < 4 * sqrt(p * (1 - p) * (1.0 / there[0] + 1.0 / there[1])));
    assert_true(early < 0.25);
}

static void turns_follow_one_another_and_sessions_are_counted(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        struct churn_turn turn, before;
        churn_begin(&plan, i, &turn);
        assert_int_equal(turn.ordinal, 0);
        for (int k = 0; k < 50; k++) {
            before = turn;
            churn_next(&plan, i, &turn);
            assert_true(turn.until >= before.until + LIFETIME_LEAST);
            assert_int_equal(turn.there, !before.there);
            assert_int_equal(turn.ordinal, before.ordinal + before.there);
        }
    }
}

static void a_host_of_another_group_stays_for_good(void **state)
{
    (void)state;
    struct churn_turn turn = turn_at(HOSTS - 1, 1000 * HOUR);
    assert_true(turn.there && turn.until == MIST_NEVER);
    plan.churn.groups = NULL;
    turn = turn_at(0, 1000 * HOUR);
    assert_true(turn.there && turn.until == MIST_NEVER);
}

static void goodbyes_have_their_share(void **state)
{
    (void)state;
    uint32_t goodbyes = 0;
    for (uint32_t i = 0; i < HOSTS; i++)
        goodbyes += churn_says_goodbye(&plan, i, i % 7);
    assert_true(fabs(goodbyes / (double)HOSTS - 0.3) < 4 * sqrt(0.3 * 0.7 / HOSTS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_many_are_there_at_the_beginning_as_at_any_later_time,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(sessions_do_not_begin_with_the_run, make, unmake),
        cmocka_unit_test_setup_teardown(turns_follow_one_another_and_sessions_are_counted, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(a_host_of_another_group_stays_for_good, make, unmake),
        cmocka_unit_test_setup_teardown(goodbyes_have_their_share, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
