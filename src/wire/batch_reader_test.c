/* SPDX-License-Identifier: Apache-2.0 */

/* Batches as real producers made them: three records, sent to Apache Kafka 4.3.1 and
 * fetched again.
 *
 *     time 1700000000000  key k0    value: the same four words, four times
 *     time + 1            null key  empty value  h1 = x
 *     time - 5            key k2    null value   h = null (kafka-python: n), h = nothing
 */

#include "test/harness/check.h"
#include "wire/batch.h"
#include "wire/batch_internal.h"

#define TIME INT64_C(1700000000000)

struct sample {
    const char *about;
    enum compress_codec codec;
    const char *first_header; /* Value of the third record's. */
    const char *hex;
};

/* clang-format off */
static const struct sample samples[] = {
    {"librdkafka 2.16, none", COMPRESS_NONE, NULL,
     "00000000000000000000009400000000027c48e7f10000000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff000000038c01000000046b307c7468652073616d6520776f726473"
     "2c207468652073616d6520776f7264732c207468652073616d6520776f7264732c207468652073616d65"
     "20776f726473001600020201000204683102781c000904046b320104026801026800"},
    {"librdkafka 2.16, gzip", COMPRESS_GZIP, NULL,
     "00000000000000000000007c0000000002c13840630001000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff000000031f8b0800000000000003eb6164606060c936a829c94855"
     "284ecc4d5528cf2f4a29d651208dcf20c6c0c4c4c8c0c49261c85421c3c0c9c2926dc4c8c294c1c894c1"
     "00009d698aa963000000"},
    {"librdkafka 2.16, snappy", COMPRESS_SNAPPY, NULL,
     "00000000000000000000006c0000000002216a342e0002000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff0000000363608c01000000046b307c7468652073616d6520776f72"
     "64732c20b610006c001600020201000204683102781c000904046b320104026801026800"},
    {"librdkafka 2.16, lz4", COMPRESS_LZ4, NULL,
     "00000000000000000000007c0000000002ad878ed50003000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff0000000304224d186040823c000000ff0a8c01000000046b307c74"
     "68652073616d6520776f7264732c2010001bf00d001600020201000204683102781c000904046b320104"
     "02680102680000000000"},
    {"librdkafka 2.16, zstd", COMPRESS_ZSTD, NULL,
     "0000000000000000000000770000000002b85654270004000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff0000000328b52ffd0058ed010054038c01000000046b307c746865"
     "2073616d6520776f7264732c20001600020201000204683102781c000904046b32010402680102680001"
     "003de61c03"},
    {"the Java client 4.3.1, none", COMPRESS_NONE, NULL,
     "000000000000000000000094000000000298dfbe4d0000000000020000018bcfe568000000018bcfe568"
     "010000000000000000000000000000000000038c01000000046b307c7468652073616d6520776f726473"
     "2c207468652073616d6520776f7264732c207468652073616d6520776f7264732c207468652073616d65"
     "20776f726473001600020201000204683102781c000904046b320104026801026800"},
    {"the Java client 4.3.1, gzip", COMPRESS_GZIP, NULL,
     "00000000000000000000007c0000000002bfc3f01d0001000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff000000031f8b08000000000000ffeb6164606060c936a829c94855"
     "284ecc4d5528cf2f4a29d651208dcf20c6c0c4c4c8c0c49261c85421c3c0c9c2926dc4c8c294c1c894c1"
     "00009d698aa963000000"},
    {"the Java client 4.3.1, snappy", COMPRESS_SNAPPY, NULL,
     "00000000000000000000008000000000029cc98f340002000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff0000000382534e415050590000000001000000010000003b63608c"
     "01000000046b307c7468652073616d6520776f7264732c20b610006c001600020201000204683102781c"
     "000904046b320104026801026800"},
    {"the Java client 4.3.1, lz4", COMPRESS_LZ4, NULL,
     "00000000000000000000007c0000000002ad878ed50003000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff0000000304224d186040823c000000ff0a8c01000000046b307c74"
     "68652073616d6520776f7264732c2010001bf00d001600020201000204683102781c000904046b320104"
     "02680102680000000000"},
    {"the Java client 4.3.1, zstd", COMPRESS_ZSTD, NULL,
     "00000000000000000000007a0000000002d67cfdff0004000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff0000000328b52ffd0058ec010054038c01000000046b307c746865"
     "2073616d6520776f7264732c20001600020201000204683102781c000904046b32010402680102680001"
     "003de61c03010000"},
    {"the Java client 4.3.1, zstd of level 22", COMPRESS_ZSTD, NULL,
     "000000000000000000000077000000000211c056c30004000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff0000000328b52ffd0088d4010052430c12a0edcff1bdef7e170070"
     "3c3413a225af94295fbc8b7b0feb061793cd6afe323f7c10989e93433504875a9116d6ffb70601003de6"
     "1c03010000"},
    {"franz-go 1.18, gzip", COMPRESS_GZIP, NULL,
     "0000000000000000000000800000000002b0340f290001000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffff00000000000000031f8b08000000000000ffea6164606060c936a829c94855"
     "284ecc4d5528cf2f4a29d651208dcf20c6c0c4c4c8c0c49261c85421c3c0c9c2926dc4c8c294c1c894c1"
     "00080000ffff9d698aa963000000"},
    {"franz-go 1.18, snappy", COMPRESS_SNAPPY, NULL,
     "00000000000000000000006c000000000277d8bdd90002000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffff000000000000000363608c01000000046b307c7468652073616d6520776f72"
     "64732c20b610006c001600020201000204683102781c000904046b320104026801026800"},
    {"franz-go 1.18, lz4", COMPRESS_LZ4, NULL,
     "00000000000000000000008000000000023c4f492c0003000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffff000000000000000304224d186470b93c000000ff0a8c01000000046b307c74"
     "68652073616d6520776f7264732c2010001bf00d001600020201000204683102781c000904046b320104"
     "02680102680000000000e7596b72"},
    {"franz-go 1.18, zstd", COMPRESS_ZSTD, NULL,
     "00000000000000000000007c000000000251dd313e0004000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffff000000000000000328b52ffd0400f5010054038c01000000046b307c746865"
     "2073616d6520776f7264732c20001600020201000204683102781c000904046b32010402680102680001"
     "541404243d015f308f66"},
    {"kafka-python 3.0, gzip", COMPRESS_GZIP, "n",
     "00000000000000000000007d0000000002017ad7c10001000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff000000031f8b0800f58d076b02ffeb6164606060c936a829c94855"
     "284ecc4d5528cf2f4a29d651208dcf20c6c0c4c4c8c0c49261c85421c7c0c9c2926dc4c8c294c194c794"
     "c100004c32810564000000"},
    {"kafka-python 3.0, snappy", COMPRESS_SNAPPY, "n",
     "000000000000000000000081000000000228598a300002000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff0000000382534e415050590000000001000000010000003c64608c"
     "01000000046b307c7468652073616d6520776f7264732c20b6100070001600020201000204683102781e"
     "000904046b3201040268026e026800"},
    {"kafka-python 3.0, lz4", COMPRESS_LZ4, "n",
     "000000000000000000000085000000000251e6f1190003000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff0000000304224d1868406400000000000000233d000000ff0a8c01"
     "000000046b307c7468652073616d6520776f7264732c2010001bf00e001600020201000204683102781e"
     "000904046b3201040268026e02680000000000"},
    {"kafka-python 3.0, zstd", COMPRESS_ZSTD, "n",
     "0000000000000000000000780000000002b20ce4690004000000020000018bcfe568000000018bcfe568"
     "01ffffffffffffffffffffffffffff0000000328b52ffd2064f5010064038c01000000046b307c746865"
     "2073616d6520776f7264732c20001600020201000204683102781e000904046b3201040268026e026800"
     "01003de61c03"},
};
/* clang-format on */

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void from_hex(const char *hex, struct text *out)
{
    for (; *hex; hex += 2)
        *text_add_space(out, 1) = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
}

