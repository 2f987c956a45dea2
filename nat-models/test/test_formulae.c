/* test_formulae.c: what theory says of two hosts and their boxes, against what
 * the translator does with their datagrams: loss, prediction, birthdays, blocks.
 *
 * The expected values are those of the formula beside each test; a frequency
 * over many worlds must lie within 4 standard errors of it. */
#include "nat-models/test/chance.h"

#define STRICT "mapping: apdm; filtering: apdf; "
#define EASY   "mapping: eim; filtering: apdf"

/* ---- chance ---- */

/* The first `count` of the ports first .. first + n - 1 in random order. */
static void draw_ports(struct stream *s, uint16_t *ports, uint32_t first, uint32_t n,
                       uint32_t count)
{
    for (uint32_t i = 0; i < n; i++)
        ports[i] = (uint16_t)(first + i);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = i + nat_below(next(s), n - i);
        uint16_t port = ports[i];
        ports[i] = ports[other];
        ports[other] = port;
    }
}

/* ---- two hosts, each behind a box of its own ---- */

struct world {
    struct lab labs[2];
    struct stream stream;
    mist_time now;
};

static uint32_t outside_of(int side)
{
    return 0x01020304u + (uint32_t)side * 0x100;
}

static struct world open_world(const char *a, const char *b, uint64_t seed)
{
    struct world w = {.stream = {seed, 0}};
    const char *knobs[2] = {a, b};
    for (int s = 0; s < 2; s++) {
        struct nat_policy policy = lab_policy(knobs[s]);
        struct addr external[16];
        assert_in_range(policy.pool, 1, 16);
        for (uint32_t i = 0; i < policy.pool; i++)
            external[i] = addr_v4(outside_of(s) + i, 0);
        w.labs[s].slab = nat_slab_open();
        w.labs[s].nat = nat_init(malloc(nat_size(policy.pool)), w.labs[s].slab, &policy,
                                 2 * seed + (uint64_t)s, external, policy.pool);
    }
    return w;
}

static void close_world(struct world *w)
{
    lab_close(&w->labs[0]);
    lab_close(&w->labs[1]);
}

/* Socket number n of a side. */
static struct addr socket_of(int side, uint32_t n)
{
    return addr_v4(0xc0a80001u + (uint32_t)side * 0x100, (uint16_t)(1024 + n));
}

/* Out through the own box; family ADDR_NONE: it did not get out. */
static struct addr leave(struct world *w, int side, uint32_t n, struct addr to)
{
    lab_out_addr(&w->labs[side], w->now, socket_of(side, n), to);
    return w->labs[side].verdict == NAT_PASS ? w->labs[side].last.from : (struct addr){0};
}

static bool come_in(struct world *w, int side, struct addr from, struct addr to)
{
    lab_in_addr(&w->labs[side], w->now, from, to);
    return w->labs[side].verdict == NAT_PASS;
}

/* From a socket to an endpoint of the other side's box. */
static bool deliver(struct world *w, int side, uint32_t n, struct addr to)
{
    struct addr seen = leave(w, side, n, to);
    return seen.family != ADDR_NONE && come_in(w, !side, seen, to);
}

/* As a server sees the socket. */
static struct addr measure(struct world *w, int side, uint32_t n)
{
    return leave(w, side, n, addr_v4(0x05060708, 3478));
}

static struct addr at_port(struct addr a, uint32_t port)
{
    a.port = (uint16_t)port;
    return a;
}

/* ---- loss ---- */

/* Both holes are open; each side sends n probes, each lost with p. */
static bool punch_with_loss(uint64_t seed, double p, uint32_t n)
{
    struct world w = open_world(EASY, EASY, seed);
    struct addr seen[2] = {measure(&w, 0, 0), measure(&w, 1, 0)};
    bool arrived[2] = {false, false};
    leave(&w, 0, 0, seen[1]);
    leave(&w, 1, 0, seen[0]);
    for (uint32_t i = 0; i < n; i++)
        for (int s = 0; s < 2; s++)
            if (!happens(&w.stream, p))
                arrived[s] = deliver(&w, s, 0, seen[!s]) || arrived[s];
    close_world(&w);
    return arrived[0] && arrived[1];
}

