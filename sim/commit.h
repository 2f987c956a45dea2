/* commit.h: which commit of the project a program was built from. */
#ifndef SIM_COMMIT_H
#define SIM_COMMIT_H

/* Abbreviated, "-dirty" appended when the tree differed from it, or "unknown"
 * where git could not tell.  The build writes it (see Makefile). */
extern const char sim_commit[];

#endif
