/* proxy.c: see proxy.h. */
#include "stack/host/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "stack/check.h"
#include "stack/host/address.h"
#include "stack/host/split.h"

#define SWEEP_MS 10000 /* how often idle flows are looked for */

/* A datagram that waits for the connection. */
struct held {
    struct held *next;
    uint16_t flow;
    uint32_t length;
    uint8_t bytes[];
};

struct peer {
    uint32_t connection; /* 0: none */
    bool connected;
    uint32_t held_count;
    struct held *held, **held_last;
};

/* One local socket's datagrams. */
struct flow {
    struct proxy *proxy;
    struct peer *peer;
    uint16_t number;   /* on the peer's path */
    struct addr local; /* caller: the program's socket */
    uv_udp_t *socket;  /* server: towards the program; caller: NULL */
    mist_time used;
    uint16_t next_split;
    struct split_join *join; /* made with the first piece */
};

struct proxy {
    struct host *host;
    const char *name; /* caller: of the peer; server: NULL */
    struct addr to;   /* server: of the program */
    uv_udp_t *listener;
    uv_timer_t *sweep;
    uint32_t next_connection, flow_count;
    uint16_t next_flow;
    struct peer peers[PROXY_PEERS]; /* caller: the first alone */
    struct flow *flows[PROXY_FLOWS];
    char received[HOST_RECEIVE];
};

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

/* ---- peers ---- */

static void hold(struct peer *peer, const struct flow *f, const uint8_t *bytes, uint32_t length)
{
    if (peer->held_count == PROXY_HELD)
        return;
    struct held *h = malloc(sizeof *h + length);
    CHECK(h);
    h->next = NULL;
    h->flow = f->number;
    h->length = length;
    if (length)
        memcpy(h->bytes, bytes, length);
    if (!peer->held)
        peer->held_last = &peer->held;
    *peer->held_last = h;
    peer->held_last = &h->next;
    peer->held_count++;
}

/* Takes what waits from the peer. */
static struct held *release(struct peer *peer)
{
    struct held *first = peer->held;
    peer->held = NULL;
    peer->held_count = 0;
    return first;
}

static void forget_held(struct peer *peer)
{
    for (struct held *h = release(peer), *next; h; h = next) {
        next = h->next;
        free(h);
    }
}

static struct peer *peer_of(struct proxy *p, uint32_t connection)
{
    for (uint32_t i = 0; i < PROXY_PEERS; i++)
        if (p->peers[i].connection == connection)
            return &p->peers[i];
    return NULL;
}

static void close_connection(struct proxy *p, uint32_t connection)
{
    host_wish(p->host, &(struct mist_wish){.size = sizeof(struct mist_wish),
                                           .kind = MIST_WISH_CLOSE,
                                           .id = connection});
}

/* ---- flows ---- */

static void remove_flow(struct flow *f)
{
    struct proxy *p = f->proxy;
    for (uint32_t i = 0; i < p->flow_count; i++)
        if (p->flows[i] == f)
            p->flows[i] = p->flows[--p->flow_count];
    if (f->socket) {
        sending_forget(host_sending(p->host), f->socket);
        uv_close((uv_handle_t *)f->socket, on_closed);
    }
    free(f->join);
    free(f);
}

static void remove_flows_of(struct proxy *p, const struct peer *peer)
{
    for (uint32_t i = p->flow_count; i-- > 0;)
        if (p->flows[i]->peer == peer)
            remove_flow(p->flows[i]);
}

static struct flow *add_flow(struct proxy *p, struct peer *peer, uint16_t number)
{
    if (p->flow_count == PROXY_FLOWS) {
        struct flow *oldest = p->flows[0];
        for (uint32_t i = 1; i < p->flow_count; i++)
            if (p->flows[i]->used < oldest->used)
                oldest = p->flows[i];
        remove_flow(oldest);
    }
    struct flow *f = calloc(1, sizeof *f);
    CHECK(f);
    f->proxy = p;
    f->peer = peer;
    f->number = number;
    p->flows[p->flow_count++] = f;
    return f;
}

