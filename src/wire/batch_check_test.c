/* SPDX-License-Identifier: Apache-2.0 */

/* The cases named "kafka takes" and "kafka refuses" were tried with Apache Kafka 4.3.1. */

#include "base/mem.h"
#include "test/harness/check.h"
#include "wire/batch.h"
#include "wire/batch_internal.h"
#include "wire/varint.h"

enum { NOW = 1700000000, HOUR = 3600000 };

static const struct batch_rules kafkas_rules = {
    .now_ms = NOW,
    .timestamp_before_max_ms = INT64_MAX,
    .timestamp_after_max_ms = HOUR,
};

/* --- batches made by hand --------------------------------------------------- */

/* What is put together: records as bytes, and a header that may say anything. */
struct draft {
    struct text records;
    struct batch_header header;
    enum compress_codec codec;
    struct batch_rules rules;
};

static struct draft draft_of(enum compress_codec codec)
{
    return (struct draft){
        .header = {.leader_epoch = -1,
                   .base_timestamp = NOW,
                   .max_timestamp = NOW,
                   .producer_id = -1,
                   .producer_epoch = -1,
                   .base_sequence = -1,
                   .last_offset_delta = -1},
        .codec = codec,
        .rules = kafkas_rules,
    };
}

static void add_number(struct text *out, int64_t value)
{
    uint8_t bytes[VARINT_SIZE_MAX];

    text_add(out, bytes, varint_encode_signed(value, bytes));
}

/* Adds a record with this body, and counts it in the header. */
static void draft_body(struct draft *draft, struct slice body, int64_t length)
{
    add_number(&draft->records, length);
    text_add(&draft->records, body.data, body.size);
    draft->header.record_count++;
    draft->header.last_offset_delta++;
}

/* Adds the record: key "k", value "v", no headers. */
static void draft_record(struct draft *draft, int64_t time_delta, int32_t offset_delta)
{
    struct text body = {.size = 0};

    text_add(&body, "", 1);
    add_number(&body, time_delta);
    add_number(&body, offset_delta);
    text_add(&body, "\2k\2v\0", 5);
    draft_body(draft, text_slice(&body), (int64_t)body.size);
    text_fini(&body);
}

static void draft_records(struct draft *draft, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        draft_record(draft, i, i);
}

/* Makes the batch, with `packed` for its records. */
static void seal(const struct draft *draft, struct slice packed, struct text *out)
{
    struct batch_header header = draft->header;

    (void)text_add_space(out, BATCH_HEADER_SIZE);
    text_add(out, packed.data, packed.size);
    header.attributes |= (uint16_t)draft->codec;
    header.size = out->size;
    batch_write_header((uint8_t *)out->data, &header);
}

struct counter {
    struct batch_faults faults;
    int count;
};

static void count(struct batch_faults *faults, const struct batch_fault *fault)
{
    check(fault->kind >= BATCH_FAULT_NO_KEY && fault->kind <= BATCH_FAULT_APPEND_TIME);
    container_of(faults, struct counter, faults)->count++;
}

/* The records at fault are those that a batch was refused for. */
static void check_faults(const struct batch_rules *rules, struct slice bytes, int verdict)
{
    struct counter counter = {.faults = {.tell = count}};
    int r = batch_find_faults(bytes, rules, &counter.faults);

    if (verdict == 0)
        check(r == 0 && counter.count == 0);
    else if (verdict == BATCH_E_TIMESTAMP)
        check(r || counter.count > 0);
    else if (verdict != BATCH_E_RECORD)
        check_eq(r, verdict);
}

static int verdict_of_bytes(const struct batch_rules *rules, struct slice bytes,
                            struct batch_header *out)
{
    int r;

    check_ok(batch_parse(bytes, out));
    r = batch_check(bytes, out, rules);
    check_faults(rules, bytes, r);
    return r;
}

/* What batch_check() says about compressed records; ends the draft. */
static int verdict_of_packed(struct draft *draft, struct slice packed)
{
    struct text batch = {.size = 0};
    struct batch_header header;
    int r;

    seal(draft, packed, &batch);
    r = verdict_of_bytes(&draft->rules, text_slice(&batch), &header);
    text_fini(&batch);
    text_fini(&draft->records);
    return r;
}

