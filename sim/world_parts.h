/* world_parts.h: shared by the files of a world: world.c (the run), world_core.c
 * (builds of the core), world_host.c (hosts), pump.c (a simulated host's core),
 * life.c (when hosts run), faults.c (what breaks), workload.c (what they do), world_boxes.c
 * (NAT boxes) and world_record.c (what was seen). */
#ifndef SIM_WORLD_PARTS_H
#define SIM_WORLD_PARTS_H

#include <stdio.h>

#include "nat-models/nat.h"
#include "sim/churn.h"
#include "sim/world.h"

#define DIAL_NONE UINT32_MAX

/* Tells all who look on and want to know. */
#define WORLD_TELL(w, what, ...)                                                                   \
    do {                                                                                           \
        for (const struct world_watch *v = (w)->options->watch; v != NULL; v = v->next)            \
            if (v->what != NULL)                                                                   \
                v->what(v->data, __VA_ARGS__);                                                     \
    } while (0)

/* A connection that the workload asked for.  Durations count from at. */
struct dial {
    mist_time at, end;
    uint32_t src, dst, src_place, dst_place; /* places: when it began */
    uint32_t number;                         /* 1, 2, ... in order of at */
    uint32_t conn;                           /* the core's id at src */
    uint32_t next;                           /* next open dial of src */
    uint8_t path;                            /* best used, enum mist_path */
    uint8_t reason;                          /* enum mist_reason */
    uint8_t over;                            /* failed or closed before its end */
    bool checked;                            /* the plan knows the target's person */
    mist_time talk;                          /* sends so often once it is connected; 0: never */
    mist_time next_talk;                     /* MIST_NEVER: not connected */
    mist_time heard;                         /* when the target last got something; RECORD_NONE */
    mist_time since; /* waits for something sent after that; RECORD_NONE: does not wait */
    uint32_t fault;  /* because of this one */
    uint32_t attempts, probes, sockets;
    mist_time first, direct, rtt_first, rtt_final; /* RECORD_NONE: never */
};

/* Something on the agenda: a fault begins or ends. */
struct fault_turn {
    mist_time at;
    uint32_t fault;
    bool ends;
};

/* What the core's faults go by. */
struct fault_end {
    uint32_t population, region;
};

struct message {
    mist_time at, first, last;
    mist_time end; /* until then a subscriber must stay, or it is due to it no more */
    uint32_t publisher, due, delivered;
    uint32_t subscriber; /* PLAN_NONE: all of a shared topic, who have marks of their own */
    uint8_t *marks, mark;
};

/* A build of the core: its verbs, the scratch that its nodes share, and its words. */
struct core {
    const struct mist_api *api;
    void *scratch;
    struct core_words {
        const struct mist_names *names;
        uint32_t count;
    } facts, paths, reasons, kinds;
};

/* A socket that the core asked for beside its main ones. */
struct spare_socket {
    uint32_t id;
    uint16_t asked; /* the port that it shall have; 0: any */
    uint16_t port;  /* 0: not opened yet */
};

/* Whom a framer's core sees at the victim's ports, in their order. */
struct framed {
    struct addr *peers;
    uint32_t count, room;
};

struct host {
    const struct core *core; /* what it runs */
    bool runs;               /* its node does */
    struct mist *node;       /* of a simulated world; NULL while it is off */
    void *node_memory;
    struct addr addr; /* with its port */
    mist_time due;    /* what the core asked for */
    mist_time work;   /* the next thing that the workload does here */
    uint32_t dials;   /* first open one, DIAL_NONE */
    uint32_t next_conn;
    bool joined, subscribed;
    bool has_joined; /* in this session or an earlier one */
    struct churn_turn turn;
    mist_time life;     /* when to look at that again; MIST_NEVER */
    mist_time held;     /* a fault keeps it off until then */
    mist_time up_since; /* its node's start */
    uint8_t behaviour;  /* enum plan_behaviour */
    mist_time attack;   /* when it strikes next; MIST_NEVER */
    uint64_t attacks;   /* so far */
    struct framed framed;
    uint32_t place;              /* where it stands: its own number until it roams */
    uint32_t sessions;           /* begun so far */
    uint32_t sockets_wanted;     /* bits */
    struct spare_socket *spares; /* in the order in which they were asked for */
    uint32_t spare_count, spare_room, spare_waiting;
    uint32_t ports_drawn; /* for spare sockets */
};