static struct flow *flow_of_number(struct proxy *p, const struct peer *peer, uint16_t number)
{
    for (uint32_t i = 0; i < p->flow_count; i++)
        if (p->flows[i]->peer == peer && p->flows[i]->number == number)
            return p->flows[i];
    return NULL;
}

static struct flow *flow_of_program(struct proxy *p, const struct addr *local)
{
    for (uint32_t i = 0; i < p->flow_count; i++)
        if (addr_equal(&p->flows[i]->local, local))
            return p->flows[i];
    return NULL;
}

static struct flow *flow_of_socket(struct proxy *p, const uv_udp_t *socket)
{
    for (uint32_t i = 0; i < p->flow_count; i++)
        if (p->flows[i]->socket == socket)
            return p->flows[i];
    return NULL;
}

static bool has_flows(const struct proxy *p, const struct peer *peer)
{
    for (uint32_t i = 0; i < p->flow_count; i++)
        if (p->flows[i]->peer == peer)
            return true;
    return false;
}

/* Ends the flows that nobody used for long; the caller's last one takes the connection along. */
static void on_sweep(uv_timer_t *timer)
{
    struct proxy *p = timer->data;
    mist_time now = (mist_time)uv_hrtime();
    for (uint32_t i = p->flow_count; i-- > 0;)
        if (now - p->flows[i]->used > PROXY_IDLE)
            remove_flow(p->flows[i]);
    struct peer *peer = &p->peers[0];
    if (p->name && peer->connected && !has_flows(p, peer)) {
        uint32_t connection = peer->connection;
        *peer = (struct peer){.connection = 0};
        close_connection(p, connection);
    }
}

/* ---- from the program to the peer ---- */

/* Where a datagram's pieces go: a wish may bring the end of the flow they are of. */
struct way {
    struct host *host;
    uint32_t connection;
};

/* A datagram that the core does not take now is lost, as on any full link. */
static void send_piece(void *data, const uint8_t *bytes, uint32_t length)
{
    const struct way *way = data;
    host_wish(way->host, &(struct mist_wish){.size = sizeof(struct mist_wish),
                                             .kind = MIST_WISH_SEND,
                                             .id = way->connection,
                                             .bytes = bytes,
                                             .length = length});
}

static void send_datagram(struct flow *f, const uint8_t *bytes, uint32_t length)
{
    struct way way = {f->proxy->host, f->peer->connection};
    split_datagram(f->number, bytes, length, f->next_split++, send_piece, &way);
}

/* Asks for a connection to the name; its end comes as an event. */
static void call_peer(struct proxy *p, struct peer *peer)
{
    peer->connection = p->next_connection++;
    if (host_wish(p->host, &(struct mist_wish){.size = sizeof(struct mist_wish),
                                               .kind = MIST_WISH_CONNECT,
                                               .id = peer->connection,
                                               .name = (const uint8_t *)p->name,
                                               .name_length = (uint32_t)strlen(p->name)}) != 0) {
        peer->connection = 0;
        forget_held(peer);
    }
}

