/* schema_command.c: the commands `mistsim explain-key` and `mistsim schema`. */
#include <string.h>

#include "sim/exit.h"
#include "sim/metric.h"
#include "sim/scenario_command.h"
#include "sim/schema.h"

static int explain_key_main(int argc, char **argv);
static int schema_main(int argc, char **argv);

const struct command explain_key_command = {
    .name = "explain-key",
    .arguments = "[KEY...]",
    .most = COMMAND_VALUES,
    .help = "tell what a key of a scenario or a metric means; without one, list them all",
    .examples = "  mistsim explain-key network.loss\n"
                "  mistsim explain-key dial.punch_rate\n"
                "  mistsim explain-key population.home.nat\n",
    .main = explain_key_main,
};

static const struct command_option SCHEMA_OPTIONS[] = {
    {"markdown", NULL, "the reference of keys as a Markdown table", 0},
    {"metrics", NULL, "the reference of metrics as a Markdown table", 0},
    {NULL, NULL, NULL, 0},
};

const struct command schema_command = {
    .name = "schema",
    .arguments = "",
    .help = "print the JSON Schema of scenarios, for editors",
    .options = SCHEMA_OPTIONS,
    .main = schema_main,
};

static void explain_metric(const struct metric *metric)
{
    const char *better = metric_better_word(metric->better);
    printf("%s: %s\n  bound    on a %s%s\n", metric->name, metric->doc,
           value_quantity_word(metric->quantity),
           metric->pairs ? "; also of one ordered pair, `[SRC,DST]`" : "");
    if (*better)
        printf("  better   when %s; `compare` can judge by it\n", better);
}

static void list_metrics(void)
{
    fputs("  metrics\n", stdout);
    for (uint32_t i = 0; i < METRIC_COUNT; i++)
        printf("    %-28s %s\n", METRICS[i].name, METRICS[i].doc);
}

static int explain_one(const char *path)
{
    const struct schema_key *key = schema_find(&SCHEMA_SCENARIO, path);
    const struct metric *metric = metric_find(path, strlen(path));
    if (!key && !metric)
        return command_misuse(&explain_key_command,
                              "no key or metric `%.100s`; without an argument all are listed",
                              path);
    if (key)
        schema_explain(key, path, stdout);
    if (key && (key->kind == SCHEMA_EXPECT || key->kind == SCHEMA_COMPARE))
        list_metrics();
    if (metric)
        explain_metric(metric);
    return EXIT_FINE;
}

static int explain_key_main(int argc, char **argv)
{
    struct command_line line;
    int code = command_parse(&explain_key_command, argc, argv, &line);
    if (code != COMMAND_CONTINUES)
        return code;
    if (line.argument_count == 0) {
        schema_print_markdown(stdout);
        putchar('\n');
        metric_print_markdown(stdout);
    }
    code = EXIT_FINE;
    for (int i = 0; i < line.argument_count && code == EXIT_FINE; i++)
        code = explain_one(line.arguments[i]);
    return code;
}

static int schema_main(int argc, char **argv)
{
    struct command_line line;
    int code = command_parse(&schema_command, argc, argv, &line);
    if (code != COMMAND_CONTINUES)
        return code;
    if (command_value(&line, "markdown"))
        schema_print_markdown(stdout);
    else if (command_value(&line, "metrics"))
        metric_print_markdown(stdout);
    else
        schema_print_json(stdout);
    return EXIT_FINE;
}
