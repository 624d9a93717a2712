/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/slice.h - bytes that belong to somebody else.
 *
 * `data == NULL` is Kafka's null, which is not the same as empty: slice_null() and
 * slice_empty() are different values.  A slice is borrowed; whoever keeps one says
 * in a comment what outlives it.
 */

#include "base/base.h"

#include <string.h>

struct slice {
    const uint8_t *data; /* Borrowed.  NULL means null. */
    size_t size;
};

static inline struct slice slice_of(const void *data, size_t size)
{
    return (struct slice){.data = data, .size = size};
}

/* The bytes of a C string, without its end; NULL gives null. */
static inline struct slice slice_text(const char *text)
{
    return (struct slice){.data = (const uint8_t *)text, .size = text ? strlen(text) : 0};
}

static inline struct slice slice_null(void)
{
    return (struct slice){.data = NULL, .size = 0};
}

static inline struct slice slice_empty(void)
{
    return slice_text("");
}

static inline bool slice_is_null(struct slice s)
{
    return !s.data;
}

/* Null equals null only. */
static inline bool slice_equal(struct slice a, struct slice b)
{
    if (!a.data || !b.data)
        return !a.data && !b.data;
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_is_text(struct slice s, const char *text)
{
    return slice_equal(s, slice_text(text));
}

/* A copy on the heap, for who keeps the bytes; null stays null. */
struct slice slice_keep(struct slice s) NODISCARD;

/* The decimal number that is all there is in `s`; false if it is none, or larger. */
bool slice_to_i32(struct slice s, int32_t *out);

/* Frees what slice_keep() made, and makes it null. */
void slice_drop(struct slice *s);

/* For printf's "%.*s". */
#define SLICE_ARG(s) (int)(s).size, (s).data ? (const char *)(s).data : ""
