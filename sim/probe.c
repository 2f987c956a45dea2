/* probe.c: see probe.h. */
#include "sim/probe.h"

#include "sim/probe_parts.h"
#include "stack/check.h"

#define PORTS     0x8000u /* local ports: 20000 to 52767 */
#define ROUNDS    3       /* of the mapping test: two random ports may be equal */
#define SOCKETS   16      /* of the pooling test: the second of two addresses hides with 2^-15 */
#define ADDRESSES 64      /* external ones that are told apart */
#define DEAF      100     /* datagrams of others, skipped in wait of an answer */

/* ---- questions and answers ---- */

/* A generator of full period (Knuth 3.2.1.2, theorem A): each port once, in no
 * order that a rule of a box could be taken for. */
uint16_t probe_fresh_port(struct probe *p)
{
    CHECK(p->ports < PORTS);
    p->ports++;
    p->place = (p->place * 20021 + 7919) % PORTS;
    return (uint16_t)(20000 + p->place);
}

int32_t probe_socket(struct probe *p, uint32_t host)
{
    return p->net->open(p->net->world, host, probe_fresh_port(p));
}

void probe_close(const struct probe *p, int32_t socket)
{
    if (socket != PROBE_NOTHING)
        p->net->close(p->net->world, socket);
}

static void send(const struct probe *p, int32_t socket, const struct addr *to,
                 const struct probe_message *m)
{
    uint8_t bytes[PROBE_BYTES];
    probe_message_write(m, bytes);
    if (socket != PROBE_NOTHING)
        p->net->send(p->net->world, socket, to, bytes);
}

uint32_t probe_ask(struct probe *p, int32_t socket, struct probe_end to,
                   const struct probe_message *question)
{
    struct probe_message m = *question;
    m.kind = PROBE_REQUEST;
    m.id = ++p->questions;
    send(p, socket, &p->net->server[to.address][to.port], &m);
    return m.id;
}

bool probe_hear(const struct probe *p, int32_t socket, uint32_t id, struct probe_end from,
                bool later, mist_time patience, struct addr *seen)
{
    const struct addr *source = &p->net->server[from.address][from.port];
    struct probe_arrival a;
    struct probe_message m;
    if (socket == PROBE_NOTHING)
        return false;
    for (int i = 0; i < DEAF && p->net->receive(p->net->world, socket, patience, &a); i++) {
        if (probe_message_read(&m, a.bytes, a.length) < 0 || m.kind != PROBE_ANSWER || m.id != id ||
            m.later != later || !addr_equal(&a.from, source))
            continue;
        *seen = m.seen;
        return true;
    }
    return false;
}

/* One end is asked, another is to answer at once. */
static bool ask_and_hear(struct probe *p, int32_t socket, struct probe_end to,
                         struct probe_end from, struct addr *seen)
{
    struct probe_message question = {.now = true, .from = from};
    uint32_t id = probe_ask(p, socket, to, &question);
    return probe_hear(p, socket, id, from, false, p->effort->patience, seen);
}

bool probe_exchange(struct probe *p, int32_t socket, struct probe_end with, struct addr *seen)
{
    return ask_and_hear(p, socket, with, with, seen);
}

/* ---- mapping: RFC 5780 section 4.3 ---- */

static enum probe_mapping map(struct probe *p, int32_t socket)
{
    struct addr first, second, third, local;
    if (!probe_exchange(p, socket, PROBE_MAIN, &first))
        return PROBE_MAPPING_BLOCKED;
    local = p->net->local(p->net->world, socket);
    if (!probe_exchange(p, socket, (struct probe_end){1, 0}, &second) ||
        !probe_exchange(p, socket, (struct probe_end){1, 1}, &third))
        return PROBE_MAPPING_UNKNOWN;
    if (addr_equal(&first, &local) && addr_equal(&second, &local))
        return PROBE_MAPPING_NONE;
    if (addr_equal(&first, &second))
        return PROBE_MAPPING_EIM;
    return addr_equal(&second, &third) ? PROBE_MAPPING_ADM : PROBE_MAPPING_APDM;
}

static enum probe_mapping find_mapping(struct probe *p)
{
    enum probe_mapping strictest = PROBE_MAPPING_UNKNOWN;
    for (int i = 0; i < ROUNDS; i++) {
        int32_t socket = probe_socket(p, 0);
        enum probe_mapping mapping = map(p, socket);
        strictest = mapping > strictest ? mapping : strictest;
        probe_close(p, socket);
    }
    return strictest;
}

/* ---- filtering: RFC 5780 section 4.4 ---- */

