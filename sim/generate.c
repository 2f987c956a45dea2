/* generate.c: see generate.h: which of the parts is asked for. */
#include "sim/generate.h"

#include <string.h>

#include "sim/exit.h"

static int generate_completion(const struct command *const *commands, const char *shell)
{
    static const struct {
        const char *shell;
        void (*print)(const struct command *const *commands, FILE *out);
    } shells[] = {{"bash", generate_bash}, {"zsh", generate_zsh}, {"fish", generate_fish}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shells[i].shell, shell) == 0) {
            shells[i].print(commands, stdout);
            return EXIT_FINE;
        }
    fprintf(stderr, "mistsim generate: expected bash, zsh or fish, got `%.40s`\n", shell);
    return EXIT_INPUT;
}

int generate_main(const struct command *const *commands, int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "man") == 0)
        return generate_man(commands, argv[2], argv[3]);
    if (argc == 5 && strcmp(argv[1], "page") == 0) {
        generate_page(argv[2], argv[3], argv[4], stdin, stdout);
        return EXIT_FINE;
    }
    if (argc == 3 && strcmp(argv[1], "completion") == 0)
        return generate_completion(commands, argv[2]);
    fputs("usage: mistsim generate man FOLDER DATE\n"
          "       mistsim generate page NAME WHAT DATE <HELP\n"
          "       mistsim generate completion bash|zsh|fish\n",
          stderr);
    return EXIT_INPUT;
}
