/* What a link's handshake withstands: replays of all ages (A11), downgrade (A18),
 * crossing, and what is left of keys afterwards. */
#include "stack/test/caught.h"

static struct caught caught_open;

static bool catch_open(void *context, struct lab *l, uint32_t host, const struct addr *from,
                       const uint8_t *bytes, uint32_t length)
{
    (void)context, (void)l;
    if (bytes[0] == WIRE_OPEN && caught_open.length == 0) {
        caught_open = (struct caught){.host = host, .length = length, .from = *from};
        memcpy(caught_open.bytes, bytes, length);
    }
    return true;
}

static uint32_t number(const struct story *s, uint32_t host, uint32_t fact, mist_time from)
{
    return story_number(s, host, STORY_FACT, fact, from);
}

/* ---- replays ---- */

static struct story *server_and_guest(uint64_t seed, uint32_t *guest)
{
    struct story *s = story_open(seed);
    story_servers(s, 1);
    memset(&caught_open, 0, sizeof caught_open);
    s->lab->watch.arrives = catch_open;
    *guest = lab_add(s->lab, "guest");
    lab_start(s->lab, *guest, 1);
    lab_run(s->lab, s->lab->now + SEC(1));
    assert_int_equal(caught_open.host, 0);
    assert_true(lab_link(s->lab, 0, *guest) != 0);
    return s;
}

/* The cookie is still good, the address is forged, and no link remembers a stamp. */
static void an_open_is_good_once_even_when_its_link_is_gone(void **state)
{
    uint32_t guest;
    (void)state;
    struct story *s = server_and_guest(1, &guest);
    assert_int_equal(lab_id(s->lab, guest, MIST_WISH_LEAVE, 0), MIST_OK);
    lab_stop(s->lab, guest);
    lab_run(s->lab, s->lab->now + SEC(1));
    assert_int_equal(lab_link(s->lab, 0, guest), 0);
    struct memory before = remember_memory(s->lab, 0);
    mist_time then = s->lab->now;
    uint32_t computed = agreements;
    lab_input(s->lab, 0, &caught_open.from, caught_open.bytes, caught_open.length);
    assert_int_equal(number(s, 0, FACT_REPLAYED, then), 1);
    assert_int_equal(agreements, computed);
    assert_true(same_memory(s->lab, 0, &before));
    forget_memory(&before);
    story_close(s);
}

/* The memory of handshakes is small; what it cannot hold is void with its cookie. */
static void what_is_forgotten_too_early_has_no_valid_cookie_left(void **state)
{
    uint32_t guest;
    (void)state;
    struct story *s = server_and_guest(2, &guest);
    struct mux *mux = s->lab->hosts[0].node->mux;
    assert_int_equal(lab_id(s->lab, guest, MIST_WISH_LEAVE, 0), MIST_OK);
    lab_stop(s->lab, guest);
    lab_run(s->lab, s->lab->now + SEC(1));
    for (uint32_t i = 0; i < mux->opened_limit; i++) /* that many others came since */
        mux->opened[i] = (struct opened){1 + i, s->lab->now};
    mux->opened_next = mux->opened_limit;
    uint32_t others = lab_add(s->lab, "other");
    lab_start(s->lab, others, 1);
    lab_run(s->lab, s->lab->now + SEC(3));
    assert_true(lab_link(s->lab, 0, others) != 0); /* honest ones still come in */
    mist_time then = s->lab->now;
    lab_input(s->lab, 0, &caught_open.from, caught_open.bytes, caught_open.length);
    assert_int_equal(number(s, 0, FACT_BAD_COOKIE, then), 1);
    assert_int_equal(lab_link(s->lab, 0, guest), 0);
    story_close(s);
}

/* What a relay saw of the handshake between two others, in clear by modelled cryptography. */
static struct caught relayed_open;

