/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "test/harness/check.h"
#include "test/sim/sim.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECOND_US = 1000 * 1000 };

/* --- a little protocol, to have something to watch ---------------------------- */

/* A peer that counts up: sends a number, waits for the other's, adds one, and writes what
 * it saw to a file. */
struct talker {
    struct io *io;
    struct loop loop;
    struct io_watch watch;
    struct io_work work;
    struct loop_timer timer;
    int file;
    uint64_t written;
    uint8_t number;
    bool is_busy, has_ended;
};

static void talker_say(struct talker *t)
{
    const struct io_iov iov = {.data = &t->number, .size = 1};
    int64_t sent = t->io->ops->send(t->io, t->watch.fd, &iov, 1, false);

    t->number++;
    io_watch(t->io, &t->watch, sent == -EAGAIN ? IO_WRITABLE : IO_READABLE);
}

static void talker_sync(struct io_work *work, struct io *io)
{
    struct talker *t = container_of(work, struct talker, work);

    (void)!io->ops->file_sync(io, t->file);
}

static void talker_synced(struct io_work *work, struct io *io)
{
    struct talker *t = container_of(work, struct talker, work);

    t->is_busy = false;
    loop_timer_set(&t->loop, &t->timer, io_monotonic_us(io) + 500);
}

static void talker_tick(struct loop_timer *timer)
{
    talker_say(container_of(timer, struct talker, timer));
}

static void talker_ready(struct io_watch *watch, unsigned events)
{
    struct talker *t = container_of(watch, struct talker, watch);
    uint8_t byte;
    int64_t got = t->io->ops->recv(t->io, watch->fd, &byte, 1);
    const struct io_iov iov = {.data = &byte, .size = 1};

    (void)events;
    if (got == -EAGAIN)
        return;
    if (got <= 0) {
        io_watch(t->io, watch, 0);
        t->has_ended = true;
        return;
    }
    if (t->io->ops->file_write(t->io, t->file, t->written++, &iov, 1) || t->is_busy)
        return;
    t->is_busy = true;
    t->io->ops->work_submit(t->io, &t->work);
}

static void talker_init(struct talker *t, struct sim_node *node)
{
    *t = (struct talker){
        .io = sim_io_create(node),
        .watch = {.ready = talker_ready, .fd = -1},
        .work = {.run = talker_sync, .done = talker_synced},
        .timer = {.fire = talker_tick},
    };
    loop_init(&t->loop, t->io);
    sim_attach(t->io, &t->loop);
    check_ok(t->io->ops->file_open(t->io, IO_CWD, "f", IO_READ | IO_WRITE | IO_CREATE, &t->file));
}

/* What a process leaves behind when it is dead: nothing but memory. */
static void talker_bury(struct talker *t)
{
    io_watch(t->io, &t->watch, 0);
    io_close(t->io, &t->watch.fd);
    loop_timer_cancel(&t->loop, &t->timer);
    loop_fini(&t->loop);
    t->io = sim_io_destroy(t->io);
}

struct dialog {
    struct sim *sim;
    struct sim_node *nodes[2];
    struct talker talkers[2];
    int listener;
};

static void dialog_open(struct dialog *d, const struct sim_options *options)
{
    struct io_address address = {.port = 9};
    struct io_address bound;
    struct io *server;
    struct io *client;
    int r = -EAGAIN;

    d->sim = sim_create(options);
    for (int i = 0; i < 2; i++) {
        d->nodes[i] = sim_node_create(d->sim, i ? "client" : "server");
        talker_init(&d->talkers[i], d->nodes[i]);
    }
    server = d->talkers[0].io;
    client = d->talkers[1].io;
    (void)snprintf(address.host, sizeof(address.host), "%s", sim_node_host(d->nodes[0]));
    check_ok(server->ops->listen(server, &address, &d->listener, &bound));
    check_ok(client->ops->connect(client, &address, &d->talkers[1].watch.fd));
    while (r == -EAGAIN) {
        r = server->ops->accept(server, d->listener, &d->talkers[0].watch.fd, &bound);
        sim_run(d->sim, sim_now_us(d->sim) + 100);
    }
    check_ok(r);
    for (int i = 0; i < 2; i++)
        talker_say(&d->talkers[i]);
}

