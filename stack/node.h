/* node.h: one node: all modules and what ties them together.
 *
 * node.c carries out the modules' effects and holds the verbs; messages.c hands
 * messages to the modules; join.c takes the node into the overlay.  These three
 * alone know more than one module. */
#ifndef MIST_NODE_H
#define MIST_NODE_H

#include "stack/config.h"
#include "stack/kad.h"
#include "stack/meet.h"
#include "stack/mist.h"
#include "stack/mux.h"
#include "stack/out.h"
#include "stack/portmap.h"
#include "stack/pubsub.h"
#include "stack/punch.h"
#include "stack/reach.h"
#include "stack/relay.h"
#include "stack/rng.h"
#include "stack/sockets.h"
#include "stack/survey.h"
#include "stack/timers.h"

#define JOIN_BOOTSTRAPS 32

/* Owners of lookups: the join, then the topics. */
#define OWNER_JOIN  1u
#define OWNER_TOPIC 16u
/* Owners of publications: the application's ids, or a connection's offer. */
#define OWNER_OFFER MEET_THEIRS
/* The subscription to the node's own name. */
#define NAME_TOPIC UINT32_MAX

enum join_state {
    JOIN_WAITING,   /* for a socket and an address to join through */
    JOIN_BOOTSTRAP, /* a handshake with one of them */
    JOIN_REACH,     /* can strangers reach this node? */
    JOIN_MORE,      /* handshakes with others of them */
    JOIN_LOOKUP,    /* who are the neighbours? */
    JOIN_NAME,      /* the name's holders are being told */
    JOIN_DONE
};

struct join {
    uint8_t state; /* enum join_state */
    uint8_t count, next, tries;
    uint8_t awaited; /* links of JOIN_MORE */
    bool named, joined;
    bool wanted; /* the subscription to the name is pubsub's affair now ... */
    bool held;   /* ... and stands */
    mist_link link;
    mist_time started;
    struct contact through; /* the bootstrap that answered */
    struct addr bootstraps[JOIN_BOOTSTRAPS];
    uint8_t key[WIRE_ID]; /* of the name */
};

/* Ranges of timers. */
enum { TIMER_JOIN, TIMER_REACH, TIMER_SURVEY, TIMER_PORTMAP, TIMER_LINKS };

struct mist {
    struct out *out;
    struct mux *mux;
    struct kad *kad;
    struct pubsub *pubsub;
    struct timers timers;
    struct meet meet;
    struct punch punch;
    struct relay relay;
    struct sockets sockets;
    struct rng rng;
    uint32_t timer_kad, timer_pubsub, timer_punch, timer_meet; /* first of each */
    bool serves;                                               /* forwards for others */
    struct person person; /* person_known: given, or drawn when first needed */
    bool person_known;
    struct join join;
    struct reach reach;
    struct survey survey;
    struct portmap portmap;
    uint32_t second;                  /* a server's other socket, 0: none */
    struct addr mapped[MIST_SOCKETS]; /* outside ends of the main sockets' mapped ports */
    mist_time woken;                  /* when all that matter were last asked at once; 0: never */
    struct mist_counter counters[MIST_KIND_COUNT];
    struct config config;
};

/* node.c */
void node_carry_out(struct mist *n, mist_time now); /* effects, until there are none */
void node_receive(struct mist *n, mist_time now, uint32_t socket, const struct addr *from,
                  const uint8_t *bytes, size_t length);
void node_self(const struct mist *n, mist_time now, struct meet_self *self);
void node_person(struct mist *n); /* from now on there is one: a nobody, if none was given */
/* The keys of names (who answers) and of topics (what is published) are apart. */
void node_name_key(uint8_t key[WIRE_ID], const uint8_t *name, size_t length);
void node_topic_key(uint8_t key[WIRE_ID], const uint8_t *name, size_t length);
void node_survey(struct mist *n, mist_time now); /* its timer is due */
/* The host is at another address now, or seen at one: peers hear it, and check. */
void node_moved(struct mist *n, mist_time now);
/* A main socket is mapped to that address outside from now on; family 0: no longer. */
void node_mapped(struct mist *n, mist_time now, uint32_t socket, const struct addr *outside);
uint32_t node_path_class(const struct mist *n, const struct link_view *v, uint8_t candidate_kind);
int node_lookup(struct mist *n, mist_time now, const uint8_t target[WIRE_ID], uint32_t owner);
/* Publishes, also to the subscriptions that this node itself holds. */
int node_publish(struct mist *n, mist_time now, uint32_t owner, const uint8_t key[WIRE_ID],
                 uint8_t flags, const uint8_t *bytes, uint32_t length);

/* paths.c: first what carries out effects */
void paths_strange(struct mist *n, mist_time now, const struct effect *e);
void paths_attempt(struct mist *n, mist_time now, const struct effect *e);
void paths_silent(struct mist *n, mist_time now, const struct effect *e);
void paths_up(struct mist *n, mist_time now, const struct effect *e);
void paths_punch(struct mist *n, mist_time now, const struct effect *e);
void paths_resume(struct mist *n, mist_time now, const struct effect *e);
void paths_resumed(struct mist *n, mist_time now, const struct effect *e);
/* The link's datagrams go there from now on.  kind: enum candidate_kind; rtt 0: unknown. */
void paths_change(struct mist *n, mist_time now, mist_link link, const struct addr *path,
                  uint32_t socket, uint8_t kind, mist_time rtt);
/* Tells the peer of a link by MEET where this node may be reached; way: the relay's
 * address that MEET will take, nothing if it is none; flags: FLAG_RETURN or 0. */
void paths_tell_where(struct mist *n, mist_time now, mist_link link, const struct addr *way,
                      uint8_t flags);
/* The relay of that way shall tell the peer at its end where it sees this node, so that
 * the peer need not take its word alone. */
void paths_ask_vouch(struct mist *n, const struct addr *way);
void paths_wake(struct mist *n, mist_time now); /* are those that matter still alive? */

/* messages.c */
void messages_take(struct mist *n, mist_time now, const struct mux_turn *turn);
void messages_receive(struct mist *n, mist_time now, mist_link forwarder, const struct msg *m);

/* join.c */
void join_bootstrap(struct mist *n, mist_time now, const struct addr *a);
void join_socket(struct mist *n, mist_time now);
int join_name(struct mist *n, const uint8_t *name, size_t length);
void join_timer(struct mist *n, mist_time now);
void join_link_up(struct mist *n, mist_time now, mist_link link, const struct contact *contact);
void join_link_failed(struct mist *n, mist_time now, mist_link link, const struct addr *a);
void join_verdict(struct mist *n, mist_time now);
void join_looked(struct mist *n, mist_time now, uint32_t answers);
void join_lonely(struct mist *n, mist_time now); /* a contact may have been the last one */
void join_subscribed(struct mist *n, mist_time now, uint32_t holders);

#endif
