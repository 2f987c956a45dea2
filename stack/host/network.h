/* network.h: notices when this machine's addresses change: another network, a cable, a
 * new lease.  Told by the system where it can (system.h), else by looking now and then. */
#ifndef STACK_HOST_NETWORK_H
#define STACK_HOST_NETWORK_H

#include <uv.h>

struct network;

/* Calls back once for a change, when it has settled.  NULL: no memory.  Keeps loop. */
struct network *network_watch(uv_loop_t *loop, void (*changed)(void *user), void *user);
/* Before the loop is closed, which lets go of its handles. */
void network_close(struct network *n);

#endif
