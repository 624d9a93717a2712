/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

enum { ROUNDS = 2, LAST_ROUNDS = 4 };

static uint64_t load(const uint8_t *at, size_t size)
{
    uint64_t x = 0;

    for (size_t i = 0; i < size; i++)
        x |= (uint64_t)at[i] << (8 * i);
    return x;
}

static uint64_t load_word(const uint8_t *at)
{
    return load(at, 8); /* One instruction, where the machine is of the same order. */
}

static uint64_t turn(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void mix(uint64_t v[static 4], int rounds)
{
    for (int i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = turn(v[1], 13) ^ v[0];
        v[3] = turn(v[3], 16) ^ v[2];
        v[0] = turn(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = turn(v[1], 17) ^ v[2];
        v[3] = turn(v[3], 21) ^ v[0];
        v[2] = turn(v[2], 32);
    }
}

static void absorb(uint64_t v[static 4], uint64_t word)
{
    v[3] ^= word;
    mix(v, ROUNDS);
    v[0] ^= word;
}

struct siphash siphash(const uint8_t key[static SIPHASH_KEY_SIZE], struct slice bytes)
{
    uint64_t k0 = load_word(key);
    uint64_t k1 = load_word(key + 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du ^ 0xee,
                     k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
    size_t whole = bytes.size & ~(size_t)7;
    struct siphash out;

    for (size_t at = 0; at < whole; at += 8)
        absorb(v, load_word(bytes.data + at));
    absorb(v, (bytes.size > whole ? load(bytes.data + whole, bytes.size - whole) : 0) |
                  (uint64_t)bytes.size << 56);
    v[2] ^= 0xee;
    mix(v, LAST_ROUNDS);
    out.words[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
    v[1] ^= 0xdd;
    mix(v, LAST_ROUNDS);
    out.words[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
    return out;
}
