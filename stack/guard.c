#include "stack/guard.h"

#include <string.h>

static bool is_of(const struct guard_target *t, const struct addr *a)
{
    return t->family == a->family && memcmp(t->ip, a->ip, sizeof t->ip) == 0;
}

/* The count of that address; a new one takes the place of what was counted longest. */
static struct guard_target *target_of(struct guard *g, mist_time now, const struct addr *a)
{
    struct guard_target *t = g->targets;
    for (uint32_t i = 0; i < g->used; i++) {
        if (is_of(&g->targets[i], a)) {
            t = &g->targets[i];
            break;
        }
        if (g->targets[i].since < t->since)
            t = &g->targets[i];
    }
    bool known = g->used > 0 && is_of(t, a);
    if (!known && g->used < GUARD_TARGETS)
        t = &g->targets[g->used++];
    if (!known || now - t->since >= GUARD_SPAN) {
        *t = (struct guard_target){.family = a->family, .since = now};
        memcpy(t->ip, a->ip, sizeof t->ip);
    }
    return t;
}

bool guard_may(struct guard *g, mist_time now, const struct addr *to, bool vouched,
               uint32_t packets)
{
    struct guard_target *t = target_of(g, now, to);
    bool trusted = vouched || t->proved;
    if (now - g->since >= GUARD_SPAN) {
        g->since = now;
        g->doubtful = 0;
    }
    if (t->sent + packets > (trusted ? g->limits.vouched : g->limits.doubtful) ||
        (!trusted && g->doubtful + packets > g->limits.node))
        return false;
    t->sent = (uint16_t)(t->sent + packets);
    g->doubtful += trusted ? 0 : packets;
    return true;
}

void guard_proved(struct guard *g, mist_time now, const struct addr *at)
{
    struct guard_target *t = target_of(g, now, at);
    if (!t->proved) /* what went there was no waste */
        g->doubtful -= t->sent < g->doubtful ? t->sent : g->doubtful;
    t->proved = true;
}
