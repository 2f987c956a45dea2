#include "sim/fixed.h"

#include "stack/check.h"

__extension__ typedef unsigned __int128 wide;
__extension__ typedef __int128 wide_signed;

#define LN2_Q64   UINT64_C(0xb17217f7d1cf79ab) /* ln 2 * 2^64 */
#define LOG2E_Q62 INT64_C(0x5c551d94ae0bf85e)  /* log2(e) * 2^62 */

/* The fraction comes bit by bit: squaring the mantissa doubles its logarithm, a
 * carry out is the next bit. */
int64_t fixed_log2(uint64_t x)
{
    CHECK(x > 0);
    int64_t whole = 63;
    for (; x >> 63 == 0; x <<= 1)
        whole--;
    int64_t fraction = 0;
    for (int i = 0; i < FIXED_BITS; i++) {
        wide square = (wide)x * x >> 63;
        uint64_t bit = (uint64_t)(square >> 64);
        x = (uint64_t)(square >> bit);
        fraction = fraction << 1 | (int64_t)bit;
    }
    return (whole << FIXED_BITS) + fraction;
}

/* 2^(2^-i) - 1 for i = 1 ... 40, times 2^64, rounded down. */
static const uint64_t ROOTS[FIXED_BITS] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0x306fe0a31b7152de), UINT64_C(0x172b83c7d517adcd),
    UINT64_C(0x0b5586cf9890f629), UINT64_C(0x059b0d31585743ae), UINT64_C(0x02c9a3e778060ee6),
    UINT64_C(0x0163da9fb33356d8), UINT64_C(0x00b1afa5abcbed61), UINT64_C(0x0058c86da1c09ea1),
    UINT64_C(0x002c605e2e8cec50), UINT64_C(0x00162f3904051fa1), UINT64_C(0x000b175effdc76ba),
    UINT64_C(0x00058ba01fb9f96d), UINT64_C(0x0002c5cc37da9491), UINT64_C(0x000162e525ee0547),
    UINT64_C(0x0000b17255775c04), UINT64_C(0x000058b91b5bc9ae), UINT64_C(0x00002c5c89d5ec6c),
    UINT64_C(0x0000162e43f4f831), UINT64_C(0x00000b1721bcfc99), UINT64_C(0x0000058b90cf1e6d),
    UINT64_C(0x000002c5c863b73f), UINT64_C(0x00000162e430e5a1), UINT64_C(0x000000b172183551),
    UINT64_C(0x00000058b90c0b48), UINT64_C(0x0000002c5c8601cc), UINT64_C(0x000000162e42fff0),
    UINT64_C(0x0000000b17217fba), UINT64_C(0x000000058b90bfcd), UINT64_C(0x00000002c5c85fe3),
    UINT64_C(0x0000000162e42ff0), UINT64_C(0x00000000b17217f8), UINT64_C(0x0000000058b90bfb),
    UINT64_C(0x000000002c5c85fd), UINT64_C(0x00000000162e42fe), UINT64_C(0x000000000b17217f),
    UINT64_C(0x00000000058b90bf), UINT64_C(0x0000000002c5c85f), UINT64_C(0x000000000162e42f),
    UINT64_C(0x0000000000b17217),
};

/* The whole part of a / FIXED_ONE, rounded down. */
static int64_t floor_of(int64_t a)
{
    return a >= 0 ? a / FIXED_ONE : -((-a + FIXED_ONE - 1) / FIXED_ONE);
}

int64_t fixed_exp2(int64_t value, int64_t log2)
{
    CHECK(value >= 0);
    int64_t whole = floor_of(log2);
    uint64_t fraction = (uint64_t)(log2 - whole * FIXED_ONE);
    uint64_t power = UINT64_C(1) << 63; /* 2^fraction, 63 bits behind the point */
    for (int i = 0; i < FIXED_BITS; i++)
        if (fraction >> (FIXED_BITS - 1 - i) & 1)
            power += (uint64_t)((wide)power * ROOTS[i] >> 64);
    wide product = (wide)(uint64_t)value * power; /* below 2^127 */
    if (whole < -63)
        return 0;
    if (value > 0 && whole > 63)
        return INT64_MAX;
    wide result = whole <= 63 ? product >> (63 - whole) : 0;
    return result > INT64_MAX ? INT64_MAX : (int64_t)result;
}

