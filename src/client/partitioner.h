/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/partitioner.h - which partition a record goes to, as the Java client decides.
 *
 * A record with a key goes to murmur2(key) modulo the number of partitions, so that all
 * clients agree.  One without a key sticks to a partition until about a batch's worth of
 * bytes went there, and then to another one that was chosen by chance among those that
 * have a leader.
 *
 * Threading: pure functions.
 * Errors:    none.
 */

#include "base/rng.h"
#include "base/slice.h"
#include "client/cluster.h"

/* The hash of a key: 32-bit murmur2 with Kafka's seed. */
uint32_t partitioner_murmur2(struct slice key);

/* The partition of a record with this key, which may be empty but not null. */
int32_t partitioner_of_key(struct slice key, int32_t partition_count);

/* Where records without a key go at the moment. */
struct partitioner_sticky {
    int32_t partition; /* -1: not chosen yet. */
    size_t bytes;      /* Since it was chosen. */
};

/* The partition of a record of `size` bytes without a key.  Switches when `switch_bytes`
 * were given to the last one. */
int32_t partitioner_of_any(struct partitioner_sticky *sticky, const struct cluster_topic *topic,
                           size_t size, size_t switch_bytes, struct rng *rng);
