#include "stack/meet.h"

#include <string.h>

#include "stack/check.h"
#include "stack/meet_parts.h"

#define HANGUPS 3 /* at 0, 1 and 3 s: one may be lost */

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

struct call meet_call(const struct meet *m, const struct conn *c)
{
    return (struct call){.seal = m->seal,
                         .self = m->self,
                         .name = c->key,
                         .dialer = c->dialer ? m->transport : c->peer,
                         .conversation = c->conversation};
}

void meet_wait(struct meet *m, const struct conn *c, mist_time at)
{
    timers_set(m->timers, m->first_timer + (uint32_t)(c - m->conns), at);
}

struct conn *meet_new(struct meet *m, uint8_t state, struct out *out)
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

void meet_tell(const struct conn *c, uint32_t kind, mist_time rtt, uint32_t reason, struct out *out)
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

bool meet_holds(const struct conn *c)
{
    return c->state == CONN_PROVING || c->state == CONN_UP || c->state == CONN_CLOSING;
}

/* The connection holds its link, and the relay that the link began through. */
void meet_hold(struct conn *c, uint8_t state, mist_link link, uint32_t path, mist_link relay,
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

void meet_end(struct meet *m, struct conn *c, struct out *out)
{
    if (meet_holds(c)) {
        out_pin(out, c->link, -1);
        if (c->relay_pin != 0)
            out_pin(out, c->relay_pin, -1);
    }
    meet_wait(m, c, MIST_NEVER);
    seal_wipe(&c->meeting, sizeof c->meeting);
    c->state = CONN_FREE;
}

uint32_t meet_their_id(struct meet *m)
{
    m->next_id = (m->next_id + 1) & ~MEET_THEIRS;
    return m->next_id | MEET_THEIRS;
}

static void hang_up(struct meet *m, mist_time now, struct conn *c, struct out *out)
{
    struct msg hangup = {.type = MSG_HANGUP, .request = c->conversation};
    meet_channels_end(c, 0, out);
    out_send(out, c->link, &hangup);
    c->state = CONN_CLOSING;
    if (++c->hangups == HANGUPS)
        meet_end(m, c, out);
    else
        meet_wait(m, c, now + SEC(c->hangups));
}

void meet_say(const struct conn *c, mist_link link, uint8_t type, struct out *out)
{
    struct msg m = {
        .type = type, .request = c->conversation, .bytes = c->reply, .length = c->reply_length};
    out_send(out, link, &m);
}

void meet_hang_up_on(mist_link link, uint32_t conversation, struct out *out)
{
    struct msg gone = {.type = MSG_HANGUP, .request = conversation};
    out_send(out, link, &gone);
}

void meet_timer(struct meet *m, mist_time now, uint32_t index, struct out *out)
{
    struct conn *c = &m->conns[index];
    CHECK(index < m->used && c->state != CONN_FREE);
    if (c->state == CONN_OFFERING)
        meet_offer_again(m, now, c, out);
    else if (c->state == CONN_CLOSING)
        hang_up(m, now, c, out);
    else if (c->state == CONN_MEETING)
        meet_end(m, c, out); /* the dialer offers again if it still wants to */
    else if (c->state == CONN_PROVING)
        meet_unproved(m, now, c, out);
    else if (c->lost && c->look <= now)
        meet_lost_long(m, now, c, out);
    else
        meet_channels_due(m, now, c, out);
}

void meet_link_down(struct meet *m, mist_link link, uint32_t reason, struct out *out)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (!meet_holds(c) || c->link != link)
            continue;
        meet_channels_end(c, reason, out);
        if (c->state == CONN_UP)
            meet_tell(c, MIST_EVENT_CLOSED, 0, reason, out);
        meet_end(m, c, out);
    }
}

void meet_rtt(struct meet *m, mist_link link, mist_time rtt, struct out *out)
{
    for (uint32_t i = 0; i < m->used; i++) {
        if (m->conns[i].state == CONN_UP && m->conns[i].link == link)
            meet_tell(&m->conns[i], MIST_EVENT_PATH, rtt, 0, out);
    }
}

int meet_ping(struct meet *m, mist_time now, uint32_t id, struct out *out)
{
    struct conn *c = find_conn(m, id);
    if (c == NULL)
        return MIST_ERR_UNKNOWN;
    if (c->state != CONN_UP)
        return MIST_ERR_STATE;
    c->ping = rng_u32(m->rng) | 1; /* never 0 */
    c->pinged = now;
    out_send(out, c->link, &(struct msg){.type = MSG_PING, .request = c->ping});
    return MIST_OK;
}

