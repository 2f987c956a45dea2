/* probe_judge.c: see probe_judge.h. */
#include "sim/probe_judge.h"

#include <stdlib.h>
#include <string.h>

#define LOCAL_LOW  20000 /* the probe's local ports (probe.c) */
#define LOCAL_HIGH 52767
#define SETTLES    MS(2500) /* age of a mapping whose established timer is measured */
#define TOLERANCE  SEC(1)

/* ---- one box ---- */

static bool is_translating(const struct nat_policy *b)
{
    return b->kind != NAT_KIND_FIREWALL;
}

/* May every local port be an external one? */
static bool covers_local_ports(const struct nat_policy *b)
{
    return b->low <= LOCAL_LOW && b->high >= LOCAL_HIGH;
}

static bool keeps_ports(const struct nat_policy *b)
{
    return b->kind == NAT_KIND_ONE_TO_ONE ||
           ((b->ports == NAT_PORTS_PRESERVE || b->ports == NAT_PORTS_OVERLOAD) &&
            covers_local_ports(b));
}

/* Several addresses, drawn anew for each mapping. */
static bool spreads(const struct nat_policy *b)
{
    return is_translating(b) && b->kind != NAT_KIND_ONE_TO_ONE && b->pool > 1 &&
           b->pooling == NAT_POOL_ARBITRARY && b->ports != NAT_PORTS_DETERMINISTIC;
}

static enum probe_mapping mapping_of(const struct nat_policy *b)
{
    if (!is_translating(b))
        return PROBE_MAPPING_NONE;
    if (b->kind == NAT_KIND_ONE_TO_ONE || b->mapping == NAT_EIM)
        return PROBE_MAPPING_EIM;
    bool sticks = b->ports == NAT_PORTS_OVERLOAD && b->on_clash == NAT_CLASH_STICKY_RANDOM;
    if ((keeps_ports(b) || sticks) && !spreads(b))
        return PROBE_MAPPING_EIM;
    return b->mapping == NAT_ADM ? PROBE_MAPPING_ADM : PROBE_MAPPING_APDM;
}

static enum probe_filtering filtering_of(const struct nat_policy *b)
{
    if (b->kind == NAT_KIND_ONE_TO_ONE || b->filtering == NAT_EIF)
        return PROBE_FILTERING_EIF;
    return b->filtering == NAT_ADF ? PROBE_FILTERING_ADF : PROBE_FILTERING_APDF;
}

/* A counter for each subscriber, who is cut off somewhere: a block by all signs. */
static bool counts_within_limits(const struct nat_policy *b)
{
    return b->counter == NAT_COUNTER_SUBSCRIBER &&
           (b->quota_ports > 0 || b->new_mappings_per_s > 0);
}

/* Of a box that does not keep them.  shared: it takes all hosts for one. */
static enum probe_ports ports_of(const struct nat_policy *b, bool shared)
{
    switch (b->ports) {
    case NAT_PORTS_SEQUENTIAL:
        return counts_within_limits(b) && !shared ? PROBE_PORTS_BLOCK : PROBE_PORTS_SEQUENTIAL;
    case NAT_PORTS_RANDOM: return PROBE_PORTS_RANDOM;
    case NAT_PORTS_BLOCK:
    case NAT_PORTS_DETERMINISTIC:
        if (!shared)
            return PROBE_PORTS_BLOCK;
        return b->block_ports == NAT_BLOCK_RANDOM ? PROBE_PORTS_RANDOM : PROBE_PORTS_SEQUENTIAL;
    default: return b->on_clash == NAT_CLASH_NEXT ? PROBE_PORTS_SEQUENTIAL : PROBE_PORTS_RANDOM;
    }
}

/* ---- all boxes ---- */

static enum probe_ports chain_ports(const struct nat_policy *policies, uint32_t count)
{
    enum probe_ports ports = PROBE_PORTS_NONE;
    for (uint32_t i = 0; i < count; i++) {
        bool shared = ports != PROBE_PORTS_NONE;
        if (!is_translating(&policies[i]))
            continue;
        if (!keeps_ports(&policies[i]))
            ports = ports_of(&policies[i], shared);
        else if (!shared)
            ports = PROBE_PORTS_PRESERVE;
    }
    return ports;
}

