/* oracle.c: the techniques weighed; see oracle.h. */
#include "sim/oracle.h"

#include <math.h>
#include <string.h>

#include "sim/oracle_formula.h"
#include "stack/check.h"

/* Where more effort is not worth its cost. */
#define ENOUGH 0.999999

#define TECHNIQUE_WORD(name, word) word,
static const char *const technique_words[ORACLE_TECHNIQUES] = {
    ORACLE_TECHNIQUE_LIST(TECHNIQUE_WORD)};

static const char *const limit_words[] = {
    [ORACLE_UNLIMITED] = "none",          [ORACLE_LIMIT_MAPPINGS] = "mappings",
    [ORACLE_LIMIT_PROBES] = "probes",     [ORACLE_LIMIT_TIME] = "time",
    [ORACLE_LIMIT_QUOTA] = "quota",       [ORACLE_LIMIT_RATE] = "rate",
    [ORACLE_LIMIT_CAPACITY] = "capacity", [ORACLE_LIMIT_BLOCK] = "block",
    [ORACLE_LIMIT_RANGE] = "range",       [ORACLE_LIMIT_TIMER] = "timer",
};

const char *oracle_technique_word(enum oracle_technique technique)
{
    CHECK((unsigned)technique < ORACLE_TECHNIQUES);
    return technique_words[technique];
}

const char *oracle_limit_word(enum oracle_limit limit)
{
    CHECK((unsigned)limit < sizeof limit_words / sizeof *limit_words);
    return limit_words[limit];
}

/* Two hosts and what they may spend. */
struct pair {
    const struct oracle_side *sides[2];
    const struct oracle_budget *budget;
    struct oracle_option *options;
};

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void limit(struct oracle_option *o, uint32_t side, enum oracle_limit by)
{
    o->limit = o->p < ENOUGH ? (uint8_t)by : ORACLE_UNLIMITED;
    o->limited = (uint8_t)side;
}

/* Time that so many probes take, at the budget's even pace. */
static mist_time pace(const struct pair *pair, uint32_t probes)
{
    return (mist_time)((double)pair->budget->time * probes / pair->budget->probes);
}

/* Probes towards a side's holes, which may end before the time is up. */
static uint32_t useful_probes(const struct pair *pair, uint32_t holder)
{
    mist_time life = pair->sides[holder]->life;
    if (life >= pair->budget->time)
        return pair->budget->probes;
    return (uint32_t)((double)pair->budget->probes * (double)life / (double)pair->budget->time);
}

/* Different ports of the holder that the other side can probe: a dependent box
 * that keeps its port makes a mapping for each all the same. */
static uint32_t probable_ports(const struct pair *pair, uint32_t holder)
{
    uint32_t k = smaller(useful_probes(pair, holder), pair->sides[holder]->places);
    return smaller(k, pair->sides[!holder]->sessions);
}

static uint32_t mappings_of_probes(const struct oracle_side *seeker, uint32_t probes)
{
    return seeker->sessions < UINT32_MAX ? probes : 1;
}

/* What keeps the seeker from more probes. */
static void limit_seeker(const struct pair *pair, struct oracle_option *o, uint32_t s)
{
    bool by_mappings = pair->sides[s]->sessions < useful_probes(pair, !s);
    limit(o, s, by_mappings ? pair->sides[s]->mappings_limit : ORACLE_LIMIT_PROBES);
}

/* Others' new ports between the sight of one and the shot. */
static double drift(const struct oracle_side *side)
{
    return (double)side->foreign_uhz / 1e6 * ((double)ORACLE_AIM / 1e9);
}

static struct oracle_option *take_better(struct pair *pair, enum oracle_technique technique,
                                         const struct oracle_option *o)
{
    struct oracle_option *best = &pair->options[technique];
    if (!best->possible || o->p > best->p)
        *best = *o;
    return best;
}

/* ---- one side hard, the other easy: ports of the holder are sought ---- */

/* The holder opens `opened` ports one after the other, so that one of them is
 * at the address that is probed; they lie in a window of so many guesses unless
 * others took too many before, or hold those in it. */
