/* handshake.c: how a link comes to stand: INIT, COOKIE, OPEN, ACCEPT.
 *
 * The responder keeps nothing and computes no Diffie-Hellman before the cookie
 * has proved the initiator's address.  The keys:
 *
 *     shared  = X25519(own secret, peer's id)
 *     open    = H(shared, 'o', nonce, ids)               seals OPEN
 *     to, fro = H(shared, 't' | 'f', both nonces, ids)   seal what follows
 *
 * Transport keys live for one run, so a seized key opens one run's traffic
 * only.  Forward secrecy within a run comes with the Noise sessions. */
#include <string.h>

#include "stack/check.h"
#include "stack/link.h"
#include "stack/mist.h"

#define COOKIE_EPOCH SEC(60) /* the current and the previous one are accepted */
#define CROSSING     SEC(2)  /* an OPEN is hardly longer under way; its repeats are */

static const uint8_t no_cookie[WIRE_COOKIE];

/* One key out of the shared secret.  b: the responder's nonce, NULL for OPEN. */
static void derive(uint8_t key[SEAL_KEY], const uint8_t shared[SEAL_KEY], char role,
                   const uint8_t *a, const uint8_t *b, const uint8_t *initiator,
                   const uint8_t *responder)
{
    uint8_t bytes[2 + 2 * WIRE_NONCE + 2 * WIRE_ID] = {WIRE_VERSION, (uint8_t)role};
    uint8_t *at = bytes + 2;
    memcpy(at, a, WIRE_NONCE);
    if (b != NULL)
        memcpy(at + WIRE_NONCE, b, WIRE_NONCE);
    memcpy(at + 2 * WIRE_NONCE, initiator, WIRE_ID);
    memcpy(at + 2 * WIRE_NONCE + WIRE_ID, responder, WIRE_ID);
    seal_hash(key, SEAL_KEY, shared, bytes, sizeof bytes);
}

static void session_keys(const struct mux *m, struct link *l, const uint8_t *nonce,
                         const uint8_t *answer)
{
    const uint8_t *initiator = l->began ? m->self : l->id;
    const uint8_t *responder = l->began ? l->id : m->self;
    uint8_t *to = l->began ? l->tx_key : l->rx_key;
    uint8_t *fro = l->began ? l->rx_key : l->tx_key;
    derive(to, l->shared, 't', nonce, answer, initiator, responder);
    derive(fro, l->shared, 'f', nonce, answer, initiator, responder);
    l->tx_counter = l->rx_counter = l->rx_window = 0;
}

static bool agree(const struct mux *m, struct link *l)
{
    if (!l->agreed && seal_agree(l->shared, m->secret, l->id) == 0)
        l->agreed = true;
    return l->agreed;
}

static void cookie_of(const struct mux *m, mist_time epoch, const struct addr *from, uint32_t back,
                      const uint8_t *nonce, uint8_t cookie[WIRE_COOKIE])
{
    uint8_t bytes[8 + 19 + 4 + WIRE_NONCE];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)epoch >> (8 * i));
    for (int i = 0; i < 4; i++)
        bytes[8 + i] = (uint8_t)(back >> (8 * i));
    memcpy(bytes + 12, nonce, WIRE_NONCE);
    size_t length = 12 + WIRE_NONCE;
    length += wire_put_addr(bytes + length, from);
    seal_hash(cookie, WIRE_COOKIE, m->cookie_key, bytes, length);
}

static bool cookie_fits(const struct mux *m, mist_time now, const struct addr *from,
                        const struct wire_head *h)
{
    uint8_t cookie[WIRE_COOKIE];
    mist_time epoch = now / COOKIE_EPOCH;
    for (mist_time e = epoch; e >= epoch - 1; e--) {
        cookie_of(m, e, from, h->back, h->nonce, cookie);
        if (seal_equal(cookie, h->cookie, WIRE_COOKIE))
            return true;
    }
    return false;
}

/* ---- the initiator ---- */

static void send_init(struct mux *m, mist_time now, struct link *l, struct out *out)
{
    uint8_t packet[WIRE_MTU];
    struct wire_head h = {.type = WIRE_INIT, .back = l->rx_channel, .nonce = l->nonce};
    size_t length = wire_put_head(packet, &h);
    link_emit(m, now, &l->path, packet, length, MIST_KIND_HANDSHAKE, out);
}

static void ready(struct mux *m, struct link *l, struct out *out)
{
    l->state = LINK_READY;
    out_effect(out, &(struct effect){.kind = EFFECT_LINK_READY, .link = link_handle(m, l)});
}

