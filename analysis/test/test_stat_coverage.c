/* test_stat_coverage.c: how often the intervals contain the truth, in made-up worlds.
 *
 * All claim 95 %.  Accepted is, beside four standard errors of the simulation:
 *   93 to 97.5  methods that aim at 95 %: a point or two is less than an interval's width
 *               says about the next scenario, and counts are whole numbers
 *   95 to 100   methods that promise at least 95 %: exact ones, and those that hold at all
 *               times
 *   90 to 97.5  means of few seeds with a long tail to one side: no method that assumes
 *               nothing does better (Bahadur, Savage 1956), and the README says so
 * The first two stood before any number was seen; the third after the bootstraps had been
 * tried on other data.  Methods that must fail show that the simulation can tell. */
#include "analysis/difference.h"
#include "analysis/proportion.h"
#include "analysis/quantile.h"
#include "analysis/sequential.h"
#include "analysis/test/chance.h"
#include "analysis/test/near.h"

#define ALPHA    0.05
#define AIMS     93, 97.5
#define PROMISES 95, 100
#define TAILED   90, 97.5

struct row;
typedef struct interval (*method)(const struct row *row, struct chance *c, double *truth);

struct row {
    const char *name;
    method draw;
    struct versions world;
    double low, high; /* accepted coverage, per cent */
    double q;
};

static struct interval wilson(const struct row *row, struct chance *c, double *truth)
{
    struct outcome o;
    versions_run(&row->world, c, &o);
    *truth = row->world.share;
    double hits = 0, trials = 0;
    for (int s = 0; s < row->world.seeds; s++) {
        hits += o.base[s];
        trials += o.base_trials[s];
    }
    return proportion_wilson(hits, trials, ALPHA);
}

static struct interval exact(const struct row *row, struct chance *c, double *truth)
{
    struct outcome o;
    versions_run(&row->world, c, &o);
    *truth = row->world.share;
    return proportion_clopper_pearson(o.base[0], o.base_trials[0], ALPHA);
}

static struct interval clustered(const struct row *row, struct chance *c, double *truth)
{
    struct outcome o;
    versions_run(&row->world, c, &o);
    *truth = row->world.share;
    return proportion_clustered(o.base, o.base_trials, row->world.seeds, ALPHA);
}

static struct interval newcombe(const struct row *row, struct chance *c, double *truth)
{
    struct outcome o;
    versions_run(&row->world, c, &o);
    *truth = versions_truth(&row->world);
    return proportion_newcombe(o.base[0], o.base_trials[0], o.candidate[0], o.candidate_trials[0],
                               ALPHA);
}

/* Every world is one dial: pairs. */
static struct interval newcombe_paired(const struct row *row, struct chance *c, double *truth)
{
    struct proportion_pairs pairs = {0, 0, 0, 0};
    struct versions one = row->world;
    one.seeds = one.dials = 1;
    *truth = versions_truth(&row->world);
    for (int i = 0; i < row->world.dials; i++) {
        struct outcome o;
        versions_run(&one, c, &o);
        bool base = o.base[0] > 0, candidate = o.candidate[0] > 0;
        pairs.both += base && candidate;
        pairs.first_only += base && !candidate;
        pairs.second_only += !base && candidate;
        pairs.neither += !base && !candidate;
    }
    return proportion_newcombe_paired(pairs, ALPHA);
}

static struct interval shares(const struct row *row, struct chance *c, double *truth)
{
    struct outcome o;
    versions_run(&row->world, c, &o);
    *truth = versions_truth(&row->world);
    return difference_shares(o.base, o.base_trials, o.candidate, o.candidate_trials,
                             row->world.seeds, ALPHA)
        .delta;
}

/* What it would be to count dials, not seeds. */
static struct interval dials_as_units(const struct row *row, struct chance *c, double *truth)
{
    struct outcome o;
    double base = 0, candidate = 0, trials = 0;
    versions_run(&row->world, c, &o);
    *truth = versions_truth(&row->world);
    for (int s = 0; s < row->world.seeds; s++) {
        base += o.base[s];
        candidate += o.candidate[s];
        trials += o.base_trials[s];
    }
    return proportion_newcombe(base, trials, candidate, trials, ALPHA);
}

/* Of one seed's latencies, lognormal about the seed's own median. */
static double seed_quantile(struct chance *c, double median, int dials, double q)
{
    double values[CHANCE_SEEDS];
    for (int i = 0; i < dials; i++) {
        double value = median * exp(0.6 * chance_normal(c));
        int place = i;
        for (; place > 0 && values[place - 1] > value; place--)
            values[place] = values[place - 1];
        values[place] = value;
    }
    return quantile_value(values, dials, q);
}

/* Both versions have the seed's median; the truth of equals is 0, and that of a candidate
 * that is faster by a constant is that constant. */
