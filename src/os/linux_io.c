/* SPDX-License-Identifier: Apache-2.0 */

/* os/linux_io.c - sockets and the wait for them; files are in linux_files.c, workers in
 * linux_work.c.
 *
 * Accepted sockets use the reno congestion control: over loopback it costs half the
 * processor time of bbr, and between machines it is what the kernel falls back to.
 */

#include "os/linux_io.h"

#include "base/err.h"
#include "base/mem.h"
#include "os/linux_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 1024, SEND_IOV_MAX = 64 };

static int64_t monotonic_us(struct io *io)
{
    struct timespec t;

    (void)io;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t wall_ms(struct io *io)
{
    struct timespec t;

    (void)io;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void entropy(struct io *io, void *out, size_t size)
{
    uint8_t *bytes = out;

    (void)io;
    while (size > 0) {
        ssize_t got = getrandom(bytes, size, 0);

        assert(got > 0 || errno == EINTR);
        if (got > 0) {
            bytes += got;
            size -= (size_t)got;
        }
    }
}

/* An address of either family as the kernel wants it. */
static int address_to_kernel(const struct io_address *address, struct sockaddr_storage *out,
                             socklen_t *out_size)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, address->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address->port);
        *out_size = sizeof(*v4);
        return 0;
    }
    if (inet_pton(AF_INET6, address->host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(address->port);
        *out_size = sizeof(*v6);
        return 0;
    }
    return err_raise(-EINVAL);
}

static void address_from_kernel(const struct sockaddr_storage *from, struct io_address *out)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

    *out = (struct io_address){.port = 0};
    if (from->ss_family == AF_INET) {
        inet_ntop(AF_INET, &v4->sin_addr, out->host, sizeof(out->host));
        out->port = ntohs(v4->sin_port);
    } else if (from->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6->sin6_addr, out->host, sizeof(out->host));
        out->port = ntohs(v6->sin6_port);
    }
}

static int op_listen(struct io *io, const struct io_address *address, int *out_fd,
                     struct io_address *out_bound)
{
    struct sockaddr_storage kernel;
    socklen_t size;
    int on = 1;
    int fd;
    int r = address_to_kernel(address, &kernel, &size);

    if (r)
        return err_pass(r);
    fd = socket(kernel.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_raise(-errno);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (kernel.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&kernel, size) || listen(fd, LISTEN_BACKLOG)) {
        r = -errno;
        io_close(io, &fd);
        return err_raise(r);
    }
    size = sizeof(kernel);
    getsockname(fd, (struct sockaddr *)&kernel, &size);
    address_from_kernel(&kernel, out_bound);
    *out_fd = fd;
    return 0;
}

static void socket_tune(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4); /* Best effort. */
}

static int op_accept(struct io *io, int fd, int *out_fd, struct io_address *out_peer)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    int got = accept4(fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)io;
    if (got < 0)
        return -errno; /* -EAGAIN is the usual end of a row: not worth a trace. */
    socket_tune(got);
    address_from_kernel(&peer, out_peer);
    *out_fd = got;
    return 0;
}

