/* SPDX-License-Identifier: Apache-2.0 */
#include "os/linux_io.h"
#include "os/thread.h"
#include "test/harness/check.h"
#include "test/harness/temp.h"

#include <errno.h>

enum { PATIENCE_US = 10 * 1000 * 1000 };

/* What a watched socket was told. */
struct ear {
    struct io_watch watch;
    struct io *io;
    unsigned heard; /* All events so far. */
    int calls;
    struct ear *silence; /* Whom to stop watching from inside ready(). */
};

static void hear(struct io_watch *watch, unsigned events)
{
    struct ear *ear = container_of(watch, struct ear, watch);

    ear->heard |= events;
    ear->calls++;
    if (ear->silence)
        io_watch(ear->io, &ear->silence->watch, 0);
}

static struct ear ear_of(struct io *io, int fd)
{
    return (struct ear){.watch = {.ready = hear, .fd = fd}, .io = io};
}

/* Polls until the socket has told one of `events`. */
static bool is_told(struct io *io, int fd, unsigned events)
{
    int64_t end_us = io_monotonic_us(io) + PATIENCE_US;
    struct ear ear = ear_of(io, fd);

    io_watch(io, &ear.watch, events);
    while (!(ear.heard & events) && io_monotonic_us(io) < end_us)
        io->ops->poll(io, 100 * 1000);
    io_watch(io, &ear.watch, 0);
    return ear.heard & events;
}

/* A world, and two sockets in it that are connected to each other. */
struct fixture {
    struct io *io;
    const struct io_ops *ops;
    struct io_address bound, peer;
    int listening, a, b;
};

static void fixture_init(struct fixture *f)
{
    const struct io_address any = {.host = "127.0.0.1"};

    check_ok(linux_io_create(&f->io));
    f->ops = f->io->ops;
    check_ok(f->ops->listen(f->io, &any, &f->listening, &f->bound));
    check_ok(f->ops->connect(f->io, &f->bound, &f->a));
    check(is_told(f->io, f->listening, IO_READABLE));
    check_ok(f->ops->accept(f->io, f->listening, &f->b, &f->peer));
    check(is_told(f->io, f->a, IO_WRITABLE));
}

static void fixture_fini(struct fixture *f)
{
    io_close(f->io, &f->a);
    io_close(f->io, &f->b);
    io_close(f->io, &f->listening);
    f->io = linux_io_destroy(f->io);
}

static int64_t send_text(struct fixture *f, int fd, const char *text)
{
    const struct io_iov iov = {.data = text, .size = strlen(text)};

    return f->ops->send(f->io, fd, &iov, 1, false);
}

/* Whether exactly `want` arrives at `fd`. */
static bool arrives(struct fixture *f, int fd, const char *want)
{
    char bytes[256];
    size_t have = 0;

    while (have < strlen(want)) {
        int64_t got;

        if (!is_told(f->io, fd, IO_READABLE))
            return false;
        got = f->ops->recv(f->io, fd, bytes + have, sizeof(bytes) - have);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return have == strlen(want) && memcmp(bytes, want, have) == 0;
}

TEST(linux_io, the_clock_does_not_go_back)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    int64_t before;

    check_ok(linux_io_create(&io));
    before = io_monotonic_us(io);
    for (int i = 0; i < 1000; i++) {
        int64_t now = io_monotonic_us(io);

        check(now >= before);
        before = now;
    }
    check(io_wall_ms(io) > 1700000000000);
}

TEST(linux_io, entropy_does_not_repeat)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    uint8_t a[64], b[64];

    check_ok(linux_io_create(&io));
    io->ops->entropy(io, a, sizeof(a));
    io->ops->entropy(io, b, sizeof(b));
    check(memcmp(a, b, sizeof(a)) != 0);
}

TEST(linux_io, bytes_go_both_ways)
{
    struct fixture f;
    const struct io_iov pieces[] = {{"or", 2}, {"", 0}, {"ders", 4}};

    fixture_init(&f);
    check_text(f.peer.host, "127.0.0.1");
    check(f.bound.port > 0 && f.peer.port > 0 && f.peer.port != f.bound.port);
    check_eq(f.ops->send(f.io, f.a, pieces, COUNT_OF(pieces), false), 6);
    check(arrives(&f, f.b, "orders"));
    check_eq(send_text(&f, f.b, "answer"), 6);
    check(arrives(&f, f.a, "answer"));
    fixture_fini(&f);
}

