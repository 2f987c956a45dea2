#include "nat-models/policy.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "nat-models/text.h"
#include "stack/addr.h"

#define SWITCH "off|on|no|yes|false|true" /* odd places are on */

#define UDP_IDLE SEC(120) /* the least that RFC 4787 REQ-5 allows */

static int complain(char *error, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, size, format, arguments);
    va_end(arguments);
    return -1;
}

struct nat_policy nat_policy_default(void)
{
    return (struct nat_policy){
        .udp_unreplied = UDP_IDLE,
        .udp_established = UDP_IDLE,
        .established_age = SEC(2),
        .kind = NAT_KIND_NAT,
        .mapping = NAT_EIM,
        .filtering = NAT_APDF,
        .filter_lifetime = NAT_FILTER_OF_MAPPING,
        .refresh = NAT_REFRESH_OUT,
        .established_when = NAT_FIRST_REPLY,
        .hairpin = NAT_HAIRPIN_OFF,
        .static_outbound = 1,
        .ports = NAT_PORTS_PRESERVE,
        .icmp_errors = 1,
        .tcp_transitory = MINUTES(4),     /* RFC 5382 REQ-5 */
        .tcp_established = MINUTES(124),  /* RFC 5382 REQ-5 */
        .icmp_query = SEC(60),            /* RFC 5508 REQ-2 */
        .map_lifetime = MINUTES(60) * 24, /* RFC 6887 section 15 */
        .on_clash = NAT_CLASH_NEXT,
        .pooling = NAT_POOL_PAIRED,
        .low = 1024,
        .high = 65535,
        .delta = 1,
        .block = 512,
        .max_blocks = 1,
        .pool = 1,
    };
}

/* What a knob's text becomes. */
enum form { FORM_WORD, FORM_SWITCH, FORM_TIME, FORM_COUNT, FORM_LIMIT, FORM_OTHER };

struct knob {
    const char *key;
    const char *values; /* for FORM_WORD the words in the order of their enum */
    enum form form;
    size_t offset;
    int (*set)(struct nat_policy *policy, const char *text); /* FORM_OTHER: 0 or -1 */
};

static int set_idle(struct nat_policy *policy, const char *text)
{
    mist_time idle;
    if (nat_text_time(text, &idle) < 0 || idle <= 0)
        return -1;
    policy->udp_unreplied = policy->udp_established = idle;
    return 0;
}

static int set_range(struct nat_policy *policy, const char *text)
{
    return nat_text_range(text, &policy->low, &policy->high);
}

/* 576: what every IPv4 host can take (RFC 791). */
static int set_mtu(struct nat_policy *policy, const char *text)
{
    int64_t mtu = 0;
    if (nat_text_word(text, "none") != 0 && nat_text_number(text, 576, 65535, &mtu) < 0)
        return -1;
    policy->mtu = (uint16_t)mtu;
    return 0;
}

/* "10.0.0.0/8": an IPv4 prefix of 1 to 32 bits, behind which all bits are 0. */
static int set_exempt(struct nat_policy *policy, const char *text)
{
    char address[32];
    struct addr prefix;
    int64_t bits;
    text += strspn(text, " ");
    size_t length = strcspn(text, "/");
    if (nat_text_word(text, "none") == 0) {
        policy->exempt_prefix = 0;
        policy->exempt_ip = 0;
        return 0;
    }
    if (length >= sizeof address || text[length] != '/')
        return -1;
    memcpy(address, text, length);
    address[length] = '\0';
    if (addr_parse(&prefix, address) != 0 || prefix.family != ADDR_V4 || prefix.port != 0 ||
        nat_text_number(text + length + 1, 1, 32, &bits) < 0 ||
        (uint32_t)((uint64_t)addr_ip4(&prefix) << bits) != 0)
        return -1;
    policy->exempt_prefix = (uint8_t)bits;
    policy->exempt_ip = addr_ip4(&prefix);
    return 0;
}

