/* meet_parts.h: shared by the files of meet: meet.c (what both ends of a
 * connection do), meet_dial.c (the dialer's way into one), meet_accept.c (the
 * acceptor's). */
#ifndef MIST_MEET_PARTS_H
#define MIST_MEET_PARTS_H

#include "stack/meet.h"

/* ---- meet.c ---- */

struct call meet_call(const struct meet *m, const struct conn *c);
void meet_wait(struct meet *m, const struct conn *c, mist_time at); /* sets its timer */
/* NULL, and the fact, when the table is full. */
struct conn *meet_new(struct meet *m, uint8_t state, struct out *out);
void meet_tell(const struct conn *c, uint32_t kind, mist_time rtt, uint32_t reason,
               struct out *out);
bool meet_holds(const struct conn *c); /* its link */
/* The connection holds its link, and the relay that the link began through. */
void meet_hold(struct conn *c, uint8_t state, mist_link link, uint32_t path, mist_link relay,
               struct out *out);
void meet_end(struct meet *m, struct conn *c, struct out *out);
/* Sends the answer or the proof, whichever is this end's to give. */
void meet_say(const struct conn *c, mist_link link, uint8_t type, struct out *out);
void meet_hang_up_on(mist_link link, uint32_t conversation, struct out *out);
uint32_t meet_their_id(struct meet *m); /* for what a peer opened */
/* Sends bytes on a channel's number, sealed for the other person. */
void meet_seal(struct meet *m, mist_time now, struct conn *c, uint32_t number, const uint8_t *bytes,
               size_t length, struct out *out);

/* ---- meet_dial.c ---- */

/* The next offer is due, or the call has failed. */
void meet_offer_again(struct meet *m, mist_time now, struct conn *c, struct out *out);

/* ---- meet_accept.c ---- */

/* The dialer has not proved itself yet: the answer or the proof was lost. */
void meet_unproved(struct meet *m, mist_time now, struct conn *c, struct out *out);

/* The address joins those where the dialer may be, if it is new and there is room. */
void meet_candidate(struct conn *c, const struct candidate *candidate);
/* A forwarder saw it there: a candidate, and vouched for if the dialer says so too. */
void meet_seen(struct conn *c, const struct addr *seen);

/* Opens a link to c's peer through the first of its relays, with its ticket. */
void meet_open_link(struct meet *m, mist_time now, struct conn *c, struct out *out);
/* A new one that this peer has asked for; NULL: it has enough. */
struct conn *meet_theirs(struct meet *m, const struct msg *receive, const struct call_value *value,
                         struct out *out);

/* ---- meet_resume.c ---- */

/* Somebody who answers to the name, proved to be nobody, knows no such conversation: if
 * it is lost, the person has little time left to say otherwise. */
void meet_gone(struct meet *m, mist_time now, uint32_t conversation);
/* A call back for a conversation that this node has not, or no more. */
void meet_unknown(struct meet *m, mist_time now, mist_link forwarder, mist_link standing,
                  const struct msg *receive, const struct call_value *value, struct out *out);
/* The next call back is due, or it has been lost for too long. */
void meet_lost_long(struct meet *m, mist_time now, struct conn *c, struct out *out);
/* Is that no offer, but the call back of a dialer who has lost the path? */
bool meet_is_resume(const struct call_value *value);
void meet_resumed(struct meet *m, struct conn *c, mist_link forwarder, const struct msg *receive,
                  const struct call_value *value, struct out *out);

/* ---- meet_channel.c ---- */

/* The timer of a connection that is UP: the first OPEN that goes again, or, while it is
 * lost, the next call back. */
void meet_wait_up(struct meet *m, const struct conn *c);
/* NULL: no channel has that id. */
struct channel *meet_channel(const struct meet *m, uint32_t id, struct conn **conn);
void meet_channel_close(struct meet *m, mist_time now, struct conn *c, struct channel *ch,
                        struct out *out);
void meet_channels_due(struct meet *m, mist_time now, struct conn *c, struct out *out);
/* With their connection: tells CLOSED of each. */
void meet_channels_end(struct conn *c, uint32_t reason, struct out *out);
/* A frame on CHANNEL_CONTROL; any bytes. */
void meet_control(struct meet *m, mist_time now, struct conn *c, const uint8_t *frame,
                  size_t length, struct out *out);
/* A datagram came on that number: the channel's id, or 0, and the peer is told. */
uint32_t meet_channel_heard(struct meet *m, mist_time now, struct conn *c, uint32_t number,
                            struct out *out);

#endif
