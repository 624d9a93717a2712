/* SPDX-License-Identifier: Apache-2.0 */

/* From messages of formats 0 and 1 to batches, and back. */

#include "test/harness/check.h"
#include "wire/bytes.h"
#include "wire/old_message.h"

#include <zlib.h>

#define TIME INT64_C(1700000000000)

enum { RECORDS_MAX = 30, POOL_SIZE = 400 };

/* --- sets by hand ----------------------------------------------------------- */

static void add_message(struct text *out, uint8_t magic, int64_t offset, int64_t timestamp,
                        const char *key, const char *value)
{
    const struct old_message message = {
        .offset = offset,
        .timestamp = timestamp,
        .magic = magic,
        .key = slice_text(key),
        .value = slice_text(value),
    };

    old_message_add(out, &message);
}

static void wrap(struct text *set, uint8_t magic, enum compress_codec codec, int64_t offset)
{
    struct old_message wrapper = {.offset = offset,
                                  .timestamp = TIME,
                                  .magic = magic,
                                  .attributes = (uint8_t)codec,
                                  .key = slice_null()};
    struct text packed = {.size = 0};

    check_ok(compress_encode(codec, text_slice(set), NULL, &packed));
    wrapper.value = text_slice(&packed);
    text_cut(set, 0);
    old_message_add(set, &wrapper);
    text_fini(&packed);
}

static int to_batch(const struct text *set, struct text *out)
{
    return old_to_batch(text_slice(set), NULL, out);
}

/* Nothing may be left of what failed. */
static int refusal_of(const struct text *set)
{
    struct text out = {.size = 0};
    int r = to_batch(set, &out);

    check(r == 0 || out.size == 0);
    text_fini(&out);
    return r;
}

static struct batch_header header_of(const struct text *batch)
{
    struct batch_header header;

    check_ok(batch_parse(text_slice(batch), &header));
    check_eq(header.size, batch->size);
    return header;
}

/* As a broker checks it. */
static int check_as_broker(const struct text *batch)
{
    const struct batch_rules rules = {
        .now_ms = TIME, .timestamp_before_max_ms = INT64_MAX, .timestamp_after_max_ms = INT64_MAX};
    struct batch_header header = header_of(batch);

    return batch_check(text_slice(batch), &header, &rules);
}

TEST(old_convert, a_set_becomes_one_batch)
{
    struct text set = {.size = 0};
    struct text batch = {.size = 0};
    struct batch_header header;

    add_message(&set, 1, 50, TIME, "a", "x");
    add_message(&set, 1, 3, TIME + 9, NULL, "y"); /* The offsets are the log's to give. */
    add_message(&set, 1, 3, TIME + 2, "c", NULL);
    check_ok(to_batch(&set, &batch));
    header = header_of(&batch);
    check_eq(header.base_offset, 0);
    check_eq(header.leader_epoch, -1);
    check_eq(header.attributes, 0);
    check_eq(header.record_count, 3);
    check_eq(header.base_timestamp, TIME);
    check_eq(header.max_timestamp, TIME + 9);
    check_eq(header.producer_id, -1);
    check_ok(check_as_broker(&batch));
    text_fini(&set);
    text_fini(&batch);
}

TEST(old_convert, format_0_has_no_time)
{
    struct text set = {.size = 0};
    struct text batch = {.size = 0};

    add_message(&set, 0, 0, TIME, "a", "x");
    check_ok(to_batch(&set, &batch));
    check_eq(header_of(&batch).base_timestamp, BATCH_NO_TIMESTAMP);
    check_eq(header_of(&batch).max_timestamp, BATCH_NO_TIMESTAMP);
    text_fini(&set);
    text_fini(&batch);
}

TEST(old_convert, a_wrapper_becomes_a_batch_with_its_codec)
{
    for (enum compress_codec codec = COMPRESS_GZIP; codec <= COMPRESS_LZ4; codec++)
        for (uint8_t magic = 0; magic <= OLD_MAGIC_MAX; magic++) {
            struct text set = {.size = 0};
            struct text batch = {.size = 0};

            add_message(&set, magic, 0, TIME, "a", "x");
            add_message(&set, magic, 1, TIME, "b", "y");
            wrap(&set, magic, codec, 1);
            check_ok(to_batch(&set, &batch));
            check_eq(header_of(&batch).attributes, codec);
            check_eq(header_of(&batch).record_count, 2);
            check_ok(check_as_broker(&batch));
            text_fini(&set);
            text_fini(&batch);
        }
}

