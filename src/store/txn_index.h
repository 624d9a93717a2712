/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/txn_index.h - the transactions of a segment that were aborted, in Kafka's format.
 *
 *      00000000000000004210.txnindex      an entry for each whose marker is in the segment:
 *
 *      i16 version 0   i64 producer   i64 first offset   i64 last offset   i64 stable     34 bytes
 *
 * The last offset is the marker's, and ascends from entry to entry.  Who reads from [from, to)
 * must leave out the records of those that reach into that range; from an entry on whose `stable`
 * is not below `to`, none of the later ones does.
 *
 * Most segments have no such file.  It is opened for each use, and closed again.
 *
 * Threading: the log's home shard.
 * Errors:    base/err.h; TXN_INDEX_E_MALFORMED.
 */

#include "base/text.h"
#include "os/io.h"

enum { TXN_INDEX_ENTRY_SIZE = 34 };

enum txn_index_outcome {
    TXN_INDEX_E_MALFORMED = 1, /* The file is not such an index. */
};

struct txn_entry {
    int64_t producer_id;
    int64_t first_offset;
    int64_t last_offset; /* Of the marker. */
    int64_t stable;      /* Readers of what is committed came up to here then. */
};

/* What is known of a segment's file; all zero: there is none. */
struct txn_index {
    bool is_there;
    bool is_counted; /* `count` is known. */
    uint32_t count;  /* Of entries. */
};

/* A file that is there, and was not looked into. */
static inline struct txn_index txn_index_found(void)
{
    return (struct txn_index){.is_there = true};
}

/* Adds the bytes of an entry to `out`. */
void txn_entry_print(const struct txn_entry *entry, struct text *out);

/* Reads an entry of TXN_INDEX_ENTRY_SIZE bytes. */
NODISCARD int txn_entry_parse(const uint8_t *bytes, struct txn_entry *out);

/* Writes an entry behind the last, making the file if there is none; what a failed try leaves is
 * for txn_index_cut(). */
NODISCARD int txn_index_add(struct txn_index *index, struct io *io, int dir, const char *name,
                            const struct txn_entry *entry);

/* Takes away the entries whose last offset is `offset` or above, and what is behind them; the
 * file goes with the last of them. */
NODISCARD int txn_index_cut(struct txn_index *index, struct io *io, int dir, const char *name,
                            int64_t offset);

/* Adds the entries that reach into [from, to) to `out`, as struct txn_entry; `*out_complete` is
 * true if those of later segments do not. */
NODISCARD int txn_index_find(struct txn_index *index, struct io *io, int dir, const char *name,
                             int64_t from, int64_t to, struct text *out, bool *out_complete);
