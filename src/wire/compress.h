/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/compress.h - the four codecs that records may be compressed with.
 *
 * gzip, lz4 (frame format) and zstd are decoded as a stream, piece by piece; snappy, which
 * has no stream, block by block (raw, or in the framing of snappy-java).
 *
 * No decoder allocates by a length that the input claims, beyond a fixed window or a fixed
 * multiple of the bytes that are there:
 *
 *     gzip     32 KiB, the format's window
 *     lz4      8 MiB, two of the format's largest blocks
 *     snappy   22 times the block: three bytes of it make 64 at most
 *     zstd     COMPRESS_WINDOW_MIN, or COMPRESS_WINDOW_RATIO times the input if that is
 *              more, up to COMPRESS_WINDOW_MAX (which is Kafka's bound).  A frame that asks
 *              for a larger window, as levels 20 to 22 always do, is decoded all the same
 *              while what is in it fits the bound.
 *
 * Bytes behind the end of the stream are refused, and so are lz4 frames behind the first,
 * which Kafka would not see.  gzip members and zstd frames may follow each other.
 *
 * Threading: an inflater and the caches are used by one thread at a time.
 * Errors:    enum compress_outcome.
 */

#include "base/slice.h"
#include "base/text.h"

struct inflater; /* Decompression piece by piece. */

/* Of zstd. */
enum {
    COMPRESS_WINDOW_MIN = 8 << 20, /* What level 19 asks for. */
    COMPRESS_WINDOW_MAX = 128 << 20,
    COMPRESS_WINDOW_RATIO = 64,
};

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
    COMPRESS_E_TOO_LARGE,     /* More than the caller allows, or a window above the bound. */
};

/* "none", "gzip", "snappy", "lz4" or "zstd". */
const char *compress_name(enum compress_codec codec);

/* The codec of that name, or COMPRESS_CODEC_COUNT. */
enum compress_codec compress_find(struct slice name);

/* Keep the encoder of gzip or zstd, and a decoder of zstd, for what comes next: making one
 * takes longer than a small batch does (zstd asks the processor what it can, which virtual
 * machines trap).  What is kept is below 2 MiB for an encoder and 4 MiB for a decoder; of
 * that, which has the window of zstd's usual levels, 2 MiB, only what streams filled is
 * resident.  All zero is empty.  A level that a caller sets holds for each encoding that
 * follows; high ones of zstd make larger encoders. */
struct deflater_cache {
    void *idle; /* Owned, or NULL: an encoder of `codec`. */
    enum compress_codec codec;
    bool has_level; /* Else the codec's default. */
    int level;      /* Of Kafka's numbers (KIP-390): gzip -1 to 9, lz4 1 to 17, zstd to 22. */
};

struct inflater_cache {
    struct inflater *idle; /* Owned, or NULL. */
};

/* Free what is kept. */
void deflater_cache_fini(struct deflater_cache *cache);
void inflater_cache_fini(struct inflater_cache *cache);

/* Adds `in`, compressed as Kafka's producers do, to `out`; `cache` may be NULL.
 * COMPRESS_E_TOO_LARGE if the codec cannot take that much (more than 1 GiB). */
NODISCARD int compress_encode(enum compress_codec codec, struct slice in,
                              struct deflater_cache *cache, struct text *out);

/* Adds `in`, decompressed, to `out`; COMPRESS_E_TOO_LARGE above `size_max` bytes.  On
 * failure `out` is as it was.  `cache` may be NULL. */
NODISCARD int compress_decode(enum compress_codec codec, struct slice in, size_t size_max,
                              struct inflater_cache *cache, struct text *out);

/* True if Kafka's Java clients can read `in`, if anybody can: of lz4 frames they know those
 * without a dictionary, of independent blocks none of which is empty.  Not for none. */
bool compress_is_common(enum compress_codec codec, struct slice in);

/* Writes the checksum of the header into the lz4 frame of `size` bytes: the right one, or,
 * with `is_old`, the one that goes with messages of format 0, which covers the magic number
 * too (KIP-57).  False if no frame without a dictionary begins there. */
bool compress_lz4_mark(uint8_t *frame, size_t size, bool is_old);

/* Begins to decompress `in`, borrowed until the end, with any codec but none.  `cache`
 * outlives the inflater, or is NULL.  COMPRESS_E_MALFORMED if `in` is empty: no codec makes
 * nothing of nothing. */
NODISCARD int inflater_create(enum compress_codec codec, struct slice in,
                              struct inflater_cache *cache, struct inflater **out);

/* Frees it or gives it back to its cache; NULL is allowed.  Always returns NULL. */
struct inflater *inflater_destroy(struct inflater *inflater);

SCOPED_BY(inflater_destroy, struct inflater *);

/* The next bytes, at most `size`; `*out_got` is 0 at the end only. */
NODISCARD int inflater_read(struct inflater *inflater, void *out, size_t size, size_t *out_got);