static enum probe_filtering filter(struct probe *p, int32_t socket)
{
    struct addr seen;
    if (!probe_exchange(p, socket, PROBE_MAIN, &seen))
        return PROBE_FILTERING_UNKNOWN;
    if (ask_and_hear(p, socket, PROBE_MAIN, (struct probe_end){1, 1}, &seen))
        return PROBE_FILTERING_EIF;
    if (ask_and_hear(p, socket, PROBE_MAIN, (struct probe_end){0, 1}, &seen))
        return PROBE_FILTERING_ADF;
    return PROBE_FILTERING_APDF;
}

/* Beyond the RFC, for boxes that treat the first remote of a mapping otherwise
 * than the next: may another port of the second one answer? */
static bool admits_second(struct probe *p, int32_t socket)
{
    const struct probe_end second = {1, 0}, beside = {1, 1};
    struct addr seen;
    return probe_exchange(p, socket, PROBE_MAIN, &seen) &&
           probe_exchange(p, socket, second, &seen) &&
           ask_and_hear(p, socket, second, beside, &seen);
}

static enum probe_filtering find_filtering(struct probe *p)
{
    int32_t first = probe_socket(p, 0), second = probe_socket(p, 0);
    enum probe_filtering filtering = filter(p, first);
    bool open = filtering == PROBE_FILTERING_EIF || filtering == PROBE_FILTERING_ADF;
    if (open && !admits_second(p, second))
        filtering = PROBE_FILTERING_APDF;
    probe_close(p, first);
    probe_close(p, second);
    return filtering;
}

/* ---- a stranger's packet comes before ours to him ---- */

static enum probe_early find_early(struct probe *p)
{
    const struct probe_end stranger = {1, 1};
    struct addr before, after;
    enum probe_early early = PROBE_EARLY_UNKNOWN;
    int32_t socket = probe_socket(p, 0);
    if (probe_exchange(p, socket, PROBE_MAIN, &before)) {
        (void)ask_and_hear(p, socket, PROBE_MAIN, stranger, &after);
        if (probe_exchange(p, socket, stranger, &after))
            early = addr_equal(&before, &after) ? PROBE_EARLY_KEPT : PROBE_EARLY_MOVED;
    }
    probe_close(p, socket);
    return early;
}

/* ---- hairpin ---- */

/* A hello from the peer, whose external endpoint is known: where from? */
static enum probe_hairpin hear_hello(const struct probe *p, int32_t socket, uint32_t id,
                                     const struct addr *external)
{
    struct probe_arrival a;
    struct probe_message m;
    for (int i = 0; i < DEAF; i++) {
        if (!p->net->receive(p->net->world, socket, p->effort->patience, &a))
            break;
        if (probe_message_read(&m, a.bytes, a.length) == 0 && m.kind == PROBE_HELLO && m.id == id)
            return addr_same_ip(&a.from, external) ? PROBE_HAIRPIN_EXTERNAL
                                                   : PROBE_HAIRPIN_INTERNAL;
    }
    return PROBE_HAIRPIN_OFF;
}

/* Each sends to the other's external endpoint, so that a filter which asks for
 * that is open for the second. */
static enum probe_hairpin say_hello(struct probe *p, int32_t a, int32_t b)
{
    struct addr at_a, at_b;
    struct probe_message from_a = {.kind = PROBE_HELLO, .id = ++p->questions};
    struct probe_message from_b = {.kind = PROBE_HELLO, .id = ++p->questions};
    if (!probe_exchange(p, a, PROBE_MAIN, &at_a) || !probe_exchange(p, b, PROBE_MAIN, &at_b))
        return PROBE_HAIRPIN_UNKNOWN;
    send(p, a, &at_b, &from_a);
    send(p, b, &at_a, &from_b);
    enum probe_hairpin heard = hear_hello(p, a, from_b.id, &at_b);
    return heard == PROBE_HAIRPIN_OFF ? hear_hello(p, b, from_a.id, &at_a) : heard;
}

static enum probe_hairpin find_hairpin(struct probe *p)
{
    int32_t a = probe_socket(p, 0), b = probe_socket(p, p->net->hosts > 1 ? 1 : 0);
    enum probe_hairpin hairpin = say_hello(p, a, b);
    probe_close(p, a);
    probe_close(p, b);
    return hairpin;
}

/* ---- the pool ---- */

struct addresses {
    uint32_t count;
    struct addr list[ADDRESSES];
};

