/* lab.h: a small deterministic world for tests of the core: hosts, each with a
 * core reached through mist_api(), toy NATs, a queue of datagrams in virtual
 * time.  It shares nothing with the simulator.
 *
 * A test program includes lab.c and lab_nat.c, so it needs no build rule.  After
 * every verb the lab drains the core and checks what no driver may ever see:
 * a datagram on a socket that is not open or from a foreign address, one that is
 * too long, a deadline still due after a tick, a byte written behind the node's block. */
#ifndef MIST_LAB_H
#define MIST_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/mist.h"
#include "stack/node.h"
#include "stack/test/lab_nat.h"

#define LAB_HOSTS  48
#define LAB_PORT   4000 /* of every host's main socket */
#define LAB_SPARES 300

struct lab;

struct lab_host {
    char name[16];
    struct addr local;  /* of the socket; private behind a NAT */
    struct lab_nat nat; /* nat.present: behind one */
    uint32_t side;      /* datagrams pass only between equal sides */
    uint8_t secret[32], seed[32], id[MIST_ID];
    void *config, *memory, *scratch;
    size_t memory_size;
    struct mist *node; /* NULL: down */
    mist_time due;
    uint32_t opened;             /* bit per main socket */
    uint32_t spares[LAB_SPARES]; /* ids of spare sockets, 0: none ... */
    uint16_t ports[LAB_SPARES];  /* ... and where they are bound: no port twice */
    uint16_t ports_given;
    uint32_t wanted[LAB_SPARES], wanted_count;
    bool refuses_sockets; /* opens no spare one */
    bool joined;
    uint32_t sent; /* datagrams */
};

/* What a test wants to see; every function may be NULL. */
struct lab_watch {
    void *context;
    void (*fact)(void *context, struct lab *l, uint32_t host, const struct mist_fact *f);
    void (*event)(void *context, struct lab *l, uint32_t host, const struct mist_event *e);
    void (*sent)(void *context, struct lab *l, uint32_t host, const struct mist_datagram *d);
    /* false: the datagram is lost */
    bool (*arrives)(void *context, struct lab *l, uint32_t host, const struct addr *from,
                    const uint8_t *bytes, uint32_t length);
    void (*after)(void *context, struct lab *l, uint32_t host); /* a verb was drained */
};

struct lab_packet {
    mist_time at;
    uint64_t sequence; /* equal times leave in the order they came */
    struct addr from, to;
    uint32_t source, length;
    uint8_t bytes[MIST_DATAGRAM];
};

struct lab {
    const struct mist_api *api;
    mist_time now;
    uint64_t seed, draws, sequence;
    uint32_t host_count;
    struct lab_host hosts[LAB_HOSTS];
    mist_time delay[LAB_HOSTS][LAB_HOSTS]; /* one way */
    mist_time jitter;                      /* up to so much more: reorders */
    uint32_t loss, duplicates, damage;     /* per mille of the datagrams */
    struct lab_watch watch;
    void *scratch;
    struct lab_packet **heap;
    uint32_t in_flight, heap_size;
};

struct lab *lab_open(uint64_t seed);
void lab_close(struct lab *l);

uint32_t lab_below(struct lab *l, uint32_t n); /* the lab's dice */

/* A host with a public address; it does not run yet.  Returns its number. */
uint32_t lab_add(struct lab *l, const char *name);
void lab_behind(struct lab *l, uint32_t host, enum lab_mapping mapping,
                enum lab_filtering filtering, bool random_ports);
void lab_delays(struct lab *l, mist_time one_way); /* of all pairs */
void lab_configure(struct lab *l, uint32_t host, const char *key, const char *value);

/* Starts the core of a host: it answers to its name, if it has one, and joins through the
 * first `bootstraps` hosts, itself excepted.  _stop forgets the core. */
void lab_start(struct lab *l, uint32_t host, uint32_t bootstraps);
void lab_stop(struct lab *l, uint32_t host);

int lab_wish(struct lab *l, uint32_t host, const struct mist_wish *wish);
int lab_connect(struct lab *l, uint32_t host, uint32_t id, const char *name);
int lab_send(struct lab *l, uint32_t host, uint32_t id, const char *text);
int lab_name(struct lab *l, uint32_t host, uint32_t kind, uint32_t id, const char *name,
             const char *text);                                       /* SUBSCRIBE, PUBLISH, NAME */
int lab_id(struct lab *l, uint32_t host, uint32_t kind, uint32_t id); /* CLOSE, UNSUBSCRIBE */

/* A datagram arrives at a host now, whatever the network says. */
void lab_input(struct lab *l, uint32_t host, const struct addr *from, const uint8_t *bytes,
               size_t length);
/* Host `from` says `messages` to `to` on their link, sealed, on its path or,
 * when probe is given, to that address.  0, or mux_send's error. */
int lab_say(struct lab *l, uint32_t from, uint32_t to, const struct addr *probe,
            const uint8_t *messages, size_t length);
/* The value of an offer that a person of the lab makes under that key for whoever
 * answers, as if `publisher` published it. */
uint16_t lab_offer(struct lab *l, uint8_t value[WIRE_VALUE], uint32_t conversation,
                   const uint8_t *key, const uint8_t *publisher, const struct offer *offer);
void lab_drain(struct lab *l, uint32_t host);

/* Runs until that time; _step: the next thing that happens, false when none is left. */
void lab_run(struct lab *l, mist_time until);
bool lab_step(struct lab *l, mist_time until);

mist_link lab_link(const struct lab *l, uint32_t from, uint32_t to); /* 0: none */
bool lab_view(const struct lab *l, uint32_t from, uint32_t to, struct link_view *view);
int lab_by_id(const struct lab *l, const uint8_t *id, size_t length); /* -1: nobody */
int lab_by_addr(const struct lab *l, const struct addr *a);           /* who owns that address */

#endif
