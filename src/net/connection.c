/* SPDX-License-Identifier: Apache-2.0 */

/* net/connection.c - reading into the shard's scratch, delivering in place.
 *
 * The usual case copies nothing and allocates nothing: a read fills the scratch, whole
 * frames are delivered as slices of it, and if nobody kept a reference the scratch is
 * used again.  Only the part of a frame that is still incomplete moves into a buffer
 * of the connection's own.
 */

#include "net/connection.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <string.h>

enum {
    SCRATCH_SIZE = 256 * 1024,
    INPUT_SIZE_MIN = 4 * 1024,
    RESERVE_FROM = 1024 * 1024,
    PREFIX_SIZE = 4,
    READS_PER_TURN = 4, /* So that one talker does not starve the others. */
    SEND_PIECES_MAX = 64,
    STARVED_RETRY_US = 10 * 1000,
};

/* How often it is looked at the least for a bound of 0. */
static const int64_t IDLE_US_MIN = 1000;

void net_init(struct net *net, struct loop *loop, struct budget *budget, size_t frame_size_max)
{
    *net = (struct net){
        .loop = loop,
        .budget = budget,
        .frame_size_max = frame_size_max,
        .reserve_from = RESERVE_FROM,
        .idle_us = -1,
    };
}

void net_fini(struct net *net)
{
    net->scratch = buf_unref(net->scratch);
}

/* An empty scratch that only we hold. */
static struct buf *scratch_get(struct net *net)
{
    if (net->scratch && atomic_load_explicit(&net->scratch->refs, memory_order_acquire) > 1)
        net->scratch = buf_unref(net->scratch);
    if (!net->scratch)
        net->scratch = buf_create(SCRATCH_SIZE, net->budget);
    net->scratch->size = 0;
    return net->scratch;
}

static uint32_t load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool wants_frames(const struct connection *c)
{
    return !c->is_closing && !c->is_paused;
}

static void watch_update(struct connection *c)
{
    unsigned events = 0;

    if (c->is_closing)
        return;
    if (!c->is_paused && !c->is_starved)
        events |= IO_READABLE;
    if (c->is_blocked)
        events |= IO_WRITABLE;
    io_watch(c->net->loop->io, &c->watch, events);
}

void connection_close(struct connection *c, const char *why, int error)
{
    if (c->is_closing)
        return;
    c->is_closing = true;
    c->close_why = why;
    c->close_error = error;
    io_watch(c->net->loop->io, &c->watch, 0);
    loop_hook_ask(c->net->loop, &c->flush);
}

/* Frees a drained own buffer, and gives back what the frame had reserved. */
static void input_drop(struct connection *c)
{
    c->input = buf_unref(c->input);
    c->input_at = 0;
}

static void release_reserve(struct connection *c)
{
    budget_release(c->net->budget, c->reserved);
    c->reserved = 0;
}

/* Delivers whole frames of bytes[at..]; returns where it stopped.  Closes the
 * connection at a size that cannot be. */
static size_t deliver(struct connection *c, struct buf *holder, size_t at)
{
    c->is_delivering = true;
    while (wants_frames(c) && holder->size - at >= PREFIX_SIZE) {
        uint32_t size = load_u32(holder->bytes + at);

        if (size > c->net->frame_size_max) {
            connection_close(c, "frame size is negative or above socket.request.max.bytes", 0);
            break;
        }
        if (holder->size - at - PREFIX_SIZE < size)
            break;
        release_reserve(c);
        c->net->frames_in++;
        c->events->frame(c, holder, slice_of(holder->bytes + at + PREFIX_SIZE, size));
        at += PREFIX_SIZE + size;
    }
    c->is_delivering = false;
    return at;
}

/* Keeps bytes[at..size] of the scratch for later. */
static void input_keep(struct connection *c, const struct buf *from, size_t at)
{
    size_t left = from->size - at;

    if (left == 0)
        return;
    assert(!c->input);
    c->input = buf_create(max_of(left * 2, (size_t)INPUT_SIZE_MIN), c->net->budget);
    memcpy(c->input->bytes, from->bytes + at, left);
    c->input->size = left;
    c->input_at = 0;
}

/* How large the frame at the head of the own buffer is, with its prefix, if known. */
static size_t frame_span(const struct connection *c)
{
    if (c->input->size - c->input_at < PREFIX_SIZE)
        return 0;
    return PREFIX_SIZE + (size_t)load_u32(c->input->bytes + c->input_at);
}

