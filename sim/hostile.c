/* hostile.c: hosts that play false, without a line of it in the protocol core.
 *
 *   flooder     runs no node: sends forged datagrams to drawn hosts, under its own address,
 *               a victim's or anybody's (flooder.c)
 *   reflector   runs the core and tells it that its address is a victim's; then dials drawn
 *               hosts: whoever takes the word of an offer probes the victim
 *   liar        runs the core behind an involution of all addresses: it tells each peer a
 *               false reflexive address and hands out contacts where nobody is
 *   framer      runs the core, which sees every peer at a victim's address and tells
 *               everybody so, and dials drawn hosts (framer.c)
 *   bystander   runs no node: what comes there, hostile hosts have caused
 *
 * Amplification is what arrived at bystanders over what flooders, reflectors and framers
 * sent, in bytes of UDP payload; their own life in the overlay counts as sent. */
#include <string.h>

#include "sim/draw.h"
#include "sim/record.h"
#include "sim/world_parts.h"
#include "stack/wire.h"

#define OPEN_DIALS 8u /* of a reflector; older ones are closed */
#define FIRST_DIAL UINT32_C(0x20000000)
#define LIE_IP     0x005a /* of an IPv4 address's middle: another network in the same region */
#define LIE_PORT   0x0155

static const struct plan_population *population_of(const struct world *w, uint32_t host)
{
    return &w->plan->populations[w->plan->hosts[host].population];
}

uint64_t hostile_chance(const struct world *w, uint32_t host, uint32_t part)
{
    uint64_t ordinal = w->hosts[host].attacks;
    return draw_u64(w->plan->seed, host, DRAW_ATTACK, ordinal << 8 | part);
}

static uint32_t member_of(const struct plan *p, const bool *groups, uint64_t word)
{
    uint64_t hosts = 0;
    for (uint32_t i = 0; i < p->population_count; i++)
        hosts += groups[i] ? p->populations[i].count : 0;
    uint64_t point = draw_scale(word, hosts);
    for (uint32_t i = 0; i < p->population_count; i++) {
        if (!groups[i])
            continue;
        if (point < p->populations[i].count)
            return p->populations[i].first + (uint32_t)point;
        point -= p->populations[i].count;
    }
    return PLAN_NONE;
}

/* Where the world sees a host that keeps its port. */
static struct addr outside_of(const struct world *w, uint32_t host)
{
    struct addr a = w->hosts[host].addr;
    uint32_t box = w->plan->hosts[w->hosts[host].place].box;
    for (; box != PLAN_NONE; box = w->plan->boxes[box].outer)
        if (w->plan->boxes[box].outside.family != ADDR_NONE)
            memcpy(a.ip, w->plan->boxes[box].outside.ip, sizeof a.ip);
    return a;
}

static struct addr victim_of(const struct world *w, uint32_t host, uint64_t word)
{
    const struct plan_population *victims =
        &w->plan->populations[population_of(w, host)->attack.victim];
    return outside_of(w, victims->first + (uint32_t)draw_scale(word, victims->count));
}

/* ---- reflector ---- */

static void dial(struct world *w, mist_time now, uint32_t host)
{
    const struct plan_attack *attack = &population_of(w, host)->attack;
    struct host *h = &w->hosts[host];
    char name[MIST_NAME];
    if (!h->joined)
        return;
    uint32_t target = member_of(w->plan, attack->at, hostile_chance(w, host, 0));
    uint32_t id = FIRST_DIAL + (uint32_t)h->attacks;
    struct mist_wish close = {.size = sizeof close, .kind = MIST_WISH_CLOSE, .id = id - OPEN_DIALS};
    struct mist_wish wish = {.size = sizeof wish,
                             .kind = MIST_WISH_CONNECT,
                             .id = id,
                             .name = (const uint8_t *)name,
                             .name_length = (uint32_t)world_name(w, target, name, sizeof name)};
    if (h->attacks >= OPEN_DIALS)
        (void)w->kind->wish(w, now, host, &close);
    (void)w->kind->wish(w, now, host, &wish);
}

/* ---- the interface ---- */

struct addr hostile_target(const struct world *w, uint32_t host)
{
    const struct plan_attack *attack = &population_of(w, host)->attack;
    return outside_of(w, member_of(w->plan, attack->at, hostile_chance(w, host, 0)));
}

struct addr hostile_victim(const struct world *w, uint32_t host)
{
    return victim_of(w, host, hostile_chance(w, host, 1));
}

static mist_time next_act(const struct world *w, uint32_t host, mist_time last)
{
    mist_time mean =
        (mist_time)(UINT64_C(1000000000000000) / population_of(w, host)->attack.rate_uhz);
    mist_time gap =
        draw_exponential(w->plan->seed, host, DRAW_ATTACK_TIME, w->hosts[host].attacks, mean);
    return last + gap;
}

void hostile_open(struct world *w)
{
    flooder_open(w);
    for (uint32_t i = 0; i < w->plan->host_count; i++) {
        const struct plan_attack *attack = &population_of(w, i)->attack;
        struct host *h = &w->hosts[i];
        h->behaviour = (uint8_t)population_of(w, i)->behaviour;
        h->attack = attack->rate_uhz == 0 ? MIST_NEVER : next_act(w, i, attack->from);
        w->hostile = w->hostile || attack->rate_uhz > 0;
    }
}

void hostile_due(struct world *w, mist_time now, uint32_t host)
{
    struct host *h = &w->hosts[host];
    while (h->attack <= now) {
        if (h->behaviour == BEHAVIOUR_FLOODER)
            flooder_strike(w, now, host);
        else if (h->runs)
            dial(w, now, host);
        h->attacks++;
        h->attack = next_act(w, host, h->attack);
    }
}

struct addr hostile_claim(const struct world *w, uint32_t host)
{
    if (w->hosts[host].behaviour != BEHAVIOUR_REFLECTOR &&
        w->hosts[host].behaviour != BEHAVIOUR_FRAMER)
        return w->hosts[host].addr;
    return victim_of(w, host, draw_u64(w->plan->seed, host, DRAW_VICTIM, 0));
}

struct addr hostile_lie(const struct addr *a)
{
    struct addr lie = *a;
    lie.ip[a->family == ADDR_V4 ? 1 : 5] ^= LIE_IP;
    lie.port ^= LIE_PORT;
    return lie;
}

void hostile_arrived(struct world *w, uint32_t host, const struct datagram *d)
{
    if (w->hosts[host].behaviour == BEHAVIOUR_BYSTANDER)
        w->attack_arrived += d->length;
    if (w->hosts[host].behaviour == BEHAVIOUR_FLOODER)
        flooder_heard(w, host, d);
}

void hostile_close(struct world *w)
{
    flooder_close(w);
    framer_close(w);
}

void hostile_record(const struct world *w, mist_time now)
{
    struct record *r = w->options->record;
    if (!w->hostile)
        return;
    record_series(r, now, "attack_sent", (double)w->attack_sent);
    record_series(r, now, "attack_arrived", (double)w->attack_arrived);
    if (w->attack_sent > 0)
        record_series(r, now, "attack_amplification",
                      (double)w->attack_arrived / (double)w->attack_sent);
}
