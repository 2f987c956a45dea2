#include "stack/reach.h"

#include <string.h>

#include "stack/check.h"

#define REACH_WAIT   MS(1200) /* a knock is three one-way trips: 1.2 s covers p99 (PlanetLab) */
#define REACH_TRIES  2        /* against loss */
#define REACH_AGAIN  MINUTES(5)
#define REACH_SOON   SEC(1)  /* the peers have moved to the new port by then */
#define REACH_MISSES 2       /* failed checks that take a positive verdict back */
#define SAME_TIME    SEC(10) /* longer apart, a NAT may have rebound in between */
#define KNOCK_EVERY  MS(50)
#define KNOCK_BURST  MS(1000)

void reach_init(struct reach *r, enum reach_assume assume, struct rng *rng, struct timers *timers,
                uint32_t timer)
{
    r->assume = assume;
    r->rng = rng;
    r->timers = timers;
    r->timer = timer;
}

/* FNV-1a over the address without its port: the filter crosses the wire, so
 * both ends must agree on it.  Two bits of it per address. */
static uint32_t address_hash(const struct addr *a)
{
    uint32_t hash = 2166136261u;
    for (int i = 0; i < 16; i++)
        hash = (hash ^ a->ip[i]) * 16777619u;
    return (hash ^ a->family) * 16777619u;
}

void reach_contact(struct reach *r, const struct addr *a)
{
    if (a->family == ADDR_RELAY)
        return;
    uint32_t hash = address_hash(a);
    for (int i = 0; i < 2; i++, hash >>= 16)
        r->contacted[hash % (8 * WIRE_FILTER) / 8] |= (uint8_t)(1u << (hash % 8));
}

bool reach_contacted(const uint8_t filter[WIRE_FILTER], const struct addr *a)
{
    uint32_t hash = address_hash(a);
    for (int i = 0; i < 2; i++, hash >>= 16) {
        if ((filter[hash % (8 * WIRE_FILTER) / 8] >> (hash % 8) & 1) == 0)
            return false;
    }
    return true;
}

/* Where most observers see this node, whatever the port: behind a NAT with a mapping for
 * each remote honest observers agree on no more. */
static struct addr most_seen_ip(const struct reach *r, uint8_t family)
{
    struct addr best = {0};
    uint32_t best_votes = 0;
    for (uint32_t i = 0; i < r->report_count; i++) {
        uint32_t votes = 0;
        for (uint32_t j = 0; j < r->report_count; j++)
            votes += addr_same_ip(&r->reports[i].seen, &r->reports[j].seen);
        if (r->reports[i].seen.family != family || votes <= best_votes)
            continue;
        best = r->reports[i].seen;
        best_votes = votes;
    }
    return best;
}

struct addr reach_address(const struct reach *r, uint8_t family)
{
    struct addr best = {0}, ip = most_seen_ip(r, family);
    uint32_t best_votes = 0;
    mist_time best_at = 0;
    for (uint32_t i = 0; i < r->report_count; i++) {
        const struct reach_report *a = &r->reports[i];
        uint32_t votes = 0;
        mist_time at = 0;
        if (!addr_same_ip(&a->seen, &ip))
            continue;
        for (uint32_t j = 0; j < r->report_count; j++) {
            if (!addr_equal(&a->seen, &r->reports[j].seen))
                continue;
            votes++;
            at = r->reports[j].at > at ? r->reports[j].at : at;
        }
        if (votes > best_votes || (votes == best_votes && at > best_at)) {
            best = a->seen;
            best_votes = votes;
            best_at = at;
        }
    }
    return best;
}

static void verdict(struct reach *r, mist_time now, bool reachable, struct out *out)
{
    r->channel = 0;
    r->misses = (uint8_t)(reachable ? 0 : r->misses + 1);
    timers_set(r->timers, r->timer, now + rng_around(r->rng, REACH_AGAIN, 10));
    if (r->decided && r->reachable && !reachable && r->misses < REACH_MISSES)
        return;
    if (r->decided && r->reachable == reachable)
        return;
    r->decided = true;
    r->reachable = reachable;
    out_fact(out, FACT_REACHABLE, NULL, NULL, reachable, 0);
    out_effect(out, &(struct effect){.kind = EFFECT_VERDICT, .value = reachable});
}

