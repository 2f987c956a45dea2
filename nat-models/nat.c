#include "nat-models/nat.h"

#include "nat-models/fragments.h"
#include "nat-models/icmp.h"
#include "nat-models/mapping.h"
#include "nat-models/nat64.h"
#include "nat-models/outbox.h"
#include "nat-models/portmap.h"
#include "nat-models/ports.h"
#include "nat-models/remote.h"
#include "nat-models/subscriber.h"
#include "stack/check.h"

/* ---- names and counters ---- */

#define DROP_WORD(name, word) word,
static const char *const words[NAT_VERDICTS] = {"pass", "hairpin", NAT_DROPS(DROP_WORD)};

const char *nat_verdict_word(enum nat_verdict verdict)
{
    CHECK((unsigned)verdict < NAT_VERDICTS);
    return words[verdict];
}

static enum nat_verdict drop(struct nat *nat, enum nat_verdict verdict)
{
    nat->count.dropped[verdict]++;
    return verdict;
}

void nat_begin(struct nat *nat, mist_time now)
{
    nat_outbox_clear(nat);
    if (nat->background.at <= now)
        nat_background_run(nat, now);
    nat->now = now;
    nat_expire(nat, now);
    if (nat->announce_at <= now)
        nat_portmap_announce(nat);
}

struct nat_counters nat_counters(struct nat *nat, mist_time now)
{
    nat_begin(nat, now);
    return nat->count;
}

int nat_counter(struct nat *nat, mist_time now, const char *name, uint64_t *value)
{
    static const char prefix[] = "dropped_";
    struct nat_counters count = nat_counters(nat, now);
    if (strcmp(name, "mappings") == 0 || strcmp(name, "mappings_alive") == 0)
        *value = count.mappings_alive;
    else if (strcmp(name, "mappings_made") == 0)
        *value = count.mappings_made;
    else if (strcmp(name, "mappings_peak") == 0)
        *value = count.mappings_peak;
    else if (strcmp(name, "hairpins") == 0)
        *value = count.hairpins;
    else if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return -1;
    else {
        enum nat_verdict verdict = NAT_DROP_FIRST;
        while (verdict < NAT_VERDICTS && strcmp(words[verdict], name + sizeof prefix - 1) != 0)
            verdict++;
        if (verdict == NAT_VERDICTS)
            return -1;
        *value = count.dropped[verdict];
    }
    return 0;
}

/* ---- what the box carries ---- */

int32_t nat_find_external(const struct nat *nat, const struct addr *address)
{
    if (address->family != ADDR_V4)
        return -1;
    uint32_t ip = addr_ip4(address);
    if (nat->counted_up) {
        uint32_t place = ip - nat->first_ip;
        return place < nat->externals ? (int32_t)place : -1;
    }
    for (uint32_t i = 0; i < nat->externals; i++) {
        if (addr_ip4(&nat->external[i].addr) == ip)
            return (int32_t)i;
    }
    return -1;
}

bool nat_owns(const struct nat *nat, const struct addr *address)
{
    return nat_find_external(nat, address) >= 0;
}

bool nat_exempts(const struct nat *nat, const struct addr *remote)
{
    const struct nat_policy *policy = &nat->policy;
    return policy->exempt_prefix != 0 && remote->family == ADDR_V4 &&
           ((addr_ip4(remote) ^ policy->exempt_ip) >> (32 - policy->exempt_prefix)) == 0;
}

static bool carries(const struct nat *nat, enum nat_side side, const struct nat_datagram *d)
{
    struct addr v4;
    bool family = d->from.family == ADDR_V4;
    if (nat->policy.kind == NAT_KIND_FIREWALL)
        family = family || d->from.family == ADDR_V6;
    if (nat->policy.kind == NAT_KIND_NAT64 && side == NAT_INSIDE)
        family = d->from.family == ADDR_V6 && nat64_resolve(&d->to, &v4);
    return family && d->to.family == d->from.family &&
           (d->protocol == NAT_UDP || d->protocol == NAT_TCP || d->protocol == NAT_ICMP ||
            d->protocol == NAT_ICMP6);
}

