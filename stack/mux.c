#include "stack/mux.h"

#include <string.h>

#include "stack/check.h"
#include "stack/link.h"
#include "stack/mist.h"

#define DATA_OVERHEAD (9 + SEAL_TAG)   /* head and tag */
#define FIRST_MOST    (WIRE_MTU - 160) /* of ACCEPT: head, HELLO, tag and a relay's wrapping */

/* ---- output ---- */

struct addr mux_relay_addr(mist_link relay, const uint8_t *id)
{
    struct addr a = {.family = ADDR_RELAY};
    for (int i = 0; i < 4; i++)
        a.ip[i] = (uint8_t)(relay >> (8 * i));
    memcpy(a.ip + 4, id, WIRE_PREFIX);
    return a;
}

mist_link mux_relay_of(const struct addr *a)
{
    if (a->family != ADDR_RELAY)
        return 0;
    return (mist_link)a->ip[0] | (mist_link)a->ip[1] << 8 | (mist_link)a->ip[2] << 16 |
           (mist_link)a->ip[3] << 24;
}

bool mux_local(const struct mux *m, uint8_t family, struct addr *local)
{
    const struct addr *bound = sockets_local(m->sockets, 0, family);
    if (bound != NULL)
        *local = *bound;
    return bound != NULL;
}

static uint32_t main_socket(uint8_t family)
{
    return family == ADDR_V6 ? 2 : 1;
}

static void emit_direct(struct mux *m, const struct mux_way *way, const uint8_t *bytes,
                        size_t length, uint8_t kind, struct out *out)
{
    struct mist_datagram d = {
        .to = way->to, .ttl = way->ttl, .kind = kind, .length = (uint16_t)length};
    const struct addr *local = sockets_local(m->sockets, way->socket, way->to.family);
    if (local == NULL)
        return; /* no such socket: as if lost */
    d.from = *local;
    uint8_t *buffer = out_datagram(out);
    if (buffer == NULL)
        return;
    memcpy(buffer, bytes, length);
    d.bytes = buffer;
    d.socket = way->socket == 0 ? main_socket(way->to.family) : way->socket;
    m->counters[kind].packets_out++;
    m->counters[kind].bytes_out += length;
    out_commit(out, &d);
}

void link_emit(struct mux *m, mist_time now, const struct addr *to, const uint8_t *bytes,
               size_t length, uint8_t kind, struct out *out)
{
    if (to->family != ADDR_RELAY) {
        emit_direct(m, &(struct mux_way){.to = *to}, bytes, length, kind, out);
        return;
    }
    uint8_t wrapped[WIRE_MTU];
    struct msg relay = {
        .type = MSG_RELAY, .prefix = to->ip + 4, .bytes = bytes, .length = (uint16_t)length};
    struct link *r = link_get(m, mux_relay_of(to));
    size_t size = wire_put(wrapped, sizeof wrapped, &relay);
    if (r == NULL || r->path.family == ADDR_RELAY || size == 0)
        return; /* a relay is reached directly; no relay through a relay */
    mux_send(m, now, link_handle(m, r), NULL, wrapped, size, out);
}

static void send_data(struct mux *m, mist_time now, struct link *l, const struct mux_way *way,
                      const uint8_t *messages, size_t length, struct out *out)
{
    uint8_t packet[WIRE_MTU];
    if (DATA_OVERHEAD + length > sizeof packet)
        return;
    uint64_t counter = session_next(&l->session, m->seal, now);
    struct wire_head h = {
        .type = WIRE_DATA, .channel = l->tx_channel, .counter = (uint32_t)counter};
    size_t head = wire_put_head(packet, &h);
    session_lock(&l->session, m->seal, counter, packet + head, packet, head, messages, length);
    l->last_out = now;
    if (way->to.family == ADDR_RELAY)
        link_emit(m, now, &way->to, packet, head + length + SEAL_TAG, wire_msg_kind(messages[0]),
                  out);
    else
        emit_direct(m, way, packet, head + length + SEAL_TAG, wire_msg_kind(messages[0]), out);
}

/* May that much go there?  A source that has not proved itself gets, of all that
 * one datagram sets off, no more bytes than it sent. */
