/* oracle_play.c: techniques, packet by packet; see oracle_play.h. */
#include "sim/oracle_play.h"

#include <stdlib.h>
#include <string.h>

#include "nat-models/nat.h"
#include "sim/draw.h"
#include "stack/check.h"

#define SERVER  0xC0000201u /* 192.0.2.1, RFC 5737 */
#define PUBLIC  0xC6120000u /* 198.18.0.0/15, RFC 2544: a half of it for each host */
#define CARRIER 0x64400000u /* 100.64.0.0/10, RFC 6598: between boxes */
#define HOME    0xC0A80002u /* 192.168.0.2 */

#define FIRST_SOCKET 1024 /* inside ports: every second from here on, as parity wants */
#define SOCKETS      32000
#define ROUNDS       6  /* of plain punching: both boxes, both directions are open after four */
#define KNOWN        16 /* endpoints of the other side that a host learns */
#define STEADY       5  /* lives after which others' mappings come and go alike */

struct host {
    uint32_t count;
    struct nat *boxes[RULE_CHAIN]; /* inside first */
    void *memory[RULE_CHAIN];
    uint32_t inside;                 /* IPv4 addresses: its own */
    uint32_t outside, outside_count; /* as others see it: the first of a pool */
    const struct nat_policy *chooser;
};

struct world {
    struct nat_slab *slab;
    struct host hosts[2];
    const struct oracle_budget *budget;
    const struct oracle_option *option;
    mist_time now;
    uint64_t seed, draws;
};

/* ---- the world ---- */

static uint64_t draw_next(struct world *w)
{
    return draw_u64(w->seed, 0, DRAW_ORACLE, w->draws++);
}

static bool translates(const struct rule_chain *chain, uint32_t level)
{
    return chain->boxes[level]->kind != NAT_KIND_FIREWALL;
}

/* Boxes from the outermost on; what keeps addresses shows those behind it. */
static void open_host(struct world *w, int s, const struct rule_chain *chain)
{
    struct host *h = &w->hosts[s];
    bool public = true;
    h->count = chain->count;
    h->chooser = oracle_chooser(chain);
    h->outside = PUBLIC + ((uint32_t)s << 16) + 1;
    h->outside_count = 1;
    for (uint32_t level = chain->count; level-- > 0;) {
        const struct nat_policy *policy = chain->boxes[level];
        uint32_t pool = translates(chain, level) ? policy->pool : 0;
        uint32_t first = public ? h->outside : CARRIER + (level << 16) + 1;
        struct addr *external = malloc((pool + 1) * sizeof *external);
        h->memory[level] = malloc(nat_size(pool));
        CHECK(external && h->memory[level]);
        for (uint32_t i = 0; i < pool; i++)
            external[i] = addr_v4(first + i, 0);
        h->boxes[level] = nat_init(h->memory[level], w->slab, policy, draw_next(w), external, pool);
        free(external);
        if (public && pool > 0)
            h->outside_count = pool;
        public = public && pool == 0;
        if (policy->background_uhz > 0 && STEADY * policy->background_life > w->now)
            w->now = STEADY * policy->background_life;
    }
    h->inside = public ? h->outside : HOME + ((uint32_t)s << 8);
}

static void close_host(struct host *h)
{
    for (uint32_t i = 0; i < h->count; i++) {
        nat_close(h->boxes[i]);
        free(h->memory[i]);
    }
}

static struct addr socket_of(const struct host *h, uint32_t number)
{
    CHECK(number < SOCKETS);
    return addr_v4(h->inside, (uint16_t)(FIRST_SOCKET + 2 * number));
}

/* Inwards through the boxes of a host; true: it came to that socket. */
static bool come_in(struct world *w, struct host *h, struct nat_datagram *d, uint32_t *number)
{
    uint32_t away = addr_ip4(&d->to) - h->outside;
    if (away >= h->outside_count)
        return false;
    for (uint32_t i = h->count; i-- > 0;)
        if (nat_inbound(h->boxes[i], w->now, d) != NAT_PASS)
            return false;
    uint32_t port = d->to.port;
    if (addr_ip4(&d->to) != h->inside || port < FIRST_SOCKET || port % 2 != 0)
        return false;
    *number = (port - FIRST_SOCKET) / 2;
    return true;
}

/* Outwards through a host's own boxes.  A datagram whose TTL ends there opens
 * its hole and disturbs nobody: the other's box may move a port that was knocked
 * at before its host sent (inbound_clash). */
