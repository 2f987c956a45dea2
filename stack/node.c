#include "stack/node.h"

#include <string.h>

#include "stack/check.h"
#include "stack/seal.h"

/* ---- what the node knows of itself ---- */

static void key_of(uint8_t key[WIRE_ID], const char *what, const uint8_t *name, size_t length)
{
    uint8_t bytes[16 + MIST_NAME] = {0};
    CHECK(length <= MIST_NAME);
    for (int i = 0; what[i] != '\0'; i++)
        bytes[i] = (uint8_t)what[i];
    if (length > 0)
        memcpy(bytes + 16, name, length);
    seal_hash(key, WIRE_ID, NULL, bytes, 16 + length);
}

void node_name_key(uint8_t key[WIRE_ID], const uint8_t *name, size_t length)
{
    key_of(key, "mist name", name, length);
}

void node_topic_key(uint8_t key[WIRE_ID], const uint8_t *name, size_t length)
{
    key_of(key, "mist topic", name, length);
}

void node_person(struct mist *n)
{
    uint8_t seed[SEAL_KEY];
    if (n->person_known)
        return;
    rng_bytes(&n->rng, seed, sizeof seed);
    person_init(&n->person, seed);
    seal_wipe(seed, sizeof seed);
    n->person_known = true;
}

static void add_self(struct meet_self *self, const struct addr *a, uint8_t kind)
{
    static const uint8_t any[16];
    if (a->family == ADDR_NONE || a->port == 0 || memcmp(a->ip, any, 16) == 0)
        return;
    for (uint32_t i = 0; i < self->count; i++) {
        if (addr_equal(&self->candidates[i].addr, a))
            return;
    }
    self->candidates[self->count++] = (struct candidate){*a, kind};
}

/* A mapped port is of use to all only where peers see this node at that address: else
 * there is another box further out, which knows nothing of it. */
static bool maps(const struct mist *n, uint32_t i)
{
    const struct addr *outside = &n->mapped[i];
    struct addr seen = reach_address(&n->reach, outside->family);
    return outside->family != ADDR_NONE &&
           (seen.family == ADDR_NONE || addr_same_ip(&seen, outside));
}

static bool is_mapped(const struct mist *n)
{
    return maps(n, 0) || maps(n, 1);
}

static uint8_t own_flags(const struct mist *n)
{
    return (uint8_t)((n->reach.reachable ? FLAG_SERVER : 0) | (n->serves ? FLAG_RELAY : 0) |
                     (is_mapped(n) ? FLAG_MAPPED : 0));
}

void node_self(const struct mist *n, mist_time now, struct meet_self *self)
{
    static const uint8_t families[] = {ADDR_V4, ADDR_V6};
    memset(self, 0, sizeof *self);
    self->flags = own_flags(n);
    mux_ticket(n->mux, now, self->ticket);
    self->nature = n->survey.nature;
    for (int i = 0; i < 2; i++) {
        struct addr local, seen = reach_address(&n->reach, families[i]);
        if (mux_local(n->mux, families[i], &local))
            add_self(self, &local, CANDIDATE_LOCAL);
        if (maps(n, (uint32_t)i))
            add_self(self, &n->mapped[i], CANDIDATE_MAPPED); /* before the same as seen */
        add_self(self, &seen, CANDIDATE_SEEN);
    }
}

uint32_t node_path_class(const struct mist *n, const struct link_view *v, uint8_t candidate_kind)
{
    if (v->path.family == ADDR_RELAY)
        return MIST_PATH_RELAY;
    if (candidate_kind == CANDIDATE_PREDICTED)
        return MIST_PATH_PREDICTED;
    if (candidate_kind == CANDIDATE_SPRAYED)
        return MIST_PATH_SPRAYED;
    if (!addr_is_global(&v->path))
        return MIST_PATH_LAN;
    if (candidate_kind == CANDIDATE_MAPPED || (v->flags & FLAG_MAPPED) != 0)
        return MIST_PATH_MAPPED;
    if ((v->flags & FLAG_SERVER) != 0)
        return MIST_PATH_PUBLIC;
    if (is_mapped(n))
        return MIST_PATH_MAPPED;
    return n->reach.reachable ? MIST_PATH_REVERSED : MIST_PATH_PUNCHED;
}

