/* test_results.c: nothing is lost, nothing is there in part, nothing twice:
 * kills, full disks, damaged and foreign files, two writers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "sim/exit.h"
#include "sim/record_schema.h"
#include "sim/results.h"
#include "sim/test/recorded.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s)\n", file, line, condition);
    abort();
}

static struct results_run what(const char *key)
{
    return (struct results_run){
        .scenario = "evening",
        .scenario_text = "mist: 1\n",
        .cell = "{}",
        .engine = "native",
        .stack = "embedded",
        .stack_version = "mist 0.1.0",
        .commit_id = "abcdef1",
        .started_utc = "2026-01-31T12:00:00Z",
        .key = key,
        .seed = 7,
    };
}

static struct results *open_results(const char *name)
{
    struct results *r;
    if (results_open(&r, name))
        fail_msg("%s", results_error(r));
    return r;
}

static int64_t begin_run(struct results *r, const char *key)
{
    int64_t run = 0;
    struct results_run w = what(key);
    if (results_begin(r, &w, &run))
        fail_msg("%s", results_error(r));
    return run;
}

/* Writes the part file of a run as a worker would. */
static void write_part(struct results *r, int64_t run, const char *status, uint64_t trace_hash)
{
    char part[RESULTS_PATH], error[300] = "";
    results_part(r, run, part);
    struct record_run info = recorded_run();
    struct record *record = record_open(part, recorded_plan(), &info, error, sizeof error);
    assert_string_equal(error, "");
    recorded_rows(record);
    info.status = status;
    info.trace_hash = trace_hash;
    int failed;
    assert_int_equal(record_close(record, &info, &failed, error, sizeof error), 0);
}

static int64_t number(const char *name, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int64_t value = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return value;
}

