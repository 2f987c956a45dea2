/* test_rule.c: the rule of plain punching against what follows by hand from
 * RFC 4787 for single boxes, and against the rule of chains
 * (the strictest level counts) with its known exceptions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "nat-models/nat.h"
#include "sim/rule.h"

static struct nat_policy box(int mapping, int filtering)
{
    struct nat_policy policy = nat_policy_default();
    policy.mapping = (uint8_t)mapping;
    policy.filtering = (uint8_t)filtering;
    policy.session_reply = 0;
    policy.hairpin = NAT_HAIRPIN_OFF;
    policy.ports = NAT_PORTS_RANDOM;
    return policy;
}

static bool direct(const struct nat_policy *a, const struct nat_policy *b)
{
    struct rule_chain first = {a != NULL, {a}}, second = {b != NULL, {b}};
    return rule_direct(&first, &second, 0);
}

/* A's packet to where the server saw B gets in iff B's filter is open, or B
 * sends to A through that very mapping (B is EIM) and filters by address, or by
 * port and A comes from the port that B sends to (A is EIM). */
static bool gets_in(const struct nat_policy *a, const struct nat_policy *b)
{
    if (b->filtering == NAT_EIF)
        return true;
    if (b->mapping != NAT_EIM)
        return false;
    return b->filtering == NAT_ADF || a->mapping == NAT_EIM;
}

/* And B's answer gets back iff A does not filter by port, or B answers from
 * where A sent to (B is EIM). */
static bool by_hand(const struct nat_policy *a, const struct nat_policy *b)
{
    return gets_in(a, b) && (a->filtering != NAT_APDF || b->mapping == NAT_EIM);
}

static void nine_boxes_meet_as_their_definitions_say(void **state)
{
    (void)state;
    for (int i = 0; i < 81; i++) {
        struct nat_policy a = box(i / 27, i / 9 % 3), b = box(i / 3 % 3, i % 3);
        bool expected = by_hand(&a, &b) || by_hand(&b, &a);
        if (direct(&a, &b) != expected)
            fail_msg("boxes %d/%d and %d/%d: expected %d", a.mapping, a.filtering, b.mapping,
                     b.filtering, expected);
    }
}

static void a_public_host_is_reached_from_behind_every_box(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        struct nat_policy a = box(i / 3, i % 3);
        assert_true(direct(&a, NULL));
        assert_true(direct(NULL, &a));
    }
}

/* The well-known table of Ford, Srisuresh, Kegel (USENIX ATC 2005) and of every
 * textbook since. */
static void a_symmetric_box_meets_restricted_but_not_port_restricted_cones(void **state)
{
    (void)state;
    struct nat_policy full = box(NAT_EIM, NAT_EIF), restricted = box(NAT_EIM, NAT_ADF);
    struct nat_policy port = box(NAT_EIM, NAT_APDF), symmetric = box(NAT_APDM, NAT_APDF);
    assert_true(direct(&symmetric, &full));
    assert_true(direct(&symmetric, &restricted));
    assert_false(direct(&symmetric, &port));
    assert_false(direct(&symmetric, &symmetric));
    assert_true(direct(&port, &port));
}

