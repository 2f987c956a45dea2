/* wilson.h: Wilson's 95 % interval for a share p out of n (E. B. Wilson 1927), z = 1.96, as
 * expressions of SQL; used by the views of a results file and by `show`. */
#ifndef SIM_WILSON_H
#define SIM_WILSON_H

#define Z  "1.959963984540054"
#define ZZ "3.841458820694124"
#define WILSON(sign)                                                                               \
    "((p + " ZZ "/(2*n) " sign " " Z "*sqrt(p*(1-p)/n + " ZZ "/(4.0*n*n)))/(1 + " ZZ "/n))"
#define WILSON_LO   "max(0.0, " WILSON("-") ")"
#define WILSON_HI   "min(1.0, " WILSON("+") ")"
#define WILSON_BOTH WILSON_LO ", " WILSON_HI

#endif
