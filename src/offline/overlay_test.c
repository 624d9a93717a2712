/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "base/text.h"
#include "offline/overlay.h"
#include "os/linux_io.h"
#include "test/harness/check.h"
#include "test/harness/temp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { NAMES = 6, STEPS = 400, SIZE_MAX_HERE = 20000, PATH_SIZE = 600 };

/* A folder that is changed through an overlay, and its twin that is changed for good. */
struct bench {
    struct temp_dir temp;
    struct io *lower;
    struct overlay *overlay;
    struct rng rng;
    int above, twin; /* Descriptors of the two: of the overlay, and of the kernel. */
    char path[PATH_SIZE];
};

static const char *name_of(struct bench *b)
{
    static const char *const names[NAMES] = {"a", "b", "c", "d", "e", "f"};

    return names[rng_below(&b->rng, NAMES)];
}

static void fill(struct bench *b, struct text *out)
{
    size_t size = rng_below(&b->rng, SIZE_MAX_HERE);
    uint8_t *bytes = text_add_space(out, size);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)rng_below(&b->rng, 256);
}

static int write_file(struct io *io, int dir, const char *name, uint64_t at, struct slice bytes)
{
    const struct io_iov iov = {.data = bytes.data, .size = bytes.size};
    int fd = -1;
    int r = io->ops->file_open(io, dir, name, IO_READ | IO_WRITE | IO_CREATE, &fd);

    if (r == 0)
        r = io->ops->file_write(io, fd, at, &iov, 1);
    io_close(io, &fd);
    return r;
}

static int cut_file(struct io *io, int dir, const char *name, uint64_t size)
{
    int fd = -1;
    int r = io->ops->file_open(io, dir, name, IO_READ | IO_WRITE, &fd);

    if (r == 0)
        r = io->ops->file_truncate(io, fd, size);
    io_close(io, &fd);
    return r;
}

static int note_name(void *context, const char *name, bool is_dir)
{
    text_printf(context, "%s%s ", name, is_dir ? "/" : "");
    return 0;
}

/* The same names, in whatever order, with the same bytes. */
static void add_file(struct io *io, int dir, const char *name, struct text *out)
{
    int fd = -1;
    uint64_t size = 0;
    size_t got = 0;

    if (io->ops->file_open(io, dir, name, IO_READ, &fd) == 0) {
        check_ok(io->ops->file_size(io, fd, &size));
        text_printf(out, "%s %d:", name, (int)size);
        check_ok(
            io->ops->file_read(io, fd, 0, text_add_space(out, (size_t)size), (size_t)size, &got));
        check_eq(got, size);
    }
    io_close(io, &fd);
}

static void add_all(struct bench *b, struct io *io, int dir, struct text *out)
{
    struct text names = {.data = NULL};

    check_ok(io->ops->dir_list(io, dir, note_name, &names));
    text_printf(out, "%d bytes of names, ", (int)names.size);
    for (char c = 'a'; c < 'a' + NAMES; c++)
        add_file(io, dir, (const char[2]){c, 0}, out);
    text_fini(&names);
    (void)b;
}

static void compare(struct bench *b)
{
    struct text above = {.data = NULL};
    struct text twin = {.data = NULL};

    add_all(b, overlay_io(b->overlay), b->above, &above);
    add_all(b, b->lower, b->twin, &twin);
    check(slice_equal(text_slice(&above), text_slice(&twin)));
    text_fini(&above);
    text_fini(&twin);
}

static void take_step(struct bench *b)
{
    struct io *upper = overlay_io(b->overlay);
    const char *name = name_of(b);
    const char *other = name_of(b);
    uint64_t at = rng_below(&b->rng, SIZE_MAX_HERE);
    struct text bytes = {.data = NULL};

    switch (rng_below(&b->rng, 5)) {
    case 0:
        fill(b, &bytes);
        check_eq(write_file(upper, b->above, name, at, text_slice(&bytes)),
                 write_file(b->lower, b->twin, name, at, text_slice(&bytes)));
        break;
    case 1:
        check_eq(cut_file(upper, b->above, name, at), cut_file(b->lower, b->twin, name, at));
        break;
    case 2:
        if (name != other)
            check_eq(upper->ops->rename(upper, b->above, name, b->above, other),
                     b->lower->ops->rename(b->lower, b->twin, name, b->twin, other));
        break;
    case 3:
        check_eq(upper->ops->unlink(upper, b->above, name),
                 b->lower->ops->unlink(b->lower, b->twin, name));
        break;
    default: compare(b); break;
    }
    text_fini(&bytes);
}

