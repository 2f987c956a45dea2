/* network.c: see network.h. */
#include "stack/host/network.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stack/check.h"
#include "stack/host/address.h"
#include "stack/host/system.h"

#define SETTLE_MS    200  /* a change comes as several messages: link, address, route */
#define LOOK_MS      5000 /* where nobody tells */
#define ADDRESS_MOST 256

struct network {
    uv_poll_t told;
    uv_timer_t timer;
    int socket;       /* of the system's messages; -1: there are none */
    uint32_t handles; /* still open */
    void (*changed)(void *user);
    void *user;
    uint32_t count;
    struct addr addresses[ADDRESS_MOST];
};

/* Those that others can reach, in the system's order. */
static uint32_t look(struct addr *addresses)
{
    uv_interface_address_t *interfaces;
    int found;
    uint32_t count = 0;
    if (uv_interface_addresses(&interfaces, &found) != 0)
        return 0;
    for (int i = 0; i < found && count < ADDRESS_MOST; i++)
        if (!interfaces[i].is_internal)
            addresses[count++] =
                address_from_socket((const struct sockaddr *)(const void *)&interfaces[i].address);
    uv_free_interface_addresses(interfaces, found);
    return count;
}

static bool is_other(const struct network *n, const struct addr *addresses, uint32_t count)
{
    bool other = count != n->count;
    for (uint32_t i = 0; !other && i < count; i++)
        other = !addr_equal(&addresses[i], &n->addresses[i]);
    return other;
}

static void on_timer(uv_timer_t *timer)
{
    struct network *n = timer->data;
    struct addr addresses[ADDRESS_MOST];
    uint32_t count = look(addresses);
    if (!is_other(n, addresses, count))
        return;
    memcpy(n->addresses, addresses, count * sizeof addresses[0]);
    n->count = count;
    n->changed(n->user);
}

static void on_told(uv_poll_t *poll, int status, int events)
{
    struct network *n = poll->data;
    (void)status;
    (void)events;
    system_network_drain(n->socket);
    uv_timer_start(&n->timer, on_timer, SETTLE_MS, 0);
}

struct network *network_watch(uv_loop_t *loop, void (*changed)(void *user), void *user)
{
    struct network *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->changed = changed;
    n->user = user;
    n->timer.data = n->told.data = n;
    CHECK(uv_timer_init(loop, &n->timer) == 0);
    n->handles = 1;
    n->socket = system_network_open();
    if (n->socket >= 0 && uv_poll_init(loop, &n->told, n->socket) == 0) {
        n->handles = 2;
        uv_poll_start(&n->told, UV_READABLE, on_told);
    } else
        uv_timer_start(&n->timer, on_timer, LOOK_MS, LOOK_MS);
    n->count = look(n->addresses);
    return n;
}

static void on_closed(uv_handle_t *handle)
{
    struct network *n = handle->data;
    if (--n->handles > 0)
        return;
    if (n->socket >= 0)
        (void)close(n->socket);
    free(n);
}

void network_close(struct network *n)
{
    uint32_t handles = n->handles;
    uv_close((uv_handle_t *)&n->timer, on_closed);
    if (handles == 2)
        uv_close((uv_handle_t *)&n->told, on_closed);
}
