/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_read.c - from an offset to bytes that can be sent as they are. */

#include "base/err.h"
#include "store/log_internal.h"

void log_range_release(struct log_range *range)
{
    range->file = file_unref(range->file);
    range->size = 0;
}

/* Walks from `position` to the first batch that ends at `offset` or behind it.  SCAN_E_BROKEN: what
 * is at `out->position` is none. */
static int walk_to(const struct segment *segment, uint64_t position, int64_t offset,
                   struct scan_batch *out, bool *out_end)
{
    int64_t highest_first = position > 0 ? offset : INT64_MAX;
    struct scan scan;
    int r;

    scan_init(&scan, segment->file, position, segment->size);
    while ((r = scan_next_header(&scan, out, out_end)) == 0 && !*out_end) {
        if (out->header.base_offset > highest_first)
            r = LOG_E_CORRUPT; /* The index led us past it, or there is no order. */
        if (r || batch_last_offset(&out->header) >= offset)
            break;
        highest_first = INT64_MAX;
    }
    if (r == SCAN_E_BROKEN)
        out->position = scan.position;
    scan_fini(&scan);
    return r;
}

/* The batch of a segment that has `offset`, or in a hole the one behind it; `*out_end` is
 * true instead if the segment has none.  The file is open. */
static int find_batch(struct log *log, size_t at, int64_t offset, struct scan_batch *out,
                      bool *out_end)
{
    struct segment_place place = log_place(log);
    struct segment *segment = &log->segments[at];
    uint64_t position = 0;
    int r = segment_find(segment, &place, offset, log_is_active(log, at), &position);

    if (r == 0)
        r = walk_to(segment, position, offset, out, out_end);
    if (r > 0 && position > 0) /* The index lies, perhaps not the batches. */
        r = walk_to(segment, 0, offset, out, out_end);
    if (r == SCAN_E_BROKEN)
        log_note_damage(log, segment, out->position);
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

/* Where `limit` is in the segment: the end of what may be sent of it. */
static int find_limit(struct log *log, size_t at, int64_t limit, uint64_t *out)
{
    const struct segment *segment = &log->segments[at];
    struct scan_batch batch;
    bool at_end = false;
    int r;

    *out = segment->size;
    if (limit >= log_segment_end(log, at))
        return 0;
    if (limit == log->synced_mark.offset && segment->base == log->synced_mark.base) {
        *out = log->synced_mark.position;
        return 0;
    }
    r = find_batch(log, at, limit, &batch, &at_end);
    if (r == 0 && !at_end)
        *out = batch.position;
    return r;
}

/* As log_read() in one segment; `*out_end` is true if it has nothing from `offset` on. */
static int read_segment(struct log *log, size_t at, int64_t offset, int64_t limit, size_t bytes_max,
                        bool at_least_one, struct log_range *out, bool *out_end)
{
    struct segment_place place = log_place(log);
    struct segment *segment = &log->segments[at];
    struct scan_batch first;
    uint64_t end = 0;
    int r = segment_touch(segment, &place);

    if (r == 0)
        r = find_batch(log, at, offset, &first, out_end);
    if (r == 0 && !*out_end && log_is_damaged_at(segment, first.position))
        r = LOG_E_CORRUPT;
    if (r == 0 && !*out_end)
        r = find_limit(log, at, limit, &end);
    if (r == 0 && !*out_end && first.position < end) {
        if (at_least_one)
            bytes_max = max_of(bytes_max, first.header.size);
        if (bytes_max > 0)
            *out = (struct log_range){.file = file_ref(segment->file),
                                      .fd = segment->file->fd,
                                      .base = segment->base,
                                      .position = first.position,
                                      .size = (size_t)min_of(bytes_max, end - first.position)};
        out->good = log_known_good(segment, out->position, out->size);
    }
    if (!log_is_active(log, at))
        segment_rest(segment);
    return r;
}

int log_read(struct log *log, int64_t offset, int64_t limit, size_t bytes_max, bool at_least_one,
             struct log_range *out)
{
    *out = (struct log_range){.file = NULL};
    if (offset < log->start || offset > log->end)
        return LOG_E_OUT_OF_RANGE;
    limit = min_of(limit, log->written);
    for (size_t at = log_find_segment(log, offset); at < log->segment_count; at++) {
        bool at_end = false;
        int r;

        if (max_of(offset, log->segments[at].base) >= limit)
            break;
        r = read_segment(log, at, offset, limit, bytes_max, at_least_one, out, &at_end);
        if (r || !at_end)
            return r;
    }
    return 0;
}
