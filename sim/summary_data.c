/* summary_data.c: see summary_data.h. */
#include "sim/summary_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/exit.h"
#include "sim/results.h"
#include "stack/check.h"

static int choose(sqlite3 *db, const struct summary_request *request)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db,
                                "INSERT OR IGNORE INTO chosen SELECT run, cell, status='complete'"
                                " FROM run WHERE run=?",
                                -1, &s, NULL);
    for (uint32_t i = 0; i < request->count && rc == SQLITE_OK; i++) {
        sqlite3_bind_int64(s, 1, request->runs[i]);
        rc = sqlite3_step(s);
        rc = rc == SQLITE_DONE ? sqlite3_reset(s) : rc;
    }
    sqlite3_finalize(s);
    return rc;
}

/* Runs the statement for each counted run: a view of one table answers for one run alone. */
static int for_each_counted(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *runs = NULL, *s = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT run FROM chosen WHERE counted", -1, &runs, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(runs)) == SQLITE_ROW) {
        sqlite3_bind_int64(s, 1, sqlite3_column_int64(runs, 0));
        rc = sqlite3_step(s);
        rc = rc == SQLITE_DONE ? sqlite3_reset(s) : rc;
    }
    sqlite3_finalize(runs);
    sqlite3_finalize(s);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int copy(sqlite3 *db, const struct summary_request *request)
{
    int rc = sqlite3_exec(db,
                          "PRAGMA temp_store=MEMORY;"
                          "CREATE TEMP TABLE chosen(run INTEGER PRIMARY KEY, cell TEXT,"
                          " counted INTEGER);"
                          "CREATE TEMP TABLE measured AS SELECT * FROM summary LIMIT 0;"
                          "CREATE TEMP TABLE tally AS SELECT * FROM dial_tally LIMIT 0;",
                          NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = choose(db, request);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db,
                          "UPDATE chosen SET counted=1 WHERE run IN (SELECT run FROM run WHERE"
                          " status='interrupted' AND sim_s > 0) AND cell NOT IN"
                          " (SELECT cell FROM chosen WHERE counted)",
                          NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, /* once: whatever is asked of it, this view is computed whole */
                          "INSERT INTO measured SELECT * FROM summary WHERE run IN"
                          " (SELECT run FROM chosen WHERE counted)",
                          NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = for_each_counted(db, "INSERT INTO tally SELECT * FROM dial_tally WHERE run=?");
    return rc;
}

int summary_data_open(sqlite3 **db, const struct summary_request *request, char *error,
                      int error_size)
{
    int status = results_read(db, request->file, error, error_size);
    if (status)
        return status;
    if (copy(*db, request) == SQLITE_OK)
        return 0;
    snprintf(error, (size_t)error_size, "%s: %s", request->file, sqlite3_errmsg(*db));
    sqlite3_close(*db);
    *db = NULL;
    return EXIT_STORAGE;
}

sqlite3_stmt *summary_data_query(sqlite3 *db, const char *sql, const char *argument)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        return NULL;
    if (argument)
        sqlite3_bind_text(s, 1, argument, -1, SQLITE_TRANSIENT);
    return s;
}

/* Shares are combined over seeds from their counts; metric -> hits, trials per run. */
static const struct {
    const char *metric, *sql;
} shares[] = {
#define OF_CELL "chosen USING(run) WHERE cell=? AND counted GROUP BY run"
#define SHARE(hits, trials)                                                                        \
    "SELECT sum(" hits "), sum(" trials ") FROM tally JOIN chosen USING(run) WHERE cell=?"         \
    " GROUP BY run"
    {"dial.direct_rate", SHARE("direct", "dials")},
    {"dial.connected_rate", SHARE("direct+relayed", "dials")},
    {"dial.relayed_rate", SHARE("relayed", "dials")},
    {"dial.failed_rate", SHARE("failed", "dials")},
    {"dial.punch_rate", SHARE("punched", "tried")},
    {"lookup.ok_rate", "SELECT sum(ok<>0), count(*) FROM lookup JOIN " OF_CELL},
    {"message.delivery_rate", "SELECT sum(delivered), sum(subscribers) FROM message JOIN " OF_CELL},
    {"node.joined", "SELECT value*n, n FROM (SELECT run, count(*) AS n FROM node GROUP BY run)"
                    " JOIN measured USING(run) JOIN chosen USING(run) WHERE cell=? AND"
                    " metric='node.joined'"},
};

struct columns { /* two columns of all rows */
    double *first, *second;
    uint32_t rows;
};

static struct columns read_columns(sqlite3_stmt *s)
{
    struct columns c = {0};
    uint32_t room = 0;
    while (s && sqlite3_step(s) == SQLITE_ROW) {
        if (c.rows == room) {
            room = room ? room * 2 : 16;
            c.first = realloc(c.first, room * sizeof *c.first);
            c.second = realloc(c.second, room * sizeof *c.second);
            CHECK(c.first && c.second);
        }
        c.first[c.rows] = sqlite3_column_double(s, 0);
        c.second[c.rows++] = sqlite3_column_double(s, 1);
    }
    sqlite3_finalize(s);
    return c;
}

static void free_columns(struct columns *c)
{
    free(c->first);
    free(c->second);
}

static double column_or_nan(sqlite3_stmt *s, int column)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL ? (double)NAN
                                                         : sqlite3_column_double(s, column);
}

/* One run: the view's own interval.  Returns the number of runs that measured it. */
static int single_figure(sqlite3 *db, const char *cell, const char *metric,
                         struct summary_figure *figure)
{
    sqlite3_stmt *s = summary_data_query(db,
                                         "SELECT value, lo, hi, unit FROM measured JOIN chosen"
                                         " USING(run) WHERE cell=?1 AND metric=?2 AND value"
                                         " IS NOT NULL",
                                         cell);
    int rows = 0;
    if (s)
        sqlite3_bind_text(s, 2, metric, -1, SQLITE_STATIC);
    for (; s && sqlite3_step(s) == SQLITE_ROW; rows++) {
        const char *unit = (const char *)sqlite3_column_text(s, 3);
        figure->interval = (struct interval){sqlite3_column_double(s, 0), column_or_nan(s, 1),
                                             column_or_nan(s, 2)};
        snprintf(figure->unit, sizeof figure->unit, "%s", unit ? unit : "");
    }
    sqlite3_finalize(s);
    return rows;
}

static const char *share_sql(const char *metric)
{
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (strcmp(shares[i].metric, metric) == 0)
            return shares[i].sql;
    return NULL;
}

int summary_data_figure(sqlite3 *db, const char *cell, const char *metric,
                        struct summary_figure *figure)
{
    memset(figure, 0, sizeof *figure);
    int rows = single_figure(db, cell, metric, figure);
    const char *share = share_sql(metric);
    if (rows == 0 || (rows == 1 && !share))
        return rows;
    sqlite3_stmt *s = summary_data_query(db,
                                         share ? share
                                               : "SELECT value, 0 FROM measured JOIN chosen"
                                                 " USING(run) WHERE cell=?1 AND metric=?2 AND value"
                                                 " IS NOT NULL",
                                         cell);
    if (s && !share)
        sqlite3_bind_text(s, 2, metric, -1, SQLITE_STATIC);
    struct columns c = read_columns(s);
    for (uint32_t i = 0; i < c.rows; i++)
        figure->trials += c.second[i];
    if (rows > 1 && c.rows > 0)
        figure->interval =
            share ? interval_share(c.first, c.second, c.rows) : interval_mean(c.first, c.rows);
    free_columns(&c);
    return 1;
}
