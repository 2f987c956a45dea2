/* world_packets.c: see world_packets.h. */
#include "sim/world_packets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/record.h"
#include "sim/trace.h"
#include "stack/check.h"

#define NIL        UINT32_MAX
#define FIRST_ROOM 1024 /* a power of two, as all that follow */

/* Sent and not seen again yet.  Lists by the payload's hash, oldest first. */
struct pending {
    uint64_t hash;
    mist_time at;
    struct addr from, to;
    uint32_t src, next;
    uint16_t length;
    const char *kind; /* static, of the core */
};

struct world_packets {
    struct world_watch watch;
    struct record *record;
    struct pending *items;
    uint32_t used, room, free;
    uint32_t *heads; /* [room] by the hash's low bits */
};

static void *resize(void *memory, size_t count, size_t size)
{
    memory = realloc(memory, count * size);
    CHECK(memory != NULL);
    return memory;
}

static uint32_t *head_of(const struct world_packets *p, uint64_t hash)
{
    return &p->heads[hash & (p->room - 1)];
}

static void append(struct world_packets *p, uint32_t item)
{
    uint32_t *link = head_of(p, p->items[item].hash);
    while (*link != NIL)
        link = &p->items[*link].next;
    p->items[item].next = NIL;
    *link = item;
}

/* Only when nothing is free, so all items stand in a list.  Equal payloads share one, and
 * keep their order. */
static void grow(struct world_packets *p)
{
    uint32_t *old = p->heads, lists = p->room;
    p->room *= 2;
    p->items = resize(p->items, p->room, sizeof *p->items);
    p->heads = resize(NULL, p->room, sizeof *p->heads);
    memset(p->heads, 0xff, p->room * sizeof *p->heads);
    for (uint32_t i = 0; i < lists; i++) {
        for (uint32_t item = old[i], next; item != NIL; item = next) {
            next = p->items[item].next;
            append(p, item);
        }
    }
    free(old);
}

static uint32_t take(struct world_packets *p)
{
    uint32_t item = p->free;
    if (item != NIL) {
        p->free = p->items[item].next;
        return item;
    }
    if (p->used == p->room)
        grow(p);
    return p->used++;
}

static void tell(struct world_packets *p, const struct pending *sent, uint32_t dst,
                 const struct addr *from, const struct addr *to, const char *fate)
{
    const struct record_packet row = {.at = sent->at,
                                      .src = sent->src,
                                      .dst = dst,
                                      .sender = *from,
                                      .receiver = *to,
                                      .kind = sent->kind,
                                      .bytes = sent->length,
                                      .fate = fate};
    record_packet(p->record, &row);
}

static void on_left(void *data, mist_time now, uint32_t host, const char *kind,
                    const struct datagram *d)
{
    struct world_packets *p = data;
    uint32_t item = take(p);
    p->items[item] = (struct pending){.hash = trace_hash(0, d->bytes, d->length),
                                      .at = now,
                                      .from = d->from,
                                      .to = d->to,
                                      .src = host,
                                      .length = d->length,
                                      .kind = kind};
    append(p, item);
}

/* Its row, if it is known. */
static void end(struct world_packets *p, const struct datagram *d, uint32_t dst, const char *fate)
{
    uint64_t hash = trace_hash(0, d->bytes, d->length);
    for (uint32_t *link = head_of(p, hash); *link != NIL; link = &p->items[*link].next) {
        uint32_t item = *link;
        if (p->items[item].hash != hash || p->items[item].length != d->length)
            continue;
        tell(p, &p->items[item], dst, &d->from, &d->to, fate);
        *link = p->items[item].next;
        p->items[item].next = p->free;
        p->free = item;
        return;
    }
}

static void on_arrived(void *data, mist_time now, uint32_t host, const struct datagram *d)
{
    (void)now;
    end(data, d, host, "arrived");
}

static void on_dropped(void *data, mist_time now, uint32_t box, const char *why,
                       const struct datagram *d)
{
    char fate[80];
    (void)now;
    (void)snprintf(fate, sizeof fate, "box %u: %.60s", (unsigned)box, why);
    end(data, d, PLAN_NONE, fate);
}

static void on_lost(void *data, mist_time now, const struct datagram *d, enum engine_loss why)
{
    char fate[80];
    (void)now;
    (void)snprintf(fate, sizeof fate, "lost: %s", world_loss_word(why));
    end(data, d, PLAN_NONE, fate);
}

struct world_packets *world_packets_open(struct record *record)
{
    struct world_packets *p = calloc(1, sizeof *p);
    CHECK(p != NULL);
    p->record = record;
    p->room = FIRST_ROOM;
    p->free = NIL;
    p->items = resize(NULL, p->room, sizeof *p->items);
    p->heads = resize(NULL, p->room, sizeof *p->heads);
    memset(p->heads, 0xff, p->room * sizeof *p->heads);
    p->watch = (struct world_watch){
        .data = p, .arrived = on_arrived, .left = on_left, .dropped = on_dropped, .lost = on_lost};
    return p;
}

struct world_watch *world_packets_watch(struct world_packets *p)
{
    return &p->watch;
}

void world_packets_close(struct world_packets *p)
{
    for (uint32_t i = 0; i < p->room; i++) {
        for (uint32_t item = p->heads[i]; item != NIL; item = p->items[item].next)
            tell(p, &p->items[item], PLAN_NONE, &p->items[item].from, &p->items[item].to,
                 "not seen again");
    }
    free(p->items);
    free(p->heads);
    free(p);
}
