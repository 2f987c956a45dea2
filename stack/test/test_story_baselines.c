/* The strategies of other systems: send times, ports and counts as their sources have them
 * (the README names those).  No datagram of one home reaches the other. */
#include "stack/test/pair.h"

static const struct lab_nat easy = {.mapping = LAB_EIM, .filtering = LAB_APDF},
                            counted = {.mapping = LAB_APDM, .filtering = LAB_APDF, .step = 2},
                            hard = {
                                .mapping = LAB_APDM, .filtering = LAB_APDF, .random_ports = true};

static bool is_home(const struct lab *l, int host)
{
    return host >= 0 && l->hosts[host].nat.present;
}

static bool nobody_through(void *context, struct lab *l, uint32_t host, const struct addr *from,
                           const uint8_t *bytes, uint32_t length)
{
    (void)context, (void)bytes, (void)length;
    return !is_home(l, (int)host) || !is_home(l, lab_by_addr(l, from));
}

static struct pair under(const char *strategy, uint64_t seed, const struct lab_nat *alices,
                         const struct lab_nat *bobs, mist_time wait)
{
    pair_settings[0][0] = "punch.strategy";
    pair_settings[0][1] = strategy;
    struct pair p = pair_behind(seed, alices, bobs);
    p.lab->watch.arrives = nobody_through;
    pair_dial(&p, wait);
    return p;
}

/* One probe of a host: milliseconds since its first attempt began, and the port. */
struct shot {
    int64_t ms;
    uint16_t port;
};

struct shots {
    uint32_t count;
    struct shot list[10000];
};

/* The probes to the other home's outside; port 0: to any, else to that one. */
static const struct shots *shots_of(const struct pair *p, uint32_t host, uint16_t port)
{
    static struct shots s;
    uint32_t other = host == p->alice ? p->bob : p->alice;
    const struct story_entry *began = pair_fact(p, host, FACT_PUNCH_STARTED);
    assert_non_null(began);
    s.count = 0;
    for (uint32_t i = 0; i < p->s->count; i++) {
        const struct story_entry *e = &p->s->entries[i];
        if (e->at < began->at || e->host != host || e->kind != STORY_FACT ||
            e->number != FACT_PROBE_SENT || addr_ip4(&e->addr) != p->lab->hosts[other].nat.ip ||
            (port != 0 && e->addr.port != port) || s.count == COUNT(s.list))
            continue;
        s.list[s.count++] = (struct shot){(e->at - began->at) / MS(1), e->addr.port};
    }
    return &s;
}

/* The port to which the first probe went: one that the other was seen at. */
static uint16_t seen_port(const struct pair *p, uint32_t host)
{
    const struct shots *s = shots_of(p, host, 0);
    assert_true(s->count > 0);
    return s->list[0].port;
}

