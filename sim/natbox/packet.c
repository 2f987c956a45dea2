/* packet.c: see packet.h. */
#include "sim/natbox/packet.h"

#include <string.h>

#include "nat-models/bytes.h"

enum { V4_HEADER = 20, V6_HEADER = 40, UDP_HEADER = 8, TCP_HEADER = 20, FRAGMENT_HEADER = 8 };
enum { V6_HOP_BY_HOP = 0, V6_ROUTING = 43, V6_FRAGMENT = 44, V6_OPTIONS = 60 };
enum { V4_MORE = 0x2000, V4_DF = 0x4000, V4_OFFSET = 0x1fff };
enum { ECHO = 8, ECHO_REPLY = 0, ECHO6 = 128, ECHO6_REPLY = 129 };

/* ---- checksums ---- */

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static uint32_t add_bytes(uint32_t sum, const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i + 1 < length; i += 2)
        sum += nat_get16(bytes + i);
    if (length % 2 != 0)
        sum += (uint32_t)bytes[length - 1] << 8;
    return fold(sum);
}

uint16_t packet_checksum(uint32_t sum, const uint8_t *bytes, uint32_t length)
{
    return (uint16_t)~fold(add_bytes(sum, bytes, length));
}

static uint32_t address_bytes(const struct addr *a)
{
    return a->family == ADDR_V6 ? 16 : 4;
}

/* What of a datagram's endpoints stands under its checksum. */
static uint32_t add_endpoints(uint32_t sum, const struct nat_datagram *d)
{
    sum = add_bytes(sum, d->from.ip, address_bytes(&d->from));
    sum = add_bytes(sum, d->to.ip, address_bytes(&d->to));
    return fold(sum + d->from.port + d->to.port);
}

/* The pseudo header (RFC 768, RFC 8200 8.1) of so many bytes. */
static uint32_t pseudo_header(const struct nat_datagram *d, uint32_t length)
{
    uint32_t sum = add_bytes(0, d->from.ip, address_bytes(&d->from));
    return add_bytes(sum, d->to.ip, address_bytes(&d->to)) + d->protocol + length;
}

/* A checksum after its endpoints changed (RFC 1624, equation 3). */
static uint16_t adjusted(uint16_t checksum, const struct nat_datagram *before,
                         const struct nat_datagram *after)
{
    uint32_t sum = (uint16_t)~checksum;
    sum += (uint16_t)~add_endpoints(0, before);
    sum += add_endpoints(0, after);
    return (uint16_t)~fold(sum);
}

/* ---- reading ---- */

static uint32_t checksum_at(uint8_t protocol)
{
    return protocol == NAT_TCP ? 16 : protocol == NAT_UDP ? 6 : 2;
}

static bool is_icmp(const struct nat_datagram *d)
{
    return d->protocol == NAT_ICMP || d->protocol == NAT_ICMP6;
}

static bool is_query(const struct nat_datagram *d)
{
    uint8_t type = d->length >= 8 ? d->bytes[0] : 255;
    if (d->protocol == NAT_ICMP6)
        return type == ECHO6 || type == ECHO6_REPLY;
    return d->protocol == NAT_ICMP && (type == ECHO || type == ECHO_REPLY);
}

static uint16_t read_port(const uint8_t *at)
{
    return (uint16_t)nat_get16(at);
}

/* Ports, or an identifier, and where the payload begins. */
static const char *read_transport(struct packet *p, enum nat_side from, uint8_t *at, uint32_t room)
{
    struct nat_datagram *d = &p->datagram;
    uint32_t header = d->protocol == NAT_UDP ? UDP_HEADER : d->protocol == NAT_TCP ? TCP_HEADER : 0;
    d->bytes = at;
    d->length = room;
    if (d->fragment.offset != 0)
        return NULL;
    if (room < (header ? header : 8))
        return "truncated";
    if (d->protocol == NAT_UDP &&
        (nat_get16(at + 4) < UDP_HEADER || (nat_get16(at + 4) != room && !d->fragment.more)))
        return "length";
    if (header) {
        d->from.port = read_port(at);
        d->to.port = read_port(at + 2);
        d->bytes = at + header;
        d->length = room - header;
    } else if (is_query(d)) {
        *(from == NAT_INSIDE ? &d->from.port : &d->to.port) = read_port(at + 4);
    }
    return NULL;
}