/* Makes room in the own buffer for more of its frame: it doubles, up to the frame. */
static void input_grow(struct connection *c)
{
    size_t have = c->input->size - c->input_at;
    size_t span = frame_span(c);
    size_t capacity = max_of(have * 2, (size_t)INPUT_SIZE_MIN);
    struct buf *grown;

    if (span > have)
        capacity = min_of(capacity, span);
    if (c->input->size < c->input->capacity)
        return;
    grown = buf_create(capacity, c->net->budget);
    memcpy(grown->bytes, c->input->bytes + c->input_at, have);
    grown->size = have;
    input_drop(c);
    c->input = grown;
}

static void starved_retry(struct loop_timer *timer)
{
    struct connection *c = container_of(timer, struct connection, retry);

    c->is_starved = false;
    watch_update(c);
}

/* A large frame is charged whole before more of it is read. */
static bool reserve(struct connection *c)
{
    size_t span = c->input ? frame_span(c) : 0;

    if (span <= c->net->reserve_from || c->reserved > 0)
        return true;
    if (span > c->net->budget->limit) {
        connection_close(c, "frame is larger than queued.max.request.bytes", 0);
        return false;
    }
    if (budget_charge(c->net->budget, span)) {
        c->is_starved = true;
        loop_timer_set(c->net->loop, &c->retry, c->net->loop->now_us + STARVED_RETRY_US);
        watch_update(c);
        return false;
    }
    c->reserved = span;
    return true;
}

/* One read into `into`; false when there is nothing more to read now. */
static bool read_some(struct connection *c, struct buf *into)
{
    size_t room = into->capacity - into->size;
    int64_t got =
        c->net->loop->io->ops->recv(c->net->loop->io, c->watch.fd, into->bytes + into->size, room);

    if (got == -EAGAIN)
        return false;
    if (got <= 0) {
        connection_close(c, got ? "connection broke" : "peer closed the connection", (int)got);
        return false;
    }
    c->active_us = c->net->loop->now_us;
    into->size += (size_t)got;
    c->net->bytes_in += (uint64_t)got;
    return (size_t)got == room;
}

static bool read_own(struct connection *c)
{
    bool more;

    if (!reserve(c))
        return false;
    input_grow(c);
    more = read_some(c, c->input);
    c->input_at = deliver(c, c->input, c->input_at);
    if (c->input_at == c->input->size)
        input_drop(c);
    return more;
}

static bool read_scratch(struct connection *c)
{
    struct buf *scratch = scratch_get(c->net);
    bool more = read_some(c, scratch);
    size_t at = deliver(c, scratch, 0);

    if (!c->is_closing)
        input_keep(c, scratch, at);
    return more;
}

static bool read_once(struct connection *c)
{
    return c->input ? read_own(c) : read_scratch(c);
}

static void ready(struct io_watch *watch, unsigned events)
{
    struct connection *c = container_of(watch, struct connection, watch);

    if (events & IO_WRITABLE && c->is_blocked) {
        c->is_blocked = false;
        loop_hook_ask(c->net->loop, &c->flush);
    }
    for (int i = 0; i < READS_PER_TURN && events & IO_READABLE; i++)
        if (!wants_frames(c) || c->is_starved || !read_once(c))
            break;
    watch_update(c);
}

/* Marks `sent` bytes of the first outgoing as gone; calls sent() for finished ones. */
static void advance(struct connection *c, size_t sent)
{
    struct list_node *node;

    c->active_us = c->net->loop->now_us;
    c->net->bytes_out += sent;
    while ((node = list_first(&c->outgoings))) {
        struct outgoing *o = container_of(node, struct outgoing, node);

        while (o->at < o->count && sent >= o->pieces[o->at].size - o->done) {
            sent -= o->pieces[o->at].size - o->done;
            o->at++;
            o->done = 0;
        }
        if (o->at < o->count) {
            o->done += sent;
            break;
        }
        list_remove(node);
        o->sent(o, true);
    }
}

/* Gathers pieces of memory, over outgoings, up to the next piece of a file. */
static size_t gather(struct connection *c, struct io_iov *iov, bool *more)
{
    size_t count = 0;

    *more = false;
    list_each (node, &c->outgoings) {
        struct outgoing *o = container_of(node, struct outgoing, node);

        for (size_t i = o->at; i < o->count; i++) {
            const struct piece *p = &o->pieces[i];
            size_t skip = i == o->at ? o->done : 0;

            *more = true; /* Unless we get past everything. */
            if (!p->data || count == SEND_PIECES_MAX)
                return count;
            iov[count++] =
                (struct io_iov){.data = (const uint8_t *)p->data + skip, .size = p->size - skip};
        }
    }
    *more = false;
    return count;
}

