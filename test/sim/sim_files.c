/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/sim_files.c - descriptors, and the calls of struct io that go to the disk.
 *
 * Descriptors are never given out twice, so that one that is used after its close is
 * always found out.
 */

#include "base/mem.h"
#include "test/sim/sim_internal.h"

#include <string.h>

enum { FD_SPAN = 1 << 20, SYNC_US = 300 };

enum names_call { NAMES_MAKE, NAMES_REMOVE, NAMES_RENAME, NAMES_SYNC };

/* --- descriptors ------------------------------------------------------------ */

static int fd_base(const struct sim_node *node)
{
    return 3 + node->index * FD_SPAN;
}

int sim_file_add(struct sim_node *node, enum file_kind kind, struct sim_file **out)
{
    struct sim_file *file;

    if (node->open_count >= node->open_max)
        return -EMFILE;
    sim_assert(node->sim, node->file_count < FD_SPAN);
    file = mem_new(sizeof(*file));
    file->kind = kind;
    file->fd = fd_base(node) + (int)node->file_count;
    node->files = mem_resize(node->files, node->file_count + 1, sizeof(struct sim_file *));
    node->files[node->file_count++] = file;
    node->open_count++;
    *out = file;
    return 0;
}

struct sim_file *sim_file_get(struct sim_io *io, int fd)
{
    struct sim_node *node = io->node;
    int index = fd - fd_base(node);

    sim_assert(node->sim, index >= 0 && (size_t)index < node->file_count);
    sim_assert(node->sim, node->files[index]);
    return node->files[index];
}

static struct sim_file *disk_file_get(struct sim_io *io, int fd, unsigned flag)
{
    struct sim_file *file = sim_file_get(io, fd);

    sim_assert(io->node->sim, file->kind == FILE_OF_DISK);
    sim_assert(io->node->sim, !flag || file->flags & flag);
    return file;
}

static struct inode *dir_get(struct sim_io *io, int dir)
{
    struct sim_file *file;

    if (dir == IO_CWD)
        return disk_root(io->node->machine->disk);
    file = sim_file_get(io, dir);
    sim_assert(io->node->sim, file->kind == FILE_DIR);
    return file->inode;
}

static void file_close(struct sim_node *node, struct sim_file *file, bool is_silent)
{
    node->files[file->fd - fd_base(node)] = NULL;
    node->open_count--;
    if (file->socket) {
        sim_socket_close(file->socket, is_silent);
    } else {
        if (inode_locker(file->inode) == file)
            inode_set_locker(file->inode, NULL);
        inode_put(file->inode);
    }
    mem_free(file);
}

void sim_files_close_all(struct sim_node *node, bool is_silent)
{
    for (size_t i = 0; i < node->file_count; i++)
        if (node->files[i])
            file_close(node, node->files[i], is_silent);
}

void sim_close(struct io *io, int fd)
{
    struct sim_io *self = sim_io_of(io);

    if (self->is_dead)
        return;
    sim_trace(self->node->sim, TRACE_CLOSE, self->node, fd, 0, 0);
    file_close(self->node, sim_file_get(self, fd), false);
}

/* --- a death in the middle of a call ---------------------------------------- */

/* A call that changes the disk.  A planned death may come before it, in which case this
 * returns -EIO, or after it, in which case call_end() does. */
struct call {
    struct sim_node *node;
    bool dies_after;
};

static int call_begin(struct call *call, struct sim_io *io)
{
    struct sim_node *node = io->node;

    *call = (struct call){.node = node};
    if (io->is_dead)
        return -EIO;
    if (!sim_node_dies_now(node))
        return 0;
    call->dies_after = rng_chance(&node->sim->rng, 50);
    if (call->dies_after)
        return 0;
    sim_node_kill(node, node->kill_how);
    return -EIO;
}

static int call_end(const struct call *call, int r)
{
    struct sim_node *node = call->node;

    if (r == -EIO || r == -ENOSPC)
        node->sim->stats.faults++;
    if (!call->dies_after)
        return r;
    sim_node_kill(node, node->kill_how);
    return -EIO;
}

/* --- names ------------------------------------------------------------------ */

/* Walks all of `path` but its last part, which is copied to `last`; that is empty if the
 * path leads to where it began. */
