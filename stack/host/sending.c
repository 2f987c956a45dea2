/* sending.c: see sending.h.
 *
 * Places and bytes are handed out from the front and taken back when all has left, which
 * is the case before nearly every wait. */
#include "stack/host/sending.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stack/check.h"
#include "stack/host/system.h"

#define RETRY_MS 1 /* 1,000 bytes at 10 Mbit/s leave in 0.8 ms */

struct sending {
    uv_timer_t *retry;
    bool blocked; /* until the timer */
    uint32_t first, count;
    size_t used; /* of bytes */
    struct sending_tally tally;
    const uv_udp_t *sockets[SENDING_MOST]; /* NULL: closed meanwhile */
    struct system_datagram datagrams[SENDING_MOST];
    uint8_t bytes[SENDING_BYTES];
};

static void on_retry(uv_timer_t *timer)
{
    struct sending *s = timer->data;
    s->blocked = false;
    sending_flush(s);
}

static void block(struct sending *s)
{
    s->blocked = true;
    s->tally.waits++;
    uv_timer_start(s->retry, on_retry, RETRY_MS, 0);
}

/* As many as follow one another on the first one's socket. */
static uint32_t run_length(const struct sending *s)
{
    uint32_t n = 1;
    while (s->first + n < s->count && s->sockets[s->first + n] == s->sockets[s->first])
        n++;
    return n;
}

/* Sends a run.  Returns how many are done with, sent or refused; 0: the kernel is full. */
static uint32_t send_run(struct sending *s)
{
    int fd;
    const uv_udp_t *udp = s->sockets[s->first];
    if (!udp || uv_fileno((const uv_handle_t *)udp, &fd))
        return 1;
    uint32_t n = run_length(s);
    int taken = system_send(fd, &s->datagrams[s->first], n);
    /* An earlier datagram's refusal is told once to the next, and is read elsewhere. */
    if (taken == -ECONNREFUSED)
        taken = system_send(fd, &s->datagrams[s->first], n);
    s->tally.calls++;
    if (taken > 0) {
        s->tally.sent += (uint64_t)taken;
        return (uint32_t)taken;
    }
    if (taken == -EAGAIN || taken == -ENOBUFS) {
        block(s);
        return 0;
    }
    s->tally.refused++;
    return 1;
}

void sending_flush(struct sending *s)
{
    while (s->first < s->count && !s->blocked)
        s->first += send_run(s);
    if (s->first == s->count) {
        s->first = s->count = 0;
        s->used = 0;
    }
}

static bool has_room(const struct sending *s, uint32_t length)
{
    return s->count < SENDING_MOST && s->used + length <= SENDING_BYTES;
}

void sending_add(struct sending *s, uv_udp_t *udp, const struct addr *to, uint8_t ttl,
                 const uint8_t *bytes, uint32_t length)
{
    if (!has_room(s, length))
        sending_flush(s);
    if (!has_room(s, length)) {
        s->tally.dropped++;
        return;
    }
    uint8_t *copy = s->bytes + s->used;
    if (length)
        memcpy(copy, bytes, length);
    s->used += length;
    s->sockets[s->count] = udp;
    s->datagrams[s->count++] = (struct system_datagram){
        .to = to ? *to : (struct addr){.family = ADDR_NONE},
        .ttl = ttl,
        .length = length,
        .bytes = copy,
    };
    if (s->count - s->first >= SYSTEM_BATCH)
        sending_flush(s);
}

void sending_forget(struct sending *s, const uv_udp_t *udp)
{
    sending_flush(s);
    for (uint32_t i = s->first; i < s->count; i++)
        if (s->sockets[i] == udp) {
            s->sockets[i] = NULL;
            s->tally.dropped++;
        }
}

const struct sending_tally *sending_tally(const struct sending *s)
{
    return &s->tally;
}

struct sending *sending_open(uv_loop_t *loop)
{
    struct sending *s = calloc(1, sizeof *s);
    uv_timer_t *retry = calloc(1, sizeof *retry);
    if (!s || !retry) {
        free(s);
        free(retry);
        return NULL;
    }
    CHECK(uv_timer_init(loop, retry) == 0);
    retry->data = s;
    s->retry = retry;
    return s;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void sending_close(struct sending *s)
{
    uv_close((uv_handle_t *)s->retry, on_closed);
    free(s);
}
