/* nat_ask.c: see nat_ask.h.  NAT-PMP: RFC 6886 section 3; PCP: RFC 6887 sections 7
 * and 11; UPnP-IGD without its discovery and SOAP. */
#include "sim/nat_ask.h"

#include <string.h>

#include "nat-models/upnp.h"

#define SERVER      0xc0000009u /* 192.0.0.9, RFC 7723 */
#define SERVER_PORT 5351
#define CLIENT_PORT 50000
#define TTL         64
#define LONGEST     64 /* bytes of a message */

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

static uint32_t lifetime_s(const struct nat_wish *wish, mist_time standard)
{
    mist_time seconds = (wish->lifetime == MIST_NEVER ? standard : wish->lifetime) / SEC(1);
    return seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

/* Sends a request and returns the length of the first answer to it; 0: none. */
static uint32_t exchange(struct nat *nat, mist_time now, const struct nat_wish *wish,
                         uint8_t *request, uint32_t length, uint8_t answer[LONGEST])
{
    struct nat_datagram d = {.from = wish->inside,
                             .to = addr_v4(SERVER, SERVER_PORT),
                             .protocol = NAT_UDP,
                             .ttl = TTL,
                             .length = length,
                             .bytes = request};
    struct nat_datagram sent;
    enum nat_side side;
    uint32_t got = 0;
    d.from.port = CLIENT_PORT;
    (void)nat_outbound(nat, now, &d);
    while (nat_output(nat, &sent, &side)) {
        if (got || side != NAT_INSIDE || sent.protocol != NAT_UDP || sent.to.port != CLIENT_PORT ||
            sent.length > LONGEST)
            continue;
        got = sent.length;
        memcpy(answer, sent.bytes, got);
    }
    return got;
}

/* ---- NAT-PMP ---- */

enum { PMP_MAP_UDP = 1, PMP_MAP_TCP = 2, PMP_ANSWER = 128, PMP_SUCCESS = 0 };
enum { PMP_REQUEST = 12, PMP_MAP_BYTES = 16, PMP_ADDRESS_BYTES = 12 };

/* Opcode 0: which address is outside? */
static int ask_pmp_address(struct nat *nat, mist_time now, const struct nat_wish *wish,
                           struct addr *given)
{
    uint8_t request[2] = {0, 0}, answer[LONGEST];
    if (exchange(nat, now, wish, request, sizeof request, answer) != PMP_ADDRESS_BYTES ||
        get16(answer + 2) != PMP_SUCCESS)
        return -1;
    *given = addr_v4(get32(answer + 8), given->port);
    return 0;
}

static int ask_pmp(struct nat *nat, mist_time now, const struct nat_wish *wish, struct addr *given)
{
    uint8_t request[PMP_REQUEST] = {0}, answer[LONGEST];
    request[1] = wish->protocol == NAT_TCP ? PMP_MAP_TCP : PMP_MAP_UDP;
    put16(request + 4, wish->inside.port);
    put16(request + 6, wish->lifetime == 0 ? 0 : wish->external.port);
    put32(request + 8, lifetime_s(wish, NAT_ASK_STANDARD));
    if (exchange(nat, now, wish, request, sizeof request, answer) != PMP_MAP_BYTES ||
        answer[1] != (PMP_ANSWER | request[1]) || get16(answer + 2) != PMP_SUCCESS)
        return -1;
    given->port = (uint16_t)get16(answer + 10);
    return wish->lifetime == 0 ? 0 : ask_pmp_address(nat, now, wish, given);
}

/* ---- PCP ---- */

enum { PCP_VERSION = 2, PCP_MAP = 1, PCP_ANSWER = 128, PCP_SUCCESS = 0 };
enum { PCP_MAP_BYTES = 60, PCP_CLIENT = 8, PCP_NONCE = 24, PCP_ADDRESS = 44 };

/* ::ffff:a.b.c.d */
static void put_mapped(uint8_t at[16], uint32_t ip)
{
    memset(at, 0, 10);
    put16(at + 10, 0xffff);
    put32(at + 12, ip);
}

static int ask_pcp(struct nat *nat, mist_time now, const struct nat_wish *wish, struct addr *given)
{
    uint8_t request[PCP_MAP_BYTES] = {PCP_VERSION, PCP_MAP}, answer[LONGEST];
    put32(request + 4, lifetime_s(wish, NAT_ASK_STANDARD));
    put_mapped(request + PCP_CLIENT, addr_ip4(&wish->inside));
    memset(request + PCP_NONCE, 0x5a, 12); /* the same each time: renewals are its own */
    request[36] = wish->protocol;
    put16(request + 40, wish->inside.port);
    put16(request + 42, wish->external.port);
    put_mapped(request + PCP_ADDRESS, addr_ip4(&wish->external));
    if (exchange(nat, now, wish, request, sizeof request, answer) != PCP_MAP_BYTES ||
        answer[0] != PCP_VERSION || answer[1] != (PCP_ANSWER | PCP_MAP) || answer[3] != PCP_SUCCESS)
        return -1;
    if (wish->lifetime != 0)
        *given = addr_v4(get32(answer + PCP_ADDRESS + 12), (uint16_t)get16(answer + 42));
    return 0;
}

/* ---- UPnP ---- */

/* AddPortMapping for a certain port: that asked for, or the own one; any port of
 * an address by AddAnyPortMapping. */
static int ask_upnp(struct nat *nat, mist_time now, const struct nat_wish *wish, struct addr *given)
{
    bool any = wish->external.family != ADDR_NONE && wish->external.port == 0;
    uint16_t port = wish->external.port ? wish->external.port : wish->inside.port;
    enum nat_upnp_error error;
    if (wish->lifetime == 0)
        return nat_upnp_delete(nat, now, wish->protocol, port) == NAT_UPNP_DONE ? 0 : -1;
    if (any)
        error =
            nat_upnp_add_any(nat, now, wish->protocol, &wish->inside, &port, lifetime_s(wish, 0));
    else
        error = nat_upnp_add(nat, now, wish->protocol, &wish->inside, port, lifetime_s(wish, 0));
    *given = wish->first; /* mappings stand there */
    given->port = port;
    return error == NAT_UPNP_DONE ? 0 : -1;
}

int nat_ask(struct nat *nat, mist_time now, enum nat_ask by, const struct nat_wish *wish,
            struct addr *given)
{
    *given = (struct addr){0};
    if (wish->inside.family != ADDR_V4)
        return -1;
    switch (by) {
    case NAT_ASK_NAT_PMP: return ask_pmp(nat, now, wish, given);
    case NAT_ASK_PCP: return ask_pcp(nat, now, wish, given);
    case NAT_ASK_UPNP: return ask_upnp(nat, now, wish, given);
    default: break;
    }
    *given = wish->external;
    return nat_map(nat, now, wish->protocol, &wish->inside, given, wish->lifetime);
}
