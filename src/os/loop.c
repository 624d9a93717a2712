/* SPDX-License-Identifier: Apache-2.0 */
#include "os/loop.h"

#include <stdatomic.h>

void loop_init(struct loop *loop, struct io *io)
{
    *loop = (struct loop){.io = io, .woken_us = -1};
    heap_init(&loop->timers);
    list_init(&loop->hooks);
    mailbox_init(&loop->mailbox, io);
    loop->now_us = io_monotonic_us(io);
    io->now_us = &loop->now_us;
    (void)loop_age_ms(loop); /* A jump is one from here on. */
}

void loop_fini(struct loop *loop)
{
    assert(!heap_first(&loop->timers));
    assert(list_is_empty(&loop->hooks));
    if (loop->io->now_us == &loop->now_us)
        loop->io->now_us = NULL;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_us)
{
    assert(timer->fire);
    heap_remove(&loop->timers, &timer->node);
    heap_put(&loop->timers, &timer->node, at_us);
}

void loop_timer_cancel(struct loop *loop, struct loop_timer *timer)
{
    heap_remove(&loop->timers, &timer->node);
}

void loop_hook_ask(struct loop *loop, struct loop_hook *hook)
{
    if (!list_node_is_linked(&hook->node))
        list_push(&loop->hooks, &hook->node);
}

void loop_hook_cancel(struct loop_hook *hook)
{
    list_remove(&hook->node);
}

static int64_t wait_for(const struct loop *loop, int64_t wait_us, int64_t now_us)
{
    const struct heap_node *first = heap_first(&loop->timers);
    int64_t until;

    if (!list_is_empty(&loop->hooks))
        return 0;
    if (!first)
        return wait_us;
    until = max_of(first->key - now_us, (int64_t)0);
    return wait_us < 0 ? until : min_of(until, wait_us);
}

/* Timers set by a timer for now or earlier wait for the next turn, so that a turn
 * ends. */
static void run_timers(struct loop *loop)
{
    uint64_t puts = loop->timers.puts;
    struct heap_node *first;

    while ((first = heap_first(&loop->timers)) && first->key <= loop->now_us &&
           first->order < puts) {
        struct loop_timer *timer = container_of(first, struct loop_timer, node);

        heap_remove(&loop->timers, first);
        timer->fire(timer);
    }
}

/* A hook may ask for others, and for itself: those run in this turn too, until none
 * is left, since they are the last step before the answers go out. */
static void run_hooks(struct loop *loop)
{
    struct list_node *node;

    while ((node = list_pop(&loop->hooks))) {
        struct loop_hook *hook = container_of(node, struct loop_hook, node);

        hook->run(hook);
    }
}

/* The turn before ends where this one begins. */
static void count_turn(struct loop *loop, int64_t begun_us)
{
    int64_t busy_us = begun_us - loop->woken_us;

    if (loop->woken_us < 0)
        return; /* What was done before the loop turned. */
    metric_observe(&loop->counts.busy, busy_us);
    loop->counts.stalls += busy_us >= LOOP_STALL_US;
}

void loop_turn(struct loop *loop, int64_t wait_us)
{
    int64_t begun_us = io_monotonic_us(loop->io);

    count_turn(loop, begun_us);
    loop->io->ops->poll(loop->io, wait_for(loop, wait_us, begun_us));
    loop->woken_us = max_of(loop->now_us, begun_us); /* As poll() has noted it. */
    loop->counts.idle_us += loop->woken_us - begun_us;
    loop->now_us = io_monotonic_us(loop->io);
    run_timers(loop);
    (void)mailbox_receive(&loop->mailbox);
    run_hooks(loop);
}

int64_t loop_age_ms(struct loop *loop)
{
    return age_clock_now(&loop->ages, io_wall_ms(loop->io), io_monotonic_us(loop->io) / 1000);
}

void loop_run(struct loop *loop)
{
    while (!atomic_load_explicit(&loop->is_stopping, memory_order_acquire))
        loop_turn(loop, -1);
}

void loop_stop(struct loop *loop)
{
    atomic_store_explicit(&loop->is_stopping, true, memory_order_release);
    loop->io->ops->wake(loop->io);
}
