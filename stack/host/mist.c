/* mist.c: the mist program: the protocol core as a real node.
 *
 * What happens is printed as JSON lines (lines.h) on stdout, mistakes and
 * troubles as text on stderr. */
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/host/book.h"
#include "stack/host/client.h"
#include "stack/host/control.h"
#include "stack/host/host.h"
#include "stack/host/key.h"
#include "stack/host/lines.h"
#include "stack/host/mapping.h"
#include "stack/host/options.h"
#include "stack/host/ping.h"
#include "stack/host/privileges.h"
#include "stack/host/proxy.h"
#include "stack/mist.h"

enum { EXIT_FINE = 0, EXIT_NOT_REACHED = 1, EXIT_USAGE = 2, EXIT_LACKS = 77, EXIT_SIGNAL = 130 };

#define DIALED     1      /* the connection that `dial` opens */
#define ANSWER_GAP SEC(1) /* how long `dial` waits for an answer before it sends the next */
#define PING_EVERY SEC(1) /* as ping(8) */

/* One run of the program. */
struct program {
    struct options options;
    struct host *host;
    uint8_t person[KEY_BYTES]; /* the secret; wiped when the core has it */
    struct book *book;         /* NULL: none */
    struct proxy *proxy;       /* NULL: none */
    struct control *control;   /* NULL: none */
    struct mapping *mapping;   /* NULL: none */
    const struct mist_api *api;
    void (*on_event)(struct program *p, const struct mist_event *event);
    uint32_t sent, received;
    struct ping ping;
    struct addr local[MIST_SOCKETS]; /* family ADDR_NONE: none */
    bool serves, finished;
    int exit_code;
};

/* The first reason to end decides; leaving causes events of its own. */
static void finish(struct program *p, int exit_code)
{
    if (!p->finished)
        p->exit_code = exit_code;
    p->finished = true;
    host_stop(p->host);
}

/* Says what the core refused. */
static int wish(struct program *p, const struct mist_wish *w)
{
    int answer = host_wish(p->host, w);
    if (answer) {
        uint32_t count;
        const struct mist_names *names = p->api->wish_names(&count);
        for (uint32_t i = 0; i < count; i++)
            if (names[i].number == w->kind)
                fprintf(stderr, "mist: the core refused %s: error %d\n", names[i].word, answer);
    }
    return answer;
}

static int wish_name(struct program *p, uint32_t kind, uint32_t id)
{
    const char *name = p->options.name;
    return wish(p, &(struct mist_wish){.size = sizeof(struct mist_wish),
                                       .kind = kind,
                                       .id = id,
                                       .name = (const uint8_t *)name,
                                       .name_length = (uint32_t)strlen(name)});
}

static int wish_send(struct program *p, uint32_t id, const uint8_t *bytes, uint32_t length)
{
    return wish(p, &(struct mist_wish){.size = sizeof(struct mist_wish),
                                       .kind = MIST_WISH_SEND,
                                       .id = id,
                                       .bytes = bytes,
                                       .length = length});
}

static void leave(struct program *p)
{
    host_wish(p->host,
              &(struct mist_wish){.size = sizeof(struct mist_wish), .kind = MIST_WISH_LEAVE});
}

/* ---- up ------------------------------------------------------------------ */

static void up_on_event(struct program *p, const struct mist_event *event)
{
    if (p->options.echo && event->kind == MIST_EVENT_DATAGRAM)
        wish_send(p, event->id, event->bytes, event->length);
}

/* ---- dial ---------------------------------------------------------------- */

static void dial_on_timeout(void *user)
{
    struct program *p = user;
    fprintf(stderr, "mist: %s: not reached in time\n", p->options.name);
    finish(p, EXIT_NOT_REACHED);
}

static void dial_end(struct program *p)
{
    lines_done(stdout, p->sent, p->received);
    finish(p, p->received == p->sent ? EXIT_FINE : EXIT_NOT_REACHED);
    leave(p);
}