/* egress_block: what the network behind this box does not let out. */
static bool is_blocked(const struct nat_policy *policy, const struct nat_datagram *d)
{
    switch (policy->egress) {
    case NAT_EGRESS_BLOCK_UDP: return d->protocol == NAT_UDP;
    case NAT_EGRESS_BLOCK_TCP_HIGH_PORTS: return d->protocol == NAT_TCP && d->to.port > 1023;
    default: return false;
    }
}

/* ---- outward ---- */

static uint8_t rule_of(const struct nat_policy *policy)
{
    return policy->kind == NAT_KIND_FIREWALL ? NAT_EIM : policy->mapping;
}

uint32_t nat_find_mapping(const struct nat *nat, const struct nat_endpoint *inside,
                          const struct nat_endpoint *remote)
{
    uint32_t record = 0;
    if (nat->policy.static_outbound)
        record = nat_mapping_find_static(nat, inside);
    if (record != 0)
        return record;
    if (nat->policy.session_reply) {
        record = nat_remote_find(nat, NAT_KEY_REPLY, inside, remote);
        if (record != 0)
            return nat->slab->records[record].remote.mapping;
    }
    if (nat->policy.inbound_clash)
        record = nat_mapping_find(nat, NAT_APDM, inside, remote);
    if (record != 0)
        return record; /* moved there by a clash, or the rule is APDM anyway */
    return nat_mapping_find(nat, rule_of(&nat->policy), inside, remote);
}

/* inbound_clash: an unsolicited packet has taken the tuple that the datagram
 * would use; it moves to a mapping for this remote alone. */
static bool is_moved(const struct nat *nat, uint32_t record, const struct nat_endpoint *remote)
{
    if (!nat->policy.inbound_clash || nat_mapping(nat, record)->rule == NAT_APDM)
        return false;
    struct nat_endpoint outside = nat_mapping_outside(nat, nat_mapping(nat, record));
    return nat_reserved_find(nat, NAT_KEY_CLASH, &outside, remote) != 0;
}

enum nat_verdict nat_room_for(struct nat *nat, mist_time now, const struct nat_endpoint *inside)
{
    const struct nat_policy *policy = &nat->policy;
    enum nat_verdict verdict = NAT_PASS;
    if (nat_keeps_subscribers(policy))
        verdict = nat_subscriber_allows(nat, now, nat_subscriber_take(nat, inside));
    if (verdict != NAT_PASS)
        return verdict;
    if (nat->entries >= NAT_ENTRIES_MAX ||
        (policy->table_capacity != 0 && nat->count.mappings_alive >= policy->table_capacity))
        return NAT_DROP_CAPACITY;
    return NAT_PASS;
}

static uint32_t make(struct nat *nat, mist_time now, uint8_t rule,
                     const struct nat_endpoint *inside, const struct nat_endpoint *remote,
                     enum nat_verdict *verdict)
{
    struct nat_place place = {.address = NAT_NO_ADDRESS, .rule = rule};
    *verdict = nat_room_for(nat, now, inside);
    if (*verdict == NAT_PASS && nat_gives_ports(&nat->policy))
        *verdict = nat_ports_choose(nat, inside, remote, place.rule, &place);
    if (*verdict != NAT_PASS)
        return 0;
    if (nat->policy.dport != 0 && remote->port == nat->policy.dport)
        place.flags |= NAT_SHORT;
    return nat_mapping_add(nat, now, inside, remote, &place);
}

/* make, and once more where a faulty rule made room by ending another mapping. */
static uint32_t make_or_exhaust(struct nat *nat, mist_time now, uint8_t rule,
                                const struct nat_datagram *d, enum nat_verdict *verdict)
{
    struct nat_endpoint inside = nat_endpoint(&d->from, d->protocol);
    struct nat_endpoint remote = nat_endpoint(&d->to, d->protocol);
    uint32_t record = make(nat, now, rule, &inside, &remote, verdict);
    if (record == 0 && nat_exhausted(nat, d, rule, *verdict))
        record = make(nat, now, rule, &inside, &remote, verdict);
    return record;
}