static enum probe_pooling chain_pooling(const struct nat_policy *policies, uint32_t count)
{
    bool translated = false, spread = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_translating(&policies[i]))
            continue;
        translated = true;
        spread = spreads(&policies[i]) || (spread && policies[i].pool > 1);
    }
    return spread       ? PROBE_POOLING_ARBITRARY
           : translated ? PROBE_POOLING_PAIRED
                        : PROBE_POOLING_NONE;
}

/* Whoever sends learns no endpoint of the peer's that a filter would know
 * where every remote sees another: seen only if nothing filters. */
static enum probe_hairpin chain_hairpin(const struct nat_policy *policies, uint32_t count,
                                        const struct probe_report *all)
{
    uint32_t owner = count; /* of the outermost address */
    for (uint32_t i = 0; i < count; i++)
        owner = is_translating(&policies[i]) ? i : owner;
    if (owner == count)
        return PROBE_HAIRPIN_UNKNOWN;
    bool open = all->filtering == PROBE_FILTERING_EIF;
    bool known = all->mapping <= PROBE_MAPPING_EIM;
    switch (policies[owner].hairpin) {
    case NAT_HAIRPIN_EXTERNAL: return open || known ? PROBE_HAIRPIN_EXTERNAL : PROBE_HAIRPIN_OFF;
    case NAT_HAIRPIN_INTERNAL: /* further boxes inside do not know that source */
        return open || (known && owner == 0) ? PROBE_HAIRPIN_INTERNAL : PROBE_HAIRPIN_OFF;
    default: return PROBE_HAIRPIN_OFF;
    }
}

static mist_time earlier(mist_time a, mist_time b)
{
    return a < b ? a : b;
}

static void expect_timers(const struct nat_policy *b, struct probe_expected *e)
{
    if (b->kind == NAT_KIND_ONE_TO_ONE)
        return;
    bool settled = b->established_when == NAT_FIRST_REPLY || b->established_age < SETTLES;
    mist_time established = settled ? b->udp_established : b->udp_unreplied;
    if (b->refresh == NAT_REFRESH_NONE)
        established -= SETTLES; /* it counts from the first packet */
    e->unreplied = earlier(e->unreplied, b->udp_unreplied);
    e->established = earlier(e->established, established);
    if (b->max_lifetime > 0) {
        e->unreplied = earlier(e->unreplied, b->max_lifetime);
        e->established = earlier(e->established, b->max_lifetime - SETTLES);
    }
}

static bool lets_udp_out(const struct nat_policy *policies, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (policies[i].egress == NAT_EGRESS_BLOCK_UDP)
            return false;
    return true;
}

/* What only a box alone shows for certain. */
static void expect_of_one(const struct nat_policy *b, struct probe_expected *e,
                          struct probe_report *r)
{
    if (r->ports == PROBE_PORTS_SEQUENTIAL && b->ports == NAT_PORTS_SEQUENTIAL && !b->parity &&
        !b->contiguity && b->background_uhz == 0) {
        r->delta = b->delta;
        e->judged[PROBE_KEY_DELTA] = true;
    }
    bool whole = b->max_blocks == 1 && (b->quota_ports == 0 || b->quota_ports >= b->block);
    if (r->ports == PROBE_PORTS_BLOCK && b->ports != NAT_PORTS_SEQUENTIAL && whole && !b->parity) {
        r->block = b->block;
        e->judged[PROBE_KEY_BLOCK] = true;
    }
    if (r->mapping == PROBE_MAPPING_EIM) {
        bool moves = b->inbound_clash && r->filtering != PROBE_FILTERING_EIF &&
                     b->kind != NAT_KIND_ONE_TO_ONE;
        r->early = moves ? PROBE_EARLY_MOVED : PROBE_EARLY_KEPT;
        e->judged[PROBE_KEY_EARLY] = true;
    }
}

