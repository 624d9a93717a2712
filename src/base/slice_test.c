/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"
#include "test/harness/check.h"

TEST(slice, null_is_not_empty)
{
    check(slice_is_null(slice_null()));
    check(slice_is_null(slice_text(NULL)));
    check(!slice_is_null(slice_empty()));
    check(slice_equal(slice_null(), slice_null()));
    check(slice_equal(slice_empty(), slice_of("x", 0)));
    check(!slice_equal(slice_null(), slice_empty()));
    check(!slice_equal(slice_empty(), slice_null()));
    check(slice_is_text(slice_null(), NULL));
    check(!slice_is_text(slice_empty(), NULL));
}

TEST(slice, all_bytes_and_the_size_count)
{
    check(slice_equal(slice_of("a\0b", 3), slice_of("a\0b", 3)));
    check(!slice_equal(slice_of("a\0b", 3), slice_of("a\0c", 3)));
    check(!slice_equal(slice_text("ab"), slice_text("abc")));
    check(slice_is_text(slice_of("orders!", 6), "orders"));
}

TEST(slice, a_kept_copy_outlives_its_bytes_and_null_stays_null)
{
    char bytes[] = "orders";
    struct slice kept = slice_keep(slice_text(bytes));
    struct slice null = slice_keep(slice_null());

    bytes[0] = 'b';
    check(slice_is_text(kept, "orders"));
    check(slice_is_null(null));
    slice_drop(&kept);
    slice_drop(&null);
    check(slice_is_null(kept));
}

TEST(slice, a_number_is_all_there_is)
{
    static const struct {
        const char *text;
        bool is_number;
        int32_t number;
    } rows[] = {
        {"0", true, 0},
        {"-7", true, -7},
        {"2147483647", true, INT32_MAX},
        {"-2147483648", true, INT32_MIN},
        {"2147483648", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"1 ", false, 0},
        {"x", false, 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int32_t number = 0;

        check(slice_to_i32(slice_text(rows[i].text), &number) == rows[i].is_number);
        check(!rows[i].is_number || number == rows[i].number);
    }
}
