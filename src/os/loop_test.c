/* SPDX-License-Identifier: Apache-2.0 */
#include "os/linux_io.h"
#include "os/loop.h"
#include "os/thread.h"
#include "test/harness/check.h"

/* A world with a clock and nothing else.  poll() moves the clock as far as it was asked
 * to wait. */
struct clock {
    struct io io;
    int64_t now_us;
    int64_t wall_ms;   /* Of the time of day. */
    int64_t waited_us; /* What the last poll() was asked for. */
    int64_t seen_us;   /* What the loop took for the time when poll() called its watches. */
    int polls, wakes;
};

static struct clock *clock_of(struct io *io)
{
    return container_of(io, struct clock, io);
}

static int64_t clock_now(struct io *io)
{
    return clock_of(io)->now_us;
}

static int64_t clock_wall(struct io *io)
{
    return clock_of(io)->wall_ms;
}

static void clock_poll(struct io *io, int64_t timeout_us)
{
    struct clock *clock = clock_of(io);

    clock->polls++;
    clock->waited_us = timeout_us;
    if (timeout_us > 0)
        clock->now_us += timeout_us;
    io_has_waited(io);
    if (io->now_us)
        clock->seen_us = *io->now_us;
}

static void clock_wake(struct io *io)
{
    clock_of(io)->wakes++;
}

static const struct io_ops clock_ops = {
    .monotonic_us = clock_now,
    .wall_ms = clock_wall,
    .poll = clock_poll,
    .wake = clock_wake,
};

/* What happened, as letters, in order. */
struct trace {
    char letters[64];
    size_t count;
};

struct actor {
    struct loop_timer timer;
    struct loop_hook hook;
    struct mail mail;
    struct loop *loop;
    struct trace *trace;
    struct actor *next; /* Whom to set going, and */
    int64_t next_at;    /* ... when. */
    char letter;
};

static void note(struct actor *actor)
{
    struct trace *trace = actor->trace;

    check(trace->count + 1 < sizeof(trace->letters));
    trace->letters[trace->count++] = actor->letter;
}

static void fire(struct loop_timer *timer)
{
    struct actor *actor = container_of(timer, struct actor, timer);

    note(actor);
    if (actor->next)
        loop_timer_set(actor->loop, &actor->next->timer, actor->next_at);
}

static void run(struct loop_hook *hook)
{
    struct actor *actor = container_of(hook, struct actor, hook);

    note(actor);
    if (actor->next)
        loop_hook_ask(actor->loop, &actor->next->hook);
    actor->next = NULL;
}

static void receive(struct mail *mail)
{
    struct actor *actor = container_of(mail, struct actor, mail);

    note(actor);
    if (actor->next)
        loop_hook_ask(actor->loop, &actor->next->hook);
}

static struct actor actor_of(struct loop *loop, struct trace *trace, char letter)
{
    return (struct actor){
        .timer = {.fire = fire},
        .hook = {.run = run},
        .mail = {.receive = receive},
        .loop = loop,
        .trace = trace,
        .letter = letter,
    };
}

struct fixture {
    struct clock clock;
    struct loop loop;
    struct trace trace;
    struct actor a, b, c;
};

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.clock = {.io = {.ops = &clock_ops}, .now_us = 1000}};
    loop_init(&f->loop, &f->clock.io);
    f->a = actor_of(&f->loop, &f->trace, 'a');
    f->b = actor_of(&f->loop, &f->trace, 'b');
    f->c = actor_of(&f->loop, &f->trace, 'c');
}

TEST(loop, timers_fire_in_their_order_and_not_early)
{
    struct fixture f;

    fixture_init(&f);
    loop_timer_set(&f.loop, &f.c.timer, 1300);
    loop_timer_set(&f.loop, &f.a.timer, 1100);
    loop_timer_set(&f.loop, &f.b.timer, 1200);
    loop_turn(&f.loop, 0);
    check_text(f.trace.letters, "");
    loop_turn(&f.loop, -1);
    check_eq(f.clock.waited_us, 100);
    check_text(f.trace.letters, "a");
    f.clock.now_us = 5000;
    loop_turn(&f.loop, -1);
    check_eq(f.clock.waited_us, 0);
    check_text(f.trace.letters, "abc");
    loop_fini(&f.loop);
}

TEST(loop, what_is_called_after_a_wait_knows_how_long_it_was)
{
    struct fixture f;

    fixture_init(&f);
    loop_turn(&f.loop, 700);
    check_eq(f.clock.seen_us, 1700);
    check_eq(f.loop.now_us, 1700);
    loop_fini(&f.loop);
    f.clock.io.ops->poll(&f.clock.io, 0); /* A loop that has gone is not told. */
    check_eq(f.clock.seen_us, 1700);
}

TEST(loop, waits_are_idle_and_the_rest_of_a_turn_is_not)
{
    struct clock clock = {.io = {.ops = &clock_ops}, .now_us = 1000};
    struct loop loop;

    loop_init(&loop, &clock.io);
    clock.now_us += 5000000; /* What is done before the first turn is no turn. */
    loop_turn(&loop, 300);
    check_eq(loop.counts.idle_us, 300);
    check_eq(loop.counts.busy.count, 0);
    clock.now_us += 40; /* As if the turn had taken that. */
    loop_turn(&loop, 200);
    check_eq(loop.counts.idle_us, 500);
    check_eq(loop.counts.busy.count, 1);
    check_eq(loop.counts.busy.sum_us, 40);
    check_eq(loop.counts.stalls, 0);
    clock.now_us += LOOP_STALL_US;
    loop_turn(&loop, 0);
    check_eq(loop.counts.stalls, 1);
    loop_fini(&loop);
}