/* Peers hear what this node is now. */
static void say_hello(struct mist *n)
{
    struct msg hello = {.type = MSG_HELLO, .flags = own_flags(n)};
    mux_flags(n->mux, hello.flags);
    for (mist_link l = mux_next(n->mux, 0); l != 0; l = mux_next(n->mux, l))
        out_send(n->out, l, &hello);
}

void node_moved(struct mist *n, mist_time now)
{
    say_hello(n);
    for (mist_link l = mux_next(n->mux, 0); l != 0; l = mux_next(n->mux, l))
        mux_ping(n->mux, now, l, n->out); /* large enough to be challenged at its new source */
    reach_again(&n->reach, now);
}

void node_mapped(struct mist *n, mist_time now, uint32_t socket, const struct addr *outside)
{
    CHECK(socket >= 1 && socket <= MIST_SOCKETS);
    if (addr_equal(&n->mapped[socket - 1], outside))
        return;
    n->mapped[socket - 1] = *outside;
    out_fact(n->out, FACT_PORT_MAPPED, NULL, outside, socket, 0);
    node_moved(n, now);
}

int node_lookup(struct mist *n, mist_time now, const uint8_t target[WIRE_ID], uint32_t owner)
{
    static const uint8_t none[WIRE_ID];
    uint32_t extra = memcmp(n->join.through.id, none, WIRE_ID) != 0;
    return kad_lookup(n->kad, now, target, owner, &n->join.through, extra, n->out);
}

int node_publish(struct mist *n, mist_time now, uint32_t owner, const uint8_t key[WIRE_ID],
                 uint8_t flags, const uint8_t *bytes, uint32_t length)
{
    const struct rng before = n->rng;
    uint64_t number = rng_u64(&n->rng); /* one for all copies, or they are no duplicates */
    int error = pubsub_tell(n->pubsub, owner, key, flags, bytes, length, number, n->out);
    if (error != MIST_OK)
        n->rng = before;
    else if (n->reach.reachable)
        pubsub_here(n->pubsub, now, key, mux_self(n->mux), flags, bytes, length, number, n->out);
    return error;
}

/* Who gives out addresses of one network may be one owner of many: an IPv4 /16, as Tor tells
 * relays of one path apart (tor-spec, path selection); an IPv6 /32, what a provider gets
 * (RFC 6177's sites are parts of it).  Networks of one's own are told apart by host. */
static bool one_network(const struct addr *a, const struct addr *b)
{
    if (!addr_is_global(a) || a->family != b->family)
        return addr_same_ip(a, b);
    return memcmp(a->ip, b->ip, a->family == ADDR_V4 ? 2 : 4) == 0;
}

/* Servers that can be asked now: their links' own holes are open.  A sample, each
 * of another network. */
static void choose_survey_peers(struct mist *n, mist_time now)
{
    struct link_view chosen[SURVEY_PEERS], v;
    uint32_t count = 0, found = 0;
    for (mist_link l = mux_next(n->mux, 0); l != 0; l = mux_next(n->mux, l)) {
        bool known = false;
        if (!mux_view(n->mux, l, &v) || (v.flags & FLAG_SERVER) == 0 || v.socket > MIST_SOCKETS ||
            v.path.family != ADDR_V4 || now - v.last_path_in > SEC(20))
            continue;
        for (uint32_t i = 0; i < count; i++)
            known |= one_network(&chosen[i].path, &v.path);
        if (known)
            continue;
        uint32_t place = count < SURVEY_PEERS ? count++ : rng_below(&n->rng, ++found + count);
        if (place < SURVEY_PEERS)
            chosen[place] = v;
    }
    for (uint32_t i = 0; i < count; i++)
        survey_peer(&n->survey, chosen[i].link, &chosen[i].path);
}

void node_survey(struct mist *n, mist_time now)
{
    struct addr local = {0};
    if (survey_timer(&n->survey, now, n->reach.contacted, n->out) == 0)
        return;
    choose_survey_peers(n, now);
    survey_before(&n->survey, n->reach.let_in, n->reach.kept_out);
    (void)mux_local(n->mux, ADDR_V4, &local);
    survey_begin(&n->survey, now, &local, n->out);
}

/* ---- effects: one function each ---- */

typedef void (*carrier)(struct mist *n, mist_time now, const struct effect *e);

static void do_send(struct mist *n, mist_time now, const struct effect *e)
{
    (void)mux_send(n->mux, now, e->link, NULL, e->bytes, e->length, n->out);
}

