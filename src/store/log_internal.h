/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/log_internal.h - what the files that make up a log share.
 *
 *      log.c          append, write, sync
 *      log_read.c     from an offset to bytes
 *      log_txn.c      transactions: how far they let readers come, and which were aborted
 *      log_epochs.c   which leader's epoch a record is of
 *      log_verify.c   what lay on disk is read through before it is served
 *      log_time.c     from a time to an offset
 *      log_files.c    which files there are in its folder
 *      log_open.c     opening after a clean stop, closing
 *      log_recover.c  opening after any other stop
 *      log_producers.c  the state of producers, from snapshots and batches
 *      log_start.c    the beginning moves forward, and what lies below goes
 *      log_checkpoint.c  the recovery point moves forward
 *      log_clean.c    what there is to clean, and cleaned segments that take their places
 *      log_retain.c   which segments are to go by themselves
 *      log_truncate.c the end moves back
 *
 * Threading: as log.h.
 * Errors:    as log.h.
 */

#include "base/uuid.h"
#include "store/log_files.h"
#include "store/producers.h"
#include "store/segment.h"

struct checkpoint;
enum { LOG_ITEM_NAME_MAX = 300 };

/* A batch that has its offset and is not in the file yet. */
struct log_staged {
    uint8_t *batch; /* Borrowed until log_write(). */
    struct batch_header header;
    struct producers_change change;
};

/* From which offset on a leader's epoch counts (KIP-101). */
struct log_epoch {
    int32_t epoch;
    int64_t start;
};

struct log {
    struct log_env env;  /* Borrowed. */
    struct log_dir *dir; /* Borrowed. */
    char *name;          /* Owned: `orders-0`. */
    struct uuid topic_id;
    struct log_config config;
    struct file *root;   /* Owned reference: the folder that ours is in. */
    struct file *folder; /* Owned reference: ours. */

    struct segment *segments; /* Owned array, by ascending base; never empty when open. */
    size_t segment_count, segment_room;

    int64_t start, end, written, synced;
    int64_t recovery_point;
    int64_t point_kept; /* The one that is durable in the checkpoint of the folder of data. */
    int64_t cleaned;    /* Below, keys were made unique; -1: not known. */

    /* Segments that another has taken the place of, while that is not durable. */
    struct log_swap {
        int64_t *bases; /* Owned; the first is the new one's too. */
        size_t count;   /* 0: no swap is under way. */
        bool is_aside;  /* They are `.deleted`, all of them. */
    } swap;
    uint32_t cleanings; /* How often segments have changed places. */
    bool is_cleaned;    /* A pass is under way, or its files may be left. */

    /* Snapshots of recovery points, durable and newest; -1: none.  Segments may need them too. */
    int64_t snapshot_kept, snapshot_new;
    struct log_staged *staged; /* Owned array. */
    size_t staged_count, staged_room;
    size_t staged_bytes;

    /* Where the last sync ended, which is where most readers' limit is. */
    struct log_mark {
        int64_t offset;
        int64_t base; /* Of its segment. */
        uint64_t position;
    } synced_mark;

    struct producers producers;
    struct log_epoch *epochs; /* Owned array, ascending. */
    size_t epoch_count;
    bool has_new_names;   /* Files were made or renamed since the folders were synced. */
    bool has_old_names;   /* Files were taken away since the folder was synced. */
    bool has_new_epochs;  /* The file of epochs lacks some, or has too many. */
    bool is_broken;       /* A failed write could not be taken back. */
    bool is_new;          /* Checkpoints of its name may be another's: it begins at 0. */
    bool is_unchanged;    /* The files are as a clean stop leaves them, and durable. */
    bool is_quiet;        /* Nothing has changed since the last checkpoint began. */
    bool knows_producers; /* log_complete_producers() was called. */
};

static inline struct segment *log_active(struct log *log)
{
    return &log->segments[log->segment_count - 1];
}

static inline const struct segment *log_active_of(const struct log *log)
{
    return &log->segments[log->segment_count - 1];
}

static inline bool log_is_active(const struct log *log, size_t at)
{
    return at + 1 == log->segment_count;
}

static inline struct segment_place log_place(const struct log *log)
{
    return (struct segment_place){.io = log->env.io,
                                  .dir = log->folder->fd,
                                  .index_interval = log->config.index_interval_bytes};
}

/* Where the segment ends, in offsets: the next one's base, or what is written. */
static inline int64_t log_segment_end(const struct log *log, size_t at)
{
    return at + 1 < log->segment_count ? log->segments[at + 1].base : log->written;
}

/* The segment that has `offset`, or the one in front of the hole that has it. */
size_t log_find_segment(const struct log *log, int64_t offset);

/* Appends an empty slot to the array of segments. */
struct segment *log_add_segment(struct log *log);

/* Seals the active segment and begins the next; nothing is staged.  If it fails the old one goes
 * on. */
NODISCARD int log_roll(struct log *log);

/* Notes that the active segment is active from now on. */
void log_note_active(struct log *log);

/* See log_dir_log_size(). */
NODISCARD int log_folder_size(struct io *io, const struct file *root, const char *name,
                              int64_t *out);

/* See log_dir_has_expired(). */
NODISCARD int log_has_expired(struct io *io, const struct file *root, const char *name,
                              const struct log_retention *retention, int64_t now_ms, bool *out);

/* Notes that `epoch` begins at `start`, unless it is not new. */
void log_note_epoch(struct log *log, int32_t epoch, int64_t start);

/* A leader of `epoch` appends.  Higher ones have never been: no checksum covers the epoch of a
 * batch, so recovery may have read one from a torn tail. */
