/* oracle_formula.h: how probable it is that guesses meet ports.
 *
 * Pure arithmetic on counts.  Doubles: they judge and decide no event.  A count
 * beyond its range is taken as the range. */
#ifndef SIM_ORACLE_FORMULA_H
#define SIM_ORACLE_FORMULA_H

#include <stdint.h>

/* Fewer than `below` arrivals of a Poisson process of that mean. */
double oracle_poisson_below(double mean, uint32_t below);

/* At least one of `held` ports, uniform among `places`, is one of `probed`
 * different ones: 1 - C(N-m,k) / C(N,k), the birthday spray. */
double oracle_birthday(uint32_t places, uint32_t held, uint32_t probed);

/* The same when each held port stands at one of `addresses`, uniformly, and one
 * address is probed. */
double oracle_birthday_spread(uint32_t places, uint32_t addresses, uint32_t held, uint32_t probed);

/* Two boxes that give each of n different destinations a port of its own, drawn
 * from `places`, and let in that destination only; each side aims at n random
 * ports of the other.  A pair of mappings that aim at each other is a common
 * cell of two random partial permutations, with a_sent and b_sent cells, of an
 * a_places x b_places board:
 *     sum over r >= 1 of (-1)^(r+1) (a)_r (b)_r / (r! (A)_r (B)_r),
 * where (x)_r = x (x-1) ... (x-r+1); about 1 - e^(-ab/AB). */
double oracle_common_cell(uint32_t a_sent, uint32_t b_sent, double a_places, double b_places);

/* At least one of n independent chances of p. */
double oracle_once(double p, double n);

#endif
