/* curves.c: see curves.h. */
#include "analysis/curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/interval.h"
#include "stack/check.h"

#define LEAST_EXPONENT (-4) /* 100 us: below it nothing is told apart */
#define DECADES        13   /* up to 10^9: seconds or bytes per second */
#define BINS           (DECADES * CURVES_PER_DECADE + 1)
#define SEEDS_MOST     1000 /* of a cell; with more, those of the first runs are drawn */
#define SLICES         40   /* of the time in which dials began, at most */
#define DIALS_IN_SLICE 30   /* on average, at least: fewer are all noise */
#define TIMES_MOST     240  /* points of a series */

const char *const curves_names[CURVES] = {
    [CURVE_FIRST_BYTE] = "first_byte",
    [CURVE_FIRST_BYTE_TAIL] = "first_byte_tail",
    [CURVE_DIRECT] = "direct",
    [CURVE_DIRECT_TAIL] = "direct_tail",
    [CURVE_CONNECTED_RATE] = "connected_rate",
    [CURVE_DIRECT_RATE] = "direct_rate",
    [CURVE_JOINED] = "joined",
    [CURVE_DATAGRAMS] = "datagrams",
    [CURVE_NODE_BYTES] = "node_bytes",
    [CURVE_LOOKUP] = "lookup",
    [CURVE_MESSAGE] = "message",
};

static void add_point(struct source *s, enum curve curve, int cell, double x, struct interval y)
{
    source_run(s, "INSERT INTO point VALUES(?,?,?,?,?,?)", "tirrrr", curves_names[curve],
               (int64_t)cell, x, y.value, y.lo, y.hi);
}

/* ---- distributions ---- */

/* How many of one run's values lie in each bin; bin i ends at bin_end(i). */
struct histogram {
    double count[BINS];
    double finite, all; /* values; those that never came are in all only */
};

struct sample { /* of one cell */
    struct histogram *seed;
    int seeds;
};

static double bin_end(int bin)
{
    return pow(10, LEAST_EXPONENT + (double)bin / CURVES_PER_DECADE);
}

static int bin_of(double value)
{
    double bin = ceil((log10(value) - LEAST_EXPONENT) * CURVES_PER_DECADE - 1e-9);
    return !(bin > 0) ? 0 : bin > BINS - 1 ? BINS - 1 : (int)bin;
}

/* Rows of sql: run, value or NULL; ordered by run. */
static struct sample read_sample(struct source *s, const char *sql, int cell)
{
    struct sample sample = {0};
    int64_t run = 0;
    sqlite3_stmt *rows = source_query(s, sql, "i", (int64_t)cell);
    while (source_row(s, rows)) {
        if (sample.seeds == 0 || run != sqlite3_column_int64(rows, 0)) {
            if (sample.seeds == SEEDS_MOST)
                continue;
            sample.seed = realloc(sample.seed, (size_t)(sample.seeds + 1) * sizeof *sample.seed);
            CHECK(sample.seed);
            memset(&sample.seed[sample.seeds++], 0, sizeof *sample.seed);
            run = sqlite3_column_int64(rows, 0);
        }
        struct histogram *h = &sample.seed[sample.seeds - 1];
        h->all++;
        if (sqlite3_column_type(rows, 1) == SQLITE_NULL)
            continue;
        h->count[bin_of(sqlite3_column_double(rows, 1))]++;
        h->finite++;
    }
    return sample;
}

/* The bins between which something happens in any cell.  Returns 0 if nowhere. */
static int find_range(const struct sample *samples, int cells, int *first, int *last)
{
    *first = BINS;
    *last = -1;
    for (int c = 0; c < cells; c++)
        for (int i = 0; i < samples[c].seeds; i++)
            for (int b = 0; b < BINS; b++)
                if (samples[c].seed[i].count[b] > 0) {
                    *first = b < *first ? b : *first;
                    *last = b > *last ? b : *last;
                }
    *first = *first > 0 ? *first - 1 : 0;
    return *last >= 0;
}

struct tallies { /* of each seed of a sample */
    double *hits, *trials;
};

static struct tallies make_tallies(int seeds)
{
    struct tallies t = {calloc((size_t)seeds, sizeof *t.hits),
                        calloc((size_t)seeds, sizeof *t.trials)};
    CHECK(t.hits && t.trials);
    return t;
}

static void free_tallies(struct tallies *t)
{
    free(t->hits);
    free(t->trials);
}

/* At all points of the range, so that a line which never reaches the top is seen to stay
 * below it. */
