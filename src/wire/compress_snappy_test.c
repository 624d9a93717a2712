/* SPDX-License-Identifier: Apache-2.0 */

/* What is said of Java clients was tried with Apache Kafka 4.3.1. */

#include "test/harness/check.h"
#include "wire/compress.h"

/* Length 3, a literal of 3 bytes. */
#define ABC                                                                                        \
    "\x03\x08"                                                                                     \
    "abc"
#define XYZ                                                                                        \
    "\x03\x08"                                                                                     \
    "xyz"
#define FRAMING(version) "\x82SNAPPY\0\0\0\0" version "\0\0\0" version
#define ABC_FRAMED "\0\0\0\x05" ABC

static int decode(const char *in, size_t length, struct text *out)
{
    text_cut(out, 0);
    return compress_decode(COMPRESS_SNAPPY, slice_of(in, length), 1 << 20, NULL, out);
}

#define DECODE(in, out) decode(in, sizeof(in) - 1, out)

TEST(compress_snappy, a_raw_block_is_read)
{
    struct text out = {.size = 0};

    check_ok(DECODE(ABC, &out));
    check(slice_is_text(text_slice(&out), "abc"));
    check_ok(DECODE("\0", &out));
    check_eq(out.size, 0);
    check_eq(DECODE(ABC "x", &out), COMPRESS_E_MALFORMED);
    check_eq(DECODE(ABC ABC, &out), COMPRESS_E_MALFORMED);
    text_fini(&out);
}

TEST(compress_snappy, the_framing_of_java_is_read)
{
    struct text out = {.size = 0};

    check_ok(DECODE(FRAMING("\1") ABC_FRAMED, &out));
    check(slice_is_text(text_slice(&out), "abc"));
    check_ok(DECODE(FRAMING("\1") ABC_FRAMED "\0\0\0\x05" XYZ, &out));
    check(slice_is_text(text_slice(&out), "abcxyz"));
    check_ok(DECODE(FRAMING("\1") "\0\0\0\1\0" ABC_FRAMED, &out)); /* A block of nothing. */
    check(slice_is_text(text_slice(&out), "abc"));
    check_ok(DECODE(FRAMING("\1"), &out));
    check_eq(out.size, 0);
    text_fini(&out);
}

TEST(compress_snappy, streams_follow_each_other_and_versions_mean_nothing)
{
    struct text out = {.size = 0};

    check_ok(DECODE(FRAMING("\2") ABC_FRAMED FRAMING("\0") ABC_FRAMED, &out));
    check(slice_is_text(text_slice(&out), "abcabc"));
    text_fini(&out);
}

TEST(compress_snappy, broken_framing_is_refused)
{
    struct text out = {.size = 0};

    check_eq(decode(FRAMING("\1"), 15, &out), COMPRESS_E_MALFORMED);
    check_eq(DECODE(FRAMING("\1") "\0\0\0", &out), COMPRESS_E_MALFORMED);
    check_eq(DECODE(FRAMING("\1") "\0\0\0\0" ABC_FRAMED, &out), COMPRESS_E_MALFORMED);
    check_eq(DECODE(FRAMING("\1") "\0\0\0\6" ABC, &out), COMPRESS_E_MALFORMED);
    check_eq(DECODE(FRAMING("\1") "\xff\xff\xff\xff" ABC, &out), COMPRESS_E_MALFORMED);
    check_eq(DECODE(FRAMING("\1") ABC_FRAMED "\0\0", &out), COMPRESS_E_MALFORMED);
    text_fini(&out);
}

/* Five bytes cannot become 4 GiB, and nothing is allocated for them. */
TEST(compress_snappy, a_length_that_no_block_has_is_refused)
{
    struct text out = {.size = 0};

    check_eq(DECODE("\xff\xff\xff\xff\x0f\x08"
                    "abc",
                    &out),
             COMPRESS_E_MALFORMED);
    check_eq(DECODE("\xff\xff\xff\xff\xff", &out), COMPRESS_E_MALFORMED);
    text_fini(&out);
}

/* The shortest that there is: a byte, and copies of 64 in three bytes each. */
TEST(compress_snappy, the_densest_block_is_read)
{
    struct text block = {.size = 0};
    struct text out = {.size = 0};

    text_add(&block, "\x81\x32\0z", 4); /* Of 1 + 100 * 64 bytes; the first is a literal. */
    for (int i = 0; i < 100; i++)
        text_add(&block, "\xfe\1\0", 3);
    check_ok(decode(block.data, block.size, &out));
    check_eq(out.size, 6401);
    check_eq(out.data[6400], 'z');
    text_fini(&block);
    text_fini(&out);
}

FUZZ(compress_snappy, inflate)
{
    struct text out = {.size = 0};

    if (!compress_decode(COMPRESS_SNAPPY, slice_of(data, size), 1 << 20, NULL, &out))
        check(out.size <= 1 << 20);
    text_fini(&out);
}
