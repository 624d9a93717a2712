/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/rng.h - repeatable random numbers (splitmix64).
 *
 * Not for secrets: those come from struct io's entropy.  Who needs chance takes a
 * `struct rng *` as a parameter, so that a run can be repeated from its seed.
 */

#include "base/base.h"

struct rng {
    uint64_t state;
};

static inline struct rng rng_of(uint64_t seed)
{
    return (struct rng){.state = seed};
}

/* The next 64 random bits. */
static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t z = (rng->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Evenly from 0 to limit - 1; `limit` is above 0. */
static inline uint64_t rng_below(struct rng *rng, uint64_t limit)
{
    assert(limit > 0);
    return (uint64_t)(((__uint128_t)rng_next(rng) * limit) >> 64);
}

/* Evenly from `low` to `high`, both included. */
static inline int64_t rng_between(struct rng *rng, int64_t low, int64_t high)
{
    uint64_t span = (uint64_t)high - (uint64_t)low;

    assert(low <= high);
    if (span == UINT64_MAX)
        return (int64_t)rng_next(rng);
    return (int64_t)((uint64_t)low + rng_below(rng, span + 1));
}

/* True in `percent` of 100 cases. */
static inline bool rng_chance(struct rng *rng, unsigned percent)
{
    return rng_below(rng, 100) < percent;
}
