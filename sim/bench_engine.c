/* bench_engine.c: the native engine alone: hosts that answer whatever arrives and
 * set their alarm, behind boxes that let everything pass. */
#include <stdlib.h>

#include "sim/bench.h"
#include "sim/engine.h"
#include "sim/exit.h"
#include "sim/plan.h"
#include "sim/progress.h"
#include "stack/check.h"

#define SIZE   100     /* payload bytes */
#define ALARM  SEC(20) /* after each datagram, as a node's heartbeat */
#define PUBLIC 0x0b000000
#define INSIDE 0xc0a80002

struct swarm {
    struct plan plan;
    struct plan_population population;
    struct engine *engine;
    uint32_t hosts;
};

/* Half of the hosts stand behind a box each. */
static bool has_box(uint32_t host)
{
    return host % 2 == 1;
}

static struct addr outside_of(uint32_t host)
{
    return addr_v4(PUBLIC + host, 1000);
}

static void swarm_send(struct swarm *s, uint32_t host, const struct addr *to)
{
    static uint8_t bytes[SIZE];
    struct datagram d = {.to = *to, .ttl = 64, .length = SIZE, .bytes = bytes};
    d.from = has_box(host) ? addr_v4(INSIDE, 1000) : outside_of(host);
    engine_native.send(s->engine, host, &d);
}

static void swarm_arrive(void *world, mist_time now, uint32_t host, const struct datagram *d)
{
    struct swarm *s = world;
    swarm_send(s, host, &d->from);
    engine_native.alarm(s->engine, host, now + ALARM);
}

static void swarm_due(void *world, mist_time now, uint32_t host)
{
    struct swarm *s = world;
    engine_native.alarm(s->engine, host, now + ALARM);
}

static enum crossing swarm_cross(void *world, mist_time now, uint32_t box, enum direction direction,
                                 struct datagram *d)
{
    (void)world;
    (void)now;
    if (direction == OUTWARD)
        d->from = outside_of(2 * box + 1);
    else
        d->to = addr_v4(INSIDE, d->to.port);
    return CROSS_PASS;
}

static void swarm_open(struct swarm *s, const struct engine_calls *calls, uint32_t hosts)
{
    struct plan *plan = &s->plan;
    *s = (struct swarm){.hosts = hosts, .population = {.count = hosts}};
    s->population.access = (struct plan_access){.up_bps = 20000000, .delay = MS(8)};
    plan->network.low = MS(100);
    plan->network.jitter_ppm = 200000;
    plan->network.loss_ppm = 1; /* drawn, but the swarm does not die out */
    plan->population_count = 1;
    plan->populations = &s->population;
    plan->host_count = hosts;
    plan->box_count = hosts / 2;
    plan->hosts = calloc(hosts, sizeof *plan->hosts);
    plan->boxes = calloc(plan->box_count, sizeof *plan->boxes);
    CHECK(plan->hosts != NULL && plan->boxes != NULL);
    for (uint32_t i = 0; i < hosts; i++) {
        plan->hosts[i].box = has_box(i) ? i / 2 : PLAN_NONE;
        plan->hosts[i].addr = has_box(i) ? addr_v4(INSIDE, 0) : addr_v4(PUBLIC + i, 0);
    }
    for (uint32_t i = 0; i < plan->box_count; i++) {
        plan->boxes[i].outer = PLAN_NONE;
        plan->boxes[i].outside = addr_v4(PUBLIC + 2 * i + 1, 0);
    }
    s->engine = engine_native.open(plan, calls, 1);
}

static void swarm_close(struct swarm *s)
{
    engine_native.close(s->engine);
    free(s->plan.hosts);
    free(s->plan.boxes);
}

/* Four datagrams of each host are on their way at any time. */
static double datagrams_per_second(uint32_t hosts, double *events_per_datagram)
{
    struct swarm s;
    struct engine_calls calls = {
        .world = &s, .arrive = swarm_arrive, .due = swarm_due, .cross = swarm_cross};
    swarm_open(&s, &calls, hosts);
    for (uint32_t i = 0; i < 4 * hosts; i++) {
        struct addr to = outside_of((uint32_t)((i * UINT64_C(2654435761)) % hosts));
        swarm_send(&s, i % hosts, &to);
    }
    engine_native.run(s.engine, MS(200));
    double samples[BENCH_SAMPLES];
    struct engine_figures before, after;
    mist_time slice = SEC(1) * 100000 / (mist_time)hosts;
    for (int i = 0; i < BENCH_SAMPLES; i++) {
        engine_native.figures(s.engine, &before);
        double begin = progress_clock();
        engine_native.run(s.engine, engine_native.now(s.engine) + slice / 10);
        double elapsed = progress_clock() - begin;
        engine_native.figures(s.engine, &after);
        samples[i] = (double)(after.arrived - before.arrived) / elapsed;
    }
    *events_per_datagram =
        (double)(after.events - before.events) / (double)(after.arrived - before.arrived);
    swarm_close(&s);
    return bench_median(samples);
}

int bench_engine(struct bench *b)
{
    for (uint32_t hosts = 1000; hosts <= 100000; hosts *= 10) {
        double events;
        double rate = datagrams_per_second(hosts, &events);
        bench_add(b, "engine", "datagrams", hosts, rate, "datagrams/s");
        bench_add(b, "engine", "events per datagram", hosts, events, "");
    }
    return EXIT_FINE;
}
