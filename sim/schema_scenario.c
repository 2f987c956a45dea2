/* schema_scenario.c: the table of keys of scenarios and latency files; pure data.
 * Meaning and stability: see scenarios/README.md, which is made from it. */
#include "sim/plan.h"
#include "sim/schema.h"

#include "stack/units.h"

#define COUNT(table) (uint32_t)(sizeof(table) / sizeof *(table))

#define HUNDRED_YEARS (SEC(86400) * 36525)
#define MOST_HOSTS    4000000 /* SCENARIO_HOSTS */

static const char *const FAMILIES[] = {"4", "6", NULL};
static const char *const ROLES[] = {"bootstrap", "relay", "echo", NULL};
/* In the order of enum plan_behaviour. */
static const char *const BEHAVIOURS[] = {"honest",    "liar", "flooder", "reflector",
                                         "bystander", "tap",  "framer",  NULL};
/* In the order of enum plan_forgery. */
static const char *const FORGERIES_OF[] = {"init", "open",    "replay", "proved",
                                           "data", "rubbish", NULL};
static const char *const SOURCES[] = {"own", "any", NULL};
static const char *const DIALS[] = {"uniform", "all_pairs", NULL};
/* In the order of enum plan_persons. */
static const char *const PERSONS[] = {"unknown", "known", "pinned", NULL};
static const char *const PUBLISHES[] = {"uniform", "shared", NULL};
static const char *const CRYPTO[] = {"modelled", "real", NULL};
static const char *const QUEUES[] = {"drop_tail", "codel", "fq_codel", NULL};
static const char *const TRAFFIC[] = {"node", "population", NULL};

static const struct schema_key LATENCY_KEYS[] = {
    {.name = "constant",
     .kind = SCHEMA_TIME,
     .high = SEC(60),
     .doc = "the same round-trip time between any two outermost boxes",
     .example = "40 ms"},
    {.name = "uniform",
     .kind = SCHEMA_TIME_RANGE,
     .high = SEC(60),
     .doc = "a round-trip time drawn for each pair, alike in both directions",
     .example = "10 ms..200 ms"},
    {.name = "matrix",
     .kind = SCHEMA_FILE,
     .doc = "a text file with a square matrix of round-trip times in ms; each host stands in a "
            "row drawn for it",
     .example = "latency/sites.txt"},
    {.name = "regions",
     .kind = SCHEMA_FILE,
     .doc = "a file of world regions, their weights and the round-trip times between them",
     .example = "latency/regions.yaml"},
};
static const struct schema_map LATENCY = {
    .doc = "round-trip times between the outermost boxes of two hosts",
    .keys = LATENCY_KEYS,
    .count = COUNT(LATENCY_KEYS),
    .alternatives = COUNT(LATENCY_KEYS)};

static const struct schema_key BROKEN_KEYS[] = {
    {.name = "nodes",
     .kind = SCHEMA_SHARE,
     .standard = "0%",
     .doc = "share of hosts whose direct paths to other hosts never work",
     .example = "2%"},
    {.name = "pairs",
     .kind = SCHEMA_SHARE,
     .standard = "0%",
     .doc = "share of pairs of hosts whose direct path never works",
     .example = "5%"},
};
static const struct schema_map BROKEN = {
    .doc = "static residual failure of direct paths, for calibration",
    .keys = BROKEN_KEYS,
    .count = COUNT(BROKEN_KEYS)};

static const struct schema_key NETWORK_KEYS[] = {
    {.name = "latency",
     .kind = SCHEMA_MAP,
     .standard = "{constant: 100 ms}",
     .inside = &LATENCY,
     .doc = "round-trip times between outermost boxes: exactly one of the keys inside",
     .example = "{ uniform: 10 ms..200 ms }"},
    {.name = "jitter",
     .kind = SCHEMA_SHARE,
     .standard = "0%",
     .doc = "added to each datagram's one-way delay: uniform from 0 to this share of it",
     .example = "5%"},
    {.name = "loss",
     .kind = SCHEMA_SHARE,
     .standard = "0%",
     .doc = "share of datagrams lost, in each direction",
     .example = "0.5%"},
    {.name = "broken",
     .kind = SCHEMA_MAP,
     .standard = "{}",
     .inside = &BROKEN,
     .doc = "direct paths that never work",
     .example = "{ pairs: 5% }"},
};
static const struct schema_map NETWORK = {.doc = "the network between the outermost boxes",
                                          .keys = NETWORK_KEYS,
                                          .count = COUNT(NETWORK_KEYS)};

