/* SPDX-License-Identifier: Apache-2.0 */

/* wire/compress_gzip.c - gzip (RFC 1952) by zlib. */

#include "base/mem.h"
#include "wire/compress_internal.h"

#define ZLIB_CONST /* Input is const. */
#include <zlib.h>

/* zlib's numbers: a window of 32 KiB, gzip's header and trailer around it. */
enum { WINDOW_BITS = 15, GZIP_FORMAT = 16, MEMORY_LEVEL = 8 };

struct gzip_inflater {
    struct inflater base;
    z_stream stream;
    bool is_between; /* No member is begun. */
};

static voidpf allocate(voidpf opaque, uInt count, uInt size)
{
    (void)opaque;
    return mem_resize(NULL, count, size);
}

static void release(voidpf opaque, voidpf p)
{
    (void)opaque;
    mem_free(p);
}

static void stream_init(z_stream *stream)
{
    *stream = (z_stream){.zalloc = allocate, .zfree = release};
}

static z_stream *encoder_create(void)
{
    z_stream *stream = mem_new(sizeof(*stream));
    int r;

    stream_init(stream);
    r = deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS + GZIP_FORMAT,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    assert(r == Z_OK);
    return stream;
}

static void gzip_forget(void *context)
{
    (void)deflateEnd(context);
    mem_free(context);
}

static int gzip_encode(struct slice in, int level, void **context, struct text *out)
{
    z_stream *stream = *context ? *context : encoder_create();
    size_t start = out->size;
    size_t bound;
    int r = deflateParams(stream, level, Z_DEFAULT_STRATEGY);

    assert(r == Z_OK);
    bound = deflateBound(stream, in.size);
    stream->next_in = in.data;
    stream->avail_in = (uInt)in.size;
    stream->next_out = text_add_space(out, bound);
    stream->avail_out = (uInt)bound;
    r = deflate(stream, Z_FINISH);
    assert(r == Z_STREAM_END);
    text_cut(out, start + stream->total_out);
    (void)deflateReset(stream);
    *context = stream;
    return 0;
}

static struct inflater *gzip_create(void)
{
    struct gzip_inflater *gzip = mem_new(sizeof(*gzip));
    int r;

    stream_init(&gzip->stream);
    gzip->is_between = true;
    r = inflateInit2(&gzip->stream, WINDOW_BITS + GZIP_FORMAT);
    assert(r == Z_OK);
    return &gzip->base;
}

static void gzip_destroy(struct inflater *inflater)
{
    struct gzip_inflater *gzip = container_of(inflater, struct gzip_inflater, base);

    (void)inflateEnd(&gzip->stream);
    mem_free(gzip);
}

static int gzip_read(struct inflater *inflater, uint8_t *out, size_t size, size_t *out_got)
{
    struct gzip_inflater *gzip = container_of(inflater, struct gzip_inflater, base);
    z_stream *stream = &gzip->stream;
    uInt space = (uInt)min_of(size, (size_t)INT32_MAX);
    int r = Z_OK;

    stream->next_out = out;
    stream->avail_out = space;
    while (stream->avail_out == space && !(gzip->is_between && !inflater->rest.size)) {
        uInt offered = (uInt)min_of(inflater->rest.size, (size_t)INT32_MAX);

        stream->next_in = inflater->rest.data;
        stream->avail_in = offered;
        gzip->is_between = false;
        r = inflate(stream, Z_NO_FLUSH);
        compress_skip(&inflater->rest, offered - stream->avail_in);
        if (r == Z_STREAM_END) { /* Another member may follow. */
            gzip->is_between = true;
            (void)inflateReset(stream);
        } else if (r != Z_OK) {
            return COMPRESS_E_MALFORMED;
        }
    }
    *out_got = space - stream->avail_out;
    return 0;
}

const struct compress_class compress_gzip = {
    .name = "gzip",
    .level = Z_DEFAULT_COMPRESSION,
    .encode = gzip_encode,
    .forget = gzip_forget,
    .create = gzip_create,
    .destroy = gzip_destroy,
    .read = gzip_read,
};
