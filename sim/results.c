/* results.c: see results.h.
 *
 * The one writer is known by a flock on the file itself, which the kernel lets go
 * when the process dies however it dies (SQLite's own locks are of the fcntl
 * kind and do not meet it).  The descriptor that holds it is closed after the
 * database, because closing any descriptor of a file drops fcntl locks on it. */
#include "sim/results.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "sim/exit.h"
#include "sim/record_schema.h"
#include "stack/check.h"

#define BUSY_MS       60000    /* a reader's longest patience-trying query */
#define LOCK_ATTEMPTS 10       /* a reader that mends holds the lock for a moment only */
#define LOCK_PAUSE_NS 50000000 /* 50 ms */

struct results {
    char *file;
    int lock;
    int locked; /* we are the one writer */
    sqlite3 *db;
    char error[600];
};

static int fail_system(struct results *r, const char *what)
{
    snprintf(r->error, sizeof r->error, "%s: %s: %s", r->file, what, strerror(errno));
    return EXIT_STORAGE;
}

static int fail(struct results *r, int rc)
{
    int system = sqlite3_system_errno(r->db);
    if ((rc & 0xff) == SQLITE_FULL)
        snprintf(r->error, sizeof r->error, "%s: the disk is full", r->file);
    else if ((rc & 0xff) == SQLITE_IOERR && system)
        snprintf(r->error, sizeof r->error, "%s: %s: %s", r->file, sqlite3_errmsg(r->db),
                 strerror(system));
    else
        snprintf(r->error, sizeof r->error, "%s: %s", r->file, sqlite3_errmsg(r->db));
    return EXIT_STORAGE;
}

/* Runs one statement.  types: one letter per argument that follows: i int64_t, t text.
 * A row's first column goes to *number when that is wanted; without a row it
 * keeps its value. */
static int run_bound(struct results *r, int64_t *number, const char *sql, const char *types,
                     va_list arguments)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL);
    for (int i = 0; types[i] && rc == SQLITE_OK; i++)
        rc = types[i] == 'i'
                 ? sqlite3_bind_int64(s, i + 1, va_arg(arguments, int64_t))
                 : sqlite3_bind_text(s, i + 1, va_arg(arguments, const char *), -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW && number)
        *number = sqlite3_column_int64(s, 0);
    int done = rc == SQLITE_ROW || rc == SQLITE_DONE;
    int status = done ? 0 : fail(r, rc);
    sqlite3_finalize(s);
    return status;
}

static int run_sql(struct results *r, int64_t *number, const char *sql, const char *types, ...)
{
    va_list arguments;
    va_start(arguments, types);
    int status = run_bound(r, number, sql, types, arguments);
    va_end(arguments);
    return status;
}

static int begin(struct results *r)
{
    return run_sql(r, NULL, "BEGIN IMMEDIATE", "");
}

/* Ends the transaction: what `status` says is well is committed. */
static int end(struct results *r, int status)
{
    if (!status)
        status = run_sql(r, NULL, "COMMIT", "");
    if (status && !sqlite3_get_autocommit(r->db))
        sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL); /* the first error is the one to tell */
    return status;
}

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

void results_part(const struct results *r, int64_t run, char name[RESULTS_PATH])
{
    int n = snprintf(name, RESULTS_PATH, "%s.part-%" PRId64, r->file, run);
    CHECK(n < RESULTS_PATH);
}

/* Part files that a dead campaign left: whole or not, they were promised to nobody. */
static void remove_parts(const struct results *r)
{
    const char *base = base_name(r->file);
    char folder[RESULTS_PATH];
    snprintf(folder, sizeof folder, "%.*s", (int)(base - r->file), r->file);
    DIR *directory = opendir(*folder ? folder : ".");
    if (!directory)
        return;
    size_t length = strlen(base);
    for (struct dirent *entry; (entry = readdir(directory));) {
        const char *name = entry->d_name;
        if (strncmp(name, base, length) != 0 || strncmp(name + length, ".part-", 6) != 0)
            continue;
        const char *digits = name + length + 6;
        if (*digits && strspn(digits, "0123456789") == strlen(digits))
            unlinkat(dirfd(directory), name, 0);
    }
    closedir(directory);
}

