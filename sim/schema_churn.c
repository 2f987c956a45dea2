/* schema_churn.c: the keys of scenarios that say how long hosts stay; pure data. */
#include "sim/lifetime.h"
#include "sim/schema.h"

#define COUNT(table) (uint32_t)(sizeof(table) / sizeof *(table))
#define LONGEST      (SEC(86400) * 36500) /* about 100 years */

static const struct schema_key WEIBULL_KEYS[] = {
    {.name = "shape",
     .kind = SCHEMA_DECIMAL,
     .need = NEED_REQUIRED,
     .low = LIFETIME_SHAPE_L,
     .high = LIFETIME_SHAPE_H,
     .doc = "below 1: who has stayed long stays longer",
     .example = "0.61"},
    {.name = "scale",
     .kind = SCHEMA_TIME,
     .need = NEED_REQUIRED,
     .low = LIFETIME_LEAST,
     .high = LONGEST,
     .doc = "63% are shorter",
     .example = "3.66 h"},
};
static const struct schema_map WEIBULL = {.doc = "P(longer than t) = exp(-(t/scale)^shape)",
                                          .keys = WEIBULL_KEYS,
                                          .count = COUNT(WEIBULL_KEYS)};

static const struct schema_key EXPONENTIAL_KEYS[] = {
    {.name = "mean",
     .kind = SCHEMA_TIME,
     .need = NEED_REQUIRED,
     .low = LIFETIME_LEAST,
     .high = LONGEST,
     .doc = "of the durations",
     .example = "1 h"},
};
static const struct schema_map EXPONENTIAL = {.doc = "P(longer than t) = exp(-t/mean)",
                                              .keys = EXPONENTIAL_KEYS,
                                              .count = COUNT(EXPONENTIAL_KEYS)};

static const struct schema_key LOGNORMAL_KEYS[] = {
    {.name = "median",
     .kind = SCHEMA_TIME,
     .need = NEED_REQUIRED,
     .low = LIFETIME_LEAST,
     .high = LONGEST,
     .doc = "of the durations",
     .example = "30 min"},
    {.name = "sigma",
     .kind = SCHEMA_DECIMAL,
     .need = NEED_REQUIRED,
     .high = LIFETIME_SIGMA_H,
     .doc = "standard deviation of the durations' natural logarithm",
     .example = "1.5"},
};
static const struct schema_map LOGNORMAL = {.doc = "the logarithm of a duration is normal",
                                            .keys = LOGNORMAL_KEYS,
                                            .count = COUNT(LOGNORMAL_KEYS)};

static const struct schema_key LAW_KEYS[] = {
    {.name = "weibull",
     .kind = SCHEMA_MAP,
     .inside = &WEIBULL,
     .doc = "P(longer than t) = exp(-(t/scale)^shape)",
     .example = "{ shape: 0.61, scale: 3.66 h }"},
    {.name = "exponential",
     .kind = SCHEMA_MAP,
     .inside = &EXPONENTIAL,
     .doc = "no memory: who has stayed long leaves as soon as anybody",
     .example = "{ mean: 1 h }"},
    {.name = "lognormal",
     .kind = SCHEMA_MAP,
     .inside = &LOGNORMAL,
     .doc = "the logarithm of a duration is normal",
     .example = "{ median: 30 min, sigma: 1.5 }"},
    {.name = "trace",
     .kind = SCHEMA_FILE,
     .doc = "a text file of measured durations, one per line with its unit, `#` begins a comment; "
            "each is as likely as any other",
     .example = "sessions.txt"},
};
static const struct schema_map LAW = {.doc = "how long something lasts: exactly one of the keys",
                                      .keys = LAW_KEYS,
                                      .count = COUNT(LAW_KEYS),
                                      .alternatives = COUNT(LAW_KEYS)};

static const struct schema_key CHURN_KEYS[] = {
    {.name = "session",
     .kind = SCHEMA_MAP,
     .need = NEED_REQUIRED,
     .inside = &LAW,
     .doc = "how long a host stays: exactly one of the keys inside",
     .example = "{ weibull: { shape: 0.61, scale: 3.66 h } }"},
    {.name = "downtime",
     .kind = SCHEMA_MAP,
     .inside = &LAW,
     .doc = "how long it is away; default: as `session`, so that half of the hosts are there",
     .example = "{ exponential: { mean: 2 h } }"},
    {.name = "of",
     .kind = SCHEMA_NAMES,
     .doc = "populations that come and go; default: all honest ones without the role bootstrap",
     .example = "[home, mobile]"},
    {.name = "graceful",
     .kind = SCHEMA_SHARE,
     .standard = "0%",
     .doc = "share of the sessions that end with a goodbye to the peers",
     .example = "60%"},
};
const struct schema_map SCHEMA_CHURN = {
    .doc = "hosts come and go; at the beginning as if they had done so for ever",
    .keys = CHURN_KEYS,
    .count = COUNT(CHURN_KEYS)};
