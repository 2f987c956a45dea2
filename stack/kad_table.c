/* kad_table.c: the buckets: who is stored, who replaces whom, who is closest. */
#include <string.h>

#include "stack/check.h"
#include "stack/kad_parts.h"

#define FAILURES 2          /* in a row: the first may be this node's own outage */
#define GONE_FOR MINUTES(3) /* hearsay lives as long as a contact goes unseen: kad.c, UNSEEN */

bool kad_nearer(const uint8_t target[WIRE_ID], const uint8_t a[WIRE_ID], const uint8_t b[WIRE_ID])
{
    uint32_t i = 0;
    while (i < WIRE_ID && a[i] == b[i])
        i++;
    return i < WIRE_ID && (a[i] ^ target[i]) < (b[i] ^ target[i]);
}

/* Length of the common prefix in bits; WIRE_ID * 8 for equals. */
static uint32_t shared_prefix(const uint8_t a[WIRE_ID], const uint8_t b[WIRE_ID])
{
    uint32_t bits = 0;
    while (bits < WIRE_ID * 8 && a[bits / 8] == b[bits / 8])
        bits += 8;
    if (bits == WIRE_ID * 8)
        return bits;
    for (unsigned differ = a[bits / 8] ^ b[bits / 8]; (differ & 0x80) == 0; differ <<= 1)
        bits++;
    return bits;
}

uint32_t kad_bucket_of(const struct kad *k, const uint8_t id[WIRE_ID])
{
    uint32_t bits = shared_prefix(k->self, id);
    return bits < KAD_BUCKETS ? bits : KAD_BUCKETS - 1;
}

/* ---- lists of slots ---- */

static uint16_t slot_of(const struct kad *k, const struct kad_entry *e)
{
    return (uint16_t)(e - k->entry + 1);
}

static struct kad_entry *at(const struct kad *k, uint32_t slot)
{
    return slot == 0 ? NULL : &k->entry[slot - 1];
}

static struct kad_entry *find(const struct kad *k, uint16_t list, const uint8_t id[WIRE_ID])
{
    struct kad_entry *e = at(k, list);
    while (e != NULL && memcmp(e->contact.id, id, WIRE_ID) != 0)
        e = at(k, e->next);
    return e;
}

static void push(const struct kad *k, uint16_t *list, struct kad_entry *e)
{
    e->next = *list;
    *list = slot_of(k, e);
}

static void unlink_from(const struct kad *k, uint16_t *list, struct kad_entry *e)
{
    while (*list != slot_of(k, e)) {
        CHECK(*list != 0);
        list = &at(k, *list)->next;
    }
    *list = e->next;
}

/* The entry of a list that was seen longest ago; the lower slot of equals. */
static struct kad_entry *longest_unseen(const struct kad *k, uint16_t list)
{
    struct kad_entry *oldest = at(k, list);
    for (struct kad_entry *e = oldest; e != NULL; e = at(k, e->next)) {
        if (e->seen < oldest->seen || (e->seen == oldest->seen && e < oldest))
            oldest = e;
    }
    return oldest;
}

/* The replacement that was seen last; the lower slot of equals. */
static struct kad_entry *freshest(const struct kad *k, uint16_t list)
{
    struct kad_entry *best = at(k, list);
    for (struct kad_entry *e = best; e != NULL; e = at(k, e->next)) {
        if (e->seen > best->seen || (e->seen == best->seen && e < best))
            best = e;
    }
    return best;
}

/* ---- slots ---- */

static void release(struct kad *k, struct kad_entry *e)
{
    memset(e, 0, sizeof *e);
    e->next = (uint16_t)k->free;
    k->free = slot_of(k, e);
}

static void drop_spare(struct kad *k, struct kad_bucket *b, struct kad_entry *e)
{
    unlink_from(k, &b->spares, e);
    b->spare_count--;
    k->spare_count--;
    release(k, e);
}

/* A live contact is worth more than any replacement: the bucket that covers the
 * widest range gives one up. */
static void sacrifice_spare(struct kad *k)
{
    for (uint32_t i = 0; i < KAD_BUCKETS; i++) {
        struct kad_bucket *b = &k->bucket[i];
        if (b->spare_count > 0) {
            drop_spare(k, b, longest_unseen(k, b->spares));
            return;
        }
    }
}

/* An unused slot; NULL when the table is full. */
static struct kad_entry *take_slot(struct kad *k)
{
    struct kad_entry *e = at(k, k->free);
    if (e != NULL)
        k->free = e->next;
    else if (k->high < k->contact_limit)
        e = &k->entry[k->high++];
    return e;
}

/* ---- who is silent ---- */

static uint64_t tag_of(const uint8_t id[WIRE_ID])
{
    uint64_t tag;
    memcpy(&tag, id + WIRE_ID - sizeof tag, sizeof tag);
    return tag;
}