static const struct schema_key ACCESS_KEYS[] = {
    {.name = "up",
     .kind = SCHEMA_BANDWIDTH,
     .standard = "unlimited",
     .doc = "bandwidth from the host to the network",
     .example = "20 Mbit/s"},
    {.name = "down",
     .kind = SCHEMA_BANDWIDTH,
     .standard = "unlimited",
     .doc = "bandwidth from the network to the host",
     .example = "100 Mbit/s"},
    {.name = "delay",
     .kind = SCHEMA_TIME,
     .standard = "0 s",
     .high = SEC(60),
     .doc = "of the access line, one way",
     .example = "8 ms"},
    {.name = "queue",
     .kind = SCHEMA_WORD,
     .standard = "drop_tail",
     .words = QUEUES,
     .doc = "of the line, in each direction; codel (RFC 8289) and fq_codel (RFC 8290) need "
            "--engine ns3",
     .example = "fq_codel"},
    {.name = "loss",
     .kind = SCHEMA_SHARE,
     .standard = "0%",
     .doc = "share of datagrams that the line itself loses, in each direction; needs --engine ns3",
     .example = "0.1%"},
    {.name = "mtu",
     .kind = SCHEMA_SIZE,
     .standard = "65535 B",
     .low = 576,
     .high = 65535,
     .doc = "the largest IP packet on the line: IPv4 is cut for it (RFC 791) unless that is "
            "forbidden, larger IPv6 is lost there",
     .example = "1492 B"},
    {.name = "dont_fragment",
     .kind = SCHEMA_SWITCH,
     .standard = "off",
     .doc = "the hosts forbid to cut what they send (the DF bit)",
     .example = "on"},
};
static const struct schema_map ACCESS = {.doc = "the line between a host and its outermost box",
                                         .keys = ACCESS_KEYS,
                                         .count = COUNT(ACCESS_KEYS)};

static const struct schema_key ATTACK_KEYS[] = {
    {.name = "rate",
     .kind = SCHEMA_RATE,
     .need = NEED_REQUIRED,
     .doc = "datagrams of each flooder, dials of each reflector and framer",
     .example = "20/s"},
    {.name = "at",
     .kind = SCHEMA_NAMES,
     .need = NEED_REQUIRED,
     .doc = "populations to whose hosts they go",
     .example = "server"},
    {.name = "victim",
     .kind = SCHEMA_NAME,
     .doc = "a population: each datagram of a flooder bears the address of a host of it, each "
            "reflector claims one, each framer takes all peers for one; default: the flooder's own "
            "address",
     .example = "bystander"},
    {.name = "sources",
     .kind = SCHEMA_WORD,
     .standard = "own",
     .words = SOURCES,
     .doc = "a flooder without victim: its datagrams bear its own address, or any",
     .example = "any"},
    {.name = "forge",
     .kind = SCHEMA_WORDS,
     .standard = "[init, data, rubbish]",
     .words = FORGERIES_OF,
     .doc = "what a flooder sends in turn: init: a handshake's first datagram; open: its second "
            "with a made-up cookie; replay: with a cookie that was given to another address; "
            "proved: with one given to this address, and a handshake that proves nothing; data: a "
            "sealed datagram on a guessed channel; rubbish",
     .example = "[init, open, replay]"},
    {.name = "from",
     .kind = SCHEMA_TIME,
     .standard = "0 s",
     .doc = "when it begins",
     .example = "1 min"},
};
static const struct schema_map ATTACK = {
    .doc = "what hostile hosts do", .keys = ATTACK_KEYS, .count = COUNT(ATTACK_KEYS)};