static void remember(struct reach *r, const struct reach_report *report)
{
    for (uint32_t i = 0; i < r->report_count; i++) {
        if (addr_same_ip(&r->reports[i].observer, &report->observer)) {
            r->reports[i] = *report;
            return;
        }
    }
    r->reports[r->report_next] = *report;
    r->report_next = (r->report_next + 1) % REACH_OBSERVERS;
    if (r->report_count < REACH_OBSERVERS)
        r->report_count++;
}

/* Do most observers of one time and family disagree?  Three at least, so that no
 * single liar decides. */
static bool depends_on_observer(const struct reach *r, mist_time now, uint8_t family)
{
    uint32_t observers = 0, agree = 0;
    for (uint32_t i = 0; i < r->report_count; i++) {
        const struct reach_report *p = &r->reports[i];
        uint32_t same = 0;
        if (p->seen.family != family || now - p->at > SAME_TIME)
            continue;
        observers++;
        for (uint32_t j = 0; j < r->report_count; j++)
            same +=
                now - r->reports[j].at <= SAME_TIME && addr_equal(&p->seen, &r->reports[j].seen);
        agree = same > agree ? same : agree;
    }
    return observers >= 3 && agree <= observers / 2;
}

void reach_seen(struct reach *r, mist_time now, const struct addr *observer,
                const struct addr *seen, struct out *out)
{
    if ((seen->family != ADDR_V4 && seen->family != ADDR_V6) ||
        (addr_is_global(observer) && !addr_is_global(seen)))
        return; /* who is outside cannot see a private address */
    remember(r, &(struct reach_report){*observer, *seen, now});
    if (r->assume != REACH_AUTO || !r->reachable || !depends_on_observer(r, now, seen->family))
        return;
    r->misses = REACH_MISSES;
    verdict(r, now, false, out);
}

void reach_ask(struct reach *r, mist_time now, mist_link link, struct out *out)
{
    if (r->assume != REACH_AUTO) {
        verdict(r, now, r->assume == REACH_PUBLIC, out);
        return;
    }
    if (r->channel == 0) {
        r->tries = 0;
        r->promised = false;
        r->nonce = rng_u64(r->rng);
        r->channel = rng_u32(r->rng) | 1;
    }
    r->tries++;
    struct msg m = {
        .type = MSG_REACH, .request = r->channel, .number = r->nonce, .bytes = r->contacted};
    out_send(out, link, &m);
    timers_set(r->timers, r->timer, now + REACH_WAIT);
}

void reach_again(struct reach *r, mist_time now)
{
    if (r->decided && r->channel == 0)
        timers_set(r->timers, r->timer, now + REACH_SOON);
}

void reach_promised(struct reach *r, uint32_t channel)
{
    if (r->channel != 0 && channel == r->channel)
        r->promised = true;
}

void reach_knocked(struct reach *r, mist_time now, const struct addr *from, uint32_t channel,
                   uint64_t nonce, struct out *out)
{
    if (r->channel == 0 || channel != r->channel || nonce != r->nonce)
        return;
    if (reach_contacted(r->contacted, from))
        return; /* through a hole of our own making: says nothing */
    r->let_in = true;
    r->kept_out = false;
    verdict(r, now, !depends_on_observer(r, now, from->family), out);
}

bool reach_may_knock(const struct reach *r, mist_time now)
{
    return r->knock_budget <= now + KNOCK_BURST;
}

void reach_charge(struct reach *r, mist_time now)
{
    r->knock_budget = (r->knock_budget < now ? now : r->knock_budget) + KNOCK_EVERY;
}

int reach_timer(struct reach *r, mist_time now, struct out *out)
{
    if (r->channel == 0 || r->tries < REACH_TRIES)
        return 1;
    if (r->promised) {
        r->let_in = false;
        r->kept_out = true;
    }
    if (r->promised || !r->decided)
        verdict(r, now, false, out);
    else { /* nobody could be found to knock: nothing learnt */
        r->channel = 0;
        timers_set(r->timers, r->timer, now + REACH_AGAIN);
    }
    return 0;
}
