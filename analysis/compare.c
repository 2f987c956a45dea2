/* compare.c: see compare.h. */
#include "analysis/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_parts.h"
#include "analysis/exit.h"

static int misuse(const char *what, const char *word)
{
    fprintf(stderr,
            "mistsim compare: %s%s\nusage: mistsim compare BASE.db CANDIDATE.db [options]\n"
            "       mistsim compare FILE.db --base KEY=VALUE --candidate KEY=VALUE [options]\n"
            "       mistsim compare FILE.db --cells KEY=VALUE [--json]\n",
            what, word);
    return EXIT_INPUT;
}

/* The value in "--name=value", or NULL. */
static const char *value_of(const char *word, const char *name)
{
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* "0.01" in the metric's unit, or "5%" of the value. */
static int read_amount(const char *text, double *most, int *relative)
{
    char *end;
    *most = strtod(text, &end);
    *relative = *end == '%' && end[1] == 0;
    *most /= *relative ? 100 : 1;
    return end == text || (*end && !*relative) || !isfinite(*most) || *most <= 0;
}

/* "dial.direct_rate=0.01" */
static int read_margin(struct compare_request *q, const char *text)
{
    char name[64];
    size_t length = strcspn(text, "=");
    struct compare_margin *margin = &q->margins[q->margin_count];
    if (q->margin_count == COMPARE_GATING)
        return misuse("too many metrics to judge by: --margin=", text);
    snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), text);
    margin->metric = compare_metric_find(name);
    if (!margin->metric || !margin->metric->better)
        return misuse("no metric to judge by: --margin=", text);
    if (text[length] != '=' || read_amount(text + length + 1, &margin->most, &margin->relative))
        return misuse("expected a margin above 0: --margin=", text);
    q->margin_count++;
    return 0;
}

/* A word that is an option without value.  Returns 1 where it is none of them. */
static int read_flag(struct compare_request *q, const char *word)
{
    const struct {
        const char *word;
        int *flag;
    } flags[] = {{"--facts", &q->facts},
                 {"--across-engines", &q->across_engines},
                 {"--incomplete", &q->incomplete},
                 {"--sequential", &q->sequential}};
    static const struct {
        const char *word;
        enum compare_form form;
    } forms[] = {{"--json", FORM_JSON}, {"--markdown", FORM_MARKDOWN}, {"--junit", FORM_JUNIT}};
    for (int i = 0; i < 4; i++)
        if (strcmp(word, flags[i].word) == 0) {
            *flags[i].flag = 1;
            return 0;
        }
    for (int i = 0; i < 3; i++) {
        if (strcmp(word, forms[i].word) == 0) {
            q->form = forms[i].form;
            return 0;
        }
    }
    return 1;
}

static int read_option(struct compare_request *q, const char *word)
{
    const char *value;
    int relative;
    if (read_flag(q, word) == 0)
        return 0;
    if ((value = value_of(word, "--base")) != NULL) {
        q->select[COMPARE_BASE] = value;
    } else if ((value = value_of(word, "--candidate")) != NULL) {
        q->select[COMPARE_CANDIDATE] = value;
    } else if ((value = value_of(word, "--cells")) != NULL) {
        q->cells = value;
    } else if ((value = value_of(word, "--margin")) != NULL) {
        return read_margin(q, value);
    } else if ((value = value_of(word, "--max-loss")) != NULL) {
        if (read_amount(value, &q->most_loss, &relative) || relative || q->most_loss > 1)
            return misuse("expected a loss above 0 and at most 1: ", word);
    } else if ((value = value_of(word, "--why")) != NULL) {
        q->why = compare_metric_find(value);
        if (!q->why)
            return misuse("no metric that is compared: ", word);
    } else {
        return misuse("unknown option ", word);
    }
    return 0;
}

/* --cells stands alone: of one file all runs, told as text or JSON. */
static int check_cells(struct compare_request *q, int files)
{
    if (files != 1)
        return misuse("--cells is about the sweep of one file", "");
    if (q->facts || q->why || q->sequential || q->margin_count > 0 || q->select[COMPARE_BASE] ||
        q->select[COMPARE_CANDIDATE] || q->form > FORM_JSON)
        return misuse("--cells goes with --json alone", "");
    q->files[COMPARE_CANDIDATE] = q->files[COMPARE_BASE];
    return 0;
}