static void note_relayed(void *context, struct lab *l, uint32_t host, const struct mist_datagram *d)
{
    (void)context, (void)host;
    struct wire_head h;
    struct msg m;
    if (wire_take_head(d->bytes, d->length, &h) != 0 || h.type != WIRE_DATA)
        return;
    struct reader r = {h.body, h.body + h.body_length - SEAL_TAG, false};
    while (wire_take(&r, &m) == 1) {
        if (m.type != MSG_RELAYED || m.bytes[0] != WIRE_OPEN || relayed_open.length > 0)
            continue;
        relayed_open = (struct caught){.host = (uint32_t)lab_by_addr(l, &d->to),
                                       .length = m.length,
                                       .from = {.family = ADDR_RELAY}};
        memcpy(relayed_open.from.ip + 4, m.prefix, WIRE_PREFIX);
        memcpy(relayed_open.bytes, m.bytes, m.length);
    }
}

static struct story *relayed_pair(uint64_t seed, uint32_t *alice, uint32_t *bob)
{
    static const char *const names[] = {"s1", "s2", "s3", "alice", "bob"};
    struct story *s = story_open(seed);
    memset(&relayed_open, 0, sizeof relayed_open);
    s->lab->watch.sent = note_relayed;
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t host = lab_add(s->lab, names[i]);
        lab_configure(s->lab, host, "crypto", "modelled");
        if (i < 3)
            lab_configure(s->lab, host, "reach.assume", "public");
        else
            lab_behind(s->lab, host, LAB_APDM, LAB_APDF, true);
        lab_start(s->lab, host, i < 3 ? i : 3);
        lab_run(s->lab, s->lab->now + SEC(5));
    }
    *alice = 3;
    *bob = 4;
    assert_int_equal(lab_connect(s->lab, *alice, 1, "bob"), MIST_OK);
    lab_run(s->lab, s->lab->now + SEC(2));
    assert_true(lab_link(s->lab, *alice, *bob) != 0);
    assert_int_equal(relayed_open.host, *alice);
    return s;
}

/* The relay hands an old OPEN, or its own making, to Alice. */
static void from_the_relay(struct story *s, uint32_t alice, const uint8_t *bytes, uint32_t length)
{
    struct mist *n = s->lab->hosts[alice].node;
    mist_link relay = lab_link(s->lab, alice, 0);
    assert_true(relay != 0);
    struct addr from = mux_relay_addr(relay, relayed_open.from.ip + 4);
    out_reset(n->out, n);
    node_receive(n, s->lab->now, 1, &from, bytes, length);
    lab_drain(s->lab, alice);
}

static void a_vouched_open_is_good_once_even_when_its_link_is_gone(void **state)
{
    uint32_t alice, bob;
    (void)state;
    struct story *s = relayed_pair(3, &alice, &bob);
    lab_stop(s->lab, bob);
    assert_int_equal(lab_id(s->lab, alice, MIST_WISH_CLOSE, 1), MIST_OK);
    lab_run(s->lab, s->lab->now + SEC(5));
    struct mist *n = s->lab->hosts[alice].node;
    out_reset(n->out, n);
    mux_drop(n->mux, s->lab->now, lab_link(s->lab, alice, bob), 0, n->out);
    node_carry_out(n, s->lab->now);
    lab_drain(s->lab, alice);
    assert_int_equal(lab_link(s->lab, alice, bob), 0);
    mist_time then = s->lab->now;
    from_the_relay(s, alice, relayed_open.bytes, relayed_open.length);
    assert_int_equal(number(s, alice, FACT_REPLAYED, then), 1);
    lab_run(s->lab, s->lab->now + SEC(121));
    then = s->lab->now;
    from_the_relay(s, alice, relayed_open.bytes, relayed_open.length);
    assert_int_equal(number(s, alice, FACT_BAD_COOKIE, then), 1);
    assert_int_equal(lab_link(s->lab, alice, bob), 0);
    story_close(s);
}

/* A relay vouches for the way back, not for being asked. */
static void an_open_through_a_relay_needs_a_ticket(void **state)
{
    uint32_t alice, bob;
    (void)state;
    struct story *s = relayed_pair(4, &alice, &bob);
    const size_t cookie_at = 1 + 4 + 1 + 4 + WIRE_NOISE;
    struct caught bent = relayed_open;
    memset(bent.bytes + cookie_at, 0, WIRE_COOKIE);
    mist_time then = s->lab->now;
    from_the_relay(s, alice, bent.bytes, bent.length);
    assert_int_equal(number(s, alice, FACT_BAD_COOKIE, then), 1);
    story_close(s);
}

