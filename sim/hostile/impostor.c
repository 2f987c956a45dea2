/* impostor.c: introducers and relays that play false with full knowledge of the protocol.
 *
 * Linked before the core's own objects into build/libmist-impostor.so, it stands between
 * node.c and messages_take (ld --wrap): the core itself has no line of it.  The host joins,
 * keeps contacts and holds subscriptions as an honest one does, and
 *
 *   - answers at once each offer that it is to introduce, in the name that was called:
 *     with its own person where the offer lets it (XX), else with a made-up key (IK);
 *   - keeps half of the offers from the one that they are for;
 *   - puts a key of its own into each handshake that it relays, and bends what follows.
 *
 * Which half: by a bit of the offer, so that all copies of an offer fare alike at a host. */
#include <string.h>

#include "stack/node.h"

void __real_messages_take(struct mist *n, mist_time now, const struct mux_turn *turn);
void __wrap_messages_take(struct mist *n, mist_time now, const struct mux_turn *turn);

#define OPEN_NOISE 10 /* where the ephemeral key stands in OPEN */

static bool answer_offer(struct mist *n, mist_time now, const struct call_value *offer,
                         const struct call *call, uint8_t answer[WIRE_ANSWER], size_t *length)
{
    struct meeting meeting;
    uint8_t plain[WIRE_OFFER];
    size_t plain_length;
    if (person_answer(&meeting, call, &n->rng, now, offer->bytes, offer->length, plain,
                      sizeof plain, &plain_length, answer, length) == 0)
        return true;
    if (offer->length == 0 || offer->bytes[0] != NOISE_IK)
        return false;
    *length = noise_overhead(NOISE_IK, 1);
    rng_bytes(&n->rng, answer, *length);
    return true;
}

/* In the name of whoever was called. */
static void impersonate(struct mist *n, mist_time now, const struct mux_turn *turn,
                        const struct msg *publish)
{
    struct call_value offer;
    struct link_view dialer;
    uint8_t answer[WIRE_ANSWER];
    size_t length;
    if (wire_take_call(publish->bytes, publish->length, &offer) != 0 ||
        !mux_view(n->mux, turn->link, &dialer))
        return;
    node_person(n);
    struct call call = {.seal = n->meet.seal,
                        .self = &n->person,
                        .name = publish->key,
                        .dialer = dialer.id,
                        .conversation = offer.conversation};
    if (!answer_offer(n, now, &offer, &call, answer, &length))
        return;
    struct msg m = {.type = MSG_ANSWER,
                    .request = offer.conversation,
                    .bytes = answer,
                    .length = (uint16_t)length};
    out_send(n->out, turn->link, &m);
}

/* A relayed datagram, in place: another key in a handshake, another bit elsewhere. */
static void bend(struct mist *n, uint8_t *datagram, size_t length)
{
    if (datagram[0] == WIRE_OPEN && length > OPEN_NOISE + SEAL_KEY) {
        struct seal_pair own;
        rng_bytes(&n->rng, own.secret, SEAL_KEY);
        n->meet.seal->pair(&own);
        memcpy(datagram + OPEN_NOISE, own.open, SEAL_KEY);
    } else {
        datagram[length - 1] ^= 1;
    }
}

/* What the honest core is to see of the turn. */
static void play_false(struct mist *n, mist_time now, struct mux_turn *turn)
{
    struct reader r = {turn->body, turn->body + turn->length, false};
    struct msg m;
    uint8_t *at = turn->body, *kept = turn->body;
    while (wire_take(&r, &m) == 1) {
        size_t size = (size_t)(r.at - at);
        bool offer = m.type == MSG_PUBLISH && (m.flags & FLAG_OFFER) != 0 && m.length > 0;
        if (offer)
            impersonate(n, now, turn, &m);
        if (m.type == MSG_RELAY && m.length > 0)
            bend(n, turn->body + (m.bytes - turn->body), m.length);
        if (!offer || (m.bytes[m.length - 1] & 1) == 0) {
            memmove(kept, at, size);
            kept += size;
        }
        at += size;
    }
    turn->length = (uint32_t)(kept - turn->body);
}

void __wrap_messages_take(struct mist *n, mist_time now, const struct mux_turn *turn)
{
    struct mux_turn bent = *turn;
    play_false(n, now, &bent);
    node_carry_out(n, now);
    __real_messages_take(n, now, &bent);
}
