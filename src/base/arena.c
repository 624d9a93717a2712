/* SPDX-License-Identifier: Apache-2.0 */

/* base/arena.c - chunks double from 4 KiB to 256 KiB; what is larger gets its own. */

#include "base/arena.h"

#include "base/mem.h"

#include <sanitizer/asan_interface.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK_SIZE_MIN = 4096, CHUNK_SIZE_MAX = 256 * 1024, ALIGNMENT = 16, SPARES_MAX = 64 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* Of `bytes`. */
    _Alignas(ALIGNMENT) uint8_t bytes[];
};

void arena_init(struct arena *arena, struct budget *budget)
{
    *arena = (struct arena){.budget = budget};
}

/* --- chunks -------------------------------------------------------------------- */

/* What nobody was given of a chunk is out of bounds to AddressSanitizer, as what was freed is. */
static struct arena_chunk *close_chunk(struct arena_chunk *chunk)
{
    ASAN_POISON_MEMORY_REGION(chunk->bytes, chunk->size);
    return chunk;
}

static void end_chunk(struct arena_chunk *chunk)
{
    ASAN_UNPOISON_MEMORY_REGION(chunk->bytes, chunk->size);
    mem_free(chunk);
}

static void chunk_free(struct arena *arena, struct arena_chunk *chunk)
{
    struct arena_spares *spares = arena->spares;

    if (arena->budget)
        budget_release(arena->budget, chunk->size);
    arena->charged -= chunk->size;
    if (!spares || chunk->size != CHUNK_SIZE_MIN || spares->count == SPARES_MAX) {
        end_chunk(chunk);
        return;
    }
    chunk->older = spares->chunks;
    spares->chunks = close_chunk(chunk);
    spares->count++;
}

static struct arena_chunk *chunk_new(struct arena *arena, size_t size)
{
    struct arena_spares *spares = arena->spares;
    struct arena_chunk *chunk;

    if (spares && spares->count > 0 && size == CHUNK_SIZE_MIN) {
        chunk = spares->chunks;
        spares->chunks = chunk->older;
        spares->count--;
        return chunk;
    }
    chunk = mem_resize(NULL, 1, sizeof(*chunk) + size);
    chunk->size = size;
    return close_chunk(chunk);
}

void arena_spares_fini(struct arena_spares *spares)
{
    while (spares->chunks) {
        struct arena_chunk *chunk = spares->chunks;

        spares->chunks = chunk->older;
        end_chunk(chunk);
    }
    spares->count = 0;
}

/* --- the arena ----------------------------------------------------------------- */

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
    close_chunk(chunk);
    arena->next = chunk->bytes;
    arena->end = chunk->bytes + chunk->size;
}

static size_t chunk_size_for(const struct arena *arena, size_t size)
{
    size_t next = arena->chunks ? arena->chunks->size * 2 : CHUNK_SIZE_MIN;

    next = min_of(next, (size_t)CHUNK_SIZE_MAX);
    return max_of(next, size);
}

/* The next bytes of the newest chunk, which has them: zeroed, since it may have been used. */
static inline void *cut(struct arena *arena, size_t size)
{
    void *p = arena->next;

    arena->next += size;
    ASAN_UNPOISON_MEMORY_REGION(p, size);
    return memset(p, 0, size);
}

static __attribute__((noinline)) void *grow(struct arena *arena, size_t size, bool must)
{
    size_t chunk_size = chunk_size_for(arena, size);
    struct arena_chunk *chunk;

    if (arena->budget && budget_charge(arena->budget, chunk_size)) {
        if (!must)
            return NULL;
        budget_charge_always(arena->budget, chunk_size);
    }
    chunk = chunk_new(arena, chunk_size);
    chunk->older = arena->chunks;
    arena->chunks = chunk;
    arena->charged += chunk_size;
    arena->next = chunk->bytes;
    arena->end = chunk->bytes + chunk_size;
    return cut(arena, size);
}

static inline void *allocate(struct arena *arena, size_t size, bool must)
{
    assert(size <= SIZE_MAX / 2); /* So that no sum below overflows. */
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!arena->next || size > (size_t)(arena->end - arena->next))
        return grow(arena, size, must);
    return cut(arena, size);
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
