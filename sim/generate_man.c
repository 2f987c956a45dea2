/* generate_man.c: man pages, in the macros of man(7). */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "sim/exit.h"
#include "sim/generate.h"
#include "sim/metric.h"
#include "sim/schema.h"
#include "stack/mist.h"

#define PATH_SIZE 4096
#define TEXT_SIZE 2000 /* of the longest description */

struct page {
    FILE *out;
    const char *date;
};

/* Where a line of prose may be broken: mandoc wants at most 80 columns. */
static int breaks(const char *c, const char *line)
{
    return *c == ' ' && c - line + (long)strcspn(c + 1, " \n") > 65;
}

/* Lines as roff takes them; what stands in backticks is bold. */
static void put_lines(FILE *out, const char *text)
{
    int bold = 0;
    for (const char *c = text; *c; c++) {
        int first = c == text || c[-1] == '\n';
        if (*c == '`')
            fputs((bold = !bold) ? "\\fB" : "\\fR", out);
        else if (*c == '\\')
            fputs("\\e", out);
        else if (*c == '-')
            fputs("\\-", out);
        else
            fprintf(out, "%s%c", first && (*c == '.' || *c == '\'') ? "\\&" : "", *c);
    }
}

/* Prose: the same, with lines broken. */
static void put(FILE *out, const char *text)
{
    char copy[TEXT_SIZE];
    snprintf(copy, sizeof copy, "%s", text);
    const char *line = copy;
    for (char *c = copy; *c; c++) {
        if (breaks(c, line))
            *c = '\n';
        if (*c == '\n')
            line = c + 1;
    }
    put_lines(out, copy);
}

/* ".SH TITLE", ".B text" and the like. */
static void put_macro(FILE *out, const char *macro, const char *text)
{
    fprintf(out, ".%s \"", macro);
    for (const char *c = text; *c; c++)
        fputs(*c == '"' ? "\\(dq" : *c == '-' ? "\\-" : (const char[]){*c, 0}, out);
    fputs("\"\n", out);
}

static void put_item(FILE *out, const char *name, const char *text)
{
    fputs(".TP\n", out);
    put_macro(out, "B", name);
    put(out, text);
    fputc('\n', out);
}

static void put_title(const struct page *page, const char *name, int section)
{
    fputs(".TH ", page->out);
    for (const char *c = name; *c; c++)
        fprintf(page->out, "%s", *c == '-' ? "\\-" : (const char[]){(char)toupper(*c), 0});
    fprintf(page->out, " %d %s \"%s\" \"Mist\"\n", section, page->date, mist_api()->build);
}

static void put_name(FILE *out, const char *name, const char *help)
{
    char line[TEXT_SIZE];
    snprintf(line, sizeof line, "%s - %s\n", name, help);
    put_macro(out, "SH", "NAME");
    put(out, line);
}

static void put_exit_codes(FILE *out)
{
    static const struct {
        int code;
        const char *meaning;
    } codes[] = {
#define ROW(name, code, meaning) {code, meaning},
        EXIT_CODES(ROW)
#undef ROW
    };
    put_macro(out, "SH", "EXIT STATUS");
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char number[12];
        snprintf(number, sizeof number, "%d", codes[i].code);
        put_item(out, number, codes[i].meaning);
    }
}

static void put_option(FILE *out, const struct command_option *o)
{
    char heading[200], letter[8] = "";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(heading, sizeof heading, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
             o->value ? o->value : "");
    put_item(out, heading, o->help);
}

static void put_options(FILE *out, const struct command *command)
{
    static const struct command_option help = {"help", NULL, "print a short help and end", 0};
    put_macro(out, "SH", "OPTIONS");
    for (const struct command_option *o = command->options; o && o->name; o++)
        put_option(out, o);
    put_option(out, &help);
}

static void put_examples(FILE *out, const char *examples)
{
    if (!examples)
        return;
    put_macro(out, "SH", "EXAMPLES");
    fputs(".nf\n", out);
    put_lines(out, examples);
    fputs(".fi\n", out);
}

/* "nat play" -> "mistsim-nat-play" */
static void page_name(const struct command *command, char *name, size_t size)
{
    snprintf(name, size, "mistsim-%s", command->name);
    for (char *c = name; *c; c++)
        *c = *c == ' ' ? '-' : *c;
}

static void put_list(FILE *out, const char *title, const struct command *const *commands)
{
    put_macro(out, "SH", title);
    for (; *commands; commands++) {
        char name[100];
        page_name(*commands, name, sizeof name);
        strncat(name, "(1)", sizeof name - strlen(name) - 1);
        put_item(out, name, (*commands)->help);
    }
}

static void put_command(const struct page *page, const struct command *command)
{
    FILE *out = page->out;
    char name[100];
    page_name(command, name, sizeof name);
    put_title(page, name, 1);
    put_name(out, name, command->help);
    put_macro(out, "SH", "SYNOPSIS");
    fputs(".B mistsim ", out);
    put(out, command->name);
    fputc('\n', out);
    put(out, command->arguments);
    fputs(*command->arguments ? "\n[options]\n" : "[options]\n", out);
    if (command->commands)
        put_list(out, "COMMANDS", command->commands);
    else
        put_options(out, command);
    put_examples(out, command->examples);
    put_exit_codes(out);
    put_macro(out, "SH", "SEE ALSO");
    fputs(".BR mistsim (1),\n.BR mistsim\\-scenario (5)\n", out);
}

