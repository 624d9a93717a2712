/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_dir.h"

#include "base/config.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "store/checkpoint.h"
#include "store/commit_log.h"
#include "store/log_internal.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

DIAG_MODULE("store");

enum { META_SIZE_MAX = 64 * 1024, CLUSTER_ID_MAX = 64 };

static const char clean_mark[] = ".kafka_cleanshutdown";
static const char recovery_points[] = "recovery-point-offset-checkpoint";
static const char high_watermarks[] = "replication-offset-checkpoint";
static const char log_starts[] = "log-start-offset-checkpoint";

/* What the checkpoints say of one log. */
struct mark {
    struct map_node node; /* In log_dir->marks. */
    char *topic;          /* Owned. */
    int64_t partition;
    int64_t recovery_point, high_watermark, start; /* -1: not there. */
    bool is_in_order; /* Closed as a clean stop does, since the folder was opened. */
};

struct log_dir {
    struct io *io;
    struct diag *diag;
    int32_t node_id;
    struct file *root; /* Owned reference. */
    struct file *lock; /* Owned reference; holds the lock. */
    struct uuid id;
    char cluster_id[CLUSTER_ID_MAX];
    bool was_clean;
    _Atomic bool is_fenced;
    struct map marks; /* Owned struct mark; each is its log's home's while shards run. */
};

struct uuid log_dir_id(const struct log_dir *dir)
{
    return dir->id;
}

const char *log_dir_cluster_id(const struct log_dir *dir)
{
    return dir->cluster_id;
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
    if (!atomic_exchange_explicit(&dir->is_fenced, true, memory_order_acq_rel))
        diag_error(dir->diag, "sync failed: the data folder takes no more writes until a restart; "
                              "check the disk first");
}

/* --- marks ------------------------------------------------------------------ */

static uint64_t mark_hash(struct slice topic, int64_t partition)
{
    return hash_slice(topic, (uint64_t)partition);
}

static struct mark *mark_find(const struct log_dir *dir, struct slice topic, int64_t partition)
{
    uint64_t hash = mark_hash(topic, partition);

    for (struct map_node *n = map_find(&dir->marks, hash); n; n = map_find_next(n)) {
        struct mark *mark = container_of(n, struct mark, node);

        if (mark->partition == partition && slice_is_text(topic, mark->topic))
            return mark;
    }
    return NULL;
}

static struct mark *mark_get(struct log_dir *dir, struct slice topic, int64_t partition)
{
    struct mark *mark = mark_find(dir, topic, partition);

    if (mark)
        return mark;
    mark = mem_new(sizeof(*mark));
    mark->topic = mem_copy_text(topic.data, topic.size);
    mark->partition = partition;
    mark->recovery_point = mark->high_watermark = mark->start = -1;
    map_put(&dir->marks, &mark->node, mark_hash(topic, partition));
    return mark;
}

static void note_recovery_point(void *context, struct slice topic, int64_t number, int64_t offset)
{
    mark_get(context, topic, number)->recovery_point = offset;
}

static void note_high_watermark(void *context, struct slice topic, int64_t number, int64_t offset)
{
    mark_get(context, topic, number)->high_watermark = offset;
}

static void note_start(void *context, struct slice topic, int64_t number, int64_t offset)
{
    mark_get(context, topic, number)->start = offset;
}

