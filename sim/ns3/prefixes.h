/* prefixes.h: few prefixes for many addresses.
 *
 * ns-3 looks routes up in a list, so a table is kept short: addresses that share
 * a site (IPv4: a /24, IPv6: a /48; the plan gives every site one of its own)
 * become one prefix, the longest that covers them. */
#ifndef NS3_PREFIXES_H
#define NS3_PREFIXES_H

#include <stdint.h>

#include "stack/addr.h"

struct prefix {
    struct addr addr; /* the lowest of its addresses */
    unsigned bits;
};

struct prefixes {
    struct prefix *items;
    uint32_t count;
};

/* Sorts the addresses.  on_link: a prefix is made so short that none of them is
 * its first or last address, which IPv4 keeps (RFC 919). */
struct prefixes prefixes_of(struct addr *addrs, uint32_t count, bool on_link);
void prefixes_free(struct prefixes *p);

/* The prefix that covers the address; one must. */
const struct prefix *prefixes_find(const struct prefixes *p, const struct addr *addr);

#endif
