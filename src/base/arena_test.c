/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "test/harness/check.h"

#include <string.h>

/* Writes over all of it, so that a sanitizer sees what is not ours. */
static bool is_usable(void *p, size_t size)
{
    const uint8_t *bytes = p;

    if ((uintptr_t)p % 16)
        return false;
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    memset(p, 0xa5, size);
    return true;
}

TEST(arena, it_owns_nothing_until_its_first_use)
{
    struct arena arena;

    arena_init(&arena, NULL);
    check(!arena.chunks && arena.charged == 0);
    arena_reset(&arena);
    arena_recycle(&arena);
    check(!arena.chunks && arena.charged == 0);
}

PROPERTY(arena, memory_is_zeroed_aligned_and_apart, 200)
{
    struct arena arena;
    uint8_t *blocks[64];
    size_t sizes[64];

    arena_init(&arena, NULL);
    for (int round = 0; round < 3; round++) { /* Later rounds find dirty memory. */
        for (size_t i = 0; i < COUNT_OF(blocks); i++) {
            sizes[i] = rng_below(rng, (uint64_t)1 << rng_below(rng, 17));
            blocks[i] = arena_new(&arena, sizes[i]);
            check(is_usable(blocks[i], sizes[i]));
            if (sizes[i])
                memset(blocks[i], (int)i, sizes[i]);
        }
        for (size_t i = 0; i < COUNT_OF(blocks); i++)
            for (size_t k = 0; k < sizes[i]; k++)
                check_eq(blocks[i][k], i);
        arena_recycle(&arena);
    }
    arena_reset(&arena);
    check_eq(arena.charged, 0);
}

TEST(arena, a_full_budget_refuses_what_may_be_refused)
{
    struct budget budget;
    struct arena arena;

    budget_init(&budget, 10000);
    arena_init(&arena, &budget);
    check(arena_try(&arena, 100));
    check_eq(budget.used, 4096);
    check(arena_try(&arena, 3000)); /* From the same chunk: costs nothing more. */
    check_eq(budget.used, 4096);
    check(!arena_try(&arena, 9000));
    check_eq(budget.refusals, 1);
    check(arena_try(&arena, 500)); /* What is left of the chunk can still be had. */
    arena_reset(&arena);
    check_eq(budget.used, 0);
}

TEST(arena, what_is_ours_overdraws_the_budget)
{
    struct budget budget;
    struct arena arena;

    budget_init(&budget, 100);
    arena_init(&arena, &budget);
    check(!arena_try(&arena, 1));
    check(is_usable(arena_new(&arena, 5000), 5000));
    check(budget.used > budget.limit);
    check_eq(budget.used, arena.charged);
    arena_reset(&arena);
    check_eq(budget.used, 0);
}

TEST(arena, recycling_keeps_one_small_chunk)
{
    struct budget budget;
    struct arena arena;
    void *first;

    budget_init(&budget, (size_t)MiB(10));
    arena_init(&arena, &budget);
    first = arena_new(&arena, 10);
    for (int i = 0; i < 100; i++)
        check(is_usable(arena_new(&arena, 4000), 4000));
    arena_recycle(&arena);
    check_eq(budget.used, 4096);
    check(arena_new(&arena, 10) == first);
    arena_reset(&arena);

    check(is_usable(arena_new(&arena, 100000), 100000)); /* A large first chunk is not kept. */
    arena_recycle(&arena);
    check_eq(budget.used, 0);
}

TEST(arena, what_one_arena_leaves_another_takes)
{
    struct arena_spares spares = {.count = 0};
    struct budget budget;
    struct arena arenas[2];
    void *first;

    budget_init(&budget, (size_t)MiB(10));
    for (size_t i = 0; i < COUNT_OF(arenas); i++) {
        arena_init(&arenas[i], &budget);
        arenas[i].spares = &spares;
    }
    first = arena_new(&arenas[0], 4000);
    check(is_usable(first, 4000));
    check(is_usable(arena_new(&arenas[0], 4000), 4000)); /* Of a larger chunk: is not kept. */
    arena_reset(&arenas[0]);
    check_eq(budget.used, 0);
    check_eq(spares.count, 1);
    check(arena_new(&arenas[1], 100) == first);
    check(is_usable(first, 100));
    check_eq(budget.used, 4096);
    check_eq(spares.count, 0);
    arena_reset(&arenas[1]);
    arena_spares_fini(&spares);
    check_eq(spares.count, 0);
}

TEST(arena, not_more_spares_are_kept_than_can_be_of_use)
{
    struct arena_spares spares = {.count = 0};
    struct arena arenas[70];

    for (size_t i = 0; i < COUNT_OF(arenas); i++) {
        arena_init(&arenas[i], NULL);
        arenas[i].spares = &spares;
        check(is_usable(arena_new(&arenas[i], 10), 10));
    }
    for (size_t i = 0; i < COUNT_OF(arenas); i++)
        arena_reset(&arenas[i]);
    check_eq(spares.count, 64);
    arena_spares_fini(&spares);
}

TEST(arena, chunks_grow_to_a_limit)
{
    struct arena arena;
    size_t before;

    arena_init(&arena, NULL);
    while (arena.charged < (size_t)MiB(8))
        check(is_usable(arena_new(&arena, 4000), 4000));
    before = arena.charged;
    while (arena.charged == before)
        check(is_usable(arena_new(&arena, 4000), 4000));
    check_eq(arena.charged - before, 256 * 1024);
    arena_reset(&arena);
}

TEST(arena, a_size_that_cannot_be_ends_the_process)
{
    struct arena arena;

    arena_init(&arena, NULL);
    check_bug(is_usable(arena_new(&arena, SIZE_MAX), 1));
    check_bug(is_usable(arena_new(&arena, SIZE_MAX - 40), 1));
}

TEST(arena, texts_are_copied_and_printed)
{
    struct arena arena;

    arena_init(&arena, NULL);
    check_text(arena_text(&arena, "ordersX", 6), "orders");
    check_text(arena_text(&arena, "", 0), "");
    check(!arena_text(&arena, NULL, 0));
    check_text(arena_printf(&arena, "%s-%d", "orders", 7), "orders-7");
    check_text(arena_printf(&arena, "%s", ""), "");
    check_eq(strlen(arena_printf(&arena, "%05000d", 7)), 5000);
    arena_reset(&arena);
}

TEST(arena, arrays_grow_and_keep_what_is_in_them)
{
    struct arena arena;
    size_t room = 0;
    int *numbers = NULL;

    arena_init(&arena, NULL);
    for (int i = 0; i < 1000; i++) {
        numbers = arena_grow(&arena, numbers, (size_t)i, &room, sizeof(*numbers));
        check(room > (size_t)i);
        numbers[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        check_eq(numbers[i], i);
    arena_reset(&arena);
}