/* The parts of "eim/apdf/preserve" take the place of what the knobs say. */
static void expect_looks(const char *looks, struct probe_expected *e)
{
    for (int key = PROBE_KEY_MAPPING; key <= PROBE_KEY_PORTS && *looks; key++) {
        size_t length = strcspn(looks, "/"), kept = length;
        kept = kept < PROBE_VALUE ? kept : PROBE_VALUE - 1;
        memcpy(e->text[key], looks, kept);
        e->text[key][kept] = 0;
        looks += length + (looks[length] == '/');
    }
}

void probe_expect(const struct nat_policy *policies, uint32_t count, const char *looks,
                  const struct probe_effort *effort, struct probe_expected *e)
{
    struct probe_report r = {.mapping = PROBE_MAPPING_NONE, .filtering = PROBE_FILTERING_EIF};
    *e = (struct probe_expected){
        .unreplied = MIST_NEVER, .established = MIST_NEVER, .longest_s = effort->longest_s};
    for (int key = 0; key <= PROBE_KEY_POOLING; key++)
        e->judged[key] = true;
    for (uint32_t i = 0; i < count; i++) {
        enum probe_mapping mapping = mapping_of(&policies[i]);
        enum probe_filtering filtering = filtering_of(&policies[i]);
        r.mapping = mapping > r.mapping ? mapping : r.mapping;
        r.filtering = filtering > r.filtering ? filtering : r.filtering;
        expect_timers(&policies[i], e);
    }
    r.ports = chain_ports(policies, count);
    r.pooling = chain_pooling(policies, count);
    r.hairpin = chain_hairpin(policies, count, &r);
    if (count == 1)
        expect_of_one(&policies[0], e, &r);
    if (!lets_udp_out(policies, count)) {
        r = (struct probe_report){.mapping = PROBE_MAPPING_BLOCKED};
        e->unreplied = e->established = MIST_NEVER;
    }
    for (int key = 0; key < PROBE_KEYS; key++) {
        char buffer[PROBE_VALUE];
        const char *value = probe_value(&r, (enum probe_key)key, buffer);
        (void)snprintf(e->text[key], PROBE_VALUE, "%s", value ? value : "");
    }
    if (looks)
        expect_looks(looks, e);
}

/* ---- comparison ---- */

/* timer: the box's own; found_s: -1 where none was found up to longest_s. */
static bool is_same_timer(mist_time timer, int32_t found_s, uint32_t longest_s)
{
    if (found_s < 0)
        return timer > SEC(longest_s) - TOLERANCE;
    return timer != MIST_NEVER && llabs(SEC(found_s) - timer) <= TOLERANCE;
}

static void write_timer(mist_time timer, char text[PROBE_VALUE])
{
    if (timer == MIST_NEVER)
        (void)snprintf(text, PROBE_VALUE, "none");
    else
        (void)snprintf(text, PROBE_VALUE, "%lld.%01lld", (long long)(timer / SEC(1)),
                       (long long)(timer % SEC(1) / MS(100)));
}

static bool is_same(const struct probe_expected *e, const struct probe_report *found,
                    enum probe_key key, const char *value)
{
    if (key == PROBE_KEY_UNREPLIED)
        return is_same_timer(e->unreplied, found->unreplied_s, e->longest_s);
    if (key == PROBE_KEY_ESTABLISHED)
        return is_same_timer(e->established, found->established_s, e->longest_s);
    return strcmp(e->text[key], value ? value : "") == 0;
}

uint32_t probe_judge(const struct probe_expected *e, const struct probe_report *found,
                     struct probe_difference differences[PROBE_KEYS])
{
    uint32_t count = 0;
    for (int i = 0; i < PROBE_KEYS; i++) {
        enum probe_key key = (enum probe_key)i;
        char buffer[PROBE_VALUE];
        const char *value = probe_value(found, key, buffer);
        if (!e->judged[i] || is_same(e, found, key, value))
            continue;
        struct probe_difference *d = &differences[count++];
        d->key = key;
        (void)snprintf(d->found, PROBE_VALUE, "%s", value ? value : "none");
        (void)snprintf(d->expected, PROBE_VALUE, "%s", *e->text[i] ? e->text[i] : "none");
        if (key == PROBE_KEY_UNREPLIED)
            write_timer(e->unreplied, d->expected);
        if (key == PROBE_KEY_ESTABLISHED)
            write_timer(e->established, d->expected);
    }
    return count;
}
