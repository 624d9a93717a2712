/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/run.h - one life of a broker, made from one seed.
 *
 *      set up --> work, with faults --> heal --> stop and start --> read everything --> judge
 *
 * A broker runs in a simulated world (test/sim/sim.h), and clients of our own speak the
 * protocol to it: producers that send again as librdkafka does, consumers that read along,
 * somebody who makes and deletes topics.  The nemesis kills the broker, takes its power
 * away, breaks connections and disks.  At the end all faults are off; every record is read
 * back and the history of all clients is judged (test/sim/history.h).
 *
 * Some lives are those of a cluster: a controller, and three brokers which are killed each by
 * itself.  Clients learn from Metadata which of them leads; each talks to one of them.
 *
 * Everything about a run is drawn from its seed: how many clients and partitions, which
 * versions of the protocol they speak, what goes wrong and when.
 *
 * Threading: one thread.
 * Errors:    run_fail() is the end of a run's good name, not of the run.
 */

#include "base/text.h"
#include "base/uuid.h"
#include "test/sim/history.h"
#include "test/sim/ledger.h"
#include "test/sim/sim.h"

#include <stdio.h>

enum {
    SHARDS_MAX = 8,
    TOPICS_MAX = 4,
    PARTITIONS_MAX = 6,
    RUN_CLIENTS_MAX = 16,
    BROKERS_MAX = 3,
    SERVERS_MAX = 1 + BROKERS_MAX,
};

/* A run that is told what to do, where others draw it. */
struct run_plan {
    int32_t partitions;   /* Of its only topic. */
    int batches;          /* Of its only producer, which is idempotent. */
    enum sim_death death; /* Comes when all is written, before it is read. */
};

struct run_options {
    uint64_t seed;
    const struct run_plan *plan; /* Borrowed, or NULL: drawn. */
    int shards;                  /* 0: the seed decides between one and four. */
    bool is_calm;                /* No faults at all. */
    bool is_verbose;             /* Says on stderr what happens. */
    FILE *trace;                 /* Borrowed, or NULL: every event of the world. */
};

/* A topic that lives as long as the run.  Its partitions have the numbers first_number,
 * first_number + 1 ... in the history. */
struct run_topic {
    char name[32];
    struct uuid id;
    int32_t partitions;
    uint32_t first_number;
    int leaders[PARTITIONS_MAX]; /* By partition: which of run->servers leads it. */
    bool is_compacted;
    bool is_lossy; /* page-cache durability: a loss of power may take records back. */
    const char *retention_ms, *retention_bytes; /* NULL: records stay. */
    bool is_append_time;                        /* Times are the broker's. */
};

/* True if records of it go by themselves. */
static inline bool run_topic_expires(const struct run_topic *topic)
{
    return topic->retention_ms || topic->retention_bytes;
}

enum run_phase { RUN_SETUP, RUN_WORK, RUN_HEAL, RUN_RESTART, RUN_READ, RUN_OVER };

struct server;
struct producer;
struct consumer;
struct churner;
struct trimmer;
struct groups;
struct nemesis;

struct run {
    struct run_options options;
    struct sim *sim;
    struct rng rng; /* For what the test decides, apart from what the world does. */
    struct history *history;
    enum run_phase phase;
    bool is_cluster;
    struct server *servers[SERVERS_MAX]; /* The broker; or a controller, and then its brokers. */
    int server_count;
    struct server *server; /* The first of them. */
    struct nemesis *nemeses[SERVERS_MAX];
    struct churner *churner;
    struct trimmer *trimmer; /* NULL: nobody deletes records. */
    struct groups *groups;   /* NULL: there are none. */
    struct producer *producers[RUN_CLIENTS_MAX];
    int producer_count;
    struct consumer *consumers[RUN_CLIENTS_MAX];
    int consumer_count;
    struct consumer *readers[BROKERS_MAX]; /* Those at the end. */
    int reader_count;
    struct run_topic topics[TOPICS_MAX];
    int topic_count;
    uint32_t next_number; /* Of a partition, in the history. */
    uint64_t next_value;
    struct sim_event tick; /* Looks after the phases. */
    int64_t phase_ends_us;
    struct text ids; /* int64_t: all producer ids that were ever given out. */
    int failures;
    struct text why; /* One line for each failure. */
};

/* What a run was like. */
struct run_result {
    bool is_good;
    uint64_t hash; /* Of all that happened. */
    size_t writes, acknowledged, records_read;
    size_t values;              /* Records that were ever sent, each counted once. */
    size_t records_at_end;      /* Records that the reader found. */
    struct ledger_sizes groups; /* Zeros if there were none. */
    struct sim_stats stats;
    int64_t virtual_us;
};

/* Lives through a run.  What is wrong is printed on `out`, which may be NULL. */
struct run_result run_seed(const struct run_options *options, FILE *out);

/* Notes a producer id that the broker has given out: never twice. */
void run_note_id(struct run *run, int64_t id);

/* Notes that the broker has broken a promise that is not one of the history's. */
void run_fail(struct run *run, const char *format, ...) PRINTF(2, 3);

/* Says what happens, if anybody wants to know. */
void run_say(struct run *run, const char *format, ...) PRINTF(2, 3);

/* The first of run->servers that is a broker; the others follow. */
static inline int run_first_broker(const struct run *run)
{
    return run->is_cluster ? 1 : 0;
}

/* Where a client that may go to any broker is sent. */
struct io_address run_any_broker(struct run *run);

/* Whether a broker may say that it does not know the topic, which is there: in a cluster it may
 * not have heard of it yet. */
bool run_may_not_know(const struct run *run, int16_t error);

/* True if a partition of the topics is led by that server. */
bool run_has_leader(const struct run *run, int at);

/* Fresh values for `count` records. */
uint64_t run_values(struct run *run, uint32_t count);
