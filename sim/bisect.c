/* bisect.c: see bisect.h.
 *
 * Both builds simulate the same world at the same time, each in a process of its own, and
 * what they send is compared datagram by datagram as it comes (bisect_stream.h).  Up to the
 * first difference both worlds are the same world, so that the difference is the
 * builds' own and not what came of an earlier one. */
#include "sim/bisect.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "sim/bisect_stream.h"
#include "sim/exit.h"
#include "sim/revision.h"
#include "sim/run_stack.h"
#include "sim/scenario.h"
#include "sim/text.h"
#include "sim/world.h"
#include "stack/check.h"

#define FATE_WITHIN SEC(35) /* one way of the longest round trip there is, and full queues */
#define SHOWN_BYTES 16      /* of two datagrams, around the first byte that differs */

struct side {
    const char *word; /* base, candidate */
    struct revision revision;
    const struct run_stack *stack;
    struct bisect_stream stream;
    /* Its datagram of the difference, and what became of it. */
    struct bisect_record sent, fate;
    uint8_t bytes[BISECT_BYTES];
    int has_fate;
};

struct bisect {
    struct plan *plan;
    struct side sides[2];
    int json;
};

/* ---- names ---- */

static void host_name(const struct plan *plan, uint32_t host, char name[300])
{
    const struct plan_population *p = &plan->populations[plan->hosts[host].population];
    snprintf(name, 300, "%s.%" PRIu32, p->name, host - p->first);
}

/* Whose address that is: a host's own, or an outermost box's and who is behind. */
static void owner_name(const struct plan *plan, const struct addr *a, char name[600])
{
    char host[300];
    for (uint32_t i = 0; i < plan->host_count; i++) {
        if (plan->hosts[i].box != PLAN_NONE || !addr_same_ip(&plan->hosts[i].addr, a))
            continue;
        host_name(plan, i, host);
        snprintf(name, 600, "%s", host);
        return;
    }
    for (uint32_t i = 0; i < plan->box_count; i++) {
        const struct plan_box *box = &plan->boxes[i];
        if (box->outside.family == a->family && addr_same_ip(&box->outside, a)) {
            snprintf(name, 600, "box %" PRIu32 ", %s", i, box->profile);
            return;
        }
    }
    snprintf(name, 600, "nobody's own address");
}

/* ---- reading ---- */

static int next_sent(struct bisect_stream *s)
{
    while (bisect_stream_next(s))
        if (s->record.kind == BISECT_SENT || s->record.kind == BISECT_END)
            return 1;
    return 0;
}

/* `use` is the build's own opinion and no part of the datagram. */
static int same(const struct bisect_stream *a, const struct bisect_stream *b)
{
    const struct bisect_record *x = &a->record, *y = &b->record;
    return x->kind == y->kind && x->at == y->at && x->place == y->place && x->length == y->length &&
           x->ttl == y->ttl && addr_equal(&x->from, &y->from) && addr_equal(&x->to, &y->to) &&
           memcmp(a->bytes, b->bytes, x->length) == 0;
}

/* Reads on until the datagram has arrived or is gone.  No box changes its bytes, which
 * are sealed under keys of their own: they tell it from all others. */
static void follow(struct side *side)
{
    struct bisect_stream *s = &side->stream;
    while (side->sent.kind == BISECT_SENT && bisect_stream_next(s)) {
        const struct bisect_record *r = &s->record;
        if (r->kind == BISECT_END || r->at > side->sent.at + FATE_WITHIN)
            return;
        side->has_fate = r->kind != BISECT_SENT && r->length == side->sent.length &&
                         memcmp(s->bytes, side->bytes, r->length) == 0;
        if (!side->has_fate)
            continue;
        side->fate = *r;
        return;
    }
}

/* ---- telling ---- */

static const char *use_word(const struct side *side)
{
    uint32_t count;
    const struct mist_names *names = side->stack->api->kind_names(&count);
    for (uint32_t i = 0; i < count; i++)
        if (names[i].number == side->sent.use)
            return names[i].word;
    return "?";
}

static void describe_fate(const struct bisect *b, const struct side *side, char text[700])
{
    char host[300];
    const struct bisect_record *r = &side->fate;
    if (!side->has_fate)
        snprintf(text, 700, "not seen again");
    else if (r->kind == BISECT_DROPPED)
        snprintf(text, 700, "dropped by box %" PRIu32 ", %s (%s)", r->place,
                 b->plan->boxes[r->place].profile, r->why);
    else if (r->kind == BISECT_LOST)
        snprintf(text, 700, "lost: %s", world_loss_word(r->place));
    else {
        host_name(b->plan, r->place, host);
        snprintf(text, 700, "arrives at %s, %s, at %.9f s", host, b->plan->hosts[r->place].nat,
                 (double)r->at / 1e9);
    }
}

