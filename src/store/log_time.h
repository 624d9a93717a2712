/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/log_time.h - from a time to an offset: what ListOffsets asks of a log.
 *
 * Threading: as log.h.
 * Errors:    as log.h.
 */

#include "store/log.h"

struct log_time_offset {
    int64_t offset; /* -1: there is none. */
    int64_t timestamp;
    int32_t leader_epoch; /* Of its batch; -1: not known. */
};

/* The first record below `limit` whose time is at least `timestamp`. */
NODISCARD int log_find_time(struct log *log, int64_t timestamp, int64_t limit,
                            struct log_time_offset *out);

/* The first record below `limit` that has the largest time (KIP-734). */
NODISCARD int log_find_max_time(struct log *log, int64_t limit, struct log_time_offset *out);

struct log_starts_query {
    int64_t timestamp; /* Segments whose last record is later are left out. */
    int64_t now_ms;    /* Unix time: that of the end, and of what is empty. */
    int64_t limit;     /* Offsets above are told as this. */
    size_t max;        /* Of the answer. */
};

/* Adds the offsets at which segments begin, and where the last ends, to `out` (int64_t, the
 * largest first): what ListOffsets was before it knew times of records. */
NODISCARD int log_list_starts(struct log *log, const struct log_starts_query *query,
                              struct text *out);
