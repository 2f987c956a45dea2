/* commit.h: what a program was built from, and how.  The build writes it (Makefile). */
#ifndef SIM_COMMIT_H
#define SIM_COMMIT_H

/* Abbreviated, "-dirty" appended when the tree differed from it, or "unknown"
 * where git could not tell. */
extern const char sim_commit[];

/* Hash (git's) of how the sources of programs differed from the commit; "" where they
 * did not. */
extern const char sim_changes[];

/* First line of `CC --version`, and what the compiler was told. */
extern const char sim_compiler[], sim_flags[];

#endif
