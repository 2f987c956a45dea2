/* figures.h: the report's figures: curves drawn by gnuplot, as SVG inside the page.
 *
 * Cells are told apart by colour and dash; up to FIGURES_LINES of them share a
 * panel, more get a panel each, beside the first cell in grey.  gnuplot sees numbers
 * and texts of ours alone, never one of the results file: legends are HTML.  Its SVG
 * is taken over without ids, with the page's colours by name (var(--line-1)), so that
 * light, dark and print are the page's business. */
#ifndef ANALYSIS_FIGURES_H
#define ANALYSIS_FIGURES_H

#include <stdio.h>

#include "analysis/cells.h"

#define FIGURES_LINES 6

enum figures_part {
    FIGURES_TIMES,
    FIGURES_COURSE,
    FIGURES_TRAFFIC,
    FIGURES_LOOKUPS,
    FIGURES_MESSAGES,
};

struct figures;

/* Draws all of them.  folder: where scripts and data are kept (made if need be);
 * NULL: a temporary place.  NULL on failure, which is then the source's: EXIT_LACKING
 * without gnuplot, EXIT_STORAGE. */
struct figures *figures_draw(struct source *s, const struct cells *cells, const char *folder);

/* Writes the figures of a part, or sentences where there is nothing to draw. */
void figures_html(const struct figures *f, enum figures_part part, FILE *out);

/* The sample of a cell's line, for legends. */
void figures_key(int line, FILE *out);

void figures_free(struct figures *f);

#endif
