/* proxy.h: a local UDP port as a path to a peer, for any UDP program unchanged.
 *
 *     program --UDP-- proxy of a caller ==core== proxy of a server --UDP-- program
 *
 * The caller's proxy listens on a loopback address; each local socket that speaks to it is
 * a flow.  All flows share one connection, which is made when the first datagram comes and
 * made again when it was lost.  The server's proxy speaks to its program from a local
 * socket of its own for each flow.  Datagrams larger than a path carries travel in pieces
 * (split.h). */
#ifndef STACK_HOST_PROXY_H
#define STACK_HOST_PROXY_H

#include <stdbool.h>

#include "stack/host/host.h"

#define PROXY_PEERS 64       /* at once: as many connections as a core of normal size has */
#define PROXY_FLOWS 512      /* at once, of all peers; the one idle longest makes room */
#define PROXY_IDLE  SEC(300) /* a flow without datagrams ends (RFC 4787 REQ-5c) */
#define PROXY_HELD  32       /* datagrams that wait for a connection */

struct proxy;

/* The proxy of a caller, listening on a loopback address; *listen gets the port that it
 * really has.  name is borrowed as long as the proxy lives.  NULL with one line of text. */
struct proxy *proxy_call(struct host *host, struct addr *listen, const char *name, char *error,
                         size_t error_size);

/* The proxy of a server, whose program is at `to`. */
struct proxy *proxy_serve(struct host *host, const struct addr *to);

/* What the core says.  Returns true when it concerned the proxy. */
bool proxy_event(struct proxy *p, const struct mist_event *event);

/* Before host_close, which lets go of its sockets. */
void proxy_close(struct proxy *p);

#endif
