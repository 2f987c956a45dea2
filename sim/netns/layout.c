/* layout.c: see layout.h. */
#include "sim/netns/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine.h"
#include "sim/natbox/box.h"
#include "sim/netns/kernel_box.h"
#include "stack/check.h"

#define KERNEL      "kernel/"
#define GATEWAY     0xa9fe0101u /* 169.254.1.1: link-local (RFC 3927), and free on every link */
#define OUTSIDE     0xa9fe0102u
#define FURTHER     0xa9fe0103u
#define ETHERNET    1500         /* bytes of the largest packet (RFC 894) */
#define LINE_BUFFER (256u << 10) /* of a line without a rate, which never queues */

const char *layout_kernel(const struct plan_box *box)
{
    size_t length = sizeof KERNEL - 1;
    return strncmp(box->profile, KERNEL, length) == 0 ? box->profile + length : NULL;
}

/* ---- what fits ---- */

static const char *misfit_behaviour(const struct plan *p)
{
    for (uint32_t i = 0; i < p->population_count; i++) {
        if (p->populations[i].behaviour != BEHAVIOUR_HONEST)
            return "its nodes are the program mist, which is honest: leave `behaviour` out";
        if (p->populations[i].stack != NULL)
            return "its nodes are the program mist, with one core: leave `stack` libraries out";
        if (p->populations[i].access.queue != PLAN_DROP_TAIL)
            return "its access lines have drop-tail queues only";
        uint32_t mtu = p->populations[i].access.mtu;
        if (mtu != 0 && mtu < ETHERNET)
            return "its access lines are as wide as Ethernet: leave `access.mtu` out";
    }
    for (uint32_t i = 0; i < p->workload_count; i++)
        if (p->workloads[i].persons != PERSONS_UNKNOWN)
            return "its nodes draw their own keys: leave `persons` out";
    if (p->network.broken_nodes_ppm != 0 || p->network.broken_pairs_ppm != 0)
        return "its core breaks no paths: leave `network.broken` out";
    return p->spare_count > 0 ? "its hosts do not roam" : NULL;
}

static const char *misfit_setting(const struct plan *p)
{
    for (uint32_t i = 0; i < p->population_count; i++)
        for (uint32_t j = 0; j < p->populations[i].settings_count; j++) {
            const struct plan_setting *s = &p->populations[i].settings[j];
            if (strcmp(s->key, "crypto") == 0 && strcmp(s->value, "real") != 0)
                return "its cryptography is real: leave `stack.crypto` out";
        }
    return NULL;
}

static bool strikes_kernel(const struct plan *p, const struct plan_fault *f)
{
    for (uint32_t i = 0; i < f->member_count; i++)
        if (f->kind > FAULT_RESTART && layout_kernel(&p->boxes[f->members[i]]))
            return true;
    return false;
}

static const char *misfit_fault(const struct plan *p)
{
    for (uint32_t i = 0; i < p->fault_count; i++) {
        const struct plan_fault *f = &p->faults[i];
        if (f->kind == FAULT_PARTITION || f->kind == FAULT_LOSS || f->kind == FAULT_ROAM)
            return "it has the faults crash, leave, restart, nat_reboot, nat_flush, nat_set and "
                   "readdress only";
        if (strikes_kernel(p, f))
            return "no fault strikes boxes of kernel/ profiles";
    }
    return NULL;
}

static const char *misfit_box(const struct plan *p, const struct plan_box *box)
{
    const char *kernel = layout_kernel(box);
    if (kernel && box->outer != PLAN_NONE && layout_kernel(&p->boxes[box->outer]))
        return "no box of a kernel/ profile stands directly behind another";
    if (kernel && !kernel_box_rules(kernel))
        return "the kernel has no rules for one of the profiles kernel/...";
    if (box->policy.kind == NAT_KIND_NAT64)
        return "it has no NAT64";
    if (box->policy.kind == NAT_KIND_FIREWALL && box->outer != PLAN_NONE)
        return "its firewalls stand behind no other box";
    if (box->policy.pool * (1 + box->later_count) > BOX_EXTERNALS)
        return "its boxes have 64 external addresses at most, later ones included";
    return NULL;
}

static const char *misfit(const struct plan *p)
{
    const char *why = misfit_behaviour(p);
    why = why ? why : misfit_setting(p);
    why = why ? why : misfit_fault(p);
    for (uint32_t i = 0; i < p->box_count && !why; i++)
        why = misfit_box(p, &p->boxes[i]);
    return why;
}

/* ---- boxes and lines ---- */

static void map_boxes(struct layout *l)
{
    const struct plan *p = l->plan;
    for (uint32_t host = 0; host < p->host_count; host++) {
        uint32_t box = p->hosts[host].box;
        if (box != PLAN_NONE)
            l->boxes[box].members++;
        for (; box != PLAN_NONE; box = p->boxes[box].outer) {
            l->boxes[box].hosts++;
            l->boxes[box].family = p->hosts[host].addr.family;
        }
    }
    for (uint32_t box = 0; box < p->box_count; box++) {
        l->boxes[box].kernel = layout_kernel(&p->boxes[box]) != NULL;
        if (p->boxes[box].outer != PLAN_NONE)
            l->boxes[p->boxes[box].outer].members++;
    }
}

/* The outermost box that serves this host alone, else the host. */
static uint32_t line_end(const struct layout *l, uint32_t host)
{
    const struct plan *p = l->plan;
    uint32_t end = host, box = p->hosts[host].box;
    for (; box != PLAN_NONE && l->boxes[box].hosts == 1; box = p->boxes[box].outer)
        end = plan_places(p) + box;
    return end;
}

