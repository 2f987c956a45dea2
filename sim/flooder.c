/* flooder.c: hosts that run no node and send forged datagrams.
 *
 * They know the protocol's public part: INIT as any node begins with; OPEN with a cookie
 * that nobody gave; OPEN with a cookie that the target gave to this host's true address,
 * under another address (a replay) or under its own, with a handshake that proves
 * nothing; a sealed datagram on a guessed channel; rubbish. */
#include <stdlib.h>
#include <string.h>

#include "sim/draw.h"
#include "sim/world_parts.h"
#include "stack/check.h"
#include "stack/wire.h"

#define RUBBISH   200u
#define SEALED    40u   /* of a forged sealed body: a tag and a short message */
#define COOKIES   1000u /* datagrams that one cookie serves for: it ages, as the target's keys do */
#define LOWEST_IP 1u    /* of a drawn source's first byte; 223 of them are unicast */

/* The latest cookie that came for this host. */
struct flooder {
    bool known;
    struct addr giver;
    uint32_t back;
    uint64_t until; /* the host's acts */
    uint8_t nonce[WIRE_NONCE], cookie[WIRE_COOKIE];
};

static const struct plan_attack *attack_of(const struct world *w, uint32_t host)
{
    return &w->plan->populations[w->plan->hosts[host].population].attack;
}

struct forgery {
    struct world *w;
    uint32_t host;
    struct addr to, from;
    struct flooder *flooder; /* NULL: this host uses no cookies */
    uint32_t number;         /* a channel */
    uint8_t noise[RUBBISH];
};

static size_t forge_init(struct forgery *f, uint8_t bytes[WIRE_MTU])
{
    return wire_put_head(
        bytes, &(struct wire_head){.type = WIRE_INIT, .back = f->number, .nonce = f->noise});
}

static size_t forge_open(struct forgery *f, uint8_t bytes[WIRE_MTU])
{
    struct wire_head head = {.type = WIRE_OPEN,
                             .back = f->number,
                             .noise = f->noise,
                             .cookie = f->noise + WIRE_NOISE,
                             .id = f->noise + WIRE_NOISE + WIRE_COOKIE,
                             .stamp = f->w->hosts[f->host].attacks + 1};
    size_t length = wire_put_head(bytes, &head);
    memcpy(bytes + length, f->noise, SEALED);
    return length + SEALED;
}

/* First, and again when it has grown old, a cookie is asked for under the true address. */
static size_t with_cookie(struct forgery *f, uint8_t bytes[WIRE_MTU])
{
    struct flooder *own = f->flooder;
    const struct host *h = &f->w->hosts[f->host];
    if (!own->known || h->attacks >= own->until) {
        f->from = h->addr;
        return forge_init(f, bytes);
    }
    f->to = own->giver;
    f->number = own->back;
    memcpy(f->noise, own->nonce, WIRE_NONCE);
    memcpy(f->noise + WIRE_NOISE, own->cookie, WIRE_COOKIE);
    return forge_open(f, bytes);
}

static size_t forge_proved(struct forgery *f, uint8_t bytes[WIRE_MTU])
{
    f->from = f->w->hosts[f->host].addr;
    return with_cookie(f, bytes);
}

static size_t forge_data(struct forgery *f, uint8_t bytes[WIRE_MTU])
{
    size_t length =
        wire_put_head(bytes, &(struct wire_head){.type = WIRE_DATA, .channel = f->number});
    memcpy(bytes + length, f->noise, SEALED);
    return length + SEALED;
}

static size_t forge_rubbish(struct forgery *f, uint8_t bytes[WIRE_MTU])
{
    memcpy(bytes, f->noise, RUBBISH);
    return RUBBISH;
}

/* In the order of enum plan_forgery. */
static size_t (*const forge[])(struct forgery *, uint8_t *) = {
    forge_init, forge_open, with_cookie, forge_proved, forge_data, forge_rubbish};

static uint64_t chance(const struct forgery *f, uint32_t part)
{
    return hostile_chance(f->w, f->host, part);
}

static struct addr any_source(const struct forgery *f)
{
    uint64_t word = chance(f, 40);
    struct addr a = {.family = ADDR_V4, .port = (uint16_t)(1024 + word % 60000)};
    a.ip[0] = (uint8_t)(LOWEST_IP + (word >> 16) % 223);
    for (uint32_t i = 1; i < 4; i++)
        a.ip[i] = (uint8_t)(word >> (24 + 8 * i));
    return a;
}

void flooder_strike(struct world *w, mist_time now, uint32_t host)
{
    const struct plan_attack *attack = attack_of(w, host);
    struct forgery f = {.w = w, .host = host, .from = w->hosts[host].addr};
    uint8_t bytes[WIRE_MTU];
    f.to = hostile_target(w, host);
    f.flooder = w->flooders == NULL ? NULL : &w->flooders[host];
    f.number = (uint32_t)chance(&f, 2) | 1;
    for (uint32_t i = 0; i < RUBBISH; i++)
        f.noise[i] = (uint8_t)(chance(&f, 3 + i / 8) >> (i % 8 * 8));
    if (attack->victim != PLAN_NONE)
        f.from = hostile_victim(w, host);
    else if (attack->any_source)
        f.from = any_source(&f);
    enum plan_forgery kind = attack->forge[w->hosts[host].attacks % attack->forge_count];
    struct datagram d = {.ttl = 64, .length = (uint16_t)forge[kind](&f, bytes), .bytes = bytes};
    d.from = f.from;
    d.to = f.to;
    w->attack_sent += d.length;
    WORLD_TELL(w, left, now, host, "forged", &d);
    w->type->send(w->engine, w->hosts[host].place, &d);
}

void flooder_heard(struct world *w, uint32_t host, const struct datagram *d)
{
    struct wire_head head;
    if (w->flooders == NULL || wire_take_head(d->bytes, d->length, &head) != 0 ||
        head.type != WIRE_COOKIE_IS)
        return;
    struct flooder *f = &w->flooders[host];
    f->known = true;
    f->giver = d->from;
    f->back = head.channel;
    f->until = w->hosts[host].attacks + COOKIES;
    memcpy(f->nonce, head.nonce, WIRE_NONCE);
    memcpy(f->cookie, head.cookie, WIRE_COOKIE);
}

void flooder_open(struct world *w)
{
    bool cookies = false;
    for (uint32_t i = 0; i < w->plan->population_count; i++) {
        const struct plan_attack *attack = &w->plan->populations[i].attack;
        for (uint32_t j = 0; j < attack->forge_count; j++)
            cookies |= attack->forge[j] == FORGE_REPLAY || attack->forge[j] == FORGE_PROVED;
    }
    if (!cookies)
        return;
    w->flooders = calloc(w->plan->host_count, sizeof *w->flooders);
    CHECK(w->flooders != NULL);
}

void flooder_close(struct world *w)
{
    free(w->flooders);
}
