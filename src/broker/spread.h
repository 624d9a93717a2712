/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/spread.h - a request about many partitions, each of which is asked on its home shard.
 *
 *      spread_add ... spread_add, spread_start  --a leg to each shard-->  run(part) for each
 *                                               <--when all have ended--  done()
 *
 * Memory is the request's.  On a home shard nothing can be had of the request's arena.
 *
 * Threading: the session's shard, but for run() and spread_end_part().
 * Errors:    none of its own; parts keep theirs.
 */

#include "broker/shard.h"

struct request;

/* A partition.  Embedded in what is to be known of it. */
struct spread_part {
    struct spread_part *next; /* On the same leg. */
    struct spread_leg *leg;
    const struct image_topic *topic;
    int32_t index;
};

struct spread_leg {
    struct leg leg;
    struct spread *spread;
    struct spread_part *first, **last;
    int pending; /* Parts that have not ended, and one for the leg itself. */
};

struct spread {
    struct request *request;
    /* On the home shard: ends, then or later, with spread_end_part(). */
    void (*run)(struct spread *spread, struct shard *shard, struct spread_part *part);
    void (*done)(struct spread *spread);
    struct spread_leg *legs; /* Arena; one for each shard. */
    int pending;
};

/* Begins one for `request`; run() and done() are set. */
void spread_init(struct spread *spread, struct request *request);

/* Adds the partition `index` of `topic`, which has it. */
void spread_add(struct spread *spread, struct spread_part *part, const struct image_topic *topic,
                int32_t index);

/* Has all parts run; done() follows, perhaps at once. */
void spread_start(struct spread *spread);

/* The part has ended; called on its home shard. */
void spread_end_part(struct spread_part *part);

/* Opens the partition of a part on its home shard: 0, or an error code for the client. */
int16_t spread_open(struct spread *spread, struct shard *shard, const struct spread_part *part,
                    struct partition **out);
