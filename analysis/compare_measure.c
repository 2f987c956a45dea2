/* compare_measure.c: what each seed measured on both sides. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_parts.h"
#include "analysis/exit.h"
#include "analysis/measure.h"

/* The tables of measure.h, over the runs of the pairs. */
static void prepare(struct compare *c, int side)
{
    struct source *s = &c->arms[side].source;
    source_run(s, "CREATE TEMP TABLE paired(run INTEGER PRIMARY KEY, pair INTEGER)", "");
    for (int i = 0; i < c->pair_count; i++)
        source_run(s, "INSERT INTO paired VALUES(?,?)", "ii", c->pairs[i].run[side], (int64_t)i);
    source_run(s,
               "CREATE TEMP TABLE counted AS SELECT run, 1 AS cell, seed, sim_s, (SELECT count(*)"
               " FROM main.node WHERE node.run=run.run) AS nodes FROM main.run JOIN paired"
               " USING(run)",
               "");
    measure_runs(s);
}

/* The times of dials again, all dials counted: one that never got there, or later, counts as
 * its window, so that a version that gives up on hard cases looks no faster. */
static void restrict_times(struct source *s)
{
    static const char *const columns[] = {"first_ns", "direct_ns"};
    static const char *const names[] = {"dial.first_byte", "dial.direct_time"};
    char sql[700];
    source_run(s,
               "DELETE FROM measured WHERE substr(metric, 1, 15)='dial.first_byte' OR"
               " substr(metric, 1, 16)='dial.direct_time'",
               "");
    for (int i = 0; i < 2; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO measured(run, metric, value, unit) SELECT run, '%s.p' || q, max(v)"
                 " FILTER (WHERE k=(n*q+99)/100)/1e9, 's' FROM (SELECT run, v, row_number() OVER"
                 " (PARTITION BY run ORDER BY v) AS k, count(*) OVER (PARTITION BY run) AS n FROM"
                 " (SELECT run, min(coalesce(%s, window_ns), window_ns) AS v FROM main.dial JOIN"
                 " paired USING(run))), (SELECT 50 AS q UNION ALL SELECT 95 UNION ALL SELECT 99)"
                 " GROUP BY run, q",
                 names[i], columns[i]);
        source_run(s, sql, "");
    }
}

/* Per pair; NAN where it was not measured. */
struct column {
    double hits[COMPARE_PAIRS], trials[COMPARE_PAIRS];
};

static void read_column(struct compare *c, int side, const struct compare_metric *metric,
                        struct column *column)
{
    struct source *s = &c->arms[side].source;
    for (int i = 0; i < c->pair_count; i++)
        column->hits[i] = column->trials[i] = (double)NAN;
    sqlite3_stmt *rows = source_query(
        s,
        metric->kind == COMPARE_SHARE
            ? "SELECT pair, round(hits), trials FROM share JOIN paired USING(run) WHERE"
              " metric=?"
            : "SELECT pair, value, 1 FROM measured JOIN paired USING(run) WHERE"
              " metric=?",
        "t", metric->name);
    while (source_row(s, rows)) {
        int64_t pair = sqlite3_column_int64(rows, 0);
        column->hits[pair] = source_real(rows, 1);
        column->trials[pair] = source_real(rows, 2);
    }
}

/* Adds up the cells of each seed that both sides measured; of values the mean. */
static int fold(struct compare *c, const struct column columns[COMPARE_SIDES],
                struct compare_values *v, enum compare_kind kind)
{
    int measured = 0;
    size_t count = (size_t)c->seed_count;
    double *block = calloc(4 * count, sizeof *block);
    if (!block) {
        source_fail(&c->arms[COMPARE_BASE].source, EXIT_STORAGE, NULL, "out of memory");
        return 0;
    }
    *v = (struct compare_values){{block, block + count}, {block + 2 * count, block + 3 * count}};
    for (int i = 0; i < c->pair_count; i++) {
        int known = 1;
        for (int side = 0; side < COMPARE_SIDES; side++)
            known &= isfinite(columns[side].hits[i]) && columns[side].trials[i] > 0;
        for (int side = 0; known && side < COMPARE_SIDES; side++) {
            v->hits[side][c->seed_of[i]] += columns[side].hits[i];
            v->trials[side][c->seed_of[i]] += columns[side].trials[i];
        }
    }
    for (int k = 0; k < c->seed_count; k++) {
        int known = v->trials[COMPARE_BASE][k] > 0;
        measured += known;
        for (int side = 0; side < COMPARE_SIDES; side++)
            if (!known)
                v->hits[side][k] = (double)NAN;
            else if (kind != COMPARE_SHARE)
                v->hits[side][k] /= v->trials[side][k];
    }
    return measured;
}

void compare_measure(struct compare *c)
{
    static struct column columns[COMPARE_SIDES];
    for (int side = 0; side < COMPARE_SIDES; side++) {
        prepare(c, side);
        restrict_times(&c->arms[side].source);
        source_run(&c->arms[side].source, "CREATE INDEX temp.by_metric ON measured(metric)", "");
    }
    for (int i = 0; i < compare_metric_count && !compare_failed(c); i++) {
        const struct compare_metric *metric = &compare_metrics[i];
        struct compare_result *r = &c->results[c->result_count];
        for (int side = 0; side < COMPARE_SIDES; side++)
            read_column(c, side, metric, &columns[side]);
        *r = (struct compare_result){.metric = metric};
        if (fold(c, columns, &r->values, metric->kind))
            c->result_count++;
        else
            free(r->values.hits[COMPARE_BASE]);
    }
}
