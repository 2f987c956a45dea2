/* join.c: how a node enters the overlay.
 *
 *     WAITING -> BOOTSTRAP -> REACH -> MORE -> LOOKUP -> NAME -> DONE
 *
 * Reachability is asked for before anybody else is contacted: then most of the
 * overlay is still a stranger that can knock.  Then come more bootstrap nodes:
 * who enters through one alone meets those who entered there, and the overlay
 * falls into as many parts as it has entrances.  A step that fails goes back to
 * another bootstrap address, later each time; so does a node that has lost all
 * its contacts, and now and then one that knows few. */
#include <string.h>

#include "stack/node.h"

#define JOIN_RETRY      SEC(1) /* doubling to JOIN_RETRY_MOST */
#define JOIN_RETRY_MOST SEC(32)
#define JOIN_ENTRANCES  4 /* bootstrap nodes met */
#define JOIN_MORE_LIMIT SEC(2)
#define JOIN_AGAIN      MINUTES(4) /* while there is room: overlays that fell apart meet again */

static void joined(struct mist *n, mist_time now)
{
    n->join.state = JOIN_DONE;
    n->join.tries = 0;
    if (n->join.count > 0)
        timers_set(&n->timers, TIMER_JOIN, now + rng_around(&n->rng, JOIN_AGAIN, 20));
    if (n->join.joined)
        return;
    n->join.joined = true;
    survey_wake(&n->survey, now);
    out_fact(n->out, FACT_JOINED, NULL, NULL, now - n->join.started, 0);
    out_event(n->out, &(struct mist_event){.kind = MIST_EVENT_JOINED});
}

static void want_name(struct mist *n)
{
    struct join *j = &n->join;
    if (j->named && !j->wanted)
        j->wanted = pubsub_want(n->pubsub, NAME_TOPIC, j->key, n->out) == MIST_OK;
}

static void start(struct mist *n, mist_time now)
{
    struct addr local;
    bool socket = mux_local(n->mux, ADDR_V4, &local) || mux_local(n->mux, ADDR_V6, &local);
    if (n->join.state == JOIN_WAITING && socket)
        timers_set(&n->timers, TIMER_JOIN, now);
}

void join_bootstrap(struct mist *n, mist_time now, const struct addr *a)
{
    struct join *j = &n->join;
    if (j->count < JOIN_BOOTSTRAPS)
        j->bootstraps[j->count++] = *a;
    start(n, now);
}

void join_socket(struct mist *n, mist_time now)
{
    n->join.started = now;
    start(n, now);
}

static void wait_and_retry(struct mist *n, mist_time now)
{
    mist_time wait = n->join.tries < 6 ? JOIN_RETRY << n->join.tries : JOIN_RETRY_MOST;
    if (n->join.tries < 6)
        n->join.tries++;
    n->join.state = JOIN_WAITING;
    timers_set(&n->timers, TIMER_JOIN, now + rng_around(&n->rng, wait, 20));
}

static void open_next(struct mist *n, mist_time now)
{
    struct join *j = &n->join;
    struct contact c = {.addr = j->bootstraps[j->next]};
    j->next = (uint8_t)((j->next + 1) % j->count);
    j->state = JOIN_BOOTSTRAP;
    j->through = c;
    reach_contact(&n->reach, &c.addr);
    j->link = mux_open(n->mux, now, &c, n->out);
    if (j->link == 0)
        wait_and_retry(n, now);
}

static void look_for_neighbours(struct mist *n, mist_time now)
{
    timers_set(&n->timers, TIMER_JOIN, MIST_NEVER);
    n->join.state = JOIN_LOOKUP;
    if (node_lookup(n, now, mux_self(n->mux), OWNER_JOIN) != MIST_OK)
        wait_and_retry(n, now);
}

