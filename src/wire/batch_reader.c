/* SPDX-License-Identifier: Apache-2.0 */

/* wire/batch_reader.c - walks the records of a batch whose checksum is good.
 *
 * It reads what Kafka's own reader reads: any negative length of a key or value is null.
 * Producers are held to more, by wire/batch_check.c.
 */

#include "wire/batch.h"
#include "wire/varint.h"

/* --- numbers and bytes, taken off the front of a slice ---------------------- */

static struct slice behind(struct slice bytes, size_t n)
{
    return slice_of(bytes.data + n, bytes.size - n);
}

static bool take_i32(struct slice *rest, int32_t *out)
{
    size_t used;

    if (varint_decode_i32(rest->data, rest->size, out, &used))
        return false;
    *rest = behind(*rest, used);
    return true;
}

static bool take_i64(struct slice *rest, int64_t *out)
{
    size_t used;

    if (varint_decode_i64(rest->data, rest->size, out, &used))
        return false;
    *rest = behind(*rest, used);
    return true;
}

static bool take_bytes(struct slice *rest, struct slice *out)
{
    int32_t size;

    if (!take_i32(rest, &size))
        return false;
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

/* --- a record --------------------------------------------------------------- */

int record_next_header(struct slice *headers, struct record_header *out)
{
    struct record_header header;
    struct slice rest = *headers;

    if (!take_bytes(&rest, &header.key) || slice_is_null(header.key) ||
        !take_bytes(&rest, &header.value))
        return BATCH_E_RECORD;
    *headers = rest;
    *out = header;
    return 0;
}

/* True if `headers` is `count` headers and nothing else. */
static bool headers_are_whole(struct slice headers, int32_t count)
{
    struct record_header header;

    if (count < 0 || (size_t)count > headers.size)
        return false;
    for (; count; count--)
        if (record_next_header(&headers, &header))
            return false;
    return headers.size == 0;
}

static int64_t record_time(const struct batch_header *batch, int64_t delta)
{
    if (batch->attributes & BATCH_IS_APPEND_TIME)
        return batch->max_timestamp;
    return (int64_t)((uint64_t)batch->base_timestamp + (uint64_t)delta);
}

/* `body` is what the record's length counts. */
static int decode_record(const struct batch_header *batch, struct slice body, struct record *out)
{
    struct record record;
    int64_t time_delta;
    int32_t offset_delta;

    if (body.size < 1) /* The attributes, of which no bit means anything. */
        return BATCH_E_RECORD;
    body = behind(body, 1);
    if (!take_i64(&body, &time_delta) || !take_i32(&body, &offset_delta) ||
        !take_bytes(&body, &record.key) || !take_bytes(&body, &record.value) ||
        !take_i32(&body, &record.header_count))
        return BATCH_E_RECORD;
    if (!headers_are_whole(body, record.header_count))
        return BATCH_E_RECORD;
    record.headers = body;
    record.offset = (int64_t)((uint64_t)batch->base_offset + (uint64_t)(int64_t)offset_delta);
    record.timestamp = record_time(batch, time_delta);
    *out = record;
    return 0;
}

/* --- the reader ------------------------------------------------------------- */

static int decompress(struct batch_reader *reader, struct slice records,
                      struct inflater_cache *cache, size_t decoded_max)
{
    enum compress_codec codec = (enum compress_codec)batch_codec(&reader->header);

    switch (compress_decode(codec, records, decoded_max, cache, reader->scratch)) {
    case 0: break;
    case COMPRESS_E_TOO_LARGE: return BATCH_E_NO_MEMORY;
    default: return BATCH_E_COMPRESSED;
    }
    reader->rest = text_slice(reader->scratch);
    return 0;
}

int batch_reader_open(struct batch_reader *reader, struct slice bytes, struct text *scratch,
                      struct inflater_cache *cache, size_t decoded_max)
{
    struct slice records;
    int r;

    *reader = (struct batch_reader){.scratch = scratch};
    text_cut(scratch, 0);
    r = batch_parse(bytes, &reader->header);
    if (r)
        return r;
    if (reader->header.size > bytes.size)
        return BATCH_E_SHORT;
    if (reader->header.record_count < 0)
        return BATCH_E_MALFORMED;
    if (batch_codec(&reader->header) >= COMPRESS_CODEC_COUNT)
        return BATCH_E_CODEC;
    reader->left = reader->header.record_count;
    records = slice_of(bytes.data + BATCH_HEADER_SIZE, reader->header.size - BATCH_HEADER_SIZE);
    if (batch_codec(&reader->header) != COMPRESS_NONE && records.size)
        return decompress(reader, records, cache, decoded_max);
    reader->rest = records;
    return 0;
}

int batch_reader_next(struct batch_reader *reader, struct record *out, bool *out_end)
{
    struct slice rest = reader->rest;
    int32_t size;
    int r;

    *out_end = reader->left == 0;
    if (*out_end)
        return rest.size ? BATCH_E_RECORD : 0;
    if (!take_i32(&rest, &size) || size < 0 || (size_t)size > rest.size)
        return BATCH_E_RECORD;
    r = decode_record(&reader->header, slice_of(rest.data, (size_t)size), out);
    if (r)
        return r;
    rest = behind(rest, (size_t)size);
    if (reader->left == 1 && rest.size) /* More than was counted: Kafka refuses the last one. */
        return BATCH_E_RECORD;
    reader->rest = rest;
    reader->left--;
    return 0;
}
