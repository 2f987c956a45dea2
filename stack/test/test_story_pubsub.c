/* What is published reaches who subscribed, once; the golden text is rewritten
 * with MIST_GOLDEN=write. */
#include "stack/test/story.c"

#define FACT(name)                                                                                 \
    {                                                                                              \
        STORY_FACT, FACT_##name                                                                    \
    }
#define EVENT(name)                                                                                \
    {                                                                                              \
        STORY_EVENT, MIST_EVENT_##name                                                             \
    }
#define COUNT(x) (sizeof(x) / sizeof((x)[0]))
#define SERVERS  5

static const struct story_chosen words[] = {FACT(SUBSCRIBER_HELD), FACT(FORWARDED),
                                            FACT(DUPLICATE),       EVENT(SUBSCRIBED),
                                            EVENT(RECEIVED),       EVENT(PUBLISHED)};

struct scene {
    struct story *s;
    uint32_t reader, writer;
    mist_time from;
};

/* A reader of "news" (subscription 7) and a writer, both at home. */
static struct scene open_scene(uint64_t seed)
{
    struct scene c = {.s = story_open(seed)};
    story_servers(c.s, SERVERS);
    c.reader = story_join(c.s, "reader", LAB_EIM, LAB_APDF, false);
    c.writer = story_join(c.s, "writer", LAB_APDM, LAB_APDF, true);
    lab_run(c.s->lab, c.s->lab->now + SEC(3));
    c.from = c.s->lab->now;
    assert_int_equal(lab_name(c.s->lab, c.reader, MIST_WISH_SUBSCRIBE, 7, "news", NULL), MIST_OK);
    lab_run(c.s->lab, c.from + SEC(3));
    return c;
}

static void publish(struct scene *c, uint32_t host, uint32_t id, const char *key, const char *text)
{
    assert_int_equal(lab_name(c->s->lab, host, MIST_WISH_PUBLISH, id, key, text), MIST_OK);
    lab_run(c->s->lab, c->s->lab->now + SEC(5));
}

static uint32_t received(const struct scene *c, uint32_t host)
{
    return story_number(c->s, host, STORY_EVENT, MIST_EVENT_RECEIVED, c->from);
}

static void a_publication_arrives_once_with_the_publisher_as_others_saw_it(void **state)
{
    (void)state;
    struct scene c = open_scene(1);
    const struct story_entry *held =
        story_find(c.s, c.reader, STORY_EVENT, MIST_EVENT_SUBSCRIBED, c.from);
    assert_non_null(held);
    assert_int_equal(held->count, SERVERS); /* all that there are, 20 at most */
    publish(&c, c.writer, 3, "news", "rain");
    assert_int_equal(received(&c, c.reader), 1);
    assert_int_equal(received(&c, c.writer), 0);
    const struct story_entry *got =
        story_find(c.s, c.reader, STORY_EVENT, MIST_EVENT_RECEIVED, c.from);
    assert_int_equal(got->id, 7);
    assert_int_equal(got->peer, c.writer);
    assert_string_equal(got->text, "rain");
    assert_int_equal(addr_ip4(&got->addr), c.s->lab->hosts[c.writer].nat.ip);
    const struct story_entry *told =
        story_find(c.s, c.writer, STORY_EVENT, MIST_EVENT_PUBLISHED, c.from);
    assert_non_null(told);
    assert_int_equal(told->id, 3);
    assert_int_equal(told->count, SERVERS);
    assert_int_equal(told->hops, SERVERS); /* each forwarded it to one subscriber */
    /* the copies came, and were known */
    assert_int_equal(story_number(c.s, c.reader, STORY_FACT, FACT_DUPLICATE, c.from), SERVERS - 1);
    story_golden(c.s, "pubsub.txt", c.from, words, COUNT(words));
    story_close(c.s);
}

static void each_publication_is_news_even_if_it_says_the_same(void **state)
{
    (void)state;
    struct scene c = open_scene(2);
    publish(&c, c.writer, 3, "news", "rain");
    publish(&c, c.writer, 3, "news", "rain");
    assert_int_equal(received(&c, c.reader), 2);
    story_close(c.s);
}

