/* mist.h: the protocol core, from outside.
 *
 * Five verbs and a table of wishes.  The core is sans-I/O: time comes in as an
 * argument, randomness as a seed, datagrams as bytes; it never reads a clock,
 * a socket or a file and allocates nothing after init.
 *
 *     input(node, now, socket, datagram)   a datagram arrived
 *     tick(node, now)                      the deadline passed
 *     output(node, array, n) -> count      datagrams to send
 *     event(node, &event) -> 1 or 0        drain until 0
 *     deadline(node) -> time | NEVER       when to call tick next
 *
 * A driver ("pump") calls input, tick or wish, then drains output, event and
 * fact, then asks deadline.  What those hand out is borrowed until the next
 * input, tick or wish on any node that shares the same scratch.
 *
 * Everything is reached through one table, mist_api(), so that a simulation
 * can load another build of the core.  Numbers in this header are permanent:
 * new ones are appended, none is reused.  Structs start with their size. */
#ifndef MIST_MIST_H
#define MIST_MIST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stack/addr.h"
#include "stack/units.h"

#define MIST_API_VERSION 1
#define MIST_ID          32   /* bytes of a node id, its transport public key, and of a person's */
#define MIST_NAME        255  /* longest name, bytes */
#define MIST_VALUE       900  /* longest published value, bytes */
#define MIST_DATAGRAM    1252 /* largest UDP payload ever sent: 1280 - 28, rounded for v6 */
#define MIST_PAYLOAD     1150 /* largest application datagram */
#define MIST_PROTOCOL    32   /* longest name of a protocol, bytes: "/voice/rtp/v1" */
#define MIST_SOCKETS     2    /* ids 1 (IPv4) and 2 (IPv6) stay; sockets above come and go */

/* The caller's mistakes.  A failed call changed nothing. */
enum mist_error {
    MIST_OK = 0,
    MIST_ERR_ARGUMENT = -1,    /* a field out of its range */
    MIST_ERR_KEY = -2,         /* no such configuration key */
    MIST_ERR_VALUE = -3,       /* a value that the key does not take */
    MIST_ERR_FULL = -4,        /* a table of the configuration is full */
    MIST_ERR_UNKNOWN = -5,     /* no such socket, connection or subscription */
    MIST_ERR_STATE = -6,       /* not now: no socket yet, not connected yet */
    MIST_ERR_TOO_LONG = -7,    /* name, value or payload over its limit */
    MIST_ERR_UNSUPPORTED = -8, /* streams */
};

/* X(number, NAME, doc): fields used by each stand in struct mist_wish. */
#define MIST_WISHES(X)                                                                             \
    X(1, SOCKET_OPENED,                                                                            \
      "the host opened socket `socket`, bound to `addr`; again: it is there now")                  \
    X(2, SOCKET_FAILED, "the host could not open socket `socket`")                                 \
    X(3, BOOTSTRAP, "an address of a node to join through")                                        \
    X(4, SUBSCRIBE, "receive what is published on `name`, under `id`")                             \
    X(5, UNSUBSCRIBE, "end subscription `id`")                                                     \
    X(6, PUBLISH, "publish `bytes` on `name`, under `id`")                                         \
    X(7, CONNECT,                                                                                  \
      "open a path to whoever is `name`, as connection `id`; `bytes`: the id of the only person")  \
    X(8, SEND, "send `bytes` to connection or channel `id`")                                       \
    X(9, CLOSE, "close connection or channel `id`")                                                \
    X(10, NAME, "answer to `name`: subscribe to it and accept connections for it")                 \
    X(11, LEAVE, "say goodbye to every peer; the node is of no further use")                       \
    X(12, IDENTITY, "be the person whose Ed25519 seed is `bytes` (32), before any connection")     \
    X(13, PORT_MAPPED,                                                                             \
      "a gateway maps main socket `socket` to `addr` outside, the host keeps it so; 0: no longer") \
    X(14, SERVE, "let persons who are connected open channels for protocol `name`")                \
    X(15, OPEN,                                                                                    \
      "open channel `id` for datagrams of protocol `name` to the connected person `bytes`")        \
    X(16, OPEN_STREAM, "the same for a stream: MIST_ERR_UNSUPPORTED")                              \
    X(17, PING, "ask the peer of connection `id` for a sign of life: PONG tells, or nothing")      \
    X(18, GATEWAY, "ask the IPv4 gateway at `addr` for a port (PCP, NAT-PMP); family 0: nobody")