static void wait_for_answer(struct mux *m, mist_time now, struct link *l)
{
    link_timer(m, l, now + rng_around(m->rng, HANDSHAKE_RETRY << (l->tries - 1), 10));
}

void handshake_begin(struct mux *m, mist_time now, struct link *l, struct out *out)
{
    l->state = LINK_INIT;
    l->began = true;
    l->tries = 1;
    l->silent = 0;
    l->asked_at = now;
    l->fallback = (struct addr){0};
    memset(l->cookie, 0, sizeof l->cookie);
    rng_bytes(m->rng, l->nonce, WIRE_NONCE);
    out_fact(out, FACT_LINK_OPENING, l->id, &l->path, l->tries, 0);
    wait_for_answer(m, now, l);
    if (l->path.family == ADDR_RELAY && link_known_id(l->id))
        ready(m, l, out);
    else
        send_init(m, now, l, out);
}

void handshake_retry(struct mux *m, mist_time now, struct link *l, struct out *out)
{
    if (l->tries >= HANDSHAKE_TRIES) {
        link_drop(m, l, 1, out);
        return;
    }
    l->tries++;
    out_fact(out, FACT_LINK_OPENING, l->id, &l->path, l->tries, 0);
    wait_for_answer(m, now, l);
    if (l->state == LINK_READY)
        ready(m, l, out);
    else
        send_init(m, now, l, out);
}

/* The id stands for a link already: that one is what the caller meant. */
static bool merge(struct mux *m, struct link *l, const uint8_t *id, struct out *out)
{
    struct link *known = link_get(m, mux_find(m, id, WIRE_ID));
    if (known == NULL)
        return false;
    struct effect e = {.kind = EFFECT_LINK_UP, .link = link_handle(m, known), .value = 1};
    memcpy(e.contact.id, id, WIRE_ID);
    e.contact.addr = known->path;
    bool up = known->state == LINK_UP;
    if (up)
        out_effect(out, &e); /* first: whoever waited for l is content before it fails */
    link_drop(m, l, 1, out);
    return true;
}

void handshake_cookie(struct mux *m, mist_time now, const struct addr *from,
                      const struct wire_head *h, struct out *out)
{
    struct link *l = link_by_channel(m, h->channel);
    if (l == NULL || l->state != LINK_INIT || !addr_equal(from, &l->path) ||
        !seal_equal(h->nonce, l->nonce, WIRE_NONCE)) {
        out_fact(out, FACT_UNKNOWN_CHANNEL, NULL, from, h->channel, 0);
        return;
    }
    if (memcmp(h->id, m->self, WIRE_ID) == 0) {
        link_drop(m, l, 1, out); /* this is ourselves */
        return;
    }
    if (!link_known_id(l->id)) {
        if (merge(m, l, h->id, out))
            return;
        memcpy(l->id, h->id, WIRE_ID);
        link_index(m, l);
    }
    if (memcmp(l->id, h->id, WIRE_ID) != 0) {
        link_drop(m, l, 1, out); /* somebody else lives there now */
        return;
    }
    memcpy(l->cookie, h->cookie, WIRE_COOKIE);
    if (l->tries == 1)
        link_rtt(l, now - l->asked_at);
    l->tries = 1;
    wait_for_answer(m, now, l);
    ready(m, l, out);
}

/* OPEN and ACCEPT begin with HELLO. */
static size_t put_hello(const struct mux *m, uint8_t *body, const struct addr *seen)
{
    struct msg hello = {.type = MSG_HELLO, .flags = m->flags};
    if (seen != NULL && seen->family != ADDR_RELAY)
        hello.addr = *seen;
    return wire_put(body, WIRE_MTU, &hello);
}

void mux_first(struct mux *m, mist_time now, mist_link link, const uint8_t *messages, size_t length,
               struct out *out)
{
    struct link *l = link_get(m, link);
    if (l == NULL || l->state != LINK_READY)
        return;
    if (!agree(m, l)) {
        link_drop(m, l, 1, out);
        return;
    }
    uint8_t packet[WIRE_MTU], body[WIRE_MTU], key[SEAL_KEY];
    struct wire_head h = {.type = WIRE_OPEN,
                          .back = l->rx_channel,
                          .nonce = l->nonce,
                          .cookie = l->cookie,
                          .id = m->self,
                          .stamp = (uint64_t)now};
    size_t head = wire_put_head(packet, &h), n = put_hello(m, body, NULL);
    if (head + n + length + SEAL_TAG <= sizeof packet - 40) { /* 40: room for a relay's wrapping */
        memcpy(body + n, messages, length);
        n += length;
    }
    derive(key, l->shared, 'o', l->nonce, NULL, m->self, l->id);
    seal_lock(packet + head, key, h.stamp, packet, head, body, n);
    seal_wipe(key, sizeof key);
    l->asked_at = l->last_out = now;
    struct addr path = l->path;
    link_emit(m, now, &path, packet, head + n + SEAL_TAG, MIST_KIND_HANDSHAKE, out);
}

