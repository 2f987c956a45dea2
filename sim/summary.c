/* summary.c: see summary.h. */
#include "sim/summary.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/metric.h"
#include "sim/summary_data.h"
#include "sim/text.h"
#include "stack/check.h"

#define MATRIX_NATS 12 /* widest matrix that fits a terminal */
#define RUNS_SHOWN  12

static int64_t count_of(sqlite3 *db, const char *sql, const char *cell)
{
    sqlite3_stmt *s = summary_data_query(db, sql, cell);
    int64_t n = s && sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    return n;
}

static int64_t counted_runs(sqlite3 *db, const char *cell)
{
    return count_of(db, "SELECT count(*) FROM chosen WHERE cell=? AND counted", cell);
}

static void print_figures(sqlite3 *db, const char *cell, FILE *out)
{
    struct text_table *t = text_table_new(4);
    char number[TEXT_NUMBER], note[TEXT_NUMBER + 10];
    int64_t seeds = counted_runs(db, cell);
    text_table_align(t, 1, TEXT_RIGHT);
    text_table_add(t, "");
    text_table_add(t, "");
    text_table_add(t, "95 % interval");
    text_table_add(t, "");
    for (uint32_t i = 0; i < METRIC_COUNT; i++) {
        struct summary_figure f;
        char range[2 * TEXT_NUMBER + 8] = "", high[TEXT_NUMBER];
        if (!METRICS[i].label || !summary_data_figure(db, cell, METRICS[i].name, &f))
            continue;
        if (isfinite(f.interval.lo) && isfinite(f.interval.hi))
            snprintf(range, sizeof range, "%s .. %s", text_value(number, f.interval.lo, f.unit),
                     text_value(high, f.interval.hi, f.unit));
        snprintf(note, sizeof note, "%s%s", f.trials > 0 ? "of " : "",
                 f.trials > 0 ? text_count(high, (int64_t)f.trials) : "");
        text_table_add(t, METRICS[i].label);
        text_table_add(t, text_value(number, f.interval.value, f.unit));
        text_table_add(t, range);
        text_table_add(t, note);
    }
    text_table_print(t, out, "  ");
    if (count_of(db,
                 "SELECT count(*) FROM chosen JOIN run USING(run) WHERE chosen.cell=? AND"
                 " counted AND status<>'complete'",
                 cell) > 0)
        fputs("  (interrupted: only what had ended by then)\n", out);
    if (seeds == 1)
        fputs("  (intervals within this one run; run more --seeds for the spread between worlds)\n",
              out);
    else
        fprintf(out, "  (intervals over %" PRId64 " seeds)\n", seeds);
}

/* The NATs of most dials; returns how many, at most MATRIX_NATS. */
static int matrix_labels(sqlite3 *db, const char *cell, char *labels[MATRIX_NATS])
{
    int count = 0;
    sqlite3_stmt *s = summary_data_query(
        db,
        "SELECT nat FROM (SELECT nat FROM (SELECT src_nat AS nat, dials FROM tally JOIN chosen"
        " USING(run) WHERE cell=?1 UNION ALL SELECT dst_nat, dials FROM tally JOIN chosen"
        " USING(run) WHERE cell=?1) GROUP BY nat ORDER BY sum(dials) DESC, nat LIMIT 12)"
        " ORDER BY nat<>'none', nat",
        cell);
    while (s && count < MATRIX_NATS && sqlite3_step(s) == SQLITE_ROW) {
        labels[count] = strdup((const char *)sqlite3_column_text(s, 0));
        CHECK(labels[count]);
        count++;
    }
    sqlite3_finalize(s);
    return count;
}

