#include "nat-models/nat64.h"

#include "nat-models/icmp.h"
#include "nat-models/outbox.h"

/* Echo messages: types of ICMP (RFC 792) and of ICMPv6 (RFC 4443). */
enum { ECHO_REPLY = 0, ECHO_REQUEST = 8, ECHO_REQUEST_6 = 128, ECHO_REPLY_6 = 129 };

static const uint8_t prefix[12] = {0, 0x64, 0xff, 0x9b};

struct addr nat64_name(const struct addr *v4)
{
    uint8_t ip[16];
    memcpy(ip, prefix, sizeof prefix);
    memcpy(ip + sizeof prefix, v4->ip, 4);
    return addr_v6(ip, v4->port);
}

bool nat64_resolve(const struct addr *name, struct addr *v4)
{
    if (name->family != ADDR_V6 || memcmp(name->ip, prefix, sizeof prefix) != 0)
        return false;
    *v4 = (struct addr){.port = name->port, .family = ADDR_V4};
    memcpy(v4->ip, name->ip + sizeof prefix, 4);
    return true;
}

/* Another type in a copy of the message, and its checksum. */
static void set_type(struct nat *nat, struct nat_datagram *d, uint8_t protocol, uint8_t type)
{
    d->protocol = protocol;
    if (d->length < NAT_ICMP_HEADER)
        return;
    d->bytes = nat_outbox_rewritable(nat, d);
    d->bytes[0] = type;
    if (protocol == NAT_ICMP)
        nat_icmp_put_checksum(d->bytes, d->length);
}

void nat64_lower(struct nat *nat, struct nat_datagram *d)
{
    struct addr v4;
    if (nat64_resolve(&d->to, &v4))
        d->to = v4;
    if (d->protocol == NAT_ICMP6)
        set_type(nat, d, NAT_ICMP,
                 d->length > 0 && d->bytes[0] == ECHO_REPLY_6 ? ECHO_REPLY : ECHO_REQUEST);
}

void nat64_raise(struct nat *nat, struct nat_datagram *d)
{
    if (d->from.family == ADDR_V4)
        d->from = nat64_name(&d->from);
    if (d->protocol != NAT_ICMP)
        return;
    set_type(nat, d, NAT_ICMP6,
             d->length > 0 && d->bytes[0] == ECHO_REPLY ? ECHO_REPLY_6 : ECHO_REQUEST_6);
    if (d->length >= NAT_ICMP_HEADER)
        nat_icmp6_put_checksum(d->bytes, d->length, &d->from, &d->to);
}
