/* box.h: one box inside: its state, and what the files of the translator call
 * in one another.
 *
 *     nat.c         the two directions and the events
 *     mapping.c     makes, finds, refreshes and ends mappings
 *     remote.c      filter entries, reply sessions and reserved tuples
 *     ports.c       chooses an external address and port
 *     subscriber.c  quota, rate and blocks of ports, by inside address
 *     former.c      which port an inside endpoint had last
 *     exhaustion.c  what happens when there is no room
 *     icmp.c        ICMP errors: made, translated, and the outbox
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
    uint16_t counter; /* last port given in sequence, for counter: address */
    uint8_t counting; /* counter is set */
    uint8_t full[3];  /* per protocol: bits of port classes without a free port */
};

struct nat {
    mist_time due; /* the queue's first time */
    mist_time now; /* of the current call */
    mist_time down_until;
    uint64_t seed;
    struct nat_slab *slab;
    struct nat_index index;
    struct nat_queue queue;
    struct nat_policy policy;
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
    struct nat_external external[];
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

/* May mappings of one box share an external port?  Then filter entries tell
 * them apart. */
static inline bool nat_shares_ports(const struct nat_policy *policy)
{
    return policy->kind == NAT_KIND_NAT &&
           (policy->ports == NAT_PORTS_OVERLOAD ||
            (policy->ports == NAT_PORTS_PRESERVE && policy->mapping != NAT_EIM));
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

/* ---- mapping.c ---- */

/* Ends what has ended by now.  First in every call. */
void nat_expire(struct nat *nat, mist_time now);

/* Queues a record for a look at its end. */
void nat_enqueue(struct nat *nat, enum nat_key key, uint32_t record, mist_time end);

/* What has flags (NAT_ESTABLISHED, NAT_SHORT) lives so long after a refresh. */
mist_time nat_timeout(const struct nat_policy *policy, uint8_t protocol, uint8_t flags);

/* All find functions return a record, or 0. */
uint32_t nat_mapping_find(const struct nat *nat, uint8_t rule, const struct nat_endpoint *inside,
                          const struct nat_endpoint *remote);
uint32_t nat_mapping_find_static(const struct nat *nat, const struct nat_endpoint *inside);
/* The newest mapping at X':x'. */
uint32_t nat_mapping_find_outside(const struct nat *nat, const struct nat_endpoint *outside);
/* The newest mapping of X:x; kept in a list for on_clash: sticky_random and contiguity. */
uint32_t nat_mapping_find_source(const struct nat *nat, const struct nat_endpoint *inside);

/* Where a new mapping stands and what it is. */
struct nat_place {
    uint16_t address, port;
    uint8_t rule, flags;
    mist_time end; /* NAT_STATIC only */
};

/* Makes a record. */
uint32_t nat_mapping_add(struct nat *nat, mist_time now, const struct nat_endpoint *inside,
                         const struct nat_endpoint *remote, const struct nat_place *place);

/* Puts the mappings that are in no list into their lists, for a policy that needs them. */
void nat_mapping_list_all(struct nat *nat);

/* The policy changed: what now ends sooner is queued for it. */
void nat_mapping_reschedule(struct nat *nat);

/* A static mapping gets a new end. */
void nat_mapping_renew(struct nat *nat, uint32_t record, mist_time end);

/* end: when the mapping died, from which its port is held; or NAT_NO_HOLD. */
void nat_mapping_remove(struct nat *nat, uint32_t record, mist_time end);

/* A datagram went through the mapping, out or in: flags and timers. */
void nat_mapping_sent(struct nat *nat, mist_time now, uint32_t record, uint16_t remote_port);
void nat_mapping_received(struct nat *nat, mist_time now, uint32_t record);

/* ---- remote.c ---- */

/* key EXACT, ADDRESS: base is X':x'; REPLY: base is X:x. */
uint32_t nat_remote_find(const struct nat *nat, enum nat_key key, const struct nat_endpoint *base,
                         const struct nat_endpoint *remote);

/* X:x sent to remote through the mapping: opens the filter.  Makes records.
 * Returns false when the box has NAT_ENTRIES_MAX of them. */
bool nat_remote_sent(struct nat *nat, mist_time now, uint32_t mapping,
                     const struct nat_endpoint *remote);

/* The mapping through which remote may reach X':x', or 0 with *verdict set. */
uint32_t nat_remote_admit(const struct nat *nat, const struct nat_endpoint *outside,
                          const struct nat_endpoint *remote, enum nat_verdict *verdict);

/* remote was admitted.  Makes records. */
void nat_remote_received(struct nat *nat, mist_time now, uint32_t mapping,
                         const struct nat_endpoint *remote);

void nat_remote_remove(struct nat *nat, uint32_t record);
void nat_remote_remove_all(struct nat *nat, uint32_t mapping);
mist_time nat_remote_end(const struct nat *nat, const struct nat_remote *e);

/* Reserves X':x' until end, for the remote by (CLASH) or against all but the
 * inside endpoint by (HELD).  Makes a record. */
void nat_reserve(struct nat *nat, enum nat_key key, uint16_t address, uint16_t port,
                 const struct nat_endpoint *by, mist_time end, uint8_t flags);
uint32_t nat_reserved_find(const struct nat *nat, enum nat_key key,
                           const struct nat_endpoint *outside, const struct nat_endpoint *by);
void nat_reserved_remove(struct nat *nat, enum nat_key key, uint32_t record);

/* ---- ports.c ---- */

/* Chooses X':x' for a new mapping.  Returns NAT_PASS or NAT_DROP_PORT_EXHAUSTED. */
enum nat_verdict nat_ports_choose(struct nat *nat, const struct nat_endpoint *inside,
                                  const struct nat_endpoint *remote, uint8_t rule,
                                  struct nat_place *place);

/* Finds room for a static mapping: at *external, or anywhere when that is no
 * address or has port 0.  Returns 0, or -1 when it is taken or not the box's. */
int nat_ports_claim(struct nat *nat, const struct nat_endpoint *inside, const struct addr *external,
                    struct nat_place *place);

/* Ports of an address, both ends inside. */
struct nat_ports_range {
    uint16_t low, high;
};

/* A mapping was made: takes its port into the books. */
void nat_ports_taken(struct nat *nat, uint32_t record);

/* A mapping is gone since end: holds its port, or frees it. */
void nat_ports_ended(struct nat *nat, const struct nat_mapping *gone, mist_time end);

/* A port's hold is over. */
void nat_ports_released(struct nat *nat, const struct nat_reserved *held);

/* A port of this address became free: what was full may no longer be. */
void nat_ports_freed(struct nat *nat, uint16_t address, uint8_t protocol);

/* After init or a reboot: sequential counters as policy.after_reboot says. */
void nat_ports_restart(struct nat *nat);

/* Ends the mapping that has the port which a draw tells: on_exhaustion: reuse.
 * false: nobody can be robbed. */
bool nat_ports_steal(struct nat *nat, const struct nat_endpoint *inside,
                     const struct nat_endpoint *remote, uint8_t rule);

/* ---- former.c: same_port_after_expiry ---- */

uint32_t nat_former_find(const struct nat *nat, const struct nat_endpoint *inside);
void nat_former_remove(struct nat *nat, uint32_t record);

/* A mapping ended; of those that end together the newest counts.  Makes a record. */
void nat_former_remember(struct nat *nat, const struct nat_mapping *gone);

/* ---- subscriber.c ---- */

/* The subscriber that inside belongs to, or 0.  _take makes a record. */
uint32_t nat_subscriber_find(const struct nat *nat, const struct nat_endpoint *inside);
uint32_t nat_subscriber_take(struct nat *nat, const struct nat_endpoint *inside);

/* May it have one more mapping?  NAT_PASS, or NAT_DROP_QUOTA or NAT_DROP_RATE. */
enum nat_verdict nat_subscriber_allows(const struct nat *nat, mist_time now, uint32_t subscriber);

/* A dynamic mapping of inside was made, or ended. */
void nat_subscriber_made(struct nat *nat, mist_time now, const struct nat_endpoint *inside);
void nat_subscriber_ended(struct nat *nat, const struct nat_endpoint *inside);

/* Has it neither mappings nor blocks? */
bool nat_subscriber_is_idle(const struct nat *nat, uint32_t subscriber);

/* The queue looks at it: forgets it, or keeps it until it has nothing left. */
void nat_subscriber_look(struct nat *nat, uint32_t subscriber);

/* The subscriber's blocks at an address: *block is 0 for the first, then the
 * last one seen.  false: there is none further. */
bool nat_block_next(const struct nat *nat, uint32_t subscriber, uint16_t address, uint32_t *block);

/* Gives the subscriber one more block at the address: the first free one from
 * the place that draw tells.  0: none free, or max_blocks.  Makes a record. */
uint32_t nat_block_take(struct nat *nat, uint32_t subscriber, uint16_t address, uint32_t draw);

/* Gives back a block of which no port was used. */
void nat_block_give(struct nat *nat, uint32_t block);

/* Its ports. */
struct nat_ports_range nat_block_range(const struct nat *nat, uint32_t block);

/* A port of some block was taken, or is free again: the last gives it back. */
void nat_block_used(struct nat *nat, uint16_t address, uint16_t port, uint8_t protocol);
void nat_block_freed(struct nat *nat, uint16_t address, uint16_t port, uint8_t protocol);

/* Blocks of one address under the policy. */
uint32_t nat_blocks_per_address(const struct nat *nat);

/* ---- exhaustion.c ---- */

/* There is no room for the datagram's mapping, for the reason given.  Returns
 * true if room was made, by the faulty rules that end another mapping. */
bool nat_exhausted(struct nat *nat, const struct nat_datagram *d, uint8_t rule,
                   enum nat_verdict reason);

/* ---- icmp.c ---- */

enum {
    NAT_ICMP_UNREACHABLE = 3,
    NAT_ICMP_TIME_EXCEEDED = 11,
    NAT_ICMP_PARAMETER = 12,
    NAT_ICMP_PORT = 3, /* code of unreachable */
};

/* Forgets what was not drained.  First in every call. */
void nat_outbox_clear(struct nat *nat);

/* Sends an ICMP error about d, as it came in, back to where it came from. */
void nat_icmp_send(struct nat *nat, enum nat_side side, uint8_t type, uint8_t code,
                   const struct nat_datagram *d);

#endif
