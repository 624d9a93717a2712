/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_dir.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "store/checkpoint.h"
#include "store/commit_log.h"
#include "store/log_dir_internal.h"
#include "store/log_internal.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

DIAG_MODULE("store");

enum {
    DELETED_MAX = 1000, /* Folders of deleted logs that one start removes. */
};

static const char clean_mark[] = ".kafka_cleanshutdown";
static const char metadata_topic[] = "__cluster_metadata";
static const char deleted_suffix[] = "-delete";
static const char stray_suffix[] = "-stray";

enum { CLEAN_MARK_SIZE = 64 };

struct uuid log_dir_id(const struct log_dir *dir)
{
    return dir->id;
}

const char *log_dir_cluster_id(const struct log_dir *dir)
{
    return dir->cluster_id;
}

void log_dir_set_broker_epoch(struct log_dir *dir, int64_t epoch)
{
    dir->broker_epoch = epoch;
}

struct file *log_dir_folder(const struct log_dir *dir)
{
    return file_ref(dir->root);
}

bool log_dir_is_new(const struct log_dir *dir)
{
    return dir->is_new;
}

bool log_dir_was_clean(const struct log_dir *dir)
{
    return dir->was_clean;
}

bool log_dir_is_fenced(const struct log_dir *dir)
{
    return atomic_load_explicit(&dir->is_fenced, memory_order_acquire);
}

void log_dir_fence(struct log_dir *dir)
{
    if (atomic_exchange_explicit(&dir->is_fenced, true, memory_order_acq_rel))
        return;
    diag_error(dir->diag, "sync failed: the data folder takes no more writes until a restart; "
                          "check the disk first");
    if (dir->fenced)
        dir->fenced(dir->owner);
}

/* --- logs that fail --------------------------------------------------------- */

/* Any thread; each name comes in once, or seldom twice. */
static void note_failed(struct log_dir *dir, const char *name)
{
    struct failed_log *first = atomic_load_explicit(&dir->failed, memory_order_acquire);
    struct failed_log *failed;

    for (const struct failed_log *f = first; f; f = f->next)
        if (strcmp(f->name, name) == 0)
            return;
    failed = mem_new(sizeof(*failed));
    failed->name = mem_copy_text(name, strlen(name));
    do {
        failed->next = first;
    } while (!atomic_compare_exchange_weak_explicit(&dir->failed, &first, failed,
                                                    memory_order_acq_rel, memory_order_acquire));
}

/* Kafka would take it for one in order, if there were the mark of a clean stop. */
static bool is_out_of_order(struct log_dir *dir, const char *name)
{
    const struct mark *mark = NULL;
    struct slice topic;
    int64_t partition;

    if (checkpoint_split(name, &topic, &partition))
        mark = marks_find(&dir->marks, topic, partition);
    return log_dir_has_log(dir, dir->io, name) && !(mark && mark->is_in_order);
}

static int check_failed(struct log_dir *dir)
{
    for (const struct failed_log *f = dir->failed; f; f = f->next) {
        if (is_out_of_order(dir, f->name)) {
            diag_warn(dir->diag, "stop is not clean: a log could not be brought in order",
                      kv("log", f->name));
            return err_raise(-EIO);
        }
    }
    return 0;
}

static void forget_failed(struct log_dir *dir)
{
    struct failed_log *failed = dir->failed;

    while (failed) {
        struct failed_log *next = failed->next;

        mem_free(failed->name);
        mem_free(failed);
        failed = next;
    }
}

/* --- getting hold of the folder --------------------------------------------- */

static int take_lock(struct log_dir *dir)
{
    int r = file_open(dir->io, dir->root->fd, ".lock", IO_READ | IO_WRITE | IO_CREATE, &dir->lock);

    if (r == 0)
        r = dir->io->ops->file_lock(dir->io, dir->lock->fd);
    if (r == -EAGAIN) {
        diag_error(dir->diag, "data folder is in use by another broker; stop that one, or choose "
                              "another log.dirs");
        return LOG_DIR_E_LOCKED;
    }
    return err_pass(r);
}