static void change(const char *name, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int part_exists(struct results *r, int64_t run)
{
    char part[RESULTS_PATH];
    results_part(r, run, part);
    return access(part, F_OK) == 0;
}

static void a_run_is_seen_as_running_and_then_whole(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct results *r = open_results(name);
    int64_t run = begin_run(r, "a");
    assert_int_equal(number(name, "SELECT status='running' FROM run"), 1);
    write_part(r, run, "complete", 1);
    assert_int_equal(number(name, "SELECT count(*) FROM dial"), 0);
    assert_int_equal(results_merge(r, run), 0);
    assert_int_equal(number(name, "SELECT count(*) FROM run WHERE status='complete' AND sim_s=100"
                                  " AND trace_hash='0000000000000001'"),
                     1);
    assert_int_equal(number(name, "SELECT count(*) FROM dial WHERE run=1"), 10);
    assert_int_equal(number(name, "SELECT count(*) FROM node WHERE run=1"), 6);
    assert_false(part_exists(r, run));
    assert_int_equal(results_complete(r), 1);
    results_close(r);
    recorded_remove(name);
}

static void runs_stand_side_by_side(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct results *r = open_results(name);
    int64_t first = begin_run(r, "a"), second = begin_run(r, "b");
    write_part(r, second, "complete", 2);
    write_part(r, first, "complete", 1);
    assert_int_equal(results_merge(r, second), 0);
    assert_int_equal(results_merge(r, first), 0);
    results_close(r);
    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
    assert_int_equal(number(name, "SELECT count(DISTINCT run) FROM summary"), 2);
    recorded_remove(name);
}

static void a_complete_run_is_found_by_its_key(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct results *r = open_results(name);
    struct results_found found;
    int64_t run = begin_run(r, "a");
    assert_int_equal(results_find(r, "a", &found), 0);
    assert_int_equal(found.run, 0);
    write_part(r, run, "complete", 0xab);
    assert_int_equal(results_merge(r, run), 0);
    assert_int_equal(results_find(r, "a", &found), 0);
    assert_int_equal(found.run, run);
    assert_string_equal(found.trace_hash, "00000000000000ab");
    assert_int_equal(results_find(r, "b", &found), 0);
    assert_int_equal(found.run, 0);
    results_close(r);
    recorded_remove(name);
}

static void a_failed_run_leaves_a_row_and_its_number_to_the_next_attempt(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct results *r = open_results(name);
    int64_t run = begin_run(r, "a");
    begin_run(r, "b");
    write_part(r, run, "complete", 1);
    assert_int_equal(results_end(r, run, "failed"), 0);
    assert_false(part_exists(r, run));
    assert_int_equal(number(name, "SELECT count(*) FROM run WHERE status='failed'"), 1);
    assert_int_equal(number(name, "SELECT count(*) FROM node"), 0);
    assert_int_equal(begin_run(r, "a"), run);
    assert_int_equal(number(name, "SELECT count(*) FROM run"), 2);
    results_close(r);
    recorded_remove(name);
}

static void an_interrupted_runs_rows_give_way_to_the_next_attempt(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct results *r = open_results(name);
    int64_t run = begin_run(r, "a");
    write_part(r, run, "interrupted", 1);
    assert_int_equal(results_merge(r, run), 0);
    assert_int_equal(number(name, "SELECT count(*) FROM dial"), 10);
    assert_int_equal(begin_run(r, "a"), run);
    assert_int_equal(number(name, "SELECT count(*) FROM dial"), 0);
    write_part(r, run, "complete", 2);
    assert_int_equal(results_merge(r, run), 0);
    assert_int_equal(number(name, "SELECT count(*) FROM dial"), 10);
    results_close(r);
    recorded_remove(name);
}

static void a_repeated_run_replaces_the_equal_one(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct results *r = open_results(name);
    for (int i = 0; i < 2; i++) {
        int64_t run = begin_run(r, "a");
        write_part(r, run, "complete", 5);
        assert_int_equal(results_merge(r, run), 0);
    }
    results_close(r);
    assert_int_equal(number(name, "SELECT count(*) FROM run"), 1);
    assert_int_equal(number(name, "SELECT count(*) FROM dial"), 10);
    recorded_remove(name);
}

static void a_repeated_run_with_another_trace_is_refused(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct results *r = open_results(name);
    int64_t first = begin_run(r, "a");
    write_part(r, first, "complete", 5);
    assert_int_equal(results_merge(r, first), 0);
    int64_t second = begin_run(r, "a");
    write_part(r, second, "complete", 6);
    assert_int_equal(results_merge(r, second), EXIT_BROKEN);
    assert_non_null(strstr(results_error(r), "not deterministic"));
    assert_int_equal(results_end(r, second, "failed"), 0);
    results_close(r);
    assert_int_equal(number(name, "SELECT run FROM run WHERE status='complete'"), first);
    assert_int_equal(number(name, "SELECT count(*) FROM dial"), 10);
    recorded_remove(name);
}

static void a_second_writer_is_turned_away(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    struct results *first = open_results(name), *second;
    assert_int_equal(results_open(&second, name), EXIT_INPUT);
    assert_non_null(strstr(results_error(second), "another mistsim"));
    results_close(second);
    assert_int_equal(results_mend(name), 1);
    begin_run(first, "a");
    results_close(first);
    recorded_remove(name);
}

static void a_dead_campaigns_runs_become_interrupted(void **state)
{
    (void)state;
    char name[RECORDED_PATH], part[RESULTS_PATH];
    recorded_name(name);
    pid_t child = fork();
    if (child == 0) {
        struct results *r = open_results(name);
        int64_t run = begin_run(r, "a");
        write_part(r, run, "complete", 1);
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    snprintf(part, sizeof part, "%s.part-1", name);
    assert_int_equal(access(part, F_OK), 0);
    assert_int_equal(number(name, "SELECT count(*) FROM run WHERE status='running'"), 1);
    assert_int_equal(results_mend(name), 0);
    assert_int_equal(number(name, "SELECT count(*) FROM run WHERE status='interrupted'"), 1);
    assert_int_not_equal(access(part, F_OK), 0);
    recorded_remove(name);
}

/* The child promises each run aloud once it is merged; the parent kills it in the middle. */
static void campaign(const char *name, int promises, int from)
{
    struct results *r = open_results(name);
    for (int i = from; i < from + 1000; i++) {
        char key[20];
        snprintf(key, sizeof key, "%d", i);
        int64_t run = begin_run(r, key);
        write_part(r, run, "complete", (uint64_t)i);
        if (results_merge(r, run) || write(promises, &run, sizeof run) != sizeof run)
            _exit(1);
    }
    _exit(0);
}

static void kills_lose_no_promised_run_and_leave_none_in_part(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    int64_t promised = 0, last = 0;
    for (int round = 0; round < 15; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0)
            campaign(name, pipes[1], round * 1000);
        close(pipes[1]);
        assert_int_equal(read(pipes[0], &last, sizeof last), sizeof last);
        promised++;
        /* Not a wait for anything: the moment of the kill, which walks through a run. */
        nanosleep(&(struct timespec){.tv_nsec = round * 3700000}, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &last, sizeof last) == sizeof last)
            promised++;
        close(pipes[0]);
    }
    struct results *r = open_results(name);
    int64_t kept = results_complete(r);
    results_close(r);
    assert_true(kept >= promised);
    assert_int_equal(number(name, "SELECT count(*) FROM dial"), 10 * kept);
    assert_int_equal(number(name, "SELECT count(*) FROM node"), 6 * kept);
    assert_int_equal(number(name, "SELECT count(*) FROM run WHERE status='running'"), 0);
    assert_int_equal(number(name, "SELECT integrity_check='ok' FROM pragma_integrity_check"), 1);
    recorded_remove(name);
}

