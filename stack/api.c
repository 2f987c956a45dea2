/* api.c: the verbs and the table of them, the one thing a driver sees. */
#include <string.h>

#include "stack/check.h"
#include "stack/node.h"

/* ---- memory ---- */

static size_t round_up(size_t n)
{
    return (n + 63) / 64 * 64;
}

struct layout {
    struct kad_config kad;
    struct pubsub_config pubsub;
    uint32_t timer_kad, timer_pubsub, timer_punch, timer_meet, timers;
    uint32_t spares;
    size_t mux, kad_at, pubsub_at, meet, punch, relay, sockets, timers_at, size;
};

/* The one place that knows how a node's block is divided. */
static struct layout layout_of(const struct config *c)
{
    struct layout l = {.kad = {c->contacts, c->lookups}, .pubsub = {c->topics, c->held, c->links}};
    l.spares = punch_mappings(c->punch, c->punch_mappings) + SOCKETS_REACH;
    l.timer_kad = TIMER_LINKS + c->links;
    l.timer_pubsub = l.timer_kad + kad_timers(&l.kad);
    l.timer_punch = l.timer_pubsub + pubsub_timers(&l.pubsub);
    l.timer_meet = l.timer_punch + c->punches;
    l.timers = l.timer_meet + c->connections;
    l.mux = round_up(sizeof(struct mist));
    l.kad_at = l.mux + round_up(mux_size(c->links));
    l.pubsub_at = l.kad_at + round_up(kad_size(&l.kad));
    l.meet = l.pubsub_at + round_up(pubsub_size(&l.pubsub));
    l.punch = l.meet + round_up(meet_size(c->connections));
    l.relay = l.punch + round_up(punch_size(c->punches));
    l.sockets = l.relay + round_up(relay_size(c->circuits));
    l.timers_at = l.sockets + round_up(sockets_size(l.spares));
    l.size = l.timers_at + round_up(timers_size(l.timers));
    return l;
}

static size_t api_node_size(const void *config)
{
    return layout_of(config).size;
}

static void api_config_init(void *config)
{
    config_init(config);
}

static int api_config_set(void *config, const char *key, const char *value)
{
    return config_set(config, key, value);
}

static void want_sockets(struct mist *n)
{
    static const uint8_t families[] = {ADDR_V4, ADDR_V6};
    for (uint32_t i = 0; i < 2; i++) {
        struct mist_event e = {.kind = MIST_EVENT_SOCKET_WANTED, .socket = i + 1};
        if ((n->config.families >> i & 1) == 0)
            continue;
        e.addr.family = families[i];
        e.addr.port = (uint16_t)n->config.port;
        out_event(n->out, &e);
    }
}

static struct mist *api_init(void *memory, void *scratch, const void *config, const uint8_t *seed,
                             const uint8_t *secret, mist_time now)
{
    const struct config *c = config;
    struct layout l = layout_of(c);
    struct mist *n = memory;
    uint8_t *base = memory;
    n->config = *c;
    n->out = scratch;
    out_reset(n->out, n);
    rng_init(&n->rng, seed);
    timers_init(&n->timers, base + l.timers_at, l.timers);
    n->timer_kad = l.timer_kad;
    n->timer_pubsub = l.timer_pubsub;
    n->timer_punch = l.timer_punch;
    n->timer_meet = l.timer_meet;
    n->mux = mux_init(base + l.mux, c->links, config_suite(c), secret, &n->rng, &n->timers,
                      TIMER_LINKS, n->counters);
    sockets_init(&n->sockets, base + l.sockets, l.spares);
    mux_sockets(n->mux, &n->sockets);
    n->kad = kad_init(base + l.kad_at, &l.kad, mux_self(n->mux), &n->rng, &n->timers, l.timer_kad);
    n->pubsub = pubsub_init(base + l.pubsub_at, &l.pubsub, &n->rng, &n->timers, l.timer_pubsub);
    meet_init(&n->meet, base + l.meet, c->connections, &n->rng, &n->timers, l.timer_meet);
    meet_as(&n->meet, config_suite(c), &n->person, mux_self(n->mux));
    punch_init(&n->punch, base + l.punch,
               &(struct punch_limits){c->punches,
                                      c->punch_rounds,
                                      c->punch_mappings,
                                      c->punch_probes,
                                      c->punch_time_s,
                                      {c->punch_doubtful, c->punch_target, c->punch_node}},
               c->punch, &n->survey.nature, &n->rng, &n->timers, &n->sockets, l.timer_punch);
    relay_init(&n->relay, base + l.relay, c->circuits, rng_u32(&n->rng));
    reach_init(&n->reach, c->assume, &n->rng, &n->timers, TIMER_REACH);
    survey_init(&n->survey, &n->rng, &n->timers, &n->sockets, TIMER_SURVEY);
    portmap_init(&n->portmap, &n->rng, &n->timers, &n->sockets, TIMER_PORTMAP);
    n->portmap.off = c->port_mapping == 0;
    n->survey.off = c->survey == 0 || c->assume == REACH_PUBLIC;
    n->join.started = now;
    want_sockets(n);
    return n;
}

