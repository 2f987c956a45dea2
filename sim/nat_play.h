/* nat_play.h: plays a NAT script: sends its packets through its boxes and
 * compares what comes out with what the script expects. */
#ifndef SIM_NAT_PLAY_H
#define SIM_NAT_PLAY_H

#include "sim/nat_script.h"

#define NAT_OUTCOME 200 /* bytes of a text */

struct nat_outcome {
    bool ok;
    char expected[NAT_OUTCOME], got[NAT_OUTCOME]; /* "" if ok */
};

struct nat_play;

/* Sets up the boxes.  Keeps the script. */
struct nat_play *nat_play_open(const struct nat_script *script);

/* Plays the next step.  False when there is none. */
bool nat_play_step(struct nat_play *play, struct nat_outcome *outcome);

void nat_play_close(struct nat_play *play);

/* Plays all.  Returns how many steps failed. */
uint32_t nat_play_script(const struct nat_script *script);

#endif