static void dialog_run(struct dialog *d, int64_t us)
{
    sim_run(d->sim, sim_now_us(d->sim) + us);
}

/* --- repeatability ------------------------------------------------------------ */

static uint64_t hash_of_run(uint64_t seed, uint64_t *out_syncs)
{
    struct dialog d;
    uint64_t hash;

    dialog_open(&d, &(struct sim_options){.seed = seed});
    dialog_run(&d, SECOND_US / 10);
    sim_node_kill(d.nodes[0], SIM_POWER_LOSS);
    dialog_run(&d, SECOND_US / 10);
    hash = sim_trace_hash(d.sim);
    *out_syncs = sim_stats(d.sim)->syncs;
    d.sim = sim_destroy(d.sim);
    return hash;
}

TEST(sim, the_same_seed_gives_the_same_run)
{
    uint64_t before = 0;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t syncs;
        uint64_t hash = hash_of_run(seed, &syncs);

        check(syncs > 10);
        check_eq(hash_of_run(seed, &syncs), hash);
        check(hash != before);
        before = hash;
    }
}

static void read_trace(FILE *file, char **out, size_t *out_size)
{
    long size = ftell(file);

    check(size > 0);
    rewind(file);
    *out = mem_new((size_t)size);
    *out_size = fread(*out, 1, (size_t)size, file);
    check_eq(*out_size, size);
    fclose(file);
}

TEST(sim, the_same_seed_prints_the_same_trace)
{
    char *traces[2];
    size_t sizes[2];

    for (int i = 0; i < 2; i++) {
        FILE *file = tmpfile();
        struct dialog d;

        check(file);
        dialog_open(&d, &(struct sim_options){.seed = 7, .trace = file});
        dialog_run(&d, SECOND_US / 20);
        d.sim = sim_destroy(d.sim);
        read_trace(file, &traces[i], &sizes[i]);
    }
    check_eq(sizes[0], sizes[1]);
    check(sizes[0] > 1000 && memcmp(traces[0], traces[1], sizes[0]) == 0);
    mem_free(traces[0]);
    mem_free(traces[1]);
}

/* --- death -------------------------------------------------------------------- */

TEST(sim, a_killed_process_leaves_its_page_cache_and_closes_its_sockets)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct dialog d;
        uint64_t written;
        uint64_t length;

        dialog_open(&d, &(struct sim_options){.seed = seed});
        dialog_run(&d, SECOND_US / 10);
        written = d.talkers[0].written;
        check(written > 0);
        sim_node_kill(d.nodes[0], SIM_KILL);
        check(!sim_node_is_up(d.nodes[0]));
        check_eq(sim_node_open_files(d.nodes[0]), 0);
        dialog_run(&d, SECOND_US / 10);
        check(d.talkers[1].has_ended);
        check_eq(d.talkers[0].written, written); /* Not turned any more. */
        talker_bury(&d.talkers[0]);

        sim_node_boot(d.nodes[0]);
        talker_init(&d.talkers[0], d.nodes[0]);
        check_ok(d.talkers[0].io->ops->file_size(d.talkers[0].io, d.talkers[0].file, &length));
        check_eq(length, written);
        d.sim = sim_destroy(d.sim);
    }
}

TEST(sim, a_machine_without_power_falls_silent_until_it_is_back)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct dialog d;

        dialog_open(&d, &(struct sim_options){.seed = seed});
        dialog_run(&d, SECOND_US / 10);
        sim_node_kill(d.nodes[0], SIM_POWER_LOSS);
        dialog_run(&d, 5 * SECOND_US);
        check(!d.talkers[1].has_ended);
        talker_bury(&d.talkers[0]);
        sim_node_boot(d.nodes[0]);
        talker_say(&d.talkers[1]);
        dialog_run(&d, 5 * SECOND_US);
        check(d.talkers[1].has_ended); /* By a reset. */
        d.sim = sim_destroy(d.sim);
    }
}

