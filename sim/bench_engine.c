/* bench_engine.c: engines alone: hosts that answer whatever arrives and
 * set their alarm, behind boxes that let everything pass. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/bench.h"
#include "sim/engine.h"
#include "sim/engine_plugin.h"
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
    const struct engine_type *type;
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
    s->type->send(s->engine, host, &d);
}

static void swarm_arrive(void *world, mist_time now, uint32_t host, const struct datagram *d)
{
    struct swarm *s = world;
    swarm_send(s, host, &d->from);
    s->type->alarm(s->engine, host, now + ALARM);
}

static void swarm_due(void *world, mist_time now, uint32_t host)
{
    struct swarm *s = world;
    s->type->alarm(s->engine, host, now + ALARM);
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

static void swarm_open(struct swarm *s, const struct engine_type *type,
                       const struct engine_calls *calls, uint32_t hosts)
{
    struct plan *plan = &s->plan;
    *s = (struct swarm){.type = type, .hosts = hosts, .population = {.count = hosts}};
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
    s->engine = s->type->open(plan, calls, 1);
}

static void swarm_close(struct swarm *s)
{
    s->type->close(s->engine);
    free(s->plan.hosts);
    free(s->plan.boxes);
}

static uint64_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%*u %lu", &pages) != 1)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

struct speed {
    double rate, events_per_datagram, opening_s;
    uint64_t opened_bytes;
};

/* Four datagrams of each host are on their way at any time. */
static struct speed measure(const struct engine_type *type, uint32_t hosts, mist_time slice)
{
    static struct swarm swarm;
    struct swarm *s = &swarm;
    struct engine_calls calls = {
        .world = s, .arrive = swarm_arrive, .due = swarm_due, .cross = swarm_cross};
    uint64_t empty = resident_bytes();
    double began = progress_clock();
    swarm_open(s, type, &calls, hosts);
    uint64_t opened = resident_bytes();
    struct speed speed = {.opening_s = progress_clock() - began,
                          .opened_bytes = opened > empty ? opened - empty : 0};
    for (uint32_t i = 0; i < 4 * hosts; i++) {
        uint64_t further = 1 + i * UINT64_C(2654435761) % (hosts - 1); /* never oneself */
        struct addr to = outside_of((uint32_t)((i + further) % hosts));
        swarm_send(s, i % hosts, &to);
    }
    type->run(s->engine, MS(200));
    double samples[BENCH_SAMPLES];
    struct engine_figures before, after;
    for (int i = 0; i < BENCH_SAMPLES; i++) {
        type->figures(s->engine, &before);
        double begin = progress_clock();
        type->run(s->engine, type->now(s->engine) + slice);
        double elapsed = progress_clock() - begin;
        type->figures(s->engine, &after);
        samples[i] = (double)(after.arrived - before.arrived) / elapsed;
    }
    speed.events_per_datagram =
        (double)(after.events - before.events) / (double)(after.arrived - before.arrived);
    speed.rate = bench_median(samples);
    swarm_close(s);
    return speed;
}

int bench_engine(struct bench *b)
{
    for (uint32_t hosts = 1000; hosts <= 100000; hosts *= 10) {
        struct speed s = measure(&engine_native, hosts, SEC(10000) / (mist_time)hosts);
        bench_add(b, "engine", "datagrams", hosts, s.rate, "datagrams/s");
        bench_add(b, "engine", "events per datagram", hosts, s.events_per_datagram, "");
    }
    return EXIT_FINE;
}

int bench_ns3(struct bench *b)
{
    char path[ENGINE_PLUGIN_PATH], error[ENGINE_PLUGIN_PATH + 600];
    const struct engine_plugin *ns3 = engine_plugin_load("ns3", path, error, sizeof error);
    if (ns3 == NULL) {
        fprintf(stderr, "mistsim bench: ns3 is left out: %s\n", error);
        return EXIT_FINE;
    }
    for (uint32_t hosts = 100; hosts <= 10000; hosts *= 10) {
        mist_time slice = SEC(500) / (mist_time)hosts;
        struct speed native = measure(&engine_native, hosts, slice);
        struct speed packets = measure(ns3->type, hosts, slice);
        bench_add(b, "ns3", "datagrams on ns-3", hosts, packets.rate, "datagrams/s");
        bench_add(b, "ns3", "events per datagram", hosts, packets.events_per_datagram, "");
        bench_add(b, "ns3", "set-up, per host", hosts, packets.opening_s / hosts * 1e6, "us");
        bench_add(b, "ns3", "memory after set-up, per host", hosts,
                  (double)packets.opened_bytes / hosts, "B");
        bench_add(b, "ns3", "the native engine, alike", hosts, native.rate, "datagrams/s");
        bench_add(b, "ns3", "native over ns-3", hosts, native.rate / packets.rate, "x");
    }
    return EXIT_FINE;
}