/* A datagram that a host with the role echo is about to send back. */
struct echo {
    uint32_t conn, length;
    uint8_t bytes[MIST_PAYLOAD];
};
#define ECHOES 8 /* one call of the core brings one datagram; more are dropped */

/* How far a host is in one workload. */
struct progress_of_work {
    uint64_t ordinal;
    mist_time next;
    mist_time acknowledged; /* when its subscription stood first in this session */
};

struct world;

/* What a world is made of: nodes and boxes in this process (world_simulated), or each a
 * process of its own among the kernel's network namespaces (netns/netns.h).  Workload,
 * life and faults know no more of either than this. */
struct world_kind {
    /* Makes boxes and room for nodes.  Returns 0, 2: the plan does not fit, or 77: the
     * machine lacks something; why, in error. */
    int (*open)(struct world *w, char *error, int error_size);
    /* Also after an open that failed. */
    void (*close)(struct world *w);
    void (*start)(struct world *w, mist_time now, uint32_t host);
    void (*stop)(struct world *w, uint32_t host);
    /* Of a host that runs.  Returns the core's answer where that is known at once. */
    int (*wish)(struct world *w, mist_time now, uint32_t host, const struct mist_wish *wish);
    /* Of a host that runs; a build with fewer kinds leaves the others as they are. */
    void (*count)(struct world *w, uint32_t host, struct mist_counter counters[MIST_KIND_COUNT]);
    /* A fault of a kind that strikes boxes. */
    void (*strike)(struct world *w, mist_time now, const struct plan_fault *fault, uint32_t box);
    struct nat_counters (*tally)(struct world *w, mist_time now, uint32_t box);
};

extern const struct world_kind world_simulated;

struct world {
    const struct plan *plan;
    const struct world_kind *kind;
    const struct engine_type *type;
    struct engine *engine;
    const struct world_options *options;
    struct host *hosts;
    struct core *cores; /* [populations]; those of one build share their scratch */
    void **configs;     /* [populations] */
    uint8_t *memory;
    size_t memory_bytes;
    struct netns *netns; /* a kernel world's; NULL */
    struct nat_slab *slab;
    struct nat **boxes;
    bool *box_waits;         /* [boxes]: it is among the waiting */
    uint32_t *box_hosts;     /* [boxes] the first host behind each */
    uint32_t *waiting_boxes; /* that have something to say later */
    uint32_t waiting_box_count;
    struct progress_of_work *work;              /* [hosts][workloads] */
    uint32_t **members, *src_count, *dst_count; /* per workload: sources, then targets */
    struct dial *dials;
    uint32_t dial_used, dial_limit, dial_free, dial_number;
    uint64_t wrong_keys, impostors; /* dials taken to another person; false answers refused */
    struct message *messages;
    uint32_t message_count, message_limit;
    uint32_t joined;
    bool hostile;                         /* somebody attacks */
    struct flooder *flooders;             /* [hosts], or NULL: none uses cookies */
    uint64_t attack_sent, attack_arrived; /* bytes: by attackers, at bystanders */
    bool restless;                        /* hosts may stop: churn or faults */
    uint32_t online;
    uint64_t starts, stops, unmade; /* unmade: what an offline host would have done */
    uint32_t *standing; /* [places]: who stands there, or PLAN_NONE; NULL: nobody roams */
    struct fault_turn *agenda;
    uint32_t agenda_count, agenda_next;
    uint32_t *lasting; /* faults of the core that hold now */
    uint32_t lasting_count;
    struct fault_end *ends;                       /* [attachments], or NULL */
    uint32_t *readdressed;                        /* [boxes]: times */
    struct mist_counter (*past)[MIST_KIND_COUNT]; /* [hosts] of ended sessions; restless only */
    struct echo echoes[ECHOES];                   /* of the host whose core was called last */
    uint32_t echo_count;
    struct world_progress seen;
    FILE *fact_log;
};

/* world_core.c.  usual: what populations without a build of their own run. */
void world_core_open(struct world *w, const struct mist_api *usual);
void world_core_close(struct world *w);
const char *world_core_word(const struct core_words *words, uint32_t number); /* or "?" */

