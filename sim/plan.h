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
#include "sim/arena.h"
#include "sim/lifetime.h"
#include "stack/addr.h"
#include "stack/units.h"

struct run_stack;

#define PLAN_NONE UINT32_MAX

enum plan_latency { LATENCY_CONSTANT, LATENCY_UNIFORM, LATENCY_MATRIX };

/* Shares and losses are parts per million; everything that decides an event is an integer. */
struct plan_network {
    enum plan_latency latency;
    mist_time low, high; /* constant: low; uniform: keyed draw per pair of outermost attachments;
                            round trips */
    uint32_t regions;    /* matrix: regions x regions round trips between outermost boxes */
    mist_time *rtt;      /* [regions * regions]; the diagonal is inside a region */
    char **region_names;
    uint32_t *region_weights; /* share of hosts drawn into each region, any unit */
    uint32_t jitter_ppm;      /* of the one-way delay: added uniform in [0, jitter] per datagram */
    uint32_t loss_ppm;        /* per direction */
    uint32_t broken_nodes_ppm, broken_pairs_ppm;
};

enum plan_queue { PLAN_DROP_TAIL, PLAN_CODEL, PLAN_FQ_CODEL };

struct plan_access {
    uint64_t up_bps, down_bps; /* 0: unlimited */
    mist_time delay;           /* one way */
    enum plan_queue queue;     /* of the line, each way; engines may know the first alone */
    uint32_t loss_ppm;         /* by the line itself, each way; engines may know 0 alone */
    uint32_t mtu;              /* of the line: bytes of an IP packet; 0: no limit */
    bool whole;                /* the hosts forbid to cut what they send (the DF bit) */
};

struct plan_setting { /* a key of the core's configuration */
    char *key, *value;
};

struct plan_attribute { /* of ns-3, by its name there */
    const char *name, *value;
    const char *place; /* FILE:LINE:COLUMN, for errors */
};

/* In the order of the words in schema_scenario.c.  What each does: hostile.h. */
enum plan_behaviour {
    BEHAVIOUR_HONEST,
    BEHAVIOUR_LIAR,
    BEHAVIOUR_FLOODER,
    BEHAVIOUR_REFLECTOR,
    BEHAVIOUR_BYSTANDER,
    BEHAVIOUR_TAP, /* tap.h */
    BEHAVIOUR_FRAMER,
};

/* What a flooder sends: in the order of the words in schema_scenario.c. */
enum plan_forgery {
    FORGE_INIT,
    FORGE_OPEN,
    FORGE_REPLAY,
    FORGE_PROVED,
    FORGE_DATA,
    FORGE_RUBBISH,
    FORGERIES
};

struct plan_attack {
    uint64_t rate_uhz; /* per host, events per 10^6 s; 0: none */
    mist_time from;
    bool *at;        /* [populations] */
    uint32_t victim; /* population, or PLAN_NONE */
    bool any_source; /* else the own address, or a victim's */
    uint32_t forge_count;
    enum plan_forgery forge[FORGERIES]; /* in turn */
};

struct plan_population {
    char *name;
    uint32_t first, count; /* hosts first .. first+count-1 */
    struct plan_access access;
    uint8_t family; /* 4 or 6 */
    bool bootstrap, relay, echo;
    enum plan_behaviour behaviour;
    struct plan_attack attack;
    uint32_t settings_count;
    struct plan_setting *settings; /* scenario-wide ones first, then the population's own */
    char *nat;                     /* as written */
    const struct run_stack *stack; /* another build of the core (run_stack.h); NULL: the run's */
};

struct plan_host {
    uint32_t population;
    uint32_t region; /* that of its outermost box; 0 where the network has no regions */
    uint32_t box;    /* innermost box, or PLAN_NONE */
    /* Its own address, port 0: private and unique only inside its box behind a
     * translating one, global otherwise (a firewall keeps addresses). */
    struct addr addr;
    mist_time start;
    const char *nat; /* label, shared: "none", "home_apdf>cgn_cellular", "eim/apdf/random" */
};

struct plan_box {
    struct nat_policy policy;
    uint32_t outer; /* the box behind which this one stands, or PLAN_NONE */
    uint32_t region;
    /* Its first external address, port 0; a pool counts up from it.  Family
     * ADDR_NONE for a firewall, which has none: what stands behind it does. */
    struct addr outside;
    /* Where its pool begins after its first, second ... change of addresses. */
    uint32_t later_count;
    struct addr *later;
    const char *profile; /* shared: "home_apdf", "eim/apdf/random" */
};

/* Hosts come and go by themselves (churn.h). */
struct plan_churn {
    bool *groups; /* [populations]: these do; NULL: nobody */
    struct lifetime session, downtime;
    uint32_t graceful_ppm; /* sessions that end with a goodbye */
};

/* In the order of the keys in schema_fault.c.  Those up to FAULT_RESTART, and FAULT_ROAM,
 * strike hosts; FAULT_PARTITION and FAULT_LOSS the core; the others boxes. */
enum plan_fault_kind {
    FAULT_CRASH,
    FAULT_LEAVE,
    FAULT_RESTART,
    FAULT_NAT_REBOOT,
    FAULT_NAT_FLUSH,
    FAULT_NAT_SET,
    FAULT_READDRESS,
    FAULT_ROAM,
    FAULT_PARTITION,
    FAULT_LOSS,
    FAULT_KINDS
};

#define PLAN_FAULTS 1000 /* most faults of a scenario */

