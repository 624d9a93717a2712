/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/compress_internal.h - what wire/compress.c knows of a codec.
 *
 * Each codec is one file with one struct compress_class.  Its inflater begins with the
 * struct inflater below.
 *
 * Threading: as wire/compress.h.
 * Errors:    enum compress_outcome.
 */

#include "wire/compress.h"

struct inflater {
    const struct compress_class *class;
    struct slice rest;            /* Borrowed: input that is not taken yet. */
    struct inflater_cache *cache; /* Borrowed: outlives it; or NULL. */
};

struct compress_class {
    const char *name;

    int level; /* The default. */

    /* As compress_encode().  `*context` is NULL or what an earlier call left there; what is
     * left there is worth keeping. */
    int (*encode)(struct slice in, int level, void **context, struct text *out);
    void (*forget)(void *context); /* Frees it; NULL if there is never one. */

    /* As compress_is_common(); NULL if it is always true. */
    bool (*is_common)(struct slice in);

    /* Makes an inflater; what is in struct inflater is set by the caller. */
    struct inflater *(*create)(void);
    void (*destroy)(struct inflater *inflater);

    /* Makes it ready for another stream; false if it is not worth keeping.  NULL: it never
     * is. */
    bool (*restart)(struct inflater *inflater);

    /* Learns how long the stream is, of which nothing was read yet; NULL if it need not. */
    void (*begin)(struct inflater *inflater);

    /* As inflater_read(), with `size` above 0. */
    int (*read)(struct inflater *inflater, uint8_t *out, size_t size, size_t *out_got);
};

extern const struct compress_class compress_gzip;
extern const struct compress_class compress_snappy;
extern const struct compress_class compress_lz4;
extern const struct compress_class compress_zstd;

/* Takes the first `n` bytes off `*rest`. */
static inline void compress_skip(struct slice *rest, size_t n)
{
    assert(n <= rest->size);
    *rest = slice_of(rest->data + n, rest->size - n);
}
