/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/commit_log.h - one file that makes the writes of many logs durable with one sync.
 *
 * To sync the segments of a hundred partitions is a hundred syncs.  Instead the bytes that
 * were written to them are copied, behind each other, into a block of the commit log, and
 * that one file is synced.  The segments themselves are synced in the background; then the
 * block is used again, from its beginning.
 *
 *      block a    [ gen 7: orders-0 | orders-3 | users-1 | orders-0 ...          ]  draining
 *      block b    [ gen 8: users-0 |~~~ left over from gen 6: not believed ~~~~~ ]  current
 *
 * Each entry carries the generation of its block, a running number and a checksum of all of
 * it, so that stale bytes and torn writes are never taken for entries.  After a crash
 * commit_log_replay() writes what the blocks hold into the segments once more.
 *
 *      entry  u32 magic | u32 crc32c of what follows | u64 generation | u64 number
 *             16 bytes topic id | i64 segment | u64 position | u32 size | u16 name size
 *             name of the log | bytes
 *
 * An entry without bytes says that the log was cut at its position: what earlier entries hold
 * from there on is not in the log any more.  It has to be durable before the log is cut.
 *
 * The folder is `moldau.commit` in the folder of data.  While it is there Apache Kafka does
 * not start on that folder: records that were acknowledged may be missing in the segments.
 *
 * Threading: commit_log_write() on a worker, while nothing else is called; the rest on the
 *            loop that owns it.
 * Errors:    base/err.h; enum commit_log_outcome.
 */

#include "base/uuid.h"
#include "store/file.h"

struct commit_log;

enum commit_log_outcome { COMMIT_LOG_E_FULL = 1 /* The block has no room for all of it. */ };

/* Bytes of a segment that are written, and not durable. */
struct commit_range {
    struct file *file;    /* Borrowed: the segment. */
    const char *log_name; /* Borrowed: `orders-0`. */
    struct uuid topic_id;
    int64_t base; /* Offset of the segment. */
    uint64_t position;
    size_t size;
};

/* Where a log is cut. */
struct commit_cut {
    const char *log_name; /* Borrowed. */
    struct uuid topic_id;
    int64_t base;      /* Of the segment that becomes the last, ... */
    uint64_t position; /* ... and where that will end. */
};

/* Makes the commit log of one shard in the folder of data, with empty blocks. */
NODISCARD int commit_log_create(struct io *io, const struct file *root, int shard,
                                size_t block_size, struct commit_log **out);

/* Closes the files, which stay; NULL is allowed.  Always returns NULL. */
struct commit_log *commit_log_destroy(struct commit_log *log);

/* Copies the ranges into the current block and syncs it: they are durable then.
 * COMMIT_LOG_E_FULL: nothing was written. */
NODISCARD int commit_log_write(struct commit_log *log, const struct commit_range *ranges,
                               size_t count);

/* Says that the log ends at `position` of the segment `base` now, or will, and syncs that: older
 * entries of what lies behind are void.  Some room of each block is kept for this.
 * COMMIT_LOG_E_FULL: even that is used up; it works again after a turn. */
NODISCARD int commit_log_cut(struct commit_log *log, const struct commit_cut *cut);

/* True if it is time to turn to the other block: the current one is more than half full. */
bool commit_log_wants_turn(const struct commit_log *log);

/* Goes on in the other block, which must be free.  False if it is still draining. */
bool commit_log_turn(struct commit_log *log);

/* Everything that was written before the last turn is durable in its segment. */
void commit_log_drained(struct commit_log *log);

/* Below which offset everything of the log `name` is durable in its own files, says who has the
 * checkpoints; `is_new` if the log says that they are not about it. */
typedef int64_t commit_floor_fn(void *context, struct slice name, bool is_new);

/* Writes what the blocks of a crashed broker hold into the segments, and syncs those.  Batches
 * below the floor are passed over: their segment may have been compacted since, and then others
 * are in their place.  `*out_entries` is how many entries there were.  Nothing happens if there is
 * no folder. */
NODISCARD int commit_log_replay(struct io *io, const struct file *root, commit_floor_fn *floor,
                                void *context, int64_t *out_entries);

/* Takes the folder away: every segment is durable.  The name is gone for good when `root` is
 * synced. */
NODISCARD int commit_log_remove(struct io *io, const struct file *root);
