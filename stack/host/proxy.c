/* proxy.c: see proxy.h. */
#include "stack/host/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "stack/check.h"
#include "stack/host/address.h"
#include "stack/host/split.h"

#define SWEEP_MS    10000 /* how often idle flows are looked for */
#define RECEIVE_MAX 65536

struct held {
    struct held *next;
    uint32_t length;
    uint8_t bytes[];
};

/* One local program's path. */
struct flow {
    struct proxy *proxy;
    uint32_t id; /* of the connection */
    bool connected;
    struct addr local; /* caller: the program's; server: unused */
    uv_udp_t *socket;  /* server: towards the program; caller: NULL */
    mist_time used;
    uint16_t next_split;
    uint32_t held_count;
    struct held *held, **held_last;
    struct split_join *join;
};

struct proxy {
    struct host *host;
    const char *name; /* caller: of the peer; server: NULL */
    struct addr to;   /* server: of the program */
    uv_udp_t *listener;
    uv_timer_t *sweep;
    uint32_t next_id, count;
    struct flow *flows[PROXY_FLOWS];
    char received[RECEIVE_MAX];
};

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

/* ---- flows ---- */

static struct flow *add_flow(struct proxy *p, uint32_t id)
{
    if (p->count == PROXY_FLOWS)
        return NULL;
    struct flow *f = calloc(1, sizeof *f);
    CHECK(f);
    f->join = calloc(1, sizeof *f->join);
    CHECK(f->join);
    f->proxy = p;
    f->id = id;
    f->used = (mist_time)uv_hrtime();
    f->held_last = &f->held;
    p->flows[p->count++] = f;
    return f;
}

static void remove_flow(struct flow *f)
{
    struct proxy *p = f->proxy;
    for (uint32_t i = 0; i < p->count; i++)
        if (p->flows[i] == f)
            p->flows[i] = p->flows[--p->count];
    for (struct held *h = f->held, *next; h; h = next) {
        next = h->next;
        free(h);
    }
    if (f->socket)
        uv_close((uv_handle_t *)f->socket, on_closed);
    free(f->join);
    free(f);
}

static struct flow *flow_of_connection(struct proxy *p, uint32_t id)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->flows[i]->id == id)
            return p->flows[i];
    return NULL;
}

static struct flow *flow_of_program(struct proxy *p, const struct addr *local)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (addr_equal(&p->flows[i]->local, local))
            return p->flows[i];
    return NULL;
}

static void close_connection(struct proxy *p, uint32_t id)
{
    host_wish(p->host, &(struct mist_wish){
                           .size = sizeof(struct mist_wish), .kind = MIST_WISH_CLOSE, .id = id});
}

/* Ends the flows that nobody used for long. */
static void on_sweep(uv_timer_t *timer)
{
    struct proxy *p = timer->data;
    mist_time now = (mist_time)uv_hrtime();
    for (uint32_t i = p->count; i-- > 0;)
        if (i < p->count && now - p->flows[i]->used > PROXY_IDLE) {
            uint32_t id = p->flows[i]->id;
            remove_flow(p->flows[i]);
            close_connection(p, id);
        }
}

/* ---- from the program to the peer ---- */

/* A datagram that the core does not take now is lost, as on any full link. */
static void send_piece(void *data, const uint8_t *bytes, uint32_t length)
{
    struct flow *f = data;
    host_wish(f->proxy->host, &(struct mist_wish){.size = sizeof(struct mist_wish),
                                                  .kind = MIST_WISH_SEND,
                                                  .id = f->id,
                                                  .bytes = bytes,
                                                  .length = length});
}

static void hold(struct flow *f, const uint8_t *bytes, uint32_t length)
{
    if (f->held_count == PROXY_HELD)
        return;
    struct held *h = malloc(sizeof *h + length);
    CHECK(h);
    h->next = NULL;
    h->length = length;
    if (length)
        memcpy(h->bytes, bytes, length);
    *f->held_last = h;
    f->held_last = &h->next;
    f->held_count++;
}

static void from_program(struct flow *f, const uint8_t *bytes, uint32_t length)
{
    f->used = (mist_time)uv_hrtime();
    if (length > SPLIT_MOST)
        return;
    if (f->connected)
        split_datagram(bytes, length, f->next_split++, send_piece, f);
    else
        hold(f, bytes, length);
}

static struct flow *call_peer(struct proxy *p, const struct addr *local)
{
    struct flow *f = add_flow(p, p->next_id++);
    if (!f)
        return NULL;
    f->local = *local;
    uint32_t id = f->id;
    int refused = host_wish(p->host, &(struct mist_wish){.size = sizeof(struct mist_wish),
                                                         .kind = MIST_WISH_CONNECT,
                                                         .id = id,
                                                         .name = (const uint8_t *)p->name,
                                                         .name_length = (uint32_t)strlen(p->name)});
    f = flow_of_connection(p, id); /* it may have failed already */
    if (f && refused) {
        remove_flow(f);
        f = NULL;
    }
    return f;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct proxy *p = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(p->received, RECEIVE_MAX);
}

/* Caller: any program of this machine. */
static void on_local(uv_udp_t *udp, ssize_t length, const uv_buf_t *buffer,
                     const struct sockaddr *from, unsigned flags)
{
    struct proxy *p = udp->data;
    if (length < 0 || !from || flags & UV_UDP_PARTIAL)
        return;
    struct addr local = address_from_socket(from);
    struct flow *f = flow_of_program(p, &local);
    if (!f)
        f = call_peer(p, &local);
    if (f)
        from_program(f, (const uint8_t *)buffer->base, (uint32_t)length);
}

