/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/calls.h - how threads that are not ours ask a loop for something, and wait until it is done.
 *
 *      calls_make(what) ------> watch.ready() on the loop, calls_take()
 *                 waits  <----- calls_answer(result), or calls_close(result)
 *
 * One call is under way at a time; others wait for their turn.  The calls outlive the loop: the
 * first is under way from calls_open() on, so that its maker can start the loop's thread and then
 * wait for it.
 *
 * Threading: calls_make(), calls_wait(), calls_say() any thread; the rest as below.
 * Errors:    base/err.h; of a call the number that was answered.
 */

#include "os/io.h"

#include <pthread.h>

enum { CALLS_TEXT_MAX = 1024 };

struct calls {
    struct io_watch watch; /* For the loop: readable when there is a call.  An eventfd. */
    pthread_mutex_t mutex; /* Guards what follows. */
    pthread_cond_t changed;
    int what;     /* Of the call under way; 0: none, or it was taken. */
    bool is_busy; /* A call is under way. */
    bool is_answered, is_closed;
    int result;        /* Of the call that was answered, or of all, when closed. */
    int closed_result; /* What all calls get from calls_close() on. */
    char text[CALLS_TEXT_MAX];
};

/* Opens them with a first call under way, which calls_wait() waits for.  `ready` is called on the
 * loop that watches. */
NODISCARD int calls_open(struct calls *calls,
                         void (*ready)(struct io_watch *watch, unsigned events));

/* Frees; nobody calls any more. */
void calls_fini(struct calls *calls);

/* Asks for `what`, which is not 0, and waits for the result.  What was said about it is in
 * `out_text` then. */
NODISCARD int calls_make(struct calls *calls, int what, char out_text[static CALLS_TEXT_MAX]);

/* Waits for the result of the first call. */
NODISCARD int calls_wait(struct calls *calls, char out_text[static CALLS_TEXT_MAX]);

/* What is asked for, once; 0: nothing.  The loop's thread. */
int calls_take(struct calls *calls);

/* Says something about the call under way; the first that is said about one stays. */
void calls_say(struct calls *calls, const char *text);

/* Ends the call under way, if there is one.  The loop's thread. */
void calls_answer(struct calls *calls, int result);

/* The loop is no more: ends the call under way and all that follow.  Any thread; the first
 * closing counts. */
void calls_close(struct calls *calls, int result);
