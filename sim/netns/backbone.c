/* backbone.c: see backbone.h. */
#define _GNU_SOURCE /* ppoll */
#include "sim/netns/backbone.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/draw.h"
#include "sim/engine.h"
#include "sim/latency.h"
#include "sim/natbox/ether.h"
#include "sim/natbox/flight.h"
#include "sim/natbox/packet.h"
#include "sim/native/directory.h"
#include "stack/check.h"

#define V4_HEADER 20
#define V6_HEADER 40
#define MILLION   1000000

/* An outermost attachment. */
struct port {
    struct ether *ether; /* NULL: there is no such attachment */
    struct line *up, *down;
    struct latency_end end;
    uint64_t sent;
};

struct station {
    const struct layout *layout;
    struct backbone_counts *counts;
    struct directory *directory;
    uint32_t count;
    struct port *ports; /* [attachments] */
    uint32_t from;      /* the port that is being read */
    struct flight flight;
};

static mist_time clock_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return SEC(t.tv_sec) + t.tv_nsec;
}

/* ---- opening ---- */

static bool is_outermost(const struct plan *p, uint32_t attachment)
{
    if (attachment < plan_places(p))
        return attachment < p->host_count && p->hosts[attachment].box == PLAN_NONE;
    return p->boxes[attachment - plan_places(p)].outer == PLAN_NONE;
}

static int open_port(struct station *s, uint32_t attachment)
{
    const struct plan *p = s->layout->plan;
    struct port *port = &s->ports[attachment];
    struct addr outside = layout_outside(s->layout, attachment);
    struct ether_prefix own[2];
    uint32_t own_count = layout_gateway_port(outside.family, false, own);
    struct line_quality up = layout_line(s->layout, attachment, true);
    struct line_quality down = layout_line(s->layout, attachment, false);
    char name[LINK_NAME], error[200];
    bool lacking, host = attachment < plan_places(p);
    uint32_t box = attachment - plan_places(p);
    if (host)
        layout_host_name(attachment, name);
    else
        layout_box_name(box, 'c', name);
    port->end =
        (struct latency_end){attachment, host ? p->hosts[attachment].region : p->boxes[box].region};
    port->up = line_open(&up, p->seed, 2 * attachment);
    port->down = line_open(&down, p->seed, 2 * attachment + 1);
    port->ether = ether_open(name, own, own_count, &lacking, error, sizeof error);
    if (!port->ether) {
        printf("backbone: %s\n", error);
        return -1;
    }
    ether_via(port->ether, &outside);
    return 0;
}

static int open_all(struct station *s)
{
    const struct plan *p = s->layout->plan;
    s->count = plan_places(p) + p->box_count;
    s->directory = directory_open(p);
    s->ports = calloc(s->count, sizeof *s->ports);
    CHECK(s->ports);
    for (uint32_t i = 0; i < s->count; i++)
        if (is_outermost(p, i) && open_port(s, i) != 0)
            return -1;
    return 0;
}

/* ---- packets ---- */

/* Where it goes; false: it is no IP packet. */
static bool read_target(const uint8_t *bytes, uint32_t length, struct addr *to)
{
    if (length >= V4_HEADER && bytes[0] >> 4 == 4 && (bytes[0] & 15u) * 4u <= length) {
        *to = (struct addr){.family = ADDR_V4};
        memcpy(to->ip, bytes + 16, 4);
        return true;
    }
    if (length < V6_HEADER || bytes[0] >> 4 != 6)
        return false;
    *to = addr_v6(bytes + 24, 0);
    return true;
}

/* Passes the core's routers.  Returns false where it dies there. */
static bool age(uint8_t *bytes)
{
    bool v4 = bytes[0] >> 4 == 4;
    uint8_t *ttl = bytes + (v4 ? 8 : 7);
    if (*ttl <= ENGINE_HOPS)
        return false;
    *ttl = (uint8_t)(*ttl - ENGINE_HOPS);
    if (!v4)
        return true;
    bytes[10] = bytes[11] = 0;
    uint16_t sum = packet_checksum(0, bytes, (bytes[0] & 15u) * 4u);
    bytes[10] = (uint8_t)(sum >> 8);
    bytes[11] = (uint8_t)sum;
    return true;
}

