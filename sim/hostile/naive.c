/* naive.c: a core that makes a link on the first datagram of a stranger, as PPSPP and
 * HyperDHT do: what a flood of handshakes does to it shows that the study of floods can
 * fail.  build/libmist-naive.so, by ld --wrap as impostor.c. */
#include <string.h>

#include "stack/link.h"

void __real_handshake_init(struct mux *m, mist_time now, const struct addr *from,
                           const struct wire_head *h, struct out *out);
void __wrap_handshake_init(struct mux *m, mist_time now, const struct addr *from,
                           const struct wire_head *h, struct out *out);

void __wrap_handshake_init(struct mux *m, mist_time now, const struct addr *from,
                           const struct wire_head *h, struct out *out)
{
    uint8_t id[WIRE_ID] = {0};
    memcpy(id, h->nonce, WIRE_NONCE); /* its own is not told yet */
    struct link *l = link_find(m, id, WIRE_ID);
    l = l != NULL ? l : link_new(m, now, id, out);
    if (l == NULL)
        return; /* full: no room for anybody */
    l->path = *from;
    l->tries = HANDSHAKE_TRIES;
    link_timer(m, l, now + SEC(20)); /* hyperdht#294: each was kept for 20 s */
    __real_handshake_init(m, now, from, h, out);
}
