/* mapping.h: makes, finds, refreshes and ends the mappings of a box. */
#ifndef NAT_MAPPING_H
#define NAT_MAPPING_H

#include "nat-models/box.h"

/* Ends what has ended by now.  First in every call. */
void nat_expire(struct nat *nat, mist_time now);

/* Queues a record for a look at its end. */
void nat_enqueue(struct nat *nat, enum nat_key key, uint32_t record, mist_time end);

/* What has flags (NAT_ESTABLISHED, NAT_SHORT) lives so long after a refresh. */
mist_time nat_timeout(const struct nat_policy *policy, uint8_t protocol, uint8_t flags);

/* The shorter of a protocol's two timers. */
mist_time nat_least_timeout(const struct nat_policy *policy, uint8_t protocol);

/* All find functions return a record, or 0. */
uint32_t nat_mapping_find(const struct nat *nat, uint8_t rule, const struct nat_endpoint *inside,
                          const struct nat_endpoint *remote);
uint32_t nat_mapping_find_static(const struct nat *nat, const struct nat_endpoint *inside);
/* The newest mapping at X':x'. */
uint32_t nat_mapping_find_outside(const struct nat *nat, const struct nat_endpoint *outside);
/* The newest mapping of X:x; kept in a list for on_clash: sticky_random and contiguity. */
uint32_t nat_mapping_find_source(const struct nat *nat, const struct nat_endpoint *inside);

/* Where nat_mapping_find and nat_mapping_find_outside begin to look. */
uint32_t nat_mapping_hash(const struct nat *nat, uint8_t rule, const struct nat_endpoint *inside,
                          const struct nat_endpoint *remote);
uint32_t nat_mapping_hash_outside(const struct nat *nat, const struct nat_endpoint *outside);

/* Makes a record. */
uint32_t nat_mapping_add(struct nat *nat, mist_time now, const struct nat_endpoint *inside,
                         const struct nat_endpoint *remote, const struct nat_place *place);

/* Puts the mappings that are in no list into their lists, for a policy that needs them. */
void nat_mapping_list_all(struct nat *nat);

/* The policy changed: what now ends sooner is queued for it. */
void nat_mapping_reschedule(struct nat *nat);

/* The mapping lives until end at least: its last refresh then lies in the future.
 * Returns when it ends; max_lifetime may be sooner. */
mist_time nat_mapping_promise(struct nat *nat, uint32_t record, mist_time end);

/* A static mapping gets a new end. */
void nat_mapping_renew(struct nat *nat, uint32_t record, mist_time end);

/* end: when the mapping died, from which its port is held; or NAT_NO_HOLD. */
void nat_mapping_remove(struct nat *nat, uint32_t record, mist_time end);

/* A datagram went through the mapping, out or in: flags and timers. */
void nat_mapping_sent(struct nat *nat, mist_time now, uint32_t record, uint16_t remote_port);
void nat_mapping_received(struct nat *nat, mist_time now, uint32_t record);

#endif
