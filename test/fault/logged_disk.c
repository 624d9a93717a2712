/* SPDX-License-Identifier: Apache-2.0 */

/* test/fault/logged_disk.c - a disk that remembers each write and each flush.
 *
 *     logged_disk FOLDER MIB IMAGE LOG
 *
 * Mounted on FOLDER are two files.  `disk` is what a loop device stands on: MIB mebibytes, kept
 * in IMAGE.  What is written into `mark` as a decimal number is noted: the test writes one when
 * it was told something that may not be forgotten any more.  LOG has all of it in the order in
 * which it happened, so that the disk can be made again as any loss of power would leave it:
 *
 *      u8 kind    'W' a write, 'F' a flush, 'M' a mark
 *      u64 where  offset of the write, or the number of the mark     (this machine's order)
 *      u32 size   bytes of the write, which follow
 *
 * One thread serves everything, so the order is that of the kernel's requests.  Says `ready` on
 * its output when it is mounted; ends when it is unmounted or gets SIGTERM.
 */

#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 'W', FLUSH = 'F', MARK = 'M', MARK_DIGITS = 20, ZEROES = 1 << 16 };

struct disk {
    off_t size;
    int image, log; /* Descriptors. */
};

static struct disk *own(void)
{
    return fuse_get_context()->private_data;
}

/* The log must be complete, or the test would judge by half of it. */
static void note(uint8_t kind, uint64_t where, const char *bytes, size_t size)
{
    uint32_t size32 = (uint32_t)size;
    struct iovec pieces[] = {
        {&kind, sizeof(kind)},
        {&where, sizeof(where)},
        {&size32, sizeof(size32)},
        {(void *)(uintptr_t)bytes, size},
    };
    ssize_t whole = (ssize_t)(sizeof(kind) + sizeof(where) + sizeof(size32) + size);

    if (writev(own()->log, pieces, 4) != whole) {
        perror("logged_disk: the log");
        abort();
    }
}

static int is_disk(const char *path)
{
    return strcmp(path, "/disk") == 0;
}

static int disk_getattr(const char *path, struct stat *out, struct fuse_file_info *info)
{
    (void)info;
    *out = (struct stat){.st_nlink = 1, .st_mode = S_IFREG | 0600};
    if (strcmp(path, "/") == 0)
        *out = (struct stat){.st_nlink = 2, .st_mode = S_IFDIR | 0755};
    else if (is_disk(path))
        out->st_size = own()->size;
    else if (strcmp(path, "/mark") != 0)
        return -ENOENT;
    return 0;
}

/* Nothing may stay in a cache above us. */
static int disk_open(const char *path, struct fuse_file_info *info)
{
    (void)path;
    info->direct_io = 1;
    return 0;
}

static int disk_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
    (void)info;
    return is_disk(path) && size != own()->size ? -EPERM : 0;
}

static int disk_read(const char *path, char *bytes, size_t size, off_t at,
                     struct fuse_file_info *info)
{
    ssize_t got;

    (void)info;
    if (!is_disk(path))
        return 0;
    got = pread(own()->image, bytes, size, at);
    return got < 0 ? -errno : (int)got;
}

static int write_disk(const char *bytes, size_t size, off_t at)
{
    if (at < 0 || at + (off_t)size > own()->size)
        return -ENOSPC;
    if (pwrite(own()->image, bytes, size, at) != (ssize_t)size)
        return -EIO;
    note(WRITE, (uint64_t)at, bytes, size);
    return (int)size;
}

static int disk_write(const char *path, const char *bytes, size_t size, off_t at,
                      struct fuse_file_info *info)
{
    char digits[MARK_DIGITS + 1] = {0};

    (void)info;
    if (is_disk(path))
        return write_disk(bytes, size, at);
    if (size > MARK_DIGITS)
        return -EINVAL;
    memcpy(digits, bytes, size);
    note(MARK, strtoull(digits, NULL, 10), NULL, 0);
    return (int)size;
}

static int disk_fsync(const char *path, int data_only, struct fuse_file_info *info)
{
    (void)path;
    (void)data_only;
    (void)info;
    note(FLUSH, 0, NULL, 0);
    return 0;
}

/* The loop device's way to write zeroes; what else it may want it can do without. */
static int disk_fallocate(const char *path, int mode, off_t at, off_t size,
                          struct fuse_file_info *info)
{
    static const char zeroes[ZEROES];

    (void)info;
    if (!is_disk(path) ||
        !(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE)))
        return -EOPNOTSUPP;
    while (size > 0) {
        size_t step = size < ZEROES ? (size_t)size : ZEROES;
        int r = write_disk(zeroes, step, at);

        if (r < 0)
            return r;
        at += (off_t)step;
        size -= (off_t)step;
    }
    return 0;
}

static void *disk_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    (void)connection;
    config->kernel_cache = 0;
    puts("ready");
    fflush(stdout);
    return own();
}

static const struct fuse_operations OPERATIONS = {
    .init = disk_init,
    .getattr = disk_getattr,
    .open = disk_open,
    .truncate = disk_truncate,
    .read = disk_read,
    .write = disk_write,
    .fsync = disk_fsync,
    .fallocate = disk_fallocate,
};

int main(int argc, char **argv)
{
    char foreground[] = "-f", single[] = "-s", name[] = "-ofsname=logged_disk";
    struct disk disk;
    long mebibytes = argc == 5 ? strtol(argv[2], NULL, 10) : 0;

    if (mebibytes <= 0 || mebibytes > INT_MAX) {
        fputs("usage: logged_disk FOLDER MIB IMAGE LOG\n", stderr);
        return 2;
    }
    disk.size = (off_t)mebibytes << 20;
    disk.image = open(argv[3], O_RDWR | O_CREAT | O_TRUNC, 0600);
    disk.log = open(argv[4], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    if (disk.image < 0 || disk.log < 0 || ftruncate(disk.image, disk.size) != 0) {
        perror("logged_disk");
        return 1;
    }
    return fuse_main(5, ((char *[]){argv[0], foreground, single, name, argv[1], NULL}), &OPERATIONS,
                     &disk);
}
