/* subscriber.h: quota, rate and blocks of ports, counted by inside address. */
#ifndef NAT_SUBSCRIBER_H
#define NAT_SUBSCRIBER_H

#include "nat-models/box.h"

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

#endif
