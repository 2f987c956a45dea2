/* node.c: a node of the kernel world: a `mist` process on its host. */
#define _DEFAULT_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/exit.h"
#include "sim/netns/parts.h"
#include "sim/netns/speech.h"
#include "stack/check.h"

#define WORDS   64 /* of its command line, settings apart */
#define LOOK_MS 20
#define LOOKS   100 /* for an answer: two seconds, on a busy machine */

/* ---- its beginning ---- */

/* A command line under construction; the texts are malloc'd. */
struct command {
    uint32_t count, room;
    char **words;
};

static void add(struct command *c, const char *word)
{
    if (c->count + 1 >= c->room) {
        c->room += WORDS;
        c->words = realloc(c->words, c->room * sizeof *c->words);
        CHECK(c->words);
    }
    c->words[c->count] = strdup(word);
    CHECK(c->words[c->count]);
    c->words[++c->count] = NULL;
}

static void add_address(struct command *c, const char *option, const struct addr *a)
{
    char text[ADDR_TEXT];
    add(c, option);
    add(c, addr_format(a, text));
}

static void add_setting(struct command *c, const char *key, const char *value)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "%s=%s", key, value);
    add(c, "--set");
    add(c, text);
}

/* The same as a simulated node is told. */
static void compose(struct command *c, const struct world *w, uint32_t host)
{
    const struct plan_population *group = &w->plan->populations[w->plan->hosts[host].population];
    struct addr told[WORLD_BOOTSTRAP];
    char name[MIST_NAME];
    uint32_t count = world_bootstrap(w, host, told);
    (void)world_name(w, host, name, sizeof name);
    add(c, w->netns->mist);
    add(c, "up");
    add(c, "--control");
    add(c, "-");
    add(c, "--name");
    add(c, name);
    add_address(c, "--listen", &w->hosts[host].addr);
    for (uint32_t i = 0; i < count; i++)
        add_address(c, "--bootstrap", &told[i]);
    if (group->bootstrap || group->relay)
        add_setting(c, "size", "server");
    if (group->bootstrap)
        add_setting(c, "reach.assume", "public");
    for (uint32_t i = 0; i < group->settings_count; i++)
        add_setting(c, group->settings[i].key, group->settings[i].value);
}

static int be_mist(const void *data)
{
    const struct command *c = data;
    (void)execv(c->words[0], c->words);
    printf("%s: cannot be run\n", c->words[0]);
    return 127;
}

void node_start(struct world *w, mist_time now, uint32_t host)
{
    struct node *n = &w->netns->nodes[host];
    struct command c = {.count = 0};
    (void)now;
    compose(&c, w, host);
    n->world = w;
    n->host = host;
    w->hosts[host].sessions++;
    n->asked_count = 0;
    n->told = true;
    *n->complaint = '\0';
    memset(n->counters, 0, sizeof n->counters);
    int code = child_start(&n->process, w->netns->host_spaces[host], be_mist, &c);
    CHECK(code == 0);
    for (uint32_t i = 0; i < c.count; i++)
        free(c.words[i]);
    free(c.words);
    w->hosts[host].runs = true;
    world_alarm(w, host);
}

/* ---- what it is told ---- */

static void remember(struct node *n, const struct mist_wish *wish)
{
    if (n->asked_count == n->asked_room) {
        n->asked_room = n->asked_room ? 2 * n->asked_room : 16;
        n->asked = realloc(n->asked, n->asked_room * sizeof *n->asked);
        CHECK(n->asked);
    }
    n->asked[n->asked_count++] = (struct asked){wish->kind, wish->id};
}

static void settle(struct world *w, uint32_t host);
static void ask_status(struct world *w, uint32_t host);

