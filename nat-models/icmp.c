#include "nat-models/icmp.h"
#include "nat-models/bytes.h"
#include "nat-models/mapping.h"
#include "nat-models/outbox.h"
#include "nat-models/remote.h"
#include "stack/check.h"

/* An ICMP error (RFC 792): type, code, checksum, 4 bytes unused, then the IPv4
 * header and the first 8 bytes of the datagram that it is about.
 *
 *      0        1        2..3       4..7      8..27          28..35
 *     +------+------+----------+---------+--------------+----------------+
 *     | type | code | checksum | unused  | IPv4 header  | UDP/TCP header |
 *     +------+------+----------+---------+--------------+----------------+  */
enum { ICMP_HEADER = NAT_ICMP_HEADER, IP_HEADER = 20, EMBEDDED = 8 };
enum { ERROR_BYTES = NAT_ICMP_ERROR_BYTES };

/* ---- bytes ---- */

/* RFC 1071: with the checksum's own place zero the checksum, with it in place 0. */
static uint16_t checksum(const uint8_t *bytes, uint32_t length)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i + 1 < length; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    if (length % 2 != 0)
        sum += (uint32_t)bytes[length - 1] << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put_checksum(uint8_t *bytes, uint32_t length, uint32_t place)
{
    nat_put16(bytes + place, 0);
    nat_put16(bytes + place, checksum(bytes, length));
}

void nat_icmp_put_checksum(uint8_t *bytes, uint32_t length)
{
    put_checksum(bytes, length, 2);
}

/* The IPv4 and transport header of d as it came in. */
static void put_embedded(uint8_t *at, const struct nat_datagram *d)
{
    at[0] = 0x45;
    nat_put16(at + 2, IP_HEADER + EMBEDDED + d->length);
    nat_put16(at + 4, d->fragment.id);
    at[8] = d->ttl;
    at[9] = d->protocol;
    memcpy(at + 12, d->from.ip, 4);
    memcpy(at + 16, d->to.ip, 4);
    put_checksum(at, IP_HEADER, 10);
    nat_put16(at + IP_HEADER, d->from.port);
    nat_put16(at + IP_HEADER + 2, d->to.port);
    nat_put16(at + IP_HEADER + 4, EMBEDDED + d->length);
}

void nat_icmp_write(uint8_t bytes[NAT_ICMP_ERROR_BYTES], uint8_t type, uint8_t code, uint16_t mtu,
                    const struct nat_datagram *about)
{
    memset(bytes, 0, ERROR_BYTES);
    bytes[0] = type;
    bytes[1] = code;
    nat_put16(bytes + 6, mtu);
    put_embedded(bytes + ICMP_HEADER, about);
    put_checksum(bytes, ERROR_BYTES, 2);
}

static void send_error(struct nat *nat, enum nat_side side, uint8_t type, uint8_t code,
                       uint16_t mtu, const struct nat_datagram *d)
{
    uint8_t bytes[ERROR_BYTES];
    if (d->from.family == ADDR_V6) {
        nat_icmp6_send(nat, side, type, code, mtu, d);
        return;
    }
    if (d->protocol == NAT_ICMP || d->fragment.offset != 0)
        return; /* RFC 1122 3.2.2: never about an error, nor about a later fragment */
    nat_icmp_write(bytes, type, code, mtu, d);
    struct nat_datagram out = {
        .protocol = NAT_ICMP, .ttl = 64, .length = ERROR_BYTES, .bytes = bytes};
    out.from = side == NAT_OUTSIDE || nat->externals == 0 ? d->to : nat->external[0].addr;
    if (side == NAT_INSIDE && nat->gateway.family != ADDR_NONE)
        out.from = nat->gateway;
    out.to = d->from;
    out.from.port = out.to.port = 0;
    nat_outbox_add(nat, side, &out);
}

void nat_icmp_send(struct nat *nat, enum nat_side side, uint8_t type, uint8_t code,
                   const struct nat_datagram *d)
{
    send_error(nat, side, type, code, 0, d);
}

void nat_icmp_send_too_big(struct nat *nat, const struct nat_datagram *d)
{
    send_error(nat, NAT_INSIDE, NAT_ICMP_UNREACHABLE, NAT_ICMP_FRAGMENTATION_NEEDED,
               nat->policy.mtu, d);
}

/* ---- errors that pass through ---- */

bool nat_icmp_is_error(const struct nat_datagram *d)
{
    return d->protocol == NAT_ICMP && d->length > 0 &&
           (d->bytes[0] == NAT_ICMP_UNREACHABLE || d->bytes[0] == NAT_ICMP_TIME_EXCEEDED ||
            d->bytes[0] == NAT_ICMP_PARAMETER);
}

/* The datagram that an error is about, and where its parts stand. */
struct embedded {
    uint8_t *ip, *transport;
    uint8_t *from_port, *to_port; /* a query has one identifier instead */
    struct nat_endpoint from, to;
};

/* RFC 5508 REQ-3: a message that was damaged on the way is no error, IP options are
 * stepped over, and the embedded datagram's own transport checksum is not looked at,
 * since often not all of it is there.  false: too short, damaged, or no IPv4. */
