/* test_oracle_census.c: what the dials of a plan could have reached, against
 * pairs worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/oracle_census.h"
#include "sim/oracle_formula.h"
#include "sim/plan.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

enum { PUBLIC, HARD, EASY, FIRST_PHONE, SECOND_PHONE, OTHER_PHONE, HOSTS };
enum { HARD_BOX, EASY_BOX, FIRST_HOME, SECOND_HOME, OTHER_HOME, CARRIER, OTHER_CARRIER, BOXES };

/* Two phones behind one carrier's box, a third behind another. */
struct town {
    struct plan plan;
    struct plan_host hosts[HOSTS];
    struct plan_box boxes[BOXES];
};

static void build(struct town *t)
{
    static const uint32_t outer[BOXES] = {PLAN_NONE,     PLAN_NONE, CARRIER,  CARRIER,
                                          OTHER_CARRIER, PLAN_NONE, PLAN_NONE};
    static const uint32_t box[HOSTS] = {PLAN_NONE,  HARD_BOX,    EASY_BOX,
                                        FIRST_HOME, SECOND_HOME, OTHER_HOME};
    static const char *const labels[HOSTS] = {"none", "hard", "easy", "phone", "phone", "phone"};
    memset(t, 0, sizeof *t);
    for (int i = 0; i < BOXES; i++) {
        t->boxes[i].policy = nat_policy_default();
        t->boxes[i].outer = outer[i];
    }
    t->boxes[HARD_BOX].policy.mapping = NAT_APDM;
    t->boxes[HARD_BOX].policy.ports = NAT_PORTS_RANDOM;
    for (int i = 0; i < HOSTS; i++)
        t->hosts[i] = (struct plan_host){.box = box[i], .nat = labels[i]};
    t->plan = (struct plan){
        .host_count = HOSTS, .box_count = BOXES, .hosts = t->hosts, .boxes = t->boxes};
}

static struct oracle_pair find(const struct oracle_census *c, const char *src, const char *dst)
{
    struct oracle_pair pair;
    for (uint32_t i = 0; oracle_census_pair(c, i, &pair); i++)
        if (strcmp(pair.src_nat, src) == 0 && strcmp(pair.dst_nat, dst) == 0)
            return pair;
    fail_msg("no pair %s, %s", src, dst);
    return pair;
}

static void assert_near(double got, double expected)
{
    if (fabs(got - expected) > 1e-6)
        fail_msg("expected %.7f, got %.7f", expected, got);
}

static void a_pair_holds_the_mean_over_its_dials(void **state)
{
    struct town t;
    (void)state;
    build(&t);
    struct oracle_census *c = oracle_census_open(&t.plan);
    oracle_census_dial(c, HARD, EASY);
    oracle_census_dial(c, HARD, EASY);
    oracle_census_dial(c, PUBLIC, HARD);
    oracle_census_dial(c, FIRST_PHONE, SECOND_PHONE); /* one carrier that turns nothing round */
    oracle_census_dial(c, FIRST_PHONE, OTHER_PHONE);
    oracle_census_dial(c, OTHER_PHONE, SECOND_PHONE);
    struct oracle_pair pair = find(c, "hard", "easy");
    assert_int_equal(pair.dials, 2);
    assert_near(pair.plain, 0);
    assert_near(pair.best, oracle_birthday(64512, 256, 2048));
    assert_int_equal(pair.technique, ORACLE_SPRAY);
    pair = find(c, "none", "hard");
    assert_near(pair.plain, 1);
    pair = find(c, "phone", "phone");
    assert_int_equal(pair.dials, 3);
    assert_near(pair.plain, 2. / 3);
    assert_near(pair.best, 2. / 3);
    assert_int_equal(pair.technique, ORACLE_PLAIN);
    assert_false(oracle_census_pair(c, 3, &pair)); /* only what was dialled */
    oracle_census_close(c);
}

static void hosts_of_one_network_need_no_punching(void **state)
{
    struct town t;
    (void)state;
    build(&t);
    t.hosts[EASY].box = HARD_BOX;
    struct oracle_census *c = oracle_census_open(&t.plan);
    oracle_census_dial(c, HARD, EASY);
    assert_near(find(c, "hard", "easy").plain, 1);
    oracle_census_close(c);
}

static void boxes_that_differ_where_it_counts_are_told_apart(void **state)
{
    struct town t;
    (void)state;
    build(&t);
    t.boxes[EASY_BOX].policy = t.boxes[HARD_BOX].policy;
    t.boxes[EASY_BOX].policy.quota_ports = 66;
    struct oracle_census *c = oracle_census_open(&t.plan);
    oracle_census_dial(c, HARD, FIRST_PHONE);
    oracle_census_dial(c, EASY, FIRST_PHONE);
    assert_near(find(c, "hard", "phone").best, oracle_birthday(64512, 256, 2048));
    assert_near(find(c, "easy", "phone").best, oracle_birthday(64512, 64, 2048));
    oracle_census_close(c);
}

static void more_labels_than_are_counted_do_no_harm(void **state)
{
    static struct plan_host hosts[ORACLE_CENSUS_LABELS + 2];
    static char labels[ORACLE_CENSUS_LABELS + 2][12];
    struct plan plan = {.host_count = ORACLE_CENSUS_LABELS + 2, .hosts = hosts};
    struct oracle_pair pair;
    (void)state;
    for (uint32_t i = 0; i < plan.host_count; i++) {
        snprintf(labels[i], sizeof labels[i], "%u", i);
        hosts[i] = (struct plan_host){.box = PLAN_NONE, .nat = labels[i]};
    }
    struct oracle_census *c = oracle_census_open(&plan);
    oracle_census_dial(c, 0, ORACLE_CENSUS_LABELS + 1);
    assert_false(oracle_census_pair(c, 0, &pair));
    oracle_census_dial(c, 0, ORACLE_CENSUS_LABELS - 1);
    assert_true(oracle_census_pair(c, 0, &pair));
    oracle_census_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_holds_the_mean_over_its_dials),
        cmocka_unit_test(hosts_of_one_network_need_no_punching),
        cmocka_unit_test(boxes_that_differ_where_it_counts_are_told_apart),
        cmocka_unit_test(more_labels_than_are_counted_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
