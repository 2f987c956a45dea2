/* command.c: see command.h. */
#include "sim/command.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "sim/errors.h"
#include "sim/exit.h"
#include "stack/check.h"

/* What stands before a command's name on the line. */
static const char *before(const struct command *command)
{
    return command->is_program ? "" : "mistsim ";
}

int command_misuse(const struct command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s%s: ", before(command), command->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nRun `%s%s --help` for what it takes.\n", before(command), command->name);
    va_end(arguments);
    return EXIT_INPUT;
}

static int option_heading(const struct command_option *o, char *text, size_t size)
{
    char letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    return snprintf(text, size, "  %s--%s%s%s", letter, o->name, o->value ? " " : "",
                    o->value ? o->value : "");
}

void command_help(const struct command *command, FILE *out)
{
    const struct command_option help = {"help", NULL, "this text", 0};
    const struct command_option *options = command->options;
    char heading[100];
    int width = option_heading(&help, heading, sizeof heading);
    for (const struct command_option *o = options; o && o->name; o++) {
        int columns = option_heading(o, heading, sizeof heading);
        width = columns > width ? columns : width;
    }
    fprintf(out, "%s%s: %s\n\nusage: %s%s%s%s [options]\n", before(command), command->name,
            command->help, before(command), command->name, *command->arguments ? " " : "",
            command->arguments);
    if (command->examples)
        fprintf(out, "\nexamples:\n%s", command->examples);
    fputs("\noptions:\n", out);
    for (const struct command_option *o = options; o && o->name; o++) {
        option_heading(o, heading, sizeof heading);
        fprintf(out, "%-*s  %s\n", width, heading, o->help);
    }
    option_heading(&help, heading, sizeof heading);
    fprintf(out, "%-*s  %s\n", width, heading, help.help);
}

static int unknown_option(const struct command *command, const char *name, size_t length)
{
    const char *names[64];
    uint32_t count = 0;
    for (const struct command_option *o = command->options; o && o->name; o++) {
        CHECK(count < 64);
        names[count++] = o->name;
    }
    char word[40];
    snprintf(word, sizeof word, "%.*s", (int)(length < 39 ? length : 39), name);
    const char *nearest = errors_suggest(word, names, count);
    if (nearest)
        return command_misuse(command, "unknown option `--%s` (did you mean `--%s`?)", word,
                              nearest);
    return command_misuse(command, "unknown option `--%s`", word);
}

/* The option named by length bytes, or by its letter where length is 1 and dashes 1. */
static const struct command_option *find_option(const struct command *command, const char *name,
                                                size_t length, int dashes)
{
    for (const struct command_option *o = command->options; o && o->name; o++) {
        int same = strlen(o->name) == length && strncmp(o->name, name, length) == 0;
        if (dashes == 2 ? same : o->letter && o->letter == name[0])
            return o;
    }
    return NULL;
}

/* Reads the option at argv[*i] and its value, which may be the next word. */
static int read_option(struct command_line *line, int argc, char **argv, int *i)
{
    const struct command *command = line->command;
    const char *word = argv[*i];
    int dashes = word[1] == '-' ? 2 : 1;
    const char *name = word + dashes;
    const char *sign = dashes == 2 ? strchr(name, '=') : NULL;
    size_t length = sign ? (size_t)(sign - name) : strlen(name);
    const struct command_option *o = find_option(command, name, length, dashes);
    if (!o && dashes == 1)
        return command_misuse(command, "unknown option `%.40s`", word);
    if (!o)
        return unknown_option(command, name, length);
    const char *value = sign ? sign + 1 : dashes == 1 && name[1] ? name + 1 : NULL;
    if (value && !o->value)
        return command_misuse(command, "`--%s` takes no value", o->name);
    if (!value && o->value) {
        if (*i + 1 >= argc)
            return command_misuse(command, "`--%s` needs a value: %s", o->name, o->value);
        value = argv[++*i];
    }
    line->options[line->option_count] = o;
    line->values[line->option_count++] = value ? value : "";
    return COMMAND_CONTINUES;
}

static int check_arguments(const struct command_line *line)
{
    const struct command *command = line->command;
    int n = line->argument_count;
    if (n < command->least)
        return command_misuse(command, "expected %s", command->arguments);
    if (n > command->most)
        return command_misuse(command, "unexpected argument `%.100s`",
                              line->arguments[command->most]);
    return COMMAND_CONTINUES;
}

int command_parse(const struct command *command, int argc, char **argv, struct command_line *line)
{
    line->command = command;
    line->argument_count = line->option_count = 0;
    int only_arguments = 0;
    if (argc > COMMAND_VALUES)
        return command_misuse(command, "more than %d words", COMMAND_VALUES);
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!only_arguments && strcmp(word, "--") == 0) {
            only_arguments = 1;
        } else if (!only_arguments && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            command_help(command, stdout);
            return EXIT_FINE;
        } else if (!only_arguments && word[0] == '-' && word[1]) {
            int status = read_option(line, argc, argv, &i);
            if (status != COMMAND_CONTINUES)
                return status;
        } else {
            line->arguments[line->argument_count++] = word;
        }
    }
    return check_arguments(line);
}

uint32_t command_values(const struct command_line *line, const char *option,
                        const char *values[COMMAND_VALUES])
{
    uint32_t count = 0;
    for (int i = 0; i < line->option_count; i++)
        if (strcmp(line->options[i]->name, option) == 0)
            values[count++] = line->values[i];
    return count;
}

const char *command_value(const struct command_line *line, const char *option)
{
    const char *value = NULL;
    for (int i = 0; i < line->option_count; i++)
        if (strcmp(line->options[i]->name, option) == 0)
            value = line->values[i];
    return value;
}

int command_read_number(const char *text, uint64_t high, uint64_t *number)
{
    uint64_t n = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        uint64_t digit = (uint64_t)(*text - '0');
        if (digit > high || n > (high - digit) / 10)
            return -1;
        n = n * 10 + digit;
    }
    *number = n;
    return 0;
}

int command_number(const struct command_line *line, const char *option, uint64_t low, uint64_t high,
                   uint64_t *number)
{
    const char *text = command_value(line, option);
    uint64_t n = 0;
    if (!text)
        return 0;
    if (command_read_number(text, high, &n) || n < low)
        return command_misuse(line->command,
                              "--%s: expected a whole number from %" PRIu64 " to %" PRIu64
                              ", got `%.40s`",
                              option, low, high, text);
    *number = n;
    return 0;
}
