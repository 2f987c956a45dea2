/* source.h: a results file that is read, and not trusted.
 *
 * The file may come from anybody.  It is opened read-only and hardened: nothing in
 * it runs, no text is longer than SOURCE_TEXT, no statement works longer or takes
 * more memory than an honest file of a million nodes needs.  All statements see one
 * state of it, even while a run is being added.
 *
 * The first failure is remembered; from then on every query finds nothing.  So
 * the callers go on as if there were no data, and ask once, at the end. */
#ifndef ANALYSIS_SOURCE_H
#define ANALYSIS_SOURCE_H

#include <sqlite3.h>
#include <stdint.h>

#define SOURCE_TEXT (4 << 20) /* bytes; the reader of scenarios takes 1 MiB */

struct source {
    sqlite3 *db;
    const char *file;
    int status; /* 0, or the exit code of the first failure */
    char error[600];
    uint64_t work, work_most; /* of the statement that runs, in thousands of steps */
};

/* Opens the file and verifies that it is an undamaged results file of the version
 * that is known here.  Keeps file.  Returns 0, EXIT_INPUT or EXIT_STORAGE with
 * error filled; source_close is due in any case. */
int source_open(struct source *s, const char *file);
void source_close(struct source *s);

/* Remembers a failure, if it is the first.  what may be NULL: the file itself. */
void source_fail(struct source *s, int status, const char *what, const char *why);

/* Begins a statement; its arguments by their types: i int64_t, r double, t text
 * (kept until the statement ends).  NULL on failure. */
sqlite3_stmt *source_query(struct source *s, const char *sql, const char *types, ...);

/* The next row of it: 1, or 0 after the last one or a failure; then the statement
 * has ended.  query NULL: no row. */
int source_row(struct source *s, sqlite3_stmt *query);

/* Runs a statement that returns nothing. */
void source_run(struct source *s, const char *sql, const char *types, ...);

/* The only number of the first row; 0 where there is none. */
int64_t source_number(struct source *s, const char *sql, const char *types, ...);

/* Column as text, never NULL; as a number, NAN where it is NULL. */
const char *source_text(sqlite3_stmt *query, int column);
double source_real(sqlite3_stmt *query, int column);

#endif