static bool read_embedded(const struct nat_datagram *d, struct embedded *e)
{
    if (d->length < ERROR_BYTES || d->bytes[ICMP_HEADER] >> 4 != 4 ||
        checksum(d->bytes, d->length) != 0)
        return false;
    uint32_t header = (d->bytes[ICMP_HEADER] & 15u) * 4;
    if (header < IP_HEADER || d->length < ICMP_HEADER + header + EMBEDDED)
        return false;
    e->ip = d->bytes + ICMP_HEADER;
    e->transport = e->ip + header;
    uint8_t protocol = e->ip[9];
    bool query = protocol == NAT_ICMP;
    e->from_port = e->transport + (query ? 4 : 0);
    e->to_port = e->transport + (query ? 4 : 2);
    e->from = (struct nat_endpoint){.family = ADDR_V4, .protocol = protocol};
    e->to = e->from;
    memcpy(e->from.ip, e->ip + 12, 4);
    memcpy(e->to.ip, e->ip + 16, 4);
    e->from.port = (uint16_t)nat_get16(e->from_port);
    e->to.port = (uint16_t)(query ? 0 : nat_get16(e->to_port));
    return true;
}

/* RFC 1624, equation 3: the checksum at `at` after a word changed. */
static void adjust(uint8_t *at, uint32_t before, uint32_t after)
{
    uint32_t sum = (~nat_get16(at) & 0xffff) + (~before & 0xffff) + after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    nat_put16(at, ~sum & 0xffff);
}

/* Replaces one endpoint of the embedded datagram, which stands at ip and port. */
static void put_endpoint(struct nat_datagram *d, const struct embedded *e, uint8_t *ip,
                         uint8_t *port, const struct nat_endpoint *endpoint)
{
    uint8_t *udp_checksum = e->transport + 6;
    if (e->from.protocol == NAT_UDP && nat_get16(udp_checksum) != 0) {
        adjust(udp_checksum, nat_get16(ip), nat_get16(endpoint->ip));
        adjust(udp_checksum, nat_get16(ip + 2), nat_get16(endpoint->ip + 2));
        adjust(udp_checksum, nat_get16(port), endpoint->port);
    }
    memcpy(ip, endpoint->ip, 4);
    nat_put16(port, endpoint->port);
    put_checksum(e->ip, (uint32_t)(e->transport - e->ip), 10);
    put_checksum(d->bytes, d->length, 2);
}

/* The mapping through which the embedded datagram went out, or 0. */
static uint32_t find_sender(const struct nat *nat, const struct embedded *e)
{
    enum nat_verdict verdict;
    uint32_t record = nat_remote_admit(nat, &e->from, &e->to, &verdict);
    if (record == 0)
        return 0;
    const struct nat_mapping *m = nat_mapping(nat, record);
    bool other = (m->rule != NAT_EIM && m->remote != nat_ip4(&e->to)) ||
                 (m->rule == NAT_APDM && m->remote_port != e->to.port);
    return other ? 0 : record;
}

uint32_t nat_icmp_read_sent(const struct nat *nat, const struct nat_datagram *error,
                            struct nat_datagram *about)
{
    struct embedded e;
    if (!read_embedded(error, &e))
        return 0;
    uint32_t length = nat_get16(e.ip + 2), headers = (uint32_t)(e.transport - e.ip) + EMBEDDED;
    *about = (struct nat_datagram){.from = nat_endpoint_addr(&e.from),
                                   .to = nat_endpoint_addr(&e.to),
                                   .protocol = e.from.protocol,
                                   .ttl = e.ip[8],
                                   .length = length < headers ? 0 : length - headers};
    return find_sender(nat, &e);
}

enum nat_verdict nat_icmp_in(struct nat *nat, struct nat_datagram *d)
{
    struct embedded e;
    if (!nat->policy.icmp_errors || !read_embedded(d, &e))
        return NAT_DROP_ICMP_UNMATCHED;
    uint32_t record = find_sender(nat, &e);
    if (record == 0)
        return NAT_DROP_ICMP_UNMATCHED;
    struct nat_endpoint inside = nat_mapping(nat, record)->inside;
    put_endpoint(d, &e, e.ip + 12, e.from_port, &inside);
    d->to = nat_endpoint_addr(&inside);
    d->to.port = 0;
    return NAT_PASS;
}

enum nat_verdict nat_icmp_out(struct nat *nat, struct nat_datagram *d)
{
    struct embedded e;
    if (!nat->policy.icmp_errors || !read_embedded(d, &e))
        return NAT_DROP_ICMP_UNMATCHED;
    if (e.to.protocol == NAT_ICMP) { /* the identifier is the inside host's */
        e.to.port = e.from.port;
        e.from.port = 0;
    }
    uint32_t record = nat_find_mapping(nat, &e.to, &e.from);
    if (record == 0)
        return NAT_DROP_ICMP_UNMATCHED;
    struct nat_endpoint outside = nat_mapping_outside(nat, nat_mapping(nat, record));
    put_endpoint(d, &e, e.ip + 16, e.to_port, &outside);
    d->from = nat_endpoint_addr(&outside);
    d->from.port = 0;
    return NAT_PASS;
}
