#include "nat-models/test/naive.h"

#include "stack/check.h"

void naive_init(struct naive *n, const struct nat_policy *policy, struct addr external,
                enum naive_fault fault)
{
    n->policy = *policy;
    n->fault = fault;
    n->external = external;
    n->mappings = n->sessions = n->reserved = 0;
    n->born = 0;
    n->last_port = 0;
}

/* ---- ends ---- */

static mist_time timeout_of(const struct naive *n, bool established)
{
    if (n->fault == NAIVE_NEVER_ESTABLISHED)
        established = false;
    return established ? n->policy.udp_established : n->policy.udp_unreplied;
}

static bool is_over(const struct naive *n, mist_time now, mist_time start, mist_time length)
{
    return n->fault == NAIVE_ALIVE_AT_TIMEOUT ? now - start > length : now - start >= length;
}

static bool mapping_dead(const struct naive *n, const struct naive_mapping *m, mist_time now)
{
    if (n->policy.max_lifetime > 0 && n->fault != NAIVE_LIFETIME_IGNORED &&
        now - m->created >= n->policy.max_lifetime)
        return true;
    return is_over(n, now, m->refreshed, timeout_of(n, m->established));
}

static mist_time mapping_end(const struct naive *n, const struct naive_mapping *m)
{
    mist_time end = m->refreshed + timeout_of(n, m->established);
    if (n->policy.max_lifetime > 0 && m->created + n->policy.max_lifetime < end)
        end = m->created + n->policy.max_lifetime;
    return end;
}

static struct naive_mapping *by_serial(struct naive *n, uint64_t serial)
{
    for (int i = 0; i < n->mappings; i++) {
        if (n->mapping[i].serial == serial)
            return &n->mapping[i];
    }
    return NULL;
}

static bool session_dead(struct naive *n, const struct naive_session *s, mist_time now)
{
    if (by_serial(n, s->mapping) == NULL)
        return true;
    if (n->policy.filter_lifetime == NAT_FILTER_OF_MAPPING || n->fault == NAIVE_SESSIONS_NEVER_AGE)
        return false;
    return is_over(n, now, s->refreshed, timeout_of(n, s->established));
}

static void reserve(struct naive *n, const struct addr *outside, const struct addr *by, bool held,
                    mist_time end)
{
    CHECK(n->reserved < NAIVE_MAX);
    n->reserve[n->reserved++] =
        (struct naive_reserved){.outside = *outside, .by = *by, .held = held, .end = end};
}

static int holders(const struct naive *n, const struct addr *outside)
{
    int count = 0;
    for (int i = 0; i < n->mappings; i++)
        count += addr_equal(&n->mapping[i].outside, outside);
    return count;
}

/* The dead mapping that died first, or -1. */
static int first_dead(const struct naive *n, mist_time now)
{
    int first = -1;
    for (int i = 0; i < n->mappings; i++) {
        if (mapping_dead(n, &n->mapping[i], now) &&
            (first < 0 || mapping_end(n, &n->mapping[i]) < mapping_end(n, &n->mapping[first])))
            first = i;
    }
    return first;
}

static void purge(struct naive *n, mist_time now)
{
    int dead;
    while ((dead = first_dead(n, now)) >= 0) {
        struct naive_mapping m = n->mapping[dead];
        n->mapping[dead] = n->mapping[--n->mappings];
        if (n->policy.hold > 0 && n->fault != NAIVE_HOLD_FORGOTTEN && holders(n, &m.outside) == 0)
            reserve(n, &m.outside, &m.inside, true, mapping_end(n, &m) + n->policy.hold);
    }
    for (int i = 0; i < n->sessions; i++) {
        if (session_dead(n, &n->session[i], now))
            n->session[i--] = n->session[--n->sessions];
    }
    for (int i = 0; i < n->reserved; i++) {
        if (n->reserve[i].end <= now)
            n->reserve[i--] = n->reserve[--n->reserved];
    }
}

int naive_alive(struct naive *n, mist_time now)
{
    purge(n, now);
    return n->mappings;
}

/* ---- finding ---- */

static struct addr key_of(const struct naive *n, enum nat_mapping_rule rule, struct addr remote)
{
    if (rule == NAT_EIM)
        return (struct addr){0};
    if (rule == NAT_ADM || n->fault == NAIVE_MAPPING_FORGETS_PORT)
        remote.port = 0;
    return remote;
}

