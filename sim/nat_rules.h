/* nat_rules.h: what the RFCs ask of a NAT, and whether a box's knobs meet it.
 *
 * One table: RFC 4787 (UDP), 5508 (ICMP), 6888 (carrier-grade) and 7857 (updates
 * of the first two; named by section).  Left out are requirements that no knob
 * or rule of the translator touches: RFC 4787 REQ-5b, 6a, 7 and 10a (settings of
 * a product, a MAY, and overlapping networks), RFC 5508 REQ-9 and 11, RFC 6888
 * REQ-3, 5, 10 and 12 (management and logs), and of RFC 7857 the sections 2 (TCP's
 * states: no flags are seen), 4 (a setting of a product), 8 and 11 (each a MAY), 10
 * (the IP identification) and 12, which is RFC 5508 REQ-7. */
#ifndef SIM_NAT_RULES_H
#define SIM_NAT_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "nat-models/policy.h"

/* X(NAME, word) */
#define NAT_CONFORMANCES(X)                                                                        \
    X(MEETS, "pass")                                                                               \
    X(BREAKS, "breaks")                                                                            \
    X(SOME, "some") /* of a profile's boxes break it */                                            \
    X(OUTSIDE, "n/a")

#define NAT_CONFORMANCE_ENUM(name, word) NAT_RULE_##name,
enum nat_conformance { NAT_CONFORMANCES(NAT_CONFORMANCE_ENUM) NAT_CONFORMANCE_COUNT };

const char *nat_conformance_word(enum nat_conformance c);

struct nat_rule {
    uint32_t rfc;
    const char *number;                                             /* "REQ-1", "3" for a section */
    bool must;                                                      /* else SHOULD */
    const char *text;                                               /* in own words */
    enum nat_conformance (*judge)(const struct nat_policy *policy); /* of one box: never SOME */
};

extern const struct nat_rule NAT_RULES[];
extern const uint32_t NAT_RULE_COUNT;

/* The verdict on one box.  carrier: it stands in a carrier's network; to others
 * RFC 6888 does not speak. */
enum nat_conformance nat_rule_judge(const struct nat_rule *rule, const struct nat_policy *policy,
                                    bool carrier);

#endif
