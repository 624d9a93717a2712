/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/io.h - everything the program asks of the world outside it.
 *
 * There are two worlds: os/linux_io.c, which is the kernel, and test/sim, which is a
 * seeded simulation of one.  Code above this floor cannot tell them apart.
 *
 * Each loop (os/loop.h) has a `struct io` of its own.  File descriptors are small
 * integers of that world, files and sockets alike; a file descriptor may be used
 * through every io of the same node (any shard may sendfile from it, any worker may
 * sync it).  A socket belongs to the io that watches it; one that is not watched yet
 * may be handed to another io of the same node.
 *
 *   files     synchronous.  Reads and writes go through the page cache and are called
 *             from the loop where they are expected to hit it; what may wait for the
 *             disk (sync, cold reads) is put into a `struct io_work`.
 *   sockets   never block: they answer -EAGAIN, and readiness is told to the
 *             `struct io_watch`, level-triggered, from io_poll().
 *   work      run() happens on a worker thread (in the simulator: later), done() on
 *             the loop that submitted it.
 *
 * Errors: 0 or a count >= 0; else a negated errno.  -EAGAIN from a socket, -ENOENT
 * and -EEXIST from names, and -ENOTDIR are the only values that callers may look at.
 *
 * Threading: the loop's own thread, except io_wake() (any thread) and, inside
 * io_work.run(), the file operations.
 */

#include "base/slice.h"

struct io;

/* A numeric address: "127.0.0.1" or "::1", and a port; 0 lets the world choose. */
struct io_address {
    char host[64];
    uint16_t port;
};

enum io_open_flags {
    IO_READ = 1 << 0,
    IO_WRITE = 1 << 1,
    IO_CREATE = 1 << 2,    /* Make it if it does not exist. */
    IO_EXCLUSIVE = 1 << 3, /* With IO_CREATE: -EEXIST if it does. */
    IO_TRUNCATE = 1 << 4,
};

enum io_events {
    IO_READABLE = 1 << 0, /* Or at its end, or broken: the next call tells. */
    IO_WRITABLE = 1 << 1,
};

/* Somebody's interest in a socket.  Embedded in its owner; the owner removes it with
 * watch_set(.., 0) before it dies or closes the socket.  It is safe to do so from
 * inside any callback: a removed watch is not called again. */
struct io_watch {
    void (*ready)(struct io_watch *watch, unsigned events);
    int fd;
    unsigned events; /* enum io_events; kept by watch_set(). */
    void *world;     /* The world's own. */
};

/* A piece of blocking work.  Embedded in its owner, which must stay until done(). */
struct io_work {
    void (*run)(struct io_work *work, struct io *io);  /* Worker thread: files only. */
    void (*done)(struct io_work *work, struct io *io); /* The submitting loop. */
    struct io_work *next;                              /* The world's own. */
    bool is_submitted;                                 /* From submit until done() begins. */
    void *world;                                       /* The world's own. */
};

struct io_iov {
    const void *data;
    size_t size;
};

enum { IO_IOV_MAX = 1024, IO_NAME_MAX = 256 };

/* Called for each name in a directory but "." and ".."; stops when it returns
 * non-zero, which dir_list() then returns. */
typedef int io_name_fn(void *context, const char *name, bool is_dir);

struct io_ops {
    /* --- clock and chance --- */
    int64_t (*monotonic_us)(struct io *io); /* Never goes back; for timeouts. */
    int64_t (*wall_ms)(struct io *io);      /* Unix time; may jump either way. */
    void (*entropy)(struct io *io, void *out, size_t size);

    /* --- directories; `dir` is an open directory, or IO_CWD --- */
    int (*dir_open)(struct io *io, int dir, const char *name, int *out_fd);
    int (*dir_create)(struct io *io, int dir, const char *name); /* -EEXIST if there. */
    int (*dir_remove)(struct io *io, int dir, const char *name); /* Must be empty. */
    int (*dir_list)(struct io *io, int dir, io_name_fn *fn, void *context);
    int (*dir_sync)(struct io *io, int dir); /* Makes the names in it durable. */
    /* Bytes of the disk that it is on, and those of them that may still be used. */
    int (*dir_space)(struct io *io, int dir, uint64_t *out_total, uint64_t *out_usable);
    int (*rename)(struct io *io, int from_dir, const char *from, int to_dir, const char *to);
    int (*unlink)(struct io *io, int dir, const char *name);

