/* trace.h: the trace hash: one 64-bit number for everything an engine carried.
 *
 * A chain over the delivered datagrams in the order of delivery: time, from,
 * to, size and payload hash of each.  Two runs are the same run iff their
 * hashes are equal: one flipped byte, one nanosecond, two swapped deliveries of
 * equal time each change it.  Both hashes are XXH64 (Collet's specification,
 * doc/xxhash_spec.md of the xxHash project) over bytes of a fixed order, so no
 * byte order of the machine enters.
 *
 * A digest depends on its delivery alone and may be computed anywhere; only
 * the chain is sequential. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "stack/addr.h"
#include "stack/units.h"

struct trace_delivery {
    mist_time at;
    uint32_t sender, receiver; /* hosts */
    struct addr from, to;      /* as the receiver sees them */
    uint16_t length;
    const uint8_t *bytes; /* borrowed */
};

/* XXH64 of the bytes. */
uint64_t trace_hash(uint64_t seed, const uint8_t *bytes, size_t length);

uint64_t trace_digest(const struct trace_delivery *d);

/* The trace hash after one more delivery; begins with 0. */
uint64_t trace_chain(uint64_t trace, uint64_t digest);

#endif