static int walk(struct sim_io *io, int dir, const char *path, struct inode **out_dir,
                char last[static IO_NAME_MAX])
{
    struct disk *disk = io->node->machine->disk;
    struct inode *at = path[0] == '/' ? disk_root(disk) : dir_get(io, dir);

    if (path[0] == 0)
        return -ENOENT;
    last[0] = 0;
    while (*path) {
        size_t size = strcspn(path, "/");
        int r = 0;

        if (size >= IO_NAME_MAX)
            return -ENAMETOOLONG;
        if (size > 0 && !(size == 1 && path[0] == '.')) {
            if (last[0])
                r = disk_find(disk, at, last, &at);
            if (r)
                return r;
            memcpy(last, path, size);
            last[size] = 0;
            sim_assert(io->node->sim, strcmp(last, "..") != 0); /* Not in this world. */
        }
        path += size + strspn(path + size, "/");
    }
    *out_dir = at;
    return 0;
}

static int walk_to_name(struct sim_io *io, int dir, const char *path, struct inode **out_dir,
                        char last[static IO_NAME_MAX])
{
    int r = walk(io, dir, path, out_dir, last);

    if (r)
        return r;
    return last[0] ? 0 : -EBUSY;
}

static int names_traced(struct sim_io *io, enum names_call call, const char *name, int r)
{
    sim_trace(io->node->sim, TRACE_NAMES, io->node, call, sim_sum(name, strlen(name)), r);
    return r;
}

int sim_dir_open(struct io *io, int dir, const char *name, int *out_fd)
{
    struct sim_io *self = sim_io_of(io);
    struct sim_file *file = NULL;
    char last[IO_NAME_MAX];
    struct inode *inode;
    int r;

    if (self->is_dead)
        return -EIO;
    r = walk(self, dir, name, &inode, last);
    if (r == 0 && last[0])
        r = disk_find(self->node->machine->disk, inode, last, &inode);
    if (r == 0 && !inode_is_dir(inode))
        r = -ENOTDIR;
    if (r == 0)
        r = sim_file_add(self->node, FILE_DIR, &file);
    if (r)
        return names_traced(self, NAMES_MAKE, name, r);
    inode_hold(inode);
    file->inode = inode;
    sim_trace(self->node->sim, TRACE_OPEN, self->node, file->fd, sim_sum(name, strlen(name)), 0);
    *out_fd = file->fd;
    return 0;
}

int sim_dir_create(struct io *io, int dir, const char *name)
{
    struct sim_io *self = sim_io_of(io);
    char last[IO_NAME_MAX];
    struct inode *parent;
    struct inode *made;
    struct call call;
    int r = call_begin(&call, self);

    if (r)
        return r;
    r = walk(self, dir, name, &parent, last);
    if (r == 0)
        r = last[0] ? disk_make(self->node->machine->disk, parent, last, true, &made) : -EEXIST;
    return call_end(&call, names_traced(self, NAMES_MAKE, name, r));
}

static int remove_name(struct io *io, int dir, const char *name, bool is_dir)
{
    struct sim_io *self = sim_io_of(io);
    char last[IO_NAME_MAX];
    struct inode *parent;
    struct call call;
    int r = call_begin(&call, self);

    if (r)
        return r;
    r = walk_to_name(self, dir, name, &parent, last);
    if (r == 0)
        r = disk_remove(self->node->machine->disk, parent, last, is_dir);
    return call_end(&call, names_traced(self, NAMES_REMOVE, name, r));
}

int sim_dir_remove(struct io *io, int dir, const char *name)
{
    return remove_name(io, dir, name, true);
}

int sim_unlink(struct io *io, int dir, const char *name)
{
    return remove_name(io, dir, name, false);
}

int sim_dir_list(struct io *io, int dir, io_name_fn *fn, void *context)
{
    struct sim_io *self = sim_io_of(io);

    if (self->is_dead)
        return -EIO;
    return disk_list(self->node->machine->disk, dir_get(self, dir), fn, context);
}

int sim_dir_sync(struct io *io, int dir)
{
    struct sim_io *self = sim_io_of(io);
    struct call call;
    int r = call_begin(&call, self);

    if (r)
        return r;
    r = disk_sync_names(self->node->machine->disk, dir_get(self, dir));
    return call_end(&call, names_traced(self, NAMES_SYNC, "", r));
}