static void check_header(struct record *record, const char *key, struct slice value)
{
    struct record_header header;

    check_ok(record_next_header(&record->headers, &header));
    check(slice_is_text(header.key, key));
    check(slice_equal(header.value, value));
}

static void check_first(struct record *record)
{
    check_eq(record->timestamp, TIME);
    check_eq(record->offset, 0);
    check(slice_is_text(record->key, "k0"));
    check(slice_is_text(record->value,
                        "the same words, the same words, the same words, the same words"));
    check_eq(record->header_count, 0);
}

static void check_second(struct record *record)
{
    check_eq(record->timestamp, TIME + 1);
    check_eq(record->offset, 1);
    check(slice_is_null(record->key));
    check(slice_equal(record->value, slice_empty()));
    check_eq(record->header_count, 1);
    check_header(record, "h1", slice_text("x"));
}

static void check_third(struct record *record, const char *first_header)
{
    check_eq(record->timestamp, TIME - 5);
    check_eq(record->offset, 2);
    check(slice_is_text(record->key, "k2"));
    check(slice_is_null(record->value));
    check_eq(record->header_count, 2);
    check_header(record, "h", slice_text(first_header));
    check_header(record, "h", slice_empty());
}

static void check_sample(const struct sample *sample)
{
    const struct batch_rules rules = {
        .now_ms = TIME,
        .timestamp_before_max_ms = 5,
        .timestamp_after_max_ms = 1,
    };
    struct text bytes = {.size = 0};
    struct text scratch = {.size = 0};
    struct batch_reader reader;
    struct batch_header header;
    struct record record;
    bool is_end;

    from_hex(sample->hex, &bytes);
    check_ok(batch_parse(text_slice(&bytes), &header));
    check_ok(batch_check(text_slice(&bytes), &header, &rules));
    check_eq(header.max_timestamp, TIME + 1);
    check_ok(batch_reader_open(&reader, text_slice(&bytes), &scratch, NULL, 1000));
    check_eq(batch_codec(&reader.header), sample->codec);
    check_ok(batch_reader_next(&reader, &record, &is_end));
    check_first(&record);
    check_ok(batch_reader_next(&reader, &record, &is_end));
    check_second(&record);
    check_ok(batch_reader_next(&reader, &record, &is_end));
    check_third(&record, sample->first_header);
    check_ok(batch_reader_next(&reader, &record, &is_end));
    check(is_end);
    text_fini(&bytes);
    text_fini(&scratch);
}

