/* scenario_cell.c: a checked document -> a plan without hosts, and the checks
 * that need more than one key at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/run_stack.h"
#include "sim/scenario_parts.h"
#include "stack/check.h"
#include "stack/mist.h"

#define LIBRARY     "library" /* under `stack`: not the core's configuration but the core */
#define MANY_NODES  5000      /* above, traffic is recorded by population (DESIGN 4.1) */
#define JOIN_USUAL  SEC(60)
#define SUGGESTIONS 200 /* names among which a suggestion is sought */

struct cell {
    const struct scenario *s;
    struct plan *plan;
    struct draft *draft;
    struct arena *scratch;
    struct errors *errors;
};

static int64_t number(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_get(map, key);
    CHECK(node); /* the schema gives it a default or requires it */
    return node->number;
}

static char *copy_text(struct plan *plan, const char *text)
{
    return arena_text(&plan->memory, text, strlen(text));
}

uint32_t scenario_population(const struct plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->population_count; i++)
        if (strcmp(plan->populations[i].name, name) == 0)
            return i;
    return PLAN_NONE;
}

void scenario_no_population(const struct plan *plan, const struct yaml_node *node, const char *path,
                            struct errors *errors)
{
    const char *names[SUGGESTIONS];
    uint32_t count = 0;
    for (; count < plan->population_count && count < SUGGESTIONS; count++)
        names[count] = plan->populations[count].name;
    const char *near = errors_suggest(node->text, names, count);
    errors_add(errors, &node->place, path, "expected the name of a population, got `%s`%s%s%s",
               node->text, near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
}

/* The network. */

static void read_network(struct cell *c, const struct yaml_node *network)
{
    struct plan_network *n = &c->plan->network;
    const struct yaml_node *broken = yaml_get(network, "broken");
    scenario_latency(c->s->latencies, yaml_get(network, "latency"), c->plan, c->errors);
    n->jitter_ppm = (uint32_t)number(network, "jitter");
    n->loss_ppm = (uint32_t)number(network, "loss");
    n->broken_nodes_ppm = (uint32_t)number(broken, "nodes");
    n->broken_pairs_ppm = (uint32_t)number(broken, "pairs");
}

/* Settings of the core. */

static void complain_setting(struct cell *c, const struct yaml_item *item, const char *key,
                             const struct mist_api *api, int result)
{
    uint32_t count = 0, kept = 0;
    const struct mist_key *keys = api->config_keys(&count);
    const char *names[SUGGESTIONS];
    for (; kept < count && kept < SUGGESTIONS; kept++)
        names[kept] = keys[kept].name;
    if (result == MIST_ERR_KEY) {
        const char *near = errors_suggest(key, names, kept);
        errors_add(c->errors, &item->key->place, "stack",
                   "expected a key of the core, got `%s`%s%s%s", key,
                   near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
        return;
    }
    const char *form = "another value";
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(keys[i].name, key) == 0)
            form = keys[i].form;
    errors_add(c->errors, &item->value->place, arena_format(c->scratch, "stack.%s", key),
               "expected %s, got `%s`", form, item->value->text);
}

/* Where the settings of a population go, and what tries them. */
struct settings {
    struct plan_population *population;
    const struct mist_api *api; /* of the build that these hosts run; NULL: nothing is tried */
    void *config;
};

static void read_setting(struct cell *c, const struct yaml_item *item, const char *key,
                         const struct settings *s)
{
    struct plan_population *p = s->population;
    const struct yaml_node *value = item->value;
    if (value->kind == YAML_LIST) {
        errors_add(c->errors, &value->place, arena_format(c->scratch, "stack.%s", key),
                   "expected text or a map, got a list");
        return;
    }
    if (strcmp(key, "crypto") == 0) {
        errors_add(c->errors, &item->key->place, "stack",
                   "expected `crypto` beside `stack`, for all hosts alike: they would not "
                   "understand each other");
        return;
    }
    int result = s->api ? s->api->config_set(s->config, key, value->text) : MIST_OK;
    if (result != MIST_OK) {
        complain_setting(c, item, key, s->api, result);
        return;
    }
    p->settings[p->settings_count++] =
        (struct plan_setting){copy_text(c->plan, key), copy_text(c->plan, value->text)};
}

/* { punch: { strategy: mist } } is punch.strategy = mist; `library` is not the core's. */
static void read_settings(struct cell *c, const struct yaml_node *map, const char *prefix,
                          const struct settings *s)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct yaml_item *item = &map->items[i];
        if (strncmp(item->key->text, "x-", 2) == 0 ||
            (!*prefix && strcmp(item->key->text, LIBRARY) == 0))
            continue;
        const char *key = arena_format(c->scratch, "%s%s", prefix, item->key->text);
        if (item->value->kind == YAML_MAP)
            read_settings(c, item->value, arena_format(c->scratch, "%s.", key), s);
        else
            read_setting(c, item, key, s);
    }
}

