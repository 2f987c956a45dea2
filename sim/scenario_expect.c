/* scenario_expect.c: `expect` -> plan_expect: bounds on metrics, and the matrix
 * of outcomes by pair of populations. */
#include <string.h>

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

/* Splits "dial.direct_rate[home, mobile]".  Returns false if it is no metric. */
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

static void read_bound(struct plan *plan, const struct yaml_node *metric,
                       const struct yaml_node *bound, struct errors *errors)
{
    struct plan_expect expect = {0};
    if (!split_metric(plan, &expect, metric->text)) {
        errors_add(errors, &metric->place, "expect",
                   "expected a metric such as `dial.direct_rate` or "
                   "`dial.direct_rate[home,mobile]`, got `%s`",
                   metric->text);
        return;
    }
    const char *expected = "a bound such as `>= 70%`";
    if (bound->kind == YAML_TEXT)
        expected = value_bound(bound->text, expect.relation, &expect.value);
    if (expected) {
        errors_add(errors, &bound->place, "expect", "expected %s, got `%s`", expected,
                   bound->kind == YAML_TEXT ? bound->text : yaml_kind_name(bound->kind));
        return;
    }
    expect.bound = copy(plan, bound->text, strlen(bound->text));
    *add_expect(plan) = expect;
}

/* One bound, or a list of them. */
static void read_metric(struct plan *plan, const struct yaml_item *item, struct errors *errors)
{
    const struct yaml_node *value = item->value;
    if (value->kind != YAML_LIST)
        read_bound(plan, item->key, value, errors);
    else
        for (uint32_t i = 0; i < value->count; i++)
            read_bound(plan, item->key, value->items[i].value, errors);
}

static void read_outcome(struct plan *plan, const struct yaml_node *src,
                         const struct yaml_item *cell, struct errors *errors)
{
    static const char *const outcomes[] = {"direct", "relayed", "failed"};
    const struct yaml_node *outcome = cell->value;
    for (int i = 0; i < 3; i++) {
        if (outcome->kind != YAML_TEXT || strcmp(outcome->text, outcomes[i]) != 0)
            continue;
        struct arena *memory = &plan->memory;
        struct plan_expect *expect = add_expect(plan);
        *expect = (struct plan_expect){.name = arena_format(memory, "dial.%s_rate", outcomes[i]),
                                       .src = copy(plan, src->text, strlen(src->text)),
                                       .dst = copy(plan, cell->key->text, strlen(cell->key->text)),
                                       .bound = copy(plan, "== 100%", 7),
                                       .relation = "==",
                                       .value = 1};
        expect->metric = arena_format(memory, "%s[%s,%s]", expect->name, expect->src, expect->dst);
        return;
    }
    errors_add(errors, &outcome->place, "expect.matrix",
               "expected direct, relayed or failed, got `%s`",
               outcome->kind == YAML_TEXT ? outcome->text : yaml_kind_name(outcome->kind));
}

static void read_row(struct plan *plan, const struct yaml_item *row, struct errors *errors)
{
    if (scenario_population(plan, row->key->text) == PLAN_NONE)
        scenario_no_population(plan, row->key, "expect.matrix", errors);
    if (row->value->kind != YAML_MAP) {
        errors_add(errors, &row->value->place, "expect.matrix",
                   "expected a map of population to outcome, got %s",
                   yaml_kind_name(row->value->kind));
        return;
    }
    for (uint32_t i = 0; i < row->value->count; i++) {
        const struct yaml_item *cell = &row->value->items[i];
        if (scenario_population(plan, cell->key->text) == PLAN_NONE)
            scenario_no_population(plan, cell->key, "expect.matrix", errors);
        read_outcome(plan, row->key, cell, errors);
    }
}

void scenario_expect(const struct yaml_node *expect, struct plan *plan, struct errors *errors)
{
    for (uint32_t i = 0; i < expect->count; i++) {
        const struct yaml_item *item = &expect->items[i];
        if (strncmp(item->key->text, "x-", 2) == 0)
            continue;
        if (strcmp(item->key->text, "matrix") != 0) {
            read_metric(plan, item, errors);
            continue;
        }
        if (item->value->kind != YAML_MAP)
            errors_add(errors, &item->value->place, "expect.matrix",
                       "expected a map of population to row, got %s",
                       yaml_kind_name(item->value->kind));
        else
            for (uint32_t row = 0; row < item->value->count; row++)
                read_row(plan, &item->value->items[row], errors);
    }
}