TEST(old_convert, an_empty_set_is_no_batch)
{
    struct text none = {.size = 0};
    struct text out = {.size = 0};

    check_ok(to_batch(&none, &out));
    check_eq(out.size, 0);
}

TEST(old_convert, a_set_that_no_batch_could_hold_is_refused)
{
    struct text out = {.size = 0};

    check_eq(old_to_batch(slice_of("", ((size_t)1 << 30) + 1), NULL, &out), BATCH_E_NO_MEMORY);
    check_eq(out.size, 0);
}

TEST(old_convert, sets_of_two_formats_or_of_wrappers_beside_others_are_refused)
{
    struct text set = {.size = 0};
    struct text wrapper = {.size = 0};

    add_message(&wrapper, 1, 0, TIME, "a", "x");
    wrap(&wrapper, 1, COMPRESS_GZIP, 0);

    add_message(&set, 1, 0, TIME, "a", "x");
    check_eq(refusal_of(&set), 0);
    text_add(&set, wrapper.data, wrapper.size);
    check_eq(refusal_of(&set), BATCH_E_RECORD);
    text_cut(&set, 0);
    text_add(&set, wrapper.data, wrapper.size);
    check_eq(refusal_of(&set), 0);
    add_message(&set, 1, 0, TIME, "a", "x");
    check_eq(refusal_of(&set), BATCH_E_RECORD);
    text_cut(&set, wrapper.size);
    text_add(&set, wrapper.data, wrapper.size);
    check_eq(refusal_of(&set), BATCH_E_RECORD);
    text_cut(&set, 0);
    add_message(&set, 1, 0, TIME, "a", "x");
    add_message(&set, 0, 0, TIME, "a", "x");
    check_eq(refusal_of(&set), BATCH_E_RECORD);
    text_fini(&set);
    text_fini(&wrapper);
}

/* A batch of format 2 with one record, uncompressed or not. */
static void make_batch(struct text *out, enum compress_codec codec, uint16_t attributes)
{
    struct record_header header = {.key = slice_text("h"), .value = slice_text("x")};
    struct batch_builder builder;

    batch_builder_init(&builder);
    builder.attributes = attributes;
    batch_builder_add(&builder, TIME, slice_text("a"), slice_text("x"), &header, 1);
    batch_builder_add(&builder, TIME + 7, slice_null(), slice_null(), NULL, 0);
    check_ok(batch_builder_finish(&builder, codec, 100, 0, out));
    batch_builder_fini(&builder);
}

TEST(old_convert, a_set_with_a_batch_in_it_is_refused)
{
    struct text set = {.size = 0};

    add_message(&set, 1, 0, TIME, "a", "x");
    make_batch(&set, COMPRESS_NONE, 0);
    check_eq(refusal_of(&set), BATCH_E_RECORD);
    text_fini(&set);
}

TEST(old_convert, a_set_that_is_cut_is_refused)
{
    struct text set = {.size = 0};
    size_t one;

    add_message(&set, 1, 0, TIME, "a", "x");
    one = set.size;
    add_message(&set, 1, 0, TIME, "a", "x");
    for (size_t there = 1; there < 2 * one; there++) {
        struct text part = {.size = 0};

        text_add(&part, set.data, there);
        check_eq(refusal_of(&part), there == one ? 0 : BATCH_E_SHORT);
        text_fini(&part);
    }
    text_fini(&set);
}

TEST(old_convert, a_wrapper_that_ends_inside_a_message_is_refused)
{
    struct text set = {.size = 0};

    add_message(&set, 1, 0, TIME, "a", "x");
    text_add(&set, "the next one", 12);
    wrap(&set, 1, COMPRESS_GZIP, 0);
    check_eq(refusal_of(&set), BATCH_E_RECORD);
    text_fini(&set);
}

TEST(old_convert, what_is_inside_must_be_good_too)
{
    struct text set = {.size = 0};

    add_message(&set, 1, 0, TIME, "a", "x");
    set.data[13] ^= 1;
    check_eq(refusal_of(&set), BATCH_E_CRC);
    wrap(&set, 1, COMPRESS_GZIP, 0);
    check_eq(refusal_of(&set), BATCH_E_CRC);
    text_fini(&set);
}