/* "98", "-" where nobody dialled; '!' where not all connected. */
static void matrix_cell(sqlite3_stmt *s, const char *src, const char *dst, char cell[16])
{
    sqlite3_bind_text(s, 2, src, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 3, dst, -1, SQLITE_STATIC);
    double dials = 0, direct = 0, failed = 0;
    if (sqlite3_step(s) == SQLITE_ROW) {
        dials = sqlite3_column_double(s, 0);
        direct = sqlite3_column_double(s, 1);
        failed = sqlite3_column_double(s, 2);
    }
    sqlite3_reset(s);
    double percent = dials > 0 ? 100 * direct / dials : 0;
    /* 100 and 0 are said only of what is exactly that. */
    percent = percent > 99 && percent < 100 ? 99 : percent > 0 && percent < 1 ? 1 : percent;
    if (dials > 0)
        snprintf(cell, 16, "%.0f%s", percent, failed > 0 ? "!" : "");
    else
        snprintf(cell, 16, "-");
}

static void print_matrix(sqlite3 *db, const char *cell, FILE *out)
{
    char *labels[MATRIX_NATS];
    int count = matrix_labels(db, cell, labels);
    sqlite3_stmt *s = summary_data_query(db,
                                         "SELECT sum(dials), sum(direct), sum(failed) FROM tally"
                                         " JOIN chosen USING(run) WHERE cell=?1 AND src_nat=?2"
                                         " AND dst_nat=?3",
                                         cell);
    if (count > 0 && s) {
        struct text_table *t = text_table_new(count + 2);
        fputs("\n  Direct dials in % by pair of NATs (row dials column; !: some dials failed)\n",
              out);
        text_table_add(t, "");
        text_table_add(t, "");
        for (int i = 0; i < count; i++) {
            text_table_add(t, (const char[]){(char)('a' + i), 0});
            text_table_align(t, i + 2, TEXT_RIGHT);
        }
        for (int i = 0; i < count; i++) {
            char text[16];
            text_table_add(t, (const char[]){(char)('a' + i), 0});
            text_table_add(t, labels[i]);
            for (int j = 0; j < count; j++) {
                matrix_cell(s, labels[i], labels[j], text);
                text_table_add(t, text);
            }
        }
        text_table_print(t, out, "  ");
    }
    sqlite3_finalize(s);
    for (int i = 0; i < count; i++)
        free(labels[i]);
    int64_t all = count_of(db,
                           "SELECT count(DISTINCT nat) FROM (SELECT src_nat AS nat FROM tally JOIN"
                           " chosen USING(run) WHERE cell=?1 UNION SELECT dst_nat FROM tally JOIN"
                           " chosen USING(run) WHERE cell=?1)",
                           cell);
    if (all > count)
        fprintf(out, "  (the %d NATs of most dials out of %" PRId64 ")\n", count, all);
}

static void print_paths(sqlite3 *db, const char *cell, FILE *out)
{
    sqlite3_stmt *s = summary_data_query(db,
                                         "SELECT path, count(*), 1.0*count(*)/(SELECT count(*) FROM"
                                         " dial JOIN chosen USING(run) WHERE cell=?1 AND counted)"
                                         " FROM dial JOIN chosen USING(run) WHERE cell=?1 AND"
                                         " counted GROUP BY path ORDER BY 2 DESC, 1",
                                         cell);
    int n = 0;
    for (; s && sqlite3_step(s) == SQLITE_ROW; n++) {
        char number[TEXT_NUMBER];
        fputs(n ? ", " : "\n  Paths: ", out);
        text_shown(out, (const char *)sqlite3_column_text(s, 0));
        fprintf(out, " %s", text_percent(number, sqlite3_column_double(s, 2)));
    }
    if (n)
        fputs("\n", out);
    sqlite3_finalize(s);
}

