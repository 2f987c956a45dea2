/* nat_rules.c: see nat_rules.h.  Sources of the texts: RFC 4787 section 4 to 11,
 * RFC 5508 sections 3 to 7, RFC 6888 section 3, RFC 7857. */
#include "sim/nat_rules.h"

#include <stddef.h>

#define WELL_KNOWN 1023 /* the last of the ports that RFC 4787 REQ-5a speaks of */

#define CONFORMANCE_WORD(name, word) word,
static const char *const words[] = {NAT_CONFORMANCES(CONFORMANCE_WORD)};

const char *nat_conformance_word(enum nat_conformance c)
{
    return words[c];
}

typedef const struct nat_policy *policy_in;

static enum nat_conformance if_holds(bool holds)
{
    return holds ? NAT_RULE_MEETS : NAT_RULE_BREAKS;
}

static enum nat_conformance if_applies(bool applies, bool holds)
{
    return applies ? if_holds(holds) : NAT_RULE_OUTSIDE;
}

/* ---- what boxes are ---- */

static bool translates(policy_in p)
{
    return p->kind == NAT_KIND_NAT;
}

/* Gives out ports: the others keep them. */
#define chooses_ports translates

/* Mappings and filters that end. */
static bool has_timers(policy_in p)
{
    return p->kind != NAT_KIND_ONE_TO_ONE;
}

static mist_time shorter(mist_time a, mist_time b)
{
    return a < b ? a : b;
}

static bool lives(policy_in p, mist_time least)
{
    return shorter(p->udp_unreplied, p->udp_established) >= least &&
           (p->max_lifetime == 0 || p->max_lifetime >= least);
}

static bool is_guessable(policy_in p)
{
    if (p->ports == NAT_PORTS_BLOCK || p->ports == NAT_PORTS_DETERMINISTIC)
        return p->block_ports == NAT_BLOCK_SEQUENTIAL;
    return p->ports == NAT_PORTS_SEQUENTIAL;
}

static bool ends_others(policy_in p)
{
    return p->on_exhaustion == NAT_EXHAUSTED_EVICT_OLDEST ||
           p->on_exhaustion == NAT_EXHAUSTED_EVICT_UNREPLIED ||
           p->on_exhaustion == NAT_EXHAUSTED_REUSE;
}

/* ---- RFC 4787 ---- */

static enum nat_conformance mapping_is_independent(policy_in p)
{
    if (p->kind == NAT_KIND_ONE_TO_ONE)
        return NAT_RULE_MEETS;
    return if_applies(translates(p), p->mapping == NAT_EIM);
}

static enum nat_conformance pooling_is_paired(policy_in p)
{
    return if_applies(chooses_ports(p) && p->pool > 1, p->pooling != NAT_POOL_ARBITRARY);
}

static enum nat_conformance ports_are_not_overloaded(policy_in p)
{
    return if_applies(chooses_ports(p), p->ports != NAT_PORTS_OVERLOAD);
}

static enum nat_conformance port_class_is_kept(policy_in p)
{
    return if_applies(chooses_ports(p), p->keep_privileged && p->low > WELL_KNOWN);
}

static enum nat_conformance parity_is_kept(policy_in p)
{
    return if_applies(chooses_ports(p), p->parity);
}

static enum nat_conformance lives_2_min(policy_in p)
{
    return if_applies(has_timers(p), lives(p, MINUTES(2)));
}

static enum nat_conformance override_is_well_known(policy_in p)
{
    return if_applies(has_timers(p) && p->dport != 0, p->dport <= WELL_KNOWN);
}

static enum nat_conformance lives_5_min(policy_in p)
{
    return if_applies(has_timers(p), lives(p, MINUTES(5)));
}

static enum nat_conformance outbound_refreshes(policy_in p)
{
    return if_applies(has_timers(p), (p->refresh & NAT_REFRESH_OUT) && p->max_lifetime == 0);
}

static enum nat_conformance filter_lets_addresses_in(policy_in p)
{
    if (p->kind == NAT_KIND_ONE_TO_ONE)
        return NAT_RULE_MEETS;
    return if_holds(p->filtering != NAT_APDF);
}

static enum nat_conformance hairpin_works(policy_in p)
{
    return if_applies(translates(p), p->hairpin != NAT_HAIRPIN_OFF);
}

