/* capture.h: packets with the box's decisions about them, as pcapng (draft-ietf-opsawg-
 * pcapng) for Wireshark and tshark: two interfaces, `inside` and `outside`, raw IP,
 * nanoseconds, a comment per packet. */
#ifndef NATBOX_CAPTURE_H
#define NATBOX_CAPTURE_H

#include <stdint.h>

#include "nat-models/nat.h"

struct capture;

/* Creates the file.  box: what the boxes are called.  NULL with errno set. */
struct capture *capture_open(const char *file, const char *box);

/* utc: nanoseconds since 1970.  comment: UTF-8, "" for none. */
void capture_packet(struct capture *c, int64_t utc, enum nat_side side, const uint8_t *bytes,
                    uint32_t length, const char *comment);

/* Returns 0, or -1 when something could not be written (errno as it was then). */
int capture_close(struct capture *c);

#endif
