/* scenario_draw.c: draws hosts and boxes of a plan.
 *
 * Every draw is keyed by the host's number, or by that of the first host behind
 * the box, so that nothing else in the scenario shifts it.  Memory is what the
 * plan needs, once: labels are shared. */
#include <string.h>

#include "sim/draw.h"
#include "sim/scenario_parts.h"
#include "stack/check.h"

#define HOME_HOSTS   100      /* at most in 192.168.x.0/24; larger sites use 10.0.0.0/8 */
#define CARRIER_ROOM 4000000u /* addresses of 100.64.0.0/10, rounded down */
#define LABEL_SIZE   (CATALOGUE_CHAIN * 80)
#define LABEL_FIRST  64 /* slots of the table of labels at first */

/* Addresses that were given out inside a box. */
struct inside {
    uint32_t slot; /* of an outermost firewall, which keeps global addresses */
    uint32_t used;
};

/* All different labels, by open addressing. */
struct labels {
    struct arena *scratch;
    uint32_t count, room; /* room: a power of two */
    const char **slots;
};

struct drawing {
    struct plan *plan;
    struct errors *errors;
    struct inside *inside; /* [boxes] */
    struct labels labels;
    uint32_t slots; /* global ones given out */
    uint64_t region_weight;
    bool failed;
};

/* What is being drawn: some hosts behind one outermost box. */
struct group {
    const struct draft_population *draft;
    const struct plan_population *population;
    uint32_t position; /* of the population */
    uint32_t first, count, region;
    const struct catalogue_chain *chain;
};

