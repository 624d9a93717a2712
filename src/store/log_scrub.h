/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/log_scrub.h - reads through the files of a log, a step at a time, for batches that are
 * not good any more, before anybody asks for them.
 *
 * The log may be open, asleep or changing meanwhile: what is found is a suspicion.  Whoever
 * reads at its offset, as consumers do, learns what is true (store/log_verify.h).
 *
 * Threading: a worker.
 * Errors:    base/err.h; enum log_scrub_outcome.
 */

#include "store/file.h"

enum log_scrub_outcome {
    LOG_SCRUB_MORE = 1,  /* There is more of the log. */
    LOG_SCRUB_SUSPICION, /* What should be at `offset` is not good; there may be more. */
};

/* How far it has come; zeros: it begins. */
struct log_scrub {
    int64_t base;      /* Of the segment. */
    uint64_t position; /* In it. */
    int64_t offset;    /* That the batch there begins with, or a larger one. */
    uint64_t bytes;    /* Out: that this step has read. */
};

/* Goes on through the log in the folder `name` of `root`, for about `bytes_max` bytes; 0 if that
 * was its end. */
NODISCARD int log_scrub_step(struct io *io, const struct file *root, const char *name,
                             uint64_t bytes_max, struct log_scrub *scrub);
