/* scenario_tap.c: what a population of the behaviour `tap` needs (tap.h). */
#include <ctype.h>

#include "sim/scenario_parts.h"
#include "sim/tap.h"

/* A device's name must be a word that shells and kernels take. */
static bool is_device_name(const struct plan_population *p)
{
    char name[TAP_NAME];
    int length = tap_name(p, p->count == 0 ? 0 : p->count - 1, name);
    for (const char *c = p->name; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
            return false;
    return length < TAP_NAME;
}

static void check_one(const struct yaml_node *map, const struct plan *plan,
                      const struct plan_population *p, struct errors *errors)
{
    const struct yaml_node *behaviour = yaml_get(map, "behaviour");
    if (plan->modelled)
        errors_add(errors, &behaviour->place, "population",
                   "expected `crypto: real` in a scenario with a tap: real programs speak nothing "
                   "else");
    if (p->family != ADDR_V4)
        errors_add(errors, &behaviour->place, "population", "expected `family: 4` of a tap, got 6");
    if (!is_device_name(p))
        errors_add(errors, &yaml_get(map, "name")->place, "population",
                   "expected a name of letters, digits, _ and - that makes, with the host's "
                   "number, at most %d bytes, since taps are called so; got `%s`",
                   TAP_NAME - 1, p->name);
}

void scenario_taps(const struct yaml_node *populations, const struct plan *plan,
                   struct errors *errors)
{
    for (uint32_t i = 0; i < plan->population_count; i++)
        if (plan->populations[i].behaviour == BEHAVIOUR_TAP)
            check_one(populations->items[i].value, plan, &plan->populations[i], errors);
}
