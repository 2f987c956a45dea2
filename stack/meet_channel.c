/* meet_channel.c: several protocols on one connection.
 *
 * A channel is a number of five bits in front of each datagram's length, inside what the
 * two persons seal.  Datagrams without a protocol go on 0; the dialer's channels are odd,
 * the acceptor's even; on the last number both agree on the others:
 *
 *     1  open     number 1, flow 1 (enum mist_flow), protocol's name
 *     2  accept   number 1
 *     3  refuse   number 1, reason 1 (enum mist_reason)
 *     4  close    number 1
 *
 * OPEN is repeated until it is answered, so every other word is said in answer: a lost
 * ACCEPT or REFUSE comes again, and who speaks on a channel that is not there is told
 * CLOSE.  Names never leave the sealed session, so neither relays nor holders learn what
 * two persons use, and nobody in between can take a name off the list. */
#include <string.h>

#include "stack/meet_parts.h"

enum { FRAME_OPEN = 1, FRAME_ACCEPT, FRAME_REFUSE, FRAME_CLOSE };

/* How long an OPEN waits to be answered before it goes again: it travels a path that
 * stands, whose round trip is below a second but for the slowest. */
static const mist_time open_again[] = {SEC(1), SEC(2), SEC(3), SEC(4)};
#define OPENS (sizeof open_again / sizeof open_again[0])

static void say(struct meet *m, mist_time now, struct conn *c, const uint8_t *frame, size_t length,
                struct out *out)
{
    meet_seal(m, now, c, CHANNEL_CONTROL, frame, length, out);
}

static void say_word(struct meet *m, mist_time now, struct conn *c, uint8_t word, uint8_t number,
                     struct out *out)
{
    uint8_t frame[2] = {word, number};
    say(m, now, c, frame, sizeof frame, out);
}

static void tell(const struct conn *c, const struct channel *ch, uint32_t kind, uint32_t reason,
                 struct out *out)
{
    struct mist_event e = {
        .kind = kind, .id = ch->id, .path = c->path, .reason = reason, .count = c->id};
    memcpy(e.peer, c->peer, WIRE_ID);
    if (kind == MIST_EVENT_OPENED) {
        e.bytes = ch->protocol.name;
        e.length = ch->protocol.length;
    }
    out_event(out, &e);
}

static struct channel *by_number(struct conn *c, uint32_t number)
{
    for (uint32_t i = 0; i < MEET_CHANNELS; i++) {
        if (c->channels[i].state != CHANNEL_FREE && c->channels[i].number == number)
            return &c->channels[i];
    }
    return NULL;
}

static struct channel *take_free(struct conn *c)
{
    for (uint32_t i = 0; i < MEET_CHANNELS; i++) {
        if (c->channels[i].state == CHANNEL_FREE)
            return &c->channels[i];
    }
    return NULL;
}

/* The next number of this end's that no channel has: an old one's rests for a while. */
static uint8_t next_number(struct conn *c)
{
    uint8_t first = c->dialer ? 1 : 2, number = c->channel_last;
    do
        number = (uint8_t)(number == 0 || number + 2 >= CHANNEL_CONTROL ? first : number + 2);
    while (by_number(c, number) != NULL);
    c->channel_last = number;
    return number;
}

struct channel *meet_channel(const struct meet *m, uint32_t id, struct conn **conn)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        for (uint32_t k = 0; c->state == CONN_UP && k < MEET_CHANNELS; k++) {
            if (c->channels[k].state != CHANNEL_FREE && c->channels[k].id == id) {
                *conn = c;
                return &c->channels[k];
            }
        }
    }
    return NULL;
}

static void say_open(struct meet *m, mist_time now, struct conn *c, const struct channel *ch,
                     struct out *out)
{
    uint8_t frame[3 + MIST_PROTOCOL] = {FRAME_OPEN, ch->number, MIST_FLOW_DATAGRAMS};
    memcpy(frame + 3, ch->protocol.name, ch->protocol.length);
    say(m, now, c, frame, 3u + ch->protocol.length, out);
}

