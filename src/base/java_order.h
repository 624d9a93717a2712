/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/java_order.h - the order in which a java.util.HashMap of texts is walked.
 *
 * Kafka's tools print some lists in the order of such a map.  It follows from the texts
 * and the capacity alone, so ours can print them in the same order.
 *
 * Threading: pure functions.
 * Errors:    none.
 */

#include "base/slice.h"

/* String.hashCode() of a text in UTF-8. */
int32_t java_order_hash(struct slice text);

/* Of a partition. */
int32_t java_order_hash_partition(struct slice topic, int32_t partition);

/* Puts the indexes 0 .. count - 1 of `keys`, added in this order to a map made for
 * `capacity` entries (0: made without saying), into the order of the walk. */
void java_order_sort(const struct slice *keys, size_t count, size_t capacity, size_t *out);

/* The same of keys of any kind, by their hashes. */
void java_order_sort_hashes(const int32_t *hashes, size_t count, size_t capacity, size_t *out);
