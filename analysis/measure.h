/* measure.h: what the counted runs measured: per cell, with 95 % intervals.
 *
 * Of one seed the interval is the one that the file's view `summary` gives; over
 * several the seed is the unit (interval.h).  Costly views are asked once per run
 * and copied, together with what is made of them, into temporary tables:
 *   measured(run, metric, value, lo, hi, unit)
 *   tally(run, src_population, dst_population, src_nat, dst_nat, dials, direct, ...)
 *   share(run, metric, hits, trials)
 *   grouped(kind, cell, a, b, hits, trials, value, lo, hi)
 * whose kinds are
 *   pair        direct dials of NAT a to NAT b, out of all of that pair
 *   path        dials by best path a
 *   hops        successful lookups by number of hops a
 *   sent        bytes per node and second by kind of datagram a
 *   datagrams   datagrams per node and second by kind a
 *   population  bytes per node and second, both ways, by population a */
#ifndef ANALYSIS_MEASURE_H
#define ANALYSIS_MEASURE_H

#include "analysis/interval.h"
#include "analysis/source.h"

struct figure_value {
    struct interval interval;
    double trials; /* n: dials, lookups, nodes ... that it is taken from; 0: does not apply */
    int seeds;     /* that measured it; 0: none did */
    char unit[16];
};

void measure_prepare(struct source *s);

/* The tables tally and share alone, from a table `measured` that need only have node.joined
 * and, of runs with churn, dial.online_rate. */
void measure_shares(struct source *s);

struct figure_value measure(struct source *s, int cell, const char *metric);

#endif
