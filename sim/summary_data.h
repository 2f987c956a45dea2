/* summary_data.h: the figures of a summary, taken out of a results file.
 *
 * A private header of summary*.c.  The chosen runs' rows of the costly views
 * are copied once into temporary tables:
 *   chosen(run, cell, counted)   counted: complete, or interrupted where no run
 *                                of the cell is complete
 *   measured(run, metric, value, lo, hi, unit), tally(run, ...) of the counted. */
#ifndef SIM_SUMMARY_DATA_H
#define SIM_SUMMARY_DATA_H

#include <sqlite3.h>
#include <stdint.h>

#include "sim/interval.h"
#include "sim/summary.h"

#define SUMMARY_UNIT 16

struct summary_figure {
    struct interval interval;
    double trials; /* of a share: how many; else 0 */
    char unit[SUMMARY_UNIT];
};

/* Opens the file and copies.  Returns 0, EXIT_INPUT or EXIT_STORAGE. */
int summary_data_open(sqlite3 **db, const struct summary_request *request, char *error,
                      int error_size);

/* A statement with one text argument bound (NULL: none); NULL on failure. */
sqlite3_stmt *summary_data_query(sqlite3 *db, const char *sql, const char *argument);

/* The metric over the counted runs of the cell.  Returns 0 if none measured it. */
int summary_data_figure(sqlite3 *db, const char *cell, const char *metric,
                        struct summary_figure *figure);

#endif
