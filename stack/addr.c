#include "stack/addr.h"

#include <string.h>

struct addr addr_v4(uint32_t ip, uint16_t port)
{
    struct addr a = {.port = port, .family = ADDR_V4};
    a.ip[0] = (uint8_t)(ip >> 24);
    a.ip[1] = (uint8_t)(ip >> 16);
    a.ip[2] = (uint8_t)(ip >> 8);
    a.ip[3] = (uint8_t)ip;
    return a;
}

struct addr addr_v6(const uint8_t ip[16], uint16_t port)
{
    struct addr a = {.port = port, .family = ADDR_V6};
    memcpy(a.ip, ip, 16);
    return a;
}

uint32_t addr_ip4(const struct addr *a)
{
    if (a->family != ADDR_V4)
        return 0;
    return (uint32_t)a->ip[0] << 24 | (uint32_t)a->ip[1] << 16 | (uint32_t)a->ip[2] << 8 | a->ip[3];
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, 16) == 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    int order = memcmp(a->ip, b->ip, 16);
    if (order != 0)
        return order;
    return (a->port > b->port) - (a->port < b->port);
}

/* RFC 6890 and RFC 6598: first address and prefix length of what is not global. */
static const struct {
    uint32_t ip;
    uint8_t bits;
} not_global_v4[] = {
    {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
    {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0a80000, 16}, {0xc6120000, 15},
    {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4},
};

static bool global_v4(uint32_t ip)
{
    for (size_t i = 0; i < sizeof not_global_v4 / sizeof not_global_v4[0]; i++) {
        if (((ip ^ not_global_v4[i].ip) >> (32 - not_global_v4[i].bits)) == 0)
            return false;
    }
    return true;
}

static uint64_t network(const struct addr *a, int v4_bytes, int v6_bytes)
{
    uint64_t prefix = a->family;
    int length = a->family == ADDR_V4 ? v4_bytes : v6_bytes;
    for (int i = 0; i < length; i++)
        prefix = prefix << 8 | a->ip[i];
    return prefix;
}

uint64_t addr_site(const struct addr *a)
{
    return network(a, 3, 6);
}

uint64_t addr_provider(const struct addr *a)
{
    return network(a, 2, 4);
}

bool addr_is_global(const struct addr *a)
{
    if (a->family == ADDR_V4)
        return global_v4(addr_ip4(a));
    if (a->family != ADDR_V6)
        return false;
    /* 2000::/3 is what IANA hands out; 2001:db8::/32 is documentation. */
    if ((a->ip[0] & 0xe0) != 0x20)
        return false;
    return !(a->ip[0] == 0x20 && a->ip[1] == 0x01 && a->ip[2] == 0x0d && a->ip[3] == 0xb8);
}

/* Reads up to five decimal digits of a port that ends the text. */
static int parse_port(const char *text, uint16_t *port)
{
    uint32_t value = 0;
    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (uint32_t)(*text - '0');
        if (value > 65535)
            return -1;
    }
    *port = (uint16_t)value;
    return 0;
}

static const char *parse_v4(const char *text, uint8_t ip[4])
{
    for (int i = 0; i < 4; i++) {
        uint32_t value = 0;
        int digits = 0;
        for (; *text >= '0' && *text <= '9' && digits < 4; text++, digits++)
            value = value * 10 + (uint32_t)(*text - '0');
        if (digits == 0 || value > 255)
            return NULL;
        ip[i] = (uint8_t)value;
        if (i < 3 && *text++ != '.')
            return NULL;
    }
    return text;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Groups up to `]` or NUL; "::" may stand once. */
static const char *parse_v6(const char *text, uint8_t ip[16])
{
    uint8_t groups[16];
    int n = 0, gap = -1;
    if (text[0] == ':' && text[1] == ':') {
        gap = 0;
        text += 2;
    }
    while (n < 16 && hex_digit(*text) >= 0) {
        uint32_t value = 0;
        for (int digits = 0; digits < 4 && hex_digit(*text) >= 0; digits++)
            value = value << 4 | (uint32_t)hex_digit(*text++);
        groups[n++] = (uint8_t)(value >> 8);
        groups[n++] = (uint8_t)value;
        if (*text != ':')
            break;
        text++;
        if (*text == ':') {
            if (gap >= 0)
                return NULL;
            gap = n;
            text++;
        } else if (hex_digit(*text) < 0) {
            return NULL;
        }
    }
    if (gap < 0 ? n != 16 : n > 14)
        return NULL;
    int head = gap < 0 ? n : gap;
    memset(ip, 0, 16);
    memcpy(ip, groups, (size_t)head);
    memcpy(ip + 16 - (n - head), groups + head, (size_t)(n - head));
    return text;
}

int addr_parse(struct addr *a, const char *text)
{
    struct addr r = {0};
    bool bracket = *text == '[';
    const char *end = parse_v4(text, r.ip);
    r.family = ADDR_V4;
    if (end == NULL) {
        memset(r.ip, 0, sizeof r.ip);
        r.family = ADDR_V6;
        end = parse_v6(text + bracket, r.ip);
        if (end == NULL || (bracket && *end++ != ']'))
            return -1;
        if (!bracket && *end != '\0')
            return -1;
    }
    if (*end == ':' ? parse_port(end + 1, &r.port) != 0 : *end != '\0')
        return -1;
    *a = r;
    return 0;
}

static char *put_text(char *out, const char *text)
{
    while (*text != '\0')
        *out++ = *text++;
    return out;
}

static char *put_number(char *out, uint32_t value)
{
    char digits[10];
    int n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n > 0)
        *out++ = digits[--n];
    return out;
}

static char *put_hex(char *out, uint32_t group)
{
    bool started = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        uint32_t digit = group >> shift & 15;
        if (digit == 0 && !started && shift > 0)
            continue;
        started = true;
        *out++ = "0123456789abcdef"[digit];
    }
    return out;
}

/* The longest run of at least two zero groups; RFC 5952 shortens the first of equals. */
static int zero_run(const uint8_t ip[16], int *length)
{
    int best = -1, best_length = 1;
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && ip[2 * (i + n)] == 0 && ip[2 * (i + n) + 1] == 0)
            n++;
        if (n > best_length) {
            best = i;
            best_length = n;
        }
    }
    *length = best_length;
    return best;
}

static char *put_v6(char *out, const uint8_t ip[16])
{
    int length, gap = zero_run(ip, &length);
    for (int i = 0; i < 8; i++) {
        if (i == gap) {
            out = put_text(out, i == 0 ? "::" : ":");
            i += length - 1;
            continue;
        }
        out = put_hex(out, (uint32_t)ip[2 * i] << 8 | ip[2 * i + 1]);
        if (i < 7)
            *out++ = ':';
    }
    return out;
}

const char *addr_format(const struct addr *a, char buffer[ADDR_TEXT])
{
    char *out = buffer;
    if (a->family == ADDR_V4) {
        for (int i = 0; i < 4; i++) {
            out = put_number(out, a->ip[i]);
            *out++ = i < 3 ? '.' : ':';
        }
        out = put_number(out, a->port);
    } else if (a->family == ADDR_V6) {
        *out++ = '[';
        out = put_v6(out, a->ip);
        out = put_text(out, "]:");
        out = put_number(out, a->port);
    } else {
        out = put_text(out, a->family == ADDR_RELAY ? "relay" : "none");
    }
    *out = '\0';
    return buffer;
}