void join_timer(struct mist *n, mist_time now)
{
    struct join *j = &n->join;
    if (j->state == JOIN_MORE)
        look_for_neighbours(n, now);
    if (j->state == JOIN_DONE && kad_count(n->kad) >= KAD_K)
        joined(n, now); /* well placed: look again later */
    else if (j->state == JOIN_DONE)
        j->state = JOIN_WAITING;
    if (j->state != JOIN_WAITING)
        return;
    if (j->count > 0) {
        if (j->tries == 0)
            j->next = (uint8_t)rng_below(&n->rng, j->count);
        open_next(n, now);
    } else if (n->config.assume == REACH_PUBLIC) {
        reach_ask(&n->reach, now, 0, n->out); /* the first of its overlay: alone, and in it */
        joined(n, now);
        want_name(n);
    }
}

/* One of the entrances of JOIN_MORE answered or failed. */
static void one_less(struct mist *n, mist_time now, const struct addr *a)
{
    struct join *j = &n->join;
    for (uint32_t i = 0; j->state == JOIN_MORE && i < j->count; i++) {
        if (addr_equal(&j->bootstraps[i], a) && --j->awaited == 0)
            timers_set(&n->timers, TIMER_JOIN, now); /* its HELLO is still to be read */
    }
}

void join_link_up(struct mist *n, mist_time now, mist_link link, const struct contact *contact)
{
    struct join *j = &n->join;
    one_less(n, now, &contact->addr);
    if (j->state != JOIN_BOOTSTRAP ||
        (link != j->link && !addr_equal(&contact->addr, &j->through.addr)))
        return;
    j->through = *contact;
    j->state = JOIN_REACH;
    if (n->reach.decided)
        join_verdict(n, now);
    else
        reach_ask(&n->reach, now, link, n->out);
}

void join_link_failed(struct mist *n, mist_time now, mist_link link, const struct addr *a)
{
    one_less(n, now, a);
    if (n->join.state == JOIN_BOOTSTRAP && link == n->join.link)
        wait_and_retry(n, now);
}

void join_verdict(struct mist *n, mist_time now)
{
    struct join *j = &n->join;
    if (j->state != JOIN_REACH)
        return;
    j->state = JOIN_MORE;
    j->awaited = 0;
    for (uint32_t i = 1; i < j->count && i < JOIN_ENTRANCES; i++) {
        struct contact c = {.addr = j->bootstraps[j->next]};
        j->next = (uint8_t)((j->next + 1) % j->count);
        reach_contact(&n->reach, &c.addr);
        if (mux_open(n->mux, now, &c, n->out) != 0)
            j->awaited++;
    }
    timers_set(&n->timers, TIMER_JOIN, j->awaited == 0 ? now : now + JOIN_MORE_LIMIT);
}

void join_looked(struct mist *n, mist_time now, uint32_t answers)
{
    struct join *j = &n->join;
    if (j->state != JOIN_LOOKUP)
        return;
    if (answers == 0) {
        wait_and_retry(n, now);
        return;
    }
    j->state = JOIN_NAME;
    want_name(n);
    if (j->joined || j->held || !j->wanted)
        joined(n, now);
}

void join_lonely(struct mist *n, mist_time now)
{
    struct join *j = &n->join;
    if ((j->state != JOIN_DONE && j->state != JOIN_NAME) || j->count == 0 || kad_count(n->kad) > 0)
        return;
    j->tries = 0;
    wait_and_retry(n, now);
}

void join_subscribed(struct mist *n, mist_time now, uint32_t holders)
{
    n->join.held = holders > 0;
    if (n->join.state == JOIN_NAME && n->join.held)
        joined(n, now);
}

int join_name(struct mist *n, const uint8_t *name, size_t length)
{
    struct join *j = &n->join;
    if (j->named)
        return MIST_ERR_STATE;
    uint8_t key[WIRE_ID];
    node_name_key(key, name, length);
    if (j->state == JOIN_DONE) {
        int error = pubsub_want(n->pubsub, NAME_TOPIC, key, n->out);
        if (error != MIST_OK)
            return error;
        j->wanted = true;
    }
    memcpy(j->key, key, WIRE_ID);
    j->named = true;
    return MIST_OK;
}
