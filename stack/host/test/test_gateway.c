/* test_gateway.c: PCP byte by byte, as RFC 6887 draws it (sections 7.1, 7.2, 11.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "stack/host/gateway.h"

static const struct gateway gateway = {
    .inside = {.family = ADDR_V4, .port = 0x0fa0, .ip = {192, 168, 1, 2}},
    .nonce = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
};

static const uint8_t request[GATEWAY_PCP_MAP] = {
    2,   1,   0, 0, 0,    0,    0x02, 0x58, /* lifetime 600 */
    0,   0,   0, 0, 0,    0,    0,    0,    0, 0,  0xff, 0xff,
    192, 168, 1, 2,                                          /* client */
    1,   2,   3, 4, 5,    6,    7,    8,    9, 10, 11,   12, /* nonce */
    17,  0,   0, 0, 0x0f, 0xa0, 0x0f, 0xa0,                  /* UDP, ports */
    0,   0,   0, 0, 0,    0,    0,    0,    0, 0,  0xff, 0xff,
    0,   0,   0, 0, /* any address outside */
};

static const uint8_t answer[GATEWAY_PCP_MAP] = {
    2,  0x81, 0, 0, 0,    0,    0x02, 0x58, 0, 0, 0,    99, /* result 0, epoch 99 */
    0,  0,    0, 0, 0,    0,    0,    0,    0, 0, 0,    0,    1,   2, 3,   4,
    5,  6,    7, 8, 9,    10,   11,   12,   /* nonce */
    17, 0,    0, 0, 0x0f, 0xa0, 0x9c, 0x40, /* 4000 is 40000 outside */
    0,  0,    0, 0, 0,    0,    0,    0,    0, 0, 0xff, 0xff, 203, 0, 113, 7,
};

static void a_request_is_as_the_rfc_draws_it(void **state)
{
    uint8_t bytes[GATEWAY_PCP_MAP];
    (void)state;
    gateway_put_map(bytes, &gateway, 600);
    assert_memory_equal(bytes, request, sizeof bytes);
}

static void a_renewal_asks_for_the_same_port_and_address(void **state)
{
    uint8_t bytes[GATEWAY_PCP_MAP];
    struct gateway mapped = gateway;
    (void)state;
    assert_int_equal(gateway_read_map(answer, sizeof answer, &gateway, &mapped.outside), 0);
    assert_int_equal(addr_ip4(&mapped.outside), 0xcb007107);
    assert_int_equal(mapped.outside.port, 40000);
    gateway_put_map(bytes, &mapped, 600);
    assert_memory_equal(bytes + 42, answer + 42, 18);
}

/* Each byte that must be as it is, changed; and every shorter answer. */
static void an_answer_to_another_request_is_none(void **state)
{
    static const int checked[] = {0, 1, 3, 24, 35, 36, 40, 41, 44, 54, 55};
    struct addr outside;
    uint8_t bytes[GATEWAY_PCP_MAP];
    (void)state;
    for (size_t i = 0; i < sizeof checked / sizeof checked[0]; i++) {
        memcpy(bytes, answer, sizeof bytes);
        bytes[checked[i]] ^= 1;
        assert_int_equal(gateway_read_map(bytes, sizeof bytes, &gateway, &outside), -1);
    }
    for (uint32_t length = 0; length < sizeof answer; length++)
        assert_int_equal(gateway_read_map(answer, length, &gateway, &outside), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_as_the_rfc_draws_it),
        cmocka_unit_test(a_renewal_asks_for_the_same_port_and_address),
        cmocka_unit_test(an_answer_to_another_request_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
