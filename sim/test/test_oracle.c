/* test_oracle.c: the oracle's formulae against tabulated values and full
 * enumeration, and its verdicts on pairs whose outcome is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/oracle.h"
#include "sim/oracle_formula.h"

#define N 64512 /* ports 1024 .. 65535 */

static void assert_near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("expected %.6f within %g, got %.6f", expected, tolerance, got);
}

/* ---- formulae ---- */

/* Values as published: hyperdht's and EasyTier's parameters among them. */
static void the_birthday_spray_has_its_published_values(void **state)
{
    static const struct {
        uint32_t places, held, probed;
        double p;
    } cases[] = {
        {N, 256, 174, .500}, {N, 256, 1750, .9991}, {N, 256, 256, .639},  {N, 256, 2048, .9997},
        {N, 256, 512, .871}, {N, 84, 700, .600},    {N, 256, 1024, .984}, {N, 64, 1024, .641},
        {N, 16, 1024, .226}, {512, 64, 64, .9999},  {512, 32, 64, .988},  {2048, 64, 256, .9998},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_near(oracle_birthday(cases[i].places, cases[i].held, cases[i].probed), cases[i].p,
                    cases[i].p > .99 ? .0001 : .001);
}

static void a_window_catches_a_drifting_counter_as_poisson_says(void **state)
{
    static const struct {
        double mean;
        uint32_t window;
        double p;
    } cases[] = {{.1, 1, .905}, {.1, 2, .995}, {.5, 1, .607},  {.5, 2, .910},
                 {2, 1, .135},  {2, 5, .947},  {10, 10, .458}, {10, 20, .997}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_near(oracle_poisson_below(cases[i].mean, cases[i].window), cases[i].p, .0005);
    assert_near(oracle_poisson_below(0, 1), 1, 0);
    assert_near(oracle_poisson_below(1000, 1001), .5, .02); /* e^-1000 is no double */
}

static void mappings_that_aim_at_each_other_have_the_published_odds(void **state)
{
    (void)state;
    assert_near(oracle_common_cell(2000, 2000, N, N), .001, .0001);
    assert_near(oracle_common_cell(53700, 53700, N, N), .50, .005);
    assert_near(oracle_common_cell(N, N, N, N), 1 - exp(-1), 1e-6); /* derangements */
    static const double share[] = {.25, .5, .7, .9}, p[] = {.061, .221, .387, .555};
    for (int i = 0; i < 4; i++) {
        uint32_t n = (uint32_t)(512 * share[i] + .5);
        assert_near(oracle_common_cell(n, n, 512, 512), p[i], .0025);
    }
}

/* All C(n,k) sets of probes against the lowest m ports. */
static double count_hits(uint32_t n, uint32_t m, uint32_t k)
{
    uint32_t sets = 0, hits = 0;
    for (uint32_t set = 0; set < 1u << n; set++) {
        if ((uint32_t)__builtin_popcount(set) != k)
            continue;
        sets++;
        hits += (set & ((1u << m) - 1)) != 0;
    }
    return (double)hits / sets;
}

static void the_birthday_is_what_counting_every_set_of_probes_says(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 10; n++)
        for (uint32_t m = 0; m <= n; m++)
            for (uint32_t k = 0; k <= n; k++)
                assert_near(oracle_birthday(n, m, k), count_hits(n, m, k), 1e-12);
}

/* Every way in which m ports fall on different ones of g x n endpoints with the
 * address drawn first, which weighs an endpoint by 1/g and the ports left. */
static double miss_spread(uint32_t n, uint32_t g, uint32_t m, uint32_t k, const uint32_t *used)
{
    if (m == 0)
        return 1;
    double p = 0;
    for (uint32_t address = 0; address < g; address++) {
        uint32_t free = n - used[address], safe = address == 0 ? n - k - used[0] : free;
        uint32_t now[4];
        memcpy(now, used, sizeof now);
        now[address]++;
        if (safe > 0 && safe <= n)
            p += 1.0 / g * safe / free * miss_spread(n, g, m - 1, k, now);
    }
    return p;
}

static void arbitrary_pooling_is_what_enumeration_says(void **state)
{
    (void)state;
    static const uint32_t none[4];
    for (uint32_t g = 1; g <= 4; g++)
        for (uint32_t m = 0; m <= 6; m++)
            for (uint32_t k = 0; k <= 8; k++)
                assert_near(oracle_birthday_spread(8, g, m, k), 1 - miss_spread(8, g, m, k, none),
                            1e-12);
}

/* A box's n mappings: port rows[i] for the destination columns[i], all
 * different.  Calls itself for each way to go on. */
struct cells {
    uint32_t places[2], sent[2];
    uint32_t rows[2][4], columns[2][4];
    uint64_t all, hits;
};

static bool is_among(const uint32_t *list, uint32_t count, uint32_t x)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i] == x)
            return true;
    return false;
}

