/* messages.c: hands each message of a sealed body to the module it is for. */
#include <string.h>

#include "stack/check.h"
#include "stack/node.h"

struct context {
    struct mist *n;
    mist_time now;
    const struct mux_turn *turn;
    struct link_view view;
    const uint8_t *id; /* the peer's, a copy that outlives the link */
};

typedef void (*handler)(struct context *c, const struct msg *m);

static bool is_direct(const struct addr *a)
{
    return a->family != ADDR_RELAY;
}

static void on_ping(struct context *c, const struct msg *m)
{
    struct msg pong = {.type = MSG_PONG, .request = m->request};
    if (is_direct(&c->turn->from))
        pong.addr = c->turn->from;
    out_send(c->n->out, c->view.link, &pong);
}

static void seen(struct context *c, const struct addr *addr)
{
    if (addr->family == ADDR_NONE || c->turn->strange || !is_direct(&c->turn->from))
        return;
    out_fact(c->n->out, FACT_SEEN_AT, c->id, addr, 0, 0);
    reach_seen(&c->n->reach, c->now, &c->turn->from, addr, c->n->out);
    survey_seen(&c->n->survey, c->now, addr);
    if (mux_seen(c->n->mux, c->view.link, addr)) /* elsewhere than before: a NAT, or we, moved */
        paths_wake(c->n, c->now);
}

static void on_pong(struct context *c, const struct msg *m)
{
    mist_time rtt = mux_pong(c->n->mux, c->now, c->view.link, m->request);
    if (rtt > 0)
        seen(c, &m->addr);       /* unasked, anybody could say anything */
    if (rtt > 0 && c->view.lost) /* the silence is over */
        meet_path(&c->n->meet, c->view.link, node_path_class(c->n, &c->view, CANDIDATE_SEEN),
                  mux_relay_of(&c->view.path), rtt, c->n->out);
    if (rtt > 0 && c->view.srtt == 0)
        meet_rtt(&c->n->meet, c->view.link, rtt, c->n->out);
    meet_pong(&c->n->meet, c->now, c->view.link, m->request, c->n->out);
}

/* A server that answers is a contact; where it answers from is its address. */
static void contact_seen(struct context *c)
{
    struct contact contact = {.addr = c->turn->from};
    if ((c->view.flags & FLAG_SERVER) == 0 || c->turn->strange || !is_direct(&c->turn->from))
        return;
    memcpy(contact.id, c->id, WIRE_ID);
    kad_seen(c->n->kad, c->now, &contact, c->view.srtt, c->n->out);
}

static void on_hello(struct context *c, const struct msg *m)
{
    mux_peer_flags(c->n->mux, c->view.link, m->flags);
    c->view.flags = m->flags;
    if ((m->flags & FLAG_SERVER) == 0)
        kad_retired(c->n->kad, c->id, c->n->out);
    if (c->view.began && c->view.up_since == c->now)
        seen(c, &m->addr); /* of the ACCEPT that we asked for */
    contact_seen(c);
}

static void on_find(struct context *c, const struct msg *m)
{
    kad_find(c->n->kad, c->now, c->view.link, m, c->n->out);
}

static void on_nodes(struct context *c, const struct msg *m)
{
    contact_seen(c);
    kad_nodes(c->n->kad, c->now, c->view.link, c->id, m, c->n->out);
}

static void on_subscribe(struct context *c, const struct msg *m)
{
    pubsub_subscribe(c->n->pubsub, c->now, c->view.link, c->id, &c->view.path, m, c->n->out);
}

static void on_instead(struct context *c, const struct msg *m)
{
    pubsub_instead(c->n->pubsub, c->now, c->view.link, m, c->n->out);
}

static void on_subscribed(struct context *c, const struct msg *m)
{
    pubsub_subscribed(c->n->pubsub, c->now, c->view.link, m, c->n->out);
}

static void on_unsubscribe(struct context *c, const struct msg *m)
{
    pubsub_unsubscribe(c->n->pubsub, c->view.link, m, c->n->out);
}

