/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"

#include "base/err.h"

#include <errno.h>

enum { ACCEPTS_PER_TURN = 64, RETRY_US = 50 * 1000 };

static void ready(struct io_watch *watch, unsigned events)
{
    struct listener *listener = container_of(watch, struct listener, watch);
    struct io *io = listener->loop->io;

    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN && listener->watch.fd >= 0 && !listener->is_held; i++) {
        struct io_address peer;
        int fd;
        int r = io->ops->accept(io, listener->watch.fd, &fd, &peer);

        if (r == -EAGAIN)
            return;
        if (r) { /* Out of descriptors, mostly: the socket stays readable, so look away. */
            io_watch(io, watch, 0);
            loop_timer_set(listener->loop, &listener->retry, listener->loop->now_us + RETRY_US);
            return;
        }
        listener->accepted(listener, fd, &peer);
    }
}

static void watch_update(struct listener *listener)
{
    io_watch(listener->loop->io, &listener->watch, listener->is_held ? 0 : IO_READABLE);
}

static void retry(struct loop_timer *timer)
{
    struct listener *listener = container_of(timer, struct listener, retry);

    watch_update(listener);
}

void listener_hold(struct listener *listener, bool is_held)
{
    if (listener->is_held == is_held || listener->watch.fd < 0)
        return;
    listener->is_held = is_held;
    watch_update(listener);
}

int listener_open(struct listener *listener, struct loop *loop, const struct io_address *address,
                  void (*accepted)(struct listener *listener, int fd,
                                   const struct io_address *peer))
{
    int fd;
    int r;

    *listener = (struct listener){
        .loop = loop,
        .watch = {.ready = ready, .fd = -1},
        .retry = {.fire = retry},
        .accepted = accepted,
    };
    r = loop->io->ops->listen(loop->io, address, &fd, &listener->bound);
    if (r)
        return err_pass(r);
    listener->watch.fd = fd;
    watch_update(listener);
    return 0;
}

void listener_close(struct listener *listener)
{
    if (!listener->loop || listener->watch.fd < 0)
        return;
    loop_timer_cancel(listener->loop, &listener->retry);
    io_watch(listener->loop->io, &listener->watch, 0);
    io_close(listener->loop->io, &listener->watch.fd);
}