static const char *read_v4(struct packet *p, uint8_t *bytes, uint32_t length)
{
    struct nat_datagram *d = &p->datagram;
    uint32_t header = (bytes[0] & 15u) * 4, total;
    if (length < V4_HEADER || header < V4_HEADER || header > length)
        return "truncated";
    total = nat_get16(bytes + 2);
    if (total < header || total > length)
        return "truncated";
    if (packet_checksum(0, bytes, header) != 0)
        return "checksum";
    uint16_t fragment = (uint16_t)nat_get16(bytes + 6);
    d->from = d->to = (struct addr){.family = ADDR_V4};
    memcpy(d->from.ip, bytes + 12, 4);
    memcpy(d->to.ip, bytes + 16, 4);
    d->protocol = bytes[9];
    d->ttl = bytes[8];
    d->fragment = (struct nat_fragment){.id = (uint16_t)nat_get16(bytes + 4),
                                        .offset = (uint16_t)((fragment & V4_OFFSET) * 8),
                                        .more = (fragment & V4_MORE) != 0,
                                        .forbidden = (fragment & V4_DF) != 0};
    p->length = total;
    p->transport = header;
    return NULL;
}

/* Steps over extension headers; a fragment's is read. */
static const char *read_v6(struct packet *p, uint8_t *bytes, uint32_t length)
{
    struct nat_datagram *d = &p->datagram;
    if (length < V6_HEADER)
        return "truncated";
    uint32_t at = V6_HEADER, end = V6_HEADER + nat_get16(bytes + 4);
    uint8_t next = bytes[6];
    if (end > length)
        return "truncated";
    d->from = addr_v6(bytes + 8, 0);
    d->to = addr_v6(bytes + 24, 0);
    d->ttl = bytes[7];
    while (next == V6_HOP_BY_HOP || next == V6_ROUTING || next == V6_OPTIONS ||
           next == V6_FRAGMENT) {
        if (at + 8 > end)
            return "truncated";
        uint32_t size = next == V6_FRAGMENT ? FRAGMENT_HEADER : 8 + bytes[at + 1] * 8u;
        if (next == V6_FRAGMENT)
            d->fragment = (struct nat_fragment){.id = (uint16_t)nat_get16(bytes + at + 6),
                                                .offset = nat_get16(bytes + at + 2) & 0xfff8,
                                                .more = bytes[at + 3] & 1};
        next = bytes[at];
        at += size;
        if (at > end)
            return "truncated";
    }
    d->protocol = next;
    p->length = end;
    p->transport = at;
    return NULL;
}

const char *packet_read(struct packet *p, enum nat_side from, uint8_t *bytes, uint32_t length)
{
    *p = (struct packet){.bytes = bytes};
    if (length < V4_HEADER || length >= PACKET_ROOM)
        return "truncated";
    const char *why = bytes[0] >> 4 == 4   ? read_v4(p, bytes, length)
                      : bytes[0] >> 4 == 6 ? read_v6(p, bytes, length)
                                           : "version";
    if (!why)
        why = read_transport(p, from, bytes + p->transport, p->length - p->transport);
    p->before = p->datagram;
    return why;
}

/* ---- writing ---- */

static uint16_t fragment_field(const struct nat_fragment *f)
{
    return (uint16_t)(f->offset / 8 | (f->more ? V4_MORE : 0) | (f->forbidden ? V4_DF : 0));
}

/* Writes an IPv4 header of `header` bytes, of which the options stand already. */
static void write_v4(const struct nat_datagram *d, uint8_t *out, uint32_t header, uint32_t total)
{
    out[0] = (uint8_t)(0x40 | header / 4);
    nat_put16(out + 2, total);
    nat_put16(out + 4, d->fragment.id);
    nat_put16(out + 6, fragment_field(&d->fragment));
    out[8] = d->ttl;
    out[9] = d->protocol;
    memcpy(out + 12, d->from.ip, 4);
    memcpy(out + 16, d->to.ip, 4);
    nat_put16(out + 10, 0);
    nat_put16(out + 10, packet_checksum(0, out, header));
}

static void write_v6(const struct nat_datagram *d, uint8_t *out, uint32_t total)
{
    nat_put16(out + 4, total - V6_HEADER);
    out[7] = d->ttl;
    memcpy(out + 8, d->from.ip, 16);
    memcpy(out + 24, d->to.ip, 16);
}

/* A header without options, for a packet that had none of this family. */
static uint32_t fresh_header(const struct nat_datagram *d, uint8_t *out)
{
    bool six = d->from.family == ADDR_V6;
    memset(out, 0, six ? V6_HEADER : V4_HEADER);
    if (six) {
        out[0] = 0x60;
        out[6] = d->protocol;
    }
    return six ? V6_HEADER : V4_HEADER;
}

