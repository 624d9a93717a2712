/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "test/harness/check.h"

TEST(rng, a_seed_repeats_itself_and_is_known)
{
    struct rng a = rng_of(0);
    struct rng b = rng_of(1234567);

    /* The first numbers that splitmix64's authors publish for these seeds. */
    check(rng_next(&a) == 0xe220a8397b1dcdafu);
    check(rng_next(&b) == 6457827717110365317u);
    check(rng_next(&b) == 3203168211198807973u);
}

PROPERTY(rng, numbers_stay_within_their_bounds, 2000)
{
    uint64_t limit = (rng_next(rng) >> rng_below(rng, 64)) | 1;
    int64_t a = (int64_t)rng_next(rng) >> rng_below(rng, 64);
    int64_t b = (int64_t)rng_next(rng) >> rng_below(rng, 64);
    int64_t n = rng_between(rng, min_of(a, b), max_of(a, b));

    check(rng_below(rng, limit) < limit);
    check(n >= min_of(a, b) && n <= max_of(a, b));
    check(!rng_chance(rng, 0));
    check(rng_chance(rng, 100));
    check_eq(rng_between(rng, a, a), a);
}

TEST(rng, the_widest_range_is_a_range)
{
    bool low = false;
    bool high = false;

    for (int i = 0; i < 100; i++) {
        int64_t n = rng_between(rng, INT64_MIN, INT64_MAX);

        low = low || n < INT64_MIN / 2;
        high = high || n > INT64_MAX / 2;
    }
    check(low && high);
}

TEST(rng, every_value_of_a_small_range_comes_up)
{
    int seen[6] = {0};

    for (int i = 0; i < 6000; i++)
        seen[rng_between(rng, 0, 5)]++;
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        check(seen[i] > 850 && seen[i] < 1150);
    check_bug(rng_below(rng, 0));
}