/* What a publication looks like to a subscriber: this node may be one itself. */
static void on_publish(struct context *c, const struct msg *m)
{
    struct addr where = {0};
    uint8_t relays = c->n->serves ? FLAG_RELAY : 0;
    if (!c->turn->strange && is_direct(&c->turn->from))
        where = c->turn->from;
    pubsub_publish(c->n->pubsub, c->now, c->view.link, c->id, &where, relays, m, c->n->out);
    struct msg receive = *m;
    receive.type = MSG_RECEIVE;
    receive.flags = m->flags & FLAG_OFFER;
    receive.peer = c->id;
    receive.addr = where;
    messages_receive(c->n, c->now, c->view.link, &receive);
}

static void on_published(struct context *c, const struct msg *m)
{
    pubsub_published(c->n->pubsub, c->now, c->view.link, m, c->n->out);
}

static void take_offer(struct mist *n, mist_time now, mist_link forwarder, bool again,
                       const struct msg *m)
{
    struct call_value value;
    struct link_view standing = {0}, through = {0};
    if (wire_take_call(m->bytes, m->length, &value) != 0)
        return;
    out_fact(n->out, FACT_OFFER_RECEIVED, m->peer, &m->addr, (int64_t)value.length, 0);
    mist_link link = mux_find(n->mux, m->peer, WIRE_ID);
    bool up = link != 0 && mux_view(n->mux, link, &standing) && standing.up;
    bool relays = (m->flags & FLAG_RELAY) != 0 && mux_view(n->mux, forwarder, &through) &&
                  is_direct(&through.path);
    node_person(n);
    meet_offer(&n->meet, now, forwarder, relays, again, up ? link : 0, standing.last_in, m, &value,
               n->out);
}

void messages_receive(struct mist *n, mist_time now, mist_link forwarder, const struct msg *m)
{
    bool again;
    uint32_t id = pubsub_received(n->pubsub, m, &again);
    if (id == 0 || memcmp(m->peer, mux_self(n->mux), WIRE_ID) == 0)
        return;
    if ((m->flags & FLAG_OFFER) != 0) {
        if (id == NAME_TOPIC)
            take_offer(n, now, forwarder, again, m); /* copies too: each names another relay */
        return;
    }
    pubsub_pass_on(n->pubsub, now, forwarder, m, n->out);
    if (again) {
        out_fact(n->out, FACT_DUPLICATE, m->peer, NULL, 1, 0);
        return;
    }
    struct mist_event e = {.kind = MIST_EVENT_RECEIVED,
                           .id = id,
                           .addr = m->addr,
                           .length = m->length,
                           .bytes = m->bytes};
    memcpy(e.peer, m->peer, WIRE_ID);
    out_event(n->out, &e);
}

static void on_receive(struct context *c, const struct msg *m)
{
    messages_receive(c->n, c->now, c->view.link, m);
}

/* This node is the relay. */
static void on_relay(struct context *c, const struct msg *m)
{
    mist_link to = mux_find(c->n->mux, m->prefix, WIRE_PREFIX);
    enum relay_verdict verdict = RELAY_NO_CIRCUIT;
    if (c->n->serves && is_direct(&c->turn->from))
        verdict = relay_forward(&c->n->relay, c->now, c->view.link, to, m->length);
    if (verdict != RELAY_YES) {
        struct msg refused = {.type = MSG_REFUSED, .prefix = m->prefix, .reason = (uint8_t)verdict};
        out_fact(c->n->out, FACT_RELAY_DROPPED, c->id, NULL, verdict, m->length);
        if (verdict != RELAY_OVER)
            out_send(c->n->out, c->view.link, &refused);
        return;
    }
    struct msg relayed = {
        .type = MSG_RELAYED, .prefix = c->id, .bytes = m->bytes, .length = m->length};
    out_fact(c->n->out, FACT_RELAY_FORWARDED, c->id, NULL, m->length, 0);
    out_send(c->n->out, to, &relayed);
}

static void on_relayed(struct context *c, const struct msg *m)
{
    if (!is_direct(&c->turn->from))
        return; /* no relay through a relay */
    struct addr from = mux_relay_addr(c->view.link, m->prefix);
    node_receive(c->n, c->now, c->turn->socket, &from, m->bytes, m->length);
}