void meet_pong(struct meet *m, mist_time now, mist_link link, uint32_t token, struct out *out)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (c->state != CONN_UP || c->link != link || c->ping == 0 || c->ping != token)
            continue;
        c->ping = 0;
        meet_tell(c, MIST_EVENT_PONG, now - c->pinged, 0, out);
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
    struct call call = meet_call(m, c);
    if (person_proved(&c->meeting, &call, now, proof->bytes, proof->length) != 0) {
        out_fact(out, FACT_IMPOSTOR, c->peer, NULL, 0, 0);
        return;
    }
    c->state = CONN_UP;
    meet_wait(m, c, MIST_NEVER);
    meet_tell(c, MIST_EVENT_ACCEPTED, 0, 0, out);
}

void meet_payload(struct meet *m, mist_time now, mist_link link, const struct msg *payload,
                  struct out *out)
{
    uint8_t plain[WIRE_MTU];
    struct conn *c = of_link(m, link, payload->request);
    struct mist_event e = {.kind = MIST_EVENT_DATAGRAM};
    size_t length;
    uint32_t number;
    if (c == NULL)
        meet_hang_up_on(link, payload->request, out); /* the peer has not heard that it ended */
    if (c == NULL || c->state != CONN_UP)
        return; /* unproved: as if lost */
    enum session_verdict v = person_unseal(&c->meeting, m->seal, payload->counter, payload->bytes,
                                           payload->length, plain, &number, &e.bytes, &length);
    if (v != SESSION_FINE) {
        out_fact(out, v == SESSION_REPLAYED ? FACT_REPLAYED : FACT_FORGED, c->peer, NULL,
                 v == SESSION_REPLAYED ? (int64_t)payload->counter : WIRE_DATA, 0);
        return;
    }
    if (number == CHANNEL_CONTROL) {
        meet_control(m, now, c, e.bytes, length, out);
        return;
    }
    e.id = number == 0 ? c->id : meet_channel_heard(m, now, c, number, out);
    if (e.id == 0)
        return;
    e.path = c->path;
    e.length = (uint32_t)length;
    memcpy(e.peer, c->peer, WIRE_ID);
    out_event(out, &e);
}

void meet_hangup(struct meet *m, mist_time now, mist_link link, const struct msg *hangup,
                 struct out *out)
{
    struct conn *c = of_link(m, link, hangup->request);
    if (c == NULL)
        meet_gone(m, now, hangup->request);
    if (c == NULL)
        return;
    meet_channels_end(c, MIST_REASON_PEER_CLOSED, out);
    if (c->state == CONN_UP)
        meet_tell(c, MIST_EVENT_CLOSED, 0, MIST_REASON_PEER_CLOSED, out);
    meet_end(m, c, out);
}

void meet_seal(struct meet *m, mist_time now, struct conn *c, uint32_t number, const uint8_t *bytes,
               size_t length, struct out *out)
{
    uint8_t sealed[WIRE_MTU];
    struct msg payload = {.type = MSG_PAYLOAD, .request = c->conversation, .bytes = sealed};
    payload.length = (uint16_t)person_sealed(length);
    payload.counter = person_seal(&c->meeting, m->seal, now, number, bytes, length, sealed);
    out_send(out, c->link, &payload);
}

int meet_send(struct meet *m, mist_time now, uint32_t id, const uint8_t *bytes, uint32_t length,
              struct out *out)
{
    struct conn *c = find_conn(m, id);
    const struct channel *ch = c == NULL ? meet_channel(m, id, &c) : NULL;
    if (c == NULL)
        return MIST_ERR_UNKNOWN;
    if (c->state != CONN_UP || (ch != NULL && ch->state != CHANNEL_OPEN))
        return MIST_ERR_STATE;
    if (length > MIST_PAYLOAD)
        return MIST_ERR_TOO_LONG;
    meet_seal(m, now, c, ch != NULL ? ch->number : 0, bytes, length, out);
    return MIST_OK;
}

int meet_close(struct meet *m, mist_time now, uint32_t id, struct out *out)
{
    struct conn *c = find_conn(m, id);
    struct channel *ch = c == NULL ? meet_channel(m, id, &c) : NULL;
    if (c == NULL)
        return MIST_ERR_UNKNOWN;
    if (ch != NULL)
        meet_channel_close(m, now, c, ch, out);
    else if (meet_holds(c))
        hang_up(m, now, c, out);
    else
        meet_end(m, c, out);
    return MIST_OK;
}

bool meet_uses(const struct meet *m, mist_link link)
{
    for (uint32_t i = 0; i < m->used; i++) {
        if (meet_holds(&m->conns[i]) && m->conns[i].state != CONN_CLOSING &&
            m->conns[i].link == link)
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
