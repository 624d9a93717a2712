/* SPDX-License-Identifier: Apache-2.0 */

/* wire/compress_zstd.c - zstd (RFC 8878).
 *
 * The beginning of a frame asks for a window, which the decoder allocates:
 *
 *     28 b5 2f fd | descriptor | window | ...
 *
 * The levels from 20 on ask for 32 to 128 MiB even for a few bytes.  Such a frame is given
 * to the decoder with our bound in the place of the window that it asks for, and refused
 * when more than that comes out of it; until then no match can lie further back.
 */

#include "base/mem.h"
#include "wire/compress_internal.h"

#include <zstd.h>
#include <zstd_errors.h>

enum {
    LEVEL = 3,          /* Kafka's default. */
    KEEP_MAX = 4 << 20, /* A decoder above that is not kept. */
    MAGIC_SIZE = 4,
    DESCRIPTOR_AT = MAGIC_SIZE,
    WINDOW_AT,
    START_SIZE,                  /* As far as the window, included. */
    DESCRIPTOR_NO_WINDOW = 0x20, /* The content's size is the window. */
    WINDOW_LOG_MIN = 10,         /* Of a window byte of 0. */
    WINDOW_LOG_BOUND_MIN = 23,
    WINDOW_LOG_BOUND_MAX = 27,
};

static const uint8_t frame_magic[MAGIC_SIZE] = {0x28, 0xb5, 0x2f, 0xfd};
static const uint8_t skip_magic[MAGIC_SIZE] = {0x50, 0x2a, 0x4d, 0x18}; /* Low 4 bits: any. */

struct zstd_inflater {
    struct inflater base;
    ZSTD_DCtx *context;  /* Owned. */
    unsigned window_log; /* The bound. */
    bool is_between;     /* No frame is begun. */
    bool is_bounded;     /* The frame asked for more than the bound. */
    size_t frame_got;    /* Bytes that came out of the frame. */
};

static void zstd_forget(void *context)
{
    (void)ZSTD_freeCCtx(context);
}

static int zstd_encode(struct slice in, int level, void **context, struct text *out)
{
    ZSTD_CCtx *encoder = *context ? *context : ZSTD_createCCtx();
    size_t bound = ZSTD_compressBound(in.size);
    size_t start = out->size;
    size_t size;

    assert(encoder);
    size = ZSTD_compressCCtx(encoder, text_add_space(out, bound), bound, in.data, in.size, level);
    assert(!ZSTD_isError(size));
    text_cut(out, start + size);
    *context = encoder; /* 1.3 MiB at most, on the default level. */
    return 0;
}

/* --- decoding --------------------------------------------------------------- */

static struct inflater *zstd_create(void)
{
    struct zstd_inflater *zstd = mem_new(sizeof(*zstd));

    zstd->context = ZSTD_createDCtx();
    assert(zstd->context);
    return &zstd->base;
}

static void zstd_destroy(struct inflater *inflater)
{
    struct zstd_inflater *zstd = container_of(inflater, struct zstd_inflater, base);

    (void)ZSTD_freeDCtx(zstd->context);
    mem_free(zstd);
}

static bool zstd_restart(struct inflater *inflater)
{
    struct zstd_inflater *zstd = container_of(inflater, struct zstd_inflater, base);

    return ZSTD_sizeof_DCtx(zstd->context) <= KEEP_MAX &&
           !ZSTD_isError(ZSTD_DCtx_reset(zstd->context, ZSTD_reset_session_only));
}

static void zstd_begin(struct inflater *inflater)
{
    struct zstd_inflater *zstd = container_of(inflater, struct zstd_inflater, base);
    size_t bound = inflater->rest.size * COMPRESS_WINDOW_RATIO;
    size_t r;

    zstd->is_between = true;
    zstd->window_log = WINDOW_LOG_BOUND_MIN;
    while (zstd->window_log < WINDOW_LOG_BOUND_MAX && (size_t)1 << zstd->window_log < bound)
        zstd->window_log++;
    r = ZSTD_DCtx_setParameter(zstd->context, ZSTD_d_windowLogMax, (int)zstd->window_log);
    assert(!ZSTD_isError(r));
}