uint32_t nat_send_out(struct nat *nat, mist_time now, const struct nat_datagram *d,
                      enum nat_verdict *verdict)
{
    struct nat_endpoint inside = nat_endpoint(&d->from, d->protocol);
    struct nat_endpoint remote = nat_endpoint(&d->to, d->protocol);
    uint32_t record = nat_find_mapping(nat, &inside, &remote);
    if (record == 0)
        record = make_or_exhaust(nat, now, rule_of(&nat->policy), d, verdict);
    else if (is_moved(nat, record, &remote))
        record = make_or_exhaust(nat, now, NAT_APDM, d, verdict);
    if (record == 0)
        return 0;
    if (!nat_remote_sent(nat, now, record, &remote)) {
        *verdict = NAT_DROP_CAPACITY;
        return 0;
    }
    nat_mapping_sent(nat, now, record, remote.port);
    return record;
}

/* ---- inward ---- */

/* inbound_clash: remembers who knocked. */
static void take_tuple(struct nat *nat, mist_time now, const struct nat_endpoint *outside,
                       const struct nat_endpoint *remote)
{
    struct addr address = nat_endpoint_addr(outside);
    int32_t external = nat_find_external(nat, &address);
    if (external >= 0 && nat->entries < NAT_ENTRIES_MAX)
        nat_reserve(nat, NAT_KEY_CLASH, (uint16_t)external, outside->port, remote,
                    now + nat->policy.udp_unreplied, 0);
}

/* remote wants to reach outside: the mapping that lets it, or 0. */
static uint32_t let_in(struct nat *nat, mist_time now, const struct nat_endpoint *outside,
                       const struct nat_endpoint *remote, enum nat_verdict *verdict)
{
    uint32_t record = nat_remote_admit(nat, outside, remote, verdict);
    if (record == 0 && nat->policy.inbound_clash)
        take_tuple(nat, now, outside, remote);
    if (record == 0)
        return 0;
    nat_mapping_received(nat, now, record);
    nat_remote_received(nat, now, record, remote);
    return record;
}

/* ---- the directions ---- */

/* To an own external address: the sender's outbound rules and the target's
 * filter both apply; the filter sees the sender's external endpoint.  A box
 * without hairpin sends it out as any other, so that the sender has a mapping,
 * and nobody outside brings it back. */
static enum nat_verdict turn_round(struct nat *nat, mist_time now, struct nat_datagram *d)
{
    enum nat_verdict verdict;
    uint32_t sender = nat_send_out(nat, now, d, &verdict);
    if (sender == 0)
        return verdict;
    if (nat->policy.hairpin == NAT_HAIRPIN_OFF)
        return NAT_DROP_HAIRPIN_OFF;
    struct nat_endpoint seen = nat_mapping_outside(nat, nat_mapping(nat, sender));
    struct nat_endpoint target = nat_endpoint(&d->to, d->protocol);
    uint32_t receiver = let_in(nat, now, &target, &seen, &verdict);
    if (receiver == 0)
        return verdict;
    if (nat->policy.hairpin == NAT_HAIRPIN_EXTERNAL)
        d->from = nat_endpoint_addr(&seen);
    d->to = nat_endpoint_addr(&nat_mapping(nat, receiver)->inside);
    return NAT_HAIRPIN;
}

/* What both directions refuse at once; NAT_PASS: go on. */
static enum nat_verdict refuse(const struct nat *nat, mist_time now, enum nat_side side,
                               const struct nat_datagram *d)
{
    if (now < nat->down_until)
        return NAT_DROP_DOWN;
    if (!carries(nat, side, d))
        return NAT_DROP_FAMILY;
    return NAT_PASS;
}

/* An error from inside, out into the network or round to another host. */
static enum nat_verdict send_error(struct nat *nat, struct nat_datagram *d)
{
    bool home = nat_owns(nat, &d->to);
    if (home && nat->policy.hairpin == NAT_HAIRPIN_OFF)
        return NAT_DROP_HAIRPIN_OFF;
    enum nat_verdict verdict = nat_icmp_out(nat, d);
    if (verdict == NAT_PASS && home)
        verdict = nat_icmp_in(nat, d) == NAT_PASS ? NAT_HAIRPIN : NAT_DROP_ICMP_UNMATCHED;
    return verdict;
}