static bool chained(const struct nat_policy *inner, const struct nat_policy *outer,
                    const struct nat_policy *peer)
{
    struct rule_chain chain = {2, {inner, outer}}, single = {1, {peer}};
    bool forth = rule_direct(&chain, &single, 0);
    assert_int_equal(forth, rule_direct(&single, &chain, 0));
    return forth;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* Exactly four: inner EIM/ADF, outer ADM/EIF or APDM/EIF, peer ADM/ADF or
 * APDM/ADF. */
static bool is_exception(const struct nat_policy *inner, const struct nat_policy *outer,
                         const struct nat_policy *peer)
{
    return inner->mapping == NAT_EIM && inner->filtering == NAT_ADF && outer->mapping != NAT_EIM &&
           outer->filtering == NAT_EIF && peer->mapping != NAT_EIM && peer->filtering == NAT_ADF;
}

static void a_chain_acts_as_its_strictest_levels_but_for_four_cases(void **state)
{
    (void)state;
    int exceptions = 0;
    for (int i = 0; i < 729; i++) {
        struct nat_policy inner = box(i / 243, i / 81 % 3), outer = box(i / 27 % 3, i / 9 % 3);
        struct nat_policy peer = box(i / 3 % 3, i % 3);
        struct nat_policy strictest =
            box(larger(inner.mapping, outer.mapping), larger(inner.filtering, outer.filtering));
        bool exception = is_exception(&inner, &outer, &peer);
        exceptions += exception;
        if (chained(&inner, &outer, &peer) != (direct(&strictest, &peer) || exception))
            fail_msg("inner %d/%d outer %d/%d peer %d/%d", inner.mapping, inner.filtering,
                     outer.mapping, outer.filtering, peer.mapping, peer.filtering);
    }
    assert_int_equal(exceptions, 4);
}

static void two_homes_behind_one_carrier_need_its_hairpin(void **state)
{
    (void)state;
    struct nat_policy home = box(NAT_EIM, NAT_APDF), carrier = box(NAT_EIM, NAT_EIF);
    struct rule_chain a = {2, {&home, &carrier}};
    assert_false(rule_direct(&a, &a, 1));
    carrier.hairpin = NAT_HAIRPIN_EXTERNAL;
    assert_true(rule_direct(&a, &a, 1));
    carrier.mapping = NAT_APDM;
    carrier.filtering = NAT_APDF;
    assert_false(rule_direct(&a, &a, 1));
}

static void a_firewall_acts_as_an_endpoint_independent_box(void **state)
{
    (void)state;
    for (int filtering = NAT_EIF; filtering <= NAT_APDF; filtering++) {
        struct nat_policy wall = box(NAT_APDM, filtering), symmetric = box(NAT_APDM, NAT_APDF);
        wall.kind = NAT_KIND_FIREWALL;
        assert_int_equal(direct(&wall, &symmetric), filtering != NAT_APDF);
        assert_true(direct(&wall, &wall));
    }
}

/* "Preserve and overload without a clash make a dependent box look EIM": one
 * port towards all remotes, EIM/APDF for who punches. */
static void ports_that_are_kept_act_as_endpoint_independent(void **state)
{
    (void)state;
    struct nat_policy keeper = box(NAT_APDM, NAT_APDF), port = box(NAT_EIM, NAT_APDF);
    assert_false(direct(&keeper, &port));
    keeper.ports = NAT_PORTS_OVERLOAD;
    assert_true(direct(&keeper, &port));
    keeper.ports = NAT_PORTS_PRESERVE;
    assert_true(direct(&keeper, &port));
    keeper.ports = NAT_PORTS_SEQUENTIAL;
    assert_false(direct(&keeper, &port));
}

static void blocked_udp_reaches_nobody(void **state)
{
    (void)state;
    struct nat_policy blocked = box(NAT_EIM, NAT_EIF);
    blocked.egress = NAT_EGRESS_BLOCK_UDP;
    assert_false(direct(&blocked, NULL));
    assert_false(direct(NULL, &blocked));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nine_boxes_meet_as_their_definitions_say),
        cmocka_unit_test(a_public_host_is_reached_from_behind_every_box),
        cmocka_unit_test(a_symmetric_box_meets_restricted_but_not_port_restricted_cones),
        cmocka_unit_test(a_chain_acts_as_its_strictest_levels_but_for_four_cases),
        cmocka_unit_test(two_homes_behind_one_carrier_need_its_hairpin),
        cmocka_unit_test(a_firewall_acts_as_an_endpoint_independent_box),
        cmocka_unit_test(ports_that_are_kept_act_as_endpoint_independent),
        cmocka_unit_test(blocked_udp_reaches_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
