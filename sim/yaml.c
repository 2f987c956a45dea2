/* yaml.c: builds the tree from libyaml's events; see yaml.h. */
#include "sim/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "stack/check.h"

#define ANCHORS 1000 /* of one document */
#define KEYS    1000 /* of one map: each is compared with all before it */

struct anchor {
    const char *name;
    const struct yaml_node *node; /* NULL while it is being read */
    struct error_place place;
    bool used;
};

struct reader {
    struct arena *arena;
    const struct error_source *source;
    struct errors *errors;
    yaml_parser_t parser;
    size_t length; /* of the source's text */
    uint32_t skip, nodes, anchor_count;
    struct anchor *anchors;
    bool failed;
};

struct yaml_node *yaml_new(struct arena *arena, enum yaml_kind kind, const char *text,
                           const struct error_place *place)
{
    struct yaml_node *node = arena_take(arena, sizeof *node);
    node->kind = kind;
    node->text = text;
    node->place = *place;
    return node;
}

void yaml_add(struct arena *arena, struct yaml_node *parent, struct yaml_node *key,
              struct yaml_node *value)
{
    if (parent->count == parent->room) {
        uint32_t room = parent->room ? parent->room * 2 : 4;
        struct yaml_item *items = arena_take(arena, room * sizeof *items);
        if (parent->count)
            memcpy(items, parent->items, parent->count * sizeof *items);
        parent->items = items;
        parent->room = room;
    }
    parent->items[parent->count++] = (struct yaml_item){key, value};
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (map->kind != YAML_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key->text, key) == 0)
            return map->items[i].value;
    return NULL;
}

struct yaml_node *yaml_copy(struct arena *arena, const struct yaml_node *node)
{
    struct yaml_node *copy = arena_take(arena, sizeof *copy);
    *copy = *node;
    copy->items = NULL;
    copy->count = copy->room = 0;
    for (uint32_t i = 0; i < node->count; i++)
        yaml_add(arena, copy, node->items[i].key, yaml_copy(arena, node->items[i].value));
    return copy;
}

const char *yaml_kind_name(enum yaml_kind kind)
{
    static const char *const names[] = {"text", "a list", "a map"};
    return names[kind];
}

uint32_t yaml_size(const struct yaml_node *node)
{
    uint32_t count = 1;
    for (uint32_t i = 0; i < node->count; i++)
        count += yaml_size(node->items[i].value);
    return count;
}

static struct error_place place_at(const struct reader *r, const yaml_mark_t *start,
                                   const yaml_mark_t *end)
{
    struct error_place place = {r->source, (uint32_t)start->line + 1, (uint32_t)start->column + 1,
                                1};
    if (end && end->line == start->line && end->column > start->column)
        place.width = (uint32_t)(end->column - start->column);
    if (r->skip) { /* one line; libyaml puts its end on the next */
        place.column =
            place.line == 1 ? place.column + r->skip : (uint32_t)strlen(r->source->text) + 1;
        place.line = 1;
    }
    return place;
}

/* Where a byte stands that is no text: libyaml's reader counts bytes only. */
static struct error_place place_of_offset(const struct reader *r, size_t offset)
{
    struct error_place place = {r->source, 1, 1, 1};
    for (size_t i = 0; i < r->skip + offset && i < r->length; i++) {
        unsigned char byte = (unsigned char)r->source->text[i];
        if (byte == '\n')
            place = (struct error_place){r->source, place.line + 1, 1, 1};
        else if (byte < 0x80 || byte >= 0xc0) /* not the rest of a character */
            place.column++;
    }
    size_t end = r->skip + offset;
    if (end > 0 && end <= r->length && (unsigned char)r->source->text[end - 1] >= 0xc0)
        place.column--; /* inside a character, whose first byte was counted */
    return place;
}

/* The usual reason why a token cannot start: blanks before it hold a tab. */
static bool is_tab(const struct reader *r, const struct error_place *place)
{
    const char *line = r->source->text;
    for (uint32_t i = 1; i < place->line && line; i++) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    size_t blanks = line ? strspn(line, " \t") : 0;
    return place->column <= blanks && memchr(line, '\t', blanks);
}

static void fail(struct reader *r, const struct error_place *place, const char *message)
{
    r->failed = true;
    errors_add(r->errors, place, "", "%s", message);
}

