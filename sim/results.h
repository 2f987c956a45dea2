/* results.h: the results file as its one writer sees it.
 *
 * A campaign opens it, and from then on no other campaign can: so a run that
 * stands there as running belongs to this process or to a dead one, and the
 * opening turns the dead one's into interrupted and deletes what it left.
 * Readers (sqlite3, mistsim show) come and go at any time.
 *
 * A run's rows come from a part file (record.h), whole, in one transaction
 * synced to the disk: after results_merge has returned 0 they survive a kill, a
 * full disk and a power cut. */
#ifndef SIM_RESULTS_H
#define SIM_RESULTS_H

#include <stdint.h>

struct results;
struct sqlite3;

#define RESULTS_PATH 4096 /* bytes of a part file's name */

/* What a run is, before it has happened.  Texts are borrowed. */
struct results_run {
    const char *scenario, *scenario_text, *cell, *engine, *stack, *commit_id;
    char stack_version[80]; /* "mist 0.1.0, modelled crypto" */
    const char *started_utc;
    const char *key; /* equal keys: the same run, whose trace hash must be equal */
    uint64_t seed;
};

/* A complete run found by its key. */
struct results_found {
    int64_t run; /* 0: none */
    char trace_hash[17];
    int64_t expectations_failed;
};

/* All functions that return int: 0, or EXIT_INPUT (not a results file of our
 * version, in use by another campaign), EXIT_STORAGE (cannot be written or read) or,
 * from results_merge, EXIT_BROKEN; then results_error says what happened. */

/* Opens or creates; *results is set even on failure, for results_error and
 * results_close. */
int results_open(struct results **results, const char *file);

/* Is the run there already, complete? */
int results_find(struct results *results, const char *key, struct results_found *found);

/* What a file says of a run that is asked for. */
enum results_known {
    RESULTS_NEW,         /* nothing */
    RESULTS_COMPLETE,    /* run is it */
    RESULTS_FAILED,      /* it was tried */
    RESULTS_INTERRUPTED, /* it was begun */
    RESULTS_OTHER_BUILD, /* complete, but by another build, or with other files beside */
};

/* The same for a reader, who changes nothing; what cannot be read holds no run.
 * *run: the one meant, 0 where it is new. */
enum results_known results_look_up(const char *file, const struct results_run *what, int64_t *run);

/* Puts the run down as running under a new number, *run, or under the number of
 * an earlier attempt that did not complete, whose rows go. */
int results_begin(struct results *results, const struct results_run *what, int64_t *run);

/* Name of the part file for a run that has begun. */
void results_part(const struct results *results, int64_t run, char name[RESULTS_PATH]);

/* Takes over the part file's run with its status and rows, removes any older
 * complete run of the same key, and deletes the part file.  EXIT_BROKEN: the older
 * run had another trace hash; it is kept and the new one is marked failed. */
int results_merge(struct results *results, int64_t run);

/* The run will not be: status is failed or interrupted; its part file goes. */
int results_end(struct results *results, int64_t run, const char *status);

/* Number of complete runs in the file: what is safe; -1: cannot be told. */
int64_t results_complete(struct results *results);

/* What went wrong last, with the file's name. */
const char *results_error(const struct results *results);

void results_close(struct results *results); /* NULL is fine */

/* In a forked worker, which must not touch the parent's file: lets go of it. */
void results_forget(struct results *results);

/* A reader: marks the runs of a dead campaign as interrupted if it can.  Returns 1
 * if a live campaign is writing to the file, else 0. */
int results_mend(const char *file);

/* Opens a results file for reading, after results_mend, hardened and verified, whatever
 * the file is.  The caller closes *db (sqlite3_close), which is NULL on failure. */
int results_read(struct sqlite3 **db, const char *file, char *error, int error_size);

#endif
