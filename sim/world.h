/* world.h: one run: a plan brought to life on an engine and recorded.
 *
 * The simulated world owns the nodes (the core, one block each) and the NAT
 * boxes; in the kernel world (engine netns) they are processes.  Workload and
 * recorder see only wishes and events, never a node. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <signal.h>
#include <stdint.h>

#include "sim/engine.h"
#include "sim/plan.h"
#include "stack/mist.h"

struct record;

struct world_progress {
    mist_time now, duration;
    uint64_t events;
    uint32_t joined, hosts;
    uint64_t dials, direct, relayed, failed; /* ended ones */
};

/* What passes, for whoever looks on: called in the order of events, borrowed for the
 * call, and nothing may be done to the world from within.  Members may be NULL. */
struct world_watch {
    const struct world_watch *next; /* somebody else who looks on; NULL: nobody */
    void *data;
    /* By a core. */
    void (*sent)(void *data, mist_time now, uint32_t host, const struct mist_datagram *d);
    void (*arrived)(void *data, mist_time now, uint32_t host, const struct datagram *d);
    /* Left a host's system, which may send from other addresses than its core believes.
     * kind: a word. */
    void (*left)(void *data, mist_time now, uint32_t host, const char *kind,
                 const struct datagram *d);
    /* Came to a box, before it decides; then what it decided.  went: what it made of it;
     * NULL: nothing that goes on from here. */
    void (*reached)(void *data, mist_time now, uint32_t box, enum direction direction,
                    const struct datagram *d);
    void (*decided)(void *data, mist_time now, uint32_t box, enum direction direction,
                    const char *verdict, const struct datagram *went);
    /* A box itself sends. */
    void (*emitted)(void *data, mist_time now, uint32_t box, enum direction direction,
                    const struct datagram *d);
    /* By a box; why: a word. */
    void (*dropped)(void *data, mist_time now, uint32_t box, const char *why,
                    const struct datagram *d);
    void (*lost)(void *data, mist_time now, const struct datagram *d, enum engine_loss why);
};

/* "a full queue" and the like; "?" if it is no enum engine_loss. */
const char *world_loss_word(uint32_t why);

struct world_options {
    const struct mist_api *api;  /* of populations without a build of their own */
    struct record *record;       /* NULL: nothing is recorded */
    bool facts;                  /* record them too */
    const char *fact_log;        /* text log of facts, "-" is stdout; NULL: none */
    volatile sig_atomic_t *stop; /* set: end at the next slice; NULL: never */
    void (*progress)(void *data,
                     const struct world_progress *p); /* about each 100 ms of wall time */
    void *progress_data;
    const struct world_watch *watch; /* the first of a list; NULL: nobody */
};

/* One row of the nodes' memory, summed over all nodes, for the bench. */
struct world_memory {
    const char *table;
    uint64_t entry_bytes, limit, used;
};
#define WORLD_MEMORY 16

struct world_result {
    mist_time sim;
    double wall_s;
    struct world_progress last;
    struct engine_figures figures;
    uint64_t node_bytes; /* reserved per node, mean */
    uint32_t memory_count;
    struct world_memory memory[WORLD_MEMORY];
};

/* Runs to the end or until *stop.  Returns 0 finished, 1 interrupted, 2 the
 * plan does not fit (message in error: a setting that core or engine refuse), 77 the
 * machine lacks what the engine needs for it (message in error). */
int world_run(const struct plan *plan, const struct engine_type *engine,
              const struct world_options *options, struct world_result *result, char *error,
              int error_size);

#endif
