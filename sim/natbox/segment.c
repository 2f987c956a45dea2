/* segment.c: see segment.h. */
#include "sim/natbox/segment.h"

#include <string.h>

#include "nat-models/bytes.h"
#include "sim/natbox/packet.h"

enum { FIN = 1, PSH = 8, CWR = 128 };

/* Where the transport header begins and ends; 0: not to be cut. */
struct shape {
    uint32_t ip, transport;
    uint8_t protocol;
};

static struct shape shape_of(const uint8_t *bytes, uint32_t length)
{
    struct shape s = {0};
    if (length < 40)
        return s;
    s.protocol = bytes[0] >> 4 == 4 ? bytes[9] : bytes[6];
    s.ip = bytes[0] >> 4 == 4 ? (bytes[0] & 15u) * 4 : 40;
    if (s.protocol == NAT_UDP && s.ip + 8 <= length)
        s.transport = s.ip + 8;
    else if (s.protocol == NAT_TCP && s.ip + 20 <= length)
        s.transport = s.ip + (bytes[s.ip + 12] >> 4) * 4u;
    if (s.ip < 20 || s.transport > length || (s.protocol == NAT_TCP && s.transport < s.ip + 20))
        s.transport = 0;
    return s;
}

static void put_lengths(uint8_t *bytes, const struct shape *s, uint32_t length, uint32_t number)
{
    if (bytes[0] >> 4 == 4) {
        nat_put16(bytes + 2, length);
        nat_put16(bytes + 4, nat_get16(bytes + 4) + number);
        nat_put16(bytes + 10, 0);
        nat_put16(bytes + 10, packet_checksum(0, bytes, s->ip));
    } else {
        nat_put16(bytes + 4, length - 40);
    }
    if (s->protocol == NAT_UDP)
        nat_put16(bytes + s->ip + 4, length - s->ip);
}

/* A segment further on in the stream; FIN and PSH belong to the last, CWR to the first. */
static void put_sequence(uint8_t *tcp, uint32_t offset, int first, int last)
{
    nat_put32(tcp + 4, nat_get32(tcp + 4) + offset);
    if (!last)
        tcp[13] &= (uint8_t) ~(FIN | PSH);
    if (!first)
        tcp[13] &= (uint8_t)~CWR;
}

int segment_cut(const uint8_t *bytes, uint32_t length, uint32_t payload,
                void (*each)(void *data, uint8_t *bytes, uint32_t length), void *data)
{
    struct shape s = shape_of(bytes, length);
    uint8_t cut[PACKET_ROOM];
    if (s.transport == 0 || payload == 0 || length >= PACKET_ROOM)
        return -1;
    uint32_t all = length - s.transport, number = 0;
    for (uint32_t at = 0; at < all; at += payload) {
        uint32_t size = all - at < payload ? all - at : payload;
        memcpy(cut, bytes, s.transport);
        memcpy(cut + s.transport, bytes + s.transport + at, size);
        put_lengths(cut, &s, s.transport + size, number);
        if (s.protocol == NAT_TCP)
            put_sequence(cut + s.ip, at, number == 0, at + size == all);
        number++;
        each(data, cut, s.transport + size);
    }
    return 0;
}
