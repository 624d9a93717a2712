/* SPDX-License-Identifier: Apache-2.0 */

/* wire/old_message.c - reads and writes messages of formats 0 and 1.
 *
 * It reads what Kafka's own reader reads: any negative length of a key or value is null, the
 * key of a wrapper means nothing, and a wrapper of format 1 with offset 0 may have more than
 * one message inside (some versions of librdkafka made them so). */

#include "wire/old_message.h"

#include "wire/bytes.h"

#include <zlib.h>

enum {
    AT_SIZE = 8,
    AT_CRC = BATCH_PREFIX_SIZE,
    AT_MAGIC = OLD_MAGIC_AT,
    AT_ATTRIBUTES,
    AT_FIELDS,                /* The timestamp of format 1; the key of format 0. */
    SIZE_MIN = 4 + 2 + 4 + 4, /* What the size of a message of format 0 says at least. */
};

static uint32_t checksum(const uint8_t *message, size_t size)
{
    return (uint32_t)crc32_z(0, message + AT_MAGIC, size - AT_MAGIC);
}

/* --- one message ------------------------------------------------------------ */

static struct slice behind(struct slice bytes, size_t n)
{
    return slice_of(bytes.data + n, bytes.size - n);
}

static bool take_bytes(struct slice *rest, struct slice *out)
{
    int32_t size;

    if (rest->size < sizeof(size))
        return false;
    size = bytes_load_i32(rest->data);
    *rest = behind(*rest, sizeof(size));
    if (size < 0) {
        *out = slice_null();
        return true;
    }
    if ((size_t)size > rest->size)
        return false;
    *out = slice_of(rest->data, (size_t)size);
    *rest = behind(*rest, (size_t)size);
    return true;
}

/* Key, value and before them the time: all that `fields` has, and no more. */
static int read_fields(struct slice fields, struct old_message *message)
{
    message->timestamp = BATCH_NO_TIMESTAMP;
    if (message->magic == 1) {
        assert(fields.size >= sizeof(message->timestamp)); /* SIZE_MIN has room for it. */
        message->timestamp = bytes_load_i64(fields.data);
        fields = behind(fields, sizeof(message->timestamp));
    }
    if (!take_bytes(&fields, &message->key) || !take_bytes(&fields, &message->value))
        return BATCH_E_MALFORMED;
    return fields.size ? BATCH_E_RECORD : 0;
}

/* What is known of the message before its end is there; its size is in `*out_size`. */
static int check_start(struct slice bytes, size_t *out_size)
{
    int32_t size;

    if (bytes.size <= AT_MAGIC)
        return BATCH_E_SHORT;
    size = bytes_load_i32(bytes.data + AT_SIZE);
    if (size < SIZE_MIN)
        return BATCH_E_MALFORMED;
    if (bytes.data[AT_MAGIC] == BATCH_MAGIC)
        return BATCH_E_MAGIC;
    if (bytes.data[AT_MAGIC] > OLD_MAGIC_MAX)
        return BATCH_E_MALFORMED;
    *out_size = BATCH_PREFIX_SIZE + (size_t)size;
    return *out_size > bytes.size ? BATCH_E_SHORT : 0;
}

int old_message_parse(struct slice bytes, struct old_message *out)
{
    struct old_message message;
    size_t size;
    int r = check_start(bytes, &size);

    if (r)
        return r;
    if (bytes_load_u32(bytes.data + AT_CRC) != checksum(bytes.data, size))
        return BATCH_E_CRC;
    message.offset = bytes_load_i64(bytes.data);
    message.magic = bytes.data[AT_MAGIC];
    message.attributes = bytes.data[AT_ATTRIBUTES];
    message.size = size;
    r = read_fields(slice_of(bytes.data + AT_FIELDS, size - AT_FIELDS), &message);
    if (r)
        return r;
    *out = message;
    return 0;
}

static uint8_t *put_bytes(uint8_t *p, struct slice bytes)
{
    bytes_store_i32(p, slice_is_null(bytes) ? -1 : (int32_t)bytes.size);
    if (bytes.size)
        memcpy(p + 4, bytes.data, bytes.size);
    return p + 4 + bytes.size;
}

void old_message_add(struct text *out, const struct old_message *message)
{
    size_t time_size = message->magic == 1 ? sizeof(message->timestamp) : 0;
    size_t size = AT_FIELDS + time_size + 4 + message->key.size + 4 + message->value.size;
    uint8_t *start = text_add_space(out, size);

    assert(message->magic <= OLD_MAGIC_MAX && size <= INT32_MAX);
    bytes_store_i64(start, message->offset);
    bytes_store_i32(start + AT_SIZE, (int32_t)(size - BATCH_PREFIX_SIZE));
    start[AT_MAGIC] = message->magic;
    start[AT_ATTRIBUTES] = message->attributes;
    if (time_size)
        bytes_store_i64(start + AT_FIELDS, message->timestamp);
    put_bytes(put_bytes(start + AT_FIELDS + time_size, message->key), message->value);
    bytes_store_u32(start + AT_CRC, checksum(start, size));
}

/* --- the reader ------------------------------------------------------------- */

