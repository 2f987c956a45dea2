/* box.c: the kernel world's boxes: natbox as a process per box, and its commands. */
#define _DEFAULT_SOURCE
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/draw.h"
#include "sim/exit.h"
#include "sim/natbox/station.h"
#include "sim/netns/parts.h"
#include "stack/check.h"

/* ---- the process ---- */

static void set_addresses(struct options *o, const struct plan_box *box)
{
    uint32_t pool = box->outside.family == ADDR_NONE ? 0 : box->policy.pool;
    for (uint32_t i = 0; i < pool; i++)
        o->external.addresses[o->external.count++] = world_pool_address(&box->outside, i);
    for (uint32_t k = 0; k < box->later_count; k++) /* it is asked for those, too */
        for (uint32_t i = 0; i < pool; i++)
            o->external.addresses[o->external.count++] = world_pool_address(&box->later[k], i);
    CHECK(o->external.count <= BOX_EXTERNALS);
}

static void set_ports(struct options *o, const struct layout *l, uint32_t box)
{
    uint8_t family = l->boxes[box].family;
    struct addr outside = layout_outside(l, plan_places(l->plan) + box);
    o->inside_count = 1;
    layout_box_name(box, 'i', o->inside[0].interface);
    o->inside[0].count = layout_gateway_port(family, true, o->inside[0].own);
    layout_box_name(box, 'o', o->outside.interface);
    o->outside.count = 1;
    o->outside.own[0] = (struct ether_prefix){outside, outside.family == ADDR_V4 ? 32 : 128};
    o->via_count = 1;
    o->via[0] = layout_gateway(family);
}

int box_station(const void *data)
{
    static struct options o;
    const struct station_of *s = data;
    const struct plan *p = s->layout->plan;
    const struct plan_box *box = &p->boxes[s->box];
    uint32_t attachment = plan_places(p) + s->box;
    o.nat.name = box->profile;
    o.nat.count = 1;
    o.nat.policies[0] = box->policy;
    o.seed = draw_u64(p->seed, s->box, DRAW_BOX_SEED, 0);
    o.commands = true;
    /* The backbone has the lines of what is outermost. */
    bool own_line = box->outer != PLAN_NONE;
    o.up = own_line ? layout_line(s->layout, attachment, true) : (struct line_quality){.delay = 0};
    o.down =
        own_line ? layout_line(s->layout, attachment, false) : (struct line_quality){.delay = 0};
    set_addresses(&o, box);
    set_ports(&o, s->layout, s->box);
    return station_run(&o);
}

/* ---- commands ---- */

/* A box that does not do as the plan says breaks the run: no result comes of it. */
static void say(struct world *w, uint32_t box, const char *text)
{
    struct child *process = &w->netns->boxes[box];
    char said[300] = "it is gone";
    if (child_say(process, text, strlen(text)) == 0 &&
        build_await(process, "ok", said, sizeof said) == 0)
        return;
    fprintf(stderr, "mistsim: box %u: %s, when told: %s", box, said, text);
    _exit(EXIT_BROKEN);
}

static void say_addresses(struct world *w, uint32_t number)
{
    const struct plan_box *box = &w->plan->boxes[number];
    char line[64 + BOX_EXTERNALS * ADDR_TEXT] = "readdress", text[ADDR_TEXT];
    CHECK(w->readdressed[number] < box->later_count);
    const struct addr *first = &box->later[w->readdressed[number]++];
    for (uint32_t i = 0; i < box->policy.pool; i++) {
        struct addr a = world_pool_address(first, i);
        size_t used = strlen(line);
        (void)snprintf(line + used, sizeof line - used, " %s", addr_format(&a, text));
    }
    (void)strcat(line, "\n");
    say(w, number, line);
}

static void say_knobs(struct world *w, const struct plan_fault *fault, uint32_t box)
{
    char line[512];
    for (uint32_t i = 0; i < fault->setting_count; i++) {
        (void)snprintf(line, sizeof line, "set %s %s\n", fault->settings[i].key,
                       fault->settings[i].value);
        say(w, box, line);
    }
}

void box_strike(struct world *w, mist_time now, const struct plan_fault *fault, uint32_t box)
{
    (void)now;
    switch (fault->kind) {
    case FAULT_NAT_REBOOT: say(w, box, "reboot\n"); break;
    case FAULT_NAT_FLUSH: say(w, box, "flush\n"); break;
    case FAULT_NAT_SET: say_knobs(w, fault, box); break;
    default: CHECK(fault->kind == FAULT_READDRESS); say_addresses(w, box);
    }
}

static uint64_t number_of(const json_t *object, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(object, key));
    return n < 0 ? 0 : (uint64_t)n;
}

/* What the kernel's own boxes did is not counted. */
struct nat_counters box_tally(struct world *w, mist_time now, uint32_t box)
{
    struct nat_counters c = {.mappings_made = 0};
    struct child *process = &w->netns->boxes[box];
    char said[2048], key[64];
    (void)now;
    if (process->process == 0 || child_say(process, "counters\n", 9) != 0 ||
        build_await(process, "{", said, sizeof said) != 0)
        return c;
    json_t *object = json_loads(said, 0, NULL);
    c.mappings_made = number_of(object, "mappings_made");
    c.mappings_alive = (uint32_t)number_of(object, "mappings");
    c.mappings_peak = (uint32_t)number_of(object, "mappings_peak");
    c.hairpins = number_of(object, "hairpins");
    for (int v = NAT_DROP_FIRST; v < NAT_VERDICTS; v++) {
        (void)snprintf(key, sizeof key, "dropped_%s", nat_verdict_word((enum nat_verdict)v));
        c.dropped[v] = number_of(object, key);
    }
    json_decref(object);
    return c;
}
