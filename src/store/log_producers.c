/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_producers.c - the state of producers, on disk and from the batches.
 *
 * A snapshot has the last batch of each producer, but a client may send again up to five.
 * The others are in the log: when a sequence does not fit for the first time since the log
 * was opened, the headers at its end are walked for them. */

#include "base/err.h"
#include "store/log_internal.h"

DIAG_MODULE("store");

enum {
    SNAPSHOT_SIZE_MAX = 256 * 1024 * 1024,
    TAIL_SIZE = 8 * 1024 * 1024, /* More than five of the largest batches that are usual. */
};

/* As Kafka does, none is written for the beginning of a log. */
void log_print_snapshot(const struct log *log, struct text *out)
{
    if (log->end != log->segments[0].base)
        producers_print(&log->producers, out);
}

int log_write_snapshot(struct log *log)
{
    char name[SEGMENT_NAME_SIZE];
    struct text bytes = {.data = NULL};
    int r;

    log_print_snapshot(log, &bytes);
    if (bytes.size == 0)
        return 0;
    segment_name(name, log->end, ".snapshot");
    r = file_replace(log->env.io, log->folder->fd, name, text_slice(&bytes));
    text_fini(&bytes);
    log->has_new_names = true;
    return err_pass(r);
}

/* --- from batches ----------------------------------------------------------- */

void log_replay_batch(struct producers *producers, const struct scan_batch *batch,
                      struct producers_change *change)
{
    struct marker marker;
    bool is_marker = false;

    if (batch_is_control(&batch->header) && marker_parse(batch->bytes, &marker, &is_marker))
        is_marker = false; /* Whoever wrote it: it ends nothing that we know of. */
    producers_update(producers, &batch->header, is_marker ? &marker : NULL, change);
    producers_settle(producers, INT64_MAX);
}

/* A part of a segment: positions of batches. */
struct stretch {
    const struct segment *segment;
    uint64_t from, to;
};

/* Tells `producers` the batches of the stretch that lie in a range of offsets. */
static int replay_stretch(const struct stretch *stretch, int64_t from, int64_t to,
                          struct producers *producers)
{
    struct scan scan;
    struct scan_batch batch;
    bool at_end = false;
    int r;

    scan_init(&scan, stretch->segment->file, stretch->from, stretch->to);
    while ((r = scan_next_control(&scan, &batch, &at_end)) == 0 && !at_end) {
        if (batch.header.base_offset >= to)
            break;
        if (batch.header.base_offset >= from)
            log_replay_batch(producers, &batch, NULL);
    }
    scan_fini(&scan);
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

/* From offset `from` to offset `to`, which is at `position` in the last segment. */
static int replay(struct log *log, int64_t from, int64_t to, uint64_t position)
{
    struct segment_place place = log_place(log);

    for (size_t i = log_find_segment(log, from); i < log->segment_count; i++) {
        struct segment *segment = &log->segments[i];
        bool was_open = segment->file != NULL;
        int r;

        if (segment->base >= to)
            break;
        r = segment_touch(segment, &place);
        if (r == 0) {
            struct stretch stretch = {.segment = segment,
                                      .to = log_is_active(log, i) ? position : segment->size};

            r = replay_stretch(&stretch, from, to, &log->producers);
        }
        if (!was_open)
            segment_rest(segment);
        if (r)
            return r;
    }
    return 0;
}

/* --- from snapshots --------------------------------------------------------- */

static bool load_snapshot(struct log *log, int64_t offset)
{
    struct text bytes = {.data = NULL};
    char name[SEGMENT_NAME_SIZE];
    bool is_good;

    segment_name(name, offset, ".snapshot");
    is_good = file_load(log->env.io, log->folder->fd, name, SNAPSHOT_SIZE_MAX, &bytes) == 0 &&
              producers_parse(&log->producers, text_slice(&bytes)) == 0;
    text_fini(&bytes);
    if (!is_good)
        diag_warn(log->env.diag, "producer snapshot cannot be used; an older one will do",
                  kv("log", log->name), kv("file", name));
    return is_good;
}

int log_load_producers(struct log *log, const struct log_listing *listing, int64_t at,
                       uint64_t position)
{
    int64_t from = listing->segments.items[0];

    for (size_t i = listing->snapshots.count; i > 0; i--) {
        int64_t offset = listing->snapshots.items[i - 1];

        if (offset <= at && offset >= from && load_snapshot(log, offset)) {
            from = offset;
            break;
        }
    }
    return from < at ? replay(log, from, at, position) : 0;
}

int log_drop_snapshots(struct log *log, const struct log_listing *listing)
{
    for (size_t i = 0; i < listing->snapshots.count; i++) {
        int64_t offset = listing->snapshots.items[i];
        bool is_kept = offset == log->end || offset == log->snapshot_kept ||
                       (offset < log->end && log_bases_have(&listing->segments, offset));
        int r;

        if (is_kept)
            continue;
        r = log_unlink(log, offset, ".snapshot");
        if (r)
            return err_pass(r);
    }
    return 0;
}

/* --- what snapshots do not have --------------------------------------------- */

/* Where the last TAIL_SIZE bytes of the log begin: in the segment `*out_at`, at the position
 * of a batch. */
static int find_tail(struct log *log, size_t *out_at, uint64_t *out_position)
{
    struct segment_place place = log_place(log);
    size_t at = log->segment_count - 1;
    uint64_t left = TAIL_SIZE;

    while (at > 0 && log->segments[at].size < left)
        left -= log->segments[at--].size;
    *out_at = at;
    *out_position = 0;
    if (log->segments[at].size <= left)
        return 0;
    return segment_find_position(&log->segments[at], &place, log->segments[at].size - left,
                                 log_is_active(log, at), out_position);
}

static int read_tail(struct log *log, struct producers *tail)
{
    struct segment_place place = log_place(log);
    uint64_t position = 0;
    size_t at = 0;
    int r = find_tail(log, &at, &position);

    for (; r == 0 && at < log->segment_count; at++, position = 0) {
        struct segment *segment = &log->segments[at];

        r = segment_touch(segment, &place);
        if (r == 0) {
            struct stretch stretch = {.segment = segment, .from = position, .to = segment->size};

            r = replay_stretch(&stretch, log->start, log->written, tail);
        }
        if (!log_is_active(log, at))
            segment_rest(segment);
    }
    return r;
}

int log_complete_producers(struct log *log)
{
    struct producers tail;
    int r;

    producers_init(&tail);
    r = read_tail(log, &tail);
    if (r == 0) {
        producers_complete(&log->producers, &tail);
        log->knows_producers = true;
    }
    producers_fini(&tail);
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}
