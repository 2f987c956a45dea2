/* Persons in an overlay: pinned, taken on first use, impersonated; and what the
 * overlay learns of them: nothing. */
#include "stack/test/pair.h"

#include "stack/link.h"

static const char *const seeds[] = {"alice's seed, of thirty-two bytes",
                                    "bob's seed, of thirty-two bytes!",
                                    "carol's seed, of thirty-two bytes"};
enum { ALICE, BOB, CAROL };

static struct person person(int who)
{
    struct person p;
    person_init(&p, (const uint8_t *)seeds[who]);
    return p;
}

static void identify(struct lab *l, uint32_t host, int who)
{
    struct mist_wish w = {.size = sizeof w,
                          .kind = MIST_WISH_IDENTITY,
                          .bytes = (const uint8_t *)seeds[who],
                          .length = 32};
    assert_int_equal(lab_wish(l, host, &w), MIST_OK);
    assert_int_equal(lab_wish(l, host, &w), MIST_ERR_STATE); /* once */
}

/* The persons that CONNECTED and ACCEPTED told, by host. */
static uint8_t told[LAB_HOSTS][WIRE_ID];
static void (*story_event)(void *context, struct lab *l, uint32_t host, const struct mist_event *e);

static void note_person(void *context, struct lab *l, uint32_t host, const struct mist_event *e)
{
    story_event(context, l, host, e);
    if (e->kind != MIST_EVENT_CONNECTED && e->kind != MIST_EVENT_ACCEPTED)
        return;
    assert_int_equal(e->length, WIRE_ID);
    memcpy(told[host], e->bytes, WIRE_ID);
}

