#include "stack/person.h"

#include <string.h>

#include "stack/check.h"
#include "stack/mist.h"

#define LENGTH_BYTES 2  /* of a body, before it: a channel and its length */
#define LENGTH_HIGH  3  /* bits of the length in the first of them: 2,047 is enough */
#define CHANNELS     32 /* the other five */
#define BODY_LEAST   32 /* bytes; the shortest class */

void person_init(struct person *p, const uint8_t seed[SEAL_KEY])
{
    seal_person(p->id, &p->pair, seed);
}

/* ---- the handshake ---- */

static void begin(struct noise *n, const struct call *call, enum noise_pattern pattern,
                  bool initiator, struct rng *rng, const uint8_t *rs)
{
    uint8_t prologue[12 + 1 + 4 + 2 * WIRE_ID] = "mist person";
    struct seal_pair e;
    prologue[12] = WIRE_VERSION;
    for (int i = 0; i < 4; i++)
        prologue[13 + i] = (uint8_t)(call->conversation >> (8 * i));
    memcpy(prologue + 17, call->name, WIRE_ID);
    memcpy(prologue + 17 + WIRE_ID, call->dialer, WIRE_ID);
    rng_bytes(rng, e.secret, SEAL_KEY);
    call->seal->pair(&e);
    noise_begin(n, call->seal, pattern, initiator, prologue, sizeof prologue, &call->self->pair, &e,
                rs);
    seal_wipe(&e, sizeof e);
}

/* The id that the other end says is his belongs to the key that he proved. */
static bool is_theirs(const struct noise *n, const uint8_t *id)
{
    uint8_t open[SEAL_KEY];
    return seal_person_open(open, id) == 0 && memcmp(open, n->rs, SEAL_KEY) == 0;
}

static void start_session(struct meeting *m, const struct noise *n, mist_time now)
{
    uint8_t to[SEAL_KEY], fro[SEAL_KEY];
    noise_split(n, to, fro);
    session_begin(&m->session, now, n->initiator ? to : fro, n->initiator ? fro : to);
    seal_wipe(to, sizeof to);
    seal_wipe(fro, sizeof fro);
}

size_t person_offer(struct meeting *m, const struct call *call, const uint8_t *pin, struct rng *rng,
                    const uint8_t *plain, size_t length, uint8_t *offer, size_t size)
{
    uint8_t open[SEAL_KEY], text[WIRE_VALUE];
    struct noise n;
    memset(m, 0, sizeof *m);
    m->pattern = pin != NULL ? NOISE_IK : NOISE_XX;
    if (pin != NULL && seal_person_open(open, pin) != 0)
        return 0;
    size_t own = pin != NULL ? WIRE_ID : 0; /* under XX the id follows with the proof */
    size_t overhead = 1 + noise_overhead((enum noise_pattern)m->pattern, 0);
    if (length > sizeof text - WIRE_ID || overhead + own + length > size)
        return 0;
    memcpy(text, call->self->id, own);
    if (length > 0)
        memcpy(text + own, plain, length);
    begin(&n, call, (enum noise_pattern)m->pattern, true, rng, pin != NULL ? open : NULL);
    offer[0] = m->pattern;
    bool written = noise_write(&n, text, own + length, offer + 1) == 0;
    if (written) {
        noise_keep(&n, &m->kept);
        if (pin != NULL)
            memcpy(m->peer, pin, WIRE_ID);
    }
    seal_wipe(&n, sizeof n);
    return written ? overhead + own + length : 0;
}

/* Reads the offer into text; the bytes of payload, or -1. */
static int read_offer(struct meeting *m, struct noise *n, const uint8_t *offer, size_t length,
                      uint8_t text[WIRE_VALUE])
{
    size_t overhead = noise_overhead((enum noise_pattern)m->pattern, 0);
    if (length - 1 < overhead || length > WIRE_VALUE ||
        noise_read(n, offer + 1, length - 1, text) != 0)
        return -1;
    size_t payload = length - 1 - overhead;
    if (m->pattern != NOISE_IK)
        return (int)payload;
    if (payload < WIRE_ID || !is_theirs(n, text))
        return -1;
    memcpy(m->peer, text, WIRE_ID);
    memmove(text, text + WIRE_ID, payload - WIRE_ID);
    return (int)(payload - WIRE_ID);
}

int person_answer(struct meeting *m, const struct call *call, struct rng *rng, mist_time now,
                  const uint8_t *offer, size_t length, uint8_t *plain, size_t size,
                  size_t *plain_length, uint8_t answer[WIRE_ANSWER], size_t *answer_length)
{
    uint8_t text[WIRE_VALUE];
    struct noise n;
    memset(m, 0, sizeof *m);
    if (length < 1 || (offer[0] != NOISE_IK && offer[0] != NOISE_XX))
        return -1;
    m->pattern = offer[0];
    begin(&n, call, (enum noise_pattern)m->pattern, false, rng, NULL);
    int payload = read_offer(m, &n, offer, length, text);
    size_t own = m->pattern == NOISE_XX ? WIRE_ID : 0;
    bool fine = payload >= 0 && (size_t)payload <= size &&
                noise_write(&n, call->self->id, own, answer) == 0;
    if (fine) {
        memcpy(plain, text, (size_t)payload);
        *plain_length = (size_t)payload;
        *answer_length = noise_overhead((enum noise_pattern)m->pattern, 1) + own;
        CHECK(*answer_length <= WIRE_ANSWER);
        if (m->pattern == NOISE_IK)
            start_session(m, &n, now);
        else
            m->noise = n;
    }
    seal_wipe(&n, sizeof n);
    return fine ? 0 : -1;
}

