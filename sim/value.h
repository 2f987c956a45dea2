/* value.h: quantities as people write them: a number and its unit.
 *
 * Everything becomes an exact integer.  Each function returns NULL and sets
 * *out, or returns what it would have taken, to stand after "expected", and
 * leaves *out alone. */
#ifndef SIM_VALUE_H
#define SIM_VALUE_H

#include <stdint.h>

/* "30 s", "2 min", "3.66 h", "40 ms"; also ns, us, d.  Nanoseconds, not negative. */
const char *value_time(const char *text, int64_t *ns);

/* "10 ms..200 ms", low <= high. */
const char *value_time_range(const char *text, int64_t *low, int64_t *high);

/* "5%", "0.0001%": parts per million, at most 100 %. */
const char *value_share(const char *text, int64_t *ppm);

/* "0.61", "3": millionths. */
const char *value_decimal(const char *text, int64_t *millionths);

/* "1/min", "0.2/s", "3/h", "1/d": events per 10^6 s, rounded. */
const char *value_rate(const char *text, int64_t *uhz);

/* "200 B", "1 KiB", "2 kB", "3 MiB", "1 GB": bytes. */
const char *value_size(const char *text, int64_t *bytes);

/* "20 Mbit/s", "512 kbit/s", "1 Gbit/s", "unlimited" (0): bits per second. */
const char *value_bandwidth(const char *text, int64_t *bps);

/* "1000": a whole number. */
const char *value_count(const char *text, int64_t *count);

/* "on", "off", "true", "false" */
const char *value_switch(const char *text, int64_t *on);

enum value_quantity { VALUE_SHARE, VALUE_TIME, VALUE_SIZE, VALUE_NUMBER };

/* "share", "time", "size", "number" */
const char *value_quantity_word(enum value_quantity quantity);

/* ">= 70%", "<= 2 s", "< 40 kB", "== 3" of a share, a time, a size, a number:
 * relation is one of >= <= > < ==; value as a ratio, in seconds, in bytes or as it
 * stands.  A double: it judges results and decides no event. */
const char *value_bound(const char *text, enum value_quantity quantity, char relation[3],
                        double *value);

/* What a comparison may lose, above 0: of a share points, "1%" or "1 pt"; of other
 * quantities an amount in their unit, "20 ms", or a share of the value itself, "5%":
 * then *relative is 1. */
const char *value_margin(const char *text, enum value_quantity quantity, double *margin,
                         int *relative);

#endif
