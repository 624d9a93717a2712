/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "wire/compress.h"

#include <zstd.h>

#define SKIPPABLE "\x50\x2a\x4d\x18\3\0\0\0abc"

enum { MAX = 64 << 20 };

static void add_words(struct text *out, size_t length)
{
    struct rng local = rng_of(9);

    while (out->size < length)
        text_printf(out, "word-%u;", (unsigned)rng_below(&local, 500));
    text_cut(out, length);
}

/* Compresses `plain` as a stream whose end is not known, as the Java client does. */
static void pack_stream(const struct text *plain, int window_log, struct text *out)
{
    size_t bound = ZSTD_compressBound(plain->size) + 64;
    size_t start = out->size;
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_outBuffer output = {.dst = text_add_space(out, bound), .size = bound};
    ZSTD_inBuffer input = {.src = plain->data, .size = plain->size};

    check(!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log)));
    check(!ZSTD_isError(ZSTD_compressStream2(context, &output, &input, ZSTD_e_continue)));
    check_eq(ZSTD_compressStream2(context, &output, &input, ZSTD_e_end), 0);
    (void)ZSTD_freeCCtx(context);
    text_cut(out, start + output.pos);
}

static int decode(const struct text *packed, struct text *out)
{
    text_cut(out, 0);
    return compress_decode(COMPRESS_ZSTD, text_slice(packed), MAX, NULL, out);
}

TEST(compress_zstd, a_small_frame_may_ask_for_any_window_that_kafka_allows)
{
    struct text plain = {.size = 0};
    struct text again = {.size = 0};

    add_words(&plain, 300000);
    for (int window_log = 10; window_log <= 28; window_log++) {
        struct text packed = {.size = 0};

        pack_stream(&plain, window_log, &packed);
        if (window_log == 28) {
            check_eq(decode(&packed, &again), COMPRESS_E_TOO_LARGE);
        } else {
            check_ok(decode(&packed, &again));
            check(slice_equal(text_slice(&plain), text_slice(&again)));
        }
        text_fini(&packed);
    }
    text_fini(&plain);
    text_fini(&again);
}

/* Zeros become so small that the bound of the window is the least one. */
TEST(compress_zstd, a_large_frame_that_asks_for_too_large_a_window_is_refused)
{
    struct text plain = {.size = 0};
    struct text packed = {.size = 0};
    struct text again = {.size = 0};

    memset(text_add_space(&plain, COMPRESS_WINDOW_MIN), 0, COMPRESS_WINDOW_MIN);
    pack_stream(&plain, 27, &packed);
    check_ok(decode(&packed, &again));
    check(slice_equal(text_slice(&plain), text_slice(&again)));

    text_add(&plain, "", 1);
    text_cut(&packed, 0);
    pack_stream(&plain, 27, &packed);
    check_eq(decode(&packed, &again), COMPRESS_E_TOO_LARGE);

    text_cut(&packed, 0);
    pack_stream(&plain, 23, &packed);
    check_ok(decode(&packed, &again));
    check_eq(again.size, COMPRESS_WINDOW_MIN + 1);
    text_fini(&plain);
    text_fini(&packed);
    text_fini(&again);
}

TEST(compress_zstd, the_bound_of_a_window_is_for_one_frame)
{
    struct text plain = {.size = 0};
    struct text packed = {.size = 0};
    struct text again = {.size = 0};

    memset(text_add_space(&plain, COMPRESS_WINDOW_MIN), 0, COMPRESS_WINDOW_MIN);
    pack_stream(&plain, 27, &packed);
    pack_stream(&plain, 27, &packed);
    check_ok(decode(&packed, &again));
    check_eq(again.size, 2 * COMPRESS_WINDOW_MIN);
    text_fini(&plain);
    text_fini(&packed);
    text_fini(&again);
}

TEST(compress_zstd, the_window_may_be_larger_if_there_is_more_input)
{
    struct text plain = {.size = 0};
    struct text packed = {.size = 0};
    struct text again = {.size = 0};

    add_words(&plain, (size_t)9 << 20);
    pack_stream(&plain, 24, &packed);
    check(packed.size > (16 << 20) / COMPRESS_WINDOW_RATIO);
    check_ok(decode(&packed, &again));
    check(slice_equal(text_slice(&plain), text_slice(&again)));
    text_fini(&plain);
    text_fini(&packed);
    text_fini(&again);
}

TEST(compress_zstd, frames_follow_each_other)
{
    struct text abc = {.size = 0};
    struct text packed = {.size = 0};
    struct text again = {.size = 0};

    text_add(&abc, "abc", 3);
    text_add(&packed, SKIPPABLE, sizeof(SKIPPABLE) - 1);
    for (int i = 0; i < 2; i++) {
        struct text one = {.size = 0};

        pack_stream(&abc, 10 + 17 * i, &one);
        text_add(&packed, one.data, one.size);
        text_fini(&one);
    }
    text_add(&packed, SKIPPABLE, sizeof(SKIPPABLE) - 1);
    check_ok(decode(&packed, &again));
    check(slice_is_text(text_slice(&again), "abcabc"));
    text_add(&packed, "x", 1);
    check_eq(decode(&packed, &again), COMPRESS_E_MALFORMED);
    text_fini(&abc);
    text_fini(&packed);
    text_fini(&again);
}

TEST(compress_zstd, formats_from_before_its_first_version_are_refused)
{
    struct text out = {.size = 0};

    for (char version = 0x24; version < 0x28; version++) {
        char frame[16] = {version, (char)0xb5, 0x2f, (char)0xfd};

        check_eq(compress_decode(COMPRESS_ZSTD, slice_of(frame, sizeof(frame)), 100, NULL, &out),
                 COMPRESS_E_MALFORMED);
    }
    text_fini(&out);
}

FUZZ(compress_zstd, inflate)
{
    struct text out = {.size = 0};

    if (!compress_decode(COMPRESS_ZSTD, slice_of(data, size), 1 << 20, NULL, &out))
        check(out.size <= 1 << 20);
    text_fini(&out);
}
