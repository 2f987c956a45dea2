/* catalogue.c: finds and reads profiles and populations; see catalogue.h. */
#include "sim/catalogue.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/catalogue_box.h"
#include "sim/schema.h"

#define FOLDERS_UP   8    /* how far above a scenario nat-models/ is sought */
#define LIKE_DEPTH   8    /* profiles like profiles like profiles */
#define NAMES        500  /* files of a folder among which a suggestion is sought */
#define PROGRAM_PATH 4096 /* bytes */

static const char *const SHELF_FOLDERS[] = {"profiles", "populations"};
static const char *const SHELF_WORDS[] = {"profile", "population"};
static const struct schema_map *const SHELF_SCHEMAS[] = {&SCHEMA_PROFILE, &SCHEMA_BOXES};

struct entry { /* a file that was read, fine or not */
    struct entry *next;
    enum catalogue_shelf shelf;
    const char *name;
    bool open;                       /* being read: meeting it again is a circle */
    const struct catalogue_box *box; /* NULL after an error */
    const struct catalogue_nat *nat;
};

struct catalogue {
    struct arena *arena;
    const char *root; /* "../nat-models", or NULL */
    struct entry *entries;
    const char **profiles; /* names on the shelf, listed when first asked for */
    uint32_t profile_count;
};

struct request { /* what one call works with */
    struct catalogue *catalogue;
    struct arena *arena;
    struct errors *errors;
    const char *path;
    int depth;
};

static bool holds_profiles(struct arena *arena, const char *root)
{
    return access(arena_format(arena, "%s/profiles", root), R_OK | X_OK) == 0;
}

/* PREFIX/nat-models, PREFIX/../nat-models, ... */
static const char *seek_above(struct arena *arena, const char *prefix)
{
    const char *up = "";
    for (int i = 0; i < FOLDERS_UP; i++) {
        const char *root = arena_format(arena, "%s%snat-models", prefix, up);
        if (holds_profiles(arena, root))
            return root;
        up = arena_format(arena, "../%s", up);
    }
    return NULL;
}

/* Beside the program: of a build (build/mistsim) or installed (PREFIX/bin). */
static const char *seek_beside_program(struct arena *arena)
{
    char program[PROGRAM_PATH];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return NULL;
    program[length] = 0;
    *strrchr(program, '/') = 0;
    const char *installed = arena_format(arena, "%s/../share/mist/nat-models", program);
    if (holds_profiles(arena, installed))
        return installed;
    return seek_above(arena, arena_format(arena, "%s/", program));
}

struct catalogue *catalogue_open(struct arena *arena, const char *folder)
{
    struct catalogue *c = arena_take(arena, sizeof *c);
    c->arena = arena;
    c->root = seek_above(arena, folder);
    if (!c->root)
        c->root = seek_above(arena, "");
    if (!c->root)
        c->root = seek_beside_program(arena);
    return c;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Appends the names of the YAML files in a folder, each behind the prefix, and, where deep,
 * those in its folders: "kernel/masquerade". */
static void list_folder(struct arena *arena, const char *path, const char *prefix, bool deep,
                        const char **names, uint32_t *count)
{
    DIR *folder = opendir(path);
    struct dirent *file;
    while (folder && *count < NAMES && (file = readdir(folder))) {
        const char *name = file->d_name;
        size_t length = strlen(name);
        if (length > 5 && strcmp(name + length - 5, ".yaml") == 0)
            names[(*count)++] = arena_format(arena, "%s%.*s", prefix, (int)length - 5, name);
        else if (deep && !strchr(name, '.'))
            list_folder(arena, arena_format(arena, "%s/%s", path, name),
                        arena_format(arena, "%s/", name), false, names, count);
    }
    if (folder)
        (void)closedir(folder);
}

/* Names of the files on a shelf, sorted. */
static uint32_t list_names(const struct catalogue *c, struct arena *arena,
                           enum catalogue_shelf shelf, const char *names[NAMES])
{
    uint32_t count = 0;
    list_folder(arena, arena_format(arena, "%s/%s", c->root, SHELF_FOLDERS[shelf]), "", true, names,
                &count);
    qsort(names, count, sizeof *names, by_text);
    return count;
}

uint32_t catalogue_profiles(struct catalogue *c, const char *const **names)
{
    if (c->root && !c->profiles) {
        c->profiles = arena_take(c->arena, NAMES * sizeof *c->profiles);
        c->profile_count = list_names(c, c->arena, CATALOGUE_PROFILES, c->profiles);
    }
    *names = c->profiles;
    return c->profile_count;
}

bool catalogue_has_profile(struct catalogue *c, const char *name)
{
    const char *const *names;
    uint32_t count = catalogue_profiles(c, &names);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool complain_unknown(struct request *r, enum catalogue_shelf shelf,
                             const struct yaml_node *name)
{
    const char *names[NAMES];
    if (!r->catalogue->root) {
        errors_add(r->errors, &name->place, r->path,
                   "cannot find the folder nat-models, where `%s` would stand", name->text);
        return false;
    }
    uint32_t count = list_names(r->catalogue, r->arena, shelf, names);
    const char *near = errors_suggest(name->text, names, count);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], name->text) == 0)
            return true;
    errors_add(r->errors, &name->place, r->path, "expected a %s of %s/%s, got `%s`%s%s%s",
               SHELF_WORDS[shelf], r->catalogue->root, SHELF_FOLDERS[shelf], name->text,
               near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
    return false;
}