static void on_refused(struct context *c, const struct msg *m)
{
    struct addr way = mux_relay_addr(c->view.link, m->prefix);
    mist_link link = mux_find(c->n->mux, m->prefix, WIRE_PREFIX);
    struct link_view v;
    if (link != 0 && mux_view(c->n->mux, link, &v) && v.up && addr_equal(&v.path, &way))
        paths_silent(c->n, c->now, &(struct effect){.link = link}); /* it knows no way any more */
}

static void on_answer(struct context *c, const struct msg *m)
{
    meet_answer(&c->n->meet, c->now, c->view.link, c->id, m,
                node_path_class(c->n, &c->view, CANDIDATE_SEEN), mux_relay_of(&c->view.path),
                c->view.up_since, c->n->out);
}

static void on_proof(struct context *c, const struct msg *m)
{
    meet_proof(&c->n->meet, c->now, c->view.link, m, c->n->out);
}

static void on_meet(struct context *c, const struct msg *m)
{
    struct candidate candidates[WIRE_CANDIDATES];
    struct link_view relay = {0};
    if (c->n->config.punch == 0 || is_direct(&c->turn->from))
        return; /* through a relay: the peer has no direct path, whatever this end believes */
    for (uint32_t i = 0; i < m->count; i++)
        wire_candidate(m, i, &candidates[i]);
    /* Both ends shall start when the peer hears of it: half a round trip from now. */
    mist_time delay = US(m->lag_us > 2000000 ? 2000000 : m->lag_us);
    if (mux_view(c->n->mux, mux_relay_of(&c->turn->from), &relay))
        delay += relay.srtt / 2;
    (void)punch_start(
        &c->n->punch, c->now, c->view.link,
        &(struct punch_peer){
            .candidates = candidates, .count = m->count, .nature = m->nature, .role = PUNCH_DIALER},
        delay, c->n->out);
    if (m->request != 0) { /* the relay shall tell where it sees us */
        struct msg echo = {.type = MSG_ECHO, .prefix = c->id, .request = m->request};
        out_send(c->n->out, mux_relay_of(&c->turn->from), &echo);
    }
    if (is_direct(&c->view.path) && c->now - c->view.last_path_in > SEC(1))
        paths_change(c->n, c->now, c->view.link, &c->turn->from, 0, CANDIDATE_SEEN, 0);
    if (is_direct(&c->view.path) && (m->flags & FLAG_RETURN) == 0) {
        /* it cannot know that: tell it where we are, and show it */
        paths_tell_where(c->n, c->now, c->view.link, &c->turn->from, FLAG_RETURN);
        mux_ping(c->n->mux, c->now, c->view.link, c->n->out);
    }
}

/* A probe on the path that stands: the peer sees us elsewhere than before.  Where? */
static void ask_where(struct context *c)
{
    if (addr_equal(&c->turn->from, &c->view.path))
        mux_ping(c->n->mux, c->now, c->view.link, c->n->out);
}

static void on_probe(struct context *c, const struct msg *m)
{
    punch_probe(&c->n->punch, c->now, c->view.link, &c->turn->from, c->turn->socket, m, c->n->out);
    ask_where(c);
}

static void on_check(struct context *c, const struct msg *m)
{
    punch_check(c->view.link, &c->turn->from, c->turn->socket, m, c->n->out);
    ask_where(c);
}

static void on_proved(struct context *c, const struct msg *m)
{
    if (punch_proved(&c->n->punch, c->now, c->view.link, &c->turn->from, c->turn->socket, m,
                     c->n->out) &&
        c->turn->socket <= MIST_SOCKETS)
        seen(c, &m->addr);
}

/* The port of the other socket, as others see it: told only where no NAT is in
 * between, since nothing keeps a mapping of it open. */
static uint16_t second_port(const struct mist *n)
{
    const struct addr *local = sockets_local(&n->sockets, n->second, ADDR_V4);
    struct addr main, seen = reach_address(&n->reach, ADDR_V4);
    bool plain =
        seen.family == ADDR_NONE || (mux_local(n->mux, ADDR_V4, &main) && addr_equal(&main, &seen));
    return n->second != 0 && local != NULL && plain && n->reach.reachable ? local->port : 0;
}

