/* build.c: the kernel world's namespaces, links, boxes and core network. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "sim/netns/kernel_box.h"
#include "sim/netns/parts.h"
#include "sim/netns/space.h"
#include "stack/check.h"

#define PATIENCE_MS 10000 /* for a process to say that it is ready, on a busy machine */

/* Building: the first thing that fails is told, and ends it. */
struct builder {
    struct netns *n;
    const struct plan *plan;
    uint32_t *used; /* [boxes] members that have their link */
    int code;       /* 0, or a negative errno */
    const char *what;
};

static void must(struct builder *b, int code, const char *what)
{
    if (b->code != 0 || code >= 0)
        return;
    b->code = code;
    b->what = what;
}

/* Goes there for what follows; back to the hub with n->hub. */
static void go(struct builder *b, int space)
{
    must(b, space_visit(space), "entering a namespace");
}

/* Nothing but what is asked for shall be sent: no router solicitations, no listener reports. */
static void quieten(struct builder *b)
{
    if (access("/proc/sys/net/ipv6", F_OK) != 0)
        return;
    must(b, space_set("ipv6/conf/all/disable_ipv6", "1"), "switching IPv6 off");
    must(b, space_set("ipv6/conf/default/disable_ipv6", "1"), "switching IPv6 off");
}

/* ---- links ---- */

static void make_bridge(struct builder *b, const char *name)
{
    must(b, link_bridge(name), "making a bridge");
    must(b, link_up(name), "bringing a bridge up");
}

/* A member's end of the link to the box around it, which is made with its other end. */
static void make_inside(struct builder *b, uint32_t box, int space, const char *peer)
{
    const struct layout *l = b->n->layout;
    char name[LINK_NAME], bridge[LINK_NAME] = "lan";
    bool kernel = l->boxes[box].kernel;
    layout_member_name(l, box, b->used[box]++, name);
    if (!kernel)
        layout_box_name(box, 'l', bridge);
    go(b, kernel ? b->n->box_spaces[box] : b->n->hub);
    must(b, link_pair(name, space, peer), "making a link");
    must(b, link_up(name), "bringing a link up");
    if (l->boxes[box].members > 1)
        must(b, link_join(name, bridge), "joining a bridge");
    go(b, b->n->hub);
}

/* A box of several: its bridge, and a natbox's port there. */
static void make_lan(struct builder *b, uint32_t box)
{
    const struct layout *l = b->n->layout;
    char bridge[LINK_NAME], own[LINK_NAME], port[LINK_NAME];
    if (l->boxes[box].members < 2)
        return;
    if (l->boxes[box].kernel) {
        go(b, b->n->box_spaces[box]);
        make_bridge(b, "lan");
        go(b, b->n->hub);
        return;
    }
    layout_box_name(box, 'l', bridge);
    layout_box_name(box, 'i', own);
    layout_box_name(box, 'j', port);
    make_bridge(b, bridge);
    must(b, link_pair(port, b->n->hub, own), "making a link");
    must(b, link_join(port, bridge), "joining a bridge");
    must(b, link_up(port), "bringing a link up");
    must(b, link_up(own), "bringing a link up");
}

/* The link outside of a box. */
static void make_outside(struct builder *b, uint32_t box)
{
    uint32_t outer = b->plan->boxes[box].outer;
    bool kernel = b->n->layout->boxes[box].kernel;
    int space = kernel ? b->n->box_spaces[box] : b->n->hub;
    char name[LINK_NAME], far[LINK_NAME] = "wan";
    if (!kernel)
        layout_box_name(box, 'o', far);
    if (outer != PLAN_NONE) {
        make_inside(b, outer, space, far);
    } else {
        layout_box_name(box, 'c', name);
        must(b, link_pair(name, space, far), "making a link");
        must(b, link_up(name), "bringing a link up");
    }
    go(b, space);
    must(b, link_up(far), "bringing a link up");
    go(b, b->n->hub);
}

static void make_host(struct builder *b, uint32_t host)
{
    const struct plan_host *h = &b->plan->hosts[host];
    struct addr gateway = layout_gateway(h->addr.family);
    char name[LINK_NAME];
    int space = space_make(b->n->hub);
    must(b, space, "making a namespace");
    b->n->host_spaces[host] = space;
    go(b, space);
    if (h->addr.family == ADDR_V4)
        quieten(b);
    go(b, b->n->hub);
    if (h->box != PLAN_NONE) {
        make_inside(b, h->box, space, "eth0");
    } else {
        layout_host_name(host, name);
        must(b, link_pair(name, space, "eth0"), "making a link");
        must(b, link_up(name), "bringing a link up");
    }
    go(b, space);
    must(b, link_up("lo"), "bringing a link up");
    must(b, link_up("eth0"), "bringing a link up");
    must(b, link_address("eth0", &h->addr, layout_lan_bits(&h->addr)), "giving an address");
    must(b, link_default("eth0", &gateway), "giving a route");
    go(b, b->n->hub);
}

static void make_kernel_space(struct builder *b, uint32_t box)
{
    if (!b->n->layout->boxes[box].kernel)
        return;
    int space = space_make(b->n->hub);
    must(b, space, "making a namespace");
    b->n->box_spaces[box] = space;
    go(b, space);
    quieten(b);
    must(b, link_up("lo"), "bringing a link up");
    go(b, b->n->hub);
}

/* An address of the box' LAN: the first host's or box's. */
static struct addr someone_inside(const struct plan *p, uint32_t box)
{
    for (uint32_t host = 0; host < p->host_count; host++)
        if (p->hosts[host].box == box)
            return p->hosts[host].addr;
    uint32_t inner = 0;
    while (p->boxes[inner].outer != box)
        inner++;
    return p->boxes[inner].outside;
}

