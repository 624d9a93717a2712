/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/admin_offsets.h - the offsets of partitions: one ListOffsets to each leader.
 *
 * Threading: one thread.
 * Errors:    false, with a sentence in cli->why.
 */

#include "cli/admin.h"

/* Times that are none. */
enum { ADMIN_LATEST = -1, ADMIN_EARLIEST = -2 };

struct admin_offset {
    struct slice topic; /* Borrowed: outlives the admin's answers. */
    int32_t partition;
    int32_t leader; /* -1: none, and there is an error. */
    int64_t time;   /* The offset of the first record from then on is meant. */
    int64_t offset; /* -1: there is none. */
    int16_t error;
};

/* A partition's row, not asked for yet. */
struct admin_offset admin_offset_of(struct slice topic,
                                    const struct metadata_response_partition *partition,
                                    int64_t time);

/* Compares two struct admin_offset by topic and partition, for qsort(). */
int admin_by_partition(const void *a, const void *b);

/* Asks for the offsets of all rows, which are sorted and no two alike. */
NODISCARD bool admin_offsets_ask(struct cli *cli, struct admin *admin, struct admin_offset *rows,
                                 size_t count);
