/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/frames.h"

#include "wire/batch.h"
#include "wire/bytes.h"

#include <time.h>

void put_i8(struct text *out, int8_t value)
{
    text_add(out, &value, sizeof(value));
}

void put_i16(struct text *out, int16_t value)
{
    bytes_store_i16(text_add_space(out, sizeof(value)), value);
}

void put_i32(struct text *out, int32_t value)
{
    bytes_store_i32(text_add_space(out, sizeof(value)), value);
}

void put_i64(struct text *out, int64_t value)
{
    bytes_store_i64(text_add_space(out, sizeof(value)), value);
}

void put_string(struct text *out, const char *value)
{
    put_i16(out, (int16_t)strlen(value));
    text_add(out, value, strlen(value));
}

size_t frame_begin_response(struct text *out, int32_t correlation)
{
    size_t at = out->size;

    put_i32(out, 0);
    put_i32(out, correlation);
    return at;
}

size_t frame_begin(struct text *out, int16_t key, int16_t version, int32_t correlation)
{
    size_t at = out->size;

    put_i32(out, 0);
    put_i16(out, key);
    put_i16(out, version);
    put_i32(out, correlation);
    put_string(out, "bench");
    return at;
}

void frame_end(struct text *out, size_t at)
{
    bytes_store_i32((uint8_t *)out->data + at, (int32_t)(out->size - at - FRAME_PREFIX));
}

void frame_create_topic(struct text *out, int32_t correlation, const char *topic,
                        int32_t partitions, const char *const *config)
{
    size_t at = frame_begin(out, FRAME_CREATE_TOPICS, 2, correlation);

    put_i32(out, 1);
    put_string(out, topic);
    put_i32(out, partitions);
    put_i16(out, 1); /* Replicas. */
    put_i32(out, 0); /* No assignments. */
    put_i32(out, config ? 1 : 0);
    if (config) {
        put_string(out, config[0]);
        put_string(out, config[1]);
    }
    put_i32(out, 10000); /* Timeout. */
    put_i8(out, 0);      /* Not only validated. */
    frame_end(out, at);
}

void frame_produce(struct text *out, int32_t correlation, const char *topic, int32_t partition,
                   int16_t acks, struct slice batch)
{
    size_t at = frame_begin(out, FRAME_PRODUCE, 7, correlation);

    put_i16(out, -1); /* No transactional id. */
    put_i16(out, acks);
    put_i32(out, 30000);
    put_i32(out, 1);
    put_string(out, topic);
    put_i32(out, 1);
    put_i32(out, partition);
    put_i32(out, (int32_t)batch.size);
    text_add(out, batch.data, batch.size);
    frame_end(out, at);
}

void frame_fetch(struct text *out, int32_t correlation, const char *topic, int32_t partition,
                 int64_t offset, int32_t bytes_max, int32_t wait_ms)
{
    size_t at = frame_begin(out, FRAME_FETCH, 11, correlation);

    put_i32(out, -1); /* A consumer. */
    put_i32(out, wait_ms);
    put_i32(out, 1); /* Minimum bytes. */
    put_i32(out, bytes_max);
    put_i8(out, 0);   /* Reads everything. */
    put_i32(out, 0);  /* No session ... */
    put_i32(out, -1); /* ... and none wanted. */
    put_i32(out, 1);
    put_string(out, topic);
    put_i32(out, 1);
    put_i32(out, partition);
    put_i32(out, -1); /* Any leader epoch. */
    put_i64(out, offset);
    put_i64(out, -1); /* No log start. */
    put_i32(out, bytes_max);
    put_i32(out, 0); /* Nothing forgotten. */
    put_string(out, "");
    frame_end(out, at);
}

void batch_make(struct text *out, int32_t count, size_t size)
{
    struct batch_builder builder;
    struct text value = {.data = NULL};
    struct timespec now;
    uint64_t chance = 88172645463325252u; /* Marsaglia's xorshift: bytes that do not compress. */
    uint8_t *bytes = text_add_space(&value, size);
    int r;

    for (size_t i = 0; i < size; i++) {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        bytes[i] = (uint8_t)chance;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    batch_builder_init(&builder);
    for (int32_t i = 0; i < count; i++)
        batch_builder_add(&builder, (int64_t)now.tv_sec * 1000, slice_null(), text_slice(&value),
                          NULL, 0);
    r = batch_builder_finish(&builder, COMPRESS_NONE, 0, -1, out);
    assert(r == 0); /* There is no codec that could fail. */
    batch_builder_fini(&builder);
    text_fini(&value);
}

struct slice get_bytes(struct reader *reader, size_t size)
{
    struct slice bytes = slice_of(reader->at, size);

    if ((size_t)(reader->end - reader->at) < size) {
        reader->is_bad = true;
        return slice_null();
    }
    reader->at += size;
    return bytes;
}

int8_t get_i8(struct reader *reader)
{
    struct slice bytes = get_bytes(reader, sizeof(int8_t));

    return bytes.data ? (int8_t)bytes.data[0] : 0;
}

int16_t get_i16(struct reader *reader)
{
    struct slice bytes = get_bytes(reader, sizeof(int16_t));

    return bytes.data ? bytes_load_i16(bytes.data) : 0;
}

int32_t get_i32(struct reader *reader)
{
    struct slice bytes = get_bytes(reader, sizeof(int32_t));

    return bytes.data ? bytes_load_i32(bytes.data) : 0;
}

int64_t get_i64(struct reader *reader)
{
    struct slice bytes = get_bytes(reader, sizeof(int64_t));

    return bytes.data ? bytes_load_i64(bytes.data) : 0;
}

struct slice get_string(struct reader *reader)
{
    int16_t size = get_i16(reader);

    return size < 0 ? slice_null() : get_bytes(reader, (size_t)size);
}

int16_t read_produce_error(struct reader *reader)
{
    get_i32(reader); /* One topic. */
    get_string(reader);
    get_i32(reader); /* One partition. */
    get_i32(reader);
    return get_i16(reader);
}

int16_t read_fetch(struct reader *reader, int64_t *out_high_watermark, struct slice *out_records)
{
    int16_t error;
    int32_t aborted;
    int32_t size;

    get_i32(reader); /* Throttle time. */
    error = get_i16(reader);
    get_i32(reader); /* Session. */
    get_i32(reader);
    get_string(reader);
    get_i32(reader);
    get_i32(reader);
    error = error ? error : get_i16(reader);
    *out_high_watermark = get_i64(reader);
    get_bytes(reader, 2 * sizeof(int64_t)); /* Last stable, log start. */
    aborted = get_i32(reader);
    get_bytes(reader, aborted > 0 ? (size_t)aborted * 2 * sizeof(int64_t) : 0);
    get_i32(reader); /* Preferred replica. */
    size = get_i32(reader);
    *out_records = size > 0 ? get_bytes(reader, (size_t)size) : slice_empty();
    return error;
}

int16_t read_create_error(struct reader *reader)
{
    get_i32(reader); /* Throttle time. */
    get_i32(reader);
    get_string(reader);
    return get_i16(reader);
}
