/* test_source.c: results files that are not what they say, or say what they should not. */
#include "analysis/test/fixture.h"

#include <sys/stat.h>

#include "analysis/cells.h"
#include "analysis/curves.h"
#include "analysis/measure.h"
#include "analysis/source.h"

#define GOOD "good.db"

static int make_good(void **state)
{
    (void)state;
    fixture_run(GOOD, "scenarios/smoke/two-peers.yaml");
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    fixture_remove();
    return 0;
}

static void assert_refused(const char *name, int status, const char *words)
{
    struct source s;
    char path[FIXTURE_PATH];
    assert_int_equal(source_open(&s, fixture_path(path, name)), status);
    if (!strstr(s.error, words))
        fail_msg("%s: expected `%s` in `%s`", name, words, s.error);
    source_close(&s);
}

static void a_good_file_is_read(void **state)
{
    struct source s;
    char path[FIXTURE_PATH];
    (void)state;
    assert_int_equal(source_open(&s, fixture_path(path, GOOD)), 0);
    assert_int_equal(source_number(&s, "SELECT count(*) FROM run", ""), 1);
    source_close(&s);
}

static void a_file_of_another_kind_or_version_is_refused(void **state)
{
    char path[FIXTURE_PATH];
    (void)state;
    FILE *text = fopen(fixture_path(path, "text.db"), "w");
    assert_non_null(text);
    for (int i = 0; i < 1000; i++)
        fputs("not a database\n", text);
    fclose(text);
    assert_refused("text.db", EXIT_INPUT, "not a database");
    assert_refused("absent.db", EXIT_INPUT, "No such file");
    assert_refused(".", EXIT_INPUT, "not a file");
    assert_int_equal(mkfifo(fixture_path(path, "fifo.db"), 0600), 0);
    assert_refused("fifo.db", EXIT_INPUT, "not a file");
    fclose(fopen(fixture_path(path, "empty.db"), "w"));
    assert_refused("empty.db", EXIT_INPUT, "not one of mistsim's");
    fixture_spoil(GOOD, "other.db", "PRAGMA application_id=1");
    assert_refused("other.db", EXIT_INPUT, "not one of mistsim's");
    fixture_spoil(GOOD, "newer.db", "PRAGMA user_version=9");
    assert_refused("newer.db", EXIT_INPUT, "results of version 9; this program knows version");
    fixture_spoil(GOOD, "older.db", "PRAGMA user_version=1");
    assert_refused("older.db", EXIT_INPUT, "run the scenario again into another file");
}

static void a_file_with_other_objects_is_refused(void **state)
{
    static const char *const changes[] = {
        "CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM run; END",
        "DROP TABLE lookup",
        "DROP TABLE lookup; CREATE VIEW lookup AS SELECT 1",
        "DROP VIEW summary",
        "DROP VIEW summary; CREATE TABLE summary(run)",
        "DROP TABLE traffic; CREATE VIRTUAL TABLE traffic USING fts5(a)",
    };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        fixture_spoil(GOOD, "changed.db", changes[i]);
        assert_refused("changed.db", EXIT_INPUT, "its tables are not");
    }
}

static void a_damaged_file_is_refused(void **state)
{
    char path[FIXTURE_PATH], junk[4096];
    (void)state;
    fixture_spoil(GOOD, "damaged.db", "SELECT 1");
    FILE *file = fopen(fixture_path(path, "damaged.db"), "r+");
    memset(junk, 0xa5, sizeof junk);
    /* A page in the middle, which is one of the rows. */
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long pages = ftell(file) / 4096;
    for (long page = pages / 2; page < pages; page++) {
        assert_int_equal(fseek(file, page * 4096, SEEK_SET), 0);
        assert_int_equal(fwrite(junk, sizeof junk, 1, file), 1);
    }
    fclose(file);
    assert_refused("damaged.db", EXIT_STORAGE, "damaged");
}

/* All queries of a report but those of the page. */
static int read_all(const char *path)
{
    static struct cells cells;
    struct source s;
    source_open(&s, path);
    s.work_most = 200000;
    cells_find(&s, &cells);
    measure_prepare(&s);
    curves_prepare(&s, &cells);
    source_close(&s);
    return s.status;
}

static void a_view_without_end_is_given_up(void **state)
{
    char path[FIXTURE_PATH];
    (void)state;
    fixture_spoil(GOOD, "endless.db",
                  "DROP VIEW summary; CREATE VIEW summary(run, metric, value, lo, hi, unit) AS"
                  " WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r)"
                  " SELECT 1, 'm', n, n, n, '' FROM r WHERE n < 0");
    struct source s;
    assert_int_equal(source_open(&s, fixture_path(path, "endless.db")), 0);
    s.work_most = 100;
    assert_int_equal(source_number(&s, "SELECT count(*) FROM summary WHERE run=1", ""), 0);
    assert_int_equal(s.status, EXIT_INPUT);
    assert_non_null(strstr(s.error, "takes too long"));
    source_close(&s);
}

