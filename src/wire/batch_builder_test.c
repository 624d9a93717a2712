/* SPDX-License-Identifier: Apache-2.0 */

/* What the builder writes, the reader reads again. */

#include "base/mem.h"
#include "test/harness/check.h"
#include "wire/batch.h"

enum { RECORDS_MAX = 60, HEADERS_MAX = 4, BIG_MAX = 200000, POOL_SIZE = BIG_MAX + 256 };

/* A record as it was meant.  Its bytes are in the pool. */
struct meant {
    int64_t timestamp;
    struct slice key, value;
    struct record_header headers[HEADERS_MAX];
    size_t header_count;
};

/* Null, empty, short or (seldom) big. */
static struct slice some_bytes(struct rng *rng, const uint8_t *pool, bool may_be_null)
{
    size_t length = rng_chance(rng, 2) ? rng_below(rng, BIG_MAX) : rng_below(rng, 40);

    if (may_be_null && rng_chance(rng, 15))
        return slice_null();
    return slice_of(pool + rng_below(rng, 256), rng_chance(rng, 10) ? 0 : length);
}

static void mean(struct rng *rng, const uint8_t *pool, struct meant *out)
{
    out->timestamp = (int64_t)(rng_next(rng) >> rng_below(rng, 64));
    out->key = some_bytes(rng, pool, true);
    out->value = some_bytes(rng, pool, true);
    out->header_count = rng_chance(rng, 60) ? 0 : rng_below(rng, HEADERS_MAX + 1);
    for (size_t i = 0; i < out->header_count; i++)
        out->headers[i] = (struct record_header){.key = some_bytes(rng, pool, false),
                                                 .value = some_bytes(rng, pool, true)};
}

static void check_record(const struct record *record, const struct meant *meant)
{
    struct slice headers = record->headers;

    check_eq(record->timestamp, meant->timestamp);
    check(slice_equal(record->key, meant->key));
    check(slice_equal(record->value, meant->value));
    check_eq(record->header_count, meant->header_count);
    for (size_t i = 0; i < meant->header_count; i++) {
        struct record_header header;

        check_ok(record_next_header(&headers, &header));
        check(slice_equal(header.key, meant->headers[i].key));
        check(slice_equal(header.value, meant->headers[i].value));
    }
    check_eq(headers.size, 0);
}

static void check_batch(struct slice batch, const struct meant *all, int32_t count,
                        enum compress_codec codec)
{
    struct text scratch = {.size = 0};
    struct batch_reader reader;
    struct record record;
    int64_t latest = all[0].timestamp;
    bool is_end;

    check(batch_crc_is_good(batch));
    check_ok(batch_reader_open(&reader, batch, &scratch, NULL, 1 << 30));
    check_eq(reader.header.size, batch.size);
    check_eq(batch_codec(&reader.header), codec);
    check_eq(reader.header.base_offset, 70);
    check_eq(reader.header.leader_epoch, -1);
    check_eq(reader.header.producer_id, 5);
    check_eq(reader.header.base_timestamp, all[0].timestamp);
    check_eq(batch_last_offset(&reader.header), 70 + count - 1);
    for (int32_t i = 0; i < count; i++) {
        check_ok(batch_reader_next(&reader, &record, &is_end));
        check(!is_end);
        check_eq(record.offset, 70 + i);
        check_record(&record, &all[i]);
        latest = max_of(latest, all[i].timestamp);
    }
    check_ok(batch_reader_next(&reader, &record, &is_end));
    check(is_end);
    check_eq(reader.header.max_timestamp, latest);
    text_fini(&scratch);
}

PROPERTY(batch_builder, what_is_built_is_read_again, 40)
{
    scoped(mem_freep_any) uint8_t *pool = mem_new(POOL_SIZE);
    enum compress_codec codec = (enum compress_codec)rng_below(rng, COMPRESS_CODEC_COUNT);
    struct meant all[RECORDS_MAX];
    struct batch_builder builder;
    struct text out = {.size = 0};

    for (size_t i = 0; i < POOL_SIZE; i++)
        pool[i] = rng_chance(rng, 50) ? 'a' : (uint8_t)rng_next(rng);
    batch_builder_init(&builder);
    builder.producer_id = 5;
    text_add(&out, "front", 5); /* It is added behind what is there. */
    for (int round = 0; round < 2; round++) {
        int32_t count = (int32_t)rng_between(rng, 1, RECORDS_MAX);
        size_t start = out.size;

        for (int32_t i = 0; i < count; i++) {
            mean(rng, pool, &all[i]);
            batch_builder_add(&builder, all[i].timestamp, all[i].key, all[i].value, all[i].headers,
                              all[i].header_count);
        }
        check_ok(batch_builder_finish(&builder, codec, 70, -1, &out));
        check_eq(batch_builder_size(&builder), BATCH_HEADER_SIZE);
        check_batch(slice_of(out.data + start, out.size - start), all, count, codec);
    }
    batch_builder_fini(&builder);
    text_fini(&out);
}

TEST(batch_builder, the_size_is_that_of_the_batch_without_compression)
{
    struct batch_builder builder;
    struct text out = {.size = 0};
    size_t before;

    batch_builder_init(&builder);
    batch_builder_add(&builder, 1, slice_null(), slice_text("some value"), NULL, 0);
    batch_builder_add(&builder, -500, slice_text("key"), slice_null(), NULL, 0);
    before = batch_builder_size(&builder);
    check_ok(batch_builder_finish(&builder, COMPRESS_NONE, 0, 3, &out));
    check_eq(out.size, before);
    batch_builder_fini(&builder);
    text_fini(&out);
}

TEST(batch_builder, what_the_codec_cannot_take_is_left_as_it_was)
{
    struct text out = {.size = 0};
    struct batch_builder builder;
    size_t records;

    batch_builder_init(&builder);
    batch_builder_add(&builder, 5, slice_null(), slice_text("x"), NULL, 0);
    records = builder.records.size;
    builder.records.size = ((size_t)1 << 30) + 1; /* Nobody will read them. */
    text_add(&out, "before", 6);
    check_eq(batch_builder_finish(&builder, COMPRESS_GZIP, 0, 0, &out), BATCH_E_COMPRESSED);
    check_eq(out.size, 6);
    builder.records.size = records;
    check_ok(batch_builder_finish(&builder, COMPRESS_GZIP, 0, 0, &out));
    batch_builder_fini(&builder);
    text_fini(&out);
}
