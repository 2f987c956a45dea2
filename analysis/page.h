/* page.h: the report's page, a section at a time.
 *
 * HTML that works from a file, without network and without script; its policy
 * (Content-Security-Policy) forbids both even where an escape were forgotten. */
#ifndef ANALYSIS_PAGE_H
#define ANALYSIS_PAGE_H

#include <stdio.h>

#include "analysis/cells.h"
#include "analysis/figures.h"
#include "analysis/interval.h"

#define PAGE_COLUMNS 6 /* cells that stand side by side in a table */

struct page {
    struct source *source;
    const struct cells *cells;
    const struct figures *figures;
    FILE *out;
};

/* The whole page. */
void page_write(const struct page *p);

/* Its parts. */
void page_style(FILE *out);
void page_script(FILE *out);
void page_headline(const struct page *p);
void page_measures(const struct page *p);
void page_matrix(const struct page *p);
void page_paths(const struct page *p);
void page_traffic(const struct page *p);
void page_boxes(const struct page *p);
void page_lookups(const struct page *p);
void page_messages(const struct page *p);
void page_expectations(const struct page *p);
void page_runs(const struct page *p);
void page_data(const struct page *p);

/* A share on a track from 0 to 100 %: the interval and the value. */
void page_track(FILE *out, struct interval share);

/* "82.6 .. 85.2 %"; nothing where there is no interval. */
void page_range(FILE *out, struct interval x, const char *unit);

/* The heading cell of a cell's column or row. */
void page_cell_name(const struct page *p, int cell);

/* A table of `grouped` rows of one kind: a row per a, most first, a column per cell.
 * words: pairs of a and its meaning, ended by NULL; NULL: none. */
struct page_groups {
    const char *kind, *heading, *unit;
    const char *const *words;
};
void page_groups(const struct page *p, const struct page_groups *g);

#endif