static enum nat_conformance hairpin_shows_outside(policy_in p)
{
    return if_applies(translates(p) && p->hairpin != NAT_HAIRPIN_OFF,
                      p->hairpin == NAT_HAIRPIN_EXTERNAL);
}

static enum nat_conformance payload_is_left_alone(policy_in p)
{
    return if_applies(translates(p), p->alg == NAT_ALG_OFF);
}

/* A dependent box that preserves or shares ports looks independent until a
 * clash; an early packet from outside moves a mapping under inbound_clash. */
static enum nat_conformance never_changes(policy_in p)
{
    bool preserves = p->ports == NAT_PORTS_PRESERVE || p->ports == NAT_PORTS_OVERLOAD;
    bool looks_else = preserves && p->mapping != NAT_EIM;
    return if_applies(translates(p),
                      !looks_else && !p->inbound_clash && p->ports != NAT_PORTS_OVERLOAD);
}

/* The translator has no knob by which an ICMP message ends or refreshes
 * anything. */
static enum nat_conformance icmp_ends_nothing(policy_in p)
{
    return if_applies(has_timers(p), true);
}

static enum nat_conformance icmp_errors_pass(policy_in p)
{
    return if_applies(has_timers(p), p->icmp_errors);
}

static enum nat_conformance too_big_is_told(policy_in p)
{
    return if_applies(p->mtu != 0, p->df_too_big == NAT_TOO_BIG_ICMP);
}

static enum nat_conformance too_big_is_cut(policy_in p)
{
    return if_applies(p->mtu != 0, true);
}

static enum nat_conformance fragments_pass_in_any_order(policy_in p)
{
    return if_applies(has_timers(p), p->fragments == NAT_FRAGMENTS_REASSEMBLE);
}

/* The translator keeps few datagrams in pieces, and those for 2 s. */
static enum nat_conformance fragments_are_bounded(policy_in p)
{
    return if_applies(has_timers(p), true);
}

/* ---- RFC 5508 ---- */

/* Queries have mappings of their own in each translator. */
static enum nat_conformance queries_pass(policy_in p)
{
    return if_applies(has_timers(p), true);
}

static enum nat_conformance queries_are_independent(policy_in p)
{
    return if_applies(translates(p), p->mapping == NAT_EIM);
}

/* The translator looks at the message's checksum, over the embedded header's options,
 * and not at the embedded transport's. */
static enum nat_conformance errors_are_read_with_care(policy_in p)
{
    return if_applies(has_timers(p), true);
}

static enum nat_conformance queries_live_60_s(policy_in p)
{
    return if_applies(has_timers(p), p->icmp_query >= SEC(60));
}

static enum nat_conformance icmp_errors_are_turned_round(policy_in p)
{
    return if_applies(translates(p) && p->hairpin != NAT_HAIRPIN_OFF, p->icmp_errors);
}

static enum nat_conformance refusal_says_prohibited(policy_in p)
{
    return if_applies(translates(p), p->on_exhaustion == NAT_EXHAUSTED_ICMP_3_13);
}

/* ---- RFC 6888 ---- */

static enum nat_conformance each_transport_is_obeyed(policy_in p)
{
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++) {
        const struct nat_rule *rule = &NAT_RULES[i];
        if (rule->must && (rule->rfc == 4787 || rule->rfc == 5508) &&
            rule->judge(p) == NAT_RULE_BREAKS)
            return NAT_RULE_BREAKS;
    }
    return if_applies(translates(p), true);
}

static enum nat_conformance ports_are_limited(policy_in p)
{
    bool blocks = p->ports == NAT_PORTS_BLOCK || p->ports == NAT_PORTS_DETERMINISTIC;
    return if_applies(translates(p), p->quota_ports != 0 || blocks);
}

static enum nat_conformance rate_is_limited(policy_in p)
{
    return if_applies(translates(p), p->new_mappings_per_s != 0);
}

/* Exempt: ports that always belong to one subscriber. */
/* Any box can be told so, by `exempt`. */
static enum nat_conformance translation_can_be_switched_off(policy_in p)
{
    return if_applies(translates(p), true);
}

static enum nat_conformance freed_port_rests(policy_in p)
{
    return if_applies(translates(p), p->hold >= SEC(120) || p->ports == NAT_PORTS_DETERMINISTIC);
}

