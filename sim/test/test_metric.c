/* test_metric.c: the table of metrics is that of the views which compute them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "sim/metric.h"
#include "sim/test/recorded.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s)\n", file, line, condition);
    abort();
}

static void record_verdicts(struct record *r)
{
    static const char *const knobs[] = {"mapping", "filtering", "ports",  "step",
                                        "block",   "pooling",   "hairpin"};
    for (size_t i = 0; i < sizeof knobs / sizeof knobs[0]; i++)
        record_verdict(r, &(struct record_verdict){.at = SEC(10),
                                                   .took = SEC(4),
                                                   .packets = 40,
                                                   .confidence = 100,
                                                   .knob = knobs[i],
                                                   .found = "this",
                                                   .truth = "that"});
}

/* A run with something of everything, the rule's two series included. */
static void record_everything(const char *name)
{
    char error[300] = "";
    int failed;
    struct record_run run = recorded_run();
    struct record *r = record_open(name, recorded_plan(), &run, error, sizeof error);
    assert_non_null(r);
    recorded_rows(r);
    record_verdicts(r);
    record_series(r, SEC(100), "dial.rule_rate", 0.6);
    record_series(r, SEC(100), "dial.direct_rate_vs_rule", 0.1);
    record_series(r, SEC(100), "dial.direct_rate_under_rule", 0.1);
    record_series(r, SEC(100), "dial.direct_rate_over_best", 0);
    assert_int_equal(record_close(r, &run, &failed, error, sizeof error), 0);
}

static const char *unit_of(const struct metric *metric)
{
    static const char *const units[] = {
        [VALUE_SHARE] = "ratio", [VALUE_TIME] = "s", [VALUE_SIZE] = "B/s"};
    return metric->quantity == VALUE_NUMBER ? NULL : units[metric->quantity];
}

static void check_row(const char *name, const char *unit)
{
    const struct metric *metric = metric_find(name, strlen(name));
    if (!metric || metric->source != METRIC_SUMMARY)
        fail_msg("the summary has %s, the table has not", name);
    const char *expected = unit_of(metric);
    if (expected)
        assert_string_equal(unit, expected);
    else
        assert_true(strcmp(unit, "ratio") && strcmp(unit, "s") && strcmp(unit, "B/s"));
}

static void the_table_is_what_the_summary_holds(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    record_everything(name);
    sqlite3 *db;
    sqlite3_stmt *s;
    uint32_t rows = 0, expected = 0;
    assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT metric, unit FROM summary", -1, &s, NULL),
                     SQLITE_OK);
    for (; sqlite3_step(s) == SQLITE_ROW; rows++)
        check_row((const char *)sqlite3_column_text(s, 0), (const char *)sqlite3_column_text(s, 1));
    sqlite3_finalize(s);
    sqlite3_close(db);
    for (uint32_t i = 0; i < METRIC_COUNT; i++)
        expected += METRICS[i].source == METRIC_SUMMARY;
    assert_int_equal(rows, expected); /* each once: all rows were found, and as many */
    recorded_remove(name);
}

static void every_metric_stands_once(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < METRIC_COUNT; i++)
        assert_ptr_equal(metric_find(METRICS[i].name, strlen(METRICS[i].name)), &METRICS[i]);
    assert_null(metric_find("dial.direct", 11));
    assert_null(metric_find("", 0));
}

static void a_misspelt_metric_is_recognised(void **state)
{
    (void)state;
    assert_string_equal(metric_suggest("dial.direct_rat"), "dial.direct_rate");
    assert_null(metric_suggest("happiness"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_what_the_summary_holds),
        cmocka_unit_test(every_metric_stands_once),
        cmocka_unit_test(a_misspelt_metric_is_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
