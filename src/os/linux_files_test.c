/* SPDX-License-Identifier: Apache-2.0 */
#include "os/linux_io.h"
#include "test/harness/check.h"
#include "test/harness/temp.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

/* A world, and a folder in it. */
struct fixture {
    struct io *io;
    const struct io_ops *ops;
    struct temp_dir temp;
    int dir;
};

static void fixture_init(struct fixture *f)
{
    check_ok(linux_io_create(&f->io));
    f->ops = f->io->ops;
    temp_dir_create(&f->temp);
    check_ok(f->ops->dir_open(f->io, IO_CWD, f->temp.path, &f->dir));
}

static void fixture_fini(struct fixture *f)
{
    io_close(f->io, &f->dir);
    temp_dir_remove(&f->temp);
    linux_io_destroy(f->io);
}

static int file_new(struct fixture *f, const char *name)
{
    int fd = -1;

    check_ok(
        f->ops->file_open(f->io, f->dir, name, IO_READ | IO_WRITE | IO_CREATE | IO_EXCLUSIVE, &fd));
    return fd;
}

static void put(struct fixture *f, int fd, uint64_t at, const char *text)
{
    const struct io_iov iov = {.data = text, .size = strlen(text)};

    check_ok(f->ops->file_write(f->io, fd, at, &iov, 1));
}

/* Whether the bytes from `at` to the end are `want`. */
static bool holds(struct fixture *f, int fd, uint64_t at, const char *want)
{
    char bytes[4096];
    size_t got;

    check_ok(f->ops->file_read(f->io, fd, at, bytes, sizeof(bytes), &got));
    return got == strlen(want) && memcmp(bytes, want, got) == 0;
}

TEST(linux_files, a_file_reads_back_what_was_written)
{
    struct fixture f;
    int fd;
    uint64_t end;
    uint64_t total, usable;
    int64_t time_ms;

    fixture_init(&f);
    fd = file_new(&f, "a");
    put(&f, fd, 0, "orders");
    put(&f, fd, 3, "XY");
    check(holds(&f, fd, 0, "ordXYs"));
    check(holds(&f, fd, 4, "Ys"));
    check(holds(&f, fd, 6, ""));
    check(holds(&f, fd, 1000, ""));
    put(&f, fd, 8, "z");
    check_ok(f.ops->file_size(f.io, fd, &end));
    check_eq(end, 9);
    check_ok(f.ops->dir_space(f.io, f.dir, &total, &usable));
    check(total > 0 && usable <= total);
    check_ok(f.ops->file_time(f.io, fd, &time_ms)); /* The file's clock is a coarse one. */
    check(time_ms <= io_wall_ms(f.io) && time_ms > io_wall_ms(f.io) - 1000 * 1000);
    check_ok(f.ops->file_sync(f.io, fd));
    io_close(f.io, &fd);
    check_eq(fd, -1);
    fixture_fini(&f);
}

