/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_open.c - how a log comes to life after a clean stop, and is laid to rest.
 *
 * After a clean stop the indexes are believed, and only what lies behind the last entry of
 * the newest one is walked, header by header.  log_recover.c does the rest of the cases.
 */

#include "base/err.h"
#include "base/mem.h"
#include "store/checkpoint.h"
#include "store/log_dir.h"
#include "store/log_internal.h"

#include <stdio.h>

DIAG_MODULE("store");

enum { METADATA_SIZE_MAX = 4096 };

static const char metadata_name[] = "partition.metadata";
const char log_epochs_name[] = "leader-epoch-checkpoint";

/* --- partition.metadata ----------------------------------------------------- */

/* What the file says. */
struct metadata {
    struct uuid topic_id; /* Zero if there is no file. */
    bool is_new;          /* What checkpoints say may be about an earlier log. */
};

/* The third line, of which Kafka takes no notice, is there while checkpoints that name the
 * log may be those of an earlier one. */
static int write_metadata(struct io *io, const struct file *folder, struct uuid topic_id,
                          bool is_new)
{
    char id[UUID_TEXT_SIZE + 1];
    char bytes[128];
    int size;

    uuid_print(topic_id, id);
    size = snprintf(bytes, sizeof(bytes), "version: 0\ntopic_id: %s%s", id,
                    is_new ? "\nnever_stopped: true" : "");
    return err_pass(file_replace(io, folder->fd, metadata_name, slice_of(bytes, (size_t)size)));
}

int log_settle(struct io *io, const struct file *folder, struct uuid topic_id)
{
    int r = write_metadata(io, folder, topic_id, false);

    return err_pass(r ? r : io->ops->dir_sync(io, folder->fd));
}

static int parse_metadata(const char *text, struct metadata *out)
{
    static const char key[] = "topic_id: ";
    const char *at = strstr(text, key);

    out->is_new = strstr(text, "\nnever_stopped: true");
    if (!at)
        return LOG_E_CORRUPT;
    at += sizeof(key) - 1;
    return uuid_parse(slice_of(at, strcspn(at, "\r\n")), &out->topic_id) ? LOG_E_CORRUPT : 0;
}

static int read_metadata(struct io *io, int folder, struct metadata *out)
{
    struct text file = {.data = NULL};
    int r = file_load(io, folder, metadata_name, METADATA_SIZE_MAX, &file);

    *out = (struct metadata){.is_new = false};
    if (r == 0)
        r = parse_metadata(file.data ? file.data : "", out);
    text_fini(&file);
    return r == -ENOENT ? 0 : r;
}

int log_folder_topic(const struct file *root, struct io *io, const char *name, struct uuid *out,
                     bool *out_is_new)
{
    scoped(file_unrefp) struct file *folder = NULL;
    struct metadata metadata;
    int r = file_open_dir(io, root->fd, name, &folder);

    if (r == 0)
        r = read_metadata(io, folder->fd, &metadata);
    if (r == 0) {
        *out = metadata.topic_id;
        *out_is_new = metadata.is_new || uuid_is_zero(metadata.topic_id);
    }
    return r;
}

/* --- the folder ------------------------------------------------------------- */

void log_name_aside(char out[static IO_NAME_MAX], const char *name, const uint8_t mark[static 16],
                    const char *suffix)
{
    const char *dash = strrchr(name, '-');
    size_t stem = dash ? (size_t)(dash - name) : strlen(name);
    struct text rest = {.data = NULL};

    text_printf(&rest, "%s.", name + stem);
    for (size_t i = 0; i < 16; i++)
        text_printf(&rest, "%02x", mark[i]);
    text_printf(&rest, "%s", suffix);
    assert(rest.size < IO_NAME_MAX);
    stem = min_of(stem, IO_NAME_MAX - 1 - rest.size);
    memcpy(out, name, stem);
    memcpy(out + stem, rest.data, rest.size + 1);
    text_fini(&rest);
}

/* A folder of this name that belongs to another topic is what a deletion left half done, or
 * somebody's data: it is moved aside and kept. */
static int move_aside(struct log *log)
{
    struct io *io = log->env.io;
    char aside[IO_NAME_MAX];
    uint8_t random[16];
    int r;

    io->ops->entropy(io, random, sizeof(random));
    log_name_aside(aside, log->name, random, "-stray");
    log->folder = file_unref(log->folder);
    r = io->ops->rename(io, log->root->fd, log->name, log->root->fd, aside);
    diag_warn(log->env.diag, "folder of another topic of this name moved aside",
              kv("log", log->name), kv("to", aside));
    return err_pass(r);
}

static int open_folder(struct log *log)
{
    struct io *io = log->env.io;
    int r = file_open_dir(io, log->root->fd, log->name, &log->folder);

    if (r != -ENOENT)
        return err_pass(r);
    r = io->ops->dir_create(io, log->root->fd, log->name);
    if (r == 0)
        r = file_open_dir(io, log->root->fd, log->name, &log->folder);
    return err_pass(r);
}

