#include "nat-models/portmap.h"

#include "nat-models/outbox.h"

/* RFC 6886 section 3.2.1 and RFC 6887 section 14.1: up to ten announcements, the
 * first two 250 ms apart, each interval twice the one before. */
#define ANNOUNCEMENTS      10
#define FIRST_INTERVAL     MS(250)
#define ANYCAST            0xc0000009u /* 192.0.0.9, the nearest PCP server (RFC 7723) */
#define ALL_HOSTS          0xe0000001u /* 224.0.0.1 */
#define VERSION_OF_NAT_PMP 0

uint32_t nat_portmap_epoch(const struct nat *nat)
{
    mist_time since = nat->now - nat->epoch;
    return since < 0 ? 0 : (uint32_t)(since / SEC(1));
}

bool nat_portmap_is_request(const struct nat *nat, const struct nat_datagram *d)
{
    if (d->to.port != NAT_PORTMAP_PORT || d->protocol != NAT_UDP || d->to.family != ADDR_V4)
        return false;
    if (nat->gateway.family != ADDR_NONE && addr_same_ip(&d->to, &nat->gateway))
        return true;
    return (nat->policy.nat_pmp || nat->policy.pcp) && addr_ip4(&d->to) == ANYCAST;
}

void nat_portmap_reply(struct nat *nat, const struct nat_datagram *request, uint8_t *bytes,
                       uint32_t length)
{
    struct nat_datagram reply = {.from = request->to,
                                 .to = request->from,
                                 .protocol = NAT_UDP,
                                 .ttl = 64,
                                 .length = length,
                                 .bytes = bytes};
    nat_outbox_add(nat, NAT_INSIDE, &reply);
}

void nat_portmap_answer(struct nat *nat, const struct nat_datagram *d)
{
    if (d->length < 2)
        return;
    bool old = d->bytes[0] == VERSION_OF_NAT_PMP;
    if (nat->policy.nat_pmp && old)
        nat_pmp_answer(nat, d);
    else if (nat->policy.pcp && !old)
        nat_pcp_answer(nat, d);
    else if (nat->policy.nat_pmp || nat->policy.pcp)
        nat_pmp_refuse_version(nat, d); /* RFC 6886 section 3.5, RFC 6887 appendix A */
}

/* ---- announcements ---- */

void nat_portmap_restart(struct nat *nat, mist_time at)
{
    nat->epoch = at;
    nat->announced = 0;
    nat->announce_at = nat->policy.nat_pmp || nat->policy.pcp ? at : MIST_NEVER;
}

static void multicast(struct nat *nat, uint8_t *bytes, uint32_t length)
{
    bool known = nat->gateway.family != ADDR_NONE;
    struct nat_datagram d = {.from = known ? nat->gateway : addr_v4(ANYCAST, 0),
                             .to = addr_v4(ALL_HOSTS, NAT_PORTMAP_ANNOUNCE),
                             .protocol = NAT_UDP,
                             .ttl = 1,
                             .length = length,
                             .bytes = bytes};
    d.from.port = NAT_PORTMAP_PORT;
    nat_outbox_add(nat, NAT_INSIDE, &d);
}

void nat_portmap_announce(struct nat *nat)
{
    uint8_t bytes[NAT_PCP_HEADER];
    if (nat->policy.nat_pmp) {
        nat_pmp_write_address(nat, bytes);
        multicast(nat, bytes, NAT_PMP_ADDRESS_BYTES);
    }
    if (nat->policy.pcp) {
        nat_pcp_write_announcement(nat, bytes);
        multicast(nat, bytes, NAT_PCP_HEADER);
    }
    nat->announce_at = nat->now + (FIRST_INTERVAL << nat->announced);
    if (++nat->announced == ANNOUNCEMENTS)
        nat->announce_at = MIST_NEVER;
}