/* ---- the verbs ---- */

static void api_input(struct mist *n, mist_time now, uint32_t socket, const struct addr *from,
                      const uint8_t *bytes, size_t length)
{
    out_reset(n->out, n);
    if (from->family != ADDR_V4 && from->family != ADDR_V6)
        return;
    node_receive(n, now, socket, from, bytes, length);
}

static void api_refused(struct mist *n, mist_time now, uint32_t socket, const struct addr *to)
{
    (void)now, (void)socket, (void)to; /* forgeable: the heartbeats find out by themselves */
    out_reset(n->out, n);
}

/* A check of reachability is due: the link that joined us, or any server's. */
static void ask_reach(struct mist *n, mist_time now)
{
    bool joining = n->join.state == JOIN_REACH;
    mist_link link = joining ? n->join.link : 0;
    uint32_t seen = 0;
    for (mist_link l = mux_next(n->mux, 0); l != 0; l = mux_next(n->mux, l)) {
        struct link_view v;
        if (!mux_view(n->mux, l, &v))
            continue;
        reach_contact(&n->reach, &v.path);
        if (!joining && (v.flags & FLAG_SERVER) != 0 && v.path.family != ADDR_RELAY &&
            rng_below(&n->rng, ++seen) == 0)
            link = l;
    }
    reach_ask(&n->reach, now, link, n->out);
}

static void timer_due(struct mist *n, mist_time now, uint32_t id)
{
    if (id == TIMER_JOIN)
        join_timer(n, now);
    else if (id == TIMER_REACH) {
        if (reach_timer(&n->reach, now, n->out))
            ask_reach(n, now);
    } else if (id == TIMER_PORTMAP)
        portmap_timer(&n->portmap, now, n->out);
    else if (id == TIMER_SURVEY)
        node_survey(n, now);
    else if (id < n->timer_kad)
        mux_timer(n->mux, now, id - TIMER_LINKS, n->out);
    else if (id < n->timer_pubsub)
        kad_timer(n->kad, now, id - n->timer_kad, n->out);
    else if (id < n->timer_punch)
        pubsub_timer(n->pubsub, now, id - n->timer_pubsub, n->out);
    else if (id < n->timer_meet)
        punch_timer(&n->punch, now, id - n->timer_punch, n->out);
    else
        meet_timer(&n->meet, now, id - n->timer_meet, n->out);
}

static void api_tick(struct mist *n, mist_time now)
{
    uint32_t id;
    out_reset(n->out, n);
    while (!out_busy(n->out) && timers_take(&n->timers, now, &id)) {
        timer_due(n, now, id);
        node_carry_out(n, now);
    }
}

static uint32_t api_output(struct mist *n, struct mist_datagram *array, uint32_t count)
{
    return out_owner(n->out) == n ? out_datagrams(n->out, array, count) : 0;
}

static int api_event(struct mist *n, struct mist_event *event)
{
    return out_owner(n->out) == n && out_next_event(n->out, event);
}

