#include "nat-models/bytes.h"
#include "nat-models/mapping.h"
#include "nat-models/portmap.h"
#include "nat-models/static.h"

/* NAT-PMP, RFC 6886.  Requests of 2 bytes for the external address (opcode 0), of
 * 12 for a mapping (UDP 1, TCP 2):
 *
 *      0         1        2..3       4..5            6..7            8..11
 *     +---------+--------+----------+---------------+---------------+----------+
 *     | version | opcode | reserved | internal port | external port | lifetime |
 *     +---------+--------+----------+---------------+---------------+----------+
 *
 * and answers, with 128 added to the opcode:
 *
 *      0         1        2..3     4..7    8..11
 *     +---------+--------+--------+-------+------------------+
 *     | version | opcode | result | epoch | external address |
 *     +---------+--------+--------+-------+------------------+
 *
 *      0         1        2..3     4..7    8..9            10..11          12..15
 *     +---------+--------+--------+-------+---------------+---------------+----------+
 *     | version | opcode | result | epoch | internal port | external port | lifetime |
 *     +---------+--------+--------+-------+---------------+---------------+----------+  */
enum { OP_ADDRESS = 0, OP_MAP_UDP = 1, OP_MAP_TCP = 2, OP_ANSWER = 128 };
enum { MAP_REQUEST = 12, MAP_ANSWER = 16, ERROR_ANSWER = 8 };
enum {
    RESULT_SUCCESS = 0,
    RESULT_UNSUPPORTED_VERSION = 1,
    RESULT_OUT_OF_RESOURCES = 4,
    RESULT_UNSUPPORTED_OPCODE = 5,
};

static void write_head(const struct nat *nat, uint8_t *bytes, uint8_t opcode, uint32_t result)
{
    bytes[0] = 0;
    bytes[1] = (uint8_t)(OP_ANSWER | opcode);
    nat_put16(bytes + 2, result);
    nat_put32(bytes + 4, nat_portmap_epoch(nat));
}

static void answer_error(struct nat *nat, const struct nat_datagram *d, uint32_t result)
{
    uint8_t bytes[ERROR_ANSWER];
    write_head(nat, bytes, d->bytes[1], result);
    nat_portmap_reply(nat, d, bytes, sizeof bytes);
}

void nat_pmp_refuse_version(struct nat *nat, const struct nat_datagram *d)
{
    if (d->bytes[1] < OP_ANSWER)
        answer_error(nat, d, RESULT_UNSUPPORTED_VERSION);
}

void nat_pmp_write_address(const struct nat *nat, uint8_t bytes[NAT_PMP_ADDRESS_BYTES])
{
    write_head(nat, bytes, OP_ADDRESS, RESULT_SUCCESS);
    memcpy(bytes + 8, nat->external[0].addr.ip, 4);
}

static void answer_address(struct nat *nat, const struct nat_datagram *d)
{
    uint8_t bytes[NAT_PMP_ADDRESS_BYTES];
    nat_pmp_write_address(nat, bytes);
    nat_portmap_reply(nat, d, bytes, sizeof bytes);
}

static void answer_mapping(struct nat *nat, const struct nat_datagram *d,
                           const struct nat_endpoint *inside, uint16_t external_port,
                           mist_time lifetime)
{
    uint8_t bytes[MAP_ANSWER];
    write_head(nat, bytes, d->bytes[1], RESULT_SUCCESS);
    nat_put16(bytes + 8, inside->port);
    nat_put16(bytes + 10, external_port);
    nat_put32(bytes + 12, (uint32_t)(lifetime / SEC(1)));
    nat_portmap_reply(nat, d, bytes, sizeof bytes);
}

/* Section 3.4: lifetime 0 deletes one, with internal port 0 all of the host's. */
static void answer_deletion(struct nat *nat, const struct nat_datagram *d,
                            const struct nat_endpoint *inside)
{
    struct addr nowhere = {0};
    if (inside->port == 0)
        nat_static_delete_all(nat, inside);
    else
        nat_static_make(nat, inside, &nowhere, 0);
    answer_mapping(nat, d, inside, 0, 0);
}

static void answer_map(struct nat *nat, const struct nat_datagram *d)
{
    struct nat_endpoint inside = nat_endpoint(&d->from, NAT_UDP);
    inside.protocol = d->bytes[1] == OP_MAP_TCP ? NAT_TCP : NAT_UDP;
    inside.port = (uint16_t)nat_get16(d->bytes + 4);
    mist_time lifetime = SEC(nat_get32(d->bytes + 8));
    if (lifetime == 0) {
        answer_deletion(nat, d, &inside);
        return;
    }
    if (inside.port == 0)
        return; /* nothing that could be mapped */
    struct addr external = {0};
    struct nat_static_wish wish = {.external.port = (uint16_t)nat_get16(d->bytes + 6)};
    if (nat_static_give(nat, &inside, &wish, &external, &lifetime) != NAT_STATIC_DONE)
        answer_error(nat, d, RESULT_OUT_OF_RESOURCES);
    else
        answer_mapping(nat, d, &inside, external.port, lifetime);
}

void nat_pmp_answer(struct nat *nat, const struct nat_datagram *d)
{
    uint8_t opcode = d->bytes[1];
    if (opcode >= OP_ANSWER)
        return;
    if (opcode == OP_ADDRESS)
        answer_address(nat, d);
    else if (opcode > OP_MAP_TCP)
        answer_error(nat, d, RESULT_UNSUPPORTED_OPCODE);
    else if (d->length >= MAP_REQUEST)
        answer_map(nat, d);
}
