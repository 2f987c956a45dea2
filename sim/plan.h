/* plan.h: one run, checked, plain and immutable: what the reader makes of a
 * scenario and all that a world needs to know.
 *
 * Hosts, boxes and populations are numbered from 0; a host's number is its
 * node's number everywhere (engine, database, picture). */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "nat-models/nat.h"
#include "stack/addr.h"
#include "stack/units.h"

#define PLAN_NONE UINT32_MAX

enum plan_latency { LATENCY_CONSTANT, LATENCY_UNIFORM, LATENCY_MATRIX };

/* Shares and losses are parts per million; everything that decides an event is an integer. */
struct plan_network {
    enum plan_latency latency;
    mist_time low, high;     /* constant: low; uniform: per pair of hosts, keyed draw; round trips */
    uint32_t regions;        /* matrix: regions x regions round trips between outermost boxes */
    mist_time *rtt;          /* [regions * regions]; the diagonal is inside a region */
    char **region_names;
    uint32_t *region_weights; /* share of hosts drawn into each region, any unit */
    uint32_t jitter_ppm;     /* of the one-way delay: added uniform in [0, jitter] per datagram */
    uint32_t loss_ppm;       /* per direction */
    uint32_t broken_nodes_ppm, broken_pairs_ppm;
};

struct plan_access {
    uint64_t up_bps, down_bps; /* 0: unlimited */
    mist_time delay;           /* one way */
};

struct plan_setting { /* a key of the core's configuration */
    char *key, *value;
};

struct plan_population {
    char *name;
    uint32_t first, count; /* hosts first .. first+count-1 */
    struct plan_access access;
    uint8_t family; /* 4 or 6 */
    bool bootstrap, relay;
    uint32_t settings_count;
    struct plan_setting *settings; /* scenario-wide ones first, then the population's own */
    char *nat;                     /* as written */
};

struct plan_host {
    uint32_t population;
    uint32_t region;
    uint32_t box; /* innermost box, or PLAN_NONE */
    struct addr addr; /* its own address, port 0: private behind a NAT, global otherwise */
    mist_time start;
    char *nat; /* label: "none", "home_apdf>cgn_cellular", "eim/apdf/random" */
};

struct plan_box {
    struct nat_policy policy;
    uint32_t outer; /* the box behind which this one stands, or PLAN_NONE */
    uint32_t region;
    struct addr outside; /* its first external address, port 0; a pool counts up from it */
    char *profile;
};

enum plan_workload_kind { WORK_DIAL_UNIFORM, WORK_DIAL_ALL_PAIRS, WORK_PUBLISH_UNIFORM };

struct plan_workload {
    enum plan_workload_kind kind;
    uint64_t rate_uhz; /* per node of the source group, events per 10^6 s */
    mist_time from, until;
    mist_time window;
    uint32_t size; /* publish: bytes */
    bool *src, *dst; /* [populations] */
};

struct plan_expect {
    char *metric; /* "dial.direct_rate" */
    char *bound;  /* as written: ">= 70%" */
    char relation[3]; /* ">=", "<=", ">", "<", "==" */
    double value; /* in the metric's unit: ratio, seconds, count */
};

struct plan {
    char *name, *question;
    char *path, *text; /* the scenario file and its content */
    char *cell;        /* JSON of the sweep's settings, "{}" without a sweep */
    uint64_t seed;
    mist_time duration;
    mist_time join; /* hosts without the role bootstrap start within this time */
    struct plan_network network;
    uint32_t population_count, host_count, box_count, workload_count, expect_count;
    struct plan_population *populations;
    struct plan_host *hosts;
    struct plan_box *boxes;
    struct plan_workload *workloads;
    struct plan_expect *expects;
    bool record_packets;
    bool traffic_per_node; /* else per population */
};

void plan_free(struct plan *plan);

#endif
