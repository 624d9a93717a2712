/* SPDX-License-Identifier: Apache-2.0 */

/* offline/check_metadata.c - the metadata of the cluster, read as a start reads it.
 *
 *      bootstrap.checkpoint            what a formatter leaves for the first start
 *      __cluster_metadata-0/
 *          quorum-state                the epoch, and who leads
 *          <end>-<epoch>.checkpoint    snapshots; the newest, and the log behind it, are the image
 */

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "meta/image.h"
#include "meta/metadata_reader.h"
#include "meta/snapshot.h"
#include "offline/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SNAPSHOT_MAX = 1 << 30,
    QUORUM_STATE_MAX = 1 << 20,
    READ_SIZE = 1 << 20,
    FILE_NAME_MAX = 2 * IO_NAME_MAX + 2
};

struct metadata {
    struct check *check;
    const char *name;              /* Of the log. */
    int fd;                        /* Its folder. */
    struct snapshot_id *snapshots; /* Owned. */
    size_t count;
    struct image_edit *edit; /* Owned: what is being read. */
    int64_t end;             /* Of the snapshot that is being read; -1: it is the log. */
};

static int apply(void *context, int64_t offset, struct slice record)
{
    struct metadata *m = context;

    return image_edit_apply(m->edit, m->end >= 0 ? m->end - 1 : offset, record);
}

static void begin(struct metadata *m)
{
    scoped(image_unrefp) struct image *empty = image_create();

    image_edit_destroy(m->edit);
    m->edit = image_edit_create(empty);
}

/* --- snapshots -------------------------------------------------------------- */

/* Reads a file in the form of a snapshot; false if a start could not. */
static bool check_file(struct metadata *m, int dir, const char *name, const char *path)
{
    struct check *check = m->check;
    struct text bytes = {.data = NULL};
    struct metadata_reader reader;
    size_t used = 0;
    int r = file_load(check->io, dir, name, SNAPSHOT_MAX, &bytes);
    bool is_good;

    if (r) {
        check_found(check, CHECK_DAMAGE, path, -1, "cannot be read: %s", strerror(-r));
        return false;
    }
    begin(m);
    metadata_reader_init(&reader, apply, m);
    r = metadata_reader_feed(&reader, text_slice(&bytes), &used);
    is_good = r == 0 && used == bytes.size && reader.has_header && reader.has_footer;
    if (!is_good)
        check_found(
            check, CHECK_DAMAGE, path, r ? -1 : (int64_t)used,
            "is no whole snapshot of the metadata, or a damaged one, or of a newer release");
    check->bytes += (int64_t)bytes.size;
    metadata_reader_fini(&reader);
    text_fini(&bytes);
    return is_good;
}

static int note_snapshot(void *context, const char *name, bool is_dir)
{
    struct metadata *m = context;
    struct snapshot_id id;

    if (is_dir || !snapshot_parse_name(name, &id))
        return 0;
    m->snapshots = mem_resize(m->snapshots, m->count + 1, sizeof(*m->snapshots));
    m->snapshots[m->count++] = id;
    return 0;
}

/* Reads all of them, the newest last; false if that one is of no use. */
static bool check_snapshots(struct metadata *m)
{
    char name[SNAPSHOT_NAME_SIZE], path[FILE_NAME_MAX];
    bool is_good = true;

    for (size_t i = 0; i < m->count; i++)
        if (snapshot_is_older(m->snapshots[m->count - 1], m->snapshots[i])) {
            struct snapshot_id newer = m->snapshots[i];

            m->snapshots[i] = m->snapshots[m->count - 1];
            m->snapshots[m->count - 1] = newer;
        }
    for (size_t i = 0; i < m->count; i++) {
        m->end = m->snapshots[i].end;
        snapshot_print_name(m->snapshots[i], name);
        (void)snprintf(path, sizeof(path), "%s/%s", m->name, name);
        is_good = check_file(m, m->fd, name, path);
    }
    return is_good;
}