static bool within_budget(struct mux *m, mist_link link, const struct addr *to, size_t length)
{
    struct mux_turn *t = m->turn;
    if (t == NULL || t->link != link || !t->strange || to->family == ADDR_RELAY ||
        !addr_equal(to, &t->from))
        return true;
    if (length > t->budget)
        return false;
    t->budget -= (uint32_t)length;
    return true;
}

/* An answer goes where the question came from: the path it did not take may be
 * dead. */
static struct mux_way answer_to(struct mux *m, const struct link *l, mist_link link, size_t length)
{
    const struct mux_turn *t = m->turn;
    if (t == NULL || t->link != link || !t->strange || !within_budget(m, link, &t->from, length))
        return (struct mux_way){.to = l->path, .socket = l->socket};
    return (struct mux_way){.to = t->from, .socket = t->socket};
}

/* Data on a pinned link: a sign of life is due.  While one is overdue, data goes through
 * the relay as well: the persons' session drops what arrives twice. */
static void watch_data(struct mux *m, mist_time now, struct link *l, const uint8_t *messages,
                       size_t length, struct out *out)
{
    if (l->pins == 0 || l->lost)
        return;
    if (l->owed == 0) {
        l->owed = now;
        if (l->silent == 0)
            link_timer(m, l, now + LINK_OWED);
    }
    if (l->silent > 1 && l->path.family != ADDR_RELAY && l->fallback.family == ADDR_RELAY)
        send_data(m, now, l, &(struct mux_way){.to = l->fallback}, messages, length, out);
}

int mux_send(struct mux *m, mist_time now, mist_link link, const struct mux_way *probe,
             const uint8_t *messages, size_t length, struct out *out)
{
    struct link *l = link_get(m, link);
    if (l == NULL)
        return MIST_ERR_UNKNOWN;
    if (l->state != LINK_UP)
        return MIST_ERR_STATE;
    struct mux_turn *t = m->turn;
    if (probe == NULL && t != NULL && t->accepting && t->link == link) {
        if (t->first_length + length <= FIRST_MOST) {
            memcpy(t->first + t->first_length, messages, length);
            t->first_length += (uint32_t)length;
            return MIST_OK;
        }
        handshake_accept(m, now, t, out);
    }
    if (probe != NULL && !within_budget(m, link, &probe->to, length + DATA_OVERHEAD))
        return MIST_OK; /* as if lost */
    struct mux_way way = probe != NULL ? *probe : answer_to(m, l, link, length + DATA_OVERHEAD);
    send_data(m, now, l, &way, messages, length, out);
    if (probe == NULL && messages[0] == MSG_PAYLOAD)
        watch_data(m, now, l, messages, length, out);
    return MIST_OK;
}

void mux_knock(struct mux *m, const struct mux_way *way, uint32_t channel, uint64_t number,
               struct out *out)
{
    uint8_t packet[WIRE_MTU];
    struct wire_head h = {.type = WIRE_DIALBACK, .channel = channel, .number = number};
    emit_direct(m, way, packet, wire_put_head(packet, &h), MIST_KIND_REACH, out);
}

void mux_bare(struct mux *m, const struct addr *to, const uint8_t *bytes, size_t length,
              struct out *out)
{
    emit_direct(m, &(struct mux_way){.to = *to}, bytes, length, MIST_KIND_REACH, out);
}

/* ---- input ---- */

/* The peer itself asks for a proof of that path, and gets it; ours can wait. */
static bool seeks_proof(const struct mux_turn *turn)
{
    static const uint8_t seekers[] = {MSG_PROBE, MSG_CHECK, MSG_PROVED, MSG_WHERE, MSG_HERE};
    for (size_t i = 0; turn->length > 0 && i < sizeof seekers; i++) {
        if (turn->body[0] == seekers[i])
            return true;
    }
    return false;
}

/* Did it come the way that this link's own datagrams go? */
static bool on_path(const struct link *l, const struct mux_turn *turn)
{
    uint32_t socket = l->socket == 0 ? main_socket(l->path.family) : l->socket;
    return addr_equal(&turn->from, &l->path) &&
           (turn->from.family == ADDR_RELAY || turn->socket == socket);
}