static int verdict(struct draft *draft)
{
    struct text packed = {.size = 0};
    int r;

    check_ok(compress_encode(draft->codec, text_slice(&draft->records), NULL, &packed));
    r = verdict_of_packed(draft, text_slice(&packed));
    text_fini(&packed);
    return r;
}

/* For a test that is true of plain and of compressed batches. */
#define each_codec(codec)                                                                          \
    enum compress_codec codec = COMPRESS_NONE;                                                     \
    codec < COMPRESS_CODEC_COUNT;                                                                  \
    codec++

/* --- header ----------------------------------------------------------------- */

/* A batch of three records with the header changed by `change`. */
static int verdict_changed(enum compress_codec codec, void (*change)(struct draft *draft))
{
    struct draft draft = draft_of(codec);

    draft_records(&draft, 3);
    change(&draft);
    return verdict(&draft);
}

static void change_nothing(struct draft *d)
{
    (void)d;
}

static void change_base_offset(struct draft *d)
{
    d->header.base_offset = 55;
}

static void change_to_fewer(struct draft *d)
{
    d->header.record_count = 2;
    d->header.last_offset_delta = 1;
}

static void change_to_more(struct draft *d)
{
    d->header.record_count = 4;
    d->header.last_offset_delta = 3;
}

static void change_last_delta(struct draft *d)
{
    d->header.last_offset_delta = 5;
}

static void change_to_none(struct draft *d)
{
    d->header.record_count = 0;
    d->header.last_offset_delta = -1;
}

static void change_to_control(struct draft *d)
{
    d->header.attributes = BATCH_IS_CONTROL;
}

static void change_to_transactional(struct draft *d)
{
    d->header.attributes = BATCH_IS_TRANSACTIONAL;
}

static void change_to_append_time(struct draft *d)
{
    d->header.attributes = BATCH_IS_APPEND_TIME;
}

static void change_to_append_time_topic(struct draft *d)
{
    d->header.attributes = BATCH_IS_APPEND_TIME;
    d->rules.is_append_time = true;
}

static void change_odd_bits(struct draft *d)
{
    d->header.attributes = 0x4080 | BATCH_HAS_DELETE_HORIZON;
}

static void change_epoch_and_sequence(struct draft *d)
{
    d->header.leader_epoch = 77;
    d->header.producer_epoch = 7;
    d->header.base_sequence = 7;
}

static void change_producer(struct draft *d)
{
    d->header.attributes = BATCH_IS_TRANSACTIONAL;
    d->header.producer_id = 5;
    d->header.producer_epoch = 0;
    d->header.base_sequence = 0;
}

static void change_no_sequence(struct draft *d)
{
    change_producer(d);
    d->header.base_sequence = -1;
}

static void change_no_epoch(struct draft *d)
{
    change_producer(d);
    d->header.producer_epoch = -1;
}

static void change_producer_minus_2(struct draft *d)
{
    d->header.producer_id = -2;
}

TEST(batch_check, headers_are_taken_or_refused)
{
    for (each_codec(codec)) {
        check_ok(verdict_changed(codec, change_nothing));
        check_ok(verdict_changed(codec, change_odd_bits));
        check_ok(verdict_changed(codec, change_epoch_and_sequence));
        check_ok(verdict_changed(codec, change_producer));
        check_eq(verdict_changed(codec, change_base_offset), BATCH_E_RECORD);
        check_eq(verdict_changed(codec, change_to_fewer), BATCH_E_RECORD);
        check_eq(verdict_changed(codec, change_to_more), BATCH_E_RECORD);
        check_eq(verdict_changed(codec, change_last_delta), BATCH_E_RECORD);
        check_eq(verdict_changed(codec, change_to_none), BATCH_E_RECORD);
        check_eq(verdict_changed(codec, change_to_control), BATCH_E_RECORD);
        check_eq(verdict_changed(codec, change_to_transactional), BATCH_E_RECORD);
        check_eq(verdict_changed(codec, change_no_sequence), BATCH_E_RECORD);
        check_eq(verdict_changed(codec, change_no_epoch), BATCH_E_RECORD);
        check_eq(verdict_changed(codec, change_producer_minus_2), BATCH_E_RECORD);
        check_eq(verdict_changed(codec, change_to_append_time), BATCH_E_TIMESTAMP);
        check_eq(verdict_changed(codec, change_to_append_time_topic), BATCH_E_TIMESTAMP);
    }
}

