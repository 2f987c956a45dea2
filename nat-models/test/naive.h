/* naive.h: the same box in the plainest way: lists that are searched from end
 * to end, and nothing kept that could be computed.  Written from the text of
 * README.md, apart from the translator, to be compared with it.
 *
 * Knows kind nat and firewall, mapping, filtering, ports preserve, overload
 * (remote), sequential (by box) and random, all timers of UDP, session_reply,
 * inbound_clash, hairpin, hold, quota_ports and table_capacity.  A random port
 * is not drawn but taken over from the translator, if it is a legal choice. */
#ifndef NAT_TEST_NAIVE_H
#define NAT_TEST_NAIVE_H

#include "nat-models/nat.h"

/* Mistakes that the comparison has to find, one at a time. */
enum naive_fault {
    NAIVE_RIGHT,
    NAIVE_ALIVE_AT_TIMEOUT,
    NAIVE_NO_OUT_REFRESH,
    NAIVE_IN_REFRESH_TOO,
    NAIVE_REFUSED_REFRESHES,
    NAIVE_NEVER_ESTABLISHED,
    NAIVE_ADDRESS_FILTER_LOOKS_AT_PORT,
    NAIVE_PORT_FILTER_FORGETS_PORT,
    NAIVE_MAPPING_FORGETS_PORT,
    NAIVE_TTL_MAKES_STATE,
    NAIVE_HAIRPIN_IGNORES_FILTER,
    NAIVE_SEQUENCE_STOPS_AT_TOP,
    NAIVE_QUOTA_ONE_TOO_MANY,
    NAIVE_HOLD_FORGOTTEN,
    NAIVE_SESSIONS_NEVER_AGE,
    NAIVE_CLASH_IGNORED,
    NAIVE_REPLY_IGNORED,
    NAIVE_AGE_NOT_STRICT,
    NAIVE_LIFETIME_IGNORED,
    NAIVE_FAULTS
};

enum { NAIVE_MAX = 4096 }; /* entries of each list */

struct naive_mapping {
    struct addr inside, outside, key; /* key: the part of the remote that the rule keeps */
    enum nat_mapping_rule rule;
    mist_time created, refreshed;
    bool replied, established;
    uint64_t serial; /* order of birth */
};

/* Somebody who was sent to, or who was let in (reply). */
struct naive_session {
    uint64_t mapping; /* serial */
    struct addr remote;
    bool reply, whole_address;
    mist_time created, refreshed;
    bool replied, established;
};

/* A tuple or a port that is reserved until `end`. */
struct naive_reserved {
    struct addr outside, by;
    bool held;
    mist_time end;
};

struct naive {
    struct nat_policy policy;
    enum naive_fault fault;
    struct addr external;
    int mappings, sessions, reserved;
    uint64_t born;
    uint16_t last_port; /* sequential; 0: none yet */
    struct naive_mapping mapping[NAIVE_MAX];
    struct naive_session session[NAIVE_MAX];
    struct naive_reserved reserve[NAIVE_MAX];
};

void naive_init(struct naive *n, const struct nat_policy *policy, struct addr external,
                enum naive_fault fault);

/* As nat_outbound and nat_inbound.  chosen: the source that the translator
 * gave to the same datagram, port 0 if none, for random ports and the start of
 * a sequence. */
enum nat_verdict naive_outbound(struct naive *n, mist_time now, struct nat_datagram *d,
                                const struct addr *chosen);
enum nat_verdict naive_inbound(struct naive *n, mist_time now, struct nat_datagram *d);

/* Mappings alive now. */
int naive_alive(struct naive *n, mist_time now);

#endif
