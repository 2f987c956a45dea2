/* scenario_faults.c: `faults` -> plan_fault, and the hosts and boxes that each strikes. */
#include <stdlib.h>
#include <string.h>

#include "sim/catalogue_box.h"
#include "sim/draw.h"
#include "sim/scenario_parts.h"
#include "sim/schema.h"
#include "stack/check.h"

struct fault_reader {
    struct draft *draft;
    struct plan *plan;
    struct arena *scratch;
    struct errors *errors;
    const struct yaml_node *map;
    const char *path;
    struct plan_fault *fault;
};

static bool strikes_hosts(enum plan_fault_kind kind)
{
    return kind <= FAULT_RESTART || kind == FAULT_ROAM;
}

static bool strikes_boxes(enum plan_fault_kind kind)
{
    return kind >= FAULT_NAT_REBOOT && kind <= FAULT_READDRESS;
}

static bool may_end(enum plan_fault_kind kind)
{
    return kind == FAULT_CRASH || kind == FAULT_LEAVE || kind == FAULT_PARTITION ||
           kind == FAULT_LOSS;
}

static const char *name_of(enum plan_fault_kind kind)
{
    return SCHEMA_FAULT.keys[kind].name;
}

/* A key that somebody wrote. */
static const struct yaml_node *written(const struct fault_reader *r, const char *key)
{
    const struct yaml_node *node = yaml_get(r->map, key);
    return node && !node->standard ? node : NULL;
}

static void need_fitting(const struct fault_reader *r, const char *key, bool fits)
{
    const struct yaml_node *node = written(r, key);
    if (node && !fits)
        errors_add(r->errors, &node->place, r->path, "expected no %s with %s", key,
                   name_of(r->fault->kind));
}

static void check_fitting(const struct fault_reader *r)
{
    enum plan_fault_kind kind = r->fault->kind;
    need_fitting(r, "for", may_end(kind));
    need_fitting(r, "share", strikes_hosts(kind) || strikes_boxes(kind));
    need_fitting(r, "box", strikes_boxes(kind));
    need_fitting(r, "knobs", kind == FAULT_NAT_SET);
    need_fitting(r, "to", kind == FAULT_ROAM);
    need_fitting(r, "of", kind == FAULT_LOSS);
    if (kind == FAULT_NAT_SET && !written(r, "knobs"))
        errors_add(r->errors, &r->map->place, r->path, "expected the key `knobs`, got none");
}

/* "partition europe,home" */
static char *describe(const struct fault_reader *r, const struct yaml_node *value)
{
    const char *text = value->text;
    for (uint32_t i = 0; i < value->count; i++)
        text = arena_format(r->scratch, "%s%s%s", text, i ? "," : "", value->items[i].value->text);
    return arena_format(&r->plan->memory, "%s %s", name_of(r->fault->kind), text);
}

static bool mark_region(const struct fault_reader *r, const char *name)
{
    const struct plan_network *network = &r->plan->network;
    for (uint32_t i = 0; network->region_names && i < network->regions; i++)
        if (strcmp(network->region_names[i], name) == 0) {
            r->fault->regions[i] = true;
            return true;
        }
    return false;
}

/* One side of a partition. */
static void mark_side(const struct fault_reader *r, const struct yaml_node *name)
{
    uint32_t position = scenario_population(r->plan, name->text);
    if (position != PLAN_NONE)
        r->fault->groups[position] = true;
    else if (!mark_region(r, name->text))
        errors_add(r->errors, &name->place, r->path,
                   "expected the name of a population or of a region of network.latency, got `%s`",
                   name->text);
}

static void read_partition(const struct fault_reader *r, const struct yaml_node *names)
{
    r->fault->groups = arena_take(&r->plan->memory, r->plan->population_count + 1);
    r->fault->regions = arena_take(&r->plan->memory, r->plan->network.regions + 1);
    if (names->kind == YAML_TEXT)
        mark_side(r, names);
    for (uint32_t i = 0; i < names->count; i++)
        mark_side(r, names->items[i].value);
}

static void read_loss(const struct fault_reader *r, const struct yaml_node *loss)
{
    const struct yaml_node *of = written(r, "of");
    r->fault->loss_ppm = (uint32_t)loss->number;
    if (of)
        r->fault->groups = scenario_group(r->plan, of, r->path, r->errors);
}

static void read_to(const struct fault_reader *r)
{
    const struct yaml_node *to = written(r, "to");
    r->fault->to = PLAN_NONE;
    if (!to)
        return;
    r->fault->to = scenario_population(r->plan, to->text);
    if (r->fault->to == PLAN_NONE) {
        scenario_no_population(r->plan, to, r->path, r->errors);
        return;
    }
    for (uint32_t i = 0; i < r->plan->population_count; i++)
        if (r->fault->groups[i] &&
            r->plan->populations[i].family != r->plan->populations[r->fault->to].family) {
            errors_add(r->errors, &to->place, r->path,
                       "expected a population of the same family of addresses as %s, got `%s`",
                       r->plan->populations[i].name, to->text);
            return;
        }
}

