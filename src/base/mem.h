/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/mem.h - small internal allocations, which do not fail: they end the process.
 *
 * Whatever a client can make large is charged to a budget first (base/budget.h).
 * These four functions are the only callers of the C library's allocator.
 */

#include "base/base.h"

/* `size` zeroed bytes, to be ended with mem_free(). */
void *mem_new(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));

/* `count` zeroed elements of `size` bytes each; ends the process on overflow. */
void *mem_new_array(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull, warn_unused_result));

/* Resizes `p` (may be NULL) to `count` elements of `size` bytes.  What is new is not
 * zeroed.  `p` is gone; use what is returned. */
void *mem_resize(void *p, size_t count, size_t size)
    __attribute__((returns_nonnull, warn_unused_result));

/* A copy of the `size` bytes at `data`, with a zero byte behind it. */
char *mem_copy_text(const void *data, size_t size)
    __attribute__((malloc, returns_nonnull, warn_unused_result));

/* Frees `p`, which may be NULL.  Always returns NULL. */
void *mem_free(void *p);

SCOPED_BY(mem_free, void *);

/* For scoped(): frees what a local pointer of any type holds. */
static inline void mem_freep_any(void *pp)
{
    void **p = (void **)pp;

    *p = mem_free(*p);
}