/* Whoever only listens would not notice before its heartbeat that its NAT has forgotten. */
static void hear_data(struct mux *m, mist_time now, struct link *l, const struct mux_turn *turn)
{
    if (turn->length == 0 || turn->body[0] != MSG_PAYLOAD || l->pins == 0 || l->listening)
        return;
    l->listening = true;
    if (l->silent == 0)
        link_timer(m, l, now + LINK_PAUSE);
}

static int input_data(struct mux *m, mist_time now, const uint8_t *bytes, const struct wire_head *h,
                      struct mux_turn *turn, struct out *out)
{
    struct link *l = link_by_channel(m, h->channel);
    if (l == NULL || l->state != LINK_UP) {
        out_fact(out, FACT_UNKNOWN_CHANNEL, NULL, &turn->from, h->channel, 0);
        return 0;
    }
    uint64_t counter, before = l->session.rx_counter;
    enum session_verdict verdict = session_open(&l->session, m->seal, h->counter, turn->body, bytes,
                                                h->head_length, h->body, h->body_length, &counter);
    if (verdict != SESSION_FINE) {
        bool again = verdict == SESSION_REPLAYED;
        out_fact(out, again ? FACT_REPLAYED : FACT_FORGED, l->id, &turn->from,
                 again ? (int64_t)counter : h->type, 0);
        return 0;
    }
    bool newest = counter >= before;
    l->last_in = now;
    turn->link = link_handle(m, l);
    turn->length = (uint32_t)(h->body_length - SEAL_TAG);
    turn->strange = !on_path(l, turn);
    turn->budget = (uint32_t)(h->head_length + h->body_length);
    if (!turn->strange) {
        l->last_path_in = now;
        l->owed = 0;
        hear_data(m, now, l, turn);
    } else if (newest && (turn->from.family == ADDR_RELAY ? l->lost : !seeks_proof(turn)))
        out_effect(out, &(struct effect){.kind = EFFECT_STRANGE,
                                         .link = turn->link,
                                         .addr = turn->from,
                                         .socket = turn->socket});
    return 1;
}

static int input_by_type(struct mux *m, mist_time now, const uint8_t *bytes,
                         const struct wire_head *h, struct mux_turn *turn, struct out *out)
{
    switch (h->type) {
    case WIRE_INIT: handshake_init(m, now, &turn->from, h, out); return 0;
    case WIRE_COOKIE_IS: handshake_cookie(m, now, &turn->from, h, out); return 0;
    case WIRE_OPEN: return handshake_open(m, now, bytes, h, turn, out);
    case WIRE_ACCEPT: return handshake_accepted(m, now, bytes, h, turn, out);
    case WIRE_DATA: return input_data(m, now, bytes, h, turn, out);
    default: return 0;
    }
}

static void count_in(struct mux *m, const struct mux_turn *turn, const struct wire_head *h,
                     int taken, size_t length)
{
    uint8_t kind = MIST_KIND_HANDSHAKE;
    if (turn->from.family == ADDR_RELAY)
        return; /* counted as the relayed datagram that carried it */
    if (h->type == WIRE_DATA)
        kind = taken && turn->length > 0 ? wire_msg_kind(turn->body[0]) : MIST_KIND_NONSENSE;
    m->counters[kind].packets_in++;
    m->counters[kind].bytes_in += length;
}

int mux_input(struct mux *m, mist_time now, uint32_t socket, const struct addr *from,
              const uint8_t *bytes, size_t length, struct mux_turn *turn, struct out *out)
{
    struct wire_head h;
    turn->link = 0;
    turn->from = *from;
    turn->socket = socket;
    turn->strange = turn->accepting = false;
    turn->first_length = turn->length = 0;
    turn->outer = m->turn;
    if (wire_take_head(bytes, length, &h) != 0 || h.type == WIRE_DIALBACK) {
        out_fact(out, FACT_BAD_DATAGRAM, NULL, from, (int64_t)length, 0);
        m->counters[MIST_KIND_NONSENSE].packets_in++;
        m->counters[MIST_KIND_NONSENSE].bytes_in += length;
        return 0;
    }
    int taken = input_by_type(m, now, bytes, &h, turn, out);
    count_in(m, turn, &h, taken, length);
    if (taken)
        m->turn = turn;
    return taken;
}

