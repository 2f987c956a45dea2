/* compare_measure.c: what each seed measured on both sides. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_parts.h"
#include "analysis/exit.h"
#include "analysis/measure.h"

/* Of what runs: the view `summary` asked run by run would read the whole file each time,
 * so what it is made of is asked once. */
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
    source_run(s,
               "CREATE TEMP TABLE measured AS SELECT run, metric, value FROM main.summary_total"
               " WHERE run IN (SELECT run FROM paired)",
               "");
    source_run(
        s,
        "INSERT INTO measured SELECT run, 'node.joined', (SELECT value FROM main.series WHERE"
        " series.run=counted.run AND metric='joined' ORDER BY at_ns DESC LIMIT 1)/nodes FROM"
        " counted WHERE EXISTS (SELECT 1 FROM main.series WHERE series.run=counted.run AND"
        " metric='joined') AND nodes > 0",
        "");
    source_run(s,
               "INSERT INTO measured SELECT run, 'dial.online_rate', NULL FROM counted WHERE EXISTS"
               " (SELECT 1 FROM main.session WHERE session.run=counted.run)",
               "");
    source_run(s,
               "INSERT INTO measured SELECT run, 'attack_amplification', (SELECT value FROM"
               " main.series WHERE series.run=counted.run AND metric='attack_amplification' ORDER"
               " BY at_ns DESC LIMIT 1) FROM counted",
               "");
    measure_shares(s);
}

/* Quantiles per run, of rank ceil(nq) as in the view `summary`.  A dial that never got there,
 * or later, counts as its window, so that a version that gives up on hard cases looks no
 * faster. */
static void fill_quantiles(struct source *s)
{
    static const char *const samples[][2] = {
        {"dial.first_byte", "min(coalesce(first_ns, window_ns), window_ns) AS v FROM main.dial"},
        {"dial.direct_time", "min(coalesce(direct_ns, window_ns), window_ns) AS v FROM main.dial"},
        {"recovery.time", "latency_ns AS v FROM main.recovery"},
        {"lookup.latency", "iif(ok<>0, latency_ns, NULL) AS v FROM main.lookup"},
        {"message.latency", "last_ns AS v FROM main.message"},
    };
    char sql[900];
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO measured SELECT run, '%s.p' || q, max(v) FILTER (WHERE"
                 " k=(n*q+99)/100)/1e9 FROM (SELECT * FROM (SELECT run, v, row_number() OVER"
                 " (PARTITION BY run ORDER BY v) AS k, count(*) OVER (PARTITION BY run) AS n FROM"
                 " (SELECT run, %s JOIN paired USING(run)) WHERE v IS NOT NULL) WHERE k IN"
                 " ((n*50+99)/100, (n*95+99)/100, (n*99+99)/100)), (SELECT 50 AS q UNION ALL SELECT"
                 " 95 UNION ALL SELECT 99) GROUP BY run, q",
                 samples[i][0], samples[i][1]);
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
        fill_quantiles(&c->arms[side].source);
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
