#include "sim/draw.h"

#include <Random123/philox.h>

#include "sim/fixed.h"
#include "stack/check.h"

__extension__ typedef unsigned __int128 wide;

#define MILLION 1000000

struct draw_block draw_block(uint64_t seed, uint64_t entity, enum draw_purpose purpose,
                             uint64_t index)
{
    CHECK(index >> DRAW_INDEX_BITS == 0);
    CHECK((unsigned)purpose <= UINT16_MAX);
    philox4x32_ctr_t counter = {{(uint32_t)entity, (uint32_t)(entity >> 32), (uint32_t)index,
                                 (uint32_t)(index >> 32) | (uint32_t)purpose << 16}};
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t out = philox4x32_R(10, counter, key);
    return (struct draw_block){
        {(uint64_t)out.v[1] << 32 | out.v[0], (uint64_t)out.v[3] << 32 | out.v[2]}};
}

uint64_t draw_u64(uint64_t seed, uint64_t entity, enum draw_purpose purpose, uint64_t index)
{
    return draw_block(seed, entity, purpose, index).word[0];
}

uint32_t draw_u32(uint64_t seed, uint64_t entity, enum draw_purpose purpose, uint64_t index)
{
    return (uint32_t)draw_u64(seed, entity, purpose, index);
}

uint64_t draw_scale(uint64_t word, uint64_t n)
{
    return (uint64_t)((wide)word * n >> 64);
}

uint64_t draw_below(uint64_t seed, uint64_t entity, enum draw_purpose purpose, uint64_t index,
                    uint64_t n)
{
    CHECK(n > 0);
    struct draw_block b = draw_block(seed, entity, purpose, index);
    wide high = (wide)b.word[0] * n, low = (wide)b.word[1] * n;
    return (uint64_t)((high + (low >> 64)) >> 64);
}

mist_time draw_between(uint64_t seed, uint64_t entity, enum draw_purpose purpose, uint64_t index,
                       mist_time low, mist_time high)
{
    CHECK(low <= high);
    uint64_t span = (uint64_t)high - (uint64_t)low;
    CHECK(span < UINT64_MAX);
    return (mist_time)((uint64_t)low + draw_below(seed, entity, purpose, index, span + 1));
}

bool draw_ppm(uint64_t seed, uint64_t entity, enum draw_purpose purpose, uint64_t index,
              uint32_t ppm)
{
    return draw_below(seed, entity, purpose, index, MILLION) < ppm;
}

mist_time draw_exponential(uint64_t seed, uint64_t entity, enum draw_purpose purpose,
                           uint64_t index, mist_time mean)
{
    CHECK(mean >= 0);
    int64_t log = fixed_minus_ln(draw_u64(seed, entity, purpose, index));
    wide time = (wide)(uint64_t)mean * (uint64_t)log >> FIXED_BITS;
    return time > INT64_MAX ? INT64_MAX : (mist_time)time;
}

void draw_fill(uint64_t seed, uint64_t entity, enum draw_purpose purpose, void *bytes, size_t size)
{
    uint8_t *out = bytes;
    struct draw_block block = {{0, 0}};
    for (size_t i = 0; i < size; i++) {
        if (i % 16 == 0)
            block = draw_block(seed, entity, purpose, i / 16);
        out[i] = (uint8_t)(block.word[i % 16 / 8] >> (i % 8 * 8));
    }
}

uint64_t draw_pair(uint32_t a, uint32_t b)
{
    return a < b ? draw_link(a, b) : draw_link(b, a);
}

uint64_t draw_link(uint32_t from, uint32_t to)
{
    return (uint64_t)from << 32 | to;
}
