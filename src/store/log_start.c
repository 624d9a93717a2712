/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_start.c - the beginning of a log moves forward, and what lies below goes.
 *
 *      [ gone  ][ goes  ][ below | there ][ active ...>
 *                                ^ start
 *
 * Where the start is to be is durable, in a checkpoint of the folder of data, before it moves
 * and before a segment goes.  So a crash in the middle of deleting leaves segments below the
 * start at worst, perhaps with holes between them, and the next opening takes them away unread:
 * what follows a hole must not be taken for the rest of a torn log.
 */

#include "base/err.h"
#include "store/log_internal.h"
#include "store/reaper.h"

#include <stdio.h>

enum { DELETED_NAME_SIZE = SEGMENT_NAME_SIZE + 16 };

/* The snapshot is the last. */
static const char *const suffixes[] = {".log", ".index", ".timeindex", ".txnindex", ".snapshot"};

static void deleted_name(char out[static DELETED_NAME_SIZE], int64_t base, const char *suffix)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(name, base, suffix);
    (void)snprintf(out, DELETED_NAME_SIZE, "%s.deleted", name);
}

/* --- the start -------------------------------------------------------------- */

/* As Kafka does: the epoch that the start is in begins there, those before it are gone. */
static void cut_epochs_below(struct log *log)
{
    size_t gone = 0;

    if (log->epoch_count == 0 || log->epochs[0].start >= log->start)
        return;
    while (gone + 1 < log->epoch_count && log->epochs[gone + 1].start <= log->start)
        gone++;
    log->epoch_count -= gone;
    memmove(log->epochs, log->epochs + gone, log->epoch_count * sizeof(*log->epochs));
    log->epochs[0].start = log->start;
    log->has_new_epochs = true;
}

void log_advance_start(struct log *log, int64_t offset)
{
    assert(offset <= log->synced);
    if (offset <= log->start)
        return;
    log->start = offset;
    cut_epochs_below(log);
    assert_slow((log_check(log), true));
}

/* --- segments below it ------------------------------------------------------ */

bool log_has_segment_below(const struct log *log)
{
    /* While a swap is under way its names are not to be touched. */
    return log->segment_count > 1 && log->segments[1].base <= log->start && log->swap.count == 0;
}

struct file *log_folder(const struct log *log)
{
    return file_ref(log->folder);
}

static int set_aside(const struct log *log, int64_t base, const char *suffix)
{
    char name[SEGMENT_NAME_SIZE];
    char deleted[DELETED_NAME_SIZE];
    int dir = log->folder->fd;
    int r;

    segment_name(name, base, suffix);
    deleted_name(deleted, base, suffix);
    r = log->env.io->ops->rename(log->env.io, dir, name, dir, deleted);
    return r == -ENOENT ? 0 : err_pass(r);
}

int log_set_aside(const struct log *log, int64_t base, bool with_snapshot)
{
    int r = set_aside(log, base, suffixes[0]);

    if (r)
        return err_pass(r);
    /* Without its batches nobody takes the rest for a segment, if it stays. */
    for (size_t i = 1; i < COUNT_OF(suffixes) - !with_snapshot; i++)
        (void)set_aside(log, base, suffixes[i]);
    return 0;
}

int log_drop_segment(struct log *log, int64_t *out_base)
{
    int64_t base = log->segments[0].base;
    int r;

    assert(log_has_segment_below(log));
    r = log_set_aside(log, base, true);
    if (r)
        return err_pass(r);
    segment_close(&log->segments[0]);
    log->segment_count--;
    memmove(log->segments, log->segments + 1, log->segment_count * sizeof(*log->segments));
    log->has_old_names = true;
    *out_base = base;
    assert_slow((log_check(log), true));
    return 0;
}

int log_unlink_dropped(struct io *io, const struct file *folder, int64_t base)
{
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(suffixes) && r == 0; i++) {
        char name[DELETED_NAME_SIZE];

        deleted_name(name, base, suffixes[i]);
        r = io->ops->unlink(io, folder->fd, name);
        r = r == -ENOENT ? 0 : r;
    }
    return err_pass(r);
}

/* --- when a log is opened --------------------------------------------------- */

int log_unlink_listed(const struct log *log, const struct log_listing *listing)
{
    size_t at = 0;
    int r = 0;

    while (at < listing->deleted.size && r == 0) {
        const char *name = listing->deleted.data + at;

        r = log->env.io->ops->unlink(log->env.io, log->folder->fd, name);
        r = r == -ENOENT ? 0 : r;
        at += strlen(name) + 1;
    }
    return err_pass(r);
}

int log_unlink_below(struct log *log, struct log_listing *listing, int64_t start)
{
    struct log_bases *segments = &listing->segments;

    while (segments->count > 1 && segments->items[1] <= start) {
        log->has_old_names = true; /* They may come back until the folder is synced. */
        for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
            int r = log_unlink(log, segments->items[0], suffixes[i]);

            if (r)
                return err_pass(r);
        }
        segments->count--;
        memmove(segments->items, segments->items + 1, segments->count * sizeof(*segments->items));
    }
    return 0;
}