static const struct schema_key POPULATION_KEYS[] = {
    {.name = "name",
     .kind = SCHEMA_NAME,
     .need = NEED_REQUIRED,
     .doc = "how the other keys call these hosts",
     .example = "home"},
    {.name = "count",
     .kind = SCHEMA_COUNT,
     .need = NEED_REQUIRED,
     .low = 1,
     .high = MOST_HOSTS,
     .doc = "number of hosts",
     .example = "700"},
    {.name = "nat",
     .kind = SCHEMA_NAT,
     .standard = "none",
     .doc = "what stands between a host and the network: none, a profile's name, a chain of them "
            "(list, inside first), { population: NAME } or knobs",
     .example = "[home_apdf, cgn_cellular]"},
    {.name = "subscribers_per_nat",
     .kind = SCHEMA_COUNT,
     .standard = "1",
     .low = 1,
     .high = 1000000,
     .doc = "hosts that share the outermost box",
     .example = "64"},
    {.name = "family",
     .kind = SCHEMA_WORD,
     .standard = "4",
     .words = FAMILIES,
     .doc = "of the hosts' addresses: IPv4 or IPv6",
     .example = "6"},
    {.name = "access",
     .kind = SCHEMA_MAP,
     .standard = "{}",
     .inside = &ACCESS,
     .doc = "the line between a host and its outermost box",
     .example = "{ up: 20 Mbit/s, down: 100 Mbit/s, delay: 8 ms }"},
    {.name = "roles",
     .kind = SCHEMA_WORDS,
     .standard = "[]",
     .words = ROLES,
     .doc = "bootstrap: others join through these hosts, which start first; relay: they forward "
            "for others; echo: they send every datagram back",
     .example = "[bootstrap, relay]"},
    {.name = "behaviour",
     .kind = SCHEMA_WORD,
     .standard = "honest",
     .words = BEHAVIOURS,
     .doc = "how the hosts play: honest; liar: tells every peer false addresses; flooder: no node, "
            "but forged datagrams; reflector: dials with a victim's address for its own; "
            "framer: dials, and tells everybody that its peers are at a victim's address; "
            "bystander: no node, the address of a victim; tap: no node, but a TAP device of this "
            "machine, for a real one in its place (--engine ns3, `crypto: real`, real time)",
     .example = "honest"},
    {.name = "attack",
     .kind = SCHEMA_MAP,
     .inside = &ATTACK,
     .doc = "what a flooder, a reflector or a framer does",
     .example = "{ rate: 20/s, at: server, victim: bystander, from: 1 min }"},
    {.name = "stack",
     .kind = SCHEMA_FREE,
     .standard = "{}",
     .doc = "configuration of the core for these hosts, after the scenario-wide one; `library: "
            "FILE` is another build of the core (libmist.so) for them, relative to this file",
     .example = "{ punch: { rounds: 8 } }"},
};
static const struct schema_map POPULATION = {
    .doc = "a group of like hosts", .keys = POPULATION_KEYS, .count = COUNT(POPULATION_KEYS)};

static const struct schema_key WORKLOAD_KEYS[] = {
    {.name = "dial",
     .kind = SCHEMA_WORD,
     .words = DIALS,
     .doc = "uniform: each source dials a random other host at `rate`; all_pairs: every ordered "
            "pair once, evenly spaced from `from` to `until`",
     .example = "uniform"},
    {.name = "publish",
     .kind = SCHEMA_WORD,
     .words = PUBLISHES,
     .doc = "each source publishes `size` bytes at `rate`: uniform: on the topic of a random "
            "other host; shared: on one topic, to which all of `dst` subscribe",
     .example = "uniform"},
    {.name = "rate",
     .kind = SCHEMA_RATE,
     .doc = "per node of the source group; not with all_pairs",
     .example = "1/min"},
    {.name = "from",
     .kind = SCHEMA_TIME,
     .standard = "0 s",
     .doc = "when it begins",
     .example = "2 min"},
    {.name = "until",
     .kind = SCHEMA_TIME,
     .doc = "when it ends; default: duration - window, so that every dial gets its outcome",
     .example = "9 min"},
    {.name = "window",
     .kind = SCHEMA_TIME,
     .standard = "60 s",
     .low = 1,
     .doc = "how long a dial lasts; its outcome is the best within it",
     .example = "30 s"},
    {.name = "src",
     .kind = SCHEMA_NAMES,
     .doc = "populations that act; default: all honest ones without the role bootstrap",
     .example = "home"},
    {.name = "dst",
     .kind = SCHEMA_NAMES,
     .doc =
         "populations that are dialled, or subscribe to a shared topic; default: all honest ones "
         "without the role bootstrap",
     .example = "[home, mobile]"},
    {.name = "size",
     .kind = SCHEMA_SIZE,
     .standard = "200 B",
     .high = 900,
     .doc = "bytes of a published message",
     .example = "200 B"},
    {.name = "settled",
     .kind = SCHEMA_TIME,
     .standard = "0 s",
     .doc = "a publication is due to subscribers that holders acknowledged so long before, and "
            "that stay until its window ends; 0 s: to those that run when it is published",
     .example = "10 s"},
    {.name = "talk",
     .kind = SCHEMA_TIME,
     .low = MS(1),
     .doc = "the source of a connected dial sends a datagram so often, so that recovery from "
            "faults is seen; default: never",
     .example = "1 s"},
    {.name = "persons",
     .kind = SCHEMA_WORD,
     .standard = "unknown",
     .words = PERSONS,
     .doc = "whom a dial is for: unknown: whoever answers to the name; known: the same, but the "
            "run counts who was somebody else (wrong_keys); pinned: the dialer has the key of its "
            "peer beforehand, as from an address book",
     .example = "pinned"},
};
static const struct schema_map WORKLOAD = {.doc = "something that hosts do",
                                           .keys = WORKLOAD_KEYS,
                                           .count = COUNT(WORKLOAD_KEYS),
                                           .alternatives = 2};