TEST(old_convert, times_before_1970_are_refused)
{
    struct text set = {.size = 0};

    add_message(&set, 1, 0, BATCH_NO_TIMESTAMP, "a", "x");
    check_eq(refusal_of(&set), 0);
    add_message(&set, 1, 0, -2, "a", "x");
    check_eq(refusal_of(&set), BATCH_E_TIMESTAMP);
    text_fini(&set);
}

/* --- back ------------------------------------------------------------------- */

static int from_batches(struct slice set, uint8_t magic, int64_t from, size_t size_max,
                        struct text *out)
{
    const struct old_wish wish = {.magic = magic, .from = from, .size_max = size_max};

    return old_from_batches(set, &wish, out);
}

TEST(old_convert, a_batch_becomes_messages)
{
    struct text batch = {.size = 0};
    struct text set = {.size = 0};
    struct text expected = {.size = 0};

    make_batch(&batch, COMPRESS_NONE, 0);
    check_ok(from_batches(text_slice(&batch), 1, 0, 1, &set));
    add_message(&expected, 1, 100, TIME, "a", "x");
    add_message(&expected, 1, 101, TIME + 7, NULL, NULL);
    check(slice_equal(text_slice(&set), text_slice(&expected)));

    text_cut(&set, 0);
    text_cut(&expected, 0);
    check_ok(from_batches(text_slice(&batch), 0, 101, 1, &set));
    add_message(&expected, 0, 101, 0, NULL, NULL);
    check(slice_equal(text_slice(&set), text_slice(&expected)));
    text_fini(&batch);
    text_fini(&set);
    text_fini(&expected);
}

TEST(old_convert, a_compressed_batch_becomes_one_wrapper)
{
    for (enum compress_codec codec = COMPRESS_GZIP; codec <= COMPRESS_LZ4; codec++)
        for (uint8_t magic = 0; magic <= OLD_MAGIC_MAX; magic++) {
            struct text batch = {.size = 0};
            struct text set = {.size = 0};
            struct text inside = {.size = 0};
            struct text expected = {.size = 0};
            struct old_message wrapper;

            make_batch(&batch, codec, 0);
            check_ok(from_batches(text_slice(&batch), magic, 101, 1, &set));
            check_ok(old_message_parse(text_slice(&set), &wrapper));
            check_eq(wrapper.size, set.size);
            check_eq(wrapper.offset, 101);
            check_eq(wrapper.timestamp, magic ? TIME + 7 : BATCH_NO_TIMESTAMP);
            check_eq(wrapper.attributes, codec);
            check(slice_is_null(wrapper.key));

            add_message(&expected, magic, magic ? 0 : 100, TIME, "a", "x");
            add_message(&expected, magic, magic ? 1 : 101, TIME + 7, NULL, NULL);
            if (codec == COMPRESS_LZ4 && magic == 0) {
                uint8_t *frame = (uint8_t *)(uintptr_t)wrapper.value.data;

                check_eq(frame[6], 0x1a); /* As KIP-57 tells it. */
                check(compress_lz4_mark(frame, wrapper.value.size, false));
                check_eq(frame[6], 0x82);
            }
            check_ok(compress_decode(codec, wrapper.value, 1000, NULL, &inside));
            check(slice_equal(text_slice(&inside), text_slice(&expected)));
            text_fini(&batch);
            text_fini(&set);
            text_fini(&inside);
            text_fini(&expected);
        }
}

TEST(old_convert, append_time_is_told_in_format_1)
{
    struct text batch = {.size = 0};
    struct text set = {.size = 0};
    struct old_message message;

    make_batch(&batch, COMPRESS_NONE, 0);
    batch_set_append_time((uint8_t *)batch.data, batch.size, 777);
    check_ok(from_batches(text_slice(&batch), 1, 0, 1, &set));
    check_ok(old_message_parse(text_slice(&set), &message));
    check_eq(message.attributes, BATCH_IS_APPEND_TIME);
    check_eq(message.timestamp, 777);
    text_cut(&set, 0);
    check_ok(from_batches(text_slice(&batch), 0, 0, 1, &set));
    check_ok(old_message_parse(text_slice(&set), &message));
    check_eq(message.attributes, 0);

    text_cut(&set, 0);
    text_cut(&batch, 0);
    make_batch(&batch, COMPRESS_GZIP, 0);
    batch_set_append_time((uint8_t *)batch.data, batch.size, 777);
    check_ok(from_batches(text_slice(&batch), 1, 0, 1, &set));
    check_ok(old_message_parse(text_slice(&set), &message));
    check_eq(message.attributes, BATCH_IS_APPEND_TIME | COMPRESS_GZIP);
    check_eq(message.timestamp, 777);
    text_fini(&batch);
    text_fini(&set);
}

