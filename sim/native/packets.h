/* packets.h: the datagrams on their way, in blocks of few sizes.
 *
 * A block stays where it is until it is given back, so a receiver may send
 * while it reads.  Free blocks are reused last first: they are still in the
 * cache.  Nothing is allocated once the pools have grown to their peak. */
#ifndef NATIVE_PACKETS_H
#define NATIVE_PACKETS_H

#include <stdint.h>

#include "stack/addr.h"

struct packet {
    struct addr from, to;
    uint32_t sender; /* host */
    uint16_t length;
    uint8_t ttl;
    uint8_t icmp, more, forbidden; /* bools */
    uint16_t id, offset;
    uint8_t bytes[];
};

#define PACKET_CLASSES 5 /* blocks of 128, 256, 512, 2048 and 131072 bytes */

struct packets {
    struct packet_class {
        char **chunk;
        uint32_t chunks, chunk_limit;
        uint32_t free;        /* list of free blocks, or UINT32_MAX */
        uint32_t unused, end; /* blocks unused .. end - 1 were never taken */
    } of[PACKET_CLASSES];
    uint64_t taken;
};

/* p is zero-filled before. */
void packets_open(struct packets *p);
void packets_close(struct packets *p);

/* A handle for a packet of that payload; its content is undefined. */
uint32_t packets_take(struct packets *p, uint16_t length);
void packets_give(struct packets *p, uint32_t handle);
struct packet *packets_at(const struct packets *p, uint32_t handle);

#endif
