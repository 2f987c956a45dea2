/* ether.c: see ether.h. */
#define _DEFAULT_SOURCE /* struct ifreq */
#include "sim/natbox/ether.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sim/natbox/neighbour.h"
#include "sim/natbox/packet.h"
#include "sim/natbox/segment.h"
#include "stack/check.h"

#define OFFLOAD sizeof(struct virtio_net_hdr)
#define FRAME   (NEIGHBOUR_HEADER + PACKET_ROOM)
#define BATCH   256 /* packets taken before others have their turn */

struct ether {
    int fd;
    char name[IF_NAMESIZE];
    uint8_t mac[NEIGHBOUR_MAC];
    struct neighbours *neighbours;
    uint32_t count;
    struct ether_prefix own[ETHER_OWN];
    struct addr via, via6;
    uint8_t in[OFFLOAD + FRAME], out[OFFLOAD + FRAME];
};

static mist_time now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return SEC(t.tv_sec) + t.tv_nsec;
}

/* A frame that nobody takes is lost, as on a wire. */
static void send_frame(void *data, const uint8_t *bytes, uint32_t length)
{
    struct ether *e = data;
    memset(e->out, 0, OFFLOAD);
    memmove(e->out + OFFLOAD, bytes, length);
    if (send(e->fd, e->out, OFFLOAD + length, 0) < 0)
        return;
}

/* ---- opening ---- */

static int find_interface(struct ether *e, int *index)
{
    struct ifreq request = {0};
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", e->name);
    if (ioctl(e->fd, SIOCGIFINDEX, &request) != 0)
        return -1;
    *index = request.ifr_ifindex;
    if (ioctl(e->fd, SIOCGIFHWADDR, &request) != 0)
        return -1;
    memcpy(e->mac, request.ifr_hwaddr.sa_data, NEIGHBOUR_MAC);
    return 0;
}

static int attach(struct ether *e, int index)
{
    int on = 1;
    struct sockaddr_ll place = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
    struct packet_mreq all = {.mr_ifindex = index, .mr_type = PACKET_MR_ALLMULTI};
    if (setsockopt(e->fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0 ||
        setsockopt(e->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
        setsockopt(e->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0)
        return -1;
    return bind(e->fd, (const struct sockaddr *)&place, sizeof place);
}

struct ether *ether_open(const char *interface, const struct ether_prefix *own, uint32_t count,
                         bool *lacking, char *error, int error_size)
{
    struct ether *e = calloc(1, sizeof *e);
    int index = 0;
    CHECK(e && count <= ETHER_OWN);
    (void)snprintf(e->name, sizeof e->name, "%s", interface);
    e->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *lacking = e->fd < 0 && errno == EPERM;
    if (e->fd < 0 || find_interface(e, &index) != 0 || attach(e, index) != 0) {
        (void)snprintf(error, (size_t)error_size, "interface %s: %s%s", interface, strerror(errno),
                       *lacking ? "; packet sockets need root or CAP_NET_RAW" : "");
        if (e->fd >= 0)
            (void)close(e->fd);
        free(e);
        return NULL;
    }
    struct neighbour_calls calls = {.data = e, .frame = send_frame};
    e->neighbours = neighbours_open(e->mac, &calls);
    for (e->count = 0; e->count < count; e->count++) {
        e->own[e->count] = own[e->count];
        (void)neighbours_own(e->neighbours, &own[e->count].address);
    }
    return e;
}

void ether_close(struct ether *e)
{
    neighbours_close(e->neighbours);
    (void)close(e->fd);
    free(e);
}

int ether_also(struct ether *e, const struct addr *address)
{
    return neighbours_own(e->neighbours, address);
}

void ether_via(struct ether *e, const struct addr *router)
{
    *(router->family == ADDR_V6 ? &e->via6 : &e->via) = *router;
}

int ether_fd(const struct ether *e)
{
    return e->fd;
}

const char *ether_name(const struct ether *e)
{
    return e->name;
}

static bool in_network(const struct ether_prefix *p, const struct addr *a)
{
    uint32_t bytes = p->bits / 8, rest = p->bits % 8;
    if (a->family != p->address.family || memcmp(a->ip, p->address.ip, bytes) != 0)
        return false;
    uint32_t differ = rest ? a->ip[bytes] ^ p->address.ip[bytes] : 0u;
    return (differ >> (8 - rest)) == 0;
}

bool ether_is_near(const struct ether *e, const struct addr *address)
{
    for (uint32_t i = 0; i < e->count; i++)
        if (in_network(&e->own[i], address))
            return true;
    return false;
}

/* ---- packets ---- */

struct cut {
    void (*each)(void *data, uint8_t *bytes, uint32_t length);
    void *data;
};

static void each_segment(void *data, uint8_t *bytes, uint32_t length)
{
    const struct cut *cut = data;
    packet_sum(bytes, length);
    cut->each(cut->data, bytes, length);
}

/* Routed are only packets that this port was sent: not what all hear. */
static bool is_for_us(const struct ether *e, const uint8_t *frame, uint32_t length)
{
    return length > NEIGHBOUR_HEADER && memcmp(frame, e->mac, NEIGHBOUR_MAC) == 0;
}

static void take(struct ether *e, uint32_t length, struct cut *cut)
{
    struct virtio_net_hdr offload;
    uint8_t *frame = e->in + OFFLOAD, *packet = frame + NEIGHBOUR_HEADER;
    memcpy(&offload, e->in, OFFLOAD);
    if (neighbours_take(e->neighbours, now(), frame, length) || !is_for_us(e, frame, length))
        return;
    length -= NEIGHBOUR_HEADER;
    if (offload.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
        (void)segment_cut(packet, length, offload.gso_size, each_segment, cut);
        return;
    }
    if (offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
        packet_sum(packet, length);
    cut->each(cut->data, packet, length);
}

void ether_receive(struct ether *e, void (*each)(void *data, uint8_t *bytes, uint32_t length),
                   void *data)
{
    struct cut cut = {each, data};
    for (int i = 0; i < BATCH; i++) {
        ssize_t got = recv(e->fd, e->in, sizeof e->in, MSG_TRUNC);
        if (got < 0)
            return;
        if ((size_t)got > OFFLOAD && (size_t)got <= sizeof e->in)
            take(e, (uint32_t)((size_t)got - OFFLOAD), &cut);
    }
}

static struct addr receiver(const uint8_t *bytes)
{
    if (bytes[0] >> 4 == 6)
        return addr_v6(bytes + 24, 0);
    struct addr to = {.family = ADDR_V4};
    memcpy(to.ip, bytes + 16, 4);
    return to;
}

void ether_send(struct ether *e, const uint8_t *bytes, uint32_t length)
{
    uint8_t frame[FRAME];
    struct addr to = receiver(bytes);
    if (!ether_is_near(e, &to))
        to = to.family == ADDR_V6 ? e->via6 : e->via;
    if (to.family == ADDR_NONE || length > PACKET_ROOM)
        return;
    memcpy(frame + NEIGHBOUR_HEADER, bytes, length);
    neighbours_send(e->neighbours, now(), &to, frame, NEIGHBOUR_HEADER + length);
}
