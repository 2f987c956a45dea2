/* test_scenario_plan.c: what a scenario becomes: values, hosts, boxes, draws. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/catalogue.h"
#include "sim/plan.h"
#include "sim/rule.h"
#include "sim/scenario.h"
#include "sim/scenario_parts.h"

#define HEAD   "mist: 1\nname: x\nduration: 10 min\n"
#define SERVER "population:\n- {name: server, count: 2, roles: bootstrap}\n"

/* The plan of a text's cell, which must be fine. */
static struct plan *plan_cell(const char *text, uint32_t cell, uint64_t seed, const char *set)
{
    struct errors errors = {0};
    const struct scenario_options options = {0};
    struct scenario *s =
        scenario_parse("x.yaml", text, strlen(text), &set, set != NULL, &options, &errors);
    struct plan *plan = s ? scenario_plan(s, cell, seed, &errors) : NULL;
    if (errors.count)
        errors_print(&errors, stderr);
    assert_non_null(plan);
    scenario_free(s);
    errors_free(&errors);
    return plan;
}

static struct plan *plan_of(const char *text)
{
    return plan_cell(text, 0, 1, NULL);
}

static void every_value_arrives_in_its_unit(void **state)
{
    (void)state;
    struct plan *p = plan_of(
        "mist: 1\nname: evening\nquestion: How?\nseed: 7\nduration: 30 min\njoin: 20 s\n"
        "network: {latency: {uniform: 10 ms..200 ms}, jitter: 5%, loss: 0.5%,\n"
        "  broken: {nodes: 2%, pairs: 3%}}\n"
        "population:\n"
        "- {name: server, count: 2, roles: [bootstrap, relay]}\n"
        "- {name: home, count: 3, family: 6, stack: {punch: {rounds: 8}},\n"
        "   access: {up: 20 Mbit/s, down: 1 Gbit/s, delay: 8 ms}}\n"
        "stack: {punch: {strategy: mist}, kad: {k: 20}}\n"
        "workload:\n"
        "- {dial: uniform, rate: 1/min, from: 2 min}\n"
        "- {dial: all_pairs, src: home, dst: [home, server], until: 20 min, window: 30 s}\n"
        "- {publish: uniform, rate: 6/min, size: 300 B}\n"
        "expect: {dial.direct_rate: [\">= 70%\", \"< 90%\"], matrix: {home: {server: relayed}}}\n"
        "record: {packets: on, traffic: population}\n");
    assert_string_equal(p->name, "evening");
    assert_string_equal(p->question, "How?");
    assert_string_equal(p->cell, "{}");
    assert_int_equal(p->duration, MINUTES(30));
    assert_int_equal(p->join, SEC(20));
    assert_int_equal(p->network.latency, LATENCY_UNIFORM);
    assert_int_equal(p->network.low, MS(10));
    assert_int_equal(p->network.high, MS(200));
    assert_int_equal(p->network.jitter_ppm, 50000);
    assert_int_equal(p->network.loss_ppm, 5000);
    assert_int_equal(p->network.broken_nodes_ppm, 20000);
    assert_int_equal(p->network.broken_pairs_ppm, 30000);
    assert_int_equal(p->population_count, 2);
    assert_int_equal(p->host_count, 5);
    const struct plan_population *home = &p->populations[1];
    assert_true(p->populations[0].bootstrap && p->populations[0].relay);
    assert_false(home->bootstrap || home->relay);
    assert_int_equal(home->first, 2);
    assert_int_equal(home->family, ADDR_V6);
    assert_int_equal(home->access.up_bps, 20000000);
    assert_int_equal(home->access.down_bps, 1000000000);
    assert_int_equal(home->access.delay, MS(8));
    assert_int_equal(home->settings_count, 3); /* the scenario's first, then its own */
    assert_string_equal(home->settings[0].key, "punch.strategy");
    assert_string_equal(home->settings[1].key, "kad.k");
    assert_string_equal(home->settings[1].value, "20");
    assert_string_equal(home->settings[2].key, "punch.rounds");
    assert_int_equal(p->workload_count, 3);
    const struct plan_workload *w = p->workloads;
    assert_int_equal(w[0].kind, WORK_DIAL_UNIFORM);
    assert_int_equal(w[0].rate_uhz, 16667);
    assert_int_equal(w[0].from, MINUTES(2));
    assert_int_equal(w[0].window, SEC(60));
    assert_int_equal(w[0].until, MINUTES(29)); /* duration - window */
    assert_false(w[0].src[0] || w[0].dst[0]);
    assert_true(w[0].src[1] && w[0].dst[1]);
    assert_int_equal(w[1].kind, WORK_DIAL_ALL_PAIRS);
    assert_int_equal(w[1].until, MINUTES(20));
    assert_true(w[1].dst[0] && w[1].dst[1] && !w[1].src[0]);
    assert_int_equal(w[2].kind, WORK_PUBLISH_UNIFORM);
    assert_int_equal(w[2].size, 300);
    assert_int_equal(p->expect_count, 3);
    assert_string_equal(p->expects[0].metric, "dial.direct_rate");
    assert_string_equal(p->expects[1].relation, "<");
    assert_string_equal(p->expects[2].metric, "dial.relayed_rate[home,server]");
    assert_string_equal(p->expects[2].src, "home");
    assert_true(p->expects[2].value == 1.0);
    assert_true(p->record_packets);
    assert_false(p->traffic_per_node);
    plan_free(p);
}

