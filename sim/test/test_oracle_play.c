/* test_oracle_play.c: the oracle's formulae against worlds played through the
 * translator: equal within 4 standard errors, or exactly where nothing is left
 * to chance. */
#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/catalogue.h"
#include "sim/oracle_play.h"

#define CHAIN 2 /* boxes of a chain in this file, at most */

struct chain {
    struct nat_policy policies[CHAIN];
    struct rule_chain chain;
};

static void set_knob(struct nat_policy *policy, char *knob)
{
    char error[200], *value = strchr(knob, ':');
    assert_non_null(value);
    *value = 0;
    if (nat_policy_set(policy, knob + strspn(knob, " "), value + 1, error, sizeof error))
        fail_msg("%s", error);
}

/* "mapping: apdm; ports: random > filtering: eif", inside first; "none" */
static void read_chain(struct chain *c, const char *text)
{
    char copy[400], error[200], *boxes, *knobs;
    memset(c, 0, sizeof *c);
    snprintf(copy, sizeof copy, "%s", strcmp(text, "none") == 0 ? "" : text);
    for (char *box = strtok_r(copy, ">", &boxes); box; box = strtok_r(NULL, ">", &boxes)) {
        assert_true(c->chain.count < CHAIN);
        struct nat_policy *policy = &c->policies[c->chain.count];
        *policy = nat_policy_default();
        for (char *knob = strtok_r(box, ";", &knobs); knob; knob = strtok_r(NULL, ";", &knobs))
            set_knob(policy, knob);
        if (nat_policy_check(policy, error, sizeof error))
            fail_msg("%s", error);
        c->chain.boxes[c->chain.count++] = policy;
    }
}

/* Within 4 standard errors of the formula; where it says 0 or 1, exactly. */
static void assert_agree(const char *what, uint32_t met, uint32_t worlds, double p)
{
    double share = (double)met / worlds, error = sqrt(p * (1 - p) / worlds);
    if (fabs(share - p) > 4 * error + 1e-9)
        fail_msg("%s: formula %.4f, %u of %u worlds: %.1f standard errors apart", what, p, met,
                 worlds, fabs(share - p) / error);
}

static struct oracle_verdict play(const char *a, const char *b, const struct oracle_budget *budget,
                                  enum oracle_technique technique, uint32_t worlds)
{
    struct chain chains[2];
    char what[300];
    uint32_t met = 0;
    read_chain(&chains[0], a);
    read_chain(&chains[1], b);
    struct oracle_verdict v = oracle_judge(&chains[0].chain, &chains[1].chain, 0, budget);
    assert_true(v.options[technique].possible);
    for (uint32_t i = 0; i < worlds; i++)
        met += oracle_play(&chains[0].chain, &chains[1].chain, budget, technique,
                           &v.options[technique], i);
    snprintf(what, sizeof what, "%s of %s with %s", oracle_technique_word(technique), a, b);
    assert_agree(what, met, worlds, v.options[technique].p);
    return v;
}

#define STRICT "mapping: apdm; filtering: apdf; "
#define SMALL  STRICT "ports: random; range: [2000, 2063]"
#define EASY   "filtering: apdf"

struct game {
    const char *a, *b;
    enum oracle_technique technique;
    struct oracle_budget budget;
};

static void play_games(const struct game *games, size_t count, uint32_t worlds)
{
    for (size_t i = 0; i < count; i++) {
        play(games[i].a, games[i].b, &games[i].budget, games[i].technique, worlds);
        play(games[i].b, games[i].a, &games[i].budget, games[i].technique, worlds);
    }
}

#define PLAY(games, worlds) play_games(games, sizeof(games) / sizeof *(games), worlds)

