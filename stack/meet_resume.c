/* meet_resume.c: a connection whose link has lost its path is not given up while the
 * peer can be found by its name.
 *
 *     dialer                  holders of the name             acceptor
 *       | PUBLISH(call back) ------> | RECEIVE(call back, seen) -> |
 *       | <====== the link's own datagrams, through that holder === |
 *
 * The call back is sealed by the session of the two persons, so that nobody else can
 * move the connection and none is of use twice.  Persons, link and their keys stay. */
#include <string.h>

#include "stack/check.h"
#include "stack/meet_parts.h"

/* When the dialer calls back, after the loss: a path that both ends lost because one of
 * them moved is found by the first; an overlay that was cut in two needs tens of seconds. */
static const mist_time call_at[] = {0,       SEC(2),  SEC(5),  SEC(10), SEC(20),
                                    SEC(30), SEC(45), SEC(60), SEC(75), SEC(90)};
#define CALLS        (sizeof call_at / sizeof call_at[0] - 1)
#define GIVE_UP      call_at[CALLS]
#define GONE         SEC(3) /* for the person to answer when another of that name says it cannot */
#define COUNTER_SIZE 4
#define HEAD         (1 + WIRE_COOKIE + COUNTER_SIZE) /* what it is, the ticket, the counter */

bool meet_lost(struct meet *m, mist_time now, mist_link link, struct out *out)
{
    bool held = false;
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (c->state != CONN_UP || c->link != link)
            continue;
        held = true;
        if (c->lost)
            continue;
        c->lost = true;
        c->gone = false;
        c->calls = 0;
        c->started = now;
        c->path = MIST_PATH_NONE;
        c->look = c->dialer ? now : now + GIVE_UP;
        meet_wait_up(m, c);
        meet_tell(c, MIST_EVENT_PATH, 0, MIST_REASON_PATH_LOST, out);
    }
    return held;
}

void meet_lost_long(struct meet *m, mist_time now, struct conn *c, struct out *out)
{
    if (c->gone || now - c->started >= GIVE_UP) {
        uint32_t reason = c->gone ? MIST_REASON_PEER_CLOSED : MIST_REASON_PATH_LOST;
        meet_channels_end(c, reason, out);
        meet_tell(c, MIST_EVENT_CLOSED, 0, reason, out);
        meet_end(m, c, out);
        return;
    }
    c->calls++;
    c->look = c->started + call_at[c->calls];
    meet_wait_up(m, c);
    out_effect(out, &(struct effect){.kind = EFFECT_RESUME, .value = (uint32_t)(c - m->conns)});
}

void meet_resume(struct meet *m, mist_time now, uint32_t index, const struct meet_self *self,
                 struct out *out)
{
    struct conn *c = &m->conns[index];
    CHECK(index < m->used && c->state == CONN_UP && c->dialer && c->lost);
    uint8_t plain[WIRE_OFFER], bytes[WIRE_VALUE], value[WIRE_VALUE];
    struct offer o = {.flags = self->flags, .nature = self->nature, .count = self->count};
    memcpy(o.candidates, self->candidates, sizeof o.candidates);
    size_t length = wire_put_offer(plain, sizeof plain, &o);
    size_t sealed = person_sealed(length);
    CHECK(length > 0 && HEAD + sealed <= sizeof bytes);
    bytes[0] = WIRE_RESUME;
    memcpy(bytes + 1, self->ticket, WIRE_COOKIE); /* in clear: for who knows the name, not us */
    uint32_t counter =
        person_seal(&c->meeting, m->seal, now, CHANNEL_CONTROL, plain, length, bytes + HEAD);
    for (int i = 0; i < COUNTER_SIZE; i++)
        bytes[1 + WIRE_COOKIE + i] = (uint8_t)(counter >> (8 * (COUNTER_SIZE - 1 - i)));
    struct call_value call = {
        .conversation = c->conversation, .bytes = bytes, .length = HEAD + sealed};
    out_fact(out, FACT_CALLED_BACK, c->peer, NULL, c->calls, now - c->started);
    struct effect e = {.kind = EFFECT_PUBLISH,
                       .value = index,
                       .bytes = value,
                       .length = (uint32_t)wire_put_call(value, sizeof value, &call)};
    CHECK(e.length > 0);
    memcpy(e.key, c->key, WIRE_ID);
    out_effect_copy(out, &e);
}

