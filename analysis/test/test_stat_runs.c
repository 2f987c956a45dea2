/* test_stat_runs.c: equals made of real runs: any two seeds of one scenario are as alike as two
 * versions can be, and their dials depend on one another as they really do.
 *
 * Seeds of equals.yaml are shuffled into pairs, base and candidate, again and again; how often
 * the words say BETTER or WORSE is the rate of false alarms: 5 % +- 3, and for shares near 1,
 * of which a handful of dials decides, less. */
#include <sqlite3.h>

#include "analysis/difference.h"
#include "analysis/holm.h"
#include "analysis/quantile.h"
#include "analysis/test/chance.h"
#include "analysis/test/near.h"
#include "analysis/verdict.h"

#define ALPHA   0.05
#define RUNS    500
#define PAIRS   10 /* of one seed set */
#define SETS    2000
#define WINDOW  20e9 /* ns: a dial without a round trip counts as this */
#define METRICS 4
#define DIALS   200 /* more than any run has */

struct runs {
    int count;
    double dials[RUNS], direct[RUNS], connected[RUNS], median[RUNS], bytes[RUNS];
};

/* Some seeds at a time: what mistsim sums up at the end takes the longer the more it was. */
#define BATCH 50

static sqlite3 *simulated(int first)
{
    char command[2048], file[256];
    sqlite3 *db;
    const char *build = getenv("MIST_BUILD");
    build = build ? build : "build";
    snprintf(file, sizeof file, "%s/log/equals.db", build);
    snprintf(command, sizeof command,
             "mkdir -p %s/log && rm -f %s && %s/mistsim run analysis/test/equals.yaml --seeds "
             "%d..%d --jobs 1 --out %s >/dev/null 2>&1",
             build, file, build, first, first + BATCH - 1, file);
    assert_int_equal(system(command), 0);
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    return db;
}

static void take_dials(struct runs *runs, int run, sqlite3_stmt *row)
{
    runs->dials[run] = sqlite3_column_double(row, 1);
    runs->direct[run] = sqlite3_column_double(row, 2);
    runs->connected[run] = sqlite3_column_double(row, 3);
}

static void take_bytes(struct runs *runs, int run, sqlite3_stmt *row)
{
    runs->bytes[run] = sqlite3_column_double(row, 1);
}

/* Rows with a run's number first, and one for every run, in their order. */
static void each_run(sqlite3 *db, const char *sql, struct runs *runs,
                     void (*take)(struct runs *runs, int run, sqlite3_stmt *row))
{
    sqlite3_stmt *row;
    int run = runs->count;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW && run < RUNS)
        take(runs, run++, row);
    sqlite3_finalize(row);
    assert_int_equal(run, runs->count + BATCH);
}

static void take_median(struct runs *runs, int run, sqlite3_stmt *row)
{
    double sorted[DIALS];
    int count = 0;
    sqlite3_stmt *dial;
    assert_int_equal(sqlite3_prepare_v2(sqlite3_db_handle(row),
                                        "SELECT first_ns FROM dial WHERE run=? AND first_ns NOT "
                                        "NULL ORDER BY 1",
                                        -1, &dial, NULL),
                     SQLITE_OK);
    sqlite3_bind_int64(dial, 1, sqlite3_column_int64(row, 0));
    while (sqlite3_step(dial) == SQLITE_ROW && count < DIALS)
        sorted[count++] = sqlite3_column_double(dial, 0);
    sqlite3_finalize(dial);
    runs->median[run] = quantile_restricted(sorted, count, (long)runs->dials[run], 0.5, WINDOW);
}

static void read_runs(sqlite3 *db, struct runs *runs)
{
    each_run(db,
             "SELECT run, count(*), sum(outcome='direct'), sum(outcome<>'failed') FROM run JOIN "
             "dial USING(run) WHERE status='complete' GROUP BY run ORDER BY run",
             runs, take_dials);
    each_run(db, "SELECT run, sum(bytes_out) FROM traffic GROUP BY run ORDER BY run", runs,
             take_bytes);
    each_run(db, "SELECT DISTINCT run FROM dial ORDER BY run", runs, take_median);
    runs->count += BATCH;
}

static void pick(const double *values, const int *order, double arms[2][PAIRS])
{
    for (int i = 0; i < 2 * PAIRS; i++)
        arms[i % 2][i / 2] = values[order[i]];
}

/* The first places of a shuffled deck (Fisher, Yates). */
static void shuffle(struct chance *c, int *order, int count)
{
    for (int i = 0; i < count; i++)
        order[i] = i;
    for (int i = 0; i < 2 * PAIRS; i++) {
        int other = i + (int)(chance_uniform(c) * (count - i)), first = order[i];
        order[i] = order[other];
        order[other] = first;
    }
}

static void compare(const struct runs *runs, const int *order, struct difference d[METRICS])
{
    double dials[2][PAIRS], x[2][PAIRS];
    pick(runs->dials, order, dials);
    pick(runs->direct, order, x);
    d[0] = difference_shares(x[0], dials[0], x[1], dials[1], PAIRS, ALPHA);
    pick(runs->connected, order, x);
    d[1] = difference_shares(x[0], dials[0], x[1], dials[1], PAIRS, ALPHA);
    pick(runs->median, order, x);
    d[2] = difference_quantiles(x[0], x[1], PAIRS, ALPHA);
    pick(runs->bytes, order, x);
    d[3] = difference_means(x[0], x[1], PAIRS, ALPHA);
}

static bool flagged(const struct difference *d, double p)
{
    enum verdict verdict = verdict_of(d, (struct margin){0, 1}, p);
    return verdict == VERDICT_BETTER || verdict == VERDICT_WORSE;
}

static void equals_made_of_real_runs_are_flagged_as_often_as_alpha_says(void **state)
{
    static const char *const names[] = {"direct", "connected", "first byte, median", "bytes sent"};
    struct runs *runs = calloc(1, sizeof *runs);
    int alone[METRICS] = {0}, any = 0, seeds = repetitions(RUNS);
    (void)state;
    assert_non_null(runs);
    while (runs->count < seeds) {
        sqlite3 *db = simulated(runs->count + 1);
        read_runs(db, runs);
        sqlite3_close(db);
    }
    for (int set = 0; set < SETS; set++) {
        struct chance c = {keyed_word(50, (uint64_t)set), 0};
        struct difference d[METRICS];
        double p[METRICS], adjusted[METRICS];
        int order[RUNS];
        shuffle(&c, order, runs->count);
        compare(runs, order, d);
        for (int k = 0; k < METRICS; k++)
            p[k] = d[k].p;
        holm_adjust(p, adjusted, METRICS);
        bool found = false;
        for (int k = 0; k < METRICS; k++) {
            alone[k] += flagged(&d[k], p[k]);
            found |= flagged(&d[k], adjusted[k]);
        }
        any += found;
    }
    for (int k = 0; k < METRICS; k++) {
        print_message("%d real runs, %d seed sets: %-20s %.1f %% flagged\n", seeds, SETS, names[k],
                      100.0 * alone[k] / SETS);
        assert_true(100.0 * alone[k] / SETS <= 8);
    }
    assert_true(100.0 * alone[0] / SETS >= 2);
    print_message("any of the four, with Holm: %.1f %%\n", 100.0 * any / SETS);
    assert_true(100.0 * any / SETS <= 8);
    free(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_made_of_real_runs_are_flagged_as_often_as_alpha_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
