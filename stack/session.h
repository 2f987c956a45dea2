/* session.h: what two ends seal to each other once a handshake has given them keys.
 *
 * Every datagram has a 64-bit counter, which is the nonce; its low half is sent.
 * Both directions have keys of their own.  65,536 counters are an epoch, and each
 * epoch has the key that follows the former's (Noise, section 11.3): a sender enters
 * the next when its counters are used up or SESSION_LIFE after it entered this one,
 * by stepping its counter forward.  So a rekey costs no datagram and no agreement,
 * and a key that was seized opens nothing of earlier epochs. */
#ifndef MIST_SESSION_H
#define MIST_SESSION_H

#include <stdint.h>

#include "stack/seal.h"
#include "stack/units.h"

#define SESSION_WINDOW                                                                             \
    1024                       /* counters behind the highest that may still come, once: 94 ms of  \
                                * full datagrams at 100 Mbit/s, and 128 bytes a link */
#define SESSION_EPOCH 65536    /* counters under one key */
#define SESSION_LIFE  SEC(120) /* of a key in use: WireGuard's REKEY_AFTER_TIME */
#define SESSION_AHEAD 8 /* epochs lost altogether, while the other end was not heard: 16 min */

enum session_verdict { SESSION_FINE = 0, SESSION_REPLAYED = -1, SESSION_FORGED = -2 };

struct session {
    uint64_t tx_counter; /* of the latest datagram + 1 */
    uint64_t rx_counter; /* highest received + 1 */
    mist_time tx_since;  /* when tx_key came into use */
    uint8_t tx_key[SEAL_KEY], rx_key[SEAL_KEY];
    uint8_t rx_former[SEAL_KEY];           /* of the epoch before: datagrams overtake */
    uint64_t rx_seen[SESSION_WINDOW / 64]; /* bit i: counter i modulo the window */
};

void session_begin(struct session *s, mist_time now, const uint8_t tx_key[SEAL_KEY],
                   const uint8_t rx_key[SEAL_KEY]);

/* The counter of the next datagram, whose low half goes into its header; then
 * session_lock seals it, once.  length: of plain, which may be `sealed`. */
uint64_t session_next(struct session *s, const struct seal_suite *seal, mist_time now);
void session_lock(const struct session *s, const struct seal_suite *seal, uint64_t counter,
                  uint8_t *sealed, const void *header, size_t header_length, const uint8_t *plain,
                  size_t length);

/* Opens what came with that low half of its counter, which it tells in full.
 * Unless it returns SESSION_FINE nothing has changed; length: of sealed. */
enum session_verdict session_open(struct session *s, const struct seal_suite *seal, uint32_t low,
                                  uint8_t *plain, const void *header, size_t header_length,
                                  const uint8_t *sealed, size_t length, uint64_t *counter);

#endif
