/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/fakes/fake_cluster.h - a few brokers that do as they are told.
 *
 * Nodes listen on loopback, in the loop of the test.  They answer what our client asks:
 * ApiVersions, Metadata, InitProducerId, Produce, ListOffsets, Fetch, and what the members of one
 * group ask (fake_group.h).  Records are kept as
 * the batches that came, with the broker's check of sequence numbers.  Before each request
 * the test may choose that it fails: the connection breaks before or after the request took
 * effect, nothing is answered, or an error is.
 *
 * It is there to fail in ways that a real broker seldom does; what a real broker answers is
 * compared elsewhere.
 *
 * Threading: the loop's.
 * Errors:    a request that is not understood is a failed assertion.
 */

#include "base/rng.h"
#include "base/text.h"
#include "net/connection.h"
#include "net/listener.h"
#include "test/fakes/fake_group.h"
#include "wire/frame.h"

enum {
    FAKE_NODES_MAX = 3,
    FAKE_TOPICS_MAX = 4,
    FAKE_PARTITIONS_MAX = 8,
    FAKE_PRODUCERS_MAX = 64,
    FAKE_API_KEYS = 128,
};

enum fake_fault {
    FAKE_SERVE,
    FAKE_BREAK_BEFORE, /* The connection ends, nothing has happened. */
    FAKE_BREAK_AFTER,  /* The request took effect, then the connection ends. */
    FAKE_SILENCE,      /* No answer, ever. */
    FAKE_ERROR,        /* Answered with `fault_error`, nothing has happened. */
};

/* What a partition knows of a producer. */
struct fake_producer {
    int64_t id;
    int16_t epoch;
    int32_t next_sequence;
    struct fake_appended {
        int32_t sequence, count;
        int64_t offset;
    } last[5];
    int last_count;
};

struct fake_partition {
    int leader; /* Index of a node; -1: none. */
    int32_t leader_epoch;
    struct text log; /* Batches. */
    int64_t log_start, log_end;
    struct fake_producer producers[FAKE_PRODUCERS_MAX];
    int producer_count;
};

struct fake_topic {
    char name[64];
    struct uuid id;
    struct fake_partition partitions[FAKE_PARTITIONS_MAX];
    int count;
};

struct fake_cluster;

struct fake_node {
    struct fake_cluster *cluster;
    struct listener listener;
    struct net net;
    struct list sessions; /* struct fake_session */
    int32_t id;
};

struct fake_cluster {
    struct loop *loop;
    struct budget budget;
    struct fake_node nodes[FAKE_NODES_MAX];
    int node_count;
    struct fake_topic topics[FAKE_TOPICS_MAX];
    int topic_count;
    int16_t version_max[FAKE_API_KEYS]; /* Of what is served; 0: our newest. */
    bool is_unserved[FAKE_API_KEYS];
    int64_t next_producer_id;
    size_t message_max;       /* Larger batches are refused; 0: none. */
    int64_t aborted_producer; /* Fetch tells of this aborted transaction; 0: of none. */
    int64_t aborted_first;
    struct fake_group group;
    int requests[FAKE_API_KEYS];

    /* Chooses what happens to a request; NULL: it is served. */
    enum fake_fault (*fault)(struct fake_cluster *cluster, int16_t key);
    int16_t fault_error;
    struct rng rng; /* For fault(). */
};

/* Starts `node_count` nodes, with ids from 1. */
void fake_cluster_start(struct fake_cluster *cluster, struct loop *loop, int node_count);
void fake_cluster_stop(struct fake_cluster *cluster);

/* "127.0.0.1:port" of the first node; the text belongs to the caller. */
void fake_cluster_bootstrap(const struct fake_cluster *cluster, char out[static 64]);

/* Adds a topic whose partitions are led by the nodes in turn. */
struct fake_topic *fake_cluster_add_topic(struct fake_cluster *cluster, const char *name,
                                          int partitions);

/* Gives a partition to another node, in a new epoch. */
void fake_cluster_move(struct fake_topic *topic, int partition, int node);

/* Ends all connections. */
void fake_cluster_break(struct fake_cluster *cluster);

/* Stops listening on a node and ends its connections, or listens again. */
void fake_cluster_kill(struct fake_cluster *cluster, int node);

/* Appends a batch of one record to a partition. */
void fake_cluster_append(struct fake_partition *partition, struct slice key, struct slice value,
                         uint16_t attributes, int64_t producer_id);
