/* queue.c: see queue.h.
 *
 * Time is cut into slots of 2^SLOT_SHIFT ns and pages of 2^LEVEL_BITS slots.
 *
 *     run, late   slots before `cursor`: sorted, and what came after the sort
 *     near        slots cursor .. cursor + SLOTS - 1, a list each
 *     coarse      pages page + 1 .. page + SLOTS - 1, a list each
 *     far         all later pages, one list; rescanned once per SLOTS pages
 *
 * `cursor` is the first slot not loaded yet; it stands in `page` or at its end.
 * A page's coarse list is spread over `near` when the page begins. */
#include "sim/native/queue.h"

#include <string.h>

#include "sim/native/memory.h"
#include "stack/check.h"

#define SLOT_SHIFT 13 /* 8 us: 80 events per slot at 10^6 pending over 0.1 s */
#define LEVEL_BITS 15 /* near reaches 0.27 s: most deliveries; coarse 2.4 hours */
#define SLOTS      (1U << LEVEL_BITS)
#define SLOT_MASK  (SLOTS - 1)
#define NIL        UINT32_MAX
#define FIRST_SIZE 1024 /* events; all arrays double from here */
#define WALKERS    8    /* lists walked ahead at a time: hides a miss of about 8 pops */
#define RUN_CHUNK  16   /* sorted by insertion before merging */

struct level {
    uint32_t head[SLOTS];
    uint64_t used[SLOTS / 64];
    uint64_t summary[SLOTS / 64 / 64]; /* of non-zero words in used */
};

struct array {
    struct event *at;
    uint32_t count, limit;
};

struct queue {
    uint64_t cursor, page;
    struct event *run; /* sorted; taken from run_next on */
    uint32_t run_next, run_count, run_limit;
    struct event *spare; /* as large as run: for merging */
    struct array late;   /* a binary heap */
    struct array nodes;  /* of the lists; count: ever used */
    uint32_t free;       /* list of unused nodes */
    uint32_t near_count;
    uint32_t walker[WALKERS]; /* where the walk of a coming slot's list is, or NIL */
    uint32_t walk_turn;
    uint32_t walked; /* the node last walked over, or NIL */
    uint64_t pending;
    uint32_t far;
    uint64_t far_page; /* lowest page in far; UINT64_MAX when empty */
    struct level near, coarse;
};

static bool before(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static uint64_t slot_of(mist_time at)
{
    return (uint64_t)at >> SLOT_SHIFT;
}

/* ---- arrays ---- */

static size_t bytes_of(uint32_t events)
{
    return events * sizeof(struct event);
}

static uint32_t doubled(uint32_t limit)
{
    CHECK(limit <= UINT32_MAX / 4);
    return limit == 0 ? FIRST_SIZE : limit * 2;
}

static void array_grow(struct array *a)
{
    uint32_t limit = doubled(a->limit);
    a->at = memory_grow(a->at, bytes_of(a->limit), bytes_of(limit));
    a->limit = limit;
}

static void run_grow(struct queue *q)
{
    uint32_t limit = doubled(q->run_limit);
    q->run = memory_grow(q->run, bytes_of(q->run_limit), bytes_of(limit));
    memory_unmap(q->spare, bytes_of(q->run_limit));
    q->spare = memory_map(bytes_of(limit));
    q->run_limit = limit;
}

/* ---- late: a binary heap ---- */

static void heap_up(struct event *heap, uint32_t i, struct event moving)
{
    while (i > 0 && before(&moving, &heap[(i - 1) / 2])) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = moving;
}

static void heap_down(struct event *heap, uint32_t count, uint32_t i, struct event moving)
{
    for (uint32_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &moving))
            break;
        heap[i] = heap[child];
    }
    heap[i] = moving;
}

static void heap_push(struct array *a, const struct event *event)
{
    if (a->count == a->limit)
        array_grow(a);
    heap_up(a->at, a->count++, *event);
}

