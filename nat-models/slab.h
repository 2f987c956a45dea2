/* slab.h: the records of all the boxes of a world, 64 bytes each, and what
 * they hold.  A record is named by its index, never by its address: the slab
 * moves when it grows.  Index 0 is no record.
 *
 * A record is known to the box's index (index.h) under one or more hashes, and
 * to the box's queue (queue.h) once while it can expire. */
#ifndef NAT_SLAB_H
#define NAT_SLAB_H

#include <stdint.h>

#include "nat-models/nat.h"

/* How a record is found, told by the top four bits of a reference. */
enum nat_key {
    NAT_KEY_NONE,
    NAT_KEY_INSIDE,     /* mapping by protocol, X:x and the key part of the remote */
    NAT_KEY_OUTSIDE,    /* mapping by protocol and X':x' */
    NAT_KEY_STATIC,     /* static mapping by protocol and X:x */
    NAT_KEY_SOURCE,     /* newest mapping of protocol and X:x, whatever the remote */
    NAT_KEY_EXACT,      /* filter entry by protocol, X':x' and Y:y */
    NAT_KEY_ADDRESS,    /* filter entry by protocol, X':x' and Y */
    NAT_KEY_REPLY,      /* session opened by an accepted inbound packet: protocol, X:x, Y:y */
    NAT_KEY_CLASH,      /* tuple taken by an unsolicited inbound packet: protocol, X':x', Y:y */
    NAT_KEY_HELD,       /* port in its hold time: protocol, X':x' */
    NAT_KEY_FORMER,     /* former port of protocol and X:x */
    NAT_KEY_SUBSCRIBER, /* protocol and X */
    NAT_KEY_BLOCK,      /* protocol, X' and the number of a block of ports */
    NAT_KEY_ALLOWED,    /* filter of a static mapping, in its list alone */
    NAT_KEY_OWNER,      /* the nonce of who asked for it by PCP, likewise */
};

#define NAT_REF(key, record) ((uint32_t)(key) << 28 | (record))
#define NAT_REF_KEY(ref)     ((enum nat_key)((ref) >> 28))
#define NAT_REF_RECORD(ref)  ((ref)&0x0fffffffu)
#define NAT_RECORDS_MAX      0x0fffffffu

/* An inside, outside or remote endpoint of one protocol, as records keep it. */
struct nat_endpoint {
    uint8_t ip[16];
    uint16_t port;
    uint8_t family, protocol;
};

enum {
    NAT_REPLIED = 1,     /* an accepted inbound packet was seen */
    NAT_ESTABLISHED = 2, /* on the longer timer */
    NAT_STATIC = 4,
    NAT_SHORT = 8,    /* all packets so far went to the port of dport_override */
    NAT_LISTED = 16,  /* in the lists of struct nat_links */
    NAT_BLOCKED = 32, /* its port is of a block */
    NAT_OTHERS = 64,  /* of the background: nobody's, with an end of its own */
    NAT_OPENED = 128, /* its first remote may come in, without an entry: nat_keeps_first */
};

#define NAT_NO_ADDRESS UINT16_MAX /* a firewall's mapping: outside is as inside */

struct nat_mapping {
    mist_time check;              /* when the queue looks at it */
    uint32_t serial;              /* of this use of the record */
    uint32_t first;               /* its filter and reply entries */
    mist_time refreshed, created; /* static, others: refreshed is its end; PEER: in the future */
    struct nat_endpoint inside;
    uint32_t remote; /* the first one, IPv4 in host order; of its key as far as the rule says */
    uint16_t remote_port;
    uint16_t port;    /* x' */
    uint16_t address; /* X': place in the pool, or NAT_NO_ADDRESS */
    uint8_t flags;
    uint8_t rule; /* enum nat_mapping_rule under which the key was made */
};

/* A filter entry (EXACT, ADDRESS, ALLOWED) or a REPLY entry of one mapping. */
struct nat_remote {
    mist_time check;
    uint32_t serial;
    uint32_t mapping;
    mist_time refreshed, created;
    struct nat_endpoint at;  /* Y:y; port 0 for ADDRESS; OWNER: its ip is the nonce */
    uint32_t next, previous; /* in the mapping's list */
    uint8_t key;             /* enum nat_key */
    uint8_t flags;
    uint8_t prefix; /* ALLOWED: bits of the address that count */
};

/* A CLASH or HELD entry: an external port that somebody has reserved. */
struct nat_reserved {
    mist_time check; /* its end */
    uint32_t serial;
    uint16_t address, port; /* X':x' */
    struct nat_endpoint by; /* CLASH: Y:y; HELD: the former X:x, who may have it back */
    uint8_t flags;          /* NAT_BLOCKED */
};

/* same_port_after_expiry: what X:x had last. */
struct nat_former {
    mist_time check; /* when it is forgotten */
    uint32_t serial;
    uint16_t address, port;
    mist_time created; /* of the mapping that had it */
    struct nat_endpoint inside;
};

/* One inside address and protocol: what limits and blocks are counted by. */
struct nat_subscriber {
    mist_time check; /* when it is forgotten, unless it has something then */
    uint32_t serial;
    uint32_t mappings;
    mist_time next_allowed; /* rate: earliest time of a new mapping, a burst aside */
    struct nat_endpoint at; /* port 0 */
    uint32_t block;         /* newest of its blocks */
    uint16_t blocks;
    uint16_t counter; /* last port given, for counter: subscriber */
    uint8_t counting; /* counter is set */
};

struct nat_block {
    mist_time check;
    uint32_t serial;
    uint32_t subscriber;
    uint32_t older; /* the subscriber's next block */
    uint32_t used;  /* ports with a mapping or in their hold time */
    uint16_t address, number;
    uint16_t counter; /* last port given in sequence */
    uint8_t protocol;
};

union nat_record {
    struct {
        mist_time check; /* NAT_FREE in the free list */
        uint32_t serial;
        uint32_t next; /* in the free list */
    } head;
    struct nat_mapping mapping;
    struct nat_remote remote;
    struct nat_reserved reserved;
    struct nat_former former;
    struct nat_subscriber subscriber;
    struct nat_block block;
};
_Static_assert(sizeof(union nat_record) == 64, "one cache line");

#define NAT_FREE (-1)

/* Lists of mappings, in an array of their own: only boxes that share ports or
 * ask for the newest mapping of a source ever touch its pages. */
struct nat_link {
    uint32_t newer, older;
};

struct nat_links {
    struct nat_link port;   /* same protocol and X':x' */
    struct nat_link source; /* same protocol and X:x */
};

struct nat_slab {
    union nat_record *records;
    struct nat_links *links;
    uint32_t capacity, high, free, alive; /* high: records ever used, 0 included */
    uint32_t serial;
    struct nat_outbox *outbox; /* outbox.c; NULL until something was sent */
};

/* Returns a record that is zero but for its serial.  Moves the slab: fetch records anew afterwards.
 */
uint32_t nat_slab_take(struct nat_slab *slab);
void nat_slab_give(struct nat_slab *slab, uint32_t record);

#endif
