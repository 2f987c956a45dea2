/* framer.c: an introducer that frames a victim: its core is made to see every peer at the
 * victim's address, each at a port of its own, and so tells everybody.
 *
 * It vouches for that address to those whom it introduces, hands out contacts there, has
 * it knocked at, and tells each peer that this is where it is.  Besides it dials like a
 * reflector, so that there is much to introduce.  What its core sends to one of those
 * ports goes where the peer really is. */
#include <stdlib.h>

#include "sim/world_parts.h"
#include "stack/check.h"

#define FIRST_PORT 1024u
#define LAST_PORT  65535u

static struct addr victim(const struct world *w, uint32_t host, uint32_t place)
{
    struct addr a = hostile_claim(w, host);
    a.port = (uint16_t)(FIRST_PORT + place);
    return a;
}

struct addr framer_shows(struct world *w, uint32_t host, const struct addr *peer)
{
    struct framed *f = &w->hosts[host].framed;
    uint32_t i = 0;
    while (i < f->count && !addr_equal(&f->peers[i], peer))
        i++;
    if (i == f->count && i == f->room) {
        f->room = f->room == 0 ? 64 : 2 * f->room;
        f->peers = realloc(f->peers, f->room * sizeof *f->peers);
        CHECK(f->peers != NULL);
    }
    if (i == f->count && i < LAST_PORT - FIRST_PORT)
        f->peers[f->count++] = *peer;
    return i < f->count ? victim(w, host, i) : *peer;
}

struct addr framer_means(const struct world *w, uint32_t host, const struct addr *to)
{
    const struct framed *f = &w->hosts[host].framed;
    struct addr first = victim(w, host, 0);
    if (!addr_same_ip(to, &first) || to->port < FIRST_PORT || to->port - FIRST_PORT >= f->count)
        return *to;
    return f->peers[to->port - FIRST_PORT];
}

void framer_close(struct world *w)
{
    for (uint32_t i = 0; w->hosts != NULL && i < w->plan->host_count; i++)
        free(w->hosts[i].framed.peers);
}
