/* SPDX-License-Identifier: Apache-2.0 */

/* os/linux_files.c - files and directories by system calls. */

#include "base/err.h"
#include "os/linux_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(IO_CWD == AT_FDCWD, "the current folder has the kernel's number");

static int outcome(int r)
{
    return r < 0 ? err_raise(-errno) : 0;
}

int linux_dir_open(struct io *io, int dir, const char *name, int *out_fd)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)io;
    if (fd < 0)
        return err_raise(-errno);
    *out_fd = fd;
    return 0;
}

int linux_dir_create(struct io *io, int dir, const char *name)
{
    (void)io;
    return outcome(mkdirat(dir, name, 0755));
}

int linux_dir_remove(struct io *io, int dir, const char *name)
{
    (void)io;
    return outcome(unlinkat(dir, name, AT_REMOVEDIR));
}

static bool is_dir(DIR *entries, const struct dirent *entry)
{
    struct stat status;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return !fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) &&
           S_ISDIR(status.st_mode);
}

int linux_dir_list(struct io *io, int dir, io_name_fn *fn, void *context)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int r = 0;

    if (!entries) {
        r = err_raise(-errno);
        io_close(io, &fd);
        return r;
    }
    while (!r) {
        errno = 0;
        entry = readdir(entries);
        if (!entry) {
            r = errno ? err_raise(-errno) : 0;
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = fn(context, entry->d_name, is_dir(entries, entry));
    }
    closedir(entries);
    return r;
}

int linux_dir_sync(struct io *io, int dir)
{
    (void)io;
    return outcome(fsync(dir));
}

int linux_dir_space(struct io *io, int dir, uint64_t *out_total, uint64_t *out_usable)
{
    struct statvfs status;

    (void)io;
    if (fstatvfs(dir, &status))
        return err_raise(-errno);
    *out_total = (uint64_t)status.f_blocks * status.f_frsize;
    *out_usable = (uint64_t)status.f_bavail * status.f_frsize;
    return 0;
}

int linux_rename(struct io *io, int from_dir, const char *from, int to_dir, const char *to)
{
    (void)io;
    return outcome(renameat(from_dir, from, to_dir, to));
}

int linux_unlink(struct io *io, int dir, const char *name)
{
    (void)io;
    return outcome(unlinkat(dir, name, 0));
}

int linux_file_open(struct io *io, int dir, const char *name, unsigned flags, int *out_fd)
{
    int kernel = O_CLOEXEC;
    int fd;

    (void)io;
    kernel |= flags & IO_WRITE ? (flags & IO_READ ? O_RDWR : O_WRONLY) : O_RDONLY;
    kernel |= flags & IO_CREATE ? O_CREAT : 0;
    kernel |= flags & IO_EXCLUSIVE ? O_EXCL : 0;
    kernel |= flags & IO_TRUNCATE ? O_TRUNC : 0;
    fd = openat(dir, name, kernel, 0644);
    if (fd < 0)
        return err_raise(-errno);
    *out_fd = fd;
    return 0;
}

int linux_file_size(struct io *io, int fd, uint64_t *out)
{
    struct stat status;

    (void)io;
    if (fstat(fd, &status))
        return err_raise(-errno);
    *out = (uint64_t)status.st_size;
    return 0;
}

int linux_file_time(struct io *io, int fd, int64_t *out)
{
    struct stat status;

    (void)io;
    if (fstat(fd, &status))
        return err_raise(-errno);
    *out = (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
    return 0;
}

int linux_file_read(struct io *io, int fd, uint64_t at, void *out, size_t size, size_t *out_read)
{
    size_t done = 0;

    (void)io;
    while (done < size) {
        ssize_t got = pread(fd, (uint8_t *)out + done, size - done, (off_t)(at + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_raise(-errno);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *out_read = done;
    return 0;
}

/* Writes what the kernel left over of one vector. */
static int write_rest(int fd, uint64_t at, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t put = pwrite(fd, data, size, (off_t)at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return err_raise(put ? -errno : -EIO);
        data += put;
        at += (uint64_t)put;
        size -= (size_t)put;
    }
    return 0;
}

int linux_file_write(struct io *io, int fd, uint64_t at, const struct io_iov *iov, size_t count)
{
    enum { ROUND = 64 };
    struct iovec kernel[ROUND];

    (void)io;
    while (count > 0) {
        size_t round = min_of(count, (size_t)ROUND);
        ssize_t put;

        for (size_t i = 0; i < round; i++)
            kernel[i] =
                (struct iovec){.iov_base = (void *)(uintptr_t)iov[i].data, .iov_len = iov[i].size};
        put = pwritev(fd, kernel, (int)round, (off_t)at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_raise(-errno);
        at += (uint64_t)put;
        for (; round > 0 && (size_t)put >= iov->size; round--, iov++, count--)
            put -= (ssize_t)iov->size;
        if (round > 0) {
            int r = write_rest(fd, at, (const uint8_t *)iov->data + put, iov->size - (size_t)put);

            if (r)
                return err_pass(r);
            at += iov->size - (size_t)put;
            iov++;
            count--;
        }
    }
    return 0;
}

int linux_file_truncate(struct io *io, int fd, uint64_t size)
{
    (void)io;
    return outcome(ftruncate(fd, (off_t)size));
}

int linux_file_sync(struct io *io, int fd)
{
    (void)io;
    return outcome(fdatasync(fd));
}

/* Clean pages are evicted, also those that a failed sync has marked clean. */
int linux_file_refresh(struct io *io, int fd)
{
    int r = linux_file_sync(io, fd);

    if (r)
        return err_pass(r);
    r = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    return r ? err_raise(-r) : 0;
}

/* An open-file-description lock: it conflicts with the record locks that the JVM
 * takes, and also between two brokers of one process. */
int linux_file_lock(struct io *io, int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    (void)io;
    if (fcntl(fd, F_OFD_SETLK, &lock))
        return err_raise(errno == EACCES ? -EAGAIN : -errno);
    return 0;
}

void linux_close(struct io *io, int fd)
{
    (void)io;
    (void)close(fd);
}