static struct flow *flow_of_socket(struct proxy *p, const uv_udp_t *socket)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->flows[i]->socket == socket)
            return p->flows[i];
    return NULL;
}

/* Server: the one program; its socket is connected, so that nobody else is heard. */
static void on_answer(uv_udp_t *udp, ssize_t length, const uv_buf_t *buffer,
                      const struct sockaddr *from, unsigned flags)
{
    struct proxy *p = udp->data;
    struct flow *f = flow_of_socket(p, udp);
    if (f && length >= 0 && from && !(flags & UV_UDP_PARTIAL))
        from_program(f, (const uint8_t *)buffer->base, (uint32_t)length);
}

/* ---- from the peer to the program ---- */

static void to_program(struct flow *f, const uint8_t *bytes, uint32_t length)
{
    const uint8_t *whole;
    uint32_t whole_length;
    f->used = (mist_time)uv_hrtime();
    if (!split_take(f->join, bytes, length, &whole, &whole_length))
        return;
    /* libuv's buffers are not const; uv_udp_try_send only reads. */
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)whole, whole_length);
    struct sockaddr_storage to;
    if (f->socket) {
        /* An earlier refusal is told once: the program was not there yet. */
        if (uv_udp_try_send(f->socket, &buffer, 1, NULL) == UV_ECONNREFUSED)
            (void)uv_udp_try_send(f->socket, &buffer, 1, NULL);
        return;
    }
    address_to_socket(&f->local, &to);
    (void)uv_udp_try_send(f->proxy->listener, &buffer, 1, (const struct sockaddr *)&to);
}

static void on_connected(struct flow *f)
{
    struct held *first = f->held;
    f->connected = true;
    f->held = NULL;
    f->held_last = &f->held;
    f->held_count = 0;
    for (struct held *h = first, *next; h; h = next) {
        next = h->next;
        split_datagram(h->bytes, h->length, f->next_split++, send_piece, f);
        free(h);
    }
}

static uv_udp_t *open_socket(struct proxy *p, const struct addr *bind, const struct addr *connect,
                             uv_udp_recv_cb receive, int *error)
{
    struct sockaddr_storage name;
    uv_udp_t *udp = calloc(1, sizeof *udp);
    CHECK(udp);
    *error = uv_udp_init(host_loop(p->host), udp);
    if (*error) {
        free(udp);
        return NULL;
    }
    udp->data = p;
    if (bind) {
        address_to_socket(bind, &name);
        *error = uv_udp_bind(udp, (const struct sockaddr *)&name, 0);
    }
    if (connect && !*error) {
        address_to_socket(connect, &name);
        *error = uv_udp_connect(udp, (const struct sockaddr *)&name);
    }
    if (!*error)
        *error = uv_udp_recv_start(udp, on_allocate, receive);
    if (!*error)
        return udp;
    uv_close((uv_handle_t *)udp, on_closed);
    return NULL;
}

static void accept_peer(struct proxy *p, uint32_t id)
{
    int error;
    struct flow *f = add_flow(p, id);
    if (f)
        f->socket = open_socket(p, NULL, &p->to, on_answer, &error);
    if (f && f->socket) {
        f->connected = true;
        return;
    }
    if (f)
        remove_flow(f);
    close_connection(p, id);
}

bool proxy_event(struct proxy *p, const struct mist_event *event)
{
    struct flow *f = flow_of_connection(p, event->id);
    bool serves = p->name == NULL;
    if (event->kind == MIST_EVENT_ACCEPTED && serves) {
        accept_peer(p, event->id);
        return true;
    }
    if (!f)
        return false;
    switch (event->kind) {
    case MIST_EVENT_CONNECTED: on_connected(f); return true;
    case MIST_EVENT_DATAGRAM: to_program(f, event->bytes, event->length); return true;
    case MIST_EVENT_FAILED:
    case MIST_EVENT_CLOSED: remove_flow(f); return true;
    default: return false;
    }
}

/* ---- life ---- */

static struct proxy *open_proxy(struct host *host)
{
    struct proxy *p = calloc(1, sizeof *p);
    CHECK(p);
    p->host = host;
    p->next_id = 1;
    p->sweep = calloc(1, sizeof *p->sweep);
    CHECK(p->sweep);
    CHECK(uv_timer_init(host_loop(host), p->sweep) == 0);
    p->sweep->data = p;
    uv_timer_start(p->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    return p;
}

struct proxy *proxy_call(struct host *host, struct addr *listen, const char *name, char *error,
                         size_t error_size)
{
    struct proxy *p = open_proxy(host);
    struct sockaddr_storage bound;
    int length = sizeof bound, failed;
    char text[ADDR_TEXT];
    p->name = name;
    p->listener = open_socket(p, listen, NULL, on_local, &failed);
    if (!p->listener) {
        (void)snprintf(error, error_size, "cannot listen on %s: %s", addr_format(listen, text),
                       uv_strerror(failed));
        proxy_close(p);
        return NULL;
    }
    if (uv_udp_getsockname(p->listener, (struct sockaddr *)&bound, &length) == 0)
        *listen = address_from_socket((const struct sockaddr *)&bound);
    return p;
}

struct proxy *proxy_serve(struct host *host, const struct addr *to)
{
    struct proxy *p = open_proxy(host);
    p->to = *to;
    return p;
}

void proxy_close(struct proxy *p)
{
    while (p->count)
        remove_flow(p->flows[p->count - 1]);
    if (p->listener)
        uv_close((uv_handle_t *)p->listener, on_closed);
    uv_close((uv_handle_t *)p->sweep, on_closed);
    free(p);
}