int64_t fixed_minus_ln(uint64_t word)
{
    uint64_t minus_log2 = (UINT64_C(64) << FIXED_BITS) - (uint64_t)fixed_log2(word | 1);
    return (int64_t)((wide)minus_log2 * LN2_Q64 >> 64);
}

int64_t fixed_multiply(int64_t a, int64_t b)
{
    wide_signed result = (wide_signed)a * b / FIXED_ONE;
    CHECK(result <= INT64_MAX && result >= -INT64_MAX);
    return (int64_t)result;
}

int64_t fixed_divide(int64_t a, int64_t b)
{
    wide_signed result = (wide_signed)a * FIXED_ONE / b;
    CHECK(result <= INT64_MAX && result >= -INT64_MAX);
    return (int64_t)result;
}

int64_t fixed_nats(int64_t x)
{
    return (int64_t)((wide_signed)x * LOG2E_Q62 / (INT64_C(1) << 62));
}

/* sqrt(x), x >= 0, rounded down: bit by bit. */
static int64_t root(int64_t x)
{
    wide square = (wide)(uint64_t)x << FIXED_BITS, bit = (wide)1 << 102, result = 0;
    for (; bit > 0; bit >>= 2) {
        if (square >= result + bit) {
            square -= result + bit;
            result = (result >> 1) + bit;
        } else {
            result >>= 1;
        }
    }
    return (int64_t)result;
}

static int64_t polynomial(const int64_t *coefficients, int count, int64_t x)
{
    int64_t sum = coefficients[0];
    for (int i = 1; i < count; i++)
        sum = fixed_multiply(sum, x) + coefficients[i];
    return sum;
}

/* Acklam's coefficients times 2^40: a and b in the middle, c and d in the tails. */
static const int64_t A[] = {INT64_C(-43647126486026),  INT64_C(242932804329501),
                            INT64_C(-303386605671354), INT64_C(152125956971009),
                            INT64_C(-33716302037132),  INT64_C(2756066937579)};
static const int64_t B[] = {INT64_C(-59897104064522),  INT64_C(177665506509332),
                            INT64_C(-171192838788807), INT64_C(73448819171239),
                            INT64_C(-14602263792188),  FIXED_ONE};
static const int64_t C[] = {INT64_C(-8559581477),    INT64_C(-354478654370),
                            INT64_C(-2639661641219), INT64_C(-2803460574727),
                            INT64_C(4809994091155),  INT64_C(3230545463290)};
static const int64_t D[] = {INT64_C(8559363451), INT64_C(354556357988), INT64_C(2688453415261),
                            INT64_C(4128015979190), FIXED_ONE};

#define TAIL UINT64_C(447333543787456626) /* 0.02425 * 2^64: where the middle begins */

/* Of a word below TAIL. */
static int64_t lower_tail(uint64_t word)
{
    int64_t q = root(2 * fixed_minus_ln(word));
    return fixed_divide(polynomial(C, 6, q), polynomial(D, 5, q));
}

int64_t fixed_normal(uint64_t word)
{
    if (word < TAIL)
        return lower_tail(word);
    if (~word < TAIL)
        return -lower_tail(~word);
    int64_t q = ((int64_t)(word >> 1) - (INT64_C(1) << 62)) / (INT64_C(1) << (63 - FIXED_BITS));
    int64_t square = fixed_multiply(q, q);
    return fixed_divide(fixed_multiply(polynomial(A, 6, square), q), polynomial(B, 6, square));
}
