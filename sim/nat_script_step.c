/* nat_script_step.c: reads one step of a NAT script; see nat_script.h. */
#include <string.h>

#include "sim/catalogue_box.h"
#include "sim/nat_script_parts.h"
#include "sim/value.h"
#include "stack/check.h"

#define COUNTER_NAMES 64                         /* that nat_counter knows, at most */
#define LATEST        (MINUTES(60) * 24 * 36525) /* 100 years, as value_time's */

#define BIT(kind) (1u << (kind))
#define PACKETS   (BIT(NAT_STEP_OUT) | BIT(NAT_STEP_IN))
#define ON_A_BOX  (~PACKETS)

struct step_reader {
    struct nat_script_reader *r;
    const struct yaml_node *map;
    const char *path;
    struct nat_step *step;
};

static void complain(const struct step_reader *s, const struct yaml_node *node, const char *key,
                     const char *expected)
{
    struct arena *arena = &s->r->script->arena;
    bool text = node->kind == YAML_TEXT;
    errors_add(s->r->errors, &node->place, arena_format(arena, "%s.%s", s->path, key),
               "expected %s, got %s%s%s", expected, text ? "`" : "",
               text ? node->text : yaml_kind_name(node->kind), text ? "`" : "");
}

/* ---- what fits which step ---- */

static const struct {
    const char *key;
    unsigned kinds;
} FITS[] = {
    {"expect", PACKETS | BIT(NAT_STEP_MAP)},
    {"from", PACKETS},
    {"save", PACKETS | BIT(NAT_STEP_MAP)},
    {"repeat", PACKETS},
    {"step", PACKETS},
    {"vary", PACKETS},
    {"box", ON_A_BOX},
    {"protocol", PACKETS | BIT(NAT_STEP_MAP)},
    {"ttl", PACKETS},
    {"size", PACKETS},
    {"df", PACKETS},
    {"pieces", PACKETS},
    {"payload", PACKETS},
    {"reads", PACKETS},
    {"packets", PACKETS},
    {"icmp", PACKETS},
    {"error", PACKETS},
    {"about", PACKETS},
    {"damaged", PACKETS},
};

static void check_fit(const struct step_reader *s)
{
    const char *kind = SCHEMA_NAT_SCRIPT.keys[3].inside->keys[s->step->kind].name;
    for (size_t i = 0; i < sizeof FITS / sizeof *FITS; i++) {
        const struct yaml_node *node = yaml_get(s->map, FITS[i].key);
        if (node && !node->standard && !(FITS[i].kinds & BIT(s->step->kind)))
            errors_add(s->r->errors, &node->place, s->path, "expected no `%s` beside `%s`",
                       FITS[i].key, kind);
    }
}

/* ---- endpoints ---- */

/* The place of a saved name, or NAT_SCRIPT_NONE. */
static uint32_t find_name(const struct nat_script *script, const char *name)
{
    for (uint32_t i = 0; i < script->name_count; i++)
        if (strcmp(script->names[i], name) == 0)
            return i;
    return NAT_SCRIPT_NONE;
}

static void complain_name(const struct step_reader *s, const struct yaml_node *node,
                          const char *key, const struct nat_form *form)
{
    const struct nat_script *script = s->r->script;
    const char *near = errors_suggest(form->name, script->names, script->name_count);
    complain(s, node, key,
             arena_format(&s->r->script->arena, "what a step before has saved%s%s%s",
                          near ? ", such as `$" : "", near ? near : "", near ? "`" : ""));
}

static void read_form(const struct step_reader *s, const struct yaml_node *node, const char *key,
                      const char *text, size_t length, enum nat_form_place place,
                      struct nat_form *form)
{
    struct nat_script *script = s->r->script;
    const char *expected = nat_form_read(&script->arena, text, length, place, form);
    if (expected)
        complain(s, node, key, expected);
    else if (form->kind == NAT_FORM_SAVED) {
        form->saved = find_name(script, form->name);
        if (form->saved == NAT_SCRIPT_NONE)
            complain_name(s, node, key, form);
    }
}

