/* world.c: the simulated world: hosts with the core, NAT boxes, an engine. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "sim/draw.h"
#include "sim/netns/netns.h"
#include "sim/record.h"
#include "sim/run_stack.h"
#include "sim/tap.h"
#include "sim/world_parts.h"
#include "stack/check.h"

#define SLICE        MS(100) /* of virtual time between looks at the clock and at stop */
#define SERIES_EVERY SEC(5)
#define HUGE_PAGE    ((size_t)2 << 20)

static mist_time wall_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return SEC(t.tv_sec) + t.tv_nsec;
}

/* ---- what the engine calls ---- */

/* Who stands at a place, or PLAN_NONE. */
static uint32_t host_at(const struct world *w, uint32_t place)
{
    return w->standing == NULL ? place : w->standing[place];
}

/* Nobody asks the engine for this where nobody looks on. */
static void on_lost(void *world, mist_time now, uint32_t place, const struct datagram *d, int why)
{
    const struct world *w = world;
    (void)place;
    WORLD_TELL(w, lost, now, d, (enum engine_loss)why);
}

static void on_arrive(void *world, mist_time now, uint32_t place, const struct datagram *d)
{
    struct world *w = world;
    uint32_t host = host_at(w, place);
    if (host == PLAN_NONE)
        return;
    WORLD_TELL(w, arrived, now, host, d);
    hostile_arrived(w, host, d);
    pump_input(w, now, host, d);
}

static void on_due(void *world, mist_time now, uint32_t place)
{
    struct world *w = world;
    uint32_t host = host_at(w, place);
    CHECK(host != PLAN_NONE); /* pump_move takes the alarm along */
    if (w->hosts[host].life <= now)
        life_due(w, now, host);
    else
        pump_due(w, now, host);
}

static enum crossing on_cross(void *world, mist_time now, uint32_t box, enum direction direction,
                              struct datagram *d)
{
    return world_boxes_cross(world, now, box, direction, d);
}

static uint32_t on_core_loss(void *world, mist_time now, uint32_t from, uint32_t to)
{
    (void)now;
    return faults_core_loss(world, from, to);
}

static void on_prefetch(void *world, uint32_t place)
{
    const struct world *w = world;
    uint32_t host = host_at(w, place);
    if (host != PLAN_NONE)
        __builtin_prefetch(w->hosts[host].node);
}

/* ---- making it ---- */

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count == 0 ? 1 : count, size);
    CHECK(memory != NULL);
    return memory;
}

