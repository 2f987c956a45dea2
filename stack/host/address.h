/* address.h: between the core's addresses and the socket interface's. */
#ifndef STACK_HOST_ADDRESS_H
#define STACK_HOST_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "stack/addr.h"

/* a: family v4 or v6.  Returns the length of what it wrote. */
socklen_t address_to_socket(const struct addr *a, struct sockaddr_storage *s);

/* family ADDR_NONE for anything but IPv4 and IPv6. */
struct addr address_from_socket(const struct sockaddr *s);

/* An address of this machine that others can name in place of the unspecified
 * one: where datagrams to the Internet leave from, else the first of `family`
 * that is neither loopback nor link-local, else loopback; with `port`. */
struct addr address_of_machine(uint8_t family, uint16_t port);

#endif
