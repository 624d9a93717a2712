/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/thread.h - the threads that shards run on; nobody else starts any.
 *
 * Threading: thread_join() by whoever started it.
 * Errors:    base/err.h.
 */

#include "base/base.h"

struct thread;

/* Starts `fn(context)` on a thread of its own, which takes no signals. */
NODISCARD int thread_start(void (*fn)(void *context), void *context, struct thread **out);

/* Waits for its end and frees it; NULL is allowed.  Always returns NULL. */
struct thread *thread_join(struct thread *thread);

/* Ends the calling thread, which thread_start() has started, without a return to its fn. */
_Noreturn void thread_exit(void);

/* How many cores this process may use. */
int thread_cores(void);
