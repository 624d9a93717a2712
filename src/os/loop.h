/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/loop.h - one thread's turn of the wheel.
 *
 * A turn: the io tells what is ready, due timers run, mail from other loops is
 * received, then the hooks that were asked for run once ("everything that arrived in
 * this turn is written together").  All callbacks of a shard happen inside
 * loop_turn().
 *
 * A real shard calls loop_run().  The simulator calls loop_turn() itself, whenever
 * one of the node's events is due.
 *
 * Threading: the owner's thread, except loop_stop() and mailbox_send().
 * Errors:    none.
 */

#include "base/age_clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/metric.h"
#include "os/io.h"
#include "os/mailbox.h"

/* How its time goes. */
struct loop_counts {
    int64_t idle_us;              /* Spent waiting. */
    uint64_t stalls;              /* Turns that took LOOP_STALL_US or longer. */
    struct metric_histogram busy; /* What each turn took without its wait. */
};

enum { LOOP_STALL_US = 100 * 1000 };

struct loop {
    struct io *io; /* Borrowed: outlives the loop. */
    struct heap timers;
    struct list hooks;      /* struct loop_hook, asked for in this turn. */
    struct mailbox mailbox; /* Where other loops send. */
    int64_t now_us;         /* Monotonic, read when the turn's wait is over. */
    struct age_clock ages;  /* By which things are old; see loop_age_ms(). */
    int64_t woken_us;       /* When the wait of this turn was over; below 0 before the first. */
    struct loop_counts counts;
    _Atomic bool is_stopping;
};

/* Something to do at a time.  Embedded in its owner, which cancels it before it dies. */
struct loop_timer {
    void (*fire)(struct loop_timer *timer);
    struct heap_node node;
};

/* Something to do once at the end of this turn.  Embedded in its owner. */
struct loop_hook {
    void (*run)(struct loop_hook *hook);
    struct list_node node;
};

/* Makes a loop on `io`. */
void loop_init(struct loop *loop, struct io *io);

/* Asserts that no timer or hook is left. */
void loop_fini(struct loop *loop);

/* Sets `timer` to fire at `at_us` (monotonic), replacing an earlier setting. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_us);

/* Takes the timer back; one that is not set is left alone. */
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer);

/* Runs `hook` once at the end of this turn (or of the next, outside a turn). */
void loop_hook_ask(struct loop *loop, struct loop_hook *hook);

/* Takes the hook back; one that is not asked for is left alone. */
void loop_hook_cancel(struct loop_hook *hook);

/* One turn; waits at most until the next timer and at most `wait_us` (-1: no bound). */
void loop_turn(struct loop *loop, int64_t wait_us);

/* The time of day in ms, for deleting what is old: less than the clock says while that is not to
 * be trusted (base/age_clock.h). */
int64_t loop_age_ms(struct loop *loop);

/* Turns until loop_stop(). */
void loop_run(struct loop *loop);

/* Makes loop_run() return after its turn.  Any thread. */
void loop_stop(struct loop *loop);