TEST(batch_check, codecs_that_are_none_are_refused)
{
    for (uint16_t codec = COMPRESS_CODEC_COUNT; codec <= BATCH_CODEC_MASK; codec++) {
        struct draft draft = draft_of(COMPRESS_NONE);

        draft_records(&draft, 1);
        draft.header.attributes = codec;
        check_eq(verdict(&draft), BATCH_E_CODEC);
    }
}

TEST(batch_check, an_empty_batch_is_refused)
{
    struct draft draft = draft_of(COMPRESS_NONE);

    check_eq(verdict_of_packed(&draft, slice_empty()), BATCH_E_RECORD);
}

TEST(batch_check, a_batch_without_the_records_that_it_counts_is_refused)
{
    for (each_codec(codec)) {
        struct draft draft = draft_of(codec);
        int expected = codec == COMPRESS_NONE ? BATCH_E_RECORD : BATCH_E_COMPRESSED;

        draft.header.record_count = 3;
        draft.header.last_offset_delta = 2;
        check_eq(verdict_of_packed(&draft, slice_empty()), expected);
    }
}

TEST(batch_check, a_batch_that_is_cut_off_or_followed_by_bytes_is_refused)
{
    struct draft draft = draft_of(COMPRESS_NONE);
    struct text batch = {.size = 0};
    struct batch_header header;

    draft_records(&draft, 2);
    seal(&draft, text_slice(&draft.records), &batch);
    check_ok(verdict_of_bytes(&draft.rules, text_slice(&batch), &header));
    check_eq(verdict_of_bytes(&draft.rules, slice_of(batch.data, batch.size - 1), &header),
             BATCH_E_SHORT);
    text_add(&batch, "x", 1);
    check_eq(verdict_of_bytes(&draft.rules, text_slice(&batch), &header), BATCH_E_MALFORMED);
    text_fini(&batch);
    text_fini(&draft.records);
}

/* --- time ------------------------------------------------------------------- */

static int verdict_of_times(enum compress_codec codec, int64_t base, int64_t delta,
                            const struct batch_rules *rules)
{
    struct draft draft = draft_of(codec);

    draft.header.base_timestamp = base;
    draft.rules = *rules;
    draft_record(&draft, 0, 0);
    draft_record(&draft, delta, 1);
    return verdict(&draft);
}

TEST(batch_check, the_time_of_every_record_is_compared_with_the_bounds)
{
    struct batch_rules narrow = kafkas_rules;
    struct batch_rules appends = kafkas_rules;

    narrow.timestamp_before_max_ms = 1000;
    appends.is_append_time = true;
    for (each_codec(codec)) {
        check_ok(verdict_of_times(codec, NOW, HOUR, &kafkas_rules));
        check_eq(verdict_of_times(codec, NOW, HOUR + 1, &kafkas_rules), BATCH_E_TIMESTAMP);
        check_eq(verdict_of_times(codec, NOW + HOUR + 1, -1, &kafkas_rules), BATCH_E_TIMESTAMP);
        check_ok(verdict_of_times(codec, NOW, HOUR + 1, &appends));
        check_ok(verdict_of_times(codec, NOW, -1000, &narrow));
        check_eq(verdict_of_times(codec, NOW, -1001, &narrow), BATCH_E_TIMESTAMP);
    }
}

TEST(batch_check, no_time_and_times_before_1970_are_taken)
{
    struct batch_rules narrow = kafkas_rules;

    narrow.timestamp_before_max_ms = 1000;
    check_ok(verdict_of_times(COMPRESS_NONE, -1, 0, &narrow));
    check_ok(verdict_of_times(COMPRESS_NONE, NOW, -NOW - 1, &narrow));
    check_ok(verdict_of_times(COMPRESS_NONE, -5, 2, &kafkas_rules));
    check_eq(verdict_of_times(COMPRESS_NONE, INT64_MIN, 0, &kafkas_rules), BATCH_E_TIMESTAMP);
}

