/* record.h: what was seen goes into a SQLite file (DESIGN 4.3), a run at a time.
 *
 * A run is written as the only run of a part file of its own, in one
 * transaction.  A part file is a results file like any other once record_close
 * has returned 0, and worthless before: results.h merges it, whole, into the
 * results proper, and there alone a run has a status that others can see.
 *
 * Durations are nanoseconds of virtual time.  Storage may fail at any row:
 * then the rows that follow are dropped, record_failed says so at once (there is
 * no point in simulating on), and record_close reports why.
 *
 * Metric names of record_series that the summary reads: `joined`, the number
 * of nodes that have joined so far; `dial.rule_rate`, the direct share that rule.h
 * predicts, and `dial.direct_rate_vs_rule`, how far the dials lie from it in
 * standard errors, each once at the end. */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include <stdint.h>

#include "stack/addr.h"
#include "stack/units.h"

struct record;
struct plan;
struct oracle_pair;

#define RECORD_NONE INT64_MIN /* stored as NULL */

struct record_run {
    const char *engine, *stack, *commit_id;
    char stack_version[80];  /* "mist 0.1.0, modelled crypto" */
    const char *started_utc; /* "2026-01-31T12:00:00Z"; NULL: not known */
    const char *status;      /* complete | failed | interrupted */
    double sim_s, wall_s;
    uint64_t events, packets, peak_rss_bytes;
    uint64_t trace_hash; /* stored as 16 hex digits */
    bool untraced;       /* there is none: NULL is stored */
};

struct record_dial {
    uint32_t dial; /* 1, 2, ... in order of at_ns */
    mist_time at;
    uint32_t src, dst;             /* hosts */
    const char *src_nat, *dst_nat; /* where they stood; NULL: where the plan puts them */
    const char *outcome;           /* direct | relayed | failed */
    const char *path;              /* best used, "none" */
    mist_time first, direct;       /* since at; RECORD_NONE */
    uint32_t attempts, probes, sockets;
    mist_time rtt_first, rtt_final, rtt_ideal; /* RECORD_NONE: none was measured */
    const char *reason; /* "none", ...; "already_connected": the pair was before the dial */
    mist_time window;   /* how long it lasted */
};

struct record_traffic {
    uint32_t node; /* host, or population where the plan has traffic_per_node off */
    const char *kind;
    uint64_t packets_out, bytes_out, packets_in, bytes_in;
};

struct record_box {
    uint32_t box;
    uint64_t mappings_made, mappings_peak, dropped_filter, dropped_capacity, hairpins;
};

/* What a node said of its NAT. */
struct record_verdict {
    mist_time at, took;
    uint32_t node, packets, confidence;
    const char *knob, *found, *truth;
    int ok; /* found what an ideal observer could see */
};

struct record_packet {
    mist_time at;                 /* when it was sent */
    uint32_t src, dst;            /* hosts; dst PLAN_NONE: it arrived nowhere */
    struct addr sender, receiver; /* as they stood where it ended */
    const char *kind;             /* enum mist_kind's word */
    uint32_t bytes;
    const char *fate; /* arrived | lost | dropped by whom */
};

/* Creates the part file, which must not exist or be empty, for one run of the
 * plan and records the plan's nodes.  Keeps plan until record_close.  Returns
 * NULL and fills error when the file cannot be made. */
struct record *record_open(const char *file, const struct plan *plan, const struct record_run *run,
                           char *error, int error_size);

void record_dial(struct record *r, const struct record_dial *dial);
void record_lookup(struct record *r, mist_time at, uint32_t node, uint32_t hops, uint32_t peers,
                   mist_time latency, int ok);
/* The fault-th fault of the plan (from 0) struck so many hosts; until: RECORD_NONE where
 * it has no end. */
void record_fault(struct record *r, uint32_t fault, mist_time at, mist_time until, const char *what,
                  uint32_t hosts);
/* A dial that carried data when that fault struck one of its ends did so again after
 * latency, counted from the fault, or from its end; RECORD_NONE: it never did. */
void record_recovery(struct record *r, uint32_t fault, uint32_t dial, mist_time latency);
/* A node ran from `from` to `until`: its session-th session (from 1) and how it ended. */
void record_session(struct record *r, uint32_t node, uint32_t session, mist_time from,
                    mist_time until, const char *ended);
void record_message(struct record *r, uint32_t message, mist_time at, uint32_t publisher,
                    uint32_t subscribers, uint32_t delivered, mist_time first, mist_time last);
void record_traffic(struct record *r, const struct record_traffic *traffic);
void record_box(struct record *r, const struct record_box *box);
void record_verdict(struct record *r, const struct record_verdict *verdict);
/* What the dials between two labels of NATs could reach (oracle_census.h). */
void record_pair(struct record *r, const struct oracle_pair *pair);
void record_series(struct record *r, mist_time at, const char *metric, double value);
/* connection 0 and addr NULL or of no family are stored as NULL. */
void record_fact(struct record *r, mist_time at, uint32_t node, const char *fact,
                 uint32_t connection, const struct addr *addr, int64_t a, int64_t b);
void record_packet(struct record *r, const struct record_packet *packet);

/* Calls each(data, src, dst) for every dial recorded so far. */
void record_each_dial(struct record *r, void (*each)(void *data, uint32_t src, uint32_t dst),
                      void *data);

/* Has storage failed already? */
int record_failed(const struct record *r);

/* Evaluates the plan's expectations of a complete run from its summary, stores
 * them and the run with its status, and commits.  *expectations_failed: how
 * many of them.  Frees r in any case.  Returns 0, or -1 with error filled: the
 * part file is of no use and may be deleted. */
int record_close(struct record *r, const struct record_run *run, int *expectations_failed,
                 char *error, int error_size);

/* Gives up: closes and frees, the part file is of no use. */
void record_abandon(struct record *r);

#endif