TEST(sim, the_calls_of_a_dead_process_do_nothing)
{
    struct dialog d;
    const struct io_iov iov = {.data = "x", .size = 1};
    struct io_address address = {.host = "127.0.0.1"};
    struct talker *t = &d.talkers[0];
    const struct io_ops *ops;
    uint64_t length;
    int fd;

    dialog_open(&d, &(struct sim_options){.seed = 1});
    ops = t->io->ops;
    sim_node_kill(d.nodes[0], SIM_KILL);
    check_eq(ops->file_write(t->io, t->file, 0, &iov, 1), -EIO);
    check_eq(ops->file_size(t->io, t->file, &length), -EIO);
    check_eq(ops->file_open(t->io, IO_CWD, "g", IO_WRITE | IO_CREATE, &fd), -EIO);
    check_eq(ops->dir_create(t->io, IO_CWD, "d"), -EIO);
    check_eq(ops->unlink(t->io, IO_CWD, "f"), -EIO);
    check_eq(ops->send(t->io, t->watch.fd, &iov, 1, false), -EIO);
    check_eq(ops->listen(t->io, &address, &fd, &address), -EIO);
    io_watch(t->io, &t->watch, 0);
    io_watch(t->io, &t->watch, IO_READABLE);
    ops->wake(t->io);
    dialog_run(&d, SECOND_US);
    check_eq(t->written, 0);
    d.sim = sim_destroy(d.sim);
}

TEST(sim, work_of_a_dead_process_ends_when_its_owner_waits_for_it)
{
    struct dialog d;
    struct talker *t = &d.talkers[0];

    dialog_open(&d, &(struct sim_options){.seed = 1});
    if (!t->is_busy)
        t->io->ops->work_submit(t->io, &t->work);
    sim_node_kill(d.nodes[0], SIM_KILL);
    dialog_run(&d, SECOND_US);
    check(t->work.is_submitted);
    t->io->ops->poll(t->io, -1);
    check(!t->work.is_submitted);
    talker_bury(t);
    d.sim = sim_destroy(d.sim);
}

/* Replaces a file as one should, in six calls. */
static int replace_file(struct io *io)
{
    const struct io_iov iov = {.data = "new", .size = 3};
    int fd;
    int r = io->ops->file_open(io, IO_CWD, "f.new", IO_WRITE | IO_CREATE, &fd);

    r = r ? r : io->ops->file_write(io, fd, 0, &iov, 1);
    r = r ? r : io->ops->file_sync(io, fd);
    r = r ? r : io->ops->rename(io, IO_CWD, "f.new", IO_CWD, "f");
    r = r ? r : io->ops->dir_open(io, IO_CWD, ".", &fd);
    return r ? r : io->ops->dir_sync(io, fd);
}

static bool has_file(struct sim_node *node, const char *name)
{
    struct inode *file;

    return disk_find(sim_node_disk(node), disk_root(sim_node_disk(node)), name, &file) == 0;
}

TEST(sim, a_death_in_the_middle_of_a_call_comes_before_or_after_it)
{
    int renamed = 0;

    for (uint64_t seed = 0; seed < 60; seed++) {
        scoped(sim_destroyp) struct sim *sim = sim_create(&(struct sim_options){.seed = seed});
        struct sim_node *node = sim_node_create(sim, "node");
        struct io *io = sim_io_create(node);
        uint64_t nth = 1 + seed % 6; /* Opening the directory changes nothing. */

        sim_node_kill_at(node, SIM_KILL, nth);
        check_eq(replace_file(io), nth <= 5 ? -EIO : 0);
        check_eq(sim_node_is_up(node), nth > 5);
        if (nth == 4)
            renamed += has_file(node, "f");
        else
            check_eq(has_file(node, "f"), nth > 4);
    }
    check(renamed > 0 && renamed < 10);
}

TEST(sim, a_lock_dies_with_its_process_and_binds_its_neighbour)
{
    scoped(sim_destroyp) struct sim *sim = sim_create(&(struct sim_options){.seed = 1});
    struct sim_node *a = sim_node_create(sim, "a");
    struct sim_node *b = sim_node_create_beside(a, "b");
    struct io *io_a = sim_io_create(a);
    struct io *io_b = sim_io_create(b);
    int fd_a, fd_b;

    check_ok(io_a->ops->file_open(io_a, IO_CWD, "lock", IO_WRITE | IO_CREATE, &fd_a));
    check_ok(io_b->ops->file_open(io_b, IO_CWD, "lock", IO_WRITE, &fd_b));
    check_ok(io_a->ops->file_lock(io_a, fd_a));
    check_eq(io_b->ops->file_lock(io_b, fd_b), -EAGAIN);
    sim_node_kill(a, SIM_KILL);
    check_ok(io_b->ops->file_lock(io_b, fd_b));
}