static int set_delta(struct nat_policy *policy, const char *text)
{
    int64_t delta;
    if (nat_text_number(text, -65535, 65535, &delta) < 0)
        return -1;
    policy->delta = (int32_t)delta;
    return 0;
}

static int set_established_when(struct nat_policy *policy, const char *text)
{
    char value[32];
    mist_time age = SEC(2);
    if (nat_text_word(text, "first_reply") == 0) {
        policy->established_when = NAT_FIRST_REPLY;
        return 0;
    }
    if (nat_text_member(text, "reply_and_age", value, sizeof value) == 0) {
        if (nat_text_time(value, &age) < 0)
            return -1;
    } else if (nat_text_word(text, "reply_and_age") != 0) {
        return -1;
    }
    policy->established_when = NAT_REPLY_AND_AGE;
    policy->established_age = age;
    return 0;
}

/* The same limit with its unit in the value. */
static int set_new_mappings(struct nat_policy *policy, const char *text)
{
    uint64_t rate_uhz;
    if (nat_text_rate(text, &rate_uhz) < 0 || rate_uhz == 0 || rate_uhz % 1000000 != 0)
        return -1;
    policy->new_mappings_per_s = (uint32_t)(rate_uhz / 1000000);
    return 0;
}

/* "{rate: 5/s, life: 60 s}", in any order */
static int set_background(struct nat_policy *policy, const char *text)
{
    char copy[64], rate[32] = "", life[32] = "";
    size_t length = strlen(text);
    if (length >= sizeof copy)
        return -1;
    memcpy(copy, text, length + 1);
    char *comma = strchr(copy, ',');
    if (comma == NULL)
        return -1;
    *comma = '\0';
    char *first = copy + strspn(copy, " {"), *second = comma + 1 + strspn(comma + 1, " ");
    second[strcspn(second, "}")] = '\0';
    if (nat_text_member(first, "rate", rate, sizeof rate) < 0 ||
        nat_text_member(second, "life", life, sizeof life) < 0) {
        if (nat_text_member(second, "rate", rate, sizeof rate) < 0 ||
            nat_text_member(first, "life", life, sizeof life) < 0)
            return -1;
    }
    if (nat_text_rate(rate, &policy->background_uhz) < 0 ||
        nat_text_time(life, &policy->background_life) < 0)
        return -1;
    return policy->background_uhz == 0 || policy->background_life <= 0 ? -1 : 0;
}

/* "{53: 10 s}": datagrams to that port alone keep a mapping so long. */
static int set_dport_override(struct nat_policy *policy, const char *text)
{
    char port[8], value[32];
    int64_t number;
    mist_time timeout;
    text += strspn(text, " {");
    size_t length = strcspn(text, ":");
    if (length >= sizeof port || text[length] != ':')
        return -1;
    memcpy(port, text, length);
    port[length] = '\0';
    text += length + 1;
    length = strcspn(text, "}");
    if (length >= sizeof value)
        return -1;
    memcpy(value, text, length);
    value[length] = '\0';
    if (nat_text_number(port, 1, 65535, &number) < 0 || nat_text_time(value, &timeout) < 0 ||
        timeout <= 0)
        return -1;
    policy->dport = (uint16_t)number;
    policy->dport_timeout = timeout;
    return 0;
}

#define WORD(key, field, words)                                                                    \
    {                                                                                              \
        key, words, FORM_WORD, offsetof(struct nat_policy, field), NULL                            \
    }
#define SWITCHED(key, field)                                                                       \
    {                                                                                              \
        key, SWITCH, FORM_SWITCH, offsetof(struct nat_policy, field), NULL                         \
    }
#define TIMED(key, field)                                                                          \
    {                                                                                              \
        key, "time", FORM_TIME, offsetof(struct nat_policy, field), NULL                           \
    }
#define COUNTED(key, field)                                                                        \
    {                                                                                              \
        key, "count", FORM_COUNT, offsetof(struct nat_policy, field), NULL                         \
    }
#define LIMITED(key, field)                                                                        \
    {                                                                                              \
        key, "count|none", FORM_LIMIT, offsetof(struct nat_policy, field), NULL                    \
    }
