/* scenario_partial.c: what can still be told about a document that the schema
 * found wrong: names that lead nowhere.  So that all mistakes are told at once. */
#include <string.h>

#include "sim/scenario_parts.h"
#include "sim/schema.h"

static const struct yaml_node *list_under(const struct yaml_node *document, const char *key)
{
    const struct yaml_node *list = yaml_get(document, key);
    return list && list->kind == YAML_LIST ? list : NULL;
}

/* The populations' names alone. */
static void name_populations(const struct yaml_node *list, struct plan *plan)
{
    plan->populations = arena_take(&plan->memory, (list->count + 1) * sizeof *plan->populations);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct yaml_node *name = yaml_get(list->items[i].value, "name");
        if (name)
            plan->populations[plan->population_count++].name =
                arena_text(&plan->memory, name->text, strlen(name->text));
    }
}

static void check_nats(const struct scenario *s, const struct yaml_node *list,
                       struct arena *scratch, struct errors *errors)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct yaml_node *nat = yaml_get(list->items[i].value, "nat");
        const struct yaml_node *name = yaml_get(list->items[i].value, "name");
        if (nat)
            (void)catalogue_nat(s->catalogue, scratch, nat,
                                arena_format(scratch, "population.%s.nat",
                                             name ? name->text : arena_format(scratch, "%u", i)),
                                errors);
    }
}

static void check_name(const struct plan *plan, const struct yaml_node *name, const char *path,
                       struct errors *errors)
{
    if (name->kind == YAML_TEXT && scenario_population(plan, name->text) == PLAN_NONE)
        scenario_no_population(plan, name, path, errors);
}

static void check_group(const struct plan *plan, const struct yaml_node *group, const char *path,
                        struct errors *errors)
{
    check_name(plan, group, path, errors);
    for (uint32_t i = 0; i < group->count; i++)
        check_name(plan, group->items[i].value, path, errors);
}

static void check_groups(const struct yaml_node *list, const struct plan *plan,
                         struct arena *scratch, struct errors *errors)
{
    static const char *const keys[] = {"src", "dst"};
    for (uint32_t i = 0; i < list->count; i++)
        for (int k = 0; k < 2; k++) {
            const struct yaml_node *group = yaml_get(list->items[i].value, keys[k]);
            if (group)
                check_group(plan, group, arena_format(scratch, "workload.%u", i), errors);
        }
}

static void check_faults(const struct yaml_node *list, const struct plan *plan,
                         struct arena *scratch, struct errors *errors)
{
    for (uint32_t i = 0; i < list->count; i++)
        for (uint32_t kind = 0; kind < FAULT_PARTITION; kind++) {
            const struct yaml_node *group =
                yaml_get(list->items[i].value, SCHEMA_FAULT.keys[kind].name);
            if (group)
                check_group(plan, group, arena_format(scratch, "faults.%u", i), errors);
        }
}

void scenario_partial(const struct scenario *s, const struct yaml_node *document,
                      struct arena *scratch, struct errors *errors)
{
    struct plan plan = {0};
    const struct yaml_node *list = list_under(document, "population");
    const struct yaml_node *expect = yaml_get(document, "expect");
    const struct yaml_node *compare = yaml_get(document, "compare");
    if (list) {
        name_populations(list, &plan);
        check_nats(s, list, scratch, errors);
    }
    if (list && (list = list_under(document, "workload")))
        check_groups(list, &plan, scratch, errors);
    if (plan.populations && (list = list_under(document, "faults")))
        check_faults(list, &plan, scratch, errors);
    const struct yaml_node *churn = yaml_get(document, "churn");
    const struct yaml_node *of = churn ? yaml_get(churn, "of") : NULL;
    if (plan.populations && of)
        check_group(&plan, of, "churn", errors);
    if (expect && expect->kind == YAML_MAP)
        scenario_expect(expect, s->catalogue, &plan, errors);
    if (compare && compare->kind == YAML_MAP)
        scenario_compare(compare, &plan, errors);
    arena_free(&plan.memory);
}
