/* SPDX-License-Identifier: Apache-2.0 */
#include "os/thread.h"
#include "test/harness/check.h"

#include <signal.h>

struct seen {
    sigset_t blocked;
    bool was_run;
};

static void look(void *context)
{
    struct seen *seen = context;

    assert(pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked) == 0);
    seen->was_run = true;
}

TEST(thread, it_runs_and_is_waited_for)
{
    struct seen seen = {.was_run = false};
    struct thread *thread = NULL;

    check_ok(thread_start(look, &seen, &thread));
    check(!thread_join(thread));
    check(seen.was_run);
    check(!thread_join(NULL));
}

TEST(thread, it_takes_no_signals_and_its_starter_still_does)
{
    struct seen seen = {.was_run = false};
    struct thread *thread = NULL;
    sigset_t ours;

    check_ok(thread_start(look, &seen, &thread));
    thread_join(thread);
    check(sigismember(&seen.blocked, SIGTERM) && sigismember(&seen.blocked, SIGINT));
    check_ok(pthread_sigmask(SIG_SETMASK, NULL, &ours));
    check(!sigismember(&ours, SIGTERM));
}

static void leave(void *context)
{
    bool *was_run = context;

    *was_run = true;
    thread_exit();
}

TEST(thread, it_may_end_in_the_middle)
{
    struct thread *thread = NULL;
    bool was_run = false;

    check_ok(thread_start(leave, &was_run, &thread));
    check(!thread_join(thread));
    check(was_run);
}

static void look_for_the_hook(void *context)
{
    struct bug_hook **seen = context;

    *seen = bug_get_hook();
}

TEST(thread, it_has_the_hook_of_its_starter)
{
    struct bug_hook hook = {.caught = NULL};
    struct bug_hook *seen = NULL;
    struct thread *thread = NULL;

    bug_set_hook(&hook);
    check_ok(thread_start(look_for_the_hook, &seen, &thread));
    bug_set_hook(NULL);
    thread_join(thread);
    check(seen == &hook);
}

TEST(thread, there_is_at_least_one_core)
{
    check(thread_cores() >= 1);
}
