/* fake_core.c: a core of which it is known what it sends, and when: for the tests of what
 * loads other builds.
 *
 * After its socket is opened it sends "tick N" to the first address to join through, at
 * each whole second N.  A connection comes to be at once, or never, as drawn from the
 * node's seed and the connection's number; the other side is told "reached".  What is planted:
 *   -DREACHES=N    of 1,000 connections so many come to be (0)
 *   -DOTHER_AT=N   at second N it sends "other" instead
 *   -DSILENT_AT=N  from second N on it sends nothing
 *   -DVERSION=N    it says that its interface has version N
 *   -DEVENT=N      its events are N bytes longer
 *   -DDEAF         it refuses every wish
 *   -DASTRAY       it sends to nobody that it was told of */
#include <stdio.h>
#include <string.h>

#include "stack/mist.h"

#ifndef OTHER_AT
#define OTHER_AT 0
#endif
#ifndef SILENT_AT
#define SILENT_AT 0
#endif
#ifndef VERSION
#define VERSION MIST_API_VERSION
#endif
#ifndef EVENT
#define EVENT 0
#endif

#ifndef REACHES
#define REACHES 0
#endif

struct mist {
    uint32_t seed, connection; /* that came to be and was not yet told */
    struct addr self, other;
    int asked, open, joined, pending;
    mist_time next;
    char text[40];
};

static void config_init(void *config)
{
    memset(config, 0, 1);
}

static int config_set(void *config, const char *key, const char *value)
{
    (void)config, (void)value;
    return strcmp(key, "punch.rounds") == 0 || strcmp(key, "size") == 0 ? MIST_OK : MIST_ERR_KEY;
}

static const struct mist_key *config_keys(uint32_t *count)
{
    *count = 0;
    return NULL;
}

static size_t node_size(const void *config)
{
    (void)config;
    return sizeof(struct mist);
}

static size_t scratch_size(void)
{
    return 64;
}

static struct mist *init(void *memory, void *scratch, const void *config, const uint8_t *seed,
                         const uint8_t *secret, mist_time now)
{
    struct mist *n = memory;
    (void)scratch, (void)config, (void)secret;
    memset(n, 0, sizeof *n);
    memcpy(&n->seed, seed, sizeof n->seed);
    n->next = (now / SEC(1) + 1) * SEC(1);
    return n;
}

static void id(const struct mist *n, uint8_t bytes[MIST_ID])
{
    (void)n;
    memset(bytes, 0, MIST_ID);
}

static void input(struct mist *n, mist_time now, uint32_t socket, const struct addr *from,
                  const uint8_t *bytes, size_t length)
{
    (void)n, (void)now, (void)socket, (void)from, (void)bytes, (void)length;
}

static void refused(struct mist *n, mist_time now, uint32_t socket, const struct addr *to)
{
    (void)n, (void)now, (void)socket, (void)to;
}

static void tick(struct mist *n, mist_time now)
{
    int second = (int)(now / SEC(1));
    n->pending = n->other.family != ADDR_NONE && (!SILENT_AT || second < SILENT_AT);
    snprintf(n->text, sizeof n->text, "tick %d", second);
    if (OTHER_AT && second == OTHER_AT)
        strcpy(n->text, "other");
    n->next += SEC(1);
}

static uint32_t output(struct mist *n, struct mist_datagram *array, uint32_t count)
{
    if (!n->pending || count == 0)
        return 0;
    n->pending = 0;
    memset(array, 0, sizeof *array);
    array->socket = 1;
    array->from = n->self;
    array->to = n->other;
#ifdef ASTRAY
    array->to.port++;
#endif
    array->kind = MIST_KIND_KAD;
    array->length = (uint16_t)strlen(n->text);
    array->bytes = (const uint8_t *)n->text;
    return 1;
}

static int event(struct mist *n, struct mist_event *e)
{
    if (n->connection) {
        memset(e, 0, sizeof *e);
        e->size = sizeof *e;
        e->kind = MIST_EVENT_CONNECTED;
        e->id = n->connection;
        e->path = MIST_PATH_PUNCHED;
        e->rtt = MS(40);
        n->connection = 0;
        return 1;
    }
    if (n->asked && (!n->open || n->joined))
        return 0;
    memset(e, 0, sizeof *e);
    e->size = sizeof *e + EVENT;
    e->kind = n->asked ? MIST_EVENT_JOINED : MIST_EVENT_SOCKET_WANTED;
    e->socket = 1;
    e->addr.family = ADDR_V4;
    n->joined = n->asked;
    n->asked = 1;
    return 1;
}

static mist_time deadline(const struct mist *n)
{
    return n->open ? n->next : MIST_NEVER;
}

static int wish(struct mist *n, mist_time now, const struct mist_wish *w)
{
    (void)now;
#ifdef DEAF
    return MIST_ERR_ARGUMENT;
#endif
    if (w->kind == MIST_WISH_SOCKET_OPENED) {
        n->self = w->addr;
        n->open = 1;
    }
    if (w->kind == MIST_WISH_BOOTSTRAP && n->other.family == ADDR_NONE)
        n->other = w->addr;
    /* Knuth's multiplicative hash: the same draw whatever REACHES is. */
    uint32_t draw = ((n->seed ^ w->id * 2654435761u) * 2654435761u >> 16) % 1000;
    if (w->kind == MIST_WISH_CONNECT && draw < REACHES) {
        n->connection = w->id;
        n->pending = n->other.family != ADDR_NONE;
        strcpy(n->text, "reached");
    }
    return w->kind == MIST_WISH_CLOSE ? MIST_ERR_UNKNOWN : MIST_OK;
}

static int fact(struct mist *n, struct mist_fact *f)
{
    (void)n, (void)f;
    return 0;
}

static void counters(const struct mist *n, struct mist_counter all[MIST_KIND_COUNT])
{
    (void)n;
    memset(all, 0, sizeof *all);
}

static uint32_t memory_of(const struct mist *n, struct mist_memory *array, uint32_t count)
{
    (void)n, (void)array, (void)count;
    return 0;
}

#define WORD(number, name, word) {number, word, ""},
static const struct mist_names path_table[] = {MIST_PATHS(WORD)};
static const struct mist_names reason_table[] = {MIST_REASONS(WORD)};
static const struct mist_names kind_table[] = {MIST_KINDS(WORD)};

#define NAMES(function, table)                                                                     \
    static const struct mist_names *function(uint32_t *count)                                      \
    {                                                                                              \
        *count = sizeof table / sizeof *table;                                                     \
        return table;                                                                              \
    }
NAMES(path_names, path_table)
NAMES(reason_names, reason_table)
NAMES(kind_names, kind_table)

const struct mist_api *mist_api(void)
{
    static const struct mist_api api = {
        .size = sizeof api,
        .version = VERSION,
        .build = "fake 1",
        .config_size = 1,
        .config_init = config_init,
        .config_set = config_set,
        .config_keys = config_keys,
        .node_size = node_size,
        .scratch_size = scratch_size,
        .init = init,
        .id = id,
        .input = input,
        .refused = refused,
        .tick = tick,
        .output = output,
        .event = event,
        .deadline = deadline,
        .wish = wish,
        .fact = fact,
        .counters = counters,
        .memory = memory_of,
        .wish_names = path_names,
        .event_names = path_names,
        .fact_names = path_names,
        .path_names = path_names,
        .reason_names = reason_names,
        .kind_names = kind_names,
    };
    return &api;
}
