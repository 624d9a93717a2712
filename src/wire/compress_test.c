/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "test/harness/check.h"
#include "wire/compress.h"

enum { SIZE_MAX_OF_TEST = 300000 };

/* Bytes that are partly random and partly repeated, as records are. */
static void add_rubbish(struct rng *rng, size_t length, struct text *out)
{
    while (length) {
        size_t n = 1 + rng_below(rng, min_of(length, (size_t)600));
        uint8_t *p = text_add_space(out, n);
        bool is_random = rng_chance(rng, 40);
        uint8_t fill = (uint8_t)rng_next(rng);

        for (size_t i = 0; i < n; i++)
            p[i] = is_random ? (uint8_t)rng_next(rng) : fill;
        length -= n;
    }
}

/* Reads all of `in` through a window of random sizes. */
static int inflate_in_pieces(enum compress_codec codec, struct slice in, struct rng *rng,
                             struct inflater_cache *cache, struct text *out)
{
    scoped(inflater_destroyp) struct inflater *inflater = NULL;
    size_t got = 1;
    int r = inflater_create(codec, in, cache, &inflater);

    while (!r && got) {
        size_t want = 1 + rng_below(rng, 1 + (70000 >> rng_below(rng, 16)));
        uint8_t *space = text_add_space(out, want);

        got = 0;
        r = inflater_read(inflater, space, want, &got);
        check(got <= want);
        text_cut(out, out->size - (want - got));
    }
    return r;
}

/* An encoder and a decoder that were used before do what new ones do. */
PROPERTY(compress, what_is_kept_works_as_what_is_new, 30)
{
    struct deflater_cache deflaters = {.idle = NULL};
    struct inflater_cache inflaters = {.idle = NULL};

    for (int i = 0; i < 20; i++) {
        enum compress_codec codec = (enum compress_codec)rng_below(rng, COMPRESS_CODEC_COUNT);
        struct text plain = {.size = 0};
        struct text fresh = {.size = 0};
        struct text kept = {.size = 0};
        struct text again = {.size = 0};

        add_rubbish(rng, 1 + rng_below(rng, 5000), &plain);
        check_ok(compress_encode(codec, text_slice(&plain), NULL, &fresh));
        check_ok(compress_encode(codec, text_slice(&plain), &deflaters, &kept));
        check(slice_equal(text_slice(&fresh), text_slice(&kept)));
        check_eq(deflaters.idle != NULL,
                 deflaters.codec == COMPRESS_GZIP || deflaters.codec == COMPRESS_ZSTD);
        check_ok(compress_decode(codec, text_slice(&kept), plain.size, &inflaters, &again));
        check(slice_equal(text_slice(&plain), text_slice(&again)));
        text_fini(&plain);
        text_fini(&fresh);
        text_fini(&kept);
        text_fini(&again);
    }
    deflater_cache_fini(&deflaters);
    inflater_cache_fini(&inflaters);
    check(!deflaters.idle && !inflaters.idle);
}

/* Sizes of the same text by rising levels; an encoder that is kept changes its own. */
static void check_levels(enum compress_codec codec, const int *levels, size_t count,
                         struct text *plain)
{
    struct deflater_cache cache = {.has_level = true};
    size_t before = SIZE_MAX;

    for (size_t i = 0; i < count; i++) {
        struct text packed = {.size = 0};
        struct text again = {.size = 0};

        cache.level = levels[i];
        check_ok(compress_encode(codec, text_slice(plain), &cache, &packed));
        check_ok(compress_decode(codec, text_slice(&packed), plain->size, NULL, &again));
        check(slice_equal(text_slice(plain), text_slice(&again)));
        check(packed.size < before);
        before = packed.size;
        text_fini(&packed);
        text_fini(&again);
    }
    deflater_cache_fini(&cache);
}

TEST(compress, higher_levels_make_less_of_a_text)
{
    static const int gzip[] = {0, 1, 9}, lz4[] = {9, 4, 17}, zstd[] = {-50, 1, 22};
    struct text plain = {.size = 0};

    for (int i = 0; i < 4000; i++)
        text_printf(&plain, "%d %d ", (int)rng_below(rng, 100), i % 77 * 31);
    check_levels(COMPRESS_GZIP, gzip, COUNT_OF(gzip), &plain);
    check_levels(COMPRESS_LZ4, lz4, COUNT_OF(lz4), &plain); /* 9 is the fast one. */
    check_levels(COMPRESS_ZSTD, zstd, COUNT_OF(zstd), &plain);
    text_fini(&plain);
}

