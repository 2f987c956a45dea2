#include <stdlib.h>

#include "nat-models/box.h"
#include "stack/check.h"

/* An ICMP error (RFC 792): type, code, checksum, 4 bytes unused, then the IPv4
 * header and the first 8 bytes of the datagram that it is about.
 *
 *      0        1        2..3       4..7      8..27          28..35
 *     +------+------+----------+---------+--------------+----------------+
 *     | type | code | checksum | unused  | IPv4 header  | UDP/TCP header |
 *     +------+------+----------+---------+--------------+----------------+  */
enum { ICMP_HEADER = 8, IP_HEADER = 20, EMBEDDED = 8, ERROR_BYTES = 36 };

/* A box answers one datagram with few. */
#define OUTBOX_MAX 4

struct sent {
    struct nat_datagram datagram;
    enum nat_side side;
    uint8_t bytes[ERROR_BYTES];
};

struct nat_outbox {
    const struct nat *owner;
    uint32_t count, drained;
    struct sent sent[OUTBOX_MAX];
};

/* ---- the outbox ---- */

void nat_outbox_clear(struct nat *nat)
{
    if (nat->slab->outbox != NULL)
        nat->slab->outbox->count = nat->slab->outbox->drained = 0;
}

/* A place for one more, or NULL. */
static struct sent *outbox_add(struct nat *nat)
{
    if (nat->slab->outbox == NULL) {
        nat->slab->outbox = calloc(1, sizeof *nat->slab->outbox);
        CHECK(nat->slab->outbox != NULL);
    }
    struct nat_outbox *outbox = nat->slab->outbox;
    outbox->owner = nat;
    return outbox->count == OUTBOX_MAX ? NULL : &outbox->sent[outbox->count++];
}

bool nat_output(struct nat *nat, struct nat_datagram *datagram, enum nat_side *side)
{
    struct nat_outbox *outbox = nat->slab->outbox;
    if (outbox == NULL || outbox->owner != nat || outbox->drained == outbox->count)
        return false;
    struct sent *sent = &outbox->sent[outbox->drained++];
    *datagram = sent->datagram;
    *side = sent->side;
    return true;
}

/* ---- bytes ---- */

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* RFC 1071, over an even number of bytes with the checksum's own place zero. */
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
    put16(bytes + place, 0);
    put16(bytes + place, checksum(bytes, length));
}

/* The IPv4 and transport header of d as it came in. */
static void put_embedded(uint8_t *at, const struct nat_datagram *d)
{
    at[0] = 0x45;
    put16(at + 2, IP_HEADER + EMBEDDED + d->length);
    put16(at + 4, d->fragment.id);
    at[8] = d->ttl;
    at[9] = d->protocol;
    memcpy(at + 12, d->from.ip, 4);
    memcpy(at + 16, d->to.ip, 4);
    put_checksum(at, IP_HEADER, 10);
    put16(at + IP_HEADER, d->from.port);
    put16(at + IP_HEADER + 2, d->to.port);
    put16(at + IP_HEADER + 4, EMBEDDED + d->length);
}

void nat_icmp_send(struct nat *nat, enum nat_side side, uint8_t type, uint8_t code,
                   const struct nat_datagram *d)
{
    if (d->from.family != ADDR_V4 || d->protocol == NAT_ICMP)
        return; /* RFC 1122 3.2.2: never an error about an error */
    struct sent *sent = outbox_add(nat);
    if (sent == NULL)
        return;
    memset(sent, 0, sizeof *sent);
    sent->side = side;
    sent->bytes[0] = type;
    sent->bytes[1] = code;
    put_embedded(sent->bytes + ICMP_HEADER, d);
    put_checksum(sent->bytes, ERROR_BYTES, 2);
    struct nat_datagram *out = &sent->datagram;
    out->from = side == NAT_OUTSIDE || nat->externals == 0 ? d->to : nat->external[0].addr;
    out->to = d->from;
    out->from.port = out->to.port = 0;
    out->protocol = NAT_ICMP;
    out->ttl = 64;
    out->length = ERROR_BYTES;
    out->bytes = sent->bytes;
}