static void write_ip(const struct nat_datagram *d, uint8_t *out, uint32_t header, uint32_t total)
{
    if (d->from.family == ADDR_V6)
        write_v6(d, out, total);
    else
        write_v4(d, out, header, total);
}

static bool is_piece(const struct nat_datagram *d)
{
    return d->fragment.offset != 0 || d->fragment.more;
}

/* The checksum of a whole transport datagram of `length` bytes, written in its place. */
static void put_checksum(const struct nat_datagram *d, uint8_t *transport, uint32_t length)
{
    uint8_t *at = transport + checksum_at(d->protocol);
    uint32_t sum = d->protocol == NAT_ICMP ? 0 : pseudo_header(d, length);
    nat_put16(at, 0);
    uint16_t checksum = packet_checksum(sum, transport, length);
    nat_put16(at, checksum == 0 && d->protocol == NAT_UDP ? 0xffff : checksum);
}

/* ICMP: the identifier of a query, and the checksum.  Of a piece neither is known. */
static void finish_icmp(const struct nat_datagram *d, enum nat_side from, uint8_t *transport,
                        uint32_t length)
{
    if (is_piece(d))
        return;
    if (is_query(d))
        nat_put16(transport + 4, from == NAT_INSIDE ? d->from.port : d->to.port);
    put_checksum(d, transport, length);
}

/* UDP, TCP: ports, length and checksum behind the header that stands there. */
static void finish_ports(const struct packet *p, uint8_t *transport, uint32_t length)
{
    const struct nat_datagram *d = &p->datagram, *before = &p->before;
    uint8_t *at = transport + checksum_at(d->protocol);
    bool same = d->bytes == before->bytes && d->length == before->length;
    bool none = d->protocol == NAT_UDP && nat_get16(at) == 0;
    nat_put16(transport, d->from.port);
    nat_put16(transport + 2, d->to.port);
    if (d->protocol == NAT_UDP && !is_piece(d))
        nat_put16(transport + 4, length);
    if (none && d->from.family == ADDR_V4)
        return;
    if ((none || !same) && !is_piece(d)) {
        put_checksum(d, transport, length);
    } else {
        uint16_t checksum = adjusted((uint16_t)nat_get16(at), before, d);
        nat_put16(at, checksum == 0 && d->protocol == NAT_UDP ? 0xffff : checksum);
    }
}

uint32_t packet_write(const struct packet *p, enum nat_side from, uint8_t *out)
{
    const struct nat_datagram *d = &p->datagram, *before = &p->before;
    uint32_t header = p->transport, kept;
    if (d->from.family == before->from.family)
        memcpy(out, p->bytes, header);
    else
        header = fresh_header(d, out);
    /* The transport header that stands between the IP header and the payload. */
    kept = (uint32_t)(before->bytes - (p->bytes + p->transport));
    memcpy(out + header, p->bytes + p->transport, kept);
    memcpy(out + header + kept, d->bytes, d->length);
    uint32_t length = kept + d->length;
    if (d->fragment.offset != 0)
        ;
    else if (is_icmp(d))
        finish_icmp(d, from, out + header, length);
    else if (d->protocol == NAT_UDP || d->protocol == NAT_TCP)
        finish_ports(p, out + header, length);
    write_ip(d, out, header, header + length);
    return header + length;
}

uint32_t packet_make(const struct nat_datagram *d, uint16_t id, uint8_t *out)
{
    struct nat_datagram sent = *d;
    uint32_t header = fresh_header(d, out);
    uint32_t kept = d->protocol == NAT_UDP && d->fragment.offset == 0 ? UDP_HEADER : 0;
    uint8_t *transport = out + header;
    if (d->protocol == NAT_TCP && d->fragment.offset == 0)
        return 0;
    if (!is_piece(d) && d->fragment.id == 0)
        sent.fragment.id = id;
    memset(transport, 0, kept);
    memcpy(transport + kept, d->bytes, d->length);
    if (kept) {
        nat_put16(transport, d->from.port);
        nat_put16(transport + 2, d->to.port);
        nat_put16(transport + 4, kept + d->length);
    }
    if (!is_piece(d) && (kept || is_icmp(d)))
        put_checksum(d, transport, kept + d->length);
    write_ip(&sent, out, header, header + kept + d->length);
    return header + kept + d->length;
}

void packet_sum(uint8_t *bytes, uint32_t length)
{
    struct packet p;
    if (packet_read(&p, NAT_INSIDE, bytes, length) || is_piece(&p.datagram) ||
        (p.datagram.protocol != NAT_UDP && p.datagram.protocol != NAT_TCP))
        return;
    put_checksum(&p.datagram, bytes + p.transport, p.length - p.transport);
}
