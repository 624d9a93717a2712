/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>

static struct file *file_new(struct io *io, int fd)
{
    struct file *file = mem_new(sizeof(*file));

    atomic_init(&file->refs, 1);
    file->io = io;
    file->fd = fd;
    return file;
}

int file_open(struct io *io, int dir, const char *name, unsigned flags, struct file **out)
{
    int fd;
    int r = io->ops->file_open(io, dir, name, flags, &fd);

    if (r)
        return err_pass(r);
    *out = file_new(io, fd);
    return 0;
}

int file_open_dir(struct io *io, int dir, const char *name, struct file **out)
{
    int fd;
    int r = io->ops->dir_open(io, dir, name, &fd);

    if (r)
        return err_pass(r);
    *out = file_new(io, fd);
    return 0;
}

struct file *file_ref(struct file *file)
{
    atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
    return file;
}

struct file *file_unref(struct file *file)
{
    if (!file || atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) != 1)
        return NULL;
    io_close(file->io, &file->fd);
    return mem_free(file);
}

int file_load(struct io *io, int dir, const char *name, size_t size_max, struct text *out)
{
    scoped(file_unrefp) struct file *file = NULL;
    scoped(mem_freep) void *bytes = NULL;
    uint64_t size;
    size_t got;
    int r = file_open(io, dir, name, IO_READ, &file);

    if (r)
        return err_pass(r);
    r = io->ops->file_size(io, file->fd, &size);
    if (r)
        return err_pass(r);
    if (size > size_max)
        return err_raise(-EFBIG);
    bytes = mem_new((size_t)size + 1);
    r = io->ops->file_read(io, file->fd, 0, bytes, (size_t)size, &got);
    if (r)
        return err_pass(r);
    text_add(out, bytes, got);
    return 0;
}

static int write_whole(struct io *io, int dir, const char *name, struct slice bytes)
{
    scoped(file_unrefp) struct file *file = NULL;
    struct io_iov iov = {.data = bytes.data, .size = bytes.size};
    int r = file_open(io, dir, name, IO_WRITE | IO_CREATE | IO_TRUNCATE, &file);

    if (r == 0 && bytes.size > 0)
        r = io->ops->file_write(io, file->fd, 0, &iov, 1);
    if (r == 0)
        r = io->ops->file_sync(io, file->fd);
    return err_pass(r);
}

int file_replace(struct io *io, int dir, const char *name, struct slice bytes)
{
    return err_pass(file_replace_beside(io, dir, name, ".tmp", bytes));
}

int file_replace_beside(struct io *io, int dir, const char *name, const char *suffix,
                        struct slice bytes)
{
    char beside[IO_NAME_MAX];
    int r;

    (void)snprintf(beside, sizeof(beside), "%s%s", name, suffix);
    r = write_whole(io, dir, beside, bytes);
    if (r == 0)
        r = io->ops->rename(io, dir, beside, dir, name);
    if (r)
        (void)io->ops->unlink(io, dir, beside); /* A full disk needs the room. */
    return err_pass(r);
}
