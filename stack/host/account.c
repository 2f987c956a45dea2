/* account.c: see account.h. */
#include "stack/host/account.h"

#include <inttypes.h>
#include <string.h>

enum fact_number {
#define X(number, NAME, doc) FACT_##NAME = number,
#include "stack/facts.def"
#undef X
};

/* ---- connections ---- */

static struct account_connection *connection(struct account *a, uint32_t id)
{
    for (uint32_t i = 0; i < a->connection_count; i++)
        if (a->connections[i].id == id)
            return &a->connections[i];
    return NULL;
}

static void begin_connection(struct account *a, mist_time now, const struct mist_event *e)
{
    struct account_connection *c = connection(a, e->id);
    if (!c)
        c = connection(a, 0);
    if (!c && a->connection_count < ACCOUNT_CONNECTIONS)
        c = &a->connections[a->connection_count++];
    if (!c)
        return;
    *c = (struct account_connection){.id = e->id,
                                     .path = e->path,
                                     .rtt = e->rtt,
                                     .accepted = e->kind == MIST_EVENT_ACCEPTED,
                                     .since = now};
    memcpy(c->peer, e->peer, sizeof c->peer);
    if (e->length == sizeof c->person)
        memcpy(c->person, e->bytes, sizeof c->person);
}

static void change_connection(struct account_connection *c, const struct mist_event *e)
{
    c->path = e->path;
    if (e->rtt)
        c->rtt = e->rtt;
}

static void keep_nature(struct account *a, const struct mist_event *e)
{
    size_t length = e->length < sizeof a->nature ? e->length : sizeof a->nature - 1;
    for (size_t i = 0; i < length; i++) /* it comes from the core, and stays printable */
        a->nature[i] = (char)(e->bytes[i] < 0x20 || e->bytes[i] > 0x7e || e->bytes[i] == '"' ||
                                      e->bytes[i] == '\\'
                                  ? '?'
                                  : e->bytes[i]);
    a->nature[length] = 0;
}

void account_event(struct account *a, mist_time now, const struct mist_event *e)
{
    struct account_connection *c = e->id ? connection(a, e->id) : NULL;
    switch (e->kind) {
    case MIST_EVENT_CONNECTED:
    case MIST_EVENT_ACCEPTED: begin_connection(a, now, e); break;
    case MIST_EVENT_NATURE: keep_nature(a, e); break;
    case MIST_EVENT_PATH:
    case MIST_EVENT_PONG:
        if (c)
            change_connection(c, e);
        break;
    case MIST_EVENT_CLOSED:
    case MIST_EVENT_FAILED:
        if (c)
            c->id = 0;
        break;
    default: break;
    }
}

/* ---- peers ---- */

static struct account_peer *peer(struct account *a, const uint8_t id[8])
{
    for (uint32_t i = 0; i < a->peer_count; i++)
        if (memcmp(a->peers[i].id, id, sizeof a->peers[i].id) == 0)
            return &a->peers[i];
    return NULL;
}

static void begin_peer(struct account *a, mist_time now, const struct mist_fact *f)
{
    static const uint8_t nobody[8];
    struct account_peer *p = peer(a, f->peer);
    if (!p)
        p = peer(a, nobody);
    if (!p && a->peer_count < ACCOUNT_PEERS)
        p = &a->peers[a->peer_count++];
    if (!p)
        return;
    *p = (struct account_peer){.addr = f->addr, .since = now};
    memcpy(p->id, f->peer, sizeof p->id);
}

void account_fact(struct account *a, mist_time now, const struct mist_fact *f)
{
    struct account_peer *p = peer(a, f->peer);
    switch (f->number) {
    case FACT_LINK_UP: begin_peer(a, now, f); break;
    case FACT_LINK_DOWN:
        if (p)
            memset(p->id, 0, sizeof p->id);
        break;
    case FACT_PATH_CHANGED:
        if (p)
            p->addr = f->addr;
        break;
    case FACT_REACHABLE:
        a->decided = true;
        a->reachable = f->a == 1;
        break;
    case FACT_SEEN_AT: a->seen = f->addr; break;
    case FACT_PORT_MAPPED: a->mapped = f->addr; break;
    default: break;
    }
}

