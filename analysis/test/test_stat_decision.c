/* test_stat_decision.c: how often the words are wrong, and how often they come, in made-up
 * worlds: the whole way from dials to verdict. */
#include "analysis/difference.h"
#include "analysis/holm.h"
#include "analysis/sequential.h"
#include "analysis/test/chance.h"
#include "analysis/test/near.h"
#include "analysis/verdict.h"

#define ALPHA 0.05

/* Per cent of so many repetitions, and its standard error where the truth is `expected`. */
static double per_cent(int found, int times)
{
    return 100.0 * found / times;
}

static double error_of(double expected, int times)
{
    return sqrt(expected * (100 - expected) / times);
}

static struct difference compared(const struct outcome *o, int seeds)
{
    return difference_shares(o->base, o->base_trials, o->candidate, o->candidate_trials, seeds,
                             ALPHA);
}

static bool different(enum verdict verdict)
{
    return verdict == VERDICT_BETTER || verdict == VERDICT_WORSE;
}

/* Equals, 10 seeds of 100 dials with something in common: flagged in 5 % of the seed sets,
 * +- 3.  A margin of 0 leaves no way out for WORSE. */
static void equals_are_flagged_as_often_as_alpha_says(void **state)
{
    static const struct versions equal = {10, 100, true, 0.8, 0.02, 0.2, 0, 0};
    int flagged = 0, of_200 = 0, sets = repetitions(20000);
    (void)state;
    for (int i = 0; i < sets; i++) {
        struct chance c = {keyed_word(1, (uint64_t)i), 0};
        struct outcome o;
        versions_run(&equal, &c, &o);
        struct difference d = compared(&o, equal.seeds);
        flagged += different(verdict_of(&d, (struct margin){0, 1}, d.p));
        if (i + 1 == 200)
            of_200 = flagged;
    }
    print_message("A against A: %.1f %% of 200 seed sets flagged, %.2f %% of %d\n",
                  per_cent(of_200, 200), per_cent(flagged, sets), sets);
    assert_near(per_cent(of_200, 200), 5, 3);
    assert_near(per_cent(flagged, sets), 5, 0.5 + 4 * error_of(5, sets));
}

/* Five metrics of equals that share their worlds: that any is flagged has probability alpha
 * at most with Holm, and nearly five times that without. */
static void a_family_is_flagged_as_often_as_one(void **state)
{
    static const struct versions equal = {10, 60, false, 0.7, 0.02, 0.5, 0, 0};
    int adjusted_flags = 0, naive_flags = 0, times = repetitions(8000);
    (void)state;
    for (int i = 0; i < times; i++) {
        double p[5], adjusted[5], least = 1, least_adjusted = 1;
        for (int k = 0; k < 5; k++) {
            struct chance c = {keyed_word(2, (uint64_t)(5 * i + k)), 0};
            struct outcome o;
            versions_run(&equal, &c, &o);
            p[k] = compared(&o, equal.seeds).p;
        }
        holm_adjust(p, adjusted, 5);
        for (int k = 0; k < 5; k++) {
            least = fmin(least, p[k]);
            least_adjusted = fmin(least_adjusted, adjusted[k]);
        }
        naive_flags += least < ALPHA;
        adjusted_flags += least_adjusted < ALPHA;
    }
    print_message("five metrics, A against A: %.1f %% with Holm, %.1f %% without\n",
                  per_cent(adjusted_flags, times), per_cent(naive_flags, times));
    assert_true(per_cent(adjusted_flags, times) <= 5 + 4 * error_of(5, times));
    assert_true(per_cent(naive_flags, times) > 15);
}

/* Differences whose deviation has the upper 80 % limit 1, after two seeds: the plan is then
 * that for a deviation of 1, which is what is drawn. */
static struct difference known(double value)
{
    return (struct difference){.delta = {value, NAN, NAN},
                               .alpha = ALPHA,
                               .error = 0,
                               .pairs = 2,
                               .least = INFINITY,
                               .variance_paired = gsl_cdf_chisq_Pinv(0.2, 1)};
}

static enum verdict drawn_verdict(struct chance *c, double gain, struct margin margin, int seeds)
{
    double none[CHANCE_SEEDS] = {0}, differences[CHANCE_SEEDS];
    for (int s = 0; s < seeds; s++)
        differences[s] = gain + chance_normal(c);
    struct difference d = difference_means(none, differences, seeds, ALPHA);
    return verdict_of(&d, margin, d.p);
}

/* At the planned number a word comes with 95 % power, or more, since either word will do.
 * Accepted: from 94 %, for numbers are rounded. */