static void heap_remove(struct array *a, uint32_t i)
{
    struct event last = a->at[--a->count];
    if (i == a->count)
        return;
    heap_up(a->at, i, last);
    heap_down(a->at, a->count, i, a->at[i]);
}

/* ---- levels ---- */

static void level_open(struct level *l)
{
    memset(l->head, 0xff, sizeof l->head);
}

static void level_push(struct level *l, uint32_t position, struct event *nodes, uint32_t node)
{
    nodes[node].next = l->head[position];
    l->head[position] = node;
    l->used[position / 64] |= UINT64_C(1) << position % 64;
    l->summary[position / 64 / 64] |= UINT64_C(1) << position / 64 % 64;
}

static void level_clear(struct level *l, uint32_t position)
{
    l->head[position] = NIL;
    l->used[position / 64] &= ~(UINT64_C(1) << position % 64);
    if (l->used[position / 64] == 0)
        l->summary[position / 64 / 64] &= ~(UINT64_C(1) << position / 64 % 64);
}

static uint32_t level_take(struct level *l, uint32_t position)
{
    uint32_t list = l->head[position];
    level_clear(l, position);
    return list;
}

static uint32_t lowest_bit(uint64_t word)
{
    return (uint32_t)__builtin_ctzll(word);
}

/* The first used position from `from` on, or SLOTS. */
static uint32_t level_next(const struct level *l, uint32_t from)
{
    if (from >= SLOTS)
        return SLOTS;
    uint32_t word = from / 64;
    uint64_t bits = l->used[word] >> from % 64;
    if (bits != 0)
        return from + lowest_bit(bits);
    for (word++; word < SLOTS / 64; word = (word | 63) + 1) {
        uint64_t words = l->summary[word / 64] >> word % 64;
        if (words != 0) {
            word += lowest_bit(words);
            return word * 64 + lowest_bit(l->used[word]);
        }
    }
    return SLOTS;
}

/* ---- placing ---- */

static void place(struct queue *q, uint32_t node)
{
    uint64_t slot = slot_of(q->nodes.at[node].at), page = slot >> LEVEL_BITS;
    if (slot - q->cursor < SLOTS) {
        level_push(&q->near, slot & SLOT_MASK, q->nodes.at, node);
        q->near_count++;
    } else if (page - q->page < SLOTS) {
        level_push(&q->coarse, page & SLOT_MASK, q->nodes.at, node);
    } else {
        q->nodes.at[node].next = q->far;
        q->far = node;
        if (page < q->far_page)
            q->far_page = page;
    }
}

static void place_list(struct queue *q, uint32_t list)
{
    while (list != NIL) {
        uint32_t next = q->nodes.at[list].next;
        place(q, list);
        list = next;
    }
}

static uint32_t node_take(struct queue *q)
{
    uint32_t node = q->free;
    if (node != NIL) {
        q->free = q->nodes.at[node].next;
        return node;
    }
    if (q->nodes.count == q->nodes.limit)
        array_grow(&q->nodes);
    return q->nodes.count++;
}

static void node_give(struct queue *q, uint32_t node)
{
    q->nodes.at[node].next = q->free;
    q->free = node;
}

void queue_push(struct queue *q, const struct event *event)
{
    CHECK(event->at >= 0);
    q->pending++;
    if (slot_of(event->at) < q->cursor) {
        heap_push(&q->late, event);
        return;
    }
    uint32_t node = node_take(q);
    q->nodes.at[node] = *event;
    place(q, node);
}

/* ---- loading a slot ---- */

static void sort_by_insertion(struct event *a, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct event moving = a[i];
        uint32_t j = i;
        for (; j > 0 && before(&moving, &a[j - 1]); j--)
            a[j] = a[j - 1];
        a[j] = moving;
    }
}

static void merge(const struct event *a, uint32_t middle, uint32_t count, struct event *out)
{
    uint32_t i = 0, j = middle;
    for (uint32_t k = 0; k < count; k++)
        out[k] = j == count || (i < middle && before(&a[i], &a[j])) ? a[i++] : a[j++];
}

