/* SPDX-License-Identifier: Apache-2.0 */
#include "control/snapshots.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/reaper.h"

#include <stdio.h>

DIAG_MODULE("control");

enum { READ_SIZE = 1024 * 1024, WRITE_SIZE = 256 * 1024, HEADER_SIZE = 64 * 1024 };

static const char part_suffix[] = ".checkpoint.part";
static const char deleted_suffix[] = ".checkpoint.deleted";

/* What a worker does; the loop leaves it alone meanwhile. */
struct snapshots_job {
    struct image *image; /* Owned reference: to be written, or NULL. */
    struct snapshot_id id;
    struct snapshot_terms terms;
    struct text voters;     /* Owned: what the terms borrow. */
    bool settles;           /* The log is one that need not begin at 0. */
    struct snapshot_id old; /* Without an image: it goes, ... */
    int64_t segment;        /* ... and the files of this dropped segment, or -1. */
    int64_t bytes;          /* Out: of all files. */
    int result;
};

struct snapshots {
    struct snapshots_options options;
    struct file *folder;     /* Owned reference. */
    struct snapshot_id *ids; /* Owned; ascending. */
    size_t count;
    struct io_work work;
    struct snapshots_job job;
};

/* --- what there is ---------------------------------------------------------- */

static bool has_suffix(const char *name, const char *suffix)
{
    size_t size = strlen(name);
    size_t tail = strlen(suffix);

    return size >= tail && strcmp(name + size - tail, suffix) == 0;
}

static void add(struct snapshots *s, struct snapshot_id id)
{
    size_t at = s->count;

    s->ids = mem_resize(s->ids, s->count + 1, sizeof(*s->ids));
    for (; at > 0 && snapshot_is_older(id, s->ids[at - 1]); at--)
        s->ids[at] = s->ids[at - 1];
    s->ids[at] = id;
    s->count++;
}

struct listing {
    struct snapshots *snapshots;
    struct text leftovers; /* Names, each with a zero byte behind it. */
};

static int list_name(void *context, const char *name, bool is_dir)
{
    struct listing *listing = context;
    struct snapshot_id id;

    if (!is_dir && snapshot_parse_name(name, &id))
        add(listing->snapshots, id);
    else if (!is_dir && (has_suffix(name, part_suffix) || has_suffix(name, deleted_suffix)))
        text_add(&listing->leftovers, name, strlen(name) + 1);
    return 0;
}

static int look(struct snapshots *s)
{
    struct io *io = s->options.env->io;
    struct listing listing = {.snapshots = s};
    int r = io->ops->dir_list(io, s->folder->fd, list_name, &listing);

    for (size_t at = 0; at < listing.leftovers.size && r == 0;) {
        const char *name = listing.leftovers.data + at;

        r = io->ops->unlink(io, s->folder->fd, name);
        at += strlen(name) + 1;
    }
    text_fini(&listing.leftovers);
    return err_pass(r);
}

static void run(struct io_work *work, struct io *io);
static void done(struct io_work *work, struct io *io);

int snapshots_open(const struct snapshots_options *options, struct snapshots **out)
{
    struct snapshots *s = mem_new(sizeof(*s));
    int r;

    s->options = *options;
    s->folder = log_folder(options->log);
    s->work = (struct io_work){.run = run, .done = done};
    r = look(s);
    if (r) {
        snapshots_close(s);
        return err_pass(r);
    }
    *out = s;
    return 0;
}

static void job_fini(struct snapshots_job *job)
{
    image_unref(job->image);
    text_fini(&job->voters);
    *job = (struct snapshots_job){.segment = -1};
}

struct snapshots *snapshots_close(struct snapshots *s)
{
    if (!s)
        return NULL;
    s->options.log = NULL; /* Nothing follows what is in flight. */
    while (s->work.is_submitted)
        s->options.env->io->ops->poll(s->options.env->io, -1);
    job_fini(&s->job);
    file_unref(s->folder);
    mem_free(s->ids);
    mem_free(s);
    return NULL;
}

bool snapshots_newest(const struct snapshots *s, struct snapshot_id *out)
{
    if (s->count == 0)
        return false;
    *out = s->ids[s->count - 1];
    return true;
}

size_t snapshots_count(const struct snapshots *s)
{
    return s->count;
}

bool snapshots_are_busy(const struct snapshots *s)
{
    return s->work.is_submitted;
}

/* --- reading ---------------------------------------------------------------- */