TEST(sim, power_is_lost_for_all_processes_of_a_machine)
{
    scoped(sim_destroyp) struct sim *sim = sim_create(&(struct sim_options){.seed = 1});
    struct sim_node *a = sim_node_create(sim, "a");
    struct sim_node *b = sim_node_create_beside(a, "b");
    struct sim_node *c = sim_node_create(sim, "c");

    sim_node_kill(a, SIM_POWER_LOSS);
    check(!sim_node_is_up(a) && !sim_node_is_up(b) && sim_node_is_up(c));
}

/* --- work --------------------------------------------------------------------- */

struct job {
    struct io_work work;
    int *order, number, *count;
};

static void job_run(struct io_work *work, struct io *io)
{
    (void)work;
    (void)io;
}

static void job_done(struct io_work *work, struct io *io)
{
    struct job *job = container_of(work, struct job, work);

    (void)io;
    job->order[(*job->count)++] = job->number;
}

/* Runs three works; true if they were done in the order that they were submitted in. */
static bool is_in_order(uint64_t seed, int64_t slow_us, int64_t *out_us)
{
    scoped(sim_destroyp) struct sim *sim = sim_create(&(struct sim_options){.seed = seed});
    struct sim_node *node = sim_node_create(sim, "node");
    struct io *io = sim_io_create(node);
    struct job jobs[3];
    struct loop loop;
    int order[3];
    int count = 0;

    loop_init(&loop, io);
    sim_attach(io, &loop);
    sim_node_slow_disk(node, slow_us);
    for (int i = 0; i < 3; i++) {
        jobs[i] = (struct job){
            .work = {.run = job_run, .done = job_done},
            .order = order,
            .number = i,
            .count = &count,
        };
        io->ops->work_submit(io, &jobs[i].work);
    }
    while (count < 3)
        sim_run(sim, sim_now_us(sim) + 1);
    *out_us = sim_now_us(sim);
    sim_attach(io, NULL);
    loop_fini(&loop);
    return order[0] == 0 && order[1] == 1;
}

TEST(sim, works_end_in_any_order)
{
    int in_order = 0;
    int64_t us;

    for (uint64_t seed = 0; seed < 100; seed++)
        in_order += is_in_order(seed, 0, &us);
    check(in_order > 2 && in_order < 60); /* One of six, if nothing is preferred. */
}

TEST(sim, a_slow_disk_delays_work)
{
    int64_t quick, slow;
    int64_t longest = 0;

    for (uint64_t seed = 0; seed < 10; seed++) {
        (void)is_in_order(seed, 0, &quick);
        (void)is_in_order(seed, SECOND_US, &slow);
        check(quick < SECOND_US / 5);
        longest = max_of(longest, slow);
    }
    check(longest > SECOND_US / 2);
}

/* What is written between a sync and its end is not covered by it: found out if a program
 * takes its own end at done() for what was synced. */
TEST(sim, a_sync_covers_what_was_written_before_its_moment)
{
    bool lost = false;

    for (uint64_t seed = 1; seed < 30; seed++) {
        struct dialog d;
        struct talker *t = &d.talkers[0];
        const struct io_iov iov = {.data = "x", .size = 1};
        uint64_t syncs;
        uint64_t length;

        dialog_open(&d, &(struct sim_options){.seed = seed});
        syncs = sim_stats(d.sim)->syncs;
        t->is_busy = true;
        t->io->ops->work_submit(t->io, &t->work);
        while (sim_stats(d.sim)->syncs == syncs)
            sim_run(d.sim, sim_now_us(d.sim) + 1);
        check_ok(t->io->ops->file_write(t->io, t->file, 99, &iov, 1));
        sim_node_kill(d.nodes[0], SIM_POWER_LOSS);
        talker_bury(t);
        sim_node_boot(d.nodes[0]);
        talker_init(t, d.nodes[0]);
        check_ok(t->io->ops->file_size(t->io, t->file, &length));
        lost |= length < 100;
        d.sim = sim_destroy(d.sim);
    }
    check(lost);
}

/* --- clocks ------------------------------------------------------------------- */