#define OTHER(key, values, set)                                                                    \
    {                                                                                              \
        key, values, FORM_OTHER, 0, set                                                            \
    }

static const struct knob knobs[] = {
    WORD("kind", kind, "nat|firewall|one_to_one|nat64"),
    WORD("mapping", mapping, "eim|adm|apdm"),
    WORD("filtering", filtering, "eif|adf|apdf"),
    WORD("filter_lifetime", filter_lifetime, "mapping|session"),
    WORD("ports", ports, "preserve|overload|sequential|random|block|deterministic"),
    WORD("on_clash", on_clash, "next|random|sticky_random"),
    WORD("overload_demux", overload_demux, "remote|last_wins"),
    OTHER("delta", "number, not 0", set_delta),
    WORD("counter", counter, "box|address|subscriber"),
    COUNTED("block", block),
    COUNTED("max_blocks", max_blocks),
    WORD("block_ports", block_ports, "sequential|random"),
    SWITCHED("parity", parity),
    SWITCHED("contiguity", contiguity),
    SWITCHED("keep_privileged", keep_privileged),
    SWITCHED("same_port_after_expiry", same_port_after_expiry),
    OTHER("range", "[low, high]", set_range),
    OTHER("idle", "time", set_idle),
    TIMED("udp_unreplied", udp_unreplied),
    TIMED("udp_established", udp_established),
    OTHER("established_when", "first_reply|{reply_and_age: time}", set_established_when),
    WORD("refresh", refresh, "none|out|in|both"),
    TIMED("max_lifetime", max_lifetime),
    OTHER("dport_override", "{port: time}", set_dport_override),
    TIMED("hold", hold),
    TIMED("down", down),
    WORD("counter_after_reboot", after_reboot, "reset|keep|random"),
    TIMED("icmp_query", icmp_query),
    TIMED("tcp_transitory", tcp_transitory),
    TIMED("tcp_established", tcp_established),
    SWITCHED("session_reply", session_reply),
    SWITCHED("inbound_clash", inbound_clash),
    SWITCHED("icmp_errors", icmp_errors),
    WORD("alg", alg, "off|rewrite"),
    WORD("fragments", fragments, "reassemble|in_order_only|drop"),
    OTHER("mtu", "576..65535|none", set_mtu),
    WORD("df_too_big", df_too_big, "icmp_3_4|drop|fragment"),
    OTHER("background", "{rate: 5/s, life: 60 s}", set_background),
    WORD("egress_block", egress, "none|udp|tcp_high_ports"),
    OTHER("exempt", "prefix such as 10.0.0.0/8, or none", set_exempt),
    WORD("hairpin", hairpin, "off|external|internal"),
    SWITCHED("static_outbound", static_outbound),
    SWITCHED("nat_pmp", nat_pmp),
    SWITCHED("pcp", pcp),
    WORD("upnp", upnp, "off|igd1|igd1_permanent|igd2"),
    TIMED("map_lifetime", map_lifetime),
    COUNTED("pool", pool),
    WORD("pooling", pooling, "paired|soft_paired|arbitrary"),
    LIMITED("quota_ports", quota_ports),
    LIMITED("new_mappings_per_s", new_mappings_per_s),
    OTHER("new_mappings", "rate such as 10/s", set_new_mappings),
    LIMITED("table_capacity", table_capacity),
    WORD("on_exhaustion", on_exhaustion,
         "drop|icmp_3_13|icmp_3_1|evict_oldest|evict_unreplied|reuse"),
    WORD("unsolicited_reply", unsolicited_reply, "silent|icmp_3_3"),
};

#define KNOBS (sizeof knobs / sizeof knobs[0])

const char *nat_policy_key(uint32_t i, const char **values)
{
    if (i >= KNOBS)
        return NULL;
    *values = knobs[i].values;
    return knobs[i].key;
}

