/* question.c: see question.h. */
#include "analysis/question.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MOST 100 /* libyaml's work grows with the square of the depth */

/* Where the events stand: the keys of the document are at depth 1. */
struct place {
    int depth;
    int at_value; /* at depth 1: a key was read, its value is next */
    int wanted;   /* that key was `question` */
};

/* Returns 1 when the value was found. */
static int take_scalar(struct place *p, const yaml_event_t *event, char *question, size_t size)
{
    const char *text = (const char *)event->data.scalar.value;
    if (p->depth == 1 && p->at_value && p->wanted) {
        snprintf(question, size, "%s", text);
        return 1;
    }
    if (p->depth == 1) {
        p->wanted = !p->at_value && strcmp(text, "question") == 0;
        p->at_value = !p->at_value;
    }
    return 0;
}

/* Returns 1 when there is nothing more to find. */
static int take(struct place *p, const yaml_event_t *event, char *question, size_t size)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return take_scalar(p, event, question, size);
    case YAML_ALIAS_EVENT:
        if (p->depth == 1)
            p->at_value = !p->at_value;
        return 0;
    case YAML_SEQUENCE_START_EVENT: return p->depth++ == 0 || p->depth > DEPTH_MOST;
    case YAML_MAPPING_START_EVENT: return p->depth++ > DEPTH_MOST;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        if (--p->depth == 1)
            p->at_value = 0;
        return p->depth == 0;
    case YAML_STREAM_END_EVENT: return 1;
    default: return 0;
    }
}

void question_read(const char *scenario_text, char *question, size_t size)
{
    yaml_parser_t parser;
    yaml_event_t event;
    struct place place = {0};
    question[0] = 0;
    if (!yaml_parser_initialize(&parser))
        return;
    yaml_parser_set_input_string(&parser, (const unsigned char *)scenario_text,
                                 strlen(scenario_text));
    for (int done = 0; !done && yaml_parser_parse(&parser, &event);) {
        done = take(&place, &event, question, size);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}
