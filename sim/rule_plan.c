/* rule_plan.c: the rule applied to the boxes of a plan.  Hosts fall into few
 * classes by what their boxes do; the rule is asked once per pair of classes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/plan.h"
#include "sim/rule.h"
#include "stack/check.h"

#define UNKNOWN 2 /* of a cached answer */

struct class
{
    struct rule_kind kinds[RULE_CHAIN]; /* what makes the class; zero beyond the chain */
    struct rule_chain chain;
};

struct rule {
    const struct plan *plan;
    uint32_t *class_of; /* [hosts] */
    uint32_t class_count, room;
    struct class *classes;
    uint8_t *answers[2]; /* [classes * classes], by the number of shared boxes */
};

static struct class classify(const struct plan *plan, uint32_t host)
{
    struct class class;
    memset(&class, 0, sizeof class);
    for (uint32_t box = plan->hosts[host].box; box != PLAN_NONE; box = plan->boxes[box].outer) {
        CHECK(class.chain.count < RULE_CHAIN);
        class.kinds[class.chain.count] = rule_kind(&plan->boxes[box].policy);
        class.chain.boxes[class.chain.count++] = &plan->boxes[box].policy;
    }
    return class;
}

static uint32_t find_class(struct rule *r, const struct class *class)
{
    for (uint32_t i = 0; i < r->class_count; i++)
        if (memcmp(r->classes[i].kinds, class->kinds, sizeof class->kinds) == 0)
            return i;
    if (r->class_count == r->room) {
        r->room = r->room ? r->room * 2 : 16;
        r->classes = realloc(r->classes, r->room * sizeof *r->classes);
        CHECK(r->classes);
    }
    r->classes[r->class_count] = *class;
    return r->class_count++;
}

struct rule *rule_open(const struct plan *plan)
{
    struct rule *r = calloc(1, sizeof *r);
    CHECK(r);
    r->plan = plan;
    r->class_of = calloc(plan->host_count + 1u, sizeof *r->class_of);
    CHECK(r->class_of);
    for (uint32_t i = 0; i < plan->host_count; i++) {
        struct class class = classify(plan, i);
        r->class_of[i] = find_class(r, &class);
    }
    for (int shared = 0; shared < 2; shared++) {
        size_t size = (size_t)r->class_count * r->class_count + 1;
        r->answers[shared] = malloc(size);
        CHECK(r->answers[shared]);
        memset(r->answers[shared], UNKNOWN, size);
    }
    return r;
}

void rule_close(struct rule *r)
{
    free(r->class_of);
    free(r->classes);
    free(r->answers[0]);
    free(r->answers[1]);
    free(r);
}

static bool ask(struct rule *r, uint32_t a, uint32_t b, uint32_t shared)
{
    const struct rule_chain *first = &r->classes[a].chain, *second = &r->classes[b].chain;
    if (shared > 1)
        return rule_direct(first, second, shared);
    uint8_t *answer = &r->answers[shared][(size_t)a * r->class_count + b];
    if (*answer == UNKNOWN)
        *answer = rule_direct(first, second, shared);
    return *answer;
}

uint32_t rule_shared(const struct plan *plan, uint32_t a, uint32_t b)
{
    for (uint32_t x = plan->hosts[a].box; x != PLAN_NONE; x = plan->boxes[x].outer)
        for (uint32_t y = plan->hosts[b].box; y != PLAN_NONE; y = plan->boxes[y].outer) {
            if (x != y)
                continue;
            uint32_t count = 0;
            for (; x != PLAN_NONE; x = plan->boxes[x].outer)
                count++;
            return count;
        }
    return 0;
}

bool rule_pair(struct rule *r, uint32_t a, uint32_t b)
{
    const struct plan_host *hosts = r->plan->hosts;
    if (hosts[a].box != PLAN_NONE && hosts[a].box == hosts[b].box)
        return true; /* one network */
    return ask(r, r->class_of[a], r->class_of[b], rule_shared(r->plan, a, b));
}

static uint32_t outermost(const struct plan *plan, uint32_t host)
{
    uint32_t box = plan->hosts[host].box;
    while (box != PLAN_NONE && plan->boxes[box].outer != PLAN_NONE)
        box = plan->boxes[box].outer;
    return box;
}

