/* parts.h: shared by the files of the kernel world: build.c (namespaces, links, boxes),
 * node.c (mist processes) and netns.c (time). */
#ifndef NETNS_PARTS_H
#define NETNS_PARTS_H

#include "sim/netns/backbone.h"
#include "sim/netns/child.h"
#include "sim/netns/layout.h"
#include "sim/world_parts.h"

/* A wish that was not answered yet. */
struct asked {
    uint32_t kind, id;
};

struct node {
    struct world *world;
    uint32_t host;
    struct child process;
    uint32_t asked_count, asked_room;
    struct asked *asked;                           /* oldest first */
    bool told;                                     /* its status came */
    struct mist_counter counters[MIST_KIND_COUNT]; /* as it was told last */
    char complaint[200];                           /* what it said last that is no JSON */
};

struct netns {
    struct layout *layout;
    int hub;
    int *host_spaces, *box_spaces; /* descriptors; -1 where there is none */
    struct child *boxes;           /* process 0: the kernel is the box */
    struct child backbone;
    struct backbone_counts *counts; /* shared with it */
    struct node *nodes;             /* [hosts] */
    char mist[4200];                /* the program's file */
};

/* build.c: makes the namespaces and what stands in them but the nodes.  Returns 0, or -1
 * with what went wrong in error. */
int build_open(struct netns *n, const struct plan *plan, char *error, int error_size);
void build_close(struct netns *n);
/* Waits for the line of a process that begins so.  Returns 0, or -1 when it does not come
 * within ten seconds; said is then the last line that came. */
int build_await(struct child *c, const char *begins, char *said, size_t size);

/* node.c: as in struct world_kind. */
void node_start(struct world *w, mist_time now, uint32_t host);
void node_stop(struct world *w, uint32_t host);
int node_wish(struct world *w, mist_time now, uint32_t host, const struct mist_wish *wish);
void node_count(struct world *w, uint32_t host, struct mist_counter counters[MIST_KIND_COUNT]);
/* Takes what its process says. */
void node_listen(struct world *w, uint32_t host);

/* box.c */
int box_station(const void *data); /* struct station_of: the process of a modelled box */
struct station_of {
    const struct layout *layout;
    uint32_t box;
};
void box_strike(struct world *w, mist_time now, const struct plan_fault *fault, uint32_t box);
struct nat_counters box_tally(struct world *w, mist_time now, uint32_t box);

#endif
