/* directory.h: which attachment owns an address, at one place of the network.
 *
 * A place is the public network (PLAN_NONE) or the inside of a box.  What a
 * firewall lets through keeps its address, so outside of the firewall that
 * address belongs to the firewall: the way in leads through it.  Attachments
 * are places of hosts (by number) and boxes (plan_places + number). */
#ifndef NATIVE_DIRECTORY_H
#define NATIVE_DIRECTORY_H

#include <stdint.h>

#include "stack/addr.h"

struct plan;
struct directory;

/* Keeps nothing of the plan.  The plan's promise, checked: no address has two
 * owners at one place. */
struct directory *directory_open(const struct plan *plan);
void directory_close(struct directory *d);

/* The owner of the address (its port does not matter), or PLAN_NONE. */
uint32_t directory_find(const struct directory *d, uint32_t place, const struct addr *addr);

/* Starts loading what directory_find of the same key will read. */
void directory_prefetch(const struct directory *d, uint32_t place, const struct addr *addr);

#endif