/* Merges runs until storage fails; returns how many were merged. */
static int64_t fill(struct results *r, const struct plan *plan, char *why, size_t why_size)
{
    int64_t merged = 0;
    for (int i = 0; i < 1000; i++) {
        char key[20], part[RESULTS_PATH], error[300];
        snprintf(key, sizeof key, "%d", i);
        struct results_run w = what(key);
        int64_t run;
        int failed;
        struct record_run info = recorded_run();
        int status = results_begin(r, &w, &run);
        if (status) {
            snprintf(why, why_size, "%s", results_error(r));
            return status == EXIT_STORAGE ? merged : -1;
        }
        results_part(r, run, part);
        struct record *record = record_open(part, plan, &info, error, sizeof error);
        if (record)
            recorded_rows(record);
        if (!record || record_close(record, &info, &failed, error, sizeof error)) {
            snprintf(why, why_size, "%s", error);
            return merged;
        }
        status = results_merge(r, run);
        if (status) {
            snprintf(why, why_size, "%s", results_error(r));
            return status == EXIT_STORAGE ? merged : -1;
        }
        merged++;
    }
    return -1;
}

static void a_full_disk_keeps_what_was_finished(void **state)
{
    (void)state;
    char folder[] = "/tmp/mist-disk-XXXXXX", name[RECORDED_PATH], why[300] = "";
    assert_non_null(mkdtemp(folder));
    if (mount("mist", folder, "tmpfs", 0, "size=700k")) {
        rmdir(folder);
        print_message("skipped: mounting a small tmpfs is not allowed here\n");
        skip();
    }
    snprintf(name, sizeof name, "%s/r.db", folder);
    struct results *r = open_results(name);
    int64_t merged = fill(r, recorded_plan(), why, sizeof why);
    assert_true(merged > 0);
    assert_true(strlen(why) > 0);
    assert_int_equal(results_complete(r), merged);
    results_close(r);
    assert_int_equal(mount("mist", folder, "tmpfs", MS_REMOUNT, "size=4m"), 0);
    r = open_results(name);
    assert_int_equal(results_complete(r), merged);
    int64_t run = begin_run(r, "one more");
    write_part(r, run, "complete", 1);
    assert_int_equal(results_merge(r, run), 0);
    results_close(r);
    assert_int_equal(number(name, "SELECT count(*) FROM dial"), 10 * (merged + 1));
    assert_int_equal(number(name, "SELECT integrity_check='ok' FROM pragma_integrity_check"), 1);
    assert_int_equal(umount(folder), 0);
    rmdir(folder);
}

static void a_file_size_limit_keeps_what_was_finished(void **state)
{
    (void)state;
    char name[RECORDED_PATH], why[300] = "";
    recorded_name(name);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    struct results *r = open_results(name);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){400000, before.rlim_max});
    int64_t merged = fill(r, recorded_plan(), why, sizeof why);
    assert_true(merged > 0);
    assert_int_equal(results_complete(r), merged);
    results_close(r);
    setrlimit(RLIMIT_FSIZE, &before);
    r = open_results(name);
    assert_int_equal(results_complete(r), merged);
    results_close(r);
    assert_int_equal(number(name, "SELECT count(*) FROM dial"), 10 * merged);
    recorded_remove(name);
}

