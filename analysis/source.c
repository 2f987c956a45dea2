/* source.c: see source.h. */
#include "analysis/source.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/exit.h"
#include "results/format.h"

#define BUSY_MS 5000
#define STEPS   1000                 /* of SQLite's machine between two looks at the work done */
#define WORK    ((uint64_t)10000000) /* thousand steps a statement may take: a minute or two */
#define HEAP    ((int64_t)2 << 30)   /* bytes: ten million dials sorted */

static const char *const tables[] = {"run",     "node", "dial",   "lookup", "message",    "traffic",
                                     "nat_box", "pair", "series", "margin", "expectation"};
static const char *const views[] = {"dial_tally", "summary", "summary_total"};

void source_fail(struct source *s, int status, const char *what, const char *why)
{
    if (s->status)
        return;
    s->status = status;
    snprintf(s->error, sizeof s->error, "%.250s: %.300s", what ? what : s->file, why);
    /* SQLite quotes names of the file, and the message goes to a terminal. */
    for (char *c = s->error; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

static void fail(struct source *s, int status, const char *why)
{
    source_fail(s, status, NULL, why);
}

/* What the caller can mend is input; what the disk did is storage. */
static void fail_code(struct source *s, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_NOTADB: fail(s, EXIT_INPUT, "not a database"); break;
    case SQLITE_CORRUPT: fail(s, EXIT_STORAGE, "the database is damaged"); break;
    case SQLITE_TOOBIG: fail(s, EXIT_INPUT, "holds a text longer than mistsim writes"); break;
    case SQLITE_INTERRUPT:
        fail(s, EXIT_INPUT, "reading it takes too long; is it mistsim's?");
        break;
    case SQLITE_NOMEM: fail(s, EXIT_STORAGE, "reading it takes too much memory"); break;
    case SQLITE_ERROR: fail(s, EXIT_INPUT, sqlite3_errmsg(s->db)); break;
    default: fail(s, EXIT_STORAGE, sqlite3_errmsg(s->db)); break;
    }
}

static int spend(void *context)
{
    struct source *s = context;
    return ++s->work > s->work_most;
}

static int harden(struct source *s)
{
    int on = 0;
    int rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, &on);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &on);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, &on);
    sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, SOURCE_TEXT);
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_hard_heap_limit64(HEAP);
    sqlite3_progress_handler(s->db, STEPS, spend, s);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(s->db, BUSY_MS);
    return rc;
}

static void connect(struct source *s)
{
    struct stat st;
    if (stat(s->file, &st) || access(s->file, R_OK)) {
        fail(s, EXIT_INPUT, strerror(errno));
        return;
    }
    if (!S_ISREG(st.st_mode)) {
        fail(s, EXIT_INPUT, "not a file");
        return;
    }
    int rc = sqlite3_open_v2(s->file, &s->db, SQLITE_OPEN_READONLY, NULL);
    if (rc == SQLITE_OK)
        rc = harden(s);
    if (rc != SQLITE_OK)
        fail_code(s, rc);
}

static void verify_stamp(struct source *s)
{
    char why[200];
    int64_t application = source_number(s, "PRAGMA application_id", "");
    int64_t version = source_number(s, "PRAGMA user_version", "");
    snprintf(why, sizeof why, RESULTS_OTHER_VERSION, (long long)version, RESULTS_VERSION);
    if (application != RESULTS_APPLICATION)
        fail(s, EXIT_INPUT, "a database, but not one of mistsim's");
    else if (version != RESULTS_VERSION)
        fail(s, EXIT_INPUT, why);
}

/* Tables are tables, views are views, and nothing can fire: then a query's cost is
 * bounded by its rows and by WORK. */
static void verify_objects(struct source *s)
{
    static const char kind[] = "SELECT count(*) FROM sqlite_schema WHERE name=? AND type=?"
                               " AND sql LIKE ?";
    int64_t found = 0, wanted = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++, wanted++)
        found += source_number(s, kind, "ttt", tables[i], "table", "CREATE TABLE%");
    for (size_t i = 0; i < sizeof views / sizeof *views; i++, wanted++)
        found += source_number(s, kind, "ttt", views[i], "view", "CREATE VIEW%");
    int64_t triggers =
        source_number(s, "SELECT count(*) FROM sqlite_schema WHERE type='trigger'", "");
    if (found != wanted || triggers)
        fail(s, EXIT_INPUT, "says that it is mistsim's, but its tables are not");
}

static void verify_pages(struct source *s)
{
    sqlite3_stmt *check = source_query(s, "PRAGMA quick_check(1)", "");
    if (source_row(s, check)) {
        if (strcmp(source_text(check, 0), "ok") != 0)
            fail_code(s, SQLITE_CORRUPT);
        sqlite3_finalize(check);
    }
}

int source_open(struct source *s, const char *file)
{
    *s = (struct source){.file = file, .work_most = WORK};
    connect(s);
    source_run(s, "BEGIN", "");
    verify_stamp(s);
    verify_objects(s);
    verify_pages(s);
    return s->status;
}

void source_close(struct source *s)
{
    sqlite3_close(s->db);
    s->db = NULL;
}

static int bind(sqlite3_stmt *query, const char *types, va_list arguments)
{
    int rc = SQLITE_OK;
    for (int i = 1; *types && rc == SQLITE_OK; types++, i++) {
        if (*types == 'i')
            rc = sqlite3_bind_int64(query, i, va_arg(arguments, int64_t));
        else if (*types == 'r')
            rc = sqlite3_bind_double(query, i, va_arg(arguments, double));
        else
            rc = sqlite3_bind_text(query, i, va_arg(arguments, const char *), -1, SQLITE_STATIC);
    }
    return rc;
}

static sqlite3_stmt *begin(struct source *s, const char *sql, const char *types, va_list arguments)
{
    sqlite3_stmt *query = NULL;
    if (s->status)
        return NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &query, NULL);
    if (rc == SQLITE_OK)
        rc = bind(query, types, arguments);
    s->work = 0;
    if (rc == SQLITE_OK)
        return query;
    fail_code(s, rc);
    sqlite3_finalize(query);
    return NULL;
}

sqlite3_stmt *source_query(struct source *s, const char *sql, const char *types, ...)
{
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *query = begin(s, sql, types, arguments);
    va_end(arguments);
    return query;
}

int source_row(struct source *s, sqlite3_stmt *query)
{
    if (!query)
        return 0;
    int rc = s->status ? SQLITE_DONE : sqlite3_step(query);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        fail_code(s, rc);
    sqlite3_finalize(query);
    return 0;
}

void source_run(struct source *s, const char *sql, const char *types, ...)
{
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *query = begin(s, sql, types, arguments);
    va_end(arguments);
    while (source_row(s, query))
        continue;
}

int64_t source_number(struct source *s, const char *sql, const char *types, ...)
{
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *query = begin(s, sql, types, arguments);
    va_end(arguments);
    if (!source_row(s, query))
        return 0;
    int64_t n = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return n;
}

const char *source_text(sqlite3_stmt *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query, column);
    return text ? text : "";
}

double source_real(sqlite3_stmt *query, int column)
{
    return sqlite3_column_type(query, column) == SQLITE_NULL ? (double)NAN
                                                             : sqlite3_column_double(query, column);
}