int node_wish(struct world *w, mist_time now, uint32_t host, const struct mist_wish *wish)
{
    struct node *n = &w->netns->nodes[host];
    char line[SPEECH_LINE];
    (void)now;
    if (n->process.process == 0)
        return MIST_ERR_STATE;
    if (wish->kind == MIST_WISH_LEAVE) { /* which mist does by itself, and then is gone */
        ask_status(w, host);
        child_stop(&n->process, SIGTERM);
        return MIST_OK;
    }
    size_t length = speech_wish(w->hosts[host].core->api, wish, line);
    if (child_say(&n->process, line, length) != 0)
        return MIST_ERR_STATE;
    remember(n, wish);
    if (wish->kind == MIST_WISH_CLOSE) /* the connection's tallies come before the answer */
        settle(w, host);
    return MIST_OK;
}

/* ---- what it tells ---- */

static void answered(struct node *n, mist_time now, bool ok)
{
    if (n->asked_count == 0)
        return;
    struct asked first = n->asked[0];
    n->asked_count--;
    memmove(n->asked, n->asked + 1, n->asked_count * sizeof *n->asked);
    if (ok || first.kind != MIST_WISH_CONNECT)
        return;
    struct mist_event refused = {.size = sizeof refused,
                                 .kind = MIST_EVENT_FAILED,
                                 .id = first.id,
                                 .reason = MIST_REASON_REFUSED};
    world_event(n->world, now, n->host, &refused);
}

static void on_line(void *data, const char *text, size_t length)
{
    static struct speech s; /* one thread, and events are used up before the next line */
    struct node *n = data;
    struct world *w = n->world;
    mist_time now = w->type->now(w->engine);
    speech_read(w->hosts[n->host].core->api, text, length, &s);
    switch (s.kind) {
    case SPEECH_EVENT: world_event(w, now, n->host, &s.event); break;
    case SPEECH_ANSWER: answered(n, now, s.ok); break;
    case SPEECH_STATUS:
        memcpy(n->counters, s.counters, sizeof n->counters);
        n->told = true;
        break;
    case SPEECH_OTHER:
        if (length > 0 && *text != '{')
            (void)snprintf(n->complaint, sizeof n->complaint, "%.*s", (int)length, text);
    }
}

/* A node never ends by itself: what it broke is told, and no result comes of the run. */
_Noreturn static void tell_death(const struct world *w, const struct node *n)
{
    char name[MIST_NAME];
    (void)world_name(w, n->host, name, sizeof name);
    fprintf(stderr, "mistsim: the process of node %s ended by itself, %.3f s into the run: %s\n",
            name, (double)w->type->now(w->engine) / 1e9,
            *n->complaint ? n->complaint : "it said nothing");
    _exit(EXIT_BROKEN);
}

void node_listen(struct world *w, uint32_t host)
{
    struct node *n = &w->netns->nodes[host];
    if (n->process.process == 0)
        return;
    int gone = child_listen(&n->process, on_line, n);
    if (gone)
        tell_death(w, n);
    world_alarm(w, host);
}

/* Listens until all that it was asked is answered, its status included. */
static void settle(struct world *w, uint32_t host)
{
    struct node *n = &w->netns->nodes[host];
    for (int i = 0; i < LOOKS && (n->asked_count > 0 || !n->told); i++) {
        struct pollfd out = {.fd = n->process.out, .events = POLLIN};
        (void)poll(&out, 1, LOOK_MS);
        node_listen(w, host);
    }
}

static void ask_status(struct world *w, uint32_t host)
{
    static const char question[] = "{\"ask\":\"status\"}\n";
    struct node *n = &w->netns->nodes[host];
    if (n->process.process == 0 || child_say(&n->process, question, sizeof question - 1) != 0)
        return;
    n->told = false;
    settle(w, host);
}

void node_count(struct world *w, uint32_t host, struct mist_counter counters[MIST_KIND_COUNT])
{
    struct node *n = &w->netns->nodes[host];
    ask_status(w, host);
    memcpy(counters, n->counters, sizeof n->counters);
}

/* ---- its end ---- */

void node_stop(struct world *w, uint32_t host)
{
    child_stop(&w->netns->nodes[host].process, SIGKILL);
    world_gone(w, host);
}