static void print_side(const struct bisect *b, const struct side *side)
{
    char host[300], owner[600], to[ADDR_TEXT], fate[700];
    const struct bisect_record *r = &side->sent;
    if (r->kind == BISECT_END) {
        printf("  %-10s sends nothing more\n", side->word);
        return;
    }
    host_name(b->plan, r->place, host);
    owner_name(b->plan, &r->to, owner);
    describe_fate(b, side, fate);
    printf("  %-10s at %.9f s %s (node %" PRIu32 ", %s) sends %u B of %s to %s (%s); %s\n",
           side->word, (double)r->at / 1e9, host, r->place, b->plan->hosts[r->place].nat,
           (unsigned)r->length, use_word(side), addr_format(&r->to, to), owner, fate);
}

static uint32_t first_byte(const struct bisect *b)
{
    const struct side *x = &b->sides[0], *y = &b->sides[1];
    uint32_t most = x->sent.length < y->sent.length ? x->sent.length : y->sent.length, i = 0;
    while (i < most && x->bytes[i] == y->bytes[i])
        i++;
    return i;
}

static void print_bytes(const struct bisect *b)
{
    uint32_t at = first_byte(b), from = at > SHOWN_BYTES / 2 ? at - SHOWN_BYTES / 2 : 0;
    if (b->sides[0].sent.kind != BISECT_SENT || b->sides[1].sent.kind != BISECT_SENT ||
        (at == b->sides[0].sent.length && at == b->sides[1].sent.length))
        return;
    printf("  their bytes differ from byte %" PRIu32 " on; from byte %" PRIu32 ":\n", at, from);
    for (int i = 0; i < 2; i++) {
        const struct side *side = &b->sides[i];
        printf("  %-10s", side->word);
        for (uint32_t k = from; k < from + SHOWN_BYTES && k < side->sent.length; k++)
            printf(" %02x", side->bytes[k]);
        putchar('\n');
    }
}

static void print_json_side(const struct bisect *b, const struct side *side)
{
    char host[300], owner[600], to[ADDR_TEXT], fate[700];
    const struct bisect_record *r = &side->sent;
    printf(",\"%s\":", side->word);
    if (r->kind == BISECT_END) {
        fputs("null", stdout);
        return;
    }
    host_name(b->plan, r->place, host);
    owner_name(b->plan, &r->to, owner);
    describe_fate(b, side, fate);
    printf("{\"at_ns\":%" PRId64 ",\"node\":%" PRIu32 ",\"name\":", r->at, r->place);
    text_json(stdout, host);
    fputs(",\"nat\":", stdout);
    text_json(stdout, b->plan->hosts[r->place].nat);
    printf(",\"bytes\":%u,\"kind\":", (unsigned)r->length);
    text_json(stdout, use_word(side));
    fputs(",\"to\":", stdout);
    text_json(stdout, addr_format(&r->to, to));
    fputs(",\"to_owner\":", stdout);
    text_json(stdout, owner);
    printf(",\"receiver\":");
    if (side->has_fate && side->fate.kind == BISECT_ARRIVED) {
        host_name(b->plan, side->fate.place, host);
        text_json(stdout, host);
    } else {
        fputs("null", stdout);
    }
    fputs(",\"fate\":", stdout);
    text_json(stdout, fate);
    putchar('}');
}

static void print_difference(const struct bisect *b)
{
    uint64_t before = b->sides[0].stream.sent;
    if (b->json) {
        printf("{\"version\":1,\"same\":false,\"datagrams_before\":%" PRIu64
               ",\"first_byte\":%" PRIu32,
               before, first_byte(b));
        print_json_side(b, &b->sides[0]);
        print_json_side(b, &b->sides[1]);
        puts("}");
        return;
    }
    printf("both send the same %" PRIu64 " datagrams, then\n", before);
    print_side(b, &b->sides[0]);
    print_side(b, &b->sides[1]);
    print_bytes(b);
}

/* ---- the search ---- */

static int crashed(const struct side *side)
{
    fprintf(stderr,
            "mistsim bisect: the simulation of %s ended before its time, after %" PRIu64
            " datagrams\n",
            side->revision.name, side->stream.sent);
    return EXIT_BROKEN;
}

static int end_alike(const struct bisect *b)
{
    const struct bisect_stream *s = &b->sides[0].stream;
    if (s->record.trace != b->sides[1].stream.record.trace) {
        fprintf(stderr, "mistsim bisect: both sent the same and yet the traces differ: the"
                        " simulation is not deterministic\n");
        return EXIT_BROKEN;
    }
    if (b->json)
        printf("{\"version\":1,\"same\":true,\"datagrams\":%" PRIu64 ",\"trace_hash\":\"%016" PRIx64
               "\"}\n",
               s->sent, s->record.trace);
    else
        printf("no difference: both send the same %" PRIu64 " datagrams, trace %016" PRIx64 "\n",
               s->sent, s->record.trace);
    return EXIT_FINE;
}

