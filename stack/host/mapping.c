/* mapping.c: see mapping.h.
 *
 * The gateway is asked by a thread of libuv's, which has a copy of the gateway's state of
 * its own; one question at a time. */
#include "stack/host/mapping.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "stack/check.h"
#include "stack/host/gateway.h"
#include "stack/host/lines.h"

struct mapping {
    struct host *host;
    uv_timer_t timer;
    uv_work_t work;
    bool asking, again, closing, timer_closed;
    struct addr wanted;        /* family ADDR_NONE: nothing is to be mapped */
    struct gateway now, asked; /* asked: the thread's */
};

static void ask(struct mapping *m);

/* What this node can say it is reached at, when that has changed. */
static void tell(struct mapping *m, const struct gateway *was)
{
    struct addr none = {.family = ADDR_NONE};
    bool mapped = m->now.language != GATEWAY_NONE;
    const struct addr *outside = mapped ? &m->now.outside : &none;
    if (mapped == (was->language != GATEWAY_NONE) &&
        (!mapped || addr_equal(&was->outside, outside)))
        return;
    host_wish(m->host, &(struct mist_wish){.size = sizeof(struct mist_wish),
                                           .kind = MIST_WISH_PORT_MAPPED,
                                           .socket = 1,
                                           .addr = *outside});
    lines_mapped(stdout, outside, gateway_word(m->now.language));
}

static void free_when_done(struct mapping *m)
{
    if (!m->asking && m->timer_closed)
        free(m);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct mapping *m = handle->data;
    m->timer_closed = true;
    free_when_done(m);
}

/* In the thread. */
static void ask_gateway(uv_work_t *work)
{
    struct mapping *m = work->data;
    (void)gateway_map(&m->asked);
}

static void on_answer(uv_work_t *work, int status)
{
    struct mapping *m = work->data;
    struct gateway was = m->now;
    (void)status;
    m->asking = false;
    if (m->closing) {
        gateway_release(&m->asked);
        free_when_done(m);
        return;
    }
    m->now = m->asked;
    tell(m, &was);
    if (m->again)
        ask(m);
}

static void ask(struct mapping *m)
{
    m->again = m->asking;
    if (m->asking || m->wanted.family == ADDR_NONE)
        return;
    m->asking = true;
    m->asked = m->now;
    if (!addr_equal(&m->asked.inside, &m->wanted)) /* another network: another gateway */
        m->asked.language = GATEWAY_NONE;
    m->asked.inside = m->wanted;
    CHECK(uv_queue_work(host_loop(m->host), &m->work, ask_gateway, on_answer) == 0);
}

static void on_timer(uv_timer_t *timer)
{
    ask(timer->data);
}

struct mapping *mapping_open(struct host *host)
{
    struct mapping *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->host = host;
    m->timer.data = m->work.data = m;
    randombytes_buf(m->now.nonce, sizeof m->now.nonce);
    CHECK(uv_timer_init(host_loop(host), &m->timer) == 0);
    uv_timer_start(&m->timer, on_timer, MAPPING_EVERY / MS(1), MAPPING_EVERY / MS(1));
    return m;
}

void mapping_socket(struct mapping *m, const struct addr *local)
{
    bool useful = local->family == ADDR_V4 && local->ip[0] != 127 && !addr_is_global(local);
    m->wanted = useful ? *local : (struct addr){.family = ADDR_NONE};
    ask(m);
}

void mapping_close(struct mapping *m)
{
    m->closing = true;
    uv_timer_stop(&m->timer);
    if (!m->asking)
        gateway_release(&m->now);
    uv_close((uv_handle_t *)&m->timer, on_timer_closed);
}
