/* test_faults.c: what breaks in the simulated world breaks as the scenario says, seen
 * by what its engine carries: a spy stands between world and engine. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "sim/plan.h"
#include "sim/scenario.h"
#include "sim/world.h"
#include "stack/wire.h"

#define SEEN 400000
#define RTT  INT64_C(97003000) /* of the core; odd, so that nothing coincides */

/* Three servers, then six hosts `east` and six `west`. */
#define SERVERS 3
#define EAST    3
#define WEST    9
#define HOSTS   15

struct sighting {
    mist_time at;
    uint32_t place;
    struct addr from, to;
    uint8_t id[WIRE_ID]; /* OPEN: the sender's transport key */
};

static struct {
    struct engine_type type;
    struct engine_calls outer, inner;
    struct sighting sent[SEEN], arrived[SEEN];
    uint32_t sent_count, arrived_count;
    mist_time now; /* of what is going on: sends are made in answer to something */
    const struct plan *plan;
} spy;

static void see(struct sighting *list, uint32_t *count, mist_time at, uint32_t place,
                const struct datagram *d)
{
    assert_true(*count < SEEN);
    struct wire_head h;
    struct sighting *s = &list[(*count)++];
    *s = (struct sighting){.at = at, .place = place, .from = d->from, .to = d->to};
    if (wire_take_head(d->bytes, d->length, &h) == 0 && h.type == WIRE_OPEN)
        memcpy(s->id, h.id, WIRE_ID);
}

static void spy_arrive(void *world, mist_time now, uint32_t place, const struct datagram *d)
{
    (void)world;
    spy.now = now;
    see(spy.arrived, &spy.arrived_count, now, place, d);
    spy.outer.arrive(spy.outer.world, now, place, d);
}

static void spy_due(void *world, mist_time now, uint32_t place)
{
    (void)world;
    spy.now = now;
    spy.outer.due(spy.outer.world, now, place);
}

static enum crossing spy_cross(void *world, mist_time now, uint32_t box, enum direction direction,
                               struct datagram *d)
{
    (void)world;
    return spy.outer.cross(spy.outer.world, now, box, direction, d);
}

static uint32_t spy_core_loss(void *world, mist_time now, uint32_t from, uint32_t to)
{
    (void)world;
    return spy.outer.core_loss(spy.outer.world, now, from, to);
}

static struct engine *spy_open(const struct plan *plan, const struct engine_calls *calls,
                               uint64_t seed)
{
    spy.outer = *calls;
    spy.inner = (struct engine_calls){.arrive = spy_arrive,
                                      .due = spy_due,
                                      .cross = spy_cross,
                                      .core_loss = calls->core_loss ? spy_core_loss : NULL};
    return engine_native.open(plan, &spy.inner, seed);
}

static void spy_send(struct engine *e, uint32_t place, const struct datagram *d)
{
    mist_time now = engine_native.now(e);
    see(spy.sent, &spy.sent_count, now > spy.now ? now : spy.now, place, d);
    engine_native.send(e, place, d);
}

#define WORLD                                                                                      \
    "mist: 1\nname: x\nduration: 4 min\njoin: 5 s\nnetwork: {latency: {constant: 97003 us}}\n"     \
    "population:\n- {name: server, count: 3, roles: [bootstrap, relay]}\n"                         \
    "- {name: east, count: 6, nat: home_apdf}\n"

