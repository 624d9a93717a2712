/* SPDX-License-Identifier: Apache-2.0 */

/* store/log.c - a batch is staged, written and synced. */

#include "store/log.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/log_dir.h"
#include "store/log_internal.h"

enum { WRITE_BATCHES = 64 };

int64_t log_end(const struct log *log)
{
    return log->end;
}

int64_t log_start(const struct log *log)
{
    return log->start;
}

int64_t log_written(const struct log *log)
{
    return log->written;
}

int64_t log_synced(const struct log *log)
{
    return log->synced;
}

int64_t log_size(const struct log *log)
{
    int64_t size = 0;

    assert(log->segment_count > 0);
    for (size_t i = 0; i < log->segment_count; i++)
        size += (int64_t)log->segments[i].size;
    return size;
}

size_t log_segments(const struct log *log)
{
    return log->segment_count;
}

void log_configure(struct log *log, const struct log_config *config)
{
    log->config = *config;
}

bool log_is_fenced(const struct log *log)
{
    return log->is_broken || log_dir_is_fenced(log->dir);
}

/* --- what is always true ---------------------------------------------------- */

static void check_segments(const struct log *log)
{
    assert(log->segment_count > 0);
    for (size_t i = 0; i < log->segment_count; i++) {
        const struct segment *segment = &log->segments[i];

        segment_check(segment, i + 1 == log->segment_count);
        assert(segment->base <= log->written && (i == 0 || segment[-1].base < segment->base));
    }
}

static void check_staged(const struct log *log)
{
    int64_t next = log->written;
    size_t bytes = 0;

    for (size_t i = 0; i < log->staged_count; i++) {
        assert(log->staged[i].header.base_offset == next);
        next = batch_last_offset(&log->staged[i].header) + 1;
        bytes += log->staged[i].header.size;
    }
    assert(next == log->end && bytes == log->staged_bytes);
}

void log_check(const struct log *log)
{
    const struct segment *active = log_active_of(log);

    /* After a write that could not be taken back nobody knows; only closing is left. */
    if (log->is_broken)
        return;
    check_segments(log);
    check_staged(log);
    assert(log->segments[0].base <= log->start && log->start <= log->synced);
    assert(log->synced <= log->written && log->written <= log->end);
    assert(log->synced_mark.offset == log->synced && log->synced_mark.base <= active->base);
    for (size_t i = 0; i < log->epoch_count; i++)
        assert(log->epochs[i].start <= log->end &&
               (i == 0 || (log->epochs[i - 1].epoch < log->epochs[i].epoch &&
                           log->epochs[i - 1].start <= log->epochs[i].start)));
    producers_check_all(&log->producers, log->end);
}

/* --- segments --------------------------------------------------------------- */