bool kad_is_gone(const struct kad *k, mist_time now, const uint8_t id[WIRE_ID])
{
    for (uint32_t i = 0; i < KAD_GONE; i++) {
        if (k->gone[i].tag == tag_of(id) && k->gone[i].until > now)
            return true;
    }
    return false;
}

static void remember_gone(struct kad *k, mist_time now, const uint8_t id[WIRE_ID])
{
    k->gone[k->gone_next++ % KAD_GONE] = (struct kad_gone){tag_of(id), now + GONE_FOR};
}

static void forget_gone(struct kad *k, const uint8_t id[WIRE_ID])
{
    for (uint32_t i = 0; i < KAD_GONE; i++) {
        if (k->gone[i].tag == tag_of(id))
            k->gone[i].until = 0;
    }
}

/* ---- who enters, who leaves ---- */

static void enliven(struct kad *k, uint32_t bucket, struct kad_entry *e, struct out *out)
{
    struct kad_bucket *b = &k->bucket[bucket];
    e->live = 1;
    e->failures = 0;
    push(k, &b->live, e);
    b->live_count++;
    k->count++;
    out_fact(out, FACT_CONTACT_ADDED, e->contact.id, &e->contact.addr, bucket, 0);
}

static void add_live(struct kad *k, mist_time now, uint32_t bucket, const struct contact *c,
                     struct out *out)
{
    struct kad_entry *e = take_slot(k);
    if (e == NULL && k->spare_count > 0) {
        sacrifice_spare(k);
        e = take_slot(k);
    }
    if (e == NULL) {
        out_fact(out, FACT_TABLE_FULL, c->id, &c->addr, 11, bucket);
        return;
    }
    e->contact = *c;
    e->seen = now;
    enliven(k, bucket, e, out);
}

static void take_out(struct kad *k, uint32_t bucket, struct kad_entry *e, struct out *out)
{
    struct kad_bucket *b = &k->bucket[bucket];
    out_fact(out, FACT_CONTACT_DROPPED, e->contact.id, &e->contact.addr, bucket, e->failures);
    unlink_from(k, &b->live, e);
    b->live_count--;
    k->count--;
    release(k, e);
}

/* The newest candidates for replacement are the likeliest to be alive. */
static void add_spare(struct kad *k, mist_time now, struct kad_bucket *b, const struct contact *c)
{
    if (b->spare_count == KAD_SPARES)
        drop_spare(k, b, longest_unseen(k, b->spares));
    struct kad_entry *e = take_slot(k);
    if (e == NULL)
        return;
    e->contact = *c;
    e->seen = now;
    push(k, &b->spares, e);
    b->spare_count++;
    k->spare_count++;
}

/* One network shall not fill a bucket: who is beyond its share. */
static bool is_crowded(const struct kad *k, uint16_t list, const struct addr *a, uint32_t spare)
{
    uint32_t sites = 0, providers = 0;
    for (const struct kad_entry *e = at(k, list); e != NULL; e = at(k, e->next)) {
        sites += addr_site(&e->contact.addr) == addr_site(a);
        providers += addr_provider(&e->contact.addr) == addr_provider(a);
    }
    return addr_is_global(a) &&
           (sites + spare > KAD_PER_SITE || providers + spare > KAD_PER_PROVIDER);
}

/* Of those beyond their network's share the one seen longest ago; NULL: there is none. */
static struct kad_entry *most_crowded(const struct kad *k, uint16_t list)
{
    struct kad_entry *worst = NULL;
    for (struct kad_entry *e = at(k, list); e != NULL; e = at(k, e->next)) {
        if (is_crowded(k, list, &e->contact.addr, 0) &&
            (worst == NULL || e->seen < worst->seen || (e->seen == worst->seen && e < worst)))
            worst = e;
    }
    return worst;
}

/* A newcomer to a full bucket: instead of one beyond its network's share, or a spare. */
static void squeeze_in(struct kad *k, mist_time now, uint32_t bucket, const struct contact *c,
                       struct out *out)
{
    struct kad_bucket *b = &k->bucket[bucket];
    struct kad_entry *e = most_crowded(k, b->live);
    if (e == NULL || is_crowded(k, b->live, &c->addr, 1)) {
        add_spare(k, now, b, c);
        return;
    }
    take_out(k, bucket, e, out);
    add_live(k, now, bucket, c, out);
}

void kad_store(struct kad *k, mist_time now, const struct contact *c, struct out *out)
{
    if (memcmp(c->id, k->self, WIRE_ID) == 0)
        return;
    forget_gone(k, c->id);
    uint32_t bucket = kad_bucket_of(k, c->id);
    struct kad_bucket *b = &k->bucket[bucket];
    struct kad_entry *e = find(k, b->live, c->id);
    if (e == NULL)
        e = find(k, b->spares, c->id);
    if (e != NULL) {
        e->contact.addr = c->addr;
        e->seen = now;
        e->failures = 0;
    } else if (b->live_count < KAD_K) {
        add_live(k, now, bucket, c, out);
    } else {
        squeeze_in(k, now, bucket, c, out);
    }
}

