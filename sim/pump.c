/* pump.c: one host: feeds its core and drains it. */
#define _DEFAULT_SOURCE /* MADV_DONTNEED */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/draw.h"
#include "sim/record.h"
#include "sim/world_parts.h"
#include "stack/check.h"

#define DEFAULT_TTL 64

/* Where the core of a host sees that address. */
static struct addr shown(struct world *w, uint32_t host, const struct addr *a)
{
    switch (w->hosts[host].behaviour) {
    case BEHAVIOUR_LIAR: return hostile_lie(a);
    case BEHAVIOUR_FRAMER: return framer_shows(w, host, a);
    default: return *a;
    }
}

/* What the system makes of a datagram: it sends from the address that it has, whatever
 * the core believes. */
static void hide(struct world *w, uint32_t host, uint32_t socket, struct datagram *d)
{
    const struct host *h = &w->hosts[host];
    bool claims = h->behaviour == BEHAVIOUR_REFLECTOR;
    if (h->place != host || claims)
        memcpy(d->from.ip, h->addr.ip, sizeof d->from.ip);
    if (claims && socket <= MIST_SOCKETS)
        d->from.port = h->addr.port;
    if (claims || h->behaviour == BEHAVIOUR_FRAMER)
        w->attack_sent += d->length;
    if (h->behaviour == BEHAVIOUR_LIAR)
        d->to = hostile_lie(&d->to);
    if (h->behaviour == BEHAVIOUR_FRAMER)
        d->to = framer_means(w, host, &d->to);
}

static void send_all(struct world *w, mist_time now, uint32_t host)
{
    const struct host *h = &w->hosts[host];
    bool whole = w->plan->populations[w->plan->hosts[host].population].access.whole;
    struct mist_datagram array[16];
    uint32_t n;
    while ((n = h->core->api->output(h->node, array, 16)) > 0) {
        for (uint32_t i = 0; i < n; i++) {
            struct datagram d = {.from = array[i].from,
                                 .to = array[i].to,
                                 .fragment.forbidden = whole,
                                 .ttl = array[i].ttl == 0 ? DEFAULT_TTL : array[i].ttl,
                                 .length = array[i].length,
                                 .bytes = (uint8_t *)(uintptr_t)array[i].bytes};
            WORLD_TELL(w, sent, now, host, &array[i]);
            hide(w, host, array[i].socket, &d);
            WORLD_TELL(w, left, now, host, world_core_word(&h->core->kinds, array[i].kind), &d);
            w->type->send(w->engine, h->place, &d);
        }
    }
}

/* Kept until the core has been drained: a wish ends what it lent. */
static void keep_echo(struct world *w, const struct mist_event *e)
{
    if (w->echo_count == ECHOES || e->length > MIST_PAYLOAD)
        return;
    struct echo *echo = &w->echoes[w->echo_count++];
    echo->conn = e->id;
    echo->length = e->length;
    if (e->length > 0)
        memcpy(echo->bytes, e->bytes, e->length);
}

static void take_event(struct world *w, mist_time now, uint32_t host, const struct mist_event *e)
{
    const struct plan_population *p = &w->plan->populations[w->plan->hosts[host].population];
    struct host *h = &w->hosts[host];
    if (e->kind == MIST_EVENT_SOCKET_WANTED) {
        if (e->socket > MIST_SOCKETS)
            host_sockets_want(h, e->socket, e->addr.port);
        else if (e->addr.family == h->addr.family)
            h->sockets_wanted |= 1u << e->socket;
    } else if (e->kind == MIST_EVENT_SOCKET_UNWANTED) {
        host_sockets_close(h, e->socket);
    } else {
        if (e->kind == MIST_EVENT_DATAGRAM && p->echo)
            keep_echo(w, e);
        world_event(w, now, host, e);
    }
}

static void drain_once(struct world *w, mist_time now, uint32_t host)
{
    struct host *h = &w->hosts[host];
    struct mist_event e;
    struct mist_fact f;
    send_all(w, now, host);
    while (h->core->api->event(h->node, &e))
        take_event(w, now, host, &e);
    if (w->options->facts || w->fact_log != NULL) {
        while (h->core->api->fact(h->node, &f))
            world_record_fact(w, now, host, &f);
    }
    h->due = h->core->api->deadline(h->node);
}

static void send_echoes(struct world *w, mist_time now, uint32_t host)
{
    while (w->echo_count > 0) {
        const struct echo *echo = &w->echoes[--w->echo_count];
        struct mist_wish wish = {.size = sizeof wish,
                                 .kind = MIST_WISH_SEND,
                                 .id = echo->conn,
                                 .bytes = echo->bytes,
                                 .length = echo->length};
        (void)w->hosts[host].core->api->wish(w->hosts[host].node, now, &wish);
        drain_once(w, now, host);
    }
}

/* Sockets are opened when the core has been drained: a wish ends what it lent. */
static void drain(struct world *w, mist_time now, uint32_t host)
{
    struct host *h = &w->hosts[host];
    struct mist_wish wish = {.size = sizeof wish, .kind = MIST_WISH_SOCKET_OPENED, .addr = h->addr};
    drain_once(w, now, host);
    while (host_sockets_open(h, w->plan, host, &wish.socket, &wish.addr.port)) {
        if (h->core->api->wish(h->node, now, &wish) != MIST_OK)
            host_sockets_close(h, wish.socket);
        drain_once(w, now, host);
    }
    send_echoes(w, now, host);
}

int pump_wish(struct world *w, mist_time now, uint32_t host, const struct mist_wish *wish)
{
    int error = w->hosts[host].core->api->wish(w->hosts[host].node, now, wish);
    drain(w, now, host);
    return error;
}

