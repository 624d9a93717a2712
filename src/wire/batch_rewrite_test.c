/* SPDX-License-Identifier: Apache-2.0 */

/* What is left of a batch has what it had: offsets, times, bytes, producer and sequence. */

#include "test/harness/check.h"
#include "wire/batch.h"

enum { RECORDS = 20, BASE = 1000, DECODED_MAX = 1 << 20 };

static void make_at(struct rng *rng, enum compress_codec codec, int64_t base, struct text *out)
{
    struct batch_builder builder;
    struct record_header headers[] = {{.key = slice_text("h"), .value = slice_null()}};

    batch_builder_init(&builder);
    builder.producer_id = 7;
    builder.producer_epoch = 3;
    builder.base_sequence = 40;
    builder.attributes = rng_chance(rng, 50) ? BATCH_IS_TRANSACTIONAL : 0;
    for (int i = 0; i < RECORDS; i++)
        batch_builder_add(&builder, 5000 + rng_between(rng, -100, 100),
                          rng_chance(rng, 20) ? slice_null() : slice_text("key"),
                          rng_chance(rng, 20) ? slice_null() : slice_text("some value"), headers,
                          rng_below(rng, 2));
    check_ok(batch_builder_finish(&builder, codec, base, 9, out));
    batch_builder_fini(&builder);
}

static void make(struct rng *rng, enum compress_codec codec, struct text *out)
{
    make_at(rng, codec, BASE, out);
}

/* Opens what `bytes` hold, which is one good batch. */
static void open_batch(struct text *bytes, struct text *scratch, struct batch_reader *out)
{
    check(batch_crc_is_good(text_slice(bytes)));
    check_ok(batch_reader_open(out, text_slice(bytes), scratch, NULL, DECODED_MAX));
    check_eq(out->header.size, bytes->size);
}

/* Leaves the records of which `kept` has the bit. */
static void rewrite(struct text *batch, uint32_t kept, int64_t horizon, struct text *out)
{
    struct batch_rewrite rewrite = {.has_base = false};
    struct text scratch = {.data = NULL};
    struct batch_reader reader;
    struct record record;
    bool at_end = false;

    open_batch(batch, &scratch, &reader);
    batch_rewrite_begin(&rewrite, &reader.header, horizon);
    for (;;) {
        check_ok(batch_reader_next(&reader, &record, &at_end));
        if (at_end)
            break;
        if (kept >> (record.offset - BASE) & 1)
            batch_rewrite_add(&rewrite, &record);
    }
    check_ok(batch_rewrite_finish(&rewrite, out));
    check_eq(rewrite.header.size, out->size);
    batch_rewrite_fini(&rewrite);
    text_fini(&scratch);
}

static void check_header(const struct batch_header *is, const struct batch_header *was,
                         int64_t horizon)
{
    check(is->base_offset == BASE && is->last_offset_delta == RECORDS - 1);
    check(is->leader_epoch == 9 && is->base_sequence == 40);
    check(is->producer_id == 7 && is->producer_epoch == 3);
    check_eq(is->attributes & BATCH_IS_TRANSACTIONAL, was->attributes & BATCH_IS_TRANSACTIONAL);
    check_eq((is->attributes & BATCH_HAS_DELETE_HORIZON) != 0,
             horizon >= 0 && is->record_count > 0);
    if (horizon >= 0 && is->record_count > 0)
        check_eq(is->base_timestamp, horizon);
    if (is->record_count == 0)
        check(batch_codec(is) == COMPRESS_NONE && is->max_timestamp == was->max_timestamp);
}