static bool have_common_cell(const struct cells *c)
{
    for (uint32_t i = 0; i < c->sent[0]; i++)
        for (uint32_t j = 0; j < c->sent[1]; j++)
            if (c->rows[0][i] == c->rows[1][j] && c->columns[0][i] == c->columns[1][j])
                return true;
    return false;
}

static void enumerate_cells(struct cells *c, int side, uint32_t made)
{
    if (made == c->sent[side] && side == 1) {
        c->all++;
        c->hits += have_common_cell(c);
        return;
    }
    if (made == c->sent[side]) {
        enumerate_cells(c, 1, 0);
        return;
    }
    for (uint32_t row = 0; row < c->places[0]; row++)
        for (uint32_t column = 0; column < c->places[1]; column++) {
            if (is_among(c->rows[side], made, row) || is_among(c->columns[side], made, column))
                continue;
            c->rows[side][made] = row;
            c->columns[side][made] = column;
            enumerate_cells(c, side, made + 1);
        }
}

static void the_odds_of_a_common_cell_are_what_enumeration_says(void **state)
{
    static const uint32_t cases[][4] = {{3, 3, 3, 3}, {4, 3, 2, 3}, {4, 4, 2, 3},
                                        {5, 4, 1, 2}, {2, 5, 2, 2}, {4, 4, 0, 2}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cells c = {.places = {cases[i][0], cases[i][1]}, .sent = {cases[i][2], cases[i][3]}};
        enumerate_cells(&c, 0, 0);
        assert_near(oracle_common_cell(cases[i][2], cases[i][3], cases[i][0], cases[i][1]),
                    (double)c.hits / (double)c.all, 1e-12);
    }
}

/* ---- verdicts ---- */

/* "mapping: eim; ports: random" over the defaults. */
static struct nat_policy box(const char *knobs)
{
    struct nat_policy policy = nat_policy_default();
    char copy[300], error[200];
    snprintf(copy, sizeof copy, "%s", knobs);
    for (char *rest = NULL, *knob = strtok_r(copy, ";", &rest); knob;
         knob = strtok_r(NULL, ";", &rest)) {
        char *value = strchr(knob, ':');
        assert_non_null(value);
        *value = 0;
        if (nat_policy_set(&policy, knob + strspn(knob, " "), value + 1, error, sizeof error))
            fail_msg("%s", error);
    }
    if (nat_policy_check(&policy, error, sizeof error))
        fail_msg("%s", error);
    return policy;
}

static struct oracle_verdict judge_under(const char *a, const char *b, struct oracle_budget budget)
{
    struct nat_policy policies[2] = {box(a), box(b)};
    struct rule_chain chains[2] = {{1, {&policies[0]}}, {1, {&policies[1]}}};
    struct oracle_verdict v = oracle_judge(&chains[0], &chains[1], 0, &budget);
    struct oracle_verdict turned = oracle_judge(&chains[1], &chains[0], 0, &budget);
    assert_near(turned.best, v.best, 1e-12);
    assert_int_equal(turned.technique, v.technique);
    return v;
}

static struct oracle_verdict judge(const char *a, const char *b)
{
    return judge_under(a, b, (struct oracle_budget)ORACLE_BUDGET);
}

#define STRICT "mapping: apdm; filtering: apdf; "

static void what_plain_punching_reaches_needs_nothing_else(void **state)
{
    (void)state;
    struct oracle_verdict v = judge("", "");
    assert_int_equal(v.technique, ORACLE_PLAIN);
    assert_near(v.plain, 1, 0);
    assert_near(v.best, 1, 0);
    v = judge(STRICT "ports: preserve", ""); /* looks endpoint-independent */
    assert_int_equal(v.technique, ORACLE_PLAIN);
}