static void the_planned_number_of_seeds_has_the_power(void **state)
{
    static const struct {
        const char *name;
        double gain, margin;
    } rows[] = {{"no difference", 0, 0.5},
                {"a gain", 0.4, 0},
                {"a loss beyond the margin", -0.6, 0.3},
                {"a gain as large as the margin", 0.5, 0.5},
                {"a loss of half the margin", -0.4, 0.8}};
    int times = repetitions(4000);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct margin margin = {rows[i].margin, 1};
        struct difference truth = known(rows[i].gain);
        int seeds = verdict_seeds_needed(&truth, margin, 1), decided = 0;
        assert_in_range(seeds, 3, CHANCE_SEEDS);
        for (int k = 0; k < times; k++) {
            struct chance c = {keyed_word(10 + i, (uint64_t)k), 0};
            decided += drawn_verdict(&c, rows[i].gain, margin, seeds) != VERDICT_UNDECIDED;
        }
        print_message("%-32s %4d seeds planned, %.1f %% decided\n", rows[i].name, seeds,
                      per_cent(decided, times));
        assert_true(per_cent(decided, times) >= 94 - 4 * error_of(95, times));
    }
}

/* "Needs about N seeds" from a pilot of 20, then N: that decides, unless the pilot saw the
 * difference wrong, for which no formula has a cure; accepted: 80 % decided. */
static void the_number_asked_for_then_decides(void **state)
{
    static const struct {
        const char *name;
        struct versions world;
    } rows[] = {{"equals", {20, 100, false, 0.8, 0.02, 0.1, 0, 0}},
                {"a loss of half a margin", {20, 100, false, 0.8, 0.02, 0.1, 0, 0.00625}},
                {"a loss of two margins", {20, 100, false, 0.8, 0.02, 0.1, 0, 0.025}}};
    const struct margin margin = {0.01, 1};
    int times = repetitions(1000);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int pilots = 0, decided = 0;
        double asked = 0;
        for (int k = 0; k < times; k++) {
            struct chance c = {keyed_word(20 + i, (uint64_t)k), 0};
            struct versions world = rows[i].world;
            struct outcome o;
            versions_run(&world, &c, &o);
            struct difference d = compared(&o, world.seeds);
            if (verdict_of(&d, margin, d.p) != VERDICT_UNDECIDED)
                continue;
            int most = CHANCE_SEEDS, pilot = world.seeds;
            world.seeds = verdict_seeds_needed(&d, margin, 1);
            world.seeds = world.seeds < most ? world.seeds : most;
            for (int s = pilot; s < world.seeds; s++)
                versions_seed(&world, &c, &o, s);
            d = compared(&o, world.seeds);
            decided += verdict_of(&d, margin, d.p) != VERDICT_UNDECIDED;
            asked += world.seeds;
            pilots++;
        }
        print_message("%-32s undecided %.0f %%; asked for %.0f seeds, then %.1f %% decided\n",
                      rows[i].name, per_cent(pilots, times), asked / pilots,
                      per_cent(decided, pilots));
        assert_true(per_cent(decided, pilots) >= 80 - 4 * error_of(80, pilots));
    }
}

/* ---- looking after every seed -------------------------------------------- */

#define LOOKS 300

typedef double (*seed_difference)(struct chance *c);

static double normal(struct chance *c)
{
    return chance_normal(c);
}

static double tailed(struct chance *c)
{
    double square = 0;
    for (int i = 0; i < 3; i++)
        square += pow(chance_normal(c), 2);
    return chance_normal(c) / sqrt(square / 3); /* Student's t, 3 degrees of freedom */
}

static double skew(struct chance *c)
{
    return -log(chance_uniform(c)) - 1;
}

static double one_dial(struct chance *c)
{
    return chance_hit(c, 0.5) ? 1 : -1;
}

static double rarely(struct chance *c)
{
    return chance_hit(c, 0.05) ? one_dial(c) : 0;
}

static double one_in_ten(struct chance *c)
{
    return chance_hit(c, 0.1) ? -0.9 : 0.1;
}

static struct interval sequential(const double *differences, int seeds)
{
    return sequential_means(differences, seeds, ALPHA);
}

/* Whether any look excludes the truth, 0. */
static bool alarmed(seed_difference draw, struct chance *c,
                    struct interval (*look)(const double *differences, int seeds))
{
    double differences[LOOKS];
    for (int s = 0; s < LOOKS; s++) {
        differences[s] = draw(c);
        struct interval x = look(differences, s + 1);
        if (x.lo > 0 || x.hi < 0)
            return true;
    }
    return false;
}

