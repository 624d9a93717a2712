/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/producers.h - what a log remembers of idempotent and transactional producers (KIP-98).
 *
 * For each producer id: its epoch, the last five batches, so that a batch that is sent again is
 * known and a gap is seen, and where its open transaction begins.  The state follows the log: it
 * is changed by each batch that is appended, and made again from a snapshot and the batches
 * behind it.
 *
 *      check --> the log writes --> update          (or, if the write failed, undo)
 *
 * A transaction is open from its first batch to its marker, and has ended until the high
 * watermark is past the marker.  Readers of what is committed see nothing from the first offset
 * of such a transaction on:
 *
 *      . . a . a . . b . A . . . . . . .        a, b: batches of transactions; A: marker
 *          ^     high watermark -^              a has ended behind the high watermark,
 *          first unstable                       b is open
 *
 * Threading: the log's home shard.
 * Errors:    enum producers_outcome.
 */

#include "base/list.h"
#include "base/map.h"
#include "base/text.h"
#include "wire/marker.h"

enum { PRODUCER_BATCHES = 5 }; /* As many as a client may have in flight. */

enum producers_outcome {
    PRODUCERS_E_DUPLICATE = 1, /* One of the last five batches, again. */
    PRODUCERS_E_LONG_PAST,     /* A batch that is there, too long ago to know where. */
    PRODUCERS_E_SEQUENCE,      /* Not the sequence that comes next. */
    PRODUCERS_E_UNKNOWN,       /* Not the first sequence of a producer of which nothing is known. */
    PRODUCERS_E_EPOCH,         /* An epoch older than one that was seen. */
    PRODUCERS_E_COORDINATOR,   /* A marker of a coordinator older than one that was seen. */
    PRODUCERS_E_TXN_STATE,     /* A batch outside of the transaction that is open. */
    PRODUCERS_E_MALFORMED,     /* Not a snapshot, or one that is damaged. */
};

/* A batch that asks to be let in. */
struct producers_entry {
    const struct batch_header *header;
    const struct marker *marker; /* NULL: it has none. */
    bool is_coordinators;        /* A coordinator has it appended: sequences do not count. */
    int16_t transaction_version; /* Of a marker: from 2 on each transaction has its own epoch. */
};

struct producer_batch {
    int64_t last_offset;
    int64_t timestamp;
    int32_t last_sequence;
    int32_t offset_delta; /* Last offset - first offset. */
};

struct producer {
    struct map_node node;  /* In producers->by_id. */
    struct list_node open; /* In producers->open while a transaction is, else bare. */
    int64_t id;
    int64_t txn_first_offset; /* -1: no transaction is open. */
    int64_t last_timestamp;   /* Of its newest batch or marker; -1: none. */
    int32_t coordinator_epoch;
    int16_t epoch;
    int16_t batch_count;
    struct producer_batch batches[PRODUCER_BATCHES]; /* Oldest first. */
};

struct producers {
    struct map by_id;  /* Owned struct producer. */
    struct list open;  /* struct producer with an open transaction, by its first offset. */
    struct list ended; /* Owned: transactions whose markers may not be readable, by marker. */
};

/* A transaction that a marker has ended. */
struct producers_txn {
    int64_t producer_id;
    int64_t first_offset;
    int64_t last_offset; /* The marker's. */
    int64_t stable;      /* Where the next open one began then, or what is behind the marker. */
    bool is_aborted;
};

/* What an update did. */
struct producers_change {
    int64_t id; /* -1: nothing. */
    bool was_known;
    bool has_ended; /* A transaction, which was not empty: */
    struct producers_txn ended;
    struct producer before;
};

/* Empty. */
void producers_init(struct producers *producers);

/* Forgets all. */
void producers_fini(struct producers *producers);

/* The producer, or NULL if nothing is known of it. */
const struct producer *producers_find(const struct producers *producers, int64_t id);

/* Calls `print` for each producer, by ascending id. */
void producers_each(const struct producers *producers,
                    void (*print)(const struct producer *producer, struct text *out),
                    struct text *out);

/* Whether a producer's batch may come next; batches without a producer always may.  With
 * PRODUCERS_E_DUPLICATE `*out` is the batch that is there, and otherwise it is not touched. */
NODISCARD int producers_check(const struct producers *producers,
                              const struct producers_entry *entry, struct producer_batch *out);

/* The batch is in the log; `marker` is its own, or NULL if it has none; `change` may be NULL. */
void producers_update(struct producers *producers, const struct batch_header *header,
                      const struct marker *marker, struct producers_change *change);

/* Takes the newest update back. */
void producers_undo(struct producers *producers, const struct producers_change *change);

/* The first offset of a transaction that is open, or has ended and is not settled; INT64_MAX if
 * there is none. */
int64_t producers_first_unstable(const struct producers *producers);

/* Everything below `offset` can be read: transactions whose markers are there are settled. */
void producers_settle(struct producers *producers, int64_t offset);

/* Forgets producers that have no open transaction and have sent nothing since `before_ms`. */
void producers_expire(struct producers *producers, int64_t before_ms);

/* A snapshot has only the last batch of each producer.  `tail` is the state that the end of
 * the log alone leads to: what it knows of older batches is taken over. */
void producers_complete(struct producers *producers, const struct producers *tail);

/* Asserts what is true of every state of a log that ends at `end`. */
void producers_check_all(const struct producers *producers, int64_t end);

/* Adds the snapshot's bytes, in Kafka's format, to `out`: by ascending id. */
void producers_print(const struct producers *producers, struct text *out);

/* Reads a snapshot into an empty state.  PRODUCERS_E_MALFORMED leaves it empty. */
NODISCARD int producers_parse(struct producers *producers, struct slice bytes);