/* Sets the knob's field.  Returns 0, or -1 when the text is none of its values. */
static int set_field(const struct knob *knob, struct nat_policy *policy, const char *text)
{
    void *field = (char *)policy + knob->offset;
    int word;
    int64_t number;
    switch (knob->form) {
    case FORM_WORD:
    case FORM_SWITCH:
        word = nat_text_word(text, knob->values);
        if (word < 0)
            return -1;
        *(uint8_t *)field = (uint8_t)(knob->form == FORM_SWITCH ? word & 1 : word);
        return 0;
    case FORM_TIME: return nat_text_time(text, (mist_time *)field);
    case FORM_COUNT:
    case FORM_LIMIT:
        if (knob->form == FORM_LIMIT && nat_text_word(text, "none") == 0)
            number = 0;
        else if (nat_text_number(text, 1, 1000000000, &number) < 0)
            return -1;
        *(uint32_t *)field = (uint32_t)number;
        return 0;
    case FORM_OTHER: return knob->set(policy, text);
    }
    return -1;
}

/* The word among "a|b|c" nearest to text within two changes, or NULL. */
static const char *nearest_word(const char *text, const char *words, char word[32])
{
    int best = 3;
    char candidate[32];
    for (; *words != '\0'; words += strcspn(words, "|"), words += *words == '|') {
        size_t length = strcspn(words, "|");
        if (length >= sizeof candidate)
            continue;
        memcpy(candidate, words, length);
        candidate[length] = '\0';
        if (nat_text_distance(text, candidate) < best) {
            best = nat_text_distance(text, candidate);
            memcpy(word, candidate, length + 1);
        }
    }
    return best < 3 ? word : NULL;
}

static int unknown_key(const char *key, char *error, size_t size)
{
    const char *nearest = NULL;
    int best = strlen(key) < 6 ? 3 : 4;
    for (size_t i = 0; i < KNOBS; i++) {
        if (nat_text_distance(key, knobs[i].key) < best) {
            best = nat_text_distance(key, knobs[i].key);
            nearest = knobs[i].key;
        }
    }
    if (nearest == NULL)
        return complain(error, size, "%s: no such knob of a NAT", key);
    return complain(error, size, "%s: no such knob of a NAT (did you mean %s?)", key, nearest);
}

int nat_policy_set(struct nat_policy *policy, const char *key, const char *text, char *error,
                   size_t size)
{
    for (size_t i = 0; i < KNOBS; i++) {
        if (strcmp(key, knobs[i].key) != 0)
            continue;
        if (set_field(&knobs[i], policy, text) == 0)
            return 0;
        char word[32];
        const char *nearest = nearest_word(text, knobs[i].values, word);
        if (nearest == NULL)
            return complain(error, size, "%s: expected %s, got %s", key, knobs[i].values, text);
        return complain(error, size, "%s: expected %s, got %s (did you mean %s?)", key,
                        knobs[i].values, text, nearest);
    }
    return unknown_key(key, error, size);
}

static const struct {
    const char *key;
    size_t offset;
} positive_times[] = {
    {"udp_unreplied", offsetof(struct nat_policy, udp_unreplied)},
    {"udp_established", offsetof(struct nat_policy, udp_established)},
    {"icmp_query", offsetof(struct nat_policy, icmp_query)},
    {"tcp_transitory", offsetof(struct nat_policy, tcp_transitory)},
    {"tcp_established", offsetof(struct nat_policy, tcp_established)},
};

static int check_exempt(const struct nat_policy *policy, char *error, size_t size)
{
    if (policy->exempt_prefix != 0 && policy->kind != NAT_KIND_NAT)
        return complain(error, size, "exempt: expected none, only kind nat can leave it be");
    return 0;
}

/* RFC 6887 section 15: two minutes is the least that a server should grant. */
static int check_port_mapping(const struct nat_policy *policy, char *error, size_t size)
{
    bool any = policy->nat_pmp || policy->pcp || policy->upnp != NAT_UPNP_OFF;
    if (any && policy->kind != NAT_KIND_NAT)
        return complain(error, size, "nat_pmp, pcp, upnp: expected off, the box maps no ports");
    if (policy->kind == NAT_KIND_NAT64 && policy->mtu != 0)
        return complain(error, size, "mtu: expected none, nat64 knows no sizes of links");
    if (policy->map_lifetime < MINUTES(2))
        return complain(error, size, "map_lifetime: expected at least 2 min");
    return 0;
}