TEST(batch_reader, what_real_clients_send_is_taken_and_read)
{
    for (size_t i = 0; i < COUNT_OF(samples); i++)
        check_sample(&samples[i]);
}

/* --- batches of logs -------------------------------------------------------- */

/* Wraps record bytes into a batch with this header. */
static void wrap(struct batch_header header, struct slice records, struct text *out)
{
    (void)text_add_space(out, BATCH_HEADER_SIZE);
    text_add(out, records.data, records.size);
    header.size = out->size;
    batch_write_header((uint8_t *)out->data, &header);
}

/* Opens a batch and reads its records: how many could be read, or the outcome, negated. */
static int32_t read_all(struct slice bytes, struct record *out_last)
{
    struct text scratch = {.size = 0};
    struct batch_reader reader;
    bool is_end = false;
    int32_t count = 0;
    int r = batch_reader_open(&reader, bytes, &scratch, NULL, 1000);

    for (; !r && !is_end; count += !r && !is_end)
        r = batch_reader_next(&reader, out_last, &is_end);
    text_fini(&scratch);
    return r ? -r : count;
}

TEST(batch_reader, compacted_batches_have_holes)
{
    /* Records 2 and 9 of ten are left. */
    struct slice records = slice_of("\x0c\0\0\4\1\1\0\x0c\0\2\x12\1\1\0", 14);
    struct batch_header header = {.base_offset = 100, .last_offset_delta = 9, .record_count = 2};
    struct text bytes = {.size = 0};
    struct record last;

    wrap(header, records, &bytes);
    check_eq(read_all(text_slice(&bytes), &last), 2);
    check_eq(last.offset, 109);
    check_eq(last.timestamp, 1);
    text_fini(&bytes);
}

TEST(batch_reader, an_emptied_batch_has_no_records)
{
    struct batch_header header = {.last_offset_delta = 9, .base_timestamp = -1};
    struct text bytes = {.size = 0};
    struct record last;

    wrap(header, slice_empty(), &bytes);
    check_eq(read_all(text_slice(&bytes), &last), 0);
    ((uint8_t *)bytes.data)[BATCH_AT_ATTRIBUTES + 1] = COMPRESS_ZSTD;
    check_eq(read_all(text_slice(&bytes), &last), 0);
    text_fini(&bytes);
}

