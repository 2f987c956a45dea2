/* segment.h: cuts what a kernel hands over in one piece into the packets that a wire
 * would carry: TCP segmentation offload and UDP's. */
#ifndef NATBOX_SEGMENT_H
#define NATBOX_SEGMENT_H

#include <stdint.h>

/* Calls each for every packet of at most `payload` bytes behind the transport header, with
 * its IP header's lengths and checksum right and its transport checksum not (packet_sum).  bytes:
 * one IP packet of TCP or UDP without extension headers.  Returns 0, or -1 for anything else; then
 * nothing was called. */
int segment_cut(const uint8_t *bytes, uint32_t length, uint32_t payload,
                void (*each)(void *data, uint8_t *bytes, uint32_t length), void *data);

#endif
