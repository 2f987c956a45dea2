/* nat_list.c: the command `mistsim nat list`: all boxes of the catalogue, and
 * who sits behind which. */
#include <string.h>

#include "sim/exit.h"
#include "sim/nat_command.h"
#include "sim/nat_conformance.h"
#include "sim/text.h"

#define SOURCE_SHORT 48 /* characters of a source in the table */

static int list_main(int argc, char **argv);

static const struct command_option OPTIONS[] = {
    {"json", NULL, "print one JSON object", 0},
    {"conformance", NULL, "which profile meets which requirement, as Markdown", 0},
    {NULL, NULL, NULL, 0},
};

const struct command nat_list_command = {
    .name = "nat list",
    .arguments = "",
    .help = "list the profiles and populations of the catalogue",
    .options = OPTIONS,
    .main = list_main,
};

struct list {
    struct arena arena;
    struct errors errors;
    struct catalogue *catalogue;
    uint32_t profile_count, population_count;
    const struct nat_profile **profiles;
    struct yaml_node **populations;
};

static const struct error_source CATALOGUE = {"nat-models", NULL};

static void read_profiles(struct list *l)
{
    const char **names;
    uint32_t count = catalogue_names(l->catalogue, &l->arena, CATALOGUE_PROFILES, &names);
    l->profiles = arena_take(&l->arena, (count + 1) * sizeof *l->profiles);
    for (uint32_t i = 0; i < count; i++) {
        const struct nat_profile *p =
            nat_profile_read(l->catalogue, &l->arena, names[i], &l->errors);
        if (p)
            l->profiles[l->profile_count++] = p;
    }
}

static void read_populations(struct list *l)
{
    const char **names;
    struct error_place place = {&CATALOGUE, 0, 0, 1};
    uint32_t count = catalogue_names(l->catalogue, &l->arena, CATALOGUE_POPULATIONS, &names);
    l->populations = arena_take(&l->arena, (count + 1) * sizeof *l->populations);
    for (uint32_t i = 0; i < count; i++) {
        const struct yaml_node *name = yaml_new(&l->arena, YAML_TEXT, names[i], &place);
        struct yaml_node *document =
            catalogue_document(l->catalogue, CATALOGUE_POPULATIONS, name, &l->errors);
        if (document)
            l->populations[l->population_count++] = document;
    }
}

/* "30 s", "30 s .. 691 s" for { min: 30 s, median: 90 s, max: 691 s } */
static const char *short_time(struct arena *arena, const char *value)
{
    static const char low[] = "{ min: ", high[] = "max: ";
    const char *end = strstr(value, high);
    if (strncmp(value, low, sizeof low - 1) != 0 || !end)
        return value;
    value += sizeof low - 1;
    end += sizeof high - 1;
    return arena_format(arena, "%.*s .. %.*s", (int)strcspn(value, ","), value,
                        (int)strcspn(end, ",}") - 1, end);
}

/* To the end of a word, with an ellipsis where something is left out. */
static const char *short_text(struct arena *arena, const char *text)
{
    size_t length = strlen(text);
    while (length && strchr(" \n", text[length - 1]))
        length--;
    if (length <= SOURCE_SHORT)
        return arena_text(arena, text, length);
    for (length = SOURCE_SHORT; length && text[length] != ' '; length--)
        ;
    return arena_format(arena, "%.*s ...", (int)length, text);
}

static void print_table(struct list *l)
{
    static const char *const heads[] = {"profile",   "mapping",     "filtering", "ports",
                                        "unreplied", "established", "source"};
    struct text_table *t = text_table_new(sizeof heads / sizeof *heads);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        text_table_add(t, heads[i]);
    for (uint32_t i = 0; i < l->profile_count; i++) {
        const struct nat_profile *p = l->profiles[i];
        bool plain = strcmp(nat_profile_value(p, "kind"), "one_to_one") != 0;
        bool nat = strcmp(nat_profile_value(p, "kind"), "nat") == 0;
        text_table_add(t, p->name);
        text_table_add(t, nat ? nat_profile_value(p, "mapping") : nat_profile_value(p, "kind"));
        text_table_add(t, plain ? nat_profile_value(p, "filtering") : "-");
        text_table_add(t, nat ? nat_profile_value(p, "ports") : "-");
        text_table_add(t,
                       plain ? short_time(&l->arena, nat_profile_value(p, "udp_unreplied")) : "-");
        text_table_add(t, plain ? short_time(&l->arena, nat_profile_value(p, "udp_established"))
                                : "-");
        text_table_add(t, short_text(&l->arena, p->source));
    }
    text_table_print(t, stdout, "");
    puts("");
    t = text_table_new(3);
    text_table_add(t, "population");
    text_table_add(t, "kinds");
    text_table_add(t, "who");
    text_table_align(t, 1, TEXT_RIGHT);
    for (uint32_t i = 0; i < l->population_count; i++) {
        const struct yaml_node *p = l->populations[i];
        text_table_add(t, yaml_get(p, "population")->text);
        text_table_add(t, arena_format(&l->arena, "%u", yaml_get(p, "boxes")->count));
        text_table_add(t, yaml_get(p, "doc")->text);
    }
    text_table_print(t, stdout, "");
}

static void print_member(const char *name, const char *value)
{
    printf(", \"%s\": ", name);
    text_json(stdout, value);
}

static void print_json_profile(const struct nat_profile *p)
{
    static const char *const keys[] = {"kind",  "mapping",       "filtering",
                                       "ports", "udp_unreplied", "udp_established"};
    fputs("{\"name\": ", stdout);
    text_json(stdout, p->name);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        print_member(keys[i], nat_profile_value(p, keys[i]));
    print_member("looks", p->looks);
    print_member("doc", p->doc);
    print_member("source", p->source);
    putchar('}');
}

static void print_json(struct list *l)
{
    fputs("{\"profiles\": [", stdout);
    for (uint32_t i = 0; i < l->profile_count; i++) {
        fputs(i ? ",\n " : "\n ", stdout);
        print_json_profile(l->profiles[i]);
    }
    fputs("],\n\"populations\": [", stdout);
    for (uint32_t i = 0; i < l->population_count; i++) {
        const struct yaml_node *p = l->populations[i];
        fputs(i ? ",\n {\"name\": " : "\n {\"name\": ", stdout);
        text_json(stdout, yaml_get(p, "population")->text);
        printf(", \"kinds\": %u", yaml_get(p, "boxes")->count);
        print_member("doc", yaml_get(p, "doc")->text);
        print_member("source", yaml_get(p, "source")->text);
        putchar('}');
    }
    puts("]}");
}

static int list_main(int argc, char **argv)
{
    static struct command_line line;
    struct list l = {0};
    int code = command_parse(&nat_list_command, argc, argv, &line);
    if (code != COMMAND_CONTINUES)
        return code;
    l.catalogue = catalogue_open(&l.arena, "");
    read_profiles(&l);
    read_populations(&l);
    code = EXIT_FINE;
    if (l.errors.count) {
        errors_print(&l.errors, stderr);
        code = EXIT_INPUT;
    } else if (l.profile_count == 0) {
        fputs("mistsim nat list: cannot find the folder nat-models with its profiles\n", stderr);
        code = EXIT_LACKING;
    } else if (command_value(&line, "json")) {
        print_json(&l);
    } else if (command_value(&line, "conformance")) {
        nat_conformance_print(l.profiles, l.profile_count, stdout);
    } else {
        print_table(&l);
    }
    errors_free(&l.errors);
    arena_free(&l.arena);
    return code;
}
