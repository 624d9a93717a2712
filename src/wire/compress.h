/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/compress.h - the four codecs that records may be compressed with.
 *
 * gzip, lz4 (frame format) and zstd are decoded as a stream, piece by piece; snappy, which
 * has no stream, block by block (raw, or in the framing of snappy-java).  No decoder
 * allocates by a length that the input claims, beyond a fixed window or a fixed multiple
 * of the bytes that are there.
 *
 * Threading: an inflater is used by one thread at a time.
 * Errors:    enum compress_outcome.
 */

#include "base/slice.h"
#include "base/text.h"

/* The numbers of a batch's attributes. */
enum compress_codec {
    COMPRESS_NONE,
    COMPRESS_GZIP,
    COMPRESS_SNAPPY,
    COMPRESS_LZ4,
    COMPRESS_ZSTD,
    COMPRESS_CODEC_COUNT,
};

enum compress_outcome {
    COMPRESS_E_MALFORMED = 1, /* Not what the codec writes, or cut off. */
    COMPRESS_E_TOO_LARGE,     /* More than the caller allows, or a window above the limit. */
};

/* "none", "gzip", "snappy", "lz4" or "zstd". */
const char *compress_name(enum compress_codec codec);

/* The codec of that name, or COMPRESS_CODEC_COUNT. */
enum compress_codec compress_find(struct slice name);

/* Adds `in`, compressed as Kafka's producers do, to `out`. */
NODISCARD int compress_encode(enum compress_codec codec, struct slice in, struct text *out);

/* Adds `in`, decompressed, to `out`; COMPRESS_E_TOO_LARGE above `size_max` bytes. */
NODISCARD int compress_decode(enum compress_codec codec, struct slice in, size_t size_max,
                              struct text *out);

/* Decompression piece by piece. */
struct inflater;

/* Begins to decompress `in`, borrowed until the end, with any codec but none. */
NODISCARD int inflater_create(enum compress_codec codec, struct slice in, struct inflater **out);

/* Frees it; NULL is allowed.  Always returns NULL. */
struct inflater *inflater_destroy(struct inflater *inflater);

SCOPED_BY(inflater_destroy, struct inflater *);

/* The next bytes, at most `size`; `*out_got` is 0 at the end only. */
NODISCARD int inflater_read(struct inflater *inflater, void *out, size_t size, size_t *out_got);
