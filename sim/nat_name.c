/* nat_name.c: see nat_name.h. */
#include "sim/nat_name.h"

#include <string.h>

/* "firewall/adf", "apdm/apdf/random", "nat64/eim/eif/random", "one_to_one" as knobs;
 * NULL: none of them. */
static const char *label_as_knobs(struct arena *arena, const char *name)
{
    static const char six[] = "nat64/";
    const char *kind = strncmp(name, six, sizeof six - 1) == 0 ? "nat64" : "nat";
    if (strcmp(kind, "nat64") == 0)
        name += sizeof six - 1;
    const char *first = strchr(name, '/'), *second = first ? strchr(first + 1, '/') : NULL;
    if (strcmp(name, "one_to_one") == 0)
        return "{kind: one_to_one}";
    if (strpbrk(name, "{}[]") || !first)
        return NULL;
    if (!second)
        return arena_format(arena, "{kind: %.*s, filtering: %s}", (int)(first - name), name,
                            first + 1);
    return arena_format(arena, "{kind: %s, mapping: %.*s, filtering: %.*s, ports: %s}", kind,
                        (int)(first - name), name, (int)(second - first - 1), first + 1,
                        second + 1);
}

/* One box: a profile's name ("kernel/masquerade" is one), or a label's knobs. */
static const char *box_as_yaml(struct catalogue *catalogue, struct arena *arena, const char *name)
{
    const char *knobs = catalogue_has_profile(catalogue, name) ? NULL : label_as_knobs(arena, name);
    return knobs ? knobs : name;
}

/* A name as the value of a scenario's key `nat`: "a>b" is a chain. */
static const char *as_yaml(struct catalogue *catalogue, struct arena *arena, const char *name)
{
    const char *list = "";
    if (!strchr(name, '>'))
        return box_as_yaml(catalogue, arena, name);
    while (*name) {
        size_t length = strcspn(name, ">");
        const char *part = arena_text(arena, name, length);
        list = arena_format(arena, "%s%s%s", list, *list ? ", " : "",
                            box_as_yaml(catalogue, arena, part));
        name += length + (name[length] == '>');
    }
    return arena_format(arena, "[%s]", list);
}

static bool draw(const struct catalogue_chain *chain, uint64_t seed, struct nat_named *named,
                 const struct error_place *place, struct errors *errors)
{
    char error[200];
    named->count = chain->count;
    named->looks = chain->count == 1 ? catalogue_looks(chain->boxes[0]) : NULL;
    for (uint32_t i = 0; i < chain->count; i++)
        if (catalogue_policy(chain->boxes[i], seed, 0, i, &named->policies[i], error,
                             sizeof error) != 0) {
            errors_add(errors, place, named->name, "%s", error);
            return false;
        }
    return true;
}

bool nat_name_read(struct catalogue *catalogue, struct arena *arena, const char *name,
                   uint64_t seed, struct nat_named *named, struct errors *errors)
{
    const char *text = as_yaml(catalogue, arena, name);
    const struct error_source *source = errors_source(errors, "nat", text, strlen(text));
    *named = (struct nat_named){.name = name};
    struct yaml_node *node = yaml_parse(arena, source, 0, strlen(text), errors);
    const struct catalogue_nat *nat =
        node ? catalogue_nat(catalogue, arena, node, name, errors) : NULL;
    return nat && draw(catalogue_draw(nat, seed, 0), seed, named, &node->place, errors);
}