static void do_probe(struct mist *n, mist_time now, const struct effect *e)
{
    reach_contact(&n->reach, &e->addr);
    struct mux_way way = {.to = e->addr, .socket = e->socket, .ttl = e->ttl};
    (void)mux_send(n->mux, now, e->link, &way, e->bytes, e->length, n->out);
}

static void do_turn(struct mist *n, mist_time now, const struct effect *e)
{
    struct mux_way way = {.to = e->addr, .socket = e->socket};
    (void)now;
    mux_knock(n->mux, &way, e->value, e->number, n->out);
}

static void do_bare(struct mist *n, mist_time now, const struct effect *e)
{
    (void)now;
    mux_bare(n->mux, &e->addr, e->bytes, e->length, n->out);
}

static void do_mapped(struct mist *n, mist_time now, const struct effect *e)
{
    node_mapped(n, now, e->value, &e->addr);
}

/* The relay of a link that is relayed, or was before it found a direct path. */
static bool relay_of(const struct mist *n, mist_link link, struct link_view *relay)
{
    struct link_view v;
    if (!mux_view(n->mux, link, &v))
        return false;
    const struct addr *way = v.path.family == ADDR_RELAY ? &v.path : &v.fallback;
    return mux_view(n->mux, mux_relay_of(way), relay) && relay->up;
}

static void do_measure(struct mist *n, mist_time now, const struct effect *e)
{
    struct link_view relay;
    uint8_t bytes[64];
    struct msg m = {.type = MSG_WHERE, .request = (uint32_t)e->number};
    if (!relay_of(n, e->link, &relay) || relay.path.family == ADDR_RELAY)
        return;
    struct mux_way way = {.to = relay.path, .socket = e->socket};
    (void)mux_send(n->mux, now, relay.link, &way, bytes, wire_put(bytes, sizeof bytes, &m), n->out);
}

/* How long a link may be silent and still be used as it stands.  A NAT with one mapping for
 * all remotes keeps it as long as anything leaves, and heartbeats do (RFC 4787, REQ-6);
 * another may have forgotten that of this link alone after 30 s (Linux, unreplied). */
static mist_time link_keeps(const struct mist *n)
{
    bool lasts = n->reach.reachable || n->survey.nature.mapping == NATURE_EIM;
    return lasts ? MIST_NEVER : SEC(25);
}

static void do_reach(struct mist *n, mist_time now, const struct effect *e)
{
    struct link_view v;
    struct addr local;
    bool self = memcmp(e->contact.id, mux_self(n->mux), WIRE_ID) == 0;
    bool askable = !self && mux_local(n->mux, e->contact.addr.family, &local);
    mux_stale(n->mux, link_keeps(n));
    /* Others say that somebody is there: as many INITs as a handshake tries. */
    askable = askable && (mux_stands(n->mux, now, e->contact.id) ||
                          guard_may(&n->punch.guard, now, &e->contact.addr, false, MUX_TRIES));
    reach_contact(&n->reach, &e->contact.addr);
    mist_link link = !askable ? 0 : mux_open(n->mux, now, &e->contact, n->out);
    if (link == 0)
        kad_link_failed(n->kad, now, e->contact.id, n->out);
    else if (mux_view(n->mux, link, &v) && v.up)
        kad_link_up(n->kad, now, e->contact.id, link, n->out);
}

static void do_forsake(struct mist *n, mist_time now, const struct effect *e)
{
    struct link_view v;
    if (mux_view(n->mux, e->link, &v) && v.pins > 0)
        mux_ping(n->mux, now, e->link,
                 n->out); /* others rely on it: it is dead when it is silent */
    else
        mux_drop(n->mux, now, e->link, 6, n->out);
}

static void do_ping(struct mist *n, mist_time now, const struct effect *e)
{
    mux_ping(n->mux, now, e->link, n->out);
}

static void do_pin(struct mist *n, mist_time now, const struct effect *e)
{
    mux_pin(n->mux, now, e->link, (int)e->value);
}

static void do_keep(struct mist *n, mist_time now, const struct effect *e)
{
    (void)now;
    mux_keep(n->mux, e->link, (int)e->value);
}