void old_reader_init(struct old_reader *reader, struct slice bytes, struct text *scratch,
                     struct inflater_cache *cache)
{
    *reader = (struct old_reader){
        .rest = bytes, .scratch = scratch, .cache = cache, .inside = slice_empty()};
    text_cut(scratch, 0);
}

static int decode(struct old_reader *reader, enum compress_codec codec, struct slice in)
{
    switch (compress_decode(codec, in, OLD_DECODED_MAX, reader->cache, reader->scratch)) {
    case 0: return 0;
    case COMPRESS_E_TOO_LARGE: return BATCH_E_NO_MEMORY;
    default: return BATCH_E_COMPRESSED;
    }
}

/* Format 0 has lz4 frames with a wrong checksum in the header, and from some clients the
 * right one: it is not looked at, as Kafka does. */
static int decode_marked(struct old_reader *reader, struct slice in)
{
    struct text copy = {.data = NULL};
    int r = BATCH_E_COMPRESSED;

    text_add(&copy, in.data, in.size);
    if (compress_lz4_mark((uint8_t *)copy.data, copy.size, false))
        r = decode(reader, COMPRESS_LZ4, text_slice(&copy));
    text_fini(&copy);
    return r;
}

/* The offset of the last whole message in `set`, of which there is one at least. */
static int64_t last_offset_of(struct slice set)
{
    int64_t last = 0;
    size_t size;

    while (check_start(set, &size) == 0) {
        last = bytes_load_i64(set.data);
        set = behind(set, size);
    }
    return last;
}

/* What the offsets inside of the open wrapper are relative to. */
static int find_base(struct old_reader *reader)
{
    int64_t last = last_offset_of(reader->inside);

    reader->base = 0;
    if (reader->wrapper.magic == 0 || reader->wrapper.offset == 0)
        return 0;
    if (reader->wrapper.offset < last)
        return BATCH_E_RECORD;
    reader->base = (int64_t)((uint64_t)reader->wrapper.offset - (uint64_t)last);
    return 0;
}

/* Decodes the wrapper that was read. */
static int open_wrapper(struct old_reader *reader)
{
    const struct old_message *wrapper = &reader->wrapper;
    enum compress_codec codec = wrapper->attributes & BATCH_CODEC_MASK;
    size_t size;
    int r;

    if (codec >= COMPRESS_CODEC_COUNT)
        return BATCH_E_CODEC;
    if (codec == COMPRESS_ZSTD || slice_is_null(wrapper->value)) /* These formats have none. */
        return BATCH_E_RECORD;
    text_cut(reader->scratch, 0);
    r = codec == COMPRESS_LZ4 && wrapper->magic == 0 ? decode_marked(reader, wrapper->value)
                                                     : decode(reader, codec, wrapper->value);
    if (r)
        return r;
    reader->inside = text_slice(reader->scratch);
    r = check_start(reader->inside, &size);
    if (r) /* Not one whole message is in it. */
        return r == BATCH_E_MALFORMED ? r : BATCH_E_RECORD;
    return find_base(reader);
}

static void read_record(const struct old_message *message, int64_t base, struct record *out)
{
    *out = (struct record){
        .offset = (int64_t)((uint64_t)base + (uint64_t)message->offset),
        .timestamp = message->timestamp,
        .key = message->key,
        .value = message->value,
        .headers = slice_empty(),
    };
}

/* The next record of the open wrapper, if there is one. */
static int next_inside(struct old_reader *reader, struct record *out)
{
    const struct old_message *wrapper = &reader->wrapper;
    struct old_message message;
    int r = old_message_parse(reader->inside, &message);

    if (r == BATCH_E_MAGIC)
        return BATCH_E_RECORD;
    if (r)
        return r;
    if (message.magic != wrapper->magic || message.attributes & BATCH_CODEC_MASK)
        return BATCH_E_RECORD;
    read_record(&message, reader->base, out);
    if (wrapper->attributes & BATCH_IS_APPEND_TIME) /* Format 0 has no time there either. */
        out->timestamp = wrapper->timestamp;
    reader->inside = behind(reader->inside, message.size);
    return 0;
}

/* The next message of the set: a plain one is the record itself. */
static int next_outside(struct old_reader *reader, struct record *out, bool *out_is_wrapper)
{
    struct old_message message;
    int r = old_message_parse(reader->rest, &message);

    if (r)
        return r;
    *out_is_wrapper = message.attributes & BATCH_CODEC_MASK;
    reader->wrapper = message;
    if (*out_is_wrapper)
        r = open_wrapper(reader);
    else
        read_record(&message, 0, out);
    if (r == 0)
        reader->rest = behind(reader->rest, message.size);
    return r;
}

int old_reader_next(struct old_reader *reader, struct record *out, bool *out_end)
{
    bool is_wrapper = false;
    int r = 0;

    do {
        if (reader->inside.size) {
            r = next_inside(reader, out);
            if (r == 0)
                *out_end = false;
            if (r != BATCH_E_SHORT)
                return r;
            reader->has_cut_wrapper = true;
            reader->inside = slice_empty();
        }
        r = next_outside(reader, out, &is_wrapper);
    } while (r == 0 && is_wrapper);
    *out_end = r == BATCH_E_SHORT;
    return r == BATCH_E_SHORT ? 0 : r;
}
