/* analysis_command.c: see analysis_command.h. */
#include "sim/analysis_command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/exit.h"
#include "sim/metric.h"
#include "sim/plan.h"
#include "sim/value.h"

#define PROGRAM "mistsim-analysis"
#define PATH    4096 /* bytes of a file's name */

/* Where PROGRAM stands: beside this program. */
static void find_program(char path[PATH])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH - sizeof PROGRAM - 1);
    path[length > 0 ? length : 0] = 0;
    char *slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, PROGRAM);
}

/* Becomes the analysis program; returns only where there is none. */
static int hand_over(const struct command *command, int argc, char **argv)
{
    char path[PATH], *words[COMMAND_VALUES + 2] = {PROGRAM};
    find_program(path);
    for (int i = 0; i < argc; i++)
        words[i + 1] = argv[i];
    fflush(stdout);
    execv(path, words);
    fprintf(stderr,
            "mistsim %s: %s: %s\nIt comes with `make`, which needs GSL; as root: apt-get install"
            " libgsl-dev\n",
            command->name, path, strerror(errno));
    return EXIT_LACKING;
}

static int report_main(int argc, char **argv)
{
    static struct command_line line;
    int code = command_parse(&report_command, argc, argv, &line);
    return code == COMMAND_CONTINUES ? hand_over(&report_command, argc, argv) : code;
}

static const struct command_option report_options[] = {
    {"out", "DIR", "where to (default: FILE without .db, and -report)", 'o'},
    {"keep", NULL, "leave the figures' gnuplot scripts and data in DIR/figures", 0},
    {0},
};

const struct command report_command = {
    .name = "report",
    .arguments = "FILE.db",
    .least = 1,
    .most = 1,
    .help = "show a results file as one page: DIR/index.html",
    .examples = "  mistsim report results/quickstart.db\n"
                "  mistsim report results/quickstart.db -o /tmp/quickstart\n",
    .options = report_options,
    .main = report_main,
};

#define WORD  300 /* bytes of a word that is handed over */
#define WORDS 60  /* of a line */

/* The line of `compare` as the analysis program takes it: options as --name=value, margins
 * as numbers in the metric's unit, which is known here. */
struct handed {
    int count, margins;
    char *words[WORDS];
    char texts[WORDS][WORD];
};

static void hand_word(struct handed *h, const char *name, const char *value)
{
    char *text = h->texts[h->count];
    snprintf(text, WORD, "--%s%s%s", name, *value ? "=" : "", value);
    h->words[h->count++] = text;
}

static int misuse_metric(const char *option, const char *name)
{
    const char *near = metric_suggest(name);
    return command_misuse(&compare_command,
                          "--%s: expected a metric of which more or less is better, got"
                          " `%.60s`%s%s%s",
                          option, name, near ? " (did you mean `" : "", near ? near : "",
                          near ? "`?)" : "");
}

/* "dial.direct_rate=1%" */
static int hand_margin(struct handed *h, const char *text)
{
    char name[64], word[100];
    size_t length = strcspn(text, "=");
    snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), text);
    const struct metric *metric = metric_find(text, length);
    double margin;
    int relative;
    if (!metric || metric->better == METRIC_NEITHER)
        return misuse_metric("margin", name);
    const char *expected =
        value_margin(text[length] ? text + length + 1 : "", metric->quantity, &margin, &relative);
    if (expected)
        return command_misuse(&compare_command, "--margin %s: expected %s, got `%.60s`", name,
                              expected, text[length] ? text + length + 1 : "nothing");
    if (++h->margins > PLAN_MARGINS)
        return command_misuse(&compare_command, "expected at most %d margins", PLAN_MARGINS);
    snprintf(word, sizeof word, "%s=%.17g%s", metric->name, relative ? 100 * margin : margin,
             relative ? "%" : "");
    hand_word(h, "margin", word);
    return COMMAND_CONTINUES;
}

