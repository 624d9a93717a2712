/* SPDX-License-Identifier: Apache-2.0 */

/* base/arena.c - chunks double from 4 KiB to 256 KiB; what is larger gets its own. */

#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK_SIZE_MIN = 4096, CHUNK_SIZE_MAX = 256 * 1024, ALIGNMENT = 16 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* Of `bytes`. */
    _Alignas(ALIGNMENT) uint8_t bytes[];
};

void arena_init(struct arena *arena, struct budget *budget)
{
    *arena = (struct arena){.budget = budget};
}

static void chunk_free(struct arena *arena, struct arena_chunk *chunk)
{
    if (arena->budget)
        budget_release(arena->budget, chunk->size);
    arena->charged -= chunk->size;
    mem_free(chunk);
}

void arena_reset(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *chunk = arena->chunks;

        arena->chunks = chunk->older;
        chunk_free(arena, chunk);
    }
    assert(arena->charged == 0);
    arena->next = arena->end = NULL;
}

void arena_recycle(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;

    if (!chunk)
        return;
    while (chunk->older) { /* The oldest chunk is the smallest. */
        arena->chunks = chunk->older;
        chunk_free(arena, chunk);
        chunk = arena->chunks;
    }
    if (chunk->size > CHUNK_SIZE_MIN) {
        arena_reset(arena);
        return;
    }
    arena->next = chunk->bytes;
    arena->end = chunk->bytes + chunk->size;
}

static size_t chunk_size_for(const struct arena *arena, size_t size)
{
    size_t next = arena->chunks ? arena->chunks->size * 2 : CHUNK_SIZE_MIN;

    next = min_of(next, (size_t)CHUNK_SIZE_MAX);
    return max_of(next, size);
}

static void *grow(struct arena *arena, size_t size, bool must)
{
    size_t chunk_size = chunk_size_for(arena, size);
    struct arena_chunk *chunk;
    void *p;

    if (arena->budget && budget_charge(arena->budget, chunk_size)) {
        if (!must)
            return NULL;
        budget_charge_always(arena->budget, chunk_size);
    }
    chunk = mem_new(sizeof(*chunk) + chunk_size);
    chunk->size = chunk_size;
    chunk->older = arena->chunks;
    arena->chunks = chunk;
    arena->charged += chunk_size;
    arena->next = chunk->bytes + size;
    arena->end = chunk->bytes + chunk_size;
    p = chunk->bytes;
    return p;
}

static void *allocate(struct arena *arena, size_t size, bool must)
{
    void *p = arena->next;

    assert(size <= SIZE_MAX / 2); /* So that no sum below overflows. */
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!p || size > (size_t)(arena->end - arena->next))
        return grow(arena, size, must);
    arena->next += size;
    memset(p, 0, size); /* A recycled chunk is dirty. */
    return p;
}

void *arena_try(struct arena *arena, size_t size)
{
    return allocate(arena, size, false);
}

void *arena_new(struct arena *arena, size_t size)
{
    void *p = allocate(arena, size, true);

    assert(p);
    return p;
}

char *arena_text(struct arena *arena, const void *data, size_t size)
{
    char *copy;

    if (!data)
        return NULL;
    copy = arena_new(arena, size + 1);
    memcpy(copy, data, size);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text;
    int size;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(size >= 0);

    text = arena_new(arena, (size_t)size + 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    return text;
}

void *arena_grow(struct arena *arena, void *array, size_t count, size_t *room, size_t size)
{
    void *grown;

    if (count < *room)
        return array;
    *room = max_of(*room * 2, (size_t)16);
    grown = arena_new(arena, *room * size);
    if (count > 0)
        memcpy(grown, array, count * size);
    return grown;
}