TEST(batch_check, a_wrong_largest_time_is_mended)
{
    static const int64_t claims[] = {NOW + 2, NOW + 1, NOW + 100000000, -1};

    for (each_codec(codec)) {
        for (size_t i = 0; i < COUNT_OF(claims); i++) {
            struct draft draft = draft_of(codec);
            struct text packed = {.size = 0};
            struct text batch = {.size = 0};
            struct batch_header header;

            draft_records(&draft, 3);
            draft.header.max_timestamp = claims[i];
            check_ok(compress_encode(codec, text_slice(&draft.records), NULL, &packed));
            seal(&draft, text_slice(&packed), &batch);
            check_ok(verdict_of_bytes(&draft.rules, text_slice(&batch), &header));
            check_eq(header.max_timestamp, NOW + 2);
            batch_set_max_timestamp((uint8_t *)batch.data, batch.size, header.max_timestamp);
            check_ok(verdict_of_bytes(&draft.rules, text_slice(&batch), &header));
            check_ok(batch_parse(text_slice(&batch), &header));
            check_eq(header.max_timestamp, NOW + 2);
            text_fini(&packed);
            text_fini(&batch);
            text_fini(&draft.records);
        }
    }
}

TEST(batch_check, a_refused_batch_keeps_its_header)
{
    struct draft draft = draft_of(COMPRESS_NONE);
    struct text batch = {.size = 0};
    struct batch_header header;

    draft_records(&draft, 2);
    draft_record(&draft, 0, 7);
    draft.header.max_timestamp = 12345;
    seal(&draft, text_slice(&draft.records), &batch);
    check_eq(verdict_of_bytes(&draft.rules, text_slice(&batch), &header), BATCH_E_RECORD);
    check_eq(header.max_timestamp, 12345);
    text_fini(&batch);
    text_fini(&draft.records);
}

/* --- records ---------------------------------------------------------------- */

TEST(batch_check, offset_deltas_count_from_0)
{
    static const int32_t wrong[][3] = {{0, 5, 7}, {1, 2, 3}, {2, 1, 0}, {0, 1, 1}, {0, 1, -2}};

    for (each_codec(codec)) {
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
            struct draft draft = draft_of(codec);

            for (int k = 0; k < 3; k++)
                draft_record(&draft, 0, wrong[i][k]);
            check_eq(verdict(&draft), BATCH_E_RECORD);
        }
    }
}

/* A batch with one record of this body between two good ones. */
static int verdict_of_body(enum compress_codec codec, struct slice body, int64_t length)
{
    struct draft draft = draft_of(codec);
    int r;

    draft_record(&draft, 0, 0);
    draft_body(&draft, body, length);
    draft_record(&draft, 0, 2);
    r = verdict(&draft);
    return r;
}

struct body {
    const char *about;
    const char *bytes; /* Attributes, time delta, offset delta (2 is 1), key ... */
    size_t size;
    int expected;
};

#define BODY(about, bytes, expected)                                                               \
    {                                                                                              \
        about, bytes, sizeof(bytes) - 1, expected                                                  \
    }

