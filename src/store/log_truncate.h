/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/log_truncate.h - the end of a log moves back, to where it agrees with its leader.
 *
 *      [ segment ][ segment ......|~~~~~~~~~~ ][~~ segment ~~]
 *                                 ^ offset: what lies behind goes
 *
 * A replica that was led by another broker than now may have records that the leader of today
 * has not: those of an epoch behind its end there (KIP-101, KIP-279).  Nobody was shown them, and
 * nobody was told that they are safe.
 *
 * Who cuts does it in this order, and may be killed in between:
 *
 *      home      log_truncate_begin()   where the log will end; nothing has changed
 *      keeper    what the checkpoints say of the log is lowered to what `out` says, durably
 *      syncer    syncer_cut(): what the commit log has of the log's rest is void, durably
 *      a worker  log_truncate_run()     what was cut is gone, durably; the log goes on from there
 *
 * The first two are in front since else a recovery would not read what follows the cut, or would
 * write what was cut over it.  Until the end nobody appends, reads or cleans, nothing is staged,
 * and neither a sync nor a checkpoint is on its way.
 *
 * Threading: log_truncate_run() the loop that has the log or, while nobody else uses the log, a
 *            worker; the rest as log.h.
 * Errors:    base/err.h; LOG_E_CORRUPT.
 */

#include "store/log.h"

struct log_truncation {
    int64_t offset; /* Where the log will end, and begin too if nothing is left of it. */
    bool is_all;    /* All segments go, and it begins again at `offset`. */
    int64_t recovery_point, cleaned, start_mark; /* For the checkpoints; -1 as struct mark's. */

    int64_t base;      /* Of the segment that will be the last, ... */
    uint64_t position; /* ... and where it will end. */
};

/* Finds where the log will end so that nothing is left of `offset` and what lies behind: at that
 * offset if a batch begins there.  If that is in front of its start, nothing is left. */
NODISCARD int log_truncate_begin(struct log *log, int64_t offset, struct log_truncation *out);

/* The same for a log that is to be empty and to begin at `start`, wherever that is.  Where that
 * is not 0, log_is_new() has to be false. */
void log_truncate_all(const struct log *log, int64_t start, struct log_truncation *out);

/* Does it.  A negative code: the log is fenced, and some of what was to go may be there. */
NODISCARD int log_truncate_run(struct log *log, const struct log_truncation *truncation);

/* Where a follower is to truncate to whose leader, asked for the epoch of the follower's last
 * record, has answered with `epoch` and `end`, the offset behind its records.  `*out_agrees` is
 * false if both may differ still below `*out_offset`: the leader is to be asked again then, for the
 * last epoch that the follower has there (KIP-279).  `end` -1: the leader knows nothing, and
 * `*out_offset` is `high_watermark`, below which all replicas have the same. */
void log_find_divergence(const struct log *log, int32_t epoch, int64_t end, int64_t high_watermark,
                         int64_t *out_offset, bool *out_agrees);