    /* --- files --- */
    int (*file_open)(struct io *io, int dir, const char *name, unsigned flags, int *out_fd);
    int (*file_size)(struct io *io, int fd, uint64_t *out);
    /* When it was last written: Unix time in milliseconds. */
    int (*file_time)(struct io *io, int fd, int64_t *out);
    /* Reads up to `size` bytes; fewer only at the end of the file. */
    int (*file_read)(struct io *io, int fd, uint64_t at, void *out, size_t size, size_t *out_read);
    /* Writes all, or fails; how much got there is then unknown.  At most IO_IOV_MAX. */
    int (*file_write)(struct io *io, int fd, uint64_t at, const struct io_iov *iov, size_t count);
    int (*file_truncate)(struct io *io, int fd, uint64_t size);
    int (*file_sync)(struct io *io, int fd); /* Data and size.  May take long. */
    /* Syncs, and forgets what the cache holds: what is read next comes from the disk.  After
     * a failed sync, of this process or of one before it, the two may differ for ever. */
    int (*file_refresh)(struct io *io, int fd);
    /* Takes an exclusive lock for as long as the file is open; -EAGAIN if another
     * process (or another node of the simulated world) has it. */
    int (*file_lock)(struct io *io, int fd);
    void (*close)(struct io *io, int fd); /* Of any kind. */

    /* --- sockets --- */
    int (*listen)(struct io *io, const struct io_address *address, int *out_fd,
                  struct io_address *out_bound);
    int (*accept)(struct io *io, int fd, int *out_fd, struct io_address *out_peer);
    /* Begins to connect; writable when it is done, the first send tells how it went. */
    int (*connect)(struct io *io, const struct io_address *address, int *out_fd);
    /* Bytes got, 0 at the end, or < 0. */
    int64_t (*recv)(struct io *io, int fd, void *out, size_t size);
    /* Bytes taken or < 0.  `more`: hold back a part packet, there is more to come. */
    int64_t (*send)(struct io *io, int fd, const struct io_iov *iov, size_t count, bool more);
    /* Bytes taken from `file` at `at` or < 0; 0 if the file ends there. */
    int64_t (*sendfile)(struct io *io, int fd, int file, uint64_t at, size_t size, bool more);
    /* Looks for `events` on watch->fd from now on; 0 removes the watch. */
    void (*watch_set)(struct io *io, struct io_watch *watch, unsigned events);

    /* --- the loop --- */
    void (*work_submit)(struct io *io, struct io_work *work);
    /* Calls what is ready; waits at most `timeout_us` for it (-1: for ever). */
    void (*poll)(struct io *io, int64_t timeout_us);
    void (*wake)(struct io *io); /* Ends a wait in poll().  Any thread. */
};

enum { IO_CWD = -100 };

struct io {
    const struct io_ops *ops;
    int64_t *now_us; /* Borrowed, or NULL: the loop's; poll() sets it when it has waited. */
};

/* Short words for the calls; see struct io_ops. */
static inline int64_t io_monotonic_us(struct io *io)
{
    return io->ops->monotonic_us(io);
}

/* For poll(): the wait is over, and what is called now must know how late it is. */
static inline void io_has_waited(struct io *io)
{
    if (io->now_us)
        *io->now_us = io->ops->monotonic_us(io);
}

static inline int64_t io_wall_ms(struct io *io)
{
    return io->ops->wall_ms(io);
}

/* Closes and forgets a descriptor; a negative one is nothing to close. */
static inline void io_close(struct io *io, int *fd)
{
    if (*fd >= 0)
        io->ops->close(io, *fd);
    *fd = -1;
}

/* Watches `watch->fd` for `events`; does nothing if it already does. */
static inline void io_watch(struct io *io, struct io_watch *watch, unsigned events)
{
    if (watch->events != events)
        io->ops->watch_set(io, watch, events);
}
