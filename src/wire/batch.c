/* SPDX-License-Identifier: Apache-2.0 */

/* wire/batch.c - the header of a batch. */

#include "wire/batch.h"

#include "wire/batch_internal.h"
#include "wire/bytes.h"
#include "wire/crc32c.h"

/* The least that the length of a batch of any format says. */
enum { LENGTH_MIN_OF_ALL = 14, LENGTH_MIN = BATCH_HEADER_SIZE - BATCH_PREFIX_SIZE };

static uint32_t checksum(const uint8_t *batch, size_t size)
{
    return crc32c(batch + BATCH_CRC_FROM, size - BATCH_CRC_FROM);
}

static void read_fields(const uint8_t *p, struct batch_header *out)
{
    *out = (struct batch_header){
        .size = BATCH_PREFIX_SIZE + (size_t)bytes_load_i32(p + BATCH_AT_LENGTH),
        .base_offset = bytes_load_i64(p + BATCH_AT_BASE_OFFSET),
        .leader_epoch = bytes_load_i32(p + BATCH_AT_EPOCH),
        .crc = bytes_load_u32(p + BATCH_AT_CRC),
        .attributes = bytes_load_u16(p + BATCH_AT_ATTRIBUTES),
        .last_offset_delta = bytes_load_i32(p + BATCH_AT_LAST_OFFSET_DELTA),
        .base_timestamp = bytes_load_i64(p + BATCH_AT_BASE_TIMESTAMP),
        .max_timestamp = bytes_load_i64(p + BATCH_AT_MAX_TIMESTAMP),
        .producer_id = bytes_load_i64(p + BATCH_AT_PRODUCER_ID),
        .producer_epoch = bytes_load_i16(p + BATCH_AT_PRODUCER_EPOCH),
        .base_sequence = bytes_load_i32(p + BATCH_AT_BASE_SEQUENCE),
        .record_count = bytes_load_i32(p + BATCH_AT_RECORD_COUNT),
    };
}

int batch_parse(struct slice bytes, struct batch_header *out)
{
    int32_t length;

    if (bytes.size <= BATCH_AT_MAGIC)
        return BATCH_E_SHORT;
    length = bytes_load_i32(bytes.data + BATCH_AT_LENGTH);
    if (length < LENGTH_MIN_OF_ALL)
        return BATCH_E_MALFORMED;
    if (bytes.data[BATCH_AT_MAGIC] > BATCH_MAGIC)
        return BATCH_E_MALFORMED;
    if (bytes.data[BATCH_AT_MAGIC] < BATCH_MAGIC)
        return BATCH_E_MAGIC;
    if (length < LENGTH_MIN)
        return BATCH_E_MALFORMED;
    if (bytes.size < BATCH_HEADER_SIZE)
        return BATCH_E_SHORT;
    read_fields(bytes.data, out);
    return 0;
}

bool batch_crc_is_good(struct slice bytes)
{
    return bytes.size >= BATCH_HEADER_SIZE &&
           bytes_load_u32(bytes.data + BATCH_AT_CRC) == checksum(bytes.data, bytes.size);
}

void batch_set_place(uint8_t *batch, int64_t base_offset, int32_t leader_epoch)
{
    bytes_store_i64(batch + BATCH_AT_BASE_OFFSET, base_offset);
    bytes_store_i32(batch + BATCH_AT_EPOCH, leader_epoch);
}

void batch_set_append_time(uint8_t *batch, size_t size, int64_t time_ms)
{
    uint16_t attributes = bytes_load_u16(batch + BATCH_AT_ATTRIBUTES);

    assert(size >= BATCH_HEADER_SIZE);
    bytes_store_u16(batch + BATCH_AT_ATTRIBUTES, attributes | BATCH_IS_APPEND_TIME);
    bytes_store_i64(batch + BATCH_AT_MAX_TIMESTAMP, time_ms);
    bytes_store_u32(batch + BATCH_AT_CRC, checksum(batch, size));
}

void batch_set_max_timestamp(uint8_t *batch, size_t size, int64_t time_ms)
{
    assert(size >= BATCH_HEADER_SIZE);
    if (bytes_load_i64(batch + BATCH_AT_MAX_TIMESTAMP) == time_ms)
        return;
    bytes_store_i64(batch + BATCH_AT_MAX_TIMESTAMP, time_ms);
    bytes_store_u32(batch + BATCH_AT_CRC, checksum(batch, size));
}

void batch_write_header(uint8_t *batch, const struct batch_header *header)
{
    assert(header->size >= BATCH_HEADER_SIZE && header->size <= INT32_MAX);
    bytes_store_i64(batch + BATCH_AT_BASE_OFFSET, header->base_offset);
    bytes_store_i32(batch + BATCH_AT_LENGTH, (int32_t)(header->size - BATCH_PREFIX_SIZE));
    bytes_store_i32(batch + BATCH_AT_EPOCH, header->leader_epoch);
    batch[BATCH_AT_MAGIC] = BATCH_MAGIC;
    bytes_store_u16(batch + BATCH_AT_ATTRIBUTES, header->attributes);
    bytes_store_i32(batch + BATCH_AT_LAST_OFFSET_DELTA, header->last_offset_delta);
    bytes_store_i64(batch + BATCH_AT_BASE_TIMESTAMP, header->base_timestamp);
    bytes_store_i64(batch + BATCH_AT_MAX_TIMESTAMP, header->max_timestamp);
    bytes_store_i64(batch + BATCH_AT_PRODUCER_ID, header->producer_id);
    bytes_store_i16(batch + BATCH_AT_PRODUCER_EPOCH, header->producer_epoch);
    bytes_store_i32(batch + BATCH_AT_BASE_SEQUENCE, header->base_sequence);
    bytes_store_i32(batch + BATCH_AT_RECORD_COUNT, header->record_count);
    bytes_store_u32(batch + BATCH_AT_CRC, checksum(batch, header->size));
}
