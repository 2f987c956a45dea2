/* The lab's toy NAT does what RFC 4787 says of the words that describe it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/test/lab.c"
#include "stack/test/lab_nat.c"

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))
#define INSIDE   4000 /* port */

static const struct addr there = {{20, 0, 0, 1}, 1, ADDR_V4, 0};
static const struct addr same_ip = {{20, 0, 0, 1}, 2, ADDR_V4, 0};
static const struct addr elsewhere = {{20, 0, 0, 2}, 1, ADDR_V4, 0};

static struct lab_nat nat_of(enum lab_mapping mapping, enum lab_filtering filtering)
{
    return (struct lab_nat){.present = true,
                            .mapping = mapping,
                            .filtering = filtering,
                            .idle = SEC(30),
                            .ip = 0x1e000001};
}

static void the_mapping_says_which_destinations_see_one_port(void **state)
{
    (void)state;
    static const struct {
        enum lab_mapping mapping;
        bool same_for_ip, same_for_all;
    } cases[] = {{LAB_EIM, true, true}, {LAB_ADM, true, false}, {LAB_APDM, false, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lab_nat n = nat_of(cases[i].mapping, LAB_EIF);
        uint16_t port = lab_nat_out(&n, 0, INSIDE, &there).port;
        assert_int_equal(port, INSIDE); /* preserved */
        assert_int_equal(lab_nat_out(&n, 0, INSIDE, &same_ip).port == port, cases[i].same_for_ip);
        assert_int_equal(lab_nat_out(&n, 0, INSIDE, &elsewhere).port == port,
                         cases[i].same_for_all);
        assert_int_equal(lab_nat_out(&n, 0, INSIDE, &there).port, port);
    }
}

static void the_filtering_says_who_may_answer(void **state)
{
    (void)state;
    static const struct {
        enum lab_filtering filtering;
        bool from_ip, from_all;
    } cases[] = {{LAB_EIF, true, true}, {LAB_ADF, true, false}, {LAB_APDF, false, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lab_nat n = nat_of(LAB_EIM, cases[i].filtering);
        uint16_t port = lab_nat_out(&n, 0, INSIDE, &there).port;
        assert_true(lab_nat_in(&n, 0, &there, port));
        assert_int_equal(lab_nat_in(&n, 0, &same_ip, port) != 0, cases[i].from_ip);
        assert_int_equal(lab_nat_in(&n, 0, &elsewhere, port) != 0, cases[i].from_all);
        assert_false(lab_nat_in(&n, 0, &there, (uint16_t)(port + 1)));
    }
}

static void a_hole_closes_unless_it_is_used_from_inside(void **state)
{
    (void)state;
    struct lab_nat n = nat_of(LAB_EIM, LAB_APDF);
    uint16_t port = lab_nat_out(&n, 0, INSIDE, &there).port;
    assert_int_equal(lab_nat_out(&n, SEC(20), INSIDE, &there).port, port);
    assert_true(lab_nat_in(&n, SEC(49), &there, port)); /* does not refresh */
    assert_false(lab_nat_in(&n, SEC(50), &there, port));
}

static void a_reboot_forgets_and_takes_other_ports(void **state)
{
    (void)state;
    for (int random = 0; random < 2; random++) {
        struct lab_nat n = nat_of(LAB_EIM, LAB_EIF);
        n.random_ports = random;
        uint16_t port = lab_nat_out(&n, 0, INSIDE, &there).port;
        lab_nat_reboot(&n);
        assert_false(lab_nat_in(&n, 0, &there, port));
        assert_true(lab_nat_out(&n, 0, INSIDE, &there).port != port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mapping_says_which_destinations_see_one_port),
        cmocka_unit_test(the_filtering_says_who_may_answer),
        cmocka_unit_test(a_hole_closes_unless_it_is_used_from_inside),
        cmocka_unit_test(a_reboot_forgets_and_takes_other_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