/* The mark goes before anything is written, or a crash would be taken for a clean stop. */
static int take_mark_away(struct log_dir *dir)
{
    int r = dir->io->ops->unlink(dir->io, dir->root->fd, clean_mark);

    dir->was_clean = r == 0;
    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = dir->io->ops->dir_sync(dir->io, dir->root->fd);
    return err_pass(r);
}

/* The cleaner works only below what both say. */
static int64_t replay_floor(void *context, struct slice name, bool is_new)
{
    const struct log_dir *dir = context;
    scoped(mem_freep_any) char *text = mem_copy_text(name.data, name.size);
    const struct mark *mark = NULL;
    struct slice topic;
    int64_t partition;

    if (!is_new && checkpoint_split(text, &topic, &partition))
        mark = marks_find(&dir->marks, topic, partition);
    return mark ? max_of(mark->recovery_point, mark->cleaned) : 0;
}

/* What was acknowledged before a crash goes into the segments, before anybody opens one. */
static int replay_commit_log(struct log_dir *dir)
{
    int64_t entries = 0;
    int r = 0;

    if (!mutant_is(MUTANT_SKIP_REPLAY))
        r = commit_log_replay(dir->io, dir->root, replay_floor, dir, &entries);

    if (r == 0 && !mutant_is(MUTANT_SKIP_REPLAY) && entries > 0)
        diag_info(dir->diag, "commit log of an unclean stop replayed", kv("entries", entries));
    return err_pass(r);
}

/* --- folders of deleted logs ------------------------------------------------ */

/* Names, to be gone through when the listing is over. */
struct names {
    struct text text; /* Each with a zero byte behind it. */
    size_t count;
    const char *suffix; /* That they end with; NULL: any. */
    bool wants_dirs;
    size_t max;
};

static int add_name(void *context, const char *name, bool is_dir)
{
    struct names *names = context;
    size_t size = strlen(name);
    size_t suffix = names->suffix ? strlen(names->suffix) : 0;

    if (is_dir != names->wants_dirs || names->count == names->max || size < suffix ||
        (suffix && strcmp(name + size - suffix, names->suffix) != 0))
        return 0;
    text_add(&names->text, name, size + 1);
    names->count++;
    return 0;
}

static int remove_folder(struct log_dir *dir, struct io *io, const char *name)
{
    scoped(file_unrefp) struct file *folder = NULL;
    struct names names = {.max = SIZE_MAX};
    const char *at;
    int r = file_open_dir(io, dir->root->fd, name, &folder);

    if (r == 0)
        r = io->ops->dir_list(io, folder->fd, add_name, &names);
    at = names.text.data;
    for (size_t i = 0; i < names.count && r == 0; i++, at += strlen(at) + 1)
        r = io->ops->unlink(io, folder->fd, at);
    text_fini(&names.text);
    if (r == 0)
        r = io->ops->dir_remove(io, dir->root->fd, name);
    return err_pass(r);
}

/* What deletions left behind that a crash cut short.  That they stay is no harm: the next
 * start tries again. */
static int remove_deleted(struct log_dir *dir)
{
    struct names names = {.suffix = deleted_suffix, .wants_dirs = true, .max = DELETED_MAX};
    const char *at;
    int r = dir->io->ops->dir_list(dir->io, dir->root->fd, add_name, &names);

    at = names.text.data;
    for (size_t i = 0; i < names.count && r == 0; i++, at += strlen(at) + 1) {
        int failed = remove_folder(dir, dir->io, at);

        if (failed)
            diag_warn(dir->diag, "folder of a deleted log could not be removed", kv("folder", at),
                      kv("error", failed));
    }
    text_fini(&names.text);
    return err_pass(r);
}

int log_dir_delete_log(struct log_dir *dir, struct io *io, const char *name, struct uuid topic_id)
{
    char hidden[IO_NAME_MAX];
    struct uuid found;
    bool is_new;
    int r = log_folder_topic(dir->root, io, name, &found, &is_new);
    if (r == -ENOENT || (r == 0 && !uuid_is_zero(found) && !uuid_equal(found, topic_id)))
        return 0;
    log_name_aside(hidden, name, topic_id.bytes, deleted_suffix);
    if (r == 0)
        r = io->ops->rename(io, dir->root->fd, name, dir->root->fd, hidden);
    if (r == 0)
        r = remove_folder(dir, io, hidden);
    return err_pass(r);
}

