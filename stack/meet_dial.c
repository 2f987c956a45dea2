#include <string.h>

#include "stack/check.h"
#include "stack/meet_parts.h"

/* When the offers leave, and when the dialer gives up, after the connect.  The
 * first gaps are above the p99 round trip of personal devices (2.7 s, Seattle). */
static const mist_time offer_at[] = {0, SEC(2), SEC(5), SEC(10), SEC(20), SEC(30)};
#define OFFERS         (sizeof offer_at / sizeof offer_at[0] - 1)
#define OFFERS_UNKNOWN 3 /* the holders answer, and know of nobody: 10 s are enough */

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
    meet_wait(m, c,
              c->started + offer_at[c->offers] > now ? c->started + offer_at[c->offers] : now);
}

/* The same bytes in every repeat: Noise gives a payload one nonce, and whichever is
 * answered, the answer fits. */
static bool write_value(const struct meet *m, struct conn *c, const uint8_t *pin,
                        const struct meet_self *self)
{
    uint8_t plain[WIRE_OFFER], sealed[WIRE_OFFER];
    struct offer o = {.flags = self->flags, .nature = self->nature, .count = self->count};
    struct call call = meet_call(m, c);
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
    struct conn *c = meet_new(m, CONN_OFFERING, out);
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
    meet_tell(c, MIST_EVENT_FAILED, 0, reason, out);
    meet_end(m, c, out);
}

void meet_offer_again(struct meet *m, mist_time now, struct conn *c, struct out *out)
{
    bool unknown = c->offers >= OFFERS_UNKNOWN && c->acked > 0 && c->told == 0;
    if (c->offers < OFFERS && !unknown)
        offer(m, now, c, out);
    else
        fail(m, c,
             c->impostor_count > 0 ? MIST_REASON_WRONG_KEY
             : c->acked == 0       ? MIST_REASON_NO_HOLDER
             : c->told == 0        ? MIST_REASON_NOT_FOUND
                                   : MIST_REASON_NO_ANSWER,
             out);
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
    meet_hang_up_on(link, c->conversation, out);
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
        meet_say(c, link, MSG_PROOF, out); /* it did not arrive */
        return;
    }
    if (c == NULL || c->state != CONN_OFFERING) {
        meet_hang_up_on(link, answer->request, out);
        return;
    }
    if (is_impostor(c, link))
        return;
    struct call call = meet_call(m, c);
    if (person_prove(&c->meeting, &call, now, answer->bytes, answer->length, c->reply, &length) !=
        0) {
        meet_impostor(c, link, peer, out);
        return;
    }
    c->reply_length = (uint16_t)length;
    memcpy(c->peer, peer, WIRE_ID);
    out_effect(out, &(struct effect){.kind = EFFECT_ANSWERED, .value = (uint32_t)(c - m->conns)});
    meet_hold(c, CONN_UP, link, path, relay, out);
    meet_wait(m, c, MIST_NEVER);
    meet_say(c, link, MSG_PROOF, out);
    out_fact(out, FACT_ANSWERED, peer, NULL, now - c->started, 0);
    bool stood = up_since < c->started;
    meet_tell(c, MIST_EVENT_CONNECTED, 0, stood ? MIST_REASON_ALREADY_CONNECTED : 0, out);
}
