/* share.h: what the hosts of one site may take together: handshakes a second, and links.
 *
 * A proved address costs an attacker one datagram, but he has the addresses that he has:
 * those of a site, /24 or /48 (addr.h).  Sites fall into cells by a keyed hash, so that
 * the table has one size whoever calls; two that share a cell share its allowance. */
#ifndef MIST_SHARE_H
#define MIST_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/addr.h"
#include "stack/units.h"

#define SHARE_CELLS 128           /* 2 kB; a hundred sites at once mostly meet no other */
#define SHARE_EVERY (SEC(1) / 20) /* a handshake of strangers: WireGuard's PACKETS_PER_SECOND */
#define SHARE_BURST 64            /* at once: as many subscribers join behind a carrier's address */

struct share_cell {
    mist_time until; /* what was taken lasts until then, at a handshake each SHARE_EVERY */
    uint32_t links;
};

/* The number of the address's cell. */
uint32_t share_cell(uint64_t salt, const struct addr *a);
/* Takes the allowance of one handshake; false: there is none, and nothing changed. */
bool share_take(struct share_cell *cell, mist_time now);
/* May the site have another link?  used: links of the node, of limit.  While half of the
 * table is free nobody is in the way; then a site has an eighth of it, and beyond that its
 * newcomers take the place of its own. */
bool share_has_room(const struct share_cell *cell, uint32_t used, uint32_t limit);

#endif
