/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/cleaner_internal.h - what the files of store/cleaner.h share.
 *
 *      log_clean.c      the log's side: what there is to clean, and swaps
 *      cleaner.c        the worker's side: what comes when, groups, names
 *      clean_copy.c     the worker's side: batches into the map, and into the copy
 *      clean_txns.c     what is known of transactions while batches are walked
 *
 * Threading: as cleaner.h.
 * Errors:    as cleaner.h.
 */

#include "store/cleaner.h"
#include "store/txn_index.h"
#include "wire/marker.h"

/* A sealed segment. */
struct clean_source {
    int64_t base, end; /* Offsets. */
    uint64_t size;
};

/* The last that is known of a producer. */
struct clean_producer {
    int64_t id;
    int64_t last_offset; /* Of its last batch with records; -1: it has none. */
    int16_t epoch;
};

/* Where the worker is. */
enum clean_phase { CLEAN_MAPS, CLEAN_BEGINS, CLEAN_COPIES, CLEAN_SWAPS };

struct clean_work {
    enum clean_phase phase;
    size_t at;         /* Source that is read. */
    struct file *file; /* Owned reference: its batches; NULL: not open. */
    struct scan scan;
    int64_t next;            /* The lowest offset that the next batch may have. */
    size_t copied_count;     /* Sources that are copied. */
    const char *suffix;      /* Of the files that no log has yet; NULL: there are none. */
    bool is_swapped;         /* The log has taken them over. */
    bool has_unsynced_names; /* Since then. */
    struct text scratch;     /* Owned, as those that follow. */
    struct inflater_cache inflaters;
    struct deflater_cache deflaters;
    struct batch_rewrite rewrite;
    struct text unwritten; /* Of the copy. */
    struct text aborted;   /* Its index of aborted transactions. */
};

/* Reads the next batches, up to about `bytes`, into the map.  0: the map is complete. */
NODISCARD int clean_map_step(struct clean_pass *pass, struct io *io, uint64_t bytes);

/* Copies the next batches of the group, up to about `bytes`.  0: the group is copied. */
NODISCARD int clean_copy_step(struct clean_pass *pass, struct io *io, uint64_t bytes);

/* The next batch of the sources up to `end_at`: whole, in order and with a good checksum.
 * `*out_end` is true instead behind the last. */
NODISCARD int clean_next_batch(struct clean_pass *pass, struct io *io, size_t end_at,
                               struct scan_batch *out, bool *out_end);

/* Lets the file that is read go. */
void clean_close_source(struct clean_work *work);

/* Begins to read the records of a batch. */
NODISCARD int clean_open_batch(struct clean_work *work, const struct scan_batch *batch,
                               struct batch_reader *out);

/* --- clean_txns.c ------------------------------------------------------------ */

/* Begins to walk from the first batch, or anew. */
void clean_txns_restart(struct clean_txns *txns);

/* With the aborted transactions of the log, by first offset: an array that is taken over. */
struct clean_txns *clean_txns_create(struct txn_entry *aborted, size_t count);

/* NULL is allowed.  Always returns NULL. */
struct clean_txns *clean_txns_destroy(struct clean_txns *txns);

/* Of a batch of records: true if its transaction was aborted. */
bool clean_txns_data(struct clean_txns *txns, const struct batch_header *header);

/* Of a control batch, with its marker or NULL: true if no records of its transaction were there.
 * With `*out_entry` not NULL its transaction was aborted and there were some: it belongs into the
 * index. */
bool clean_txns_marker(struct clean_txns *txns, const struct batch_header *header,
                       const struct marker *marker, const struct txn_entry **out_entry);
