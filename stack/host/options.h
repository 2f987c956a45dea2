/* options.h: the command line of the mist program, as one table that is also
 * its --help. */
#ifndef STACK_HOST_OPTIONS_H
#define STACK_HOST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "stack/host/host.h"
#include "stack/mist.h"

#define OPTIONS_BOOTSTRAP 16
#define OPTIONS_SETTINGS  32

struct options_setting {
    const char *key, *value; /* of the core's configuration */
};

/* Texts are borrowed from argv. */
struct options {
    const char *name; /* up, serve: --name; else the operand */
    const char *key_file, *book_file, *send;
    const char *control; /* NULL: none */
    const char *user;    /* NULL: stay who we are */
    uint32_t count;      /* ping: 0 for no end */
    mist_time timeout;
    bool echo, log, json, map;
    struct addr proxy; /* proxy: where programs speak to it; serve: the program */
    uint32_t bootstrap_count, listen_count, setting_count;
    struct addr bootstrap[OPTIONS_BOOTSTRAP], listen[HOST_LISTEN];
    struct options_setting settings[OPTIONS_SETTINGS];
};

/* The commands as bits, to say which option belongs to which. */
enum options_command {
    COMMAND_ID = 1,
    COMMAND_UP = 2,
    COMMAND_DIAL = 4,
    COMMAND_PROXY = 8,
    COMMAND_SERVE = 16,
    COMMAND_STATUS = 32,
    COMMAND_PUBLISH = 64,
    COMMAND_SUBSCRIBE = 128,
    COMMAND_PING = 256,
    COMMAND_NODE = 2 | 4 | 8 | 16 | 256,   /* those that are nodes */
    COMMAND_CLIENT = 32 | 64 | 128,        /* those that ask a running node */
    COMMAND_NAMED = 4 | 8 | 64 | 128 | 256 /* those whose operand is a name */
};

/* Reads argv[1..], where argv[0] is the command's name.  Returns 0; 1 after
 * --help, printed; or 2 after a mistake, told on stderr. */
int options_read(struct options *options, enum options_command command, int argc, char **argv);

/* The options of a command, one per line. */
void options_help(FILE *out, enum options_command command);

#endif
