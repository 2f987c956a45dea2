/* value.c: see value.h.  A number is read as whole and fraction, scaled by its
 * unit in 128 bits and refused if it is finer than the unit's integer. */
#include "sim/value.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

#define DIGITS_LONGEST 18 /* digits of a number, point not counted: below 2^63 */

struct unit {
    const char *name;
    uint64_t scale;
};

/* digits without the point, and how many of them stand after it */
struct number {
    uint64_t digits;
    uint64_t power; /* 10 ^ digits after the point */
};

static const struct unit TIME_UNITS[] = {{"ns", 1},
                                         {"us", 1000},
                                         {"ms", 1000000},
                                         {"s", 1000000000},
                                         {"min", 60000000000},
                                         {"h", 3600000000000},
                                         {"d", 86400000000000},
                                         {NULL, 0}};
static const struct unit SHARE_UNITS[] = {{"%", 10000}, {NULL, 0}};
static const struct unit SIZE_UNITS[] = {
    {"B", 1},      {"kB", 1000},     {"MB", 1000000},     {"GB", 1000000000},
    {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {NULL, 0}};
static const struct unit BANDWIDTH_UNITS[] = {
    {"bit/s", 1}, {"kbit/s", 1000}, {"Mbit/s", 1000000}, {"Gbit/s", 1000000000}, {NULL, 0}};
static const struct unit COUNT_UNITS[] = {{"", 1}, {NULL, 0}};
static const struct unit PERIOD_UNITS[] = {
    {"/s", 1}, {"/min", 60}, {"/h", 3600}, {"/d", 86400}, {NULL, 0}};

static const char *skip_space(const char *text)
{
    while (*text == ' ')
        text++;
    return text;
}

/* Reads "12", "0.5"; returns what follows, or NULL if there is no number. */
static const char *read_number(const char *text, struct number *number)
{
    *number = (struct number){0, 1};
    bool point = false;
    int seen = 0;
    for (; isdigit((unsigned char)*text) ||
           (*text == '.' && isdigit((unsigned char)text[1]) && seen && !point);
         text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        if (++seen > DIGITS_LONGEST)
            return NULL;
        number->digits = number->digits * 10 + (uint64_t)(*text - '0');
        if (point)
            number->power *= 10;
    }
    return seen ? text : NULL;
}

static const struct unit *find_unit(const struct unit *units, const char *text)
{
    text = skip_space(text);
    for (; units->name; units++)
        if (strcmp(units->name, text) == 0)
            return units;
    return NULL;
}

/* number * scale, if that is a whole number below 2^63. */
static bool scale_exactly(const struct number *number, uint64_t scale, int64_t *out)
{
    wide product = (wide)number->digits * scale;
    if (product % number->power || product / number->power > INT64_MAX)
        return false;
    *out = (int64_t)(product / number->power);
    return true;
}

static const char *read_quantity(const char *text, const struct unit *units, const char *expected,
                                 int64_t *out)
{
    struct number number;
    const char *rest = read_number(text, &number);
    const struct unit *unit = rest ? find_unit(units, rest) : NULL;
    if (!unit || !scale_exactly(&number, unit->scale, out))
        return expected;
    return NULL;
}

const char *value_time(const char *text, int64_t *ns)
{
    return read_quantity(text, TIME_UNITS, "a time such as `30 s` (ns, us, ms, s, min, h, d)", ns);
}

const char *value_time_range(const char *text, int64_t *low, int64_t *high)
{
    static const char expected[] = "two times such as `10 ms..200 ms`, the smaller first";
    char first[64];
    const char *dots = strstr(text, "..");
    if (!dots || (size_t)(dots - text) >= sizeof first)
        return expected;
    size_t length = (size_t)(dots - text);
    while (length && text[length - 1] == ' ')
        length--;
    memcpy(first, text, length);
    first[length] = 0;
    int64_t a, b;
    if (value_time(first, &a) || value_time(skip_space(dots + 2), &b) || a > b)
        return expected;
    *low = a;
    *high = b;
    return NULL;
}

const char *value_share(const char *text, int64_t *ppm)
{
    static const char expected[] = "a share such as `0.5%`, from 0% to 100% in steps of 0.0001%";
    int64_t share;
    if (read_quantity(text, SHARE_UNITS, expected, &share) || share > 1000000)
        return expected;
    *ppm = share;
    return NULL;
}

const char *value_decimal(const char *text, int64_t *millionths)
{
    static const struct unit MILLIONTHS[] = {{"", 1000000}, {NULL, 0}};
    return read_quantity(text, MILLIONTHS, "a number such as `0.61`, in steps of 0.000001",
                         millionths);
}

const char *value_rate(const char *text, int64_t *uhz)
{
    static const char expected[] = "a rate such as `1/min` (/s, /min, /h, /d)";
    struct number number;
    const char *rest = read_number(text, &number);
    const struct unit *period = rest ? find_unit(PERIOD_UNITS, rest) : NULL;
    if (!period)
        return expected;
    wide divisor = (wide)number.power * period->scale;
    wide rate = ((wide)number.digits * 1000000 + divisor / 2) / divisor;
    if (rate > INT64_MAX)
        return expected;
    *uhz = (int64_t)rate;
    return NULL;
}

const char *value_size(const char *text, int64_t *bytes)
{
    return read_quantity(text, SIZE_UNITS, "a size such as `200 B` (B, kB, MB, GB, KiB, MiB, GiB)",
                         bytes);
}

const char *value_bandwidth(const char *text, int64_t *bps)
{
    static const char expected[] =
        "a bandwidth such as `20 Mbit/s` (bit/s, kbit/s, Mbit/s, Gbit/s) or `unlimited`";
    if (strcmp(text, "unlimited") == 0) {
        *bps = 0;
        return NULL;
    }
    int64_t rate;
    if (read_quantity(text, BANDWIDTH_UNITS, expected, &rate) || rate == 0)
        return expected; /* a link of 0 bit/s would read as unlimited */
    *bps = rate;
    return NULL;
}

const char *value_count(const char *text, int64_t *count)
{
    return read_quantity(text, COUNT_UNITS, "a whole number", count);
}

const char *value_switch(const char *text, int64_t *on)
{
    static const char *const words[] = {"off", "on", "false", "true"};
    for (int i = 0; i < 4; i++)
        if (strcmp(text, words[i]) == 0) {
            *on = i & 1;
            return NULL;
        }
    return "on or off";
}

static const struct {
    const char *word, *bound, *margin;
    const struct unit *units;
    double base; /* units of the table in one of the bound's */
} QUANTITIES[] = {
    [VALUE_SHARE] = {"share", "a bound on a share such as `>= 70%`",
                     "a margin in points such as `1%`, above 0%, at most 100%", SHARE_UNITS, 1e6},
    [VALUE_TIME] = {"time", "a bound on a time such as `<= 2 s`",
                    "a margin such as `20 ms`, or `5%` of the value, above 0", TIME_UNITS, 1e9},
    [VALUE_SIZE] = {"size", "a bound on a size such as `<= 40 kB`",
                    "a margin such as `100 B`, or `5%` of the value, above 0", SIZE_UNITS, 1},
    [VALUE_NUMBER] = {"number", "a bound on a number such as `== 3`",
                      "a margin such as `0.5`, or `5%` of the value, above 0", COUNT_UNITS, 1},
};

const char *value_quantity_word(enum value_quantity quantity)
{
    return QUANTITIES[quantity].word;
}

const char *value_bound(const char *text, enum value_quantity quantity, char relation[3],
                        double *value)
{
    static const char *const relations[] = {">=", "<=", "==", ">", "<"};
    for (int i = 0; i < 5; i++) {
        size_t length = strlen(relations[i]);
        struct number number;
        if (strncmp(text, relations[i], length) != 0)
            continue;
        const char *rest = read_number(skip_space(text + length), &number);
        const struct unit *unit = rest ? find_unit(QUANTITIES[quantity].units, rest) : NULL;
        if (!unit)
            break;
        memcpy(relation, relations[i], length + 1);
        *value = (double)number.digits * (double)unit->scale /
                 ((double)number.power * QUANTITIES[quantity].base);
        return NULL;
    }
    return QUANTITIES[quantity].bound;
}

const char *value_margin(const char *text, enum value_quantity quantity, double *margin,
                         int *relative)
{
    static const struct unit POINTS[] = {{"%", 10000}, {"pt", 10000}, {NULL, 0}};
    struct number number;
    const char *rest = read_number(text, &number);
    const struct unit *share = rest ? find_unit(POINTS, rest) : NULL;
    const struct unit *unit = rest ? find_unit(QUANTITIES[quantity].units, rest) : NULL;
    int of_value = quantity != VALUE_SHARE && share && share == POINTS;
    if (quantity == VALUE_SHARE || of_value)
        unit = share;
    if (!unit || number.digits == 0)
        return QUANTITIES[quantity].margin;
    double base = unit == share ? 1e6 : QUANTITIES[quantity].base;
    double value = (double)number.digits * (double)unit->scale / ((double)number.power * base);
    if (unit == share && value > 1)
        return QUANTITIES[quantity].margin;
    *margin = value;
    *relative = of_value;
    return NULL;
}
