/* test_hostile.c: hosts that play false do what they are said to do. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "sim/plan.h"
#include "sim/scenario.h"
#include "sim/world.h"
#include "sim/world_parts.h"
#include "stack/wire.h"

/* Hosts: three servers, four homes, one victim, then two bad ones. */
#define VICTIM 7
#define BAD    8
#define HOSTS  10

static struct {
    const struct plan *plan;
    uint64_t sent, arrived; /* bytes: by the bad, at the victim */
    uint32_t forged;        /* arrivals elsewhere that bear the victim's address */
    uint32_t truly;         /* arrivals that bear the address of a bad host */
    uint32_t cookies;       /* that came to a bad host */
    uint32_t strange;       /* arrivals of OPEN with a cookie from where no host is */
    struct addr victim;
    uint8_t cookie[WIRE_COOKIE]; /* the latest */
} seen;

static void look_into(uint32_t host, const struct datagram *d)
{
    struct wire_head h;
    bool known = false;
    if (wire_take_head(d->bytes, d->length, &h) != 0)
        return;
    for (uint32_t i = 0; i < HOSTS; i++)
        known |= addr_same_ip(&d->from, &seen.plan->hosts[i].addr);
    seen.strange +=
        !known && h.type == WIRE_OPEN && memcmp(h.cookie, seen.cookie, WIRE_COOKIE) == 0;
    if (host < BAD || h.type != WIRE_COOKIE_IS)
        return;
    seen.cookies++;
    memcpy(seen.cookie, h.cookie, WIRE_COOKIE);
}

static void on_arrived(void *data, mist_time now, uint32_t host, const struct datagram *d)
{
    (void)data, (void)now;
    look_into(host, d);
    seen.arrived += host == VICTIM ? d->length : 0;
    seen.forged += addr_same_ip(&d->from, &seen.victim);
    for (uint32_t bad = BAD; bad < HOSTS; bad++)
        seen.truly += addr_same_ip(&d->from, &seen.plan->hosts[bad].addr);
}

static struct engine_type spy;

static void spy_send(struct engine *e, uint32_t host, const struct datagram *d)
{
    seen.sent += host >= BAD ? d->length : 0;
    engine_native.send(e, host, d);
}

static void run(const char *bad, const char *fact_log)
{
    char text[2000], error[400];
    struct errors errors = {0};
    const struct scenario_options options = {0};
    snprintf(text, sizeof text,
             "mist: 1\nname: x\nduration: 3 min\njoin: 5 s\n"
             "network: {latency: {constant: 80 ms}}\npopulation:\n"
             "- {name: server, count: 3, roles: [bootstrap, relay]}\n"
             "- {name: home, count: 4, nat: home_apdf}\n"
             "- {name: victim, count: 1, behaviour: bystander}\n"
             "- {name: bad, count: 2, %s}\n",
             bad);
    struct scenario *s = scenario_parse("x.yaml", text, strlen(text), NULL, 0, &options, &errors);
    struct plan *plan = s ? scenario_plan(s, 0, 1, &errors) : NULL;
    if (errors.count)
        errors_print(&errors, stderr);
    assert_non_null(plan);
    scenario_free(s);
    errors_free(&errors);
    memset(&seen, 0, sizeof seen);
    seen.plan = plan;
    seen.victim = plan->hosts[VICTIM].addr;
    spy = engine_native;
    spy.send = spy_send;
    struct world_watch watch = {.arrived = on_arrived};
    struct world_options world = {.api = mist_api(), .watch = &watch, .fact_log = fact_log};
    struct world_result result;
    assert_int_equal(world_run(plan, &spy, &world, &result, error, sizeof error), 0);
}

static int finish(void **state)
{
    (void)state;
    plan_free((struct plan *)(uintptr_t)seen.plan);
    return 0;
}

static void nothing_comes_to_a_bystander_of_honest_hosts(void **state)
{
    (void)state;
    run("nat: home_apdf", NULL);
    assert_int_equal(seen.arrived, 0);
}

/* Two hosts, 20/s, 150 s: 6,000 datagrams of INIT (128), a forged sealed one (head and
 * 40) and rubbish (200 bytes), a third each; the server answers none but the INIT. */
