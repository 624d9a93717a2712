/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_truncate.h"

#include "base/err.h"
#include "store/log_dir.h"
#include "store/log_internal.h"

DIAG_MODULE("store");

/* --- where to --------------------------------------------------------------- */

void log_find_divergence(const struct log *log, int32_t epoch, int64_t end, int64_t high_watermark,
                         int64_t *out_offset, bool *out_agrees)
{
    int64_t own_end = -1;
    int32_t own_epoch = -1;

    *out_agrees = true;
    *out_offset = min_of(end < 0 ? high_watermark : end, log->end);
    if (end < 0 || epoch < 0) /* Leaders of before Kafka 2.0 do not tell the epoch. */
        return;
    log_find_epoch_end(log, epoch, &own_epoch, &own_end);
    if (own_epoch < 0)
        return;
    *out_agrees = own_epoch == epoch;
    *out_offset = min_of(own_end, *out_agrees ? *out_offset : log->end);
}

/* Where the first batch begins that has `offset` or a later one. */
static int find_position(struct log *log, struct segment *segment, int64_t offset,
                         struct log_truncation *out)
{
    struct segment_place place = log_place(log);
    bool is_active = segment == log_active(log);
    struct scan scan;
    struct scan_batch batch;
    uint64_t from = 0;
    bool at_end = false;
    int r = segment_touch(segment, &place);

    if (r == 0)
        r = segment_find(segment, &place, offset, is_active, &from);
    if (r)
        return r > 0 ? LOG_E_CORRUPT : err_pass(r);
    out->position = segment->size;
    scan_init(&scan, segment->file, from, segment->size);
    while ((r = scan_next_header(&scan, &batch, &at_end)) == 0 && !at_end) {
        if (batch_last_offset(&batch.header) >= offset) {
            out->position = batch.position;
            out->offset = min_of(out->offset, batch.header.base_offset);
            break;
        }
    }
    scan_fini(&scan);
    if (!is_active)
        segment_rest(segment);
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

static void note_marks(const struct log *log, struct log_truncation *out)
{
    /* The segment is read anew, from its beginning, if we are killed: no checkpoint was where it
     * ends now. */
    out->recovery_point = min_of(log->recovery_point, out->base);
    out->cleaned = min_of(log->cleaned, out->offset);
    out->start_mark = out->is_all ? out->offset : log_start_mark(log);
}

void log_truncate_all(const struct log *log, int64_t start, struct log_truncation *out)
{
    assert(start == 0 || !log->is_new);
    *out = (struct log_truncation){.offset = start, .is_all = true, .base = start};
    note_marks(log, out);
}

int log_truncate_begin(struct log *log, int64_t offset, struct log_truncation *out)
{
    size_t at = log_find_segment(log, offset);
    int r;

    assert(log->staged_count == 0);
    if (offset < log->start) {
        log_truncate_all(log, offset, out);
        return 0;
    }
    *out =
        (struct log_truncation){.offset = min_of(offset, log->end), .base = log->segments[at].base};
    r = find_position(log, &log->segments[at], offset, out);
    if (r == 0 && out->offset < log->start) /* It begins inside of a batch. */
        log_truncate_all(log, log->start, out);
    note_marks(log, out);
    return r;
}

/* --- doing it --------------------------------------------------------------- */

/* The name of each segment is gone for good before that of the one in front of it goes: a log
 * whose offsets need not be dense would go on behind a hole. */
static int remove_segment(struct log *log, int64_t base)
{
    struct io *io = log->env.io;
    int r = log_unlink(log, base, ".log");

    if (r == 0)
        r = log_unlink_indexes(log, base);
    if (r == 0)
        r = io->ops->dir_sync(io, log->folder->fd);
    return err_pass(r);
}

static int remove_segments(struct log *log, int64_t last)
{
    int r = 0;

    for (size_t i = log->segment_count; i-- > 0 && log->segments[i].base > last && r == 0;)
        r = remove_segment(log, log->segments[i].base);
    return err_pass(r);
}

static int cut_segment(const struct log *log, const struct log_truncation *truncation)
{
    scoped(file_unrefp) struct file *file = NULL;
    struct io *io = log->env.io;
    char name[SEGMENT_NAME_SIZE];
    int r;

    segment_name(name, truncation->base, ".log");
    r = file_open(io, log->folder->fd, name, IO_READ | IO_WRITE, &file);
    if (r == 0)
        r = io->ops->file_truncate(io, file->fd, truncation->position);
    if (r == 0)
        r = io->ops->file_sync(io, file->fd);
    return err_pass(r);
}

static int cut(struct log *log, const struct log_truncation *truncation)
{
    int r = remove_segments(log, truncation->base);

    return err_pass(r ? r : cut_segment(log, truncation));
}

/* Snapshots of what was cut are of another history. */
static int remove_snapshots(struct log *log, const struct log_listing *listing, int64_t offset)
{
    int r = 0;

    for (size_t i = 0; i < listing->snapshots.count && r == 0; i++)
        if (listing->snapshots.items[i] > offset)
            r = log_unlink(log, listing->snapshots.items[i], ".snapshot");
    return err_pass(r);
}

static void forget(struct log *log, const struct log_truncation *truncation)
{
    while (log->segment_count > 0)
        segment_close(&log->segments[--log->segment_count]);
    producers_fini(&log->producers);
    producers_init(&log->producers);
    log->knows_producers = false;
    log->start = truncation->is_all ? truncation->offset : log->start;
    log->recovery_point = log->point_kept = truncation->recovery_point;
    log->cleaned = truncation->cleaned;
    log->snapshot_kept = log->snapshot_kept > truncation->offset ? -1 : log->snapshot_kept;
    log->snapshot_new = log->snapshot_kept;
    log->cleanings++; /* Who remembers positions looks again. */
    log_note_change(log);
}

/* What is left is opened as after a crash, from its last segment on: so the index entries, times
 * and producers are those of the batches that are left. */
static int open_rest(struct log *log, const struct log_truncation *truncation)
{
    struct log_listing listing = {.segments = {.items = NULL}};
    int r = log_list_folder(log->env.io, log->folder, &listing);

    if (r == 0)
        r = remove_snapshots(log, &listing, truncation->offset);
    if (r == 0)
        forget(log, truncation);
    if (r == 0 && truncation->is_all)
        r = log_restart(log, &listing, truncation->offset);
    else if (r == 0)
        r = log_recover(log, &listing, truncation->base, log->start);
    log_listing_fini(&listing);
    return r;
}

/* The epochs have to be durable before a new one begins below those that were cut off. */
static int settle(struct log *log)
{
    int r = log_write_epochs(log);

    if (r == 0)
        r = log->env.io->ops->dir_sync(log->env.io, log->folder->fd);
    if (r)
        return err_pass(r);
    log->has_new_epochs = log->has_old_names = false;
    log_note_synced(log);
    return log_sync_now(log);
}

int log_truncate_run(struct log *log, const struct log_truncation *truncation)
{
    int r = err_pass(log_is_fenced(log) ? -EIO : 0);

    assert(log->staged_count == 0 && log->swap.count == 0 && !log->is_cleaned);
    assert(truncation->is_all || truncation->offset >= log->start);
    if (r == 0 && !truncation->is_all)
        r = cut(log, truncation);
    if (r == 0)
        r = open_rest(log, truncation);
    if (r == 0)
        r = settle(log);
    if (r) {
        log->is_broken = true;
        return r;
    }
    log_note_active(log);
    diag_info(log->env.diag, "log cut back to where it agrees with its leader",
              kv("log", log->name), kv("offset", log->end));
    log_check(log);
    return 0;
}
