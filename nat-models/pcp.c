#include "nat-models/bytes.h"
#include "nat-models/mapping.h"
#include "nat-models/portmap.h"
#include "nat-models/remote.h"
#include "nat-models/static.h"
#include "stack/check.h"

/* PCP, RFC 6887.  Every message begins with 24 bytes (section 7); IPv4 addresses
 * stand as ::ffff:a.b.c.d in 16 bytes:
 *
 *      0         1          2..3       4..7       8..23
 *     +---------+----------+----------+----------+----------------+
 *     | version | 0 opcode | reserved | lifetime | client address |      request
 *     +---------+----------+----------+----------+----------------+
 *      0         1          2     3        4..7       8..11   12..23
 *     +---------+----------+-----+--------+----------+-------+----------+
 *     | version | 1 opcode | 0   | result | lifetime | epoch | reserved |    answer
 *     +---------+----------+-----+--------+----------+-------+----------+
 *
 * then for MAP (section 11), and for PEER with the second line (section 12):
 *
 *      24..35   36         37..39   40..41          42..43          44..59
 *     +--------+----------+--------+---------------+---------------+------------------+
 *     | nonce  | protocol | 0      | internal port | external port | external address |
 *     +--------+----------+--------+---------------+---------------+------------------+
 *      60..61        62..63   64..79
 *     +-------------+--------+----------------+
 *     | remote port | 0      | remote address |
 *     +-------------+--------+----------------+
 *
 * then options: code, 0, length of the data (16 bits), data padded to 4 bytes. */
enum { VERSION = 2, RESPONSE = 128 };
enum { OP_ANNOUNCE = 0, OP_MAP = 1, OP_PEER = 2 };
enum { LENGTH_MAX = 1100, MAP_END = 60, PEER_END = 80, NONCE = 24, OPTION_HEAD = 4 };
enum { OPTION_PREFER_FAILURE = 2, OPTION_FILTER = 3, OPTION_OPTIONAL = 128, FILTER_BYTES = 20 };
enum { MAPPED_PREFIX = 96 }; /* bits before the IPv4 address in ::ffff:0:0/96 */

enum result { /* section 7.4 */
              SUCCESS = 0,
              UNSUPP_VERSION = 1,
              NOT_AUTHORIZED = 2,
              MALFORMED_REQUEST = 3,
              UNSUPP_OPCODE = 4,
              UNSUPP_OPTION = 5,
              MALFORMED_OPTION = 6,
              NO_RESOURCES = 8,
              UNSUPP_PROTOCOL = 9,
              USER_EX_QUOTA = 10,
              CANNOT_PROVIDE_EXTERNAL = 11,
              ADDRESS_MISMATCH = 12,
              EXCESSIVE_REMOTE_PEERS = 13,
};

/* Section 7.4: how long a client should believe an error. */
#define SHORT_ERROR SEC(30)
#define LONG_ERROR  MINUTES(30)

/* Section 15: the least that is granted. */
#define LEAST_LIFETIME MINUTES(2)

/* A request for ports, and what becomes of it. */
struct asking {
    const struct nat_datagram *d;
    uint8_t opcode;
    mist_time lifetime; /* asked for, then granted */
    struct nat_endpoint inside, remote;
    struct addr external; /* suggested, then given */
    const uint8_t *nonce;
    bool prefer_failure;
    uint32_t options; /* where they begin */
};

/* ---- bytes ---- */

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool read_ip4(const uint8_t *at, struct addr *a)
{
    if (memcmp(at, mapped, sizeof mapped) != 0)
        return false;
    *a = addr_v4(nat_get32(at + sizeof mapped), 0);
    return true;
}

static void write_head(const struct nat *nat, uint8_t *bytes, uint8_t opcode, enum result result,
                       mist_time lifetime)
{
    bytes[0] = VERSION;
    bytes[1] = RESPONSE | opcode;
    bytes[2] = 0;
    bytes[3] = (uint8_t)result;
    nat_put32(bytes + 4, (uint32_t)(lifetime / SEC(1)));
    nat_put32(bytes + 8, nat_portmap_epoch(nat));
    memset(bytes + 12, 0, NAT_PCP_HEADER - 12);
}

void nat_pcp_write_announcement(const struct nat *nat, uint8_t bytes[NAT_PCP_HEADER])
{
    write_head(nat, bytes, OP_ANNOUNCE, SUCCESS, 0);
}

static bool is_short(enum result result)
{
    return result == NO_RESOURCES || result == USER_EX_QUOTA || result == CANNOT_PROVIDE_EXTERNAL;
}

