/* punch.h: finds a direct path for a link that stands already.
 *
 * Both ends send probes to every address where the other may be, at the same
 * time, in rounds; each probe opens the sender's own NAT towards that address.
 * Probes are sealed by the link, so an answer is a proof.  A probe from an
 * address nobody named (a peer-reflexive address: RFC 8445 section 7.3.1.3)
 * joins the candidates and is probed at once.  Rounds go on until this end's own
 * probe came back, whatever was received before.
 *
 * One timer per attempt: the next round, or the next attempt after a failure. */
#ifndef MIST_PUNCH_H
#define MIST_PUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/out.h"
#include "stack/rng.h"
#include "stack/timers.h"

#define PUNCH_ROUNDS   6 /* at 0, 0.1, 0.3, 0.7, 1.5 and 3.1 s; by configuration at least 1 */
#define PUNCH_ATTEMPTS 3
#define PUNCH_STARTS   16 /* attempts that a peer's words may set off on one link */
#define PUNCH_PER_IP   2  /* candidates of one host that a peer may name */

struct attempt {
    mist_link link; /* 0: free */
    bool running;   /* else it rests: done, or waiting for the next attempt */
    uint8_t round, count, number, reserved;
    uint32_t probes, attempts;
    mist_time sent[PUNCH_ROUNDS + 1]; /* the last: challenges between rounds */
    struct candidate candidates[WIRE_CANDIDATES];
    uint32_t tokens[WIRE_CANDIDATES]; /* of round 0: only who is there learns them */
};

struct punch {
    struct attempt *attempts;
    uint32_t limit, used;
    uint32_t rounds;
    struct rng *rng;
    struct timers *timers;
    uint32_t first_timer;
};

size_t punch_size(uint32_t attempts);
void punch_init(struct punch *p, void *memory, uint32_t attempts, uint32_t rounds, struct rng *rng,
                struct timers *timers, uint32_t first_timer);
/* Starts after `delay`; a running attempt takes the candidates in.  Returns 0
 * or MIST_ERR_FULL.  EFFECT_PATH_UP tells each path that works. */
int punch_start(struct punch *p, mist_time now, mist_link link, const struct candidate *candidates,
                uint32_t count, mist_time delay, struct out *out);
/* The peer spoke from there: one probe, now. */
void punch_challenge(struct punch *p, mist_time now, mist_link link, const struct addr *addr,
                     struct out *out);
void punch_probe(struct punch *p, mist_time now, mist_link link, const struct addr *from,
                 const struct msg *m, struct out *out);
/* A probe out of turn: answered, no more. */
void punch_check(struct punch *p, mist_link link, const struct addr *from, const struct msg *m,
                 struct out *out);
/* Was it the answer to one of ours? */
bool punch_proved(struct punch *p, mist_time now, mist_link link, const struct msg *m,
                  struct out *out);
/* The direct path is gone: try the candidates again. */
void punch_again(struct punch *p, mist_time now, mist_link link, struct out *out);
void punch_forget(struct punch *p, mist_link link);
void punch_tally(const struct punch *p, mist_link link, uint32_t *attempts, uint32_t *probes);
void punch_timer(struct punch *p, mist_time now, uint32_t index, struct out *out);
uint32_t punch_memory(const struct punch *p, struct mist_memory *array, uint32_t n);

#endif