/* (1 - p^n)^2 */
static void n_rounds_outlive_loss(void **state)
{
    static const struct {
        double p;
        uint32_t n;
        double expected;
    } cases[] = {{.05, 1, .9025}, {.05, 2, .9950}, {.2, 1, .640}, {.2, 2, .922},
                 {.2, 3, .984},   {.5, 3, .766},   {.5, 5, .938}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double p = pow(1 - pow(cases[i].p, cases[i].n), 2);
        uint32_t met = 0;
        assert_near(p, cases[i].expected, .0005);
        for (uint32_t world = 0; world < 4000; world++)
            met += punch_with_loss(world, cases[i].p, cases[i].n);
        assert_agree("loss", met, 4000, p);
    }
}

/* ---- prediction ---- */

static double poisson_below(double mean, uint32_t below)
{
    double term = exp(-mean), sum = 0;
    for (uint32_t k = 0; k < below; k++, term *= mean / k)
        sum += term;
    return sum;
}

#define RANGE 64512 /* ports 1024 .. 65535 */

static uint32_t port_after(struct addr seen, uint32_t k)
{
    return 1024 + (seen.port - 1024 + k) % RANGE;
}

/* The port that a socket shows, and 0.2 s later w guesses for the next one. */
static bool predict(struct world *w, uint32_t trial, uint32_t window)
{
    struct addr easy = measure(w, 1, 0), seen = measure(w, 0, 2 * trial % 20000);
    bool met = false;
    w->now += MS(200);
    leave(w, 0, 2 * trial % 20000 + 1, easy);
    for (uint32_t k = 1; k <= window && !met; k++)
        met = deliver(w, 1, 0, at_port(seen, port_after(seen, k)));
    w->now += SEC(3);
    return met;
}

/* sum over k < w of e^-mu mu^k / k!, mu = lambda x 0.2 s */
static void a_window_of_guesses_catches_a_drifting_counter(void **state)
{
    static const struct {
        const char *rate;
        double mean;
        uint32_t window;
        double expected;
    } cases[] = {{"1/s", .2, 1, .819},  {"5/s", 1, 1, .368},  {"5/s", 1, 2, .736},
                 {"10/s", 2, 1, .135},  {"10/s", 2, 5, .947}, {"50/s", 10, 10, .458},
                 {"50/s", 10, 20, .997}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char knobs[200];
        uint32_t met = 0;
        double p = poisson_below(cases[i].mean, cases[i].window);
        assert_near(p, cases[i].expected, .0005);
        snprintf(knobs, sizeof knobs,
                 STRICT "idle: 2 s; ports: sequential; background: {rate: %s, life: 1 s}",
                 cases[i].rate);
        struct world w = open_world(knobs, EASY "; idle: 2 s", i + 1);
        for (uint32_t trial = 0; trial < 2000; trial++)
            met += predict(&w, trial, cases[i].window);
        close_world(&w);
        assert_agree("prediction", met, 2000, p);
    }
}

/* Each side aims at the other's next port. */
static bool shoot_once(struct world *w, uint32_t trial)
{
    uint32_t n = trial % 20000;
    struct addr seen[2] = {measure(w, 0, n), measure(w, 1, n)};
    w->now += MS(200);
    leave(w, 0, n, at_port(seen[1], port_after(seen[1], 1)));
    bool met = deliver(w, 1, n, at_port(seen[0], port_after(seen[0], 1)));
    w->now += SEC(3);
    return met;
}

