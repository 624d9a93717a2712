/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/world_test.c - the kernel and the simulated world keep the same promises.
 *
 * Each test is written once, against struct io, and runs in both.
 */

#include "os/linux_io.h"
#include "os/loop.h"
#include "test/harness/check.h"
#include "test/sim/sim.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TURNS_MAX = 2000, TURN_US = 10 * 1000 };

struct world {
    struct io *io;
    struct loop loop;
    int dir;          /* An empty directory. */
    const char *path; /* Of that directory. */
};

typedef void world_fn(struct world *world);

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void run_in_kernel(world_fn *fn)
{
    char path[] = "/tmp/moldau-world-XXXXXX";
    struct world world = {.path = path};

    check(mkdtemp(path));
    check_ok(linux_io_create(&world.io));
    check_ok(world.io->ops->dir_open(world.io, IO_CWD, path, &world.dir));
    loop_init(&world.loop, world.io);
    fn(&world);
    io_close(world.io, &world.dir);
    loop_fini(&world.loop);
    linux_io_destroy(world.io);
    check_ok(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS));
}

/* In the simulated world once is not enough: chance decides in what pieces and when. */
static void run_in_sim(world_fn *fn)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        scoped(sim_destroyp) struct sim *sim = sim_create(&(struct sim_options){.seed = seed});
        struct world world = {.path = "/data"};

        world.io = sim_io_create(sim_node_create(sim, "node"));
        check_ok(world.io->ops->dir_create(world.io, IO_CWD, "data"));
        check_ok(world.io->ops->dir_open(world.io, IO_CWD, "data", &world.dir));
        loop_init(&world.loop, world.io);
        fn(&world);
        loop_fini(&world.loop);
    }
}

#define WORLD_TEST(name)                                                                           \
    static void name(struct world *world);                                                         \
    TEST(kernel, name)                                                                             \
    {                                                                                              \
        run_in_kernel(name);                                                                       \
    }                                                                                              \
    TEST(sim, name)                                                                                \
    {                                                                                              \
        run_in_sim(name);                                                                          \
    }                                                                                              \
    static void name(struct world *world)

/* --- files ------------------------------------------------------------------ */

static int open_file(struct world *world, const char *name, unsigned flags)
{
    int fd = -1;

    check_ok(world->io->ops->file_open(world->io, world->dir, name, flags, &fd));
    check(fd >= 0);
    return fd;
}

static int make_file(struct world *world, const char *name, const char *text)
{
    const struct io_iov iov = {.data = text, .size = strlen(text)};
    int fd = open_file(world, name, IO_READ | IO_WRITE | IO_CREATE | IO_EXCLUSIVE);

    check_ok(world->io->ops->file_write(world->io, fd, 0, &iov, 1));
    return fd;
}

static void close_file(struct world *world, int fd)
{
    io_close(world->io, &fd);
    check_eq(fd, -1);
}

static void check_content(struct world *world, int fd, const char *text)
{
    char bytes[100];
    uint64_t size;
    size_t got;

    check_ok(world->io->ops->file_size(world->io, fd, &size));
    check_eq(size, strlen(text));
    check_ok(world->io->ops->file_read(world->io, fd, 0, bytes, sizeof(bytes), &got));
    check(slice_equal(slice_of(bytes, got), slice_text(text)));
}

