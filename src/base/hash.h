/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/hash.h - hashes for tables in memory; never stored, never sent. */

#include "base/slice.h"

/* Finishes a 64-bit value so that each bit of it moves half of the result. */
static inline uint64_t hash_u64(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
}

/* FNV-1a, finished.  `seed` separates tables that strangers can fill. */
static inline uint64_t hash_slice(struct slice s, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325u ^ seed;

    for (size_t i = 0; i < s.size; i++)
        h = (h ^ s.data[i]) * 0x100000001b3u;
    return hash_u64(h);
}
