/* paths.c: which way the datagrams of a link go: it is punched, moves, falls silent,
 * and is found again.
 *
 * A link with connections outlives its paths.  When its direct path is silent it goes
 * back to the relay that it began with; when that is silent as well, it is lost: it
 * keeps its keys and asks on the old path every two seconds, while its connections
 * call the peer back through the overlay (meet_resume.c).  The first datagram of the
 * peer that comes through a relay, sealed and newer than all before, then makes that
 * the path, and punching starts over. */
#include <string.h>

#include "stack/check.h"
#include "stack/node.h"

#define WAKE_EVERY SEC(5) /* thirty pings are cheap once, not for each link that dies */

void paths_change(struct mist *n, mist_time now, mist_link link, const struct addr *path,
                  uint32_t socket, uint8_t kind, mist_time rtt)
{
    struct link_view v;
    mux_path(n->mux, now, link, path, socket, rtt);
    sockets_adopt(&n->sockets, link, socket, n->out);
    if (!mux_view(n->mux, link, &v))
        return;
    uint32_t class = node_path_class(n, &v, kind);
    out_fact(n->out, FACT_PATH_CHANGED, v.id, path, class, rtt);
    meet_path(&n->meet, link, class, mux_relay_of(path), rtt, n->out);
}

/* Whatever struck one path may have struck all: a NAT that forgot its mappings makes
 * them again, one with another address is followed, and neither costs more than pings. */
void paths_wake(struct mist *n, mist_time now)
{
    struct link_view v;
    if (now < n->woken + WAKE_EVERY && n->woken != 0)
        return;
    n->woken = now;
    for (mist_link l = mux_next(n->mux, 0); l != 0; l = mux_next(n->mux, l)) {
        if (mux_view(n->mux, l, &v) && v.pins > 0)
            mux_ping(n->mux, now, l, n->out);
    }
}

/* Traffic from elsewhere: a challenge, unless the path is known to be alive.  Through a
 * relay there is nothing to prove, and whoever has lost its path asks for nothing more. */
void paths_strange(struct mist *n, mist_time now, const struct effect *e)
{
    struct link_view v;
    if (!mux_view(n->mux, e->link, &v))
        return;
    if (e->addr.family == ADDR_RELAY)
        paths_change(n, now, e->link, &e->addr, 0, CANDIDATE_SEEN, 0);
    else if (v.path.family == ADDR_RELAY || now - v.last_path_in > SEC(1))
        punch_challenge(&n->punch, now, e->link, &e->addr, e->socket, n->out);
}

void paths_ask_vouch(struct mist *n, const struct addr *way)
{
    struct msg echo = {.type = MSG_ECHO, .prefix = way->ip + 4};
    if (way->family == ADDR_RELAY)
        out_send(n->out, mux_relay_of(way), &echo);
}

void paths_tell_where(struct mist *n, mist_time now, mist_link link, const struct addr *way,
                      uint8_t flags)
{
    struct link_view relay;
    struct meet_self self;
    if (!mux_view(n->mux, mux_relay_of(way), &relay))
        return;
    node_self(n, now, &self);
    struct msg where = {.type = MSG_MEET,
                        .flags = (uint8_t)(self.flags | flags),
                        .lag_us = (uint32_t)(relay.srtt / 2000),
                        .request = punch_echo_token(&n->punch, link),
                        .nature = self.nature,
                        .count = self.count,
                        .candidates = self.candidates};
    out_send(n->out, link, &where);
    paths_ask_vouch(n, way);
}

/* A NAT may have moved either end since the last attempt. */
void paths_attempt(struct mist *n, mist_time now, const struct effect *e)
{
    struct link_view v;
    if (mux_view(n->mux, e->link, &v))
        paths_tell_where(n, now, e->link, &v.path, 0);
}

/* Nobody answers on the path: back to the relay while punching again; without one the
 * link is lost, and unless connections want it found again, that is its end. */
void paths_silent(struct mist *n, mist_time now, const struct effect *e)
{
    struct link_view v, relay;
    if (!mux_view(n->mux, e->link, &v))
        return;
    paths_wake(n, now);
    if (v.path.family != ADDR_RELAY && mux_view(n->mux, mux_relay_of(&v.fallback), &relay) &&
        relay.up) {
        paths_change(n, now, e->link, &v.fallback, 0, CANDIDATE_SEEN, 0);
        paths_attempt(n, now, e);
        punch_again(&n->punch, now, e->link, n->out);
        mux_ping(n->mux, now, e->link, n->out);
    } else if (meet_lost(&n->meet, now, e->link, n->out)) {
        mux_lost(n->mux, now, e->link);
    } else {
        mux_drop(n->mux, now, e->link, 2, n->out);
    }
}

void paths_up(struct mist *n, mist_time now, const struct effect *e)
{
    struct link_view v;
    if (!mux_view(n->mux, e->link, &v))
        return;
    bool better = v.path.family == ADDR_RELAY || now - v.last_path_in > SEC(1) ||
                  (addr_is_global(&v.path) && !addr_is_global(&e->addr));
    if (!addr_equal(&v.path, &e->addr) && better)
        paths_change(n, now, e->link, &e->addr, e->socket, (uint8_t)e->value, (mist_time)e->number);
    if (e->value >= CANDIDATE_PREDICTED) /* the peer may have no probe left to find this way */
        mux_ping(n->mux, now, e->link, n->out);
}

void paths_punch(struct mist *n, mist_time now, const struct effect *e)
{
    struct link_view v;
    struct candidate candidates[WIRE_CANDIDATES];
    CHECK(e->length == e->value * sizeof candidates[0] && e->value <= WIRE_CANDIDATES);
    memcpy(candidates, e->bytes, e->length);
    if (n->config.punch != 0 && mux_view(n->mux, e->link, &v) && v.path.family == ADDR_RELAY)
        (void)punch_start(&n->punch, now, e->link,
                          &(struct punch_peer){.candidates = candidates,
                                               .count = e->value,
                                               .nature = e->nature,
                                               .vouched = e->addr,
                                               .role = PUNCH_ACCEPTOR},
                          0, n->out);
}

void paths_resume(struct mist *n, mist_time now, const struct effect *e)
{
    struct meet_self self;
    node_self(n, now, &self);
    meet_resume(&n->meet, now, e->value, &self, n->out);
}

/* The peer has lost this link's path, and can be reached through that relay. */
void paths_resumed(struct mist *n, mist_time now, const struct effect *e)
{
    struct link_view v;
    if (!mux_view(n->mux, e->link, &v) || !v.up)
        return;
    struct addr way = mux_relay_addr((mist_link)e->number, v.id);
    paths_change(n, now, e->link, &way, 0, CANDIDATE_SEEN, 0);
    paths_tell_where(n, now, e->link, &way, 0);
    paths_punch(n, now, e);
    mux_ping(n->mux, now, e->link, n->out);
}
