/* gateway.h: the bytes by which a host asks its gateway for a port: PCP (RFC 6887) and,
 * where that is refused, NAT-PMP (RFC 6886), both on UDP port 5351.
 *
 * Pure functions.  What a gateway says may be anything: reading never looks beyond the
 * length, and says nothing more than what it read. */
#ifndef MIST_GATEWAY_H
#define MIST_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/addr.h"

#define GATEWAY_PORT     5351
#define GATEWAY_ANNOUNCE 5350 /* where hosts hear that a gateway lost its table */
#define GATEWAY_NONCE    12
#define GATEWAY_MOST     60 /* bytes of the longest request */

/* A mapping that is asked for, of UDP over IPv4. */
struct gateway_wish {
    uint8_t nonce[GATEWAY_NONCE]; /* PCP: whose mapping it is */
    struct addr inside;           /* this host's socket */
    struct addr outside;          /* suggested; family 0: any */
    uint32_t lifetime_s;          /* 0: no longer */
};

/* Each writes a request and returns its length. */
size_t gateway_put_pcp(uint8_t buffer[GATEWAY_MOST], const struct gateway_wish *w);
size_t gateway_put_pmp(uint8_t buffer[GATEWAY_MOST], const struct gateway_wish *w);
size_t gateway_put_pmp_address(uint8_t buffer[GATEWAY_MOST]); /* what is your outside? */

enum gateway_kind {
    GATEWAY_PCP_MAPPED,   /* nonce, inside_port, outside, lifetime_s */
    GATEWAY_PMP_MAPPED,   /* inside_port, outside.port, lifetime_s */
    GATEWAY_PMP_ADDRESS,  /* outside without its port */
    GATEWAY_PCP_ANNOUNCE, /* epoch_s alone */
    GATEWAY_NO_VERSION,   /* this protocol is not spoken: result, by which one it says so */
    GATEWAY_REFUSED       /* result; lifetime_s: for so long (PCP) */
};

struct gateway_answer {
    enum gateway_kind kind;
    bool pcp; /* in the format of PCP */
    uint8_t nonce[GATEWAY_NONCE];
    uint16_t result, inside_port;
    uint32_t lifetime_s, epoch_s;
    struct addr outside;
};

/* false: it is no answer of either protocol to a question of ours. */
bool gateway_read(const uint8_t *bytes, size_t length, struct gateway_answer *a);

#endif
