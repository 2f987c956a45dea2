/* test_scenario_latency.c: latency files: regions in YAML, matrices in text. */
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

struct reading {
    struct plan *plan; /* NULL: refused */
    char told[2000];   /* the errors then */
};

/* A scenario whose latency is `kind: FILE`, the file holding text. */
static struct reading read_with(const char *kind, const char *text, uint32_t hosts)
{
    char path[] = "/tmp/mist-latency-XXXXXX", scenario[400];
    struct reading reading = {0};
    struct errors errors = {0};
    const struct scenario_options options = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
    (void)snprintf(scenario, sizeof scenario,
                   "mist: 1\nname: x\nduration: 10 min\nnetwork: {latency: {%s: %s}}\n"
                   "population: [{name: s, count: %u, roles: bootstrap}]\n",
                   kind, path, hosts);
    struct scenario *s =
        scenario_parse("x.yaml", scenario, strlen(scenario), NULL, 0, &options, &errors);
    if (s)
        reading.plan = scenario_plan(s, 0, 1, &errors);
    FILE *out = fmemopen(reading.told, sizeof reading.told - 1, "w");
    assert_non_null(out);
    errors_print(&errors, out);
    assert_int_equal(fclose(out), 0);
    scenario_free(s);
    errors_free(&errors);
    assert_int_equal(unlink(path), 0);
    return reading;
}

static void a_matrix_is_read_in_ms_and_its_gaps_are_filled(void **state)
{
    (void)state;
    /* 0 is no measurement: the way back stands in, then the smallest of the row. */
    struct reading r = read_with("matrix", "0 20.5 0\n30\t0,40\n 0 0 0\n", 3);
    static const mist_time expected[9] = {MS(20) + US(500), MS(20) + US(500), MS(20) + US(500),
                                          MS(30),           MS(30),           MS(40),
                                          MS(40),           MS(40),           MS(40)};
    assert_non_null(r.plan);
    assert_int_equal(r.plan->network.latency, LATENCY_MATRIX);
    assert_int_equal(r.plan->network.regions, 3);
    for (int i = 0; i < 9; i++)
        assert_int_equal(r.plan->network.rtt[i], expected[i]);
    plan_free(r.plan);
}

static void a_matrix_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"1 2 3\n", "expected n rows of n numbers, n at most 1000, got 3 numbers"},
        {"", "expected n rows of n numbers, n at most 1000, got 0 numbers"},
        {"1 2\n3 x\n", ":2:3: expected a round-trip time in ms from 0 to 60000, got `x`"},
        {"1 2\n3 -4\n", ":2:3: expected a round-trip time in ms from 0 to 60000, got `-4`"},
        {"60001\n", ":1:1: expected a round-trip time in ms from 0 to 60000, got `60001`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r = read_with("matrix", cases[i][0], 1);
        assert_null(r.plan);
        if (!strstr(r.told, cases[i][1]))
            fail_msg("expected: %s\ngot: %s", cases[i][1], r.told);
    }
}

#define TWO                                                                                        \
    "source: a test\n"                                                                             \
    "regions: [{name: near, weight: 3}, {name: far, weight: 1}, {name: nobody, weight: 0}]\n"

static void regions_draw_their_hosts_by_weight(void **state)
{
    (void)state;
    struct reading r = read_with("regions",
                                 TWO "rtt: [[5 ms, 80 ms, 1 s], [90 ms, 7 ms, 1 s], [1 s, 1 s, "
                                     "1 s]]\n",
                                 4000);
    assert_non_null(r.plan);
    assert_int_equal(r.plan->network.rtt[1], MS(80)); /* row: from; column: to */
    assert_int_equal(r.plan->network.rtt[3], MS(90));
    assert_string_equal(r.plan->network.region_names[1], "far");
    uint32_t count[3] = {0};
    for (uint32_t i = 0; i < r.plan->host_count; i++)
        count[r.plan->hosts[i].region]++;
    assert_true(abs((int)count[0] - 3000) < 4 * 27); /* sqrt(4000 * 3/4 * 1/4) = 27 */
    assert_int_equal(count[2], 0);
    plan_free(r.plan);
}

static void regions_that_do_not_fit_their_table_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {TWO "rtt: [[1 ms, 1 ms, 1 ms], [1 ms, 1 ms, 1 ms]]\n",
         "rtt: expected 3 rows, one per region, got 2"},
        {TWO "rtt: [[1 ms, 1 ms, 1 ms], [1 ms, 1 ms], [1 ms, 1 ms, 1 ms]]\n",
         "rtt: expected 3 times, one per region, got 2"},
        {TWO "rtt: [[1 ms, 1 ms, 1 ms], [1 ms, 2 min, 1 ms], [1 ms, 1 ms, 1 ms]]\n",
         "rtt: expected at most 60 s, got `2 min`"},
        {TWO "rtt: [[1, 1 ms, 1 ms], [1 ms, 1 ms, 1 ms], [1 ms, 1 ms, 1 ms]]\n",
         "rtt.0: expected a time such as `30 s` (ns, us, ms, s, min, h, d), got `1`"},
        {"source: a\nregions: [{name: a, weight: 0}]\nrtt: [[1 ms]]\n",
         "expected 1 to 1000 regions whose weights add up to 1 to 4294967295"},
        {"regions: [{name: a, weight: 1}]\nrtt: [[1 ms]]\n", "expected the key `source`, got none"},
        {"just text\n", "expected a map of keys, got `just text`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r = read_with("regions", cases[i][0], 1);
        assert_null(r.plan);
        if (!strstr(r.told, cases[i][1]))
            fail_msg("expected: %s\ngot: %s", cases[i][1], r.told);
    }
}

/* A device never ends. */
static void only_files_are_read(void **state)
{
    (void)state;
    static const char text[] = "mist: 1\nname: x\nduration: 10 min\n"
                               "network: {latency: {matrix: /dev/zero}}\n"
                               "population: [{name: s, count: 1, roles: bootstrap}]\n";
    struct errors errors = {0};
    const struct scenario_options options = {0};
    assert_null(scenario_parse("x.yaml", text, strlen(text), NULL, 0, &options, &errors));
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.kept[0].message, "cannot open `/dev/zero`: not a file");
    errors_free(&errors);
    assert_null(scenario_read("/dev/zero", NULL, 0, &options, &errors));
    assert_null(scenario_read("sim", NULL, 0, &options, &errors)); /* a folder */
    assert_int_equal(errors.count, 2);
    errors_free(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_matrix_is_read_in_ms_and_its_gaps_are_filled),
        cmocka_unit_test(a_matrix_that_is_none_is_refused),
        cmocka_unit_test(regions_draw_their_hosts_by_weight),
        cmocka_unit_test(regions_that_do_not_fit_their_table_are_refused),
        cmocka_unit_test(only_files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