static void assert_times(const struct pair *p, uint32_t host, const int64_t *ms, uint32_t count)
{
    const struct shots *s = shots_of(p, host, seen_port(p, host));
    assert_true(s->count >= count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(s->list[i].ms, ms[i]);
}

#define TIMES(p, host, ...)                                                                        \
    do {                                                                                           \
        static const int64_t ms[] = {__VA_ARGS__};                                                 \
        assert_times(p, host, ms, COUNT(ms));                                                      \
    } while (0)

/* ---- without a look at the NATs ---- */

static void plain_has_three_attempts_of_six_rounds(void **state)
{
    (void)state;
    struct pair p = under("plain", 1, &easy, &easy, SEC(60));
    uint32_t hosts[] = {p.alice, p.bob};
    for (int i = 0; i < 2; i++) { /* 2 s for late answers, then 10 and 20 s of rest */
        TIMES(&p, hosts[i], 0, 100, 300, 700, 1500, 3100, 15100, 15200, 15400, 15800, 16600, 18200,
              40200, 40300);
        assert_int_equal(shots_of(&p, hosts[i], seen_port(&p, hosts[i]))->count, 18);
    }
    story_close(p.s);
}

static void dcutr_dials_on_one_side_and_sends_random_packets_on_the_other(void **state)
{
    (void)state;
    struct pair p = under("dcutr", 2, &easy, &easy, SEC(20));
    uint16_t port = seen_port(&p, p.alice);
    /* QUIC's probe timeout doubling, 5 s each; the third attempt has the roles swapped. */
    TIMES(&p, p.alice, 0, 999, 2997, 5000, 5999, 7997);
    const struct shots *s = shots_of(&p, p.bob, seen_port(&p, p.bob));
    uint32_t first = 0;
    while (first < s->count && s->list[first].ms < 5000)
        first++;
    assert_in_range(first, 40, 56); /* about 48 in 5 s */
    for (uint32_t i = 0; i + 1 < first; i++) {
        int64_t most = 10 * (int64_t)(i + 1) * (i + 1);
        assert_in_range(s->list[i + 1].ms - s->list[i].ms, 10, 11 + (most > 200 ? 200 : most));
    }
    uint32_t third = 0, dials = 0;
    s = shots_of(&p, p.alice, port);
    for (uint32_t i = 0; i < s->count; i++)
        third += s->list[i].ms >= 10000;
    assert_in_range(third, 40, 56);
    s = shots_of(&p, p.bob, seen_port(&p, p.bob));
    for (uint32_t i = 0; i < s->count; i++)
        dials += s->list[i].ms >= 10000;
    assert_int_equal(dials, 3);
    story_close(p.s);
}

static void noq_doubles_a_tenth_of_the_initial_round_trip(void **state)
{
    (void)state;
    struct pair p = under("noq", 3, &hard, &hard, SEC(20));
    TIMES(&p, p.alice, 0, 33, 67, 133, 267, 533, 1067, 2133, 4133);
    TIMES(&p, p.bob, 0, 33, 67, 133, 267, 533, 1067, 2133, 4133);
    assert_int_equal(shots_of(&p, p.alice, seen_port(&p, p.alice))->count, 9);
    story_close(p.s);
}

static void tailscale_pings_every_five_seconds(void **state)
{
    (void)state;
    struct pair p = under("tailscale", 4, &hard, &easy, SEC(60));
    TIMES(&p, p.alice, 0, 5000, 10000, 15000, 20000, 25000, 30000, 35000, 40000, 45000, 50000,
          55000);
    assert_int_equal(shots_of(&p, p.bob, seen_port(&p, p.bob))->count, 12);
    story_close(p.s);
}

static void ice_checks_one_candidate_after_the_other(void **state)
{
    (void)state;
    struct pair p = under("ice", 5, &easy, &easy, SEC(50));
    /* The local candidate is first, so this one is the second: Ta = 50 ms later. */
    TIMES(&p, p.alice, 50, 550, 1550, 3550, 7550, 15550, 31550);
    assert_int_equal(shots_of(&p, p.alice, seen_port(&p, p.alice))->count, 7);
    story_close(p.s);
}

static void bep55_sends_three_syns(void **state)
{
    (void)state;
    struct pair p = under("bep55", 6, &hard, &hard, SEC(40));
    TIMES(&p, p.alice, 0, 3000, 9000);
    assert_int_equal(shots_of(&p, p.alice, seen_port(&p, p.alice))->count, 3);
    const struct story_entry *failed = pair_fact(&p, p.alice, FACT_PUNCH_FAILED);
    const struct story_entry *began = pair_fact(&p, p.alice, FACT_PUNCH_STARTED);
    assert_true(failed->at - began->at == SEC(21));
    story_close(p.s);
}

/* ---- by the NATs ---- */

static void hyperdht_sends_ten_between_consistent_ones(void **state)
{
    (void)state;
    struct pair p = under("hyperdht", 7, &easy, &easy, SEC(30));
    TIMES(&p, p.alice, 0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000);
    TIMES(&p, p.bob, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10000);
    assert_int_equal(shots_of(&p, p.alice, seen_port(&p, p.alice))->count, 10);
    assert_int_equal(shots_of(&p, p.bob, seen_port(&p, p.bob))->count, 10);
    story_close(p.s);
}

/* Datagrams of spare sockets at or after a time, and how many of them had that TTL. */
static uint32_t from_spares(const struct pair *p, uint32_t host, mist_time from, uint32_t *low)
{
    uint32_t n = 0;
    *low = 0;
    for (uint32_t i = 0; i < p->s->count; i++) {
        const struct story_entry *e = &p->s->entries[i];
        if (e->kind != STORY_SENT || e->host != host || e->at < from || e->id <= MIST_SOCKETS ||
            !is_home(p->lab, e->peer))
            continue;
        n++;
        *low += e->b == 5;
    }
    return n;
}

static void hyperdht_opens_256_sockets_against_1750_ports(void **state)
{
    (void)state;
    struct pair p = under("hyperdht", 8, &hard, &easy, SEC(50));
    const struct story_entry *began = pair_fact(&p, p.alice, FACT_PUNCH_STARTED);
    uint32_t low;
    /* Once from each at once, then one each 20 ms for 35 s; the first round has TTL 5. */
    assert_int_equal(from_spares(&p, p.alice, began->at, &low), 256 + 1745);
    assert_int_equal(low, 256 + 256);
    assert_int_equal(from_spares(&p, p.alice, began->at + MS(1), &low), 1745);
    const struct shots *s = shots_of(&p, p.bob, 0);
    assert_int_equal(s->count, 1750);
    for (uint32_t i = 0; i < s->count; i++) {
        assert_int_equal(s->list[i].ms - s->list[0].ms, 20 * i);
        assert_true(s->list[i].port >= 1000);
    }
    story_close(p.s);
}

static void hyperdht_refuses_two_random_ones(void **state)
{
    (void)state;
    struct pair p = under("hyperdht", 9, &hard, &hard, SEC(50));
    assert_null(pair_fact(&p, p.alice, FACT_PROBE_SENT));
    assert_null(pair_fact(&p, p.bob, FACT_PROBE_SENT));
    story_close(p.s);
}

static void easytier_sends_steadily_on_one_side_and_in_batches_on_the_other(void **state)
{
    (void)state;
    struct pair p = under("easytier", 10, &easy, &easy, SEC(3));
    TIMES(&p, p.alice, 0, 200, 400, 600, 800, 1000, 1200);
    TIMES(&p, p.bob, 0, 0, 400, 400, 800, 800, 1200, 1200, 1600, 1600);
    assert_int_equal(shots_of(&p, p.bob, seen_port(&p, p.bob))->count, 10);
    story_close(p.s);
}

static void easytier_holds_84_sockets_against_a_list_of_ports_sent_twice(void **state)
{
    (void)state;
    static uint8_t times[65536];
    struct pair p = under("easytier", 11, &hard, &easy, SEC(6));
    const struct story_entry *began = pair_fact(&p, p.alice, FACT_PUNCH_STARTED);
    uint32_t low, all = from_spares(&p, p.alice, began->at, &low);
    assert_int_equal(all, 84 * 25); /* each 200 ms for 5 s */
    memset(times, 0, sizeof times);
    const struct shots *s = shots_of(&p, p.bob, 0);
    uint32_t ports = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        assert_int_equal(s->list[i].ms - s->list[0].ms, i); /* a millisecond each */
        ports += times[s->list[i].port]++ == 0;
    }
    assert_int_equal(ports, 700); /* the mean of U[600, 800) */
    for (uint32_t i = 0; i < 65536; i++)
        assert_true(times[i] == 0 || times[i] == 6); /* three copies, twice */
    story_close(p.s);
}