void mux_end(struct mux *m, mist_time now, struct mux_turn *turn, struct out *out)
{
    handshake_accept(m, now, turn, out);
    m->turn = turn->outer;
}

/* ---- timers ---- */

static void ping(struct mux *m, mist_time now, struct link *l, struct out *out)
{
    uint8_t bytes[64];
    l->ping_token = rng_u32(m->rng);
    l->asked_at = now;
    l->silent++;
    struct msg message = {.type = MSG_PING, .request = l->ping_token};
    (void)mux_send(m, now, link_handle(m, l), NULL, bytes, wire_put(bytes, sizeof bytes, &message),
                   out);
    link_timer(m, l, now + link_patience(l));
}

/* When the talk on a link wants a sign of life: it goes one way, or has paused. */
static mist_time talk_wants(const struct link *l)
{
    mist_time at = l->owed != 0 ? l->owed + LINK_OWED : MIST_NEVER;
    mist_time pause = l->listening ? l->last_path_in + LINK_PAUSE : MIST_NEVER;
    return pause < at ? pause : at;
}

static void keep_alive(struct mux *m, mist_time now, struct link *l, struct out *out)
{
    if (l->lost) {
        l->silent = 0;
        ping(m, now, l, out);
        link_timer(m, l, now + LINK_LOST_EVERY);
        return;
    }
    if (l->silent >= (l->owed != 0 ? LINK_PINGS_OWED : LINK_PINGS)) {
        l->silent = 0;
        link_timer(m, l, now + MUX_HEARTBEAT);
        out_fact(out, FACT_PATH_LOST, l->id, &l->path, 0, 0);
        out_effect(out, &(struct effect){.kind = EFFECT_SILENT, .link = link_handle(m, l)});
        return;
    }
    mist_time quiet = l->last_path_in < l->last_out ? l->last_path_in : l->last_out;
    mist_time wanted = talk_wants(l);
    if (l->silent == 0 && wanted != MIST_NEVER && wanted > now) {
        link_timer(m, l, wanted);
    } else if (l->silent == 0 && wanted == MIST_NEVER && now - quiet < MUX_HEARTBEAT / 2) {
        link_timer(m, l, quiet + MUX_HEARTBEAT);
    } else {
        l->listening = false;
        ping(m, now, l, out);
    }
}

void mux_timer(struct mux *m, mist_time now, uint32_t slot, struct out *out)
{
    struct link *l = &m->links[slot];
    CHECK(slot < m->used && l->state != LINK_FREE);
    if (l->state != LINK_UP)
        handshake_retry(m, now, l, out);
    else if (l->pins > 0 || l->silent > 0)
        keep_alive(m, now, l, out);
    else if (now - l->last_in >= LINK_IDLE)
        link_drop(m, l, 0, out);
    else
        link_timer(m, l, l->last_in + LINK_IDLE);
}

void mux_ping(struct mux *m, mist_time now, mist_link link, struct out *out)
{
    struct link *l = link_get(m, link);
    if (l != NULL && l->state == LINK_UP && l->silent == 0)
        ping(m, now, l, out);
}

mist_time mux_pong(struct mux *m, mist_time now, mist_link link, uint32_t token)
{
    struct link *l = link_get(m, link);
    if (l == NULL || l->silent == 0 || token != l->ping_token)
        return 0;
    mist_time rtt = now - l->asked_at;
    link_rtt(l, rtt);
    l->silent = 0;
    l->lost = false;
    l->owed = 0;
    l->last_path_in = now;
    mist_time next = l->pins > 0 ? rng_around(m->rng, MUX_HEARTBEAT, 10) : LINK_IDLE;
    link_timer(m, l, now + next);
    return rtt;
}

/* ---- the rest of the interface ---- */

mist_link mux_find(const struct mux *m, const uint8_t *id, size_t length)
{
    const struct link *l = link_find(m, id, length);
    return l == NULL ? 0 : link_handle(m, l);
}

