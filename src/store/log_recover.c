/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_recover.c - a log that was not stopped cleanly is brought in order.
 *
 * Everything from the recovery point on is read and checked, and the indexes and the state of
 * producers are made again from it:
 *
 *      [ segment ][ segment ][ segment .........|~~~~~~ ]
 *                        ^ recovery point       ^ the first batch that is not whole, or does
 *                                                 not follow the one before: cut off here,
 *                                                 and later segments go
 *
 * What lies before the recovery point was synced, and so were its indexes and a snapshot of the
 * producers.  Where that does not seem to be so, the segment is read from its beginning.
 *
 * What recovery leaves is synced before anybody sees it.
 */

#include "base/err.h"
#include "base/mutant.h"
#include "store/log_dir.h"
#include "store/log_internal.h"

DIAG_MODULE("store");

/* What is known while segments are recovered one after the other. */
struct recovery {
    int64_t next; /* The lowest offset that the next batch may have. */
    int64_t recovery_point;
    int64_t dense_from; /* From here on no offset may be missing. */
    bool is_cut;        /* A broken batch was found: nothing behind it counts. */
};

/* Nothing but compaction leaves gaps: where there is one behind the recovery point, and behind
 * what was cleaned before the topic had another policy, something is lost, and a producer's next
 * batch must not outlive the one before it. */
static bool is_gap(const struct recovery *recovery, int64_t offset)
{
    return recovery->next >= recovery->dense_from && offset > recovery->next;
}

int log_open_sealed(struct log *log, const struct log_listing *listing, int64_t base)
{
    struct segment_place place = log_place(log);
    struct segment *segment = log_add_segment(log);
    int r;

    *segment = (struct segment){
        .base = base, .first_timestamp = -1, .max_timestamp = -1, .max_timestamp_offset = base};
    if (log_bases_have(&listing->aborted, base))
        segment->aborted = txn_index_found();
    r = segment_touch(segment, &place);
    if (r == 0)
        r = place.io->ops->file_size(place.io, segment->file->fd, &segment->size);
    segment->synced_size = segment->opened_size = segment->size;
    segment_rest(segment);
    return err_pass(r);
}

/* Offset and epoch are not under the checksum: the offset is known from the batch before. */
static bool is_good_batch(const struct segment *segment, const struct scan_batch *batch,
                          const struct recovery *recovery)
{
    const struct batch_header *header = &batch->header;

    if (mutant_is(MUTANT_FORGET_TAIL) && header->base_offset >= recovery->recovery_point)
        return false;
    return header->base_offset >= recovery->next && !is_gap(recovery, header->base_offset) &&
           header->last_offset_delta >= 0 &&
           header->base_offset - segment->base <= INT32_MAX - header->last_offset_delta &&
           (mutant_is(MUTANT_TORN_TAIL) || batch_crc_is_good(batch->bytes));
}

/* Reads the batches of the segment from `position` on and fills what follows from them;
 * `*out_good` is where the last whole one ends. */
static int recover_batches(struct log *log, struct segment *segment, struct recovery *recovery,
                           uint64_t position, uint64_t *out_good)
{
    struct producers_change change;
    struct scan scan;
    struct scan_batch batch;
    bool at_end = false;
    int r;

    *out_good = position;
    scan_init(&scan, segment->file, position, segment->size);
    while ((r = scan_next(&scan, &batch, &at_end)) == 0 && !at_end) {
        if (!is_good_batch(segment, &batch, recovery)) {
            r = SCAN_E_BROKEN;
            break;
        }
        r = segment_note(segment, &batch.header, batch.position, log->config.index_interval_bytes);
        change.id = -1;
        change.has_ended = false;
        if (!mutant_is(MUTANT_FORGET_PRODUCERS))
            log_replay_batch(&log->producers, &batch, &change);
        if (r == 0)
            r = log_note_aborted(log, &change);
        if (r)
            break;
        log_note_epoch(log, batch.header.leader_epoch, batch.header.base_offset);
        recovery->next = batch_last_offset(&batch.header) + 1;
        *out_good = batch.position + batch.header.size;
    }
    scan_fini(&scan);
    return r == SCAN_E_BROKEN ? 0 : err_pass(r);
}