/* ---- downgrade ---- */

static void a_downgrade_to_another_version_is_not_answered(void **state)
{
    uint32_t guest;
    (void)state;
    struct story *s = server_and_guest(5, &guest);
    uint8_t packet[WIRE_MTU], nonce[WIRE_NONCE] = {1};
    struct wire_head h = {.type = WIRE_INIT, .back = 7, .nonce = nonce};
    struct addr from = addr_v4(0x50010203, 7);
    size_t length = wire_put_head(packet, &h);
    watch_sending(s->lab, NULL);
    packet[5] = WIRE_VERSION - 1;
    lab_input(s->lab, 0, &from, packet, length);
    assert_int_equal(sending.datagrams, 0);
    packet[5] = WIRE_VERSION;
    lab_input(s->lab, 0, &from, packet, length);
    assert_int_equal(sending.datagrams, 1);
    story_close(s);
}

/* ---- crossing ---- */

static void open_to(struct lab *l, uint32_t from, uint32_t to)
{
    struct mist *n = l->hosts[from].node;
    struct contact c = {.addr = l->hosts[to].local};
    memcpy(c.id, l->hosts[to].id, WIRE_ID);
    out_reset(n->out, n);
    assert_true(mux_open(n->mux, l->now, &c, n->out) != 0);
    node_carry_out(n, l->now);
    lab_drain(l, from);
}

/* Both open at once, whichever is first by how much: one link, whose keys fit. */
static void crossing_handshakes_end_in_one_session(void **state)
{
    (void)state;
    for (int lead = -50; lead <= 50; lead += 5) {
        struct lab *l = lab_open(6);
        for (uint32_t i = 0; i < 2; i++) {
            lab_configure(l, lab_add(l, i == 0 ? "a" : "b"), "reach.assume", "public");
            lab_start(l, i, 0);
        }
        uint32_t first = lead < 0 ? 1u : 0u;
        lab_run(l, l->now + SEC(1));
        open_to(l, first, 1 - first);
        lab_run(l, l->now + MS(lead < 0 ? -lead : lead));
        open_to(l, 1 - first, first);
        lab_run(l, l->now + SEC(3));
        struct mux *a = l->hosts[0].node->mux, *b = l->hosts[1].node->mux;
        assert_int_equal(a->up, 1);
        assert_int_equal(b->up, 1);
        const struct link *at_a = link_get(a, lab_link(l, 0, 1));
        const struct link *at_b = link_get(b, lab_link(l, 1, 0));
        assert_memory_equal(at_a->session.tx_key, at_b->session.rx_key, SEAL_KEY);
        assert_memory_equal(at_a->session.rx_key, at_b->session.tx_key, SEAL_KEY);
        assert_int_equal(at_a->tx_channel, at_b->rx_channel);
        lab_close(l);
    }
}

/* ---- eviction ---- */

/* Whose link makes room for another's hears of it at once. */
static void an_evicted_peer_is_told(void **state)
{
    enum { GUESTS = 9, GAVE_WAY = 4, SAID_BYE = 3 };
    (void)state;
    struct story *s = story_open(10);
    uint32_t server = lab_add(s->lab, "server"), told = 0;
    lab_configure(s->lab, server, "reach.assume", "public");
    lab_configure(s->lab, server, "links", "8");
    lab_start(s->lab, server, 0);
    for (uint32_t i = 0; i < GUESTS; i++) {
        uint32_t guest = lab_add(s->lab, "");
        lab_behind(s->lab, guest, LAB_EIM, LAB_APDF, false);
        lab_start(s->lab, guest, 1);
        lab_run(s->lab, s->lab->now + SEC(6));
    }
    const struct story_entry *gone = NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct story_entry *e = &s->entries[i];
        bool down = e->kind == STORY_FACT && e->number == FACT_LINK_DOWN;
        if (down && e->host == server && e->a == GAVE_WAY)
            gone = e;
        if (down && gone != NULL && (int)e->host == gone->peer && e->a == SAID_BYE)
            told += e->at - gone->at == MS(20); /* one way */
    }
    assert_non_null(gone);
    assert_true(told > 0);
    story_close(s);
}

