/* command.h: what a sub-command is, and how its line is read.
 *
 * One table entry per command says everything: --help is printed from it, the
 * line is parsed by it.  argv[0] of a command's main is the command's name. */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define COMMAND_VALUES    1000 /* most options and arguments on a line */
#define COMMAND_CONTINUES (-1) /* from command_parse: go on */

struct command_option {
    const char *name;  /* "seed", without the dashes */
    const char *value; /* "N"; NULL: it takes none */
    const char *help;  /* one line */
    char letter;       /* 'o' for -o; 0: none */
};

struct command {
    const char *name;
    const char *arguments;                /* "SCENARIO"; "" for none */
    int least, most;                      /* number of arguments */
    const char *help;                     /* one line */
    const char *examples;                 /* lines, each with its newline; NULL: none */
    const struct command_option *options; /* ended by a nameless one; --help is understood anyway */
    int (*main)(int argc, char **argv);
    const struct command *const *commands; /* its sub-commands, ended by NULL; NULL: none */
    bool is_program;                       /* of its own, not one of mistsim's commands */
};

/* A parsed line: borrowed from argv. */
struct command_line {
    const struct command *command;
    int argument_count, option_count;
    const char *arguments[COMMAND_VALUES];
    const struct command_option *options[COMMAND_VALUES];
    const char *values[COMMAND_VALUES]; /* "" for an option without value */
};

/* Reads the line.  Returns COMMAND_CONTINUES, EXIT_FINE after --help was
 * printed, or EXIT_INPUT after the mistakes were. */
int command_parse(const struct command *command, int argc, char **argv, struct command_line *line);

/* Value of the option, the last one given; NULL: not given. */
const char *command_value(const struct command_line *line, const char *option);

/* All values of a repeatable option, in order; returns how many. */
uint32_t command_values(const struct command_line *line, const char *option,
                        const char *values[COMMAND_VALUES]);

/* The option's value as a number in [low, high].  Returns 0, with *number as it was
 * where the option is not given, or EXIT_INPUT after saying what was expected. */
int command_number(const struct command_line *line, const char *option, uint64_t low, uint64_t high,
                   uint64_t *number);

/* Reads a whole decimal number of at most high.  Returns 0 or -1. */
int command_read_number(const char *text, uint64_t high, uint64_t *number);

/* "mistsim run: ..." to stderr, with the way to the help; returns EXIT_INPUT. */
int command_misuse(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void command_help(const struct command *command, FILE *out);

#endif
