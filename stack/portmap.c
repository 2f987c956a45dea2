#include "stack/portmap.h"

#include <string.h>

#define ASK_FIRST   SEC(3)      /* RFC 6887 section 8.1.1: IRT ... */
#define ASK_MOST    SEC(1024)   /* ... and MRT; each wait is twice the one before */
#define LIFETIME_S  7200        /* RFC 6886 section 3.3 recommends it */
#define LEASE_LEAST SEC(2)      /* a shorter one would be renewed all the time */
#define LEASE_MOST  SEC(86400)  /* RFC 6887 section 15: longer ones are not believed */
#define ERROR_MOST  MINUTES(30) /* RFC 6887 section 7.4: nor longer refusals */
#define REFUSAL     MINUTES(15) /* of NAT-PMP, which names no time */
#define CALM        SEC(1)      /* between requests that a gateway's words set off */
#define CROWD       SEC(5) /* RFC 6887 section 14.1.3: spread over so long after an announcement */

void portmap_init(struct portmap *p, struct rng *rng, struct timers *timers,
                  struct sockets *sockets, uint32_t timer)
{
    p->rng = rng;
    p->timers = timers;
    p->sockets = sockets;
    p->timer = timer;
}

static void wait(struct portmap *p, mist_time at)
{
    p->next = at;
    timers_set(p->timers, p->timer, at);
}

static void send(const struct portmap *p, const uint8_t *bytes, size_t length, struct out *out)
{
    out_effect_copy(out, &(struct effect){.kind = EFFECT_BARE,
                                          .addr = p->gateway,
                                          .bytes = bytes,
                                          .length = (uint32_t)length});
}

static void request(const struct portmap *p, uint32_t lifetime_s, struct out *out)
{
    uint8_t bytes[GATEWAY_MOST];
    struct gateway_wish wish = {
        .inside = p->inside, .outside = p->suggested, .lifetime_s = lifetime_s};
    memcpy(wish.nonce, p->nonce, sizeof wish.nonce);
    if (p->pmp && lifetime_s != 0)
        send(p, bytes, gateway_put_pmp_address(bytes), out);
    send(p, bytes, p->pmp ? gateway_put_pmp(bytes, &wish) : gateway_put_pcp(bytes, &wish), out);
}

static void ask(struct portmap *p, mist_time now, struct out *out)
{
    mist_time next = ASK_FIRST << p->tries;
    if (next < ASK_MOST)
        p->tries++;
    p->asked_at = now;
    request(p, LIFETIME_S, out);
    wait(p, now + rng_around(p->rng, next < ASK_MOST ? next : ASK_MOST, 10));
}

static void tell(struct portmap *p, const struct addr *outside, struct out *out)
{
    if (addr_equal(outside, &p->outside))
        return;
    p->outside = *outside;
    out_effect(out, &(struct effect){.kind = EFFECT_MAPPED, .value = 1, .addr = *outside});
}

static void start(struct portmap *p, mist_time now, struct out *out)
{
    static const struct addr none;
    tell(p, &none, out);
    p->tries = 0;
    p->pmp = false;
    p->epoch_at = 0;
    wait(p, MIST_NEVER);
    if (p->off || p->gateway.family != ADDR_V4 || p->inside.family != ADDR_V4)
        return;
    rng_bytes(p->rng, p->nonce, sizeof p->nonce);
    ask(p, now, out);
}

void portmap_gateway(struct portmap *p, mist_time now, const struct addr *gateway, struct out *out)
{
    struct addr at = *gateway;
    at.port = at.family == ADDR_NONE ? 0 : GATEWAY_PORT;
    if (addr_equal(&at, &p->gateway))
        return;
    p->gateway = at;
    start(p, now, out);
}

void portmap_inside(struct portmap *p, mist_time now, const struct addr *inside, struct out *out)
{
    if (addr_equal(inside, &p->inside))
        return;
    p->inside = *inside;
    start(p, now, out);
}

void portmap_timer(struct portmap *p, mist_time now, struct out *out)
{
    static const struct addr none;
    if (p->outside.family != ADDR_NONE && now >= p->end)
        tell(p, &none, out);
    ask(p, now, out);
}

bool portmap_hears(const struct portmap *p, uint32_t socket, const struct addr *from)
{
    return p->gateway.family != ADDR_NONE && addr_equal(from, &p->gateway) &&
           (socket == 1 || (p->ear != 0 && socket == p->ear));
}

/* ---- the epoch ---- */

/* Did the gateway lose its table since its last answer?  RFC 6887 section 8.5: its clock
 * went back, or differs from ours by more than 2 s and a sixteenth. */
