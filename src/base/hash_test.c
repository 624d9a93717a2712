/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "test/harness/check.h"

TEST(hash, seeds_separate_tables)
{
    check(hash_slice(slice_text("orders"), 1) == hash_slice(slice_text("orders"), 1));
    check(hash_slice(slice_text("orders"), 1) != hash_slice(slice_text("orders"), 2));
    check(hash_slice(slice_text("orders"), 1) != hash_slice(slice_text("order"), 1));
    check(hash_slice(slice_null(), 1) == hash_slice(slice_empty(), 1));
}

/* Tables use the lowest bits: neighbours must not fall into the same chains. */
TEST(hash, names_that_differ_in_a_digit_spread_over_the_low_bits)
{
    int chains[64] = {0};

    for (int i = 0; i < 6400; i++) {
        uint8_t name[] = {'t', (uint8_t)(i / 80), (uint8_t)(i % 80)};

        chains[hash_slice(slice_of(name, sizeof(name)), 7) % 64]++;
    }
    for (size_t i = 0; i < COUNT_OF(chains); i++)
        check(chains[i] > 50 && chains[i] < 160);
}

PROPERTY(hash, every_bit_moves_the_result, 200)
{
    uint64_t x = rng_next(rng);

    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t moved = hash_u64(x) ^ hash_u64(x ^ (uint64_t)1 << bit);

        check(__builtin_popcountll(moved) > 8);
    }
}
