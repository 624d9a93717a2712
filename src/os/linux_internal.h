/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/linux_internal.h - what the three files of the kernel's struct io share.
 *
 * Threading: as os/io.h says of each operation; queues of work are under the mutex.
 * Errors:    as os/io.h says.
 */

#include "os/io.h"

#include <pthread.h>
#include <sys/epoll.h>

enum { LINUX_EVENTS_MAX = 256, LINUX_WORKERS_MAX = 3 };

struct linux_io {
    struct io io;
    int epoll;
    struct io_watch wake;                        /* An eventfd. */
    struct epoll_event events[LINUX_EVENTS_MAX]; /* The batch being delivered. */
    int event_count;                             /* 0 outside delivery. */

    pthread_mutex_t mutex; /* Guards what follows. */
    pthread_cond_t has_work;
    struct bug_hook *hook; /* Of the loop's thread: the workers have it too. */
    pthread_t workers[LINUX_WORKERS_MAX];
    int worker_count;
    int idle_count;                            /* Workers that wait. */
    int todo_count;                            /* Pieces in `todo`. */
    struct io_work *todo, **todo_tail;         /* A queue, oldest first. */
    struct io_work *finished, **finished_tail; /* Likewise. */
    bool is_stopping;
};

static inline struct linux_io *linux_io_of(struct io *io)
{
    return container_of(io, struct linux_io, io);
}

/* linux_work.c */
void linux_work_init(struct linux_io *world);
void linux_work_fini(struct linux_io *world);
void linux_work_submit(struct io *io, struct io_work *work);
void linux_work_deliver(struct linux_io *world);

/* linux_files.c */
int linux_dir_open(struct io *io, int dir, const char *name, int *out_fd);
int linux_dir_create(struct io *io, int dir, const char *name);
int linux_dir_remove(struct io *io, int dir, const char *name);
int linux_dir_list(struct io *io, int dir, io_name_fn *fn, void *context);
int linux_dir_sync(struct io *io, int dir);
int linux_dir_space(struct io *io, int dir, uint64_t *out_total, uint64_t *out_usable);
int linux_rename(struct io *io, int from_dir, const char *from, int to_dir, const char *to);
int linux_unlink(struct io *io, int dir, const char *name);
int linux_file_open(struct io *io, int dir, const char *name, unsigned flags, int *out_fd);
int linux_file_size(struct io *io, int fd, uint64_t *out);
int linux_file_time(struct io *io, int fd, int64_t *out);
int linux_file_read(struct io *io, int fd, uint64_t at, void *out, size_t size, size_t *out_read);
int linux_file_write(struct io *io, int fd, uint64_t at, const struct io_iov *iov, size_t count);
int linux_file_truncate(struct io *io, int fd, uint64_t size);
int linux_file_sync(struct io *io, int fd);
int linux_file_refresh(struct io *io, int fd);
int linux_file_lock(struct io *io, int fd);
void linux_close(struct io *io, int fd);

#define LINUX_FILE_OPS                                                                             \
    .dir_open = linux_dir_open, .dir_create = linux_dir_create, .dir_remove = linux_dir_remove,    \
    .dir_list = linux_dir_list, .dir_sync = linux_dir_sync, .rename = linux_rename,                \
    .unlink = linux_unlink, .file_open = linux_file_open, .file_size = linux_file_size,            \
    .dir_space = linux_dir_space, .file_time = linux_file_time, .file_read = linux_file_read,      \
    .file_write = linux_file_write, .file_truncate = linux_file_truncate,                          \
    .file_sync = linux_file_sync, .file_refresh = linux_file_refresh,                              \
    .file_lock = linux_file_lock, .close = linux_close