WORLD_TEST(a_file_reads_back_what_was_written)
{
    const struct io_iov iov[] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    int fd = open_file(world, "f", IO_READ | IO_WRITE | IO_CREATE);
    char bytes[10];
    uint64_t size;
    size_t got;

    check_ok(world->io->ops->file_write(world->io, fd, 5000, iov, COUNT_OF(iov)));
    check_ok(world->io->ops->file_size(world->io, fd, &size));
    check_eq(size, 5005);
    check_ok(world->io->ops->file_read(world->io, fd, 4998, bytes, sizeof(bytes), &got));
    check_eq(got, 7);
    check(memcmp(bytes, "\0\0abcde", 7) == 0);
    check_ok(world->io->ops->file_read(world->io, fd, 5005, bytes, sizeof(bytes), &got));
    check_eq(got, 0);
    check_ok(world->io->ops->file_read(world->io, fd, 9999, bytes, sizeof(bytes), &got));
    check_eq(got, 0);
    check_ok(world->io->ops->file_sync(world->io, fd));
    check_ok(world->io->ops->file_refresh(world->io, fd));
    check_ok(world->io->ops->file_read(world->io, fd, 4998, bytes, sizeof(bytes), &got));
    check(got == 7 && memcmp(bytes, "\0\0abcde", 7) == 0);
    close_file(world, fd);
}

WORLD_TEST(a_write_of_many_pieces_is_one_run_of_bytes)
{
    enum { PIECES = 150, PIECE = 31 };
    struct io_iov iov[PIECES];
    char bytes[PIECES * PIECE];
    char back[PIECES * PIECE];
    int fd = open_file(world, "f", IO_READ | IO_WRITE | IO_CREATE);
    size_t got;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 31 + i / 256);
    for (size_t i = 0; i < PIECES; i++)
        iov[i] = (struct io_iov){.data = bytes + i * PIECE, .size = PIECE};
    check_ok(world->io->ops->file_write(world->io, fd, 0, iov, PIECES));
    check_ok(world->io->ops->file_read(world->io, fd, 0, back, sizeof(back), &got));
    check_eq(got, sizeof(back));
    check(memcmp(bytes, back, sizeof(back)) == 0);
    close_file(world, fd);
}

WORLD_TEST(a_cut_file_grows_again_by_zeroes)
{
    int fd = make_file(world, "f", "abcdef");
    char bytes[8];
    size_t got;

    check_ok(world->io->ops->file_truncate(world->io, fd, 2));
    check_content(world, fd, "ab");
    check_ok(world->io->ops->file_truncate(world->io, fd, 4));
    check_ok(world->io->ops->file_read(world->io, fd, 0, bytes, sizeof(bytes), &got));
    check_eq(got, 4);
    check(memcmp(bytes, "ab\0\0", 4) == 0);
    close_file(world, fd);
    fd = open_file(world, "f", IO_WRITE | IO_READ | IO_TRUNCATE);
    check_content(world, fd, "");
    close_file(world, fd);
}

WORLD_TEST(names_are_refused_as_the_kernel_refuses_them)
{
    const struct io_ops *ops = world->io->ops;
    struct io *io = world->io;
    int fd = make_file(world, "f", "x");
    int other;

    close_file(world, fd);
    check_ok(ops->dir_create(io, world->dir, "d"));
    check_eq(ops->dir_create(io, world->dir, "d"), -EEXIST);
    check_eq(ops->file_open(io, world->dir, "none", IO_READ, &other), -ENOENT);
    check_eq(ops->file_open(io, world->dir, "f", IO_WRITE | IO_CREATE | IO_EXCLUSIVE, &other),
             -EEXIST);
    check_eq(ops->file_open(io, world->dir, "d", IO_WRITE, &other), -EISDIR);
    check_eq(ops->file_open(io, world->dir, "f/g", IO_READ, &other), -ENOTDIR);
    check_eq(ops->dir_open(io, world->dir, "none", &other), -ENOENT);
    check_eq(ops->dir_open(io, world->dir, "f", &other), -ENOTDIR);
    check_eq(ops->unlink(io, world->dir, "none"), -ENOENT);
    check_eq(ops->unlink(io, world->dir, "d"), -EISDIR);
    check_eq(ops->dir_remove(io, world->dir, "f"), -ENOTDIR);
    check_eq(ops->rename(io, world->dir, "none", world->dir, "x"), -ENOENT);
    check_ok(ops->dir_remove(io, world->dir, "d"));
    check_eq(ops->dir_remove(io, world->dir, "d"), -ENOENT);
}