/* The checked document of a file on a shelf, or NULL. */
static struct yaml_node *read_file(struct request *r, enum catalogue_shelf shelf, const char *name)
{
    struct arena *arena = r->catalogue->arena;
    uint32_t before = r->errors->raised;
    size_t length = 0;
    const char *path =
        arena_format(arena, "%s/%s/%s.yaml", r->catalogue->root, SHELF_FOLDERS[shelf], name);
    const struct error_source *source = errors_source(r->errors, path, NULL, 0);
    char *text = yaml_load(arena, path, source, &length, r->errors);
    if (!text)
        return NULL;
    source = errors_source(r->errors, path, text, length);
    struct yaml_node *document = yaml_parse(arena, source, 0, length, r->errors);
    if (!document)
        return NULL;
    schema_check(SHELF_SCHEMAS[shelf], document, arena, r->errors);
    const struct yaml_node *own = yaml_get(document, SHELF_WORDS[shelf]);
    if (own && strcmp(own->text, name) != 0)
        errors_add(r->errors, &own->place, SHELF_WORDS[shelf],
                   "expected the file's name `%s`, got `%s`", name, own->text);
    return r->errors->raised == before ? document : NULL;
}

static const struct catalogue_box *get_profile(struct request *r, const struct yaml_node *name);

static struct catalogue_box *read_profile(struct request *r, const struct yaml_node *document)
{
    const struct yaml_node *like = yaml_get(document, "like");
    const struct catalogue_box *base = NULL;
    struct arena *arena = r->catalogue->arena;
    if (like && !(base = get_profile(r, like)))
        return NULL;
    struct catalogue_box *box = catalogue_box_new(arena, base);
    const struct yaml_node *looks = yaml_get(document, "looks");
    box->profile = yaml_get(document, "profile")->text;
    box->looks = looks ? looks->text : NULL;
    if (!catalogue_box_set(arena, box, yaml_get(document, "knobs"), NULL, "knobs", r->errors))
        return NULL;
    return box;
}

static const struct catalogue_nat *read_boxes(struct request *r, const struct yaml_node *document);

/* Finds or reads a file.  An entry without box and nat was wrong. */
static struct entry *get_entry(struct request *r, enum catalogue_shelf shelf,
                               const struct yaml_node *name)
{
    struct catalogue *c = r->catalogue;
    for (struct entry *e = c->entries; e; e = e->next)
        if (e->shelf == shelf && strcmp(e->name, name->text) == 0) {
            if (e->box || e->nat)
                return e;
            errors_add(r->errors, &name->place, r->path, "`%s` %s", name->text,
                       e->open ? "stands inside itself" : "has errors of its own");
            return NULL;
        }
    if (!complain_unknown(r, shelf, name))
        return NULL;
    struct entry *entry = arena_take(c->arena, sizeof *entry);
    *entry = (struct entry){.next = c->entries,
                            .shelf = shelf,
                            .name = arena_text(c->arena, name->text, strlen(name->text)),
                            .open = true};
    c->entries = entry;
    struct request inside = {c, c->arena, r->errors, "", r->depth + 1};
    const struct yaml_node *document = read_file(&inside, shelf, entry->name);
    if (document && shelf == CATALOGUE_PROFILES)
        entry->box = read_profile(&inside, document);
    else if (document)
        entry->nat = read_boxes(&inside, document);
    entry->open = false;
    return entry;
}

static const struct catalogue_box *get_profile(struct request *r, const struct yaml_node *name)
{
    if (r->depth > LIKE_DEPTH) {
        errors_add(r->errors, &name->place, r->path, "expected at most %d profiles like another",
                   LIKE_DEPTH);
        return NULL;
    }
    struct entry *entry = get_entry(r, CATALOGUE_PROFILES, name);
    return entry ? entry->box : NULL;
}