/* Runs a world with west's NAT and those faults, under the spy. */
static void run(const char *west_nat, const char *faults)
{
    char text[2000], error[400];
    struct errors errors = {0};
    const struct scenario_options options = {0};
    snprintf(text, sizeof text,
             WORLD
             "- {name: west, count: 6, nat: %s}\n"
             "workload: [{dial: uniform, rate: 2/min, from: 20 s, window: 100 s, talk: 1 s}]\n"
             "faults: %s\n",
             west_nat, faults);
    struct scenario *s = scenario_parse("x.yaml", text, strlen(text), NULL, 0, &options, &errors);
    struct plan *plan = s ? scenario_plan(s, 0, 1, &errors) : NULL;
    if (errors.count)
        errors_print(&errors, stderr);
    assert_non_null(plan);
    scenario_free(s);
    errors_free(&errors);
    spy.type = engine_native;
    spy.type.open = spy_open;
    spy.type.send = spy_send;
    spy.sent_count = spy.arrived_count = 0;
    spy.now = 0;
    spy.plan = plan;
    struct world_options world = {.api = mist_api()};
    struct world_result result;
    assert_int_equal(world_run(plan, &spy.type, &world, &result, error, sizeof error), 0);
}

static int finish(void **state)
{
    (void)state;
    plan_free((struct plan *)(uintptr_t)spy.plan);
    spy.plan = NULL;
    return 0;
}

static bool is_west(uint32_t place)
{
    return place >= WEST && place < HOSTS;
}

/* Datagrams that places sent in [from, until). */
static uint32_t sent_by(uint32_t first, uint32_t last, mist_time from, mist_time until)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < spy.sent_count; i++)
        count += spy.sent[i].place >= first && spy.sent[i].place <= last &&
                 spy.sent[i].at >= from && spy.sent[i].at < until;
    return count;
}

static uint32_t arrived_at(uint32_t first, uint32_t last, mist_time from, mist_time until)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < spy.arrived_count; i++)
        count += spy.arrived[i].place >= first && spy.arrived[i].place <= last &&
                 spy.arrived[i].at >= from && spy.arrived[i].at < until;
    return count;
}

/* The host whose own or whose box's address that is, or PLAN_NONE. */
static uint32_t owner(const struct addr *a)
{
    for (uint32_t host = 0; host < HOSTS; host++) {
        uint32_t box = spy.plan->hosts[host].box;
        const struct addr *own =
            box == PLAN_NONE ? &spy.plan->hosts[host].addr : &spy.plan->boxes[box].outside;
        if (addr_same_ip(own, a))
            return host;
    }
    return PLAN_NONE;
}

/* Arrivals from one side of west's border at the other. */
static uint32_t across(mist_time from, mist_time until)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < spy.arrived_count; i++) {
        const struct sighting *s = &spy.arrived[i];
        uint32_t source = owner(&s->from);
        assert_int_not_equal(source, PLAN_NONE);
        count += s->at >= from && s->at < until && is_west(source) != is_west(s->place);
    }
    return count;
}

/* ---- the core ---- */

static void no_datagram_crosses_a_partition(void **state)
{
    (void)state;
    run("none", "[{at: 60 s, partition: west, for: 30 s}]");
    mist_time begin = SEC(60), end = SEC(90);
    assert_true(across(SEC(30), begin) > 100);
    assert_int_equal(across(begin + RTT / 2, end), 0); /* until then what was on its way */
    assert_true(arrived_at(EAST, WEST - 1, begin + RTT, end) > 100); /* among themselves */
    assert_true(across(end, SEC(240)) > 100);
}

/* Hosts without a box: what is sent to them arrives or is lost in the core. */
static bool is_public(uint32_t place)
{
    return place < EAST || is_west(place);
}

/* Of n datagrams 30 % are lost: within four standard errors; without the fault none. */
static void a_burst_of_loss_takes_its_share(void **state)
{
    (void)state;
    run("none", "[{at: 60 s, loss: 30%, for: 60 s}]");
    for (int burst = 0; burst < 2; burst++) {
        mist_time begin = SEC(burst ? 60 : 30), end = SEC(burst ? 120 : 60);
        double n = 0, got = 0, p = burst ? 0.3 : 0;
        for (uint32_t i = 0; i < spy.sent_count; i++)
            n += spy.sent[i].at >= begin && spy.sent[i].at < end &&
                 is_public(owner(&spy.sent[i].to));
        for (uint32_t i = 0; i < spy.arrived_count; i++)
            got += spy.arrived[i].at >= begin + RTT / 2 && spy.arrived[i].at < end + RTT / 2 &&
                   is_public(spy.arrived[i].place);
        assert_true(n > 300);
        assert_true(fabs(n - got - n * p) <= 4 * sqrt(n * p * (1 - p)));
    }
}

