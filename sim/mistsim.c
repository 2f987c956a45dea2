/* mistsim.c: the simulator's program: finds the command and calls it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "sim/analysis_command.h"
#include "sim/bench.h"
#include "sim/bisect.h"
#include "sim/commit.h"
#include "sim/doctor.h"
#include "sim/dump.h"
#include "sim/errors.h"
#include "sim/exit.h"
#include "sim/generate.h"
#include "sim/nat_command.h"
#include "sim/regress.h"
#include "sim/run.h"
#include "sim/scenario_command.h"
#include "sim/show.h"
#include "sim/verify.h"
#include "stack/mist.h"

static const struct command *const commands[] = {
    &run_command,    &scenario_check_command, &explain_key_command,
    &schema_command, &show_command,           &dump_command,
    &verify_command, &report_command,         &compare_command,
    &bisect_command, &regress_command,        &nat_command,
    &doctor_command, &bench_command,          NULL,
};
#define COMMANDS (sizeof commands / sizeof *commands - 1)

static void print_help(FILE *out)
{
    fputs("mistsim: measures what NATs let through, with the real protocol code\n\n"
          "usage: mistsim COMMAND ...\n\ncommands:\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->help);
    fputs("\n`mistsim COMMAND --help` tells more.  Start with:\n"
          "  mistsim run scenarios/quickstart.yaml\n",
          out);
}

static int unknown_command(const char *word)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *nearest = errors_suggest(word, names, COMMANDS);
    fprintf(stderr, "mistsim: unknown command `%.40s`", word);
    if (nearest)
        fprintf(stderr, " (did you mean `%s`?)", nearest);
    fputs("\nRun `mistsim --help` for the list.\n", stderr);
    return EXIT_INPUT;
}

/* What was printed must have arrived: a full disk behind `>` is a failure too. */
static int finish(int code)
{
    if (fflush(stdout) || ferror(stdout)) {
        perror("mistsim: standard output");
        return code ? code : EXIT_STORAGE;
    }
    return code;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    const char *word = argc > 1 ? argv[1] : "";
    if (!*word) {
        print_help(stderr);
        return EXIT_INPUT;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help(stdout);
        return finish(EXIT_FINE);
    }
    if (strcmp(word, "--version") == 0) {
        printf("mistsim, core %s, commit %s\n", mist_api()->build, sim_commit);
        return finish(EXIT_FINE);
    }
    if (strcmp(word, "generate") == 0) /* for the build */
        return finish(generate_main(commands, argc - 1, argv + 1));
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, word) == 0)
            return finish(commands[i]->main(argc - 1, argv + 1));
    return unknown_command(word);
}