static void print_traffic(sqlite3 *db, const char *cell, FILE *out)
{
    sqlite3_stmt *s = summary_data_query(
        db,
        "SELECT kind, sum(packets_out)/seconds, sum(bytes_out)/seconds, 1.0*sum(bytes_out)/"
        "(SELECT sum(bytes_out) FROM traffic JOIN chosen USING(run) WHERE cell=?1 AND counted)"
        " FROM traffic JOIN chosen USING(run), (SELECT sum(nodes*sim_s) AS seconds FROM"
        " (SELECT sim_s, (SELECT count(*) FROM node WHERE node.run=run.run) AS nodes FROM run"
        " JOIN chosen USING(run) WHERE chosen.cell=?1 AND counted))"
        " WHERE cell=?1 AND counted GROUP BY kind HAVING sum(packets_out) > 0 ORDER BY 3 DESC",
        cell);
    struct text_table *t = NULL;
    while (s && sqlite3_step(s) == SQLITE_ROW) {
        char number[TEXT_NUMBER];
        if (!t) {
            t = text_table_new(4);
            static const char *const head[] = {"", "packets", "bytes", "share"};
            for (int i = 0; i < 4; i++) {
                text_table_add(t, head[i]);
                text_table_align(t, i, i ? TEXT_RIGHT : TEXT_LEFT);
            }
        }
        text_table_add(t, (const char *)sqlite3_column_text(s, 0));
        text_table_add(t, text_value(number, sqlite3_column_double(s, 1), "1/s"));
        text_table_add(t, text_value(number, sqlite3_column_double(s, 2), "B/s"));
        text_table_add(t, text_percent(number, sqlite3_column_double(s, 3)));
    }
    sqlite3_finalize(s);
    if (!t)
        return;
    fputs("\n  Sent per node and second by kind\n", out);
    text_table_print(t, out, "  ");
}

static void print_expectations(sqlite3 *db, const char *cell, FILE *out)
{
    sqlite3_stmt *s = summary_data_query(
        db,
        "SELECT metric, bound, sum(ok), count(*), min(value), max(value),"
        " coalesce((SELECT unit FROM measured WHERE measured.metric=expectation.metric LIMIT 1),"
        " CASE WHEN metric LIKE '%\\_rate%' ESCAPE '\\' THEN 'ratio' ELSE '' END)"
        " FROM expectation JOIN chosen USING(run) WHERE cell=? AND counted"
        " GROUP BY metric, bound ORDER BY sum(ok)=count(*), metric",
        cell);
    const char *red = text_colours(out) ? "\033[31m" : "", *off = *red ? "\033[0m" : "";
    int rows = 0, well = 0;
    for (; s && sqlite3_step(s) == SQLITE_ROW; rows++) {
        char low[TEXT_NUMBER], high[TEXT_NUMBER];
        const char *unit = (const char *)sqlite3_column_text(s, 6);
        int64_t ok = sqlite3_column_int64(s, 2), of = sqlite3_column_int64(s, 3);
        well += ok == of;
        if (ok == of && rows >= RUNS_SHOWN)
            continue;
        fprintf(out, "%s  %s%s%s  ", rows ? "" : "\n  Expected\n", ok == of ? "" : red,
                ok == of ? "ok    " : "FAILED", ok == of ? "" : off);
        text_shown(out, (const char *)sqlite3_column_text(s, 0));
        fputs(" ", out);
        text_shown(out, (const char *)sqlite3_column_text(s, 1));
        if (sqlite3_column_type(s, 4) == SQLITE_NULL)
            fputs(": not measured", out);
        else if (sqlite3_column_double(s, 4) < sqlite3_column_double(s, 5))
            fprintf(out, ": %s to %s", text_value(low, sqlite3_column_double(s, 4), unit),
                    text_value(high, sqlite3_column_double(s, 5), unit));
        else
            fprintf(out, ": %s", text_value(low, sqlite3_column_double(s, 4), unit));
        if (of > 1)
            fprintf(out, " (holds in %" PRId64 " of %" PRId64 " runs)", ok, of);
        fputs("\n", out);
    }
    if (rows > RUNS_SHOWN)
        fprintf(out, "  %d of %d expectations hold\n", well, rows);
    sqlite3_finalize(s);
}

static void print_run(sqlite3_stmt *s, FILE *out)
{
    char a[TEXT_NUMBER], b[TEXT_NUMBER], c[TEXT_NUMBER], d[TEXT_NUMBER];
    double simulated = sqlite3_column_double(s, 3), wall = sqlite3_column_double(s, 4);
    double events = sqlite3_column_double(s, 5);
    fprintf(out, "  run %" PRId64 ", seed %" PRId64 ": %s", (int64_t)sqlite3_column_int64(s, 0),
            (int64_t)sqlite3_column_int64(s, 1), (const char *)sqlite3_column_text(s, 2));
    if (simulated > 0 && wall > 0) {
        fprintf(out, ", %s in %s (%sx real time)", text_seconds(a, simulated),
                text_seconds(b, wall), text_scaled(c, simulated / wall));
        fprintf(out, ", %s events/s, %s, trace ", text_scaled(c, events / wall),
                text_bytes(d, sqlite3_column_double(s, 6)));
        text_shown(out, (const char *)sqlite3_column_text(s, 7));
    }
    fputs("\n", out);
}

