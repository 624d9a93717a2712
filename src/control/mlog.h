/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* control/mlog.h - the controller's log: metadata records, durable and in order.
 *
 * This is the interface behind which engines differ; the one there is is `local`: a
 * segment log in the folder `__cluster_metadata-0`, synced once per batch.  What is in
 * it is Kafka's own: batches of records with a null key whose values are metadata
 * records (KIP-631), and beside it snapshots (KIP-630), so that a log need not begin at 0.
 *
 * Each opening is a new epoch, which begins with a control record that says who leads.
 *
 * Threading: the controller's loop.
 * Errors:    base/err.h; enum mlog_outcome.
 */

#include "base/diag.h"
#include "meta/image.h"
#include "meta/metadata_reader.h"
#include "meta/snapshot.h"
#include "os/loop.h"
#include "store/log_dir.h"
#include "store/syncer.h"

struct mlog;

enum mlog_outcome {
    MLOG_E_CORRUPT = 1, /* A batch that was there at the last sync cannot be read. */
};

/* When snapshots are made, and when old ones and what they replace go. */
struct mlog_config {
    int64_t segment_bytes;
    int64_t segment_ms;
    int64_t snapshot_bytes; /* Of records since the last snapshot; negative: never for that. */
    int64_t snapshot_ms;    /* Since the last snapshot, at the next record; 0: never for that. */
    int64_t retention_bytes;
    int64_t retention_ms;
};

/* A log without snapshots, of which nothing goes. */
extern const struct mlog_config mlog_config_plain;

struct mlog_options {
    struct log_dir *dir; /* Borrowed, as all of these. */
    const struct log_env *env;
    struct syncer *syncer;
    struct mlog_config config;
    int32_t node_id;
    /* Hears each record there is, in order: first those of the newest snapshot, as if they were
     * its last.  A non-zero result ends the opening with it. */
    metadata_record_fn *replay;
    void *context;
};

/* Opens the log in `dir`, creating it, and replays what is there. */
NODISCARD int mlog_open(const struct mlog_options *options, struct mlog **out);

/* Closes and frees; NULL is allowed.  If `clean` the log is put in order first, or there is a
 * negative code. */
int mlog_close(struct mlog *mlog, bool clean);

/* True if no metadata was ever written: the first records are still to come. */
bool mlog_is_empty(const struct mlog *mlog);

/* Tells the records that a formatter left for the first start; none if there are none. */
NODISCARD int mlog_read_bootstrap(struct mlog *mlog, metadata_record_fn *fn, void *context);

/* The offset that the next record will have. */
int64_t mlog_end(const struct mlog *mlog);

/* The epoch of this opening. */
int32_t mlog_epoch(const struct mlog *mlog);

/* The level of kraft.version, which the log itself keeps. */
int16_t mlog_kraft_version(const struct mlog *mlog);

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

/* `image` is that of all that is durable: if it is time for a snapshot, one begins to be
 * written. */
void mlog_note_image(struct mlog *mlog, struct image *image);

/* True while a snapshot is being written, or old ones go. */
bool mlog_is_snapshotting(const struct mlog *mlog);

/* --- for who reads along (KIP-595) --- */

/* The first offset that is in the log, and the first that a crash could lose: nobody is shown what
 * is not below it. */
int64_t mlog_start(const struct mlog *mlog);
int64_t mlog_durable(const struct mlog *mlog);

/* Finds durable batches from `offset` on, which is not below the start: at most `bytes_max` bytes,
 * but one whole batch if there is one. */
NODISCARD int mlog_read(struct mlog *mlog, int64_t offset, size_t bytes_max, struct log_range *out);

/* As log_find_epoch_end(). */
void mlog_find_epoch_end(const struct mlog *mlog, int32_t epoch, int32_t *out_epoch,
                         int64_t *out_end);

/* The newest snapshot; false if there is none of any record. */
bool mlog_newest_snapshot(const struct mlog *mlog, struct snapshot_id *out);

/* Opens the file of a snapshot; -ENOENT if it is not there (any more). */
NODISCARD int mlog_open_snapshot(const struct mlog *mlog, struct snapshot_id id, struct file **out);