static int lock(struct results *r, int flags)
{
    r->lock = open(r->file, flags | O_CLOEXEC, 0666);
    if (r->lock < 0)
        return fail_system(r, "cannot be opened for writing");
    for (int attempt = 0; attempt < LOCK_ATTEMPTS && !r->locked; attempt++) {
        if (attempt)
            nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
        r->locked = flock(r->lock, LOCK_EX | LOCK_NB) == 0;
        if (!r->locked && errno != EWOULDBLOCK)
            return fail_system(r, "cannot be locked");
    }
    if (r->locked)
        return 0;
    snprintf(r->error, sizeof r->error,
             "%s: another mistsim is writing to it; wait for it or choose another --out", r->file);
    return EXIT_INPUT;
}

static int connect(struct results *r)
{
    int rc = sqlite3_open_v2(r->file, &r->db, SQLITE_OPEN_READWRITE, NULL);
    if (rc == SQLITE_OK)
        rc = record_schema_harden(r->db);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(r->db, BUSY_MS);
    if (rc == SQLITE_OK)
        rc = sqlite3_extended_result_codes(r->db, 1);
    return rc == SQLITE_OK ? 0 : fail(r, rc);
}

static int create_schema(struct results *r)
{
    int status = begin(r);
    if (!status) {
        int rc = record_schema_create(r->db);
        status = end(r, rc == SQLITE_OK ? 0 : fail(r, rc));
    }
    return status;
}

/* Creates the schema in a new file, verifies it in an old one. */
static int settle(struct results *r)
{
    char why[300];
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(r->db, "PRAGMA page_count", -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    int empty = rc == SQLITE_ROW && sqlite3_column_int64(s, 0) == 0;
    sqlite3_finalize(s);
    if (empty)
        return create_schema(r);
    int status = record_schema_verify(r->db, why, sizeof why);
    if (status)
        snprintf(r->error, sizeof r->error, "%s: %s", r->file, why);
    return status;
}

/* What a dead campaign was repeating (--fresh) is there complete: the attempt goes. */
static int interrupt_dead_runs(struct results *r)
{
    int status = run_sql(r, NULL, "UPDATE run SET status='interrupted' WHERE status='running'", "");
    if (!status)
        status = run_sql(r, NULL,
                         "DELETE FROM run WHERE status='interrupted' AND run IN (SELECT mine.run"
                         " FROM run_key AS mine JOIN run_key AS other USING(key) JOIN run ON"
                         " run.run=other.run WHERE run.status='complete')",
                         "");
    return status;
}

static struct results *make(const char *file)
{
    struct results *r = calloc(1, sizeof *r);
    CHECK(r);
    r->lock = -1;
    r->file = strdup(file);
    CHECK(r->file);
    return r;
}

int results_open(struct results **results, const char *file)
{
    struct results *r = make(file);
    *results = r;
    if (strlen(file) > RESULTS_PATH - 40) {
        snprintf(r->error, sizeof r->error, "the results file's name is too long");
        return EXIT_INPUT;
    }
    int status = lock(r, O_RDWR | O_CREAT);
    if (!status)
        status = connect(r);
    if (!status)
        status = settle(r);
    /* WAL: readers never wait and never make us wait; FULL: a commit is on the disk. */
    if (!status)
        status = run_sql(r, NULL, "PRAGMA journal_mode=WAL", "");
    if (!status)
        status = run_sql(r, NULL, "PRAGMA synchronous=FULL", "");
    if (!status)
        status = run_sql(r, NULL, "PRAGMA foreign_keys=ON", "");
    if (!status)
        status = interrupt_dead_runs(r);
    if (!status)
        remove_parts(r);
    return status;
}

static int find(sqlite3 *db, const char *key, struct results_found *found)
{
    memset(found, 0, sizeof *found);
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db,
                                "SELECT run, trace_hash, (SELECT count(*) FROM expectation WHERE"
                                " expectation.run=run.run AND NOT ok) FROM run JOIN run_key"
                                " USING(run) WHERE key=? AND status='complete'",
                                -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        const char *hash = (const char *)sqlite3_column_text(s, 1);
        found->run = sqlite3_column_int64(s, 0);
        found->expectations_failed = sqlite3_column_int64(s, 2);
        snprintf(found->trace_hash, sizeof found->trace_hash, "%s", hash ? hash : "");
    }
    sqlite3_finalize(s);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int results_find(struct results *r, const char *key, struct results_found *found)
{
    int rc = find(r->db, key, found);
    return rc == SQLITE_OK ? 0 : fail(r, rc);
}

/* The best that is there: of its key, else of its question by another build. */
static enum results_known look_up(sqlite3 *db, const struct results_run *w, int64_t *run)
{
    enum results_known known = RESULTS_NEW;
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(
        db,
        "SELECT run, CASE WHEN key<>?1 THEN 4 WHEN status='complete' THEN 1"
        " WHEN status='failed' THEN 2 ELSE 3 END AS known FROM run JOIN run_key USING(run)"
        " WHERE key=?1 OR (status='complete' AND scenario_text=?2 AND cell=?3 AND seed=?4"
        " AND engine=?5 AND stack=?6) ORDER BY known, run DESC LIMIT 1",
        -1, &s, NULL);
    const char *texts[] = {w->key, w->scenario_text, w->cell, NULL, w->engine, w->stack};
    for (int i = 0; i < 6 && rc == SQLITE_OK; i++)
        rc = texts[i] ? sqlite3_bind_text(s, i + 1, texts[i], -1, SQLITE_STATIC)
                      : sqlite3_bind_int64(s, i + 1, (int64_t)w->seed);
    if (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
        *run = sqlite3_column_int64(s, 0);
        known = (enum results_known)sqlite3_column_int(s, 1);
    }
    sqlite3_finalize(s);
    return known;
}

enum results_known results_look_up(const char *file, const struct results_run *what, int64_t *run)
{
    sqlite3 *db = NULL;
    enum results_known known = RESULTS_NEW;
    *run = 0;
    if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        record_schema_harden(db) == SQLITE_OK)
        known = look_up(db, what, run);
    sqlite3_close(db);
    return known;
}

