/* counted_seal.h: the real seal.c, with a count of the X25519 agreements; the
 * library's own seal.o stays out of a program that includes this first. */
#ifndef MIST_COUNTED_SEAL_H
#define MIST_COUNTED_SEAL_H

#define seal_agree seal_agree_uncounted
#include "stack/seal.c"
#undef seal_agree

static uint32_t agreements;

int seal_agree(uint8_t shared[SEAL_KEY], const uint8_t secret[SEAL_KEY],
               const uint8_t theirs[SEAL_KEY])
{
    agreements++;
    return seal_agree_uncounted(shared, secret, theirs);
}

#endif