static int api_fact(struct mist *n, struct mist_fact *fact)
{
    return out_owner(n->out) == n && out_next_fact(n->out, fact);
}

static mist_time api_deadline(const struct mist *n)
{
    return timers_next(&n->timers);
}

static void api_id(const struct mist *n, uint8_t id[MIST_ID])
{
    memcpy(id, mux_self(n->mux), MIST_ID);
}

/* ---- wishes ---- */

typedef int (*granter)(struct mist *n, mist_time now, const struct mist_wish *w);

static void socket_opened(struct mist *n, mist_time now, uint32_t socket)
{
    const struct spare *spare = sockets_spare(&n->sockets, socket);
    if (spare->use == SOCKET_FOR_PUNCH)
        punch_socket(&n->punch, now, spare->link, n->out);
    else
        survey_socket(&n->survey, now, socket, n->out);
}

static int wish_socket_opened(struct mist *n, mist_time now, const struct mist_wish *w)
{
    const struct addr *before = sockets_local(&n->sockets, w->socket, w->addr.family);
    bool again = before != NULL && before->family != ADDR_NONE;
    int error = sockets_opened(&n->sockets, w->socket, &w->addr);
    if (error == MIST_OK && w->socket == 1)
        portmap_inside(&n->portmap, now, &w->addr, n->out);
    if (error != MIST_OK)
        return error;
    if (w->socket > MIST_SOCKETS)
        socket_opened(n, now, w->socket);
    else
        join_socket(n, now);
    if (again && w->socket <= MIST_SOCKETS)
        node_moved(n, now);
    return MIST_OK;
}

static int wish_socket_failed(struct mist *n, mist_time now, const struct mist_wish *w)
{
    (void)now;
    return sockets_failed(&n->sockets, w->socket);
}

static int wish_bootstrap(struct mist *n, mist_time now, const struct mist_wish *w)
{
    if ((w->addr.family != ADDR_V4 && w->addr.family != ADDR_V6) || w->addr.port == 0)
        return MIST_ERR_ARGUMENT;
    if (n->join.count == JOIN_BOOTSTRAPS)
        return MIST_ERR_FULL;
    join_bootstrap(n, now, &w->addr);
    return MIST_OK;
}

static bool own_id(uint32_t id)
{
    return id != 0 && id < MEET_THEIRS;
}

static int wish_subscribe(struct mist *n, mist_time now, const struct mist_wish *w)
{
    uint8_t key[WIRE_ID];
    (void)now;
    if (!own_id(w->id))
        return MIST_ERR_ARGUMENT;
    node_topic_key(key, w->name, w->name_length);
    return pubsub_want(n->pubsub, w->id, key, n->out);
}

static int wish_unsubscribe(struct mist *n, mist_time now, const struct mist_wish *w)
{
    (void)now;
    return own_id(w->id) ? pubsub_unwant(n->pubsub, w->id, n->out) : MIST_ERR_ARGUMENT;
}

static int wish_publish(struct mist *n, mist_time now, const struct mist_wish *w)
{
    uint8_t key[WIRE_ID];
    if (!own_id(w->id))
        return MIST_ERR_ARGUMENT;
    if (w->length > MIST_VALUE)
        return MIST_ERR_TOO_LONG;
    node_topic_key(key, w->name, w->name_length);
    return node_publish(n, now, w->id, key, 0, w->bytes, w->length);
}

static int wish_connect(struct mist *n, mist_time now, const struct mist_wish *w)
{
    uint8_t key[WIRE_ID];
    struct meet_self self;
    if (!own_id(w->id))
        return MIST_ERR_ARGUMENT;
    node_name_key(key, w->name, w->name_length);
    if (w->length != 0 && w->length != WIRE_ID)
        return MIST_ERR_ARGUMENT;
    node_self(n, now, &self);
    node_person(n);
    return meet_connect(&n->meet, now, w->id, key, w->length == 0 ? NULL : w->bytes, &self, n->out);
}

static int wish_send(struct mist *n, mist_time now, const struct mist_wish *w)
{
    return meet_send(&n->meet, now, w->id, w->bytes, w->length, n->out);
}

