
#include <string.h>

#include "stack/check.h"
#include "stack/survey_parts.h"

#define SURVEY_SOON  MS(500)
#define SURVEY_AGAIN MINUTES(10) /* verdicts expire; NATs are replaced far less often */
#define SURVEY_LATER SEC(20)     /* too few peers, or nobody was found to knock */
#define SURVEY_CALM  MINUTES(1)  /* a peer's word sets off no more than one in this time */
#define SURVEY_TRIES 2           /* against loss */
#define ANSWER_WAIT  MS(800)     /* above the p99 round trip of wired hosts (PlanetLab) */
#define KNOCK_WAIT   MS(1200)    /* three one-way trips: reach.c */
#define TURN_WAIT    MS(400)
#define FAR_PEERS    4 /* asked for a knock; four liars of ten are 10^-4 */
#define TURN_PEERS   5 /* asked from their other ports; three liars of five, a tenth lying: 0.9 % */

void survey_init(struct survey *s, struct rng *rng, struct timers *timers, struct sockets *sockets,
                 uint32_t timer)
{
    s->rng = rng;
    s->timers = timers;
    s->sockets = sockets;
    s->timer = timer;
}

static void wait(struct survey *s, mist_time at)
{
    timers_set(s->timers, s->timer, at);
}

void survey_wake(struct survey *s, mist_time now)
{
    if (s->off || s->until != 0)
        return;
    s->until = now + SURVEY_SOON;
    wait(s, s->until);
}

void survey_seen(struct survey *s, mist_time now, const struct addr *seen)
{
    if (!s->known || s->step != SURVEY_IDLE || seen->family != s->outside.family ||
        addr_same_ip(seen, &s->outside) || s->nature.pooling == NATURE_ARBITRARY)
        return;
    mist_time at = s->began + SURVEY_CALM > now ? s->began + SURVEY_CALM : now;
    if (at < s->until) {
        s->until = at;
        wait(s, at);
    }
}

/* ---- asking ---- */

static void ask_where(struct survey *s, mist_link link, const struct addr *to, uint32_t socket,
                      uint32_t request, struct out *out)
{
    struct msg m = {.type = MSG_WHERE, .request = request};
    s->packets++;
    out_probe_from(out, link, to, socket, 0, &m);
}

static void ask_knock(struct survey *s, mist_link link, uint8_t type, uint32_t channel,
                      const uint8_t *filter, struct out *out)
{
    struct msg m = {.type = type, .request = channel, .number = s->nonce, .bytes = filter};
    s->packets++;
    out_send(out, link, &m);
}

static uint32_t token(struct survey *s)
{
    return rng_u32(s->rng) | 1; /* 0: not asked */
}

/* ---- the steps ---- */

void survey_before(struct survey *s, bool came, bool kept_out)
{
    s->stranger_came = came;
    s->stranger_stayed = kept_out;
}

void survey_peer(struct survey *s, mist_link link, const struct addr *at)
{
    CHECK(s->peer_count < SURVEY_PEERS);
    s->peers[s->peer_count++] = (struct survey_peer){.link = link, .at = *at};
}

static void look(struct survey *s, mist_time now, struct out *out)
{
    for (uint32_t i = 0; i < s->peer_count; i++) {
        struct survey_peer *p = &s->peers[i];
        if (p->request == 0)
            p->request = token(s);
        if (p->seen.family == ADDR_NONE)
            ask_where(s, p->link, &p->at, 0, p->request, out);
    }
    s->tries++;
    wait(s, now + ANSWER_WAIT);
}

void survey_begin(struct survey *s, mist_time now, const struct addr *local, struct out *out)
{
    if (s->peer_count < SURVEY_ENOUGH || local->family == ADDR_NONE) {
        s->until = now + rng_around(s->rng, SURVEY_LATER, 20);
        wait(s, s->until);
        return;
    }
    s->step = SURVEY_LOOK;
    s->family = local->family;
    look(s, now, out);
}

