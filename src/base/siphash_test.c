/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"
#include "test/harness/check.h"

static const uint8_t key[SIPHASH_KEY_SIZE] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void check_hash(size_t size, uint64_t first, uint64_t second)
{
    uint8_t bytes[64];
    struct siphash hash;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    hash = siphash(key, slice_of(bytes, size));
    check_eq(hash.words[0], first);
    check_eq(hash.words[1], second);
}

/* vectors_sip128 of the authors' reference, as little-endian words. */
TEST(siphash, is_what_its_authors_compute)
{
    check_hash(0, 0xe6a825ba047f81a3u, 0x930255c71472f66du);
    check_hash(1, 0x44af996bd8c187dau, 0x45fc229b11597634u);
    check_hash(15, 0x11a8b03399e99354u, 0xd9c3cf970fec087eu);
    check_hash(63, 0x4a83502f77d15051u, 0x7cbd3f979a063e50u);
}

TEST(siphash, every_byte_and_the_key_count)
{
    uint8_t bytes[40] = {0};
    uint8_t other[SIPHASH_KEY_SIZE] = {1};
    uint64_t before = siphash(key, slice_of(bytes, sizeof(bytes))).words[0];

    check(siphash(other, slice_of(bytes, sizeof(bytes))).words[0] != before);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 1;
        check(siphash(key, slice_of(bytes, sizeof(bytes))).words[0] != before);
        bytes[i] = 0;
    }
    check_eq(siphash(key, slice_null()).words[0], siphash(key, slice_empty()).words[0]);
}
