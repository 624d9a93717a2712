/* SPDX-License-Identifier: Apache-2.0 */

/* store/cleaner.c - the worker's side of a pass: what comes when, groups, and names. */

#include "store/cleaner.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "store/cleaner_internal.h"
#include "store/log_dir.h"

#include <stdio.h>

static const char cleaned_suffix[] = ".cleaned";
static const char swap_suffix[] = ".swap";

/* That of the batches comes last: without it the others are nothing. */
static const char *const suffixes[] = {".index", ".timeindex", ".txnindex", ".log"};

int64_t clean_pass_base(const struct clean_pass *pass, size_t i)
{
    return pass->group_at + i < pass->group_end ? pass->sources[pass->group_at + i].base : -1;
}

/* --- names ------------------------------------------------------------------ */

static void name_file(char out[static SEGMENT_NAME_SIZE], int64_t base, const char *kind,
                      const char *suffix)
{
    char whole[SEGMENT_NAME_SIZE];

    (void)snprintf(whole, sizeof(whole), "%s%s", kind, suffix);
    segment_name(out, base, whole);
}

static int sync_folder(struct clean_pass *pass, struct io *io)
{
    int r = io->ops->dir_sync(io, pass->folder->fd);

    if (r)
        log_dir_fence(pass->dir);
    return err_pass(r);
}

static void unlink_file(struct clean_pass *pass, struct io *io, const char *kind)
{
    char name[SEGMENT_NAME_SIZE];

    name_file(name, pass->output.base, kind, pass->work->suffix);
    (void)io->ops->unlink(io, pass->folder->fd, name);
    name_file(name, pass->output.base, kind, cleaned_suffix); /* If renaming was cut short. */
    (void)io->ops->unlink(io, pass->folder->fd, name);
}

/* Indexes first, durably: recovery would take them for those of the old segment.  No harm if the
 * batches stay. */
static void unlink_files(struct clean_pass *pass, struct io *io)
{
    const size_t indexes = COUNT_OF(suffixes) - 1;

    if (!pass->work->suffix)
        return;
    for (size_t i = 0; i < indexes; i++)
        unlink_file(pass, io, suffixes[i]);
    if (io->ops->dir_sync(io, pass->folder->fd))
        log_dir_fence(pass->dir);
    else
        unlink_file(pass, io, suffixes[indexes]);
    pass->work->suffix = NULL;
}

/* From here on recovery completes what we do not.  No name says `.cleaned` any more before the
 * old segments go, or it would take the copy away. */
static int rename_files(struct clean_pass *pass, struct io *io)
{
    int dir = pass->folder->fd;
    int r = sync_folder(pass, io);

    for (size_t i = 0; i < COUNT_OF(suffixes) && r == 0; i++) {
        char from[SEGMENT_NAME_SIZE];
        char to[SEGMENT_NAME_SIZE];

        name_file(from, pass->output.base, suffixes[i], cleaned_suffix);
        name_file(to, pass->output.base, suffixes[i], swap_suffix);
        r = io->ops->rename(io, dir, from, dir, to);
        if (r == -ENOENT && i + 1 < COUNT_OF(suffixes))
            r = 0;
    }
    pass->output.suffix = pass->work->suffix = swap_suffix;
    return r ? err_pass(r) : sync_folder(pass, io);
}

/* --- groups ----------------------------------------------------------------- */

/* Bytes of a file of the segment; 0 if there is none. */
static int size_of(const struct clean_pass *pass, struct io *io, int64_t base, const char *suffix,
                   uint64_t *out)
{
    scoped(file_unrefp) struct file *file = NULL;
    char name[SEGMENT_NAME_SIZE];
    int r;

    *out = 0;
    segment_name(name, base, suffix);
    r = file_open(io, pass->folder->fd, name, IO_READ, &file);
    if (r == -ENOENT)
        return 0;
    return err_pass(r ? r : io->ops->file_size(io, file->fd, out));
}

struct group_size {
    uint64_t batches, offsets, times;
};

/* Adds the segment to the sizes of the group; `*out_fits` is false if that were too much. */
static int add_to_group(const struct clean_pass *pass, struct io *io, size_t at,
                        struct group_size *size, bool *out_fits)
{
    const struct clean_source *source = &pass->sources[at];
    uint64_t index_max = (uint64_t)pass->config.index_size_max;
    struct group_size one = {.batches = source->size};
    int r = size_of(pass, io, source->base, ".index", &one.offsets);

    if (r == 0)
        r = size_of(pass, io, source->base, ".timeindex", &one.times);
    if (r)
        return err_pass(r);
    size->batches += one.batches;
    size->offsets += one.offsets;
    size->times += one.times;
    *out_fits =
        at == pass->group_at || (size->batches <= (uint64_t)pass->config.segment_bytes &&
                                 size->offsets <= index_max && size->times <= index_max &&
                                 source->end - 1 - pass->sources[pass->group_at].base <= INT32_MAX);
    return 0;
}

/* The next segments that fit one, as Kafka groups them; none if all are done. */
static int form_group(struct clean_pass *pass, struct io *io)
{
    struct group_size size = {.batches = 0};
    bool fits = true;
    size_t at = pass->work->copied_count;
    int r = 0;

    pass->group_at = pass->group_end = at;
    for (; at < pass->source_count && pass->sources[at].base < pass->end; at++) {
        r = add_to_group(pass, io, at, &size, &fits);
        if (r || !fits)
            break;
        pass->group_end = at + 1;
    }
    return err_pass(r);
}

