/* native_open.c: a plan as the tables by which the native engine moves datagrams. */
#include <stdio.h>

#include "sim/exit.h"
#include "sim/latency.h"
#include "sim/native/memory.h"
#include "sim/native/native_parts.h"
#include "stack/check.h"

static uint32_t attachment_count(const struct plan *plan)
{
    return plan_places(plan) + plan->box_count;
}

/* The host is behind the box: the only one, or one of several. */
static void count_behind(struct engine *e, uint32_t box, uint32_t host, bool *several)
{
    struct attachment *a = &e->attachments[plan_places(e->plan) + box];
    several[box] = several[box] || a->host != PLAN_NONE;
    a->host = several[box] ? PLAN_NONE : host;
    a->line = e->attachments[host].line;
}

static void open_stations(struct engine *e)
{
    const struct plan *plan = e->plan;
    bool *several = memory_map(plan->box_count * sizeof *several);
    for (uint32_t i = 0; i < plan_places(plan); i++) {
        struct station *s = &e->stations[i];
        struct latency_end end = latency_end(plan, i);
        s->addr = plan->hosts[i].addr;
        s->box = plan->hosts[i].box;
        s->edge = end.attachment;
        s->alarm_at = MIST_NEVER;
        e->attachments[i] = (struct attachment){end.region, i, plan->hosts[i].population};
        for (uint32_t box = s->box; box != PLAN_NONE; box = plan->boxes[box].outer) {
            e->attachments[plan_places(plan) + box].region = end.region;
            count_behind(e, box, i, several);
        }
    }
    memory_unmap(several, plan->box_count * sizeof *several);
}

/* The attachment stands directly inside the box: the only one, or one of several. */
static void count_inside(struct engine *e, uint32_t box, uint32_t attachment, bool *several)
{
    if (box == PLAN_NONE)
        return;
    several[box] = several[box] || e->boxes[box].inside != PLAN_NONE;
    e->boxes[box].inside = several[box] ? PLAN_NONE : attachment;
}

static void open_boxes(struct engine *e)
{
    const struct plan *plan = e->plan;
    bool *several = memory_map(plan->box_count * sizeof *several);
    for (uint32_t i = 0; i < plan->box_count; i++) {
        e->boxes[i] = (struct box){.outer = plan->boxes[i].outer, .inside = PLAN_NONE};
        e->attachments[plan_places(plan) + i].host = PLAN_NONE;
    }
    for (uint32_t i = 0; i < plan->box_count; i++)
        count_inside(e, plan->boxes[i].outer, plan_places(plan) + i, several);
    for (uint32_t i = 0; i < plan_places(plan); i++)
        count_inside(e, plan->hosts[i].box, i, several);
    memory_unmap(several, plan->box_count * sizeof *several);
}

int native_fits(const struct plan *plan, char *error, int error_size)
{
    for (uint32_t i = 0; i < plan->population_count; i++) {
        if (plan->populations[i].behaviour == BEHAVIOUR_TAP) {
            snprintf(error, (size_t)error_size,
                     "population.%s.behaviour: the native engine has no real time for a tap; "
                     "use --engine ns3",
                     plan->populations[i].name);
            return EXIT_INPUT;
        }
        const struct plan_access *access = &plan->populations[i].access;
        if (access->queue == PLAN_DROP_TAIL && access->loss_ppm == 0)
            continue;
        snprintf(error, (size_t)error_size,
                 "population.%s.access.%s: the native engine's lines have a drop_tail queue and "
                 "lose nothing else; use --engine ns3",
                 plan->populations[i].name, access->loss_ppm == 0 ? "queue" : "loss");
        return EXIT_INPUT;
    }
    return EXIT_FINE;
}

struct engine *native_open(const struct plan *plan, const struct engine_calls *calls, uint64_t seed)
{
    CHECK(plan_places(plan) <= UINT32_C(1) << (64 - SEQUENCE_BITS));
    struct engine *e = memory_map(sizeof *e);
    e->plan = plan;
    e->calls = calls;
    e->seed = seed;
    e->queue = queue_open();
    e->directory = directory_open(plan);
    e->stations = memory_map(plan_places(plan) * sizeof *e->stations);
    e->attachments = memory_map(attachment_count(plan) * sizeof *e->attachments);
    e->boxes = memory_map(plan->box_count * sizeof *e->boxes);
    e->lines = memory_map(plan->population_count * sizeof *e->lines);
    packets_open(&e->packets);
    links_open(&e->links);
    for (uint32_t i = 0; i < plan->population_count; i++) {
        e->lines[i].access = plan->populations[i].access;
        e->lines[i].server = plan->populations[i].bootstrap || plan->populations[i].relay;
    }
    open_boxes(e);
    open_stations(e);
    return e;
}

void native_close(struct engine *e)
{
    const struct plan *plan = e->plan;
    for (uint32_t i = 0; i < plan_places(plan); i++)
        pieces_close(e->stations[i].pieces);
    queue_close(e->queue);
    directory_close(e->directory);
    packets_close(&e->packets);
    links_close(&e->links);
    memory_unmap(e->stations, plan_places(plan) * sizeof *e->stations);
    memory_unmap(e->attachments, attachment_count(plan) * sizeof *e->attachments);
    memory_unmap(e->boxes, plan->box_count * sizeof *e->boxes);
    memory_unmap(e->lines, plan->population_count * sizeof *e->lines);
    memory_unmap(e, sizeof *e);
}