PROPERTY(batch_rewrite, what_stays_is_as_it_was, 200)
{
    uint32_t kept = (uint32_t)(rng_next(rng) & rng_next(rng)) & ((1u << RECORDS) - 1);
    enum compress_codec codec = (enum compress_codec)rng_below(rng, COMPRESS_CODEC_COUNT);
    int64_t horizon = rng_chance(rng, 50) ? (int64_t)rng_below(rng, 1u << 30) : -1;
    struct text before = {.data = NULL}, after = {.data = NULL};
    struct text before_scratch = {.data = NULL}, after_scratch = {.data = NULL};
    struct batch_reader was, is;
    struct record old, new;
    bool at_end = false;
    int64_t latest = -1;

    if (rng_chance(rng, 10))
        kept = 0;
    make(rng, codec, &before);
    rewrite(&before, kept, horizon, &after);
    open_batch(&before, &before_scratch, &was);
    open_batch(&after, &after_scratch, &is);
    check_header(&is.header, &was.header, horizon);
    for (int i = 0; i < RECORDS; i++) {
        check_ok(batch_reader_next(&was, &old, &at_end));
        if (!(kept >> i & 1))
            continue;
        check_ok(batch_reader_next(&is, &new, &at_end));
        check(!at_end && new.offset == old.offset &&new.timestamp == old.timestamp);
        check(slice_equal(new.key, old.key) && slice_equal(new.value, old.value));
        check(slice_equal(new.headers, old.headers) && new.header_count == old.header_count);
        latest = max_of(latest, new.timestamp);
    }
    check_ok(batch_reader_next(&is, &new, &at_end));
    check(at_end && (kept == 0 || is.header.max_timestamp == latest));
    text_fini(&before);
    text_fini(&after);
    text_fini(&before_scratch);
    text_fini(&after_scratch);
}

PROPERTY(batch_rewrite, a_horizon_that_is_there_stays, 50)
{
    struct text before = {.data = NULL}, once = {.data = NULL}, twice = {.data = NULL};
    struct batch_header header;

    make(rng, COMPRESS_LZ4, &before);
    rewrite(&before, 6, 123, &once);
    rewrite(&once, 2, -1, &twice);
    check_ok(batch_parse(text_slice(&twice), &header));
    check((header.attributes & BATCH_HAS_DELETE_HORIZON) && header.base_timestamp == 123);
    check_eq(header.record_count, 1);
    text_fini(&before);
    text_fini(&once);
    text_fini(&twice);
}

/* Whatever codecs: all of the batch stays but how its records are compressed. */
PROPERTY(batch_rewrite, a_batch_gets_another_codec, 60)
{
    enum compress_codec from = (enum compress_codec)rng_below(rng, COMPRESS_CODEC_COUNT);
    enum compress_codec to = (enum compress_codec)rng_below(rng, COMPRESS_CODEC_COUNT);
    struct text batch = {.data = NULL}, out = {.data = NULL}, back = {.data = NULL};
    struct text scratch = {.data = NULL};
    struct batch_reader reader;

    make_at(rng, from, 0, &batch);
    check_ok(batch_recompress(text_slice(&batch), to, DECODED_MAX, NULL, NULL, &out));
    open_batch(&out, &scratch, &reader);
    check_eq(batch_codec(&reader.header), to);
    check_ok(batch_recompress(text_slice(&out), from, DECODED_MAX, NULL, NULL, &back));
    check(slice_equal(text_slice(&batch), text_slice(&back)));
    text_fini(&scratch);
    text_fini(&back);
    text_fini(&out);
    text_fini(&batch);
}

TEST(batch_rewrite, a_damaged_or_swollen_batch_gets_no_other_codec)
{
    struct text batch = {.data = NULL}, out = {.data = NULL};

    make_at(rng, COMPRESS_GZIP, 0, &batch);
    check_eq(batch_recompress(text_slice(&batch), COMPRESS_LZ4, 10, NULL, NULL, &out),
             BATCH_E_NO_MEMORY);
    batch.data[batch.size - 1] ^= 1;
    check_eq(batch_recompress(text_slice(&batch), COMPRESS_LZ4, DECODED_MAX, NULL, NULL, &out),
             BATCH_E_CRC);
    check_eq(
        batch_recompress(slice_of(batch.data, 20), COMPRESS_LZ4, DECODED_MAX, NULL, NULL, &out),
        BATCH_E_SHORT);
    check_eq(out.size, 0);
    text_fini(&out);
    text_fini(&batch);
}