/* A profile's name, or knobs in place. */
static const struct catalogue_box *read_box(struct request *r, const struct yaml_node *node)
{
    static const char *const but[] = {"like", NULL};
    if (node->kind == YAML_TEXT)
        return get_profile(r, node);
    if (node->kind == YAML_LIST) {
        errors_add(r->errors, &node->place, r->path, "expected a profile or knobs, got a list");
        return NULL;
    }
    const struct yaml_node *like = yaml_get(node, "like");
    const struct catalogue_box *base = NULL;
    if (like && !(base = get_profile(r, like)))
        return NULL;
    struct catalogue_box *box = catalogue_box_new(r->arena, base);
    return catalogue_box_set(r->arena, box, node, but, r->path, r->errors) ? box : NULL;
}

static bool read_chain(struct request *r, const struct yaml_node *node,
                       struct catalogue_chain *chain)
{
    chain->count = 0;
    if (node->kind == YAML_TEXT && strcmp(node->text, "none") == 0)
        return true;
    if (node->kind != YAML_LIST) {
        chain->boxes[chain->count++] = read_box(r, node);
        return chain->boxes[0] != NULL;
    }
    if (node->count == 0 || node->count > CATALOGUE_CHAIN) {
        errors_add(r->errors, &node->place, r->path, "expected a chain of 1 to %d boxes, got %u",
                   CATALOGUE_CHAIN, node->count);
        return false;
    }
    bool fine = true;
    for (uint32_t i = 0; i < node->count; i++) {
        chain->boxes[i] = read_box(r, node->items[i].value);
        fine = fine && chain->boxes[i];
    }
    chain->count = node->count;
    return fine;
}

/* Inside a population nothing is called by a profile's name: what counts there
 * is what a box does. */
static void forget_profiles(struct arena *arena, struct catalogue_chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++)
        chain->boxes[i] = catalogue_box_new(arena, chain->boxes[i]);
}

static const struct catalogue_nat *read_boxes(struct request *r, const struct yaml_node *document)
{
    const struct yaml_node *list = yaml_get(document, "boxes");
    struct catalogue_nat *nat = arena_take(r->arena, sizeof *nat);
    nat->chains = arena_take(r->arena, (list->count + 1) * sizeof *nat->chains);
    bool fine = true;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct yaml_node *item = list->items[i].value;
        struct catalogue_chain *chain = &nat->chains[i];
        struct request inside = *r;
        inside.path = arena_format(r->arena, "boxes.%u.nat", i);
        fine = read_chain(&inside, yaml_get(item, "nat"), chain) && fine;
        chain->weight = (uint64_t)yaml_get(item, "share")->number;
        nat->weight += chain->weight;
        if (fine)
            forget_profiles(r->arena, chain);
    }
    nat->count = list->count;
    if (nat->weight != 1000000) {
        errors_add(r->errors, &list->place, "boxes",
                   "expected shares that add up to 100%%, got %llu.%04llu%%",
                   (unsigned long long)(nat->weight / 10000),
                   (unsigned long long)(nat->weight % 10000));
        return NULL;
    }
    return fine ? nat : NULL;
}

static const struct catalogue_nat *read_nat(struct request *r, const struct yaml_node *nat)
{
    const struct yaml_node *population = nat->kind == YAML_MAP ? yaml_get(nat, "population") : NULL;
    if (population) {
        if (nat->count > 1 || population->kind != YAML_TEXT) {
            errors_add(r->errors, &nat->place, r->path,
                       "expected { population: NAME } and nothing beside it");
            return NULL;
        }
        struct entry *entry = get_entry(r, CATALOGUE_POPULATIONS, population);
        return entry ? entry->nat : NULL;
    }
    struct catalogue_nat *one = arena_take(r->arena, sizeof *one);
    one->chains = arena_take(r->arena, sizeof *one->chains);
    one->chains[0].weight = 1;
    one->count = 1;
    one->weight = 1;
    return read_chain(r, nat, one->chains) ? one : NULL;
}

const struct catalogue_nat *catalogue_nat(struct catalogue *c, struct arena *arena,
                                          const struct yaml_node *nat, const char *path,
                                          struct errors *errors)
{
    struct request r = {c, arena, errors, path, 0};
    return read_nat(&r, nat);
}

uint32_t catalogue_names(const struct catalogue *c, struct arena *arena, enum catalogue_shelf shelf,
                         const char ***names)
{
    *names = arena_take(arena, NAMES * sizeof **names);
    return c->root ? list_names(c, arena, shelf, *names) : 0;
}

struct yaml_node *catalogue_document(struct catalogue *c, enum catalogue_shelf shelf,
                                     const struct yaml_node *name, struct errors *errors)
{
    struct request r = {c, c->arena, errors, "", 0};
    return complain_unknown(&r, shelf, name) ? read_file(&r, shelf, name->text) : NULL;
}