static int wish_close(struct mist *n, mist_time now, const struct mist_wish *w)
{
    const struct conn *c = meet_find(&n->meet, w->id);
    if (c == NULL)
        return meet_close(&n->meet, now, w->id, n->out); /* a channel */
    struct mist_event e = {.kind = MIST_EVENT_CLOSED, .id = w->id, .path = c->path};
    memcpy(e.peer, c->peer, MIST_ID);
    punch_tally(&n->punch, c->link, &e.attempts, &e.probes, &e.sockets);
    out_event(n->out, &e);
    return meet_close(&n->meet, now, w->id, n->out);
}

static int wish_name(struct mist *n, mist_time now, const struct mist_wish *w)
{
    (void)now;
    return w->name_length == 0 ? MIST_ERR_ARGUMENT : join_name(n, w->name, w->name_length);
}

static int wish_identity(struct mist *n, mist_time now, const struct mist_wish *w)
{
    (void)now;
    if (w->length != SEAL_KEY)
        return MIST_ERR_ARGUMENT;
    if (n->person_known)
        return MIST_ERR_STATE;
    person_init(&n->person, w->bytes);
    n->person_known = true;
    return MIST_OK;
}

static int wish_port_mapped(struct mist *n, mist_time now, const struct mist_wish *w)
{
    static const uint8_t families[] = {ADDR_V4, ADDR_V6};
    if (w->socket < 1 || w->socket > MIST_SOCKETS)
        return MIST_ERR_UNKNOWN;
    if (w->addr.family != ADDR_NONE &&
        (w->addr.family != families[w->socket - 1] || w->addr.port == 0))
        return MIST_ERR_ARGUMENT;
    node_mapped(n, now, w->socket, &w->addr);
    return MIST_OK;
}

static int wish_ping(struct mist *n, mist_time now, const struct mist_wish *w)
{
    return meet_ping(&n->meet, now, w->id, n->out);
}

static int wish_serve(struct mist *n, mist_time now, const struct mist_wish *w)
{
    (void)now;
    return meet_serve(&n->meet, w->name, w->name_length);
}

static int wish_open(struct mist *n, mist_time now, const struct mist_wish *w)
{
    if (w->length != MIST_ID)
        return MIST_ERR_ARGUMENT;
    return meet_open(&n->meet, now, w->id, w->bytes, w->name, w->name_length, n->out);
}

static int wish_open_stream(struct mist *n, mist_time now, const struct mist_wish *w)
{
    (void)n, (void)now, (void)w;
    return MIST_ERR_UNSUPPORTED;
}

static int wish_gateway(struct mist *n, mist_time now, const struct mist_wish *w)
{
    if (w->addr.family != ADDR_NONE && w->addr.family != ADDR_V4)
        return MIST_ERR_ARGUMENT;
    portmap_gateway(&n->portmap, now, &w->addr, n->out);
    return MIST_OK;
}

static int wish_leave(struct mist *n, mist_time now, const struct mist_wish *w)
{
    (void)w;
    portmap_release(&n->portmap, n->out);
    for (mist_link l = mux_next(n->mux, 0); l != 0; l = mux_next(n->mux, l))
        mux_drop(n->mux, now, l, 5, n->out);
    return MIST_OK;
}

static const granter granters[] = {
    [MIST_WISH_SOCKET_OPENED] = wish_socket_opened,
    [MIST_WISH_SOCKET_FAILED] = wish_socket_failed,
    [MIST_WISH_BOOTSTRAP] = wish_bootstrap,
    [MIST_WISH_SUBSCRIBE] = wish_subscribe,
    [MIST_WISH_UNSUBSCRIBE] = wish_unsubscribe,
    [MIST_WISH_PUBLISH] = wish_publish,
    [MIST_WISH_CONNECT] = wish_connect,
    [MIST_WISH_SEND] = wish_send,
    [MIST_WISH_CLOSE] = wish_close,
    [MIST_WISH_NAME] = wish_name,
    [MIST_WISH_LEAVE] = wish_leave,
    [MIST_WISH_IDENTITY] = wish_identity,
    [MIST_WISH_PORT_MAPPED] = wish_port_mapped,
    [MIST_WISH_GATEWAY] = wish_gateway,
    [MIST_WISH_SERVE] = wish_serve,
    [MIST_WISH_OPEN] = wish_open,
    [MIST_WISH_OPEN_STREAM] = wish_open_stream,
    [MIST_WISH_PING] = wish_ping,
};

