/* test_record.c: the recorder: every row, every metric, every expectation.
 *
 * Expected figures are worked out by hand from recorded.h; intervals come from
 * the published formulae. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "results/format.h"
#include "sim/record_expect.h"
#include "sim/record_schema.h"
#include "sim/test/recorded.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s)\n", file, line, condition);
    abort();
}

static struct record *open_record(const char *name, struct plan *plan)
{
    char error[300] = "";
    struct record_run run = recorded_run();
    struct record *r = record_open(name, plan, &run, error, sizeof error);
    assert_string_equal(error, "");
    assert_non_null(r);
    return r;
}

static int close_record(struct record *r)
{
    char error[300] = "";
    int failed;
    struct record_run run = recorded_run();
    int status = record_close(r, &run, &failed, error, sizeof error);
    assert_string_equal(error, "");
    assert_int_equal(status, 0);
    return failed;
}

static double number(const char *name, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    double value = NAN;
    if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
        value = sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return value;
}

static double metric(const char *name, const char *column, const char *metric_name)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT %s FROM summary WHERE run=1 AND metric='%s'", column,
             metric_name);
    return number(name, sql);
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-9 * fmax(1, fabs(expected))))
        fail_msg("%.12g is not %.12g", value, expected);
}

/* The first part of every test: a finished file with the rows of recorded.h. */
static void make(char name[RECORDED_PATH])
{
    recorded_name(name);
    struct record *r = open_record(name, recorded_plan());
    recorded_rows(r);
    assert_int_equal(close_record(r), 0);
}

static void a_finished_run_holds_every_row(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        double expected;
    } cases[] = {
        {"SELECT count(*) FROM node", 6},
        {"SELECT count(*) FROM dial", 10},
        {"SELECT count(*) FROM lookup", 4},
        {"SELECT count(*) FROM message", 2},
        {"SELECT count(*) FROM traffic", 6},
        {"SELECT count(*) FROM nat_box", 2},
        {"SELECT count(*) FROM series", 2},
        {"SELECT count(*) FROM run WHERE status='complete' AND seed=7 AND cell='{}'"
         " AND scenario='evening' AND trace_hash='0123456789abcdef' AND events=4000000"
         " AND packets=1500000 AND sim_s=100 AND wall_s=2 AND peak_rss_bytes=50000000"
         " AND engine='native' AND stack='embedded' AND stack_version='mist 0.1.0'"
         " AND commit_id='abcdef1' AND started_utc='2026-01-31T12:00:00Z'",
         1},
        {"SELECT count(*) FROM node WHERE node=3 AND name='home.1' AND population='home'"
         " AND region='south' AND nat='home_apdf' AND stack='embedded'",
         1},
        {"SELECT count(*) FROM dial WHERE dial=10 AND at_ns=19000000000 AND src=3 AND dst=5"
         " AND src_nat='home_apdf' AND dst_nat='apdm/apdf/random' AND outcome='failed'"
         " AND path='none' AND first_ns IS NULL AND direct_ns IS NULL AND rtt_ideal_ns=60000000"
         " AND reason='timeout' AND window_ns=60000000000",
         1},
        {"SELECT count(*) FROM nat_box WHERE box=2 AND profile='apdm/apdf/random'"
         " AND mappings_made=70 AND mappings_peak=25 AND dropped_filter=8"
         " AND dropped_capacity=1 AND hairpins=2",
         1},
        {"SELECT count(*) FROM margin WHERE (metric='dial.direct_rate' AND margin=0.01"
         " AND relative=0) OR (metric='dial.first_byte.p50' AND margin=0.05 AND relative=1)",
         2},
        {"SELECT user_version FROM pragma_user_version", RESULTS_VERSION},
        {"SELECT application_id FROM pragma_application_id", RESULTS_APPLICATION},
    };
    char name[RECORDED_PATH];
    make(name);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (number(name, cases[i].sql) != cases[i].expected)
            fail_msg("%s gave %g", cases[i].sql, number(name, cases[i].sql));
    recorded_remove(name);
}

