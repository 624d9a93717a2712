/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/index.h - the sparse index of a segment, by offset or by time, in Kafka's format.
 *
 *      offset index    i32 offset - base    i32 position         8 bytes an entry
 *      time index      i64 timestamp        i32 offset - base   12 bytes an entry
 *
 * Entries ascend.  Those of the active segment gather in memory and are written in
 * blocks; until then the file is shorter than the index, and after a crash it is made
 * again from the log.  The file of a sealed segment is complete.
 *
 * Threading: the log's home shard.
 * Errors:    base/err.h; INDEX_E_MALFORMED.
 */

#include "store/file.h"

enum index_kind { INDEX_BY_OFFSET, INDEX_BY_TIME };

enum index_outcome {
    INDEX_E_MALFORMED = 1, /* The file's size is no number of entries, or they do not ascend. */
};

struct index_entry {
    int64_t key;    /* Offset, or timestamp. */
    uint32_t value; /* Position in the segment, or offset - base. */
};

struct index {
    enum index_kind kind;
    int64_t base;      /* Offset of the segment. */
    struct file *file; /* Owned reference. */
    uint32_t stored;   /* Entries in the file. */
    uint8_t *tail;     /* Owned: encoded entries behind those. */
    uint32_t tail_count, tail_room;
    bool is_torn;            /* A write failed: behind `stored` there may be anything. */
    struct index_entry last; /* The newest; key -1 if there is none. */
};

/* Makes an empty index for a new segment; a file that is there is emptied. */
NODISCARD int index_create(struct index *index, enum index_kind kind, struct io *io, int dir,
                           const char *name, int64_t base);

/* Opens the index that a clean stop or a roll left; INDEX_E_MALFORMED if it cannot be one. */
NODISCARD int index_open(struct index *index, enum index_kind kind, struct io *io, int dir,
                         const char *name, int64_t base);

/* Opens the index of a segment of which a crash has left what was durable up to offset `upto`:
 * entries from there on are cut off, whatever they are.  INDEX_E_MALFORMED if those before do
 * not look like entries. */
NODISCARD int index_resume(struct index *index, enum index_kind kind, struct io *io, int dir,
                           const char *name, int64_t base, int64_t upto);

/* Writes nothing, closes the file and frees. */
void index_close(struct index *index);

/* How many entries there are. */
static inline uint32_t index_count(const struct index *index)
{
    return index->stored + index->tail_count;
}

/* Bytes of an entry. */
static inline size_t index_entry_size(const struct index *index)
{
    return index->kind == INDEX_BY_OFFSET ? 8 : 12;
}

/* Adds an entry above the last; writes a block when enough have gathered. */
NODISCARD int index_add(struct index *index, int64_t key, uint32_t value);

/* Takes entries back until the last has a key below `key`, and whatever a failed write left
 * behind them.  If that fails, the index is not to be used any more. */
NODISCARD int index_cut(struct index *index, int64_t key);

/* Writes what has gathered. */
NODISCARD int index_flush(struct index *index);

/* The last entry whose key is at most `key`; its key is -1 if there is none. */
NODISCARD int index_find(const struct index *index, int64_t key, struct index_entry *out);

/* The first entry whose value is at least `value`; its key is -1 if there is none. */
NODISCARD int index_find_behind(const struct index *index, uint32_t value, struct index_entry *out);

/* As index_find(), by value: of an index by offset, the last entry at or before a position. */
NODISCARD int index_find_value(const struct index *index, uint32_t value, struct index_entry *out);
