/* text.h: reads the values of knobs from text, exactly and without floats. */
#ifndef NAT_TEXT_H
#define NAT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "stack/units.h"

/* All return 0, or -1 and leave the result alone.  Space around is ignored. */

/* "30 s", "1.5 min", "250 ms"; a bare "0" needs no unit.  Units ns, us, ms, s,
 * min, h, d; at most 100 years. */
int nat_text_time(const char *text, mist_time *time);

/* A decimal number within [low, high]. */
int nat_text_number(const char *text, int64_t low, int64_t high, int64_t *number);

/* "[a, b]", "a..b", "a-b" or "a b": two numbers of 0 to 65535. */
int nat_text_range(const char *text, uint16_t *low, uint16_t *high);

/* "10/s", "0.5/min", "3/h": events per 10^6 s; a bare number is per second. */
int nat_text_rate(const char *text, uint64_t *rate_uhz);

/* The place of text among "one|two|three", or -1. */
int nat_text_word(const char *text, const char *words);

/* The text after "name:" (space and one pair of braces around are ignored)
 * into value, or -1. */
int nat_text_member(const char *text, const char *name, char *value, size_t size);

/* Changes of one character that turn a into b, at most 9 (then 9 means more). */
int nat_text_distance(const char *a, const char *b);

#endif
