/* SPDX-License-Identifier: Apache-2.0 */

/* base/err.c - where bugs end and errors may be watched passing. */

#include "base/err.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>

enum { STACK_DEPTH_MAX = 64 };

void bug(const char *what, const char *file, int line)
{
    void *stack[STACK_DEPTH_MAX];
    int depth = backtrace(stack, STACK_DEPTH_MAX);

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