/* Section 8.3: an error gives back what was asked, whole words of it. */
static void answer(struct nat *nat, const struct nat_datagram *d, enum result result,
                   mist_time lifetime)
{
    uint8_t bytes[LENGTH_MAX] = {0};
    uint32_t length = d->length < LENGTH_MAX ? d->length : LENGTH_MAX;
    memcpy(bytes, d->bytes, length);
    length = (length + 3) / 4 * 4;
    if (length < NAT_PCP_HEADER)
        length = NAT_PCP_HEADER;
    if (result != SUCCESS)
        lifetime = is_short(result) ? SHORT_ERROR : LONG_ERROR;
    write_head(nat, bytes, d->bytes[1], result, lifetime);
    nat_portmap_reply(nat, d, bytes, length);
}

/* ---- options ---- */

/* Walks over the options: *at is the place of one, then of the next.  false: no
 * further one, or a broken one, where *at does not reach the end. */
static bool next_option(const struct nat_datagram *d, uint32_t *at, const uint8_t **option)
{
    if (d->length - *at < OPTION_HEAD)
        return false;
    uint32_t padded = (nat_get16(d->bytes + *at + 2) + 3u) / 4 * 4;
    if (padded > d->length - *at - OPTION_HEAD)
        return false;
    *option = d->bytes + *at;
    *at += OPTION_HEAD + padded;
    return true;
}

/* Section 13.3: prefix 0 deletes all filters; else it counts from the mapped prefix. */
static enum result check_filter(const uint8_t *option)
{
    struct addr remote;
    uint8_t prefix = option[OPTION_HEAD + 1];
    if (nat_get16(option + 2) != FILTER_BYTES || (prefix != 0 && prefix <= MAPPED_PREFIX) ||
        prefix > MAPPED_PREFIX + 32)
        return MALFORMED_OPTION;
    return prefix == 0 || read_ip4(option + 8, &remote) ? SUCCESS : MALFORMED_OPTION;
}

static enum result check_options(struct asking *a)
{
    const uint8_t *option;
    uint32_t at = a->options, filters = 0;
    while (next_option(a->d, &at, &option)) {
        enum result result = SUCCESS;
        if (option[0] == OPTION_PREFER_FAILURE && a->opcode == OP_MAP) {
            if (nat_get16(option + 2) != 0 || a->prefer_failure)
                return MALFORMED_OPTION;
            a->prefer_failure = true;
        } else if (option[0] == OPTION_FILTER && a->opcode == OP_MAP) {
            result = check_filter(option);
            filters++;
        } else if (option[0] < OPTION_OPTIONAL) {
            result = UNSUPP_OPTION;
        }
        if (result != SUCCESS)
            return result;
    }
    if (at != a->d->length)
        return MALFORMED_OPTION;
    return filters > NAT_FILTERS ? EXCESSIVE_REMOTE_PEERS : SUCCESS;
}

static void apply_filters(struct nat *nat, const struct asking *a, uint32_t record)
{
    const uint8_t *option;
    uint32_t at = a->options;
    while (next_option(a->d, &at, &option)) {
        struct addr remote = {0};
        uint8_t prefix = option[OPTION_HEAD + 1];
        if (option[0] != OPTION_FILTER)
            continue;
        if (prefix == 0) {
            nat_remote_allow_all(nat, record);
            continue;
        }
        read_ip4(option + 8, &remote);
        remote.port = (uint16_t)nat_get16(option + 6);
        struct nat_endpoint from = nat_endpoint(&remote, a->inside.protocol);
        nat_remote_allow(nat, record, &from, (uint8_t)(prefix - MAPPED_PREFIX));
    }
}

/* ---- MAP and PEER ---- */

static void answer_ports(struct nat *nat, const struct asking *a)
{
    uint8_t bytes[LENGTH_MAX];
    memcpy(bytes, a->d->bytes, a->d->length);
    write_head(nat, bytes, a->opcode, SUCCESS, a->lifetime);
    nat_put16(bytes + 42, a->external.port);
    memcpy(bytes + 44, mapped, sizeof mapped);
    memcpy(bytes + 44 + sizeof mapped, a->external.ip, 4);
    nat_portmap_reply(nat, a->d, bytes, a->d->length);
}

static mist_time granted(const struct nat *nat, mist_time asked)
{
    mist_time most = nat->policy.map_lifetime;
    return asked < LEAST_LIFETIME ? LEAST_LIFETIME : asked > most ? most : asked;
}

static enum result result_of(enum nat_static_answer answer)
{
    switch (answer) {
    case NAT_STATIC_DONE: return SUCCESS;
    case NAT_STATIC_TAKEN: return CANNOT_PROVIDE_EXTERNAL;
    default: return NO_RESOURCES;
    }
}