static double predict(const struct oracle_side *holder, uint32_t opened, uint32_t window)
{
    if (window < opened)
        return 0;
    uint32_t spare = window - opened + 1;
    return oracle_poisson_below(drift(holder), spare) * oracle_once(1 - holder->taken, spare) *
           oracle_once(1.0 / holder->addresses, opened);
}

/* The counter's next port is the host's own. */
static double predict_next(const struct oracle_side *side)
{
    return exp(-drift(side)) * (1 - side->taken) / side->addresses;
}

static uint32_t ports_to_open(const struct oracle_side *holder)
{
    uint32_t opened = 1;
    while (opened < holder->mappings && holder->addresses > 1 &&
           oracle_once(1.0 / holder->addresses, opened) < ENOUGH)
        opened++;
    return opened;
}

/* The smallest window that is good enough, else the largest. */
static uint32_t window_for(const struct oracle_side *holder, uint32_t opened, uint32_t most)
{
    uint32_t window = smaller(opened, most);
    double wanted = ENOUGH * oracle_once(1.0 / holder->addresses, opened);
    while (window < most && predict(holder, opened, window) < wanted)
        window++;
    return window;
}

static void weigh_prediction(struct pair *pair, uint32_t h)
{
    const struct oracle_side *holder = pair->sides[h];
    uint32_t most = probable_ports(pair, h);
    if (holder->mappings == 0 || most == 0)
        return;
    uint32_t opened = ports_to_open(holder), window = window_for(holder, opened, most);
    struct oracle_option o = {.possible = true, .holder = (uint8_t)h};
    o.p = predict(holder, opened, window);
    o.mappings[h] = opened + 2; /* two more show the step */
    o.mappings[!h] = mappings_of_probes(pair->sides[!h], window);
    o.probes[h] = opened * holder->refreshes + 2;
    o.probes[!h] = window;
    o.time = ORACLE_AIM + pace(pair, window);
    limit_seeker(pair, &o, !h);
    if (holder->life < pair->budget->time)
        limit(&o, h, ORACLE_LIMIT_TIMER);
    take_better(pair, ORACLE_PREDICTION, &o);
}

static void weigh_spray(struct pair *pair, uint32_t h)
{
    const struct oracle_side *holder = pair->sides[h];
    uint32_t k = probable_ports(pair, h), m = holder->mappings;
    struct oracle_option o = {.possible = true, .holder = (uint8_t)h};
    o.p = oracle_birthday_spread(holder->places, holder->addresses, m, k);
    o.mappings[h] = m;
    o.mappings[!h] = mappings_of_probes(pair->sides[!h], k);
    o.probes[h] = m * holder->refreshes;
    o.probes[!h] = k;
    o.time = pace(pair, k);
    if (holder->life < pair->budget->time)
        limit(&o, h, ORACLE_LIMIT_TIMER);
    else if (holder->mappings_limit != ORACLE_LIMIT_MAPPINGS)
        limit(&o, h, holder->mappings_limit);
    else
        limit_seeker(pair, &o, !h);
    take_better(pair, holder->block ? ORACLE_BLOCK_SPRAY : ORACLE_SPRAY, &o);
}

/* ---- both hard ---- */

/* Each measures, and both aim at the other's next port at the same time; again
 * and again with new ports. */
static void weigh_one_shot(struct pair *pair)
{
    const struct oracle_side *a = pair->sides[0], *b = pair->sides[1];
    double p = predict_next(a) * predict_next(b);
    uint32_t by_time = (uint32_t)(pair->budget->time / (2 * ORACLE_AIM));
    uint32_t by_mappings = smaller(a->mappings, b->mappings) / 2;
    uint32_t most = smaller(smaller(by_time, by_mappings), pair->budget->probes), shots = 1;
    while (shots < most && oracle_once(p, shots) < ENOUGH)
        shots++;
    struct oracle_option o = {.possible = most > 0};
    o.p = most > 0 ? oracle_once(p, shots) : 0;
    for (int s = 0; s < 2; s++) {
        o.mappings[s] = 2 * shots; /* a sight and a shot */
        o.probes[s] = 2 * shots;
    }
    o.time = shots * 2 * ORACLE_AIM;
    limit(&o, a->mappings > b->mappings, pair->sides[a->mappings > b->mappings]->mappings_limit);
    if (by_time <= by_mappings)
        limit(&o, 0, ORACLE_LIMIT_TIME);
    take_better(pair, ORACLE_ONE_SHOT, &o);
}

