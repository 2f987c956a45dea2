/* oracle_explain.h: a verdict in words: which technique, what it costs, what
 * limits it, and where the model says nothing. */
#ifndef SIM_ORACLE_EXPLAIN_H
#define SIM_ORACLE_EXPLAIN_H

#include <stdio.h>

#include "sim/oracle_mix.h"

/* A sentence about a class as the other side meets it. */
void oracle_explain_class(const struct oracle_class *class, FILE *out);

/* What to do for the technique, its formula, its cost and its limit: lines,
 * each after indent. */
void oracle_explain_option(const struct oracle_verdict *verdict, enum oracle_technique technique,
                           const struct oracle_side *const sides[2], const char *indent, FILE *out);

/* What the model leaves out of these two: a line each, after indent. */
void oracle_explain_gaps(const struct oracle_class *const classes[2], const char *indent,
                         FILE *out);

#endif