static struct naive_mapping *by_key(struct naive *n, enum nat_mapping_rule rule,
                                    const struct addr *inside, struct addr remote)
{
    struct addr key = key_of(n, rule, remote);
    for (int i = 0; i < n->mappings; i++) {
        struct naive_mapping *m = &n->mapping[i];
        if (m->rule == rule && addr_equal(&m->inside, inside) && addr_equal(&m->key, &key))
            return m;
    }
    return NULL;
}

/* The newest at an outside endpoint. */
static struct naive_mapping *by_outside(struct naive *n, const struct addr *outside)
{
    struct naive_mapping *newest = NULL;
    for (int i = 0; i < n->mappings; i++) {
        struct naive_mapping *m = &n->mapping[i];
        if (addr_equal(&m->outside, outside) && (newest == NULL || m->serial > newest->serial))
            newest = m;
    }
    return newest;
}

static struct naive_session *filter_session(struct naive *n, const struct addr *outside,
                                            struct addr remote, bool whole_address)
{
    if (whole_address && n->fault != NAIVE_ADDRESS_FILTER_LOOKS_AT_PORT)
        remote.port = 0;
    for (int i = 0; i < n->sessions; i++) {
        struct naive_session *s = &n->session[i];
        if (s->reply || s->whole_address != whole_address)
            continue;
        bool same = n->fault == NAIVE_PORT_FILTER_FORGETS_PORT ? addr_same_ip(&s->remote, &remote)
                                                               : addr_equal(&s->remote, &remote);
        if (same && addr_equal(&by_serial(n, s->mapping)->outside, outside))
            return s;
    }
    return NULL;
}

static struct naive_session *reply_session(struct naive *n, const struct addr *inside,
                                           const struct addr *remote)
{
    for (int i = 0; i < n->sessions; i++) {
        struct naive_session *s = &n->session[i];
        if (s->reply && addr_equal(&s->remote, remote) &&
            addr_equal(&by_serial(n, s->mapping)->inside, inside))
            return s;
    }
    return NULL;
}

static bool has_clash(const struct naive *n, const struct addr *outside, const struct addr *remote)
{
    for (int i = 0; i < n->reserved; i++) {
        if (!n->reserve[i].held && addr_equal(&n->reserve[i].outside, outside) &&
            addr_equal(&n->reserve[i].by, remote))
            return n->fault != NAIVE_CLASH_IGNORED;
    }
    return false;
}

/* ---- life of mappings and sessions ---- */

static bool old_enough(const struct naive *n, mist_time age)
{
    if (n->policy.established_when == NAT_FIRST_REPLY)
        return true;
    return n->fault == NAIVE_AGE_NOT_STRICT ? age >= n->policy.established_age
                                            : age > n->policy.established_age;
}

static bool refreshes(const struct naive *n, int direction)
{
    if (direction == NAT_REFRESH_OUT && n->fault == NAIVE_NO_OUT_REFRESH)
        return false;
    if (direction == NAT_REFRESH_IN && n->fault == NAIVE_IN_REFRESH_TOO)
        return true;
    return (n->policy.refresh & direction) != 0;
}

static void touch_mapping(const struct naive *n, struct naive_mapping *m, mist_time now,
                          int direction)
{
    m->replied = m->replied || direction == NAT_REFRESH_IN;
    if (m->replied && old_enough(n, now - m->created))
        m->established = true;
    if (refreshes(n, direction))
        m->refreshed = now;
}

static void touch_session(const struct naive *n, struct naive_session *s, mist_time now,
                          int direction)
{
    s->replied = s->replied || direction == NAT_REFRESH_IN;
    if (s->replied && old_enough(n, now - s->created))
        s->established = true;
    if (refreshes(n, direction))
        s->refreshed = now;
}

/* s belongs to the mapping, from now on if it did not before. */
static void give_session(struct naive_session *s, const struct naive_mapping *m, mist_time now)
{
    if (s->mapping == m->serial)
        return;
    s->mapping = m->serial;
    s->created = s->refreshed = now;
    s->replied = s->established = false;
}

static struct naive_session *new_session(struct naive *n, const struct naive_mapping *m,
                                         struct addr remote, mist_time now)
{
    CHECK(n->sessions < NAIVE_MAX);
    struct naive_session *s = &n->session[n->sessions++];
    *s = (struct naive_session){
        .mapping = m->serial, .remote = remote, .created = now, .refreshed = now};
    return s;
}

