/* pieces.h: datagrams cut for a line (RFC 791, 3.2), and put together again by a
 * host's system. */
#ifndef NATIVE_PIECES_H
#define NATIVE_PIECES_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/engine.h"

#define PIECES_LIFETIME SEC(30) /* from the first: Linux, ipfrag_time; ns-3 */

/* Is the datagram larger than a line of that MTU (0: no limit) takes? */
bool pieces_needed(const struct datagram *d, uint32_t mtu);
/* May it be cut? */
bool pieces_allowed(const struct datagram *d);

/* The piece of d that begins at `at` bytes of its IP payload, for a line of that MTU
 * (at least 68); returns where the next begins.  d is numbered (fragment.id). */
uint32_t pieces_cut(const struct datagram *d, uint32_t mtu, uint32_t at, struct datagram *piece);

/* What a host has got of datagrams in pieces: a few at a time. */
struct pieces;
struct pieces *pieces_open(void);
void pieces_close(struct pieces *p); /* NULL is fine */

/* Adds a piece.  true: it was the last that lacked, and *whole is the datagram, whose
 * bytes last until the next call. */
bool pieces_join(struct pieces *p, mist_time now, const struct datagram *piece,
                 struct datagram *whole);

#endif
