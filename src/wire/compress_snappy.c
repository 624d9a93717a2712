/* SPDX-License-Identifier: Apache-2.0 */

/* wire/compress_snappy.c - snappy, as one raw block or framed as snappy-java does it:
 *
 *     82 53 4e 41 50 50 59 00 | i32 version | i32 oldest compatible version
 *     i32 size | block | i32 size | block ...
 *
 * Nobody looks at the versions: Kafka 4.3 reads batches that say 0 or 2 there.
 *
 * The C library is written in C++; it knows raw blocks.
 */

#include "base/mem.h"
#include "wire/bytes.h"
#include "wire/compress_internal.h"

#include <snappy-c.h>

enum {
    MAGIC_SIZE = 8,
    FRAMING_SIZE = MAGIC_SIZE + 4 + 4,
    FRAMING_VERSION = 1,
    BLOCK_SIZE = 32 << 10, /* What snappy-java puts into one block. */
    RATIO_MAX = 22,        /* An element of three bytes makes at most 64. */
};

static const uint8_t magic[MAGIC_SIZE] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};

struct snappy_inflater {
    struct inflater base;
    bool is_begun, is_framed;
    uint8_t *block; /* Owned: the block that is given out, decoded. */
    size_t block_size, given;
};

/* --- encoding --------------------------------------------------------------- */

static void add_i32(struct text *out, size_t value)
{
    bytes_store_u32(text_add_space(out, 4), (uint32_t)value);
}

static void add_block(struct slice in, struct text *out)
{
    size_t size = snappy_max_compressed_length(in.size);
    size_t start = out->size;
    uint8_t *space = text_add_space(out, 4 + size);
    snappy_status r = snappy_compress((const char *)in.data, in.size, (char *)space + 4, &size);

    assert(r == SNAPPY_OK);
    bytes_store_u32(space, (uint32_t)size);
    text_cut(out, start + 4 + size);
}

static int snappy_encode(struct slice in, int level, void **context, struct text *out)
{
    (void)level;   /* There is none. */
    (void)context; /* Its functions take none. */
    text_add(out, magic, sizeof(magic));
    add_i32(out, FRAMING_VERSION);
    add_i32(out, FRAMING_VERSION);
    while (in.size) {
        size_t size = min_of(in.size, (size_t)BLOCK_SIZE);

        add_block(slice_of(in.data, size), out);
        compress_skip(&in, size);
    }
    return 0;
}

/* --- decoding --------------------------------------------------------------- */

static struct inflater *snappy_create(void)
{
    struct snappy_inflater *snappy = mem_new(sizeof(*snappy));

    return &snappy->base;
}

static void snappy_destroy(struct inflater *inflater)
{
    struct snappy_inflater *snappy = container_of(inflater, struct snappy_inflater, base);

    mem_free(snappy->block);
    mem_free(snappy);
}

static bool is_framing(struct slice in)
{
    return in.size >= MAGIC_SIZE && memcmp(in.data, magic, MAGIC_SIZE) == 0;
}

static bool take_framing(struct slice *rest)
{
    if (rest->size < FRAMING_SIZE)
        return false;
    compress_skip(rest, FRAMING_SIZE);
    return true;
}

/* Takes the next block off the input; there is some. */
static bool take_block(struct snappy_inflater *snappy, struct slice *out)
{
    struct slice *rest = &snappy->base.rest;
    size_t size = rest->size;

    if (snappy->is_framed) {
        if (rest->size < 4)
            return false;
        size = bytes_load_u32(rest->data);
        compress_skip(rest, 4);
        if (size > rest->size)
            return false;
    }
    *out = slice_of(rest->data, size);
    compress_skip(rest, size);
    return true;
}

static bool decode_block(struct snappy_inflater *snappy, struct slice block)
{
    const char *in = (const char *)block.data;
    size_t size;

    if (snappy_uncompressed_length(in, block.size, &size) || size > block.size * RATIO_MAX)
        return false;
    mem_free(snappy->block);
    snappy->block = mem_resize(NULL, size, 1);
    if (snappy_uncompress(in, block.size, (char *)snappy->block, &size))
        return false;
    snappy->block_size = size;
    snappy->given = 0;
    return true;
}

/* Decodes what comes next in the input; that may be nothing. */
static bool advance(struct snappy_inflater *snappy)
{
    struct slice *rest = &snappy->base.rest;
    struct slice block;

    /* One framed stream may follow another: snappy-java reads that. */
    if (is_framing(*rest) && (snappy->is_framed || !snappy->is_begun)) {
        snappy->is_framed = true;
        snappy->is_begun = true;
        return take_framing(rest);
    }
    snappy->is_begun = true;
    return take_block(snappy, &block) && decode_block(snappy, block);
}

static int snappy_read(struct inflater *inflater, uint8_t *out, size_t size, size_t *out_got)
{
    struct snappy_inflater *snappy = container_of(inflater, struct snappy_inflater, base);
    size_t n;

    while (snappy->given == snappy->block_size && inflater->rest.size)
        if (!advance(snappy))
            return COMPRESS_E_MALFORMED;
    n = min_of(size, snappy->block_size - snappy->given);
    if (n)
        memcpy(out, snappy->block + snappy->given, n);
    snappy->given += n;
    *out_got = n;
    return 0;
}

const struct compress_class compress_snappy = {
    .name = "snappy",
    .encode = snappy_encode,
    .create = snappy_create,
    .destroy = snappy_destroy,
    .read = snappy_read,
};
