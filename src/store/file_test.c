/* SPDX-License-Identifier: Apache-2.0 */
#include "os/linux_io.h"
#include "store/file.h"
#include "test/harness/check.h"
#include "test/harness/faulty_io.h"
#include "test/harness/files.h"
#include "test/harness/temp.h"

/* A folder, and a world that can fail. */
struct place {
    struct temp_dir temp;
    struct io *world;
    struct faulty_io faulty;
    struct io *io;
    int dir;
};

static void place_init(struct place *place)
{
    temp_dir_create(&place->temp);
    check_ok(linux_io_create(&place->world));
    faulty_io_init(&place->faulty, place->world);
    place->io = &place->faulty.io;
    check_ok(place->io->ops->dir_open(place->io, IO_CWD, place->temp.path, &place->dir));
}

static void place_fini(struct place *place)
{
    io_close(place->io, &place->dir);
    place->world = linux_io_destroy(place->world);
    temp_dir_remove(&place->temp);
}

TEST(file, an_open_file_is_closed_behind_its_last_user)
{
    struct place place;
    struct file *file, *again;
    uint64_t bytes;
    int fd;

    place_init(&place);
    check_ok(file_open(place.io, place.dir, "a", IO_READ | IO_WRITE | IO_CREATE, &file));
    again = file_ref(file);
    check(!file_unref(file));
    check_ok(place.io->ops->file_size(place.io, again->fd, &bytes));
    fd = again->fd;
    check(!file_unref(again));
    check_eq(place.io->ops->file_size(place.io, fd, &bytes), -EBADF);
    check(!file_unref(NULL));
    place_fini(&place);
}

TEST(file, what_is_not_there_is_said_to_be_not_there)
{
    struct text bytes = {.data = NULL};
    struct file *file = NULL;
    struct place place;

    place_init(&place);
    check_eq(file_open(place.io, place.dir, "a", IO_READ, &file), -ENOENT);
    check_eq(file_open_dir(place.io, place.dir, "a", &file), -ENOENT);
    check_eq(file_load(place.io, place.dir, "a", 100, &bytes), -ENOENT);
    check(!file && bytes.size == 0);
    place_fini(&place);
}

TEST(file, a_small_file_is_replaced_and_loaded_whole)
{
    struct text bytes = {.data = NULL};
    struct place place;

    place_init(&place);
    check_ok(file_replace(place.io, place.dir, "a", slice_text("first")));
    check_ok(file_replace(place.io, place.dir, "a", slice_text("2nd")));
    text_add(&bytes, "the ", 4);
    check_ok(file_load(place.io, place.dir, "a", 3, &bytes));
    check_text(bytes.data, "the 2nd");
    check_eq(file_load(place.io, place.dir, "a", 2, &bytes), -EFBIG);
    check_eq(files_count(place.temp.path, ""), 3); /* With . and .. */

    check_ok(file_replace(place.io, place.dir, "a", slice_empty()));
    check_eq(files_size(place.temp.path, "a"), 0);
    text_fini(&bytes);
    place_fini(&place);
}

TEST(file, a_replacement_that_fails_leaves_the_old_content_and_nothing_else)
{
    struct place place;

    place_init(&place);
    check_ok(file_replace(place.io, place.dir, "a", slice_text("old")));
    place.faulty.tears = true;
    for (int n = 1; n < 20; n++) {
        struct text bytes = {.data = NULL};
        int r;

        faulty_io_arm(&place.faulty, FAULTY_ANY, n, -ENOSPC);
        r = file_replace(place.io, place.dir, "a", slice_text("new content"));
        faulty_io_arm(&place.faulty, 0, 0, 0);
        check_ok(file_load(place.io, place.dir, "a", 100, &bytes));
        check_text(bytes.data, r ? "old" : "new content");
        check(n > 1 || r == -ENOSPC);
        check_eq(files_count(place.temp.path, ".tmp"), 0);
        text_fini(&bytes);
        if (r == 0)
            break;
        check(n < 19);
    }
    place_fini(&place);
}

TEST(file, two_that_replace_the_same_do_not_touch_each_others_half)
{
    struct place place;
    struct text bytes = {.data = NULL};

    place_init(&place);
    check_ok(file_replace(place.io, place.dir, "a.tmp", slice_text("half of another's")));
    check_ok(file_replace_beside(place.io, place.dir, "a", ".worker.tmp", slice_text("whole")));
    check_ok(file_load(place.io, place.dir, "a", 100, &bytes));
    check_text(bytes.data, "whole");
    text_fini(&bytes);
    check_ok(file_load(place.io, place.dir, "a.tmp", 100, &bytes));
    check_text(bytes.data, "half of another's");
    text_fini(&bytes);
    place_fini(&place);
}