static void expect_refusal(const char *name, int status, const char *words)
{
    struct stat before, after;
    stat(name, &before);
    struct results *r;
    assert_int_equal(results_open(&r, name), status);
    if (!strstr(results_error(r), words))
        fail_msg("'%s' does not say '%s'", results_error(r), words);
    results_close(r);
    assert_int_equal(stat(name, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
}

static void make_file(char name[RECORDED_PATH])
{
    recorded_name(name);
    struct results *r = open_results(name);
    for (int i = 0; i < 20; i++) {
        char key[20];
        snprintf(key, sizeof key, "%d", i);
        int64_t run = begin_run(r, key);
        write_part(r, run, "complete", 1);
        assert_int_equal(results_merge(r, run), 0);
    }
    results_close(r);
}

static void files_that_are_not_ours_are_refused_untouched(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *words;
    } cases[] = {
        {"PRAGMA application_id=1", "not one of mistsim's"},
        {"PRAGMA user_version=9", "version 9; this program knows version"},
        {"PRAGMA user_version=1", "run the scenario again into another file"},
        {"DROP VIEW summary; CREATE VIEW summary AS SELECT 1", "tables are not that version's"},
        {"DROP TABLE lookup", "tables are not that version's"},
        {"CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM run; END", "tables are not"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[RECORDED_PATH];
        make_file(name);
        change(name, cases[i].sql);
        expect_refusal(name, EXIT_INPUT, cases[i].words);
        recorded_remove(name);
    }
}

static void a_users_own_view_does_no_harm(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make_file(name);
    change(name, "CREATE VIEW mine AS SELECT count(*) FROM dial");
    results_close(open_results(name));
    assert_int_equal(number(name, "SELECT * FROM mine"), 200);
    recorded_remove(name);
}

static void a_text_file_is_not_a_database(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    recorded_name(name);
    FILE *f = fopen(name, "w");
    for (int i = 0; i < 1000; i++)
        fputs("mist: 1\n", f);
    fclose(f);
    expect_refusal(name, EXIT_INPUT, "not a database");
    recorded_remove(name);
}

static void damage_is_found_before_anything_is_written(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make_file(name);
    int64_t size = number(name, "SELECT page_count FROM pragma_page_count") * 4096;
    int fd = open(name, O_RDWR);
    char noise[4096];
    memset(noise, 0x5a, sizeof noise);
    for (int64_t at = size / 2 / 4096 * 4096; at < size; at += 4096)
        assert_int_equal(pwrite(fd, noise, sizeof noise, at), sizeof noise);
    close(fd);
    expect_refusal(name, EXIT_STORAGE, "damaged");
    recorded_remove(name);
}

static void a_name_that_cannot_be_written_is_storage(void **state)
{
    (void)state;
    struct results *r;
    assert_int_equal(results_open(&r, "/nonexistent/folder/r.db"), EXIT_STORAGE);
    assert_non_null(strstr(results_error(r), "/nonexistent/folder/r.db"));
    results_close(r);
    assert_int_equal(results_open(&r, "/tmp"), EXIT_STORAGE);
    results_close(r);
}

/* A reader in the middle of a query neither waits nor makes the writer wait. */
static void a_reader_does_not_stop_the_writer(void **state)
{
    (void)state;
    char name[RECORDED_PATH];
    make_file(name);
    struct results *r = open_results(name);
    sqlite3 *reader;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(name, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(reader, "SELECT * FROM dial", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t run = begin_run(r, "during the reading");
    write_part(r, run, "complete", 1);
    assert_int_equal(results_merge(r, run), 0);
    int rows = 1;
    while (sqlite3_step(s) == SQLITE_ROW)
        rows++;
    assert_int_equal(rows, 200);
    sqlite3_finalize(s);
    sqlite3_close(reader);
    results_close(r);
    recorded_remove(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_seen_as_running_and_then_whole),
        cmocka_unit_test(runs_stand_side_by_side),
        cmocka_unit_test(a_complete_run_is_found_by_its_key),
        cmocka_unit_test(a_failed_run_leaves_a_row_and_its_number_to_the_next_attempt),
        cmocka_unit_test(an_interrupted_runs_rows_give_way_to_the_next_attempt),
        cmocka_unit_test(a_repeated_run_replaces_the_equal_one),
        cmocka_unit_test(a_repeated_run_with_another_trace_is_refused),
        cmocka_unit_test(a_second_writer_is_turned_away),
        cmocka_unit_test(a_dead_campaigns_runs_become_interrupted),
        cmocka_unit_test(kills_lose_no_promised_run_and_leave_none_in_part),
        cmocka_unit_test(a_full_disk_keeps_what_was_finished),
        cmocka_unit_test(a_file_size_limit_keeps_what_was_finished),
        cmocka_unit_test(files_that_are_not_ours_are_refused_untouched),
        cmocka_unit_test(a_users_own_view_does_no_harm),
        cmocka_unit_test(a_text_file_is_not_a_database),
        cmocka_unit_test(damage_is_found_before_anything_is_written),
        cmocka_unit_test(a_name_that_cannot_be_written_is_storage),
        cmocka_unit_test(a_reader_does_not_stop_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
