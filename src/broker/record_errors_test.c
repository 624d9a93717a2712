/* SPDX-License-Identifier: Apache-2.0 */

/* That the sentences are Kafka's is seen by test/compat/differential.py. */

#include "broker/record_errors.h"
#include "test/harness/check.h"
#include "wire/errors.h"

#include <stdio.h>

enum { NOW = 1700000000, HOUR = 3600000 };

/* Records are told to a batch by what they lack. */
enum { GOOD, NO_KEY, LATE, SOON };

struct fixture {
    struct arena arena;
    struct text batch;
    struct batch_rules rules;
    size_t room;
    struct produce_partition_produce_response result;
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){
        .rules = {.now_ms = NOW,
                  .timestamp_before_max_ms = HOUR,
                  .timestamp_after_max_ms = HOUR,
                  .needs_keys = true},
        .room = RECORD_ERRORS_MAX,
        .result = {.error_code = ERROR_INVALID_RECORD, .error_message = slice_null()},
    };
    arena_init(&f->arena, NULL);
}

static void close_fixture(struct fixture *f)
{
    text_fini(&f->batch);
    arena_reset(&f->arena);
}

static void build(struct fixture *f, enum compress_codec codec, const int *records, size_t count)
{
    static const int64_t times[] = {
        [GOOD] = NOW, [NO_KEY] = NOW, [LATE] = NOW - HOUR - 1, [SOON] = NOW + HOUR + 1};
    struct batch_builder builder;

    batch_builder_init(&builder);
    for (size_t i = 0; i < count; i++)
        batch_builder_add(&builder, times[records[i]],
                          records[i] == NO_KEY ? slice_null() : slice_text("key"), slice_text("v"),
                          NULL, 0);
    check_ok(batch_builder_finish(&builder, codec, 0, -1, &f->batch));
    batch_builder_fini(&builder);
}

/* What is told of the batch, which must have been refused for `outcome`. */
static void tell(struct fixture *f, int outcome)
{
    struct refused_batch refused = {
        .bytes = text_slice(&f->batch),
        .outcome = outcome,
        .rules = &f->rules,
        .topic = slice_text("orders"),
        .partition = 7,
    };
    struct batch_header header;

    if (batch_parse(refused.bytes, &header) == 0)
        check_eq(batch_check(refused.bytes, &header, &f->rules), outcome);
    record_errors_tell(&refused, &f->arena, &f->room, &f->result);
}

static void check_record(const struct fixture *f, int32_t at, int32_t index, const char *words)
{
    const struct produce_batch_index_and_error_message *told = &f->result.record_errors[at];

    check(at < f->result.record_errors_count);
    check_eq(told->batch_index, index);
    check(slice_is_text(told->batch_index_error_message, words));
}

#define NO_KEY_WORDS "Compacted topic cannot accept message without key in topic partition orders-7"

#define SHOWN(index) "RecordError(batchIndex=" #index ", message='" NO_KEY_WORDS "')"

/* For a test that is true of plain and of compressed batches. */
#define each_codec(codec)                                                                          \
    enum compress_codec codec = COMPRESS_NONE;                                                     \
    codec < COMPRESS_CODEC_COUNT;                                                                  \
    codec++

TEST(record_errors, records_without_a_key_are_named)
{
    static const int records[] = {GOOD, NO_KEY, GOOD, NO_KEY, NO_KEY, NO_KEY};

    for (each_codec(codec)) {
        struct fixture f;

        open_fixture(&f);
        build(&f, codec, records, 6);
        tell(&f, BATCH_E_RECORD);
        check_eq(f.result.error_code, ERROR_INVALID_RECORD);
        check_eq(f.result.record_errors_count, 4);
        check_record(&f, 0, 1, NO_KEY_WORDS);
        check_record(&f, 1, 3, NO_KEY_WORDS);
        check_record(&f, 3, 5, NO_KEY_WORDS);
        check(slice_is_text(f.result.error_message,
                            "One or more records have been rejected due to 4 record errors in "
                            "total, and only showing the first three errors at most: [" SHOWN(
                                1) ", " SHOWN(3) ", " SHOWN(4) "]"));
        close_fixture(&f);
    }
}

/* Whichever came first. */
TEST(record_errors, a_bad_time_is_what_the_batch_is_refused_for)
{
    static const int records[] = {NO_KEY, LATE, GOOD, SOON};

    for (each_codec(codec)) {
        struct fixture f;

        open_fixture(&f);
        build(&f, codec, records, 4);
        tell(&f, BATCH_E_RECORD);
        check_eq(f.result.error_code, ERROR_INVALID_TIMESTAMP);
        check_eq(f.result.record_errors_count, 3);
        check_record(&f, 0, 0, NO_KEY_WORDS);
        check_record(&f, 1, 1,
                     "Timestamp 1696399999 of message with offset 1 is out of range. The timestamp "
                     "should be within [1696400000, 1703600000]");
        check_record(&f, 2, 3,
                     "Timestamp 1703600001 of message with offset 3 is out of range. The timestamp "
                     "should be within [1696400000, 1703600000]");
        check(slice_is_text(f.result.error_message,
                            "One or more records have been rejected due to invalid timestamp"));
        close_fixture(&f);
    }
}