static void sprays_hit_as_often_as_birthdays_say(void **state)
{
    static const struct game games[] = {
        {SMALL, EASY, ORACLE_SPRAY, {4, 8, SEC(10), {0, 0}}},
        {SMALL "; parity: on", EASY, ORACLE_SPRAY, {3, 8, SEC(10), {0, 0}}},
        {SMALL "; pool: 4; pooling: arbitrary", EASY, ORACLE_SPRAY, {8, 16, SEC(10), {0, 0}}},
        {SMALL "; pool: 4", EASY, ORACLE_SPRAY, {4, 8, SEC(10), {0, 0}}},
        {SMALL "; quota_ports: 5", EASY, ORACLE_SPRAY, {9, 16, SEC(10), {0, 0}}},
        {SMALL "; table_capacity: 4", EASY, ORACLE_SPRAY, {9, 16, SEC(10), {0, 0}}},
        {SMALL "; udp_unreplied: 2 s", EASY, ORACLE_SPRAY, {2, 16, SEC(10), {0, 0}}},
        {SMALL "; udp_unreplied: 5 s; refresh: in", EASY, ORACLE_SPRAY, {4, 16, SEC(10), {0, 0}}},
        {SMALL "; max_lifetime: 5 s", EASY, ORACLE_SPRAY, {4, 16, SEC(10), {0, 0}}},
        {"mapping: adm; ports: random; range: [2000, 2063]",
         EASY,
         ORACLE_SPRAY,
         {4, 8, SEC(10), {0, 0}}},
        {STRICT "ports: block; block: 32; block_ports: random",
         EASY,
         ORACLE_BLOCK_SPRAY,
         {3, 4, SEC(10), {0, 0}}},
        {STRICT "ports: deterministic; block: 32; block_ports: random",
         EASY,
         ORACLE_BLOCK_SPRAY,
         {3, 4, SEC(10), {0, 0}}},
        {EASY ">" SMALL, EASY, ORACLE_SPRAY, {4, 8, SEC(10), {0, 0}}},
        {SMALL "; inbound_clash: on",
         EASY "; ports: overload; inbound_clash: on",
         ORACLE_SPRAY,
         {4, 8, SEC(10), {0, 0}}},
        {SMALL "> filtering: eif", EASY ">" EASY, ORACLE_SPRAY, {4, 8, SEC(10), {0, 0}}},
    };
    (void)state;
    PLAY(games, 1500);
}

static void whole_sprays_hit_as_often_too(void **state)
{
    static const struct game games[] = {
        {STRICT "ports: random", EASY, ORACLE_SPRAY, {256, 174, SEC(40), {0, 0}}},
        {STRICT "ports: random", EASY, ORACLE_SPRAY, {84, 700, SEC(40), {0, 0}}},
    };
    (void)state;
    PLAY(games, 300);
}

#define BUSY "; background: {rate: 10/s, life: 6 s}"

static void windows_catch_counters_as_often_as_poisson_says(void **state)
{
    static const struct game games[] = {
        {STRICT "ports: sequential", EASY, ORACLE_PREDICTION, {8, 1, SEC(10), {0, 0}}},
        {STRICT "ports: sequential; delta: -2", EASY, ORACLE_PREDICTION, {8, 1, SEC(10), {0, 0}}},
        {STRICT "ports: sequential" BUSY, EASY, ORACLE_PREDICTION, {8, 1, SEC(10), {0, 0}}},
        {STRICT "ports: sequential" BUSY, EASY, ORACLE_PREDICTION, {8, 4, SEC(10), {0, 0}}},
        {STRICT "ports: sequential; counter: subscriber" BUSY,
         EASY,
         ORACLE_PREDICTION,
         {8, 1, SEC(10), {0, 0}}},
        {STRICT "ports: block; block: 64" BUSY, EASY, ORACLE_PREDICTION, {8, 1, SEC(10), {0, 0}}},
        {STRICT "ports: deterministic; block: 64",
         EASY,
         ORACLE_PREDICTION,
         {8, 1, SEC(10), {0, 0}}},
        {EASY ">" STRICT "ports: sequential" BUSY,
         EASY,
         ORACLE_PREDICTION,
         {8, 2, SEC(10), {0, 0}}},
        {STRICT "ports: sequential; pool: 3; pooling: arbitrary",
         EASY,
         ORACLE_PREDICTION,
         {4, 8, SEC(10), {0, 0}}},
    };
    (void)state;
    PLAY(games, 600);
}

