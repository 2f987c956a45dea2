#include "stack/meet.h"

#include <string.h>

#include "stack/check.h"

/* When the offers leave, and when the dialer gives up, after the connect.  The
 * first gaps are above the p99 round trip of personal devices (2.7 s, Seattle). */
static const mist_time offer_at[] = {0, SEC(2), SEC(5), SEC(10), SEC(20), SEC(30)};
#define OFFERS         (sizeof offer_at / sizeof offer_at[0] - 1)
#define OFFERS_UNKNOWN 3 /* the holders answer, and know of nobody: 10 s are enough */
#define MEETING_LIMIT  SEC(10)
#define ANSWER_AGAIN   SEC(3) /* an answer has that long to be heard */
#define HANGUPS        3      /* at 0, 1 and 3 s: one may be lost */
#define ANSWERS        5      /* at 0, 1, 3, 6 and 10 s, until the proof comes */

size_t meet_size(uint32_t conns)
{
    return conns * sizeof(struct conn);
}

void meet_init(struct meet *m, void *memory, uint32_t conns, struct rng *rng, struct timers *timers,
               uint32_t first_timer)
{
    m->conns = memory;
    m->limit = conns;
    m->rng = rng;
    m->timers = timers;
    m->first_timer = first_timer;
}

void meet_as(struct meet *m, const struct seal_suite *seal, const struct person *self,
             const uint8_t *transport)
{
    m->seal = seal;
    m->self = self;
    m->transport = transport;
}

static struct call call_of(const struct meet *m, const struct conn *c)
{
    return (struct call){.seal = m->seal,
                         .self = m->self,
                         .name = c->key,
                         .dialer = c->dialer ? m->transport : c->peer,
                         .conversation = c->conversation};
}

static void set_timer(struct meet *m, const struct conn *c, mist_time at)
{
    timers_set(m->timers, m->first_timer + (uint32_t)(c - m->conns), at);
}

static struct conn *conn_new(struct meet *m, uint8_t state, struct out *out)
{
    uint32_t i = 0;
    while (i < m->limit && m->conns[i].state != CONN_FREE)
        i++;
    if (i == m->limit) {
        out_fact(out, FACT_TABLE_FULL, NULL, NULL, 5, m->limit);
        return NULL;
    }
    if (i >= m->used)
        m->used = i + 1;
    memset(&m->conns[i], 0, sizeof m->conns[i]);
    m->conns[i].state = state;
    return &m->conns[i];
}

static struct conn *find_conn(const struct meet *m, uint32_t id)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (c->state != CONN_FREE && c->state != CONN_CLOSING && c->id == id)
            return c;
    }
    return NULL;
}

const struct conn *meet_find(const struct meet *m, uint32_t id)
{
    return find_conn(m, id);
}

static void tell(const struct conn *c, uint32_t kind, mist_time rtt, uint32_t reason,
                 struct out *out)
{
    struct mist_event e = {
        .kind = kind, .id = c->id, .path = c->path, .reason = reason, .rtt = rtt};
    memcpy(e.peer, c->peer, WIRE_ID);
    if (kind == MIST_EVENT_CONNECTED || kind == MIST_EVENT_ACCEPTED) {
        e.bytes = c->meeting.peer;
        e.length = WIRE_ID;
    }
    out_event(out, &e);
}

static bool holds(const struct conn *c)
{
    return c->state == CONN_PROVING || c->state == CONN_UP || c->state == CONN_CLOSING;
}

/* The connection holds its link, and the relay that the link began through. */
static void hold(struct conn *c, uint8_t state, mist_link link, uint32_t path, mist_link relay,
                 struct out *out)
{
    c->state = state;
    c->link = link;
    c->path = path;
    c->relay_pin = relay;
    out_pin(out, link, 1);
    if (relay != 0)
        out_pin(out, relay, 1);
}

static void end(struct meet *m, struct conn *c, struct out *out)
{
    if (holds(c)) {
        out_pin(out, c->link, -1);
        if (c->relay_pin != 0)
            out_pin(out, c->relay_pin, -1);
    }
    set_timer(m, c, MIST_NEVER);
    seal_wipe(&c->meeting, sizeof c->meeting);
    c->state = CONN_FREE;
}