/* The number that an earlier attempt had, else the next. */
static int take_number(struct results *r, const char *key, int64_t *run)
{
    int status = run_sql(r, run, "SELECT coalesce(max(run),0)+1 FROM run", "");
    if (!status)
        status = run_sql(r, run,
                         "SELECT min(run) FROM run JOIN run_key USING(run) WHERE key=? AND"
                         " status IN ('failed','interrupted') HAVING count(*)",
                         "t", key);
    if (!status)
        status = run_sql(r, NULL,
                         "DELETE FROM run WHERE status IN ('failed','interrupted') AND run IN"
                         " (SELECT run FROM run_key WHERE key=?)",
                         "t", key);
    return status;
}

int results_begin(struct results *r, const struct results_run *w, int64_t *run)
{
    int status = begin(r);
    if (status)
        return status;
    status = take_number(r, w->key, run);
    if (!status)
        status =
            run_sql(r, NULL,
                    "INSERT INTO run(run,scenario,scenario_text,cell,seed,engine,stack,"
                    "stack_version,commit_id,started_utc,status)"
                    " VALUES(?,?,?,?,?,?,?,?,?,?,'running')",
                    "itttittttt", *run, w->scenario, w->scenario_text, w->cell, (int64_t)w->seed,
                    w->engine, w->stack, w->stack_version, w->commit_id, w->started_utc);
    if (!status)
        status = run_sql(r, NULL, "INSERT INTO run_key(run,key) VALUES(?,?)", "it", *run, w->key);
    return end(r, status);
}

/* Is there a complete run of the same key whose trace hash differs?  *other: it, or 0. */
static int find_contradiction(struct results *r, int64_t run, int64_t *other)
{
    *other = 0;
    return run_sql(r, other,
                   "SELECT run FROM run JOIN run_key USING(run) WHERE status='complete' AND"
                   " key=(SELECT key FROM run_key WHERE run=?) AND run<>? AND trace_hash<>"
                   "(SELECT trace_hash FROM part.run WHERE status='complete')",
                   "ii", run, run);
}

static int copy_rows(struct results *r, int64_t run)
{
    int status = run_sql(r, NULL,
                         "DELETE FROM run WHERE run<>? AND run IN (SELECT run FROM run_key WHERE"
                         " key=(SELECT key FROM run_key WHERE run=?)) AND EXISTS"
                         " (SELECT 1 FROM part.run WHERE status='complete')",
                         "ii", run, run);
    for (int t = 0; t < RECORD_TABLES && !status; t++) {
        const struct record_columns *c = &record_schema_tables[t];
        char sql[900];
        int n = snprintf(sql, sizeof sql, "INSERT INTO main.%s(run,%s) SELECT ?,%s FROM part.%s",
                         c->table, c->columns, c->columns, c->table);
        CHECK(n < (int)sizeof sql);
        status = run_sql(r, NULL, sql, "i", run);
    }
    if (!status)
        status = run_sql(r, NULL,
                         "UPDATE main.run SET (status,sim_s,wall_s,events,packets,peak_rss_bytes,"
                         "trace_hash) = (SELECT status,sim_s,wall_s,events,packets,peak_rss_bytes,"
                         "trace_hash FROM part.run WHERE run=1) WHERE run=?",
                         "i", run);
    return status;
}

