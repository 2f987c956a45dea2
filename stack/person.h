/* person.h: persons recognise each other, and what they say is for them alone.
 *
 * A person is an Ed25519 key.  It never stands in the overlay: links are between
 * transport keys of one run, and persons meet inside, in two or three messages:
 *
 *     who is pinned     offer  Noise_IK, first message      only that person reads it
 *                       answer second message
 *                       proof  the session's first datagram: not a replayed offer
 *     who is not        offer  Noise_XX, first message
 *                       answer second message, with the answerer's id
 *                       proof  third message, with the dialer's id
 *
 * The prologue binds the name that was called, the dialer's transport key and the
 * conversation, so that nobody else can use an offer or an answer as his own.
 * Bodies are padded to the classes of PADME (Nikitin et al., PoPETs 2019). */
#ifndef MIST_PERSON_H
#define MIST_PERSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/noise.h"
#include "stack/rng.h"
#include "stack/session.h"
#include "stack/wire.h"

/* This node's own person. */
struct person {
    uint8_t id[WIRE_ID];
    struct seal_pair pair;
};

/* Who meets, under which call. */
struct call {
    const struct seal_suite *seal;
    const struct person *self;
    const uint8_t *name;   /* WIRE_ID: key of the name that was called */
    const uint8_t *dialer; /* WIRE_ID: its transport id */
    uint32_t conversation;
};

/* One end's side of a meeting: the handshake under way, then the session. */
struct meeting {
    uint8_t pattern;       /* enum noise_pattern: IK or XX */
    bool stands;           /* both are known, the session is there */
    uint8_t peer[WIRE_ID]; /* the other person, once known; pinned: from the start */
    union {
        struct noise_kept kept; /* dialer, waiting for the answer */
        struct noise noise;     /* answerer under XX, waiting for the proof */
    };
    struct session session;
};

void person_init(struct person *p, const uint8_t seed[SEAL_KEY]);

/* The dialer's first message, whose payload is `plain`.  pin: whom alone to meet, or
 * NULL.  Returns its length, 0 when it does not fit or pin is no person's key. */
size_t person_offer(struct meeting *m, const struct call *call, const uint8_t *pin, struct rng *rng,
                    const uint8_t *plain, size_t length, uint8_t *offer, size_t size);

/* The answerer: reads the offer, whose payload goes to plain, and writes the answer.
 * Returns 0, or -1: not made for this person, or bent. */
int person_answer(struct meeting *m, const struct call *call, struct rng *rng, mist_time now,
                  const uint8_t *offer, size_t length, uint8_t *plain, size_t size,
                  size_t *plain_length, uint8_t answer[WIRE_ANSWER], size_t *answer_length);

/* The dialer: reads the answer and writes the proof; the meeting stands.  Returns 0, or
 * -1: it is not whom it should be, and nothing has changed. */
int person_prove(struct meeting *m, const struct call *call, mist_time now, const uint8_t *answer,
                 size_t length, uint8_t proof[WIRE_ANSWER], size_t *proof_length);

/* The answerer: reads the proof; the meeting stands.  Returns 0 or -1, and then nothing
 * has changed. */
int person_proved(struct meeting *m, const struct call *call, mist_time now, const uint8_t *proof,
                  size_t length);

/* What goes to the other person; sealed has room for person_sealed(length) bytes. */
size_t person_sealed(size_t length);
uint32_t person_seal(struct meeting *m, const struct seal_suite *seal, mist_time now,
                     uint32_t channel, const uint8_t *plain, size_t length, uint8_t *sealed);
/* Opens it in place: its channel (0 to 31), where it stands and its length; or why not. */
enum session_verdict person_unseal(struct meeting *m, const struct seal_suite *seal,
                                   uint32_t counter, const uint8_t *sealed, size_t length,
                                   uint8_t *plain, uint32_t *channel, const uint8_t **body,
                                   size_t *body_length);

#endif