static void hang_up(struct meet *m, mist_time now, struct conn *c, struct out *out)
{
    struct msg hangup = {.type = MSG_HANGUP, .request = c->conversation};
    out_send(out, c->link, &hangup);
    c->state = CONN_CLOSING;
    if (++c->hangups == HANGUPS)
        end(m, c, out);
    else
        set_timer(m, c, now + SEC(c->hangups));
}

/* ---- the dialer ---- */

static void offer(struct meet *m, mist_time now, struct conn *c, struct out *out)
{
    c->offers++;
    out_fact(out, FACT_OFFER_SENT, NULL, NULL, c->acked, c->offers);
    struct effect e = {.kind = EFFECT_PUBLISH,
                       .value = (uint32_t)(c - m->conns),
                       .bytes = c->value,
                       .length = c->value_length};
    memcpy(e.key, c->key, WIRE_ID);
    out_effect_copy(out, &e);
    set_timer(m, c,
              c->started + offer_at[c->offers] > now ? c->started + offer_at[c->offers] : now);
}

/* The same bytes in every repeat: Noise gives a payload one nonce, and whichever is
 * answered, the answer fits. */
static bool write_value(const struct meet *m, struct conn *c, const uint8_t *pin,
                        const struct meet_self *self)
{
    uint8_t plain[WIRE_OFFER], sealed[WIRE_OFFER];
    struct offer o = {.flags = self->flags, .nature = self->nature, .count = self->count};
    struct call call = call_of(m, c);
    memcpy(o.candidates, self->candidates, sizeof o.candidates);
    memcpy(o.ticket, self->ticket, sizeof o.ticket);
    struct call_value value = {.conversation = c->conversation, .bytes = sealed};
    value.length = person_offer(&c->meeting, &call, pin, m->rng, plain,
                                wire_put_offer(plain, sizeof plain, &o), sealed, sizeof sealed);
    if (value.length == 0)
        return false;
    c->value_length = (uint16_t)wire_put_call(c->value, sizeof c->value, &value);
    CHECK(c->value_length > 0);
    return true;
}

int meet_connect(struct meet *m, mist_time now, uint32_t id, const uint8_t key[WIRE_ID],
                 const uint8_t *pin, const struct meet_self *self, struct out *out)
{
    if (id == 0 || id >= MEET_THEIRS || meet_find(m, id) != NULL)
        return MIST_ERR_ARGUMENT;
    struct conn *c = conn_new(m, CONN_OFFERING, out);
    if (c == NULL)
        return MIST_ERR_FULL;
    c->id = id;
    c->dialer = true;
    c->conversation = rng_u32(m->rng);
    c->started = now;
    memcpy(c->key, key, WIRE_ID);
    if (!write_value(m, c, pin, self)) {
        c->state = CONN_FREE;
        return MIST_ERR_ARGUMENT; /* the pin is nobody's key */
    }
    offer(m, now, c, out);
    return MIST_OK;
}

void meet_published(struct meet *m, uint32_t index, uint32_t acked, uint32_t told)
{
    struct conn *c = &m->conns[index];
    if (index >= m->used || c->state != CONN_OFFERING)
        return;
    c->acked = acked > c->acked ? acked : c->acked;
    c->told = told > c->told ? told : c->told;
}

static void fail(struct meet *m, struct conn *c, uint32_t reason, struct out *out)
{
    tell(c, MIST_EVENT_FAILED, 0, reason, out);
    end(m, c, out);
}

static void say(const struct conn *c, mist_link link, uint8_t type, struct out *out)
{
    struct msg m = {
        .type = type, .request = c->conversation, .bytes = c->reply, .length = c->reply_length};
    out_send(out, link, &m);
}

static void hang_up_on(mist_link link, uint32_t conversation, struct out *out)
{
    struct msg gone = {.type = MSG_HANGUP, .request = conversation};
    out_send(out, link, &gone);
}

/* The dialer has not proved itself yet: the answer or the proof was lost. */
static void unproved(struct meet *m, mist_time now, struct conn *c, struct out *out)
{
    if (c->answers == ANSWERS) {
        hang_up_on(c->link, c->conversation, out);
        end(m, c, out);
        return;
    }
    say(c, c->link, MSG_ANSWER, out);
    set_timer(m, c, now + SEC(c->answers++));
}