/* Sends the next datagram; after the last one the dial is over. */
static void dial_next(void *user)
{
    struct program *p = user;
    const char *text = p->options.send;
    if (!text || p->sent == p->options.count) {
        dial_end(p);
        return;
    }
    p->sent++;
    host_alarm(p->host, ANSWER_GAP, dial_next);
    wish_send(p, DIALED, (const uint8_t *)text, (uint32_t)strlen(text));
}

static void dial_on_event(struct program *p, const struct mist_event *event)
{
    if (event->kind != MIST_EVENT_JOINED && event->id != DIALED)
        return;
    switch (event->kind) {
    case MIST_EVENT_JOINED:
        if (wish_name(p, MIST_WISH_CONNECT, DIALED))
            finish(p, EXIT_NOT_REACHED);
        break;
    case MIST_EVENT_CONNECTED: dial_next(p); break;
    case MIST_EVENT_DATAGRAM:
        p->received++;
        dial_next(p);
        break;
    case MIST_EVENT_FAILED:
    case MIST_EVENT_CLOSED: finish(p, EXIT_NOT_REACHED); break;
    default: break;
    }
}

/* ---- ping ---------------------------------------------------------------- */

static void ping_end(struct program *p)
{
    if (p->options.json)
        ping_line(&p->ping, stdout);
    else
        ping_report(&p->ping, p->options.name, stdout);
    finish(p, p->ping.received ? EXIT_FINE : EXIT_NOT_REACHED);
    leave(p);
}

static void ping_next(void *user)
{
    struct program *p = user;
    if (p->options.count && p->ping.sent == p->options.count) {
        ping_end(p);
        return;
    }
    p->ping.sent++;
    host_alarm(p->host, PING_EVERY, ping_next);
    (void)host_wish(p->host, &(struct mist_wish){.size = sizeof(struct mist_wish),
                                                 .kind = MIST_WISH_PING,
                                                 .id = DIALED}); /* refused: no answer either */
}

static const char *path_word(const struct program *p, uint32_t path)
{
    uint32_t count;
    const struct mist_names *names = p->api->path_names(&count);
    for (uint32_t i = 0; i < count; i++)
        if (names[i].number == path)
            return names[i].word;
    return "unknown";
}

static void ping_on_event(struct program *p, const struct mist_event *event)
{
    if (event->kind == MIST_EVENT_JOINED && wish_name(p, MIST_WISH_CONNECT, DIALED))
        finish(p, EXIT_NOT_REACHED);
    if (event->id != DIALED)
        return;
    switch (event->kind) {
    case MIST_EVENT_CONNECTED: ping_next(p); break;
    case MIST_EVENT_PONG:
        ping_count(&p->ping, event->rtt);
        if (!p->options.json)
            ping_answer(&p->ping, p->options.name, path_word(p, event->path), stdout);
        break;
    case MIST_EVENT_FAILED:
        fprintf(stderr, "mist: %s: not reached\n", p->options.name);
        finish(p, EXIT_NOT_REACHED);
        break;
    case MIST_EVENT_CLOSED: ping_end(p); break;
    default: break;
    }
}

/* ---- proxy, serve -------------------------------------------------------- */

static void proxy_on_event(struct program *p, const struct mist_event *event)
{
    if (p->proxy)
        (void)proxy_event(p->proxy, event);
}

static void begin_proxy(struct program *p)
{
    char error[256];
    p->proxy = proxy_call(p->host, &p->options.proxy, p->options.name, error, sizeof error);
    if (!p->proxy) {
        fprintf(stderr, "mist: %s\n", error);
        finish(p, EXIT_LACKS);
        return;
    }
    lines_proxy(stdout, p->options.name, &p->options.proxy);
}

static void begin_serve(struct program *p)
{
    p->proxy = proxy_serve(p->host, &p->options.proxy);
    wish_name(p, MIST_WISH_NAME, 0);
}

/* ---- what all have in common -------------------------------------------- */