/* "A:p -> B:q" */
static void read_packet(const struct step_reader *s, const char *key, enum nat_form_place place,
                        struct nat_form *from, struct nat_form *to)
{
    static const char arrow[] = "->";
    const struct yaml_node *node = yaml_get(s->map, key);
    const char *middle = strstr(node->text, arrow);
    if (!middle) {
        complain(s, node, key, "`source -> destination`");
        return;
    }
    const char *rest = middle + sizeof arrow - 1;
    size_t length = (size_t)(middle - node->text);
    while (length > 0 && node->text[length - 1] == ' ')
        length--;
    rest += strspn(rest, " ");
    read_form(s, node, key, node->text, length, place, from);
    read_form(s, node, key, rest, strlen(rest), place, to);
}

static const struct nat_form *read_expected(const struct step_reader *s, const char *key)
{
    const struct yaml_node *node = yaml_get(s->map, key);
    if (!node)
        return NULL;
    struct nat_form *form = arena_take(&s->r->script->arena, sizeof *form);
    read_form(s, node, key, node->text, strlen(node->text), NAT_FORM_EXPECTED, form);
    return form;
}

/* After all forms of the step: it cannot use what it saves itself. */
static void read_save(const struct step_reader *s)
{
    const struct yaml_node *node = yaml_get(s->map, "save");
    struct nat_script *script = s->r->script;
    struct nat_form form;
    s->step->save = NAT_SCRIPT_NONE;
    if (!node)
        return;
    const char *written = arena_format(&script->arena, "$%s", node->text);
    if (nat_form_read(&script->arena, written, strlen(written), NAT_FORM_SENT, &form) ||
        strcmp(form.name, node->text) != 0) {
        complain(s, node, "save", "a name of letters, digits and `_`");
        return;
    }
    s->step->save = find_name(script, form.name);
    if (s->step->save != NAT_SCRIPT_NONE)
        return;
    if (script->name_count == s->r->name_room) {
        s->r->name_room = s->r->name_room ? s->r->name_room * 2 : 8;
        const char **names = arena_take(&script->arena, s->r->name_room * sizeof *names);
        if (script->name_count)
            memcpy(names, script->names, script->name_count * sizeof *names);
        script->names = names;
    }
    s->step->save = script->name_count;
    script->names[script->name_count++] = form.name;
}

/* ---- packets ---- */

/* "3/13" */
static bool read_icmp(const char *text, struct nat_script_icmp *icmp)
{
    uint32_t part[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 3 || text[digits] != (i == 0 ? '/' : 0))
            return false;
        for (size_t k = 0; k < digits; k++)
            part[i] = part[i] * 10 + (uint32_t)(text[k] - '0');
        text += digits + 1;
    }
    *icmp =
        (struct nat_script_icmp){.asked = true, .type = (uint8_t)part[0], .code = (uint8_t)part[1]};
    return part[0] <= 255 && part[1] <= 255;
}

static void read_answer(const struct step_reader *s)
{
    const struct yaml_node *node = yaml_get(s->map, "icmp");
    struct nat_script_icmp *answer = &s->step->answer;
    if (!node)
        return;
    if (strcmp(node->text, "none") == 0)
        *answer = (struct nat_script_icmp){.asked = true, .none = true};
    else if (!read_icmp(node->text, answer))
        complain(s, node, "icmp", "`none` or an ICMP type and code such as `3/13`");
}

static bool is_error_type(uint8_t type)
{
    return type == 3 || type == 11 || type == 12; /* RFC 5508: what carries a packet */
}

static void read_error(const struct step_reader *s)
{
    struct nat_step *step = s->step;
    const struct yaml_node *error = yaml_get(s->map, "error"), *about = yaml_get(s->map, "about");
    if (!error != !about) {
        complain(s, error ? error : about, error ? "error" : "about",
                 "`error` and `about` together");
        return;
    }
    if (!error)
        return;
    if (!read_icmp(error->text, &step->error) || !is_error_type(step->error.type))
        complain(s, error, "error", "an ICMP error such as `3/3`, `11/0` or `12/0`");
    read_packet(s, "about", step->protocol == NAT_ICMP ? NAT_FORM_PORTLESS : NAT_FORM_SENT,
                &step->about_from, &step->about_to);
}

