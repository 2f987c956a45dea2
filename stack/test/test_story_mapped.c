/* Ports that a gateway maps for a host: told by the host, or asked for by the core. */
#include "stack/test/pair.h"

static const struct lab_nat hard = {
    .mapping = LAB_APDM, .filtering = LAB_APDF, .random_ports = true};

/* Bob's box maps port 7000 to his main socket, and his host says so. */
static void map_bobs_port(struct pair *p)
{
    struct lab_nat *nat = &p->lab->hosts[p->bob].nat;
    struct mist_wish wish = {.size = sizeof wish, .kind = MIST_WISH_PORT_MAPPED, .socket = 1};
    nat->mapped = 7000;
    nat->mapped_inside = LAB_PORT;
    wish.addr = addr_v4(nat->ip, 7000);
    assert_int_equal(lab_wish(p->lab, p->bob, &wish), MIST_OK);
}

static void a_mapped_port_makes_a_pair_direct_that_no_punching_could(void **state)
{
    (void)state;
    struct pair p = pair_behind(1, &hard, &hard);
    (void)pair_dial(&p, SEC(10));
    assert_int_equal(pair_path(&p, p.alice, 1), MIST_PATH_RELAY);
    story_close(p.s);

    p = pair_behind(1, &hard, &hard);
    map_bobs_port(&p);
    lab_run(p.lab, p.lab->now + SEC(1));
    p.from = p.lab->now;
    uint32_t bobs = pair_dial(&p, SEC(5));
    assert_int_equal(pair_path(&p, p.alice, 1), MIST_PATH_MAPPED);
    assert_int_equal(pair_path(&p, p.bob, bobs), MIST_PATH_MAPPED);
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

static void strangers_reach_a_mapped_host_and_no_longer_when_it_is_withdrawn(void **state)
{
    (void)state;
    struct pair p = {.s = story_open(2)};
    struct mist_wish gone = {.size = sizeof gone, .kind = MIST_WISH_PORT_MAPPED, .socket = 1};
    p.lab = p.s->lab;
    story_servers(p.s, 24); /* so that there are strangers that can knock */
    p.bob = story_join(p.s, "bob", LAB_APDM, LAB_APDF, true);
    const struct reach *reach = &p.lab->hosts[p.bob].node->reach;
    for (int i = 0; i < 8; i++) { /* whom Bob has not written to yet */
        uint32_t late = lab_add(p.lab, "late");
        lab_configure(p.lab, late, "reach.assume", "public");
        story_start(p.s, late);
    }
    lab_run(p.lab, p.lab->now + SEC(5));
    assert_false(reach->reachable);
    map_bobs_port(&p);
    lab_run(p.lab, p.lab->now + SEC(5));
    assert_true(reach->reachable);

    p.lab->hosts[p.bob].nat.mapped = 0;
    assert_int_equal(lab_wish(p.lab, p.bob, &gone), MIST_OK);
    lab_run(p.lab, p.lab->now + SEC(20));
    assert_false(reach->reachable);
    story_close(p.s);
}

static void a_port_mapped_by_a_box_that_is_not_the_outermost_is_not_offered(void **state)
{
    (void)state;
    static const struct lab_nat easy = {.mapping = LAB_EIM, .filtering = LAB_APDF};
    struct pair p = pair_behind(4, &easy, &easy);
    struct mist_wish wish = {.size = sizeof wish,
                             .kind = MIST_WISH_PORT_MAPPED,
                             .socket = 1,
                             .addr = addr_v4(0x64400005, 7000)}; /* in a carrier's network */
    assert_int_equal(lab_wish(p.lab, p.bob, &wish), MIST_OK);
    uint32_t bobs = pair_dial(&p, SEC(5));
    assert_int_equal(pair_path(&p, p.alice, 1), MIST_PATH_PUNCHED);
    assert_int_equal(pair_path(&p, p.bob, bobs), MIST_PATH_PUNCHED);
    story_close(p.s);
}

static void what_no_socket_could_have_is_refused(void **state)
{
    (void)state;
    struct pair p = pair_behind(3, &hard, &hard);
    struct mist_wish wish = {.size = sizeof wish,
                             .kind = MIST_WISH_PORT_MAPPED,
                             .socket = 3,
                             .addr = addr_v4(0x14000001, 7000)};
    assert_int_equal(lab_wish(p.lab, p.bob, &wish), MIST_ERR_UNKNOWN);
    wish.socket = 2; /* of IPv6 */
    assert_int_equal(lab_wish(p.lab, p.bob, &wish), MIST_ERR_ARGUMENT);
    wish.socket = 1;
    wish.addr.port = 0;
    assert_int_equal(lab_wish(p.lab, p.bob, &wish), MIST_ERR_ARGUMENT);
    assert_null(story_find(p.s, p.bob, STORY_FACT, FACT_PORT_MAPPED, 0));
    story_close(p.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapped_port_makes_a_pair_direct_that_no_punching_could),
        cmocka_unit_test(strangers_reach_a_mapped_host_and_no_longer_when_it_is_withdrawn),
        cmocka_unit_test(a_port_mapped_by_a_box_that_is_not_the_outermost_is_not_offered),
        cmocka_unit_test(what_no_socket_could_have_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
