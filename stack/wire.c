#include "stack/wire.h"

#include <string.h>

#include "stack/check.h"
#include "stack/mist.h"

/* ---- bytes: every access goes through these ---- */

struct writer {
    uint8_t *at, *end;
    bool failed;
};

static uint8_t *room(struct writer *w, size_t n)
{
    if (w->failed || (size_t)(w->end - w->at) < n) {
        w->failed = true;
        return NULL;
    }
    uint8_t *at = w->at;
    w->at += n;
    return at;
}

static void put_bytes(struct writer *w, const uint8_t *bytes, size_t n)
{
    uint8_t *at = room(w, n);
    if (at != NULL && n > 0)
        memcpy(at, bytes, n);
}

static void put_number(struct writer *w, uint64_t value, size_t n)
{
    uint8_t bytes[8];
    for (int i = 7; i >= 0; i--, value >>= 8)
        bytes[i] = (uint8_t)value;
    put_bytes(w, bytes + 8 - n, n);
}

static void put_addr(struct writer *w, const struct addr *a)
{
    CHECK(a->family == ADDR_V4 || a->family == ADDR_V6 || a->family == ADDR_NONE);
    put_number(w, a->family, 1);
    if (a->family == ADDR_NONE)
        return;
    put_bytes(w, a->ip, a->family == ADDR_V4 ? 4 : 16);
    put_number(w, a->port, 2);
}

static const uint8_t *take(struct reader *r, size_t n)
{
    if (r->failed || (size_t)(r->end - r->at) < n) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += n;
    return at;
}

static uint64_t take_number(struct reader *r, int n)
{
    const uint8_t *at = take(r, (size_t)n);
    uint64_t value = 0;
    for (int i = 0; at != NULL && i < n; i++)
        value = value << 8 | at[i];
    return value;
}

static struct addr take_addr(struct reader *r)
{
    struct addr a = {0};
    uint8_t family = (uint8_t)take_number(r, 1);
    if (family == ADDR_NONE)
        return a;
    if (family != ADDR_V4 && family != ADDR_V6) {
        r->failed = true;
        return a;
    }
    const uint8_t *ip = take(r, family == ADDR_V4 ? 4 : 16);
    uint16_t port = (uint16_t)take_number(r, 2);
    if (r->failed)
        return a;
    a.family = family;
    a.port = port;
    memcpy(a.ip, ip, family == ADDR_V4 ? 4 : 16);
    return a;
}

/* ---- messages: the table of their fields ---- */

enum field {
    END,
    FLAGS,
    COUNT,
    REASON,
    TTL,
    REQUEST,
    LAG,
    COUNTER,
    NUMBER,
    KEY,
    PEER,
    PREFIX,
    ADDR,
    PAD, /* zeros as long as the longest address: the question is not shorter than the answer */
    PAD_PROBE, /* the same for two answers */
    PAD_WHERE, /* the same for an address and a port */
    PORT,
    NATURE,
    FILTER,
    BYTES, /* 2 bytes of length first */
    CONTACTS,
    CANDIDATES,
};

#define PAD_BYTES       19
#define PAD_WHERE_BYTES 21
#define PAD_PROBE_BYTES 49 /* PROVED and CHECK, a datagram each, answer a PROBE */