static void run_sort(struct queue *q)
{
    uint32_t count = q->run_count;
    for (uint32_t i = 0; i < count; i += RUN_CHUNK)
        sort_by_insertion(q->run + i, count - i < RUN_CHUNK ? count - i : RUN_CHUNK);
    for (uint32_t width = RUN_CHUNK; width < count; width *= 2) {
        for (uint32_t i = 0; i < count; i += 2 * width) {
            uint32_t part = count - i < 2 * width ? count - i : 2 * width;
            merge(q->run + i, part < width ? part : width, part, q->spare + i);
        }
        struct event *sorted = q->spare;
        q->spare = q->run;
        q->run = sorted;
    }
}

/* A slot's list is a chain of cache misses.  While a slot is popped, the lists of
 * the next WALKERS slots are walked, one node of one list per pop in turn, so
 * that load() finds them in the cache.  Only fetched: where a list has changed
 * since, some nodes come late. */
static void walk_on(struct queue *q)
{
    uint32_t *walker = &q->walker[q->walk_turn++ % WALKERS];
    q->walked = *walker;
    if (*walker == NIL)
        return;
    *walker = q->nodes.at[*walker].next;
    if (*walker != NIL)
        __builtin_prefetch(&q->nodes.at[*walker]);
}

static void walk_begin(struct queue *q, uint64_t slot)
{
    uint32_t *walker = &q->walker[slot % WALKERS];
    *walker = q->near.head[(slot + WALKERS) & SLOT_MASK];
    if (*walker != NIL)
        __builtin_prefetch(&q->nodes.at[*walker]);
}

static void load(struct queue *q, uint64_t slot)
{
    q->run_next = q->run_count = 0;
    for (uint32_t node = level_take(&q->near, slot & SLOT_MASK), next; node != NIL; node = next) {
        if (q->run_count == q->run_limit)
            run_grow(q);
        q->run[q->run_count++] = q->nodes.at[node];
        next = q->nodes.at[node].next;
        node_give(q, node);
    }
    q->near_count -= q->run_count;
    q->cursor = slot + 1;
    walk_begin(q, slot);
    run_sort(q);
}

/* The next page after q->page that holds events, or UINT64_MAX.  All that is
 * left in near stands in the page after this one. */
static uint64_t next_page(const struct queue *q)
{
    if (q->near_count > 0)
        return q->page + 1;
    uint32_t here = q->page & SLOT_MASK, position = level_next(&q->coarse, here + 1);
    uint64_t ahead = position - here;
    if (position == SLOTS) {
        position = level_next(&q->coarse, 0);
        ahead = position + SLOTS - here;
    }
    uint64_t coarse_page = position == SLOTS ? UINT64_MAX : q->page + ahead;
    return coarse_page < q->far_page ? coarse_page : q->far_page;
}

static void enter_page(struct queue *q, uint64_t page)
{
    q->page = page;
    q->cursor = page << LEVEL_BITS;
    if (q->far_page <= page) {
        uint32_t list = q->far;
        q->far = NIL;
        q->far_page = UINT64_MAX;
        place_list(q, list);
    }
    place_list(q, level_take(&q->coarse, page & SLOT_MASK));
}

/* Loads the next slot that holds events, if it is not after `last`. */
static bool advance(struct queue *q, uint64_t last)
{
    for (;;) {
        uint64_t begin = q->page << LEVEL_BITS;
        uint32_t position = level_next(&q->near, (uint32_t)(q->cursor - begin));
        if (position < SLOTS) {
            if (begin + position > last)
                return false;
            load(q, begin + position);
            return true;
        }
        uint64_t page = next_page(q);
        if (page > last >> LEVEL_BITS)
            return false;
        enter_page(q, page);
    }
}

