/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/record_errors.h - which records made a batch be refused, and why (KIP-467).
 *
 *      batch that was refused --- read once more ---> { index, sentence } of each record at fault,
 *                                                     the error's code, and a sentence for all
 *
 * A batch that is good never comes here.
 *
 * Threading: pure functions over the caller's memory.
 * Errors:    none: of what is not found nothing is told.
 */

#include "base/arena.h"
#include "wire/batch.h"
#include "wire/msg/produce.h"

/* An answer names this many records; of the others it says only how many there are.  Kafka
 * names all, and a small batch of many records makes a large answer. */
enum { RECORD_ERRORS_MAX = 10000 };

struct refused_batch {
    struct slice bytes;
    int outcome; /* enum batch_outcome: what it was refused for. */
    const struct batch_rules *rules;
    struct slice topic;
    int32_t partition;
};

/* Completes `result`, which has the code of `outcome`: the records at fault and the sentences,
 * in memory of `arena`, and the code that Kafka gives them together.  `*room` is how many records
 * the answer may still name. */
void record_errors_tell(const struct refused_batch *batch, struct arena *arena, size_t *room,
                        struct produce_partition_produce_response *result);
