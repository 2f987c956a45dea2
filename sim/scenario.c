/* scenario.c: reads the file, applies overrides and the sweep; see scenario.h. */
#include "sim/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "sim/scenario_parts.h"
#include "sim/schema.h"
#include "stack/check.h"

#define SWEEP_NODES 20000000u /* values in all cells: some seconds to check */

static struct error_place whole(const struct error_source *source)
{
    return (struct error_place){source, 0, 0, 0};
}

/* Lists, maps and quoted texts are YAML; anything else stands for itself, so
 * that nobody has to quote `>= 70%` twice. */
static struct yaml_node *read_set_value(struct scenario *s, const struct error_source *source,
                                        size_t skip, struct errors *errors)
{
    const char *text = source->text + skip;
    struct error_place place = {source, 1, (uint32_t)skip + 1, (uint32_t)strlen(text)};
    if (*text && strchr("[{\"'", *text))
        return yaml_parse(&s->arena, source, skip, strlen(text), errors);
    return yaml_new(&s->arena, YAML_TEXT, text, &place);
}

/* Parses "a.b.c=value" and applies it. */
static void apply_set(struct scenario *s, const char *set, struct errors *errors)
{
    const struct error_source *source = errors_source(errors, "--set", set, strlen(set));
    struct error_place place = {source, 1, 1, (uint32_t)strlen(set)};
    const char *equals = strchr(set, '=');
    if (!equals || equals == set) {
        errors_add(errors, &place, "", "expected PATH=VALUE, got `%s`", set);
        return;
    }
    place.width = (uint32_t)(equals - set);
    struct yaml_node *value = read_set_value(s, source, place.width + 1, errors);
    if (value)
        (void)scenario_path_set(s->root, arena_text(&s->arena, set, place.width), value, &s->arena,
                                &place, errors);
}

/* Both ask for the same place: which of them would win is nobody's guess. */
static void refuse_swept_sets(const struct scenario *s, const char *const *sets, uint32_t count,
                              struct errors *errors)
{
    for (uint32_t i = 0; i < count; i++) {
        size_t length = strcspn(sets[i], "=");
        for (uint32_t a = 0; a < s->axis_count; a++) {
            const char *path = s->axes[a].path->text;
            if (strlen(path) == length && strncmp(path, sets[i], length) == 0)
                errors_add(errors, &s->axes[a].path->place, "sweep",
                           "`%s` is swept and set; use --set 'sweep.%s=[VALUE]'", path, path);
        }
    }
}

static void read_axis(struct scenario *s, const struct yaml_item *item, struct errors *errors)
{
    const struct yaml_node *values = item->value;
    if (values->kind != YAML_LIST || values->count == 0) {
        errors_add(errors, &values->place, "sweep", "expected a list of at least one value, got %s",
                   values->kind == YAML_LIST ? "an empty one" : yaml_kind_name(values->kind));
        return;
    }
    if (values->count > SCENARIO_CELLS / s->cells) {
        errors_add(errors, &values->place, "sweep", "expected at most %d cells, got more",
                   SCENARIO_CELLS);
        return;
    }
    s->cells *= values->count;
    s->axes[s->axis_count++] = (struct sweep_axis){item->key, values};
}

static void read_sweep(struct scenario *s, struct errors *errors)
{
    const struct yaml_node *sweep = yaml_get(s->root, "sweep");
    s->cells = 1;
    if (!sweep || sweep->kind != YAML_MAP)
        return;
    s->axes = arena_take(&s->arena, (sweep->count + 1) * sizeof *s->axes);
    for (uint32_t i = 0; i < sweep->count; i++)
        if (strncmp(sweep->items[i].key->text, "x-", 2) != 0)
            read_axis(s, &sweep->items[i], errors);
}

/* Which of an axis's values the cell has: the last axis changes fastest. */
static uint32_t axis_position(const struct scenario *s, uint32_t axis, uint32_t cell)
{
    for (uint32_t i = s->axis_count; i-- > axis + 1;)
        cell /= s->axes[i].values->count;
    return cell % s->axes[axis].values->count;
}

