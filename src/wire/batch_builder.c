/* SPDX-License-Identifier: Apache-2.0 */

/* wire/batch_builder.c - puts a batch together, record by record. */

#include "wire/batch.h"
#include "wire/batch_internal.h"
#include "wire/varint.h"

/* Attributes, time, offset and the key's length; length and the value's are as short. */
enum { RECORD_PART_MAX = 1 + 4 * VARINT_SIZE_MAX };

void batch_builder_init(struct batch_builder *builder)
{
    *builder = (struct batch_builder){
        .base_timestamp = BATCH_NO_TIMESTAMP,
        .max_timestamp = BATCH_NO_TIMESTAMP,
        .producer_id = -1,
        .producer_epoch = -1,
        .base_sequence = -1,
    };
}

void batch_builder_fini(struct batch_builder *builder)
{
    text_fini(&builder->records);
}

size_t batch_builder_size(const struct batch_builder *builder)
{
    return BATCH_HEADER_SIZE + builder->records.size;
}

/* --- a record --------------------------------------------------------------- */

static int64_t length_of(struct slice bytes)
{
    return slice_is_null(bytes) ? -1 : (int64_t)bytes.size;
}

static size_t bytes_size(struct slice bytes)
{
    return varint_size_signed(length_of(bytes)) + bytes.size;
}

static void add_bytes(struct text *out, struct slice bytes)
{
    uint8_t length[VARINT_SIZE_MAX];

    text_add(out, length, varint_encode_signed(length_of(bytes), length));
    if (bytes.size)
        text_add(out, bytes.data, bytes.size);
}

static size_t headers_size(const struct record_header *headers, size_t count)
{
    size_t size = varint_size_signed((int64_t)count);

    for (size_t i = 0; i < count; i++)
        size += bytes_size(headers[i].key) + bytes_size(headers[i].value);
    return size;
}

static void add_headers(struct text *out, const struct record_header *headers, size_t count)
{
    uint8_t number[VARINT_SIZE_MAX];

    text_add(out, number, varint_encode_signed((int64_t)count, number));
    for (size_t i = 0; i < count; i++) {
        assert(!slice_is_null(headers[i].key));
        add_bytes(out, headers[i].key);
        add_bytes(out, headers[i].value);
    }
}

void batch_builder_add(struct batch_builder *builder, int64_t timestamp, struct slice key,
                       struct slice value, const struct record_header *headers, size_t header_count)
{
    struct text *out = &builder->records;
    uint8_t part[RECORD_PART_MAX];
    int64_t time_delta;
    size_t size;
    size_t n;

    if (!builder->count)
        builder->base_timestamp = builder->max_timestamp = timestamp;
    builder->max_timestamp = max_of(builder->max_timestamp, timestamp);
    time_delta = (int64_t)((uint64_t)timestamp - (uint64_t)builder->base_timestamp);
    size = 1 + varint_size_signed(time_delta) + varint_size_signed(builder->count) +
           bytes_size(key) + bytes_size(value) + headers_size(headers, header_count);

    assert(size <= INT32_MAX);
    n = varint_encode_signed((int64_t)size, part);
    part[n++] = 0; /* The attributes of a record mean nothing yet. */
    n += varint_encode_signed(time_delta, part + n);
    n += varint_encode_signed(builder->count, part + n);
    text_add(out, part, n);
    add_bytes(out, key);
    add_bytes(out, value);
    add_headers(out, headers, header_count);
    builder->count++;
}

/* --- the batch -------------------------------------------------------------- */

/* Forgets the records, but not what the caller set. */
static void restart(struct batch_builder *builder)
{
    text_cut(&builder->records, 0);
    builder->count = 0;
    builder->base_timestamp = builder->max_timestamp = BATCH_NO_TIMESTAMP;
}

int batch_builder_finish(struct batch_builder *builder, enum compress_codec codec,
                         int64_t base_offset, int32_t leader_epoch, struct text *out)
{
    size_t start = out->size;
    struct slice records = text_slice(&builder->records);
    struct batch_header header;

    assert(builder->count > 0);
    (void)text_add_space(out, BATCH_HEADER_SIZE);
    if (codec == COMPRESS_NONE) {
        text_add(out, records.data, records.size);
    } else if (compress_encode(codec, records, builder->cache, out)) {
        text_cut(out, start);
        return BATCH_E_COMPRESSED;
    }
    header = (struct batch_header){
        .size = out->size - start,
        .base_offset = base_offset,
        .leader_epoch = leader_epoch,
        .attributes = (uint16_t)((builder->attributes & ~BATCH_CODEC_MASK) | codec),
        .last_offset_delta = builder->count - 1,
        .base_timestamp = builder->base_timestamp,
        .max_timestamp = builder->max_timestamp,
        .producer_id = builder->producer_id,
        .producer_epoch = builder->producer_epoch,
        .base_sequence = builder->base_sequence,
        .record_count = builder->count,
    };
    batch_write_header((uint8_t *)out->data + start, &header);
    restart(builder);
    return 0;
}
