/* record_expect.h: judges a plan's expectations by the summary of a run.
 *
 * A metric that the run did not measure is an expectation that failed: nothing
 * passes for lack of data. */
#ifndef SIM_RECORD_EXPECT_H
#define SIM_RECORD_EXPECT_H

#include <sqlite3.h>

struct plan;
struct plan_expect;

/* Stores one row of `expectation` for run 1 per expectation of the plan.
 * *failed: how many did not hold.  Returns an SQLite code. */
int record_expect(sqlite3 *db, const struct plan *plan, int *failed);

/* Does the relation hold?  For the tests. */
int record_expect_holds(const struct plan_expect *expect, double value);

#endif
