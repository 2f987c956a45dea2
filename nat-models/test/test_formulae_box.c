/* test_formulae_box.c: what theory says of one box and its hosts, against the
 * translator: preservation of ports, occupancy, keep-alives.  As in
 * test_formulae.c. */
#include "nat-models/test/chance.h"

/* ---- preservation and occupancy ---- */

#define EPHEMERAL 28232 /* ports 32768 .. 60999, Linux's */

static struct addr ephemeral(struct stream *s, uint32_t host)
{
    return addr_v4(0x0a000000u + host, (uint16_t)(32768 + nat_below(next(s), EPHEMERAL)));
}

/* The share of own sockets that keep their port beside H - 1 hosts with s each. */
static uint32_t count_kept(uint64_t seed, uint32_t hosts, uint32_t sockets, uint32_t own)
{
    struct lab lab = lab_open_seeded("ports: preserve; on_clash: random", seed);
    struct stream stream = {seed, 0};
    struct addr remote = addr_v4(0x05060708, 3478);
    uint32_t kept = 0;
    for (uint32_t host = 1; host < hosts; host++)
        for (uint32_t i = 0; i < sockets; i++)
            lab_out_addr(&lab, 0, ephemeral(&stream, host), remote);
    for (uint32_t i = 0; i < own; i++) {
        struct addr socket = ephemeral(&stream, 0);
        lab_out_addr(&lab, 0, socket, remote);
        kept += lab.last.from.port == socket.port;
    }
    lab_close(&lab);
    return kept;
}

/* (1 - 1/R)^((H-1) s).  Ten own sockets per world, which hardly disturb one
 * another; others that were moved hold a port more, which the tolerance covers. */
static void a_port_is_kept_unless_another_host_has_it(void **state)
{
    static const struct {
        uint32_t hosts, sockets;
        double expected;
    } cases[] = {{10, 50, .984}, {50, 50, .917}, {20, 200, .874}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double p = pow(1 - 1. / EPHEMERAL, (cases[i].hosts - 1) * cases[i].sockets);
        uint32_t kept = 0;
        assert_near(p, cases[i].expected, .0006);
        for (uint32_t world = 0; world < 120; world++)
            kept += count_kept(world, cases[i].hosts, cases[i].sockets, 10);
        assert_agree("preservation", kept, 1200, p);
    }
}

static void one_port_of_two_hosts_clashes_for_certain(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct lab lab = lab_open_seeded("ports: preserve; on_clash: random", seed);
        lab_out(&lab, 0, "10.0.0.1:6881", "5.6.7.8:80");
        assert_int_equal(lab.last.from.port, 6881);
        lab_out(&lab, 0, "10.0.0.2:6881", "5.6.7.8:80");
        assert_int_not_equal(lab.last.from.port, 6881);
        lab_close(&lab);
    }
}

/* Little's law: rate x life mappings on average; their number is Poisson, and
 * after five lives a new draw. */
static void others_hold_rate_times_life_ports(void **state)
{
    struct lab lab = lab_open("background: {rate: 10/s, life: 4 s}");
    uint64_t sum = 0;
    (void)state;
    for (int i = 1; i <= 500; i++)
        sum += lab_count(&lab, SEC(20) * i, "mappings");
    lab_close(&lab);
    assert_near((double)sum / 500, 40, 4 * sqrt(40. / 500));
}

/* Q mappings per timeout, for ever. */
static void a_quota_lets_open_so_many_per_timeout(void **state)
{
    struct lab lab = lab_open("quota_ports: 10; idle: 30 s");
    (void)state;
    for (uint32_t t = 0; t < 300; t++)
        lab_out_addr(&lab, SEC(t), addr_v4(0x0a000001, (uint16_t)(2000 + t)),
                     lab_addr("5.6.7.8:9"));
    assert_int_equal(lab_count(&lab, SEC(299), "mappings_made"), 10 * 300 / 30);
    lab_close(&lab);
}

/* ---- keep-alives ---- */

/* A run of n losses among M keep-alives: dead[k] after M, k losses in a row. */
static double chance_of_death(double p, uint32_t n, uint32_t keepalives)
{
    double alive[8] = {1}, dead = 0;
    assert_true(n < 8);
    for (uint32_t i = 0; i < keepalives; i++) {
        double now[8] = {0};
        for (uint32_t k = 0; k < n; k++) {
            now[0] += alive[k] * (1 - p);
            *(k + 1 == n ? &dead : &now[k + 1]) += alive[k] * p;
        }
        memcpy(alive, now, sizeof alive);
    }
    return dead;
}

/* An hour of keep-alives just under T / n apart. */
static bool dies_within_an_hour(uint64_t seed, double p, uint32_t n, uint32_t keepalives)
{
    struct lab lab = lab_open_seeded("idle: 30 s", seed);
    struct stream stream = {seed, 0};
    mist_time every = SEC(30) / n - MS(1);
    struct addr host = lab_addr("10.0.0.1:5000"), remote = lab_addr("5.6.7.8:9");
    lab_out_addr(&lab, 0, host, remote);
    for (uint32_t i = 1; i <= keepalives; i++)
        if (!happens(&stream, p))
            lab_out_addr(&lab, every * i, host, remote);
    bool dead = lab_count(&lab, every * (keepalives + 1), "mappings") == 0 ||
                lab_count(&lab, every * (keepalives + 1), "mappings_made") > 1;
    lab_close(&lab);
    return dead;
}

static void a_mapping_dies_when_n_keepalives_in_a_row_are_lost(void **state)
{
    static const struct {
        double p;
        uint32_t n, hours;
        double expected;
    } cases[] = {
        {.05, 1, 400, .998}, {.05, 2, 1000, .435}, {.05, 3, 2000, .042}, {.01, 2, 2000, .023}};
    (void)state;
    assert_near(chance_of_death(.05, 4, 480), .0028, .00005);
    assert_near(chance_of_death(.01, 3, 360), .0004, .00005);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t n = cases[i].n, keepalives = 120 * n, died = 0;
        double p = chance_of_death(cases[i].p, n, keepalives);
        assert_near(p, cases[i].expected, .0006);
        for (uint32_t hour = 0; hour < cases[i].hours; hour++)
            died += dies_within_an_hour(hour, cases[i].p, n, keepalives);
        assert_agree("keep-alive", died, cases[i].hours, p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_is_kept_unless_another_host_has_it),
        cmocka_unit_test(one_port_of_two_hosts_clashes_for_certain),
        cmocka_unit_test(others_hold_rate_times_life_ports),
        cmocka_unit_test(a_quota_lets_open_so_many_per_timeout),
        cmocka_unit_test(a_mapping_dies_when_n_keepalives_in_a_row_are_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