static int api_wish(struct mist *n, mist_time now, const struct mist_wish *w)
{
    out_reset(n->out, n);
    if (w->size != sizeof *w || w->kind == 0 || w->kind >= sizeof granters / sizeof granters[0] ||
        granters[w->kind] == NULL)
        return MIST_ERR_ARGUMENT;
    if (w->name_length > MIST_NAME)
        return MIST_ERR_TOO_LONG;
    int error = granters[w->kind](n, now, w);
    node_carry_out(n, now);
    return error;
}

/* ---- looking in ---- */

static void api_counters(const struct mist *n, struct mist_counter counters[MIST_KIND_COUNT])
{
    memcpy(counters, n->counters, sizeof n->counters);
}

static uint32_t api_memory(const struct mist *n, struct mist_memory *array, uint32_t count)
{
    uint32_t i = 0;
    if (count < 2)
        return 0;
    array[i++] = (struct mist_memory){"node", sizeof *n, 1, 1};
    array[i++] = (struct mist_memory){"timers", sizeof(struct timer) + sizeof(uint16_t),
                                      n->timers.limit, n->timers.count};
    i += mux_memory(n->mux, array + i, count - i);
    i += kad_memory(n->kad, array + i, count - i);
    i += pubsub_memory(n->pubsub, array + i, count - i);
    i += meet_memory(&n->meet, array + i, count - i);
    i += punch_memory(&n->punch, array + i, count - i);
    i += relay_memory(&n->relay, array + i, count - i);
    i += sockets_memory(&n->sockets, array + i, count - i);
    return i;
}

#define NAMED(function, table)                                                                     \
    static const struct mist_names *function(uint32_t *count)                                      \
    {                                                                                              \
        *count = sizeof table / sizeof table[0];                                                   \
        return table;                                                                              \
    }
#define NAME_DOC(number, name, doc)   {number, #name, doc},
#define NAME_WORD(number, name, word) {number, word, ""},

static const struct mist_names wish_table[] = {MIST_WISHES(NAME_DOC)};
static const struct mist_names event_table[] = {MIST_EVENTS(NAME_DOC)};
static const struct mist_names path_table[] = {MIST_PATHS(NAME_WORD)};
static const struct mist_names reason_table[] = {MIST_REASONS(NAME_WORD)};
static const struct mist_names kind_table[] = {MIST_KINDS(NAME_WORD)};
static const struct mist_names fact_table[] = {
#define X NAME_DOC
#include "stack/facts.def"
#undef X
};

NAMED(wish_names, wish_table)
NAMED(event_names, event_table)
NAMED(fact_names, fact_table)
NAMED(path_names, path_table)
NAMED(reason_names, reason_table)
NAMED(kind_names, kind_table)

static const struct mist_api api = {
    .size = sizeof(struct mist_api),
    .version = MIST_API_VERSION,
    .build = "mist 0.1.0",
    .config_size = sizeof(struct config),
    .config_init = api_config_init,
    .config_set = api_config_set,
    .config_keys = config_keys,
    .node_size = api_node_size,
    .scratch_size = out_size,
    .init = api_init,
    .id = api_id,
    .input = api_input,
    .refused = api_refused,
    .tick = api_tick,
    .output = api_output,
    .event = api_event,
    .deadline = api_deadline,
    .wish = api_wish,
    .fact = api_fact,
    .counters = api_counters,
    .memory = api_memory,
    .wish_names = wish_names,
    .event_names = event_names,
    .fact_names = fact_names,
    .path_names = path_names,
    .reason_names = reason_names,
    .kind_names = kind_names,
};

const struct mist_api *mist_api(void)
{
    return &api;
}