static bool leave(struct world *w, int s, uint32_t number, struct addr to, struct nat_datagram *d)
{
    struct host *h = &w->hosts[s];
    *d = (struct nat_datagram){
        .from = socket_of(h, number), .to = to, .protocol = NAT_UDP, .ttl = 64};
    for (uint32_t i = 0; i < h->count; i++)
        if (nat_outbound(h->boxes[i], w->now, d) != NAT_PASS)
            return false;
    return true;
}

static void open_hole(struct world *w, int s, uint32_t number, struct addr to)
{
    struct nat_datagram d;
    (void)leave(w, s, number, to, &d);
}

/* From a socket of host s to `to`; true: it arrived, from *seen, at that
 * socket of the other host. */
static bool carry(struct world *w, int s, uint32_t number, struct addr to, struct addr *seen,
                  uint32_t *there)
{
    struct nat_datagram d;
    if (!leave(w, s, number, to, &d))
        return false;
    *seen = d.from;
    return come_in(w, &w->hosts[!s], &d, there);
}

/* As the server sees a socket; family ADDR_NONE: it heard nothing. */
static struct addr measure(struct world *w, int s, uint32_t number)
{
    struct nat_datagram d;
    if (!leave(w, s, number, addr_v4(SERVER, 3478), &d))
        return (struct addr){0};
    return d.from;
}

/* A datagram, and an answer from where it arrived to where it came from. */
static bool knock(struct world *w, int s, uint32_t number, struct addr to)
{
    struct addr seen, back;
    uint32_t there, here;
    return carry(w, s, number, to, &seen, &there) && carry(w, !s, there, seen, &back, &here);
}

/* When the i-th of the budget's probes leaves. */
static void wait_for_probe(struct world *w, mist_time start, uint32_t i)
{
    w->now = start + w->budget->time / w->budget->probes * i;
}

/* ---- guesses ---- */

/* Ports that a host's box may choose, once one of them is known. */
struct range {
    uint32_t first, step, count;
};

static struct range range_of(const struct host *h, uint16_t known)
{
    const struct nat_policy *policy = h->chooser;
    struct range r = {policy->low, 1, policy->high - policy->low + 1u};
    if (policy->ports == NAT_PORTS_BLOCK || policy->ports == NAT_PORTS_DETERMINISTIC) {
        r.first += (known - r.first) / policy->block * policy->block;
        r.count = policy->block;
    }
    if (policy->parity) {
        r.first += (r.first ^ FIRST_SOCKET) & 1;
        r.count /= 2;
        r.step = 2;
    }
    return r;
}

/* The k-th port after the known one. */
static uint16_t port_after(const struct host *h, uint16_t known, uint32_t k)
{
    struct range r = range_of(h, known);
    int64_t delta = h->chooser->ports == NAT_PORTS_DETERMINISTIC ? 1 : h->chooser->delta;
    int64_t place = (known - r.first) / r.step + delta * k;
    return (uint16_t)(r.first + r.step * (uint32_t)((place % r.count + r.count) % r.count));
}

/* Different ports of a range in random order: the first `count` of it. */
static uint16_t *draw_ports(struct world *w, struct range r, uint32_t count)
{
    uint16_t *ports = malloc((r.count + 1u) * sizeof *ports);
    CHECK(ports && count <= r.count);
    for (uint32_t i = 0; i < r.count; i++)
        ports[i] = (uint16_t)(r.first + r.step * i);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = i + (uint32_t)draw_scale(draw_next(w), r.count - i);
        uint16_t port = ports[i];
        ports[i] = ports[other];
        ports[other] = port;
    }
    return ports;
}

static struct addr at_port(struct addr address, uint16_t port)
{
    address.port = port;
    return address;
}

/* ---- techniques ---- */

struct known {
    uint32_t count;
    struct addr endpoints[KNOWN];
};

static void learn(struct known *known, struct addr endpoint)
{
    for (uint32_t i = 0; i < known->count; i++)
        if (addr_equal(&known->endpoints[i], &endpoint))
            return;
    if (known->count < KNOWN)
        known->endpoints[known->count++] = endpoint;
}

