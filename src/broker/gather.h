/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/gather.h - what all shards have counted, as of now.
 *
 *      shard 0 --leg--> each shard: its numbers at once, then its partitions, a few in each turn
 *         ^                |        of its loop
 *         \------ leg -----/
 *
 * No request waits longer than one slice for it, and no log is opened: of a partition at rest is
 * told what is kept of it, of one that nobody has used since the start nothing.
 *
 * Threading: shard 0's loop; a gathering that is done does not change any more and may be read, and
 *            its references given back, on any thread.
 * Errors:    none.
 */

#include "broker/broker.h"
#include "broker/metrics.h"

struct topic_sample {
    const struct image_topic *topic; /* Borrowed: the gathering has its image. */
    uint32_t order;                  /* Of the topic in the image. */
    struct traffic_counts counts;
};

struct partition_sample {
    const struct image_topic *topic;
    int32_t index;
    uint32_t segments;
    int64_t start, end, size;
};

struct request_sample {
    size_t row; /* Of apis.def. */
    struct request_times times;
};

/* One shard's. */
struct gather_part {
    struct leg leg;
    struct gather *gather;
    struct loop_timer next; /* Of the shard's loop: the next slice. */
    bool is_waiting;        /* For that. */
    struct tree_walk walk;
    const struct image_topic *topic; /* Where the walk is, */
    int32_t index;                   /* and at which of its partitions. */
    uint32_t order;
    size_t coordinator; /* Which is the next to be counted. */

    int64_t values[METRIC_COUNT];
    struct metrics_connections listeners[ENDPOINTS_MAX];
    struct metric_histogram sync, sync_queue, turns;
    struct request_sample *requests; /* Owned. */
    size_t request_count;
    struct topic_sample *topics; /* Owned, by order. */
    size_t topic_count, topic_room;
    struct partition_sample *partitions; /* Owned. */
    size_t partition_count, partition_room;
};

struct gather {
    struct broker *broker;
    struct image *image; /* Owned reference: whose partitions are told. */
    _Atomic int refs;
    int64_t at_us; /* When it was begun. */
    int pending;
    bool is_cancelled;
    void (*done)(struct gather *gather, void *context);
    void *context;
    int part_count;
    struct gather_part parts[];
};

/* Begins; done() is called with the one reference there is, then or later. */
struct gather *gather_start(struct broker *broker,
                            void (*done)(struct gather *gather, void *context), void *context);

/* No loop turns any more: it ends with the mail that is under way. */
void gather_cancel(struct gather *gather);

/* One more reference; one less, NULL is allowed, always returns NULL.  Any thread. */
struct gather *gather_ref(struct gather *gather);
struct gather *gather_unref(struct gather *gather);
