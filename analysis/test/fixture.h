/* fixture.h: results files for the tests: real ones, made by the program that is
 * tested with them, and spoilt ones.  For test_page.c and test_source.c. */
#ifndef ANALYSIS_TEST_FIXTURE_H
#define ANALYSIS_TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/exit.h"
#include "stack/check.h"

#define FIXTURE_PATH 300

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s)\n", file, line, condition);
    _Exit(EXIT_BROKEN);
}

/* The folder of this test, made at its first use. */
static inline const char *fixture_folder(void)
{
    static char folder[] = "/tmp/mist-report-test-XXXXXX";
    static int made;
    if (!made)
        assert_non_null(mkdtemp(folder));
    made = 1;
    return folder;
}

static inline void fixture_remove(void)
{
    char command[FIXTURE_PATH];
    snprintf(command, sizeof command, "rm -rf '%s'", fixture_folder());
    assert_int_equal(system(command), 0);
}

static inline const char *fixture_path(char path[FIXTURE_PATH], const char *name)
{
    snprintf(path, FIXTURE_PATH, "%s/%s", fixture_folder(), name);
    return path;
}

/* Runs the scenario into name. */
static inline void fixture_run(const char *name, const char *words)
{
    char file[FIXTURE_PATH], command[3 * FIXTURE_PATH];
    const char *build = getenv("MIST_BUILD");
    snprintf(command, sizeof command, "'%s/mistsim' run %s --quiet --out '%s' >/dev/null",
             build ? build : "build", words, fixture_path(file, name));
    assert_int_equal(system(command), 0);
}

/* A copy of the file under another name, in which the statements are executed. */
static inline void fixture_spoil(const char *from, const char *to, const char *sql)
{
    char source[FIXTURE_PATH], target[FIXTURE_PATH], command[3 * FIXTURE_PATH];
    sqlite3 *db;
    snprintf(command, sizeof command, "cp '%s' '%s'", fixture_path(source, from),
             fixture_path(target, to));
    assert_int_equal(system(command), 0);
    assert_int_equal(sqlite3_open(target, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#endif
