#include "stack/test/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/check.h"
#include "stack/test/lab.c"
#include "stack/test/lab_nat.c"

/* ---- the record ---- */

static struct story_entry *add(struct story *s, uint32_t host, enum story_kind kind,
                               uint32_t number)
{
    if (s->count == s->size) {
        s->size = s->size == 0 ? 1024 : 2 * s->size;
        s->entries = realloc(s->entries, s->size * sizeof *s->entries);
        CHECK(s->entries != NULL);
    }
    struct story_entry *e = &s->entries[s->count++];
    *e = (struct story_entry){
        .at = s->lab->now, .kind = kind, .number = number, .host = host, .peer = -1, .relay = -1};
    return e;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
    while (length > 0 && bytes[length - 1] == 0)
        length--;
    return length == 0;
}

static void on_fact(void *context, struct lab *l, uint32_t host, const struct mist_fact *f)
{
    struct story_entry *e = add(context, host, STORY_FACT, f->number);
    const struct mux *mux = l->hosts[host].node->mux;
    e->addr = f->addr;
    e->a = f->a;
    e->b = f->b;
    if (!is_zero(f->peer, sizeof f->peer))
        e->peer = lab_by_id(l, f->peer, sizeof f->peer);
    const struct link *relay = link_get(mux, mux_relay_of(&f->addr));
    if (relay != NULL)
        e->relay = lab_by_id(l, relay->id, WIRE_ID);
}

static void on_event(void *context, struct lab *l, uint32_t host, const struct mist_event *v)
{
    struct story_entry *e = add(context, host, STORY_EVENT, v->kind);
    e->addr = v->addr;
    e->a = v->path;
    e->b = v->reason;
    e->id = v->id;
    e->rtt = v->rtt;
    e->count = v->count;
    e->hops = v->hops;
    e->attempts = v->attempts;
    e->probes = v->probes;
    e->sockets = v->sockets;
    if (!is_zero(v->peer, sizeof v->peer))
        e->peer = lab_by_id(l, v->peer, sizeof v->peer);
    size_t n = v->length < sizeof e->text - 1 ? v->length : sizeof e->text - 1;
    bool text = v->kind != MIST_EVENT_CONNECTED && v->kind != MIST_EVENT_ACCEPTED;
    if (n > 0 && text)
        memcpy(e->text, v->bytes, n);
}

static void on_sent(void *context, struct lab *l, uint32_t host, const struct mist_datagram *d)
{
    struct story_entry *e = add(context, host, STORY_SENT, d->bytes[0]);
    e->peer = lab_by_addr(l, &d->to);
    e->a = d->length;
    e->b = d->ttl;
    e->id = d->socket;
    e->addr = d->to;
}

struct story *story_open(uint64_t seed)
{
    struct story *s = calloc(1, sizeof *s);
    CHECK(s != NULL);
    s->lab = lab_open(seed);
    s->lab->watch =
        (struct lab_watch){.context = s, .fact = on_fact, .event = on_event, .sent = on_sent};
    return s;
}

void story_close(struct story *s)
{
    lab_close(s->lab);
    free(s->entries);
    free(s);
}

/* ---- hosts ---- */

static uint32_t servers_of(const struct lab *l)
{
    uint32_t n = 0;
    while (n < l->host_count && l->hosts[n].name[0] == 's' && l->hosts[n].name[1] <= '9')
        n++;
    return n;
}

void story_start(struct story *s, uint32_t host)
{
    mist_time limit = s->lab->now + SEC(30);
    lab_start(s->lab, host, servers_of(s->lab));
    while (!s->lab->hosts[host].joined && lab_step(s->lab, limit))
        continue;
    assert_true(s->lab->hosts[host].joined);
}

void story_servers(struct story *s, uint32_t count)
{
    char name[16];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "s%u", (unsigned)(i + 1));
        lab_configure(s->lab, lab_add(s->lab, name), "reach.assume", "public");
    }
    for (uint32_t i = 0; i < count; i++)
        lab_start(s->lab, i, i);
    lab_run(s->lab, s->lab->now + SEC(10));
    for (uint32_t i = 0; i < count; i++)
        assert_true(s->lab->hosts[i].joined);
}

uint32_t story_join(struct story *s, const char *name, enum lab_mapping mapping,
                    enum lab_filtering filtering, bool random_ports)
{
    uint32_t host = lab_add(s->lab, name);
    lab_behind(s->lab, host, mapping, filtering, random_ports);
    story_start(s, host);
    return host;
}

/* ---- questions ---- */

const struct story_entry *story_find(const struct story *s, uint32_t host, enum story_kind kind,
                                     uint32_t number, mist_time from)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct story_entry *e = &s->entries[i];
        if (e->at >= from && e->host == host && e->kind == kind && e->number == number)
            return e;
    }
    return NULL;
}