WORLD_TEST(paths_lead_from_a_directory_or_from_the_root)
{
    const struct io_ops *ops = world->io->ops;
    char path[100];
    int fd;

    check_ok(ops->dir_create(world->io, world->dir, "d"));
    close_file(world, make_file(world, "d/f", "x"));
    (void)snprintf(path, sizeof(path), "%s/d/./f", world->path);
    check_ok(ops->file_open(world->io, IO_CWD, path, IO_READ, &fd));
    check_content(world, fd, "x");
    close_file(world, fd);
    check_ok(ops->dir_open(world->io, world->dir, ".", &fd));
    check_ok(ops->dir_sync(world->io, fd));
    close_file(world, fd);
    check_eq(ops->dir_remove(world->io, world->dir, "d"), -ENOTEMPTY);
}

WORLD_TEST(a_rename_replaces_what_is_there)
{
    const struct io_ops *ops = world->io->ops;
    int old = make_file(world, "a", "old");
    int fd;

    close_file(world, make_file(world, "b", "new"));
    check_ok(ops->rename(world->io, world->dir, "b", world->dir, "a"));
    check_eq(ops->file_open(world->io, world->dir, "b", IO_READ, &fd), -ENOENT);
    check_content(world, old, "old"); /* Who has it open still sees it. */
    close_file(world, old);
    fd = open_file(world, "a", IO_READ);
    check_content(world, fd, "new");
    check_ok(ops->unlink(world->io, world->dir, "a"));
    check_content(world, fd, "new");
    close_file(world, fd);
}

struct names {
    int files, dirs, stop_after;
};

static int list_name(void *context, const char *name, bool is_dir)
{
    struct names *names = context;

    check(name[0] == (is_dir ? 'd' : 'f'));
    *(is_dir ? &names->dirs : &names->files) += 1;
    return names->files + names->dirs == names->stop_after ? 9 : 0;
}

WORLD_TEST(a_directory_is_listed_without_dots)
{
    struct names names = {.stop_after = -1};

    close_file(world, make_file(world, "f1", ""));
    close_file(world, make_file(world, "f2", ""));
    check_ok(world->io->ops->dir_create(world->io, world->dir, "d"));
    check_ok(world->io->ops->dir_list(world->io, world->dir, list_name, &names));
    check_eq(names.files, 2);
    check_eq(names.dirs, 1);
    names = (struct names){.stop_after = 2};
    check_eq(world->io->ops->dir_list(world->io, world->dir, list_name, &names), 9);
    check_eq(names.files + names.dirs, 2);
}

WORLD_TEST(a_lock_lasts_until_its_file_is_closed)
{
    int a = make_file(world, "f", "");
    int b = open_file(world, "f", IO_WRITE);

    check_ok(world->io->ops->file_lock(world->io, a));
    check_ok(world->io->ops->file_lock(world->io, a));
    check_eq(world->io->ops->file_lock(world->io, b), -EAGAIN);
    close_file(world, a);
    check_ok(world->io->ops->file_lock(world->io, b));
    close_file(world, b);
}

/* --- the loop --------------------------------------------------------------- */

static void turn_until(struct world *world, const bool *flag)
{
    for (int i = 0; i < TURNS_MAX && !*flag; i++)
        loop_turn(&world->loop, TURN_US);
    check(*flag);
}

struct job {
    struct io_work work;
    int fd;
    bool has_run, is_done;
};

static void job_run(struct io_work *work, struct io *io)
{
    struct job *job = container_of(work, struct job, work);

    job->has_run = io->ops->file_sync(io, job->fd) == 0;
}

static void job_done(struct io_work *work, struct io *io)
{
    struct job *job = container_of(work, struct job, work);

    (void)io;
    check(job->has_run && !work->is_submitted);
    job->is_done = true;
}

