/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/marks.h - what the checkpoints of a folder of data say of each log in it.
 *
 *      recovery-point-offset-checkpoint    everything below is durable
 *      replication-offset-checkpoint       everything below was seen by readers
 *      log-start-offset-checkpoint         where a log begins inside its first segment
 *
 * A line of the recovery points also says that the log was closed in order: only such logs
 * get one at a clean stop.
 *
 * Threading: what marks there are changes only while no shard runs; a mark is changed by
 *            whoever has its log.
 * Errors:    base/err.h.
 */

#include "base/diag.h"
#include "base/map.h"
#include "os/io.h"

struct mark {
    struct map_node node; /* In marks->by_name. */
    char *topic;          /* Owned. */
    int64_t partition;
    int64_t recovery_point, high_watermark, start; /* -1: not there. */
    bool is_in_order; /* Its log was closed as a clean stop does, since the marks were read. */
    bool is_touched;  /* Its log was opened since, and not closed in order. */
};

struct marks {
    struct map by_name; /* Owned struct mark. */
};

/* None. */
void marks_init(struct marks *marks);

/* Forgets all. */
void marks_fini(struct marks *marks);

/* The mark of a log, or NULL. */
struct mark *marks_find(const struct marks *marks, struct slice topic, int64_t partition);

/* The mark of a log, made if there is none. */
struct mark *marks_get(struct marks *marks, struct slice topic, int64_t partition);

/* Reads the checkpoints of `dir`.  One that is damaged costs a longer recovery, no more. */
NODISCARD int marks_read(struct marks *marks, struct io *io, int dir, struct diag *diag);

/* Writes the checkpoints: lines for the logs that `dir` has a folder of, by name.  A log
 * that was not closed in order gets no recovery point, nor does one of a folder that was
 * not `was_clean` and has not been opened since. */
NODISCARD int marks_write(const struct marks *marks, struct io *io, int dir, bool was_clean);
