/* scenario_compare.c: `compare` -> plan_margin: the metrics by which two versions are
 * judged, and what each may lose.  Said in the scenario, before anything is seen. */
#include <string.h>

#include "sim/metric.h"
#include "sim/scenario_parts.h"
#include "sim/value.h"

static void refuse_metric(const struct yaml_node *key, struct errors *errors)
{
    const char *near = metric_suggest(key->text);
    if (metric_find(key->text, strlen(key->text)))
        errors_add(errors, &key->place, "compare",
                   "expected a metric of which more or less is better, got `%s`", key->text);
    else if (near)
        errors_add(errors, &key->place, "compare",
                   "expected a metric, got `%s` (did you mean `%s`?)", key->text, near);
    else
        errors_add(errors, &key->place, "compare",
                   "expected a metric such as `dial.direct_rate`, got `%s` (`mistsim explain-key "
                   "compare` lists them)",
                   key->text);
}

static void read_margin(const struct yaml_item *item, struct plan *plan, struct errors *errors)
{
    const struct metric *metric = metric_find(item->key->text, strlen(item->key->text));
    if (!metric || metric->better == METRIC_NEITHER) {
        refuse_metric(item->key, errors);
        return;
    }
    const struct yaml_node *value = item->value;
    struct plan_margin margin = {.metric = metric->name};
    const char *expected = value_margin(value->kind == YAML_TEXT ? value->text : "",
                                        metric->quantity, &margin.margin, &margin.relative);
    if (expected && value->kind != YAML_TEXT)
        errors_add(errors, &value->place, metric->name, "expected %s, got %s", expected,
                   yaml_kind_name(value->kind));
    else if (expected)
        errors_add(errors, &value->place, metric->name, "expected %s, got `%s`", expected,
                   value->text);
    else if (plan->margin_count == PLAN_MARGINS)
        errors_add(errors, &item->key->place, "compare",
                   "expected at most %d metrics: each more asks for more seeds", PLAN_MARGINS);
    else
        plan->margins[plan->margin_count++] = margin;
}

void scenario_compare(const struct yaml_node *compare, struct plan *plan, struct errors *errors)
{
    for (uint32_t i = 0; i < compare->count; i++)
        if (strncmp(compare->items[i].key->text, "x-", 2) != 0)
            read_margin(&compare->items[i], plan, errors);
}