static enum nat_verdict translate_datagram(struct nat *nat, mist_time now, struct nat_datagram *d)
{
    enum nat_verdict verdict;
    if (nat_owns(nat, &d->to))
        return turn_round(nat, now, d);
    uint32_t record = nat_send_out(nat, now, d, &verdict);
    if (record == 0)
        return verdict;
    struct nat_endpoint seen = nat_mapping_outside(nat, nat_mapping(nat, record));
    d->from = nat_endpoint_addr(&seen);
    return NAT_PASS;
}

/* From IPv6 to IPv4, and back again where it turns round. */
static enum nat_verdict translate_lowered(struct nat *nat, mist_time now, struct nat_datagram *d)
{
    struct nat_datagram came = *d;
    nat64_lower(nat, d);
    enum nat_verdict verdict = translate_datagram(nat, now, d);
    if (nat_is_drop(verdict))
        *d = came;
    else if (verdict == NAT_HAIRPIN)
        nat64_raise(nat, d);
    return verdict;
}

static enum nat_verdict translate_out(struct nat *nat, mist_time now, struct nat_datagram *d)
{
    bool nat64 = nat->policy.kind == NAT_KIND_NAT64;
    if (nat->policy.kind == NAT_KIND_ONE_TO_ONE)
        return nat_onetoone_out(nat, d);
    if (nat_exempts(nat, &d->to) && !nat_owns(nat, &d->to))
        return NAT_PASS;
    if (nat_icmp_is_error(d))
        return send_error(nat, d);
    if (nat_icmp6_is_error(d))
        return nat64 ? nat64_error_out(nat, d) : nat_icmp6_pass(nat, NAT_INSIDE, d);
    return nat64 ? translate_lowered(nat, now, d) : translate_datagram(nat, now, d);
}

/* RFC 4787 REQ-13: a datagram that must not be cut is too big for the outside. */
static bool must_report_size(const struct nat *nat, const struct nat_datagram *d)
{
    return d->fragment.forbidden && nat->policy.df_too_big != NAT_TOO_BIG_FRAGMENT &&
           nat_is_too_big(nat, d);
}

/* One datagram, whole or a first fragment, from inside. */
static enum nat_verdict carry_out(struct nat *nat, mist_time now, struct nat_datagram *d)
{
    if (d->ttl <= 1) {
        nat_icmp_send(nat, NAT_INSIDE, NAT_ICMP_TIME_EXCEEDED, 0, d);
        return NAT_DROP_TTL;
    }
    if (is_blocked(&nat->policy, d))
        return NAT_DROP_EGRESS;
    if (must_report_size(nat, d)) {
        if (nat->policy.df_too_big == NAT_TOO_BIG_ICMP)
            nat_icmp_send_too_big(nat, d);
        return NAT_DROP_TOO_BIG;
    }
    struct addr inside = d->from;
    enum nat_verdict verdict = translate_out(nat, now, d);
    if (nat_is_drop(verdict))
        return verdict;
    nat_alg_rewrite(nat, d, &inside);
    d->ttl--;
    nat->count.hairpins += verdict == NAT_HAIRPIN;
    return verdict;
}

static enum nat_verdict translate_in(struct nat *nat, mist_time now, struct nat_datagram *d)
{
    enum nat_verdict verdict;
    if (nat->policy.kind == NAT_KIND_ONE_TO_ONE)
        return nat_onetoone_in(nat, d);
    if (nat_exempts(nat, &d->from) && !nat_owns(nat, &d->to))
        return NAT_PASS;
    bool nat64 = nat->policy.kind == NAT_KIND_NAT64;
    if (nat_icmp_is_error(d))
        return nat64 ? nat64_error_in(nat, d) : nat_icmp_in(nat, d);
    if (nat_icmp6_is_error(d))
        return nat_icmp6_pass(nat, NAT_OUTSIDE, d);
    struct nat_endpoint remote = nat_endpoint(&d->from, d->protocol);
    struct nat_endpoint outside = nat_endpoint(&d->to, d->protocol);
    uint32_t record = let_in(nat, now, &outside, &remote, &verdict);
    if (record == 0) {
        if (nat->policy.unsolicited_reply == NAT_UNSOLICITED_ICMP)
            nat_icmp_send(nat, NAT_OUTSIDE, NAT_ICMP_UNREACHABLE, NAT_ICMP_PORT, d);
        return verdict;
    }
    d->to = nat_endpoint_addr(&nat_mapping(nat, record)->inside);
    if (nat64)
        nat64_raise(nat, d);
    return NAT_PASS;
}

