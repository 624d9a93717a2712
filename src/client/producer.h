/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/producer.h - records into topics.
 *
 *     producer_send() -> queue of a partition -> batches -> a request to each leader
 *                                                              |
 *     delivered() <--------------------------------------------'
 *
 * A record joins the open batch of its partition; a batch is sent when it is full, when
 * it has lingered, or at producer_flush().  Each leader has at most `max_in_flight`
 * requests under way, each with at most one batch of a partition.
 *
 * Batches of a partition keep their order.  A batch that failed and may be sent again
 * goes back to the front; until it is through, its partition sends one batch at a time.
 * With idempotence (the default) each batch has a sequence number, so that the broker
 * drops a batch it already has and refuses one that would leave a gap.  When a batch is
 * given up for certain, or the broker does not know our numbers any more, that partition
 * goes on with a new producer id from number 0; what is sent again then was refused
 * before, so nothing is written twice.
 *
 * A record of a topic that is not known yet waits, at most `max_block_ms`.  Memory is
 * bounded: when `buffer_memory` bytes are held, producer_send() says PRODUCER_E_FULL and
 * has_room() tells when to go on.
 *
 * Threading: the cluster's loop.
 * Errors:    enum producer_outcome from producer_send(); everything later is a report.
 */

#include "client/cluster.h"
#include "client/partitioner.h"
#include "wire/batch.h"

struct producer;

struct producer_settings {
    int16_t acks;       /* -1: all in sync; 1: the leader; 0: nobody. */
    bool is_idempotent; /* Needs acks of -1. */
    enum compress_codec codec;
    int64_t linger_ms;
    int64_t delivery_timeout_ms; /* From producer_send() to the report. */
    int64_t max_block_ms;        /* How long to wait for a topic's metadata. */
    int64_t request_timeout_ms;
    int64_t retry_backoff_ms, retry_backoff_max_ms;
    int64_t retries;   /* Of one batch. */
    size_t batch_size; /* Of a batch, in bytes. */
    size_t buffer_memory;
    size_t request_size_max;
    int max_in_flight; /* Per leader; at most 5 with idempotence. */
};

/* The Java client's defaults. */
struct producer_settings producer_settings_defaults(void);

struct producer_record {
    struct slice topic;
    int32_t partition; /* -1: by key, or any. */
    int64_t timestamp; /* -1: now. */
    struct slice key, value;
    const struct record_header *headers;
    size_t header_count;
    uint64_t token; /* The caller's: comes back in the report. */
};

/* What became of a record. */
struct producer_report {
    uint64_t token;
    const char *topic;
    int32_t partition;    /* -1: it never had one. */
    int16_t error;        /* 0, or one of wire/errors.def. */
    const char *why;      /* A constant sentence where `error` is our own finding, else NULL. */
    struct slice message; /* What the broker said about the error; may be null. */
    int64_t offset;       /* -1: not known. */
};

struct producer_events {
    /* Once for each record that producer_send() took. */
    void (*delivered)(struct producer *producer, const struct producer_report *report);
    /* After PRODUCER_E_FULL: it makes sense to try again. */
    void (*has_room)(struct producer *producer);
    /* Every record was reported. */
    void (*idle)(struct producer *producer);
};

struct producer {
    struct cluster *cluster; /* Borrowed: outlives the producer. */
    struct producer_settings settings;
    const struct producer_events *events;
    struct cluster_watch watch;
    struct map topics;               /* struct producer_topic, by name. */
    struct list active;              /* struct producer_queue that have something to send. */
    struct list requests;            /* struct producer_request, under way. */
    struct list nodes;               /* struct producer_node: what leaders have under way. */
    struct loop_hook pump;           /* Sends what can be sent, at the end of a turn. */
    struct loop_timer timer;         /* The next time something is due. */
    struct deflater_cache deflaters; /* For the batches that are compressed. */
    size_t memory_used;
    size_t records; /* Taken and not reported. */
    uint64_t batches_made;
    bool is_flushing, is_full, is_reporting;

    /* Our identity; the newest, for partitions that have none yet. */
    struct call identify;
    int64_t producer_id; /* -1: none. */
    int16_t producer_epoch;
    bool is_identity_wanted;
    unsigned identity_serial;                          /* Grows with each identity. */
    struct init_producer_id_request *identify_request; /* Owned. */
};

enum producer_outcome {
    PRODUCER_E_FULL = 1,  /* buffer_memory is used up: wait for has_room(). */
    PRODUCER_E_TOO_LARGE, /* The record is larger than request_size_max. */
};

/* Makes a producer; nothing is sent before the first record. */
void producer_init(struct producer *producer, struct cluster *cluster,
                   const struct producer_settings *settings, const struct producer_events *events);

/* Forgets everything that is not delivered, without reports.  Before cluster_fini(), and not
 * from inside a callback. */
void producer_fini(struct producer *producer);

/* Takes a copy of `record`. */
NODISCARD int producer_send(struct producer *producer, const struct producer_record *record);

/* Sends what there is without lingering; idle() tells when all of it is reported. */
void producer_flush(struct producer *producer);
