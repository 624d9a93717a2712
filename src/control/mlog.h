/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* control/mlog.h - the controller's log: metadata records, durable and in order.
 *
 * This is the interface behind which engines differ; the one there is is `local`: a
 * segment log in the folder `__cluster_metadata-0`, synced once per batch.  What is in
 * it is Kafka's own: batches of records with a null key whose values are metadata
 * records (KIP-631).
 *
 * Threading: the controller's loop.
 * Errors:    base/err.h; enum mlog_outcome.
 */

#include "base/diag.h"
#include "os/loop.h"
#include "store/log_dir.h"
#include "store/syncer.h"

struct mlog;

enum mlog_outcome {
    MLOG_E_CORRUPT = 1, /* A batch that was there at the last sync cannot be read. */
};

/* Hears each record that is in the log, in order. */
typedef int mlog_replay_fn(void *context, int64_t offset, struct slice record);

/* Opens the log in `dir`, creating it, and replays what is there.  A non-zero result
 * of `replay` ends the opening with it. */
NODISCARD int mlog_open(struct log_dir *dir, const struct log_env *env, struct syncer *syncer,
                        mlog_replay_fn *replay, void *context, struct mlog **out);

/* Closes and frees; NULL is allowed.  If `clean` the log is put in order first, or there is a
 * negative code. */
int mlog_close(struct mlog *mlog, bool clean);

/* The offset that the next record will have. */
int64_t mlog_end(const struct mlog *mlog);

/* True if the log takes no more, until it is opened again. */
bool mlog_is_failed(const struct mlog *mlog);

/* Appends `records` as one batch; `done` is called when they are durable, or with a
 * negative code when they are not, after which the log takes no more.  One append at
 * a time.  The records are borrowed for the call only.  A negative code: nothing was
 * appended and done() will not be called; unless mlog_is_failed() it may be tried again. */
NODISCARD int mlog_append(struct mlog *mlog, const struct slice *records, size_t count,
                          void (*done)(void *context, int r), void *context);

/* As mlog_append(), and waits for it: for the first records of a new log, before there
 * is anybody to wait for. */
NODISCARD int mlog_append_now(struct mlog *mlog, const struct slice *records, size_t count);
