/* sockets.c: a host's sockets beside the core's main ones: asked for, opened on
 * a drawn port, closed. */
#include <stdlib.h>
#include <string.h>

#include "sim/draw.h"
#include "sim/world_parts.h"
#include "stack/check.h"

/* Linux's range of ephemeral ports (ip_local_port_range). */
#define FIRST_PORT 32768
#define PORTS      28232

uint16_t host_port(const struct plan *plan, uint32_t host, uint32_t ordinal)
{
    return (uint16_t)(FIRST_PORT + draw_below(plan->seed, host, DRAW_HOST_PORT, ordinal, PORTS));
}

void host_sockets_want(struct host *h, uint32_t id, uint16_t port)
{
    if (h->spare_count == h->spare_room) {
        h->spare_room = h->spare_room == 0 ? 8 : 2 * h->spare_room;
        h->spares = realloc(h->spares, h->spare_room * sizeof *h->spares);
        CHECK(h->spares != NULL);
    }
    h->spares[h->spare_count++] = (struct spare_socket){.id = id, .asked = port};
    h->spare_waiting++;
}

bool host_sockets_open(struct host *h, const struct plan *plan, uint32_t host, uint32_t *id,
                       uint16_t *port)
{
    if (h->spare_waiting == 0)
        return false;
    uint32_t i = h->spare_count - h->spare_waiting--;
    *id = h->spares[i].id;
    *port = h->spares[i].asked;
    while (*port == 0 || *port == h->addr.port || host_sockets_at(h, *port) != 0)
        *port = host_port(plan, host, ++h->ports_drawn);
    h->spares[i].port = *port;
    return true;
}

void host_sockets_close(struct host *h, uint32_t id)
{
    for (uint32_t i = 0; i < h->spare_count; i++) {
        if (h->spares[i].id != id)
            continue;
        h->spare_waiting -= h->spares[i].port == 0;
        h->spare_count--;
        memmove(&h->spares[i], &h->spares[i + 1], (h->spare_count - i) * sizeof *h->spares);
        return;
    }
}

uint32_t host_sockets_at(const struct host *h, uint16_t port)
{
    for (uint32_t i = 0; i < h->spare_count; i++) {
        if (h->spares[i].port == port)
            return h->spares[i].id;
    }
    return 0;
}

void host_sockets_free(struct host *h)
{
    free(h->spares);
}
