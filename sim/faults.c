/* faults.c: what breaks, when the plan says so: nodes, boxes, the core.
 *
 * Between two runs of the engine: every event before a fault's time has then
 * happened, none of that time or later has.  At one time ends come before
 * beginnings, and the scenario's order decides the rest. */
#include <stdlib.h>
#include <string.h>

#include "sim/record.h"
#include "sim/world_parts.h"
#include "stack/check.h"

#define EVERYTHING UINT32_C(1000000) /* ppm */

/* ---- the agenda ---- */

static bool comes_before(const struct fault_turn *a, const struct fault_turn *b)
{
    if (a->at != b->at)
        return a->at < b->at;
    if (a->ends != b->ends)
        return a->ends;
    return a->fault < b->fault;
}

static void note(struct world *w, uint32_t fault, mist_time at, bool ends)
{
    struct fault_turn turn = {at, fault, ends};
    uint32_t place = w->agenda_count++;
    for (; place > 0 && comes_before(&turn, &w->agenda[place - 1]); place--)
        w->agenda[place] = w->agenda[place - 1];
    w->agenda[place] = turn;
}

static bool strikes_core(const struct plan_fault *fault)
{
    return fault->kind == FAULT_PARTITION || fault->kind == FAULT_LOSS;
}

mist_time faults_next(const struct world *w)
{
    return w->agenda_next < w->agenda_count ? w->agenda[w->agenda_next].at : MIST_NEVER;
}

/* ---- whom a fault touches ---- */

static bool is_member(const struct plan_fault *fault, uint32_t number)
{
    uint32_t low = 0, high = fault->member_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (fault->members[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < fault->member_count && fault->members[low] == number;
}

static bool is_named(const struct plan_fault *fault, struct fault_end end)
{
    return fault->groups == NULL || fault->groups[end.population] ||
           (fault->regions != NULL && fault->regions[end.region]);
}

/* What the core sees of a host. */
static struct fault_end end_of(const struct world *w, uint32_t host)
{
    const struct plan_host *place = &w->plan->hosts[w->hosts[host].place];
    return (struct fault_end){place->population, place->region};
}

static bool touches(const struct world *w, const struct plan_fault *fault, uint32_t host)
{
    if (strikes_core(fault))
        return is_named(fault, end_of(w, host));
    if (fault->kind <= FAULT_RESTART || fault->kind == FAULT_ROAM)
        return is_member(fault, host);
    uint32_t box = w->plan->hosts[w->hosts[host].place].box;
    for (; box != PLAN_NONE; box = w->plan->boxes[box].outer)
        if (is_member(fault, box))
            return true;
    return false;
}

bool faults_touch(const struct world *w, uint32_t fault, uint32_t src, uint32_t dst)
{
    const struct plan_fault *f = &w->plan->faults[fault];
    bool here = touches(w, f, src), there = touches(w, f, dst);
    return f->kind == FAULT_PARTITION ? here != there : here || there;
}

/* ---- the core ---- */

uint32_t faults_core_loss(const struct world *w, uint32_t from, uint32_t to)
{
    uint32_t loss = 0;
    for (uint32_t i = 0; i < w->lasting_count; i++) {
        const struct plan_fault *fault = &w->plan->faults[w->lasting[i]];
        bool here = is_named(fault, w->ends[from]), there = is_named(fault, w->ends[to]);
        if (fault->kind == FAULT_PARTITION && here != there)
            return EVERYTHING;
        if (fault->kind == FAULT_LOSS && (here || there))
            loss = engine_both_losses(loss, fault->loss_ppm);
    }
    return loss;
}

static void forget_lasting(struct world *w, uint32_t fault)
{
    uint32_t i = 0;
    while (w->lasting[i] != fault)
        i++;
    w->lasting_count--;
    memmove(&w->lasting[i], &w->lasting[i + 1], (w->lasting_count - i) * sizeof *w->lasting);
}

/* ---- all of them ---- */

static void strike_member(struct world *w, mist_time now, const struct plan_fault *fault,
                          uint32_t i)
{
    uint32_t member = fault->members[i];
    switch (fault->kind) {
    case FAULT_CRASH: life_hold(w, now, member, fault->end, END_CRASH); break;
    case FAULT_LEAVE: life_hold(w, now, member, fault->end, END_LEFT); break;
    case FAULT_RESTART: life_restart(w, now, member); break;
    case FAULT_ROAM: pump_move(w, now, member, fault->first_place + i); break;
    default: w->kind->strike(w, now, fault, member);
    }
}

static void record(struct world *w, uint32_t number)
{
    const struct plan_fault *fault = &w->plan->faults[number];
    uint32_t hosts = 0;
    if (w->options->record == NULL)
        return;
    for (uint32_t i = 0; i < w->plan->host_count; i++)
        hosts += touches(w, fault, i);
    record_fault(w->options->record, number, fault->at,
                 fault->end == MIST_NEVER ? RECORD_NONE : fault->end, fault->what, hosts);
}

static void begin(struct world *w, mist_time now, uint32_t number)
{
    const struct plan_fault *fault = &w->plan->faults[number];
    record(w, number);
    workload_struck(w, now, number);
    if (strikes_core(fault))
        w->lasting[w->lasting_count++] = number;
    for (uint32_t i = 0; i < fault->member_count; i++)
        strike_member(w, now, fault, i);
}

void faults_due(struct world *w, mist_time now)
{
    while (w->agenda_next < w->agenda_count && w->agenda[w->agenda_next].at <= now) {
        const struct fault_turn *turn = &w->agenda[w->agenda_next++];
        if (turn->ends)
            forget_lasting(w, turn->fault);
        else
            begin(w, now, turn->fault);
    }
}

/* Population and region of every attachment, for the core's faults. */
static void map_ends(struct world *w)
{
    const struct plan *p = w->plan;
    w->ends = calloc(plan_places(p) + p->box_count, sizeof *w->ends);
    CHECK(w->ends != NULL);
    for (uint32_t i = 0; i < plan_places(p); i++) {
        w->ends[i] = (struct fault_end){p->hosts[i].population, p->hosts[i].region};
        for (uint32_t box = p->hosts[i].box; box != PLAN_NONE; box = p->boxes[box].outer)
            w->ends[plan_places(p) + box] =
                (struct fault_end){p->hosts[i].population, p->boxes[box].region};
    }
}

void faults_open(struct world *w)
{
    const struct plan *p = w->plan;
    w->agenda = calloc(2 * (size_t)p->fault_count + 1, sizeof *w->agenda);
    w->lasting = calloc(p->fault_count + 1u, sizeof *w->lasting);
    CHECK(w->agenda != NULL && w->lasting != NULL);
    for (uint32_t i = 0; i < p->fault_count; i++) {
        const struct plan_fault *fault = &p->faults[i];
        note(w, i, fault->at, false);
        if (!strikes_core(fault))
            continue;
        if (fault->end != MIST_NEVER)
            note(w, i, fault->end, true);
        if (w->ends == NULL)
            map_ends(w);
    }
}

void faults_close(struct world *w)
{
    free(w->agenda);
    free(w->lasting);
    free(w->ends);
}