static const struct {
    const char *name;
    uint8_t kind; /* enum mist_kind */
    uint8_t fields[8];
} messages[MSG_TYPES] = {
    [MSG_PING] = {"ping", MIST_KIND_HEARTBEAT, {REQUEST, PAD}},
    [MSG_PONG] = {"pong", MIST_KIND_HEARTBEAT, {REQUEST, ADDR}},
    [MSG_FIND] = {"find", MIST_KIND_KAD, {REQUEST, KEY}},
    [MSG_NODES] = {"nodes", MIST_KIND_KAD, {REQUEST, CONTACTS}},
    [MSG_SUBSCRIBE] = {"subscribe", MIST_KIND_PUBSUB, {REQUEST, KEY, TTL}},
    [MSG_SUBSCRIBED] = {"subscribed", MIST_KIND_PUBSUB, {REQUEST, TTL}},
    [MSG_INSTEAD] = {"instead", MIST_KIND_PUBSUB, {REQUEST, CONTACTS}},
    [MSG_UNSUBSCRIBE] = {"unsubscribe", MIST_KIND_PUBSUB, {KEY}},
    [MSG_PUBLISH] = {"publish", MIST_KIND_PUBSUB, {REQUEST, FLAGS, KEY, NUMBER, BYTES}},
    [MSG_PUBLISHED] = {"published", MIST_KIND_PUBSUB, {REQUEST, TTL}},
    [MSG_RECEIVE] = {"receive", MIST_KIND_PUBSUB, {FLAGS, KEY, NUMBER, PEER, ADDR, BYTES}},
    [MSG_RELAY] = {"relay", MIST_KIND_RELAY, {PREFIX, BYTES}},
    [MSG_RELAYED] = {"relayed", MIST_KIND_RELAY, {PREFIX, BYTES}},
    [MSG_REFUSED] = {"refused", MIST_KIND_RELAY, {PREFIX, REASON}},
    [MSG_ANSWER] = {"answer", MIST_KIND_PUNCH, {REQUEST, BYTES}},
    [MSG_PROOF] = {"proof", MIST_KIND_PUNCH, {REQUEST, BYTES}},
    [MSG_MEET] = {"meet", MIST_KIND_PUNCH, {FLAGS, LAG, REQUEST, NATURE, CANDIDATES}},
    [MSG_PROBE] = {"probe", MIST_KIND_PUNCH, {REQUEST, COUNT, PAD_PROBE}},
    [MSG_CHECK] = {"check", MIST_KIND_PUNCH, {REQUEST, COUNT}},
    [MSG_PROVED] = {"proved", MIST_KIND_PUNCH, {REQUEST, ADDR}},
    [MSG_REACH] = {"reach", MIST_KIND_REACH, {REQUEST, NUMBER, FILTER}},
    [MSG_KNOCK] = {"knock", MIST_KIND_REACH, {REQUEST, NUMBER, ADDR}},
    [MSG_KNOCKED] = {"knocked", MIST_KIND_REACH, {REQUEST}},
    [MSG_WHERE] = {"where", MIST_KIND_REACH, {REQUEST, PAD_WHERE}},
    [MSG_HERE] = {"here", MIST_KIND_REACH, {REQUEST, ADDR, PORT}},
    [MSG_SECOND] = {"second", MIST_KIND_REACH, {REQUEST, NUMBER}},
    [MSG_AIM] = {"aim", MIST_KIND_PUNCH, {COUNT, ADDR, NATURE}},
    [MSG_ECHO] = {"echo", MIST_KIND_PUNCH, {PREFIX, REQUEST}},
    [MSG_ECHOED] = {"echoed", MIST_KIND_PUNCH, {PREFIX, REQUEST, ADDR}},
    [MSG_BYE] = {"bye", MIST_KIND_HEARTBEAT, {REASON}},
    [MSG_PAYLOAD] = {"payload", MIST_KIND_DATA, {REQUEST, COUNTER, BYTES}},
    [MSG_HELLO] = {"hello", MIST_KIND_HANDSHAKE, {FLAGS, ADDR}},
    [MSG_HANGUP] = {"hangup", MIST_KIND_DATA, {REQUEST, REASON}},
};

const char *wire_msg_name(uint8_t type)
{
    return type < MSG_TYPES && messages[type].name != NULL ? messages[type].name : "none";
}

uint8_t wire_msg_kind(uint8_t type)
{
    return type < MSG_TYPES && messages[type].name != NULL ? messages[type].kind
                                                           : MIST_KIND_NONSENSE;
}

/* Two bytes of verdicts, then the numbers. */
static void put_nature(struct writer *w, const struct nature *n)
{
    put_number(w, (uint64_t)n->mapping << 4 | (uint64_t)n->filtering << 2 | n->pooling, 1);
    put_number(w, (uint64_t)n->ports << 2 | n->hairpin, 1);
    put_number(w, (uint8_t)n->step, 1);
    put_number(w, n->rate_hz, 2);
    put_number(w, n->low, 2);
    put_number(w, n->high, 2);
}

/* Verdicts that no version knows count as not known. */
static struct nature take_nature(struct reader *r)
{
    struct nature n = {0};
    uint8_t first = (uint8_t)take_number(r, 1), second = (uint8_t)take_number(r, 1);
    uint8_t step = (uint8_t)take_number(r, 1);
    n.mapping = first >> 4 & 3;
    n.filtering = first >> 2 & 3;
    n.pooling = first & 3;
    n.ports = second >> 2;
    n.hairpin = second & 3;
    n.step = (int8_t)(step < 128 ? step : step - 256);
    n.rate_hz = (uint16_t)take_number(r, 2);
    n.low = (uint16_t)take_number(r, 2);
    n.high = (uint16_t)take_number(r, 2);
    if (first >> 6 != 0 || n.pooling > NATURE_ARBITRARY || n.hairpin > NATURE_HAIRPIN_ON ||
        n.ports > NATURE_RANDOM)
        r->failed = true; /* one form for each, as of everything */
    return n;
}