static void the_schema_has_the_published_columns(void **state)
{
    (void)state;
    static const char *const published[][2] = {
        {"run", "run,scenario,scenario_text,cell,seed,engine,stack,stack_version,commit_id,"
                "started_utc,status,sim_s,wall_s,events,packets,peak_rss_bytes,trace_hash"},
        {"node", "run,node,name,population,region,nat,stack"},
        {"dial", "run,dial,at_ns,src,dst,src_nat,dst_nat,outcome,path,first_ns,direct_ns,"
                 "attempts,probes,sockets,rtt_first_ns,rtt_final_ns,rtt_ideal_ns,reason,window_ns"},
        {"lookup", "run,at_ns,node,hops,peers,latency_ns,ok"},
        {"message", "run,message,at_ns,publisher,subscribers,delivered,first_ns,last_ns"},
        {"traffic", "run,node,kind,packets_out,bytes_out,packets_in,bytes_in"},
        {"nat_box", "run,box,profile,mappings_made,mappings_peak,dropped_filter,"
                    "dropped_capacity,hairpins"},
        {"pair", "run,src_nat,dst_nat,plain,best,technique"},
        {"pair_achieved", "run,src_nat,dst_nat,dials,direct_rate,lo,hi,plain,best,technique"},
        {"series", "run,at_ns,metric,value"},
        {"margin", "run,metric,margin,relative"},
        {"expectation", "run,metric,bound,value,ok"},
        {"punch_matrix", "run,src_nat,dst_nat,dials,direct,relayed,failed,direct_rate,lo,hi"},
        {"summary", "run,metric,value,lo,hi,unit"},
    };
    char name[RECORDED_PATH];
    make(name);
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        char sql[700];
        snprintf(sql, sizeof sql, "SELECT group_concat(name) = '%s' FROM pragma_table_info('%s')",
                 published[i][1], published[i][0]);
        if (number(name, sql) != 1)
            fail_msg("%s has other columns than DESIGN.md 4.3", published[i][0]);
    }
    recorded_remove(name);
}

static void the_summary_follows_the_definitions(void **state)
{
    (void)state;
    static const struct {
        const char *metric;
        double expected;
    } cases[] = {
        {"dial.count", 10},
        {"dial.direct_rate", 0.6},
        {"dial.connected_rate", 0.9},
        {"dial.relayed_rate", 0.3},
        {"dial.best_rate", (2 * 0.9 + 3) / 5}, /* over the dials of pairs that were weighed */
        {"dial.failed_rate", 0.1},
        {"dial.punch_rate", 3.0 / 7},         /* ten less two with a public end less one on a LAN */
        {"dial.first_attempt_rate", 2.0 / 3}, /* of the punched: the fourth dial took two */
        {"dial.punch_packets.mean", 100.0 / 7}, /* one node's, over the dials of punch_rate */
        {"dial.first_byte.p50", 0.5},
        {"dial.first_byte.p95", 0.9},
        {"dial.direct_time.p50", 0.6},
        {"dial.direct_time.p99", 1.2},
        {"lookup.hops.mean", 2}, /* of those that succeeded: 1, 2, 3 */
        {"lookup.latency.p50", 0.1},
        {"lookup.ok_rate", 0.75},
        {"message.delivery_rate", 0.75},
        {"message.latency.p50", 0.3},
        {"node.joined", 1},
        {"node.count", 6},
        {"traffic.packets_per_node_s", 1},
        {"traffic.bytes_per_node_s", 60},
        {"nat.mappings_made", 100},
        {"nat.mappings_peak", 25},
        {"nat.dropped_filter", 13},
        {"nat.dropped_capacity", 1},
        {"nat.hairpins", 2},
    };
    char name[RECORDED_PATH];
    make(name);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = metric(name, "value", cases[i].metric);
        if (!(fabs(value - cases[i].expected) < 1e-12))
            fail_msg("%s is %g, not %g", cases[i].metric, value, cases[i].expected);
    }
    recorded_remove(name);
}

/* 6 of 10: Wilson's interval is (0.31267, 0.83182) (Brown, Cai, DasGupta 2001, formula 4). */
static void shares_carry_wilsons_interval(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make(name);
    assert_true(fabs(metric(name, "lo", "dial.direct_rate") - 0.312674) < 1e-6);
    assert_true(fabs(metric(name, "hi", "dial.direct_rate") - 0.831820) < 1e-6);
    /* 6 of 6 joined: z^2/(n+z^2) above 0 */
    assert_near(metric(name, "lo", "node.joined"), 6 / (6 + 3.841458820694124));
    assert_near(metric(name, "hi", "node.joined"), 1);
    recorded_remove(name);
}

/* Two messages, 10 and 5 of 10: V = 2 (2.5^2 + 2.5^2) / 20^2 = 0.0625, so that the 20
 * deliveries are worth p(1-p)/V = 3. */
static void deliveries_of_one_message_are_not_independent(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make(name);
    assert_near(number(name, "SELECT n FROM message_share"), 3);
    recorded_remove(name);
}

