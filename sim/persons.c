/* persons.c: whom dials are for, and whom they reach.
 *
 * A name is answered by whoever answers to it; only keys tell who did.  Where a workload
 * says so, each of its targets is in all its sessions a person that the plan knows. */
#include <string.h>

#include "sim/draw.h"
#include "sim/record.h"
#include "sim/world_parts.h"
#include "stack/seal.h"

void persons_of(const struct world *w, uint32_t host, uint8_t id[MIST_ID], uint8_t seed[32])
{
    struct seal_pair pair;
    draw_fill(w->plan->seed, host, DRAW_PERSON, seed, 32);
    seal_person(id, &pair, seed);
}

bool persons_known(const struct world *w, uint32_t host)
{
    for (uint32_t k = 0; k < w->plan->workload_count; k++) {
        const struct plan_workload *work = &w->plan->workloads[k];
        if (work->persons != PERSONS_UNKNOWN && work->dst[w->plan->hosts[host].population])
            return true;
    }
    return false;
}

void persons_reached(struct world *w, const struct dial *d, const struct mist_event *connected)
{
    uint8_t id[MIST_ID], seed[32];
    if (!d->checked)
        return;
    persons_of(w, d->dst, id, seed);
    w->wrong_keys += connected->length != MIST_ID || memcmp(connected->bytes, id, MIST_ID) != 0;
}

void persons_record(const struct world *w, mist_time now)
{
    bool asked = false;
    for (uint32_t k = 0; k < w->plan->workload_count; k++)
        asked |= w->plan->workloads[k].persons != PERSONS_UNKNOWN;
    if (!asked)
        return;
    record_series(w->options->record, now, "wrong_keys", (double)w->wrong_keys);
    record_series(w->options->record, now, "impostors", (double)w->impostors);
}