static int cut_tail(struct log *log, struct segment *segment, uint64_t good)
{
    struct io *io = log->env.io;
    int r;

    diag_warn(log->env.diag, "log tail cut off: it ends in a batch that is not whole",
              kv("log", log->name), kv("segment", segment->base), kv("position", (int64_t)good),
              kv("bytes", (int64_t)(segment->size - good)));
    r = io->ops->file_truncate(io, segment->file->fd, good);
    if (r == 0)
        segment->size = segment->opened_size = good;
    return err_pass(r);
}

/* A sync that fails here is as bad as one that fails later. */
static int sync_segment(struct log *log, struct segment *segment,
                        int (*sync)(struct io *io, int fd))
{
    int r = sync(log->env.io, segment->file->fd);

    if (r)
        log_dir_fence(log->dir);
    else
        segment->synced_size = segment->size;
    return err_pass(r);
}

/* Adds the segment, of which nothing is believed yet. */
static int open_segment(struct log *log, const struct log_listing *listing, int64_t base)
{
    struct segment_place place = log_place(log);
    struct segment *segment = log_add_segment(log);
    int r = segment_open_bare(segment, &place, base);

    if (r) {
        log->segment_count--;
        return err_pass(r);
    }
    if (log_bases_have(&listing->aborted, base))
        segment->aborted = txn_index_found();
    /* What a failed sync has lost may still be in the cache: only the disk is believed. */
    return sync_segment(log, segment, place.io->ops->file_refresh);
}

/* Its indexes stay open: it may be the last that is left. */
static int recover_segment(struct log *log, struct recovery *recovery, uint64_t position)
{
    struct segment *segment = log_active(log);
    uint64_t good = 0;
    int r = recover_batches(log, segment, recovery, position, &good);

    if (r == 0 && good < segment->size) {
        recovery->is_cut = true;
        r = cut_tail(log, segment, good);
    }
    segment->verified_from = position;
    segment->verified_upto = good;
    return r ? err_pass(r) : sync_segment(log, segment, log->env.io->ops->file_sync);
}

/* The first segment that is not known to be whole: what was durable of it is not read again. */
static int recover_first(struct log *log, const struct log_listing *listing, int64_t base,
                         struct recovery *recovery)
{
    struct segment_place place = log_place(log);
    uint64_t position = 0;
    int r = open_segment(log, listing, base);

    recovery->next = base;
    /* Without its file the epochs are known from what is read again alone. */
    if (r == 0 && recovery->recovery_point > base && log->epoch_count > 0) {
        r = segment_resume(log_active(log), &place, recovery->recovery_point, &position);
        if (r == 0)
            recovery->next = recovery->recovery_point;
    }
    if (r == SEGMENT_E_BROKEN || (r == 0 && recovery->next == base)) {
        position = 0;
        r = segment_reset(log_active(log), &place);
    }
    if (r == 0)
        r = log_load_producers(log, listing, recovery->next, position);
    if (r)
        return r;
    if (recovery->next > base && log_bases_have(&listing->snapshots, recovery->next))
        log->snapshot_kept = log->snapshot_new = recovery->next;
    return err_pass(recover_segment(log, recovery, position));
}

static int recover_next(struct log *log, const struct log_listing *listing, int64_t base,
                        struct recovery *recovery)
{
    struct segment_place place = log_place(log);
    int r = open_segment(log, listing, base);

    recovery->next = max_of(recovery->next, base);
    if (r == 0)
        r = segment_reset(log_active(log), &place);
    return err_pass(r ? r : recover_segment(log, recovery, 0));
}

/* From the last on, so that there is no hole if we do not come to the end. */
static int unlink_segments(struct log *log, const struct log_listing *listing, size_t from)
{
    for (size_t i = listing->segments.count; i > from; i--) {
        int64_t base = listing->segments.items[i - 1];
        int r;

        diag_warn(log->env.diag, "segment behind a broken one taken away", kv("log", log->name),
                  kv("segment", base));
        r = log_unlink(log, base, ".log");
        if (r == 0)
            r = log_unlink_indexes(log, base);
        if (r)
            return err_pass(r);
    }
    return 0;
}

/* What is left of segments where taking them away, or making them, was cut short. */
static int drop_indexes(struct log *log, const struct log_listing *listing)
{
    for (size_t i = 0; i < listing->indexes.count; i++) {
        int64_t base = listing->indexes.items[i];
        int r = log_bases_have(&listing->segments, base) ? 0 : log_unlink_indexes(log, base);

        if (r)
            return err_pass(r);
    }
    return 0;
}

