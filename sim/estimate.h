/* estimate.h: what a campaign will need of the machine: memory, time and disk, for
 * `mistsim run --dry-run`.  Estimates: each is printed with what it rests on. */
#ifndef SIM_ESTIMATE_H
#define SIM_ESTIMATE_H

#include <stdint.h>
#include <stdio.h>

#include "sim/engine.h"
#include "sim/plan.h"
#include "stack/mist.h"

#define ESTIMATE_TRIAL_S     1.0   /* of the first run, by the wall clock */
#define ESTIMATE_TRIAL_HOSTS 20000 /* above it opening the world alone takes seconds */

/* Zeroed: nothing is to do. */
struct estimate {
    uint32_t runs;  /* to be done */
    uint32_t hosts; /* of the largest run */
    /* Of all runs; host_s: seconds of nodes that run; sessions: of nodes that come and go. */
    double host_s, dials, messages, sessions;
    double rows; /* of the results, besides those of dials and messages */
    int tried;   /* the trial's figures below are there */
    double trial_sim_s, trial_wall_s, trial_host_s;
    double trial_events, trial_dials, trial_memory;
    uint32_t trial_hosts;
    int trial_whole; /* it reached the end of the run */
};

/* What one run of the plan asks of the machine, added to the sum. */
void estimate_add(struct estimate *e, const struct plan *plan);

/* Dials that the workload of a plan will make; messages likewise.  Churn is counted in. */
double estimate_dials(const struct plan *plan);
double estimate_messages(const struct plan *plan);

/* Sessions of the nodes that come and go: begun at time 0 or later. */
double estimate_sessions(const struct plan *plan);

/* Runs the plan for ESTIMATE_TRIAL_S in a process of its own; nothing is written.  A plan
 * too large is left alone, a trial that fails changes nothing. */
void estimate_try(struct estimate *e, const struct plan *plan, const struct engine_type *engine,
                  const struct mist_api *api);

struct estimate_needs {
    double memory_bytes; /* of one run, the largest */
    double wall_s;       /* of the campaign */
    double events;
    double disk_bytes;
};

/* jobs: runs at a time. */
struct estimate_needs estimate_needs(const struct estimate *e, uint32_t jobs);

struct estimate_machine {
    double memory_bytes; /* free; negative: unknown */
    double disk_bytes;   /* free where the results go; negative: unknown */
};

/* file: the results. */
struct estimate_machine estimate_machine(const char *file);

/* Prints the needs and, on `warnings`, what will not fit the machine. */
void estimate_print(const struct estimate *e, const struct estimate_machine *machine, uint32_t jobs,
                    FILE *out, FILE *warnings);

#endif
