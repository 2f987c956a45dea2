/* test_show.c: what people and programs are shown of a results file: every section,
 * the summary of one and of several seeds, hostile contents, the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "sim/exit.h"
#include "sim/results.h"
#include "sim/show.h"
#include "sim/summary.h"
#include "sim/test/recorded.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s)\n", file, line, condition);
    abort();
}

#define OUTPUT 200000

/* A results file with one run per seed, seeds 1 .. n, trace hash = seed. */
static void make(char name[RECORDED_PATH], uint64_t seeds, struct plan *plan)
{
    recorded_name(name);
    struct results *r;
    assert_int_equal(results_open(&r, name), 0);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        char key[20], part[RESULTS_PATH], error[300];
        int64_t run;
        int failed;
        snprintf(key, sizeof key, "%d", (int)seed);
        plan->seed = seed;
        struct record_run info = recorded_run();
        info.trace_hash = seed;
        struct results_run what = {.scenario = plan->name,
                                   .scenario_text = plan->text,
                                   .cell = plan->cell,
                                   .engine = info.engine,
                                   .stack = info.stack,
                                   .commit_id = info.commit_id,
                                   .started_utc = info.started_utc,
                                   .key = key,
                                   .seed = seed};
        memcpy(what.stack_version, info.stack_version, sizeof what.stack_version);
        assert_int_equal(results_begin(r, &what, &run), 0);
        results_part(r, run, part);
        struct record *record = record_open(part, plan, &info, error, sizeof error);
        assert_non_null(record);
        recorded_rows(record);
        assert_int_equal(record_close(record, &info, &failed, error, sizeof error), 0);
        assert_int_equal(results_merge(r, run), 0);
    }
    results_close(r);
}

/* Runs the command with stdout and stderr in texts. */
static int show(char *out, char *err, const char *const *words)
{
    char *argv[10] = {NULL};
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = strdup(words[argc]);
    fflush(stdout);
    int stdout_was = dup(STDOUT_FILENO), stderr_was = dup(STDERR_FILENO);
    FILE *files[2] = {tmpfile(), tmpfile()};
    dup2(fileno(files[0]), STDOUT_FILENO);
    dup2(fileno(files[1]), STDERR_FILENO);
    int code = show_command.main(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(stdout_was, STDOUT_FILENO);
    dup2(stderr_was, STDERR_FILENO);
    close(stdout_was);
    close(stderr_was);
    char *texts[2] = {out, err};
    for (int i = 0; i < 2; i++) {
        rewind(files[i]);
        texts[i][fread(texts[i], 1, OUTPUT - 1, files[i])] = 0;
        fclose(files[i]);
    }
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return code;
}

static char out[OUTPUT], err[OUTPUT];

#define SHOW(...) show(out, err, (const char *const[]){"show", __VA_ARGS__, NULL})

static const char *const sections[] = {
    "runs",         "nodes",   "dials",  "boxes", "lookups", "messages", "traffic",  "series",
    "expectations", "summary", "matrix", "pairs", "facts",   "packets",  "sessions", "faults"};
#define SECTIONS (sizeof sections / sizeof *sections)

static void sections_are_tables_of_what_was_recorded(void **state)
{
    (void)state;
    static const struct {
        const char *section, *line;
    } cases[] = {
        {"runs", "  1  complete  evening      1  {}    native  mist 0.1.0     1 min 40 s   2 s"
                 "  4,000,000   50.0 MB  0000000000000001\n"},
        {"nodes", "  1     3  home.1    home        south   home_apdf         embedded\n"},
        {"boxes", "  1    2  apdm/apdf/random             70             25               8"
                  "                 1         2\n"},
        {"lookups", "  1  3 s     3     4     20   100 ms   0\n"},
        {"messages", "  1        2  21 s          3           10          5  60.0 ms  300 ms\n"},
        {"sessions", "  1     4        2  60 s        70 s  end\n"},
        {"faults", "  1      0  50 s      -  nat_flush home      2       2          1  1.50 s\n"},
        {"traffic", "  1  home        kad            200     12,000         180    10,800"
                    "       6.00 kB\n"},
        {"series", "  1  joined  2 s      6\n"},
        {"matrix", "  1  home_apdf         apdm/apdf/random      2       0        1       1"},
        {"pairs", "  1  home_apdf  apdm/apdf/random      2          0 %     0 %  65.8 %"
                  "  25.0 %  90.0 %  spray\n"},
        {"summary", "  1  dial.direct_rate            60.0 %  31.3 %  83.2 %  ratio\n"},
        {"expectations", "(none)\n"},
    };
    char name[RECORDED_PATH];
    make(name, 1, recorded_plan());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(SHOW(name, cases[i].section), EXIT_FINE);
        if (!strstr(out, cases[i].line))
            fail_msg("%s shows no line\n%s\nbut\n%s", cases[i].section, cases[i].line, out);
    }
    recorded_remove(name);
}

