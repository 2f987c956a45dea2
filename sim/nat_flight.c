/* nat_flight.c: see nat_flight.h.  Packets wait in a line; each step takes the
 * first through one box and appends what comes of it. */
#include "sim/nat_flight.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "stack/check.h"

/* ---- the packet ---- */

enum { PAYLOAD = 16 };
enum { ECHO_REQUEST6 = 128 }; /* RFC 4443; errors stand below */
enum { ECHO_REQUEST = 8, UNREACHABLE = 3, TIME_EXCEEDED = 11, PARAMETER = 12 };
enum { ICMP_HEADER = 8, IP_HEADER = 20, EMBEDDED = 8 }; /* RFC 792 */
enum { UDP_HEADER = 8, TCP_HEADER = 20, UNIT = 8 };     /* UNIT: fragments count in it */

static uint32_t transport_header(uint8_t protocol)
{
    return protocol == NAT_UDP ? UDP_HEADER : protocol == NAT_TCP ? TCP_HEADER : 0;
}

/* Bytes behind the IP header. */
static uint32_t ip_payload(const struct nat_datagram *d)
{
    return d->length + (d->fragment.offset == 0 ? transport_header(d->protocol) : 0);
}

void nat_flight_query(struct nat_flight *f, uint8_t protocol, uint8_t ttl, const struct addr *from,
                      const struct addr *to)
{
    memset(f, 0, sizeof *f);
    f->why = "lost";
    f->datagram = (struct nat_datagram){.from = *from, .to = *to, .protocol = protocol, .ttl = ttl};
    nat_flight_enlarge(f, f->bytes, PAYLOAD);
}

void nat_flight_enlarge(struct nat_flight *f, uint8_t *bytes, uint32_t size)
{
    memset(bytes, 0, size);
    if (f->datagram.protocol == NAT_ICMP)
        bytes[0] = ECHO_REQUEST;
    else if (f->datagram.protocol == NAT_ICMP6)
        bytes[0] = ECHO_REQUEST6;
    f->datagram.bytes = bytes;
    f->datagram.length = size;
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* RFC 1071, over an even number of bytes. */
static void put_checksum(uint8_t *bytes, uint32_t length, uint32_t place)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < length; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    put16(bytes + place, ~sum & 0xffff);
}

void nat_flight_error(struct nat_flight *f, uint8_t type, uint8_t code, uint8_t protocol,
                      const struct addr *about_from, const struct addr *about_to)
{
    uint8_t *ip = f->bytes + ICMP_HEADER, *transport = ip + IP_HEADER;
    f->error = true;
    f->datagram.bytes = f->bytes;
    f->datagram.protocol = NAT_ICMP;
    f->datagram.length = ICMP_HEADER + IP_HEADER + EMBEDDED;
    memset(f->bytes, 0, f->datagram.length);
    f->bytes[0] = type;
    f->bytes[1] = code;
    ip[0] = 0x45;
    put16(ip + 2, IP_HEADER + EMBEDDED);
    ip[8] = 1;
    ip[9] = protocol;
    memcpy(ip + 12, about_from->ip, 4);
    memcpy(ip + 16, about_to->ip, 4);
    put_checksum(ip, IP_HEADER, 10);
    if (protocol == NAT_ICMP) {
        transport[0] = ECHO_REQUEST;
        put16(transport + 4, about_from->port);
    } else {
        put16(transport, about_from->port);
        put16(transport + 2, about_to->port);
    }
    put_checksum(f->bytes, f->datagram.length, 2);
}

void nat_flight_damage(struct nat_flight *f)
{
    f->datagram.bytes[f->datagram.length - 1] ^= 1;
}

void nat_flight_put_address(struct nat_flight *f, const struct addr *address)
{
    CHECK(f->datagram.length >= NAT_FLIGHT_ADDRESS + sizeof f->address);
    memcpy(f->datagram.bytes + NAT_FLIGHT_ADDRESS, address->ip, sizeof f->address);
}

/* ---- the line ---- */

struct packet {
    struct packet *next;
    bool up;        /* outward */
    uint32_t level; /* boxes inside of it */
    struct nat_datagram datagram;
    uint8_t bytes[];
};

struct line {
    const struct nat_chain *chain;
    bool outward; /* what flies was sent from inside */
    mist_time now;
    struct nat_flight *flight;
    struct packet *first, **end;
};

/* Copies the datagram and its bytes, which may be a box's own. */
static void append(struct line *line, const struct nat_datagram *d, bool up, uint32_t level)
{
    struct packet *p = malloc(sizeof *p + d->length);
    CHECK(p);
    p->next = NULL;
    p->up = up;
    p->level = level;
    p->datagram = *d;
    p->datagram.bytes = p->bytes;
    if (d->length)
        memcpy(p->bytes, d->bytes, d->length);
    *line->end = p;
    line->end = &p->next;
}

static bool is_error(const struct nat_datagram *d)
{
    if (d->protocol == NAT_ICMP6)
        return d->length > 1 && d->bytes[0] < ECHO_REQUEST6;
    return d->protocol == NAT_ICMP && d->fragment.offset == 0 && d->length > 1 &&
           (d->bytes[0] == UNREACHABLE || d->bytes[0] == TIME_EXCEEDED || d->bytes[0] == PARAMETER);
}

