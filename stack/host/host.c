/* host.c: see host.h.
 *
 * The pump has two halves.  collect follows every call into the core at once,
 * because the next call takes back what this one handed out: it sends the
 * output and copies the events.  deliver hands the copies to the program, whose
 * wishes are collected behind them, and sets the timer to the deadline. */
#include "stack/host/host.h"

#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "stack/check.h"
#include "stack/host/account.h"
#include "stack/host/address.h"
#include "stack/host/book.h"
#include "stack/host/network.h"
#include "stack/host/system.h"

#define BURST       16   /* datagrams taken from the core at once */
#define BLOCK_ALIGN 64   /* as mist.h asks of the node's and the scratch's blocks */
#define LONGEST_MS  1000 /* wakes at least so often: a long timer drifts in a sleeping laptop */

/* An event waiting to be delivered, with its own copy of the bytes. */
struct waiting {
    struct waiting *next;
    struct mist_event event;
    uint8_t bytes[];
};

struct host_socket {
    uv_udp_t udp;
    struct host *host;
    uint32_t id;
    struct addr local;
    bool everywhere; /* bound to every address, of which local is one */
};

struct host {
    uv_loop_t loop;
    uv_timer_t timer, alarm;
    uv_prepare_t before_waiting;
    uv_signal_t interrupt, terminate;
    const struct mist_api *api;
    struct host_calls calls;
    struct book *book;
    void (*alarm_call)(void *user);
    void (*signal_call)(void *user, int signal);
    struct mist *node;
    struct sending *sending;
    struct network *network;
    void *memory, *scratch;        /* as allocated; the core's blocks are aligned within */
    struct waiting *first, **last; /* events: the next to deliver, where to append */
    bool delivering;
    mist_time opened;
    struct account account;
    struct mist_event missing[MIST_SOCKETS]; /* main sockets wanted in vain; kind 0: none */
    struct addr listen[HOST_LISTEN];
    uint32_t listen_count, socket_count;
    uint64_t overruns; /* of sockets closed since */
    struct host_socket *sockets[HOST_SOCKETS];
    char received[HOST_RECEIVE];
};

static mist_time now(void)
{
    return (mist_time)uv_hrtime();
}

/* ---- sending ------------------------------------------------------------- */

static struct host_socket *socket_find(struct host *h, uint32_t id)
{
    for (uint32_t i = 0; i < h->socket_count; i++)
        if (h->sockets[i]->id == id)
            return h->sockets[i];
    return NULL;
}

static void send_datagram(struct host *h, const struct mist_datagram *d)
{
    struct host_socket *s = socket_find(h, d->socket);
    if (s)
        sending_add(h->sending, &s->udp, &d->to, d->ttl, d->bytes, d->length);
}

static void send_output(struct host *h)
{
    struct mist_datagram burst[BURST];
    uint32_t n;
    while ((n = h->api->output(h->node, burst, BURST)) > 0)
        for (uint32_t i = 0; i < n; i++)
            send_datagram(h, &burst[i]);
}

/* ---- the pump ------------------------------------------------------------ */

static void append_event(struct host *h, const struct mist_event *event)
{
    struct waiting *w = malloc(sizeof *w + event->length);
    CHECK(w != NULL);
    w->next = NULL;
    w->event = *event;
    w->event.bytes = w->bytes;
    if (event->length)
        memcpy(w->bytes, event->bytes, event->length);
    *h->last = w;
    h->last = &w->next;
}

static struct waiting *take_event(struct host *h)
{
    struct waiting *w = h->first;
    if (w && !(h->first = w->next))
        h->last = &h->first;
    return w;
}

static void take_facts(struct host *h)
{
    struct mist_fact fact = {.size = sizeof fact};
    while (h->api->fact(h->node, &fact)) {
        account_fact(&h->account, now(), &fact);
        if (h->calls.fact)
            h->calls.fact(h->calls.user, &fact);
        fact = (struct mist_fact){.size = sizeof fact};
    }
}

static void collect(struct host *h)
{
    struct mist_event event = {.size = sizeof event};
    send_output(h);
    while (h->api->event(h->node, &event)) {
        append_event(h, &event);
        event = (struct mist_event){.size = sizeof event};
    }
    take_facts(h);
}

static void open_socket(struct host *h, const struct mist_event *wanted);
static void close_socket(struct host *h, uint32_t id);
static void on_timer(uv_timer_t *timer);

/* What all verbs since the last wait have brought about: one timer, and one batch. */
static void before_waiting(uv_prepare_t *prepare)
{
    struct host *h = prepare->data;
    mist_time left = h->api->deadline(h->node) - now();
    uint64_t ms = left <= 0 ? 0 : left > MS(LONGEST_MS) ? LONGEST_MS : (uint64_t)(left / MS(1)) + 1;
    uv_update_time(&h->loop);
    uv_timer_start(&h->timer, on_timer, ms, 0);
    sending_flush(h->sending);
}

