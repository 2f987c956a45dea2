#include "nat-models/bytes.h"
#include "nat-models/icmp.h"
#include "nat-models/mapping.h"
#include "nat-models/nat64.h"
#include "nat-models/outbox.h"
#include "nat-models/remote.h"

/* An ICMPv6 error (RFC 4443): as ICMP's, but for its checksum, which is over the
 * addresses too, and the header in it:
 *
 *      0        1        2..3       4..7    8..47         48..55
 *     +------+------+----------+-------+-------------+----------------+
 *     | type | code | checksum | mtu   | IPv6 header | UDP/TCP header |
 *     +------+------+----------+-------+-------------+----------------+  */
enum { IP4_HEADER = 20, IP6_HEADER = 40, EMBEDDED = 8 };
enum { ERROR_BYTES = NAT_ICMP_HEADER + IP6_HEADER + EMBEDDED };
enum { UNREACHABLE_6 = 1, TOO_BIG_6 = 2, TIME_EXCEEDED_6 = 3, PARAMETER_6 = 4 };

/* ---- bytes ---- */

static uint32_t add(uint32_t sum, const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return (sum & 0xffff) + (sum >> 16);
}

void nat_icmp6_put_checksum(uint8_t *bytes, uint32_t length, const struct addr *from,
                            const struct addr *to)
{
    nat_put16(bytes + 2, 0);
    uint32_t sum = add(add(add(length + NAT_ICMP6, from->ip, 16), to->ip, 16), bytes, length);
    sum = (sum & 0xffff) + (sum >> 16);
    nat_put16(bytes + 2, ~sum & 0xffff);
}

static struct addr as_v6(const struct addr *a)
{
    return a->family == ADDR_V4 ? nat64_name(a) : *a;
}

/* An error about `about`, from and to as given, into ERROR_BYTES bytes. */
static struct nat_datagram write_error(uint8_t *bytes, uint8_t type, uint8_t code, uint32_t mtu,
                                       const struct nat_datagram *about, struct addr from,
                                       struct addr to)
{
    uint8_t *ip = bytes + NAT_ICMP_HEADER, *transport = ip + IP6_HEADER;
    struct addr source = as_v6(&about->from), target = as_v6(&about->to);
    memset(bytes, 0, ERROR_BYTES);
    bytes[0] = type;
    bytes[1] = code;
    nat_put32(bytes + 4, mtu);
    ip[0] = 0x60;
    nat_put16(ip + 4, EMBEDDED + about->length);
    ip[6] = about->protocol == NAT_ICMP ? NAT_ICMP6 : about->protocol;
    ip[7] = about->ttl;
    memcpy(ip + 8, source.ip, 16);
    memcpy(ip + 24, target.ip, 16);
    nat_put16(transport, about->from.port);
    nat_put16(transport + 2, about->to.port);
    nat_put16(transport + 4, EMBEDDED + about->length);
    struct nat_datagram d = {.from = from,
                             .to = to,
                             .protocol = NAT_ICMP6,
                             .ttl = 64,
                             .length = ERROR_BYTES,
                             .bytes = bytes};
    d.from.port = d.to.port = 0;
    nat_icmp6_put_checksum(bytes, ERROR_BYTES, &d.from, &d.to);
    return d;
}

/* ---- types ---- */

struct kind {
    uint8_t type, code;
};

/* RFC 7915 section 4.2; type 0: it has no like. */
static struct kind raised(uint8_t type, uint8_t code)
{
    static const struct kind unreachable[16] = {
        {UNREACHABLE_6, 0}, {UNREACHABLE_6, 0}, {PARAMETER_6, 1},
        {UNREACHABLE_6, 4}, {TOO_BIG_6, 0},     {UNREACHABLE_6, 0},
        {UNREACHABLE_6, 0}, {UNREACHABLE_6, 0}, {UNREACHABLE_6, 0},
        {UNREACHABLE_6, 1}, {UNREACHABLE_6, 1}, {UNREACHABLE_6, 0},
        {UNREACHABLE_6, 0}, {UNREACHABLE_6, 1}, {0, 0},
        {UNREACHABLE_6, 1}};
    if (type == NAT_ICMP_UNREACHABLE && code < 16)
        return unreachable[code];
    if (type == NAT_ICMP_TIME_EXCEEDED)
        return (struct kind){TIME_EXCEEDED_6, code};
    return (struct kind){0, 0};
}

/* RFC 7915 section 5.2 */
static struct kind lowered(uint8_t type, uint8_t code)
{
    static const struct kind unreachable[5] = {{3, 1}, {3, 10}, {3, 1}, {3, 1}, {3, 3}};
    if (type == UNREACHABLE_6 && code < 5)
        return unreachable[code];
    if (type == TOO_BIG_6)
        return (struct kind){NAT_ICMP_UNREACHABLE, NAT_ICMP_FRAGMENTATION_NEEDED};
    if (type == TIME_EXCEEDED_6)
        return (struct kind){NAT_ICMP_TIME_EXCEEDED, code};
    if (type == PARAMETER_6 && code == 1) /* an unknown next header is an unknown protocol */
        return (struct kind){NAT_ICMP_UNREACHABLE, 2};
    return (struct kind){0, 0};
}

/* ---- errors of the box ---- */

