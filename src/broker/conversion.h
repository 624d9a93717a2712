/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/conversion.h - records of and for clients of before Kafka 0.11, and those that are to be
 * compressed otherwise, are converted on a worker, because decompressing and compressing again
 * would keep the shard from everybody else.
 *
 *      request --- a message set or batch each -> [ worker ] ---> one batch each
 *              --- a range of a file each ------>            ---> messages each
 *
 * All items of a request are one piece of work.  What a worker needs while it converts one is
 * bounded by OLD_DECODED_MAX and given back before the next; what comes out lives as long as
 * the request and is charged to the shard's budget.
 *
 * Threading: the shard's loop; the items are the worker's from start to done().
 * Errors:    each item has an outcome of its own.
 */

#include "broker/shard.h"
#include "wire/old_message.h"

struct conversion_item {
    struct slice set;              /* Borrowed: what a producer sent, messages; */
    bool is_batch;                 /* or one whole batch; */
    enum compress_codec codec;     /* and of what comes out; COMPRESS_CODEC_COUNT: the same. */
    int level;                     /* Of that codec. */
    const struct log_range *range; /* or borrowed: what was found for a consumer. */
    struct old_wish wish;          /* With `range`. */

    struct text out; /* Owned: the result, when the outcome is 0. */
    int outcome;     /* enum batch_outcome; negative: the file could not be read, or the
                        shard ends. */
};

/* Embedded in the request's memory, which stays until done(). */
struct conversion {
    struct io_work work;
    struct shard *shard;           /* Borrowed. */
    struct conversion_item *items; /* Arena: the caller's to fill before the start. */
    size_t count;
    void (*done)(struct conversion *conversion);
    size_t charged; /* To the shard's budget: what goes in, then what came out. */
};

enum conversion_outcome {
    CONVERSION_E_NO_MEMORY = 1, /* The budget has no room for as much again as goes in. */
};

/* Begins; on 0 done() is called later, even if nobody waits for the answer any more. */
NODISCARD int conversion_start(struct conversion *conversion);

/* Frees what came out. */
void conversion_fini(struct conversion *conversion);
