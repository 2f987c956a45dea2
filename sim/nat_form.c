/* nat_form.c: see nat_form.h. */
#include "sim/nat_form.h"

#include <ctype.h>
#include <string.h>

#define SHIFT_DIGITS 5 /* of a shift: more than the ports there are make no sense */
#define PORTS        65535

static const char *const EXPECTED[] = {
    [NAT_FORM_SENT] = "an endpoint `A:p`, `$n`, `$n+k` or `$n-k`",
    [NAT_FORM_PORTLESS] = "an address `A` or an endpoint `A:p`, `$n`, `$n+k` or `$n-k`",
    [NAT_FORM_CLAIMED] = "an endpoint `A:p`, `A:*`, `$n`, `$n:*`, `$n+k` or `$n-k`",
    [NAT_FORM_EXPECTED] =
        ("`drop`, `A:p`, `A:*`, `$n`, `$n:*`, `$n+k` or `$n-k`, with `!` before it "
         "for anything else"),
};

static bool is_name_character(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool takes_any_port(enum nat_form_place place)
{
    return place == NAT_FORM_CLAIMED || place == NAT_FORM_EXPECTED;
}

/* "p", "p:*", "p+1", "p-1" */
static bool read_saved(struct arena *arena, const char *text, enum nat_form_place place,
                       struct nat_form *form)
{
    size_t length = 0;
    while (is_name_character(text[length]))
        length++;
    const char *rest = text + length;
    form->kind = NAT_FORM_SAVED;
    form->name = arena_text(arena, text, length);
    if (length == 0 || !*rest)
        return length > 0;
    form->any_port = strcmp(rest, ":*") == 0;
    if (form->any_port)
        return takes_any_port(place);
    if (*rest != '+' && *rest != '-')
        return false;
    int sign = *rest == '-' ? -1 : 1, digits = 0;
    for (rest++; isdigit((unsigned char)*rest) && digits < SHIFT_DIGITS; rest++, digits++)
        form->shift = form->shift * 10 + sign * (*rest - '0');
    return digits > 0 && !*rest && form->shift >= -PORTS && form->shift <= PORTS;
}

static bool read_endpoint(struct arena *arena, const char *text, enum nat_form_place place,
                          struct nat_form *form)
{
    size_t length = strlen(text);
    form->kind = NAT_FORM_ENDPOINT;
    form->any_port = length > 2 && strcmp(text + length - 2, ":*") == 0;
    if (form->any_port)
        text = arena_text(arena, text, length - 2);
    if (addr_parse(&form->addr, text) != 0)
        return false;
    if (form->any_port)
        return form->addr.port == 0 && takes_any_port(place);
    return form->addr.port != 0 || place == NAT_FORM_PORTLESS;
}

const char *nat_form_read(struct arena *arena, const char *text, size_t length,
                          enum nat_form_place place, struct nat_form *form)
{
    *form = (struct nat_form){.text = arena_text(arena, text, length)};
    const char *rest = form->text;
    bool fine;
    if (*rest == '!' && place == NAT_FORM_EXPECTED) {
        form->negated = true;
        rest++;
    }
    if (place == NAT_FORM_EXPECTED && strcmp(rest, "drop") == 0)
        fine = true;
    else if (*rest == '$')
        fine = read_saved(arena, rest + 1, place, form);
    else
        fine = read_endpoint(arena, rest, place, form);
    return fine ? NULL : EXPECTED[place];
}

uint16_t nat_form_port(uint16_t port, int64_t shift)
{
    if (shift == 0)
        return port;
    int64_t place = (port - 1 + shift) % PORTS;
    return (uint16_t)((place < 0 ? place + PORTS : place) + 1);
}

struct addr nat_form_resolve(const struct nat_form *form, const struct addr *saved)
{
    struct addr nothing = {0};
    if (form->kind == NAT_FORM_DROP)
        return nothing;
    if (form->kind == NAT_FORM_ENDPOINT)
        return form->addr;
    struct addr a = saved[form->saved];
    if (a.family != ADDR_NONE)
        a.port = nat_form_port(a.port, form->shift);
    return a;
}

bool nat_form_matches(const struct nat_form *form, const struct addr *resolved, bool passed,
                      const struct addr *got)
{
    if (form->kind == NAT_FORM_DROP)
        return passed == form->negated;
    bool same = addr_same_ip(resolved, got) && (form->any_port || resolved->port == got->port);
    return passed && same != form->negated;
}