/* X(number, NAME, doc) */
#define MIST_EVENTS(X)                                                                             \
    X(1, SOCKET_WANTED, "open a UDP socket of `addr.family` on `addr.port` (0: any) as `socket`")  \
    X(2, JOINED, "the overlay knows this node; its name answers")                                  \
    X(3, CONNECTED,                                                                                \
      "connection `id` to person `bytes`: an authenticated round trip used `path`; `rtt` 0: PATH " \
      "will tell")                                                                                 \
    X(4, PATH, "connection `id` moved to `path` with `rtt`; none: lost, and looked for")           \
    X(5, FAILED, "connection `id` failed for `reason`")                                            \
    X(6, CLOSED, "connection or channel `id` ended; tallies in attempts, probes, sockets")         \
    X(7, DATAGRAM, "`bytes` from connection or channel `id`")                                      \
    X(8, ACCEPTED, "person `bytes` opened connection `id` to this node from `peer`")               \
    X(9, RECEIVED, "`bytes` published on subscription `id` by `peer`, seen at `addr`")             \
    X(10, SUBSCRIBED, "subscription `id` stands on `count` nodes")                                 \
    X(11, PUBLISHED, "message `id` reached `count` nodes, which forwarded it `hops` times")        \
    X(12, LOOKUP, "a lookup ended: `hops` hops and `count` answers in `rtt`; ok: `reason`==0")     \
    X(13, SOCKET_UNWANTED, "close socket `socket`; its id is never used again")                    \
    X(14, NATURE, "what the NAT does: `text`, after `count` datagrams and `rtt`")                  \
    X(15, IMPOSTOR,                                                                                \
      "`peer` answered connection `id` without the person's key; the search goes on")              \
    X(16, OPENED, "channel `id` for protocol `bytes` stands on connection `count`")                \
    X(17, DECLINED, "channel `id` of connection `count` was declined for `reason`")                \
    X(18, PONG, "the peer of connection `id` answered PING over `path` within `rtt`")

/* X(number, NAME, word): how a connection's datagrams travel. */
#define MIST_PATHS(X)                                                                              \
    X(0, NONE, "none")                                                                             \
    X(1, PUBLIC, "public")                                                                         \
    X(2, LAN, "lan")                                                                               \
    X(3, MAPPED, "mapped")                                                                         \
    X(4, REVERSED, "reversed")                                                                     \
    X(5, PUNCHED, "punched")                                                                       \
    X(6, PREDICTED, "predicted")                                                                   \
    X(7, SPRAYED, "sprayed")                                                                       \
    X(8, RELAY, "relay")                                                                           \
    X(9, RELAY2, "relay2")                                                                         \
    X(10, TCP, "tcp")

/* X(number, NAME, word): why a connection failed or a lookup ended badly. */
#define MIST_REASONS(X)                                                                            \
    X(0, NONE, "none")                                                                             \
    X(1, NOT_JOINED, "not_joined")                                                                 \
    X(2, NO_HOLDER, "no_holder")                                                                   \
    X(3, NOT_FOUND, "not_found")                                                                   \
    X(4, NO_ANSWER, "no_answer")                                                                   \
    X(5, NO_RELAY, "no_relay")                                                                     \
    X(6, REFUSED, "refused")                                                                       \
    X(7, TIMEOUT, "timeout")                                                                       \
    X(8, PEER_CLOSED, "peer_closed")                                                               \
    X(9, PATH_LOST, "path_lost")                                                                   \
    X(10, ALREADY_CONNECTED, "already_connected")                                                  \
    X(11, WRONG_KEY, "wrong_key")                                                                  \
    X(12, UNKNOWN_PROTOCOL, "unknown_protocol")                                                    \
    X(13, UNSUPPORTED, "unsupported")