static void a_sweep_crosses_its_values_first_key_slowest(void **state)
{
    (void)state;
    static const char text[] =
        HEAD SERVER "sweep: {network.loss: [0%, 2%], population.server.count: [1, 2, 3]}\n";
    static const char *const cells[] = {
        "{\"network.loss\":\"0%\",\"population.server.count\":\"1\"}",
        "{\"network.loss\":\"0%\",\"population.server.count\":\"2\"}",
        "{\"network.loss\":\"0%\",\"population.server.count\":\"3\"}",
        "{\"network.loss\":\"2%\",\"population.server.count\":\"1\"}",
        "{\"network.loss\":\"2%\",\"population.server.count\":\"2\"}",
        "{\"network.loss\":\"2%\",\"population.server.count\":\"3\"}",
    };
    for (uint32_t cell = 0; cell < 6; cell++) {
        struct plan *p = plan_cell(text, cell, 1, NULL);
        assert_string_equal(p->cell, cells[cell]);
        assert_int_equal(p->network.loss_ppm, cell / 3 * 20000);
        assert_int_equal(p->host_count, cell % 3 + 1);
        plan_free(p);
    }
}

static void an_override_reaches_any_depth_and_stays_in_the_text(void **state)
{
    (void)state;
    static const char text[] = HEAD SERVER;
    struct plan *p = plan_cell(text, 0, 1, "population.server.count=5");
    assert_int_equal(p->host_count, 5);
    assert_string_equal(p->text, HEAD SERVER "# --set population.server.count=5\n");
    plan_free(p);
    p = plan_cell(text, 0, 1, "population.0.count=6");
    assert_int_equal(p->host_count, 6);
    plan_free(p);
    p = plan_cell(text, 0, 1, "network.latency={constant: 7 ms}");
    assert_int_equal(p->network.low, MS(7));
    plan_free(p);
    p = plan_cell(text, 0, 1, "expect.dial.direct_rate=>= 3%");
    assert_int_equal(p->expect_count, 1);
    plan_free(p);
    p = plan_cell(text, 0, 1, "sweep.network.loss=[3%]");
    assert_int_equal(p->network.loss_ppm, 30000);
    plan_free(p);
}