static void do_link_ready(struct mist *n, mist_time now, const struct effect *e)
{
    uint8_t first[WIRE_MTU / 2];
    struct link_view v, relay = {0};
    struct meet_self self;
    if (!mux_view(n->mux, e->link, &v))
        return;
    if (v.tries > 1 && v.path.family == ADDR_RELAY) {
        mist_link other = meet_alternate(&n->meet, v.id);
        struct addr way = mux_relay_addr(other, v.id);
        if (other != 0)
            mux_path(n->mux, now, e->link, &way, 0, 0);
        (void)mux_view(n->mux, e->link, &v);
    }
    (void)mux_view(n->mux, mux_relay_of(&v.path), &relay);
    node_self(n, now, &self);
    size_t kad = kad_first(n->kad, now, v.id, first, sizeof first), length = kad;
    length += meet_first(&n->meet, v.id, (uint32_t)(relay.srtt / 2000), &self, first + length,
                         sizeof first - length);
    bool meets = length > kad;
    mux_first(n->mux, now, e->link, first, length, n->out);
    if (meets)
        paths_ask_vouch(n, &v.path);
}

/* The link stands, but no OPEN of ours brought it about: what would have been in
 * it follows. */
static void meet_late(struct mist *n, mist_time now, const uint8_t *peer, const struct link_view *v)
{
    uint8_t first[WIRE_MTU / 2];
    struct meet_self self;
    node_self(n, now, &self);
    size_t length = meet_first(&n->meet, peer, 0, &self, first, sizeof first);
    meet_link_up(&n->meet, now, peer, v->link, node_path_class(n, v, CANDIDATE_SEEN),
                 mux_relay_of(&v->path), n->out);
    if (length > 0)
        (void)mux_send(n->mux, now, v->link, NULL, first, length, n->out);
}

static void do_link_up(struct mist *n, mist_time now, const struct effect *e)
{
    struct link_view v;
    if (!mux_view(n->mux, e->link, &v) || !v.up)
        return;
    if (v.path.family != ADDR_RELAY)
        guard_proved(&n->punch.guard, now, &v.path);
    kad_link_up(n->kad, now, e->contact.id, e->link, n->out);
    join_link_up(n, now, e->link, &e->contact);
    pubsub_reached(n->pubsub, now, e->contact.id, e->link, n->out);
    if (e->value == 0) {
        meet_late(n, now, e->contact.id, &v);
        if (v.path.family == ADDR_RELAY)
            mux_ping(n->mux, now, e->link, n->out); /* the initiator has measured, we have not */
        return;
    }
    meet_link_up(&n->meet, now, e->contact.id, e->link, node_path_class(n, &v, CANDIDATE_SEEN),
                 mux_relay_of(&v.path), n->out);
}

/* Whoever relied on a link hears that it is gone. */
static void forget_link(struct mist *n, mist_time now, const struct effect *e)
{
    pubsub_link_down(n->pubsub, now, e->link, n->out);
    meet_link_down(&n->meet, e->link,
                   e->value == 3 ? MIST_REASON_PEER_CLOSED : MIST_REASON_PATH_LOST, n->out);
    punch_forget(&n->punch, e->link);
    sockets_adopt(&n->sockets, e->link, 0, n->out);
    join_link_failed(n, now, e->link, &e->contact.addr);
    join_lonely(n, now);
}

static void do_link_down(struct mist *n, mist_time now, const struct effect *e)
{
    forget_link(n, now, e);
    if (e->value == 2)
        kad_failed(n->kad, now, e->contact.id, n->out);
    join_lonely(n, now);
}

static void do_link_failed(struct mist *n, mist_time now, const struct effect *e)
{
    pubsub_unreached(n->pubsub, now, e->contact.id, n->out);
    forget_link(n, now, e); /* it may have stood before it was renewed */
    kad_link_failed(n->kad, now, e->contact.id, n->out);
    meet_link_failed(&n->meet, e->contact.id, n->out);
}

/* Of the links named, those to nodes that strangers can reach. */
static void do_instead(struct mist *n, mist_time now, const struct effect *e)
{
    struct contact others[PUBSUB_INSTEAD];
    struct msg instead = {.type = MSG_INSTEAD, .request = e->value, .contacts = others};
    struct msg refusal = {.type = MSG_SUBSCRIBED, .request = e->value};
    (void)now;
    for (uint32_t i = 0; i < e->length / sizeof(mist_link); i++) {
        struct link_view v;
        mist_link link;
        memcpy(&link, e->bytes + i * sizeof link, sizeof link);
        if (instead.count == PUBSUB_INSTEAD || !mux_view(n->mux, link, &v) || !v.up ||
            (v.flags & FLAG_SERVER) == 0 || v.path.family == ADDR_RELAY)
            continue;
        memcpy(others[instead.count].id, v.id, WIRE_ID);
        others[instead.count++].addr = v.path;
    }
    out_send(n->out, e->link, instead.count > 0 ? &instead : &refusal);
}

