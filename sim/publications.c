/* publications.c: hosts publish, and who subscribes receives.
 *
 * A host subscribes to its own topic, on which others publish, or with all the others to
 * the one topic of a workload.  A publication is due to whoever runs; where the workload
 * says how long a subscriber must have been `settled`, to whoever has been acknowledged
 * for so long when it is published and stays until its window ends. */
#include <stdlib.h>
#include <string.h>

#include "sim/draw.h"
#include "sim/record.h"
#include "sim/world_parts.h"
#include "stack/check.h"

#define OWN_TOPIC    1u /* the subscription to the host's own topic; 2, 3, ... of workloads */
#define PUBLISH_BASE UINT32_C(0x40000000)

enum { MARK_DUE = 1, MARK_DELIVERED = 2 };

static size_t topic_name(const struct world *w, uint32_t host, uint32_t k, char *name, size_t size)
{
    memcpy(name, "topic:", 6);
    if (w->plan->workloads[k].kind != WORK_PUBLISH_SHARED)
        return 6 + world_name(w, host, name + 6, size - 6);
    memcpy(name + 6, "shared ", 7);
    name[13] = (char)('a' + k / 26 % 26);
    name[14] = (char)('a' + k % 26);
    return 15;
}

static bool subscribes(const struct world *w, uint32_t host, uint32_t k)
{
    const struct plan_workload *work = &w->plan->workloads[k];
    return plan_publishes(work) && work->dst[w->plan->hosts[host].population];
}

static uint32_t subscription_of(const struct world *w, uint32_t k)
{
    return w->plan->workloads[k].kind == WORK_PUBLISH_SHARED ? OWN_TOPIC + 1 + k : OWN_TOPIC;
}

/* ---- who subscribes ---- */

bool publications_wanted(const struct world *w, uint32_t host)
{
    for (uint32_t k = 0; k < w->plan->workload_count; k++) {
        if (subscribes(w, host, k))
            return true;
    }
    return false;
}

void publications_subscribe(struct world *w, mist_time now, uint32_t host)
{
    char name[MIST_NAME];
    bool own = false;
    w->hosts[host].subscribed = false;
    for (uint32_t k = 0; k < w->plan->workload_count; k++) {
        uint32_t id = subscription_of(w, k);
        if (!subscribes(w, host, k) || (id == OWN_TOPIC && own))
            continue;
        own |= id == OWN_TOPIC;
        struct mist_wish wish = {.size = sizeof wish,
                                 .kind = MIST_WISH_SUBSCRIBE,
                                 .id = id,
                                 .name = (const uint8_t *)name,
                                 .name_length =
                                     (uint32_t)topic_name(w, host, k, name, sizeof name)};
        (void)w->kind->wish(w, now, host, &wish);
    }
}

void publications_subscribed(struct world *w, mist_time now, uint32_t host,
                             const struct mist_event *e)
{
    for (uint32_t k = 0; e->count > 0 && k < w->plan->workload_count; k++) {
        struct progress_of_work *p = workload_progress(w, host, k);
        bool known = p->acknowledged >= w->hosts[host].up_since;
        if (subscribes(w, host, k) && subscription_of(w, k) == e->id && !known)
            p->acknowledged = now;
    }
}

static bool is_live(const struct world *w, mist_time now, uint32_t host, uint32_t k)
{
    const struct plan_workload *work = &w->plan->workloads[k];
    mist_time acknowledged = workload_progress(w, host, k)->acknowledged;
    if (!subscribes(w, host, k))
        return false;
    if (work->settled == 0)
        return w->hosts[host].runs || !w->restless;
    return w->hosts[host].runs && acknowledged >= w->hosts[host].up_since &&
           acknowledged + work->settled <= now;
}

/* ---- publishing ---- */

/* NULL: the message is not for that host. */
static uint8_t *mark_of(struct message *m, uint32_t host)
{
    if (m->marks != NULL)
        return &m->marks[host];
    return m->subscriber == host ? &m->mark : NULL;
}