TEST(loop, a_turn_waits_no_longer_than_it_is_told)
{
    struct fixture f;

    fixture_init(&f);
    loop_turn(&f.loop, -1);
    check_eq(f.clock.waited_us, -1); /* Nothing to wait for but the world. */
    loop_turn(&f.loop, 70);
    check_eq(f.clock.waited_us, 70);
    loop_timer_set(&f.loop, &f.a.timer, f.clock.now_us + 500);
    loop_turn(&f.loop, 70);
    check_eq(f.clock.waited_us, 70);
    loop_timer_cancel(&f.loop, &f.a.timer);
    loop_fini(&f.loop);
}

TEST(loop, a_timer_is_set_once_and_can_be_taken_back)
{
    struct fixture f;

    fixture_init(&f);
    loop_timer_set(&f.loop, &f.a.timer, 1100);
    loop_timer_set(&f.loop, &f.a.timer, 1200); /* Replaces it. */
    loop_timer_set(&f.loop, &f.b.timer, 1100);
    loop_timer_cancel(&f.loop, &f.b.timer);
    loop_timer_cancel(&f.loop, &f.b.timer);
    loop_turn(&f.loop, -1);
    check_eq(f.clock.waited_us, 200);
    check_text(f.trace.letters, "a");
    loop_fini(&f.loop);
}

TEST(loop, a_timer_that_sets_timers_does_not_hold_up_the_turn)
{
    struct fixture f;

    fixture_init(&f);
    f.a.next = &f.a; /* For ever, at once. */
    f.a.next_at = 0;
    loop_timer_set(&f.loop, &f.a.timer, 1000);
    loop_turn(&f.loop, -1);
    check_text(f.trace.letters, "a");
    loop_turn(&f.loop, -1);
    check_eq(f.clock.waited_us, 0);
    check_text(f.trace.letters, "aa");
    loop_timer_cancel(&f.loop, &f.a.timer);
    loop_fini(&f.loop);
}

TEST(loop, hooks_run_once_at_the_end_of_the_turn)
{
    struct fixture f;

    fixture_init(&f);
    loop_hook_ask(&f.loop, &f.b.hook);
    loop_hook_ask(&f.loop, &f.b.hook);
    loop_hook_ask(&f.loop, &f.c.hook);
    loop_hook_cancel(&f.c.hook);
    loop_timer_set(&f.loop, &f.a.timer, 1000);
    loop_turn(&f.loop, -1);
    check_eq(f.clock.waited_us, 0);
    check_text(f.trace.letters, "ab");
    loop_turn(&f.loop, 0);
    check_text(f.trace.letters, "ab");
    loop_fini(&f.loop);
}

TEST(loop, what_a_hook_asks_for_runs_in_the_same_turn)
{
    struct fixture f;

    fixture_init(&f);
    f.a.next = &f.b;
    f.b.next = &f.a;
    loop_hook_ask(&f.loop, &f.a.hook);
    loop_turn(&f.loop, -1);
    check_text(f.trace.letters, "aba");
    loop_fini(&f.loop);
}

TEST(loop, mail_comes_behind_timers_and_before_hooks)
{
    struct fixture f;

    fixture_init(&f);
    mailbox_send(&f.loop.mailbox, &f.b.mail);
    check_eq(f.clock.wakes, 1);
    f.b.next = &f.c;
    loop_timer_set(&f.loop, &f.a.timer, 1000);
    loop_turn(&f.loop, -1);
    check_text(f.trace.letters, "abc");
    loop_fini(&f.loop);
}

TEST(loop, a_loop_does_not_die_with_something_left_to_do)
{
    struct fixture f;

    fixture_init(&f);
    loop_timer_set(&f.loop, &f.a.timer, 1000);
    check_bug(loop_fini(&f.loop));
    loop_timer_cancel(&f.loop, &f.a.timer);
    loop_hook_ask(&f.loop, &f.a.hook);
    check_bug(loop_fini(&f.loop));
    loop_hook_cancel(&f.a.hook);
    loop_fini(&f.loop);
}

static void run_loop(void *context)
{
    loop_run(context);
}

TEST(loop, a_running_loop_is_stopped_from_another_thread)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    struct thread *thread;
    struct loop loop;

    check_ok(linux_io_create(&io));
    loop_init(&loop, io);
    check_ok(thread_start(run_loop, &loop, &thread));
    loop_stop(&loop);
    thread_join(thread);
    loop_fini(&loop);
}

/* From its beginning on a loop knows how far the clock is to be trusted. */
TEST(loop, nothing_ages_by_a_jump_of_the_clock)
{
    struct clock clock = {.io = {.ops = &clock_ops}, .now_us = 5000, .wall_ms = 1000000};
    struct loop loop;

    loop_init(&loop, &clock.io);
    clock.now_us += 20000;
    clock.wall_ms += 20;
    check_eq(loop_age_ms(&loop), 1000020);
    clock.wall_ms += 1000000000;
    check_eq(loop_age_ms(&loop), 1000020);
    loop_fini(&loop);
}