static void add_body(struct source *s, enum curve curve, int cell, const struct sample *sample,
                     int first, int last)
{
    struct tallies t = make_tallies(sample->seeds);
    for (int i = 0; i < sample->seeds; i++)
        t.trials[i] = sample->seed[i].all;
    for (int b = 0; b <= last; b++) {
        for (int i = 0; i < sample->seeds; i++)
            t.hits[i] += sample->seed[i].count[b];
        if (b >= first)
            add_point(s, curve, cell, bin_end(b), interval_share(t.hits, t.trials, sample->seeds));
    }
    free_tallies(&t);
}

/* Down to the last value: no share is zero, which has no logarithm. */
static void add_tail(struct source *s, enum curve curve, int cell, const struct sample *sample,
                     int first)
{
    struct tallies t = make_tallies(sample->seeds);
    double left = 0;
    for (int i = 0; i < sample->seeds; i++)
        left += t.hits[i] = t.trials[i] = sample->seed[i].finite;
    for (int b = 0; b < BINS && left > 0; b++) {
        for (int i = 0; i < sample->seeds; i++) {
            t.hits[i] -= sample->seed[i].count[b];
            left -= sample->seed[i].count[b];
        }
        if (b >= first && left > 0)
            add_point(s, curve, cell, bin_end(b), interval_share(t.hits, t.trials, sample->seeds));
    }
    free_tallies(&t);
}

/* tail CURVES: none. */
static void add_distributions(struct source *s, int cells, const char *sql, enum curve body,
                              enum curve tail)
{
    struct sample samples[CURVES_CELLS];
    int first, last;
    for (int c = 0; c < cells; c++)
        samples[c] = read_sample(s, sql, c + 1);
    if (find_range(samples, cells, &first, &last))
        for (int c = 0; c < cells; c++) {
            if (samples[c].seeds == 0)
                continue;
            add_body(s, body, c + 1, &samples[c], first, last);
            if (tail != CURVES)
                add_tail(s, tail, c + 1, &samples[c], first);
        }
    for (int c = 0; c < cells; c++)
        free(samples[c].seed);
}

/* ---- over time ---- */

struct slices {
    double first_s, width_s;
    int count, seeds;
    double (*dials)[SEEDS_MOST], (*connected)[SEEDS_MOST], (*direct)[SEEDS_MOST];
};

static void read_slices(struct source *s, struct slices *slices, int cell)
{
    int64_t run = 0;
    sqlite3_stmt *rows = source_query(
        s,
        "SELECT run, min(?-1, CAST((at_ns/1e9 - ?)/? AS INTEGER)) AS slice, count(*),"
        " sum(outcome<>'failed'), sum(outcome='direct') FROM main.dial JOIN counted USING(run)"
        " WHERE cell=? GROUP BY run, slice ORDER BY run, slice",
        "irri", (int64_t)slices->count, slices->first_s, slices->width_s, (int64_t)cell);
    while (source_row(s, rows)) {
        if (slices->seeds == 0 || run != sqlite3_column_int64(rows, 0)) {
            run = sqlite3_column_int64(rows, 0);
            if (++slices->seeds > SEEDS_MOST)
                slices->seeds = SEEDS_MOST;
        }
        int64_t slice = sqlite3_column_int64(rows, 1);
        if (slice < 0 || slice >= slices->count)
            continue;
        slices->dials[slice][slices->seeds - 1] = sqlite3_column_double(rows, 2);
        slices->connected[slice][slices->seeds - 1] = sqlite3_column_double(rows, 3);
        slices->direct[slice][slices->seeds - 1] = sqlite3_column_double(rows, 4);
    }
}

/* A staircase: each slice has one value. */
static void add_slices(struct source *s, const struct slices *slices, enum curve curve, int cell,
                       double (*hits)[SEEDS_MOST])
{
    for (int i = 0; i < slices->count; i++) {
        struct interval y = interval_share(hits[i], slices->dials[i], slices->seeds);
        double x = slices->first_s + i * slices->width_s;
        add_point(s, curve, cell, x, y);
        add_point(s, curve, cell, x + slices->width_s, y);
    }
}

static void add_rates(struct source *s, int cell)
{
    struct slices slices = {0};
    double dials = 0, last = 0;
    sqlite3_stmt *range = source_query(s,
                                       "SELECT count(*), min(at_ns)/1e9, max(at_ns)/1e9 FROM"
                                       " main.dial JOIN counted USING(run) WHERE cell=?",
                                       "i", (int64_t)cell);
    while (source_row(s, range)) {
        dials = sqlite3_column_double(range, 0);
        slices.first_s = sqlite3_column_double(range, 1);
        last = sqlite3_column_double(range, 2);
    }
    if (!(dials > 0) || !(last >= slices.first_s))
        return;
    slices.count = (int)fmax(1, fmin(SLICES, dials / DIALS_IN_SLICE));
    slices.width_s = fmax((last - slices.first_s) / slices.count, 1e-3);
    size_t row = sizeof *slices.dials;
    slices.dials = calloc((size_t)slices.count, row);
    slices.connected = calloc((size_t)slices.count, row);
    slices.direct = calloc((size_t)slices.count, row);
    CHECK(slices.dials && slices.connected && slices.direct);
    read_slices(s, &slices, cell);
    add_slices(s, &slices, CURVE_CONNECTED_RATE, cell, slices.connected);
    add_slices(s, &slices, CURVE_DIRECT_RATE, cell, slices.direct);
    free(slices.dials);
    free(slices.connected);
    free(slices.direct);
}