static struct message *new_message(struct world *w)
{
    if (w->message_count == w->message_limit) {
        w->message_limit = w->message_limit == 0 ? 1024 : w->message_limit * 2;
        w->messages = realloc(w->messages, w->message_limit * sizeof *w->messages);
        CHECK(w->messages != NULL);
    }
    return &w->messages[w->message_count++];
}

static void make_due(struct world *w, mist_time now, struct message *m, uint32_t k)
{
    uint32_t first = m->subscriber, end = m->subscriber + 1;
    if (m->subscriber == PLAN_NONE) {
        m->marks = calloc(w->plan->host_count, 1);
        CHECK(m->marks != NULL);
        first = 0;
        end = w->plan->host_count;
    }
    for (uint32_t host = first; host < end; host++) {
        if (host == m->publisher || !is_live(w, now, host, k))
            continue;
        *mark_of(m, host) = MARK_DUE;
        m->due++;
    }
}

void publications_start(struct world *w, mist_time now, uint32_t host, uint32_t peer, uint32_t k,
                        uint64_t key)
{
    const struct plan_workload *work = &w->plan->workloads[k];
    uint8_t bytes[MIST_VALUE];
    char name[MIST_NAME];
    uint32_t number = w->message_count;
    struct message *m = new_message(w);
    *m = (struct message){.at = now,
                          .end = work->settled == 0 ? now : now + work->window,
                          .publisher = host,
                          .subscriber = peer,
                          .first = RECORD_NONE,
                          .last = RECORD_NONE};
    make_due(w, now, m, k);
    uint32_t size = work->size < 4 ? 4 : work->size > MIST_VALUE ? MIST_VALUE : work->size;
    struct draw_block b = draw_block(w->plan->seed, host, DRAW_WORK_BYTES, key);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(b.word[i % 2] >> (i / 2 % 8 * 8));
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    struct mist_wish wish = {.size = sizeof wish,
                             .kind = MIST_WISH_PUBLISH,
                             .id = PUBLISH_BASE + number % PUBLISH_BASE,
                             .name = (const uint8_t *)name,
                             .name_length = (uint32_t)topic_name(w, peer, k, name, sizeof name),
                             .bytes = bytes,
                             .length = size};
    if (w->hosts[host].joined)
        (void)w->kind->wish(w, now, host, &wish);
}

/* ---- what arrives, and what cannot ---- */

void publications_received(struct world *w, mist_time now, uint32_t host,
                           const struct mist_event *e)
{
    if (e->length < 4)
        return;
    uint32_t number = (uint32_t)e->bytes[0] | (uint32_t)e->bytes[1] << 8 |
                      (uint32_t)e->bytes[2] << 16 | (uint32_t)e->bytes[3] << 24;
    uint8_t *mark = number < w->message_count ? mark_of(&w->messages[number], host) : NULL;
    if (mark == NULL)
        return;
    struct message *m = &w->messages[number];
    if ((*mark & MARK_DUE) != 0 && (*mark & MARK_DELIVERED) == 0)
        m->delivered++;
    *mark |= MARK_DELIVERED;
    if (m->first == RECORD_NONE)
        m->first = now - m->at;
    m->last = now - m->at;
}

/* What was to reach it within a window that is not over is due to it no more. */
void publications_stopping(struct world *w, mist_time now, uint32_t host)
{
    mist_time longest = 0;
    for (uint32_t k = 0; k < w->plan->workload_count; k++)
        longest = w->plan->workloads[k].window > longest ? w->plan->workloads[k].window : longest;
    for (uint32_t i = w->message_count; i-- > 0 && w->messages[i].at + longest > now;) {
        struct message *m = &w->messages[i];
        uint8_t *mark = mark_of(m, host);
        if (mark == NULL || m->end <= now || (*mark & MARK_DUE) == 0)
            continue;
        m->due--;
        m->delivered -= (*mark & MARK_DELIVERED) != 0;
        *mark &= (uint8_t)~MARK_DUE;
    }
}

void publications_close(struct world *w)
{
    for (uint32_t i = 0; i < w->message_count; i++)
        free(w->messages[i].marks);
    free(w->messages);
}
