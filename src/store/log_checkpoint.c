/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_checkpoint.c - the recovery point moves forward while the log is in use.
 *
 * Below it a recovery reads nothing.  So everything that it would make from the batches must be
 * durable before it moves: the batches in their own files (not only in the commit log), the
 * entries of the indexes, the state of producers as of that offset, the epochs, and the names
 * of all these files.
 *
 * What was written by now is noted on the loop; a worker writes and syncs; meanwhile the log
 * goes on.  The worker opens the files for itself: a failed sync is told once for each opened
 * file, and whoever else syncs it must hear of it too.
 */

#include "base/err.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "store/checkpoint.h"
#include "store/log_dir.h"
#include "store/log_internal.h"

int64_t log_recovery_point(const struct log *log)
{
    return log->recovery_point;
}

bool log_wants_checkpoint(const struct log *log)
{
    return !log->is_unchanged || log->has_new_epochs || log->has_old_names;
}

/* While a crash may bring segments back that were dropped, they do not tell where it begins. */
int64_t log_start_mark(const struct log *log)
{
    bool is_told = log->start == log->segments[0].base && !log->has_old_names && !log->is_cleaned;

    return is_told ? -1 : log->start;
}

bool log_is_new(const struct log *log)
{
    return log->is_new;
}

void log_settled(struct log *log)
{
    log->is_new = false;
}

/* --- what there is to do ---------------------------------------------------- */

static void note_indexes(struct log *log, struct log_checkpoint *out)
{
    out->indexes = mem_new_array(log->segment_count, sizeof(*out->indexes));
    for (size_t i = 0; i < log->segment_count; i++) {
        struct segment *segment = &log->segments[i];

        if (segment->has_stale_indexes)
            out->indexes[out->index_count++] = segment->base;
        segment->has_stale_indexes = false; /* Who writes to them from now on says so again. */
    }
}

static void note_epochs(struct log *log, struct log_checkpoint *out)
{
    struct checkpoint file = {.count = 0};

    if (!log->has_new_epochs)
        return;
    log_list_epochs(log, &file);
    checkpoint_print(&file, &out->epochs);
    log->has_new_epochs = false;
}

int log_checkpoint_begin(struct log *log, struct log_checkpoint *out, bool *out_any)
{
    int r;

    assert(log->staged_count == 0);
    *out_any = false;
    if (!log_wants_checkpoint(log))
        return 0;
    if (log_is_fenced(log))
        return err_raise(-EIO);
    r = segment_finish_indexes(log_active(log));
    if (r)
        return err_pass(r);
    *out = (struct log_checkpoint){.dir = log->dir, .upto = log->written};
    out->folders[0] = file_ref(log->folder);
    out->folders[1] = log->has_new_names ? file_ref(log->root) : NULL;
    (void)log_sync_begin_flush(log, &out->sync);
    note_indexes(log, out);
    note_epochs(log, out);
    log_print_snapshot(log, &out->snapshot);
    out->has_old_names = log->has_old_names;
    log->has_old_names = false;
    log->is_quiet = true;
    *out_any = true;
    return 0;
}

/* --- the worker's part ------------------------------------------------------ */

/* Syncs a file of a segment; one that is gone was below the start. */
static int sync_file(const struct log_checkpoint *c, struct io *io, int64_t base,
                     const char *suffix)
{
    scoped(file_unrefp) struct file *file = NULL;
    char name[SEGMENT_NAME_SIZE];
    int r;

    segment_name(name, base, suffix);
    r = file_open(io, c->folders[0]->fd, name, IO_READ | IO_WRITE, &file);
    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = io->ops->file_sync(io, file->fd);
    if (r)
        log_dir_fence(c->dir); /* Here, so that nobody's sync that follows is believed. */
    return err_pass(r);
}

