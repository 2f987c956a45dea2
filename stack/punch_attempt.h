/* punch_attempt.h: shared by the files of punching: punch.c (attempts, probes and
 * their proofs) and punch_volley.c (what a strategy sends, and when). */
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
bool attempt_named_enough(const struct attempt *a, const struct addr *addr);
void attempt_send(struct attempt *a, const struct addr *to, uint32_t socket, uint8_t ttl,
                  uint32_t request, uint32_t place, struct out *out);
void attempt_probe(mist_time now, struct attempt *a, uint32_t i, uint32_t round, uint32_t socket,
                   uint8_t ttl, struct out *out);
void attempt_stop(struct punch *p, struct attempt *a); /* it rests; its sockets stay */

#endif