static uint32_t count_leaves(const struct yaml_node *map)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < map->count; i++)
        count += map->items[i].value->kind == YAML_MAP ? count_leaves(map->items[i].value) : 1;
    return count;
}

/* Another build of the core, for these hosts.  Returns what is to try their settings;
 * NULL: nothing may. */
static const struct mist_api *read_library(struct cell *c, const struct yaml_node *library,
                                           struct plan_population *p)
{
    char why[600];
    if (library->kind != YAML_TEXT || !*library->text) {
        errors_add(c->errors, &library->place, "stack.library", "expected the name of a file");
        return NULL;
    }
    const char *folder = *library->text == '/' ? "" : c->s->folder;
    const char *path = arena_format(c->scratch, "%s%s", folder, library->text);
    if (access(path, R_OK)) {
        errors_add(c->errors, &library->place, "stack.library",
                   "expected a build of the core (libmist.so), got %s: %s", path, strerror(errno));
        return NULL;
    }
    if (!c->s->options.load)
        return NULL;
    p->stack = c->s->options.load(path, why, sizeof why);
    if (!p->stack)
        errors_add(c->errors, &library->place, "stack.library", "%s", why);
    return p->stack ? p->stack->api : NULL;
}

static void read_stack(struct cell *c, const struct yaml_node *common, const struct yaml_node *own,
                       struct plan_population *p)
{
    const struct yaml_node *library = yaml_get(own, LIBRARY);
    library = library ? library : yaml_get(common, LIBRARY);
    struct settings s = {p, c->s->options.api, NULL};
    if (library)
        s.api = read_library(c, library, p);
    if (s.api) {
        s.config = arena_take(c->scratch, s.api->config_size);
        s.api->config_init(s.config);
    }
    uint32_t room = count_leaves(common) + count_leaves(own);
    p->settings = arena_take(&c->plan->memory, (room + 1) * sizeof *p->settings);
    read_settings(c, common, "", &s);
    read_settings(c, own, "", &s);
}

/* Populations. */

static bool has_role(const struct yaml_node *roles, const char *role)
{
    if (roles->kind == YAML_TEXT)
        return strcmp(roles->text, role) == 0;
    for (uint32_t i = 0; i < roles->count; i++)
        if (strcmp(roles->items[i].value->text, role) == 0)
            return true;
    return false;
}

static void check_box(struct cell *c, const struct nat_policy *policy, const struct yaml_node *nat,
                      const char *path, const struct plan_population *p, uint32_t subscribers)
{
    uint64_t ports = (uint64_t)(policy->high - policy->low + 1) * policy->pool;
    if (policy->kind == NAT_KIND_FIREWALL)
        return;
    if (p->family == ADDR_V6)
        errors_add(c->errors, &nat->place, path,
                   "expected none or firewalls for IPv6 hosts, got a box that translates IPv4");
    if (policy->kind == NAT_KIND_NAT && subscribers > ports)
        errors_add(c->errors, &nat->place, path,
                   "expected a port for each subscriber, got %u subscribers on %llu ports",
                   subscribers, (unsigned long long)ports);
    if (policy->kind == NAT_KIND_ONE_TO_ONE && subscribers > policy->pool)
        errors_add(c->errors, &nat->place, path,
                   "expected an address for each subscriber of a one-to-one box, got %u "
                   "subscribers on a pool of %u",
                   subscribers, policy->pool);
}

