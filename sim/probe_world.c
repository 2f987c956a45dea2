/* probe_world.c: see probe_world.h. */
#include "sim/probe_world.h"

#include <stdlib.h>
#include <string.h>

#include "sim/draw.h"
#include "sim/nat_flight.h"
#include "stack/check.h"

#define TTL          64
#define LAN          0xc0a80002u /* 192.168.0.2 ...: hosts inside a box that translates */
#define PUBLIC_HOSTS 0x0b000002u /* 11.0.0.2 ...: other hosts */
#define CARRIER      0x64400001u /* 100.64.0.1 ...: boxes inside another that translates */
#define PUBLIC_BOXES 0x0c000001u /* 12.0.0.1 ...: other boxes */
#define CHAIN_STEP   0x10000u    /* addresses between two boxes of a chain: a pool has fewer */
#define SERVER       0xcb007101u /* 203.0.113.1 and the next address */
#define SERVER_PORT  3478        /* STUN's (RFC 5389), and the next */
#define NOBODY       UINT32_MAX

struct endpoint {
    uint32_t host;
    uint16_t port;
    bool open;
    uint32_t first, last; /* letters that wait */
};

struct letter {
    struct probe_arrival arrival;
    uint32_t next;
};

struct flight { /* on its way to the outermost box */
    mist_time at;
    uint32_t order; /* of equal times */
    struct addr from, to;
    uint8_t bytes[PROBE_BYTES];
};

struct list { /* grows by doubling */
    void *items;
    uint32_t count, room;
};

struct probe_world {
    bool six; /* the hosts have IPv6 alone */
    mist_time now;
    uint32_t order;
    struct nat_slab *slab;
    struct nat *boxes[PROBE_WORLD_BOXES];
    struct nat_chain chain;
    struct addr hosts[PROBE_WORLD_HOSTS];
    struct list endpoints, letters;
    struct list flights;                                 /* a heap, the earliest first */
    uint32_t at_port[PROBE_WORLD_HOSTS][UINT16_MAX + 1]; /* endpoints */
};

static void *append(struct list *list, size_t size)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 64;
        list->items = realloc(list->items, list->room * size);
        CHECK(list->items);
    }
    return (char *)list->items + size * list->count++;
}

static struct endpoint *endpoint_at(const struct probe_world *w, uint32_t i)
{
    return (struct endpoint *)w->endpoints.items + i;
}

static struct letter *letter_at(const struct probe_world *w, uint32_t i)
{
    return (struct letter *)w->letters.items + i;
}

/* ---- what is under way ---- */

