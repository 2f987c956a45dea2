/* Spare sockets: places, ids, the host's answers. */
#include "stack/test/lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/check.h"
#include "stack/sockets.h"
#include "stack/test/lab.c"
#include "stack/test/lab_nat.c"

#define PLACES 4

struct bench {
    struct sockets sockets;
    struct spare spares[PLACES];
    struct out *out;
};

static struct bench *bench_open(void)
{
    struct bench *b = calloc(1, sizeof *b);
    CHECK(b != NULL);
    b->out = zeroed(out_size());
    sockets_init(&b->sockets, b->spares, PLACES);
    return b;
}

static void bench_close(struct bench *b)
{
    free(b->out);
    free(b);
}

static uint32_t want(struct bench *b, mist_link link)
{
    return sockets_want(&b->sockets, ADDR_V4, SOCKET_FOR_PUNCH, link, b->out);
}

static void an_id_is_never_given_twice(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    uint32_t seen[40], count = 0;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < PLACES; i++) {
            uint32_t id = want(b, 7);
            assert_true(id > MIST_SOCKETS);
            for (uint32_t j = 0; j < count; j++)
                assert_int_not_equal(id, seen[j]);
            seen[count++] = id;
        }
        assert_int_equal(want(b, 7), 0); /* full */
        sockets_release(&b->sockets, 7, b->out);
    }
    for (uint32_t j = 0; j + PLACES < count; j++)
        assert_null(sockets_spare(&b->sockets, seen[j]));
    bench_close(b);
}

static void a_socket_is_of_use_from_its_opening_to_its_closing(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    const struct addr local = addr_v4(0x0a000001, 5000);
    uint32_t id = want(b, 7);
    assert_null(sockets_local(&b->sockets, id, ADDR_V4));
    assert_int_equal(sockets_opened(&b->sockets, id, &local), MIST_OK);
    assert_int_equal(sockets_opened(&b->sockets, id, &local), MIST_ERR_UNKNOWN); /* twice */
    assert_true(addr_equal(sockets_local(&b->sockets, id, ADDR_V4), &local));
    assert_null(sockets_local(&b->sockets, id, ADDR_V6)); /* not of that family */
    sockets_close(&b->sockets, id, b->out);
    assert_null(sockets_local(&b->sockets, id, ADDR_V4));
    assert_int_equal(sockets_opened(&b->sockets, id, &local), MIST_ERR_UNKNOWN);
    bench_close(b);
}

static void every_socket_that_was_wanted_is_unwanted_once(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    const struct addr local = addr_v4(0x0a000001, 5000);
    struct mist_event e;
    uint32_t ids[PLACES], wanted = 0, unwanted = 0;
    for (int i = 0; i < PLACES; i++)
        ids[i] = want(b, i < 2 ? 7 : 8);
    assert_int_equal(sockets_failed(&b->sockets, ids[0]), MIST_OK); /* none to close */
    for (int i = 1; i < PLACES; i++)
        assert_int_equal(sockets_opened(&b->sockets, ids[i], &local), MIST_OK);
    sockets_adopt(&b->sockets, 8, ids[3], b->out);
    sockets_release(&b->sockets, 7, b->out);
    sockets_release(&b->sockets, 8, b->out); /* the search is over, the path stays */
    assert_non_null(sockets_local(&b->sockets, ids[3], ADDR_V4)); /* kept */
    sockets_close(&b->sockets, ids[3], b->out);
    sockets_close(&b->sockets, ids[3], b->out);
    while (out_next_event(b->out, &e)) {
        wanted += e.kind == MIST_EVENT_SOCKET_WANTED;
        unwanted += e.kind == MIST_EVENT_SOCKET_UNWANTED;
    }
    assert_int_equal(wanted, PLACES);
    assert_int_equal(unwanted, PLACES - 1);
    bench_close(b);
}

static void the_main_sockets_serve_their_own_family(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    static const uint8_t ip6[16] = {0x20, 0x01};
    const struct addr v4 = addr_v4(0x0a000001, 5000), v6 = addr_v6(ip6, 5001);
    assert_int_equal(sockets_opened(&b->sockets, 1, &v6), MIST_ERR_UNKNOWN);
    assert_int_equal(sockets_opened(&b->sockets, 1, &v4), MIST_OK);
    assert_int_equal(sockets_opened(&b->sockets, 2, &v6), MIST_OK);
    assert_true(addr_equal(sockets_local(&b->sockets, 0, ADDR_V4), &v4));
    assert_true(addr_equal(sockets_local(&b->sockets, 0, ADDR_V6), &v6));
    assert_null(sockets_local(&b->sockets, 0, ADDR_RELAY));
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_never_given_twice),
        cmocka_unit_test(a_socket_is_of_use_from_its_opening_to_its_closing),
        cmocka_unit_test(every_socket_that_was_wanted_is_unwanted_once),
        cmocka_unit_test(the_main_sockets_serve_their_own_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
