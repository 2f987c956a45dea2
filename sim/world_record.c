/* world_record.c: what was seen, handed to the recorder and the fact log. */
#include <string.h>

#include "sim/record.h"
#include "sim/world_parts.h"

const char *world_loss_word(uint32_t why)
{
    static const char *const words[] = {
        [LOSS_LINK] = "the network's loss",  [LOSS_QUEUE] = "a full queue",
        [LOSS_NO_ROUTE] = "no such address", [LOSS_BROKEN] = "a broken path",
        [LOSS_TTL] = "a used-up TTL",        [LOSS_TOO_BIG] = "too big for a line"};
    return why < sizeof words / sizeof *words ? words[why] : "?";
}

void world_record_dial(struct world *w, const struct dial *d, const char *outcome,
                       const char *reason)
{
    const struct core *core = w->hosts[d->src].core;
    struct record_dial row = {.dial = d->number,
                              .at = d->at,
                              .src = d->src,
                              .src_nat = w->plan->hosts[d->src_place].nat,
                              .dst_nat = w->plan->hosts[d->dst_place].nat,
                              .dst = d->dst,
                              .outcome = outcome,
                              .path = world_core_word(&core->paths, d->path),
                              .first = d->first,
                              .direct = d->direct,
                              .attempts = d->attempts,
                              .probes = d->probes,
                              .sockets = d->sockets,
                              .rtt_first = d->rtt_first,
                              .rtt_final = d->rtt_final,
                              .rtt_ideal =
                                  w->type->ideal_rtt(w->engine, d->src_place, d->dst_place),
                              .reason = reason,
                              .window = d->end - d->at};
    if (w->options->record != NULL)
        record_dial(w->options->record, &row);
}

void world_record_lookup(struct world *w, mist_time now, uint32_t host, const struct mist_event *e)
{
    if (w->options->record != NULL)
        record_lookup(w->options->record, now - e->rtt, host, e->hops, e->count, e->rtt,
                      e->reason == MIST_REASON_NONE);
}

static void log_fact(struct world *w, mist_time now, uint32_t host, const struct mist_fact *f)
{
    char text[ADDR_TEXT], name[MIST_NAME];
    (void)world_name(w, host, name, sizeof name);
    fprintf(w->fact_log, "%12.6f %s %s", (double)now / 1e9, name,
            world_core_word(&w->hosts[host].core->facts, f->number));
    if (f->addr.family != ADDR_NONE)
        fprintf(w->fact_log, " %s", addr_format(&f->addr, text));
    fprintf(w->fact_log, " %02x%02x%02x%02x %lld %lld\n", f->peer[0], f->peer[1], f->peer[2],
            f->peer[3], (long long)f->a, (long long)f->b);
}

void world_record_fact(struct world *w, mist_time now, uint32_t host, const struct mist_fact *f)
{
    if (w->fact_log != NULL)
        log_fact(w, now, host, f);
    if (w->options->facts && w->options->record != NULL)
        record_fact(w->options->record, now, host,
                    world_core_word(&w->hosts[host].core->facts, f->number), f->connection,
                    f->addr.family == ADDR_NONE ? NULL : &f->addr, f->a, f->b);
}

void world_record_drop(struct world *w, mist_time now, uint32_t host, uint32_t box,
                       enum direction direction, enum nat_verdict why, const struct datagram *d)
{
    char fact[40];
    (void)snprintf(fact, sizeof fact, "BOX_DROPPED %s", nat_verdict_word(why));
    if (w->options->record != NULL)
        record_fact(w->options->record, now, host, fact, 0, direction == INWARD ? &d->from : &d->to,
                    box, direction == INWARD);
}