static struct pair meet_up(uint64_t seed)
{
    struct pair p = pair_open(seed, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    memset(told, 0, sizeof told);
    story_event = p.lab->watch.event;
    p.lab->watch.event = note_person;
    identify(p.lab, p.alice, ALICE);
    identify(p.lab, p.bob, BOB);
    return p;
}

static int dial(struct pair *p, uint32_t id, const uint8_t *pin)
{
    struct mist_wish w = {.size = sizeof w,
                          .kind = MIST_WISH_CONNECT,
                          .id = id,
                          .name = (const uint8_t *)"bob",
                          .name_length = 3,
                          .bytes = pin,
                          .length = pin != NULL ? WIRE_ID : 0};
    return lab_wish(p->lab, p->alice, &w);
}

static void a_pinned_person_is_met_and_knows_who_called(void **state)
{
    (void)state;
    struct pair p = meet_up(1);
    assert_int_equal(dial(&p, 1, person(BOB).id), MIST_OK);
    lab_run(p.lab, p.lab->now + SEC(2));
    assert_non_null(pair_event(&p, p.alice, MIST_EVENT_CONNECTED));
    assert_memory_equal(told[p.alice], person(BOB).id, WIRE_ID);
    assert_memory_equal(told[p.bob], person(ALICE).id, WIRE_ID);
    pair_talks(&p, pair_event(&p, p.bob, MIST_EVENT_ACCEPTED)->id, "there", "back");
    story_close(p.s);
}

/* What a host pins afterwards, in its address book. */
static void who_answers_a_call_without_a_pin_is_told(void **state)
{
    (void)state;
    struct pair p = meet_up(2);
    uint32_t theirs = pair_dial(&p, SEC(2));
    assert_memory_equal(told[p.alice], person(BOB).id, WIRE_ID);
    assert_memory_equal(told[p.bob], person(ALICE).id, WIRE_ID);
    pair_talks(&p, theirs, "there", "back");
    story_close(p.s);
}

static void a_call_for_somebody_else_reaches_nobody(void **state)
{
    (void)state;
    struct pair p = meet_up(3);
    assert_int_equal(dial(&p, 1, person(CAROL).id), MIST_OK);
    lab_run(p.lab, p.lab->now + SEC(35));
    const struct story_entry *failed = pair_event(&p, p.alice, MIST_EVENT_FAILED);
    assert_non_null(failed);
    assert_int_equal(failed->b, MIST_REASON_NO_ANSWER);
    assert_null(pair_event(&p, p.alice, MIST_EVENT_CONNECTED));
    assert_null(pair_event(&p, p.bob, MIST_EVENT_ACCEPTED));
    assert_non_null(pair_fact(&p, p.bob, FACT_OFFER_REFUSED));
    story_close(p.s);
}

static void a_pin_that_is_nobodys_key_is_the_callers_mistake(void **state)
{
    static const uint8_t nobody[WIRE_ID] = {1};
    (void)state;
    struct pair p = meet_up(4);
    assert_int_equal(dial(&p, 1, nobody), MIST_ERR_ARGUMENT);
    assert_int_equal(dial(&p, 1, person(BOB).id), MIST_OK); /* the id is still free */
    story_close(p.s);
}

/* A server that saw the offer answers first, with all that it knows. */
static void impersonate(struct pair *p, uint32_t liar)
{
    uint8_t bytes[WIRE_MTU], reply[48] = {9};
    const struct conn *c = meet_find(&p->lab->hosts[p->alice].node->meet, 1);
    assert_non_null(c);
    struct msg m = {
        .type = MSG_ANSWER, .request = c->conversation, .bytes = reply, .length = sizeof reply};
    assert_int_equal(
        lab_say(p->lab, liar, p->alice, NULL, bytes, wire_put(bytes, sizeof bytes, &m)), MIST_OK);
}

static void an_impostor_is_told_and_the_search_goes_on(void **state)
{
    (void)state;
    struct pair p = meet_up(5);
    assert_int_equal(dial(&p, 1, person(BOB).id), MIST_OK);
    impersonate(&p, 0);
    impersonate(&p, 0); /* again: not looked at */
    impersonate(&p, 1);
    lab_run(p.lab, p.lab->now + SEC(2));
    const struct story_entry *first = pair_event(&p, p.alice, MIST_EVENT_IMPOSTOR);
    assert_non_null(first);
    assert_int_equal(first->id, 1);
    assert_int_equal(first->peer, 0);
    assert_int_equal(story_number(p.s, p.alice, STORY_EVENT, MIST_EVENT_IMPOSTOR, p.from), 2);
    assert_true(first->at < pair_event(&p, p.alice, MIST_EVENT_CONNECTED)->at);
    assert_memory_equal(told[p.alice], person(BOB).id, WIRE_ID);
    story_close(p.s);
}

static void a_call_that_only_impostors_answered_fails_for_the_key(void **state)
{
    (void)state;
    struct pair p = meet_up(6);
    lab_stop(p.lab, p.bob);
    assert_int_equal(dial(&p, 1, person(BOB).id), MIST_OK);
    impersonate(&p, 0);
    lab_run(p.lab, p.lab->now + SEC(35));
    const struct story_entry *failed = pair_event(&p, p.alice, MIST_EVENT_FAILED);
    assert_non_null(failed);
    assert_int_equal(failed->b, MIST_REASON_WRONG_KEY);
    story_close(p.s);
}

/* ---- what goes wrong on the way ---- */

static uint32_t to_lose; /* datagrams to Bob since Alice knows that he answered */

static bool lose_proofs(void *context, struct lab *l, uint32_t host, const struct addr *from,
                        const uint8_t *bytes, uint32_t length)
{
    (void)context, (void)from, (void)bytes, (void)length;
    const struct mist *alice = l->hosts[3].node, *bob = l->hosts[4].node;
    if (host != 4 || to_lose == 0 || alice->meet.conns[0].state != CONN_UP ||
        bob->meet.conns[0].state == CONN_UP)
        return true;
    to_lose--;
    return false;
}

/* The proof rides in the first datagrams to Bob. */
static void a_lost_proof_is_repeated(void **state)
{
    (void)state;
    for (uint32_t lost = 1; lost < 8; lost++) {
        struct pair p = meet_up(10 + lost);
        to_lose = lost;
        assert_int_equal(dial(&p, 1, NULL), MIST_OK);
        p.lab->watch.arrives = lose_proofs;
        lab_run(p.lab, p.lab->now + SEC(25));
        assert_int_equal(to_lose, 0);
        assert_non_null(pair_event(&p, p.alice, MIST_EVENT_CONNECTED));
        const struct story_entry *accepted = pair_event(&p, p.bob, MIST_EVENT_ACCEPTED);
        assert_non_null(accepted);
        assert_int_equal(story_number(p.s, p.bob, STORY_EVENT, MIST_EVENT_ACCEPTED, p.from), 1);
        pair_talks(&p, accepted->id, "there", "back");
        story_close(p.s);
    }
}

/* Who never proves himself is no connection of Bob's, and leaves nothing. */
static void without_a_proof_there_is_no_connection(void **state)
{
    (void)state;
    struct pair p = meet_up(20);
    assert_int_equal(dial(&p, 1, NULL), MIST_OK);
    struct conn *c = &p.lab->hosts[p.alice].node->meet.conns[0];
    while (c->state != CONN_UP)
        assert_true(lab_step(p.lab, p.lab->now + SEC(5)));
    memset(c->reply, 0, sizeof c->reply); /* she has forgotten it ... */
    lab_run(p.lab, p.lab->now + MS(1));
    struct conn *b = &p.lab->hosts[p.bob].node->meet.conns[0];
    b->meeting.noise.ck[0] ^= 1; /* ... and the one under way does not fit */
    lab_run(p.lab, p.lab->now + SEC(12));
    assert_null(pair_event(&p, p.bob, MIST_EVENT_ACCEPTED));
    assert_int_equal(b->state, CONN_FREE);
    assert_non_null(pair_event(&p, p.alice, MIST_EVENT_CLOSED));
    story_close(p.s);
}

/* ---- what the overlay learns ---- */

static bool contains(const uint8_t *bytes, size_t length, const uint8_t *what, size_t size)
{
    for (size_t i = 0; i + size <= length; i++) {
        if (memcmp(bytes + i, what, size) == 0)
            return true;
    }
    return false;
}

static uint32_t leaks;

static void look_for_keys(void *context, struct lab *l, uint32_t host,
                          const struct mist_datagram *d)
{
    (void)context, (void)l, (void)host;
    for (int who = ALICE; who <= BOB; who++) {
        struct person p = person(who);
        leaks += contains(d->bytes, d->length, p.id, WIRE_ID);
        leaks += contains(d->bytes, d->length, p.pair.open, WIRE_ID);
    }
}

/* R10: neither on the wire nor in a node that forwarded all of it. */
static void no_personal_key_is_in_the_overlay(void **state)
{
    (void)state;
    for (int pinned = 0; pinned < 2; pinned++) {
        struct pair p = meet_up(30);
        leaks = 0;
        p.lab->watch.sent = look_for_keys;
        assert_int_equal(dial(&p, 1, pinned ? person(BOB).id : NULL), MIST_OK);
        lab_run(p.lab, p.lab->now + SEC(2));
        assert_non_null(pair_event(&p, p.bob, MIST_EVENT_ACCEPTED));
        assert_int_equal(leaks, 0);
        for (uint32_t host = 0; host < 3; host++) {
            const struct lab_host *h = &p.lab->hosts[host];
            for (int who = ALICE; who <= BOB; who++) {
                struct person person_of = person(who);
                assert_false(contains(h->memory, h->memory_size, person_of.id, WIRE_ID));
                assert_false(contains(h->memory, h->memory_size, person_of.pair.open, WIRE_ID));
            }
        }
        const struct lab_host *alice = &p.lab->hosts[p.alice];
        assert_true(contains(alice->memory, alice->memory_size, person(BOB).id, WIRE_ID));
        story_close(p.s);
    }
}

static void the_keys_of_a_closed_connection_are_nowhere(void **state)
{
    (void)state;
    struct pair p = meet_up(31);
    (void)pair_dial(&p, SEC(2));
    const struct lab_host *alice = &p.lab->hosts[p.alice];
    const struct conn *c = meet_find(&alice->node->meet, 1);
    uint8_t tx[SEAL_KEY], rx[SEAL_KEY];
    memcpy(tx, c->meeting.session.tx_key, SEAL_KEY);
    memcpy(rx, c->meeting.session.rx_key, SEAL_KEY);
    assert_true(contains(alice->memory, alice->memory_size, tx, SEAL_KEY));
    assert_int_equal(lab_id(p.lab, p.alice, MIST_WISH_CLOSE, 1), MIST_OK);
    lab_run(p.lab, p.lab->now + SEC(5));
    assert_false(contains(alice->memory, alice->memory_size, tx, SEAL_KEY));
    assert_false(contains(alice->memory, alice->memory_size, rx, SEAL_KEY));
    story_close(p.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pinned_person_is_met_and_knows_who_called),
        cmocka_unit_test(who_answers_a_call_without_a_pin_is_told),
        cmocka_unit_test(a_call_for_somebody_else_reaches_nobody),
        cmocka_unit_test(a_pin_that_is_nobodys_key_is_the_callers_mistake),
        cmocka_unit_test(an_impostor_is_told_and_the_search_goes_on),
        cmocka_unit_test(a_call_that_only_impostors_answered_fails_for_the_key),
        cmocka_unit_test(a_lost_proof_is_repeated),
        cmocka_unit_test(without_a_proof_there_is_no_connection),
        cmocka_unit_test(no_personal_key_is_in_the_overlay),
        cmocka_unit_test(the_keys_of_a_closed_connection_are_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