TEST(sim, wall_clocks_jump_and_monotonic_ones_do_not)
{
    scoped(sim_destroyp) struct sim *sim = sim_create(&(struct sim_options){.seed = 1});
    struct sim_node *node = sim_node_create(sim, "node");
    struct io *io = sim_io_create(node);
    int64_t wall = io_wall_ms(io);
    int64_t monotonic = io_monotonic_us(io);

    sim_run(sim, 5 * SECOND_US);
    check_eq(io_wall_ms(io) - wall, 5000);
    check_eq(io_monotonic_us(io) - monotonic, 5 * SECOND_US);
    sim_node_jump_clock(node, -3600000);
    check_eq(io_wall_ms(io) - wall, 5000 - 3600000);
    check_eq(io_monotonic_us(io) - monotonic, 5 * SECOND_US);
}

TEST(sim, a_paused_node_goes_on_where_it_was)
{
    struct dialog d;
    uint64_t written;

    dialog_open(&d, &(struct sim_options){.seed = 3});
    dialog_run(&d, SECOND_US / 10);
    written = d.talkers[0].written;
    sim_node_pause(d.nodes[0], SECOND_US);
    dialog_run(&d, SECOND_US / 2);
    check_eq(d.talkers[0].written, written);
    dialog_run(&d, SECOND_US);
    check(d.talkers[0].written > written + 10);
    d.sim = sim_destroy(d.sim);
}

/* --- the network -------------------------------------------------------------- */

TEST(sim, what_is_sent_over_a_cut_waits_for_its_end)
{
    struct dialog d;
    uint64_t written;

    dialog_open(&d, &(struct sim_options){.seed = 3});
    dialog_run(&d, SECOND_US / 10);
    sim_cut(d.sim, d.nodes[0], d.nodes[1], true);
    dialog_run(&d, SECOND_US / 10); /* What the talkers have heard is written. */
    written = d.talkers[0].written + d.talkers[1].written;
    dialog_run(&d, SECOND_US);
    check_eq(d.talkers[0].written + d.talkers[1].written, written);
    sim_cut(d.sim, d.nodes[0], d.nodes[1], false);
    dialog_run(&d, SECOND_US);
    check(d.talkers[0].written + d.talkers[1].written > written + 10);
    check(!d.talkers[0].has_ended && !d.talkers[1].has_ended);
    d.sim = sim_destroy(d.sim);
}

TEST(sim, a_reset_ends_both_sides)
{
    struct dialog d;

    dialog_open(&d, &(struct sim_options){.seed = 3});
    dialog_run(&d, SECOND_US / 10);
    check(sim_reset_one(d.nodes[1]));
    dialog_run(&d, SECOND_US / 10);
    check(d.talkers[0].has_ended && d.talkers[1].has_ended);
    check_eq(sim_stats(d.sim)->resets, 1);
    d.sim = sim_destroy(d.sim);
}

/* Sends 6000 bytes and has the connection reset; returns how many arrived before it. */
static size_t count_before_reset(uint64_t seed)
{
    static const uint8_t zeroes[6000];
    uint8_t bytes[sizeof(zeroes)];
    struct dialog d;
    struct talker *from = &d.talkers[0];
    struct talker *to = &d.talkers[1];
    const struct io_iov iov = {.data = zeroes, .size = sizeof(zeroes)};
    size_t count = 0;
    int64_t got;

    dialog_open(&d, &(struct sim_options){.seed = seed});
    io_watch(from->io, &from->watch, 0);
    io_watch(to->io, &to->watch, 0);
    dialog_run(&d, SECOND_US / 10);
    while (to->io->ops->recv(to->io, to->watch.fd, bytes, sizeof(bytes)) > 0)
        continue;
    check(from->io->ops->send(from->io, from->watch.fd, &iov, 1, false) > 0);
    check(sim_reset_one(d.nodes[0]));
    dialog_run(&d, SECOND_US / 10);
    while ((got = to->io->ops->recv(to->io, to->watch.fd, bytes, sizeof(bytes))) > 0)
        count += (size_t)got;
    check_eq(got, -ECONNRESET);
    check_eq(to->io->ops->recv(to->io, to->watch.fd, bytes, sizeof(bytes)), 0);
    d.sim = sim_destroy(d.sim);
    return count;
}