static void stand(struct mux *m, mist_time now, struct link *l, const struct addr *path,
                  struct mux_turn *turn, struct out *out)
{
    l->state = LINK_UP;
    l->up_since = now;
    m->up++;
    l->path = *path;
    l->socket = turn->socket;
    l->last_in = l->last_path_in = now;
    l->silent = 0;
    link_timer(m, l, now + (l->pins > 0 ? MUX_HEARTBEAT : LINK_IDLE));
    out_fact(out, FACT_LINK_UP, l->id, path, l->began, 0);
    struct effect e = {.kind = EFFECT_LINK_UP,
                       .link = link_handle(m, l),
                       .value = l->began,
                       .contact.addr = *path};
    memcpy(e.contact.id, l->id, WIRE_ID);
    out_effect(out, &e);
}

int handshake_accepted(struct mux *m, mist_time now, const uint8_t *bytes,
                       const struct wire_head *h, struct mux_turn *turn, struct out *out)
{
    struct link *l = link_by_channel(m, h->channel);
    if (l == NULL || l->state != LINK_READY) {
        out_fact(out, FACT_UNKNOWN_CHANNEL, NULL, &turn->from, h->channel, 0);
        return 0;
    }
    struct link trial = *l; /* nothing changes before the seal is proved */
    session_keys(m, &trial, trial.nonce, h->nonce);
    if (seal_open(turn->body, trial.rx_key, h->counter, bytes, h->head_length, h->body,
                  h->body_length) != 0) {
        out_fact(out, FACT_FORGED, l->id, &turn->from, h->type, 0);
        seal_wipe(&trial, sizeof trial);
        return 0;
    }
    *l = trial;
    seal_wipe(&trial, sizeof trial);
    l->rx_counter = (uint64_t)h->counter + 1;
    l->rx_window = 1;
    l->tx_channel = h->back;
    if (l->tries == 1)
        link_rtt(l, now - l->asked_at);
    turn->link = link_handle(m, l);
    turn->length = (uint32_t)(h->body_length - SEAL_TAG);
    /* The cookie proved the path; another source of ACCEPT has proved nothing. */
    bool relayed = l->path.family == ADDR_RELAY && turn->from.family == ADDR_RELAY;
    struct addr path = relayed ? turn->from : l->path;
    turn->strange = !addr_equal(&turn->from, &path);
    turn->budget = 0;
    stand(m, now, l, &path, turn, out);
    return 1;
}

/* ---- the responder ---- */

void handshake_init(struct mux *m, mist_time now, const struct addr *from,
                    const struct wire_head *h, struct out *out)
{
    if (from->family == ADDR_RELAY)
        return;
    uint8_t packet[WIRE_MTU], cookie[WIRE_COOKIE];
    cookie_of(m, now / COOKIE_EPOCH, from, h->back, h->nonce, cookie);
    struct wire_head answer = {.type = WIRE_COOKIE_IS,
                               .channel = h->back,
                               .nonce = h->nonce,
                               .cookie = cookie,
                               .id = m->self};
    if (h->back == 0)
        return;
    out_fact(out, FACT_COOKIE_SENT, NULL, from, 0, 0);
    size_t length = wire_put_head(packet, &answer);
    CHECK(length <= WIRE_INIT_SIZE);
    link_emit(m, now, from, packet, length, MIST_KIND_HANDSHAKE, out);
}

/* Opens the body with the key of the sealed OPEN; the secret may be at hand. */
static bool unseal_open(const struct mux *m, const struct link *known, const uint8_t *bytes,
                        const struct wire_head *h, uint8_t *body, uint8_t shared[SEAL_KEY])
{
    uint8_t key[SEAL_KEY];
    if (known != NULL && known->agreed)
        memcpy(shared, known->shared, SEAL_KEY);
    else if (seal_agree(shared, m->secret, h->id) != 0)
        return false;
    derive(key, shared, 'o', h->nonce, NULL, h->id, m->self);
    int opened = seal_open(body, key, h->stamp, bytes, h->head_length, h->body, h->body_length);
    seal_wipe(key, sizeof key);
    return opened == 0;
}