static void two_counters_meet_as_often_as_none_has_moved(void **state)
{
    static const struct game games[] = {
        {STRICT "ports: sequential",
         STRICT "ports: sequential; delta: 2",
         ORACLE_ONE_SHOT,
         {8, 8, SEC(1), {0, 0}}},
        {STRICT "ports: sequential" BUSY,
         STRICT "ports: sequential",
         ORACLE_ONE_SHOT,
         {8, 8, MS(400), {0, 0}}},
        {STRICT "ports: sequential" BUSY,
         STRICT "ports: sequential",
         ORACLE_ONE_SHOT,
         {40, 40, SEC(2), {0, 0}}},
        {STRICT "ports: sequential; pool: 2; pooling: arbitrary",
         STRICT "ports: block; block: 64",
         ORACLE_ONE_SHOT,
         {8, 8, SEC(1), {0, 0}}},
    };
    (void)state;
    PLAY(games, 600);
}

static void strict_boxes_meet_as_often_as_chance_says(void **state)
{
    static const struct game games[] = {
        {STRICT "ports: sequential", SMALL, ORACLE_SWEEP, {32, 64, SEC(10), {0, 0}}},
        {STRICT "ports: sequential" BUSY, SMALL, ORACLE_SWEEP, {32, 64, SEC(10), {0, 0}}},
        {SMALL, SMALL, ORACLE_BOTH_RANDOM, {40, 64, SEC(10), {0, 0}}},
        {SMALL "; range: [2000, 2015]",
         SMALL "; range: [2000, 2031]",
         ORACLE_BOTH_RANDOM,
         {12, 64, SEC(10), {0, 0}}},
        {"mapping: adm; ports: random; range: [2000, 2063]",
         SMALL,
         ORACLE_BOTH_RANDOM,
         {20, 48, SEC(10), {0, 0}}},
        {"mapping: adm; ports: random; range: [2000, 2063]",
         "mapping: adm; ports: random; range: [2000, 2063]",
         ORACLE_BOTH_RANDOM,
         {1, 48, SEC(10), {0, 0}}},
    };
    (void)state;
    PLAY(games, 1500);
}

#define LOOSE "mapping: apdm; filtering: adf; ports: random; range: [2000, 2063]"

static void address_filters_are_met_as_often_as_birthdays_say(void **state)
{
    static const struct game games[] = {
        {LOOSE, LOOSE, ORACLE_CONTACT, {5, 64, SEC(10), {0, 0}}},
        {LOOSE "; session_reply: on", SMALL, ORACLE_CONTACT, {5, 64, SEC(10), {0, 0}}},
        {LOOSE,
         "mapping: adm; filtering: adf; ports: random; range: [2000, 2063]",
         ORACLE_CONTACT,
         {3, 16, SEC(10), {0, 0}}},
        {"mapping: apdm; filtering: adf; ports: sequential; session_reply: on",
         SMALL,
         ORACLE_CONTACT,
         {5, 64, SEC(10), {0, 0}}},
        /* a mapping per address answers from the port that was met */
        {"mapping: adm; filtering: adf; ports: random; range: [2000, 2063]",
         SMALL,
         ORACLE_CONTACT,
         {5, 64, SEC(10), {0, 0}}},
        {"mapping: adm; filtering: eif; ports: random; range: [2000, 2063]",
         SMALL,
         ORACLE_CONTACT,
         {5, 64, SEC(10), {0, 0}}},
    };
    (void)state;
    PLAY(games, 1500);
}

/* All 81 pairs of the nine boxes: the rule on symbols, and packets. */
static void plain_punching_reaches_what_the_rule_says(void **state)
{
    static const char *const mappings[] = {"eim", "adm", "apdm"};
    static const char *const filters[] = {"eif", "adf", "apdf"};
    struct oracle_budget budget = ORACLE_BUDGET;
    (void)state;
    for (int i = 0; i < 162; i++) {
        struct chain chains[2];
        for (int s = 0; s < 2; s++) {
            char knobs[100];
            int k = s ? i % 9 : i / 9 % 9;
            snprintf(knobs, sizeof knobs, "mapping: %s; filtering: %s; ports: random; %s",
                     mappings[k / 3], filters[k % 3],
                     i < 81 ? "session_reply: off" : "session_reply: on");
            read_chain(&chains[s], knobs);
        }
        struct rule_chain *a = &chains[0].chain, *b = &chains[1].chain;
        struct oracle_option plain = {.possible = true};
        bool met = oracle_play(a, b, &budget, ORACLE_PLAIN, &plain, (uint64_t)i);
        assert_int_equal(met, oracle_judge(a, b, 0, &budget).plain == 1);
    }
}

