/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "os/console.h"
#include "os/linux_io.h"
#include "test/harness/check.h"
#include "test/harness/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct fixture {
    struct io *io;
    struct loop loop;
    struct console_in in;
    struct text got;
    int pieces;
    bool has_ended;
    int error;
};

static void on_data(struct console_in *in, struct slice bytes)
{
    struct fixture *f = container_of(in, struct fixture, in);

    f->pieces++;
    text_add(&f->got, bytes.data, bytes.size);
}

static void on_ended(struct console_in *in, int error)
{
    struct fixture *f = container_of(in, struct fixture, in);

    f->has_ended = true;
    f->error = error;
}

static const struct console_in_events events = {.data = on_data, .ended = on_ended};

static void start(struct fixture *f, int fd)
{
    *f = (struct fixture){.pieces = 0};
    check_ok(linux_io_create(&f->io));
    loop_init(&f->loop, f->io);
    console_in_start(&f->in, &f->loop, fd, &events);
}

static void turn_to_end(struct fixture *f)
{
    for (int i = 0; i < 1000 && !f->has_ended; i++)
        loop_turn(&f->loop, 10000);
    check(f->has_ended);
}

static void stop(struct fixture *f)
{
    console_in_fini(&f->in);
    loop_fini(&f->loop);
    linux_io_destroy(f->io);
    text_fini(&f->got);
}

TEST(console, a_pipe_is_read_to_its_end)
{
    struct fixture f;
    int ends[2];

    check_ok(pipe(ends));
    check_eq(write(ends[1], "hello", 5), 5);
    start(&f, ends[0]);
    loop_turn(&f.loop, 10000);
    check(slice_is_text(text_slice(&f.got), "hello"));
    check(!f.has_ended);
    close(ends[1]);
    turn_to_end(&f);
    check_eq(f.error, 0);
    stop(&f);
    close(ends[0]);
}

/* Files and /dev/null cannot be watched. */
TEST(console, what_cannot_be_watched_is_read_too)
{
    struct temp_dir dir;
    struct fixture f;
    char path[300];
    uint8_t *bytes = mem_new(CONSOLE_PIECE_SIZE * 2 + 7);
    int fd;

    temp_dir_create(&dir);
    (void)snprintf(path, sizeof(path), "%s/file", dir.path);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    check_eq(write(fd, bytes, CONSOLE_PIECE_SIZE * 2 + 7), CONSOLE_PIECE_SIZE * 2 + 7);
    check_eq(lseek(fd, 0, SEEK_SET), 0);
    start(&f, fd);
    turn_to_end(&f);
    check_eq(f.got.size, CONSOLE_PIECE_SIZE * 2 + 7);
    check_eq(f.pieces, 3);
    stop(&f);
    close(fd);
    fd = open("/dev/null", O_RDONLY);
    start(&f, fd);
    turn_to_end(&f);
    check_eq(f.got.size, 0);
    stop(&f);
    close(fd);
    mem_free(bytes);
    temp_dir_remove(&dir);
}

TEST(console, a_pause_leaves_bytes_where_they_are)
{
    struct fixture f;
    int ends[2];

    check_ok(pipe(ends));
    start(&f, ends[0]);
    console_in_pause(&f.in);
    check_eq(write(ends[1], "later", 5), 5);
    loop_turn(&f.loop, 1000);
    check_eq(f.got.size, 0);
    console_in_resume(&f.in);
    loop_turn(&f.loop, 10000);
    check(slice_is_text(text_slice(&f.got), "later"));
    stop(&f);
    close(ends[0]);
    close(ends[1]);
}

TEST(console, a_folder_is_an_error)
{
    struct fixture f;
    int fd = open("/", O_RDONLY);

    start(&f, fd);
    turn_to_end(&f);
    check_eq(f.error, -EISDIR);
    stop(&f);
    close(fd);
}

TEST(console, output_is_gathered)
{
    struct console_out out = {.fd = -1};
    char bytes[16] = {0};
    int ends[2];

    check_ok(pipe(ends));
    check_ok(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    out.fd = ends[1];
    console_write(&out, "a", 1);
    console_printf(&out, "%d", 23);
    check_eq(read(ends[0], bytes, sizeof(bytes)), -1); /* Not written yet. */
    check_ok(console_flush(&out));
    check_eq(read(ends[0], bytes, sizeof(bytes)), 3);
    check_text(bytes, "a23");
    console_out_fini(&out);
    close(ends[0]);
    close(ends[1]);
}

TEST(console, a_broken_pipe_is_remembered)
{
    struct console_out out = {.fd = -1};
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    check_ok(pipe(ends));
    out.fd = ends[1];
    close(ends[0]);
    console_write(&out, "a", 1);
    check_eq(console_flush(&out), -EPIPE);
    console_write(&out, "b", 1);
    check_eq(out.gathered.size, 0);
    check_eq(console_flush(&out), -EPIPE);
    console_out_fini(&out);
    close(ends[1]);
}

TEST(console, a_file_is_read_whole)
{
    struct text text = {.data = NULL};

    check_ok(console_read_file("/proc/self/comm", 100, &text));
    check(text.size > 0);
    check_eq(console_read_file("/nonexistent", 100, &text), -ENOENT);
    text_fini(&text);
}