void meet_timer(struct meet *m, mist_time now, uint32_t index, struct out *out)
{
    struct conn *c = &m->conns[index];
    CHECK(index < m->used && c->state != CONN_FREE);
    bool unknown = c->offers >= OFFERS_UNKNOWN && c->acked > 0 && c->told == 0;
    if (c->state == CONN_OFFERING && c->offers < OFFERS && !unknown)
        offer(m, now, c, out);
    else if (c->state == CONN_OFFERING)
        fail(m, c,
             c->impostor_count > 0 ? MIST_REASON_WRONG_KEY
             : c->acked == 0       ? MIST_REASON_NO_HOLDER
             : c->told == 0        ? MIST_REASON_NOT_FOUND
                                   : MIST_REASON_NO_ANSWER,
             out);
    else if (c->state == CONN_CLOSING)
        hang_up(m, now, c, out);
    else if (c->state == CONN_MEETING)
        end(m, c, out); /* the dialer offers again if it still wants to */
    else if (c->state == CONN_PROVING)
        unproved(m, now, c, out);
}

/* Somebody answered who is not whom the call is for. */
static void meet_impostor(struct conn *c, mist_link link, const uint8_t *peer, struct out *out)
{
    struct mist_event e = {.kind = MIST_EVENT_IMPOSTOR, .id = c->id};
    memcpy(e.peer, peer, WIRE_ID);
    c->impostors[c->impostor_count++ % MEET_IMPOSTORS] = link;
    if (c->impostor_count == 0) /* 256 of them: the count starts over, but not at none */
        c->impostor_count = MEET_IMPOSTORS;
    out_fact(out, FACT_IMPOSTOR, peer, NULL, c->impostor_count, 0);
    out_event(out, &e);
    hang_up_on(link, c->conversation, out);
}

static bool is_impostor(const struct conn *c, mist_link link)
{
    for (uint32_t i = 0; i < MEET_IMPOSTORS; i++) {
        if (c->impostors[i] == link)
            return true;
    }
    return false;
}

static struct conn *of_dialer(const struct meet *m, uint32_t conversation)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (c->state != CONN_FREE && c->dialer && c->conversation == conversation)
            return c;
    }
    return NULL;
}

void meet_answer(struct meet *m, mist_time now, mist_link link, const uint8_t peer[WIRE_ID],
                 const struct msg *answer, uint32_t path, mist_link relay, mist_time up_since,
                 struct out *out)
{
    struct conn *c = of_dialer(m, answer->request);
    size_t length;
    if (c != NULL && c->state == CONN_UP && c->link == link) {
        say(c, link, MSG_PROOF, out); /* it did not arrive */
        return;
    }
    if (c == NULL || c->state != CONN_OFFERING) {
        hang_up_on(link, answer->request, out);
        return;
    }
    if (is_impostor(c, link))
        return;
    struct call call = call_of(m, c);
    if (person_prove(&c->meeting, &call, now, answer->bytes, answer->length, c->reply, &length) !=
        0) {
        meet_impostor(c, link, peer, out);
        return;
    }
    c->reply_length = (uint16_t)length;
    memcpy(c->peer, peer, WIRE_ID);
    out_effect(out, &(struct effect){.kind = EFFECT_ANSWERED, .value = (uint32_t)(c - m->conns)});
    hold(c, CONN_UP, link, path, relay, out);
    set_timer(m, c, MIST_NEVER);
    say(c, link, MSG_PROOF, out);
    out_fact(out, FACT_ANSWERED, peer, NULL, now - c->started, 0);
    bool stood = up_since < c->started;
    tell(c, MIST_EVENT_CONNECTED, 0, stood ? MIST_REASON_ALREADY_CONNECTED : 0, out);
}

/* ---- the acceptor ---- */

static struct conn *of_peer(const struct meet *m, const uint8_t *peer, uint32_t conversation)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (c->state != CONN_FREE && !c->dialer && c->conversation == conversation &&
            memcmp(c->peer, peer, WIRE_ID) == 0)
            return c;
    }
    return NULL;
}

static void add_relay(struct conn *c, mist_link relay)
{
    for (uint32_t i = 0; i < c->relay_count; i++) {
        if (c->relays[i] == relay)
            return;
    }
    if (c->relay_count < MEET_RELAYS)
        c->relays[c->relay_count++] = relay;
}

