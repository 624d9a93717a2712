/* SPDX-License-Identifier: Apache-2.0 */

/* wire/compress_lz4.c - the frame format of lz4:
 *
 *     04 22 4d 18 | flags | block size | [u64 content size] | checksum of these
 *     u32 size of a block | block | [u32 checksum of it] ... | u32 0 | [u32 checksum of all]
 *
 * The header's checksum is one byte of XXH32.  With messages of format 0 it covers the magic
 * number too, which was a mistake.
 *
 * Kafka's clients read the first frame and nothing behind it, and only blocks that do not
 * refer to each other; so that is what is written.
 */

#include "base/mem.h"
#include "wire/bytes.h"
#include "wire/compress_internal.h"

#include <lz4frame.h>

enum {
    FRAME_MAGIC = 0x184d2204,
    FLAGS_AT = 4,
    FRAME_HEADER_SIZE = 7,
    VERSION_MASK = 0xc0,
    VERSION = 0x40,
    IS_INDEPENDENT = 0x20,
    HAS_BLOCK_CHECKSUMS = 0x10,
    HAS_CONTENT_SIZE = 0x08,
    CONTENT_SIZE_SIZE = 8,
    HAS_DICTIONARY = 0x01,
    FAST_LEVEL = 9,                   /* The default, for which Kafka takes the fast encoder. */
    RESERVED = 0x02 | HAS_DICTIONARY, /* What nobody may say. */
};

static const uint32_t is_stored = 0x80000000; /* In a block's size: it is not compressed. */

struct lz4_inflater {
    struct inflater base;
    LZ4F_dctx *context; /* Owned. */
    bool is_ended;
};

static int lz4_encode(struct slice in, int level, void **context, struct text *out)
{
    const LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent},
        .compressionLevel = level == FAST_LEVEL ? 0 : level,
    };
    size_t bound = LZ4F_compressFrameBound(in.size, &preferences);
    size_t start = out->size;
    size_t size =
        LZ4F_compressFrame(text_add_space(out, bound), bound, in.data, in.size, &preferences);

    (void)context; /* There is little to make. */
    assert(!LZ4F_isError(size));
    text_cut(out, start + size);
    return 0;
}

/* Whether no block of these decodes to nothing, with which the Java clients cannot go on.
 * Only a stored block of no bytes and a compressed one of a single byte do. */
static bool blocks_are_common(struct slice blocks, size_t checksum_size)
{
    while (blocks.size >= 4) {
        uint32_t size = bytes_load_little_u32(blocks.data);
        size_t bytes = (size & ~is_stored) + checksum_size;

        if (!size)
            return true;
        if (size == is_stored || size == 1)
            return false;
        compress_skip(&blocks, 4);
        compress_skip(&blocks, min_of(bytes, blocks.size));
    }
    return true; /* It is cut off, which nobody can read. */
}

static bool lz4_is_common(struct slice in)
{
    size_t header_size = FRAME_HEADER_SIZE;
    uint8_t flags;

    if (in.size < FRAME_HEADER_SIZE)
        return true;
    flags = in.data[FLAGS_AT];
    if ((flags & VERSION_MASK) != VERSION || !(flags & IS_INDEPENDENT) || flags & RESERVED)
        return false;
    if (flags & HAS_CONTENT_SIZE)
        header_size += CONTENT_SIZE_SIZE;
    compress_skip(&in, min_of(header_size, in.size));
    return blocks_are_common(in, flags & HAS_BLOCK_CHECKSUMS ? 4 : 0);
}

/* --- the checksum of the header --------------------------------------------- */

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

/* XXH32 of less than 16 bytes, with seed 0. */
static uint32_t xxh32_short(const uint8_t *p, size_t size)
{
    uint32_t hash = 374761393U + (uint32_t)size;

    assert(size < 16);
    for (; size >= 4; size -= 4, p += 4)
        hash = rotate(hash + bytes_load_little_u32(p) * 3266489917U, 17) * 668265263U;
    for (; size; size--, p++)
        hash = rotate(hash + *p * 374761393U, 11) * 2654435761U;
    hash = (hash ^ hash >> 15) * 2246822519U;
    hash = (hash ^ hash >> 13) * 3266489917U;
    return hash ^ hash >> 16;
}

bool compress_lz4_mark(uint8_t *frame, size_t size, bool is_old)
{
    size_t at = FRAME_HEADER_SIZE - 1; /* Of the checksum. */
    size_t from = is_old ? 0 : FLAGS_AT;

    if (size < FRAME_HEADER_SIZE || bytes_load_little_u32(frame) != FRAME_MAGIC ||
        frame[FLAGS_AT] & HAS_DICTIONARY)
        return false;
    if (frame[FLAGS_AT] & HAS_CONTENT_SIZE)
        at += CONTENT_SIZE_SIZE;
    if (size <= at)
        return false;
    frame[at] = (uint8_t)(xxh32_short(frame + from, at - from) >> 8);
    return true;
}

/* --- decoding --------------------------------------------------------------- */

static struct inflater *lz4_create(void)
{
    struct lz4_inflater *lz4 = mem_new(sizeof(*lz4));
    size_t r = LZ4F_createDecompressionContext(&lz4->context, LZ4F_VERSION);

    assert(!LZ4F_isError(r));
    return &lz4->base;
}

static void lz4_destroy(struct inflater *inflater)
{
    struct lz4_inflater *lz4 = container_of(inflater, struct lz4_inflater, base);

    (void)LZ4F_freeDecompressionContext(lz4->context);
    mem_free(lz4);
}

static int lz4_read(struct inflater *inflater, uint8_t *out, size_t size, size_t *out_got)
{
    struct lz4_inflater *lz4 = container_of(inflater, struct lz4_inflater, base);
    size_t got = 0;

    while (!got && !lz4->is_ended) {
        size_t taken = inflater->rest.size;
        size_t r;

        got = size;
        r = LZ4F_decompress(lz4->context, out, &got, inflater->rest.data, &taken, NULL);
        compress_skip(&inflater->rest, taken);
        if (LZ4F_isError(r) || (r && !got && !taken)) /* Wrong, or cut off. */
            return COMPRESS_E_MALFORMED;
        lz4->is_ended = r == 0;
    }
    if (lz4->is_ended && inflater->rest.size)
        return COMPRESS_E_MALFORMED;
    *out_got = got;
    return 0;
}

const struct compress_class compress_lz4 = {
    .name = "lz4",
    .level = FAST_LEVEL,
    .encode = lz4_encode,
    .is_common = lz4_is_common,
    .create = lz4_create,
    .destroy = lz4_destroy,
    .read = lz4_read,
};