TEST(linux_io, the_newer_family_of_addresses_works_where_the_machine_has_it)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    const struct io_address any = {.host = "::1"};
    struct io_address bound, peer;
    int listening, a, b;

    check_ok(linux_io_create(&io));
    if (io->ops->listen(io, &any, &listening, &bound))
        return; /* No such address here: refused, not crashed, is all one can ask. */
    check_text(bound.host, "::1");
    check_ok(io->ops->connect(io, &bound, &a));
    check(is_told(io, listening, IO_READABLE));
    check_ok(io->ops->accept(io, listening, &b, &peer));
    check_text(peer.host, "::1");
    io_close(io, &a);
    io_close(io, &b);
    io_close(io, &listening);
}

TEST(linux_io, an_empty_socket_says_so_and_an_ended_one_too)
{
    struct fixture f;
    struct io_address peer;
    char byte;
    int fd;

    fixture_init(&f);
    check_eq(f.ops->recv(f.io, f.b, &byte, 1), -EAGAIN);
    check_eq(f.ops->accept(f.io, f.listening, &fd, &peer), -EAGAIN);
    io_close(f.io, &f.a);
    check(is_told(f.io, f.b, IO_READABLE));
    check_eq(f.ops->recv(f.io, f.b, &byte, 1), 0);
    fixture_fini(&f);
}

TEST(linux_io, a_broken_connection_is_an_error_and_no_signal)
{
    struct fixture f;
    int64_t r = 0;

    fixture_init(&f);
    check_eq(send_text(&f, f.a, "not read"), 8);
    check(is_told(f.io, f.b, IO_READABLE));
    io_close(f.io, &f.b); /* With bytes that nobody read: the peer is reset. */
    check(is_told(f.io, f.a, IO_READABLE));
    for (int i = 0; i < 3; i++)
        r = send_text(&f, f.a, "x");
    check_eq(r, -EPIPE); /* At the latest the second time, and we are still there. */
    fixture_fini(&f);
}

TEST(linux_io, a_refused_connection_is_told_at_the_latest_by_the_first_send)
{
    struct fixture f;
    int fd = -1;
    int r;

    fixture_init(&f);
    io_close(f.io, &f.listening);
    r = f.ops->connect(f.io, &f.bound, &fd);
    if (r == 0) {
        check(is_told(f.io, fd, IO_WRITABLE));
        check_eq(send_text(&f, fd, "x"), -ECONNREFUSED);
    } else {
        check_eq(r, -ECONNREFUSED);
    }
    io_close(f.io, &fd);
    fixture_fini(&f);
}

TEST(linux_io, addresses_that_cannot_be_are_refused)
{
    struct fixture f;
    const struct io_address no_address = {.host = "localhost", .port = 9092};
    const struct io_address foreign = {.host = "192.0.2.1", .port = 9092};
    struct io_address bound;
    int fd = -7;

    fixture_init(&f);
    check_eq(f.ops->listen(f.io, &no_address, &fd, &bound), -EINVAL);
    check_eq(f.ops->connect(f.io, &no_address, &fd), -EINVAL);
    check_eq(f.ops->listen(f.io, &foreign, &fd, &bound), -EADDRNOTAVAIL);
    check_eq(f.ops->listen(f.io, &f.bound, &fd, &bound), -EADDRINUSE);
    check_eq(fd, -7);
    fixture_fini(&f);
}

TEST(linux_io, a_full_socket_is_writable_again_when_its_peer_has_read)
{
    static uint8_t bytes[1 << 20];
    struct io_iov iov = {.data = bytes, .size = sizeof(bytes)};
    struct fixture f;
    int64_t sent = 0;
    int64_t received = 0;
    int64_t n;

    fixture_init(&f);
    while ((n = f.ops->send(f.io, f.a, &iov, 1, true)) > 0)
        sent += n;
    check_eq(n, -EAGAIN);
    while (received < sent) {
        check(is_told(f.io, f.b, IO_READABLE));
        n = f.ops->recv(f.io, f.b, bytes, sizeof(bytes));
        check(n > 0);
        received += n;
    }
    check_eq(received, sent);
    check(is_told(f.io, f.a, IO_WRITABLE));
    fixture_fini(&f);
}

