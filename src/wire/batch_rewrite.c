/* SPDX-License-Identifier: Apache-2.0 */

/* wire/batch_rewrite.c - what compaction leaves of a batch, and batches compressed anew.
 *
 * Records keep their offsets and times; the batch keeps the range of its offsets, its producer
 * and its sequence, so that it is still known how far the producer came.
 */

#include "wire/batch.h"
#include "wire/batch_internal.h"
#include "wire/varint.h"

/* Length, attributes, time, offset and the key's length; those of value and headers. */
enum { RECORD_PART_MAX = 1 + 4 * VARINT_SIZE_MAX };

void batch_rewrite_begin(struct batch_rewrite *rewrite, const struct batch_header *header,
                         int64_t delete_horizon)
{
    text_cut(&rewrite->records, 0);
    rewrite->header = *header;
    rewrite->header.record_count = 0;
    rewrite->header.max_timestamp = BATCH_NO_TIMESTAMP;
    rewrite->old_max_timestamp = header->max_timestamp;
    rewrite->has_base = delete_horizon >= 0 || (header->attributes & BATCH_HAS_DELETE_HORIZON);
    if (delete_horizon >= 0) {
        rewrite->header.attributes |= BATCH_HAS_DELETE_HORIZON;
        rewrite->header.base_timestamp = delete_horizon;
    }
}

void batch_rewrite_fini(struct batch_rewrite *rewrite)
{
    text_fini(&rewrite->records);
}

static int64_t length_of(struct slice bytes)
{
    return slice_is_null(bytes) ? -1 : (int64_t)bytes.size;
}

static void add_bytes(struct text *out, struct slice bytes)
{
    uint8_t length[VARINT_SIZE_MAX];

    text_add(out, length, varint_encode_signed(length_of(bytes), length));
    if (bytes.size)
        text_add(out, bytes.data, bytes.size);
}

static size_t bytes_size(struct slice bytes)
{
    return varint_size_signed(length_of(bytes)) + bytes.size;
}

void batch_rewrite_add(struct batch_rewrite *rewrite, const struct record *record)
{
    struct batch_header *header = &rewrite->header;
    struct text *out = &rewrite->records;
    uint8_t part[RECORD_PART_MAX];
    int64_t offset_delta = record->offset - header->base_offset;
    int64_t time_delta;
    size_t size;
    size_t n;

    assert(offset_delta >= 0 && offset_delta <= header->last_offset_delta);
    if (!rewrite->has_base)
        header->base_timestamp = record->timestamp;
    rewrite->has_base = true;
    header->max_timestamp = max_of(header->max_timestamp, record->timestamp);
    time_delta = (int64_t)((uint64_t)record->timestamp - (uint64_t)header->base_timestamp);
    size = 1 + varint_size_signed(time_delta) + varint_size_signed(offset_delta) +
           bytes_size(record->key) + bytes_size(record->value) +
           varint_size_signed(record->header_count) + record->headers.size;
    n = varint_encode_signed((int64_t)size, part);
    part[n++] = 0; /* The attributes of a record mean nothing yet. */
    n += varint_encode_signed(time_delta, part + n);
    n += varint_encode_signed(offset_delta, part + n);
    text_add(out, part, n);
    add_bytes(out, record->key);
    add_bytes(out, record->value);
    n = varint_encode_signed(record->header_count, part);
    text_add(out, part, n);
    if (record->headers.size)
        text_add(out, record->headers.data, record->headers.size);
    header->record_count++;
}

/* As Kafka has batches of which nothing is left. */
static void make_empty(struct batch_rewrite *rewrite)
{
    rewrite->header.attributes &= (uint16_t) ~(BATCH_CODEC_MASK | BATCH_HAS_DELETE_HORIZON);
    rewrite->header.base_timestamp = BATCH_NO_TIMESTAMP;
    rewrite->header.max_timestamp = rewrite->old_max_timestamp;
}

int batch_rewrite_finish(struct batch_rewrite *rewrite, struct text *out)
{
    struct slice records = text_slice(&rewrite->records);
    enum compress_codec codec;
    size_t start = out->size;

    if (rewrite->header.record_count == 0)
        make_empty(rewrite);
    codec = (enum compress_codec)batch_codec(&rewrite->header);
    (void)text_add_space(out, BATCH_HEADER_SIZE);
    if (codec == COMPRESS_NONE) {
        text_add(out, records.data, records.size);
    } else if (compress_encode(codec, records, rewrite->cache, out)) {
        text_cut(out, start);
        return BATCH_E_COMPRESSED;
    }
    rewrite->header.size = out->size - start;
    batch_write_header((uint8_t *)out->data + start, &rewrite->header);
    return 0;
}

static int copy_records(struct slice bytes, size_t decoded_max, struct inflater_cache *inflaters,
                        struct text *scratch, struct batch_rewrite *rewrite)
{
    struct batch_reader reader;
    struct record record;
    bool at_end = false;
    int r = batch_reader_open(&reader, bytes, scratch, inflaters, decoded_max);

    while (r == 0 && (r = batch_reader_next(&reader, &record, &at_end)) == 0 && !at_end)
        batch_rewrite_add(rewrite, &record);
    return r;
}

int batch_recompress(struct slice bytes, enum compress_codec codec, size_t decoded_max,
                     struct inflater_cache *inflaters, struct deflater_cache *deflaters,
                     struct text *out)
{
    struct batch_rules rules = {.is_append_time = true, .cache = inflaters};
    struct batch_rewrite rewrite = {.cache = deflaters};
    struct text scratch = {.data = NULL};
    struct batch_header header;
    int r = batch_parse(bytes, &header);

    if (r == 0)
        r = batch_check(bytes, &header, &rules);
    if (r)
        return r;
    batch_rewrite_begin(&rewrite, &header, -1);
    r = copy_records(bytes, decoded_max, inflaters, &scratch, &rewrite);
    rewrite.header.attributes =
        (uint16_t)((rewrite.header.attributes & ~BATCH_CODEC_MASK) | (unsigned)codec);
    if (r == 0)
        r = batch_rewrite_finish(&rewrite, out);
    batch_rewrite_fini(&rewrite);
    text_fini(&scratch);
    return r;
}
