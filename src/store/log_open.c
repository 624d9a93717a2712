/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_open.c - how a log comes to life and how it is laid to rest.
 *
 * After a clean stop the indexes are believed, and only what lies behind the last entry of
 * the newest one is walked, header by header.  After any other stop everything from the
 * recovery point on is read and checked, and the indexes and the state of producers are
 * made again from it:
 *
 *      [ segment ][ segment ][ segment .........|~~~~~~ ]
 *                 ^ has the recovery point      ^ the first batch that is not whole:
 *                                                 cut off here, and later segments go
 *
 * What recovery leaves is synced before anybody sees it.
 */

#include "base/err.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "store/checkpoint.h"
#include "store/log_dir.h"
#include "store/log_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

DIAG_MODULE("store");

enum { METADATA_SIZE_MAX = 4096, SNAPSHOT_SIZE_MAX = 256 * 1024 * 1024, NAME_DIGITS = 20 };

/* --- what is in the folder -------------------------------------------------- */

struct bases {
    int64_t *items; /* Owned. */
    size_t count, room;
};

struct listing {
    struct bases segments, snapshots;
};

static void bases_add(struct bases *bases, int64_t base)
{
    if (bases->count == bases->room) {
        bases->room = max_of(bases->room * 2, (size_t)8);
        bases->items = mem_resize(bases->items, bases->room, sizeof(*bases->items));
    }
    bases->items[bases->count++] = base;
}

/* The offset of `00000000000000004210<suffix>`, or -1. */
static int64_t name_base(const char *name, const char *suffix)
{
    int64_t base = 0;

    for (int i = 0; i < NAME_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9' || base > (INT64_MAX - 9) / 10)
            return -1;
        base = base * 10 + (name[i] - '0');
    }
    return strcmp(name + NAME_DIGITS, suffix) == 0 ? base : -1;
}