/* Reserves, zero-filled; pages come into being when they are touched. */
static void *reserve(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

static int configure(struct world *w, char *error, int error_size)
{
    const struct plan *p = w->plan;
    bool models = run_stack_models(p, w->options->api);
    w->configs = allocate(p->population_count, sizeof *w->configs);
    for (uint32_t i = 0; i < p->population_count; i++) {
        const struct plan_population *group = &p->populations[i];
        const struct mist_api *api = w->cores[i].api;
        w->configs[i] = allocate(1, api->config_size);
        api->config_init(w->configs[i]);
        if (models)
            CHECK(api->config_set(w->configs[i], "crypto", "modelled") == MIST_OK);
        if (group->bootstrap || group->relay)
            (void)api->config_set(w->configs[i], "size", "server");
        if (group->bootstrap)
            (void)api->config_set(w->configs[i], "reach.assume", "public");
        (void)api->config_set(w->configs[i], "socket.family", group->family == 6 ? "6" : "4");
        for (uint32_t j = 0; j < group->settings_count; j++) {
            const struct plan_setting *s = &group->settings[j];
            int refused = api->config_set(w->configs[i], s->key, s->value);
            if (refused == MIST_OK)
                continue;
            snprintf(error, (size_t)error_size, "population.%s: stack.%s: %s: %s", group->name,
                     s->key, s->value,
                     refused == MIST_ERR_KEY ? "the core knows no such key"
                                             : "not a value that this key takes");
            return 2;
        }
    }
    return 0;
}

static void make_hosts(struct world *w)
{
    const struct plan *p = w->plan;
    w->hosts = allocate(p->host_count, sizeof *w->hosts);
    for (uint32_t i = 0; i < p->host_count; i++) {
        struct host *h = &w->hosts[i];
        h->core = &w->cores[p->hosts[i].population];
        h->place = i;
        h->addr = p->hosts[i].addr;
        h->addr.port = host_port(p, i, 0);
        h->due = h->work = MIST_NEVER;
        h->dials = DIAL_NONE;
    }
    if (p->spare_count == 0)
        return;
    w->standing = allocate(plan_places(p), sizeof *w->standing);
    for (uint32_t place = 0; place < plan_places(p); place++)
        w->standing[place] = place < p->host_count ? place : PLAN_NONE;
}

/* The nodes' blocks, in the order of the hosts. */
static void make_room(struct world *w)
{
    const struct plan *p = w->plan;
    size_t *sizes = allocate(p->population_count, sizeof *sizes);
    for (uint32_t i = 0; i < p->population_count; i++) {
        sizes[i] = w->cores[i].api->node_size(w->configs[i]);
        w->memory_bytes += sizes[i] * p->populations[i].count;
    }
    w->memory = reserve(w->memory_bytes + HUGE_PAGE);
    uint8_t *at = w->memory;
    for (uint32_t i = 0; i < p->host_count; i++) {
        w->hosts[i].node_memory = at;
        at += sizes[p->hosts[i].population];
    }
    free(sizes);
}

/* ---- the simulated kind ---- */

static int open_simulated(struct world *w, char *error, int error_size)
{
    (void)error;
    (void)error_size;
    world_boxes_open(w);
    make_room(w);
    return 0;
}

static void close_simulated(struct world *w)
{
    world_boxes_close(w);
    if (w->memory != NULL)
        munmap(w->memory, w->memory_bytes + HUGE_PAGE);
}

const struct world_kind world_simulated = {
    .open = open_simulated,
    .close = close_simulated,
    .start = pump_start,
    .stop = pump_stop,
    .wish = pump_wish,
    .count = pump_count,
    .strike = world_boxes_strike,
    .tally = world_boxes_tally,
};

static void destroy(struct world *w)
{
    w->kind->close(w);
    for (uint32_t i = 0; w->configs != NULL && i < w->plan->population_count; i++)
        free(w->configs[i]);
    if (w->engine != NULL)
        w->type->close(w->engine);
    workload_close(w);
    hostile_close(w);
    for (uint32_t i = 0; w->hosts != NULL && i < w->plan->host_count; i++)
        host_sockets_free(&w->hosts[i]);
    life_close(w);
    faults_close(w);
    if (w->fact_log != NULL && w->fact_log != stdout)
        fclose(w->fact_log);
    world_core_close(w);
    free(w->configs);
    free(w->standing);
    free(w->hosts);
}

/* ---- running it ---- */

static void report(struct world *w, mist_time now)
{
    struct engine_figures figures;
    w->type->figures(w->engine, &figures);
    w->seen.now = now;
    w->seen.duration = w->plan->duration;
    w->seen.events = figures.events;
    w->seen.joined = w->joined;
    w->seen.hosts = w->plan->host_count;
    if (w->options->progress != NULL)
        w->options->progress(w->options->progress_data, &w->seen);
}

/* The engine until then, with the faults and the boxes' own words on the way; what is
 * due at that very time comes next. */
static void advance(struct world *w, mist_time until)
{
    for (;;) {
        mist_time fault = faults_next(w), box = world_boxes_deadline(w);
        mist_time at = box < fault ? box : fault;
        if (at >= until)
            break;
        w->type->run(w->engine, at);
        world_boxes_due(w, at);
        faults_due(w, at);
    }
    w->type->run(w->engine, until);
}

static int run(struct world *w)
{
    mist_time reported = wall_now(), now = 0, series = SERIES_EVERY;
    while (now < w->plan->duration) {
        if (w->options->stop != NULL && *w->options->stop)
            return 1;
        now = now + SLICE < w->plan->duration ? now + SLICE : w->plan->duration;
        advance(w, now);
        if (now >= series || now == w->plan->duration) {
            world_record_series(w, now);
            series += SERIES_EVERY;
        }
        if (wall_now() - reported >= MS(100)) {
            reported = wall_now();
            report(w, now);
        }
    }
    return 0;
}

/* The row of the table, appended where it is new; NULL: there is no room. */
static struct world_memory *memory_row(struct world_result *result, const char *table)
{
    for (uint32_t i = 0; i < result->memory_count; i++)
        if (strcmp(result->memory[i].table, table) == 0)
            return &result->memory[i];
    if (result->memory_count == WORLD_MEMORY)
        return NULL;
    result->memory[result->memory_count].table = table;
    return &result->memory[result->memory_count++];
}

/* Sums the nodes' tables by name. */
static void sum_memory(const struct world *w, struct world_result *result)
{
    struct mist_memory tables[WORLD_MEMORY];
    for (uint32_t i = 0; i < w->plan->host_count; i++) {
        const struct host *h = &w->hosts[i];
        uint32_t count = h->node == NULL ? 0 : h->core->api->memory(h->node, tables, WORLD_MEMORY);
        for (uint32_t j = 0; j < count; j++) {
            struct world_memory *row = memory_row(result, tables[j].table);
            if (row == NULL)
                continue;
            row->entry_bytes = tables[j].entry_bytes;
            row->limit += tables[j].limit;
            row->used += tables[j].used;
        }
    }
    result->node_bytes = w->memory_bytes / w->plan->host_count; /* 0: not in this process */
}

/* Brings it to life, to its end or until it is stopped. */
static int live(struct world *w, struct world_result *result)
{
    life_open(w);
    faults_open(w);
    hostile_open(w);
    workload_open(w);
    int status = run(w);
    workload_finish(w);
    life_finish(w);
    world_record_end(w);
    report(w, w->type->now(w->engine));
    w->type->figures(w->engine, &result->figures);
    tap_tell_late(result->figures.late, stderr);
    result->sim = w->type->now(w->engine);
    result->last = w->seen;
    sum_memory(w, result);
    return status;
}

int world_run(const struct plan *plan, const struct engine_type *engine,
              const struct world_options *options, struct world_result *result, char *error,
              int error_size)
{
    struct world w = {.plan = plan,
                      .kind = engine->real ? &world_kernel : &world_simulated,
                      .type = engine,
                      .options = options};
    struct engine_calls calls = {.world = &w,
                                 .arrive = on_arrive,
                                 .due = on_due,
                                 .cross = on_cross,
                                 .prefetch = on_prefetch};
    if (options->watch != NULL)
        calls.lost = on_lost;
    for (uint32_t i = 0; i < plan->fault_count; i++)
        if (plan->faults[i].kind == FAULT_PARTITION || plan->faults[i].kind == FAULT_LOSS)
            calls.core_loss = on_core_loss;
    mist_time began = wall_now();
    memset(result, 0, sizeof *result);
    world_core_open(&w, options->api);
    if (options->fact_log != NULL)
        w.fact_log = strcmp(options->fact_log, "-") == 0 ? stdout : fopen(options->fact_log, "w");
    int status = configure(&w, error, error_size);
    if (status == 0)
        status = engine->fits(plan, error, error_size);
    if (status == 0) {
        tap_tell(plan, stderr);
        w.engine = engine->open(plan, &calls, plan->seed);
        make_hosts(&w);
        status = w.kind->open(&w, error, error_size);
    }
    if (status == 0)
        status = live(&w, result);
    destroy(&w);
    result->wall_s = (double)(wall_now() - began) / 1e9;
    return status;
}
