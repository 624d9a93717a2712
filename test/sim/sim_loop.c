/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/sim_loop.c - the world as one loop sees it: clocks, readiness, work. */

#include "base/mem.h"
#include "test/sim/sim_internal.h"

#include <stdatomic.h>

enum {
    TURN_US = 20, /* From something due to the turn, typically. */
    WORK_US = 60, /* From submit to run, and from run to done. */
    SPURIOUS_PERCENT = 1,
};

/* --- clocks and chance ------------------------------------------------------ */

static int64_t node_monotonic_us(const struct sim_node *node)
{
    return node->monotonic_base_us + node->sim->now_us;
}

static int64_t op_monotonic_us(struct io *io)
{
    return node_monotonic_us(sim_io_of(io)->node);
}

static int64_t op_wall_ms(struct io *io)
{
    const struct sim_node *node = sim_io_of(io)->node;

    return node->machine->wall_base_ms + node->sim->now_us / 1000;
}

static void op_entropy(struct io *io, void *out, size_t size)
{
    struct sim_node *node = sim_io_of(io)->node;
    uint8_t *bytes = out;

    sim_trace(node->sim, TRACE_ENTROPY, node, (int64_t)size, 0, 0);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)rng_next(&node->entropy);
}

/* --- when to turn ----------------------------------------------------------- */

static bool has_ready_watch(const struct sim_io *io)
{
    list_each (node, &io->watched)
        if (sim_ready_of(node))
            return true;
    return false;
}

static bool is_due(const struct sim_io *io)
{
    return io->is_woken || io->finished || has_ready_watch(io);
}

void sim_io_reschedule(struct sim_io *io)
{
    struct sim *sim = io->node->sim;
    const struct heap_node *timer;
    int64_t at = sim->now_us;

    if (io->is_dead || !io->loop)
        return;
    timer = heap_first(&io->loop->timers);
    if (!is_due(io) && list_is_empty(&io->loop->hooks)) {
        if (!timer)
            return;
        at = max_of(at, timer->key - io->node->monotonic_base_us);
    }
    if (io->turn.node.linked && io->turn.node.key <= at + TURN_US)
        return; /* Soon enough as it is. */
    sim_event_set(sim, &io->turn, at + sim_delay_us(sim, TURN_US));
}

void sim_io_wake(struct sim_io *io)
{
    io->is_woken = true;
    sim_io_reschedule(io);
}

static void op_wake(struct io *io)
{
    if (!sim_io_of(io)->is_dead)
        sim_io_wake(sim_io_of(io));
}

static void turn(struct sim *sim, struct sim_event *event)
{
    struct sim_io *io = container_of(event, struct sim_io, turn);

    sim->is_touched = false;
    if (!io->loop || io->is_polling)
        return;
    if (sim->now_us < io->node->paused_until_us) {
        sim_event_set(sim, event, io->node->paused_until_us + sim_delay_us(sim, TURN_US));
        return;
    }
    sim->stats.turns++;
    sim->turning = io;
    loop_turn(io->loop, 0);
    sim->turning = NULL;
    sim_io_reschedule(io);
}

/* --- poll ------------------------------------------------------------------- */

void sim_forget_pending(struct sim_io *io, const struct io_watch *watch)
{
    for (size_t i = 0; i < io->batch_count; i++)
        if (io->batch[i] == watch)
            io->batch[i] = NULL;
}

struct ready {
    struct io_watch *watch;
    unsigned events;
};

/* Now and then a socket is said to be ready that is not: the kernel does so too. */
static unsigned ready_now(struct sim_io *io, struct list_node *node)
{
    unsigned events = sim_ready_of(node);
    struct sim *sim = io->node->sim;

    if (!events && !sim->options.is_calm && rng_chance(&sim->rng, SPURIOUS_PERCENT))
        events = sim_watch_of(node)->events & IO_READABLE;
    return events;
}

static size_t gather(struct sim_io *io, unsigned **out_events)
{
    struct sim *sim = io->node->sim;
    unsigned *events = NULL;
    size_t count = 0;

    list_each (node, &io->watched) {
        unsigned ready = ready_now(io, node);
        size_t at;

        if (!ready)
            continue;
        at = (size_t)rng_below(&sim->rng, count + 1); /* Any order. */
        io->batch = mem_resize(io->batch, count + 1, sizeof(struct io_watch *));
        events = mem_resize(events, count + 1, sizeof(*events));
        io->batch[count] = io->batch[at];
        events[count] = events[at];
        io->batch[at] = sim_watch_of(node);
        events[at] = ready;
        count++;
    }
    *out_events = events;
    return count;
}

