/* nat_command.c: finds the sub-command of `mistsim nat` and calls it. */
#include "sim/nat_command.h"

#include <string.h>

#include "sim/errors.h"
#include "sim/exit.h"
#include "sim/oracle_command.h"

#define PREFIX "nat " /* before the word, in a sub-command's name */

static const struct command *const commands[] = {
    &nat_list_command, &nat_show_command,  &nat_play_command,
    &nat_pair_command, &nat_probe_command, NULL,
};
#define COMMANDS (sizeof commands / sizeof *commands - 1)

static const char *word_of(const struct command *command)
{
    return command->name + sizeof PREFIX - 1;
}

static void print_help(FILE *out)
{
    fputs("mistsim nat: the catalogue of NATs, and what they do\n\n"
          "usage: mistsim nat COMMAND ...\n\ncommands:\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-12s %s\n", word_of(commands[i]), commands[i]->help);
    fputs("\n`mistsim nat COMMAND --help` tells more.\n", out);
}

static int unknown_command(const char *word)
{
    const char *words[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        words[i] = word_of(commands[i]);
    const char *nearest = errors_suggest(word, words, COMMANDS);
    return command_misuse(&nat_command, "unknown command `%.40s`%s%s%s", word,
                          nearest ? " (did you mean `" : "", nearest ? nearest : "",
                          nearest ? "`?)" : "");
}

static int nat_main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (!*word) {
        print_help(stderr);
        return EXIT_INPUT;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help(stdout);
        return EXIT_FINE;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(word_of(commands[i]), word) == 0)
            return commands[i]->main(argc - 1, argv + 1);
    return unknown_command(word);
}

const struct command nat_command = {
    .name = "nat",
    .arguments = "COMMAND ...",
    .help = "the catalogue of NATs; scripted tests of what they do",
    .main = nat_main,
    .commands = commands,
};
