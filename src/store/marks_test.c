/* SPDX-License-Identifier: Apache-2.0 */
#include "store/marks.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

#include <stdio.h>
#include <sys/stat.h>

static const char points[] = "recovery-point-offset-checkpoint";
static const char watermarks[] = "replication-offset-checkpoint";
static const char starts[] = "log-start-offset-checkpoint";

static struct mark *add(struct marks *marks, const char *topic, int64_t partition, int64_t point,
                        int64_t start)
{
    struct mark *mark = marks_get(marks, slice_text(topic), partition);

    check_eq(mark->recovery_point, -1);
    mark->recovery_point = mark->high_watermark = point;
    mark->start = start;
    return mark;
}

static void check_file(struct store_kit *kit, const char *name, const char *wanted)
{
    struct text bytes = {.data = NULL};

    check(files_read(kit->temp.path, name, &bytes));
    check_text(bytes.data, wanted);
    text_fini(&bytes);
}

static int open_temp(struct store_kit *kit)
{
    int dir;

    check_ok(kit->env.io->ops->dir_open(kit->env.io, IO_CWD, kit->temp.path, &dir));
    return dir;
}

static void make_folder(struct store_kit *kit, const char *name)
{
    check_ok(mkdir(store_kit_path(kit, name), 0755));
}

TEST(marks, logs_that_have_a_folder_get_lines_in_order_of_name)
{
    struct store_kit kit;
    struct marks marks;
    struct mark *mark;
    int dir;

    store_kit_init(&kit);
    (void)snprintf(kit.path, sizeof(kit.path), "%s", kit.temp.path);
    dir = open_temp(&kit);
    make_folder(&kit, "b-0");
    make_folder(&kit, "b-10");
    make_folder(&kit, "b-2");
    make_folder(&kit, "a-0");
    make_folder(&kit, "__cluster_metadata-0");
    marks_init(&marks);
    add(&marks, "b", 10, 7, -1);
    add(&marks, "b", 2, 0, -1);
    add(&marks, "b", 0, 9, 4);
    add(&marks, "c", 0, 9, 4); /* Without a folder. */
    add(&marks, "__cluster_metadata", 0, 9, 4);
    mark = add(&marks, "a", 0, 5, -1);
    mark->high_watermark = 3;
    check_ok(marks_write(&marks, kit.env.io, dir, true));
    check_file(&kit, points, "0\n4\na 0 5\nb 0 9\nb 2 0\nb 10 7\n");
    check_file(&kit, watermarks, "0\n4\na 0 3\nb 0 9\nb 2 0\nb 10 7\n");
    check_file(&kit, starts, "0\n1\nb 0 4\n");
    marks_fini(&marks);

    marks_init(&marks);
    check_ok(marks_read(&marks, kit.env.io, dir, kit.env.diag));
    check_eq(marks.by_name.count, 4);
    mark = marks_find(&marks, slice_text("b"), 0);
    check(mark && mark->recovery_point == 9 && mark->high_watermark == 9 && mark->start == 4);
    mark = marks_find(&marks, slice_text("a"), 0);
    check(mark && mark->recovery_point == 5 && mark->high_watermark == 3 && mark->start == -1);
    check(!marks_find(&marks, slice_text("b"), 1));
    check(!marks_find(&marks, slice_text("c"), 0));
    marks_fini(&marks);
    io_close(kit.env.io, &dir);
    store_kit_fini(&kit);
}

TEST(marks, only_a_log_that_is_in_order_gets_a_recovery_point)
{
    struct store_kit kit;
    struct marks marks;
    int dir;

    store_kit_init(&kit);
    (void)snprintf(kit.path, sizeof(kit.path), "%s", kit.temp.path);
    dir = open_temp(&kit);
    make_folder(&kit, "t-0");
    make_folder(&kit, "t-1");
    make_folder(&kit, "t-2");
    marks_init(&marks);
    add(&marks, "t", 0, 5, 1)->is_touched = true;
    add(&marks, "t", 1, 6, 2)->is_in_order = true;
    add(&marks, "t", 2, 7, 3);
    check_ok(marks_write(&marks, kit.env.io, dir, true));
    check_file(&kit, points, "0\n2\nt 1 6\nt 2 7\n");
    check_file(&kit, starts, "0\n3\nt 0 1\nt 1 2\nt 2 3\n");
    check_ok(marks_write(&marks, kit.env.io, dir, false));
    check_file(&kit, points, "0\n1\nt 1 6\n");
    check_file(&kit, starts, "0\n3\nt 0 1\nt 1 2\nt 2 3\n");
    marks_fini(&marks);
    io_close(kit.env.io, &dir);
    store_kit_fini(&kit);
}

TEST(marks, a_damaged_checkpoint_is_told_and_costs_its_lines_only)
{
    struct store_kit kit;
    struct marks marks;
    int dir;

    store_kit_init(&kit);
    dir = open_temp(&kit);
    files_write(kit.temp.path, points, slice_text("0\n2\na 0 5\nb"));
    files_write(kit.temp.path, starts, slice_text("0\n1\nb 0 4\n"));
    marks_init(&marks);
    check_ok(marks_read(&marks, kit.env.io, dir, kit.env.diag));
    check(diag_lines_have(&kit.lines, "checkpoint cannot be read to its end"));
    check_eq(marks_find(&marks, slice_text("a"), 0)->recovery_point, 5);
    check_eq(marks_find(&marks, slice_text("b"), 0)->recovery_point, -1);
    check_eq(marks_find(&marks, slice_text("b"), 0)->start, 4);
    faulty_io_arm(&kit.faulty, FAULTY_READ, 1, -EIO);
    check_eq(marks_read(&marks, kit.env.io, dir, kit.env.diag), -EIO);
    marks_fini(&marks);
    io_close(kit.env.io, &dir);
    store_kit_fini(&kit);
}