TEST(linux_io, a_part_of_a_file_is_sent)
{
    const struct io_iov iov = {.data = "0123456789", .size = 10};
    struct temp_dir temp;
    struct fixture f;
    int dir, file;

    fixture_init(&f);
    temp_dir_create(&temp);
    check_ok(f.ops->dir_open(f.io, IO_CWD, temp.path, &dir));
    check_ok(f.ops->file_open(f.io, dir, "a", IO_READ | IO_WRITE | IO_CREATE, &file));
    check_ok(f.ops->file_write(f.io, file, 0, &iov, 1));
    check_eq(f.ops->sendfile(f.io, f.a, file, 3, 4, false), 4);
    check(arrives(&f, f.b, "3456"));
    check_eq(f.ops->sendfile(f.io, f.a, file, 8, 100, false), 2);
    check(arrives(&f, f.b, "89"));
    check_eq(f.ops->sendfile(f.io, f.a, file, 10, 1, false), 0);
    io_close(f.io, &file);
    io_close(f.io, &dir);
    temp_dir_remove(&temp);
    fixture_fini(&f);
}

TEST(linux_io, a_watch_is_told_again_until_it_is_taken_away)
{
    struct fixture f;
    struct ear ear;

    fixture_init(&f);
    ear = ear_of(f.io, f.b);
    io_watch(f.io, &ear.watch, IO_READABLE);
    f.ops->poll(f.io, 0);
    check_eq(ear.calls, 0);
    check_eq(send_text(&f, f.a, "x"), 1);
    check(is_told(f.io, f.a, IO_WRITABLE));
    f.ops->poll(f.io, PATIENCE_US);
    check(ear.heard == IO_READABLE && ear.calls > 0);
    ear.calls = 0;
    f.ops->poll(f.io, PATIENCE_US); /* The byte is still there. */
    check_eq(ear.calls, 1);
    io_watch(f.io, &ear.watch, IO_READABLE | IO_WRITABLE);
    f.ops->poll(f.io, PATIENCE_US);
    check_eq(ear.heard, IO_READABLE | IO_WRITABLE);
    io_watch(f.io, &ear.watch, 0);
    ear.calls = 0;
    f.ops->poll(f.io, 0);
    check_eq(ear.calls, 0);
    fixture_fini(&f);
}

TEST(linux_io, a_watch_taken_away_inside_a_callback_is_not_called)
{
    struct fixture f;
    struct ear a, b;

    fixture_init(&f);
    a = ear_of(f.io, f.a);
    b = ear_of(f.io, f.b);
    a.silence = &b;
    b.silence = &a;
    io_watch(f.io, &a.watch, IO_WRITABLE); /* Both are, at once. */
    io_watch(f.io, &b.watch, IO_WRITABLE);
    f.ops->poll(f.io, PATIENCE_US);
    check_eq(a.calls + b.calls, 1);
    io_watch(f.io, &a.watch, 0);
    io_watch(f.io, &b.watch, 0);
    fixture_fini(&f);
}

TEST(linux_io, poll_waits_as_long_as_it_is_told)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    int64_t before;

    check_ok(linux_io_create(&io));
    before = io_monotonic_us(io);
    io->ops->poll(io, 0);
    io->ops->poll(io, 1500);
    check(io_monotonic_us(io) - before >= 1500);
}

static void wake(void *context)
{
    struct io *io = context;

    io->ops->wake(io);
}

TEST(linux_io, another_thread_ends_the_wait)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    struct thread *thread;

    check_ok(linux_io_create(&io));
    check_ok(thread_start(wake, io, &thread));
    io->ops->poll(io, -1);
    thread_join(thread);
    io->ops->wake(io);
    io->ops->wake(io); /* As often as one likes: it is one wake. */
    io->ops->poll(io, -1);
}

TEST(linux_io, watching_what_is_not_open_ends_the_process)
{
    struct fixture f;
    struct ear ear;

    fixture_init(&f);
    ear = ear_of(f.io, f.b);
    io_close(f.io, &f.b);
    check_bug(io_watch(f.io, &ear.watch, IO_READABLE));
    fixture_fini(&f);
}
