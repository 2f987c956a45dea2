/* exit.h: what the programs' exit codes mean, the only place that says so. */
#ifndef SIM_EXIT_H
#define SIM_EXIT_H

enum exit_code {
    EXIT_FINE = 0,
    EXIT_WORSE = 1,         /* an expectation failed or a regression was found */
    EXIT_INPUT = 2,         /* bad usage or input */
    EXIT_BROKEN = 3,        /* an invariant of the program broke, nondeterminism included */
    EXIT_UNDECIDED = 4,     /* compare: too few seeds */
    EXIT_STORAGE = 5,       /* storage failed; the message says what is safe */
    EXIT_LACKING = 77,      /* the environment lacks something; the message names it */
    EXIT_INTERRUPTED = 130, /* what was finished is kept */
};

#endif
