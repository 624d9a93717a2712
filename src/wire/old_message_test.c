/* SPDX-License-Identifier: Apache-2.0 */

/* Sets as real producers made them, three records from offset 7 (Kafka) or 0 on.
 *
 *     time 1700000000000  key k0    value: the same three words, three times
 *     time + 1            null key  empty value
 *     time - 5            key k2    null value
 */

#include "test/harness/check.h"
#include "wire/bytes.h"
#include "wire/old_message.h"

#include <zlib.h>

#define TIME INT64_C(1700000000000)

struct sample {
    const char *about;
    uint8_t magic;
    enum compress_codec codec;
    int64_t first_offset;
    const char *hex;
};

/* clang-format off */
static const struct sample samples[] = {
    {"Kafka 3.9.2, format 0", 0, COMPRESS_NONE, 7,
     "00000000000000070000003e66a54a4f0000000000026b300000002e7468652073616d6520776f726473"
     "2c207468652073616d6520776f7264732c207468652073616d6520776f72647300000000000000080000"
     "000e795748e00000ffffffff000000000000000000000009000000108b23e3da0000000000026b32ffff"
     "ffff"},
    {"Kafka 3.9.2, format 0, gzip", 0, COMPRESS_GZIP, 7,
     "00000000000000090000006521a9b0430001ffffffff000000571f8b08000000000000ff636000037620"
     "b64b5beae50fe631651b0049bd928c5485e2c4dc5485f2fca294621d05fc7c88410c1c40cc5719eef180"
     "81e13f1030200027100b742b3fbe05b5c308240f00948b22f480000000"},
    {"Kafka 3.9.2, format 0, snappy", 0, COMPRESS_SNAPPY, 7,
     "00000000000000090000007c816f4d410002ffffffff0000006e82534e41505059000000000100000001"
     "0000005a80010000090120070000003e66a54a4f050f58026b300000002e7468652073616d6520776f72"
     "64732c20761000053a440000080000000e795748e00000ffffffff0019015009000000108b23e3da0000"
     "000000026b32ffffffff"},
    {"Kafka 3.9.2, format 0, lz4", 0, COMPRESS_LZ4, 7,
     "000000000000000900000078a8a854510003ffffffff0000006a04224d1860401a5b0000001200010091"
     "070000003e66a54a4f0f00ff08026b300000002e7468652073616d6520776f7264732c2010000b013a00"
     "f0020000080000000e795748e00000ffffffff13000302009109000000108b23e3da100070026b32ffff"
     "ffff00000000"},
    {"Kafka 3.9.2, format 1", 1, COMPRESS_NONE, 7,
     "000000000000000700000046982dd62f01000000018bcfe56800000000026b300000002e746865207361"
     "6d6520776f7264732c207468652073616d6520776f7264732c207468652073616d6520776f7264730000"
     "0000000000080000001669213abb01000000018bcfe56801ffffffff0000000000000000000000090000"
     "0018759fc7ba01000000018bcfe567fb000000026b32ffffffff"},
    {"Kafka 3.9.2, format 1, gzip", 1, COMPRESS_GZIP, 7,
     "000000000000000900000077b89301c101010000018bcfe56801ffffffff000000611f8b080000000000"
     "00ff63608003b719bad7f419810cc6eef34f3340224cd9064052af242355a138313755a13cbf28a55847"
     "013f1f6a1ac820b14c45abdd701319ff0301c23a06262096289d7f7c174c45fa6fb09d4620750073ab07"
     "1998000000"},
    {"Kafka 3.9.2, format 1, snappy", 1, COMPRESS_SNAPPY, 7,
     "0000000000000009000000907a143a7a01020000018bcfe56801ffffffff0000007a82534e4150505900"
     "0000000100000001000000669801000019013446982dd62f01000000018bcfe568011858026b30000000"
     "2e7468652073616d6520776f7264732c20761000013901451c0000001669213abb010905521001ffffff"
     "ff011b0d01200200000018759fc7ba11222c67fb000000026b32ffffffff"},
    {"Kafka 3.9.2, format 1, lz4", 1, COMPRESS_LZ4, 7,
     "00000000000000090000008b2f4d335e01030000018bcfe56801ffffffff0000007504224d1860408266"
     "00000016000100e046982dd62f01000000018bcfe5681800ff08026b300000002e7468652073616d6520"
     "776f7264732c2010000b003900004500850000001669213abb52005101ffffffff1c0002020094020000"
     "0018759fc7ba2200c067fb000000026b32ffffffff00000000"},
    {"kafka-python 1.4.7, format 0, gzip", 0, COMPRESS_GZIP, 0,
     "0000000000000000000000628522555e0001ffffffff000000541f8b08005298076b02ff63608003bbb4"
     "a55efe601653b60190d42bc94855284ecc4d5528cf2f4a29d651c0cf879ac208c47c95e11e0f1818fe03"
     "01c27806262016e8567e7c0b6a8711481e0075a0d2d580000000"},
    {"kafka-python 1.4.7, format 1, snappy", 1, COMPRESS_SNAPPY, 0,
     "000000000000000000000090b57ee55601020000000000000000ffffffff0000007a82534e4150505900"
     "0000000100000001000000669801000019013446982dd62f01000000018bcfe568011858026b30000000"
     "2e7468652073616d6520776f7264732c20761000013901451c0000001669213abb010905521001ffffff"
     "ff011b0d01200200000018759fc7ba11222c67fb000000026b32ffffffff"},
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

static void check_next(struct old_reader *reader, int64_t offset, int64_t time, struct slice key,
                       struct slice value)
{
    struct record record;
    bool is_end = true;

    check_ok(old_reader_next(reader, &record, &is_end));
    check(!is_end);
    check_eq(record.offset, offset);
    check_eq(record.timestamp, time);
    check(slice_equal(record.key, key));
    check(slice_equal(record.value, value));
    check_eq(record.header_count, 0);
    check_eq(record.headers.size, 0);
}

static void check_end(struct old_reader *reader, size_t rest, bool has_cut_wrapper)
{
    struct record record;
    bool is_end = false;

    check_ok(old_reader_next(reader, &record, &is_end));
    check(is_end);
    check_eq(reader->rest.size, rest);
    check_eq(reader->has_cut_wrapper, has_cut_wrapper);
}

static int64_t time_in(uint8_t magic, int64_t time)
{
    return magic == 0 ? BATCH_NO_TIMESTAMP : time;
}

static void check_sample(const struct sample *sample)
{
    struct text bytes = {.size = 0};
    struct text scratch = {.size = 0};
    struct old_message first;
    struct old_reader reader;
    uint8_t magic = sample->magic;
    int64_t offset = sample->first_offset;

    from_hex(sample->hex, &bytes);
    check_ok(old_message_parse(text_slice(&bytes), &first));
    check_eq(first.magic, magic);
    check_eq(first.attributes, sample->codec);
    old_reader_init(&reader, text_slice(&bytes), &scratch, NULL);
    check_next(&reader, offset, time_in(magic, TIME), slice_text("k0"),
               slice_text("the same words, the same words, the same words"));
    check_next(&reader, offset + 1, time_in(magic, TIME + 1), slice_null(), slice_empty());
    check_next(&reader, offset + 2, time_in(magic, TIME - 5), slice_text("k2"), slice_null());
    check_end(&reader, 0, false);
    text_fini(&bytes);
    text_fini(&scratch);
}

TEST(old_message, what_real_clients_send_is_read)
{
    for (size_t i = 0; i < COUNT_OF(samples); i++)
        check_sample(&samples[i]);
}

/* --- one message ------------------------------------------------------------ */

static struct old_message some_message(uint8_t magic)
{
    return (struct old_message){
        .offset = 7,
        .timestamp = magic ? TIME : BATCH_NO_TIMESTAMP,
        .magic = magic,
        .key = slice_text("key"),
        .value = slice_text("value"),
    };
}

static int parse_changed(uint8_t magic, size_t at, uint8_t change, size_t cut)
{
    struct old_message message = some_message(magic);
    struct text bytes = {.size = 0};
    int r;

    old_message_add(&bytes, &message);
    bytes.data[at] = (char)(bytes.data[at] ^ change);
    r = old_message_parse(slice_of(bytes.data, bytes.size - cut), &message);
    text_fini(&bytes);
    return r;
}

TEST(old_message, each_bit_but_those_of_the_offset_is_checked)
{
    for (uint8_t magic = 0; magic <= OLD_MAGIC_MAX; magic++) {
        for (size_t at = 12; at < 30; at++)
            for (unsigned bit = 0; bit < 8; bit++)
                check(parse_changed(magic, at, (uint8_t)(1 << bit), 0) != 0);
        check_eq(parse_changed(magic, 0, 1, 0), 0); /* The offset is the broker's to write. */
        check_eq(parse_changed(magic, 20, 1, 0), BATCH_E_CRC);
        check_eq(parse_changed(magic, 16, 2, 0), magic ? BATCH_E_MALFORMED : BATCH_E_MAGIC);
        check_eq(parse_changed(magic, 16, 0x80, 0), BATCH_E_MALFORMED);
    }
}

TEST(old_message, a_message_that_is_cut_off_is_short)
{
    for (uint8_t magic = 0; magic <= OLD_MAGIC_MAX; magic++) {
        size_t whole = 34 + (magic ? 8 : 0);

        for (size_t cut = 1; cut <= whole; cut++)
            check_eq(parse_changed(magic, 0, 0, cut), BATCH_E_SHORT);
    }
}

/* A message with these bytes behind the attributes, or the time. */
static void add_fields(uint8_t magic, struct slice fields, struct text *out)
{
    struct old_message message = {.magic = magic, .key = slice_null(), .value = slice_null()};
    size_t start = out->size;
    uint8_t *p;

    old_message_add(out, &message);
    text_cut(out, out->size - 8);
    text_add(out, fields.data, fields.size);
    p = (uint8_t *)out->data + start;
    bytes_store_i32(p + 8, (int32_t)(out->size - start) - 12);
    bytes_store_u32(p + 12, (uint32_t)crc32_z(0, p + 16, out->size - start - 16));
}

static int parse_fields(uint8_t magic, struct slice fields)
{
    struct old_message message;
    struct text bytes = {.size = 0};
    int r;

    add_fields(magic, fields, &bytes);
    r = old_message_parse(text_slice(&bytes), &message);
    text_fini(&bytes);
    return r;
}

TEST(old_message, fields_take_all_of_a_message_and_no_more)
{
    for (uint8_t magic = 0; magic <= OLD_MAGIC_MAX; magic++) {
        check_eq(parse_fields(magic, slice_of("\0\0\0\1k\0\0\0\1v", 10)), 0);
        check_eq(parse_fields(magic, slice_of("\xff\xff\xff\xff\xff\xff\xff\xff", 8)), 0);
        check_eq(parse_fields(magic, slice_of("\xff\xff\xff\xfe\x80\0\0\0", 8)), 0);
        check_eq(parse_fields(magic, slice_of("\0\0\0\1k\0\0\0\1vx", 11)), BATCH_E_RECORD);
        check_eq(parse_fields(magic, slice_of("\0\0\0\1k\0\0\0\2v", 10)), BATCH_E_MALFORMED);
        check_eq(parse_fields(magic, slice_of("\0\0\0\7k\0\0\0\1v", 10)), BATCH_E_MALFORMED);
        check_eq(parse_fields(magic, slice_of("\0\0\0\6k\0\0\0\1v", 10)), BATCH_E_MALFORMED);
        check_eq(parse_fields(magic, slice_of("\0\0\0\3k\0\0\0", 8)), BATCH_E_MALFORMED);
    }
    check_eq(parse_fields(1, slice_empty()), BATCH_E_MALFORMED);
}

TEST(old_message, a_size_below_the_smallest_message_is_refused)
{
    struct old_message message = some_message(0);
    struct text bytes = {.size = 0};

    old_message_add(&bytes, &message);
    bytes_store_i32((uint8_t *)bytes.data + 8, 13);
    check_eq(old_message_parse(text_slice(&bytes), &message), BATCH_E_MALFORMED);
    bytes_store_i32((uint8_t *)bytes.data + 8, -1);
    check_eq(old_message_parse(text_slice(&bytes), &message), BATCH_E_MALFORMED);
    check_eq(parse_changed(1, 8, 0x7f, 0), BATCH_E_SHORT); /* 2 GiB, it says. */
    text_fini(&bytes);

    message.magic = 1;
    message.key = message.value = slice_null();
    old_message_add(&bytes, &message);
    bytes_store_i32((uint8_t *)bytes.data + 8, 14); /* Too little for a time. */
    bytes_store_u32((uint8_t *)bytes.data + 12,
                    (uint32_t)crc32_z(0, (const uint8_t *)bytes.data + 16, 10));
    check_eq(old_message_parse(text_slice(&bytes), &message), BATCH_E_MALFORMED);
    text_fini(&bytes);
}

/* --- wrappers --------------------------------------------------------------- */

struct wrap {
    uint8_t magic;
    uint8_t attributes; /* The codec too. */
    int64_t offset;
    const int64_t *inner_offsets;
    size_t inner_count;
    uint8_t inner_magic, inner_attributes;
    const char *behind; /* Inside, behind the messages. */
};

static void add_wrapper(const struct wrap *wrap, struct text *out)
{
    struct old_message outer = {.offset = wrap->offset,
                                .timestamp = TIME + 100,
                                .magic = wrap->magic,
                                .attributes = wrap->attributes};
    struct text inside = {.size = 0};
    struct text packed = {.size = 0};

    for (size_t i = 0; i < wrap->inner_count; i++) {
        struct old_message message = some_message(wrap->inner_magic);

        message.offset = wrap->inner_offsets[i];
        message.attributes = wrap->inner_attributes;
        old_message_add(&inside, &message);
    }
    if (wrap->behind)
        text_add(&inside, wrap->behind, strlen(wrap->behind));
    check_ok(
        compress_encode(wrap->attributes & BATCH_CODEC_MASK, text_slice(&inside), NULL, &packed));
    outer.value = text_slice(&packed);
    old_message_add(out, &outer);
    text_fini(&inside);
    text_fini(&packed);
}

/* Reads all of it: how many records, or the outcome, negated. */
static int read_all(struct slice bytes, struct record *out_last, bool *out_cut)
{
    struct text scratch = {.size = 0};
    struct old_reader reader;
    bool is_end = false;
    int count = 0;
    int r = 0;

    old_reader_init(&reader, bytes, &scratch, NULL);
    for (; !r && !is_end; count += !r && !is_end)
        r = old_reader_next(&reader, out_last, &is_end);
    *out_cut = reader.has_cut_wrapper;
    text_fini(&scratch);
    return r ? -r : count;
}

static int read_wrapper(const struct wrap *wrap, struct record *out_last)
{
    struct text bytes = {.size = 0};
    bool is_cut;
    int r;

    add_wrapper(wrap, &bytes);
    r = read_all(text_slice(&bytes), out_last, &is_cut);
    text_fini(&bytes);
    check_eq(is_cut, wrap->behind && r > 0);
    return r;
}

TEST(old_message, offsets_of_format_1_are_relative_to_the_first)
{
    const int64_t offsets[] = {0, 1, 5};
    struct wrap wrap = {1, COMPRESS_GZIP, 105, offsets, 3, 1, 0, NULL};
    struct record last;

    check_eq(read_wrapper(&wrap, &last), 3);
    check_eq(last.offset, 105);
    wrap.offset = 5;
    check_eq(read_wrapper(&wrap, &last), 3);
    check_eq(last.offset, 5);
    wrap.offset = 0; /* As librdkafka sent it once. */
    check_eq(read_wrapper(&wrap, &last), 3);
    check_eq(last.offset, 5);
    wrap.offset = 4;
    check_eq(read_wrapper(&wrap, &last), -BATCH_E_RECORD);
    wrap.offset = -1;
    check_eq(read_wrapper(&wrap, &last), -BATCH_E_RECORD);
}

TEST(old_message, offsets_of_format_0_stand_as_they_are)
{
    const int64_t offsets[] = {100, 3};
    struct wrap wrap = {0, COMPRESS_SNAPPY, 7, offsets, 2, 0, 0, NULL};
    struct record last;

    check_eq(read_wrapper(&wrap, &last), 2);
    check_eq(last.offset, 3);
    check_eq(last.timestamp, BATCH_NO_TIMESTAMP);
}

TEST(old_message, append_time_is_that_of_the_wrapper)
{
    const int64_t offset = 0;
    struct wrap wrap = {1, COMPRESS_GZIP, 9, &offset, 1, 1, 0, NULL};
    struct record last;

    check_eq(read_wrapper(&wrap, &last), 1);
    check_eq(last.timestamp, TIME);
    wrap.attributes |= BATCH_IS_APPEND_TIME;
    check_eq(read_wrapper(&wrap, &last), 1);
    check_eq(last.timestamp, TIME + 100);
    wrap.magic = wrap.inner_magic = 0; /* Where the bit means nothing. */
    check_eq(read_wrapper(&wrap, &last), 1);
    check_eq(last.timestamp, BATCH_NO_TIMESTAMP);
}

TEST(old_message, wrappers_hold_messages_of_their_format_and_no_wrappers)
{
    const int64_t offset = 0;
    struct wrap wrap = {1, COMPRESS_GZIP, 0, &offset, 1, 0, 0, NULL};
    struct record last;

    check_eq(read_wrapper(&wrap, &last), -BATCH_E_RECORD);
    wrap.inner_magic = 1;
    wrap.inner_attributes = COMPRESS_GZIP;
    check_eq(read_wrapper(&wrap, &last), -BATCH_E_RECORD);
    wrap.inner_attributes = 0;
    wrap.attributes = COMPRESS_ZSTD;
    check_eq(read_wrapper(&wrap, &last), -BATCH_E_RECORD);
    wrap.attributes = COMPRESS_GZIP;
    wrap.inner_count = 0;
    check_eq(read_wrapper(&wrap, &last), -BATCH_E_RECORD);
}

TEST(old_message, a_cut_message_inside_of_a_wrapper_is_left_out)
{
    const int64_t offsets[] = {0, 1};
    struct wrap wrap = {1, COMPRESS_GZIP, 1, offsets, 2, 1, 0, "the next one"};
    struct record last;

    check_eq(read_wrapper(&wrap, &last), 2);
    wrap.inner_count = 0;
    check_eq(read_wrapper(&wrap, &last), -BATCH_E_RECORD);
}

static int read_bytes(const struct text *bytes, struct record *out_last)
{
    bool is_cut;

    return read_all(text_slice(bytes), out_last, &is_cut);
}

TEST(old_message, what_is_no_wrapper_is_refused)
{
    struct old_message message = some_message(1);
    struct text bytes = {.size = 0};
    struct record last;

    message.attributes = COMPRESS_GZIP;
    old_message_add(&bytes, &message);
    check_eq(read_bytes(&bytes, &last), -BATCH_E_COMPRESSED);
    text_cut(&bytes, 0);
    message.attributes = COMPRESS_CODEC_COUNT;
    old_message_add(&bytes, &message);
    check_eq(read_bytes(&bytes, &last), -BATCH_E_CODEC);
    text_cut(&bytes, 0);
    message.attributes = COMPRESS_LZ4;
    message.magic = 0;
    old_message_add(&bytes, &message);
    check_eq(read_bytes(&bytes, &last), -BATCH_E_COMPRESSED);
    text_cut(&bytes, 0);
    message.value = slice_null();
    old_message_add(&bytes, &message);
    check_eq(read_bytes(&bytes, &last), -BATCH_E_RECORD);
    text_fini(&bytes);
}

/* Packs what is inside a wrapper of format 1, whatever it is. */
static int read_inside(struct slice inside)
{
    struct old_message wrapper = some_message(1);
    struct text packed = {.size = 0};
    struct text bytes = {.size = 0};
    struct record last;
    int r;

    wrapper.attributes = COMPRESS_GZIP;
    wrapper.offset = 0;
    check_ok(compress_encode(COMPRESS_GZIP, inside, NULL, &packed));
    wrapper.value = text_slice(&packed);
    old_message_add(&bytes, &wrapper);
    r = read_bytes(&bytes, &last);
    text_fini(&packed);
    text_fini(&bytes);
    return r;
}

TEST(old_message, what_is_inside_is_looked_at_as_what_is_outside)
{
    struct old_message message = some_message(1);
    struct text inside = {.size = 0};

    old_message_add(&inside, &message);
    check_eq(read_inside(text_slice(&inside)), 1);
    inside.data[12] ^= 1;
    check_eq(read_inside(text_slice(&inside)), -BATCH_E_CRC);
    inside.data[16] = BATCH_MAGIC;
    check_eq(read_inside(text_slice(&inside)), -BATCH_E_RECORD);
    inside.data[16] = 3;
    check_eq(read_inside(text_slice(&inside)), -BATCH_E_MALFORMED);
    inside.data[16] = 1;
    inside.data[12] ^= 1;
    old_message_add(&inside, &message);
    inside.data[42 + 16] = BATCH_MAGIC;
    check_eq(read_inside(text_slice(&inside)), -BATCH_E_RECORD);
    text_fini(&inside);
}

TEST(old_message, wrappers_become_no_more_than_is_allowed)
{
    struct text zeros = {.size = 0};

    memset(text_add_space(&zeros, OLD_DECODED_MAX + 1), 0, OLD_DECODED_MAX + 1);
    check_eq(read_inside(text_slice(&zeros)), -BATCH_E_NO_MEMORY);
    text_fini(&zeros);
}

TEST(old_message, lz4_of_format_0_may_have_either_checksum_and_of_format_1_the_right_one)
{
    const int64_t offset = 0;
    struct wrap wrap = {0, COMPRESS_LZ4, 0, &offset, 1, 0, 0, NULL};
    struct text bytes = {.size = 0};
    struct record last;

    check_eq(read_wrapper(&wrap, &last), 1); /* The right one. */
    from_hex(samples[3].hex, &bytes);
    check_eq(bytes.data[26 + 6], 0x1a); /* The wrong one, of 04 22 4d 18 60 40. */
    check_eq(read_bytes(&bytes, &last), 3);
    wrap.magic = wrap.inner_magic = 1;
    check_eq(read_wrapper(&wrap, &last), 1);
    text_cut(&bytes, 0);
    from_hex(samples[7].hex, &bytes);
    check_eq((uint8_t)bytes.data[34 + 6], 0x82);
    bytes.data[34 + 6] = 0x1a;
    bytes_store_u32((uint8_t *)bytes.data + 12,
                    (uint32_t)crc32_z(0, (const uint8_t *)bytes.data + 16, bytes.size - 16));
    check_eq(read_bytes(&bytes, &last), -BATCH_E_COMPRESSED);
    text_fini(&bytes);
}

TEST(old_message, what_is_read_of_a_set_ends_where_a_message_is_cut)
{
    struct old_message message = some_message(1);
    struct text bytes = {.size = 0};
    struct record last;
    bool is_cut;

    old_message_add(&bytes, &message);
    message.offset = 8;
    old_message_add(&bytes, &message);
    for (size_t there = 0; there <= bytes.size; there++)
        check_eq(read_all(slice_of(bytes.data, there), &last, &is_cut), there / 42);
    bytes.data[42 + 16] = BATCH_MAGIC;
    check_eq(read_bytes(&bytes, &last), -BATCH_E_MAGIC);
    text_fini(&bytes);
}

/* --- any message ------------------------------------------------------------ */

static struct slice some_bytes(struct rng *rng, const uint8_t *pool, size_t size)
{
    if (rng_chance(rng, 20))
        return slice_null();
    return slice_of(pool, rng_below(rng, size + 1));
}

PROPERTY(old_message, what_is_written_is_read_again, 2000)
{
    uint8_t pool[300] = {0};
    struct text bytes = {.size = 0};
    struct old_message message = {.magic = (uint8_t)rng_below(rng, 2)};
    struct old_message read;

    for (size_t i = 0; i < sizeof(pool); i++)
        pool[i] = (uint8_t)rng_next(rng);
    message.offset = (int64_t)rng_next(rng);
    message.timestamp = message.magic ? (int64_t)rng_next(rng) : BATCH_NO_TIMESTAMP;
    message.attributes = (uint8_t)rng_next(rng);
    message.key = some_bytes(rng, pool, sizeof(pool));
    message.value = some_bytes(rng, pool, sizeof(pool));
    old_message_add(&bytes, &message);
    check_ok(old_message_parse(text_slice(&bytes), &read));
    check_eq(read.offset, message.offset);
    check_eq(read.timestamp, message.timestamp);
    check_eq(read.magic, message.magic);
    check_eq(read.attributes, message.attributes);
    check_eq(read.size, bytes.size);
    check(slice_equal(read.key, message.key));
    check(slice_equal(read.value, message.value));
    text_fini(&bytes);
}

/* Checksums are made right, so that more than the first is looked at: no input may hurt the
 * reader, and no wrapper may become more than is allowed. */
FUZZ(old_message, any_set)
{
    struct text bytes = {.size = 0};
    struct record last;
    uint8_t *p;
    size_t at;

    text_add(&bytes, data, size);
    p = (uint8_t *)bytes.data;
    for (at = 0; at + 26 <= size;) {
        int32_t length = bytes_load_i32(p + at + 8);

        if (length < 14 || (size_t)length > size - at - 12)
            break;
        bytes_store_u32(p + at + 12, (uint32_t)crc32_z(0, p + at + 16, (size_t)length - 4));
        at += 12 + (size_t)length;
    }
    (void)read_bytes(&bytes, &last);
    text_fini(&bytes);
}