struct yaml_node *scenario_document(const struct scenario *s, uint32_t cell, struct arena *arena,
                                    struct errors *errors)
{
    struct yaml_node *document = yaml_copy(arena, s->root);
    for (uint32_t i = 0; i < s->axis_count; i++) {
        const struct sweep_axis *axis = &s->axes[i];
        struct yaml_node *value =
            yaml_copy(arena, axis->values->items[axis_position(s, i, cell)].value);
        if (!scenario_path_set(document, axis->path->text, value, arena, &axis->path->place,
                               errors))
            return NULL;
    }
    schema_check(&SCHEMA_SCENARIO, document, arena, errors);
    return document;
}

static char *describe_cell(const struct scenario *s, uint32_t cell, struct arena *arena)
{
    struct error_place place = whole(s->source);
    struct yaml_node *map = yaml_new(arena, YAML_MAP, "", &place);
    for (uint32_t i = 0; i < s->axis_count; i++) {
        const struct sweep_axis *axis = &s->axes[i];
        struct yaml_node *key = yaml_new(arena, YAML_TEXT, axis->path->text, &place);
        yaml_add(arena, map, key,
                 yaml_copy(arena, axis->values->items[axis_position(s, i, cell)].value));
    }
    return yaml_to_json(arena, map);
}

/* All of a cell but its hosts; NULL after an error. */
static struct plan *draft_cell(const struct scenario *s, uint32_t cell, struct draft *draft,
                               struct arena *scratch, struct errors *errors)
{
    uint32_t before = errors->raised;
    struct yaml_node *document = scenario_document(s, cell, scratch, errors);
    if (errors->raised != before) {
        if (document)
            scenario_partial(s, document, scratch, errors);
        return NULL;
    }
    struct plan *plan = calloc(1, sizeof *plan);
    CHECK(plan);
    draft->plan = plan;
    draft->populations = NULL;
    scenario_cell(s, document, draft, scratch, errors);
    plan->path = arena_text(&plan->memory, s->source->name, strlen(s->source->name));
    plan->text = arena_text(&plan->memory, s->text, strlen(s->text));
    plan->cell = describe_cell(s, cell, &plan->memory);
    if (errors->raised == before)
        return plan;
    plan_free(plan);
    return NULL;
}

/* A small sweep of a huge document, or the reverse, is a mistake too. */
static bool sweep_fits(const struct scenario *s, struct errors *errors)
{
    if ((uint64_t)yaml_size(s->root) * s->cells <= SWEEP_NODES)
        return true;
    errors_add(errors, &s->root->place, "sweep",
               "expected fewer cells or a smaller document, got %u cells of %u values", s->cells,
               yaml_size(s->root));
    return false;
}

static void check_cells(const struct scenario *s, struct errors *errors)
{
    for (uint32_t cell = 0; cell < s->cells && errors->count < ERRORS_KEPT; cell++) {
        struct arena scratch = {0};
        struct draft draft;
        plan_free(draft_cell(s, cell, &draft, &scratch, errors));
        arena_free(&scratch);
    }
}

static char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return arena_text(arena, path, slash ? (size_t)(slash + 1 - path) : 0);
}

/* The file and what was changed in it: enough to run it again. */
static char *full_text(struct arena *arena, const char *text, const char *const *sets,
                       uint32_t count)
{
    char *all = arena_text(arena, text, strlen(text));
    for (uint32_t i = 0; i < count; i++)
        all = arena_format(arena, "%s# --set %s\n", all, sets[i]);
    return all;
}

struct scenario *scenario_parse(const char *path, const char *text, size_t length,
                                const char *const *sets, uint32_t sets_count,
                                const struct scenario_options *options, struct errors *errors)
{
    uint32_t before = errors->raised;
    struct scenario *s = calloc(1, sizeof *s);
    CHECK(s);
    s->options = *options;
    s->source = errors_source(errors, path, text, length);
    s->folder = folder_of(&s->arena, path);
    s->text = full_text(&s->arena, s->source->text, sets, sets_count);
    s->catalogue = catalogue_open(&s->arena, s->folder);
    s->latencies = arena_take(&s->arena, sizeof *s->latencies);
    *s->latencies = (struct latencies){&s->arena, s->folder, NULL};
    s->traces = arena_take(&s->arena, sizeof *s->traces);
    s->traces->arena = &s->arena;
    s->root = yaml_parse(&s->arena, s->source, 0, length, errors);
    if (s->root && s->root->kind == YAML_MAP) {
        for (uint32_t i = 0; i < sets_count; i++)
            apply_set(s, sets[i], errors);
        read_sweep(s, errors);
        refuse_swept_sets(s, sets, sets_count, errors);
        if (sweep_fits(s, errors))
            check_cells(s, errors);
    } else if (s->root) {
        errors_add(errors, &s->root->place, "", "expected a map of keys, got %s",
                   yaml_kind_name(s->root->kind));
    }
    if (errors->raised == before)
        return s;
    scenario_free(s);
    return NULL;
}

