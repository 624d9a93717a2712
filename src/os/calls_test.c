/* SPDX-License-Identifier: Apache-2.0 */
#include "os/calls.h"
#include "os/linux_io.h"
#include "os/loop.h"
#include "os/thread.h"
#include "test/harness/check.h"

enum { STOP = 99, CALLERS = 4, CALLS = 200 };

/* A loop that answers each call with its double, until it is told to stop. */
struct doubler {
    struct calls calls;
    struct loop loop;
    int served;
};

static void serve(struct io_watch *watch, unsigned events)
{
    struct doubler *doubler = container_of(watch, struct doubler, calls.watch);
    int what = calls_take(&doubler->calls);

    (void)events;
    if (what == STOP) {
        loop_stop(&doubler->loop);
        return;
    }
    if (!what)
        return;
    doubler->served++;
    if (what % 2)
        calls_say(&doubler->calls, "odd");
    calls_say(&doubler->calls, "said too late, or about an even one");
    calls_answer(&doubler->calls, 2 * what);
}

static void doubler_main(void *context)
{
    struct doubler *doubler = context;
    scoped(linux_io_destroyp) struct io *io = NULL;

    assert(linux_io_create(&io) == 0);
    loop_init(&doubler->loop, io);
    io_watch(io, &doubler->calls.watch, IO_READABLE);
    calls_answer(&doubler->calls, 7);
    loop_run(&doubler->loop);
    io_watch(io, &doubler->calls.watch, 0);
    loop_fini(&doubler->loop);
    calls_close(&doubler->calls, -1);
    calls_close(&doubler->calls, -2); /* Too late. */
}

static void call_often(void *context)
{
    struct calls *calls = context;
    char text[CALLS_TEXT_MAX];

    for (int i = 1; i <= CALLS; i++) {
        assert(calls_make(calls, i == STOP ? 1 : i, text) == 2 * (i == STOP ? 1 : i));
        assert((strcmp(text, "odd") == 0) == (i % 2 == 1));
    }
}

TEST(calls, each_gets_the_answer_to_its_own_and_after_the_end_all_get_the_same)
{
    struct doubler doubler = {.served = 0};
    struct thread *server = NULL, *callers[CALLERS] = {NULL};
    char text[CALLS_TEXT_MAX];

    check_ok(calls_open(&doubler.calls, serve));
    check_ok(thread_start(doubler_main, &doubler, &server));
    check_eq(calls_wait(&doubler.calls, text), 7);
    check_text(text, "");
    for (int i = 0; i < CALLERS; i++)
        check_ok(thread_start(call_often, &doubler.calls, &callers[i]));
    for (int i = 0; i < CALLERS; i++)
        thread_join(callers[i]);
    check_eq(doubler.served, CALLERS * CALLS);
    check_eq(calls_make(&doubler.calls, STOP, text), -1);
    check_eq(calls_make(&doubler.calls, 1, text), -1);
    thread_join(server);
    calls_fini(&doubler.calls);
}

TEST(calls, what_nobody_asked_for_is_not_answered)
{
    struct calls calls;
    char text[CALLS_TEXT_MAX];

    check_ok(calls_open(&calls, serve));
    check_eq(calls_take(&calls), 0);
    calls_close(&calls, 3);
    check_eq(calls_wait(&calls, text), 3);
    calls_say(&calls, "nobody asks");
    check_eq(calls_make(&calls, 5, text), 3);
    check_text(text, "");
    calls_fini(&calls);
}