int sim_dir_space(struct io *io, int dir, uint64_t *out_total, uint64_t *out_usable)
{
    struct sim_io *self = sim_io_of(io);

    (void)dir;
    if (self->is_dead)
        return -EIO;
    disk_space(self->node->machine->disk, out_total, out_usable);
    return 0;
}

int sim_rename(struct io *io, int from_dir, const char *from, int to_dir, const char *to)
{
    struct sim_io *self = sim_io_of(io);
    char from_last[IO_NAME_MAX];
    char to_last[IO_NAME_MAX];
    struct inode *from_parent;
    struct inode *to_parent = NULL;
    struct call call;
    int r = call_begin(&call, self);

    if (r)
        return r;
    r = walk_to_name(self, from_dir, from, &from_parent, from_last);
    if (r == 0)
        r = walk_to_name(self, to_dir, to, &to_parent, to_last);
    if (r == 0)
        r = disk_rename(self->node->machine->disk, from_parent, from_last, to_parent, to_last);
    return call_end(&call, names_traced(self, NAMES_RENAME, to, r));
}

/* --- opening ---------------------------------------------------------------- */

static int find_or_make(struct sim_io *io, int dir, const char *name, unsigned flags,
                        struct inode **out)
{
    struct disk *disk = io->node->machine->disk;
    char last[IO_NAME_MAX];
    struct inode *parent;
    int r = walk(io, dir, name, &parent, last);

    if (r)
        return r;
    if (!last[0]) {
        *out = parent;
        return 0;
    }
    r = disk_find(disk, parent, last, out);
    if (r == 0 && flags & IO_CREATE && flags & IO_EXCLUSIVE)
        return -EEXIST;
    if (r == -ENOENT && flags & IO_CREATE) {
        r = disk_make(disk, parent, last, false, out);
        if (r == 0)
            inode_set_time(*out, io_wall_ms(&io->io));
    }
    return r;
}

static int file_open(struct sim_io *io, int dir, const char *name, unsigned flags, int *out_fd)
{
    struct sim_file *file = NULL;
    struct inode *inode;
    int r;

    if (io->node->open_count >= io->node->open_max)
        return -EMFILE; /* Before anything is made. */
    r = find_or_make(io, dir, name, flags, &inode);
    if (r)
        return r;
    if (inode_is_dir(inode) && flags & (IO_WRITE | IO_CREATE | IO_TRUNCATE))
        return -EISDIR;
    if (flags & IO_TRUNCATE)
        r = disk_truncate(io->node->machine->disk, inode, 0);
    if (r == 0)
        r = sim_file_add(io->node, inode_is_dir(inode) ? FILE_DIR : FILE_OF_DISK, &file);
    if (r)
        return r;
    inode_hold(inode);
    file->inode = inode;
    file->flags = flags;
    *out_fd = file->fd;
    return 0;
}

int sim_file_open(struct io *io, int dir, const char *name, unsigned flags, int *out_fd)
{
    struct sim_io *self = sim_io_of(io);
    bool changes = flags & (IO_CREATE | IO_TRUNCATE);
    struct call call = {.node = self->node};
    int fd = -1;
    int r = self->is_dead ? -EIO : 0;

    sim_assert(self->node->sim, flags & (IO_READ | IO_WRITE));
    if (r == 0 && changes)
        r = call_begin(&call, self);
    if (r)
        return r;
    r = file_open(self, dir, name, flags, &fd);
    sim_trace(self->node->sim, TRACE_OPEN, self->node, fd, sim_sum(name, strlen(name)), r);
    r = call_end(&call, r);
    if (r == 0)
        *out_fd = fd;
    return r;
}

/* --- contents --------------------------------------------------------------- */

int sim_file_size(struct io *io, int fd, uint64_t *out)
{
    struct sim_io *self = sim_io_of(io);

    if (self->is_dead)
        return -EIO;
    *out = inode_size(disk_file_get(self, fd, 0)->inode);
    return 0;
}

int sim_file_time(struct io *io, int fd, int64_t *out)
{
    struct sim_io *self = sim_io_of(io);

    if (self->is_dead)
        return -EIO;
    *out = inode_time(disk_file_get(self, fd, 0)->inode);
    return 0;
}

