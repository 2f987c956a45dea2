/* schema_print.c: the table of keys as a JSON Schema, as Markdown and as the
 * explanation of one key. */
#include <stdlib.h>
#include <string.h>

#include "sim/arena.h"
#include "sim/metric.h"
#include "sim/schema.h"

#define INDENT 2

static void print_map(const struct schema_map *map, int depth, FILE *out);

/* A JSON string. */
static void print_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_break(int depth, FILE *out)
{
    fprintf(out, "\n%*s", depth * INDENT, "");
}

/* Words that look like numbers are numbers to a YAML reader of other programs. */
static void print_words(const struct schema_key *key, FILE *out)
{
    fputs("{\"enum\": [", out);
    for (int i = 0; key->words[i]; i++) {
        char *end;
        (void)strtol(key->words[i], &end, 10);
        fputs(i ? ", " : "", out);
        print_string(key->words[i], out);
        if (*end == 0)
            fprintf(out, ", %s", key->words[i]);
    }
    fputs("]}", out);
}

static void print_words_or_list(const struct schema_key *key, FILE *out)
{
    fputs("{\"anyOf\": [", out);
    print_words(key, out);
    fputs(", {\"type\": \"array\", \"items\": ", out);
    print_words(key, out);
    fputs("}]}", out);
}

static void print_list(const struct schema_key *key, int depth, FILE *out)
{
    fprintf(out, "{\"type\": \"array\", \"maxItems\": %lld, \"items\": ", (long long)key->high);
    print_map(key->inside, depth, out);
    fputc('}', out);
}

static void print_count(const struct schema_key *key, FILE *out)
{
    fprintf(out, "{\"type\": \"integer\", \"minimum\": %lld", (long long)key->low);
    if (key->high)
        fprintf(out, ", \"maximum\": %lld", (long long)key->high);
    fputc('}', out);
}

#define NUMBER "[0-9]+(\\\\.[0-9]+)?"
#define TIME   NUMBER " *(ns|us|ms|s|min|h|d)"

/* Kinds whose JSON Schema does not depend on the key. */
static const char *const PLAIN[SCHEMA_KIND_COUNT] = {
    [SCHEMA_TEXT] = "{\"type\": [\"string\", \"number\"]}",
    [SCHEMA_NAME] = "{\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$\"}",
    [SCHEMA_NAMES] = "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"array\", \"items\": "
                     "{\"type\": \"string\"}}]}",
    [SCHEMA_SWITCH] = "{\"enum\": [\"on\", \"off\", true, false]}",
    [SCHEMA_TIME] = "{\"type\": \"string\", \"pattern\": \"^" TIME "$\"}",
    [SCHEMA_TIME_RANGE] =
        "{\"type\": \"string\", \"pattern\": \"^" TIME " *\\\\.\\\\. *" TIME "$\"}",
    [SCHEMA_SHARE] = "{\"type\": \"string\", \"pattern\": \"^" NUMBER " *%$\"}",
    [SCHEMA_DECIMAL] = "{\"type\": \"number\", \"minimum\": 0}",
    [SCHEMA_RATE] = "{\"type\": \"string\", \"pattern\": \"^" NUMBER " */(s|min|h|d)$\"}",
    [SCHEMA_SIZE] =
        "{\"type\": \"string\", \"pattern\": \"^" NUMBER " *(B|kB|MB|GB|KiB|MiB|GiB)$\"}",
    [SCHEMA_BANDWIDTH] =
        "{\"type\": \"string\", \"pattern\": \"^(unlimited|" NUMBER " *[kMG]?bit/s)$\"}",
    [SCHEMA_FILE] = "{\"type\": \"string\"}",
    [SCHEMA_FREE] = "{\"type\": \"object\"}",
    [SCHEMA_NAT] = "{\"type\": [\"string\", \"array\", \"object\"]}",
    [SCHEMA_SWEEP] = "{\"type\": \"object\", \"additionalProperties\": {\"type\": \"array\", "
                     "\"minItems\": 1}}",
    [SCHEMA_TABLE] = "{\"type\": \"array\"}",
};