static enum result map(struct nat *nat, struct asking *a)
{
    uint32_t record = nat_mapping_find_static(nat, &a->inside);
    if (record != 0 && !nat_remote_is_owner(nat, record, a->nonce))
        return NOT_AUTHORIZED; /* section 11.3: the nonce of whoever made it */
    if (a->lifetime == 0) {
        nat_static_make(nat, &a->inside, &a->external, 0);
        return SUCCESS;
    }
    a->lifetime = granted(nat, a->lifetime);
    struct nat_static_wish wish = {.external = a->external, .exactly = a->prefer_failure};
    enum result result =
        result_of(nat_static_give(nat, &a->inside, &wish, &a->external, &a->lifetime));
    if (result != SUCCESS)
        return result;
    record = nat_mapping_find_static(nat, &a->inside);
    nat_remote_set_owner(nat, record, a->nonce);
    apply_filters(nat, a, record);
    return SUCCESS;
}

/* As if the host had sent to the remote, and the mapping then lives as long as granted. */
static enum result peer(struct nat *nat, struct asking *a)
{
    enum nat_verdict verdict;
    struct nat_datagram sent = {.from = nat_endpoint_addr(&a->inside),
                                .to = nat_endpoint_addr(&a->remote),
                                .protocol = a->inside.protocol,
                                .ttl = 64};
    uint32_t record = nat_send_out(nat, nat->now, &sent, &verdict);
    if (record == 0)
        return verdict == NAT_DROP_QUOTA ? USER_EX_QUOTA : NO_RESOURCES;
    a->lifetime = nat_mapping_promise(nat, record, nat->now + granted(nat, a->lifetime)) - nat->now;
    nat_remote_promise(nat, record, &a->remote, nat->now + a->lifetime);
    struct nat_endpoint outside = nat_mapping_outside(nat, nat_mapping(nat, record));
    a->external = nat_endpoint_addr(&outside);
    return SUCCESS;
}

/* Reads what MAP and PEER have in common. */
static enum result read_ports(struct asking *a)
{
    const struct nat_datagram *d = a->d;
    a->options = a->opcode == OP_MAP ? MAP_END : PEER_END;
    if (d->length < a->options)
        return MALFORMED_REQUEST;
    a->nonce = d->bytes + NONCE;
    a->inside = nat_endpoint(&d->from, d->bytes[36]);
    a->inside.port = (uint16_t)nat_get16(d->bytes + 40);
    a->remote = a->inside;
    if (a->inside.protocol != NAT_UDP && a->inside.protocol != NAT_TCP)
        return a->inside.protocol == 0 && a->inside.port != 0 ? MALFORMED_REQUEST : UNSUPP_PROTOCOL;
    if (a->inside.port == 0)
        return UNSUPP_PROTOCOL; /* all ports at once */
    if (read_ip4(d->bytes + 44, &a->external) && addr_ip4(&a->external) == 0)
        a->external = (struct addr){0};
    a->external.port = (uint16_t)nat_get16(d->bytes + 42);
    struct addr remote;
    if (a->opcode == OP_MAP)
        return SUCCESS;
    if (!read_ip4(d->bytes + 64, &remote) || nat_get16(d->bytes + 60) == 0)
        return MALFORMED_REQUEST;
    remote.port = (uint16_t)nat_get16(d->bytes + 60);
    a->remote = nat_endpoint(&remote, a->inside.protocol);
    return SUCCESS;
}

/* ---- requests ---- */

/* Section 8.3, in its order; without an answer before the first two. */
static enum result check(const struct nat_datagram *d)
{
    struct addr client;
    if (d->bytes[0] != VERSION)
        return UNSUPP_VERSION;
    if (d->length < NAT_PCP_HEADER || d->length > LENGTH_MAX || d->length % 4 != 0)
        return MALFORMED_REQUEST;
    if (d->bytes[1] > OP_PEER)
        return UNSUPP_OPCODE;
    if (!read_ip4(d->bytes + 8, &client) || !addr_same_ip(&client, &d->from))
        return ADDRESS_MISMATCH;
    return SUCCESS;
}

void nat_pcp_answer(struct nat *nat, const struct nat_datagram *d)
{
    CHECK(d->length >= 2);
    if (d->bytes[1] & RESPONSE)
        return;
    struct asking a = {.d = d, .opcode = d->bytes[1]};
    enum result result = check(d);
    if (result == SUCCESS && a.opcode == OP_ANNOUNCE) {
        answer(nat, d, SUCCESS, 0);
        return;
    }
    if (result == SUCCESS)
        result = read_ports(&a);
    if (result == SUCCESS)
        result = check_options(&a);
    a.lifetime = result == SUCCESS ? SEC(nat_get32(d->bytes + 4)) : 0;
    if (result == SUCCESS)
        result = a.opcode == OP_MAP ? map(nat, &a) : peer(nat, &a);
    if (result == SUCCESS && a.lifetime > 0)
        answer_ports(nat, &a);
    else
        answer(nat, d, result, 0);
}