/* Ordered pairs of different hosts among first .. end-1, which stand behind one
 * outermost box: those that are direct, less what the classes alone say of all
 * of them, themselves included.  They share either all boxes (one network) or
 * the outermost alone. */
static double correct_group(struct rule *r, uint32_t first, uint32_t end)
{
    const struct plan_host *hosts = r->plan->hosts;
    if (end - first == 1)
        return -(double)ask(r, r->class_of[first], r->class_of[first], 0);
    bool one_network = hosts[first].box == hosts[first + 1].box;
    double direct = 0, *counts = calloc(r->class_count + 1u, sizeof *counts);
    CHECK(counts);
    for (uint32_t i = first; i < end; i++)
        counts[r->class_of[i]]++;
    for (uint32_t a = 0; a < r->class_count; a++)
        for (uint32_t b = 0; b < r->class_count; b++) {
            if (counts[a] == 0 || counts[b] == 0)
                continue;
            double others = counts[a] * (counts[b] - (a == b));
            direct += others * (one_network || ask(r, a, b, 1));
            direct -= counts[a] * counts[b] * ask(r, a, b, 0);
        }
    free(counts);
    return direct;
}

/* Hosts behind one outermost box follow one another in their population. */
static double correct_population(struct rule *r, const struct plan_population *p)
{
    double direct = 0;
    uint32_t end = p->first + p->count, next;
    for (uint32_t first = p->first; first < end; first = next) {
        uint32_t box = outermost(r->plan, first);
        next = first + 1;
        while (next < end && box != PLAN_NONE && outermost(r->plan, next) == box)
            next++;
        direct += correct_group(r, first, next);
    }
    return direct;
}

static void count_classes(const struct rule *r, const bool *group, double *counts, double *hosts)
{
    const struct plan *plan = r->plan;
    *hosts = 0;
    for (uint32_t i = 0; i < r->class_count; i++)
        counts[i] = 0;
    for (uint32_t i = 0; i < plan->host_count; i++)
        if (group[plan->hosts[i].population]) {
            counts[r->class_of[i]]++;
            ++*hosts;
        }
}

struct pairs {
    double direct, all, sources;
};

static struct pairs count_pairs(struct rule *r, const struct plan_workload *w)
{
    const struct plan *plan = r->plan;
    struct pairs pairs = {0};
    double targets;
    double *src = calloc(2u * r->class_count + 1, sizeof *src);
    CHECK(src);
    double *dst = src + r->class_count;
    count_classes(r, w->src, src, &pairs.sources);
    count_classes(r, w->dst, dst, &targets);
    for (uint32_t a = 0; a < r->class_count; a++)
        for (uint32_t b = 0; b < r->class_count; b++)
            pairs.direct += src[a] * dst[b] * ask(r, a, b, 0);
    pairs.all = pairs.sources * targets;
    for (uint32_t i = 0; i < plan->population_count; i++)
        if (w->src[i] && w->dst[i]) {
            pairs.direct += correct_population(r, &plan->populations[i]);
            pairs.all -= plan->populations[i].count;
        }
    free(src);
    return pairs;
}

double rule_share(struct rule *r)
{
    double direct = 0, dials = 0;
    for (uint32_t i = 0; i < r->plan->workload_count; i++) {
        const struct plan_workload *w = &r->plan->workloads[i];
        if (plan_publishes(w))
            continue;
        struct pairs pairs = count_pairs(r, w);
        double weight = pairs.all; /* all_pairs: each once */
        if (w->kind == WORK_DIAL_UNIFORM)
            weight = pairs.sources * (double)w->rate_uhz * (double)(w->until - w->from) / 1e15;
        if (pairs.all <= 0)
            continue;
        direct += weight * pairs.direct / pairs.all;
        dials += weight;
    }
    return dials > 0 ? direct / dials : 0;
}

double rule_distance(double share, uint64_t dials, uint64_t direct)
{
    if (dials == 0)
        return 0;
    double n = (double)dials, error = sqrt(share * (1 - share) / n);
    if (error < 1 / n)
        error = 1 / n; /* a share of 0 or 1 has no spread, but a dial is still one of n */
    return fabs((double)direct / n - share) / error;
}