static void a_burst_of_loss_in_a_group_spares_the_others(void **state)
{
    (void)state;
    run("none", "[{at: 60 s, loss: 100%, of: west, for: 60 s}]");
    assert_int_equal(arrived_at(WEST, HOSTS - 1, SEC(60) + RTT / 2, SEC(120)), 0);
    assert_int_equal(across(SEC(60) + RTT / 2, SEC(120)), 0);
    assert_true(arrived_at(0, WEST - 1, SEC(61), SEC(120)) > 100);
}

/* ---- nodes ---- */

static void a_crashed_node_falls_silent_and_comes_back_after_its_time(void **state)
{
    (void)state;
    run("none", "[{at: 60001 ms, crash: west, for: 40 s}]");
    mist_time begin = MS(60001), end = MS(100001);
    assert_true(sent_by(WEST, HOSTS - 1, SEC(30), begin) > 100);
    assert_int_equal(sent_by(WEST, HOSTS - 1, begin, end), 0);
    assert_true(sent_by(WEST, HOSTS - 1, end, end + 1) >= 6); /* they join at once */
}

/* The transport key that a host shows in [from, until): it must be one. */
static const uint8_t *key_of(uint32_t host, mist_time from, mist_time until)
{
    static const uint8_t none[WIRE_ID];
    const uint8_t *key = NULL;
    for (uint32_t i = 0; i < spy.sent_count; i++) {
        const struct sighting *s = &spy.sent[i];
        if (s->place != host || s->at < from || s->at >= until || memcmp(s->id, none, WIRE_ID) == 0)
            continue;
        assert_true(key == NULL || memcmp(key, s->id, WIRE_ID) == 0);
        key = s->id;
    }
    assert_non_null(key);
    return key;
}

static void who_comes_back_has_another_transport_key(void **state)
{
    (void)state;
    run("home_apdf", "[{at: 60 s, crash: west, for: 20 s}]");
    for (uint32_t host = WEST; host < HOSTS; host++)
        assert_memory_not_equal(key_of(host, 0, SEC(60)), key_of(host, SEC(60), SEC(240)), WIRE_ID);
}

static void a_crash_without_an_end_is_for_good(void **state)
{
    (void)state;
    run("none", "[{at: 60 s, crash: west}, {at: 90 s, restart: east}]");
    assert_int_equal(sent_by(WEST, HOSTS - 1, SEC(60), SEC(240)), 0);
}

static void only_who_leaves_says_goodbye(void **state)
{
    (void)state;
    run("none", "[{at: 60 s, leave: west}]");
    for (uint32_t host = WEST; host < HOSTS; host++) { /* each has a link to each server */
        bool told[SERVERS] = {false};
        for (uint32_t i = 0; i < spy.sent_count; i++)
            if (spy.sent[i].place == host && spy.sent[i].at == SEC(60) &&
                owner(&spy.sent[i].to) < SERVERS)
                told[owner(&spy.sent[i].to)] = true;
        assert_true(told[0] && told[1] && told[2]);
    }
    assert_int_equal(sent_by(WEST, HOSTS - 1, SEC(60) + 1, SEC(240)), 0);
}

static void a_restart_brings_back_who_was_held_off(void **state)
{
    (void)state;
    run("none", "[{at: 60 s, crash: west}, {at: 90 s, restart: west}]");
    assert_int_equal(sent_by(WEST, HOSTS - 1, SEC(60), SEC(90)), 0);
    assert_true(sent_by(WEST, HOSTS - 1, SEC(90), SEC(90) + 1) >= 6);
}