void log_begin_epoch(struct log *log, int32_t epoch);

/* Notes that the files differ from what a clean stop left. */
static inline void log_note_change(struct log *log)
{
    log->is_unchanged = log->is_quiet = false;
}

/* Forgets epochs that begin at the end or behind it. */
void log_cut_epochs(struct log *log);

/* Gives up what is staged: its offsets will be used again. */
void log_unstage(struct log *log);

/* Syncs everything that is written, here and now. */
NODISCARD int log_sync_now(struct log *log);

/* --- log_open.c, for those below --------------------------------------------- */

/* The name that the folder `name` of a log has while it is set aside: Kafka's, with 32
 * hexadecimal digits from `mark` and a suffix, never longer than a name may be. */
void log_name_aside(char out[static IO_NAME_MAX], const char *name, const uint8_t mark[static 16],
                    const char *suffix);

/* --- log_start.c ------------------------------------------------------------ */

/* Takes away what lies below `start` in whole segments, and strikes it from the listing: a
 * crash may have left it with holes. */
NODISCARD int log_unlink_below(struct log *log, struct log_listing *listing, int64_t start);

/* Takes away what was set aside and is still there. */
NODISCARD int log_unlink_listed(const struct log *log, const struct log_listing *listing);

/* Calls the files of the segment `base` `.deleted`; with the snapshot, if `with_snapshot`. */
NODISCARD int log_set_aside(const struct log *log, int64_t base, bool with_snapshot);

/* --- log_clean.c ------------------------------------------------------------ */

/* Brings a swap to its end that is under way: names are synced, here and now. */
NODISCARD int log_finish_swap(struct log *log);

/* Takes away what a pass of the cleaner left half done, or completes it; see cleaner.h.  When the
 * log is opened; before its folder is listed. */
NODISCARD int log_recover_swaps(struct log *log);

/* --- log_producers.c -------------------------------------------------------- */

/* Writes the snapshot as of the end of the log. */
NODISCARD int log_write_snapshot(struct log *log);

/* Adds the snapshot as of the end of the log to `out`; nothing at the beginning of a log. */
void log_print_snapshot(const struct log *log, struct text *out);

/* Brings the state up to offset `at`, at `position` of the last segment: snapshot, and batches. */
NODISCARD int log_load_producers(struct log *log, const struct log_listing *listing, int64_t at,
                                 uint64_t position);

/* Tells `producers` a batch of the log, below which everything can be read.  Of a control batch
 * the bytes are needed. */
void log_replay_batch(struct producers *producers, const struct scan_batch *batch,
                      struct producers_change *change);

/* Looks at the end of the log for batches that snapshots do not have, once. */
NODISCARD int log_complete_producers(struct log *log);

/* Removes snapshots that neither belong to a segment nor to the end, as Kafka does. */
NODISCARD int log_drop_snapshots(struct log *log, const struct log_listing *listing);

/* --- log_recover.c ---------------------------------------------------------- */

/* Opens the segments of a log that was not stopped cleanly. */
NODISCARD int log_recover(struct log *log, const struct log_listing *listing,
                          int64_t recovery_point, int64_t start);

/* Takes all segments away: the log begins again at `start`, empty. */
NODISCARD int log_restart(struct log *log, const struct log_listing *listing, int64_t start);

/* Opens a segment that is sealed and in order. */
NODISCARD int log_open_sealed(struct log *log, const struct log_listing *listing, int64_t base);

/* --- log_txn.c -------------------------------------------------------------- */

/* Puts the transaction that a batch has ended into the index of the active segment, if it was
 * aborted. */
NODISCARD int log_note_aborted(struct log *log, const struct producers_change *change);

/* --- log_verify.c ----------------------------------------------------------- */

/* How many of the `size` bytes from a batch at `position` on are known to be good. */
size_t log_known_good(const struct segment *segment, uint64_t position, size_t size);

/* True if it is known of the batch there that it is damaged. */
bool log_is_damaged_at(const struct segment *segment, uint64_t position);

/* Remembers that it is, and tells the operator so if that is news. */
void log_note_damage(const struct log *log, struct segment *segment, uint64_t position);

/* --- log_open.c, for log_dir.c ---------------------------------------------- */

struct log_opening {
    struct file *root;      /* Borrowed: the folder of data. */
    int64_t recovery_point; /* Everything below was durable at the last clean stop. */
    int64_t start;          /* What may be read begins here, or at the first segment. */
    int64_t point_kept;     /* As log->point_kept, as the next. */
    int64_t cleaned;
    bool was_clean;
    bool is_known; /* It is this log that the rest is about, whatever its folder says. */
};

/* Opens the log `name`; see log_dir_open_log(). */
NODISCARD int log_open(const struct log_env *env, struct log_dir *dir, const char *name,
                       struct uuid topic_id, const struct log_config *config,
                       const struct log_opening *opening, struct log **out);

/* The topic that the folder `name` of `root` says it belongs to, zero if it says nothing; and
 * whether the checkpoints may be about another log of this name. */
NODISCARD int log_folder_topic(const struct file *root, struct io *io, const char *name,
                               struct uuid *out, bool *out_is_new);

/* Notes that everything is durable, up to the end. */
void log_note_synced(struct log *log);

/* Writes the file of epochs. */
NODISCARD int log_write_epochs(struct log *log);

/* The file of epochs. */
extern const char log_epochs_name[];

/* The lines of the file of epochs. */
void log_list_epochs(const struct log *log, struct checkpoint *out);

/* Brings everything on disk into the form of a clean stop, syncs and closes.  What is staged
 * is given up. */
NODISCARD int log_close(struct log *log);
