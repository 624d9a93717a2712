/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/base.h - the few words every other file is written with.
 *
 * Nothing here allocates, locks or calls the kernel.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define KiB(n) ((int64_t)(n) << 10)
#define MiB(n) ((int64_t)(n) << 20)
#define GiB(n) ((int64_t)(n) << 30)

/* Runs `fn` on a local variable when it leaves scope:
 *
 *     scoped(fd_closep) int fd = -1;
 */
#define scoped(fn) __attribute__((cleanup(fn)))

/* Lets `scoped()` end a value of pointer type with its own destructor:
 *
 *     SCOPED_BY(log_close, struct log *);
 *     scoped(log_closep) struct log *log = NULL;
 */
#define SCOPED_BY(destroy, type)                                                                   \
    static inline void destroy##p(type *valuep)                                                    \
    {                                                                                              \
        *valuep = destroy(*valuep);                                                                \
    }                                                                                              \
    struct scoped_by_needs_a_semicolon

/* Yields the pointer `p` and leaves NULL behind: the value is now the taker's. */
#define take(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

/* The object of type `type` whose member `member` lies at `p`. */
#define container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

#define min_of(a, b)                                                                               \
    __extension__({                                                                                \
        __typeof__(a) min_a_ = (a);                                                                \
        __typeof__(b) min_b_ = (b);                                                                \
        min_a_ < min_b_ ? min_a_ : min_b_;                                                         \
    })
#define max_of(a, b)                                                                               \
    __extension__({                                                                                \
        __typeof__(a) max_a_ = (a);                                                                \
        __typeof__(b) max_b_ = (b);                                                                \
        max_a_ > max_b_ ? max_a_ : max_b_;                                                         \
    })

/* Ends the process with the text of the broken promise and a stack.  Never returns. */
_Noreturn void bug(const char *what, const char *file, int line);

/* Who is told of a bug on a thread, in place of the end of the process: in a program that is not
 * ours.  Embedded in its owner.  What the thread worked on is in no known state: caught() leaves
 * it as it is, and ends the thread or the process. */
struct bug_hook {
    __attribute__((noreturn)) void (*caught)(struct bug_hook *hook, const char *what,
                                             const char *file, int line);
};

/* Sets the hook of this thread; NULL: a bug ends the process, as in the beginning.  Threads that
 * are started by it (os/thread.h, os/linux_work.c) have the same. */
void bug_set_hook(struct bug_hook *hook);

/* The hook of this thread, or NULL. */
struct bug_hook *bug_get_hook(void);

/* Bugs end the process; `assert` is compiled into every build, release too.
 * `assert_slow` is for checks that cost more than the code around them: sanitizer
 * and simulator builds only. */
#undef assert
#define assert(cond) ((cond) ? (void)0 : bug(#cond, __FILE__, __LINE__))
#ifdef MOLDAU_SLOW_ASSERTS
#    define assert_slow(cond) assert(cond)
#else
#    define assert_slow(cond) ((void)sizeof(cond))
#endif