static bool is_quiet(const struct program *p)
{
    return p->on_event == ping_on_event && !p->options.json;
}

static void on_event(void *user, const struct mist_event *event)
{
    struct program *p = user;
    if (!is_quiet(p) && (!p->proxy || event->kind != MIST_EVENT_DATAGRAM)) /* not for the screen */
        lines_event(stdout, p->api, event);
    if (p->control && (!p->proxy || event->kind != MIST_EVENT_DATAGRAM))
        control_event(p->control, event);
    if (!p->finished)
        p->on_event(p, event);
}

static void on_fact(void *user, const struct mist_fact *fact)
{
    const struct program *p = user;
    lines_fact(stdout, p->api, fact);
}

static void on_opened(void *user, uint32_t socket, const struct addr *local)
{
    struct program *p = user;
    if (socket > MIST_SOCKETS) /* the others come and go */
        return;
    p->local[socket - 1] = *local;
    if (p->mapping && socket == 1)
        mapping_socket(p->mapping, local);
    if (p->serves && !is_quiet(p))
        lines_listening(stdout, socket, local);
}

/* Whoever reads that this node listens may ask it, too. */
static void announce(struct program *p)
{
    p->serves = true;
    for (uint32_t i = 0; i < MIST_SOCKETS; i++)
        if (p->local[i].family != ADDR_NONE && !is_quiet(p))
            lines_listening(stdout, i + 1, &p->local[i]);
}

/* A core may want families that this machine or --listen does not give; only
 * an address that was asked for must be had. */
static void on_failed(void *user, uint32_t socket, const struct addr *wanted, const char *why)
{
    struct program *p = user;
    char text[ADDR_TEXT];
    (void)socket;
    if (wanted->family == ADDR_NONE)
        return;
    fprintf(stderr, "mist: cannot listen on %s: %s\n", addr_format(wanted, text), why);
    if (p->options.listen_count)
        finish(p, EXIT_LACKS);
}

static void on_signal(void *user, int signal)
{
    struct program *p = user;
    if (p->on_event == ping_on_event && p->ping.sent) {
        ping_end(p);
        return;
    }
    finish(p, signal == SIGINT ? EXIT_SIGNAL : EXIT_FINE);
    leave(p);
}

/* The families of the addresses that the user gave; NULL: leaves it to the core. */
static const char *families(const struct options *o)
{
    uint32_t v6 = 0, all = o->listen_count + o->bootstrap_count;
    for (uint32_t i = 0; i < o->listen_count; i++)
        v6 += o->listen[i].family == ADDR_V6;
    for (uint32_t i = 0; i < o->bootstrap_count; i++)
        v6 += o->bootstrap[i].family == ADDR_V6;
    return all == 0 ? NULL : v6 == 0 ? "4" : v6 == all ? "6" : "both";
}

/* Returns 0, or the exit code after saying what is wrong. */
static int configure(const struct mist_api *api, const struct options *o, void *config)
{
    const char *family = families(o);
    api->config_init(config);
    if (family)
        api->config_set(config, "socket.family", family);
    for (uint32_t i = 0; i < o->setting_count; i++) {
        const struct options_setting *s = &o->settings[i];
        if (strcmp(s->key, "crypto") == 0 && strcmp(s->value, "real") != 0) {
            fprintf(stderr, "mist: crypto=%s: protects nothing; it is for simulations only\n",
                    s->value);
            return EXIT_USAGE;
        }
        int answer = api->config_set(config, s->key, s->value);
        if (answer) {
            fprintf(stderr, "mist: %s=%s: %s\n", s->key, s->value,
                    answer == MIST_ERR_KEY ? "no such setting" : "the setting takes no such value");
            return EXIT_USAGE;
        }
    }
    return 0;
}

