/* The translator beside a naive model: random boxes, random packets, every
 * answer equal; and every planted mistake of the model is found. */
#include "nat-models/mapping.h"
#include "nat-models/test/lab.h"
#include "nat-models/test/naive.c"

#define RUNS  3000
#define STEPS 1000

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) */
static uint64_t next_draw(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(next_draw(state) % n);
}

/* ---- a box ---- */

static struct nat_policy random_policy(uint64_t *rng)
{
    static const mist_time timers[] = {SEC(5), SEC(10), SEC(30)};
    struct nat_policy p = nat_policy_default();
    p.kind = below(rng, 8) == 0 ? NAT_KIND_FIREWALL : NAT_KIND_NAT;
    p.filtering = (uint8_t)below(rng, 3);
    p.filter_lifetime = (uint8_t)below(rng, 2);
    p.udp_unreplied = timers[below(rng, 3)];
    p.udp_established = timers[below(rng, 3)];
    p.established_when = (uint8_t)below(rng, 2);
    p.refresh = (uint8_t)below(rng, 4);
    p.session_reply = (uint8_t)below(rng, 2);
    p.max_lifetime = below(rng, 4) == 0 ? SEC(40) : 0;
    p.quota_ports = below(rng, 4) == 0 ? 1 + below(rng, 6) : 0;
    p.table_capacity = below(rng, 4) == 0 ? 2 + below(rng, 12) : 0;
    if (p.kind == NAT_KIND_FIREWALL)
        return p;
    p.mapping = (uint8_t)below(rng, 3);
    p.ports = (uint8_t)below(rng, 4);
    p.on_clash = (uint8_t)below(rng, 2);
    p.delta = below(rng, 2) ? 1 : -3;
    p.hairpin = (uint8_t)below(rng, 3);
    p.inbound_clash = below(rng, 4) == 0;
    p.low = 2000;
    p.high = (uint16_t)(below(rng, 2) ? 2009 : 2099); /* 10 and 100 ports: no divisor of delta */
    p.hold = p.ports != NAT_PORTS_OVERLOAD && below(rng, 4) == 0 ? SEC(20) : 0;
    return p;
}

/* ---- a packet ---- */

#define SEEN 8

struct bench {
    struct lab lab;
    struct naive *naive;
    struct addr seen[SEEN]; /* external endpoints of late */
    mist_time now;
    uint64_t rng;
};

static struct addr inside_endpoint(uint64_t *rng)
{
    return addr_v4(0xc0a80001u + below(rng, 3), (uint16_t)(2000 + below(rng, 4)));
}

static struct addr remote_endpoint(uint64_t *rng)
{
    return addr_v4(0x05060708u + below(rng, 3), (uint16_t)(1000 + below(rng, 2)));
}

static struct addr outside_endpoint(struct bench *b)
{
    if (below(&b->rng, 8) == 0)
        return addr_v4(0x01020304, (uint16_t)(1998 + below(&b->rng, 16)));
    return b->seen[below(&b->rng, SEEN)];
}

static void pass_time(struct bench *b)
{
    static const mist_time steps[] = {0, 0, 1, MS(1), MS(700), SEC(1), SEC(2), SEC(3), SEC(5)};
    b->now += steps[below(&b->rng, sizeof steps / sizeof steps[0])];
    if (below(&b->rng, 40) == 0)
        b->now += SEC(5) * below(&b->rng, 8) + below(&b->rng, 3) - 1;
}

static bool agree(const struct nat_datagram *a, const struct nat_datagram *b)
{
    return addr_equal(&a->from, &b->from) && addr_equal(&a->to, &b->to) && a->ttl == b->ttl;
}

/* Where the translator has put the datagram's mapping; port 0: nowhere.  Looked
 * up inside, since a hairpinned or refused datagram does not show it. */
