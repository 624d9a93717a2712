/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/faulty_io.h"

static struct faulty_io *faulty_of(struct io *io)
{
    return container_of(io, struct faulty_io, io);
}

/* What the call is to answer: 0, or the error that is due. */
static int count(struct faulty_io *f, enum faulty_call kind)
{
    if (!(f->kinds & kind))
        return 0;
    f->counted++;
    if (f->fail_at == 0 || f->counted < f->fail_at || f->counted - f->fail_at >= f->fail_count)
        return 0;
    f->failed++;
    return f->error;
}

static int64_t monotonic_us(struct io *io)
{
    const struct faulty_io *f = faulty_of(io);

    return f->under->ops->monotonic_us(f->under) + f->later_us;
}

static int64_t wall_ms(struct io *io)
{
    struct faulty_io *f = faulty_of(io);

    return f->wall_ms ? f->wall_ms : f->under->ops->wall_ms(f->under);
}

static void entropy(struct io *io, void *out, size_t size)
{
    faulty_of(io)->under->ops->entropy(faulty_of(io)->under, out, size);
}

static int dir_open(struct io *io, int dir, const char *name, int *out_fd)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_OPEN);

    return r ? r : f->under->ops->dir_open(f->under, dir, name, out_fd);
}

static int dir_create(struct io *io, int dir, const char *name)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_NAMES);
    int r2 = r && !f->lies ? 0 : f->under->ops->dir_create(f->under, dir, name);

    return r ? r : r2;
}

static int dir_remove(struct io *io, int dir, const char *name)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_NAMES);
    int r2 = r && !f->lies ? 0 : f->under->ops->dir_remove(f->under, dir, name);

    return r ? r : r2;
}

static int dir_list(struct io *io, int dir, io_name_fn *fn, void *context)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_READ);

    return r ? r : f->under->ops->dir_list(f->under, dir, fn, context);
}

static int dir_sync(struct io *io, int dir)
{
    (void)dir;
    faulty_of(io)->syncs++;
    return count(faulty_of(io), FAULTY_SYNC);
}

static int dir_space(struct io *io, int dir, uint64_t *out_total, uint64_t *out_usable)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_SIZE);

    return r ? r : f->under->ops->dir_space(f->under, dir, out_total, out_usable);
}

static int rename_to(struct io *io, int from_dir, const char *from, int to_dir, const char *to)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_NAMES);
    int r2 = r && !f->lies ? 0 : f->under->ops->rename(f->under, from_dir, from, to_dir, to);

    return r ? r : r2;
}

static int unlink_name(struct io *io, int dir, const char *name)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_NAMES);
    int r2 = r && !f->lies ? 0 : f->under->ops->unlink(f->under, dir, name);

    return r ? r : r2;
}

static int file_open(struct io *io, int dir, const char *name, unsigned flags, int *out_fd)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_OPEN);
    int fd = -1;
    int r2 = r && !f->lies ? 0 : f->under->ops->file_open(f->under, dir, name, flags, &fd);

    if (r)
        io_close(f->under, &fd); /* If it lies, the file may have been made. */
    else if (r2 == 0)
        *out_fd = fd;
    return r ? r : r2;
}

static int file_size(struct io *io, int fd, uint64_t *out)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_SIZE);

    return r ? r : f->under->ops->file_size(f->under, fd, out);
}

static int file_time(struct io *io, int fd, int64_t *out)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_SIZE);

    return r ? r : f->under->ops->file_time(f->under, fd, out);
}

static int file_read(struct io *io, int fd, uint64_t at, void *out, size_t size, size_t *out_read)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_READ);

    if (r == 0)
        r = f->under->ops->file_read(f->under, fd, at, out, size, out_read);
    if (r == 0)
        f->read_bytes += *out_read;
    return r;
}

/* Half of it, of the first piece at least. */
static void tear(struct faulty_io *f, int fd, uint64_t at, const struct io_iov *iov, size_t pieces)
{
    struct io_iov half = {.data = iov[0].data, .size = (iov[0].size + 1) / 2};

    if (pieces > 1)
        (void)f->under->ops->file_write(f->under, fd, at, iov, pieces / 2);
    else
        (void)f->under->ops->file_write(f->under, fd, at, &half, 1);
}