static void easytier_tries_the_fifty_ports_above_a_counted_one(void **state)
{
    (void)state;
    struct pair p = under("easytier", 12, &easy, &counted, SEC(3));
    const struct shots *s = shots_of(&p, p.alice, 0);
    assert_int_equal(s->count, 300);
    uint16_t first = s->list[0].port;
    for (uint32_t i = 0; i < s->count; i++)
        assert_int_equal(s->list[i].port, first + i % 150 / 3);
    story_close(p.s);
}

static void tox_guesses_around_the_ports_that_were_seen(void **state)
{
    (void)state;
    struct pair p = under("tox", 13, &easy, &hard, SEC(20));
    const struct shots *s = shots_of(&p, p.alice, 0);
    uint16_t port = s->list[0].port;
    for (uint32_t i = 0; i < 96; i++) {
        assert_int_equal(s->list[i].ms - s->list[0].ms, i < 48 ? 0 : 3000);
        int off = (int)(i / 2);
        assert_int_equal(s->list[i].port, (uint16_t)(i % 2 != 0 ? port - off : port + off));
    }
    story_close(p.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_has_three_attempts_of_six_rounds),
        cmocka_unit_test(dcutr_dials_on_one_side_and_sends_random_packets_on_the_other),
        cmocka_unit_test(noq_doubles_a_tenth_of_the_initial_round_trip),
        cmocka_unit_test(tailscale_pings_every_five_seconds),
        cmocka_unit_test(ice_checks_one_candidate_after_the_other),
        cmocka_unit_test(bep55_sends_three_syns),
        cmocka_unit_test(hyperdht_sends_ten_between_consistent_ones),
        cmocka_unit_test(hyperdht_opens_256_sockets_against_1750_ports),
        cmocka_unit_test(hyperdht_refuses_two_random_ones),
        cmocka_unit_test(easytier_sends_steadily_on_one_side_and_in_batches_on_the_other),
        cmocka_unit_test(easytier_holds_84_sockets_against_a_list_of_ports_sent_twice),
        cmocka_unit_test(easytier_tries_the_fifty_ports_above_a_counted_one),
        cmocka_unit_test(tox_guesses_around_the_ports_that_were_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
