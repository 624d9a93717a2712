/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/clean_map.h - the newest offset of each key of a stretch of a log.
 *
 * The map has room for a number of keys, and no more: the cleaner stops where it is full, and
 * goes on another time.  A key is kept as its hash of 128 bits (base/siphash.h, with a key of
 * this map's own), so that its length does not count: 24 bytes, as in Kafka.
 *
 * Threading: one thread at a time.
 * Errors:    none.
 */

#include "base/siphash.h"

struct clean_slot {
    struct siphash hash; /* All zero: free. */
    int64_t offset;
};

struct clean_map {
    struct clean_slot *slots; /* Owned. */
    size_t slot_count;
    size_t count, count_max; /* Keys. */
    uint8_t secret[SIPHASH_KEY_SIZE];
};

/* An empty map of at most `bytes_max` bytes, of which `load` (0 to 1) may be filled; no more than
 * what `keys` keys take.  There is always room for one. */
void clean_map_init(struct clean_map *map, size_t bytes_max, double load, uint64_t keys,
                    const uint8_t secret[static SIPHASH_KEY_SIZE]);

/* Frees the slots. */
void clean_map_fini(struct clean_map *map);

/* Notes that `key` is at `offset`, which is above those before.  False: there is no room. */
NODISCARD bool clean_map_put(struct clean_map *map, struct slice key, int64_t offset);

/* The newest offset of `key`; -1: it was not put in. */
int64_t clean_map_get(const struct clean_map *map, struct slice key);

/* Asserts what is always true of a map. */
void clean_map_check(const struct clean_map *map);
