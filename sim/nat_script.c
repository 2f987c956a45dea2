/* nat_script.c: reads a NAT script; see nat_script.h. */
#include "sim/nat_script.h"

#include <stdlib.h>
#include <string.h>

#include "sim/draw.h"
#include "sim/nat_script_parts.h"
#include "stack/check.h"

#define ERROR_SIZE 400 /* bytes of a message about knobs */

#define CARRIER  0x64400002u /* 100.64.0.2: between boxes, RFC 6598 */
#define STANDARD 0xc6120001u /* 198.18.0.1: without `external`, RFC 2544 */

static bool read_address(const struct yaml_node *node, struct addr *address)
{
    return node->kind == YAML_TEXT && !strchr(node->text, ':') &&
           addr_parse(address, node->text) == 0 && address->family == ADDR_V4;
}

static bool is_among(const struct addr *addresses, uint32_t count, const struct addr *address)
{
    for (uint32_t i = 0; i < count; i++)
        if (addr_equal(&addresses[i], address))
            return true;
    return false;
}

uint32_t nat_script_addresses(struct nat_script_reader *r, const struct yaml_node *node,
                              const char *path, const struct addr **addresses)
{
    uint32_t count = node->kind == YAML_LIST ? node->count : 1;
    if (count == 0 || count > NAT_SCRIPT_EXTERNAL) {
        errors_add(r->errors, &node->place, path, "expected 1 to %d addresses, got %u",
                   NAT_SCRIPT_EXTERNAL, count);
        return 0;
    }
    struct addr *list = arena_take(&r->script->arena, count * sizeof *list);
    bool fine = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct yaml_node *item = node->kind == YAML_LIST ? node->items[i].value : node;
        const char *text = item->kind == YAML_TEXT ? item->text : yaml_kind_name(item->kind);
        const char *expected = NULL;
        if (!read_address(item, &list[i]))
            expected = "an IPv4 address such as `1.2.3.4`";
        else if (is_among(list, i, &list[i]))
            expected = "each address once";
        if (expected)
            errors_add(r->errors, &item->place, path, "expected %s, got `%s`", expected, text);
        fine = fine && !expected;
    }
    *addresses = list;
    return fine ? count : 0;
}

/* So many addresses from first on. */
static const struct addr *count_up(struct nat_script_reader *r, uint32_t first, uint32_t count)
{
    struct addr *list = arena_take(&r->script->arena, (count + 1) * sizeof *list);
    for (uint32_t i = 0; i < count; i++)
        list[i] = addr_v4(first + i, 0);
    return list;
}

/* The outermost box gets what `external` says, the others shared addresses. */
static void read_externals(struct nat_script_reader *r, const struct yaml_node *external)
{
    struct nat_script *s = r->script;
    uint32_t next = CARRIER, given = 0;
    const struct addr *list = NULL;
    if (external)
        given = nat_script_addresses(r, external, "external", &list);
    for (uint32_t i = 0; i < s->box_count; i++) {
        struct nat_script_box *box = &s->boxes[i];
        bool outermost = i + 1 == s->box_count;
        if (box->policy.kind == NAT_KIND_FIREWALL)
            continue;
        if (outermost && given)
            box->policy.pool = given;
        box->externals = box->policy.pool;
        box->external =
            outermost && given ? list : count_up(r, outermost ? STANDARD : next, box->externals);
        next += box->externals;
    }
}

static void complain_nat(struct nat_script_reader *r, const struct yaml_node *nat, const char *got)
{
    errors_add(r->errors, &nat->place, "nat",
               "expected a profile's name, knobs or a chain of them, got %s", got);
}

static void read_boxes(struct nat_script_reader *r, struct catalogue *catalogue,
                       const struct yaml_node *nat, uint64_t seed)
{
    struct nat_script *s = r->script;
    if (nat->kind == YAML_TEXT && strcmp(nat->text, "none") == 0) {
        complain_nat(r, nat, "`none`");
        return;
    }
    if (yaml_get(nat, "population")) {
        complain_nat(r, nat, "a population");
        return;
    }
    const struct catalogue_nat *found = catalogue_nat(catalogue, &s->arena, nat, "nat", r->errors);
    if (!found)
        return;
    const struct catalogue_chain *chain = &found->chains[0];
    for (uint32_t i = 0; i < chain->count; i++) {
        char error[ERROR_SIZE];
        struct nat_script_box *box = &s->boxes[i];
        box->seed = draw_u64(seed, i, DRAW_BOX_SEED, 0);
        if (catalogue_policy(chain->boxes[i], seed, 0, i, &box->policy, error, sizeof error) != 0)
            errors_add(r->errors, &nat->place, "nat", "%s", error);
    }
    s->box_count = chain->count;
}

static void read_steps(struct nat_script_reader *r, const struct yaml_node *list)
{
    struct nat_script *s = r->script;
    struct nat_step *steps = arena_take(&s->arena, (list->count + 1) * sizeof *steps);
    for (uint32_t i = 0; i < s->box_count; i++)
        r->policies[i] = s->boxes[i].policy;
    for (uint32_t i = 0; i < list->count; i++)
        nat_script_step(r, list->items[i].value, arena_format(&s->arena, "steps.%u", i), &steps[i]);
    s->steps = steps;
    s->step_count = list->count;
    if (list->count == 0)
        errors_add(r->errors, &list->place, "steps", "expected at least one step, got none");
}

static const char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return arena_text(arena, path, slash ? (size_t)(slash - path) + 1 : 0);
}

static void read_document(struct nat_script_reader *r, struct yaml_node *document)
{
    struct nat_script *s = r->script;
    uint32_t before = r->errors->raised;
    schema_check(&SCHEMA_NAT_SCRIPT, document, &s->arena, r->errors);
    const struct yaml_node *nat = yaml_get(document, "nat");
    bool fine = r->errors->raised == before;
    if (nat) /* its mistakes are told beside those of the keys */
        read_boxes(r, catalogue_open(&s->arena, folder_of(&s->arena, s->name)), nat,
                   fine ? (uint64_t)yaml_get(document, "seed")->number : 0);
    if (!fine || s->box_count == 0)
        return;
    read_externals(r, yaml_get(document, "external"));
    read_steps(r, yaml_get(document, "steps"));
}

struct nat_script *nat_script_parse(const char *path, const char *text, size_t length,
                                    struct errors *errors)
{
    uint32_t before = errors->raised;
    struct nat_script *s = calloc(1, sizeof *s);
    CHECK(s);
    s->name = arena_text(&s->arena, path, strlen(path));
    const struct error_source *source = errors_source(errors, path, text, length);
    struct yaml_node *document = yaml_parse(&s->arena, source, 0, length, errors);
    struct nat_script_reader r = {.script = s, .errors = errors};
    if (document)
        read_document(&r, document);
    if (errors->raised == before)
        return s;
    nat_script_free(s);
    return NULL;
}

struct nat_script *nat_script_read(const char *path, struct errors *errors)
{
    struct arena scratch = {0};
    size_t length = 0;
    struct nat_script *s = NULL;
    char *text = yaml_load(&scratch, path, errors_source(errors, path, NULL, 0), &length, errors);
    if (text)
        s = nat_script_parse(path, text, length, errors);
    arena_free(&scratch);
    return s;
}

void nat_script_free(struct nat_script *s)
{
    if (!s)
        return;
    struct arena arena = s->arena;
    free(s);
    arena_free(&arena);
}