/* e^-(mu_A + mu_B) */
static void two_counters_meet_while_neither_drifts(void **state)
{
    uint32_t met = 0;
    (void)state;
    struct world w =
        open_world(STRICT "idle: 2 s; ports: sequential; background: {rate: 1/s, life: 1 s}",
                   STRICT "idle: 2 s; ports: sequential; background: {rate: 2/s, life: 1 s}", 3);
    for (uint32_t trial = 0; trial < 3000; trial++)
        met += shoot_once(&w, trial);
    close_world(&w);
    assert_agree("one shot", met, 3000, exp(-.2 - .4));
}

/* A counter's owner sends to m random ports of a block, its host to the
 * counter's next m ports: each of those lets in one remote only. */
static bool sweep(uint64_t seed, uint32_t m)
{
    uint16_t ports[512];
    struct world w =
        open_world(STRICT "ports: sequential", STRICT "ports: random; range: [2000, 2511]", seed);
    struct addr counting = measure(&w, 0, 0), random = measure(&w, 1, 0);
    bool met = false;
    draw_ports(&w.stream, ports, 2000, 512, m);
    for (uint32_t i = 0; i < m; i++)
        leave(&w, 0, 0, at_port(random, ports[i]));
    for (uint32_t i = 0; i < m && !met; i++)
        met = deliver(&w, 1, 0, at_port(counting, port_after(counting, i + 1)));
    close_world(&w);
    return met;
}

/* 1 - e^(-m/N) */
static void a_counter_meets_random_ports_one_by_one(void **state)
{
    static const uint32_t m[] = {128, 256};
    static const double expected[] = {.221, .393};
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint32_t met = 0;
        double p = 1 - exp(-(double)m[i] / 512);
        assert_near(p, expected[i], .0005);
        for (uint32_t world = 0; world < 1500; world++)
            met += sweep(world, m[i]);
        assert_agree("sweep", met, 1500, p);
    }
}

/* ---- birthdays ---- */

/* 1 - C(n-m,k) / C(n,k) */
static double birthday(uint32_t n, uint32_t m, uint32_t k)
{
    double miss = 1;
    for (uint32_t i = 0; i < k; i++)
        miss *= n - m > i ? (double)(n - m - i) / (n - i) : 0;
    return 1 - miss;
}

struct spray {
    const char *knobs; /* of the hard side's box, beside STRICT */
    uint32_t first, n; /* the ports that are probed; first 0: the block of the one seen */
    uint32_t held, probed;
};

/* m sockets of the hard side, k probes of the easy one. */
static bool spray(const struct spray *spray, uint64_t seed)
{
    static uint16_t ports[RANGE];
    char knobs[200];
    snprintf(knobs, sizeof knobs, STRICT "%s", spray->knobs);
    struct world w = open_world(knobs, EASY, seed);
    struct addr easy = measure(&w, 1, 0), seen = measure(&w, 0, 0);
    uint32_t first = spray->first;
    bool met = false;
    if (first == 0) /* blocks begin at port 1024 */
        first = 1024 + (seen.port - 1024) / spray->n * spray->n;
    draw_ports(&w.stream, ports, first, spray->n, spray->probed);
    for (uint32_t i = 0; i < spray->held; i++)
        leave(&w, 0, 1 + i, easy);
    for (uint32_t i = 0; i < spray->probed && !met; i++)
        met = deliver(&w, 1, 0, at_port(seen, ports[i]));
    close_world(&w);
    return met;
}

static void check_spray(const struct spray *s, uint32_t worlds, double p)
{
    uint32_t met = 0;
    for (uint32_t world = 0; world < worlds; world++)
        met += spray(s, world);
    assert_agree(s->knobs, met, worlds, p);
}