static bool play_plain(struct world *w)
{
    struct known known[2];
    memset(known, 0, sizeof known);
    for (int s = 0; s < 2; s++)
        learn(&known[!s], measure(w, s, 0));
    for (int s = 0; s < 2; s++) /* as if both started at once */
        open_hole(w, s, 0, known[s].endpoints[0]);
    for (int round = 0; round < ROUNDS; round++)
        for (int s = 0; s < 2; s++)
            for (uint32_t i = 0, count = known[s].count; i < count; i++) {
                struct addr seen, back;
                uint32_t there, here;
                if (!carry(w, s, 0, known[s].endpoints[i], &seen, &there))
                    continue;
                learn(&known[!s], seen);
                if (carry(w, !s, there, seen, &back, &here))
                    return true;
            }
    return false;
}

/* The holder's sockets send towards the seeker, so that it may come in. */
static void hold(struct world *w, uint32_t first, uint32_t count, struct addr seeker)
{
    for (uint32_t i = 0; i < count; i++)
        open_hole(w, w->option->holder, first + i, seeker);
}

/* Probes the ports, while the holder's sockets first .. first + held - 1 keep
 * their holes open. */
static bool seek(struct world *w, uint32_t first, uint32_t held, struct addr seeker,
                 struct addr address, const uint16_t *ports, uint32_t count)
{
    int holder = w->option->holder;
    uint32_t refreshes = held > 0 ? w->option->probes[holder] / held : 1;
    mist_time start = w->now, gap = w->budget->time / (refreshes > 0 ? refreshes : 1);
    mist_time next = start + gap;
    hold(w, first, held, seeker);
    for (uint32_t i = 0; i < count; i++) {
        wait_for_probe(w, start, i);
        for (; next <= w->now; next += gap)
            hold(w, first, held, seeker);
        if (knock(w, !holder, 0, at_port(address, ports[i])))
            return true;
    }
    return false;
}

static bool play_prediction(struct world *w)
{
    const struct oracle_option *o = w->option;
    int h = o->holder;
    uint32_t opened = o->mappings[h] - 2, count = o->probes[!h];
    struct addr seeker = measure(w, !h, 0), known;
    (void)measure(w, h, 0);
    known = measure(w, h, 1);
    uint16_t *ports = malloc((count + 1u) * sizeof *ports);
    CHECK(ports);
    for (uint32_t k = 0; k < count; k++)
        ports[k] = port_after(&w->hosts[h], known.port, k + 1);
    w->now += ORACLE_AIM;
    bool met = seek(w, 2, opened, seeker, known, ports, count);
    free(ports);
    return met;
}

static bool play_spray(struct world *w)
{
    const struct oracle_option *o = w->option;
    int h = o->holder;
    struct addr seeker = measure(w, !h, 0), known;
    (void)measure(w, h, 0);
    known = measure(w, h, 1);
    uint16_t *ports = draw_ports(w, range_of(&w->hosts[h], known.port), o->probes[!h]);
    bool met = seek(w, 2, o->mappings[h], seeker, known, ports, o->probes[!h]);
    free(ports);
    return met;
}

static bool play_one_shot(struct world *w)
{
    uint32_t shots = w->option->mappings[0] / 2;
    for (uint32_t i = 0; i < shots; i++) {
        struct addr seen[2] = {measure(w, 0, i), measure(w, 1, i)};
        struct addr next[2];
        w->now += ORACLE_AIM;
        for (int s = 0; s < 2; s++)
            next[s] = at_port(seen[s], port_after(&w->hosts[s], seen[s].port, 1));
        open_hole(w, 0, i, next[1]);
        if (knock(w, 1, i, next[0]))
            return true;
        w->now += ORACLE_AIM;
    }
    return false;
}

static bool play_sweep(struct world *w)
{
    const struct oracle_option *o = w->option;
    int h = o->holder;
    struct addr counting = measure(w, h, 0), random = measure(w, !h, 0);
    uint32_t count = o->mappings[h];
    uint16_t *ports = draw_ports(w, range_of(&w->hosts[!h], random.port), count);
    bool met = false;
    mist_time start = w->now += ORACLE_AIM;
    for (uint32_t i = 0; i < count; i++) {
        wait_for_probe(w, start, i);
        open_hole(w, h, 0, at_port(random, ports[i]));
        open_hole(w, !h, 0, at_port(counting, port_after(&w->hosts[h], counting.port, i + 1)));
    }
    for (uint32_t i = 0; i < count && !met; i++)
        met = knock(w, h, 0, at_port(random, ports[i]));
    free(ports);
    return met;
}

