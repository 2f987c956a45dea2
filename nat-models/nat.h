/* nat.h: what a box between a host and the internet does with a datagram.
 *
 * A pure translator: a datagram goes in with the time, and comes out with its
 * addresses rewritten or not at all.  It knows addresses and ports; no engine,
 * no protocol, no clock.  Behaviour follows RFC 4787, 5508, 6092, 6888 and
 * 7857; README.md has the knobs and where each comes from.
 *
 * Time never goes back between two calls on one box.  Nothing happens between
 * calls: an entry is alive while now - last refresh < timeout, dead at
 * equality, and cleared away by the next call. */
#ifndef NAT_NAT_H
#define NAT_NAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat-models/policy.h"
#include "stack/addr.h"
#include "stack/units.h"

enum { NAT_ICMP = 1, NAT_TCP = 6, NAT_UDP = 17, NAT_ICMP6 = 58 }; /* IANA protocol numbers */

struct nat_fragment {
    uint16_t id;     /* identification; offset 0 and no more: not a fragment */
    uint16_t offset; /* bytes from the start of the IP payload, a multiple of 8 */
    bool more;       /* others follow */
    bool forbidden;  /* the DF bit: must not be cut */
};

/* The family is from.family.  An ICMP query carries its identifier as the
 * inside port.  bytes: the payload behind the UDP or TCP header (of 8, of 20
 * bytes; an ICMP message whole, from its type on); borrowed for the call, never
 * kept, never written except for the addresses inside an ICMP error.
 *
 * A first fragment (offset 0) carries the ports and bytes as a whole datagram
 * does; a later one has ports 0, and its bytes are the IP payload from its offset. */
struct nat_datagram {
    struct addr from, to;
    uint8_t protocol; /* NAT_UDP ... */
    uint8_t ttl;      /* as it arrives; the box is one hop */
    struct nat_fragment fragment;
    uint32_t length;
    uint8_t *bytes;
};

/* X(NAME, word): why a datagram went no further; each has its counter. */
#define NAT_DROPS(X)                                                                               \
    X(NO_MAPPING, "no_mapping")                                                                    \
    X(FILTER, "filter")                                                                            \
    X(QUOTA, "quota")                                                                              \
    X(RATE, "rate")                                                                                \
    X(CAPACITY, "capacity")                                                                        \
    X(PORT_EXHAUSTED, "port_exhausted")                                                            \
    X(HAIRPIN_OFF, "hairpin_off")                                                                  \
    X(TTL, "ttl")                                                                                  \
    X(FRAGMENT, "fragment")                                                                        \
    X(KEPT, "kept") /* not lost: a fragment that waits, or a request to the box itself */          \
    X(TOO_BIG, "too_big")                                                                          \
    X(ICMP_UNMATCHED, "icmp_unmatched")                                                            \
    X(EGRESS, "egress")                                                                            \
    X(DOWN, "down")                                                                                \
    X(FAMILY, "family") /* an address family or protocol that the box does not carry */

#define NAT_ENUM_DROP(name, word) NAT_DROP_##name,
enum nat_verdict {
    NAT_PASS,    /* rewritten: send it on */
    NAT_HAIRPIN, /* outbound only: turned round; `to` is an inside endpoint */
    NAT_DROPS(NAT_ENUM_DROP) NAT_VERDICTS
};
#define NAT_DROP_FIRST NAT_DROP_NO_MAPPING

static inline bool nat_is_drop(enum nat_verdict verdict)
{
    return verdict >= NAT_DROP_FIRST;
}

/* "pass", "hairpin", or the drop's word */
const char *nat_verdict_word(enum nat_verdict verdict);

struct nat_counters {
    uint64_t mappings_made;
    uint32_t mappings_alive, mappings_peak;
    uint64_t hairpins;
    uint64_t dropped[NAT_VERDICTS]; /* by verdict; the two that pass stay 0 */
};

struct nat_slab; /* mappings and filter entries of all the boxes of a world */
struct nat;      /* one box */

/* Returns NULL without memory.  A slab and its boxes belong to one thread; it
 * grows by doubling and never shrinks.  Growing without memory is a CHECK. */
struct nat_slab *nat_slab_open(void);
void nat_slab_close(struct nat_slab *slab); /* after its boxes' nat_close */
size_t nat_slab_bytes(const struct nat_slab *slab);

/* Bytes of a box with that many external addresses; align it to 8. */
size_t nat_size(uint32_t externals);

/* Makes a box in memory, which it keeps, as it keeps the slab.  The policy has
 * passed nat_policy_check and is copied.  seed: this box's own; equal seeds
 * draw equal ports.  external: its outside IPv4 addresses, ports ignored; a
 * firewall takes none. */