static int list_name(void *context, const char *name, bool is_dir)
{
    struct listing *listing = context;
    int64_t base;

    if (is_dir)
        return 0;
    base = name_base(name, ".log");
    if (base >= 0)
        bases_add(&listing->segments, base);
    base = name_base(name, ".snapshot");
    if (base >= 0)
        bases_add(&listing->snapshots, base);
    return 0;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int list_folder(const struct log *log, struct listing *out)
{
    int r = log->env.io->ops->dir_list(log->env.io, log->folder->fd, list_name, out);

    if (out->segments.count > 0)
        qsort(out->segments.items, out->segments.count, sizeof(int64_t), ascending);
    if (out->snapshots.count > 0)
        qsort(out->snapshots.items, out->snapshots.count, sizeof(int64_t), ascending);
    return err_pass(r);
}

static void listing_fini(struct listing *listing)
{
    mem_free(listing->segments.items);
    mem_free(listing->snapshots.items);
}

/* --- partition.metadata ----------------------------------------------------- */

static int write_metadata(const struct log *log, struct uuid topic_id)
{
    char id[UUID_TEXT_SIZE + 1];
    char bytes[64];
    int size;

    uuid_print(topic_id, id);
    size = snprintf(bytes, sizeof(bytes), "version: 0\ntopic_id: %s", id);
    return err_pass(file_replace(log->env.io, log->folder->fd, "partition.metadata",
                                 slice_of(bytes, (size_t)size)));
}

/* As log_folder_topic(), of an open folder. */
static int read_metadata(struct io *io, int folder, struct uuid *out)
{
    static const char key[] = "topic_id: ";
    struct text file = {.data = NULL};
    const char *at;
    int r = file_load(io, folder, "partition.metadata", METADATA_SIZE_MAX, &file);

    *out = (struct uuid){{0}};
    if (r == 0) {
        at = strstr(file.data ? file.data : "", key);
        if (!at ||
            uuid_parse(slice_of(at + sizeof(key) - 1, strcspn(at + sizeof(key) - 1, "\r\n")), out))
            r = LOG_E_CORRUPT;
    }
    text_fini(&file);
    return r == -ENOENT ? 0 : r;
}

int log_folder_topic(const struct file *root, struct io *io, const char *name, struct uuid *out)
{
    scoped(file_unrefp) struct file *folder = NULL;
    int r = file_open_dir(io, root->fd, name, &folder);

    return r ? err_pass(r) : read_metadata(io, folder->fd, out);
}

/* --- producers -------------------------------------------------------------- */

/* Walks headers from offset `from` to offset `to` and tells the state of producers. */
static int replay_producers(struct log *log, int64_t from, int64_t to)
{
    struct segment_place place = log_place(log);

    for (size_t i = log_find_segment(log, from); i < log->segment_count; i++) {
        struct segment *segment = &log->segments[i];
        struct scan scan;
        struct scan_batch batch;
        bool at_end = false;
        int r;

        if (segment->base >= to)
            break;
        r = segment_touch(segment, &place);
        if (r)
            return err_pass(r);
        scan_init(&scan, segment->file, 0, segment->size);
        while ((r = scan_next(&scan, &batch, &at_end)) == 0 && !at_end) {
            if (batch.header.base_offset >= to)
                break;
            if (batch.header.base_offset >= from)
                producers_update(&log->producers, &batch.header, NULL);
        }
        scan_fini(&scan);
        if (i + 1 < log->segment_count)
            segment_rest(segment);
        if (r)
            return r > 0 ? LOG_E_CORRUPT : err_pass(r);
    }
    return 0;
}

/* The state of producers as of offset `at`: the newest good snapshot, and what follows. */
static int load_producers(struct log *log, const struct listing *listing, int64_t at)
{
    int64_t from = listing->segments.items[0];

    for (size_t i = listing->snapshots.count; i-- > 0;) {
        struct text bytes = {.data = NULL};
        char name[SEGMENT_NAME_SIZE];
        bool is_good;

        if (listing->snapshots.items[i] > at || listing->snapshots.items[i] < from)
            continue;
        segment_name(name, listing->snapshots.items[i], ".snapshot");
        is_good = file_load(log->env.io, log->folder->fd, name, SNAPSHOT_SIZE_MAX, &bytes) == 0 &&
                  producers_parse(&log->producers, text_slice(&bytes)) == 0;
        text_fini(&bytes);
        if (is_good) {
            from = listing->snapshots.items[i];
            break;
        }
        diag_warn(log->env.diag, "producer snapshot cannot be used; an older one will do",
                  kv("log", log->name), kv("file", name));
    }
    return from < at ? replay_producers(log, from, at) : 0;
}

/* --- after a clean stop ----------------------------------------------------- */

static int open_sealed(struct log *log, int64_t base)
{
    struct segment_place place = log_place(log);
    struct segment *segment = log_add_segment(log);
    int r;

    *segment = (struct segment){.base = base, .first_timestamp = -1, .max_timestamp = -1};
    r = segment_touch(segment, &place);
    if (r == 0)
        r = place.io->ops->file_size(place.io, segment->file->fd, &segment->size);
    segment->synced_size = segment->size;
    segment_rest(segment);
    return err_pass(r);
}

/* The offset behind the last batch of the active segment. */
static int find_end(struct log *log, int64_t *out)
{
    struct segment *active = log_active(log);
    struct scan scan;
    struct scan_batch batch;
    bool at_end = false;
    int64_t end = active->base;
    int r;

    scan_init(&scan, active->file,
              index_count(&active->by_offset) ? active->by_offset.last.value : 0, active->size);
    while ((r = scan_next(&scan, &batch, &at_end)) == 0 && !at_end) {
        if (batch.header.base_offset < end) {
            r = SCAN_E_BROKEN;
            break;
        }
        end = batch_last_offset(&batch.header) + 1;
        if (batch.header.max_timestamp > active->max_timestamp) {
            active->max_timestamp = batch.header.max_timestamp;
            active->max_timestamp_offset = end - 1;
        }
    }
    scan_fini(&scan);
    *out = end;
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

static int open_clean(struct log *log, const struct listing *listing)
{
    struct segment_place place = log_place(log);
    size_t last = listing->segments.count - 1;
    struct segment active;
    int r;

    for (size_t i = 0; i < last; i++) {
        r = open_sealed(log, listing->segments.items[i]);
        if (r)
            return err_pass(r);
    }
    r = segment_open(&active, &place, listing->segments.items[last]);
    if (r)
        return r > 0 ? LOG_E_CORRUPT : err_pass(r);
    *log_add_segment(log) = active;
    r = find_end(log, &log->end);
    if (r)
        return r;
    log->written = log->synced = log->end;
    /* An empty log may be one that could not be made at the first try. */
    log->has_new_names |= last == 0 && log_active(log)->size == 0;
    return load_producers(log, listing, log->end);
}

/* --- after any other stop --------------------------------------------------- */

/* A segment being recovered. */
struct recovery {
    int64_t next; /* The lowest offset that the next batch may have. */
    int64_t recovery_point;
    bool is_dense; /* No offset may be missing. */
    bool is_cut;   /* A broken batch or a gap was found: nothing behind it counts. */
};

/* Nothing but compaction leaves gaps: where there is one behind the recovery point, something
 * is lost, and a producer's next batch must not outlive the one before it. */
static bool is_gap(const struct recovery *recovery, int64_t offset)
{
    return recovery->is_dense && recovery->next >= recovery->recovery_point &&
           offset > recovery->next;
}

static bool is_good_batch(const struct scan_batch *batch, const struct recovery *recovery)
{
    const struct batch_header *header = &batch->header;

    if (mutant_is(MUTANT_FORGET_TAIL) && header->base_offset >= recovery->recovery_point)
        return false;
    return header->base_offset >= recovery->next && !is_gap(recovery, header->base_offset) &&
           header->last_offset_delta >= 0 &&
           header->base_offset <= INT64_MAX - header->last_offset_delta - 1 &&
           batch_crc_is_good(batch->bytes);
}

/* Reads the batches of the segment and fills what follows from them; `*out_good` is where
 * the last whole one ends. */
static int recover_batches(struct log *log, struct segment *segment, struct recovery *recovery,
                           uint64_t *out_good)
{
    struct scan scan;
    struct scan_batch batch;
    bool at_end = false;
    int r;

    *out_good = 0;
    scan_init(&scan, segment->file, 0, segment->size);
    while ((r = scan_next(&scan, &batch, &at_end)) == 0 && !at_end) {
        if (!is_good_batch(&batch, recovery)) {
            r = SCAN_E_BROKEN;
            break;
        }
        r = segment_note(segment, &batch.header, batch.position, log->config.index_interval_bytes);
        if (r)
            break;
        producers_update(&log->producers, &batch.header, NULL);
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
        segment->size = good;
    return err_pass(r);
}

/* `following` is the base of the next segment, or -1. */
static int recover_segment(struct log *log, int64_t base, struct recovery *recovery,
                           int64_t following)
{
    struct segment_place place = log_place(log);
    struct segment *segment = log_add_segment(log);
    uint64_t good;
    int r = segment_open_bare(segment, &place, base);

    if (r) {
        log->segment_count--;
        return err_pass(r);
    }
    recovery->next = max_of(recovery->next, base);
    /* What a failed sync has lost may still be in the cache: only the disk is believed. */
    r = place.io->ops->file_refresh(place.io, segment->file->fd);
    if (r == 0)
        r = recover_batches(log, segment, recovery, &good);
    if (r == 0 && good < segment->size) {
        recovery->is_cut = true;
        r = cut_tail(log, segment, good);
    }
    if (r == 0)
        r = place.io->ops->file_sync(place.io, segment->file->fd);
    if (r)
        return err_pass(r);
    segment->synced_size = segment->size;
    recovery->is_cut |= following >= 0 && is_gap(recovery, following);
    if (following < 0 || recovery->is_cut)
        return 0;
    r = segment_seal(segment);
    segment_rest(segment);
    return err_pass(r);
}

static int unlink_one(const struct log *log, int64_t base, const char *suffix)
{
    char name[SEGMENT_NAME_SIZE];
    int r;

    segment_name(name, base, suffix);
    r = log->env.io->ops->unlink(log->env.io, log->folder->fd, name);
    return r == -ENOENT ? 0 : err_pass(r);
}

static int unlink_segment(const struct log *log, int64_t base)
{
    int r = unlink_one(log, base, ".log");

    if (r == 0)
        r = unlink_one(log, base, ".index");
    if (r == 0)
        r = unlink_one(log, base, ".timeindex");
    diag_warn(log->env.diag, "segment behind a broken one taken away", kv("log", log->name),
              kv("segment", base));
    return err_pass(r);
}

/* Epochs that begin behind the end never came to have a record. */
static void cut_epochs(struct log *log)
{
    while (log->epoch_count > 0 && log->epochs[log->epoch_count - 1].start >= log->end)
        log->epoch_count--;
}

static int recover(struct log *log, const struct listing *listing,
                   const struct log_opening *opening)
{
    struct recovery recovery = {
        .recovery_point = opening->recovery_point,
        .is_dense = !log->config.is_compacted,
    };
    const struct bases *segments = &listing->segments;
    size_t first = segments->count - 1;
    int r = 0;

    while (first > 0 && segments->items[first] > opening->recovery_point)
        first--;
    for (size_t i = 0; i < first && r == 0; i++)
        r = open_sealed(log, segments->items[i]);
    if (r == 0)
        r = load_producers(log, listing, segments->items[first]);
    for (size_t i = first; i < segments->count && r == 0; i++)
        r = recovery.is_cut
                ? unlink_segment(log, segments->items[i])
                : recover_segment(log, segments->items[i], &recovery,
                                  i + 1 < segments->count ? segments->items[i + 1] : -1);
    if (r)
        return r;
    log->end = log->written = log->synced = recovery.next;
    cut_epochs(log);
    for (size_t i = 0; i < listing->snapshots.count && r == 0; i++)
        if (listing->snapshots.items[i] > log->end)
            r = unlink_one(log, listing->snapshots.items[i], ".snapshot");
    log->has_new_names = true;
    return r ? err_pass(r) : log_sync_now(log);
}

/* --- opening ---------------------------------------------------------------- */

static void note_epoch_line(void *context, struct slice topic, int64_t number, int64_t offset)
{
    (void)topic;
    log_note_epoch(context, (int32_t)number, offset);
}

/* A folder of this name that belongs to another topic is what a deletion left half done, or
 * somebody's data: it is moved aside and kept. */
static int move_aside(struct log *log)
{
    struct io *io = log->env.io;
    char aside[LOG_ITEM_NAME_MAX];
    uint8_t random[16];
    char hex[33];
    int r;

    io->ops->entropy(io, random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", random[i]);
    (void)snprintf(aside, sizeof(aside), "%s.%s-stray", log->name, hex);
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
    log->has_new_names = true;
    return err_pass(r);
}

/* True in `*out` if the folder has records. */
static int has_records(struct log *log, bool *out)
{
    struct listing listing = {.segments = {.items = NULL}};
    struct io *io = log->env.io;
    int r = list_folder(log, &listing);

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
    listing_fini(&listing);
    return err_pass(r);
}

/* Whether the folder is another topic's.  One that has records and no id is nobody's: the
 * id is durable before any record is acknowledged, so a crash in the middle of a deletion
 * has left it. */
static int is_foreign(struct log *log, struct uuid found, struct uuid topic_id, bool *out)
{
    *out = !uuid_is_zero(found) && !uuid_equal(found, topic_id);
    return uuid_is_zero(found) ? has_records(log, out) : 0;
}

/* Opens or makes the folder, which is then one of `topic_id`. */
static int claim_folder(struct log *log, struct uuid topic_id)
{
    struct uuid found = {{0}};
    bool is_other = false;
    int r = open_folder(log);

    if (r == 0)
        r = read_metadata(log->env.io, log->folder->fd, &found);
    if (r == 0)
        r = is_foreign(log, found, topic_id, &is_other);
    if (r == 0 && is_other) {
        r = move_aside(log);
        if (r == 0)
            r = open_folder(log);
        found = (struct uuid){{0}};
    }
    if (r == 0 && uuid_is_zero(found)) {
        r = write_metadata(log, topic_id);
        log->has_new_names = true;
    }
    return r;
}

static int open_files(struct log *log, const struct log_opening *opening)
{
    struct listing listing = {.segments = {.items = NULL}};
    struct segment_place place = log_place(log);
    struct io *io = log->env.io;
    int r = checkpoint_read(io, log->folder->fd, "leader-epoch-checkpoint", false, note_epoch_line,
                            log);

    if (r > 0)
        diag_warn(log->env.diag, "leader epochs cannot be read", kv("log", log->name));
    r = r < 0 ? r : list_folder(log, &listing);
    if (r == 0 && listing.segments.count == 0) {
        r = segment_create(log_add_segment(log), &place, max_of(opening->start, (int64_t)0));
        log->end = log->written = log->synced = log->segments[0].base;
        log->has_new_names = true;
    } else if (r == 0 && opening->was_clean) {
        r = open_clean(log, &listing);
        if (r > 0) /* The mark of a clean stop lies: somebody changed the files. */
            diag_error(log->env.diag, "log is not as its clean stop left it", kv("log", log->name));
    } else if (r == 0) {
        r = recover(log, &listing, opening);
    }
    listing_fini(&listing);
    return r;
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
    log->root = file_ref(opening->root);
    producers_init(&log->producers);
    r = claim_folder(log, topic_id);
    if (r == 0)
        r = open_files(log, opening);
    if (r) {
        log_abandon(log);
        return r;
    }
    log->written_mark = log->synced_mark = (struct log_mark){
        .offset = log->end, .base = log_active(log)->base, .position = log_active(log)->size};
    *out = log;
    return 0;
}

/* --- closing ---------------------------------------------------------------- */

int log_close(struct log *log)
{
    struct segment_place place = log_place(log);
    int r = log_is_fenced(log) ? -EIO : 0;

    assert(log->staged_count == 0);
    if (r == 0)
        r = log_sync_now(log);
    if (r == 0)
        r = segment_seal(log_active(log));
    for (size_t i = 0; i < log->segment_count && r == 0; i++)
        r = segment_sync_indexes(&log->segments[i], &place);
    if (r == 0)
        r = log_write_snapshot(log);
    if (r == 0)
        r = log_write_epochs(log);
    if (r == 0)
        r = place.io->ops->dir_sync(place.io, place.dir);
    log_abandon(log);
    return err_pass(r);
}