/* X(number, NAME, word): what a datagram is for; the classes of the traffic
 * table and of the counters. */
#define MIST_KINDS(X)                                                                              \
    X(0, HANDSHAKE, "handshake")                                                                   \
    X(1, HEARTBEAT, "heartbeat")                                                                   \
    X(2, KAD, "kad")                                                                               \
    X(3, PUBSUB, "pubsub")                                                                         \
    X(4, PUNCH, "punch")                                                                           \
    X(5, RELAY, "relay")                                                                           \
    X(6, REACH, "reach")                                                                           \
    X(7, DATA, "data")                                                                             \
    X(8, NONSENSE, "nonsense")

#define MIST_ENUM_WISH(number, name, doc)   MIST_WISH_##name = number,
#define MIST_ENUM_EVENT(number, name, doc)  MIST_EVENT_##name = number,
#define MIST_ENUM_PATH(number, name, doc)   MIST_PATH_##name = number,
#define MIST_ENUM_REASON(number, name, doc) MIST_REASON_##name = number,
#define MIST_ENUM_KIND(number, name, doc)   MIST_KIND_##name = number,
enum mist_wish_kind { MIST_WISHES(MIST_ENUM_WISH) };
enum mist_event_kind { MIST_EVENTS(MIST_ENUM_EVENT) };
enum mist_path { MIST_PATHS(MIST_ENUM_PATH) };
enum mist_reason { MIST_REASONS(MIST_ENUM_REASON) };
enum mist_kind { MIST_KINDS(MIST_ENUM_KIND) MIST_KIND_COUNT };

struct mist; /* one node */

/* A datagram to send.  bytes are borrowed. */
struct mist_datagram {
    uint32_t socket;
    struct addr from; /* the socket's local address */
    struct addr to;
    uint8_t ttl;  /* 0: the host's default */
    uint8_t kind; /* enum mist_kind: what it is for, for accounting only */
    uint16_t length;
    const uint8_t *bytes;
};

struct mist_wish {
    uint32_t size; /* sizeof(struct mist_wish) of the caller */
    uint32_t kind; /* enum mist_wish_kind */
    uint32_t id;   /* the caller's name for a connection, subscription or message; not 0 */
    uint32_t socket;
    struct addr addr;
    uint32_t name_length;
    const uint8_t *name; /* borrowed for the call */
    uint32_t length;
    const uint8_t *bytes; /* borrowed for the call */
};

struct mist_event {
    uint32_t size;
    uint32_t kind; /* enum mist_event_kind */
    uint32_t id;
    uint32_t socket;
    struct addr addr;
    uint8_t peer[MIST_ID];
    uint32_t path;   /* enum mist_path */
    uint32_t reason; /* enum mist_reason */
    mist_time rtt;
    uint32_t count, hops;
    uint32_t attempts, probes, sockets;
    uint32_t length;
    const uint8_t *bytes; /* borrowed */
};

/* Something observable happened inside: stack/facts.def lists them all. */
struct mist_fact {
    uint32_t size;
    uint32_t number;
    uint32_t connection; /* 0: none */
    struct addr addr;    /* family 0: none */
    uint8_t peer[8];     /* first bytes of the peer's id; zero: none */
    int64_t a, b;
};

/* Cumulative, per enum mist_kind. */
struct mist_counter {
    uint64_t packets_out, bytes_out, packets_in, bytes_in;
};

/* One configuration key: name, form ("8 to 256", "on | off"), default, doc. */
struct mist_key {
    const char *name, *form, *standard, *doc;
};

/* Memory of one node, by table, for the bench: sums to the node's size. */
struct mist_memory {
    const char *table;
    size_t entry_bytes;
    uint32_t limit, used;
};

struct mist_names {
    uint32_t number;
    const char *word, *doc;
};

