/* oracle_command.c: the command `mistsim nat pair A B`. */
#include "sim/oracle_command.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/draw.h"
#include "sim/exit.h"
#include "sim/oracle_explain.h"
#include "sim/oracle_play.h"
#include "sim/text.h"
#include "sim/value.h"
#include "stack/check.h"

#define ROWS        20      /* pairs of classes that are printed */
#define ERROR_SIZE  400     /* bytes of a message about knobs */
#define WORLDS_MOST 1000000 /* some minutes to some hours */

static int pair_main(int argc, char **argv);

static const struct command_option OPTIONS[] = {
    {"budget", "LIST", "what each host may spend: mappings=256,probes=2048,time=40s", 0},
    {"mapped", "UA,UB", "share of hosts with a port mapped on their outermost box: 30%,0%", 0},
    {"worlds", "N", "play N worlds through the translator too", 0},
    {"json", NULL, "print one JSON object", 0},
    {NULL, NULL, NULL, 0},
};

const struct command nat_pair_command = {
    .name = "nat pair",
    .arguments = "A B",
    .least = 2,
    .most = 2,
    .help = "what two hosts behind these boxes can reach, and how",
    .examples = "  mistsim nat pair symmetric_random home_apdf\n"
                "  mistsim nat pair '[home_apdf, cgn_fixed_hard]' '{ mapping: apdm, ports: "
                "sequential }'\n"
                "  mistsim nat pair '{ population: roverso }' '{ population: roverso }'\n",
    .options = OPTIONS,
    .main = pair_main,
};

struct row { /* a pair of classes */
    const struct oracle_class *classes[2];
    double weight;
    struct oracle_verdict verdict;
};

struct pair {
    const char *names[2];
    struct oracle_budget budget;
    struct oracle_mix mixes[2];
    uint32_t count;
    struct row *rows; /* those that plain punching reaches last; else the heaviest first */
    double plain, best;
    double shares[ORACLE_TECHNIQUES]; /* of the pairs */
    uint32_t worlds, met;
    double expected, variance; /* of the worlds that meet */
};

/* ---- the line ---- */

/* One "name=value" of the budget. */
static int read_item(struct oracle_budget *budget, char *item)
{
    char *value = strchr(item, '=');
    uint64_t number;
    int64_t time;
    if (!value)
        return command_misuse(&nat_pair_command, "--budget: expected name=value, got `%.40s`",
                              item);
    *value++ = 0;
    if (strcmp(item, "time") == 0) {
        const char *expected = value_time(value, &time);
        if (expected || time < MS(1) || time > MINUTES(60))
            return command_misuse(&nat_pair_command,
                                  "--budget time: expected 1 ms to 1 h, got `%.40s`", value);
        budget->time = time;
        return COMMAND_CONTINUES;
    }
    if (strcmp(item, "mappings") != 0 && strcmp(item, "probes") != 0)
        return command_misuse(&nat_pair_command,
                              "--budget: expected mappings, probes or time, got `%.40s`", item);
    if (command_read_number(value, ORACLE_BUDGET_MAX, &number) || number == 0)
        return command_misuse(&nat_pair_command, "--budget %s: expected 1 to %d, got `%.40s`", item,
                              ORACLE_BUDGET_MAX, value);
    *(item[0] == 'm' ? &budget->mappings : &budget->probes) = (uint32_t)number;
    return COMMAND_CONTINUES;
}

static int read_budget(struct oracle_budget *budget, const char *text)
{
    char copy[200], *rest = NULL;
    int code = COMMAND_CONTINUES;
    if (!text)
        return code;
    if (strlen(text) >= sizeof copy)
        return command_misuse(&nat_pair_command, "--budget: too long");
    memcpy(copy, text, strlen(text) + 1);
    for (char *item = strtok_r(copy, ",", &rest); item && code == COMMAND_CONTINUES;
         item = strtok_r(NULL, ",", &rest))
        code = read_item(budget, item);
    return code;
}

