/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/producers.h - what a log remembers of idempotent producers (KIP-98).
 *
 * For each producer id: its epoch, and the last five batches, so that a batch that is sent
 * again is known and a gap is seen.  The state follows the log: it is changed by each batch
 * that is appended, and made again from a snapshot and the batches behind it.
 *
 *      check --> the log writes --> update          (or, if the write failed, undo)
 *
 * Threading: the log's home shard.
 * Errors:    enum producers_outcome.
 */

#include "base/map.h"
#include "base/text.h"
#include "wire/batch.h"

enum { PRODUCER_BATCHES = 5 }; /* As many as a client may have in flight. */

enum producers_outcome {
    PRODUCERS_E_DUPLICATE = 1, /* One of the last five batches, again. */
    PRODUCERS_E_LONG_PAST,     /* A batch that is there, too long ago to know where. */
    PRODUCERS_E_SEQUENCE,      /* Not the sequence that comes next. */
    PRODUCERS_E_UNKNOWN,       /* Not the first sequence of a producer of which nothing is known. */
    PRODUCERS_E_EPOCH,         /* An epoch older than one that was seen. */
    PRODUCERS_E_MALFORMED,     /* Not a snapshot, or one that is damaged. */
};

struct producer_batch {
    int64_t last_offset;
    int64_t timestamp;
    int32_t last_sequence;
    int32_t offset_delta; /* Last offset - first offset. */
};

struct producer {
    struct map_node node; /* In producers->by_id. */
    int64_t id;
    int64_t txn_first_offset; /* -1: no transaction is open. */
    int32_t coordinator_epoch;
    int16_t epoch;
    int16_t batch_count;
    struct producer_batch batches[PRODUCER_BATCHES]; /* Oldest first. */
};

struct producers {
    struct map by_id; /* Owned struct producer. */
};

/* What an update replaced. */
struct producers_undo {
    int64_t id; /* -1: nothing. */
    bool was_known;
    struct producer before;
};

/* Empty. */
void producers_init(struct producers *producers);

/* Forgets all. */
void producers_fini(struct producers *producers);

/* Whether a producer's batch may come next; batches without a producer always may.  With
 * PRODUCERS_E_DUPLICATE `*out` is the batch that is there, and otherwise it is not touched. */
NODISCARD int producers_check(const struct producers *producers, const struct batch_header *header,
                              struct producer_batch *out);

/* The batch is in the log; `undo` may be NULL. */
void producers_update(struct producers *producers, const struct batch_header *header,
                      struct producers_undo *undo);

/* Takes the newest update back. */
void producers_undo(struct producers *producers, const struct producers_undo *undo);

/* A snapshot has only the last batch of each producer.  `tail` is the state that the end of
 * the log alone leads to: what it knows of older batches is taken over. */
void producers_complete(struct producers *producers, const struct producers *tail);

/* Asserts what is true of every state of a log that ends at `end`. */
void producers_check_all(const struct producers *producers, int64_t end);

/* Adds the snapshot's bytes, in Kafka's format, to `out`: by ascending id. */
void producers_print(const struct producers *producers, struct text *out);

/* Reads a snapshot into an empty state.  PRODUCERS_E_MALFORMED leaves it empty. */
NODISCARD int producers_parse(struct producers *producers, struct slice bytes);