static void add_candidate(struct conn *c, const struct candidate *candidate)
{
    for (uint32_t i = 0; i < c->candidate_count; i++) {
        if (addr_equal(&c->candidates[i].addr, &candidate->addr))
            return;
    }
    if (c->candidate_count < WIRE_CANDIDATES)
        c->candidates[c->candidate_count++] = *candidate;
}

static void open_link(struct meet *m, mist_time now, struct conn *c, struct out *out)
{
    struct effect e = {.kind = EFFECT_MEET,
                       .link = c->relays[c->relay_next],
                       .bytes = c->ticket,
                       .length = sizeof c->ticket};
    memcpy(e.contact.id, c->peer, WIRE_ID);
    c->state = CONN_MEETING;
    set_timer(m, c, now + MEETING_LIMIT);
    out_effect_copy(out, &e);
}

/* One peer, and all peers together, leave room for others and for this node. */
static bool may_accept(const struct meet *m, const uint8_t *peer)
{
    uint32_t theirs = 0, accepted = 0;
    for (uint32_t i = 0; i < m->used; i++) {
        const struct conn *c = &m->conns[i];
        if (c->state == CONN_FREE || c->dialer)
            continue;
        accepted++;
        theirs += memcmp(c->peer, peer, WIRE_ID) == 0;
    }
    return theirs < MEET_PER_PEER && accepted < m->limit / 2;
}

/* Reads the offer and has the answer ready; false: it is for somebody else, or nonsense. */
static bool read_value(const struct meet *m, mist_time now, struct conn *c,
                       const struct call_value *value, struct out *out)
{
    uint8_t plain[WIRE_OFFER];
    size_t length, reply;
    struct offer offer;
    struct call call = call_of(m, c);
    if (person_answer(&c->meeting, &call, m->rng, now, value->bytes, value->length, plain,
                      sizeof plain, &length, c->reply, &reply) != 0 ||
        wire_take_offer(plain, length, &offer) != 0) {
        out_fact(out, FACT_OFFER_REFUSED, c->peer, NULL, 0, 0);
        return false;
    }
    c->reply_length = (uint16_t)reply;
    memcpy(c->ticket, offer.ticket, sizeof c->ticket);
    c->nature = offer.nature;
    for (uint32_t i = 0; i < offer.count; i++)
        add_candidate(c, &offer.candidates[i]);
    return true;
}

static struct conn *accept_new(struct meet *m, mist_time now, const struct msg *receive,
                               const struct call_value *value, struct out *out)
{
    struct conn *c = may_accept(m, receive->peer) ? conn_new(m, CONN_MEETING, out) : NULL;
    if (c == NULL)
        return NULL;
    c->conversation = value->conversation;
    c->publication = receive->number;
    c->started = c->answered = now;
    memcpy(c->key, receive->key, WIRE_ID);
    memcpy(c->peer, receive->peer, WIRE_ID);
    if (!read_value(m, now, c, value, out)) {
        end(m, c, out);
        return NULL;
    }
    m->next_id = (m->next_id + 1) & ~MEET_THEIRS;
    c->id = m->next_id | MEET_THEIRS;
    set_timer(m, c, now + MEETING_LIMIT);
    return c;
}

/* The link is given up, the connection is not. */
static void let_go(struct conn *c, struct out *out)
{
    out_pin(out, c->link, -1);
    if (c->relay_pin != 0)
        out_pin(out, c->relay_pin, -1);
    c->state = CONN_MEETING;
    out_effect(out, &(struct effect){.kind = EFFECT_FORSAKE, .link = c->link});
    c->link = c->relay_pin = 0;
}

/* The offer came again although we answered: the answer did not arrive.  A link
 * that was heard since only needs another; one that was not is met anew. */
static void answer_again(struct meet *m, mist_time now, struct conn *c, mist_link forwarder,
                         mist_time heard, struct out *out)
{
    if (c->state == CONN_CLOSING || now - c->answered < ANSWER_AGAIN)
        return;
    bool alive = c->state == CONN_PROVING && heard > c->answered;
    c->answered = now;
    if (c->state == CONN_UP || alive) { /* who proved itself was answered: anybody repeats offers */
        say(c, c->link, MSG_ANSWER, out);
        out_effect(out, &(struct effect){.kind = EFFECT_PING, .link = c->link});
        return;
    }
    if (c->state == CONN_PROVING)
        let_go(c, out);
    c->relay_count = c->relay_next = 0;
    add_relay(c, forwarder);
    open_link(m, now, c, out);
}