static struct interval quantiles(const struct row *row, struct chance *c, double *truth)
{
    double base[CHANCE_SEEDS], candidate[CHANCE_SEEDS];
    *truth = row->world.gain;
    for (int s = 0; s < row->world.seeds; s++) {
        double median = exp(0.3 * chance_normal(c));
        base[s] = seed_quantile(c, median, row->world.dials, row->q);
        candidate[s] = seed_quantile(c, median, row->world.dials, row->q) + *truth;
    }
    return difference_quantiles(base, candidate, row->world.seeds, ALPHA).delta;
}

/* The candidate adds to every seed a time with a long tail, of mean 1. */
static struct interval tailed_quantiles(const struct row *row, struct chance *c, double *truth)
{
    double base[CHANCE_SEEDS], candidate[CHANCE_SEEDS];
    *truth = 1;
    for (int s = 0; s < row->world.seeds; s++) {
        base[s] = 10 + chance_normal(c);
        candidate[s] = base[s] - log(chance_uniform(c));
    }
    return difference_quantiles(base, candidate, row->world.seeds, ALPHA).delta;
}

static struct interval normal_means(const struct row *row, struct chance *c, double *truth)
{
    double base[CHANCE_SEEDS], candidate[CHANCE_SEEDS];
    *truth = 0.5;
    for (int s = 0; s < row->world.seeds; s++) {
        double world = 3 * chance_normal(c);
        base[s] = world + chance_normal(c);
        candidate[s] = world + chance_normal(c) + 0.5;
    }
    return difference_means(base, candidate, row->world.seeds, ALPHA).delta;
}

static struct interval one_mean(const struct row *row, struct chance *c, double *truth)
{
    double values[CHANCE_SEEDS];
    *truth = 0;
    for (int s = 0; s < row->world.seeds; s++)
        values[s] = chance_normal(c);
    return interval_mean(values, row->world.seeds);
}

/* Exponential values: the q-quantile is -ln(1 - q). */
static void exponential(struct chance *c, double *sorted, int count)
{
    double sum = 0; /* Renyi 1953: gaps of the sorted sample are exponential */
    for (int i = 0; i < count; i++) {
        sum -= log(chance_uniform(c)) / (count - i);
        sorted[i] = sum;
    }
}

static struct interval order_statistics(const struct row *row, struct chance *c, double *truth)
{
    double values[CHANCE_SEEDS];
    exponential(c, values, row->world.dials);
    *truth = -log(1 - row->q);
    return quantile_interval(values, row->world.dials, row->q, ALPHA);
}

static struct interval harrell_davis(const struct row *row, struct chance *c, double *truth)
{
    double values[CHANCE_SEEDS];
    exponential(c, values, row->world.dials);
    *truth = -log(1 - row->q);
    return quantile_harrell_davis(values, row->world.dials, row->q, ALPHA);
}

/* Covers if it does so after every single seed; the last interval is returned otherwise. */
static struct interval always(const struct row *row, struct chance *c, double *truth)
{
    struct outcome o;
    struct interval x = {0, -INFINITY, INFINITY};
    versions_run(&row->world, c, &o);
    *truth = versions_truth(&row->world);
    for (int s = 1; s <= row->world.seeds; s++) {
        x = sequential_shares(o.base, o.base_trials, o.candidate, o.candidate_trials, s, ALPHA);
        if (!(x.lo <= *truth && *truth <= x.hi))
            return x;
    }
    return x;
}

/* Ordinary intervals, looked at after every seed from the second on. */
static struct interval peeking(const struct row *row, struct chance *c, double *truth)
{
    double base[CHANCE_SEEDS];
    struct interval x = {0, -INFINITY, INFINITY};
    *truth = 0;
    for (int s = 0; s < row->world.seeds; s++)
        base[s] = chance_normal(c);
    for (int s = 2; s <= row->world.seeds; s++) {
        x = interval_mean(base, s);
        if (!(x.lo <= 0 && 0 <= x.hi))
            return x;
    }
    return x;
}

