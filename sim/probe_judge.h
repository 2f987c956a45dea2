/* probe_judge.h: what a probe ought to find, from the boxes' knobs, and where
 * it found something else.
 *
 * Written apart from the probe and from the translator: a table of what knobs
 * look like from inside.  A dependent mapping that keeps its port looks
 * independent as long as nobody else has that port; a hairpin behind a strict
 * filter cannot be seen; of a chain the strictest rule counts, and the shortest
 * timer. */
#ifndef SIM_PROBE_JUDGE_H
#define SIM_PROBE_JUDGE_H

#include "nat-models/policy.h"
#include "sim/probe_report.h"

struct probe_expected {
    bool judged[PROBE_KEYS];
    char text[PROBE_KEYS][PROBE_VALUE]; /* "": nothing can be known */
    mist_time unreplied, established;   /* MIST_NEVER: nothing ends */
    uint32_t longest_s;
};

struct probe_difference {
    enum probe_key key;
    char expected[PROBE_VALUE], found[PROBE_VALUE]; /* "none" for nothing */
};

/* Boxes in a row, inside first.  looks: "eim/apdf/preserve" where somebody has
 * said what an observer takes them for, or NULL. */
void probe_expect(const struct nat_policy *policies, uint32_t count, const char *looks,
                  const struct probe_effort *effort, struct probe_expected *expected);

/* Fills the differences, in the order of the keys, and returns how many. */
uint32_t probe_judge(const struct probe_expected *expected, const struct probe_report *found,
                     struct probe_difference differences[PROBE_KEYS]);

#endif
