/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/snapshot.h"

#include "meta/metadata_control.h"
#include "wire/codec.h"
#include "wire/msg/kraft_version_record.h"
#include "wire/msg/snapshot_footer_record.h"
#include "wire/msg/snapshot_header_record.h"

#include <inttypes.h>
#include <stdio.h>

enum { BATCH_SIZE = 1024 * 1024, END_DIGITS = 20, EPOCH_DIGITS = 10 };

/* --- names ------------------------------------------------------------------ */

void snapshot_print_name(struct snapshot_id id, char out[static SNAPSHOT_NAME_SIZE])
{
    (void)snprintf(out, SNAPSHOT_NAME_SIZE, "%020" PRId64 "-%010" PRId32 ".checkpoint", id.end,
                   id.epoch);
}

/* The number of `digits` digits at the start of `text`, or -1. */
static int64_t parse_digits(const char *text, int digits, int64_t max)
{
    int64_t value = 0;

    for (int i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9' || value > (max - (text[i] - '0')) / 10)
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

bool snapshot_parse_name(const char *name, struct snapshot_id *out)
{
    int64_t end = parse_digits(name, END_DIGITS, INT64_MAX);
    int64_t epoch;

    if (end < 0 || name[END_DIGITS] != '-')
        return false;
    epoch = parse_digits(name + END_DIGITS + 1, EPOCH_DIGITS, INT32_MAX);
    if (epoch < 0 || strcmp(name + END_DIGITS + 1 + EPOCH_DIGITS, ".checkpoint") != 0)
        return false;
    *out = (struct snapshot_id){.end = end, .epoch = (int32_t)epoch};
    return true;
}

/* --- writing ---------------------------------------------------------------- */

void snapshot_add_control(struct batch_builder *batch, int64_t now_ms, int16_t type,
                          struct slice value)
{
    uint8_t key[] = {0, 0, (uint8_t)(type >> 8), (uint8_t)type};

    batch->attributes |= BATCH_IS_CONTROL;
    batch_builder_add(batch, now_ms, slice_of(key, sizeof(key)), value, NULL, 0);
}

static void add_control(struct snapshot_writer *w, int16_t type, const struct wire_message *message,
                        const void *fields)
{
    struct codec_output value;
    struct arena arena;
    int r;

    arena_init(&arena, NULL);
    r = codec_encode(message, 0, fields, &arena, &value);
    assert(r == 0); /* Numbers only. */
    snapshot_add_control(&w->batch, w->terms.now_ms, type, slice_of(value.data, value.size));
    arena_reset(&arena);
}

static void end_batch(struct snapshot_writer *w)
{
    int64_t count = w->batch.count;
    int r;

    if (count == 0)
        return;
    r = batch_builder_finish(&w->batch, COMPRESS_NONE, w->next, w->terms.epoch, w->out);
    assert(r == 0); /* There is no codec to fail. */
    w->batch.attributes = 0;
    w->next += count;
}

void snapshot_begin(struct snapshot_writer *w, const struct snapshot_terms *terms, struct text *out)
{
    struct snapshot_header_record header = {.last_contained_log_timestamp =
                                                terms->last_timestamp_ms};
    struct kraft_version_record version = {.kraft_version = terms->kraft_version};

    *w = (struct snapshot_writer){.terms = *terms, .out = out};
    batch_builder_init(&w->batch);
    add_control(w, METADATA_CONTROL_SNAPSHOT_HEADER, &snapshot_header_record_message, &header);
    if (terms->kraft_version > 0) {
        add_control(w, METADATA_CONTROL_KRAFT_VERSION, &kraft_version_record_message, &version);
        if (!slice_is_null(terms->voters))
            snapshot_add_control(&w->batch, terms->now_ms, METADATA_CONTROL_VOTERS, terms->voters);
    }
    w->terms.voters = slice_null();
    end_batch(w);
}

void snapshot_add(struct snapshot_writer *w, struct slice record)
{
    if (w->batch.count > 0 && batch_builder_size(&w->batch) + record.size > BATCH_SIZE)
        end_batch(w);
    batch_builder_add(&w->batch, w->terms.now_ms, slice_null(), record, NULL, 0);
}

void snapshot_end(struct snapshot_writer *w)
{
    struct snapshot_footer_record footer = {.version = 0};

    end_batch(w);
    add_control(w, METADATA_CONTROL_SNAPSHOT_FOOTER, &snapshot_footer_record_message, &footer);
    end_batch(w);
    batch_builder_fini(&w->batch);
}

void snapshot_fini(struct snapshot_writer *w)
{
    batch_builder_fini(&w->batch);
}
