/* scenario_latency.c: round-trip times: constant, uniform, from a file of
 * regions (YAML) or of a matrix (text). */
#include <stdlib.h>
#include <string.h>

#include "sim/scenario_parts.h"
#include "sim/schema.h"
#include "sim/value.h"
#include "stack/check.h"

#define MOST_REGIONS 1000    /* 8 MB of round-trip times */
#define LONGEST_RTT  SEC(60) /* as the schema allows for a constant */
#define CELL_LONGEST 32      /* characters of a number in a matrix */

static bool read_names(struct latencies *l, struct latency_file *file,
                       const struct yaml_node *regions, struct errors *errors)
{
    uint64_t total = 0;
    file->regions = regions->count;
    file->names = arena_take(l->arena, (regions->count + 1) * sizeof *file->names);
    file->weights = arena_take(l->arena, (regions->count + 1) * sizeof *file->weights);
    for (uint32_t i = 0; i < regions->count; i++) {
        const struct yaml_node *region = regions->items[i].value;
        const char *name = yaml_get(region, "name")->text;
        file->names[i] = arena_text(l->arena, name, strlen(name));
        file->weights[i] = (uint32_t)yaml_get(region, "weight")->number;
        total += file->weights[i];
    }
    if (regions->count == 0 || regions->count > MOST_REGIONS || total == 0 || total > UINT32_MAX) {
        errors_add(errors, &regions->place, "regions",
                   "expected 1 to %d regions whose weights add up to 1 to %u", MOST_REGIONS,
                   UINT32_MAX);
        return false;
    }
    return true;
}

static bool read_table(struct latencies *l, struct latency_file *file,
                       const struct yaml_node *table, struct errors *errors)
{
    uint32_t before = errors->raised, n = file->regions;
    file->rtt = arena_take(l->arena, (size_t)n * n * sizeof *file->rtt);
    if (table->count != n)
        errors_add(errors, &table->place, "rtt", "expected %u rows, one per region, got %u", n,
                   table->count);
    for (uint32_t i = 0; i < n && i < table->count; i++) {
        const struct yaml_node *row = table->items[i].value;
        if (row->count != n)
            errors_add(errors, &row->place, "rtt", "expected %u times, one per region, got %u", n,
                       row->count);
        for (uint32_t j = 0; j < n && j < row->count; j++) {
            const struct yaml_node *cell = row->items[j].value;
            if (cell->number > LONGEST_RTT)
                errors_add(errors, &cell->place, "rtt", "expected at most 60 s, got `%s`",
                           cell->text);
            file->rtt[(size_t)i * n + j] = cell->number;
        }
    }
    return errors->raised == before;
}

static bool read_regions(struct latencies *l, struct latency_file *file,
                         const struct error_source *source, size_t length, struct errors *errors)
{
    uint32_t before = errors->raised;
    struct yaml_node *document = yaml_parse(l->arena, source, 0, length, errors);
    if (!document)
        return false;
    schema_check(&SCHEMA_REGIONS, document, l->arena, errors);
    return errors->raised == before && read_names(l, file, yaml_get(document, "regions"), errors) &&
           read_table(l, file, yaml_get(document, "rtt"), errors);
}

/* Reads the next number of a matrix in ms; returns false at the end or at what
 * is none (then *bad points at it). */
static bool next_cell(const char **text, mist_time *rtt, const char **bad)
{
    char cell[CELL_LONGEST + 4];
    *text += strspn(*text, " \t\r\n,;");
    size_t length = strcspn(*text, " \t\r\n,;");
    if (length == 0)
        return false;
    *bad = *text;
    if (length > CELL_LONGEST)
        return false;
    memcpy(cell, *text, length);
    memcpy(cell + length, " ms", 4);
    if (value_time(cell, rtt) || *rtt > LONGEST_RTT)
        return false;
    *bad = NULL;
    *text += length;
    return true;
}