TEST(sim, data_may_be_half_delivered_before_a_reset)
{
    int part = 0;

    for (uint64_t seed = 1; seed <= 50; seed++) {
        size_t count = count_before_reset(seed);

        check(count <= 6000);
        part += count > 0 && count < 6000;
    }
    check(part > 20);
}

TEST(sim, a_node_has_so_many_descriptors_and_no_more)
{
    scoped(sim_destroyp) struct sim *sim = sim_create(&(struct sim_options){.seed = 1});
    struct sim_node *node = sim_node_create(sim, "node");
    struct io *io = sim_io_create(node);
    int fd, other;

    sim_node_limit_files(node, 1);
    check_ok(io->ops->file_open(io, IO_CWD, "f", IO_WRITE | IO_CREATE, &fd));
    check_eq(io->ops->file_open(io, IO_CWD, "g", IO_WRITE | IO_CREATE, &other), -EMFILE);
    check_eq(io->ops->dir_open(io, IO_CWD, ".", &other), -EMFILE);
    io_close(io, &fd);
    check_eq(sim_node_open_files(node), 0);
    check_eq(io->ops->file_open(io, IO_CWD, "g", IO_READ, &other), -ENOENT); /* Not made. */
}

/* --- the rules of io.h -------------------------------------------------------- */

/* Runs `fn` in a process of its own; true if that ended by an abort that names the seed. */
static bool ends_the_run(void (*fn)(struct dialog *d))
{
    char text[200] = "";
    int pipes[2];
    int status;
    pid_t child;

    check_ok(pipe(pipes));
    child = fork();
    if (child == 0) {
        struct dialog d;

        dup2(pipes[1], STDERR_FILENO);
        dialog_open(&d, &(struct sim_options){.seed = 77});
        fn(&d);
        _exit(0);
    }
    close(pipes[1]);
    check(read(pipes[0], text, sizeof(text) - 1) >= 0);
    close(pipes[0]);
    check_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(text, "seed 77");
}

static void nothing_wrong(struct dialog *d)
{
    d->sim = sim_destroy(d->sim);
}

static void close_twice(struct dialog *d)
{
    struct talker *t = &d->talkers[0];

    t->io->ops->close(t->io, t->file);
    t->io->ops->close(t->io, t->file);
}

static void close_of_another_node(struct dialog *d)
{
    d->talkers[0].io->ops->close(d->talkers[0].io, d->talkers[1].file);
}

static void close_while_watched(struct dialog *d)
{
    d->talkers[0].io->ops->close(d->talkers[0].io, d->talkers[0].watch.fd);
}

static void watch_twice(struct dialog *d)
{
    struct io_watch watch = {.ready = talker_ready, .fd = d->talkers[0].watch.fd};

    d->talkers[0].io->ops->watch_set(d->talkers[0].io, &watch, IO_READABLE);
}

static void submit_twice(struct dialog *d)
{
    struct talker *t = &d->talkers[0];

    t->work.is_submitted = false;
    t->io->ops->work_submit(t->io, &t->work);
    t->io->ops->work_submit(t->io, &t->work);
}

static void send_from_another_loop(struct dialog *d)
{
    struct io *other = sim_io_create(d->nodes[0]);
    const struct io_iov iov = {.data = "x", .size = 1};

    (void)!other->ops->send(other, d->talkers[0].watch.fd, &iov, 1, false);
}

static void send_in_work(struct io_work *work, struct io *io)
{
    const struct io_iov iov = {.data = "x", .size = 1};

    (void)!io->ops->send(io, container_of(work, struct talker, work)->watch.fd, &iov, 1, false);
}

static void socket_in_work(struct dialog *d)
{
    struct talker *t = &d->talkers[0];

    t->is_busy = true;
    t->work.run = send_in_work;
    t->work.is_submitted = false;
    t->io->ops->work_submit(t->io, &t->work);
    dialog_run(d, SECOND_US);
}

TEST(sim, a_broken_rule_ends_the_run_and_names_the_seed)
{
    check(!ends_the_run(nothing_wrong));
    check(ends_the_run(close_twice));
    check(ends_the_run(close_of_another_node));
    check(ends_the_run(close_while_watched));
    check(ends_the_run(watch_twice));
    check(ends_the_run(submit_twice));
    check(ends_the_run(send_from_another_loop));
    check(ends_the_run(socket_in_work));
}