/* Lost: what comes to the writer. */
static bool deaf_writer(void *context, struct lab *l, uint32_t host, const struct addr *from,
                        const uint8_t *bytes, uint32_t length)
{
    (void)context, (void)from, (void)bytes, (void)length;
    return strcmp(l->hosts[host].name, "writer") != 0;
}

static void a_publication_that_is_repeated_is_forwarded_once(void **state)
{
    (void)state;
    struct scene c = open_scene(10);
    assert_int_equal(lab_name(c.s->lab, c.writer, MIST_WISH_PUBLISH, 3, "news", "rain"), MIST_OK);
    mist_time then = c.s->lab->now;
    while (story_number(c.s, 0, STORY_FACT, FACT_FORWARDED, then) == 0)
        assert_true(lab_step(c.s->lab, then + SEC(1)));
    c.s->lab->watch.arrives = deaf_writer; /* the acknowledgement is lost */
    lab_run(c.s->lab, c.s->lab->now + SEC(1));
    c.s->lab->watch.arrives = NULL;
    lab_run(c.s->lab, c.s->lab->now + SEC(5));
    assert_true(story_number(c.s, 0, STORY_FACT, FACT_DUPLICATE, then) > 0); /* it was repeated */
    assert_int_equal(story_number(c.s, 0, STORY_FACT, FACT_FORWARDED, then), 1);
    assert_int_equal(received(&c, c.reader), 1);
    const struct story_entry *told =
        story_find(c.s, c.writer, STORY_EVENT, MIST_EVENT_PUBLISHED, then);
    assert_non_null(told);
    assert_int_equal(told->count, SERVERS);
    story_close(c.s);
}

static void every_subscriber_gets_its_copy_and_nobody_else(void **state)
{
    (void)state;
    struct scene c = open_scene(3);
    uint32_t other = story_join(c.s, "other", LAB_EIM, LAB_APDF, false);
    uint32_t third = story_join(c.s, "third", LAB_EIM, LAB_APDF, false);
    c.from = c.s->lab->now;
    assert_int_equal(lab_name(c.s->lab, other, MIST_WISH_SUBSCRIBE, 8, "news", NULL), MIST_OK);
    assert_int_equal(lab_name(c.s->lab, third, MIST_WISH_SUBSCRIBE, 8, "olds", NULL), MIST_OK);
    lab_run(c.s->lab, c.s->lab->now + SEC(3));
    publish(&c, c.writer, 3, "news", "rain");
    assert_int_equal(received(&c, c.reader), 1);
    assert_int_equal(received(&c, other), 1);
    assert_int_equal(received(&c, third), 0);
    story_close(c.s);
}

static void the_server_that_holds_a_subscription_may_publish_itself(void **state)
{
    (void)state;
    struct scene c = open_scene(4);
    publish(&c, 0, 3, "news", "rain");
    assert_int_equal(received(&c, c.reader), 1);
    story_close(c.s);
}

static void after_unsubscribing_nothing_comes(void **state)
{
    (void)state;
    struct scene c = open_scene(5);
    assert_int_equal(lab_id(c.s->lab, c.reader, MIST_WISH_UNSUBSCRIBE, 7), MIST_OK);
    assert_int_equal(lab_id(c.s->lab, c.reader, MIST_WISH_UNSUBSCRIBE, 7), MIST_ERR_UNKNOWN);
    lab_run(c.s->lab, c.s->lab->now + SEC(1));
    publish(&c, c.writer, 3, "news", "rain");
    assert_int_equal(received(&c, c.reader), 0);
    assert_int_equal(story_find(c.s, c.writer, STORY_EVENT, MIST_EVENT_PUBLISHED, c.from)->hops, 0);
    story_close(c.s);
}

static void a_subscription_outlives_its_time_because_it_is_refreshed(void **state)
{
    (void)state;
    struct scene c = open_scene(6);
    lab_run(c.s->lab, c.from + SEC(2 * PUBSUB_TTL_S));
    publish(&c, c.writer, 3, "news", "rain");
    assert_int_equal(received(&c, c.reader), 1);
    story_close(c.s);
}

