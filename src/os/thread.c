/* SPDX-License-Identifier: Apache-2.0 */
#include "os/thread.h"

#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

struct thread {
    pthread_t id;
    void (*fn)(void *context);
    void *context;         /* Borrowed: the starter's. */
    struct bug_hook *hook; /* Likewise. */
};

static void *thread_main(void *p)
{
    struct thread *thread = p;

    bug_set_hook(thread->hook);
    thread->fn(thread->context);
    return NULL;
}

int thread_start(void (*fn)(void *context), void *context, struct thread **out)
{
    struct thread *thread = mem_new(sizeof(*thread));
    sigset_t all, before;
    int r;

    *thread = (struct thread){.fn = fn, .context = context, .hook = bug_get_hook()};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&thread->id, NULL, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r) {
        mem_free(thread);
        return err_raise(-r);
    }
    *out = thread;
    return 0;
}

struct thread *thread_join(struct thread *thread)
{
    if (!thread)
        return NULL;
    pthread_join(thread->id, NULL);
    mem_free(thread);
    return NULL;
}

void thread_exit(void)
{
    pthread_exit(NULL);
}

int thread_cores(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set))
        return 1;
    return max_of(CPU_COUNT(&set), 1);
}
