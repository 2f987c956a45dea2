/* compare_world.c: do two scenario texts ask for the same world?  Both are written flat, a
 * line "network.loss: 0%" per value, without what does not make the world, and compared
 * line by line. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "analysis/compare_parts.h"

#define DEPTH 40 /* the reader of scenarios takes 32 levels */
#define PATH  1000
#define SET   "# --set "

/* Keys of the document that say how the core plays, what is asked or what is kept. */
static const char *const beside[] = {"stack", "compare", "expect", "question",
                                     "seed",  "record",  "sweep"};

static int begins(const char *path, const char *key)
{
    size_t length = strlen(key);
    return strncmp(path, key, length) == 0 && (path[length] == 0 || path[length] == '.');
}

int compare_of_core(const char *path)
{
    if (begins(path, "stack"))
        return 1;
    if (strncmp(path, "population.", 11) != 0)
        return 0;
    const char *key = strchr(path + 11, '.');
    return key && begins(key + 1, "stack");
}

static int is_beside(const char *path)
{
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        if (begins(path, beside[i]))
            return 1;
    return compare_of_core(path) || strncmp(path, "x-", 2) == 0;
}

struct level {
    int map, at_value;
    int index;     /* of a list */
    size_t length; /* of the path above */
};

struct writing {
    FILE *out;
    int depth;
    struct level levels[DEPTH];
    char path[PATH];
};

/* Appends ".part" to the path of the level. */
static void enter(struct writing *w, const char *part)
{
    size_t length = w->levels[w->depth - 1].length;
    snprintf(w->path + length, PATH - length, "%s%s", length ? "." : "", part);
}

/* A value begins: the path becomes its own.  Returns 1 for the key of a map, which is none. */
static int begin_value(struct writing *w, const char *key)
{
    char number[24];
    if (w->depth == 0)
        return 0;
    struct level *level = &w->levels[w->depth - 1];
    if (!level->map) {
        snprintf(number, sizeof number, "%d", level->index++);
        enter(w, number);
        return 0;
    }
    level->at_value = !level->at_value;
    if (!level->at_value)
        return 0;
    enter(w, key);
    return 1;
}

static void write_value(const struct writing *w, const char *text)
{
    if (!is_beside(w->path))
        fprintf(w->out, "%s: %s\n", w->path, text);
}

/* Returns 0 where it is too deep. */
static int push(struct writing *w, int map)
{
    begin_value(w, "?");
    if (w->depth == DEPTH)
        return 0;
    w->levels[w->depth] = (struct level){map, 0, 0, w->depth ? strlen(w->path) : 0};
    w->depth++;
    return 1;
}

/* Returns 0 after the last event that counts. */
static int take(struct writing *w, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        if (!begin_value(w, (const char *)event->data.scalar.value))
            write_value(w, (const char *)event->data.scalar.value);
        return 1;
    case YAML_ALIAS_EVENT:
        if (!begin_value(w, "*"))
            write_value(w, (const char *)event->data.alias.anchor);
        return 1;
    case YAML_MAPPING_START_EVENT: return push(w, 1);
    case YAML_SEQUENCE_START_EVENT: return push(w, 0);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT: w->depth--; return w->depth > 0;
    case YAML_STREAM_END_EVENT: return 0;
    default: return 1;
    }
}

/* The overrides at the end of the text. */
static void write_overrides(FILE *out, const char *text)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        size_t length = strcspn(line, "\n");
        char path[PATH];
        if (strncmp(line, SET, strlen(SET)) != 0)
            continue;
        snprintf(path, sizeof path, "%.*s", (int)strcspn(line + strlen(SET), "=\n"),
                 line + strlen(SET));
        if (!is_beside(path))
            fprintf(out, "--set %.*s\n", (int)(length - strlen(SET)), line + strlen(SET));
    }
}

/* Allocated; NULL without memory. */
static char *flatten(const char *text)
{
    static struct writing w;
    yaml_parser_t parser;
    yaml_event_t event;
    char *flat = NULL;
    size_t size;
    memset(&w, 0, sizeof w);
    w.out = open_memstream(&flat, &size);
    if (!w.out || !yaml_parser_initialize(&parser))
        return NULL;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    for (int more = 1; more && yaml_parser_parse(&parser, &event);) {
        more = take(&w, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    write_overrides(w.out, text);
    return fclose(w.out) ? NULL : flat;
}

static void tell(const char *a, const char *b, char *why, size_t size)
{
    int lengths[2] = {(int)strcspn(a, "\n"), (int)strcspn(b, "\n")};
    snprintf(why, size, "`%.*s%s` in the one, `%.*s%s` in the other",
             lengths[0] < 90 ? lengths[0] : 90, a, lengths[0] ? "" : "nothing more",
             lengths[1] < 90 ? lengths[1] : 90, b, lengths[1] ? "" : "nothing more");
}

void compare_world(const char *base, const char *candidate, char *why, size_t size)
{
    char *flat[COMPARE_SIDES] = {flatten(base), flatten(candidate)};
    const char *a = flat[COMPARE_BASE], *b = flat[COMPARE_CANDIDATE];
    *why = 0;
    if (!a || !b) {
        snprintf(why, size, "the texts cannot be read");
    } else {
        size_t at = 0, line = 0;
        for (; a[at] && a[at] == b[at]; at++)
            line = a[at] == '\n' ? at + 1 : line;
        if (a[at] != b[at])
            tell(a + line, b + line, why, size);
    }
    free(flat[COMPARE_BASE]);
    free(flat[COMPARE_CANDIDATE]);
}