static void fail_in_libyaml(struct reader *r)
{
    struct error_place place = place_at(r, &r->parser.problem_mark, NULL);
    const char *problem = r->parser.problem ? r->parser.problem : "not YAML";
    r->failed = true;
    if (r->parser.error == YAML_READER_ERROR)
        place = place_of_offset(r, r->parser.problem_offset);
    else if (is_tab(r, &place))
        problem = "a tab where only spaces indent";
    errors_add(r->errors, &place, "", "expected YAML in UTF-8, got a mistake: %s", problem);
}

static bool next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return true;
    fail_in_libyaml(r);
    return false;
}

static bool take_nodes(struct reader *r, uint32_t count, const struct error_place *place)
{
    if (count <= YAML_NODES - r->nodes) {
        r->nodes += count;
        return true;
    }
    fail(r, place, "expected a smaller document, got too many nodes once aliases are copied");
    return false;
}

static struct anchor *find_anchor(struct reader *r, const char *name)
{
    for (uint32_t i = r->anchor_count; i-- > 0;)
        if (strcmp(r->anchors[i].name, name) == 0)
            return &r->anchors[i];
    return NULL;
}

/* Returns the number of the new anchor, or ANCHORS when there is none. */
static uint32_t open_anchor(struct reader *r, const yaml_char_t *name,
                            const struct error_place *place)
{
    if (!name)
        return ANCHORS;
    if (r->anchor_count == ANCHORS) {
        fail(r, place, "expected at most 1000 anchors, got one more");
        return ANCHORS;
    }
    const char *text = (const char *)name;
    if (!r->anchors)
        r->anchors = arena_take(r->arena, ANCHORS * sizeof *r->anchors);
    r->anchors[r->anchor_count] =
        (struct anchor){arena_text(r->arena, text, strlen(text)), NULL, *place, false};
    return r->anchor_count++;
}

static struct yaml_node *read_alias(struct reader *r, const yaml_event_t *event,
                                    const struct error_place *place)
{
    struct anchor *anchor = find_anchor(r, (const char *)event->data.alias.anchor);
    if (!anchor || !anchor->node) {
        fail(r, place, "expected an anchor that stands above, got an unknown one");
        return NULL;
    }
    anchor->used = true;
    if (!take_nodes(r, yaml_size(anchor->node), place))
        return NULL;
    struct yaml_node *copy = yaml_copy(r->arena, anchor->node);
    copy->place = *place;
    return copy;
}

static struct yaml_node *read_scalar(struct reader *r, const yaml_event_t *event,
                                     const struct error_place *place)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (event->data.scalar.tag)
        fail(r, place, "expected plain YAML, got a tag");
    if (memchr(text, 0, length))
        fail(r, place, "expected text, got a NUL byte in it");
    while (length && text[length - 1] == '\n')
        length--; /* the end of a block scalar is no part of what it says */
    return yaml_new(r->arena, YAML_TEXT, arena_text(r->arena, text, length), place);
}

static struct yaml_node *read_node(struct reader *r, yaml_event_t *event, uint32_t depth);

/* Reads the event after the current one as a node; NULL at the end of a list
 * or map, or after a failure. */
static struct yaml_node *read_next(struct reader *r, uint32_t depth)
{
    yaml_event_t event;
    if (r->failed || !next_event(r, &event))
        return NULL;
    struct yaml_node *node = read_node(r, &event, depth);
    yaml_event_delete(&event);
    return node;
}

static void read_list(struct reader *r, struct yaml_node *list, uint32_t depth)
{
    struct yaml_node *value;
    while ((value = read_next(r, depth)))
        yaml_add(r->arena, list, NULL, value);
}

static void read_map(struct reader *r, struct yaml_node *map, uint32_t depth)
{
    struct yaml_node *key, *value;
    while ((key = read_next(r, depth))) {
        if (key->kind != YAML_TEXT) {
            fail(r, &key->place, "expected a word as a key, got a list or a map");
            return;
        }
        value = read_next(r, depth);
        if (!value)
            return;
        if (map->count == KEYS) {
            fail(r, &key->place, "expected at most 1000 keys in a map, got one more");
            return;
        }
        const struct yaml_node *earlier = yaml_get(map, key->text);
        if (earlier)
            errors_add(r->errors, &key->place, "",
                       "expected each key once, got `%s` again (first in line %u)", key->text,
                       earlier->place.line);
        else
            yaml_add(r->arena, map, key, value);
    }
}

static struct yaml_node *read_collection(struct reader *r, const yaml_event_t *event,
                                         const struct error_place *place, uint32_t depth)
{
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    const yaml_char_t *tag = list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
    if (tag)
        fail(r, place, "expected plain YAML, got a tag");
    if (depth == YAML_DEPTH) {
        fail(r, place, "expected at most 32 levels of lists and maps, got one more");
        return NULL;
    }
    struct yaml_node *node = yaml_new(r->arena, list ? YAML_LIST : YAML_MAP, "", place);
    if (list)
        read_list(r, node, depth + 1);
    else
        read_map(r, node, depth + 1);
    return r->failed ? NULL : node;
}

