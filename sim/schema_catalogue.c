/* schema_catalogue.c: the keys of nat-models/profiles and populations; pure data.
 * The format is told in nat-models/README.md. */
#include "sim/schema.h"

#define COUNT(table) (uint32_t)(sizeof(table) / sizeof *(table))

static const struct schema_key PROFILE_KEYS[] = {
    {.name = "profile", .kind = SCHEMA_TEXT, .need = NEED_REQUIRED, .doc = "as the file's name"},
    {.name = "like", .kind = SCHEMA_NAME, .doc = "profile whose knobs come first"},
    {.name = "doc", .kind = SCHEMA_TEXT, .need = NEED_REQUIRED, .doc = "one line for a list"},
    {.name = "source", .kind = SCHEMA_TEXT, .need = NEED_REQUIRED, .doc = "of the values"},
    {.name = "assumed", .kind = SCHEMA_TEXT, .doc = "what nobody measured"},
    {.name = "looks", .kind = SCHEMA_TEXT, .doc = "what an observer takes it for"},
    {.name = "knobs", .kind = SCHEMA_FREE, .standard = "{}", .doc = "as in a scenario's nat"},
};
const struct schema_map SCHEMA_PROFILE = {
    .doc = "a kind of box", .keys = PROFILE_KEYS, .count = COUNT(PROFILE_KEYS)};

static const struct schema_key SHARE_KEYS[] = {
    {.name = "share", .kind = SCHEMA_SHARE, .need = NEED_REQUIRED, .doc = "of the population"},
    {.name = "nat", .kind = SCHEMA_NAT, .need = NEED_REQUIRED, .doc = "as in a scenario"},
};
static const struct schema_map SHARE_OF_BOXES = {
    .doc = "one kind of box in a population", .keys = SHARE_KEYS, .count = COUNT(SHARE_KEYS)};

static const struct schema_key BOXES_KEYS[] = {
    {.name = "population", .kind = SCHEMA_NAME, .need = NEED_REQUIRED, .doc = "as the file's name"},
    {.name = "doc", .kind = SCHEMA_TEXT, .need = NEED_REQUIRED, .doc = "one line for a list"},
    {.name = "source", .kind = SCHEMA_TEXT, .need = NEED_REQUIRED, .doc = "of the shares"},
    {.name = "assumed", .kind = SCHEMA_TEXT, .doc = "what nobody measured"},
    {.name = "boxes",
     .kind = SCHEMA_LIST,
     .high = 1000,
     .need = NEED_REQUIRED,
     .inside = &SHARE_OF_BOXES,
     .doc = "shares that add up to 100%"},
};
const struct schema_map SCHEMA_BOXES = {
    .doc = "who sits behind which box", .keys = BOXES_KEYS, .count = COUNT(BOXES_KEYS)};