/* Number of a key that has a default. */
static int64_t number_of(const struct step_reader *s, const char *key)
{
    return yaml_get(s->map, key)->number;
}

static void read_protocol(const struct step_reader *s)
{
    static const uint8_t protocols[] = {NAT_UDP, NAT_TCP, NAT_ICMP};
    s->step->protocol = protocols[number_of(s, "protocol")];
}

static void read_repeat(const struct step_reader *s)
{
    struct nat_step *step = s->step;
    const struct yaml_node *vary = yaml_get(s->map, "vary");
    step->repeat = (uint32_t)number_of(s, "repeat");
    step->gap = number_of(s, "step");
    step->vary = vary ? (enum nat_vary)vary->number : NAT_VARY_NOTHING;
    s->r->packets += step->repeat;
    if (s->r->packets > NAT_SCRIPT_PACKETS)
        complain(
            s, yaml_get(s->map, "repeat"), "repeat",
            arena_format(&s->r->script->arena, "at most %d packets in all", NAT_SCRIPT_PACKETS));
}

/* A number of at most two digits, or -1; *text moves behind it. */
static int read_small(const char **text)
{
    size_t digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 2)
        return -1;
    int number = digits == 1 ? **text - '0' : (**text - '0') * 10 + (*text)[1] - '0';
    *text += digits;
    return number;
}

/* "2 1": each of two pieces; "1/2": the first of two alone. */
static bool read_order(const char *text, struct nat_pieces *pieces)
{
    int highest = 0;
    do {
        int number = read_small(&text);
        if (number < 1 || number > NAT_FLIGHT_PIECES || pieces->count == NAT_FLIGHT_PIECES)
            return false;
        highest = number > highest ? number : highest;
        pieces->order[pieces->count++] = (uint8_t)number;
        text += strspn(text, " ");
    } while (*text && *text != '/');
    pieces->of = (uint32_t)highest;
    if (!*text)
        return true;
    text++;
    int of = read_small(&text);
    pieces->of = (uint32_t)of;
    return of >= highest && of <= NAT_FLIGHT_PIECES && !*text;
}

static void read_pieces(const struct step_reader *s)
{
    struct nat_step *step = s->step;
    const struct yaml_node *node = yaml_get(s->map, "pieces");
    if (!node)
        return;
    if (!read_order(node->text, &step->pieces))
        complain(s, node, "pieces", "numbers of pieces, at most 16, such as `2 1`, or `1/2`");
    else if (!nat_flight_can_cut(step->protocol, step->size, step->pieces.of))
        complain(s, node, "pieces", "fewer pieces: each but the last has a multiple of 8 bytes");
}

/* An IPv4 address without a port, or nothing. */
static void read_payload_address(const struct step_reader *s, const char *key, struct addr *address)
{
    const struct yaml_node *node = yaml_get(s->map, key);
    if (node && (strchr(node->text, ':') || addr_parse(address, node->text) != 0 ||
                 address->family != ADDR_V4))
        complain(s, node, key, "an IPv4 address such as `192.168.0.2`");
}

/* Checksums of other packets are not part of what boxes are given. */
static void read_damage(const struct step_reader *s)
{
    s->step->damaged = number_of(s, "damaged") != 0;
    if (s->step->damaged && !s->step->error.asked)
        complain(s, yaml_get(s->map, "damaged"), "damaged", "`error` beside it");
}

static void read_payload(const struct step_reader *s)
{
    const struct yaml_node *packets = yaml_get(s->map, "packets");
    s->step->size = (uint32_t)number_of(s, "size");
    s->step->whole = number_of(s, "df") != 0;
    s->step->packets = packets ? (uint32_t)packets->number : 0;
    read_payload_address(s, "payload", &s->step->payload);
    read_payload_address(s, "reads", &s->step->reads);
    read_pieces(s);
}