static void many_ports_and_many_probes_meet_like_birthdays(void **state)
{
    static const struct {
        uint32_t held, probed;
        double expected;
    } cases[] = {{256, 174, .500}, {256, 256, .639}, {256, 512, .871},
                 {84, 700, .600},  {64, 1024, .641}, {16, 1024, .226}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct spray s = {"ports: random", 1024, RANGE, cases[i].held, cases[i].probed};
        double p = birthday(RANGE, s.held, s.probed);
        assert_near(p, cases[i].expected, .0006);
        check_spray(&s, 400, p);
    }
}

static void a_block_that_is_known_is_soon_met(void **state)
{
    static const struct spray sprays[] = {
        {"ports: block; block: 512; block_ports: random", 0, 512, 32, 64},
        {"ports: block; block: 512; block_ports: random", 0, 512, 8, 16},
        {"ports: block; block: 2048; block_ports: random", 0, 2048, 64, 64},
    };
    (void)state;
    assert_near(birthday(512, 32, 64), .988, .0005);
    assert_near(birthday(2048, 64, 256), .9998, .00005);
    for (size_t i = 0; i < sizeof sprays / sizeof *sprays; i++)
        check_spray(&sprays[i], 1500, birthday(sprays[i].n, sprays[i].held, sprays[i].probed));
}

/* The check can fail: this box draws from twice the ports that are thought of. */
static void another_box_is_told_from_the_right_one(void **state)
{
    static const struct spray s = {"ports: random; range: [2000, 3023]", 2000, 512, 4, 16};
    uint32_t met = 0;
    (void)state;
    for (uint32_t world = 0; world < 1500; world++)
        met += spray(&s, world);
    assert_false(agrees(met, 1500, birthday(512, 4, 16)));
}

/* The quota less the port in use; what is beyond fails. */
static void a_quota_cuts_the_spray(void **state)
{
    static const struct spray s = {"ports: random; range: [2000, 2511]; quota_ports: 9", 2000, 512,
                                   100, 64};
    (void)state;
    check_spray(&s, 2000, birthday(512, 8, 64));
}

/* About 1 - e^(-mk / gN): the sockets are spread over g addresses, one is probed. */
static void arbitrary_pooling_thins_the_spray(void **state)
{
    static const struct spray one = {"ports: random; range: [2000, 5999]; pool: 4", 2000, 4000, 64,
                                     128};
    static const struct spray spread = {
        "ports: random; range: [2000, 5999]; pool: 4; pooling: arbitrary", 2000, 4000, 64, 128};
    (void)state;
    check_spray(&one, 1500, birthday(4000, 64, 128));
    check_spray(&spread, 1500, 1 - pow(1 - 128. / 4000 / 4, 64));
}

static double count_sets(struct world *w, struct addr seen, uint32_t n, uint32_t k)
{
    uint32_t sets = 0, hits = 0;
    for (uint32_t set = 0; set < 1u << n; set++) {
        if ((uint32_t)__builtin_popcount(set) != k)
            continue;
        bool met = false;
        for (uint32_t i = 0; i < n; i++)
            if (set >> i & 1)
                met = deliver(w, 1, 0, at_port(seen, 2000 + i)) || met;
        sets++;
        hits += met;
    }
    return (double)hits / sets;
}

/* Whatever ports the box chose, every set of probes is tried: no chance left. */
static void small_worlds_meet_exactly_as_often_as_counted(void **state)
{
    (void)state;
    for (uint32_t m = 1; m <= 7; m++)
        for (uint32_t k = 1; k <= 8; k++) {
            struct world w = open_world(STRICT "ports: random; range: [2000, 2007]", EASY, m + k);
            struct addr easy = measure(&w, 1, 0);
            for (uint32_t i = 0; i < m; i++)
                leave(&w, 0, i, easy);
            struct addr box = addr_v4(outside_of(0), 0);
            assert_near(count_sets(&w, box, 8, k), birthday(8, m, k), 1e-12);
            close_world(&w);
        }
}

/* ---- both hard ---- */

/* Both open n ports towards random ports of the other; met[s]: a datagram of
 * side s was let in. */