static int op_connect(struct io *io, const struct io_address *address, int *out_fd)
{
    struct sockaddr_storage kernel;
    socklen_t size;
    int fd;
    int r = address_to_kernel(address, &kernel, &size);

    if (r)
        return err_pass(r);
    fd = socket(kernel.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_raise(-errno);
    socket_tune(fd);
    if (connect(fd, (struct sockaddr *)&kernel, size) && errno != EINPROGRESS) {
        r = -errno;
        io_close(io, &fd);
        return err_raise(r);
    }
    *out_fd = fd;
    return 0;
}

static int64_t op_recv(struct io *io, int fd, void *out, size_t size)
{
    ssize_t got = recv(fd, out, size, 0);

    (void)io;
    return got < 0 ? (errno == EINTR ? -EAGAIN : -errno) : got;
}

static int64_t op_send(struct io *io, int fd, const struct io_iov *iov, size_t count, bool more)
{
    struct iovec kernel[SEND_IOV_MAX];
    struct msghdr message = {.msg_iov = kernel};
    ssize_t sent;

    (void)io;
    count = min_of(count, (size_t)SEND_IOV_MAX);
    for (size_t i = 0; i < count; i++)
        kernel[i] =
            (struct iovec){.iov_base = (void *)(uintptr_t)iov[i].data, .iov_len = iov[i].size};
    message.msg_iovlen = count;
    sent = sendmsg(fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    return sent < 0 ? (errno == EINTR ? -EAGAIN : -errno) : sent;
}

static int64_t op_sendfile(struct io *io, int fd, int file, uint64_t at, size_t size, bool more)
{
    off_t offset = (off_t)at;
    ssize_t sent = sendfile(fd, file, &offset, size);

    (void)io;
    (void)more; /* sendfile() corks by itself up to the end of its range. */
    return sent < 0 ? (errno == EINTR ? -EAGAIN : -errno) : sent;
}

/* A watch that is removed while the batch it is in is being delivered is not called
 * any more. */
static void forget_pending(struct linux_io *world, const struct io_watch *watch)
{
    for (int i = 0; i < world->event_count; i++)
        if (world->events[i].data.ptr == watch)
            world->events[i].data.ptr = NULL;
}

static void op_watch_set(struct io *io, struct io_watch *watch, unsigned events)
{
    struct linux_io *world = linux_io_of(io);
    struct epoll_event event = {.data.ptr = watch};
    int op = !watch->events ? EPOLL_CTL_ADD : !events ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

    if (watch->events == events)
        return;
    event.events = (events & IO_READABLE ? EPOLLIN : 0) | (events & IO_WRITABLE ? EPOLLOUT : 0);
    if (epoll_ctl(world->epoll, op, watch->fd, &event))
        bug("a watch is not set on an open socket, by its owner", __FILE__, __LINE__);
    watch->events = events;
    if (!events)
        forget_pending(world, watch);
}

static int timeout_ms(int64_t timeout_us)
{
    if (timeout_us < 0)
        return -1;
    return (int)min_of((timeout_us + 999) / 1000, (int64_t)INT_MAX);
}

static void op_poll(struct io *io, int64_t timeout_us)
{
    struct linux_io *world = linux_io_of(io);
    int count;

    count = epoll_wait(world->epoll, world->events, LINUX_EVENTS_MAX, timeout_ms(timeout_us));
    io_has_waited(io);
    world->event_count = max_of(count, 0);
    for (int i = 0; i < world->event_count; i++) {
        struct io_watch *watch = world->events[i].data.ptr;
        unsigned kernel = world->events[i].events;
        unsigned ready = 0;

        if (!watch)
            continue;
        if (kernel & (EPOLLIN | EPOLLHUP | EPOLLERR))
            ready |= IO_READABLE;
        if (kernel & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            ready |= IO_WRITABLE;
        watch->ready(watch, ready);
    }
    world->event_count = 0;
    linux_work_deliver(world);
}

static void op_wake(struct io *io)
{
    uint64_t one = 1;

    if (write(linux_io_of(io)->wake.fd, &one, sizeof(one)) < 0)
        assert(errno == EAGAIN); /* Full: it is awake already. */
}

static void woken(struct io_watch *watch, unsigned events)
{
    uint64_t count;

    (void)events;
    if (read(watch->fd, &count, sizeof(count)) < 0)
        assert(errno == EAGAIN);
}

static const struct io_ops linux_ops = {
    .monotonic_us = monotonic_us,
    .wall_ms = wall_ms,
    .entropy = entropy,
    LINUX_FILE_OPS,
    .listen = op_listen,
    .accept = op_accept,
    .connect = op_connect,
    .recv = op_recv,
    .send = op_send,
    .sendfile = op_sendfile,
    .watch_set = op_watch_set,
    .work_submit = linux_work_submit,
    .poll = op_poll,
    .wake = op_wake,
};

int linux_io_create(struct io **out)
{
    struct linux_io *world = mem_new(sizeof(*world));

    world->io.ops = &linux_ops;
    world->epoll = epoll_create1(EPOLL_CLOEXEC);
    world->wake = (struct io_watch){
        .ready = woken,
        .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
    };
    if (world->epoll < 0 || world->wake.fd < 0) {
        int r = -errno;

        io_close(&world->io, &world->epoll);
        io_close(&world->io, &world->wake.fd);
        mem_free(world);
        return err_raise(r);
    }
    linux_work_init(world);
    op_watch_set(&world->io, &world->wake, IO_READABLE);
    *out = &world->io;
    return 0;
}

struct io *linux_io_destroy(struct io *io)
{
    struct linux_io *world;

    if (!io)
        return NULL;
    world = linux_io_of(io);
    linux_work_fini(world);
    io_close(io, &world->wake.fd);
    io_close(io, &world->epoll);
    mem_free(world);
    return NULL;
}