static bool shares(const struct naive *n)
{
    return n->policy.kind == NAT_KIND_NAT &&
           (n->policy.ports == NAT_PORTS_OVERLOAD ||
            (n->policy.ports == NAT_PORTS_PRESERVE && n->policy.mapping != NAT_EIM));
}

static bool by_endpoint(const struct naive *n)
{
    return n->policy.filtering == NAT_APDF || shares(n);
}

static void open_session(struct naive *n, const struct naive_mapping *m, struct addr remote,
                         bool whole_address, mist_time now)
{
    struct naive_session *s = filter_session(n, &m->outside, remote, whole_address);
    if (s != NULL) {
        give_session(s, m, now);
        touch_session(n, s, now, NAT_REFRESH_OUT);
        return;
    }
    if (whole_address && n->fault != NAIVE_ADDRESS_FILTER_LOOKS_AT_PORT)
        remote.port = 0;
    new_session(n, m, remote, now)->whole_address = whole_address;
}

/* ---- ports ---- */

static bool tuple_free(struct naive *n, const struct addr *outside, const struct addr *inside,
                       const struct addr *remote)
{
    if (n->policy.inbound_clash && has_clash(n, outside, remote))
        return false;
    struct naive_session *s = filter_session(n, outside, *remote, false);
    return s == NULL || addr_equal(&by_serial(n, s->mapping)->inside, inside);
}

static bool port_free(struct naive *n, struct addr outside, const struct addr *inside,
                      const struct addr *remote, bool own_too)
{
    for (int i = 0; i < n->reserved; i++) {
        if (n->reserve[i].held && addr_equal(&n->reserve[i].outside, &outside) &&
            !addr_equal(&n->reserve[i].by, inside))
            return false;
    }
    const struct naive_mapping *m = by_outside(n, &outside);
    if (m == NULL)
        return !n->policy.inbound_clash || tuple_free(n, &outside, inside, remote);
    if (n->policy.ports == NAT_PORTS_OVERLOAD)
        return tuple_free(n, &outside, inside, remote);
    return own_too && addr_equal(&m->inside, inside) && tuple_free(n, &outside, inside, remote);
}

static struct addr at_port(const struct naive *n, int64_t port)
{
    struct addr outside = n->external;
    outside.port = (uint16_t)port;
    return outside;
}

/* The first free port of low <= port <= high from `port` on by `delta`, round
 * and round; 0 if none. */
static uint16_t search(struct naive *n, const struct addr *inside, const struct addr *remote,
                       int64_t port, int delta)
{
    int64_t low = n->policy.low, high = n->policy.high, count = high - low + 1;
    for (int64_t i = 0; i < count; i++, port += delta) {
        if (n->fault == NAIVE_SEQUENCE_STOPS_AT_TOP && port > high)
            return 0;
        int64_t wrapped = low + ((port - low) % count + count) % count;
        if (port_free(n, at_port(n, wrapped), inside, remote, false))
            return (uint16_t)wrapped;
    }
    return 0;
}

/* The translator's draw; any free port if it says that there is none. */
static uint16_t adopted(struct naive *n, const struct addr *inside, const struct addr *remote,
                        const struct addr *chosen)
{
    return chosen->port != 0 ? chosen->port : search(n, inside, remote, n->policy.low, 1);
}

static uint16_t preserved(struct naive *n, enum nat_mapping_rule rule, const struct addr *inside,
                          const struct addr *remote, const struct addr *chosen)
{
    int64_t low = n->policy.low, high = n->policy.high, x = inside->port;
    bool within = x >= low && x <= high;
    if (within && port_free(n, at_port(n, x), inside, remote, rule != NAT_EIM))
        return (uint16_t)x;
    if (n->policy.on_clash != NAT_CLASH_NEXT)
        return adopted(n, inside, remote, chosen);
    return search(n, inside, remote, within ? x + 1 : low, 1);
}

static uint16_t choose(struct naive *n, enum nat_mapping_rule rule, const struct addr *inside,
                       const struct addr *remote, const struct addr *chosen)
{
    uint16_t port = adopted(n, inside, remote, chosen);
    if (n->policy.ports == NAT_PORTS_SEQUENTIAL) {
        if (n->last_port != 0)
            port = search(n, inside, remote, n->last_port + n->policy.delta, n->policy.delta);
        if (port != 0)
            n->last_port = port;
    } else if (n->policy.ports != NAT_PORTS_RANDOM) {
        port = preserved(n, rule, inside, remote, chosen);
    }
    bool legal = port >= n->policy.low && port <= n->policy.high &&
                 port_free(n, at_port(n, port), inside, remote, rule != NAT_EIM);
    return legal ? port : 0;
}