static void check_nat(struct cell *c, const struct yaml_node *population, const char *path,
                      const struct plan_population *p, const struct draft_population *d)
{
    const struct yaml_node *node = yaml_get(population, "nat");
    for (uint32_t i = 0; i < d->nat->count; i++) {
        const struct catalogue_chain *chain = &d->nat->chains[i];
        for (uint32_t level = 0; level < chain->count; level++)
            check_box(c, catalogue_fixed(chain->boxes[level]), node, path, p,
                      level + 1 == chain->count ? d->subscribers : 1);
    }
    if (p->bootstrap && (d->nat->count > 1 || d->nat->chains[0].count > 0))
        errors_add(c->errors, &node->place, path,
                   "expected `none` for hosts through which others join");
}

static char *write_nat(struct cell *c, const struct yaml_node *nat)
{
    if (nat->kind == YAML_TEXT)
        return copy_text(c->plan, nat->text);
    return yaml_to_json(&c->plan->memory, nat);
}

static void read_population(struct cell *c, const struct yaml_node *map,
                            const struct yaml_node *stack, uint32_t position)
{
    struct plan_population *p = &c->plan->populations[position];
    struct draft_population *d = &c->draft->populations[position];
    const struct yaml_node *access = yaml_get(map, "access"), *name = yaml_get(map, "name");
    const char *path = arena_format(c->scratch, "population.%s.nat", name->text);
    if (scenario_population(c->plan, name->text) != PLAN_NONE)
        errors_add(c->errors, &name->place, "population",
                   "expected each name once, got a second `%s`", name->text);
    p->name = copy_text(c->plan, name->text);
    p->first = c->plan->host_count;
    p->count = (uint32_t)number(map, "count");
    p->access = (struct plan_access){.up_bps = (uint64_t)number(access, "up"),
                                     .down_bps = (uint64_t)number(access, "down"),
                                     .delay = number(access, "delay"),
                                     .queue = (enum plan_queue)number(access, "queue"),
                                     .loss_ppm = (uint32_t)number(access, "loss"),
                                     .mtu = (uint32_t)number(access, "mtu"),
                                     .whole = number(access, "dont_fragment") != 0};
    p->family = number(map, "family") ? ADDR_V6 : ADDR_V4; /* position among 4, 6 */
    p->bootstrap = has_role(yaml_get(map, "roles"), "bootstrap");
    p->relay = has_role(yaml_get(map, "roles"), "relay");
    p->echo = has_role(yaml_get(map, "roles"), "echo");
    p->behaviour = (enum plan_behaviour)number(map, "behaviour");
    p->nat = write_nat(c, yaml_get(map, "nat"));
    read_stack(c, stack, yaml_get(map, "stack"), p);
    d->subscribers = (uint32_t)number(map, "subscribers_per_nat");
    d->place = yaml_get(map, "nat")->place;
    d->nat = catalogue_nat(c->s->catalogue, c->scratch, yaml_get(map, "nat"), path, c->errors);
    if (d->nat)
        check_nat(c, map, path, p, d);
    if (p->count > SCENARIO_HOSTS - c->plan->host_count) {
        errors_add(c->errors, &yaml_get(map, "count")->place, "population",
                   "expected at most %d hosts in all, got more", SCENARIO_HOSTS);
        return;
    }
    c->plan->host_count += p->count;
    c->plan->population_count++;
}

static void read_populations(struct cell *c, const struct yaml_node *document)
{
    const struct yaml_node *list = yaml_get(document, "population");
    const struct yaml_node *stack = yaml_get(document, "stack");
    struct plan *plan = c->plan;
    bool bootstrap = false;
    plan->populations = arena_take(&plan->memory, (list->count + 1) * sizeof *plan->populations);
    c->draft->populations =
        arena_take(c->scratch, (list->count + 1) * sizeof *c->draft->populations);
    for (uint32_t i = 0; i < list->count && plan->population_count == i; i++) {
        read_population(c, list->items[i].value, stack, i);
        bootstrap = bootstrap || plan->populations[i].bootstrap;
    }
    if (!bootstrap)
        errors_add(c->errors, &list->place, "population",
                   "expected a population with the role bootstrap, got none");
    if (plan->population_count == list->count)
        scenario_attacks(list, plan, c->scratch, c->errors);
}