static int contradict(struct results *r, int64_t run, int64_t other)
{
    snprintf(r->error, sizeof r->error,
             "%s: run %" PRId64 " repeats run %" PRId64 " but has another trace hash: the"
             " simulation is not deterministic (run %" PRId64 " is kept)",
             r->file, run, other, other);
    return EXIT_BROKEN;
}

static int merge_attached(struct results *r, int64_t run)
{
    int status = begin(r);
    if (status)
        return status;
    int64_t other;
    status = find_contradiction(r, run, &other);
    if (!status && other)
        status = contradict(r, run, other);
    if (!status)
        status = copy_rows(r, run);
    return end(r, status);
}

int results_merge(struct results *r, int64_t run)
{
    char part[RESULTS_PATH];
    results_part(r, run, part);
    int status = run_sql(r, NULL, "ATTACH ? AS part", "t", part);
    if (status)
        return status;
    status = merge_attached(r, run);
    sqlite3_exec(r->db, "DETACH part", NULL, NULL, NULL);
    if (!status)
        unlink(part);
    return status;
}

int results_end(struct results *r, int64_t run, const char *status)
{
    char part[RESULTS_PATH];
    results_part(r, run, part);
    unlink(part);
    return run_sql(r, NULL, "UPDATE run SET status=? WHERE run=?", "ti", status, run);
}

int64_t results_complete(struct results *r)
{
    int64_t n = -1;
    return run_sql(r, &n, "SELECT count(*) FROM run WHERE status='complete'", "") ? -1 : n;
}

const char *results_error(const struct results *r)
{
    return r->error;
}

/* A file that nobody could use yet is not left behind. */
static void remove_empty(const struct results *r)
{
    off_t size = lseek(r->lock, 0, SEEK_END);
    if (size == 0)
        unlink(r->file);
}

void results_close(struct results *r)
{
    if (!r)
        return;
    /* Back to one plain file, readable from read-only media.  Readers may keep it from
     * happening, and then it stays a WAL database, which is as good. */
    if (r->db)
        sqlite3_exec(r->db, "PRAGMA busy_timeout=0; PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
    sqlite3_close(r->db);
    if (r->locked)
        remove_empty(r);
    if (r->lock >= 0)
        close(r->lock);
    free(r->file);
    free(r);
}

void results_forget(struct results *r)
{
    close(r->lock);
    r->lock = -1;
}

int results_mend(const char *file)
{
    char why[300];
    struct results *r = make(file);
    int status = lock(r, O_RDWR);
    int alive = status == EXIT_INPUT;
    if (!status)
        status = connect(r);
    if (!status)
        status = record_schema_verify(r->db, why, sizeof why);
    if (!status && !interrupt_dead_runs(r))
        remove_parts(r);
    results_close(r);
    return alive;
}

/* Opens for reading and verifies; fills why on failure. */
static int open_reader(sqlite3 **db, const char *file, char *why, int why_size)
{
    int rc = sqlite3_open_v2(file, db, SQLITE_OPEN_READONLY, NULL);
    if (rc == SQLITE_OK)
        rc = record_schema_harden(*db);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(*db, BUSY_MS);
    if (rc == SQLITE_OK)
        return record_schema_verify(*db, why, why_size);
    snprintf(why, (size_t)why_size, "%s", sqlite3_errstr(rc));
    return EXIT_STORAGE;
}

static int has_running_runs(sqlite3 *db)
{
    sqlite3_stmt *s = NULL;
    int found = sqlite3_prepare_v2(db, "SELECT 1 FROM run WHERE status='running'", -1, &s, NULL) ==
                    SQLITE_OK &&
                sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    return found;
}

int results_read(sqlite3 **db, const char *file, char *error, int error_size)
{
    char why[300];
    *db = NULL;
    if (access(file, R_OK)) {
        snprintf(error, (size_t)error_size, "%s: %s", file, strerror(errno));
        return EXIT_INPUT;
    }
    int status = open_reader(db, file, why, sizeof why);
    if (!status && has_running_runs(*db))
        results_mend(file);
    if (status) {
        snprintf(error, (size_t)error_size, "%s: %s", file, why);
        sqlite3_close(*db);
        *db = NULL;
    }
    return status;
}