/* Feeds the reader from the file; what is cut off at the end of one piece begins the next. */
static int feed_file(struct io *io, int fd, size_t piece, struct metadata_reader *reader)
{
    struct text bytes = {.data = NULL};
    uint64_t at = 0;
    size_t got = 0, used = 0;
    int r;

    do {
        size_t kept = bytes.size;
        uint8_t *space = text_add_space(&bytes, piece);

        r = io->ops->file_read(io, fd, at, space, piece, &got);
        text_cut(&bytes, kept + (r ? 0 : got));
        at += got;
        if (r == 0)
            r = metadata_reader_feed(reader, text_slice(&bytes), &used);
        if (r == 0 && used > 0) {
            memmove(bytes.data, bytes.data + used, bytes.size - used);
            text_cut(&bytes, bytes.size - used);
        }
    } while (r == 0 && got == piece);
    r = r == 0 && bytes.size > 0 ? SNAPSHOTS_E_CORRUPT : r;
    text_fini(&bytes);
    return r;
}

int snapshots_load_file(struct io *io, int dir, const char *name, struct metadata_reader *reader)
{
    scoped(file_unrefp) struct file *file = NULL;
    int r = file_open(io, dir, name, IO_READ, &file);

    if (r)
        return err_pass(r);
    r = feed_file(io, file->fd, READ_SIZE, reader);
    if (r)
        return r > 0 ? SNAPSHOTS_E_CORRUPT : err_pass(r);
    return reader->has_header && reader->has_footer ? 0 : SNAPSHOTS_E_CORRUPT;
}

int snapshots_load(const struct snapshots *s, struct snapshot_id id, struct metadata_reader *reader)
{
    char name[SNAPSHOT_NAME_SIZE];

    snapshot_print_name(id, name);
    return snapshots_load_file(s->options.env->io, s->folder->fd, name, reader);
}

/* The time of the last record that is in a snapshot; -1 if that cannot be told. */
static int64_t time_of(struct io *io, const struct file *folder, struct snapshot_id id)
{
    scoped(file_unrefp) struct file *file = NULL;
    scoped(mem_freep) void *bytes = mem_new(HEADER_SIZE);
    struct metadata_reader reader;
    char name[SNAPSHOT_NAME_SIZE];
    size_t got = 0, used;
    int64_t time;

    snapshot_print_name(id, name);
    if (file_open(io, folder->fd, name, IO_READ, &file) ||
        io->ops->file_read(io, file->fd, 0, bytes, HEADER_SIZE, &got))
        return -1;
    metadata_reader_init(&reader, NULL, NULL);
    time = metadata_reader_feed(&reader, slice_of(bytes, got), &used) == 0
               ? reader.snapshot_timestamp
               : -1;
    metadata_reader_fini(&reader);
    return time;
}

/* --- writing: a worker ------------------------------------------------------ */

struct output {
    struct io *io;
    int fd;
    uint64_t at;
    struct text bytes;
    struct snapshot_writer writer;
};

static int flush(struct output *out)
{
    struct io_iov iov = {.data = out->bytes.data, .size = out->bytes.size};
    int r = out->io->ops->file_write(out->io, out->fd, out->at, &iov, 1);

    out->at += out->bytes.size;
    text_cut(&out->bytes, 0);
    return err_pass(r);
}

static int write_record(void *context, struct slice record)
{
    struct output *out = context;

    snapshot_add(&out->writer, record);
    return out->bytes.size < WRITE_SIZE ? 0 : flush(out);
}

static int write_file(struct snapshots_job *job, struct io *io, int fd)
{
    struct output out = {.io = io, .fd = fd};
    int r;

    snapshot_begin(&out.writer, &job->terms, &out.bytes);
    r = image_tell(job->image, write_record, &out);
    if (r == 0) {
        snapshot_end(&out.writer);
        r = flush(&out);
    } else {
        snapshot_fini(&out.writer);
    }
    text_fini(&out.bytes);
    return err_pass(r);
}

/* A sync that fails is of this file alone, but nothing on such a disk is trusted any more. */
static int sync_file(struct snapshots *s, struct io *io, int fd)
{
    int r = io->ops->file_sync(io, fd);

    if (r)
        log_dir_fence(s->options.dir);
    return err_pass(r);
}

static int write_snapshot(struct snapshots *s, struct io *io)
{
    scoped(file_unrefp) struct file *file = NULL;
    char name[SNAPSHOT_NAME_SIZE];
    char part[SNAPSHOT_NAME_SIZE + 8];
    int dir = s->folder->fd;
    int r;

    snapshot_print_name(s->job.id, name);
    (void)snprintf(part, sizeof(part), "%s.part", name);
    r = file_open(io, dir, part, IO_WRITE | IO_CREATE | IO_TRUNCATE, &file);
    if (r == 0)
        r = write_file(&s->job, io, file->fd);
    if (r == 0)
        r = sync_file(s, io, file->fd);
    if (r == 0)
        r = io->ops->rename(io, dir, part, dir, name);
    if (r == 0)
        r = io->ops->dir_sync(io, dir);
    else
        (void)io->ops->unlink(io, dir, part); /* A full disk needs the room. */
    return err_pass(r);
}