struct nat *nat_init(void *memory, struct nat_slab *slab, const struct nat_policy *policy,
                     uint64_t seed, const struct addr *external, uint32_t externals);

/* Gives back what the box took beyond its memory. */
void nat_close(struct nat *nat);

/* What it took beyond its memory and the slab's records. */
size_t nat_bytes(const struct nat *nat);

/* From inside.  NAT_PASS: `from` is the external endpoint, ttl one less.
 * NAT_HAIRPIN: the datagram is for another inside endpoint and goes inward.
 * Else dropped; the addresses are then as they were.  policy.mtu: it may have
 * become a first fragment, whose others are in nat_output.  policy.alg: its bytes
 * may be the box's own, until the next call on any box of the slab. */
enum nat_verdict nat_outbound(struct nat *nat, mist_time now, struct nat_datagram *datagram);

/* From outside.  NAT_PASS: `to` is the inside endpoint, ttl one less. */
enum nat_verdict nat_inbound(struct nat *nat, mist_time now, struct nat_datagram *datagram);

enum nat_side { NAT_INSIDE, NAT_OUTSIDE };

/* A hint: datagrams that came from that side are translated next; at most
 * NAT_PREFETCH of them count.  Changes nothing, but loads what they are looked up
 * in, so that many wait for memory together: worth it for bursts through a table
 * that the cache does not hold. */
#define NAT_PREFETCH 32
void nat_prefetch(const struct nat *nat, enum nat_side side, const struct nat_datagram *datagrams,
                  uint32_t count);

/* What the box itself sends in answer to the last call (ICMP errors, replies,
 * reassembled packets): call until false.  The bytes are borrowed until the
 * next call on any box of the slab, and what is not drained by then is lost. */
bool nat_output(struct nat *nat, struct nat_datagram *datagram, enum nat_side *side);

/* When nat_tick has something to send; MIST_NEVER while nothing waits. */
mist_time nat_deadline(const struct nat *nat);
void nat_tick(struct nat *nat, mist_time now);

/* The box's own address on the inside: where hosts ask it for ports (UDP 5351),
 * and from where it sends.  Until it is told, it hears 192.0.0.9 alone (RFC 7723). */
void nat_set_gateway(struct nat *nat, const struct addr *inside);

/* Forgets mappings and filters; static mappings stay. */
void nat_flush(struct nat *nat, mist_time now);

/* Forgets everything, drops all datagrams for policy.down, and starts its
 * sequential counter as policy.after_reboot says. */
void nat_reboot(struct nat *nat, mist_time now);

/* New external addresses, as many as nat_init was given; what stood on the old
 * ones is dead. */
void nat_readdress(struct nat *nat, mist_time now, const struct addr *external);

/* Changes knobs at run time.  Live entries stay and age by the new timers. */
void nat_set(struct nat *nat, mist_time now, const struct nat_policy *policy);
const struct nat_policy *nat_policy_of(const struct nat *nat);

/* A static mapping: inside serves external for `lifetime` (MIST_NEVER: for
 * good; 0: deletes it).  external->port 0 or family ADDR_NONE: any free one;
 * *external is set to what was given.  Asking again renews.  Returns 0; -1
 * when the endpoint is taken, no port is free, or the box does not translate. */
int nat_map(struct nat *nat, mist_time now, uint8_t protocol, const struct addr *inside,
            struct addr *external, mist_time lifetime);

/* Lets in through a static mapping only remotes that one of its filters names
 * (RFC 6887, section 13.3); without filters it lets in everybody.  Adds one: the
 * first `prefix` bits of remote's address and its port, 0: any.  prefix 0: deletes
 * all.  Returns 0; -1 when inside has no static mapping or NAT_FILTERS already. */
#define NAT_FILTERS 8
int nat_map_filter(struct nat *nat, mist_time now, uint8_t protocol, const struct addr *inside,
                   const struct addr *remote, uint8_t prefix);

/* mappings_alive counts dynamic and static mappings alive now. */
struct nat_counters nat_counters(struct nat *nat, mist_time now);

/* One of the counters by its word: "mappings" (alive), "mappings_made",
 * "mappings_peak", "hairpins", "dropped_filter", "dropped_quota" ...
 * Returns 0, or -1 when there is none of that name. */
int nat_counter(struct nat *nat, mist_time now, const char *name, uint64_t *value);

/* policy.exempt: what goes to that address and comes from it is not translated. */
bool nat_exempts(const struct nat *nat, const struct addr *remote);

/* Is this one of the box's own external addresses?  The port does not matter. */
bool nat_owns(const struct nat *nat, const struct addr *address);

#endif
