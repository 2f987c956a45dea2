/* link.c: the table of links: slots and their handles, the index by id, birth and end
 * of a link, its round trip. */
#include "stack/link.h"

#include <string.h>

#include "stack/mist.h"

/* ---- slots ---- */

static uint32_t slot_of(const struct mux *m, const struct link *l)
{
    return (uint32_t)(l - m->links);
}

mist_link link_handle(const struct mux *m, const struct link *l)
{
    return (mist_link)l->generation << 16 | slot_of(m, l);
}

struct link *link_get(const struct mux *m, mist_link link)
{
    uint32_t slot = link & 0xffff;
    if (link == 0 || slot >= m->used)
        return NULL;
    struct link *l = &m->links[slot];
    return l->state != LINK_FREE && l->generation == link >> 16 ? l : NULL;
}

struct link *link_by_channel(const struct mux *m, uint32_t channel)
{
    uint32_t slot = (channel ^ m->channel_mask) & 0xffff;
    if (slot >= m->used)
        return NULL;
    struct link *l = &m->links[slot];
    return l->state != LINK_FREE && l->rx_channel == channel ? l : NULL;
}

bool link_known_id(const uint8_t id[WIRE_ID])
{
    static const uint8_t none[WIRE_ID];
    return memcmp(id, none, WIRE_ID) != 0;
}

void link_timer(struct mux *m, struct link *l, mist_time at)
{
    timers_set(m->timers, m->first_timer + slot_of(m, l), at);
}

/* ---- the index by id: open addressing, linear probing, backward-shift deletion ---- */

static uint32_t home_of(const struct mux *m, const uint8_t *id)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = word << 8 | id[i];
    word = (word ^ m->id_salt) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(word >> 32) & m->index_mask;
}

void link_index(struct mux *m, struct link *l)
{
    uint32_t i = home_of(m, l->id);
    while (m->index[i] != 0)
        i = (i + 1) & m->index_mask;
    m->index[i] = (uint16_t)(slot_of(m, l) + 1);
}

static void unindex(struct mux *m, const struct link *l)
{
    uint32_t i = home_of(m, l->id);
    while (m->index[i] != slot_of(m, l) + 1) {
        if (m->index[i] == 0)
            return; /* its id was never learnt */
        i = (i + 1) & m->index_mask;
    }
    for (uint32_t j = (i + 1) & m->index_mask; m->index[j] != 0; j = (j + 1) & m->index_mask) {
        uint32_t home = home_of(m, m->links[m->index[j] - 1].id);
        if (((j - home) & m->index_mask) >= ((j - i) & m->index_mask)) {
            m->index[i] = m->index[j];
            i = j;
        }
    }
    m->index[i] = 0;
}

struct link *link_find(const struct mux *m, const uint8_t *id, size_t length)
{
    uint32_t i = home_of(m, id);
    for (; m->index[i] != 0; i = (i + 1) & m->index_mask) {
        struct link *l = &m->links[m->index[i] - 1];
        if (memcmp(l->id, id, length) == 0)
            return l;
    }
    return NULL;
}

/* ---- life of a link ---- */

void link_drop(struct mux *m, struct link *l, int why, struct out *out)
{
    struct effect e = {.kind = l->state == LINK_UP ? EFFECT_LINK_DOWN : EFFECT_LINK_FAILED,
                       .link = link_handle(m, l),
                       .value = (uint32_t)why,
                       .contact.addr = l->path};
    memcpy(e.contact.id, l->id, WIRE_ID);
    out_fact(out, FACT_LINK_DOWN, l->id, &l->path, why, 0);
    unindex(m, l);
    link_timer(m, l, MIST_NEVER);
    m->up -= l->state == LINK_UP;
    m->kept -= l->keeps > 0;
    if (l->share != 0)
        m->shares[l->share - 1].links--;
    uint16_t generation = l->generation;
    seal_wipe(l, sizeof *l);
    l->generation = generation;
    l->next_free = (uint16_t)m->free;
    m->free = slot_of(m, l) + 1;
    out_effect(out, &e);
}

static bool may_go(const struct mux *m, mist_time now, const struct link *l)
{
    /* More than half of the table is not for subscribers. */
    bool kept = l->keeps > 0 && m->kept <= m->limit / 2;
    return l->state == LINK_UP && l->pins == 0 && !kept && now - l->last_in >= LINK_EVICTABLE;
}

/* A clock hand: looks at a bounded number of slots for one that may go. */
static void evict(struct mux *m, mist_time now, struct out *out)
{
    for (int i = 0; i < 32; i++) {
        struct link *l = &m->links[m->hand];
        m->hand = (m->hand + 1) % m->limit;
        if (may_go(m, now, l)) {
            mux_drop(m, now, link_handle(m, l), 4, out);
            return;
        }
    }
}

bool link_evict_of(struct mux *m, mist_time now, uint32_t cell, struct out *out)
{
    struct link *oldest = NULL;
    for (uint32_t i = 0; i < m->used; i++) {
        struct link *l = &m->links[i];
        if (l->share == cell + 1 && may_go(m, now, l) &&
            (oldest == NULL || l->last_in < oldest->last_in))
            oldest = l;
    }
    if (oldest != NULL)
        mux_drop(m, now, link_handle(m, oldest), 4, out);
    return oldest != NULL;
}

static void choose_channel(struct mux *m, struct link *l)
{
    do
        l->rx_channel = (rng_u32(m->rng) << 16 | slot_of(m, l)) ^ m->channel_mask;
    while (l->rx_channel == 0);
}

struct link *link_new(struct mux *m, mist_time now, const uint8_t id[WIRE_ID], struct out *out)
{
    if (m->free == 0 && m->used == m->limit)
        evict(m, now, out);
    struct link *l;
    if (m->free != 0) {
        l = &m->links[m->free - 1];
        m->free = l->next_free;
    } else if (m->used < m->limit) {
        l = &m->links[m->used++];
    } else {
        out_fact(out, FACT_TABLE_FULL, id, NULL, 1, m->limit);
        return NULL;
    }
    uint16_t generation = l->generation;
    memset(l, 0, sizeof *l);
    l->generation = (uint16_t)(generation + 1 == 0x10000 ? 1 : generation + 1);
    l->state = LINK_INIT;
    l->last_in = l->last_out = l->last_path_in = now;
    memcpy(l->id, id, WIRE_ID);
    choose_channel(m, l);
    if (link_known_id(id))
        link_index(m, l);
    return l;
}

/* RFC 6298 without the clock granularity. */
void link_rtt(struct link *l, mist_time sample)
{
    if (sample <= 0)
        return;
    if (l->srtt == 0) {
        l->srtt = sample;
        l->rttvar = sample / 2;
        return;
    }
    mist_time error = sample > l->srtt ? sample - l->srtt : l->srtt - sample;
    l->rttvar += (error - l->rttvar) / 4;
    l->srtt += (sample - l->srtt) / 8;
}

mist_time link_patience(const struct link *l)
{
    mist_time patience = l->srtt == 0 ? SEC(1) : l->srtt + 4 * l->rttvar;
    return patience < MS(500) ? MS(500) : patience > SEC(2) ? SEC(2) : patience;
}
