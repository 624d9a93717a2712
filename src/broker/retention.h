/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/retention.h - looks now and then whether records of a shard's partitions are too old, or
 * too many, by the settings of their topics.
 *
 *      each interval:  topic, topic, topic ...   a few partitions in a turn of the loop
 *          open partition      asked at once (replica/partition.h)
 *          partition at rest   a worker looks into its files, which stay closed; it is opened only
 *                              if something is to go
 *
 * Threading: the shard's loop.
 * Errors:    a look that fails is tried again with the next interval.
 */

#include "meta/image.h"
#include "os/loop.h"
#include "store/log.h"

struct shard;
struct retention_look;

struct retention {
    struct shard *shard; /* Borrowed: it has this one. */
    int64_t interval_us;
    struct loop_timer timer;
    struct io_work work;
    struct image *image;             /* Owned reference: that of the round; NULL between two. */
    struct tree_walk walk;           /* Over its topics. */
    const struct image_topic *topic; /* Borrowed from it; NULL at the end. */
    struct log_retention of_topic;   /* Its settings, ... */
    bool deletes;                    /* ... and whether they count. */
    bool has_told;                   /* That the clock is not to be trusted. */
    int32_t next;                    /* The partition whose turn it is. */
    struct retention_look *looks;    /* Owned; the worker's while it runs. */
    size_t look_count;
};

/* The first look comes after `delay_ms`, the next ones after `interval_ms` each. */
void retention_init(struct retention *retention, struct shard *shard, int64_t delay_ms,
                    int64_t interval_ms);

/* Ends it; what a worker does is waited for. */
void retention_fini(struct retention *retention);
