/* nature.h: what stands between a node and the network, as far as it is known:
 * the verdicts of survey.h, which peers tell each other before they punch.
 *
 * Words of RFC 4787: mapping (section 4.1), filtering (5), pooling (4.1),
 * hairpinning (6).  The port rule is how a new mapping's external port is chosen,
 * seen from outside.  Zero is "not known". */
#ifndef MIST_NATURE_H
#define MIST_NATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nature_mapping { NATURE_MAPPING_UNKNOWN, NATURE_EIM, NATURE_ADM, NATURE_APDM };
enum nature_filtering { NATURE_FILTERING_UNKNOWN, NATURE_EIF, NATURE_ADF, NATURE_APDF };
enum nature_ports {
    NATURE_PORTS_UNKNOWN,
    NATURE_PRESERVE,   /* the inside port */
    NATURE_SEQUENTIAL, /* the former one and `step` */
    NATURE_BLOCK,      /* one of `low` to `high` */
    NATURE_RANDOM
};
enum nature_pooling { NATURE_POOLING_UNKNOWN, NATURE_PAIRED, NATURE_ARBITRARY };
enum nature_hairpin { NATURE_HAIRPIN_UNKNOWN, NATURE_HAIRPIN_OFF, NATURE_HAIRPIN_ON };

/* The kinds of verdict; numbers are permanent (facts name them). */
enum nature_knob {
    NATURE_KNOB_MAPPING = 1,
    NATURE_KNOB_FILTERING,
    NATURE_KNOB_PORTS,
    NATURE_KNOB_POOLING,
    NATURE_KNOB_HAIRPIN,
    NATURE_KNOBS
};

#define NATURE_WORDS 5 /* verdicts of a knob, unknown included, at most */

/* No padding: equal bytes are equal natures. */
struct nature {
    uint8_t mapping, filtering, ports, pooling, hairpin; /* the enums above */
    int8_t step;                                         /* of sequential ports; not 0 */
    uint16_t rate_hz;                                    /* ports that others take meanwhile */
    uint16_t low, high; /* ports of a block, both inside: at least what was seen */
};

#define NATURE_TEXT 160 /* bytes that nature_text needs, at most */

uint8_t nature_of(const struct nature *n, enum nature_knob knob);
/* "mapping", and "eim": the word of a verdict; "unknown" for 0. */
const char *nature_knob_word(enum nature_knob knob);
const char *nature_word(enum nature_knob knob, uint8_t verdict);
/* Writes "mapping=eim:100 filtering=apdf:99 ports=sequential:80 ... step=2:80", and a NUL;
 * returns its length.  Each verdict stands with its confidence in percent; the step
 * where ports are sequential, "block=20480..20991" where they are of a block. */
size_t nature_text(const struct nature *n, const uint8_t confidence[NATURE_KNOBS],
                   char text[NATURE_TEXT]);
/* A verdict that is a number, or from one to another, at the end of a text so far of
 * `at` bytes: "idle=60..90:95".  high of low or less: it stands alone, and "none" where
 * both are 0.  Returns the new length. */
size_t nature_text_number(char text[NATURE_TEXT], size_t at, const char *knob, int low, int high,
                          uint8_t confidence);

#endif
