/* The stateless kind, the mappings of other hosts, and chains. */
#include "nat-models/test/lab.h"

#define A  "192.168.0.2:1234"
#define B  "192.168.0.3:1234"
#define Y1 "5.6.7.8:1000"

/* ---- one to one ---- */

static void one_to_one_keeps_ports_and_filters_nobody(void **state)
{
    (void)state;
    struct lab lab = lab_open("kind: one_to_one; pool: 2; hairpin: external");
    assert_string_equal(lab_in(&lab, 0, Y1, "1.2.3.4:1234"), "no_mapping"); /* nobody's yet */
    assert_string_equal(lab_out(&lab, 0, A, Y1), "1.2.3.4:1234");
    assert_string_equal(lab_out(&lab, 0, B, Y1), "1.2.3.5:1234");
    assert_string_equal(lab_out(&lab, 0, "192.168.0.4:1", Y1), "capacity");
    assert_string_equal(lab_in(&lab, SEC(9999), "6.6.6.6:6", "1.2.3.4:80"), "192.168.0.2:80");
    assert_string_equal(lab_out(&lab, SEC(9999), A, "1.2.3.5:7"), "1.2.3.4:1234 > 192.168.0.3:7");
    assert_int_equal(lab_count(&lab, SEC(9999), "mappings_made"), 0);
    lab_close(&lab);
}

static void one_to_one_can_be_paired_before_the_first_packet(void **state)
{
    (void)state;
    struct lab lab = lab_open("kind: one_to_one; pool: 2");
    struct addr inside = lab_addr(A), external = lab_addr("1.2.3.5:0"), other = lab_addr(B);
    assert_int_equal(nat_map(lab.nat, 0, NAT_UDP, &inside, &external, MIST_NEVER), 0);
    assert_string_equal(lab_in(&lab, 1, Y1, "1.2.3.5:80"), "192.168.0.2:80");
    assert_int_equal(nat_map(lab.nat, 2, NAT_UDP, &other, &external, MIST_NEVER), -1);
    lab_close(&lab);
}

/* ---- background ---- */

/* The gap of a sequential counter between two probes dt apart is Poisson with
 * mean mu = rate x dt (nat-behaviour 10.2): P(0) = e^-mu; variance = mean. */
static void background_advances_a_counter_by_poisson_steps(void **state)
{
    enum { PROBES = 4000 };
    (void)state;
    struct lab lab = lab_open("ports: sequential; background: {rate: 5/s, life: 60 s}");
    int zero = 0;
    double sum = 0, squares = 0;
    int previous = -1;
    for (int i = 0; i < PROBES; i++) { /* mu = 5/s x 0.2 s = 1, and the probe itself */
        lab_out_addr(&lab, MS(200) * i, addr_v4(0xc0a80002, (uint16_t)(1024 + i)), lab_addr(Y1));
        int port = lab.last.from.port;
        if (previous >= 0) {
            int others = (port - previous - 1 + 64512) % 64512;
            sum += others;
            squares += others * others;
            zero += others == 0;
        }
        previous = port;
    }
    double n = PROBES - 1, mean = sum / n, variance = squares / n - mean * mean;
    /* 4 standard errors: mean sqrt(1/n) = .0158; P(0) sqrt(.368*.632/n) = .0076; the variance
     * of a Poisson sample variance is about (mu + 2 mu^2)/n, root .0274 */
    assert_true(mean > 1 - 4 * .0158 && mean < 1 + 4 * .0158);
    assert_true(zero / n > .3679 - 4 * .0076 && zero / n < .3679 + 4 * .0076);
    assert_true(variance > 1 - 4 * .0274 && variance < 1 + 4 * .0274);
    lab_close(&lab);
}

/* Little's law (10.6): rate x mean life = 5/s x 20 s = 100 in use, sd 10 (they
 * are Poisson); the mean of 50 looks 200 s apart lies within 100 +- 4 x 10/sqrt(50). */
static void background_holds_as_many_mappings_as_littles_law_says(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: random; background: {rate: 5/s, life: 20 s}");
    double sum = 0;
    for (int i = 1; i <= 50; i++)
        sum += (double)lab_count(&lab, SEC(200) * i, "mappings");
    assert_true(sum / 50 > 100 - 5.7 && sum / 50 < 100 + 5.7);
    lab_close(&lab);
}

/* Common random numbers: the others do not depend on when this host sends. */
static void background_is_the_same_whoever_looks(void **state)
{
    (void)state;
    struct lab a = lab_open("ports: random; background: {rate: 5/s, life: 20 s}");
    struct lab b = lab_open("ports: random; background: {rate: 5/s, life: 20 s}");
    for (int i = 0; i < 1000; i++)
        lab_out(&a, MS(100) * i, A, Y1);
    assert_int_equal(lab_count(&a, SEC(100), "mappings_made") - 1,
                     lab_count(&b, SEC(100), "mappings_made"));
    lab_close(&a);
    lab_close(&b);
}

/* ---- chains ---- */

/* NAT444: home EIM/APDF under a CGN; what the outermost shows is the CGN's. */
static void two_homes_under_one_cgn_meet_by_its_hairpin(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct lab cgn = lab_open(on ? "filtering: eif; ports: random; hairpin: external"
                                     : "filtering: eif; ports: random");
        struct lab home[2] = {lab_open(""), lab_open("")};
        struct addr wan[2] = {lab_addr("100.64.0.1:0"), lab_addr("100.64.0.2:0")};
        struct addr x[2];
        for (int i = 0; i < 2; i++) {
            nat_readdress(home[i].nat, 0, &wan[i]);
            lab_out(&home[i], 1, A, Y1);
            lab_out_addr(&cgn, 1, home[i].last.from, home[i].last.to);
            x[i] = cgn.last.from;
        }
        for (int round = 0; round < 2; round++) { /* both send to each other, twice */
            for (int i = 0; i < 2; i++) {
                lab_out_addr(&home[i], 2, lab_addr(A), x[1 - i]);
                lab_out_addr(&cgn, 2, home[i].last.from, home[i].last.to);
                assert_int_equal(cgn.verdict, on ? NAT_HAIRPIN : NAT_DROP_HAIRPIN_OFF);
                if (!on)
                    continue;
                lab_in_addr(&home[1 - i], 2, cgn.last.from, cgn.last.to);
                bool open = round > 0 || i > 0; /* the very first one meets a closed filter */
                assert_int_equal(home[1 - i].verdict, open ? NAT_PASS : NAT_DROP_FILTER);
            }
        }
        lab_close(&cgn);
        lab_close(&home[0]);
        lab_close(&home[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_to_one_keeps_ports_and_filters_nobody),
        cmocka_unit_test(one_to_one_can_be_paired_before_the_first_packet),
        cmocka_unit_test(background_advances_a_counter_by_poisson_steps),
        cmocka_unit_test(background_holds_as_many_mappings_as_littles_law_says),
        cmocka_unit_test(background_is_the_same_whoever_looks),
        cmocka_unit_test(two_homes_under_one_cgn_meet_by_its_hairpin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
