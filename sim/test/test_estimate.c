/* test_estimate.c: what a campaign is said to need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/estimate.h"
#include "sim/test/recorded.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s)\n", file, line, condition);
    abort();
}

static bool servers_not[] = {false, true, true}, homes[] = {false, true, false};

/* The recorded plan (2 servers, 2 homes, 2 mobiles) with a workload. */
static struct plan *plan_with(struct plan_workload *work, uint32_t count)
{
    struct plan *plan = recorded_plan();
    plan->workloads = work;
    plan->workload_count = count;
    return plan;
}

static void dials_are_counted_as_the_workload_makes_them(void **state)
{
    (void)state;
    struct plan_workload work[] = {
        /* 4 hosts, 0.1/s, 50 s */
        {.kind = WORK_DIAL_UNIFORM,
         .rate_uhz = 100000,
         .from = SEC(10),
         .until = SEC(60),
         .src = servers_not,
         .dst = servers_not},
        /* 2 homes dial the other home and 2 mobiles */
        {.kind = WORK_DIAL_ALL_PAIRS, .until = SEC(60), .src = homes, .dst = servers_not},
        /* 2 homes publish, 1/s, 30 s */
        {.kind = WORK_PUBLISH_UNIFORM,
         .rate_uhz = 1000000,
         .until = SEC(30),
         .src = homes,
         .dst = homes},
    };
    struct plan *plan = plan_with(work, 3);
    assert_true(estimate_dials(plan) == 20 + 6);
    assert_true(estimate_messages(plan) == 60);
}

/* Homes are there for an hour, away for three: a quarter of their dials, and in 100 s
 * 100 s / 4 h sessions begin and a quarter of one runs already, of each of the two. */
static void hosts_that_are_away_dial_nobody(void **state)
{
    (void)state;
    struct plan_workload work[] = {
        {.kind = WORK_DIAL_UNIFORM,
         .rate_uhz = 100000,
         .until = SEC(50),
         .src = servers_not,
         .dst = servers_not},
        {.kind = WORK_DIAL_ALL_PAIRS, .until = SEC(60), .src = homes, .dst = servers_not},
    };
    struct estimate e = {0};
    struct plan *plan = plan_with(work, 2);
    plan->churn.groups = homes;
    plan->churn.session.mean = SEC(3600);
    plan->churn.downtime.mean = SEC(3 * 3600);
    estimate_add(&e, plan);
    assert_true(estimate_dials(plan) == (2 + 2 * 0.25) * 5 + 6 * 0.25);
    assert_true(estimate_sessions(plan) == 2 * (100.0 / (4 * 3600) + 0.25));
    assert_true(e.host_s == (4 + 2 * 0.25) * 100);
    assert_true(e.sessions == estimate_sessions(plan));
}

static struct estimate two_runs(void)
{
    struct estimate e = {0};
    struct plan *plan = plan_with(NULL, 0);
    estimate_add(&e, plan);
    estimate_add(&e, plan);
    return e;
}

static void a_trial_of_a_whole_run_is_taken_at_its_word(void **state)
{
    (void)state;
    struct estimate e = two_runs(); /* of 6 hosts for 100 s */
    assert_int_equal(e.runs, 2);
    e.tried = e.trial_whole = 1;
    e.trial_host_s = 600;
    e.trial_hosts = 6;
    e.trial_wall_s = 0.5;
    e.trial_events = 1000;
    e.trial_memory = 1e7;
    struct estimate_needs needs = estimate_needs(&e, 1);
    assert_true(needs.events == 2000);
    assert_true(needs.wall_s == 1.0);
    assert_true(needs.memory_bytes == 1e7);
}

/* Half of the run with 20 dials' worth of events besides: the hosts' own share goes
 * on, and the dials still to come are added. */
static void a_trial_of_a_part_is_scaled_by_hosts_and_dials(void **state)
{
    (void)state;
    struct estimate e = two_runs();
    e.dials = 100;
    e.tried = 1;
    e.trial_host_s = 300;
    e.trial_hosts = 6;
    e.trial_wall_s = 1;
    e.trial_dials = 20;
    e.trial_events = 3000 + 20 * 200;
    assert_true(estimate_needs(&e, 1).events == 1200 * 10 + 100 * 200);
}

static void more_hosts_dials_and_time_need_more(void **state)
{
    (void)state;
    struct estimate e = two_runs();
    struct estimate_needs before = estimate_needs(&e, 1);
    e.hosts *= 1000;
    e.dials += 1e6;
    struct estimate_needs after = estimate_needs(&e, 1);
    assert_true(after.memory_bytes > before.memory_bytes);
    assert_true(after.wall_s > before.wall_s);
    assert_true(after.disk_bytes > before.disk_bytes);
}

/* The warnings alone. */
static char *warnings_of(const struct estimate *e, double memory, double disk, uint32_t jobs)
{
    char *text = NULL;
    size_t size;
    FILE *warnings = open_memstream(&text, &size), *out = fopen("/dev/null", "w");
    const struct estimate_machine machine = {memory, disk};
    assert_non_null(warnings);
    assert_non_null(out);
    estimate_print(e, &machine, jobs, out, warnings);
    assert_int_equal(fclose(warnings) | fclose(out), 0);
    return text;
}

static void what_does_not_fit_is_warned_of(void **state)
{
    (void)state;
    struct estimate e = two_runs();
    struct estimate_needs needs = estimate_needs(&e, 2);
    static const struct {
        double memory, disk; /* as multiples of the needs */
        const char *words;   /* "": no warning */
    } cases[] = {
        {3, 2, ""},
        {-1, -1, ""}, /* unknown */
        {1.5, 2, "use --jobs 1\n"},
        {0.5, 2, "it will not fit this machine\n"},
        {3, 0.5, "choose another place with --out\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = warnings_of(&e, cases[i].memory * needs.memory_bytes,
                                 cases[i].disk * needs.disk_bytes, 2);
        if (*cases[i].words ? !strstr(text, cases[i].words) : *text != 0)
            fail_msg("case %zu: %s", i, text);
        free(text);
    }
}

static void a_results_file_to_be_made_is_sought_in_the_folders_above(void **state)
{
    (void)state;
    assert_true(estimate_machine("/tmp/no/such/folder/x.db").disk_bytes > 0);
    assert_true(estimate_machine("x.db").disk_bytes > 0);
    assert_true(estimate_machine("x.db").memory_bytes > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dials_are_counted_as_the_workload_makes_them),
        cmocka_unit_test(hosts_that_are_away_dial_nobody),
        cmocka_unit_test(a_trial_of_a_whole_run_is_taken_at_its_word),
        cmocka_unit_test(a_trial_of_a_part_is_scaled_by_hosts_and_dials),
        cmocka_unit_test(more_hosts_dials_and_time_need_more),
        cmocka_unit_test(what_does_not_fit_is_warned_of),
        cmocka_unit_test(a_results_file_to_be_made_is_sought_in_the_folders_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