/* True in `*out` if the folder has records. */
static int has_records(struct log *log, bool *out)
{
    struct log_listing listing = {.segments = {.items = NULL}};
    struct io *io = log->env.io;
    int r = log_list_folder(io, log->folder, &listing);

    *out = false;
    for (size_t i = 0; i < listing.segments.count && r == 0 && !*out; i++) {
        scoped(file_unrefp) struct file *segment = NULL;
        char name[SEGMENT_NAME_SIZE];
        uint64_t size = 0;

        segment_name(name, listing.segments.items[i], ".log");
        r = file_open(io, log->folder->fd, name, IO_READ, &segment);
        if (r == 0)
            r = io->ops->file_size(io, segment->fd, &size);
        *out = size > 0;
    }
    log_listing_fini(&listing);
    return err_pass(r);
}

/* Whether the folder is another topic's.  One that has records and no id is nobody's: the
 * id is durable before any record is acknowledged, so a crash in the middle of a deletion
 * has left it. */
static int is_foreign(struct log *log, struct uuid found, bool *out)
{
    *out = !uuid_is_zero(found) && !uuid_equal(found, log->topic_id);
    return uuid_is_zero(found) ? has_records(log, out) : 0;
}

static int tell_foreign(const struct log *log)
{
    char id[UUID_TEXT_SIZE + 1];

    uuid_print(log->topic_id, id);
    diag_error(log->env.diag,
               "partition.metadata is missing, or has not the id of this log; restore it",
               kv("log", log->name), kv("file", metadata_name), kv("topic_id", id));
    return LOG_E_CORRUPT;
}

/* Opens or makes the folder, which is then one of log->topic_id. */
static int claim_folder(struct log *log)
{
    struct metadata found = {.is_new = false};
    bool is_other = false;
    int r = open_folder(log);

    if (r == 0)
        r = read_metadata(log->env.io, log->folder->fd, &found);
    if (r == 0)
        r = is_foreign(log, found.topic_id, &is_other);
    if (r == 0 && is_other && log->config.is_kept)
        return tell_foreign(log);
    if (r == 0 && is_other) {
        r = move_aside(log);
        if (r == 0)
            r = open_folder(log);
        found = (struct metadata){.is_new = false};
    }
    log->is_new = found.is_new || uuid_is_zero(found.topic_id);
    if (r == 0 && uuid_is_zero(found.topic_id)) {
        r = write_metadata(log->env.io, log->folder, log->topic_id, true);
        log->has_new_names = true;
    }
    return r;
}

/* --- opening ---------------------------------------------------------------- */

static void note_epoch_line(void *context, struct slice topic, int64_t number, int64_t offset)
{
    struct log *log = context;
    struct log_epoch last = {.epoch = -1};

    (void)topic;
    if (log->epoch_count > 0)
        last = log->epochs[log->epoch_count - 1];
    if (number <= INT32_MAX && number > last.epoch && offset >= last.start)
        log_note_epoch(log, (int32_t)number, offset);
}

static int read_epochs(struct log *log)
{
    int r =
        checkpoint_read(log->env.io, log->folder->fd, log_epochs_name, false, note_epoch_line, log);

    log->has_new_epochs = r > 0;
    if (r > 0)
        diag_warn(log->env.diag, "leader epochs cannot be read", kv("log", log->name));
    return r > 0 ? 0 : err_pass(r);
}

void log_list_epochs(const struct log *log, struct checkpoint *out)
{
    for (size_t i = 0; i < log->epoch_count; i++)
        checkpoint_add(out, slice_null(), log->epochs[i].epoch, log->epochs[i].start);
}

int log_write_epochs(struct log *log)
{
    struct checkpoint file = {.count = 0};

    log_list_epochs(log, &file);
    return err_pass(checkpoint_write(&file, log->env.io, log->folder->fd, log_epochs_name));
}

static int open_clean(struct log *log, const struct log_listing *listing)
{
    struct segment_place place = log_place(log);
    size_t last = listing->segments.count - 1;
    struct segment active;
    int r;

    for (size_t i = 0; i < last; i++) {
        r = log_open_sealed(log, listing, listing->segments.items[i]);
        if (r)
            return err_pass(r);
    }
    r = segment_open(&active, &place, listing->segments.items[last], &log->end);
    if (r > 0)
        diag_error(log->env.diag,
                   "log is not as its clean stop left it: its last batches cannot "
                   "be read",
                   kv("log", log->name), kv("segment", listing->segments.items[last]));
    if (r)
        return r > 0 ? LOG_E_CORRUPT : err_pass(r);
    if (log_bases_have(&listing->aborted, active.base))
        active.aborted = txn_index_found();
    *log_add_segment(log) = active;
    if (active.has_stale_indexes)
        diag_warn(log->env.diag, "indexes were missing or damaged and have been made again",
                  kv("log", log->name), kv("segment", active.base));
    log->is_unchanged = !active.has_stale_indexes;
    log->written = log->synced = log->snapshot_kept = log->snapshot_new = log->end;
    r = log_load_producers(log, listing, log->end, log_active(log)->size);
    return r ? r : err_pass(log_drop_snapshots(log, listing));
}

