/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/compress.h"

#include "wire/compress_internal.h"

enum {
    ENCODE_MAX = 1 << 30,
    PIECE_SIZE = 64 << 10, /* What compress_decode() asks for at a time. */
};

static const struct compress_class *const classes[COMPRESS_CODEC_COUNT] = {
    [COMPRESS_GZIP] = &compress_gzip,
    [COMPRESS_SNAPPY] = &compress_snappy,
    [COMPRESS_LZ4] = &compress_lz4,
    [COMPRESS_ZSTD] = &compress_zstd,
};

static const struct compress_class *class_of(enum compress_codec codec)
{
    assert(codec > COMPRESS_NONE && codec < COMPRESS_CODEC_COUNT);
    return classes[codec];
}

const char *compress_name(enum compress_codec codec)
{
    return codec == COMPRESS_NONE ? "none" : class_of(codec)->name;
}

enum compress_codec compress_find(struct slice name)
{
    enum compress_codec codec = COMPRESS_NONE;

    while (codec < COMPRESS_CODEC_COUNT && !slice_is_text(name, compress_name(codec)))
        codec++;
    return codec;
}

/* --- compression ------------------------------------------------------------ */

void deflater_cache_fini(struct deflater_cache *cache)
{
    if (cache->idle)
        class_of(cache->codec)->forget(cache->idle);
    cache->idle = NULL;
}

/* Lets the encoder of another codec go. */
static void prepare_cache(struct deflater_cache *cache, enum compress_codec codec)
{
    if (cache->codec != codec)
        deflater_cache_fini(cache);
    cache->codec = codec;
}

int compress_encode(enum compress_codec codec, struct slice in, struct deflater_cache *cache,
                    struct text *out)
{
    struct deflater_cache none = {.idle = NULL};
    int r;

    if (in.size > ENCODE_MAX)
        return COMPRESS_E_TOO_LARGE;
    if (codec == COMPRESS_NONE) {
        text_add(out, in.data, in.size);
        return 0;
    }
    cache = cache ? cache : &none;
    prepare_cache(cache, codec);
    r = class_of(codec)->encode(in, cache->has_level ? cache->level : class_of(codec)->level,
                                &cache->idle, out);
    deflater_cache_fini(&none);
    return r;
}

bool compress_is_common(enum compress_codec codec, struct slice in)
{
    const struct compress_class *class = class_of(codec);

    return !class->is_common || class->is_common(in);
}

/* --- piece by piece --------------------------------------------------------- */

void inflater_cache_fini(struct inflater_cache *cache)
{
    if (cache->idle)
        cache->idle->class->destroy(cache->idle);
    cache->idle = NULL;
}

int inflater_create(enum compress_codec codec, struct slice in, struct inflater_cache *cache,
                    struct inflater **out)
{
    const struct compress_class *class = class_of(codec);
    struct inflater *inflater;

    if (!in.size)
        return COMPRESS_E_MALFORMED;
    if (cache && cache->idle && cache->idle->class == class)
        inflater = take(cache->idle);
    else
        inflater = class->create();
    *inflater = (struct inflater){.class = class, .rest = in, .cache = cache};
    if (class->begin)
        class->begin(inflater);
    *out = inflater;
    return 0;
}

struct inflater *inflater_destroy(struct inflater *inflater)
{
    struct inflater_cache *cache = inflater ? inflater->cache : NULL;

    if (cache && !cache->idle && inflater->class->restart && inflater->class->restart(inflater))
        cache->idle = inflater;
    else if (inflater)
        inflater->class->destroy(inflater);
    return NULL;
}

int inflater_read(struct inflater *inflater, void *out, size_t size, size_t *out_got)
{
    if (!size) {
        *out_got = 0;
        return 0;
    }
    return inflater->class->read(inflater, out, size, out_got);
}

/* --- decompression all at once ---------------------------------------------- */

static int decode_all(struct inflater *inflater, size_t size_max, struct text *out)
{
    size_t total = 0;
    size_t got;

    do {
        /* One byte more than is allowed tells whether there are more. */
        size_t want = min_of((size_t)PIECE_SIZE, size_max - total + 1);
        uint8_t *space = text_add_space(out, want);
        int r = inflater_read(inflater, space, want, &got);

        if (r)
            return r;
        text_cut(out, out->size - (want - got));
        total += got;
        if (total > size_max)
            return COMPRESS_E_TOO_LARGE;
    } while (got);
    return 0;
}

int compress_decode(enum compress_codec codec, struct slice in, size_t size_max,
                    struct inflater_cache *cache, struct text *out)
{
    scoped(inflater_destroyp) struct inflater *inflater = NULL;
    size_t start = out->size;
    int r;

    if (codec == COMPRESS_NONE) {
        if (in.size > size_max)
            return COMPRESS_E_TOO_LARGE;
        text_add(out, in.data, in.size);
        return 0;
    }
    size_max = min_of(size_max, (size_t)INT32_MAX);
    r = inflater_create(codec, in, cache, &inflater);
    if (r)
        return r;
    r = decode_all(inflater, size_max, out);
    if (r)
        text_cut(out, start);
    return r;
}
