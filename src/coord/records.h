/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/records.h - what is in the partitions of __consumer_offsets, in Kafka's own bytes.
 *
 *     key    i16 type, fields            1 offset of a partition, 2 classic group; others are
 *     value  i16 version, fields           of groups that we do not coordinate
 *            null: a tombstone
 *
 * Keys and values are read in all versions there were.  Offsets are written in version 4,
 * or 1 where they have an expiry time of their own; groups in version 3.
 *
 * Threading: pure functions.
 * Errors:    enum records_outcome.
 */

#include "base/arena.h"
#include "coord/group.h"
#include "coord/offsets.h"
#include "wire/batch.h"

enum records_outcome {
    RECORDS_E_MALFORMED = 1, /* Not what the type says. */
    RECORDS_E_VERSION,       /* Of a newer release. */
};

enum records_kind {
    RECORDS_OFFSET,
    RECORDS_GROUP,
    RECORDS_FOREIGN_GROUP, /* A group of another type is there, or (tombstone) is not. */
    RECORDS_FOREIGN,       /* Something else of such a group. */
    RECORDS_UNKNOWN,
};

struct records_key {
    enum records_kind kind;
    struct slice group, topic; /* Borrowed. */
    int32_t partition;
};

/* Reads a key. */
NODISCARD int records_read_key(struct slice key, struct records_key *out);

/* Reads the value of an offset, which is not null; `out` borrows from it. */
NODISCARD int records_read_offset(struct slice value, struct committed *out);

/* Reads the value of a group, which is not null; `out` borrows from it and the arena. */
NODISCARD int records_read_group(struct slice value, struct arena *arena,
                                 struct group_metadata_value *out);

/* A record, encoded. */
struct records_pair {
    struct slice key, value; /* Arena. */
};

/* The record of an offset; `value` NULL makes a tombstone. */
struct records_pair records_of_offset(struct arena *arena, struct slice group, struct slice topic,
                                      int32_t partition, const struct committed *value);

/* The record of a group as it is, with the assignments that its leader has made; NULL makes
 * a tombstone. */
struct records_pair records_of_group(struct arena *arena, struct slice id,
                                     const struct group *group);