/* A bound, or a list of them. */
#define TEXT  "{\"type\": \"string\"}"
#define BOUND "{\"anyOf\": [" TEXT ", {\"type\": \"array\", \"items\": " TEXT "}]}"

static void print_matrix(FILE *out)
{
    fputs("\"matrix\": {\"type\": \"object\", \"additionalProperties\": {\"type\": \"object\", "
          "\"additionalProperties\": {\"enum\": [\"direct\", \"relayed\", \"failed\"]}}}",
          out);
}

static void print_expect(int depth, FILE *out)
{
    const char *glue = "";
    fputs("{\"type\": \"object\", \"additionalProperties\": false,", out);
    print_break(depth + 1, out);
    fputs("\"patternProperties\": {\"^x-\": {}, \"^(", out);
    for (uint32_t i = 0; i < METRIC_COUNT; i++)
        if (METRICS[i].pairs) {
            fprintf(out, "%s%s", glue, METRICS[i].name);
            glue = "|";
        }
    fputs(")\\\\[[^,]+,[^\\\\]]+\\\\]$\": " BOUND "},", out);
    print_break(depth + 1, out);
    fputs("\"properties\": {", out);
    print_matrix(out);
    for (uint32_t i = 0; i < METRIC_COUNT; i++) {
        fputc(',', out);
        print_break(depth + 2, out);
        print_string(METRICS[i].name, out);
        fputs(": {\"description\": ", out);
        print_string(METRICS[i].doc, out);
        fputs(", \"allOf\": [" BOUND "]}", out);
    }
    fputs("}}", out);
}

static void print_compare(int depth, FILE *out)
{
    const char *glue = "";
    fputs("{\"type\": \"object\", \"additionalProperties\": false,", out);
    print_break(depth + 1, out);
    fputs("\"patternProperties\": {\"^x-\": {}},", out);
    print_break(depth + 1, out);
    fputs("\"properties\": {", out);
    for (uint32_t i = 0; i < METRIC_COUNT; i++) {
        if (METRICS[i].better == METRIC_NEITHER)
            continue;
        fputs(glue, out);
        print_break(depth + 2, out);
        print_string(METRICS[i].name, out);
        fputs(": {\"type\": [\"string\", \"number\"]}", out);
        glue = ",";
    }
    fputs("}}", out);
}

static void print_kind(const struct schema_key *key, int depth, FILE *out)
{
    switch (key->kind) {
    case SCHEMA_WORD: print_words(key, out); break;
    case SCHEMA_WORDS: print_words_or_list(key, out); break;
    case SCHEMA_COUNT: print_count(key, out); break;
    case SCHEMA_MAP: print_map(key->inside, depth, out); break;
    case SCHEMA_LIST: print_list(key, depth, out); break;
    case SCHEMA_EXPECT: print_expect(depth, out); break;
    case SCHEMA_COMPARE: print_compare(depth, out); break;
    default: fputs(PLAIN[key->kind], out); break;
    }
}

static void print_property(const struct schema_key *key, int depth, FILE *out)
{
    print_string(key->name, out);
    fputs(": {\"description\": ", out);
    print_string(key->doc, out);
    if (key->standard && *key->standard && *key->standard != '{' && *key->standard != '[') {
        fputs(", \"default\": ", out);
        print_string(key->standard, out);
    }
    fputs(", \"allOf\": [", out);
    print_kind(key, depth, out);
    fputs("]}", out);
}

static void print_required(const struct schema_map *map, int depth, FILE *out)
{
    const char *glue = "";
    print_break(depth + 1, out);
    fputs("\"required\": [", out);
    for (uint32_t i = 0; i < map->count; i++)
        if (map->keys[i].need == NEED_REQUIRED) {
            fputs(glue, out);
            print_string(map->keys[i].name, out);
            glue = ", ";
        }
    fputs("],", out);
    if (map->alternatives == 0)
        return;
    print_break(depth + 1, out);
    fputs("\"oneOf\": [", out);
    for (uint32_t i = 0; i < map->alternatives; i++)
        fprintf(out, "%s{\"required\": [\"%s\"]}", i ? ", " : "", map->keys[i].name);
    fputs("],", out);
}

