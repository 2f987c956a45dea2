/* sending.h: datagrams on their way to the kernel, many of them with one call.
 *
 * Used by the host, for what the core puts out, and by the proxy, for what goes to local
 * programs.  Each is copied, so that the core may go on, and leaves when a batch is full
 * or at the latest with sending_flush, which the host calls before it waits.  What the
 * kernel cannot take now (EAGAIN, ENOBUFS) waits its turn and is tried again each
 * millisecond; what finds no room to wait is dropped and counted. */
#ifndef STACK_HOST_SENDING_H
#define STACK_HOST_SENDING_H

#include <stdint.h>
#include <stdio.h>
#include <uv.h>

#include "stack/addr.h"

#define SENDING_MOST  1024      /* datagrams that wait: a whole spray of the core's */
#define SENDING_BYTES (1 << 21) /* and their bytes: 32 of the largest */

struct sending;

struct sending_tally {
    uint64_t sent, calls; /* datagrams that the kernel took, with so many calls */
    uint64_t waits;       /* times that the kernel could not take the next */
    uint64_t refused;     /* datagrams that it refused: no route, too long, not permitted */
    uint64_t dropped;     /* datagrams for which there was no room to wait */
};

/* NULL: no memory.  Keeps loop. */
struct sending *sending_open(uv_loop_t *loop);
/* Before the loop is closed, which lets go of the timer; what waits is lost. */
void sending_close(struct sending *s);

/* A datagram of `udp`, which is bound or connected; to: NULL for where it is connected. */
void sending_add(struct sending *s, uv_udp_t *udp, const struct addr *to, uint8_t ttl,
                 const uint8_t *bytes, uint32_t length);
/* Hands the kernel what waits, as far as it takes it. */
void sending_flush(struct sending *s);
/* `udp` is about to be closed: what waits for it goes now or never. */
void sending_forget(struct sending *s, const uv_udp_t *udp);

const struct sending_tally *sending_tally(const struct sending *s);

#endif
