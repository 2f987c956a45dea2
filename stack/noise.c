#include "stack/noise.h"

#include <string.h>

#include "stack/check.h"

enum token { END, E, S, EE, ES, SE, SS };

#define MOST_TOKENS 5

static const struct {
    const char *name;
    bool initiator_known, responder_known; /* static keys, before the first message */
    uint8_t messages[3][MOST_TOKENS];
} patterns[] = {
    [NOISE_KK] = {"KK", true, true, {{E, ES, SS}, {E, EE, SE}}},
    [NOISE_IK] = {"IK", false, true, {{E, ES, S, SS}, {E, EE, SE}}},
    [NOISE_XX] = {"XX", false, false, {{E}, {E, EE, S, ES}, {S, SE}}},
};

/* ---- section 5.2: the symmetric state ---- */

static void mix_hash(struct noise *n, const void *bytes, size_t length)
{
    n->seal->hash(n->h, n->h, SEAL_KEY, bytes, length);
}

static void mix_key(struct noise *n, const uint8_t input[SEAL_KEY])
{
    n->seal->derive(n->ck, n->k, n->ck, input, SEAL_KEY);
    n->keyed = true;
    n->counter = 0;
}

static size_t tag_length(const struct noise *n)
{
    return n->keyed ? SEAL_TAG : 0;
}

static void encrypt_and_hash(struct noise *n, const uint8_t *plain, size_t length, uint8_t *out)
{
    if (n->keyed)
        n->seal->lock(out, n->k, n->counter++, n->h, SEAL_KEY, plain, length);
    else if (length > 0)
        memcpy(out, plain, length);
    mix_hash(n, out, length + tag_length(n));
}

/* length: of the plain text. */
static int decrypt_and_hash(struct noise *n, const uint8_t *in, size_t length, uint8_t *plain)
{
    uint8_t h[SEAL_KEY];
    memcpy(h, n->h, SEAL_KEY);
    mix_hash(n, in, length + tag_length(n)); /* first: plain may be written over in */
    if (n->keyed)
        return n->seal->unlock(plain, n->k, n->counter++, h, SEAL_KEY, in, length + SEAL_TAG);
    if (length > 0)
        memmove(plain, in, length);
    return 0;
}

/* ---- section 5.3: the handshake state ---- */

/* E is the initiator's ephemeral in ES, the responder's in SE, and so on. */
static int mix_agreement(struct noise *n, enum token token)
{
    uint8_t shared[SEAL_KEY];
    bool own_e = token == EE || token == (n->initiator ? ES : SE);
    bool their_e = token == EE || token == (n->initiator ? SE : ES);
    if (n->seal->agree(shared, own_e ? &n->e : &n->s, their_e ? n->re : n->rs) != 0)
        return -1;
    mix_key(n, shared);
    seal_wipe(shared, sizeof shared);
    return 0;
}

void noise_begin(struct noise *n, const struct seal_suite *seal, enum noise_pattern pattern,
                 bool initiator, const void *prologue, size_t prologue_length,
                 const struct seal_pair *s, const struct seal_pair *e, const uint8_t *rs)
{
    char name[64] = "Noise_";
    size_t length = strlen(name);
    memset(n, 0, sizeof *n);
    n->seal = seal;
    n->pattern = (uint8_t)pattern;
    n->initiator = initiator;
    n->s = *s;
    n->e = *e;
    memcpy(name + length, patterns[pattern].name, 2);
    name[length + 2] = '_';
    length += 3;
    size_t rest = strlen(seal->name);
    CHECK(length + rest < sizeof name);
    memcpy(name + length, seal->name, rest);
    length += rest;
    if (length <= SEAL_KEY)
        memcpy(n->h, name, length);
    else
        seal->hash(n->h, name, length, NULL, 0);
    memcpy(n->ck, n->h, SEAL_KEY);
    mix_hash(n, prologue, prologue_length);
    bool theirs_known =
        initiator ? patterns[pattern].responder_known : patterns[pattern].initiator_known;
    CHECK(theirs_known == (rs != NULL));
    if (rs != NULL)
        memcpy(n->rs, rs, SEAL_KEY);
    if (patterns[pattern].initiator_known)
        mix_hash(n, initiator ? n->s.open : n->rs, SEAL_KEY);
    if (patterns[pattern].responder_known)
        mix_hash(n, initiator ? n->rs : n->s.open, SEAL_KEY);
}