struct mist_api {
    uint32_t size, version;
    const char *build; /* "mist 0.1.0" */

    /* A configuration is config_size bytes that the caller owns. */
    size_t config_size;
    void (*config_init)(void *config);
    /* 0, MIST_ERR_KEY or MIST_ERR_VALUE */
    int (*config_set)(void *config, const char *key, const char *value);
    const struct mist_key *(*config_keys)(uint32_t *count);

    /* Bytes of a node's block and of a scratch that any number of nodes of one
     * thread may share.  Both blocks must be zero-filled and 64-byte aligned;
     * init touches O(1) pages of the node's. */
    size_t (*node_size)(const void *config);
    size_t (*scratch_size)(void);
    /* seed: 32 bytes, all randomness of the node comes from them: never the same twice
     * with one secret, or two runs would share their sessions' keys.
     * secret: the 32-byte X25519 transport key.  Keeps memory and scratch. */
    struct mist *(*init)(void *memory, void *scratch, const void *config, const uint8_t *seed,
                         const uint8_t *secret, mist_time now);
    void (*id)(const struct mist *node, uint8_t id[MIST_ID]);

    void (*input)(struct mist *node, mist_time now, uint32_t socket, const struct addr *from,
                  const uint8_t *bytes, size_t length);
    /* The network reports that a datagram to `to` was refused (ICMP).  A hint, never proof. */
    void (*refused)(struct mist *node, mist_time now, uint32_t socket, const struct addr *to);
    void (*tick)(struct mist *node, mist_time now);
    uint32_t (*output)(struct mist *node, struct mist_datagram *array, uint32_t n);
    int (*event)(struct mist *node, struct mist_event *event);
    mist_time (*deadline)(const struct mist *node);
    int (*wish)(struct mist *node, mist_time now, const struct mist_wish *wish);

    int (*fact)(struct mist *node, struct mist_fact *fact); /* as event */
    void (*counters)(const struct mist *node, struct mist_counter counters[MIST_KIND_COUNT]);
    uint32_t (*memory)(const struct mist *node, struct mist_memory *array, uint32_t n);

    /* Names of the numbers of this build; *count entries. */
    const struct mist_names *(*wish_names)(uint32_t *count);
    const struct mist_names *(*event_names)(uint32_t *count);
    const struct mist_names *(*fact_names)(uint32_t *count);
    const struct mist_names *(*path_names)(uint32_t *count);
    const struct mist_names *(*reason_names)(uint32_t *count);
    const struct mist_names *(*kind_names)(uint32_t *count);
};

/* The one symbol that libmist.so exports. */
__attribute__((visibility("default"))) const struct mist_api *mist_api(void);

/* How a channel carries bytes. */
enum mist_flow { MIST_FLOW_DATAGRAMS = 0, MIST_FLOW_STREAM = 1 };

/* Opens channel `id` (the caller's name for it, none of a connection or another channel)
 * to a person that a connection stands with, for a protocol of 1 to MIST_PROTOCOL printable
 * bytes without a space.  Returns 0: OPENED or DECLINED follows, within 10 s; then SEND and
 * CLOSE take the id, and what comes is DATAGRAM with it.  Or returns MIST_ERR_ARGUMENT (id or
 * name), MIST_ERR_UNKNOWN (no such connection), MIST_ERR_FULL (8 channels a connection) or
 * MIST_ERR_UNSUPPORTED (streams).  Borrows both for the call. */
static inline int mist_open(const struct mist_api *api, struct mist *node, mist_time now,
                            uint32_t id, const uint8_t peer[MIST_ID], const char *protocol,
                            enum mist_flow flow)
{
    struct mist_wish wish = {
        .size = sizeof wish,
        .kind = flow == MIST_FLOW_STREAM ? MIST_WISH_OPEN_STREAM : MIST_WISH_OPEN,
        .id = id,
        .name = (const uint8_t *)protocol,
        .name_length = (uint32_t)strlen(protocol),
        .bytes = peer,
        .length = MIST_ID,
    };
    return api->wish(node, now, &wish);
}

#endif
