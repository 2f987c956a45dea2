/* scenario_attack.c: `behaviour` and `attack` of populations -> plan_attack. */
#include "sim/scenario_parts.h"

struct attack_reader {
    struct plan *plan;
    struct plan_population *population;
    const struct yaml_node *map; /* of the population */
    const char *path;
    struct errors *errors;
};

/* Those who need a victim. */
static bool frames(const struct plan_population *p)
{
    return p->behaviour == BEHAVIOUR_REFLECTOR || p->behaviour == BEHAVIOUR_FRAMER;
}

static void check_behaviour(const struct attack_reader *r)
{
    const struct plan_population *p = r->population;
    const struct yaml_node *attack = yaml_get(r->map, "attack");
    bool attacks = p->behaviour == BEHAVIOUR_FLOODER || frames(p);
    if (attacks && !attack)
        errors_add(r->errors, &r->map->place, r->path, "expected the key `attack`, got none");
    if (!attacks && attack)
        errors_add(r->errors, &attack->place, r->path,
                   "expected no attack but of a flooder, a reflector or a framer");
    if (!plan_runs_nodes(p) && (p->bootstrap || p->relay || p->echo))
        errors_add(r->errors, &yaml_get(r->map, "roles")->place, r->path,
                   "expected no roles where no node runs");
}

static void read_victim(const struct attack_reader *r, const struct yaml_node *attack)
{
    const struct yaml_node *victim = yaml_get(attack, "victim");
    struct plan_population *p = r->population;
    p->attack.victim = PLAN_NONE;
    if (!victim && frames(p))
        errors_add(r->errors, &attack->place, r->path, "expected the key `victim`, got none");
    if (!victim)
        return;
    p->attack.victim = scenario_population(r->plan, victim->text);
    if (p->attack.victim == PLAN_NONE)
        scenario_no_population(r->plan, victim, r->path, r->errors);
    else if (r->plan->populations[p->attack.victim].family != p->family)
        errors_add(r->errors, &victim->place, r->path,
                   "expected victims of the same family of addresses, got `%s`", victim->text);
}

static void read_word(const struct attack_reader *r, const struct yaml_node *word)
{
    struct plan_attack *attack = &r->population->attack;
    if (attack->forge_count == FORGERIES)
        errors_add(r->errors, &word->place, r->path, "expected each word once, got more");
    else
        attack->forge[attack->forge_count++] = (enum plan_forgery)word->number;
}

static void read_forgeries(const struct attack_reader *r, const struct yaml_node *attack)
{
    const struct yaml_node *forge = yaml_get(attack, "forge"), *from = yaml_get(attack, "sources");
    bool floods = r->population->behaviour == BEHAVIOUR_FLOODER;
    for (uint32_t i = 0; forge->kind != YAML_TEXT && i < forge->count; i++)
        read_word(r, forge->items[i].value);
    if (forge->kind == YAML_TEXT)
        read_word(r, forge);
    if (r->population->attack.forge_count == 0)
        errors_add(r->errors, &forge->place, r->path, "expected a word, got none");
    if (!floods && !forge->standard)
        errors_add(r->errors, &forge->place, r->path, "expected forge with a flooder alone");
    r->population->attack.any_source = from->number != 0;
    if (from->number != 0 && (!floods || yaml_get(attack, "victim")))
        errors_add(r->errors, &from->place, r->path,
                   "expected any sources with a flooder that names no victim");
    if (from->number != 0 && r->population->family != ADDR_V4)
        errors_add(r->errors, &from->place, r->path, "expected any sources with IPv4");
}

static void read_attack(const struct attack_reader *r, const struct yaml_node *attack)
{
    struct plan_population *p = r->population;
    const struct yaml_node *rate = yaml_get(attack, "rate"), *at = yaml_get(attack, "at");
    p->attack.rate_uhz = (uint64_t)rate->number;
    p->attack.from = yaml_get(attack, "from")->number;
    p->attack.at = scenario_group(r->plan, at, r->path, r->errors);
    if (rate->number == 0)
        errors_add(r->errors, &rate->place, r->path, "expected more than 0, got `%s`", rate->text);
    for (uint32_t i = 0; i < r->plan->population_count; i++)
        if (p->attack.at[i] && r->plan->populations[i].family != p->family)
            errors_add(r->errors, &at->place, r->path,
                       "expected hosts of the same family of addresses, got `%s`",
                       r->plan->populations[i].name);
    read_victim(r, attack);
    read_forgeries(r, attack);
}

void scenario_attacks(const struct yaml_node *populations, struct plan *plan, struct arena *scratch,
                      struct errors *errors)
{
    for (uint32_t i = 0; i < plan->population_count; i++) {
        const struct yaml_node *map = populations->items[i].value;
        struct attack_reader r = {
            plan, &plan->populations[i], map,
            arena_format(scratch, "population.%s.attack", plan->populations[i].name), errors};
        uint32_t before = errors->raised;
        check_behaviour(&r);
        if (errors->raised == before && yaml_get(map, "attack"))
            read_attack(&r, yaml_get(map, "attack"));
    }
}