static void read_packets(const struct step_reader *s)
{
    struct nat_step *step = s->step;
    read_protocol(s);
    read_repeat(s);
    read_payload(s);
    read_error(s);
    read_damage(s);
    read_answer(s);
    step->ttl = (uint8_t)number_of(s, "ttl");
    bool portless = step->protocol == NAT_ICMP || step->error.asked;
    read_packet(s, step->kind == NAT_STEP_OUT ? "out" : "in",
                portless ? NAT_FORM_PORTLESS : NAT_FORM_SENT, &step->from, &step->to);
}

/* ---- what is done to a box ---- */

static const struct nat_script_box *box_of(const struct step_reader *s)
{
    return &s->r->script->boxes[s->step->box];
}

static void read_box(const struct step_reader *s)
{
    const struct yaml_node *state = yaml_get(s->map, "state"), *node = yaml_get(s->map, "box");
    if (!node && state)
        node = yaml_get(state, "box");
    uint32_t count = s->r->script->box_count;
    int64_t box = count - 1;
    if (node && (node->kind != YAML_TEXT || value_count(node->text, &box) || box >= count)) {
        complain(s, node, "box",
                 arena_format(&s->r->script->arena, "0 to %u, the innermost box is 0", count - 1));
        box = 0;
    }
    s->step->box = (uint32_t)box;
}

/* All names that nat_counter knows. */
static uint32_t counter_names(struct arena *arena, const char *names[COUNTER_NAMES])
{
    static const char *const first[] = {"mappings", "mappings_made", "mappings_peak", "hairpins"};
    uint32_t count = 0;
    for (; count < sizeof first / sizeof *first; count++)
        names[count] = first[count];
    for (int v = NAT_DROP_FIRST; v < NAT_VERDICTS; v++) {
        CHECK(count < COUNTER_NAMES);
        names[count++] = arena_format(arena, "dropped_%s", nat_verdict_word((enum nat_verdict)v));
    }
    return count;
}

static const char *read_counter(const struct step_reader *s, const struct yaml_node *key)
{
    const char *names[COUNTER_NAMES];
    uint32_t count = counter_names(&s->r->script->arena, names);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], key->text) == 0)
            return names[i];
    const char *near = errors_suggest(key->text, names, count);
    errors_add(s->r->errors, &key->place, arena_format(&s->r->script->arena, "%s.state", s->path),
               "expected a counter such as mappings, mappings_made or dropped_filter, got "
               "`%s`%s%s%s",
               key->text, near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
    return NULL;
}

static void read_state(const struct step_reader *s)
{
    const struct yaml_node *state = yaml_get(s->map, "state");
    struct nat_count *counts =
        arena_take(&s->r->script->arena, (state->count + 1) * sizeof *counts);
    for (uint32_t i = 0; i < state->count; i++) {
        const struct yaml_node *value = state->items[i].value;
        struct nat_count *count = &counts[s->step->count_count];
        int64_t number = 0;
        if (strcmp(state->items[i].key->text, "box") == 0)
            continue;
        if (value->kind != YAML_TEXT || value_count(value->text, &number))
            complain(s, value, "state", "a whole number");
        *count = (struct nat_count){read_counter(s, state->items[i].key), (uint64_t)number};
        s->step->count_count++;
    }
    s->step->counts = counts;
    if (s->step->count_count == 0)
        complain(s, state, "state", "at least one counter");
}

static void read_true(const struct step_reader *s)
{
    const char *key = s->step->kind == NAT_STEP_REBOOT ? "reboot" : "flush";
    if (!number_of(s, key))
        complain(s, yaml_get(s->map, key), key, "true");
}

static void read_readdress(const struct step_reader *s)
{
    const struct yaml_node *node = yaml_get(s->map, "readdress");
    uint32_t wanted = box_of(s)->externals;
    const char *path = arena_format(&s->r->script->arena, "%s.readdress", s->path);
    uint32_t count = nat_script_addresses(s->r, node, path, &s->step->external);
    if (count && count != wanted)
        errors_add(s->r->errors, &node->place, path,
                   "expected as many addresses as the box has, %u, got %u", wanted, count);
}

