/* units.h: the scalar that carries time, and its units.
 *
 * Time is an argument everywhere: int64 nanoseconds, monotone, from an
 * arbitrary origin that the caller chooses.  No function in the project reads
 * a clock except the drivers (stack/host, the progress line of sim). */
#ifndef MIST_UNITS_H
#define MIST_UNITS_H

#include <stdint.h>

typedef int64_t mist_time; /* nanoseconds */

#define MIST_NEVER INT64_MAX /* a deadline that never comes */

#define US(n)      ((mist_time)(n)*1000)
#define MS(n)      ((mist_time)(n)*1000000)
#define SEC(n)     ((mist_time)(n)*1000000000)
#define MINUTES(n) (SEC(n) * 60) /* MIN is taken by sys/param.h */

#endif
