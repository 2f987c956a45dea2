/* curves.h: the lines of the figures, as points with 95 % intervals.
 *
 * In the temporary table of the source
 *   point(curve, cell, x, y, lo, hi)     curve by name, in order of rowid; y NULL: a gap
 * with seconds, shares (0 to 1) and numbers per node and second.  A distribution is
 * exact at its points, which stand CURVES_PER_DECADE to the factor of ten. */
#ifndef ANALYSIS_CURVES_H
#define ANALYSIS_CURVES_H

#include "analysis/cells.h"

#define CURVES_PER_DECADE 48
#define CURVES_CELLS      12 /* cells that get lines; pictures of more say nothing */

enum curve {
    CURVE_FIRST_BYTE,      /* share of all dials that had data within x */
    CURVE_FIRST_BYTE_TAIL, /* of those that got any: share still waiting after x */
    CURVE_DIRECT,          /* share of all dials that were direct within x */
    CURVE_DIRECT_TAIL,
    CURVE_CONNECTED_RATE, /* by the time at which the dial began */
    CURVE_DIRECT_RATE,
    CURVE_JOINED,     /* share of the nodes */
    CURVE_DATAGRAMS,  /* sent, per node and second */
    CURVE_NODE_BYTES, /* share of nodes that send and receive at most x bytes/s */
    CURVE_LOOKUP,     /* share of all lookups that ended well within x */
    CURVE_MESSAGE,    /* share of all messages that had reached their last within x */
    CURVES
};

extern const char *const curves_names[CURVES];

void curves_prepare(struct source *s, const struct cells *cells);

#endif
