/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/marker.h - the control record that ends a transaction in a partition (KIP-98).
 *
 *      a batch of its own, transactional and control, of the producer that it is about
 *         key      i16 version 0     i16 type: 0 abort, 1 commit
 *         value    i16 version 0     i32 epoch of the coordinator
 *
 * Other control records (of Raft) have other types, and end nothing.
 *
 * Threading: pure functions over the caller's memory.
 * Errors:    enum batch_outcome.
 */

#include "wire/batch.h"

enum marker_type { MARKER_ABORT = 0, MARKER_COMMIT = 1 };

struct marker {
    enum marker_type type;
    int32_t coordinator_epoch;
};

/* Who is told by a marker that it has ended, and when. */
struct marker_of {
    int64_t producer_id;
    int16_t producer_epoch;
    int64_t time_ms; /* Unix time. */
};

/* Reads the marker of the control batch `bytes`, which hold all of it; `*out_is_marker` is false
 * instead if it has none: another control record, or none at all, where the cleaner took it. */
NODISCARD int marker_parse(struct slice bytes, struct marker *out, bool *out_is_marker);

/* Adds a batch with the marker to `out`, as a coordinator has it appended. */
void marker_print(const struct marker *marker, const struct marker_of *of, struct text *out);