static void a_public_host_and_one_behind_a_firewall_are_met(void **state)
{
    static const struct game games[] = {
        {"none", SMALL, ORACLE_PLAIN, ORACLE_BUDGET},
        {"kind: firewall", EASY ">" EASY, ORACLE_PLAIN, ORACLE_BUDGET},
        {"kind: one_to_one", SMALL, ORACLE_PLAIN, ORACLE_BUDGET},
    };
    (void)state;
    PLAY(games, 3);
}

static struct nat_policy policies[50];

/* Reads every profile of the catalogue; of drawn knobs one value. */
static uint32_t read_profiles(void)
{
    struct arena arena = {0};
    struct errors errors = {0};
    struct catalogue *catalogue = catalogue_open(&arena, "");
    uint32_t count = 0;
    glob_t files;
    assert_int_equal(glob("nat-models/profiles/*.yaml", 0, NULL, &files), 0);
    for (; count < files.gl_pathc; count++) {
        char error[300], *name = strrchr(files.gl_pathv[count], '/') + 1;
        *strrchr(name, '.') = 0;
        assert_true(count < sizeof policies / sizeof *policies);
        const struct error_place place = {0};
        const struct yaml_node *node = yaml_new(&arena, YAML_TEXT, name, &place);
        const struct catalogue_nat *nat = catalogue_nat(catalogue, &arena, node, "nat", &errors);
        assert_non_null(nat);
        if (catalogue_policy(nat->chains[0].boxes[0], 1, count, 0, &policies[count], error,
                             sizeof error))
            fail_msg("%s", error);
    }
    globfree(&files);
    errors_free(&errors);
    arena_free(&arena);
    return count;
}

/* Each ordered pair of profiles once, with its best technique: what is certain
 * happens, what is impossible does not, and of the rest as many as expected. */
static void every_pair_of_the_catalogue_is_played_as_judged(void **state)
{
    struct oracle_budget budget = ORACLE_BUDGET;
    double expected = 0, variance = 0;
    uint32_t met = 0, count = read_profiles();
    (void)state;
    assert_true(count > 20);
    for (uint32_t i = 0; i < count * count; i++) {
        struct rule_chain a = {1, {&policies[i / count]}}, b = {1, {&policies[i % count]}};
        struct oracle_verdict v = oracle_judge(&a, &b, 0, &budget);
        bool meets = oracle_play(&a, &b, &budget, v.technique, &v.options[v.technique], i);
        if ((v.best == 1 && !meets) || (v.best == 0 && meets))
            fail_msg("profiles %u and %u, %s: judged %g, met %d", i / count, i % count,
                     oracle_technique_word(v.technique), v.best, meets);
        met += meets;
        expected += v.best;
        variance += v.best * (1 - v.best);
    }
    if (fabs(met - expected) > 4 * sqrt(variance))
        fail_msg("expected %.2f pairs to meet, met %u", expected, met);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sprays_hit_as_often_as_birthdays_say),
        cmocka_unit_test(whole_sprays_hit_as_often_too),
        cmocka_unit_test(windows_catch_counters_as_often_as_poisson_says),
        cmocka_unit_test(two_counters_meet_as_often_as_none_has_moved),
        cmocka_unit_test(strict_boxes_meet_as_often_as_chance_says),
        cmocka_unit_test(address_filters_are_met_as_often_as_birthdays_say),
        cmocka_unit_test(plain_punching_reaches_what_the_rule_says),
        cmocka_unit_test(a_public_host_and_one_behind_a_firewall_are_met),
        cmocka_unit_test(every_pair_of_the_catalogue_is_played_as_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