void meet_wait_up(struct meet *m, const struct conn *c)
{
    mist_time at = c->lost ? c->look : MIST_NEVER;
    for (uint32_t i = 0; i < MEET_CHANNELS; i++) {
        const struct channel *ch = &c->channels[i];
        if (ch->state == CHANNEL_OPENING && ch->again < at)
            at = ch->again;
    }
    meet_wait(m, c, at);
}

/* ---- the caller's side ---- */

static bool fits(const uint8_t *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    }
    return length >= 1 && length <= MIST_PROTOCOL;
}

int meet_serve(struct meet *m, const uint8_t *name, size_t length)
{
    if (!fits(name, length))
        return MIST_ERR_ARGUMENT;
    for (uint32_t i = 0; i < m->protocol_count; i++) {
        if (m->protocols[i].length == length && memcmp(m->protocols[i].name, name, length) == 0)
            return MIST_OK;
    }
    if (m->protocol_count == MEET_PROTOCOLS)
        return MIST_ERR_FULL;
    struct protocol *p = &m->protocols[m->protocol_count++];
    p->length = (uint8_t)length;
    memcpy(p->name, name, length);
    return MIST_OK;
}

static struct conn *with_person(const struct meet *m, const uint8_t *person)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct conn *c = &m->conns[i];
        if (c->state == CONN_UP && memcmp(c->meeting.peer, person, WIRE_ID) == 0)
            return c;
    }
    return NULL;
}

int meet_open(struct meet *m, mist_time now, uint32_t id, const uint8_t person[WIRE_ID],
              const uint8_t *name, size_t length, struct out *out)
{
    struct conn *c;
    if (id == 0 || id >= MEET_THEIRS || meet_find(m, id) != NULL ||
        meet_channel(m, id, &c) != NULL || !fits(name, length))
        return MIST_ERR_ARGUMENT;
    c = with_person(m, person);
    if (c == NULL)
        return MIST_ERR_UNKNOWN;
    struct channel *ch = take_free(c);
    if (ch == NULL)
        return MIST_ERR_FULL;
    *ch = (struct channel){.number = next_number(c), .id = id, .again = now + open_again[0]};
    ch->state = CHANNEL_OPENING;
    ch->protocol.length = (uint8_t)length;
    memcpy(ch->protocol.name, name, length);
    say_open(m, now, c, ch, out);
    meet_wait_up(m, c);
    return MIST_OK;
}

void meet_channel_close(struct meet *m, mist_time now, struct conn *c, struct channel *ch,
                        struct out *out)
{
    say_word(m, now, c, FRAME_CLOSE, ch->number, out);
    tell(c, ch, MIST_EVENT_CLOSED, 0, out);
    ch->state = CHANNEL_FREE;
    meet_wait_up(m, c);
}

void meet_channels_due(struct meet *m, mist_time now, struct conn *c, struct out *out)
{
    for (uint32_t i = 0; i < MEET_CHANNELS; i++) {
        struct channel *ch = &c->channels[i];
        if (ch->state != CHANNEL_OPENING || ch->again > now)
            continue;
        if (++ch->tries == OPENS) {
            tell(c, ch, MIST_EVENT_DECLINED, MIST_REASON_TIMEOUT, out);
            ch->state = CHANNEL_FREE;
            continue;
        }
        ch->again = now + open_again[ch->tries];
        say_open(m, now, c, ch, out);
    }
    meet_wait_up(m, c);
}

void meet_channels_end(struct conn *c, uint32_t reason, struct out *out)
{
    for (uint32_t i = 0; i < MEET_CHANNELS; i++) {
        if (c->channels[i].state != CHANNEL_FREE)
            tell(c, &c->channels[i], MIST_EVENT_CLOSED, reason, out);
        c->channels[i].state = CHANNEL_FREE;
    }
}

/* ---- the peer's side ---- */

