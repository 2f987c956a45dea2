/* run_campaign.h: all runs of a scenario, some at a time, into one results file.
 *
 * Seed-major order: run i is cell i % cells of seed first_seed + i / cells, so
 * that stopping early leaves a balanced design and more seeds add only new runs. */
#ifndef SIM_RUN_CAMPAIGN_H
#define SIM_RUN_CAMPAIGN_H

#include <stdint.h>

#include "sim/engine.h"
#include "sim/results.h"
#include "sim/run_key.h"
#include "sim/scenario.h"
#include "stack/mist.h"

#define RUN_CAMPAIGN_JOBS 256 /* most workers at a time */

struct run_campaign {
    struct scenario *scenario;
    struct errors errors; /* of its reading; lives as long as the scenario */
    const struct engine_type *engine;
    const char *plugin; /* file of the engine; NULL: embedded */
    const struct mist_api *api;
    const char *stack;     /* what the database calls the core: "embedded" or the library */
    char program[RUN_KEY]; /* run_key_program */
    const char *file;      /* the results */
    const char *path;      /* of the scenario */
    uint64_t first_seed;
    uint32_t seeds, jobs;
    double timeout_s; /* of a run, by the wall clock; 0: none */
    int fresh, quiet;
    int facts, packets; /* recorded too */
    const char *pcap;   /* file of the run's capture, or what theirs are called after; NULL */
    int fail_fast;      /* the first run that fails is the last to start */
    int word_count;     /* of the command line, for the manifest */
    char **words;
};

/* Number of runs. */
uint32_t run_campaign_size(const struct run_campaign *c);

/* What the results say of a plan's run before it has happened.  Borrows all. */
struct results_run run_campaign_describe(const struct run_campaign *c, const struct plan *plan,
                                         const char *key);

/* The plan of run i and its key; NULL after the errors were printed. */
struct plan *run_campaign_plan(struct run_campaign *c, uint32_t i, char key[RUN_KEY]);

/* Does what is missing.  runs[i]: the number of run i in the file, 0 where it was
 * not reached.  Returns an exit code, after saying on stderr what went wrong and
 * what is safe. */
int run_campaign_do(struct run_campaign *c, int64_t *runs);

#endif
