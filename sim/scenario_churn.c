/* scenario_churn.c: `churn` -> plan_churn, and files of measured durations. */
#include <stdlib.h>
#include <string.h>

#include "sim/scenario_parts.h"
#include "sim/value.h"
#include "stack/check.h"

#define LINE_LONGEST 64                   /* characters of a duration */
#define LONGEST      (SEC(86400) * 36500) /* about 100 years, as the schema allows */

/* Where reading stands in the text. */
struct trace_reader {
    const struct error_source *source;
    const char *at, *end;
    uint32_t line;
    struct errors *errors;
};

/* The next line without comment and white space around; false at the end. */
static bool next_line(struct trace_reader *r, char line[LINE_LONGEST + 1],
                      struct error_place *place)
{
    if (r->at == r->end)
        return false;
    const char *begin = r->at, *stop = memchr(begin, '\n', (size_t)(r->end - begin));
    stop = stop ? stop : r->end;
    r->at = stop == r->end ? stop : stop + 1;
    r->line++;
    const char *comment = memchr(begin, '#', (size_t)(stop - begin));
    const char *last = comment ? comment : stop, *first = begin;
    while (first < last && strchr(" \t\r", *first) && *first)
        first++;
    while (last > first && strchr(" \t\r", last[-1]) && last[-1])
        last--;
    size_t length = (size_t)(last - first);
    *place = (struct error_place){r->source, r->line, (uint32_t)(first - begin) + 1,
                                  length ? (uint32_t)length : 1};
    if (length > LINE_LONGEST || memchr(first, 0, length)) {
        first = "?"; /* no duration looks like that */
        length = 1;
    }
    memcpy(line, first, length);
    line[length] = 0;
    return true;
}

static bool read_duration(struct trace_reader *r, const char *line, const struct error_place *place,
                          mist_time *duration)
{
    const char *expected = value_time(line, duration);
    if (!expected && *duration > 0 && *duration <= LONGEST)
        return true;
    errors_add(r->errors, place, "", "expected %s, got `%s`",
               expected ? expected : "a time of more than 0 and at most 36500 d", line);
    return false;
}

/* The durations of a text, in malloc'ed memory; *count 0 after an error. */
static mist_time *read_durations(struct trace_reader *r, uint32_t *count)
{
    char line[LINE_LONGEST + 1];
    struct error_place place;
    uint32_t room = 1024, used = 0;
    bool fine = true;
    mist_time *durations = malloc(room * sizeof *durations), duration;
    CHECK(durations);
    while (next_line(r, line, &place)) {
        if (!*line)
            continue;
        if (used == LIFETIME_VALUES) {
            errors_add(r->errors, &place, "", "expected at most %d durations, got more",
                       LIFETIME_VALUES);
            fine = false;
            break;
        }
        if (used == room) {
            room *= 2;
            durations = realloc(durations, room * sizeof *durations);
            CHECK(durations);
        }
        if (read_duration(r, line, &place, &duration))
            durations[used++] = duration;
        else
            fine = false;
    }
    if (fine && used == 0) {
        errors_add(r->errors, &(struct error_place){r->source, 0, 0, 0}, "",
                   "expected a duration such as `90 min` per line, got none");
        fine = false;
    }
    *count = fine ? used : 0;
    return durations;
}

/* Reads a file once for all cells; count 0: it had errors, which were told. */
static const struct trace_file *get_trace(const struct scenario *s, const struct yaml_node *name,
                                          const char *path, struct errors *errors)
{
    struct traces *traces = s->traces;
    const char *file = name->text;
    if (*file != '/')
        file = arena_format(traces->arena, "%s%s", s->folder, file);
    for (const struct trace_file *t = traces->files; t; t = t->next)
        if (strcmp(t->path, file) == 0)
            return t;
    struct trace_file *trace = arena_take(traces->arena, sizeof *trace);
    trace->path = file;
    const char *obstacle = yaml_obstacle(file);
    if (obstacle) {
        errors_add(errors, &name->place, path, "cannot open `%s`: %s", file, obstacle);
        return trace;
    }
    trace->next = traces->files;
    traces->files = trace;
    size_t length = 0;
    const struct error_source *source = errors_source(errors, file, NULL, 0);
    char *text = yaml_load(traces->arena, file, source, &length, errors);
    if (!text)
        return trace;
    source = errors_source(errors, file, text, length);
    struct trace_reader r = {source, text, text + length, 0, errors};
    mist_time *durations = read_durations(&r, &trace->count);
    trace->durations = arena_take(traces->arena, (trace->count + 1) * sizeof *durations);
    memcpy(trace->durations, durations, trace->count * sizeof *durations);
    free(durations);
    return trace;
}

static int64_t number(const struct yaml_node *map, const char *key)
{
    return yaml_get(map, key)->number;
}

static void read_law(const struct scenario *s, const struct yaml_node *map, const char *path,
                     struct plan *plan, struct lifetime *law, struct errors *errors)
{
    const struct yaml_node *weibull = yaml_get(map, "weibull"), *trace = yaml_get(map, "trace");
    const struct yaml_node *exponential = yaml_get(map, "exponential");
    const struct yaml_node *lognormal = yaml_get(map, "lognormal");
    if (weibull)
        lifetime_weibull(law, &plan->memory, number(weibull, "scale"),
                         (uint32_t)number(weibull, "shape"));
    if (exponential)
        lifetime_weibull(law, &plan->memory, number(exponential, "mean"), 1000000);
    if (lognormal)
        lifetime_lognormal(law, number(lognormal, "median"), (uint32_t)number(lognormal, "sigma"));
    if (trace) {
        const struct trace_file *file = get_trace(s, trace, path, errors);
        mist_time *durations = arena_take(&plan->memory, (file->count + 1) * sizeof *durations);
        if (file->count == 0)
            return;
        memcpy(durations, file->durations, file->count * sizeof *durations);
        lifetime_trace(law, &plan->memory, durations, file->count);
    }
}

void scenario_churn(const struct scenario *s, const struct yaml_node *churn, struct plan *plan,
                    struct errors *errors)
{
    if (!churn)
        return;
    const struct yaml_node *downtime = yaml_get(churn, "downtime");
    plan->churn.groups = scenario_group(plan, yaml_get(churn, "of"), "churn", errors);
    plan->churn.graceful_ppm = (uint32_t)number(churn, "graceful");
    read_law(s, yaml_get(churn, "session"), "churn.session", plan, &plan->churn.session, errors);
    if (downtime)
        read_law(s, downtime, "churn.downtime", plan, &plan->churn.downtime, errors);
    else
        plan->churn.downtime = plan->churn.session;
}
