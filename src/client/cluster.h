/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/cluster.h - a cluster as its clients see it: nodes to talk to, and who leads
 * which partition.
 *
 *     bootstrap addresses -> links -> metadata -> nodes -> links
 *
 * Nothing is connected before the first call needs it.  A call to any node goes to the
 * least busy of those that answer; the first goes to a bootstrap address, and when the
 * metadata names that address as a broker's, its connection becomes that broker's.
 *
 * A call is tried again until its deadline when its connection breaks or when its
 * verdict() is an error that error_retry() calls retriable, with growing pauses; an error
 * that asks for it refreshes the metadata first.  Connections that cannot be made are
 * tried again with growing pauses and jitter.
 *
 * Metadata is kept for the topics that somebody wants (cluster_want_topic()); it is asked
 * for again when it is old, when an error says so, and as long as a wanted topic has an
 * error or a partition has no leader.  Watchers hear of each new state.
 *
 * Threading: one loop.
 * Errors:    none of its own: every failure becomes the outcome of a call.
 */

#include "base/diag.h"
#include "base/map.h"
#include "base/rng.h"
#include "client/call.h"
#include "net/connection.h"

enum { CLUSTER_LANES = 2, CLUSTER_ADDRESSES_MAX = 4 };

/* Finds numeric addresses of `host`, at most `max`; returns how many.  Called on a worker
 * thread.  Numeric hosts and "localhost" do not need it. */
typedef size_t cluster_resolve_fn(const char *host, uint16_t port, struct io_address *out,
                                  size_t max);

struct cluster_settings {
    const char *bootstrap;       /* "host:port,host:port"; copied. */
    const char *client_id;       /* Copied. */
    cluster_resolve_fn *resolve; /* NULL: only numeric hosts and localhost. */
    struct diag *diag;           /* Borrowed: outlives the cluster. */
    int64_t request_timeout_ms;  /* Of one attempt. */
    int64_t call_timeout_ms;     /* Of all attempts. */
    int64_t connect_timeout_ms;
    int64_t reconnect_backoff_ms, reconnect_backoff_max_ms;
    int64_t retry_backoff_ms, retry_backoff_max_ms;
    int64_t metadata_max_age_ms;
    size_t frame_size_max;
    bool has_no_metadata;   /* The nodes are those of `bootstrap`: Metadata is never asked for. */
    bool allow_auto_create; /* Topics that are asked for may be made. */
};

/* Kafka's defaults, without a bootstrap. */
struct cluster_settings cluster_settings_defaults(void);

struct cluster_partition {
    int32_t leader; /* -1: none. */
    int32_t leader_epoch;
    int16_t error;
};

struct cluster_topic {
    struct map_node by_name;              /* In cluster->topics. */
    char *name;                           /* Owned. */
    struct uuid id;                       /* Zero: not known. */
    struct cluster_partition *partitions; /* Owned; `count` of them. */
    int32_t count;                        /* 0: not known yet, or an error. */
    int16_t error;                        /* Of the last answer. */
    bool is_answered;                     /* There was an answer. */
};

struct link;

struct cluster_node {
    struct list_node node_in; /* In cluster->nodes or cluster->bootstrap. */
    int32_t id;               /* Below 0: a bootstrap address. */
    char *host;               /* Owned. */
    uint16_t port;
    struct link *links[CLUSTER_LANES]; /* Owned, or NULL. */
    bool is_gone;                      /* Not in the latest metadata. */
};

/* Hears of new metadata.  Embedded in its owner, who removes it before it dies. */
struct cluster_watch {
    void (*changed)(struct cluster_watch *watch);
    struct list_node node_in;
};

struct cluster {
    struct loop *loop; /* Borrowed: outlives the cluster. */
    struct cluster_settings settings;
    char *client_id; /* Owned. */
    struct rng rng;
    struct budget budget;
    struct net net;
    struct list nodes, bootstrap; /* struct cluster_node */
    struct list pending;          /* struct call, oldest first. */
    struct loop_hook dispatch;    /* Sends what can be sent. */
    struct list watches;          /* struct cluster_watch */

    struct map topics; /* struct cluster_topic, the wanted ones. */
    struct call refresh;
    struct loop_timer refresh_timer;
    int64_t refreshed_us; /* When the last metadata came; 0: never. */
    unsigned refresh_failures;
    bool is_refresh_short; /* The request under way lacks a topic. */
    char *cluster_id;      /* Owned, or NULL. */
    int32_t controller;    /* -1: not known. */
    int32_t correlation;
    bool is_stopping;
};

enum cluster_outcome {
    CLUSTER_E_BOOTSTRAP = 1, /* Not host:port, or an empty list. */
};

/* Makes a cluster on `loop`.  `rng` is for jitter and choices.  Nothing is connected. */
NODISCARD int cluster_init(struct cluster *cluster, struct loop *loop, struct rng rng,
                           const struct cluster_settings *settings);

/* Ends all calls (CALL_E_STOPPED) and connections.  Not from inside a callback. */
void cluster_fini(struct cluster *cluster);

/* Starts a call, which is not under way and was call_init()ed. */
void cluster_call(struct cluster *cluster, struct call *call);

/* Wants the topic from now on, and returns what is known of it. */
struct cluster_topic *cluster_want_topic(struct cluster *cluster, struct slice name);

/* The wanted topic of this name, or NULL. */
struct cluster_topic *cluster_find_topic(struct cluster *cluster, struct slice name);

/* Asks for metadata again, soon. */
void cluster_refresh(struct cluster *cluster);

/* Adds or removes a watch; one that is not added is left alone. */
void cluster_watch(struct cluster *cluster, struct cluster_watch *watch);
void cluster_unwatch(struct cluster_watch *watch);

/* A pause before attempt number `attempts` + 1, in microseconds: `first_ms` doubled each
 * time up to `max_ms`, and 20 % jitter. */
int64_t cluster_backoff_us(struct cluster *cluster, unsigned attempts, int64_t first_ms,
                           int64_t max_ms);
