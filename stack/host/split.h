/* split.h: many flows of datagrams of any size over one path that carries MIST_PAYLOAD
 * bytes: those that fit travel whole behind three bytes, larger ones in pieces.
 *
 *      0      1..2   3       4       5..6
 *     +------+------+------------------------------+
 *     |  0   | flow | bytes                        |   whole
 *     +------+------+-------+-------+------+-------+
 *     |  1   | flow | piece | count |  id  | bytes |   piece 0 .. count-1; all but the last full
 *     +------+------+-------+-------+------+-------+
 *
 * What lacks a piece is lost, as with IP fragments. */
#ifndef STACK_HOST_SPLIT_H
#define STACK_HOST_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/mist.h"

#define SPLIT_MOST   65507 /* bytes of the largest UDP payload over IPv4 */
#define SPLIT_WHOLE  3     /* bytes before a whole datagram */
#define SPLIT_HEADER 7     /* and before a piece */
#define SPLIT_PIECE  (MIST_PAYLOAD - SPLIT_HEADER)

/* Calls each for what is to be sent, of MIST_PAYLOAD bytes at most; bytes are borrowed.
 * id: another one for each datagram.  length: SPLIT_MOST at most. */
void split_datagram(uint16_t flow, const uint8_t *bytes, uint32_t length, uint16_t id,
                    void (*each)(void *data, const uint8_t *bytes, uint32_t length), void *data);

/* The pieces that have come of one datagram of a flow; zero-filled at first. */
struct split_join {
    uint16_t id;
    uint8_t count; /* 0: none */
    uint64_t have; /* bit i: piece i */
    uint32_t last; /* bytes of the last piece */
    uint8_t bytes[64 * SPLIT_PIECE];
};

/* The flow that a datagram of the path belongs to; -1: nonsense. */
int32_t split_flow(const uint8_t *bytes, uint32_t length);

/* Takes what came of a flow.  Returns true when a datagram is whole: *whole and *length say where,
 * until the next call.  Nonsense is dropped; another id starts anew. */
bool split_take(struct split_join *j, const uint8_t *bytes, uint32_t length, const uint8_t **whole,
                uint32_t *whole_length);

#endif
