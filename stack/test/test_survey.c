/* What a node learns of its NAT, from honest peers and from liars. */
#include "stack/survey.h"
#include "stack/test/story.c"

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))
#define SERVERS  24 /* so that there are strangers left that can knock */

/* ---- in a network ---- */

static const struct nature *surveyed(struct story *s, uint32_t host)
{
    story_start(s, host);
    mist_time limit = s->lab->now + SEC(20);
    const struct survey *v = &s->lab->hosts[host].node->survey;
    while (!v->known && lab_step(s->lab, limit))
        continue;
    assert_true(v->known);
    return &v->nature;
}

static uint32_t home(struct story *s, enum lab_mapping mapping, enum lab_filtering filtering)
{
    uint32_t host = lab_add(s->lab, "home");
    lab_behind(s->lab, host, mapping, filtering, false);
    return host;
}

static void each_of_the_nine_boxes_is_told_by_its_mapping_and_its_filter(void **state)
{
    (void)state;
    static const uint8_t mappings[] = {NATURE_EIM, NATURE_ADM, NATURE_APDM};
    static const uint8_t filters[] = {NATURE_EIF, NATURE_ADF, NATURE_APDF};
    for (uint32_t i = 0; i < 9; i++) {
        struct story *s = story_open(i + 1);
        story_servers(s, SERVERS);
        uint32_t host = home(s, (enum lab_mapping)(i / 3), (enum lab_filtering)(i % 3));
        s->lab->hosts[host].nat.random_ports = true;
        const struct nature *n = surveyed(s, host);
        assert_int_equal(n->mapping, mappings[i / 3]);
        assert_int_equal(n->filtering, filters[i % 3]);
        assert_int_equal(n->ports, NATURE_RANDOM);
        assert_int_equal(n->pooling, NATURE_PAIRED);
        story_close(s);
    }
}

static void the_port_rule_is_told_with_its_step_and_its_block(void **state)
{
    (void)state;
    static const struct {
        uint16_t step;
        uint32_t block;
        uint8_t ports;
    } cases[] = {{0, 0, NATURE_PRESERVE},
                 {1, 0, NATURE_SEQUENTIAL},
                 {3, 0, NATURE_SEQUENTIAL},
                 {0, 512, NATURE_BLOCK},
                 {0, 2048, NATURE_BLOCK}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct story *s = story_open(20 + i);
        story_servers(s, SERVERS);
        uint32_t host = home(s, LAB_EIM, LAB_APDF);
        s->lab->hosts[host].nat.step = cases[i].step;
        s->lab->hosts[host].nat.block = cases[i].block;
        const struct nature *n = surveyed(s, host);
        assert_int_equal(n->ports, cases[i].ports);
        assert_int_equal(n->step, cases[i].step);
        if (cases[i].block != 0) { /* of ports from 20480 on (lab_nat.c) */
            assert_in_range(n->low, 20480, 20480 + cases[i].block - 1);
            assert_in_range(n->high, n->low, 20480 + cases[i].block - 1);
        }
        story_close(s);
    }
}

static void a_host_without_a_nat_finds_itself_open(void **state)
{
    (void)state;
    struct story *s = story_open(30);
    story_servers(s, SERVERS);
    const struct nature *n = surveyed(s, lab_add(s->lab, "open"));
    assert_int_equal(n->mapping, NATURE_EIM);
    assert_int_equal(n->filtering, NATURE_EIF);
    assert_int_equal(n->ports, NATURE_PRESERVE);
    story_close(s);
}

static void a_survey_leaves_no_socket_open(void **state)
{
    (void)state;
    struct story *s = story_open(31);
    story_servers(s, SERVERS);
    uint32_t host = home(s, LAB_APDM, LAB_APDF), open = 0;
    (void)surveyed(s, host);
    for (uint32_t i = 0; i < LAB_SPARES; i++)
        open += s->lab->hosts[host].spares[i] != 0;
    assert_int_equal(open, 0);
    story_close(s);
}

static void where_no_socket_can_be_opened_the_rest_is_still_learnt(void **state)
{
    (void)state;
    struct story *s = story_open(32);
    story_servers(s, SERVERS);
    uint32_t host = home(s, LAB_APDM, LAB_APDF);
    s->lab->hosts[host].nat.random_ports = true;
    s->lab->hosts[host].refuses_sockets = true;
    const struct nature *n = surveyed(s, host);
    assert_int_equal(n->mapping, NATURE_APDM);
    assert_int_equal(n->filtering, NATURE_APDF);
    assert_int_equal(n->ports, NATURE_PORTS_UNKNOWN);
    story_close(s);
}

