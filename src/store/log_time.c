/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_time.c - from a time to the first record that is at least as late. */

#include "base/err.h"
#include "store/log_internal.h"

enum { DECODED_MAX = 64 * 1024 * 1024 };

/* The first record of the batch, at or after offset `from`, that is late enough. */
static int look_in_batch(struct slice bytes, int64_t timestamp, int64_t limit,
                         struct log_time_offset *out)
{
    struct text scratch = {.data = NULL};
    struct batch_reader reader;
    struct record record;
    bool at_end = false;
    int r = batch_reader_open(&reader, bytes, &scratch, NULL, DECODED_MAX);

    while (r == 0 && (r = batch_reader_next(&reader, &record, &at_end)) == 0 && !at_end) {
        if (record.offset < limit && record.timestamp >= timestamp) {
            *out = (struct log_time_offset){.offset = record.offset, .timestamp = record.timestamp};
            break;
        }
    }
    text_fini(&scratch);
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

static int look_in_segment(struct log *log, size_t at, int64_t timestamp, int64_t limit,
                           struct log_time_offset *out)
{
    struct segment_place place = log_place(log);
    struct segment *segment = &log->segments[at];
    bool is_active = at + 1 == log->segment_count;
    uint64_t position = 0;
    struct scan scan;
    struct scan_batch batch;
    bool at_end = false;
    int64_t from = 0;
    int r = segment_touch(segment, &place);

    if (r == 0)
        r = segment_find_time(segment, &place, timestamp, is_active, &from);
    if (r == 0)
        r = segment_find(segment, &place, from, is_active, &position);
    if (r)
        return err_pass(r);
    scan_init(&scan, segment->file, position, segment->size);
    while (out->offset < 0 && (r = scan_next(&scan, &batch, &at_end)) == 0 && !at_end) {
        if (batch.header.base_offset >= limit)
            break;
        if (batch.header.max_timestamp >= timestamp)
            r = look_in_batch(batch.bytes, timestamp, limit, out);
        if (r)
            break;
    }
    scan_fini(&scan);
    if (!is_active)
        segment_rest(segment);
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

int log_find_time(struct log *log, int64_t timestamp, int64_t limit, struct log_time_offset *out)
{
    struct segment_place place = log_place(log);
    struct log_time_offset found = {.offset = -1, .timestamp = -1};

    for (size_t i = 0; i < log->segment_count && log->segments[i].base < limit; i++) {
        struct index_entry largest;
        int r = segment_largest(&log->segments[i], &place, i + 1 == log->segment_count, &largest);

        if (r)
            return err_pass(r);
        if (largest.key < timestamp && largest.key >= 0)
            continue;
        r = look_in_segment(log, i, timestamp, limit, &found);
        if (r)
            return r;
        if (found.offset >= 0)
            break;
    }
    *out = found;
    return 0;
}

int log_find_max_time(struct log *log, int64_t limit, struct log_time_offset *out)
{
    struct segment_place place = log_place(log);
    int64_t largest = -1;

    *out = (struct log_time_offset){.offset = -1, .timestamp = -1};
    for (size_t i = 0; i < log->segment_count && log->segments[i].base < limit; i++) {
        struct index_entry entry;
        int r = segment_largest(&log->segments[i], &place, i + 1 == log->segment_count, &entry);

        if (r)
            return err_pass(r);
        largest = max_of(largest, entry.key);
    }
    /* Where what has the largest time is not visible yet, nothing is found, as in Kafka. */
    return largest < 0 ? 0 : log_find_time(log, largest, limit, out);
}

/* --- where segments begin ---------------------------------------------------- */

static void add_start(const struct log_starts_query *query, int64_t offset, struct text *out)
{
    size_t count = out->size / sizeof(offset);
    int64_t before = INT64_MAX;

    offset = min_of(offset, query->limit);
    if (count)
        memcpy(&before, out->data + out->size - sizeof(before), sizeof(before));
    if (count < query->max && offset < before)
        text_add(out, &offset, sizeof(offset));
}

int log_list_starts(struct log *log, const struct log_starts_query *query, struct text *out)
{
    struct segment_place place = log_place(log);
    bool is_found = query->timestamp >= query->now_ms;

    if (is_found && log_active(log)->size > 0)
        add_start(query, log->written, out);
    for (size_t i = log->segment_count; i > 0; i--) {
        struct segment *segment = &log->segments[i - 1];
        struct index_entry last;
        int r = segment_largest(segment, &place, i == log->segment_count, &last);

        if (r)
            return err_pass(r);
        if (last.key < 0 && i == log->segment_count)
            last.key = query->now_ms;
        is_found |= last.key <= query->timestamp;
        if (is_found)
            add_start(query, max_of(segment->base, log_start(log)), out);
    }
    return 0;
}
