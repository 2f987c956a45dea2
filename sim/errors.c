/* errors.c: collects and prints mistakes in the user's input; see errors.h. */
#include "sim/errors.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/text.h"
#include "stack/check.h"

#define MESSAGE_LONGEST 1000 /* bytes: a message is a line, whatever the input holds */
#define QUOTE_LONGEST   160  /* bytes of a quoted line */
#define SUGGEST_LONGEST 64   /* bytes: longer words are no misspelt keys */

static int same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static int known(const struct errors *e, const struct error *candidate)
{
    for (uint32_t i = 0; i < e->count && i < ERRORS_KEPT; i++) {
        const struct error *k = &e->kept[i];
        if (k->place.source == candidate->place.source && k->place.line == candidate->place.line &&
            k->place.column == candidate->place.column && same_text(k->message, candidate->message))
            return 1;
    }
    return 0;
}

const struct error_source *errors_source(struct errors *e, const char *name, const char *text,
                                         size_t length)
{
    struct error_source *source = arena_take(&e->arena, sizeof *source);
    source->name = arena_text(&e->arena, name, strlen(name));
    if (text)
        source->text = arena_text(&e->arena, text, length);
    return source;
}

void errors_add(struct errors *e, const struct error_place *place, const char *path,
                const char *format, ...)
{
    char message[MESSAGE_LONGEST];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    e->raised++;
    struct error fresh = {.place = *place, .path = path, .message = message};
    if (known(e, &fresh))
        return;
    if (!e->kept)
        e->kept = arena_take(&e->arena, ERRORS_KEPT * sizeof *e->kept);
    if (e->count < ERRORS_KEPT) {
        fresh.message = arena_text(&e->arena, message, strlen(message));
        fresh.path = arena_text(&e->arena, path, strlen(path));
        e->kept[e->count] = fresh;
    }
    e->count++;
}

/* The start and length of a line of the source; length 0 when it has none. */
static const char *find_line(const char *text, uint32_t line, size_t *length)
{
    for (uint32_t i = 1; i < line && text; i++) {
        text = strchr(text, '\n');
        if (text)
            text++;
    }
    *length = text ? strcspn(text, "\r\n") : 0;
    return text;
}

static void print_quote(const struct error *error, FILE *out)
{
    const struct error_place *p = &error->place;
    size_t length;
    const char *line = find_line(p->source->text, p->line, &length);
    if (!line || length == 0 || length > QUOTE_LONGEST || p->column > length + 1)
        return;
    char quote[QUOTE_LONGEST + 1];
    memcpy(quote, line, length);
    quote[length] = 0;
    fprintf(out, "%4u | ", p->line);
    text_shown(out, quote);
    fprintf(out, "\n     | %*s^", (int)p->column - 1, "");
    for (size_t i = p->column; i < length && i - p->column + 1 < p->width; i++)
        fputc('~', out);
    fputc('\n', out);
}

/* What a hostile file holds must not reach the terminal as it is. */
static void print_error(const struct error *error, FILE *out)
{
    const struct error_place *p = &error->place;
    text_shown(out, p->source->name);
    if (p->line)
        fprintf(out, ":%u:%u", p->line, p->column);
    fputs(": ", out);
    text_shown(out, error->path);
    fputs(*error->path ? ": " : "", out);
    text_shown(out, error->message);
    fputc('\n', out);
    if (p->line && p->source->text)
        print_quote(error, out);
}

static int by_place(const void *left, const void *right)
{
    const struct error *a = *(const struct error *const *)left;
    const struct error *b = *(const struct error *const *)right;
    int by_source = strcmp(a->place.source->name, b->place.source->name);
    if (by_source)
        return by_source;
    if (a->place.line != b->place.line)
        return a->place.line < b->place.line ? -1 : 1;
    if (a->place.column != b->place.column)
        return a->place.column < b->place.column ? -1 : 1;
    return a < b ? -1 : a > b; /* order of discovery: they stand in one array */
}

void errors_print(const struct errors *e, FILE *out)
{
    const struct error *order[ERRORS_KEPT];
    uint32_t kept = e->count < ERRORS_KEPT ? e->count : ERRORS_KEPT;
    for (uint32_t i = 0; i < kept; i++)
        order[i] = &e->kept[i];
    qsort(order, kept, sizeof *order, by_place);
    for (uint32_t i = 0; i < kept; i++)
        print_error(order[i], out);
    if (e->count > kept)
        fprintf(out, "%u more not shown.\n", e->count - kept);
    fprintf(out, "%u error%s.\n", e->count, e->count == 1 ? "" : "s");
}

void errors_free(struct errors *e)
{
    arena_free(&e->arena);
    *e = (struct errors){0};
}

static uint32_t smallest(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's distance, one row at a time. */
static uint32_t edits(const char *a, const char *b)
{
    uint32_t row[SUGGEST_LONGEST + 1];
    uint32_t length = (uint32_t)strlen(b);
    for (uint32_t j = 0; j <= length; j++)
        row[j] = j;
    for (uint32_t i = 1; a[i - 1]; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= length; j++) {
            uint32_t above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[length];
}

const char *errors_suggest(const char *word, const char *const *candidates, uint32_t count)
{
    size_t length = strlen(word);
    if (length == 0 || length > SUGGEST_LONGEST)
        return NULL;
    uint32_t limit = length / 3 > 2 ? (uint32_t)(length / 3) : 2;
    if (length < 4)
        limit = length > 1; /* two edits turn any three letters into another word */
    const char *best = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (strlen(candidates[i]) > SUGGEST_LONGEST)
            continue;
        uint32_t distance = edits(word, candidates[i]);
        if (distance <= limit) {
            best = candidates[i];
            if (distance == 0)
                break;
            limit = distance - 1;
        }
    }
    return best;
}