static enum nat_conformance hosts_can_ask_for_ports(policy_in p)
{
    return if_applies(translates(p), p->pcp || p->nat_pmp || p->upnp != NAT_UPNP_OFF);
}

static enum nat_conformance exhaustion_ends_nobody(policy_in p)
{
    return if_applies(translates(p), !ends_others(p));
}

static enum nat_conformance refusal_says_unreachable(policy_in p)
{
    return if_applies(translates(p), p->on_exhaustion == NAT_EXHAUSTED_ICMP_3_1);
}

static enum nat_conformance all_ports_are_usable(policy_in p)
{
    return if_applies(translates(p),
                      p->ports != NAT_PORTS_BLOCK && p->ports != NAT_PORTS_DETERMINISTIC);
}

static enum nat_conformance ports_come_in_blocks(policy_in p)
{
    return if_applies(translates(p),
                      p->ports == NAT_PORTS_BLOCK || p->ports == NAT_PORTS_DETERMINISTIC);
}

static enum nat_conformance ports_are_hard_to_guess(policy_in p)
{
    return if_applies(translates(p), !is_guessable(p));
}

/* ---- RFC 7857 ---- */

static enum nat_conformance overlap_needs_dependence(policy_in p)
{
    return if_applies(translates(p) && p->ports == NAT_PORTS_OVERLOAD,
                      p->mapping != NAT_EIM && p->overload_demux == NAT_DEMUX_REMOTE);
}

static enum nat_conformance protocols_are_apart(policy_in p)
{
    return if_applies(translates(p), true);
}

/* Filters are the mappings', and errors have neither: no knob changes that. */
static enum nat_conformance filters_are_apart(policy_in p)
{
    return if_applies(has_timers(p), true);
}

static enum nat_conformance error_out_refreshes_nothing(policy_in p)
{
    return if_applies(has_timers(p) && p->icmp_errors, true);
}

static enum nat_conformance refused_refreshes_nothing(policy_in p)
{
    return if_applies(has_timers(p), true);
}

/* ---- the table ---- */

#define MUST   true
#define SHOULD false