void meet_offer(struct meet *m, mist_time now, mist_link forwarder, bool relays, bool again,
                mist_link standing, mist_time heard, const struct msg *receive,
                const struct call_value *value, struct out *out)
{
    struct conn *c = of_peer(m, receive->peer, value->conversation);
    bool known = c != NULL;
    if (!known && !again) /* a copy of one that was refused, or is over, is not looked at */
        c = accept_new(m, now, receive, value, out);
    if (c == NULL)
        return;
    if (receive->addr.family != ADDR_NONE)
        add_candidate(c, &(struct candidate){receive->addr, CANDIDATE_SEEN});
    if (known && receive->number != c->publication && relays) {
        c->publication = receive->number;
        answer_again(m, now, c, forwarder, heard, out);
        return;
    }
    if (relays)
        add_relay(c, forwarder);
    if (c->state != CONN_MEETING || c->link != 0)
        return;
    if (standing != 0) {
        c->link = standing;
        meet_link_up(m, now, c->peer, standing, MIST_PATH_NONE, 0, out);
        say(c, standing, MSG_ANSWER, out);
    } else if (relays && c->relay_count == 1) {
        open_link(m, now, c, out);
    }
}

size_t meet_first(const struct meet *m, const uint8_t peer[WIRE_ID], uint32_t lag_us,
                  const struct meet_self *self, uint8_t *buffer, size_t size)
{
    size_t length = 0;
    for (uint32_t i = 0; i < m->used; i++) {
        const struct conn *c = &m->conns[i];
        if (c->state != CONN_MEETING || memcmp(c->peer, peer, WIRE_ID) != 0)
            continue;
        struct msg answer = {.type = MSG_ANSWER,
                             .request = c->conversation,
                             .bytes = c->reply,
                             .length = c->reply_length};
        length += wire_put(buffer + length, size - length, &answer);
    }
    if (length == 0)
        return 0;
    struct msg where = {.type = MSG_MEET,
                        .flags = self->flags,
                        .lag_us = lag_us,
                        .nature = self->nature,
                        .count = self->count,
                        .candidates = self->candidates};
    return length + wire_put(buffer + length, size - length, &where);
}

mist_link meet_alternate(struct meet *m, const uint8_t peer[WIRE_ID])
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (c->state == CONN_MEETING && memcmp(c->peer, peer, WIRE_ID) == 0 &&
            c->relay_next + 1 < c->relay_count)
            return c->relays[++c->relay_next];
    }
    return 0;
}

void meet_link_up(struct meet *m, mist_time now, const uint8_t peer[WIRE_ID], mist_link link,
                  uint32_t path, mist_link relay, struct out *out)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (c->state != CONN_MEETING || memcmp(c->peer, peer, WIRE_ID) != 0)
            continue;
        hold(c, CONN_PROVING, link, path, relay, out);
        c->answers = 1; /* in OPEN, or about to be sent */
        set_timer(m, c, now + SEC(1));
        struct effect e = {.kind = EFFECT_PUNCH,
                           .link = link,
                           .value = c->candidate_count,
                           .nature = c->nature,
                           .length = (uint32_t)(c->candidate_count * sizeof c->candidates[0]),
                           .bytes = (const uint8_t *)c->candidates};
        out_effect_copy(out, &e);
    }
}

void meet_link_failed(struct meet *m, const uint8_t peer[WIRE_ID], struct out *out)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (c->state == CONN_MEETING && memcmp(c->peer, peer, WIRE_ID) == 0)
            end(m, c, out);
    }
}

/* ---- both ---- */

void meet_link_down(struct meet *m, mist_link link, uint32_t reason, struct out *out)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (!holds(c) || c->link != link)
            continue;
        if (c->state == CONN_UP)
            tell(c, MIST_EVENT_CLOSED, 0, reason, out);
        end(m, c, out);
    }
}

void meet_rtt(struct meet *m, mist_link link, mist_time rtt, struct out *out)
{
    for (uint32_t i = 0; i < m->used; i++) {
        if (m->conns[i].state == CONN_UP && m->conns[i].link == link)
            tell(&m->conns[i], MIST_EVENT_PATH, rtt, 0, out);
    }
}

