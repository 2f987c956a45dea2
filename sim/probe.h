/* probe.h: finds out what the NAT before it does, from datagrams alone.
 *
 * A client in the manner of RFC 5780 (nat-behaviour's section 5): it sends from
 * inside hosts to a server with two addresses and two ports each
 * (probe_message.h), and reports what an observer can know.  It knows no box
 * and no policy.  The network is a table of functions: simulated
 * (probe_world.h), or real sockets.
 *
 * A test uses sockets of its own, so that none sees another's traces, and no
 * local port twice. */
#ifndef SIM_PROBE_H
#define SIM_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/probe_message.h"

#define PROBE_NOTHING (-1) /* from open: no such socket can be had */

struct probe_arrival {
    struct addr from;
    uint32_t length;
    uint8_t bytes[PROBE_BYTES]; /* what is longer arrives cut */
};

/* What the client does to the world.  A socket is a number from 0 up. */
struct probe_net {
    void *world;
    uint32_t hosts; /* inside the innermost box, 1 or more */
    struct addr server[2][2];
    int32_t (*open)(void *world, uint32_t host, uint16_t port);
    void (*close)(void *world, int32_t socket);
    struct addr (*local)(void *world, int32_t socket);
    void (*send)(void *world, int32_t socket, const struct addr *to,
                 const uint8_t bytes[PROBE_BYTES]);
    /* The next datagram of this socket, waiting at most so long; 0: only what
     * is there already. */
    bool (*receive)(void *world, int32_t socket, mist_time patience, struct probe_arrival *a);
    void (*wait)(void *world, mist_time duration);
};

/* How long and how hard to look. */
struct probe_effort {
    mist_time pause;         /* before each test: time in which the box forgets the one before */
    mist_time patience;      /* for an answer: more than a round trip */
    uint32_t longest_s;      /* a timer that is longer counts as none */
    uint32_t timers_at_once; /* ages tried in one round: 1 bisects */
    uint32_t flows;          /* opened by one host at a time, to find ports and limits */
    uint32_t port_seed;      /* which local ports are used, and in which order */
};

enum probe_mapping { /* in this order: what a box showed once, it is */
                     PROBE_MAPPING_UNKNOWN,
                     PROBE_MAPPING_BLOCKED, /* nothing was answered */
                     PROBE_MAPPING_NONE,    /* no translation */
                     PROBE_MAPPING_EIM,
                     PROBE_MAPPING_ADM,
                     PROBE_MAPPING_APDM,
};
enum probe_filtering {
    PROBE_FILTERING_UNKNOWN,
    PROBE_FILTERING_EIF,
    PROBE_FILTERING_ADF,
    PROBE_FILTERING_APDF,
};
enum probe_ports {
    PROBE_PORTS_UNKNOWN,
    PROBE_PORTS_NONE,
    PROBE_PORTS_PRESERVE,
    PROBE_PORTS_SEQUENTIAL,
    PROBE_PORTS_RANDOM,
    PROBE_PORTS_BLOCK,
};
enum probe_hairpin {
    PROBE_HAIRPIN_UNKNOWN,
    PROBE_HAIRPIN_OFF, /* nothing came round, whatever the reason */
    PROBE_HAIRPIN_EXTERNAL,
    PROBE_HAIRPIN_INTERNAL,
};
enum probe_pooling {
    PROBE_POOLING_UNKNOWN,
    PROBE_POOLING_NONE,
    PROBE_POOLING_PAIRED,    /* one address per host, as far as it was seen */
    PROBE_POOLING_ARBITRARY, /* one host showed several */
};
/* The external port towards a stranger whose packet had come first and was
 * refused: for mappings that look independent. */
enum probe_early { PROBE_EARLY_UNKNOWN, PROBE_EARLY_KEPT, PROBE_EARLY_MOVED };
/* Two hosts, one local port, one destination: the port of the later one. */
enum probe_clash { PROBE_CLASH_UNKNOWN, PROBE_CLASH_NEXT, PROBE_CLASH_RANDOM, PROBE_CLASH_CUTS };
/* The same socket's port towards a further destination after that. */
enum probe_after { PROBE_AFTER_UNKNOWN, PROBE_AFTER_STAYS, PROBE_AFTER_RETURNS, PROBE_AFTER_OTHER };
enum probe_shared { PROBE_SHARED_UNKNOWN, PROBE_SHARED_NO, PROBE_SHARED_YES };

struct probe_report {
    enum probe_mapping mapping;
    enum probe_filtering filtering;
    enum probe_ports ports;
    int32_t delta;      /* sequential: from one new mapping to the next */
    uint32_t block;     /* block: ports in one, as far as they could be used; an estimate */
    uint16_t low, high; /* external ports seen */
    uint32_t flows;     /* that one host was granted at once, of effort.flows */
    bool flows_refused; /* it was refused more */
    bool flows_of_box;  /* and then so was another host */
    enum probe_hairpin hairpin;
    int32_t unreplied_s, established_s; /* -1: none that is not longer than longest_s */
    enum probe_pooling pooling;
    uint32_t addresses; /* external ones seen */
    enum probe_early early;
    enum probe_shared shared; /* one external port for two hosts, towards different remotes */
    enum probe_clash clash;
    enum probe_after after_clash;
};

/* Runs all tests, one after the other; what cannot be told is unknown. */
struct probe_report probe_run(const struct probe_net *net, const struct probe_effort *effort);

#endif
