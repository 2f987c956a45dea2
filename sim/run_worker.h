/* run_worker.h: one run in a process of its own: honest peak memory, and a crash
 * takes nothing along.
 *
 * The worker tells its parent how it goes through a pipe, one fixed message per
 * write.  SIGTERM ends the run at the next slice of time: it is then stored as
 * interrupted.  It dies with its parent. */
#ifndef SIM_RUN_WORKER_H
#define SIM_RUN_WORKER_H

#include <stdint.h>
#include <sys/types.h>

#include "sim/engine.h"
#include "sim/plan.h"
#include "sim/record.h"
#include "sim/world.h"

struct run_worker_job {
    const struct plan *plan;
    const struct engine_type *engine;
    const struct mist_api *api;
    const struct record_run *info; /* engine, stack, ... of the run */
    const char *part;              /* the part file to write */
    int facts, packets;            /* record them too */
    const char *pcap;              /* file of a capture; NULL: none */
};

struct run_worker_message {
    enum { WORKER_PROGRESS, WORKER_ENDED } kind;
    struct world_progress progress;
    int exit_code;           /* ENDED: EXIT_FINE, EXIT_INTERRUPTED: the part file is whole */
    int expectations_failed; /* ENDED */
    char error[600];         /* ENDED: "" or what went wrong */
};

/* Forks.  forget is called in the worker first, with data: to let go of what is the
 * parent's alone.  *pipe: where to read messages, non-blocking.  Returns the
 * worker's process id, or -1 with errno. */
pid_t run_worker_start(const struct run_worker_job *job, void (*forget)(void *data), void *data,
                       int *pipe);

#endif
