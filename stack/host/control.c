/* control.c: see control.h. */
#include "stack/host/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "stack/check.h"
#include "stack/host/lines.h"
#include "stack/host/wishes.h"

#define WAITING   8    /* clients that the kernel holds for us */
#define TEXT_ROOM 4096 /* bytes at first: a status */

/* What is told to a client, as a whole. */
struct text {
    char *bytes; /* NULL: no room yet */
    size_t length, size;
};

struct client {
    struct control *control; /* NULL: being closed */
    uv_pipe_t pipe;
    uv_write_t request;
    struct text told, leaving; /* leaving: is being written; empty: nothing is */
    size_t length;
    char line[WISHES_LINE];
};

struct control {
    struct host *host;
    const struct mist_api *api;
    char *path; /* of the socket; NULL: standard input and output */
    uv_pipe_t *listener;
    struct client *clients[CONTROL_CLIENTS];
};

/* ---- writing ---- */

static void on_closed_client(uv_handle_t *handle)
{
    struct client *client = handle->data;
    free(client->told.bytes);
    free(client->leaving.bytes);
    free(client);
}

static void drop_client(struct client *client)
{
    struct control *c = client->control;
    if (!c)
        return;
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (c->clients[i] == client)
            c->clients[i] = NULL;
    client->control = NULL;
    uv_close((uv_handle_t *)&client->pipe, on_closed_client);
}

static void append(struct text *t, const char *bytes, size_t length)
{
    size_t size = t->size ? t->size : TEXT_ROOM;
    while (size < t->length + length)
        size *= 2;
    if (size > t->size) {
        t->bytes = realloc(t->bytes, size);
        CHECK(t->bytes);
        t->size = size;
    }
    memcpy(t->bytes + t->length, bytes, length);
    t->length += length;
}

static void on_written(uv_write_t *request, int status);

/* What was told leaves with one call, while more is told. */
static void write_told(struct client *client)
{
    struct text leaving = client->told;
    client->told = client->leaving;
    client->leaving = leaving;
    uv_buf_t buffer = uv_buf_init(leaving.bytes, (unsigned)leaving.length);
    client->request.data = client;
    if (uv_write(&client->request, (uv_stream_t *)&client->pipe, &buffer, 1, on_written) != 0)
        drop_client(client);
}

static void on_written(uv_write_t *request, int status)
{
    struct client *client = request->data;
    (void)status; /* who does not read any more is noticed by reading */
    client->leaving.length = 0;
    if (client->control && client->told.length > 0)
        write_told(client);
}

/* The standard streams' client answers where events are printed. */
static void tell(struct client *client, const char *text, size_t length)
{
    if (!client->control->path) {
        (void)fwrite(text, 1, length, stdout);
        (void)fflush(stdout);
    } else if (client->told.length + client->leaving.length + length > CONTROL_BEHIND)
        drop_client(client);
    else {
        append(&client->told, text, length);
        if (client->leaving.length == 0)
            write_told(client);
    }
}

static void answer(struct client *client, const char *wrong)
{
    char text[300];
    int length = wrong ? snprintf(text, sizeof text, "{\"ok\":false,\"error\":\"%s\"}\n", wrong)
                       : snprintf(text, sizeof text, "{\"ok\":true}\n");
    CHECK(length > 0 && (size_t)length < sizeof text);
    tell(client, text, (size_t)length);
}

static void answer_status(struct client *client)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    CHECK(out);
    host_status(client->control->host, out);
    CHECK(fclose(out) == 0);
    tell(client, text, length);
    free(text);
}

void control_event(struct control *c, const struct mist_event *event)
{
    char *text = NULL;
    size_t length = 0;
    if (!c->path)
        return; /* it is printed anyway */
    FILE *out = open_memstream(&text, &length);
    CHECK(out);
    lines_event(out, c->api, event);
    CHECK(fclose(out) == 0);
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (c->clients[i])
            tell(c->clients[i], text, length);
    free(text);
}

/* ---- reading ---- */

/* X(error, text): the core's answers in words, in the order of enum mist_error. */
static const char *const refusals[] = {
    NULL,
    "the core refused: a field is out of its range",
    "the core refused: no such key",
    "the core refused: no such value",
    "the core refused: a table of the configuration is full",
    "the core refused: no such connection or subscription",
    "the core refused: not now (no socket yet, or not connected yet)",
    "the core refused: too long",
};

