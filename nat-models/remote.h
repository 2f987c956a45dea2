/* remote.h: who may come in: filter entries, reply sessions, reserved tuples. */
#ifndef NAT_REMOTE_H
#define NAT_REMOTE_H

#include "nat-models/box.h"

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

/* The policy will keep first remotes otherwise: those that their mappings keep get
 * entries, which have their mappings' clocks so far.  Before it changes. */
void nat_remote_unfold_all(struct nat *nat);

/* Filters of a static mapping: adds one, counts them, removes all. */
void nat_remote_allow(struct nat *nat, uint32_t mapping, const struct nat_endpoint *remote,
                      uint8_t prefix);
uint32_t nat_remote_count_allowed(const struct nat *nat, uint32_t mapping);
void nat_remote_allow_all(struct nat *nat, uint32_t mapping);

/* The nonce (RFC 6887) by which a static mapping was asked for.  One that was made
 * otherwise is everybody's. */
#define NAT_NONCE_BYTES 12
bool nat_remote_is_owner(const struct nat *nat, uint32_t mapping, const uint8_t *nonce);
void nat_remote_set_owner(struct nat *nat, uint32_t mapping, const uint8_t *nonce);

/* What lets the remote in lives until end at least, if the mapping does. */
void nat_remote_promise(struct nat *nat, uint32_t mapping, const struct nat_endpoint *remote,
                        mist_time end);

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

#endif
