/* oracle_play.h: plays a technique packet by packet through the translator: the
 * oracle's formulae against what boxes do.
 *
 * A world is two hosts behind boxes of their own, and a server that tells each
 * what it sees.  Datagrams arrive at once and none is lost.  The hosts act on
 * what they can know: endpoints that the server saw, sources of what arrives,
 * and how the other's box chooses ports. */
#ifndef SIM_ORACLE_PLAY_H
#define SIM_ORACLE_PLAY_H

#include "sim/oracle.h"

/* Plays the option that oracle_judge gave for this technique, in the world of
 * that seed.  Returns whether a datagram and its answer arrived.  Mapped ports
 * and NONE are not played: false. */
bool oracle_play(const struct rule_chain *a, const struct rule_chain *b,
                 const struct oracle_budget *budget, enum oracle_technique technique,
                 const struct oracle_option *option, uint64_t seed);

#endif
