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
    const char *cluster_id; /* Of the cluster that it must belong to; NULL: any, or a new one. */
    /* Called once, when the folder is fenced, on the thread that found out; may be NULL. */
    void (*fenced)(void *owner);
    void *owner;
};

struct commit_log;
struct marks;

enum log_dir_outcome {
    LOG_DIR_E_LOCKED = 1, /* Another process runs on it. */
    LOG_DIR_E_FOREIGN,    /* It belongs to another node or cluster, or to a newer release. */
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

/* Called for each folder that has the name of a log: of partition `partition` of `topic`, which
 * is borrowed for the call.  Non-zero ends the walk, which returns it. */
typedef int log_dir_log_fn(void *context, const char *name, struct slice topic, int64_t partition);

/* Walks the logs there are, by the names of their folders; the metadata log is left out. */
NODISCARD int log_dir_walk(struct log_dir *dir, struct io *io, log_dir_log_fn *fn, void *context);

/* True in `*out` if there is a folder for the log `name` that says that it is of that topic.  One
 * that does not say is nobody's: see log_open.c. */
NODISCARD int log_dir_has_log_of(struct log_dir *dir, struct io *io, const char *name,
                                 struct uuid topic_id, bool *out);

/* The topic that the folder `name` says it is of; zero if it does not say.  A positive code:
 * what it says cannot be read. */
NODISCARD int log_dir_topic_of(struct log_dir *dir, struct io *io, const char *name,
                               struct uuid *out);

/* Moves the folder of a log aside that is nobody's: it gets the suffix `-stray`, and a line in the
 * operator's log. */
NODISCARD int log_dir_move_stray(struct log_dir *dir, struct io *io, const char *name);

/* True if there is a folder for the log `name`. */
bool log_dir_has_log(struct log_dir *dir, struct io *io, const char *name);

/* Opens the log `name`, making it if it is not there.  After an unclean stop its tail is
 * read, checked, cut where it breaks, and synced; so what is in an open log is durable.
 * LOG_E_CORRUPT if it cannot be brought in order, or belongs to another topic id. */
NODISCARD int log_dir_open_log(struct log_dir *dir, const struct log_env *env, const char *name,
                               struct uuid topic_id, const struct log_config *config,
                               struct log **out);

/* Whether it is worth while to open the log `name`, which is not open, for log_retain(): true in
 * `*out` also where a look into its files does not tell.  Changes nothing.  Any thread. */
NODISCARD int log_dir_has_expired(struct log_dir *dir, struct io *io, const char *name,
                                  const struct log_retention *retention, int64_t now_ms, bool *out);

/* Bytes of the batches of the log `name`, by its files; 0 if there is none.  Any thread. */
NODISCARD int log_dir_log_size(struct log_dir *dir, struct io *io, const char *name, int64_t *out);

/* Bytes of the disk that the folder is on, and those of them that may still be used. */
NODISCARD int log_dir_space(struct log_dir *dir, struct io *io, int64_t *out_total,
                            int64_t *out_usable);

/* Syncs and closes the log as a clean stop does, and remembers its marks for
 * log_dir_close().  The log is gone in any case. */
NODISCARD int log_dir_close_log(struct log_dir *dir, struct log *log);

/* What is kept of a log at rest: it has no memory and no file open, and can go on. */
struct log_rest {
    int64_t start;
    int64_t start_mark; /* The start if it is inside the first segment, or -1. */
    int64_t end;        /* Everything below is durable in its own files, */
    int64_t point_kept; /* and this is the recovery point that the checkpoints have. */
    int64_t cleaned;    /* As log_cleaned(). */
    int64_t size;       /* As log_size(), */
    uint32_t segments;  /* and log_segments(). */
    bool is_new;        /* As log_is_new(). */
};

/* Lays `log` to rest: closes it as a clean stop does, which costs nothing but the closing of
 * files unless log_wants_checkpoint().  The log is gone in any case. */
NODISCARD int log_dir_rest_log(struct log_dir *dir, struct log *log, struct log_rest *out);

/* Opens a log that is at rest. */
NODISCARD int log_dir_wake_log(struct log_dir *dir, const struct log_env *env, const char *name,
                               struct uuid topic_id, const struct log_config *config,
                               const struct log_rest *rest, struct log **out);

/* Remembers the marks of a log at rest for log_dir_close(); no shard runs any more. */
void log_dir_close_resting(struct log_dir *dir, const char *name, struct uuid topic_id,
                           const struct log_rest *rest);

/* Takes the files of a deleted topic's log away; no error if there are none.  The log must
 * not be open; what readers hold of it they can still read.  A folder of the same name but
 * another topic id is left alone. */
NODISCARD int log_dir_delete_log(struct log_dir *dir, struct io *io, const char *name,
                                 struct uuid topic_id);