static void aim_at_random(const char *a, const char *b, uint64_t seed, uint32_t ports_in_all,
                          uint32_t n, bool met[2])
{
    static uint16_t ports[2][RANGE];
    struct world w = open_world(a, b, seed);
    uint32_t first = ports_in_all == RANGE ? 1024 : 2000;
    for (int s = 0; s < 2; s++) {
        draw_ports(&w.stream, ports[s], first, ports_in_all, n);
        for (uint32_t i = 0; i < n; i++)
            leave(&w, s, i, addr_v4(outside_of(!s), ports[s][i]));
    }
    for (int s = 0; s < 2; s++) {
        met[s] = false;
        for (uint32_t i = 0; i < n && !met[s]; i++)
            met[s] = deliver(&w, s, i, addr_v4(outside_of(!s), ports[s][i]));
    }
    close_world(&w);
}

/* 1 - e^(-f^2), n = fB of a block of B each, as good as independent of B */
static void strict_boxes_meet_by_aiming_at_each_other(void **state)
{
    static const char strict[] = STRICT "ports: random; range: [2000, 2127]";
    static const double share[] = {.25, .5, .7, .9}, expected[] = {.061, .221, .387, .555};
    (void)state;
    for (int i = 0; i < 4; i++) {
        uint32_t n = (uint32_t)(128 * share[i]), met_once = 0;
        double p = 1 - exp(-(double)n * n / 128 / 128);
        assert_near(1 - exp(-share[i] * share[i]), expected[i], .0005);
        for (uint32_t world = 0; world < 1500; world++) {
            bool met[2];
            aim_at_random(strict, strict, world, 128, n, met);
            assert_int_equal(met[0], met[1]); /* aims at each other: both ways */
            met_once += met[0];
        }
        assert_agree("both strict", met_once, 1500, p);
    }
}

/* 1 - C(N-n,n) / C(N,n) if one filter looks at the address alone; if both do,
 * each side has that chance. */
static void an_address_filter_is_met_one_way(void **state)
{
    static const char open[] = "mapping: apdm; filtering: adf; ports: random";
    static const char strict[] = STRICT "ports: random";
    static const uint32_t n[] = {64, 128, 180};
    static const double one[] = {.062, .224, .395}, both[] = {.119, .398, .634};
    (void)state;
    for (int i = 0; i < 3; i++) {
        double p = birthday(RANGE, n[i], n[i]);
        uint32_t met_one = 0, met_both = 0;
        assert_near(p, one[i], .001);
        assert_near(1 - (1 - p) * (1 - p), both[i], .001);
        for (uint32_t world = 0; world < 400; world++) {
            bool met[2];
            aim_at_random(strict, open, world, RANGE, n[i], met);
            met_one += met[0];
            aim_at_random(open, open, world, RANGE, n[i], met);
            met_both += met[0] || met[1];
        }
        assert_agree("one ADF", met_one, 400, p);
        assert_agree("both ADF", met_both, 400, 1 - (1 - p) * (1 - p));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(n_rounds_outlive_loss),
        cmocka_unit_test(a_window_of_guesses_catches_a_drifting_counter),
        cmocka_unit_test(two_counters_meet_while_neither_drifts),
        cmocka_unit_test(a_counter_meets_random_ports_one_by_one),
        cmocka_unit_test(many_ports_and_many_probes_meet_like_birthdays),
        cmocka_unit_test(a_block_that_is_known_is_soon_met),
        cmocka_unit_test(another_box_is_told_from_the_right_one),
        cmocka_unit_test(a_quota_cuts_the_spray),
        cmocka_unit_test(arbitrary_pooling_thins_the_spray),
        cmocka_unit_test(small_worlds_meet_exactly_as_often_as_counted),
        cmocka_unit_test(strict_boxes_meet_by_aiming_at_each_other),
        cmocka_unit_test(an_address_filter_is_met_one_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
