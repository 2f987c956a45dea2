/* nat_flight.c: see nat_flight.h. */
#include "sim/nat_flight.h"

#include <string.h>

#include "stack/check.h"

/* ---- the packet ---- */

enum { ECHO_REQUEST = 8, PAYLOAD = 16 };
enum { ICMP_HEADER = 8, IP_HEADER = 20, EMBEDDED = 8 }; /* RFC 792 */

void nat_flight_query(struct nat_flight *f, uint8_t protocol, uint8_t ttl, const struct addr *from,
                      const struct addr *to)
{
    memset(f, 0, sizeof *f);
    if (protocol == NAT_ICMP)
        f->bytes[0] = ECHO_REQUEST;
    f->datagram = (struct nat_datagram){.from = *from,
                                        .to = *to,
                                        .protocol = protocol,
                                        .ttl = ttl,
                                        .length = PAYLOAD,
                                        .bytes = f->bytes};
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
    memset(f->bytes, 0, sizeof f->bytes);
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
    put_checksum(f->bytes, ICMP_HEADER + IP_HEADER + EMBEDDED, 2);
    f->datagram.protocol = NAT_ICMP;
    f->datagram.length = ICMP_HEADER + IP_HEADER + EMBEDDED;
}

/* ---- what boxes answer ---- */

/* The first ICMP error that a box sent to the packet's side. */
struct answer {
    bool is;
    uint32_t level;
    struct nat_datagram datagram;
    uint8_t bytes[NAT_FLIGHT_BYTES];
};

static void collect(const struct nat_chain *chain, uint32_t level, enum nat_side side,
                    struct answer *answer)
{
    struct nat_datagram sent;
    enum nat_side where;
    while (nat_output(chain->boxes[level], &sent, &where)) {
        if (answer->is || where != side || sent.protocol != NAT_ICMP ||
            sent.length > sizeof answer->bytes)
            continue;
        answer->is = true;
        answer->level = level;
        answer->datagram = sent;
        memcpy(answer->bytes, sent.bytes, sent.length);
        answer->datagram.bytes = answer->bytes;
    }
}

static void arrive(struct nat_flight *f, const struct answer *answer)
{
    f->answered = true;
    f->type = answer->bytes[0];
    f->code = answer->bytes[1];
}

/* Through the boxes between the one that answered and the host inside. */
static void answer_inside(const struct nat_chain *chain, mist_time now, struct answer *answer,
                          struct nat_flight *f)
{
    uint32_t level = answer->level;
    while (answer->is && level-- > 0)
        answer->is = !nat_is_drop(nat_inbound(chain->boxes[level], now, &answer->datagram));
    if (answer->is)
        arrive(f, answer);
}

static void answer_outside(const struct nat_chain *chain, mist_time now, struct answer *answer,
                           struct nat_flight *f)
{
    for (uint32_t level = answer->level + 1; answer->is && level < chain->count; level++)
        answer->is = nat_outbound(chain->boxes[level], now, &answer->datagram) == NAT_PASS;
    if (answer->is)
        arrive(f, answer);
}

/* ---- the way ---- */

/* Is the box the one that answers for the packet's destination?  What a
 * firewall stands before is routed through it. */
static bool has(const struct nat *box, const struct nat_flight *f)
{
    return nat_policy_of(box)->kind == NAT_KIND_FIREWALL || nat_owns(box, &f->datagram.to);
}

/* From the network inside box `level` down to a host. */
static void go_down(const struct nat_chain *chain, mist_time now, struct nat_flight *f,
                    uint32_t level, struct answer *answer)
{
    while (level-- > 0) {
        struct nat *box = chain->boxes[level];
        if (!has(box, f)) {
            f->why = "nobody";
            return;
        }
        enum nat_verdict verdict = nat_inbound(box, now, &f->datagram);
        if (answer)
            collect(chain, level, NAT_OUTSIDE, answer);
        if (nat_is_drop(verdict)) {
            f->why = nat_verdict_word(verdict);
            return;
        }
    }
    f->passed = true;
}

void nat_flight_in(const struct nat_chain *chain, mist_time now, struct nat_flight *f)
{
    struct answer answer = {0};
    go_down(chain, now, f, chain->count, &answer);
    answer_outside(chain, now, &answer, f);
}

/* Up to the outermost network, or to the box that turns it round. */
static void go_up(const struct nat_chain *chain, mist_time now, struct nat_flight *f,
                  struct answer *answer)
{
    for (uint32_t level = 0; level < chain->count; level++) {
        enum nat_verdict verdict = nat_outbound(chain->boxes[level], now, &f->datagram);
        collect(chain, level, NAT_INSIDE, answer);
        if (verdict == NAT_HAIRPIN) {
            f->turned = true;
            go_down(chain, now, f, level, NULL);
            return;
        }
        if (nat_is_drop(verdict)) {
            f->why = nat_verdict_word(verdict);
            return;
        }
    }
    f->passed = true;
}

void nat_flight_out(const struct nat_chain *chain, mist_time now, struct nat_flight *f)
{
    struct answer answer = {0};
    go_up(chain, now, f, &answer);
    answer_inside(chain, now, &answer, f);
}
