/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf16.h"
#include "test/harness/check.h"

TEST(utf16, hashes_are_those_of_java)
{
    check_eq(utf16_hash(slice_text("")), 0);
    check_eq(utf16_hash(slice_text("g")), 103);
    check_eq(utf16_hash(slice_text("group1")), -1237460590);
    check_eq(utf16_hash(slice_text("my-group")), -1906497762);
    check_eq(utf16_hash(slice_text("connect-cluster")), 1440343063);
    check_eq(utf16_hash(slice_text("polygenelubricants")), INT32_MIN);
    check_eq(utf16_hash(slice_text("\xc3\xa9t\xc3\xa9")), 227742);
}

TEST(utf16, characters_above_the_first_plane_are_two_units)
{
    check_eq(utf16_length(slice_text("a\xc3\xa9\xe2\x82\xac")), 3);
    check_eq(utf16_length(slice_text("\xf0\x9f\x98\x80")), 2);
    check_eq(utf16_hash(slice_text("\xf0\x9f\x98\x80")), 0xd83d * 31 + 0xde00);
    check_eq(utf16_length(slice_text("\xf4\x8f\xbf\xbf")), 2);
}

TEST(utf16, what_is_not_utf8_counts_as_replacements)
{
    check_eq(utf16_hash(slice_text("\xff")), 0xfffd);
    check_eq(utf16_hash(slice_text("\xc3")), 0xfffd);      /* Cut off. */
    check_eq(utf16_length(slice_text("\xc0\x80")), 2);     /* Overlong. */
    check_eq(utf16_length(slice_text("\xed\xa0\x80")), 3); /* A surrogate. */
    check_eq(utf16_length(slice_text("\xe2\x82"
                                     "a")),
             2);                                               /* Cut off by the next. */
    check_eq(utf16_length(slice_text("\xf4\x90\x80\x80")), 4); /* Above the last. */
}

PROPERTY(utf16, any_bytes_have_at_most_a_unit_each, 2000)
{
    uint8_t bytes[40];
    size_t length = (size_t)rng_below(rng, sizeof(bytes));

    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)rng_next(rng);
    check(utf16_length(slice_of(bytes, length)) <= length);
}