/* Servers s1 ... in so many networks of an IPv4 /16 each. */
static void servers_in(struct story *s, uint32_t networks)
{
    for (uint32_t i = 0; i < SERVERS; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%u", (unsigned)(i + 1));
        uint32_t host = lab_add(s->lab, name);
        lab_configure(s->lab, host, "reach.assume", "public");
        s->lab->hosts[host].local = addr_v4(0x14000001 + (i % networks << 16) + i, LAB_PORT);
    }
    for (uint32_t i = 0; i < SERVERS; i++)
        lab_start(s->lab, i, i);
    lab_run(s->lab, s->lab->now + SEC(10));
}

static void peers_of_one_network_are_one_voice(void **state)
{
    (void)state;
    for (uint32_t networks = 2; networks <= 3; networks++) {
        struct story *s = story_open(33);
        servers_in(s, networks);
        uint32_t host = home(s, LAB_EIM, LAB_APDF);
        story_start(s, host);
        lab_run(s->lab, s->lab->now + SEC(20));
        assert_int_equal(s->lab->hosts[host].node->survey.known, networks == SURVEY_ENOUGH);
        story_close(s);
    }
}

static void a_lossy_network_does_not_change_a_verdict(void **state)
{
    (void)state;
    for (uint64_t seed = 40; seed < 50; seed++) {
        struct story *s = story_open(seed);
        story_servers(s, SERVERS);
        uint32_t host = home(s, LAB_APDM, LAB_APDF);
        s->lab->hosts[host].nat.step = 2;
        s->lab->loss = 50;
        const struct nature *n = surveyed(s, host);
        assert_int_equal(n->mapping, NATURE_APDM);
        assert_int_equal(n->filtering, NATURE_APDF);
        assert_int_equal(n->ports, NATURE_SEQUENTIAL);
        assert_int_equal(n->step, 2);
        story_close(s);
    }
}

/* ---- with liars: the machine alone, its peers played here ---- */

#define PEERS 8

struct stage {
    struct survey survey;
    struct sockets sockets;
    struct spare spares[SOCKETS_REACH];
    struct timers timers;
    struct timer heap[4];
    uint16_t places[4];
    struct rng rng;
    struct out *out;
    mist_time now;
    bool liar[PEERS];
    uint16_t next; /* port of a sequential NAT */
    bool dependent, conspiracy;
};

static struct addr peer_at(uint32_t i)
{
    return addr_v4(0x14000000 + 0x10000 * i, 4000);
}

static struct stage *stage_open(uint32_t liars)
{
    static const uint8_t seed[32];
    struct stage *t = calloc(1, sizeof *t);
    const struct addr local = addr_v4(0x0a000002, 4000);
    t->out = zeroed(out_size());
    t->now = SEC(1000);
    t->next = 7000;
    rng_init(&t->rng, seed);
    t->timers.heap = t->heap;
    t->timers.place = t->places;
    t->timers.limit = 4;
    sockets_init(&t->sockets, t->spares, SOCKETS_REACH);
    assert_int_equal(sockets_opened(&t->sockets, 1, &local), MIST_OK);
    survey_init(&t->survey, &t->rng, &t->timers, &t->sockets, 1);
    for (uint32_t i = 0; i < liars; i++)
        t->liar[i] = true;
    return t;
}

static void stage_close(struct stage *t)
{
    free(t->out);
    free(t);
}

/* What the NAT shows of a socket; a liar names another port. */
static struct addr shown(struct stage *t, uint32_t peer, uint32_t socket)
{
    struct addr seen = addr_v4(0x1e000001, 6000);
    if (t->liar[peer])
        seen.port = (uint16_t)(9000 + (t->conspiracy ? 0 : rng_below(&t->rng, 20000)));
    else if (socket != 0 || t->dependent)
        seen.port = t->next++;
    return seen;
}

static void answer(struct stage *t, const struct effect *e)
{
    struct reader r = {e->bytes, e->bytes + e->length, false};
    struct msg m;
    uint32_t peer = e->link - 1;
    assert_int_equal(wire_take(&r, &m), 1);
    if (m.type == MSG_WHERE) {
        struct msg here = {.type = MSG_HERE,
                           .request = m.request,
                           .addr = shown(t, peer, e->socket),
                           .port = 4001};
        survey_here(&t->survey, t->now, e->link, &here);
    } else {
        survey_promised(&t->survey, m.request); /* a liar promises, and does not knock */
        struct addr second = peer_at(peer), stranger = addr_v4(0x28000001, 4000);
        second.port = 4001;
        if (!t->liar[peer])
            survey_knocked(&t->survey, m.type == MSG_SECOND ? &second : &stranger, m.request,
                           m.number, false);
    }
}