TEST(old_convert, zstd_is_refused_and_ends_what_is_before_it)
{
    struct text batches = {.size = 0};
    struct text set = {.size = 0};
    struct text plain = {.size = 0};

    make_batch(&batches, COMPRESS_ZSTD, 0);
    check_eq(from_batches(text_slice(&batches), 1, 0, 1000, &set), BATCH_E_CODEC);
    check_eq(set.size, 0);
    text_cut(&batches, 0);
    make_batch(&batches, COMPRESS_NONE, 0);
    check_ok(from_batches(text_slice(&batches), 1, 0, 1000, &plain));
    make_batch(&batches, COMPRESS_ZSTD, 0);
    make_batch(&batches, COMPRESS_NONE, 0);
    check_ok(from_batches(text_slice(&batches), 1, 0, 1000, &set));
    check(slice_equal(text_slice(&set), text_slice(&plain)));
    text_fini(&batches);
    text_fini(&set);
    text_fini(&plain);
}

TEST(old_convert, control_batches_and_a_cut_batch_are_left_out)
{
    struct text batches = {.size = 0};
    struct text set = {.size = 0};
    size_t one;

    make_batch(&batches, COMPRESS_NONE, BATCH_IS_CONTROL);
    check_ok(from_batches(text_slice(&batches), 1, 0, 1000, &set));
    check_eq(set.size, 0);
    make_batch(&batches, COMPRESS_NONE, 0);
    check_ok(from_batches(text_slice(&batches), 1, 0, 1000, &set));
    one = set.size;
    check(one > 0);
    make_batch(&batches, COMPRESS_NONE, 0);
    for (size_t cut = 1; cut <= batches.size / 3; cut++) {
        text_cut(&set, 0);
        check_ok(from_batches(slice_of(batches.data, batches.size - cut), 1, 0, 1000, &set));
        check_eq(set.size, one);
    }
    text_fini(&batches);
    text_fini(&set);
}

TEST(old_convert, no_batch_is_begun_behind_the_limit)
{
    struct text batches = {.size = 0};
    struct text set = {.size = 0};
    size_t one;

    for (int i = 0; i < 3; i++)
        make_batch(&batches, COMPRESS_NONE, 0);
    check_ok(from_batches(text_slice(&batches), 1, 0, 0, &set));
    one = set.size;
    text_cut(&set, 0);
    check_ok(from_batches(text_slice(&batches), 1, 0, one, &set));
    check_eq(set.size, one);
    check_ok(from_batches(text_slice(&batches), 1, 0, one + 1, &set)); /* Behind what is there. */
    check_eq(set.size, 3 * one);
    text_fini(&batches);
    text_fini(&set);
}

TEST(old_convert, what_is_no_batch_is_refused)
{
    struct text batches = {.size = 0};
    struct text set = {.size = 0};

    make_batch(&batches, COMPRESS_NONE, 0);
    batches.data[BATCH_HEADER_SIZE] ^= 0x40;
    check_eq(from_batches(text_slice(&batches), 1, 0, 1000, &set), BATCH_E_RECORD);
    check_eq(set.size, 0);
    text_cut(&batches, 0);
    add_message(&batches, 1, 0, TIME, "a", "x");
    check_eq(from_batches(text_slice(&batches), 1, 0, 1000, &set), BATCH_E_MAGIC);
    text_cut(&batches, 0);
    make_batch(&batches, COMPRESS_GZIP, 0);
    batches.data[BATCH_HEADER_SIZE] ^= 1;
    check_eq(from_batches(text_slice(&batches), 1, 0, 1000, &set), BATCH_E_COMPRESSED);
    check_eq(set.size, 0);
    text_fini(&batches);
    text_fini(&set);
}