/* n = 1000 values 1..1000 ms: p95 is the 950th; ranks 950 -+ 1.96 sqrt(47.5) widened to
 * whole ranks: 936 and 965. */
static void quantiles_carry_order_statistics(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct record *r = open_record(name, recorded_plan());
    for (uint32_t i = 0; i < 1000; i++)
        record_lookup(r, 0, 0, 1, 1, MS(1) * ((i * 7919) % 1000 + 1), 1);
    close_record(r);
    assert_near(metric(name, "value", "lookup.latency.p95"), 0.950);
    assert_near(metric(name, "lo", "lookup.latency.p95"), 0.936);
    assert_near(metric(name, "hi", "lookup.latency.p95"), 0.965);
    recorded_remove(name);
}

static void a_sample_too_small_has_no_interval(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make(name);
    assert_true(isnan(metric(name, "hi", "dial.first_byte.p99")));
    recorded_remove(name);
}

static void the_matrix_counts_ordered_pairs(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make(name);
    assert_near(number(name, "SELECT count(*) FROM punch_matrix"), 6);
    assert_near(number(name, "SELECT dials FROM punch_matrix WHERE src_nat='home_apdf'"
                             " AND dst_nat='apdm/apdf/random' AND relayed=1 AND failed=1"),
                2);
    assert_near(number(name, "SELECT direct_rate FROM punch_matrix WHERE src_nat='home_apdf'"
                             " AND dst_nat='home_apdf'"),
                1);
    recorded_remove(name);
}

static struct plan_expect expectation(char *metric_name, char *name, char *src, char *dst,
                                      const char *relation, double value)
{
    struct plan_expect e = {.metric = metric_name, .name = name, .src = src, .dst = dst};
    static char bound[] = "as written";
    e.bound = bound;
    snprintf(e.relation, sizeof e.relation, "%s", relation);
    e.value = value;
    return e;
}

static void expectations_are_judged_by_the_summary(void **state)
{
    (void)state;
    struct plan_expect expects[] = {
        expectation("dial.direct_rate", "dial.direct_rate", NULL, NULL, ">=", 0.6),
        expectation("dial.connected_rate", "dial.connected_rate", NULL, NULL, ">", 0.9),
        expectation("dial.first_byte.p95", "dial.first_byte.p95", NULL, NULL, "<=", 0.9),
        expectation("dial.direct_rate[home,home]", "dial.direct_rate", "home", "home", "==", 1),
        expectation("dial.relayed_rate[home,apdm/apdf/random]", "dial.relayed_rate", "home",
                    "apdm/apdf/random", "==", 0.5),
        expectation("dial.direct_rate[server,mobile]", "dial.direct_rate", "server", "mobile",
                    ">=", 0),
        expectation("joined", "joined", NULL, NULL, "==", 6),
        expectation("dial.nonsense", "dial.nonsense", NULL, NULL, "<=", 1),
    };
    struct plan *plan = recorded_plan();
    plan->expects = expects;
    plan->expect_count = sizeof expects / sizeof *expects;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct record *r = open_record(name, plan);
    recorded_rows(r);
    assert_int_equal(close_record(r), 3);
    assert_near(number(name, "SELECT count(*) FROM expectation WHERE NOT ok"), 3);
    assert_near(number(name, "SELECT value FROM expectation WHERE metric='dial.connected_rate'"
                             " AND NOT ok AND bound='as written'"),
                0.9);
    assert_near(number(name, "SELECT count(*) FROM expectation WHERE value IS NULL AND NOT ok"), 2);
    recorded_remove(name);
}

static void relations_hold_at_their_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *relation;
        int below, at, above;
    } cases[] = {{">=", 0, 1, 1}, {">", 0, 0, 1}, {"<=", 1, 1, 0}, {"<", 1, 0, 0}, {"==", 0, 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan_expect e = expectation("m", "m", NULL, NULL, cases[i].relation, 0.7);
        assert_int_equal(record_expect_holds(&e, 0.6), cases[i].below);
        assert_int_equal(record_expect_holds(&e, 0.7), cases[i].at);
        assert_int_equal(record_expect_holds(&e, 0.8), cases[i].above);
    }
}