/* --- cleaning: a worker ----------------------------------------------------- */

static int drop_snapshot(struct snapshots *s, struct io *io)
{
    char name[SNAPSHOT_NAME_SIZE];
    int r;

    snapshot_print_name(s->job.old, name);
    r = io->ops->unlink(io, s->folder->fd, name);
    if (r == 0 || r == -ENOENT)
        r = io->ops->dir_sync(io, s->folder->fd); /* Before the next segment: no holes. */
    if (r == 0 && s->job.segment >= 0)
        r = log_unlink_dropped(io, s->folder, s->job.segment);
    return err_pass(r);
}

struct measuring {
    struct io *io;
    const struct file *folder;
    int64_t bytes;
};

static int add_size(void *context, const char *name, bool is_dir)
{
    struct measuring *m = context;
    scoped(file_unrefp) struct file *file = NULL;
    uint64_t size;

    if (is_dir || (!has_suffix(name, ".log") && !has_suffix(name, ".checkpoint")))
        return 0;
    if (file_open(m->io, m->folder->fd, name, IO_READ, &file) == 0 &&
        m->io->ops->file_size(m->io, file->fd, &size) == 0)
        m->bytes += (int64_t)size;
    return 0;
}

static void run(struct io_work *work, struct io *io)
{
    struct snapshots *s = container_of(work, struct snapshots, work);
    struct measuring m = {.io = io, .folder = s->folder};

    s->job.result = s->job.image ? write_snapshot(s, io) : drop_snapshot(s, io);
    if (s->job.result == 0 && s->job.settles)
        s->job.result = log_settle(io, s->folder, s->options.log_id);
    if (s->job.result)
        return;
    s->job.result = io->ops->dir_list(io, s->folder->fd, add_size, &m);
    s->job.bytes = m.bytes;
}

/* --- on the loop ------------------------------------------------------------ */

/* Begins to take away the oldest snapshot, and a segment that only it needed. */
static void clean(struct snapshots *s)
{
    struct log *log = s->options.log;
    int r = 0;

    s->job.segment = -1;
    s->job.old = s->ids[0];
    log_advance_start(log, s->ids[1].end);
    if (log_has_segment_below(log))
        r = log_drop_segment(log, &s->job.segment);
    if (r) {
        diag_warn(s->options.env->diag, "segment of the metadata log could not be deleted",
                  kv("error", r));
        return;
    }
    s->options.env->io->ops->work_submit(s->options.env->io, &s->work);
}

/* Kafka's rule: with two of them, and too much of all or the oldest too old. */
static bool wants_cleaning(struct snapshots *s)
{
    const struct snapshots_options *o = &s->options;
    struct io *io = o->env->io;
    int64_t old_ms;

    if (s->count < 2)
        return false;
    if (o->retention_bytes >= 0 && s->job.bytes > o->retention_bytes)
        return true;
    old_ms = o->retention_ms >= 0 ? time_of(io, s->folder, s->ids[0]) : -1;
    return old_ms >= 0 && io_wall_ms(io) - old_ms > o->retention_ms;
}

static void take_result(struct snapshots *s)
{
    struct diag *diag = s->options.env->diag;

    if (s->job.result && s->job.image)
        diag_error(diag, "snapshot of the metadata could not be written", kv("end", s->job.id.end),
                   kv("error", s->job.result));
    else if (s->job.result)
        diag_error(diag, "old snapshot of the metadata could not be deleted",
                   kv("end", s->job.old.end), kv("error", s->job.result));
    else if (s->job.image)
        add(s, s->job.id);
    else
        memmove(s->ids, s->ids + 1, --s->count * sizeof(*s->ids));
}

static void done(struct io_work *work, struct io *io)
{
    struct snapshots *s = container_of(work, struct snapshots, work);
    int result = s->job.result;
    int64_t bytes = s->job.bytes;

    (void)io;
    take_result(s);
    if (result == 0 && s->job.settles && s->options.log)
        log_settled(s->options.log);
    job_fini(&s->job);
    s->job.bytes = bytes;
    if (result == 0 && s->options.log && wants_cleaning(s))
        clean(s);
}

void snapshots_write(struct snapshots *s, struct image *image, struct snapshot_id id,
                     const struct snapshot_terms *terms)
{
    assert(!s->work.is_submitted);
    job_fini(&s->job);
    s->job.image = image_ref(image);
    s->job.settles = log_is_new(s->options.log);
    s->job.id = id;
    s->job.terms = *terms;
    text_add(&s->job.voters, terms->voters.data, terms->voters.size);
    s->job.terms.voters = terms->voters.size > 0 ? text_slice(&s->job.voters) : slice_null();
    s->options.env->io->ops->work_submit(s->options.env->io, &s->work);
}
