/* The same inputs give the same bytes; what fails or comes too early changes
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/check.h"
#include "stack/test/lab.c"
#include "stack/test/lab_nat.c"

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

/* ---- the same bytes ---- */

/* All that hosts send: time, host, address, bytes. */
struct tape {
    uint8_t *bytes;
    size_t length, size;
};

static void tape_write(struct tape *t, const void *bytes, size_t length)
{
    if (t->length + length > t->size) {
        t->size = 2 * (t->length + length);
        t->bytes = realloc(t->bytes, t->size);
        CHECK(t->bytes != NULL);
    }
    memcpy(t->bytes + t->length, bytes, length);
    t->length += length;
}

static void on_sent(void *context, struct lab *l, uint32_t host, const struct mist_datagram *d)
{
    tape_write(context, &l->now, sizeof l->now);
    tape_write(context, &host, sizeof host);
    tape_write(context, &d->to, sizeof d->to);
    tape_write(context, d->bytes, d->length);
}

/* Three servers, five homes, publications and dials for two minutes. */
static struct tape play(uint64_t seed, bool own_scratches)
{
    struct tape tape = {0};
    struct lab *l = lab_open(seed);
    void *scratches[8];
    l->watch = (struct lab_watch){.context = &tape, .sent = on_sent};
    l->jitter = MS(10);
    l->loss = 20;
    for (uint32_t i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "h%u", (unsigned)i);
        lab_add(l, name);
        if (i < 3)
            lab_configure(l, i, "reach.assume", "public");
        else
            lab_behind(l, i, (enum lab_mapping)(i % 3), (enum lab_filtering)(i % 2 + 1), i % 2);
        scratches[i] = zeroed(l->api->scratch_size());
        if (own_scratches)
            l->hosts[i].scratch = scratches[i];
        lab_start(l, i, i < 3 ? i : 3);
        lab_run(l, l->now + SEC(5));
    }
    for (uint32_t i = 3; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "h%u", (unsigned)(3 + (i + 1) % 5));
        CHECK(lab_connect(l, i, 1, name) == MIST_OK);
        CHECK(lab_name(l, i, MIST_WISH_SUBSCRIBE, 2, "news", NULL) == MIST_OK);
        lab_run(l, l->now + SEC(3));
        CHECK(lab_name(l, i, MIST_WISH_PUBLISH, 3, "news", "rain") == MIST_OK);
    }
    lab_run(l, l->now + SEC(60));
    lab_close(l);
    for (uint32_t i = 0; i < 8; i++)
        free(scratches[i]);
    return tape;
}