/* sockets.c: a host's sockets beside the core's main ones */
void host_sockets_want(struct host *h, uint32_t id, uint16_t port);
/* The next one that the core asked for, opened: its id and port; false: none waits. */
bool host_sockets_open(struct host *h, const struct plan *plan, uint32_t host, uint32_t *id,
                       uint16_t *port);
void host_sockets_close(struct host *h, uint32_t id);
uint32_t host_sockets_at(const struct host *h, uint16_t port); /* 0: nobody listens there */
void host_sockets_free(struct host *h);
uint16_t host_port(const struct plan *plan, uint32_t host, uint32_t ordinal);

/* world_boxes.c */
void world_boxes_open(struct world *w);
void world_boxes_close(struct world *w);
void world_boxes_strike(struct world *w, mist_time now, const struct plan_fault *fault,
                        uint32_t box);
struct nat_counters world_boxes_tally(struct world *w, mist_time now, uint32_t box);
enum crossing world_boxes_cross(struct world *w, mist_time now, uint32_t box,
                                enum direction direction, struct datagram *d);
struct nat_datagram world_boxes_packet(const struct datagram *d); /* as a box takes it */
/* After any other call on the box (nat_reboot, nat_readdress, nat_set ...): what it
 * sends leaves, now and later.  Not from within cross. */
void world_boxes_called(struct world *w, uint32_t box);
/* When the first box has something to say by itself, MIST_NEVER: none; between two
 * calls of the engine's run it then says so. */
mist_time world_boxes_deadline(const struct world *w);
void world_boxes_due(struct world *w, mist_time now);

/* world_host.c: what hosts are in every kind of world */
void world_alarm(struct world *w, uint32_t host); /* after due or work changed */
size_t world_name(const struct world *w, uint32_t host, char *name, size_t size);
#define WORLD_BOOTSTRAP 8
/* The addresses to join through: hosts with the role, drawn per host.  Returns how many. */
uint32_t world_bootstrap(const struct world *w, uint32_t host, struct addr told[WORLD_BOOTSTRAP]);
/* What a node tells, but for its sockets. */
void world_event(struct world *w, mist_time now, uint32_t host, const struct mist_event *e);
/* What is due at its alarm but for the core. */
void world_work(struct world *w, mist_time now, uint32_t host);
/* The node is gone. */
void world_gone(struct world *w, uint32_t host);

/* pump.c */
void pump_start(struct world *w, mist_time now, uint32_t host);
void pump_input(struct world *w, mist_time now, uint32_t host, const struct datagram *d);
void pump_due(struct world *w, mist_time now, uint32_t host);
int pump_wish(struct world *w, mist_time now, uint32_t host, const struct mist_wish *wish);

void pump_count(struct world *w, uint32_t host, struct mist_counter counters[MIST_KIND_COUNT]);

/* Ends the session: no datagram leaves after this. */
void pump_stop(struct world *w, uint32_t host);

/* The host stands at another place from now on, and its node is told. */
void pump_move(struct world *w, mist_time now, uint32_t host, uint32_t place);

/* world_boxes.c: the i-th address of a pool: they count up from the first. */
struct addr world_pool_address(const struct addr *first, uint32_t i);

/* faults.c */
void faults_open(struct world *w);
void faults_close(struct world *w);
mist_time faults_next(const struct world *w); /* MIST_NEVER: none is left */
void faults_due(struct world *w, mist_time now);
/* What engine_calls.core_loss asks. */
uint32_t faults_core_loss(const struct world *w, uint32_t from, uint32_t to);
/* Does the fault strike one of the two, or stand between them? */
bool faults_touch(const struct world *w, uint32_t fault, uint32_t src, uint32_t dst);

/* hostile.c */
void hostile_open(struct world *w);
void hostile_close(struct world *w);
/* An even share of 64 bits, of the host's next act: part 0 is its target's, 1 its victim's. */
uint64_t hostile_chance(const struct world *w, uint32_t host, uint32_t part);
struct addr hostile_target(const struct world *w, uint32_t host); /* as the world sees it */
struct addr hostile_victim(const struct world *w, uint32_t host);
void hostile_due(struct world *w, mist_time now, uint32_t host);
struct addr hostile_claim(const struct world *w,
                          uint32_t host); /* what its core takes for its own */
