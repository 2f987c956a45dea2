/* format.h: what tells a results file from any other, and from one of another age.
 *
 * The one thing about results files that the simulator, which writes them, and the
 * analysis program, which knows nothing of the simulator, must say alike. */
#ifndef RESULTS_FORMAT_H
#define RESULTS_FORMAT_H

/* PRAGMA user_version.  Tables and views are checked exactly, so that every change of
 * one of them raises it:
 *   1  the first
 *   2  table `pair`, view `pair_achieved`; table `margin`; dial.window_ns
 *   3  tables `session`, `fault`, `recovery`; column `offline` of the tallies of dials
 *   4  `summary` has the rule as a floor and the best technique as a ceiling
 *   5  table `verdict`, view `verdict_last` */
#define RESULTS_VERSION     5
#define RESULTS_APPLICATION 0x4D495354 /* PRAGMA application_id: "MIST" */

/* For the message that refuses a file: what was found, then what is known here. */
#define RESULTS_OTHER_VERSION                                                                      \
    "results of version %lld; this program knows version %d: run the scenario again into another " \
    "file, or read this one with the mistsim that wrote it"

#endif
