/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/log_verify.h - what was on disk is read through before it is served the first time.
 *
 * A batch's CRC is good when it comes in.  What a log had when it was opened lay on a disk
 * since, so log_read() says how much of its range is known to be good still, and the rest is
 * for a worker:
 *
 *      home     log_verify_begin()   which batches come next
 *      worker   log_verify_run()     reads them
 *      home     log_verify_end()     they are good, or it is known where the damage is
 *
 * One stretch of each segment is remembered, so that a reader that goes on from where it
 * stopped, as all do, has everything read once.
 *
 * Threading: as said above.
 * Errors:    base/err.h; LOG_E_CORRUPT.
 */

#include "store/log.h"

struct log_verify {
    struct file *file;  /* Owned reference. */
    int64_t base;       /* Of its segment. */
    uint32_t cleanings; /* Of the log, when it began: segments may change places. */
    uint64_t from;      /* Where a batch begins. */
    uint64_t upto;      /* Those that begin below this are read. */
    uint64_t end;       /* Of the segment's bytes. */
    uint64_t good;      /* Out: behind the last good one. */
    int result;         /* Out: LOG_E_CORRUPT if the one at `good` is not, or a negative code. */
};

/* What of `range`, which log_read() found and is not empty, or of the `ahead` bytes behind it is
 * to be read next.  False if nothing is: it is known already, the damaged batch in it too. */
bool log_verify_begin(const struct log *log, const struct log_range *range, uint64_t ahead,
                      struct log_verify *out);

/* Reads the batches.  A worker. */
void log_verify_run(struct log_verify *verify);

/* Takes down what was found, and lets the file go; `log` is the one it began with, or NULL if that
 * is not open any more.  Damage is told in the operator's log.  The result. */
int log_verify_end(struct log *log, struct log_verify *verify);