static void a_subscription_of_one_who_died_is_forgotten(void **state)
{
    (void)state;
    struct scene c = open_scene(7);
    lab_stop(c.s->lab, c.reader);
    lab_run(c.s->lab, c.from + SEC(PUBSUB_TTL_S + 60 + 1)); /* swept once a minute */
    publish(&c, c.writer, 3, "news", "rain");
    assert_int_equal(story_find(c.s, c.writer, STORY_EVENT, MIST_EVENT_PUBLISHED, c.from)->hops, 0);
    story_close(c.s);
}

static void all_but_one_holder_may_die(void **state)
{
    (void)state;
    struct scene c = open_scene(8);
    for (uint32_t i = 1; i < SERVERS; i++)
        lab_stop(c.s->lab, i);
    publish(&c, c.writer, 3, "news", "rain");
    lab_run(c.s->lab, c.s->lab->now + SEC(10));
    assert_int_equal(received(&c, c.reader), 1);
    story_close(c.s);
}

static void the_longest_value_arrives_and_a_longer_one_is_refused(void **state)
{
    (void)state;
    struct scene c = open_scene(9);
    char text[MIST_VALUE + 2];
    memset(text, 'x', sizeof text - 1);
    text[MIST_VALUE + 1] = '\0';
    assert_int_equal(lab_name(c.s->lab, c.writer, MIST_WISH_PUBLISH, 3, "news", text),
                     MIST_ERR_TOO_LONG);
    text[MIST_VALUE] = '\0';
    publish(&c, c.writer, 3, "news", text);
    assert_int_equal(received(&c, c.reader), 1);
    story_close(c.s);
}

/* The share of an address (guard.h) is for what nobody there asked for: not for
 * questions over links that stand. */
static void questions_to_linked_nodes_are_no_part_of_an_addresss_share(void **state)
{
    (void)state;
    struct scene c = {.s = story_open(9)};
    story_servers(c.s, SERVERS);
    c.reader = story_join(c.s, "reader", LAB_EIM, LAB_APDF, false);
    c.writer = lab_add(c.s->lab, "writer");
    lab_configure(c.s->lab, c.writer, "punch.target", "16");
    lab_configure(c.s->lab, c.writer, "punch.doubtful", "16");
    story_start(c.s, c.writer);
    lab_run(c.s->lab, c.s->lab->now + SEC(3));
    c.from = c.s->lab->now;
    assert_int_equal(lab_name(c.s->lab, c.reader, MIST_WISH_SUBSCRIBE, 7, "news", NULL), MIST_OK);
    lab_run(c.s->lab, c.from + SEC(3));
    for (uint32_t i = 0; i < 20; i++) {
        mist_time from = c.s->lab->now;
        publish(&c, c.writer, 3 + i, "news", "rain");
        const struct story_entry *told =
            story_find(c.s, c.writer, STORY_EVENT, MIST_EVENT_PUBLISHED, from);
        assert_non_null(told);
        assert_int_equal(told->count, SERVERS);
    }
    assert_int_equal(received(&c, c.reader), 20);
    story_close(c.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publication_arrives_once_with_the_publisher_as_others_saw_it),
        cmocka_unit_test(each_publication_is_news_even_if_it_says_the_same),
        cmocka_unit_test(a_publication_that_is_repeated_is_forwarded_once),
        cmocka_unit_test(every_subscriber_gets_its_copy_and_nobody_else),
        cmocka_unit_test(the_server_that_holds_a_subscription_may_publish_itself),
        cmocka_unit_test(after_unsubscribing_nothing_comes),
        cmocka_unit_test(a_subscription_outlives_its_time_because_it_is_refreshed),
        cmocka_unit_test(a_subscription_of_one_who_died_is_forgotten),
        cmocka_unit_test(all_but_one_holder_may_die),
        cmocka_unit_test(the_longest_value_arrives_and_a_longer_one_is_refused),
        cmocka_unit_test(questions_to_linked_nodes_are_no_part_of_an_addresss_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