/* Rows of sql, which takes the cell and a step: x, value of one seed; ordered by x, of which
 * only each step-th is there. */
static void add_means(struct source *s, const char *sql, enum curve curve, int cell)
{
    double values[SEEDS_MOST], at = 0;
    int seeds = 0;
    int64_t times = source_number(s,
                                  "SELECT count(DISTINCT at_ns) FROM main.series JOIN counted"
                                  " USING(run) WHERE cell=? AND metric='joined'",
                                  "i", (int64_t)cell);
    int64_t step = times / TIMES_MOST + 1;
    sqlite3_stmt *rows = source_query(s, sql, "ii", (int64_t)cell, step);
    while (source_row(s, rows)) {
        double x = sqlite3_column_double(rows, 0);
        if (seeds > 0 && x != at) {
            add_point(s, curve, cell, at, interval_mean(values, seeds));
            seeds = 0;
        }
        at = x;
        if (seeds < SEEDS_MOST)
            values[seeds++] = sqlite3_column_double(rows, 1);
    }
    if (seeds > 0)
        add_point(s, curve, cell, at, interval_mean(values, seeds));
}

static void add_series(struct source *s, int cell)
{
    add_means(s,
              "SELECT at_ns/1e9, value/nodes FROM (SELECT at_ns, value, nodes, dense_rank() OVER"
              " (ORDER BY at_ns) AS k FROM main.series JOIN counted USING(run) WHERE cell=? AND"
              " metric='joined' AND nodes > 0) WHERE k % ? = 0 ORDER BY at_ns",
              CURVE_JOINED, cell);
    add_means(s,
              "SELECT (at_ns+was_ns)/2e9, (value-was)*1e9/(at_ns-was_ns)/nodes FROM (SELECT at_ns,"
              " value, nodes, lag(at_ns) OVER o AS was_ns, lag(value) OVER o AS was FROM (SELECT"
              " run, at_ns, value, nodes, dense_rank() OVER (ORDER BY at_ns) AS k FROM"
              " main.series JOIN counted USING(run) WHERE cell=? AND metric='datagrams_sent' AND"
              " nodes > 0) WHERE k % ? = 0 WINDOW o AS (PARTITION BY run ORDER BY at_ns))"
              " WHERE at_ns > was_ns ORDER BY 1",
              CURVE_DATAGRAMS, cell);
}

#define SAMPLE(value, table)                                                                       \
    "SELECT run, " value " FROM main." table " JOIN counted USING(run) WHERE cell=? ORDER BY run"

void curves_prepare(struct source *s, const struct cells *cells)
{
    int n = cells->count < CURVES_CELLS ? cells->count : CURVES_CELLS;
    source_run(s,
               "CREATE TEMP TABLE point(curve TEXT, cell INTEGER, x REAL, y REAL, lo REAL,"
               " hi REAL)",
               "");
    source_run(s, "CREATE INDEX temp.point_by_curve ON point(curve, cell)", "");
    add_distributions(s, n, SAMPLE("first_ns/1e9", "dial"), CURVE_FIRST_BYTE,
                      CURVE_FIRST_BYTE_TAIL);
    add_distributions(s, n, SAMPLE("direct_ns/1e9", "dial"), CURVE_DIRECT, CURVE_DIRECT_TAIL);
    add_distributions(s, n, SAMPLE("iif(ok, latency_ns/1e9, NULL)", "lookup"), CURVE_LOOKUP,
                      CURVES);
    add_distributions(s, n, SAMPLE("iif(delivered=subscribers, last_ns/1e9, NULL)", "message"),
                      CURVE_MESSAGE, CURVES);
    add_distributions(s, n,
                      "SELECT run, bytes/sim_s FROM (SELECT run, node, sum(bytes_out+bytes_in) AS"
                      " bytes FROM main.traffic GROUP BY run, node) JOIN counted USING(run)"
                      " WHERE cell=? AND sim_s > 0 ORDER BY run",
                      CURVE_NODE_BYTES, CURVES);
    for (int cell = 1; cell <= n; cell++) {
        add_rates(s, cell);
        add_series(s, cell);
    }
}