static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT: return event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT: return event->data.mapping_start.anchor;
    default: return NULL;
    }
}

static struct yaml_node *read_node(struct reader *r, yaml_event_t *event, uint32_t depth)
{
    struct error_place place = place_at(r, &event->start_mark, &event->end_mark);
    struct yaml_node *node = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(r, event, &place);
    if (event->type != YAML_SCALAR_EVENT && event->type != YAML_SEQUENCE_START_EVENT &&
        event->type != YAML_MAPPING_START_EVENT)
        return NULL; /* the end of something */
    if (!take_nodes(r, 1, &place))
        return NULL;
    uint32_t anchor = open_anchor(r, anchor_of(event), &place);
    if (event->type == YAML_SCALAR_EVENT)
        node = read_scalar(r, event, &place);
    else
        node = read_collection(r, event, &place, depth);
    if (anchor != ANCHORS)
        r->anchors[anchor].node = node;
    return r->failed ? NULL : node;
}

static void report_unused_anchors(struct reader *r)
{
    for (uint32_t i = 0; i < r->anchor_count; i++)
        if (!r->anchors[i].used)
            errors_add(r->errors, &r->anchors[i].place, "",
                       "expected every anchor to be used, got `&%s` without `*%s`",
                       r->anchors[i].name, r->anchors[i].name);
}

/* Stream start, document start, the document, document end, stream end. */
static struct yaml_node *read_document(struct reader *r)
{
    struct error_place whole = {r->source, 0, 0, 0};
    yaml_event_t event;
    for (int i = 0; i < 2; i++) {
        if (!next_event(r, &event))
            return NULL;
        bool ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (ended) {
            fail(r, &whole, "expected a YAML document, got an empty one");
            return NULL;
        }
    }
    struct yaml_node *root = read_next(r, 0);
    for (int i = 0; i < 2 && !r->failed; i++) {
        if (!next_event(r, &event))
            return NULL;
        if (event.type == YAML_DOCUMENT_START_EVENT) {
            struct error_place place = place_at(r, &event.start_mark, NULL);
            fail(r, &place, "expected one document, got a second");
        }
        yaml_event_delete(&event);
    }
    if (!r->failed)
        report_unused_anchors(r);
    return r->failed ? NULL : root;
}

struct yaml_node *yaml_parse(struct arena *arena, const struct error_source *source, size_t skip,
                             size_t length, struct errors *errors)
{
    struct reader r = {.arena = arena,
                       .source = source,
                       .errors = errors,
                       .length = skip + length,
                       .skip = (uint32_t)skip};
    struct error_place whole = {source, 0, 0, 0};
    if (length > YAML_SIZE) {
        errors_add(errors, &whole, "", "expected at most %u bytes, got %zu", YAML_SIZE, length);
        return NULL;
    }
    CHECK(yaml_parser_initialize(&r.parser));
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)source->text + skip, length);
    struct yaml_node *root = read_document(&r);
    yaml_parser_delete(&r.parser);
    return root;
}

const char *yaml_obstacle(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return strerror(errno);
    return S_ISREG(status.st_mode) ? NULL : "not a file";
}

char *yaml_load(struct arena *arena, const char *path, const struct error_source *source,
                size_t *length, struct errors *errors)
{
    struct error_place whole = {source, 0, 0, 0};
    const char *obstacle = yaml_obstacle(path);
    FILE *file = obstacle ? NULL : fopen(path, "rb");
    if (!file) {
        errors_add(errors, &whole, "", "cannot open: %s", obstacle ? obstacle : strerror(errno));
        return NULL;
    }
    size_t room = 4096, used = 0, got;
    char *text = malloc(room);
    CHECK(text);
    while ((got = fread(text + used, 1, room - used, file)) > 0 && used + got <= YAML_SIZE) {
        used += got;
        if (used == room) {
            room *= 2;
            text = realloc(text, room);
            CHECK(text);
        }
    }
    if (ferror(file))
        errors_add(errors, &whole, "", "cannot read: %s", strerror(errno));
    else if (got > 0)
        errors_add(errors, &whole, "", "expected at most %u bytes, got more", YAML_SIZE);
    char *copy = ferror(file) || got > 0 ? NULL : arena_text(arena, text, used);
    (void)fclose(file);
    free(text);
    *length = used;
    return copy;
}