static void carry_out(struct stage *t)
{
    struct effect e;
    struct mist_event v;
    while (out_next_event(t->out, &v)) {
        struct addr local = addr_v4(0x0a000002, (uint16_t)(20000 + 97 * v.socket));
        if (v.kind == MIST_EVENT_SOCKET_WANTED) {
            assert_int_equal(sockets_opened(&t->sockets, v.socket, &local), MIST_OK);
            survey_socket(&t->survey, t->now, v.socket, t->out);
        }
    }
    while (out_take(t->out, &e)) {
        if (e.kind == EFFECT_PROBE || e.kind == EFFECT_SEND)
            answer(t, &e);
    }
}

static const struct nature *staged(struct stage *t)
{
    static const uint8_t filter[WIRE_FILTER];
    const struct addr local = addr_v4(0x0a000002, 4000);
    uint32_t id;
    survey_wake(&t->survey, t->now);
    while (!t->survey.known) {
        t->now = timers_next(&t->timers);
        assert_int_equal(timers_take(&t->timers, t->now, &id), 1);
        out_reset(t->out, t);
        if (survey_timer(&t->survey, t->now, filter, t->out)) {
            for (uint32_t i = 0; i < PEERS; i++) {
                struct addr at = peer_at(i);
                survey_peer(&t->survey, i + 1, &at);
            }
            survey_begin(&t->survey, t->now, &local, t->out);
        }
        carry_out(t);
    }
    return &t->survey.nature;
}

static void two_liars_of_eight_are_outvoted(void **state)
{
    (void)state;
    struct stage *t = stage_open(2);
    const struct nature *n = staged(t);
    assert_int_equal(n->mapping, NATURE_EIM);
    assert_int_equal(n->filtering, NATURE_EIF);
    assert_int_equal(n->ports, NATURE_SEQUENTIAL);
    assert_int_equal(n->step, 1);
    assert_in_range(t->survey.confidence[NATURE_KNOB_MAPPING], 75, 75);
    stage_close(t);
}

static void half_of_the_peers_may_lie_alike_before_one_mapping_is_not_seen(void **state)
{
    (void)state;
    struct stage *t = stage_open(4);
    t->conspiracy = true;
    assert_int_equal(staged(t)->mapping, NATURE_EIM);
    stage_close(t);
}

static void liars_that_agree_do_not_make_a_dependent_mapping_look_independent(void **state)
{
    (void)state;
    struct stage *t = stage_open(4);
    t->dependent = t->conspiracy = true;
    assert_int_equal(staged(t)->mapping, NATURE_APDM);
    stage_close(t);
}

/* The fault that the vote is there for: with most of them lying nothing holds. */
static void a_majority_of_liars_is_believed(void **state)
{
    (void)state;
    struct stage *t = stage_open(7);
    const struct nature *n = staged(t);
    assert_int_equal(n->mapping, NATURE_APDM);
    assert_int_not_equal(n->ports, NATURE_SEQUENTIAL);
    stage_close(t);
}

static void a_knock_through_an_own_hole_proves_nothing(void **state)
{
    (void)state;
    struct stage *t = stage_open(0);
    struct survey *s = &t->survey;
    const struct addr stranger = addr_v4(0x28000001, 4000);
    s->step = SURVEY_KNOCK;
    s->nonce = 77;
    s->peer_count = 1;
    s->peers[0] = (struct survey_peer){.at = peer_at(0), .second = 4001, .far = 5, .near = 7};
    survey_knocked(s, &stranger, 5, 77, true);        /* an address this node wrote to */
    survey_knocked(s, &stranger, 5, 78, false);       /* another nonce */
    survey_knocked(s, &s->peers[0].at, 7, 77, false); /* its main port */
    assert_false(s->far_came);
    assert_false(s->near_came);
    survey_knocked(s, &stranger, 5, 77, false);
    assert_true(s->far_came);
    stage_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_the_nine_boxes_is_told_by_its_mapping_and_its_filter),
        cmocka_unit_test(the_port_rule_is_told_with_its_step_and_its_block),
        cmocka_unit_test(a_host_without_a_nat_finds_itself_open),
        cmocka_unit_test(a_survey_leaves_no_socket_open),
        cmocka_unit_test(where_no_socket_can_be_opened_the_rest_is_still_learnt),
        cmocka_unit_test(peers_of_one_network_are_one_voice),
        cmocka_unit_test(a_lossy_network_does_not_change_a_verdict),
        cmocka_unit_test(two_liars_of_eight_are_outvoted),
        cmocka_unit_test(half_of_the_peers_may_lie_alike_before_one_mapping_is_not_seen),
        cmocka_unit_test(liars_that_agree_do_not_make_a_dependent_mapping_look_independent),
        cmocka_unit_test(a_majority_of_liars_is_believed),
        cmocka_unit_test(a_knock_through_an_own_hole_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