static void on_where(struct context *c, const struct msg *m)
{
    struct msg here = {.type = MSG_HERE, .request = m->request, .port = second_port(c->n)};
    if (is_direct(&c->turn->from))
        here.addr = c->turn->from;
    out_send(c->n->out, c->view.link, &here);
}

static void on_here(struct context *c, const struct msg *m)
{
    survey_here(&c->n->survey, c->now, c->view.link, m);
    punch_here(&c->n->punch, c->now, m, c->n->out);
}

/* Which ports a peer holds open: it tells so through the relay. */
static void on_aim(struct context *c, const struct msg *m)
{
    if (is_direct(&c->turn->from))
        return;
    if (c->view.path.family != ADDR_RELAY) /* found already, and the peer does not know */
        mux_ping(c->n->mux, c->now, c->view.link, c->n->out);
    else
        punch_aimed(&c->n->punch, c->now, c->view.link, m, c->n->out);
}

/* This node is the relay of two peers: only of such two does it tell addresses, and
 * only those that it sees itself. */
static void on_echo(struct context *c, const struct msg *m)
{
    mist_link to = mux_find(c->n->mux, m->prefix, WIRE_PREFIX);
    if (c->turn->strange || !is_direct(&c->turn->from) || !c->n->serves ||
        relay_forward(&c->n->relay, c->now, c->view.link, to, WIRE_PREFIX) != RELAY_YES)
        return;
    struct msg echoed = {
        .type = MSG_ECHOED, .prefix = c->id, .request = m->request, .addr = c->turn->from};
    out_send(c->n->out, to, &echoed);
}

static void on_echoed(struct context *c, const struct msg *m)
{
    mist_link link = mux_find(c->n->mux, m->prefix, WIRE_PREFIX);
    struct link_view v;
    if (link != 0 && mux_view(c->n->mux, link, &v) && mux_relay_of(&v.path) == c->view.link)
        m->request == 0 ? punch_vouched(&c->n->punch, link, &m->addr)
                        : punch_echoed(&c->n->punch, c->now, link, m, c->n->out);
}

static void on_second(struct context *c, const struct msg *m)
{
    struct msg promise = {.type = MSG_KNOCKED, .request = m->request};
    struct mux_way way = {.to = c->turn->from, .socket = c->n->second};
    if (second_port(c->n) == 0 || c->turn->strange || c->turn->from.family != ADDR_V4 ||
        !reach_may_knock(&c->n->reach, c->now))
        return;
    reach_charge(&c->n->reach, c->now);
    out_fact(c->n->out, FACT_KNOCKED, c->id, &way.to, 1, 0);
    mux_knock(c->n->mux, &way, m->request, m->number, c->n->out);
    out_send(c->n->out, c->view.link, &promise);
}

/* Somebody asks for a knock: one of this node's servers shall do it, at the
 * address that this node sees, and only one the asker never contacted. */
static void on_reach(struct context *c, const struct msg *m)
{
    struct mux *mux = c->n->mux;
    mist_link chosen = 0;
    uint32_t servers = 0, others = 0;
    if (c->turn->strange || !is_direct(&c->turn->from) || !reach_may_knock(&c->n->reach, c->now))
        return;
    for (mist_link l = mux_next(mux, 0); l != 0; l = mux_next(mux, l)) {
        struct link_view v;
        if (!mux_view(mux, l, &v) || v.path.family != c->turn->from.family ||
            addr_same_ip(&v.path, &c->turn->from) || reach_contacted(m->bytes, &v.path))
            continue;
        bool server = (v.flags & FLAG_SERVER) != 0;
        if (server ? rng_below(&c->n->rng, ++servers) == 0
                   : servers == 0 && rng_below(&c->n->rng, ++others) == 0)
            chosen = l; /* any stranger will do where there are no servers yet */
    }
    if (chosen == 0)
        return;
    reach_charge(&c->n->reach, c->now);
    struct msg knock = {
        .type = MSG_KNOCK, .request = m->request, .number = m->number, .addr = c->turn->from};
    struct msg promise = {.type = MSG_KNOCKED, .request = m->request};
    out_send(c->n->out, chosen, &knock);
    out_send(c->n->out, c->view.link, &promise);
}