/* The workload. */

static void mark_group(const struct plan *plan, const struct yaml_node *name, const char *path,
                       bool *group, struct errors *errors)
{
    uint32_t position = scenario_population(plan, name->text);
    if (position == PLAN_NONE)
        scenario_no_population(plan, name, path, errors);
    else
        group[position] = true;
}

bool *scenario_group(struct plan *plan, const struct yaml_node *names, const char *path,
                     struct errors *errors)
{
    bool *group = arena_take(&plan->memory, plan->population_count + 1);
    if (!names)
        for (uint32_t i = 0; i < plan->population_count; i++)
            group[i] = !plan->populations[i].bootstrap &&
                       plan->populations[i].behaviour == BEHAVIOUR_HONEST;
    else if (names->kind == YAML_TEXT)
        mark_group(plan, names, path, group, errors);
    else
        for (uint32_t i = 0; i < names->count; i++)
            mark_group(plan, names->items[i].value, path, group, errors);
    return group;
}

static void check_groups(struct cell *c, const struct yaml_node *map, const char *path,
                         const struct plan_workload *w)
{
    uint64_t sources = 0, targets = 0, both = 0;
    for (uint32_t i = 0; i < c->plan->population_count; i++) {
        uint32_t count = c->plan->populations[i].count;
        sources += w->src[i] ? count : 0;
        targets += w->dst[i] ? count : 0;
        both += w->src[i] && w->dst[i] ? count : 0;
    }
    bool lonely = sources == 1 && targets == 1 && both == 1;
    if (sources == 0 || (!plan_publishes(w) && (targets == 0 || lonely)))
        errors_add(c->errors, &map->place, path,
                   "expected hosts that act and others that they can reach, got too few");
}

static void check_times(struct cell *c, const struct yaml_node *map, const char *path,
                        const struct plan_workload *w)
{
    const struct yaml_node *until = yaml_get(map, "until");
    if (w->window > c->plan->duration)
        errors_add(c->errors, &yaml_get(map, "window")->place, path,
                   "expected a window within the duration, got `%s`%s",
                   yaml_get(map, "window")->text,
                   yaml_get(map, "window")->standard ? ", the default" : "");
    else if (until && w->until > c->plan->duration - w->window)
        errors_add(c->errors, &until->place, path,
                   "expected at most duration - window, so that the last has its outcome, got `%s`",
                   until->text);
    else if (w->from >= w->until)
        errors_add(c->errors, &yaml_get(map, "from")->place, path,
                   "expected a time before %s, got `%s`", until ? until->text : "duration - window",
                   yaml_get(map, "from")->text);
}

/* Keys that the kind of work needs or has no use for. */
static void check_fitting(struct cell *c, const struct yaml_node *map, const char *path,
                          const struct plan_workload *w)
{
    const struct yaml_node *rate = yaml_get(map, "rate"), *size = yaml_get(map, "size");
    const struct yaml_node *dst = yaml_get(map, "dst");
    if (w->kind == WORK_DIAL_ALL_PAIRS && rate)
        errors_add(c->errors, &rate->place, path, "expected no rate with all_pairs");
    if (w->kind != WORK_DIAL_ALL_PAIRS && !rate)
        errors_add(c->errors, &map->place, path, "expected the key `rate`, got none");
    if (w->kind != WORK_DIAL_ALL_PAIRS && rate && rate->number == 0)
        errors_add(c->errors, &rate->place, path, "expected more than 0, got `%s`", rate->text);
    if (w->kind == WORK_PUBLISH_UNIFORM && dst)
        errors_add(c->errors, &dst->place, path, "expected no dst: whoever subscribes receives");
    if (plan_publishes(w) && w->talk)
        errors_add(c->errors, &yaml_get(map, "talk")->place, path, "expected no talk with publish");
    if (plan_publishes(w) && w->persons != PERSONS_UNKNOWN)
        errors_add(c->errors, &yaml_get(map, "persons")->place, path,
                   "expected no persons with publish");
    if (!plan_publishes(w) && !size->standard)
        errors_add(c->errors, &size->place, path, "expected no size with dial");
    if (!plan_publishes(w) && !yaml_get(map, "settled")->standard)
        errors_add(c->errors, &yaml_get(map, "settled")->place, path,
                   "expected no settled with dial");
}