/* Small records by the million: their messages take five times the space. */
TEST(old_convert, a_batch_becomes_no_more_than_is_allowed)
{
    struct batch_builder builder;
    struct text batch = {.size = 0};
    struct text set = {.size = 0};

    batch_builder_init(&builder);
    for (size_t i = 0; i < OLD_DECODED_MAX / 34 + 1; i++)
        batch_builder_add(&builder, TIME, slice_null(), slice_null(), NULL, 0);
    check_ok(batch_builder_finish(&builder, COMPRESS_LZ4, 0, 0, &batch));
    check_eq(from_batches(text_slice(&batch), 1, 0, 1, &set), BATCH_E_NO_MEMORY);
    batch_builder_fini(&builder);
    text_fini(&batch);
    text_fini(&set);
}

/* --- there and back again --------------------------------------------------- */

struct meant {
    int64_t timestamp;
    struct slice key, value;
};

static struct slice some_bytes(struct rng *rng, const uint8_t *pool)
{
    if (rng_chance(rng, 20))
        return slice_null();
    return slice_of(pool + rng_below(rng, POOL_SIZE / 2), rng_below(rng, POOL_SIZE / 2));
}

static size_t mean_some(struct rng *rng, uint8_t *pool, struct meant *out)
{
    size_t count = 1 + rng_below(rng, RECORDS_MAX);

    for (size_t i = 0; i < POOL_SIZE; i++)
        pool[i] = (uint8_t)rng_next(rng);
    for (size_t i = 0; i < count; i++) {
        out[i].timestamp = (int64_t)(rng_next(rng) >> (1 + rng_below(rng, 62)));
        out[i].key = some_bytes(rng, pool);
        out[i].value = some_bytes(rng, pool);
    }
    return count;
}

static void check_meant(const struct record *record, const struct meant *meant, uint8_t magic)
{
    check_eq(record->timestamp, magic == 0 ? BATCH_NO_TIMESTAMP : meant->timestamp);
    check(slice_equal(record->key, meant->key));
    check(slice_equal(record->value, meant->value));
}

static enum compress_codec some_codec(struct rng *rng)
{
    return (enum compress_codec)rng_below(rng, COMPRESS_ZSTD);
}

static void make_set(struct rng *rng, uint8_t magic, const struct meant *meant, size_t count,
                     struct text *out)
{
    enum compress_codec codec = some_codec(rng);

    for (size_t i = 0; i < count; i++) {
        const struct old_message message = {
            .offset = (int64_t)i,
            .timestamp = meant[i].timestamp,
            .magic = magic,
            .key = meant[i].key,
            .value = meant[i].value,
        };

        old_message_add(out, &message);
    }
    if (codec != COMPRESS_NONE)
        wrap(out, magic, codec, (int64_t)count - 1);
}

PROPERTY(old_convert, a_batch_says_what_the_messages_said, 300)
{
    uint8_t pool[POOL_SIZE];
    struct meant meant[RECORDS_MAX];
    size_t count = mean_some(rng, pool, meant);
    uint8_t magic = (uint8_t)rng_below(rng, 2);
    struct text set = {.size = 0};
    struct text batch = {.size = 0};
    struct text scratch = {.size = 0};
    struct batch_reader reader;
    struct record record;
    bool is_end;

    make_set(rng, magic, meant, count, &set);
    check_ok(to_batch(&set, &batch));
    check_ok(check_as_broker(&batch));
    check_ok(batch_reader_open(&reader, text_slice(&batch), &scratch, NULL, 1 << 20));
    check_eq(reader.header.record_count, count);
    for (size_t i = 0; i < count; i++) {
        check_ok(batch_reader_next(&reader, &record, &is_end));
        check_eq(record.offset, i);
        check_meant(&record, &meant[i], magic);
    }
    text_fini(&set);
    text_fini(&batch);
    text_fini(&scratch);
}

/* Batches as a log has them, with offsets that were compacted away. */
static void make_log(struct rng *rng, const struct meant *meant, size_t count, int64_t *offsets,
                     struct text *out)
{
    int64_t offset = (int64_t)(rng_next(rng) >> (2 + rng_below(rng, 60)));
    struct batch_builder builder;

