/* question.h: what a scenario asks, read from its text. */
#ifndef ANALYSIS_QUESTION_H
#define ANALYSIS_QUESTION_H

#include <stddef.h>

/* The value of the key `question` of the document, cut to size; "" where there is
 * none or the text is no YAML. */
void question_read(const char *scenario_text, char *question, size_t size);

#endif
