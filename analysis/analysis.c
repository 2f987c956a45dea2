/* analysis.c: the program mistsim-analysis, to which mistsim hands its commands that
 * do statistics.  It links GSL, which the simulator must not. */
#include <gsl/gsl_errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare.h"
#include "analysis/exit.h"
#include "analysis/report.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "mistsim-analysis: %s:%d: broken promise: %s\n", file, line, condition);
    _Exit(EXIT_BROKEN);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    gsl_set_error_handler_off();
    if (argc > 1 && strcmp(argv[1], "report") == 0)
        return report_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "compare") == 0)
        return compare_main(argc - 1, argv + 1);
    fputs("usage: mistsim report FILE.db [-o DIR] [--keep]\n"
          "       mistsim compare BASE.db CANDIDATE.db [options]\n"
          "(mistsim-analysis is a part of mistsim and is run by it)\n",
          stderr);
    return EXIT_INPUT;
}