/* As hearsay of the overlay, it may not send this node into a private network. */
static void do_approach(struct mist *n, mist_time now, const struct effect *e)
{
    struct link_view v, teller;
    const struct contact *c = &e->contact;
    bool askable = memcmp(c->id, mux_self(n->mux), WIRE_ID) != 0 &&
                   mux_view(n->mux, e->link, &teller) && c->addr.port != 0 &&
                   (addr_is_global(&c->addr) ||
                    (c->addr.family != ADDR_NONE && !addr_is_global(&teller.path)));
    mist_link link = askable ? mux_open(n->mux, now, c, n->out) : 0;
    if (link == 0)
        pubsub_unreached(n->pubsub, now, c->id, n->out);
    else if (mux_view(n->mux, link, &v) && v.up)
        pubsub_reached(n->pubsub, now, c->id, link, n->out);
}

static void do_found(struct mist *n, mist_time now, const struct effect *e)
{
    if (e->value >= OWNER_TOPIC)
        pubsub_found(n->pubsub, now, e->value - OWNER_TOPIC, e->key, e->contact.id, e->link,
                     n->out);
}

static void do_lookup_done(struct mist *n, mist_time now, const struct effect *e)
{
    if (e->value == OWNER_JOIN)
        join_looked(n, now, (uint32_t)e->number);
    else if (e->value >= OWNER_TOPIC)
        pubsub_looked(n->pubsub, now, e->value - OWNER_TOPIC, e->key, n->out);
}

static void do_lookup_over(struct mist *n, mist_time now, const struct effect *e)
{
    if (e->value >= OWNER_TOPIC)
        pubsub_looked_all(n->pubsub, now, e->value - OWNER_TOPIC, e->key, n->out);
}

static void do_lookup(struct mist *n, mist_time now, const struct effect *e)
{
    if (node_lookup(n, now, e->key, OWNER_TOPIC + e->value) == MIST_OK)
        return;
    pubsub_looked(n->pubsub, now, e->value, e->key, n->out);
    pubsub_looked_all(n->pubsub, now, e->value, e->key, n->out);
}

static void do_subscribed(struct mist *n, mist_time now, const struct effect *e)
{
    if (e->value == NAME_TOPIC) {
        join_subscribed(n, now, (uint32_t)e->number);
        return;
    }
    out_event(n->out, &(struct mist_event){.kind = MIST_EVENT_SUBSCRIBED,
                                           .id = e->value,
                                           .count = (uint32_t)e->number});
}

static void do_published(struct mist *n, mist_time now, const struct effect *e)
{
    uint32_t acked = (uint32_t)e->number, told = (uint32_t)(e->number >> 32);
    (void)now;
    if ((e->value & OWNER_OFFER) != 0)
        meet_published(&n->meet, e->value & ~OWNER_OFFER, acked, told);
    else
        out_event(n->out,
                  &(struct mist_event){
                      .kind = MIST_EVENT_PUBLISHED, .id = e->value, .count = acked, .hops = told});
}

static void do_introduced(struct mist *n, mist_time now, const struct effect *e)
{
    if (n->serves)
        relay_introduce(&n->relay, now, e->link, e->value, n->out);
}

static void do_publish(struct mist *n, mist_time now, const struct effect *e)
{
    (void)node_publish(n, now, OWNER_OFFER | e->value, e->key, FLAG_OFFER, e->bytes, e->length);
}

static void do_answered(struct mist *n, mist_time now, const struct effect *e)
{
    uint32_t topic;
    (void)now;
    while (pubsub_enough(n->pubsub, OWNER_OFFER | e->value, &topic))
        kad_cancel(n->kad, OWNER_TOPIC + topic);
}

static void do_meet(struct mist *n, mist_time now, const struct effect *e)
{
    struct contact c = e->contact;
    struct link_view v;
    c.addr = mux_relay_addr(e->link, c.id);
    CHECK(e->length == WIRE_COOKIE);
    mist_link link = mux_open(n->mux, now, &c, n->out);
    if (link == 0 || !mux_view(n->mux, link, &v)) {
        meet_link_failed(&n->meet, c.id, n->out);
        return;
    }
    mux_present(n->mux, link, e->bytes);
    if (v.up)
        meet_late(n, now, c.id, &v);
}

