/* nat_script_schema.c: the keys of a NAT script; pure data. */
#include "sim/nat_script.h"

#define COUNT(table) (uint32_t)(sizeof(table) / sizeof *(table))

static const char *const VARY_WORDS[] = {"source_port", "source_address", "destination_port",
                                         "destination_address", NULL};
static const char *const PROTOCOL_WORDS[] = {"udp", "tcp", "icmp", NULL};

#define ASK_WORD(name, word) word,
static const char *const ASK_WORDS[] = {NAT_ASKS(ASK_WORD) NULL};

static const struct schema_key MAP_KEYS[] = {
    {.name = "inside", .kind = SCHEMA_TEXT, .need = NEED_REQUIRED, .doc = "endpoint served"},
    {.name = "external", .kind = SCHEMA_TEXT, .doc = "endpoint wanted; else any free one"},
    {.name = "lifetime", .kind = SCHEMA_TIME, .doc = "0 s deletes; else for good"},
    {.name = "by", .kind = SCHEMA_WORD, .words = ASK_WORDS, .standard = "box", .doc = "who asks"},
};
static const struct schema_map MAP_STATIC = {
    .doc = "a static mapping", .keys = MAP_KEYS, .count = COUNT(MAP_KEYS)};

static const struct schema_key STEP_KEYS[] = {
    {.name = "out", .kind = SCHEMA_TEXT, .doc = "packet from inside"},
    {.name = "in", .kind = SCHEMA_TEXT, .doc = "packet from outside"},
    {.name = "state", .kind = SCHEMA_FREE, .doc = "counters of a box"},
    {.name = "reboot", .kind = SCHEMA_SWITCH, .doc = "true: the box loses all"},
    {.name = "flush", .kind = SCHEMA_SWITCH, .doc = "true: its tables are emptied"},
    {.name = "readdress", .kind = SCHEMA_ADDRESSES, .doc = "its new external addresses"},
    {.name = "map", .kind = SCHEMA_MAP, .inside = &MAP_STATIC, .doc = "a static mapping"},
    {.name = "set", .kind = SCHEMA_FREE, .doc = "knobs that change"},
    {.name = "at", .kind = SCHEMA_TIME, .need = NEED_REQUIRED, .doc = "when"},
    {.name = "expect", .kind = SCHEMA_TEXT, .doc = "source seen outside; receiver inside"},
    {.name = "from", .kind = SCHEMA_TEXT, .doc = "source that the receiver sees"},
    {.name = "save", .kind = SCHEMA_TEXT, .doc = "name for the source that is seen"},
    {.name = "repeat", .kind = SCHEMA_COUNT, .low = 1, .high = NAT_SCRIPT_REPEAT, .standard = "1"},
    {.name = "step", .kind = SCHEMA_TIME, .standard = "0 s", .doc = "between packets"},
    {.name = "vary", .kind = SCHEMA_WORD, .words = VARY_WORDS, .doc = "counts up"},
    {.name = "box", .kind = SCHEMA_COUNT, .doc = "of a chain, the innermost is 0"},
    {.name = "protocol", .kind = SCHEMA_WORD, .words = PROTOCOL_WORDS, .standard = "udp"},
    {.name = "ttl", .kind = SCHEMA_COUNT, .low = 1, .high = 255, .standard = "64"},
    {.name = "size", .kind = SCHEMA_COUNT, .low = 16, .high = NAT_FLIGHT_SIZE, .standard = "16"},
    {.name = "df", .kind = SCHEMA_SWITCH, .standard = "off", .doc = "must not be cut"},
    {.name = "pieces",
     .kind = SCHEMA_TEXT,
     .doc = "fragments in the order sent: `2 1`; `1/2`: one of two"},
    {.name = "payload", .kind = SCHEMA_TEXT, .doc = "IPv4 address in the payload"},
    {.name = "reads", .kind = SCHEMA_TEXT, .doc = "address that the receiver reads there"},
    {.name = "packets", .kind = SCHEMA_COUNT, .low = 1, .high = 1000, .doc = "that arrive"},
    {.name = "icmp", .kind = SCHEMA_TEXT, .doc = "error that comes back, or none"},
    {.name = "error", .kind = SCHEMA_TEXT, .doc = "the packet is this ICMP error"},
    {.name = "damaged", .kind = SCHEMA_SWITCH, .standard = "off", .doc = "a bit of it changed"},
    {.name = "about", .kind = SCHEMA_TEXT, .doc = "the packet that the error is about"},
};
static const struct schema_map STEP = {.doc = "one thing that happens",
                                       .keys = STEP_KEYS,
                                       .count = COUNT(STEP_KEYS),
                                       .alternatives = NAT_STEP_KINDS};

static const struct schema_key SCRIPT_KEYS[] = {
    {.name = "nat", .kind = SCHEMA_NAT, .need = NEED_REQUIRED, .doc = "the boxes"},
    {.name = "external", .kind = SCHEMA_ADDRESSES, .doc = "of the outermost box"},
    {.name = "seed", .kind = SCHEMA_COUNT, .standard = "1", .doc = "of all draws"},
    {.name = "steps",
     .kind = SCHEMA_LIST,
     .high = NAT_SCRIPT_STEPS,
     .need = NEED_REQUIRED,
     .inside = &STEP,
     .doc = "in order of time"},
};
const struct schema_map SCHEMA_NAT_SCRIPT = {
    .doc = "a black-box test of NATs", .keys = SCRIPT_KEYS, .count = COUNT(SCRIPT_KEYS)};