/* mux_open takes it as it is. */
static bool is_usable(const struct mux *m, mist_time now, const struct link *l)
{
    return l != NULL && (l->state != LINK_UP || l->pins > 0 || now - l->last_in < m->stale);
}

bool mux_stands(const struct mux *m, mist_time now, const uint8_t id[WIRE_ID])
{
    return link_known_id(id) && is_usable(m, now, link_find(m, id, WIRE_ID));
}

mist_link mux_open(struct mux *m, mist_time now, const struct contact *contact, struct out *out)
{
    struct link *l = NULL;
    if (link_known_id(contact->id))
        l = link_find(m, contact->id, WIRE_ID);
    if (is_usable(m, now, l))
        return link_handle(m, l);
    if (l == NULL)
        l = link_new(m, now, contact->id, out);
    if (l == NULL)
        return 0;
    m->up -= l->state == LINK_UP;
    l->path = contact->addr;
    l->socket = 0;
    handshake_begin(m, now, l, out);
    return link_handle(m, l);
}

void mux_pin(struct mux *m, mist_time now, mist_link link, int by)
{
    struct link *l = link_get(m, link);
    if (l == NULL)
        return;
    CHECK(by > 0 || l->pins > 0);
    l->pins = (uint16_t)(l->pins + by);
    if (l->state == LINK_UP && by > 0 && l->pins == 1) {
        l->silent = 0;
        link_timer(m, l, now + rng_around(m->rng, MUX_HEARTBEAT, 10));
    }
}

void mux_keep(struct mux *m, mist_link link, int by)
{
    struct link *l = link_get(m, link);
    if (l == NULL)
        return;
    CHECK(by > 0 || l->keeps > 0);
    m->kept -= l->keeps > 0;
    l->keeps = (uint16_t)(l->keeps + by);
    m->kept += l->keeps > 0;
}

void mux_path(struct mux *m, mist_time now, mist_link link, const struct addr *path,
              uint32_t socket, mist_time rtt)
{
    struct link *l = link_get(m, link);
    if (l == NULL)
        return;
    if (l->path.family == ADDR_RELAY && path->family != ADDR_RELAY)
        l->fallback = l->path;
    l->path = *path;
    l->socket = socket;
    l->last_path_in = now;
    l->silent = 0;
    l->lost = false;
    l->owed = 0;
    l->srtt = l->rttvar = 0; /* another path, another round trip */
    link_rtt(l, rtt);
}

void mux_lost(struct mux *m, mist_time now, mist_link link)
{
    struct link *l = link_get(m, link);
    if (l == NULL || l->state != LINK_UP)
        return;
    l->lost = true;
    link_timer(m, l, now + LINK_LOST_EVERY);
}

bool mux_seen(struct mux *m, mist_link link, const struct addr *seen)
{
    struct link *l = link_get(m, link);
    uint32_t tag = 2166136261u; /* FNV-1a */
    if (l == NULL)
        return false;
    for (int i = 0; i < 16; i++)
        tag = (tag ^ seen->ip[i]) * 16777619u;
    tag = ((tag ^ seen->port) * 16777619u) | 1;
    bool moved = l->seen_tag != 0 && l->seen_tag != tag;
    l->seen_tag = tag;
    return moved;
}

void mux_peer_flags(struct mux *m, mist_link link, uint8_t flags)
{
    struct link *l = link_get(m, link);
    if (l != NULL)
        l->flags = flags;
}

void mux_drop(struct mux *m, mist_time now, mist_link link, int why, struct out *out)
{
    struct link *l = link_get(m, link);
    if (l == NULL)
        return;
    if (l->state == LINK_UP && (why == 4 || why == 5)) { /* the peer relies on it no longer */
        uint8_t bytes[8];
        struct msg bye = {.type = MSG_BYE};
        struct mux_way path = {.to = l->path, .socket = l->socket};
        send_data(m, now, l, &path, bytes, wire_put(bytes, sizeof bytes, &bye), out);
    }
    link_drop(m, l, why, out);
}