static int begin_group(struct clean_pass *pass, struct io *io)
{
    const struct segment_place place = {
        .io = io, .dir = pass->folder->fd, .index_interval = pass->config.index_interval_bytes};
    struct clean_work *work = pass->work;
    int r = 0;

    if (work->has_unsynced_names) /* Before a `.cleaned` comes up that could undo a swap. */
        r = sync_folder(pass, io);
    work->has_unsynced_names = false;
    if (r == 0)
        r = form_group(pass, io);
    if (r || pass->group_at == pass->group_end)
        return err_pass(r);
    work->at = pass->group_at;
    work->is_swapped = false;
    text_cut(&work->unwritten, 0);
    text_cut(&work->aborted, 0);
    work->suffix = cleaned_suffix;
    work->phase = CLEAN_COPIES;
    r = segment_create_as(&pass->output, &place, pass->sources[pass->group_at].base,
                          cleaned_suffix);
    return r ? err_pass(r) : CLEAN_MORE;
}

/* --- the end of a group ------------------------------------------------------ */

static int write_aborted(struct clean_pass *pass, struct io *io)
{
    scoped(file_unrefp) struct file *file = NULL;
    struct io_iov iov = {.data = pass->work->aborted.data, .size = pass->work->aborted.size};
    char name[SEGMENT_NAME_SIZE];
    int r;

    name_file(name, pass->output.base, ".txnindex", cleaned_suffix);
    if (iov.size == 0) {
        r = io->ops->unlink(io, pass->folder->fd, name);
        return r == -ENOENT ? 0 : err_pass(r); /* An older pass may have left one. */
    }
    r = file_open(io, pass->folder->fd, name, IO_WRITE | IO_CREATE | IO_TRUNCATE, &file);
    if (r == 0)
        r = io->ops->file_write(io, file->fd, 0, &iov, 1);
    return err_pass(r ? r : io->ops->file_sync(io, file->fd));
}

static int sync_output(struct clean_pass *pass, struct io *io)
{
    struct segment *output = &pass->output;
    int r = io->ops->file_sync(io, output->file->fd);

    if (r == 0)
        r = io->ops->file_sync(io, output->by_offset.file->fd);
    if (r == 0)
        r = io->ops->file_sync(io, output->by_time.file->fd);
    if (r)
        log_dir_fence(pass->dir);
    return err_pass(r);
}

static int finish_group(struct clean_pass *pass, struct io *io)
{
    struct segment *output = &pass->output;
    int r = segment_finish_indexes(output);

    if (r == 0)
        r = mutant_is(MUTANT_CLEAN_UNSYNCED) ? 0 : sync_output(pass, io);
    if (r == 0)
        r = write_aborted(pass, io);
    segment_close(output);
    if (r == 0)
        r = rename_files(pass, io);
    if (r)
        return err_pass(r);
    output->synced_size = output->size;
    output->has_stale_indexes = false;
    output->has_own_indexes = true;
    if (pass->work->aborted.size > 0)
        output->aborted = txn_index_found();
    pass->work->phase = CLEAN_SWAPS;
    return CLEAN_GROUP;
}

static int copy_more(struct clean_pass *pass, struct io *io, uint64_t bytes)
{
    int r = clean_copy_step(pass, io, bytes);

    return r ? r : finish_group(pass, io);
}

/* The log has what it needs in memory: the old names are to be gone durably. */
static int end_group(struct clean_pass *pass, struct io *io)
{
    int r;

    if (!pass->work->is_swapped)
        return CLEAN_E_GONE;
    pass->work->suffix = NULL;
    r = sync_folder(pass, io);
    if (r)
        return err_pass(r);
    pass->work->copied_count = pass->group_end;
    pass->work->has_unsynced_names = true;
    pass->work->phase = CLEAN_BEGINS;
    return CLEAN_NAMES;
}

/* --- the pass --------------------------------------------------------------- */

static int map_more(struct clean_pass *pass, struct io *io, uint64_t bytes)
{
    int r = clean_map_step(pass, io, bytes);

    if (r)
        return r;
    clean_txns_restart(pass->txns);
    pass->work->phase = CLEAN_BEGINS;
    return CLEAN_MORE;
}

int clean_pass_step(struct clean_pass *pass, struct io *io, uint64_t bytes)
{
    assert(pass->group_at <= pass->group_end && pass->group_end <= pass->source_count);
    switch (pass->work->phase) {
    case CLEAN_MAPS: return map_more(pass, io, bytes);
    case CLEAN_BEGINS: return begin_group(pass, io);
    case CLEAN_COPIES: return copy_more(pass, io, bytes);
    case CLEAN_SWAPS: break;
    }
    return end_group(pass, io);
}

struct clean_pass *clean_pass_destroy(struct clean_pass *pass, struct io *io)
{
    struct clean_work *work = pass ? pass->work : NULL;

    if (!pass)
        return NULL;
    clean_close_source(work);
    segment_close(&pass->output);
    unlink_files(pass, io);
    inflater_cache_fini(&work->inflaters);
    deflater_cache_fini(&work->deflaters);
    batch_rewrite_fini(&work->rewrite);
    text_fini(&work->scratch);
    text_fini(&work->unwritten);
    text_fini(&work->aborted);
    mem_free(work);
    clean_txns_destroy(pass->txns);
    clean_map_fini(&pass->map);
    file_unref(pass->folder);
    mem_free(pass->sources);
    mem_free(pass->producers);
    return mem_free(pass);
}
