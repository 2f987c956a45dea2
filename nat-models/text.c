#include "nat-models/text.h"

#include <string.h>

#define TIME_MAX ((int64_t)36525 * 86400) /* seconds in 100 years */

static const char *skip_space(const char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

/* The length of text without the space at its end. */
static size_t trimmed(const char *text)
{
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    return length;
}

/* Reads digits with an optional fraction as billionths.  Returns what follows,
 * or NULL. */
static const char *read_decimal(const char *text, int64_t *whole, int64_t *billionths)
{
    int digits = 0;
    *whole = *billionths = 0;
    for (; *text >= '0' && *text <= '9'; text++, digits++) {
        if (digits >= 12)
            return NULL;
        *whole = *whole * 10 + (*text - '0');
    }
    if (digits == 0)
        return NULL;
    if (text[0] != '.' || text[1] < '0' || text[1] > '9')
        return text;
    text++;
    int64_t place = 100000000;
    for (digits = 0; *text >= '0' && *text <= '9'; text++, digits++) {
        *billionths += place * (*text - '0');
        place /= 10;
    }
    return digits > 9 ? NULL : text;
}

static const struct {
    const char *name;
    mist_time length;
} units[] = {
    {"ns", 1},           {"us", US(1)},      {"ms", MS(1)},           {"s", SEC(1)},
    {"min", MINUTES(1)}, {"h", MINUTES(60)}, {"d", MINUTES(60) * 24},
};

/* The unit's length in ns, or 0. */
static mist_time unit_length(const char *name)
{
    size_t length = trimmed(name);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0)
            return units[i].length;
    }
    return 0;
}

int nat_text_time(const char *text, mist_time *time)
{
    int64_t whole, billionths;
    const char *rest = read_decimal(skip_space(text), &whole, &billionths);
    if (rest == NULL)
        return -1;
    rest = skip_space(rest);
    mist_time unit = unit_length(rest);
    if (unit == 0 && (*rest != '\0' || whole != 0 || billionths != 0))
        return -1;
    if (unit != 0 && whole > TIME_MAX * SEC(1) / unit)
        return -1;
    /* billionths < 10^9 and a unit is whole seconds or divides one */
    mist_time part = unit >= SEC(1) ? unit / SEC(1) * billionths : billionths * unit / SEC(1);
    *time = whole * unit + part;
    return 0;
}

int nat_text_number(const char *text, int64_t low, int64_t high, int64_t *number)
{
    text = skip_space(text);
    int64_t sign = *text == '-' ? -1 : 1;
    int64_t whole, billionths;
    const char *rest = read_decimal(text + (*text == '-' || *text == '+'), &whole, &billionths);
    if (rest == NULL || billionths != 0 || *skip_space(rest) != '\0')
        return -1;
    if (sign * whole < low || sign * whole > high)
        return -1;
    *number = sign * whole;
    return 0;
}

int nat_text_range(const char *text, uint16_t *low, uint16_t *high)
{
    text = skip_space(text);
    char close = *text == '[' ? ']' : '\0';
    int64_t ends[2], fraction;
    text = read_decimal(skip_space(text + (*text == '[')), &ends[0], &fraction);
    if (text == NULL || fraction != 0)
        return -1;
    const char *rest = text + strspn(text, " ,.-");
    if (rest == text)
        return -1;
    text = read_decimal(rest, &ends[1], &fraction);
    if (text == NULL || fraction != 0)
        return -1;
    text = skip_space(text);
    if (*text != close || (close != '\0' && *skip_space(text + 1) != '\0'))
        return -1;
    if (ends[0] > 65535 || ends[1] > 65535)
        return -1;
    *low = (uint16_t)ends[0];
    *high = (uint16_t)ends[1];
    return 0;
}

int nat_text_rate(const char *text, uint64_t *rate_uhz)
{
    int64_t whole, billionths;
    const char *rest = read_decimal(skip_space(text), &whole, &billionths);
    if (rest == NULL || whole > 1000000)
        return -1;
    rest = skip_space(rest);
    mist_time unit = SEC(1);
    if (*rest == '/') {
        unit = unit_length(skip_space(rest + 1));
        if (unit < SEC(1))
            return -1;
    } else if (*rest != '\0') {
        return -1;
    }
    int64_t micro = whole * 1000000 + billionths / 1000;
    *rate_uhz = (uint64_t)(micro / (unit / SEC(1)));
    return 0;
}

int nat_text_word(const char *text, const char *words)
{
    text = skip_space(text);
    size_t length = trimmed(text);
    for (int i = 0; *words != '\0'; i++) {
        size_t word = strcspn(words, "|");
        if (word == length && strncmp(words, text, length) == 0)
            return i;
        words += word + (words[word] == '|');
    }
    return -1;
}

int nat_text_member(const char *text, const char *name, char *value, size_t size)
{
    text = skip_space(text);
    size_t length = trimmed(text);
    if (length >= 2 && text[0] == '{' && text[length - 1] == '}') {
        size_t inner = (size_t)(skip_space(text + 1) - text);
        if (inner >= length)
            return -1;
        text += inner;
        length -= inner + 1;
    }
    size_t label = strlen(name);
    if (length < label + 2 || strncmp(text, name, label) != 0 || text[label] != ':')
        return -1;
    text += label + 1;
    length -= label + 1;
    if (length >= size)
        return -1;
    memcpy(value, text, length);
    value[length] = '\0';
    return 0;
}

int nat_text_distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t rows = strlen(a), columns = strlen(b);
    if (rows > LONGEST || columns > LONGEST)
        return 9;
    int line[LONGEST + 1];
    for (size_t j = 0; j <= columns; j++)
        line[j] = (int)j;
    for (size_t i = 1; i <= rows; i++) {
        int diagonal = line[0];
        line[0] = (int)i;
        for (size_t j = 1; j <= columns; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = line[j];
            if (line[j] + 1 < best)
                best = line[j] + 1;
            if (line[j - 1] + 1 < best)
                best = line[j - 1] + 1;
            line[j] = best;
        }
    }
    return line[columns] > 9 ? 9 : line[columns];
}