uint32_t story_number(const struct story *s, uint32_t host, enum story_kind kind, uint32_t number,
                      mist_time from)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct story_entry *e = &s->entries[i];
        n += e->at >= from && e->host == host && e->kind == kind && e->number == number;
    }
    return n;
}

bool story_heard(const struct story *s, uint32_t host, const char *text, mist_time from)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct story_entry *e = &s->entries[i];
        if (e->at >= from && e->host == host && e->kind == STORY_EVENT &&
            strcmp(e->text, text) == 0)
            return true;
    }
    return false;
}

/* ---- the text ---- */

static const char *word_of(const struct mist_names *(*names)(uint32_t *), uint32_t number)
{
    uint32_t count;
    const struct mist_names *table = names(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (table[i].number == number)
            return table[i].word;
    }
    return "?";
}

static const char *name_of(const struct story *s, int host)
{
    return host < 0 ? "-" : s->lab->hosts[host].name;
}

/* Nanoseconds as milliseconds; smaller numbers are counts. */
static void print_value(FILE *out, int64_t value)
{
    if (value >= MS(1))
        fprintf(out, " %lldms", (long long)(value / MS(1)));
    else
        fprintf(out, " %lld", (long long)value);
}

static void print_event(FILE *out, const struct story *s, const struct story_entry *e)
{
    const struct mist_api *api = s->lab->api;
    fprintf(out, " %s", word_of(api->path_names, (uint32_t)e->a));
    if (e->b != 0)
        fprintf(out, " %s", word_of(api->reason_names, (uint32_t)e->b));
    if (e->rtt != 0)
        print_value(out, e->rtt);
    if (e->number == MIST_EVENT_CLOSED)
        fprintf(out, " attempts=%u probes=%u", e->attempts, e->probes);
    if (e->count != 0)
        fprintf(out, " count=%u hops=%u", e->count, e->hops);
    if (e->text[0] != '\0')
        fprintf(out, " \"%s\"", e->text);
}

static void print_entry(FILE *out, const struct story *s, mist_time from,
                        const struct story_entry *e)
{
    static const char *const types[WIRE_TYPES] = {"?",      "INIT", "COOKIE",  "OPEN",
                                                  "ACCEPT", "DATA", "DIALBACK"};
    const struct mist_api *api = s->lab->api;
    char addr[ADDR_TEXT];
    fprintf(out, "%6lld ms  %-6s", (long long)((e->at - from) / MS(1)), name_of(s, (int)e->host));
    if (e->kind == STORY_SENT) {
        fprintf(out, " sends %s to %s, %lld bytes\n", types[e->number % WIRE_TYPES],
                name_of(s, e->peer), (long long)e->a);
        return;
    }
    fprintf(out, " %s",
            word_of(e->kind == STORY_FACT ? api->fact_names : api->event_names, e->number));
    if (e->peer >= 0)
        fprintf(out, " %s", name_of(s, e->peer));
    if (e->relay >= 0)
        fprintf(out, " via %s", name_of(s, e->relay));
    else if (e->addr.family != ADDR_NONE)
        fprintf(out, " %s", addr_format(&e->addr, addr));
    if (e->kind == STORY_EVENT) {
        print_event(out, s, e);
    } else {
        print_value(out, e->a);
        print_value(out, e->b);
    }
    fputc('\n', out);
}

static char *tell(const struct story *s, mist_time from, const struct story_chosen *chosen,
                  size_t count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CHECK(out != NULL);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct story_entry *e = &s->entries[i];
        for (size_t j = 0; e->at >= from && j < count; j++) {
            if (chosen[j].kind == e->kind && chosen[j].number == e->number)
                print_entry(out, s, from, e);
        }
    }
    fclose(out);
    return text;
}

/* The file's text, empty when there is none; the caller frees it. */
static char *read_text(const char *path)
{
    char *text = calloc(1, 1 << 20);
    FILE *in = fopen(path, "r");
    CHECK(text != NULL);
    if (in != NULL) {
        text[fread(text, 1, (1 << 20) - 1, in)] = '\0';
        fclose(in);
    }
    return text;
}

void story_golden(const struct story *s, const char *name, mist_time from,
                  const struct story_chosen *chosen, size_t count)
{
    char path[256];
    const char *wish = getenv("MIST_GOLDEN");
    snprintf(path, sizeof path, "stack/test/golden/%s", name);
    char *told = tell(s, from, chosen, count);
    if (wish != NULL && strcmp(wish, "write") == 0) {
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        fputs(told, out);
        fclose(out);
    }
    char *golden = read_text(path);
    if (strcmp(told, golden) != 0)
        fprintf(stderr, "%s differs (make golden rewrites it); now:\n%s", path, told);
    assert_string_equal(told, golden);
    free(golden);
    free(told);
}