WORLD_TEST(work_is_run_and_then_done)
{
    struct job jobs[5];
    int fd = make_file(world, "f", "x");

    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        jobs[i] = (struct job){.work = {.run = job_run, .done = job_done}, .fd = fd};
        world->io->ops->work_submit(world->io, &jobs[i].work);
        check(jobs[i].work.is_submitted && !jobs[i].is_done);
    }
    for (size_t i = 0; i < COUNT_OF(jobs); i++)
        turn_until(world, &jobs[i].is_done);
    world->io->ops->work_submit(world->io, &jobs[0].work); /* It may be used again. */
    jobs[0].is_done = false;
    turn_until(world, &jobs[0].is_done);
    close_file(world, fd);
}

struct alarm {
    struct loop_timer timer;
    bool has_fired;
};

static void alarm_fire(struct loop_timer *timer)
{
    container_of(timer, struct alarm, timer)->has_fired = true;
}

WORLD_TEST(time_goes_on_until_a_timer_is_due)
{
    struct alarm early = {.timer = {.fire = alarm_fire}};
    struct alarm late = {.timer = {.fire = alarm_fire}};
    int64_t begin = io_monotonic_us(world->io);
    int64_t wall = io_wall_ms(world->io);

    loop_timer_set(&world->loop, &early.timer, begin + 2000);
    loop_timer_set(&world->loop, &late.timer, begin + 1000000000);
    turn_until(world, &early.has_fired);
    check(!late.has_fired);
    check(io_monotonic_us(world->io) >= begin + 2000);
    check(io_wall_ms(world->io) >= wall);
    loop_timer_cancel(&world->loop, &late.timer);
}

struct letter {
    struct mail mail;
    bool has_come;
};

static void letter_receive(struct mail *mail)
{
    container_of(mail, struct letter, mail)->has_come = true;
}

WORLD_TEST(mail_wakes_the_loop)
{
    struct letter letter = {.mail = {.receive = letter_receive}};

    mailbox_send(&world->loop.mailbox, &letter.mail);
    loop_turn(&world->loop, 1000000000);
    turn_until(world, &letter.has_come);
}

/* --- sockets ---------------------------------------------------------------- */

/* A watch that counts, and turns itself off. */
struct ear {
    struct io_watch watch;
    struct world *world;
    unsigned heard;
    bool is_called, stays;
    int calls;
    struct ear *silences; /* Whose watch it removes when it is called. */
};

static void ear_ready(struct io_watch *watch, unsigned events)
{
    struct ear *ear = container_of(watch, struct ear, watch);

    ear->heard |= events;
    ear->is_called = true;
    ear->calls++;
    if (!ear->stays)
        io_watch(ear->world->io, watch, 0);
    if (ear->silences)
        io_watch(ear->world->io, &ear->silences->watch, 0);
}

static struct ear ear_of(struct world *world, int fd)
{
    return (struct ear){.watch = {.ready = ear_ready, .fd = fd}, .world = world};
}

static void wait_for(struct world *world, int fd, unsigned events)
{
    struct ear ear = ear_of(world, fd);

    io_watch(world->io, &ear.watch, events);
    turn_until(world, &ear.is_called);
    check(ear.heard & events);
    io_watch(world->io, &ear.watch, 0);
}

static struct io_address loopback(uint16_t port)
{
    struct io_address address = {.port = port};

    (void)snprintf(address.host, sizeof(address.host), "127.0.0.1");
    return address;
}

/* Two ends of one connection and the listener it came through. */
struct pair {
    int listener, client, server;
    struct io_address bound;
};

static void accept_one(struct world *world, struct pair *pair, struct io_address *peer)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        int r = world->io->ops->accept(world->io, pair->listener, &pair->server, peer);

        if (r == 0)
            return;
        check_eq(r, -EAGAIN);
        wait_for(world, pair->listener, IO_READABLE);
    }
    check(false); /* Nobody has connected. */
}

