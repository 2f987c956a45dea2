/* exit.h: what the programs' exit codes mean, the only place that says so. */
#ifndef SIM_EXIT_H
#define SIM_EXIT_H

/* X(NAME, code, meaning): the meaning stands in the man pages. */
#define EXIT_CODES(X)                                                                              \
    X(FINE, 0, "fine")                                                                             \
    X(WORSE, 1, "an expectation failed or a regression was found")                                 \
    X(INPUT, 2, "bad usage or input")                                                              \
    X(BROKEN, 3, "an invariant of the program broke, nondeterminism included")                     \
    X(UNDECIDED, 4, "undecided: too few seeds; the message says how many are needed")              \
    X(STORAGE, 5, "storage failed; the message says what is safe")                                 \
    X(LACKING, 77, "the environment lacks something; the message names it")                        \
    X(INTERRUPTED, 130, "interrupted; what was finished is kept")

#define EXIT_ENUM(name, code, meaning) EXIT_##name = (code),
enum exit_code { EXIT_CODES(EXIT_ENUM) };

#endif