static const struct body bodies[] = {
    BODY("all empty", "\0\0\2\0\0\0", 0),
    BODY("key and value null", "\0\0\2\1\1\0", 0),
    BODY("attributes mean nothing", "\7\0\2\1\1\0", 0),
    BODY("a header", "\0\0\2\1\1\2\2h\2v", 0),
    BODY("a header without name and value", "\0\0\2\1\1\2\0\1", 0),
    BODY("time longer than needed", "\0\x80\x80\x80\x80\0\2\1\1\0", 0),
    BODY("offset longer than needed", "\0\0\x82\x80\x80\x80\0\1\1\0", 0),
    BODY("time of ten bytes", "\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\2\1\1\0", 0),
    BODY("nothing", "", BATCH_E_RECORD),
    BODY("attributes only", "\0", BATCH_E_RECORD),
    BODY("no key", "\0\0\2", BATCH_E_RECORD),
    BODY("no value", "\0\0\2\1", BATCH_E_RECORD),
    BODY("no header count", "\0\0\2\1\1", BATCH_E_RECORD),
    BODY("bytes behind", "\0\0\2\1\1\0x", BATCH_E_RECORD),
    BODY("header of a null name", "\0\0\2\1\1\2\1\1", BATCH_E_RECORD),
    BODY("header name of length -3", "\0\0\2\1\1\2\5\1", BATCH_E_RECORD),
    BODY("negative header count", "\0\0\2\1\1\1", BATCH_E_RECORD),
    BODY("more headers than bytes", "\0\0\2\1\1\x0a\0\0", BATCH_E_RECORD),
    BODY("fewer headers than counted", "\0\0\2\1\1\4\0\0", BATCH_E_RECORD),
    BODY("value beyond the record", "\0\0\2\1\x0ev\0", BATCH_E_RECORD),
    BODY("time of eleven bytes", "\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\2\1\1\0",
         BATCH_E_RECORD),
    BODY("offset of six bytes", "\0\0\x82\x80\x80\x80\x80\0\1\1\0", BATCH_E_RECORD),
    /* Kafka takes these four. */
    BODY("key of length -3", "\0\0\2\5\1\0", BATCH_E_RECORD),
    BODY("value of length -3", "\0\0\2\1\5\0", BATCH_E_RECORD),
    BODY("header value of length -3", "\0\0\2\1\1\2\0\5", BATCH_E_RECORD),
    BODY("offset of more than 32 bits", "\0\0\x82\x80\x80\x80\x70\1\1\0", BATCH_E_RECORD),
};

TEST(batch_check, fields_of_records_are_taken_or_refused)
{
    for (each_codec(codec))
        for (size_t i = 0; i < COUNT_OF(bodies); i++)
            check_eq(verdict_of_body(codec, slice_of(bodies[i].bytes, bodies[i].size),
                                     (int64_t)bodies[i].size),
                     bodies[i].expected);
}

/* Kafka takes those of compressed batches: it does not look at the length. */
TEST(batch_check, a_record_is_as_long_as_it_says)
{
    struct slice body = slice_of("\0\0\2\2k\2v\0", 8);

    for (each_codec(codec)) {
        check_ok(verdict_of_body(codec, body, 8));
        check_eq(verdict_of_body(codec, body, 7), BATCH_E_RECORD);
        check_eq(verdict_of_body(codec, body, 9), BATCH_E_RECORD);
        check_eq(verdict_of_body(codec, body, 60000), BATCH_E_RECORD);
        check_eq(verdict_of_body(codec, body, 0), BATCH_E_RECORD);
        check_eq(verdict_of_body(codec, body, -1), BATCH_E_RECORD);
        check_eq(verdict_of_body(codec, body, INT32_MAX), BATCH_E_RECORD);
        check_eq(verdict_of_body(codec, body, (int64_t)1 << 33), BATCH_E_RECORD);
    }
}

TEST(batch_check, nothing_may_stand_behind_the_records)
{
    for (each_codec(codec)) {
        struct draft draft = draft_of(codec);

        draft_records(&draft, 3);
        text_add(&draft.records, "", 1);
        check_eq(verdict(&draft), BATCH_E_RECORD);
    }
}

/* Numbers lie across the ends of the window that is decompressed into. */
TEST(batch_check, many_small_records_are_taken)
{
    for (each_codec(codec)) {
        struct draft draft = draft_of(codec);

        for (int32_t i = 0; i < 30000; i++)
            draft_record(&draft, i % 3 * 1000, i);
        check(draft.records.size > 300000);
        check_ok(verdict(&draft));
    }
}