static bool has_magic(struct slice in)
{
    if (in.size < MAGIC_SIZE)
        return false;
    return memcmp(in.data, frame_magic, MAGIC_SIZE) == 0 ||
           ((in.data[0] & 0xf0) == skip_magic[0] &&
            memcmp(in.data + 1, skip_magic + 1, MAGIC_SIZE - 1) == 0);
}

/* The window byte that asks for 2^log bytes; a larger byte asks for more. */
static uint8_t window_byte(unsigned log)
{
    return (uint8_t)((log - WINDOW_LOG_MIN) << 3);
}

/* The window byte of a frame, 0 if it has none. */
static uint8_t window_of(struct slice in)
{
    if (in.size < START_SIZE || memcmp(in.data, frame_magic, MAGIC_SIZE) != 0 ||
        in.data[DESCRIPTOR_AT] & DESCRIPTOR_NO_WINDOW)
        return 0;
    return in.data[WINDOW_AT];
}

/* Gives the decoder the start of a frame with the bound for a window. */
static bool start_bounded(struct zstd_inflater *zstd)
{
    uint8_t start[START_SIZE];
    ZSTD_inBuffer input = {.src = start, .size = sizeof(start)};
    ZSTD_outBuffer output = {.dst = NULL};

    memcpy(start, zstd->base.rest.data, sizeof(start));
    start[WINDOW_AT] = window_byte(zstd->window_log);
    if (ZSTD_isError(ZSTD_decompressStream(zstd->context, &output, &input)))
        return false;
    compress_skip(&zstd->base.rest, input.pos);
    return input.pos == sizeof(start);
}

static int start_frame(struct zstd_inflater *zstd)
{
    uint8_t window = window_of(zstd->base.rest);

    if (!has_magic(zstd->base.rest))
        return COMPRESS_E_MALFORMED;
    if (window > window_byte(WINDOW_LOG_BOUND_MAX)) /* Nor would Kafka's clients read it. */
        return COMPRESS_E_TOO_LARGE;
    zstd->is_between = false;
    zstd->frame_got = 0;
    zstd->is_bounded = window > window_byte(zstd->window_log);
    return zstd->is_bounded && !start_bounded(zstd) ? COMPRESS_E_MALFORMED : 0;
}

static int step(struct zstd_inflater *zstd, ZSTD_outBuffer *output)
{
    struct slice *rest = &zstd->base.rest;
    ZSTD_inBuffer input = {.src = rest->data, .size = rest->size};
    size_t before = output->pos;
    size_t r = ZSTD_decompressStream(zstd->context, output, &input);

    if (ZSTD_isError(r))
        return ZSTD_getErrorCode(r) == ZSTD_error_frameParameter_windowTooLarge
                   ? COMPRESS_E_TOO_LARGE
                   : COMPRESS_E_MALFORMED;
    if (r && !input.pos && output->pos == before) /* Cut off. */
        return COMPRESS_E_MALFORMED;
    compress_skip(rest, input.pos);
    zstd->is_between = r == 0;
    zstd->frame_got += output->pos - before;
    if (zstd->is_bounded && zstd->frame_got > (size_t)1 << zstd->window_log)
        return COMPRESS_E_TOO_LARGE;
    return 0;
}

static int zstd_read(struct inflater *inflater, uint8_t *out, size_t size, size_t *out_got)
{
    struct zstd_inflater *zstd = container_of(inflater, struct zstd_inflater, base);
    ZSTD_outBuffer output = {.dst = out, .size = size};
    int r = 0;

    while (!r && !output.pos && !(zstd->is_between && !inflater->rest.size)) {
        if (zstd->is_between)
            r = start_frame(zstd);
        if (!r)
            r = step(zstd, &output);
    }
    *out_got = output.pos;
    return r;
}

const struct compress_class compress_zstd = {
    .name = "zstd",
    .level = LEVEL,
    .encode = zstd_encode,
    .forget = zstd_forget,
    .create = zstd_create,
    .destroy = zstd_destroy,
    .restart = zstd_restart,
    .begin = zstd_begin,
    .read = zstd_read,
};