/* --- the log ---------------------------------------------------------------- */

static int read_some(struct metadata *m, struct log *log, struct metadata_reader *reader)
{
    struct io *io = m->check->io;
    scoped(mem_freep) void *bytes = NULL;
    struct log_range range;
    size_t got = 0, used = 0;
    int r = log_read(log, reader->next, log_end(log), READ_SIZE, true, &range);

    if (r)
        return r;
    bytes = mem_new(range.size);
    r = io->ops->file_read(io, range.fd, range.position, bytes, range.size, &got);
    log_range_release(&range);
    if (r == 0)
        r = metadata_reader_feed(reader, slice_of(bytes, got), &used);
    return r == 0 && used == 0 ? METADATA_READER_E_CORRUPT : r;
}

static void check_records(struct metadata *m, struct log *log)
{
    struct snapshot_id newest = {.end = 0};
    struct metadata_reader reader;
    int r = 0;

    if (m->count > 0)
        newest = m->snapshots[m->count - 1];
    if (newest.end < log_start(log) || newest.end > log_end(log)) {
        check_found(m->check, CHECK_DAMAGE, m->name, -1,
                    "its newest snapshot ends at %" PRId64 ", and the log has the offsets %" PRId64
                    " to %" PRId64 ": a start refuses the folder",
                    newest.end, log_start(log), log_end(log));
        return;
    }
    if (newest.end == 0) /* A formatter's says who votes; it is nothing to build on. */
        begin(m);
    m->end = -1;
    metadata_reader_init(&reader, apply, m);
    reader.next = newest.end;
    while (r == 0 && reader.next < log_end(log))
        r = read_some(m, log, &reader);
    if (r)
        check_found(m->check, CHECK_DAMAGE, m->name, -1,
                    "the metadata from offset %" PRId64
                    " on is damaged, or of a newer release: a start refuses the folder",
                    reader.next);
    metadata_reader_fini(&reader);
}

/* --- other files ------------------------------------------------------------ */

static void check_quorum_state(struct metadata *m)
{
    struct text bytes = {.data = NULL};
    char path[FILE_NAME_MAX];
    struct json json;
    int r = file_load(m->check->io, m->fd, "quorum-state", QUORUM_STATE_MAX, &bytes);

    (void)snprintf(path, sizeof(path), "%s/quorum-state", m->name);
    json_init(&json, text_slice(&bytes));
    if (r && r != -ENOENT)
        check_found(m->check, CHECK_DAMAGE, path, -1, "cannot be read: %s", strerror(-r));
    else if (r == 0 && !(json_skip(&json) && json_end(&json)))
        check_found(m->check, CHECK_MENDED, path, -1,
                    "is no JSON: the epoch is taken from the log, and the file is written anew; "
                    "Apache Kafka refuses it");
    m->check->bytes += (int64_t)bytes.size;
    text_fini(&bytes);
}

void check_metadata(struct check *check, const char *name, struct log *log)
{
    scoped(file_unrefp) struct file *folder = log_folder(log);
    struct metadata m = {.check = check, .name = name, .fd = folder->fd, .end = -1};
    int r = check->io->ops->dir_list(check->io, m.fd, note_snapshot, &m);

    if (r)
        check_found(check, CHECK_DAMAGE, name, -1, "the folder cannot be read: %s", strerror(-r));
    else if (check_snapshots(&m))
        check_records(&m, log);
    check_quorum_state(&m);
    image_edit_destroy(m.edit);
    mem_free(m.snapshots);
}

void check_bootstrap(struct check *check)
{
    static const char name[] = "bootstrap.checkpoint";
    scoped(file_unrefp) struct file *root = log_dir_folder(check->dir);
    struct metadata m = {.check = check, .name = "", .fd = root->fd};
    scoped(file_unrefp) struct file *file = NULL;

    if (file_open(check->io, m.fd, name, IO_READ, &file) != -ENOENT)
        (void)check_file(&m, m.fd, name, name);
    image_edit_destroy(m.edit);
}
