#include "nat-models/static.h"

#include "nat-models/mapping.h"
#include "nat-models/ports.h"
#include "nat-models/remote.h"
#include "stack/check.h"

static enum nat_static_answer make(struct nat *nat, const struct nat_endpoint *inside,
                                   const struct addr *external, mist_time end)
{
    struct nat_place place = {.rule = NAT_EIM, .flags = NAT_STATIC, .end = end};
    if (nat_ports_claim(nat, inside, external, &place) < 0)
        return external->family == ADDR_NONE || external->port == 0 ? NAT_STATIC_FULL
                                                                    : NAT_STATIC_TAKEN;
    nat_mapping_add(nat, nat->now, inside, inside, &place);
    return NAT_STATIC_DONE;
}

enum nat_static_answer nat_static_make(struct nat *nat, const struct nat_endpoint *inside,
                                       struct addr *external, mist_time lifetime)
{
    enum nat_static_answer answer = NAT_STATIC_DONE;
    uint32_t record = nat_mapping_find_static(nat, inside);
    mist_time end = lifetime > MIST_NEVER - nat->now ? MIST_NEVER : nat->now + lifetime;
    uint8_t family = nat->policy.kind == NAT_KIND_NAT64 ? ADDR_V6 : ADDR_V4;
    if (!nat_gives_ports(&nat->policy) || inside->family != family)
        return NAT_STATIC_UNABLE;
    if (lifetime <= 0) {
        if (record != 0)
            nat_mapping_remove(nat, record, NAT_NO_HOLD);
        return NAT_STATIC_DONE;
    }
    if (record == 0)
        answer = make(nat, inside, external, end);
    else
        nat_mapping_renew(nat, record, end);
    if (answer != NAT_STATIC_DONE)
        return answer;
    record = nat_mapping_find_static(nat, inside);
    CHECK(record != 0);
    struct nat_endpoint given = nat_mapping_outside(nat, nat_mapping(nat, record));
    *external = nat_endpoint_addr(&given);
    return NAT_STATIC_DONE;
}

enum nat_static_answer nat_static_give(struct nat *nat, const struct nat_endpoint *inside,
                                       const struct nat_static_wish *wish, struct addr *external,
                                       mist_time *lifetime)
{
    const struct nat_policy *policy = &nat->policy;
    bool known = nat_mapping_find_static(nat, inside) != 0;
    if (!known && policy->table_capacity != 0 &&
        nat->count.mappings_alive >= policy->table_capacity)
        return NAT_STATIC_FULL;
    if (*lifetime > policy->map_lifetime)
        *lifetime = policy->map_lifetime;
    bool anywhere = wish->external.family == ADDR_NONE && wish->external.port != 0;
    *external = wish->external;
    enum nat_static_answer answer = NAT_STATIC_TAKEN;
    for (uint32_t i = 0; i < nat->externals && answer == NAT_STATIC_TAKEN; i++) {
        if (anywhere) { /* that port, at whichever address has it */
            *external = nat->external[i].addr;
            external->port = wish->external.port;
        }
        answer = nat_static_make(nat, inside, external, *lifetime);
        if (!anywhere)
            break;
    }
    if (answer != NAT_STATIC_TAKEN || wish->exactly)
        return answer;
    *external = (struct addr){0};
    return nat_static_make(nat, inside, external, *lifetime);
}

/* One pass: removing moves slots, some of them behind the pass. */
static bool delete_pass(struct nat *nat, const struct nat_endpoint *inside)
{
    bool found = false;
    for (uint32_t i = 0; nat->index.slots != NULL && i <= nat->index.mask;) {
        uint32_t ref = nat->index.slots[i].ref;
        const struct nat_mapping *m = nat_mapping(nat, NAT_REF_RECORD(ref));
        if (NAT_REF_KEY(ref) == NAT_KEY_STATIC && m->inside.protocol == inside->protocol &&
            memcmp(m->inside.ip, inside->ip, sizeof inside->ip) == 0) {
            nat_mapping_remove(nat, NAT_REF_RECORD(ref), NAT_NO_HOLD);
            found = true;
        } else {
            i++;
        }
    }
    return found;
}

void nat_static_delete_all(struct nat *nat, const struct nat_endpoint *inside)
{
    while (nat->statics > 0 && delete_pass(nat, inside))
        ;
}

int nat_map(struct nat *nat, mist_time now, uint8_t protocol, const struct addr *inside,
            struct addr *external, mist_time lifetime)
{
    nat_begin(nat, now);
    if (nat->policy.kind == NAT_KIND_ONE_TO_ONE)
        return nat_onetoone_map(nat, inside, external);
    struct nat_endpoint host = nat_endpoint(inside, protocol);
    return nat_static_make(nat, &host, external, lifetime) == NAT_STATIC_DONE ? 0 : -1;
}

int nat_map_filter(struct nat *nat, mist_time now, uint8_t protocol, const struct addr *inside,
                   const struct addr *remote, uint8_t prefix)
{
    nat_begin(nat, now);
    struct nat_endpoint host = nat_endpoint(inside, protocol);
    struct nat_endpoint from = nat_endpoint(remote, protocol);
    uint32_t record = nat_mapping_find_static(nat, &host);
    if (record == 0 || remote->family != ADDR_V4 || prefix > 32 ||
        (prefix != 0 && nat_remote_count_allowed(nat, record) >= NAT_FILTERS))
        return -1;
    if (prefix == 0)
        nat_remote_allow_all(nat, record);
    else
        nat_remote_allow(nat, record, &from, prefix);
    return 0;
}