PROPERTY(linux_files, any_vector_of_pieces_is_written_whole, 50)
{
    static const char source[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    struct io_iov iov[200];
    uint8_t want[200 * 8];
    uint8_t got[sizeof(want) + 1];
    size_t count = rng_below(rng, COUNT_OF(iov));
    size_t total = 0;
    size_t read;
    struct fixture f;
    int fd;

    for (size_t i = 0; i < count; i++) {
        iov[i] = (struct io_iov){.data = source + rng_below(rng, 20), .size = rng_below(rng, 8)};
        memcpy(want + total, iov[i].data, iov[i].size);
        total += iov[i].size;
    }
    fixture_init(&f);
    fd = file_new(&f, "a");
    check_ok(f.ops->file_write(f.io, fd, 5, iov, count));
    check_ok(f.ops->file_read(f.io, fd, 5, got, sizeof(got), &read));
    check(read == total && memcmp(got, want, total) == 0);
    io_close(f.io, &fd);
    fixture_fini(&f);
}

/* The kernel takes what fits and then refuses: the part that is left over is tried
 * again from the right place, and the refusal comes through. */
TEST(linux_files, a_write_that_stops_half_way_fails)
{
    const struct io_iov iov[] = {{"0123456789", 10}, {"abcdefghij", 10}, {"ABCDEFGHIJ", 10}};
    struct rlimit before, limit;
    struct fixture f;
    int fd;
    int r;

    fixture_init(&f);
    fd = file_new(&f, "a");
    check_ok(getrlimit(RLIMIT_FSIZE, &before));
    limit = (struct rlimit){.rlim_cur = 15, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    check_ok(setrlimit(RLIMIT_FSIZE, &limit));
    r = f.ops->file_write(f.io, fd, 0, iov, COUNT_OF(iov));
    check_ok(setrlimit(RLIMIT_FSIZE, &before));
    signal(SIGXFSZ, SIG_DFL);
    check_eq(r, -EFBIG);
    check(holds(&f, fd, 0, "0123456789abcde"));
    check_ok(f.ops->file_write(f.io, fd, 0, iov, COUNT_OF(iov)));
    check(holds(&f, fd, 0, "0123456789abcdefghijABCDEFGHIJ"));
    io_close(f.io, &fd);
    fixture_fini(&f);
}

TEST(linux_files, a_full_disk_is_an_error)
{
    const struct io_iov iov = {.data = "x", .size = 1};
    struct fixture f;
    int fd;

    fixture_init(&f);
    check_ok(f.ops->file_open(f.io, IO_CWD, "/dev/full", IO_WRITE, &fd));
    check_eq(f.ops->file_write(f.io, fd, 0, &iov, 1), -ENOSPC);
    io_close(f.io, &fd);
    fixture_fini(&f);
}

TEST(linux_files, opening_says_whether_the_name_was_there)
{
    struct fixture f;
    int fd = -7;
    int other;

    fixture_init(&f);
    check_eq(f.ops->file_open(f.io, f.dir, "a", IO_READ, &fd), -ENOENT);
    check_eq(fd, -7);
    fd = file_new(&f, "a");
    put(&f, fd, 0, "kept");
    check_eq(f.ops->file_open(f.io, f.dir, "a", IO_WRITE | IO_CREATE | IO_EXCLUSIVE, &other),
             -EEXIST);
    check_ok(f.ops->file_open(f.io, f.dir, "a", IO_WRITE | IO_CREATE, &other));
    io_close(f.io, &other);
    check(holds(&f, fd, 0, "kept"));
    check_ok(f.ops->file_open(f.io, f.dir, "a", IO_WRITE | IO_TRUNCATE, &other));
    io_close(f.io, &other);
    check(holds(&f, fd, 0, ""));
    check_eq(f.ops->file_open(f.io, f.dir, "a/b", IO_READ, &other), -ENOTDIR);
    io_close(f.io, &fd);
    fixture_fini(&f);
}

TEST(linux_files, truncation_cuts_and_extends_with_zeros)
{
    struct fixture f;
    char bytes[8];
    size_t got;
    int fd;

    fixture_init(&f);
    fd = file_new(&f, "a");
    put(&f, fd, 0, "orders");
    check_ok(f.ops->file_truncate(f.io, fd, 3));
    check(holds(&f, fd, 0, "ord"));
    check_ok(f.ops->file_truncate(f.io, fd, 5));
    check_ok(f.ops->file_read(f.io, fd, 0, bytes, sizeof(bytes), &got));
    check(got == 5 && memcmp(bytes, "ord\0\0", 5) == 0);
    io_close(f.io, &fd);
    fixture_fini(&f);
}

TEST(linux_files, names_are_made_moved_and_removed)
{
    struct fixture f;
    int a, b, sub;

    fixture_init(&f);
    check_ok(f.ops->dir_create(f.io, f.dir, "sub"));
    check_eq(f.ops->dir_create(f.io, f.dir, "sub"), -EEXIST);
    check_ok(f.ops->dir_open(f.io, f.dir, "sub", &sub));
    a = file_new(&f, "a");
    put(&f, a, 0, "first");
    b = file_new(&f, "b");
    put(&f, b, 0, "second");
    io_close(f.io, &b);
    check_ok(f.ops->rename(f.io, f.dir, "a", f.dir, "b"));
    check_ok(f.ops->file_open(f.io, f.dir, "b", IO_READ, &b));
    check(holds(&f, b, 0, "first"));
    check_ok(f.ops->rename(f.io, f.dir, "b", sub, "c"));
    check_eq(f.ops->rename(f.io, f.dir, "b", sub, "c"), -ENOENT);
    check(f.ops->dir_remove(f.io, f.dir, "sub") < 0); /* Not empty. */
    check_ok(f.ops->unlink(f.io, sub, "c"));
    check_eq(f.ops->unlink(f.io, sub, "c"), -ENOENT);
    check_ok(f.ops->dir_sync(f.io, sub));
    check_ok(f.ops->dir_remove(f.io, f.dir, "sub"));
    check_eq(f.ops->dir_open(f.io, f.dir, "sub", &b), -ENOENT);
    io_close(f.io, &a);
    io_close(f.io, &b);
    io_close(f.io, &sub);
    fixture_fini(&f);
}

struct names {
    int files, dirs, stop_after;
};

static int count_name(void *context, const char *name, bool is_dir)
{
    struct names *names = context;

    check(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
    check(is_dir == (name[0] == 'd'));
    *(is_dir ? &names->dirs : &names->files) += 1;
    return names->files + names->dirs == names->stop_after ? -7 : 0;
}

TEST(linux_files, a_folder_is_listed_until_the_caller_has_enough)
{
    struct names all = {.stop_after = -1};
    struct names again = {.stop_after = -1};
    struct names some = {.stop_after = 2};
    struct fixture f;
    int fd;

    fixture_init(&f);
    fd = file_new(&f, "a");
    io_close(f.io, &fd);
    fd = file_new(&f, "b");
    check_ok(f.ops->dir_create(f.io, f.dir, "d"));
    check_ok(f.ops->dir_list(f.io, f.dir, count_name, &all));
    check(all.files == 2 && all.dirs == 1);
    check_ok(f.ops->dir_list(f.io, f.dir, count_name, &again));
    check(again.files == 2 && again.dirs == 1);
    check_eq(f.ops->dir_list(f.io, f.dir, count_name, &some), -7);
    check_eq(some.files + some.dirs, 2);
    check_eq(f.ops->dir_list(f.io, fd, count_name, &all), -ENOTDIR);
    io_close(f.io, &fd);
    fixture_fini(&f);
}

TEST(linux_files, a_lock_holds_until_its_file_is_closed)
{
    struct fixture f;
    int a, b;

    fixture_init(&f);
    a = file_new(&f, "lock");
    check_ok(f.ops->file_open(f.io, f.dir, "lock", IO_READ | IO_WRITE, &b));
    check_ok(f.ops->file_lock(f.io, a));
    check_eq(f.ops->file_lock(f.io, b), -EAGAIN);
    io_close(f.io, &a);
    check_ok(f.ops->file_lock(f.io, b));
    io_close(f.io, &b);
    fixture_fini(&f);
}

TEST(linux_files, errors_of_descriptors_come_through)
{
    struct fixture f;
    uint64_t end = 7;
    size_t got;
    char byte;

    fixture_init(&f);
    check_eq(f.ops->file_size(f.io, -1, &end), -EBADF);
    check_eq(f.ops->file_read(f.io, -1, 0, &byte, 1, &got), -EBADF);
    check_eq(f.ops->file_sync(f.io, -1), -EBADF);
    check_eq(f.ops->file_truncate(f.io, -1, 0), -EBADF);
    check_eq(f.ops->file_lock(f.io, -1), -EBADF);
    check_eq(f.ops->dir_sync(f.io, -1), -EBADF);
    check_eq(end, 7);
    fixture_fini(&f);
}