/* Each knob by itself; whether they fit a box is known when that box is drawn. */
static void read_knobs(const struct fault_reader *r)
{
    const struct yaml_node *knobs = written(r, "knobs");
    struct plan_fault *fault = r->fault;
    if (!knobs)
        return;
    fault->settings = arena_take(&r->plan->memory, (knobs->count + 1) * sizeof *fault->settings);
    for (uint32_t i = 0; i < knobs->count; i++) {
        const struct yaml_item *item = &knobs->items[i];
        struct nat_policy trial = nat_policy_default();
        char error[200];
        if (strncmp(item->key->text, "x-", 2) == 0)
            continue;
        if (item->value->kind != YAML_TEXT)
            errors_add(r->errors, &item->value->place, r->path, "expected one value, got %s",
                       yaml_kind_name(item->value->kind));
        else if (nat_policy_set(&trial, item->key->text, item->value->text, error, sizeof error))
            errors_add(r->errors, &item->key->place, r->path, "%s", error);
        else
            fault->settings[fault->setting_count++] = (struct plan_setting){
                arena_text(&r->plan->memory, item->key->text, strlen(item->key->text)),
                arena_text(&r->plan->memory, item->value->text, strlen(item->value->text))};
    }
}

static void read_times(const struct fault_reader *r)
{
    const struct yaml_node *at = yaml_get(r->map, "at"), *length = written(r, "for");
    r->fault->at = at->number;
    r->fault->end = length ? at->number + length->number : MIST_NEVER;
    if (r->fault->at >= r->plan->duration)
        errors_add(r->errors, &at->place, r->path, "expected a time before the duration, got `%s`",
                   at->text);
}

static void read_fault(struct fault_reader *r)
{
    struct plan_fault *fault = r->fault;
    const struct yaml_node *value, *box = written(r, "box");
    while (!(value = yaml_get(r->map, name_of(fault->kind))))
        fault->kind++; /* one of them stands: the schema saw it */
    fault->what = describe(r, value);
    fault->share_ppm = (uint32_t)yaml_get(r->map, "share")->number;
    fault->level = box ? (uint32_t)box->number : PLAN_NONE;
    uint32_t before = r->errors->raised;
    check_fitting(r);
    read_times(r);
    if (fault->kind == FAULT_PARTITION)
        read_partition(r, value);
    else if (fault->kind == FAULT_LOSS)
        read_loss(r, value);
    else
        fault->groups = scenario_group(r->plan, value, r->path, r->errors);
    if (r->errors->raised != before)
        return;
    read_to(r);
    read_knobs(r);
}

void scenario_faults(const struct yaml_node *faults, struct draft *draft, struct arena *scratch,
                     struct errors *errors)
{
    struct plan *plan = draft->plan;
    plan->fault_count = faults->count;
    plan->faults = arena_take(&plan->memory, (faults->count + 1) * sizeof *plan->faults);
    draft->faults = arena_take(scratch, (faults->count + 1) * sizeof *draft->faults);
    for (uint32_t i = 0; i < faults->count; i++) {
        const struct yaml_node *map = faults->items[i].value;
        draft->faults[i] = map->place;
        struct fault_reader r = {.draft = draft,
                                 .plan = plan,
                                 .scratch = scratch,
                                 .errors = errors,
                                 .map = map,
                                 .path = arena_format(scratch, "faults.%u", i),
                                 .fault = &plan->faults[i]};
        read_fault(&r);
    }
}

/* ---- whom they strike ---- */

static void choose_hosts(struct plan *plan, uint32_t number)
{
    struct plan_fault *fault = &plan->faults[number];
    uint32_t candidates = 0;
    for (uint32_t i = 0; i < plan->population_count; i++)
        candidates += fault->groups[i] ? plan->populations[i].count : 0;
    fault->members = arena_take(&plan->memory, (candidates + 1) * sizeof *fault->members);
    for (uint32_t i = 0; i < plan->population_count; i++) {
        const struct plan_population *p = &plan->populations[i];
        for (uint32_t host = p->first; fault->groups[i] && host < p->first + p->count; host++)
            if (draw_ppm(plan->seed, host, DRAW_FAULT_HOST, number, fault->share_ppm))
                fault->members[fault->member_count++] = host;
    }
}