static int check_firewall(const struct nat_policy *policy, char *error, size_t size)
{
    if (policy->mapping != NAT_EIM)
        return complain(error, size, "mapping: expected eim, a firewall keeps endpoints");
    if (policy->ports != NAT_PORTS_PRESERVE)
        return complain(error, size, "ports: expected preserve, a firewall keeps ports");
    if (policy->hairpin != NAT_HAIRPIN_OFF)
        return complain(error, size, "hairpin: expected off, a firewall has no address of its own");
    if (policy->inbound_clash)
        return complain(error, size, "inbound_clash: expected off, a firewall moves no port");
    if (policy->background_uhz != 0)
        return complain(error, size, "background: expected none, a firewall gives no ports");
    if (policy->hold != 0)
        return complain(error, size, "hold: expected 0 s, a firewall gives no ports");
    return 0;
}

static int check_ports(const struct nat_policy *policy, char *error, size_t size)
{
    if (policy->low == 0 || policy->low > policy->high)
        return complain(error, size, "range: expected 1 <= low <= high, got [%d, %d]", policy->low,
                        policy->high);
    if (policy->delta == 0)
        return complain(error, size, "delta: expected a number other than 0, got 0");
    uint32_t range = (uint32_t)policy->high - policy->low + 1;
    bool blocks = policy->ports == NAT_PORTS_BLOCK || policy->ports == NAT_PORTS_DETERMINISTIC;
    if (blocks && policy->block > range)
        return complain(error, size, "block: expected at most the range's %u ports, got %u", range,
                        policy->block);
    if (policy->hold != 0 && policy->ports == NAT_PORTS_OVERLOAD)
        return complain(error, size, "hold: expected 0 s with ports: overload, which shares ports");
    if (policy->on_clash == NAT_CLASH_STICKY_RANDOM && policy->mapping != NAT_APDM)
        return complain(error, size, "on_clash: sticky_random needs mapping apdm");
    if (policy->pool == 0 || policy->pool > 65534)
        return complain(error, size, "pool: expected 1 to 65534 addresses, got %u", policy->pool);
    return 0;
}

int nat_policy_check(const struct nat_policy *policy, char *error, size_t size)
{
    for (size_t i = 0; i < sizeof positive_times / sizeof positive_times[0]; i++) {
        mist_time value;
        memcpy(&value, (const char *)policy + positive_times[i].offset, sizeof value);
        if (value <= 0)
            return complain(error, size, "%s: expected more than 0 s", positive_times[i].key);
    }
    if (policy->kind == NAT_KIND_FIREWALL && check_firewall(policy, error, size) < 0)
        return -1;
    if (check_port_mapping(policy, error, size) < 0 || check_exempt(policy, error, size) < 0)
        return -1;
    return check_ports(policy, error, size);
}

const char *nat_policy_label(const struct nat_policy *policy, char buffer[NAT_LABEL])
{
    static const char *const mapping[] = {"eim", "adm", "apdm"};
    static const char *const filtering[] = {"eif", "adf", "apdf"};
    static const char *const ports[] = {"preserve", "overload", "sequential",
                                        "random",   "block",    "deterministic"};
    if (policy->kind == NAT_KIND_ONE_TO_ONE)
        snprintf(buffer, NAT_LABEL, "one_to_one");
    else if (policy->kind == NAT_KIND_FIREWALL)
        snprintf(buffer, NAT_LABEL, "firewall/%s", filtering[policy->filtering]);
    else
        snprintf(buffer, NAT_LABEL, "%s%s/%s/%s", policy->kind == NAT_KIND_NAT64 ? "nat64/" : "",
                 mapping[policy->mapping], filtering[policy->filtering], ports[policy->ports]);
    return buffer;
}