struct plan_fault {
    enum plan_fault_kind kind;
    mist_time at, end;  /* end: MIST_NEVER where it has none */
    bool *groups;       /* [populations]; loss: to and from these */
    bool *regions;      /* [regions] partition: those cut off besides groups; NULL: none */
    uint32_t share_ppm; /* hosts and boxes: of them, by keyed draw */
    uint32_t loss_ppm;
    uint32_t level;         /* of the box in its chain, from 0 inside; PLAN_NONE: the outermost */
    uint32_t to;            /* roam: a population, or PLAN_NONE: the host's own */
    uint32_t setting_count; /* nat_set */
    struct plan_setting *settings;
    uint32_t member_count; /* hosts or boxes that it strikes, ascending */
    uint32_t *members;
    uint32_t first_place; /* roam: the i-th member goes to this place + i */
    char *what;           /* "nat_reboot home" */
};

/* Who the hosts are that a dial goes to.  In the order of the words in schema_scenario.c. */
enum plan_persons {
    PERSONS_UNKNOWN, /* each draws itself a person; the dialer takes whoever answers */
    PERSONS_KNOWN,   /* the plan's; the dialer takes whoever answers, the run looks who it was */
    PERSONS_PINNED,  /* the plan's, and the dialer has the key */
};

enum plan_workload_kind {
    WORK_DIAL_UNIFORM,
    WORK_DIAL_ALL_PAIRS,
    WORK_PUBLISH_UNIFORM, /* on the topic of a random other host */
    WORK_PUBLISH_SHARED,  /* on one topic of all */
};

struct plan_workload {
    enum plan_workload_kind kind;
    uint64_t rate_uhz; /* per node of the source group, events per 10^6 s */
    mist_time from, until;
    mist_time window;
    mist_time talk;    /* connected dials send so often; 0: never */
    uint32_t size;     /* publish: bytes */
    mist_time settled; /* publish: due to who has been acknowledged so long; 0: to who runs */
    enum plan_persons persons;
    bool *src, *dst; /* [populations] */
};

static inline bool plan_publishes(const struct plan_workload *w)
{
    return w->kind == WORK_PUBLISH_UNIFORM || w->kind == WORK_PUBLISH_SHARED;
}

/* A metric may be narrowed to the dials of one ordered pair of groups: its name
 * is then followed by [SRC,DST], where each of the two is the name of a
 * population or, if no population is called so, the label of a NAT
 * ("dial.direct_rate[home,mobile]", "dial.relayed_rate[none,eim/apdf/random]").
 * The table `matrix: {SRC: {DST: direct}}` under `expect` stands for
 * dial.direct_rate[SRC,DST] == 100% (or relayed_rate, failed_rate). */
struct plan_expect {
    char *metric;     /* as written: "dial.direct_rate", "dial.direct_rate[home,mobile]" */
    char *name;       /* the metric without the pair: "dial.direct_rate" */
    char *src, *dst;  /* the pair, or NULL */
    char *bound;      /* as written: ">= 70%" */
    char relation[3]; /* ">=", "<=", ">", "<", "==" */
    double value;     /* in the metric's unit: ratio, seconds, bytes, count */
};

/* What a comparison of two versions may lose in a metric. */
struct plan_margin {
    const char *metric; /* static */
    double margin;      /* in the metric's unit: ratio, seconds, bytes, count */
    int relative;       /* a share of the metric's value instead */
};

#define PLAN_MARGINS 8 /* more gating metrics would ask for seeds that nobody runs */

struct plan {
    char *name, *question;
    char *path; /* the scenario file */
    char *text; /* its content, then a line "# --set PATH=VALUE" per override: all that was asked */
    char *cell; /* JSON of the sweep's settings, "{}" without a sweep */
    uint64_t seed;
    mist_time duration;
    mist_time join; /* hosts without the role bootstrap start within this time */
    struct plan_network network;
    uint32_t population_count, host_count, box_count, workload_count, expect_count;
    uint32_t spare_count; /* places to which hosts may roam, behind the hosts' own in `hosts` */
    uint32_t margin_count;
    struct plan_population *populations;
    struct plan_host *hosts; /* [plan_places]: each host's own place, then the spare ones */
    struct plan_box *boxes;
    struct plan_workload *workloads;
    struct plan_churn churn;
    uint32_t fault_count;
    struct plan_fault *faults; /* in the scenario's order */
    struct plan_expect *expects;
    struct plan_margin margins[PLAN_MARGINS];
    uint32_t attribute_count;
    struct plan_attribute *attributes; /* the engine ns3 alone knows them */
    bool modelled; /* cryptography, where every core has such: run_stack_models */
    bool record_packets;
    bool traffic_per_node; /* else per population */
    struct arena memory;   /* every text and list above */
};

/* Places of the network at which a host can stand.  A host begins at the place
 * of its own number. */
static inline uint32_t plan_places(const struct plan *plan)
{
    return plan->host_count + plan->spare_count;
}

/* Do the hosts of the population run a node? */
static inline bool plan_runs_nodes(const struct plan_population *p)
{
    return p->behaviour != BEHAVIOUR_FLOODER && p->behaviour != BEHAVIOUR_BYSTANDER &&
           p->behaviour != BEHAVIOUR_TAP;
}

/* May nodes stop before the run does? */
static inline bool plan_is_restless(const struct plan *plan)
{
    return plan->churn.groups != NULL || plan->fault_count > 0;
}

/* Frees the plan and all that it points to; NULL is fine. */
void plan_free(struct plan *plan);

#endif
