/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "test/harness/check.h"

TEST(mem, new_memory_is_zeroed)
{
    scoped(mem_freep_any) uint8_t *bytes = mem_new(4096);
    scoped(mem_freep_any) uint64_t *words = mem_new_array(512, sizeof(*words));

    for (size_t i = 0; i < 4096; i++)
        check_eq(bytes[i], 0);
    for (size_t i = 0; i < 512; i++)
        check_eq(words[i], 0);
}

TEST(mem, nothing_may_be_asked_for)
{
    check(!mem_free(mem_new(0)));
    check(!mem_free(mem_new_array(0, 8)));
    check(!mem_free(mem_resize(NULL, 0, 8)));
    check(!mem_free(NULL));
}

TEST(mem, resizing_keeps_what_was_there)
{
    scoped(mem_freep_any) int *numbers = mem_resize(NULL, 2, sizeof(*numbers));

    numbers[0] = 7;
    numbers[1] = 8;
    numbers = mem_resize(numbers, 1000, sizeof(*numbers));
    check(numbers[0] == 7 && numbers[1] == 8);
    numbers = mem_resize(numbers, 1, sizeof(*numbers));
    check_eq(numbers[0], 7);
}

TEST(mem, a_size_that_overflows_ends_the_process)
{
    check_bug(mem_free(mem_new_array(SIZE_MAX / 2, 4)));
    check_bug(mem_free(mem_resize(NULL, SIZE_MAX / 2, 4)));
    check_bug(mem_free(mem_resize(NULL, 1, 0)));
}

TEST(mem, a_copied_text_has_an_end_and_may_be_empty)
{
    scoped(mem_freep_any) char *text = mem_copy_text("ordersX", 6);
    scoped(mem_freep_any) char *empty = mem_copy_text(NULL, 0);

    check_text(text, "orders");
    check_text(empty, "");
}

TEST(mem, scoped_memory_is_freed_and_forgotten)
{
    void *p = mem_new(16);

    mem_freep_any(&p);
    check(!p);
}