static void subscribers_share_the_outermost_box_alone(void **state)
{
    (void)state;
    struct plan *p =
        plan_of(HEAD SERVER "- {name: mobile, count: 10, nat: [home_apdf, {mapping: apdm}],\n"
                            "   subscribers_per_nat: 4}\n");
    assert_int_equal(p->box_count, 13); /* 3 carriers, 10 homes */
    for (uint32_t i = 2; i < 12; i++) {
        const struct plan_box *home = &p->boxes[p->hosts[i].box];
        const struct plan_box *carrier = &p->boxes[home->outer];
        assert_int_equal(carrier->outer, PLAN_NONE);
        assert_int_equal(home->policy.mapping, NAT_EIM);
        assert_int_equal(carrier->policy.mapping, NAT_APDM);
        assert_string_equal(p->hosts[i].nat, "home_apdf>apdm/apdf/preserve");
        uint32_t first = 2 + (i - 2) / 4 * 4;
        assert_int_equal(home->outer, p->boxes[p->hosts[first].box].outer);
        assert_int_equal(addr_ip4(&home->outside), 0x64400002u + (i - first)); /* 100.64.0.2 ... */
        assert_int_equal(addr_ip4(&p->hosts[i].addr) >> 16, 0xc0a8);           /* 192.168 */
        assert_true(addr_is_global(&carrier->outside));
    }
    assert_ptr_equal(p->hosts[2].nat, p->hosts[11].nat); /* one copy for all */
    plan_free(p);
}

static void hosts_of_one_box_have_different_addresses(void **state)
{
    (void)state;
    struct plan *p = plan_of(
        HEAD SERVER "- {name: home, count: 90, nat: home_apdf, subscribers_per_nat: 90}\n"
                    "- {name: site, count: 400, nat: home_apdf, subscribers_per_nat: 400}\n");
    assert_int_equal(p->box_count, 2);
    for (uint32_t i = 3; i < 492; i++) {
        uint32_t ip = addr_ip4(&p->hosts[i].addr);
        if (p->hosts[i].box == p->hosts[i - 1].box)
            assert_int_equal(ip, addr_ip4(&p->hosts[i - 1].addr) + 1);
        assert_int_equal(ip >> 24, i < 92 ? 192 : 10);
        assert_true(i >= 92 || ((ip & 0xff) >= 2 && (ip & 0xff) < 255));
    }
    plan_free(p);
}

