/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/marker.h"

#include "wire/bytes.h"

enum { KEY_SIZE = 4, VALUE_SIZE = 6, DECODED_MAX = 1 << 20 };

static bool record_is_marker(const struct record *record, struct marker *out)
{
    int16_t type;

    if (record->key.size < KEY_SIZE || record->value.size < VALUE_SIZE)
        return false;
    type = bytes_load_i16(record->key.data + 2);
    if (type != MARKER_ABORT && type != MARKER_COMMIT)
        return false;
    *out = (struct marker){
        .type = (enum marker_type)type,
        .coordinator_epoch = bytes_load_i32(record->value.data + 2),
    };
    return true;
}

int marker_parse(struct slice bytes, struct marker *out, bool *out_is_marker)
{
    struct text scratch = {.data = NULL};
    struct batch_reader reader;
    struct record record;
    bool at_end = false;
    int r = batch_reader_open(&reader, bytes, &scratch, NULL, DECODED_MAX);

    if (r == 0)
        r = batch_reader_next(&reader, &record, &at_end);
    if (r == 0)
        *out_is_marker = !at_end && record_is_marker(&record, out);
    text_fini(&scratch);
    return r;
}

void marker_print(const struct marker *marker, const struct marker_of *of, struct text *out)
{
    struct batch_builder builder;
    uint8_t key[KEY_SIZE];
    uint8_t value[VALUE_SIZE];
    int r;

    bytes_store_i16(key, 0);
    bytes_store_i16(key + 2, (int16_t)marker->type);
    bytes_store_i16(value, 0);
    bytes_store_i32(value + 2, marker->coordinator_epoch);
    batch_builder_init(&builder);
    builder.producer_id = of->producer_id;
    builder.producer_epoch = of->producer_epoch;
    builder.base_sequence = -1;
    builder.attributes = BATCH_IS_TRANSACTIONAL | BATCH_IS_CONTROL;
    batch_builder_add(&builder, of->time_ms, slice_of(key, sizeof(key)),
                      slice_of(value, sizeof(value)), NULL, 0);
    r = batch_builder_finish(&builder, COMPRESS_NONE, 0, -1, out);
    assert(r == 0); /* Nothing is compressed. */
    batch_builder_fini(&builder);
}
