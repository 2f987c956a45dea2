/* probe_command.c: the command `mistsim nat probe`. */
#include <stdlib.h>
#include <string.h>

#include "sim/exit.h"
#include "sim/nat_command.h"
#include "sim/nat_name.h"
#include "sim/probe_judge.h"
#include "sim/probe_world.h"
#include "sim/text.h"
#include "stack/check.h"

static int probe_main(int argc, char **argv);

static const struct command_option OPTIONS[] = {
    {"all", NULL, "the nine mapping x filtering boxes and every profile", 0},
    {"json", NULL, "print a JSON array, one object per name", 0},
    {"seed", "N", "of the boxes and of what their profiles draw (1)", 0},
    {NULL, NULL, NULL, 0},
};

const struct command nat_probe_command = {
    .name = "nat probe",
    .arguments = "NAME...",
    .least = 0,
    .most = COMMAND_VALUES,
    .help = "find out by datagrams alone what a NAT does (RFC 5780)",
    .examples = "  mistsim nat probe home_apdf linux_masquerade\n"
                "  mistsim nat probe 'home_apdf>cgn_fixed' adm/adf/random\n"
                "  mistsim nat probe '{like: home_apdf, ports: sequential, delta: 2}'\n"
                "  mistsim nat probe --all --json\n",
    .options = OPTIONS,
    .main = probe_main,
};

/* The port rule is random: others would hide a dependent mapping. */
static const char *const NINE[] = {
    "eim/eif/random",  "eim/adf/random",  "eim/apdf/random", "adm/eif/random",   "adm/adf/random",
    "adm/apdf/random", "apdm/eif/random", "apdm/adf/random", "apdm/apdf/random",
};
#define NINES (sizeof NINE / sizeof *NINE)

struct job {
    uint64_t seed;
    struct arena arena;
    struct errors errors;
    struct catalogue *catalogue;
    uint32_t count;
    struct nat_named *subjects;
};

static void read_names(struct job *job, const char *const *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        (void)nat_name_read(job->catalogue, &job->arena, names[i], job->seed,
                            &job->subjects[job->count++], &job->errors);
}

/* ---- results ---- */

struct verdict {
    struct probe_report report;
    uint32_t count;
    struct probe_difference differences[PROBE_KEYS];
};

static void examine(const struct job *job, const struct nat_named *subject, struct verdict *v)
{
    struct probe_effort effort = probe_world_effort(job->seed);
    struct probe_expected expected;
    struct probe_world *w = probe_world_open(subject->policies, subject->count, job->seed);
    struct probe_net net = probe_world_net(w);
    v->report = probe_run(&net, &effort);
    probe_world_close(w);
    probe_expect(subject->policies, subject->count, subject->looks, &effort, &expected);
    v->count = probe_judge(&expected, &v->report, v->differences);
}

static void print_json(const struct nat_named *subject, const struct verdict *v)
{
    fputs("{\"name\": ", stdout);
    text_json(stdout, subject->name);
    fputs(", ", stdout);
    probe_report_json(&v->report, stdout);
    printf(", \"as_expected\": %s, \"differences\": [", v->count ? "false" : "true");
    for (uint32_t i = 0; i < v->count; i++)
        printf("%s{\"key\": \"%s\", \"expected\": \"%s\", \"found\": \"%s\"}", i ? ", " : "",
               probe_key_name(v->differences[i].key), v->differences[i].expected,
               v->differences[i].found);
    fputs("]}", stdout);
}

static void add_ports(struct text_table *t, const struct probe_report *r, const char *rule)
{
    char text[60];
    if (r->ports == PROBE_PORTS_SEQUENTIAL)
        (void)snprintf(text, sizeof text, "%s %+d", rule, (int)r->delta);
    else if (r->ports == PROBE_PORTS_BLOCK)
        (void)snprintf(text, sizeof text, "%s %u", rule, r->block);
    else if (r->ports == PROBE_PORTS_RANDOM)
        (void)snprintf(text, sizeof text, "%s %u-%u", rule, r->low, r->high);
    else
        (void)snprintf(text, sizeof text, "%s", rule);
    text_table_add(t, text);
}

static void add_verdict(struct text_table *t, const struct verdict *v)
{
    char text[PROBE_KEYS * 80] = "as expected";
    size_t length = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        const struct probe_difference *d = &v->differences[i];
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%s%s: expected %s, found %s",
                             i ? "; " : "", probe_key_name(d->key), d->expected, d->found);
    }
    text_table_add(t, text);
}

static void add_row(struct text_table *t, const struct nat_named *subject, const struct verdict *v)
{
    text_table_add(t, subject->name);
    for (int key = 0; key <= PROBE_KEY_POOLING; key++) {
        char buffer[PROBE_VALUE];
        const char *value = probe_value(&v->report, (enum probe_key)key, buffer);
        if (key == PROBE_KEY_PORTS)
            add_ports(t, &v->report, value ? value : "-");
        else
            text_table_add(t, value ? value : "-");
    }
    add_verdict(t, v);
}

static struct text_table *new_table(void)
{
    static const char *const heads[] = {"name",          "mapping", "filtering",
                                        "ports",         "hairpin", "unreplied s",
                                        "established s", "pooling", "verdict"};
    struct text_table *t = text_table_new(sizeof heads / sizeof *heads);
    text_table_align(t, 5, TEXT_RIGHT);
    text_table_align(t, 6, TEXT_RIGHT);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        text_table_add(t, heads[i]);
    return t;
}

/* Returns how many did not look as expected. */
static uint32_t report(const struct job *job, bool json)
{
    struct text_table *t = json ? NULL : new_table();
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < job->count; i++) {
        struct verdict v;
        examine(job, &job->subjects[i], &v);
        wrong += v.count > 0;
        if (t) {
            add_row(t, &job->subjects[i], &v);
            continue;
        }
        fputs(i ? ",\n " : "[", stdout);
        print_json(&job->subjects[i], &v);
    }
    if (!t) {
        puts("]");
        return wrong;
    }
    text_table_print(t, stdout, "");
    printf("%u as expected, %u not\n", job->count - wrong, wrong);
    return wrong;
}

static int run(struct job *job, const struct command_line *line)
{
    const char *const *profiles = NULL;
    bool all = command_value(line, "all");
    uint32_t count = all ? catalogue_profiles(job->catalogue, &profiles) : 0;
    uint32_t given = (uint32_t)line->argument_count;
    job->subjects = calloc(count + NINES + given, sizeof *job->subjects);
    CHECK(job->subjects);
    if (all) {
        read_names(job, NINE, NINES);
        read_names(job, profiles, count);
    }
    read_names(job, line->arguments, given);
    if (job->errors.count) {
        errors_print(&job->errors, stderr);
        return EXIT_INPUT;
    }
    return report(job, command_value(line, "json")) ? EXIT_WORSE : EXIT_FINE;
}

static int probe_main(int argc, char **argv)
{
    static struct command_line line;
    struct job job = {.seed = 1};
    int code = command_parse(&nat_probe_command, argc, argv, &line);
    if (code != COMMAND_CONTINUES)
        return code;
    code = command_number(&line, "seed", 0, UINT64_MAX, &job.seed);
    if (code != EXIT_FINE)
        return code;
    if (line.argument_count == 0 && !command_value(&line, "all"))
        return command_misuse(&nat_probe_command, "expected NAME... or --all");
    job.catalogue = catalogue_open(&job.arena, "");
    code = run(&job, &line);
    free(job.subjects);
    errors_free(&job.errors);
    arena_free(&job.arena);
    return code;
}