static void an_interrupted_run_is_not_judged(void **state)
{
    (void)state;
    struct plan_expect e = expectation("dial.count", "dial.count", NULL, NULL, ">=", 1000);
    struct plan *plan = recorded_plan();
    plan->expects = &e;
    plan->expect_count = 1;
    char name[RECORDED_PATH], error[300];
    recorded_name(name);
    struct record *r = open_record(name, plan);
    recorded_rows(r);
    struct record_run run = recorded_run();
    run.status = "interrupted";
    int failed = -1;
    assert_int_equal(record_close(r, &run, &failed, error, sizeof error), 0);
    assert_int_equal(failed, 0);
    assert_near(number(name, "SELECT count(*) FROM expectation"), 0);
    assert_near(number(name, "SELECT count(*) FROM run WHERE status='interrupted'"), 1);
    recorded_remove(name);
}

static void traffic_of_a_population_stands_at_its_first_node(void **state)
{
    (void)state;
    struct plan *plan = recorded_plan();
    plan->traffic_per_node = false;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct record *r = open_record(name, plan);
    record_traffic(r, &(struct record_traffic){2, "kad", 1, 2, 3, 4});
    close_record(r);
    assert_near(number(name, "SELECT node FROM traffic"), 4);
    recorded_remove(name);
}

static void facts_and_packets_keep_what_is_unknown_unknown(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct record *r = open_record(name, recorded_plan());
    struct addr a = addr_v4(0x01020304, 5), nowhere = {0};
    record_fact(r, SEC(1), 2, "hole_open", 9, &a, -1, 2);
    record_fact(r, SEC(2), 2, "table_full", 0, &nowhere, 0, 0);
    record_packet(r, &(struct record_packet){SEC(1), 2, PLAN_NONE, a, a, "punch", 60, "lost"});
    close_record(r);
    assert_near(number(name, "SELECT count(*) FROM fact WHERE fact='hole_open' AND connection=9"
                             " AND addr='1.2.3.4:5' AND a=-1 AND b=2"),
                1);
    assert_near(number(name, "SELECT count(*) FROM fact WHERE fact='table_full' AND addr IS NULL"
                             " AND connection IS NULL"),
                1);
    assert_near(number(name, "SELECT count(*) FROM packet WHERE dst IS NULL AND bytes=60"
                             " AND sender='1.2.3.4:5' AND fate='lost'"),
                1);
    recorded_remove(name);
}

static void an_existing_file_is_not_overwritten(void **state)
{
    (void)state;
    char name[RECORDED_PATH], error[300] = "";
    make(name);
    struct record_run run = recorded_run();
    assert_null(record_open(name, recorded_plan(), &run, error, sizeof error));
    assert_non_null(strstr(error, "something already"));
    assert_near(number(name, "SELECT count(*) FROM dial"), 10);
    recorded_remove(name);
}

/* A file may not grow beyond 200 kB: the kernel's way of saying that the disk is full. */
static void storage_that_fails_is_noticed_at_once_and_told(void **state)
{
    (void)state;
    char name[RECORDED_PATH], error[300] = "";
    recorded_name(name);
    struct record *r = open_record(name, recorded_plan());
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){200000, before.rlim_max});
    int rows = 0;
    while (rows < 10000000 && !record_failed(r))
        record_series(r, SEC(rows++), "a_metric_with_a_long_name_that_takes_room", 1);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_true(rows < 10000000);
    struct record_run run = recorded_run();
    int failed;
    assert_int_equal(record_close(r, &run, &failed, error, sizeof error), -1);
    assert_true(strlen(error) > 0);
    recorded_remove(name);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    char error[300] = "";
    struct record_run run = recorded_run();
    assert_null(record_open("/nonexistent/r.db", recorded_plan(), &run, error, sizeof error));
    assert_non_null(strstr(error, "/nonexistent/r.db"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finished_run_holds_every_row),
        cmocka_unit_test(the_schema_has_the_published_columns),
        cmocka_unit_test(the_summary_follows_the_definitions),
        cmocka_unit_test(shares_carry_wilsons_interval),
        cmocka_unit_test(deliveries_of_one_message_are_not_independent),
        cmocka_unit_test(quantiles_carry_order_statistics),
        cmocka_unit_test(a_sample_too_small_has_no_interval),
        cmocka_unit_test(the_matrix_counts_ordered_pairs),
        cmocka_unit_test(expectations_are_judged_by_the_summary),
        cmocka_unit_test(relations_hold_at_their_bounds),
        cmocka_unit_test(an_interrupted_run_is_not_judged),
        cmocka_unit_test(traffic_of_a_population_stands_at_its_first_node),
        cmocka_unit_test(facts_and_packets_keep_what_is_unknown_unknown),
        cmocka_unit_test(an_existing_file_is_not_overwritten),
        cmocka_unit_test(storage_that_fails_is_noticed_at_once_and_told),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
