#include "nat-models/outbox.h"

/* alg: rewrite: the helper of SIP and FTP that looks at no protocol: wherever the
 * sender's inside address stands in the payload, four bytes at any offset, the
 * external one takes its place. */

#define ADDRESS 4 /* bytes */

void nat_alg_rewrite(struct nat *nat, struct nat_datagram *d, const struct addr *inside)
{
    if (nat->policy.alg != NAT_ALG_REWRITE || inside->family != ADDR_V4)
        return;
    for (uint32_t i = 0; i + ADDRESS <= d->length; i++) {
        if (memcmp(d->bytes + i, inside->ip, ADDRESS) != 0)
            continue;
        d->bytes = nat_outbox_rewritable(nat, d);
        memcpy(d->bytes + i, d->from.ip, ADDRESS);
        i += ADDRESS - 1;
    }
}
