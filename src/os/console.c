/* SPDX-License-Identifier: Apache-2.0 */
#include "os/console.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Whether the kernel can tell when there is something to read.  Asked of a set of our own,
 * since the loop takes a watch that fails for a mistake. */
static bool can_be_watched(int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    int probe = epoll_create1(EPOLL_CLOEXEC);
    bool can = probe >= 0 && epoll_ctl(probe, EPOLL_CTL_ADD, fd, &event) == 0;

    if (probe >= 0)
        close(probe);
    return can;
}

static void stop_reading(struct console_in *in)
{
    if (in->is_watchable)
        io_watch(in->loop->io, &in->watch, 0);
    else
        loop_timer_cancel(in->loop, &in->timer);
}

static void read_piece(struct console_in *in)
{
    ssize_t got = read(in->watch.fd, in->buffer, CONSOLE_PIECE_SIZE);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got > 0) {
        in->events->data(in, slice_of(in->buffer, (size_t)got));
        return;
    }
    stop_reading(in);
    in->has_ended = true;
    in->events->ended(in, got < 0 ? -errno : 0);
}

static void on_ready(struct io_watch *watch, unsigned events)
{
    (void)events;
    read_piece(container_of(watch, struct console_in, watch));
}

static void next_piece(struct console_in *in)
{
    if (!in->is_paused && !in->has_ended && in->buffer)
        loop_timer_set(in->loop, &in->timer, in->loop->now_us);
}

static void on_timer(struct loop_timer *timer)
{
    struct console_in *in = container_of(timer, struct console_in, timer);

    read_piece(in);
    next_piece(in);
}

void console_in_start(struct console_in *in, struct loop *loop, int fd,
                      const struct console_in_events *events)
{
    *in = (struct console_in){
        .loop = loop,
        .events = events,
        .watch = {.ready = on_ready, .fd = fd},
        .timer = {.fire = on_timer},
        .buffer = mem_new(CONSOLE_PIECE_SIZE),
        .is_watchable = can_be_watched(fd),
        .is_paused = true,
    };
    console_in_resume(in);
}

void console_in_pause(struct console_in *in)
{
    in->is_paused = true;
    stop_reading(in);
}

void console_in_resume(struct console_in *in)
{
    in->is_paused = false;
    if (in->has_ended)
        return;
    if (in->is_watchable)
        io_watch(in->loop->io, &in->watch, IO_READABLE);
    else
        next_piece(in);
}

void console_in_fini(struct console_in *in)
{
    if (!in->loop)
        return;
    stop_reading(in);
    in->buffer = mem_free(in->buffer);
    in->loop = NULL;
}

bool console_is_terminal(int fd)
{
    return isatty(fd);
}

/* --- output ------------------------------------------------------------------ */

int console_flush(struct console_out *out)
{
    size_t at = 0;

    while (!out->error && at < out->gathered.size) {
        ssize_t put = write(out->fd, out->gathered.data + at, out->gathered.size - at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            out->error = -errno;
        else
            at += (size_t)put;
    }
    out->gathered.size = 0;
    return out->error;
}

void console_write(struct console_out *out, const void *data, size_t size)
{
    if (out->error)
        return;
    text_add(&out->gathered, data, size);
    if (out->gathered.size >= CONSOLE_FLUSH_AT)
        console_flush(out);
}

void console_printf(struct console_out *out, const char *format, ...)
{
    va_list args;
    char *line = NULL;
    int size;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(size >= 0);
    line = mem_new((size_t)size + 1);
    va_start(args, format);
    vsnprintf(line, (size_t)size + 1, format, args);
    va_end(args);
    console_write(out, line, (size_t)size);
    mem_free(line);
}

void console_out_fini(struct console_out *out)
{
    text_fini(&out->gathered);
}

int console_read_file(const char *path, size_t size_max, struct text *out)
{
    char piece[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 1;
    int r = 0;

    if (fd < 0)
        return err_raise(-errno);
    while (r == 0 && got > 0 && size_max > 0) {
        got = read(fd, piece, min_of(sizeof(piece), size_max));
        if (got > 0) {
            text_add(out, piece, (size_t)got);
            size_max -= (size_t)got;
        } else if (got < 0) {
            r = err_raise(-errno);
        }
    }
    close(fd);
    return r;
}