static void deliver(struct host *h)
{
    struct waiting *w;
    if (h->delivering)
        return;
    h->delivering = true;
    while ((w = take_event(h))) {
        if (w->event.kind == MIST_EVENT_SOCKET_WANTED)
            open_socket(h, &w->event);
        else if (w->event.kind == MIST_EVENT_SOCKET_UNWANTED)
            close_socket(h, w->event.socket);
        else {
            account_event(&h->account, now(), &w->event);
            if (h->book)
                book_event(h->book, &w->event);
            h->calls.event(h->calls.user, &w->event);
        }
        free(w);
    }
    h->delivering = false;
}

static void pump(struct host *h)
{
    collect(h);
    deliver(h);
}

static void on_timer(uv_timer_t *timer)
{
    struct host *h = timer->data;
    mist_time present = now();
    if (h->api->deadline(h->node) <= present)
        h->api->tick(h->node, present);
    pump(h);
}

int host_wish(struct host *h, const struct mist_wish *wish)
{
    deliver(h); /* a socket wanted at the start is opened before the first wish */
    struct mist_wish w = h->book ? book_wish(h->book, wish) : *wish;
    int answer = h->api->wish(h->node, now(), &w);
    pump(h);
    return answer;
}

/* ---- receiving ----------------------------------------------------------- */

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct host_socket *s = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(s->host->received, HOST_RECEIVE);
}

static void read_refusals(struct host_socket *s)
{
    struct host *h = s->host;
    struct addr to;
    int socket;
    if (uv_fileno((const uv_handle_t *)&s->udp, &socket))
        return;
    while (system_next_refusal(socket, &to)) {
        if (to.family == ADDR_NONE)
            continue;
        h->api->refused(h->node, now(), s->id, &to);
        pump(h);
    }
}

static void on_receive(uv_udp_t *udp, ssize_t length, const uv_buf_t *buffer,
                       const struct sockaddr *from, unsigned flags)
{
    struct host_socket *s = udp->data;
    if (flags & UV_UDP_MMSG_FREE)
        return;
    if (!from) {
        read_refusals(s);
        return;
    }
    if (length < 0 || flags & UV_UDP_PARTIAL)
        return;
    struct addr source = address_from_socket(from);
    if (source.family == ADDR_NONE)
        return;
    s->host->api->input(s->host->node, now(), s->id, &source, (const uint8_t *)buffer->base,
                        (size_t)length);
    pump(s->host);
}

/* ---- sockets ------------------------------------------------------------- */

/* Where the wanted socket is to be bound; family ADDR_NONE: nowhere. */
static struct addr binding(struct host *h, const struct addr *wanted)
{
    for (uint32_t i = 0; i < h->listen_count; i++) {
        if (h->listen[i].family != wanted->family)
            continue;
        struct addr found = h->listen[i];
        if (wanted->port)
            found.port = wanted->port;
        else
            h->listen[i].port = 0;
        return found;
    }
    if (h->listen_count)
        return (struct addr){.family = ADDR_NONE};
    return (struct addr){.family = wanted->family, .port = wanted->port};
}

static bool is_unspecified(const struct addr *a)
{
    static const uint8_t unspecified[16];
    return memcmp(a->ip, unspecified, sizeof unspecified) == 0;
}

/* Binds and starts to receive.  Returns 0 and the local address, or libuv's error. */
static int bind_socket(struct host_socket *s, const struct addr *at, struct addr *local)
{
    struct sockaddr_storage name;
    int length = sizeof name;
    address_to_socket(at, &name);
    unsigned flags = UV_UDP_LINUX_RECVERR | (at->family == ADDR_V6 ? UV_UDP_IPV6ONLY : 0u);
    int error = uv_udp_bind(&s->udp, (const struct sockaddr *)&name, flags), room = HOST_BUFFER;
    if (s->id <= MIST_SOCKETS) {
        (void)uv_recv_buffer_size((uv_handle_t *)&s->udp, &room);
        (void)uv_send_buffer_size((uv_handle_t *)&s->udp, &room);
    }
    if (!error)
        error = uv_udp_getsockname(&s->udp, (struct sockaddr *)&name, &length);
    if (!error)
        error = uv_udp_recv_start(&s->udp, on_allocate, on_receive);
    if (error)
        return error;
    *local = address_from_socket((const struct sockaddr *)&name);
    s->everywhere = is_unspecified(local);
    if (s->everywhere)
        *local = address_of_machine(local->family, local->port);
    return 0;
}

