/* kad_shortlist.c: whom a lookup may ask: who gets onto its list, and who counts.
 *
 * A lookup goes along KAD_PATHS paths at once: whom it starts from is dealt out to
 * them, and what a candidate tells belongs to the path on which it was first heard
 * of.  Among those who count are the nearest of each path, and no path's hearsay
 * pushes another's off the list: who stands on one path cannot hide what the others
 * find (Baumgart, Mies: S/Kademlia, 2007).  Where nobody lies, all paths tell of the
 * same and nothing is asked twice.
 *
 * Nor may one network be all that is found: ids are free, addresses are not. */
#include <string.h>

#include "stack/check.h"
#include "stack/kad_parts.h"

#define SHARE        (KAD_SHORTLIST / KAD_PATHS) /* of the list, kept for each path */
#define PATH_NEAREST 3 /* of a path count always: as many as end a lookup of go-libp2p (beta) */
#define PER_HOST     4 /* that hearsay may name at one address: homes behind a carrier's box */

bool kad_is_zero(const uint8_t id[WIRE_ID])
{
    static const uint8_t zero[WIRE_ID];
    return memcmp(id, zero, WIRE_ID) == 0;
}

struct kad_candidate *kad_candidate_of(struct kad_lookup *l, const uint8_t id[WIRE_ID])
{
    for (uint32_t i = 0; l->active && i < l->count; i++) {
        if (memcmp(l->list[i].contact.id, id, WIRE_ID) == 0)
            return &l->list[i];
    }
    return NULL;
}

/* ---- who gets onto it ---- */

/* The farthest of the path itself if that has its share, else of the path that has most. */
static uint32_t farthest_of_path(const struct kad_lookup *l, uint8_t path)
{
    uint32_t size[KAD_PATHS] = {0}, farthest = 0;
    for (uint32_t i = 0; i < l->count; i++)
        size[l->list[i].path]++;
    for (uint8_t p = 0; size[path] < SHARE && p < KAD_PATHS; p++)
        path = size[p] > size[path] ? p : path;
    for (uint32_t i = 0; i < l->count; i++)
        farthest = l->list[i].path == path ? i : farthest;
    return farthest;
}

static void take_out(struct kad_lookup *l, uint32_t index)
{
    l->count--;
    memmove(&l->list[index], &l->list[index + 1], (l->count - index) * sizeof l->list[0]);
}

struct kad_candidate *kad_insert(const struct kad *k, struct kad_lookup *l, const struct contact *c,
                                 uint8_t path)
{
    CHECK(!kad_is_zero(c->id));
    if (memcmp(c->id, k->self, WIRE_ID) == 0)
        return NULL;
    uint32_t i = l->count;
    while (i > 0 && kad_nearer(l->target, c->id, l->list[i - 1].contact.id))
        i--;
    if (i > 0 && memcmp(l->list[i - 1].contact.id, c->id, WIRE_ID) == 0)
        return NULL;
    if (l->count == KAD_SHORTLIST) {
        uint32_t out = farthest_of_path(l, path);
        if (out < i && l->list[out].path == path)
            return NULL;
        take_out(l, out);
        i -= out < i;
    }
    memmove(&l->list[i + 1], &l->list[i], (l->count - i) * sizeof l->list[0]);
    l->count++;
    l->list[i] = (struct kad_candidate){.contact = *c,
                                        .depth = 1,
                                        .path = path,
                                        .told_on = (uint8_t)(1u << path),
                                        .site = addr_site(&c->addr),
                                        .provider = addr_provider(&c->addr),
                                        .global = addr_is_global(&c->addr)};
    return &l->list[i];
}

/* An address that hearsay may send this node to.  Who is on the open internet
 * has no business naming private addresses; nobody names no host's. */
static bool is_askable(const struct addr *a, const struct addr *teller)
{
    static const uint8_t unspecified[16];
    if ((a->family != ADDR_V4 && a->family != ADDR_V6) || a->port == 0)
        return false;
    if (addr_is_global(a))
        return true;
    if (a->family == ADDR_V4 ? a->ip[0] == 0 || a->ip[0] >= 224
                             : a->ip[0] == 0xff || memcmp(a->ip, unspecified, 16) == 0)
        return false;
    return !addr_is_global(teller);
}