size_t log_find_segment(const struct log *log, int64_t offset)
{
    size_t low = 0;
    size_t high = log->segment_count;

    while (low + 1 < high) {
        size_t middle = (low + high) / 2;

        if (log->segments[middle].base <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

struct segment *log_add_segment(struct log *log)
{
    if (log->segment_count == log->segment_room) {
        log->segment_room = max_of(log->segment_room * 2, (size_t)2);
        log->segments = mem_resize(log->segments, log->segment_room, sizeof(*log->segments));
    }
    return &log->segments[log->segment_count++];
}

/* The time of the first batch of the active segment, which may be staged only. */
static int64_t first_time(const struct log *log)
{
    const struct segment *active = log_active_of(log);

    if (active->size > 0)
        return active->first_timestamp;
    return log->staged_count > 0 ? log->staged[0].header.max_timestamp : -1;
}

/* How old the active segment is, as Kafka counts: from the time of its first batch to that of this
 * one, or, where the first has none, since it became active. */
static int64_t age_of_active(const struct log *log, const struct batch_header *header,
                             int64_t now_ms)
{
    int64_t first = first_time(log);

    return first >= 0 ? header->max_timestamp - first : now_ms - log_active_of(log)->made_ms;
}

/* Whether the active segment is to be sealed before this batch, by Kafka's rules.  How full
 * the indexes are is known when what is staged has been written. */
static bool must_roll(const struct log *log, const struct batch_header *header, size_t size,
                      int64_t now_ms)
{
    const struct segment *active = log_active_of(log);
    uint64_t would_be = active->size + log->staged_bytes + size;
    int64_t last = log->end + header->last_offset_delta;

    if (active->size + log->staged_bytes == 0)
        return false;
    return would_be > (uint64_t)log->config.segment_bytes ||
           age_of_active(log, header, now_ms) > log->config.segment_ms - active->jitter_ms ||
           segment_is_full(active, log->config.index_size_max, log->staged_count) ||
           last - active->base > INT32_MAX;
}

/* Takes a segment back that could not be made: some of its files may be there.  The old one
 * may grow past where it begins, so its file of batches must not stay. */
static void unmake_segment(struct log *log, int64_t base)
{
    if (log_unlink(log, base, ".log"))
        log->is_broken = true;
    (void)log_unlink_indexes(log, base);
    log->has_new_names = true;
}

/* Something between zero and the setting, so that not all partitions roll at once. */
static int64_t draw_jitter(const struct log *log)
{
    int64_t most = min_of(log->config.segment_jitter_ms, log->config.segment_ms);
    uint64_t random = 0;

    if (most <= 0)
        return 0;
    log->env.io->ops->entropy(log->env.io, &random, sizeof(random));
    return (int64_t)(random % (uint64_t)most);
}

void log_note_active(struct log *log)
{
    log_active(log)->made_ms = io_wall_ms(log->env.io);
    log_active(log)->jitter_ms = draw_jitter(log);
}

int log_roll(struct log *log)
{
    struct segment_place place = log_place(log);
    struct segment next = {.size = 0};
    int r;

    assert(log->staged_count == 0 && log->end == log->written);
    /* What can fail is done before anything of the log is changed. */
    r = segment_finish_indexes(log_active(log));
    if (r == 0)
        r = log_write_snapshot(log);
    if (r)
        return err_pass(r);
    r = segment_create(&next, &place, log->end);
    if (r) {
        unmake_segment(log, log->end);
        return err_pass(r);
    }
    r = segment_seal(log_active(log));
    assert(r == 0);
    segment_rest(log_active(log));
    *log_add_segment(log) = next;
    log_note_active(log);
    log->has_new_names = true;
    log_note_change(log); /* Until its name is durable, the files are not as they are to be. */
    return 0;
}

/* --- append ----------------------------------------------------------------- */

static int check_producer(struct log *log, const struct producers_entry *entry,
                          struct log_appended *out)
{
    struct producer_batch known = {.last_offset = -1};
    int r = producers_check(&log->producers, entry, &known);

    if (r == PRODUCERS_E_LONG_PAST && !log->knows_producers) {
        r = log_complete_producers(log); /* It may be one that a snapshot does not have. */
        if (r)
            return err_pass(r);
        r = producers_check(&log->producers, entry, &known);
    }
    *out = (struct log_appended){.is_duplicate = false};
    switch (r) {
    case PRODUCERS_E_DUPLICATE:
        out->is_duplicate = true;
        out->last_offset = known.last_offset;
        out->base_offset = known.last_offset - known.offset_delta;
        return 0;
    case PRODUCERS_E_SEQUENCE: return LOG_E_SEQUENCE;
    case PRODUCERS_E_LONG_PAST: return LOG_E_LONG_PAST;
    case PRODUCERS_E_UNKNOWN: return LOG_E_UNKNOWN_PRODUCER;
    case PRODUCERS_E_EPOCH: return LOG_E_PRODUCER_EPOCH;
    case PRODUCERS_E_COORDINATOR: return LOG_E_COORDINATOR;
    case PRODUCERS_E_TXN_STATE: return LOG_E_TXN_STATE;
    default: return 0;
    }
}

static void stage(struct log *log, uint8_t *batch, struct batch_header *header,
                  const struct marker *marker, int32_t epoch)
{
    struct log_staged *staged;

    if (log->staged_count == log->staged_room) {
        log->staged_room = max_of(log->staged_room * 2, (size_t)4);
        log->staged = mem_resize(log->staged, log->staged_room, sizeof(*log->staged));
    }
    staged = &log->staged[log->staged_count++];
    header->base_offset = log->end;
    header->leader_epoch = epoch;
    batch_set_place(batch, log->end, epoch);
    staged->batch = batch;
    staged->header = *header;
    producers_update(&log->producers, header, marker, &staged->change);
    log->staged_bytes += header->size;
    log->end = batch_last_offset(header) + 1;
    log_note_change(log);
}

int log_append(struct log *log, uint8_t *batch, size_t size, struct batch_header *header,
               const struct log_append_terms *terms, struct log_appended *out)
{
    struct producers_entry entry = {.header = header,
                                    .is_coordinators = terms->is_coordinators,
                                    .transaction_version = terms->transaction_version};
    struct marker marker;
    bool is_marker = false;
    int r;

    assert(size == header->size && header->last_offset_delta >= 0);
    if (log_is_fenced(log))
        return LOG_E_FENCED;
    if ((int64_t)size > log->config.segment_bytes)
        return LOG_E_SEGMENT_SIZE;
    if (batch_is_control(header) && marker_parse(slice_of(batch, size), &marker, &is_marker))
        return LOG_E_CORRUPT;
    entry.marker = is_marker ? &marker : NULL;
    r = check_producer(log, &entry, out);
    if (r || out->is_duplicate)
        return r;
    if (must_roll(log, header, size, terms->now_ms)) {
        if (log->staged_count > 0)
            return LOG_E_UNWRITTEN;
        r = log_roll(log);
        if (r)
            return err_pass(r);
    }
    log_begin_epoch(log, terms->leader_epoch);
    stage(log, batch, header, entry.marker, terms->leader_epoch);
    out->base_offset = header->base_offset;
    out->last_offset = batch_last_offset(header);
    assert_slow((log_check(log), true));
    return 0;
}

/* --- write ------------------------------------------------------------------ */

void log_unstage(struct log *log)
{
    while (log->staged_count > 0)
        producers_undo(&log->producers, &log->staged[--log->staged_count].change);
    log->staged_bytes = 0;
    log->knows_producers = false; /* What came from the log was undone with the rest. */
    if (log->end > log->written) {
        log->end = log->written;
        log_cut_epochs(log);
    }
}

/* Cuts off what a failed write may have left; else nobody can know what is there. */
static void take_back(struct log *log, const struct segment *before)
{
    struct segment_place place = log_place(log);
    struct segment *active = log_active(log);
    struct io *io = log->env.io;
    int r = io->ops->file_truncate(io, active->file->fd, before->size);

    if (r == 0)
        r = index_cut(&active->by_offset, log->written);
    if (r == 0)
        r = index_cut(&active->by_time, before->by_time.last.key + 1);
    if (r == 0)
        r = segment_cut_aborted(active, &place, log->written);
    if (r)
        log->is_broken = true;
    active->since_entry = before->since_entry;
    active->first_timestamp = before->first_timestamp;
    active->max_timestamp = before->max_timestamp;
    active->max_timestamp_offset = before->max_timestamp_offset;
    log_unstage(log);
}

/* Notes and writes up to WRITE_BATCHES batches from `done` on; `*position` moves behind. */
static int write_some(struct log *log, size_t done, size_t count, uint64_t *position)
{
    struct segment *active = log_active(log);
    struct io *io = log->env.io;
    struct io_iov iov[WRITE_BATCHES];
    uint64_t at = *position;
    int r;

    for (size_t i = 0; i < count; i++) {
        const struct log_staged *staged = &log->staged[done + i];

        iov[i] = (struct io_iov){.data = staged->batch, .size = staged->header.size};
        r = segment_note(active, &staged->header, at, log->config.index_interval_bytes);
        if (r == 0)
            r = log_note_aborted(log, &staged->change);
        if (r)
            return err_pass(r);
        at += staged->header.size;
    }
    r = io->ops->file_write(io, active->file->fd, *position, iov, count);
    if (r == 0)
        *position = at;
    return err_pass(r);
}

static int write_batches(struct log *log)
{
    uint64_t position = log_active(log)->size;

    for (size_t done = 0; done < log->staged_count; done += WRITE_BATCHES) {
        size_t count = min_of(log->staged_count - done, (size_t)WRITE_BATCHES);
        int r = write_some(log, done, count, &position);

        if (r)
            return err_pass(r);
    }
    log_active(log)->size = position;
    return 0;
}

int log_write(struct log *log)
{
    struct segment before;
    int r;

    if (log->staged_count == 0)
        return 0;
    before = *log_active(log);
    r = log_is_fenced(log) ? -EIO : write_batches(log);
    if (r) {
        take_back(log, &before);
        return err_pass(r);
    }
    log->staged_count = 0;
    log->staged_bytes = 0;
    log->written = log->end;
    assert_slow((log_check(log), true));
    return 0;
}

/* --- sync ------------------------------------------------------------------- */

bool log_has_unsynced_segment(const struct log *log)
{
    /* They are synced in order: the newest tells. */
    return log->segment_count > 1 &&
           log_active_of(log)[-1].size > log_active_of(log)[-1].synced_size;
}

static void add_sync_file(struct log_sync *sync, const struct segment *segment)
{
    uint64_t durable = max_of(segment->synced_size, segment->committed_size);

    sync->bytes += (size_t)(segment->size - durable);
    sync->files[sync->file_count++] = (struct log_sync_file){
        .file = file_ref(segment->file),
        .base = segment->base,
        .durable = durable,
        .end = segment->size,
    };
}

static bool begin_sync(struct log *log, bool with_names, struct log_sync *out)
{
    *out = (struct log_sync){.upto = log->written, .topic_id = log->topic_id};
    out->files = mem_new_array(log->segment_count, sizeof(*out->files));
    for (size_t i = 0; i < log->segment_count; i++)
        if (log->segments[i].size > log->segments[i].synced_size)
            add_sync_file(out, &log->segments[i]);
    if (with_names && log->has_new_names) {
        out->folders[out->folder_count++] = file_ref(log->folder);
        out->folders[out->folder_count++] = file_ref(log->root);
        log->has_new_names = false;
    }
    if (out->file_count + out->folder_count == 0) {
        log_sync_fini(out);
        return false;
    }
    out->name = mem_copy_text(log->name, strlen(log->name));
    return true;
}

bool log_sync_begin(struct log *log, struct log_sync *out)
{
    return begin_sync(log, true, out);
}

bool log_sync_begin_flush(struct log *log, struct log_sync *out)
{
    return begin_sync(log, false, out);
}

int log_sync_run(struct log_sync *sync, struct io *io)
{
    int r = 0;

    for (size_t i = 0; i < sync->file_count && r == 0; i++)
        r = io->ops->file_sync(io, sync->files[i].file->fd);
    for (size_t i = 0; i < sync->folder_count && r == 0; i++)
        r = io->ops->dir_sync(io, sync->folders[i]->fd);
    return err_pass(r);
}

/* Everything below sync->upto is durable. */
static void move_synced(struct log *log, const struct log_sync *sync)
{
    const struct log_sync_file *last;

    if (sync->upto <= log->synced)
        return; /* A background sync of what the commit log had already. */
    log->synced = sync->upto;
    if (sync->file_count == 0)
        return;
    last = &sync->files[sync->file_count - 1];
    log->synced_mark =
        (struct log_mark){.offset = sync->upto, .base = last->base, .position = last->end};
}

/* The segment that a file of the sync is of, or NULL if it is gone. */
static struct segment *sync_segment(struct log *log, const struct log_sync_file *file, size_t *at)
{
    while (*at < log->segment_count && log->segments[*at].base < file->base)
        ++*at;
    return *at < log->segment_count && log->segments[*at].base == file->base ? &log->segments[*at]
                                                                             : NULL;
}

void log_sync_end(struct log *log, const struct log_sync *sync)
{
    size_t at = 0;

    for (size_t i = 0; i < sync->file_count; i++) {
        struct segment *segment = sync_segment(log, &sync->files[i], &at);

        if (!segment)
            continue;
        /* One that was cleaned meanwhile is smaller, and durable. */
        segment->synced_size =
            min_of(max_of(segment->synced_size, sync->files[i].end), segment->size);
        if (at + 1 < log->segment_count)
            segment_rest(segment);
    }
    move_synced(log, sync);
    assert_slow((log_check(log), true));
}

void log_sync_end_committed(struct log *log, const struct log_sync *sync)
{
    size_t at = 0;

    assert(sync->folder_count == 0);
    for (size_t i = 0; i < sync->file_count; i++) {
        struct segment *segment = sync_segment(log, &sync->files[i], &at);

        if (segment)
            segment->committed_size =
                min_of(max_of(segment->committed_size, sync->files[i].end), segment->size);
    }
    move_synced(log, sync);
    assert_slow((log_check(log), true));
}

void log_sync_fini(struct log_sync *sync)
{
    for (size_t i = 0; i < sync->file_count; i++)
        file_unref(sync->files[i].file);
    for (size_t i = 0; i < sync->folder_count; i++)
        file_unref(sync->folders[i]);
    mem_free(sync->files);
    mem_free(sync->name);
    *sync = (struct log_sync){.files = NULL};
}

int log_sync_now(struct log *log)
{
    struct log_sync sync;
    int r = 0;

    if (log_sync_begin(log, &sync)) {
        r = log_sync_run(&sync, log->env.io);
        if (r == 0)
            log_sync_end(log, &sync);
        else
            log_dir_fence(log->dir);
        log_sync_fini(&sync);
    }
    return err_pass(r);
}

struct log *log_abandon(struct log *log)
{
    if (!log)
        return NULL;
    for (size_t i = 0; i < log->segment_count; i++)
        segment_close(&log->segments[i]);
    producers_fini(&log->producers);
    file_unref(log->folder);
    file_unref(log->root);
    mem_free(log->segments);
    mem_free(log->swap.bases);
    mem_free(log->staged);
    mem_free(log->epochs);
    mem_free(log->name);
    return mem_free(log);
}