static const struct schema_key RECORD_KEYS[] = {
    {.name = "packets",
     .kind = SCHEMA_SWITCH,
     .standard = "off",
     .doc = "every datagram",
     .example = "on"},
    {.name = "traffic",
     .kind = SCHEMA_WORD,
     .words = TRAFFIC,
     .doc = "traffic by node or by population; default: population above 5,000 nodes",
     .example = "node"},
};
static const struct schema_map RECORD = {.doc = "what goes into the results besides the usual",
                                         .keys = RECORD_KEYS,
                                         .count = COUNT(RECORD_KEYS)};

static const struct schema_key ENGINE_KEYS[] = {
    {.name = "ns3",
     .kind = SCHEMA_FREE,
     .standard = "{}",
     .doc = "attributes of ns-3 by their names there, for all objects that have them, unless the "
            "scenario itself says more: rates, delays, MTU",
     .example = "{ \"ns3::CoDelQueueDisc::Target\": 2ms }"},
};
static const struct schema_map ENGINE = {
    .doc = "what one engine alone understands", .keys = ENGINE_KEYS, .count = COUNT(ENGINE_KEYS)};

static const struct schema_key SCENARIO_KEYS[] = {
    {.name = "mist",
     .kind = SCHEMA_COUNT,
     .need = NEED_REQUIRED,
     .low = 1,
     .high = 1,
     .doc = "version of this format",
     .example = "1"},
    {.name = "name",
     .kind = SCHEMA_NAME,
     .need = NEED_REQUIRED,
     .doc = "of the scenario and of its results file",
     .example = "evening-in-europe"},
    {.name = "question",
     .kind = SCHEMA_TEXT,
     .standard = "",
     .doc = "what a run answers, in a sentence",
     .example = "How many home users reach each other directly?"},
    {.name = "seed",
     .kind = SCHEMA_COUNT,
     .standard = "1",
     .doc = "of all randomness, unless the command line gives another",
     .example = "1"},
    {.name = "duration",
     .kind = SCHEMA_TIME,
     .need = NEED_REQUIRED,
     .low = MS(1),
     .high = HUNDRED_YEARS,
     .doc = "simulated time",
     .example = "30 min"},
    {.name = "join",
     .kind = SCHEMA_TIME,
     .doc = "hosts without the role bootstrap start within this time, uniformly; default: 60 s, "
            "at most a tenth of the duration",
     .example = "60 s"},
    {.name = "network",
     .kind = SCHEMA_MAP,
     .standard = "{}",
     .inside = &NETWORK,
     .doc = "the network between the outermost boxes",
     .example = "{ latency: { constant: 40 ms }, loss: 0.5% }"},
    {.name = "population",
     .kind = SCHEMA_LIST,
     .high = 1000,
     .need = NEED_REQUIRED,
     .inside = &POPULATION,
     .doc = "the hosts, in groups",
     .example = "[{ name: home, count: 700, nat: { population: roverso } }]"},
    {.name = "stack",
     .kind = SCHEMA_FREE,
     .standard = "{}",
     .doc = "configuration of the core, by its own names; `library` as under population",
     .example = "{ punch: { strategy: mist } }"},
    {.name = "crypto",
     .kind = SCHEMA_WORD,
     .standard = "modelled",
     .words = CRYPTO,
     .doc = "modelled: the core's messages and sizes with a cheap keyed hash for its cryptography; "
            "real: as on real sockets, several times slower, with the same facts",
     .example = "real"},
    {.name = "engine",
     .kind = SCHEMA_MAP,
     .standard = "{}",
     .inside = &ENGINE,
     .doc = "what one engine alone understands; the others do not look at it",
     .example = "{ ns3: { \"ns3::CoDelQueueDisc::Target\": 2ms } }"},
    {.name = "workload",
     .kind = SCHEMA_LIST,
     .high = 100,
     .standard = "[]",
     .inside = &WORKLOAD,
     .doc = "what the hosts do",
     .example = "[{ dial: uniform, rate: 1/min, from: 2 min }]"},
    {.name = "churn",
     .kind = SCHEMA_MAP,
     .inside = &SCHEMA_CHURN,
     .doc = "hosts come and go; at the beginning as if they had done so for ever",
     .example = "{ session: { weibull: { shape: 0.61, scale: 3.66 h } } }"},
    {.name = "faults",
     .kind = SCHEMA_LIST,
     .high = PLAN_FAULTS,
     .standard = "[]",
     .inside = &SCHEMA_FAULT,
     .doc = "what breaks, and when",
     .example = "[{ at: 10 min, nat_reboot: home, share: 10% }]"},
    {.name = "sweep",
     .kind = SCHEMA_SWEEP,
     .standard = "{}",
     .doc = "a run for each combination of the values; the first key changes slowest",
     .example = "{ network.loss: [0%, 2%] }"},
    {.name = "expect",
     .kind = SCHEMA_EXPECT,
     .standard = "{}",
     .doc = "bounds on metrics, which make the scenario a test; `matrix` lists outcomes by pair "
            "of populations",
     .example = "{ dial.direct_rate: \">= 70%\" }"},
    {.name = "compare",
     .kind = SCHEMA_COMPARE,
     .standard = "{}",
     .doc = "the metrics, at most 8, by which `mistsim compare` judges two versions, each with "
            "the loss that would not matter: of a share points (`1%`), of others an amount "
            "(`20 ms`) or a share of the value (`5%`)",
     .example = "{ dial.direct_rate: 1%, dial.first_byte.p50: 20 ms }"},
    {.name = "record",
     .kind = SCHEMA_MAP,
     .standard = "{}",
     .inside = &RECORD,
     .doc = "what goes into the results besides the usual",
     .example = "{ traffic: population }"},
};
const struct schema_map SCHEMA_SCENARIO = {
    .doc = "a scenario", .keys = SCENARIO_KEYS, .count = COUNT(SCENARIO_KEYS)};

