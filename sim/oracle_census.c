/* oracle_census.c: see oracle_census.h. */
#include "sim/oracle_census.h"

#include <stdlib.h>
#include <string.h>

#include "sim/plan.h"
#include "stack/check.h"

#define CACHED   256 /* classes whose verdicts are remembered: 2 MB of them */
#define NO_LABEL ORACLE_CENSUS_LABELS

/* What tells hosts apart: all that the rule and the formulae ask of a chain. */
struct class
{
    struct rule_kind kinds[RULE_CHAIN];
    struct oracle_side side;
    struct rule_chain chain; /* of the first host, for all */
};

struct answer {
    float plain, best;
    uint8_t technique, known;
};

struct tally {
    double plain, best; /* sums */
    uint64_t dials, techniques[ORACLE_TECHNIQUES];
};

struct oracle_census {
    const struct plan *plan;
    struct oracle_budget budget;
    uint32_t *class_of; /* [hosts] */
    uint8_t *label_of;  /* [hosts] */
    uint32_t class_count, class_room, label_count;
    struct class *classes;
    const char *labels[ORACLE_CENSUS_LABELS];
    struct answer *answers; /* [2][CACHED][CACHED], by the number of shared boxes */
    struct tally tallies[ORACLE_CENSUS_LABELS][ORACLE_CENSUS_LABELS];
};

static struct class classify(const struct oracle_census *c, uint32_t host)
{
    const struct plan *plan = c->plan;
    struct class class;
    memset(&class, 0, sizeof class);
    for (uint32_t box = plan->hosts[host].box; box != PLAN_NONE; box = plan->boxes[box].outer) {
        CHECK(class.chain.count < RULE_CHAIN);
        class.kinds[class.chain.count] = rule_kind(&plan->boxes[box].policy);
        class.chain.boxes[class.chain.count++] = &plan->boxes[box].policy;
    }
    class.side = oracle_side_of(&class.chain, &c->budget);
    class.side.refreshes = 0; /* a cost, and as a limit told by `mappings` */
    return class;
}

static uint32_t find_class(struct oracle_census *c, const struct class *class)
{
    for (uint32_t i = 0; i < c->class_count; i++)
        if (memcmp(c->classes[i].kinds, class->kinds, sizeof class->kinds) == 0 &&
            memcmp(&c->classes[i].side, &class->side, sizeof class->side) == 0)
            return i;
    if (c->class_count == c->class_room) {
        c->class_room = c->class_room ? c->class_room * 2 : 16;
        c->classes = realloc(c->classes, c->class_room * sizeof *c->classes);
        CHECK(c->classes);
    }
    c->classes[c->class_count] = *class;
    return c->class_count++;
}

/* A plan shares its labels, but need not. */
static uint8_t find_label(struct oracle_census *c, const char *label)
{
    for (uint32_t i = 0; i < c->label_count; i++)
        if (c->labels[i] == label || strcmp(c->labels[i], label) == 0)
            return (uint8_t)i;
    if (c->label_count == ORACLE_CENSUS_LABELS)
        return NO_LABEL;
    c->labels[c->label_count] = label;
    return (uint8_t)c->label_count++;
}

struct oracle_census *oracle_census_open(const struct plan *plan)
{
    struct oracle_census *c = calloc(1, sizeof *c);
    CHECK(c);
    c->plan = plan;
    c->budget = (struct oracle_budget)ORACLE_BUDGET;
    c->class_of = calloc(plan->host_count + 1u, sizeof *c->class_of);
    c->label_of = calloc(plan->host_count + 1u, sizeof *c->label_of);
    c->answers = calloc(2 * CACHED * CACHED, sizeof *c->answers);
    CHECK(c->class_of && c->label_of && c->answers);
    for (uint32_t i = 0; i < plan->host_count; i++) {
        struct class class = classify(c, i);
        c->class_of[i] = find_class(c, &class);
        c->label_of[i] = find_label(c, plan->hosts[i].nat);
    }
    return c;
}

void oracle_census_close(struct oracle_census *c)
{
    free(c->class_of);
    free(c->label_of);
    free(c->classes);
    free(c->answers);
    free(c);
}

static struct answer judge(const struct oracle_census *c, uint32_t a, uint32_t b, uint32_t shared)
{
    struct oracle_verdict v =
        oracle_judge(&c->classes[a].chain, &c->classes[b].chain, shared, &c->budget);
    return (struct answer){(float)v.plain, (float)v.best, (uint8_t)v.technique, 1};
}

static struct answer ask(struct oracle_census *c, uint32_t src, uint32_t dst)
{
    const struct plan_host *hosts = c->plan->hosts;
    uint32_t a = c->class_of[src], b = c->class_of[dst];
    if (hosts[src].box != PLAN_NONE && hosts[src].box == hosts[dst].box)
        return (struct answer){1, 1, ORACLE_PLAIN, 1}; /* one network */
    uint32_t shared = rule_shared(c->plan, src, dst);
    if (shared > 1 || a >= CACHED || b >= CACHED)
        return judge(c, a, b, shared);
    struct answer *answer = &c->answers[(shared * CACHED + a) * CACHED + b];
    if (!answer->known)
        *answer = judge(c, a, b, shared);
    return *answer;
}

void oracle_census_dial(struct oracle_census *c, uint32_t src, uint32_t dst)
{
    CHECK(src < c->plan->host_count && dst < c->plan->host_count);
    if (c->label_of[src] == NO_LABEL || c->label_of[dst] == NO_LABEL)
        return;
    struct answer answer = ask(c, src, dst);
    struct tally *tally = &c->tallies[c->label_of[src]][c->label_of[dst]];
    tally->dials++;
    tally->plain += (double)answer.plain;
    tally->best += (double)answer.best;
    tally->techniques[answer.technique]++;
}

static enum oracle_technique most_frequent(const struct tally *tally)
{
    enum oracle_technique most = ORACLE_NONE;
    for (enum oracle_technique t = ORACLE_NONE; t < ORACLE_TECHNIQUES; t++)
        if (tally->techniques[t] > tally->techniques[most])
            most = t;
    return most;
}

bool oracle_census_pair(const struct oracle_census *c, uint32_t i, struct oracle_pair *pair)
{
    for (uint32_t place = 0; place < c->label_count * c->label_count; place++) {
        uint32_t src = place / c->label_count, dst = place % c->label_count;
        const struct tally *tally = &c->tallies[src][dst];
        if (tally->dials == 0 || i-- > 0)
            continue;
        double dials = (double)tally->dials;
        *pair =
            (struct oracle_pair){c->labels[src],       c->labels[dst],      tally->dials,
                                 tally->plain / dials, tally->best / dials, most_frequent(tally)};
        return true;
    }
    return false;
}
