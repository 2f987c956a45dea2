/* revision.h: the core of another git revision, built as libmist.so.
 *
 * The sources of the revision are taken out of git into build/regress/COMMIT of the
 * working tree that the current folder is in, and built there by that revision's own
 * Makefile; the user's tree, index and branches stay as they are.  What was built once is
 * kept. */
#ifndef SIM_REVISION_H
#define SIM_REVISION_H

#define REVISION_PATH 4096

struct revision {
    char name[200];              /* for people: "HEAD~2 (1a2b3c4d5e6f)", or the file */
    char library[REVISION_PATH]; /* the libmist.so */
};

/* what: a file that is there, else a git revision.  Says on stderr what takes long.
 * Returns 0, EXIT_INPUT (no such revision; it does not build) or EXIT_LACKING (no git,
 * no repository) with error filled. */
int revision_find(const char *what, struct revision *revision, char *error, int error_size);

#endif