/* --- opening and closing ---------------------------------------------------- */

int log_dir_open(const struct log_dir_options *options, struct log_dir **out)
{
    struct log_dir *dir = mem_new(sizeof(*dir));
    int r = log_dir_make_folders(options->io, options->path);

    dir->io = options->io;
    dir->diag = options->diag;
    dir->node_id = options->node_id;
    dir->broker_epoch = -1;
    dir->fenced = options->fenced;
    dir->owner = options->owner;
    marks_init(&dir->marks);
    if (r == 0)
        r = file_open_dir(dir->io, IO_CWD, options->path, &dir->root);
    if (r == 0)
        r = take_lock(dir);
    if (r == 0)
        r = log_dir_read_identity(dir, options);
    if (r == 0)
        r = marks_read(&dir->marks, dir->io, dir->root->fd, dir->diag);
    if (r == 0)
        r = take_mark_away(dir);
    if (r == 0)
        r = remove_deleted(dir);
    if (r == 0)
        r = replay_commit_log(dir);
    if (r < 0)
        diag_error(dir->diag, "data folder cannot be opened", kv("path", options->path),
                   kv("error", r));
    if (r) {
        (void)log_dir_close(dir, false);
        return r;
    }
    *out = dir;
    return 0;
}

int log_dir_recovered(struct log_dir *dir)
{
    int r = commit_log_remove(dir->io, dir->root);

    if (r == 0)
        r = dir->io->ops->dir_sync(dir->io, dir->root->fd);
    return err_pass(r);
}

int log_dir_make_commit_log(struct log_dir *dir, struct io *io, int shard, size_t block_size,
                            struct commit_log **out)
{
    return err_pass(commit_log_create(io, dir->root, shard, block_size, out));
}

void log_dir_give_marks(const struct log_dir *dir, struct marks *out)
{
    marks_copy(out, &dir->marks);
}

void log_dir_take_marks(struct log_dir *dir, const struct marks *marks)
{
    marks_copy(&dir->marks, marks);
}

int log_dir_save_marks(struct log_dir *dir, struct io *io, const struct marks *marks,
                       unsigned which)
{
    int r = log_dir_is_fenced(dir) ? err_raise(-EIO) : 0;

    if (r == 0)
        r = marks_save(marks, io, dir->root->fd, which);
    if (r == 0)
        r = io->ops->dir_sync(io, dir->root->fd);
    return err_pass(r);
}

/* The new logs can believe from now on what the checkpoints say. */
static int settle_logs(struct log_dir *dir)
{
    map_each (node, &dir->marks.by_name) {
        struct mark *mark = container_of(node, struct mark, node);
        scoped(file_unrefp) struct file *folder = NULL;
        char name[IO_NAME_MAX];
        int r;

        if (!mark->is_new || !mark->is_in_order)
            continue;
        (void)snprintf(name, sizeof(name), "%s-%" PRId64, mark->topic, mark->partition);
        r = file_open_dir(dir->io, dir->root->fd, name, &folder);
        if (r == 0)
            r = log_settle(dir->io, folder, mark->topic_id);
        if (r && r != -ENOENT) /* It was deleted. */
            return err_pass(r);
        mark->is_new = false;
    }
    return 0;
}

int log_dir_write_marks(struct log_dir *dir)
{
    int r;

    if (log_dir_is_fenced(dir))
        return err_raise(-EIO);
    r = marks_write(&dir->marks, dir->io, dir->root->fd, dir->was_clean);
    if (r == 0)
        r = dir->io->ops->dir_sync(dir->io, dir->root->fd);
    return err_pass(r ? r : settle_logs(dir));
}

