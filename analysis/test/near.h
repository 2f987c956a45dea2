/* near.h: what the tests of numbers share. */
#ifndef ANALYSIS_TEST_NEAR_H
#define ANALYSIS_TEST_NEAR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/interval.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

static inline void assert_near(double got, double expected, double within)
{
    if (!(fabs(got - expected) <= within))
        fail_msg("got %.9g, expected %.9g within %.3g", got, expected, within);
}

static inline void assert_limits(struct interval got, double lo, double hi, double within)
{
    assert_near(got.lo, lo, within);
    assert_near(got.hi, hi, within);
}

#endif
