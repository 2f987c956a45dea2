/* probe_report.h: a probe's findings as text, key by key. */
#ifndef SIM_PROBE_REPORT_H
#define SIM_PROBE_REPORT_H

#include <stdio.h>

#include "sim/probe.h"

/* In the order in which they are shown; the first seven are what a box is
 * judged by (probe_judge.h). */
enum probe_key {
    PROBE_KEY_MAPPING,
    PROBE_KEY_FILTERING,
    PROBE_KEY_PORTS,
    PROBE_KEY_HAIRPIN,
    PROBE_KEY_UNREPLIED,
    PROBE_KEY_ESTABLISHED,
    PROBE_KEY_POOLING,
    PROBE_KEY_DELTA,
    PROBE_KEY_BLOCK,
    PROBE_KEY_EARLY,
    PROBE_KEY_SHARED,
    PROBE_KEY_CLASH,
    PROBE_KEY_AFTER_CLASH,
    PROBE_KEY_FLOWS,
    PROBE_KEY_FLOWS_OF,
    PROBE_KEY_ADDRESSES,
    PROBE_KEY_LOW,
    PROBE_KEY_HIGH,
    PROBE_KEYS
};

#define PROBE_VALUE 16 /* bytes of a value's text, at most */

/* "mapping", "udp_unreplied_s", ... */
const char *probe_key_name(enum probe_key key);

/* "eim", "120"; NULL: not known, or it does not apply. */
const char *probe_value(const struct probe_report *report, enum probe_key key,
                        char buffer[PROBE_VALUE]);

/* "mapping": "eim", ...: the members of a JSON object, without its braces. */
void probe_report_json(const struct probe_report *report, FILE *out);

#endif
