/* nat_show.c: the command `mistsim nat show NAME`: a profile with the origin of
 * each knob and the requirements that it breaks, or a population. */
#include <string.h>

#include "sim/exit.h"
#include "sim/nat_command.h"
#include "sim/nat_profile.h"
#include "sim/text.h"

static int show_main(int argc, char **argv);

static const struct command_option OPTIONS[] = {
    {"json", NULL, "print one JSON object", 0},
    {NULL, NULL, NULL, 0},
};

const struct command nat_show_command = {
    .name = "nat show",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .help = "tell a profile's knobs, their sources and the requirements it breaks",
    .examples = "  mistsim nat show linux_masquerade\n"
                "  mistsim nat show roverso\n",
    .options = OPTIONS,
    .main = show_main,
};

/* ---- profiles ---- */

static void print_text(const char *what, const char *text)
{
    if (!text)
        return;
    printf("%-9s ", what);
    text_shown(stdout, text);
    if (text[strlen(text) - 1] != '\n')
        putchar('\n');
}

static void print_knobs(const struct nat_profile *p)
{
    struct text_table *t = text_table_new(3);
    text_table_add(t, "knob");
    text_table_add(t, "value");
    text_table_add(t, "said by");
    for (int pass = 0; pass < 2; pass++) /* defaults last */
        for (uint32_t i = 0; i < p->knob_count; i++) {
            const struct nat_profile_knob *k = &p->knobs[i];
            if ((strcmp(k->origin, "default") == 0) != (pass == 1))
                continue;
            text_table_add(t, k->key);
            text_table_add(t, k->value);
            text_table_add(t, k->origin);
        }
    puts("");
    text_table_print(t, stdout, "  ");
}

static void print_broken(const struct nat_profile *p)
{
    struct text_table *t = text_table_new(4);
    uint32_t broken = 0;
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++) {
        const struct nat_rule *rule = &NAT_RULES[i];
        enum nat_conformance c = nat_profile_judge(p, rule);
        char number[40];
        if (c != NAT_RULE_BREAKS && c != NAT_RULE_SOME)
            continue;
        broken++;
        snprintf(number, sizeof number, "RFC %u %s", rule->rfc, rule->number);
        text_table_add(t, number);
        text_table_add(t, rule->must ? "MUST" : "SHOULD");
        text_table_add(t, c == NAT_RULE_SOME ? "some boxes" : "");
        text_table_add(t, rule->text);
    }
    puts(broken ? "\nBreaks on purpose:" : "\nBreaks no requirement.");
    text_table_print(t, stdout, "  ");
}

static void print_profile(const struct nat_profile *p)
{
    print_text("profile", p->name);
    print_text("like", p->like);
    print_text("doc", p->doc);
    print_text("looks", p->looks);
    print_text("source", p->source);
    print_text("assumed", p->assumed);
    print_knobs(p);
    print_broken(p);
}

static void print_member(const char *name, const char *value)
{
    printf(", \"%s\": ", name);
    text_json(stdout, value);
}

static void print_json_rules(const struct nat_profile *p)
{
    fputs(", \"requirements\": [", stdout);
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++) {
        const struct nat_rule *rule = &NAT_RULES[i];
        printf("%s{\"rfc\": %u", i ? ",\n " : "\n ", rule->rfc);
        print_member("number", rule->number);
        print_member("level", rule->must ? "MUST" : "SHOULD");
        print_member("verdict", nat_conformance_word(nat_profile_judge(p, rule)));
        print_member("text", rule->text);
        putchar('}');
    }
    putchar(']');
}

static void print_json_profile(const struct nat_profile *p)
{
    fputs("{\"profile\": ", stdout);
    text_json(stdout, p->name);
    print_member("like", p->like);
    print_member("doc", p->doc);
    print_member("looks", p->looks);
    print_member("source", p->source);
    print_member("assumed", p->assumed);
    fputs(", \"knobs\": {", stdout);
    for (uint32_t i = 0; i < p->knob_count; i++) {
        const struct nat_profile_knob *k = &p->knobs[i];
        fputs(i ? ",\n " : "\n ", stdout);
        text_json(stdout, k->key);
        fputs(": {\"value\": ", stdout);
        text_json(stdout, k->value);
        print_member("origin", k->origin);
        putchar('}');
    }
    putchar('}');
    print_json_rules(p);
    puts("}");
}

/* ---- populations ---- */

static void print_population(struct arena *arena, const struct yaml_node *p)
{
    const struct yaml_node *boxes = yaml_get(p, "boxes"), *assumed = yaml_get(p, "assumed");
    print_text("population", yaml_get(p, "population")->text);
    print_text("doc", yaml_get(p, "doc")->text);
    print_text("source", yaml_get(p, "source")->text);
    print_text("assumed", assumed ? assumed->text : NULL);
    struct text_table *t = text_table_new(2);
    text_table_add(t, "share");
    text_table_add(t, "nat");
    text_table_align(t, 0, TEXT_RIGHT);
    for (uint32_t i = 0; i < boxes->count; i++) {
        const struct yaml_node *nat = yaml_get(boxes->items[i].value, "nat");
        text_table_add(t, yaml_get(boxes->items[i].value, "share")->text);
        text_table_add(t, nat->kind == YAML_TEXT ? nat->text : yaml_to_json(arena, nat));
    }
    puts("");
    text_table_print(t, stdout, "  ");
}

static bool is_among(const struct catalogue *c, struct arena *arena, enum catalogue_shelf shelf,
                     const char *name)
{
    const char **names;
    uint32_t count = catalogue_names(c, arena, shelf, &names);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void show_population(struct catalogue *c, struct arena *arena, const char *name, bool json,
                            struct errors *errors)
{
    static const struct error_source source = {"the command line", NULL};
    struct error_place place = {&source, 0, 0, 1};
    const struct yaml_node *document = catalogue_document(
        c, CATALOGUE_POPULATIONS, yaml_new(arena, YAML_TEXT, name, &place), errors);
    if (document && json)
        puts(yaml_to_json(arena, document));
    else if (document)
        print_population(arena, document);
}

static int show_main(int argc, char **argv)
{
    static struct command_line line;
    struct arena arena = {0};
    struct errors errors = {0};
    int code = command_parse(&nat_show_command, argc, argv, &line);
    if (code != COMMAND_CONTINUES)
        return code;
    struct catalogue *c = catalogue_open(&arena, "");
    const char *name = line.arguments[0];
    bool json = command_value(&line, "json") != NULL;
    const struct nat_profile *p = NULL;
    if (is_among(c, &arena, CATALOGUE_POPULATIONS, name))
        show_population(c, &arena, name, json, &errors);
    else
        p = nat_profile_read(c, &arena, name, &errors);
    if (p && json)
        print_json_profile(p);
    else if (p)
        print_profile(p);
    if (errors.count)
        errors_print(&errors, stderr);
    code = errors.count ? EXIT_INPUT : EXIT_FINE;
    errors_free(&errors);
    arena_free(&arena);
    return code;
}