static void on_socket_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Returns 0 and the local address, or libuv's error. */
static int add_socket(struct host *h, uint32_t id, const struct addr *at, struct addr *local)
{
    if (at->family == ADDR_NONE)
        return UV_EAFNOSUPPORT;
    if (h->socket_count == HOST_SOCKETS)
        return UV_EMFILE;
    struct host_socket *s = calloc(1, sizeof *s);
    if (!s)
        return UV_ENOMEM;
    s->host = h;
    s->id = id;
    int error = uv_udp_init_ex(&h->loop, &s->udp, AF_UNSPEC | UV_UDP_RECVMMSG);
    if (error) {
        free(s);
        return error;
    }
    s->udp.data = s;
    error = bind_socket(s, at, local);
    if (error)
        uv_close((uv_handle_t *)&s->udp, on_socket_closed);
    else {
        s->local = *local;
        h->sockets[h->socket_count++] = s;
    }
    return error;
}

static void close_socket(struct host *h, uint32_t id)
{
    int fd;
    for (uint32_t i = 0; i < h->socket_count; i++) {
        struct host_socket *s = h->sockets[i];
        if (s->id != id)
            continue;
        h->sockets[i] = h->sockets[--h->socket_count];
        if (uv_fileno((const uv_handle_t *)&s->udp, &fd) == 0)
            h->overruns += system_overruns(fd);
        sending_forget(h->sending, &s->udp);
        uv_close((uv_handle_t *)&s->udp, on_socket_closed);
        return;
    }
}

static void open_socket(struct host *h, const struct mist_event *wanted)
{
    struct mist_wish answer = {.size = sizeof answer, .socket = wanted->socket};
    struct addr at = binding(h, &wanted->addr);
    int error = add_socket(h, wanted->socket, &at, &answer.addr);
    answer.kind = error ? MIST_WISH_SOCKET_FAILED : MIST_WISH_SOCKET_OPENED;
    if (wanted->socket <= MIST_SOCKETS)
        h->missing[wanted->socket - 1] =
            error && at.family != ADDR_NONE ? *wanted : (struct mist_event){.kind = 0};
    h->api->wish(h->node, now(), &answer);
    collect(h);
    if (error)
        h->calls.failed(h->calls.user, answer.socket, &at, uv_strerror(error));
    else
        h->calls.opened(h->calls.user, answer.socket, &answer.addr);
}

/* A socket that is bound to every address goes on; the core hears where it is now, and
 * tells its peers. */
static void tell_moved(struct host *h, struct host_socket *s)
{
    s->local = address_of_machine(s->local.family, s->local.port);
    h->api->wish(h->node, now(),
                 &(struct mist_wish){.size = sizeof(struct mist_wish),
                                     .kind = MIST_WISH_SOCKET_OPENED,
                                     .socket = s->id,
                                     .addr = s->local});
    collect(h);
    h->calls.opened(h->calls.user, s->id, &s->local);
}

static void on_network(void *user)
{
    struct host *h = user;
    for (uint32_t i = 0; i < h->socket_count; i++)
        if (h->sockets[i]->id <= MIST_SOCKETS && h->sockets[i]->everywhere)
            tell_moved(h, h->sockets[i]);
    for (uint32_t i = 0; i < MIST_SOCKETS; i++)
        if (h->missing[i].kind) {
            struct mist_event wanted = h->missing[i];
            open_socket(h, &wanted);
        }
    deliver(h);
}

/* ---- alarm and signals --------------------------------------------------- */

static void on_alarm(uv_timer_t *timer)
{
    struct host *h = timer->data;
    h->alarm_call(h->calls.user);
}

void host_alarm(struct host *h, mist_time after, void (*call)(void *user))
{
    h->alarm_call = call;
    uv_update_time(&h->loop);
    uv_timer_start(&h->alarm, on_alarm, (uint64_t)(after / MS(1)), 0);
}

static void on_signal(uv_signal_t *handle, int signal)
{
    struct host *h = handle->data;
    h->signal_call(h->calls.user, signal);
}

void host_on_signal(struct host *h, void (*call)(void *user, int signal))
{
    h->signal_call = call;
    uv_signal_start(&h->interrupt, on_signal, SIGINT);
    uv_signal_start(&h->terminate, on_signal, SIGTERM);
}

/* ---- life ---------------------------------------------------------------- */

/* The aligned, zero-filled block inside *allocation; NULL: no memory. */
static void *block(size_t size, void **allocation)
{
    *allocation = calloc(1, size + BLOCK_ALIGN);
    if (!*allocation)
        return NULL;
    return (char *)*allocation + (BLOCK_ALIGN - (uintptr_t)*allocation % BLOCK_ALIGN);
}