PROPERTY(compress, what_is_compressed_is_read_again, 60)
{
    struct inflater_cache cache = {.idle = NULL};

    for (enum compress_codec codec = COMPRESS_NONE; codec < COMPRESS_CODEC_COUNT; codec++) {
        size_t length = 1 + rng_below(rng, 1 + (SIZE_MAX_OF_TEST >> rng_below(rng, 18)));
        struct text plain = {.size = 0};
        struct text packed = {.size = 0};
        struct text again = {.size = 0};

        add_rubbish(rng, length, &plain);
        text_add(&packed, "x", 1); /* It is added behind what is there. */
        check_ok(compress_encode(codec, text_slice(&plain), NULL, &packed));
        check_ok(compress_decode(codec, slice_of(packed.data + 1, packed.size - 1), plain.size,
                                 NULL, &again));
        check(slice_equal(text_slice(&plain), text_slice(&again)));
        if (codec != COMPRESS_NONE) {
            text_cut(&again, 0);
            check_ok(inflate_in_pieces(codec, slice_of(packed.data + 1, packed.size - 1), rng,
                                       &cache, &again));
            check(slice_equal(text_slice(&plain), text_slice(&again)));
        }
        text_fini(&plain);
        text_fini(&packed);
        text_fini(&again);
    }
    inflater_cache_fini(&cache);
}

PROPERTY(compress, one_byte_above_the_bound_is_too_large, 40)
{
    for (enum compress_codec codec = COMPRESS_NONE; codec < COMPRESS_CODEC_COUNT; codec++) {
        struct text plain = {.size = 0};
        struct text packed = {.size = 0};
        struct text again = {.size = 0};

        add_rubbish(rng, 1 + rng_below(rng, 100000), &plain);
        check_ok(compress_encode(codec, text_slice(&plain), NULL, &packed));
        check_eq(compress_decode(codec, text_slice(&packed), plain.size - 1, NULL, &again),
                 COMPRESS_E_TOO_LARGE);
        check_eq(again.size, 0);
        text_fini(&plain);
        text_fini(&packed);
        text_fini(&again);
    }
}

/* Every codec but raw snappy, whose length is the batch's business, knows its end. */
PROPERTY(compress, what_is_cut_off_or_has_more_behind_it_is_malformed, 30)
{
    for (enum compress_codec codec = COMPRESS_GZIP; codec < COMPRESS_CODEC_COUNT; codec++) {
        struct text plain = {.size = 0};
        struct text packed = {.size = 0};
        struct text again = {.size = 0};
        size_t cut;

        add_rubbish(rng, 1 + rng_below(rng, 3000), &plain);
        check_ok(compress_encode(codec, text_slice(&plain), NULL, &packed));
        cut = rng_below(rng, packed.size);
        if (codec != COMPRESS_SNAPPY || cut != 16) /* A framing without blocks is whole. */
            check_eq(compress_decode(codec, slice_of(packed.data, cut), 1 << 20, NULL, &again),
                     COMPRESS_E_MALFORMED);
        text_add(&packed, "\x7f\xff\x00", 1 + rng_below(rng, 3));
        check_eq(compress_decode(codec, text_slice(&packed), 1 << 20, NULL, &again),
                 COMPRESS_E_MALFORMED);
        text_fini(&plain);
        text_fini(&packed);
        text_fini(&again);
    }
}

PROPERTY(compress, changed_bytes_do_no_harm, 300)
{
    enum compress_codec codec =
        (enum compress_codec)rng_between(rng, COMPRESS_GZIP, COMPRESS_CODEC_COUNT - 1);
    struct text plain = {.size = 0};
    struct text packed = {.size = 0};
    struct text again = {.size = 0};

    add_rubbish(rng, 1 + rng_below(rng, 5000), &plain);
    check_ok(compress_encode(codec, text_slice(&plain), NULL, &packed));
    for (int i = 0; i < 3; i++)
        packed.data[rng_below(rng, packed.size)] = (char)rng_next(rng);
    if (compress_decode(codec, text_slice(&packed), 1 << 16, NULL, &again))
        check_eq(again.size, 0);
    else
        check(again.size <= 1 << 16);
    text_fini(&plain);
    text_fini(&packed);
    text_fini(&again);
}