static void a_flooder_keeps_its_rate_under_its_own_address(void **state)
{
    (void)state;
    run("behaviour: flooder, attack: {rate: 20/s, at: server, from: 30 s}", NULL);
    assert_true(fabs(seen.truly - 6000.0) < 4 * sqrt(6000));
    assert_int_equal(seen.forged, 0);
    assert_int_equal(seen.arrived, 0);
    assert_true((double)seen.sent > 5000 * (128 + 40 + 200) / 3.0);
}

/* Who has not proved its address is answered with no more than it sent: so what comes to
 * the victim is less than what was sent in its name, and more than nothing. */
static void a_spoofed_flood_is_reflected_at_less_than_its_size(void **state)
{
    (void)state;
    run("behaviour: flooder, attack: {rate: 20/s, at: server, victim: victim}", NULL);
    assert_int_equal(seen.truly, 0);
    assert_true(seen.forged > 5000);
    assert_true(seen.arrived > 0);
    assert_true(seen.arrived < seen.sent);
}

/* One cookie serves for 1,000 datagrams, which come from everywhere. */
static void a_cookie_is_replayed_from_all_the_internet(void **state)
{
    (void)state;
    run("behaviour: flooder, attack: {rate: 20/s, at: server, sources: any, forge: replay}", NULL);
    assert_in_range(seen.cookies, 6, 60); /* 7,200 datagrams, and some on the way meanwhile */
    assert_true(seen.strange > 2000);     /* of two hosts, one has the latest */
}

/* Behind a box that no punch gets through, so that those it dials go on probing. */
static void a_reflector_has_others_probe_the_victim(void **state)
{
    (void)state;
    run("nat: symmetric_random, behaviour: reflector, "
        "attack: {rate: 1/s, at: home, victim: victim, from: 20 s}",
        NULL);
    assert_true(seen.arrived > 0);
    assert_int_equal(seen.forged, 0); /* it claims the address, but does not send from it */
    assert_true(seen.arrived < seen.sent);
}

static void a_lie_of_a_lie_is_true(void **state)
{
    (void)state;
    struct addr addresses[] = {addr_v4(0x08010203, 4000), {.family = ADDR_V6, .port = 4000}};
    for (int i = 0; i < 2; i++) {
        struct addr lie = hostile_lie(&addresses[i]), truth = hostile_lie(&lie);
        assert_false(addr_same_ip(&lie, &addresses[i]));
        assert_int_not_equal(lie.port, addresses[i].port);
        assert_true(addr_equal(&truth, &addresses[i]));
    }
}

/* Facts SEEN_AT that tell a node an address which is the lie of its own. */
static uint32_t lies_told(const char *bad)
{
    char name[] = "/tmp/mist-hostile-XXXXXX", line[300], text[ADDR_TEXT];
    int file = mkstemp(name);
    assert_true(file >= 0);
    close(file);
    run(bad, name);
    FILE *in = fopen(name, "r");
    assert_non_null(in);
    uint32_t lies = 0;
    while (fgets(line, sizeof line, in))
        for (uint32_t host = 0; host < VICTIM && strstr(line, "SEEN_AT"); host++) {
            uint32_t box = seen.plan->hosts[host].box;
            struct addr lie = hostile_lie(box == PLAN_NONE ? &seen.plan->hosts[host].addr
                                                           : &seen.plan->boxes[box].outside);
            addr_format(&lie, text);
            *strrchr(text, ':') = 0;
            lies += strstr(line, text) != NULL;
        }
    (void)fclose(in);
    unlink(name);
    return lies;
}

static void a_liar_tells_its_peers_false_addresses(void **state)
{
    assert_true(lies_told("behaviour: liar") > 0);
    (void)finish(state);
    assert_int_equal(lies_told("behaviour: honest"), 0);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_comes_to_a_bystander_of_honest_hosts, finish),
        cmocka_unit_test_teardown(a_flooder_keeps_its_rate_under_its_own_address, finish),
        cmocka_unit_test_teardown(a_spoofed_flood_is_reflected_at_less_than_its_size, finish),
        cmocka_unit_test_teardown(a_cookie_is_replayed_from_all_the_internet, finish),
        cmocka_unit_test_teardown(a_reflector_has_others_probe_the_victim, finish),
        cmocka_unit_test(a_lie_of_a_lie_is_true),
        cmocka_unit_test_teardown(a_liar_tells_its_peers_false_addresses, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
