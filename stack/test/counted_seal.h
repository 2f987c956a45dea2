/* counted_seal.h: the real seal.c, with a count of the X25519 agreements; the
 * library's own seal.o stays out of a program that includes this first. */
#ifndef MIST_COUNTED_SEAL_H
#define MIST_COUNTED_SEAL_H

#include <sodium.h>
#include <stdint.h>

static uint32_t agreements;

static int counted_scalarmult(uint8_t *shared, const uint8_t *secret, const uint8_t *theirs)
{
    agreements++;
    return crypto_scalarmult(shared, secret, theirs);
}

#define crypto_scalarmult counted_scalarmult
#include "stack/seal.c"
#undef crypto_scalarmult

#endif
