/* text.c: see text.h. */
#include "analysis/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

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

/* Line breaks and tabs stay; other controls and what turns the direction do not. */
static int is_showable(uint32_t c)
{
    int control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0);
    int turning = (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                  (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c & 0xfffe) == 0xfffe;
    return !control && !turning;
}

static const char *entity(uint32_t c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

void text_html(FILE *out, const char *text, uint32_t most)
{
    const unsigned char *s = (const unsigned char *)text;
    for (uint32_t n = 0; *s; n++) {
        uint32_t c = 0;
        int length = decode(s, &c);
        if (n == most) {
            fputs("\xe2\x80\xa6", out);
            return;
        }
        if (length == 0 || !is_showable(c))
            fputs("\xef\xbf\xbd", out);
        else if (entity(c))
            fputs(entity(c), out);
        else
            fwrite(s, 1, (size_t)length, out);
        s += length > 0 ? length : 1;
    }
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
        else if (c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&' || c == 0x2028 ||
                 c == 0x2029)
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
        fprintf(out, "%.6g", value);
}

static const char *dash(char buffer[TEXT_VALUE])
{
    return memcpy(buffer, "-", 2);
}

const char *text_count(char buffer[TEXT_VALUE], double n)
{
    char digits[32];
    if (!isfinite(n) || fabs(n) >= 1e18)
        return dash(buffer);
    int length = snprintf(digits, sizeof digits, "%.0f", fabs(n)), at = 0;
    if (n < 0)
        buffer[at++] = '-';
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            buffer[at++] = ',';
        buffer[at++] = digits[i];
    }
    buffer[at] = 0;
    return buffer;
}

/* Three significant digits: 1.23, 12.3, 123. */
static int digits_after_point(double n)
{
    n = fabs(n);
    return n < 9.995 ? 2 : n < 99.95 ? 1 : 0;
}

static const char *scaled(char buffer[TEXT_VALUE], double n, const char *const units[], int count)
{
    int i = 0;
    if (!isfinite(n))
        return dash(buffer);
    while (i + 1 < count && fabs(n) >= 999.5) {
        n /= 1000;
        i++;
    }
    int digits = n == floor(n) && i == 0 ? 0 : digits_after_point(n);
    if (fabs(n) >= 1e6)
        snprintf(buffer, TEXT_VALUE, "%.3g%s%s", n, *units[i] ? " " : "", units[i]);
    else
        snprintf(buffer, TEXT_VALUE, "%.*f%s%s", digits, n, *units[i] ? " " : "", units[i]);
    return buffer;
}

const char *text_scaled(char buffer[TEXT_VALUE], double n)
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
    return scaled(buffer, n, units, 7);
}

const char *text_bytes(char buffer[TEXT_VALUE], double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    return scaled(buffer, bytes, units, 7);
}

/* A share that is not quite all or nothing never reads as if it were; a rounding error of
 * the interval's arithmetic is none. */
const char *text_percent(char buffer[TEXT_VALUE], double share)
{
    double percent = fabs(share - 1) < 1e-12 ? 100 : share * 100;
    int edge = (percent > 0 && percent < 0.95) || (percent > 99.05 && percent < 100);
    int digits = percent == 0 || percent == 100 ? 0 : edge ? 2 : 1;
    if (!isfinite(share) || fabs(percent) > 1e6)
        return dash(buffer);
    if (share > 0 && percent < 0.005)
        snprintf(buffer, TEXT_VALUE, "<0.01 %%");
    else if (percent < 100 && percent > 99.995)
        snprintf(buffer, TEXT_VALUE, ">99.99 %%");
    else
        snprintf(buffer, TEXT_VALUE, "%.*f %%", digits, percent);
    return buffer;
}

/* n small units as large ones, sixty each, and the rest. */
static void two_units(char buffer[TEXT_VALUE], double n, const char *large, const char *small)
{
    double rest = fmod(n, 60);
    int length = snprintf(buffer, TEXT_VALUE, "%.0f %s", trunc(n / 60), large);
    if (rest != 0)
        snprintf(buffer + length, (size_t)(TEXT_VALUE - length), " %.0f %s", fabs(rest), small);
}

const char *text_seconds(char buffer[TEXT_VALUE], double seconds)
{
    static const struct {
        double below, scale;
        const char *unit;
    } units[] = {{0.9995e-6, 1e9, "ns"}, {0.9995e-3, 1e6, "\xc2\xb5s"}, {0.9995, 1e3, "ms"}};
    double size = fabs(seconds);
    if (!isfinite(seconds) || size >= 1e15)
        return dash(buffer);
    for (int i = 0; size > 0 && i < 3; i++)
        if (size < units[i].below) {
            double n = seconds * units[i].scale;
            snprintf(buffer, TEXT_VALUE, "%.*f %s", digits_after_point(n), n, units[i].unit);
            return buffer;
        }
    int digits = seconds == floor(seconds) ? 0 : digits_after_point(seconds);
    if (size < 99.95)
        snprintf(buffer, TEXT_VALUE, "%.*f s", digits, seconds);
    else if (size < 3600 - 0.5)
        two_units(buffer, round(seconds), "min", "s");
    else
        two_units(buffer, round(seconds / 60), "h", "min");
    return buffer;
}

const char *text_value(char buffer[TEXT_VALUE], double value, const char *unit)
{
    char number[TEXT_VALUE];
    if (strcmp(unit, "ratio") == 0)
        text_percent(buffer, value);
    else if (strcmp(unit, "s") == 0)
        text_seconds(buffer, value);
    else if (strcmp(unit, "count") == 0)
        text_count(buffer, value);
    else if (!isfinite(value))
        dash(buffer);
    else if (strcmp(unit, "B/s") == 0)
        snprintf(buffer, TEXT_VALUE, "%.40s/s", text_bytes(number, value));
    else if (strcmp(unit, "1/s") == 0)
        snprintf(buffer, TEXT_VALUE, "%.40s/s", text_scaled(number, value));
    else
        snprintf(buffer, TEXT_VALUE, "%.22s%s%.20s", text_scaled(number, value), *unit ? " " : "",
                 unit);
    return buffer;
}
