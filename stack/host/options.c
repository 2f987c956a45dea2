/* options.c: see options.h. */
#include "stack/host/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX   100000
#define TIMEOUT_MAX 86400 /* seconds */

/* Each takes its argument (NULL: the option has none) and returns what was
 * expected instead, or NULL. */
typedef const char *(*take)(struct options *o, char *argument);

static const char *take_name(struct options *o, char *argument)
{
    o->name = argument;
    size_t length = strlen(argument);
    return length > 0 && length <= MIST_NAME ? NULL : "1 to 255 bytes";
}

static const char *take_control(struct options *o, char *argument)
{
    o->control = argument;
    return *argument ? NULL : "a path";
}

static const char *take_key(struct options *o, char *argument)
{
    o->key_file = argument;
    return NULL;
}

static const char *take_book(struct options *o, char *argument)
{
    o->book_file = argument;
    return NULL;
}

static const char *take_bootstrap(struct options *o, char *argument)
{
    if (o->bootstrap_count == OPTIONS_BOOTSTRAP)
        return "at most 16 of them";
    struct addr *a = &o->bootstrap[o->bootstrap_count];
    if (addr_parse(a, argument) || a->port == 0)
        return "an address and port, as 192.0.2.1:4000 or [2001:db8::1]:4000";
    o->bootstrap_count++;
    return NULL;
}

static const char *take_listen(struct options *o, char *argument)
{
    if (o->listen_count == HOST_LISTEN)
        return "at most 4 of them";
    if (addr_parse(&o->listen[o->listen_count], argument))
        return "an address, as 0.0.0.0:4000 or [::]:4000";
    o->listen_count++;
    return NULL;
}

/* What speaks to the proxy is a program of this machine. */
static const char *take_proxy(struct options *o, char *argument)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    struct addr *a = &o->proxy;
    bool read = addr_parse(a, argument) == 0;
    bool local = a->family == ADDR_V4 ? a->ip[0] == 127 : memcmp(a->ip, loopback6, 16) == 0;
    return read && local ? NULL : "a loopback address, as 127.0.0.1:5353 or [::1]:5353";
}

static const char *take_to(struct options *o, char *argument)
{
    return addr_parse(&o->proxy, argument) == 0 && o->proxy.port ? NULL
                                                                 : "an address, as 127.0.0.1:53";
}

static const char *add_setting(struct options *o, const char *key, const char *value)
{
    if (o->setting_count == OPTIONS_SETTINGS)
        return "at most 32 of them";
    o->settings[o->setting_count++] = (struct options_setting){key, value};
    return NULL;
}

static const char *take_setting(struct options *o, char *argument)
{
    char *equals = strchr(argument, '=');
    if (!equals)
        return "KEY=VALUE";
    *equals = 0;
    return add_setting(o, argument, equals + 1);
}

static const char *take_public(struct options *o, char *argument)
{
    (void)argument;
    return add_setting(o, "reach.assume", "public");
}

static const char *take_echo(struct options *o, char *argument)
{
    (void)argument;
    o->echo = true;
    return NULL;
}

static const char *take_map(struct options *o, char *argument)
{
    (void)argument;
    o->map = true;
    return NULL;
}

static const char *take_log(struct options *o, char *argument)
{
    (void)argument;
    o->log = true;
    return NULL;
}

static const char *take_json(struct options *o, char *argument)
{
    (void)argument;
    o->json = true;
    return NULL;
}

static const char *take_user(struct options *o, char *argument)
{
    o->user = argument;
    return *argument ? NULL : "a user's name";
}

static const char *take_send(struct options *o, char *argument)
{
    o->send = argument;
    size_t length = strlen(argument);
    return length > 0 && length <= MIST_PAYLOAD ? NULL : "1 to 1150 bytes";
}

static bool number(const char *text, uint32_t most, uint32_t *value)
{
    char *end;
    errno = 0;
    unsigned long read = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || read == 0 || read > most)
        return false;
    *value = (uint32_t)read;
    return true;
}

static const char *take_count(struct options *o, char *argument)
{
    return number(argument, COUNT_MAX, &o->count) ? NULL : "a number from 1 to 100000";
}

static const char *take_timeout(struct options *o, char *argument)
{
    uint32_t seconds = 0;
    if (!number(argument, TIMEOUT_MAX, &seconds))
        return "seconds from 1 to 86400";
    o->timeout = SEC(seconds);
    return NULL;
}

