/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "wire/compress.h"

/* "abc" with every optional field: extra bytes, a name and a comment. */
static const char all_fields[] = "\x1f\x8b\x08\x1c\0\0\0\0\0\3"
                                 "\4\0xxxx"
                                 "name\0"
                                 "comment\0"
                                 "\x4b\x4c\x4a\x06\x00"
                                 "\xc2\x41\x24\x35\3\0\0\0";

static int decode(struct slice in, struct text *out)
{
    text_cut(out, 0);
    return compress_decode(COMPRESS_GZIP, in, 1000, NULL, out);
}

TEST(compress_gzip, optional_fields_are_passed_over)
{
    struct text out = {.size = 0};

    check_ok(decode(slice_of(all_fields, sizeof(all_fields) - 1), &out));
    check(slice_is_text(text_slice(&out), "abc"));
    text_fini(&out);
}

TEST(compress_gzip, members_follow_each_other)
{
    struct text two = {.size = 0};
    struct text out = {.size = 0};

    text_add(&two, all_fields, sizeof(all_fields) - 1);
    check_ok(compress_encode(COMPRESS_GZIP, slice_text("defg"), NULL, &two));
    check_ok(compress_encode(COMPRESS_GZIP, slice_empty(), NULL, &two));
    check_ok(decode(text_slice(&two), &out));
    check(slice_is_text(text_slice(&out), "abcdefg"));
    text_fini(&two);
    text_fini(&out);
}

TEST(compress_gzip, checksum_and_length_at_the_end_are_compared)
{
    struct text packed = {.size = 0};
    struct text out = {.size = 0};

    check_ok(compress_encode(COMPRESS_GZIP, slice_text("abc"), NULL, &packed));
    for (size_t back = 1; back <= 8; back++) {
        packed.data[packed.size - back] ^= 1;
        check_eq(decode(text_slice(&packed), &out), COMPRESS_E_MALFORMED);
        packed.data[packed.size - back] ^= 1;
    }
    check_ok(decode(text_slice(&packed), &out));
    text_fini(&packed);
    text_fini(&out);
}

/* zlib's own header is another format. */
TEST(compress_gzip, zlib_streams_are_refused)
{
    struct text out = {.size = 0};

    check_eq(decode(slice_of("\x78\x9c\x4b\x4c\x4a\x06\0\2\x4d\1\x27", 11), &out),
             COMPRESS_E_MALFORMED);
    text_fini(&out);
}

FUZZ(compress_gzip, inflate)
{
    struct text out = {.size = 0};

    if (!compress_decode(COMPRESS_GZIP, slice_of(data, size), 1 << 20, NULL, &out))
        check(out.size <= 1 << 20);
    text_fini(&out);
}
