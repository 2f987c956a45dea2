/* box.h: a chain of modelled NATs as one real box: packets in, packets out.
 *
 * Knows no interface and no clock: time comes in, packets leave through `send`, and what
 * was decided through `decided`. */
#ifndef NATBOX_BOX_H
#define NATBOX_BOX_H

#include "sim/nat_name.h"
#include "sim/natbox/packet.h"

/* One decision about one packet. */
struct box_decision {
    mist_time at;
    enum nat_side from;                 /* where it arrived */
    uint32_t level;                     /* the box of the chain that decided, inside first */
    struct addr source, to;             /* as they came */
    struct addr source_after, to_after; /* as they left; family ADDR_NONE: it did not */
    uint8_t protocol;
    uint32_t length;      /* of the packet */
    const char *verdict;  /* nat_verdict_word, or why it is no packet for a NAT */
    const uint8_t *bytes; /* the packet as it came; borrowed */
};

struct box_calls {
    void *data;
    /* A packet leaves on that side; bytes are borrowed. */
    void (*send)(void *data, enum nat_side side, const uint8_t *bytes, uint32_t length);
    void (*decided)(void *data, const struct box_decision *decision); /* NULL: not wanted */
};

#define BOX_EXTERNALS 64

struct box_outside {
    uint32_t count;
    struct addr addresses[BOX_EXTERNALS]; /* of the outermost box, ports 0 */
};

struct box;

/* Makes the boxes.  Those inside the outermost have addresses of 100.64.0.0/10 (RFC
 * 6598), as in a NAT script.  gateway: the innermost box's own address (nat_set_gateway);
 * family ADDR_NONE: it is not told.  calls is copied.  NULL with a message where the
 * addresses do not fit the policies. */
struct box *box_open(const struct nat_named *nat, const struct box_outside *outside,
                     const struct addr *gateway, uint64_t seed, const struct box_calls *calls,
                     char *error, size_t size);
void box_close(struct box *b);

/* A packet arrived on that side; bytes are changed.  Calls send for all that leaves. */
void box_packet(struct box *b, mist_time now, enum nat_side from, uint8_t *bytes, uint32_t length);

/* When box_tick has something to do; MIST_NEVER while nothing waits. */
mist_time box_deadline(const struct box *b);
void box_tick(struct box *b, mist_time now);

/* Is it an external address of the outermost box? */
bool box_owns(const struct box *b, const struct addr *address);

/* The boxes of the chain, inside first, for events and counters. */
uint32_t box_count(const struct box *b);
struct nat *box_nat(struct box *b, uint32_t level);

#endif