/* One answer could name a victim twenty times. */
static bool is_named_enough(const struct kad_lookup *l, const struct addr *a)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < l->count; i++)
        same += addr_same_ip(&l->list[i].contact.addr, a);
    return same >= PER_HOST && addr_is_global(a);
}

/* It failed elsewhere: this may be its right address. */
static void try_there(struct kad_candidate *c, const struct addr *a, uint8_t depth)
{
    c->contact.addr = *a;
    c->site = addr_site(a);
    c->provider = addr_provider(a);
    c->global = addr_is_global(a);
    c->state = KAD_HEARD;
    c->late = c->overdue = false;
    c->depth = depth;
}

void kad_hear(const struct kad *k, mist_time now, struct kad_lookup *l, const struct contact *c,
              const struct kad_candidate *teller)
{
    const uint8_t depth = teller->depth < UINT8_MAX ? (uint8_t)(teller->depth + 1) : UINT8_MAX;
    if (kad_is_zero(c->id) || !is_askable(&c->addr, &teller->contact.addr) ||
        kad_is_gone(k, now, c->id))
        return;
    struct kad_candidate *known = kad_candidate_of(l, c->id);
    if (known == NULL) {
        known = is_named_enough(l, &c->addr) ? NULL : kad_insert(k, l, c, teller->path);
        if (known != NULL)
            known->depth = depth;
        return;
    }
    known->told_on |= (uint8_t)(1u << teller->path);
    if (known->state == KAD_FAILED && known->tries < KAD_TRIES &&
        !addr_equal(&known->contact.addr, &c->addr))
        try_there(known, &c->addr, depth);
}

/* ---- who counts ---- */

static bool is_out_for_good(const struct kad_candidate *c)
{
    return c->state == KAD_FAILED;
}

static bool is_out_or_overdue(const struct kad_candidate *c)
{
    return c->state == KAD_FAILED || c->overdue;
}

static bool is_out_or_late(const struct kad_candidate *c)
{
    return c->state == KAD_FAILED || c->late;
}

/* Enough nearer ones of its network have the rank. */
static bool is_crowded(const struct kad_lookup *l, uint32_t index, uint8_t rank)
{
    const struct kad_candidate *c = &l->list[index];
    uint32_t sites = 0, providers = 0;
    for (uint32_t i = 0; c->global && i < index; i++) {
        bool same = (l->list[i].ranks & rank) != 0 && l->list[i].provider == c->provider;
        providers += same;
        sites += same && l->list[i].site == c->site;
    }
    return sites >= KAD_PER_SITE || providers >= KAD_PER_PROVIDER;
}

static bool nearest_of_a_path(const struct kad_candidate *c, uint32_t taken[KAD_PATHS])
{
    bool nearest = false;
    for (uint32_t p = 0; p < KAD_PATHS; p++)
        nearest |= (c->told_on >> p & 1) != 0 && taken[p]++ < PATH_NEAREST;
    return nearest;
}

static void rank(struct kad_lookup *l, enum kad_rank rank,
                 bool (*is_out)(const struct kad_candidate *))
{
    uint32_t taken = 0, on_path[KAD_PATHS] = {0};
    for (uint32_t i = 0; i < l->count; i++) {
        struct kad_candidate *c = &l->list[i];
        c->ranks &= (uint8_t)~rank;
        if (is_out(c))
            continue;
        bool near = taken < KAD_K && !is_crowded(l, i, (uint8_t)rank);
        taken += near;
        if (nearest_of_a_path(c, on_path) || near)
            c->ranks |= (uint8_t)rank;
    }
    for (uint32_t i = 0; i < l->count && taken < KAD_K; i++) { /* one's own network may be all */
        struct kad_candidate *c = &l->list[i];
        if (is_out(c) || (c->ranks & rank) != 0)
            continue;
        c->ranks |= (uint8_t)rank;
        taken++;
    }
}

void kad_rank(struct kad_lookup *l)
{
    rank(l, KAD_ALIVE, is_out_for_good);
    rank(l, KAD_PROMPT, is_out_or_overdue);
    rank(l, KAD_IN_TIME, is_out_or_late);
}
