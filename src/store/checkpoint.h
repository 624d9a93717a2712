/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/checkpoint.h - Kafka's small text files of offsets.
 *
 *      0                      version
 *      2                      number of lines that follow
 *      orders 0 4210          topic, partition, offset     (offset checkpoints)
 *      0 0                    epoch, start offset          (leader-epoch-checkpoint)
 *
 * Threading: functions over their arguments only.
 * Errors:    base/err.h; CHECKPOINT_E_MALFORMED.
 */

#include "base/text.h"
#include "os/io.h"

enum checkpoint_outcome { CHECKPOINT_E_MALFORMED = 1 };

/* Called for each line; `topic` is borrowed, and null in an epoch file. */
typedef void checkpoint_line_fn(void *context, struct slice topic, int64_t number, int64_t offset);

/* Reads an offset checkpoint of `dir`, or with `has_topics` false an epoch file.  A file
 * that is not there has no lines.  Lines before a malformed one have been told. */
NODISCARD int checkpoint_read(struct io *io, int dir, const char *name, bool has_topics,
                              checkpoint_line_fn *fn, void *context);

/* A checkpoint being made. */
struct checkpoint {
    struct text lines;
    int64_t count;
};

/* Adds a line; `topic` is null in an epoch file. */
void checkpoint_add(struct checkpoint *checkpoint, struct slice topic, int64_t number,
                    int64_t offset);

/* Adds the file's bytes to `out` and frees the lines. */
void checkpoint_print(struct checkpoint *checkpoint, struct text *out);

/* Replaces the file and frees the lines, also when it fails. */
NODISCARD int checkpoint_write(struct checkpoint *checkpoint, struct io *io, int dir,
                               const char *name);

/* Splits `topic-3` at its last `-`; false if there is no number behind one. */
bool checkpoint_split(const char *log_name, struct slice *out_topic, int64_t *out_partition);