/* At a host: what was sent, or an error about it. */
static void arrive(struct line *line, const struct packet *p)
{
    const struct nat_datagram *d = &p->datagram;
    struct nat_flight *f = line->flight;
    if (is_error(d) && !f->error) {
        f->answered = true;
        f->type = d->bytes[0];
        f->code = d->bytes[1];
        return;
    }
    f->packets++;
    f->arrived += ip_payload(d);
    f->turned = line->outward && !p->up;
    if (d->fragment.offset != 0)
        return;
    f->datagram = *d;
    f->datagram.bytes = NULL;
    if (d->length >= NAT_FLIGHT_ADDRESS + sizeof f->address)
        memcpy(f->address, d->bytes + NAT_FLIGHT_ADDRESS, sizeof f->address);
}

static void note_drop(struct nat_flight *f, enum nat_verdict verdict)
{
    if (verdict != NAT_DROP_KEPT)
        f->why = nat_verdict_word(verdict);
}

/* What the box sends besides: both its sides are one level apart. */
static void drain(struct line *line, uint32_t box)
{
    struct nat_datagram sent;
    enum nat_side side;
    while (nat_output(line->chain->boxes[box], &sent, &side))
        append(line, &sent, side == NAT_OUTSIDE, side == NAT_OUTSIDE ? box + 1 : box);
}

static void go_up(struct line *line, struct packet *p)
{
    struct nat_datagram *d = &p->datagram;
    if (p->level == line->chain->count) {
        arrive(line, p);
        return;
    }
    enum nat_verdict verdict = nat_outbound(line->chain->boxes[p->level], line->now, d);
    if (verdict == NAT_PASS)
        append(line, d, true, p->level + 1);
    else if (verdict == NAT_HAIRPIN)
        append(line, d, false, p->level);
    else
        note_drop(line->flight, verdict);
    drain(line, p->level);
}

/* Is the box the one that answers for the packet's destination?  What a
 * firewall stands before is routed through it, and so are the replies to what a box
 * left untranslated. */
static bool has(const struct nat *box, const struct nat_datagram *d)
{
    return nat_policy_of(box)->kind == NAT_KIND_FIREWALL || nat_owns(box, &d->to) ||
           nat_exempts(box, &d->from);
}

static void go_down(struct line *line, struct packet *p)
{
    struct nat_datagram *d = &p->datagram;
    if (p->level == 0) {
        arrive(line, p);
        return;
    }
    struct nat *box = line->chain->boxes[p->level - 1];
    if (!has(box, d)) {
        line->flight->why = "nobody";
        return;
    }
    enum nat_verdict verdict = nat_inbound(box, line->now, d);
    if (verdict == NAT_PASS)
        append(line, d, false, p->level - 1);
    else
        note_drop(line->flight, verdict);
    drain(line, p->level - 1);
}

static void run(struct line *line)
{
    while (line->first) {
        struct packet *p = line->first;
        if (p->up)
            go_up(line, p);
        else
            go_down(line, p);
        line->first = p->next;
        free(p);
    }
    line->end = &line->first;
}

/* ---- pieces ---- */

static uint32_t piece_size(uint32_t all, uint32_t pieces)
{
    uint32_t size = (all + pieces - 1) / pieces;
    return (size + UNIT - 1) / UNIT * UNIT;
}

bool nat_flight_can_cut(uint8_t protocol, uint32_t size, uint32_t pieces)
{
    uint32_t header = transport_header(protocol), all = header + size;
    uint32_t each = piece_size(all, pieces);
    return each >= header && each * (pieces - 1) < all;
}

/* The number-th of so many pieces, from 0. */
static struct nat_datagram cut(const struct nat_datagram *whole, uint32_t pieces, uint32_t number)
{
    uint32_t header = transport_header(whole->protocol), all = header + whole->length;
    uint32_t each = piece_size(all, pieces), start = each * number;
    uint32_t end = start + each < all ? start + each : all;
    struct nat_datagram piece = *whole;
    piece.fragment.id = 1;
    piece.fragment.offset = (uint16_t)start;
    piece.fragment.more = end < all;
    piece.length = end - (start == 0 ? header : start);
    piece.bytes = whole->bytes + (start == 0 ? 0 : start - header);
    if (start != 0)
        piece.from.port = piece.to.port = 0;
    return piece;
}

/* One after the other, as they would come over a wire. */
static void send_all(const struct nat_chain *chain, mist_time now, struct nat_flight *f, bool up)
{
    struct line line = {.chain = chain, .outward = up, .now = now, .flight = f};
    struct nat_datagram whole = f->datagram;
    uint32_t level = up ? 0 : chain->count;
    line.end = &line.first;
    f->wanted = ip_payload(&whole);
    if (!f->pieces)
        append(&line, &whole, up, level);
    run(&line);
    for (uint32_t i = 0; f->pieces && i < f->pieces->count; i++) {
        struct nat_datagram piece = cut(&whole, f->pieces->of, f->pieces->order[i] - 1u);
        append(&line, &piece, up, level);
        run(&line);
    }
    f->passed = f->arrived == f->wanted;
}

void nat_flight_out(const struct nat_chain *chain, mist_time now, struct nat_flight *f)
{
    send_all(chain, now, f, true);
}

void nat_flight_in(const struct nat_chain *chain, mist_time now, struct nat_flight *f)
{
    send_all(chain, now, f, false);
}
