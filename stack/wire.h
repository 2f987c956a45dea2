/* wire.h: the bytes on the wire.  No other file knows a byte position.
 *
 * Big-endian.  Every datagram starts with a type and the channel number that
 * its receiver chose (0: handshake).  The body of OPEN, ACCEPT and DATA is
 * sealed (seal.h) and holds a sequence of messages, each a type byte and the
 * fields that the table in wire.c lists.  Boxes: stack/README.md.
 *
 * Reading never trusts a length: a reader that ran over its end stays failed. */
#ifndef MIST_WIRE_H
#define MIST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/addr.h"
#include "stack/nature.h"
#include "stack/units.h"

#define WIRE_VERSION    3
#define WIRE_ID         32
#define WIRE_PREFIX     12 /* bytes of an id that name a peer to a relay */
#define WIRE_NONCE      16
#define WIRE_COOKIE     16
#define WIRE_NOISE      48   /* a message of the handshake: ephemeral key and tag */
#define WIRE_CONTACTS   20   /* most contacts in one message */
#define WIRE_CANDIDATES 8    /* most candidates in one message */
#define WIRE_FILTER     256  /* bytes of the filter of contacted addresses */
#define WIRE_MTU        1252 /* largest datagram: MIST_DATAGRAM */
#define WIRE_INIT_SIZE  128  /* INIT is padded to this: no answer to it is larger */
#define WIRE_VALUE      900  /* MIST_VALUE */
#define WIRE_OFFER      352  /* longest value that is an offer */
#define WIRE_RESUME     3    /* first byte of a call back, where an offer has its pattern */
#define WIRE_ANSWER     128  /* longest answer to an offer, or proof */

enum wire_type {
    WIRE_INIT = 1,  /* may I talk to you?  no state follows from it */
    WIRE_COOKIE_IS, /* prove your address with this */
    WIRE_OPEN,      /* proof, key, first messages */
    WIRE_ACCEPT,    /* a link is up; first answers */
    WIRE_DATA,      /* messages on a link */
    WIRE_DIALBACK,  /* a stranger's knock: your address is open to strangers */
    WIRE_TYPES
};

/* X(number, NAME, fields): permanent numbers. */
enum msg_type {
    MSG_NONE,
    MSG_PING,        /* are you there?  padded to the size of its answer */
    MSG_PONG,        /* yes, and this is where I see you */
    MSG_FIND,        /* whom do you know near this key? */
    MSG_NODES,       /* these */
    MSG_SUBSCRIBE,   /* send me what is published on this key */
    MSG_SUBSCRIBED,  /* I will, for so long (0: no) */
    MSG_UNSUBSCRIBE, /* no more */
    MSG_PUBLISH,     /* tell the subscribers of this key */
    MSG_PUBLISHED,   /* so many were told */
    MSG_RECEIVE,     /* this was published, by whom I saw there */
    MSG_RELAY,       /* forward this datagram to the peer named by its prefix */
    MSG_RELAYED,     /* this datagram came from the peer named by its prefix */
    MSG_REFUSED,     /* I do not forward to that peer */
    MSG_ANSWER,      /* I am whom your offer names, and prove it: let us talk */
    MSG_MEET,        /* where I may be reached, and how late you will hear of it */
    MSG_PROBE,       /* does this path work? */
    MSG_PROVED,      /* it does, and this is where I see you */
    MSG_REACH,       /* have somebody I never contacted knock at my address */
    MSG_KNOCK,       /* knock at this address, please */
    MSG_KNOCKED,     /* somebody will knock now */
    MSG_BYE,         /* this link is over */
    MSG_PAYLOAD,     /* the application's datagram in a conversation */
    MSG_HANGUP,      /* this conversation is over */
    MSG_HELLO,       /* what I am (first in OPEN and ACCEPT), and where I see you */
    MSG_CHECK,       /* a probe out of turn; the datagram that called for it was as long, and
                      * so is its answer, a PROVED without address */
    MSG_WHERE,       /* where do you see this socket of mine? */
    MSG_HERE,        /* there; and this is my other port, if I have one */
    MSG_SECOND,      /* knock at my address from your other port */
    MSG_AIM,         /* I hold these ports of that address open for you */
    MSG_ECHO,        /* tell the peer named by its prefix where you see me */
    MSG_ECHOED,      /* the peer named by its prefix echoed this, from there */
    MSG_PROOF,       /* I am who called: the answer was for me */
    MSG_INSTEAD,     /* I hold no more for that key: these do, and get what I forward */
    MSG_TYPES
};

enum msg_flags {
    FLAG_SERVER = 1,  /* the sender can be reached unasked */
    FLAG_RELAY = 2,   /* the sender forwards datagrams */
    FLAG_OFFER = 4,   /* PUBLISH, RECEIVE: the value is an offer to connect (wire_offer) */
    FLAG_MAPPED = 8,  /* the sender had a gateway map a port for it */
    FLAG_RETURN = 16, /* MEET: in return for one, and asks for none */
};