static bool lost_table(struct portmap *p, mist_time now, uint32_t epoch_s)
{
    int64_t ours = (now - p->epoch_at) / SEC(1), theirs = (int64_t)epoch_s - p->epoch_s;
    bool known = p->epoch_at != 0;
    p->epoch_s = epoch_s;
    p->epoch_at = now;
    return known &&
           (theirs < -1 || ours + 2 < theirs - theirs / 16 || theirs + 2 < ours - ours / 16);
}

/* Asks again at a drawn time, unless that is to happen anyway; never twice within CALM. */
static void ask_soon(struct portmap *p, mist_time now)
{
    mist_time at = now + (mist_time)rng_below(p->rng, (uint32_t)(CROWD / MS(1))) * MS(1);
    if (p->next <= now + CROWD)
        return; /* or a storm of announcements would put it off for ever */
    p->tries = 0;
    wait(p, at < p->asked_at + CALM ? p->asked_at + CALM : at);
}

/* ---- answers ---- */

static void take_lease(struct portmap *p, mist_time now, uint32_t lifetime_s, struct out *out)
{
    mist_time lease = SEC((mist_time)lifetime_s);
    lease = lease < LEASE_LEAST ? LEASE_LEAST : lease > LEASE_MOST ? LEASE_MOST : lease;
    p->tries = 0;
    p->end = now + lease;
    wait(p, now + lease / 2 + (mist_time)(rng_u64(p->rng) % (uint64_t)(lease / 8)));
    if (p->ear == 0) /* from now on there is something to lose */
        p->ear = sockets_listen(p->sockets, ADDR_V4, GATEWAY_ANNOUNCE, out);
    tell(p, &p->suggested, out);
}

static void refused(struct portmap *p, mist_time now, const struct gateway_answer *a,
                    struct out *out)
{
    static const struct addr none;
    mist_time later = a->pcp ? SEC((mist_time)a->lifetime_s) : REFUSAL;
    later = later < ASK_FIRST ? ASK_FIRST : later > ERROR_MOST ? ERROR_MOST : later;
    p->tries = 0;
    tell(p, &none, out);
    wait(p, now + later);
}

/* Not this protocol: the older one, once; where that is not known either, much later. */
static void other_version(struct portmap *p, mist_time now, const struct gateway_answer *a,
                          struct out *out)
{
    if (p->pmp && a->pcp)
        return; /* about a question before the last */
    if (p->pmp) {
        p->pmp = false;
        refused(p, now, &(struct gateway_answer){.pcp = false}, out);
        return;
    }
    p->pmp = true;
    p->tries = 0;
    wait(p, p->asked_at + CALM > now ? p->asked_at + CALM : now);
}

/* Is it about what this node asked for last? */
static bool is_ours(const struct portmap *p, const struct gateway_answer *a)
{
    if (a->kind == GATEWAY_PMP_ADDRESS || (a->kind == GATEWAY_REFUSED && !a->pcp))
        return p->pmp;
    if (a->inside_port != p->inside.port || a->pcp == p->pmp)
        return false;
    return !a->pcp || memcmp(a->nonce, p->nonce, sizeof p->nonce) == 0;
}

static void answered(struct portmap *p, mist_time now, const struct gateway_answer *a,
                     struct out *out)
{
    if (p->tries == 0 || !is_ours(p, a))
        return; /* unasked */
    if (a->kind == GATEWAY_REFUSED) {
        refused(p, now, a, out);
    } else if (a->kind == GATEWAY_PMP_ADDRESS) {
        uint16_t port = p->suggested.port;
        p->suggested = a->outside;
        p->suggested.port = port;
    } else if (a->outside.port != 0 && a->lifetime_s != 0) {
        uint16_t port = a->outside.port;
        if (a->kind == GATEWAY_PCP_MAPPED)
            p->suggested = a->outside;
        p->suggested.port = port;
        if (p->suggested.family == ADDR_V4) /* NAT-PMP tells the address by itself */
            take_lease(p, now, a->lifetime_s, out);
    }
}

void portmap_input(struct portmap *p, mist_time now, const uint8_t *bytes, size_t length,
                   struct out *out)
{
    struct gateway_answer a;
    if (p->off || !gateway_read(bytes, length, &a))
        return;
    if (a.kind == GATEWAY_NO_VERSION) {
        if (p->tries > 0)
            other_version(p, now, &a, out);
        return;
    }
    bool lost = lost_table(p, now, a.epoch_s);
    answered(p, now, &a, out);
    if (lost && p->outside.family != ADDR_NONE && a.kind != GATEWAY_PCP_MAPPED &&
        a.kind != GATEWAY_PMP_MAPPED)
        ask_soon(p, now);
}

void portmap_release(struct portmap *p, struct out *out)
{
    if (p->outside.family != ADDR_NONE)
        request(p, 0, out);
}
