/* split.c: see split.h. */
#include "stack/host/split.h"

#include <string.h>

#include "stack/check.h"

enum { WHOLE = 0, PIECE = 1 };

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void split_datagram(uint16_t flow, const uint8_t *bytes, uint32_t length, uint16_t id,
                    void (*each)(void *data, const uint8_t *bytes, uint32_t length), void *data)
{
    uint8_t out[MIST_PAYLOAD] = {WHOLE};
    CHECK(length <= SPLIT_MOST);
    put16(out + 1, flow);
    if (length <= MIST_PAYLOAD - SPLIT_WHOLE) {
        if (length)
            memcpy(out + SPLIT_WHOLE, bytes, length);
        each(data, out, length + SPLIT_WHOLE);
        return;
    }
    uint32_t count = (length + SPLIT_PIECE - 1) / SPLIT_PIECE;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = i + 1 < count ? SPLIT_PIECE : length - i * SPLIT_PIECE;
        out[0] = PIECE;
        out[3] = (uint8_t)i;
        out[4] = (uint8_t)count;
        put16(out + 5, id);
        memcpy(out + SPLIT_HEADER, bytes + i * SPLIT_PIECE, size);
        each(data, out, SPLIT_HEADER + size);
    }
}

int32_t split_flow(const uint8_t *bytes, uint32_t length)
{
    return length >= SPLIT_WHOLE && bytes[0] <= PIECE ? bytes[1] << 8 | bytes[2] : -1;
}

/* A piece as the other side makes them; anything else is nonsense. */
static bool is_piece(const uint8_t *bytes, uint32_t length)
{
    return length > SPLIT_HEADER && bytes[0] == PIECE && bytes[4] >= 2 && bytes[4] <= 64 &&
           bytes[3] < bytes[4] && length <= MIST_PAYLOAD &&
           (bytes[3] + 1 == bytes[4] || length == MIST_PAYLOAD);
}

static bool take_piece(struct split_join *j, const uint8_t *bytes, uint32_t length)
{
    uint16_t id = (uint16_t)(bytes[5] << 8 | bytes[6]);
    uint32_t piece = bytes[3], count = bytes[4];
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
    if (length >= SPLIT_WHOLE && bytes[0] == WHOLE) {
        *whole = bytes + SPLIT_WHOLE;
        *whole_length = length - SPLIT_WHOLE;
        return true;
    }
    if (!is_piece(bytes, length) || !take_piece(j, bytes, length))
        return false;
    *whole = j->bytes;
    *whole_length = (j->count - 1u) * SPLIT_PIECE + j->last;
    j->count = 0;
    return *whole_length <= SPLIT_MOST;
}
