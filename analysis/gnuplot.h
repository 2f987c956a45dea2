/* gnuplot.h: runs gnuplot in a folder of its own and takes its SVG over.
 *
 * Known to figures.c alone, which writes scripts and data into the folder. */
#ifndef ANALYSIS_GNUPLOT_H
#define ANALYSIS_GNUPLOT_H

#include <stdio.h>

#include "analysis/source.h"

#define GNUPLOT_PATH 1024

struct gnuplot {
    struct source *source; /* remembers failures */
    char folder[GNUPLOT_PATH];
    int keep;
};

/* Makes the folder.  keep NULL: a temporary one, which gnuplot_close removes. */
void gnuplot_open(struct gnuplot *g, struct source *s, const char *keep);

/* Creates a file in the folder; NULL on failure. */
FILE *gnuplot_create(struct gnuplot *g, const char *name);

/* Flushes and closes it. */
void gnuplot_written(struct gnuplot *g, FILE *file);

/* Runs the script in the folder. */
void gnuplot_run(struct gnuplot *g, const char *script);

/* What stands inside the svg element of the file that gnuplot wrote, for a page:
 * no ids, no references, no fonts; black is currentColor, and the colours rgb(1,1,n),
 * rgb(2,2,2), rgb(3,3,3), rgb(4,4,4) are var(--line-n), --faint, --grid, --muted.
 * Allocated; NULL on failure. */
char *gnuplot_take(struct gnuplot *g, const char *name);

void gnuplot_close(struct gnuplot *g);

#endif
