/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "test/harness/check.h"

TEST(text, an_empty_text_is_an_empty_slice_and_not_null)
{
    struct text text = {.data = NULL};

    check(!slice_is_null(text_slice(&text)));
    check(slice_equal(text_slice(&text), slice_empty()));
    text_fini(&text);
}

TEST(text, bytes_and_prints_follow_each_other)
{
    struct text text = {.data = NULL};

    text_add(&text, "a\0b", 3);
    text_printf(&text, "%d%s", 7, "x");
    text_add(&text, NULL, 0);
    check(slice_equal(text_slice(&text), slice_of("a\0b7x", 5)));
    check_eq(text.data[5], 0);
    text_fini(&text);
    check(!text.data && text.size == 0 && text.capacity == 0);
}

PROPERTY(text, it_grows_without_losing_anything, 100)
{
    struct text text = {.data = NULL};
    size_t total = 0;

    for (int i = 0; i < 50; i++) {
        uint8_t piece[300];
        size_t length = rng_below(rng, sizeof(piece));

        for (size_t k = 0; k < length; k++)
            piece[k] = (uint8_t)(total + k);
        if (rng_chance(rng, 80)) {
            text_add(&text, piece, length);
            total += length;
        } else {
            text_printf(&text, "%c", (uint8_t)total);
            total++;
        }
        check_eq(text.size, total);
        check_eq(text.data[total], 0);
    }
    for (size_t i = 0; i < total; i++)
        check_eq((uint8_t)text.data[i], (uint8_t)i);
    text_fini(&text);
}