/* The same from outside. */
static enum nat_verdict carry_in(struct nat *nat, mist_time now, struct nat_datagram *d)
{
    struct nat_datagram came = *d;
    enum nat_verdict verdict = translate_in(nat, now, d);
    if (verdict != NAT_PASS)
        return verdict;
    if (d->ttl <= 1) { /* it was forwarded, so it has refreshed what it met */
        *d = came;
        nat_icmp_send(nat, NAT_OUTSIDE, NAT_ICMP_TIME_EXCEEDED, 0, d);
        return NAT_DROP_TTL;
    }
    d->ttl--;
    return NAT_PASS;
}

static enum nat_verdict carry(struct nat *nat, mist_time now, enum nat_side side,
                              struct nat_datagram *d)
{
    return side == NAT_INSIDE ? carry_out(nat, now, d) : carry_in(nat, now, d);
}

/* fragments: reassemble: what becomes whole is carried as if it had come so, and
 * leaves by the outbox. */
static enum nat_verdict collect(struct nat *nat, mist_time now, enum nat_side side,
                                const struct nat_datagram *d)
{
    struct nat_datagram whole;
    enum nat_verdict verdict = nat_fragments_collect(nat, side, d, &whole);
    if (verdict != NAT_PASS)
        return verdict;
    verdict = carry(nat, now, side, &whole);
    if (nat_is_drop(verdict))
        return verdict;
    bool outward = side == NAT_INSIDE && verdict == NAT_PASS;
    nat_fragments_emit(nat, outward ? NAT_OUTSIDE : NAT_INSIDE, &whole);
    return NAT_DROP_KEPT;
}

/* fragments: in_order_only: the first finds its way, the later ones follow. */
static enum nat_verdict follow(struct nat *nat, mist_time now, enum nat_side side,
                               struct nat_datagram *d)
{
    struct nat_datagram came = *d;
    if (d->fragment.offset != 0)
        return nat_fragments_follow(nat, side, d);
    enum nat_verdict verdict = carry(nat, now, side, d);
    if (!nat_is_drop(verdict))
        nat_fragments_lead(nat, side, &came, d, verdict);
    return verdict;
}

static enum nat_verdict carry_fragment(struct nat *nat, mist_time now, enum nat_side side,
                                       struct nat_datagram *d)
{
    if (nat->policy.kind == NAT_KIND_ONE_TO_ONE)
        return carry(nat, now, side, d); /* needs no ports */
    switch (nat->policy.fragments) {
    case NAT_FRAGMENTS_REASSEMBLE: return collect(nat, now, side, d);
    case NAT_FRAGMENTS_IN_ORDER: return follow(nat, now, side, d);
    default: return NAT_DROP_FRAGMENT;
    }
}

static enum nat_verdict enter(struct nat *nat, mist_time now, enum nat_side side,
                              struct nat_datagram *d)
{
    nat_begin(nat, now);
    enum nat_verdict verdict = refuse(nat, now, side, d);
    if (verdict == NAT_PASS && side == NAT_INSIDE && nat_portmap_is_request(nat, d)) {
        nat_portmap_answer(nat, d);
        verdict = NAT_DROP_KEPT;
    }
    if (verdict == NAT_PASS)
        verdict = nat_is_fragment(d) ? carry_fragment(nat, now, side, d) : carry(nat, now, side, d);
    return nat_is_drop(verdict) ? drop(nat, verdict) : verdict;
}

enum nat_verdict nat_outbound(struct nat *nat, mist_time now, struct nat_datagram *d)
{
    enum nat_verdict verdict = enter(nat, now, NAT_INSIDE, d);
    if (verdict == NAT_PASS)
        nat_fragments_cut(nat, d);
    return verdict;
}

enum nat_verdict nat_inbound(struct nat *nat, mist_time now, struct nat_datagram *d)
{
    return enter(nat, now, NAT_OUTSIDE, d);
}

/* ---- what the box sends itself ---- */

mist_time nat_deadline(const struct nat *nat)
{
    return nat->announce_at;
}

void nat_tick(struct nat *nat, mist_time now)
{
    nat_begin(nat, now);
}
