/* handshake.c: how a link comes to stand: INIT, COOKIE, OPEN, ACCEPT.
 *
 * The responder keeps nothing and computes no Diffie-Hellman before the cookie
 * has proved the initiator's address, or a ticket that it asked for this link.
 * OPEN and ACCEPT carry the two messages of Noise_KK, without a payload:
 *
 *     OPEN     e, es, ss     and, sealed under noise_early and its stamp, first messages
 *     ACCEPT   e, ee, se     and, as the session's first datagram, the answers
 *
 * KK, for both ids are known before (ids are public: the overlay names them, OPEN
 * has the initiator's in clear), so that cookie, ticket and stamp are looked at
 * before any computation.  A repeat of OPEN is the same handshake under another
 * stamp: it may carry other messages, and whichever ACCEPT comes first fits. */
#include <string.h>

#include "stack/check.h"
#include "stack/link.h"
#include "stack/mist.h"

#define COOKIE_EPOCH SEC(60) /* the current and the previous one are accepted */
#define CROSSING     SEC(2)  /* an OPEN is hardly longer under way; its repeats are */
#define ASK_ANEW     3       /* from this try on: the cookie may have become void */

static const uint8_t prologue[] = {'m', 'i', 's', 't', ' ', 'l', 'i', 'n', 'k', WIRE_VERSION};

/* ---- cookies and tickets ---- */

static void mac_of(const struct mux *m, mist_time epoch, char what, const uint8_t *bytes,
                   size_t length, uint8_t mac[WIRE_COOKIE])
{
    uint8_t text[1 + 4 + 8 + 64];
    CHECK(length <= 64);
    text[0] = (uint8_t)what;
    for (int i = 0; i < 4; i++)
        text[1 + i] = (uint8_t)(m->cookie_turn >> (8 * i));
    for (int i = 0; i < 8; i++)
        text[5 + i] = (uint8_t)((uint64_t)epoch >> (8 * i));
    if (length > 0)
        memcpy(text + 13, bytes, length);
    seal_hash(mac, WIRE_COOKIE, m->cookie_key, text, 13 + length);
}

static void cookie_of(const struct mux *m, mist_time epoch, const struct addr *from, uint32_t back,
                      const uint8_t *nonce, uint8_t cookie[WIRE_COOKIE])
{
    uint8_t bytes[19 + 4 + WIRE_NONCE];
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(back >> (8 * i));
    memcpy(bytes + 4, nonce, WIRE_NONCE);
    size_t length = 4 + WIRE_NONCE;
    length += wire_put_addr(bytes + length, from);
    mac_of(m, epoch, 'c', bytes, length, cookie);
}

void mux_ticket(const struct mux *m, mist_time now, uint8_t ticket[WIRE_COOKIE])
{
    mac_of(m, now / COOKIE_EPOCH, 't', NULL, 0, ticket);
}

void mux_present(struct mux *m, mist_link link, const uint8_t ticket[WIRE_COOKIE])
{
    struct link *l = link_get(m, link);
    if (l != NULL && l->state == LINK_READY)
        memcpy(l->opening.cookie, ticket, WIRE_COOKIE);
}

static bool cookie_fits(const struct mux *m, mist_time now, const struct addr *from,
                        const struct wire_head *h)
{
    uint8_t cookie[WIRE_COOKIE];
    bool relayed = from->family == ADDR_RELAY;
    mist_time epoch = now / COOKIE_EPOCH;
    if (relayed && memcmp(from->ip + 4, h->id, WIRE_PREFIX) != 0)
        return false; /* the relay names whom it hears, and that is somebody else */
    for (mist_time e = epoch; e >= epoch - 1; e--) {
        if (relayed)
            mac_of(m, e, 't', NULL, 0, cookie);
        else
            cookie_of(m, e, from, h->back, h->nonce, cookie);
        if (seal_equal(cookie, h->cookie, WIRE_COOKIE))
            return true;
    }
    return false;
}

/* All keys and what they came from. */
static void wipe_keys(struct link *l)
{
    seal_wipe(&l->opening, sizeof l->opening);
    seal_wipe(&l->session, sizeof l->session);
    seal_wipe(&l->opened, sizeof l->opened);
}

/* ---- handshakes seen ---- */

static uint64_t tag_of(const uint8_t *nonce)
{
    uint64_t tag;
    memcpy(&tag, nonce, sizeof tag); /* compared for being equal, nothing else */
    return tag;
}

static bool opened_before(const struct mux *m, mist_time now, const uint8_t *nonce)
{
    uint64_t tag = tag_of(nonce);
    for (uint32_t i = 1; i <= m->opened_limit && i <= m->opened_next; i++) {
        const struct opened *o = &m->opened[(m->opened_next - i) % m->opened_limit];
        if (now - o->at > 2 * COOKIE_EPOCH)
            return false;
        if (o->tag == tag)
            return true;
    }
    return false;
}

