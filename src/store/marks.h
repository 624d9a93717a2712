/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/marks.h - what the checkpoints of a folder of data say of each log in it.
 *
 *      recovery-point-offset-checkpoint    everything below is durable
 *      replication-offset-checkpoint       everything below was seen by readers
 *      log-start-offset-checkpoint         where a log begins inside its first segment
 *      cleaner-offset-checkpoint           everything below was compacted
 *
 * The files are written while a broker runs (store/keeper.h) and at a stop.  After a clean stop
 * a line of the recovery points also says that the log was closed in order: only such logs get
 * one then.
 *
 * Lines have names, and names come again.  So a new log says in its own folder that lines are
 * not about it, until the files have been written without those of an earlier one.
 *
 * Threading: what marks there are changes only while no shard runs; a mark is changed by
 *            whoever has its log.
 * Errors:    base/err.h.
 */

#include "base/diag.h"
#include "base/map.h"
#include "base/uuid.h"
#include "os/io.h"

struct mark {
    struct map_node node; /* In marks->by_name. */
    char *topic;          /* Owned. */
    int64_t partition;
    struct uuid topic_id;                          /* Zero: not known. */
    int64_t recovery_point, high_watermark, start; /* -1: not there, as the next. */
    int64_t cleaned;
    bool is_in_order; /* Its log was closed as a clean stop does, since the marks were read. */
    bool is_touched;  /* Its log was opened since, and not closed in order. */
    bool is_new;      /* Its log says still that lines are not about it. */
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

/* Forgets one. */
void marks_remove(struct marks *marks, struct mark *mark);

/* Takes over what the marks of `from` say, line by line. */
void marks_copy(struct marks *marks, const struct marks *from);

/* Reads the checkpoints of `dir`.  One that is damaged costs a longer recovery, no more. */
NODISCARD int marks_read(struct marks *marks, struct io *io, int dir, struct diag *diag);

/* The checkpoints, as bits. */
enum {
    MARKS_POINTS = 1 << 0,
    MARKS_WATERMARKS = 1 << 1,
    MARKS_STARTS = 1 << 2,
    MARKS_CLEANED = 1 << 3,
    MARKS_ALL = 15,
};

/* Writes those checkpoints of `which`, while logs are in use: what the marks say, by name. */
NODISCARD int marks_save(const struct marks *marks, struct io *io, int dir, unsigned which);

/* Writes the checkpoints at a stop: lines for the logs that `dir` has a folder of, by name.  A log
 * that was not closed in order gets no recovery point, nor does one of a folder that was
 * not `was_clean` and has not been opened since. */
NODISCARD int marks_write(const struct marks *marks, struct io *io, int dir, bool was_clean);