/* ---- outward ---- */

static bool over_quota(const struct naive *n, const struct addr *inside)
{
    uint32_t used = 0, quota = n->policy.quota_ports;
    for (int i = 0; i < n->mappings; i++)
        used += addr_same_ip(&n->mapping[i].inside, inside);
    return quota != 0 && used >= quota + (n->fault == NAIVE_QUOTA_ONE_TOO_MANY);
}

static struct naive_mapping *make(struct naive *n, mist_time now, enum nat_mapping_rule rule,
                                  const struct nat_datagram *d, const struct addr *chosen,
                                  enum nat_verdict *verdict)
{
    struct addr outside = d->from;
    *verdict = NAT_PASS;
    if (over_quota(n, &d->from))
        *verdict = NAT_DROP_QUOTA;
    else if (n->policy.table_capacity != 0 && n->mappings >= (int)n->policy.table_capacity)
        *verdict = NAT_DROP_CAPACITY;
    else if (n->policy.kind == NAT_KIND_NAT)
        outside = at_port(n, choose(n, rule, &d->from, &d->to, chosen));
    if (*verdict == NAT_PASS && outside.port == 0)
        *verdict = NAT_DROP_PORT_EXHAUSTED;
    if (*verdict != NAT_PASS)
        return NULL;
    CHECK(n->mappings < NAIVE_MAX);
    struct naive_mapping *m = &n->mapping[n->mappings++];
    *m = (struct naive_mapping){.inside = d->from,
                                .outside = outside,
                                .key = key_of(n, rule, d->to),
                                .rule = rule,
                                .created = now,
                                .refreshed = now,
                                .serial = ++n->born};
    for (int i = 0; i < n->reserved; i++) {
        if (n->reserve[i].held && addr_equal(&n->reserve[i].outside, &outside))
            n->reserve[i--] = n->reserve[--n->reserved];
    }
    return m;
}

static struct naive_mapping *find(struct naive *n, const struct nat_datagram *d)
{
    struct naive_mapping *m = NULL;
    if (n->policy.session_reply && n->fault != NAIVE_REPLY_IGNORED) {
        const struct naive_session *s = reply_session(n, &d->from, &d->to);
        if (s != NULL)
            return by_serial(n, s->mapping);
    }
    if (n->policy.inbound_clash)
        m = by_key(n, NAT_APDM, &d->from, d->to);
    return m != NULL ? m : by_key(n, n->policy.mapping, &d->from, d->to);
}

static struct naive_mapping *send_out(struct naive *n, mist_time now, const struct nat_datagram *d,
                                      const struct addr *chosen, enum nat_verdict *verdict)
{
    struct naive_mapping *m = find(n, d);
    if (m == NULL)
        m = make(n, now, n->policy.mapping, d, chosen, verdict);
    else if (n->policy.inbound_clash && m->rule != NAT_APDM && has_clash(n, &m->outside, &d->to))
        m = make(n, now, NAT_APDM, d, chosen, verdict);
    if (m == NULL)
        return NULL;
    if (by_endpoint(n))
        open_session(n, m, d->to, false, now);
    if (n->policy.filtering == NAT_ADF)
        open_session(n, m, d->to, true, now);
    struct naive_session *s = reply_session(n, &m->inside, &d->to);
    if (n->policy.session_reply && s != NULL && s->mapping == m->serial)
        touch_session(n, s, now, NAT_REFRESH_OUT);
    touch_mapping(n, m, now, NAT_REFRESH_OUT);
    return m;
}

/* ---- inward ---- */

static struct naive_mapping *admit(struct naive *n, const struct addr *outside, struct addr remote)
{
    struct naive_session *s = NULL;
    if (by_endpoint(n))
        s = filter_session(n, outside, remote, false);
    if (s == NULL && n->policy.filtering == NAT_ADF)
        s = filter_session(n, outside, remote, true);
    if (s != NULL)
        return by_serial(n, s->mapping);
    return n->policy.filtering == NAT_EIF ? by_outside(n, outside) : NULL;
}

