/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/producer.h - somebody who writes, and writes again when in doubt.
 *
 * An idempotent producer does as librdkafka does: it has at most five batches of a
 * partition under way, each with the sequence that it keeps for ever; after a lost
 * connection, and after an error that says that it may be tried again, all that is not
 * acknowledged goes out once more in the same order.  A sequence that the broker refuses
 * although everything before it was acknowledged means that the broker has forgotten
 * something.
 *
 * Threading: one thread.
 * Errors:    see run_fail().
 */

#include "test/scenario/client.h"

enum producer_kind {
    PRODUCER_IDEMPOTENT, /* acks=all, sequences. */
    PRODUCER_ALL,        /* acks=all. */
    PRODUCER_LEADER,     /* acks=1. */
    PRODUCER_NO_ANSWER,  /* acks=0. */
};

struct producer;

/* Writes `batches` batches to the partitions of the run's topics, then is done. */
struct producer *producer_create(struct run *run, uint32_t number, enum producer_kind kind,
                                 int batches, int at);

/* NULL is allowed; always returns NULL. */
struct producer *producer_destroy(struct producer *producer);

/* Begins nothing new: what is under way is brought to its end. */
void producer_finish(struct producer *producer);

/* True when everything has been answered. */
bool producer_is_done(const struct producer *producer);

/* Prints where it stands. */
void producer_print(const struct producer *producer, struct text *out);