/* A checkpoint that cannot be read costs a longer recovery, no more. */
static int read_marks(struct log_dir *dir)
{
    static const struct {
        const char *name;
        checkpoint_line_fn *note;
    } files[] = {
        {recovery_points, note_recovery_point},
        {high_watermarks, note_high_watermark},
        {log_starts, note_start},
    };

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        int r = checkpoint_read(dir->io, dir->root->fd, files[i].name, true, files[i].note, dir);

        if (r < 0)
            return err_pass(r);
        if (r > 0)
            diag_warn(dir->diag, "checkpoint cannot be read to its end", kv("file", files[i].name));
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct mark *x = *(const struct mark *const *)a;
    const struct mark *y = *(const struct mark *const *)b;
    int order = strcmp(x->topic, y->topic);

    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static int write_marks(struct log_dir *dir)
{
    struct checkpoint points = {.count = 0}, watermarks = {.count = 0}, starts = {.count = 0};
    scoped(mem_freep_any) const struct mark **sorted =
        mem_new_array(dir->marks.count + 1, sizeof(*sorted));
    size_t count = 0;
    int r, r2, r3;

    map_each (node, &dir->marks) {
        const struct mark *mark = container_of(node, struct mark, node);
        char name[IO_NAME_MAX];

        if (strcmp(mark->topic, "__cluster_metadata") == 0)
            continue; /* Not among what Kafka's checkpoints list. */
        (void)snprintf(name, sizeof(name), "%s-%" PRId64, mark->topic, mark->partition);
        if (log_dir_has_log(dir, dir->io, name))
            sorted[count++] = mark;
    }
    qsort(sorted, count, sizeof(*sorted), by_name);
    for (size_t i = 0; i < count; i++) {
        const struct mark *mark = sorted[i];

        if (mark->recovery_point >= 0)
            checkpoint_add(&points, slice_text(mark->topic), mark->partition, mark->recovery_point);
        if (mark->high_watermark >= 0)
            checkpoint_add(&watermarks, slice_text(mark->topic), mark->partition,
                           mark->high_watermark);
        if (mark->start >= 0)
            checkpoint_add(&starts, slice_text(mark->topic), mark->partition, mark->start);
    }
    r = checkpoint_write(&points, dir->io, dir->root->fd, recovery_points);
    r2 = checkpoint_write(&watermarks, dir->io, dir->root->fd, high_watermarks);
    r3 = checkpoint_write(&starts, dir->io, dir->root->fd, log_starts);
    return err_pass(r ? r : r2 ? r2 : r3);
}

/* --- identity --------------------------------------------------------------- */

struct properties {
    char cluster_id[CLUSTER_ID_MAX];
    char directory_id[CLUSTER_ID_MAX];
    int64_t version, node_id; /* -1: not there. */
};

static void copy_value(char out[static CLUSTER_ID_MAX], struct slice value)
{
    (void)snprintf(out, CLUSTER_ID_MAX, "%.*s", SLICE_ARG(value));
}

static int64_t number_of(struct slice value)
{
    char text[24];
    char *end;
    long long number;

    (void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(value));
    number = strtoll(text, &end, 10);
    return *end || end == text ? -2 : number;
}

static int note_property(void *context, struct slice key, struct slice value)
{
    struct properties *p = context;

    if (slice_is_text(key, "cluster.id"))
        copy_value(p->cluster_id, value);
    else if (slice_is_text(key, "directory.id"))
        copy_value(p->directory_id, value);
    else if (slice_is_text(key, "version"))
        p->version = number_of(value);
    else if (slice_is_text(key, "node.id"))
        p->node_id = number_of(value);
    return 0;
}

static struct uuid new_id(struct io *io)
{
    uint8_t random[16];
    struct uuid id;

    do {
        io->ops->entropy(io, random, sizeof(random));
    } while (uuid_from_random(random, &id));
    return id;
}

static int write_meta(struct log_dir *dir)
{
    struct text file = {.data = NULL};
    char id[UUID_TEXT_SIZE + 1];
    int r;

    uuid_print(dir->id, id);
    text_printf(&file, "cluster.id=%s\ndirectory.id=%s\nnode.id=%" PRId32 "\nversion=1\n",
                dir->cluster_id, id, dir->node_id);
    r = file_replace(dir->io, dir->root->fd, "meta.properties", text_slice(&file));
    text_fini(&file);
    if (r == 0)
        r = dir->io->ops->dir_sync(dir->io, dir->root->fd);
    return err_pass(r);
}

static int sync_folder(struct io *io, const char *path)
{
    scoped(file_unrefp) struct file *folder = NULL;
    int r = file_open_dir(io, IO_CWD, path, &folder);

    return err_pass(r ? r : io->ops->dir_sync(io, folder->fd));
}

/* Calls `fn` for each folder that is named on the way to `path`, from the top. */
static int walk_path(struct io *io, const char *path, int (*fn)(struct io *io, const char *part))
{
    char part[4096];
    size_t size = strlen(path);

    if (size >= sizeof(part))
        return err_raise(-ENAMETOOLONG);
    for (size_t i = 1; i <= size; i++) {
        int r;

        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        r = fn(io, part);
        if (r)
            return err_pass(r);
    }
    return 0;
}

static int make_folder(struct io *io, const char *part)
{
    int r = io->ops->dir_create(io, IO_CWD, part);

    return r == -EEXIST ? 0 : err_pass(r);
}

/* Without its name in the folder above, all that is in a folder would be lost. */
static int sync_name(struct io *io, const char *part)
{
    char above[4096];
    const char *slash = strrchr(part, '/');
    size_t size = slash ? (size_t)(slash - part) : 0;

    if (!slash)
        return err_pass(sync_folder(io, "."));
    memcpy(above, part, size);
    above[size] = 0;
    return err_pass(sync_folder(io, size > 0 ? above : "/"));
}

/* The folder has no identity yet: it may be new, and the folders above it too. */
static int make_identity(struct log_dir *dir, const char *path)
{
    int r = walk_path(dir->io, path, sync_name);

    if (r)
        return err_pass(r);
    uuid_print(new_id(dir->io), dir->cluster_id);
    dir->id = new_id(dir->io);
    return write_meta(dir);
}

static int check_identity(struct log_dir *dir, const struct properties *p)
{
    if (p->version != 1 || !*p->cluster_id) {
        diag_error(dir->diag, "meta.properties is not one that this release can use; start the "
                              "release that wrote it, or choose another log.dirs");
        return LOG_DIR_E_FOREIGN;
    }
    if (p->node_id != dir->node_id) {
        diag_error(dir->diag,
                   "data folder belongs to another node; set node.id to its number, or "
                   "choose another log.dirs",
                   kv("belongs_to", p->node_id), kv("node", dir->node_id));
        return LOG_DIR_E_FOREIGN;
    }
    memcpy(dir->cluster_id, p->cluster_id, sizeof(dir->cluster_id));
    if (uuid_parse(slice_text(p->directory_id), &dir->id) == 0)
        return 0;
    dir->id = new_id(dir->io); /* From before directories had an id. */
    return write_meta(dir);
}

static int read_identity(struct log_dir *dir, const char *path)
{
    struct properties p = {.version = -1, .node_id = -1};
    struct text file = {.data = NULL};
    struct text why = {.data = NULL};
    int r = file_load(dir->io, dir->root->fd, "meta.properties", META_SIZE_MAX, &file);

    if (r == 0 && config_parse(text_slice(&file), note_property, &p, &why))
        p.version = -1;
    text_fini(&file);
    text_fini(&why);
    if (r == -ENOENT)
        return err_pass(make_identity(dir, path));
    return r ? err_pass(r) : check_identity(dir, &p);
}

/* --- opening and closing ---------------------------------------------------- */

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

/* What was acknowledged before a crash goes into the segments, before anybody opens one. */
static int replay_commit_log(struct log_dir *dir)
{
    int64_t entries = 0;
    int r = mutant_is(MUTANT_SKIP_REPLAY) ? 0 : commit_log_replay(dir->io, dir->root, &entries);

    if (r == 0 && !mutant_is(MUTANT_SKIP_REPLAY) && entries > 0)
        diag_info(dir->diag, "commit log of an unclean stop replayed", kv("entries", entries));
    return err_pass(r);
}

int log_dir_open(const struct log_dir_options *options, struct log_dir **out)
{
    struct log_dir *dir = mem_new(sizeof(*dir));
    int r = walk_path(options->io, options->path, make_folder);

    dir->io = options->io;
    dir->diag = options->diag;
    dir->node_id = options->node_id;
    map_init(&dir->marks);
    if (r == 0)
        r = file_open_dir(dir->io, IO_CWD, options->path, &dir->root);
    if (r == 0)
        r = take_lock(dir);
    if (r == 0)
        r = read_identity(dir, options->path);
    if (r == 0)
        r = read_marks(dir);
    if (r == 0)
        r = take_mark_away(dir);
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

static int write_clean_mark(struct log_dir *dir)
{
    int r = log_dir_recovered(dir); /* Every log was synced as it was closed. */

    if (r == 0)
        r = write_marks(dir);
    if (r == 0)
        r = dir->io->ops->dir_sync(dir->io, dir->root->fd);
    if (r == 0)
        r = file_replace(dir->io, dir->root->fd, clean_mark,
                         slice_text("{\"version\":0,\"brokerEpoch\":-1}"));
    if (r == 0)
        r = dir->io->ops->dir_sync(dir->io, dir->root->fd);
    return err_pass(r);
}

int log_dir_close(struct log_dir *dir, bool clean)
{
    struct map_node *node;
    int r = 0;

    if (!dir)
        return 0;
    if (clean && !log_dir_is_fenced(dir))
        r = write_clean_mark(dir);
    while ((node = map_pop(&dir->marks))) {
        struct mark *mark = container_of(node, struct mark, node);

        mem_free(mark->topic);
        mem_free(mark);
    }
    map_fini(&dir->marks);
    file_unref(dir->lock);
    file_unref(dir->root);
    mem_free(dir);
    return err_pass(r);
}

/* --- logs ------------------------------------------------------------------- */

bool log_dir_has_log(struct log_dir *dir, struct io *io, const char *name)
{
    scoped(file_unrefp) struct file *folder = NULL;

    return file_open_dir(io, dir->root->fd, name, &folder) == 0;
}

int log_dir_open_log(struct log_dir *dir, const struct log_env *env, const char *name,
                     struct uuid topic_id, const struct log_config *config, struct log **out)
{
    struct log_opening opening = {.root = dir->root, .was_clean = dir->was_clean};
    struct mark *mark = NULL;
    struct slice topic;
    int64_t partition;

    if (checkpoint_split(name, &topic, &partition))
        mark = mark_find(dir, topic, partition);
    if (mark && !log_dir_has_log(dir, env->io, name)) { /* What it says was another log's. */
        mark->recovery_point = mark->high_watermark = mark->start = -1;
        mark->is_in_order = false;
    }
    if (mark) {
        opening.recovery_point = max_of(mark->recovery_point, (int64_t)0);
        opening.start = max_of(mark->start, (int64_t)0);
        opening.was_clean |= mark->is_in_order;
        mark->is_in_order = false; /* From now on it is not. */
    }
    return log_open(env, dir, name, topic_id, config, &opening, out);
}

int log_dir_close_log(struct log_dir *dir, struct log *log)
{
    struct slice topic;
    int64_t partition;
    struct mark *mark = NULL;
    int r;

    if (!log_is_fenced(log) && checkpoint_split(log->name, &topic, &partition)) {
        mark = mark_get(dir, topic, partition);
        mark->recovery_point = mark->high_watermark = log->end;
        mark->start = log_start(log) > 0 ? log_start(log) : -1;
    }
    r = log_close(log);
    if (mark)
        mark->is_in_order = r == 0;
    return err_pass(r);
}

struct emptying {
    struct io *io;
    int folder;
};

static int unlink_name(void *context, const char *name, bool is_dir)
{
    struct emptying *emptying = context;

    return is_dir ? 0 : emptying->io->ops->unlink(emptying->io, emptying->folder, name);
}

/* Marks of a log that is gone must not be taken for those of a later one of its name. */
static int drop_checkpoints(struct log_dir *dir, struct io *io)
{
    static const char *const names[] = {recovery_points, high_watermarks, log_starts};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        int r = io->ops->unlink(io, dir->root->fd, names[i]);

        if (r && r != -ENOENT)
            return err_pass(r);
    }
    return 0;
}

static int remove_folder(struct log_dir *dir, struct io *io, const char *name)
{
    scoped(file_unrefp) struct file *folder = NULL;
    struct emptying emptying = {.io = io};
    int r = file_open_dir(io, dir->root->fd, name, &folder);

    if (r)
        return err_pass(r);
    emptying.folder = folder->fd;
    r = io->ops->dir_list(io, folder->fd, unlink_name, &emptying);
    if (r == 0)
        r = io->ops->dir_remove(io, dir->root->fd, name);
    return err_pass(r);
}

int log_dir_delete_log(struct log_dir *dir, struct io *io, const char *name, struct uuid topic_id)
{
    char hidden[LOG_ITEM_NAME_MAX];
    char hex[33];
    struct uuid found;
    int r;

    if (!log_dir_has_log(dir, io, name))
        return 0;
    r = log_folder_topic(dir->root, io, name, &found);
    if (r == 0 && !uuid_is_zero(found) && !uuid_equal(found, topic_id))
        return 0;
    for (size_t i = 0; i < sizeof(topic_id.bytes); i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", topic_id.bytes[i]);
    (void)snprintf(hidden, sizeof(hidden), "%s.%s-delete", name, hex);
    r = drop_checkpoints(dir, io);
    if (r == 0)
        r = io->ops->rename(io, dir->root->fd, name, dir->root->fd, hidden);
    if (r == 0)
        r = remove_folder(dir, io, hidden);
    return err_pass(r);
}
