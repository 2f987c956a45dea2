/* survey_parts.h: shared by the files of the survey: survey.c (its steps) and
 * survey_burst.c (what bursts of fresh sockets say). */
#ifndef MIST_SURVEY_PARTS_H
#define MIST_SURVEY_PARTS_H

#include "stack/survey.h"

/* Reads the shots into the next burst; false: too few answers to say anything. */
bool survey_read_burst(struct survey *s);
/* Enough bursts say the same of the port rule. */
bool survey_ports_known(const struct survey *s);
/* Port rule and pooling, by all bursts. */
void survey_judge_ports(struct survey *s);

#endif
