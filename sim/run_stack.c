/* run_stack.c: see run_stack.h. */
#include "sim/run_stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/check.h"

#define STACKS 64   /* builds of the core in one process */
#define ROOM   4096 /* bytes for a struct of a build whose structs may be larger */

/* All that this process has loaded. */
static struct run_stack stacks[STACKS];
static uint32_t stack_count;

/* ---- does it speak as we do? ---- */

struct probe {
    const struct mist_api *api;
    void *config, *memory, *scratch;
    struct mist *node;
};

static void *zeroed(size_t size)
{
    size_t rounded = (size + 63) / 64 * 64;
    void *memory = aligned_alloc(64, rounded);
    CHECK(memory);
    return memset(memory, 0, rounded);
}

static int wish(const struct probe *p, uint32_t kind, const struct addr *a)
{
    struct mist_wish w = {.size = sizeof w, .kind = kind, .socket = 1, .addr = *a};
    return p->api->wish(p->node, 0, &w);
}

/* A node with a socket and an address to join through knocks there at once: that
 * shows the structs of events, wishes and datagrams. */
static const char *ask(const struct probe *p)
{
    union {
        struct mist_event event;
        struct mist_datagram datagram;
        unsigned char room[ROOM];
    } u = {.room = {0}};
    struct addr self = {.family = ADDR_V4, .port = 4000, .ip = {192, 0, 2, 1}};
    struct addr other = {.family = ADDR_V4, .port = 4001, .ip = {192, 0, 2, 2}};
    if (!p->api->event(p->node, &u.event) || u.event.kind != MIST_EVENT_SOCKET_WANTED)
        return "does not begin by asking for a socket";
    if (u.event.size != sizeof u.event)
        return "has events of another size";
    if (wish(p, MIST_WISH_BOOTSTRAP, &other) || wish(p, MIST_WISH_SOCKET_OPENED, &self))
        return "refuses our wishes";
    memset(&u, 0, sizeof u);
    if (p->api->output(p->node, &u.datagram, 1) == 0 && p->api->deadline(p->node) < SEC(60)) {
        p->api->tick(p->node, p->api->deadline(p->node));
        p->api->output(p->node, &u.datagram, 1);
    }
    if (u.datagram.to.family != other.family || u.datagram.to.port != other.port ||
        !addr_same_ip(&u.datagram.to, &other) || u.datagram.length > MIST_DATAGRAM)
        return "does not knock where it was told to";
    return NULL;
}

static const char *probe_names(const struct mist_api *api)
{
    uint32_t count;
    api->kind_names(&count);
    return count > MIST_KIND_COUNT ? "counts kinds of datagrams that this program does not know"
                                   : NULL;
}

/* NULL: it does.  Else what is wrong. */
static const char *probe(const struct mist_api *api)
{
    static const uint8_t seed[32] = {1}, secret[32] = {2};
    struct probe p = {.api = api, .config = zeroed(api->config_size)};
    api->config_init(p.config);
    p.memory = zeroed(api->node_size(p.config));
    p.scratch = zeroed(api->scratch_size());
    p.node = api->init(p.memory, p.scratch, p.config, seed, secret, 0);
    const char *wrong = probe_names(api);
    wrong = wrong ? wrong : ask(&p);
    free(p.config);
    free(p.memory);
    free(p.scratch);
    return wrong;
}

/* ---- loading ---- */

static const struct mist_api *open_library(const char *library, char *error, int error_size)
{
    char path[4096];
    /* Without a slash dlopen would search the system's libraries. */
    snprintf(path, sizeof path, "%s%s", strchr(library, '/') ? "" : "./", library);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = handle ? dlsym(handle, "mist_api") : NULL;
    if (!symbol) {
        const char *why = dlerror();
        snprintf(error, (size_t)error_size, "%s", why ? why : "no mist_api in it");
        return NULL;
    }
    const struct mist_api *(*api)(void);
    memcpy(&api, &symbol, sizeof api); /* ISO C has no cast from an object pointer */
    return api();
}

static int load(const char *library, struct run_stack *s, char *error, int error_size)
{
    s->api = library ? open_library(library, error, error_size) : mist_api();
    if (!s->api)
        return -1;
    const char *name = library ? library : "the core";
    if (s->api->version != MIST_API_VERSION || s->api->size < sizeof *s->api) {
        snprintf(error, (size_t)error_size,
                 "%s has version %u of the interface; this program drives version %d", name,
                 (unsigned)s->api->version, MIST_API_VERSION);
        return -1;
    }
    const char *wrong = library ? probe(s->api) : NULL;
    if (wrong) {
        snprintf(error, (size_t)error_size,
                 "%s %s: it was built from a commit whose interface this program does not drive",
                 name, wrong);
        return -1;
    }
    if (library && run_key_file(s->bytes, library)) {
        snprintf(error, (size_t)error_size, "%s: %s", library, strerror(errno));
        return -1;
    }
    s->name = strdup(library ? library : "embedded");
    CHECK(s->name);
    return 0;
}

const struct run_stack *run_stack_load(const char *library, char *error, int error_size)
{
    const char *name = library ? library : "embedded";
    for (uint32_t i = 0; i < stack_count; i++)
        if (strcmp(stacks[i].name, name) == 0 && !library == !*stacks[i].bytes)
            return &stacks[i];
    if (stack_count == STACKS) {
        snprintf(error, (size_t)error_size, "%s: more than %d builds of the core", name, STACKS);
        return NULL;
    }
    struct run_stack *s = &stacks[stack_count];
    if (load(library, s, error, error_size))
        return NULL;
    stack_count++;
    return s;
}

static bool knows(const struct mist_api *api, const char *key)
{
    uint32_t count = 0;
    const struct mist_key *keys = api->config_keys(&count);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(keys[i].name, key) == 0)
            return true;
    return false;
}

bool run_stack_models(const struct plan *plan, const struct mist_api *usual)
{
    bool models = plan->modelled;
    for (uint32_t i = 0; i < plan->population_count && models; i++) {
        const struct run_stack *own = plan->populations[i].stack;
        models = knows(own ? own->api : usual, "crypto");
    }
    return models;
}

void run_stack_version(const struct plan *plan, const struct mist_api *usual, char *text,
                       size_t size)
{
    snprintf(text, size, "%s, %s crypto", usual->build,
             run_stack_models(plan, usual) ? "modelled" : "real");
}