TEST(compress, codecs_are_found_by_their_names)
{
    check_text(compress_name(COMPRESS_NONE), "none");
    check_text(compress_name(COMPRESS_ZSTD), "zstd");
    for (enum compress_codec codec = COMPRESS_NONE; codec < COMPRESS_CODEC_COUNT; codec++)
        check_eq(compress_find(slice_text(compress_name(codec))), codec);
    check_eq(compress_find(slice_text("GZIP")), COMPRESS_CODEC_COUNT);
    check_eq(compress_find(slice_text("producer")), COMPRESS_CODEC_COUNT);
    check_eq(compress_find(slice_null()), COMPRESS_CODEC_COUNT);
}

/* A decoder that stopped in the middle or failed starts afresh. */
TEST(compress, a_kept_decoder_reads_another_stream)
{
    struct inflater_cache cache = {.idle = NULL};
    struct text plain = {.size = 0};
    struct text packed = {.size = 0};
    struct rng local = rng_of(5);
    uint8_t bytes[10];
    size_t got;

    add_rubbish(&local, 5000, &plain);
    check_ok(compress_encode(COMPRESS_ZSTD, text_slice(&plain), NULL, &packed));
    for (int i = 0; i < 3; i++) {
        struct inflater *inflater;

        check_ok(inflater_create(COMPRESS_ZSTD, text_slice(&packed), &cache, &inflater));
        check(!cache.idle);
        check_ok(inflater_read(inflater, bytes, sizeof(bytes), &got));
        check(slice_equal(slice_of(bytes, got), slice_of(plain.data, sizeof(bytes))));
        check(!inflater_destroy(inflater));
        check(cache.idle);
        check_ok(inflater_create(COMPRESS_ZSTD, slice_of(packed.data, 20), &cache, &inflater));
        check_eq(inflater_read(inflater, bytes, sizeof(bytes), &got), COMPRESS_E_MALFORMED);
        inflater_destroy(inflater);
    }
    inflater_cache_fini(&cache);
    check(!cache.idle);
    text_fini(&plain);
    text_fini(&packed);
}

TEST(compress, nothing_at_all_is_malformed)
{
    struct text out = {.size = 0};

    for (enum compress_codec codec = COMPRESS_GZIP; codec < COMPRESS_CODEC_COUNT; codec++)
        check_eq(compress_decode(codec, slice_empty(), 100, NULL, &out), COMPRESS_E_MALFORMED);
    text_fini(&out);
}

/* The first bytes choose codec and size of the pieces: they make what the whole makes. */
/* They are refused before anything is read. */
TEST(compress, inputs_above_1_gib_are_refused)
{
    struct text out = {.size = 0};

    for (enum compress_codec codec = COMPRESS_NONE; codec < COMPRESS_CODEC_COUNT; codec++)
        check_eq(compress_encode(codec, slice_of("", ((size_t)1 << 30) + 1), NULL, &out),
                 COMPRESS_E_TOO_LARGE);
    check_eq(out.size, 0);
}

TEST(compress, no_bytes_asked_for_are_no_end)
{
    struct text packed = {.size = 0};
    struct inflater *inflater;
    size_t got = 7;
    char byte;

    check_ok(compress_encode(COMPRESS_LZ4, slice_text("x"), NULL, &packed));
    check_ok(inflater_create(COMPRESS_LZ4, text_slice(&packed), NULL, &inflater));
    check_ok(inflater_read(inflater, &byte, 0, &got));
    check_eq(got, 0);
    check_ok(inflater_read(inflater, &byte, 1, &got));
    check_eq(got, 1);
    inflater_destroy(inflater);
    text_fini(&packed);
}

FUZZ(compress, pieces)
{
    struct text whole = {.size = 0};
    struct text pieces = {.size = 0};
    struct rng local;
    enum compress_codec codec;
    struct slice in;

    if (size < 2)
        return;
    codec = (enum compress_codec)(COMPRESS_GZIP + data[0] % (COMPRESS_CODEC_COUNT - 1));
    local = rng_of(data[1]);
    in = slice_of(data + 2, size - 2);
    if (!compress_decode(codec, in, 1 << 20, NULL, &whole)) {
        check_ok(inflate_in_pieces(codec, in, &local, NULL, &pieces));
        check(slice_equal(text_slice(&whole), text_slice(&pieces)));
    }
    text_fini(&whole);
    text_fini(&pieces);
}