static void without_udp_nothing_works(void **state)
{
    (void)state;
    struct oracle_budget mapped = ORACLE_BUDGET;
    mapped.mapped[1] = 1000000;
    struct oracle_verdict v = judge("filtering: eif; egress_block: udp", "filtering: eif");
    assert_int_equal(v.technique, ORACLE_NONE);
    assert_near(v.best, 0, 0);
    struct nat_policy blocked = box("egress_block: udp"), open = box("");
    struct rule_chain a = {1, {&blocked}}, b = {1, {&open}};
    assert_near(oracle_judge(&a, &b, 0, &mapped).best, 0, 0);
}

static void a_random_port_is_sprayed_within_budget_quota_and_block(void **state)
{
    static const struct {
        const char *hard;
        double p;
        enum oracle_technique technique;
        enum oracle_limit limit;
    } cases[] = {
        {"ports: random", .9997, ORACLE_SPRAY, ORACLE_LIMIT_PROBES},
        {"ports: random; quota_ports: 66", .873, ORACLE_SPRAY, ORACLE_LIMIT_QUOTA},
        {"ports: random; table_capacity: 18", .403, ORACLE_SPRAY, ORACLE_LIMIT_CAPACITY},
        {"ports: random; new_mappings: 1/s", .492, ORACLE_SPRAY, ORACLE_LIMIT_RATE},
        {"ports: random; pool: 4; pooling: arbitrary", .870, ORACLE_SPRAY, ORACLE_LIMIT_PROBES},
        {"ports: random; pool: 4", .9997, ORACLE_SPRAY, ORACLE_LIMIT_PROBES},
        {"ports: random; parity: on", 1, ORACLE_SPRAY, ORACLE_UNLIMITED},
        {"ports: block; block: 64; block_ports: random", 1, ORACLE_BLOCK_SPRAY, ORACLE_UNLIMITED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char knobs[200];
        snprintf(knobs, sizeof knobs, STRICT "%s", cases[i].hard);
        struct oracle_verdict v = judge(knobs, "");
        assert_near(v.plain, 0, 0);
        assert_int_equal(v.technique, cases[i].technique);
        assert_near(v.best, cases[i].p, .001);
        assert_int_equal(v.options[v.technique].limit, cases[i].limit);
    }
}

/* A dependent box that keeps its port makes a mapping per port probed. */
static void a_seeker_that_maps_by_remote_spends_its_mappings_on_probes(void **state)
{
    (void)state;
    struct oracle_verdict v = judge(STRICT "ports: random", STRICT "ports: overload");
    assert_near(v.best, .639, .0005); /* 256 probes instead of 2,048 */
    assert_int_equal(v.options[ORACLE_SPRAY].mappings[1], 256);
    assert_int_equal(v.options[ORACLE_SPRAY].limit, ORACLE_LIMIT_MAPPINGS);
    v = judge(STRICT "ports: random", STRICT "ports: preserve; quota_ports: 18");
    assert_near(v.best, oracle_birthday(N, 256, 16), 1e-9);
    assert_int_equal(v.options[ORACLE_SPRAY].limit, ORACLE_LIMIT_QUOTA);
}

/* 100/s for 10 s in 1,001 ports: 1 is left, less than measuring takes. */
static void a_range_that_others_fill_leaves_nothing(void **state)
{
    (void)state;
    const char *full = STRICT "ports: random; range: [2000, 3000];"
                              "background: {rate: 100/s, life: 10 s}";
    assert_near(judge(full, "").best, 0, 0);
}

/* A hole that nothing refreshes meets only the probes of its life: of 40 s.  */
static void a_hole_that_cannot_be_kept_open_limits_the_spray(void **state)
{
    (void)state;
    struct oracle_verdict v = judge(STRICT "ports: random; refresh: in; udp_unreplied: 20 s", "");
    assert_near(v.best, oracle_birthday(N, 256, 1024), 1e-9);
    assert_int_equal(v.options[ORACLE_SPRAY].limit, ORACLE_LIMIT_TIMER);
    v = judge(STRICT "ports: random; max_lifetime: 10 s", "");
    assert_near(v.best, oracle_birthday(N, 256, 512), 1e-9);
}

static void a_counter_is_predicted(void **state)
{
    struct oracle_budget narrow = ORACLE_BUDGET;
    (void)state;
    struct oracle_verdict v = judge(STRICT "ports: sequential", "");
    assert_int_equal(v.technique, ORACLE_PREDICTION);
    assert_near(v.best, 1, 0);
    assert_int_equal(v.options[ORACLE_PREDICTION].probes[1], 1);
    narrow.probes = narrow.mappings = 5; /* 10/s for 0.2 s: a mean of 2 */
    v = judge_under(STRICT "ports: sequential; background: {rate: 10/s, life: 60 s}", "", narrow);
    assert_near(v.best, .947, .0005);
    v = judge_under(STRICT "ports: sequential; counter: subscriber;"
                           "background: {rate: 10/s, life: 60 s}",
                    "", narrow);
    assert_near(v.best, 1, 1e-6); /* of five ports in a row one is free */
}

/* Two of the two ports that a subscriber may have were measured. */
static void a_quota_that_measuring_uses_up_leaves_nothing(void **state)
{
    (void)state;
    struct oracle_verdict v = judge(STRICT "ports: sequential; quota_ports: 2", "");
    assert_false(v.options[ORACLE_PREDICTION].possible);
    assert_near(v.best, 0, 0);
    v = judge(STRICT "ports: sequential; quota_ports: 3", "");
    assert_near(v.best, 1, 0);
}

/* e^-(2 x 10/s x 0.2 s) = .018 a shot; a shot in 0.4 s. */
static void two_counters_shoot_again_and_again(void **state)
{
    struct oracle_budget once = ORACLE_BUDGET;
    const char *busy = STRICT "ports: sequential; background: {rate: 10/s, life: 60 s}";
    (void)state;
    once.time = MS(400);
    assert_near(judge(STRICT "ports: sequential", STRICT "ports: sequential").best, 1, 0);
    assert_near(judge_under(busy, busy, once).best, exp(-4), 1e-9);
    struct oracle_verdict v = judge(busy, busy);
    assert_int_equal(v.technique, ORACLE_ONE_SHOT);
    assert_near(v.best, 1 - pow(1 - exp(-4), 100), 1e-9);
    assert_int_equal(v.options[ORACLE_ONE_SHOT].limit, ORACLE_LIMIT_TIME);
}

static void strict_sides_meet_by_chance_only(void **state)
{
    const char *random = STRICT "ports: random", *counting = STRICT "ports: sequential";
    const char *block = STRICT "ports: block; block: 512; block_ports: random";
    struct oracle_budget many = {2048, 4096, SEC(40), {0, 0}};
    (void)state;
    assert_near(judge_under(counting, random, many).best, .031, .0005);
    assert_near(judge(counting, block).best, .393, .001);
    struct oracle_verdict v = judge(block, block);
    assert_int_equal(v.technique, ORACLE_BOTH_RANDOM);
    assert_near(v.best, .221, .001);
    assert_near(judge(random, random).best, 256. * 256 / N / N, 1e-8);
}

/* n mappings of each side, aimed at random ports of the other. */
static void an_address_dependent_filter_is_met_one_way(void **state)
{
    static const uint32_t n[] = {64, 128, 180, 256};
    static const double one[] = {.062, .224, .395, .638}, both[] = {.119, .398, .634, .869};
    const char *open = "mapping: apdm; filtering: adf; ports: random";
    const char *answering = "mapping: apdm; filtering: adf; ports: random; session_reply: on";
    const char *strict = STRICT "ports: random";
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct oracle_budget budget = {n[i], 2048, SEC(40), {0, 0}};
        assert_near(judge_under(open, open, budget).best, both[i], .0015);
        assert_near(judge_under(answering, strict, budget).best, one[i], .0015);
        assert_int_equal(judge_under(open, strict, budget).technique, ORACLE_BOTH_RANDOM);
    }
}

