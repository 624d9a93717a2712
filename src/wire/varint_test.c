/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "wire/varint.h"

TEST(varint, examples_are_written_and_read)
{
    static const struct {
        uint64_t value;
        const char *bytes;
        size_t length;
    } examples[] = {
        {0, "\0", 1},
        {1, "\1", 1},
        {127, "\x7f", 1},
        {128, "\x80\1", 2},
        {300, "\xac\2", 2},
        {UINT32_MAX, "\xff\xff\xff\xff\x0f", 5},
        {UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 10},
    };

    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        uint8_t bytes[VARINT_SIZE_MAX];
        uint64_t value;
        size_t used;

        check_eq(varint_encode(examples[i].value, bytes), examples[i].length);
        check_eq(varint_size(examples[i].value), examples[i].length);
        check(memcmp(bytes, examples[i].bytes, examples[i].length) == 0);
        check_ok(varint_decode_u64(bytes, examples[i].length, &value, &used));
        check_eq(value, examples[i].value);
        check_eq(used, examples[i].length);
    }
}

TEST(varint, small_signed_numbers_are_short)
{
    static const struct {
        int64_t value;
        uint64_t folded;
    } examples[] = {{0, 0},
                    {-1, 1},
                    {1, 2},
                    {-2, 3},
                    {63, 126},
                    {-64, 127},
                    {INT64_MAX, UINT64_MAX - 1},
                    {INT64_MIN, UINT64_MAX}};

    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        check_eq(varint_fold(examples[i].value), examples[i].folded);
        check_eq(varint_unfold(examples[i].folded), examples[i].value);
    }
}

TEST(varint, a_number_may_not_have_more_bits_than_its_type)
{
    static const uint8_t widest[] = {0xff, 0xff, 0xff, 0xff, 0x0f};
    static const uint8_t too_wide[] = {0xff, 0xff, 0xff, 0xff, 0x1f};
    static const uint8_t too_wide_64[] = {0xff, 0xff, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0x02};
    static const uint8_t too_long[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
    uint32_t value = 7;
    uint64_t value_64 = 7;
    size_t used = 7;

    check_eq(varint_decode_u32(too_wide, sizeof(too_wide), &value, &used), VARINT_E_OVERLONG);
    check_eq(varint_decode_u32(too_long, sizeof(too_long), &value, &used), VARINT_E_OVERLONG);
    check_eq(varint_decode_u64(too_wide_64, sizeof(too_wide_64), &value_64, &used),
             VARINT_E_OVERLONG);
    check_eq(value, 7); /* A failed call leaves its results alone. */
    check_eq(value_64, 7);
    check_eq(used, 7);
    check_ok(varint_decode_u32(widest, sizeof(widest), &value, &used));
    check_eq(value, UINT32_MAX);
}

TEST(varint, numbers_may_be_longer_than_needed)
{
    uint64_t value;
    size_t used;

    check_ok(varint_decode_u64((const uint8_t *)"\x81\x80\0", 3, &value, &used));
    check_eq(value, 1);
    check_eq(used, 3);
}

PROPERTY(varint, what_is_written_is_read_and_no_prefix_of_it, 5000)
{
    uint64_t before = rng_next(rng) >> rng_below(rng, 64);
    uint8_t bytes[VARINT_SIZE_MAX];
    size_t length = varint_encode(before, bytes);
    uint64_t after;
    size_t used;

    check_eq(length, varint_size(before));
    check_ok(varint_decode_u64(bytes, length, &after, &used));
    check_eq(after, before);
    check_eq(used, length);
    for (size_t cut = 0; cut < length; cut++)
        check_eq(varint_decode_u64(bytes, cut, &after, &used), VARINT_E_SHORT);
}

PROPERTY(varint, signed_numbers_are_read_again, 5000)
{
    int64_t before = (int64_t)rng_next(rng) >> rng_below(rng, 64);
    int32_t before_32 = (int32_t)rng_next(rng) >> rng_below(rng, 32);
    uint8_t bytes[VARINT_SIZE_MAX];
    int64_t after;
    int32_t after_32;
    size_t used;

    check_eq(varint_encode_signed(before, bytes), varint_size_signed(before));
    check_ok(varint_decode_i64(bytes, sizeof(bytes), &after, &used));
    check_eq(after, before);
    check_eq(varint_encode_signed(before_32, bytes), varint_size_signed(before_32));
    check_ok(varint_decode_i32(bytes, sizeof(bytes), &after_32, &used));
    check_eq(after_32, before_32);
}

FUZZ(varint, decode)
{
    uint8_t bytes[VARINT_SIZE_MAX];
    uint64_t value;
    size_t used;

    if (varint_decode_u64(data, size, &value, &used))
        return;
    check(used <= size);
    check(varint_encode(value, bytes) <= used);
}
