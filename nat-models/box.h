/* box.h: one box inside: its state, and what the files of the translator call
 * in one another.
 *
 *     nat.c         the two directions
 *     life.c        beginning, events, end
 *     mapping.c     makes, finds, refreshes and ends mappings
 *     remote.c      filter entries, reply sessions and reserved tuples
 *     ports.c       chooses an external address and port
 *     portmap.c     NAT-PMP and PCP: requests, epoch, announcements
 *     natpmp.c, pcp.c, upnp.c   the three protocols
 *     static.c      static mappings and their filters
 *     subscriber.c  quota, rate and blocks of ports, by inside address
 *     former.c      which port an inside endpoint had last
 *     exhaustion.c  what happens when there is no room
 *     background.c  the mappings of other hosts
 *     onetoone.c    the stateless kind
 *     nat64.c       the kind between IPv6 and IPv4
 *     alg.c         rewrites addresses in payloads
 *     fragments.c   datagrams in pieces: put together, followed, cut
 *     outbox.c      what boxes send themselves, behind nat_output
 *     prefetch.c    loads what the next datagrams will be looked up in
 *     memory.c      memory of large tables
 *     icmp.c, icmp6.c   ICMP errors: made, passed and translated
 *
 * Every function here may move the slab if its comment says that it makes a
 * record; so records are kept by index and fetched when needed. */
#ifndef NAT_BOX_H
#define NAT_BOX_H

#include <stdbool.h>
#include <string.h>

#include "nat-models/index.h"
#include "nat-models/nat.h"
#include "nat-models/queue.h"
#include "nat-models/slab.h"

#define NAT_GENERATIONS 16

struct nat_external {
    struct addr addr; /* port 0 */
    uint32_t inside;  /* kind one_to_one: the inside address that has it; 0: none */
    uint16_t counter; /* last port given in sequence, for counter: address */
    uint8_t counting; /* counter is set */
    uint8_t full[3];  /* per protocol: bits of port classes without a free port */
};

/* Where the process of other hosts' mappings stands: background.c. */
struct nat_background {
    mist_time at;     /* the next arrival; MIST_NEVER without background */
    int64_t slot;     /* it lies in */
    uint32_t ordinal; /* of the next draw in the slot */
};

struct nat {
    mist_time due;         /* the queue's first time */
    mist_time announce_at; /* the next announcement; MIST_NEVER: none */
    mist_time now;         /* of the current call */
    mist_time down_until;
    uint64_t seed;
    struct nat_slab *slab;
    struct nat_index index;
    struct nat_queue queue;
    struct nat_policy policy;
    struct nat_background background;
    struct nat_counters count;
    uint32_t statics; /* static mappings */
    uint32_t entries; /* filter and reply entries and reserved tuples */
    uint32_t blocks;  /* alive; while there are any, their measure stays */
    uint16_t block_low, block_high, block_size;
    uint16_t counter;                     /* last port given in sequence, for counter: box */
    uint8_t counting;                     /* counter is set */
    uint8_t reboots;                      /* wraps: only a key of a draw */
    uint16_t generation[NAT_GENERATIONS]; /* ports.c */
    uint32_t externals;
    uint32_t first_ip;   /* of the pool */
    bool counted_up;     /* the pool is first_ip, first_ip + 1 ... */
    uint8_t announced;   /* announcements since the tables were lost */
    mist_time epoch;     /* when the tables were lost; 0: never */
    struct addr gateway; /* its own inside address, port 0; family ADDR_NONE: unknown */
    struct nat_fragments_kept *fragments; /* fragments.c; NULL until there was one */
    struct nat_external external[];
};

/* Where a new mapping stands and what it is. */
struct nat_place {
    uint16_t address, port;
    uint8_t rule, flags;
    mist_time end; /* NAT_STATIC only */
};

/* Ports of an address, both ends inside. */
struct nat_ports_range {
    uint16_t low, high;
};

/* Filter entries of one box at most: beyond, new remotes are refused. */
#define NAT_ENTRIES_MAX (1u << 22)

/* ---- small helpers ---- */

static inline struct nat_mapping *nat_mapping(const struct nat *nat, uint32_t record)
{
    return &nat->slab->records[record].mapping;
}

static inline struct nat_endpoint nat_endpoint(const struct addr *addr, uint8_t protocol)
{
    struct nat_endpoint e;
    memcpy(e.ip, addr->ip, sizeof e.ip);
    e.port = addr->port;
    e.family = addr->family;
    e.protocol = protocol;
    return e;
}

static inline struct addr nat_endpoint_addr(const struct nat_endpoint *e)
{
    struct addr a = {.port = e->port, .family = e->family};
    memcpy(a.ip, e->ip, sizeof a.ip);
    return a;
}

