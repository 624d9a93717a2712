/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/siphash.h - SipHash-2-4 with 128 bits (Aumasson, Bernstein): a hash with a secret key.
 *
 * Who does not know the key cannot find two inputs with the same hash; by accident two of n
 * inputs have the same one with probability n^2 / 2^129.  So the hash can stand for the input
 * where that would take too much room.
 */

#include "base/slice.h"

enum { SIPHASH_KEY_SIZE = 16 };

struct siphash {
    uint64_t words[2];
};

/* The hash of `bytes`; null is as empty. */
struct siphash siphash(const uint8_t key[static SIPHASH_KEY_SIZE], struct slice bytes);