bool queue_pop(struct queue *q, mist_time until, struct event *event)
{
    if (until <= 0)
        return false;
    if (q->run_next == q->run_count && q->late.count == 0 && !advance(q, slot_of(until - 1)))
        return false;
    bool from_run = q->run_next < q->run_count;
    if (from_run && q->late.count > 0)
        from_run = before(&q->run[q->run_next], &q->late.at[0]);
    const struct event *first = from_run ? &q->run[q->run_next] : &q->late.at[0];
    if (first->at >= until)
        return false;
    *event = *first;
    walk_on(q);
    if (from_run)
        q->run_next++;
    else
        heap_remove(&q->late, 0);
    q->pending--;
    return true;
}

/* ---- removal ---- */

static bool is_key(const struct event *e, mist_time at, uint64_t order)
{
    return e->at == at && e->order == order;
}

static bool list_remove(struct queue *q, uint32_t *head, mist_time at, uint64_t order)
{
    for (uint32_t *link = head; *link != NIL; link = &q->nodes.at[*link].next) {
        uint32_t node = *link;
        if (is_key(&q->nodes.at[node], at, order)) {
            *link = q->nodes.at[node].next;
            node_give(q, node);
            return true;
        }
    }
    return false;
}

static bool remove_from_level(struct queue *q, struct level *l, uint32_t position, mist_time at,
                              uint64_t order)
{
    bool found = list_remove(q, &l->head[position], at, order);
    if (l->head[position] == NIL)
        level_clear(l, position);
    return found;
}

static bool remove_loaded(struct queue *q, mist_time at, uint64_t order)
{
    for (uint32_t i = q->run_next; i < q->run_count; i++) {
        if (is_key(&q->run[i], at, order)) {
            q->run_count--;
            memmove(&q->run[i], &q->run[i + 1], bytes_of(q->run_count - i));
            return true;
        }
    }
    for (uint32_t i = 0; i < q->late.count; i++) {
        if (is_key(&q->late.at[i], at, order)) {
            heap_remove(&q->late, i);
            return true;
        }
    }
    return false;
}

/* far_page may stay lower than what is left: it then costs one empty page. */
void queue_remove(struct queue *q, mist_time at, uint64_t order)
{
    uint64_t slot = slot_of(at), page = slot >> LEVEL_BITS;
    bool found = false;
    if (slot < q->cursor) {
        found = remove_loaded(q, at, order);
    } else {
        if (slot - q->cursor < SLOTS) {
            found = remove_from_level(q, &q->near, slot & SLOT_MASK, at, order);
            q->near_count -= found;
        }
        if (!found && page != q->page && page - q->page < SLOTS)
            found = remove_from_level(q, &q->coarse, page & SLOT_MASK, at, order);
        if (!found)
            found = list_remove(q, &q->far, at, order);
    }
    CHECK(found);
    q->pending--;
}

/* ---- the rest ---- */

uint64_t queue_count(const struct queue *q)
{
    return q->pending;
}

const struct event *queue_ahead(const struct queue *q, uint32_t ahead)
{
    uint32_t left = q->run_count - q->run_next;
    return ahead < left ? &q->run[q->run_next + ahead] : NULL;
}

const struct event *queue_coming(const struct queue *q)
{
    return q->walked == NIL ? NULL : &q->nodes.at[q->walked];
}

struct queue *queue_open(void)
{
    struct queue *q = memory_map(sizeof *q);
    level_open(&q->near);
    level_open(&q->coarse);
    q->free = q->far = q->walked = NIL;
    q->far_page = UINT64_MAX;
    memset(q->walker, 0xff, sizeof q->walker);
    return q;
}

void queue_close(struct queue *q)
{
    memory_unmap(q->run, bytes_of(q->run_limit));
    memory_unmap(q->spare, bytes_of(q->run_limit));
    memory_unmap(q->late.at, bytes_of(q->late.limit));
    memory_unmap(q->nodes.at, bytes_of(q->nodes.limit));
    memory_unmap(q, sizeof *q);
}
