/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/arena.h - memory that dies all at once.
 *
 * A bump allocator over a chain of chunks.  Each request has one; nothing in it is
 * freed piecewise.  What a client chooses the size of goes through a budget: an
 * arena with a budget charges each new chunk and refuses when the budget is full,
 * which arena_try() reports; arena_new() is for what is small and ours.
 *
 * Threading: an arena is used by one thread at a time.
 */

#include "base/base.h"
#include "base/budget.h"

struct arena_chunk;

/* Small chunks that short-lived arenas of one thread leave to each other; zeroed, it has none.
 * They are charged to nobody, and there are never more than 64. */
struct arena_spares {
    struct arena_chunk *chunks; /* Owned. */
    int count;
};

struct arena {
    struct arena_chunk *chunks; /* Owned.  Newest first. */
    uint8_t *next;              /* Free bytes of the newest chunk: next .. end. */
    uint8_t *end;
    struct budget *budget;       /* Borrowed: outlives the arena.  NULL: not limited. */
    size_t charged;              /* What chunks were charged to the budget. */
    struct arena_spares *spares; /* Borrowed, as the budget.  NULL: chunks come from the heap. */
};

/* Makes an empty arena; it owns no memory until its first use. */
void arena_init(struct arena *arena, struct budget *budget);

/* Frees the chunks that nobody uses. */
void arena_spares_fini(struct arena_spares *spares);

/* Frees all memory and gives back the charge.  The arena is empty again. */
void arena_reset(struct arena *arena);

/* As arena_reset(), but keeps one small chunk for the next use. */
void arena_recycle(struct arena *arena);

/* `size` zeroed bytes, aligned for any type, or NULL if the budget is full. */
void *arena_try(struct arena *arena, size_t size) NODISCARD;

/* `size` zeroed bytes for small things of ours: never NULL, charged even if it
 * overdraws the budget. */
void *arena_new(struct arena *arena, size_t size) __attribute__((returns_nonnull)) NODISCARD;

/* A copy of a slice's bytes with a zero byte behind them; null gives NULL. */
char *arena_text(struct arena *arena, const void *data, size_t size) NODISCARD;

/* printf into the arena. */
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF(2, 3) NODISCARD;

/* Room in `array`, of `count` elements of `size` bytes each, for one more: the array, or a copy of
 * it with more room. */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t *room,
                 size_t size) NODISCARD;