static bool same(const struct tape *a, const struct tape *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static void the_same_seeds_and_inputs_give_the_same_bytes(void **state)
{
    (void)state;
    struct tape a = play(1, false), b = play(1, false), c = play(2, false);
    assert_true(a.length > 100000);
    assert_true(same(&a, &b));
    assert_false(same(&a, &c));
    free(a.bytes);
    free(b.bytes);
    free(c.bytes);
}

static void a_shared_scratch_makes_no_difference(void **state)
{
    (void)state;
    struct tape a = play(3, false), b = play(3, true);
    assert_true(same(&a, &b));
    free(a.bytes);
    free(b.bytes);
}

/* ---- nothing changes ---- */

/* A server, a guest that joined, and the guest's block as it is now. */
static struct lab *with_guest(void)
{
    struct lab *l = lab_open(4);
    lab_configure(l, lab_add(l, "server"), "reach.assume", "public");
    lab_configure(l, lab_add(l, "guest"), "size", "tiny");
    lab_configure(l, lab_add(l, ""), "size", "tiny"); /* has no name */
    lab_start(l, 0, 0);
    lab_run(l, l->now + SEC(1));
    lab_start(l, 1, 1);
    lab_start(l, 2, 1);
    lab_run(l, l->now + SEC(10));
    assert_true(l->hosts[1].joined && l->hosts[2].joined);
    return l;
}

static void assert_refused(struct lab *l, uint32_t host, struct mist_wish w, int error)
{
    struct lab_host *h = &l->hosts[host];
    uint8_t *before = malloc(h->memory_size);
    assert_non_null(before);
    memcpy(before, h->memory, h->memory_size);
    uint32_t sent = h->sent;
    if (w.size == 0)
        w.size = sizeof w;
    assert_int_equal(lab_wish(l, host, &w), error);
    assert_int_equal(h->sent, sent);
    assert_memory_equal(before, h->memory, h->memory_size);
    free(before);
}

static const uint8_t zeros[2000];

static void a_wish_with_a_wrong_argument_changes_nothing(void **state)
{
    (void)state;
    struct lab *l = with_guest();
    const struct addr v4 = l->hosts[1].local, port0 = addr_v4(0x14000001, 0);
    const struct {
        struct mist_wish wish;
        int error;
    } cases[] = {
        {{.size = 8, .kind = MIST_WISH_LEAVE}, MIST_ERR_ARGUMENT},
        {{.kind = 0}, MIST_ERR_ARGUMENT},
        {{.kind = 12}, MIST_ERR_ARGUMENT},
        {{.kind = UINT32_MAX}, MIST_ERR_ARGUMENT},
        {{.kind = MIST_WISH_SOCKET_OPENED, .socket = 0, .addr = v4}, MIST_ERR_UNKNOWN},
        {{.kind = MIST_WISH_SOCKET_OPENED, .socket = 3, .addr = v4}, MIST_ERR_UNKNOWN},
        {{.kind = MIST_WISH_SOCKET_OPENED, .socket = 2, .addr = v4}, MIST_ERR_UNKNOWN},
        {{.kind = MIST_WISH_SOCKET_FAILED, .socket = 3}, MIST_ERR_UNKNOWN},
        {{.kind = MIST_WISH_BOOTSTRAP}, MIST_ERR_ARGUMENT},
        {{.kind = MIST_WISH_BOOTSTRAP, .addr = port0}, MIST_ERR_ARGUMENT},
        {{.kind = MIST_WISH_SUBSCRIBE}, MIST_ERR_ARGUMENT},
        {{.kind = MIST_WISH_SUBSCRIBE, .id = 0x80000000}, MIST_ERR_ARGUMENT},
        {{.kind = MIST_WISH_SUBSCRIBE, .id = 1, .name = zeros, .name_length = MIST_NAME + 1},
         MIST_ERR_TOO_LONG},
        {{.kind = MIST_WISH_UNSUBSCRIBE, .id = 1}, MIST_ERR_UNKNOWN},
        {{.kind = MIST_WISH_UNSUBSCRIBE, .id = UINT32_MAX}, MIST_ERR_ARGUMENT},
        {{.kind = MIST_WISH_PUBLISH}, MIST_ERR_ARGUMENT},
        {{.kind = MIST_WISH_PUBLISH, .id = 1, .bytes = zeros, .length = MIST_VALUE + 1},
         MIST_ERR_TOO_LONG},
        {{.kind = MIST_WISH_CONNECT}, MIST_ERR_ARGUMENT},
        {{.kind = MIST_WISH_CONNECT, .id = 0x80000000}, MIST_ERR_ARGUMENT},
        {{.kind = MIST_WISH_SEND, .id = 1}, MIST_ERR_UNKNOWN},
        {{.kind = MIST_WISH_CLOSE, .id = 1}, MIST_ERR_UNKNOWN},
        {{.kind = MIST_WISH_NAME}, MIST_ERR_ARGUMENT},
        {{.kind = MIST_WISH_NAME, .name = zeros, .name_length = 1}, MIST_ERR_STATE},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(l, 1, cases[i].wish, cases[i].error);
    lab_close(l);
}

static void a_wish_that_comes_too_early_changes_nothing(void **state)
{
    (void)state;
    struct lab *l = with_guest();
    assert_int_equal(lab_connect(l, 1, 1, "nobody"), MIST_OK);
    assert_refused(l, 1, (struct mist_wish){.kind = MIST_WISH_SEND, .id = 1}, MIST_ERR_STATE);
    assert_refused(l, 1, (struct mist_wish){.kind = MIST_WISH_CONNECT, .id = 1}, MIST_ERR_ARGUMENT);
    assert_int_equal(lab_connect(l, 1, 2, "server"), MIST_OK);
    lab_run(l, l->now + SEC(2));
    assert_refused(l, 1,
                   (struct mist_wish){
                       .kind = MIST_WISH_SEND, .id = 2, .bytes = zeros, .length = MIST_PAYLOAD + 1},
                   MIST_ERR_TOO_LONG);
    lab_close(l);
}

static void a_wish_for_which_there_is_no_room_changes_nothing(void **state)
{
    (void)state;
    struct lab *l = with_guest();
    const struct addr server = l->hosts[0].local;
    struct mist_wish bootstrap = {
        .size = sizeof bootstrap, .kind = MIST_WISH_BOOTSTRAP, .addr = server};
    while (lab_wish(l, 2, &bootstrap) == MIST_OK)
        continue;
    assert_refused(l, 2, bootstrap, MIST_ERR_FULL);
    for (uint32_t id = 1; id <= 4; id++) /* the topics of "tiny" */
        assert_int_equal(lab_name(l, 2, MIST_WISH_SUBSCRIBE, id, "news", NULL), MIST_OK);
    assert_refused(l, 2, (struct mist_wish){.kind = MIST_WISH_SUBSCRIBE, .id = 9}, MIST_ERR_FULL);
    assert_refused(l, 2, (struct mist_wish){.kind = MIST_WISH_PUBLISH, .id = 9}, MIST_ERR_FULL);
    assert_refused(l, 2,
                   (struct mist_wish){.kind = MIST_WISH_NAME, .name = zeros, .name_length = 1},
                   MIST_ERR_FULL);
    for (uint32_t id = 1; id <= 16; id++) /* the connections of "tiny" */
        assert_int_equal(lab_connect(l, 1, id, "nobody"), MIST_OK);
    assert_refused(l, 1, (struct mist_wish){.kind = MIST_WISH_CONNECT, .id = 99}, MIST_ERR_FULL);
    lab_close(l);
}

static void a_tick_before_its_time_does_nothing(void **state)
{
    (void)state;
    struct lab *l = with_guest();
    struct lab_host *h = &l->hosts[1];
    uint8_t *before = malloc(h->memory_size);
    assert_non_null(before);
    memcpy(before, h->memory, h->memory_size);
    uint32_t sent = h->sent;
    l->api->tick(h->node, h->due - 1);
    lab_drain(l, 1);
    assert_int_equal(h->sent, sent);
    assert_memory_equal(before, h->memory, h->memory_size);
    free(before);
    lab_close(l);
}

/* Nodes that share a scratch cannot take each other's output. */
static void what_a_verb_leaves_is_its_own_nodes(void **state)
{
    (void)state;
    struct lab *l = with_guest();
    struct mist *guest = l->hosts[1].node, *server = l->hosts[0].node;
    struct mist_datagram d;
    struct mist_event e;
    struct mist_fact f;
    struct mist_wish w = {.size = sizeof w, .kind = MIST_WISH_LEAVE};
    assert_int_equal(l->api->wish(guest, l->now, &w), MIST_OK);
    assert_int_equal(l->api->output(server, &d, 1), 0);
    assert_int_equal(l->api->event(server, &e), 0);
    assert_int_equal(l->api->fact(server, &f), 0);
    assert_int_equal(l->api->output(guest, &d, 1), 1); /* BYE */
    lab_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seeds_and_inputs_give_the_same_bytes),
        cmocka_unit_test(a_shared_scratch_makes_no_difference),
        cmocka_unit_test(a_wish_with_a_wrong_argument_changes_nothing),
        cmocka_unit_test(a_wish_that_comes_too_early_changes_nothing),
        cmocka_unit_test(a_wish_for_which_there_is_no_room_changes_nothing),
        cmocka_unit_test(a_tick_before_its_time_does_nothing),
        cmocka_unit_test(what_a_verb_leaves_is_its_own_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