static int open_empty(struct log *log, int64_t start)
{
    struct segment_place place = log_place(log);
    int r = segment_create(log_add_segment(log), &place, start);

    log->end = log->written = log->synced = start;
    log->has_new_names = true;
    return err_pass(r);
}

void log_note_synced(struct log *log)
{
    log->written = log->synced = log->end;
    log->synced_mark = (struct log_mark){
        .offset = log->end, .base = log_active(log)->base, .position = log_active(log)->size};
}

static int open_files(struct log *log, const struct log_opening *opening)
{
    /* Else what the checkpoints say is about another log. */
    bool is_known = !log->is_new || opening->is_known;
    int64_t recovery_point = is_known ? opening->recovery_point : 0;
    int64_t start = is_known ? opening->start : 0;
    struct log_listing listing = {.segments = {.items = NULL}};
    bool is_empty = false;
    int r = read_epochs(log);

    log->cleaned = is_known ? opening->cleaned : -1; /* Recovery asks for it. */
    if (r == 0)
        r = log_recover_swaps(log);
    if (r == 0)
        r = log_list_folder(log->env.io, log->folder, &listing);
    if (r == 0)
        r = log_unlink_listed(log, &listing);
    if (r == 0)
        r = log_unlink_below(log, &listing, start);
    is_empty = listing.segments.count == 0;
    if (r == 0 && is_empty)
        r = open_empty(log, start);
    else if (r == 0 && is_known && opening->was_clean)
        r = open_clean(log, &listing);
    else if (r == 0)
        r = log_recover(log, &listing, recovery_point, start);
    log_listing_fini(&listing);
    if (r)
        return r;
    log->recovery_point =
        opening->was_clean && is_known ? log->end : min_of(recovery_point, log->end);
    log->point_kept = is_known ? min_of(opening->point_kept, log->end) : 0;
    log_note_synced(log);
    log_advance_start(log, max_of(log->segments[0].base, min_of(start, log->end)));
    return is_empty ? 0 : err_pass(log_sync_now(log));
}

int log_open(const struct log_env *env, struct log_dir *dir, const char *name, struct uuid topic_id,
             const struct log_config *config, const struct log_opening *opening, struct log **out)
{
    struct log *log = mem_new(sizeof(*log));
    int r;

    log->env = *env;
    log->dir = dir;
    log->name = mem_copy_text(name, strlen(name));
    log->topic_id = topic_id;
    log->config = *config;
    log->snapshot_kept = log->snapshot_new = log->cleaned = -1;
    log->root = file_ref(opening->root);
    producers_init(&log->producers);
    r = claim_folder(log);
    if (r == 0)
        r = open_files(log, opening);
    if (r) {
        log_abandon(log);
        return r;
    }
    log_note_active(log);
    log_check(log);
    *out = log;
    return 0;
}

/* --- closing ---------------------------------------------------------------- */

static int sync_indexes(struct log *log)
{
    struct segment_place place = log_place(log);

    for (size_t i = 0; i < log->segment_count; i++) {
        int r = segment_sync_indexes(&log->segments[i], &place);

        if (r)
            return err_pass(r);
    }
    return 0;
}

/* Brings the files into the form of a clean stop. */
static int put_in_order(struct log *log)
{
    struct io *io = log->env.io;
    int r = log_sync_now(log);

    if (r == 0)
        r = segment_seal(log_active(log));
    if (r == 0)
        r = sync_indexes(log);
    if (r == 0)
        r = log_write_snapshot(log);
    if (r == 0)
        r = log_write_epochs(log);
    if (r == 0)
        r = io->ops->dir_sync(io, log->folder->fd);
    return err_pass(r);
}

/* The log is as its last clean stop left it, but for its beginning. */
static int put_start_in_order(struct log *log)
{
    int r = log->has_new_epochs ? log_write_epochs(log) : 0;

    if (r == 0 && (log->has_new_epochs || log->has_old_names))
        r = log->env.io->ops->dir_sync(log->env.io, log->folder->fd);
    return err_pass(r);
}

int log_close(struct log *log)
{
    int r = 0;

    log_unstage(log);
    r = log_is_fenced(log) ? err_raise(-EIO) : log_finish_swap(log);
    if (r == 0)
        r = log->is_unchanged ? put_start_in_order(log) : put_in_order(log);
    log_abandon(log);
    return err_pass(r);
}
