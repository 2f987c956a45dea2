/* sockets.h: the sockets that the host opened for this node.
 *
 * One main socket per address family, and spare ones for a while: a NAT makes a
 * new mapping for each, so they show its port rule and hold open what is
 * sprayed.  A socket is wanted, opened or failed by the host, and closed as soon
 * as it is of no more use.  Ids are never reused: the place of a spare socket
 * is in its id. */
#ifndef MIST_SOCKETS_H
#define MIST_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/out.h"

#define SOCKETS_REACH 16 /* spare ones beside those of punching */

enum socket_use {
    SOCKET_FREE,
    SOCKET_FOR_REACH,
    SOCKET_FOR_PUNCH, /* seeks a path */
    SOCKET_FOR_PATH   /* is a link's way */
};

struct spare {
    struct addr local; /* family 0: not open yet */
    uint32_t id;
    uint8_t use; /* enum socket_use */
    uint8_t reserved[3];
    mist_link link; /* whose path is sought with it; 0: nobody's */
};

struct sockets {
    struct addr main[MIST_SOCKETS]; /* family 0: not open */
    struct spare *spares;
    uint32_t limit, used, rounds;
};

size_t sockets_size(uint32_t spares);
void sockets_init(struct sockets *s, void *memory, uint32_t spares); /* zero-filled memory */

/* Asks the host for one; 0 when all places are taken. */
uint32_t sockets_want(struct sockets *s, uint8_t family, enum socket_use use, mist_link link,
                      struct out *out);
/* Asks for one on that port, to listen there. */
uint32_t sockets_listen(struct sockets *s, uint8_t family, uint16_t port, struct out *out);
/* The host's answers: MIST_OK or MIST_ERR_UNKNOWN.  A failed one is free again. */
int sockets_opened(struct sockets *s, uint32_t id, const struct addr *local);
int sockets_failed(struct sockets *s, uint32_t id);
/* Where a socket is bound; NULL: it is not open.  Id 0 and a family: its main one. */
const struct addr *sockets_local(const struct sockets *s, uint32_t id, uint8_t family);
/* The spare socket of that id, open or not; NULL: there is none. */
const struct spare *sockets_spare(const struct sockets *s, uint32_t id);
void sockets_close(struct sockets *s, uint32_t id, struct out *out);
/* The n-th spare socket of punching for a link, open or not yet; 0: it has no more. */
uint32_t sockets_nth(const struct sockets *s, mist_link link, uint32_t n);
/* Closes those that seek a path for a link. */
void sockets_release(struct sockets *s, mist_link link, struct out *out);
/* A link's path is on that socket from now on (0: on none of these): closes its others. */
void sockets_adopt(struct sockets *s, mist_link link, uint32_t id, struct out *out);
uint32_t sockets_memory(const struct sockets *s, struct mist_memory *array, uint32_t n);

#endif