/* The frame has an empty block in front: Kafka refuses it, liblz4 does not. */
TEST(batch_check, what_only_some_clients_can_decompress_is_refused)
{
    static const char before[] = "\x04\x22\x4d\x18\x60\x40\x82";
    static const char empty_block[] = "\0\0\0\x80";

    for (int has_empty = 0; has_empty < 2; has_empty++) {
        struct draft draft = draft_of(COMPRESS_LZ4);
        struct text packed = {.size = 0};

        draft_record(&draft, 0, 0);
        text_add(&packed, before, 7);
        text_add(&packed, empty_block, has_empty ? 4 : 0);
        text_add(&packed, "\x09\0\0\x80", 4);
        check_eq(draft.records.size, 9);
        text_add(&packed, draft.records.data, draft.records.size);
        text_add(&packed, "\0\0\0\0", 4);
        check_eq(verdict_of_packed(&draft, text_slice(&packed)),
                 has_empty ? BATCH_E_COMPRESSED : 0);
        text_fini(&packed);
    }
}

TEST(batch_check, compacted_topics_need_keys)
{
    struct slice no_key = slice_of("\0\0\0\1\1\0", 6);
    struct slice empty_key = slice_of("\0\0\0\0\1\0", 6);

    for (each_codec(codec)) {
        for (int needs_keys = 0; needs_keys < 2; needs_keys++) {
            struct draft without = draft_of(codec);
            struct draft with = draft_of(codec);

            without.rules.needs_keys = with.rules.needs_keys = needs_keys;
            draft_body(&without, no_key, 6);
            draft_body(&with, empty_key, 6);
            check_eq(verdict(&without), needs_keys ? BATCH_E_RECORD : 0);
            check_ok(verdict(&with));
        }
    }
}

/* As max.decompressed.message.bytes of Kafka 4.4. */
TEST(batch_check, the_size_of_compressed_records_can_be_bounded)
{
    for (each_codec(codec)) {
        for (int32_t max = 7; max <= 8; max++) {
            struct draft draft = draft_of(codec);

            draft_records(&draft, 2); /* Of 8 bytes each. */
            draft.rules.record_max = max;
            check_eq(verdict(&draft), max < 8 && codec != COMPRESS_NONE ? BATCH_E_RECORD : 0);
        }
    }
}

/* One record of zeros, this large with its length and fields. */
static int verdict_of_zeros(enum compress_codec codec, size_t total)
{
    struct draft draft = draft_of(codec);
    struct text body = {.size = 0};
    size_t length = total - 4; /* Which the length of the record takes. */

    text_add(&body, "\0\0\0\1", 4);
    add_number(&body, (int64_t)length - 9);
    (void)memset(text_add_space(&body, length - 9), 0, length - 9);
    text_add(&body, "\0", 1);
    check_eq(body.size, length);
    draft_body(&draft, text_slice(&body), (int64_t)length);
    text_fini(&body);
    check_eq(draft.records.size, total);
    return verdict(&draft);
}

TEST(batch_check, records_that_become_too_much_are_refused)
{
    check_ok(verdict_of_zeros(COMPRESS_ZSTD, BATCH_DECODED_MIN));
    check_eq(verdict_of_zeros(COMPRESS_ZSTD, BATCH_DECODED_MIN + 1), BATCH_E_NO_MEMORY);
    check_ok(verdict_of_zeros(COMPRESS_SNAPPY, BATCH_DECODED_MIN + 1));
}

/* --- any batch -------------------------------------------------------------- */

/* Builds a batch that is good, sometimes larger than the window. */
static void build(struct rng *rng, enum compress_codec codec, struct text *out)
{
    struct batch_builder builder;
    struct text pool = {.size = 0};
    int count = (int)rng_between(rng, 1, 200);
    size_t value_max = rng_chance(rng, 10) ? 100000 : 300;

    for (size_t i = 0; i < value_max; i++)
        text_add(&pool, rng_chance(rng, 70) ? "a" : (char *)&(char){(char)rng_next(rng)}, 1);
    batch_builder_init(&builder);
    for (int i = 0; i < count; i++) {
        struct record_header header = {.key = slice_text("name"),
                                       .value = slice_of(pool.data, rng_below(rng, 20))};

        batch_builder_add(
            &builder, NOW - rng_between(rng, -HOUR, HOUR), slice_of(pool.data, rng_below(rng, 10)),
            slice_of(pool.data, rng_below(rng, value_max)), &header, rng_below(rng, 2));
        if (builder.records.size > 500000)
            break;
    }
    check_ok(batch_builder_finish(&builder, codec, 0, -1, out));
    batch_builder_fini(&builder);
    text_fini(&pool);
}