static enum plan_workload_kind kind_of(const struct yaml_node *dial,
                                       const struct yaml_node *publish)
{
    if (dial)
        return dial->number ? WORK_DIAL_ALL_PAIRS : WORK_DIAL_UNIFORM;
    return publish->number ? WORK_PUBLISH_SHARED : WORK_PUBLISH_UNIFORM;
}

static void read_work(struct cell *c, const struct yaml_node *map, uint32_t position)
{
    struct plan_workload *w = &c->plan->workloads[position];
    const char *path = arena_format(c->scratch, "workload.%u", position);
    const struct yaml_node *dial = yaml_get(map, "dial"), *rate = yaml_get(map, "rate");
    const struct yaml_node *until = yaml_get(map, "until"), *talk = yaml_get(map, "talk");
    w->kind = kind_of(dial, yaml_get(map, "publish"));
    w->rate_uhz = rate ? (uint64_t)rate->number : 0;
    w->from = number(map, "from");
    w->window = number(map, "window");
    w->until = until ? until->number : c->plan->duration - w->window;
    w->size = (uint32_t)number(map, "size");
    w->settled = number(map, "settled");
    w->talk = talk ? talk->number : 0;
    w->persons = (enum plan_persons)number(map, "persons");
    uint32_t before = c->errors->raised;
    w->src = scenario_group(c->plan, yaml_get(map, "src"), path, c->errors);
    w->dst = scenario_group(c->plan, yaml_get(map, "dst"), path, c->errors);
    if (c->errors->raised == before)
        check_groups(c, map, path, w);
    check_fitting(c, map, path, w);
    check_times(c, map, path, w);
}

static void read_workload(struct cell *c, const struct yaml_node *list)
{
    struct plan *plan = c->plan;
    plan->workload_count = list->count;
    plan->workloads = arena_take(&plan->memory, (list->count + 1) * sizeof *plan->workloads);
    for (uint32_t i = 0; i < list->count; i++)
        read_work(c, list->items[i].value, i);
}

/* The whole. */

static void read_join(struct cell *c, const struct yaml_node *document)
{
    const struct yaml_node *join = yaml_get(document, "join");
    mist_time tenth = c->plan->duration / 10;
    c->plan->join = join ? join->number : tenth < JOIN_USUAL ? tenth : JOIN_USUAL;
    if (join && join->number > c->plan->duration)
        errors_add(c->errors, &join->place, "join", "expected at most the duration, got `%s`",
                   join->text);
}

static void read_record(struct cell *c, const struct yaml_node *record)
{
    const struct yaml_node *traffic = yaml_get(record, "traffic");
    c->plan->record_packets = number(record, "packets") != 0;
    c->plan->traffic_per_node =
        traffic ? strcmp(traffic->text, "node") == 0 : c->plan->host_count <= MANY_NODES;
}

void scenario_cell(const struct scenario *s, const struct yaml_node *document, struct draft *draft,
                   struct arena *scratch, struct errors *errors)
{
    struct cell c = {s, draft->plan, draft, scratch, errors};
    struct plan *plan = draft->plan;
    plan->name = copy_text(plan, yaml_get(document, "name")->text);
    plan->question = copy_text(plan, yaml_get(document, "question")->text);
    plan->seed = (uint64_t)number(document, "seed");
    plan->duration = number(document, "duration");
    plan->modelled = strcmp(yaml_get(document, "crypto")->text, "modelled") == 0;
    read_join(&c, document);
    read_network(&c, yaml_get(document, "network"));
    read_populations(&c, document);
    scenario_taps(yaml_get(document, "population"), plan, errors);
    scenario_engine(yaml_get(document, "engine"), plan, errors);
    read_workload(&c, yaml_get(document, "workload"));
    scenario_churn(s, yaml_get(document, "churn"), plan, errors);
    scenario_faults(yaml_get(document, "faults"), draft, scratch, errors);
    scenario_expect(yaml_get(document, "expect"), s->catalogue, plan, errors);
    scenario_compare(yaml_get(document, "compare"), plan, errors);
    read_record(&c, yaml_get(document, "record"));
}