TEST(batch_reader, append_time_is_the_time_of_every_record)
{
    struct slice records = slice_of("\x0c\0\0\0\1\1\0\x0c\0\2\2\1\1\0", 14);
    struct batch_header header = {.attributes = BATCH_IS_APPEND_TIME,
                                  .max_timestamp = 777,
                                  .last_offset_delta = 1,
                                  .record_count = 2};
    struct text bytes = {.size = 0};
    struct record last;

    wrap(header, records, &bytes);
    check_eq(read_all(text_slice(&bytes), &last), 2);
    check_eq(last.timestamp, 777);
    text_fini(&bytes);
}

TEST(batch_reader, negative_lengths_are_null_as_kafka_reads_them)
{
    struct batch_header header = {.record_count = 1};
    struct text bytes = {.size = 0};
    struct record last;

    wrap(header, slice_of("\x0c\0\0\0\7\5\0", 7), &bytes);
    check_eq(read_all(text_slice(&bytes), &last), 1);
    check(slice_is_null(last.key));
    check(slice_is_null(last.value));
    text_fini(&bytes);
}

static int32_t read_records(struct slice records, int32_t count, uint16_t attributes)
{
    struct batch_header header = {.record_count = count, .attributes = attributes};
    struct text bytes = {.size = 0};
    struct record last;
    int32_t r;

    wrap(header, records, &bytes);
    r = read_all(text_slice(&bytes), &last);
    text_fini(&bytes);
    return r;
}

TEST(batch_reader, what_is_no_batch_is_refused)
{
    struct slice one = slice_of("\x0c\0\0\0\1\1\0", 7);
    struct text bytes = {.size = 0};
    struct record last;

    check_eq(read_records(one, 1, 0), 1);
    check_eq(read_records(one, 0, 0), -BATCH_E_RECORD);
    check_eq(read_records(one, 2, 0), -BATCH_E_RECORD);
    check_eq(read_records(one, -1, 0), -BATCH_E_MALFORMED);
    check_eq(read_records(one, 1, 5), -BATCH_E_CODEC);
    check_eq(read_records(one, 1, COMPRESS_GZIP), -BATCH_E_COMPRESSED);
    check_eq(read_records(slice_of("\x0c\0\0\0\1\1", 6), 1, 0), -BATCH_E_RECORD);
    check_eq(read_records(slice_of("\x0e\0\0\0\1\1\0x", 8), 1, 0), -BATCH_E_RECORD);
    check_eq(read_records(slice_of("\x0e\0\0\0\1\1\4x", 8), 1, 0), -BATCH_E_RECORD);
    check_eq(read_records(slice_of("\0", 1), 1, 0), -BATCH_E_RECORD);
    check_eq(read_records(slice_of("\x10\0\0\0\1\1\2\1\1", 9), 1, 0), -BATCH_E_RECORD);

    from_hex(samples[0].hex, &bytes);
    check_eq(read_all(slice_of(bytes.data, bytes.size - 1), &last), -BATCH_E_SHORT);
    text_fini(&bytes);
}

TEST(batch_reader, decoded_records_are_bounded)
{
    struct text bytes = {.size = 0};
    struct text scratch = {.size = 0};
    struct batch_reader reader;

    from_hex(samples[1].hex, &bytes);
    check_ok(batch_reader_open(&reader, text_slice(&bytes), &scratch, NULL, 99));
    check_eq(batch_reader_open(&reader, text_slice(&bytes), &scratch, NULL, 98), BATCH_E_NO_MEMORY);
    text_fini(&bytes);
    text_fini(&scratch);
}

/* Bytes as they come; the checksum is not the reader's business. */
FUZZ(batch_reader, any_bytes)
{
    struct text scratch = {.size = 0};
    struct record_header header;
    struct batch_reader reader;
    struct record record;
    bool is_end = false;
    int r = batch_reader_open(&reader, slice_of(data, size), &scratch, NULL, 1 << 20);

    while (!r && !is_end) {
        r = batch_reader_next(&reader, &record, &is_end);
        if (r || is_end)
            break;
        for (int32_t i = 0; i < record.header_count; i++)
            check_ok(record_next_header(&record.headers, &header));
        check_eq(record.headers.size, 0);
    }
    check(scratch.size <= 1 << 20);
    text_fini(&scratch);
}