static struct pair pair_open(struct world *world)
{
    const struct io_ops *ops = world->io->ops;
    struct io_address any = loopback(0);
    struct io_address peer;
    struct pair pair;

    check_ok(ops->listen(world->io, &any, &pair.listener, &pair.bound));
    check(pair.bound.port != 0);
    check_text(pair.bound.host, "127.0.0.1");
    check_eq(ops->accept(world->io, pair.listener, &pair.server, &peer), -EAGAIN);
    check_ok(ops->connect(world->io, &pair.bound, &pair.client));
    accept_one(world, &pair, &peer);
    check_text(peer.host, "127.0.0.1");
    check(peer.port != 0 && peer.port != pair.bound.port);
    wait_for(world, pair.client, IO_WRITABLE);
    return pair;
}

static void pair_close(struct world *world, struct pair *pair)
{
    io_close(world->io, &pair->client);
    io_close(world->io, &pair->server);
    io_close(world->io, &pair->listener);
}

static void send_all(struct world *world, int fd, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    while (size > 0) {
        const struct io_iov iov = {.data = bytes, .size = size};
        int64_t sent = world->io->ops->send(world->io, fd, &iov, 1, false);

        if (sent == -EAGAIN) {
            wait_for(world, fd, IO_WRITABLE);
            continue;
        }
        check(sent > 0 && (size_t)sent <= size);
        bytes += sent;
        size -= (size_t)sent;
    }
}

static int64_t receive(struct world *world, int fd, void *out, size_t size)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        int64_t got = world->io->ops->recv(world->io, fd, out, size);

        if (got != -EAGAIN)
            return got;
        wait_for(world, fd, IO_READABLE);
    }
    return -EAGAIN;
}

static void receive_all(struct world *world, int fd, void *out, size_t size)
{
    uint8_t *bytes = out;

    while (size > 0) {
        int64_t got = receive(world, fd, bytes, size);

        check(got > 0);
        bytes += got;
        size -= (size_t)got;
    }
}

WORLD_TEST(bytes_arrive_in_order_and_then_the_end)
{
    struct pair pair = pair_open(world);
    char bytes[20];

    check_eq(world->io->ops->recv(world->io, pair.server, bytes, 1), -EAGAIN);
    send_all(world, pair.client, "hello ", 6);
    send_all(world, pair.client, "world", 5);
    receive_all(world, pair.server, bytes, 11);
    check(memcmp(bytes, "hello world", 11) == 0);
    send_all(world, pair.server, "bye", 3);
    io_close(world->io, &pair.server);
    receive_all(world, pair.client, bytes, 3);
    check(memcmp(bytes, "bye", 3) == 0);
    check_eq(receive(world, pair.client, bytes, 1), 0);
    pair_close(world, &pair);
}

/* Sends until nothing more is taken; returns how much that was. */
static size_t send_until_full(struct world *world, int fd)
{
    static const uint8_t zeroes[64 * 1024];
    const struct io_iov iov = {.data = zeroes, .size = sizeof(zeroes)};
    size_t total = 0;

    for (;;) {
        int64_t sent = world->io->ops->send(world->io, fd, &iov, 1, false);

        if (sent == -EAGAIN)
            return total;
        check(sent > 0);
        total += (size_t)sent;
    }
}

WORLD_TEST(a_full_socket_takes_bytes_again_when_some_were_read)
{
    static uint8_t bytes[64 * 1024];
    struct pair pair = pair_open(world);
    size_t left = send_until_full(world, pair.client);

    check(left > 0);
    while (left > 0) {
        size_t part = min_of(left, sizeof(bytes));

        receive_all(world, pair.server, bytes, part);
        left -= part;
    }
    wait_for(world, pair.client, IO_WRITABLE);
    send_all(world, pair.client, "x", 1);
    receive_all(world, pair.server, bytes, 1);
    check_eq(bytes[0], 'x');
    pair_close(world, &pair);
}

