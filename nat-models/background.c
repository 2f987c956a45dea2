#include "nat-models/mapping.h"
#include "nat-models/philox.h"
#include "nat-models/ports.h"

/* Other hosts' mappings arrive as a Poisson process that is a pure function of
 * seed and absolute time: time is cut into slots, and the gaps within a slot
 * are drawn by its number, which an exponential's lack of memory allows. */

#define ARRIVALS_PER_SLOT 8

/* After a silence the box catches up with that many arrivals at most. */
#define CATCH_UP 1000000

/* Inside and remote addresses of the others: from 240.0.0.0/4, which RFC 1112
 * reserves, so that they meet nobody. */
#define OTHERS_INSIDE 0xf0000001u
#define OTHERS_REMOTE 0xf0000101u
#define OTHERS_HOSTS  254

/* ---- draws ---- */

static struct nat_philox draws(const struct nat *nat, uint32_t stream)
{
    uint64_t slot = (uint64_t)nat->background.slot;
    struct nat_philox counter = {
        {(uint32_t)slot, (uint32_t)(slot >> 32), nat->background.ordinal, stream}};
    return nat_philox(~nat->seed, counter);
}

/* log2 of an odd draw in units of 2^-24, by squaring: a bit per step. */
static uint64_t log2_fixed(uint32_t draw)
{
    uint64_t x = (uint64_t)draw | 1, result = 31u << 24;
    while (x < UINT64_C(1) << 31) {
        x <<= 1;
        result -= 1u << 24;
    }
    for (uint64_t bit = 1u << 23; bit != 0; bit >>= 1) {
        x = x * x >> 31;
        if (x >= UINT64_C(1) << 32) {
            x >>= 1;
            result += bit;
        }
    }
    return result;
}

/* Exponential with the mean given: -ln(draw / 2^32) of it. */
static mist_time exponential(uint32_t draw, mist_time mean)
{
    uint64_t nats = ((UINT64_C(32) << 24) - log2_fixed(draw)) * 0xb17217f8u >> 32; /* ln 2 */
    uint64_t m = (uint64_t)mean;
    return (mist_time)((m >> 24) * nats + ((m & 0xffffff) * nats >> 24));
}

/* ---- arrivals ---- */

static mist_time mean_gap(const struct nat_policy *policy)
{
    return (mist_time)(UINT64_C(1000000000000000) / policy->background_uhz);
}

/* Moves on to the next arrival. */
static void advance(struct nat *nat)
{
    mist_time gap = mean_gap(&nat->policy), length = gap * ARRIVALS_PER_SLOT;
    struct nat_background *b = &nat->background;
    for (;;) {
        b->at += exponential(draws(nat, 0).word[0], gap);
        b->ordinal++;
        if (b->at < (b->slot + 1) * length)
            return;
        b->slot++;
        b->at = b->slot * length;
        b->ordinal = 0;
    }
}

void nat_background_start(struct nat *nat, mist_time now)
{
    struct nat_background *b = &nat->background;
    b->at = MIST_NEVER;
    if (nat->policy.background_uhz == 0)
        return;
    mist_time length = mean_gap(&nat->policy) * ARRIVALS_PER_SLOT;
    b->slot = now / length;
    b->at = b->slot * length;
    b->ordinal = 0;
    do
        advance(nat);
    while (b->at < now);
}

static void arrive(struct nat *nat, mist_time now)
{
    struct nat_philox d = draws(nat, 1);
    struct addr from = addr_v4(OTHERS_INSIDE + nat_below(d.word[0], OTHERS_HOSTS),
                               (uint16_t)(1024 + nat_below(d.word[1], 64512)));
    struct addr to = addr_v4(OTHERS_REMOTE + nat_below(d.word[2], OTHERS_HOSTS), 443);
    struct nat_endpoint inside = nat_endpoint(&from, NAT_UDP), remote = nat_endpoint(&to, NAT_UDP);
    struct nat_place place = {.rule = nat->policy.mapping, .flags = NAT_OTHERS};
    place.end = now + exponential(d.word[3], nat->policy.background_life);
    if (nat_mapping_find(nat, place.rule, &inside, &remote) == 0 &&
        nat_room_for(nat, now, &inside) == NAT_PASS &&
        nat_ports_choose(nat, &inside, &remote, place.rule, &place) == NAT_PASS)
        nat_mapping_add(nat, now, &inside, &remote, &place);
}

void nat_background_run(struct nat *nat, mist_time now)
{
    struct nat_background *b = &nat->background;
    if ((now - b->at) / mean_gap(&nat->policy) > CATCH_UP)
        nat_background_start(nat, now - mean_gap(&nat->policy) * CATCH_UP);
    for (; b->at <= now; advance(nat)) {
        if (b->at < nat->down_until)
            continue;
        nat->now = b->at;
        nat_expire(nat, b->at);
        arrive(nat, b->at);
    }
}