    batch_builder_init(&builder);
    for (size_t i = 0; i < count; i++) {
        batch_builder_add(&builder, meant[i].timestamp, meant[i].key, meant[i].value, NULL, 0);
        offsets[i] = offset + builder.count - 1;
        if (i + 1 < count && !rng_chance(rng, 30))
            continue;
        check_ok(batch_builder_finish(&builder, some_codec(rng), offset, 0, out));
        offset = offsets[i] + 1 + (int64_t)rng_below(rng, 5);
    }
    batch_builder_fini(&builder);
}

/* All of the records from `from` on; before them, those that a wrapper has besides. */
static void check_messages(struct slice set, uint8_t magic, int64_t from, const struct meant *meant,
                           const int64_t *offsets, size_t count)
{
    struct text scratch = {.size = 0};
    struct old_reader reader;
    struct record record;
    bool is_end = false;
    size_t at = 0;

    old_reader_init(&reader, set, &scratch, NULL);
    for (;;) {
        check_ok(old_reader_next(&reader, &record, &is_end));
        if (is_end)
            break;
        while (at < count && offsets[at] < record.offset && offsets[at] < from)
            at++;
        check(at < count);
        check_eq(record.offset, offsets[at]);
        check_meant(&record, &meant[at++], magic);
    }
    check_eq(at, count);
    check_eq(reader.rest.size, 0);
    check(!reader.has_cut_wrapper);
    text_fini(&scratch);
}

PROPERTY(old_convert, messages_say_what_the_batches_said, 300)
{
    uint8_t pool[POOL_SIZE];
    struct meant meant[RECORDS_MAX];
    int64_t offsets[RECORDS_MAX];
    size_t count = mean_some(rng, pool, meant);
    uint8_t magic = (uint8_t)rng_below(rng, 2);
    struct text batches = {.size = 0};
    struct text set = {.size = 0};
    int64_t from;

    make_log(rng, meant, count, offsets, &batches);
    from = offsets[rng_below(rng, count)];
    check_ok(from_batches(text_slice(&batches), magic, from, SIZE_MAX, &set));
    check_messages(text_slice(&set), magic, from, meant, offsets, count);
    text_fini(&batches);
    text_fini(&set);
}

/* --- anything --------------------------------------------------------------- */

/* Makes the checksums of a set right. */
static void mend(uint8_t *p, size_t size)
{
    while (size >= 26) {
        int32_t length = bytes_load_i32(p + 8);

        if (length < 14 || (size_t)length > size - 12)
            break;
        bytes_store_u32(p + 12, (uint32_t)crc32_z(0, p + 16, (size_t)length - 4));
        size -= 12 + (size_t)length;
        p += 12 + (size_t)length;
    }
}

/* What is taken as a set makes a batch that a broker takes, and messages again.  The first
 * byte chooses the codec of a wrapper around it, and its format. */
FUZZ(old_convert, any_set)
{
    struct text set = {.size = 0};
    struct text batch = {.size = 0};
    struct text again = {.size = 0};

    if (!size)
        return;
    text_add(&set, data + 1, size - 1);
    mend((uint8_t *)set.data, set.size);
    if (data[0] & 3)
        wrap(&set, data[0] >> 2 & 1, (enum compress_codec)(data[0] & 3), data[0] >> 3);
    if (to_batch(&set, &batch) == 0 && batch.size) {
        check_ok(check_as_broker(&batch));
        check_ok(from_batches(text_slice(&batch), 1, 0, SIZE_MAX, &again));
        text_cut(&batch, 0);
        check_ok(to_batch(&again, &batch));
        check_ok(check_as_broker(&batch));
    }
    text_fini(&set);
    text_fini(&batch);
    text_fini(&again);
}

/* The first byte chooses the format and where to begin. */
FUZZ(old_convert, any_batches)
{
    struct text set = {.size = 0};
    uint8_t magic;

    if (!size)
        return;
    magic = data[0] & 1;
    if (from_batches(slice_of(data + 1, size - 1), magic, data[0] >> 1, 1 << 16, &set) == 0) {
        struct text scratch = {.size = 0};
        struct old_reader reader;
        struct record record;
        bool is_end = false;

        int r = 0;

        old_reader_init(&reader, text_slice(&set), &scratch, NULL);
        while (r == 0 && !is_end)
            r = old_reader_next(&reader, &record, &is_end);
        check(r == BATCH_E_RECORD || reader.rest.size == 0); /* Offsets that no log has. */
        check(r == BATCH_E_RECORD || r == 0);
        text_fini(&scratch);
    }
    text_fini(&set);
}