/* A node that can be asked: who and where. */
struct contact {
    uint8_t id[WIRE_ID];
    struct addr addr;
};

/* Two are no candidates, but how a path was found without one; the last is never sent: a
 * third party saw the peer there, which has not said so itself. */
enum candidate_kind {
    CANDIDATE_LOCAL = 1,
    CANDIDATE_SEEN = 2,
    CANDIDATE_MAPPED = 3,
    CANDIDATE_PREDICTED = 4,
    CANDIDATE_SPRAYED = 5,
    CANDIDATE_TOLD = 6
};

struct candidate {
    struct addr addr;
    uint8_t kind;
};

/* One message, any type: only the fields that its type lists have a meaning.
 * Pointers are borrowed from the datagram (reading) or the caller (writing). */
struct msg {
    uint8_t type;  /* enum msg_type */
    uint8_t flags; /* enum msg_flags */
    uint8_t count; /* contacts or candidates in bytes; round of a probe */
    uint8_t reason;
    uint16_t ttl_s;
    uint16_t port;         /* HERE: 0: none */
    uint16_t length;       /* of bytes */
    uint32_t request;      /* matches answers to questions; a conversation's number */
    uint32_t counter;      /* PAYLOAD: low half */
    uint32_t lag_us;       /* MEET: one-way delay of the sender's leg to the relay */
    uint64_t number;       /* publication, nonce */
    const uint8_t *key;    /* WIRE_ID bytes */
    const uint8_t *peer;   /* WIRE_ID bytes */
    const uint8_t *prefix; /* WIRE_PREFIX bytes */
    struct addr addr;
    struct nature nature;
    const uint8_t *bytes;
    const struct contact *contacts;     /* writing NODES */
    const struct candidate *candidates; /* writing MEET */
};

struct reader {
    const uint8_t *at, *end;
    bool failed;
};

/* Messages.  wire_put returns the bytes written, 0 when they do not fit. */
size_t wire_put(uint8_t *buffer, size_t size, const struct msg *m);
/* Takes the next message: 1, 0 at the end, -1 malformed. */
int wire_take(struct reader *r, struct msg *m);
/* The i-th contact or candidate of a message just read; i < m->count. */
void wire_contact(const struct msg *m, uint32_t i, struct contact *contact);
void wire_candidate(const struct msg *m, uint32_t i, struct candidate *candidate);
size_t wire_put_size(const struct msg *m); /* what wire_put would write */

/* An offer to connect, the value of a publication on a name: the number of the
 * conversation, which stays the same in all copies and repeats, and what person.h
 * makes of the rest.  `bytes` is borrowed. */
struct call_value {
    uint32_t conversation;
    const uint8_t *bytes;
    size_t length;
};
size_t wire_put_call(uint8_t *buffer, size_t size, const struct call_value *v);
int wire_take_call(const uint8_t *bytes, size_t length, struct call_value *v); /* 0 or -1 */

/* What the dialer says of itself in it. */
struct offer {
    uint8_t ticket[WIRE_COOKIE]; /* what an OPEN through a relay shows for a cookie */
    uint8_t flags;               /* FLAG_SERVER */
    struct nature nature;
    uint8_t count;
    struct candidate candidates[WIRE_CANDIDATES];
};
size_t wire_put_offer(uint8_t *buffer, size_t size, const struct offer *o);
int wire_take_offer(const uint8_t *bytes, size_t length, struct offer *o); /* 0 or -1 */

/* Datagrams.  The header of a sealed one is authenticated with its body. */
struct wire_head {
    uint8_t type;     /* enum wire_type */
    uint8_t version;  /* INIT, OPEN */
    uint32_t channel; /* the receiver's */
    uint32_t back;    /* INIT, OPEN, ACCEPT: the sender's channel */
    uint32_t counter; /* ACCEPT, DATA: low half */
    uint64_t stamp;   /* OPEN: grows with each handshake of this sender */
    uint64_t number;  /* DIALBACK */
    /* nonce: the first WIRE_NONCE bytes of the initiator's ephemeral key; noise, in OPEN
     * and ACCEPT: WIRE_NOISE bytes.  Reading OPEN, nonce is where noise is. */
    const uint8_t *nonce, *noise, *cookie, *id;
    size_t head_length;  /* bytes before the sealed body */
    const uint8_t *body; /* sealed */
    size_t body_length;
};

/* 0, or -1 when the bytes are no datagram of ours. */
int wire_take_head(const uint8_t *bytes, size_t length, struct wire_head *h);
/* Writes the head (for INIT with its padding); returns its length. */
size_t wire_put_head(uint8_t buffer[WIRE_MTU], const struct wire_head *h);

/* Canonical bytes of an address, for hashing: 1 + 4|16 + 2. */
size_t wire_put_addr(uint8_t buffer[19], const struct addr *a);

const char *wire_msg_name(uint8_t type); /* "ping" */
uint8_t wire_msg_kind(uint8_t type);     /* enum mist_kind, for accounting */

#endif
