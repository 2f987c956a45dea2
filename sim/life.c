/* life.c: when each host's node runs: its start in the plan, churn, faults.
 *
 * A node runs while its start has passed, its turn says there (churn.h) and no
 * fault holds it off.  A host that comes back is a new core with the old
 * name, person and port, behind the box that it left, with a seed and a transport key
 * of its own. */
#include <stdlib.h>

#include "sim/world_parts.h"
#include "stack/check.h"

static bool should_run(const struct world *w, mist_time now, uint32_t host)
{
    const struct host *h = &w->hosts[host];
    return plan_runs_nodes(&w->plan->populations[w->plan->hosts[host].population]) &&
           now >= w->plan->hosts[host].start && h->turn.there && now >= h->held;
}

static mist_time next_look(const struct world *w, mist_time now, uint32_t host)
{
    const struct host *h = &w->hosts[host];
    mist_time start = w->plan->hosts[host].start, at = h->turn.until;
    if (now < start && start < at)
        at = start;
    if (now < h->held && h->held < at)
        at = h->held;
    return at;
}

static void keep_counters(struct world *w, uint32_t host)
{
    struct mist_counter c[MIST_KIND_COUNT] = {{0, 0, 0, 0}}; /* an older build fills fewer */
    w->kind->count(w, host, c);
    for (uint32_t kind = 0; kind < MIST_KIND_COUNT; kind++) {
        struct mist_counter *sum = &w->past[host][kind];
        sum->packets_out += c[kind].packets_out;
        sum->bytes_out += c[kind].bytes_out;
        sum->packets_in += c[kind].packets_in;
        sum->bytes_in += c[kind].bytes_in;
    }
}

static void start(struct world *w, mist_time now, uint32_t host)
{
    w->hosts[host].up_since = now;
    w->online++;
    w->starts++;
    w->kind->start(w, now, host);
}

static void stop(struct world *w, mist_time now, uint32_t host, enum life_end how)
{
    struct mist_wish leave = {.size = sizeof leave, .kind = MIST_WISH_LEAVE};
    workload_stopping(w, now, host, how == END_LEFT);
    if (how == END_LEFT)
        (void)w->kind->wish(w, now, host, &leave);
    keep_counters(w, host);
    world_record_session(w, now, host, how);
    w->kind->stop(w, host);
    w->online--;
    w->stops++;
}

/* After something has changed: starts what should run. */
static void reconcile(struct world *w, mist_time now, uint32_t host)
{
    struct host *h = &w->hosts[host];
    h->life = next_look(w, now, host);
    if (!h->runs && should_run(w, now, host))
        start(w, now, host);
    world_alarm(w, host);
}

void life_due(struct world *w, mist_time now, uint32_t host)
{
    struct host *h = &w->hosts[host];
    while (h->turn.until <= now) {
        if (h->turn.there && h->runs)
            stop(w, now, host,
                 churn_says_goodbye(w->plan, host, h->turn.ordinal) ? END_LEFT : END_CHURN);
        churn_next(w->plan, host, &h->turn);
    }
    reconcile(w, now, host);
}

void life_hold(struct world *w, mist_time now, uint32_t host, mist_time until, enum life_end how)
{
    struct host *h = &w->hosts[host];
    h->held = until > h->held ? until : h->held;
    if (h->runs)
        stop(w, now, host, how);
    reconcile(w, now, host);
}

void life_restart(struct world *w, mist_time now, uint32_t host)
{
    struct host *h = &w->hosts[host];
    h->held = now;
    if (h->runs)
        stop(w, now, host, END_RESTART);
    reconcile(w, now, host);
}

void life_open(struct world *w)
{
    uint32_t hosts = w->plan->host_count;
    w->restless = plan_is_restless(w->plan);
    if (w->restless) {
        w->past = calloc(hosts, sizeof *w->past);
        CHECK(w->past != NULL);
    }
    for (uint32_t i = 0; i < hosts; i++) {
        struct host *h = &w->hosts[i];
        churn_begin(w->plan, i, &h->turn);
        h->life = next_look(w, -1, i);
    }
}

void life_finish(struct world *w)
{
    for (uint32_t i = 0; w->restless && i < w->plan->host_count; i++)
        if (w->hosts[i].runs)
            world_record_session(w, w->type->now(w->engine), i, END_OF_RUN);
}

void life_close(struct world *w)
{
    free(w->past);
}
