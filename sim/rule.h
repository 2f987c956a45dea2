/* rule.h: which pairs of hosts plain punching can bring together: a second
 * opinion, written apart from the translator and the protocol.
 *
 * It plays RFC 4787's definitions on symbols instead of numbers: no ports, no
 * time, no loss, nobody else.  Both sides know where a third party saw the
 * other, send there at the same time and again, and answer to the source of
 * whatever arrives.  Shares with nat-models/ the names of the knobs, nothing
 * else.  Leaves out what depends on timing or luck (inbound_clash, timers,
 * prediction, port exhaustion, two hosts on one port behind a box that
 * preserves ports). */
#ifndef SIM_RULE_H
#define SIM_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "nat-models/policy.h"

struct plan;
struct rule;

#define RULE_CHAIN 8 /* most boxes in front of a host */

/* All that the rule asks of a box; equal bytes, equal outcomes. */
struct rule_kind {
    uint8_t there;              /* 1: zero is no box */
    uint8_t mapping, filtering; /* enum nat_mapping_rule, nat_filtering_rule, as they look */
    uint8_t keeps;              /* addresses: a firewall */
    uint8_t hairpin, session_reply, blocked, zero;
};

struct rule_kind rule_kind(const struct nat_policy *policy);

/* The boxes in front of a host, inside first.  Where both hosts stand behind
 * the same boxes, the last `shared` of both chains are those. */
struct rule_chain {
    uint32_t count;
    const struct nat_policy *boxes[RULE_CHAIN];
};

bool rule_direct(const struct rule_chain *a, const struct rule_chain *b, uint32_t shared);

/* Boxes that two hosts of a plan have in common: the last ones of both chains. */
uint32_t rule_shared(const struct plan *plan, uint32_t a, uint32_t b);

/* The rule for the boxes of a plan, which it keeps. */
struct rule *rule_open(const struct plan *plan);
void rule_close(struct rule *r);

/* Two different hosts of the plan; those behind one innermost box share a
 * network and need no punching. */
bool rule_pair(struct rule *r, uint32_t a, uint32_t b);

/* The share of the plan's dials that becomes direct, as an expectation over
 * who dials whom; 0 when nobody dials.  A double: it judges and decides no
 * event. */
double rule_share(struct rule *r);

/* How far `direct` of `dials` lie from that share: in standard errors of a
 * share of so many dials, at least one dial's worth; 0 without dials.  The
 * metric dial.direct_rate_vs_rule. */
double rule_distance(double share, uint64_t dials, uint64_t direct);

#endif