/* One side's part where both are hard: so many sockets, each of which sends to
 * so many ports that it guesses. */
struct part {
    struct addr other;
    uint32_t sockets, each, guesses;
    uint16_t *ports;
};

/* All of the range in random order, or from a counter's next port on. */
static void guess(struct world *w, int s, struct part *part)
{
    const struct host *other = &w->hosts[!s];
    struct range r = range_of(other, part->other.port);
    uint32_t count = part->sockets * part->each;
    part->guesses = count < r.count ? count : r.count;
    part->ports = draw_ports(w, r, part->guesses);
    for (uint32_t k = 0; k < part->guesses && oracle_is_sequential(other->chooser); k++)
        part->ports[k] = port_after(other, part->other.port, k + 1);
}

static struct addr target(const struct part *part, uint32_t i)
{
    return at_port(part->other, part->ports[i % part->guesses]);
}

/* Has each socket send so many of its datagrams with a low TTL. */
static void open_part(struct world *w, int s, const struct part *part, uint32_t each)
{
    for (uint32_t socket = 0; socket < part->sockets; socket++)
        for (uint32_t i = 0; i < each; i++)
            open_hole(w, s, socket, target(part, socket * part->each + i));
}

static bool shoot(struct world *w, int s, const struct part *part)
{
    for (uint32_t i = 0; i < part->sockets * part->each; i++)
        if (knock(w, s, i / part->each, target(part, i)))
            return true;
    return false;
}

static void prepare_parts(struct world *w, struct part parts[2], const uint32_t sends[2])
{
    memset(parts, 0, 2 * sizeof *parts);
    for (int s = 0; s < 2; s++)
        parts[s].other = measure(w, !s, 0);
    w->now += ORACLE_AIM;
    for (int s = 0; s < 2; s++) {
        parts[s].sockets = w->option->mappings[s];
        parts[s].each = parts[s].sockets > 0 ? sends[s] / parts[s].sockets : 0;
        guess(w, s, &parts[s]);
    }
}

static void free_parts(struct part parts[2])
{
    free(parts[0].ports);
    free(parts[1].ports);
}

/* All holes, then what went through those of the first once more. */
static bool play_both_random(struct world *w)
{
    const struct oracle_option *o = w->option;
    uint32_t sends[2] = {o->probes[0] / 2, o->probes[1] / 2};
    struct part parts[2];
    prepare_parts(w, parts, sends);
    for (int s = 0; s < 2; s++)
        open_part(w, s, &parts[s], parts[s].each);
    bool met = shoot(w, 0, &parts[0]);
    free_parts(parts);
    return met;
}

/* One datagram of each socket opens, the others probe. */
static bool play_contact(struct world *w)
{
    const struct oracle_option *o = w->option;
    uint32_t sends[2] = {o->probes[0] - o->mappings[0], o->probes[1] - o->mappings[1]};
    struct part parts[2];
    prepare_parts(w, parts, sends);
    for (int s = 0; s < 2; s++)
        open_part(w, s, &parts[s], 1);
    bool met = shoot(w, 0, &parts[0]) || shoot(w, 1, &parts[1]);
    free_parts(parts);
    return met;
}

bool oracle_play(const struct rule_chain *a, const struct rule_chain *b,
                 const struct oracle_budget *budget, enum oracle_technique technique,
                 const struct oracle_option *option, uint64_t seed)
{
    static bool (*const plays[ORACLE_TECHNIQUES])(struct world *) = {
        [ORACLE_PLAIN] = play_plain,
        [ORACLE_PREDICTION] = play_prediction,
        [ORACLE_ONE_SHOT] = play_one_shot,
        [ORACLE_SPRAY] = play_spray,
        [ORACLE_BLOCK_SPRAY] = play_spray,
        [ORACLE_SWEEP] = play_sweep,
        [ORACLE_BOTH_RANDOM] = play_both_random,
        [ORACLE_CONTACT] = play_contact,
    };
    struct world w = {.slab = nat_slab_open(), .budget = budget, .option = option, .seed = seed};
    CHECK(w.slab && technique < ORACLE_TECHNIQUES);
    open_host(&w, 0, a);
    open_host(&w, 1, b);
    bool met = option->possible && plays[technique] && plays[technique](&w);
    close_host(&w.hosts[0]);
    close_host(&w.hosts[1]);
    nat_slab_close(w.slab);
    return met;
}