static void deliver_ready(struct sim_io *io)
{
    unsigned *events;

    io->batch_count = gather(io, &events);
    sim_trace(io->node->sim, TRACE_TURN, io->node, (int64_t)io->batch_count, 0, 0);
    for (size_t i = 0; i < io->batch_count; i++) {
        struct io_watch *watch = io->batch[i];

        if (!watch || io->is_dead)
            continue;
        sim_trace(io->node->sim, TRACE_READY, io->node, watch->fd, events[i], 0);
        watch->ready(watch, events[i]);
    }
    io->batch_count = 0;
    io->batch = mem_free(io->batch);
    mem_free(events);
}

static void deliver_finished(struct sim_io *io)
{
    struct io_work *work = io->finished;
    bool was_dead = io->is_dead;

    io->finished = NULL;
    io->finished_tail = &io->finished;
    while (work) {
        struct io_work *next = work->next;

        if (io->is_dead && !was_dead) { /* The others are left to the owner. */
            io->finished = work;
            return;
        }
        work->is_submitted = false;
        work->done(work, &io->io);
        work = next;
    }
}

static bool is_due_now(void *context)
{
    return is_due(context);
}

/* --- work ------------------------------------------------------------------- */

static int64_t work_delay(struct sim_io *io)
{
    struct sim *sim = io->node->sim;
    int64_t slow = io->node->machine->slow_us;

    return sim_delay_us(sim, WORK_US) + (int64_t)rng_below(&sim->rng, (uint64_t)slow + 1);
}

static void work_finished(struct sim_io *io, struct sim_work *entry)
{
    sim_trace(io->node->sim, TRACE_WORK_DONE, io->node, 0, 0, 0);
    entry->work->next = NULL;
    *io->finished_tail = entry->work;
    io->finished_tail = &entry->work->next;
    mem_free(entry);
    sim_io_reschedule(io);
}

/* Runs it, on a worker that does not share the loop's time. */
static void work_call(struct sim_io *io, struct io_work *work)
{
    struct sim *sim = io->node->sim;

    sim->is_working = true;
    sim->work_cost_us = 0;
    sim->stats.works++;
    work->run(work, &io->io);
    sim->is_working = false;
}

/* The run may be what kills the node; what is left of the work is then its owner's. */
static void work_run(struct sim_io *io, struct sim_work *entry)
{
    struct sim *sim = io->node->sim;

    entry->has_run = true;
    work_call(io, entry->work);
    list_push(&io->works, &entry->node);
    if (io->is_dead)
        return;
    sim_trace(sim, TRACE_WORK_RUN, io->node, sim->work_cost_us, 0, 0);
    sim_event_set(sim, &entry->event, sim->now_us + sim->work_cost_us + work_delay(io));
}

static void work_step(struct sim *sim, struct sim_event *event)
{
    struct sim_work *entry = container_of(event, struct sim_work, event);
    struct sim_io *io = entry->io;

    sim->is_touched = false;
    if (sim->now_us < io->node->paused_until_us) {
        sim_event_set(sim, event, io->node->paused_until_us + work_delay(io));
        return;
    }
    list_remove(&entry->node);
    if (entry->has_run)
        work_finished(io, entry);
    else
        work_run(io, entry);
}

static void op_work_submit(struct io *io, struct io_work *work)
{
    struct sim_io *self = sim_io_of(io);
    struct sim *sim = self->node->sim;
    struct sim_work *entry;

    sim_assert(sim, !work->is_submitted);
    sim_assert(sim, work->run && work->done);
    sim_assert(sim, !sim->is_working);
    work->is_submitted = true;
    entry = mem_new(sizeof(*entry));
    *entry = (struct sim_work){.event = {.fire = work_step}, .io = self, .work = work};
    list_push(&self->works, &entry->node);
    if (!self->is_dead)
        sim_event_set(sim, &entry->event, sim->now_us + work_delay(self));
}

/* Whoever frees the memory of a dead process may wait for its work: that ends now.  What
 * had not run yet runs into a disk that is not there. */