int sim_file_bytes(struct sim_io *io, int fd, uint64_t at, void *out, size_t size, size_t *out_read)
{
    struct sim_file *file = disk_file_get(io, fd, IO_READ);
    int r = disk_read(io->node->machine->disk, file->inode, at, out, size, out_read);

    if (r)
        io->node->sim->stats.faults++;
    sim_trace(io->node->sim, TRACE_READ, io->node, fd, (int64_t)at, r ? r : (int64_t)*out_read);
    return r;
}

int sim_file_read(struct io *io, int fd, uint64_t at, void *out, size_t size, size_t *out_read)
{
    struct sim_io *self = sim_io_of(io);

    if (self->is_dead)
        return -EIO;
    return sim_file_bytes(self, fd, at, out, size, out_read);
}

/* Writes some of the vectors, up to `limit` bytes. */
static int write_all(struct sim_io *io, struct sim_file *file, uint64_t at,
                     const struct io_iov *iov, size_t count, uint64_t limit)
{
    struct sim *sim = io->node->sim;
    int r = 0;

    for (size_t i = 0; i < count && limit > 0 && r == 0; i++) {
        size_t size = (size_t)min_of((uint64_t)iov[i].size, limit);

        if (size == 0)
            continue;
        r = disk_write(io->node->machine->disk, file->inode, at, iov[i].data, size);
        sim_trace(sim, TRACE_WRITE, io->node, file->fd, (int64_t)at, sim_sum(iov[i].data, size));
        sim->stats.bytes_written += size;
        at += size;
        limit -= size;
    }
    return r;
}

int sim_file_write(struct io *io, int fd, uint64_t at, const struct io_iov *iov, size_t count)
{
    struct sim_io *self = sim_io_of(io);
    struct sim *sim = self->node->sim;
    uint64_t limit = 0;
    bool dies;
    int r;

    sim_assert(sim, count <= IO_IOV_MAX);
    if (self->is_dead)
        return -EIO;
    for (size_t i = 0; i < count; i++)
        limit += iov[i].size;
    dies = sim_node_dies_now(self->node);
    if (dies)
        limit = rng_below(&sim->rng, limit + 1);
    inode_set_time(disk_file_get(self, fd, IO_WRITE)->inode, io_wall_ms(io));
    r = write_all(self, disk_file_get(self, fd, IO_WRITE), at, iov, count, limit);
    return call_end(&(struct call){.node = self->node, .dies_after = dies}, r);
}

int sim_file_truncate(struct io *io, int fd, uint64_t size)
{
    struct sim_io *self = sim_io_of(io);
    struct call call;
    int r = call_begin(&call, self);

    if (r)
        return r;
    r = disk_truncate(self->node->machine->disk, disk_file_get(self, fd, IO_WRITE)->inode, size);
    sim_trace(self->node->sim, TRACE_TRUNCATE, self->node, fd, (int64_t)size, r);
    return call_end(&call, r);
}

static int sync_file(struct io *io, int fd, int (*sync)(struct disk *disk, struct inode *file))
{
    struct sim_io *self = sim_io_of(io);
    struct sim *sim = self->node->sim;
    struct call call;
    int r = call_begin(&call, self);

    if (r)
        return r;
    sim->stats.syncs++;
    sim->work_cost_us += sim_delay_us(sim, SYNC_US);
    r = sync(self->node->machine->disk, disk_file_get(self, fd, 0)->inode);
    sim_trace(sim, TRACE_SYNC, self->node, fd, r, 0);
    return call_end(&call, r);
}

int sim_file_sync(struct io *io, int fd)
{
    return sync_file(io, fd, disk_sync);
}

int sim_file_refresh(struct io *io, int fd)
{
    return sync_file(io, fd, disk_refresh);
}

int sim_file_lock(struct io *io, int fd)
{
    struct sim_io *self = sim_io_of(io);
    struct sim_file *file;
    int r = 0;

    if (self->is_dead)
        return -EIO;
    file = disk_file_get(self, fd, IO_WRITE);
    if (inode_locker(file->inode) && inode_locker(file->inode) != file)
        r = -EAGAIN;
    else
        inode_set_locker(file->inode, file);
    sim_trace(self->node->sim, TRACE_LOCK, self->node, fd, r, 0);
    return r;
}