static void a_firewall_keeps_the_addresses_of_what_stands_behind_it(void **state)
{
    (void)state;
    struct plan *p =
        plan_of(HEAD SERVER "- {name: six, count: 3, family: 6, nat: {kind: firewall}}\n"
                            "- {name: four, count: 2, nat: [home_apdf, {kind: firewall}]}\n");
    for (uint32_t i = 2; i < 5; i++) {
        assert_int_equal(p->hosts[i].addr.family, ADDR_V6);
        assert_true(addr_is_global(&p->hosts[i].addr));
        assert_int_equal(p->boxes[p->hosts[i].box].outside.family, ADDR_NONE);
    }
    for (uint32_t i = 5; i < 7; i++) {
        assert_false(addr_is_global(&p->hosts[i].addr));
        assert_true(addr_is_global(&p->boxes[p->hosts[i].box].outside));
    }
    plan_free(p);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* 56,488 slots must lie in 56,488 different /16 networks, and none is reserved. */
static void global_addresses_are_spread_and_never_reserved(void **state)
{
    (void)state;
    enum { NETWORKS = 56488 };
    uint32_t *ips = malloc(2 * NETWORKS * sizeof *ips);
    assert_non_null(ips);
    for (uint32_t slot = 0; slot < 2 * NETWORKS; slot++) {
        struct addr addr = scenario_global(ADDR_V4, slot, slot % GLOBAL_LOW);
        assert_true(addr_is_global(&addr));
        ips[slot] = addr_ip4(&addr) >> 8;
    }
    for (int half = 0; half < 2; half++) {
        uint32_t *part = ips + half * NETWORKS;
        qsort(part, NETWORKS, sizeof *part, by_number);
        for (uint32_t i = 1; i < NETWORKS; i++)
            assert_true(part[i] >> 8 > part[i - 1] >> 8);
    }
    qsort(ips, 2 * NETWORKS, sizeof *ips, by_number);
    for (uint32_t i = 1; i < 2 * NETWORKS; i++)
        assert_true(ips[i] > ips[i - 1]); /* no /24 twice */
    free(ips);
    struct addr last = scenario_global(ADDR_V4, GLOBAL_SLOTS - 1, GLOBAL_LOW - 1);
    assert_true(addr_is_global(&last));
    last = scenario_global(ADDR_V6, GLOBAL_SLOTS - 1, 5);
    assert_true(addr_is_global(&last));
}

static void a_seed_draws_one_plan_and_another_draws_another(void **state)
{
    (void)state;
    static const char text[] =
        HEAD SERVER "- {name: home, count: 300, nat: {population: roverso}}\n";
    struct plan *a = plan_cell(text, 0, 5, NULL), *b = plan_cell(text, 0, 5, NULL);
    struct plan *c = plan_cell(text, 0, 6, NULL);
    uint32_t differences = 0;
    for (uint32_t i = 0; i < a->host_count; i++) {
        assert_string_equal(a->hosts[i].nat, b->hosts[i].nat);
        assert_int_equal(a->hosts[i].start, b->hosts[i].start);
        assert_true(addr_equal(&a->hosts[i].addr, &b->hosts[i].addr));
        differences += strcmp(a->hosts[i].nat, c->hosts[i].nat) != 0;
        assert_true(a->hosts[i].start >= 0 && a->hosts[i].start < SEC(60));
        assert_true(i >= 2 || a->hosts[i].start == 0);
    }
    assert_true(differences > 200); /* two draws of the table agree in 14.6 % */
    plan_free(a);
    plan_free(b);
    plan_free(c);
}

/* A host keeps its box, region and start when others change. */
static void one_population_does_not_shift_another(void **state)
{
    (void)state;
    static const char text[] =
        HEAD SERVER "- {name: home, count: 50, nat: {population: roverso}}\n"
                    "- {name: odd, count: 5, nat: {mapping: apdm, ports: [random, sequential]}}\n";
    struct plan *a = plan_of(text);
    struct plan *b = plan_cell(text, 0, 1, "population.odd.nat=none");
    for (uint32_t i = 0; i < 52; i++) {
        assert_string_equal(a->hosts[i].nat, b->hosts[i].nat);
        assert_int_equal(a->hosts[i].start, b->hosts[i].start);
    }
    plan_free(a);
    plan_free(b);
}

/* Roverso's table (field data 1.2): 21.4 % without a box, 25.2 % eim/apdf/preserve,
 * 12.4 % apdm/apdf/random; within 4 standard errors. */
static void drawn_boxes_follow_their_shares(void **state)
{
    (void)state;
    enum { HOSTS = 20000 };
    struct plan *p =
        plan_of(HEAD SERVER "- {name: home, count: 20000, nat: {population: roverso}}\n");
    static const struct {
        const char *label;
        double share;
    } shares[] = {{"none", .214}, {"eim/apdf/preserve", .252}, {"apdm/apdf/random", .124}};
    for (int k = 0; k < 3; k++) {
        double seen = 0, share = shares[k].share;
        for (uint32_t i = 2; i < p->host_count; i++)
            seen += strcmp(p->hosts[i].nat, shares[k].label) == 0;
        assert_true(fabs(seen / HOSTS - share) < 4 * sqrt(share * (1 - share) / HOSTS));
    }
    plan_free(p);
}

/* Half of the boxes below the median, and each half uniform in the logarithm:
 * a quarter below the geometric mean of minimum and median. */
static void a_triple_has_its_median_and_stays_within_its_ends(void **state)
{
    (void)state;
    enum { HOSTS = 4000 };
    struct plan *p = plan_of(
        HEAD SERVER "- {name: home, count: 4000, nat: {udp_established: {min: 50 s, median: 200 s, "
                    "max: 800 s}}}\n");
    uint32_t below_median = 0, below_quarter = 0;
    for (uint32_t i = 0; i < p->box_count; i++) {
        mist_time timer = p->boxes[i].policy.udp_established;
        assert_true(timer >= SEC(50) && timer <= SEC(800));
        below_median += timer < SEC(200);
        below_quarter += timer < SEC(100);
    }
    assert_int_equal(p->box_count, HOSTS);
    assert_true(abs((int)below_median - HOSTS / 2) < 4 * 32); /* sqrt(4000 / 4) = 32 */
    assert_true(abs((int)below_quarter - HOSTS / 4) < 4 * 28);
    plan_free(p);
}

static void what_is_drawn_between_two_ends_comes_near_both(void **state)
{
    (void)state;
    assert_int_equal(catalogue_between(50, 200, 0), 50);
    assert_true(catalogue_between(50, 200, UINT32_MAX) >= 198);
    assert_int_equal(catalogue_between(50, 200, 0x80000000u), 100); /* sqrt(50 * 200) */
    assert_int_equal(catalogue_between(7, 7, 12345), 7);
}

static bool alone(const struct plan *p, uint32_t a, uint32_t b)
{
    struct rule_chain chains[2] = {{0}, {0}};
    const uint32_t hosts[2] = {a, b};
    for (int i = 0; i < 2; i++)
        if (p->hosts[hosts[i]].box != PLAN_NONE)
            chains[i].boxes[chains[i].count++] = &p->boxes[p->hosts[hosts[i]].box].policy;
    return rule_direct(&chains[0], &chains[1], 0);
}

/* Two hosts are of one class only if the rule cannot tell their boxes apart. */
static void a_pair_of_the_plan_is_judged_by_its_own_boxes(void **state)
{
    (void)state;
    struct plan *p = plan_of(HEAD SERVER "- {name: home, count: 300, nat: {population: roverso}}\n"
                                         "- {name: a, count: 1, nat: linux_masquerade}\n"
                                         "- {name: b, count: 1, nat: linux_fully_random}\n");
    struct rule *r = rule_open(p);
    for (uint32_t a = 0; a < p->host_count; a++)
        for (uint32_t b = 0; b < p->host_count; b++)
            if (a != b && rule_pair(r, a, b) != alone(p, a, b))
                fail_msg("%s and %s", p->hosts[a].nat, p->hosts[b].nat);
    rule_close(r);
    plan_free(p);
}

/* The share counted by classes against every single pair. */
static void the_predicted_share_is_the_mean_over_all_pairs(void **state)
{
    (void)state;
    struct plan *p =
        plan_of(HEAD SERVER "- {name: home, count: 40, nat: {population: roverso}}\n"
                            "- {name: shared, count: 9, nat: [home_apdf, {filtering: eif}],\n"
                            "   subscribers_per_nat: 4}\n"
                            "- {name: turned, count: 9, nat: [home_apdf, {hairpin: external}],\n"
                            "   subscribers_per_nat: 3}\n"
                            "- {name: family, count: 6, nat: symmetric_random,\n"
                            "   subscribers_per_nat: 3}\n"
                            "workload: [{dial: uniform, rate: 1/min, from: 1 min}]\n");
    struct rule *r = rule_open(p);
    double direct = 0, pairs = 0;
    for (uint32_t a = 2; a < p->host_count; a++)
        for (uint32_t b = 2; b < p->host_count; b++) {
            if (a == b)
                continue;
            pairs++;
            direct += rule_pair(r, a, b);
        }
    assert_true(direct > 0 && direct < pairs);
    assert_true(fabs(rule_share(r) - direct / pairs) < 1e-12);
    rule_close(r);
    plan_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_arrives_in_its_unit),
        cmocka_unit_test(a_sweep_crosses_its_values_first_key_slowest),
        cmocka_unit_test(an_override_reaches_any_depth_and_stays_in_the_text),
        cmocka_unit_test(subscribers_share_the_outermost_box_alone),
        cmocka_unit_test(hosts_of_one_box_have_different_addresses),
        cmocka_unit_test(a_firewall_keeps_the_addresses_of_what_stands_behind_it),
        cmocka_unit_test(global_addresses_are_spread_and_never_reserved),
        cmocka_unit_test(a_seed_draws_one_plan_and_another_draws_another),
        cmocka_unit_test(one_population_does_not_shift_another),
        cmocka_unit_test(drawn_boxes_follow_their_shares),
        cmocka_unit_test(a_triple_has_its_median_and_stays_within_its_ends),
        cmocka_unit_test(what_is_drawn_between_two_ends_comes_near_both),
        cmocka_unit_test(a_pair_of_the_plan_is_judged_by_its_own_boxes),
        cmocka_unit_test(the_predicted_share_is_the_mean_over_all_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