static void address_kernel_box(struct builder *b, uint32_t box)
{
    const struct addr *outside = &b->plan->boxes[box].outside;
    struct addr near = layout_gateway(ADDR_V4), far = layout_gateway_of_kernel();
    if (!b->n->layout->boxes[box].kernel)
        return;
    struct addr inside = someone_inside(b->plan, box);
    go(b, b->n->box_spaces[box]);
    must(b, link_address("wan", outside, 32), "giving an address");
    must(b, link_default("wan", &far), "giving a route");
    must(b, link_address("lan", &near, 32), "giving an address");
    must(b, link_near("lan", &inside, layout_lan_bits(&inside)), "giving a route");
    go(b, b->n->hub);
}

static void make_links(struct builder *b)
{
    const struct plan *p = b->plan;
    quieten(b);
    for (uint32_t box = 0; box < p->box_count; box++)
        make_kernel_space(b, box);
    for (uint32_t box = 0; box < p->box_count; box++)
        make_lan(b, box);
    for (uint32_t box = 0; box < p->box_count; box++)
        make_outside(b, box);
    for (uint32_t host = 0; host < p->host_count; host++)
        make_host(b, host);
    for (uint32_t box = 0; box < p->box_count; box++)
        address_kernel_box(b, box);
}

/* ---- processes ---- */

static mist_time clock_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return SEC(t.tv_sec) + t.tv_nsec;
}

struct waiting {
    const char *begins;
    bool seen;
    char *said;
    size_t size;
};

static void on_line(void *data, const char *text, size_t length)
{
    struct waiting *w = data;
    size_t wanted = strlen(w->begins), kept = length < w->size ? length : w->size - 1;
    if (w->seen)
        return;
    w->seen = length >= wanted && memcmp(text, w->begins, wanted) == 0;
    memcpy(w->said, text, kept);
    w->said[kept] = '\0';
}

int build_await(struct child *c, const char *begins, char *said, size_t size)
{
    struct waiting w = {.begins = begins, .said = said, .size = size};
    mist_time end = clock_now() + MS(PATIENCE_MS);
    int gone = 0;
    *said = '\0';
    while (!w.seen && !gone && clock_now() < end) {
        struct pollfd out = {.fd = c->out, .events = POLLIN};
        (void)poll(&out, 1, (int)((end - clock_now()) / MS(1)) + 1);
        gone = child_listen(c, on_line, &w);
    }
    return w.seen ? 0 : -1;
}

static int start_boxes(struct netns *n, char *error, int error_size)
{
    const struct plan *p = n->layout->plan;
    char said[300] = "cannot start a process";
    for (uint32_t box = 0; box < p->box_count; box++) {
        const struct station_of station = {n->layout, box};
        const char *kernel = layout_kernel(&p->boxes[box]);
        if (kernel) {
            if (kernel_box_open(kernel, n->box_spaces[box], n->hub, error, error_size) != 0)
                return -1;
            continue;
        }
        if (child_start(&n->boxes[box], n->hub, box_station, &station) == 0 &&
            build_await(&n->boxes[box], "natbox: ready", said, sizeof said) == 0)
            continue;
        (void)snprintf(error, (size_t)error_size, "box %u: %s", box, said);
        return -1;
    }
    return 0;
}

static int start_backbone(struct netns *n, char *error, int error_size)
{
    char said[300] = "cannot start a process";
    n->counts =
        mmap(NULL, sizeof *n->counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(n->counts != MAP_FAILED);
    const struct backbone backbone = {n->layout, n->counts};
    if (child_start(&n->backbone, n->hub, backbone_be, &backbone) == 0 &&
        build_await(&n->backbone, "backbone: ready", said, sizeof said) == 0)
        return 0;
    (void)snprintf(error, (size_t)error_size, "%s", said);
    return -1;
}

/* ---- all of it ---- */

static int *no_spaces(uint32_t count)
{
    int *spaces = malloc((count + 1u) * sizeof *spaces);
    CHECK(spaces);
    for (uint32_t i = 0; i < count; i++)
        spaces[i] = -1;
    return spaces;
}

/* Three descriptors per process are more than some shells allow. */
static void allow_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

int build_open(struct netns *n, const struct plan *plan, char *error, int error_size)
{
    struct builder b = {.n = n, .plan = plan};
    allow_descriptors();
    n->hub = space_begin(error, error_size);
    if (n->hub < 0)
        return -1;
    b.used = calloc(plan->box_count + 1u, sizeof *b.used);
    n->host_spaces = no_spaces(plan->host_count);
    n->box_spaces = no_spaces(plan->box_count);
    n->boxes = calloc(plan->box_count + 1u, sizeof *n->boxes);
    CHECK(b.used && n->boxes);
    make_links(&b);
    free(b.used);
    if (b.code != 0) {
        (void)snprintf(error, (size_t)error_size, "%s: %s", b.what, strerror(-b.code));
        return -1;
    }
    if (start_boxes(n, error, error_size) != 0)
        return -1;
    return start_backbone(n, error, error_size);
}

static void close_spaces(int *spaces, uint32_t count)
{
    for (uint32_t i = 0; spaces && i < count; i++)
        if (spaces[i] >= 0)
            (void)close(spaces[i]);
    free(spaces);
}

void build_close(struct netns *n)
{
    const struct plan *p = n->layout->plan;
    for (uint32_t i = 0; n->boxes && i < p->box_count; i++)
        child_stop(&n->boxes[i], SIGKILL);
    child_stop(&n->backbone, SIGKILL);
    if (n->counts)
        (void)munmap(n->counts, sizeof *n->counts);
    close_spaces(n->host_spaces, p->host_count);
    close_spaces(n->box_spaces, p->box_count);
    free(n->boxes);
}
