/* system.h: what the program wants of the system beyond libuv and POSIX.
 *
 * system_linux.c has it for Linux and is the only file with calls of Linux's own;
 * system_other.c says what a system without them does instead. */
#ifndef STACK_HOST_SYSTEM_H
#define STACK_HOST_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/addr.h"

#define SYSTEM_BATCH 64 /* datagrams of one call at most */

/* A datagram on its way out; bytes are borrowed. */
struct system_datagram {
    struct addr to; /* family ADDR_NONE: where the socket is connected to */
    uint8_t ttl;    /* 0: the socket's own */
    uint32_t length;
    const uint8_t *bytes;
};

/* Hands the first of `count` datagrams to the kernel, up to SYSTEM_BATCH of them in one
 * call where that can be done.  Returns how many it took, or the negative errno about the
 * first. */
int system_send(int socket, const struct system_datagram *datagrams, uint32_t count);

/* Takes the next ICMP error about a datagram that the socket sent.  Returns whether there
 * was one, and in *to where that datagram went. */
bool system_next_refusal(int socket, struct addr *to);

/* How many datagrams the kernel threw away because the socket's buffer was full. */
uint64_t system_overruns(int socket);

/* Gives up for good what powers the process has beyond its user's.  Returns 0, or -1 and
 * errno. */
int system_confine(void);

/* A descriptor that becomes readable when links, addresses or routes change; -1: this
 * system does not tell.  _drain reads what it has told. */
int system_network_open(void);
void system_network_drain(int fd);

#endif