static void note_address(struct probe *p, uint32_t host, struct addresses *addresses)
{
    struct addr seen;
    int32_t socket = probe_socket(p, host);
    bool known = !probe_exchange(p, socket, PROBE_MAIN, &seen);
    probe_close(p, socket);
    for (uint32_t i = 0; i < addresses->count; i++)
        known = known || addr_same_ip(&addresses->list[i], &seen);
    if (!known && addresses->count < ADDRESSES)
        addresses->list[addresses->count++] = seen;
}

static void find_pooling(struct probe *p, struct probe_report *report)
{
    struct addresses addresses = {0};
    for (int i = 0; i < SOCKETS; i++)
        note_address(p, 0, &addresses);
    report->pooling = addresses.count > 1    ? PROBE_POOLING_ARBITRARY
                      : addresses.count == 1 ? PROBE_POOLING_PAIRED
                                             : PROBE_POOLING_UNKNOWN;
    for (uint32_t host = 1; host < p->net->hosts; host++)
        note_address(p, host, &addresses);
    report->addresses = addresses.count;
}

/* ---- two hosts with one local port ---- */

struct pair {
    int32_t first, second; /* sockets */
    struct addr kept;      /* where the server sees the first */
};

/* Two hosts' sockets on one local port, whose first kept it. */
static bool open_pair(struct probe *p, struct pair *pair)
{
    uint16_t port = probe_fresh_port(p);
    pair->first = p->net->open(p->net->world, 0, port);
    pair->second = p->net->open(p->net->world, 1, port);
    return probe_exchange(p, pair->first, PROBE_MAIN, &pair->kept) && pair->kept.port == port;
}

static void close_pair(const struct probe *p, const struct pair *pair)
{
    probe_close(p, pair->first);
    probe_close(p, pair->second);
}

static enum probe_shared find_shared(struct probe *p)
{
    struct pair pair;
    struct addr seen;
    enum probe_shared shared = PROBE_SHARED_UNKNOWN;
    if (open_pair(p, &pair) && probe_exchange(p, pair.second, (struct probe_end){1, 1}, &seen))
        shared = addr_equal(&seen, &pair.kept) ? PROBE_SHARED_YES : PROBE_SHARED_NO;
    close_pair(p, &pair);
    return shared;
}

static void find_clash(struct probe *p, struct probe_report *report)
{
    struct pair pair;
    struct addr seen, further;
    if (open_pair(p, &pair) && probe_exchange(p, pair.second, PROBE_MAIN, &seen) &&
        addr_same_ip(&seen, &pair.kept)) {
        uint16_t port = pair.kept.port;
        report->clash = seen.port == port       ? PROBE_CLASH_CUTS
                        : seen.port == port + 1 ? PROBE_CLASH_NEXT
                                                : PROBE_CLASH_RANDOM;
        if (seen.port != port && probe_exchange(p, pair.second, (struct probe_end){1, 0}, &further))
            report->after_clash = addr_equal(&further, &seen) ? PROBE_AFTER_STAYS
                                  : further.port == port      ? PROBE_AFTER_RETURNS
                                                              : PROBE_AFTER_OTHER;
    }
    close_pair(p, &pair);
}

/* ---- all of it ---- */

static void pause(const struct probe *p)
{
    p->net->wait(p->net->world, p->effort->pause);
}

/* What only a box that translates can be asked. */
static void find_translation(struct probe *p, struct probe_report *report)
{
    pause(p);
    report->hairpin = find_hairpin(p);
    pause(p);
    find_pooling(p, report);
    pause(p);
    if (report->mapping == PROBE_MAPPING_EIM) {
        report->early = find_early(p);
        pause(p);
    }
    if (report->mapping == PROBE_MAPPING_EIM && p->net->hosts > 1) {
        report->shared = find_shared(p);
        find_clash(p, report);
        pause(p);
    }
    probe_ports(p, report);
}

struct probe_report probe_run(const struct probe_net *net, const struct probe_effort *effort)
{
    struct probe p = {.net = net, .effort = effort, .place = effort->port_seed % PORTS};
    struct probe_report report = {.unreplied_s = -1, .established_s = -1};
    CHECK(net->hosts > 0);
    report.mapping = find_mapping(&p);
    if (report.mapping <= PROBE_MAPPING_BLOCKED)
        return report;
    pause(&p);
    report.filtering = find_filtering(&p);
    pause(&p);
    report.unreplied_s = probe_timer_unreplied(&p);
    pause(&p);
    report.established_s = probe_timer_established(&p);
    if (report.mapping == PROBE_MAPPING_NONE) {
        report.ports = PROBE_PORTS_NONE;
        report.pooling = PROBE_POOLING_NONE;
        return report;
    }
    find_translation(&p, &report);
    return report;
}