static void on_knock(struct context *c, const struct msg *m)
{
    if ((c->view.flags & FLAG_SERVER) == 0 || m->addr.port == 0 || m->addr.family == ADDR_NONE ||
        !reach_may_knock(&c->n->reach, c->now))
        return;
    reach_charge(&c->n->reach, c->now);
    out_fact(c->n->out, FACT_KNOCKED, c->id, &m->addr, 0, 0);
    reach_contact(&c->n->reach, &m->addr); /* a knock makes a hole, too */
    mux_knock(c->n->mux, &(struct mux_way){.to = m->addr}, m->request, m->number, c->n->out);
}

static void on_knocked(struct context *c, const struct msg *m)
{
    reach_promised(&c->n->reach, m->request);
    survey_promised(&c->n->survey, m->request);
}

static void on_bye(struct context *c, const struct msg *m)
{
    (void)m;
    mux_drop(c->n->mux, c->now, c->view.link, 3, c->n->out);
}

static void on_payload(struct context *c, const struct msg *m)
{
    meet_payload(&c->n->meet, c->now, c->view.link, m, c->n->out);
}

static void on_hangup(struct context *c, const struct msg *m)
{
    meet_hangup(&c->n->meet, c->now, c->view.link, m, c->n->out);
}

static const handler handlers[MSG_TYPES] = {
    [MSG_PING] = on_ping,
    [MSG_PONG] = on_pong,
    [MSG_FIND] = on_find,
    [MSG_NODES] = on_nodes,
    [MSG_SUBSCRIBE] = on_subscribe,
    [MSG_SUBSCRIBED] = on_subscribed,
    [MSG_INSTEAD] = on_instead,
    [MSG_UNSUBSCRIBE] = on_unsubscribe,
    [MSG_PUBLISH] = on_publish,
    [MSG_PUBLISHED] = on_published,
    [MSG_RECEIVE] = on_receive,
    [MSG_RELAY] = on_relay,
    [MSG_RELAYED] = on_relayed,
    [MSG_REFUSED] = on_refused,
    [MSG_ANSWER] = on_answer,
    [MSG_PROOF] = on_proof,
    [MSG_MEET] = on_meet,
    [MSG_PROBE] = on_probe,
    [MSG_CHECK] = on_check,
    [MSG_PROVED] = on_proved,
    [MSG_REACH] = on_reach,
    [MSG_KNOCK] = on_knock,
    [MSG_KNOCKED] = on_knocked,
    [MSG_WHERE] = on_where,
    [MSG_HERE] = on_here,
    [MSG_SECOND] = on_second,
    [MSG_AIM] = on_aim,
    [MSG_ECHO] = on_echo,
    [MSG_ECHOED] = on_echoed,
    [MSG_BYE] = on_bye,
    [MSG_PAYLOAD] = on_payload,
    [MSG_HANGUP] = on_hangup,
    [MSG_HELLO] = on_hello,
};

void messages_take(struct mist *n, mist_time now, const struct mux_turn *turn)
{
    struct context c = {.n = n, .now = now, .turn = turn};
    struct reader r = {turn->body, turn->body + turn->length, false};
    struct msg m;
    uint8_t id[WIRE_ID];
    uint32_t probed = 0;
    int taken;
    while ((taken = wire_take(&r, &m)) == 1) {
        if (!mux_view(n->mux, turn->link, &c.view))
            return; /* an earlier message ended the link */
        memcpy(id, c.view.id, WIRE_ID);
        c.id = id;
        CHECK(handlers[m.type] != NULL);
        if (m.type == MSG_PROBE && probed++ > 0)
            continue; /* one answer for one datagram */
        handlers[m.type](&c, &m);
        node_carry_out(n, now); /* so that no datagram can fill the queue of effects */
    }
    if (taken < 0)
        out_fact(n->out, FACT_BAD_MESSAGE, c.id, &turn->from, m.type, 0);
}
