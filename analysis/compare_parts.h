/* compare_parts.h: what the files of the command `compare` share; nobody else's.
 *
 *   compare.c          the command: reads the line, opens the files, says the exit code
 *   compare_metric.c   the table of metrics that are compared
 *   compare_arm.c      which runs stand on each side, and which are pairs
 *   compare_world.c    do two scenario texts ask for the same world?
 *   compare_check.c    were the worlds the same?
 *   compare_measure.c  what each seed measured on both sides
 *   compare_judge.c    margins, differences, families, verdicts
 *   compare_dials.c    the dials of both sides, one by one
 *   compare_text.c     differences as people read them
 *   compare_table.c    the table, as text and as Markdown
 *   compare_why.c      one metric, seed by seed
 *   compare_data.c     JSON and JUnit
 *   compare_sequential.c  verdicts that hold at every look (`--sequential`)
 *   compare_facts.c    who connected how, pair by pair (`--facts`)
 *   compare_cells.c    one setting of a sweep against its others, by pairs of populations
 * (`--cells`)
 *
 * A side, base or candidate, is one core in one setting: the runs of one results file
 * that its selection names.  A pair is one run of each side with the same cell and
 * seed.  The pairs of one seed are added up: the seed is the unit. */
#ifndef ANALYSIS_COMPARE_PARTS_H
#define ANALYSIS_COMPARE_PARTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/difference.h"
#include "analysis/source.h"
#include "analysis/text.h"
#include "analysis/verdict.h"

#define COMPARE_ALPHA   0.05  /* of the family of gating metrics */
#define COMPARE_PAIRS   10000 /* more are beyond any experiment */
#define COMPARE_GATING  8
#define COMPARE_METRICS 40
#define COMPARE_WANTED  16 /* conditions of a selection */

enum compare_side { COMPARE_BASE, COMPARE_CANDIDATE, COMPARE_SIDES };

enum compare_kind {
    COMPARE_SHARE,    /* hits of trials */
    COMPARE_QUANTILE, /* of a seed's values */
    COMPARE_MEAN,     /* one value per seed */
};

struct compare_metric {
    const char *name;  /* of the view `summary`, or of a series */
    const char *label; /* for people */
    const char *unit;  /* of the view `summary` */
    enum compare_kind kind;
    int better; /* +1: more, -1: less, 0: neither, which is told and not judged */
};

extern const struct compare_metric compare_metrics[];
extern const int compare_metric_count; /* at most COMPARE_METRICS */

/* The metric of that name, or NULL. */
const struct compare_metric *compare_metric_find(const char *name);

struct compare_margin {
    const struct compare_metric *metric;
    double most;  /* in the metric's unit, above 0 */
    int relative; /* a share of the base's value instead */
};

enum compare_margins { MARGINS_OF_SCENARIO, MARGINS_DEFAULT, MARGINS_OF_LINE };
enum compare_form { FORM_TEXT, FORM_JSON, FORM_MARKDOWN, FORM_JUNIT };

struct compare_request {
    const char *files[COMPARE_SIDES];
    const char *select[COMPARE_SIDES]; /* "stack.punch.rounds=1,commit=ab12"; NULL: all runs */
    const char *cells;                 /* "stack.punch.strategy=mist"; NULL: two sides */
    int facts, across_engines, incomplete, sequential;
    enum compare_form form;
    const struct compare_metric *why; /* NULL: the table */
    int margin_count;
    struct compare_margin margins[COMPARE_GATING]; /* of the line */
    double most_loss;                              /* of all gating shares; 0: not given */
};

struct compare_arm {
    struct source source;
    char scenario[128], engine[32], stack[256], version[64], commit[64];
    char *text; /* of the scenario; owned */
    int complete, failed, interrupted, running;
    int alone; /* complete runs whose cell and seed the other side has not */
};

struct compare_pair {
    int64_t run[COMPARE_SIDES];
    int64_t seed;
    int identical; /* by trace hash */
};

/* One metric: an array per side, a place per seed. */
struct compare_values {
    double *hits[COMPARE_SIDES];   /* or values; NAN where there is none */
    double *trials[COMPARE_SIDES]; /* of shares */
};

struct compare_result {
    const struct compare_metric *metric;
    struct compare_values values; /* owned */
    int gating;
    struct compare_margin declared;
    double margin; /* in the metric's unit */
    struct difference difference;
    double p_adjusted; /* Holm over the gating ones, Benjamini-Hochberg over the others */
    enum verdict verdict;
    int seeds_needed; /* where undecided; 0: the spread is not known */
};

/* Dials that both sides made, by what became of them. */
struct compare_dials {
    int64_t both; /* dials matched */
    int64_t unmatched[COMPARE_SIDES];
    int64_t changed;                     /* direct, relayed, failed: another one */
    int64_t direct_only[COMPARE_SIDES];  /* direct on that side alone */
    int64_t reached_only[COMPARE_SIDES]; /* connected on that side alone */
};