static void put_lists(struct writer *w, const struct msg *m, enum field field)
{
    put_number(w, m->count, 1);
    for (uint32_t i = 0; i < m->count; i++) {
        if (field == CONTACTS) {
            put_bytes(w, m->contacts[i].id, WIRE_ID);
            put_addr(w, &m->contacts[i].addr);
        } else {
            put_number(w, m->candidates[i].kind, 1);
            put_addr(w, &m->candidates[i].addr);
        }
    }
}

static void put_field(struct writer *w, const struct msg *m, enum field field)
{
    static const uint8_t zeros[PAD_PROBE_BYTES];
    switch (field) {
    case END: break;
    case FLAGS: put_number(w, m->flags, 1); break;
    case COUNT: put_number(w, m->count, 1); break;
    case REASON: put_number(w, m->reason, 1); break;
    case TTL: put_number(w, m->ttl_s, 2); break;
    case REQUEST: put_number(w, m->request, 4); break;
    case LAG: put_number(w, m->lag_us, 4); break;
    case COUNTER: put_number(w, m->counter, 4); break;
    case NUMBER: put_number(w, m->number, 8); break;
    case KEY: put_bytes(w, m->key, WIRE_ID); break;
    case PEER: put_bytes(w, m->peer, WIRE_ID); break;
    case PREFIX: put_bytes(w, m->prefix, WIRE_PREFIX); break;
    case ADDR: put_addr(w, &m->addr); break;
    case PAD: put_bytes(w, zeros, PAD_BYTES); break;
    case PAD_PROBE: put_bytes(w, zeros, PAD_PROBE_BYTES); break;
    case PAD_WHERE: put_bytes(w, zeros, PAD_WHERE_BYTES); break;
    case PORT: put_number(w, m->port, 2); break;
    case NATURE: put_nature(w, &m->nature); break;
    case FILTER: put_bytes(w, m->bytes, WIRE_FILTER); break;
    case BYTES:
        put_number(w, m->length, 2);
        put_bytes(w, m->bytes, m->length);
        break;
    case CONTACTS:
    case CANDIDATES: put_lists(w, m, field); break;
    }
}

size_t wire_put(uint8_t *buffer, size_t size, const struct msg *m)
{
    CHECK(m->type > MSG_NONE && m->type < MSG_TYPES);
    struct writer w = {buffer, buffer + size, false};
    put_number(&w, m->type, 1);
    for (int i = 0; messages[m->type].fields[i] != END; i++)
        put_field(&w, m, messages[m->type].fields[i]);
    return w.failed ? 0 : (size_t)(w.at - buffer);
}

size_t wire_put_size(const struct msg *m)
{
    uint8_t scratch[WIRE_MTU];
    return wire_put(scratch, sizeof scratch, m);
}

/* Steps over a list, keeping where it began: entries are decoded on demand. */
static void take_list(struct reader *r, struct msg *m, enum field field)
{
    m->count = (uint8_t)take_number(r, 1);
    if (m->count > (field == CONTACTS ? WIRE_CONTACTS : WIRE_CANDIDATES))
        r->failed = true;
    m->bytes = r->at;
    for (uint32_t i = 0; i < m->count && !r->failed; i++) {
        take(r, field == CONTACTS ? WIRE_ID : 1);
        take_addr(r);
    }
    m->length = r->failed ? 0 : (uint16_t)(r->at - m->bytes);
}

