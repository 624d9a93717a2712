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
    for (int i = 0; i < ACCEPTS_PER_TURN && listener->watch.fd >= 0; i++) {
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

static void retry(struct loop_timer *timer)
{
    struct listener *listener = container_of(timer, struct listener, retry);

    io_watch(listener->loop->io, &listener->watch, IO_READABLE);
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
    io_watch(loop->io, &listener->watch, IO_READABLE);
    return 0;
}

void listener_hold(struct listener *listener)
{
    loop_timer_cancel(listener->loop, &listener->retry);
    io_watch(listener->loop->io, &listener->watch, 0);
}

void listener_release(struct listener *listener)
{
    io_watch(listener->loop->io, &listener->watch, IO_READABLE);
}

void listener_close(struct listener *listener)
{
    if (!listener->loop || listener->watch.fd < 0)
        return;
    loop_timer_cancel(listener->loop, &listener->retry);
    io_watch(listener->loop->io, &listener->watch, 0);
    io_close(listener->loop->io, &listener->watch.fd);
}