/* Different ports that a hard side can send to, twice each, to open and to
 * shoot: a mapping each, unless mappings depend on the address alone. */
static uint32_t sendable(const struct pair *pair, uint32_t s)
{
    const struct oracle_side *side = pair->sides[s];
    uint32_t probes = useful_probes(pair, s) / 2;
    return side->mapping == NAT_APDM ? smaller(side->mappings, probes) : probes;
}

/* The counter's owner h sends to random ports of the other, which sends to the
 * counter's next ports; both let in what they sent to.  Where others count too,
 * some of those ports are theirs. */
static void weigh_sweep(struct pair *pair, uint32_t h)
{
    const struct oracle_side *counting = pair->sides[h], *random = pair->sides[!h];
    uint32_t m = smaller(sendable(pair, 0), sendable(pair, 1));
    m = smaller(m, random->places);
    double rate = pair->budget->probes / ((double)pair->budget->time / 1e9);
    double own = rate / (rate + (double)counting->foreign_uhz / 1e6) * (1 - counting->taken);
    struct oracle_option o = {.possible = m > 0, .holder = (uint8_t)h};
    o.p = oracle_common_cell(m, m, m / own * counting->addresses,
                             (double)random->places * random->addresses);
    o.mappings[0] = o.mappings[1] = m;
    o.probes[0] = o.probes[1] = 2 * m;
    o.time = ORACLE_AIM + pace(pair, 2 * m);
    uint32_t low = pair->sides[0]->mappings > pair->sides[1]->mappings;
    limit(&o, low, pair->sides[low]->mappings_limit);
    take_better(pair, ORACLE_SWEEP, &o);
}

/* Mappings of a hard side for a given peer, and ports of the peer that each
 * lets in: one, or as many as probes go there where the mapping depends on the
 * peer's address alone. */
struct rows {
    uint32_t count, width;
};

static struct rows rows_of(const struct pair *pair, uint32_t s)
{
    const struct oracle_side *side = pair->sides[s], *peer = pair->sides[!s];
    uint32_t sent = sendable(pair, s);
    if (side->mapping == NAT_APDM)
        return (struct rows){smaller(sent, peer->places), 1};
    uint32_t width = smaller(sent, peer->places);
    uint32_t count = width > 0 ? smaller(sent / width, side->mappings) : 0;
    return (struct rows){count, width};
}

