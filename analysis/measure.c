/* measure.c: see measure.h. */
#include "analysis/measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SEEDS_MOST 10000 /* of one cell; more are beyond any experiment */

/* Two columns, a row per seed. */
struct seeds {
    double first[SEEDS_MOST], second[SEEDS_MOST];
    int count;
};

static void add_seed(struct seeds *c, double first, double second)
{
    if (c->count == SEEDS_MOST)
        return;
    c->first[c->count] = first;
    c->second[c->count++] = second;
}

/* A view of one table is computed whole unless it is asked for one run. */
static void copy_view(struct source *s, const char *sql)
{
    sqlite3_stmt *runs = source_query(s, "SELECT run FROM counted", "");
    while (source_row(s, runs))
        source_run(s, sql, "i", (int64_t)sqlite3_column_int64(runs, 0));
}

static void fill_shares(struct source *s)
{
    static const char *const fills[] = {
        "SELECT run, 'dial.direct_rate', sum(direct), sum(dials) FROM tally GROUP BY run",
        "SELECT run, 'dial.relayed_rate', sum(relayed), sum(dials) FROM tally GROUP BY run",
        "SELECT run, 'dial.failed_rate', sum(failed), sum(dials) FROM tally GROUP BY run",
        "SELECT run, 'dial.connected_rate', sum(direct+relayed), sum(dials) FROM tally GROUP BY"
        " run",
        "SELECT run, 'dial.punch_rate', sum(punched), sum(tried) FROM tally GROUP BY run",
        "SELECT run, 'dial.online_rate', sum(direct+relayed), sum(dials-offline) FROM tally"
        " WHERE run IN (SELECT run FROM measured WHERE metric='dial.online_rate') GROUP BY run",
        "SELECT run, 'recovery.rate', count(latency_ns), count(*) FROM main.recovery JOIN counted"
        " USING(run) GROUP BY run",
        "SELECT run, 'lookup.ok_rate', sum(ok<>0), count(*) FROM main.lookup JOIN counted"
        " USING(run) GROUP BY run",
        "SELECT run, 'message.delivery_rate', sum(delivered), sum(subscribers) FROM main.message"
        " JOIN counted USING(run) GROUP BY run",
        "SELECT run, 'node.joined', value*nodes, nodes FROM measured JOIN counted USING(run)"
        " WHERE metric='node.joined'",
    };
    char sql[400];
    source_run(s, "CREATE TEMP TABLE share(run, metric, hits REAL, trials REAL)", "");
    for (size_t i = 0; i < sizeof fills / sizeof *fills; i++) {
        snprintf(sql, sizeof sql, "INSERT INTO share SELECT * FROM (%s)", fills[i]);
        source_run(s, sql, "");
    }
    source_run(s, "DELETE FROM share WHERE coalesce(trials, 0) <= 0", "");
}

/* How many values the percentiles of a run are taken from. */
static void fill_sizes(struct source *s)
{
    source_run(s, "CREATE TEMP TABLE size(cell INTEGER, metric TEXT, n INTEGER)", "");
    source_run(s,
               "INSERT INTO size SELECT cell, 'dial.first_byte.p', count(first_ns) FROM main.dial"
               " JOIN counted USING(run) GROUP BY cell UNION ALL"
               " SELECT cell, 'dial.direct_time.p', count(direct_ns) FROM main.dial JOIN counted"
               " USING(run) GROUP BY cell UNION ALL"
               " SELECT cell, 'lookup.latency.p', count(latency_ns) FROM main.lookup JOIN counted"
               " USING(run) WHERE ok GROUP BY cell UNION ALL"
               " SELECT cell, 'lookup.hops.mean', count(hops) FROM main.lookup JOIN counted"
               " USING(run) WHERE ok GROUP BY cell UNION ALL"
               " SELECT cell, 'message.latency.p', count(last_ns) FROM main.message JOIN counted"
               " USING(run) GROUP BY cell",
               "");
}

struct group {
    int64_t cell;
    char a[400], b[400]; /* 99 characters */
    struct seeds seeds;
};

