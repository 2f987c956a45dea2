/* scenario_expect.c: `expect` -> plan_expect: bounds on metrics, and the matrix
 * of outcomes by pair of populations. */
#include <string.h>

#include "sim/metric.h"
#include "sim/scenario_parts.h"
#include "sim/value.h"

static const char METRIC_LETTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";

static char *copy(struct plan *plan, const char *text, size_t length)
{
    return arena_text(&plan->memory, text, length);
}

static struct plan_expect *add_expect(struct plan *plan)
{
    uint32_t count = plan->expect_count;
    if ((count & (count - 1)) == 0) { /* full: 0, 1, 2, 4, 8 ... */
        struct plan_expect *grown =
            arena_take(&plan->memory, (count ? count * 2 : 1) * sizeof *grown);
        if (count)
            memcpy(grown, plan->expects, count * sizeof *grown);
        plan->expects = grown;
    }
    return &plan->expects[plan->expect_count++];
}

/* Splits "dial.direct_rate[home, mobile]".  Returns false if it is none of both. */
static bool split_metric(struct plan *plan, struct plan_expect *expect, const char *metric)
{
    size_t length = strspn(metric, METRIC_LETTERS);
    const char *pair = metric + length;
    expect->metric = copy(plan, metric, strlen(metric));
    expect->name = copy(plan, metric, length);
    if (length == 0 || *pair == 0)
        return length > 0;
    const char *comma = strchr(pair, ',');
    const char *end = strchr(pair, ']');
    if (*pair != '[' || !comma || !end || end[1] || comma > end)
        return false;
    const char *dst = comma + 1 + strspn(comma + 1, " ");
    expect->src = copy(plan, pair + 1, (size_t)(comma - pair - 1));
    expect->dst = copy(plan, dst, (size_t)(end - dst));
    return *expect->src && *expect->dst;
}

struct reading {
    struct plan *plan;
    struct catalogue *catalogue;
    struct errors *errors;
};

/* A population, or the label of a NAT: one that may be drawn cannot be told from
 * one that never is, a single word can. */
static void check_end(const struct reading *r, const struct yaml_node *node, const char *end)
{
    struct yaml_node word = *node;
    word.text = end;
    if (scenario_population(r->plan, end) == PLAN_NONE && strcmp(end, "none") != 0 &&
        !strpbrk(end, "/>") && !catalogue_has_profile(r->catalogue, end))
        scenario_no_population(r->plan, &word, "expect", r->errors);
}

static void refuse_metric(const struct yaml_node *node, const char *name, struct errors *errors)
{
    const char *near = metric_suggest(name);
    if (metric_find(name, strlen(name)))
        errors_add(errors, &node->place, "expect",
                   "expected a pair such as `%s[home,mobile]`, got `%s`", name, node->text);
    else if (near)
        errors_add(errors, &node->place, "expect",
                   "expected a metric, got `%s` (did you mean `%s`?)", node->text, near);
    else
        errors_add(errors, &node->place, "expect",
                   "expected a metric such as `dial.direct_rate` or "
                   "`dial.direct_rate[home,mobile]`, got `%s` (`mistsim explain-key expect` lists "
                   "them)",
                   node->text);
}

/* The metric that the text names, or NULL after an error. */
static const struct metric *read_name(const struct reading *r, struct plan_expect *expect,
                                      const struct yaml_node *node)
{
    bool whole = split_metric(r->plan, expect, node->text);
    const struct metric *metric = whole ? metric_find(expect->name, strlen(expect->name)) : NULL;
    if (!metric) {
        refuse_metric(node, expect->name, r->errors);
        return NULL;
    }
    if (expect->src && !metric->pairs) {
        errors_add(r->errors, &node->place, "expect",
                   "expected `%s` alone: it is not measured by pair, got `%s`", metric->name,
                   node->text);
        return NULL;
    }
    if (expect->src) {
        check_end(r, node, expect->src);
        check_end(r, node, expect->dst);
    }
    return metric;
}

