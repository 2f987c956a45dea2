/* cells.h: which runs count, and in which cells they stand.
 *
 * A cell is what is compared: the runs of one scenario text, setting of the sweep,
 * engine, core and commit; its runs differ in their seeds only.  Complete runs
 * count, of a repeated seed the newest; in a cell without any, the interrupted ones.
 *
 * In the temporary table of the source
 *   counted(run, cell, seed, sim_s, nodes)     cell from 1 in order of first run */
#ifndef ANALYSIS_CELLS_H
#define ANALYSIS_CELLS_H

#include <stdint.h>

#include "analysis/source.h"

#define CELLS_MOST 200 /* more are left out and said to be */

struct cell {
    char label[400]; /* what tells it from the others; "" where there is only one */
    int seeds;       /* that count */
    int complete;    /* 0: only interrupted runs */
};

struct cells {
    int count, left_out;
    struct cell all[CELLS_MOST]; /* cell i + 1 */
};

void cells_find(struct source *s, struct cells *cells);

#endif