static bool is_before(const struct flight *a, const struct flight *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push_flight(struct probe_world *w, const struct flight *f)
{
    *(struct flight *)append(&w->flights, sizeof *f) = *f;
    struct flight *heap = w->flights.items;
    uint32_t i = w->flights.count - 1;
    for (; i > 0 && is_before(f, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = *f;
}

static struct flight pop_flight(struct probe_world *w)
{
    struct flight *heap = w->flights.items, top = heap[0];
    uint32_t count = --w->flights.count, i = 0, child;
    struct flight last = heap[count];
    while ((child = 2 * i + 1) < count) {
        child += child + 1 < count && is_before(&heap[child + 1], &heap[child]);
        if (!is_before(&heap[child], &last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

/* ---- hosts with IPv6 alone ---- */

/* RFC 6052: an IPv4 address in the last 32 bits of 64:ff9b::/96.  The probe's host
 * does as 464XLAT (RFC 6877): it hears and speaks of IPv4 all the same. */
static const uint8_t PREFIX[12] = {0x00, 0x64, 0xff, 0x9b};

static struct addr to_six(const struct addr *v4)
{
    uint8_t ip[16];
    memcpy(ip, PREFIX, sizeof PREFIX);
    memcpy(ip + sizeof PREFIX, v4->ip, 4);
    return addr_v6(ip, v4->port);
}

static struct addr from_six(const struct addr *a)
{
    uint32_t ip = 0;
    if (a->family != ADDR_V6 || memcmp(a->ip, PREFIX, sizeof PREFIX) != 0)
        return *a;
    for (int i = 12; i < 16; i++)
        ip = ip << 8 | a->ip[i];
    return addr_v4(ip, a->port);
}

static struct addr host_six(uint32_t i)
{
    const uint8_t ip[16] = {0x2a, 0x00, [15] = (uint8_t)(2 + i)};
    return addr_v6(ip, 0);
}

/* ---- what arrives ---- */

static uint32_t host_at(const struct probe_world *w, const struct addr *a)
{
    for (uint32_t i = 0; i < PROBE_WORLD_HOSTS; i++)
        if (addr_same_ip(&w->hosts[i], a))
            return i;
    return NOBODY;
}

/* At a host's address; without a socket there it is gone. */
static void deliver(struct probe_world *w, const struct addr *from, const struct addr *to,
                    const uint8_t bytes[PROBE_BYTES])
{
    uint32_t host = host_at(w, to), socket = host == NOBODY ? NOBODY : w->at_port[host][to->port];
    if (socket == NOBODY)
        return;
    uint32_t place = w->letters.count;
    struct letter *letter = append(&w->letters, sizeof *letter);
    letter->next = NOBODY;
    letter->arrival.from = from_six(from);
    letter->arrival.length = PROBE_BYTES;
    memcpy(letter->arrival.bytes, bytes, PROBE_BYTES);
    struct endpoint *e = endpoint_at(w, socket);
    if (e->first == NOBODY)
        e->first = place;
    else
        letter_at(w, e->last)->next = place;
    e->last = place;
}

static struct addr server_end(struct probe_end end)
{
    return addr_v4(SERVER + end.address, (uint16_t)(SERVER_PORT + end.port));
}

/* The server's answers leave for the boxes. */
static void serve(struct probe_world *w, const struct addr *from, const uint8_t bytes[PROBE_BYTES])
{
    struct probe_reply replies[PROBE_REPLIES];
    uint32_t count = probe_serve(bytes, PROBE_BYTES, from, replies);
    for (uint32_t i = 0; i < count; i++) {
        struct flight f = {.at = w->now + 2 * PROBE_WORLD_DELAY + replies[i].delay,
                           .order = w->order++,
                           .from = server_end(replies[i].from),
                           .to = *from};
        memcpy(f.bytes, replies[i].bytes, PROBE_BYTES);
        push_flight(w, &f);
    }
}

static bool is_server(const struct addr *a)
{
    uint32_t address = addr_ip4(a) - SERVER, port = (uint32_t)a->port - SERVER_PORT;
    return address < 2 && port < 2;
}

static void run_until(struct probe_world *w, mist_time until)
{
    const struct flight *heap = w->flights.items;
    while (w->flights.count > 0 && heap[0].at <= until) {
        struct flight f = pop_flight(w);
        struct nat_flight in;
        w->now = f.at;
        nat_flight_query(&in, NAT_UDP, TTL, &f.from, &f.to);
        nat_flight_in(&w->chain, w->now, &in);
        if (in.passed)
            deliver(w, &in.datagram.from, &in.datagram.to, f.bytes);
    }
    w->now = until;
}

/* ---- what the probe calls ---- */

static int32_t open_socket(void *world, uint32_t host, uint16_t port)
{
    struct probe_world *w = world;
    if (w->at_port[host][port] != NOBODY || w->endpoints.count == INT32_MAX)
        return PROBE_NOTHING;
    uint32_t place = w->endpoints.count;
    w->at_port[host][port] = place;
    *(struct endpoint *)append(&w->endpoints, sizeof(struct endpoint)) =
        (struct endpoint){.host = host, .port = port, .open = true, .first = NOBODY};
    return (int32_t)place;
}

static void close_socket(void *world, int32_t socket)
{
    struct probe_world *w = world;
    struct endpoint *e = endpoint_at(w, (uint32_t)socket);
    CHECK(e->open);
    e->open = false;
    w->at_port[e->host][e->port] = NOBODY;
}

static struct addr local_address(void *world, int32_t socket)
{
    const struct probe_world *w = world;
    const struct endpoint *e = endpoint_at(w, (uint32_t)socket);
    struct addr a = w->hosts[e->host];
    a.port = e->port;
    return a;
}

static void send_datagram(void *world, int32_t socket, const struct addr *to,
                          const uint8_t bytes[PROBE_BYTES])
{
    struct probe_world *w = world;
    struct addr from = local_address(world, socket);
    if (host_at(w, to) != NOBODY) { /* on the same LAN */
        deliver(w, &from, to, bytes);
        return;
    }
    struct nat_flight out;
    struct addr named = w->six ? to_six(to) : *to;
    nat_flight_query(&out, NAT_UDP, TTL, &from, &named);
    nat_flight_out(&w->chain, w->now, &out);
    if (out.passed && out.turned)
        deliver(w, &out.datagram.from, &out.datagram.to, bytes);
    else if (out.passed && is_server(&out.datagram.to))
        serve(w, &out.datagram.from, bytes);
}

/* Runs up to the first letter of the socket, no further. */
static bool receive_datagram(void *world, int32_t socket, mist_time patience,
                             struct probe_arrival *arrival)
{
    struct probe_world *w = world;
    mist_time until = w->now + patience;
    while (endpoint_at(w, (uint32_t)socket)->first == NOBODY) {
        const struct flight *heap = w->flights.items;
        if (w->flights.count == 0 || heap[0].at > until) {
            w->now = until;
            return false;
        }
        run_until(w, heap[0].at);
    }
    struct endpoint *e = endpoint_at(w, (uint32_t)socket);
    const struct letter *letter = letter_at(w, e->first);
    *arrival = letter->arrival;
    e->first = letter->next;
    return true;
}

static void wait_for(void *world, mist_time duration)
{
    struct probe_world *w = world;
    run_until(w, w->now + duration);
}

struct probe_net probe_world_net(struct probe_world *w)
{
    struct probe_net net = {.world = w,
                            .hosts = PROBE_WORLD_HOSTS,
                            .open = open_socket,
                            .close = close_socket,
                            .local = local_address,
                            .send = send_datagram,
                            .receive = receive_datagram,
                            .wait = wait_for};
    for (uint8_t address = 0; address < 2; address++)
        for (uint8_t port = 0; port < 2; port++)
            net.server[address][port] = server_end((struct probe_end){address, port});
    return net;
}

struct probe_effort probe_world_effort(uint64_t seed)
{
    return (struct probe_effort){
        .pause = MINUTES(90), /* a timer as long as the longest, and a hold */
        .patience = MS(100),
        .longest_s = 3600, /* the longest timer of a home box in the field: 691 s */
        .timers_at_once = 1,
        .flows = 5000, /* more than the largest block of the catalogue, 4,096 */
        .port_seed = draw_u32(seed, 0, DRAW_HOST_PORT, 0),
    };
}

/* ---- life ---- */

static void open_box(struct probe_world *w, const struct nat_policy *policy, uint64_t seed,
                     uint32_t first_ip)
{
    uint32_t count = policy->kind == NAT_KIND_FIREWALL ? 0 : policy->pool;
    if (policy->kind == NAT_KIND_ONE_TO_ONE && count < PROBE_WORLD_HOSTS)
        count = PROBE_WORLD_HOSTS; /* it has one for each inside address */
    struct addr *external = calloc(count + 1, sizeof *external);
    void *memory = malloc(nat_size(count));
    CHECK(external && memory);
    for (uint32_t i = 0; i < count; i++)
        external[i] = addr_v4(first_ip + i, 0);
    w->boxes[w->chain.count++] = nat_init(memory, w->slab, policy, seed, external, count);
    free(external);
}

/* Does a box from place i on outward translate? */
static bool translates(const struct nat_policy *policies, uint32_t count, uint32_t i)
{
    for (; i < count; i++)
        if (policies[i].kind != NAT_KIND_FIREWALL)
            return true;
    return false;
}

/* Is the innermost box that translates a NAT64? */
static bool has_six(const struct nat_policy *policies, uint32_t count)
{
    uint32_t i = 0;
    while (i < count && policies[i].kind == NAT_KIND_FIREWALL)
        i++;
    return i < count && policies[i].kind == NAT_KIND_NAT64;
}

struct probe_world *probe_world_open(const struct nat_policy *policies, uint32_t count,
                                     uint64_t seed)
{
    CHECK(count <= PROBE_WORLD_BOXES);
    struct probe_world *w = calloc(1, sizeof *w);
    CHECK(w);
    w->slab = nat_slab_open();
    CHECK(w->slab);
    w->chain.boxes = w->boxes;
    memset(w->at_port, 0xff, sizeof w->at_port); /* NOBODY */
    for (uint32_t i = 0; i < count; i++)
        open_box(w, &policies[i], draw_u64(seed, i, DRAW_BOX_SEED, 0),
                 translates(policies, count, i + 1) ? CARRIER + i * CHAIN_STEP : PUBLIC_BOXES);
    uint32_t hosts = translates(policies, count, 0) ? LAN : PUBLIC_HOSTS;
    w->six = has_six(policies, count);
    for (uint32_t i = 0; i < PROBE_WORLD_HOSTS; i++)
        w->hosts[i] = w->six ? host_six(i) : addr_v4(hosts + i, 0);
    return w;
}

void probe_world_close(struct probe_world *w)
{
    for (uint32_t i = 0; i < w->chain.count; i++) {
        nat_close(w->boxes[i]);
        free(w->boxes[i]);
    }
    nat_slab_close(w->slab);
    free(w->endpoints.items);
    free(w->letters.items);
    free(w->flights.items);
    free(w);
}