static int read_mapped(struct oracle_budget *budget, const char *text)
{
    char copy[100];
    int64_t shares[2];
    if (!text)
        return COMMAND_CONTINUES;
    snprintf(copy, sizeof copy, "%s", text);
    char *second = strchr(copy, ',');
    if (second)
        *second++ = 0;
    if (!second || value_share(copy, &shares[0]) || value_share(second, &shares[1]))
        return command_misuse(&nat_pair_command,
                              "--mapped: expected two shares such as `30%%,0%%`, got `%.40s`",
                              text);
    for (int s = 0; s < 2; s++)
        budget->mapped[s] = (uint32_t)shares[s];
    return COMMAND_CONTINUES;
}

/* What A or B stands for; adds errors. */
static void read_nat(struct pair *pair, int s, struct catalogue *catalogue, struct arena *arena,
                     struct errors *errors)
{
    char message[ERROR_SIZE];
    const char *text = pair->names[s];
    const struct error_source *source =
        errors_source(errors, s ? "second argument" : "first argument", text, strlen(text));
    const struct yaml_node *node = yaml_parse(arena, source, 0, strlen(text), errors);
    const struct catalogue_nat *nat =
        node ? catalogue_nat(catalogue, arena, node, "nat", errors) : NULL;
    if (nat && oracle_mix_draw(&pair->mixes[s], arena, nat, &pair->budget, message, sizeof message))
        errors_add(errors, &node->place, "nat", "a box was drawn with %s", message);
}

/* ---- the verdicts ---- */

/* What plain punching reaches is the dull part, and comes last. */
static int heavier_first(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    if ((a->verdict.plain == 1) != (b->verdict.plain == 1))
        return a->verdict.plain == 1 ? 1 : -1;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    int order = strcmp(a->classes[0]->label, b->classes[0]->label);
    if (order == 0)
        order = strcmp(a->classes[1]->label, b->classes[1]->label);
    if (order == 0 && a->verdict.best != b->verdict.best)
        order = a->verdict.best > b->verdict.best ? -1 : 1;
    return order;
}

static void judge(struct pair *pair, struct arena *arena)
{
    const struct oracle_mix *a = &pair->mixes[0], *b = &pair->mixes[1];
    pair->rows = arena_take(arena, (size_t)a->count * b->count * sizeof *pair->rows);
    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t j = 0; j < b->count; j++) {
            struct row *row = &pair->rows[pair->count++];
            row->classes[0] = a->classes[i];
            row->classes[1] = b->classes[j];
            row->weight = a->classes[i]->weight * b->classes[j]->weight;
            row->verdict =
                oracle_judge(&a->classes[i]->chain, &b->classes[j]->chain, 0, &pair->budget);
            pair->plain += row->weight * row->verdict.plain;
            pair->best += row->weight * row->verdict.best;
            pair->shares[row->verdict.technique] += row->weight;
        }
    qsort(pair->rows, pair->count, sizeof *pair->rows, heavier_first);
}

/* The class pair of a world, by weight. */
static const struct row *draw_row(const struct pair *pair, uint32_t world)
{
    double point = (double)draw_u32(1, world, DRAW_ORACLE, 0) / 4294967296.0;
    for (uint32_t i = 0; i + 1 < pair->count; i++) {
        point -= pair->rows[i].weight;
        if (point < 0)
            return &pair->rows[i];
    }
    return &pair->rows[pair->count - 1];
}

/* Plays the technique that is best for each pair drawn. */
static void play(struct pair *pair)
{
    for (uint32_t i = 0; i < pair->worlds; i++) {
        const struct row *row = draw_row(pair, i);
        const struct oracle_verdict *v = &row->verdict;
        double p = v->technique == ORACLE_PLAIN    ? v->plain
                   : v->technique == ORACLE_MAPPED ? 0
                                                   : v->options[v->technique].p;
        pair->met += oracle_play(&row->classes[0]->chain, &row->classes[1]->chain, &pair->budget,
                                 v->technique, &v->options[v->technique], i);
        pair->expected += p;
        pair->variance += p * (1 - p);
    }
}

/* ---- for people ---- */

