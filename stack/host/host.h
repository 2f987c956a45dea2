/* host.h: the core on real sockets.
 *
 * One libuv loop with one node: a UDP socket for every SOCKET_WANTED, one timer
 * from deadline(), and a pump that hands datagrams and time down and carries
 * output and events up.  Knows no more of the protocol than mist.h tells.
 *
 * The host is the only one here to read a clock (uv_hrtime, monotone) and the
 * system's randomness (libsodium). */
#ifndef STACK_HOST_HOST_H
#define STACK_HOST_HOST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "stack/host/sending.h"
#include "stack/mist.h"

struct host;

struct host_calls {
    void *user; /* handed back as given */
    /* Every event but SOCKET_WANTED and _UNWANTED, which the host answers itself.  May call
     * host_wish and host_stop; the event and its bytes are borrowed until it
     * returns. */
    void (*event)(void *user, const struct mist_event *event);
    /* A socket is bound to `local`.  May call host_wish and host_stop. */
    void (*opened)(void *user, uint32_t socket, const struct addr *local);
    /* A socket could not be bound; why: one line of text. */
    void (*failed)(void *user, uint32_t socket, const struct addr *wanted, const char *why);
    /* What happens inside the core; may be NULL.  May call nothing here. */
    void (*fact)(void *user, const struct mist_fact *fact);
};

struct host_options {
    const struct mist_api *api;
    const void *config;        /* of api; borrowed for host_open */
    const uint8_t *secret;     /* 32 bytes, borrowed for host_open */
    const struct addr *listen; /* addresses to bind to; borrowed for host_open */
    uint32_t listen_count;     /* at most HOST_LISTEN; 0: every address, any port */
    struct book *book;         /* whom names stand for; NULL: none.  Kept until host_close */
    struct host_calls calls;
};

#define HOST_LISTEN  4    /* addresses given by the user: two families, two networks */
#define HOST_SOCKETS 1024 /* above the 256 that a birthday attack on a symmetric NAT needs */

#define HOST_RECEIVE (16 << 16) /* bytes: 16 datagrams of any size with one call (uv_udp_t) */

#define HOST_BUFFER (4 << 20) /* bytes wished for the kernel's queue of a socket; it may cap it */

/* Makes a node; its callbacks come from inside host_wish and host_run.  A socket
 * binds to the first `listen` address of its family, whose port only the first
 * one gets; a family without any fails when others are given.  NULL: no memory
 * or no randomness. */
struct host *host_open(const struct host_options *options);

/* As the core's wish, at the present time.  Returns its answer. */
int host_wish(struct host *host, const struct mist_wish *wish);

/* Writes {"status":{...}} and a newline: id, build, up_s, listening, sockets, nat,
 * connections, peers (account.h), traffic by kind, and what the kernel did with it. */
void host_status(const struct host *host, FILE *out);

/* Calls back once, `after` from now, unless host_alarm is called again before. */
void host_alarm(struct host *host, mist_time after, void (*call)(void *user));

/* The loop on which it runs, a uv_loop_t, for other sockets of the program's: they are
 * closed before host_close. */
struct uv_loop_s *host_loop(struct host *host);

/* For datagrams of such sockets: they leave with the node's own. */
struct sending *host_sending(struct host *host);

/* Runs until host_stop. */
void host_run(struct host *host);

/* Makes host_run return, from inside a callback. */
void host_stop(struct host *host);

/* Calls back, inside host_run, at SIGINT and SIGTERM. */
void host_on_signal(struct host *host, void (*call)(void *user, int signal));

void host_close(struct host *host);

#endif