static void drop_live(struct kad *k, uint32_t bucket, struct kad_entry *e, struct out *out)
{
    struct kad_bucket *b = &k->bucket[bucket];
    take_out(k, bucket, e, out);
    e = freshest(k, b->spares);
    if (e == NULL)
        return;
    unlink_from(k, &b->spares, e);
    b->spare_count--;
    k->spare_count--;
    enliven(k, bucket, e, out);
}

void kad_failed(struct kad *k, mist_time now, const uint8_t id[WIRE_ID], struct out *out)
{
    uint32_t bucket = kad_bucket_of(k, id);
    struct kad_bucket *b = &k->bucket[bucket];
    struct kad_entry *e = find(k, b->live, id);
    remember_gone(k, now, id);
    if (e != NULL) {
        if (++e->failures == FAILURES)
            drop_live(k, bucket, e, out);
        return;
    }
    e = find(k, b->spares, id);
    if (e != NULL)
        drop_spare(k, b, e);
}

void kad_retired(struct kad *k, const uint8_t id[WIRE_ID], struct out *out)
{
    uint32_t bucket = kad_bucket_of(k, id);
    struct kad_bucket *b = &k->bucket[bucket];
    struct kad_entry *e = find(k, b->live, id);
    if (e != NULL)
        drop_live(k, bucket, e, out);
    else if ((e = find(k, b->spares, id)) != NULL)
        drop_spare(k, b, e);
}

/* ---- who is where ---- */

struct kad_entry *kad_entry_of(struct kad *k, const uint8_t id[WIRE_ID])
{
    return find(k, k->bucket[kad_bucket_of(k, id)].live, id);
}

struct kad_entry *kad_least_recent(struct kad *k)
{
    struct kad_entry *oldest = NULL;
    for (struct kad_entry *e = k->entry; e < k->entry + k->high; e++) {
        if (e->live != 0 && (oldest == NULL || e->seen < oldest->seen))
            oldest = e;
    }
    return oldest;
}

struct kad_entry *kad_doubtful(struct kad *k)
{
    for (struct kad_entry *e = k->entry; e < k->entry + k->high; e++) {
        if (e->live != 0 && e->failures > 0)
            return e;
    }
    return NULL;
}

uint32_t kad_count(const struct kad *k)
{
    return k->count;
}

struct closest {
    const struct kad *k;
    const uint8_t *target;
    struct contact *array;
    uint32_t count, limit;
    uint8_t failures; /* entries with more are left out */
};

/* Adds a bucket whose contacts are all farther than the `from` before it. */
static void gather(struct closest *c, uint32_t bucket)
{
    uint32_t from = c->count;
    const struct kad_entry *e = at(c->k, c->k->bucket[bucket].live);
    for (; e != NULL; e = at(c->k, e->next)) {
        uint32_t i = c->count;
        if (e->failures > c->failures)
            continue;
        if (i == c->limit) {
            if (i == from || !kad_nearer(c->target, e->contact.id, c->array[i - 1].id))
                continue;
            i--;
        } else {
            c->count++;
        }
        for (; i > from && kad_nearer(c->target, e->contact.id, c->array[i - 1].id); i--)
            c->array[i] = c->array[i - 1];
        c->array[i] = e->contact;
    }
}

static bool bits_differ(const struct closest *c, uint32_t bit)
{
    return ((c->k->self[bit / 8] ^ c->target[bit / 8]) >> (7 - bit % 8) & 1) != 0;
}

/* Buckets fall into distance order as wholes.  Let p be the target's own
 * bucket: it is nearest.  All deeper buckets share exactly p bits with the
 * target; bucket j among them is nearer than everything deeper where target and
 * self differ at bit j, else farther.  Then p - 1 down to 0. */
static uint32_t gather_all(struct closest *c)
{
    const uint32_t last = KAD_BUCKETS - 1, own = kad_bucket_of(c->k, c->target);
    gather(c, own);
    for (uint32_t j = own + 1; j < last && c->count < c->limit; j++) {
        if (bits_differ(c, j))
            gather(c, j);
    }
    if (own != last && c->count < c->limit)
        gather(c, last);
    for (uint32_t j = last - 1; j > own && j < last && c->count < c->limit; j--) {
        if (!bits_differ(c, j))
            gather(c, j);
    }
    for (uint32_t j = own; j-- > 0 && c->count < c->limit;)
        gather(c, j);
    return c->count;
}

uint32_t kad_closest(const struct kad *k, const uint8_t target[WIRE_ID], struct contact *array,
                     uint32_t n)
{
    return gather_all(&(struct closest){k, target, array, 0, n, UINT8_MAX});
}

uint32_t kad_vouched(const struct kad *k, const uint8_t target[WIRE_ID], struct contact *array,
                     uint32_t n)
{
    return gather_all(&(struct closest){k, target, array, 0, n, 0});
}
