/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/log_internal.h - what the files that make up a log share.
 *
 *      log.c       append, write, read, sync
 *      log_open.c  opening after a clean stop, recovery after any other, closing
 *      log_time.c  from a time to an offset
 *
 * Threading: as log.h.
 * Errors:    as log.h.
 */

#include "base/uuid.h"
#include "store/log.h"
#include "store/producers.h"
#include "store/segment.h"

enum { LOG_ITEM_NAME_MAX = 300 };

/* A batch that has its offset and is not in the file yet. */
struct log_staged {
    uint8_t *batch; /* Borrowed until log_write(). */
    struct batch_header header;
    struct producers_undo undo;
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

    int64_t end, written, synced;
    struct log_staged *staged; /* Owned array. */
    size_t staged_count, staged_room;
    size_t staged_bytes;

    /* An offset whose position is known: where the last write or sync ended. */
    struct log_mark {
        int64_t offset;
        int64_t base; /* Of its segment. */
        uint64_t position;
    } written_mark, synced_mark;

    struct producers producers;
    struct log_epoch *epochs; /* Owned array, ascending. */
    size_t epoch_count;
    bool has_new_names; /* Files were made or renamed since the folders were synced. */
    bool is_broken;     /* A failed write could not be taken back. */
};

static inline struct segment *log_active(struct log *log)
{
    return &log->segments[log->segment_count - 1];
}

static inline struct segment_place log_place(const struct log *log)
{
    return (struct segment_place){.io = log->env.io, .dir = log->folder->fd};
}

/* Where the segment ends, in offsets: the next one's base, or what is written. */
static inline int64_t log_segment_end(const struct log *log, size_t at)
{
    return at + 1 < log->segment_count ? log->segments[at + 1].base : log->written;
}

/* The segment that has `offset`, which is not below the start. */
size_t log_find_segment(const struct log *log, int64_t offset);

/* Appends an empty slot to the array of segments. */
struct segment *log_add_segment(struct log *log);

/* Notes that `epoch` begins at `start`, unless it is not new. */
void log_note_epoch(struct log *log, int32_t epoch, int64_t start);

/* Writes leader-epoch-checkpoint. */
NODISCARD int log_write_epochs(struct log *log);

/* Writes the producers' snapshot as of the end of the log. */
NODISCARD int log_write_snapshot(struct log *log);

/* Syncs everything that is written, here and now. */
NODISCARD int log_sync_now(struct log *log);

/* --- log_open.c, for log_dir.c ---------------------------------------------- */

struct log_opening {
    struct file *root;      /* Borrowed: the folder of data. */
    int64_t recovery_point; /* Everything below was durable at the last clean stop. */
    int64_t start;          /* What may be read begins here, or below the first segment. */
    bool was_clean;
};

/* Opens the log `name`; see log_dir_open_log(). */
NODISCARD int log_open(const struct log_env *env, struct log_dir *dir, const char *name,
                       struct uuid topic_id, const struct log_config *config,
                       const struct log_opening *opening, struct log **out);

/* The topic that the folder `name` of `root` says it belongs to; zero if it says nothing. */
NODISCARD int log_folder_topic(const struct file *root, struct io *io, const char *name,
                               struct uuid *out);

/* Brings everything on disk into the form of a clean stop, syncs and closes. */
NODISCARD int log_close(struct log *log);
