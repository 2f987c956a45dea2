/* toy.h: a small plan and a world of a few lines, to see what an engine does. */
#ifndef NATIVE_TEST_TOY_H
#define NATIVE_TEST_TOY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine.h"
#include "sim/plan.h"
#include "stack/check.h"

/* The engine; another may be named before this file is included. */
#ifndef TOY_ENGINE
#define TOY_ENGINE (&engine_native)
#endif

#define TOY_HOSTS       64
#define TOY_BOXES       16
#define TOY_POPULATIONS 4
#define TOY_LOG         20000

struct toy_arrival {
    mist_time at;
    uint32_t host;
    struct addr from, to;
    uint8_t ttl;
    uint16_t length;
    uint32_t number; /* the payload's first four bytes */
};

/* Boxes translate by a fixed rule: outward the source becomes the box's first
 * address with its port kept; inward the destination becomes `inside` of the
 * box.  A firewall changes nothing. */
struct toy {
    struct plan plan;
    struct plan_population populations[TOY_POPULATIONS];
    struct plan_host hosts[TOY_HOSTS];
    struct plan_box boxes[TOY_BOXES];
    struct addr inside[TOY_BOXES];
    enum crossing outward[TOY_BOXES], inward[TOY_BOXES];
    struct engine_calls calls;
    struct engine *engine;

    uint32_t arrivals, dues, losses, crossings;
    struct toy_arrival arrival[TOY_LOG];
    mist_time due_at[TOY_LOG];
    uint32_t due_host[TOY_LOG];
    int lost_why[TOY_LOG];
    uint32_t lost_number[TOY_LOG];
    struct {
        mist_time at;
        uint32_t box;
        enum direction direction;
    } crossing[TOY_LOG];
    uint32_t prefetched;
    uint32_t dues_before_arrival; /* when the latest datagram arrived */
    bool echo;                    /* hosts answer what arrives */
};

#define TOY_PORT 4000

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

/* That address with the port of every host. */
static inline struct addr toy_at(uint32_t ip)
{
    return addr_v4(ip, TOY_PORT);
}

static inline uint32_t number_of(const struct datagram *d)
{
    const uint8_t *b = d->bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline void toy_send(struct toy *t, uint32_t host, struct addr to, uint32_t number,
                            uint16_t length);

static inline void toy_arrive(void *world, mist_time now, uint32_t host, const struct datagram *d)
{
    struct toy *t = world;
    CHECK(t->arrivals < TOY_LOG);
    t->arrival[t->arrivals++] = (struct toy_arrival){.at = now,
                                                     .host = host,
                                                     .from = d->from,
                                                     .to = d->to,
                                                     .ttl = d->ttl,
                                                     .length = d->length,
                                                     .number = number_of(d)};
    t->dues_before_arrival = t->dues;
    if (t->echo)
        toy_send(t, host, d->from, number_of(d) + 1, d->length);
}

static inline void toy_due(void *world, mist_time now, uint32_t host)
{
    struct toy *t = world;
    CHECK(t->dues < TOY_LOG);
    t->due_at[t->dues] = now;
    t->due_host[t->dues++] = host;
}

static inline void toy_lost(void *world, mist_time now, uint32_t host, const struct datagram *d,
                            int why)
{
    struct toy *t = world;
    (void)now;
    (void)host;
    CHECK(t->losses < TOY_LOG);
    t->lost_number[t->losses] = number_of(d);
    t->lost_why[t->losses++] = why;
}

static inline void toy_prefetch(void *world, uint32_t host)
{
    struct toy *t = world;
    CHECK(host < plan_places(&t->plan));
    t->prefetched++;
}

static inline enum crossing toy_cross(void *world, mist_time now, uint32_t box,
                                      enum direction direction, struct datagram *d)
{
    struct toy *t = world;
    CHECK(t->crossings < TOY_LOG);
    t->crossing[t->crossings].at = now;
    t->crossing[t->crossings].box = box;
    t->crossing[t->crossings++].direction = direction;
    enum crossing verdict = direction == OUTWARD ? t->outward[box] : t->inward[box];
    if (t->plan.boxes[box].policy.kind == NAT_KIND_FIREWALL)
        return verdict;
    if (verdict != CROSS_DROP && direction == OUTWARD)
        memcpy(d->from.ip, t->boxes[box].outside.ip, sizeof d->from.ip);
    if (verdict == CROSS_HAIRPIN || direction == INWARD)
        memcpy(d->to.ip, t->inside[box].ip, sizeof d->to.ip);
    d->ttl--;
    return verdict;
}

/* Zero-filled but for a network of constant 40 ms without loss, one population
 * without limits on its line, and boxes that pass. */
static inline void toy_init(struct toy *t)
{
    memset(t, 0, sizeof *t);
    t->plan.network.latency = LATENCY_CONSTANT;
    t->plan.network.low = t->plan.network.high = MS(40);
    t->plan.populations = t->populations;
    t->plan.hosts = t->hosts;
    t->plan.boxes = t->boxes;
    t->plan.population_count = 1;
    t->calls = (struct engine_calls){.world = t,
                                     .arrive = toy_arrive,
                                     .due = toy_due,
                                     .cross = toy_cross,
                                     .lost = toy_lost,
                                     .prefetch = toy_prefetch};
}

/* A host at that address behind the box. */
static inline uint32_t toy_private_host(struct toy *t, uint32_t box, uint32_t ip)
{
    CHECK(t->plan.host_count < TOY_HOSTS);
    uint32_t host = t->plan.host_count++;
    t->hosts[host] = (struct plan_host){.box = box, .addr = addr_v4(ip, 0)};
    if (box != PLAN_NONE)
        t->inside[box] = t->hosts[host].addr;
    return host;
}

/* A host outside of all boxes, at 8.0.0.0 + its number. */
static inline uint32_t toy_public_host(struct toy *t)
{
    return toy_private_host(t, PLAN_NONE, 0x08000000 + t->plan.host_count);
}

static inline uint32_t toy_box(struct toy *t, uint32_t outer, uint32_t outside_ip)
{
    CHECK(t->plan.box_count < TOY_BOXES);
    uint32_t box = t->plan.box_count++;
    t->boxes[box] = (struct plan_box){.outer = outer, .outside = addr_v4(outside_ip, 0)};
    t->outward[box] = t->inward[box] = CROSS_PASS;
    if (outer != PLAN_NONE)
        t->inside[outer] = t->boxes[box].outside;
    return box;
}

static inline void toy_open(struct toy *t, uint64_t seed)
{
    t->engine = TOY_ENGINE->open(&t->plan, &t->calls, seed);
}

static inline void toy_close(struct toy *t)
{
    TOY_ENGINE->close(t->engine);
}

/* Sends `length` (at least 4) bytes that begin with `number`, TTL 64. */
static inline void toy_send(struct toy *t, uint32_t host, struct addr to, uint32_t number,
                            uint16_t length)
{
    uint8_t bytes[UINT16_MAX] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                 (uint8_t)(number >> 8), (uint8_t)number};
    struct datagram d = {.to = to, .ttl = 64, .length = length, .bytes = bytes};
    d.from = t->hosts[host].addr;
    d.from.port = TOY_PORT;
    TOY_ENGINE->send(t->engine, host, &d);
}

#endif