static int file_write(struct io *io, int fd, uint64_t at, const struct io_iov *iov, size_t pieces)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_WRITE);
    int r2;

    if (r && f->tears)
        tear(f, fd, at, iov, pieces);
    if (r && !f->lies)
        return r;
    for (size_t i = 0; i < pieces; i++)
        f->written_bytes += iov[i].size;
    r2 = f->under->ops->file_write(f->under, fd, at, iov, pieces);
    return r ? r : r2;
}

static int file_truncate(struct io *io, int fd, uint64_t size)
{
    struct faulty_io *f = faulty_of(io);
    int r = count(f, FAULTY_TRUNCATE);
    int r2 = r && !f->lies ? 0 : f->under->ops->file_truncate(f->under, fd, size);

    return r ? r : r2;
}

static int file_sync(struct io *io, int fd)
{
    (void)fd;
    faulty_of(io)->syncs++;
    return count(faulty_of(io), FAULTY_SYNC);
}

static int file_refresh(struct io *io, int fd)
{
    return file_sync(io, fd);
}

static int file_lock(struct io *io, int fd)
{
    return faulty_of(io)->under->ops->file_lock(faulty_of(io)->under, fd);
}

static void close_any(struct io *io, int fd)
{
    faulty_of(io)->under->ops->close(faulty_of(io)->under, fd);
}

static void work_submit(struct io *io, struct io_work *work)
{
    struct faulty_io *f = faulty_of(io);

    assert(!work->is_submitted);
    work->is_submitted = true;
    work->next = NULL;
    *f->works_tail = work;
    f->works_tail = &work->next;
}

static void poll_all(struct io *io, int64_t timeout_us)
{
    struct faulty_io *f = faulty_of(io);
    int ran = f->holds_work ? 0 : faulty_io_run_work(f);

    f->under->now_us = f->io.now_us;
    f->under->ops->poll(f->under, ran ? 0 : timeout_us);
    f->under->now_us = NULL;
}

static void wake(struct io *io)
{
    faulty_of(io)->under->ops->wake(faulty_of(io)->under);
}

/* Sockets are no part of it. */
static const struct io_ops faulty_ops = {
    .monotonic_us = monotonic_us,
    .wall_ms = wall_ms,
    .entropy = entropy,
    .dir_open = dir_open,
    .dir_create = dir_create,
    .dir_remove = dir_remove,
    .dir_list = dir_list,
    .dir_sync = dir_sync,
    .dir_space = dir_space,
    .rename = rename_to,
    .unlink = unlink_name,
    .file_open = file_open,
    .file_size = file_size,
    .file_time = file_time,
    .file_read = file_read,
    .file_write = file_write,
    .file_truncate = file_truncate,
    .file_sync = file_sync,
    .file_refresh = file_refresh,
    .file_lock = file_lock,
    .close = close_any,
    .work_submit = work_submit,
    .poll = poll_all,
    .wake = wake,
};

void faulty_io_init(struct faulty_io *faulty, struct io *under)
{
    *faulty = (struct faulty_io){.io = {.ops = &faulty_ops}, .under = under};
    faulty->works_tail = &faulty->works;
}

void faulty_io_arm(struct faulty_io *faulty, unsigned kinds, int fail_at, int error)
{
    faulty->kinds = kinds;
    faulty->fail_at = fail_at;
    faulty->fail_count = 1;
    faulty->error = error;
    faulty->counted = faulty->failed = 0;
}

int faulty_io_run_work(struct faulty_io *faulty)
{
    struct io_work *work = faulty->works;
    int ran = 0;

    faulty->works = NULL;
    faulty->works_tail = &faulty->works;
    for (; work; ran++) {
        struct io_work *next = work->next;

        work->run(work, &faulty->io);
        work->is_submitted = false;
        work->done(work, &faulty->io);
        work = next;
    }
    return ran;
}
