/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/text.h - a growing string of bytes, for files we write and things we print. */

#include "base/slice.h"

struct text {
    char *data; /* Owned; ends with a zero byte when not NULL. */
    size_t size;
    size_t capacity;
};

/* Frees the bytes; the text is empty again. */
void text_fini(struct text *text);

/* Adds bytes. */
void text_add(struct text *text, const void *data, size_t size);

/* Adds formatted text. */
void text_printf(struct text *text, const char *format, ...) PRINTF(2, 3);

/* Adds `size` bytes for the caller to fill, and returns where they are. */
uint8_t *text_add_space(struct text *text, size_t size);

/* Cuts off what is behind the first `size` bytes. */
void text_cut(struct text *text, size_t size);

static inline struct slice text_slice(const struct text *text)
{
    return slice_of(text->data ? text->data : "", text->size);
}