/* Both ends opened at once: the smaller id's handshake goes on if it can. */
static bool ours_goes_on(const struct mux *m, const struct link *l)
{
    return l->state == LINK_READY && memcmp(m->self, l->id, WIRE_ID) < 0;
}

/* The same handshake once more: our ACCEPT was slow or lost.  Its keys stay, or
 * the initiator, who may have that ACCEPT by now, would be left with the old. */
static bool asked_before(const struct link *l, const struct wire_head *h)
{
    return l->state == LINK_UP && !l->began && l->tx_channel == h->back &&
           memcmp(l->nonce, h->nonce, WIRE_NONCE) == 0;
}

/* Both ends opened at once, and ours, which goes before, stands already.  What
 * the peer's OPEN says is still news; its keys are not. */
static bool came_too_late(const struct mux *m, mist_time now, const struct link *l)
{
    return l->state == LINK_UP && l->began && now - l->up_since < CROSSING &&
           memcmp(m->self, l->id, WIRE_ID) < 0;
}

int handshake_open(struct mux *m, mist_time now, const uint8_t *bytes, const struct wire_head *h,
                   struct mux_turn *turn, struct out *out)
{
    bool relayed = turn->from.family == ADDR_RELAY;
    bool vouched = relayed && memcmp(turn->from.ip + 4, h->id, WIRE_PREFIX) == 0 &&
                   seal_equal(h->cookie, no_cookie, WIRE_COOKIE);
    if (h->back == 0 || !link_known_id(h->id) || memcmp(h->id, m->self, WIRE_ID) == 0 ||
        (!vouched && (relayed || !cookie_fits(m, now, &turn->from, h)))) {
        out_fact(out, FACT_BAD_COOKIE, NULL, &turn->from, 0, 0);
        return 0;
    }
    struct link *l = link_get(m, mux_find(m, h->id, WIRE_ID));
    uint8_t shared[SEAL_KEY];
    if (l != NULL && h->stamp <= l->stamp) {
        out_fact(out, FACT_REPLAYED, h->id, &turn->from, (int64_t)h->stamp, 0);
        return 0;
    }
    if (!unseal_open(m, l, bytes, h, turn->body, shared)) {
        out_fact(out, FACT_FORGED, h->id, &turn->from, h->type, 0);
        return 0;
    }
    if (l != NULL && ours_goes_on(m, l))
        return 0;
    if (l == NULL)
        l = link_new(m, now, h->id, out);
    if (l == NULL)
        return 0;
    l->stamp = h->stamp;
    turn->link = link_handle(m, l);
    turn->length = (uint32_t)(h->body_length - SEAL_TAG);
    if (came_too_late(m, now, l)) {
        seal_wipe(shared, sizeof shared);
        return 1;
    }
    turn->accepting = true;
    if (asked_before(l, h)) {
        seal_wipe(shared, sizeof shared);
        return 1;
    }
    memcpy(l->shared, shared, SEAL_KEY);
    seal_wipe(shared, sizeof shared);
    m->up -= l->state == LINK_UP;
    l->agreed = true;
    l->began = false;
    l->tx_channel = h->back;
    l->fallback = (struct addr){0};
    memcpy(l->nonce, h->nonce, WIRE_NONCE);
    rng_bytes(m->rng, l->cookie, sizeof l->cookie);
    session_keys(m, l, l->nonce, l->cookie);
    stand(m, now, l, &turn->from, turn, out);
    return 1;
}

void handshake_accept(struct mux *m, mist_time now, struct mux_turn *turn, struct out *out)
{
    if (!turn->accepting)
        return;
    turn->accepting = false;
    struct link *l = link_get(m, turn->link);
    if (l == NULL || l->state != LINK_UP || l->began)
        return;
    uint8_t packet[WIRE_MTU], body[WIRE_MTU];
    struct wire_head h = {.type = WIRE_ACCEPT,
                          .channel = l->tx_channel,
                          .back = l->rx_channel,
                          .counter = (uint32_t)l->tx_counter,
                          .nonce = l->cookie};
    size_t head = wire_put_head(packet, &h), n = put_hello(m, body, &turn->from);
    CHECK(head + n + turn->first_length + SEAL_TAG <= sizeof packet);
    memcpy(body + n, turn->first, turn->first_length);
    n += turn->first_length;
    seal_lock(packet + head, l->tx_key, l->tx_counter++, packet, head, body, n);
    l->last_out = now;
    link_emit(m, now, &turn->from, packet, head + n + SEAL_TAG, MIST_KIND_HANDSHAKE, out);
}