/* The proof under XX is the third message; under IK a datagram of the session. */
static bool write_proof(struct meeting *m, const struct call *call, struct noise *n, mist_time now,
                        uint8_t proof[WIRE_ANSWER], size_t *length)
{
    if (m->pattern == NOISE_XX) {
        *length = noise_overhead(NOISE_XX, 2) + WIRE_ID;
        if (noise_write(n, call->self->id, WIRE_ID, proof) != 0)
            return false;
        start_session(m, n, now);
        return true;
    }
    start_session(m, n, now);
    uint64_t counter = session_next(&m->session, call->seal, now);
    session_lock(&m->session, call->seal, counter, proof, NULL, 0, proof, 0);
    *length = SEAL_TAG;
    return true;
}

int person_prove(struct meeting *m, const struct call *call, mist_time now, const uint8_t *answer,
                 size_t length, uint8_t proof[WIRE_ANSWER], size_t *proof_length)
{
    uint8_t open[SEAL_KEY], text[WIRE_ANSWER];
    struct noise n;
    bool pinned = m->pattern == NOISE_IK;
    size_t own = pinned ? 0 : WIRE_ID;
    if (m->stands || length > WIRE_ANSWER ||
        length != noise_overhead((enum noise_pattern)m->pattern, 1) + own ||
        (pinned && seal_person_open(open, m->peer) != 0))
        return -1;
    noise_resume(&n, call->seal, (enum noise_pattern)m->pattern, &call->self->pair,
                 pinned ? open : NULL, &m->kept);
    bool fine = noise_read(&n, answer, length, text) == 0 && (pinned || is_theirs(&n, text));
    fine = fine && write_proof(m, call, &n, now, proof, proof_length);
    if (fine) {
        if (!pinned)
            memcpy(m->peer, text, WIRE_ID);
        seal_wipe(&m->kept, sizeof m->kept);
        m->stands = true;
    }
    seal_wipe(&n, sizeof n);
    return fine ? 0 : -1;
}

int person_proved(struct meeting *m, const struct call *call, mist_time now, const uint8_t *proof,
                  size_t length)
{
    uint8_t text[WIRE_ANSWER];
    uint64_t counter;
    if (m->stands || length > WIRE_ANSWER)
        return -1;
    if (m->pattern == NOISE_IK) {
        m->stands = length >= SEAL_TAG && session_open(&m->session, call->seal, 0, text, NULL, 0,
                                                       proof, length, &counter) == SESSION_FINE;
        return m->stands ? 0 : -1;
    }
    struct noise n = m->noise; /* a bent proof must not spoil it */
    if (length == noise_overhead(NOISE_XX, 2) + WIRE_ID &&
        noise_read(&n, proof, length, text) == 0 && is_theirs(&n, text)) {
        memcpy(m->peer, text, WIRE_ID);
        start_session(m, &n, now);
        seal_wipe(&m->noise, sizeof m->noise);
        m->stands = true;
    }
    seal_wipe(&n, sizeof n);
    return m->stands ? 0 : -1;
}

/* ---- the session ---- */

static uint32_t log2_of(size_t n)
{
    uint32_t bits = 0;
    while (n >>= 1)
        bits++;
    return bits;
}

/* PADME: of the length's binary digits only so many count as the number of them has;
 * a length tells at most 2 log log of itself, and costs at most 12 %. */
static size_t class_of(size_t length)
{
    if (length <= BODY_LEAST)
        return BODY_LEAST;
    uint32_t digits = log2_of(length), kept = log2_of(digits) + 1;
    size_t step = (size_t)1 << (digits - kept);
    return (length + step - 1) / step * step;
}

size_t person_sealed(size_t length)
{
    return class_of(LENGTH_BYTES + length) + SEAL_TAG;
}

uint32_t person_seal(struct meeting *m, const struct seal_suite *seal, mist_time now,
                     uint32_t channel, const uint8_t *plain, size_t length, uint8_t *sealed)
{
    size_t body = class_of(LENGTH_BYTES + length);
    uint64_t counter = session_next(&m->session, seal, now);
    CHECK(m->stands && length <= MIST_PAYLOAD && channel < CHANNELS);
    sealed[0] = (uint8_t)(channel << LENGTH_HIGH | length >> 8);
    sealed[1] = (uint8_t)length;
    if (length > 0)
        memcpy(sealed + LENGTH_BYTES, plain, length);
    memset(sealed + LENGTH_BYTES + length, 0, body - LENGTH_BYTES - length);
    session_lock(&m->session, seal, counter, sealed, NULL, 0, sealed, body);
    return (uint32_t)counter;
}

enum session_verdict person_unseal(struct meeting *m, const struct seal_suite *seal,
                                   uint32_t counter, const uint8_t *sealed, size_t length,
                                   uint8_t *plain, uint32_t *channel, const uint8_t **body,
                                   size_t *body_length)
{
    uint64_t full;
    if (length < SEAL_TAG + LENGTH_BYTES)
        return SESSION_FORGED;
    enum session_verdict v =
        session_open(&m->session, seal, counter, plain, NULL, 0, sealed, length, &full);
    if (v != SESSION_FINE)
        return v;
    *body = plain + LENGTH_BYTES;
    *channel = plain[0] >> LENGTH_HIGH;
    *body_length = (size_t)(plain[0] & ((1 << LENGTH_HIGH) - 1)) << 8 | plain[1];
    return *body_length + LENGTH_BYTES + SEAL_TAG <= length ? SESSION_FINE : SESSION_FORGED;
}
