/* options.c: see options.h. */
#include "sim/natbox/options.h"

#include <stdlib.h>
#include <string.h>

#include "sim/command.h"
#include "sim/exit.h"
#include "sim/value.h"

static const struct command_option OPTIONS[] = {
    {"inside", "IF=ADDR/BITS", "an inside interface and the box's own address there; repeatable",
     0},
    {"outside", "IF=ADDR/BITS", "the outside interface; its first address is the external one", 0},
    {"also", "ADDR", "a further external address (a pool); repeatable", 0},
    {"via", "ADDR", "the router outside, for what is not in the outside's network (one per family)",
     0},
    {"delay", "TIME", "of the access line, one way (0 s)", 0},
    {"jitter", "TIME", "added to each packet's delay: uniform from 0 to this (0 s)", 0},
    {"loss", "SHARE", "of packets lost on the line, in each direction (0%)", 0},
    {"up", "RATE", "of the line towards outside (unlimited)", 0},
    {"down", "RATE", "of the line towards inside (unlimited)", 0},
    {"queue", "SIZE", "before the line, in each direction (256 KiB)", 0},
    {"seed", "N", "of ports, losses and jitter (1)", 0},
    {"log", NULL, "print every decision", 0},
    {"json", NULL, "print every decision as a line of JSON", 0},
    {"pcap", "FILE", "write every packet that reaches a box, with what became of it (pcapng)", 0},
    {"commands", NULL, "obey standard input: flush, reboot, readdress, set, counters", 0},
    {NULL, NULL, NULL, 0},
};

static const struct command COMMAND = {
    .name = "natbox",
    .arguments = "NAT",
    .least = 1,
    .most = 1,
    .help = "a modelled NAT between real interfaces",
    .examples =
        "  natbox home_apdf --inside lan0=192.168.1.1/24 --outside wan0=198.51.100.7/24\n"
        "  natbox 'home_apdf>cgn_fixed' --inside lan0=10.0.0.1/24 --outside wan0=198.51.100.7/24\n"
        "         --via 198.51.100.1 --delay '8 ms' --up '20 Mbit/s' --down '100 Mbit/s'\n"
        "  natbox apdm/apdf/random --inside lan0=10.0.0.1/24 --outside wan0=198.51.100.7/24\n"
        "         --log\n",
    .options = OPTIONS,
    .is_program = true,
};

/* ---- addresses ---- */

/* "lan0=192.168.1.1/24" or "lan0=[2001:db8::1]/64".  Returns NULL or what it would have taken. */
static const char *read_port(const char *text, struct options_port *port, struct ether_prefix *own)
{
    const char *expected = "IF=ADDR/BITS, as lan0=192.168.1.1/24 or lan0=[2001:db8::1]/64";
    const char *equals = strchr(text, '='), *slash = equals ? strchr(equals, '/') : NULL;
    char address[ADDR_TEXT + 8];
    uint64_t bits;
    if (!slash || equals == text || (size_t)(equals - text) >= sizeof port->interface ||
        (size_t)(slash - equals) > sizeof address)
        return expected;
    (void)snprintf(port->interface, sizeof port->interface, "%.*s", (int)(equals - text), text);
    (void)snprintf(address, sizeof address, "%.*s", (int)(slash - equals - 1), equals + 1);
    if (addr_parse(&own->address, address) != 0 || own->address.port != 0 ||
        command_read_number(slash + 1, own->address.family == ADDR_V4 ? 32 : 128, &bits) != 0)
        return expected;
    own->bits = (uint32_t)bits;
    return NULL;
}

/* Adds the address to the port of that interface, or to a further one of `most`. */
static const char *add_port(const char *text, struct options_port *ports, uint32_t *count,
                            uint32_t most)
{
    struct options_port port = {.count = 0};
    struct ether_prefix own;
    const char *expected = read_port(text, &port, &own);
    uint32_t i = 0;
    if (expected)
        return expected;
    while (i < *count && strcmp(ports[i].interface, port.interface) != 0)
        i++;
    if (i == most || (i < *count && ports[i].count == ETHER_OWN))
        return most == 1 ? "one outside interface" : "fewer interfaces or addresses";
    if (i == *count)
        ports[(*count)++] = port;
    ports[i].own[ports[i].count++] = own;
    return NULL;
}

static int read_ports(struct options *o, const struct command_line *line)
{
    static const char *names[] = {"inside", "outside"};
    const char *values[COMMAND_VALUES], *expected;
    uint32_t outside_count = 0;
    for (int which = 0; which < 2; which++) {
        uint32_t count = command_values(line, names[which], values);
        if (count == 0)
            return command_misuse(&COMMAND, "--%s is missing", names[which]);
        for (uint32_t i = 0; i < count; i++) {
            expected = which == 0 ? add_port(values[i], o->inside, &o->inside_count, OPTIONS_PORTS)
                                  : add_port(values[i], &o->outside, &outside_count, 1);
            if (expected)
                return command_misuse(&COMMAND, "--%s: expected %s, got `%.80s`", names[which],
                                      expected, values[i]);
        }
    }
    return 0;
}

