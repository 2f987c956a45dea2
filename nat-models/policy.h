/* policy.h: what one box does: the knobs of a NAT or a firewall.
 *
 * Plain and copyable: integers only, no pointers, timers in nanoseconds.  The
 * knobs are set by the names and values of a scenario file; README.md tells
 * each one with its source.  Fields in the order of the knobs' groups. */
#ifndef NAT_POLICY_H
#define NAT_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "stack/units.h"

enum nat_kind {
    NAT_KIND_NAT,        /* rewrites addresses and ports (IPv4) */
    NAT_KIND_FIREWALL,   /* filters and keeps both (IPv4 and IPv6; RFC 6092) */
    NAT_KIND_ONE_TO_ONE, /* one external address per inside address, ports kept, no filter */
    NAT_KIND_NAT64,      /* a NAT whose hosts have IPv6 alone (RFC 6146): nat64.h */
};

enum nat_mapping_rule { NAT_EIM, NAT_ADM, NAT_APDM };
enum nat_filtering_rule { NAT_EIF, NAT_ADF, NAT_APDF };
enum nat_ports {
    NAT_PORTS_PRESERVE,
    NAT_PORTS_OVERLOAD,
    NAT_PORTS_SEQUENTIAL,
    NAT_PORTS_RANDOM,
    NAT_PORTS_BLOCK,
    NAT_PORTS_DETERMINISTIC,
};
enum nat_on_clash { NAT_CLASH_NEXT, NAT_CLASH_RANDOM, NAT_CLASH_STICKY_RANDOM };
enum nat_overload_demux { NAT_DEMUX_REMOTE, NAT_DEMUX_LAST_WINS };
enum nat_counter_of { NAT_COUNTER_BOX, NAT_COUNTER_ADDRESS, NAT_COUNTER_SUBSCRIBER };
enum nat_block_ports { NAT_BLOCK_SEQUENTIAL, NAT_BLOCK_RANDOM };
enum nat_pooling { NAT_POOL_PAIRED, NAT_POOL_SOFT_PAIRED, NAT_POOL_ARBITRARY };
enum nat_refresh {
    NAT_REFRESH_NONE = 0,
    NAT_REFRESH_OUT = 1,
    NAT_REFRESH_IN = 2,
    NAT_REFRESH_BOTH = 3
};
enum nat_filter_lifetime { NAT_FILTER_OF_MAPPING, NAT_FILTER_OF_SESSION };
enum nat_established_when { NAT_FIRST_REPLY, NAT_REPLY_AND_AGE };
enum nat_hairpin { NAT_HAIRPIN_OFF, NAT_HAIRPIN_EXTERNAL, NAT_HAIRPIN_INTERNAL };
enum nat_on_exhaustion {
    NAT_EXHAUSTED_DROP,
    NAT_EXHAUSTED_ICMP_3_13,
    NAT_EXHAUSTED_ICMP_3_1,
    NAT_EXHAUSTED_EVICT_OLDEST, /* faulty on purpose, as are the next two */
    NAT_EXHAUSTED_EVICT_UNREPLIED,
    NAT_EXHAUSTED_REUSE,
};
enum nat_egress { NAT_EGRESS_OPEN, NAT_EGRESS_BLOCK_UDP, NAT_EGRESS_BLOCK_TCP_HIGH_PORTS };
enum nat_unsolicited { NAT_UNSOLICITED_SILENT, NAT_UNSOLICITED_ICMP };
enum nat_fragments { NAT_FRAGMENTS_REASSEMBLE, NAT_FRAGMENTS_IN_ORDER, NAT_FRAGMENTS_DROP };
enum nat_too_big { NAT_TOO_BIG_ICMP, NAT_TOO_BIG_DROP, NAT_TOO_BIG_FRAGMENT };
enum nat_upnp {
    NAT_UPNP_OFF,
    NAT_UPNP_IGD1,
    NAT_UPNP_IGD1_PERMANENT, /* knows permanent leases only */
    NAT_UPNP_IGD2,
};
enum nat_alg { NAT_ALG_OFF, NAT_ALG_REWRITE };
enum nat_after_reboot { NAT_COUNTER_RESET, NAT_COUNTER_KEEP, NAT_COUNTER_RANDOM };

struct nat_policy {
    /* What every datagram asks: one cache line. */
    mist_time udp_unreplied, udp_established;
    mist_time established_age; /* reply_and_age: entries this old are established by a reply */
    mist_time max_lifetime;    /* 0: off */
    uint8_t kind, mapping, filtering, filter_lifetime;
    uint8_t refresh; /* bits NAT_REFRESH_* */
    uint8_t established_when, session_reply, inbound_clash;
    uint8_t hairpin, egress, static_outbound, unsolicited_reply;
    uint8_t ports, overload_demux, icmp_errors, alg;
    uint16_t dport; /* remote port with a timer of its own; 0: none */
    uint16_t mtu;   /* of the outside link, bytes of an IP packet; 0: no limit */
    uint8_t fragments, df_too_big;
    uint8_t exempt_prefix, spare; /* exempt: bits of the address that count; 0: none is */
    uint32_t exempt_ip;           /* host order, 0 behind the prefix */
    uint32_t spare4;

    /* What a new mapping asks. */
    mist_time dport_timeout;
    mist_time tcp_transitory, tcp_established, icmp_query;
    mist_time hold;         /* port unusable for others after its mapping's end */
    mist_time down;         /* a reboot's outage */
    mist_time map_lifetime; /* the most that NAT-PMP and PCP grant */
    mist_time background_life;
    uint64_t background_uhz; /* other hosts' new mappings per 10^6 s */
    uint8_t on_clash, counter, block_ports, pooling;
    uint8_t parity, contiguity, keep_privileged, same_port_after_expiry;
    uint8_t on_exhaustion, after_reboot;
    uint16_t low, high; /* range of external ports, both inside */
    uint16_t spare2;
    int32_t delta;
    uint32_t block, max_blocks;
    uint32_t pool; /* external addresses that the box wants */
    uint32_t quota_ports, new_mappings_per_s, table_capacity; /* 0: no limit */
    uint8_t nat_pmp, pcp, upnp, spare8;
};

/* No padding, whose bytes would be anything: runs are told apart by a policy's bytes. */
_Static_assert(sizeof(struct nat_policy) == 13 * 8 + 9 * 4 + 5 * 2 + 34,
               "the fields fill the policy");

/* A home router: eim, apdf, preserve; every default of README.md. */
struct nat_policy nat_policy_default(void);

/* Sets one knob from text: "eim", "30 s", "[1024, 65535]", "on".
 * Returns 0; or -1 with a message in error (size bytes, always terminated) and
 * *policy as it was.  Unknown keys and values are errors that name the nearest. */
int nat_policy_set(struct nat_policy *policy, const char *key, const char *text, char *error,
                   size_t size);

/* Checks the knobs against one another.  Returns 0, or -1 with a message. */
int nat_policy_check(const struct nat_policy *policy, char *error, size_t size);

#define NAT_LABEL 48 /* bytes that a label needs at most */

/* Writes "eim/apdf/random", "nat64/eim/eif/random", "firewall/apdf" or "one_to_one"; returns
 * buffer. */
const char *nat_policy_label(const struct nat_policy *policy, char buffer[NAT_LABEL]);

/* The i-th key that nat_policy_set knows with the values it takes, or NULL at
 * the end: for messages, schema and documentation. */
const char *nat_policy_key(uint32_t i, const char **values);

#endif