static void read_map(const struct step_reader *s)
{
    const struct step_reader inside = {s->r, yaml_get(s->map, "map"),
                                       arena_format(&s->r->script->arena, "%s.map", s->path),
                                       s->step};
    const struct yaml_node *node = yaml_get(inside.map, "inside"),
                           *external = yaml_get(inside.map, "external"),
                           *lifetime = yaml_get(inside.map, "lifetime");
    read_protocol(s);
    read_form(&inside, node, "inside", node->text, strlen(node->text), NAT_FORM_SENT,
              &s->step->inside);
    s->step->claims = external != NULL;
    if (external)
        read_form(&inside, external, "external", external->text, strlen(external->text),
                  NAT_FORM_CLAIMED, &s->step->claim);
    s->step->lifetime = lifetime ? lifetime->number : MIST_NEVER;
    s->step->by = (enum nat_ask)yaml_get(inside.map, "by")->number;
}

/* Follows the policy through the script: a knob that fits nowhere is found here. */
static void read_set(const struct step_reader *s)
{
    const struct yaml_node *set = yaml_get(s->map, "set");
    struct arena *arena = &s->r->script->arena;
    struct nat_policy *policy = &s->r->policies[s->step->box];
    struct catalogue_box *box = catalogue_box_new(arena, NULL);
    box->fixed = *policy;
    const char *path = arena_format(arena, "%s.set", s->path);
    if (!catalogue_box_set(arena, box, set, NULL, path, s->r->errors))
        return;
    if (box->count)
        complain(s, set, "set", "one value for each knob");
    if (box->fixed.kind != policy->kind)
        complain(s, set, "set", "the box to stay of its kind");
    *policy = s->step->policy = box->fixed;
}

/* ---- the step ---- */

static enum nat_step_kind kind_of(const struct yaml_node *map)
{
    const struct schema_map *keys = SCHEMA_NAT_SCRIPT.keys[3].inside;
    for (uint32_t i = 0; i < NAT_STEP_KINDS; i++)
        if (yaml_get(map, keys->keys[i].name))
            return (enum nat_step_kind)i;
    CHECK(keys->alternatives == NAT_STEP_KINDS); /* so the schema has refused it */
    return NAT_STEP_KINDS;
}

/* Time never goes back. */
static void read_time(const struct step_reader *s)
{
    struct nat_step *step = s->step;
    const struct yaml_node *at = yaml_get(s->map, "at");
    step->at = at->number;
    if (step->at < s->r->last)
        complain(s, at, "at", "a time that does not precede the last packet before it");
    else
        s->r->last = step->at;
    if (!(PACKETS & BIT(step->kind)))
        return;
    if (step->gap > 0 && step->repeat - 1 > (LATEST - s->r->last) / step->gap)
        complain(s, yaml_get(s->map, "step"), "step", "the last packet within 100 years");
    else
        s->r->last += step->gap * (step->repeat - 1);
}

typedef void read_function(const struct step_reader *s);

void nat_script_step(struct nat_script_reader *r, const struct yaml_node *map, const char *path,
                     struct nat_step *step)
{
    static read_function *const kinds[NAT_STEP_KINDS] = {
        [NAT_STEP_OUT] = read_packets, [NAT_STEP_IN] = read_packets,
        [NAT_STEP_STATE] = read_state, [NAT_STEP_REBOOT] = read_true,
        [NAT_STEP_FLUSH] = read_true,  [NAT_STEP_READDRESS] = read_readdress,
        [NAT_STEP_MAP] = read_map,     [NAT_STEP_SET] = read_set,
    };
    const struct step_reader s = {r, map, path, step};
    *step = (struct nat_step){.kind = kind_of(map), .repeat = 1};
    check_fit(&s);
    read_box(&s);
    kinds[step->kind](&s);
    step->expect = read_expected(&s, "expect");
    step->seen = read_expected(&s, "from");
    read_save(&s);
    read_time(&s);
}