static void print_side(const struct pair *pair, int s)
{
    const struct oracle_mix *mix = &pair->mixes[s];
    printf("%c  ", s ? 'B' : 'A');
    text_shown(stdout, pair->names[s]);
    if (mix->count > 1) {
        printf("\n   %u kinds of host, the most frequent: %s", mix->count, mix->classes[0]->label);
    } else {
        printf("  %s\n   ", mix->classes[0]->label);
        oracle_explain_class(mix->classes[0], stdout);
    }
    putchar('\n');
}

static void print_others(const struct oracle_verdict *v)
{
    char number[TEXT_NUMBER];
    bool any = false;
    for (enum oracle_technique t = ORACLE_PLAIN; t < ORACLE_TECHNIQUES; t++) {
        if (!v->options[t].possible || t == v->technique)
            continue;
        printf("%s %s %s", any ? "," : "also possible  ", oracle_technique_word(t),
               text_percent(number, v->options[t].p));
        any = true;
    }
    if (any)
        putchar('\n');
}

static void print_one(const struct row *row)
{
    const struct oracle_side *const sides[2] = {&row->classes[0]->side, &row->classes[1]->side};
    oracle_explain_option(&row->verdict, row->verdict.technique, sides, "    ", stdout);
    print_others(&row->verdict);
    puts("the model leaves out");
    oracle_explain_gaps(row->classes, "    ", stdout);
}

static void print_rows(const struct pair *pair)
{
    static const char *const headings[] = {"share", "A", "B", "plain", "best", "technique"};
    char number[TEXT_NUMBER];
    struct text_table *t = text_table_new(6);
    for (int i = 0; i < 6; i++) {
        text_table_align(t, i, i == 1 || i == 2 || i == 5 ? TEXT_LEFT : TEXT_RIGHT);
        text_table_add(t, headings[i]);
    }
    for (uint32_t i = 0; i < pair->count && i < ROWS; i++) {
        const struct row *row = &pair->rows[i];
        text_table_add(t, text_percent(number, row->weight));
        text_table_add(t, row->classes[0]->label);
        text_table_add(t, row->classes[1]->label);
        text_table_add(t, text_percent(number, row->verdict.plain));
        text_table_add(t, text_percent(number, row->verdict.best));
        text_table_add(t, oracle_technique_word(row->verdict.technique));
    }
    putchar('\n');
    text_table_print(t, stdout, "  ");
    if (pair->count > ROWS)
        printf("  ... and %u pairs of kinds more\n", pair->count - ROWS);
    fputs("\nby technique ", stdout);
    for (enum oracle_technique t2 = 0; t2 < ORACLE_TECHNIQUES; t2++)
        if (pair->shares[t2] > 0)
            printf("  %s %s", oracle_technique_word(t2), text_percent(number, pair->shares[t2]));
    putchar('\n');
}

static void print_worlds(const struct pair *pair)
{
    char number[TEXT_NUMBER], other[TEXT_NUMBER];
    double error = sqrt(pair->variance), away = fabs(pair->met - pair->expected);
    printf("played           %s of %u worlds met; the formula says %s",
           text_percent(number, (double)pair->met / pair->worlds), pair->worlds,
           text_percent(other, pair->expected / pair->worlds));
    if (error > 0)
        printf(" (%.1f standard errors apart)", away / error);
    putchar('\n');
}

static void print_text(const struct pair *pair)
{
    char number[TEXT_NUMBER], other[TEXT_NUMBER];
    print_side(pair, 0);
    print_side(pair, 1);
    printf("each may open %s mappings and send ", text_count(number, pair->budget.mappings));
    printf("%s probes in %s\n\n", text_count(number, pair->budget.probes),
           text_seconds(other, (double)pair->budget.time / 1e9));
    printf("plain punching   %s\n", text_percent(number, pair->plain));
    printf("best             %s", text_percent(number, pair->best));
    if (pair->count == 1)
        printf("  %s", oracle_technique_word(pair->rows[0].verdict.technique));
    putchar('\n');
    if (pair->worlds > 0)
        print_worlds(pair);
    if (pair->count == 1)
        print_one(&pair->rows[0]);
    else
        print_rows(pair);
}

/* ---- for programs ---- */

static void json_number(const char *key, double value)
{
    printf("\"%s\": ", key);
    text_json_number(stdout, value);
}