void meet_path(struct meet *m, mist_link link, uint32_t path, mist_time rtt, struct out *out)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if ((c->state != CONN_UP && c->state != CONN_PROVING) || c->link != link)
            continue;
        c->path = path;
        if (c->state == CONN_UP)
            tell(c, MIST_EVENT_PATH, rtt, 0, out);
    }
}

static struct conn *of_link(const struct meet *m, mist_link link, uint32_t conversation)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if ((c->state == CONN_UP || c->state == CONN_PROVING) && c->link == link &&
            c->conversation == conversation)
            return c;
    }
    return NULL;
}

void meet_proof(struct meet *m, mist_time now, mist_link link, const struct msg *proof,
                struct out *out)
{
    struct conn *c = of_link(m, link, proof->request);
    if (c == NULL || c->state != CONN_PROVING)
        return;
    struct call call = call_of(m, c);
    if (person_proved(&c->meeting, &call, now, proof->bytes, proof->length) != 0) {
        out_fact(out, FACT_IMPOSTOR, c->peer, NULL, 0, 0);
        return;
    }
    c->state = CONN_UP;
    set_timer(m, c, MIST_NEVER);
    tell(c, MIST_EVENT_ACCEPTED, 0, 0, out);
}

void meet_payload(struct meet *m, mist_link link, const struct msg *payload, struct out *out)
{
    uint8_t plain[WIRE_MTU];
    struct conn *c = of_link(m, link, payload->request);
    struct mist_event e = {.kind = MIST_EVENT_DATAGRAM};
    size_t length;
    if (c == NULL)
        hang_up_on(link, payload->request, out); /* the peer has not heard that it ended */
    if (c == NULL || c->state != CONN_UP)
        return; /* unproved: as if lost */
    enum session_verdict v = person_unseal(&c->meeting, m->seal, payload->counter, payload->bytes,
                                           payload->length, plain, &e.bytes, &length);
    if (v != SESSION_FINE) {
        out_fact(out, v == SESSION_REPLAYED ? FACT_REPLAYED : FACT_FORGED, c->peer, NULL,
                 v == SESSION_REPLAYED ? (int64_t)payload->counter : WIRE_DATA, 0);
        return;
    }
    e.id = c->id;
    e.path = c->path;
    e.length = (uint32_t)length;
    memcpy(e.peer, c->peer, WIRE_ID);
    out_event(out, &e);
}

void meet_hangup(struct meet *m, mist_link link, const struct msg *hangup, struct out *out)
{
    struct conn *c = of_link(m, link, hangup->request);
    if (c == NULL)
        return;
    if (c->state == CONN_UP)
        tell(c, MIST_EVENT_CLOSED, 0, MIST_REASON_PEER_CLOSED, out);
    end(m, c, out);
}

int meet_send(struct meet *m, mist_time now, uint32_t id, const uint8_t *bytes, uint32_t length,
              struct out *out)
{
    uint8_t sealed[WIRE_MTU];
    struct conn *c = find_conn(m, id);
    if (c == NULL)
        return MIST_ERR_UNKNOWN;
    if (c->state != CONN_UP)
        return MIST_ERR_STATE;
    if (length > MIST_PAYLOAD)
        return MIST_ERR_TOO_LONG;
    struct msg payload = {.type = MSG_PAYLOAD, .request = c->conversation, .bytes = sealed};
    payload.length = (uint16_t)person_sealed(length);
    payload.counter = person_seal(&c->meeting, m->seal, now, bytes, length, sealed);
    out_send(out, c->link, &payload);
    return MIST_OK;
}

int meet_close(struct meet *m, mist_time now, uint32_t id, struct out *out)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (c->state == CONN_FREE || c->state == CONN_CLOSING || c->id != id)
            continue;
        if (holds(c))
            hang_up(m, now, c, out);
        else
            end(m, c, out);
        return MIST_OK;
    }
    return MIST_ERR_UNKNOWN;
}

bool meet_uses(const struct meet *m, mist_link link)
{
    for (uint32_t i = 0; i < m->used; i++) {
        if (holds(&m->conns[i]) && m->conns[i].state != CONN_CLOSING && m->conns[i].link == link)
            return true;
    }
    return false;
}

uint32_t meet_memory(const struct meet *m, struct mist_memory *array, uint32_t n)
{
    if (n < 1)
        return 0;
    array[0] = (struct mist_memory){"connections", sizeof(struct conn), m->limit, m->used};
    return 1;
}
