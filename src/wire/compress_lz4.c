/* SPDX-License-Identifier: Apache-2.0 */

/* wire/compress_lz4.c - the frame format of lz4.
 *
 * Kafka's clients read the first frame and nothing behind it, and only blocks that do not
 * refer to each other; so that is what is written.
 */

#include "base/mem.h"
#include "wire/compress_internal.h"

#include <lz4frame.h>

struct lz4_inflater {
    struct inflater base;
    LZ4F_dctx *context; /* Owned. */
    bool is_ended;
};

static int lz4_encode(struct slice in, struct text *out)
{
    const LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent},
    };
    size_t bound = LZ4F_compressFrameBound(in.size, &preferences);
    size_t start = out->size;
    size_t size =
        LZ4F_compressFrame(text_add_space(out, bound), bound, in.data, in.size, &preferences);

    assert(!LZ4F_isError(size));
    text_cut(out, start + size);
    return 0;
}

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
    .encode = lz4_encode,
    .create = lz4_create,
    .destroy = lz4_destroy,
    .read = lz4_read,
};
