/* probe_message.h: what a probe and its server say to each other.
 *
 * In the manner of RFC 5780, with one addition: the server also answers later,
 * so that the age of a mapping is measured from outside and nothing inside
 * refreshes it.  The server's four endpoints are two addresses, each with two
 * ports.  An answer is as long as its question and goes to nobody but who
 * asked.  All numbers big-endian:
 *
 *   0      4      8     9     10     11     12      16     18      22   24
 *   +------+------+-----+-----+------+------+-------+------+-------+----+
 *   | MIST | id   |kind |flags| from | from | later | port | ip    | 0  |
 *   | -NAT |      |     |     | ip   | port | ms    |(xor) | (xor) |    |
 *   +------+------+-----+-----+------+------+-------+------+-------+----+
 *
 *   request  flags: bit 0 answer at once, bit 1 answer (also) later, after that
 *            many ms; from: which of the endpoints shall answer, 0 or 1 each
 *   answer   flags: bit 1 the later one; port and ip: where the request came
 *            from, inverted, lest a box rewrite them (RFC 4787 REQ-10)
 *   hello    sent to another probe's endpoint */
#ifndef SIM_PROBE_MESSAGE_H
#define SIM_PROBE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/addr.h"
#include "stack/units.h"

#define PROBE_BYTES   24
#define PROBE_REPLIES 2        /* to one request, at most */
#define PROBE_LATEST  3600000u /* ms: a server remembers no question longer */

enum probe_kind { PROBE_REQUEST = 1, PROBE_ANSWER = 2, PROBE_HELLO = 3 };

/* One of a server's endpoints: [address][port]. */
struct probe_end {
    uint8_t address, port;
};

struct probe_message {
    enum probe_kind kind;
    uint32_t id; /* of the question, in its answers too */
    bool now, later;
    struct probe_end from; /* request: who shall answer */
    uint32_t later_ms;
    struct addr seen; /* answer */
};

void probe_message_write(const struct probe_message *m, uint8_t bytes[PROBE_BYTES]);

/* Returns 0, or -1 when it is none; nothing in *m can then be used. */
int probe_message_read(struct probe_message *m, const uint8_t *bytes, uint32_t length);

struct probe_reply {
    struct probe_end from;
    mist_time delay;
    uint8_t bytes[PROBE_BYTES];
};

/* What a server answers to a datagram.  Returns how many of the replies there
 * are: 0 when it is no request.  Keeps nothing. */
uint32_t probe_serve(const uint8_t *bytes, uint32_t length, const struct addr *from,
                     struct probe_reply replies[PROBE_REPLIES]);

#endif