static void reset(struct survey *s, mist_time now)
{
    s->tries = s->peer_count = s->burst_count = s->burst_failures = 0;
    s->burst_peer = s->shot_count = 0;
    s->far_came = s->near_came = s->turned_came = false;
    s->packets = 0;
    s->began = now;
    s->nonce = rng_u64(s->rng);
}

/* How many peers see the main socket where peers[i] does, itself included. */
static uint32_t agreeing(const struct survey *s, uint32_t i)
{
    uint32_t votes = 0;
    for (uint32_t j = 0; j < s->peer_count; j++)
        votes += addr_equal(&s->peers[i].seen, &s->peers[j].seen);
    return votes;
}

/* Where the mapping depends on who looks, each sees another endpoint; where it does not,
 * most see one that others see too.  That holds until half of them lie, whether liars
 * agree or not. */
static void judge_mapping(struct survey *s)
{
    uint32_t answers = 0, shared = 0, best = 0, best_of = 0;
    for (uint32_t i = 0; i < s->peer_count; i++) {
        if (s->peers[i].seen.family == ADDR_NONE)
            continue;
        uint32_t votes = agreeing(s, i);
        answers++;
        shared += votes > 1;
        if (votes > best) {
            best = votes;
            best_of = i;
        }
    }
    uint8_t former = s->nature.mapping;
    s->nature.mapping = NATURE_MAPPING_UNKNOWN;
    s->confidence[NATURE_KNOB_MAPPING] = 0;
    s->told_apart = false;
    if (answers < SURVEY_ENOUGH)
        return;
    bool same = 2 * shared > answers;
    s->outside = s->peers[best_of].seen;
    s->nature.mapping = same ? NATURE_EIM : NATURE_APDM; /* or adm: judge_turn */
    if (!same && former > NATURE_EIM) { /* the other ports are written to once, see knock */
        s->nature.mapping = former;
        s->told_apart = true;
    }
    s->confidence[NATURE_KNOB_MAPPING] =
        (uint8_t)(100 * (same ? best : answers - shared) / answers);
}

/* A filter entry may live as long as its mapping: what was written to once counts
 * for ever. */
static bool has_hole(const struct survey *s, const struct addr *second)
{
    for (uint32_t i = 0; i < SURVEY_SECONDS; i++) {
        if (addr_equal(&s->seconds[i], second))
            return true;
    }
    return false;
}

static struct addr second_of(const struct survey_peer *p)
{
    struct addr second = p->at;
    second.port = p->second;
    return second;
}

static void knock(struct survey *s, mist_time now, const uint8_t *filter, struct out *out)
{
    uint32_t far = 0, near = 0;
    for (uint32_t i = 0; i < s->peer_count; i++) {
        struct survey_peer *p = &s->peers[i];
        struct addr second = second_of(p);
        if (p->seen.family == ADDR_NONE)
            continue;
        if (far++ < FAR_PEERS && !s->far_came) {
            p->far = p->far == 0 ? token(s) : p->far;
            ask_knock(s, p->link, MSG_REACH, p->far, filter, out);
        }
        if (p->second == 0 || near++ >= FAR_PEERS || s->near_came || has_hole(s, &second))
            continue;
        p->near = p->near == 0 ? token(s) : p->near;
        ask_knock(s, p->link, MSG_SECOND, p->near, NULL, out);
    }
    s->tries++;
    wait(s, now + KNOCK_WAIT);
}

