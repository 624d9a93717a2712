/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"
#include "os/linux_io.h"
#include "test/harness/check.h"

#include <errno.h>
#include <sys/resource.h>

enum { PATIENCE_US = 20 * 1000 * 1000, CLIENTS_MAX = 200 };

static const struct io_address loopback = {.host = "127.0.0.1"};

struct fixture {
    struct io *io;
    struct loop loop;
    struct listener listener;
    int clients[CLIENTS_MAX], accepted[CLIENTS_MAX];
    int client_count, accepted_count;
    int close_after; /* Closes the listener at this many; 0: never. */
    int hold_after;  /* Holds it at this many; 0: never. */
    int64_t end_us;
};

static void on_accepted(struct listener *listener, int fd, const struct io_address *peer)
{
    struct fixture *f = container_of(listener, struct fixture, listener);

    check_text(peer->host, "127.0.0.1");
    check(f->accepted_count < CLIENTS_MAX);
    f->accepted[f->accepted_count++] = fd;
    if (f->accepted_count == f->close_after)
        listener_close(listener);
    if (f->accepted_count == f->hold_after)
        listener_hold(listener, true);
}

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.io = NULL};
    check_ok(linux_io_create(&f->io));
    loop_init(&f->loop, f->io);
    f->end_us = io_monotonic_us(f->io) + PATIENCE_US;
    check_ok(listener_open(&f->listener, &f->loop, &loopback, on_accepted));
}

static void fixture_fini(struct fixture *f)
{
    for (int i = 0; i < f->client_count; i++)
        io_close(f->io, &f->clients[i]);
    for (int i = 0; i < f->accepted_count; i++)
        io_close(f->io, &f->accepted[i]);
    listener_close(&f->listener);
    listener_close(&f->listener); /* Once more does no harm. */
    loop_fini(&f->loop);
    linux_io_destroy(f->io);
}

static void connect_clients(struct fixture *f, int count)
{
    for (int i = 0; i < count; i++)
        check_ok(f->io->ops->connect(f->io, &f->listener.bound, &f->clients[f->client_count++]));
}

static bool turn(struct fixture *f)
{
    loop_turn(&f->loop, 100 * 1000);
    return io_monotonic_us(f->io) < f->end_us;
}

TEST(listener, everybody_who_connects_is_accepted)
{
    struct fixture f;

    fixture_init(&f);
    check(f.listener.bound.port > 0);
    connect_clients(&f, CLIENTS_MAX);
    while (f.accepted_count < CLIENTS_MAX && turn(&f))
        ;
    check_eq(f.accepted_count, CLIENTS_MAX);
    fixture_fini(&f);
}

TEST(listener, a_closed_one_accepts_nobody)
{
    struct fixture f;
    int fd = -1;
    int r;

    fixture_init(&f);
    listener_close(&f.listener);
    r = f.io->ops->connect(f.io, &f.listener.bound, &fd);
    loop_turn(&f.loop, 10 * 1000);
    check_eq(f.accepted_count, 0);
    check(r == 0 || r == -ECONNREFUSED);
    io_close(f.io, &fd);
    fixture_fini(&f);
}

TEST(listener, it_may_be_closed_while_it_accepts)
{
    struct fixture f;

    fixture_init(&f);
    f.close_after = 2;
    connect_clients(&f, 5);
    while (f.accepted_count < 2 && turn(&f))
        ;
    loop_turn(&f.loop, 10 * 1000);
    check_eq(f.accepted_count, 2);
    fixture_fini(&f);
}

TEST(listener, who_connects_to_a_held_one_waits)
{
    struct fixture f;

    fixture_init(&f);
    f.hold_after = 2;
    connect_clients(&f, 5);
    while (f.accepted_count < 2 && turn(&f))
        ;
    loop_turn(&f.loop, 10 * 1000);
    loop_turn(&f.loop, 10 * 1000);
    check_eq(f.accepted_count, 2);
    listener_hold(&f.listener, false);
    while (f.accepted_count < 5 && turn(&f))
        ;
    check_eq(f.accepted_count, 5);
    fixture_fini(&f);
}

TEST(listener, an_address_that_is_taken_is_an_error)
{
    struct fixture f;
    struct listener second;

    fixture_init(&f);
    check_eq(listener_open(&second, &f.loop, &f.listener.bound, on_accepted), -EADDRINUSE);
    listener_close(&second);
    fixture_fini(&f);
}

/* Without descriptors nobody can be accepted; that must not keep the loop spinning, and
 * must pass when there are some again. */
TEST(listener, a_lack_of_descriptors_is_waited_out)
{
    struct rlimit before, none;
    struct fixture f;
    int turns = 0;
    int64_t start_us;

    fixture_init(&f);
    connect_clients(&f, 3);
    check_ok(getrlimit(RLIMIT_NOFILE, &before));
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
    check_ok(setrlimit(RLIMIT_NOFILE, &none));
    start_us = io_monotonic_us(f.io);
    for (; io_monotonic_us(f.io) - start_us < 300 * 1000; turns++)
        loop_turn(&f.loop, 300 * 1000);
    check_ok(setrlimit(RLIMIT_NOFILE, &before));
    check_eq(f.accepted_count, 0);
    check(turns < 30);
    while (f.accepted_count < 3 && turn(&f))
        ;
    check_eq(f.accepted_count, 3);
    fixture_fini(&f);
}
