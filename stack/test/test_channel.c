/* Several protocols on one connection: opened by name, declined, closed, lost and said
 * again. */
#include "stack/test/pair.h"

#include "stack/meet_parts.h"

static const uint8_t seeds[2][32] = {"alice's seed", "bob's seed"};

static void id_of(int who, uint8_t id[WIRE_ID])
{
    struct person p;
    person_init(&p, seeds[who]);
    memcpy(id, p.id, WIRE_ID);
}

static int serve(struct pair *p, uint32_t host, const char *name)
{
    struct mist_wish w = {.size = sizeof w,
                          .kind = MIST_WISH_SERVE,
                          .name = (const uint8_t *)name,
                          .name_length = (uint32_t)strlen(name)};
    return lab_wish(p->lab, host, &w);
}

/* Alice and Bob, connected; Bob serves /chat/v1. */
static struct pair connected(uint64_t seed)
{
    struct pair p = pair_open(seed, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    const uint32_t hosts[2] = {p.alice, p.bob};
    for (int i = 0; i < 2; i++) {
        struct mist_wish w = {
            .size = sizeof w, .kind = MIST_WISH_IDENTITY, .bytes = seeds[i], .length = 32};
        assert_int_equal(lab_wish(p.lab, hosts[i], &w), MIST_OK);
    }
    assert_int_equal(serve(&p, p.bob, "/chat/v1"), MIST_OK);
    (void)pair_dial(&p, SEC(2));
    p.from = p.lab->now;
    return p;
}

/* By the wish that mist_open makes: the lab drains after it. */
static int open_channel(struct pair *p, uint32_t host, uint32_t id, const char *name)
{
    uint8_t peer[WIRE_ID];
    id_of(host == p->alice, peer);
    struct mist_wish w = {.size = sizeof w,
                          .kind = MIST_WISH_OPEN,
                          .id = id,
                          .name = (const uint8_t *)name,
                          .name_length = (uint32_t)strlen(name),
                          .bytes = peer,
                          .length = WIRE_ID};
    return lab_wish(p->lab, host, &w);
}

static int say(struct pair *p, uint32_t host, uint32_t id, const char *text)
{
    struct mist_wish w = {.size = sizeof w,
                          .kind = MIST_WISH_SEND,
                          .id = id,
                          .bytes = (const uint8_t *)text,
                          .length = (uint32_t)strlen(text)};
    return lab_wish(p->lab, host, &w);
}

static int end(struct pair *p, uint32_t host, uint32_t id)
{
    struct mist_wish w = {.size = sizeof w, .kind = MIST_WISH_CLOSE, .id = id};
    return lab_wish(p->lab, host, &w);
}

static void pass(struct pair *p, mist_time time)
{
    p->from = p->lab->now;
    lab_run(p->lab, p->lab->now + time);
}

static const struct story_entry *saw(struct pair *p, uint32_t host, uint32_t event)
{
    return story_find(p->s, host, STORY_EVENT, event, p->from);
}

static void a_protocol_that_both_know_carries_datagrams_both_ways(void **state)
{
    (void)state;
    struct pair p = connected(1);
    assert_int_equal(open_channel(&p, p.alice, 7, "/chat/v1"), MIST_OK);
    assert_int_equal(say(&p, p.alice, 7, "early"), MIST_ERR_STATE);
    pass(&p, SEC(1));
    const struct story_entry *at_bob = saw(&p, p.bob, MIST_EVENT_OPENED);
    assert_non_null(at_bob);
    assert_string_equal(at_bob->text, "/chat/v1");
    assert_int_equal(saw(&p, p.alice, MIST_EVENT_OPENED)->id, 7);
    assert_int_equal(say(&p, p.alice, 7, "there"), MIST_OK);
    assert_int_equal(say(&p, p.bob, at_bob->id, "back"), MIST_OK);
    pass(&p, SEC(1));
    assert_int_equal(saw(&p, p.bob, MIST_EVENT_DATAGRAM)->id, at_bob->id);
    assert_int_equal(saw(&p, p.alice, MIST_EVENT_DATAGRAM)->id, 7);
    assert_true(story_heard(p.s, p.bob, "there", p.from));
    assert_true(story_heard(p.s, p.alice, "back", p.from));
    story_close(p.s);
}

static void an_unknown_protocol_is_declined_as_that(void **state)
{
    static const char *const names[] = {"/chat/v2", "/chat/v", "/chat/v11", "/Chat/v1"};
    (void)state;
    struct pair p = connected(2);
    for (uint32_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(open_channel(&p, p.alice, 7, names[i]), MIST_OK);
        pass(&p, SEC(1));
        const struct story_entry *e = saw(&p, p.alice, MIST_EVENT_DECLINED);
        assert_non_null(e);
        assert_int_equal(e->id, 7);
        assert_int_equal(e->b, MIST_REASON_UNKNOWN_PROTOCOL);
        assert_null(saw(&p, p.bob, MIST_EVENT_OPENED));
        assert_int_equal(say(&p, p.alice, 7, "x"), MIST_ERR_UNKNOWN);
    }
    story_close(p.s);
}

static struct conn *conn_of(struct pair *p, uint32_t host)
{
    struct meet *m = &p->lab->hosts[host].node->meet;
    for (uint32_t i = 0; i < m->used; i++)
        if (m->conns[i].state == CONN_UP)
            return &m->conns[i];
    return NULL;
}

/* Alice's node says these bytes on the control channel. */
static void control(struct pair *p, const uint8_t *frame, size_t length)
{
    struct mist *n = p->lab->hosts[p->alice].node;
    out_reset(n->out, n);
    meet_seal(&n->meet, p->lab->now, conn_of(p, p->alice), CHANNEL_CONTROL, frame, length, n->out);
    node_carry_out(n, p->lab->now);
    lab_drain(p->lab, p->alice);
}

/* Loses the next sealed datagrams, to that host or to anybody. */
static uint32_t losses, deaf = UINT32_MAX;

static bool lose(void *context, struct lab *l, uint32_t host, const struct addr *from,
                 const uint8_t *bytes, uint32_t length)
{
    (void)context, (void)l, (void)from, (void)length;
    if (losses == 0 || bytes[0] != WIRE_DATA || (deaf != UINT32_MAX && deaf != host))
        return true;
    losses--;
    return false;
}

static void a_stream_is_told_to_be_unsupported(void **state)
{
    uint8_t peer[WIRE_ID], frame[] = "\1\1\1/chat/v1"; /* open, number 1, a stream */
    (void)state;
    struct pair p = connected(3);
    id_of(1, peer);
    assert_int_equal(mist_open(p.lab->api, p.lab->hosts[p.alice].node, p.lab->now, 7, peer,
                               "/chat/v1", MIST_FLOW_STREAM),
                     MIST_ERR_UNSUPPORTED);
    lab_drain(p.lab, p.alice);
    p.lab->watch.arrives = lose; /* a node that knows streams says so in its first word */
    losses = 1;
    assert_int_equal(open_channel(&p, p.alice, 7, "/chat/v1"), MIST_OK);
    lab_run(p.lab, p.lab->now + MS(500));
    control(&p, frame, sizeof frame - 1);
    pass(&p, MS(300));
    const struct story_entry *e = saw(&p, p.alice, MIST_EVENT_DECLINED);
    assert_non_null(e);
    assert_int_equal(e->b, MIST_REASON_UNSUPPORTED);
    assert_null(saw(&p, p.bob, MIST_EVENT_OPENED));
    story_close(p.s);
}

static void what_is_lost_is_said_again(void **state)
{
    (void)state;
    for (uint32_t lost = 1; lost <= 3; lost++) {
        struct pair p = connected(10 + lost);
        p.lab->watch.arrives = lose;
        losses = lost;
        assert_int_equal(open_channel(&p, p.alice, 7, "/chat/v1"), MIST_OK);
        pass(&p, SEC(7));
        assert_int_equal(losses, 0);
        assert_int_equal(story_number(p.s, p.alice, STORY_EVENT, MIST_EVENT_OPENED, p.from), 1);
        assert_int_equal(story_number(p.s, p.bob, STORY_EVENT, MIST_EVENT_OPENED, p.from), 1);
        story_close(p.s);
    }
}

static void a_lost_answer_is_given_again(void **state)
{
    (void)state;
    struct pair p = connected(20);
    p.lab->watch.arrives = lose;
    losses = 1;
    deaf = p.alice;
    assert_int_equal(open_channel(&p, p.alice, 7, "/chat/v1"), MIST_OK);
    pass(&p, SEC(7));
    deaf = UINT32_MAX;
    assert_non_null(saw(&p, p.alice, MIST_EVENT_OPENED));
    assert_int_equal(story_number(p.s, p.bob, STORY_EVENT, MIST_EVENT_OPENED, p.from), 1);
    story_close(p.s);
}

static void who_is_not_answered_is_told_after_ten_seconds(void **state)
{
    (void)state;
    struct pair p = connected(4);
    p.lab->watch.arrives = lose;
    losses = UINT32_MAX;
    assert_int_equal(open_channel(&p, p.alice, 7, "/chat/v1"), MIST_OK);
    pass(&p, SEC(11));
    const struct story_entry *e = saw(&p, p.alice, MIST_EVENT_DECLINED);
    assert_non_null(e);
    assert_int_equal(e->b, MIST_REASON_TIMEOUT);
    assert_true(e->at - p.from == SEC(10));
    story_close(p.s);
}

static void a_channel_ends_alone_and_with_its_connection(void **state)
{
    (void)state;
    struct pair p = connected(5);
    assert_int_equal(open_channel(&p, p.alice, 7, "/chat/v1"), MIST_OK);
    assert_int_equal(open_channel(&p, p.alice, 8, "/chat/v1"), MIST_OK);
    pass(&p, SEC(1));
    assert_int_equal(story_number(p.s, p.bob, STORY_EVENT, MIST_EVENT_OPENED, p.from), 2);
    assert_int_equal(end(&p, p.alice, 7), MIST_OK);
    pass(&p, SEC(1));
    assert_int_equal(story_number(p.s, p.bob, STORY_EVENT, MIST_EVENT_CLOSED, p.from), 1);
    assert_int_equal(say(&p, p.alice, 8, "still"), MIST_OK);
    assert_int_equal(say(&p, p.alice, 7, "gone"), MIST_ERR_UNKNOWN);
    pass(&p, SEC(1));
    assert_true(story_heard(p.s, p.bob, "still", p.from));
    assert_int_equal(end(&p, p.alice, 1), MIST_OK);
    pass(&p, SEC(1));
    assert_int_equal(story_number(p.s, p.bob, STORY_EVENT, MIST_EVENT_CLOSED, p.from), 2);
    assert_int_equal(say(&p, p.alice, 8, "gone"), MIST_ERR_UNKNOWN);
    story_close(p.s);
}

/* The CLOSE was lost: who speaks on is told. */
static void who_speaks_on_a_channel_that_is_gone_hears_so(void **state)
{
    (void)state;
    struct pair p = connected(6);
    assert_int_equal(open_channel(&p, p.alice, 7, "/chat/v1"), MIST_OK);
    pass(&p, SEC(1));
    p.lab->watch.arrives = lose;
    losses = 1;
    assert_int_equal(end(&p, p.bob, saw(&p, p.bob, MIST_EVENT_OPENED)->id), MIST_OK);
    pass(&p, SEC(1));
    assert_null(saw(&p, p.alice, MIST_EVENT_CLOSED));
    assert_int_equal(say(&p, p.alice, 7, "there?"), MIST_OK);
    pass(&p, SEC(1));
    assert_false(story_heard(p.s, p.bob, "there?", p.from));
    assert_int_equal(saw(&p, p.alice, MIST_EVENT_CLOSED)->id, 7);
    story_close(p.s);
}

static void channels_that_cross_are_two(void **state)
{
    (void)state;
    struct pair p = connected(7);
    assert_int_equal(serve(&p, p.alice, "/chat/v1"), MIST_OK);
    assert_int_equal(open_channel(&p, p.alice, 7, "/chat/v1"), MIST_OK);
    assert_int_equal(open_channel(&p, p.bob, 7, "/chat/v1"), MIST_OK);
    pass(&p, SEC(1));
    assert_int_equal(story_number(p.s, p.alice, STORY_EVENT, MIST_EVENT_OPENED, p.from), 2);
    assert_int_equal(story_number(p.s, p.bob, STORY_EVENT, MIST_EVENT_OPENED, p.from), 2);
    story_close(p.s);
}

static void the_callers_mistakes_change_nothing(void **state)
{
    (void)state;
    struct pair p = connected(8);
    uint8_t nobody[WIRE_ID] = {1};
    struct mist_wish w = {.size = sizeof w,
                          .kind = MIST_WISH_OPEN,
                          .id = 9,
                          .name = (const uint8_t *)"/chat/v1",
                          .name_length = 8,
                          .bytes = nobody,
                          .length = WIRE_ID};
    assert_int_equal(lab_wish(p.lab, p.alice, &w), MIST_ERR_UNKNOWN);
    assert_int_equal(open_channel(&p, p.alice, 1, "/chat/v1"),
                     MIST_ERR_ARGUMENT); /* a connection */
    assert_int_equal(open_channel(&p, p.alice, 0, "/chat/v1"), MIST_ERR_ARGUMENT);
    assert_int_equal(open_channel(&p, p.alice, 9, ""), MIST_ERR_ARGUMENT);
    assert_int_equal(open_channel(&p, p.alice, 9, "/two words"), MIST_ERR_ARGUMENT);
    assert_int_equal(open_channel(&p, p.alice, 9, "/a-name-of-thirty-three-bytes/vvv"),
                     MIST_ERR_ARGUMENT);
    for (uint32_t i = 0; i < MEET_CHANNELS; i++)
        assert_int_equal(open_channel(&p, p.alice, 20 + i, "/chat/v1"), MIST_OK);
    assert_int_equal(open_channel(&p, p.alice, 20, "/chat/v1"), MIST_ERR_ARGUMENT); /* taken */
    assert_int_equal(open_channel(&p, p.alice, 40, "/chat/v1"), MIST_ERR_FULL);
    story_close(p.s);
}

/* What a person who means ill says there, with the right keys. */
static void no_bytes_on_the_control_channel_do_harm(void **state)
{
    (void)state;
    struct pair p = connected(9);
    assert_int_equal(open_channel(&p, p.alice, 7, "/chat/v1"), MIST_OK);
    pass(&p, SEC(1));
    for (uint32_t i = 0; i < 4000; i++) {
        uint8_t frame[64];
        size_t length = lab_below(p.lab, sizeof frame);
        for (size_t k = 0; k < length; k++)
            frame[k] = (uint8_t)lab_below(p.lab, 256);
        if (length > 2) {
            frame[0] = (uint8_t)lab_below(p.lab, 6);
            frame[1] = (uint8_t)(4 + lab_below(p.lab, 40)); /* not the one that stands */
        }
        control(&p, frame, length);
        lab_run(p.lab, p.lab->now + MS(10));
    }
    assert_int_equal(say(&p, p.alice, 7, "fine"), MIST_OK);
    pass(&p, SEC(1));
    assert_true(story_heard(p.s, p.bob, "fine", p.from));
    story_close(p.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_protocol_that_both_know_carries_datagrams_both_ways),
        cmocka_unit_test(an_unknown_protocol_is_declined_as_that),
        cmocka_unit_test(a_stream_is_told_to_be_unsupported),
        cmocka_unit_test(what_is_lost_is_said_again),
        cmocka_unit_test(a_lost_answer_is_given_again),
        cmocka_unit_test(who_is_not_answered_is_told_after_ten_seconds),
        cmocka_unit_test(a_channel_ends_alone_and_with_its_connection),
        cmocka_unit_test(who_speaks_on_a_channel_that_is_gone_hears_so),
        cmocka_unit_test(channels_that_cross_are_two),
        cmocka_unit_test(the_callers_mistakes_change_nothing),
        cmocka_unit_test(no_bytes_on_the_control_channel_do_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
