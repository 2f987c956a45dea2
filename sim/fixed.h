/* fixed.h: logarithm, power and normal quantile in integers: for draws that
 * decide events, which no libm may touch (its last bits differ by machine).
 *
 * A fixed-point number here has FIXED_BITS bits behind the point; what is told
 * of exactness is proved by a test against libm.  Used by draw.h and lifetime.h. */
#ifndef SIM_FIXED_H
#define SIM_FIXED_H

#include <stdint.h>

#define FIXED_BITS 40
#define FIXED_ONE  (INT64_C(1) << FIXED_BITS)

/* log2(x), x > 0, rounded down: to 2^-38.  About 60 ns. */
int64_t fixed_log2(uint64_t x);

/* value * 2^log2, rounded down: to 2^-39 of itself; at most INT64_MAX.
 * value <= INT64_MAX.  About 60 ns. */
int64_t fixed_exp2(int64_t value, int64_t log2);

/* -ln(p) of the probability p = (word | 1) / 2^64: from 0 to 44.4, to 2^-38. */
int64_t fixed_minus_ln(uint64_t word);

/* a * b and a / b; b != 0.  Both towards zero; the result must fit. */
int64_t fixed_multiply(int64_t a, int64_t b);
int64_t fixed_divide(int64_t a, int64_t b);

/* log2(e) * x: what fixed_exp2 takes for e^x. */
int64_t fixed_nats(int64_t x);

/* The z with Phi(z) = (word + 1/2) / 2^64, to 10^-7: P. J. Acklam's rational
 * approximation of the normal quantile (2003; relative error 1.15e-9). */
int64_t fixed_normal(uint64_t word);

#endif