static void a_share_strikes_that_many_hosts_by_a_draw_of_their_own(void **state)
{
    (void)state;
    run("none", "[{at: 60 s, crash: [east, west], share: 50%}]");
    const struct plan_fault *fault = &spy.plan->faults[0];
    assert_true(fault->member_count > 0 && fault->member_count < 12);
    for (uint32_t host = EAST; host < HOSTS; host++) {
        bool struck = false;
        for (uint32_t i = 0; i < fault->member_count; i++)
            struck = struck || fault->members[i] == host;
        assert_int_equal(sent_by(host, host, SEC(61), SEC(240)) == 0, struck);
    }
}

/* ---- boxes ---- */

static void a_box_that_reboots_is_away_for_its_knob(void **state)
{
    (void)state;
    run("{mapping: eim, filtering: apdf, down: 20 s}", "[{at: 60 s, nat_reboot: west}]");
    assert_true(arrived_at(WEST, HOSTS - 1, SEC(30), SEC(60)) > 100);
    assert_int_equal(arrived_at(WEST, HOSTS - 1, SEC(60), SEC(80)), 0);
    assert_int_equal(across(SEC(60) + RTT / 2, SEC(80)), 0);
    assert_true(across(SEC(80), SEC(240)) > 100);
}

/* Nothing from outside gets in before the host has sent: the boxes have forgotten all. */
static void a_flushed_box_lets_in_only_what_was_asked_for_again(void **state)
{
    (void)state;
    run("{mapping: eim, filtering: apdf}", "[{at: 60 s, nat_flush: west}]");
    uint32_t early = 0, late = 0;
    for (uint32_t i = 0; i < spy.arrived_count; i++) {
        const struct sighting *a = &spy.arrived[i];
        if (!is_west(a->place) || a->at < SEC(60) || a->at > SEC(90))
            continue;
        bool asked = false;
        for (uint32_t k = 0; k < spy.sent_count && !asked; k++)
            asked = spy.sent[k].place == a->place && spy.sent[k].at >= SEC(60) &&
                    spy.sent[k].at <= a->at && /* latencies are equal, and so may be times */
                    addr_equal(&spy.sent[k].to, &a->from);
        early += !asked;
        late += asked;
    }
    assert_int_equal(early, 0);
    assert_true(late > 100);
}

static void a_box_with_new_addresses_is_heard_from_there_alone(void **state)
{
    (void)state;
    run("{mapping: eim, filtering: apdf}", "[{at: 60 s, readdress: west}]");
    uint32_t fresh = 0, to_old = 0;
    for (uint32_t i = 0; i < spy.arrived_count; i++) {
        const struct sighting *a = &spy.arrived[i];
        uint32_t source = owner(&a->from);
        assert_false(a->at > SEC(60) + RTT && source != PLAN_NONE && is_west(source));
        for (uint32_t host = WEST; host < HOSTS; host++)
            fresh += addr_same_ip(&a->from, &spy.plan->boxes[spy.plan->hosts[host].box].later[0]);
    }
    for (uint32_t i = 0; i < spy.sent_count; i++) {
        uint32_t target = owner(&spy.sent[i].to);
        to_old += spy.sent[i].at > SEC(60) && target != PLAN_NONE && is_west(target);
    }
    assert_true(fresh > 100);
    assert_true(to_old > 0); /* peers tried: in vain, as nothing of west came from there */
}

/* A blocked egress swallows all that west sends; until then it talked. */
static void a_knob_turned_at_run_time_acts_from_then_on(void **state)
{
    (void)state;
    run("{mapping: eim, filtering: apdf}",
        "[{at: 60 s, nat_set: west, knobs: {egress_block: udp}}]");
    assert_true(across(SEC(30), SEC(60)) > 100);
    uint32_t from_west = 0;
    for (uint32_t i = 0; i < spy.arrived_count; i++)
        from_west += spy.arrived[i].at > SEC(60) + RTT / 2 && is_west(owner(&spy.arrived[i].from));
    assert_int_equal(from_west, 0);
}