bool meet_is_resume(const struct call_value *value)
{
    return value->length > 0 && value->bytes[0] == WIRE_RESUME;
}

/* Whether the dialer said it, and what; false: a fact tells why not. */
static bool unseal(const struct meet *m, struct conn *c, const struct call_value *value,
                   struct offer *offer, struct out *out)
{
    static const uint8_t no_ticket[WIRE_COOKIE];
    uint8_t plain[WIRE_VALUE];
    const uint8_t *body;
    size_t length;
    uint32_t channel, counter = 0;
    if (value->length < HEAD || value->length > sizeof plain)
        return false;
    for (size_t i = 1 + WIRE_COOKIE; i < HEAD; i++)
        counter = counter << 8 | value->bytes[i];
    enum session_verdict v = person_unseal(&c->meeting, m->seal, counter, value->bytes + HEAD,
                                           value->length - HEAD, plain, &channel, &body, &length);
    if (v != SESSION_FINE)
        out_fact(out, v == SESSION_REPLAYED ? FACT_REPLAYED : FACT_FORGED, c->peer, NULL, counter,
                 0);
    /* Nothing else on that channel begins with zeros: a word of the talk is no call back. */
    return v == SESSION_FINE && channel == CHANNEL_CONTROL && length > WIRE_COOKIE &&
           memcmp(body, no_ticket, WIRE_COOKIE) == 0 && wire_take_offer(body, length, offer) == 0;
}

void meet_resumed(struct meet *m, struct conn *c, mist_link forwarder, const struct msg *receive,
                  const struct call_value *value, struct out *out)
{
    struct offer offer;
    if (c->state != CONN_UP || c->dialer || !unseal(m, c, value, &offer, out))
        return;
    c->publication = receive->number; /* its other copies say the same */
    c->candidate_count = 0;
    for (uint32_t i = 0; i < offer.count; i++)
        meet_candidate(c, &offer.candidates[i]);
    c->claimed = c->candidate_count;
    c->vouched.family = ADDR_NONE;
    c->seen_total = c->seen_there = 0;
    meet_seen(c, &receive->addr);
    c->nature = offer.nature;
    struct effect e = {.kind = EFFECT_RESUMED,
                       .link = c->link,
                       .number = forwarder,
                       .addr = c->vouched,
                       .value = c->candidate_count,
                       .nature = c->nature,
                       .length = (uint32_t)(c->candidate_count * sizeof c->candidates[0]),
                       .bytes = (const uint8_t *)c->candidates};
    out_effect_copy(out, &e);
}

void meet_unknown(struct meet *m, mist_time now, mist_link forwarder, mist_link standing,
                  const struct msg *receive, const struct call_value *value, struct out *out)
{
    if (value->length < HEAD)
        return;
    if (standing != 0) {
        meet_hang_up_on(standing, value->conversation, out);
        return;
    }
    struct conn *c = meet_theirs(m, receive, value, out);
    if (c == NULL)
        return;
    c->unknown = true;
    memcpy(c->ticket, value->bytes + 1, WIRE_COOKIE);
    c->relays[c->relay_count++] = forwarder;
    meet_open_link(m, now, c, out);
}

void meet_gone(struct meet *m, mist_time now, uint32_t conversation)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (c->state != CONN_UP || !c->dialer || !c->lost || c->gone ||
            c->conversation != conversation)
            continue;
        c->gone = true;
        c->look = now + GONE;
        meet_wait_up(m, c);
    }
}

void meet_path(struct meet *m, mist_link link, uint32_t path, mist_link relay, mist_time rtt,
               struct out *out)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if ((c->state != CONN_UP && c->state != CONN_PROVING) || c->link != link)
            continue;
        c->path = path;
        if (relay != 0 && relay != c->relay_pin) {
            if (c->relay_pin != 0)
                out_pin(out, c->relay_pin, -1);
            c->relay_pin = relay;
            out_pin(out, relay, 1);
        }
        if (c->lost) {
            c->lost = false;
            meet_wait_up(m, c);
            out_fact(out, FACT_RESUMED, c->peer, NULL, path, 0);
        }
        if (c->state == CONN_UP)
            meet_tell(c, MIST_EVENT_PATH, rtt, 0, out);
    }
}