static void take_field(struct reader *r, struct msg *m, enum field field)
{
    switch (field) {
    case END: break;
    case FLAGS: m->flags = (uint8_t)take_number(r, 1); break;
    case COUNT: m->count = (uint8_t)take_number(r, 1); break;
    case REASON: m->reason = (uint8_t)take_number(r, 1); break;
    case TTL: m->ttl_s = (uint16_t)take_number(r, 2); break;
    case REQUEST: m->request = (uint32_t)take_number(r, 4); break;
    case LAG: m->lag_us = (uint32_t)take_number(r, 4); break;
    case COUNTER: m->counter = (uint32_t)take_number(r, 4); break;
    case NUMBER: m->number = take_number(r, 8); break;
    case KEY: m->key = take(r, WIRE_ID); break;
    case PEER: m->peer = take(r, WIRE_ID); break;
    case PREFIX: m->prefix = take(r, WIRE_PREFIX); break;
    case ADDR: m->addr = take_addr(r); break;
    case PAD: take(r, PAD_BYTES); break;
    case PAD_PROBE: take(r, PAD_PROBE_BYTES); break;
    case PAD_WHERE: take(r, PAD_WHERE_BYTES); break;
    case PORT: m->port = (uint16_t)take_number(r, 2); break;
    case NATURE: m->nature = take_nature(r); break;
    case FILTER: m->bytes = take(r, WIRE_FILTER); break;
    case BYTES:
        m->length = (uint16_t)take_number(r, 2);
        m->bytes = take(r, m->length);
        break;
    case CONTACTS:
    case CANDIDATES: take_list(r, m, field); break;
    }
}

int wire_take(struct reader *r, struct msg *m)
{
    if (r->failed)
        return -1;
    if (r->at == r->end)
        return 0;
    memset(m, 0, sizeof *m);
    m->type = (uint8_t)take_number(r, 1);
    if (m->type >= MSG_TYPES || messages[m->type].name == NULL) {
        r->failed = true;
        return -1;
    }
    for (int i = 0; messages[m->type].fields[i] != END; i++)
        take_field(r, m, messages[m->type].fields[i]);
    return r->failed ? -1 : 1;
}

/* Moves to the i-th entry of a list whose entries start with `lead` bytes. */
static struct reader entry(const struct msg *m, uint32_t i, size_t lead)
{
    struct reader r = {m->bytes, m->bytes + m->length, false};
    for (; i > 0; i--) {
        take(&r, lead);
        take_addr(&r);
    }
    return r;
}

void wire_contact(const struct msg *m, uint32_t i, struct contact *contact)
{
    struct reader r = entry(m, i, WIRE_ID);
    const uint8_t *id = take(&r, WIRE_ID);
    contact->addr = take_addr(&r);
    CHECK(!r.failed);
    memcpy(contact->id, id, WIRE_ID);
}

void wire_candidate(const struct msg *m, uint32_t i, struct candidate *candidate)
{
    struct reader r = entry(m, i, 1);
    candidate->kind = (uint8_t)take_number(&r, 1);
    candidate->addr = take_addr(&r);
    CHECK(!r.failed);
}

/* ---- the offer ---- */

size_t wire_put_call(uint8_t *buffer, size_t size, const struct call_value *v)
{
    struct writer w = {buffer, buffer + size, false};
    put_number(&w, v->conversation, 4);
    put_bytes(&w, v->bytes, v->length);
    return w.failed ? 0 : (size_t)(w.at - buffer);
}

int wire_take_call(const uint8_t *bytes, size_t length, struct call_value *v)
{
    struct reader r = {bytes, bytes + length, false};
    v->conversation = (uint32_t)take_number(&r, 4);
    v->bytes = r.at;
    v->length = (size_t)(r.end - r.at);
    return r.failed || length > WIRE_OFFER ? -1 : 0;
}

size_t wire_put_offer(uint8_t *buffer, size_t size, const struct offer *o)
{
    struct writer w = {buffer, buffer + size, false};
    put_bytes(&w, o->ticket, WIRE_COOKIE);
    put_number(&w, o->flags, 1);
    put_nature(&w, &o->nature);
    put_number(&w, o->count, 1);
    for (uint32_t i = 0; i < o->count; i++) {
        put_number(&w, o->candidates[i].kind, 1);
        put_addr(&w, &o->candidates[i].addr);
    }
    return w.failed ? 0 : (size_t)(w.at - buffer);
}

int wire_take_offer(const uint8_t *bytes, size_t length, struct offer *o)
{
    struct reader r = {bytes, bytes + length, false};
    memset(o, 0, sizeof *o);
    const uint8_t *ticket = take(&r, WIRE_COOKIE);
    if (ticket != NULL)
        memcpy(o->ticket, ticket, WIRE_COOKIE);
    o->flags = (uint8_t)take_number(&r, 1);
    o->nature = take_nature(&r);
    o->count = (uint8_t)take_number(&r, 1);
    if (o->count > WIRE_CANDIDATES)
        return -1;
    for (uint32_t i = 0; i < o->count; i++) {
        o->candidates[i].kind = (uint8_t)take_number(&r, 1);
        o->candidates[i].addr = take_addr(&r);
    }
    return r.failed || r.at != r.end ? -1 : 0;
}