static void json_option(enum oracle_technique t, const struct oracle_option *o)
{
    printf("{\"technique\": \"%s\", ", oracle_technique_word(t));
    json_number("p", o->p);
    printf(", \"holder\": \"%c\", \"mappings\": [%u, %u], \"probes\": [%u, %u], ",
           o->holder ? 'B' : 'A', o->mappings[0], o->mappings[1], o->probes[0], o->probes[1]);
    json_number("time_s", (double)o->time / 1e9);
    if (o->limit == ORACLE_UNLIMITED)
        fputs(", \"limit\": null}", stdout);
    else
        printf(", \"limit\": \"%s\", \"limited\": \"%c\"}", oracle_limit_word(o->limit),
               o->limited ? 'B' : 'A');
}

static void json_row(const struct row *row)
{
    bool any = false;
    fputs("{", stdout);
    json_number("share", row->weight);
    for (int s = 0; s < 2; s++) {
        printf(", \"%c\": ", s ? 'b' : 'a');
        text_json(stdout, row->classes[s]->label);
    }
    fputs(", ", stdout);
    json_number("plain", row->verdict.plain);
    fputs(", ", stdout);
    json_number("best", row->verdict.best);
    printf(", \"technique\": \"%s\", \"options\": [",
           oracle_technique_word(row->verdict.technique));
    for (enum oracle_technique t = ORACLE_PLAIN; t < ORACLE_TECHNIQUES; t++) {
        if (!row->verdict.options[t].possible)
            continue;
        fputs(any ? ", " : "", stdout);
        json_option(t, &row->verdict.options[t]);
        any = true;
    }
    fputs("]}", stdout);
}

static void print_json(const struct pair *pair)
{
    fputs("{\"a\": ", stdout);
    text_json(stdout, pair->names[0]);
    fputs(", \"b\": ", stdout);
    text_json(stdout, pair->names[1]);
    printf(", \"budget\": {\"mappings\": %u, \"probes\": %u, ", pair->budget.mappings,
           pair->budget.probes);
    json_number("time_s", (double)pair->budget.time / 1e9);
    fputs("}, ", stdout);
    json_number("plain", pair->plain);
    fputs(", ", stdout);
    json_number("best", pair->best);
    if (pair->worlds > 0) {
        printf(", \"worlds\": {\"played\": %u, \"met\": %u, ", pair->worlds, pair->met);
        json_number("expected", pair->expected);
        fputs("}", stdout);
    }
    fputs(", \"pairs\": [", stdout);
    for (uint32_t i = 0; i < pair->count; i++) {
        fputs(i ? ", " : "", stdout);
        json_row(&pair->rows[i]);
    }
    puts("]}");
}

static int pair_main(int argc, char **argv)
{
    static struct command_line line;
    struct pair pair = {.budget = ORACLE_BUDGET};
    struct errors errors = {0};
    struct arena arena = {0};
    uint64_t worlds = 0;
    int code = command_parse(&nat_pair_command, argc, argv, &line);
    if (code == COMMAND_CONTINUES)
        code = read_budget(&pair.budget, command_value(&line, "budget"));
    if (code == COMMAND_CONTINUES)
        code = read_mapped(&pair.budget, command_value(&line, "mapped"));
    if (code == COMMAND_CONTINUES &&
        command_number(&line, "worlds", 1, WORLDS_MOST, &worlds) != EXIT_FINE)
        code = EXIT_INPUT;
    if (code != COMMAND_CONTINUES)
        return code;
    pair.worlds = (uint32_t)worlds;
    struct catalogue *catalogue = catalogue_open(&arena, "");
    for (int s = 0; s < 2; s++) {
        pair.names[s] = line.arguments[s];
        read_nat(&pair, s, catalogue, &arena, &errors);
    }
    code = errors.count ? EXIT_INPUT : EXIT_FINE;
    if (errors.count) {
        errors_print(&errors, stderr);
    } else {
        judge(&pair, &arena);
        play(&pair);
        if (command_value(&line, "json"))
            print_json(&pair);
        else
            print_text(&pair);
    }
    errors_free(&errors);
    arena_free(&arena);
    return code;
}
