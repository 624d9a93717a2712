/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "test/harness/check.h"
#include "wire/crc32c.h"
#include "wire/crc32c_internal.h"

typedef uint32_t crc_fn(uint32_t crc, const void *data, size_t size);

struct variant {
    const char *name;
    crc_fn *run;
    bool is_possible; /* This processor has it. */
};

enum { VARIANTS_MAX = 6, SPACE = 16384 };

static size_t variants(struct variant *out)
{
    size_t n = 0;

    out[n++] = (struct variant){"chosen", crc32c_extend, true};
    out[n++] = (struct variant){"portable", crc32c_portable, true};
    out[n++] = (struct variant){"sse42", crc32c_sse42, crc32c_has_sse42()};
    out[n++] = (struct variant){"avx2", crc32c_avx2, crc32c_has_avx2()};
    out[n++] = (struct variant){"avx512", crc32c_avx512, crc32c_has_avx512()};
    out[n++] = (struct variant){"armv8", crc32c_armv8, crc32c_has_armv8()};
    return n;
}

/* The definition: a division, bit by bit. */
static uint32_t by_definition(uint32_t crc, const uint8_t *data, size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static void check_variants(uint32_t crc, const uint8_t *data, size_t size)
{
    struct variant all[VARIANTS_MAX];
    size_t count = variants(all);
    uint32_t expected = by_definition(crc, data, size);

    for (size_t i = 0; i < count; i++)
        if (all[i].is_possible)
            check_eq(all[i].run(crc, data, size), expected);
}

TEST(crc32c, the_examples_of_rfc_3720_are_right)
{
    uint8_t bytes[32];

    memset(bytes, 0, sizeof(bytes));
    check_eq(crc32c(bytes, sizeof(bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    check_eq(crc32c(bytes, sizeof(bytes)), 0x62a8ab43);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    check_eq(crc32c(bytes, sizeof(bytes)), 0x46dd794e);
    check_eq(crc32c("123456789", 9), 0xe3069283);
}

TEST(crc32c, the_checksum_of_nothing_is_0)
{
    check_eq(crc32c(NULL, 0), 0);
    check_eq(crc32c_extend(77, "", 0), 77);
}

TEST(crc32c, every_variant_is_right_at_every_short_length)
{
    uint8_t bytes[1100];
    struct rng local = rng_of(3);

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)rng_next(&local);
    for (size_t length = 0; length < sizeof(bytes) - 8; length++)
        check_variants((uint32_t)rng_next(&local), bytes + length % 8, length);
}

TEST(crc32c, every_variant_says_what_the_portable_one_says_at_every_length_and_alignment)
{
    enum { LENGTHS = 800, ALIGNMENTS = 64 };
    struct variant all[VARIANTS_MAX];
    size_t count = variants(all);
    _Alignas(ALIGNMENTS) uint8_t bytes[LENGTHS + ALIGNMENTS];
    struct rng local = rng_of(4);

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)rng_next(&local);
    for (size_t length = 0; length < LENGTHS; length++)
        for (size_t at = 0; at < ALIGNMENTS; at++) {
            uint32_t crc = (uint32_t)rng_next(&local);
            uint32_t expected = crc32c_portable(crc, bytes + at, length);

            for (size_t i = 0; i < count; i++)
                if (all[i].is_possible)
                    check_eq(all[i].run(crc, bytes + at, length), expected);
        }
}

PROPERTY(crc32c, every_variant_is_right_at_any_length_and_address, 300)
{
    scoped(mem_freep_any) uint8_t *bytes = mem_new(SPACE);
    size_t length = rng_below(rng, 1 + (SPACE >> rng_below(rng, 10)));
    size_t at = rng_below(rng, SPACE - length + 1);

    for (size_t i = 0; i < SPACE; i++)
        bytes[i] = (uint8_t)rng_next(rng);
    check_variants((uint32_t)rng_next(rng), bytes + at, length);
}

PROPERTY(crc32c, the_checksum_of_two_parts_is_that_of_the_whole, 300)
{
    uint8_t bytes[4096];
    size_t length = rng_below(rng, sizeof(bytes));
    size_t cut = rng_below(rng, length + 1);

    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)rng_next(rng);
    check_eq(crc32c_extend(crc32c(bytes, cut), bytes + cut, length - cut), crc32c(bytes, length));
}
