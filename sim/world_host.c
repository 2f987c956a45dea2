/* world_host.c: what a host is in every kind of world: a name, an alarm, work. */
#include <stdio.h>

#include "sim/draw.h"
#include "sim/world_parts.h"

void world_alarm(struct world *w, uint32_t host)
{
    const struct host *h = &w->hosts[host];
    /* Before a host's first start its work waits, afterwards what it misses is gone. */
    bool works = h->runs || w->restless;
    mist_time at = works && h->work < h->due ? h->work : h->due;
    at = h->attack < at ? h->attack : at;
    w->type->alarm(w->engine, h->place, h->life < at ? h->life : at);
}

size_t world_name(const struct world *w, uint32_t host, char *name, size_t size)
{
    const struct plan_population *p = &w->plan->populations[w->plan->hosts[host].population];
    int n = snprintf(name, size, "%s.%u", p->name, (unsigned)(host - p->first));
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

uint32_t world_bootstrap(const struct world *w, uint32_t host, struct addr told[WORLD_BOOTSTRAP])
{
    const struct plan *p = w->plan;
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->population_count && count < WORLD_BOOTSTRAP; i++) {
        const struct plan_population *from = &p->populations[i];
        if (!from->bootstrap)
            continue;
        uint32_t start =
            (uint32_t)draw_below(p->seed, host, DRAW_NODE_SEED, UINT32_C(0x10000) + i, from->count);
        for (uint32_t j = 0; j < from->count && count < WORLD_BOOTSTRAP; j++) {
            uint32_t other = from->first + (start + j) % from->count;
            if (other == host || w->hosts[other].addr.family != w->hosts[host].addr.family)
                continue;
            told[count++] = w->hosts[other].addr;
        }
    }
    return count;
}

void world_event(struct world *w, mist_time now, uint32_t host, const struct mist_event *e)
{
    struct host *h = &w->hosts[host];
    if (e->kind == MIST_EVENT_NATURE)
        world_record_nature(w, now, host, e);
    if (e->kind != MIST_EVENT_JOINED) {
        workload_event(w, now, host, e);
        return;
    }
    h->joined = true;
    w->joined += !h->has_joined;
    h->has_joined = true;
    workload_joined(w, now, host);
}

void world_work(struct world *w, mist_time now, uint32_t host)
{
    struct host *h = &w->hosts[host];
    if (h->attack <= now)
        hostile_due(w, now, host);
    if (h->work <= now)
        workload_due(w, now, host);
    world_alarm(w, host);
}

void world_gone(struct world *w, uint32_t host)
{
    struct host *h = &w->hosts[host];
    h->runs = false;
    h->due = MIST_NEVER;
    h->joined = h->subscribed = false;
}
