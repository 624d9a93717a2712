/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_time.c - from a time to the first record that is at least as late. */

#include "store/log_time.h"

#include "base/err.h"
#include "store/log_internal.h"

enum { DECODED_MAX = 64 * 1024 * 1024 };

/* What is looked for. */
struct wanted {
    int64_t timestamp;
    int64_t from, limit; /* Offsets: the first that counts, and the first behind those. */
};

static bool is_wanted(const struct wanted *wanted, int64_t offset, int64_t timestamp)
{
    return offset >= wanted->from && offset < wanted->limit && timestamp >= wanted->timestamp;
}

static void set_found(struct log_time_offset *out, const struct scan_batch *batch, int64_t offset,
                      int64_t timestamp)
{
    *out = (struct log_time_offset){
        .offset = offset, .timestamp = timestamp, .leader_epoch = batch->header.leader_epoch};
}

/* The first wanted record of the batch; `*out` is not touched if there is none.  Of a batch
 * that is too large to be looked into, the first record will do: too early is safe. */
static int look_in_batch(const struct scan_batch *batch, const struct wanted *wanted,
                         struct log_time_offset *out)
{
    struct text scratch = {.data = NULL};
    struct batch_reader reader;
    struct record record;
    bool at_end = false;
    int r = batch_reader_open(&reader, batch->bytes, &scratch, NULL, DECODED_MAX);

    if (r == BATCH_E_NO_MEMORY) {
        int64_t first = max_of(batch->header.base_offset, wanted->from);

        r = 0;
        at_end = true;
        if (is_wanted(wanted, first, batch->header.max_timestamp))
            set_found(out, batch, first, batch->header.max_timestamp);
    }
    while (r == 0 && !at_end && (r = batch_reader_next(&reader, &record, &at_end)) == 0 &&
           !at_end) {
        if (is_wanted(wanted, record.offset, record.timestamp)) {
            set_found(out, batch, record.offset, record.timestamp);
            break;
        }
    }
    text_fini(&scratch);
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

/* Looks into the batches from `position` on. */
static int look_in_batches(const struct segment *segment, uint64_t position,
                           const struct wanted *wanted, struct log_time_offset *out)
{
    struct scan scan;
    struct scan_batch batch;
    bool at_end = false;
    int r = 0;

    scan_init(&scan, segment->file, position, segment->size);
    while (out->offset < 0 && (r = scan_next(&scan, &batch, &at_end)) == 0 && !at_end) {
        if (batch.header.base_offset >= wanted->limit)
            break;
        if (batch.header.max_timestamp >= wanted->timestamp &&
            batch_last_offset(&batch.header) >= wanted->from)
            r = look_in_batch(&batch, wanted, out);
        if (r)
            break;
    }
    scan_fini(&scan);
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

/* Indexes have no checksums.  Those of a segment led to `position`, and said that nothing up to the
 * batch with the offset `from` is as late as what is wanted: whether that is so of this batch. */
static int check_hint(const struct segment *segment, uint64_t position, int64_t from,
                      const struct wanted *wanted, bool *out_is_good)
{
    struct scan_batch batch = {.position = 0};
    struct scan scan;
    bool at_end = false;
    int r;

    scan_init(&scan, segment->file, position, segment->size);
    r = scan_next_header(&scan, &batch, &at_end);
    *out_is_good = r == 0 && !at_end && batch.header.base_offset <= from;
    while (*out_is_good && batch_last_offset(&batch.header) < from) {
        r = scan_next_header(&scan, &batch, &at_end);
        *out_is_good = r == 0 && !at_end;
    }
    if (*out_is_good)
        *out_is_good = batch.header.max_timestamp < wanted->timestamp;
    scan_fini(&scan);
    return r > 0 ? 0 : err_pass(r);
}

static int look_in_segment(struct log *log, size_t at, const struct wanted *wanted,
                           struct log_time_offset *out)
{
    struct segment_place place = log_place(log);
    struct segment *segment = &log->segments[at];
    bool is_active = log_is_active(log, at);
    bool is_good = true;
    uint64_t position = 0;
    int64_t from = 0;
    int r = segment_touch(segment, &place);

    if (r == 0)
        r = segment_find_time(segment, &place, wanted->timestamp, is_active, &from);
    if (r == 0)
        r = segment_find(segment, &place, from, is_active, &position);
    if (r == 0 && position > 0)
        r = check_hint(segment, position, from, wanted, &is_good);
    if (!is_good)
        position = 0;
    if (r == 0)
        r = look_in_batches(segment, position, wanted, out);
    if (r == LOG_E_CORRUPT && position > 0) /* The index lies, perhaps not the batches. */
        r = look_in_batches(segment, 0, wanted, out);
    if (!is_active)
        segment_rest(segment);
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

int log_find_time(struct log *log, int64_t timestamp, int64_t limit, struct log_time_offset *out)
{
    struct segment_place place = log_place(log);
    struct wanted wanted = {.timestamp = timestamp, .from = log->start, .limit = limit};
    struct log_time_offset found = {.offset = -1, .timestamp = -1, .leader_epoch = -1};

    wanted.limit = min_of(limit, log->written);
    for (size_t i = 0; i < log->segment_count && log->segments[i].base < wanted.limit; i++) {
        struct index_entry largest = {.key = -1};
        int r = segment_largest(&log->segments[i], &place, log_is_active(log, i), &largest);

        if (r)
            return r > 0 ? LOG_E_CORRUPT : err_pass(r);
        if (largest.key < timestamp)
            continue;
        r = look_in_segment(log, i, &wanted, &found);
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

    *out = (struct log_time_offset){.offset = -1, .timestamp = -1, .leader_epoch = -1};
    for (size_t i = 0; i < log->segment_count; i++) {
        struct index_entry entry = {.key = -1};
        int r = segment_largest(&log->segments[i], &place, log_is_active(log, i), &entry);

        if (r)
            return r > 0 ? LOG_E_CORRUPT : err_pass(r);
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
