/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/scrubber.h - reads through everything that a shard's partitions have on disk, now and
 * then, so that damage is found while there may still be a copy somewhere.
 *
 *      each interval:  topic, topic, topic ...   a step at a time on a worker; fast while there
 *                                                are no requests, else slowly
 *          suspicion   the partition is read there as by a consumer: it verifies, and tells
 *
 * Partitions at rest stay at rest, unless something is wrong with them.
 *
 * Threading: the shard's loop.
 * Errors:    what cannot be read is left for the next round, with a line in the operator's log.
 */

#include "meta/image.h"
#include "os/loop.h"
#include "store/log_scrub.h"

struct shard;

struct scrubber {
    struct shard *shard; /* Borrowed: it has this one. */
    int64_t interval_us; /* Between two rounds. */
    double bytes_per_second;
    struct loop_timer timer;
    struct io_work work;
    struct image *image;             /* Owned reference: that of the round; NULL between two. */
    struct tree_walk walk;           /* Over its topics. */
    const struct image_topic *topic; /* Borrowed from it; NULL at the end. */
    int32_t index;                   /* The partition whose turn it is. */
    struct file *root;               /* Owned reference: where it is; NULL: it is not begun. */
    char name[IO_NAME_MAX];          /* Of its folder there. */
    struct log_scrub scrub;
    int result;        /* Of the step. */
    uint64_t requests; /* That the shard had had at the last step. */
};

/* The first round begins after `delay_ms`, the next ones `interval_ms` behind the end of one.
 * Rate 0: there is none. */
void scrubber_init(struct scrubber *scrubber, struct shard *shard, int64_t delay_ms,
                   int64_t interval_ms, double bytes_per_second);

/* Ends it; what a worker does is waited for. */
void scrubber_fini(struct scrubber *scrubber);
