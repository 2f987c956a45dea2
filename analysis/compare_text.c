/* compare_text.c: differences as people read them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/compare_parts.h"

#define PLUS_MINUS "\xc2\xb1"

/* Digits after the point that show two of `size`. */
static int digits_for(double size)
{
    if (!(size > 0) || !isfinite(size))
        return 1;
    double digits = 1 - floor(log10(size));
    return digits < 0 ? 0 : digits > 4 ? 4 : (int)digits;
}

/* In which a change is told, and how many of them one of the metric's unit is. */
struct scale {
    const char *unit;
    double factor;
};

static struct scale scale_of(const char *unit, double size, double base)
{
    if (strcmp(unit, "ratio") == 0)
        return (struct scale){"pt", 100};
    if (strcmp(unit, "s") == 0)
        return size < 1 ? (struct scale){"ms", 1000} : (struct scale){"s", 1};
    if (isfinite(base) && base > 0)
        return (struct scale){"%", 100 / base};
    return (struct scale){unit, 1};
}

const char *compare_text_value(char buffer[COMPARE_TEXT], struct interval x, const char *unit)
{
    char number[TEXT_VALUE];
    double half = (x.hi - x.lo) / 2;
    if (!isfinite(half)) {
        snprintf(buffer, COMPARE_TEXT, "%s", text_value(number, x.value, unit));
    } else if (strcmp(unit, "ratio") == 0) {
        snprintf(buffer, COMPARE_TEXT, "%.*f %% " PLUS_MINUS "%.*f", digits_for(100 * half),
                 100 * x.value, digits_for(100 * half), 100 * half);
    } else {
        char width[TEXT_VALUE];
        snprintf(buffer, COMPARE_TEXT, "%s " PLUS_MINUS "%s", text_value(number, x.value, unit),
                 text_value(width, half, unit));
    }
    return buffer;
}

const char *compare_text_change(char buffer[COMPARE_TEXT], const struct compare_result *r)
{
    struct interval x = r->difference.delta;
    double size = fmax(fabs(x.value), fmax(fabs(x.lo), fabs(x.hi)));
    if (!isfinite(size)) {
        snprintf(buffer, COMPARE_TEXT, "-");
        return buffer;
    }
    struct scale s = scale_of(r->metric->unit, size, r->difference.base.value);
    double half = s.factor * (x.hi - x.lo) / 2;
    int digits = digits_for(half > 0 ? half : s.factor * size);
    /* No sign before a zero that stands for less than can be seen. */
    double parts[3] = {x.value, x.lo, x.hi}, least = pow(10, -digits) / 2;
    for (int i = 0; i < 3; i++)
        parts[i] = fabs(parts[i] * s.factor) < least ? 0 : parts[i] * s.factor;
    snprintf(buffer, COMPARE_TEXT, "%+.*f %s [%+.*f, %+.*f]", digits, parts[0], s.unit, digits,
             parts[1], digits, parts[2]);
    return buffer;
}

const char *compare_text_margin(char buffer[COMPARE_TEXT], const struct compare_result *r)
{
    char number[TEXT_VALUE];
    const struct compare_margin *m = &r->declared;
    if (r->metric->kind == COMPARE_SHARE)
        snprintf(buffer, COMPARE_TEXT, "%g pt", 100 * m->most);
    else if (m->relative)
        snprintf(buffer, COMPARE_TEXT, "%g %%", 100 * m->most);
    else
        snprintf(buffer, COMPARE_TEXT, "%s", text_value(number, m->most, r->metric->unit));
    return buffer;
}

const char *compare_text_p(char buffer[COMPARE_TEXT], double p)
{
    if (!isfinite(p))
        snprintf(buffer, COMPARE_TEXT, "-");
    else if (p < 1e-99)
        snprintf(buffer, COMPARE_TEXT, "<1e-99");
    else
        snprintf(buffer, COMPARE_TEXT, p < 0.001 ? "%.0e" : "%.3f", p);
    return buffer;
}

const char *compare_text_need(char buffer[COMPARE_TEXT], const struct compare_result *r)
{
    char number[TEXT_VALUE];
    if (r->seeds_needed > VERDICT_SEEDS_MOST)
        snprintf(buffer, COMPARE_TEXT, "no number of seeds decides it");
    else if (r->seeds_needed == 0)
        snprintf(buffer, COMPARE_TEXT, "needs more seeds to say how many");
    else
        snprintf(buffer, COMPARE_TEXT, "needs about %s seeds",
                 text_count(number, (double)r->seeds_needed));
    return buffer;
}

int compare_print(FILE *out, const char *text)
{
    int columns = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++, columns++)
        fputc(*c < ' ' || *c >= 0x7f ? '?' : *c, out);
    return columns;
}

int compare_colours(FILE *out)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    return isatty(fileno(out)) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}
