/* split.c: see split.h. */
#include "stack/host/split.h"

#include <string.h>

#include "stack/check.h"

enum { WHOLE = 0, PIECE = 1 };

void split_datagram(const uint8_t *bytes, uint32_t length, uint16_t id,
                    void (*each)(void *data, const uint8_t *bytes, uint32_t length), void *data)
{
    uint8_t out[MIST_PAYLOAD] = {WHOLE};
    CHECK(length <= SPLIT_MOST);
    if (length < MIST_PAYLOAD) {
        if (length)
            memcpy(out + 1, bytes, length);
        each(data, out, length + 1);
        return;
    }
    uint32_t count = (length + SPLIT_PIECE - 1) / SPLIT_PIECE;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = i + 1 < count ? SPLIT_PIECE : length - i * SPLIT_PIECE;
        out[0] = PIECE;
        out[1] = (uint8_t)i;
        out[2] = (uint8_t)count;
        out[3] = (uint8_t)(id >> 8);
        out[4] = (uint8_t)id;
        memcpy(out + SPLIT_HEADER, bytes + i * SPLIT_PIECE, size);
        each(data, out, SPLIT_HEADER + size);
    }
}

/* A piece as the other side makes them; anything else is nonsense. */
static bool is_piece(const uint8_t *bytes, uint32_t length)
{
    return length > SPLIT_HEADER && bytes[0] == PIECE && bytes[2] >= 2 && bytes[2] <= 64 &&
           bytes[1] < bytes[2] && length <= MIST_PAYLOAD &&
           (bytes[1] + 1 == bytes[2] || length == MIST_PAYLOAD);
}

static bool take_piece(struct split_join *j, const uint8_t *bytes, uint32_t length)
{
    uint16_t id = (uint16_t)(bytes[3] << 8 | bytes[4]);
    uint32_t piece = bytes[1], count = bytes[2];
    if (j->count != count || j->id != id) {
        j->id = id;
        j->count = (uint8_t)count;
        j->have = 0;
    }
    memcpy(j->bytes + piece * SPLIT_PIECE, bytes + SPLIT_HEADER, length - SPLIT_HEADER);
    j->have |= UINT64_C(1) << piece;
    if (piece + 1 == count)
        j->last = length - SPLIT_HEADER;
    return j->have == UINT64_MAX >> (64 - count);
}

bool split_take(struct split_join *j, const uint8_t *bytes, uint32_t length, const uint8_t **whole,
                uint32_t *whole_length)
{
    if (length >= 1 && bytes[0] == WHOLE) {
        *whole = bytes + 1;
        *whole_length = length - 1;
        return true;
    }
    if (!is_piece(bytes, length) || !take_piece(j, bytes, length))
        return false;
    *whole = j->bytes;
    *whole_length = (j->count - 1u) * SPLIT_PIECE + j->last;
    j->count = 0;
    return *whole_length <= SPLIT_MOST;
}