bool scenario_faults_hosts(const struct draft *draft, struct errors *errors)
{
    struct plan *plan = draft->plan;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        struct plan_fault *fault = &plan->faults[i];
        if (!strikes_hosts(fault->kind))
            continue;
        choose_hosts(plan, i);
        if (fault->kind != FAULT_ROAM)
            continue;
        fault->first_place = plan_places(plan);
        if (fault->member_count > SCENARIO_HOSTS - fault->first_place) {
            errors_add(errors, &draft->faults[i], "faults",
                       "expected at most %d hosts and moves in all, got more", SCENARIO_HOSTS);
            return false;
        }
        plan->spare_count += fault->member_count;
    }
    return true;
}

/* The box of a host that the fault means, or PLAN_NONE. */
static uint32_t box_at(const struct plan *plan, uint32_t host, uint32_t level)
{
    uint32_t box = plan->hosts[host].box;
    for (; box != PLAN_NONE && level > 0 && level != PLAN_NONE; level--)
        box = plan->boxes[box].outer;
    while (level == PLAN_NONE && box != PLAN_NONE && plan->boxes[box].outer != PLAN_NONE)
        box = plan->boxes[box].outer;
    return box;
}

static void choose_boxes(struct plan *plan, uint32_t number, bool *meant)
{
    struct plan_fault *fault = &plan->faults[number];
    memset(meant, 0, plan->box_count);
    uint32_t candidates = 0;
    for (uint32_t host = 0; host < plan->host_count; host++) {
        uint32_t box = box_at(plan, host, fault->level);
        if (box == PLAN_NONE || !fault->groups[plan->hosts[host].population] ||
            (fault->kind == FAULT_READDRESS && plan->boxes[box].outside.family == ADDR_NONE))
            continue;
        candidates += !meant[box];
        meant[box] = true;
    }
    fault->members = arena_take(&plan->memory, (candidates + 1) * sizeof *fault->members);
    for (uint32_t box = 0; box < plan->box_count; box++)
        if (meant[box] && draw_ppm(plan->seed, box, DRAW_FAULT_BOX, number, fault->share_ppm))
            fault->members[fault->member_count++] = box;
}

/* Turns the fault's knobs; false and an error: they do not fit with the others. */
static bool turn_knobs(const struct plan_fault *fault, struct nat_policy *policy, char *error,
                       size_t size)
{
    struct nat_policy before = *policy;
    for (uint32_t k = 0; k < fault->setting_count; k++)
        if (nat_policy_set(policy, fault->settings[k].key, fault->settings[k].value, error, size))
            return false;
    if (nat_policy_check(policy, error, size))
        return false;
    snprintf(error, size, "%s", "knobs that a box keeps for life: `kind` and `pool`");
    return policy->kind == before.kind && policy->pool == before.pool;
}

/* Do the new knobs fit with those that each box has by then? */
static bool knobs_fit(const struct draft *draft, uint32_t number, struct nat_policy *policies,
                      struct errors *errors)
{
    const struct plan_fault *fault = &draft->plan->faults[number];
    char error[200];
    for (uint32_t i = 0; i < fault->member_count; i++)
        if (!turn_knobs(fault, &policies[fault->members[i]], error, sizeof error)) {
            errors_add(errors, &draft->faults[number], "faults", "a box would have %s", error);
            return false;
        }
    return true;
}

/* The faults' numbers in order of (time, number). */
static uint32_t *in_order(const struct plan *plan, struct arena *scratch)
{
    uint32_t *order = arena_take(scratch, (plan->fault_count + 1) * sizeof *order);
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        uint32_t place = i;
        for (; place > 0 && plan->faults[order[place - 1]].at > plan->faults[i].at; place--)
            order[place] = order[place - 1];
        order[place] = i;
    }
    return order;
}

bool scenario_faults_boxes(const struct draft *draft, struct errors *errors)
{
    struct plan *plan = draft->plan;
    struct arena scratch = {0};
    bool *meant = arena_take(&scratch, plan->box_count + 1), fine = true;
    uint32_t *order = in_order(plan, &scratch);
    struct nat_policy *policies = arena_take(&scratch, (plan->box_count + 1) * sizeof *policies);
    for (uint32_t box = 0; plan->fault_count > 0 && box < plan->box_count; box++)
        policies[box] = plan->boxes[box].policy;
    uint64_t readdressed = 0;
    for (uint32_t i = 0; i < plan->fault_count && fine; i++) {
        const struct plan_fault *fault = &plan->faults[order[i]];
        if (!strikes_boxes(fault->kind))
            continue;
        choose_boxes(plan, order[i], meant);
        if (fault->kind == FAULT_NAT_SET)
            fine = knobs_fit(draft, order[i], policies, errors);
        readdressed += fault->kind == FAULT_READDRESS ? fault->member_count : 0;
        if (readdressed > SCENARIO_HOSTS) {
            errors_add(errors, &draft->faults[order[i]], "faults",
                       "expected at most %d changes of addresses in all, got more", SCENARIO_HOSTS);
            fine = false;
        }
    }
    arena_free(&scratch);
    return fine;
}
