#include "stack/relay.h"

#include "stack/check.h"

#define WAYS 8

static uint32_t power_of_two(uint32_t n)
{
    uint32_t p = WAYS;
    while (p < n)
        p *= 2;
    return p;
}

size_t relay_size(uint32_t circuits)
{
    return power_of_two(circuits) * sizeof(struct circuit);
}

void relay_init(struct relay *r, void *memory, uint32_t circuits, uint32_t salt)
{
    r->circuits = memory;
    r->limit = power_of_two(circuits);
    r->salt = salt;
}

static struct circuit *set_of(const struct relay *r, mist_link a, mist_link b)
{
    uint64_t pair = ((uint64_t)a << 32 | b) ^ r->salt;
    pair *= UINT64_C(0x9e3779b97f4a7c15);
    return r->circuits + ((uint32_t)(pair >> 40) & (r->limit / WAYS - 1)) * WAYS;
}

static bool alive(const struct circuit *c, mist_time now)
{
    return c->a != 0 && now - c->last < (c->carried ? RELAY_KEPT : RELAY_FIRST);
}

/* Where a new circuit goes: an empty or dead place, else the oldest that never
 * carried anything, else the longest idle; NULL when all are in use. */
static struct circuit *place(struct circuit *set, mist_time now)
{
    struct circuit *unused = NULL, *idle = NULL;
    for (int i = 0; i < WAYS; i++) {
        struct circuit *c = &set[i];
        if (!alive(c, now))
            return c;
        if (!c->carried && (unused == NULL || c->last < unused->last))
            unused = c;
        if (c->carried && now - c->last >= RELAY_IDLE && (idle == NULL || c->last < idle->last))
            idle = c;
    }
    return unused != NULL ? unused : idle;
}

static struct circuit *find(const struct relay *r, mist_time now, mist_link a, mist_link b)
{
    struct circuit *set = set_of(r, a, b);
    for (int i = 0; i < WAYS; i++) {
        if (set[i].a == a && set[i].b == b && alive(&set[i], now))
            return &set[i];
    }
    return NULL;
}

static void sort_pair(mist_link *a, mist_link *b)
{
    if (*a > *b) {
        mist_link swap = *a;
        *a = *b;
        *b = swap;
    }
}

static void refill(struct circuit *c, mist_time now)
{
    uint64_t gained = (uint64_t)(now - c->last) / 1000 * RELAY_RATE / 1000000;
    gained += c->bytes;
    c->bytes = gained > RELAY_BURST ? RELAY_BURST : (uint32_t)gained;
    c->last = now;
}

void relay_introduce(struct relay *r, mist_time now, mist_link a, mist_link b, struct out *out)
{
    sort_pair(&a, &b);
    struct circuit *c = find(r, now, a, b);
    if (c != NULL) {
        refill(c, now);
        return;
    }
    c = place(set_of(r, a, b), now);
    if (c == NULL) {
        out_fact(out, FACT_TABLE_FULL, NULL, NULL, 7, r->limit);
        return;
    }
    *c = (struct circuit){a, b, RELAY_BURST, now, false};
    out_fact(out, FACT_CIRCUIT_OPENED, NULL, NULL, ++r->made, 0);
}

enum relay_verdict relay_forward(struct relay *r, mist_time now, mist_link from, mist_link to,
                                 uint32_t bytes)
{
    if (to == 0)
        return RELAY_GONE;
    sort_pair(&from, &to);
    struct circuit *c = find(r, now, from, to);
    if (c == NULL)
        return RELAY_NO_CIRCUIT;
    refill(c, now);
    if (c->bytes < bytes)
        return RELAY_OVER;
    c->bytes -= bytes;
    c->carried = true;
    return RELAY_YES;
}

uint32_t relay_memory(const struct relay *r, struct mist_memory *array, uint32_t n)
{
    if (n < 1)
        return 0;
    uint32_t used = r->made < r->limit ? r->made : r->limit;
    array[0] = (struct mist_memory){"circuits", sizeof(struct circuit), r->limit, used};
    return 1;
}