/* The person of the key file, behind a transport key that nobody has seen before. */
static int open_host(struct program *p, const void *config)
{
    uint8_t transport[KEY_BYTES];
    char error[256];
    if (key_load(p->options.key_file, p->person, error, sizeof error)) {
        fprintf(stderr, "mist: %s\n", error);
        return -1;
    }
    randombytes_buf(transport, sizeof transport);
    p->host = host_open(&(struct host_options){.api = p->api,
                                               .config = config,
                                               .secret = transport,
                                               .listen = p->options.listen,
                                               .listen_count = p->options.listen_count,
                                               .book = p->book,
                                               .calls = {.user = p,
                                                         .event = on_event,
                                                         .opened = on_opened,
                                                         .failed = on_failed,
                                                         .fact = p->options.log ? on_fact : NULL}});
    sodium_memzero(transport, sizeof transport);
    if (!p->host)
        fprintf(stderr, "mist: no memory, or no randomness, for a node\n");
    return p->host ? 0 : -1;
}

static void identify(struct program *p)
{
    wish(p, &(struct mist_wish){.size = sizeof(struct mist_wish),
                                .kind = MIST_WISH_IDENTITY,
                                .bytes = p->person,
                                .length = sizeof p->person});
    sodium_memzero(p->person, sizeof p->person);
}

static void bootstrap(struct program *p)
{
    for (uint32_t i = 0; i < p->options.bootstrap_count; i++)
        wish(p, &(struct mist_wish){.size = sizeof(struct mist_wish),
                                    .kind = MIST_WISH_BOOTSTRAP,
                                    .addr = p->options.bootstrap[i]});
}

static void open_control(struct program *p)
{
    char error[256];
    const char *path = p->options.control;
    p->control = path ? control_open(p->host, p->api, path, error, sizeof error) : NULL;
    if (path && !p->control) {
        fprintf(stderr, "mist: %s\n", error);
        finish(p, EXIT_LACKS);
    }
}

/* With its sockets bound, whose ports may be root's. */
static void drop_privileges(struct program *p)
{
    char error[256];
    if (privileges_drop(p->options.user, error, sizeof error)) {
        fprintf(stderr, "mist: %s\n", error);
        finish(p, EXIT_LACKS);
    }
}

static void open_mapping(struct program *p)
{
    p->mapping = p->options.map ? mapping_open(p->host) : NULL;
    if (p->mapping)
        mapping_socket(p->mapping, &p->local[0]);
}

static int run_node(struct program *p, void (*begin)(struct program *p))
{
    p->api = mist_api();
    void *config = calloc(1, p->api->config_size);
    int answer = config ? configure(p->api, &p->options, config) : EXIT_LACKS;
    if (!answer && p->options.book_file && !(p->book = book_open(p->options.book_file, stderr)))
        answer = EXIT_USAGE;
    if (!answer)
        answer = open_host(p, config) ? EXIT_LACKS : 0;
    free(config);
    if (answer)
        return answer;
    host_on_signal(p->host, on_signal);
    identify(p);
    drop_privileges(p);
    open_control(p);
    announce(p);
    open_mapping(p);
    bootstrap(p);
    begin(p);
    if (!p->finished)
        host_run(p->host);
    if (p->control)
        control_close(p->control);
    if (p->proxy)
        proxy_close(p->proxy);
    if (p->mapping)
        mapping_close(p->mapping);
    host_close(p->host);
    if (p->book)
        book_close(p->book);
    return p->exit_code;
}

/* ---- the commands -------------------------------------------------------- */

static int run_id(struct program *p)
{
    uint8_t secret[KEY_BYTES], id[MIST_ID];
    char error[256], text[2 * MIST_ID + 1];
    if (key_load(p->options.key_file, secret, error, sizeof error)) {
        fprintf(stderr, "mist: %s\n", error);
        return EXIT_LACKS;
    }
    key_id(secret, id);
    sodium_memzero(secret, sizeof secret);
    puts(sodium_bin2hex(text, sizeof text, id, sizeof id));
    return EXIT_FINE;
}

static void begin_up(struct program *p)
{
    if (p->options.name)
        wish_name(p, MIST_WISH_NAME, 0);
}