const struct nat_rule NAT_RULES[] = {
    {4787, "REQ-1", MUST, "one external endpoint for all remotes (EIM)", mapping_is_independent},
    {4787, "REQ-2", SHOULD, "one external address for all sockets of a host (paired pooling)",
     pooling_is_paired},
    {4787, "REQ-3", MUST, "no external port for two inside endpoints at once (no overloading)",
     ports_are_not_overloaded},
    {4787, "REQ-3a", SHOULD, "source ports below 1024 stay below, others above",
     port_class_is_kept},
    {4787, "REQ-4", SHOULD, "even ports stay even, odd ones odd", parity_is_kept},
    {4787, "REQ-5", MUST, "a UDP mapping lives 2 min at least", lives_2_min},
    {4787, "REQ-5a", MUST, "shorter timers for well-known destination ports alone",
     override_is_well_known},
    {4787, "REQ-5c", SHOULD, "a UDP mapping lives 5 min or more", lives_5_min},
    {4787, "REQ-6", MUST, "packets from inside keep a mapping alive", outbound_refreshes},
    {4787, "REQ-8", SHOULD, "who was sent to may answer from any port, or anybody may (ADF, EIF)",
     filter_lets_addresses_in},
    {4787, "REQ-9", MUST, "hosts behind the box reach one another by external endpoints (hairpin)",
     hairpin_works},
    {4787, "REQ-9a", MUST, "a hairpinned packet shows its sender's external endpoint",
     hairpin_shows_outside},
    {4787, "REQ-10", SHOULD, "payloads are left alone (no application level gateways)",
     payload_is_left_alone},
    {4787, "REQ-11", MUST, "the behaviour never changes, with a conflict either", never_changes},
    {4787, "REQ-12", MUST, "no ICMP message ends a mapping", icmp_ends_nothing},
    {4787, "REQ-12a", SHOULD, "ICMP errors come in, whoever sends them", icmp_errors_pass},
    {4787, "REQ-12b", SHOULD, "destination unreachable comes in", icmp_errors_pass},
    {4787, "REQ-13", MUST, "what is too big and must not be cut is answered by ICMP 3/4",
     too_big_is_told},
    {4787, "REQ-13a", MUST, "what is too big and may be cut is cut", too_big_is_cut},
    {4787, "REQ-14", MUST, "fragments pass, in order and out of order",
     fragments_pass_in_any_order},
    {4787, "REQ-14a", MUST, "a flood of fragments hurts no whole packet", fragments_are_bounded},
    {5508, "REQ-1", MUST, "queries from inside pass, and their replies", queries_pass},
    {5508, "REQ-1a", SHOULD, "one query identifier for all remotes", queries_are_independent},
    {5508, "REQ-2", MUST, "a query's mapping lives 60 s at least", queries_live_60_s},
    {5508, "REQ-3", SHOULD, "damaged errors are dropped", errors_are_read_with_care},
    {5508, "REQ-4", MUST, "errors from outside reach the host that their packet came from",
     icmp_errors_pass},
    {5508, "REQ-5", MUST, "errors from inside go out translated", icmp_errors_pass},
    {5508, "REQ-6", MUST, "an error neither refreshes nor ends a mapping", icmp_ends_nothing},
    {5508, "REQ-7", MUST, "errors are hairpinned as well", icmp_errors_are_turned_round},
    {5508, "REQ-8", SHOULD, "a packet refused is answered by ICMP 3/13", refusal_says_prohibited},
    {5508, "REQ-10", MUST, "unreachable, time exceeded and echo are supported", icmp_errors_pass},
    {6888, "REQ-1", MUST, "follows the RFC of each transport: every MUST above",
     each_transport_is_obeyed},
    {6888, "REQ-2", MUST, "paired pooling", pooling_is_paired},
    {6888, "REQ-4", MUST, "the ports of a subscriber are limited", ports_are_limited},
    {6888, "REQ-4b", SHOULD, "so is the rate of its new mappings", rate_is_limited},
    {6888, "REQ-6", MUST, "translation can be switched off for given destinations",
     translation_can_be_switched_off},
    {6888, "REQ-7", SHOULD, "anybody may answer (EIF), or whom was sent to (ADF)",
     filter_lets_addresses_in},
    {6888, "REQ-8", SHOULD, "a freed port rests for 120 s", freed_port_rests},
    {6888, "REQ-9", MUST, "hosts can ask for ports (PCP or the like)", hosts_can_ask_for_ports},
    {6888, "REQ-11", MUST, "where nothing is left, nobody's mapping is ended",
     exhaustion_ends_nobody},
    {6888, "REQ-11b", SHOULD, "and the host is told by ICMP 3/1", refusal_says_unreachable},
    {6888, "REQ-13", SHOULD, "every port can be used", all_ports_are_usable},
    {6888, "REQ-14", SHOULD, "little has to be logged: ports come in blocks", ports_come_in_blocks},
    {6888, "REQ-15", SHOULD, "ports are hard to guess", ports_are_hard_to_guess},
    {7857, "3", MUST, "ports overlap where remotes and dependent mapping tell them apart",
     overlap_needs_dependence},
    {7857, "5", SHOULD, "mappings of UDP, TCP and ICMP are apart", protocols_are_apart},
    {7857, "6", SHOULD, "so are their filters", filters_are_apart},
    {7857, "7", SHOULD, "a packet that the filter refuses refreshes nothing",
     refused_refreshes_nothing},
    {7857, "7.1", SHOULD, "an ICMP error from inside refreshes nothing",
     error_out_refreshes_nothing},
    {7857, "9", SHOULD, "external ports are random (RFC 6056)", ports_are_hard_to_guess},
};
const uint32_t NAT_RULE_COUNT = sizeof NAT_RULES / sizeof *NAT_RULES;

enum nat_conformance nat_rule_judge(const struct nat_rule *rule, const struct nat_policy *policy,
                                    bool carrier)
{
    if (rule->rfc == 6888 && !carrier)
        return NAT_RULE_OUTSIDE;
    if (policy->kind == NAT_KIND_NAT64)
        return NAT_RULE_OUTSIDE; /* RFC 6146's, not these four's */
    if (policy->egress == NAT_EGRESS_BLOCK_UDP && rule->rfc != 5508)
        return NAT_RULE_OUTSIDE; /* there is no UDP to speak of */
    return rule->judge(policy);
}
