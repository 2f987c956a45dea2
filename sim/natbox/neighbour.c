/* neighbour.c: see neighbour.h. */
#include "sim/natbox/neighbour.h"

#include <stdlib.h>
#include <string.h>

#include "nat-models/bytes.h"
#include "sim/natbox/packet.h"
#include "stack/check.h"

#define KNOWN   1024    /* neighbours at once; the one that was quiet longest makes room */
#define WAITING 3       /* packets per neighbour that wait, as in Linux */
#define ASK     SEC(1)  /* between two questions (RFC 4861, RETRANS_TIMER) */
#define FRESH   SEC(30) /* believed for so long without a question (REACHABLE_TIME) */

enum { TYPE_IP = 0x0800, TYPE_ARP = 0x0806, TYPE_IP6 = 0x86dd };
enum { ARP_BYTES = 28, ARP_ASK = 1, ARP_ANSWER = 2 };
enum { V6_HEADER = 40, ND_BYTES = 32, ND_ASK = 135, ND_ANSWER = 136, ND_TTL = 255 };
enum { ND_SOURCE_MAC = 1, ND_TARGET_MAC = 2, ND_SOLICITED_OVERRIDE = 0x60 };

struct neighbour {
    struct addr address; /* family ADDR_NONE: none */
    uint8_t mac[NEIGHBOUR_MAC];
    bool known;
    mist_time heard, asked, used;
    uint32_t waiting;
    struct {
        uint32_t length;
        uint8_t *frame;
    } wait[WAITING];
};

struct neighbours {
    uint8_t mac[NEIGHBOUR_MAC];
    struct neighbour_calls calls;
    uint32_t own_count;
    struct addr own[NEIGHBOUR_OWN];
    struct neighbour list[KNOWN];
};

static const uint8_t everybody[NEIGHBOUR_MAC] = {255, 255, 255, 255, 255, 255};

struct neighbours *neighbours_open(const uint8_t mac[NEIGHBOUR_MAC],
                                   const struct neighbour_calls *calls)
{
    struct neighbours *n = calloc(1, sizeof *n);
    CHECK(n);
    memcpy(n->mac, mac, NEIGHBOUR_MAC);
    n->calls = *calls;
    return n;
}

static void forget_waiting(struct neighbour *one)
{
    for (uint32_t i = 0; i < one->waiting; i++)
        free(one->wait[i].frame);
    one->waiting = 0;
}

void neighbours_close(struct neighbours *n)
{
    for (uint32_t i = 0; i < KNOWN; i++)
        forget_waiting(&n->list[i]);
    free(n);
}

int neighbours_own(struct neighbours *n, const struct addr *address)
{
    if (n->own_count == NEIGHBOUR_OWN)
        return -1;
    n->own[n->own_count++] = *address;
    return 0;
}

static bool owns(const struct neighbours *n, const struct addr *address)
{
    for (uint32_t i = 0; i < n->own_count; i++)
        if (addr_same_ip(&n->own[i], address))
            return true;
    return false;
}

static struct neighbour *find(struct neighbours *n, const struct addr *address)
{
    for (uint32_t i = 0; i < KNOWN; i++)
        if (n->list[i].address.family && addr_same_ip(&n->list[i].address, address))
            return &n->list[i];
    return NULL;
}

/* A place for a new one. */
static struct neighbour *place(struct neighbours *n, mist_time now, const struct addr *address)
{
    struct neighbour *oldest = &n->list[0];
    for (uint32_t i = 0; i < KNOWN && oldest->address.family; i++)
        if (!n->list[i].address.family || n->list[i].used < oldest->used)
            oldest = &n->list[i];
    forget_waiting(oldest);
    *oldest = (struct neighbour){.address = *address, .asked = now - ASK, .used = now};
    return oldest;
}

/* ---- frames ---- */

static void put_header(const struct neighbours *n, uint8_t *frame, const uint8_t *to, uint32_t type)
{
    memcpy(frame, to, NEIGHBOUR_MAC);
    memcpy(frame + 6, n->mac, NEIGHBOUR_MAC);
    nat_put16(frame + 12, type);
}

static void send_arp(const struct neighbours *n, uint32_t operation, const struct addr *from,
                     const struct addr *about, const uint8_t *to)
{
    static const uint8_t ethernet_ipv4[6] = {0, 1, 8, 0, 6, 4};
    uint8_t frame[NEIGHBOUR_HEADER + ARP_BYTES] = {0}, *arp = frame + NEIGHBOUR_HEADER;
    put_header(n, frame, to, TYPE_ARP);
    memcpy(arp, ethernet_ipv4, sizeof ethernet_ipv4);
    nat_put16(arp + 6, operation);
    memcpy(arp + 8, n->mac, NEIGHBOUR_MAC);
    memcpy(arp + 14, from->ip, 4);
    if (operation == ARP_ANSWER)
        memcpy(arp + 18, to, NEIGHBOUR_MAC);
    memcpy(arp + 24, about->ip, 4);
    n->calls.frame(n->calls.data, frame, sizeof frame);
}

static void send_nd(const struct neighbours *n, uint8_t type, const struct addr *from,
                    const struct addr *to, const struct addr *target, const uint8_t *mac)
{
    uint8_t body[ND_BYTES] = {type}, frame[NEIGHBOUR_HEADER + V6_HEADER + ND_BYTES];
    struct nat_datagram d = {.from = *from,
                             .to = *to,
                             .protocol = NAT_ICMP6,
                             .ttl = ND_TTL,
                             .length = sizeof body,
                             .bytes = body};
    body[4] = type == ND_ANSWER ? ND_SOLICITED_OVERRIDE : 0;
    memcpy(body + 8, target->ip, 16);
    body[24] = type == ND_ANSWER ? ND_TARGET_MAC : ND_SOURCE_MAC;
    body[25] = 1;
    memcpy(body + 26, n->mac, NEIGHBOUR_MAC);
    put_header(n, frame, mac, TYPE_IP6);
    uint32_t length = packet_make(&d, 0, frame + NEIGHBOUR_HEADER);
    n->calls.frame(n->calls.data, frame, NEIGHBOUR_HEADER + length);
}

