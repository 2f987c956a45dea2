/* text.c: see text.h. */
#include "sim/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stack/check.h"

const char *text_count(char buffer[TEXT_NUMBER], int64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, n < 0 ? -(uint64_t)n : (uint64_t)n);
    char *to = buffer;
    if (n < 0)
        *to++ = '-';
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return buffer;
}

/* Three significant digits: 1.23, 12.3, 123. */
static int digits_after_point(double n)
{
    n = fabs(n);
    return n < 9.995 ? 2 : n < 99.95 ? 1 : 0;
}

static const char *scaled(char buffer[TEXT_NUMBER], double n, const char *const units[], int count,
                          double step)
{
    int i = 0;
    while (i + 1 < count && fabs(n) >= step * 0.9995) {
        n /= step;
        i++;
    }
    int digits = n == floor(n) && i == 0 ? 0 : digits_after_point(n);
    snprintf(buffer, TEXT_NUMBER, "%.*f%s%s", digits, n, *units[i] ? " " : "", units[i]);
    return buffer;
}

const char *text_scaled(char buffer[TEXT_NUMBER], double n)
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
    return scaled(buffer, n, units, 7, 1000);
}

const char *text_bytes(char buffer[TEXT_NUMBER], double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    return scaled(buffer, bytes, units, 7, 1000);
}

/* A share that is not quite all or nothing never reads as if it were; a rounding
 * error of the interval's arithmetic is none. */
const char *text_percent(char buffer[TEXT_NUMBER], double share)
{
    double percent = fabs(share - 1) < 1e-12 ? 100 : share * 100;
    int edge = (percent > 0 && percent < 0.95) || (percent > 99.05 && percent < 100);
    int digits = percent == 0 || percent == 100 ? 0 : edge ? 2 : 1;
    if (share > 0 && percent < 0.005)
        snprintf(buffer, TEXT_NUMBER, "<0.01 %%");
    else if (percent < 100 && percent > 99.995)
        snprintf(buffer, TEXT_NUMBER, ">99.99 %%");
    else
        snprintf(buffer, TEXT_NUMBER, "%.*f %%", digits, percent);
    return buffer;
}

/* n small units as large ones, sixty each, and the rest. */
static void two_units(char buffer[TEXT_NUMBER], double n, const char *large, const char *small)
{
    double rest = fmod(n, 60);
    int length = snprintf(buffer, TEXT_NUMBER, "%.0f %s", trunc(n / 60), large);
    if (rest != 0)
        snprintf(buffer + length, (size_t)(TEXT_NUMBER - length), " %.0f %s", fabs(rest), small);
}

const char *text_seconds(char buffer[TEXT_NUMBER], double seconds)
{
    double size = fabs(seconds);
    if (size == 0)
        snprintf(buffer, TEXT_NUMBER, "0 s");
    else if (size < 0.9995e-6)
        snprintf(buffer, TEXT_NUMBER, "%.0f ns", seconds * 1e9);
    else if (size < 0.9995e-3)
        snprintf(buffer, TEXT_NUMBER, "%.*f us", digits_after_point(seconds * 1e6), seconds * 1e6);
    else if (size < 0.9995)
        snprintf(buffer, TEXT_NUMBER, "%.*f ms", digits_after_point(seconds * 1e3), seconds * 1e3);
    else if (size < 99.95)
        snprintf(buffer, TEXT_NUMBER, "%.*f s",
                 seconds == floor(seconds) ? 0 : digits_after_point(seconds), seconds);
    else if (size < 3600 - 0.5)
        two_units(buffer, round(seconds), "min", "s");
    else if (size < 1e15)
        two_units(buffer, round(seconds / 60), "h", "min");
    else
        snprintf(buffer, TEXT_NUMBER, "%.3g s", seconds);
    return buffer;
}

const char *text_value(char buffer[TEXT_NUMBER], double value, const char *unit)
{
    char number[TEXT_NUMBER];
    if (!isfinite(value))
        snprintf(buffer, TEXT_NUMBER, "-");
    else if (strcmp(unit, "ratio") == 0)
        text_percent(buffer, value);
    else if (strcmp(unit, "s") == 0)
        text_seconds(buffer, value);
    else if (strcmp(unit, "B/s") == 0)
        snprintf(buffer, TEXT_NUMBER, "%.36s/s", text_bytes(number, value));
    else if (strcmp(unit, "count") == 0 && fabs(value) < 9e15)
        text_count(buffer, (int64_t)value);
    else if (strcmp(unit, "1/s") == 0)
        snprintf(buffer, TEXT_NUMBER, "%.22s/s", text_scaled(number, value));
    else
        snprintf(buffer, TEXT_NUMBER, "%.22s%s%.14s", text_scaled(number, value), *unit ? " " : "",
                 unit);
    return buffer;
}