static void a_mapped_port_reaches_what_punching_does_not(void **state)
{
    struct oracle_budget budget = ORACLE_BUDGET;
    budget.mapped[0] = budget.mapped[1] = 500000;
    (void)state;
    double p = oracle_birthday(N, 256, 2048);
    struct oracle_verdict v = judge_under(STRICT "ports: random", "", budget);
    assert_near(v.best, 1 - .25 * (1 - p), 1e-9);
    v = judge_under(STRICT "ports: random", STRICT "ports: random", budget);
    assert_int_equal(v.technique, ORACLE_MAPPED);
    assert_near(v.best, .75, .001);
}

/* 6.4512/s for 1,000 s: 6,451.2 ports of 64,512 are others'. */
static void a_clash_turns_a_preserving_box_hard(void **state)
{
    double kept = exp(-.1);
    (void)state;
    struct oracle_verdict v = judge(STRICT "ports: preserve; on_clash: random;"
                                           "background: {rate: 64512/h, life: 360 s}",
                                    "");
    assert_near(v.plain, kept, 1e-9);
    assert_near(v.best, kept + (1 - kept) * oracle_birthday(N, 256, 2048), 1e-9);
    v = judge(STRICT "ports: preserve; background: {rate: 64512/h, life: 360 s}", "");
    assert_near(v.best, 1, 1e-6); /* the next port is predicted */
}

