/* SPDX-License-Identifier: Apache-2.0 */

/* base/err.c - where bugs end and errors may be watched passing. */

#include "base/err.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>

enum { STACK_DEPTH_MAX = 64 };

/* Of a thread, since a promise is broken by a call that knows of no node. */
static _Thread_local struct bug_hook *thread_hook;

void bug_set_hook(struct bug_hook *hook)
{
    thread_hook = hook;
}

struct bug_hook *bug_get_hook(void)
{
    return thread_hook;
}

void bug(const char *what, const char *file, int line)
{
    void *stack[STACK_DEPTH_MAX];
    int depth = backtrace(stack, STACK_DEPTH_MAX);

    struct bug_hook *hook = take(thread_hook); /* One that has a bug itself ends the process. */

    if (hook)
        hook->caught(hook, what, file, line);
    fprintf(stderr, "bug: %s:%d: %s\n", file, line, what);
    fflush(stderr);
    backtrace_symbols_fd(stack, depth, fileno(stderr));
    abort();
}

int err_trace(int r, const char *func, const char *file, int line)
{
    (void)func;
    (void)file;
    (void)line;
    return r;
}
