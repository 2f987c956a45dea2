#include "sim/native/pieces.h"

#include <string.h>

#include "sim/native/memory.h"

#define SLOTS       16 /* datagrams in pieces that a host knows at once, as a box does */
#define UNIT        8  /* bytes that offsets count in */
#define PAYLOAD_MAX 65535
#define UNITS       ((PAYLOAD_MAX + UNIT) / UNIT)
#define UDP_HEADER  8
#define IPV4_HEADER 20

/* A datagram in pieces, from the first of them to arrive.  Its bytes are the IP payload;
 * where the UDP header stood, nothing. */
struct slot {
    mist_time end; /* free from then on; 0: never used */
    struct addr from, to;
    uint16_t id, port_from, port_to;
    uint8_t ttl;
    uint32_t total; /* of the IP payload; 0: the last piece has not come */
    uint32_t units; /* that have come */
    uint8_t have[(UNITS + 7) / 8];
    uint8_t bytes[PAYLOAD_MAX];
};

struct pieces {
    struct slot slots[SLOTS]; /* pages come into being when they are touched */
};

bool pieces_needed(const struct datagram *d, uint32_t mtu)
{
    return mtu != 0 && datagram_packet(d) > mtu;
}

bool pieces_allowed(const struct datagram *d)
{
    return d->to.family == ADDR_V4 && !d->fragment.forbidden && !d->icmp;
}

uint32_t pieces_cut(const struct datagram *d, uint32_t mtu, uint32_t at, struct datagram *piece)
{
    uint32_t most = (mtu - IPV4_HEADER) / UNIT * UNIT, all = datagram_payload(d);
    uint32_t end = all - at > most ? at + most : all;
    uint32_t header = all - d->length; /* stands before the bytes */
    *piece = *d;
    piece->fragment.offset = (uint16_t)(d->fragment.offset + at);
    piece->fragment.more = d->fragment.more || end < all;
    piece->length = (uint16_t)(end - (at == 0 ? header : at));
    piece->bytes = d->bytes + (at == 0 ? 0 : at - header);
    if (piece->fragment.offset != 0)
        piece->from.port = piece->to.port = 0;
    return end;
}

struct pieces *pieces_open(void)
{
    return memory_map(sizeof(struct pieces));
}

void pieces_close(struct pieces *p)
{
    memory_unmap(p, sizeof *p);
}

static bool is_of(const struct slot *s, mist_time now, const struct datagram *d)
{
    return s->end > now && s->id == d->fragment.id && addr_same_ip(&s->from, &d->from) &&
           addr_same_ip(&s->to, &d->to);
}

/* The datagram's slot, or a new one, in place of the oldest if need be. */
static struct slot *find_slot(struct pieces *p, mist_time now, const struct datagram *d)
{
    struct slot *oldest = &p->slots[0];
    for (int i = 0; i < SLOTS; i++) {
        struct slot *s = &p->slots[i];
        if (is_of(s, now, d))
            return s;
        oldest = s->end < oldest->end ? s : oldest;
    }
    memset(oldest->have, 0, sizeof oldest->have);
    oldest->end = now + PIECES_LIFETIME;
    oldest->from = d->from;
    oldest->to = d->to;
    oldest->id = d->fragment.id;
    oldest->total = oldest->units = 0;
    return oldest;
}

/* Units of [start, end) that had not come. */
static uint32_t mark(struct slot *s, uint32_t start, uint32_t end)
{
    uint32_t fresh = 0;
    for (uint32_t u = start / UNIT; u < (end + UNIT - 1) / UNIT; u++) {
        fresh += (s->have[u / 8] >> u % 8 & 1) == 0;
        s->have[u / 8] |= (uint8_t)(1u << u % 8);
    }
    return fresh;
}

bool pieces_join(struct pieces *p, mist_time now, const struct datagram *piece,
                 struct datagram *whole)
{
    uint32_t start = piece->fragment.offset, end = start + datagram_payload(piece);
    if (end > PAYLOAD_MAX)
        return false;
    struct slot *s = find_slot(p, now, piece);
    memcpy(s->bytes + end - piece->length, piece->bytes, piece->length);
    s->units += mark(s, start, end);
    if (start == 0) {
        s->port_from = piece->from.port;
        s->port_to = piece->to.port;
        s->ttl = piece->ttl;
    }
    if (!piece->fragment.more)
        s->total = end;
    if (s->total == 0 || s->units != (s->total + UNIT - 1) / UNIT)
        return false;
    s->end = 0;
    *whole = (struct datagram){.from = s->from,
                               .to = s->to,
                               .ttl = s->ttl,
                               .length = (uint16_t)(s->total - UDP_HEADER),
                               .bytes = s->bytes + UDP_HEADER};
    whole->from.port = s->port_from;
    whole->to.port = s->port_to;
    return true;
}
