/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum { CAPACITY_MIN = 64 };

void text_fini(struct text *text)
{
    mem_free(text->data);
    *text = (struct text){.data = NULL};
}

static void reserve(struct text *text, size_t more)
{
    size_t need = text->size + more + 1;

    if (need <= text->capacity)
        return;
    need = max_of(need, text->capacity * 2);
    text->capacity = max_of(need, (size_t)CAPACITY_MIN);
    text->data = mem_resize(text->data, text->capacity, 1);
}

void text_add(struct text *text, const void *data, size_t size)
{
    reserve(text, size);
    if (size)
        memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = 0;
}

uint8_t *text_add_space(struct text *text, size_t size)
{
    reserve(text, size);
    text->size += size;
    text->data[text->size] = 0;
    return (uint8_t *)text->data + text->size - size;
}

void text_cut(struct text *text, size_t size)
{
    assert(size <= text->size);
    text->size = size;
    if (text->data)
        text->data[size] = 0;
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(size >= 0);

    reserve(text, (size_t)size);
    va_start(args, format);
    (void)vsnprintf(text->data + text->size, (size_t)size + 1, format, args);
    va_end(args);
    text->size += (size_t)size;
}
