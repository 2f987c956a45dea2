/* native_parts.h: shared by the files of the native engine: native.c (what moves) and
 * native_open.c (a plan as the tables that it moves by). */
#ifndef NATIVE_NATIVE_PARTS_H
#define NATIVE_NATIVE_PARTS_H

#include "sim/engine.h"
#include "sim/native/directory.h"
#include "sim/native/links.h"
#include "sim/native/packets.h"
#include "sim/native/pieces.h"
#include "sim/native/queue.h"
#include "sim/plan.h"

#define ALARM_DEPTH 4 /* events that one host's alarm may have in the queue */

/* The order of events of equal time: source, then its sequence; the alarm last. */
#define SEQUENCE_BITS  40
#define ALARM_SEQUENCE ((UINT64_C(1) << SEQUENCE_BITS) - 1)

/* LEAVE: from a box itself, outward. */
enum event_kind { EVENT_ALARM, EVENT_EDGE, EVENT_ARRIVE, EVENT_LEAVE };

/* A host.  First line: what a datagram touches; second line: its alarm.
 *
 * link_*: the first link of the host in the current slot of links.h is counted
 * here and not in the table; most hosts have no second one.
 *
 * queued: the times at which the host's alarm has an event in the queue, latest
 * first.  An alarm set to a later time waits for the event that is there and
 * moves on from it, so most settings queue nothing. */
struct station {
    _Alignas(64) struct addr addr;
    uint32_t box;
    uint32_t edge; /* outermost box, or the host itself */
    uint32_t link_slot, link_edge, link_count;
    mist_time up_free, down_free; /* when the line has sent all that it holds */
    uint64_t sequence;
    mist_time alarm_at;
    mist_time queued[ALARM_DEPTH];
    uint32_t queued_count;
    uint16_t numbered;     /* datagrams that had to be cut */
    struct pieces *pieces; /* that arrived; NULL: never one */
};

/* What the way to a host or box needs to know of it: small, for random access. */
struct attachment {
    uint32_t region; /* of its outermost box */
    uint32_t host;   /* whose line leads to it; PLAN_NONE: it stands at the provider's */
    uint32_t line;   /* that host's population */
};

struct box {
    uint32_t outer;
    uint32_t inside; /* the only attachment directly inside, or PLAN_NONE */
};

struct line {
    struct plan_access access;
    bool server; /* has a role: never broken */
};

struct engine {
    const struct plan *plan;
    const struct engine_calls *calls;
    uint64_t seed;
    mist_time now;
    struct queue *queue;
    struct directory *directory;
    struct station *stations;
    struct attachment *attachments; /* hosts, then boxes */
    struct box *boxes;
    struct line *lines;
    struct packets packets;
    struct links links;
    struct engine_figures figures;
    uint32_t carried_for; /* the host whose datagram crossed a box last */
};

/* What struct engine_type says of them. */
int native_fits(const struct plan *plan, char *error, int error_size);
struct engine *native_open(const struct plan *plan, const struct engine_calls *calls,
                           uint64_t seed);
void native_close(struct engine *e);

#endif