PROPERTY(batch_check, what_is_built_is_taken, 100)
{
    enum compress_codec codec = (enum compress_codec)rng_below(rng, COMPRESS_CODEC_COUNT);
    struct text batch = {.size = 0};
    struct batch_header header;
    int64_t latest;

    build(rng, codec, &batch);
    check_ok(batch_parse(text_slice(&batch), &header));
    latest = header.max_timestamp;
    check_ok(batch_check(text_slice(&batch), &header, &kafkas_rules));
    check_eq(header.max_timestamp, latest);
    text_fini(&batch);
}

PROPERTY(batch_check, a_changed_byte_is_noticed_or_outside_of_the_checksum, 300)
{
    struct text batch = {.size = 0};
    struct batch_header header;
    size_t at;

    build(rng, (enum compress_codec)rng_below(rng, COMPRESS_CODEC_COUNT), &batch);
    at = rng_chance(rng, 30) ? rng_below(rng, BATCH_HEADER_SIZE) : rng_below(rng, batch.size);
    batch.data[at] ^= (char)(1 + rng_below(rng, 255));
    if (batch_parse(text_slice(&batch), &header) ||
        batch_check(text_slice(&batch), &header, &kafkas_rules)) {
        check(at < BATCH_EPOCH_AT || at >= BATCH_AT_MAGIC);
    } else {
        check(at >= BATCH_EPOCH_AT && at < BATCH_AT_MAGIC);
    }
    text_fini(&batch);
}

/* What is taken, the reader can read. */
static void check_readable(struct slice batch)
{
    struct text scratch = {.size = 0};
    struct batch_reader reader;
    struct record record;
    bool is_end = false;

    check_ok(batch_reader_open(&reader, batch, &scratch, NULL, BATCH_DECODED_MIN));
    while (!is_end)
        check_ok(batch_reader_next(&reader, &record, &is_end));
    text_fini(&scratch);
}

PROPERTY(batch_check, what_is_taken_can_be_read, 3000)
{
    enum compress_codec codec = (enum compress_codec)rng_below(rng, COMPRESS_CODEC_COUNT);
    struct draft draft = draft_of(codec);
    struct text packed = {.size = 0};
    struct text batch = {.size = 0};
    struct batch_header header;

    draft_records(&draft, 4);
    if (rng_chance(rng, 60))
        draft.records.data[rng_below(rng, draft.records.size)] = (char)rng_next(rng);
    check_ok(compress_encode(codec, text_slice(&draft.records), NULL, &packed));
    if (rng_chance(rng, 40))
        packed.data[rng_below(rng, packed.size)] = (char)rng_next(rng);
    seal(&draft, text_slice(&packed), &batch);
    if (!verdict_of_bytes(&draft.rules, text_slice(&batch), &header))
        check_readable(text_slice(&batch));
    text_fini(&packed);
    text_fini(&batch);
    text_fini(&draft.records);
}

/* The input is the header from the attributes on, and the records.  Length, magic and
 * checksum are made right, or nothing else would ever be looked at. */
FUZZ(batch_check, any_batch)
{
    struct text batch = {.size = 0};
    struct batch_header header;

    if (size < BATCH_HEADER_SIZE - BATCH_CRC_FROM)
        return;
    memset(text_add_space(&batch, BATCH_CRC_FROM), 0, BATCH_CRC_FROM);
    batch.data[BATCH_AT_MAGIC] = BATCH_MAGIC;
    batch.data[BATCH_AT_LENGTH + 3] = BATCH_HEADER_SIZE - BATCH_PREFIX_SIZE;
    text_add(&batch, data, size);
    check_ok(batch_parse(text_slice(&batch), &header));
    header.size = batch.size;
    batch_write_header((uint8_t *)batch.data, &header);
    if (!verdict_of_bytes(&kafkas_rules, text_slice(&batch), &header))
        check_readable(text_slice(&batch));
    text_fini(&batch);
}
