/* summary.h: what `mistsim run` says at the end, read back from the results file.
 *
 * Per cell of the sweep: headline shares with 95 % intervals (one seed: Wilson
 * within the run; several: the seed is the unit, interval.h), latencies, the
 * matrix of NATs, traffic, expectations, and the runs with their trace hashes. */
#ifndef SIM_SUMMARY_H
#define SIM_SUMMARY_H

#include <stdint.h>
#include <stdio.h>

struct summary_request {
    const char *file;
    const char *question; /* "": none */
    const int64_t *runs;  /* numbers in the file; others stay out */
    uint32_t count;
};

/* Return 0, EXIT_INPUT or EXIT_STORAGE with error filled. */
int summary_print(const struct summary_request *request, FILE *out, char *error, int error_size);
int summary_print_json(const struct summary_request *request, FILE *out, char *error,
                       int error_size);

#endif