/* True if the segment at `base` cannot follow what was recovered. */
static bool is_break(const struct recovery *recovery, int64_t base)
{
    return recovery->is_cut || base < recovery->next || is_gap(recovery, base);
}

/* True in `*out` if the segment at `base` is empty: what is left of one that could not be
 * made, where the one before went on. */
static int is_empty(struct log *log, int64_t base, bool *out)
{
    scoped(file_unrefp) struct file *file = NULL;
    char name[SEGMENT_NAME_SIZE];
    uint64_t size = 0;
    int r;

    segment_name(name, base, ".log");
    r = file_open(log->env.io, log->folder->fd, name, IO_READ, &file);
    if (r == 0)
        r = log->env.io->ops->file_size(log->env.io, file->fd, &size);
    *out = size == 0;
    return err_pass(r);
}

/* Takes the segment at `base` away if it is empty and the one before went past it. */
static int pass_over(struct log *log, const struct recovery *recovery, int64_t base, bool *out)
{
    int r;

    *out = false;
    if (base >= recovery->next || recovery->is_cut)
        return 0;
    r = is_empty(log, base, out);
    if (r == 0 && *out)
        r = log_unlink(log, base, ".log");
    if (r == 0 && *out)
        r = log_unlink_indexes(log, base);
    return err_pass(r);
}

static int recover_segments(struct log *log, const struct log_listing *listing, size_t first,
                            struct recovery *recovery)
{
    int r = recover_first(log, listing, listing->segments.items[first], recovery);

    for (size_t i = first + 1; i < listing->segments.count && r == 0; i++) {
        struct segment *before = log_active(log);
        bool is_passed = false;

        r = pass_over(log, recovery, listing->segments.items[i], &is_passed);
        if (r || is_passed)
            continue;
        if (is_break(recovery, listing->segments.items[i]))
            return unlink_segments(log, listing, i);
        r = segment_seal(before);
        segment_rest(before);
        if (r == 0)
            r = recover_next(log, listing, listing->segments.items[i], recovery);
    }
    return r;
}

int log_restart(struct log *log, const struct log_listing *listing, int64_t start)
{
    struct segment_place place = log_place(log);
    int r;

    while (log->segment_count > 0)
        segment_close(&log->segments[--log->segment_count]);
    producers_fini(&log->producers);
    log->epoch_count = 0;
    r = unlink_segments(log, listing, 0);
    if (r == 0)
        r = segment_create(log_add_segment(log), &place, start);
    log->end = start;
    return err_pass(r);
}

/* Brings segments and producers in order; log->end is what came of it. */
static int recover_log(struct log *log, const struct log_listing *listing, int64_t recovery_point,
                       int64_t start)
{
    struct recovery recovery = {
        .recovery_point = recovery_point,
        .dense_from = log->config.is_compacted ? INT64_MAX : max_of(recovery_point, log->cleaned)};
    size_t first = listing->segments.count - 1;
    int r = 0;

    while (first > 0 && listing->segments.items[first] > recovery_point)
        first--;
    for (size_t i = 0; i < first && r == 0; i++)
        r = log_open_sealed(log, listing, listing->segments.items[i]);
    if (r == 0)
        r = recover_segments(log, listing, first, &recovery);
    if (r)
        return r;
    log->end = recovery.next;
    if (log->end < recovery_point)
        diag_error(log->env.diag, "records that were durable are missing", kv("log", log->name),
                   kv("from", log->end), kv("to", recovery_point));
    if (log->end >= start)
        return 0;
    diag_warn(log->env.diag, "log ends below its start; it begins there again, empty",
              kv("log", log->name), kv("end", log->end), kv("start", start));
    return err_pass(log_restart(log, listing, start));
}

int log_recover(struct log *log, const struct log_listing *listing, int64_t recovery_point,
                int64_t start)
{
    int r = drop_indexes(log, listing); /* Before a segment of one of those bases is made. */

    if (r)
        return err_pass(r);
    if (log->is_new && listing->segments.items[0] > 0) {
        diag_warn(log->env.diag,
                  "first segment of a new log is lost: what follows it is taken away",
                  kv("log", log->name), kv("segment", listing->segments.items[0]));
        r = log_restart(log, listing, 0);
    } else {
        r = recover_log(log, listing, recovery_point, start);
    }
    if (r)
        return r;
    log_cut_epochs(log);
    log->written = log->synced = log->end;
    log->has_new_names = true;
    return err_pass(log_drop_snapshots(log, listing));
}