/* One site's guests do not fill a table: half of it is anybody's, then each site has an
 * eighth. */
static void a_site_leaves_links_to_others(void **state)
{
    (void)state;
    struct story *s = story_open(11);
    uint32_t server = lab_add(s->lab, "server");
    lab_configure(s->lab, server, "reach.assume", "public");
    lab_configure(s->lab, server, "links", "16");
    lab_start(s->lab, server, 0);
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t guest = lab_add(s->lab, "");
        lab_behind(s->lab, guest, LAB_EIM, LAB_APDF, false);
        s->lab->hosts[guest].nat.ip = 0x1f000001 + guest;
        lab_start(s->lab, guest, 1);
        lab_run(s->lab, s->lab->now + SEC(1));
    }
    const struct mux *m = s->lab->hosts[server].node->mux;
    uint32_t gave_way = story_number(s, server, STORY_FACT, FACT_LINK_DOWN, 0);
    assert_int_equal(m->up, 8); /* half of 16: then a site has its two, and they change */
    assert_true(gave_way >= 12);
    uint32_t other = lab_add(s->lab, "other");
    lab_behind(s->lab, other, LAB_EIM, LAB_APDF, false);
    lab_start(s->lab, other, 1);
    lab_run(s->lab, s->lab->now + SEC(5));
    assert_non_null(story_find(s, other, STORY_FACT, FACT_LINK_UP, 0));
    story_close(s);
}

/* ---- keys ---- */

static bool found_in(const void *memory, size_t size, const uint8_t key[SEAL_KEY])
{
    for (size_t i = 0; i + SEAL_KEY <= size; i++) {
        if (memcmp((const uint8_t *)memory + i, key, SEAL_KEY) == 0)
            return true;
    }
    return false;
}

static void the_keys_of_a_link_that_is_gone_are_nowhere(void **state)
{
    uint32_t guest;
    (void)state;
    struct story *s = server_and_guest(7, &guest);
    struct lab_host *server = &s->lab->hosts[0];
    struct link *l = link_get(server->node->mux, lab_link(s->lab, 0, guest));
    uint8_t tx[SEAL_KEY], rx[SEAL_KEY], early[SEAL_KEY];
    memcpy(tx, l->session.tx_key, SEAL_KEY);
    memcpy(rx, l->session.rx_key, SEAL_KEY);
    memcpy(early, l->opened.early, SEAL_KEY);
    assert_true(found_in(server->memory, server->memory_size, tx));
    assert_int_equal(lab_id(s->lab, guest, MIST_WISH_LEAVE, 0), MIST_OK);
    lab_run(s->lab, s->lab->now + MS(100));
    assert_int_equal(lab_link(s->lab, 0, guest), 0);
    assert_false(found_in(server->memory, server->memory_size, tx));
    assert_false(found_in(server->memory, server->memory_size, rx));
    assert_false(found_in(server->memory, server->memory_size, early));
    story_close(s);
}

/* What was agreed for one handshake serves that handshake alone. */
static void every_handshake_has_keys_of_its_own(void **state)
{
    uint32_t guest;
    (void)state;
    struct story *s = server_and_guest(8, &guest);
    struct mux *mux = s->lab->hosts[0].node->mux;
    struct link *l = link_get(mux, lab_link(s->lab, 0, guest));
    uint8_t tx[SEAL_KEY];
    memcpy(tx, l->session.tx_key, SEAL_KEY);
    uint32_t computed = agreements;
    lab_stop(s->lab, guest);
    s->lab->hosts[guest].seed[0] ^= 1; /* the same transport key, another run */
    lab_start(s->lab, guest, 1);
    lab_run(s->lab, s->lab->now + SEC(1));
    l = link_get(mux, lab_link(s->lab, 0, guest));
    assert_memory_not_equal(l->session.tx_key, tx, SEAL_KEY);
    assert_true(agreements > computed);
    story_close(s);
}