static void wish_addr(struct world *w, mist_time now, uint32_t host, uint32_t kind, uint32_t socket,
                      const struct addr *a)
{
    struct mist_wish wish = {.size = sizeof wish, .kind = kind, .socket = socket, .addr = *a};
    CHECK(pump_wish(w, now, host, &wish) == MIST_OK);
}

static void bootstrap(struct world *w, mist_time now, uint32_t host)
{
    struct addr told[WORLD_BOOTSTRAP];
    uint32_t count = world_bootstrap(w, host, told);
    for (uint32_t i = 0; i < count; i++) {
        struct addr at = shown(w, host, &told[i]);
        wish_addr(w, now, host, MIST_WISH_BOOTSTRAP, 0, &at);
    }
}

/* Builds of the core that know no such wish have no use for it. */
static void tell_gateway(struct world *w, mist_time now, uint32_t host)
{
    struct mist_wish wish = {.size = sizeof wish,
                             .kind = MIST_WISH_GATEWAY,
                             .addr = world_gateway(w->plan, w->hosts[host].place)};
    (void)pump_wish(w, now, host, &wish);
}

static void be_person(struct world *w, mist_time now, uint32_t host)
{
    uint8_t id[MIST_ID], seed[32];
    struct mist_wish wish = {
        .size = sizeof wish, .kind = MIST_WISH_IDENTITY, .bytes = seed, .length = sizeof seed};
    persons_of(w, host, id, seed);
    CHECK(pump_wish(w, now, host, &wish) == MIST_OK);
}

void pump_start(struct world *w, mist_time now, uint32_t host)
{
    struct host *h = &w->hosts[host];
    uint32_t population = w->plan->hosts[host].population;
    const void *config = w->configs[population];
    uint8_t seed[32], secret[32];
    char name[MIST_NAME];
    uint64_t session = draw_link(h->sessions++, host); /* its transport key is its own, too */
    draw_fill(w->plan->seed, session, DRAW_NODE_SEED, seed, sizeof seed);
    draw_fill(w->plan->seed, session, DRAW_NODE_SECRET, secret, sizeof secret);
    h->node = h->core->api->init(h->node_memory, h->core->scratch, config, seed, secret, now);
    h->runs = true;
    drain(w, now, host);
    if (persons_known(w, host))
        be_person(w, now, host);
    size_t length = world_name(w, host, name, sizeof name);
    struct mist_wish wish = {.size = sizeof wish,
                             .kind = MIST_WISH_NAME,
                             .name = (const uint8_t *)name,
                             .name_length = (uint32_t)length};
    CHECK(pump_wish(w, now, host, &wish) == MIST_OK);
    bootstrap(w, now, host);
    tell_gateway(w, now, host);
    struct addr own = w->hosts[host].behaviour == BEHAVIOUR_REFLECTOR ? hostile_claim(w, host)
                                                                      : w->hosts[host].addr;
    for (uint32_t socket = 1; socket <= 2; socket++) {
        if ((h->sockets_wanted >> socket & 1) != 0)
            wish_addr(w, now, host, MIST_WISH_SOCKET_OPENED, socket, &own);
    }
    world_alarm(w, host);
}

/* Zero-filled again, and its whole pages given back. */
static void blank(uint8_t *memory, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = (page - (uintptr_t)memory % page) % page;
    size_t whole = bytes > before ? (bytes - before) / page * page : 0;
    before = before < bytes ? before : bytes;
    memset(memory, 0, before);
    if (whole > 0)
        CHECK(madvise(memory + before, whole, MADV_DONTNEED) == 0);
    memset(memory + before + whole, 0, bytes - before - whole);
}

void pump_stop(struct world *w, uint32_t host)
{
    struct host *h = &w->hosts[host];
    size_t bytes = h->core->api->node_size(w->configs[w->plan->hosts[host].population]);
    h->node = NULL;
    blank(h->node_memory, bytes);
    world_gone(w, host);
    h->sockets_wanted = h->spare_count = h->spare_waiting = 0;
}

void pump_move(struct world *w, mist_time now, uint32_t host, uint32_t place)
{
    struct host *h = &w->hosts[host];
    uint16_t port = h->addr.port;
    w->type->alarm(w->engine, h->place, MIST_NEVER);
    w->standing[h->place] = PLAN_NONE;
    w->standing[place] = host;
    h->place = place;
    h->addr = w->plan->hosts[place].addr;
    h->addr.port = port;
    if (h->node != NULL) {
        tell_gateway(w, now, host);
        wish_addr(w, now, host, MIST_WISH_SOCKET_OPENED, h->addr.family == ADDR_V4 ? 1 : 2,
                  &h->addr);
    }
    world_alarm(w, host);
}

void pump_input(struct world *w, mist_time now, uint32_t host, const struct datagram *d)
{
    struct host *h = &w->hosts[host];
    uint32_t socket = d->to.port != h->addr.port  ? host_sockets_at(h, d->to.port)
                      : h->addr.family == ADDR_V4 ? 1
                                                  : 2;
    if (h->node == NULL || socket == 0)
        return; /* nobody listens */
    struct addr from = shown(w, host, &d->from);
    h->core->api->input(h->node, now, socket, &from, d->bytes, d->length);
    drain(w, now, host);
    world_alarm(w, host);
}

void pump_due(struct world *w, mist_time now, uint32_t host)
{
    struct host *h = &w->hosts[host];
    if (h->node != NULL && h->due <= now) {
        h->core->api->tick(h->node, now);
        drain(w, now, host);
    }
    world_work(w, now, host);
}

void pump_count(struct world *w, uint32_t host, struct mist_counter counters[MIST_KIND_COUNT])
{
    const struct host *h = &w->hosts[host];
    h->core->api->counters(h->node, counters);
}