static void read_bound(const struct reading *r, const struct yaml_node *node,
                       const struct yaml_node *bound)
{
    struct plan_expect expect = {0};
    const struct metric *metric = read_name(r, &expect, node);
    if (!metric)
        return;
    const char *expected = "a bound such as `>= 70%`";
    if (bound->kind == YAML_TEXT)
        expected = value_bound(bound->text, metric->quantity, expect.relation, &expect.value);
    if (expected) {
        errors_add(r->errors, &bound->place, "expect", "expected %s, got `%s`", expected,
                   bound->kind == YAML_TEXT ? bound->text : yaml_kind_name(bound->kind));
        return;
    }
    expect.bound = copy(r->plan, bound->text, strlen(bound->text));
    *add_expect(r->plan) = expect;
}

/* One bound, or a list of them. */
static void read_metric(const struct reading *r, const struct yaml_item *item)
{
    const struct yaml_node *value = item->value;
    if (value->kind != YAML_LIST)
        read_bound(r, item->key, value);
    else
        for (uint32_t i = 0; i < value->count; i++)
            read_bound(r, item->key, value->items[i].value);
}

static void read_outcome(const struct reading *r, const struct yaml_node *src,
                         const struct yaml_item *cell)
{
    static const char *const outcomes[] = {"direct", "relayed", "failed"};
    const struct yaml_node *outcome = cell->value;
    for (int i = 0; i < 3; i++) {
        if (outcome->kind != YAML_TEXT || strcmp(outcome->text, outcomes[i]) != 0)
            continue;
        struct arena *memory = &r->plan->memory;
        struct plan_expect *expect = add_expect(r->plan);
        *expect =
            (struct plan_expect){.name = arena_format(memory, "dial.%s_rate", outcomes[i]),
                                 .src = copy(r->plan, src->text, strlen(src->text)),
                                 .dst = copy(r->plan, cell->key->text, strlen(cell->key->text)),
                                 .bound = copy(r->plan, "== 100%", 7),
                                 .relation = "==",
                                 .value = 1};
        expect->metric = arena_format(memory, "%s[%s,%s]", expect->name, expect->src, expect->dst);
        return;
    }
    errors_add(r->errors, &outcome->place, "expect.matrix",
               "expected direct, relayed or failed, got `%s`",
               outcome->kind == YAML_TEXT ? outcome->text : yaml_kind_name(outcome->kind));
}

static void read_row(const struct reading *r, const struct yaml_item *row)
{
    if (scenario_population(r->plan, row->key->text) == PLAN_NONE)
        scenario_no_population(r->plan, row->key, "expect.matrix", r->errors);
    if (row->value->kind != YAML_MAP) {
        errors_add(r->errors, &row->value->place, "expect.matrix",
                   "expected a map of population to outcome, got %s",
                   yaml_kind_name(row->value->kind));
        return;
    }
    for (uint32_t i = 0; i < row->value->count; i++) {
        const struct yaml_item *cell = &row->value->items[i];
        if (scenario_population(r->plan, cell->key->text) == PLAN_NONE)
            scenario_no_population(r->plan, cell->key, "expect.matrix", r->errors);
        read_outcome(r, row->key, cell);
    }
}

void scenario_expect(const struct yaml_node *expect, struct catalogue *catalogue, struct plan *plan,
                     struct errors *errors)
{
    const struct reading r = {plan, catalogue, errors};
    for (uint32_t i = 0; i < expect->count; i++) {
        const struct yaml_item *item = &expect->items[i];
        if (strncmp(item->key->text, "x-", 2) == 0)
            continue;
        if (strcmp(item->key->text, "matrix") != 0) {
            read_metric(&r, item);
            continue;
        }
        if (item->value->kind != YAML_MAP)
            errors_add(errors, &item->value->place, "expect.matrix",
                       "expected a map of population to row, got %s",
                       yaml_kind_name(item->value->kind));
        else
            for (uint32_t row = 0; row < item->value->count; row++)
                read_row(&r, &item->value->items[row]);
    }
}