static bool served(const struct meet *m, const uint8_t *name, size_t length)
{
    for (uint32_t i = 0; i < m->protocol_count; i++) {
        if (m->protocols[i].length == length && memcmp(m->protocols[i].name, name, length) == 0)
            return true;
    }
    return false;
}

static void refuse(struct meet *m, mist_time now, struct conn *c, uint8_t number, uint8_t reason,
                   struct out *out)
{
    uint8_t frame[3] = {FRAME_REFUSE, number, reason};
    say(m, now, c, frame, sizeof frame, out);
}

static void on_open(struct meet *m, mist_time now, struct conn *c, const uint8_t *frame,
                    size_t length, struct out *out)
{
    uint8_t number = frame[1];
    const uint8_t *name = frame + 3;
    bool theirs = number > 0 && number < CHANNEL_CONTROL && (number % 2 == 0) == c->dialer;
    if (length < 4 || !theirs)
        return;
    struct channel *ch = by_number(c, number);
    if (ch != NULL) { /* the ACCEPT was lost */
        say_word(m, now, c, FRAME_ACCEPT, number, out);
        return;
    }
    if (frame[2] != MIST_FLOW_DATAGRAMS || !served(m, name, length - 3)) {
        refuse(m, now, c, number,
               frame[2] != MIST_FLOW_DATAGRAMS ? MIST_REASON_UNSUPPORTED
                                               : MIST_REASON_UNKNOWN_PROTOCOL,
               out);
        return;
    }
    ch = take_free(c);
    if (ch == NULL) {
        refuse(m, now, c, number, MIST_REASON_REFUSED, out);
        return;
    }
    *ch = (struct channel){.state = CHANNEL_OPEN, .number = number, .id = meet_their_id(m)};
    ch->protocol.length = (uint8_t)(length - 3);
    memcpy(ch->protocol.name, name, length - 3);
    say_word(m, now, c, FRAME_ACCEPT, number, out);
    tell(c, ch, MIST_EVENT_OPENED, 0, out);
}

static void opened(struct meet *m, struct conn *c, struct channel *ch, struct out *out)
{
    if (ch->state != CHANNEL_OPENING)
        return;
    ch->state = CHANNEL_OPEN;
    meet_wait_up(m, c);
    tell(c, ch, MIST_EVENT_OPENED, 0, out);
}

static uint32_t reason_of(const uint8_t *frame, size_t length)
{
    return length > 2 &&
                   (frame[2] == MIST_REASON_UNKNOWN_PROTOCOL || frame[2] == MIST_REASON_UNSUPPORTED)
               ? frame[2]
               : MIST_REASON_REFUSED;
}

void meet_control(struct meet *m, mist_time now, struct conn *c, const uint8_t *frame,
                  size_t length, struct out *out)
{
    if (length < 2)
        return;
    if (frame[0] == FRAME_OPEN) {
        on_open(m, now, c, frame, length, out);
        return;
    }
    struct channel *ch = by_number(c, frame[1]);
    if (ch == NULL)
        return;
    if (frame[0] == FRAME_ACCEPT) {
        opened(m, c, ch, out);
        return;
    }
    bool declined = frame[0] == FRAME_REFUSE && ch->state == CHANNEL_OPENING;
    if (declined)
        tell(c, ch, MIST_EVENT_DECLINED, reason_of(frame, length), out);
    else if (frame[0] == FRAME_CLOSE)
        tell(c, ch, MIST_EVENT_CLOSED, MIST_REASON_PEER_CLOSED, out);
    else
        return;
    ch->state = CHANNEL_FREE;
    meet_wait_up(m, c);
}

uint32_t meet_channel_heard(struct meet *m, mist_time now, struct conn *c, uint32_t number,
                            struct out *out)
{
    struct channel *ch = by_number(c, number);
    if (ch == NULL) {
        say_word(m, now, c, FRAME_CLOSE, (uint8_t)number, out);
        return 0;
    }
    opened(m, c, ch, out); /* the ACCEPT was overtaken or lost */
    return ch->id;
}
