/* naive_kad.h: the table of kad as anybody would first write it: one flat array
 * and full scans.  What kad_table.c does with lists and buckets must be the
 * same.  Also the distance, written from its definition: XOR, then compare. */
#ifndef MIST_NAIVE_KAD_H
#define MIST_NAIVE_KAD_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stack/kad.h"

#define NAIVE_LIMIT   2048
#define NAIVE_BUCKETS 40
#define NAIVE_SPARES  4

struct naive_entry {
    struct contact contact;
    uint32_t bucket;
    bool live;
    uint32_t failures;
    mist_time seen;
};

struct naive {
    uint8_t self[WIRE_ID];
    uint32_t limit, count; /* of entry, live or not */
    struct naive_entry entry[NAIVE_LIMIT];
};

/* a nearer to target than b: < 0 */
static inline int naive_order(const uint8_t *target, const uint8_t *a, const uint8_t *b)
{
    uint8_t to_a[WIRE_ID], to_b[WIRE_ID];
    for (int i = 0; i < WIRE_ID; i++) {
        to_a[i] = a[i] ^ target[i];
        to_b[i] = b[i] ^ target[i];
    }
    return memcmp(to_a, to_b, WIRE_ID);
}

static inline uint32_t naive_bucket(const struct naive *n, const uint8_t *id)
{
    uint32_t bit = 0;
    while (bit < NAIVE_BUCKETS - 1 && ((id[bit / 8] ^ n->self[bit / 8]) & (0x80 >> bit % 8)) == 0)
        bit++;
    return bit;
}

static inline uint32_t naive_count(const struct naive *n, int bucket, bool live)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->count; i++)
        count += (bucket < 0 || n->entry[i].bucket == (uint32_t)bucket) && n->entry[i].live == live;
    return count;
}

static inline void naive_remove(struct naive *n, struct naive_entry *e)
{
    *e = n->entry[--n->count];
}

/* The replacement of a bucket that was seen last (newest) or longest ago. */
static inline struct naive_entry *naive_spare(struct naive *n, uint32_t bucket, bool newest)
{
    struct naive_entry *best = NULL;
    for (struct naive_entry *e = n->entry; e < n->entry + n->count; e++) {
        if (e->bucket == bucket && !e->live &&
            (best == NULL || (newest ? e->seen > best->seen : e->seen < best->seen)))
            best = e;
    }
    return best;
}

static inline struct naive_entry *naive_find(struct naive *n, const uint8_t *id)
{
    for (struct naive_entry *e = n->entry; e < n->entry + n->count; e++) {
        if (memcmp(e->contact.id, id, WIRE_ID) == 0)
            return e;
    }
    return NULL;
}

static inline void naive_add(struct naive *n, mist_time now, const struct contact *c, bool live)
{
    if (n->count < n->limit)
        n->entry[n->count++] = (struct naive_entry){*c, naive_bucket(n, c->id), live, 0, now};
}

static inline void naive_seen(struct naive *n, mist_time now, const struct contact *c)
{
    struct naive_entry *e = naive_find(n, c->id);
    int bucket = (int)naive_bucket(n, c->id);
    if (memcmp(c->id, n->self, WIRE_ID) == 0)
        return;
    if (e != NULL) {
        e->contact.addr = c->addr;
        e->seen = now;
        e->failures = 0;
    } else if (naive_count(n, bucket, true) < KAD_K) {
        if (n->count == n->limit) {
            struct naive_entry *spare = NULL;
            for (uint32_t b = 0; b < NAIVE_BUCKETS && spare == NULL; b++)
                spare = naive_spare(n, b, false);
            if (spare != NULL)
                naive_remove(n, spare);
        }
        naive_add(n, now, c, true);
    } else {
        if (naive_count(n, bucket, false) == NAIVE_SPARES)
            naive_remove(n, naive_spare(n, (uint32_t)bucket, false));
        naive_add(n, now, c, false);
    }
}

static inline void naive_failed(struct naive *n, const uint8_t *id)
{
    struct naive_entry *e = naive_find(n, id);
    if (e == NULL || (e->live && ++e->failures < 2))
        return;
    uint32_t bucket = e->bucket;
    bool live = e->live;
    naive_remove(n, e);
    e = naive_spare(n, bucket, true);
    if (live && e != NULL) {
        e->live = true;
        e->failures = 0;
    }
}

static inline uint32_t naive_closest(const struct naive *n, const uint8_t *target,
                                     struct contact *array, uint32_t limit)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->count; i++) {
        uint32_t at = count;
        if (!n->entry[i].live)
            continue;
        for (; at > 0 && naive_order(target, n->entry[i].contact.id, array[at - 1].id) < 0; at--) {
            if (at < limit)
                array[at] = array[at - 1];
        }
        if (at < limit)
            array[at] = n->entry[i].contact;
        if (count < limit)
            count++;
    }
    return count;
}

#endif
