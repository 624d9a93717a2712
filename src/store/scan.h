/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/scan.h - walks the batches of a segment file from a position on.
 *
 * Reads ahead in pieces; a batch that is larger than a piece is read whole.  Nothing is
 * believed of a batch that reaches beyond the end of the file.
 *
 * Threading: one thread at a time.
 * Errors:    base/err.h; SCAN_E_BROKEN.
 */

#include "store/file.h"
#include "wire/batch.h"

enum scan_outcome {
    SCAN_E_BROKEN = 1, /* What is at `position` is no whole batch. */
};

struct scan {
    struct file *file; /* Borrowed. */
    uint64_t position; /* Of the batch that comes next. */
    uint64_t end;      /* Of what may be read. */
    uint8_t *bytes;    /* Owned: a piece of the file, */
    uint64_t at;       /* which begins here, */
    size_t size, room; /* and is so long. */
};

/* A batch in the file; `bytes` is borrowed until the next call. */
struct scan_batch {
    struct batch_header header;
    uint64_t position;
    struct slice bytes;
};

/* Begins at `position` of `file`; nothing at or behind `end` is read. */
void scan_init(struct scan *scan, struct file *file, uint64_t position, uint64_t end);

/* Frees the buffer. */
void scan_fini(struct scan *scan);

/* The next batch, with all its bytes; `*out_end` is true instead at the end. */
NODISCARD int scan_next(struct scan *scan, struct scan_batch *out, bool *out_end);

/* As scan_next(), but reads little more than the headers: `bytes` is not set. */
NODISCARD int scan_next_header(struct scan *scan, struct scan_batch *out, bool *out_end);

/* As scan_next_header(), but of control batches, which are small, `bytes` is set. */
NODISCARD int scan_next_control(struct scan *scan, struct scan_batch *out, bool *out_end);
