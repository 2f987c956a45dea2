/* generate.h: man pages and shell completion, made from the very tables that the
 * program uses: commands and options (command.h), keys (schema.h), metrics
 * (metric.h), exit codes (exit.h).  For the build; not in the list of commands. */
#ifndef SIM_GENERATE_H
#define SIM_GENERATE_H

#include <stdio.h>

#include "sim/command.h"

/* `generate man FOLDER DATE` writes a page per command, one for the program and
 * one for scenarios; `generate page NAME WHAT DATE` prints the page of another
 * program from its --help on stdin; `generate completion bash|zsh|fish` prints.
 * commands: ended by NULL.  Returns an exit code. */
int generate_main(const struct command *const *commands, int argc, char **argv);

/* The parts.  date: "2026-11-20". */
int generate_man(const struct command *const *commands, const char *folder, const char *date);
void generate_page(const char *name, const char *what, const char *date, FILE *help, FILE *out);
void generate_bash(const struct command *const *commands, FILE *out);
void generate_zsh(const struct command *const *commands, FILE *out);
void generate_fish(const struct command *const *commands, FILE *out);

#endif