/* Loss and jitter as every engine has them: of the one-way delay, per packet. */
static bool carries(struct station *s, const struct port *from, const struct port *to,
                    uint64_t ordinal, mist_time *delay)
{
    const struct plan *p = s->layout->plan;
    struct draw_block draw =
        draw_block(p->seed, draw_link(from->end.attachment, to->end.attachment), DRAW_LINK,
                   ordinal & ((UINT64_C(1) << DRAW_INDEX_BITS) - 1));
    *delay = latency_core(&p->network, p->seed, from->end, to->end);
    uint64_t jitter = (uint64_t)*delay * p->network.jitter_ppm / MILLION;
    *delay += (mist_time)draw_scale(draw.word[1], jitter + 1);
    return draw_scale(draw.word[0], MILLION) >= p->network.loss_ppm;
}

static void cross(struct station *s, mist_time now, uint32_t from, uint8_t *bytes, uint32_t length)
{
    struct addr to;
    mist_time delay;
    struct port *port = &s->ports[from];
    uint32_t target =
        read_target(bytes, length, &to) ? directory_find(s->directory, PLAN_NONE, &to) : PLAN_NONE;
    if (target == PLAN_NONE || target == from || !age(bytes) ||
        !carries(s, port, &s->ports[target], port->sent++, &delay)) {
        s->counts->lost++;
        return;
    }
    flight_put(&s->flight, now + delay, target, bytes, length);
}

static void on_packet(void *data, uint8_t *bytes, uint32_t length)
{
    struct station *s = data;
    s->counts->taken++;
    line_put(s->ports[s->from].up, clock_now(), bytes, length);
}

static void note_lateness(struct station *s, mist_time due)
{
    mist_time late = clock_now() - due;
    if (late > s->counts->late_ns)
        s->counts->late_ns = late;
}

/* ---- the loop ---- */

static void deliver_port(struct station *s, uint32_t number)
{
    struct port *port = &s->ports[number];
    uint32_t length;
    uint8_t *bytes;
    while ((bytes = line_take(port->up, clock_now(), &length))) {
        cross(s, clock_now(), number, bytes, length);
        free(bytes);
    }
    while ((bytes = line_take(port->down, clock_now(), &length))) {
        ether_send(port->ether, bytes, length);
        s->counts->delivered++;
        free(bytes);
    }
}

static void deliver(struct station *s)
{
    struct flight_packet packet;
    for (uint32_t i = 0; i < s->count; i++)
        if (s->ports[i].ether)
            deliver_port(s, i);
    while ((packet = flight_take(&s->flight, clock_now())).bytes) {
        note_lateness(s, packet.at);
        line_put(s->ports[packet.to].down, clock_now(), packet.bytes, packet.length);
        deliver_port(s, packet.to);
        free(packet.bytes);
    }
}

static mist_time deadline(const struct station *s)
{
    mist_time first = flight_deadline(&s->flight);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct port *port = &s->ports[i];
        if (!port->ether)
            continue;
        mist_time up = line_deadline(port->up), down = line_deadline(port->down);
        first = up < first ? up : first;
        first = down < first ? down : first;
    }
    return first;
}

static void wait_for(const struct station *s, struct pollfd *fds, nfds_t count)
{
    mist_time due = deadline(s), now = clock_now(), rest = due > now ? due - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(rest / SEC(1)), .tv_nsec = (long)(rest % SEC(1))};
    if (ppoll(fds, count, due == MIST_NEVER ? NULL : &timeout, NULL) < 0)
        for (nfds_t i = 0; i < count; i++)
            fds[i].revents = 0;
}

static void run(struct station *s)
{
    struct pollfd *fds = calloc(s->count, sizeof *fds);
    CHECK(fds);
    for (uint32_t i = 0; i < s->count; i++)
        fds[i] = (struct pollfd){.fd = s->ports[i].ether ? ether_fd(s->ports[i].ether) : -1,
                                 .events = POLLIN};
    for (;;) {
        wait_for(s, fds, s->count);
        for (s->from = 0; s->from < s->count; s->from++)
            if (fds[s->from].revents)
                ether_receive(s->ports[s->from].ether, on_packet, s);
        deliver(s);
    }
}

int backbone_be(const void *data)
{
    const struct backbone *b = data;
    struct station s = {.layout = b->layout, .counts = b->counts};
    if (open_all(&s) != 0)
        return 1;
    puts("backbone: ready");
    (void)fflush(stdout);
    run(&s);
    return 0;
}
