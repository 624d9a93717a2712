/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/log_dir.h - a folder of data: who it belongs to, whether it was left in order, and
 * the logs in it.
 *
 *      moldau-data/
 *        .lock                               held while a broker runs on it
 *        .kafka_cleanshutdown                there only after a clean stop
 *        meta.properties                     cluster, node, directory
 *        moldau.commit/                      there until a clean stop (store/commit_log.h)
 *        recovery-point-offset-checkpoint    what is durable, from stop to stop
 *        orders-0/ orders-1/ ...             logs
 *
 * Everything is Kafka's own format after a clean stop.
 *
 * Threading: open and close with no shard running.  Between them what is in it does not
 *            change, and logs may be opened and deleted on any thread, each on one.
 * Errors:    base/err.h; enum log_dir_outcome, after a line in the operator's log that says
 *            what to do.
 */

#include "base/uuid.h"
#include "store/log.h"

struct log_dir_options {
    struct io *io;
    struct diag *diag;
    const char *path;
    int32_t node_id;
};

struct commit_log;
struct marks;

enum log_dir_outcome {
    LOG_DIR_E_LOCKED = 1, /* Another process runs on it. */
    LOG_DIR_E_FOREIGN,    /* It belongs to another node, or to a newer release. */
};

/* Opens the folder, making it if it is not there, and takes its lock.  The mark of a clean
 * stop is taken away, durably, before this returns; so are folders of deleted logs that a
 * crash left behind, a thousand at most. */
NODISCARD int log_dir_open(const struct log_dir_options *options, struct log_dir **out);

/* Writes the checkpoints as of now.  No shard runs. */
NODISCARD int log_dir_write_marks(struct log_dir *dir);

/* What the checkpoints say, for who keeps them while shards run; and back, when none runs any
 * more. */
void log_dir_give_marks(const struct log_dir *dir, struct marks *out);
void log_dir_take_marks(struct log_dir *dir, const struct marks *marks);

/* Writes checkpoints (enum of marks.h) durably while shards run.  Any thread. */
NODISCARD int log_dir_save_marks(struct log_dir *dir, struct io *io, const struct marks *marks,
                                 unsigned which);

/* Lets go; NULL is allowed.  If `clean`, checkpoints and the mark are written first: every
 * log must have been closed by log_dir_close_log().  There is no mark, but a negative code,
 * if the folder is fenced, or if a log could not be opened or closed in order and was not
 * later. */
int log_dir_close(struct log_dir *dir, bool clean);

/* Identity of the directory, and of the cluster it belongs to. */
struct uuid log_dir_id(const struct log_dir *dir);
const char *log_dir_cluster_id(const struct log_dir *dir);

/* The epoch under which the broker of this folder is registered, which a clean stop writes down:
 * by it a controller knows that nothing was lost (KIP-966).  -1 until it is told. */
void log_dir_set_broker_epoch(struct log_dir *dir, int64_t epoch);

/* The folder itself; an owned reference. */
struct file *log_dir_folder(const struct log_dir *dir);

/* True if this opening made the folder's identity: no broker has run on it before. */
bool log_dir_is_new(const struct log_dir *dir);

/* True if the last stop was clean: logs that have a recovery point need no recovery. */
bool log_dir_was_clean(const struct log_dir *dir);

/* Every log has been brought in order: what the commit log of the last run held is not
 * needed any more.  To be called once, before anything is written; after a clean stop too. */
NODISCARD int log_dir_recovered(struct log_dir *dir);

/* Makes the commit log of one shard (store/commit_log.h). */
NODISCARD int log_dir_make_commit_log(struct log_dir *dir, struct io *io, int shard,
                                      size_t block_size, struct commit_log **out);

/* True after a failed sync: nothing in the folder is trusted any more.  Any thread. */
bool log_dir_is_fenced(const struct log_dir *dir);

/* Says that a sync failed.  Any thread. */
void log_dir_fence(struct log_dir *dir);

/* True if there is a folder for the log `name`. */
bool log_dir_has_log(struct log_dir *dir, struct io *io, const char *name);

/* Opens the log `name`, making it if it is not there.  After an unclean stop its tail is
 * read, checked, cut where it breaks, and synced; so what is in an open log is durable.
 * LOG_E_CORRUPT if it cannot be brought in order, or belongs to another topic id. */
NODISCARD int log_dir_open_log(struct log_dir *dir, const struct log_env *env, const char *name,
                               struct uuid topic_id, const struct log_config *config,
                               struct log **out);

/* Syncs and closes the log as a clean stop does, and remembers its marks for
 * log_dir_close().  The log is gone in any case. */
NODISCARD int log_dir_close_log(struct log_dir *dir, struct log *log);

/* Takes the files of a deleted topic's log away; no error if there are none.  The log must
 * not be open; what readers hold of it they can still read.  A folder of the same name but
 * another topic id is left alone. */
NODISCARD int log_dir_delete_log(struct log_dir *dir, struct io *io, const char *name,
                                 struct uuid topic_id);