static int run_up(struct program *p)
{
    p->on_event = up_on_event;
    return run_node(p, begin_up);
}

static void begin_dial(struct program *p)
{
    host_alarm(p->host, p->options.timeout, dial_on_timeout);
}

static int run_dial(struct program *p)
{
    if (!p->options.name || !p->options.bootstrap_count) {
        fprintf(stderr, "mist: dial needs a name and --bootstrap ADDR\n");
        return EXIT_USAGE;
    }
    p->on_event = dial_on_event;
    return run_node(p, begin_dial);
}

static int run_ping(struct program *p)
{
    if (!p->options.name || !p->options.bootstrap_count) {
        fprintf(stderr, "mist: ping needs a name and --bootstrap ADDR\n");
        return EXIT_USAGE;
    }
    p->on_event = ping_on_event;
    return run_node(p, begin_dial);
}

static int run_proxy(struct program *p)
{
    if (!p->options.name || !p->options.bootstrap_count) {
        fprintf(stderr, "mist: proxy needs a name and --bootstrap ADDR\n");
        return EXIT_USAGE;
    }
    p->on_event = proxy_on_event;
    return run_node(p, begin_proxy);
}

static int run_serve(struct program *p)
{
    if (!p->options.name || p->options.proxy.port == 0) {
        fprintf(stderr, "mist: serve needs --name NAME and --to ADDR\n");
        return EXIT_USAGE;
    }
    p->on_event = proxy_on_event;
    return run_node(p, begin_serve);
}

/* ---- asking a running node ----------------------------------------------- */

static int run_status(struct program *p)
{
    return client_status(p->options.control, p->options.timeout);
}

static int run_publish(struct program *p)
{
    return client_publish(p->options.control, p->options.name, p->options.send, p->options.timeout);
}

static int run_subscribe(struct program *p)
{
    return client_subscribe(p->options.control, p->options.name, p->options.count,
                            p->options.timeout);
}

static const struct command {
    const char *name, *operand;
    enum options_command bit;
    int (*run)(struct program *p);
    const char *help;
} commands[] = {
    {"id", "", COMMAND_ID, run_id, "print your id"},
    {"up", "", COMMAND_UP, run_up, "be a node, until SIGTERM or SIGINT"},
    {"dial", " NAME", COMMAND_DIAL, run_dial, "reach NAME, send, print what comes back"},
    {"ping", " NAME", COMMAND_PING, run_ping, "how long NAME takes to answer, and by which path"},
    {"proxy", " NAME", COMMAND_PROXY, run_proxy,
     "a local UDP port that reaches NAME, for any UDP program"},
    {"serve", "", COMMAND_SERVE, run_serve, "let others reach a local UDP program by name"},
    {"status", "", COMMAND_STATUS, run_status, "peers, paths, NAT and traffic of a running node"},
    {"publish", " NAME", COMMAND_PUBLISH, run_publish, "publish on NAME through a running node"},
    {"subscribe", " NAME", COMMAND_SUBSCRIBE, run_subscribe,
     "print what is published on NAME, through a running node"},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static int usage(FILE *out, int exit_code)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "mist %s%s [options]: %s\n", commands[i].name, commands[i].operand,
                commands[i].help);
        options_help(out, commands[i].bit);
    }
    return exit_code;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr, EXIT_USAGE);
    if (strcmp(argv[1], "--help") == 0)
        return usage(stdout, EXIT_FINE);
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        struct program program = {.exit_code = EXIT_FINE};
        int answer = options_read(&program.options, commands[i].bit, argc - 1, argv + 1);
        if (answer)
            return answer == 1 ? EXIT_FINE : EXIT_USAGE;
        if (sodium_init() < 0)
            return EXIT_LACKS;
        signal(SIGPIPE, SIG_IGN); /* who no longer reads is no reason to end */
        return commands[i].run(&program);
    }
    fprintf(stderr, "mist: no such command: %s\n", argv[1]);
    return usage(stderr, EXIT_USAGE);
}