static void complain_cell(const struct error_source *source, const char *bad, struct errors *errors)
{
    struct error_place place = {source, 1, 1, (uint32_t)strcspn(bad, " \t\r\n,;")};
    for (const char *t = source->text; t < bad; t++) {
        place.column++;
        if (*t == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    errors_add(errors, &place, "", "expected a round-trip time in ms from 0 to 60000, got `%.*s`",
               (int)(place.width < CELL_LONGEST ? place.width : CELL_LONGEST), bad);
}

static mist_time smallest_of_row(const mist_time *row, uint32_t n)
{
    mist_time least = 0;
    for (uint32_t j = 0; j < n; j++)
        if (row[j] && (!least || row[j] < least))
            least = row[j];
    return least;
}

/* 0 is no measurement: the other direction stands in for it, then the smallest
 * round trip of the row (which is also that between two hosts of one row). */
static void fill_gaps(mist_time *rtt, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            if (rtt[(size_t)i * n + j] == 0)
                rtt[(size_t)i * n + j] = rtt[(size_t)j * n + i];
    for (uint32_t i = 0; i < n; i++) {
        mist_time least = smallest_of_row(rtt + (size_t)i * n, n);
        for (uint32_t j = 0; j < n; j++)
            if (rtt[(size_t)i * n + j] == 0)
                rtt[(size_t)i * n + j] = least;
    }
}

static bool read_matrix(struct latencies *l, struct latency_file *file,
                        const struct error_source *source, struct errors *errors)
{
    const struct error_place whole = {source, 0, 0, 0};
    size_t room = (size_t)MOST_REGIONS * MOST_REGIONS, cells = 0;
    mist_time *rtt = calloc(room, sizeof *rtt), one;
    CHECK(rtt);
    const char *text = source->text, *bad = NULL;
    while (next_cell(&text, &one, &bad) && cells < room)
        rtt[cells++] = one;
    uint32_t n = 0;
    while ((size_t)n * n < cells)
        n++;
    bool fine = !bad && cells > 0 && (size_t)n * n == cells;
    if (bad)
        complain_cell(source, bad, errors);
    else if (!fine)
        errors_add(errors, &whole, "",
                   "expected n rows of n numbers, n at most %d, got %zu numbers", MOST_REGIONS,
                   cells);
    file->regions = fine ? n : 0;
    file->rtt = arena_take(l->arena, cells * sizeof *rtt);
    memcpy(file->rtt, rtt, cells * sizeof *rtt);
    free(rtt);
    fill_gaps(file->rtt, file->regions);
    file->names = arena_take(l->arena, (n + 1) * sizeof *file->names);
    file->weights = arena_take(l->arena, (n + 1) * sizeof *file->weights);
    for (uint32_t i = 0; i < file->regions; i++) {
        file->names[i] = arena_format(l->arena, "site%u", i);
        file->weights[i] = 1;
    }
    return fine;
}

static const struct latency_file *get_file(struct latencies *l, const struct yaml_node *name,
                                           bool regions, struct errors *errors)
{
    const char *path = name->text;
    if (*path != '/')
        path = arena_format(l->arena, "%s%s", l->folder, path);
    for (struct latency_file *f = l->files; f; f = f->next)
        if (strcmp(f->path, path) == 0)
            return f;
    struct latency_file *file = arena_take(l->arena, sizeof *file);
    file->path = path;
    const char *obstacle = yaml_obstacle(path);
    if (obstacle) {
        errors_add(errors, &name->place, "network.latency", "cannot open `%s`: %s", path, obstacle);
        return file;
    }
    file->next = l->files;
    l->files = file;
    size_t length = 0;
    const struct error_source *source = errors_source(errors, path, NULL, 0);
    char *text = yaml_load(l->arena, path, source, &length, errors);
    if (!text)
        return file;
    source = errors_source(errors, path, text, length);
    if (regions)
        file->fine = read_regions(l, file, source, length, errors);
    else
        file->fine = read_matrix(l, file, source, errors);
    return file;
}

static void copy_file(const struct latency_file *file, struct plan *plan)
{
    struct plan_network *network = &plan->network;
    uint32_t n = file->regions;
    network->latency = LATENCY_MATRIX;
    network->regions = n;
    network->rtt = arena_take(&plan->memory, (size_t)n * n * sizeof *network->rtt);
    memcpy(network->rtt, file->rtt, (size_t)n * n * sizeof *network->rtt);
    network->region_names = arena_take(&plan->memory, n * sizeof *network->region_names);
    network->region_weights = arena_take(&plan->memory, n * sizeof *network->region_weights);
    for (uint32_t i = 0; i < n; i++) {
        network->region_weights[i] = file->weights[i];
        network->region_names[i] =
            arena_text(&plan->memory, file->names[i], strlen(file->names[i]));
    }
}

void scenario_latency(struct latencies *latencies, const struct yaml_node *latency,
                      struct plan *plan, struct errors *errors)
{
    const struct yaml_node *node;
    if ((node = yaml_get(latency, "constant"))) {
        plan->network.latency = LATENCY_CONSTANT;
        plan->network.low = plan->network.high = node->number;
        return;
    }
    if ((node = yaml_get(latency, "uniform"))) {
        plan->network.latency = LATENCY_UNIFORM;
        plan->network.low = node->number;
        plan->network.high = node->high;
        return;
    }
    bool regions = (node = yaml_get(latency, "regions"));
    if (!regions)
        node = yaml_get(latency, "matrix");
    const struct latency_file *file = get_file(latencies, node, regions, errors);
    if (file->fine)
        copy_file(file, plan);
}