static void from_program(struct flow *f, const uint8_t *bytes, uint32_t length)
{
    f->used = (mist_time)uv_hrtime();
    if (length > SPLIT_MOST)
        return;
    if (f->peer->connected) {
        send_datagram(f, bytes, length);
        return;
    }
    hold(f->peer, f, bytes, length);
    if (f->peer->connection == 0)
        call_peer(f->proxy, f->peer);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct proxy *p = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(p->received, HOST_RECEIVE);
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
    if (!f) {
        f = add_flow(p, &p->peers[0], p->next_flow++);
        f->local = local;
    }
    from_program(f, (const uint8_t *)buffer->base, (uint32_t)length);
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

static uv_udp_t *open_socket(struct proxy *p, const struct addr *bind, const struct addr *connect,
                             uv_udp_recv_cb receive, int *error)
{
    struct sockaddr_storage name;
    uv_udp_t *udp = calloc(1, sizeof *udp);
    CHECK(udp);
    *error = uv_udp_init_ex(host_loop(p->host), udp, AF_UNSPEC | UV_UDP_RECVMMSG);
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
    int room = HOST_BUFFER;
    (void)uv_recv_buffer_size((uv_handle_t *)udp, &room);
    if (!*error)
        *error = uv_udp_recv_start(udp, on_allocate, receive);
    if (!*error)
        return udp;
    uv_close((uv_handle_t *)udp, on_closed);
    return NULL;
}

/* ---- from the peer to the program ---- */

static void to_program(struct flow *f, const uint8_t *bytes, uint32_t length)
{
    struct sending *sending = host_sending(f->proxy->host);
    if (f->socket)
        sending_add(sending, f->socket, NULL, 0, bytes, length);
    else
        sending_add(sending, f->proxy->listener, &f->local, 0, bytes, length);
}

/* Server: a flow begins with its first datagram.  NULL: no socket for it. */
static struct flow *begin_flow(struct proxy *p, struct peer *peer, uint16_t number)
{
    int error;
    uv_udp_t *socket = open_socket(p, NULL, &p->to, on_answer, &error);
    if (!socket)
        return NULL;
    struct flow *f = add_flow(p, peer, number);
    f->socket = socket;
    return f;
}

static void on_datagram(struct proxy *p, struct peer *peer, const uint8_t *bytes, uint32_t length)
{
    const uint8_t *whole;
    uint32_t whole_length;
    int32_t number = split_flow(bytes, length);
    struct flow *f = number < 0 ? NULL : flow_of_number(p, peer, (uint16_t)number);
    if (!f && number >= 0 && !p->name)
        f = begin_flow(p, peer, (uint16_t)number);
    if (!f)
        return;
    f->used = (mist_time)uv_hrtime();
    if (!f->join)
        f->join = calloc(1, sizeof *f->join);
    CHECK(f->join);
    if (split_take(f->join, bytes, length, &whole, &whole_length))
        to_program(f, whole, whole_length);
}

/* ---- what the core says ---- */

static void on_connected(struct proxy *p, struct peer *peer)
{
    peer->connected = true;
    for (struct held *h = release(peer), *next; h; h = next) {
        struct flow *f = flow_of_number(p, peer, h->flow);
        next = h->next;
        if (f)
            send_datagram(f, h->bytes, h->length);
        free(h);
    }
}

/* Told again for a connection that is known: it was met anew. */
static void accept_peer(struct proxy *p, uint32_t connection)
{
    struct peer *peer = peer_of(p, connection);
    if (!peer)
        peer = peer_of(p, 0);
    if (peer)
        *peer = (struct peer){.connection = connection, .connected = true};
    else
        close_connection(p, connection);
}

static void lose_peer(struct proxy *p, struct peer *peer)
{
    forget_held(peer);
    if (!p->name)
        remove_flows_of(p, peer);
    *peer = (struct peer){.connection = 0};
}

bool proxy_event(struct proxy *p, const struct mist_event *event)
{
    struct peer *peer = event->id ? peer_of(p, event->id) : NULL;
    if (event->kind == MIST_EVENT_ACCEPTED && !p->name) {
        accept_peer(p, event->id);
        return true;
    }
    if (!peer)
        return false;
    switch (event->kind) {
    case MIST_EVENT_CONNECTED: on_connected(p, peer); return true;
    case MIST_EVENT_DATAGRAM: on_datagram(p, peer, event->bytes, event->length); return true;
    case MIST_EVENT_FAILED:
    case MIST_EVENT_CLOSED: lose_peer(p, peer); return true;
    default: return false;
    }
}

/* ---- life ---- */

static struct proxy *open_proxy(struct host *host)
{
    struct proxy *p = calloc(1, sizeof *p);
    CHECK(p);
    p->host = host;
    p->next_connection = 1;
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
    while (p->flow_count)
        remove_flow(p->flows[p->flow_count - 1]);
    for (uint32_t i = 0; i < PROXY_PEERS; i++)
        forget_held(&p->peers[i]);
    if (p->listener) {
        sending_forget(host_sending(p->host), p->listener);
        uv_close((uv_handle_t *)p->listener, on_closed);
    }
    uv_close((uv_handle_t *)p->sweep, on_closed);
    free(p);
}