static const struct option_row {
    const char *name, *argument;
    int commands;
    take take;
    const char *help;
} rows[] = {
    {"key", "FILE", COMMAND_ID | COMMAND_NODE, take_key,
     "your secret key; made when there is none (default: a fresh one, kept nowhere)"},
    {"book", "FILE", COMMAND_NODE, take_book,
     "the address book: whom alone a name may reach; who answers first to a new name is added"},
    {"name", "NAME", COMMAND_UP | COMMAND_SERVE, take_name, "answer to NAME"},
    {"bootstrap", "ADDR", COMMAND_NODE, take_bootstrap, "a node to join through; may be repeated"},
    {"listen", "ADDR", COMMAND_UP | COMMAND_DIAL | COMMAND_PING, take_listen,
     "bind to this address (default: all, any port); may be repeated"},
    {"listen", "ADDR", COMMAND_PROXY, take_proxy,
     "where programs of this machine speak to the proxy (default: 127.0.0.1, any port)"},
    {"to", "ADDR", COMMAND_SERVE, take_to, "the program that is served"},
    {"bind", "ADDR", COMMAND_PROXY | COMMAND_SERVE, take_listen,
     "bind the node to this address (default: all, any port); may be repeated"},
    {"control", "PATH", COMMAND_UP | COMMAND_SERVE | COMMAND_PROXY, take_control,
     "let this user's programs ask the node, at this socket; -: at standard input"},
    {"control", "PATH", COMMAND_CLIENT, take_control, "the socket of the running node"},
    {"public", NULL, COMMAND_UP | COMMAND_SERVE, take_public, "others can reach this node unasked"},
    {"echo", NULL, COMMAND_UP, take_echo, "send every datagram back"},
    {"send", "TEXT", COMMAND_DIAL, take_send, "what to send once connected"},
    {"send", "TEXT", COMMAND_PUBLISH, take_send, "what to publish"},
    {"count", "N", COMMAND_DIAL, take_count, "send it N times, each after the answer (default 1)"},
    {"count", "N", COMMAND_PING, take_count, "end after N pings (default: at SIGINT)"},
    {"json", NULL, COMMAND_PING, take_json, "print JSON lines"},
    {"timeout", "SECONDS", COMMAND_DIAL | COMMAND_PING | COMMAND_CLIENT, take_timeout,
     "give up after this long (default 60)"},
    {"count", "N", COMMAND_SUBSCRIBE, take_count, "end after N messages (default 1)"},
    {"user", "NAME", COMMAND_UP | COMMAND_SERVE | COMMAND_PROXY, take_user,
     "become this user once the sockets are bound (for root)"},
    {"map", NULL, COMMAND_UP | COMMAND_SERVE | COMMAND_PROXY, take_map,
     "have the home router map a port (PCP, NAT-PMP, UPnP) as long as the node runs"},
    {"log", NULL, COMMAND_NODE, take_log, "print what happens inside the core, too"},
    {"set", "KEY=VALUE", COMMAND_NODE, take_setting,
     "a setting of the protocol core; may be repeated"},
};

#define ROWS (sizeof rows / sizeof rows[0])

void options_help(FILE *out, enum options_command command)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (!(rows[i].commands & (int)command))
            continue;
        const char *argument = rows[i].argument ? rows[i].argument : "";
        int used = fprintf(out, "  --%s %s", rows[i].name, argument);
        fprintf(out, "%*s %s\n", used < 22 ? 22 - used : 0, "", rows[i].help);
    }
}

/* "--name=value" and "--name value" are the same.  Returns 0 or 2. */
static int read_option(struct options *o, enum options_command command, char ***at)
{
    char *text = **at + 2;
    char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    const struct option_row *row = rows;
    while (row < rows + ROWS && !(row->commands & (int)command && strlen(row->name) == length &&
                                  memcmp(row->name, text, length) == 0))
        row++;
    if (row == rows + ROWS) {
        fprintf(stderr, "mist: no such option: --%s\n", text);
        return 2;
    }
    char *argument = row->argument ? equals ? equals + 1 : *++*at : NULL;
    const char *expected = NULL;
    if (row->argument && !argument)
        expected = row->argument;
    else if (!row->argument && equals)
        expected = "no argument";
    else
        expected = row->take(o, argument);
    if (expected)
        fprintf(stderr, "mist: --%s: expected %s\n", row->name, expected);
    return expected ? 2 : 0;
}

int options_read(struct options *o, enum options_command command, int argc, char **argv)
{
    *o = (struct options){.count = command == COMMAND_PING ? 0 : 1,
                          .timeout = SEC(60),
                          .proxy = addr_v4(0x7f000001, 0)};
    char **end = argv + argc;
    for (char **at = argv + 1; at < end && *at; at++) {
        if (strcmp(*at, "--help") == 0) {
            options_help(stdout, command);
            return 1;
        }
        if (strncmp(*at, "--", 2) == 0) {
            if (read_option(o, command, &at))
                return 2;
            if (!*at)
                break;
        } else if (command & COMMAND_NAMED && !o->name) {
            const char *expected = take_name(o, *at);
            if (expected) {
                fprintf(stderr, "mist: the name: expected %s\n", expected);
                return 2;
            }
        } else {
            fprintf(stderr, "mist: unexpected: %s\n", *at);
            return 2;
        }
    }
    return 0;
}
