/* probe_report.c: see probe_report.h. */
#include "sim/probe_report.h"

#include "stack/check.h"

/* In the order of their enums; NULL: not known. */
static const char *const MAPPING[] = {NULL, "blocked", "none", "eim", "adm", "apdm"};
static const char *const FILTERING[] = {NULL, "eif", "adf", "apdf"};
static const char *const PORTS[] = {NULL, "none", "preserve", "sequential", "random", "block"};
static const char *const HAIRPIN[] = {NULL, "off", "external", "internal"};
static const char *const POOLING[] = {NULL, "none", "paired", "arbitrary"};
static const char *const EARLY[] = {NULL, "kept", "moved"};
static const char *const SHARED[] = {NULL, "no", "yes"};
static const char *const CLASH[] = {NULL, "next", "random", "cuts"};
static const char *const AFTER[] = {NULL, "stays", "returns", "changes"};

static const char *const NAMES[PROBE_KEYS] = {
    [PROBE_KEY_MAPPING] = "mapping",
    [PROBE_KEY_FILTERING] = "filtering",
    [PROBE_KEY_PORTS] = "ports",
    [PROBE_KEY_HAIRPIN] = "hairpin",
    [PROBE_KEY_UNREPLIED] = "udp_unreplied_s",
    [PROBE_KEY_ESTABLISHED] = "udp_established_s",
    [PROBE_KEY_POOLING] = "pooling",
    [PROBE_KEY_DELTA] = "delta",
    [PROBE_KEY_BLOCK] = "block",
    [PROBE_KEY_EARLY] = "after_early_inbound",
    [PROBE_KEY_SHARED] = "shared_port",
    [PROBE_KEY_CLASH] = "on_clash",
    [PROBE_KEY_AFTER_CLASH] = "after_clash",
    [PROBE_KEY_FLOWS] = "flows_granted",
    [PROBE_KEY_FLOWS_OF] = "flows_limited_by",
    [PROBE_KEY_ADDRESSES] = "addresses",
    [PROBE_KEY_LOW] = "lowest_port",
    [PROBE_KEY_HIGH] = "highest_port",
};

const char *probe_key_name(enum probe_key key)
{
    CHECK((unsigned)key < PROBE_KEYS);
    return NAMES[key];
}

static const char *number(int64_t value, char buffer[PROBE_VALUE])
{
    (void)snprintf(buffer, PROBE_VALUE, "%lld", (long long)value);
    return buffer;
}

static const char *counted(int64_t value, char buffer[PROBE_VALUE])
{
    return value > 0 ? number(value, buffer) : NULL;
}

static const char *seconds(int32_t value, char buffer[PROBE_VALUE])
{
    return value >= 0 ? number(value, buffer) : NULL;
}

static const char *flows_of(const struct probe_report *r)
{
    if (r->flows == 0 || !r->flows_refused)
        return NULL;
    return r->flows_of_box ? "box" : "host";
}

const char *probe_value(const struct probe_report *r, enum probe_key key, char buffer[PROBE_VALUE])
{
    switch (key) {
    case PROBE_KEY_MAPPING: return MAPPING[r->mapping];
    case PROBE_KEY_FILTERING: return FILTERING[r->filtering];
    case PROBE_KEY_PORTS: return PORTS[r->ports];
    case PROBE_KEY_HAIRPIN: return HAIRPIN[r->hairpin];
    case PROBE_KEY_UNREPLIED: return seconds(r->unreplied_s, buffer);
    case PROBE_KEY_ESTABLISHED: return seconds(r->established_s, buffer);
    case PROBE_KEY_POOLING: return POOLING[r->pooling];
    case PROBE_KEY_DELTA: return r->delta ? number(r->delta, buffer) : NULL;
    case PROBE_KEY_BLOCK: return counted(r->block, buffer);
    case PROBE_KEY_EARLY: return EARLY[r->early];
    case PROBE_KEY_SHARED: return SHARED[r->shared];
    case PROBE_KEY_CLASH: return CLASH[r->clash];
    case PROBE_KEY_AFTER_CLASH: return AFTER[r->after_clash];
    case PROBE_KEY_FLOWS: return counted(r->flows, buffer);
    case PROBE_KEY_FLOWS_OF: return flows_of(r);
    case PROBE_KEY_ADDRESSES: return counted(r->addresses, buffer);
    case PROBE_KEY_LOW: return counted(r->low, buffer);
    case PROBE_KEY_HIGH: return counted(r->high, buffer);
    case PROBE_KEYS: break;
    }
    CHECK(false);
    return NULL;
}

void probe_report_json(const struct probe_report *report, FILE *out)
{
    for (int key = 0; key < PROBE_KEYS; key++) {
        char buffer[PROBE_VALUE];
        const char *value = probe_value(report, (enum probe_key)key, buffer);
        const char *quote = !value || value == buffer ? "" : "\"";
        fprintf(out, "%s\"%s\": %s%s%s", key ? ", " : "", NAMES[key], quote, value ? value : "null",
                quote);
    }
}