/* Length of the UTF-8 character at s, 0 if it is none (RFC 3629), and its value. */
static int decode(const unsigned char *s, uint32_t *character)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (int more = 0; more < 4; more++) {
        if ((s[0] & forms[more].mask) != forms[more].lead)
            continue;
        uint32_t c = s[0] & (unsigned char)~forms[more].mask;
        for (int i = 1; i <= more; i++) {
            if ((s[i] & 0xc0) != 0x80)
                return 0;
            c = c << 6 | (s[i] & 0x3f);
        }
        *character = c;
        return c < forms[more].least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : more + 1;
    }
    return 0;
}

/* Control characters (C0, DEL, C1) and those that turn the writing direction stay out. */
static int is_showable(uint32_t c)
{
    int control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    int turning = (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                  (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
    return !control && !turning;
}

const char *text_utc(char buffer[TEXT_NUMBER])
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(buffer, TEXT_NUMBER, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return buffer;
}

int text_colours(FILE *out)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fileno(out)) && !(no && *no) && !(terminal && strcmp(terminal, "dumb") == 0);
}

/* With out NULL it only counts. */
static int show(FILE *out, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    int columns = 0;
    while (*s) {
        uint32_t c = 0;
        int length = decode(s, &c);
        int good = length > 0 && is_showable(c);
        if (out && good)
            fwrite(s, 1, (size_t)length, out);
        else if (out)
            fputc('?', out);
        s += length > 0 ? length : 1;
        columns++;
    }
    return columns;
}

int text_shown(FILE *out, const char *text)
{
    return show(out, text);
}

void text_json(FILE *out, const char *text)
{
    if (!text) {
        fputs("null", out);
        return;
    }
    const unsigned char *s = (const unsigned char *)text;
    fputc('"', out);
    while (*s) {
        uint32_t c = 0;
        int length = decode(s, &c);
        if (length == 0)
            fputs("\\ufffd", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", (int)c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\u%04" PRIx32, c);
        else
            fwrite(s, 1, (size_t)length, out);
        s += length > 0 ? length : 1;
    }
    fputc('"', out);
}

void text_json_number(FILE *out, double value)
{
    if (!isfinite(value))
        fputs("null", out);
    else if (value == floor(value) && fabs(value) < 9e15)
        fprintf(out, "%.0f", value);
    else
        fprintf(out, "%.12g", value);
}

struct text_table {
    int columns, cells, room;
    char **cell;
    enum text_align *align;
};

struct text_table *text_table_new(int columns)
{
    struct text_table *t = calloc(1, sizeof *t);
    CHECK(t && columns > 0);
    t->columns = columns;
    t->align = calloc((size_t)columns, sizeof *t->align);
    CHECK(t->align);
    return t;
}

void text_table_align(struct text_table *t, int column, enum text_align align)
{
    CHECK(column < t->columns);
    t->align[column] = align;
}

void text_table_add(struct text_table *t, const char *cell)
{
    if (t->cells == t->room) {
        t->room = t->room ? t->room * 2 : 64;
        t->cell = realloc(t->cell, (size_t)t->room * sizeof *t->cell);
        CHECK(t->cell);
    }
    t->cell[t->cells] = strdup(cell);
    CHECK(t->cell[t->cells]);
    t->cells++;
}

/* *owed: spaces that stand before the next visible cell, so that no line ends in any. */
static void print_cell(const struct text_table *t, FILE *out, int column, const char *cell,
                       int width, int *owed)
{
    int columns = show(NULL, cell), gap = width - columns;
    int right = t->align[column] == TEXT_RIGHT;
    if (columns > 0) {
        fprintf(out, "%*s", *owed + (right ? gap : 0), "");
        show(out, cell);
        *owed = right ? 0 : gap;
    } else {
        *owed += gap;
    }
    *owed += 2;
}

static void free_table(struct text_table *t)
{
    for (int i = 0; i < t->cells; i++)
        free(t->cell[i]);
    free(t->cell);
    free(t->align);
    free(t);
}

void text_table_print(struct text_table *t, FILE *out, const char *indent)
{
    int *width = calloc((size_t)t->columns, sizeof *width);
    CHECK(width);
    for (int i = 0; i < t->cells; i++) {
        int columns = show(NULL, t->cell[i]);
        if (columns > width[i % t->columns])
            width[i % t->columns] = columns;
    }
    for (int i = 0, owed = 0; i < t->cells; i++) {
        int column = i % t->columns;
        owed = column == 0 ? (int)strlen(indent) : owed;
        print_cell(t, out, column, t->cell[i], width[column], &owed);
        if (column == t->columns - 1)
            fputc('\n', out);
    }
    free(width);
    free_table(t);
}
