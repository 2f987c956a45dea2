/* client.c: see client.h. */
#include "stack/host/client.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { DONE = 0, NOT_IN_TIME = 1, MISUSED = 2, NOBODY = 77 };

#define LINE (1 << 17) /* bytes: a status with all connections and peers, 300 and 100 each */

struct client {
    int socket;
    mist_time end; /* by the monotonic clock */
    size_t length;
    char text[LINE];
};

static mist_time now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return SEC(t.tv_sec) + t.tv_nsec;
}

static int open_client(struct client *c, const char *path, mist_time timeout)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof name.sun_path) {
        fprintf(stderr, "mist: --control PATH of a running node is missing\n");
        return MISUSED;
    }
    memcpy(name.sun_path, path, strlen(path));
    *c = (struct client){.end = now() + timeout};
    c->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* A node that accepts nobody must not be waited for without end. */
    const struct timeval patience = {.tv_sec = timeout / SEC(1) + 1};
    (void)setsockopt(c->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (c->socket < 0 || connect(c->socket, (const struct sockaddr *)&name, sizeof name) != 0) {
        fprintf(stderr, "mist: %s: %s; `mist up --control PATH` serves it\n", path,
                strerror(errno));
        if (c->socket >= 0)
            (void)close(c->socket);
        return NOBODY;
    }
    return DONE;
}

/* Sends an object and lets go of it.  Returns whether all of it went. */
static bool say(struct client *c, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    size_t length = text ? strlen(text) : 0;
    json_decref(object);
    if (!text)
        return false;
    text[length] = '\n'; /* in the place of the NUL */
    bool sent = send(c->socket, text, length + 1, MSG_NOSIGNAL) == (ssize_t)(length + 1);
    free(text);
    return sent;
}

/* Waits for the next line, which stands in text until the next call.  Returns its length
 * without the newline; -1 when the time is over or the node has gone. */
static ssize_t next_line(struct client *c, size_t *used)
{
    char *end;
    c->length -= *used;
    memmove(c->text, c->text + *used, c->length);
    *used = 0;
    while (!(end = memchr(c->text, '\n', c->length))) {
        struct pollfd wait = {.fd = c->socket, .events = POLLIN};
        mist_time left = c->end - now();
        if (left <= 0 || c->length == sizeof c->text ||
            poll(&wait, 1, (int)(left / MS(1)) + 1) <= 0)
            return -1;
        ssize_t got = recv(c->socket, c->text + c->length, sizeof c->text - c->length, 0);
        if (got <= 0)
            return -1;
        c->length += (size_t)got;
    }
    *used = (size_t)(end - c->text) + 1;
    return end - c->text;
}

static bool is_refusal(const json_t *line)
{
    const char *error = json_string_value(json_object_get(line, "error"));
    if (error)
        fprintf(stderr, "mist: %s\n", error);
    return error != NULL;
}

/* Goes through the node's lines until one counts `count` times for what is waited for. */
static int wait_for(struct client *c, bool (*counts)(const json_t *line, uint32_t id), uint32_t id,
                    uint32_t count)
{
    size_t used = 0;
    ssize_t length;
    int code = NOT_IN_TIME;
    while (code == NOT_IN_TIME && count > 0 && (length = next_line(c, &used)) >= 0) {
        json_t *line = json_loadb(c->text, (size_t)length, 0, NULL);
        if (is_refusal(line))
            code = MISUSED;
        else if (counts(line, id)) {
            printf("%.*s\n", (int)length, c->text);
            (void)fflush(stdout);
            count--;
        }
        json_decref(line);
    }
    return code == NOT_IN_TIME && count == 0 ? DONE : code;
}

static bool is_status(const json_t *line, uint32_t id)
{
    (void)id;
    return json_object_get(line, "status") != NULL;
}

static bool is_event(const json_t *line, const char *word, uint32_t id)
{
    const char *event = json_string_value(json_object_get(line, "event"));
    return event && strcmp(event, word) == 0 &&
           json_integer_value(json_object_get(line, "id")) == (json_int_t)id;
}

static bool is_published(const json_t *line, uint32_t id)
{
    return is_event(line, "published", id);
}

static bool is_received(const json_t *line, uint32_t id)
{
    return is_event(line, "received", id);
}

/* A number that no other client of the node is likely to use. */
static uint32_t own_id(void)
{
    return UINT32_C(0x40000000) | (uint32_t)getpid();
}

int client_status(const char *socket, mist_time timeout)
{
    static struct client c;
    int code = open_client(&c, socket, timeout);
    if (code)
        return code;
    code =
        say(&c, json_pack("{ss}", "ask", "status")) ? wait_for(&c, is_status, 0, 1) : NOT_IN_TIME;
    (void)close(c.socket);
    return code;
}

int client_publish(const char *socket, const char *name, const char *text, mist_time timeout)
{
    static struct client c;
    if (!name || !text) {
        fprintf(stderr, "mist: publish needs a name and --send TEXT\n");
        return MISUSED;
    }
    int code = open_client(&c, socket, timeout);
    if (code)
        return code;
    json_t *wish = json_pack("{ss si ss ss}", "wish", "publish", "id", (int)own_id(), "name", name,
                             "text", text);
    if (!wish) {
        fprintf(stderr, "mist: name and text must be UTF-8\n");
        (void)close(c.socket);
        return MISUSED;
    }
    code = say(&c, wish) ? wait_for(&c, is_published, own_id(), 1) : NOT_IN_TIME;
    (void)close(c.socket);
    return code;
}

int client_subscribe(const char *socket, const char *name, uint32_t count, mist_time timeout)
{
    static struct client c;
    if (!name) {
        fprintf(stderr, "mist: subscribe needs a name\n");
        return MISUSED;
    }
    int code = open_client(&c, socket, timeout);
    if (code)
        return code;
    json_t *wish = json_pack("{ss si ss}", "wish", "subscribe", "id", (int)own_id(), "name", name);
    if (!wish) {
        fprintf(stderr, "mist: the name must be UTF-8\n");
        (void)close(c.socket);
        return MISUSED;
    }
    code = say(&c, wish) ? wait_for(&c, is_received, own_id(), count) : NOT_IN_TIME;
    (void)say(&c, json_pack("{ss si}", "wish", "unsubscribe", "id", (int)own_id()));
    (void)close(c.socket);
    return code;
}
