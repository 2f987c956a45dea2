/* metric.h: every metric of a run: the one table from which `expect` is checked,
 * the summary is labelled and the reference of metrics is made.
 *
 * The views of record_schema.c compute what stands here; a test compares. */
#ifndef SIM_METRIC_H
#define SIM_METRIC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/value.h"

enum metric_source {
    METRIC_SUMMARY, /* a row of the view `summary` */
    METRIC_SERIES,  /* the last value of a series */
};

/* Which way is an improvement; METRIC_NEITHER: what differs there is no judgement. */
enum metric_better { METRIC_NEITHER, METRIC_HIGHER, METRIC_LOWER };

struct metric {
    const char *name;             /* "dial.direct_rate" */
    enum metric_source source;    /* where its value stands */
    enum value_quantity quantity; /* in which a bound is written */
    bool pairs;                   /* may be narrowed: "dial.direct_rate[home,mobile]" */
    enum metric_better better;    /* of which two versions are compared */
    const char *label;            /* in the summary at the end of a run; NULL: not told there */
    const char *doc;              /* one line */
};

extern const struct metric METRICS[]; /* in the order in which they are told */
extern const uint32_t METRIC_COUNT;

/* The metric of that name (length bytes), or NULL. */
const struct metric *metric_find(const char *name, size_t length);

/* "higher", "lower", "" */
const char *metric_better_word(enum metric_better better);

/* The name nearest to a word, or NULL. */
const char *metric_suggest(const char *word);

/* Writes the reference of metrics as a Markdown table. */
void metric_print_markdown(FILE *out);

#endif
