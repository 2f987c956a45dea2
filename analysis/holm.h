/* holm.h: p-values of several metrics judged together.
 *
 * adjusted[i] is the smallest level at which the procedure rejects hypothesis i.  Ties
 * share a value.  A p that is NAN (not computed) counts in the family as 1 and stays NAN. */
#ifndef ANALYSIS_HOLM_H
#define ANALYSIS_HOLM_H

/* Family-wise: with probability 1 - alpha no true hypothesis has adjusted < alpha, however
 * the metrics depend on one another (S. Holm, Scand. J. Stat. 6, 1979, 65-70). */
void holm_adjust(const double *p, double *adjusted, int count);

/* False discovery rate, for exploring: of those with adjusted < q a part of at most q is
 * false on average (Y. Benjamini, Y. Hochberg, J. R. Stat. Soc. B 57, 1995, 289-300; for
 * metrics that are independent or depend positively). */
void holm_discovery(const double *p, double *adjusted, int count);

#endif