static void check_nothing_told(const struct fixture *f)
{
    check_eq(f->result.error_code, ERROR_INVALID_RECORD);
    check_eq(f->result.record_errors_count, 0);
    check(slice_is_null(f->result.error_message));
    check_eq(f->room, (size_t)RECORD_ERRORS_MAX);
}

TEST(record_errors, nothing_is_told_of_records_where_the_batch_is_none)
{
    static const int records[] = {LATE, GOOD};
    struct fixture f;

    open_fixture(&f);
    build(&f, COMPRESS_NONE, records, 2);
    f.batch.data[BATCH_HEADER_SIZE + 10]++; /* In the first record: the checksum is wrong. */
    f.result.error_code = ERROR_INVALID_RECORD;
    tell(&f, BATCH_E_CRC);
    check_nothing_told(&f);
    close_fixture(&f);
}

TEST(record_errors, a_record_that_cannot_be_read_counts_more_than_a_bad_time)
{
    static const int records[] = {LATE, GOOD};
    struct fixture f;
    size_t whole;

    open_fixture(&f);
    build(&f, COMPRESS_NONE, records, 2);
    whole = f.batch.size;
    f.batch.data[whole - 1] = 2; /* It says that it has a header. */
    batch_set_max_timestamp((uint8_t *)f.batch.data, whole, NOW + 1); /* And the checksum. */
    f.result.error_code = ERROR_INVALID_TIMESTAMP;
    tell(&f, BATCH_E_TIMESTAMP);
    check_nothing_told(&f);
    close_fixture(&f);
}

TEST(record_errors, who_claims_append_time_hears_of_every_record)
{
    static const int records[] = {GOOD, NO_KEY};

    for (each_codec(codec)) {
        struct fixture f;
        char words[200];

        open_fixture(&f);
        f.rules.needs_keys = false;
        build(&f, codec, records, 2);
        batch_set_append_time((uint8_t *)f.batch.data, f.batch.size, NOW);
        tell(&f, BATCH_E_TIMESTAMP);
        check_eq(f.result.error_code, ERROR_INVALID_TIMESTAMP);
        for (int i = 0; i < 2; i++) {
            (void)snprintf(words, sizeof(words),
                           "Invalid timestamp type in message %sDefaultRecord(offset=%d, "
                           "timestamp=1700000000, key=%d bytes, value=1 bytes). Producer should "
                           "not set timestamp type to LogAppendTime.",
                           codec ? "Partial" : "", i,
                           i == 0  ? 3
                           : codec ? -1
                                   : 0);
            check_record(&f, i, i, words);
        }
        close_fixture(&f);
    }
}

TEST(record_errors, no_more_records_are_named_than_there_is_room_for)
{
    static const int records[] = {NO_KEY, NO_KEY, NO_KEY, NO_KEY, NO_KEY};
    struct fixture f;

    open_fixture(&f);
    f.room = 2;
    build(&f, COMPRESS_NONE, records, 5);
    tell(&f, BATCH_E_RECORD);
    check_eq(f.result.record_errors_count, 2);
    check_eq(f.room, (size_t)0);
    check(slice_is_text(
        f.result.error_message,
        "One or more records have been rejected due to 5 record errors in total, "
        "and only showing the first three errors at most: [" SHOWN(0) ", " SHOWN(1) "]"));
    tell(&f, BATCH_E_RECORD); /* Of the next batch none, but how many. */
    check_eq(f.result.record_errors_count, 0);
    check(slice_is_text(f.result.error_message,
                        "One or more records have been rejected due to 5 record errors in total, "
                        "and only showing the first three errors at most: []"));
    close_fixture(&f);
}

/* A prefix of a batch with this length and format. */
static void check_prefix(const char *words, uint8_t last_of_length, uint8_t magic)
{
    uint8_t bytes[17] = {[11] = last_of_length, [16] = magic};
    struct fixture f;

    open_fixture(&f);
    text_add(&f.batch, bytes, sizeof(bytes));
    tell(&f, BATCH_E_MALFORMED);
    check(words ? slice_is_text(f.result.error_message, words)
                : slice_is_null(f.result.error_message));
    close_fixture(&f);
}

TEST(record_errors, lengths_and_formats_that_cannot_be_are_named)
{
    check_prefix("Record size 13 is less than the minimum record overhead (14)", 13, 3);
    check_prefix("Invalid magic found in record: 3", 14, 3);
    check_prefix("Invalid magic found in record: -1", 14, 0xff);
    check_prefix(NULL, 48, 2);
}