static void print_runs(sqlite3 *db, const char *cell, FILE *out)
{
    sqlite3_stmt *s = summary_data_query(db,
                                         "SELECT run, seed, status, sim_s, wall_s, events,"
                                         " peak_rss_bytes, coalesce(trace_hash,'-') FROM run JOIN"
                                         " chosen USING(run) WHERE chosen.cell=? ORDER BY run",
                                         cell);
    int rows = 0;
    fputs("\n", out);
    for (; s && sqlite3_step(s) == SQLITE_ROW; rows++)
        if (rows < RUNS_SHOWN)
            print_run(s, out);
    if (rows > RUNS_SHOWN)
        fprintf(out, "  ... and %d more runs\n", rows - RUNS_SHOWN);
    sqlite3_finalize(s);
}

static void print_cell_name(const char *cell, FILE *out)
{
    fputs("\ncell ", out);
    text_shown(out, cell);
    fputs("\n", out);
}

static void print_cell(sqlite3 *db, const char *cell, FILE *out)
{
    if (strcmp(cell, "{}") != 0)
        print_cell_name(cell, out);
    if (counted_runs(db, cell) > 0) {
        fputs("\n", out);
        print_figures(db, cell, out);
        print_paths(db, cell, out);
        print_matrix(db, cell, out);
        print_traffic(db, cell, out);
        print_expectations(db, cell, out);
    }
    print_runs(db, cell, out);
}

#define CELLS        "SELECT cell FROM chosen GROUP BY cell ORDER BY min(run)"
#define EXPECTATIONS "SELECT count(*) FROM expectation JOIN chosen USING(run) WHERE cell=?"

/* One row per cell with the metrics that matter most, each with its interval. */
static void print_sweep(sqlite3 *db, FILE *out)
{
    static const char *const columns[][2] = {{"dial.connected_rate", "connected"},
                                             {"dial.direct_rate", "direct"},
                                             {"dial.first_byte.p50", "first byte, median"},
                                             {"dial.first_byte.p95", "first byte, 95 %"},
                                             {"traffic.bytes_per_node_s", "sent per node"}};
    const int count = (int)(sizeof columns / sizeof *columns);
    struct text_table *t = text_table_new(count + 2);
    sqlite3_stmt *s = summary_data_query(db, CELLS, NULL);
    text_table_add(t, "cell");
    text_table_add(t, "seeds");
    text_table_align(t, 1, TEXT_RIGHT);
    for (int i = 0; i < count; i++)
        text_table_add(t, columns[i][1]);
    while (s && sqlite3_step(s) == SQLITE_ROW) {
        const char *cell = (const char *)sqlite3_column_text(s, 0);
        char number[TEXT_NUMBER];
        text_table_add(t, cell);
        text_table_add(t, text_count(number, counted_runs(db, cell)));
        for (int i = 0; i < count; i++) {
            char low[TEXT_NUMBER], high[TEXT_NUMBER], text[3 * TEXT_NUMBER + 10] = "-";
            struct summary_figure f;
            int known = summary_data_figure(db, cell, columns[i][0], &f);
            if (known && isfinite(f.interval.lo) && isfinite(f.interval.hi))
                snprintf(text, sizeof text, "%s (%s .. %s)",
                         text_value(number, f.interval.value, f.unit),
                         text_value(low, f.interval.lo, f.unit),
                         text_value(high, f.interval.hi, f.unit));
            else if (known)
                text_value(text, f.interval.value, f.unit);
            text_table_add(t, text);
        }
    }
    sqlite3_finalize(s);
    fputs("\n", out);
    text_table_print(t, out, "  ");
    fputs("  (95 % intervals: over seeds, or within the run where there is one)\n", out);
}

