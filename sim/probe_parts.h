/* probe_parts.h: what the files of the probe share; nobody else's.
 *
 *   probe.c         questions and answers; the short tests; their order
 *   probe_timer.c   how long a hole stays open
 *   probe_ports.c   how external ports are chosen
 *
 * Nothing is asked twice: where packets get lost by chance, the probe is the
 * wrong tool. */
#ifndef SIM_PROBE_PARTS_H
#define SIM_PROBE_PARTS_H

#include "sim/probe.h"

struct probe {
    const struct probe_net *net;
    const struct probe_effort *effort;
    uint32_t questions; /* asked so far */
    uint32_t ports;     /* taken so far */
    uint32_t place;     /* of the last one in their order */
};

/* Where there are enough hosts, this one opens the flows and nothing before, so
 * that a quota is its own whole; and the last ones some more after it. */
enum { PROBE_FLOWS_HOST = 2, PROBE_OTHERS = 3, PROBE_HOSTS_ENOUGH = 8 };

static const struct probe_end PROBE_MAIN = {0, 0}; /* address and port of most tests */

/* A local port that no test has used before. */
uint16_t probe_fresh_port(struct probe *p);

/* A socket on a fresh port; PROBE_NOTHING: none. */
int32_t probe_socket(struct probe *p, uint32_t host);
void probe_close(const struct probe *p, int32_t socket); /* PROBE_NOTHING is fine */

/* Sends a request (`now`, `later`, `from`, `later_ms` of the question count)
 * and returns its id. */
uint32_t probe_ask(struct probe *p, int32_t socket, struct probe_end to,
                   const struct probe_message *question);

/* Waits for the answer to it, from the end that was asked to answer.  Returns
 * whether it came; *seen is then where the server saw the question come from. */
bool probe_hear(const struct probe *p, int32_t socket, uint32_t id, struct probe_end from,
                bool later, mist_time patience, struct addr *seen);

/* Asks this end for an answer of its own, at once. */
bool probe_exchange(struct probe *p, int32_t socket, struct probe_end with, struct addr *seen);

/* Both: the rounded seconds for which an answer still comes in, -1 for ever. */
int32_t probe_timer_unreplied(struct probe *p);
int32_t probe_timer_established(struct probe *p);

/* Fills ports, delta, block, low, high and the flows.  Uses up what a host may
 * have: run it last. */
void probe_ports(struct probe *p, struct probe_report *report);

#endif