void world_record_series(struct world *w, mist_time now)
{
    struct record *r = w->options->record;
    struct engine_figures figures;
    if (r == NULL)
        return;
    w->type->figures(w->engine, &figures);
    record_series(r, now, "joined", w->joined);
    record_series(r, now, "dials", (double)w->seen.dials);
    record_series(r, now, "direct", (double)w->seen.direct);
    record_series(r, now, "relayed", (double)w->seen.relayed);
    record_series(r, now, "failed", (double)w->seen.failed);
    if (w->restless) {
        record_series(r, now, "online", w->online);
        record_series(r, now, "starts", (double)w->starts);
        record_series(r, now, "stops", (double)w->stops);
        record_series(r, now, "unmade", (double)w->unmade);
    }
    persons_record(w, now);
    if (w->type->real)
        record_series(r, now, "netns.late_ms", (double)figures.late / 1e6);
    hostile_record(w, now);
    record_series(r, now, "datagrams_sent", (double)figures.sent);
    record_series(r, now, "datagrams_arrived", (double)figures.arrived);
}

void world_record_session(struct world *w, mist_time now, uint32_t host, enum life_end how)
{
    static const char *const words[] = {[END_LEFT] = "left",
                                        [END_CHURN] = "churn",
                                        [END_CRASH] = "crash",
                                        [END_RESTART] = "restart",
                                        [END_OF_RUN] = "end"};
    const struct host *h = &w->hosts[host];
    if (w->options->record != NULL)
        record_session(w->options->record, host, h->sessions, h->up_since, now, words[how]);
}

static void record_counters(struct world *w, uint32_t row, const struct core *core,
                            const struct mist_counter *c)
{
    for (uint32_t kind = 0; kind < MIST_KIND_COUNT; kind++) {
        if (c[kind].packets_out == 0 && c[kind].packets_in == 0)
            continue;
        struct record_traffic t = {row,
                                   world_core_word(&core->kinds, kind),
                                   c[kind].packets_out,
                                   c[kind].bytes_out,
                                   c[kind].packets_in,
                                   c[kind].bytes_in};
        record_traffic(w->options->record, &t);
    }
}

static void add_counters(struct mist_counter *sum, const struct mist_counter *c)
{
    for (uint32_t kind = 0; kind < MIST_KIND_COUNT; kind++) {
        sum[kind].packets_out += c[kind].packets_out;
        sum[kind].bytes_out += c[kind].bytes_out;
        sum[kind].packets_in += c[kind].packets_in;
        sum[kind].bytes_in += c[kind].bytes_in;
    }
}

static void record_traffic_of(struct world *w, uint32_t population)
{
    const struct plan_population *p = &w->plan->populations[population];
    struct mist_counter sum[MIST_KIND_COUNT] = {{0, 0, 0, 0}};
    const struct core *core = &w->cores[population];
    for (uint32_t i = p->first; i < p->first + p->count; i++) {
        struct mist_counter c[MIST_KIND_COUNT] = {{0, 0, 0, 0}}; /* an older build fills fewer */
        if (w->hosts[i].runs)
            w->kind->count(w, i, c);
        if (w->restless)
            add_counters(c, w->past[i]);
        if (w->plan->traffic_per_node)
            record_counters(w, i, core, c);
        add_counters(sum, c);
    }
    if (!w->plan->traffic_per_node)
        record_counters(w, population, core, sum);
}

static void record_boxes(struct world *w)
{
    mist_time now = w->type->now(w->engine);
    for (uint32_t i = 0; i < w->plan->box_count; i++) {
        struct nat_counters c = w->kind->tally(w, now, i);
        struct record_box row = {
            .box = i,
            .mappings_made = c.mappings_made,
            .mappings_peak = c.mappings_peak,
            .dropped_filter = c.dropped[NAT_DROP_FILTER] + c.dropped[NAT_DROP_NO_MAPPING],
            .dropped_capacity = c.dropped[NAT_DROP_CAPACITY] + c.dropped[NAT_DROP_QUOTA] +
                                c.dropped[NAT_DROP_RATE] + c.dropped[NAT_DROP_PORT_EXHAUSTED],
            .hairpins = c.hairpins};
        record_box(w->options->record, &row);
    }
}

void world_record_end(struct world *w)
{
    if (w->options->record == NULL)
        return;
    for (uint32_t i = 0; i < w->plan->population_count; i++)
        record_traffic_of(w, i);
    record_boxes(w);
    for (uint32_t i = 0; i < w->message_count; i++) {
        const struct message *m = &w->messages[i];
        record_message(w->options->record, i + 1, m->at, m->publisher, m->due, m->delivered,
                       m->first, m->last);
    }
}
