/* record.h: what was seen goes into a SQLite file (DESIGN 4.3), a run at a time.
 *
 * A run is one transaction on a part file of its own, merged into the results
 * by record_merge; a run is visible only as running, complete, failed or
 * interrupted.  All durations are nanoseconds of virtual time. */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include <stdint.h>

#include "stack/addr.h"
#include "stack/units.h"

struct record;
struct plan;

#define RECORD_NONE INT64_MIN /* stored as NULL */

struct record_run {
    const char *engine, *stack, *stack_version, *commit_id;
    const char *status; /* complete | failed | interrupted */
    double sim_s, wall_s;
    uint64_t events, packets, peak_rss_bytes;
    uint64_t trace_hash; /* stored as 16 hex digits */
};

struct record_dial {
    uint32_t dial; /* 1, 2, ... in order of at_ns */
    mist_time at;
    uint32_t src, dst; /* hosts */
    const char *outcome; /* direct | relayed | failed */
    const char *path;    /* best used, "none" */
    mist_time first, direct; /* since at; RECORD_NONE */
    uint32_t attempts, probes, sockets;
    mist_time rtt_first, rtt_final, rtt_ideal;
    const char *reason; /* "none", ... */
};

struct record_traffic {
    uint32_t node; /* host, or population with traffic: population */
    const char *kind;
    uint64_t packets_out, bytes_out, packets_in, bytes_in;
};

struct record_box {
    uint32_t box;
    uint64_t mappings_made, mappings_peak, dropped_filter, dropped_capacity, hairpins;
};

/* Opens (creates) the results file for one run of the plan and marks the run
 * running.  error: filled on failure.  Returns NULL then. */
struct record *record_open(const char *file, const struct plan *plan, const struct record_run *run,
                           char *error, int error_size);
void record_dial(struct record *r, const struct record_dial *dial);
void record_lookup(struct record *r, mist_time at, uint32_t node, uint32_t hops, uint32_t peers,
                   mist_time latency, int ok);
void record_message(struct record *r, uint32_t message, mist_time at, uint32_t publisher,
                    uint32_t subscribers, uint32_t delivered, mist_time first, mist_time last);
void record_traffic(struct record *r, const struct record_traffic *traffic);
void record_box(struct record *r, const struct record_box *box);
void record_series(struct record *r, mist_time at, const char *metric, double value);
void record_fact(struct record *r, mist_time at, uint32_t node, const char *fact, uint32_t connection,
                 const struct addr *addr, int64_t a, int64_t b);

/* Evaluates the plan's expectations from the summary, stores them and the run
 * with its status, commits.  *expectations_failed: how many.  Returns 0, or -1
 * (error filled): storage failed and the message says what is safe. */
int record_close(struct record *r, const struct record_run *run, int *expectations_failed,
                 char *error, int error_size);

#endif