static void judge_filtering(struct survey *s)
{
    uint32_t far = s->stranger_stayed, near = 0;
    for (uint32_t i = 0; i < s->peer_count; i++) {
        far += s->peers[i].far_promised;
        near += s->peers[i].near_promised;
    }
    s->far_came |= s->stranger_came;
    uint8_t *confidence = &s->confidence[NATURE_KNOB_FILTERING];
    *confidence /= 2; /* nobody was found to knock: the former verdict fades */
    if (*confidence == 0)
        s->nature.filtering = NATURE_FILTERING_UNKNOWN;
    if (s->far_came) {
        s->nature.filtering = NATURE_EIF;
        *confidence = 100; /* an open path is a proof */
    } else if (far > 0 && s->near_came) {
        s->nature.filtering = NATURE_ADF;
        *confidence = (uint8_t)(far >= 3 ? 99 : far == 2 ? 95 : 80);
    } else if (near > 0 && !s->near_came) { /* an open filter would let that one in, too */
        s->nature.filtering = NATURE_APDF;
        *confidence = (uint8_t)(near >= 3 ? 99 : near == 2 ? 95 : 80);
    }
}

/* ---- bursts of fresh sockets ---- */

/* Another peer than for the last burst, among those that answered. */
static struct survey_peer *next_peer(struct survey *s)
{
    for (uint32_t i = 0; i < s->peer_count; i++) {
        struct survey_peer *p = &s->peers[(s->burst_peer + i) % s->peer_count];
        if (p->seen.family == ADDR_NONE)
            continue;
        s->burst_peer = (uint8_t)((s->burst_peer + i + 1) % s->peer_count);
        return p;
    }
    return NULL;
}

static void close_shots(struct survey *s, struct out *out)
{
    for (uint32_t i = 0; i < s->shot_count; i++)
        sockets_close(s->sockets, s->shots[i].socket, out);
    s->shot_count = 0;
}

static void start_burst(struct survey *s, mist_time now, struct out *out)
{
    close_shots(s, out);
    s->tries = 0;
    for (uint32_t i = 0; i < SURVEY_SHOTS; i++) {
        uint32_t socket = sockets_want(s->sockets, s->family, SOCKET_FOR_REACH, 0, out);
        if (socket != 0)
            s->shots[s->shot_count++] = (struct survey_shot){.socket = socket};
    }
    wait(s, now + ANSWER_WAIT);
}

static void shoot(struct survey *s, mist_time now, struct out *out)
{
    struct survey_peer *p = s->tries == 0 ? next_peer(s) : NULL;
    if (s->tries == 0)
        s->bursts[s->burst_count].at = now;
    if (p == NULL) /* again to the same: every port has its mapping already */
        p = &s->peers[(s->burst_peer + s->peer_count - 1u) % s->peer_count];
    for (uint32_t i = 0; i < s->shot_count; i++) {
        struct survey_shot *shot = &s->shots[i];
        if (shot->request == 0)
            shot->request = token(s);
        if (shot->seen.family == ADDR_NONE)
            ask_where(s, p->link, &p->at, shot->socket, shot->request, out);
    }
    s->tries++;
    wait(s, now + ANSWER_WAIT);
}

void survey_socket(struct survey *s, mist_time now, uint32_t socket, struct out *out)
{
    if (s->step != SURVEY_PORTS || s->tries > 0)
        return;
    for (uint32_t i = 0; i < s->shot_count; i++) {
        if (sockets_local(s->sockets, s->shots[i].socket, s->family) == NULL)
            return; /* all of them, then at once */
    }
    if (s->shot_count > 0 && s->shots[s->shot_count - 1].socket == socket)
        shoot(s, now, out);
}

/* ---- hairpin, and the other ports ---- */