static void bench_init(struct bench *b, uint64_t seed)
{
    int below = -1;

    *b = (struct bench){.above = -1, .twin = -1};
    temp_dir_create(&b->temp);
    check_ok(linux_io_create(&b->lower));
    b->overlay = overlay_create(b->lower);
    b->rng = rng_of(seed);
    (void)snprintf(b->path, sizeof(b->path), "%s/below", b->temp.path);
    check_ok(b->lower->ops->dir_create(b->lower, IO_CWD, b->path));
    check_ok(b->lower->ops->dir_open(b->lower, IO_CWD, b->path, &below));
    check_ok(
        overlay_io(b->overlay)->ops->dir_open(overlay_io(b->overlay), IO_CWD, b->path, &b->above));
    (void)snprintf(b->path, sizeof(b->path), "%s/twin", b->temp.path);
    check_ok(b->lower->ops->dir_create(b->lower, IO_CWD, b->path));
    check_ok(b->lower->ops->dir_open(b->lower, IO_CWD, b->path, &b->twin));
    for (char c = 'a'; c < 'a' + NAMES / 2; c++) {
        struct text bytes = {.data = NULL};

        fill(b, &bytes);
        check_ok(write_file(b->lower, below, (const char[2]){c, 0}, 0, text_slice(&bytes)));
        check_ok(write_file(b->lower, b->twin, (const char[2]){c, 0}, 0, text_slice(&bytes)));
        text_fini(&bytes);
    }
    io_close(b->lower, &below);
}

static void bench_fini(struct bench *b)
{
    io_close(overlay_io(b->overlay), &b->above);
    io_close(b->lower, &b->twin);
    b->overlay = overlay_destroy(b->overlay);
    b->lower = linux_io_destroy(b->lower);
    temp_dir_remove(&b->temp);
}

TEST(overlay, is_like_a_folder_that_is_changed_and_changes_none)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct text before = {.data = NULL};
        struct text after = {.data = NULL};
        struct bench b;
        int below = -1;

        bench_init(&b, seed);
        (void)snprintf(b.path, sizeof(b.path), "%s/below", b.temp.path);
        check_ok(b.lower->ops->dir_open(b.lower, IO_CWD, b.path, &below));
        add_all(&b, b.lower, below, &before);
        for (int i = 0; i < STEPS; i++)
            take_step(&b);
        compare(&b);
        add_all(&b, b.lower, below, &after);
        check(slice_equal(text_slice(&before), text_slice(&after)));
        text_fini(&before);
        text_fini(&after);
        io_close(b.lower, &below);
        bench_fini(&b);
    }
}

TEST(overlay, folders_come_and_go)
{
    struct io *io;
    struct bench b;
    int inside = -1;

    bench_init(&b, 1);
    io = overlay_io(b.overlay);
    check_ok(io->ops->dir_create(io, b.above, "g"));
    check_eq(io->ops->dir_create(io, b.above, "g"), -EEXIST);
    check_ok(io->ops->dir_open(io, b.above, "g", &inside));
    check_ok(write_file(io, inside, "x", 0, slice_text("hello")));
    check_eq(io->ops->dir_remove(io, b.above, "g"), -ENOTEMPTY);
    check_ok(io->ops->unlink(io, inside, "x"));
    io_close(io, &inside);
    check_ok(io->ops->dir_remove(io, b.above, "g"));
    check_eq(io->ops->dir_open(io, b.above, "g", &inside), -ENOENT);
    check_eq(io->ops->dir_open(io, b.above, "a", &inside), -ENOTDIR);
    bench_fini(&b);
}

TEST(overlay, a_lock_that_somebody_has_is_seen)
{
    struct io *io;
    struct bench b;
    int other = -1;
    int own = -1;

    bench_init(&b, 1);
    io = overlay_io(b.overlay);
    (void)snprintf(b.path, sizeof(b.path), "%s/below/a", b.temp.path);
    check_ok(b.lower->ops->file_open(b.lower, IO_CWD, b.path, IO_READ | IO_WRITE, &other));
    check_ok(b.lower->ops->file_lock(b.lower, other));
    check_ok(io->ops->file_open(io, b.above, "a", IO_READ | IO_WRITE | IO_CREATE, &own));
    check_eq(io->ops->file_lock(io, own), -EAGAIN);
    io_close(b.lower, &other);
    io_close(io, &own);
    check_ok(io->ops->file_open(io, b.above, "new", IO_READ | IO_WRITE | IO_CREATE, &own));
    check_ok(io->ops->file_lock(io, own));
    io_close(io, &own);
    bench_fini(&b);
}