static struct addr place_of(const struct nat *nat, const struct nat_datagram *d)
{
    struct nat_endpoint inside = nat_endpoint(&d->from, d->protocol);
    struct nat_endpoint remote = nat_endpoint(&d->to, d->protocol), outside;
    uint32_t record = nat_mapping_find(nat, NAT_APDM, &inside, &remote);
    if (record == 0)
        record = nat_mapping_find(nat, nat->policy.mapping, &inside, &remote);
    if (record == 0)
        return (struct addr){0};
    outside = nat_mapping_outside(nat, nat_mapping(nat, record));
    return nat_endpoint_addr(&outside);
}

static bool step_out(struct bench *b)
{
    struct nat_datagram mine = lab_datagram(inside_endpoint(&b->rng), remote_endpoint(&b->rng));
    if (below(&b->rng, 6) == 0)
        mine.to = outside_endpoint(b);
    mine.ttl = below(&b->rng, 20) == 0 ? 1 : 64;
    struct nat_datagram its = mine;
    enum nat_verdict verdict = nat_outbound(b->lab.nat, b->now, &mine);
    struct addr chosen = place_of(b->lab.nat, &its);
    if (chosen.port != 0)
        b->seen[below(&b->rng, SEEN)] = chosen;
    return naive_outbound(b->naive, b->now, &its, &chosen) == verdict && agree(&mine, &its);
}

static bool step_in(struct bench *b)
{
    struct nat_datagram mine = lab_datagram(remote_endpoint(&b->rng), outside_endpoint(b));
    mine.ttl = below(&b->rng, 20) == 0 ? 1 : 64;
    struct nat_datagram its = mine;
    enum nat_verdict verdict = nat_inbound(b->lab.nat, b->now, &mine);
    return naive_inbound(b->naive, b->now, &its) == verdict && agree(&mine, &its);
}

static bool step_count(struct bench *b)
{
    struct nat_counters count = nat_counters(b->lab.nat, b->now);
    return (int)count.mappings_alive == naive_alive(b->naive, b->now);
}

/* Runs one random box; returns the steps until the two differ, or STEPS. */
static int run(struct naive *naive, uint64_t seed, enum naive_fault fault)
{
    struct bench b = {.naive = naive, .rng = seed};
    struct nat_policy policy = random_policy(&b.rng);
    struct addr external = lab_addr("1.2.3.4:0");
    char error[200];
    assert_int_equal(nat_policy_check(&policy, error, sizeof error), 0);
    bool nat = policy.kind == NAT_KIND_NAT;
    b.lab.slab = nat_slab_open();
    b.lab.nat = nat_init(malloc(nat_size(nat)), b.lab.slab, &policy, seed, &external, nat);
    naive_init(naive, &policy, external, fault);
    for (int i = 0; i < SEEN; i++)
        b.seen[i] = addr_v4(0x01020304, (uint16_t)(2000 + i));
    int steps = 0;
    for (bool same = true; same && steps < STEPS; steps += same) {
        pass_time(&b);
        uint32_t what = below(&b.rng, 20);
        same = what < 9 ? step_out(&b) : what < 18 ? step_in(&b) : step_count(&b);
    }
    lab_close(&b.lab);
    return steps;
}

/* 3,000 boxes x 1,000 packets. */
static void the_translator_equals_the_naive_model(void **state)
{
    struct naive *naive = *state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        int steps = run(naive, seed, NAIVE_RIGHT);
        if (steps != STEPS)
            fail_msg("seed %llu: they differ at step %d", (unsigned long long)seed, steps);
    }
}

static void every_planted_mistake_is_found(void **state)
{
    struct naive *naive = *state;
    for (int fault = NAIVE_RIGHT + 1; fault < NAIVE_FAULTS; fault++) {
        uint64_t seed = 1;
        while (seed <= RUNS && run(naive, seed, (enum naive_fault)fault) == STEPS)
            seed++;
        if (seed > RUNS)
            fail_msg("mistake %d stands undiscovered", fault);
    }
}

static int make_naive(void **state)
{
    *state = malloc(sizeof(struct naive));
    return *state == NULL;
}

static int free_naive(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_translator_equals_the_naive_model),
        cmocka_unit_test(every_planted_mistake_is_found),
    };
    return cmocka_run_group_tests(tests, make_naive, free_naive);
}
