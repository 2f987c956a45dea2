/* relay.h: forwarding for two peers that cannot reach each other.
 *
 * A circuit is opened only by an introduction: this node forwarded an offer to
 * connect from one peer to another, both over standing links.  So the relay
 * never dials anybody, and both ends have asked for it.  Limits: circuits in
 * all, bytes per second per circuit, life without traffic. */
#ifndef MIST_RELAY_H
#define MIST_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/out.h"

#define RELAY_RATE  (64 * 1024)  /* bytes per second and circuit: protocol notes (f), data class */
#define RELAY_BURST (256 * 1024) /* bytes */
#define RELAY_IDLE  SEC(60)      /* without traffic: makes room for another */
#define RELAY_KEPT  MINUTES(10)  /* else it stands by, for when the direct path of the two dies */
#define RELAY_FIRST SEC(10) /* for the first datagram: of twenty introductions one is taken up */

enum relay_verdict { RELAY_YES, RELAY_NO_CIRCUIT, RELAY_GONE, RELAY_OVER };

struct circuit {
    mist_link a, b; /* a < b; 0: unused */
    uint32_t bytes; /* left in the bucket at `last` */
    mist_time last; /* last datagram or introduction */
    bool carried;   /* a datagram passed */
};

struct relay {
    struct circuit *circuits; /* 8-way sets, chosen by the pair */
    uint32_t limit;           /* power of two */
    uint32_t salt;
    uint32_t made; /* for the fact */
};

size_t relay_size(uint32_t circuits);
void relay_init(struct relay *r, void *memory, uint32_t circuits, uint32_t salt); /* zero-filled */
/* An offer of one went to the other: they may talk through this node. */
void relay_introduce(struct relay *r, mist_time now, mist_link a, mist_link b, struct out *out);
/* May that many bytes pass now?  Takes them from the circuit's bucket. */
enum relay_verdict relay_forward(struct relay *r, mist_time now, mist_link from, mist_link to,
                                 uint32_t bytes);
uint32_t relay_memory(const struct relay *r, struct mist_memory *array, uint32_t n);

#endif