static uint32_t hash_label(const char *text)
{
    uint32_t hash = 2166136261u; /* FNV-1a: only finds, decides nothing */
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

static void grow_labels(struct labels *l)
{
    uint32_t room = l->room ? l->room * 2 : LABEL_FIRST;
    const char **slots = arena_take(l->scratch, room * sizeof *slots);
    for (uint32_t i = 0; i < l->room; i++) {
        if (!l->slots[i])
            continue;
        uint32_t hash = hash_label(l->slots[i]);
        while (slots[hash & (room - 1)])
            hash++;
        slots[hash & (room - 1)] = l->slots[i];
    }
    l->slots = slots;
    l->room = room;
}

/* The one copy of a text, in the plan. */
static const char *share_label(struct drawing *d, const char *text)
{
    struct labels *l = &d->labels;
    if (l->count * 2 >= l->room)
        grow_labels(l);
    uint32_t hash = hash_label(text);
    const char **slot;
    while (*(slot = &l->slots[hash & (l->room - 1)])) {
        if (strcmp(*slot, text) == 0)
            return *slot;
        hash++;
    }
    l->count++;
    *slot = arena_text(&d->plan->memory, text, strlen(text));
    return *slot;
}

static uint32_t draw_region(const struct drawing *d, uint32_t entity)
{
    const struct plan_network *network = &d->plan->network;
    if (network->regions == 0)
        return 0;
    uint64_t point = draw_below(d->plan->seed, entity, DRAW_HOST_REGION, 0, d->region_weight);
    uint32_t region = 0;
    while (point >= network->region_weights[region])
        point -= network->region_weights[region++];
    return region;
}

static bool keeps_addresses(const struct plan_box *box)
{
    return box->policy.kind == NAT_KIND_FIREWALL;
}

/* The box in whose inside network the outside of `box` lies: itself, the next
 * one outwards that translates, or PLAN_NONE for the global network. */
static uint32_t translating(const struct plan *plan, uint32_t box)
{
    while (box != PLAN_NONE && keeps_addresses(&plan->boxes[box]))
        box = plan->boxes[box].outer;
    return box;
}

static uint32_t outermost(const struct plan *plan, uint32_t box)
{
    while (plan->boxes[box].outer != PLAN_NONE)
        box = plan->boxes[box].outer;
    return box;
}

static uint32_t take_slots(struct drawing *d, uint32_t count)
{
    uint32_t slot = d->slots;
    CHECK(count <= GLOBAL_SLOTS - slot); /* three times SCENARIO_HOSTS */
    d->slots += count;
    return slot;
}

static struct addr host_address(struct drawing *d, const struct group *g, uint32_t box)
{
    uint8_t family = g->population->family;
    if (box == PLAN_NONE)
        return scenario_global(family, take_slots(d, 1), 0);
    uint32_t site = translating(d->plan, box);
    if (site == PLAN_NONE) {
        struct inside *inside = &d->inside[outermost(d->plan, box)];
        uint32_t n = inside->used++;
        return family == ADDR_V6
                   ? scenario_global(family, inside->slot, n)
                   : scenario_global(family, inside->slot + n / GLOBAL_LOW, n % GLOBAL_LOW);
    }
    uint32_t n = d->inside[site].used++;
    if (site == outermost(d->plan, box) && g->count > HOME_HOSTS)
        return scenario_large_site(n);
    return scenario_home(draw_u64(d->plan->seed, site, DRAW_HOST_ADDRESS, 1), n);
}

/* The first of policy.pool addresses in a row. */
static struct addr box_address(struct drawing *d, const struct group *g, const struct plan_box *box)
{
    uint32_t site = translating(d->plan, box->outer), pool = box->policy.pool;
    if (keeps_addresses(box))
        return (struct addr){0};
    if (pool <= GLOBAL_LOW && site == PLAN_NONE)
        return scenario_global(g->population->family, take_slots(d, 1), 0);
    if (pool <= GLOBAL_LOW && d->inside[site].used + pool <= CARRIER_ROOM) {
        d->inside[site].used += pool;
        return scenario_carrier(d->inside[site].used - pool);
    }
    errors_add(d->errors, &g->draft->place, "population.nat",
               "expected a pool of at most %u addresses, and %u in all behind one box, got %u",
               GLOBAL_LOW, CARRIER_ROOM, pool);
    d->failed = true;
    return (struct addr){0};
}

static const char *box_label(struct drawing *d, const struct catalogue_box *kind,
                             const struct nat_policy *policy)
{
    char text[NAT_LABEL];
    const char *profile = catalogue_profile(kind);
    return share_label(d, profile ? profile : nat_policy_label(policy, text));
}

/* Draws the box at a level of the group's chain; entity: its first host. */
static uint32_t add_box(struct drawing *d, const struct group *g, uint32_t level, uint32_t entity,
                        uint32_t outer)
{
    char error[400];
    struct plan *plan = d->plan;
    uint32_t number = plan->box_count++;
    struct plan_box *box = &plan->boxes[number];
    const struct catalogue_box *kind = g->chain->boxes[level];
    if (catalogue_policy(kind, plan->seed, entity, level, &box->policy, error, sizeof error)) {
        errors_add(d->errors, &g->draft->place, "population.nat", "a box was drawn with %s", error);
        d->failed = true;
    }
    if (g->population->family == ADDR_V6 && !keeps_addresses(box)) {
        errors_add(d->errors, &g->draft->place, "population.nat",
                   "expected firewalls for IPv6 hosts, drew a box that translates IPv4");
        d->failed = true;
    }
    box->outer = outer;
    box->region = g->region;
    box->profile = box_label(d, kind, &box->policy);
    box->outside = box_address(d, g, box);
    if (outer == PLAN_NONE && keeps_addresses(box))
        d->inside[number].slot =
            take_slots(d, g->population->family == ADDR_V6 ? 1 : g->count / GLOBAL_LOW + 1);
    return number;
}

/* "home_apdf>cgn_cellular", inside first. */
static const char *chain_label(struct drawing *d, uint32_t box)
{
    char text[LABEL_SIZE];
    size_t used = 0;
    if (box == PLAN_NONE)
        return share_label(d, "none");
    if (d->plan->boxes[box].outer == PLAN_NONE)
        return d->plan->boxes[box].profile;
    for (; box != PLAN_NONE; box = d->plan->boxes[box].outer) {
        const char *part = d->plan->boxes[box].profile;
        size_t length = strlen(part);
        CHECK(used + length + 2 < sizeof text);
        if (used)
            text[used++] = '>';
        memcpy(text + used, part, length);
        used += length;
    }
    text[used] = 0;
    return share_label(d, text);
}

static void add_host(struct drawing *d, const struct group *g, uint32_t number, uint32_t outer)
{
    struct plan *plan = d->plan;
    struct plan_host *host = &plan->hosts[number];
    uint32_t box = outer;
    for (uint32_t level = g->chain->count; level-- > 1;)
        box = add_box(d, g, level - 1, number, box);
    host->population = g->position;
    host->region = outer == PLAN_NONE ? draw_region(d, number) : g->region;
    host->box = box;
    host->addr = host_address(d, g, box);
    host->nat = chain_label(d, box);
    if (!g->population->bootstrap && plan->join > 0)
        host->start =
            (mist_time)draw_below(plan->seed, number, DRAW_HOST_START, 0, (uint64_t)plan->join);
}

static void add_group(struct drawing *d, struct group *g)
{
    uint32_t outer = PLAN_NONE;
    g->region = draw_region(d, g->first);
    if (g->chain->count > 0)
        outer = add_box(d, g, g->chain->count - 1, g->first, PLAN_NONE);
    for (uint32_t i = 0; i < g->count; i++)
        add_host(d, g, g->first + i, outer);
}

typedef void visit_group(struct drawing *d, struct group *g);

static void count_boxes(struct drawing *d, struct group *g)
{
    if (g->chain->count > 0)
        d->plan->box_count += 1 + g->count * (g->chain->count - 1);
}

static void each_group(struct drawing *d, const struct draft *draft, visit_group *visit)
{
    for (uint32_t i = 0; i < d->plan->population_count; i++) {
        struct group g = {&draft->populations[i], &d->plan->populations[i], i, 0, 0, 0, NULL};
        uint32_t end = g.population->first + g.population->count;
        for (g.first = g.population->first; g.first < end; g.first += g.count) {
            uint32_t left = end - g.first;
            g.count = left < g.draft->subscribers ? left : g.draft->subscribers;
            g.chain = catalogue_draw(g.draft->nat, d->plan->seed, g.first);
            visit(d, &g);
        }
    }
}

/* The population whose NATs and lines await a host that roams. */
static uint32_t goal_of(const struct plan *plan, const struct plan_fault *fault, uint32_t host)
{
    uint32_t own = 0;
    while (host - plan->populations[own].first >= plan->populations[own].count)
        own++;
    return fault->to == PLAN_NONE ? own : fault->to;
}

/* The places to which hosts roam: each a group of one, as its population has them. */
static void each_spare(struct drawing *d, const struct draft *draft, visit_group *visit)
{
    for (uint32_t i = 0; i < d->plan->fault_count; i++) {
        const struct plan_fault *fault = &d->plan->faults[i];
        for (uint32_t k = 0; fault->kind == FAULT_ROAM && k < fault->member_count; k++) {
            uint32_t to = goal_of(d->plan, fault, fault->members[k]);
            uint32_t place = fault->first_place + k;
            struct group g = {
                &draft->populations[to], &d->plan->populations[to], to, place, 1, 0, NULL};
            g.chain = catalogue_draw(g.draft->nat, d->plan->seed, place);
            visit(d, &g);
        }
    }
}

typedef void visit_change(struct drawing *d, struct plan_box *box, const struct error_place *at);

static void count_change(struct drawing *d, struct plan_box *box, const struct error_place *at)
{
    (void)d, (void)at;
    box->later_count++;
}

static void add_change(struct drawing *d, struct plan_box *box, const struct error_place *at)
{
    struct draft_population draft = {.place = *at};
    struct plan_population population = {.family = box->outside.family};
    struct group g = {.draft = &draft, .population = &population};
    if (box->later == NULL) {
        box->later = arena_take(&d->plan->memory, box->later_count * sizeof *box->later);
        box->later_count = 0;
    }
    box->later[box->later_count++] = box_address(d, &g, box);
}

/* The addresses that boxes get by their changes of them. */
static void each_change(struct drawing *d, const struct draft *draft, visit_change *visit)
{
    for (uint32_t i = 0; i < d->plan->fault_count; i++) {
        const struct plan_fault *fault = &d->plan->faults[i];
        for (uint32_t k = 0; fault->kind == FAULT_READDRESS && k < fault->member_count; k++)
            visit(d, &d->plan->boxes[fault->members[k]], &draft->faults[i]);
    }
}

bool scenario_draw(const struct draft *draft, struct errors *errors)
{
    struct plan *plan = draft->plan;
    struct arena scratch = {0};
    struct drawing d = {.plan = plan, .errors = errors, .labels.scratch = &scratch};
    for (uint32_t i = 0; i < plan->network.regions; i++)
        d.region_weight += plan->network.region_weights[i];
    if (!scenario_faults_hosts(draft, errors))
        return false;
    each_group(&d, draft, count_boxes);
    each_spare(&d, draft, count_boxes);
    plan->hosts = arena_take(&plan->memory, plan_places(plan) * sizeof *plan->hosts);
    plan->boxes = arena_take(&plan->memory, (plan->box_count + 1) * sizeof *plan->boxes);
    d.inside = arena_take(&scratch, (plan->box_count + 1) * sizeof *d.inside);
    plan->box_count = 0;
    each_group(&d, draft, add_group);
    each_spare(&d, draft, add_group);
    bool fine = !d.failed && scenario_faults_boxes(draft, errors);
    if (fine) {
        each_change(&d, draft, count_change);
        each_change(&d, draft, add_change);
    }
    arena_free(&scratch);
    return fine && !d.failed;
}