struct scenario *scenario_read(const char *path, const char *const *sets, uint32_t sets_count,
                               const struct scenario_options *options, struct errors *errors)
{
    struct arena scratch = {0};
    size_t length = 0;
    const struct error_source *source = errors_source(errors, path, NULL, 0);
    struct scenario *s = NULL;
    char *text = yaml_load(&scratch, path, source, &length, errors);
    if (text)
        s = scenario_parse(path, text, length, sets, sets_count, options, errors);
    arena_free(&scratch);
    return s;
}

void scenario_free(struct scenario *s)
{
    if (!s)
        return;
    arena_free(&s->arena);
    free(s);
}

/* Before the sweep: the keys asked for here are the same in every cell. */
static const char *text_of(const struct scenario *s, const char *key, const char *standard)
{
    const struct yaml_node *node = yaml_get(s->root, key);
    return node ? node->text : standard;
}

const char *scenario_name(const struct scenario *s)
{
    return text_of(s, "name", "");
}

const char *scenario_question(const struct scenario *s)
{
    return text_of(s, "question", "");
}

const char *scenario_full_text(const struct scenario *s)
{
    return s->text;
}

uint64_t scenario_seed(const struct scenario *s)
{
    return strtoull(text_of(s, "seed", "1"), NULL, 10);
}

uint32_t scenario_cells(const struct scenario *s)
{
    return s->cells;
}

uint32_t scenario_hosts(const struct scenario *s, uint32_t cell)
{
    struct arena scratch = {0};
    struct errors none = {0};
    struct yaml_node *document = scenario_document(s, cell, &scratch, &none);
    CHECK(document); /* every cell was checked when it was read */
    const struct yaml_node *population = yaml_get(document, "population");
    uint32_t hosts = 0;
    for (uint32_t i = 0; i < population->count; i++)
        hosts += (uint32_t)yaml_get(population->items[i].value, "count")->number;
    arena_free(&scratch);
    errors_free(&none);
    return hosts;
}

struct plan *scenario_plan(const struct scenario *s, uint32_t cell, uint64_t seed,
                           struct errors *errors)
{
    struct arena scratch = {0};
    struct draft draft;
    CHECK(cell < s->cells);
    struct plan *plan = draft_cell(s, cell, &draft, &scratch, errors);
    if (plan) {
        plan->seed = seed;
        if (!scenario_draw(&draft, errors)) {
            plan_free(plan);
            plan = NULL;
        }
    }
    arena_free(&scratch);
    return plan;
}

static const char *origin_of(struct arena *arena, const struct yaml_node *node)
{
    if (node->standard || node->place.line == 0)
        return node->place.source->name;
    if (strcmp(node->place.source->name, "--set") == 0)
        return arena_format(arena, "--set %s", node->place.source->text);
    return arena_format(arena, "%s:%u", node->place.source->name, node->place.line);
}

static void print_node(struct arena *arena, const struct yaml_node *node, const char *path,
                       FILE *out)
{
    for (uint32_t i = 0; i < node->count; i++) {
        const struct yaml_item *item = &node->items[i];
        const char *name = item->key ? item->key->text : arena_format(arena, "%u", i);
        if (strncmp(name, "x-", 2) != 0)
            print_node(arena, item->value,
                       arena_format(arena, "%s%s%s", path, *path ? "." : "", name), out);
    }
    if (node->count)
        return;
    const char *text = node->kind == YAML_TEXT ? node->text : node->kind == YAML_MAP ? "{}" : "[]";
    fprintf(out, "%-40s %-24s # %s\n", path, text, origin_of(arena, node));
}

void scenario_print(const struct scenario *s, uint32_t cell, FILE *out)
{
    struct arena scratch = {0};
    struct errors none = {0};
    struct yaml_node *document = scenario_document(s, cell, &scratch, &none);
    CHECK(document);
    print_node(&scratch, document, "", out);
    arena_free(&scratch);
    errors_free(&none);
}
