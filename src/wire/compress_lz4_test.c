/* SPDX-License-Identifier: Apache-2.0 */

/* What is said of Java clients was tried with Apache Kafka 4.3.1. */

#include "test/harness/check.h"
#include "wire/compress.h"

#include <lz4frame.h>

/* A frame of our own making: magic, flags and block size with their checksum, blocks. */
#define MAGIC "\x04\x22\x4d\x18"
#define PLAIN_FRAME MAGIC "\x60\x40\x82"
#define STORED_ABC                                                                                 \
    "\3\0\0\x80"                                                                                   \
    "abc"
#define END "\0\0\0\0"

/* Records of a kind, `length` bytes of them. */
static void add_words(struct text *out, size_t length)
{
    struct rng local = rng_of(9);

    while (out->size < length)
        text_printf(out, "word-%u;", (unsigned)rng_below(&local, 500));
    text_cut(out, length);
}

/* Compresses `plain` with liblz4's own settings. */
static void pack(const struct text *plain, LZ4F_preferences_t preferences, struct text *out)
{
    size_t bound = LZ4F_compressFrameBound(plain->size, &preferences);
    size_t used = LZ4F_compressFrame(text_add_space(out, bound), bound, plain->data, plain->size,
                                     &preferences);

    check(!LZ4F_isError(used));
    text_cut(out, used);
}

static void check_is_read(const struct text *plain, LZ4F_preferences_t preferences, bool is_common)
{
    struct text packed = {.size = 0};
    struct text again = {.size = 0};

    pack(plain, preferences, &packed);
    check_ok(compress_decode(COMPRESS_LZ4, text_slice(&packed), plain->size, NULL, &again));
    check(slice_equal(text_slice(plain), text_slice(&again)));
    check_eq(compress_is_common(COMPRESS_LZ4, text_slice(&packed)), is_common);
    text_fini(&packed);
    text_fini(&again);
}

TEST(compress_lz4, every_kind_of_frame_is_read)
{
    struct text plain = {.size = 0};

    add_words(&plain, 500000);
    for (int block = LZ4F_max64KB; block <= LZ4F_max4MB; block++) {
        for (int options = 0; options < 8; options++) {
            LZ4F_preferences_t preferences = {
                .frameInfo = {
                    .blockSizeID = (LZ4F_blockSizeID_t)block,
                    .blockMode = LZ4F_blockIndependent,
                    .contentChecksumFlag =
                        options & 1 ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum,
                    .blockChecksumFlag =
                        options & 2 ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum,
                    .contentSize = options & 4 ? plain.size : 0,
                }};

            check_is_read(&plain, preferences, true);
        }
    }
    text_fini(&plain);
}

TEST(compress_lz4, linked_blocks_are_read_but_not_by_java_clients)
{
    struct text plain = {.size = 0};
    LZ4F_preferences_t preferences = {.frameInfo = {.blockMode = LZ4F_blockLinked}};

    add_words(&plain, 200000);
    check_is_read(&plain, preferences, false);
    text_fini(&plain);
}

static bool is_common(const char *frame, size_t length)
{
    return compress_is_common(COMPRESS_LZ4, slice_of(frame, length));
}

#define IS_COMMON(text) is_common(text, sizeof(text) - 1)

TEST(compress_lz4, java_clients_know_no_dictionaries_and_no_empty_blocks)
{
    check(IS_COMMON(PLAIN_FRAME STORED_ABC END));
    check(IS_COMMON(PLAIN_FRAME END));
    check(!IS_COMMON(MAGIC "\x61\x40\1\0\0\0\x82" STORED_ABC END));
    check(!IS_COMMON(MAGIC "\x62\x40\x82" STORED_ABC END));
    check(!IS_COMMON(MAGIC "\xa0\x40\x82" STORED_ABC END));
    check(!IS_COMMON(PLAIN_FRAME "\0\0\0\x80" STORED_ABC END));
    check(!IS_COMMON(PLAIN_FRAME STORED_ABC "\1\0\0\0\0" END));
    check(!IS_COMMON(MAGIC "\x70\x40\x82" STORED_ABC "sum."
                           "\1\0\0\0\0"
                           "sum." END));
    check(IS_COMMON(MAGIC "\x70\x40\x82" STORED_ABC "\1\0\0\0" END));
    check(!IS_COMMON(MAGIC "\x68\x40"
                           "12345678"
                           "\x82" STORED_ABC "\1\0\0\0\0" END));
    check(IS_COMMON(PLAIN_FRAME "\xff\xff\xff\xff"
                                "abc"));
    check(IS_COMMON(MAGIC));
}

TEST(compress_lz4, a_second_frame_is_refused)
{
    static const char two[] = PLAIN_FRAME STORED_ABC END PLAIN_FRAME STORED_ABC END;
    size_t one = (sizeof(two) - 1) / 2;
    struct text out = {.size = 0};

    check_ok(compress_decode(COMPRESS_LZ4, slice_of(two, one), 10, NULL, &out));
    check(slice_is_text(text_slice(&out), "abc"));
    check_eq(compress_decode(COMPRESS_LZ4, slice_of(two, 2 * one), 10, NULL, &out),
             COMPRESS_E_MALFORMED);
    text_fini(&out);
}

/* The first frame of Kafka 3.9 for format 0, and of what others write. */
TEST(compress_lz4, the_checksum_of_a_header_is_right_or_that_of_old_clients)
{
    uint8_t plain[] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0, 0, 0, 0, 0};
    uint8_t sized[] = {0x04, 0x22, 0x4d, 0x18, 0x68, 0x40, 0x64, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    check(compress_lz4_mark(plain, sizeof(plain), true));
    check_eq(plain[6], 0x1a);
    check(compress_lz4_mark(plain, sizeof(plain), false));
    check_eq(plain[6], 0x82);
    check(compress_lz4_mark(sized, sizeof(sized), false));
    check_eq(sized[14], 0x23);
    check(compress_lz4_mark(sized, 15, true));
    check_eq(sized[6], 0x64); /* What is before it stays. */
    check(!compress_lz4_mark(sized, 14, false));
    check(!compress_lz4_mark(plain, 6, false));
    plain[4] |= 1; /* With a dictionary. */
    check(!compress_lz4_mark(plain, sizeof(plain), false));
    plain[4] ^= 1;
    plain[0] = 5;
    check(!compress_lz4_mark(plain, sizeof(plain), false));
}

FUZZ(compress_lz4, inflate)
{
    struct text out = {.size = 0};

    if (!compress_decode(COMPRESS_LZ4, slice_of(data, size), 1 << 20, NULL, &out))
        check(out.size <= 1 << 20);
    text_fini(&out);
}