/* A t interval knows no bounds; what is measured does. */
static struct interval within_bounds(struct interval x, const char *unit)
{
    if (strcmp(unit, "SE") != 0)
        x.lo = x.lo < 0 ? 0 : x.lo;
    if (strcmp(unit, "ratio") == 0)
        x.hi = x.hi > 1 ? 1 : x.hi;
    return x;
}

enum estimate { ESTIMATE_SHARE, ESTIMATE_MEAN };

static void end_group(struct source *s, const char *kind, enum estimate estimate, struct group *g)
{
    double hits = 0, trials = 0;
    struct interval x = estimate == ESTIMATE_SHARE
                            ? interval_share(g->seeds.first, g->seeds.second, g->seeds.count)
                            : within_bounds(interval_mean(g->seeds.first, g->seeds.count), "");
    for (int i = 0; i < g->seeds.count; i++) {
        hits += g->seeds.first[i];
        trials += g->seeds.second[i];
    }
    if (g->seeds.count)
        source_run(s, "INSERT INTO grouped VALUES(?,?,?,?,?,?,?,?,?)", "tittrrrrr", kind, g->cell,
                   g->a, g->b, hits, trials, x.value, x.lo, x.hi);
    g->seeds.count = 0;
}

/* Rows of sql: cell, a, b, hits or value, trials, a run each, ordered by the first three. */
static void fill_groups(struct source *s, const char *kind, enum estimate estimate, const char *sql)
{
    static struct group g;
    g.seeds.count = 0;
    sqlite3_stmt *rows = source_query(s, sql, "");
    while (source_row(s, rows)) {
        int64_t cell = sqlite3_column_int64(rows, 0);
        const char *a = source_text(rows, 1), *b = source_text(rows, 2);
        if (g.cell != cell || strcmp(g.a, a) != 0 || strcmp(g.b, b) != 0)
            end_group(s, kind, estimate, &g);
        g.cell = cell;
        snprintf(g.a, sizeof g.a, "%s", a);
        snprintf(g.b, sizeof g.b, "%s", b);
        add_seed(&g.seeds, sqlite3_column_double(rows, 3), sqlite3_column_double(rows, 4));
    }
    end_group(s, kind, estimate, &g);
}

/* Of all (cell, a) in rows(run, a, hits) and all runs of the cell: where a run has no row
 * it had none of it, which counts. */
#define OF_ALL(rows, trials)                                                                       \
    "SELECT cell, a, '', coalesce(sum(hits), 0), " trials " FROM (SELECT DISTINCT cell, a FROM"    \
    " (" rows ") JOIN counted USING(run)) JOIN counted USING(cell) LEFT JOIN (" rows               \
    ") USING(run, a)"
#define PER_RUN " GROUP BY cell, a, counted.run ORDER BY cell, a, counted.run"

#define PATHS "SELECT run, substr(path, 1, 99) AS a, count(*) AS hits FROM main.dial GROUP BY 1, 2"
#define HOPS  "SELECT run, hops AS a, count(*) AS hits FROM main.lookup WHERE ok GROUP BY 1, 2"
#define TRAFFIC(what)                                                                              \
    "SELECT run, substr(kind, 1, 99) AS a, sum(" what ")/(nodes*sim_s) AS hits FROM main.traffic"  \
    " JOIN counted USING(run) WHERE nodes*sim_s > 0 GROUP BY 1, 2"
#define POPULATIONS                                                                                \
    "SELECT run, a, sum(bytes)/(n*sim_s) AS hits FROM (SELECT run, node, sum(bytes_out+bytes_in)"  \
    " AS bytes FROM main.traffic GROUP BY 1, 2) JOIN (SELECT run, node, substr(population, 1, 99)" \
    " AS a, count(*) OVER (PARTITION BY run, population) AS n FROM main.node) USING(run, node)"    \
    " JOIN counted USING(run) WHERE n*sim_s > 0 GROUP BY 1, 2"

