/* bench.c: the command and its output; the parts measure (bench_*.c). */
#include "sim/bench.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/exit.h"
#include "sim/text.h"
#include "stack/check.h"

static const struct part {
    const char *name;
    int (*run)(struct bench *b);
    const char *column; /* what a column counts; NULL: there is one */
} parts[] = {
    {"queue", bench_queue, "events pending"},  {"engine", bench_engine, "hosts without nodes"},
    {"primitives", bench_primitives, NULL},    {"nat", bench_nat, "live mappings of a box"},
    {"world", bench_world, "nodes"},           {"crypto", bench_crypto, "nodes"},
    {"ns3", bench_ns3, "hosts without nodes"},
};
#define PARTS   (sizeof parts / sizeof *parts)
#define COLUMNS 8 /* most in one part */

void bench_add(struct bench *b, const char *part, const char *name, uint64_t at, double value,
               const char *unit)
{
    CHECK(b->count < BENCH_FIGURES);
    struct bench_figure *f = &b->figures[b->count++];
    f->part = part;
    f->at = at;
    f->value = value;
    f->unit = unit;
    snprintf(f->name, sizeof f->name, "%s", name);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double samples[BENCH_SAMPLES])
{
    qsort(samples, BENCH_SAMPLES, sizeof *samples, by_value);
    return samples[BENCH_SAMPLES / 2];
}

/* ---- output ---- */

static void print_json(const struct bench *b)
{
    printf("{\"version\": 1, \"figures\": [");
    for (uint32_t i = 0; i < b->count; i++) {
        const struct bench_figure *f = &b->figures[i];
        printf("%s\n  {\"part\": ", i == 0 ? "" : ",");
        text_json(stdout, f->part);
        printf(", \"name\": ");
        text_json(stdout, f->name);
        printf(", \"at\": %llu, \"value\": ", (unsigned long long)f->at);
        text_json_number(stdout, f->value);
        printf(", \"unit\": ");
        text_json(stdout, f->unit);
        putchar('}');
    }
    puts("\n]}");
}

static const char *format_value(char cell[TEXT_NUMBER], const struct bench_figure *f)
{
    if (strcmp(f->unit, "share") == 0)
        return text_percent(cell, f->value);
    if (strcmp(f->unit, "B") == 0)
        return text_bytes(cell, f->value);
    if (f->value >= 1e5)
        return text_scaled(cell, f->value);
    snprintf(cell, TEXT_NUMBER, "%.*f", f->value < 10 ? 2 : f->value < 1000 ? 1 : 0, f->value);
    return cell;
}

static const struct bench_figure *find_figure(const struct bench *b, const char *part,
                                              const char *name, uint64_t at)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const struct bench_figure *f = &b->figures[i];
        if (strcmp(f->part, part) == 0 && strcmp(f->name, name) == 0 && f->at == at)
            return f;
    }
    return NULL;
}

/* Does it begin a row?  Not every row has a figure in the first column. */
static bool is_first_of_row(const struct bench *b, const struct bench_figure *f)
{
    const struct bench_figure *first = b->figures;
    while (strcmp(first->part, f->part) != 0 || strcmp(first->name, f->name) != 0)
        first++;
    return first == f;
}

/* The part's columns in the order of their first figure; returns how many. */
static int find_columns(const struct bench *b, const char *part, uint64_t columns[COLUMNS])
{
    int count = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        int known = 0;
        while (known < count && columns[known] != b->figures[i].at)
            known++;
        if (strcmp(b->figures[i].part, part) == 0 && known == count && count < COLUMNS)
            columns[count++] = b->figures[i].at;
    }
    return count;
}

static void print_head(struct text_table *table, const struct part *part,
                       const uint64_t columns[COLUMNS], int count)
{
    char number[TEXT_NUMBER];
    for (int i = 0; i < count; i++)
        text_table_align(table, i + 1, TEXT_RIGHT);
    if (part->column == NULL)
        return;
    text_table_add(table, part->column);
    for (int i = 0; i < count; i++)
        text_table_add(table, text_count(number, (int64_t)columns[i]));
    text_table_add(table, "");
}

static void print_part(const struct bench *b, const struct part *part)
{
    uint64_t columns[COLUMNS];
    int count = find_columns(b, part->name, columns);
    if (count == 0)
        return;
    struct text_table *table = text_table_new(count + 2);
    print_head(table, part, columns, count);
    for (uint32_t i = 0; i < b->count; i++) {
        const struct bench_figure *row = &b->figures[i];
        if (strcmp(row->part, part->name) != 0 || !is_first_of_row(b, row))
            continue;
        text_table_add(table, row->name);
        for (int k = 0; k < count; k++) {
            char cell[TEXT_NUMBER];
            const struct bench_figure *f = find_figure(b, part->name, row->name, columns[k]);
            text_table_add(table, f == NULL ? "-" : format_value(cell, f));
        }
        bool said = strcmp(row->unit, "B") == 0 || strcmp(row->unit, "share") == 0;
        text_table_add(table, said ? "" : row->unit);
    }
    printf("%s\n", part->name);
    text_table_print(table, stdout, "  ");
    putchar('\n');
}

/* ---- the command ---- */

static int find_part(const char *name)
{
    for (size_t i = 0; i < PARTS; i++)
        if (strcmp(parts[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* Which parts the line asks for; all when it names none.  Returns EXIT_FINE or EXIT_INPUT. */
static int choose(const struct command_line *line, bool chosen[PARTS])
{
    for (int i = 0; i < line->argument_count; i++) {
        int part = find_part(line->arguments[i]);
        if (part < 0)
            return command_misuse(&bench_command, "there is no part `%s`", line->arguments[i]);
        chosen[part] = true;
    }
    for (size_t i = 0; line->argument_count == 0 && i < PARTS; i++)
        chosen[i] = true;
    return EXIT_FINE;
}

static int bench_main(int argc, char **argv)
{
    struct command_line line;
    int status = command_parse(&bench_command, argc, argv, &line);
    if (status != COMMAND_CONTINUES)
        return status;
    bool chosen[PARTS] = {false};
    if ((status = choose(&line, chosen)) != EXIT_FINE)
        return status;
    static struct bench bench;
    for (size_t i = 0; i < PARTS && status == EXIT_FINE; i++)
        if (chosen[i])
            status = parts[i].run(&bench);
    if (command_value(&line, "json") != NULL)
        print_json(&bench);
    for (size_t i = 0; command_value(&line, "json") == NULL && i < PARTS; i++)
        print_part(&bench, &parts[i]);
    return status;
}

static const struct command_option options[] = {
    {.name = "json", .help = "for machines: one object with all figures"},
    {.name = NULL},
};

const struct command bench_command = {
    .name = "bench",
    .arguments = "[PART]...",
    .least = 0,
    .most = PARTS,
    .help = "measure the event loop, the primitives, the NAT and whole worlds",
    .examples = "  mistsim bench\n"
                "  mistsim bench queue --json\n"
                "\nparts: queue, engine, primitives, nat, world, crypto, ns3\n",
    .options = options,
    .main = bench_main,
};