size_t noise_overhead(enum noise_pattern pattern, uint32_t i)
{
    size_t length = 0, keyed = pattern == NOISE_XX && i == 0 ? 0 : SEAL_TAG;
    for (const uint8_t *t = patterns[pattern].messages[i]; *t != END; t++)
        length += *t == E ? SEAL_KEY : *t == S ? SEAL_KEY + SEAL_TAG : 0;
    return length + keyed;
}

int noise_write(struct noise *n, const uint8_t *payload, size_t length, uint8_t *message)
{
    CHECK(n->message < 3 && (n->message % 2 == 0) == n->initiator);
    for (const uint8_t *t = patterns[n->pattern].messages[n->message]; *t != END; t++) {
        if (*t == E) {
            memcpy(message, n->e.open, SEAL_KEY);
            mix_hash(n, message, SEAL_KEY);
            message += SEAL_KEY;
        } else if (*t == S) {
            encrypt_and_hash(n, n->s.open, SEAL_KEY, message);
            message += SEAL_KEY + tag_length(n);
        } else if (mix_agreement(n, (enum token) * t) != 0) {
            return -1;
        }
    }
    n->message++;
    encrypt_and_hash(n, payload, length, message);
    return 0;
}

int noise_read(struct noise *n, const uint8_t *message, size_t length, uint8_t *payload)
{
    CHECK(n->message < 3 && (n->message % 2 == 1) == n->initiator);
    size_t overhead = noise_overhead((enum noise_pattern)n->pattern, n->message);
    if (length < overhead)
        return -1;
    for (const uint8_t *t = patterns[n->pattern].messages[n->message]; *t != END; t++) {
        if (*t == E) {
            memcpy(n->re, message, SEAL_KEY);
            mix_hash(n, message, SEAL_KEY);
            message += SEAL_KEY;
        } else if (*t == S) {
            if (decrypt_and_hash(n, message, SEAL_KEY, n->rs) != 0)
                return -1;
            message += SEAL_KEY + tag_length(n);
        } else if (mix_agreement(n, (enum token) * t) != 0) {
            return -1;
        }
    }
    n->message++;
    return decrypt_and_hash(n, message, length - overhead, payload);
}

void noise_split(const struct noise *n, uint8_t to_responder[SEAL_KEY],
                 uint8_t to_initiator[SEAL_KEY])
{
    n->seal->derive(to_responder, to_initiator, n->ck, NULL, 0);
}

void noise_early(const struct noise *n, uint8_t key[SEAL_KEY])
{
    uint8_t unused[SEAL_KEY];
    CHECK(n->message == 1); /* later it would be a key of the split */
    n->seal->derive(key, unused, n->ck, NULL, 0);
    seal_wipe(unused, sizeof unused);
}

void noise_keep(const struct noise *n, struct noise_kept *kept)
{
    CHECK(n->initiator && n->message == 1);
    kept->e = n->e;
    memcpy(kept->h, n->h, SEAL_KEY);
    memcpy(kept->ck, n->ck, SEAL_KEY);
}

void noise_resume(struct noise *n, const struct seal_suite *seal, enum noise_pattern pattern,
                  const struct seal_pair *s, const uint8_t *rs, const struct noise_kept *kept)
{
    memset(n, 0, sizeof *n);
    n->seal = seal;
    n->pattern = (uint8_t)pattern;
    n->initiator = true;
    n->message = 1; /* every answer begins with e, ee: a new k */
    n->s = *s;
    n->e = kept->e;
    if (rs != NULL)
        memcpy(n->rs, rs, SEAL_KEY);
    memcpy(n->h, kept->h, SEAL_KEY);
    memcpy(n->ck, kept->ck, SEAL_KEY);
}