static void print_map(const struct schema_map *map, int depth, FILE *out)
{
    const char *glue = "";
    fputc('{', out);
    print_break(depth + 1, out);
    fputs("\"type\": \"object\",", out);
    print_break(depth + 1, out);
    fputs("\"additionalProperties\": false,", out);
    print_break(depth + 1, out);
    fputs("\"patternProperties\": {\"^x-\": {}},", out);
    print_required(map, depth, out);
    print_break(depth + 1, out);
    fputs("\"properties\": {", out);
    for (uint32_t i = 0; i < map->count; i++)
        if (map->keys[i].need != NEED_LATER) {
            fputs(glue, out);
            print_break(depth + 2, out);
            print_property(&map->keys[i], depth + 2, out);
            glue = ",";
        }
    print_break(depth + 1, out);
    fputs("}", out);
    print_break(depth, out);
    fputc('}', out);
}

void schema_print_json(FILE *out)
{
    fputs("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
          "  \"title\": \"Mist scenario, format 1\",\n  \"allOf\": [",
          out);
    print_map(&SCHEMA_SCENARIO, 1, out);
    fputs("]\n}\n", out);
}

/* Text inside a table cell. */
static void print_cell(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void walk(const struct schema_map *map, const char *prefix, struct arena *arena,
                 void (*use)(void *data, const char *path, const struct schema_key *key),
                 void *data)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct schema_key *key = &map->keys[i];
        const char *path = arena_format(arena, "%s%s", prefix, key->name);
        use(data, path, key);
        if (key->inside && key->need != NEED_LATER)
            walk(key->inside,
                 arena_format(arena, "%s%s.", path, key->kind == SCHEMA_LIST ? ".*" : ""), arena,
                 use, data);
    }
}

void schema_walk(const struct schema_map *map,
                 void (*use)(void *data, const char *path, const struct schema_key *key),
                 void *data)
{
    struct arena arena = {0};
    walk(map, "", &arena, use, data);
    arena_free(&arena);
}

static void print_row(void *data, const char *path, const struct schema_key *key)
{
    FILE *out = data;
    if (key->need == NEED_LATER)
        return;
    fprintf(out, "| `%s` | ", path);
    print_cell(schema_form(key->kind), out);
    if (key->need == NEED_REQUIRED)
        fputs(" | required | ", out);
    else if (key->standard && *key->standard && !key->inside)
        fprintf(out, " | `%s` | ", key->standard);
    else
        fputs(" | | ", out);
    print_cell(key->doc, out);
    fputs(" |\n", out);
}

void schema_print_markdown(FILE *out)
{
    fputs("| key | form | default | meaning |\n|---|---|---|---|\n", out);
    schema_walk(&SCHEMA_SCENARIO, print_row, out);
}

static void print_choices(const char *title, const char *const *words, FILE *out)
{
    fprintf(out, "  %-9s", title);
    for (int i = 0; words[i]; i++)
        fprintf(out, "%s%s", i ? ", " : "", words[i]);
    fputc('\n', out);
}

void schema_explain(const struct schema_key *key, const char *path, FILE *out)
{
    fprintf(out, "%s: %s\n", path, key->doc);
    fprintf(out, "  form     %s\n", schema_form(key->kind));
    if (key->words)
        print_choices("one of", key->words, out);
    if (key->later_words)
        print_choices("later", key->later_words, out);
    if (key->need == NEED_LATER)
        fputs("  not yet supported\n", out);
    else
        fprintf(out, "  default  %s\n",
                key->need == NEED_REQUIRED        ? "none: required"
                : key->standard && *key->standard ? key->standard
                                                  : "none");
    if (key->example)
        fprintf(out, "  example  %s: %s\n", key->name, key->example);
    for (uint32_t i = 0; key->inside && i < key->inside->count; i++)
        fprintf(out, "%s%s%s", i == 0 ? "  keys     " : ", ", key->inside->keys[i].name,
                i + 1 == key->inside->count ? "\n" : "");
}
