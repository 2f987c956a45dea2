#include "stack/gateway.h"

#include <string.h>

/* PCP, RFC 6887 sections 7 and 11: what is asked, then what is answered.
 *
 *      0         1          2..3       4..7       8..23
 *     | version | opcode   | reserved | lifetime | client address |
 *     | version | 128 + op | 0 result | lifetime | epoch | zeros  |
 *      24..35   36         37..39   40..41          42..43          44..59
 *     | nonce  | protocol | 0      | internal port | external port | external address |
 *
 * NAT-PMP, RFC 6886 sections 3.2 and 3.3:
 *
 *      0         1          2..3     4..7       8..11
 *     | version | 0        |
 *     | version | 128      | result | epoch    | external address |
 *      0         1          2..3     4..5            6..7            8..11
 *     | version | 1        | 0      | internal port | external port | lifetime |
 *      0         1          2..3     4..7    8..9            10..11          12..15
 *     | version | 129      | result | epoch | internal port | external port | lifetime | */
enum { PCP = 2, PMP = 0, ANSWER = 128, UDP = 17 };
enum { PCP_ANNOUNCE = 0, PCP_MAP = 1, PMP_ADDRESS = 0, PMP_MAP_UDP = 1 };
enum { PCP_HEAD = 24, PCP_MAP_SIZE = 60, PMP_ADDRESS_SIZE = 12, PMP_MAP_SIZE = 16, PMP_ERROR = 8 };
enum { RESULT_VERSION = 1 }; /* of both */

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96 */

static void put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint32_t get(const uint8_t *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static void put_v4(uint8_t *at, const struct addr *a)
{
    memcpy(at, v4_mapped, sizeof v4_mapped);
    memcpy(at + sizeof v4_mapped, a->ip, 4); /* zeros: any */
}

size_t gateway_put_pcp(uint8_t buffer[GATEWAY_MOST], const struct gateway_wish *w)
{
    memset(buffer, 0, PCP_MAP_SIZE);
    buffer[0] = PCP;
    buffer[1] = PCP_MAP;
    put(buffer + 4, w->lifetime_s, 4);
    put_v4(buffer + 8, &w->inside);
    memcpy(buffer + 24, w->nonce, GATEWAY_NONCE);
    buffer[36] = UDP;
    put(buffer + 40, w->inside.port, 2);
    put(buffer + 42, w->outside.port, 2);
    put_v4(buffer + 44, &w->outside);
    return PCP_MAP_SIZE;
}

size_t gateway_put_pmp(uint8_t buffer[GATEWAY_MOST], const struct gateway_wish *w)
{
    memset(buffer, 0, 12);
    buffer[0] = PMP;
    buffer[1] = PMP_MAP_UDP;
    put(buffer + 4, w->inside.port, 2);
    put(buffer + 6, w->lifetime_s == 0 ? 0 : w->outside.port, 2);
    put(buffer + 8, w->lifetime_s, 4);
    return 12;
}

size_t gateway_put_pmp_address(uint8_t buffer[GATEWAY_MOST])
{
    buffer[0] = PMP;
    buffer[1] = PMP_ADDRESS;
    return 2;
}

static bool read_pcp(const uint8_t *b, size_t length, struct gateway_answer *a)
{
    if (length < PCP_HEAD)
        return false;
    a->pcp = true;
    a->result = b[3];
    a->lifetime_s = get(b + 4, 4);
    a->epoch_s = get(b + 8, 4);
    a->kind = a->result == RESULT_VERSION ? GATEWAY_NO_VERSION : GATEWAY_REFUSED;
    if (b[1] == (ANSWER | PCP_ANNOUNCE) && a->result == 0) {
        a->kind = GATEWAY_PCP_ANNOUNCE;
        return true;
    }
    if (a->kind == GATEWAY_NO_VERSION)
        return true; /* in whichever length the gateway knows */
    if (b[1] != (ANSWER | PCP_MAP) || length < PCP_MAP_SIZE || b[36] != UDP)
        return false;
    memcpy(a->nonce, b + 24, GATEWAY_NONCE);
    a->inside_port = (uint16_t)get(b + 40, 2);
    if (a->result != 0)
        return true;
    if (memcmp(b + 44, v4_mapped, sizeof v4_mapped) != 0)
        return false;
    a->kind = GATEWAY_PCP_MAPPED;
    a->outside = addr_v4(get(b + 56, 4), (uint16_t)get(b + 42, 2));
    return true;
}

static bool read_pmp(const uint8_t *b, size_t length, struct gateway_answer *a)
{
    if (length < PMP_ERROR)
        return false;
    a->result = (uint16_t)get(b + 2, 2);
    a->epoch_s = get(b + 4, 4);
    if (a->result != 0) {
        a->kind = a->result == RESULT_VERSION ? GATEWAY_NO_VERSION : GATEWAY_REFUSED;
        return true;
    }
    if (b[1] == (ANSWER | PMP_ADDRESS) && length >= PMP_ADDRESS_SIZE) {
        a->kind = GATEWAY_PMP_ADDRESS;
        a->outside = addr_v4(get(b + 8, 4), 0);
        return true;
    }
    if (b[1] != (ANSWER | PMP_MAP_UDP) || length < PMP_MAP_SIZE)
        return false;
    a->kind = GATEWAY_PMP_MAPPED;
    a->inside_port = (uint16_t)get(b + 8, 2);
    a->outside = addr_v4(0, (uint16_t)get(b + 10, 2));
    a->lifetime_s = get(b + 12, 4);
    return true;
}

bool gateway_read(const uint8_t *bytes, size_t length, struct gateway_answer *a)
{
    memset(a, 0, sizeof *a);
    if (length < 2 || (bytes[1] & ANSWER) == 0)
        return false;
    if (bytes[0] == PCP)
        return read_pcp(bytes, length, a);
    return bytes[0] == PMP && read_pmp(bytes, length, a);
}