struct compare {
    const struct compare_request *request;
    struct compare_arm arms[COMPARE_SIDES];
    int pair_count, identical, seed_count, cell_count;
    struct compare_pair pairs[COMPARE_PAIRS]; /* by seed, then cell */
    int seed_of[COMPARE_PAIRS];               /* pair -> place of its seed */
    int64_t seeds[COMPARE_PAIRS];
    enum compare_margins margins_from;
    int margins_differ; /* the candidate's scenario declares others: the base's count */
    int result_count, gating_count;
    struct compare_result results[COMPARE_METRICS]; /* gating first, then as in the table */
    struct compare_dials dials;
    int status;       /* 0, or the exit code of the first failure */
    char error[3000]; /* lines, all reasons */
};

extern const char *const compare_side_names[COMPARE_SIDES]; /* "base", "candidate" */

/* Adds a reason why these two cannot be compared (EXIT_INPUT). */
void compare_refuse(struct compare *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes over the first failure of a source; returns c->status. */
int compare_failed(struct compare *c);

/* Finds the runs of both sides and their pairs.  Refuses selections that name several
 * versions or none, other scenarios and engines, and runs that did not complete. */
void compare_pair_up(struct compare *c);

/* Refuses pairs whose nodes or round trips are not the same, and counts the dials of both
 * sides, unless all pairs are identical. */
void compare_check(struct compare *c);

/* Where the two texts ask for different worlds: the first difference, for people,
 * "network.loss: 0% and 2%"; else "".  What the core is told, what is asked and what is
 * recorded do not count, nor the sweep, whose settings the cells have. */
void compare_world(const char *base, const char *candidate, char *why, size_t size);

/* Whether the path of a setting is one of the core's: "stack.punch.rounds",
 * "population.home.stack.punch.rounds". */
int compare_of_core(const char *path);

/* Fills results[].values of all metrics that both sides measured. */
void compare_measure(struct compare *c);

/* Takes the margins and judges what was measured. */
void compare_judge(struct compare *c);

/* A dial that both sides made, or, with a NULL outcome, one of them alone.  Texts are
 * borrowed for the call. */
struct compare_dial {
    int64_t seed, src, dst, number[COMPARE_SIDES];
    const char *src_nat, *dst_nat;
    const char *outcome[COMPARE_SIDES], *path[COMPARE_SIDES];
    int64_t ideal_ns[COMPARE_SIDES]; /* round trip of the empty network; < 0: not known */
};

/* Calls use for each dial of the pair, by source and target. */
void compare_each_dial(struct compare *c, const struct compare_pair *pair,
                       void (*use)(void *data, const struct compare_dial *dial), void *data);

/* Puts the dial down. */
void compare_count_dial(struct compare_dials *n, const struct compare_dial *dial);

/* The name of a node; returns name. */
const char *compare_node(struct compare *c, const struct compare_pair *pair, int64_t node,
                         char name[64]);

/* For people; all return buffer.  "81.2 % ±0.9", "+1.4 pt [+0.9, +1.9]", "p=4e-8". */
#define COMPARE_TEXT 120
const char *compare_text_value(char buffer[COMPARE_TEXT], struct interval x, const char *unit);
const char *compare_text_change(char buffer[COMPARE_TEXT], const struct compare_result *r);
const char *compare_text_margin(char buffer[COMPARE_TEXT], const struct compare_result *r);
const char *compare_text_p(char buffer[COMPARE_TEXT], double p);
/* "needs about 640 seeds" */
const char *compare_text_need(char buffer[COMPARE_TEXT], const struct compare_result *r);
/* Writes a text of the file as any terminal may see it: what is not printable ASCII becomes
 * `?`.  Returns the columns taken. */
int compare_print(FILE *out, const char *text);
/* May colours be used there?  A terminal that is not dumb, and no NO_COLOR. */
int compare_colours(FILE *out);

/* Writes the comparison. */
void compare_table(struct compare *c, FILE *out);
void compare_why(struct compare *c, FILE *out);
void compare_json(struct compare *c, FILE *out);
void compare_junit(struct compare *c, FILE *out);

/* Judges the gating metrics again, as one may who looked before, and writes that. */
void compare_sequential(struct compare *c, FILE *out);

/* Compares who connected how; returns EXIT_FINE, EXIT_WORSE or the failure. */
int compare_facts(struct compare *c, FILE *out);

/* Compares a setting of a sweep with its others in each pair of populations; returns EXIT_FINE,
 * EXIT_WORSE where one of them is better somewhere, or the failure. */
int compare_cells(struct source *source, const char *setting, enum compare_form form, FILE *out);

/* EXIT_WORSE, EXIT_UNDECIDED or EXIT_FINE, by the gating metrics. */
int compare_exit(const struct compare *c);

#endif