static void a_column_that_is_missing_is_told(void **state)
{
    char path[FIXTURE_PATH];
    (void)state;
    fixture_spoil(GOOD, "column.db", "ALTER TABLE lookup RENAME COLUMN hops TO jumps");
    assert_int_equal(read_all(fixture_path(path, "column.db")), EXIT_INPUT);
}

static void a_text_beyond_the_limit_is_refused(void **state)
{
    char path[FIXTURE_PATH];
    (void)state;
    fixture_spoil(GOOD, "long.db", "UPDATE run SET scenario_text=hex(zeroblob(3000000))");
    assert_int_equal(read_all(fixture_path(path, "long.db")), EXIT_INPUT);
}

static void a_file_cannot_write_or_attach(void **state)
{
    struct source s;
    char path[FIXTURE_PATH];
    (void)state;
    assert_int_equal(source_open(&s, fixture_path(path, GOOD)), 0);
    source_run(&s, "ATTACH ':memory:' AS other", "");
    assert_int_not_equal(s.status, 0);
    source_close(&s);
    assert_int_equal(source_open(&s, path), 0);
    source_run(&s, "DELETE FROM main.run", "");
    assert_int_not_equal(s.status, 0);
    source_close(&s);
}

static void messages_bring_no_control_characters(void **state)
{
    struct source s;
    char path[FIXTURE_PATH];
    (void)state;
    assert_int_equal(source_open(&s, fixture_path(path, GOOD)), 0);
    source_run(&s, "SELECT \"\x1b[31m\x07\".a FROM run", "");
    assert_int_equal(s.status, EXIT_INPUT);
    assert_null(strchr(s.error, '\x1b'));
    assert_null(strchr(s.error, '\x07'));
    source_close(&s);
}

/* Numbers that no run has. */
static void senseless_numbers_do_no_harm(void **state)
{
    static const char *const changes[] = {
        "UPDATE dial SET at_ns=-9223372036854775807, first_ns=-5, direct_ns=9223372036854775807",
        "UPDATE dial SET at_ns=9223372036854775807 WHERE dial=1",
        "UPDATE run SET sim_s=0",
        "UPDATE run SET sim_s=-1e308, wall_s=9e999",
        "UPDATE run SET seed=-9223372036854775808",
        "UPDATE traffic SET bytes_out=9223372036854775807, packets_out=-1",
        "UPDATE nat_box SET mappings_made=-9223372036854775808",
        "UPDATE lookup SET hops=-9223372036854775808, latency_ns=-1, ok=-7",
        "UPDATE series SET at_ns=-9223372036854775808, value=9e999",
        "UPDATE series SET value=NULL",
        "DELETE FROM node",
        "DELETE FROM series",
        "DELETE FROM dial",
        "DELETE FROM run",
        "UPDATE run SET cell='{'",
        "UPDATE run SET cell='[[[1]]]'",
        "UPDATE run SET cell='{\"a\":{\"b\":null}}'",
    };
    char path[FIXTURE_PATH];
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        fixture_spoil(GOOD, "numbers.db", changes[i]);
        int status = read_all(fixture_path(path, "numbers.db"));
        /* SQLite's sum may overflow in the file's own view: then it is told. */
        assert_true(status == 0 || status == EXIT_INPUT);
    }
}

/* A byte changed here and there is noticed or does no harm. */
static void spoilt_bytes_never_crash(void **state)
{
    char path[FIXTURE_PATH];
    uint64_t draw = 42;
    (void)state;
    for (int round = 0; round < 150; round++) {
        fixture_spoil(GOOD, "bytes.db", "SELECT 1");
        FILE *file = fopen(fixture_path(path, "bytes.db"), "r+");
        assert_int_equal(fseek(file, 0, SEEK_END), 0);
        uint64_t size = (uint64_t)ftell(file);
        for (int i = 0; i < 3; i++) {
            draw = draw * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX */
            assert_int_equal(fseek(file, (long)((draw >> 33) % size), SEEK_SET), 0);
            fputc((int)(draw >> 25 & 0xff), file);
        }
        fclose(file);
        int status = read_all(path);
        assert_true(status == 0 || status == EXIT_INPUT || status == EXIT_STORAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_read),
        cmocka_unit_test(a_file_of_another_kind_or_version_is_refused),
        cmocka_unit_test(a_file_with_other_objects_is_refused),
        cmocka_unit_test(a_damaged_file_is_refused),
        cmocka_unit_test(a_view_without_end_is_given_up),
        cmocka_unit_test(a_column_that_is_missing_is_told),
        cmocka_unit_test(a_text_beyond_the_limit_is_refused),
        cmocka_unit_test(a_file_cannot_write_or_attach),
        cmocka_unit_test(messages_bring_no_control_characters),
        cmocka_unit_test(senseless_numbers_do_no_harm),
        cmocka_unit_test(spoilt_bytes_never_crash),
    };
    return cmocka_run_group_tests(tests, make_good, clean_up);
}