static int64_t send_file(struct connection *c)
{
    struct outgoing *o = container_of(list_first(&c->outgoings), struct outgoing, node);
    const struct piece *p = &o->pieces[o->at];
    struct io *io = c->net->loop->io;
    bool more = o->at + 1 < o->count;
    int64_t sent;

    if (p->size == o->done)
        return 0; /* An empty piece. */
    sent =
        io->ops->sendfile(io, c->watch.fd, p->file, p->position + o->done, p->size - o->done, more);
    return sent == 0 ? -EIO : sent; /* The file is shorter than it was: nothing to promise. */
}

/* Writes until everything is gone, the socket is full, or it broke. */
static int flush_all(struct connection *c)
{
    struct io *io = c->net->loop->io;

    while (!list_is_empty(&c->outgoings)) {
        struct io_iov iov[SEND_PIECES_MAX];
        bool more;
        size_t count = gather(c, iov, &more);
        int64_t sent = count ? io->ops->send(io, c->watch.fd, iov, count, more) : send_file(c);

        if (sent < 0)
            return (int)sent;
        advance(c, (size_t)sent);
    }
    return 0;
}

static void drop_outgoings(struct connection *c)
{
    struct list_node *node;

    while ((node = list_pop(&c->outgoings))) {
        struct outgoing *o = container_of(node, struct outgoing, node);

        o->sent(o, false);
    }
}

/* Bytes that came while the owner had paused us. */
static void deliver_kept(struct connection *c)
{
    if (!c->input || c->is_delivering)
        return;
    c->input_at = deliver(c, c->input, c->input_at);
    if (c->input_at == c->input->size)
        input_drop(c);
}

static void flush_hook(struct loop_hook *hook)
{
    struct connection *c = container_of(hook, struct connection, flush);
    bool had_output = !list_is_empty(&c->outgoings);
    int r;

    if (!c->is_closing && !c->is_blocked) {
        r = flush_all(c);
        if (r == -EAGAIN)
            c->is_blocked = true;
        else if (r)
            connection_close(c, "connection broke while sending", r);
        else if (had_output && c->events->drained)
            c->events->drained(c);
    }
    if (c->is_closing) {
        connection_fini(c);
        c->events->closed(c, c->close_why, c->close_error);
        return;
    }
    deliver_kept(c);
    watch_update(c);
}

static bool is_busy(struct connection *c)
{
    return c->is_starved || (c->events->is_busy && c->events->is_busy(c));
}

static void idle_check(struct loop_timer *timer)
{
    struct connection *c = container_of(timer, struct connection, idle);
    int64_t now_us = c->net->loop->now_us;

    if (c->is_closing)
        return;
    if (is_busy(c))
        c->active_us = now_us;
    if (now_us - c->active_us >= c->net->idle_us && now_us > c->active_us)
        connection_close(c, "idle for connections.max.idle.ms", 0);
    else
        loop_timer_set(c->net->loop, timer, c->active_us + max_of(c->net->idle_us, IDLE_US_MIN));
}

void connection_init(struct connection *c, struct net *net, int fd, const struct io_address *peer,
                     const struct connection_events *events)
{
    *c = (struct connection){
        .events = events,
        .net = net,
        .watch = {.ready = ready, .fd = fd},
        .flush = {.run = flush_hook},
        .retry = {.fire = starved_retry},
        .idle = {.fire = idle_check},
        .active_us = net->loop->now_us,
        .peer = *peer,
    };
    list_init(&c->outgoings);
    if (net->idle_us >= 0)
        loop_timer_set(net->loop, &c->idle, c->active_us + max_of(net->idle_us, IDLE_US_MIN));
    watch_update(c);
}

void connection_send(struct connection *c, struct outgoing *outgoing)
{
    assert(outgoing->count > 0);
    outgoing->at = outgoing->done = 0;
    list_push(&c->outgoings, &outgoing->node);
    loop_hook_ask(c->net->loop, &c->flush);
}

void connection_pause(struct connection *c)
{
    c->is_paused = true;
    if (!c->is_delivering)
        watch_update(c);
}

void connection_resume(struct connection *c)
{
    c->is_paused = false;
    loop_hook_ask(c->net->loop, &c->flush); /* Delivers what was kept, then reads. */
}

void connection_fini(struct connection *c)
{
    c->is_closing = true;
    loop_hook_cancel(&c->flush);
    loop_timer_cancel(c->net->loop, &c->retry);
    loop_timer_cancel(c->net->loop, &c->idle);
    io_watch(c->net->loop->io, &c->watch, 0);
    io_close(c->net->loop->io, &c->watch.fd);
    drop_outgoings(c);
    input_drop(c);
    release_reserve(c);
}