WORLD_TEST(nobody_listens_and_the_connection_is_refused)
{
    struct pair pair = pair_open(world);
    const struct io_iov iov = {.data = "x", .size = 1};
    int fd = -1;
    int r;

    io_close(world->io, &pair.listener);
    r = world->io->ops->connect(world->io, &pair.bound, &fd);
    if (r == 0) {
        wait_for(world, fd, IO_WRITABLE);
        r = (int)world->io->ops->send(world->io, fd, &iov, 1, false);
        io_close(world->io, &fd);
    }
    check_eq(r, -ECONNREFUSED);
    pair_close(world, &pair);
}

WORLD_TEST(an_address_is_listened_to_once)
{
    struct pair pair = pair_open(world);
    struct io_address bad = {.host = "localhost", .port = 1};
    struct io_address foreign = {.host = "8.8.8.8"};
    struct io_address bound;
    int fd;

    check_eq(world->io->ops->listen(world->io, &pair.bound, &fd, &bound), -EADDRINUSE);
    check_eq(world->io->ops->listen(world->io, &bad, &fd, &bound), -EINVAL);
    check_eq(world->io->ops->connect(world->io, &bad, &fd), -EINVAL);
    check_eq(world->io->ops->listen(world->io, &foreign, &fd, &bound), -EADDRNOTAVAIL);
    pair_close(world, &pair);
}

WORLD_TEST(bytes_that_nobody_read_become_a_reset)
{
    struct pair pair = pair_open(world);
    char byte;

    send_all(world, pair.client, "xy", 2);
    receive_all(world, pair.server, &byte, 1);
    wait_for(world, pair.server, IO_READABLE); /* The other one is there too. */
    io_close(world->io, &pair.server);
    check_eq(receive(world, pair.client, &byte, 1), -ECONNRESET);
    pair_close(world, &pair);
}

WORLD_TEST(a_file_is_sent_up_to_its_end)
{
    struct pair pair = pair_open(world);
    int file = make_file(world, "f", "0123456789");
    char bytes[10];
    size_t at = 3;

    while (at < 10) {
        int64_t sent = world->io->ops->sendfile(world->io, pair.client, file, at, 10 - at, false);

        check(sent > 0);
        at += (size_t)sent;
    }
    check_eq(world->io->ops->sendfile(world->io, pair.client, file, 10, 5, false), 0);
    receive_all(world, pair.server, bytes, 7);
    check(memcmp(bytes, "3456789", 7) == 0);
    close_file(world, file);
    pair_close(world, &pair);
}

WORLD_TEST(readiness_is_told_as_long_as_it_lasts)
{
    struct pair pair = pair_open(world);
    struct ear ear = ear_of(world, pair.server);
    char bytes[2];

    send_all(world, pair.client, "xy", 2);
    ear.stays = true;
    io_watch(world->io, &ear.watch, IO_READABLE);
    for (int i = 0; i < TURNS_MAX && ear.calls < 3; i++)
        loop_turn(&world->loop, TURN_US);
    check(ear.calls >= 3);
    io_watch(world->io, &ear.watch, 0);
    receive_all(world, pair.server, bytes, 2);
    pair_close(world, &pair);
}

WORLD_TEST(a_removed_watch_is_not_called_in_the_same_turn)
{
    struct pair pair = pair_open(world);
    struct ear client = ear_of(world, pair.client);
    struct ear server = ear_of(world, pair.server);

    client.silences = &server;
    server.silences = &client;
    io_watch(world->io, &client.watch, IO_WRITABLE);
    io_watch(world->io, &server.watch, IO_WRITABLE);
    for (int i = 0; i < 20; i++)
        loop_turn(&world->loop, 100);
    check_eq(client.calls + server.calls, 1);
    pair_close(world, &pair);
}