static void keep_difference(struct bisect *b)
{
    for (int i = 0; i < 2; i++) {
        struct side *side = &b->sides[i];
        side->sent = side->stream.record;
        memcpy(side->bytes, side->stream.bytes, side->sent.length);
        side->stream.sent -= side->sent.kind == BISECT_SENT;
    }
    for (int i = 0; i < 2; i++) {
        uint64_t sent = b->sides[i].stream.sent;
        follow(&b->sides[i]);
        b->sides[i].stream.sent = sent;
    }
}

static int search(struct bisect *b)
{
    struct bisect_stream *x = &b->sides[0].stream, *y = &b->sides[1].stream;
    for (;;) {
        if (!next_sent(x))
            return crashed(&b->sides[0]);
        if (!next_sent(y))
            return crashed(&b->sides[1]);
        if (!same(x, y))
            break;
        if (x->record.kind == BISECT_END)
            return end_alike(b);
    }
    keep_difference(b);
    print_difference(b);
    return EXIT_WORSE;
}

static int run(struct bisect *b)
{
    int status = 0;
    for (int i = 0; i < 2 && !status; i++)
        if (bisect_stream_open(&b->sides[i].stream, b->plan, b->sides[i].stack->api)) {
            fprintf(stderr, "mistsim bisect: cannot start a process: %s\n", strerror(errno));
            status = EXIT_STORAGE;
        }
    if (!status)
        status = search(b);
    for (int i = 0; i < 2; i++)
        bisect_stream_close(&b->sides[i].stream);
    return status;
}

/* ---- the command ---- */

static int find_builds(const struct command_line *line, struct bisect *b)
{
    static const char *const words[] = {"base", "candidate"};
    char error[REVISION_PATH + 300];
    for (int i = 0; i < 2; i++) {
        struct side *side = &b->sides[i];
        side->word = words[i];
        int status = revision_find(line->arguments[i], &side->revision, error, sizeof error);
        if (!status) {
            side->stack = run_stack_load(side->revision.library, error, sizeof error);
            status = side->stack ? 0 : EXIT_INPUT;
        }
        if (status) {
            fprintf(stderr, "mistsim bisect: %s\n", error);
            return status;
        }
    }
    return 0;
}

/* Draws the world that the line asks for, as the settings of that build allow. */
static int draw(const struct command_line *line, const struct side *side, struct errors *errors,
                struct plan **plan)
{
    static const char *sets[COMMAND_VALUES];
    uint32_t count = command_values(line, "set", sets);
    struct scenario_options options = {.api = side->stack->api, .load = run_stack_load};
    struct scenario *s = scenario_read(line->arguments[2], sets, count, &options, errors);
    if (!s)
        return EXIT_INPUT;
    uint64_t seed = scenario_seed(s), cell = 0;
    int status = command_number(line, "seed", 0, INT64_MAX, &seed);
    if (!status)
        status = command_number(line, "cell", 0, scenario_cells(s) - 1, &cell);
    *plan = status ? NULL : scenario_plan(s, (uint32_t)cell, seed, errors);
    scenario_free(s);
    return status || *plan ? status : EXIT_INPUT;
}

/* Both builds must take the settings; the world is the same. */
static int read_plan(const struct command_line *line, struct bisect *b)
{
    int status = 0;
    for (int i = 0; i < 2 && !status; i++) {
        struct errors errors = {0};
        plan_free(b->plan);
        b->plan = NULL;
        status = draw(line, &b->sides[i], &errors, &b->plan);
        if (errors.count)
            errors_print(&errors, stderr);
        errors_free(&errors);
    }
    return status;
}

static int bisect_main(int argc, char **argv)
{
    static struct command_line line;
    static struct bisect b;
    int status = command_parse(&bisect_command, argc, argv, &line);
    if (status != COMMAND_CONTINUES)
        return status;
    CHECK(sodium_init() >= 0);
    b.json = command_value(&line, "json") != NULL;
    status = find_builds(&line, &b);
    if (!status)
        status = read_plan(&line, &b);
    if (!status)
        status = run(&b);
    plan_free(b.plan);
    return status;
}

static const struct command_option options[] = {
    {"seed", "N", "the seed, instead of the scenario's", 0},
    {"cell", "N", "the cell of the sweep, from 0 (default: 0)", 0},
    {"set", "PATH=VALUE", "override a value of the scenario; repeatable", 0},
    {"json", NULL, "print it as JSON", 0},
    {0},
};

const struct command bisect_command = {
    .name = "bisect",
    .arguments = "BASE CANDIDATE SCENARIO",
    .least = 3,
    .most = 3,
    .help = "name the first datagram in which two builds of the core differ",
    .examples =
        "  mistsim bisect HEAD~1 build/libmist.so scenarios/smoke/one-home.yaml\n"
        "  mistsim bisect old.so new.so scenarios/smoke/relay-only.yaml --seed 7\n"
        "\nBASE and CANDIDATE are files (libmist.so) or git revisions, whose core is built.\n"
        "Exit code 0: both send the same; 1: they differ.\n",
    .options = options,
    .main = bisect_main,
};
