/* report.h: the command `mistsim report`: a results file as one page. */
#ifndef ANALYSIS_REPORT_H
#define ANALYSIS_REPORT_H

/* argv[0] is "report".  Returns the exit code. */
int report_main(int argc, char **argv);

#endif