static void a_host_that_roams_sends_and_hears_at_its_new_place_only(void **state)
{
    (void)state;
    run("home_apdf", "[{at: 60 s, roam: west}]");
    const struct plan_fault *fault = &spy.plan->faults[0];
    assert_int_equal(fault->member_count, 6);
    assert_int_equal(fault->first_place, HOSTS);
    assert_int_equal(sent_by(WEST, HOSTS - 1, SEC(60) + 1, SEC(240)), 0);
    for (uint32_t place = HOSTS; place < HOSTS + 6; place++) {
        assert_int_equal(sent_by(place, place, 0, SEC(60)), 0);
        assert_true(sent_by(place, place, SEC(60), SEC(240)) > 20);
        assert_true(arrived_at(place, place, SEC(60), SEC(240)) > 20);
        assert_int_not_equal(spy.plan->hosts[place].box, spy.plan->hosts[place - 6].box);
    }
    uint32_t strayed = 0, answered = 0;
    for (uint32_t i = 0; i < spy.sent_count; i++)
        if (spy.sent[i].place >= HOSTS)
            assert_true(addr_same_ip(&spy.sent[i].from, &spy.plan->hosts[spy.sent[i].place].addr));
    for (uint32_t i = 0; i < spy.arrived_count; i++) {
        if (!is_west(spy.arrived[i].place) || spy.arrived[i].at <= SEC(60))
            continue; /* below: what was on its way to the old place */
        strayed++;    /* a copy may have come to the new place at that very time */
        if (arrived_at(HOSTS, HOSTS + 5, spy.arrived[i].at, spy.arrived[i].at + 1) > 0)
            continue;
        for (uint32_t k = 0; k < spy.sent_count; k++)
            answered += spy.sent[k].place >= HOSTS && spy.sent[k].at == spy.arrived[i].at &&
                        addr_equal(&spy.sent[k].to, &spy.arrived[i].from);
    }
    assert_true(strayed > 0);
    assert_int_equal(answered, 0);
}

/* ---- the same for everybody ---- */

static void faults_do_not_depend_on_what_happens(void **state)
{
    (void)state;
    static uint32_t members[64];
    run("home_apdf", "[{at: 60 s, crash: [east, west], share: 40%}]");
    uint32_t count = spy.plan->faults[0].member_count;
    memcpy(members, spy.plan->faults[0].members, count * sizeof *members);
    (void)finish(state);
    run("none", "[{at: 70 s, crash: [east, west], share: 40%}]");
    assert_int_equal(spy.plan->faults[0].member_count, count);
    assert_memory_equal(spy.plan->faults[0].members, members, count * sizeof *members);
}

#define STORY(name) cmocka_unit_test_teardown(name, finish)

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        STORY(no_datagram_crosses_a_partition),
        STORY(a_burst_of_loss_takes_its_share),
        STORY(a_burst_of_loss_in_a_group_spares_the_others),
        STORY(a_crashed_node_falls_silent_and_comes_back_after_its_time),
        STORY(who_comes_back_has_another_transport_key),
        STORY(a_crash_without_an_end_is_for_good),
        STORY(only_who_leaves_says_goodbye),
        STORY(a_restart_brings_back_who_was_held_off),
        STORY(a_share_strikes_that_many_hosts_by_a_draw_of_their_own),
        STORY(a_box_that_reboots_is_away_for_its_knob),
        STORY(a_flushed_box_lets_in_only_what_was_asked_for_again),
        STORY(a_box_with_new_addresses_is_heard_from_there_alone),
        STORY(a_knob_turned_at_run_time_acts_from_then_on),
        STORY(a_host_that_roams_sends_and_hears_at_its_new_place_only),
        STORY(faults_do_not_depend_on_what_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
