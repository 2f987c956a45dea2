/* test_scenario_churn.c: `churn` and its files of durations, read and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/plan.h"
#include "sim/scenario.h"

#define HEAD                                                                                       \
    "mist: 1\nname: x\nduration: 10 min\n"                                                         \
    "population:\n- {name: server, count: 1, roles: bootstrap}\n- {name: home, count: 2}\n"

static char folder[64], trace[96], scenario[96];

static int enter(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/mist-churn-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(trace, sizeof trace, "%s/trace.txt", folder);
    snprintf(scenario, sizeof scenario, "%s/x.yaml", folder);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    unlink(trace);
    return rmdir(folder);
}

/* The plan of a scenario beside a trace of that content; NULL: *told says why. */
static struct plan *plan_beside(const char *durations, size_t length, const char *churn,
                                char **told)
{
    FILE *file = fopen(trace, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(durations, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    char text[1000];
    struct errors errors = {0};
    const struct scenario_options options = {0};
    snprintf(text, sizeof text, HEAD "%s", churn);
    struct scenario *s = scenario_parse(scenario, text, strlen(text), NULL, 0, &options, &errors);
    struct plan *plan = s ? scenario_plan(s, 0, 1, &errors) : NULL;
    size_t size;
    FILE *out = open_memstream(told, &size);
    assert_non_null(out);
    errors_print(&errors, out);
    assert_int_equal(fclose(out), 0);
    scenario_free(s);
    errors_free(&errors);
    return plan;
}

static void a_trace_is_read_with_its_comments_and_blank_lines(void **state)
{
    (void)state;
    static const char text[] = "# sessions\n90 min\n\n  2 h  # the longest\r\n10 s";
    char *told;
    struct plan *plan = plan_beside(text, sizeof text - 1,
                                    "churn: {session: {trace: trace.txt}, of: home}\n", &told);
    assert_non_null(plan);
    assert_int_equal(plan->churn.session.law, LIFETIME_TRACE);
    assert_int_equal(plan->churn.session.count, 3);
    assert_int_equal(plan->churn.session.duration[0], SEC(10));
    assert_int_equal(plan->churn.session.duration[1], SEC(5400));
    assert_int_equal(plan->churn.session.duration[2], SEC(7200));
    assert_int_equal(plan->churn.downtime.count, 3); /* as `session` where none is said */
    assert_true(plan->churn.groups[1] && !plan->churn.groups[0]);
    plan_free(plan);
    free(told);
}

/* The first line told, without the folder. */
static void refuse(const char *text, size_t length, const char *expected)
{
    char *told;
    struct plan *plan = plan_beside(text, length, "churn: {session: {trace: trace.txt}}\n", &told);
    assert_null(plan);
    told[strcspn(told, "\n")] = 0;
    assert_string_equal(told + strlen(folder) + 1, expected);
    free(told);
}

static void what_is_no_duration_is_told_with_its_place(void **state)
{
    (void)state;
    static const char zero[] = "1 h\n\0\n";
    char longer[200];
    memset(longer, '1', sizeof longer);
    refuse("1 h\n 90 mins\n", 13,
           "trace.txt:2:2: expected a time such as `30 s` (ns, us, ms, s, min, h, d), got `90 "
           "mins`");
    refuse("0 s\n", 4,
           "trace.txt:1:1: expected a time of more than 0 and at most 36500 d, got `0 s`");
    refuse("36501 d\n", 8,
           "trace.txt:1:1: expected a time of more than 0 and at most 36500 d, got `36501 d`");
    refuse(zero, sizeof zero - 1,
           "trace.txt:2:1: expected a time such as `30 s` (ns, us, ms, s, min, h, d), got `?`");
    refuse(longer, sizeof longer,
           "trace.txt:1:1: expected a time such as `30 s` (ns, us, ms, s, min, h, d), got `?`");
    refuse("# nothing\n", 10, "trace.txt: expected a duration such as `90 min` per line, got none");
    refuse("", 0, "trace.txt: expected a duration such as `90 min` per line, got none");
}

static void laws_reach_the_plan(void **state)
{
    (void)state;
    char *told;
    struct plan *plan =
        plan_beside("", 0,
                    "churn: {session: {weibull: {shape: 0.61, scale: 3.66 h}}, graceful: 25%,\n"
                    "  downtime: {lognormal: {median: 30 min, sigma: 1.5}}}\n",
                    &told);
    assert_non_null(plan);
    assert_int_equal(plan->churn.session.law, LIFETIME_WEIBULL);
    assert_int_equal(plan->churn.session.shape_ppm, 610000);
    assert_int_equal(plan->churn.session.scale, SEC(13176));
    assert_int_equal(plan->churn.downtime.law, LIFETIME_LOGNORMAL);
    assert_int_equal(plan->churn.downtime.shape_ppm, 1500000);
    assert_int_equal(plan->churn.graceful_ppm, 250000);
    assert_true(plan->churn.groups[1] && !plan->churn.groups[0]); /* not the bootstrap hosts */
    plan_free(plan);
    free(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_trace_is_read_with_its_comments_and_blank_lines, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(what_is_no_duration_is_told_with_its_place, enter, leave),
        cmocka_unit_test_setup_teardown(laws_reach_the_plan, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