static int hand_loss(struct handed *h, const char *text)
{
    char word[100];
    double margin;
    int relative;
    const char *expected = value_margin(text, VALUE_SHARE, &margin, &relative);
    if (expected)
        return command_misuse(&compare_command, "--max-loss: expected %s, got `%.60s`", expected,
                              text);
    snprintf(word, sizeof word, "%.17g", margin);
    hand_word(h, "max-loss", word);
    return COMMAND_CONTINUES;
}

static int hand_option(struct handed *h, const char *name, const char *value)
{
    if (strcmp(name, "margin") == 0)
        return hand_margin(h, value);
    if (strcmp(name, "max-loss") == 0)
        return hand_loss(h, value);
    if (strcmp(name, "why") == 0 && !metric_find(value, strlen(value)))
        return misuse_metric("why", value);
    if (strlen(value) > WORD - 40)
        return command_misuse(&compare_command, "--%s: too long", name);
    hand_word(h, name, value);
    return COMMAND_CONTINUES;
}

static int compare_main(int argc, char **argv)
{
    static struct command_line line;
    static struct handed h;
    int code = command_parse(&compare_command, argc, argv, &line);
    h.words[h.count++] = argv[0];
    if (code == COMMAND_CONTINUES && line.option_count > WORDS - 5)
        return command_misuse(&compare_command, "too many options");
    for (int i = 0; i < line.option_count && code == COMMAND_CONTINUES; i++)
        code = hand_option(&h, line.options[i]->name, line.values[i]);
    if (code != COMMAND_CONTINUES)
        return code;
    if (line.argument_count == 1 && !command_value(&line, "cells") &&
        (!command_value(&line, "base") || !command_value(&line, "candidate")))
        return command_misuse(&compare_command,
                              "of one file say which runs: --base KEY=VALUE --candidate KEY=VALUE");
    hand_word(&h, "", "");
    for (int i = 0; i < line.argument_count; i++) /* exec takes them as they are */
        memcpy(&h.words[h.count++], &line.arguments[i], sizeof(char *));
    return hand_over(&compare_command, h.count, h.words);
}

static const struct command_option compare_options[] = {
    {"base", "KEY=VALUE,...",
     "which runs are the base, where a file has several versions: a "
     "setting of the sweep or of --set (KEY= where it is not set), "
     "commit=, stack=, engine=",
     0},
    {"candidate", "KEY=VALUE,...", "the same of the candidate", 0},
    {"margin", "METRIC=MARGIN",
     "judge by the metric too, or with this margin: a loss that would "
     "not matter (repeatable)",
     0},
    {"max-loss", "POINTS", "the margin of all shares that are judged by: 1pt", 0},
    {"why", "METRIC", "one metric, seed by seed, and the dials that changed", 0},
    {"cells", "KEY=VALUE",
     "of one file: this setting of its sweep against each other one, for every pair of "
     "populations, dial by dial; exit 1 where one of them is better",
     0},
    {"facts", NULL, "compare who connected how, dial by dial, and nothing else", 0},
    {"across-engines", NULL, "compare runs of different engines", 0},
    {"incomplete", NULL, "leave out runs that did not complete, and say how many", 0},
    {"sequential", NULL, "judge as one may who looked before: verdicts that hold at every look", 0},
    {"json", NULL, "for programs (version 1)", 0},
    {"markdown", NULL, "for a pull request", 0},
    {"junit", NULL, "for a CI: a test case per gating metric", 0},
    {0},
};

const struct command compare_command = {
    .name = "compare",
    .arguments = "BASE.db [CANDIDATE.db]",
    .least = 1,
    .most = 2,
    .help = "did a change make it better or worse? paired statistics per metric",
    .examples = "  mistsim compare results/before.db results/after.db\n"
                "  mistsim compare results/study.db --base stack.punch.rounds=6"
                " --candidate stack.punch.rounds=1\n"
                "  mistsim compare a.db b.db --max-loss 0.5pt --margin dial.first_byte.p95=50ms\n"
                "  mistsim compare results/strategies.db --cells stack.punch.strategy=mist\n"
                "  mistsim compare native.db ns3.db --facts --across-engines\n",
    .options = compare_options,
    .main = compare_main,
};