static void print_statuses(sqlite3 *db, FILE *out)
{
    sqlite3_stmt *s = summary_data_query(
        db, "SELECT status, count(*) FROM run JOIN chosen USING(run) GROUP BY status", NULL);
    fputs("\n  runs:", out);
    for (int n = 0; s && sqlite3_step(s) == SQLITE_ROW; n++)
        fprintf(out, "%s %" PRId64 " %s", n ? "," : "", (int64_t)sqlite3_column_int64(s, 1),
                (const char *)sqlite3_column_text(s, 0));
    fputs("\n", out);
    sqlite3_finalize(s);
}

/* A sweep is a table; a cell is told about only where an expectation failed. */
static void print_cells(sqlite3 *db, FILE *out)
{
    print_sweep(db, out);
    sqlite3_stmt *s = summary_data_query(db, CELLS, NULL);
    int cells = 0, judged = 0, good = 0;
    for (; s && sqlite3_step(s) == SQLITE_ROW; cells++) {
        const char *cell = (const char *)sqlite3_column_text(s, 0);
        int64_t bad = count_of(db, EXPECTATIONS " AND NOT ok", cell);
        judged += count_of(db, EXPECTATIONS, cell) > 0;
        good += bad == 0;
        if (bad == 0)
            continue;
        print_cell_name(cell, out);
        print_expectations(db, cell, out);
    }
    sqlite3_finalize(s);
    if (judged > 0)
        fprintf(out, "\n  all expectations hold in %d of %d cells\n", good, cells);
    print_statuses(db, out);
}

/* On one line, whatever the file's line breaks were. */
static void print_question(const char *question, FILE *out)
{
    char *line = strdup(question);
    CHECK(line);
    for (char *c = line; *c; c++)
        if (*c == '\n' || *c == '\r' || *c == '\t')
            *c = ' ';
    for (size_t n = strlen(line); n > 0 && line[n - 1] == ' '; n--)
        line[n - 1] = 0;
    if (*line)
        fputs(": ", out);
    text_shown(out, line);
    free(line);
}

static void print_heading(sqlite3 *db, const struct summary_request *request, FILE *out)
{
    sqlite3_stmt *s = summary_data_query(
        db,
        "SELECT scenario, engine, stack, stack_version, commit_id, (SELECT count(*) FROM node"
        " WHERE node.run=run.run), (SELECT count(DISTINCT nat) FROM node WHERE node.run=run.run)"
        " FROM run JOIN chosen USING(run) ORDER BY counted DESC, run LIMIT 1",
        NULL);
    if (s && sqlite3_step(s) == SQLITE_ROW) {
        char nodes[TEXT_NUMBER];
        text_shown(out, (const char *)sqlite3_column_text(s, 0));
        print_question(request->question, out);
        fprintf(out, "\n%s nodes behind %d kinds of NAT, engine ",
                text_count(nodes, sqlite3_column_int64(s, 5)), sqlite3_column_int(s, 6));
        text_shown(out, (const char *)sqlite3_column_text(s, 1));
        fputs(", core ", out);
        text_shown(out, (const char *)sqlite3_column_text(s, 3));
        fputs(" (", out);
        text_shown(out, (const char *)sqlite3_column_text(s, 2));
        fputs("), commit ", out);
        text_shown(out, (const char *)sqlite3_column_text(s, 4));
        fputs("\n", out);
    }
    sqlite3_finalize(s);
}

int summary_print(const struct summary_request *request, FILE *out, char *error, int error_size)
{
    sqlite3 *db;
    int status = summary_data_open(&db, request, error, error_size);
    if (status)
        return status;
    print_heading(db, request, out);
    sqlite3_stmt *s = summary_data_query(db, CELLS, NULL);
    if (count_of(db, "SELECT count(DISTINCT cell) FROM chosen", NULL) > 1)
        print_cells(db, out);
    else if (s && sqlite3_step(s) == SQLITE_ROW)
        print_cell(db, (const char *)sqlite3_column_text(s, 0), out);
    sqlite3_finalize(s);
    fputs("\nresults: ", out);
    text_shown(out, request->file);
    fputs(" (mistsim show looks into it)\n", out);
    sqlite3_close(db);
    return 0;
}