static int write_clean_mark(struct log_dir *dir)
{
    char text[CLEAN_MARK_SIZE];
    int r = log_dir_is_fenced(dir) ? err_raise(-EIO) : log_dir_recovered(dir);

    (void)snprintf(text, sizeof(text), "{\"version\":0,\"brokerEpoch\":%" PRId64 "}",
                   dir->broker_epoch);
    if (r == 0) /* Every log was synced as it was closed. */
        r = log_dir_write_marks(dir);
    if (r == 0)
        r = check_failed(dir);
    if (r == 0)
        r = file_replace(dir->io, dir->root->fd, clean_mark, slice_text(text));
    if (r == 0)
        r = dir->io->ops->dir_sync(dir->io, dir->root->fd);
    return err_pass(r);
}

int log_dir_close(struct log_dir *dir, bool clean)
{
    int r = 0;

    if (!dir)
        return 0;
    if (clean)
        r = write_clean_mark(dir);
    marks_fini(&dir->marks);
    forget_failed(dir);
    file_unref(dir->lock);
    file_unref(dir->root);
    mem_free(dir);
    return err_pass(r);
}

/* --- folders ---------------------------------------------------------------- */

int log_dir_walk(struct log_dir *dir, struct io *io, log_dir_log_fn *fn, void *context)
{
    struct names names = {.wants_dirs = true, .max = SIZE_MAX};
    const char *at;
    int r = io->ops->dir_list(io, dir->root->fd, add_name, &names);

    at = names.text.data;
    for (size_t i = 0; i < names.count && r == 0; i++, at += strlen(at) + 1) {
        struct slice topic;
        int64_t partition;

        /* What is set aside, or on its way, ends in a word. */
        if (checkpoint_split(at, &topic, &partition) && !slice_is_text(topic, metadata_topic))
            r = fn(context, at, topic, partition);
    }
    text_fini(&names.text);
    return r;
}

int log_dir_topic_of(struct log_dir *dir, struct io *io, const char *name, struct uuid *out)
{
    bool is_new;

    return log_folder_topic(dir->root, io, name, out, &is_new);
}

int log_dir_has_log_of(struct log_dir *dir, struct io *io, const char *name, struct uuid topic_id,
                       bool *out)
{
    struct uuid found = {{0}};
    bool is_new = false;
    int r = log_folder_topic(dir->root, io, name, &found, &is_new);

    *out = r == 0 && uuid_equal(found, topic_id);
    return r == -ENOENT || r > 0 ? 0 : err_pass(r);
}

int log_dir_move_stray(struct log_dir *dir, struct io *io, const char *name)
{
    char aside[IO_NAME_MAX];
    uint8_t random[16];
    int r;

    io->ops->entropy(io, random, sizeof(random));
    log_name_aside(aside, name, random, stray_suffix);
    r = io->ops->rename(io, dir->root->fd, name, dir->root->fd, aside);
    if (r == 0)
        diag_warn(dir->diag,
                  "folder of a partition that is not in the metadata moved aside; it stays until "
                  "somebody removes it",
                  kv("log", name), kv("to", aside));
    return err_pass(r);
}

/* --- logs ------------------------------------------------------------------- */

bool log_dir_has_log(struct log_dir *dir, struct io *io, const char *name)
{
    scoped(file_unrefp) struct file *folder = NULL;

    return file_open_dir(io, dir->root->fd, name, &folder) == 0;
}

/* A log was closed in order only if the checkpoint of recovery points says so; the metadata
 * log, which is in none, is there in every run. */
static void fill_opening(struct log_dir *dir, struct io *io, const char *name, struct uuid topic_id,
                         struct log_opening *out)
{
    struct slice topic = slice_null();
    struct mark *mark = NULL;
    int64_t partition;

    *out = (struct log_opening){.root = dir->root, .cleaned = -1};
    if (checkpoint_split(name, &topic, &partition))
        mark = marks_find(&dir->marks, topic, partition);
    if (!mark) {
        out->was_clean = dir->was_clean && slice_is_text(topic, metadata_topic);
        return;
    }
    if (!log_dir_has_log(dir, io, name)) { /* What it says was another log's. */
        mark->recovery_point = mark->high_watermark = mark->start = mark->cleaned = -1;
        mark->is_in_order = mark->is_new = false;
    }
    out->recovery_point = max_of(mark->recovery_point, (int64_t)0);
    out->start = max_of(mark->start, (int64_t)0);
    out->cleaned = mark->cleaned;
    out->point_kept = out->recovery_point;
    out->was_clean =
        mark->is_in_order || (dir->was_clean && !mark->is_touched && mark->recovery_point >= 0);
    out->is_known = mark->is_in_order && uuid_equal(mark->topic_id, topic_id);
    mark->is_touched = true;
    mark->is_in_order = false;
}

