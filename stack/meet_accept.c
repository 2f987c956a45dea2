#include <string.h>

#include "stack/meet_parts.h"

#define MEETING_LIMIT SEC(10)
#define ANSWER_AGAIN  SEC(3) /* an answer has that long to be heard */
#define ANSWERS       5      /* at 0, 1, 3, 6 and 10 s, until the proof comes */

/* The dialer has not proved itself yet: the answer or the proof was lost. */
void meet_unproved(struct meet *m, mist_time now, struct conn *c, struct out *out)
{
    if (c->answers == ANSWERS) {
        meet_hang_up_on(c->link, c->conversation, out);
        meet_end(m, c, out);
        return;
    }
    meet_say(c, c->link, MSG_ANSWER, out);
    meet_wait(m, c, now + SEC(c->answers++));
}

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

void meet_candidate(struct conn *c, const struct candidate *candidate)
{
    for (uint32_t i = 0; i < c->candidate_count; i++) {
        if (addr_equal(&c->candidates[i].addr, &candidate->addr))
            return;
    }
    if (c->candidate_count < WIRE_CANDIDATES)
        c->candidates[c->candidate_count++] = *candidate;
}

void meet_seen(struct conn *c, const struct addr *seen)
{
    if (seen->family == ADDR_NONE || c->seen_total == UINT8_MAX)
        return;
    bool fits = false;
    for (uint32_t i = 0; i < c->claimed; i++)
        fits |= addr_same_ip(&c->candidates[i].addr, seen);
    c->seen_total++;
    c->seen_there += fits;
    if (fits)
        c->vouched = *seen;
    if (2 * c->seen_there <= c->seen_total)
        c->vouched.family = ADDR_NONE; /* most see it elsewhere */
    meet_candidate(c, &(struct candidate){*seen, CANDIDATE_TOLD});
}

void meet_open_link(struct meet *m, mist_time now, struct conn *c, struct out *out)
{
    struct effect e = {.kind = EFFECT_MEET,
                       .link = c->relays[c->relay_next],
                       .bytes = c->ticket,
                       .length = sizeof c->ticket};
    memcpy(e.contact.id, c->peer, WIRE_ID);
    c->state = CONN_MEETING;
    meet_wait(m, c, now + MEETING_LIMIT);
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

struct conn *meet_theirs(struct meet *m, const struct msg *receive, const struct call_value *value,
                         struct out *out)
{
    struct conn *c = may_accept(m, receive->peer) ? meet_new(m, CONN_MEETING, out) : NULL;
    if (c == NULL)
        return NULL;
    c->conversation = value->conversation;
    c->publication = receive->number;
    memcpy(c->key, receive->key, WIRE_ID);
    memcpy(c->peer, receive->peer, WIRE_ID);
    return c;
}

/* Reads the offer and has the answer ready; false: it is for somebody else, or nonsense. */
static bool read_value(const struct meet *m, mist_time now, struct conn *c,
                       const struct call_value *value, struct out *out)
{
    uint8_t plain[WIRE_OFFER];
    size_t length, reply;
    struct offer offer;
    struct call call = meet_call(m, c);
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
        meet_candidate(c, &offer.candidates[i]);
    c->claimed = c->candidate_count;
    return true;
}

static struct conn *accept_new(struct meet *m, mist_time now, const struct msg *receive,
                               const struct call_value *value, struct out *out)
{
    struct conn *c = meet_theirs(m, receive, value, out);
    if (c == NULL)
        return NULL;
    c->started = c->answered = now;
    if (!read_value(m, now, c, value, out)) {
        meet_end(m, c, out);
        return NULL;
    }
    c->id = meet_their_id(m);
    meet_wait(m, c, now + MEETING_LIMIT);
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
        meet_say(c, c->link, MSG_ANSWER, out);
        out_effect(out, &(struct effect){.kind = EFFECT_PING, .link = c->link});
        return;
    }
    if (c->state == CONN_PROVING)
        let_go(c, out);
    c->relay_count = c->relay_next = 0;
    add_relay(c, forwarder);
    meet_open_link(m, now, c, out);
}

void meet_offer(struct meet *m, mist_time now, mist_link forwarder, bool relays, bool again,
                mist_link standing, mist_time heard, const struct msg *receive,
                const struct call_value *value, struct out *out)
{
    struct conn *c = of_peer(m, receive->peer, value->conversation);
    bool known = c != NULL;
    if (meet_is_resume(value)) {
        if (known && relays && receive->number != c->publication)
            meet_resumed(m, c, forwarder, receive, value, out);
        else if (!known && relays && !again)
            meet_unknown(m, now, forwarder, standing, receive, value, out);
        return;
    }
    if (!known && !again) /* a copy of one that was refused, or is over, is not looked at */
        c = accept_new(m, now, receive, value, out);
    if (c == NULL)
        return;
    meet_seen(c, &receive->addr);
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
        meet_say(c, standing, MSG_ANSWER, out);
    } else if (relays && c->relay_count == 1) {
        meet_open_link(m, now, c, out);
    }
}

size_t meet_first(const struct meet *m, const uint8_t peer[WIRE_ID], uint32_t lag_us,
                  const struct meet_self *self, uint8_t *buffer, size_t size)
{
    size_t length = 0;
    bool bare = false;
    for (uint32_t i = 0; i < m->used; i++) {
        const struct conn *c = &m->conns[i];
        if (c->state != CONN_MEETING || memcmp(c->peer, peer, WIRE_ID) != 0)
            continue;
        bare |= c->unknown;
        struct msg answer = {.type = c->unknown ? MSG_HANGUP : MSG_ANSWER,
                             .request = c->conversation,
                             .bytes = c->reply,
                             .length = c->reply_length};
        length += wire_put(buffer + length, size - length, &answer);
    }
    if (length == 0 || bare)
        return length;
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
        if (c->unknown) {
            meet_end(m, c, out); /* it was said in OPEN, or is about to be */
            continue;
        }
        meet_hold(c, CONN_PROVING, link, path, relay, out);
        c->answers = 1; /* in OPEN, or about to be sent */
        meet_wait(m, c, now + SEC(1));
        struct effect e = {.kind = EFFECT_PUNCH,
                           .link = link,
                           .addr = c->vouched,
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
            meet_end(m, c, out);
    }
}