static void obey(struct client *client, const char *text, size_t length)
{
    static struct wishes_line line; /* one thread, and host_wish copies */
    struct control *c = client->control;
    const char *wrong = wishes_read(c->api, text, length, &line);
    if (!wrong && line.status) {
        answer_status(client);
        return;
    }
    if (!wrong) {
        int refused = host_wish(c->host, &line.wish);
        size_t count = sizeof refusals / sizeof refusals[0];
        wrong = (size_t)-refused < count ? refusals[-refused] : "the core refused";
    }
    if (client->control) /* the wish may have brought its end */
        answer(client, wrong);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct client *client = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(client->line + client->length,
                          (unsigned)(sizeof client->line - client->length));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct client *client = stream->data;
    char *end;
    (void)buffer;
    if (got < 0) {
        drop_client(client);
        return;
    }
    client->length += (size_t)got;
    while (client->control && (end = memchr(client->line, '\n', client->length))) {
        size_t used = (size_t)(end - client->line) + 1;
        obey(client, client->line, used - 1);
        client->length -= used;
        memmove(client->line, client->line + used, client->length);
    }
    if (client->control && client->length == sizeof client->line) {
        answer(client, "too long a line");
        client->length = 0;
    }
}

static struct client *add_client(struct control *c)
{
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (!c->clients[i]) {
            struct client *client = calloc(1, sizeof *client);
            CHECK(client && uv_pipe_init(host_loop(c->host), &client->pipe, 0) == 0);
            client->control = c;
            client->pipe.data = client;
            c->clients[i] = client;
            return client;
        }
    return NULL;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

/* There is no place: told, and sent away.  One that is not accepted would keep all others
 * from being so (uv_accept). */
static void send_away(uv_stream_t *listener)
{
    static char text[] = "{\"ok\":false,\"error\":\"too many programs ask this node\"}\n";
    uv_buf_t buffer = uv_buf_init(text, sizeof text - 1);
    uv_pipe_t *pipe = calloc(1, sizeof *pipe);
    CHECK(pipe && uv_pipe_init(listener->loop, pipe, 0) == 0);
    if (uv_accept(listener, (uv_stream_t *)pipe) == 0)
        (void)uv_try_write((uv_stream_t *)pipe, &buffer, 1);
    uv_close((uv_handle_t *)pipe, on_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status != 0)
        return;
    struct client *client = add_client(listener->data);
    if (!client)
        send_away(listener);
    else if (uv_accept(listener, (uv_stream_t *)&client->pipe) != 0 ||
             uv_read_start((uv_stream_t *)&client->pipe, on_allocate, on_read) != 0)
        drop_client(client);
}

/* ---- life ---- */

/* Is somebody serving that socket?  One that nobody serves is removed. */
static bool is_served(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct stat is;
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    bool served = s >= 0 && connect(s, (const struct sockaddr *)&name, sizeof name) == 0;
    if (s >= 0)
        (void)close(s);
    if (!served && lstat(path, &is) == 0 && S_ISSOCK(is.st_mode))
        (void)unlink(path);
    return served;
}

static int listen_at(struct control *c, const char *path)
{
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return UV_ENAMETOOLONG;
    if (is_served(path))
        return UV_EADDRINUSE;
    c->listener = calloc(1, sizeof *c->listener);
    CHECK(c->listener && uv_pipe_init(host_loop(c->host), c->listener, 0) == 0);
    c->listener->data = c;
    mode_t before = umask(0177);
    int error = uv_pipe_bind(c->listener, path);
    (void)umask(before);
    if (!error) {
        c->path = strdup(path);
        CHECK(c->path);
        error = uv_listen((uv_stream_t *)c->listener, WAITING, on_connection);
    }
    return error;
}

static int read_standard_input(struct control *c)
{
    struct client *client = add_client(c);
    int error = uv_pipe_open(&client->pipe, STDIN_FILENO);
    return error ? error : uv_read_start((uv_stream_t *)&client->pipe, on_allocate, on_read);
}

struct control *control_open(struct host *host, const struct mist_api *api, const char *path,
                             char *error, size_t error_size)
{
    struct control *c = calloc(1, sizeof *c);
    CHECK(c);
    c->host = host;
    c->api = api;
    int failed = strcmp(path, "-") == 0 ? read_standard_input(c) : listen_at(c, path);
    if (!failed)
        return c;
    (void)snprintf(error, error_size, "control socket %s: %s", path, uv_strerror(failed));
    control_close(c);
    return NULL;
}

void control_close(struct control *c)
{
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (c->clients[i])
            drop_client(c->clients[i]);
    if (c->listener)
        uv_close((uv_handle_t *)c->listener, on_closed);
    if (c->path)
        (void)unlink(c->path);
    free(c->path);
    free(c);
}