/* One dial per seed, rare changes, tails to both sides and to one: not normal, all of them.
 * The last shows the limit of what assumes a shape: if one seed in ten loses nine times what
 * the others gain, it is now and then believed before such a seed was seen often enough; its
 * bound records what was seen. */
static void looking_after_every_seed_raises_no_more_alarms(void **state)
{
    static const struct {
        const char *name;
        seed_difference draw;
        double most; /* accepted alarms, per cent */
    } rows[] = {{"normal", normal, 5},    {"tails (t, 3)", tailed, 5},
                {"exponential", skew, 5}, {"one dial", one_dial, 5},
                {"rare", rarely, 5},      {"one in ten loses", one_in_ten, 20}};
    int times = repetitions(1000);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int found = 0, ordinary = 0;
        for (int k = 0; k < times; k++) {
            struct chance c = {keyed_word(30 + i, (uint64_t)k), 0}, same = c;
            found += alarmed(rows[i].draw, &c, sequential);
            ordinary += alarmed(rows[i].draw, &same, interval_mean);
        }
        print_message("%d looks at equals, %-16s %4.1f %% alarms; ordinary intervals %.0f %%\n",
                      LOOKS, rows[i].name, per_cent(found, times), per_cent(ordinary, times));
        assert_true(per_cent(found, times) <= rows[i].most + 4 * error_of(rows[i].most, times));
        assert_true(rows[i].draw != normal || per_cent(ordinary, times) > 30);
    }
}

struct stop {
    enum verdict verdict;
    int seeds;
};

static struct stop run_until_decided(const struct versions *world, struct margin margin,
                                     struct chance *c)
{
    struct outcome o;
    for (int s = 0; s < world->seeds; s++) {
        versions_seed(world, c, &o, s);
        struct interval x =
            sequential_shares(o.base, o.base_trials, o.candidate, o.candidate_trials, s + 1, ALPHA);
        enum verdict verdict = verdict_sequential(x, margin);
        if (verdict != VERDICT_UNDECIDED)
            return (struct stop){verdict, s + 1};
    }
    return (struct stop){VERDICT_UNDECIDED, world->seeds};
}

/* Stopped as soon as decided, the word is wrong in at most alpha of the campaigns. */
static void what_is_said_on_stopping_is_right(void **state)
{
    static const struct {
        const char *name;
        struct versions world;
        unsigned right; /* the verdicts that are true: bits */
    } rows[] = {
        {"equals",
         {CHANCE_SEEDS, 100, true, 0.8, 0.02, 0.1, 0, 0},
         1U << VERDICT_SAME | 1U << VERDICT_NOT_WORSE},
        {"a gain of two margins",
         {CHANCE_SEEDS, 100, true, 0.8, 0.02, 0.1, 0.1, 0},
         1U << VERDICT_BETTER | 1U << VERDICT_NOT_WORSE},
        {"a loss of the margin",
         {CHANCE_SEEDS, 100, true, 0.8, 0.02, 0.1, 0, 0.0125},
         1U << VERDICT_WORSE},
        {"a loss of four margins",
         {CHANCE_SEEDS, 100, true, 0.8, 0.02, 0.1, 0, 0.05},
         1U << VERDICT_WORSE},
    };
    const struct margin margin = {0.01, 1};
    int times = repetitions(2000);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int wrong = 0, undecided = 0;
        double seeds = 0;
        for (int k = 0; k < times; k++) {
            struct chance c = {keyed_word(40 + i, (uint64_t)k), 0};
            struct stop stop = run_until_decided(&rows[i].world, margin, &c);
            undecided += stop.verdict == VERDICT_UNDECIDED;
            wrong += stop.verdict != VERDICT_UNDECIDED && !(rows[i].right >> stop.verdict & 1);
            seeds += stop.seeds;
        }
        print_message("until decided, %-24s %4.0f seeds, %.1f %% wrong, %.1f %% undecided\n",
                      rows[i].name, seeds / times, per_cent(wrong, times),
                      per_cent(undecided, times));
        assert_true(per_cent(wrong, times) <= 5 + 4 * error_of(5, times));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_are_flagged_as_often_as_alpha_says),
        cmocka_unit_test(a_family_is_flagged_as_often_as_one),
        cmocka_unit_test(the_planned_number_of_seeds_has_the_power),
        cmocka_unit_test(the_number_asked_for_then_decides),
        cmocka_unit_test(looking_after_every_seed_raises_no_more_alarms),
        cmocka_unit_test(what_is_said_on_stopping_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