/* A link that stands is rekeyed under way, at both ends alike, and nothing is lost. */
static void a_link_is_rekeyed_without_a_handshake(void **state)
{
    uint32_t guest;
    (void)state;
    struct story *s = server_and_guest(9, &guest);
    mist_time then = s->lab->now;
    struct mux *mux = s->lab->hosts[0].node->mux;
    struct mux *theirs = s->lab->hosts[guest].node->mux;
    uint8_t tx[SEAL_KEY];
    memcpy(tx, link_get(mux, lab_link(s->lab, 0, guest))->session.tx_key, SEAL_KEY);
    uint32_t computed = agreements;
    lab_run(s->lab, then + SEC(150));
    const struct link *l = link_get(mux, lab_link(s->lab, 0, guest));
    const struct link *back = link_get(theirs, lab_link(s->lab, guest, 0));
    assert_true(l->session.tx_counter > SESSION_EPOCH);
    assert_memory_not_equal(l->session.tx_key, tx, SEAL_KEY);
    assert_memory_equal(l->session.tx_key, back->session.rx_key, SEAL_KEY);
    assert_int_equal(agreements, computed);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(number(s, i, FACT_FORGED, then), 0);
        assert_int_equal(number(s, i, FACT_REPLAYED, then), 0);
        assert_int_equal(number(s, i, FACT_LINK_DOWN, then), 0);
    }
    story_close(s);
}

/* Opens with a stolen session what the server says to its guest. */
static enum session_verdict overhear(struct story *s, uint32_t guest, struct session *stolen)
{
    uint8_t bytes[64], plain[WIRE_MTU];
    struct msg m = {.type = MSG_PING, .request = 1};
    struct wire_head h;
    uint64_t counter;
    struct caught c = catch_message(s->lab, 0, guest, bytes, wire_put(bytes, sizeof bytes, &m));
    assert_int_equal(wire_take_head(c.bytes, c.length, &h), 0);
    return session_open(stolen, &seal_real, h.counter, plain, c.bytes, h.head_length, h.body,
                        h.body_length, &counter);
}

/* What Noise gives, and what it does not: each rekey follows from the key before, so a
 * thief keeps step until both ends agree anew. */
static void a_stolen_live_key_follows_rekeys_and_ends_with_the_next_handshake(void **state)
{
    uint32_t guest;
    (void)state;
    struct story *s = server_and_guest(12, &guest);
    struct mux *theirs = s->lab->hosts[guest].node->mux;
    struct session stolen = link_get(theirs, lab_link(s->lab, guest, 0))->session;
    lab_run(s->lab, s->lab->now + SEC(150));
    assert_int_equal(overhear(s, guest, &stolen), SESSION_FINE);
    lab_stop(s->lab, guest);
    s->lab->hosts[guest].seed[0] ^= 1; /* its transport key is stolen, too, and stays */
    lab_start(s->lab, guest, 1);
    lab_run(s->lab, s->lab->now + SEC(2));
    assert_true(lab_link(s->lab, 0, guest) != 0);
    stolen.rx_counter = 0; /* so that only the key is in the way */
    memset(stolen.rx_seen, 0, sizeof stolen.rx_seen);
    assert_int_equal(overhear(s, guest, &stolen), SESSION_FORGED);
    story_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_is_good_once_even_when_its_link_is_gone),
        cmocka_unit_test(what_is_forgotten_too_early_has_no_valid_cookie_left),
        cmocka_unit_test(a_vouched_open_is_good_once_even_when_its_link_is_gone),
        cmocka_unit_test(an_open_through_a_relay_needs_a_ticket),
        cmocka_unit_test(a_downgrade_to_another_version_is_not_answered),
        cmocka_unit_test(crossing_handshakes_end_in_one_session),
        cmocka_unit_test(an_evicted_peer_is_told),
        cmocka_unit_test(a_site_leaves_links_to_others),
        cmocka_unit_test(the_keys_of_a_link_that_is_gone_are_nowhere),
        cmocka_unit_test(every_handshake_has_keys_of_its_own),
        cmocka_unit_test(a_link_is_rekeyed_without_a_handshake),
        cmocka_unit_test(a_stolen_live_key_follows_rekeys_and_ends_with_the_next_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