static void every_section_is_json_too(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make(name, 2, recorded_plan());
    sqlite3 *db;
    sqlite3_stmt *s;
    sqlite3_open(":memory:", &db);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT json_extract(?, '$.section')", -1, &s, NULL),
                     SQLITE_OK);
    for (size_t i = 0; i < SECTIONS; i++) {
        assert_int_equal(SHOW(name, sections[i], "--json"), EXIT_FINE);
        sqlite3_bind_text(s, 1, out, -1, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        assert_string_equal(sqlite3_column_text(s, 0), sections[i]);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    recorded_remove(name);
}

static void rows_are_chosen_by_run_and_limit(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make(name, 2, recorded_plan());
    assert_int_equal(SHOW(name, "dials", "--run", "2", "--limit", "3"), EXIT_FINE);
    assert_non_null(strstr(out, "\n  2     3  "));
    assert_null(strstr(out, "\n  2     4  "));
    assert_null(strstr(out, "\n  1     "));
    assert_non_null(strstr(out, "(the first 3; --limit 0 shows all)"));
    recorded_remove(name);
}

static void a_hostile_file_steers_no_terminal(void **state)
{
    (void)state;
    struct plan *plan = recorded_plan();
    static char nasty[] = "\033]0;owned\007\nname";
    plan->name = nasty;
    char name[RECORDED_PATH];
    make(name, 1, plan);
    for (size_t i = 0; i < SECTIONS; i++) {
        assert_int_equal(SHOW(name, sections[i]), EXIT_FINE);
        assert_null(strchr(out, '\033'));
    }
    recorded_remove(name);
}

/* Where an integer is expected a text of any length may stand in a file made by others;
 * STRICT tables refuse it, and a table that is not ours is refused whole. */
static void a_forged_table_is_refused(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make(name, 1, recorded_plan());
    sqlite3 *db;
    sqlite3_open(name, &db);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP VIEW summary; CREATE VIEW summary(run, metric, value, lo,"
                                  " hi, unit) AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL"
                                  " SELECT x+1 FROM c) SELECT 1, 'x', x, x, x, 's' FROM c",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(SHOW(name, "summary"), EXIT_INPUT);
    assert_non_null(strstr(err, "tables are not that version's"));
    recorded_remove(name);
}

static const char *summary(const struct summary_request *request)
{
    static char text[OUTPUT];
    char error[300] = "";
    memset(text, 0, sizeof text);
    FILE *file = fmemopen(text, sizeof text, "w");
    assert_int_equal(summary_print(request, file, error, sizeof error), 0);
    fclose(file);
    return text;
}

static void assert_says(const char *text, const char *line)
{
    if (!strstr(text, line)) {
        print_message("no '%s' in\n%s", line, text);
        fail();
    }
}

static void one_run_is_summed_up_with_its_own_intervals(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make(name, 1, recorded_plan());
    const char *text = summary(&(struct summary_request){name, "Who\n?\n", &(int64_t){1}, 1});
    assert_says(text, "evening: Who ?\n6 nodes behind 3 kinds of NAT, engine native,"
                      " core mist 0.1.0 (embedded), commit abcdef1\n");
    assert_says(text, "dials connected                    90.0 %  59.6 % .. 98.2 %  of 10\n");
    assert_says(text, "dials direct                       60.0 %  31.3 % .. 83.2 %  of 10\n");
    assert_says(text, "direct where both are behind NATs  42.9 %  15.8 % .. 75.0 %  of 7\n");
    assert_says(text, "time to first byte, median         500 ms");
    assert_says(text, "intervals within this one run");
    assert_says(text, "Paths: punched 30.0 %, relay 30.0 %, public 20.0 %, lan 10.0 %,"
                      " none 10.0 %\n");
    assert_says(text, "                         a    b    c\n"
                      "  a  none                -    -  100\n"
                      "  b  apdm/apdf/random    -  100    0\n"
                      "  c  home_apdf         100   0!  100\n");
    assert_says(text, "  kad     0.83/s  50 B/s  83.3 %\n");
    assert_says(text, "run 1, seed 1: complete, 1 min 40 s in 2 s (50x real time), 2.00 M events/s,"
                      " 50.0 MB, trace 0000000000000001\n");
    recorded_remove(name);
}

static void several_seeds_are_summed_up_over_seeds(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make(name, 3, recorded_plan());
    int64_t runs[] = {1, 2, 3};
    const char *text = summary(&(struct summary_request){name, "", runs, 3});
    assert_says(text, "(intervals over 3 seeds)");
    assert_says(text, "of 30\n");
    assert_says(text, "run 3, seed 3: complete");
    /* Equal seeds do not differ: the median has no spread. */
    assert_says(text, "time to first byte, median         500 ms  500 ms .. 500 ms");
    runs[1] = 1;
    text = summary(&(struct summary_request){name, "", runs, 2});
    assert_says(text, "of 10\n");
    recorded_remove(name);
}

static void a_sweep_is_a_table_and_tells_the_cells_that_failed(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    static char lossy[] = "{\"network.loss\":\"2%\"}";
    struct plan *plan = recorded_plan();
    make(name, 2, plan);
    sqlite3 *db;
    sqlite3_open(name, &db);
    char sql[300];
    snprintf(sql, sizeof sql,
             "UPDATE run SET cell='%s' WHERE run=2; INSERT INTO expectation VALUES"
             " (1,'dial.count','>= 1',10,1), (2,'dial.count','>= 11',10,0)",
             lossy);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    int64_t runs[] = {1, 2};
    const char *text = summary(&(struct summary_request){name, "", runs, 2});
    assert_says(text, "  {}                         1  90.0 % (59.6 % .. 98.2 %)  60.0 % (");
    assert_says(text, "  {\"network.loss\":\"2%\"}      1  90.0 % (");
    assert_says(text, "cell {\"network.loss\":\"2%\"}\n\n  Expected\n"
                      "  FAILED  dial.count >= 11: 10\n");
    assert_null(strstr(text, ">= 1:"));
    assert_says(text, "all expectations hold in 1 of 2 cells\n\n  runs: 2 complete\n");
    recorded_remove(name);
}

static void an_expectation_that_failed_stands_first(void **state)
{
    (void)state;
    struct plan_expect expects[] = {
        {.metric = (char[]){"dial.count"},
         .bound = (char[]){">= 10"},
         .relation = ">=",
         .value = 10},
        {.metric = (char[]){"dial.direct_rate"},
         .bound = (char[]){">= 70%"},
         .relation = ">=",
         .value = 0.7},
        {.metric = (char[]){"dial.nothing"},
         .bound = (char[]){"<= 1"},
         .relation = "<=",
         .value = 1},
    };
    struct plan *plan = recorded_plan();
    plan->expects = expects;
    plan->expect_count = 3;
    char name[RECORDED_PATH];
    make(name, 1, plan);
    const char *text = summary(&(struct summary_request){name, "", &(int64_t){1}, 1});
    assert_says(text, "  Expected\n"
                      "  FAILED  dial.direct_rate >= 70%: 60.0 %\n"
                      "  FAILED  dial.nothing <= 1: not measured\n"
                      "  ok      dial.count >= 10: 10\n");
    recorded_remove(name);
}

static void the_line_is_read_by_the_table(void **state)
{
    (void)state;
    static struct command_line line;
    char *words[] = {"show", "-h"};
    fflush(stdout);
    char *good[] = {"show", "--run=3", "file", "--limit", "5", "--", "--json"};
    assert_int_equal(command_parse(&show_command, 7, good, &line), COMMAND_CONTINUES);
    assert_int_equal(line.argument_count, 2);
    assert_string_equal(line.arguments[1], "--json");
    assert_string_equal(command_value(&line, "run"), "3");
    assert_null(command_value(&line, "json"));
    uint64_t number = 0;
    assert_int_equal(command_number(&line, "limit", 0, 10, &number), 0);
    assert_int_equal(number, 5);
    assert_int_equal(show(out, err, (const char *const[]){words[0], words[1], NULL}), EXIT_FINE);
    assert_non_null(strstr(out, "usage: mistsim show FILE.db [SECTION] [options]"));
    assert_non_null(strstr(out, "--limit N"));
}

static void numbers_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    uint64_t n = 7;
    static const char *const bad[] = {"", "-1", "1x", " 1", "0x10", "18446744073709551616", "11"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t high = strcmp(bad[i], "11") == 0 ? 10 : UINT64_MAX;
        assert_int_equal(command_read_number(bad[i], high, &n), -1);
        assert_int_equal(n, 7);
    }
    assert_int_equal(command_read_number("18446744073709551615", UINT64_MAX, &n), 0);
    assert_true(n == UINT64_MAX);
    assert_int_equal(command_read_number("10", 10, &n), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_are_tables_of_what_was_recorded),
        cmocka_unit_test(every_section_is_json_too),
        cmocka_unit_test(rows_are_chosen_by_run_and_limit),
        cmocka_unit_test(a_hostile_file_steers_no_terminal),
        cmocka_unit_test(a_forged_table_is_refused),
        cmocka_unit_test(one_run_is_summed_up_with_its_own_intervals),
        cmocka_unit_test(several_seeds_are_summed_up_over_seeds),
        cmocka_unit_test(a_sweep_is_a_table_and_tells_the_cells_that_failed),
        cmocka_unit_test(an_expectation_that_failed_stands_first),
        cmocka_unit_test(the_line_is_read_by_the_table),
        cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
