/* nat_play.c: see nat_play.h. */
#include "sim/nat_play.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/nat_flight.h"
#include "stack/check.h"

struct nat_play {
    const struct nat_script *script;
    struct nat_slab *slab;
    struct nat *boxes[CATALOGUE_CHAIN];
    struct nat_chain chain;
    struct addr first[CATALOGUE_CHAIN]; /* external address of each box */
    struct addr *saved;                 /* by name; family ADDR_NONE: not yet */
    struct nat_flight flight;           /* the packet that flies */
    uint8_t payload[NAT_FLIGHT_SIZE];
    uint32_t next; /* step */
};

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    CHECK(memory);
    return memory;
}

struct nat_play *nat_play_open(const struct nat_script *script)
{
    struct nat_play *play = take(1, sizeof *play);
    play->script = script;
    play->slab = nat_slab_open();
    CHECK(play->slab);
    for (uint32_t i = 0; i < script->box_count; i++) {
        const struct nat_script_box *box = &script->boxes[i];
        play->boxes[i] = nat_init(take(1, nat_size(box->externals)), play->slab, &box->policy,
                                  box->seed, box->external, box->externals);
        if (box->externals)
            play->first[i] = box->external[0];
    }
    play->chain = (struct nat_chain){script->box_count, play->boxes};
    play->saved = take(script->name_count, sizeof *play->saved);
    return play;
}

void nat_play_close(struct nat_play *play)
{
    for (uint32_t i = 0; i < play->script->box_count; i++) {
        nat_close(play->boxes[i]);
        free(play->boxes[i]);
    }
    nat_slab_close(play->slab);
    free(play->saved);
    free(play);
}

/* ---- what is told ---- */

__attribute__((format(printf, 2, 3))) static void tell(char text[NAT_OUTCOME], const char *format,
                                                       ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, NAT_OUTCOME, format, arguments);
    va_end(arguments);
}

/* "$p+1 (1.2.3.4:5)", "!drop", after a word for what it is of. */
static void write_form(char text[NAT_OUTCOME], const char *what, const struct nat_form *form,
                       const struct addr *resolved)
{
    char address[ADDR_TEXT];
    if (form->kind == NAT_FORM_SAVED)
        tell(text, "%s%.100s (%s)", what, form->text, addr_format(resolved, address));
    else
        tell(text, "%s%.100s", what, form->text);
}

static void write_passed(char text[NAT_OUTCOME], const char *what, const struct addr *address)
{
    char endpoint[ADDR_TEXT];
    tell(text, "%s%s", what, addr_format(address, endpoint));
}

/* Which of several packets failed. */
static void add_position(struct nat_outcome *o, const struct nat_step *step, uint32_t i)
{
    size_t length = strlen(o->got);
    if (step->repeat > 1)
        (void)snprintf(o->got + length, NAT_OUTCOME - length, " (packet %u of %u)", i + 1,
                       step->repeat);
}

/* ---- packets ---- */

/* Where the form points to; false, and the outcome says so, when the step that
 * should have saved it saw no packet pass. */
static bool resolve(const struct nat_play *play, const struct nat_form *form, struct addr *address,
                    struct nat_outcome *o)
{
    *address = nat_form_resolve(form, play->saved);
    if (form->kind != NAT_FORM_SAVED || address->family != ADDR_NONE)
        return true;
    o->ok = false;
    tell(o->expected, "%.100s to be saved", form->text);
    tell(o->got, "nothing");
    return false;
}

static void count_address(struct addr *a, uint32_t by)
{
    for (int i = a->family == ADDR_V6 ? 15 : 3; i >= 0 && by; i--) {
        by += a->ip[i];
        a->ip[i] = (uint8_t)by;
        by >>= 8;
    }
}

/* The i-th packet's endpoints. */
static void vary(enum nat_vary what, uint32_t i, struct addr *from, struct addr *to)
{
    switch (what) {
    case NAT_VARY_SOURCE_PORT: from->port = nat_form_port(from->port, i); break;
    case NAT_VARY_SOURCE_ADDRESS: count_address(from, i); break;
    case NAT_VARY_DESTINATION_PORT: to->port = nat_form_port(to->port, i); break;
    case NAT_VARY_DESTINATION_ADDRESS: count_address(to, i); break;
    case NAT_VARY_NOTHING: break;
    }
}