static void turn(struct survey *s, mist_time now, struct out *out)
{
    s->turn_channel = s->tries == 0 ? token(s) : s->turn_channel;
    for (uint32_t i = 0; i < 2 && s->shot_count >= 2; i++) {
        struct effect e = {.kind = EFFECT_TURN,
                           .addr = s->shots[1 - i].seen,
                           .socket = s->shots[i].socket,
                           .value = s->turn_channel,
                           .number = s->nonce};
        s->packets++;
        if (e.addr.family != ADDR_NONE)
            out_effect(out, &e);
    }
    uint32_t asked = 0;
    for (uint32_t i = 0; i < s->peer_count && s->nature.mapping == NATURE_APDM && !s->told_apart;
         i++) {
        struct survey_peer *p = &s->peers[i];
        struct addr second = second_of(p);
        if (p->second == 0 || p->seen.family == ADDR_NONE || agreeing(s, i) > 1)
            continue; /* who shares what depends on who looks is a liar */
        if (asked++ == TURN_PEERS)
            break;
        if (s->tries == 0) {
            p->request = token(s);
            s->seconds[s->second_next] = second;
            s->second_next = (s->second_next + 1) % SURVEY_SECONDS;
        }
        if (p->second_seen.family == ADDR_NONE)
            ask_where(s, p->link, &second, 0, p->request, out);
    }
    s->tries++;
    wait(s, now + (s->tries == SURVEY_TRIES ? ANSWER_WAIT : TURN_WAIT));
}

static void judge_turn(struct survey *s)
{
    uint32_t same = 0, answers = 0;
    for (uint32_t i = 0; i < s->peer_count; i++) {
        const struct survey_peer *p = &s->peers[i];
        answers += p->second_seen.family != ADDR_NONE;
        same += p->second_seen.family != ADDR_NONE && addr_equal(&p->second_seen, &p->seen);
    }
    if (s->nature.mapping == NATURE_APDM && !s->told_apart && 2 * same > answers)
        s->nature.mapping = NATURE_ADM;
    s->nature.hairpin = s->turned_came       ? NATURE_HAIRPIN_ON
                        : s->shot_count >= 2 ? NATURE_HAIRPIN_OFF
                                             : NATURE_HAIRPIN_UNKNOWN;
    s->confidence[NATURE_KNOB_HAIRPIN] = s->turned_came ? 100 : 80;
}

static void finish(struct survey *s, mist_time now, struct out *out)
{
    char text[NATURE_TEXT];
    bool all = s->nature.mapping != 0 && s->nature.filtering != 0 && s->nature.ports != 0;
    s->step = SURVEY_IDLE;
    s->known = true;
    s->retries = (uint8_t)(all ? 0 : s->retries + 1);
    mist_time again = all || s->retries > 4 ? SURVEY_AGAIN : SURVEY_LATER << s->retries;
    s->until = now + rng_around(s->rng, again, 10);
    close_shots(s, out);
    wait(s, s->until);
    for (enum nature_knob k = NATURE_KNOB_MAPPING; k < NATURE_KNOBS; k++)
        out_fact(out, FACT_NATURE, NULL, NULL, 10 * (int)k + nature_of(&s->nature, k),
                 s->confidence[k]);
    uint32_t length = (uint32_t)nature_text(&s->nature, s->confidence, text);
    out_event(out, &(struct mist_event){.kind = MIST_EVENT_NATURE,
                                        .count = s->packets,
                                        .rtt = now - s->began,
                                        .length = length,
                                        .bytes = (const uint8_t *)text});
}

/* The burst had its time: the next one, or the end of bursts. */
static void end_burst(struct survey *s, mist_time now, struct out *out)
{
    if (survey_read_burst(s))
        s->burst_count++;
    else
        s->burst_failures++;
    if (!survey_ports_known(s) && s->burst_count + s->burst_failures < SURVEY_BURSTS) {
        start_burst(s, now, out);
        return;
    }
    survey_judge_ports(s);
    s->step = SURVEY_TURN;
    s->tries = 0;
    turn(s, now, out);
}

/* A step's time is over: what it found, and the next one. */
static void next_step(struct survey *s, mist_time now, const uint8_t *filter, struct out *out)
{
    uint8_t tries = s->tries;
    s->tries = 0;
    if (s->step == SURVEY_LOOK) {
        judge_mapping(s);
        s->step = SURVEY_KNOCK;
        knock(s, now, filter, out);
    } else if (s->step == SURVEY_KNOCK) {
        judge_filtering(s);
        s->step = SURVEY_PORTS;
        start_burst(s, now, out);
    } else if (s->step == SURVEY_PORTS) {
        s->tries = tries;
        end_burst(s, now, out);
    } else {
        judge_turn(s);
        finish(s, now, out);
    }
}