/* ---- datagrams ---- */

static void take_head(struct reader *r, struct wire_head *h)
{
    if (h->type == WIRE_INIT || h->type == WIRE_OPEN)
        h->version = (uint8_t)take_number(r, 1);
    if (h->type == WIRE_INIT || h->type == WIRE_OPEN || h->type == WIRE_ACCEPT)
        h->back = (uint32_t)take_number(r, 4);
    if (h->type == WIRE_INIT || h->type == WIRE_COOKIE_IS)
        h->nonce = take(r, WIRE_NONCE);
    if (h->type == WIRE_OPEN || h->type == WIRE_ACCEPT)
        h->noise = h->nonce = take(r, WIRE_NOISE);
    if (h->type == WIRE_COOKIE_IS || h->type == WIRE_OPEN) {
        h->cookie = take(r, WIRE_COOKIE);
        h->id = take(r, WIRE_ID);
    }
    if (h->type == WIRE_OPEN)
        h->stamp = take_number(r, 8);
    if (h->type == WIRE_DATA || h->type == WIRE_ACCEPT)
        h->counter = (uint32_t)take_number(r, 4);
    if (h->type == WIRE_DIALBACK)
        h->number = take_number(r, 8);
}

static bool is_sealed(uint8_t type)
{
    return type == WIRE_OPEN || type == WIRE_ACCEPT || type == WIRE_DATA;
}

int wire_take_head(const uint8_t *bytes, size_t length, struct wire_head *h)
{
    struct reader r = {bytes, bytes + length, false};
    memset(h, 0, sizeof *h);
    h->type = (uint8_t)take_number(&r, 1);
    h->channel = (uint32_t)take_number(&r, 4);
    if (h->type == 0 || h->type >= WIRE_TYPES || length > WIRE_MTU)
        return -1;
    take_head(&r, h);
    if (r.failed)
        return -1;
    bool handshake = h->type == WIRE_INIT || h->type == WIRE_OPEN;
    if (handshake != (h->channel == 0) || (handshake && h->version != WIRE_VERSION))
        return -1;
    h->head_length = (size_t)(r.at - bytes);
    h->body = r.at;
    h->body_length = (size_t)(r.end - r.at);
    if (h->type == WIRE_INIT)
        return length == WIRE_INIT_SIZE ? 0 : -1;
    if (is_sealed(h->type))
        return h->body_length >= 16 ? 0 : -1; /* the tag */
    return h->body_length == 0 ? 0 : -1;
}

size_t wire_put_head(uint8_t buffer[WIRE_MTU], const struct wire_head *h)
{
    struct writer w = {buffer, buffer + WIRE_MTU, false};
    bool handshake = h->type == WIRE_INIT || h->type == WIRE_OPEN;
    put_number(&w, h->type, 1);
    put_number(&w, h->channel, 4);
    if (handshake)
        put_number(&w, WIRE_VERSION, 1);
    if (handshake || h->type == WIRE_ACCEPT)
        put_number(&w, h->back, 4);
    if (h->type == WIRE_INIT || h->type == WIRE_COOKIE_IS)
        put_bytes(&w, h->nonce, WIRE_NONCE);
    if (h->type == WIRE_OPEN || h->type == WIRE_ACCEPT)
        put_bytes(&w, h->noise, WIRE_NOISE);
    if (h->type == WIRE_COOKIE_IS || h->type == WIRE_OPEN) {
        put_bytes(&w, h->cookie, WIRE_COOKIE);
        put_bytes(&w, h->id, WIRE_ID);
    }
    if (h->type == WIRE_OPEN)
        put_number(&w, h->stamp, 8);
    if (h->type == WIRE_DATA || h->type == WIRE_ACCEPT)
        put_number(&w, h->counter, 4);
    if (h->type == WIRE_DIALBACK)
        put_number(&w, h->number, 8);
    if (h->type == WIRE_INIT) {
        size_t pad = WIRE_INIT_SIZE - (size_t)(w.at - buffer);
        memset(room(&w, pad), 0, pad);
    }
    CHECK(!w.failed);
    return (size_t)(w.at - buffer);
}

size_t wire_put_addr(uint8_t buffer[19], const struct addr *a)
{
    struct writer w = {buffer, buffer + 19, false};
    put_addr(&w, a);
    return (size_t)(w.at - buffer);
}