bool mux_view(const struct mux *m, mist_link link, struct link_view *view)
{
    const struct link *l = link_get(m, link);
    if (l == NULL)
        return false;
    *view = (struct link_view){.link = link,
                               .up = l->state == LINK_UP,
                               .began = l->began,
                               .lost = l->lost,
                               .flags = l->flags,
                               .pins = l->pins,
                               .tries = l->tries,
                               .id = l->id,
                               .path = l->path,
                               .fallback = l->fallback,
                               .socket = l->socket,
                               .srtt = l->srtt,
                               .last_in = l->last_in,
                               .last_path_in = l->last_path_in,
                               .up_since = l->up_since};
    return true;
}

mist_link mux_next(const struct mux *m, mist_link after)
{
    uint32_t slot = after == 0 ? 0 : (after & 0xffff) + 1;
    for (; slot < m->used; slot++) {
        if (m->links[slot].state == LINK_UP)
            return link_handle(m, &m->links[slot]);
    }
    return 0;
}

void mux_sockets(struct mux *m, const struct sockets *sockets)
{
    m->sockets = sockets;
}

void mux_flags(struct mux *m, uint8_t flags)
{
    m->flags = flags;
}

void mux_stale(struct mux *m, mist_time limit)
{
    m->stale = limit;
}

const uint8_t *mux_self(const struct mux *m)
{
    return m->key.open;
}

static uint32_t index_slots(uint32_t links)
{
    uint32_t n = 16;
    while (n < links * 2)
        n *= 2;
    return n;
}

static size_t round_up(size_t n)
{
    return (n + 63) / 64 * 64;
}

size_t mux_size(uint32_t links)
{
    return round_up(sizeof(struct mux)) + round_up(links * sizeof(struct link)) +
           round_up(index_slots(links) * sizeof(uint16_t)) +
           round_up(OPENED_PER_LINK * links * sizeof(struct opened)) +
           round_up(SHARE_CELLS * sizeof(struct share_cell));
}

struct mux *mux_init(void *memory, uint32_t links, const struct seal_suite *seal,
                     const uint8_t secret[32], struct rng *rng, struct timers *timers,
                     uint32_t first_timer, struct mist_counter counters[MIST_KIND_COUNT])
{
    struct mux *m = memory;
    CHECK(links > 0 && links < UINT16_MAX);
    m->links = (struct link *)(void *)((uint8_t *)memory + round_up(sizeof *m));
    m->index = (uint16_t *)(void *)((uint8_t *)m->links + round_up(links * sizeof(struct link)));
    m->index_mask = index_slots(links) - 1;
    m->opened = (struct opened *)(void *)((uint8_t *)m->index +
                                          round_up((m->index_mask + 1) * sizeof(uint16_t)));
    m->opened_limit = OPENED_PER_LINK * links;
    m->shares = (struct share_cell *)(void *)((uint8_t *)m->opened +
                                              round_up(m->opened_limit * sizeof(struct opened)));
    m->seal = seal;
    m->limit = links;
    m->rng = rng;
    m->timers = timers;
    m->first_timer = first_timer;
    m->counters = counters;
    m->stale = SEC(25);
    m->channel_mask = rng_u32(rng);
    m->id_salt = rng_u64(rng);
    memcpy(m->key.secret, secret, SEAL_KEY);
    seal_public(&m->key);
    rng_bytes(rng, m->cookie_key, SEAL_KEY);
    return m;
}

uint32_t mux_memory(const struct mux *m, struct mist_memory *array, uint32_t n)
{
    if (n < 4)
        return 0;
    uint32_t opened = m->opened_next < m->opened_limit ? m->opened_next : m->opened_limit;
    array[0] = (struct mist_memory){"links", sizeof(struct link), m->limit, m->used};
    array[1] = (struct mist_memory){"link index", sizeof(uint16_t), m->index_mask + 1, m->up};
    array[2] =
        (struct mist_memory){"handshakes seen", sizeof(struct opened), m->opened_limit, opened};
    array[3] = (struct mist_memory){"shares of sites", sizeof(struct share_cell), SHARE_CELLS,
                                    SHARE_CELLS};
    return 4;
}
