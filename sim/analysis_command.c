/* analysis_command.c: see analysis_command.h. */
#include "sim/analysis_command.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sim/exit.h"

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
