/* capture.h: packets with what was decided about them, as pcapng (draft-ietf-opsawg-
 * pcapng) for Wireshark and tshark: named interfaces, raw IP, nanoseconds, a comment per
 * packet. */
#ifndef SIM_CAPTURE_H
#define SIM_CAPTURE_H

#include <stdint.h>

struct capture;

/* Creates the file.  about: what it shows; application: what makes it.  NULL with errno
 * set. */
struct capture *capture_open(const char *file, const char *about, const char *application);

/* An interface of that name, from now on.  Returns its number: 0, 1 ... */
uint32_t capture_interface(struct capture *c, const char *name);

/* utc: nanoseconds since 1970.  bytes: an IP packet.  comment: UTF-8, "" for none. */
void capture_packet(struct capture *c, int64_t utc, uint32_t interface, const uint8_t *bytes,
                    uint32_t length, const char *comment);

/* Returns 0, or -1 when something could not be written (errno as it was then). */
int capture_close(struct capture *c);

#endif