static inline bool nat_same(const struct nat_endpoint *a, const struct nat_endpoint *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static inline uint32_t nat_ip4(const struct nat_endpoint *e)
{
    return (uint32_t)e->ip[0] << 24 | (uint32_t)e->ip[1] << 16 | (uint32_t)e->ip[2] << 8 | e->ip[3];
}

/* What tells a host from its neighbours: the address, of IPv6 its last 32 bits. */
static inline uint32_t nat_host_number(const struct nat_endpoint *e)
{
    const uint8_t *ip = e->ip + (e->family == ADDR_V6 ? 12 : 0);
    return (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
}

/* Multiply and fold; the constant is odd with balanced bits. */
static inline uint64_t nat_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9fb21c651e98df25u;
    return hash ^ hash >> 32;
}

static inline uint64_t nat_mix_endpoint(uint64_t hash, const struct nat_endpoint *e)
{
    uint64_t head, tail;
    memcpy(&head, e->ip, 8);
    memcpy(&tail, e->ip + 8, 8);
    uint64_t rest = (uint64_t)e->port << 16 | (uint64_t)e->family << 8 | e->protocol;
    return nat_mix(nat_mix(hash, head ^ rest << 32), tail ^ rest);
}

/* The endpoint X':x' of an external address. */
static inline struct nat_endpoint nat_outside(const struct nat *nat, uint16_t address,
                                              uint16_t port, uint8_t protocol)
{
    struct nat_endpoint e = nat_endpoint(&nat->external[address].addr, protocol);
    e.port = port;
    return e;
}

static inline struct nat_endpoint nat_mapping_outside(const struct nat *nat,
                                                      const struct nat_mapping *m)
{
    if (m->address == NAT_NO_ADDRESS)
        return m->inside;
    return nat_outside(nat, m->address, m->port, m->inside.protocol);
}

/* Does the box give its hosts ports of its own addresses? */
static inline bool nat_gives_ports(const struct nat_policy *policy)
{
    return policy->kind == NAT_KIND_NAT || policy->kind == NAT_KIND_NAT64;
}

/* May mappings of one box share an external port?  Then filter entries tell
 * them apart. */
static inline bool nat_shares_ports(const struct nat_policy *policy)
{
    return nat_gives_ports(policy) &&
           (policy->ports == NAT_PORTS_OVERLOAD ||
            (policy->ports == NAT_PORTS_PRESERVE && policy->mapping != NAT_EIM));
}

/* Does the mapping itself keep that its first remote may come in?  Where each
 * outside endpoint is one mapping's and remotes have no timers of their own, the
 * commonest entry needs no record. */
static inline bool nat_keeps_first(const struct nat_policy *policy)
{
    return policy->filtering != NAT_EIF && policy->filter_lifetime == NAT_FILTER_OF_MAPPING &&
           !policy->inbound_clash && !nat_shares_ports(policy);
}

/* Are new mappings kept in the lists of struct nat_links? */
static inline bool nat_lists_mappings(const struct nat_policy *policy)
{
    return nat_shares_ports(policy) || policy->on_clash == NAT_CLASH_STICKY_RANDOM ||
           policy->contiguity;
}

#define NAT_NO_HOLD INT64_MIN

/* Does the box count by subscriber? */
static inline bool nat_keeps_subscribers(const struct nat_policy *policy)
{
    return policy->quota_ports != 0 || policy->new_mappings_per_s != 0 ||
           policy->ports == NAT_PORTS_BLOCK || policy->counter == NAT_COUNTER_SUBSCRIBER;
}

/* ---- nat.c ---- */

/* First in every call on a box: what is due by now happens. */
void nat_begin(struct nat *nat, mist_time now);

/* The address's place in the pool, or -1. */
int32_t nat_find_external(const struct nat *nat, const struct addr *address);

/* The mapping that serves a datagram of inside to remote, if there is one. */
uint32_t nat_find_mapping(const struct nat *nat, const struct nat_endpoint *inside,
                          const struct nat_endpoint *remote);

/* The datagram's way out: its mapping is found or made, refreshed, and its
 * filter opened.  Returns the mapping, or 0 with *verdict set.  Makes records. */
uint32_t nat_send_out(struct nat *nat, mist_time now, const struct nat_datagram *d,
                      enum nat_verdict *verdict);

/* The limits of box and subscriber on one more mapping.  Makes a record. */
enum nat_verdict nat_room_for(struct nat *nat, mist_time now, const struct nat_endpoint *inside);

/* ---- exhaustion.c ---- */

/* There is no room for the datagram's mapping, for the reason given.  Returns
 * true if room was made, by the faulty rules that end another mapping. */
bool nat_exhausted(struct nat *nat, const struct nat_datagram *d, uint8_t rule,
                   enum nat_verdict reason);

/* ---- background.c ---- */

/* Begins at now, with init and whenever the policy changes. */
void nat_background_start(struct nat *nat, mist_time now);

/* Lets the others' mappings arrive up to now.  Makes records. */
void nat_background_run(struct nat *nat, mist_time now);

/* ---- alg.c ---- */

/* The datagram has gone out: where its payload names the inside address that it
 * came from, it names d->from now. */
void nat_alg_rewrite(struct nat *nat, struct nat_datagram *d, const struct addr *inside);

/* ---- onetoone.c: kind one_to_one ---- */

enum nat_verdict nat_onetoone_out(struct nat *nat, struct nat_datagram *d);
enum nat_verdict nat_onetoone_in(struct nat *nat, struct nat_datagram *d);
int nat_onetoone_map(struct nat *nat, const struct addr *inside, struct addr *external);
void nat_onetoone_clear(struct nat *nat);

#endif
