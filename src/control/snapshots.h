/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* control/snapshots.h - the snapshots in the folder of the metadata log.
 *
 * An image becomes a file on a worker, while the loop goes on: written beside its name, synced,
 * renamed.  Images are immutable, so nobody waits.  Old snapshots go when there is a newer one and
 * there is too much of them and of the log, and with them what of the log lies below.
 *
 *      snapshot 43     snapshot 86                     snapshot 86
 *      log 0 ............................>     --->    log      86 ...........>
 *
 * Threading: one loop.
 * Errors:    base/err.h; enum snapshots_outcome.  What fails on the worker is told in the
 *            operator's log, and the next snapshot tries again.
 */

#include "meta/image.h"
#include "meta/metadata_reader.h"
#include "meta/snapshot.h"
#include "store/log_dir.h"

struct snapshots;

enum snapshots_outcome {
    SNAPSHOTS_E_CORRUPT = 1, /* The newest cannot be read. */
};

struct snapshots_options {
    const struct log_env *env; /* Borrowed, as the folder of data and the log. */
    struct log_dir *dir;
    struct log *log;
    struct uuid log_id;
    int64_t retention_bytes; /* Of log and snapshots together; negative: any. */
    int64_t retention_ms;    /* Since the last record that is in it; negative: any. */
};

/* Looks what there is, and takes away what a crash left half written. */
NODISCARD int snapshots_open(const struct snapshots_options *options, struct snapshots **out);

/* Waits for the worker, and frees; NULL is allowed.  Always returns NULL. */
struct snapshots *snapshots_close(struct snapshots *snapshots);

/* The newest one; false if there is none. */
bool snapshots_newest(const struct snapshots *snapshots, struct snapshot_id *out);

/* How many there are. */
size_t snapshots_count(const struct snapshots *snapshots);

/* Reads the snapshot `id`, which is there, through `reader`. */
NODISCARD int snapshots_load(const struct snapshots *snapshots, struct snapshot_id id,
                             struct metadata_reader *reader);

/* Reads a file in the form of a snapshot. */
NODISCARD int snapshots_load_file(struct io *io, int dir, const char *name,
                                  struct metadata_reader *reader);

/* True while a worker writes or cleans. */
bool snapshots_are_busy(const struct snapshots *snapshots);

/* Begins to write what `image` is as the snapshot `id`; not while busy.  `terms.voters` is
 * borrowed for the call. */
void snapshots_write(struct snapshots *snapshots, struct image *image, struct snapshot_id id,
                     const struct snapshot_terms *terms);