/* The box directly outside of an attachment, or PLAN_NONE. */
static uint32_t box_outside(const struct plan *p, uint32_t attachment)
{
    return attachment < plan_places(p) ? p->hosts[attachment].box
                                       : p->boxes[attachment - plan_places(p)].outer;
}

static bool is_plain(const struct plan_access *a)
{
    return a->up_bps == 0 && a->down_bps == 0 && a->delay == 0 && a->loss_ppm == 0;
}

/* A line within a LAN, or between the kernel's own interfaces, is nobody's to delay. */
static const char *misfit_line(const struct layout *l, uint32_t host)
{
    const struct plan *p = l->plan;
    uint32_t end = l->lines[host];
    if (is_plain(&p->populations[p->hosts[host].population].access) ||
        box_outside(p, end) == PLAN_NONE)
        return NULL;
    if (end == host)
        return "hosts directly behind a box of several have no access lines of their own";
    return l->boxes[end - plan_places(p)].kernel ? "boxes of kernel/ profiles that stand behind "
                                                   "others have no access lines"
                                                 : NULL;
}

struct layout *layout_open(const struct plan *plan, char *error, int error_size)
{
    const char *why = misfit(plan);
    struct layout *l = calloc(1, sizeof *l);
    CHECK(l);
    l->plan = plan;
    l->boxes = calloc(plan->box_count + 1u, sizeof *l->boxes);
    l->lines = calloc(plan->host_count + 1u, sizeof *l->lines);
    CHECK(l->boxes && l->lines);
    map_boxes(l);
    for (uint32_t host = 0; host < plan->host_count; host++) {
        l->lines[host] = line_end(l, host);
        why = why ? why : misfit_line(l, host);
    }
    uint32_t processes = plan->host_count + plan->box_count;
    if (!why && processes <= LAYOUT_PROCESSES)
        return l;
    if (why)
        (void)snprintf(error, (size_t)error_size, "engine netns: %s, or use --engine native", why);
    else
        (void)snprintf(error, (size_t)error_size,
                       "engine netns: %u nodes and boxes are %u processes, of which it runs %u at "
                       "most: ask for fewer (--set population.NAME.count=N) or use --engine native",
                       processes, processes, LAYOUT_PROCESSES);
    layout_close(l);
    return NULL;
}

void layout_close(struct layout *l)
{
    free(l->boxes);
    free(l->lines);
    free(l);
}

/* ---- lines and names ---- */

static uint32_t buffer_of(uint64_t rate_bps)
{
    uint64_t bytes = rate_bps / 8 * (uint64_t)(ENGINE_BUFFER / MS(1)) / 1000;
    return rate_bps == 0 ? LINE_BUFFER : bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

struct line_quality layout_line(const struct layout *l, uint32_t attachment, bool up)
{
    const struct plan *p = l->plan;
    for (uint32_t host = 0; host < p->host_count; host++) {
        if (l->lines[host] != attachment)
            continue;
        const struct plan_access *a = &p->populations[p->hosts[host].population].access;
        uint64_t rate = up ? a->up_bps : a->down_bps;
        return (struct line_quality){.delay = a->delay,
                                     .loss_ppm = a->loss_ppm,
                                     .rate_bps = rate,
                                     .queue_bytes = buffer_of(rate)};
    }
    return (struct line_quality){.queue_bytes = LINE_BUFFER};
}

/* fe80::n */
static struct addr link_local(uint8_t n)
{
    const uint8_t ip[16] = {0xfe, 0x80, [15] = n};
    return addr_v6(ip, 0);
}

struct addr layout_gateway(uint8_t family)
{
    return family == ADDR_V4 ? addr_v4(GATEWAY, 0) : link_local(1);
}

struct addr layout_gateway_of_kernel(void)
{
    return addr_v4(FURTHER, 0);
}

uint32_t layout_gateway_port(uint8_t family, bool all, struct ether_prefix own[2])
{
    uint32_t whole = family == ADDR_V4 ? 32 : 128;
    own[0] = (struct ether_prefix){layout_gateway(family), all ? 0 : whole};
    own[1] = (struct ether_prefix){layout_gateway_of_kernel(), 32};
    return family == ADDR_V4 ? 2 : 1;
}

struct addr layout_outside(const struct layout *l, uint32_t attachment)
{
    const struct plan *p = l->plan;
    if (attachment < plan_places(p))
        return p->hosts[attachment].addr;
    uint32_t box = attachment - plan_places(p);
    if (p->boxes[box].outside.family != ADDR_NONE)
        return p->boxes[box].outside;
    return l->boxes[box].family == ADDR_V4 ? addr_v4(OUTSIDE, 0) : link_local(2);
}

uint32_t layout_lan_bits(const struct addr *host)
{
    uint32_t ip = addr_ip4(host);
    if (host->family == ADDR_V6)
        return 64;
    return ip >> 24 == 10 ? 8 : ip >> 22 == 0x64400000u >> 22 ? 10 : 24;
}

void layout_host_name(uint32_t host, char name[LINK_NAME])
{
    (void)snprintf(name, LINK_NAME, "h%u", host);
}

void layout_box_name(uint32_t box, char end, char name[LINK_NAME])
{
    (void)snprintf(name, LINK_NAME, "b%u%c", box, end);
}

void layout_member_name(const struct layout *l, uint32_t box, uint32_t member, char name[LINK_NAME])
{
    bool one = l->boxes[box].members == 1;
    if (l->boxes[box].kernel && one)
        (void)snprintf(name, LINK_NAME, "lan");
    else if (l->boxes[box].kernel)
        (void)snprintf(name, LINK_NAME, "lan%u", member);
    else if (one)
        layout_box_name(box, 'i', name);
    else
        (void)snprintf(name, LINK_NAME, "b%u.%u", box, member);
}