static void do_verdict(struct mist *n, mist_time now, const struct effect *e)
{
    n->serves = n->config.relay_serve != 0 && e->value != 0;
    if (e->value != 0 && n->second == 0) /* so that it can knock from another port */
        n->second = sockets_want(&n->sockets, ADDR_V4, SOCKET_FOR_REACH, 0, n->out);
    say_hello(n);
    join_verdict(n, now);
}

static const carrier carriers[EFFECT_KINDS] = {
    [EFFECT_SEND] = do_send,
    [EFFECT_PROBE] = do_probe,
    [EFFECT_REACH] = do_reach,
    [EFFECT_FORSAKE] = do_forsake,
    [EFFECT_PING] = do_ping,
    [EFFECT_PIN] = do_pin,
    [EFFECT_KEEP] = do_keep,
    [EFFECT_LINK_READY] = do_link_ready,
    [EFFECT_LINK_UP] = do_link_up,
    [EFFECT_LINK_DOWN] = do_link_down,
    [EFFECT_LINK_FAILED] = do_link_failed,
    [EFFECT_STRANGE] = paths_strange,
    [EFFECT_SILENT] = paths_silent,
    [EFFECT_RESUME] = paths_resume,
    [EFFECT_RESUMED] = paths_resumed,
    [EFFECT_FOUND] = do_found,
    [EFFECT_LOOKUP_DONE] = do_lookup_done,
    [EFFECT_LOOKUP_OVER] = do_lookup_over,
    [EFFECT_SUBSCRIBED] = do_subscribed,
    [EFFECT_PUBLISHED] = do_published,
    [EFFECT_INTRODUCED] = do_introduced,
    [EFFECT_INSTEAD] = do_instead,
    [EFFECT_APPROACH] = do_approach,
    [EFFECT_LOOKUP] = do_lookup,
    [EFFECT_PUBLISH] = do_publish,
    [EFFECT_MEET] = do_meet,
    [EFFECT_ANSWERED] = do_answered,
    [EFFECT_PUNCH] = paths_punch,
    [EFFECT_PATH_UP] = paths_up,
    [EFFECT_ATTEMPT] = paths_attempt,
    [EFFECT_VERDICT] = do_verdict,
    [EFFECT_TURN] = do_turn,
    [EFFECT_MEASURE] = do_measure,
    [EFFECT_BARE] = do_bare,
    [EFFECT_MAPPED] = do_mapped,
};

void node_carry_out(struct mist *n, mist_time now)
{
    struct effect e;
    while (out_take(n->out, &e)) {
        CHECK(e.kind < EFFECT_KINDS && carriers[e.kind] != NULL);
        carriers[e.kind](n, now, &e);
    }
}

void node_receive(struct mist *n, mist_time now, uint32_t socket, const struct addr *from,
                  const uint8_t *bytes, size_t length)
{
    struct mux_turn turn;
    struct wire_head h;
    if (portmap_hears(&n->portmap, socket, from)) {
        n->counters[MIST_KIND_REACH].packets_in++;
        n->counters[MIST_KIND_REACH].bytes_in += length;
        portmap_input(&n->portmap, now, bytes, length, n->out);
        node_carry_out(n, now);
        return;
    }
    if (from->family != ADDR_RELAY && length > 0 && bytes[0] == WIRE_DIALBACK &&
        wire_take_head(bytes, length, &h) == 0) {
        n->counters[MIST_KIND_REACH].packets_in++;
        n->counters[MIST_KIND_REACH].bytes_in += length;
        survey_knocked(&n->survey, from, h.channel, h.number,
                       reach_contacted(n->reach.contacted, from));
        reach_knocked(&n->reach, now, from, h.channel, h.number, n->out);
        node_carry_out(n, now);
        return;
    }
    if (!mux_input(n->mux, now, socket, from, bytes, length, &turn, n->out)) {
        node_carry_out(n, now);
        return;
    }
    if (turn.strange)
        node_carry_out(n, now); /* the challenge first: both it and answers cost the budget */
    messages_take(n, now, &turn);
    node_carry_out(n, now);
    mux_end(n->mux, now, &turn, n->out);
    node_carry_out(n, now);
}