static void note_reply(struct naive *n, const struct naive_mapping *m, const struct addr *remote,
                       mist_time now)
{
    struct naive_session *s = reply_session(n, &m->inside, remote);
    if (s == NULL) {
        if (by_key(n, m->rule, &m->inside, *remote) == m)
            return;
        s = new_session(n, m, *remote, now);
        s->reply = true;
    }
    give_session(s, m, now);
    touch_session(n, s, now, NAT_REFRESH_IN);
}

static void take_tuple(struct naive *n, const struct addr *outside, const struct addr *remote,
                       mist_time end)
{
    for (int i = 0; i < n->reserved; i++) {
        struct naive_reserved *r = &n->reserve[i];
        if (!r->held && addr_equal(&r->outside, outside) && addr_equal(&r->by, remote)) {
            r->end = end;
            return;
        }
    }
    if (addr_same_ip(outside, &n->external))
        reserve(n, outside, remote, false, end);
}

static struct naive_mapping *let_in(struct naive *n, mist_time now, const struct addr *outside,
                                    const struct addr *remote, enum nat_verdict *verdict)
{
    struct naive_mapping *m = admit(n, outside, *remote), *owner = by_outside(n, outside);
    *verdict = owner == NULL ? NAT_DROP_NO_MAPPING : NAT_DROP_FILTER;
    if (m == NULL) {
        if (owner != NULL && n->fault == NAIVE_REFUSED_REFRESHES)
            owner->refreshed = now;
        if (n->policy.inbound_clash)
            take_tuple(n, outside, remote, now + n->policy.udp_unreplied);
        return NULL;
    }
    touch_mapping(n, m, now, NAT_REFRESH_IN);
    for (int whole = 0; whole < 2; whole++) {
        if (whole ? n->policy.filtering != NAT_ADF : !by_endpoint(n))
            continue;
        struct naive_session *s = filter_session(n, outside, *remote, whole);
        if (s != NULL)
            touch_session(n, s, now, NAT_REFRESH_IN);
    }
    if (n->policy.session_reply)
        note_reply(n, m, remote, now);
    return m;
}

/* ---- the two directions ---- */

static enum nat_verdict turn_round(struct naive *n, mist_time now, struct nat_datagram *d,
                                   const struct addr *chosen)
{
    enum nat_verdict verdict;
    struct naive_mapping *sender = send_out(n, now, d, chosen, &verdict);
    if (sender == NULL)
        return verdict;
    if (n->policy.hairpin == NAT_HAIRPIN_OFF)
        return NAT_DROP_HAIRPIN_OFF;
    struct addr seen = sender->outside;
    struct naive_mapping *receiver = let_in(n, now, &d->to, &seen, &verdict);
    if (receiver == NULL && n->fault == NAIVE_HAIRPIN_IGNORES_FILTER)
        receiver = by_outside(n, &d->to);
    if (receiver == NULL)
        return verdict;
    if (n->policy.hairpin == NAT_HAIRPIN_EXTERNAL)
        d->from = seen;
    d->to = receiver->inside;
    d->ttl--;
    return NAT_HAIRPIN;
}

enum nat_verdict naive_outbound(struct naive *n, mist_time now, struct nat_datagram *d,
                                const struct addr *chosen)
{
    enum nat_verdict verdict;
    purge(n, now);
    if (d->ttl <= 1 && n->fault != NAIVE_TTL_MAKES_STATE)
        return NAT_DROP_TTL;
    if (n->policy.kind == NAT_KIND_NAT && addr_same_ip(&d->to, &n->external))
        return turn_round(n, now, d, chosen);
    const struct naive_mapping *m = send_out(n, now, d, chosen, &verdict);
    if (d->ttl <= 1)
        return NAT_DROP_TTL;
    if (m == NULL)
        return verdict;
    d->from = m->outside;
    d->ttl--;
    return NAT_PASS;
}

enum nat_verdict naive_inbound(struct naive *n, mist_time now, struct nat_datagram *d)
{
    enum nat_verdict verdict;
    purge(n, now);
    const struct naive_mapping *m = let_in(n, now, &d->to, &d->from, &verdict);
    if (m == NULL)
        return verdict;
    if (d->ttl <= 1)
        return NAT_DROP_TTL;
    d->to = m->inside;
    d->ttl--;
    return NAT_PASS;
}