static const struct row rows[] = {
    /*                           seeds, dials, unequal, share, correlation, own, gain, loss */
    {"share, Wilson", wilson, {1, 100, false, 0.8, 0, 0, 0, 0}, AIMS, 0},
    {"share, exact", exact, {1, 100, false, 0.95, 0, 0, 0, 0}, PROMISES, 0},
    {"share over seeds", clustered, {20, 500, false, 0.8, 0.02, 0, 0, 0}, AIMS, 0},
    {"share over seeds", clustered, {10, 200, false, 0.95, 0.02, 0, 0, 0}, AIMS, 0},
    {"share over seeds", clustered, {5, 200, false, 0.8, 0.02, 0, 0, 0}, AIMS, 0},
    {"share, unequal seeds", clustered, {20, 200, true, 0.8, 0.02, 0, 0, 0}, AIMS, 0},
    {"share, every dial a unit", wilson, {20, 500, false, 0.8, 0.02, 0, 0, 0}, 0, 50, 0},
    {"mean of seeds", one_mean, {10, 1, false, 0, 0, 0, 0, 0}, AIMS, 0},
    {"two shares, Newcombe", newcombe, {1, 100, false, 0.8, 0, 1, 0.2, 0}, AIMS, 0},
    {"Newcombe paired", newcombe_paired, {1, 500, false, 0.8, 0, 0.2, 0.05, 0}, AIMS, 0},
    {"shares, 5 seeds", shares, {5, 200, false, 0.8, 0.02, 0.1, 0, 0}, AIMS, 0},
    {"shares, 16 seeds", shares, {16, 200, false, 0.8, 0.02, 0.1, 0, 0}, AIMS, 0},
    {"shares, 16 seeds, a gain", shares, {16, 200, false, 0.8, 0.02, 0.1, 0.1, 0}, AIMS, 0},
    {"shares, unequal seeds", shares, {16, 200, true, 0.8, 0.02, 0.1, 0.1, 0}, AIMS, 0},
    {"shares, nothing in common", shares, {16, 200, true, 0.8, 0.02, 1, 0, 0.05}, AIMS, 0},
    {"shares, near 1", shares, {30, 100, true, 0.98, 0.02, 0.1, 0, 0.01}, AIMS, 0},
    {"shares, rare changes", shares, {16, 50, false, 0.9, 0.02, 0.02, 0, 0}, PROMISES, 0},
    {"shares, dials as units", dials_as_units, {20, 500, false, 0.8, 0.02, 1, 0, 0}, 0, 70, 0},
    {"means, 8 seeds", normal_means, {8, 1, false, 0, 0, 0, 0, 0}, AIMS, 0},
    {"p50 of seeds, t", quantiles, {10, 50, false, 0, 0, 0, 0, 0}, AIMS, 0.5},
    {"p95 of seeds, bootstrap", quantiles, {15, 100, false, 0, 0, 0, 0, 0}, AIMS, 0.95},
    {"p95 of seeds, bootstrap", quantiles, {25, 100, false, 0, 0, 0, 0.1, 0}, AIMS, 0.95},
    {"differences with a tail", tailed_quantiles, {16, 1, false, 0, 0, 0, 0, 0}, TAILED, 0},
    {"differences with a tail", tailed_quantiles, {40, 1, false, 0, 0, 0, 0, 0}, TAILED, 0},
    {"p50, order statistics", order_statistics, {1, 101, false, 0, 0, 0, 0, 0}, PROMISES, 0.5},
    {"p99, order statistics", order_statistics, {1, 1000, false, 0, 0, 0, 0, 0}, PROMISES, 0.99},
    {"p50, Harrell-Davis", harrell_davis, {1, 100, false, 0, 0, 0, 0, 0}, AIMS, 0.5},
    {"p95, Harrell-Davis", harrell_davis, {1, 1000, false, 0, 0, 0, 0, 0}, AIMS, 0.95},
    {"shares, at all times", always, {200, 100, false, 0.8, 0.02, 0.1, 0, 0}, PROMISES, 0},
    {"a gain, at all times", always, {200, 100, true, 0.8, 0.02, 0.1, 0.1, 0}, PROMISES, 0},
    {"t, looked at 200 times", peeking, {200, 1, false, 0, 0, 0, 0, 0}, 0, 75, 0},
};

static double covered(const struct row *row, int times, double *width)
{
    int inside = 0;
    *width = 0;
    for (int i = 0; i < times; i++) {
        struct chance c = {keyed_word((uint64_t)(row - rows), (uint64_t)i), 0};
        double truth;
        struct interval x = row->draw(row, &c, &truth);
        inside += x.lo <= truth && truth <= x.hi;
        *width += (x.hi - x.lo) / times;
    }
    return 100.0 * inside / times;
}

static void every_interval_covers_what_it_claims(void **state)
{
    int times = repetitions(4000), wrong = 0;
    (void)state;
    print_message("%-32s %5s %5s %6s %5s %6s %13s %9s\n", "interval (95 %)", "seeds", "dials",
                  "share", "icc", "seen", "accepted", "width");
    for (const struct row *row = rows; row < rows + sizeof rows / sizeof *rows; row++) {
        double width, seen = covered(row, times, &width);
        double error = 100 * sqrt(0.05 * 0.95 / times);
        bool fine = seen >= row->low - 4 * error && seen <= row->high + 4 * error;
        print_message("%-32s %5d %5d %6.2f %5.2f %5.1f%% %5.1f - %5.1f%% %9.4f%s\n", row->name,
                      row->world.seeds, row->world.dials, row->world.share, row->world.correlation,
                      seen, row->low, row->high, width, fine ? "" : "  OUTSIDE");
        wrong += !fine;
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_interval_covers_what_it_claims)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
