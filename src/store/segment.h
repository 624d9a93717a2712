/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/segment.h - a run of a log's batches in one file, with its indexes.
 *
 *      00000000000000004210.log          batches from offset 4210 on
 *      00000000000000004210.index        offset -> position, one entry each 4 KiB or so
 *      00000000000000004210.timeindex    largest time so far -> offset
 *      00000000000000004210.txnindex     transactions that were aborted, if any
 *
 * The active segment takes appends and keeps its files open.  A sealed one never changes;
 * its file is opened when somebody reads from it.
 *
 * Threading: the log's home shard.
 * Errors:    base/err.h; SEGMENT_E_BROKEN.
 */

#include "store/index.h"
#include "store/scan.h"
#include "store/txn_index.h"

enum { SEGMENT_NAME_SIZE = 40 };

enum segment_outcome {
    SEGMENT_E_BROKEN = 1, /* The file does not hold what it should. */
};

struct segment {
    int64_t base;            /* Offset of its first record, and its name. */
    uint64_t size;           /* Bytes that are written. */
    uint64_t synced_size;    /* Bytes that are durable in this file, ... */
    uint64_t committed_size; /* ... or in it and the commit log together. */
    uint64_t opened_size;    /* Bytes that were there when it was opened; the rest we wrote. */
    uint64_t verified_from;  /* Of those, the batches are known to be good from here, ... */
    uint64_t verified_upto;  /* ... to here, where one ends. */
    uint64_t damaged_at;     /* And this one is not, the last that was found; */
    bool is_damaged;         /* if there is one. */
    struct file *file;       /* Owned reference; NULL while sealed and not in use. */
    const char *suffix;      /* Static: behind the names of its files for now; NULL: nothing. */

    int64_t made_ms;   /* Unix time when it became active, here: the age of what has no times. */
    int64_t jitter_ms; /* While it is active: by this much it is sealed earlier. */

    int64_t first_timestamp; /* Largest time in the first batch; -1 while empty. */
    int64_t max_timestamp;   /* -1 while empty. */
    int64_t max_timestamp_offset;
    bool has_stale_indexes;          /* The files of the indexes were written and not synced yet. */
    bool has_own_indexes;            /* We made them: what they lack there is not. */
    uint64_t since_entry;            /* Bytes appended since the last entry of the index. */
    struct index by_offset, by_time; /* Of the active segment; else closed. */
    struct txn_index aborted;
};

/* Where a log's files are, and how dense their indexes. */
struct segment_place {
    struct io *io;
    int dir;
    int32_t index_interval; /* Bytes. */
};

/* Writes `00000000000000004210<suffix>`. */
void segment_name(char out[static SEGMENT_NAME_SIZE], int64_t base, const char *suffix);

/* Creates the files of a new, active segment.  That of batches comes last: where creating
 * fails, there is no segment. */
NODISCARD int segment_create(struct segment *segment, const struct segment_place *place,
                             int64_t base);

/* As segment_create(), under names that end with `suffix`, which is static. */
NODISCARD int segment_create_as(struct segment *segment, const struct segment_place *place,
                                int64_t base, const char *suffix);

/* Opens the files of what is to be the active segment, as a clean stop left them, reading
 * what lies behind the last entry of the indexes; `*out_end` is the offset behind its last
 * record.  Indexes that are missing or cannot be right are made again from the batches. */
NODISCARD int segment_open(struct segment *segment, const struct segment_place *place, int64_t base,
                           int64_t *out_end);

/* Opens the file of batches alone; one of the next two follows. */
NODISCARD int segment_open_bare(struct segment *segment, const struct segment_place *place,
                                int64_t base);

/* Empties the indexes, that of aborted transactions too: recovery fills them. */
NODISCARD int segment_reset(struct segment *segment, const struct segment_place *place);

/* Believes what is durable, in batches and indexes, up to offset `upto`, where a batch ends; what
 * lies behind is for recovery, from `*out_position` on.  SEGMENT_E_BROKEN if something does not
 * fit: nothing is believed then. */
NODISCARD int segment_resume(struct segment *segment, const struct segment_place *place,
                             int64_t upto, uint64_t *out_position);

/* Opens the batches of a sealed segment if they are not open. */
NODISCARD int segment_touch(struct segment *segment, const struct segment_place *place);

/* Lets the file of a sealed segment go. */
void segment_rest(struct segment *segment);

/* Puts a batch that will be at `position` into the indexes and the times. */
NODISCARD int segment_note(struct segment *segment, const struct batch_header *header,
                           uint64_t position, int32_t interval);

/* Writes the last entries, as Kafka has them in a sealed segment.  May be tried again. */
NODISCARD int segment_finish_indexes(struct segment *segment);

/* Closes the indexes behind segment_finish_indexes(), which it calls: it cannot fail if that
 * was called just before.  The batches stay open while there is something to sync. */
NODISCARD int segment_seal(struct segment *segment);

/* Makes the files of the indexes of a sealed segment durable, if they are not. */
NODISCARD int segment_sync_indexes(struct segment *segment, const struct segment_place *place);

/* Closes everything and writes nothing. */
void segment_close(struct segment *segment);

/* True if the indexes, had they `more` entries, would have no room for another one. */
bool segment_is_full(const struct segment *segment, int32_t index_size_max, size_t more);

/* Where to begin to look for `offset`: a position at or before its batch, if the index does
 * not lie. */
NODISCARD int segment_find(struct segment *segment, const struct segment_place *place,
                           int64_t offset, bool is_active, uint64_t *out_position);

/* The largest time in the first batch; -1 if there is none. */
NODISCARD int segment_find_first_time(struct segment *segment, const struct segment_place *place,
                                      int64_t *out);

/* The largest time in the segment and the offset that has it; time -1 if it is empty. */
NODISCARD int segment_largest(struct segment *segment, const struct segment_place *place,
                              bool is_active, struct index_entry *out);

/* An offset before which every time is below `timestamp`; the base if nothing is known. */
NODISCARD int segment_find_time(struct segment *segment, const struct segment_place *place,
                                int64_t timestamp, bool is_active, int64_t *out_offset);

/* The position of an indexed batch at or before `position`; 0 if there is none. */
NODISCARD int segment_find_position(struct segment *segment, const struct segment_place *place,
                                    uint64_t position, bool is_active, uint64_t *out_position);

/* Adds a transaction whose marker will be in the segment. */
NODISCARD int segment_add_aborted(struct segment *segment, const struct segment_place *place,
                                  const struct txn_entry *entry);

/* Takes away the transactions whose marker is at `offset` or above. */
NODISCARD int segment_cut_aborted(struct segment *segment, const struct segment_place *place,
                                  int64_t offset);

/* Adds the transactions that reach into [from, to) to `out`; see txn_index_find(). */
NODISCARD int segment_find_aborted(struct segment *segment, const struct segment_place *place,
                                   int64_t from, int64_t to, struct text *out, bool *out_complete);

/* An offset that nothing before `position` has, by the first entry of the index at or behind it;
 * -1 if there is no such entry. */
NODISCARD int segment_find_bound(struct segment *segment, const struct segment_place *place,
                                 uint64_t position, bool is_active, int64_t *out_offset);

/* Asserts what is true of every segment. */
void segment_check(const struct segment *segment, bool is_active);
