/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_retain.c - which segments are to go by themselves, by Kafka's rules.
 *
 *      [ gone ][ too much | too old ][ stays | stays ][ active ...>
 *                                    ^ the start that is wanted
 *
 * Whole segments go from the front: first while what is left has at least as many bytes as the
 * log may have, then while the latest record of the first one is too old.  What has no times is
 * as old as its file.  A segment that reaches above the high watermark stays.
 *
 * Where all of it goes, a new segment is begun at the end before anything else happens: from
 * then on its name tells where the log ends.  It is made durable with the recovery point that
 * moves there (log_checkpoint.c), before the new start is, and before anything is unlinked.
 */

#include "base/err.h"
#include "store/log_internal.h"
#include "wire/bytes.h"

#include <errno.h>

/* The walk over the segments, from the first that has something above the start. */
struct passing {
    struct log *log;
    int64_t limit, now_ms;
    size_t at;
};

/* True if the segment may go at all. */
static bool may_go(const struct passing *p)
{
    const struct log *log = p->log;

    if (p->at == log->segment_count)
        return false;
    if (log_is_active(log, p->at))
        return log->segments[p->at].size > 0 && log->end <= p->limit;
    return log->segments[p->at + 1].base <= p->limit;
}

static void pass_too_much(struct passing *p, int64_t bytes)
{
    uint64_t total = 0;
    int64_t excess;

    for (size_t i = p->at; i < p->log->segment_count; i++)
        total += p->log->segments[i].size;
    excess = (int64_t)total - bytes;
    while (may_go(p) && excess >= (int64_t)p->log->segments[p->at].size) {
        excess -= (int64_t)p->log->segments[p->at].size;
        p->at++;
    }
}

/* The time of the latest record; looked up once, and kept. */
static int learn_time(struct log *log, size_t at)
{
    struct segment_place place = log_place(log);
    struct segment *segment = &log->segments[at];
    struct index_entry latest;
    int r;

    if (segment->max_timestamp >= 0 || log_is_active(log, at))
        return 0;
    r = segment_largest(segment, &place, false, &latest);
    if (r || latest.key < 0)
        return r > 0 ? LOG_E_CORRUPT : err_pass(r);
    segment->max_timestamp = latest.key;
    segment->max_timestamp_offset = segment->base + latest.value;
    return 0;
}

static int file_time(struct log *log, size_t at, int64_t *out)
{
    struct segment_place place = log_place(log);
    struct segment *segment = &log->segments[at];
    int r = segment_touch(segment, &place);

    if (r == 0)
        r = place.io->ops->file_time(place.io, segment->file->fd, out);
    if (!log_is_active(log, at))
        segment_rest(segment);
    return err_pass(r);
}

static int latest_time(struct log *log, size_t at, int64_t *out)
{
    int r = learn_time(log, at);

    if (r)
        return r;
    *out = log->segments[at].max_timestamp;
    return *out >= 0 ? 0 : err_pass(file_time(log, at, out));
}

static int pass_too_old(struct passing *p, int64_t ms)
{
    while (may_go(p)) {
        int64_t latest;
        int r = latest_time(p->log, p->at, &latest);

        if (r)
            return r;
        if (p->now_ms - latest <= ms)
            break;
        p->at++;
    }
    return 0;
}

int log_retain(struct log *log, const struct log_retention *retention, int64_t limit,
               int64_t now_ms, int64_t *out_start)
{
    struct passing p = {.log = log, .limit = limit, .now_ms = now_ms};
    int r = 0;

    assert(limit <= log->end);
    if (log_is_fenced(log))
        return LOG_E_FENCED;
    while (p.at + 1 < log->segment_count && log->segments[p.at + 1].base <= log->start)
        p.at++; /* Those go anyway. */
    if (retention->bytes >= 0)
        pass_too_much(&p, retention->bytes);
    if (retention->ms >= 0)
        r = pass_too_old(&p, retention->ms);
    if (r == 0 && p.at == log->segment_count)
        r = log_roll(log);
    if (r == 0)
        *out_start = max_of(log->start, log->segments[p.at].base);
    assert_slow((log_check(log), true));
    return r;
}

/* --- a log that is not open ------------------------------------------------- */

enum { TIME_ENTRY_SIZE = 12 };

/* What the last entry of a closed segment's index by time says; -1 if nothing. */
static int last_time(struct io *io, const struct file *folder, int64_t base, int64_t *out)
{
    scoped(file_unrefp) struct file *file = NULL;
    uint8_t entry[TIME_ENTRY_SIZE];
    char name[SEGMENT_NAME_SIZE];
    uint64_t size = 0;
    size_t read = 0;
    int r;

    segment_name(name, base, ".timeindex");
    r = file_open(io, folder->fd, name, IO_READ, &file);
    if (r == 0)
        r = io->ops->file_size(io, file->fd, &size);
    *out = -1;
    if (r || size < sizeof(entry) || size % sizeof(entry))
        return r == -ENOENT ? 0 : err_pass(r);
    r = io->ops->file_read(io, file->fd, size - sizeof(entry), entry, sizeof(entry), &read);
    if (r == 0 && read == sizeof(entry))
        *out = bytes_load_i64(entry);
    return err_pass(r);
}

/* Size and, if it is the first, the time of what the segment holds. */
static int look_at(struct io *io, const struct file *folder, int64_t base, uint64_t *out_size,
                   int64_t *out_time)
{
    scoped(file_unrefp) struct file *file = NULL;
    char name[SEGMENT_NAME_SIZE];
    int r;

    segment_name(name, base, ".log");
    r = file_open(io, folder->fd, name, IO_READ, &file);
    if (r == 0)
        r = io->ops->file_size(io, file->fd, out_size);
    if (r || !out_time)
        return err_pass(r);
    r = last_time(io, folder, base, out_time);
    if (r == 0 && *out_time < 0)
        r = io->ops->file_time(io, file->fd, out_time);
    return err_pass(r);
}

static int look_into(struct io *io, const struct file *folder, const struct log_bases *segments,
                     const struct log_retention *retention, int64_t now_ms, bool *out)
{
    uint64_t first = 0;
    uint64_t total = 0;
    int64_t latest = 0;

    for (size_t i = 0; i < segments->count; i++) {
        uint64_t size = 0;
        int r = look_at(io, folder, segments->items[i], &size, i == 0 ? &latest : NULL);

        if (r)
            return err_pass(r);
        first = i == 0 ? size : first;
        total += size;
    }
    *out = total > 0 && ((retention->ms >= 0 && now_ms - latest > retention->ms) ||
                         (retention->bytes >= 0 && total >= first + (uint64_t)retention->bytes));
    return 0;
}

int log_has_expired(struct io *io, const struct file *root, const char *name,
                    const struct log_retention *retention, int64_t now_ms, bool *out)
{
    scoped(file_unrefp) struct file *folder = NULL;
    struct log_listing listing = {.segments = {.items = NULL}};
    int r = file_open_dir(io, root->fd, name, &folder);

    *out = false;
    if (r == 0) {
        r = log_list_folder(io, folder, &listing);
        if (r == 0)
            r = look_into(io, folder, &listing.segments, retention, now_ms, out);
        log_listing_fini(&listing);
    }
    return r == -ENOENT ? 0 : err_pass(r); /* It was never used, or is deleted meanwhile. */
}

int log_folder_size(struct io *io, const struct file *root, const char *name, int64_t *out)
{
    scoped(file_unrefp) struct file *folder = NULL;
    struct log_listing listing = {.segments = {.items = NULL}};
    int64_t total = 0;
    int r = file_open_dir(io, root->fd, name, &folder);

    if (r == 0)
        r = log_list_folder(io, folder, &listing);
    for (size_t i = 0; i < listing.segments.count && r == 0; i++) {
        uint64_t size = 0;

        r = look_at(io, folder, listing.segments.items[i], &size, NULL);
        r = r == -ENOENT ? 0 : r; /* It has just gone. */
        total += (int64_t)size;
    }
    log_listing_fini(&listing);
    *out = total;
    return r == -ENOENT ? 0 : err_pass(r);
}