static void deliver_to_the_dead(struct sim_io *io)
{
    struct list_node *node;

    while ((node = list_pop(&io->works))) {
        struct sim_work *entry = container_of(node, struct sim_work, node);
        struct io_work *work = entry->work;

        if (!entry->has_run)
            work_call(io, work);
        mem_free(entry);
        work->is_submitted = false;
        work->done(work, &io->io);
    }
}

/* Called from a turn it waits for nothing.  Called by a test that turns the loop itself,
 * the world goes on meanwhile. */
static void op_poll(struct io *io, int64_t timeout_us)
{
    struct sim_io *self = sim_io_of(io);
    struct sim *sim = self->node->sim;

    if (self->is_dead) {
        deliver_to_the_dead(self);
        deliver_finished(self);
        return;
    }
    if (sim->turning != self && timeout_us != 0) {
        int64_t until = timeout_us < 0 ? INT64_MAX : sim->now_us + timeout_us;

        sim_assert(sim, !sim->turning);
        self->is_polling = true;
        if (!sim_run_until(sim, until, is_due_now, self))
            sim_assert(sim, timeout_us > 0); /* Else it would wait for ever. */
        self->is_polling = false;
    }
    self->is_woken = false;
    io_has_waited(io);
    deliver_ready(self);
    deliver_finished(self);
}

/* --- life and death --------------------------------------------------------- */

const struct io_ops sim_ops = {
    .monotonic_us = op_monotonic_us,
    .wall_ms = op_wall_ms,
    .entropy = op_entropy,
    .dir_open = sim_dir_open,
    .dir_create = sim_dir_create,
    .dir_remove = sim_dir_remove,
    .dir_list = sim_dir_list,
    .dir_sync = sim_dir_sync,
    .dir_space = sim_dir_space,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .file_open = sim_file_open,
    .file_size = sim_file_size,
    .file_time = sim_file_time,
    .file_read = sim_file_read,
    .file_write = sim_file_write,
    .file_truncate = sim_file_truncate,
    .file_sync = sim_file_sync,
    .file_refresh = sim_file_refresh,
    .file_lock = sim_file_lock,
    .close = sim_close,
    .listen = sim_listen,
    .accept = sim_accept,
    .connect = sim_connect,
    .recv = sim_recv,
    .send = sim_send,
    .sendfile = sim_sendfile,
    .watch_set = sim_watch_set,
    .work_submit = op_work_submit,
    .poll = op_poll,
    .wake = op_wake,
};

struct io *sim_io_create(struct sim_node *node)
{
    struct sim_io *io = mem_new(sizeof(*io));

    assert(node->is_up);
    io->io.ops = &sim_ops;
    io->node = node;
    io->finished_tail = &io->finished;
    io->turn.fire = turn;
    list_init(&io->watched);
    list_init(&io->works);
    list_push(&node->ios, &io->member);
    return &io->io;
}

void sim_io_die(struct sim_io *io)
{
    struct sim *sim = io->node->sim;
    struct list_node *node;

    if (io->is_dead)
        return;
    io->is_dead = true;
    sim_event_cancel(sim, &io->turn);
    while ((node = list_first(&io->watched)))
        sim_watch_drop(node);
    list_each (work, &io->works)
        sim_event_cancel(sim, &container_of(work, struct sim_work, node)->event);
}

struct io *sim_io_destroy(struct io *io)
{
    struct list_node *node;
    struct sim_io *self;
    struct sim *sim;

    if (!io)
        return NULL;
    self = sim_io_of(io);
    sim = self->node->sim;
    sim_assert(sim, self->is_dead || list_is_empty(&self->watched));
    sim_assert(sim, self->is_dead || list_is_empty(&self->works));
    sim_event_cancel(sim, &self->turn);
    while ((node = list_pop(&self->works)))
        mem_free(container_of(node, struct sim_work, node));
    list_remove(&self->member);
    mem_free(self);
    return NULL;
}

void sim_attach(struct io *io, struct loop *loop)
{
    struct sim_io *self = sim_io_of(io);

    assert(!loop || loop->io == io);
    self->loop = loop;
    if (loop)
        sim_io_reschedule(self);
    else
        sim_event_cancel(self->node->sim, &self->turn);
}
