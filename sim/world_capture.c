/* world_capture.c: see world_capture.h. */
#include "sim/world_capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/capture.h"
#include "sim/natbox/packet.h"
#include "sim/world_parts.h"
#include "stack/check.h"

#define NAME_ROOM 300

struct world_capture {
    struct world_watch watch;
    const struct plan *plan;
    struct capture *file;
    uint32_t *hosts, *insides, *outsides; /* interface + 1; 0: none yet */
    uint32_t lost;
    uint16_t numbered;            /* IPv4 identifications of what came without */
    uint8_t waiting[PACKET_ROOM]; /* came to a box that has yet to decide */
    uint32_t waiting_length;
};

/* ---- interfaces, made when something passes them ---- */

static uint32_t make(struct world_capture *c, uint32_t *number, const char *name)
{
    if (*number == 0)
        *number = capture_interface(c->file, name) + 1;
    return *number - 1;
}

static uint32_t at_host(struct world_capture *c, uint32_t host)
{
    const struct plan_population *p = &c->plan->populations[c->plan->hosts[host].population];
    char name[NAME_ROOM] = "";
    if (c->hosts[host] == 0)
        (void)snprintf(name, sizeof name, "%.250s.%u", p->name, (unsigned)(host - p->first));
    return make(c, &c->hosts[host], name);
}

static uint32_t at_box(struct world_capture *c, uint32_t box, bool inside)
{
    uint32_t *number = inside ? &c->insides[box] : &c->outsides[box];
    char name[NAME_ROOM] = "";
    if (*number == 0)
        (void)snprintf(name, sizeof name, "box %u %.250s %s", (unsigned)box,
                       c->plan->boxes[box].profile, inside ? "inside" : "outside");
    return make(c, number, name);
}

/* ---- what passes ---- */

static uint32_t write_packet(struct world_capture *c, const struct datagram *d,
                             uint8_t out[PACKET_ROOM])
{
    struct nat_datagram n = world_boxes_packet(d);
    return packet_make(&n, ++c->numbered, out);
}

static void note(struct world_capture *c, mist_time now, uint32_t interface,
                 const struct datagram *d, const char *comment)
{
    static uint8_t bytes[PACKET_ROOM];
    uint32_t length = write_packet(c, d, bytes);
    capture_packet(c->file, now, interface, bytes, length, comment);
}

static void on_left(void *data, mist_time now, uint32_t host, const char *kind,
                    const struct datagram *d)
{
    note(data, now, at_host(data, host), d, kind);
}

static void on_arrived(void *data, mist_time now, uint32_t host, const struct datagram *d)
{
    note(data, now, at_host(data, host), d, "");
}

/* Its bytes may change while the box decides. */
static void on_reached(void *data, mist_time now, uint32_t box, enum direction direction,
                       const struct datagram *d)
{
    struct world_capture *c = data;
    (void)now;
    (void)box;
    (void)direction;
    c->waiting_length = write_packet(c, d, c->waiting);
}

static void on_decided(void *data, mist_time now, uint32_t box, enum direction direction,
                       const char *verdict, const struct datagram *went)
{
    struct world_capture *c = data;
    bool inside = direction == OUTWARD, turned = strcmp(verdict, "hairpin") == 0;
    capture_packet(c->file, now, at_box(c, box, inside), c->waiting, c->waiting_length, verdict);
    if (went != NULL)
        note(c, now, at_box(c, box, turned ? inside : !inside), went, "");
}

static void on_emitted(void *data, mist_time now, uint32_t box, enum direction direction,
                       const struct datagram *d)
{
    note(data, now, at_box(data, box, direction == INWARD), d, "by the box");
}

static void on_lost(void *data, mist_time now, const struct datagram *d, enum engine_loss why)
{
    struct world_capture *c = data;
    note(c, now, make(c, &c->lost, "lost"), d, world_loss_word(why));
}

/* ---- opening ---- */

static uint32_t *numbers(uint32_t count)
{
    uint32_t *array = calloc(count + 1u, sizeof *array);
    CHECK(array != NULL);
    return array;
}

struct world_capture *world_capture_open(const char *file, const struct plan *plan)
{
    struct world_capture *c = calloc(1, sizeof *c);
    CHECK(c != NULL);
    c->file = capture_open(file, plan->name, "mistsim");
    if (c->file == NULL) {
        free(c);
        return NULL;
    }
    c->plan = plan;
    c->hosts = numbers(plan->host_count);
    c->insides = numbers(plan->box_count);
    c->outsides = numbers(plan->box_count);
    c->watch = (struct world_watch){.data = c,
                                    .arrived = on_arrived,
                                    .left = on_left,
                                    .reached = on_reached,
                                    .decided = on_decided,
                                    .emitted = on_emitted,
                                    .lost = on_lost};
    return c;
}

struct world_watch *world_capture_watch(struct world_capture *c)
{
    return &c->watch;
}

int world_capture_close(struct world_capture *c)
{
    int result = capture_close(c->file);
    free(c->hosts);
    free(c->insides);
    free(c->outsides);
    free(c);
    return result;
}
