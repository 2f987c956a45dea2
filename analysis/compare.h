/* compare.h: the command `mistsim compare`: two versions on the same worlds. */
#ifndef ANALYSIS_COMPARE_H
#define ANALYSIS_COMPARE_H

/* argv[0] is "compare"; options as `--name=value`, margins in the metric's unit, as mistsim
 * hands them over.  Returns the exit code: EXIT_WORSE when a gating metric is, EXIT_UNDECIDED
 * when one is, EXIT_INPUT when the two cannot be compared. */
int compare_main(int argc, char **argv);

#endif