static const struct schema_key REGION_KEYS[] = {
    {.name = "name",
     .kind = SCHEMA_NAME,
     .need = NEED_REQUIRED,
     .doc = "of the region",
     .example = "europe_west"},
    {.name = "weight",
     .kind = SCHEMA_COUNT,
     .need = NEED_REQUIRED,
     .low = 0,
     .high = 1000000000,
     .doc = "share of the hosts that stand there, in any unit",
     .example = "15"},
};
static const struct schema_map REGION = {
    .doc = "a region of the world", .keys = REGION_KEYS, .count = COUNT(REGION_KEYS)};

static const struct schema_key REGIONS_KEYS[] = {
    {.name = "regions",
     .kind = SCHEMA_LIST,
     .high = 1000,
     .need = NEED_REQUIRED,
     .inside = &REGION,
     .doc = "the regions, in the order of the table"},
    {.name = "rtt",
     .kind = SCHEMA_TABLE,
     .need = NEED_REQUIRED,
     .doc = "a row per region: round-trip times to each region"},
    {.name = "source", .kind = SCHEMA_TEXT, .need = NEED_REQUIRED, .doc = "of the measurements"},
    {.name = "assumed", .kind = SCHEMA_TEXT, .standard = "", .doc = "what no source says"},
};
const struct schema_map SCHEMA_REGIONS = {
    .doc = "round-trip times between regions", .keys = REGIONS_KEYS, .count = COUNT(REGIONS_KEYS)};