/* Compares a form with what became of the packet. */
static void compare(const struct nat_play *play, const struct nat_form *form, const char *what,
                    const struct nat_flight *f, const struct addr *got, struct nat_outcome *o)
{
    struct addr resolved;
    if (!form || !o->ok || !resolve(play, form, &resolved, o))
        return;
    o->ok = nat_form_matches(form, &resolved, f->passed, got);
    if (o->ok)
        return;
    write_form(o->expected, what, form, &resolved);
    if (f->passed)
        write_passed(o->got, what, got);
    else
        tell(o->got, "drop (%s)", f->why);
}

static void compare_answer(const struct nat_script_icmp *wanted, const struct nat_flight *f,
                           struct nat_outcome *o)
{
    if (!wanted->asked || !o->ok)
        return;
    o->ok = wanted->none ? !f->answered
                         : f->answered && f->type == wanted->type && f->code == wanted->code;
    if (o->ok)
        return;
    if (wanted->none)
        tell(o->expected, "no icmp");
    else
        tell(o->expected, "icmp %u/%u", wanted->type, wanted->code);
    if (f->answered)
        tell(o->got, "icmp %u/%u", f->type, f->code);
    else
        tell(o->got, "no icmp");
}

static void compare_payload(const struct nat_step *step, const struct nat_flight *f,
                            struct nat_outcome *o)
{
    char wanted[ADDR_TEXT], got[ADDR_TEXT];
    struct addr read = {.family = ADDR_V4};
    memcpy(read.ip, f->address, sizeof f->address);
    if (!o->ok || (step->reads.family == ADDR_NONE && step->packets == 0))
        return;
    if (step->packets != 0 && f->packets != step->packets) {
        o->ok = false;
        tell(o->expected, "packets %u", step->packets);
        tell(o->got, "packets %u", f->packets);
    } else if (step->reads.family != ADDR_NONE && !addr_equal(&read, &step->reads)) {
        o->ok = false;
        tell(o->expected, "to read %s", addr_format(&step->reads, wanted));
        tell(o->got, "%s", addr_format(&read, got));
    }
}

static void save(struct nat_play *play, const struct nat_step *step, const struct nat_flight *f,
                 struct nat_outcome *o)
{
    if (step->save == NAT_SCRIPT_NONE || !o->ok)
        return;
    if (f->passed) {
        play->saved[step->save] = f->datagram.from;
        return;
    }
    o->ok = false;
    tell(o->expected, "a packet that passes, to save it as %.60s", play->script->names[step->save]);
    tell(o->got, "drop (%s)", f->why);
}

/* Lets the boxes do what is due by then, such as announcing themselves. */
static void run_until(struct nat_play *play, mist_time now)
{
    for (uint32_t i = 0; i < play->chain.count; i++)
        for (mist_time due; (due = nat_deadline(play->boxes[i])) <= now;)
            nat_tick(play->boxes[i], due);
}

/* Makes the i-th packet of the step ready.  False: what it needs was not saved. */
static bool make_ready(struct nat_play *play, const struct nat_step *step, uint32_t i,
                       struct nat_outcome *o)
{
    struct nat_flight *f = &play->flight;
    struct addr from, to, about_from, about_to;
    if (!resolve(play, &step->from, &from, o) || !resolve(play, &step->to, &to, o) ||
        !resolve(play, &step->about_from, &about_from, o) ||
        !resolve(play, &step->about_to, &about_to, o))
        return false;
    vary(step->vary, i, &from, &to);
    nat_flight_query(f, step->protocol, step->ttl, &from, &to);
    if (step->size > f->datagram.length)
        nat_flight_enlarge(f, play->payload, step->size);
    if (step->error.asked)
        nat_flight_error(f, step->error.type, step->error.code, step->protocol, &about_from,
                         &about_to);
    else if (step->payload.family != ADDR_NONE)
        nat_flight_put_address(f, &step->payload);
    if (step->damaged)
        nat_flight_damage(f);
    f->pieces = step->pieces.count ? &step->pieces : NULL;
    f->datagram.fragment.forbidden = step->whole;
    return true;
}