/* ---- printing ---- */

static void print_hex(FILE *out, const char *field, const uint8_t *bytes, size_t length)
{
    fprintf(out, ",\"%s\":\"", field);
    for (size_t i = 0; i < length; i++)
        fprintf(out, "%02x", bytes[i]);
    fputc('"', out);
}

static void print_address(FILE *out, const char *field, const struct addr *a)
{
    char text[ADDR_TEXT];
    if (a->family == ADDR_V4 || a->family == ADDR_V6)
        fprintf(out, ",\"%s\":\"%s\"", field, addr_format(a, text));
}

static const char *path_word(const struct mist_api *api, uint32_t path)
{
    uint32_t count;
    const struct mist_names *names = api->path_names(&count);
    for (uint32_t i = 0; i < count; i++)
        if (names[i].number == path)
            return names[i].word;
    return "unknown";
}

static void print_connection(const struct account_connection *c, mist_time now,
                             const struct mist_api *api, FILE *out)
{
    fprintf(out, "{\"id\":%" PRIu32 ",\"from\":\"%s\",\"path\":\"%s\",\"rtt_ns\":%" PRId64, c->id,
            c->accepted ? "peer" : "here", path_word(api, c->path), c->rtt);
    fprintf(out, ",\"for_s\":%" PRId64, (now - c->since) / SEC(1));
    print_hex(out, "person", c->person, sizeof c->person);
    print_hex(out, "peer", c->peer, sizeof c->peer);
    fputc('}', out);
}

static void print_peer(const struct account_peer *p, mist_time now, FILE *out)
{
    fprintf(out, "{\"for_s\":%" PRId64, (now - p->since) / SEC(1));
    print_hex(out, "peer", p->id, sizeof p->id);
    print_address(out, "addr", &p->addr); /* none: through a relay */
    fputc('}', out);
}

void account_print(const struct account *a, mist_time now, const struct mist_api *api, FILE *out)
{
    static const uint8_t nobody[8];
    const char *separator = "";
    fprintf(out, "\"nat\":{\"reachable\":%s",
            !a->decided    ? "null"
            : a->reachable ? "true"
                           : "false");
    print_address(out, "seen", &a->seen);
    print_address(out, "mapped", &a->mapped);
    if (a->nature[0])
        fprintf(out, ",\"nature\":\"%s\"", a->nature);
    fputs("},\"connections\":[", out);
    for (uint32_t i = 0; i < a->connection_count; i++)
        if (a->connections[i].id) {
            fputs(separator, out);
            print_connection(&a->connections[i], now, api, out);
            separator = ",";
        }
    fputs("],\"peers\":[", out);
    separator = "";
    for (uint32_t i = 0; i < a->peer_count; i++)
        if (memcmp(a->peers[i].id, nobody, sizeof nobody) != 0) {
            fputs(separator, out);
            print_peer(&a->peers[i], now, out);
            separator = ",";
        }
    fputc(']', out);
}

void account_traffic(const struct mist_api *api, const struct mist *node, FILE *out)
{
    struct mist_counter counters[MIST_KIND_COUNT];
    uint32_t count;
    const struct mist_names *names = api->kind_names(&count);
    api->counters(node, counters);
    fputs("\"traffic\":{", out);
    for (uint32_t i = 0; i < count && i < MIST_KIND_COUNT; i++) {
        const struct mist_counter *c = &counters[names[i].number];
        fprintf(out,
                "%s\"%s\":{\"packets_out\":%" PRIu64 ",\"bytes_out\":%" PRIu64
                ",\"packets_in\":%" PRIu64 ",\"bytes_in\":%" PRIu64 "}",
                i ? "," : "", names[i].word, c->packets_out, c->bytes_out, c->packets_in,
                c->bytes_in);
    }
    fputs("}", out);
}

void account_kernel(const struct sending_tally *t, uint64_t overruns, FILE *out)
{
    fprintf(out,
            "\"kernel\":{\"sent\":%" PRIu64 ",\"calls\":%" PRIu64 ",\"waits\":%" PRIu64
            ",\"refused\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"overruns\":%" PRIu64 "}",
            t->sent, t->calls, t->waits, t->refused, t->dropped, overruns);
}