static int read_request(int argc, char **argv, struct compare_request *q)
{
    int files = 0, only_files = 0;
    for (int i = 1; i < argc; i++) {
        int status = 0;
        if (!only_files && strcmp(argv[i], "--") == 0)
            only_files = 1;
        else if (!only_files && argv[i][0] == '-' && argv[i][1])
            status = read_option(q, argv[i]);
        else if (files == COMPARE_SIDES)
            return misuse("two files at most; unexpected ", argv[i]);
        else
            q->files[files++] = argv[i];
        if (status)
            return status;
    }
    if (files == 0)
        return misuse("expected BASE.db CANDIDATE.db", "");
    if (q->cells)
        return check_cells(q, files);
    if (files == 1 && (!q->select[COMPARE_BASE] || !q->select[COMPARE_CANDIDATE]))
        return misuse("of one file say which runs: --base KEY=VALUE --candidate KEY=VALUE", "");
    if (q->facts && q->form != FORM_TEXT && q->form != FORM_JSON)
        return misuse("--facts is told as text or --json", "");
    if (q->why && (q->form != FORM_TEXT || q->facts))
        return misuse("--why is told as text, without --facts", "");
    if (q->sequential && (q->why || q->facts || (q->form != FORM_TEXT && q->form != FORM_JSON)))
        return misuse("--sequential is told as text or --json, without --why and --facts", "");
    if (files == 1)
        q->files[COMPARE_CANDIDATE] = q->files[COMPARE_BASE];
    return 0;
}

static void write_comparison(struct compare *c)
{
    const struct compare_request *q = c->request;
    int identical = c->identical == c->pair_count && !q->sequential;
    if (!identical) {
        compare_measure(c);
        if (!compare_failed(c))
            compare_judge(c);
    }
    if (compare_failed(c))
        return;
    if (q->sequential)
        compare_sequential(c, stdout);
    else if (q->form == FORM_JSON)
        compare_json(c, stdout);
    else if (q->form == FORM_JUNIT)
        compare_junit(c, stdout);
    else if (q->why && !identical)
        compare_why(c, stdout);
    else
        compare_table(c, stdout);
}

static void tell_failure(const struct compare *c)
{
    const char *line = c->error;
    while (*line) {
        char text[400];
        size_t length = strcspn(line, "\n");
        snprintf(text, sizeof text, "%.*s", (int)(length < 399 ? length : 399), line);
        fputs("mistsim compare: ", stderr);
        compare_print(stderr, text);
        fputc('\n', stderr);
        line += length + (line[length] == '\n');
    }
}

static int compare(struct compare *c)
{
    int code = EXIT_FINE;
    if (c->request->cells) {
        code = compare_cells(&c->arms[COMPARE_BASE].source, c->request->cells, c->request->form,
                             stdout);
        if (compare_failed(c))
            tell_failure(c);
        return code;
    }
    compare_pair_up(c);
    if (!c->status)
        compare_check(c);
    if (!c->status && c->request->facts)
        code = compare_facts(c, stdout);
    else if (!c->status)
        write_comparison(c);
    if (compare_failed(c)) {
        tell_failure(c);
        return c->status;
    }
    return c->request->facts ? code : compare_exit(c);
}

int compare_main(int argc, char **argv)
{
    static struct compare_request q;
    static struct compare c;
    int code = read_request(argc, argv, &q);
    if (code)
        return code;
    c.request = &q;
    for (int side = 0; side < COMPARE_SIDES; side++)
        source_open(&c.arms[side].source, q.files[side]);
    if (compare_failed(&c)) {
        tell_failure(&c);
        code = c.status;
    } else {
        code = compare(&c);
    }
    for (int side = 0; side < COMPARE_SIDES; side++) {
        source_close(&c.arms[side].source);
        free(c.arms[side].text);
    }
    for (int i = 0; i < c.result_count; i++)
        free(c.results[i].values.hits[COMPARE_BASE]);
    if (fflush(stdout) || ferror(stdout)) {
        perror("mistsim compare: standard output");
        return EXIT_STORAGE;
    }
    return code;
}
