/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/metadata_reader.h"

#include "meta/metadata_control.h"
#include "wire/batch.h"
#include "wire/bytes.h"
#include "wire/codec.h"
#include "wire/msg/kraft_version_record.h"
#include "wire/msg/snapshot_header_record.h"

enum { DECODED_MAX = 64 * 1024 * 1024, KEY_SIZE = 4 };

void metadata_reader_init(struct metadata_reader *reader, metadata_record_fn *fn, void *context)
{
    *reader = (struct metadata_reader){.fn = fn,
                                       .context = context,
                                       .next = -1,
                                       .epoch = -1,
                                       .last_timestamp = -1,
                                       .snapshot_timestamp = -1};
}

void metadata_reader_fini(struct metadata_reader *reader)
{
    text_fini(&reader->scratch);
    text_fini(&reader->voters);
}

/* Fields behind those that we know are not looked at. */
static int decode(const struct wire_message *message, struct slice value, void *out)
{
    size_t used;

    if (slice_is_null(value) || codec_decode(message, 0, value, NULL, out, &used))
        return METADATA_READER_E_CORRUPT;
    return 0;
}

static int take_header(struct metadata_reader *reader, struct slice value)
{
    struct snapshot_header_record header;
    int r = decode(&snapshot_header_record_message, value, &header);

    reader->has_header = true;
    if (r == 0)
        reader->snapshot_timestamp = header.last_contained_log_timestamp;
    return r;
}

static int take_version(struct metadata_reader *reader, struct slice value)
{
    struct kraft_version_record version;
    int r = decode(&kraft_version_record_message, value, &version);

    if (r == 0)
        reader->kraft_version = version.kraft_version;
    return r;
}

static int take_control(struct metadata_reader *reader, const struct record *record)
{
    if (record->key.size < KEY_SIZE)
        return METADATA_READER_E_CORRUPT;
    switch (bytes_load_i16(record->key.data + 2)) {
    case METADATA_CONTROL_SNAPSHOT_HEADER: return take_header(reader, record->value);
    case METADATA_CONTROL_SNAPSHOT_FOOTER: reader->has_footer = true; return 0;
    case METADATA_CONTROL_KRAFT_VERSION: return take_version(reader, record->value);
    case METADATA_CONTROL_VOTERS:
        text_cut(&reader->voters, 0);
        text_add(&reader->voters, record->value.data, record->value.size);
        return 0;
    default: return 0; /* Who leads, and what is to come. */
    }
}

static int take_records(struct metadata_reader *reader, struct batch_reader *batch)
{
    bool is_control = batch_is_control(&batch->header);
    struct record record;
    bool at_end = false;
    int r;

    while ((r = batch_reader_next(batch, &record, &at_end)) == 0 && !at_end) {
        if (is_control)
            r = take_control(reader, &record);
        else if (reader->fn)
            r = reader->fn(reader->context, record.offset, record.value);
        if (r)
            return r;
    }
    return r ? METADATA_READER_E_CORRUPT : 0;
}

static int take_batch(struct metadata_reader *reader, struct slice bytes)
{
    struct batch_reader batch;
    int r;

    if (!batch_crc_is_good(bytes) ||
        batch_reader_open(&batch, bytes, &reader->scratch, NULL, DECODED_MAX))
        return METADATA_READER_E_CORRUPT;
    if ((reader->next >= 0 && batch.header.base_offset != reader->next) ||
        batch.header.leader_epoch < reader->epoch)
        return METADATA_READER_E_CORRUPT;
    r = take_records(reader, &batch);
    if (r)
        return r;
    reader->next = batch_last_offset(&batch.header) + 1;
    reader->epoch = batch.header.leader_epoch;
    if (!batch_is_control(&batch.header))
        reader->last_timestamp = max_of(reader->last_timestamp, batch.header.max_timestamp);
    return 0;
}

int metadata_reader_feed(struct metadata_reader *reader, struct slice bytes, size_t *out_used)
{
    struct batch_header header;
    size_t at = 0;
    int r;

    while ((r = batch_parse(slice_of(bytes.data + at, bytes.size - at), &header)) == 0 &&
           header.size <= bytes.size - at) {
        r = take_batch(reader, slice_of(bytes.data + at, header.size));
        if (r)
            return r;
        at += header.size;
    }
    if (r && r != BATCH_E_SHORT)
        return METADATA_READER_E_CORRUPT;
    *out_used = at;
    return 0;
}