static int read_routers(struct options *o, const struct command_line *line)
{
    const char *values[COMMAND_VALUES];
    uint32_t count = command_values(line, "via", values);
    for (uint32_t i = 0; i < count; i++) {
        struct addr a;
        if (i == 2 || addr_parse(&a, values[i]) != 0 || a.port != 0 ||
            (i == 1 && a.family == o->via[0].family))
            return command_misuse(&COMMAND,
                                  "--via: expected an address, one of each family, got "
                                  "`%.80s`",
                                  values[i]);
        o->via[o->via_count++] = a;
    }
    return 0;
}

/* A firewall has no external address; anything else has the outside port's IPv4 ones. */
static int read_external(struct options *o, const struct command_line *line)
{
    const char *values[COMMAND_VALUES];
    uint32_t count = command_values(line, "also", values);
    const struct nat_policy *last = &o->nat.policies[o->nat.count - 1];
    bool keeps = last->kind == NAT_KIND_FIREWALL;
    for (uint32_t i = 0; i < o->outside.count && !keeps; i++)
        if (o->outside.own[i].address.family == ADDR_V4 && o->external.count < BOX_EXTERNALS)
            o->external.addresses[o->external.count++] = o->outside.own[i].address;
    for (uint32_t i = 0; i < count; i++) {
        struct addr a;
        if (addr_parse(&a, values[i]) != 0 || a.port != 0 || a.family != ADDR_V4 ||
            o->external.count == BOX_EXTERNALS)
            return command_misuse(&COMMAND,
                                  "--also: expected an IPv4 address, at most %d of them, "
                                  "got `%.80s`",
                                  BOX_EXTERNALS, values[i]);
        o->external.addresses[o->external.count++] = a;
    }
    return read_routers(o, line);
}

/* ---- the line ---- */

static int read_quantity(const struct command_line *line, const char *option,
                         const char *(*read)(const char *text, int64_t *value), int64_t most,
                         int64_t *value)
{
    const char *text = command_value(line, option);
    const char *expected = text ? read(text, value) : NULL;
    if (!expected && *value > most)
        expected = "less";
    return expected
               ? command_misuse(&COMMAND, "--%s: expected %s, got `%.80s`", option, expected, text)
               : 0;
}

static int read_line(struct options *o, const struct command_line *line)
{
    int64_t delay = 0, jitter = 0, loss = 0, up = 0, down = 0, queue = 256 << 10;
    if (read_quantity(line, "delay", value_time, SEC(60), &delay) ||
        read_quantity(line, "jitter", value_time, SEC(60), &jitter) ||
        read_quantity(line, "loss", value_share, 1000000, &loss) ||
        read_quantity(line, "up", value_bandwidth, INT64_C(1000000000000), &up) ||
        read_quantity(line, "down", value_bandwidth, INT64_C(1000000000000), &down) ||
        read_quantity(line, "queue", value_size, INT64_C(1) << 30, &queue))
        return EXIT_INPUT;
    o->up = (struct line_quality){.delay = delay,
                                  .jitter = jitter,
                                  .loss_ppm = (uint32_t)loss,
                                  .rate_bps = (uint64_t)up,
                                  .queue_bytes = (uint32_t)queue};
    o->down = o->up;
    o->down.rate_bps = (uint64_t)down;
    o->seed = 1;
    return command_number(line, "seed", 0, UINT64_MAX, &o->seed);
}

static int read_nat(struct options *o, const char *name)
{
    struct catalogue *catalogue = catalogue_open(&o->arena, ".");
    bool read = nat_name_read(catalogue, &o->arena, name, o->seed, &o->nat, &o->errors);
    if (!read || o->errors.count) {
        errors_print(&o->errors, stderr);
        return EXIT_INPUT;
    }
    return o->nat.count ? 0 : command_misuse(&COMMAND, "`%.80s` is no NAT", name);
}

int options_read(struct options *o, int argc, char **argv)
{
    static struct command_line line;
    *o = (struct options){.seed = 1};
    int code = command_parse(&COMMAND, argc, argv, &line);
    if (code != COMMAND_CONTINUES)
        return code;
    code = read_line(o, &line);
    if (!code)
        code = read_nat(o, line.arguments[0]);
    if (!code)
        code = read_ports(o, &line);
    if (!code)
        code = read_external(o, &line);
    o->pcap = command_value(&line, "pcap");
    o->json = command_value(&line, "json") != NULL;
    o->log = o->json || command_value(&line, "log");
    o->commands = command_value(&line, "commands") != NULL;
    return code ? code : OPTIONS_GO_ON;
}

void options_close(struct options *o)
{
    arena_free(&o->arena);
    errors_free(&o->errors);
}