static struct mist *start_node(struct host *h, const struct host_options *options)
{
    uint8_t seed[32];
    void *memory = block(h->api->node_size(options->config), &h->memory);
    void *scratch = block(h->api->scratch_size(), &h->scratch);
    if (!memory || !scratch)
        return NULL;
    randombytes_buf(seed, sizeof seed);
    struct mist *node =
        h->api->init(memory, scratch, options->config, seed, options->secret, now());
    sodium_memzero(seed, sizeof seed);
    return node;
}

static void free_host(struct host *h)
{
    free(h->memory);
    free(h->scratch);
    free(h);
}

struct host *host_open(const struct host_options *options)
{
    CHECK(options->listen_count <= HOST_LISTEN);
    struct host *h = sodium_init() < 0 ? NULL : calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->api = options->api;
    h->calls = options->calls;
    h->book = options->book;
    h->listen_count = options->listen_count;
    if (options->listen_count)
        memcpy(h->listen, options->listen, options->listen_count * sizeof h->listen[0]);
    h->last = &h->first;
    h->opened = now();
    h->node = start_node(h, options);
    if (!h->node || uv_loop_init(&h->loop)) {
        free_host(h);
        return NULL;
    }
    h->sending = sending_open(&h->loop);
    h->network = h->sending ? network_watch(&h->loop, on_network, h) : NULL;
    if (!h->network) {
        if (h->sending)
            sending_close(h->sending);
        uv_run(&h->loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&h->loop);
        free_host(h);
        return NULL;
    }
    uv_timer_init(&h->loop, &h->timer);
    uv_timer_init(&h->loop, &h->alarm);
    uv_prepare_init(&h->loop, &h->before_waiting);
    uv_signal_init(&h->loop, &h->interrupt);
    uv_signal_init(&h->loop, &h->terminate);
    h->timer.data = h->alarm.data = h->interrupt.data = h->terminate.data = h;
    h->before_waiting.data = h;
    uv_prepare_start(&h->before_waiting, before_waiting);
    collect(h);
    return h;
}

/* Datagrams that came faster than they were read. */
static uint64_t overruns(const struct host *h)
{
    uint64_t all = h->overruns;
    int fd;
    for (uint32_t i = 0; i < h->socket_count; i++)
        if (uv_fileno((const uv_handle_t *)&h->sockets[i]->udp, &fd) == 0)
            all += system_overruns(fd);
    return all;
}

static void print_listening(const struct host *h, FILE *out)
{
    char text[ADDR_TEXT];
    const char *separator = "";
    fputs("\"listening\":[", out);
    for (uint32_t i = 0; i < h->socket_count; i++)
        if (h->sockets[i]->id <= MIST_SOCKETS) {
            fprintf(out, "%s\"%s\"", separator, addr_format(&h->sockets[i]->local, text));
            separator = ",";
        }
    fputs("]", out);
}

void host_status(const struct host *h, FILE *out)
{
    uint8_t id[MIST_ID];
    char hex[2 * MIST_ID + 1];
    h->api->id(h->node, id);
    fprintf(out, "{\"status\":{\"id\":\"%s\",\"build\":\"%s\",\"up_s\":%" PRId64 ",",
            sodium_bin2hex(hex, sizeof hex, id, sizeof id), h->api->build,
            (now() - h->opened) / SEC(1));
    print_listening(h, out);
    fprintf(out, ",\"sockets\":%u,", h->socket_count);
    account_print(&h->account, now(), h->api, out);
    fputs(",", out);
    account_traffic(h->api, h->node, out);
    fputs(",", out);
    account_kernel(sending_tally(h->sending), overruns(h), out);
    fputs("}}\n", out);
}

struct uv_loop_s *host_loop(struct host *h)
{
    return &h->loop;
}

struct sending *host_sending(struct host *h)
{
    return h->sending;
}

void host_run(struct host *h)
{
    deliver(h);
    uv_run(&h->loop, UV_RUN_DEFAULT);
}

void host_stop(struct host *h)
{
    uv_stop(&h->loop);
}

void host_close(struct host *h)
{
    struct waiting *w;
    while ((w = take_event(h)))
        free(w);
    sending_flush(h->sending);
    sending_close(h->sending);
    network_close(h->network);
    for (uint32_t i = 0; i < h->socket_count; i++)
        uv_close((uv_handle_t *)&h->sockets[i]->udp, on_socket_closed);
    uv_close((uv_handle_t *)&h->timer, NULL);
    uv_close((uv_handle_t *)&h->alarm, NULL);
    uv_close((uv_handle_t *)&h->before_waiting, NULL);
    uv_close((uv_handle_t *)&h->interrupt, NULL);
    uv_close((uv_handle_t *)&h->terminate, NULL);
    uv_run(&h->loop, UV_RUN_NOWAIT); /* takes a host_stop that came before host_run */
    uv_run(&h->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&h->loop) == 0);
    free_host(h);
}