static void put_program(const struct page *page, const struct command *const *commands)
{
    FILE *out = page->out;
    put_title(page, "mistsim", 1);
    put_name(out, "mistsim", "measures what NATs let through, with the real protocol code");
    put_macro(out, "SH", "SYNOPSIS");
    fputs(".B mistsim\nCOMMAND ...\n", out);
    put_macro(out, "SH", "DESCRIPTION");
    put(out, "Runs the core of the Mist protocol, unchanged, for thousands of nodes on a virtual\n"
             "clock behind modelled NATs, and says who reached whom, how, and how fast.  What is\n"
             "asked stands in a scenario file; what was seen goes into an SQLite database.\n");
    put_list(out, "COMMANDS", commands);
    put_macro(out, "SH", "ENVIRONMENT");
    put_item(out, "NO_COLOR", "set: no colours on a terminal");
    put_macro(out, "SH", "FILES");
    put_item(out, "results/NAME.db", "where the runs of the scenario NAME go by default");
    put_exit_codes(out);
    put_examples(out, "mistsim run scenarios/quickstart.yaml\n");
    put_macro(out, "SH", "SEE ALSO");
    fputs(".BR mistsim\\-scenario (5),\n.BR mist (1)\n", out);
}

static void put_key(void *data, const char *path, const struct schema_key *key)
{
    FILE *out = data;
    if (key->need == NEED_LATER)
        return;
    fputs(".TP\n", out);
    put_macro(out, "B", path);
    put(out, key->doc);
    fputs(".\n", out);
    put(out, schema_form(key->kind));
    if (key->need == NEED_REQUIRED)
        fputs("; required", out);
    else if (key->standard && *key->standard && !key->inside) {
        fputs("; default ", out);
        put(out, key->standard);
    }
    fputs(".\n", out);
}

static void put_scenario(const struct page *page)
{
    FILE *out = page->out;
    put_title(page, "mistsim-scenario", 5);
    put_name(out, "mistsim-scenario", "a question to the simulator, in YAML");
    put_macro(out, "SH", "DESCRIPTION");
    put(out, "A scenario says who is there, behind which NATs, on what network, and what they do.\n"
             "An unknown key is an error; keys that begin with `x-` are free for notes.\n");
    put_macro(out, "SH", "KEYS");
    put(out, "A * stands for a position or a name.\n");
    schema_walk(&SCHEMA_SCENARIO, put_key, out);
    put_macro(out, "SH", "METRICS");
    put(out, "What `expect` can bound.\n");
    for (uint32_t i = 0; i < METRIC_COUNT; i++)
        put_item(out, METRICS[i].name, METRICS[i].doc);
    put_macro(out, "SH", "SEE ALSO");
    fputs(".BR mistsim (1),\n.BR mistsim\\-check (1),\n.BR mistsim\\-run (1)\n", out);
}

static FILE *open_page(const char *folder, const char *name, int section)
{
    char path[PATH_SIZE];
    int n = snprintf(path, sizeof path, "%s/%s.%d", folder, name, section);
    FILE *out = n > 0 && (size_t)n < sizeof path ? fopen(path, "w") : NULL;
    if (!out)
        fprintf(stderr, "mistsim generate: %s/%s.%d: %s\n", folder, name, section, strerror(errno));
    return out;
}

static int close_page(FILE *out)
{
    int bad = ferror(out);
    if (fclose(out) == 0 && !bad)
        return EXIT_FINE;
    perror("mistsim generate");
    return EXIT_STORAGE;
}

static int write_commands(const struct command *const *commands, const char *folder,
                          const char *date)
{
    int code = EXIT_FINE;
    for (; *commands && code == EXIT_FINE; commands++) {
        char name[100];
        page_name(*commands, name, sizeof name);
        struct page page = {open_page(folder, name, 1), date};
        if (!page.out)
            return EXIT_STORAGE;
        put_command(&page, *commands);
        code = close_page(page.out);
        if (code == EXIT_FINE && (*commands)->commands)
            code = write_commands((*commands)->commands, folder, date);
    }
    return code;
}

int generate_man(const struct command *const *commands, const char *folder, const char *date)
{
    struct page program = {open_page(folder, "mistsim", 1), date};
    if (!program.out)
        return EXIT_STORAGE;
    put_program(&program, commands);
    int code = close_page(program.out);
    struct page scenario = {code ? NULL : open_page(folder, "mistsim-scenario", 5), date};
    if (!scenario.out)
        return EXIT_STORAGE;
    put_scenario(&scenario);
    code = close_page(scenario.out);
    return code ? code : write_commands(commands, folder, date);
}

void generate_page(const char *name, const char *what, const char *date, FILE *help, FILE *out)
{
    const struct page page = {out, date};
    char line[1000];
    put_title(&page, name, 1);
    put_name(out, name, what);
    put_macro(out, "SH", "SYNOPSIS");
    fputs(".nf\n", out);
    while (fgets(line, sizeof line, help))
        put_lines(out, line);
    fputs(".fi\n", out);
    put_macro(out, "SH", "SEE ALSO");
    fputs(".BR mistsim (1)\n", out);
}