static int sync_files(const struct log_checkpoint *c, struct io *io)
{
    int r = 0;

    for (size_t i = 0; i < c->sync.file_count && r == 0; i++)
        r = sync_file(c, io, c->sync.files[i].base, ".log");
    for (size_t i = 0; i < c->index_count && r == 0; i++) {
        r = sync_file(c, io, c->indexes[i], ".index");
        if (r == 0)
            r = sync_file(c, io, c->indexes[i], ".timeindex");
        if (r == 0)
            r = sync_file(c, io, c->indexes[i], ".txnindex");
    }
    return err_pass(r);
}

static int write_small_files(const struct log_checkpoint *c, struct io *io)
{
    char name[SEGMENT_NAME_SIZE];
    int r = 0;

    segment_name(name, c->upto, ".snapshot");
    if (c->snapshot.size > 0) /* The loop writes the same one if the segment rolls right now. */
        r = file_replace_beside(io, c->folders[0]->fd, name, ".worker.tmp",
                                text_slice(&c->snapshot));
    if (r == 0 && c->epochs.size > 0)
        r = file_replace(io, c->folders[0]->fd, log_epochs_name, text_slice(&c->epochs));
    return err_pass(r);
}

static int sync_folders(const struct log_checkpoint *c, struct io *io)
{
    int r = mutant_is(MUTANT_NAMES_BEHIND) ? 0 : io->ops->dir_sync(io, c->folders[0]->fd);

    if (r == 0 && c->folders[1])
        r = io->ops->dir_sync(io, c->folders[1]->fd);
    if (r)
        log_dir_fence(c->dir);
    return err_pass(r);
}

int log_checkpoint_run(struct log_checkpoint *checkpoint, struct io *io)
{
    int r = mutant_is(MUTANT_POINT_AHEAD) ? 0 : sync_files(checkpoint, io);

    if (r == 0)
        r = write_small_files(checkpoint, io);
    return err_pass(r ? r : sync_folders(checkpoint, io));
}

/* --- the end ---------------------------------------------------------------- */

/* No harm if it stays. */
static void unlink_snapshot(struct log *log, int64_t offset)
{
    struct io *io = log->env.io;
    char name[SEGMENT_NAME_SIZE];

    segment_name(name, offset, ".snapshot");
    if (offset >= 0 && log->segments[log_find_segment(log, offset)].base != offset)
        (void)io->ops->unlink(io, log->folder->fd, name);
}

static void give_back(struct log *log, const struct log_checkpoint *c)
{
    for (size_t i = 0; i < c->index_count; i++) {
        struct segment *segment = &log->segments[log_find_segment(log, c->indexes[i])];

        if (segment->base == c->indexes[i])
            segment->has_stale_indexes = true;
    }
    log->has_new_epochs |= c->epochs.size > 0;
    log->has_old_names |= c->has_old_names;
    log->is_quiet = false;
}

void log_checkpoint_end(struct log *log, struct log_checkpoint *checkpoint, int r)
{
    if (r) {
        give_back(log, checkpoint);
        return;
    }
    if (checkpoint->sync.file_count > 0)
        log_sync_end(log, &checkpoint->sync);
    if (log->snapshot_new != log->snapshot_kept && log->snapshot_new != checkpoint->upto)
        unlink_snapshot(log, log->snapshot_new);
    if (checkpoint->snapshot.size > 0)
        log->snapshot_new = checkpoint->upto;
    log->recovery_point = checkpoint->upto;
    log->is_unchanged |= log->is_quiet && log->staged_count == 0;
    assert_slow((log_check(log), true));
}

void log_checkpoint_kept(struct log *log)
{
    if (log->snapshot_kept != log->snapshot_new)
        unlink_snapshot(log, log->snapshot_kept);
    log->snapshot_kept = log->snapshot_new;
    log->point_kept = log->recovery_point;
}

void log_checkpoint_fini(struct log_checkpoint *checkpoint)
{
    log_sync_fini(&checkpoint->sync);
    for (size_t i = 0; i < COUNT_OF(checkpoint->folders); i++)
        file_unref(checkpoint->folders[i]);
    mem_free(checkpoint->indexes);
    text_fini(&checkpoint->snapshot);
    text_fini(&checkpoint->epochs);
    *checkpoint = (struct log_checkpoint){.upto = 0};
}
