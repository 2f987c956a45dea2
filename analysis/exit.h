/* exit.h: the exit codes of mistsim that its analysis program uses, with the same
 * numbers and meanings: to the user the two are one program. */
#ifndef ANALYSIS_EXIT_H
#define ANALYSIS_EXIT_H

enum exit_code {
    EXIT_FINE = 0,
    EXIT_WORSE = 1,     /* a regression was found */
    EXIT_INPUT = 2,     /* bad usage or input */
    EXIT_BROKEN = 3,    /* an invariant of the program broke */
    EXIT_UNDECIDED = 4, /* too few seeds; the message says how many are needed */
    EXIT_STORAGE = 5,   /* storage failed; the message says what is safe */
    EXIT_LACKING = 77,  /* the environment lacks something; the message names it */
};

#endif
