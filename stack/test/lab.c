#include "stack/test/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/check.h"
#include "stack/link.h"

#define CANARY      16 /* bytes behind a node's block */
#define CANARY_BYTE 0xa5

static char lab_how[128]; /* how to repeat what is going on */

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s %s\n", file, line, condition, lab_how);
    abort();
}

/* ---- memory and dice ---- */

static void *zeroed(size_t size)
{
    void *memory = NULL;
    CHECK(posix_memalign(&memory, 4096, size) == 0);
    memset(memory, 0, size);
    return memory;
}

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) */
static uint64_t draw(struct lab *l)
{
    uint64_t z = l->seed + ++l->draws * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t lab_below(struct lab *l, uint32_t n)
{
    return (uint32_t)(draw(l) % n);
}

struct lab *lab_open(uint64_t seed)
{
    struct lab *l = zeroed(sizeof *l);
    l->api = mist_api();
    l->seed = seed;
    l->now = SEC(1000); /* an arbitrary origin */
    l->scratch = zeroed(l->api->scratch_size());
    lab_delays(l, MS(20));
    return l;
}

void lab_close(struct lab *l)
{
    for (uint32_t i = 0; i < l->host_count; i++) {
        lab_stop(l, i);
        free(l->hosts[i].config);
    }
    for (uint32_t i = 0; i < l->in_flight; i++)
        free(l->heap[i]);
    free(l->heap);
    free(l->scratch);
    free(l);
}

/* ---- hosts ---- */

uint32_t lab_add(struct lab *l, const char *name)
{
    CHECK(l->host_count < LAB_HOSTS && strlen(name) < sizeof l->hosts[0].name);
    uint32_t host = l->host_count++;
    struct lab_host *h = &l->hosts[host];
    strcpy(h->name, name);
    h->local = addr_v4(0x14000001 + (host << 16), LAB_PORT); /* 20.h.0.1 */
    h->config = zeroed(l->api->config_size);
    h->due = MIST_NEVER;
    h->scratch = l->scratch;
    l->api->config_init(h->config);
    for (int i = 0; i < 32; i++) {
        h->seed[i] = (uint8_t)draw(l);
        h->secret[i] = (uint8_t)draw(l);
    }
    return host;
}

void lab_behind(struct lab *l, uint32_t host, enum lab_mapping mapping,
                enum lab_filtering filtering, bool random_ports)
{
    struct lab_host *h = &l->hosts[host];
    h->local = addr_v4(0x0a000002 + (host << 8), LAB_PORT); /* 10.0.h.2 */
    h->nat = (struct lab_nat){.present = true,
                              .mapping = mapping,
                              .filtering = filtering,
                              .random_ports = random_ports,
                              .idle = SEC(30),
                              .ip = 0x1e000001 + (host << 16)}; /* 30.h.0.1 */
}

void lab_delays(struct lab *l, mist_time one_way)
{
    for (uint32_t i = 0; i < LAB_HOSTS; i++) {
        for (uint32_t j = 0; j < LAB_HOSTS; j++)
            l->delay[i][j] = one_way;
    }
}

void lab_configure(struct lab *l, uint32_t host, const char *key, const char *value)
{
    CHECK(l->api->config_set(l->hosts[host].config, key, value) == MIST_OK);
}

static int give(struct lab *l, uint32_t host, struct mist_wish w)
{
    w.size = sizeof w;
    return lab_wish(l, host, &w);
}

void lab_start(struct lab *l, uint32_t host, uint32_t bootstraps)
{
    struct lab_host *h = &l->hosts[host];
    CHECK(h->node == NULL);
    h->memory_size = l->api->node_size(h->config);
    h->memory = zeroed(h->memory_size + CANARY);
    memset((uint8_t *)h->memory + h->memory_size, CANARY_BYTE, CANARY);
    h->joined = false;
    h->node = l->api->init(h->memory, h->scratch, h->config, h->seed, h->secret, l->now);
    l->api->id(h->node, h->id);
    lab_drain(l, host);
    if (h->name[0] != '\0')
        CHECK(lab_name(l, host, MIST_WISH_NAME, 0, h->name, NULL) == MIST_OK);
    for (uint32_t i = 0; i < bootstraps; i++) {
        if (i != host)
            CHECK(give(l, host,
                       (struct mist_wish){.kind = MIST_WISH_BOOTSTRAP,
                                          .addr = l->hosts[i].local}) == MIST_OK);
    }
    uint32_t socket = h->local.family == ADDR_V4 ? 1 : 2;
    h->opened |= 1u << socket;
    CHECK(give(l, host,
               (struct mist_wish){.kind = MIST_WISH_SOCKET_OPENED,
                                  .socket = socket,
                                  .addr = h->local}) == MIST_OK);
}

void lab_stop(struct lab *l, uint32_t host)
{
    struct lab_host *h = &l->hosts[host];
    free(h->memory);
    h->memory = NULL;
    h->node = NULL;
    h->opened = 0;
    memset(h->spares, 0, sizeof h->spares);
    h->due = MIST_NEVER;
}

int lab_by_id(const struct lab *l, const uint8_t *id, size_t length)
{
    for (uint32_t i = 0; i < l->host_count; i++) {
        if (memcmp(l->hosts[i].id, id, length) == 0)
            return (int)i;
    }
    return -1;
}

int lab_by_addr(const struct lab *l, const struct addr *a)
{
    for (uint32_t i = 0; i < l->host_count; i++) {
        const struct lab_host *h = &l->hosts[i];
        if (h->nat.present ? addr_ip4(a) == h->nat.ip : addr_same_ip(a, &h->local))
            return (int)i;
    }
    return -1;
}

/* ---- the network ---- */

static bool sooner(const struct lab_packet *a, const struct lab_packet *b)
{
    return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

static void enqueue(struct lab *l, struct lab_packet *p)
{
    if (l->in_flight == l->heap_size) {
        l->heap_size = l->heap_size == 0 ? 64 : 2 * l->heap_size;
        l->heap = realloc(l->heap, l->heap_size * sizeof *l->heap);
        CHECK(l->heap != NULL);
    }
    uint32_t i = l->in_flight++;
    for (; i > 0 && sooner(p, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = p;
}

static struct lab_packet *dequeue(struct lab *l)
{
    struct lab_packet *first = l->heap[0], *last = l->heap[--l->in_flight];
    uint32_t i = 0;
    for (uint32_t child = 1; child < l->in_flight; child = 2 * i + 1) {
        if (child + 1 < l->in_flight && sooner(l->heap[child + 1], l->heap[child]))
            child++;
        if (!sooner(l->heap[child], last))
            break;
        l->heap[i] = l->heap[child];
        i = child;
    }
    l->heap[i] = last;
    return first;
}

static void travel(struct lab *l, uint32_t source, const struct addr *from,
                   const struct mist_datagram *d)
{
    int target = lab_by_addr(l, &d->to);
    if (target < 0 || lab_below(l, 1000) < l->loss)
        return;
    struct lab_packet *p = malloc(sizeof *p);
    CHECK(p != NULL);
    p->from = *from;
    p->to = d->to;
    p->source = source;
    p->length = d->length;
    p->sequence = ++l->sequence;
    p->at = l->now + l->delay[source][target];
    if (l->jitter > 0)
        p->at += (mist_time)(draw(l) % (uint64_t)l->jitter);
    memcpy(p->bytes, d->bytes, d->length);
    if (lab_below(l, 1000) < l->damage)
        p->bytes[lab_below(l, p->length)] ^= (uint8_t)(1u << lab_below(l, 8));
    enqueue(l, p);
}

/* The local port of an open socket; 0: it is not open. */
static uint16_t port_of(const struct lab_host *h, uint32_t socket)
{
    if (socket <= 2)
        return (h->opened >> socket & 1) != 0 ? h->local.port : 0;
    for (uint32_t i = 0; i < LAB_SPARES; i++) {
        if (h->spares[i] == socket)
            return h->ports[i];
    }
    return 0;
}

static uint32_t socket_at(const struct lab_host *h, uint16_t port)
{
    if (port == h->local.port)
        return h->local.family == ADDR_V4 ? 1 : 2;
    for (uint32_t i = 0; i < LAB_SPARES; i++) {
        if (h->spares[i] != 0 && h->ports[i] == port)
            return h->spares[i];
    }
    return 0;
}

static void socket_event(struct lab_host *h, const struct mist_event *e)
{
    for (uint32_t i = 0; i < LAB_SPARES && e->kind == MIST_EVENT_SOCKET_UNWANTED; i++) {
        if (h->spares[i] == e->socket)
            h->spares[i] = 0;
    }
    if (e->kind == MIST_EVENT_SOCKET_WANTED && e->socket > 2) {
        CHECK(h->wanted_count < LAB_SPARES);
        h->wanted[h->wanted_count++] = e->socket;
    }
}

static void send_out(struct lab *l, uint32_t host, const struct mist_datagram *d)
{
    struct lab_host *h = &l->hosts[host];
    struct addr local = h->local;
    local.port = port_of(h, d->socket);
    CHECK(local.port != 0 && addr_equal(&d->from, &local));
    CHECK(d->to.family == d->from.family && d->to.port != 0);
    CHECK(d->length > 0 && d->length <= MIST_DATAGRAM && d->kind < MIST_KIND_COUNT);
    h->sent++;
    if (l->watch.sent != NULL)
        l->watch.sent(l->watch.context, l, host, d);
    struct addr from = d->from;
    if (h->nat.present)
        from = lab_nat_out(&h->nat, l->now, d->from.port, &d->to);
    travel(l, host, &from, d);
    if (lab_below(l, 1000) < l->duplicates)
        travel(l, host, &from, d);
}

static void drain_once(struct lab *l, uint32_t host)
{
    struct lab_host *h = &l->hosts[host];
    struct mist_datagram array[16];
    struct mist_event e;
    struct mist_fact f;
    uint32_t n;
    while ((n = l->api->output(h->node, array, 16)) > 0) {
        for (uint32_t i = 0; i < n; i++)
            send_out(l, host, &array[i]);
    }
    while (l->api->event(h->node, &e)) {
        h->joined |= e.kind == MIST_EVENT_JOINED;
        socket_event(h, &e);
        if (l->watch.event != NULL)
            l->watch.event(l->watch.context, l, host, &e);
    }
    while (l->api->fact(h->node, &f)) {
        if (l->watch.fact != NULL)
            l->watch.fact(l->watch.context, l, host, &f);
    }
    h->due = l->api->deadline(h->node);
    for (size_t i = 0; i < CANARY; i++)
        CHECK(((uint8_t *)h->memory)[h->memory_size + i] == CANARY_BYTE);
    if (l->watch.after != NULL)
        l->watch.after(l->watch.context, l, host);
}

/* Spare sockets are opened when the core has been drained, each on a new port. */
void lab_drain(struct lab *l, uint32_t host)
{
    struct lab_host *h = &l->hosts[host];
    drain_once(l, host);
    for (uint32_t i = 0; i < h->wanted_count; i++) {
        struct mist_wish w = {.size = sizeof w, .socket = h->wanted[i], .addr = h->local};
        uint32_t place = 0;
        while (place < LAB_SPARES && h->spares[place] != 0)
            place++;
        w.kind = h->refuses_sockets || place == LAB_SPARES ? MIST_WISH_SOCKET_FAILED
                                                           : MIST_WISH_SOCKET_OPENED;
        w.addr.port = (uint16_t)(LAB_PORT + ++h->ports_given);
        if (w.kind == MIST_WISH_SOCKET_OPENED) {
            h->spares[place] = w.socket;
            h->ports[place] = w.addr.port;
        }
        if (l->api->wish(h->node, l->now, &w) != MIST_OK && place < LAB_SPARES)
            h->spares[place] = 0; /* closed before it was opened */
        drain_once(l, host);
    }
    h->wanted_count = 0;
}

static void deliver(struct lab *l, const struct lab_packet *p)
{
    int target = lab_by_addr(l, &p->to);
    if (target < 0)
        return;
    struct lab_host *h = &l->hosts[target];
    if (h->node == NULL || h->side != l->hosts[p->source].side)
        return;
    uint16_t port = h->nat.present ? lab_nat_in(&h->nat, l->now, &p->from, p->to.port) : p->to.port;
    uint32_t socket = socket_at(h, port);
    if (socket == 0)
        return;
    if (l->watch.arrives != NULL &&
        !l->watch.arrives(l->watch.context, l, (uint32_t)target, &p->from, p->bytes, p->length))
        return;
    l->api->input(h->node, l->now, socket, &p->from, p->bytes, p->length);
    lab_drain(l, (uint32_t)target);
}

/* ---- verbs ---- */

void lab_input(struct lab *l, uint32_t host, const struct addr *from, const uint8_t *bytes,
               size_t length)
{
    struct lab_host *h = &l->hosts[host];
    l->api->input(h->node, l->now, h->local.family == ADDR_V4 ? 1 : 2, from, bytes, length);
    lab_drain(l, host);
}

int lab_wish(struct lab *l, uint32_t host, const struct mist_wish *wish)
{
    int error = l->api->wish(l->hosts[host].node, l->now, wish);
    lab_drain(l, host);
    return error;
}

int lab_name(struct lab *l, uint32_t host, uint32_t kind, uint32_t id, const char *name,
             const char *text)
{
    struct mist_wish w = {.kind = kind,
                          .id = id,
                          .name = (const uint8_t *)name,
                          .name_length = (uint32_t)strlen(name)};
    if (text != NULL) {
        w.bytes = (const uint8_t *)text;
        w.length = (uint32_t)strlen(text);
    }
    return give(l, host, w);
}

int lab_connect(struct lab *l, uint32_t host, uint32_t id, const char *name)
{
    return lab_name(l, host, MIST_WISH_CONNECT, id, name, NULL);
}

int lab_send(struct lab *l, uint32_t host, uint32_t id, const char *text)
{
    return lab_name(l, host, MIST_WISH_SEND, id, "", text);
}

int lab_id(struct lab *l, uint32_t host, uint32_t kind, uint32_t id)
{
    return give(l, host, (struct mist_wish){.kind = kind, .id = id});
}

int lab_say(struct lab *l, uint32_t from, uint32_t to, const struct addr *probe,
            const uint8_t *messages, size_t length)
{
    struct mist *n = l->hosts[from].node;
    out_reset(n->out, n);
    struct mux_way way = {.socket = 0};
    if (probe != NULL)
        way.to = *probe;
    int error = mux_send(n->mux, l->now, lab_link(l, from, to), probe != NULL ? &way : NULL,
                         messages, length, n->out);
    lab_drain(l, from);
    return error;
}

uint16_t lab_offer(struct lab *l, uint8_t value[WIRE_VALUE], uint32_t conversation,
                   const uint8_t *key, const uint8_t *publisher, const struct offer *offer)
{
    static const uint8_t seed[32] = {77};
    uint8_t plain[WIRE_VALUE], sealed[WIRE_VALUE], dice[32] = {0};
    struct meeting meeting;
    struct person person;
    struct rng rng;
    for (int i = 0; i < 8; i++)
        dice[i] = (uint8_t)draw(l);
    rng_init(&rng, dice);
    person_init(&person, seed);
    struct call call = {.seal = &seal_real,
                        .self = &person,
                        .name = key,
                        .dialer = publisher,
                        .conversation = conversation};
    struct call_value v = {.conversation = conversation, .bytes = sealed};
    v.length = person_offer(&meeting, &call, NULL, &rng, plain,
                            wire_put_offer(plain, sizeof plain, offer), sealed, sizeof sealed);
    return (uint16_t)wire_put_call(value, WIRE_VALUE, &v);
}

/* The earliest of the hosts' deadlines; the first host of equal ones. */
static mist_time earliest_due(const struct lab *l, uint32_t *host)
{
    mist_time at = MIST_NEVER;
    for (uint32_t i = 0; i < l->host_count; i++) {
        if (l->hosts[i].due < at) {
            at = l->hosts[i].due;
            *host = i;
        }
    }
    return at;
}

bool lab_step(struct lab *l, mist_time until)
{
    uint32_t host = 0;
    mist_time due = earliest_due(l, &host);
    mist_time arrival = l->in_flight == 0 ? MIST_NEVER : l->heap[0]->at;
    mist_time next = due < arrival ? due : arrival;
    if (next > until)
        return false;
    if (next > l->now) /* an answer can shorten a lookup's patience so that it is over */
        l->now = next;
    if (arrival <= due) {
        struct lab_packet *p = dequeue(l);
        deliver(l, p);
        free(p);
    } else {
        l->api->tick(l->hosts[host].node, l->now);
        drain_once(l, host);
        CHECK(l->hosts[host].due > l->now); /* a tick leaves nothing undone ... */
        lab_drain(l, host); /* ... and a socket that it asked for may call at once */
    }
    return true;
}

void lab_run(struct lab *l, mist_time until)
{
    while (lab_step(l, until))
        continue;
    l->now = until;
}

/* ---- looking in ---- */

mist_link lab_link(const struct lab *l, uint32_t from, uint32_t to)
{
    const struct mist *n = l->hosts[from].node;
    return n == NULL ? 0 : mux_find(n->mux, l->hosts[to].id, MIST_ID);
}

bool lab_view(const struct lab *l, uint32_t from, uint32_t to, struct link_view *view)
{
    mist_link link = lab_link(l, from, to);
    return link != 0 && mux_view(l->hosts[from].node->mux, link, view);
}