void nat_icmp6_send(struct nat *nat, enum nat_side side, uint8_t type, uint8_t code, uint16_t mtu,
                    const struct nat_datagram *d)
{
    uint8_t bytes[ERROR_BYTES];
    struct kind kind = raised(type, code);
    if (kind.type == 0 || d->protocol == NAT_ICMP6 || d->fragment.offset != 0)
        return;
    struct nat_datagram error =
        write_error(bytes, kind.type, kind.code, mtu, d, as_v6(&d->to), d->from);
    nat_outbox_add(nat, side, &error);
}

/* ---- errors that pass through ---- */

bool nat_icmp6_is_error(const struct nat_datagram *d)
{
    return d->protocol == NAT_ICMP6 && d->length > 0 && d->bytes[0] >= UNREACHABLE_6 &&
           d->bytes[0] <= PARAMETER_6;
}

/* What the error is about, without bytes. */
static bool read_about(const struct nat_datagram *d, struct nat_datagram *about)
{
    if (d->length < ERROR_BYTES || d->bytes[NAT_ICMP_HEADER] >> 4 != 6)
        return false;
    const uint8_t *ip = d->bytes + NAT_ICMP_HEADER, *transport = ip + IP6_HEADER;
    uint32_t length = nat_get16(ip + 4);
    *about = (struct nat_datagram){.from = addr_v6(ip + 8, (uint16_t)nat_get16(transport)),
                                   .to = addr_v6(ip + 24, (uint16_t)nat_get16(transport + 2)),
                                   .protocol = ip[6],
                                   .ttl = ip[7],
                                   .length = length < EMBEDDED ? 0 : length - EMBEDDED};
    return about->protocol == NAT_UDP || about->protocol == NAT_TCP;
}

enum nat_verdict nat_icmp6_pass(const struct nat *nat, enum nat_side side,
                                const struct nat_datagram *d)
{
    struct nat_datagram about;
    enum nat_verdict verdict;
    if (!nat->policy.icmp_errors || !read_about(d, &about))
        return NAT_DROP_ICMP_UNMATCHED;
    bool outward = side == NAT_INSIDE; /* then it is about what came in */
    struct nat_endpoint inside = nat_endpoint(outward ? &about.to : &about.from, about.protocol);
    struct nat_endpoint remote = nat_endpoint(outward ? &about.from : &about.to, about.protocol);
    return nat_remote_admit(nat, &inside, &remote, &verdict) != 0 ? NAT_PASS
                                                                  : NAT_DROP_ICMP_UNMATCHED;
}

enum nat_verdict nat64_error_in(struct nat *nat, struct nat_datagram *d)
{
    struct nat_datagram about;
    uint32_t record = nat->policy.icmp_errors ? nat_icmp_read_sent(nat, d, &about) : 0;
    struct kind kind = raised(d->bytes[0], d->bytes[1]);
    if (record == 0 || kind.type == 0)
        return NAT_DROP_ICMP_UNMATCHED;
    uint32_t mtu = kind.type == TOO_BIG_6 ? nat_get16(d->bytes + 6) + IP6_HEADER - IP4_HEADER : 0;
    about.from = nat_endpoint_addr(&nat_mapping(nat, record)->inside);
    uint8_t bytes[ERROR_BYTES], ttl = d->ttl;
    struct nat_datagram error =
        write_error(bytes, kind.type, kind.code, mtu, &about, nat64_name(&d->from), about.from);
    error.bytes = nat_outbox_rewritable(nat, &error);
    error.ttl = ttl;
    *d = error;
    return NAT_PASS;
}

enum nat_verdict nat64_error_out(struct nat *nat, struct nat_datagram *d)
{
    struct nat_datagram about;
    struct addr remote, to;
    if (!nat->policy.icmp_errors || !read_about(d, &about) ||
        !nat64_resolve(&about.from, &remote) || !nat64_resolve(&d->to, &to))
        return NAT_DROP_ICMP_UNMATCHED;
    struct kind kind = lowered(d->bytes[0], d->bytes[1]);
    struct nat_endpoint inside = nat_endpoint(&about.to, about.protocol);
    struct nat_endpoint from = nat_endpoint(&remote, about.protocol);
    uint32_t record = nat_find_mapping(nat, &inside, &from);
    if (record == 0 || kind.type == 0)
        return NAT_DROP_ICMP_UNMATCHED;
    struct nat_endpoint outside = nat_mapping_outside(nat, nat_mapping(nat, record));
    uint32_t mtu = nat_get32(d->bytes + 4);
    mtu = kind.code != NAT_ICMP_FRAGMENTATION_NEEDED || mtu < IP6_HEADER
              ? 0
              : mtu - IP6_HEADER + IP4_HEADER;
    about.from = remote;
    about.to = nat_endpoint_addr(&outside);
    uint8_t bytes[NAT_ICMP_ERROR_BYTES];
    nat_icmp_write(bytes, kind.type, kind.code, (uint16_t)mtu, &about);
    d->protocol = NAT_ICMP;
    d->from = about.to;
    d->from.port = 0;
    d->to = to;
    d->length = sizeof bytes;
    d->bytes = bytes;
    d->bytes = nat_outbox_rewritable(nat, d);
    return NAT_PASS;
}
