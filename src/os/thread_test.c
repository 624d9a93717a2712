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

TEST(thread, there_is_at_least_one_core)
{
    check(thread_cores() >= 1);
}
