#include "stack/session.h"

#include <string.h>

#include "stack/check.h"

void session_begin(struct session *s, mist_time now, const uint8_t tx_key[SEAL_KEY],
                   const uint8_t rx_key[SEAL_KEY])
{
    memset(s, 0, sizeof *s);
    memcpy(s->tx_key, tx_key, SEAL_KEY);
    memcpy(s->rx_key, rx_key, SEAL_KEY);
    s->tx_since = now;
}

/* ---- sending ---- */

uint64_t session_next(struct session *s, const struct seal_suite *seal, mist_time now)
{
    uint64_t used = s->tx_counter % SESSION_EPOCH;
    if (used != 0 && now - s->tx_since >= SESSION_LIFE)
        s->tx_counter += SESSION_EPOCH - used;
    if (s->tx_counter > 0 && s->tx_counter % SESSION_EPOCH == 0) {
        seal->rekey(s->tx_key);
        s->tx_since = now;
    }
    CHECK(s->tx_counter < UINT64_MAX - SESSION_EPOCH);
    return s->tx_counter++;
}

void session_lock(const struct session *s, const struct seal_suite *seal, uint64_t counter,
                  uint8_t *sealed, const void *header, size_t header_length, const uint8_t *plain,
                  size_t length)
{
    CHECK(counter + 1 == s->tx_counter);
    seal->lock(sealed, s->tx_key, counter, header, header_length, plain, length);
}

/* ---- receiving ---- */

/* The full counter nearest to the highest seen. */
static uint64_t full_counter(uint64_t highest, uint32_t low)
{
    uint64_t guess = (highest & ~UINT64_C(0xffffffff)) | low;
    if (guess + UINT64_C(0x80000000) < highest)
        guess += UINT64_C(0x100000000);
    else if (guess > highest + UINT64_C(0x80000000) && guess >= UINT64_C(0x100000000))
        guess -= UINT64_C(0x100000000);
    return guess;
}

/* Where a counter stands in the window: its word, and its bit in that. */
static uint64_t *word_of(struct session *s, uint64_t counter)
{
    return &s->rx_seen[counter % SESSION_WINDOW / 64];
}

static uint64_t bit_of(uint64_t counter)
{
    return UINT64_C(1) << (counter % 64);
}

static int replayed(struct session *s, uint64_t counter)
{
    if (counter >= s->rx_counter)
        return 0;
    return s->rx_counter - 1 - counter >= SESSION_WINDOW ||
           (*word_of(s, counter) & bit_of(counter)) != 0;
}

/* RFC 6479, but bit by bit at the edge: the window moves on to hold counter. */
static void remember(struct session *s, uint64_t counter)
{
    if (counter >= s->rx_counter + SESSION_WINDOW)
        memset(s->rx_seen, 0, sizeof s->rx_seen);
    else
        for (uint64_t c = s->rx_counter; c < counter; c++)
            *word_of(s, c) &= ~bit_of(c);
    *word_of(s, counter) |= bit_of(counter);
    if (counter >= s->rx_counter)
        s->rx_counter = counter + 1;
}

/* The key of an epoch and of the one before it; 0: neither of now nor soon to come. */
static int keys_of(const struct session *s, const struct seal_suite *seal, uint64_t epoch,
                   uint8_t key[SEAL_KEY], uint8_t former[SEAL_KEY])
{
    uint64_t current = s->rx_counter == 0 ? 0 : (s->rx_counter - 1) / SESSION_EPOCH;
    memcpy(key, epoch + 1 == current ? s->rx_former : s->rx_key, SEAL_KEY);
    memcpy(former, s->rx_former, SEAL_KEY);
    for (uint64_t e = current; e < epoch && epoch - current <= SESSION_AHEAD; e++) {
        memcpy(former, key, SEAL_KEY);
        seal->rekey(key);
    }
    return epoch + 1 >= current && epoch <= current + SESSION_AHEAD;
}

enum session_verdict session_open(struct session *s, const struct seal_suite *seal, uint32_t low,
                                  uint8_t *plain, const void *header, size_t header_length,
                                  const uint8_t *sealed, size_t length, uint64_t *counter)
{
    uint8_t key[SEAL_KEY], former[SEAL_KEY];
    *counter = full_counter(s->rx_counter, low);
    if (replayed(s, *counter))
        return SESSION_REPLAYED;
    if (!keys_of(s, seal, *counter / SESSION_EPOCH, key, former) ||
        seal->unlock(plain, key, *counter, header, header_length, sealed, length) != 0) {
        seal_wipe(key, sizeof key);
        seal_wipe(former, sizeof former);
        return SESSION_FORGED;
    }
    if (*counter >= s->rx_counter) {
        memcpy(s->rx_key, key, SEAL_KEY);
        memcpy(s->rx_former, former, SEAL_KEY);
    }
    remember(s, *counter);
    seal_wipe(key, sizeof key);
    seal_wipe(former, sizeof former);
    return SESSION_FINE;
}
