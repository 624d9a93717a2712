/* SPDX-License-Identifier: Apache-2.0 */
#include "os/console.h"
#include "os/linux_io.h"
#include "test/harness/check.h"
#include "test/harness/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { PATIENCE_US = 10 * 1000 * 1000 };

struct reader {
    struct console_in in;
    struct text got;
    int pieces, ends, error;
    bool pauses; /* At each piece. */
};

static void on_data(struct console_in *in, struct slice bytes)
{
    struct reader *r = container_of(in, struct reader, in);

    text_add(&r->got, bytes.data, bytes.size);
    r->pieces++;
    if (r->pauses)
        console_in_pause(in);
}

static void on_ended(struct console_in *in, int error)
{
    struct reader *r = container_of(in, struct reader, in);

    r->ends++;
    r->error = error;
}

static const struct console_in_events events = {.data = on_data, .ended = on_ended};

struct fixture {
    struct io *io;
    struct loop loop;
    struct reader reader;
    int64_t end_us;
};

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.io = NULL};
    check_ok(linux_io_create(&f->io));
    loop_init(&f->loop, f->io);
    f->end_us = io_monotonic_us(f->io) + PATIENCE_US;
}

static void fixture_fini(struct fixture *f)
{
    console_in_fini(&f->reader.in);
    console_in_fini(&f->reader.in); /* Once more does no harm. */
    text_fini(&f->reader.got);
    loop_fini(&f->loop);
    linux_io_destroy(f->io);
}

static bool turn(struct fixture *f)
{
    loop_turn(&f->loop, 100 * 1000);
    return io_monotonic_us(f->io) < f->end_us;
}

TEST(console, a_pipe_is_read_as_it_is_written)
{
    struct fixture f;
    int ends[2];

    fixture_init(&f);
    check_ok(pipe(ends));
    console_in_start(&f.reader.in, &f.loop, ends[0], &events);
    check(f.reader.in.is_watchable);
    loop_turn(&f.loop, 0);
    check_eq(f.reader.pieces, 0);
    check_eq(write(ends[1], "orders", 6), 6);
    while (f.reader.got.size < 6 && turn(&f))
        ;
    close(ends[1]);
    while (!f.reader.ends && turn(&f))
        ;
    check(slice_is_text(text_slice(&f.reader.got), "orders"));
    check(f.reader.ends == 1 && f.reader.error == 0);
    loop_turn(&f.loop, 0);
    check_eq(f.reader.ends, 1);
    close(ends[0]);
    fixture_fini(&f);
}

TEST(console, a_file_is_read_a_piece_a_turn)
{
    struct temp_dir temp;
    struct fixture f;
    char path[300];
    int fd;

    fixture_init(&f);
    temp_dir_create(&temp);
    snprintf(path, sizeof(path), "%s/a", temp.path);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    check_ok(ftruncate(fd, 3 * CONSOLE_PIECE_SIZE + 5));
    console_in_start(&f.reader.in, &f.loop, fd, &events);
    check(!f.reader.in.is_watchable);
    while (!f.reader.ends && turn(&f))
        check(f.reader.got.size <= (size_t)f.reader.pieces * CONSOLE_PIECE_SIZE);
    check_eq(f.reader.got.size, 3 * CONSOLE_PIECE_SIZE + 5);
    check_eq(f.reader.pieces, 4);
    close(fd);
    temp_dir_remove(&temp);
    fixture_fini(&f);
}

TEST(console, nothing_is_read_while_it_is_paused)
{
    struct fixture f;
    int ends[2];

    fixture_init(&f);
    f.reader.pauses = true;
    check_ok(pipe(ends));
    console_in_start(&f.reader.in, &f.loop, ends[0], &events);
    check_eq(write(ends[1], "a", 1), 1);
    while (f.reader.pieces < 1 && turn(&f))
        ;
    check_eq(write(ends[1], "b", 1), 1);
    loop_turn(&f.loop, 1000);
    loop_turn(&f.loop, 1000);
    check(slice_is_text(text_slice(&f.reader.got), "a"));
    console_in_resume(&f.reader.in);
    while (f.reader.pieces < 2 && turn(&f))
        ;
    check(slice_is_text(text_slice(&f.reader.got), "ab"));
    close(ends[0]);
    close(ends[1]);
    fixture_fini(&f);
}

TEST(console, an_error_of_reading_is_told)
{
    struct fixture f;
    int fd = open("/", O_RDONLY);

    fixture_init(&f);
    console_in_start(&f.reader.in, &f.loop, fd, &events);
    while (!f.reader.ends && turn(&f))
        ;
    check_eq(f.reader.error, -EISDIR);
    close(fd);
    fixture_fini(&f);
}

TEST(console, output_is_gathered_until_there_is_much_of_it)
{
    static char bytes[CONSOLE_FLUSH_AT];
    struct console_out out = {.fd = -1};
    int ends[2];

    check_ok(pipe(ends));
    check_ok(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    out.fd = ends[1];
    console_write(&out, "a", 1);
    console_printf(&out, "%s-%d", "b", 7);
    check_eq(read(ends[0], bytes, sizeof(bytes)), -1);
    check_ok(console_flush(&out));
    check_eq(read(ends[0], bytes, sizeof(bytes)), 4);
    check(memcmp(bytes, "ab-7", 4) == 0);
    check_ok(console_flush(&out));
    console_write(&out, bytes, sizeof(bytes)); /* As much as a pipe holds. */
    check(read(ends[0], bytes, sizeof(bytes)) > 0);
    console_out_fini(&out);
    close(ends[0]);
    close(ends[1]);
}

TEST(console, the_first_error_of_writing_stays)
{
    struct console_out out = {.fd = -1};
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    check_ok(pipe(ends));
    close(ends[0]);
    out.fd = ends[1];
    console_write(&out, "a", 1);
    check_eq(console_flush(&out), -EPIPE);
    out.fd = -1;
    console_write(&out, "b", 1);
    check_eq(console_flush(&out), -EPIPE);
    console_out_fini(&out);
    close(ends[1]);
    signal(SIGPIPE, SIG_DFL);
}

TEST(console, a_file_is_read_up_to_a_limit)
{
    struct temp_dir temp;
    struct text text = {.data = NULL};
    char path[300];
    int fd;

    temp_dir_create(&temp);
    snprintf(path, sizeof(path), "%s/a", temp.path);
    check_eq(console_read_file(path, 100, &text), -ENOENT);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    check_eq(write(fd, "0123456789", 10), 10);
    check_ok(console_read_file(path, 100, &text));
    check(slice_is_text(text_slice(&text), "0123456789"));
    text_fini(&text);
    check_ok(console_read_file(path, 4, &text));
    check(slice_is_text(text_slice(&text), "0123"));
    text_fini(&text);
    check_eq(console_read_file(temp.path, 100, &text), -EISDIR);
    close(fd);
    temp_dir_remove(&temp);
}

TEST(console, a_pipe_is_no_terminal)
{
    int ends[2];

    check_ok(pipe(ends));
    check(!console_is_terminal(ends[0]));
    close(ends[0]);
    close(ends[1]);
}
