/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/log.h - one partition's log: an append-only sequence of record batches.
 *
 * A log is a directory of segments.  The last segment is active and takes the appends; the
 * others are sealed and never change again.
 *
 *      base 0                4210              9977
 *       [ sealed ............ ][ sealed ........ ][ active ...>
 *
 * Marks divide a log; none moves backwards, except that a failed write takes back what it
 * was to write.  Segments below the start are taken away.
 *
 *       start  <=  synced  <=  written  <=  end
 *
 *       start    first offset a reader may ask for             (log_advance_start moves it)
 *       synced   first offset that a crash could lose          (log_sync_end moves it)
 *       written  first offset that is not in the file yet      (log_write moves it)
 *       end      offset that the next record will get          (log_append moves it)
 *
 * An append only stages a batch: it gets its offset, and the bytes stay where they are.
 * log_write() puts all that is staged into the file with one call.
 *
 * Threading: a log belongs to the shard that opened it and is used on no other.
 * Errors:    base/err.h; enum log_outcome.
 */

#include "base/diag.h"
#include "base/text.h"
#include "base/uuid.h"
#include "store/file.h"
#include "store/txn_index.h"
#include "wire/batch.h"

struct log;
struct log_dir;
struct producers;

/* What a log needs of the node it is on. */
struct log_env {
    struct io *io;
    struct diag *diag;
};

struct log_config {
    int64_t segment_bytes;
    int64_t segment_ms;
    int64_t segment_jitter_ms; /* Up to this much is taken off, of each segment anew. */
    int32_t index_interval_bytes;
    int32_t index_size_max;
    int32_t max_message_bytes;
    bool is_compacted; /* Offsets may be missing. */
    bool is_kept; /* What says that its folder is another topic's is damaged: it stays there. */
    int64_t producer_expiration_ms; /* Until nothing is known of a producer; 0: for ever. */
};

enum log_outcome {
    LOG_E_UNWRITTEN = 1,    /* What is staged must be written first, then this tried again. */
    LOG_E_SEGMENT_SIZE,     /* Larger than a segment may be. */
    LOG_E_SEQUENCE,         /* Not the producer's next sequence. */
    LOG_E_UNKNOWN_PRODUCER, /* Not a producer's first sequence, and nothing is known of it. */
    LOG_E_LONG_PAST,        /* The batch is in the log, too long ago to know where. */
    LOG_E_PRODUCER_EPOCH,   /* An older epoch of the producer. */
    LOG_E_COORDINATOR,      /* A marker of an older coordinator. */
    LOG_E_TXN_STATE,        /* A batch outside of its producer's open transaction. */
    LOG_E_OUT_OF_RANGE,     /* Offset below the start or above the end. */
    LOG_E_FENCED,           /* The log or its directory failed before and takes no more. */
    LOG_E_CORRUPT,          /* What is in the files cannot be read. */
};

/* What the caller decides about a batch. */
struct log_append_terms {
    int32_t leader_epoch;
    int64_t now_ms;              /* Unix time, for the age of the segment. */
    bool is_coordinators;        /* A coordinator has it appended: sequences do not count. */
    int16_t transaction_version; /* Of a marker. */
};

struct log_appended {
    int64_t base_offset, last_offset;
    bool is_duplicate; /* It was in the log already, at these offsets; nothing was staged. */
};

/* The offset that the next record will get. */
int64_t log_end(const struct log *log);

/* The first offset there is. */
int64_t log_start(const struct log *log);

/* Everything below is in the file. */
int64_t log_written(const struct log *log);

/* Everything below is durable. */
int64_t log_synced(const struct log *log);

/* Bytes of its batches that are in the files, and how many segments these are. */
int64_t log_size(const struct log *log);
size_t log_segments(const struct log *log);

/* Other settings, from the next append on. */
void log_configure(struct log *log, const struct log_config *config);

/* True if nothing can be appended any more: a write or a sync has failed for good. */
bool log_is_fenced(const struct log *log);

/* Gives a checked batch its offset (and `terms`' epoch), which is written into it, and
 * stages it.  `batch` is borrowed until log_write(); `header` is its own, and is brought up
 * to date. */
NODISCARD int log_append(struct log *log, uint8_t *batch, size_t size, struct batch_header *header,
                         const struct log_append_terms *terms, struct log_appended *out);

/* Writes what is staged.  A negative code: none of it is in the log, and the offsets will be
 * used again; log_is_fenced() if even that could not be brought about. */
NODISCARD int log_write(struct log *log);

/* A range of a file that is to be sent. */
struct log_range {
    struct file *file; /* Owned reference; NULL if the range is empty. */
    int fd;
    int64_t base; /* Of its segment. */
    uint64_t position;
    size_t size;
    size_t good; /* Of it, from the front: what need not be read through (log_verify.h) first. */
};

/* Lets the file go; an empty range is left alone.  Any thread. */
void log_range_release(struct log_range *range);

/* Finds the batches from the one with `offset` on (in a hole: the one behind it), below
 * `limit` (a written batch's end), at most `bytes_max` bytes of one segment; the last batch
 * may be cut off, as in Kafka's answers.  With `at_least_one` the first batch is whole,
 * however large.  An empty range if there is none.  LOG_E_OUT_OF_RANGE below the start or
 * above the end; LOG_E_CORRUPT if the first batch is known to be damaged, or no way leads to it. */
NODISCARD int log_read(struct log *log, int64_t offset, int64_t limit, size_t bytes_max,
                       bool at_least_one, struct log_range *out);

/* Where readers of what is committed stop, where others stop at `limit`: there, or at the first
 * offset of a transaction that is open, or whose marker is not below `limit`. */
int64_t log_stable(const struct log *log, int64_t limit);

/* Everything below `offset` can be read, and will stay so; what log_stable() says moves. */
void log_settle_transactions(struct log *log, int64_t offset);

/* Adds the transactions that were aborted (struct txn_entry) to `out` whose records a reader of
 * what is committed must leave out, who asked for `offset` and is sent `range`, which is not
 * empty.  There may be some that begin a little behind the range, as in Kafka. */
NODISCARD int log_find_aborted(struct log *log, int64_t offset, const struct log_range *range,
                               struct text *out);

/* Where the records of leaders up to `epoch` end: the largest epoch that is known and not above
 * it (or `epoch` itself, if all that are known are above), and the offset behind its records.  -1
 * and -1 if `epoch` is above all that are known (KIP-101). */
void log_find_epoch_end(const struct log *log, int32_t epoch, int32_t *out_epoch, int64_t *out_end);

/* As log_find_epoch_end() where one leads in the epoch `leader`: that is known, and begins at the
 * end, before it has written anything. */
void log_find_led_epoch_end(const struct log *log, int32_t leader, int32_t epoch,
                            int32_t *out_epoch, int64_t *out_end);

/* The epoch in which the record at `offset` was written, or will be by the one who leads in the
 * epoch `leader`; -1: it is not known. */
int32_t log_epoch_at(const struct log *log, int32_t leader, int64_t offset);

/* What is known of producers; borrowed until the log changes. */
const struct producers *log_producers(const struct log *log);

/* Forgets producers that were idle for longer than the settings allow. */
void log_expire_producers(struct log *log, int64_t now_ms);

/* Bytes of a segment that a sync is about. */
struct log_sync_file {
    struct file *file; /* Owned reference. */
    int64_t base;      /* Of the segment. */
    uint64_t durable;  /* What was durable, in the segment or in the commit log, ... */
    uint64_t end;      /* ... and what will be. */
};

/* A sync on its way: what a worker does, while the log goes on. */
struct log_sync {
    struct log_sync_file *files; /* Owned. */
    size_t file_count;
    struct file *folders[2]; /* Owned references: where names are new. */
    size_t folder_count;
    int64_t upto; /* Offset below which everything will be durable. */
    size_t bytes; /* That are not durable anywhere yet. */
    char *name;   /* Owned: of the log, for the commit log. */
    struct uuid topic_id;
};

/* True if a sealed segment is not durable yet. */
bool log_has_unsynced_segment(const struct log *log);

/* Notes what has to be synced for all that is written to be durable.  False: nothing. */
bool log_sync_begin(struct log *log, struct log_sync *out);

/* As log_sync_begin(), in the background: new names are left to a round that is waited for. */
bool log_sync_begin_flush(struct log *log, struct log_sync *out);

/* Syncs those files.  A worker's thread. */
NODISCARD int log_sync_run(struct log_sync *sync, struct io *io);

/* It worked: `synced` moves. */
void log_sync_end(struct log *log, const struct log_sync *sync);

/* It is durable in the commit log: `synced` moves, and the segments are still to be synced. */
void log_sync_end_committed(struct log *log, const struct log_sync *sync);

/* Lets the files go; also when the log itself is gone. */
void log_sync_fini(struct log_sync *sync);

/* What a worker does so that after a crash only what comes later is read.  Embedded in its
 * owner. */
struct log_checkpoint {
    struct log_sync sync;    /* Of batches. */
    struct log_dir *dir;     /* Borrowed. */
    struct file *folders[2]; /* Owned references: the log's own, and the one it is in. */
    int64_t *indexes;        /* Owned: segments whose indexes are not durable. */
    size_t index_count;
    struct text snapshot, epochs; /* To be written; null: not needed. */
    bool has_old_names;           /* Names of the folder were taken away. */
    int64_t upto;                 /* The recovery point that comes of it. */
};

/* Everything below need not be read after a crash: batches, indexes and the state of producers
 * are durable in the log's own files. */
int64_t log_recovery_point(const struct log *log);

/* True if it could move, or something about the log's files is to be made durable. */
bool log_wants_checkpoint(const struct log *log);

/* What the checkpoint of starts is to say: the start, or -1 where the first segment tells it. */
int64_t log_start_mark(const struct log *log);

/* Begins to move the recovery point to what is written by now; nothing is staged.  `*out_any` is
 * false if it is there already. */
NODISCARD int log_checkpoint_begin(struct log *log, struct log_checkpoint *out, bool *out_any);

/* Writes and syncs.  A sync that fails fences the folder.  A worker's thread. */
NODISCARD int log_checkpoint_run(struct log_checkpoint *checkpoint, struct io *io);

/* It went well (r = 0), and the recovery point moves, or it did not. */
void log_checkpoint_end(struct log *log, struct log_checkpoint *checkpoint, int r);

/* Lets go of what it holds; also when the log itself is gone. */
void log_checkpoint_fini(struct log_checkpoint *checkpoint);

/* The recovery point is durable in the checkpoint of the folder of data: what only an earlier one
 * needed goes. */
void log_checkpoint_kept(struct log *log);

/* True while what the checkpoints of the folder of data say of this name may be about an earlier
 * log: then neither recovery point nor start are kept. */
bool log_is_new(const struct log *log);

/* The checkpoints, which are durable, have nothing of an earlier log of this name: from now on
 * what they say is believed.  Any thread; `folder` is the log's. */
NODISCARD int log_settle(struct io *io, const struct file *folder, struct uuid topic_id);

/* log_settle() went well. */
void log_settled(struct log *log);

/* Moves the start forward, to an offset that is synced; it never goes back.  The caller has
 * made it durable in the checkpoint of starts, or segments that go could come back. */
void log_advance_start(struct log *log, int64_t offset);

/* True if the first segment lies below the start, all of it. */
bool log_has_segment_below(const struct log *log);

/* Takes that segment out: its files are called `.deleted`; who reads from them may go on. */
NODISCARD int log_drop_segment(struct log *log, int64_t *out_base);

/* What of a log is to go by itself.  Negative: nothing for that reason. */
struct log_retention {
    int64_t ms;    /* Segments whose latest record is older. */
    int64_t bytes; /* The oldest segments, while the others have at least that much. */
};

/* Tells where the log is to begin by `retention` at Unix time `now_ms`: at a segment, not above
 * `limit` (a high watermark), and not below where it begins.  If that is the end of all, the
 * active segment has been sealed and an empty one begun.  Nothing moves yet: see
 * log_advance_start(). */
NODISCARD int log_retain(struct log *log, const struct log_retention *retention, int64_t limit,
                         int64_t now_ms, int64_t *out_start);

/* The folder of the log; an owned reference. */
struct file *log_folder(const struct log *log);

/* Unlinks the files of a segment that was dropped, in its log's folder.  Any thread. */
NODISCARD int log_unlink_dropped(struct io *io, const struct file *folder, int64_t base);

/* Closes the files, syncs nothing and frees; NULL is allowed.  Always returns NULL. */
struct log *log_abandon(struct log *log);

/* Asserts what is true of every log. */
void log_check(const struct log *log);