static void play_packet(struct nat_play *play, const struct nat_step *step, uint32_t i,
                        struct nat_outcome *o)
{
    struct nat_flight *f = &play->flight;
    mist_time now = step->at + step->gap * i;
    if (!make_ready(play, step, i, o))
        return;
    run_until(play, now);
    if (step->kind == NAT_STEP_OUT)
        nat_flight_out(&play->chain, now, f);
    else
        nat_flight_in(&play->chain, now, f);
    bool inward = step->kind == NAT_STEP_IN || f->turned;
    compare(play, step->expect, "", f, inward ? &f->datagram.to : &f->datagram.from, o);
    compare(play, step->seen, "from ", f, &f->datagram.from, o);
    compare_answer(&step->answer, f, o);
    compare_payload(step, f, o);
    save(play, step, f, o);
    if (!o->ok)
        add_position(o, step, i);
}

/* All of them are sent, whatever became of the first. */
static void play_packets(struct nat_play *play, const struct nat_step *step, struct nat_outcome *o)
{
    for (uint32_t i = 0; i < step->repeat; i++) {
        struct nat_outcome packet = {.ok = true};
        play_packet(play, step, i, &packet);
        if (o->ok && !packet.ok)
            *o = packet;
    }
}

/* ---- boxes ---- */

static void play_state(struct nat_play *play, const struct nat_step *step, struct nat_outcome *o)
{
    for (uint32_t i = 0; i < step->count_count && o->ok; i++) {
        const struct nat_count *wanted = &step->counts[i];
        uint64_t value = 0;
        CHECK(nat_counter(play->boxes[step->box], step->at, wanted->name, &value) == 0);
        o->ok = value == wanted->value;
        if (o->ok)
            continue;
        tell(o->expected, "%s %" PRIu64, wanted->name, wanted->value);
        tell(o->got, "%s %" PRIu64, wanted->name, value);
    }
}

static void play_reboot(struct nat_play *play, const struct nat_step *step, struct nat_outcome *o)
{
    (void)o;
    nat_reboot(play->boxes[step->box], step->at);
}

static void play_flush(struct nat_play *play, const struct nat_step *step, struct nat_outcome *o)
{
    (void)o;
    nat_flush(play->boxes[step->box], step->at);
}

static void play_readdress(struct nat_play *play, const struct nat_step *step,
                           struct nat_outcome *o)
{
    (void)o;
    nat_readdress(play->boxes[step->box], step->at, step->external);
    play->first[step->box] = step->external[0];
}

static void play_set(struct nat_play *play, const struct nat_step *step, struct nat_outcome *o)
{
    (void)o;
    nat_set(play->boxes[step->box], step->at, &step->policy);
}

/* A static mapping is told of as a packet is: its external endpoint is what
 * would be seen, and a refused one is `drop`. */
static void play_map(struct nat_play *play, const struct nat_step *step, struct nat_outcome *o)
{
    struct nat_flight *f = &play->flight;
    struct nat_wish wish = {
        .protocol = step->protocol, .first = play->first[step->box], .lifetime = step->lifetime};
    struct addr given;
    if (!resolve(play, &step->inside, &wish.inside, o) ||
        (step->claims && !resolve(play, &step->claim, &wish.external, o)))
        return;
    if (step->claim.any_port)
        wish.external.port = 0;
    f->passed = nat_ask(play->boxes[step->box], step->at, step->by, &wish, &given) == 0;
    f->why = "refused";
    f->datagram.from = given;
    compare(play, step->expect, "", f, &given, o);
    save(play, step, f, o);
}

typedef void play_function(struct nat_play *play, const struct nat_step *step,
                           struct nat_outcome *o);

bool nat_play_step(struct nat_play *play, struct nat_outcome *outcome)
{
    static play_function *const kinds[NAT_STEP_KINDS] = {
        [NAT_STEP_OUT] = play_packets, [NAT_STEP_IN] = play_packets,
        [NAT_STEP_STATE] = play_state, [NAT_STEP_REBOOT] = play_reboot,
        [NAT_STEP_FLUSH] = play_flush, [NAT_STEP_READDRESS] = play_readdress,
        [NAT_STEP_MAP] = play_map,     [NAT_STEP_SET] = play_set,
    };
    if (play->next == play->script->step_count)
        return false;
    const struct nat_step *step = &play->script->steps[play->next++];
    *outcome = (struct nat_outcome){.ok = true};
    run_until(play, step->at);
    kinds[step->kind](play, step, outcome);
    return true;
}

uint32_t nat_play_script(const struct nat_script *script)
{
    struct nat_play *play = nat_play_open(script);
    struct nat_outcome outcome;
    uint32_t failed = 0;
    while (nat_play_step(play, &outcome))
        failed += !outcome.ok;
    nat_play_close(play);
    return failed;
}