/* framer.c: how a framer's core sees that peer, and whom it means by that address. */
struct addr framer_shows(struct world *w, uint32_t host, const struct addr *peer);
struct addr framer_means(const struct world *w, uint32_t host, const struct addr *to);
void framer_close(struct world *w);
struct addr hostile_lie(const struct addr *a); /* of a liar; the lie of a lie is true */
void hostile_arrived(struct world *w, uint32_t host, const struct datagram *d);
void hostile_record(const struct world *w, mist_time now);

/* flooder.c */
void flooder_open(struct world *w);
void flooder_close(struct world *w);
void flooder_strike(struct world *w, mist_time now, uint32_t host);
void flooder_heard(struct world *w, uint32_t host, const struct datagram *d);

/* persons.c: whom dials are for. */
/* The person that a host is in all its sessions: its PeerId, and the seed of its key. */
void persons_of(const struct world *w, uint32_t host, uint8_t id[MIST_ID], uint8_t seed[32]);
bool persons_known(const struct world *w, uint32_t host); /* to the plan */
/* A dial is connected: to its target's person? */
void persons_reached(struct world *w, const struct dial *d, const struct mist_event *connected);
void persons_record(const struct world *w, mist_time now);

/* life.c */
enum life_end { END_LEFT, END_CHURN, END_CRASH, END_RESTART, END_OF_RUN };
void life_open(struct world *w);
void life_close(struct world *w);
void life_due(struct world *w, mist_time now, uint32_t host);
/* The node, if it runs, ends so and stays off until then (MIST_NEVER: for good). */
void life_hold(struct world *w, mist_time now, uint32_t host, mist_time until, enum life_end how);
/* The node, if it runs, ends; nothing holds it off any more. */
void life_restart(struct world *w, mist_time now, uint32_t host);
/* The run ends: records the sessions that still run. */
void life_finish(struct world *w);

/* workload.c */
void workload_open(struct world *w);
void workload_close(struct world *w);
void workload_due(struct world *w, mist_time now, uint32_t host);
void workload_event(struct world *w, mist_time now, uint32_t host, const struct mist_event *e);
/* The host's node is about to stop: its dials end; politely: they are closed. */
void workload_stopping(struct world *w, mist_time now, uint32_t host, bool politely);
/* A fault is about to strike: dials that carry data across it begin to wait. */
void workload_struck(struct world *w, mist_time now, uint32_t fault);
void workload_joined(struct world *w, mist_time now, uint32_t host);
/* The run ends: dials whose window lies beyond it are not counted. */
void workload_finish(struct world *w);

static inline struct progress_of_work *workload_progress(const struct world *w, uint32_t host,
                                                         uint32_t workload)
{
    return &w->work[(size_t)host * w->plan->workload_count + workload];
}

/* publications.c */
bool publications_wanted(const struct world *w, uint32_t host); /* does it subscribe at all? */
void publications_subscribe(struct world *w, mist_time now, uint32_t host);
void publications_subscribed(struct world *w, mist_time now, uint32_t host,
                             const struct mist_event *e);
/* On the topic of peer, or, PLAN_NONE, on the shared one of workload k. */
void publications_start(struct world *w, mist_time now, uint32_t host, uint32_t peer, uint32_t k,
                        uint64_t key);
void publications_received(struct world *w, mist_time now, uint32_t host,
                           const struct mist_event *e);
void publications_stopping(struct world *w, mist_time now, uint32_t host);
void publications_close(struct world *w);

/* world_record.c */
void world_record_dial(struct world *w, const struct dial *d, const char *outcome,
                       const char *reason);
void world_record_fact(struct world *w, mist_time now, uint32_t host, const struct mist_fact *f);
/* A box dropped a datagram: the fact "BOX_DROPPED filter" and the like. */
void world_record_drop(struct world *w, mist_time now, uint32_t host, uint32_t box,
                       enum direction direction, enum nat_verdict why, const struct datagram *d);
void world_record_series(struct world *w, mist_time now);
void world_record_end(struct world *w);
void world_record_session(struct world *w, mist_time now, uint32_t host, enum life_end how);
void world_record_lookup(struct world *w, mist_time now, uint32_t host, const struct mist_event *e);

/* world_verdict.c: what the event NATURE says, beside what there was to be seen */
void world_record_nature(struct world *w, mist_time now, uint32_t host, const struct mist_event *e);

/* world_boxes.c: whom a host at that place asks for ports; family 0: nobody. */
struct addr world_gateway(const struct plan *p, uint32_t place);

#endif