/* Endpoints that a mapping may be given. */
static uint32_t endpoints(const struct oracle_side *side)
{
    uint64_t count = (uint64_t)side->places * side->addresses;
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* A mapping of `wide` takes many ports: it is hit by one of `narrow`'s, each of
 * which aims at a port of its own, and must come from one that is taken. */
static double meet_wide(const struct oracle_side *sides[2], struct rows wide, struct rows narrow)
{
    return oracle_birthday(endpoints(sides[0]), wide.count, narrow.count) * wide.width /
           endpoints(sides[1]);
}

/* Of both sides' mappings, do two let each other in? */
static double meet_by_chance(const struct pair *pair, struct rows a, struct rows b)
{
    const struct oracle_side *sides[2] = {pair->sides[0], pair->sides[1]};
    const struct oracle_side *other_way[2] = {pair->sides[1], pair->sides[0]};
    double a_places = endpoints(sides[0]), b_places = endpoints(sides[1]);
    if (a.width <= 1 && b.width <= 1)
        return oracle_common_cell(a.count, b.count, a_places, b_places);
    if (b.width <= 1)
        return meet_wide(sides, a, b);
    if (a.width <= 1)
        return meet_wide(other_way, b, a);
    return oracle_once(a.width / b_places * (b.width / a_places), (double)a.count * b.count);
}

static void weigh_both_random(struct pair *pair)
{
    struct rows rows[2] = {rows_of(pair, 0), rows_of(pair, 1)};
    struct oracle_option o = {.possible = rows[0].count > 0 && rows[1].count > 0};
    o.p = o.possible ? meet_by_chance(pair, rows[0], rows[1]) : 0;
    for (int s = 0; s < 2; s++) {
        o.mappings[s] = rows[s].count;
        o.probes[s] = 2 * rows[s].count * rows[s].width;
    }
    o.time = pace(pair, o.probes[0] > o.probes[1] ? o.probes[0] : o.probes[1]);
    uint32_t low = rows[0].count > rows[1].count;
    limit(&o, low, pair->sides[low]->mappings_limit);
    take_better(pair, ORACLE_BOTH_RANDOM, &o);
}

/* Probes of the other side meet a port of h, whose filter looks at the address at
 * most: the probe is let in.  The probability, if an answer gets back: to a strict
 * prober from the very port that it met. */
static double contact(const struct pair *pair, uint32_t h, uint32_t opened, uint32_t probes)
{
    const struct oracle_side *holder = pair->sides[h], *prober = pair->sides[!h];
    bool answers = holder->answers || holder->mapping != NAT_APDM;
    if (holder->filtering == NAT_APDF || (!answers && prober->filtering == NAT_APDF))
        return 0;
    probes = smaller(probes / prober->addresses, holder->places); /* from the address sent to */
    if (holder->law == ORACLE_SEQUENTIAL)
        return predict(holder, ports_to_open(holder), probes);
    return oracle_birthday_spread(holder->places, holder->addresses, opened, probes);
}

static void weigh_contact(struct pair *pair)
{
    struct oracle_option o = {0};
    double p[2];
    uint32_t opened[2], sent[2];
    for (uint32_t s = 0; s < 2; s++) { /* each socket opens with a datagram, and then probes */
        const struct oracle_side *side = pair->sides[s];
        uint32_t probes = useful_probes(pair, s);
        opened[s] = smaller(side->mappings, probes / 2);
        sent[s] = side->mapping == NAT_APDM ? opened[s] : probes - opened[s];
    }
    for (uint32_t s = 0; s < 2; s++)
        p[s] = contact(pair, s, opened[s], sent[!s]);
    o.p = 1 - (1 - p[0]) * (1 - p[1]);
    o.possible = o.p > 0;
    o.holder = p[1] > p[0];
    for (uint32_t s = 0; s < 2; s++) {
        o.mappings[s] = opened[s];
        o.probes[s] = opened[s] + sent[s];
    }
    o.time = ORACLE_AIM + pace(pair, sent[0] > sent[1] ? sent[0] : sent[1]);
    uint32_t low = opened[0] > opened[1];
    limit(&o, low, pair->sides[low]->mappings_limit);
    if (o.possible)
        take_better(pair, ORACLE_CONTACT, &o);
}

/* ---- all ---- */

static bool is_hard(const struct oracle_side *side)
{
    return side->mapping != NAT_EIM && side->law != ORACLE_KEPT;
}

static void weigh_hard(struct pair *pair)
{
    uint8_t law[2] = {pair->sides[0]->law, pair->sides[1]->law};
    if (law[0] == ORACLE_SEQUENTIAL && law[1] == ORACLE_SEQUENTIAL)
        weigh_one_shot(pair);
    else if (law[0] == law[1])
        weigh_both_random(pair);
    else
        weigh_sweep(pair, law[1] == ORACLE_SEQUENTIAL);
    weigh_contact(pair);
}

static void weigh(struct pair *pair, bool plain, bool reachable)
{
    bool hard[2] = {is_hard(pair->sides[0]), is_hard(pair->sides[1])};
    if (plain) {
        struct oracle_option o = {
            .possible = true, .p = 1, .mappings = {1, 1}, .probes = {4, 4}, .time = 2 * ORACLE_AIM};
        pair->options[ORACLE_PLAIN] = o;
    } else if (reachable && hard[0] && hard[1]) {
        weigh_hard(pair);
    } else if (reachable && hard[0] != hard[1]) {
        uint32_t h = hard[1];
        if (pair->sides[h]->law == ORACLE_SEQUENTIAL)
            weigh_prediction(pair, h);
        weigh_spray(pair, h);
    }
    if (reachable) {
        const uint32_t *u = pair->budget->mapped;
        struct oracle_option *o = &pair->options[ORACLE_MAPPED];
        o->p = 1 - (1 - u[0] / 1e6) * (1 - u[1] / 1e6);
        o->possible = o->p > 0;
    }
}

/* The most probable; of equals the first, which is the cheapest. */
static enum oracle_technique best_of(const struct oracle_option *options)
{
    enum oracle_technique best = ORACLE_NONE;
    for (enum oracle_technique t = ORACLE_PLAIN; t < ORACLE_TECHNIQUES; t++)
        if (options[t].possible && options[t].p > options[best].p)
            best = t;
    return best;
}

/* Can a datagram of one side meet the other side's boxes at all?  Not out of a
 * network without UDP, nor back from a shared box that turns nothing round. */
static bool is_reachable(const struct rule_chain *a, const struct rule_chain *b, uint32_t shared)
{
    for (uint32_t i = 0; i < a->count; i++)
        if (rule_kind(a->boxes[i]).blocked)
            return false;
    for (uint32_t i = 0; i < b->count; i++)
        if (rule_kind(b->boxes[i]).blocked)
            return false;
    for (uint32_t i = 0; i < shared; i++) {
        const struct nat_policy *policy = a->boxes[a->count - 1 - i];
        if (policy->kind != NAT_KIND_FIREWALL)
            return policy->hairpin != NAT_HAIRPIN_OFF;
    }
    return true;
}

static struct oracle_verdict judge_as_it_looks(const struct rule_chain *a,
                                               const struct rule_chain *b, uint32_t shared,
                                               const struct oracle_budget *budget)
{
    struct oracle_side sides[2] = {oracle_side_of(a, budget), oracle_side_of(b, budget)};
    struct oracle_verdict v;
    memset(&v, 0, sizeof v);
    struct pair pair = {{&sides[0], &sides[1]}, budget, v.options};
    weigh(&pair, rule_direct(a, b, shared), is_reachable(a, b, shared));
    v.technique = best_of(v.options);
    v.plain = v.options[ORACLE_PLAIN].p;
    for (enum oracle_technique t = ORACLE_PLAIN; t < ORACLE_MAPPED; t++)
        v.best = v.options[t].p > v.best ? v.options[t].p : v.best;
    v.best = 1 - (1 - v.best) * (1 - v.options[ORACLE_MAPPED].p);
    return v;
}

/* A chain whose preserving dependent boxes have met a clash: from then on they
 * give each remote a new port, the next one or a random one. */
struct clashed {
    struct nat_policy policies[RULE_CHAIN];
    struct rule_chain chain;
};

static void clash(struct clashed *c, const struct rule_chain *chain)
{
    c->chain.count = chain->count;
    for (uint32_t i = 0; i < chain->count; i++) {
        struct nat_policy *policy = &c->policies[i];
        *policy = *chain->boxes[i];
        c->chain.boxes[i] = policy;
        if (oracle_kept(policy) == 1)
            continue;
        policy->ports =
            policy->on_clash == NAT_CLASH_NEXT ? NAT_PORTS_SEQUENTIAL : NAT_PORTS_RANDOM;
        policy->counter = NAT_COUNTER_SUBSCRIBER;
        policy->delta = 1;
    }
}

struct oracle_verdict oracle_judge(const struct rule_chain *a, const struct rule_chain *b,
                                   uint32_t shared, const struct oracle_budget *budget)
{
    struct oracle_verdict v = judge_as_it_looks(a, b, shared, budget);
    double kept[2] = {oracle_side_of(a, budget).kept, oracle_side_of(b, budget).kept};
    if (kept[0] == 1 && kept[1] == 1)
        return v;
    struct clashed clashes[2];
    clash(&clashes[0], a);
    clash(&clashes[1], b);
    v.plain = v.best = 0;
    for (int i = 0; i < 4; i++) {
        double weight = (i & 1 ? 1 - kept[0] : kept[0]) * (i & 2 ? 1 - kept[1] : kept[1]);
        struct oracle_verdict part = judge_as_it_looks(
            i & 1 ? &clashes[0].chain : a, i & 2 ? &clashes[1].chain : b, shared, budget);
        v.plain += weight * part.plain;
        v.best += weight * part.best;
    }
    return v;
}
