/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The C library has what is small at hand, but not for calloc(). */
enum { AT_HAND_MAX = 1024 };

void *mem_new(size_t size)
{
    void *p;

    if (size > AT_HAND_MAX)
        return mem_new_array(1, size);
    p = malloc(size ? size : 1);
    assert(p);
    return memset(p, 0, size);
}

void *mem_new_array(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);

    assert(p);
    return p;
}

void *mem_resize(void *p, size_t count, size_t size)
{
    void *q;

    assert(size && count <= SIZE_MAX / size);
    q = realloc(p, count && size ? count * size : 1);
    assert(q);
    return q;
}

char *mem_copy_text(const void *data, size_t size)
{
    char *copy = mem_new(size + 1);

    if (size)
        memcpy(copy, data, size);
    return copy;
}

void *mem_free(void *p)
{
    free(p);
    return NULL;
}