/* Writes the rows as a JSON list of objects named by their columns. */
static void json_rows(sqlite3_stmt *s, FILE *out)
{
    int rows = 0;
    fputs("[", out);
    for (; s && sqlite3_step(s) == SQLITE_ROW; rows++) {
        fputs(rows ? ",\n    {" : "\n    {", out);
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            int type = sqlite3_column_type(s, i);
            fputs(i ? ", " : "", out);
            text_json(out, sqlite3_column_name(s, i));
            fputs(": ", out);
            if (type == SQLITE_INTEGER)
                fprintf(out, "%" PRId64, (int64_t)sqlite3_column_int64(s, i));
            else if (type == SQLITE_FLOAT)
                text_json_number(out, sqlite3_column_double(s, i));
            else
                text_json(out, (const char *)sqlite3_column_text(s, i));
        }
        fputs("}", out);
    }
    fputs("]", out);
    sqlite3_finalize(s);
}

static void json_figures(sqlite3 *db, const char *cell, FILE *out)
{
    sqlite3_stmt *s = summary_data_query(db,
                                         "SELECT DISTINCT metric FROM measured JOIN chosen"
                                         " USING(run) WHERE cell=? ORDER BY metric",
                                         cell);
    int n = 0;
    fputs("{", out);
    while (s && sqlite3_step(s) == SQLITE_ROW) {
        struct summary_figure f;
        const char *metric = (const char *)sqlite3_column_text(s, 0);
        if (!summary_data_figure(db, cell, metric, &f))
            continue;
        fputs(n++ ? ",\n      " : "\n      ", out);
        text_json(out, metric);
        fputs(": {\"value\": ", out);
        text_json_number(out, f.interval.value);
        fputs(", \"lo\": ", out);
        text_json_number(out, f.interval.lo);
        fputs(", \"hi\": ", out);
        text_json_number(out, f.interval.hi);
        fputs(", \"unit\": ", out);
        text_json(out, f.unit);
        fputs("}", out);
    }
    fputs("}", out);
    sqlite3_finalize(s);
}

static void json_cells(sqlite3 *db, FILE *out)
{
    sqlite3_stmt *s = summary_data_query(db, CELLS, NULL);
    int n = 0;
    fputs("[", out);
    while (s && sqlite3_step(s) == SQLITE_ROW) {
        const char *cell = (const char *)sqlite3_column_text(s, 0);
        fprintf(out, "%s\n    {\"cell\": ", n++ ? "," : "");
        text_json(out, cell);
        fprintf(out, ", \"seeds\": %" PRId64 ", \"summary\": ", counted_runs(db, cell));
        json_figures(db, cell, out);
        fputs("}", out);
    }
    fputs("]", out);
    sqlite3_finalize(s);
}

int summary_print_json(const struct summary_request *request, FILE *out, char *error,
                       int error_size)
{
    sqlite3 *db;
    int status = summary_data_open(&db, request, error, error_size);
    if (status)
        return status;
    fputs("{\"version\": 1,\n  \"file\": ", out);
    text_json(out, request->file);
    fputs(",\n  \"runs\": ", out);
    json_rows(summary_data_query(db,
                                 "SELECT run, scenario, run.cell, seed, engine, stack,"
                                 " stack_version, commit_id, started_utc, status, sim_s, wall_s,"
                                 " events, packets, peak_rss_bytes, trace_hash FROM run JOIN"
                                 " chosen USING(run) ORDER BY run",
                                 NULL),
              out);
    fputs(",\n  \"cells\": ", out);
    json_cells(db, out);
    fputs(",\n  \"expectations\": ", out);
    json_rows(summary_data_query(db,
                                 "SELECT run, metric, bound, value, ok FROM expectation JOIN"
                                 " chosen USING(run) ORDER BY run, metric",
                                 NULL),
              out);
    fputs("}\n", out);
    sqlite3_close(db);
    return 0;
}
