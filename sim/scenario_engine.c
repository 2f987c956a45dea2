/* scenario_engine.c: `engine`: what one engine alone understands, kept as it is written. */
#include <string.h>

#include "sim/scenario_parts.h"

static void read_attribute(const struct yaml_item *item, struct plan *plan, struct errors *errors)
{
    const struct error_place *place = &item->key->place;
    struct arena *memory = &plan->memory;
    if (item->value->kind != YAML_TEXT) {
        errors_add(errors, &item->value->place,
                   arena_format(memory, "engine.ns3.%s", item->key->text),
                   "expected text or a number");
        return;
    }
    plan->attributes[plan->attribute_count++] = (struct plan_attribute){
        .name = arena_format(memory, "%s", item->key->text),
        .value = arena_format(memory, "%s", item->value->text),
        .place = arena_format(memory, "%s:%u:%u", place->source->name, (unsigned)place->line,
                              (unsigned)place->column)};
}

void scenario_engine(const struct yaml_node *engine, struct plan *plan, struct errors *errors)
{
    const struct yaml_node *ns3 = yaml_get(engine, "ns3");
    plan->attributes = arena_take(&plan->memory, (ns3->count + 1) * sizeof *plan->attributes);
    for (uint32_t i = 0; i < ns3->count; i++)
        if (strncmp(ns3->items[i].key->text, "x-", 2) != 0)
            read_attribute(&ns3->items[i], plan, errors);
}