/* Home box under a carrier's: the outer one chooses the ports, both have limits. */
static void a_chain_is_as_hard_as_its_hardest_box(void **state)
{
    struct nat_policy home = box(""), carrier = box(STRICT "ports: random; quota_ports: 66");
    struct nat_policy keeper = box("filtering: eif"), hard = box(STRICT "ports: random");
    struct rule_chain under = {2, {&home, &carrier}}, easy = {1, {&home}};
    struct rule_chain inner = {2, {&hard, &keeper}};
    struct oracle_budget budget = ORACLE_BUDGET;
    (void)state;
    assert_near(oracle_judge(&under, &easy, 0, &budget).best, oracle_birthday(N, 64, 2048), 1e-9);
    hard.low = 9000; /* which the outer box keeps */
    hard.high = 10900;
    assert_int_equal(oracle_side_of(&inner, &budget).places, 1901);
}

static void hosts_behind_one_box_need_its_hairpin(void **state)
{
    struct nat_policy home = box(""), carrier = box(STRICT "ports: random");
    struct rule_chain chain = {2, {&home, &carrier}};
    struct oracle_budget budget = ORACLE_BUDGET;
    (void)state;
    budget.mapped[0] = 500000;
    assert_int_equal(oracle_judge(&chain, &chain, 1, &budget).technique, ORACLE_NONE);
    carrier.hairpin = NAT_HAIRPIN_EXTERNAL;
    assert_int_equal(oracle_judge(&chain, &chain, 1, &budget).technique, ORACLE_MAPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_birthday_spray_has_its_published_values),
        cmocka_unit_test(a_window_catches_a_drifting_counter_as_poisson_says),
        cmocka_unit_test(mappings_that_aim_at_each_other_have_the_published_odds),
        cmocka_unit_test(the_birthday_is_what_counting_every_set_of_probes_says),
        cmocka_unit_test(arbitrary_pooling_is_what_enumeration_says),
        cmocka_unit_test(the_odds_of_a_common_cell_are_what_enumeration_says),
        cmocka_unit_test(what_plain_punching_reaches_needs_nothing_else),
        cmocka_unit_test(without_udp_nothing_works),
        cmocka_unit_test(a_random_port_is_sprayed_within_budget_quota_and_block),
        cmocka_unit_test(a_seeker_that_maps_by_remote_spends_its_mappings_on_probes),
        cmocka_unit_test(a_range_that_others_fill_leaves_nothing),
        cmocka_unit_test(a_hole_that_cannot_be_kept_open_limits_the_spray),
        cmocka_unit_test(a_counter_is_predicted),
        cmocka_unit_test(a_quota_that_measuring_uses_up_leaves_nothing),
        cmocka_unit_test(two_counters_shoot_again_and_again),
        cmocka_unit_test(strict_sides_meet_by_chance_only),
        cmocka_unit_test(an_address_dependent_filter_is_met_one_way),
        cmocka_unit_test(a_mapped_port_reaches_what_punching_does_not),
        cmocka_unit_test(a_clash_turns_a_preserving_box_hard),
        cmocka_unit_test(a_chain_is_as_hard_as_its_hardest_box),
        cmocka_unit_test(hosts_behind_one_box_need_its_hairpin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
