/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/producer_internal.h - what the two halves of the producer share: producer.c fills
 * the queues, producer_send.c empties them.
 *
 * Threading: the cluster's loop.
 * Errors:    none.
 */

#include "client/producer.h"
#include "wire/msg/init_producer_id.h"
#include "wire/msg/produce.h"

/* A batch of one partition, from its first record to its report. */
struct producer_batch {
    struct list_node node_in;     /* In queue->batches or queue->flying. */
    struct batch_builder builder; /* While it is open. */
    struct text bytes;            /* Once it was sent: the encoded batch. */
    uint64_t order;               /* Batches of a partition keep this order. */
    uint64_t span;                /* How much of the order is ours, for parts of this batch. */
    uint64_t *tokens;             /* Owned: `count` of them, room for `capacity`. */
    int32_t count, capacity;
    size_t charged; /* Of producer->memory_used. */
    int64_t created_us;
    int32_t sequence; /* Of the first record; -1: not given yet. */
    unsigned attempts;
    bool is_closed; /* It takes no more records. */
};

struct producer_queue {
    struct producer_topic *topic;
    int32_t partition;
    struct list batches; /* struct producer_batch, oldest first; the last is open. */
    struct list flying;  /* Those under way, oldest first. */
    int flying_count;
    struct list_node active; /* In producer->active while `batches` is not empty. */
    int64_t not_before_us;   /* Backing off until then. */
    uint64_t recover_until;  /* One at a time up to this order; 0: as usual. */
    int64_t producer_id;     /* -1: none yet. */
    int16_t producer_epoch;
    int32_t next_sequence;
    unsigned identity_serial_min; /* Needs an identity at least as new as this one. */
    bool needs_identity;
    bool is_established; /* A batch of this identity was acknowledged. */
};

/* A record whose topic is not known yet. */
struct producer_waiting {
    struct list_node node_in;      /* In topic->waiting. */
    struct producer_record record; /* Its slices borrow from `bytes`. */
    struct record_header *headers; /* Owned. */
    uint8_t *bytes;                /* Owned. */
    size_t charged;
    int64_t created_us;
    int16_t error; /* Once it is given up. */
    const char *why;
};

struct producer_topic {
    struct map_node by_name;
    struct cluster_topic *meta;    /* Borrowed: as old as the cluster. */
    struct producer_queue *queues; /* Owned; `count` of them. */
    int32_t count;
    struct partitioner_sticky sticky;
    struct list waiting; /* struct producer_waiting */
    int ratio_percent;   /* Compressed size of recent batches. */
};

/* Requests under way to one leader. */
struct producer_node {
    struct list_node node_in;
    int32_t id;
    int in_flight;
};

/* What goes to one leader at once. */
struct producer_request {
    struct list_node node_in; /* In producer->requests. */
    struct producer *producer;
    struct call call;
    struct arena arena; /* What `message` is made of. */
    struct produce_request message;
    struct producer_node *node;
    struct producer_flight {
        struct producer_queue *queue;
        struct producer_batch *batch; /* NULL: answered. */
    } * flights;                      /* Arena; `count` of them. */
    size_t count, capacity;
    size_t size; /* Of the batches. */
};

/* --- producer.c --- */

/* Reports the records of a batch and frees it.  The batch is on no list. */
void producer_report_batch(struct producer *producer, struct producer_queue *queue,
                           struct producer_batch *batch, const struct producer_report *report);

/* Moves waiting records of topics whose metadata came, and fails those that cannot wait any
 * longer.  Returns when the next of them is due, or INT64_MAX. */
int64_t producer_settle_waiting(struct producer *producer);

/* Puts a batch back where its order belongs. */
void producer_put_back(struct producer *producer, struct producer_queue *queue,
                       struct producer_batch *batch);

/* Frees a batch that is on no list. */
void producer_free_batch(struct producer_batch *batch);

/* --- producer_split.c --- */

/* Replaces a batch that is on no list by two in the queue, each with half of its records.
 * False: it has but one record, or cannot be read; the batch is as it was. */
bool producer_split(struct producer *producer, struct producer_queue *queue,
                    struct producer_batch *batch);

/* --- producer_send.c --- */

/* The number `count` records after `sequence`: numbers wrap from the largest to 0. */
int32_t producer_sequence_after(int32_t sequence, int32_t count);

void producer_pump(struct loop_hook *hook);
void producer_on_timer(struct loop_timer *timer);
void producer_on_metadata(struct cluster_watch *watch);
void producer_identified(struct call *call);
int16_t producer_identify_verdict(const struct call *call);
