/* client.h: asks a running node, over its control socket (control.h), and prints what it
 * says.  All return the program's exit code: 0, 1 when it did not come to that in time, 2
 * when the line lacks something, 77 when nobody serves the socket. */
#ifndef STACK_HOST_CLIENT_H
#define STACK_HOST_CLIENT_H

#include "stack/units.h"

/* Prints the node's status. */
int client_status(const char *socket, mist_time timeout);

/* Publishes text on the name; ends when nodes have it. */
int client_publish(const char *socket, const char *name, const char *text, mist_time timeout);

/* Prints what is published on the name; ends after count messages. */
int client_subscribe(const char *socket, const char *name, uint32_t count, mist_time timeout);

#endif
