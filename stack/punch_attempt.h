/* punch_attempt.h: shared by the files of punching: punch.c (attempts, probes and
 * their proofs), punch_volley.c (what a strategy sends, and when) and punch_shot.c
 * (a single shot). */
#ifndef MIST_PUNCH_ATTEMPT_H
#define MIST_PUNCH_ATTEMPT_H

#include "stack/punch.h"

/* punch.c */
struct attempt *attempt_find(const struct punch *p, mist_link link); /* NULL: none */
struct attempt *attempt_add(struct punch *p, mist_link link);        /* NULL: full */
void attempt_timer(struct punch *p, const struct attempt *a, mist_time at);
/* The place of an address among the candidates; a new one takes the last place of a full list. */
uint32_t attempt_candidate(struct punch *p, struct attempt *a, const struct candidate *c);
bool attempt_usable(const struct addr *a); /* a host's: no multicast, no broadcast */
/* An introducer saw the peer at that address, and the peer says so itself. */
bool attempt_vouched(const struct attempt *a, const struct addr *to);
bool attempt_named_enough(const struct attempt *a, const struct addr *addr);
void attempt_send(struct punch *p, mist_time now, struct attempt *a, const struct addr *to,
                  uint32_t socket, uint8_t ttl, uint32_t request, uint32_t place, struct out *out);
void attempt_probe(struct punch *p, mist_time now, struct attempt *a, uint32_t i, uint32_t round,
                   uint32_t socket, uint8_t ttl, struct out *out);
void attempt_stop(struct punch *p, struct attempt *a); /* it rests; its sockets stay */

/* punch_shot.c */
#define SHOT_PORT_LOW  1024 /* NATs give no lower one to a socket above it (RFC 4787 REQ-3a) */
#define SHOT_PORT_HIGH 65535

/* Each of the ports low .. high of an address once. */
void shot_order(struct punch *p, struct punch_order *o, const struct addr *at, uint32_t low,
                uint32_t high);
/* Where others see the peer; NULL: nobody has said. */
const struct addr *shot_seen_at(const struct attempt *a);
/* The spare sockets of an attempt, open or not yet; are all of them open? */
uint32_t shot_sockets(const struct punch *p, const struct attempt *a);
bool shot_sockets_ready(const struct punch *p, const struct attempt *a);
/* Fresh ones in their place, within what one link may cost in mappings. */
void shot_want_sockets(struct punch *p, struct attempt *a, uint32_t wanted, struct out *out);
/* Tells the peer where this end's ports are, seen by a relay at `here`. */
void shot_tell(const struct punch *p, const struct attempt *a, const struct addr *here,
               struct out *out);
/* One candidate or socket after the other, as RFC 8445 section 14 paces its checks? */
bool shot_in_turn(const struct volley *v);
void shot_fire(struct punch *p, mist_time now, struct attempt *a, const struct volley *v,
               uint32_t shot, struct out *out);

#endif
