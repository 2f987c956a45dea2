/* kad.c: what the overlay offers to the node, and its upkeep.
 *
 * Upkeep has one timer, armed while the table holds anybody.  When it fires it
 * does the first of these that is due, and one only, so that an idle node stays
 * cheap; then it sleeps for EVERY at least, until the next is due:
 *   SELF_FIRST, SELF_SECOND, then REFRESH    this node itself is looked up
 *   REFRESH after the last lookup in it      a bucket with room is looked up
 *   UNSEEN since its last sign of life       a contact is asked for one
 *   a failure                                that contact, at the next act */
#include "stack/kad.h"

#include <string.h>

#include "stack/check.h"
#include "stack/kad_parts.h"

#define SELF_FIRST  SEC(30)     /* the neighbours of a newcomer come first */
#define SELF_SECOND MINUTES(2)  /* others who joined meanwhile */
#define REFRESH     MINUTES(15) /* 10 min in go-libp2p, 1 h in the paper */
#define UNSEEN      MINUTES(5)  /* IPFS sessions last 2 h in the median: few die unnoticed */
#define EVERY       SEC(30)     /* between two acts of upkeep */
#define JITTER      10          /* percent: nodes started together do not stay in step */

/* ---- memory ---- */

size_t kad_size(const struct kad_config *config)
{
    return sizeof(struct kad) + config->lookups * sizeof(struct kad_lookup) +
           config->contacts * sizeof(struct kad_entry);
}

uint32_t kad_timers(const struct kad_config *config)
{
    return config->lookups + 1;
}

struct kad *kad_init(void *memory, const struct kad_config *config, const uint8_t self[WIRE_ID],
                     struct rng *rng, struct timers *timers, uint32_t first_timer)
{
    CHECK(config->contacts < UINT16_MAX && config->lookups > 0);
    struct kad *k = memory;
    memcpy(k->self, self, WIRE_ID);
    k->rng = rng;
    k->timers = timers;
    k->first_timer = first_timer;
    k->contact_limit = config->contacts;
    k->lookup_limit = config->lookups;
    k->lookup = (struct kad_lookup *)(k + 1);
    k->entry = (struct kad_entry *)(k->lookup + config->lookups);
    return k;
}

uint32_t kad_memory(const struct kad *k, struct mist_memory *array, uint32_t n)
{
    uint32_t running = 0;
    for (uint32_t i = 0; i < k->lookup_limit; i++)
        running += k->lookup[i].active;
    const struct mist_memory tables[] = {
        {"kad", sizeof *k, 1, 1},
        {"lookups", sizeof *k->lookup, k->lookup_limit, running},
        {"contacts", sizeof *k->entry, k->contact_limit, k->count + k->spare_count},
    };
    uint32_t count = sizeof tables / sizeof tables[0];
    if (n > count)
        n = count;
    memcpy(array, tables, n * sizeof *array);
    return n;
}

/* ---- upkeep ---- */

static void upkeep_at(struct kad *k, mist_time at)
{
    timers_set(k->timers, k->first_timer + k->lookup_limit, at);
}

static void look_self_up(struct kad *k, mist_time now, struct out *out)
{
    if (kad_lookup(k, now, k->self, KAD_OWNER_UPKEEP, NULL, 0, out) != 0)
        return;
    mist_time pause = k->settled ? REFRESH : SELF_SECOND - SELF_FIRST;
    k->next_self = now + rng_around(k->rng, pause, JITTER);
    k->settled = true;
}

/* A bucket with room whose range saw no lookup for REFRESH.  A full one could
 * take nobody.  The nearest KAD_K contacts are what the lookup of this node
 * itself brings, so the search ends where they begin. */
static bool find_stale(const struct kad *k, mist_time now, uint32_t *bucket)
{
    uint32_t beyond = k->count;
    for (uint32_t i = 0; i < KAD_BUCKETS && beyond > KAD_K; i++) {
        const struct kad_bucket *b = &k->bucket[i];
        if (b->live_count < KAD_K && now - b->looked_up >= REFRESH) {
            *bucket = i;
            return true;
        }
        beyond -= b->live_count;
    }
    return false;
}

/* A random id that shares exactly `bits` bits with this node's. */
static void draw_id(struct kad *k, uint32_t bits, uint8_t id[WIRE_ID])
{
    rng_bytes(k->rng, id, WIRE_ID);
    memcpy(id, k->self, bits / 8);
    const unsigned own = k->self[bits / 8], keep = 0xff00u >> bits % 8 & 0xff;
    const unsigned flip = 0x80u >> bits % 8, rest = 0xff & ~(keep | flip);
    id[bits / 8] = (uint8_t)((own & keep) | (~own & flip) | (id[bits / 8] & rest));
}

static void refresh(struct kad *k, mist_time now, uint32_t bucket, struct out *out)
{
    uint8_t id[WIRE_ID];
    draw_id(k, bucket, id);
    kad_lookup(k, now, id, KAD_OWNER_UPKEEP, NULL, 0, out);
}

static void upkeep(struct kad *k, mist_time now, struct out *out)
{
    const struct kad_entry *oldest = kad_least_recent(k), *doubtful = kad_doubtful(k);
    k->awake = oldest != NULL;
    if (!k->awake)
        return;
    uint32_t bucket;
    if (now >= k->next_self)
        look_self_up(k, now, out);
    else if (doubtful != NULL)
        kad_ping(k, now, &doubtful->contact, out);
    else if (find_stale(k, now, &bucket))
        refresh(k, now, bucket, out);
    else if (now - oldest->seen >= UNSEEN)
        kad_ping(k, now, &oldest->contact, out);
    mist_time soon = now + rng_around(k->rng, EVERY, JITTER);
    mist_time due = oldest->seen + UNSEEN < k->next_self ? oldest->seen + UNSEEN : k->next_self;
    upkeep_at(k, due > soon && kad_doubtful(k) == NULL ? due : soon);
}

/* The table holds somebody again. */
static void awake(struct kad *k, mist_time now)
{
    for (uint32_t i = 0; i < KAD_BUCKETS; i++)
        k->bucket[i].looked_up = now;
    k->awake = true;
    k->settled = false;
    k->next_self = now + rng_around(k->rng, SELF_FIRST, JITTER);
    upkeep_at(k, k->next_self);
}

/* ---- what the node tells ---- */

void kad_seen(struct kad *k, mist_time now, const struct contact *c, mist_time rtt, struct out *out)
{
    CHECK(c->addr.family == ADDR_V4 || c->addr.family == ADDR_V6);
    if (rtt > 0 && k->srtt == 0)
        kad_measure(k, rtt);
    kad_store(k, now, c, out);
    if (k->count > 0 && !k->awake)
        awake(k, now);
}

void kad_find(struct kad *k, mist_time now, mist_link link, const struct msg *m, struct out *out)
{
    (void)now;
    struct contact near[KAD_K];
    uint32_t n = kad_vouched(k, m->key, near, KAD_K);
    out_send(out, link,
             &(struct msg){
                 .type = MSG_NODES, .request = m->request, .count = (uint8_t)n, .contacts = near});
}

void kad_timer(struct kad *k, mist_time now, uint32_t timer, struct out *out)
{
    CHECK(timer <= k->lookup_limit);
    if (timer < k->lookup_limit)
        kad_lookup_timer(k, now, &k->lookup[timer], out);
    else
        upkeep(k, now, out);
}