static void fill_all_groups(struct source *s)
{
    fill_groups(s, "pair", ESTIMATE_SHARE,
                "SELECT cell, substr(src_nat, 1, 99) AS a, substr(dst_nat, 1, 99) AS b,"
                " sum(direct), sum(dials) FROM tally JOIN counted USING(run)"
                " GROUP BY cell, a, b, run ORDER BY cell, a, b, run");
    fill_groups(s, "path", ESTIMATE_SHARE,
                OF_ALL(PATHS, "(SELECT sum(dials) FROM tally WHERE tally.run=counted.run)")
                    PER_RUN);
    fill_groups(s, "hops", ESTIMATE_SHARE,
                OF_ALL(HOPS, "(SELECT count(*) FROM main.lookup WHERE lookup.run=counted.run AND"
                             " ok)") PER_RUN);
    fill_groups(s, "sent", ESTIMATE_MEAN, OF_ALL(TRAFFIC("bytes_out"), "1") PER_RUN);
    fill_groups(s, "datagrams", ESTIMATE_MEAN, OF_ALL(TRAFFIC("packets_out"), "1") PER_RUN);
    fill_groups(s, "population", ESTIMATE_MEAN, OF_ALL(POPULATIONS, "1") PER_RUN);
}

void measure_shares(struct source *s)
{
    source_run(s, "CREATE TEMP TABLE tally AS SELECT * FROM main.dial_tally LIMIT 0", "");
    copy_view(s, "INSERT INTO tally SELECT * FROM main.dial_tally WHERE run=?");
    fill_shares(s);
}

void measure_prepare(struct source *s)
{
    source_run(s, "CREATE TEMP TABLE measured AS SELECT * FROM main.summary LIMIT 0", "");
    /* Once: whatever is asked of it, this view is computed whole. */
    source_run(s,
               "INSERT INTO measured SELECT * FROM main.summary WHERE run IN"
               " (SELECT run FROM counted)",
               "");
    measure_shares(s);
    fill_sizes(s);
    source_run(s,
               "CREATE TEMP TABLE grouped(kind TEXT, cell INTEGER, a TEXT, b TEXT, hits REAL,"
               " trials REAL, value REAL, lo REAL, hi REAL)",
               "");
    source_run(s, "CREATE INDEX temp.grouped_by_kind ON grouped(kind, cell, a)", "");
    fill_all_groups(s);
}

static int read_share(struct source *s, int cell, const char *metric, struct seeds *seeds)
{
    sqlite3_stmt *rows = source_query(s,
                                      "SELECT hits, trials FROM share JOIN counted USING(run)"
                                      " WHERE cell=? AND metric=? ORDER BY run",
                                      "it", (int64_t)cell, metric);
    while (source_row(s, rows))
        add_seed(seeds, sqlite3_column_double(rows, 0), sqlite3_column_double(rows, 1));
    return seeds->count;
}

/* The view's own values: of one seed that is the answer. */
static void read_measured(struct source *s, int cell, const char *metric, struct seeds *seeds,
                          struct figure_value *f)
{
    sqlite3_stmt *rows = source_query(s,
                                      "SELECT value, lo, hi, unit FROM measured JOIN counted"
                                      " USING(run) WHERE cell=? AND metric=? AND value IS NOT"
                                      " NULL ORDER BY run",
                                      "it", (int64_t)cell, metric);
    while (source_row(s, rows)) {
        f->interval =
            (struct interval){source_real(rows, 0), source_real(rows, 1), source_real(rows, 2)};
        snprintf(f->unit, sizeof f->unit, "%s", source_text(rows, 3));
        add_seed(seeds, f->interval.value, 0);
    }
    f->seeds = seeds->count;
}

struct figure_value measure(struct source *s, int cell, const char *metric)
{
    static struct seeds shares, values;
    struct figure_value f = {{NAN, NAN, NAN}, 0, 0, ""};
    shares.count = values.count = 0;
    read_measured(s, cell, metric, &values, &f);
    read_share(s, cell, metric, &shares);
    for (int i = 0; i < shares.count; i++)
        f.trials += shares.second[i];
    if (shares.count == 0)
        f.trials = (double)source_number(
            s, "SELECT n FROM size WHERE cell=? AND metric=substr(?, 1, length(metric))", "it",
            (int64_t)cell, metric);
    if (f.seeds > 1)
        f.interval = shares.count ? interval_share(shares.first, shares.second, shares.count)
                                  : interval_mean(values.first, values.count);
    f.interval = within_bounds(f.interval, f.unit);
    return f;
}