static bool burst_is_complete(const struct survey *s)
{
    for (uint32_t i = 0; i < s->shot_count; i++) {
        if (s->shots[i].seen.family == ADDR_NONE)
            return false;
    }
    return s->shot_count > 0;
}

static bool look_is_complete(const struct survey *s)
{
    for (uint32_t i = 0; i < s->peer_count; i++) {
        if (s->peers[i].seen.family == ADDR_NONE)
            return false;
    }
    return true;
}

int survey_timer(struct survey *s, mist_time now, const uint8_t filter[WIRE_FILTER],
                 struct out *out)
{
    if (s->step == SURVEY_IDLE) {
        reset(s, now);
        return 1;
    }
    bool done = (s->step == SURVEY_LOOK && look_is_complete(s)) ||
                (s->step == SURVEY_KNOCK && s->far_came) ||
                (s->step == SURVEY_PORTS && (burst_is_complete(s) || s->shot_count == 0));
    if (done || s->tries >= SURVEY_TRIES || (s->step == SURVEY_PORTS && s->tries == 0))
        next_step(s, now, filter, out);
    else if (s->step == SURVEY_LOOK)
        look(s, now, out);
    else if (s->step == SURVEY_KNOCK)
        knock(s, now, filter, out);
    else if (s->step == SURVEY_PORTS)
        shoot(s, now, out);
    else
        turn(s, now, out);
    return 0;
}

/* ---- answers ---- */

static bool believable(const struct survey *s, const struct addr *seen)
{
    return seen->family == s->family && seen->port != 0;
}

void survey_here(struct survey *s, mist_time now, mist_link link, const struct msg *here)
{
    if (s->step == SURVEY_IDLE || here->request == 0 || !believable(s, &here->addr))
        return;
    for (uint32_t i = 0; i < s->shot_count; i++) {
        struct survey_shot *shot = &s->shots[i];
        if (s->step != SURVEY_PORTS || shot->request != here->request ||
            shot->seen.family != ADDR_NONE)
            continue;
        shot->seen = here->addr;
        if (burst_is_complete(s))
            wait(s, now);
    }
    for (uint32_t i = 0; i < s->peer_count; i++) {
        struct survey_peer *p = &s->peers[i];
        if (p->link != link || p->request != here->request)
            continue;
        if (s->step == SURVEY_LOOK && p->seen.family == ADDR_NONE) {
            p->seen = here->addr;
            p->second = here->port == p->at.port ? 0 : here->port;
            if (look_is_complete(s))
                wait(s, now);
        } else if (s->step == SURVEY_TURN) {
            p->second_seen = here->addr;
        }
    }
}

void survey_promised(struct survey *s, uint32_t channel)
{
    for (uint32_t i = 0; i < s->peer_count && s->step == SURVEY_KNOCK && channel != 0; i++) {
        s->peers[i].far_promised |= s->peers[i].far == channel;
        s->peers[i].near_promised |= s->peers[i].near == channel;
    }
}

void survey_knocked(struct survey *s, const struct addr *from, uint32_t channel, uint64_t nonce,
                    bool contacted)
{
    if (s->step == SURVEY_IDLE || nonce != s->nonce || channel == 0)
        return;
    if (s->step == SURVEY_TURN && channel == s->turn_channel)
        s->turned_came = true;
    for (uint32_t i = 0; i < s->peer_count && s->step == SURVEY_KNOCK; i++) {
        struct addr second = second_of(&s->peers[i]);
        if (s->peers[i].far == channel && !contacted)
            s->far_came = true;
        if (s->peers[i].near == channel && addr_equal(from, &second))
            s->near_came = true;
    }
}
