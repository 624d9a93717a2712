/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/consumer.h - records out of partitions that the caller names (groups: group_consumer.h).
 *
 *     consumer_assign() -> position unknown -> ListOffsets -> fetch, fetch, fetch ...
 *                               ^                                |
 *                               '---- offset out of range -------'
 *
 * Each leader has at most one Fetch under way, a long poll over all partitions that it
 * leads and that have no undelivered answer.  Before the records of an answer are
 * delivered the next Fetch is already sent, so the broker works while we do.
 *
 * record() gets each record from the position on: records of control batches and, with
 * read_committed, of aborted transactions are left out.
 *
 * Threading: the cluster's loop.
 * Errors:    failed() for a partition that cannot go on.  What may pass is tried again.
 */

#include "client/cluster.h"
#include "wire/batch.h"

struct consumer;

enum consumer_reset { CONSUMER_RESET_EARLIEST, CONSUMER_RESET_LATEST, CONSUMER_RESET_NONE };

struct consumer_settings {
    int32_t max_wait_ms, min_bytes, max_bytes, partition_max_bytes;
    int64_t request_timeout_ms;
    int64_t retry_backoff_ms, retry_backoff_max_ms;
    enum consumer_reset reset; /* Where to go on when an offset is not there. */
    bool is_read_committed;
    bool check_crcs;
    size_t decoded_max; /* Of one batch, decompressed. */
};

/* The Java client's defaults. */
struct consumer_settings consumer_settings_defaults(void);

/* Where to begin: an offset, or where a time is (the special times are Kafka's). */
enum { CONSUMER_LATEST = -1, CONSUMER_EARLIEST = -2 };

struct consumer_start {
    bool is_offset;
    int64_t value; /* An offset; or CONSUMER_LATEST, CONSUMER_EARLIEST or Unix time in ms. */
};

enum consumer_state {
    CONSUMER_LOOK_UP, /* The position is to be asked for. */
    CONSUMER_READY,   /* A Fetch may be sent. */
    CONSUMER_BUSY,    /* A request is under way. */
    CONSUMER_FAILED,
};

struct consumer_partition {
    struct list_node node_in;    /* In consumer->partitions. */
    struct cluster_topic *topic; /* Borrowed: as old as the cluster. */
    int32_t partition;
    enum consumer_state state;
    int64_t position;       /* The next record to deliver; -1: not known yet. */
    int64_t fetch_from;     /* The next record to fetch. */
    int64_t lookup;         /* The time to ask for, in CONSUMER_LOOK_UP. */
    int64_t high_watermark; /* -1: not known yet. */
    int64_t committed;      /* A group consumer's: what its group has been told; -1: nothing. */
    int64_t not_before_us;  /* Backing off until then. */
    unsigned failures;      /* In a row. */
    bool is_append_time;    /* Of the record being delivered: its time is the broker's. */
    int64_t *aborted;       /* Owned: producers whose open transaction is aborted, */
    size_t aborted_count, aborted_capacity;
};

struct consumer_events {
    /* A record; false pauses the consumer behind it. */
    bool (*record)(struct consumer *consumer, struct consumer_partition *partition,
                   const struct record *record);
    /* The partition cannot go on: a code of wire/errors.def, or 0 and a constant sentence. */
    void (*failed)(struct consumer *consumer, struct consumer_partition *partition, int16_t error,
                   const char *why);
    /* All records that had arrived were delivered; may be NULL. */
    void (*delivered)(struct consumer *consumer);
};

struct consumer {
    struct cluster *cluster; /* Borrowed: outlives the consumer. */
    struct consumer_settings settings;
    const struct consumer_events *events;
    struct cluster_watch watch;
    struct list partitions;          /* struct consumer_partition */
    struct list requests;            /* struct consumer_request, under way. */
    struct list arrived;             /* struct consumer_request, answered and not delivered. */
    struct loop_hook pump;           /* Sends what can be sent, at the end of a turn. */
    struct loop_timer timer;         /* The end of a pause. */
    struct loop_timer deliver;       /* Delivers in the turn after the answer came. */
    struct text scratch;             /* Owned: where batches are decompressed, ... */
    struct inflater_cache inflaters; /* ... and with what. */
    bool is_paused;
};

/* Makes a consumer of nothing. */
void consumer_init(struct consumer *consumer, struct cluster *cluster,
                   const struct consumer_settings *settings, const struct consumer_events *events);

/* Ends it.  Before cluster_fini(), and not from inside a callback. */
void consumer_fini(struct consumer *consumer);

/* Adds a partition, which is not assigned yet. */
struct consumer_partition *consumer_assign(struct consumer *consumer, struct slice topic,
                                           int32_t partition, struct consumer_start start);

/* Takes all partitions away, and with them what was fetched of them and not delivered.  Not from
 * inside a callback. */
void consumer_unassign(struct consumer *consumer);

/* Stops delivering; nothing new is fetched.  Resume goes on in a later turn. */
void consumer_pause(struct consumer *consumer);
void consumer_resume(struct consumer *consumer);