/* What is forgotten too early must not come again: the cookies that it had are void. */
static void remember_opened(struct mux *m, mist_time now, const uint8_t *nonce)
{
    struct opened *o = &m->opened[m->opened_next % m->opened_limit];
    if (m->opened_next >= m->opened_limit && now - o->at <= 2 * COOKIE_EPOCH)
        m->cookie_turn++;
    *o = (struct opened){tag_of(nonce), now};
    m->opened_next++;
}

/* ---- the initiator ---- */

static void send_init(struct mux *m, mist_time now, struct link *l, struct out *out)
{
    uint8_t packet[WIRE_MTU];
    struct wire_head h = {
        .type = WIRE_INIT, .back = l->rx_channel, .nonce = l->opening.kept.e.open};
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
    wipe_keys(l);
    rng_bytes(m->rng, l->opening.kept.e.secret, SEAL_KEY);
    m->seal->pair(&l->opening.kept.e);
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
    if (l->state == LINK_INIT || (l->tries >= ASK_ANEW && l->path.family != ADDR_RELAY))
        send_init(m, now, l, out);
    if (l->state == LINK_READY)
        ready(m, l, out);
}

/* The id stands for a link already: that one is what the caller meant. */
static bool merge(struct mux *m, struct link *l, const uint8_t *id, struct out *out)
{
    struct link *known = link_find(m, id, WIRE_ID);
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
    if (l == NULL || (l->state != LINK_INIT && l->state != LINK_READY) ||
        !addr_equal(from, &l->path) || memcmp(h->nonce, l->opening.kept.e.open, WIRE_NONCE) != 0 ||
        (l->state == LINK_READY && memcmp(h->cookie, l->opening.cookie, WIRE_COOKIE) == 0)) {
        out_fact(out, FACT_UNKNOWN_CHANNEL, NULL, from, h->channel, 0);
        return;
    }
    if (memcmp(h->id, m->key.open, WIRE_ID) == 0) {
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
    memcpy(l->opening.cookie, h->cookie, WIRE_COOKIE);
    if (l->state == LINK_INIT) {
        if (l->tries == 1)
            link_rtt(l, now - l->asked_at);
        l->tries = 1;
        wait_for_answer(m, now, l);
    }
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

/* The first message of the handshake, once; its repeats are the same. */
static bool write_first(const struct mux *m, struct link *l)
{
    struct noise n;
    if (l->opening.written)
        return true;
    noise_begin(&n, m->seal, NOISE_KK, true, prologue, sizeof prologue, &m->key, &l->opening.kept.e,
                l->id);
    bool written = noise_write(&n, NULL, 0, l->opening.first) == 0;
    if (written) {
        noise_keep(&n, &l->opening.kept);
        noise_early(&n, l->opening.early);
        l->opening.written = true;
    }
    seal_wipe(&n, sizeof n);
    return written;
}

void mux_first(struct mux *m, mist_time now, mist_link link, const uint8_t *messages, size_t length,
               struct out *out)
{
    struct link *l = link_get(m, link);
    if (l == NULL || l->state != LINK_READY)
        return;
    if (!write_first(m, l)) {
        link_drop(m, l, 1, out);
        return;
    }
    uint8_t packet[WIRE_MTU], body[WIRE_MTU];
    m->stamp = (uint64_t)now > m->stamp ? (uint64_t)now : m->stamp + 1; /* a nonce: never twice */
    struct wire_head h = {.type = WIRE_OPEN,
                          .back = l->rx_channel,
                          .noise = l->opening.first,
                          .cookie = l->opening.cookie,
                          .id = m->key.open,
                          .stamp = m->stamp};
    size_t head = wire_put_head(packet, &h), n = put_hello(m, body, NULL);
    if (head + n + length + SEAL_TAG <= sizeof packet - 40) { /* 40: room for a relay's wrapping */
        memcpy(body + n, messages, length);
        n += length;
    }
    m->seal->lock(packet + head, l->opening.early, h.stamp, packet, head, body, n);
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

/* The session that the peer's answer makes; nothing of the link changes. */
static bool read_answer(const struct mux *m, mist_time now, const struct link *l,
                        const struct wire_head *h, struct session *session)
{
    struct noise n;
    uint8_t unused[1], to[SEAL_KEY], fro[SEAL_KEY];
    if (!l->opening.written)
        return false;
    noise_resume(&n, m->seal, NOISE_KK, &m->key, l->id, &l->opening.kept);
    bool read = noise_read(&n, h->noise, WIRE_NOISE, unused) == 0;
    if (read) {
        noise_split(&n, to, fro);
        session_begin(session, now, to, fro);
        seal_wipe(to, sizeof to);
        seal_wipe(fro, sizeof fro);
    }
    seal_wipe(&n, sizeof n);
    return read;
}

int handshake_accepted(struct mux *m, mist_time now, const uint8_t *bytes,
                       const struct wire_head *h, struct mux_turn *turn, struct out *out)
{
    struct link *l = link_by_channel(m, h->channel);
    if (l == NULL || l->state != LINK_READY) {
        out_fact(out, FACT_UNKNOWN_CHANNEL, NULL, &turn->from, h->channel, 0);
        return 0;
    }
    struct session session;
    uint64_t counter;
    if (!read_answer(m, now, l, h, &session) ||
        session_open(&session, m->seal, h->counter, turn->body, bytes, h->head_length, h->body,
                     h->body_length, &counter) != SESSION_FINE) {
        out_fact(out, FACT_FORGED, l->id, &turn->from, h->type, 0);
        return 0;
    }
    wipe_keys(l);
    l->session = session;
    seal_wipe(&session, sizeof session);
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
                               .id = m->key.open};
    if (h->back == 0)
        return;
    out_fact(out, FACT_COOKIE_SENT, NULL, from, 0, 0);
    size_t length = wire_put_head(packet, &answer);
    CHECK(length <= WIRE_INIT_SIZE);
    link_emit(m, now, from, packet, length, MIST_KIND_HANDSHAKE, out);
}

/* Reads the peer's first message; n goes on from there. */
static bool read_first(const struct mux *m, const struct wire_head *h, struct noise *n,
                       uint8_t early[SEAL_KEY])
{
    struct seal_pair none = {{0}, {0}}; /* a pair is drawn when the message is what it should be */
    uint8_t unused[1];
    noise_begin(n, m->seal, NOISE_KK, false, prologue, sizeof prologue, &m->key, &none, h->id);
    if (noise_read(n, h->noise, WIRE_NOISE, unused) != 0)
        return false;
    noise_early(n, early);
    return true;
}

/* Both ends opened at once: the smaller id's handshake goes on if it can. */
static bool ours_goes_on(const struct mux *m, const struct link *l)
{
    return l->state == LINK_READY && memcmp(m->key.open, l->id, WIRE_ID) < 0;
}

/* The same handshake once more: our ACCEPT was slow or lost.  Its keys stay, or
 * the initiator, who may have that ACCEPT by now, would be left with the old. */
static bool asked_before(const struct link *l, const struct wire_head *h)
{
    return l->state == LINK_UP && !l->began && l->tx_channel == h->back &&
           memcmp(l->opened.nonce, h->nonce, WIRE_NONCE) == 0;
}

/* Both ends opened at once, and ours, which goes before, stands already.  What
 * the peer's OPEN says is still news; its keys are not. */
static bool came_too_late(const struct mux *m, mist_time now, const struct link *l)
{
    return l->state == LINK_UP && l->began && now - l->up_since < CROSSING &&
           memcmp(m->key.open, l->id, WIRE_ID) < 0;
}

/* Writes the answer and begins the session.  False: the peer's keys are of low order. */
static bool answer_first(struct mux *m, mist_time now, struct link *l, struct noise *n)
{
    uint8_t to[SEAL_KEY], fro[SEAL_KEY];
    rng_bytes(m->rng, n->e.secret, SEAL_KEY);
    m->seal->pair(&n->e);
    if (noise_write(n, NULL, 0, l->opened.answer) != 0)
        return false;
    noise_split(n, to, fro);
    session_begin(&l->session, now, fro, to);
    seal_wipe(to, sizeof to);
    seal_wipe(fro, sizeof fro);
    return true;
}

/* Strangers are answered within the share of their site.  Through a relay it is the
 * circuit that limits them, and a ticket that this node gave. */
static bool within_share(struct mux *m, mist_time now, const struct link *l,
                         const struct wire_head *h, const struct addr *from, struct out *out)
{
    if (!addr_is_global(from)) /* a relay's way; a LAN, whose hosts do worse to one another */
        return true;
    uint32_t cell = share_cell(m->id_salt, from);
    int why = !share_take(&m->shares[cell], now) ? 1 : 0;
    if (why == 0 && l == NULL && !share_has_room(&m->shares[cell], m->up, m->limit) &&
        !link_evict_of(m, now, cell, out))
        why = 2;
    if (why != 0)
        out_fact(out, FACT_OVER_SHARE, h->id, from, why, 0);
    return why == 0;
}

static void count_share(struct mux *m, struct link *l, const struct addr *from)
{
    if (l->share != 0 || !addr_is_global(from))
        return;
    l->share = (uint16_t)(share_cell(m->id_salt, from) + 1);
    m->shares[l->share - 1].links++;
}

/* A handshake that is new and proved: the link stands by it, or there is none. */
static struct link *open_new(struct mux *m, mist_time now, struct link *l,
                             const struct wire_head *h, struct noise *n,
                             const uint8_t early[SEAL_KEY], struct mux_turn *turn, struct out *out)
{
    if (l == NULL)
        l = link_new(m, now, h->id, out);
    if (l == NULL)
        return NULL;
    m->up -= l->state == LINK_UP;
    wipe_keys(l);
    l->state = LINK_READY;
    if (!answer_first(m, now, l, n)) {
        link_drop(m, l, 1, out);
        return NULL;
    }
    remember_opened(m, now, h->nonce);
    count_share(m, l, &turn->from);
    memcpy(l->opened.nonce, h->nonce, WIRE_NONCE);
    memcpy(l->opened.early, early, SEAL_KEY);
    l->began = false;
    l->tx_channel = h->back;
    l->fallback = (struct addr){0};
    stand(m, now, l, &turn->from, turn, out);
    return l;
}

/* What the messages in OPEN are sealed under; 0: not from whom it says. */
static bool unseal_first(const struct mux *m, const uint8_t *bytes, const struct wire_head *h,
                         const uint8_t early[SEAL_KEY], struct mux_turn *turn)
{
    turn->length = (uint32_t)(h->body_length - SEAL_TAG);
    return m->seal->unlock(turn->body, early, h->stamp, bytes, h->head_length, h->body,
                           h->body_length) == 0;
}

/* An OPEN whose cookie fits: 1 when its messages are for reading. */
static int open_proved(struct mux *m, mist_time now, const uint8_t *bytes,
                       const struct wire_head *h, struct noise *n, struct mux_turn *turn,
                       struct out *out)
{
    struct link *l = link_find(m, h->id, WIRE_ID);
    bool again = l != NULL && asked_before(l, h);
    if ((l != NULL && h->stamp <= l->stamp) || (!again && opened_before(m, now, h->nonce))) {
        out_fact(out, FACT_REPLAYED, h->id, &turn->from, (int64_t)h->stamp, 0);
        return 0;
    }
    if (!again && !within_share(m, now, l, h, &turn->from, out))
        return 0;
    uint8_t early[SEAL_KEY];
    if (again)
        memcpy(early, l->opened.early, SEAL_KEY);
    bool fine = (again || read_first(m, h, n, early)) && unseal_first(m, bytes, h, early, turn);
    if (!fine)
        out_fact(out, FACT_FORGED, h->id, &turn->from, h->type, 0);
    bool late = fine && l != NULL && came_too_late(m, now, l);
    bool crossed = l != NULL && ours_goes_on(m, l);
    if (fine && !again && !late && !crossed)
        l = open_new(m, now, l, h, n, early, turn, out);
    seal_wipe(early, sizeof early);
    if (!fine || crossed || l == NULL)
        return 0;
    l->stamp = h->stamp;
    turn->link = link_handle(m, l);
    turn->accepting = !late;
    return 1;
}

int handshake_open(struct mux *m, mist_time now, const uint8_t *bytes, const struct wire_head *h,
                   struct mux_turn *turn, struct out *out)
{
    if (h->back == 0 || !link_known_id(h->id) || memcmp(h->id, m->key.open, WIRE_ID) == 0 ||
        !cookie_fits(m, now, &turn->from, h)) {
        out_fact(out, FACT_BAD_COOKIE, NULL, &turn->from, 0, 0);
        return 0;
    }
    struct noise n;
    int taken = open_proved(m, now, bytes, h, &n, turn, out);
    seal_wipe(&n, sizeof n);
    return taken;
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
    uint64_t counter = session_next(&l->session, m->seal, now);
    struct wire_head h = {.type = WIRE_ACCEPT,
                          .channel = l->tx_channel,
                          .back = l->rx_channel,
                          .counter = (uint32_t)counter,
                          .noise = l->opened.answer};
    size_t head = wire_put_head(packet, &h), n = put_hello(m, body, &turn->from);
    CHECK(head + n + turn->first_length + SEAL_TAG <= sizeof packet);
    memcpy(body + n, turn->first, turn->first_length);
    n += turn->first_length;
    session_lock(&l->session, m->seal, counter, packet + head, packet, head, body, n);
    l->last_out = now;
    link_emit(m, now, &turn->from, packet, head + n + SEAL_TAG, MIST_KIND_HANDSHAKE, out);
}