/* The own address from which to ask. */
static const struct addr *own_of(const struct neighbours *n, uint8_t family)
{
    for (uint32_t i = 0; i < n->own_count; i++)
        if (n->own[i].family == family)
            return &n->own[i];
    return NULL;
}

/* RFC 4291, 2.7.1: ff02::1:ff and the last three bytes. */
static struct addr solicited_node(const struct addr *target)
{
    uint8_t ip[16] = {0xff, 2, [11] = 1, [12] = 0xff};
    memcpy(ip + 13, target->ip + 13, 3);
    return addr_v6(ip, 0);
}

static void ask(struct neighbours *n, mist_time now, struct neighbour *one)
{
    const struct addr *from = own_of(n, one->address.family);
    if (!from || now - one->asked < ASK)
        return;
    one->asked = now;
    if (one->address.family == ADDR_V4) {
        send_arp(n, ARP_ASK, from, &one->address, everybody);
    } else {
        struct addr group = solicited_node(&one->address);
        uint8_t mac[NEIGHBOUR_MAC] = {0x33, 0x33};
        memcpy(mac + 2, group.ip + 12, 4);
        send_nd(n, ND_ASK, from, &group, &one->address, mac);
    }
}

static void learn(struct neighbours *n, mist_time now, const struct addr *address,
                  const uint8_t *mac)
{
    struct neighbour *one = find(n, address);
    if (!one)
        one = place(n, now, address);
    memcpy(one->mac, mac, NEIGHBOUR_MAC);
    one->known = true;
    one->heard = now;
    for (uint32_t i = 0; i < one->waiting; i++) {
        memcpy(one->wait[i].frame, mac, NEIGHBOUR_MAC);
        n->calls.frame(n->calls.data, one->wait[i].frame, one->wait[i].length);
    }
    forget_waiting(one);
}

static void take_arp(struct neighbours *n, mist_time now, const uint8_t *arp)
{
    struct addr from = addr_v4(nat_get32(arp + 14), 0), about = addr_v4(nat_get32(arp + 24), 0);
    uint32_t operation = nat_get16(arp + 6);
    if (nat_get16(arp + 2) != TYPE_IP || arp[4] != NEIGHBOUR_MAC || arp[5] != 4 || !owns(n, &about))
        return;
    if (addr_ip4(&from) != 0)
        learn(n, now, &from, arp + 8);
    if (operation == ARP_ASK)
        send_arp(n, ARP_ANSWER, &about, &from, arp + 8);
}

/* RFC 4861, 7.1: what does not come from this link is no neighbour's. */
static void take_nd(struct neighbours *n, mist_time now, const uint8_t *ip, uint32_t length)
{
    const uint8_t *body = ip + V6_HEADER;
    struct addr from = addr_v6(ip + 8, 0), target = addr_v6(body + 8, 0);
    bool has_mac = length >= V6_HEADER + ND_BYTES && body[25] == 1 &&
                   body[24] == (body[0] == ND_ASK ? ND_SOURCE_MAC : ND_TARGET_MAC);
    if (ip[7] != ND_TTL || !has_mac)
        return;
    if (body[0] == ND_ANSWER && find(n, &target)) {
        learn(n, now, &target, body + 26);
    } else if (body[0] == ND_ASK && owns(n, &target)) {
        learn(n, now, &from, body + 26);
        send_nd(n, ND_ANSWER, &target, &from, &target, body + 26);
    }
}

bool neighbours_take(struct neighbours *n, mist_time now, const uint8_t *frame, uint32_t length)
{
    const uint8_t *body = frame + NEIGHBOUR_HEADER;
    if (length < NEIGHBOUR_HEADER)
        return false;
    uint32_t type = nat_get16(frame + 12), room = length - NEIGHBOUR_HEADER;
    if (type == TYPE_ARP) {
        if (room >= ARP_BYTES)
            take_arp(n, now, body);
        return true;
    }
    if (type != TYPE_IP6 || room < V6_HEADER + 24 || body[6] != NAT_ICMP6 ||
        body[V6_HEADER] < 133 || body[V6_HEADER] > 137)
        return false;
    take_nd(n, now, body, room);
    return true;
}

static void wait_for(struct neighbour *one, const uint8_t *frame, uint32_t length)
{
    if (one->waiting == WAITING)
        return;
    uint8_t *copy = malloc(length);
    CHECK(copy);
    memcpy(copy, frame, length);
    one->wait[one->waiting].frame = copy;
    one->wait[one->waiting++].length = length;
}

void neighbours_send(struct neighbours *n, mist_time now, const struct addr *hop, uint8_t *frame,
                     uint32_t length)
{
    struct neighbour *one = find(n, hop);
    if (!one)
        one = place(n, now, hop);
    one->used = now;
    put_header(n, frame, one->mac, hop->family == ADDR_V4 ? TYPE_IP : TYPE_IP6);
    if (!one->known || now - one->heard > FRESH)
        ask(n, now, one);
    if (one->known)
        n->calls.frame(n->calls.data, frame, length);
    else
        wait_for(one, frame, length);
}
