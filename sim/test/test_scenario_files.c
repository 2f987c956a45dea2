/* test_scenario_files.c: the shipped scenarios and the catalogue can be read,
 * and what they say of pairs of NATs follows from RFC 4787. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/plan.h"
#include "sim/rule.h"
#include "sim/scenario.h"

#define PATH_SIZE 512

static struct plan *plan_file(const char *path, const char *set)
{
    struct errors errors = {0};
    const struct scenario_options options = {0};
    struct scenario *s = scenario_read(path, &set, set != NULL, &options, &errors);
    struct plan *plan = s ? scenario_plan(s, 0, scenario_seed(s), &errors) : NULL;
    if (errors.count)
        errors_print(&errors, stderr);
    assert_non_null(plan);
    scenario_free(s);
    errors_free(&errors);
    return plan;
}

static int ends_in(const char *name, const char *end)
{
    size_t length = strlen(name), size = strlen(end);
    return length > size && strcmp(name + length - size, end) == 0;
}

/* Calls use on each YAML file of a folder; returns how many. */
static int each_file(const char *folder, void (*use)(const char *path, const char *name))
{
    DIR *d = opendir(folder);
    struct dirent *file;
    int count = 0;
    assert_non_null(d);
    while ((file = readdir(d))) {
        char path[PATH_SIZE], name[PATH_SIZE];
        if (!ends_in(file->d_name, ".yaml"))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
        (void)snprintf(name, sizeof name, "%.*s", (int)strlen(file->d_name) - 5, file->d_name);
        use(path, name);
        count++;
    }
    assert_int_equal(closedir(d), 0);
    return count;
}

static void read_scenario(const char *path, const char *name)
{
    struct plan *plan = plan_file(path, NULL);
    assert_string_equal(plan->name, name);
    assert_true(*plan->question); /* a run answers something */
    plan_free(plan);
}

static void every_shipped_scenario_is_fine_and_asks_a_question(void **state)
{
    (void)state;
    assert_true(each_file("scenarios", read_scenario) >= 1);
    assert_true(each_file("scenarios/smoke", read_scenario) >= 6);
    assert_true(each_file("scenarios/matrix", read_scenario) >= 2);
    assert_true(each_file("scenarios/study", read_scenario) >= 10);
}

static void draw_nat(const char *nat)
{
    char set[2 * PATH_SIZE];
    (void)snprintf(set, sizeof set, "population.home.nat=%s", nat);
    plan_free(plan_file("scenarios/smoke/publish.yaml", set));
}

static void draw_profile(const char *path, const char *name)
{
    (void)path;
    draw_nat(name);
}

static void draw_population(const char *path, const char *name)
{
    char nat[PATH_SIZE + 32];
    (void)path;
    (void)snprintf(nat, sizeof nat, "{population: %s}", name);
    draw_nat(nat);
}

static void every_profile_and_population_can_be_drawn(void **state)
{
    (void)state;
    assert_true(each_file("nat-models/profiles", draw_profile) >= 10);
    assert_true(each_file("nat-models/populations", draw_population) >= 2);
}

/* Of a pair in an expectation: every two of its hosts must agree with it. */
static void compare_pair(struct rule *r, const struct plan *p, const struct plan_expect *expect)
{
    bool direct = strcmp(expect->name, "dial.direct_rate") == 0;
    uint32_t pairs = 0;
    for (uint32_t a = 0; a < p->host_count; a++)
        for (uint32_t b = 0; b < p->host_count; b++) {
            const char *src = p->populations[p->hosts[a].population].name;
            const char *dst = p->populations[p->hosts[b].population].name;
            if (a == b || strcmp(src, expect->src) != 0 || strcmp(dst, expect->dst) != 0)
                continue;
            pairs++;
            if (rule_pair(r, a, b) != direct)
                fail_msg("%s: %s: the rule says otherwise", p->name, expect->metric);
        }
    assert_true(pairs >= 6);
}

/* Compares all that a scenario says for certain of a pair; returns how many cells. */
static int compare_plan(const struct plan *p)
{
    struct rule *r = rule_open(p);
    int cells = 0;
    for (uint32_t i = 0; i < p->expect_count; i++)
        if (p->expects[i].src && strcmp(p->expects[i].bound, "== 100%") == 0) {
            compare_pair(r, p, &p->expects[i]);
            cells++;
        }
    rule_close(r);
    return cells;
}

static int compare_file(const char *path)
{
    struct plan *p = plan_file(path, NULL);
    int cells = compare_plan(p);
    plan_free(p);
    return cells;
}

static void the_matrices_follow_from_the_definitions(void **state)
{
    (void)state;
    assert_int_equal(compare_file("scenarios/matrix/classic.yaml"), 7 * 7);
    assert_int_equal(compare_file("scenarios/matrix/nine.yaml"), 9 * 9);
    struct plan *p = plan_file("scenarios/matrix/classic.yaml", NULL);
    assert_true(p->duration <= MINUTES(3));
    plan_free(p);
}

static int study_cells;

static void compare_study(const char *path, const char *name)
{
    (void)name;
    study_cells += compare_file(path);
}

static void the_pairs_of_the_studies_follow_from_the_definitions(void **state)
{
    (void)state;
    study_cells = 0;
    (void)each_file("scenarios/study", compare_study);
    assert_true(study_cells >= 20);
}

/* Six or more kinds of NAT, as many nodes as promised. */
static void quickstart_is_the_world_that_it_promises(void **state)
{
    (void)state;
    struct plan *p = plan_file("scenarios/quickstart.yaml", NULL);
    const char *labels[64];
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->host_count; i++) {
        uint32_t k = 0;
        while (k < count && labels[k] != p->hosts[i].nat)
            k++;
        if (k == count && count < 64)
            labels[count++] = p->hosts[i].nat;
    }
    assert_int_equal(p->host_count, 1000);
    assert_int_equal(p->duration, MINUTES(10));
    assert_true(count >= 7); /* `none` is no NAT */
    assert_true(p->network.regions >= 8);
    struct rule *r = rule_open(p);
    double share = rule_share(r);
    assert_true(share > 0.5 && share < 0.95);
    assert_true(rule_distance(share, 1000, (uint64_t)(share * 1000)) < 0.1);
    assert_true(rule_distance(share, 8000, (uint64_t)((share - 0.05) * 8000)) > 4);
    rule_close(r);
    plan_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shipped_scenario_is_fine_and_asks_a_question),
        cmocka_unit_test(every_profile_and_population_can_be_drawn),
        cmocka_unit_test(the_matrices_follow_from_the_definitions),
        cmocka_unit_test(the_pairs_of_the_studies_follow_from_the_definitions),
        cmocka_unit_test(quickstart_is_the_world_that_it_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