int log_dir_open_log(struct log_dir *dir, const struct log_env *env, const char *name,
                     struct uuid topic_id, const struct log_config *config, struct log **out)
{
    struct log_opening opening;
    int r;

    fill_opening(dir, env->io, name, topic_id, &opening);
    r = log_open(env, dir, name, topic_id, config, &opening, out);
    if (r)
        note_failed(dir, name);
    return r;
}

int log_dir_has_expired(struct log_dir *dir, struct io *io, const char *name,
                        const struct log_retention *retention, int64_t now_ms, bool *out)
{
    return err_pass(log_has_expired(io, dir->root, name, retention, now_ms, out));
}

int log_dir_log_size(struct log_dir *dir, struct io *io, const char *name, int64_t *out)
{
    return err_pass(log_folder_size(io, dir->root, name, out));
}

int log_dir_space(struct log_dir *dir, struct io *io, int64_t *out_total, int64_t *out_usable)
{
    uint64_t total = 0;
    uint64_t usable = 0;
    int r = io->ops->dir_space(io, dir->root->fd, &total, &usable);

    *out_total = (int64_t)min_of(total, (uint64_t)INT64_MAX);
    *out_usable = (int64_t)min_of(usable, (uint64_t)INT64_MAX);
    return err_pass(r);
}

int log_dir_wake_log(struct log_dir *dir, const struct log_env *env, const char *name,
                     struct uuid topic_id, const struct log_config *config,
                     const struct log_rest *rest, struct log **out)
{
    struct log_opening opening = {
        .root = dir->root,
        .recovery_point = rest->end,
        .point_kept = rest->point_kept,
        .cleaned = rest->cleaned,
        .start = max_of(rest->start_mark, (int64_t)0),
        .was_clean = true,
        .is_known = true,
    };
    int r = log_open(env, dir, name, topic_id, config, &opening, out);

    if (r)
        note_failed(dir, name);
    return r;
}

int log_dir_rest_log(struct log_dir *dir, struct log *log, struct log_rest *out)
{
    scoped(mem_freep_any) char *name = mem_copy_text(log->name, strlen(log->name));
    struct log_rest rest = {
        .start = log->start,
        .start_mark = log->start > log->segments[0].base ? log->start : -1,
        .end = log_written(log),
        .point_kept = log->point_kept,
        .cleaned = log->cleaned,
        .size = log_size(log),
        .segments = (uint32_t)log_segments(log),
        .is_new = log->is_new,
    };
    int r = log_close(log);

    if (r)
        note_failed(dir, name);
    else
        *out = rest;
    return err_pass(r);
}

void log_dir_close_resting(struct log_dir *dir, const char *name, struct uuid topic_id,
                           const struct log_rest *rest)
{
    struct slice topic;
    struct mark *mark;
    int64_t partition;

    if (!checkpoint_split(name, &topic, &partition))
        return;
    mark = marks_get(&dir->marks, topic, partition);
    mark->recovery_point = mark->high_watermark = rest->end;
    mark->start = rest->start_mark;
    mark->cleaned = rest->cleaned;
    mark->topic_id = topic_id;
    mark->is_new = rest->is_new;
    mark->is_in_order = true;
    mark->is_touched = false;
}

int log_dir_close_log(struct log_dir *dir, struct log *log)
{
    scoped(mem_freep_any) char *name = mem_copy_text(log->name, strlen(log->name));
    struct uuid topic_id = log->topic_id;
    struct log_rest rest;
    int r = log_dir_rest_log(dir, log, &rest);

    if (r == 0)
        log_dir_close_resting(dir, name, topic_id, &rest);
    return err_pass(r);
}
